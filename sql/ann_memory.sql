-- Maintenance of a small index takes the memory that its rows need, even if
-- maintenance_work_mem allows more.
CREATE TABLE mem (id int PRIMARY KEY, e vector(8)) USING vecstore WITH (autovacuum_enabled = off);
CREATE INDEX mem_e ON mem USING vecann (e vector_l2_ops) WITH (pending_limit = 0);
INSERT INTO mem SELECT i, (SELECT array_agg(sin(i * j)) FROM generate_series(1, 8) j)::real[]::vector FROM generate_series(1, 300) i;
SELECT count(*) FROM vecstore.flush('mem');
-- peak address space of this process in kB; NULL where the system does not report it
CREATE FUNCTION peak() RETURNS int LANGUAGE sql
RETURN (regexp_match(pg_read_file('/proc/self/status', 0, 100000, true), 'VmPeak:\s+(\d+)'))[1]::int;
SELECT peak() AS before \gset
SET maintenance_work_mem = '2GB';
SELECT count(*) FROM vecstore.compact('mem');
SELECT coalesce(peak() - nullif(:'before', '')::int, 0) < 100000 AS little FROM (SELECT) AS compact;
UPDATE mem SET e = e + e WHERE id % 2 = 0;
SELECT count(*) FROM vecstore.flush('mem');
SELECT coalesce(peak() - nullif(:'before', '')::int, 0) < 100000 AS little FROM (SELECT) AS flush;
DELETE FROM mem WHERE id % 3 = 0;
VACUUM mem;
SELECT coalesce(peak() - nullif(:'before', '')::int, 0) < 100000 AS little FROM (SELECT) AS vacuum;
REINDEX INDEX mem_e;
SELECT coalesce(peak() - nullif(:'before', '')::int, 0) < 100000 AS little FROM (SELECT) AS reindex;
-- more entries than the first batch of lookups has
SET maintenance_work_mem = '1MB';
INSERT INTO mem SELECT i, (SELECT array_agg(sin(i * j)) FROM generate_series(1, 8) j)::real[]::vector FROM generate_series(1001, 5000) i;
SELECT count(*) FROM vecstore.flush('mem');
UPDATE mem SET e = e + e WHERE id > 1000;
SELECT count(*) FROM vecstore.compact('mem');
SELECT list_rows, list_dead FROM vecstore.index_info('mem_e');
SELECT * FROM vecstore.check('mem');
DROP TABLE mem;
DROP FUNCTION peak;
