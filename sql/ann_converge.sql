-- Compaction comes to an end: after a few compactions of a table that does not
-- change, nothing more is rewritten, whatever the rows are.  Compaction starts
-- again when the rows change.
SET client_min_messages = warning;
SET max_parallel_maintenance_workers = 0;
SET max_parallel_workers_per_gather = 0;

CREATE FUNCTION scattered(i int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE
RETURN (SELECT array_agg((hashint8extended(i, j) % 1000 / 1000.0)::real) FROM generate_series(1, dims) j)::vector;

-- Compacts until nothing is rewritten, at most the given number of times, and
-- returns whether it got there.
CREATE FUNCTION compactions(what regclass, most int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 0 .. most LOOP
		IF (SELECT segment IS NULL FROM vecstore.compact(what)) THEN
			RETURN 'done';
		END IF;
	END LOOP;
	RETURN 'not done after ' || most || ' times';
END $$;

-- two of three rows are the same; the rows are flushed
CREATE TABLE same (id int PRIMARY KEY, v vector(8)) USING vecstore WITH (autovacuum_enabled = off);
CREATE INDEX same_v ON same USING vecann (v) WITH (pending_limit = 0);
INSERT INTO same SELECT i, CASE WHEN i % 3 < 2 THEN array_fill(0::real, ARRAY[8])::vector ELSE scattered(i, 8) END FROM generate_series(1, 9000) i;
SELECT rows_sealed FROM vecstore.flush('same');
SELECT compactions('same', 4);
SELECT largest_list >= 6000 AS kept_together, lists > 12 AS others_apart FROM vecstore.index_info('same_v');
-- VACUUM rewrites nothing either
SELECT last_segment FROM vecstore.index_info('same_v') \gset
VACUUM same;
VACUUM same;
SELECT last_segment = :last_segment AS untouched FROM vecstore.index_info('same_v');

-- the rows differ now: their list is split, although the table has not grown
UPDATE same SET v = scattered(id, 8) WHERE id % 3 < 2;
VACUUM same;
SELECT compactions('same', 4);
SELECT list_rows, largest_list < 128 * 5 AS split FROM vecstore.index_info('same_v');

-- half of the rows are in a few groups; the index is built
CREATE TABLE groups (id int PRIMARY KEY, v vector(8)) USING vecstore WITH (autovacuum_enabled = off);
INSERT INTO groups SELECT i, CASE WHEN i % 100 < 48 THEN array_fill(((i % 100) / 8)::real / 6, ARRAY[8])::vector ELSE scattered(i, 8) END FROM generate_series(1, 15000) i;
CREATE INDEX groups_v ON groups USING vecann (v) WITH (pending_limit = 0);
SELECT compactions('groups', 4);
SELECT list_rows, largest_list BETWEEN 1200 AND 1300 AS kept_together FROM vecstore.index_info('groups_v');

-- a list gets many rows while it is split: its parts are split as well
CREATE TABLE moved (id int PRIMARY KEY, v vector(8)) USING vecstore WITH (autovacuum_enabled = off);
CREATE INDEX moved_v ON moved USING vecann (v) WITH (pending_limit = 0);
INSERT INTO moved SELECT i, scattered(i, 8) FROM generate_series(1, 4000) i;
SELECT rows_sealed FROM vecstore.flush('moved');
INSERT INTO moved SELECT i, scattered(i, 8) + array_fill(5::real, ARRAY[8])::vector FROM generate_series(4001, 4400) i;
SELECT rows_sealed FROM vecstore.flush('moved');
INSERT INTO moved SELECT i, scattered(i, 8) + array_fill(5::real, ARRAY[8])::vector FROM generate_series(4401, 10000) i;
SELECT compactions('moved', 6);
SELECT list_rows, largest_list < 128 * 5 AS split FROM vecstore.index_info('moved_v');

-- a sample that is too small for the lists
SET maintenance_work_mem = '1MB';
CREATE TABLE many (id int PRIMARY KEY, v vector(64)) USING vecstore WITH (autovacuum_enabled = off);
CREATE INDEX many_v ON many USING vecann (v) WITH (pending_limit = 0);
INSERT INTO many SELECT i, scattered(i, 64) FROM generate_series(1, 12000) i;
SELECT rows_sealed FROM vecstore.flush('many');
SELECT compactions('many', 4);
SELECT list_rows, largest_list < 128 * 5 AS none_large FROM vecstore.index_info('many_v');
SELECT * FROM vecstore.check('same') UNION ALL SELECT * FROM vecstore.check('groups') UNION ALL SELECT * FROM vecstore.check('many') UNION ALL SELECT * FROM vecstore.check('moved');
DROP TABLE same, groups, many, moved;
DROP FUNCTION scattered, compactions;
