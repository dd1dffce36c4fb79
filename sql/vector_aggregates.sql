-- avg and sum of vector and halfvec.

SELECT avg(v), sum(v), pg_typeof(avg(v)), pg_typeof(sum(v)) FROM unnest(ARRAY['[1,2,3]', '[3,5,7]']::vector[]) v;
SELECT avg(v), sum(v), pg_typeof(avg(v)), pg_typeof(sum(v)) FROM unnest(ARRAY['[1,2,3]', '[3,5,7]']::halfvec[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY['[1,2,3]', NULL, '[3,5,7]', NULL]::vector[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY['[1,2,3]']::vector[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[]::vector[]) v;
SELECT avg(v), sum(v) FROM unnest(ARRAY[NULL, NULL]::halfvec[]) v;
SELECT i % 3 AS g, avg(ARRAY[i, -i]::vector), sum(ARRAY[i, 1]::halfvec) FROM generate_series(1, 9) i GROUP BY g ORDER BY g;
SELECT avg(DISTINCT v), avg(v) FILTER (WHERE v > '[1]') FROM unnest(ARRAY['[1]', '[1]', '[4]']::vector[]) v;

-- as a window function: the state grows row by row
SELECT i, avg(ARRAY[i, i * i]::vector) OVER w, sum(ARRAY[i]::vector) OVER w, avg(ARRAY[i]::vector) OVER (w ROWS 1 PRECEDING)
  FROM generate_series(1, 4) i WINDOW w AS (ORDER BY i);

SELECT avg(v) FROM unnest(ARRAY['[1,2]', '[3]']::vector[]) v;
SELECT sum(v) FROM unnest(ARRAY['[1,2]', '[3]']::vector[]) v;
SELECT avg(v) FROM unnest(ARRAY['[1,2]', '[3]']::halfvec[]) v;

-- avg adds up in double, sum in the type
SELECT avg(v) FROM unnest(ARRAY['[3e38,1e-45]', '[3e38,1e-45]']::vector[]) v;
SELECT sum(v) FROM unnest(ARRAY['[3e38]', '[3e38]']::vector[]) v;
SELECT avg(v) FROM unnest(ARRAY['[65504]', '[65504]']::halfvec[]) v;
SELECT sum(v) FROM unnest(ARRAY['[65504]', '[65504]']::halfvec[]) v;
SELECT avg(v) AS double_sum, sum(v) AS float_sum FROM unnest(ARRAY['[16777216]', '[1]', '[1]', '[16777214]']::vector[]) v;

-- parallel: partial states are combined
CREATE TABLE va (i int, v vector(3), h halfvec(2));
INSERT INTO va SELECT i, ARRAY[i, i % 7, 1]::vector, ARRAY[i % 5, -1]::halfvec FROM generate_series(1, 7000) i;
ANALYZE va;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET max_parallel_workers_per_gather = 2;
EXPLAIN (COSTS off) SELECT avg(v), avg(h) FROM va;
SELECT avg(v), avg(h) FROM va;
SELECT sum(v) FROM va WHERE i <= 3500;
SELECT avg(v) FILTER (WHERE i < 0) AS none, avg(v) FILTER (WHERE i = 7) AS one FROM va;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
RESET max_parallel_workers_per_gather;

-- values out of line
SELECT vector_dims(avg(v)), avg(v) = (array_fill(2, ARRAY[5000]))::vector AS avg, sum(v) = array_fill(4, ARRAY[5000])::vector AS sum
  FROM (SELECT array_fill(i, ARRAY[5000])::vector AS v FROM unnest(ARRAY[1, 3]) i) t;
CREATE TABLE va_wide AS SELECT array_fill(i, ARRAY[5000])::vector AS v FROM generate_series(1, 99) i;
SELECT avg(v) = array_fill(50, ARRAY[5000])::vector AS avg, sum(v) = array_fill(4950, ARRAY[5000])::vector AS sum FROM va_wide;
DROP TABLE va, va_wide;

-- direct calls of the support functions do not change their arguments
SELECT s, vector_accum(s, '[1,2]'), vector_accum(vector_accum(s, '[1,2]'), '[2,3]') FROM (VALUES ('{0}'::float8[])) t (s);
SELECT s, vector_accum(s, '[1,2]') AS accum, vector_combine(s, '{1,1,1}') AS combine, halfvec_combine('{0}', s) AS from_none,
       vector_combine(s, '{0}') AS with_none, vector_avg(s), halfvec_avg(s), s AS again
  FROM (VALUES ('{2,4,5}'::float8[])) t (s);
SELECT vector_combine('{0}', '{0}'), vector_avg('{0}'), vector_avg('{0,1}');
SELECT vector_accum('{}', '[1]');
SELECT vector_accum('{{0}}', '[1]');
SELECT halfvec_accum('{NULL}', '[1]');
SELECT halfvec_accum('{1,2}', '[1,2]');
SELECT vector_accum('{1,2}', '[1,2]');
SELECT vector_accum('{1,1.7976931348623157e308}', '[3e38]') = '{2,1.7976931348623157e308}';
SELECT vector_accum('{1,Infinity}', '[1]');
SELECT vector_combine('{1,1e308}', '{1,1e308}');
SELECT vector_combine('{1,2}', '{1,2,3}');
SELECT vector_combine('{}', '{0}');
SELECT vector_combine('{0}', '{}');
SELECT vector_combine(array_fill(1::float8, ARRAY[16002]), '{0}');
SELECT vector_avg('{}');
SELECT vector_avg('{1}');
SELECT vector_avg('{1,NaN}');
SELECT vector_avg('{1,1e300}');
SELECT halfvec_avg('{1,1e6}');
SELECT vector_avg(array_fill(1::float8, ARRAY[16002]));
