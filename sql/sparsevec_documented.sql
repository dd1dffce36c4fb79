-- The SQL that pgvector documents for bit and sparsevec, as it is written there
-- (exact search: index methods have their own tests).

-- binary vectors
CREATE TABLE items (id bigserial PRIMARY KEY, embedding bit(3));
INSERT INTO items (embedding) VALUES ('000'), ('111');
SELECT * FROM items ORDER BY embedding <~> '101' LIMIT 5;
SELECT * FROM items ORDER BY embedding <%> '101' LIMIT 5;
SELECT hamming_distance(embedding, '101'), jaccard_distance(embedding, '101') FROM items ORDER BY id;
DROP TABLE items;

-- sparse vectors
CREATE TABLE items (id bigserial PRIMARY KEY, embedding sparsevec(5));
INSERT INTO items (embedding) VALUES ('{1:1,3:2,5:3}/5'), ('{1:4,3:5,5:6}/5');
SELECT * FROM items ORDER BY embedding <-> '{1:3,3:1,5:2}/5' LIMIT 5;
SELECT * FROM items ORDER BY embedding <#> '{1:3,3:1,5:2}/5' LIMIT 5;
SELECT * FROM items ORDER BY embedding <=> '{1:3,3:1,5:2}/5' LIMIT 5;
SELECT * FROM items ORDER BY embedding <+> '{1:3,3:1,5:2}/5' LIMIT 5;
SELECT id, l2_distance(embedding, '{1:3,3:1,5:2}/5'), inner_product(embedding, '{1:3,3:1,5:2}/5'),
	round(cosine_distance(embedding, '{1:3,3:1,5:2}/5')::numeric, 5) AS cosine_distance,
	l1_distance(embedding, '{1:3,3:1,5:2}/5'), round(l2_norm(embedding)::numeric, 5) AS l2_norm,
	l2_normalize(embedding) FROM items ORDER BY id;
SELECT * FROM items WHERE embedding = '{1:1,3:2,5:3}/5';
COPY items (embedding) TO STDOUT;
COPY items (embedding) FROM STDIN;
{2:1}/5
\.
SELECT count(*) FROM items;
DROP TABLE items;

-- a client library finds the type by name, with binary input and output
SELECT typname, typarray <> 0 AS has_array, typreceive <> 0 AS receives, typsend <> 0 AS sends, typlen, typalign
  FROM pg_type WHERE oid = to_regtype('sparsevec');
