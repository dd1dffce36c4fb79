-- Upserts cache names of tables, operators and types of a collection.  In the same
-- session, these names become those of other objects.
BEGIN;
SELECT plan(10);
CREATE ROLE owner_of_old;
CREATE SCHEMA old AUTHORIZATION owner_of_old;

-- a schema: the rows go to the table that was meant
CREATE TABLE old.t (id int PRIMARY KEY, n int, e vector(2)) USING vecstore;
SELECT is((vecstore.upsert('old.t', '{"id":1,"n":1,"e":[1,2]}')).inserted, 1::bigint, 'a row');
SELECT is((vecstore.upsert('old.t', '[{"id":1,"n":2},{"id":1,"e":[1,3]}]', partial => true)).replaced, 1::bigint, 'one of two shapes');
ALTER SCHEMA old RENAME TO new;
CREATE SCHEMA old;
CREATE TABLE old.t (LIKE new.t INCLUDING ALL) USING vecstore;
SELECT is((vecstore.upsert('new.t', '{"id":2,"n":1,"e":[1,2]}')).inserted, 1::bigint, 'a row, with the schema renamed');
SELECT is((vecstore.upsert('new.t', '[{"id":1,"n":2},{"id":2,"e":[1,3]}]', partial => true)).replaced, 2::bigint, 'the stored rows are found');
SELECT is_empty('SELECT * FROM old.t', 'the table with the old name gets nothing');
SELECT results_eq('SELECT id, n FROM new.t ORDER BY id', 'VALUES (1, 2), (2, 1)', 'the renamed one gets all');

-- a type: a value of one type is not stored as one of another
CREATE DOMAIN new.label AS text;
CREATE TABLE new.labels (id int PRIMARY KEY, a new.label[]) USING vecstore;
SELECT is((vecstore.upsert('new.labels', '{"id":1,"a":["x"]}')).inserted, 1::bigint, 'an array of a domain');
ALTER DOMAIN new.label RENAME TO old_label;
CREATE DOMAIN new.label AS int;
-- has every cached query analyzed again
CREATE SCHEMA another;
SELECT is((vecstore.upsert('new.labels', '{"id":2,"a":[1000000000,"y"]}')).inserted, 1::bigint, 'with the domain renamed');
SELECT results_eq('SELECT md5(a[1]), a[2]::text FROM new.labels WHERE id = 2', $$VALUES (md5('1000000000'), 'y')$$,
	'the elements are those of the column''s type');

-- columns named as the statement names its own
CREATE TABLE known (id int PRIMARY KEY, known int, b int, x int, t int, c1 int, ordinal int, pattern int, excluded int);
INSERT INTO known VALUES (1, 1, 1, 1, 1, 1, 1, 1, 1);
SELECT vecstore.upsert('known', '[{"id":1,"known":2,"b":2,"c1":2,"pattern":2},{"id":2,"x":3,"t":3,"ordinal":3,"excluded":3}]', partial => true);
SELECT results_eq('SELECT * FROM known ORDER BY id', 'VALUES (1, 2, 2, 1, 1, 2, 1, 2, 1), (2, NULL, NULL, 3, 3, NULL, 3, NULL, 3)',
	'columns with the names of the statement''s own');
SELECT * FROM finish();
ROLLBACK;
