"""Values that the Python client tests write and read.

A sample is a client object and the text that PostgreSQL prints for it; all
numbers are exact in their type.  documents() are the rows of the upsert
scenario, which every client runs: 3,000 rows with vectors of 8 dimensions,
then 3,000 of which half have keys of the first.
"""
import random

from pgvector import Bit, HalfVector, SparseVector, Vector

SAMPLES = {
    "vector": [
        (Vector([1, -2.5, 0.015625]), "[1,-2.5,0.015625]"),
        (Vector([3.4028234663852886e38]), "[3.4028235e+38]"),
        (Vector([1e-45, 0]), "[1e-45,0]"),
    ],
    "halfvec": [
        (HalfVector([1, -2.5, 0.015625]), "[1,-2.5,0.015625]"),
        (HalfVector([65504, 2.0**-24]), "[65504,5.9604645e-08]"),
    ],
    "sparsevec": [
        (SparseVector({0: 0.5, 2: -2}, 5), "{1:0.5,3:-2}/5"),
        (SparseVector({}, 3), "{}/3"),
        (SparseVector({999999999: 1}, 1000000000), "{1000000000:1}/1000000000"),
    ],
    "bit": [
        (Bit("101"), "101"),
        (Bit("1000000001"), "1000000001"),
    ],
}


def random_vectors(count, dim, seed=20240527):
    """Return vectors of numbers with at most 10 significant bits, exact in halfvec too."""
    numbers = random.Random(seed)
    return [[numbers.randint(-1023, 1023) / 64 for _ in range(dim)] for _ in range(count)]


FIRST = range(3000)
SECOND = range(1500, 4500)
COLUMNS = ["id", "embedding", "number", "title", "count", "body"]


def documents(ids, seed):
    """Return columns of documents, lists by name; embeddings are lists of float."""
    numbers = random.Random(seed)
    return {
        "id": list(ids),
        "embedding": [[numbers.randint(-1000, 1000) / 64 for _ in range(8)] for _ in ids],
        "number": [i * 7 % 1000 for i in ids],
        "title": [f"title {i}, \"quoted\"" for i in ids],
        "count": [i % 13 for i in ids],
        "body": ["dy" * (i % 3000) for i in ids],
    }
