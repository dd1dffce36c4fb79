"""Types over psycopg 3: text and binary parameters and results, COPY, arrays."""
import psycopg
from pgvector import Bit, HalfVector, SparseVector, Vector
from pgvector.psycopg import register_vector

import tap
from values import COLUMNS, FIRST, SAMPLES, SECOND, documents, random_vectors

FORMATS = {"text": ("%t", False), "binary": ("%b", True)}


def both_ways(conn):
    """Write and read each value in both formats."""
    for type_name, samples in SAMPLES.items():
        for written, (mark, _) in FORMATS.items():
            for read, (_, binary) in FORMATS.items():
                with conn.cursor(binary=binary) as cur:
                    got = [
                        cur.execute(f"SELECT x, x::text FROM (SELECT {mark} AS x) s", (value,)).fetchone()
                        for value, _ in samples
                    ]
                # psycopg reads bit as text
                wanted = [(text if type_name == "bit" else value, text) for value, text in samples]
                if type_name == "bit" and binary:
                    got = [text for _, text in got]
                    wanted = [text for _, text in wanted]
                tap.equal(got, wanted, f"{type_name} written as {written}, read as {read}")


def tables(conn):
    conn.execute("CREATE TABLE items (id bigserial PRIMARY KEY, v vector(3), h halfvec(3), s sparsevec(3), b bit(3))")
    row = (Vector([1, 2, 3]), HalfVector([1, 2, 3]), SparseVector([1, 0, 3]), Bit("101"))
    conn.execute("INSERT INTO items (v, h, s, b) VALUES (%s, %s, %s, %s)", row)
    conn.execute("INSERT INTO items (v, h, s, b) VALUES (%s, %s, %s, %s)", (None,) * 4)
    got = conn.execute("SELECT v, h, s, b FROM items ORDER BY id").fetchall()
    tap.equal(got, [row[:3] + ("101",), (None,) * 4], "a row and a row of NULLs")

    for operator, column, value in (
        ("<->", "v", Vector([1, 2, 4])),
        ("<#>", "h", HalfVector([1, 2, 4])),
        ("<=>", "s", SparseVector([1, 0, 4])),
        ("<+>", "v", Vector([3, 2, 1])),
        ("<~>", "b", Bit("100")),
        ("<%%>", "b", Bit("100")),
    ):
        got = conn.execute(
            f"SELECT id FROM items ORDER BY {column} {operator} %s LIMIT 1", (value,)
        ).fetchone()
        tap.equal(got, (1,), f"nearest by {operator.replace('%%', '%')} with a parameter")

    tap.raises(
        "22000",
        lambda: conn.execute("INSERT INTO items (v) VALUES (%s)", (Vector([1, 2]),)),
        "other dimensions are refused",
    )
    tap.raises(
        "22000",
        lambda: conn.execute("SELECT v <-> %s FROM items", (Vector([1, 2]),)),
        "a distance to other dimensions is refused",
    )
    got = conn.execute("SELECT avg(v), sum(h) FROM items").fetchone()
    tap.equal(got, (Vector([1, 2, 3]), HalfVector([1, 2, 3])), "aggregates")
    got = conn.execute("SELECT array_agg(v), array_agg(s) FROM items WHERE v IS NOT NULL").fetchone()
    tap.equal(got, ([Vector([1, 2, 3])], [SparseVector([1, 0, 3])]), "arrays read")
    got = conn.execute("SELECT %s::vector[]", ([Vector([1, 2]), Vector([3])],)).fetchone()
    tap.equal(got, ([Vector([1, 2]), Vector([3])],), "an array written")


def copy(conn):
    """COPY many rows in and out, as binary and as text."""
    conn.execute("CREATE TABLE many (id int PRIMARY KEY, v vector(100), h halfvec(100), s sparsevec(100))")
    rows = [
        (i, Vector(x), HalfVector(x), SparseVector(x)) for i, x in enumerate(random_vectors(1000, 100))
    ]
    for form in ("BINARY", "TEXT"):
        conn.execute("TRUNCATE many")
        with conn.cursor().copy(f"COPY many FROM STDIN (FORMAT {form})") as into:
            if form == "BINARY":
                into.set_types(["int4", "vector", "halfvec", "sparsevec"])
            for row in rows:
                into.write_row(row)
        for binary in (False, True):
            got = conn.cursor(binary=binary).execute("SELECT * FROM many ORDER BY id").fetchall()
            tap.ok(got == rows, f"1000 rows by COPY {form}, read as {'binary' if binary else 'text'}")

    with conn.cursor().copy("COPY (SELECT * FROM many ORDER BY id) TO STDOUT (FORMAT BINARY)") as out:
        out.set_types(["int4", "vector", "halfvec", "sparsevec"])
        tap.ok(list(out.rows()) == rows, "1000 rows by COPY TO BINARY")


def largest(conn):
    values = [float(i % 97) for i in range(16000)]
    for binary in (False, True):
        got = conn.cursor(binary=binary).execute("SELECT %s", (Vector(values),)).fetchone()[0]
        tap.ok(got == Vector(values), f"16,000 dimensions, {'binary' if binary else 'text'}")
    tap.raises("54000", lambda: conn.execute("SELECT %b", (Vector(values + [1.0]),)), "one more is refused")


def upsert(conn, columns, mark="%b"):
    """Upsert by column; return (inserted, replaced)."""
    arrays = [columns[name] for name in COLUMNS]
    arrays[1] = [Vector(x) for x in arrays[1]]
    types = ("bigint[]", "vector[]", "int[]", "text[]", "int[]", "text[]")
    marks = ", ".join(f"{mark}::{type_name}" for type_name in types)
    return conn.execute(
        f"SELECT inserted, replaced FROM vecstore.upsert_columns('documents', %s, {marks})", (COLUMNS, *arrays)
    )


def scenario(conn):
    """Upsert, upsert again with half of the keys new, flush, count, search, flush."""
    for form, (mark, binary) in FORMATS.items():
        conn.execute("TRUNCATE documents")
        first = documents(FIRST, 1)
        second = documents(SECOND, 2)
        tap.equal(upsert(conn, first, mark).fetchone(), (3000, 0), f"3,000 new documents, {form}")
        tap.equal(upsert(conn, second, mark).fetchone(), (1500, 1500), f"3,000 documents, half of them known, {form}")

        query = "SELECT id, embedding, body FROM documents ORDER BY embedding <-> %s LIMIT 10"
        wanted = (2000, Vector(second["embedding"][500]), second["body"][500])
        for state in ("before", "after"):
            got = conn.cursor(binary=binary).execute(query, (wanted[1],)).fetchall()
            tap.equal((len(got), got[0]), (10, wanted), f"a replaced document is found {state} the flush, {form}")
            if state == "before":
                sealed = conn.execute("SELECT rows_sealed FROM vecstore.flush('documents')").fetchall()
                tap.ok(len(sealed) == 1 and sealed[0][0] >= 4500, f"flush seals what was upserted, {form}")
        sealed = conn.execute("SELECT rows_sealed FROM vecstore.flush('documents')").fetchall()
        tap.equal(sealed, [(0,)], f"a second flush has nothing to seal, {form}")
        got = conn.execute("SELECT count(*), sum(length(body)) FROM documents").fetchone()
        bodies = sum(map(len, first["body"][:1500])) + sum(map(len, second["body"]))
        tap.equal(got, (4500, bodies), f"the documents count, {form}")

    conn.execute("TRUNCATE documents")
    with conn.pipeline():
        results = [
            upsert(conn, {name: values[i : i + 500] for name, values in first.items()}) for i in range(0, 3000, 500)
        ]
    tap.equal([r.fetchone() for r in results], [(500, 0)] * 6, "6 upserts in a pipeline")

    conn.execute("SELECT vecstore.create_upsert_view('documents')")
    with conn.cursor().copy(f"COPY documents_upsert ({', '.join(COLUMNS)}) FROM STDIN (FORMAT BINARY)") as into:
        into.set_types(["int8", "vector", "int4", "text", "int4", "text"])
        for row in zip(*(second[name] for name in COLUMNS)):
            into.write_row((row[0], Vector(row[1]), *row[2:]))
    got = conn.execute("SELECT count(*), (SELECT embedding FROM documents WHERE id = 2000) FROM documents").fetchone()
    tap.equal(got, (4500, Vector(second["embedding"][500])), "COPY that upserts")

    short = dict(documents(range(2), 3), embedding=[[1.0, 2.0]] * 2)
    tap.raises("22000", lambda: upsert(conn, short), "an upsert of other dimensions is refused")


def main():
    with psycopg.connect(autocommit=True) as conn:
        register_vector(conn)
        both_ways(conn)
        tables(conn)
        copy(conn)
        largest(conn)
        scenario(conn)


tap.run(main)
