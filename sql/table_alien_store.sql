-- A vecstore table whose TOAST relation is not a value store, as tools leave it behind that copy a table under another
-- default_table_access_method: what is there is read, nothing is stored where it would be lost, check says so.
SET client_min_messages = warning;
CREATE TABLE copied (id int, e vector(1000), body text) USING vecstore;
CREATE TABLE copy (id int, e vector(1000), body text) USING heap;
ALTER TABLE copy ALTER e SET STORAGE EXTERNAL;
ALTER TABLE copy ALTER body SET STORAGE EXTERNAL;
CREATE FUNCTION filled(i int) RETURNS vector LANGUAGE sql IMMUTABLE RETURN array_fill(i::real, ARRAY[1000])::vector;
INSERT INTO copy SELECT i, filled(i), repeat(i::text, 3000) FROM generate_series(1, 20) i;
-- each gets the other's files and TOAST relation
SET allow_system_table_mods = on;
UPDATE pg_depend SET refobjid = CASE refobjid WHEN 'copy'::regclass THEN 'copied'::regclass ELSE 'copy'::regclass END
	WHERE classid = 'pg_class'::regclass AND refclassid = 'pg_class'::regclass AND refobjid IN ('copy'::regclass, 'copied'::regclass)
		AND objid IN (SELECT reltoastrelid FROM pg_class WHERE oid IN ('copy'::regclass, 'copied'::regclass));
UPDATE pg_class c SET relfilenode = o.relfilenode, reltoastrelid = o.reltoastrelid
	FROM pg_class o WHERE c.relname IN ('copy', 'copied') AND o.relname IN ('copy', 'copied') AND c.oid <> o.oid;
RESET allow_system_table_mods;
DROP TABLE copy;
ALTER TABLE copied ADD PRIMARY KEY (id);
CREATE FUNCTION stripped(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text; detail text; hint text;
BEGIN
	EXECUTE command;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN regexp_replace(concat_ws(' | ', SQLSTATE, message, detail, hint), '\d{4,}"', 'N"');
END
$$;
SELECT count(*), bool_and(e = filled(id)), bool_and(length(body) = 3000 * length(id::text)) FROM copied;
SELECT regexp_replace(problem, '\d{4,}', 'N') FROM vecstore.check('copied');
-- nothing is stored
SELECT stripped('INSERT INTO copied VALUES (100, filled(100))');
SELECT stripped('UPDATE copied SET e = filled(100) WHERE id = 1');
SELECT stripped('UPDATE copied SET body = repeat(''x'', 9000) WHERE id = 1');
SELECT stripped($$INSERT INTO copied VALUES (1, filled(100)) ON CONFLICT (id) DO UPDATE SET e = excluded.e$$);
SELECT stripped($$SELECT FROM vecstore.upsert('copied', '[{"id": 1, "e": "[1]"}]')$$) ~ 'not a value store|dimensions';
COPY copied FROM stdin;
101	\N	short
\.
SELECT stripped('CREATE INDEX ON copied USING vecann (e)');
-- what needs no store
SELECT stripped('UPDATE copied SET body = ''short'' WHERE id = 2');
SELECT stripped('UPDATE copied SET e = NULL WHERE id = 3');
SELECT stripped('DELETE FROM copied WHERE id = 4');
SELECT stripped('INSERT INTO copied VALUES (102, NULL, ''short'')');
SELECT count(*), count(e), bool_and(e = filled(id)) FROM copied;
-- the remedy
SELECT stripped('CLUSTER copied USING copied_pkey') ~ 'not a value store';
ALTER TABLE copied SET ACCESS METHOD heap;
ALTER TABLE copied SET ACCESS METHOD vecstore;
SELECT * FROM vecstore.check('copied');
SELECT stripped('INSERT INTO copied VALUES (100, filled(100))'), stripped('UPDATE copied SET e = filled(1) WHERE id = 1');
CREATE INDEX ON copied USING vecann (e);
SELECT count(*), count(e), bool_and(e = filled(id)) FROM copied;
SELECT * FROM vecstore.check('copied');
DROP TABLE copied;
DROP FUNCTION filled, stripped;
