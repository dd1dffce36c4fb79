# Many sessions at once on one table: upserts, updates of vectors and of
# scalars, moves of values between rows, deletes, aborted work, COPY, while others
# read every row, vacuum, and build indexes concurrently.  A reader never sees a row
# with another row's values; at the end table, indexes and value store agree.
#
# SECONDS_EACH=n makes it longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $seconds = $ENV{SECONDS_EACH} || 15;
my $node = new_primary('main', conf => "autovacuum_naptime = 1s\nautovacuum_vacuum_threshold = 20\n"
	  . "autovacuum_vacuum_scale_factor = 0.01\nlog_statement = none\nmax_wal_size = 4GB\nshared_buffers = 16MB\n");
create_items($node);
$node->safe_psql('postgres', <<'SQL');
INSERT INTO items SELECT (item(id, 1, 0)).* FROM generate_series(1, 300) id;
CREATE SEQUENCE version;
CREATE FUNCTION assert_no_wrong() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	wrong text;
BEGIN
	SELECT string_agg(i.id || ' version ' || i.version, ', ') INTO wrong
	FROM items i WHERE id BETWEEN 1 AND 400 AND i IS DISTINCT FROM item(i.id, i.version, i.batch);
	IF wrong IS NOT NULL THEN
		RAISE 'wrong rows: %', wrong;
	END IF;
END $$;
SQL

my %scripts = (
	upsert => <<'SQL',
\set id random(1, 300)
INSERT INTO items SELECT n.* FROM (SELECT i, nextval('version')::int AS v FROM generate_series(:id, :id + 3) i OFFSET 0) s, item(s.i, s.v, 1) n
ON CONFLICT (id) DO UPDATE SET version = excluded.version, small = excluded.small, large = excluded.large,
half = excluded.half, body = excluded.body, batch = excluded.batch;
SQL
	update => <<'SQL',
\set id random(1, 300)
UPDATE items i SET (version, small, large, half, body) =
(SELECT version, small, large, half, body FROM item(i.id, i.version + 1, 0)) WHERE id = :id;
SQL
	scalar => <<'SQL',
\set id random(1, 300)
UPDATE items SET batch = batch + 1 WHERE id = :id;
SQL
	# from the old row to a new one, in one statement
	move => <<'SQL',
\set id random(1, 300)
BEGIN;
UPDATE items SET id = -id WHERE id = :id;
UPDATE items SET id = -id WHERE id = - :id;
END;
SQL
	# from a row that is deleted
	renew => <<'SQL',
\set id random(1, 300)
BEGIN;
WITH gone AS (DELETE FROM items WHERE id = :id RETURNING *)
INSERT INTO items SELECT id + 1000, version, batch, small, large, half, body FROM gone ON CONFLICT DO NOTHING;
UPDATE items SET id = id - 1000, version = 5, small = filled(:id, 5, 300), large = CASE WHEN large IS NOT NULL THEN filled(:id, 5, 2500)::vector END,
half = filled(:id % 2048, 5, 400), body = long_text(:id, 5) WHERE id = :id + 1000;
END;
SQL
	undone => <<'SQL',
\set id random(1, 300)
BEGIN;
SAVEPOINT a;
UPDATE items SET small = '[6,6,6]', large = NULL WHERE id = :id;
ROLLBACK TO a;
INSERT INTO items SELECT (item(1000000 + :id, 1, 1)).* ON CONFLICT DO NOTHING;
ROLLBACK;
SQL
	lock => <<'SQL',
\set id random(1, 300)
BEGIN;
SELECT id FROM items WHERE id = :id FOR KEY SHARE;
UPDATE items SET batch = 9 WHERE id = :id;
END;
SQL
	read => <<'SQL',
SELECT assert_no_wrong();
SQL
	read_old => <<'SQL',
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT assert_no_wrong();
SELECT pg_sleep(0.1);
SELECT assert_no_wrong();
END;
SQL
	delete => <<'SQL',
\set id random(1, 300)
DELETE FROM items WHERE id = :id;
SQL
	vacuum => <<'SQL',
VACUUM (DISABLE_PAGE_SKIPPING) items;
SELECT pg_sleep(0.05);
SQL
);
my %weight = (upsert => 30, update => 30, scalar => 20, move => 5, renew => 5, undone => 5, lock => 5, read => 3, read_old => 2, delete => 5, vacuum => 3);

my @arguments;
foreach my $name (sort keys %scripts)
{
	my $file = $node->basedir . "/$name.sql";

	append_to_file($file, $scripts{$name});
	push @arguments, '-f', "$file\@$weight{$name}";
}
my $indexed = '';
my $indexer = start_psql($node, <<'SQL' x 1000, \$indexed);
CREATE INDEX CONCURRENTLY by_version ON items (version, vector_dims(small));
DROP INDEX by_version;
REINDEX INDEX CONCURRENTLY items_pkey;
\echo built
SQL
my ($out, $err) = run_command(
	[
		'pgbench', '-n', '-c', '6', '-j', '2', '-T', $seconds, '--max-tries=50',
		@arguments, $node->connstr('postgres')
	]);
like($out, qr/number of transactions actually processed: [1-9]/, 'the sessions ran');
# a deadlock or a serialization failure is retried; no other error may occur
unlike($err, qr/error|abort/i, 'no session failed') or diag(substr($err, 0, 2000));
like($out, qr/number of failed transactions: 0 /, 'nor a transaction') if $out =~ /failed transactions/;

$indexer->pump_nb;
$indexer->kill_kill;
like($indexed, qr/built/, 'indexes were built meanwhile');

is_sound($node, 'at the end');
SKIP:
{
	my ($rc) = $node->psql('postgres', 'CREATE EXTENSION amcheck');

	skip 'amcheck is not installed', 1 if $rc != 0;
	$node->safe_psql('postgres', 'CREATE INDEX by_version_again ON items (version, vector_dims(small))');
	my (undef, undef, $problem) = $node->psql('postgres',
		"SELECT bt_index_check(indexrelid, true) FROM pg_index WHERE indrelid = 'items'::regclass AND indisvalid");
	is($problem, '', 'every row is in the indexes');
}
$node->safe_psql('postgres', 'VACUUM items');
is_sound($node, 'vacuumed');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM items'), '>', 100, 'rows are left');
$node->stop;
done_testing();
