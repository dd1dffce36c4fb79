-- The functions that only the statements behind upserts may call, and the trigger of upsert views.
BEGIN;
SELECT plan(12);

SELECT throws_ok($$SELECT vecstore.batch_row(0, 1, 2000000000, false)$$, '0A000',
	'this function is for the statements that upserts run', 'batch_row, outside of an upsert');
SELECT throws_ok($$SELECT vecstore.batch_gives(0, -1)$$, '0A000', NULL, 'batch_gives, outside of an upsert');
SELECT throws_ok($$SELECT vecstore.batch_replaces(0, true)$$, '0A000', NULL, 'batch_replaces, outside of an upsert');

-- from a trigger, while an upsert of rows of several shapes runs
CREATE TABLE b (id int PRIMARY KEY, n int, m int);
INSERT INTO b VALUES (1), (2);
CREATE FUNCTION hostile() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE current_setting('hostile.call');
	RETURN new;
END $$;
CREATE TRIGGER hostile BEFORE INSERT ON b FOR EACH ROW EXECUTE FUNCTION hostile();
SET hostile.call = 'SELECT vecstore.batch_row(0, 1, 2000000000, false)';
SELECT throws_ok($$SELECT * FROM vecstore.upsert('b', '[{"id":1,"n":2},{"id":2,"m":3}]', partial => true)$$, '0A000', NULL, 'batch_row, from a trigger');
SET hostile.call = 'SELECT vecstore.batch_gives(0, -1)';
SELECT throws_ok($$SELECT * FROM vecstore.upsert('b', '[{"id":1,"n":2},{"id":2,"m":3}]', partial => true)$$, '0A000', NULL, 'batch_gives, from a trigger');
SET hostile.call = 'SELECT vecstore.batch_replaces(0, true)';
SELECT throws_ok($$SELECT * FROM vecstore.upsert('b', '[{"id":3}]')$$, '0A000', NULL, 'batch_replaces, from a trigger');
SET hostile.call = $$SELECT vecstore.upsert('c', '[{"id":1,"n":2},{"id":2,"m":3}]', partial => true)$$;
CREATE TABLE c (LIKE b INCLUDING ALL);
SELECT lives_ok($$SELECT * FROM vecstore.upsert('b', '[{"id":1,"n":2},{"id":2,"m":3},{"id":4,"m":4}]', partial => true)$$, 'an upsert within an upsert');
SELECT results_eq($$SELECT 'b', * FROM b UNION ALL SELECT 'c', * FROM c ORDER BY 1, 2$$,
	$$VALUES ('b', 1, 2, NULL), ('b', 2, NULL, 3), ('b', 4, NULL, 4), ('c', 1, 2, NULL), ('c', 2, NULL, 3)$$, 'both are right');
DROP TRIGGER hostile ON b;

-- from the table's own expressions, which the same executor evaluates
TRUNCATE b;
ALTER TABLE b ADD CONSTRAINT hostile CHECK (vecstore.batch_row(0, 1, 1, false) IS NOT NULL);
SELECT throws_ok($$SELECT * FROM vecstore.upsert('b', '[{"id":5}]')$$, '0A000', NULL, 'from a check constraint');

-- the trigger function
CREATE TABLE d (id int PRIMARY KEY, n int);
CREATE TRIGGER t BEFORE INSERT ON d FOR EACH ROW EXECUTE FUNCTION vecstore.upsert_view_trigger();
SELECT throws_ok($$INSERT INTO d VALUES (1)$$, '39P01', NULL, 'the trigger of views, on a table');
SELECT throws_ok($$SELECT vecstore.upsert_view_trigger()$$, '39P01', NULL, 'or called directly');
DROP TRIGGER t ON d;
CREATE VIEW d_sums AS SELECT id, n + 1 AS n FROM d;
CREATE TRIGGER a BEFORE INSERT ON d_sums FOR EACH STATEMENT EXECUTE FUNCTION vecstore.upsert_view_trigger();
CREATE TRIGGER b INSTEAD OF INSERT ON d_sums FOR EACH ROW EXECUTE FUNCTION vecstore.upsert_view_trigger();
CREATE TRIGGER c AFTER INSERT ON d_sums FOR EACH STATEMENT EXECUTE FUNCTION vecstore.upsert_view_trigger();
SELECT throws_ok($$INSERT INTO d_sums VALUES (1, 1)$$, '42809', NULL, 'or on a view of other columns than the table''s');

SELECT * FROM finish();
ROLLBACK;
