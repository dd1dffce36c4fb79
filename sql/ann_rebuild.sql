-- An index that is rebuilt in its own file: the session uses nothing that it
-- remembers of the old contents.
SET client_min_messages = warning;
SET vecann.background_seals = off;
CREATE FUNCTION at(i int) RETURNS vector LANGUAGE sql IMMUTABLE RETURN ARRAY[i, i % 7, i % 11, 1]::real[]::vector;

-- the nearest rows by the index, compared with a scan of the table
CREATE FUNCTION nearest(tab regclass, q vector) RETURNS text LANGUAGE plpgsql
	SET enable_seqscan = off SET enable_sort = off SET vecann.probes = 100000 AS $$
DECLARE
	by_index int[];
	by_table int[];
BEGIN
	EXECUTE format('SELECT ARRAY(SELECT id FROM %s ORDER BY v <-> ($1 + ''[0.3,0,0,0]''::vector) LIMIT 5)', tab) INTO by_index USING q;
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true), set_config('enable_indexscan', 'off', true);
	EXECUTE format('SELECT ARRAY(SELECT id FROM %s ORDER BY v <-> ($1 + ''[0.3,0,0,0]''::vector) LIMIT 5)', tab) INTO by_table USING q;
	RETURN CASE WHEN by_index = by_table THEN by_index::text ELSE format('%s, but %s', by_index, by_table) END;
END $$;

CREATE TEMPORARY TABLE each_time (id int, v vector(4)) USING vecstore ON COMMIT DELETE ROWS;
CREATE INDEX each_time_v ON each_time USING vecann (v vector_l2_ops);
BEGIN;
INSERT INTO each_time SELECT i, at(i) FROM generate_series(1, 1000) i;
SELECT rows_sealed FROM vecstore.flush('each_time');
SELECT nearest('each_time', at(700));
COMMIT;
BEGIN;
INSERT INTO each_time SELECT i, at(i) FROM generate_series(5001, 8000) i;
SELECT rows_sealed FROM vecstore.flush('each_time');
SELECT nearest('each_time', at(7000));
COMMIT;
BEGIN;
INSERT INTO each_time SELECT i, at(-i) FROM generate_series(1, 5000) i;
SELECT rows_sealed FROM vecstore.flush('each_time');
SELECT nearest('each_time', at(-4000));
COMMIT;

BEGIN;
CREATE TABLE just_made (id int, v vector(4)) USING vecstore;
INSERT INTO just_made SELECT i, at(i) FROM generate_series(1, 3000) i;
CREATE INDEX just_made_v ON just_made USING vecann (v vector_l2_ops);
SELECT nearest('just_made', at(700));
TRUNCATE just_made;
INSERT INTO just_made SELECT i, at(i) FROM generate_series(9001, 9500) i;
SELECT rows_sealed FROM vecstore.flush('just_made');
SELECT nearest('just_made', at(9200));
COMMIT;
SELECT * FROM vecstore.check('just_made');

-- user code inserts rows while a command is under way that keeps or replaces the
-- index's file
CREATE FUNCTION insert_one() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO just_made SELECT 10000 + count(*), at((10000 + count(*))::int) FROM just_made;
END $$;
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE ann_rebuild_space LOCATION '';
CREATE EVENT TRIGGER one_more ON ddl_command_start WHEN TAG IN ('ALTER INDEX', 'ALTER TABLE') EXECUTE FUNCTION insert_one();
ALTER INDEX just_made_v SET TABLESPACE ann_rebuild_space;
ALTER TABLE just_made ALTER v TYPE vector;
DROP EVENT TRIGGER one_more;
SELECT nearest('just_made', at(10500));
SELECT * FROM vecstore.check('just_made');

-- user code inserts rows during a TRUNCATE that is then rolled back
CREATE FUNCTION insert_another() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO just_made VALUES (20000, at(20000));
	RETURN NULL;
END $$;
CREATE TRIGGER before_truncate BEFORE TRUNCATE ON just_made FOR EACH STATEMENT EXECUTE FUNCTION insert_another();
BEGIN;
INSERT INTO just_made VALUES (19999, at(19999));
SAVEPOINT s;
TRUNCATE just_made;
INSERT INTO just_made VALUES (1, at(1));
SELECT nearest('just_made', at(20000));
ROLLBACK TO s;
INSERT INTO just_made VALUES (20001, at(20001));
SELECT nearest('just_made', at(20000));
COMMIT;
SELECT nearest('just_made', at(20000));
SELECT * FROM vecstore.check('just_made');

DROP TABLE just_made, each_time;
DROP TABLESPACE ann_rebuild_space;
DROP FUNCTION insert_one, insert_another, nearest, at;
