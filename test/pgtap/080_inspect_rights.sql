-- Roles that may inspect a table and its indexes: the owner, members of
-- pg_stat_scan_tables, roles with SELECT that row security does not apply to.
BEGIN;
SELECT plan(29);

CREATE FUNCTION v(i int) RETURNS vector LANGUAGE sql IMMUTABLE AS $$ SELECT ARRAY[sin(i), cos(i), 1]::real[]::vector $$;
CREATE ROLE vecstore_owner;
CREATE ROLE vecstore_reader;
CREATE ROLE vecstore_watcher IN ROLE pg_monitor;
CREATE ROLE vecstore_bypass BYPASSRLS;
GRANT CREATE ON SCHEMA public TO vecstore_owner;
SET LOCAL ROLE vecstore_owner;
CREATE TABLE hidden (id int PRIMARY KEY, e vector(3)) USING vecstore;
CREATE INDEX hidden_e ON hidden USING vecann (e) WITH (pending_limit = 0);
INSERT INTO hidden SELECT i, v(i) FROM generate_series(1, 100) i;
CREATE TABLE parted (id int, e vector(3)) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1, 2) USING vecstore;
CREATE INDEX parted_e ON parted USING vecann (e);
INSERT INTO parted VALUES (1, v(1)), (2, v(2));
GRANT SELECT ON hidden, parted TO vecstore_reader, vecstore_bypass;
ALTER TABLE hidden ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON hidden USING (id = 1);
RESET ROLE;

-- each of the functions, as a query of one row or none
CREATE FUNCTION asked(what text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	n bigint;
BEGIN
	EXECUTE format('SELECT count(*) FROM vecstore.%s', what) INTO n;
	RETURN 'answers';
EXCEPTION WHEN insufficient_privilege THEN RETURN SQLERRM;
END $$;
CREATE TABLE functions (call text, hidden bool);
INSERT INTO functions VALUES ('segments(''hidden'')'), ('index_segments(''hidden_e'')'), ('index_info(''hidden_e'')'), ('table_info(''hidden'')'),
	('check(''hidden'')'), ('check(''hidden_e'')'), ('check_index(''hidden_e'')'), ('recall(''hidden_e'', 2, 2)');
GRANT SELECT ON functions TO PUBLIC;

SET LOCAL ROLE vecstore_reader;
SELECT is(asked(call), 'row security applies to table "hidden"', 'under row security: ' || call) FROM functions;
SELECT results_eq('SELECT name, pending, segments, dead, problem FROM vecstore.collections WHERE name = ''hidden''',
	$$VALUES ('hidden', NULL::bigint, NULL::bigint, NULL::bigint, 'row security applies to table "hidden"')$$, 'the view shows its tables all the same');
SET LOCAL enable_seqscan = off;
SELECT results_eq('SELECT id FROM hidden ORDER BY e <-> v(3) LIMIT 3', 'VALUES (1)', 'the reader searches');
SELECT results_eq('SELECT index, pending_scanned FROM vecstore.last_scan_stats()', 'VALUES (NULL::regclass, NULL::bigint)', 'last_scan_stats keeps to itself how many rows there are');
RESET enable_seqscan;
SELECT is(asked(replace(call, 'hidden', 'parted_1')), 'answers', 'SELECT on the partitioned table alone: ' || call) FROM functions WHERE call ~ '''hidden''';
SELECT results_eq('SELECT name, pending, problem FROM vecstore.collections WHERE name = ''parted''', $$VALUES ('parted', 2::bigint, NULL)$$, 'the view too');
SELECT isnt_empty('SELECT * FROM vecstore.segments(''parted'')', 'segments of a partitioned table');

SET LOCAL ROLE vecstore_owner;
SELECT is((SELECT string_agg(DISTINCT asked(call), '; ') FROM functions), 'answers', 'the owner');
ALTER TABLE hidden FORCE ROW LEVEL SECURITY;
SELECT is((SELECT string_agg(DISTINCT asked(call), '; ') FROM functions), 'answers', 'the owner, of a table that forces row security');
ALTER TABLE hidden NO FORCE ROW LEVEL SECURITY;
SET LOCAL ROLE vecstore_bypass;
SELECT is((SELECT string_agg(DISTINCT asked(call), '; ') FROM functions), 'answers', 'BYPASSRLS');
SET LOCAL ROLE vecstore_watcher;
SELECT is((SELECT string_agg(DISTINCT asked(call), '; ') FROM functions), 'answers', 'pg_monitor, without SELECT');
SELECT is_empty('SELECT * FROM vecstore.collections WHERE name = ''hidden''', 'whose view has the tables that it may read');
SET LOCAL ROLE vecstore_owner;
REVOKE SELECT ON hidden FROM vecstore_reader;
SET LOCAL ROLE vecstore_reader;
SELECT is((SELECT string_agg(DISTINCT asked(call), '; ') FROM functions), 'permission denied for table hidden', 'no right at all');
SET LOCAL ROLE vecstore_owner;
ALTER TABLE hidden DISABLE ROW LEVEL SECURITY;
GRANT SELECT ON hidden TO vecstore_reader;
SET LOCAL ROLE vecstore_reader;
SELECT is((SELECT string_agg(DISTINCT asked(call), '; ') FROM functions), 'answers', 'SELECT without row security');
SET LOCAL enable_seqscan = off;
SELECT results_eq('SELECT id FROM hidden ORDER BY e <-> v(3) LIMIT 3', 'SELECT id FROM hidden ORDER BY (e <-> v(3)) + 0 LIMIT 3', 'a search');
SELECT results_eq('SELECT index::text, pending_scanned FROM vecstore.last_scan_stats()', $$VALUES ('hidden_e', 100::bigint)$$, 'whose work shows');
RESET ROLE;

-- indexes that do not exist or are not built
SELECT throws_ok('SELECT vecstore.table_info(4000000000::oid::regclass)', '42P01', 'relation with OID 4000000000 does not exist', 'table_info of nothing');
SELECT throws_ok('SELECT vecstore.check(4000000000::oid::regclass)', '42P01', 'relation with OID 4000000000 does not exist', 'check of nothing');
UPDATE pg_index SET indisready = false, indisvalid = false WHERE indexrelid = 'hidden_e'::regclass;
SELECT throws_ok('SELECT vecstore.index_info(''hidden_e'')', '55000', 'index "hidden_e" is not ready', 'index_info of an index that is not ready');
SELECT throws_ok('SELECT vecstore.recall(''hidden_e'')', '55000', 'index "hidden_e" is not ready', 'recall of one');

SELECT * FROM finish();
ROLLBACK;
