"""Values that the Python client tests write and read.

Each is a client object and the text that PostgreSQL prints for it; all numbers
are exact in their type.
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
    """Vectors of numbers with no more than 10 significant bits, so exact in halfvec too."""
    numbers = random.Random(seed)
    return [[numbers.randint(-1023, 1023) / 64 for _ in range(dim)] for _ in range(count)]
