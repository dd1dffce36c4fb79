-- From and to the dense types
SELECT '[0,1.5,0,-3.5,-0]'::vector::sparsevec, '[0,1.5,0,-3.5,-0]'::halfvec::sparsevec(5);
SELECT '{2:1.5,4:-3.5}/5'::sparsevec::vector, '{2:1.5,4:-3.5}/5'::sparsevec::halfvec(5);
SELECT '{}/2'::sparsevec::vector, '[0,0]'::vector::sparsevec;
-- rounded to half: to 0 when too small
SELECT '{1:0.1,2:1e-8,3:65504}/3'::sparsevec::halfvec;

-- From arrays
SELECT ARRAY[1,0,2]::sparsevec, ARRAY[1,0,2]::real[]::sparsevec, ARRAY[1.5,0,2]::float8[]::sparsevec,
	ARRAY[1.5,0,2]::numeric[]::sparsevec(3);
SELECT '{1e-46,-1e-46,1}'::float8[]::sparsevec;
-- more elements than a dense vector may have
SELECT array_agg((i % 2)::real ORDER BY i)::sparsevec::text LIKE '{1:1,3:1,5:1,%,19999:1}/20000'
FROM generate_series(1, 20000) i;

-- Which casts are implicit, which on assignment: as in pgvector
SELECT castsource::regtype, casttarget::regtype, castcontext FROM pg_cast
WHERE 'sparsevec'::regtype IN (castsource, casttarget)
ORDER BY castsource::regtype::text, casttarget::regtype::text;
SELECT '{1:1}/3'::sparsevec <-> '[1,2,2]'::vector;
SELECT '{1:1}/3'::sparsevec <-> '[1,2,2]'::halfvec;

-- Errors
CREATE FUNCTION outcome(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	result text;
BEGIN
	EXECUTE query INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate || ': ' || sqlerrm;
END $$;
SELECT input, outcome('SELECT ' || input)
FROM unnest(ARRAY[
	$$'[1,2]'::vector::sparsevec(3)$$,
	$$'[1,2]'::halfvec::sparsevec(3)$$,
	$$'{1:1}/2'::sparsevec::vector(3)$$,
	$$'{1:1}/2'::sparsevec::halfvec(3)$$,
	$$'{1:1}/16001'::sparsevec::vector$$,
	$$'{1:1}/16001'::sparsevec::halfvec$$,
	$$'{1:65520}/1'::sparsevec::halfvec$$,
	$$'{1,2}'::int[]::sparsevec(3)$$,
	$$'{}'::real[]::sparsevec$$,
	$$'{{1,2}}'::real[]::sparsevec$$,
	$$'{1,NULL}'::float8[]::sparsevec$$,
	$$'{NaN}'::real[]::sparsevec$$,
	$$'{-Infinity}'::numeric[]::sparsevec$$,
	$$'{4e38}'::float8[]::sparsevec$$,
	$$'{4e38}'::numeric[]::sparsevec$$,
	$$array_fill(1, ARRAY[16001])::sparsevec$$]) AS input;
DROP FUNCTION outcome(text);
