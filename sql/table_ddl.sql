-- Data definition on vecstore tables, with the values checked after each step.
CREATE FUNCTION tv(dim int, seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$ SELECT array_agg((sin(seed * 1000 + i) * 100)::int::float4 / 100)::vector FROM generate_series(1, dim) i $$;
-- rows, a sum over the values, and the problems that vecstore.check finds
CREATE FUNCTION state(tab regclass) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
	problems bigint := 0;
BEGIN
	EXECUTE format('SELECT count(*) || '' rows, '' || coalesce(sum(hashtext(e::text || coalesce(t, ''''))::bigint), 0) FROM %s', tab) INTO result;
	IF (SELECT amname = 'vecstore' FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE c.oid = tab) THEN
		EXECUTE format('SELECT count(*) FROM vecstore.check(%L)', tab) INTO problems;
	END IF;
	RETURN result || ', ' || problems || ' problems';
END $$;
CREATE TABLE ddl (id int PRIMARY KEY, e vector, t text, n int) USING vecstore;
INSERT INTO ddl SELECT i, tv((ARRAY[2, 768, 1024, 3072])[1 + i % 4], i), repeat(md5(i::text), i), i FROM generate_series(1, 200) i;
SELECT state('ddl');

-- rewrites store the values again
DELETE FROM ddl WHERE id % 4 = 0;
UPDATE ddl SET n = n + 1, e = CASE WHEN id % 3 = 0 THEN tv(100, id) ELSE e END;
SELECT state('ddl');
VACUUM FULL ddl;
SELECT state('ddl');
CLUSTER ddl USING ddl_pkey;
SELECT state('ddl');
SET enable_indexscan = off;
CLUSTER ddl;
RESET enable_indexscan;
SELECT state('ddl');
ALTER TABLE ddl ALTER n TYPE bigint;
SELECT state('ddl');
ALTER TABLE ddl SET ACCESS METHOD heap;
SELECT state('ddl');
ALTER TABLE ddl SET ACCESS METHOD vecstore;
SELECT state('ddl');
ALTER TABLE ddl ALTER e TYPE halfvec USING e::halfvec, ALTER e SET STORAGE external;
ALTER TABLE ddl ALTER e TYPE vector USING e::vector;
SELECT state('ddl');
-- versions that an old snapshot sees, in a rewrite by the same transaction
BEGIN;
UPDATE ddl SET n = n + 1 WHERE id < 50;
UPDATE ddl SET e = tv(900, id) WHERE id < 30;
DELETE FROM ddl WHERE id < 20;
CLUSTER ddl;
SELECT state('ddl');
UPDATE ddl SET e = tv(901, id) WHERE id < 40;
SELECT state('ddl');
ROLLBACK;
SELECT state('ddl');
BEGIN;
UPDATE ddl SET n = n + 1 WHERE id < 50;
UPDATE ddl SET e = tv(900, id) WHERE id < 30;
DELETE FROM ddl WHERE id < 20;
CLUSTER ddl;
COMMIT;
SELECT state('ddl');
VACUUM ddl;
SELECT state('ddl');
-- the value store cannot be rewritten by itself
SELECT reltoastrelid::regclass AS store FROM pg_class WHERE oid = 'ddl'::regclass \gset
\set VERBOSITY sqlstate
VACUUM FULL :store;
\set VERBOSITY default
REINDEX TABLE ddl;
SELECT pg_relation_size(indexrelid) AS index_of_the_store FROM pg_index WHERE indrelid = :'store'::regclass;

-- columns
ALTER TABLE ddl ADD COLUMN d vector DEFAULT '[1,2]';
ALTER TABLE ddl ADD COLUMN g vector GENERATED ALWAYS AS (l2_normalize(e)) STORED;
SELECT count(*), count(d), count(g) FROM ddl;
UPDATE ddl SET d = '[3]' WHERE id < 100;
UPDATE ddl SET n = 0 WHERE id > 100;
SELECT d, count(*) FROM ddl GROUP BY 1 ORDER BY 1;
SELECT state('ddl');
ALTER TABLE ddl DROP COLUMN d, DROP COLUMN g;
UPDATE ddl SET n = 1 WHERE id % 5 = 0;
SELECT state('ddl');
VACUUM FULL ddl;
SELECT state('ddl');
-- a column that the user keeps in line
ALTER TABLE ddl ADD COLUMN p vector(3);
ALTER TABLE ddl ALTER p SET STORAGE plain;
UPDATE ddl SET p = '[1,2,3]';
UPDATE ddl SET p = e WHERE vector_dims(e) = 3;
SELECT p, count(*) FROM ddl GROUP BY p;
SELECT state('ddl');
ALTER TABLE ddl DROP COLUMN p;

-- indexes and constraints
CREATE INDEX ddl_n ON ddl (n) WHERE n > 0;
CREATE INDEX ddl_expr ON ddl (vector_dims(e), length(t));
CREATE INDEX CONCURRENTLY ddl_t ON ddl (md5(t));
CREATE UNIQUE INDEX CONCURRENTLY ddl_unique ON ddl (n);
DROP INDEX ddl_unique;
REINDEX TABLE CONCURRENTLY ddl;
SET enable_seqscan = off;
SELECT count(*) FROM ddl WHERE vector_dims(e) = 100;
SELECT count(*) FROM ddl WHERE md5(t) = md5(repeat(md5('30'), 30));
RESET enable_seqscan;
ALTER TABLE ddl ADD CHECK (vector_dims(e) < 4000);
INSERT INTO ddl VALUES (-1, tv(4001, 1));
CREATE TABLE ddl_ref (id int REFERENCES ddl ON DELETE CASCADE ON UPDATE CASCADE, e vector) USING vecstore;
INSERT INTO ddl_ref SELECT id, e FROM ddl;
INSERT INTO ddl_ref VALUES (-5, '[1]');
DELETE FROM ddl WHERE id % 3 = 1;
UPDATE ddl SET id = id + 1000;
SELECT count(*), min(id) FROM ddl_ref;
SELECT count(*) FROM vecstore.check('ddl_ref');
SELECT state('ddl');

-- partitions of both access methods; rows move between them
CREATE TABLE part (id int, e vector, t text, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE part_v1 PARTITION OF part FOR VALUES FROM (0) TO (100) USING vecstore;
CREATE TABLE part_v2 (t text, e vector, id int NOT NULL) USING vecstore;
ALTER TABLE part ATTACH PARTITION part_v2 FOR VALUES FROM (100) TO (200);
CREATE TABLE part_h PARTITION OF part FOR VALUES FROM (200) TO (300) USING heap;
INSERT INTO part SELECT i, tv(700, i), repeat('x', i * 20) FROM generate_series(0, 299) i;
SELECT state('part');
DELETE FROM part WHERE id % 100 >= 50;
-- heap to the second, second to the first, first to heap
UPDATE part SET id = id - 50 WHERE id >= 200;
UPDATE part SET id = id - 50, e = tv(10, id) WHERE id BETWEEN 100 AND 149;
UPDATE part SET id = id + 200, t = NULL WHERE id < 50;
SELECT tableoid::regclass, count(*), sum(vector_dims(e)), count(DISTINCT e::text) FROM part GROUP BY 1 ORDER BY 1;
INSERT INTO part VALUES (55, tv(5, 5), 'up') ON CONFLICT (id) DO UPDATE SET e = excluded.e RETURNING id, e;
SELECT state('part'), state('part_v1'), state('part_v2');

-- inheritance, materialized view, CREATE TABLE AS, temporary and unlogged tables, tablespace change
CREATE TABLE child (extra vector) INHERITS (ddl) USING vecstore;
INSERT INTO child (id, e, t, extra) VALUES (-1, '[1]', 'c', '[2]');
UPDATE ddl SET e = '[9]' WHERE id = -1;
SELECT tableoid::regclass, e FROM ddl WHERE id = -1;
DROP TABLE child;
CREATE MATERIALIZED VIEW mat USING vecstore AS SELECT id, e, t FROM ddl;
CREATE UNIQUE INDEX ON mat (id);
SELECT state('mat') = state('ddl');
UPDATE ddl SET e = tv(33, id) WHERE id % 2 = 0;
REFRESH MATERIALIZED VIEW CONCURRENTLY mat;
SELECT state('mat') = state('ddl');
REFRESH MATERIALIZED VIEW mat;
SELECT state('mat') = state('ddl');
SET default_table_access_method = vecstore;
CREATE TABLE ctas AS SELECT DISTINCT e, t FROM ddl;
RESET default_table_access_method;
SELECT state('ctas') = state('ddl');
CREATE TEMP TABLE temp USING vecstore AS SELECT * FROM ddl;
UPDATE temp SET e = e + e WHERE id % 2 = 0;
UPDATE temp SET n = 1;
DELETE FROM temp WHERE id % 3 = 0;
SELECT count(*) > 0, count(*) = count(e) FROM temp;
SELECT count(*) FROM vecstore.check('temp');
CREATE TEMP TABLE gone (e vector) ON COMMIT DELETE ROWS;
CREATE UNLOGGED TABLE unlogged (LIKE ddl) USING vecstore;
INSERT INTO unlogged SELECT * FROM ddl;
SELECT state('unlogged') = state('ddl');
ALTER TABLE unlogged SET LOGGED;
SELECT state('unlogged') = state('ddl');
BEGIN;
TRUNCATE unlogged;
INSERT INTO unlogged SELECT * FROM ddl WHERE id % 2 = 0;
SELECT state('unlogged') = state('ddl');
ROLLBACK;
SELECT state('unlogged') = state('ddl');
TRUNCATE unlogged;
SELECT state('unlogged');

-- maintenance
VACUUM (FREEZE, ANALYZE) ddl;
VACUUM (PARALLEL 2, DISABLE_PAGE_SKIPPING) ddl;
SELECT state('ddl');
SELECT count(*) > 0 FROM ddl TABLESAMPLE SYSTEM (100);
SELECT count(e) FROM ddl WHERE ctid >= '(0,1)' AND ctid < '(0,3)';
SELECT * FROM vecstore.check('pg_class');
SELECT * FROM vecstore.table_info('part');

-- a table without vectors or long values has no value store
CREATE TABLE scalar (a int, b float8) USING vecstore;
INSERT INTO scalar SELECT i, i FROM generate_series(1, 100) i;
UPDATE scalar SET b = 0 WHERE a < 50;
DELETE FROM scalar WHERE a > 90;
SELECT count(*), sum(b) FROM scalar;
SELECT store IS NULL, store_bytes FROM vecstore.table_info('scalar');
ALTER TABLE scalar ADD COLUMN e vector;
UPDATE scalar SET e = tv(20, a);
SELECT count(*) FROM vecstore.check('scalar');

DROP TABLE ddl, ddl_ref, part, ctas, unlogged, scalar CASCADE;
DROP FUNCTION state, tv;
