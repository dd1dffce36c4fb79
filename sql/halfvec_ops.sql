-- halfvec: distances, functions, arithmetic, order, hash.

-- distances: differences are -2, 1, 1; products are 3, 2, 6
SELECT '[1,2,3]'::halfvec <-> '[3,1,2]' AS l2, sqrt(6) AS expected;
SELECT '[1,2,3]'::halfvec <#> '[3,1,2]' AS negative_inner_product;
SELECT '[1,2,3]'::halfvec <=> '[3,1,2]' AS cosine, 1 - 11 / sqrt(14 * 14) AS expected;
SELECT '[1,2,3]'::halfvec <+> '[3,1,2]' AS l1;
SELECT l2_distance('[0,0]'::halfvec, '[3,4]'), inner_product('[1,2]'::halfvec, '[3,4]'),
       cosine_distance('[1,2]'::halfvec, '[2,4]'), l1_distance('[0,0]'::halfvec, '[3,-4]'),
       halfvec_l2_squared_distance('[0,0]', '[3,4]'), halfvec_negative_inner_product('[1,2]', '[3,4]');

-- long enough for every lane and remainder; the same results as for vector
SELECT bool_and((h <-> g) = (h::vector <-> g::vector) AND (h <#> g) = (h::vector <#> g::vector)
                AND (h <+> g) = (h::vector <+> g::vector) AND (h <=> g) = (h::vector <=> g::vector)) AS as_vector,
       bool_and((h <#> h) = -n) AS squares, bool_and((h <+> g) = (SELECT sum(abs(1 - i % 3)) FROM generate_series(1, n) i)) AS l1
  FROM (SELECT n, array_fill(1, ARRAY[n])::halfvec AS h,
               (SELECT array_agg(i % 3) FROM generate_series(1, n) i)::halfvec AS g
          FROM generate_series(1, 130) n) t;

-- sums are not kept as half
SELECT '[60000]'::halfvec <-> '[-60000]' AS l2, '[60000,60000]'::halfvec <#> '[60000,60000]' AS ip, '[60000,1]'::halfvec <+> '[-60000,0]' AS l1,
       '[6e-8]'::halfvec <-> '[0]' AS small;

SELECT '[1,1]'::halfvec <=> '[2,2]' AS same, '[1,2]'::halfvec <=> '[-2,-4]' AS opposite,
       '[1,0]'::halfvec <=> '[0,5]' AS right_angle, '[0,0]'::halfvec <=> '[1,2]' AS zero;
SELECT bool_and(v <=> v BETWEEN 0 AND 1e-6) FROM (SELECT ARRAY[sin(i), cos(i), i / 10.0]::halfvec AS v FROM generate_series(1, 1000) i) t;
SELECT halfvec_spherical_distance('[1,0]', '[1,0]'), halfvec_spherical_distance('[1,0]', '[0,1]'),
       halfvec_spherical_distance('[1,0]', '[-1,0]'), halfvec_spherical_distance('[2,0]', '[1,0]') AS clamped;
SELECT '[1,2]'::halfvec <-> '[3]';
SELECT '[1,2]'::halfvec <#> '[3]';
SELECT '[1,2]'::halfvec <=> '[3]';
SELECT '[1,2]'::halfvec <+> '[3]';

-- dimensions, norm, quantization, subvectors
SELECT vector_dims('[1,2,3]'::halfvec), l2_norm('[3,4]'::halfvec), l2_norm('[0,0]'::halfvec), l2_norm('[60000,-45000]'::halfvec) AS no_overflow;
SELECT l2_normalize('[3,4]'::halfvec), l2_normalize('[0,-0.5]'::halfvec), l2_normalize('[0,0]'::halfvec), l2_normalize('[65504,6e-8]'::halfvec);
SELECT binary_quantize('[0,0.1,-0.2,-0.3,0.4,0.5,0.6,-0.7,0.8,-0.9,1]'::halfvec), binary_quantize('[-0,0,6e-8]'::halfvec);
SELECT s, n, subvector('[1,2,3,4,5]'::halfvec, s, n)
  FROM (VALUES (1, 3), (5, 1), (4, 9), (-1, 3), (2, 2147483647)) v (s, n);
SELECT subvector('[1,2,3]'::halfvec, 4, 1);
SELECT subvector('[1,2,3]'::halfvec, 1, 0);
SELECT '[1,2]'::halfvec || '[3]';
SELECT array_fill(0, ARRAY[16000])::halfvec || '[1]';

-- arithmetic, rounded to half
SELECT '[1,2,3]'::halfvec + '[4,5,6]', '[1,2,3]'::halfvec - '[4,5,6.5]', '[1,2,3]'::halfvec * '[4,5,-6]',
       '[2048]'::halfvec + '[1]' AS half_to_even, '[2050]'::halfvec + '[1]' AS half_to_even;
SELECT '[1,2]'::halfvec + '[1]';
SELECT '[1,2]'::halfvec - '[1]';
SELECT '[1,2]'::halfvec * '[1]';
SELECT '[65504]'::halfvec + '[16]';
SELECT '[65504]'::halfvec + '[15.99]' AS rounds_down;
SELECT '[-65504]'::halfvec - '[32]';
SELECT '[300]'::halfvec * '[300]';
SELECT '[1e-4]'::halfvec * '[1e-4]';
SELECT '[0,1e-4]'::halfvec * '[1e-4,0]' AS zero_is_no_underflow;

-- order
SELECT a, b, a < b AS lt, a <= b AS le, a = b AS eq, a <> b AS ne, a >= b AS ge, a > b AS gt, halfvec_cmp(a, b) AS cmp
  FROM (VALUES ('[1,2,3]'::halfvec, '[1,2,3]'::halfvec), ('[1,2,3]', '[1,2,4]'), ('[2]', '[1,9]'),
               ('[1,2]', '[1,2,3]'), ('[1,2,3]', '[1,2]'), ('[-1]', '[1]'), ('[-2]', '[-1]'), ('[-6e-8]', '[0]'), ('[0,-0]', '[-0,0]')) t (a, b);
-- every half sorts as its float does
SELECT count(*) FILTER (WHERE row_h <> row_f) AS misplaced, count(*)
  FROM (SELECT rank() OVER (ORDER BY h) AS row_h, rank() OVER (ORDER BY f) AS row_f
          FROM (SELECT f, ARRAY[f]::halfvec AS h
                  FROM (SELECT CASE WHEN e = 0 THEN s * m * 2.0::float8 ^ -24 ELSE s * (1024 + m) * 2.0::float8 ^ (e - 25) END AS f
                          FROM generate_series(0, 30) e, generate_series(0, 1023, 11) m, unnest(ARRAY[1, -1]) s) a) b) c;

CREATE TABLE ho (id int, v halfvec(2));
INSERT INTO ho SELECT i, ARRAY[i / 100, i % 100]::halfvec FROM generate_series(0, 9999) i;
INSERT INTO ho VALUES (10000, NULL);
ANALYZE ho;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
CREATE UNIQUE INDEX ho_unique ON ho (v);
\set VERBOSITY terse
INSERT INTO ho VALUES (10002, '[0,-0]');
\set VERBOSITY default
EXPLAIN (COSTS off) SELECT id FROM ho WHERE v = '[12,34]';
SELECT id FROM ho WHERE v = '[12,34]';
SELECT id FROM ho WHERE v = '[-0,-0]';
SELECT count(*) FROM ho WHERE v >= '[98,0]' AND v < '[99,50]';
SELECT id FROM ho ORDER BY v DESC NULLS LAST LIMIT 3;
DROP INDEX ho_unique;
CREATE INDEX ho_hash ON ho USING hash (v);
EXPLAIN (COSTS off) SELECT id FROM ho WHERE v = '[12,34]';
SELECT id FROM ho WHERE v = '[12,34]';
SELECT id FROM ho WHERE v = '[-0,-0]';
RESET enable_seqscan;
RESET enable_bitmapscan;

SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM ho a JOIN ho b USING (v);
SET enable_hashjoin = off;
RESET enable_mergejoin;
SELECT count(*) FROM ho a JOIN ho b USING (v);
RESET enable_hashjoin;
RESET enable_nestloop;
SELECT DISTINCT v FROM (VALUES ('[0]'::halfvec), ('[-0]'), ('[1]'), (NULL), ('[1,0]'), (NULL)) t (v) ORDER BY v NULLS FIRST;

SELECT bool_and(halfvec_hash(a) = halfvec_hash(b) AND halfvec_hash_extended(a, 7) = halfvec_hash_extended(b, 7)) AS alike,
       bool_and(halfvec_hash(a)::bigint & 4294967295 = halfvec_hash_extended(a, 0) & 4294967295) AS low_half,
       count(DISTINCT halfvec_hash(a)) AS hashes, count(DISTINCT halfvec_hash_extended(a, 7)) AS extended
  FROM (SELECT ('[' || repeat('-0,', n) || '1]')::halfvec AS a, ('[' || repeat('0,', n) || '1]')::halfvec AS b
          FROM generate_series(0, 400) n) t;
DROP TABLE ho;
