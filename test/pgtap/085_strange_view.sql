-- Any role can make an upsert view over a table of another one, with further triggers.  It does not count as that table's.
BEGIN;
SELECT plan(8);
CREATE ROLE vecstore_mallory;
CREATE ROLE "vecstore Owner";
CREATE ROLE vecstore_deputy IN ROLE "vecstore Owner";
GRANT CREATE ON SCHEMA public TO vecstore_mallory, "vecstore Owner";
CREATE FUNCTION pg_temp.asked(sql text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE 'SELECT ' || sql INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE;
END $$;

SET LOCAL ROLE "vecstore Owner";
CREATE TABLE mine (id int PRIMARY KEY, n int);
SET LOCAL ROLE vecstore_mallory;
CREATE VIEW mine_upsert AS SELECT id, n FROM mine;
CREATE TRIGGER b BEFORE INSERT ON mine_upsert FOR EACH STATEMENT EXECUTE FUNCTION vecstore.upsert_view_trigger();
CREATE TRIGGER r INSTEAD OF INSERT ON mine_upsert FOR EACH ROW EXECUTE FUNCTION vecstore.upsert_view_trigger();
CREATE TRIGGER e AFTER INSERT ON mine_upsert FOR EACH STATEMENT EXECUTE FUNCTION vecstore.upsert_view_trigger();
RESET ROLE;
SELECT is(pg_temp.asked($$vecstore.create_upsert_view('mine')$$), '42P07', 'a superuser does not take it over');
SELECT is(pg_temp.asked($$vecstore.describe('mine') ->> 'upsert_view'$$), NULL, 'describe does not show it');
SELECT is(pg_temp.asked($$vecstore.drop_collection('mine')$$), '2BP01', 'it is not dropped with the table');
SET LOCAL ROLE "vecstore Owner";
SELECT is(pg_temp.asked($$vecstore.create_upsert_view('mine')$$), '42P07', 'nor does the owner take it over');
RESET ROLE;
DROP VIEW mine_upsert;

SET LOCAL ROLE vecstore_deputy;
SELECT is(pg_temp.asked($$vecstore.create_upsert_view('mine')$$), 'mine_upsert', 'a member of the owner makes one');
SET LOCAL ROLE "vecstore Owner";
SELECT is(pg_temp.asked($$vecstore.describe('mine') ->> 'upsert_view'$$), 'public.mine_upsert', 'which counts');
RESET ROLE;
SELECT is(pg_temp.asked($$vecstore.create_upsert_view('mine')$$), 'mine_upsert', 'and is made again by a superuser');
SELECT is(pg_temp.asked($$vecstore.drop_collection('mine')$$), '', 'and goes with the table');
SELECT * FROM finish();
ROLLBACK;
