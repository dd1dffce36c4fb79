-- Index access method vecann: values at the limits of float4.
SET client_min_messages = warning;
SET statement_timeout = '60s';
SET enable_seqscan = off;

-- squared norms that fit a float, and a squared distance that does not
CREATE TABLE far (id int, v vector(2)) USING vecstore;
CREATE INDEX far_v ON far USING vecann (v) WITH (pending_limit = 0);
INSERT INTO far VALUES (1, '[1.3e19,0]'), (2, '[-1.3e19,1e18]'), (3, '[-1.2e19,1e18]');
SELECT id, v <-> '[-1.3e19,0]' AS distance FROM far ORDER BY v <-> '[-1.3e19,0]';
SELECT rows_sealed FROM vecstore.flush('far');
SELECT id, v <-> '[-1.3e19,0]' AS distance FROM far ORDER BY v <-> '[-1.3e19,0]';

-- rows whose sum does not fit a float: the index is sound, and finds them
CREATE TABLE large (id int, v vector(100)) USING vecstore;
INSERT INTO large SELECT i, (SELECT array_agg(CASE WHEN sin(i * j) > -0.8 THEN 1e37 ELSE -1e37 END * (1 + 0.1 * sin(i + j))) FROM generate_series(1, 100) j)::real[]::vector
	FROM generate_series(1, 3000) i;
CREATE INDEX large_v ON large USING vecann (v vector_ip_ops);
SELECT * FROM vecstore.check('large_v');
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM large ORDER BY v <#> (SELECT v FROM large WHERE id = 7) LIMIT 4000) q;
DROP TABLE far, large;
