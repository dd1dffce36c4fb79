-- Rows of a transaction in progress: all that the transaction runs finds them by
-- the index, and no query finds rows that were rolled back.
SET client_min_messages = warning;
SET enable_seqscan = off;
SET enable_sort = off;
SET enable_bitmapscan = off;
SET vecann.probes = 1000;
CREATE FUNCTION at(i int) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN ARRAY[i, i % 7, 1]::real[]::vector;
CREATE TABLE rows (id int PRIMARY KEY, v vector(3)) USING vecstore;
CREATE INDEX rows_v ON rows USING vecann (v vector_l2_ops);
CREATE TABLE other (id int, v vector(3)) USING vecstore;
CREATE INDEX other_v ON other USING vecann (v vector_l2_ops);
-- the rows that the index finds, by distance from 0
CREATE FUNCTION found() RETURNS int[] LANGUAGE sql STABLE PARALLEL SAFE AS
	$$ SELECT array_agg(id) FROM (SELECT id FROM rows ORDER BY v <-> '[0,0,0]' LIMIT 1000) s $$;
EXPLAIN (COSTS OFF) SELECT id FROM rows ORDER BY v <-> '[0,0,0]' LIMIT 1000;

-- found by the same transaction: a query, a function, a join, a DML command
BEGIN;
INSERT INTO rows SELECT i, at(i) FROM generate_series(1, 3) i;
SELECT found();
INSERT INTO rows VALUES (4, at(4));
SELECT n.id FROM other o RIGHT JOIN LATERAL (SELECT id FROM rows ORDER BY v <-> '[4,4,1]' LIMIT 1) n ON true;
DELETE FROM rows WHERE id = (SELECT id FROM rows ORDER BY v <-> '[4,4,1]' LIMIT 1);
INSERT INTO rows SELECT id + 10, at(id + 10) FROM (SELECT id FROM rows ORDER BY v <-> '[0,0,0]' LIMIT 10) s;
SELECT found();
-- not found by the statement that inserts them
WITH new AS (INSERT INTO rows VALUES (20, at(20)) RETURNING id) SELECT (SELECT id FROM new), found();
SELECT found();
ROLLBACK;
SELECT found();

-- found by a parallel worker
SELECT set_config(name, 'on', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
BEGIN;
INSERT INTO rows SELECT i, at(i) FROM generate_series(1, 3) i;
EXPLAIN (COSTS OFF) SELECT id FROM rows ORDER BY v <-> '[0,0,0]' LIMIT 10;
SELECT id FROM rows ORDER BY v <-> '[0,0,0]' LIMIT 10;
INSERT INTO rows VALUES (4, at(4));
-- found by a plan that does not name the table
SELECT found();
COMMIT;
SELECT set_config(name, 'off', false) FROM pg_settings WHERE name IN ('force_parallel_mode', 'debug_parallel_query');
SELECT found();

-- subtransactions
BEGIN;
INSERT INTO rows VALUES (5, at(5));
SAVEPOINT a;
INSERT INTO rows VALUES (6, at(6));
SAVEPOINT b;
INSERT INTO rows VALUES (7, at(7));
RELEASE b;
INSERT INTO rows VALUES (8, at(8));
ROLLBACK TO a;
INSERT INTO rows VALUES (9, at(9));
SAVEPOINT c;
INSERT INTO rows VALUES (10, at(10));
RELEASE c;
RELEASE a;
SAVEPOINT d;
INSERT INTO rows VALUES (11, at(11));
-- the rows are on pages now, rolled back or not
SELECT found();
INSERT INTO rows VALUES (12, at(12));
ROLLBACK TO d;
SELECT found();
INSERT INTO rows VALUES (13, at(13));
COMMIT;
SELECT found();
SELECT * FROM vecstore.check_index('rows_v');

-- a loop that rolls every second row back
CREATE PROCEDURE every_second(first int, last int, commits bool) LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN first .. last LOOP
		BEGIN
			INSERT INTO rows VALUES (i, at(i));
			IF i % 2 = 0 THEN
				RAISE division_by_zero;
			END IF;
		EXCEPTION WHEN division_by_zero THEN
		END;
		IF commits AND i % 3 = 0 THEN
			COMMIT;
		ELSIF commits AND i % 3 = 1 THEN
			ROLLBACK;
		END IF;
	END LOOP;
END $$;
CALL every_second(21, 26, false);
CALL every_second(31, 39, true);
SELECT found();
DELETE FROM rows WHERE id > 9;

-- ON CONFLICT: found by the key, and updated
INSERT INTO rows SELECT i, at(i) FROM generate_series(1, 12) i ON CONFLICT DO NOTHING;
INSERT INTO rows SELECT i, at(30 - i) FROM generate_series(1, 3) i ON CONFLICT (id) DO UPDATE SET v = excluded.v;
SELECT found();

-- cursors: an open one does not see rows inserted later; one WITH HOLD sees all earlier rows
BEGIN;
INSERT INTO rows VALUES (15, at(15));
DECLARE before CURSOR FOR SELECT id FROM rows ORDER BY v <-> '[16,2,1]' LIMIT 2;
DECLARE held CURSOR WITH HOLD FOR SELECT id FROM rows ORDER BY v <-> '[16,2,1]' LIMIT 2;
INSERT INTO rows VALUES (16, at(16));
DECLARE held_too CURSOR WITH HOLD FOR SELECT id FROM rows ORDER BY v <-> '[16,2,1]' LIMIT 2;
FETCH ALL before;
COMMIT;
FETCH ALL held;
FETCH ALL held_too;
CLOSE ALL;

-- triggers that search by the index, deferred ones too
CREATE TABLE seen (what text, ids int[]);
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO seen VALUES (TG_NAME || coalesce(' ' || new.id, ''), (SELECT array_agg(id) FROM (SELECT id FROM rows ORDER BY v <-> '[100,2,1]' LIMIT 2) s));
	RETURN new;
END $$;
CREATE TRIGGER before_row BEFORE INSERT ON rows FOR EACH ROW EXECUTE FUNCTION look();
CREATE TRIGGER after_row AFTER INSERT ON rows FOR EACH ROW EXECUTE FUNCTION look();
CREATE TRIGGER after_statement AFTER INSERT ON rows EXECUTE FUNCTION look();
CREATE CONSTRAINT TRIGGER deferred AFTER INSERT ON rows DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION look();
BEGIN;
INSERT INTO rows VALUES (100, at(100)), (101, at(101));
INSERT INTO rows VALUES (102, at(102));
COMMIT;
SELECT * FROM seen;
DROP TRIGGER before_row ON rows;
DROP TRIGGER after_row ON rows;
DROP TRIGGER after_statement ON rows;
DROP TRIGGER deferred ON rows;
-- a trigger that inserts at the end of the transaction
CREATE FUNCTION add() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO rows VALUES (new.id + 1000, at(new.id + 1000)); RETURN new; END $$;
CREATE CONSTRAINT TRIGGER adding AFTER INSERT ON rows DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (new.id < 1000) EXECUTE FUNCTION add();
INSERT INTO rows VALUES (103, at(103));
DROP TRIGGER adding ON rows;
DELETE FROM rows WHERE id BETWEEN 20 AND 102;
SELECT found();

-- the index gets another file, or loses its own
BEGIN;
INSERT INTO rows VALUES (200, at(200));
REINDEX INDEX rows_v;
INSERT INTO rows VALUES (201, at(201));
SELECT found();
COMMIT;
BEGIN;
INSERT INTO rows VALUES (202, at(202));
SAVEPOINT a;
REINDEX TABLE rows;
INSERT INTO rows VALUES (203, at(203));
ROLLBACK TO a;
INSERT INTO rows VALUES (204, at(204));
COMMIT;
BEGIN;
INSERT INTO rows VALUES (205, at(205));
SAVEPOINT a;
TRUNCATE rows;
INSERT INTO rows VALUES (1, at(1));
TRUNCATE rows;
INSERT INTO rows VALUES (2, at(2));
SELECT found();
ROLLBACK TO a;
COMMIT;
SELECT found();
BEGIN;
INSERT INTO rows VALUES (206, at(206));
SAVEPOINT a;
DROP INDEX rows_v;
ROLLBACK TO a;
INSERT INTO rows VALUES (207, at(207));
SAVEPOINT b;
ALTER TABLE rows ALTER id TYPE bigint;
INSERT INTO rows VALUES (208, at(208));
ROLLBACK TO b;
CLUSTER rows USING rows_pkey;
INSERT INTO rows VALUES (209, at(209));
COMMIT;
SELECT found();
SELECT * FROM vecstore.check_index('rows_v');
BEGIN;
INSERT INTO rows VALUES (210, at(210));
DROP INDEX rows_v;
INSERT INTO rows VALUES (211, at(211));
CREATE INDEX rows_v ON rows USING vecann (v vector_l2_ops);
INSERT INTO rows VALUES (212, at(212));
COMMIT;
SELECT found();
BEGIN;
TRUNCATE rows;
INSERT INTO rows VALUES (1, at(1));
COMMIT;
SELECT found();

-- a table created, filled and searched in one transaction; a temporary one; a dropped one
BEGIN;
CREATE TEMP TABLE mine (id int, v vector(3)) USING vecstore ON COMMIT DELETE ROWS;
CREATE INDEX mine_v ON mine USING vecann (v vector_l2_ops);
INSERT INTO mine SELECT i, at(i) FROM generate_series(1, 5) i;
SELECT id FROM mine ORDER BY v <-> '[3,3,1]' LIMIT 1;
INSERT INTO mine VALUES (6, at(6));
COMMIT;
SELECT count(*) FROM (SELECT FROM mine ORDER BY v <-> '[3,3,1]') s;
BEGIN;
INSERT INTO mine VALUES (6, at(6));
INSERT INTO other VALUES (6, at(6));
DROP TABLE mine;
COMMIT;
SELECT id FROM other ORDER BY v <-> '[3,3,1]';

-- COPY, more rows than a session holds back, several indexes
BEGIN;
CREATE INDEX other_w ON other USING vecann (v vector_ip_ops) WITH (pending_limit = 0);
COPY other FROM STDIN;
7	[7,0,1]
8	[8,1,1]
\.
INSERT INTO other SELECT i, at(i) FROM generate_series(9, 20000) i;
SELECT id FROM other ORDER BY v <-> '[0,0,0]' LIMIT 3;
SELECT id FROM other ORDER BY v <#> '[1,0,0]' LIMIT 3;
COMMIT;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM other ORDER BY v <-> '[0,0,0]' LIMIT 100000) s;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM other ORDER BY v <#> '[0,0,0]' LIMIT 100000) s;
SELECT i.relname, c.* FROM pg_class i CROSS JOIN vecstore.check_index(i.oid::regclass) c WHERE i.relname LIKE 'other\__';
-- rows after the first seal are coded against its center
SELECT index, rows_sealed > 0 AS sealed FROM vecstore.flush('other') ORDER BY index::text;
INSERT INTO other SELECT i, at(i) FROM generate_series(20001, 20100) i;
SELECT id FROM other ORDER BY v <-> '[20050.1,2,1]' LIMIT 3;

-- partitions
CREATE TABLE parts (id int, v vector(3)) PARTITION BY LIST ((id % 3));
CREATE TABLE parts_0 PARTITION OF parts FOR VALUES IN (0) USING vecstore;
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1) USING vecstore;
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2) USING vecstore;
CREATE INDEX parts_v ON parts USING vecann (v vector_l2_ops);
BEGIN;
INSERT INTO parts SELECT i, at(i) FROM generate_series(1, 5000) i;
UPDATE parts SET id = id + 1 WHERE id = 4999;
SELECT id FROM parts ORDER BY v <-> '[5000,1,1]' LIMIT 3;
COMMIT;
SELECT count(*) FROM (SELECT id FROM parts ORDER BY v <-> '[5000,1,1]') s;

DROP TABLE rows, other, parts, seen;
DROP FUNCTION found, look, add, at;
DROP PROCEDURE every_second;
