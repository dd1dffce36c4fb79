-- Counts of a vecann index scan: last_scan_stats(), and on PostgreSQL 18 EXPLAIN (ANALYZE).
BEGIN;
SELECT plan(14);

CREATE TABLE points (id int PRIMARY KEY, e vector(4)) USING vecstore;
CREATE INDEX points_e ON points USING vecann (e) WITH (pending_limit = 0);
INSERT INTO points SELECT i, ARRAY[sin(i), cos(i), sin(3 * i), cos(7 * i)]::real[]::vector FROM generate_series(1, 3000) i;
SELECT is((vecstore.flush('points')).rows_sealed, 3000::bigint, 'flush');
INSERT INTO points SELECT i, ARRAY[sin(i), cos(i), sin(3 * i), cos(7 * i)]::real[]::vector FROM generate_series(3001, 3100) i;
SET LOCAL enable_seqscan = off;
SET LOCAL enable_sort = off;
SET LOCAL vecann.probes = 3;

CREATE FUNCTION nearest(n int) RETURNS int[] LANGUAGE sql AS
	$$ SELECT array_agg(id) FROM (SELECT id FROM points ORDER BY e <-> '[1,0,0,1]' LIMIT n) q $$;

SELECT is(cardinality(nearest(5)), 5, 'a query');
SELECT unnest(ARRAY[is((s).index, 'points_e'::regclass, 'stats are of its index'),
	is((s).scans, 1::bigint, 'of one scan'),
	is((s).lists::int, (vecstore.index_info('points_e')).lists, 'lists of the index'),
	is((s).lists_probed, 3::bigint, 'lists that the setting asks for'),
	is((s).pending_scanned, 100::bigint, 'all pending rows'),
	is((s).rows_returned, 5::bigint, 'rows returned')])
FROM vecstore.last_scan_stats() s;

-- an open scan does not hide the one that ended; the scans of a join count as one
DECLARE open CURSOR FOR SELECT id FROM points ORDER BY e <-> '[1,0,0,1]';
FETCH 7 FROM open;
SELECT is((vecstore.last_scan_stats()).rows_returned, 5::bigint, 'a scan that has not ended is not told of');
CLOSE open;
SELECT is((vecstore.last_scan_stats()).rows_returned, 7::bigint, 'it is when it ends');
SELECT is(count(*), 10::bigint, 'a query for each row of another table')
FROM generate_series(1, 10) i, LATERAL (SELECT id FROM points ORDER BY e <-> ARRAY[i, 0, 0, 1]::real[]::vector LIMIT 1) q;
SELECT is(ARRAY[(s).scans, (s).lists_probed, (s).pending_scanned, (s).rows_returned], ARRAY[10, 30, 1000, 10]::bigint[],
	'its stats are the sum') FROM vecstore.last_scan_stats() s;

-- EXPLAIN
CREATE FUNCTION explained(query text) RETURNS json LANGUAGE plpgsql AS $$
DECLARE plan json;
BEGIN
	EXECUTE 'EXPLAIN (ANALYZE, FORMAT JSON) ' || query INTO plan;
	RETURN plan;
END $$;
-- the index scan's node, wherever it is
CREATE FUNCTION scan_node(plan json) RETURNS json LANGUAGE sql AS $$
	SELECT jsonb_path_query_first(plan::jsonb, 'strict $.** ? (@."Node Type" == "Index Scan")')::json
$$;
SELECT CASE WHEN current_setting('server_version_num')::int < 180000 THEN skip('no index searches are shown before PostgreSQL 18', 1)
ELSE is((scan_node(explained('SELECT * FROM generate_series(1, 10) i,
	LATERAL (SELECT id FROM points ORDER BY e <-> ARRAY[i, 0, 0, 1]::real[]::vector LIMIT 1) q'))->>'Index Searches')::int, 10,
		'each scan is a search to EXPLAIN (ANALYZE)') END;
SELECT CASE WHEN current_setting('server_version_num')::int < 180000 THEN skip('EXPLAIN has no hook before PostgreSQL 18', 1)
ELSE is(ARRAY[n->>'Lists Probed', n->>'Codes Scanned', n->>'Pending Scanned', n->>'Codes Refined', n->>'Exact Distances']::bigint[],
		ARRAY[(s).lists_probed, (s).codes_scanned, (s).pending_scanned, (s).refined, (s).exact_distances],
		'EXPLAIN (ANALYZE) shows the counts of all loops') END
FROM (SELECT scan_node(explained('SELECT * FROM generate_series(1, 10) i,
	LATERAL (SELECT id FROM points ORDER BY e <-> ARRAY[i, 0, 0, 1]::real[]::vector LIMIT 1) q')) AS n OFFSET 0) p,
	LATERAL (SELECT vecstore.last_scan_stats() s WHERE n IS NOT NULL) l;

SELECT * FROM finish();
ROLLBACK;
