-- Every function of the extension, called by a role without rights with NULL, zero, negative, huge and misdirected
-- arguments: each call ends, without a crash and without an internal error.
BEGIN;
SELECT plan(3);

CREATE TABLE hostile_table (id int PRIMARY KEY, n int, embedding vector(3)) USING vecstore;
INSERT INTO hostile_table VALUES (1, 1, '[1,2,3]'), (2, 2, NULL);
CREATE INDEX hostile_index ON hostile_table USING vecann (embedding);
CREATE VIEW hostile_view AS SELECT * FROM hostile_table;
CREATE SEQUENCE hostile_sequence;
CREATE TYPE hostile_type AS (a int);
CREATE TABLE hostile_partitioned (id int PRIMARY KEY, embedding vector(3)) PARTITION BY LIST (id);
CREATE MATERIALIZED VIEW hostile_matview AS SELECT 1 AS id;
CREATE TABLE hostile_results (call text, state text, message text);
GRANT INSERT ON hostile_results TO PUBLIC;
CREATE ROLE hostile_role;

-- The values to try, by type.  A type that is not listed gets NULL and the values that
-- its input function makes of some texts.
CREATE TEMP TABLE hostile_values (type text, expression text);
INSERT INTO hostile_values
SELECT t, e FROM (VALUES
	('boolean', '{true,false}'),
	('smallint', '{0,-1,32767,-32768}'),
	('integer', '{0,-1,1,2147483647,-2147483648}'),
	('bigint', '{0,-1,1,9223372036854775807,-9223372036854775808}'),
	('real', '{0,-1,NaN,-Infinity,3.4e38}'),
	('double precision', '{0,-1,NaN,Infinity,1.7e308}'),
	('numeric', '{0,-1,NaN,1e1000}'),
	('oid', '{0,4294967295,1259}'),
	('tid', '{"(0,0)","(4294967295,65535)"}'),
	('text', '{"",x,"[1,2","../../etc/passwd","''; DROP TABLE hostile_table; --"}'),
	('name', '{"",x}'),
	('cstring', '{"",x,"[1,2]"}'),
	('bytea', '{"","\\x00","\\xffffffffffffffffffff"}'),
	('json', '{null,"[]","{}","{\"id\": 1}","[{\"id\": -1}, 5]","\"x\""}'),
	('jsonb', '{null,"[]","{}","{\"id\": 1}"}'),
	('interval', '{"0","-1 second","99999999 years","1 second"}'),
	('text[]', '{"{}","{NULL}","{id}","{{id,n},{n,id}}","{x}"}'),
	('cstring[]', '{"{}","{-1}","{99999999999}","{x}"}'),
	('integer[]', '{"{}","{NULL}","{-1,2147483647}"}'),
	('real[]', '{"{}","{NULL}","{NaN}","{{1,2},{3,4}}"}'),
	('double precision[]', '{"{}","{NULL}","{1e300}","{0,0,0,0}"}'),
	('numeric[]', '{"{}","{NULL}","{1e1000}"}'),
	('vector', '{"[0]","[1,2,3]","[3.4e38,-3.4e38]"}'),
	('halfvec', '{"[0]","[1,2,3]","[65504,-65504]"}'),
	('sparsevec', '{"{}/1","{1:1}/3","{1000000000:1}/1000000000"}'),
	('bit', '{"","101"}'),
	('regtype', '{integer,vector,hostile_type,0,4294967295}'),
	('regclass', '{0,4294967295,hostile_table,hostile_index,hostile_table_pkey,hostile_view,hostile_sequence,hostile_type,hostile_partitioned,hostile_matview,pg_class,pg_authid,pg_stat_activity}')
	) v (t, es), unnest(es::text[]) e;
-- some array literals would need unreadable quoting
INSERT INTO hostile_values VALUES ('anyarray', '{}'), ('"any"', '{1}'), ('"any"', '5'), ('anyelement', '5');

CREATE FUNCTION hostile_arguments(type text) RETURNS text[] LANGUAGE sql STABLE AS $$
	SELECT ARRAY['NULL'] || coalesce(array_agg(CASE
		WHEN $1 = '"any"' OR $1 LIKE 'any%' THEN format('%L::%s', v.expression, CASE WHEN v.expression ~ '^{' OR $1 = 'anyarray' THEN 'int[]' ELSE 'int' END)
		ELSE format('%L::%s', v.expression, $1) END), '{}')
	FROM hostile_values v WHERE v.type = $1
$$;

/* A call that fails leaves nothing; one that succeeds is undone as well. */
CREATE FUNCTION hostile_call(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text;
BEGIN
	BEGIN
		EXECUTE 'SELECT * FROM ' || call;
		RAISE EXCEPTION USING ERRCODE = 'ZZ000';
	EXCEPTION WHEN OTHERS THEN
		IF SQLSTATE <> 'ZZ000' AND (SQLSTATE LIKE 'XX%' OR SQLSTATE LIKE '58%') THEN
			RETURN SQLSTATE || ' ' || SQLERRM;
		END IF;
	END;
	RETURN NULL;
END $$;

/* Each argument takes each of its values in turn, while the others take the first or a likely one; and all are NULL. */
CREATE FUNCTION hostile_calls() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	f record;
	names text[];
	i int;
	argument text;
	likely text[];
	call text[];
BEGIN
	FOR f IN
		SELECT p.oid, format('%I.%I', n.nspname, p.proname) AS name, p.proargtypes::oid[] AS types
		FROM pg_proc p
		JOIN pg_namespace n ON n.oid = p.pronamespace
		JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass AND e.extname = 'vecstore'
		WHERE p.prokind = 'f'
		ORDER BY p.oid
	LOOP
		likely := '{}';
		names := ARRAY(SELECT format_type(t, NULL) FROM unnest(f.types) WITH ORDINALITY u (t, nth) ORDER BY nth);
		FOREACH argument IN ARRAY names LOOP
			likely := likely || (hostile_arguments(argument))[cardinality(hostile_arguments(argument))];
		END LOOP;
		RETURN NEXT format('%s(%s)', f.name, array_to_string(array_fill('NULL'::text, ARRAY[cardinality(names)]), ', '));
		FOR i IN 1 .. cardinality(names) LOOP
			FOREACH argument IN ARRAY hostile_arguments(names[i]) LOOP
				call := likely;
				call[i] := argument;
				RETURN NEXT format('%s(%s)', f.name, array_to_string(call, ', '));
				IF names[1] = 'regclass' AND i > 1 THEN
					call[1] := '''hostile_table''::regclass';
					RETURN NEXT format('%s(%s)', f.name, array_to_string(call, ', '));
					call[1] := '''hostile_index''::regclass';
					RETURN NEXT format('%s(%s)', f.name, array_to_string(call, ', '));
				END IF;
			END LOOP;
		END LOOP;
	END LOOP;
END $$;

CREATE TEMP TABLE calls AS SELECT DISTINCT c FROM hostile_calls() c;
GRANT SELECT ON calls TO PUBLIC;
SELECT cmp_ok(count(*), '>', 1000::bigint, 'there are calls to make') FROM calls;

SET LOCAL client_min_messages = error;
SET LOCAL ROLE hostile_role;
SELECT is_empty($$SELECT c, r FROM calls, hostile_call(c) r WHERE r IS NOT NULL$$, 'no call ends in an internal error, nor the server');
RESET ROLE;
GRANT ALL ON ALL TABLES IN SCHEMA public TO hostile_role;
GRANT CREATE ON SCHEMA public TO hostile_role;
ALTER TABLE hostile_table OWNER TO hostile_role;
SET LOCAL ROLE hostile_role;
SELECT is_empty($$SELECT c, r FROM calls, hostile_call(c) r WHERE r IS NOT NULL$$, 'neither when the caller owns the table');

SELECT * FROM finish();
ROLLBACK;
