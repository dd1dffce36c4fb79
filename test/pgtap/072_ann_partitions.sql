-- A query over many partitions finds their directories in the session's memory.
BEGIN;
SELECT plan(2);

CREATE TABLE parts (id int, p int, e vector(8)) PARTITION BY LIST (p);
SELECT format('CREATE TABLE part_%s PARTITION OF parts FOR VALUES IN (%s) USING vecstore', i, i) FROM generate_series(1, 12) i \gexec
INSERT INTO parts SELECT i, i % 12 + 1, ARRAY[sin(i), cos(i), sin(3 * i), cos(7 * i), sin(i * i), 0, 1, 2]::real[]::vector FROM generate_series(1, 2400) i;
CREATE INDEX ON parts USING vecann (e);
SET LOCAL enable_seqscan = off;
SET LOCAL enable_sort = off;

CREATE FUNCTION buffers() RETURNS int LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT id FROM parts ORDER BY e <-> ''[1,0,0,1,0,0,1,2]'' LIMIT 10' INTO plan;
	RETURN (plan->0->'Plan'->>'Shared Hit Blocks')::int + (plan->0->'Plan'->>'Shared Read Blocks')::int;
END $$;
CREATE TEMP TABLE runs AS SELECT i, buffers() AS n FROM generate_series(1, 4) i;
SELECT cmp_ok((SELECT n FROM runs WHERE i = 1) - (SELECT n FROM runs WHERE i = 2), '>=', 24,
	'the second query reads no directory, which is two pages of each index at least');
SELECT cmp_ok((SELECT n FROM runs WHERE i = 1) - (SELECT n FROM runs WHERE i = 4), '>=', 24, 'nor does the fourth');

SELECT * FROM finish();
ROLLBACK;
