-- Every statement runs on a vecstore table and on a heap table; they must agree.
CREATE FUNCTION tv(dim int, seed int) RETURNS vector LANGUAGE sql IMMUTABLE AS
	$$ SELECT array_agg((sin(seed * 1000 + i) * 100)::int::float4 / 100)::vector FROM generate_series(1, dim) i $$;
CREATE FUNCTION ttext(seed int, n int) RETURNS text LANGUAGE sql IMMUTABLE AS
	$$ SELECT coalesce(string_agg(md5((seed * 1000 + i)::text), ''), '') FROM generate_series(1, n) i $$;
CREATE TABLE d_heap (id int PRIMARY KEY, n int, e vector, t text, h halfvec, e2 vector(3)) USING heap;
CREATE TABLE d_vec (LIKE d_heap INCLUDING ALL) USING vecstore;
-- the order and representation of all rows, as one number
CREATE FUNCTION agree() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	heap_sum text;
	vec_sum text;
	problems bigint;
BEGIN
	SELECT count(*) || ':' || md5(string_agg(md5(d_heap::text), '' ORDER BY id)) INTO heap_sum FROM d_heap;
	SELECT count(*) || ':' || md5(string_agg(md5(d_vec::text), '' ORDER BY id)) INTO vec_sum FROM d_vec;
	SELECT count(*) INTO problems FROM vecstore.check('d_vec');
	RETURN split_part(heap_sum, ':', 1) || CASE WHEN heap_sum IS NOT DISTINCT FROM vec_sum THEN ' rows agree' ELSE ' rows DIFFER' END ||
		CASE WHEN problems = 0 THEN ', sound' ELSE ', ' || problems || ' problems' END;
END $$;
CREATE PROCEDURE mirrored(statement text) LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE replace(statement, '$t', 'd_heap');
	EXECUTE replace(statement, '$t', 'd_vec');
END $$;

-- all sizes: in one page, across two pages, several pages, toasted text in both forms
CALL mirrored($$ INSERT INTO $t SELECT i, i, tv((ARRAY[1, 3, 100, 384, 768, 1024, 1536, 3072])[1 + i % 8], i),
	ttext(i, (ARRAY[0, 1, 30, 100, 700])[1 + i % 5]), tv((ARRAY[5, 500, 4000])[1 + i % 3], i)::halfvec, '[1,2,3]'
	FROM generate_series(1, 200) i $$);
CALL mirrored($$ INSERT INTO $t VALUES (1001, 0, NULL, NULL, NULL, NULL), (1002, 0, tv(16000, 1), repeat('x', 100000), NULL, NULL) $$);
SELECT agree();

-- updates of scalar columns keep the pointers
CALL mirrored('UPDATE $t SET n = n + 1');
SELECT agree();
-- vectors that change, become NULL or not NULL, are swapped between columns, come from another row
CALL mirrored('UPDATE $t SET e = tv(768, id + 1) WHERE id % 3 = 0');
CALL mirrored('UPDATE $t SET e = NULL, t = NULL WHERE id % 10 = 0');
CALL mirrored('UPDATE $t SET e = h, h = e WHERE id % 7 = 0 AND e IS NOT NULL');
CALL mirrored('UPDATE $t SET e = (SELECT x.e FROM $t x WHERE x.id = 11), t = (SELECT x.t FROM $t x WHERE x.id = 14) WHERE id % 11 = 0');
CALL mirrored('UPDATE $t SET e = e, t = t || ''''');
SELECT agree();
CALL mirrored('DELETE FROM $t WHERE id % 13 = 0');
CALL mirrored('INSERT INTO $t SELECT id + 2000, n, e, t, h, e2 FROM $t WHERE id < 100');
CALL mirrored('INSERT INTO $t SELECT id + 4000, n, e, t, h, e2 FROM d_heap WHERE id < 50');
SELECT agree();

-- primary key changes move rows
CALL mirrored('UPDATE $t SET id = id + 10000, e = tv(100, id) WHERE id % 17 = 0');
CALL mirrored($$ INSERT INTO $t VALUES (1, 5, tv(7, 7), 'new', NULL, NULL), (5000, 5, tv(7, 7), 'new', NULL, NULL)
	ON CONFLICT (id) DO UPDATE SET e = excluded.e, t = excluded.t || $t.n $$);
CALL mirrored($$ INSERT INTO $t VALUES (1, 6, tv(8, 8), 'never', NULL, NULL) ON CONFLICT DO NOTHING $$);
CALL mirrored($$ MERGE INTO $t USING (SELECT i, tv(i, i) AS v FROM generate_series(1, 20) i) s ON s.i = $t.id
	WHEN MATCHED AND i % 3 = 0 THEN DELETE
	WHEN MATCHED THEN UPDATE SET e = s.v
	WHEN NOT MATCHED THEN INSERT VALUES (s.i, 0, s.v, NULL, NULL, NULL) $$);
SELECT agree();

-- a statement returns the values that are stored
INSERT INTO d_vec VALUES (6000, 1, tv(4, 1), 'r', NULL, NULL) RETURNING id, e, e2, tableoid::regclass, cmin;
UPDATE d_vec SET e = tv(4, 2) WHERE id = 6000 RETURNING id, e, xmax, (xmin::text::bigint = txid_current()) AS own;
UPDATE d_vec SET n = 2 WHERE id = 6000 RETURNING d_vec;
DELETE FROM d_vec WHERE id = 6000 RETURNING e, d_vec;
SELECT count(*) FROM vecstore.check('d_vec');

-- transactions
BEGIN;
UPDATE d_vec SET e = tv(2000, id) WHERE id < 50;
SAVEPOINT a;
DELETE FROM d_vec WHERE id < 100;
INSERT INTO d_vec VALUES (1, 1, tv(900, 1), NULL, NULL, NULL);
ROLLBACK TO a;
UPDATE d_vec SET e = tv(2001, id) WHERE id < 20;
SELECT count(*) FROM vecstore.check('d_vec');
ROLLBACK;
SELECT agree();
BEGIN;
SAVEPOINT a;
UPDATE d_vec SET e = tv(2000, id) WHERE id < 50;
RELEASE a;
UPDATE d_vec SET t = ttext(id, 200) WHERE id < 50;
COMMIT;
UPDATE d_heap SET e = tv(2000, id), t = ttext(id, 200) WHERE id < 50;
SELECT agree();

-- COPY, both ways and through many pages
SELECT current_setting('data_directory') || '/table_dml.data' AS file \gset
SELECT 'cat > /dev/null; rm ' || quote_literal(:'file') AS remove \gset
COPY d_heap TO :'file' (FORMAT binary);
TRUNCATE d_vec;
COPY d_vec FROM :'file' (FORMAT binary);
SELECT agree();
COPY (SELECT * FROM d_vec) TO :'file';
TRUNCATE d_vec;
COPY d_vec FROM :'file';
SELECT agree();
BEGIN;
TRUNCATE d_vec;
COPY d_vec FROM :'file' (FREEZE);
COMMIT;
SELECT agree();
COPY (SELECT) TO PROGRAM :'remove';

-- whole rows, records and composite values
CREATE TABLE d_rows (r d_vec) USING vecstore;
INSERT INTO d_rows SELECT d_vec FROM d_vec;
CALL mirrored('UPDATE $t SET e = NULL, t = NULL, h = NULL');
VACUUM d_vec;
SELECT count(*), count((r).e), count((r).t) FROM d_rows;
UPDATE d_vec SET e = (r).e, t = (r).t, h = (r).h FROM d_rows WHERE (r).id = id;
UPDATE d_heap SET e = (r).e, t = (r).t, h = (r).h FROM d_rows WHERE (r).id = id;
SELECT agree();
DO $$
DECLARE
	row d_vec;
	old_e vector;
BEGIN
	FOR row IN SELECT * FROM d_vec WHERE id < 20 ORDER BY id LOOP
		old_e := row.e;
		UPDATE d_vec SET e = tv(12, row.id) WHERE id = row.id;
		COMMIT;
		IF old_e IS DISTINCT FROM row.e OR row.t IS DISTINCT FROM (SELECT t FROM d_vec WHERE id = row.id) THEN
			RAISE EXCEPTION 'row % changed', row.id;
		END IF;
	END LOOP;
END $$;
UPDATE d_heap SET e = tv(12, id) WHERE id < 20;
SELECT agree();

-- triggers see OLD and NEW, before and after, and may change the vector
CREATE TABLE d_log (id int, op text, old_e vector, new_e vector);
CREATE FUNCTION d_trigger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_WHEN = 'BEFORE' THEN
		NEW.e := CASE WHEN NEW.e IS NOT NULL THEN l2_normalize(NEW.e) END;
		RETURN NEW;
	END IF;
	INSERT INTO d_log VALUES (coalesce(NEW.id, OLD.id), TG_OP,
		CASE WHEN TG_OP <> 'INSERT' THEN OLD.e END, CASE WHEN TG_OP <> 'DELETE' THEN NEW.e END);
	RETURN NULL;
END $$;
CREATE TRIGGER d_before BEFORE INSERT OR UPDATE ON d_vec FOR EACH ROW EXECUTE FUNCTION d_trigger();
CREATE TRIGGER d_after AFTER INSERT OR UPDATE OR DELETE ON d_vec FOR EACH ROW EXECUTE FUNCTION d_trigger();
INSERT INTO d_vec VALUES (7000, 1, '[3,4]', 'x', NULL, NULL);
UPDATE d_vec SET e = '[0,5]' WHERE id = 7000;
UPDATE d_vec SET n = 3 WHERE id = 7000;
DELETE FROM d_vec WHERE id = 7000;
SELECT * FROM d_log;
DROP TRIGGER d_before ON d_vec;
DROP TRIGGER d_after ON d_vec;
SELECT agree();

-- cursors return rows that were deleted, and outlive their transaction
BEGIN;
DECLARE held CURSOR WITH HOLD FOR SELECT e FROM d_vec WHERE id BETWEEN 1 AND 5 ORDER BY id;
DECLARE plain CURSOR FOR SELECT e FROM d_vec WHERE id = 2;
DELETE FROM d_vec;
FETCH plain;
COMMIT;
VACUUM d_vec;
FETCH 2 FROM held;
CLOSE held;
SELECT * FROM vecstore.check('d_vec');

-- a row too wide for a page gives heap's error; a wide row of fixed columns is accepted
DO $$ BEGIN
	EXECUTE format('CREATE TABLE d_wide (%s, v vector) USING vecstore',
		(SELECT string_agg(format('c%s int8', i), ', ') FROM generate_series(1, 600) i));
	EXECUTE format('INSERT INTO d_wide SELECT %s, tv(10, 1)', (SELECT string_agg(i::text, ', ') FROM generate_series(1, 600) i));
END $$;
UPDATE d_wide SET c600 = 0, v = tv(1000, 2);
UPDATE d_wide SET c600 = 1;
SELECT c1, c600, vector_dims(v) FROM d_wide;
SELECT * FROM vecstore.check('d_wide');
\set VERBOSITY terse
DO $$ BEGIN
	EXECUTE format('CREATE TABLE d_too_wide (%s, v vector) USING vecstore',
		(SELECT string_agg(format('c%s int8', i), ', ') FROM generate_series(1, 1100) i));
	EXECUTE format('INSERT INTO d_too_wide SELECT %s, tv(10, 1)', (SELECT string_agg(i::text, ', ') FROM generate_series(1, 1100) i));
END $$;
\set VERBOSITY default

DROP TABLE d_heap, d_vec, d_rows, d_log, d_wide CASCADE;
DROP FUNCTION agree, d_trigger;
DROP PROCEDURE mirrored;
DROP FUNCTION tv, ttext;
