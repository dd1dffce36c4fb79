-- Hamming distance
SELECT hamming_distance('111', '100');
SELECT B'10101010101010101010' <~> B'01010101010101010101';
SELECT B'' <~> B'';
SELECT repeat('10', 4000)::varbit::bit(8000) <~> repeat('01', 4000)::varbit::bit(8000);

-- Jaccard distance; 1 when they have no bit in common, empty or not
SELECT jaccard_distance('1111', '1100');
SELECT B'1010' <%> B'0110';
SELECT B'1100' <%> B'1100';
SELECT B'000' <%> B'000';
SELECT B'' <%> B'';

-- Every length, compared with counting in SQL
WITH pairs AS (
	SELECT n, substr(a.bits, 1, n)::varbit AS a, substr(b.bits, 3, n)::varbit AS b
	FROM (SELECT string_agg(((i * i + i / 7) % 2)::text, '' ORDER BY i) AS bits FROM generate_series(1, 1200) i) a,
		(SELECT string_agg(((i / 3 + i / 5) % 2)::text, '' ORDER BY i) AS bits FROM generate_series(1, 1200) i) b,
		generate_series(1, 1100) n)
SELECT count(*) AS lengths,
	count(*) FILTER (WHERE hamming_distance(a, b) = bit_count(a # b)) AS hamming_right,
	count(*) FILTER (WHERE jaccard_distance(a, b) =
		CASE WHEN bit_count(a & b) = 0 THEN 1 ELSE 1 - bit_count(a & b)::float8 / bit_count(a | b) END) AS jaccard_right
FROM pairs;

-- The error about different lengths names both
SELECT B'111' <~> B'00';
SELECT B'1111' <%> B'00000';

-- NULL arguments give NULL
SELECT NULL::bit(3) <~> B'000', B'000' <%> NULL;

-- The nearest rows by each distance
CREATE TABLE bits (id int PRIMARY KEY, b bit(4));
INSERT INTO bits VALUES (1, B'0000'), (2, B'0111'), (3, B'1111'), (4, B'1000'), (5, NULL);
SELECT id FROM bits ORDER BY b <~> B'0110', id;
SELECT id FROM bits ORDER BY b <%> B'0110', id;
DROP TABLE bits;
