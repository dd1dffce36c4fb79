-- Values of rows that a tool deleted behind the access method: no row names them, and VACUUM gives them back.
SET client_min_messages = warning;
CREATE FUNCTION filled(i int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE RETURN array_fill(i::real, ARRAY[dims])::vector;
-- deletes rows as simple_heap_delete does: heapam finds no values, since the value store's index is empty
CREATE FUNCTION delete_behind(relation regclass, condition text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	am oid := (SELECT relam FROM pg_class WHERE oid = relation);
	n bigint;
BEGIN
	UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = relation;
	EXECUTE format('DELETE FROM %s WHERE %s', relation, condition);
	GET DIAGNOSTICS n = ROW_COUNT;
	UPDATE pg_class SET relam = am WHERE oid = relation;
	RETURN n;
END
$$;
-- values without a row, by check, and chunks in the store
CREATE FUNCTION leaked(relation regclass, OUT vals bigint, OUT chunks bigint) LANGUAGE plpgsql AS $$
BEGIN
	SELECT count(*) FILTER (WHERE problem ~ '^chunk 0 .* belongs to no row$'), count(*) FROM vecstore.check(relation) INTO vals, chunks;
END
$$;

-- vectors on one page and on several, texts, rows without any
CREATE TABLE items (id int PRIMARY KEY, n int, e vector(300), large vector(3000), body text, gone text)
	USING vecstore WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off);
ALTER TABLE items ALTER body SET STORAGE EXTERNAL;
ALTER TABLE items ALTER gone SET STORAGE EXTERNAL;
CREATE FUNCTION fill(first int, step int) RETURNS void LANGUAGE sql AS $$
	INSERT INTO items SELECT i, 0, CASE WHEN i % 7 > 0 THEN filled(i, 300) END, CASE WHEN i % 5 = 0 THEN filled(i, 3000) END,
		CASE WHEN i % 3 = 0 THEN repeat(i::text, 2000) ELSE i::text END
	FROM generate_series(first, 60, step) i
$$;
CREATE FUNCTION wrong() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM items i WHERE e IS DISTINCT FROM CASE WHEN id % 7 > 0 THEN filled(id, 300) END
		OR large IS DISTINCT FROM CASE WHEN id % 5 = 0 THEN filled(id, 3000) END
		OR body IS DISTINCT FROM CASE WHEN id % 3 = 0 THEN repeat(id::text, 2000) ELSE id::text END
$$;
SELECT fill(1, 1);
UPDATE items SET gone = repeat('gone', 2000) WHERE id % 10 = 0;
ALTER TABLE items DROP gone;
CREATE INDEX ON items USING vecann (e);
VACUUM items;
SELECT * FROM leaked('items');
-- versions of rows that share values, HOT and not
UPDATE items SET n = n + 1;
UPDATE items SET id = id + 1000 WHERE id % 4 = 0;
UPDATE items SET id = id - 1000 WHERE id > 1000;
-- undone, and a value that was replaced
BEGIN;
UPDATE items SET e = filled(9, 300), body = 'x' WHERE id BETWEEN 40 AND 60;
ROLLBACK;
SELECT wrong();

SELECT delete_behind('items', 'id % 2 = 0');
SELECT * FROM leaked('items');
SELECT pg_relation_size(reltoastrelid) AS before FROM pg_class WHERE oid = 'items'::regclass \gset
VACUUM items;
SELECT * FROM leaked('items');
SELECT count(*), wrong() FROM items;
SELECT * FROM vecstore.check('items');
-- the space is free
SELECT fill(2, 2);
SELECT pg_relation_size(reltoastrelid) <= :before AS fits FROM pg_class WHERE oid = 'items'::regclass;
SELECT wrong();
SELECT * FROM vecstore.check('items');

-- one value of a small table is enough
SELECT delete_behind('items', 'id = 1');
VACUUM items;
SELECT * FROM leaked('items');
-- VACUUM of the row that does not free its line pointer yet
SELECT delete_behind('items', 'id = 3');
VACUUM (INDEX_CLEANUP off) items;
SELECT * FROM leaked('items');
-- rows alone, then the value store
SELECT delete_behind('items', 'id = 5');
VACUUM (PROCESS_TOAST off) items;
SELECT * FROM leaked('items');
VACUUM items;
-- all rows: the table is truncated in the same VACUUM
SELECT delete_behind('items', 'true') > 0;
VACUUM items;
SELECT * FROM leaked('items');
SELECT pg_relation_size(oid), pg_relation_size(reltoastrelid) FROM pg_class WHERE oid = 'items'::regclass;

-- in several portions: more values than fit into maintenance_work_mem
SET maintenance_work_mem = '1MB';
CREATE TABLE many (id int, e vector(2)) USING vecstore WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off);
INSERT INTO many SELECT i, filled(i, 2) FROM generate_series(1, 250000) i;
SELECT delete_behind('many', 'id % 100 = 0');
-- too few for a sample of the pages; an aggressive VACUUM finds them
VACUUM many;
SELECT * FROM leaked('many');
VACUUM (FREEZE) many;
SELECT * FROM leaked('many');
SELECT count(*), count(*) FILTER (WHERE e = filled(id, 2)) FROM many;
SELECT delete_behind('many', 'id % 4 = 0');
VACUUM many;
SELECT * FROM leaked('many');
SELECT count(*), count(*) FILTER (WHERE e = filled(id, 2)) FROM many;
RESET maintenance_work_mem;

-- of a partition, an unlogged and a temporary table, a table without vectors
CREATE TABLE parted (id int, e vector) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF parted FOR VALUES FROM (0) TO (100) USING vecstore;
CREATE UNLOGGED TABLE unlogged (id int, e vector) USING vecstore;
CREATE TEMPORARY TABLE temporary (id int, e vector) USING vecstore;
CREATE TABLE texts (id int, e text) USING vecstore;
ALTER TABLE texts ALTER e SET STORAGE EXTERNAL;
CREATE TABLE numbers (id int, e int) USING vecstore;
INSERT INTO parted SELECT i, filled(i, 9) FROM generate_series(1, 9) i;
INSERT INTO unlogged SELECT i, filled(i, 9) FROM generate_series(1, 9) i;
INSERT INTO temporary SELECT i, filled(i, 9) FROM generate_series(1, 9) i;
INSERT INTO texts SELECT i, repeat('x', 3000) FROM generate_series(1, 9) i;
INSERT INTO numbers VALUES (1, 1), (2, 1);
SELECT t, delete_behind(t, 'id > 1'), leaked(t) FROM unnest('{part,unlogged,temporary,texts,numbers}'::regclass[]) t;
VACUUM parted, unlogged, temporary, texts, numbers;
SELECT t, leaked(t) FROM unnest('{part,unlogged,temporary,texts,numbers}'::regclass[]) t;

-- with every isolation level as the default, and one that is read only
SET default_transaction_isolation = serializable;
SET default_transaction_read_only = on;
VACUUM texts;
RESET default_transaction_read_only;
INSERT INTO texts SELECT i, repeat('x', 3000) FROM generate_series(11, 19) i;
SELECT delete_behind('texts', 'id BETWEEN 11 AND 15');
SET default_transaction_read_only = on;
VACUUM texts;
RESET default_transaction_read_only;
RESET default_transaction_isolation;
SELECT * FROM leaked('texts');

-- what forbids it
SELECT delete_behind('texts', 'id > 15');
SET zero_damaged_pages = on;
VACUUM texts;
SELECT * FROM leaked('texts');
RESET zero_damaged_pages;
VACUUM texts;
SELECT * FROM leaked('texts');
DROP TABLE items, many, parted, unlogged, temporary, texts, numbers;
DROP FUNCTION filled, delete_behind, leaked, fill, wrong;
