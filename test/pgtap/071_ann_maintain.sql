-- Privileges to flush, compact, check and inspect a vecann index; the relations that
-- these functions take; columns that cannot be indexed.
BEGIN;
SELECT plan(49);

CREATE FUNCTION v(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[sin(i), cos(i), sin(3 * i)]::real[]::vector $$;
CREATE TABLE points (id int PRIMARY KEY, e vector(3)) USING vecstore;
CREATE INDEX points_e ON points USING vecann (e) WITH (pending_limit = 0);

-- segments and index_info of an empty index, a pending part, and sealed segments
SELECT results_eq('SELECT segment, state, rows, dead, pages FROM vecstore.segments(''points'')', $$VALUES (1, 'growing', 0::bigint, 0::bigint, 0::bigint)$$, 'segments: empty');
SELECT results_eq('SELECT lists, median_list, centroid_levels, centre_norm, total_bytes FROM vecstore.index_info(''points_e'')',
	$$VALUES (0, NULL::bigint, 0, NULL::float8, 8192::bigint)$$, 'index_info: empty');
SELECT results_eq('SELECT index::text, rows_sealed, segment FROM vecstore.flush(''points'')', $$VALUES ('points_e', 0::bigint, NULL::int)$$, 'flush of nothing');
INSERT INTO points SELECT i, v(i) FROM generate_series(1, 1000) i;
SELECT results_eq('SELECT segment, state, rows, dead, pages > 0, created, method FROM vecstore.segments(''points'')',
	$$VALUES (1, 'growing', 1000::bigint, 0::bigint, true, NULL::timestamptz, NULL::text)$$, 'segments: pending rows, of this transaction too');
SELECT results_eq('SELECT index::text, rows_sealed, segment, elapsed >= ''0'' FROM vecstore.flush(''points_e'')', $$VALUES ('points_e', 1000::bigint, 1, true)$$, 'flush of an index');
INSERT INTO points SELECT i, v(i) FROM generate_series(1001, 1100) i;
SELECT results_eq('SELECT index::text, rows_sealed, segment FROM vecstore.flush(''points'')', $$VALUES ('points_e', 100::bigint, 2)$$, 'flush of a table');
INSERT INTO points VALUES (1101, v(1101));
SELECT results_eq('SELECT segment, state, rows, dead, pages > 0, created IS NOT NULL, method, rows_sealed FROM vecstore.segments(''points'')',
	$$VALUES (3, 'growing', 1::bigint, 0::bigint, true, false, NULL, NULL::bigint), (2, 'sealed', 100, 0, true, true, 'flush', 100), (1, 'sealed', 1000, 0, true, true, 'flush', 1000::bigint)$$, 'segments');
SELECT unnest(ARRAY[
	is(i.pending_rows, 1::bigint, 'index_info: pending'),
	is(i.list_rows, 1100::bigint, 'rows in lists'),
	ok(smallest_list <= list_p10 AND list_p10 <= median_list AND median_list <= list_p90 AND list_p90 <= list_p99 AND list_p99 <= largest_list, 'quantiles are in order'),
	ok(smallest_list <= mean_list AND mean_list <= largest_list AND round((mean_list * lists)::numeric) = list_rows, 'the mean is between'),
	is(centroid_levels, 1, 'levels of centroids'),
	ok(centre_norm BETWEEN 0 AND 2, 'length of the center'),
	is(total_bytes, pg_relation_size('points_e'), 'bytes'),
	ok(pending_bytes + list_bytes + directory_bytes + retired_bytes <= total_bytes, 'parts')])
FROM vecstore.index_info('points_e') i;

-- check: an index, a table with its indexes, a partitioned table
SELECT is_empty('SELECT * FROM vecstore.check(''points_e'')', 'check of an index');
SELECT is_empty('SELECT * FROM vecstore.check_index(''points_e'')', 'check_index');
SELECT is_empty('SELECT * FROM vecstore.check(''points'')', 'check of a table');
CREATE TABLE parted (id int, e vector(3)) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1, 2) USING vecstore;
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES IN (3) USING heap;
CREATE INDEX parted_1_e ON parted_1 USING vecann (e);
INSERT INTO parted VALUES (1, v(1)), (2, v(2)), (3, v(3));
SELECT is_empty('SELECT * FROM vecstore.check(''parted'')', 'check of a partitioned table');
SELECT results_eq('SELECT index::text, rows_sealed FROM vecstore.flush(''parted'')', $$VALUES ('parted_1_e', 2::bigint)$$, 'flush of a partitioned table');
DROP TABLE parted_2;
CREATE INDEX parted_e ON parted USING vecann (e);
INSERT INTO parted VALUES (1, v(4));
SELECT results_eq('SELECT index::text, rows_sealed FROM vecstore.flush(''parted_e'')', $$VALUES ('parted_1_e', 1::bigint)$$, 'flush of a partitioned index');
SELECT results_eq('SELECT index::text FROM vecstore.compact(''parted_e'')', $$VALUES ('parted_1_e')$$, 'compact of a partitioned index');

-- relations of other kinds
CREATE VIEW seen AS SELECT * FROM points;
CREATE TABLE on_heap (id int PRIMARY KEY, e vector(3)) USING heap;
SELECT throws_ok('SELECT vecstore.flush(''seen'')', '42809', '"seen" is not a table or index', 'flush of a view');
SELECT throws_ok('SELECT vecstore.flush(''points_pkey'')', '42809', '"points_pkey" is not a vecann index', 'flush of another index');
SELECT throws_ok('SELECT vecstore.flush(4000000000::oid::regclass)', '42809', '"4000000000" is not a table or index', 'flush of nothing that there is');
SELECT is_empty('SELECT vecstore.flush(''on_heap'')', 'flush of a table without a vecann index');
SELECT throws_ok('SELECT vecstore.check(''points_pkey'')', '42809', '"points_pkey" is not a vecann index', 'check of another index');
SELECT throws_ok('SELECT vecstore.check(''on_heap'')', '42809', '"on_heap" is not a vecstore table', 'check of another table');
SELECT throws_ok('SELECT vecstore.index_info(''points'')', '42809', NULL, 'index_info of a table');

-- privileges: INSERT to seal, SELECT to inspect
CREATE ROLE vecstore_reader;
CREATE ROLE vecstore_writer;
GRANT SELECT ON points, parted TO vecstore_reader;
GRANT INSERT ON points, parted TO vecstore_writer;
GRANT USAGE ON SCHEMA vecstore TO vecstore_reader, vecstore_writer;
SET LOCAL ROLE vecstore_reader;
SELECT throws_ok('SELECT vecstore.flush(''points'')', '42501', 'permission denied for table points', 'a reader does not flush a table');
SELECT throws_ok('SELECT vecstore.compact(''points_e'')', '42501', 'permission denied for table points', 'nor compacts an index');
SELECT lives_ok('SELECT vecstore.segments(''points''), vecstore.index_info(''points_e''), vecstore.recall(''points_e'', 3, 2)', 'a reader may look');
SELECT is_empty('SELECT vecstore.check(''points'')', 'and check');
SET LOCAL ROLE vecstore_writer;
SELECT lives_ok('SELECT vecstore.flush(''points''), vecstore.compact(''points_e'')', 'a writer flushes and compacts');
SELECT lives_ok('SELECT vecstore.flush(''parted'')', 'a partitioned table with its own privileges only');
SELECT throws_ok('SELECT vecstore.index_info(''points_e'')', '42501', 'permission denied for table points', 'a writer who may not read does not look');
SELECT throws_ok('SELECT vecstore.check(''points'')', '42501', 'permission denied for table points', 'nor checks');
RESET ROLE;

-- a check runs the index's predicate with the owner's rights, not with its caller's
CREATE FUNCTION spy(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RAISE NOTICE '%', current_user; RETURN current_user = 'vecstore_writer'; END $$;
CREATE TABLE spied (id int, e vector(3)) USING vecstore;
INSERT INTO spied VALUES (1, v(1));
ALTER TABLE spied OWNER TO vecstore_writer;
GRANT CREATE ON SCHEMA public TO vecstore_writer;
SET LOCAL client_min_messages = warning;
CREATE INDEX spied_e ON spied USING vecann (e) WHERE spy(id);
SELECT is_empty('SELECT * FROM vecstore.check(''spied'')', 'the predicate is the owner''s');
RESET client_min_messages;

-- values that are not in the store
CREATE TABLE odd (id int PRIMARY KEY, e vector(3)) USING vecstore;
ALTER TABLE odd ALTER e SET STORAGE PLAIN;
SELECT throws_ok('CREATE INDEX ON odd USING vecann (e)', '55000', NULL, 'a column with STORAGE PLAIN, of an empty table');
ALTER TABLE odd ALTER e SET STORAGE EXTERNAL;
CREATE INDEX odd_e ON odd USING vecann (e);
ALTER TABLE odd ALTER e SET STORAGE PLAIN;
SELECT throws_ok('INSERT INTO odd VALUES (1, v(1))', '55000', 'index "odd_e" cannot find a value of column "e" in the value store of table "odd"', 'STORAGE PLAIN');
ALTER TABLE odd ALTER e SET STORAGE EXTERNAL;
SELECT lives_ok('INSERT INTO odd VALUES (1, v(1)), (2, v(2))', 'STORAGE EXTERNAL again');
ALTER TABLE odd ALTER e SET STORAGE PLAIN;
SELECT lives_ok('UPDATE odd SET id = 3 WHERE id = 1', 'a stored value stays stored');
SELECT throws_ok('UPDATE odd SET e = v(9)', '55000', NULL, 'a new one is not');
SELECT is_empty('SELECT * FROM vecstore.check(''odd'')', 'the index is sound');
SELECT lives_ok('REINDEX INDEX odd_e', 'it can be rebuilt from stored values');
CREATE TABLE added (id int PRIMARY KEY) USING vecstore;
INSERT INTO added VALUES (1), (2);
ALTER TABLE added ADD COLUMN e vector(3) DEFAULT '[1,2,3]', ADD COLUMN h halfvec(3) GENERATED ALWAYS AS ('[1,2,3]'::halfvec(3)) STORED;
SELECT lives_ok('CREATE INDEX ON added USING vecann (e); CREATE INDEX ON added USING vecann (h)', 'ADD COLUMN with a generated one rewrites the table');
INSERT INTO added VALUES (3);
SELECT is_empty('SELECT * FROM vecstore.check(''added'')', 'a generated column, a default');
ALTER TABLE added ADD COLUMN f vector(3) DEFAULT '[1,2,3]';
SELECT throws_ok('CREATE INDEX ON added USING vecann (f)', '55000', NULL, 'ADD COLUMN DEFAULT leaves values out of the store');
SELECT throws_ok('CREATE INDEX ON odd USING vecann ((l2_normalize(e)))', '0A000', NULL, 'an expression');

SELECT * FROM finish();
ROLLBACK;
