# Seals that come by themselves: a background worker seals while the transaction that
# inserted is still open, the session does it where no worker can, and a worker
# that is terminated leaves nothing that the next one cannot finish.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $sealed = q{SELECT coalesce(sum(rows_sealed), 0) FROM vecstore.segments('points') WHERE method = 'flush'};
my $node = new_primary('main', conf => "autovacuum = off\nmax_parallel_workers_per_gather = 0\n");
seeded();
create_points($node, 'pending_limit = 300');

# Rows from first to last, in statements of 100.
sub insert
{
	my ($first, $last) = @_;

	my $script = '';

	for (my $i = $first; $i <= $last; $i += 100)
	{
		$script .= "INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series($i, @{[$i + 99]}) i;\n";
	}
	return $script;
}

# A transaction that stays open: its rows are sealed all the same, by somebody else.
my $out = '';
my $open = start_psql($node, 'BEGIN; ' . insert(1, 2000) . q{SELECT pg_advisory_lock(1); SELECT pg_sleep(600);}, \$out);
ok($node->poll_query_until('postgres', "SELECT ($sealed) > 0"),
	'sealed while the transaction is open');
is($node->safe_psql('postgres', 'SELECT count(*) FROM points'), '0', 'nobody sees its rows');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
	WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
eval { $open->finish };
is_indexed($node, 'after it was rolled back');
ok($node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE backend_type = 'vecstore seal'}),
	'no worker stays');

# Committed rows, a statement a transaction.
$node->safe_psql('postgres', insert(1, 3000));
is_indexed($node, 'sealed in the background');

# A table that nobody else can open yet, and a temporary one: sealed by the session itself.
foreach my $kind ('', 'TEMPORARY')
{
	is( $node->safe_psql('postgres', <<"SQL"), 't', "sealed by the session that made the table $kind");
BEGIN;
CREATE $kind TABLE fresh (id int, v vector(3)) USING vecstore;
CREATE INDEX ON fresh USING vecann (v vector_l2_ops) WITH (pending_limit = 300);
DO \$\$ BEGIN
	FOR i IN 1..20 LOOP
		INSERT INTO fresh SELECT j, ARRAY[i, j, 1]::real[]::vector FROM generate_series(1, 100) j;
	END LOOP;
END \$\$;
SELECT sum(rows_sealed) > 300 FROM vecstore.segments('fresh') WHERE method = 'flush';
COMMIT;
DROP TABLE fresh;
SQL
}

# The setting off: at once, by the session.
is($node->safe_psql('postgres', 'SET vecann.background_seals = off; TRUNCATE points; ' . insert(1, 2000) . "$sealed;") > 300, 1,
	'off: sealed when the statement returns');
is_indexed($node, 'sealed in the foreground');

# A worker that is terminated in the middle; the next one finishes.
SKIP:
{
	skip('this build has no stop points', 11)
	  if $node->safe_psql('postgres', "LOAD 'vecstore'; SELECT count(*) FROM pg_settings WHERE name = 'vecstore.stop_at'") eq '0';
	my $holder = start_psql($node, q{SELECT pg_advisory_lock(hashtext('seal: closed')); SELECT pg_sleep(600);}, \$out);

	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted})
	  or die 'the stop point is not held';
	$node->safe_psql('postgres', q{ALTER DATABASE postgres SET vecstore.stop_at = 'seal: closed'});
	$node->safe_psql('postgres', 'SET vecstore.stop_at = DEFAULT; ' . insert(3001, 4000));
	ok($node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}),
		'the worker is in the middle');
	# without the check, which would wait for the worker
	is(points_problem($node->safe_psql('postgres', points_query())), '', 'the index finds all rows meanwhile');
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE backend_type = 'vecstore seal'});
	is_indexed($node, 'after it was terminated');
	$node->safe_psql('postgres', 'ALTER DATABASE postgres RESET vecstore.stop_at');
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
	eval { $holder->finish };
	$node->safe_psql('postgres', insert(4001, 5000));
	ok( $node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM vecstore.segments('points') WHERE state = 'sealing'}),
		'the next worker finishes it');
	is_indexed($node, 'finished');
}

# No slot for a worker: the session seals.
$node->append_conf('postgresql.conf', "max_worker_processes = 0\n");
$node->restart;
is($node->safe_psql('postgres', 'TRUNCATE points; ' . insert(1, 2000) . "$sealed;") > 300, 1,
	'no worker to be had: sealed when the statement returns');
is_indexed($node, 'without workers');
$node->stop;
done_testing();
