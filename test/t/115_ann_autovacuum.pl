# An application that flushes all the time does not keep autovacuum from its work: a flush that
# waits longer than deadlock_timeout for the worker that vacuums the index does not cancel it,
# but observes lock_timeout, and goes on when the worker has done.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $node = new_primary('main', conf => <<'CONF');
autovacuum = on
autovacuum_naptime = 1s
log_autovacuum_min_duration = 0
deadlock_timeout = 20ms
CONF
my $worker_seals = q{SELECT count(*) > 0 FROM pg_locks l JOIN pg_stat_activity a USING (pid)
	WHERE l.locktype = 'page' AND l.page = 0 AND l.granted AND a.backend_type = 'autovacuum worker'};

create_points($node, 'pending_limit = 0');
$node->safe_psql('postgres', q{
	ALTER TABLE points SET (autovacuum_enabled = off);
	INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(1, 20000) i;
	SELECT FROM vecstore.flush('points');
	DELETE FROM points WHERE id % 10 = 0;
});
# slowly: it naps for each few lists
$node->safe_psql('postgres', q{ALTER TABLE points SET (autovacuum_enabled = on, autovacuum_vacuum_threshold = 10,
	autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 150)});
ok($node->poll_query_until('postgres', $worker_seals), 'a worker has the seal lock');

my ($status, $out, $error) = $node->psql('postgres', q{SET lock_timeout = '150ms'; SELECT FROM vecstore.flush('points')});

is($node->safe_psql('postgres', $worker_seals), 't', 'and has it still');
like($error, qr/canceling statement due to lock timeout/, 'lock_timeout holds for a flush that waits for it');
is($node->safe_psql('postgres', q{SELECT count(*) FROM vecstore.flush('points', wait => false)}), '0', 'another does not wait');
is($node->safe_psql('postgres', q{SELECT count(*) FROM vecstore.flush('points')}), '1', 'a third waits until it is over');
ok($node->poll_query_until('postgres', q{SELECT autovacuum_count > 0 FROM pg_stat_user_tables WHERE relname = 'points'}),
	'the table is vacuumed');
unlike(slurp_file($node->logfile), qr/canceling autovacuum task/, 'the worker was not canceled');
is_indexed($node, 'afterwards');
$node->stop;
done_testing();
