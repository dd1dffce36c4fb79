-- A function in an index's predicate that says to be immutable, and changes the table while the index is built.
BEGIN;
SELECT plan(7);
CREATE TABLE b (id int PRIMARY KEY, e vector) USING vecstore;
INSERT INTO b SELECT i, ARRAY[i, 1]::real[]::vector FROM generate_series(1, 100) i;
CREATE FUNCTION change() RETURNS void LANGUAGE plpgsql VOLATILE AS $$ BEGIN EXECUTE current_setting('hostile.sql'); END $$;
CREATE FUNCTION changes(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF $1 = current_setting('hostile.id')::int THEN
		PERFORM public.change();
	END IF;
	RETURN true;
END $$;
SET hostile.id = 50;
SET hostile.sql = 'INSERT INTO public.b VALUES (101, ''[1,2]''); SELECT vecstore.flush(''public.b'')';
SELECT throws_ok('CREATE INDEX b_e ON b USING vecann (e) WHERE changes(id)', '55006', 'index "b_e" was changed while it was being built', 'rows are inserted, and sealed');
SET hostile.sql = 'INSERT INTO public.b VALUES (101, ''[1,2,3,4,5]'')';
SELECT throws_ok('CREATE INDEX b_e ON b USING vecann (e) WHERE changes(id)', '22000', 'expected 2 dimensions, not 5', 'a row of another dimension');
SET hostile.id = 1;
SELECT throws_ok('CREATE INDEX b_e ON b USING vecann (e) WHERE changes(id)', NULL, NULL, 'a row of another dimension, before all others');
SET hostile.id = 50;
SET hostile.sql = 'UPDATE public.b SET e = ''[1,2]'' WHERE id < 10';
SELECT throws_ok('CREATE INDEX b_e ON b USING vecann (e) WHERE changes(id)', '55006', 'index "b_e" was changed while it was being built', 'rows are updated');
SET hostile.sql = 'SELECT vecstore.flush(''public.b''), vecstore.compact(''public.b'')';
SELECT lives_ok('CREATE INDEX b_e ON b USING vecann (e) WHERE changes(id)', 'sealing nothing is no change');
SELECT lives_ok('REINDEX INDEX b_e', 'nor in REINDEX');
SET hostile.sql = 'SELECT 1';
SELECT is_empty('SELECT * FROM vecstore.check(''b'')', 'the index is sound');
SELECT * FROM finish();
ROLLBACK;
