-- A session of a vector-database user at full size: 3,000 rows of 8-d random vectors with int, text,
-- int and long text (up to 6 kB), upserted column-wise, half the keys again and half new ones,
-- flushed, counted, searched, flushed once more.
BEGIN;
SELECT plan(17);

SELECT is(vecstore.create_collection('dy', 8, 'l2', fields => '{"age": "int", "name": "text", "count": "int", "story": "text"}')::text,
	'dy', 'create the collection');

CREATE FUNCTION batch(first int, last int, mark text, OUT ids bigint[], OUT ages int[], OUT names text[], OUT counts int[], OUT stories text[], OUT vectors vector[])
LANGUAGE sql VOLATILE AS $$
	SELECT array_agg(i::bigint), array_agg(i % 90), array_agg(mark || i), array_agg(i * 2), array_agg(repeat('dy', (i - 1) % 3000 + 1)), array_agg(v)
	FROM (SELECT i, ARRAY[random(), random(), random(), random(), random(), random(), random(), random()]::vector AS v
		FROM generate_series(first, last) i ORDER BY random()) s
$$;
CREATE TEMP TABLE offered AS SELECT 1 AS round, b.* FROM batch(1, 3000, 'first ') b;
INSERT INTO offered SELECT 2, b.* FROM batch(1501, 4500, 'second ') b;

SELECT results_eq(
	$$SELECT r.* FROM offered, vecstore.upsert_columns('dy', '{id,age,name,count,story,embedding}', ids, ages, names, counts, stories, vectors) r WHERE round = 1$$,
	$$VALUES (3000::bigint, 0::bigint, 0::bigint)$$, '3,000 new rows');
SELECT is(count(*), 3000::bigint, 'are there') FROM dy;
SELECT results_eq(
	$$SELECT r.* FROM offered, vecstore.upsert_columns('dy', '{id,age,name,count,story,embedding}', ids, ages, names, counts, stories, vectors) r WHERE round = 2$$,
	$$VALUES (1500::bigint, 1500::bigint, 0::bigint)$$, 'half of the second batch is new');
SELECT is(count(*), 4500::bigint, 'count') FROM dy;

-- the rows that must exist now
CREATE TEMP TABLE expected AS
	SELECT DISTINCT ON (id) id, age, name, cnt, story, v
	FROM offered, LATERAL unnest(ids, ages, names, counts, stories, vectors) u(id, age, name, cnt, story, v) ORDER BY id, round DESC;
SELECT is_empty($$SELECT id, age, name, cnt, story, v::text FROM expected EXCEPT SELECT id, age, name, count, story, embedding::text FROM dy$$, 'each row as it was last offered');
SELECT is(max(length(story)), 6000, 'long text') FROM dy;

-- found before the flush, and after
CREATE FUNCTION found(q vector) RETURNS SETOF bigint LANGUAGE sql SET enable_seqscan = off SET enable_sort = off AS
	$$SELECT id FROM dy ORDER BY embedding <-> q LIMIT 10$$;
CREATE FUNCTION nearest(q vector) RETURNS SETOF bigint LANGUAGE sql AS
	$$SELECT id FROM expected ORDER BY v <-> q, id LIMIT 10$$;
SELECT set_eq($$SELECT found('[.5,.5,.5,.5,.5,.5,.5,.5]')$$, $$SELECT nearest('[.5,.5,.5,.5,.5,.5,.5,.5]')$$, 'rows are found without a flush');
SELECT results_eq($$SELECT rows_sealed > 0, segment > 0, elapsed >= '0' FROM vecstore.flush('dy')$$, $$VALUES (true, true, true)$$, 'flush seals');
SELECT ok(count(*) >= 9, 'a search after the flush finds the nearest')
FROM (SELECT found('[.5,.5,.5,.5,.5,.5,.5,.5]') INTERSECT SELECT nearest('[.5,.5,.5,.5,.5,.5,.5,.5]')) s;
SELECT results_eq($$SELECT rows_sealed FROM vecstore.flush('dy')$$, $$VALUES (0::bigint)$$, 'flush twice: nothing to seal, no error');
SELECT is(count(*), 4500::bigint, 'count after flush') FROM dy;

-- after that, a change is found at once
SELECT lives_ok($$SELECT vecstore.upsert('dy', '{"id": 7, "embedding": [9,9,9,9,9,9,9,9]}', partial => true)$$, 'change one vector');
SELECT is((SELECT found('[9,9,9,9,9,9,9,9]') LIMIT 1), 7::bigint, 'it is found at its new place');
SELECT is(name, 'first 7', 'and kept its other columns') FROM dy WHERE id = 7;
DELETE FROM dy WHERE id = 7;
SELECT isnt((SELECT found('[9,9,9,9,9,9,9,9]') LIMIT 1), 7::bigint, 'deleted, it is not found');
SELECT is(vecstore.drop_collection('dy')::text, '', 'drop the collection');

SELECT * FROM finish();
ROLLBACK;
