# A seal drops pending entries of dead rows, and vecstore.flush and vecstore.compact
# drop those in lists, without VACUUM.  They keep entries that a snapshot on the primary
# still sees; a standby's query that may see a dropped one is canceled.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant ROWS => 3000;

my $replace = 'UPDATE points SET version = version + 1, e = point(id, version + 1)';

sub entries
{
	my ($node, $what) = @_;

	return $node->safe_psql('postgres', "SELECT $what FROM vecstore.index_info('points_e')");
}

# The result of points_query, without its BEGIN and COMMIT, in a session that has a snapshot.
sub ask
{
	my ($session) = @_;
	(my $query = points_query()) =~ s/^(BEGIN|COMMIT).*\n//mg;

	return $session->query($query . 'RESET enable_indexscan; RESET enable_seqscan; RESET enable_sort;');
}

seeded();
my $primary = new_primary('primary', init => { allows_streaming => 1 },
	conf => "wal_consistency_checking = all\nautovacuum = off\nwal_keep_size = 1GB\n");
create_points($primary, 'pending_limit = 0');
$primary->safe_psql('postgres', 'INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(1, ' . ROWS . ') i');
$primary->safe_psql('postgres', "SELECT FROM vecstore.flush('points_e')");
is(entries($primary, 'list_rows'), ROWS, 'all rows are in lists');

# dead before they are sealed: rolled back, or replaced in another transaction
# (counting the pending rows makes the session write those that it holds back)
$primary->safe_psql('postgres', "BEGIN; $replace WHERE id <= 300; SELECT vecstore.index_info('points_e'); ROLLBACK;");
$primary->safe_psql('postgres', "$replace WHERE id <= 200") foreach 1 .. 3;
is(entries($primary, 'pending_rows'), 900, 'pending: 300 rolled back, 200 three times');
is($primary->safe_psql('postgres', "SELECT rows_sealed < 900 - 600, rows_sealed >= 200 FROM vecstore.flush('points_e')"),
	't|t', 'those that are dead are not sealed');
is_indexed($primary, 'rows died pending');

# a flush looks for dead entries when there are many, and rewrites the lists that have them
$primary->safe_psql('postgres', "$replace WHERE id % 3 > 0");
$primary->safe_psql('postgres', "SELECT FROM vecstore.flush('points_e')");
is(entries($primary, 'list_rows'), ROWS, 'flush: the dead are known');
cmp_ok(entries($primary, 'list_dead'), '<', ROWS / 4, 'and most are dropped');
$primary->safe_psql('postgres', "$replace WHERE id % 20 = 0");
$primary->safe_psql('postgres', "SELECT FROM vecstore.compact('points_e')");
is(entries($primary, 'list_rows'), ROWS, 'compact: a few dead are known, too');
is_indexed($primary, 'lists pruned');

# HOT chains whose root is dead
$primary->safe_psql('postgres', 'ALTER TABLE points ADD note text; ALTER TABLE points SET (fillfactor = 50); VACUUM FULL points;');
$primary->safe_psql('postgres', "UPDATE points SET note = 'changed' WHERE id % 2 = 0") foreach 1 .. 2;
cmp_ok(
	$primary->safe_psql(
		'postgres', "SELECT pg_stat_force_next_flush(); SELECT n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'points'"),
	'>', ROWS / 2, 'HOT updates were made');
$primary->safe_psql('postgres', "SELECT FROM vecstore.compact('points_e')");
is(entries($primary, 'list_rows'), ROWS, 'their entries stay');
is_indexed($primary, 'HOT chains');

# a snapshot that sees the old rows
my $old = $primary->background_psql('postgres');
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM points;');
$primary->safe_psql('postgres', $replace);
$primary->safe_psql('postgres', "SELECT FROM vecstore.$_('points_e')") foreach qw(flush compact);
is(entries($primary, 'list_rows'), 2 * ROWS, 'entries that an old snapshot sees stay');
is(points_problem(ask($old)), '', 'and it finds all its rows');
is_indexed($primary, 'with an old snapshot');
$old->query_safe('COMMIT');
$old->quit;
$primary->safe_psql('postgres', "SELECT FROM vecstore.compact('points_e')");
is(entries($primary, 'list_rows'), ROWS, 'and go when it is gone');
is_indexed($primary, 'the old snapshot gone');

# a standby: replay waits for a query that sees the old rows, or cancels it
$primary->backup('backup');
foreach my $delay ('-1', '50ms')
{
	my $standby = PostgreSQL::Test::Cluster->new("standby$delay");
	$standby->init_from_backup($primary, 'backup', has_streaming => 1);
	$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = $delay\nhot_standby_feedback = off\n");
	$standby->start;
	$primary->wait_for_catchup($standby);
	my $query = $standby->background_psql('postgres', on_error_stop => 0);
	$query->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM points;');

	my $before = $primary->lsn('insert');
	my $xid = $primary->safe_psql('postgres', "BEGIN; SELECT pg_current_xact_id(); $replace; COMMIT;");
	$primary->safe_psql('postgres', "SELECT FROM vecstore.compact('points_e')");
	my $after = $primary->safe_psql('postgres', 'SELECT pg_current_wal_flush_lsn()');
	# named, because it might take the size of segments from a server that is still empty
	my @segments = split /\|/, $primary->safe_psql('postgres', "SELECT pg_walfile_name('$before'), pg_walfile_name('$after')");
	my ($dump, $complaint) = run_command(
		[ 'pg_waldump', '-p', $primary->data_dir . '/pg_wal', '-s', $before, '-e', $after, '-r', 'Btree', @segments ]);
	like($dump, qr/REUSE_PAGE.*\b0:$xid\b/, 'the transaction that replaced the rows is logged')
	  or diag("pg_waldump from $before to $after: $complaint");
	if ($delay eq '-1')
	{
		# replay goes up to the conflict
		$standby->poll_query_until('postgres', "SELECT pg_last_wal_replay_lsn() > '$before'")
		  or die 'the standby does not replay';
		is(points_problem(ask($query)), '', 'a standby that waits: the old snapshot finds all its rows');
		$query->query('COMMIT');
	}
	else
	{
		$primary->wait_for_catchup($standby);
		isnt(eval { points_problem(ask($query)) }, '', 'a standby that does not wait: the old snapshot is of no use');
		ok($standby->log_contains('terminating connection due to conflict with recovery'), 'its session was ended');
	}
	$primary->wait_for_catchup($standby);
	is(points_problem($standby->safe_psql('postgres', points_query())), '', "standby with delay $delay: all rows afterwards");
	ok(!$standby->log_contains('inconsistent page found'), 'WAL replays to the same pages');
	eval { $query->quit };
	$standby->stop;
}

# crash in the middle of it, and right after
$primary->safe_psql('postgres', $replace);
my $output = '';
my $work = start_psql($primary, "SELECT FROM vecstore.compact('points_e'); $replace;\n" x 20, \$output);
select(undef, undef, undef, 0.3 + rand(1));
crash($primary);
eval { $work->finish };
is_indexed($primary, 'after a crash');
$primary->safe_psql('postgres', "SELECT FROM vecstore.compact('points_e')");
is(entries($primary, 'list_rows'), ROWS, 'compact after a crash');
is_indexed($primary, 'compact after a crash');
$primary->stop;
done_testing();
