-- Index access method vecann: rows are found pending, sealed, and across changes.
SET vecann.background_seals = off;
SET client_min_messages = warning;
SELECT setseed(0.5);
CREATE FUNCTION random_vector(dim int, g int) RETURNS vector LANGUAGE sql VOLATILE AS
	$$ SELECT array_agg(random()::real + 0 * i * g)::real[]::vector FROM generate_series(1, dim) i $$;

-- an index on a heap table is refused; the hint says what to do
CREATE TABLE on_heap (id int PRIMARY KEY, embedding vector(3)) USING heap;
CREATE INDEX ON on_heap USING vecann (embedding);

-- an index on an empty table
CREATE TABLE items (id int PRIMARY KEY, embedding vector(3)) USING vecstore;
CREATE INDEX items_l2 ON items USING vecann (embedding vector_l2_ops);
CREATE INDEX items_ip ON items USING vecann (embedding vector_ip_ops);
CREATE INDEX items_cosine ON items USING vecann (embedding vector_cosine_ops);
SET enable_seqscan = off;
SELECT id FROM items ORDER BY embedding <-> '[1,2,3]' LIMIT 3;
SELECT index, rows_sealed, segment FROM vecstore.flush('items');

INSERT INTO items VALUES (1, '[1,2,3]'), (2, '[3,2,1]'), (3, '[-1,-2,-3]'), (4, NULL), (5, '[0,0,0]');
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY embedding <-> '[1,2,3]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY embedding <#> '[1,2,3]' LIMIT 3;
EXPLAIN (COSTS OFF) SELECT id FROM items ORDER BY embedding <=> '[1,2,3]' LIMIT 3;
SELECT id, round((embedding <-> '[1,2,3]')::numeric, 4) FROM items ORDER BY embedding <-> '[1,2,3]';
SELECT id, embedding <#> '[1,2,3]' FROM items ORDER BY embedding <#> '[1,2,3]';
SELECT id, round((embedding <=> '[1,2,3]')::numeric, 4) FROM items ORDER BY embedding <=> '[1,2,3]';
SELECT index, rows_sealed, segment FROM vecstore.flush('items') ORDER BY index::text;
SELECT id, round((embedding <-> '[1,2,3]')::numeric, 4) FROM items ORDER BY embedding <-> '[1,2,3]';
SELECT id, embedding <#> '[1,2,3]' FROM items ORDER BY embedding <#> '[1,2,3]';
SELECT id, round((embedding <=> '[1,2,3]')::numeric, 4) FROM items ORDER BY embedding <=> '[1,2,3]';

-- rolled back rows are never found, a transaction's own rows at once
BEGIN;
INSERT INTO items VALUES (6, '[1,2,3]');
SELECT id FROM items ORDER BY embedding <-> '[1,2,3]', id LIMIT 2;
ROLLBACK;
SELECT id FROM items ORDER BY embedding <-> '[1,2,3]' LIMIT 2;

-- the query vector is null, or has another dimension
SELECT count(*) FROM (SELECT id FROM items ORDER BY embedding <-> NULL LIMIT 10) AS q;
SELECT id FROM items ORDER BY embedding <-> '[1,2]' LIMIT 1;

-- an undeclared dimension becomes that of the first row
CREATE TABLE loose (id int PRIMARY KEY, embedding vector) USING vecstore;
CREATE INDEX loose_l2 ON loose USING vecann (embedding);
INSERT INTO loose VALUES (1, '[1,2]');
INSERT INTO loose VALUES (2, '[1,2,3]');
SELECT id FROM loose ORDER BY embedding <-> '[1,1]' LIMIT 1;
CREATE INDEX ON loose USING vecann (embedding) WITH (dimensions = 3);
CREATE INDEX ON loose USING vecann (embedding) WITH (bits = 9);

-- the value of an expression is not in the value store
CREATE INDEX loose_expr ON loose USING vecann ((l2_normalize(embedding)));

-- cursor, rescan, join
CREATE TABLE points (id int PRIMARY KEY, category int, embedding vector(8)) USING vecstore;
CREATE INDEX points_l2 ON points USING vecann (embedding) WITH (pending_limit = 500);
INSERT INTO points SELECT i, i % 10, random_vector(8, i) FROM generate_series(1, 2000) i;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM points ORDER BY embedding <-> '[1,1,1,1,1,1,1,1]' LIMIT 3000) AS q;
SELECT count(*) FROM (SELECT id FROM points WHERE category = 3 ORDER BY embedding <-> '[1,1,1,1,1,1,1,1]' LIMIT 150) AS q;
SELECT count(*), count(DISTINCT nearest) FROM points AS p, LATERAL
	(SELECT n.id AS nearest FROM points AS n ORDER BY n.embedding <-> p.embedding LIMIT 1) AS l WHERE p.id <= 100;
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM points ORDER BY embedding <-> (SELECT embedding FROM points WHERE id = 7);
FETCH 1 FROM c;
MOVE 1998 FROM c;
DELETE FROM points WHERE id <> 7;
SELECT rows_sealed > 0 AS sealed FROM vecstore.flush('points');
SELECT count(*) FROM points;
COMMIT;
SELECT id FROM points ORDER BY embedding <-> '[1,1,1,1,1,1,1,1]' LIMIT 3;
-- rows in one list, and many pending rows farther away: the list is searched first
CREATE TABLE few (id int, v vector(2)) USING vecstore;
INSERT INTO few SELECT i, ARRAY[i, 0]::real[]::vector FROM generate_series(1, 100) i;
CREATE INDEX ON few USING vecann (v vector_l2_ops) WITH (pending_limit = 0);
INSERT INTO few SELECT i, ARRAY[i, 0]::real[]::vector FROM generate_series(1001, 1020) i;
SELECT id FROM few ORDER BY v <-> '[5.2,0]' LIMIT 3;
SELECT id FROM few ORDER BY v <-> '[1005.2,0]' LIMIT 3;
DROP TABLE on_heap, items, loose, points, few;
DROP FUNCTION random_vector(int, int);
