-- Index access method vecann: distances that are equal as float4, infinite
-- distances and NaN.
SET client_min_messages = warning;
SET enable_seqscan = off;
SET vecann.probes = 1000;
SET vecann.epsilon = 1000;

-- cosine distances are doubles; thousands of them are the same float
CREATE TABLE ties (id int, v vector(3)) USING vecstore;
CREATE INDEX ties_v ON ties USING vecann (v vector_cosine_ops) WITH (pending_limit = 0);
INSERT INTO ties SELECT i, ARRAY[1, 1 + sin(i) / 1000, 1 + cos(2 * i) / 1000]::real[]::vector FROM generate_series(1, 2000) i;
CREATE FUNCTION misplaced() RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM (SELECT d < lag(d) OVER () AS before FROM
		(SELECT v <=> '[-1,-1,-1]' AS d FROM ties ORDER BY v <=> '[-1,-1,-1]' LIMIT 3000) q) q WHERE before
$$;
SELECT misplaced() AS pending;
SELECT rows_sealed FROM vecstore.flush('ties');
SELECT misplaced() AS sealed;
RESET vecann.probes;
RESET vecann.epsilon;
SELECT misplaced() AS by_default;

-- NaN comes after Infinity
CREATE TABLE ends (id int, v vector(2)) USING vecstore;
CREATE INDEX ends_v ON ends USING vecann (v vector_ip_ops) WITH (pending_limit = 0);
INSERT INTO ends SELECT i, (ARRAY['[3e38,3e38]', '[-3e38,-3e38]', '[3e38,-3e38]'])[i % 3 + 1]::vector FROM generate_series(1, 30) i;
SELECT (place - 1) / 10 AS tenth, distance, count(*) FROM
	(SELECT distance, row_number() OVER () AS place FROM
		(SELECT v <#> '[3e38,3e38]' AS distance FROM ends ORDER BY v <#> '[3e38,3e38]' LIMIT 30) q) q
	GROUP BY 1, 2 ORDER BY 1, 2;

-- peers among which are NaN and Infinity, and a query that is NULL, which all rows are peers for
SELECT distance, min(rank), max(rank), min(peers), max(peers), count(*) FROM
	(SELECT v <#> '[3e38,3e38]' AS distance, rank() OVER (ORDER BY v <#> '[3e38,3e38]'), count(*) OVER (ORDER BY v <#> '[3e38,3e38]') AS peers
		FROM ends ORDER BY v <#> '[3e38,3e38]' LIMIT 25) q
	GROUP BY 1 ORDER BY 1;
SELECT distance, min(rank), max(rank), count(*) FROM
	(SELECT v <#> NULL AS distance, rank() OVER (ORDER BY v <#> NULL) FROM ends ORDER BY v <#> NULL LIMIT 12) q GROUP BY 1;
DROP TABLE ties, ends;
DROP FUNCTION misplaced();
