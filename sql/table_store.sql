-- The value store: packing, reuse, what an update writes, limits.
CREATE FUNCTION tv(dim int, seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$ SELECT array_agg((sin(seed * 1000 + i) * 100)::int::float4 / 100)::vector FROM generate_series(1, dim) i $$;

-- Less than a tenth of the space is lost at the usual dimensions, loaded by
-- COPY's path or row by row; each table has a megabyte or more of vectors.
CREATE FUNCTION packing(dim int) RETURNS TABLE (dimension int, bulk bool, single bool, problems bigint) LANGUAGE plpgsql AS $$
DECLARE
	n int := 1500000 / (4 * dim);
	file text := current_setting('data_directory') || '/table_store.data';
	size numeric;
BEGIN
	dimension := dim;
	EXECUTE format('CREATE TABLE packed (id int, e vector(%s)) USING vecstore', dim);
	INSERT INTO packed SELECT i, tv(dim, i) FROM generate_series(1, n) i;
	SELECT store_bytes INTO size FROM vecstore.table_info('packed');
	single := 1 - n * dim * 4 / size < 0.1;
	EXECUTE format('COPY packed TO %L (FORMAT binary)', file);
	SELECT count(*) INTO problems FROM vecstore.check('packed');
	TRUNCATE packed;
	EXECUTE format('COPY packed FROM %L (FORMAT binary)', file);
	EXECUTE format('COPY (SELECT) TO PROGRAM %L', 'cat > /dev/null; rm ' || quote_literal(file));
	SELECT store_bytes INTO size FROM vecstore.table_info('packed');
	bulk := 1 - n * dim * 4 / size < 0.1;
	problems := problems + (SELECT count(*) FROM vecstore.check('packed'))
		+ (SELECT count(*) FROM packed WHERE id % 10 = 0 AND e <> tv(dim, id));
	DROP TABLE packed;
	RETURN NEXT;
END $$;
SELECT p.* FROM unnest(ARRAY[384, 768, 1024, 1536, 3072]) d, packing(d) p;

-- An update of a scalar column writes no vector and is HOT; a pointer that is
-- set to itself is kept.
CREATE TABLE store (id int PRIMARY KEY, n int, e vector, t text) USING vecstore WITH (fillfactor = 50, autovacuum_enabled = off);
INSERT INTO store SELECT i, 0, tv(500, i), repeat(md5(i::text), 100) FROM generate_series(1, 100) i;
SELECT slots_used FROM vecstore.table_info('store');
UPDATE store SET n = n + 1;
UPDATE store SET e = e, t = t;
SELECT slots_used FROM vecstore.table_info('store');
BEGIN;
SELECT pg_stat_get_xact_tuples_hot_updated('store'::regclass) AS before \gset
UPDATE store SET n = n + 1;
SELECT pg_stat_get_xact_tuples_hot_updated('store'::regclass) - :before AS hot;
COMMIT;
-- a changed vector is written, and the next VACUUM removes the old one
UPDATE store SET e = tv(501, id) WHERE id <= 10;
SELECT slots_used FROM vecstore.table_info('store');
SELECT * FROM vecstore.check('store');
VACUUM store;
SELECT * FROM vecstore.check('store');
SELECT slots_used - (SELECT count(*) FROM store) BETWEEN 0 AND 40, slots_dead FROM vecstore.table_info('store');
-- deleted rows leave nothing in the store
DELETE FROM store;
VACUUM store;
SELECT slots_used, slots_dead, store_bytes FROM vecstore.table_info('store');
BEGIN;
INSERT INTO store SELECT i, 0, tv(500, i) FROM generate_series(1, 100) i;
ROLLBACK;
VACUUM store;
SELECT slots_used, slots_dead, store_bytes FROM vecstore.table_info('store');

-- Ten rounds of new vectors for every row, with VACUUM between, do not let the
-- store grow.
INSERT INTO store SELECT i, 0, tv(768, i) FROM generate_series(1, 300) i;
SELECT store_bytes AS first FROM vecstore.table_info('store') \gset
\set round 'INSERT INTO store SELECT i, 0, tv(768, i + :r) FROM generate_series(1, 300) i ON CONFLICT (id) DO UPDATE SET e = excluded.e; VACUUM store;'
\set r 1
:round
\set r 2
:round
\set r 3
:round
\set r 4
:round
\set r 5
:round
\set r 6
:round
\set r 7
:round
\set r 8
:round
\set r 9
:round
\set r 10
:round
SELECT store_bytes < 1.6 * :first AS bounded FROM vecstore.table_info('store');
SELECT count(*) FROM store WHERE e <> tv(768, id + 10);
SELECT * FROM vecstore.check('store');

-- A session that upserts batch after batch reuses its pages without VACUUM.
TRUNCATE store;
INSERT INTO store SELECT i, 0, tv(768, i) FROM generate_series(1, 300) i;
DO $$ BEGIN
	FOR round IN 1 .. 6 LOOP
		FOR batch IN 0 .. 9 LOOP
			INSERT INTO store SELECT i, 0, tv(768, i + round) FROM generate_series(batch * 30 + 1, batch * 30 + 30) i
				ON CONFLICT (id) DO UPDATE SET e = excluded.e;
			COMMIT;
		END LOOP;
	END LOOP;
END $$;
SELECT store_bytes < 3 * :first AS bounded FROM vecstore.table_info('store');
SELECT count(*) FROM store WHERE e <> tv(768, id + 6);
SELECT * FROM vecstore.check('store');

-- A full store is an error, and the table works on.
SET vecstore.store_block_limit = 20;
CREATE TABLE full_store (id int PRIMARY KEY, e vector) USING vecstore;
INSERT INTO full_store SELECT i, tv(768, i) FROM generate_series(1, 40) i;
DO $$ BEGIN
	INSERT INTO full_store SELECT i, tv(768, i) FROM generate_series(41, 100) i;
EXCEPTION WHEN program_limit_exceeded THEN
	RAISE NOTICE '%', regexp_replace(SQLERRM, '\d+', 'N');
END $$;
SELECT count(*), max(id) FROM full_store;
DELETE FROM full_store WHERE id > 20;
VACUUM full_store;
INSERT INTO full_store SELECT i, tv(768, i) FROM generate_series(41, 50) i;
SELECT count(*) FROM full_store;
SELECT store_bytes <= 20 * 8192 FROM vecstore.table_info('full_store');
SELECT * FROM vecstore.check('full_store');
RESET vecstore.store_block_limit;

-- Values that are not vectors: compressed, uncompressed, huge, sliced.
CREATE TABLE texts (id int, plain text, packed text, main text, bytes bytea) USING vecstore;
ALTER TABLE texts ALTER plain SET STORAGE external, ALTER packed SET STORAGE extended,
	ALTER main SET STORAGE main, ALTER bytes SET STORAGE external;
INSERT INTO texts SELECT i, repeat(md5(i::text), 300 * i), repeat(md5(i::text), 300 * i), repeat(md5(i::text), 20),
	decode(repeat(md5(i::text), 500 * i), 'hex') FROM generate_series(1, 20) i;
SELECT count(*) FROM texts
	WHERE plain <> repeat(md5(id::text), 300 * id) OR packed <> plain OR main <> repeat(md5(id::text), 20)
	OR bytes <> decode(repeat(md5(id::text), 500 * id), 'hex');
SELECT count(*) FROM texts, generate_series(1, 32 * 300 * id, 997) p
	WHERE substr(plain, p, 40) <> substr(repeat(md5(id::text), 300 * id), p, 40)
	OR substr(packed, p, 40) <> substr(plain, p, 40)
	OR substr(bytes, p, 40) <> substr(decode(repeat(md5(id::text), 500 * id), 'hex'), p, 40);
SELECT id, pg_column_size(plain), pg_column_size(packed) < pg_column_size(plain), pg_column_compression(packed)
	FROM texts WHERE id IN (1, 20) ORDER BY id;
SELECT * FROM vecstore.check('texts');
UPDATE texts SET packed = packed, plain = left(plain, 5000) WHERE id > 10;
SELECT count(*) FROM texts WHERE packed <> repeat(md5(id::text), 300 * id);
SELECT * FROM vecstore.check('texts');

DROP TABLE store, full_store, texts;
DROP FUNCTION packing, tv;
