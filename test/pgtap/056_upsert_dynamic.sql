-- Upsert into a collection with dynamic fields: a column of type vecstore.dynamic_fields
-- takes the fields that the table does not have.
BEGIN;
SELECT plan(14);

CREATE TABLE items (id int PRIMARY KEY, n int, more vecstore.dynamic_fields NOT NULL DEFAULT '{}') USING vecstore;
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert('items', '[{"id": 1, "n": 1, "colour": "red", "size": {"w": 1, "h": [2, 3]}}, {"id": 2, "ok": true, "gone": null}, {"id": 3}]')$$,
	$$VALUES (3::bigint, 0::bigint, 0::bigint)$$, 'unknown fields are no error');
SELECT results_eq($$SELECT id, more::jsonb FROM items ORDER BY id$$,
	$$VALUES (1, '{"colour": "red", "size": {"w": 1, "h": [2, 3]}}'::jsonb), (2, '{"ok": true, "gone": null}'), (3, '{}')$$, 'they are kept as they are');
SELECT lives_ok($$SELECT vecstore.upsert('items', '[{"id": 1, "weight": 1.50}, {"id": 2}]')$$, 'override');
SELECT results_eq($$SELECT id, more::jsonb FROM items ORDER BY id$$,
	$$VALUES (1, '{"weight": 1.50}'::jsonb), (2, '{}'), (3, '{}')$$, 'override replaces them all');
SELECT lives_ok($$SELECT vecstore.upsert('items', '[{"id": 1, "colour": "blue"}, {"id": 2, "n": 5}, {"id": 3, "a\"b": "\u00e9"}]', partial => true)$$, 'partial');
SELECT results_eq($$SELECT id, n, more::jsonb FROM items ORDER BY id$$,
	$$VALUES (1, NULL, '{"weight": 1.50, "colour": "blue"}'::jsonb), (2, 5, '{}'), (3, NULL, '{"a\"b": "é"}')$$, 'partial merges them by name');
SELECT lives_ok($$SELECT vecstore.upsert('items', '[{"id": 1, "colour": {"r": 1}}]', partial => true)$$, 'partial again');
SELECT is(more::jsonb, '{"weight": 1.50, "colour": {"r": 1}}', 'a field of the same name is replaced') FROM items WHERE id = 1;
SELECT lives_ok($$SELECT vecstore.upsert('items', '[{"id": 1, "more": {"x": 1}, "y": 2}]')$$, 'the column itself may be given');
SELECT is(more::jsonb, '{"x": 1, "y": 2}', 'and takes the others in') FROM items WHERE id = 1;
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 1, "more": 5}]')$$, '22023',
	'row 1: field "more": dynamic fields must be a JSON object', 'but only as an object');
SELECT lives_ok($$SELECT vecstore.upsert_columns('items', '{id,colour,when,tags}', '{1,2}'::int[], '{"re\"d",NULL}'::text[], '{2020-01-01,2021-01-01}'::date[], '{{1,2},{3,4}}'::int[])$$, 'column-wise');
SELECT results_eq($$SELECT more::jsonb FROM items WHERE id < 3 ORDER BY id$$,
	$$VALUES ('{"colour": "re\"d", "when": "2020-01-01", "tags": [1, 2]}'::jsonb), ('{"colour": null, "when": "2021-01-01", "tags": [3, 4]}')$$, 'column-wise: values become JSON by their type');
SELECT results_eq($$SELECT * FROM vecstore.upsert('items', '[{"id": 1, "colour": "re\"d"}]', partial => true, skip_unchanged => true)$$,
	$$VALUES (0::bigint, 0::bigint, 1::bigint)$$, 'partial: a merge that changes nothing is unchanged');

SELECT * FROM finish();
ROLLBACK;
