-- vector: distances, functions, arithmetic, order, hash.
-- Sums of small whole numbers are exact in float, so that every instruction
-- set's kernels give the same result.

-- distances: differences are -2, 1, 1; products are 3, 2, 6
SELECT '[1,2,3]'::vector <-> '[3,1,2]' AS l2, sqrt(6) AS expected;
SELECT '[1,2,3]'::vector <#> '[3,1,2]' AS negative_inner_product;
SELECT '[1,2,3]'::vector <=> '[3,1,2]' AS cosine, 1 - 11 / sqrt(14 * 14) AS expected;
SELECT '[1,2,3]'::vector <+> '[3,1,2]' AS l1;
SELECT l2_distance('[0,0]'::vector, '[3,4]'), inner_product('[1,2]'::vector, '[3,4]'),
       cosine_distance('[1,2]'::vector, '[2,4]'), l1_distance('[0,0]'::vector, '[3,-4]');
SELECT vector_l2_squared_distance('[0,0]', '[3,4]'), vector_negative_inner_product('[1,2]', '[3,4]');

-- long enough for every lane and remainder
SELECT n, a <-> z AS l2_of_ones, a <#> a AS squares, b <+> z AS l1
  FROM (SELECT n, array_fill(1, ARRAY[n])::vector AS a, array_fill(0, ARRAY[n])::vector AS z,
               (SELECT array_agg(i) FROM generate_series(1, n) i)::vector AS b
          FROM unnest(ARRAY[1, 4, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 100]) n) t;
SELECT (a <#> a) = -(100 * 101 * 201 / 6) AS squares, (a <+> z) = 100 * 101 / 2 AS l1
  FROM (SELECT array_agg(i)::vector AS a, array_agg(0)::vector AS z FROM generate_series(1, 100) i) t;

-- cosine: same and opposite direction, right angle, rounding beyond 1; a zero vector has no angle
SELECT '[1,1]'::vector <=> '[2,2]' AS same, '[1,2]'::vector <=> '[-2,-4]' AS opposite,
       '[1,0]'::vector <=> '[0,5]' AS right_angle;
SELECT bool_and(v <=> v BETWEEN 0 AND 1e-6) AS near_0, bool_and((v <=> ('[0,0,0]'::vector - v)) BETWEEN 2 - 1e-6 AND 2) AS near_2
  FROM (SELECT ARRAY[sin(i), cos(i), i / 10.0]::vector AS v FROM generate_series(1, 1000) i) t;
SELECT '[0,0]'::vector <=> '[1,2]' AS zero, '[0,0]'::vector <=> '[0,0]' AS zeros, cosine_distance('[1,2]'::vector, '[0,-0]');

-- sums that overflow a float
SELECT '[3e38]'::vector <-> '[-3e38]' AS l2, '[1e30,1]'::vector <#> '[1e30,1]' AS ip, '[3e38]'::vector <+> '[-3e38]' AS l1;
SELECT '[1e30,0]'::vector <=> '[1e30,0]' AS cosine, '[1e-30]'::vector <-> '[0]' AS below_float;

-- angle between unit vectors
SELECT vector_spherical_distance('[1,0]', '[1,0]'), vector_spherical_distance('[1,0]', '[0,1]'),
       vector_spherical_distance('[1,0]', '[-1,0]'), vector_spherical_distance('[2,0]', '[1,0]') AS clamped;

SELECT '[1,2]'::vector <-> '[3]';
SELECT '[1,2]'::vector <#> '[3]';
SELECT '[1,2]'::vector <=> '[3]';
SELECT '[1,2]'::vector <+> '[3]';
SELECT vector_l2_squared_distance('[1]', '[1,2]');
SELECT vector_spherical_distance('[1]', '[1,2]');
SELECT '[1]'::vector <-> NULL AS strict;

-- dimensions, norm
SELECT vector_dims('[1,2,3]'::vector), vector_norm('[3,4]'), vector_norm('[0,0]'), vector_norm('[-5]');
SELECT vector_norm('[3e37,4e37]')::real AS no_overflow, vector_norm('[3e-40,4e-40]')::real AS no_underflow;
SELECT vector_norm(array_fill(1, ARRAY[n])::vector) ^ 2 AS n FROM unnest(ARRAY[1, 4, 9, 16, 25, 36, 10000]) n;
SELECT l2_normalize('[3,4]'::vector), l2_normalize('[0,-0.5]'::vector), l2_normalize('[0,0]'::vector),
       l2_normalize('[3e38]'::vector), l2_normalize('[1e-45]'::vector);

-- binary_quantize: positive elements, first one leftmost
SELECT binary_quantize('[1,0,-1]'::vector), binary_quantize('[0,0.1,-0.2,-0.3,0.4,0.5,0.6,-0.7,0.8,-0.9,1]'::vector),
       binary_quantize('[-0,0,1e-45]'::vector);
SELECT length(binary_quantize(array_fill(1, ARRAY[16000])::vector)), binary_quantize('[1,-1,1]'::vector)::bit(3);

-- subvector counts positions as substring() does
SELECT s, n, subvector('[1,2,3,4,5]'::vector, s, n)
  FROM (VALUES (1, 3), (3, 2), (5, 1), (1, 5), (4, 9), (-1, 3), (0, 2), (2, 2147483647)) v (s, n);
SELECT subvector('[1,2,3,4,5]'::vector, 6, 1);
SELECT subvector('[1,2,3,4,5]'::vector, 1, 0);
SELECT subvector('[1,2,3,4,5]'::vector, 3, -1);
SELECT subvector('[1,2,3,4,5]'::vector, -2, 3);
SELECT subvector('[1,2,3,4,5]'::vector, -2147483648, 2147483647);
SELECT subvector('[1,2,3,4,5]'::vector, 2147483647, 2147483647);

-- arithmetic
SELECT '[1,2,3]'::vector + '[4,5,6]', '[1,2,3]'::vector - '[4,5,6.5]', '[1,2,3]'::vector * '[4,5,-6]',
       '[1,2]'::vector || '[3]';
SELECT '[1,2]'::vector + '[1]';
SELECT '[1,2]'::vector - '[1]';
SELECT '[1,2]'::vector * '[1]';
SELECT '[3e38]'::vector + '[3e38]';
SELECT '[-3e38]'::vector - '[3e38]';
SELECT '[1e37]'::vector * '[1e37]';
SELECT '[1e-37]'::vector * '[1e-37]';
SELECT '[0,1e-37]'::vector * '[1e-37,0]' AS zero_is_no_underflow, '[1e-37]'::vector - '[1e-37]' AS nor_here;
SELECT array_fill(0, ARRAY[16000])::vector || '[1]';
SELECT vector_dims(array_fill(0, ARRAY[15999])::vector || '[1]');

-- order: the first element that differs, then the dimensions, as arrays
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt,
       vector_cmp(a, b) AS cmp, vector_cmp(a, b) = btarraycmp(a::real[], b::real[]) AS as_array
  FROM (VALUES ('[1,2,3]'::vector, '[1,2,3]'::vector), ('[1,2,3]', '[1,2,4]'), ('[2]', '[1,9]'),
               ('[1,2]', '[1,2,3]'), ('[1,2,3]', '[1,2]'), ('[-1]', '[1]'), ('[0,-0]', '[-0,0]')) t (a, b);

CREATE TABLE vo (id int, v vector(2));
INSERT INTO vo SELECT i, ARRAY[i / 100, i % 100]::vector FROM generate_series(0, 9999) i;
INSERT INTO vo VALUES (10000, NULL), (10001, '[-0,0]');
ANALYZE vo;

-- btree
\set VERBOSITY terse
CREATE UNIQUE INDEX vo_unique ON vo (v);
DELETE FROM vo WHERE id = 10001;
CREATE UNIQUE INDEX vo_unique ON vo (v);
INSERT INTO vo VALUES (10002, '[0,-0]');
\set VERBOSITY default
SET enable_seqscan = off;
SET enable_bitmapscan = off;
EXPLAIN (COSTS off) SELECT id FROM vo WHERE v = '[12,34]';
SELECT id FROM vo WHERE v = '[12,34]';
SELECT id FROM vo WHERE v = '[-0,-0]';
SELECT count(*) FROM vo WHERE v >= '[98,0]' AND v < '[99,50]';
EXPLAIN (COSTS off) SELECT id FROM vo ORDER BY v DESC LIMIT 3;
SELECT id FROM vo ORDER BY v DESC NULLS LAST LIMIT 3;
DROP INDEX vo_unique;

-- hash
CREATE INDEX vo_hash ON vo USING hash (v);
EXPLAIN (COSTS off) SELECT id FROM vo WHERE v = '[12,34]';
SELECT id FROM vo WHERE v = '[12,34]';
SELECT id FROM vo WHERE v = '[-0,-0]';
SELECT id FROM vo WHERE v = '[100,100]';
RESET enable_seqscan;
RESET enable_bitmapscan;

-- joins, grouping, sorting
SET enable_mergejoin = off;
SET enable_nestloop = off;
EXPLAIN (COSTS off) SELECT count(*) FROM vo a JOIN vo b USING (v);
SELECT count(*) FROM vo a JOIN vo b USING (v);
SET enable_hashjoin = off;
RESET enable_mergejoin;
EXPLAIN (COSTS off) SELECT count(*) FROM vo a JOIN vo b USING (v);
SELECT count(*) FROM vo a JOIN vo b USING (v);
RESET enable_hashjoin;
RESET enable_nestloop;
SET enable_sort = off;
SELECT count(*), sum(n) FROM (SELECT subvector(v, 1, 1) AS g, count(*) AS n FROM vo GROUP BY g) t;
RESET enable_sort;
SET enable_hashagg = off;
SELECT count(*), sum(n) FROM (SELECT subvector(v, 1, 1) AS g, count(*) AS n FROM vo GROUP BY g) t;
RESET enable_hashagg;
SELECT DISTINCT v FROM (VALUES ('[0]'::vector), ('[-0]'), ('[1]'), (NULL), ('[1,0]'), (NULL)) t (v) ORDER BY v NULLS FIRST;
SELECT '[2]'::vector = ANY (ARRAY['[1]', '[2]']::vector[]), '[3]'::vector IN ('[1]', '[2]'),
       ARRAY['[1]']::vector[] < ARRAY['[2]']::vector[], ROW('[1]'::vector) = ROW('[1]'::vector);

-- equal values hash alike, at every length; others do not (in this sample)
SELECT bool_and(vector_hash(a) = vector_hash(b) AND vector_hash_extended(a, 7) = vector_hash_extended(b, 7)) AS alike,
       bool_and(vector_hash(a)::bigint & 4294967295 = vector_hash_extended(a, 0) & 4294967295) AS low_half,
       count(DISTINCT vector_hash(a)) AS hashes, count(DISTINCT vector_hash_extended(a, 7)) AS extended
  FROM (SELECT ('[' || repeat('-0,', n) || '1]')::vector AS a, ('[' || repeat('0,', n) || '1]')::vector AS b
          FROM generate_series(0, 400) n) t;
SELECT count(DISTINCT vector_hash(v)) FROM vo;
CREATE TABLE vo_part (v vector) PARTITION BY HASH (v);
CREATE TABLE vo_part0 PARTITION OF vo_part FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE vo_part1 PARTITION OF vo_part FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO vo_part SELECT v FROM vo WHERE v IS NOT NULL;
SELECT tableoid::regclass, count(*) BETWEEN 4800 AND 5200 AS about_half FROM vo_part GROUP BY 1 ORDER BY 1;
DROP TABLE vo, vo_part;
