-- Upsert: overwrite the row whose key exists, insert the others; override and partial.
BEGIN;
SELECT plan(31);

CREATE TABLE items (id bigint PRIMARY KEY, title text NOT NULL, price float8 DEFAULT 1.5, note text,
	embedding vector(3) NOT NULL) USING vecstore;
PREPARE stored AS SELECT id, title, price, note, embedding::text FROM items ORDER BY id;

-- row-wise
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert('items', '[{"id": 1, "title": "a", "embedding": [1, 2, 3]},
		{"id": 2, "title": "b", "price": 2, "note": "n", "embedding": [4, 5, 6]}]')$$,
	$$VALUES (2::bigint, 0::bigint, 0::bigint)$$,
	'rows with new keys are inserted');
SELECT results_eq('stored',
	$$VALUES (1::bigint, 'a', 1.5::float8, NULL, '[1,2,3]'), (2, 'b', 2, 'n', '[4,5,6]')$$,
	'a column left out takes its default, NULL if it has none');
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert('items', '[{"id": 2, "title": "B", "embedding": [7, 8, 9]},
		{"id": 3, "title": "c", "embedding": [0, 0, 1]}]')$$,
	$$VALUES (1::bigint, 1::bigint, 0::bigint)$$,
	'the row whose key exists is replaced, the other one is inserted');
SELECT results_eq('stored',
	$$VALUES (1::bigint, 'a', 1.5::float8, NULL, '[1,2,3]'), (2, 'B', 1.5, NULL, '[7,8,9]'), (3, 'c', 1.5, NULL, '[0,0,1]')$$,
	'override: the whole row is replaced; what is left out goes back to its default');
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert('items', '{"id": 3, "title": "one object", "embedding": "[1,1,1]"}')$$,
	$$VALUES (0::bigint, 1::bigint, 0::bigint)$$,
	'one object will do; a vector may be a string too');
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert('items', '[{"id": 4, "title": "d", "embedding": [1, 1, 1]},
		{"id": 5, "title": "e", "price": 7, "embedding": [1, 1, 1]}, {"id": 6, "note": "x", "title": "f", "embedding": [1, 1, 1]}]')$$,
	$$VALUES (3::bigint, 0::bigint, 0::bigint)$$,
	'rows of one batch may give different columns');
SELECT results_eq($$SELECT price, note FROM items WHERE id IN (4, 5, 6) ORDER BY id$$,
	$$VALUES (1.5::float8, NULL), (7, NULL), (1.5, 'x')$$,
	'and each row has its own defaults');
SELECT throws_ok(
	$$SELECT vecstore.upsert('items', '[{"id": 7, "embedding": [1, 1, 1]}]')$$, '23502',
	'row 1: field "title": null value in column "title" of relation "items" violates not-null constraint',
	'a column left out that has no default and may not be NULL is an error');
SELECT lives_ok($$SELECT vecstore.upsert('items', '{"id": 1, "title": "with \"quotes\" \u00e9\n\ud83d\ude00", "embedding": [1, 2, 3]}')$$,
	'JSON escapes');
SELECT is(title, E'with "quotes" é\n😀', 'JSON escapes are resolved') FROM items WHERE id = 1;

-- partial
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert('items', '[{"id": 1, "price": 11}, {"id": 2, "note": "two", "title": "bb"}, {"id": 3, "embedding": [3, 3, 3]}]', partial => true)$$,
	$$VALUES (0::bigint, 3::bigint, 0::bigint)$$,
	'partial: rows may give different columns');
SELECT results_eq($$SELECT id, left(title, 4), price, note, embedding::text FROM items WHERE id <= 3 ORDER BY id$$,
	$$VALUES (1::bigint, 'with', 11::float8, NULL, '[1,2,3]'), (2, 'bb', 1.5, 'two', '[7,8,9]'), (3, 'one ', 1.5, NULL, '[3,3,3]')$$,
	'partial: columns left out keep their value');
SELECT throws_ok(
	$$SELECT vecstore.upsert('items', '[{"id": 1, "price": 12}, {"id": 20, "price": 12}]', partial => true)$$, '23502',
	NULL, 'partial: a new key needs every required column');
SELECT is(price, 11::float8, 'and then nothing is changed') FROM items WHERE id = 1;
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert('items', '[{"id": 1, "price": 12}, {"id": 20, "title": "t", "embedding": [2, 2, 2]}]', partial => true)$$,
	$$VALUES (1::bigint, 1::bigint, 0::bigint)$$,
	'partial: a new key with all that is required is inserted');
SELECT is(price, 1.5::float8, 'partial: a new row takes defaults') FROM items WHERE id = 20;
SELECT lives_ok($$SELECT vecstore.upsert('items', '{"id": 20, "price": null}', partial => true)$$, 'partial: null is a value');
SELECT is(price, NULL, 'partial: a column given as null becomes NULL') FROM items WHERE id = 20;
SELECT results_eq($$SELECT * FROM vecstore.upsert('items', '{"id": 20}', partial => true)$$,
	$$VALUES (0::bigint, 1::bigint, 0::bigint)$$, 'partial: the key alone changes nothing');

-- column-wise
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert_columns('items', '{id,title,embedding}', ARRAY[30, 2]::bigint[], ARRAY['x', 'y'], ARRAY['[1,0,0]', '[0,1,0]']::vector[])$$,
	$$VALUES (1::bigint, 1::bigint, 0::bigint)$$, 'column-wise');
SELECT results_eq($$SELECT id, title, price, note, embedding::text FROM items WHERE id IN (30, 2) ORDER BY id$$,
	$$VALUES (2::bigint, 'y', 1.5::float8, NULL, '[0,1,0]'), (30, 'x', 1.5, NULL, '[1,0,0]')$$,
	'column-wise: a column left out takes its default');
SELECT lives_ok(
	$$SELECT vecstore.upsert_columns('items', '{id,title,embedding}', '{31,32}'::int[], '{p,q}'::varchar[], '{{1,2,3},{4,5,6}}'::float4[])$$,
	'column-wise: arrays of assignable types, a float4 matrix for vectors');
SELECT is(embedding::text, '[4,5,6]', 'column-wise: a row of the matrix is a vector') FROM items WHERE id = 32;
SELECT lives_ok($$SELECT vecstore.upsert_columns('items', '{id,title,embedding}', '{33}', '{r}', '{"[9,9,9]"}')$$,
	'column-wise: literals');
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert_columns_with('items', '{"partial": true}', '{id,price}', '{31,32}'::bigint[], '{1,2}'::float8[])$$,
	$$VALUES (0::bigint, 2::bigint, 0::bigint)$$, 'column-wise: partial');
SELECT is(title, 'q', 'column-wise: partial keeps the others') FROM items WHERE id = 32;

-- rows of the table's type
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert_rows('items', ROW(40, 'row', 1, NULL, '[1,2,3]')::items, ROW(33, 'R', 2, 'n', '[3,2,1]')::items)$$,
	$$VALUES (1::bigint, 1::bigint, 0::bigint)$$, 'rows');
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert_rows('items', VARIADIC (SELECT array_agg(i) FROM items i))$$,
	$$SELECT 0::bigint, count(*), 0::bigint FROM items$$, 'rows: an array of them');

-- a query
CREATE TEMP TABLE staging AS SELECT g AS id, 'staged ' || g AS title, ARRAY[g, g, g]::real[] AS embedding FROM generate_series(39, 42) g;
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert_from('items', 'SELECT * FROM staging')$$,
	$$VALUES (3::bigint, 1::bigint, 0::bigint)$$, 'query');
SELECT is(title || embedding::text, 'staged 42[42,42,42]', 'query: columns are taken by name and converted') FROM items WHERE id = 42;
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert_from('items', 'SELECT id, 5 AS price FROM items WHERE id > 39', partial => true)$$,
	$$VALUES (0::bigint, 3::bigint, 0::bigint)$$, 'query: partial, and from the collection itself');

SELECT * FROM finish();
ROLLBACK;
