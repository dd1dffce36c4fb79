-- Vectors so wide that a block of codes does not fit a pending page: scans find
-- the same rows pending and sealed.
SET client_min_messages = warning;
SET enable_bitmapscan = off;
SET vecann.probes = 1000;
-- near one of 7 directions
CREATE FUNCTION wide(i int, dims int) RETURNS vector LANGUAGE sql IMMUTABLE RETURN
	(SELECT array_agg((sin(i % 7 * j) + cos(i * 31.7 + j * j) / 2)::real ORDER BY j) FROM generate_series(1, dims) j)::vector;
CREATE TABLE results (dims int, ops text, state text, by text, ids int[], codes bool);
CREATE PROCEDURE compare(dims int, type text, ops text, op text) LANGUAGE plpgsql AS $$
DECLARE
	query text := format('SELECT array_agg(id) FROM (SELECT id FROM wide ORDER BY v %s wide(1003, %s)::%s LIMIT 20) s', op, dims, type);
	state text;
	ids int[];
BEGIN
	DROP TABLE IF EXISTS wide;
	EXECUTE format('CREATE TABLE wide (id int, v %s(%s)) USING vecstore', type, dims);
	EXECUTE format('CREATE INDEX wide_v ON wide USING vecann (v %s)', ops);
	FOREACH state IN ARRAY ARRAY['pending', 'sealed', 'again', 'centred'] LOOP
		IF state IN ('sealed', 'centred') THEN
			PERFORM vecstore.flush('wide');
		ELSE
			EXECUTE format('INSERT INTO wide SELECT i, wide(i, %s)::%s FROM generate_series(%s, %s) i', dims, type,
				CASE state WHEN 'pending' THEN '1' ELSE '101' END, CASE state WHEN 'pending' THEN '100' ELSE '150' END);
		END IF;
		SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off;
		EXECUTE query INTO ids;
		INSERT INTO results SELECT dims, ops, state, 'index', ids, s.exact_distances < s.codes_scanned + s.pending_scanned FROM vecstore.last_scan_stats() s;
		SET LOCAL enable_seqscan = on; SET LOCAL enable_sort = on; SET LOCAL enable_indexscan = off;
		EXECUTE query INTO ids;
		INSERT INTO results SELECT dims, ops, state, 'scan', ids;
		SET LOCAL enable_indexscan = on;
	END LOOP;
	INSERT INTO results SELECT dims, ops, problem FROM vecstore.check_index('wide_v');
END $$;
CALL compare(1792, 'vector', 'vector_l2_ops', '<->');
CALL compare(1793, 'vector', 'vector_l2_ops', '<->');
CALL compare(1980, 'vector', 'vector_ip_ops', '<#>');
CALL compare(3072, 'vector', 'vector_cosine_ops', '<=>');
CALL compare(3072, 'halfvec', 'halfvec_l2_ops', '<->');
CALL compare(8192, 'vector', 'vector_cosine_ops', '<=>');
CALL compare(16000, 'vector', 'vector_l2_ops', '<->');
SELECT dims, ops, state, count(DISTINCT ids) AS answers, min(cardinality(ids)) AS found, bool_and(codes) AS codes
FROM results GROUP BY dims, ops, state ORDER BY dims, ops, state;
-- a null query vector gives every row
SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM wide ORDER BY v <-> NULL LIMIT 1000) s;
DROP TABLE wide, results;
DROP PROCEDURE compare;
DROP FUNCTION wide;
