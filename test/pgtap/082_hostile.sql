-- No object of another role runs with rights that are not that role's: objects in a
-- schema that comes before pg_catalog in the caller's search_path, predicates,
-- generated columns, domain checks and defaults.
BEGIN;
SELECT plan(37);

CREATE ROLE vecstore_mallory;
CREATE ROLE vecstore_victim;
CREATE SCHEMA mallory AUTHORIZATION vecstore_mallory;
GRANT USAGE ON SCHEMA mallory TO PUBLIC;
CREATE TABLE public.points (id int PRIMARY KEY, e vector(3), h halfvec(3)) USING vecstore;
CREATE INDEX points_e ON public.points USING vecann (e);
CREATE TABLE public.parted (id int, e vector(3), PRIMARY KEY (id)) PARTITION BY LIST (id);
CREATE TABLE public.parted_1 PARTITION OF public.parted DEFAULT USING vecstore;
CREATE INDEX parted_e ON public.parted USING vecann (e);
INSERT INTO public.points SELECT i, ARRAY[i, 1, 1]::real[]::vector, ARRAY[i, 1, 1]::real[]::halfvec FROM generate_series(1, 20) i;
INSERT INTO public.parted SELECT id, e FROM public.points;

-- The names in the extension's functions that have a text body.
CREATE TEMP VIEW bodies AS
	SELECT p.oid, p.prosrc, p.prosqlbody, p.proconfig FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
	JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'vecstore'
	WHERE l.lanname IN ('sql', 'plpgsql');

-- For each built-in function, operator, table and type that they name, one of the
-- same name and arguments: all of them fail when they run.
CREATE FUNCTION pg_temp.shadow() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	f record;
	made bigint := 0;
BEGIN
	FOR f IN
		SELECT format('FUNCTION mallory.%I(%s)', p.proname, pg_get_function_identity_arguments(p.oid)) AS what,
			format('CREATE FUNCTION mallory.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', p.proname, pg_get_function_identity_arguments(p.oid),
				pg_get_function_result(p.oid), format('BEGIN RAISE EXCEPTION ''hostile %s''; END', p.proname)) AS sql
		FROM pg_proc p WHERE p.pronamespace = 'pg_catalog'::regnamespace
			AND EXISTS (SELECT FROM bodies b WHERE b.prosrc ~ ('\m' || p.proname || '\('))
	LOOP
		BEGIN
			EXECUTE f.sql;
			made := made + 1;
		EXCEPTION WHEN OTHERS THEN CONTINUE;	-- pseudo-types that PL/pgSQL does not take
		END;
	END LOOP;
	FOR f IN
		SELECT format('CREATE OPERATOR mallory.%s (%s RIGHTARG = %s, FUNCTION = mallory.fail_%s)', o.oprname,
				CASE WHEN o.oprleft <> 0 THEN format('LEFTARG = %s,', format_type(o.oprleft, NULL)) END, format_type(o.oprright, NULL), o.oid) AS sql,
			format('CREATE FUNCTION mallory.fail_%s(%s) RETURNS %s LANGUAGE plpgsql AS %L', o.oid,
				concat_ws(', ', CASE WHEN o.oprleft <> 0 THEN format_type(o.oprleft, NULL) END, format_type(o.oprright, NULL)),
				format_type(o.oprresult, NULL), format('BEGIN RAISE EXCEPTION ''hostile %s''; END', o.oprname)) AS fail
		FROM pg_operator o WHERE o.oprnamespace = 'pg_catalog'::regnamespace
			AND o.oprname IN ('=', '<>', '<', '<=', '>', '>=', '||', '+', '-', '*', '/', '->', '->>', '#>>', '#>', '~', '!~', '~~')
	LOOP
		BEGIN
			EXECUTE f.fail;
			EXECUTE f.sql;
			made := made + 1;
		EXCEPTION WHEN OTHERS THEN CONTINUE;
		END;
	END LOOP;
	RETURN made;
END $$;
SELECT cmp_ok(pg_temp.shadow(), '>', 300::bigint, 'shadows of built-in functions and operators');
CREATE FUNCTION mallory.fail() RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hostile domain'; END $$;
CREATE FUNCTION mallory.format(text, regclass, text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hostile format'; END $$;
-- more exact than the built-in ones
CREATE FUNCTION mallory.more_exact(oid, regclass) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hostile ='; END $$;
CREATE OPERATOR mallory.= (LEFTARG = oid, RIGHTARG = regclass, FUNCTION = mallory.more_exact);
CREATE FUNCTION mallory.more_exact(regclass, oid) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'hostile ='; END $$;
CREATE OPERATOR mallory.= (LEFTARG = regclass, RIGHTARG = oid, FUNCTION = mallory.more_exact);
DO $$
DECLARE
	t text;
BEGIN
	FOREACH t IN ARRAY '{regclass,regtype,regproc,oid,text,name,bool,int4,int8,json,jsonb,interval,record}'::text[] LOOP
		EXECUTE format('CREATE DOMAIN mallory.%I AS pg_catalog.int2 CHECK (mallory.fail())', t);
	END LOOP;
	FOREACH t IN ARRAY '{pg_class,pg_index,pg_attribute,pg_am,pg_namespace,pg_depend,pg_rewrite,pg_trigger,pg_inherits,pg_opclass,pg_attrdef}'::text[] LOOP
		EXECUTE format('CREATE TABLE mallory.%I ()', t);
	END LOOP;
END $$;

-- A superuser calls each function of the extension with that path.
CREATE FUNCTION pg_temp.runs(sql pg_catalog.text) RETURNS pg_catalog.text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'mallory, pg_catalog, public', true);
	EXECUTE sql;
	PERFORM pg_catalog.set_config('search_path', 'public', true);
	RETURN 'runs';
EXCEPTION WHEN OTHERS THEN RETURN SQLERRM;
END $$;
SELECT is(pg_temp.runs('SELECT ' || call), 'runs', call) FROM unnest(ARRAY[
	$$vecstore.recall('public.points_e', 2, 2)$$, $$vecstore.segments('public.points')$$, $$vecstore.segments('public.parted')$$,
	$$vecstore.vecann_indexes('public.points')$$, $$vecstore.describe('public.points')$$, $$vecstore.describe('public.parted')$$,
	$$vecstore.collection_state('public.points')$$, $$vecstore.estimated_rows('public.points')$$, $$vecstore.collection_names()$$,
	$$c FROM vecstore.collections c$$, $$vecstore.index_info('public.points_e')$$, $$vecstore.table_info('public.points')$$,
	$$vecstore.check('public.points')$$, $$vecstore.check('public.parted')$$, $$vecstore.flush('public.points')$$, $$vecstore.compact('public.parted')$$,
	$$vecstore.last_scan_stats()$$, $$vecstore.build_info()$$, $$public.binary_quantize('[1,-2,3]'::pg_catalog.text)$$,
	$$'{"a": 1}'::vecstore.dynamic_fields$$,
	$$vecstore.upsert('public.points', '[{"id": 1, "e": [1,2,3]}, {"id": 30, "h": [1,2,3]}]', partial => true, skip_unchanged => true)$$,
	$$vecstore.upsert_columns('public.points', '{id,e}', '{1,2}'::pg_catalog.int4[], '{"[1,2,3]","[3,2,1]"}'::public.vector[])$$,
	$$vecstore.upsert_rows('public.points', (1, '[1,2,3]', '[3,2,1]')::public.points)$$,
	$$vecstore.upsert_from('public.points', 'SELECT 1 AS id, ''[1,2,3]'' AS e')$$,
	$$vecstore.create_upsert_view('public.points')$$,
	$$vecstore.drop_collection('public.parted')$$]) call;

-- The catalogs agree: a function has a path of its own, or its names were resolved
-- when it was created.
SELECT is_empty($$SELECT b.oid::regprocedure FROM bodies b WHERE b.prosqlbody IS NULL AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (b.proconfig), false)$$,
	'no function resolves names through its caller''s search_path');
-- Views, domains and SQL bodies depend on no object of another role.  Pinned objects
-- have no entry in pg_depend.
SELECT is_empty($$
	SELECT DISTINCT pg_describe_object(d.refclassid, d.refobjid, 0) FROM pg_depend d
	WHERE (d.classid = 'pg_rewrite'::regclass AND d.objid IN (SELECT r.oid FROM pg_rewrite r WHERE r.ev_class = 'vecstore.collections'::regclass)
			OR d.classid = 'pg_constraint'::regclass AND d.objid IN (SELECT c.oid FROM pg_constraint c WHERE c.contypid = 'vecstore.dynamic_fields'::regtype)
			OR d.classid = 'pg_proc'::regclass AND d.objid IN (SELECT b.oid FROM bodies b))
		AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_class'::regclass)
		AND NOT EXISTS (SELECT FROM pg_depend m WHERE m.classid = d.refclassid AND m.objid = d.refobjid AND m.deptype = 'e')
		AND d.refobjid <> 'vecstore.collections'::regclass$$,
	'the extension''s views, domains and functions depend on the extension''s objects alone');

-- Expressions of a table: predicate, generated column, domain, default.  Each records
-- the role that runs it.
SET LOCAL search_path = public;
CREATE TABLE public.loot (who text);
GRANT ALL ON public.loot TO PUBLIC;
GRANT CREATE ON SCHEMA public TO vecstore_mallory, vecstore_victim;
SET LOCAL ROLE vecstore_mallory;
CREATE FUNCTION mallory.takes(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN true; END';
CREATE FUNCTION mallory.twice(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN 2; END';
CREATE DOMAIN mallory.small AS int CHECK (mallory.takes(VALUE));
CREATE TABLE public.trap (id int PRIMARY KEY, e vector(3), g int GENERATED ALWAYS AS (mallory.twice(id)) STORED, s mallory.small DEFAULT mallory.twice(1)) USING vecstore;
CREATE INDEX trap_e ON public.trap USING vecann (e) WITH (pending_limit = 0) WHERE mallory.takes(id) AND mallory.takes(1);
INSERT INTO public.trap (id, e) SELECT i, ARRAY[i, 1, 1]::real[]::vector FROM generate_series(1, 20) i;
CREATE OR REPLACE FUNCTION mallory.takes(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS
	$$ BEGIN PERFORM mallory.note(); RETURN true; END $$;
CREATE OR REPLACE FUNCTION mallory.twice(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM mallory.note(); RETURN 2; END $$;
CREATE FUNCTION mallory.note() RETURNS void LANGUAGE plpgsql AS
	$$ BEGIN INSERT INTO public.loot VALUES (current_user); END $$;
GRANT ALL ON public.trap TO vecstore_victim;
RESET ROLE;
SELECT lives_ok($$SELECT vecstore.check('trap'), vecstore.check('trap_e'), vecstore.check_index('trap_e'), vecstore.recall('trap_e', 2, 5), vecstore.segments('trap'),
	vecstore.index_info('trap_e'), vecstore.table_info('trap'), vecstore.describe('trap')$$, 'a superuser looks at mallory''s table');
SELECT lives_ok($$SELECT vecstore.flush('trap'), vecstore.compact('trap')$$, 'and seals it');
SELECT isnt_empty($$SELECT * FROM vecstore.collections WHERE name = 'trap'$$, 'and sees it among all');
SELECT results_eq('SELECT DISTINCT who FROM loot', $$VALUES ('vecstore_mallory')$$, 'mallory''s functions ran as mallory');
DELETE FROM loot;
SET LOCAL ROLE vecstore_victim;
SELECT lives_ok($$SELECT vecstore.check('trap'), vecstore.recall('trap_e', 2, 5)$$, 'so does another role');
RESET ROLE;
SELECT results_eq('SELECT DISTINCT who FROM loot', $$VALUES ('vecstore_mallory')$$, 'and they ran as mallory');

-- The other direction: check and recall call an owner's function that names another
-- function without its schema.
DELETE FROM loot;
SET LOCAL ROLE vecstore_victim;
CREATE FUNCTION public.helper(int) RETURNS bool LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE FUNCTION public.careless(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN helper($1); END';
CREATE TABLE public.careless (id int PRIMARY KEY, e vector(3)) USING vecstore;
CREATE INDEX careless_e ON public.careless USING vecann (e) WHERE public.careless(id);
INSERT INTO public.careless VALUES (1, '[1,2,3]');
GRANT SELECT ON public.careless TO vecstore_mallory;
SET LOCAL ROLE vecstore_mallory;
CREATE FUNCTION mallory.helper(int) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM mallory.note(); RETURN true; END $$;
SET LOCAL search_path = mallory, public;
SELECT public.throws_ok($$SELECT vecstore.check('public.careless')$$, '42883', NULL, 'check: the caller''s search_path does not hold for the owner');
SELECT public.throws_ok($$SELECT vecstore.recall('public.careless_e', 1, 1)$$, '42883', NULL, 'nor in recall');
RESET search_path;
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
