-- Collections: create, partition, describe, flush, segments, the collections view, drop.
BEGIN;
SELECT plan(50);

-- create_collection
SELECT is(vecstore.create_collection('words', 3, fields => '{"title": "text NOT NULL", "price": "float8 default 0",
	"code": {"type": "varchar(5)", "default": "''x''", "not_null": true}, "at": "timestamp with time zone not null default now()"}', dynamic => true)::text,
	'words', 'create_collection gives the table');
SELECT columns_are('words', ARRAY['id', 'embedding', 'title', 'price', 'code', 'at', 'dynamic'], 'its columns');
SELECT col_type_is('words', 'id', 'bigint', 'bigint keys by default');
SELECT col_type_is('words', 'embedding', 'vector(3)', 'the vector');
SELECT col_not_null('words', 'embedding', 'the vector is required');
SELECT col_is_pk('words', 'id', 'the key');
SELECT col_not_null('words', 'title', 'NOT NULL of a field');
SELECT col_default_is('words', 'price', '0', 'DEFAULT of a field');
SELECT col_type_is('words', 'code', 'character varying(5)', 'a field as an object');
SELECT col_default_is('words', 'code', 'x', 'its default');
SELECT col_type_is('words', 'at', 'timestamp with time zone', 'a type of several words');
SELECT is(amname, 'vecstore', 'the table is USING vecstore') FROM pg_class c JOIN pg_am a ON a.oid = c.relam WHERE c.oid = 'words'::regclass;
SELECT results_eq($$SELECT a.amname, o.opcname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam
	JOIN pg_opclass o ON o.oid = i.indclass[0] WHERE i.indrelid = 'words'::regclass AND NOT i.indisprimary$$,
	$$VALUES ('vecann'::name, 'vector_cosine_ops'::name)$$, 'the index is USING vecann, by cosine');
SELECT results_eq($$SELECT * FROM vecstore.upsert('words', '[{"id": 1, "title": "a", "embedding": [1,2,3], "extra": 1}]')$$,
	$$VALUES (1::bigint, 0::bigint, 0::bigint)$$, 'it takes rows, and unknown fields');

SELECT is(vecstore.create_collection('"Odd; name"', 2, 'ip', id_type => 'text', vector_field => 'my "v"', vector_type => 'halfvec')::text,
	'"Odd; name"', 'names are quoted');
SELECT results_eq($$SELECT o.opcname FROM pg_index i JOIN pg_opclass o ON o.oid = i.indclass[0] WHERE i.indrelid = '"Odd; name"'::regclass AND NOT i.indisprimary$$,
	$$VALUES ('halfvec_ip_ops'::name)$$, 'other metric, other vector type');
CREATE SCHEMA elsewhere;
SELECT is(vecstore.create_collection('elsewhere.things', 2, 'l2', auto_id => true)::text, 'elsewhere.things', 'a name with its schema');
SELECT results_eq($$SELECT * FROM vecstore.upsert('elsewhere.things', '[{"embedding": [1,2]}, {"embedding": [2,2]}]')$$,
	$$VALUES (2::bigint, 0::bigint, 0::bigint)$$, 'auto_id: keys are made');
SELECT lives_ok($$SELECT vecstore.create_collection('by_uuid', 2, id_type => 'uuid', auto_id => true); SELECT vecstore.upsert('by_uuid', '{"embedding": [1, 2]}')$$, 'auto_id: uuid');

SELECT throws_ok($$SELECT vecstore.create_collection('x', 0)$$, '22023', 'dimension must be between 1 and 16000, not 0', 'dimension 0');
SELECT throws_ok($$SELECT vecstore.create_collection('x', 16001)$$, '22023', 'dimension must be between 1 and 16000, not 16001', 'dimension 16001');
SELECT throws_ok($$SELECT vecstore.create_collection('x', 3, 'far')$$, '22023', 'unknown metric "far"', 'unknown metric');
SELECT throws_ok($$SELECT vecstore.create_collection('x', 3, id_type => 'text', auto_id => true)$$, '22023', NULL, 'auto_id of a text key');
SELECT throws_ok($$SELECT vecstore.create_collection('x', 3, fields => '{"a": "no_such_type"}')$$, '42704', 'field "a": type "no_such_type" does not exist', 'unknown type');
SELECT throws_ok($$SELECT vecstore.create_collection('x', 3, fields => '{"a": "int default 1), b int default (2"}')$$, '42601', 'field "a": syntax error at or near ","', 'a default that is more than one');
SELECT throws_ok($$SELECT vecstore.create_collection('x', 3, fields => '{"a": {"type": "int", "colour": 1}}')$$, '22023', 'field "a": unknown option "colour"', 'unknown option of a field');
SELECT throws_ok($$SELECT vecstore.create_collection('x', 3, fields => '["a"]')$$, '22023', 'fields must be a JSON object', 'fields that are no object');
SELECT throws_ok($$SELECT vecstore.create_collection('x', 3, partition_by => 'lang')$$, '42601', 'partition_by: syntax error at end of input', 'a wrong partition_by');
SELECT throws_ok($$SELECT vecstore.create_collection('words', 3)$$, '42P07', 'relation "words" already exists', 'a name that is taken');
SELECT hasnt_table('x', 'and nothing is left of any of them');

-- partitions
SELECT is(vecstore.create_collection('parted', 2, 'l2', fields => '{"lang": "text"}', partition_by => 'list (lang)')::text, 'parted', 'a partitioned collection');
SELECT is(vecstore.create_partition('parted', 'parted_en', 'in (''en'')')::text, 'parted_en', 'a partition');
SELECT is(vecstore.create_partition('parted', 'parted_rest')::text, 'parted_rest', 'the DEFAULT partition');
SELECT throws_ok($$SELECT vecstore.create_partition('parted', 'p', 'whatever')$$, '42601', 'bounds: syntax error at or near "whatever"', 'wrong bounds');
SELECT throws_ok($$SELECT vecstore.create_partition('words', 'p')$$, '42809', 'collection "words" is not partitioned', 'a collection that is not partitioned');
SELECT results_eq($$SELECT * FROM vecstore.upsert('parted', '[{"id": 1, "lang": "en", "embedding": [1,2]}, {"id": 1, "lang": "fr", "embedding": [3,4]}, {"id": 2, "lang": "fr", "embedding": [3,5]}]')$$,
	$$VALUES (3::bigint, 0::bigint, 0::bigint)$$, 'rows go to their partitions');

-- flush and segments
SELECT results_eq($$SELECT index::text, rows_sealed, segment FROM vecstore.flush('parted') ORDER BY 1$$,
	$$VALUES ('parted_en_embedding_idx', 1::bigint, 1), ('parted_rest_embedding_idx', 2, 1)$$, 'flush: a row for each index of all partitions');
SELECT results_eq($$SELECT sum(rows_sealed) FROM vecstore.flush('parted')$$, $$VALUES (0::numeric)$$, 'nothing pending: zero rows sealed, no error');
SELECT lives_ok($$SELECT vecstore.upsert('parted', '[{"id": 3, "lang": "fr", "embedding": [3,6]}]')$$, 'one more row');
SELECT results_eq($$SELECT index::text, state, rows FROM vecstore.segments('parted')$$,
	$$VALUES ('parted_en_embedding_idx', 'growing', 0::bigint), ('parted_en_embedding_idx', 'sealed', 1),
		('parted_rest_embedding_idx', 'growing', 1), ('parted_rest_embedding_idx', 'sealed', 2)$$, 'segments: growing and sealed, of all partitions');
CREATE TABLE unindexed (id int PRIMARY KEY) USING vecstore;
SELECT is_empty($$SELECT * FROM vecstore.flush('unindexed')$$, 'flush of a table without a vecann index');

-- functions that show the state
SELECT results_eq($$SELECT name, rows_estimate, dimensions, metric, pending, segments, dead FROM vecstore.collections WHERE name = 'parted'$$,
	$$VALUES ('parted', 4::bigint, 2, 'l2', 1::bigint, 2::bigint, 0::bigint)$$, 'the collections view');
SELECT ok(row_bytes > 0 AND value_bytes > 0 AND index_bytes > 0 AND other_index_bytes > 0
	AND row_bytes + value_bytes + index_bytes + other_index_bytes = (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('parted')),
	'the bytes by part are all there are') FROM vecstore.collections WHERE name = 'parted';
SELECT set_eq($$SELECT relation::text FROM vecstore.collections WHERE schema IN ('public', 'elsewhere')$$,
	ARRAY['words', '"Odd; name"', 'elsewhere.things', 'by_uuid', 'parted', 'unindexed'], 'partitions are not listed by themselves');
CREATE TABLE counted (id int PRIMARY KEY, e vector(2), f vector(2)) USING vecstore;
CREATE INDEX ON counted USING vecann (e);
CREATE INDEX ON counted USING vecann (f);
INSERT INTO counted SELECT i, '[1,2]', '[3,4]' FROM generate_series(1, 100) i;
DO $$ BEGIN FOR n IN 1 .. 8 LOOP PERFORM vecstore.upsert_from('counted', 'SELECT i AS id, ''[1,2]''::vector AS e, ''[2,3]''::vector AS f FROM generate_series(1, 100) i'); END LOOP; END $$;
SELECT results_eq($$SELECT rows_estimate FROM vecstore.collections WHERE name = 'counted'$$, 'VALUES (100::bigint)', 'rows are counted once, before any ANALYZE');
CREATE INDEX ON counted (id);
INSERT INTO counted SELECT i, '[1,2]', '[3,4]' FROM generate_series(101, 200) i;
SELECT results_eq($$SELECT rows_estimate FROM vecstore.collections WHERE name = 'counted'$$, 'VALUES (200::bigint)', 'also those that came after a CREATE INDEX counted them');
SELECT is(vecstore.describe('words') #>> '{fields,1}', '{"name" : "embedding", "type" : "vector(3)", "dimensions" : 3, "nullable" : false, "default" : null, "generated" : null}', 'describe: a field');
SELECT results_eq($$SELECT d ->> 'name', d -> 'key' ->> 0, d ->> 'dynamic_field', d ->> 'access_method', d #>> '{indexes,1,metric}' FROM vecstore.describe('words') d$$,
	$$VALUES ('words', 'id', 'dynamic', 'vecstore', 'cosine')$$, 'describe: name, key, dynamic field, access method, metric');

-- drop
CREATE VIEW on_words AS SELECT id FROM words;
SELECT throws_ok($$SELECT vecstore.drop_collection('words')$$, '2BP01', NULL, 'drop_collection: not while something depends on it');
SELECT lives_ok($$DROP VIEW on_words; SELECT vecstore.drop_collection('words'); SELECT vecstore.drop_collection('parted')$$, 'drop_collection');

SELECT * FROM finish();
ROLLBACK;
