-- vecann on bit strings: Hamming distance, exact for pending and sealed rows.
SET vecann.background_seals = off;
SET client_min_messages = warning;
SELECT setseed(0.25);
CREATE FUNCTION random_bits(dim int, g int) RETURNS bit varying LANGUAGE sql VOLATILE AS
	$$ SELECT string_agg(CASE WHEN random() < 0.5 THEN '1' ELSE repeat('0', 1 + 0 * i * g) END, '')::bit varying FROM generate_series(1, dim) i $$;
CREATE TABLE hashes (id int PRIMARY KEY, code bit(100)) USING vecstore;
CREATE INDEX hashes_hamming ON hashes USING vecann (code bit_hamming_ops) WITH (pending_limit = 400);
SET vecann.probes = 1000;

-- the index and a sort give the same distances, and each row once
CREATE FUNCTION same(q bit) RETURNS boolean LANGUAGE plpgsql
	SET enable_seqscan = on SET enable_sort = on SET enable_indexscan = on AS $$
DECLARE
	by_index int[];
	by_sort int[];
	ids int[];
BEGIN
	PERFORM set_config('enable_seqscan', 'off', true), set_config('enable_sort', 'off', true);
	SELECT array_agg(d), array_agg(id) INTO by_index, ids FROM (SELECT id, (code <~> q)::int AS d FROM hashes ORDER BY code <~> q) AS s;
	PERFORM set_config('enable_seqscan', 'on', true), set_config('enable_sort', 'on', true), set_config('enable_indexscan', 'off', true);
	SELECT array_agg(d) INTO by_sort FROM (SELECT (code <~> q)::int AS d FROM hashes ORDER BY code <~> q) AS s;
	RETURN by_index = by_sort AND (SELECT count(DISTINCT id) FROM unnest(ids) AS id) = cardinality(by_sort);
END
$$;
INSERT INTO hashes SELECT i, random_bits(100, i)::bit(100) FROM generate_series(1, 300) i;
INSERT INTO hashes VALUES (0, NULL);
DELETE FROM hashes WHERE id = 0;
SELECT same(random_bits(100, 1)::bit(100)) AS pending;
SELECT rows_sealed, segment FROM vecstore.flush('hashes');
SELECT same(random_bits(100, 1)::bit(100)) AS sealed;
INSERT INTO hashes SELECT i, random_bits(100, i)::bit(100) FROM generate_series(301, 2000) i;
DELETE FROM hashes WHERE id % 3 = 0;
UPDATE hashes SET code = ~code WHERE id % 5 = 0;
SELECT same(random_bits(100, 1)::bit(100)) AS mixed;
VACUUM hashes;
SELECT same(random_bits(100, 1)::bit(100)) AS vacuumed;
SELECT FROM vecstore.compact('hashes_hamming');
SELECT same(random_bits(100, 1)::bit(100)) AS compacted;
REINDEX INDEX hashes_hamming;
SELECT same(random_bits(100, 1)::bit(100)) AS rebuilt;
SELECT problem FROM vecstore.check_index('hashes_hamming');
SELECT dimensions, bits, list_rows, pending_rows FROM vecstore.index_info('hashes_hamming');

-- values that the index refuses
SET enable_seqscan = off;
SELECT id FROM hashes ORDER BY code <~> B'101' LIMIT 1;
CREATE TABLE wide (code bit(3000)) USING vecstore;
CREATE INDEX ON wide USING vecann (code);
DROP TABLE hashes, wide;
DROP FUNCTION same(bit), random_bits(int, int);

-- lengths of a single word
CREATE TABLE words (id int PRIMARY KEY, code bit(64), short bit(3)) USING vecstore;
INSERT INTO words SELECT i, ('x' || left(md5(i::text), 16))::bit(64), i::bit(3) FROM generate_series(1, 1000) i;
CREATE INDEX words_code ON words USING vecann (code bit_hamming_ops);
CREATE INDEX words_short ON words USING vecann (short bit_hamming_ops);
SELECT * FROM vecstore.check_index('words_code') UNION ALL SELECT * FROM vecstore.check_index('words_short');
SET enable_seqscan = off;
SET enable_sort = off;
SELECT id, code <~> (SELECT code FROM words WHERE id = 7) AS distance FROM words ORDER BY code <~> (SELECT code FROM words WHERE id = 7) LIMIT 1;
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM words ORDER BY short <~> B'101') s;
RESET enable_seqscan;
RESET enable_sort;
DROP TABLE words;
