-- Index access method vecann: rows that are small differences of large numbers are found at default settings.
SET client_min_messages = warning;
SET enable_seqscan = off;
SELECT setseed(0.75);
CREATE FUNCTION random_vector(shift float8, width float8, g int) RETURNS vector LANGUAGE sql VOLATILE AS
	$$ SELECT array_agg(shift + width * (random() - 0.5) + 0 * i * g)::real[]::vector FROM generate_series(1, 32) i $$;
CREATE TABLE points (id int, v vector(32)) USING vecstore WITH (autovacuum_enabled = off);
CREATE INDEX points_v ON points USING vecann (v) WITH (pending_limit = 0);
CREATE FUNCTION found() RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN recall >= 0.95 THEN 'enough' ELSE recall::text END FROM vecstore.recall('points_v', k => 10, sample => 50)
$$;

-- all rows far from the origin: pending, sealed, and pending once there is a center
INSERT INTO points SELECT i, random_vector(1e6, 4, i) FROM generate_series(1, 1500) i;
SELECT found() AS pending;
SELECT rows_sealed FROM vecstore.flush('points');
SELECT found() AS sealed;
INSERT INTO points SELECT i, random_vector(1e6, 4, i) FROM generate_series(1, 1500) i;
SELECT found() AS both;

-- two groups far from each other
TRUNCATE points;
INSERT INTO points SELECT i, random_vector(500 * (i % 2 * 2 - 1), 0.3, i) FROM generate_series(1, 3000) i;
SELECT rows_sealed FROM vecstore.flush('points');
SELECT found() AS groups;

-- one row very far away does not move the center of the others
TRUNCATE points;
INSERT INTO points SELECT i, random_vector(0, 1, i) FROM generate_series(1, 300) i;
INSERT INTO points SELECT 0, random_vector(1e12, 1, 1);
SELECT rows_sealed FROM vecstore.flush('points');
SELECT centre_norm < 1 AS centred FROM vecstore.index_info('points_v');
INSERT INTO points SELECT i, random_vector(0, 1, i) FROM generate_series(301, 2000) i;
SELECT found() AS outlier;
DELETE FROM points WHERE id = 0;
SELECT found() AS outlier_gone;
DROP TABLE points;
DROP FUNCTION random_vector(float8, float8, int), found();
