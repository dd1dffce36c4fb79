# Unreachable pages of a vecann index.  A snapshot of another database does not keep
# them from being reused; a snapshot of the session itself does, in a temporary table
# too.  VACUUM gives the pages at the end of the index back, unless vacuum_truncate is
# off or the index is open, and a standby follows.

use strict;
use warnings;

use FindBin;
use List::Util qw(max);
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant { ROWS => 1500, ROUNDS => 10 };

my $begin = 'BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_class;';

seeded();
my $node = new_primary('main', init => { allows_streaming => 1 },
	conf => "autovacuum = off\nwal_consistency_checking = all\nwal_keep_size = 1GB\nrestart_after_crash = off\n");
$node->safe_psql('postgres', 'CREATE DATABASE other');
create_points($node, 'pending_limit = 0');
$node->safe_psql('postgres', 'INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(1, ' . ROWS . ') i');
$node->safe_psql('postgres', "SELECT FROM vecstore.compact('points_e')");

sub pages
{
	my ($server) = @_;

	return $server->safe_psql('postgres', "SELECT pg_relation_size('points_e') / 8192");
}

# Replaces all rows, again and again; returns the largest size of the index.
sub churn
{
	my ($after) = @_;
	my @sizes;

	foreach (1 .. ROUNDS)
	{
		$node->safe_psql('postgres', $_)
		  foreach ('UPDATE points SET version = version + 1, e = point(id, version + 1)', "SELECT FROM vecstore.flush('points_e')", $after);
		push @sizes, pages($node);
	}
	note("pages: @sizes");
	return max(@sizes);
}

# A snapshot of another database, of this one, and none.
my $usual = churn('VACUUM points');
my $session = $node->background_psql('other');
$session->query_safe($begin);
cmp_ok(churn('VACUUM points'), '<', 1.5 * $usual, 'pages are reused while another database has an old snapshot');
$session->query_safe('COMMIT');
$session->quit;
is_indexed($node, 'pages reused');

# A cursor on a temporary table, whose session seals while others take transaction ids.
$session = $node->background_psql('postgres');
$session->query_safe(<<'SQL');
CREATE TEMPORARY TABLE mine (id int PRIMARY KEY, e vector(16)) USING vecstore;
CREATE INDEX mine_e ON mine USING vecann (e vector_l2_ops) WITH (pending_limit = 0);
INSERT INTO mine SELECT i, point(i, 1) FROM generate_series(1, 1000) i;
SELECT FROM vecstore.compact('mine_e');
SET enable_seqscan = off; SET enable_sort = off; SET vecann.probes = 1;
SQL
$session->query_safe('BEGIN; DECLARE c CURSOR FOR SELECT id FROM mine ORDER BY e <-> point(1, 1); FETCH 1 FROM c;');
foreach my $round (1 .. 4)
{
	$session->query_safe("INSERT INTO mine SELECT 1000 * $round + i, point(i, $round) FROM generate_series(1, 1000) i; SELECT FROM vecstore.compact('mine_e');");
	$node->safe_psql('postgres', 'SELECT pg_current_xact_id()');
}
my %seen;
$seen{$_}++ foreach split /\n/, $session->query_safe('FETCH ALL FROM c');
is(scalar(grep { $_ <= 1000 } keys %seen), 999, 'a cursor on a temporary table finds the rest of its rows');
is($session->query_safe("COMMIT; SELECT * FROM vecstore.check_index('mine_e');"), '', 'and its index is sound');
$session->quit;

# An old snapshot of this database keeps all pages.  When it is gone, VACUUM gives those
# at the end back.
$session = $node->background_psql('postgres');
$session->query_safe($begin);
my $bloated = churn('');
cmp_ok($bloated, '>', 2 * $usual, 'a snapshot of this database keeps pages');
$session->query_safe('COMMIT');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$node->backup('backup');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = 50ms\nhot_standby_feedback = off\n");
$standby->start;

# VACUUM does not cut the index while another session has it open, here without having
# read from it.
$session->query_safe('BEGIN; EXPLAIN SELECT id FROM points ORDER BY e <-> point(1, 1) LIMIT 1;');
$node->safe_psql('postgres', 'VACUUM points');
cmp_ok(pages($node), '>=', $bloated, 'VACUUM does not cut off pages of an index that is open');
$session->query_safe('COMMIT');
$session->quit;
$bloated = pages($node);
$node->safe_psql('postgres', 'ALTER TABLE points SET (vacuum_truncate = off)');
churn('VACUUM points');
cmp_ok(pages($node), '>=', $bloated, 'nor against vacuum_truncate');
$bloated = pages($node);
$node->safe_psql('postgres', 'ALTER TABLE points RESET (vacuum_truncate)');

# The leader of parallel workers gets no transaction id, which the lock for standbys needs.
$node->safe_psql('postgres', 'CREATE INDEX points_version ON points (version)');
$node->safe_psql('postgres', 'SET min_parallel_index_scan_size = 0; VACUUM (PARALLEL 2) points');
is(pages($node), $bloated, 'VACUUM with parallel workers cuts nothing off');
$node->safe_psql('postgres', 'DROP INDEX points_version');
$node->wait_for_catchup($standby);
my $reader = $standby->background_psql('postgres', on_error_stop => 0);
$reader->query('BEGIN; EXPLAIN SELECT id FROM points ORDER BY e <-> point(1, 1) LIMIT 1;');
$node->safe_psql('postgres', 'CREATE INDEX points_later ON points USING vecann (e vector_ip_ops) WITH (pending_limit = 0)');
$node->safe_psql('postgres', 'UPDATE points SET version = version WHERE id <= 100');
my $from = $node->lsn('insert');
$node->safe_psql('postgres', 'VACUUM points');
my $to = $node->lsn('flush');
my $left = pages($node);
cmp_ok($left, '<', 0.7 * $bloated, 'VACUUM cuts off pages at the end');
is_indexed($node, 'pages cut off');
my $log = $node->data_dir . '/pg_wal';
my ($wal) = run_command([ 'pg_waldump', '-p', $log, '-s', $from, '-e', $to ]);
like($wal, qr/Generic.*Standby\s.*LOCK.*TRUNCATE/s, 'it locks the index');
unlike($wal, qr/Standby\s.*LOCK.*Generic/s, 'when all indexes are sealed, for a standby has it locked to the end');
$node->safe_psql('postgres', 'DROP INDEX points_later');
$node->wait_for_catchup($standby);
is(pages($standby), $left, 'a standby does the same');
ok($standby->log_contains('conflict with recovery'), 'and does not wait for who has the index open');
eval { $reader->quit };
is(points_problem($standby->safe_psql('postgres', points_query())), '', 'its index finds all rows');

# Sessions that knew the index before go on; so does the server after a crash, with what the
# free space map still says of the pages.
cmp_ok(churn('VACUUM points'), '<', 0.8 * $bloated, 'the index does not grow again');
$node->wait_for_catchup($standby);
is(points_problem($standby->safe_psql('postgres', points_query())), '', 'the standby follows');
ok(!$standby->log_contains('inconsistent page found'), 'WAL replays to the same pages');
$standby->stop;
crash($node);
is_indexed($node, 'after a crash');
churn('');
is_indexed($node, 'written to after a crash');
$node->stop;
done_testing();
