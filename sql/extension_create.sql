-- The extension's objects go into two schemas: types, operators and operator
-- classes into the one that the user chooses, the API into schema vecstore.
SELECT nspname FROM pg_namespace WHERE nspname = 'vecstore';

-- once per database, in a schema that the user chooses
DROP EXTENSION vecstore;
CREATE SCHEMA elsewhere;
CREATE EXTENSION vecstore SCHEMA elsewhere;
SELECT extname, nspname, extrelocatable
FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace
WHERE extname = 'vecstore';

-- nothing outside of the two schemas
SELECT DISTINCT nspname
FROM pg_depend d
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE e.extname = 'vecstore' AND nspname NOT IN ('elsewhere', 'vecstore');

-- DROP EXTENSION leaves nothing, and the extension can be created again
DROP EXTENSION vecstore;
SELECT nspname FROM pg_namespace WHERE nspname = 'vecstore';
CREATE EXTENSION vecstore;
DROP SCHEMA elsewhere;

-- a database with an encoding in which the bytes of UTF-8 are invalid
\set database :DBNAME
CREATE DATABASE vecstore_euc_jp ENCODING 'EUC_JP' LOCALE 'C' TEMPLATE template0;
\connect vecstore_euc_jp
CREATE EXTENSION vecstore;
CREATE TABLE no_key (n int);
SELECT vecstore.upsert('no_key', '{"n": 1}');
\connect :database
DROP DATABASE vecstore_euc_jp;

-- every object has a comment
SELECT pg_describe_object(d.classid, d.objid, 0) AS undescribed
FROM pg_depend d
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
WHERE e.extname = 'vecstore' AND d.deptype = 'e'
  AND d.classid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_opclass'::regclass, 'pg_am'::regclass, 'pg_namespace'::regclass)
  AND COALESCE(obj_description(d.objid, d.classid::regclass::name), '') = ''
ORDER BY 1;
