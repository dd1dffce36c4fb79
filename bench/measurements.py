"""The measurements that are kept: bench/results/*.tsv, a table per file.

A benchmark appends its rows with `keep=yes`; bench/chart draws them.  A row is never changed afterwards: a later
measurement is another row.  bench/results/README.md explains the columns.
"""
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
FOLDER = TOP / "bench/results"
TABLES = {
    "search": "run date commit dataset rows state system parameter filter clients recall qps note",
    "write": "run date commit dataset system what clients rows_per_s wal_bytes_per_row note",
    "index": "run date commit dataset system workers memory seconds peak_mb index_mb wal_mb note",
    "table": "run date commit dataset figure heap vecstore unit note",
}


def columns(table):
    return TABLES[table].split()


def read(table):
    """The rows of a table, as dictionaries of strings; a value that was not measured is ''."""
    lines = (FOLDER / f"{table}.tsv").read_text(encoding="utf-8").splitlines()
    if lines[0].split("\t") != columns(table):
        raise SystemExit(f"{table}.tsv: the first line does not name the columns {TABLES[table]}")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        values = line.split("\t")
        if len(values) != len(columns(table)):
            raise SystemExit(f"{table}.tsv:{number}: {len(values)} values for {len(columns(table))} columns")
        rows.append(dict(zip(columns(table), values)))
    return rows


def commit():
    """The commit that is measured, "-dirty" when other files than the kept measurements differ from it."""
    head = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=TOP, text=True, capture_output=True)
    if head.returncode != 0:
        return "unknown"
    clean = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", ".", ":!bench/results"], cwd=TOP)
    return head.stdout.strip() + ("" if clean.returncode == 0 else "-dirty")


class Keeper:
    """Appends rows of one run; does nothing unless asked to keep them."""

    def __init__(self, bench, keep, note=""):
        self.keep = keep
        self.note = note
        self.fixed = {
            "run": f"{bench} {time.strftime('%Y-%m-%d %H:%M')}",
            "date": time.strftime("%Y-%m-%d"),
            "commit": commit(),
        }

    def __call__(self, table, **values):
        unknown = set(values) - set(columns(table))
        assert not unknown, unknown
        if not self.keep:
            return
        row = {**self.fixed, **values}
        row["note"] = "; ".join(filter(None, (values.get("note"), self.note)))
        text = [str(row.get(name, "")) for name in columns(table)]
        with open(FOLDER / f"{table}.tsv", "a", encoding="utf-8") as file:
            print(*text, sep="\t", file=file)


def main():
    """measurements.py TABLE BENCH: rows from standard input, the first line naming their columns, for benchmarks that are no Python."""
    if len(sys.argv) != 3 or sys.argv[1] not in TABLES:
        raise SystemExit(f"usage: measurements.py {'|'.join(TABLES)} BENCH")
    keep = Keeper(sys.argv[2], True)
    names, *lines = sys.stdin.read().splitlines()
    for line in lines:
        keep(sys.argv[1], **dict(zip(names.split("\t"), line.split("\t"))))


if __name__ == "__main__":
    main()
