-- vecstore.check and check_index of indexes on expressions and of partial ones:
-- sound indexes are found sound, and an entry with another value is reported.
SET vecann.background_seals = off;
SET client_min_messages = warning;
CREATE FUNCTION at(i int) RETURNS vector LANGUAGE sql IMMUTABLE RETURN (SELECT array_agg(sin(i * j)) FROM generate_series(1, 64) j)::real[]::vector;
CREATE TABLE points (id int PRIMARY KEY, v vector(64)) USING vecstore;
CREATE INDEX points_bits ON points USING vecann ((binary_quantize(v)::bit(64)) bit_hamming_ops) WITH (pending_limit = 0);
CREATE INDEX points_some ON points USING vecann ((binary_quantize(v)::bit(64)) bit_hamming_ops) WITH (pending_limit = 0) WHERE id % 3 = 0;
CREATE INDEX points_part ON points USING vecann (v) WITH (pending_limit = 0) WHERE id % 2 = 0;
INSERT INTO points SELECT i, at(i) FROM generate_series(1, 500) i;
INSERT INTO points VALUES (0, NULL);
SELECT * FROM vecstore.check('points');
SELECT count(*) FROM vecstore.flush('points');
INSERT INTO points SELECT i, at(i) FROM generate_series(501, 600) i;
DELETE FROM points WHERE id % 7 = 0;
UPDATE points SET v = at(-id) WHERE id % 5 = 0;
SELECT * FROM vecstore.check('points');
SELECT * FROM vecstore.check_index('points_bits');
SELECT * FROM vecstore.check_index('points_some');
VACUUM points;
SELECT * FROM vecstore.check('points');

-- a function that changed after the entries were made
CREATE FUNCTION bits_of(v vector) RETURNS bit(64) LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN public.binary_quantize(v)::bit(64); END';
CREATE INDEX points_changed ON points USING vecann (bits_of(v) bit_hamming_ops) WITH (pending_limit = 0);
INSERT INTO points VALUES (1001, at(1001));
SELECT * FROM vecstore.check_index('points_changed');
CREATE OR REPLACE FUNCTION bits_of(v vector) RETURNS bit(64) LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN ~public.binary_quantize(v)::bit(64); END';
SELECT count(*), min(split_part(problem, ': ', 2)) FROM vecstore.check_index('points_changed');
SELECT count(v) FROM points;
-- a function that fails, and one that reports its user
CREATE OR REPLACE FUNCTION bits_of(v vector) RETURNS bit(64) LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RAISE ''no bits''; END';
SELECT * FROM vecstore.check_index('points_changed');
CREATE OR REPLACE FUNCTION bits_of(v vector) RETURNS bit(64) LANGUAGE plpgsql IMMUTABLE AS
	'BEGIN IF current_user <> ''regress_check_owner'' THEN RAISE ''run by another role''; END IF; RETURN NULL; END';
CREATE ROLE regress_check_owner;
ALTER TABLE points OWNER TO regress_check_owner;
SELECT * FROM vecstore.check_index('points_changed');
DROP TABLE points;
DROP FUNCTION bits_of, at;
DROP ROLE regress_check_owner;
