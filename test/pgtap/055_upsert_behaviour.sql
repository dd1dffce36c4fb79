-- Upsert behaves as an INSERT … ON CONFLICT by the calling user: generated columns,
-- triggers, row security, privileges, foreign keys, checks, domains, search_path.
BEGIN;
SELECT plan(49);

-- generated columns
CREATE TABLE gen (id int PRIMARY KEY, n int, twice int GENERATED ALWAYS AS (n * 2) STORED,
	serial_no int GENERATED ALWAYS AS IDENTITY) USING vecstore;
SELECT lives_ok($$SELECT vecstore.upsert('gen', '[{"id": 1, "n": 1}, {"id": 2, "n": 2}]'); SELECT vecstore.upsert('gen', '{"id": 1, "n": 10}')$$, 'generated columns are left to the server');
SELECT results_eq($$SELECT id, twice, serial_no FROM gen ORDER BY id$$, $$VALUES (1, 20, 1), (2, 4, 2)$$, 'and computed; an identity column keeps its value');
SELECT throws_ok($$SELECT vecstore.upsert('gen', '[{"id": 3}, {"id": 4, "twice": 1}]')$$, '428C9',
	'row 2: field "twice": no value can be given because it is a generated column', 'a generated column cannot be given');
SELECT throws_ok($$SELECT vecstore.upsert('gen', '{"id": 4, "serial_no": 1}')$$, '428C9',
	'row 1: field "serial_no": no value can be given because it is an identity column defined as GENERATED ALWAYS', 'nor can an identity column');
SELECT lives_ok($$SELECT vecstore.upsert_rows('gen', ROW(1, 11, 0, 0)::gen)$$, 'rows: values of generated columns are passed over');

-- triggers
CREATE TABLE watched (id int PRIMARY KEY, n int, stamp text) USING vecstore;
CREATE TABLE log (line int GENERATED ALWAYS AS IDENTITY, what text);
CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO log (what) VALUES (TG_WHEN || ' ' || TG_OP || ' ' || TG_LEVEL || coalesce(' ' || NEW.id, ''));
	IF TG_WHEN = 'BEFORE' AND TG_LEVEL = 'ROW' THEN
		NEW.stamp := TG_OP;
		IF NEW.n = -1 THEN RETURN NULL; END IF;
		IF NEW.n = -2 THEN RAISE EXCEPTION 'no %', NEW.id USING ERRCODE = 'P0042'; END IF;
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER b BEFORE INSERT OR UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION watch();
CREATE TRIGGER a AFTER INSERT OR UPDATE ON watched FOR EACH ROW EXECUTE FUNCTION watch();
CREATE TRIGGER s AFTER INSERT OR UPDATE ON watched FOR EACH STATEMENT EXECUTE FUNCTION watch();
INSERT INTO watched VALUES (1, 1, NULL);
TRUNCATE log;
SELECT results_eq($$SELECT * FROM vecstore.upsert('watched', '[{"id": 2, "n": 2}, {"id": 1, "n": 3}]')$$,
	$$VALUES (1::bigint, 1::bigint, 0::bigint)$$, 'triggers do not disturb the counts');
SELECT results_eq($$SELECT what FROM log ORDER BY line$$,
	$$VALUES ('BEFORE INSERT ROW 1'), ('BEFORE UPDATE ROW 1'), ('BEFORE INSERT ROW 2'), ('AFTER UPDATE ROW 1'), ('AFTER INSERT ROW 2'),
		('AFTER UPDATE STATEMENT'), ('AFTER INSERT STATEMENT')$$, 'the triggers of INSERT … ON CONFLICT fire, in key order');
SELECT results_eq($$SELECT id, stamp FROM watched ORDER BY id$$, $$VALUES (1, 'UPDATE'), (2, 'INSERT')$$, 'BEFORE triggers may change rows');
SELECT results_eq($$SELECT * FROM vecstore.upsert('watched', '[{"id": 1, "n": -1}, {"id": 3, "n": -1}, {"id": 4, "n": 1}]')$$,
	$$VALUES (1::bigint, 0::bigint, 2::bigint)$$, 'a row that a trigger refuses counts as unchanged');
SELECT throws_ok($$SELECT vecstore.upsert('watched', '[{"id": 7, "n": 1}, {"id": 6, "n": -2}]')$$, 'P0042', 'row 2: no 6', 'an error of a trigger keeps its SQLSTATE');
CREATE FUNCTION nested() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM vecstore.upsert('gen', format('[{"id": %s, "n": 1}, {"id": %s, "n": 2}]', NEW.id + 100, NEW.id + 200)::json, partial => true);
	RETURN NEW;
END $$;
CREATE TABLE nesting (id int PRIMARY KEY, n int) USING vecstore;
CREATE TRIGGER n BEFORE INSERT ON nesting FOR EACH ROW EXECUTE FUNCTION nested();
SELECT results_eq($$SELECT * FROM vecstore.upsert('nesting', '[{"id": 1}, {"id": 2, "n": 5}, {"id": 3}]', partial => true)$$,
	$$VALUES (3::bigint, 0::bigint, 0::bigint)$$, 'a trigger may upsert');
SELECT results_eq($$SELECT (SELECT count(*) FROM gen WHERE id > 100), (SELECT n FROM nesting WHERE id = 2)$$, $$VALUES (6::bigint, 5)$$, 'and both upserts are right');

-- row security and privileges
CREATE ROLE upsert_user;
CREATE TABLE owned (id int PRIMARY KEY, owner name DEFAULT current_user, n int) USING vecstore;
ALTER TABLE owned ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON owned USING (owner = current_user) WITH CHECK (owner = current_user AND n IS DISTINCT FROM 13);
INSERT INTO owned VALUES (1, 'postgres', 1);
GRANT SELECT, INSERT, UPDATE ON owned TO upsert_user;
SET LOCAL ROLE upsert_user;
SELECT results_eq($$SELECT * FROM vecstore.upsert('owned', '[{"id": 2, "n": 2}, {"id": 3, "n": 3}]')$$, $$VALUES (2::bigint, 0::bigint, 0::bigint)$$, 'row security: own rows');
SELECT results_eq($$SELECT * FROM vecstore.upsert('owned', '[{"id": 2, "n": 20}]', partial => true)$$, $$VALUES (0::bigint, 1::bigint, 0::bigint)$$, 'row security: own rows, partial');
SELECT throws_ok($$SELECT vecstore.upsert('owned', '[{"id": 2}, {"id": 4, "n": 13}]')$$, '42501',
	'row 2: new row violates row-level security policy for table "owned"', 'row security: a row that the policy refuses');
SELECT throws_ok($$SELECT vecstore.upsert('owned', '[{"id": 1, "n": 5}]')$$, '42501',
	'row 1: new row violates row-level security policy (USING expression) for table "owned"', 'row security: somebody else''s row is not replaced');
RESET ROLE;
SELECT results_eq($$SELECT owner FROM owned WHERE id IN (2, 3)$$, $$VALUES ('upsert_user'::name), ('upsert_user')$$, 'defaults are the caller''s');
CREATE TABLE by_column (id int PRIMARY KEY, n int, hidden int) USING vecstore;
GRANT SELECT (id, n), INSERT (id, n), UPDATE (n) ON by_column TO upsert_user;
INSERT INTO by_column VALUES (1, 1, 1);
SET LOCAL ROLE upsert_user;
SELECT results_eq($$SELECT * FROM vecstore.upsert('by_column', '[{"id": 1, "n": 5}, {"id": 2, "n": 6}]', partial => true)$$,
	$$VALUES (1::bigint, 1::bigint, 0::bigint)$$, 'privileges on some columns are enough for a partial upsert of these');
SELECT throws_ok($$SELECT vecstore.upsert('by_column', '[{"id": 1, "hidden": 5}]', partial => true)$$, '42501', 'permission denied for table by_column', 'but not of others');
RESET ROLE;

-- foreign keys, checks, unique columns, domains
CREATE TABLE langs (code text PRIMARY KEY);
INSERT INTO langs VALUES ('en');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN required AS text NOT NULL;
CREATE TABLE strict (id int PRIMARY KEY, lang text REFERENCES langs, n positive, low int, high int CHECK (low < high),
	email text UNIQUE, word required DEFAULT 'w') USING vecstore;
SELECT throws_ok($$SELECT vecstore.upsert('strict', '[{"id": 1, "lang": "en"}, {"id": 2, "lang": "xx"}]')$$, '23503',
	'insert or update on table "strict" violates foreign key constraint "strict_lang_fkey"', 'foreign key');
SELECT throws_ok($$SELECT vecstore.upsert('strict', '[{"id": 1}, {"id": 2, "low": 2, "high": 1}]')$$, '23514',
	'row 2: new row for relation "strict" violates check constraint "strict_check"', 'check constraint');
SELECT throws_ok($$SELECT vecstore.upsert('strict', '[{"id": 1, "n": 1}, {"id": 2, "n": 0}]')$$, '23514',
	'row 2: field "n": value for domain positive violates check constraint "positive_check"', 'domain, JSON');
SELECT throws_ok($$SELECT vecstore.upsert_columns('strict', '{id,n}', '{1,2}'::int[], '{1,0}'::int[])$$, '23514',
	'row 2: field "n": value for domain positive violates check constraint "positive_check"', 'domain, columns');
SELECT throws_ok($$SELECT vecstore.upsert('strict', '[{"id": 1, "word": null}]')$$, '23502',
	'row 1: field "word": domain required does not allow null values', 'domain NOT NULL, JSON');
SELECT throws_ok($$SELECT vecstore.upsert_columns('strict', '{id,word}', '{1,2}'::int[], '{a,NULL}'::text[])$$, '23502',
	'row 2: field "word": domain required does not allow null values', 'domain NOT NULL, columns');
SELECT throws_ok($$SELECT vecstore.upsert('strict', '[{"id": 1, "email": "a"}, {"id": 2, "email": "a"}]')$$, '23505',
	'row 2: duplicate key value violates unique constraint "strict_email_key"', 'another unique column is no key to upsert by');
SELECT lives_ok($$SELECT vecstore.upsert('strict', '[{"id": 1, "low": 5, "high": 6, "word": "x", "n": 3}]');
	SELECT vecstore.upsert('strict', '[{"id": 1, "high": 7}]', partial => true)$$, 'partial: constraints see the row as it will be');
SELECT throws_ok($$SELECT vecstore.upsert('strict', '[{"id": 1, "high": 5}]', partial => true)$$, '23514', NULL, 'partial: and refuse it if they must');
SELECT results_eq($$SELECT low, high, word::text, n::int FROM strict$$, $$VALUES (5, 7, 'x', 3)$$, 'partial: the other columns are kept');

-- names and search_path
CREATE SCHEMA "Odd Schema";
CREATE TABLE "Odd Schema"."Weird ""table""" ("Id;--" int PRIMARY KEY, "select" text, "ordinal" int, "t" int, "b" int, "x" int, "pattern" int) USING vecstore;
SELECT results_eq($$SELECT * FROM vecstore.upsert('"Odd Schema"."Weird ""table"""', '[{"Id;--": 1, "select": "s", "ordinal": 5, "t": 1, "b": 2, "x": 3, "pattern": 4}]')$$,
	$$VALUES (1::bigint, 0::bigint, 0::bigint)$$, 'names that need quotes');
SELECT lives_ok($$SELECT vecstore.upsert('"Odd Schema"."Weird ""table"""', '[{"Id;--": 1, "t": 7}, {"Id;--": 1, "b": 7}]', partial => true, skip_unchanged => true)$$, 'names that the statement itself uses');
CREATE SCHEMA hostile;
CREATE FUNCTION hostile.eq(int, int) RETURNS bool LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called'; END $$;
CREATE OPERATOR hostile.= (LEFTARG = int, RIGHTARG = int, FUNCTION = hostile.eq);
CREATE TABLE hostile.vecstore_batch (id int);
CREATE FUNCTION among_enemies() RETURNS vecstore.upsert_result LANGUAGE sql SET search_path = hostile, pg_catalog, public
AS $$SELECT vecstore.upsert('"Odd Schema"."Weird ""table"""', '[{"Id;--": 1, "t": 8}, {"Id;--": 2, "x": 7}]', partial => true)$$;
SELECT lives_ok('SELECT among_enemies()', 'no operator or table of the search_path is used');

-- changes of the table are seen at once
CREATE TABLE changing (id int PRIMARY KEY, n int) USING vecstore;
SELECT lives_ok($$SELECT vecstore.upsert('changing', '{"id": 1, "n": 1}')$$, 'before a change');
ALTER TABLE changing ADD COLUMN extra text DEFAULT 'e';
ALTER TABLE changing RENAME COLUMN n TO m;
ALTER TABLE changing DROP COLUMN extra;
ALTER TABLE changing ADD COLUMN more int NOT NULL DEFAULT 3;
SELECT lives_ok($$SELECT vecstore.upsert('changing', '[{"id": 1, "m": 2}, {"id": 2, "more": 4}]')$$, 'after columns were added, renamed and dropped');
SELECT results_eq($$SELECT id, m, more FROM changing ORDER BY id$$, $$VALUES (1, 2, 3), (2, NULL, 4)$$, 'the new columns are used');

-- rows of a child table are not the table's
CREATE TABLE parent (id int PRIMARY KEY, n int, word text NOT NULL DEFAULT 'default') USING vecstore;
CREATE TABLE child () INHERITS (parent);
INSERT INTO child VALUES (1, 1, 'child'), (1, 2, 'child'), (2, 1, 'child');
SELECT vecstore.upsert('parent', '{"id": 2, "word": "parent"}');
SELECT lives_ok($$SELECT vecstore.upsert('parent', '[{"id": 1, "n": 5}, {"id": 2, "n": 6}]', partial => true)$$, 'partial: a child table has the keys too');
SELECT results_eq('SELECT id, n, word FROM ONLY parent ORDER BY id', $$VALUES (1, 5, 'default'), (2, 6, 'parent')$$, 'partial: its rows are not merged');

-- another unique index on the key column, with a collation that has more keys equal
CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE cased (id text PRIMARY KEY, n int) USING vecstore;
CREATE UNIQUE INDEX cased_no_case ON cased (id COLLATE no_case);
SELECT vecstore.upsert('cased', '{"id": "a", "n": 1}');
SELECT throws_ok($$SELECT vecstore.upsert('cased', '{"id": "A", "n": 2}')$$, '23505',
	'row 1: duplicate key value violates unique constraint "cased_no_case"', 'only a conflict of the primary key replaces');
SELECT lives_ok($$SELECT vecstore.upsert('cased', '{"id": "a", "n": 3}')$$, 'which still does');
CREATE COLLATION bytes FROM "C";
CREATE TABLE collated (id text COLLATE bytes PRIMARY KEY) USING vecstore;
SELECT lives_ok($$SELECT vecstore.upsert('collated', '{"id": "a"}')$$, 'a key with a collation');
ALTER COLLATION bytes RENAME TO octets;
SET LOCAL search_path = pg_catalog, public;
SELECT lives_ok($$SELECT vecstore.upsert('collated', '{"id": "a"}')$$, 'which was renamed');
RESET search_path;

-- a schema that gets another name, and its old name another schema
CREATE SCHEMA place;
CREATE TABLE place.named (id int PRIMARY KEY, n int) USING vecstore;
SELECT lives_ok($$SELECT vecstore.upsert('place.named', '{"id": 1}')$$, 'before a schema is renamed');
CREATE FUNCTION rename_place() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	ALTER SCHEMA place RENAME TO former;
	CREATE SCHEMA place;
	CREATE TABLE place.named (id int PRIMARY KEY, n int);
	RETURN 3;
END $$;
SELECT throws_ok($$SELECT vecstore.upsert_from('place.named', 'SELECT rename_place() AS id')$$, '40001',
	'schema of collection "named" was renamed concurrently', 'a schema is renamed during an upsert');
ALTER SCHEMA place RENAME TO other;
SELECT lives_ok($$SELECT vecstore.upsert('other.named', '{"id": 1}')$$, 'a statement is saved');
ALTER SCHEMA other RENAME TO place;
SELECT lives_ok($$SELECT vecstore.upsert('place.named', '{"id": 1}')$$, 'and another');
SELECT throws_ok($$SELECT vecstore.upsert_from('place.named', 'SELECT rename_place() AS id')$$, '40001', NULL, 'a saved statement is checked as well');
SELECT rename_place();
SELECT lives_ok($$SELECT vecstore.upsert('former.named', '{"id": 2}')$$, 'after a schema was renamed');
SELECT results_eq('SELECT id FROM former.named ORDER BY id', ARRAY[1, 2], 'rows reach the table');
SELECT is_empty('TABLE place.named', 'and not another one of the name');

SELECT * FROM finish();
ROLLBACK;
