-- Upsert: errors name row and field, have proper SQLSTATEs and leave nothing changed.
BEGIN;
SELECT plan(50);

CREATE TABLE items (id int PRIMARY KEY, title varchar(5) NOT NULL, n int CHECK (n < 100), tags int[], embedding vector(3) NOT NULL) USING vecstore;
INSERT INTO items VALUES (1, 'one', 1, NULL, '[1,1,1]');

-- where the row is
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 1, "title": "a", "n": "x", "embedding": [1,2,3]}, {"id": 2, "title": "b", "embedding": [1,2,3]}, {"id": 3, "title": "c", "embedding": [1,2,3]}]')$$,
	'22P02', 'row 1: field "n": invalid input syntax for type integer: "x"', 'wrong type in the first row');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 1, "title": "a", "embedding": [1,2,3]}, {"id": 2, "title": "b", "n": "x", "embedding": [1,2,3]}, {"id": 3, "title": "c", "embedding": [1,2,3]}]')$$,
	'22P02', 'row 2: field "n": invalid input syntax for type integer: "x"', 'wrong type in a middle row');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 1, "title": "a", "embedding": [1,2,3]}, {"id": 2, "title": "b", "embedding": [1,2,3]}, {"id": 3, "title": "c", "n": "x", "embedding": [1,2,3]}]')$$,
	'22P02', 'row 3: field "n": invalid input syntax for type integer: "x"', 'wrong type in the last row');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,title,n,embedding}', '{3,1,2}'::int[], '{a,b,c}'::text[], '{1,1000,1}'::int[], '{{1,2,3},{1,2,3},{1,2,3}}'::real[])$$,
	'23514', 'row 2: new row for relation "items" violates check constraint "items_n_check"', 'rows are counted as they came, not as they are sorted');

-- fields
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "b", "embedding": [1,2,3]}, {"id": 3, "embedding": [1,2,3]}]')$$,
	'23502', 'row 2: field "title": null value in column "title" of relation "items" violates not-null constraint', 'missing field');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "b", "embedding": [1,2,3]}, {"title": "b", "embedding": [1,2,3]}]')$$,
	'23502', 'row 2: field "id": no value for the primary key of "items"', 'missing key');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{title}', '{a}'::text[])$$,
	'23502', 'row 1: field "id": no value for the primary key of "items"', 'missing key, columns');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "b", "embedding": [1,2,3], "colour": "red"}]')$$,
	'42703', 'row 1: field "colour": there is no such field in "items"', 'unknown field');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "Title": "b", "embedding": [1,2,3]}]')$$,
	'42703', 'row 1: field "Title": there is no such field in "items"', 'field names are taken as they are');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,colour}', '{1}'::int[], '{red}'::text[])$$,
	'42703', 'field "colour": there is no such field in "items"', 'unknown field, columns');
SELECT throws_ok($$SELECT vecstore.upsert_from('items', 'SELECT 1 AS id, 2 AS colour')$$,
	'42703', 'field "colour": there is no such field in "items"', 'unknown field, query');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,id}', '{1}'::int[], '{1}'::int[])$$,
	'42701', 'field "id" is specified more than once', 'a field twice, columns');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "ctid": "(0,1)"}]')$$,
	'42703', 'row 1: field "ctid": there is no such field in "items"', 'system columns are no fields');

-- types
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2.5, "title": "b", "embedding": [1,2,3]}]')$$,
	'22P02', 'row 1: field "id": invalid input syntax for type integer: "2.5"', 'a fraction for an integer');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 99999999999, "title": "b", "embedding": [1,2,3]}]')$$,
	'22003', 'row 1: field "id": value "99999999999" is out of range for type integer', 'out of range');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": true, "title": "b", "embedding": [1,2,3]}]')$$,
	'22P02', 'row 1: field "id": invalid input syntax for type integer: "true"', 'a boolean for an integer');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "b", "n": {"a": 1}, "embedding": [1,2,3]}]')$$,
	'22P02', NULL, 'an object for an integer');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "b", "tags": [1, "x"], "embedding": [1,2,3]}]')$$,
	'22P02', 'row 1: field "tags": invalid input syntax for type integer: "x"', 'a wrong element of an array');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,title,embedding}', '{1}'::int[], '{a}'::text[], '{5}'::bigint[])$$,
	'42804', 'field "embedding": values of type bigint were given, but the column has type vector(3)', 'wrong type, columns');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,title}', '{1,2}'::int[], 5)$$,
	'42804', 'field "title": an array should be given, not integer', 'not an array, columns');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,n}', '{1,2}'::int[], '{5,x}'::text[])$$,
	'22P02', 'row 2: field "n": invalid input syntax for type integer: "x"', 'text of a wrong form, columns');
SELECT throws_ok($$SELECT vecstore.upsert_from('items', 'SELECT g AS id, (10000000000 * g)::bigint AS n FROM generate_series(0, 3) g')$$,
	'22003', 'row 2: field "n": integer out of range', 'out of range, query');
SELECT throws_ok($$SELECT vecstore.upsert_rows('items', ROW(1)::record)$$, NULL, NULL, 'rows of another type');
CREATE TABLE others (id int PRIMARY KEY);
SELECT throws_ok($$SELECT vecstore.upsert_rows('items', ROW(1)::others)$$,
	'42804', 'rows of type others were given, but "items" has rows of its own type', 'rows of another table');

-- vectors
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "b", "embedding": [1,2,3]}, {"id": 3, "title": "b", "embedding": [1,2]}]')$$,
	'22000', 'row 2: field "embedding": expected 3 dimensions, not 2', 'wrong dimension');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,title,embedding}', '{1,2}'::int[], '{a,b}'::text[], ARRAY['[1,2,3]', '[1,2,3,4]']::vector[])$$,
	'22000', 'row 2: field "embedding": expected 3 dimensions, not 4', 'wrong dimension, columns');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,title,embedding}', '{1,2}'::int[], '{a,b}'::text[], '{{1,2},{3,4}}'::real[])$$,
	'22000', 'row 1: field "embedding": expected 3 dimensions, not 2', 'wrong dimension, matrix');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "b", "embedding": [1,null,3]}]')$$,
	'22P02', NULL, 'NULL in a vector');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "b", "embedding": null}]')$$,
	'23502', 'row 1: field "embedding": null value in column "embedding" of relation "items" violates not-null constraint', 'NULL for a vector');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "b", "embedding": "[1,NaN,3]"}]')$$,
	'22000', 'row 1: field "embedding": NaN not allowed in vector', 'NaN');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,title,embedding}', '{1}'::int[], '{a}'::text[], '{{1,NaN,3}}'::real[])$$,
	'22000', 'row 1: field "embedding": NaN not allowed in vector', 'NaN, matrix');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "b", "embedding": []}]')$$,
	'22000', 'row 1: field "embedding": vector must have at least 1 dimension', 'an empty vector');

-- text
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "longer", "embedding": [1,2,3]}]')$$,
	'22001', 'row 1: field "title": value too long for type character varying(5)', 'text too long');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,title}', '{1,2}'::int[], '{short,longer}'::text[])$$,
	'22001', 'row 2: field "title": value too long for type character varying(5)', 'text too long, columns');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "title": "a\u0000b", "embedding": [1,2,3]}]')$$,
	'22P05', 'row 1: field "title": unsupported Unicode escape sequence', 'a zero byte in text');

-- form
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 1, "title": "a", "embedding": [1,2,3]}, 5]')$$,
	'22023', 'row 2: a row must be a JSON object, not a number or boolean', 'not an object');
SELECT throws_ok($$SELECT vecstore.upsert('items', '"text"')$$,
	'22023', 'row 1: a row must be a JSON object, not a string', 'neither object nor array');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[[1]]')$$,
	'22023', 'row 1: a row must be a JSON object, not an array', 'an array in the array');
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 1, "title": ]')$$,
	'22P02', 'invalid input syntax for type json', 'malformed JSON');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,title}', '{1,2,3}'::int[], '{a,b}'::text[])$$,
	'2202E', 'row 3: field "title": no value: the array has length 2, that of "id" has length 3', 'ragged columns');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,title}', '{1,2,3}'::int[])$$,
	'22023', '2 columns are named, but 1 arrays are given', 'fewer arrays than columns');
SELECT throws_ok($$SELECT vecstore.upsert_columns('items', '{id,title}', '{1,2,3}'::int[], NULL::text[])$$,
	'22004', 'field "title": the array is NULL', 'no array');

-- tables
SELECT throws_ok($$SELECT vecstore.upsert('nowhere', '[]')$$, '42P01', 'relation "nowhere" does not exist', 'unknown table');
SELECT throws_ok($$SELECT vecstore.upsert(12345::regclass, '[]')$$, '42P01', NULL, 'unknown table, by OID');
CREATE VIEW seen AS SELECT * FROM items;
SELECT throws_ok($$SELECT vecstore.upsert('seen', '[]')$$, '42809', '"seen" is not a table', 'a view');
CREATE ROLE upsert_stranger;
GRANT SELECT ON items TO upsert_stranger;
SET LOCAL ROLE upsert_stranger;
SELECT throws_ok($$SELECT vecstore.upsert('items', '{"id": 1, "title": "a", "embedding": [1,2,3]}')$$,
	'42501', 'permission denied for table items', 'a table that is not ours to write');
RESET ROLE;
GRANT INSERT ON items TO upsert_stranger;
SET LOCAL ROLE upsert_stranger;
SELECT throws_ok($$SELECT vecstore.upsert('items', '{"id": 1, "title": "a", "embedding": [1,2,3]}')$$,
	'42501', 'permission denied for table items', 'INSERT alone is not enough to replace');
RESET ROLE;
SELECT throws_ok($$SELECT vecstore.upsert_from('items', 'SELECT 1 AS id; SELECT 2 AS id')$$,
	'22023', 'upsert_from takes one query, not 2', 'two queries');
SELECT throws_ok($$SELECT vecstore.upsert_from('items', 'CREATE TABLE x ()')$$, NULL, NULL, 'no query');

SELECT results_eq($$SELECT id, title, n FROM items$$, $$VALUES (1, 'one'::varchar, 1)$$, 'after all of that nothing is changed');

SELECT * FROM finish();
ROLLBACK;
