-- Index access method vecann: at default settings the rows are in order, although
-- one bound in 35 is above the true distance.
SET client_min_messages = warning;
SET enable_seqscan = off;
SET jit = off;
SELECT setseed(0.25);
CREATE TABLE points (id int, v vector(64)) USING vecstore;
CREATE INDEX points_v ON points USING vecann (v) WITH (pending_limit = 0);
CREATE FUNCTION random_vector(g int) RETURNS vector LANGUAGE sql VOLATILE AS
	$$ SELECT array_agg(random() + random() + random() - 1.5 + 0 * i * g)::real[]::vector FROM generate_series(1, 64) i $$;
INSERT INTO points SELECT i, random_vector(i) FROM generate_series(1, 3000) i;
ANALYZE points;
CREATE TABLE queries AS SELECT i, random_vector(i) AS v FROM generate_series(1, 20) i;
-- queries in whose result a row is nearer than the row before it
CREATE FUNCTION unsorted(n int) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM queries q, LATERAL
		(SELECT bool_or(d < before) AS any FROM
			(SELECT d, lag(d) OVER () AS before FROM (SELECT v <-> q.v AS d FROM points ORDER BY v <-> q.v LIMIT n) s) s) s
	WHERE s.any
$$;
-- ranks, and counts up to the peers, that differ from those of a sort
CREATE FUNCTION misranked(n int) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM
		(SELECT rank, peers, rank() OVER w AS true_rank, count(*) OVER w AS true_peers FROM queries q, LATERAL
			(SELECT v <-> q.v AS d, rank() OVER (ORDER BY v <-> q.v), count(*) OVER (ORDER BY v <-> q.v) AS peers
				FROM points ORDER BY v <-> q.v LIMIT n) s
			WINDOW w AS (PARTITION BY i ORDER BY d + 0)) t
	WHERE rank <> true_rank OR peers <> true_peers
$$;
-- result pages of ten rows, each after the last row of the page before: rows that
-- come twice, or too early
CREATE FUNCTION mispaged(pages int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	q vector;
	page record;
	last float8;
	bad bigint := 0;
BEGIN
	FOR q IN SELECT v FROM queries WHERE i <= 4 LOOP
		last := -1;
		FOR i IN 1 .. pages LOOP
			SELECT count(*) AS n, min(d) AS first, max(d) AS last, max(rank) AS ranks INTO page FROM
				(SELECT v <-> q AS d, rank() OVER (ORDER BY v <-> q) FROM points WHERE v <-> q > last ORDER BY v <-> q LIMIT 10) s;
			bad := bad + (page.n <> 10 OR page.first <= last OR page.last < page.first)::int;
			last := page.last;
		END LOOP;
	END LOOP;
	RETURN bad;
END $$;
CREATE VIEW states AS SELECT (SELECT array_agg(unsorted(n) ORDER BY n) FROM unnest('{10,20,200,1000,5000}'::int[]) n) AS unsorted,
	(SELECT array_agg(misranked(n) ORDER BY n) FROM unnest('{20,200,2000}'::int[]) n) AS misranked, mispaged(5);
SELECT * FROM states;
SELECT rows_sealed FROM vecstore.flush('points');
SELECT * FROM states;
-- lists that are scored late do not bring rows late
SET vecann.probes = 1;
SELECT * FROM states;
RESET vecann.probes;
INSERT INTO points SELECT i, random_vector(i) FROM generate_series(3001, 4000) i;
SELECT * FROM states;

-- with a condition; by a cursor, where the scan does not know the number of rows
CREATE FUNCTION fetched(condition text, n int) RETURNS TABLE (rows int, late int) LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
	d float8;
	last float8 := -1;
BEGIN
	rows := 0;
	late := 0;
	OPEN c FOR EXECUTE 'SELECT v <-> $1 FROM points WHERE ' || condition || ' ORDER BY v <-> $1' USING (SELECT v FROM queries WHERE i = 1);
	LOOP
		FETCH c INTO d;
		EXIT WHEN NOT FOUND OR rows = n;
		rows := rows + 1;
		late := late + (d < last)::int;
		last := d;
	END LOOP;
	CLOSE c;
	RETURN NEXT;
END $$;
SET cursor_tuple_fraction = 0.01;
SELECT condition, n, fetched(condition, n) FROM (VALUES ('true', 1000), ('id % 10 = 0', 100)) q(condition, n);
-- all rows, each once; rows found too late come at the end
SELECT (fetched('true', 5000)).rows;
RESET cursor_tuple_fraction;

-- plans that read all rows get them in order
SET enable_sort = off;
SET enable_hashagg = off;
SELECT count(*) - count(DISTINCT d) AS split, sum(n) FROM
	(SELECT v <-> (SELECT v FROM queries WHERE i = 1) AS d, count(*) AS n FROM points GROUP BY 1 ORDER BY 1) q;
SELECT count(*) - count(DISTINCT d) AS repeated FROM (SELECT DISTINCT v <-> (SELECT v FROM queries WHERE i = 1) AS d FROM points ORDER BY 1) q;
SELECT count(*), sum((rank <> true_rank)::int) AS misranked FROM
	(SELECT rank, rank() OVER (ORDER BY d + 0) AS true_rank FROM
		(SELECT v <-> (SELECT v FROM queries WHERE i = 2) AS d, rank() OVER (ORDER BY v <-> (SELECT v FROM queries WHERE i = 2)) FROM points) q) q;
SELECT sum((last <> d)::int) AS not_last FROM
	(SELECT DISTINCT last_value(v <-> (SELECT v FROM queries WHERE i = 3)) OVER
			(ORDER BY v <-> (SELECT v FROM queries WHERE i = 3) ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last FROM points LIMIT 1) q,
	(SELECT max(v <-> (SELECT v FROM queries WHERE i = 3)) AS d FROM points) m;
-- a merge join finds each row
CREATE TABLE distances AS SELECT DISTINCT v <-> (SELECT v FROM queries WHERE i = 1) AS d FROM points;
SET enable_hashjoin = off;
SET enable_nestloop = off;
PREPARE joined(vector) AS SELECT count(*) FROM
	(SELECT id FROM points JOIN distances ON d = v <-> $1 ORDER BY v <-> $1 LIMIT 10000) q;
SET plan_cache_mode = force_generic_plan;
EXPLAIN (COSTS OFF) EXECUTE joined(NULL);
SELECT v AS query FROM queries WHERE i = 1 \gset
EXECUTE joined(:'query');
RESET plan_cache_mode;
RESET enable_sort;
RESET enable_hashagg;
RESET enable_hashjoin;
RESET enable_nestloop;

-- a second key: an incremental sort over the index, where the first has ties
CREATE TABLE grid (id int, v vector(2), other vector(2)) USING vecstore;
INSERT INTO grid SELECT i, ARRAY[i % 13, i % 7]::real[]::vector, ARRAY[i % 5, i % 3]::real[]::vector FROM generate_series(1, 6000) i;
CREATE INDEX grid_v ON grid USING vecann (v);
ANALYZE grid;
EXPLAIN (COSTS OFF) SELECT id FROM grid ORDER BY v <-> '[3,4]', id LIMIT 10;
EXPLAIN (COSTS OFF) SELECT id FROM grid ORDER BY v <-> '[3,4]', other <-> '[1,1]', id LIMIT 10;
CREATE FUNCTION same(clause text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	by_index text;
	by_sort text;
BEGIN
	SET enable_indexscan = on;
	EXECUTE 'SELECT string_agg(q::text, '' '') FROM (SELECT id FROM grid ' || clause || ') q' INTO by_index;
	SET enable_indexscan = off;
	EXECUTE 'SELECT string_agg(q::text, '' '') FROM (SELECT id FROM grid ' || clause || ') q' INTO by_sort;
	SET enable_indexscan = on;
	RETURN by_index = by_sort;
END $$;
SELECT clause, same(clause) FROM (VALUES
	('ORDER BY v <-> ''[3,4]'', id LIMIT 100'),
	('ORDER BY v <-> ''[3,4]'', id DESC LIMIT 700'),
	('ORDER BY v <-> ''[3,4]'', other <-> ''[1,1]'', id LIMIT 50'),
	('WHERE id % 3 = 0 ORDER BY v <-> ''[6,2]'', id OFFSET 20 LIMIT 50'),
	('ORDER BY v <-> NULL, id LIMIT 20')) q(clause);
SELECT count(*), max(d) FROM (SELECT v <-> '[3,4]' AS d FROM grid ORDER BY v <-> '[3,4]' FETCH FIRST 5 ROWS WITH TIES) q;
DROP TABLE grid;

-- partitions, of which some are read to their end
CREATE TABLE parts (id int, v vector(64)) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (1) TO (21) USING vecstore;
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (21) TO (400) USING vecstore;
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (400) TO (5000) USING vecstore;
CREATE INDEX ON parts USING vecann (v);
INSERT INTO parts SELECT id, v FROM points WHERE id <= 3000;
ANALYZE parts;
SET plan_cache_mode = force_generic_plan;
PREPARE nearest(vector) AS SELECT id FROM parts ORDER BY v <-> $1 LIMIT 10;
PREPARE nearest_first(vector) AS SELECT id FROM parts ORDER BY v <-> $1, id LIMIT 10;
EXPLAIN (COSTS OFF) EXECUTE nearest(NULL);
EXPLAIN (COSTS OFF) EXECUTE nearest_first(NULL);
RESET plan_cache_mode;
SELECT n, sum((d < before)::int) AS unsorted FROM
	(SELECT n, d, lag(d) OVER (PARTITION BY i, n ORDER BY place) AS before FROM queries q, (VALUES (10), (50), (200), (1000)) l(n), LATERAL
		(SELECT v <-> q.v AS d, row_number() OVER () AS place FROM (SELECT v FROM parts ORDER BY v <-> q.v LIMIT n) s) s) s
	GROUP BY n ORDER BY n;
DROP TABLE parts;

-- rows that the scan holds back are not lost, neither at its end nor by a rescan
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM points ORDER BY v <-> (SELECT v FROM points WHERE id = 1) LIMIT 5000) q;
SELECT count(*), count(DISTINCT s.id) FROM generate_series(1, 20) i,
	LATERAL (SELECT id FROM points ORDER BY v <-> (SELECT v FROM points WHERE id = i) LIMIT 2) s;
DEALLOCATE ALL;
DROP VIEW states;
DROP TABLE points, queries, distances;
DROP FUNCTION random_vector(int), unsorted(int), misranked(int), mispaged(int), fetched(text, int), same(text);
