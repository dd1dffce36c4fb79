-- Upsert: result counts, empty batches, duplicate keys, skip_unchanged, atomicity.
BEGIN;
SELECT plan(21);

CREATE TABLE items (id int PRIMARY KEY, n int DEFAULT 0, doc json, embedding vector(2)) USING vecstore;
INSERT INTO items SELECT g, g, '{"a": 1}', '[1,2]' FROM generate_series(1, 10) g;

-- empty batches
SELECT results_eq($$SELECT * FROM vecstore.upsert('items', '[]')$$, $$VALUES (0::bigint, 0::bigint, 0::bigint)$$, 'an empty JSON array');
SELECT results_eq($$SELECT * FROM vecstore.upsert_columns('items', '{id,n}', '{}'::int[], '{}'::int[])$$, $$VALUES (0::bigint, 0::bigint, 0::bigint)$$, 'empty columns');
SELECT results_eq($$SELECT * FROM vecstore.upsert_rows('items', VARIADIC '{}'::items[])$$, $$VALUES (0::bigint, 0::bigint, 0::bigint)$$, 'no rows');
SELECT results_eq($$SELECT * FROM vecstore.upsert_from('items', 'SELECT id FROM items WHERE false')$$, $$VALUES (0::bigint, 0::bigint, 0::bigint)$$, 'an empty query');

-- duplicates
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert('items', '[{"id": 1, "n": 100}, {"id": 11, "n": 1}, {"id": 1, "n": 101}, {"id": 11, "n": 2}, {"id": 1, "n": 102}]')$$,
	$$VALUES (1::bigint, 1::bigint, 0::bigint)$$, 'a key twice in one batch counts once');
SELECT results_eq($$SELECT n FROM items WHERE id IN (1, 11) ORDER BY id$$, $$VALUES (102), (2)$$, 'the last one wins');
SELECT lives_ok($$SELECT vecstore.upsert_columns('items', '{id,n}', '{2,2,2}'::int[], '{1,2,3}'::int[])$$, 'duplicates column-wise');
SELECT is(n, 3, 'the last one wins column-wise') FROM items WHERE id = 2;
SELECT lives_ok($$SELECT vecstore.upsert('items', '[{"id": 2, "n": 5}, {"id": 2, "doc": {}}]', partial => true)$$, 'duplicates, partial');
SELECT results_eq($$SELECT n, doc::text FROM items WHERE id = 2$$, $$VALUES (3, '{}')$$, 'the last one wins as a whole: an earlier one of the batch leaves no trace');

-- skip_unchanged
CREATE TEMP TABLE before AS SELECT ctid AS place, id FROM items;
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert('items', '[{"id": 3, "n": 3, "doc": {"a": 1}, "embedding": [1, 2]},
		{"id": 4, "n": 44, "doc": {"a": 1}, "embedding": [1, 2]}, {"id": 5, "n": 5, "doc": {"a": 1}, "embedding": [1, 3]},
		{"id": 6, "n": 6, "doc": {"a": 2}, "embedding": [1, 2]}, {"id": 12}]', skip_unchanged => true)$$,
	$$VALUES (1::bigint, 3::bigint, 1::bigint)$$, 'skip_unchanged tells new, changed and equal rows apart');
SELECT ok(i.ctid = b.place, 'a row equal to the stored one is not written') FROM items i JOIN before b USING (id) WHERE id = 3;
SELECT results_eq($$SELECT * FROM vecstore.upsert('items', '{"id": 12}', skip_unchanged => true)$$,
	$$VALUES (0::bigint, 0::bigint, 1::bigint)$$, 'NULLs are equal');
SELECT results_eq($$SELECT * FROM vecstore.upsert('items', '[{"id": 7, "n": 7}, {"id": 8, "n": 0}]', partial => true, skip_unchanged => true)$$,
	$$VALUES (0::bigint, 1::bigint, 1::bigint)$$, 'partial: only the columns given are compared');
SELECT results_eq($$SELECT * FROM vecstore.upsert_from('items', 'TABLE items', skip_unchanged => true)$$,
	$$SELECT 0::bigint, 0::bigint, count(*) FROM items$$, 'the table upserted into itself is unchanged');
SELECT results_eq($$SELECT * FROM vecstore.upsert('items', '{"id": 3, "n": 3, "doc": {"a": 1}, "embedding": [1, 2]}')$$,
	$$VALUES (0::bigint, 1::bigint, 0::bigint)$$, 'without skip_unchanged an equal row is replaced');

-- atomic
SELECT throws_ok($$SELECT vecstore.upsert('items', '[{"id": 500}, {"id": 501}, {"id": 502, "n": "x"}]')$$, '22P02', NULL, 'one bad row');
SELECT is(count(*), 0::bigint, 'means that no row is written') FROM items WHERE id >= 500;
SELECT throws_ok($$SELECT vecstore.upsert('items', NULL)$$, '22004', NULL, 'no data at all is an error');

-- dedup and order at size: 20,000 rows, each key four times, beyond work_mem
SET LOCAL work_mem = '64kB';
SELECT results_eq(
	$$SELECT * FROM vecstore.upsert_from('items', 'SELECT 1000 + g % 5000 AS id, g AS n FROM generate_series(0, 19999) g')$$,
	$$VALUES (5000::bigint, 0::bigint, 0::bigint)$$, 'a batch that is sorted on disk');
SELECT ok(bool_and(n = 15000 + id - 1000), 'of each key the last of four won') FROM items WHERE id >= 1000;

SELECT * FROM finish();
ROLLBACK;
