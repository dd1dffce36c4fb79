# An application that flushes all the time does not keep autovacuum from its work.  A
# flush that waits longer than deadlock_timeout for the worker that vacuums the index
# does not cancel it, but observes lock_timeout, and goes on when the worker is done.
#
# In builds with assertions the worker is stopped while it holds the seal lock
# (test/README.md); in others it is slow, and flushes follow each other.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use VecstoreTest;

my $node = new_primary('main', conf => <<'CONF');
autovacuum = on
autovacuum_naptime = 1s
log_autovacuum_min_duration = 0
deadlock_timeout = 20ms
CONF
my $flush = q{SELECT count(*) FROM vecstore.flush('points')};
my $vacuumed = q{SELECT autovacuum_count > 0 FROM pg_stat_user_tables WHERE relname = 'points'};
my $stops = $node->safe_psql('postgres', "LOAD 'vecstore'; SELECT count(*) FROM pg_settings WHERE name = 'vecstore.stop_at'");

create_points($node, 'pending_limit = 0');
$node->safe_psql('postgres', q{
	ALTER TABLE points SET (autovacuum_enabled = off);
	INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(1, 20000) i;
	SELECT FROM vecstore.flush('points');
	DELETE FROM points WHERE id % 10 = 0;
});

# The worker is stopped.  The session that holds it has no snapshot: otherwise there
# would be nothing to vacuum.
my $out = '';
my $holder;
if ($stops)
{
	$holder = start_psql($node, "SELECT pg_advisory_lock(hashtext('bulkdelete: begun'));\nSELECT 1 \\watch 10", \$out);
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted})
	  or die 'the stop point is not held';
	$node->safe_psql('postgres', q{ALTER DATABASE postgres SET vecstore.stop_at = 'bulkdelete: begun'});
}
$node->safe_psql('postgres', q{ALTER TABLE points SET (autovacuum_enabled = on, autovacuum_vacuum_threshold = 10,
	autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 150)});

SKIP:
{
	skip('this build has no stop points', 4) if !$stops;
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}),
		'a worker has the seal lock');
	my ($status, $output, $error) = $node->psql('postgres', "SET lock_timeout = '200ms'; $flush");

	like($error, qr/canceling statement due to lock timeout/, 'lock_timeout holds for a flush that waits for it');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM vecstore.flush('points', wait => false)}), '0', 'another does not wait');

	my $waiting = start_psql($node, $flush, \$out);

	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%vecstore.flush%' AND wait_event_type = 'Extension'})
	  or die 'the flush does not wait';
	# ten times deadlock_timeout
	usleep(200_000);
	$holder->kill_kill;
	$waiting->finish;
	ok(1, 'a third waits until the worker has done');
}

# A worker that was not canceled vacuums the table while other sessions flush.
my $rounds = 0;
while ($node->safe_psql('postgres', $vacuumed) eq 'f' && $rounds++ < 600)
{
	$node->safe_psql('postgres', $flush);
	usleep(100_000) if $rounds > 100;
}
is($node->safe_psql('postgres', $vacuumed), 't', 'the table is vacuumed');
unlike(slurp_file($node->logfile), qr/canceling autovacuum task/, 'the worker was not canceled');
is_indexed($node, 'afterwards');
$node->stop;
done_testing();
