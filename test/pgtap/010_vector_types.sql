-- vector and halfvec: SQLSTATEs, soft errors, catalog entries.
BEGIN;
SELECT plan(77);

-- types
SELECT has_type('vector');
SELECT has_type('halfvec');
CREATE TEMP TABLE t (v vector(3), h halfvec(2));
SELECT is(format_type(atttypid, atttypmod), type, type || ' shows its type modifier')
  FROM pg_attribute JOIN (VALUES ('v', 'vector(3)'), ('h', 'halfvec(2)')) c (name, type) ON attname = name
 WHERE attrelid = 't'::regclass;

-- malformed input
SELECT throws_ok(format('SELECT %L::%s', input, type), sqlstate, NULL, format('%s as %s', input, type))
  FROM (VALUES ('', '22P02'), ('1,2', '22P02'), ('[1', '22P02'), ('[1,]', '22P02'), ('[1 2]', '22P02'),
               ('[x]', '22P02'), ('[1]x', '22P02'), ('[]', '22000'), ('[NaN]', '22000'), ('[inf]', '22000'),
               ('[1e39]', '22003')) i (input, sqlstate),
       (VALUES ('vector'), ('halfvec')) t (type);
SELECT throws_ok($$SELECT '[65520]'::halfvec$$, '22003', '"65520" is out of range for type halfvec');
SELECT throws_ok($$SELECT '[65520]'::vector::halfvec$$, '22003', '"65520" is out of range for type halfvec');

-- dimensions
SELECT throws_ok($$SELECT ('[1' || repeat(',1', 16000) || ']')::vector$$, '54000', 'vector cannot have more than 16000 dimensions');
SELECT throws_ok($$SELECT ('[1' || repeat(',1', 16000) || ']')::halfvec$$, '54000', 'halfvec cannot have more than 16000 dimensions');
SELECT throws_ok($$INSERT INTO t (v) VALUES ('[1,2,3,4]')$$, '22000', 'expected 3 dimensions, not 4');
SELECT throws_ok($$INSERT INTO t (h) VALUES ('[1,2,3,4]')$$, '22000', 'expected 2 dimensions, not 4');
SELECT throws_ok(format('SELECT ''[1,2,3]''::%s %s ''[1,2,3,4]''', type, operator), '22000',
                 format('different %s dimensions 3 and 4', type), format('%s %s', type, operator))
  FROM (VALUES ('vector'), ('halfvec')) t (type), unnest(ARRAY['<->', '<#>', '<=>', '<+>', '+', '-', '*']) operator;
SELECT throws_ok($$SELECT NULL::vector(0)$$, '22023', 'dimensions for type vector must be at least 1');
SELECT throws_ok($$SELECT NULL::vector(16001)$$, '22023', 'dimensions for type vector cannot exceed 16000');
SELECT throws_ok($$SELECT NULL::halfvec(1, 2)$$, '22023', 'invalid type modifier');
SELECT throws_ok($$SELECT subvector('[1,2]'::vector, 3, 1)$$, '22000', 'vector must have at least 1 dimension');

-- arrays
SELECT throws_ok(format('SELECT %L::real[]::%s', input, type), sqlstate, NULL, format('%s as %s', input, type))
  FROM (VALUES ('{1,NULL}', '22004'), ('{{1}}', '22000'), ('{}', '22000'), ('{NaN}', '22000'), ('{-Infinity}', '22000')) i (input, sqlstate),
       (VALUES ('vector'), ('halfvec')) t (type);

-- arithmetic
SELECT throws_ok($$SELECT '[3e38]'::vector + '[3e38]'$$, '22003', 'value out of range: overflow');
SELECT throws_ok($$SELECT '[1e-30]'::vector * '[1e-30]'$$, '22003', 'value out of range: underflow');
SELECT throws_ok($$SELECT sum(h) FROM unnest('{"[65504]","[65504]"}'::halfvec[]) h$$, '22003', 'value out of range: overflow');
SELECT throws_ok($$SELECT vector_avg('{}')$$, '22023', 'vector_avg: expected state array');

-- soft errors, which PostgreSQL has since 16
SELECT CASE WHEN current_setting('server_version_num')::int >= 160000
            THEN results_eq(format('SELECT pg_input_is_valid(%L, %L)', input, type), ARRAY[valid], format('%s is a %s: %s', input, type, valid))
            ELSE skip('no soft errors before PostgreSQL 16') END
  FROM (VALUES ('[1,2]', 'vector', true), ('[1,2]', 'vector(3)', false), ('[1', 'vector', false), ('[]', 'vector', false),
               ('[NaN]', 'vector', false), ('[1e39]', 'vector', false), ('[7e4]', 'halfvec', false)) i (input, type, valid);

-- every function of vectors is marked for the planner
SELECT is_empty(
	$$SELECT oid::regprocedure FROM pg_proc
	  WHERE (prorettype IN ('vector'::regtype, 'halfvec'::regtype)
	         OR proargtypes::oid[] && ARRAY['vector'::regtype, 'halfvec'::regtype]::oid[])
	    AND pronamespace = 'public'::regnamespace AND prokind = 'f'
	    AND NOT (provolatile = 'i' AND proisstrict AND proparallel = 's')$$,
	'functions are immutable, strict and parallel safe');
SELECT is_empty(
	$$SELECT oid::regoperator FROM pg_operator
	  WHERE oprleft IN ('vector'::regtype, 'halfvec'::regtype) AND oprleft = oprright
	    AND (oprcom = 0) <> (oprname IN ('-', '||'))$$,
	'operators that commute say so');
SELECT is_empty(
	$$SELECT oid::regoperator FROM pg_operator o
	  WHERE oprleft IN ('vector'::regtype, 'halfvec'::regtype) AND oprresult = 'boolean'::regtype
	    AND (oprnegate = 0 OR oprrest = 0 OR oprjoin = 0 OR oprcanhash <> (oprname = '=') OR oprcanmerge <> (oprname = '='))$$,
	'comparisons have negators and estimators');
SELECT is(
	(SELECT string_agg(opcintype::regtype || ' ' || amname, ', ' ORDER BY opcintype::regtype::text, amname)
	   FROM pg_opclass JOIN pg_am a ON a.oid = opcmethod
	  WHERE opcintype IN ('vector'::regtype, 'halfvec'::regtype) AND opcdefault AND amname IN ('btree', 'hash')),
	'halfvec btree, halfvec hash, vector btree, vector hash',
	'default operator classes');
SELECT is_empty(
	$$SELECT opcname FROM pg_opclass c JOIN pg_am a ON a.oid = opcmethod
	  WHERE opcintype IN ('vector'::regtype, 'halfvec'::regtype) AND amname IN ('btree', 'hash') AND NOT amvalidate(c.oid)$$,
	'operator classes are complete');
SELECT is_empty(
	$$SELECT pg_describe_object(d.classid, d.objid, 0)
	  FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
	  WHERE e.extname = 'vecstore' AND d.deptype = 'e' AND obj_description(d.objid, d.classid::regclass::name) IS NULL
	    AND pg_describe_object(d.classid, d.objid, 0) ~ '\m(vector|halfvec)\M'
	    AND d.classid <> 'pg_amproc'::regclass AND d.classid <> 'pg_amop'::regclass
	    AND NOT (d.classid = 'pg_type'::regclass AND EXISTS (SELECT FROM pg_type WHERE oid = d.objid AND typelem <> 0))$$,
	'every object has a comment');

SELECT * FROM finish();
ROLLBACK;
