-- Index access method vecann: at default settings the first ten rows are sorted,
-- although one bound in 35 is above the true distance.
SET client_min_messages = warning;
SET enable_seqscan = off;
SELECT setseed(0.25);
CREATE TABLE points (id int, v vector(64)) USING vecstore;
CREATE INDEX points_v ON points USING vecann (v) WITH (pending_limit = 0);
CREATE FUNCTION random_vector(g int) RETURNS vector LANGUAGE sql VOLATILE AS
	$$ SELECT array_agg(random() + random() + random() - 1.5 + 0 * i * g)::real[]::vector FROM generate_series(1, 64) i $$;
INSERT INTO points SELECT i, random_vector(i) FROM generate_series(1, 3000) i;
CREATE FUNCTION unsorted(n int) RETURNS bigint LANGUAGE sql AS $$
	SELECT count(*) FROM points q, LATERAL
		(SELECT bool_or(d < before) AS any FROM
			(SELECT d, lag(d) OVER () AS before FROM (SELECT v <-> q.v AS d FROM points ORDER BY v <-> q.v LIMIT n) s) s) s
	WHERE q.id <= 150 AND s.any
$$;
SELECT unsorted(10) AS pending;
SELECT rows_sealed FROM vecstore.flush('points');
SELECT unsorted(10) AS sealed;

-- rows that the scan holds back are not lost, neither at its end nor by a rescan
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM points ORDER BY v <-> (SELECT v FROM points WHERE id = 1) LIMIT 5000) q;
SELECT count(*), count(DISTINCT s.id) FROM generate_series(1, 20) i,
	LATERAL (SELECT id FROM points ORDER BY v <-> (SELECT v FROM points WHERE id = i) LIMIT 2) s;
DROP TABLE points;
DROP FUNCTION random_vector(int), unsorted(int);
