-- The planner's choice between an index scan of vecann, another index and a sort, and a sequential scan.
-- Nodes of a query's plan that all versions have: the way in which another index
-- is read does not matter.
CREATE FUNCTION plan_of(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN (SELECT string_agg(concat_ws(' ', replace(node->>'Node Type', 'Bitmap Index', 'Index'), node->>'Index Name'), ', ' ORDER BY nth)
		FROM jsonb_path_query(plan::jsonb, 'strict $.** ? (exists (@."Node Type"))') WITH ORDINALITY AS n(node, nth)
		WHERE node->>'Node Type' <> 'Bitmap Heap Scan');
END $$;
CREATE TABLE plans (id int PRIMARY KEY, category int, price int, embedding vector(32)) USING vecstore;
INSERT INTO plans SELECT i, i * 7919 % 10000, i * 7919 % 10000,
	(SELECT array_agg(sin(i * j) + sin(i % 50 * j)) FROM generate_series(1, 32) j)::real[]::vector
	FROM generate_series(1, 20000) i;
CREATE INDEX plans_category ON plans (category);
CREATE INDEX plans_embedding ON plans USING vecann (embedding vector_l2_ops);
VACUUM ANALYZE plans;
CREATE FUNCTION nearest(condition text, k text) RETURNS text LANGUAGE sql AS $$
	SELECT plan_of(format('SELECT id FROM plans WHERE %s ORDER BY embedding <-> array_fill(0.5::real, ARRAY[32])::vector LIMIT %s', condition, k))
$$;
SET max_parallel_workers_per_gather = 0;

-- the index is taken, with a filter or without, if enough rows pass
SELECT condition, k, nearest(condition, k) FROM (VALUES ('true', '10'), ('true', '100'),
	('price < 5000', '10'), ('category < 5000', '10'), ('category < 5000 AND price < 5000', '10')) AS q(condition, k);

-- few rows pass: another index and a sort
SELECT condition, k, nearest(condition, k) FROM (VALUES ('category = 7', '10'), ('category < 20', '10'), ('id < 50', '10')) AS q(condition, k);

-- few rows pass, and no index finds them; all rows; rows without an order
SELECT condition, k, nearest(condition, k) FROM (VALUES ('price = 7', '10'), ('price < 20', '10'), ('true', 'ALL')) AS q(condition, k);
SELECT plan_of('SELECT count(embedding) FROM plans');

-- the same with parallel workers
SET max_parallel_workers_per_gather = 2;
SET min_parallel_table_scan_size = 0;
SELECT condition, k, nearest(condition, k) FROM (VALUES ('true', '10'), ('price < 5000', '10'), ('category = 7', '10')) AS q(condition, k);
RESET min_parallel_table_scan_size;
SET max_parallel_workers_per_gather = 0;

-- a prepared statement with an unknown LIMIT; a cursor; the inner side of a join
SET plan_cache_mode = force_generic_plan;
PREPARE nearest(vector, int) AS SELECT id FROM plans ORDER BY embedding <-> $1 LIMIT $2;
SELECT plan_of('EXECUTE nearest(array_fill(0.5::real, ARRAY[32])::vector, 10)');
RESET plan_cache_mode;
SET cursor_tuple_fraction = 0.001;
SELECT plan_of('DECLARE c CURSOR FOR SELECT id FROM plans ORDER BY embedding <-> array_fill(0.5::real, ARRAY[32])::vector');
RESET cursor_tuple_fraction;
SELECT plan_of('SELECT n.id FROM generate_series(1, 5) i, LATERAL
	(SELECT id FROM plans ORDER BY embedding <-> array_fill(i::real, ARRAY[32])::vector LIMIT 3) n');

-- other plans are cheaper for operations that need all rows: groups, distinct
-- distances, a number for each row, joins by distance; a further key only sorts
-- peers
CREATE TABLE distances (d float8 PRIMARY KEY);
CREATE FUNCTION by_distance(query text) RETURNS boolean LANGUAGE sql AS $$
	SELECT plan_of(replace(query, '{d}', 'embedding <-> array_fill(0.5::real, ARRAY[32])::vector')) ~ 'plans_embedding'
$$;
SELECT query, by_distance(query) FROM (VALUES
	('SELECT {d}, count(*) FROM plans GROUP BY 1 ORDER BY 1 LIMIT 10'),
	('SELECT DISTINCT {d} FROM plans ORDER BY 1 LIMIT 10'),
	('SELECT id, rank() OVER (ORDER BY {d}) FROM plans'),
	('SELECT id, rank() OVER (ORDER BY {d}) FROM plans ORDER BY {d} LIMIT 10'),
	('SELECT p.id FROM plans p JOIN distances ON d = {d} ORDER BY {d} LIMIT 10'),
	('SELECT p.id, d FROM plans p LEFT JOIN distances ON d = {d} ORDER BY {d} LIMIT 10'),
	('SELECT id, percent_rank() OVER (ORDER BY {d}) FROM plans ORDER BY {d} LIMIT 10'),
	('SELECT id FROM plans ORDER BY {d}, id LIMIT 10'),
	('SELECT id FROM plans ORDER BY {d}, embedding <-> array_fill(0.2::real, ARRAY[32])::vector LIMIT 10')) AS q(query);
-- the index may be used nevertheless: such a scan is exact
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_hashagg = off;
SELECT query, by_distance(query) FROM (VALUES
	('SELECT {d}, count(*) FROM plans GROUP BY 1 ORDER BY 1 LIMIT 10'),
	('SELECT DISTINCT {d} FROM plans ORDER BY 1 LIMIT 10')) AS q(query);
RESET enable_seqscan;
RESET enable_sort;
RESET enable_hashagg;
DROP FUNCTION by_distance;
DROP TABLE distances;

-- many pending rows make the scan more expensive, not impossible
ALTER INDEX plans_embedding SET (pending_limit = 0);
INSERT INTO plans SELECT id + 20000, category, price, embedding FROM plans;
SELECT condition, k, nearest(condition, k) FROM (VALUES ('true', '10'), ('category = 7', '10')) AS q(condition, k);
SET vecann.probes = 1000000;
SELECT condition, k, nearest(condition, k) FROM (VALUES ('true', '10'), ('category = 7', '10')) AS q(condition, k);
RESET vecann.probes;

-- the cost of a distance depends on its dimension
CREATE TABLE wide (short vector(10), long vector(10000), open vector) USING vecstore;
CREATE FUNCTION cost_of(query text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO plan;
	RETURN plan #>> '{0,Plan,Total Cost}';
END $$;
SELECT cost_of('SELECT long <-> long FROM wide') > 10 * cost_of('SELECT short <-> short FROM wide') AS by_column,
	cost_of('SELECT open <=> array_fill(1::real, ARRAY[10000])::vector FROM wide') > 10 * cost_of('SELECT open <=> ''[1]'' FROM wide') AS by_constant,
	cost_of('SELECT open <#> open FROM wide') > cost_of('SELECT short <#> short FROM wide') AS unknown;

-- a table of one page is read by a sequential scan
CREATE TABLE few (id int PRIMARY KEY, embedding vector(3)) USING vecstore;
CREATE INDEX few_embedding ON few USING vecann (embedding);
INSERT INTO few SELECT i, ARRAY[i, 0, 0]::real[]::vector FROM generate_series(1, 20) i;
VACUUM ANALYZE few;
SELECT plan_of('SELECT id FROM few ORDER BY embedding <-> ''[1,0,0]'' LIMIT 5');

-- rows without a vector are not in the index: no plan may use it to read all rows
INSERT INTO few VALUES (21, NULL);
ALTER TABLE few DROP CONSTRAINT few_pkey;
CREATE INDEX few_partial ON few USING vecann (embedding) WHERE id > 0;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT plan_of('SELECT * FROM few'), plan_of('SELECT * FROM few WHERE id > 0'), plan_of('SELECT count(*) FROM few WHERE id > 0');
RESET enable_seqscan;
RESET enable_bitmapscan;
DROP TABLE few, wide, plans;
DROP FUNCTION nearest(text, text), plan_of(text), cost_of(text);
