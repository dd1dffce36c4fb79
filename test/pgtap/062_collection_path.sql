-- create_collection, create_partition and drop_collection under a search_path with
-- another role's functions, operators and types: these run only where the caller's
-- own text names them.
BEGIN;
SELECT plan(10);

CREATE SCHEMA hostile;
CREATE TABLE loot (how text);
CREATE FUNCTION hostile.format(text, regclass, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.loot VALUES ('format'); RETURN pg_catalog.format($1, $2, $3); END $$;
CREATE FUNCTION hostile.format(text, text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.loot VALUES ('format'); RETURN pg_catalog.format($1, $2, $3); END $$;
CREATE FUNCTION hostile.gen_random_uuid() RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.loot VALUES ('uuid'); RETURN pg_catalog.gen_random_uuid(); END $$;
CREATE FUNCTION hostile.cat(text[], text) RETURNS text[] LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.loot VALUES ('text[] || text'); RETURN pg_catalog.array_append($1, $2); END $$;
CREATE OPERATOR hostile.|| (LEFTARG = text[], RIGHTARG = text, FUNCTION = hostile.cat);
CREATE FUNCTION hostile.cat(text, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.loot VALUES ('text || text'); RETURN pg_catalog.concat($1, $2); END $$;
CREATE OPERATOR hostile.|| (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.cat);
-- = and <> of the types of names and catalog columns
DO $$
DECLARE
	kind text;
	op record;
BEGIN
	FOREACH kind IN ARRAY ARRAY['text', 'name', 'oid', 'regtype', 'regclass', 'regproc', 'int', 'int2', '"char"', 'bool'] LOOP
		FOR op IN SELECT * FROM (VALUES ('=', 'equal'), ('<>', 'differ')) o (name, function) LOOP
			EXECUTE format('CREATE FUNCTION hostile.%I(%s, %s) RETURNS bool LANGUAGE plpgsql AS %L', op.function, kind, kind,
				format('BEGIN INSERT INTO public.loot VALUES (%L); RETURN $1::text OPERATOR(pg_catalog.%s) $2::text; END', kind || op.name, op.name));
			EXECUTE format('CREATE OPERATOR hostile.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = hostile.%I)', op.name, kind, kind, op.function);
		END LOOP;
	END LOOP;
END $$;
CREATE DOMAIN hostile.vector AS text;
CREATE DOMAIN hostile.halfvec AS text;
CREATE DOMAIN hostile.dynamic_fields AS text;
CREATE TABLE hostile.pg_class (oid int);
CREATE TABLE hostile.pg_extension (extname text);
CREATE TYPE hostile.mood AS ENUM ('sad', 'glad');
CREATE FUNCTION hostile.mood_now() RETURNS hostile.mood LANGUAGE sql AS $$ SELECT 'glad'::hostile.mood $$;

-- pgTAP's own functions must not see the path.
SET LOCAL search_path = hostile, pg_catalog, public;
SELECT vecstore.create_collection('public.plain', 3, fields => '{"a": "text not null default ''x''", "b": {"type": "int", "default": 1}}', dynamic => true) \gset
SELECT vecstore.create_collection('public.by_uuid', 3, id_type => 'uuid', auto_id => true, vector_type => 'halfvec') \gset
SELECT vecstore.create_collection('public.counted', 3, auto_id => true) \gset
SELECT vecstore.create_collection('public.parted', 3, fields => '{"lang": "text"}', partition_by => 'list (lang)') \gset
SELECT vecstore.create_partition('public.parted', 'parted_en', 'in (''en'')') \gset
SELECT vecstore.create_partition('public.parted', 'parted_rest') \gset
SELECT vecstore.create_collection('mine', 3, fields => '{"mood": "mood default mood_now()"}') \gset
SELECT vecstore.create_collection('public.gone', 3) \gset
SELECT vecstore.create_upsert_view('public.gone') \gset
SELECT vecstore.drop_collection('public.gone') \gset
RESET search_path;

SELECT is_empty('SELECT how, count(*) FROM loot GROUP BY how', 'nothing of the path ran');
SELECT col_type_is('public'::name, 'plain'::name, 'embedding'::name, 'vector(3)', 'the vector type is ours');
SELECT col_type_is('public'::name, 'plain'::name, 'dynamic'::name, 'vecstore.dynamic_fields', 'so is dynamic_fields');
SELECT col_type_is('public'::name, 'by_uuid'::name, 'embedding'::name, 'halfvec(3)', 'and halfvec');
SELECT is(pg_get_expr(adbin, adrelid), 'gen_random_uuid()', 'the default of a uuid key is pg_catalog''s') FROM pg_attrdef WHERE adrelid = 'by_uuid'::regclass;
SELECT hasnt_table('gone', 'drop_collection drops');
SELECT has_table('parted_en', 'a partition is in the schema of its table');
SELECT col_type_is('hostile'::name, 'mine'::name, 'mood'::name, 'hostile.mood', 'a type in fields means what it means to the caller');
SELECT is(pg_get_expr(adbin, adrelid), 'hostile.mood_now()', 'and a function in a default') FROM pg_attrdef WHERE adrelid = 'hostile.mine'::regclass;
SELECT is_empty($$SELECT p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
	WHERE n.nspname = 'vecstore' AND p.proname ~ 'collection|partition|field_definition|metric_opclass|qualified_name' AND l.lanname <> 'c' AND p.proconfig IS NULL$$,
	'functions of collections that are not in C have a path of their own');

SELECT * FROM finish();
ROLLBACK;
