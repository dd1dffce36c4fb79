-- Functions that several specs use; loaded once into the database they run in.
-- They take tables and columns by name from the spec that calls them.

CREATE FUNCTION at(i int) RETURNS vector LANGUAGE sql IMMUTABLE RETURN (SELECT array_agg(cos(i * j)) FROM generate_series(1, 4) j)::real[]::vector;

CREATE FUNCTION compared(got int[], want int[]) RETURNS text LANGUAGE sql
RETURN CASE WHEN got IS NULL OR want IS NULL THEN 'nothing' ELSE (
	SELECT concat_ws(', ', count(*) FILTER (WHERE g = 1 AND w = 1) || ' rows right', 'missing: ' || string_agg(id::text, ' ') FILTER (WHERE g < w),
		'too many: ' || string_agg(id::text, ' ') FILTER (WHERE g > w))
	FROM (SELECT id, count(*) FILTER (WHERE indexed) AS g, count(*) FILTER (WHERE NOT indexed) AS w
		FROM (SELECT unnest(got) AS id, true AS indexed UNION ALL SELECT unnest(want), false) u GROUP BY id) c) END;

-- the rows that the index finds, next to those of the table in the same snapshot
CREATE FUNCTION look() RETURNS text LANGUAGE plpgsql STABLE SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
	got int[] := ARRAY(SELECT id FROM items ORDER BY v <-> at(1));
BEGIN
	IF (SELECT rows_returned FROM vecstore.last_scan_stats()) < cardinality(got) THEN
		RAISE 'not by the index';
	END IF;
	RETURN compared(got, ARRAY(SELECT id FROM items));
END $$;

-- opens a cursor on the index and fetches n rows; later fetches the rest and checks all rows
CREATE FUNCTION open_cursor(n int) RETURNS int[] LANGUAGE plpgsql SET enable_seqscan = off SET enable_sort = off AS $$
DECLARE
	c refcursor := 'c';
	got int[] := ARRAY[]::int[];
	one int;
BEGIN
	OPEN c FOR SELECT id FROM items ORDER BY v <-> at(1);
	FOR i IN 1 .. n LOOP
		FETCH c INTO one;
		got := got || one;
	END LOOP;
	PERFORM set_config('test.got', got::text, true);
	RETURN got;
END $$;

CREATE FUNCTION rest_of_cursor() RETURNS text LANGUAGE plpgsql SET enable_indexscan = off AS $$
DECLARE
	c refcursor := 'c';
	got int[] := current_setting('test.got');
	one int;
BEGIN
	LOOP
		FETCH c INTO one;
		EXIT WHEN NOT FOUND;
		got := got || one;
	END LOOP;
	RETURN compared(got, ARRAY(SELECT id FROM items));
END $$;

CREATE FUNCTION filled(x int, dim int DEFAULT 1200) RETURNS vector LANGUAGE sql IMMUTABLE RETURN array_fill(x::real, ARRAY[dim])::vector;

-- the number that fills it, and a complaint if anything else is in it
CREATE FUNCTION number_in(v vector) RETURNS text LANGUAGE sql IMMUTABLE
RETURN CASE WHEN v IS NULL THEN NULL WHEN v = filled((v::real[])[1]::int, vector_dims(v)) THEN (v::real[])[1]::text ELSE 'wrong: ' || v::text END;
