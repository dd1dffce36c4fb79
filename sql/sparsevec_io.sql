-- Text form: 1-based, any order in, ascending out, zeros dropped
SELECT '{1:1.5,3:3.5}/5'::sparsevec;
SELECT '{5:-2,1:0.1,3:1e-3}/5'::sparsevec;
SELECT E' {\t1 :\n+2.5 , +4 : -.5 } / 5 '::sparsevec;
SELECT '{1:0,2:1,3:-0}/3'::sparsevec;
SELECT '{}/5'::sparsevec, '{ }/1'::sparsevec;
SELECT '{1:1.5e38,2:-1.5e-38,1000000000:3.4028235e38}/1000000000'::sparsevec;
-- the shortest digits that read back the same float4
SELECT '{1:0.1,2:0.333333343,3:16777216}/3'::sparsevec;

-- The error about malformed text says what is missing and where
SELECT ''::sparsevec;
SELECT '[1,2]'::sparsevec;
SELECT '{'::sparsevec;
SELECT '{,}/1'::sparsevec;
SELECT '{1a:1}/1'::sparsevec;
SELECT '{1:}/1'::sparsevec;
SELECT '{1:1x}/1'::sparsevec;
SELECT '{1:1,}/1'::sparsevec;
SELECT '{1:1}'::sparsevec;
SELECT '{1:1}/'::sparsevec;
SELECT '{1:1}/1.5'::sparsevec;

-- Wrong values, with their SQLSTATE
CREATE FUNCTION outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE query INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate || ': ' || sqlerrm;
END $$;
SELECT input, outcome(format('SELECT %L::sparsevec', input))
FROM unnest(ARRAY[
	'{1:x}/1',
	'{1:NaN}/2',
	'{1:Infinity}/2',
	'{1:-inf}/2',
	'{1:4e38}/2',
	'{1:-1e-46}/2',
	'{}/0',
	'{}/-1',
	'{}/1000000001',
	'{}/9999999999999999999999',
	'{}/-9999999999999999999999',
	'{0:1}/1',
	'{-1:1}/1',
	'{2:1}/1',
	'{2:0}/1',
	'{2147483648:1}/1',
	'{-2147483649:1}/1',
	'{1:1,2:2,1:3}/3']) AS input;
SELECT outcome(format('SELECT ''{%s}/20000''::sparsevec::text',
					  string_agg(i || ':1', ','))) FROM generate_series(1, 16001) i;
SELECT length(outcome(format('SELECT ''{%s}/20000''::sparsevec::text',
							 string_agg(i || ':1', ',')))) FROM generate_series(1, 16000) i;

-- Type modifier
SELECT input, outcome(format('SELECT ''{1:1}/3''::%s', input))
FROM unnest(ARRAY['sparsevec', 'sparsevec(3)', 'sparsevec(2)', 'sparsevec(0)', 'sparsevec(3, 2)',
				  'sparsevec(1000000000)', 'sparsevec(1000000001)', 'sparsevec(''a'')']) AS input;
CREATE TABLE sparse (id int PRIMARY KEY, v sparsevec(3));
SELECT format_type(atttypid, atttypmod), attstorage FROM pg_attribute
WHERE attrelid = 'sparse'::regclass AND attname = 'v';
INSERT INTO sparse VALUES (1, '{1:1}/3'), (2, NULL);
SELECT outcome('INSERT INTO sparse VALUES (3, ''{1:1}/4'')');
SELECT outcome('INSERT INTO sparse VALUES (3, ''{1:1}/4''::sparsevec)');
SELECT * FROM sparse ORDER BY id;
SELECT null::sparsevec <-> '{1:1}/3' AS strict;

-- Binary form: dim, nnz, 0, indices from 0, values
SELECT sparsevec_send('{1:0.5,3:2}/5');
SELECT sparsevec_send('{}/5');

-- Large values go through TOAST and back
CREATE TABLE sparse_large (v sparsevec(1000000));
INSERT INTO sparse_large
SELECT ('{' || string_agg(i * 50 || ':' || i, ',') || '}/1000000')::sparsevec
FROM generate_series(1, 16000) i;
SELECT length(v::text), round(l2_norm(v)) FROM sparse_large;

DROP TABLE sparse, sparse_large;
DROP FUNCTION outcome(text);
