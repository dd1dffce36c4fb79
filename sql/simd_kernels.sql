-- vecstore.simd and vecstore.build_info(): the output must not depend on the machine

SELECT i.version = e.extversion AS version_agrees,
       i.postgres ~ '^[0-9]+' AS postgres,
       length(i.compiler) > 0 AS compiler,
       i.simd = i.simd_available[cardinality(i.simd_available)] AS best_in_force,
       i.simd_available[1] AS always_there
FROM vecstore.build_info() i, pg_extension e WHERE e.extname = 'vecstore';

SHOW vecstore.simd;
SET vecstore.simd = 'portable';
SHOW vecstore.simd;
SELECT simd FROM vecstore.build_info();
SET vecstore.simd = auto;
SHOW vecstore.simd;

-- an instruction set that the processor does not run is refused, and the setting stays
\set VERBOSITY sqlstate
SET vecstore.simd = 'sse9';
SET vecstore.simd = '';
\set VERBOSITY default
SHOW vecstore.simd;

-- the values offered are auto and the available ones
SELECT s.enumvals = ARRAY['auto'] || i.simd_available AS same
FROM pg_settings s, vecstore.build_info() i WHERE s.name = 'vecstore.simd';

-- rolled back with its transaction
BEGIN;
SET vecstore.simd = 'portable';
ROLLBACK;
SELECT simd = simd_available[cardinality(simd_available)] AS best_in_force
FROM vecstore.build_info();

-- every variant computes the same on whole numbers, at every length up to 100
CREATE FUNCTION kernel_results() RETURNS text LANGUAGE sql AS $$
	SELECT md5(string_agg(concat_ws(' ', l2_distance(a, b) ^ 2, inner_product(a, b), l1_distance(a, b),
	                                l2_distance(a::halfvec, b::halfvec) ^ 2,
	                                inner_product(a::halfvec, b::halfvec),
	                                l1_distance(a::halfvec, b::halfvec), a::halfvec::vector), ',' ORDER BY n))
	FROM generate_series(1, 100) n,
	     LATERAL (SELECT array_agg((i * 7 + n) % 32 - 16)::vector AS a,
	                     array_agg((i * 5 + n) % 24 - 8)::vector AS b
	              FROM generate_series(1, n) i) v
$$;
CREATE TABLE results(simd text, result text);
DO $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY (SELECT simd_available FROM vecstore.build_info()) LOOP
		PERFORM set_config('vecstore.simd', name, true);
		ASSERT (SELECT simd FROM vecstore.build_info()) = name;
		INSERT INTO results VALUES (name, kernel_results());
	END LOOP;
END
$$;
SELECT count(DISTINCT result) AS distinct_results, count(*) >= 1 AS some FROM results;
DROP TABLE results;
DROP FUNCTION kernel_results();
