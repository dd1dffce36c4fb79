-- Upsert: a key is stored as it was given, or not at all.
BEGIN;
SELECT plan(36);

CREATE TABLE big (id bigint PRIMARY KEY, n bigint);
SELECT throws_ok($$SELECT vecstore.upsert_columns('big', '{id,n}', '{11.5,12.4}'::float8[], '{1,2}'::int[])$$, '22P02',
	'row 1: field "id": key "11.5" cannot be stored as type bigint without loss', 'columns: a fraction for a bigint key');
SELECT throws_ok($$SELECT vecstore.upsert_from('big', 'SELECT g + 0.4 * (g = 2)::int AS id FROM generate_series(1, 3) g')$$, '22P02',
	'row 2: field "id": key "2.4" cannot be stored as type bigint without loss', 'query: a fraction for a bigint key');
SELECT throws_ok($$SELECT vecstore.upsert('big', '{"id": 11.5}')$$, '22P02', NULL, 'JSON: a fraction for a bigint key');
SELECT throws_ok($$SELECT vecstore.upsert_columns('big', '{id}', '{11.5}'::text[])$$, '22P02', NULL, 'text: a fraction for a bigint key');
SELECT is_empty('TABLE big', 'nothing is written');
SELECT lives_ok($$SELECT vecstore.upsert_columns('big', '{id,n}', '{11,12}'::float8[], '{11.5,12.4}'::float8[])$$, 'whole numbers are taken, and fractions in other columns');
SELECT results_eq('SELECT id, n FROM big ORDER BY id', $$VALUES (11::bigint, 12::bigint), (12, 12)$$, 'as in any assignment');
SELECT lives_ok($$SELECT vecstore.upsert_columns('big', '{id}', '{9007199254740993}'::numeric[]); SELECT vecstore.upsert_columns('big', '{id}', '{13}'::int[])$$, 'numeric, int');

CREATE TABLE f4 (id real PRIMARY KEY);
SELECT throws_ok($$SELECT vecstore.upsert_columns('f4', '{id}', '{0.1}'::float8[])$$, '22P02', NULL, 'a double for a real key');
SELECT throws_ok($$SELECT vecstore.upsert_columns('f4', '{id}', '{16777217}'::int[])$$, '22P02', NULL, 'an integer that a real cannot be');
SELECT lives_ok($$SELECT vecstore.upsert_columns('f4', '{id}', '{0.5,NaN,Infinity}'::float8[])$$, 'what it can be');
CREATE TABLE f8 (id float8 PRIMARY KEY);
SELECT throws_ok($$SELECT vecstore.upsert_columns('f8', '{id}', '{9007199254740993}'::bigint[])$$, '22P02', NULL, 'a bigint that a double cannot be');
SELECT lives_ok($$SELECT vecstore.upsert_columns('f8', '{id}', '{0.1}'::numeric[]); SELECT vecstore.upsert_columns('f8', '{id}', '{0.1}'::real[])$$, 'numeric 0.1, and a real');

CREATE TABLE nm (id numeric(5,1) PRIMARY KEY);
SELECT throws_ok($$SELECT vecstore.upsert_columns('nm', '{id}', '{1.25}'::numeric[])$$, '22P02',
	'row 1: field "id": key "1.25" cannot be stored as type numeric(5,1) without loss', 'a digit more than numeric(5,1) has');
SELECT throws_ok($$SELECT vecstore.upsert_columns('nm', '{id}', '{1.25}')$$, '22P02', NULL, 'in a literal');
SELECT throws_ok($$SELECT vecstore.upsert_columns('nm', '{id}', '{1.25}'::text[])$$, '22P02', NULL, 'in text');
SELECT throws_ok($$SELECT vecstore.upsert('nm', '[{"id": 1.5}, {"id": 1.25}]')$$, '22P02',
	'row 2: field "id": key "1.25" cannot be stored as type numeric(5,1) without loss', 'in JSON');
SELECT throws_ok($$SELECT vecstore.upsert('nm', '{"id": "1.25"}')$$, '22P02', NULL, 'in a JSON string');
SELECT lives_ok($$SELECT vecstore.upsert('nm', '[{"id": 1.5}, {"id": "1.50"}]')$$, 'zeros are no loss');

CREATE TABLE vc (id varchar(3) PRIMARY KEY);
SELECT throws_ok($$SELECT vecstore.upsert_columns('vc', '{id}', '{"abc "}'::text[])$$, '22P02', NULL, 'blanks that varchar(3) cuts off');
SELECT throws_ok($$SELECT vecstore.upsert('vc', '{"id": "abc "}')$$, '22P02', NULL, 'in JSON');
CREATE TABLE nn (id name PRIMARY KEY);
SELECT throws_ok($$SELECT vecstore.upsert_columns('nn', '{id}', ARRAY[repeat('x', 70)])$$, '22P02', NULL, 'a name too long');
CREATE TABLE ch (id char(5) PRIMARY KEY);
SELECT lives_ok($$SELECT vecstore.upsert_columns('ch', '{id}', '{"abc "}'::text[]); SELECT vecstore.upsert('ch', '{"id": "abc  "}')$$, 'blanks mean nothing in char(5)');

CREATE TABLE dt (id date PRIMARY KEY);
SELECT throws_ok($$SELECT vecstore.upsert_columns('dt', '{id}', '{2026-01-01 12:00}'::timestamp[])$$, '22P02', NULL, 'a time of day for a date');
SELECT throws_ok($$SELECT vecstore.upsert('dt', '{"id": "2026-01-01T12:00:00.000Z"}')$$, '22P02', NULL, 'in JSON');
SELECT throws_ok($$SELECT vecstore.upsert_columns('dt', '{id}', '{2026-01-01 12:00}'::text[])$$, '22P02', NULL, 'in text');
SELECT lives_ok($$SELECT vecstore.upsert('dt', '[{"id": "2026-01-01"}, {"id": "2026-01-02T00:00:00Z"}, {"id": "infinity"}]')$$, 'midnight is a date');
CREATE TABLE ts (id timestamp(0) PRIMARY KEY);
SELECT throws_ok($$SELECT vecstore.upsert('ts', '{"id": "2026-01-01 12:00:00.6"}')$$, '22P02', NULL, 'a part of a second');
SELECT throws_ok($$SELECT vecstore.upsert_columns('ts', '{id}', '{2026-01-01 12:00:00.6}'::timestamp[])$$, '22P02', NULL, 'as a timestamp');

CREATE DOMAIN even AS int CHECK (value % 2 = 0);
CREATE TABLE dm (id even, k text, PRIMARY KEY (k, id));
SELECT throws_ok($$SELECT vecstore.upsert_columns('dm', '{id,k}', '{2,2.4}'::numeric[], '{a,b}'::text[])$$, '22P02', NULL, 'a domain, the second column of a key');
SELECT lives_ok($$SELECT vecstore.upsert_columns('dm', '{id,k}', '{2,4}'::numeric[], '{a,b}'::text[])$$, 'whole numbers');

CREATE DOMAIN cents AS numeric(10,2);
CREATE TABLE dn (id cents PRIMARY KEY);
SELECT throws_ok($$SELECT vecstore.upsert_columns('dn', '{id}', '{1.234}'::numeric[])$$, '22P02', NULL, 'a digit more than the domain''s modifier allows');
SELECT throws_ok($$SELECT vecstore.upsert('dn', '{"id": 1.234}')$$, '22P02', NULL, 'in JSON');
SELECT lives_ok($$SELECT vecstore.upsert('dn', '{"id": 1.5}'); SELECT vecstore.upsert_columns('dn', '{id}', '{1.50}'::numeric[])$$, 'what the domain can hold');
CREATE TABLE by (id "char" PRIMARY KEY);
SELECT throws_ok($$SELECT vecstore.upsert('by', '[{"id": "ab"}, {"id": "ac"}]')$$, '22P02',
	'row 1: field "id": key "ab" cannot be stored as type "char" without loss', 'more than one byte for a "char"');
SELECT lives_ok($$SELECT vecstore.upsert('by', '[{"id": "a"}, {"id": ""}]'); SELECT vecstore.upsert_columns('by', '{id}', '{b}'::text[])$$, 'one byte');

SELECT * FROM finish();
ROLLBACK;
