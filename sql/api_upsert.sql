-- The forms of an upsert, one after the other, on one table per vector type.
CREATE TABLE items (id bigint PRIMARY KEY, title text NOT NULL, n int DEFAULT 7, embedding vector(3), CHECK (n < 100));

-- row-wise: a column left out takes its default, the last of equal keys wins
SELECT * FROM vecstore.upsert('items', '[{"id": 1, "title": "a", "n": 1, "embedding": [1, 2, 3]},
	{"id": 2, "title": "b"}, {"id": 3, "title": "first"}, {"id": 3, "title": "last", "embedding": "[7,8,9]"}]');
TABLE items ORDER BY id;
SELECT * FROM vecstore.upsert('items', '{"id": 1, "title": "A"}');
SELECT * FROM vecstore.upsert('items', '{"id": 1, "title": "A"}', skip_unchanged => true);
SELECT * FROM vecstore.upsert('items', '[{"id": 2, "n": 50}, {"id": 3, "embedding": null}]', partial => true);
TABLE items ORDER BY id;

-- column-wise: typed arrays, literals, arrays of arrays
SELECT * FROM vecstore.upsert_columns('items', '{id,title,n}', ARRAY[4, 5]::bigint[], ARRAY['d', 'e'], ARRAY[4, 5]);
SELECT * FROM vecstore.upsert_columns('items', '{id,title,embedding}', '{5,6}', '{E,f}', '{"[5,5,5]","[6,6,6]"}');
SELECT * FROM vecstore.upsert_columns('items', ARRAY['embedding', 'title', 'id'],
	'{{1,2,3},{4,5,6}}'::float8[], '{g,h}'::varchar[], '{7,8}'::int[]);
SELECT * FROM vecstore.upsert_columns_with('items', '{"partial": true}', '{id,n}', '{7,8}'::bigint[], '{70,80}'::int[]);
TABLE items ORDER BY id;

-- rows of the table's type, and a query
SELECT * FROM vecstore.upsert_rows('items', ROW(8, 'H', 8, '[8,8,8]')::items, ROW(9, 'i', 9, NULL)::items);
SELECT * FROM vecstore.upsert_rows('items', VARIADIC (SELECT array_agg(i) FROM items i));
SELECT * FROM vecstore.upsert_from('items', 'SELECT id + 1 AS id, title || ''+'' AS title, embedding::real[] AS embedding FROM items');
TABLE items ORDER BY id;

-- errors name row and field, and leave everything as it was
\set SHOW_CONTEXT never
SELECT vecstore.upsert('items', '[{"id": 1, "title": "x"}, {"id": 2, "title": "y", "n": "seven"}]');
\echo :LAST_ERROR_SQLSTATE
SELECT vecstore.upsert('items', '[{"id": 1, "title": "x"}, {"id": 2, "title": "y", "embedding": [1, 2]}]');
\echo :LAST_ERROR_SQLSTATE
SELECT vecstore.upsert('items', '[{"id": 1, "title": "x"}, {"id": 99, "n": 1}]');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM items WHERE title IN ('x', 'y');
DROP TABLE items;
