-- bench-upsert runs this.
SET client_min_messages = warning;
CREATE EXTENSION vecstore;

CREATE FUNCTION cpu_seconds() RETURNS numeric LANGUAGE sql VOLATILE AS $$
	SELECT (f[12]::numeric + f[13]::numeric) / 100
	FROM regexp_split_to_array(regexp_replace(pg_read_file('/proc/self/stat'), '^.*\) ', ''), ' ') f
$$;
CREATE TABLE figures (dims int, form text, round int, wall numeric, cpu numeric);

CREATE PROCEDURE measure(dims int, rounds int) LANGUAGE plpgsql AS $$
DECLARE
	forms text[] := ARRAY['by hand', 'columns', 'json', 'rows', 'query', 'view'];
	form text;
	target text;
	wall0 timestamptz;
	cpu0 numeric;
BEGIN
	FOREACH form IN ARRAY forms LOOP
		target := format('%I', 't ' || form);
		EXECUTE format('DROP TABLE IF EXISTS %s CASCADE', target);
		EXECUTE format('CREATE TABLE %s (id bigint PRIMARY KEY, title text, price float8, embedding vector(%s)) USING vecstore', target, dims);
		EXECUTE format('CREATE INDEX ON %s USING vecann (embedding vector_l2_ops)', target);
		PERFORM vecstore.create_upsert_view(target);
	END LOOP;
	FOR round IN 0 .. rounds LOOP
		DROP TABLE IF EXISTS rows, arrays, documents;
		CREATE TEMP TABLE rows AS
			SELECT (round * 1500 + i)::bigint AS id, 'title ' || i AS title, random() AS price,
				(SELECT array_agg(random()::real) FROM generate_series(1, dims) WHERE i = i)::vector AS embedding
			FROM generate_series(1, 3000) i ORDER BY random();
		CREATE TEMP TABLE arrays AS SELECT array_agg(id) AS ids, array_agg(title) AS titles, array_agg(price) AS prices, array_agg(embedding) AS vectors FROM rows;
		CREATE TEMP TABLE documents AS SELECT json_agg(json_build_object('id', id, 'title', title, 'price', price, 'embedding', embedding::real[])) AS data FROM rows;
		FOREACH form IN ARRAY forms LOOP
			target := format('%I', 't ' || form);
			COMMIT;
			wall0 := clock_timestamp();
			cpu0 := cpu_seconds();
			CASE form
			WHEN 'by hand' THEN
				EXECUTE format('INSERT INTO %s SELECT * FROM unnest((SELECT ids FROM arrays), (SELECT titles FROM arrays), (SELECT prices FROM arrays), (SELECT vectors FROM arrays))
					ON CONFLICT (id) DO UPDATE SET title = EXCLUDED.title, price = EXCLUDED.price, embedding = EXCLUDED.embedding', target);
			WHEN 'columns' THEN
				PERFORM r.* FROM arrays, vecstore.upsert_columns(target, '{id,title,price,embedding}', ids, titles, prices, vectors) r;
			WHEN 'json' THEN
				PERFORM r.* FROM documents, vecstore.upsert(target, data) r;
			WHEN 'rows' THEN
				EXECUTE format('SELECT r.* FROM (SELECT array_agg(ROW(id, title, price, embedding)::%1$s) AS a FROM rows) s, vecstore.upsert_rows(%1$L, VARIADIC a) r', target);
			WHEN 'query' THEN
				PERFORM vecstore.upsert_from(target, 'SELECT * FROM rows');
			WHEN 'view' THEN
				EXECUTE format('INSERT INTO %I SELECT * FROM rows', 't view_upsert');
			END CASE;
			COMMIT;
			-- round 0 warms up
			IF round > 0 THEN
				INSERT INTO figures VALUES (dims, form, round, extract(epoch FROM clock_timestamp() - wall0), cpu_seconds() - cpu0);
			END IF;
		END LOOP;
	END LOOP;
END $$;

CALL measure(8, :rounds);
CALL measure(768, :rounds);

\pset footer off
\echo rows/s, batches of 3,000 rows, half of them new
SELECT f.dims, f.form,
	round(3000 / percentile_cont(0.5) WITHIN GROUP (ORDER BY f.wall)) AS "median",
	round(3000 / min(f.wall)) AS "best",
	round(3000 * count(*) / sum(f.cpu)) AS "cpu",
	round((sum(h.cpu) / sum(f.cpu))::numeric, 2) AS "cpu, to by hand"
FROM figures f JOIN figures h ON h.dims = f.dims AND h.round = f.round AND h.form = 'by hand'
GROUP BY f.dims, f.form
ORDER BY f.dims, array_position(ARRAY['by hand', 'columns', 'json', 'rows', 'query', 'view'], f.form);
