-- The extension as a whole: the schemas of its objects, the marks of its functions.
BEGIN;
SELECT plan(6);

SELECT has_extension('vecstore');
SELECT has_schema('vecstore');

SELECT results_eq(
	$$SELECT trusted, relocatable FROM pg_available_extension_versions
	  WHERE name = 'vecstore' AND installed$$,
	$$VALUES (true, false)$$,
	'trusted, and its schema is chosen once');

SELECT is_empty(
	$$SELECT p.oid::regprocedure
	  FROM pg_proc p
	  JOIN pg_depend d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
	  JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'vecstore'
	  WHERE p.proparallel = 'u' AND p.provolatile = 'i'$$,
	'no immutable function is left parallel unsafe');

LOAD 'vecstore';
SELECT throws_ok('SET vecstore.typo = 1', '42602', 'invalid configuration parameter name "vecstore.typo"', 'a mistyped setting');
SELECT throws_ok('SET vecann.typo = 1', '42602', 'invalid configuration parameter name "vecann.typo"', 'of the index access method');

SELECT * FROM finish();
ROLLBACK;
