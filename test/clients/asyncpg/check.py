"""Types over asyncpg, which speaks binary only."""
import asyncio

import asyncpg
from pgvector import HalfVector, SparseVector, Vector
from pgvector.asyncpg import register_vector

import tap
from values import SAMPLES, random_vectors


async def sqlstate(awaitable):
    try:
        await awaitable
    except asyncpg.PostgresError as error:
        return error.sqlstate
    return None


async def values(conn):
    for type_name in ("vector", "halfvec", "sparsevec"):
        samples = SAMPLES[type_name]
        got = [
            tuple(await conn.fetchrow(f"SELECT $1::{type_name}, $1::{type_name}::text", value))
            for value, _ in samples
        ]
        tap.equal(got, samples, f"{type_name} written and read")

    bits = asyncpg.BitString("1000000001")
    got = await conn.fetchrow("SELECT $1::bit(10), $1::bit(10) <~> $2::bit(10)", bits, asyncpg.BitString("0000000001"))
    tap.equal(tuple(got), (bits, 1.0), "bit written and read, Hamming distance")


async def tables(conn):
    await conn.execute("CREATE TABLE items (id int PRIMARY KEY, v vector(100), h halfvec(100), s sparsevec(100))")
    rows = [(i, Vector(x), HalfVector(x), SparseVector(x)) for i, x in enumerate(random_vectors(1000, 100))]
    await conn.copy_records_to_table("items", records=rows)
    got = [tuple(row) for row in await conn.fetch("SELECT * FROM items ORDER BY id")]
    tap.ok(got == rows, "1000 rows by COPY BINARY")

    await conn.execute("TRUNCATE items")
    await conn.executemany("INSERT INTO items VALUES ($1, $2, $3, $4)", rows)
    got = [tuple(row) for row in await conn.fetch("SELECT * FROM items ORDER BY id")]
    tap.ok(got == rows, "1000 rows by executemany")

    for column, operator, position in (("v", "<->", 1), ("h", "<=>", 2), ("s", "<+>", 3)):
        got = await conn.fetchval(f"SELECT id FROM items ORDER BY {column} {operator} $1 LIMIT 1", rows[7][position])
        tap.equal(got, 7, f"nearest by {operator} with a parameter")

    await conn.execute("INSERT INTO items VALUES (1000, NULL, NULL, NULL)")
    got = await conn.fetchrow("SELECT v, h, s FROM items WHERE id = 1000")
    tap.equal(tuple(got), (None, None, None), "NULLs")
    got = await sqlstate(conn.execute("INSERT INTO items (id, v) VALUES (-1, $1)", Vector([1, 2])))
    tap.equal(got, "22000", "other dimensions are refused")


async def connect():
    conn = await asyncpg.connect()
    try:
        await register_vector(conn)
        await values(conn)
        await tables(conn)
    finally:
        await conn.close()


tap.run(lambda: asyncio.run(connect()))
