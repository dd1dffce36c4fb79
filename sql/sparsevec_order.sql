-- The order is that of the dense forms, shorter ones first when all else is equal
CREATE TABLE sparse (v sparsevec);
INSERT INTO sparse VALUES ('{1:1,2:2}/3'), ('{}/1'), ('{1:-1}/3'), ('{2:1}/3'), ('{1:1,2:2}/2'), ('{}/3'),
	('{2:-1}/3'), ('{1:1,3:-1}/3'), ('{1:1}/3'), ('{3:5}/3'), ('{3:-5}/3'), ('{1:2}/1'), ('{1:1}/1');
SELECT v FROM sparse ORDER BY v;

-- All seven comparisons agree with that order
WITH ranked AS (SELECT v, row_number() OVER (ORDER BY v) AS n FROM sparse)
SELECT count(*) AS pairs,
	count(*) FILTER (WHERE (a.v < b.v) = (a.n < b.n)
		AND (a.v <= b.v) = (a.n <= b.n)
		AND (a.v = b.v) = (a.n = b.n)
		AND (a.v <> b.v) = (a.n <> b.n)
		AND (a.v >= b.v) = (a.n >= b.n)
		AND (a.v > b.v) = (a.n > b.n)
		AND sparsevec_cmp(a.v, b.v) = sign(a.n - b.n)) AS consistent
FROM ranked a, ranked b;

-- btree
CREATE INDEX sparse_btree ON sparse (v);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT * FROM sparse WHERE v = '{1:1}/3';
SELECT * FROM sparse WHERE v = '{1:1}/3';
SELECT v FROM sparse WHERE v > '{1:1}/3' ORDER BY v;
SELECT v FROM sparse WHERE v >= '{2:1}/3' AND v < '{1:1,2:2}/3' ORDER BY v DESC;
DROP INDEX sparse_btree;

-- hash
CREATE INDEX sparse_hash ON sparse USING hash (v);
EXPLAIN (COSTS OFF) SELECT * FROM sparse WHERE v = '{1:1}/3';
SELECT * FROM sparse WHERE v = '{1:1}/3';
RESET enable_seqscan;

-- equal ones hash alike, the others differ here
INSERT INTO sparse SELECT v FROM sparse;
SET enable_sort = off;
EXPLAIN (COSTS OFF) SELECT v, count(*) FROM sparse GROUP BY v;
SELECT count(*), min(n), max(n) FROM (SELECT count(*) AS n FROM sparse GROUP BY v) g;
RESET enable_sort;
SELECT count(DISTINCT v), count(DISTINCT sparsevec_hash(v)), count(DISTINCT sparsevec_hash_extended(v, 7)) FROM sparse;
SELECT sparsevec_hash_extended('{1:1}/3', 0) = sparsevec_hash_extended('{1:1}/3', 1) AS seed_ignored;
SET enable_hashjoin = on;
SET enable_mergejoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS OFF) SELECT count(*) FROM sparse a JOIN sparse b USING (v);
SELECT count(*) FROM sparse a JOIN sparse b USING (v);
DROP TABLE sparse;
