-- sparsevec against vector on random values, and soft errors.
BEGIN;
SELECT plan(12);

SELECT setseed(0.25);
CREATE TEMP TABLE pairs AS
SELECT n, a, b, a::sparsevec AS sa, b::sparsevec AS sb
FROM (
	SELECT n,
		array_agg(CASE WHEN random() < n % 10 / 10.0 THEN round((random() * 20 - 10)::numeric, 2) ELSE 0 END)::vector AS a,
		array_agg(CASE WHEN random() < n / 10 % 10 / 10.0 THEN round((random() * 20 - 10)::numeric, 2) ELSE 0 END)::vector AS b
	FROM generate_series(0, 499) n, generate_series(1, 3 + n % 100)
	GROUP BY n) v;

-- False if one is NaN and the other is not, or if they differ by more than rounding
CREATE FUNCTION pg_temp.near(x float8, y float8) RETURNS bool LANGUAGE sql AS
$$ SELECT x = y OR abs(x - y) <= 1e-5 * greatest(abs(x), abs(y), 1) $$;

SELECT cmp_ok(count(*) FILTER (WHERE a <> b)::int, '>', 400, 'the pairs differ') FROM pairs;
SELECT is_empty($$SELECT a, b FROM pairs WHERE NOT pg_temp.near(a <-> b, sa <-> sb)$$, 'Euclidean distance');
SELECT is_empty($$SELECT a, b FROM pairs WHERE NOT pg_temp.near(a <#> b, sa <#> sb)$$, 'inner product');
SELECT is_empty($$SELECT a, b FROM pairs WHERE NOT pg_temp.near(a <=> b, sa <=> sb)$$, 'cosine distance');
SELECT is_empty($$SELECT a, b FROM pairs WHERE NOT pg_temp.near(a <+> b, sa <+> sb)$$, 'taxicab distance');
SELECT is_empty($$SELECT a FROM pairs WHERE NOT pg_temp.near(vector_norm(a), l2_norm(sa))$$, 'norm');
SELECT is_empty($$SELECT a FROM pairs WHERE l2_normalize(sa)::vector <-> l2_normalize(a) > 1e-6$$, 'normalized');
SELECT is_empty($$SELECT a, b FROM pairs WHERE sign(vector_cmp(a, b)) <> sign(sparsevec_cmp(sa, sb))$$, 'order');
SELECT is_empty($$SELECT a FROM pairs WHERE sa::vector <> a OR sa::text::sparsevec <> sa$$, 'there and back');
SELECT is_empty($$
	SELECT x.a, y.a FROM pairs x, pairs y
	WHERE x.n % 100 = y.n % 100 AND sign(vector_cmp(x.a, y.a)) <> sign(sparsevec_cmp(x.sa, y.sa))
$$, 'order of more pairs');

-- pg_input_is_valid came with 16
SELECT CASE WHEN current_setting('server_version_num')::int >= 160000 THEN
	collect_tap(
		ok((xpath('/row/v/text()', query_to_xml($$
			SELECT bool_and(pg_input_is_valid(x, 'sparsevec')) AS v
			FROM unnest(ARRAY['{}/1', '{1:1}/1']) x$$, false, true, '')))[1]::text = 'true', 'valid input'),
		ok((xpath('/row/v/text()', query_to_xml($$
			SELECT bool_or(pg_input_is_valid(x, t)) AS v
			FROM unnest(ARRAY['', '{1:x}/1', '{1:1}/0', '{1:1}/1000000001', '{2:1}/1', '{1:1,1:2}/2', '{1:4e38}/1', '{1:nan}/1'],
						ARRAY['sparsevec', 'sparsevec', 'sparsevec', 'sparsevec', 'sparsevec', 'sparsevec', 'sparsevec',
							  'sparsevec']) AS u(x, t)$$, false, true, '')))[1]::text = 'false', 'invalid input is no error'))
	ELSE skip('no soft errors before PostgreSQL 16', 2) END;

SELECT * FROM finish();
ROLLBACK;
