# Parallel builds of vecann indexes: workers are launched and do the work, the index
# is the same as one that the leader builds alone, and any failure ends the build and
# its workers.
#
# parallel_leader_participation = off leaves all work to the workers, so that
# what they do does not depend on how fast they start.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant ROWS => 6000;

my $workers_only = 'SET parallel_leader_participation = off;';

seeded();
my $node = new_primary('main', conf => <<'CONF');
autovacuum = off
max_worker_processes = 8
max_parallel_workers = 8
max_parallel_maintenance_workers = 2
min_parallel_table_scan_size = 0
maintenance_work_mem = '128MB'
CONF

# Runs a statement that builds; returns the reports of each participant, and the messages.
sub build
{
	my ($statement, $settings) = @_;
	my ($out, $messages);

	my $status = $node->psql('postgres', ($settings // '') . "SET client_min_messages = debug1;\n$statement",
		stdout => \$out, stderr => \$messages, on_error_stop => 1);
	my %told = (status => $status, messages => $messages, rows => [], spooled => [], lists => []);
	@told{qw(launched wanted)} = ($1, $2) if $messages =~ /(\d+) of (\d+) parallel workers launched/;
	while ($messages =~ /participant (\d+) spooled (\d+) rows, coded (\d+) rows, wrote (\d+) lists/g)
	{
		($told{spooled}[$1], $told{rows}[$1], $told{lists}[$1]) = ($2, $3, $4);
	}
	return \%told;
}

sub sum
{
	my $sum = 0;

	$sum += $_ foreach @_;
	return $sum;
}

# The workers, and not the leader, have put all rows into lists.
sub by_workers
{
	my ($told, $rows, $what) = @_;

	is($told->{status}, 0, "$what: built") or diag($told->{messages});
	is($told->{launched}, 2, "$what: two workers launched");
	is($told->{rows}[0], 0, "$what: the leader coded no row");
	is($told->{lists}[0], 0, "$what: the leader wrote no list");
	is(sum(@{ $told->{spooled} }), $rows, "$what: the workers scanned all rows");
	is(sum(@{ $told->{rows} }), $rows, "$what: the workers coded all rows");
	return;
}

# No worker outlives its build.
sub workers_gone
{
	my ($what) = @_;

	ok( $node->poll_query_until('postgres',
			"SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'parallel worker'"),
		"$what: no worker is left");
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_ls_tmpdir()"), '0', "$what: no temporary file is left");
	return;
}

# Rows of all sorts: NULLs, dead ones, updated ones.
create_points($node, 'bits = 4');
$node->safe_psql('postgres', "DROP INDEX points_e;
	INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(1, @{[ROWS]}) i;
	UPDATE points SET version = 2, e = point(id, 2) WHERE id % 10 = 3;
	DELETE FROM points WHERE id % 11 = 5;");
my $rows = $node->safe_psql('postgres', 'VACUUM points; SELECT count(*) FROM points');
my $create = 'CREATE INDEX points_e ON points USING vecann (e vector_l2_ops)';

by_workers(build($create, $workers_only), $rows, 'CREATE INDEX');
is_indexed($node, 'CREATE INDEX');
by_workers(build('REINDEX INDEX points_e', $workers_only), $rows, 'REINDEX');
is_indexed($node, 'REINDEX');
by_workers(build('REINDEX INDEX CONCURRENTLY points_e', $workers_only), $rows, 'REINDEX CONCURRENTLY');
is_indexed($node, 'REINDEX CONCURRENTLY');
$node->safe_psql('postgres', 'DROP INDEX points_e');
by_workers(build(($create =~ s/INDEX/INDEX CONCURRENTLY/r), $workers_only), $rows, 'CREATE INDEX CONCURRENTLY');
is_indexed($node, 'CREATE INDEX CONCURRENTLY');

my $told = build('REINDEX INDEX points_e');
is($told->{launched}, 2, 'with the leader: two workers launched');
is(sum(@{ $told->{rows} }), $rows, 'with the leader: all rows are coded');
is_indexed($node, 'with the leader');

$told = build('REINDEX INDEX points_e', 'SET max_parallel_workers = 0;');
is("$told->{launched} of $told->{wanted}", '0 of 2', 'no worker to be had');
is($told->{rows}[0], $rows, 'no worker to be had: the leader does it');
is_indexed($node, 'no worker to be had');

$told = build('REINDEX INDEX points_e', 'SET max_parallel_maintenance_workers = 0;');
ok(!defined $told->{launched}, 'serial build');
is_indexed($node, 'serial build');

# little memory: many runs; the table's option decides about workers whatever the memory
$node->safe_psql('postgres', 'ALTER TABLE points SET (parallel_workers = 2)');
by_workers(build('REINDEX INDEX points_e', "$workers_only SET maintenance_work_mem = '1MB';"), $rows, 'little memory');
is_indexed($node, 'little memory');
$node->safe_psql('postgres', 'ALTER TABLE points SET (parallel_workers = 0)');
$told = build('REINDEX INDEX points_e');
ok(!defined $told->{launched}, 'parallel_workers = 0');
$node->safe_psql('postgres', 'ALTER TABLE points RESET (parallel_workers)');

# changes after the build work on the index that the workers left
$node->safe_psql('postgres', 'REINDEX INDEX points_e');
$node->safe_psql('postgres', "INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(10001, 11000) i;
	DELETE FROM points WHERE id % 7 = 1; VACUUM points");
$node->safe_psql('postgres', "SELECT vecstore.flush('points'); SELECT vecstore.compact('points')");
is_indexed($node, 'changed afterwards');

# a crash after the commit finds the pages in the log, or with wal_level = minimal in synced files
foreach my $level ('replica', 'minimal')
{
	$node->append_conf('postgresql.conf', "wal_level = $level\nmax_wal_senders = 0\n");
	$node->restart;
	$node->safe_psql('postgres', 'CHECKPOINT');
	$told = build('REINDEX INDEX points_e', $workers_only);
	is($told->{launched}, 2, "wal_level = $level: two workers launched");
	crash($node);
	is_indexed($node, "after a crash, wal_level = $level");
}

# rows of the transaction that builds, which no other transaction sees yet
$told = build("BEGIN; DROP INDEX points_e; DELETE FROM points WHERE id % 3 = 0;
	INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(12001, 13000) i; $create; COMMIT", $workers_only);
is($told->{launched}, 2, 'own rows: two workers launched');
is_indexed($node, 'own rows');

# an index of part of the rows, with NULLs among them
$node->safe_psql('postgres', 'UPDATE points SET e = NULL WHERE id % 13 = 0');
my $part = $node->safe_psql('postgres', 'VACUUM points; SELECT count(*) FROM points WHERE id < 1500 AND e IS NOT NULL');
by_workers(build('CREATE INDEX points_part ON points USING vecann (e vector_l2_ops) WHERE id < 1500', $workers_only),
	$part, 'partial index');
is( $node->safe_psql('postgres', <<'SQL'), $part, 'partial index: an index scan finds its rows');
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off;
SELECT count(*) FROM (SELECT id FROM points WHERE id < 1500 ORDER BY e <-> (SELECT point(1, 1))) s
SQL
is($node->safe_psql('postgres', "SELECT * FROM vecstore.check_index('points_part')"), '', 'partial index: vecstore.check_index');

# bits, which travel as codes; and a partitioned table
$node->safe_psql('postgres', <<"SQL");
CREATE TABLE signs (id int, b bit(64)) PARTITION BY RANGE (id);
CREATE TABLE signs_1 PARTITION OF signs FOR VALUES FROM (0) TO (2000) USING $am;
CREATE TABLE signs_2 PARTITION OF signs FOR VALUES FROM (2000) TO (5000) USING $am;
INSERT INTO signs SELECT i, ('x' || left(md5(i::text), 16))::bit(64) FROM generate_series(0, 4999) i;
SQL
$told = build('CREATE INDEX signs_b ON signs USING vecann (b bit_hamming_ops)', $workers_only);
is($told->{status}, 0, 'bits in partitions: built') or diag($told->{messages});
is(() = $told->{messages} =~ /2 of 2 parallel workers launched/g, 2, 'bits in partitions: workers for each');
foreach my $partition (1, 2)
{
	is($node->safe_psql('postgres', "SELECT * FROM vecstore.check_index('signs_${partition}_b_idx')"),
		'', "bits in partition $partition: vecstore.check_index");
}
is( $node->safe_psql('postgres', <<'SQL'), "4999|t\n4999|t", 'bits in partitions: the index finds all rows');
SET vecann.probes = 1000000; SET vecann.epsilon = 1000;
SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off;
CREATE VIEW found AS SELECT count(*) FILTER (WHERE id <> 77) AS n, bool_and(d >= before) AS sorted
	FROM (SELECT id, d, lag(d, 1, d) OVER () AS before
		FROM (SELECT id, b <~> (SELECT b FROM signs WHERE id = 77) AS d
			FROM signs ORDER BY b <~> (SELECT b FROM signs WHERE id = 77)) s) t;
SELECT * FROM found;
SET enable_indexscan = off; SET enable_seqscan = on; SET enable_sort = on;
SELECT * FROM found;
SQL

# dimensions that only the rows give
$node->safe_psql('postgres', <<"SQL");
CREATE TABLE loose (id int, e vector) USING $am;
CREATE INDEX loose_empty ON loose USING vecann (e vector_ip_ops);
INSERT INTO loose SELECT i, point(i, 1) FROM generate_series(1, 3000) i;
SQL
is($node->safe_psql('postgres', "SELECT * FROM vecstore.check_index('loose_empty')"), '', 'an empty table: vecstore.check_index');
by_workers(build('CREATE INDEX loose_e ON loose USING vecann (e vector_cosine_ops)', $workers_only), 3000, 'undeclared dimension');
is($node->safe_psql('postgres', "SELECT * FROM vecstore.check_index('loose_e')"), '', 'undeclared dimension: vecstore.check_index');
$node->safe_psql('postgres', "DROP INDEX loose_empty, loose_e; INSERT INTO loose VALUES (0, '[1,2,3]')");
$told = build('CREATE INDEX loose_e ON loose USING vecann (e vector_cosine_ops)', $workers_only);
like($told->{messages}, qr/ERROR: .*dimensions/, 'two dimensions: refused');
workers_gone('two dimensions');
$told = build('CREATE INDEX loose_e ON loose USING vecann (e vector_cosine_ops)',
	"$workers_only SET max_parallel_maintenance_workers = 1;");
like($told->{messages}, qr/ERROR: .*dimensions.*\n.*CONTEXT:  parallel worker/s, 'two dimensions in one worker: it refuses');
workers_gone('an error in a worker');

# temporary tables are built by one process
$told = build("CREATE TEMP TABLE mine USING $am AS SELECT * FROM points; CREATE INDEX ON mine USING vecann (e vector_l2_ops);");
is($told->{status}, 0, 'temporary table: built');
ok(!defined $told->{launched}, 'temporary table: no worker');

# canceled at any time
my $cancelled = 0;

$node->safe_psql('postgres', "DROP INDEX points_e, points_part; TRUNCATE points;
	INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(1, 20000) i");
foreach my $settings ('', $workers_only)
{
	for (my $timeout = 1; $timeout < 3000; $timeout *= 2)
	{
		$told = build($create, "$settings SET statement_timeout = $timeout;");
		last if $told->{status} == 0;
		like($told->{messages}, qr/ERROR:  canceling statement due to statement timeout/, "cancelled after $timeout ms");
		$cancelled++;
	}
	workers_gone('cancelled');
	$node->safe_psql('postgres', 'DROP INDEX IF EXISTS points_e');
}
cmp_ok($cancelled, '>=', 2, 'builds were cancelled');
by_workers(build($create, $workers_only), 20000, 'after cancellations');
is_indexed($node, 'after cancellations');

$node->stop;
done_testing();
