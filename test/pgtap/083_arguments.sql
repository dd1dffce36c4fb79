-- A role without privileges calls every function of the extension with senseless
-- arguments: a call may fail, but not with an SQLSTATE of class XX, and the session
-- goes on.
BEGIN;
SELECT plan(4);
SET LOCAL client_min_messages = error;

CREATE ROLE vecstore_nobody;
GRANT CREATE ON SCHEMA public TO vecstore_nobody;
CREATE TABLE others (id int PRIMARY KEY, e vector(3)) USING vecstore;
CREATE INDEX others_e ON others USING vecann (e);
INSERT INTO others VALUES (1, '[1,2,3]');
CREATE SEQUENCE others_sequence;

-- values of a type, as SQL
CREATE TABLE odd_values (type text, value text);
INSERT INTO odd_values VALUES
	('regclass', '0'), ('regclass', '4294967295'), ('regclass', '''own'''), ('regclass', '''own_e'''), ('regclass', '''own_pkey'''), ('regclass', '''own_parted'''),
	('regclass', '''own_parted_e'''), ('regclass', '''own_view'''), ('regclass', '''own_heap'''), ('regclass', '''own_type'''), ('regclass', '''others'''), ('regclass', '''others_e'''),
	('regclass', '''others_sequence'''), ('regclass', '''pg_class'''), ('regclass', '''pg_class_oid_index'''), ('regclass', '''pg_stat_activity'''),
	('regclass', '(SELECT reltoastrelid FROM pg_class WHERE relname = ''own'')'),
	('oid', '0'), ('oid', '4294967295'), ('oid', '''own''::regclass::oid'),
	('integer', '0'), ('integer', '-1'), ('integer', '1'), ('integer', '2147483647'), ('integer', '-2147483648'),
	('bigint', '0'), ('bigint', '-1'), ('bigint', '9223372036854775807'), ('bigint', '-9223372036854775808'),
	('boolean', 'true'), ('boolean', 'false'),
	('text', ''''''), ('text', '''own'''), ('text', '''x'''), ('text', '''"'''), ('text', '''a.b.c'''), ('text', 'repeat(''x'', 100000)'), ('text', '''in (1)'''),
	('text[]', '''{}'''), ('text[]', '''{NULL}'''), ('text[]', '''{id,e}'''), ('text[]', '''{{id},{e}}'''), ('text[]', '''[0:0]={id}'''), ('text[]', '''{no}'''),
	('json', '''null'''), ('json', '''[]'''), ('json', '''{}'''), ('json', '''1'''), ('json', '''[1]'''), ('json', '''[[]]'''), ('json', '''{"id": 1, "e": [1,2,3]}'''),
	('json', '''{"id": {}, "e": "x"}'''), ('json', '(repeat(''['', 6000) || repeat('']'', 6000))::json'),
	('interval', '''-1 s'''), ('interval', '''0'''), ('interval', '''178000000 years'''),
	('"any"', 'NULL::int[]'), ('"any"', '''{}''::int[]'), ('"any"', '''{1,2}''::int[]'), ('"any"', '1'), ('"any"', '''{{1},{2}}''::int[]'), ('"any"', '''[1,2,3]''::vector'),
	('anyarray', '''{}''::int[]'), ('anyarray', '''{1,2}''::int[]'), ('anyarray', 'ARRAY[NULL, NULL]::own[]'), ('anyarray', 'ARRAY[row(1, ''[1,2,3]'')]::own[]');
INSERT INTO odd_values SELECT DISTINCT type, 'NULL::' || type FROM odd_values WHERE type NOT IN ('"any"', 'anyarray');

-- the other arguments of a call: by name, or by type
CREATE TABLE plain_values (of text, value text);
INSERT INTO plain_values VALUES
	('regclass', '''own'''), ('integer', '1'), ('bigint', '1'), ('boolean', 'true'), ('text', '''x'''), ('text[]', '''{id}'''), ('json', '''{"id": 2}'''), ('oid', '0'),
	('"any"', '''{1}''::int[]'), ('anyarray', '''{}''::own[]'), ('interval', 'NULL'),
	('index', '''own_e'''), ('partition', 'NULL'), ('timeout', 'NULL'), ('name', '''made'''), ('metric', '''l2'''), ('id_type', '''bigint'''),
	('vector_field', '''v'''), ('vector_type', '''vector'''), ('partition_by', 'NULL'), ('fields', '''{"n": "int"}'''), ('bounds', '''default'''),
	('query', '''SELECT 1 AS id'''), ('options', '''{}''');
GRANT SELECT ON odd_values, plain_values TO PUBLIC;

-- In each call one argument takes all its values.
CREATE FUNCTION calls() RETURNS TABLE (call text) LANGUAGE sql AS $$
	WITH functions AS (
		SELECT p.oid, p.proname, p.proargtypes::oid[] AS types, p.proargnames AS names FROM pg_proc p
		WHERE p.pronamespace = 'vecstore'::regnamespace AND NOT 'internal'::regtype = ANY (p.proargtypes::oid[]) AND p.prorettype <> 'trigger'::regtype
	), arguments AS (
		SELECT f.oid, nth, format_type(t, NULL) AS type, coalesce(n.value, p.value) AS value
		FROM functions f CROSS JOIN unnest(f.types) WITH ORDINALITY a(t, nth)
		LEFT JOIN plain_values p ON p.of = format_type(t, NULL) LEFT JOIN plain_values n ON n.of = f.names[nth]
	), varied AS (
		SELECT a.oid, a.nth, v.value FROM arguments a JOIN odd_values v ON v.type = a.type
		UNION ALL SELECT f.oid, 0, NULL FROM functions f
	)
	SELECT format('SELECT * FROM vecstore.%I(%s)', f.proname,
		(SELECT string_agg(CASE a.type WHEN 'anyarray' THEN 'VARIADIC ' ELSE '' END || CASE a.nth WHEN v.nth THEN v.value ELSE a.value END, ', ' ORDER BY a.nth)
		FROM arguments a WHERE a.oid = f.oid))
	FROM varied v JOIN functions f ON f.oid = v.oid
$$;
CREATE FUNCTION outcome(sql text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE sql;
	RAISE EXCEPTION USING ERRCODE = '00001', MESSAGE = 'undone';
EXCEPTION
	WHEN SQLSTATE '00001' THEN RETURN 'runs';
	WHEN OTHERS THEN RETURN SQLSTATE || ' ' || SQLERRM;
END $$;

SET LOCAL ROLE vecstore_nobody;
CREATE TABLE own (id int PRIMARY KEY, e vector(3)) USING vecstore;
CREATE INDEX own_e ON own USING vecann (e);
INSERT INTO own VALUES (1, '[1,2,3]');
CREATE TABLE own_parted (id int PRIMARY KEY, e vector(3)) PARTITION BY LIST (id);
CREATE TABLE own_parted_1 PARTITION OF own_parted DEFAULT USING vecstore;
CREATE INDEX own_parted_e ON own_parted USING vecann (e);
CREATE VIEW own_view AS SELECT * FROM own;
CREATE TABLE own_heap (id int PRIMARY KEY, e vector(3)) USING heap;
CREATE TYPE own_type AS (a int);
CREATE TEMP TABLE outcomes AS SELECT call, outcome(call) FROM calls();
SELECT cmp_ok(count(*), '>', 400::bigint, 'calls') FROM outcomes;
SELECT is_empty('SELECT * FROM outcomes WHERE outcome ~ ''^XX''', 'none fails inside');
SELECT is_empty($$SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'vecstore'::regnamespace AND NOT 'internal'::regtype = ANY (p.proargtypes::oid[])
	AND p.prorettype <> 'trigger'::regtype AND NOT EXISTS (SELECT FROM outcomes WHERE call ~ ('vecstore\."?' || p.proname || '"?\('))$$, 'each function is called');
RESET ROLE;
SELECT is_empty('SELECT * FROM vecstore.check(''others'')', 'the others'' table is as it was');

SELECT * FROM finish();
ROLLBACK;
