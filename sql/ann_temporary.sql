-- A seal of a temporary table was interrupted.  No other backend can finish it,
-- so the session retries once twice pending_limit rows are pending, and doubles
-- that threshold after another failure.
SET client_min_messages = warning;
CREATE TEMPORARY TABLE kept (id int, v vector(3)) USING vecstore;
CREATE INDEX kept_v ON kept USING vecann (v) WITH (pending_limit = 0);
CREATE FUNCTION pg_temp.v(i int) RETURNS vector LANGUAGE sql IMMUTABLE RETURN ARRAY[sin(i), cos(i), sin(3 * i)]::real[]::vector;
CREATE VIEW sealing AS SELECT count(*) FILTER (WHERE state = 'sealing') AS sealing, count(*) FILTER (WHERE method = 'flush') AS flushed FROM vecstore.segments('kept');

-- the seal fails: temp_file_limit is too low
SET maintenance_work_mem = '1MB';
INSERT INTO kept SELECT i, pg_temp.v(i) FROM generate_series(1, 20000) i;
\set VERBOSITY sqlstate
SET temp_file_limit = 0;
SELECT FROM vecstore.flush('kept');
SELECT * FROM sealing;

-- over the limit, but below twice the limit
ALTER INDEX kept_v SET (pending_limit = 2000);
INSERT INTO kept SELECT i, pg_temp.v(i) FROM generate_series(20001, 23000) i;
INSERT INTO kept VALUES (0, pg_temp.v(0));
SELECT * FROM sealing;

-- at twice the limit the session retries once and fails; later statements do not retry
INSERT INTO kept SELECT i, pg_temp.v(i) FROM generate_series(23001, 25000) i;
INSERT INTO kept VALUES (0, pg_temp.v(0));
INSERT INTO kept VALUES (0, pg_temp.v(0));
INSERT INTO kept SELECT i, pg_temp.v(i) FROM generate_series(25001, 27000) i;
INSERT INTO kept VALUES (0, pg_temp.v(0));
SELECT * FROM sealing;

-- at the doubled threshold
RESET temp_file_limit;
INSERT INTO kept SELECT i, pg_temp.v(i) FROM generate_series(27001, 31000) i;
INSERT INTO kept VALUES (0, pg_temp.v(0));
SELECT * FROM sealing;
SELECT count(*) FROM kept;
SELECT * FROM vecstore.check('kept');
DROP VIEW sealing;
DROP TABLE kept;
