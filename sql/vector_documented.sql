-- The SQL that pgvector documents for vector and halfvec, as it is written there
-- (exact search: index methods have their own tests).

-- getting started, storing
CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(3));
INSERT INTO items (embedding) VALUES ('[1,2,3]'), ('[4,5,6]');
SELECT * FROM items ORDER BY embedding <-> '[3,1,2]' LIMIT 5;
ALTER TABLE items ADD COLUMN embedding2 vector(3);
ALTER TABLE items DROP COLUMN embedding2;
COPY items (embedding) FROM STDIN;
[7,8,9]
[1,1,1]
\.
COPY items TO STDOUT;
COPY items TO STDOUT (FORMAT csv);
INSERT INTO items (id, embedding) VALUES (1, '[1,2,3]'), (2, '[4,5,6]')
    ON CONFLICT (id) DO UPDATE SET embedding = EXCLUDED.embedding;
UPDATE items SET embedding = '[1,2,3]' WHERE id = 1;
DELETE FROM items WHERE id = 4;

-- querying
SELECT * FROM items ORDER BY embedding <-> '[3,1,2]' LIMIT 5;
SELECT * FROM items ORDER BY embedding <#> '[3,1,2]' LIMIT 5;
SELECT * FROM items ORDER BY embedding <=> '[3,1,2]' LIMIT 5;
SELECT * FROM items ORDER BY embedding <+> '[3,1,2]' LIMIT 5;
SELECT * FROM items WHERE id != 1 ORDER BY embedding <-> (SELECT embedding FROM items WHERE id = 1) LIMIT 5;
SELECT * FROM items WHERE embedding <-> '[3,1,2]' < 5;
SELECT embedding <-> '[3,1,2]' AS distance FROM items ORDER BY 1;
SELECT (embedding <#> '[3,1,2]') * -1 AS inner_product FROM items ORDER BY 1;
SELECT round((1 - (embedding <=> '[3,1,2]'))::numeric, 6) AS cosine_similarity FROM items ORDER BY 1;
PREPARE nearest(vector) AS SELECT id FROM items ORDER BY embedding <-> $1 LIMIT 2;
EXECUTE nearest('[7,7,7]');
DEALLOCATE nearest;

-- aggregates, filtering
SELECT AVG(embedding) FROM items;
ALTER TABLE items ADD COLUMN category_id int;
UPDATE items SET category_id = id % 2;
SELECT category_id, AVG(embedding) FROM items GROUP BY category_id ORDER BY category_id;
CREATE INDEX ON items (category_id);
SELECT id, embedding FROM items WHERE category_id = 1 ORDER BY embedding <-> '[3,1,2]' LIMIT 5;

-- binary quantization and half precision by expression
SELECT id, embedding FROM items ORDER BY binary_quantize(embedding)::bit(3) <~> binary_quantize('[1,-2,3]'), id LIMIT 5;
SELECT id FROM (
    SELECT * FROM items ORDER BY binary_quantize(embedding)::bit(3) <~> binary_quantize('[1,-2,3]') LIMIT 20
) t ORDER BY embedding <=> '[1,-2,3]' LIMIT 5;
SELECT id FROM items ORDER BY embedding::halfvec(3) <-> '[1,2,3]' LIMIT 5;
CREATE INDEX ON items ((embedding::halfvec(3)));
CREATE INDEX ON items ((binary_quantize(embedding)::bit(3)));
ALTER TABLE items ALTER COLUMN embedding SET STORAGE PLAIN;
DROP TABLE items;

-- partitions
CREATE TABLE items (embedding vector(3), category_id int) PARTITION BY LIST(category_id);
CREATE TABLE items_1 PARTITION OF items FOR VALUES IN (1);
CREATE TABLE items_2 PARTITION OF items FOR VALUES IN (2);
INSERT INTO items VALUES ('[1,2,3]', 1), ('[3,1,2]', 2);
SELECT tableoid::regclass, embedding FROM items ORDER BY embedding <-> '[3,1,2]';
DROP TABLE items;

-- half precision
CREATE TABLE items (id bigserial PRIMARY KEY, embedding halfvec(3));
INSERT INTO items (embedding) VALUES ('[1,2,3]'), ('[4,5,6]');
SELECT * FROM items ORDER BY embedding <-> '[3,1,2]' LIMIT 5;
SELECT AVG(embedding), SUM(embedding) FROM items;
DROP TABLE items;

-- subvectors
CREATE TABLE items (id bigserial PRIMARY KEY, embedding vector(5));
INSERT INTO items (embedding) VALUES ('[1,2,3,0,0]'), ('[4,-5,6,0,0]'), ('[1,2,3,4,5]');
SELECT id FROM items ORDER BY subvector(embedding, 1, 3)::vector(3) <=> subvector('[1,2,3,4,5]'::vector, 1, 3), id LIMIT 5;
SELECT id FROM (
    SELECT * FROM items ORDER BY subvector(embedding, 1, 3)::vector(3) <=> subvector('[1,2,3,4,5]'::vector, 1, 3) LIMIT 20
) t ORDER BY embedding <=> '[1,2,3,4,5]' LIMIT 5;
DROP TABLE items;

-- different dimensions in one column
CREATE TABLE embeddings (model_id bigint, item_id bigint, embedding vector, PRIMARY KEY (model_id, item_id));
INSERT INTO embeddings VALUES (123, 1, '[1,2,3]'), (123, 2, '[3,1,2]'), (124, 1, '[1,2]');
CREATE INDEX ON embeddings ((embedding::vector(3))) WHERE (model_id = 123);
SELECT * FROM embeddings WHERE model_id = 123 ORDER BY embedding::vector(3) <-> '[3,1,2]' LIMIT 5;
SELECT item_id FROM embeddings ORDER BY embedding <-> '[3,1,2]';
DROP TABLE embeddings;

-- more precision
CREATE TABLE items (id bigserial PRIMARY KEY, embedding double precision[]);
INSERT INTO items (embedding) VALUES ('{1,2,3}'), ('{4,5,6}');
ALTER TABLE items ADD CHECK (vector_dims(embedding::vector) = 3);
INSERT INTO items (embedding) VALUES ('{1,2}');
CREATE INDEX ON items ((embedding::vector(3)));
SELECT * FROM items ORDER BY embedding::vector(3) <-> '[3,1,2]' LIMIT 5;
DROP TABLE items;

-- a client library finds the types by name, with binary input and output
SELECT typname, typarray <> 0 AS has_array, typreceive <> 0 AS receives, typsend <> 0 AS sends, typlen, typalign
  FROM pg_type WHERE oid IN (to_regtype('vector'), to_regtype('halfvec')) ORDER BY typname;
