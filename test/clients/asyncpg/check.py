"""Types over asyncpg, which uses only the binary format."""
import asyncio

import asyncpg
from pgvector import HalfVector, SparseVector, Vector
from pgvector.asyncpg import register_vector

import tap
from values import COLUMNS, FIRST, SAMPLES, SECOND, documents, random_vectors


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


async def upsert(conn, columns):
    """Upsert by column; return (inserted, replaced)."""
    arrays = [columns[name] for name in COLUMNS]
    arrays[1] = [Vector(x) for x in arrays[1]]
    return tuple(await conn.fetchrow(
        "SELECT inserted, replaced FROM vecstore.upsert_columns('documents', $1,"
        " $2::bigint[], $3::vector[], $4::int[], $5::text[], $6::int[], $7::text[])", COLUMNS, *arrays))


async def scenario(conn):
    """Upsert, upsert again with half of the keys new, flush, count, search, flush."""
    first = documents(FIRST, 1)
    second = documents(SECOND, 2)
    tap.equal(await upsert(conn, first), (3000, 0), "3,000 new documents")
    tap.equal(await upsert(conn, second), (1500, 1500), "3,000 documents, half of them known")

    query = "SELECT id, embedding, body FROM documents ORDER BY embedding <-> $1 LIMIT 10"
    wanted = (2000, Vector(second["embedding"][500]), second["body"][500])
    for state in ("before", "after"):
        got = await conn.fetch(query, wanted[1])
        tap.equal((len(got), tuple(got[0])), (10, wanted), f"a replaced document is found {state} the flush")
        if state == "before":
            sealed = await conn.fetchval("SELECT rows_sealed FROM vecstore.flush('documents')")
            tap.ok(sealed >= 4500, "flush seals what was upserted")
    sealed = await conn.fetch("SELECT rows_sealed FROM vecstore.flush('documents')")
    tap.equal([tuple(row) for row in sealed], [(0,)], "a second flush has nothing to seal")
    got = await conn.fetchval("SELECT count(*) FROM documents")
    tap.equal(got, 4500, "the documents count")


async def connect():
    conn = await asyncpg.connect()
    try:
        await register_vector(conn)
        await values(conn)
        await tables(conn)
        await scenario(conn)
    finally:
        await conn.close()


tap.run(lambda: asyncio.run(connect()))
