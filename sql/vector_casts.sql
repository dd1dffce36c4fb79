-- Casts of vector and halfvec: their list, their contexts, their errors.

SELECT castsource::regtype AS source, casttarget::regtype AS target, castfunc::regprocedure AS function,
       CASE castcontext WHEN 'i' THEN 'implicit' WHEN 'a' THEN 'assignment' ELSE 'explicit' END AS context
  FROM pg_cast
 WHERE castsource IN ('vector'::regtype, 'halfvec'::regtype) AND casttarget <> 'sparsevec'::regtype
    OR casttarget IN ('vector'::regtype, 'halfvec'::regtype) AND castsource <> 'sparsevec'::regtype
 ORDER BY castsource::regtype::text, casttarget::regtype::text;

-- arrays to vector
SELECT ARRAY[1, -2, 3]::vector, ARRAY[1.5, 2]::vector AS "numeric", '{1e3,-0}'::float4[]::vector,
       '{0.1,1e-50}'::float8[]::vector, ARRAY[2147483647, 16777217]::vector AS rounded;
SELECT ARRAY[1, 2, 3]::vector(3), '{1,2}'::float4[]::vector(2), '{1,2}'::numeric[]::vector(2);
SELECT '[5:7]={1,2,3}'::int[]::vector AS lower_bound_is_lost;
SELECT ARRAY[1, 2, 3]::vector(2);
SELECT '{1,2,3}'::float4[]::vector(2);
SELECT '{NULL}'::int[]::vector;
SELECT '{1,NULL}'::float4[]::vector;
SELECT '{1,NULL,3}'::numeric[]::vector;
SELECT (ARRAY[NULL, 1, 2])[2:3]::vector AS null_not_in_slice;
SELECT '{}'::int[]::vector;
SELECT '{{1,2}}'::float8[]::vector;
SELECT '{{1},{2}}'::int[]::vector;
SELECT '{NaN}'::float4[]::vector;
SELECT '{NaN}'::numeric[]::vector;
SELECT '{1,-Infinity}'::float8[]::vector;
SELECT '{1e39}'::float8[]::vector;
SELECT '{1e39}'::numeric[]::vector;
SELECT vector_dims(array_fill(1, ARRAY[16000])::vector);
SELECT array_fill(1, ARRAY[16001])::vector;
SELECT '{a}'::text[]::vector;

-- arrays to halfvec
SELECT ARRAY[1, -2, 3]::halfvec, ARRAY[1.5, 2]::halfvec AS "numeric", '{1e3,-0}'::float4[]::halfvec(2),
       '{0.1,1e-50}'::float8[]::halfvec, ARRAY[2049, 65519]::halfvec AS rounded;
SELECT ARRAY[1, 2, 3]::halfvec(2);
SELECT '{1,NULL}'::numeric[]::halfvec;
SELECT '{}'::float8[]::halfvec;
SELECT '{{1}}'::float4[]::halfvec;
SELECT '{NaN}'::float8[]::halfvec;
SELECT '{Infinity}'::float4[]::halfvec;
SELECT ARRAY[65520]::halfvec;
SELECT '{1,-1e6}'::float8[]::halfvec;
SELECT array_fill(1, ARRAY[16001])::halfvec;

-- to arrays
SELECT '[1,-0,0.1]'::vector::real[], '[1,-0,0.1]'::halfvec::real[], array_ndims('[1]'::vector::real[]);
SELECT '[1,2]'::vector::double precision[];
CREATE FUNCTION vc_last(real[]) RETURNS real LANGUAGE sql IMMUTABLE RETURN $1[array_upper($1, 1)];
SELECT vc_last('[1,2,3]'::vector) AS implicit;
SELECT vc_last('[1,2,3]'::halfvec) AS not_implicit;
DROP FUNCTION vc_last;

-- between vector and halfvec
SELECT '[1,0.1,-65504]'::vector::halfvec, '[1,0.1]'::halfvec::vector, '[1,2]'::vector::halfvec(2), '[1,2]'::halfvec::vector(2);
SELECT '[1,2]'::vector::halfvec(3);
SELECT '[1,2]'::halfvec::vector(3);
SELECT '[65520]'::vector::halfvec;
SELECT '[1,-1e30]'::vector::halfvec;
SELECT '[2.98e-8,2.99e-8,6e-8,65519]'::vector::halfvec AS smallest_and_largest;
-- all halves keep their value through vector, text and real[]
SELECT count(*), count(*) FILTER (WHERE h::vector::halfvec = h) AS vector, count(*) FILTER (WHERE h::text::halfvec = h) AS text,
       count(*) FILTER (WHERE h::real[]::halfvec = h) AS array, count(DISTINCT h) AS distinct_halves
  FROM (SELECT CASE WHEN e = 0 THEN ARRAY[s * m * 2.0::float8 ^ -24] ELSE ARRAY[s * (1024 + m) * 2.0::float8 ^ (e - 25)] END::halfvec AS h
          FROM generate_series(0, 30) e, generate_series(0, 1023) m, unnest(ARRAY[1, -1]) s) t;
-- rounding follows IEEE half: a value halfway between two neighbors goes to the even one
SELECT ARRAY[2048, 2049, 2050, 2051, 2052]::halfvec AS ties;

-- on assignment
CREATE TABLE vc (v vector(2), h halfvec(2), r real[]);
INSERT INTO vc VALUES ('{1,2}'::int[], '{1,2}'::float8[], '[1,2]'::vector);
INSERT INTO vc VALUES ('[3,4]'::halfvec, '[3,4]'::vector, '[3,4]'::halfvec);
INSERT INTO vc (v) VALUES (ARRAY[1, 2, 3]);
INSERT INTO vc (h) VALUES ('[1,2,3]'::vector);
INSERT INTO vc (v) VALUES ('[1,2,3]'::halfvec);
SELECT * FROM vc;
ALTER TABLE vc ALTER v TYPE halfvec(2), ALTER h TYPE vector(2), ALTER r TYPE vector;
SELECT * FROM vc;

-- vector casts to halfvec implicitly, not the other way; literals take the other side's type
SELECT pg_typeof('[1,2]'::vector || '[3]'), pg_typeof('[1]'::halfvec + '[2]'), '[1,2]'::halfvec <-> '[1,3]'::vector AS as_halfvec,
       '[1,2049]'::vector <-> '[1,2048]'::halfvec AS as_halfvec_too;
DROP TABLE vc;
