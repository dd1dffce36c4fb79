-- Upsert in a read-only transaction.
BEGIN;
SELECT plan(3);
CREATE TABLE items (id int PRIMARY KEY) USING vecstore;
SET TRANSACTION READ ONLY;
SELECT throws_ok($$SELECT vecstore.upsert('items', '{"id": 1}')$$, '25006',
	'cannot execute INSERT in a read-only transaction', 'JSON');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id}', '{1}'::int[])$$, '25006',
	'cannot execute INSERT in a read-only transaction', 'columns');
SELECT lives_ok($$SELECT vecstore.upsert('items', '[]')$$, 'an empty batch writes nothing');
SELECT * FROM finish();
ROLLBACK;
