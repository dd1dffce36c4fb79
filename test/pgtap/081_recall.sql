-- recall: all types in one session, its arguments, the index that it measures,
-- settings that it does not change.
BEGIN;
SELECT plan(14);

CREATE TABLE points (id int PRIMARY KEY, e vector(3), h halfvec(3), b bit(16), "odd ""name" vector(2)) USING vecstore;
CREATE INDEX points_e ON points USING vecann (e vector_cosine_ops);
CREATE INDEX points_h ON points USING vecann (h);
CREATE INDEX points_b ON points USING vecann (b);
CREATE INDEX points_o ON points USING vecann ("odd ""name");
CREATE INDEX points_some ON points USING vecann (h halfvec_ip_ops) WHERE id % 10 = 0;
SELECT results_eq('SELECT * FROM vecstore.recall(''points_e'')', 'VALUES (0, NULL::float8, NULL::float8, NULL::float8)', 'an empty table');
INSERT INTO points SELECT i, ARRAY[sin(i), cos(i), 1]::real[]::vector, ARRAY[sin(i), cos(i), 1]::real[]::halfvec, (i * 37)::bit(16), ARRAY[i, 1]::real[]::vector
FROM generate_series(1, 300) i;
INSERT INTO points (id) SELECT generate_series(301, 310);
SELECT results_eq('SELECT queries, recall FROM vecstore.recall(''points_e'')', 'VALUES (200, 1::float8)', 'a vector index');
SELECT results_eq('SELECT queries, recall FROM vecstore.recall(''points_h'', 5, 7)', 'VALUES (7, 1::float8)', 'then a halfvec one');
SELECT results_eq('SELECT queries, recall FROM vecstore.recall(''points_b'', 3, 1000)', 'VALUES (300, 1::float8)', 'then a bit one; NULLs are no queries');
SELECT results_eq('SELECT queries, recall FROM vecstore.recall(''points_o'', 3, 10)', 'VALUES (10, 1::float8)', 'a column whose name is quoted');
SELECT results_eq('SELECT queries, recall FROM vecstore.recall(''points_some'', 3, 1000)', 'VALUES (30, 1::float8)', 'a partial index: rows of its predicate');
SELECT ok(index_ms > 0 AND exact_ms > 0, 'times') FROM vecstore.recall('points_e', 3, 10);

SELECT throws_ok('SELECT vecstore.recall(''points_e'', 0)', '22023', 'k must be between 1 and 10000, not 0', 'k = 0');
SELECT throws_ok('SELECT vecstore.recall(''points_e'', 10001)', '22023', NULL, 'a huge k');
SELECT throws_ok('SELECT vecstore.recall(''points_e'', 1, -1)', '22023', 'sample must be between 1 and 100000, not -1', 'sample = -1');
SELECT throws_ok('SELECT vecstore.recall(''points_e'', 1, 2147483647)', '22023', NULL, 'a huge sample');
SELECT throws_ok('SELECT vecstore.recall(''points_pkey'')', '42809', '"points_pkey" is not a vecann index', 'another index');

-- two indexes of one column: whichever the planner takes, the other one is not measured
CREATE INDEX points_twin ON points USING vecann (e vector_cosine_ops);
CREATE FUNCTION measured() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	i regclass;
BEGIN
	FOREACH i IN ARRAY '{points_e,points_twin}'::regclass[] LOOP
		BEGIN
			PERFORM vecstore.recall(i, 1, 1);
			RETURN NEXT 'measured';
		EXCEPTION WHEN object_not_in_prerequisite_state THEN RETURN NEXT 'another answered';
		END;
	END LOOP;
END $$;
SELECT set_eq('SELECT measured()', ARRAY['measured', 'another answered'], 'an index that the queries do not use is an error');

SELECT is_empty('SELECT name, setting FROM pg_settings WHERE name IN (''enable_seqscan'', ''enable_sort'', ''enable_indexscan'', ''enable_bitmapscan'') AND setting <> ''on''',
	'settings are as before');

SELECT * FROM finish();
ROLLBACK;
