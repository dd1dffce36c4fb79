-- create_collection and create_partition: an argument must be one piece of SQL of
-- the expected kind, and hostile functions and operators in the caller's path
-- never run.
BEGIN;
SELECT plan(102);

CREATE TABLE victim (i int);

-- Runs the call and says whether it failed with that SQLSTATE and left no table.
CREATE FUNCTION refused(call text, state text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	tables bigint := (SELECT count(*) FROM pg_class);
BEGIN
	RETURN NEXT throws_ok('SELECT vecstore.' || call, state, NULL::text, left(call, 120) || ': ' || state);
	IF to_regclass('victim') IS NULL OR tables <> (SELECT count(*) FROM pg_class) THEN
		RETURN NEXT fail(left(call, 120) || ' changed something');
	END IF;
END $$;

-- a default is one expression
SELECT refused(format('create_collection(''x'', 3, fields => %L)', json_build_object('a', json_build_object('type', 'int', 'default', d))), state)
FROM (VALUES
	('0), PRIMARY KEY (id)) USING vecstore; DROP TABLE victim; CREATE TABLE x_y (id int, e int, a int DEFAULT (0', '42601'),
	('1) + (2', '42601'), ('1, 2', '42601'), ('1; 2', '42601'), ('1;', '42601'), ('', '42601'), ('-- 1', '42601'), ('/* 1', '42601'),
	('*', '42601'), ('1 AS x', '42601'), ('1 x', '42601'), ('1 FROM victim', '42601'), ('DISTINCT 1', '42601'), ('1 WHERE true', '42601'),
	('1 LIMIT 1', '42601'), ('1 ORDER BY 1', '42601'), ('1) NOT NULL CHECK (true', '42601'), ('''open', '42601'),
	('(SELECT i FROM victim)', '0A000'), ('victim', '0A000'), ('sum(1)', '42803'), ('rank() OVER ()', '42P20'), ('$1', '42P02')) t (d, state);
SELECT lives_ok($$SELECT vecstore.create_collection('comments', 3, fields => '{"a": {"type": "int -- int", "default": "1 + 1 -- one"}, "b": "text default ''; DROP TABLE victim'' -- b"}')$$,
	'comments and semicolons in strings are harmless');
SELECT is(string_agg(pg_get_expr(adbin, adrelid), ', ' ORDER BY adnum), '(1 + 1), ''; DROP TABLE victim''::text', 'and mean what they say')
FROM pg_attrdef WHERE adrelid = 'comments'::regclass;

-- a field as a string is a type, NOT NULL and DEFAULT
SELECT refused(format('create_collection(''x'', 3, fields => %L)', json_build_object('a', f)), '42601')
FROM unnest(ARRAY['int default 1), b int default (2', 'int, b int', 'int) INHERITS (victim', 'int); DROP TABLE victim; CREATE TABLE x_y (i int',
	'int) PARTITION BY LIST (a', 'int) WITH (fillfactor = 10', 'int CHECK (a > 0)', 'int UNIQUE', 'int REFERENCES victim', 'int GENERATED ALWAYS AS (1) STORED',
	'text COLLATE "C"', 'SETOF int', 'victim.i%TYPE', '', ' ', 'default 1', 'not null', 'int not null default', 'int default 1 default']) f;
SELECT refused($$create_collection('x', 3, fields => '{"a": {"type": "int not null"}}')$$, '42601');
SELECT refused($$create_collection('x', 3, fields => '{"a": {"type": "int default 1"}}')$$, '42601');
SELECT refused($$create_collection('x', 3, fields => '{"a": {"type": "SETOF int"}}')$$, '42601');
SELECT refused($$create_collection('x', 3, fields => '{"a": {"type": "int", "not_null": "perhaps"}}')$$, '22023');
SELECT refused($$create_collection('x', 3, fields => '{"a": 1}')$$, '22023');
SELECT throws_ok($$SELECT vecstore.create_collection('x', 3, fields => '{"ok": "int", "a": {"type": "int", "default": "1)"}}')$$,
	'42601', 'field "a": syntax error at or near ")"', 'the message names the field');
SELECT throws_matching(format('SELECT vecstore.create_collection(''x'', 3, %s => %L)', a, p), '^' || a || ': .{200}.{0,60}$', a || ': 200 characters of a value are shown')
FROM (VALUES ('id_type', 'int ''' || repeat('y', 5000)), ('partition_by', 'list ((id' || repeat(' + 1', 1000) || '))')) t (a, p);

-- other pieces
SELECT refused(format('create_collection(''x'', 3, id_type => %L)', t), state)
FROM (VALUES ('int, b int', '42601'), ('int primary key', '42601'), ('int); DROP TABLE victim; --', '42601'), ('SETOF int', '42601'), ('', '42601'), ('nosuch', '42704')) t (t, state);
SELECT refused(format('create_collection(''x'', 3, partition_by => %L)', p), '42601')
FROM unnest(ARRAY['list (id) USING heap', 'list (id); DROP TABLE victim', 'list (id);', 'list (id) WITH (fillfactor = 10)', 'list ((id))', 'list (abs(id))', '', 'list (id) TABLESPACE pg_default']) p;
CREATE TABLE parted (id int, a int, PRIMARY KEY (id, a)) PARTITION BY LIST (a);
SELECT refused(format('create_partition(''parted'', ''x'', %L)', b), '42601')
FROM unnest(ARRAY['in (1); DROP TABLE victim; --', 'in (1);', 'in (1) PARTITION BY LIST (id)', 'in (1) USING heap', 'in (1) WITH (fillfactor = 10)', 'default x', 'defaults', 'for', '(a) for values in (1)', '']) b;
SELECT is(vecstore.create_partition('parted', 'parted_1', 'FOR VALUES in (1, 2) -- two')::text, 'parted_1', 'bounds with FOR VALUES and a comment');
SELECT is(vecstore.create_partition('parted', 'parted_d', ' default ')::text, 'parted_d', 'bounds with blanks');
SELECT refused('create_collection(''x"; DROP TABLE victim; --'', 3)', '22023');
SELECT refused('create_collection(''a.b.c'', 3)', '42601');
SELECT refused('create_collection(''nosuch.x'', 3)', '3F000');
SELECT refused('create_collection(repeat(''x'', 1000), 3)', '42622');
SELECT is(vecstore.create_collection(repeat('n', 70), 3)::text, repeat('n', 63), 'a long name is cut as CREATE TABLE cuts it');
SELECT refused('create_collection(''x'', 3, vector_field => repeat(''x'', 64))', '42622');
SELECT refused('create_collection(''x'', 3, vector_field => '''')', '42602');
SELECT refused('create_collection(''x'', 3, vector_field => ''id'')', '42701');
SELECT refused($$create_collection('x', 3, fields => '{"id": "int"}')$$, '42701');
SELECT refused($$create_collection('x', 3, fields => '{"dynamic": "int"}', dynamic => true)$$, '42701');
SELECT refused($$create_collection('x', 3, fields => (SELECT json_object_agg('f' || g, 'int') FROM generate_series(1, 2000) g))$$, '54011');
SELECT refused('create_partition(0, ''x'')', '42P01');

-- NULL
SELECT throws_ok(format('SELECT vecstore.create_collection(%s)', array_to_string(ARRAY['name => ''x''', 'dimension => 3'] || (p || ' => NULL'), ', ')),
	'22004', p || ' must not be NULL', p || ' NULL')
FROM unnest(ARRAY['metric', 'id_type', 'auto_id', 'vector_field', 'dynamic', 'vector_type']) p;
SELECT throws_ok('SELECT vecstore.create_collection(NULL, 3)', '22004', 'name must not be NULL', 'name NULL');
SELECT throws_ok('SELECT vecstore.create_collection(''x'', NULL)', '22004', 'dimension must not be NULL', 'dimension NULL');
SELECT throws_ok('SELECT vecstore.create_partition(NULL, ''x'')', '22004', 'collection must not be NULL', 'collection NULL');
SELECT throws_ok('SELECT vecstore.create_partition(''parted'', NULL)', '22004', 'name must not be NULL', 'partition name NULL');
SELECT throws_ok('SELECT vecstore.create_partition(''parted'', ''x'', NULL)', '22004', 'bounds must not be NULL', 'bounds NULL');
SELECT throws_ok('SELECT vecstore.drop_collection(NULL)', '22004', 'collection must not be NULL', 'drop_collection of NULL');

SELECT * FROM finish();
ROLLBACK;
