# Seals that come by themselves: a background worker seals while the transaction that
# inserted is still open, the session does it where no worker can, and a worker
# that is terminated leaves nothing that the next one cannot finish.  Checks, which any
# reader of the table may run, do not keep a worker away, and there are as many workers as
# vecann.max_background_seals says.

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

# A transaction that stays open: a worker seals its rows nevertheless.
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

# Committed rows, one statement per transaction.
$node->safe_psql('postgres', insert(1, 3000));
is_indexed($node, 'sealed in the background');

# The session itself seals a table that no other session can open yet, and a
# temporary one.
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

# With the setting off the session seals at once.
is($node->safe_psql('postgres', 'SET vecann.background_seals = off; TRUNCATE points; ' . insert(1, 2000) . "$sealed;") > 300, 1,
	'off: sealed when the statement returns');
is_indexed($node, 'sealed in the foreground');

# Three tables; a check of each stops in the middle, in the predicate of its index.
$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION stops_checks() RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
	IF current_setting('application_name') = 'checker' THEN
		PERFORM pg_advisory_lock_shared(7), pg_advisory_unlock_shared(7);
	END IF;
	RETURN true;
END $$;
SQL
foreach my $table (map { "checked_$_" } 1 .. 3)
{
	$node->safe_psql('postgres', <<"SQL");
CREATE TABLE $table (id int, e vector(16)) USING vecstore;
INSERT INTO $table VALUES (1, point(1, 1));
CREATE INDEX ON $table USING vecann (e vector_l2_ops) WITH (pending_limit = 300) WHERE stops_checks();
SQL
}
my $workers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'vecstore seal' AND wait_event_type = 'Lock'};
my $gate = $node->background_psql('postgres');
$gate->query_safe('SELECT pg_advisory_lock(7)');
my @checks = map { start_psql($node, "SET application_name = 'checker'; SELECT * FROM vecstore.check('checked_$_');", \$out) } 1 .. 3;
ok( $node->poll_query_until('postgres', q{SELECT count(*) = 3 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted}),
	'three checks are under way');
sub fill
{
	my ($table, $rows) = @_;

	return $node->safe_psql('postgres',
		"INSERT INTO $table SELECT i, point(i, 1) FROM generate_series(1, 100) i;\n" x ($rows / 100));
}
sub set_workers
{
	my ($n) = @_;

	$node->append_conf('postgresql.conf', "vecann.max_background_seals = $n");
	$node->reload;
	# sessions that begin from now on have the new setting
	$node->poll_query_until('postgres', "LOAD 'vecstore'; SELECT current_setting('vecann.max_background_seals') = '$n'", "LOAD\nt")
	  or die 'the setting is not taken over';
	return;
}

fill("checked_$_", 900) foreach 1 .. 3;
ok($node->poll_query_until('postgres', "SELECT ($workers) = 2"), 'the workers wait for checks');
fill('checked_3', 200);
is($node->safe_psql('postgres', $workers), '2', 'and there are two, as the setting says');
set_workers(3);
for (my $i = 0; $i < 100 && $node->safe_psql('postgres', $workers) < 3; $i++)
{
	fill('checked_3', 200);
}
is($node->safe_psql('postgres', $workers), '3', 'with a larger one, there are more');
# more checks come, so that one is always under way
push @checks, start_psql($node, "SET application_name = 'checker'; SELECT * FROM vecstore.check('checked_1');", \$out);
ok( $node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'page' AND mode = 'ShareLock' AND NOT granted}),
	'a check that came later waits for the worker');
$gate->query_safe('SELECT pg_advisory_unlock(7)');
$gate->quit;
$_->finish foreach @checks;
foreach my $table (map { "checked_$_" } 1 .. 3)
{
	ok( $node->poll_query_until('postgres', "SELECT coalesce(sum(rows), 0) > 300 FROM vecstore.segments('$table') WHERE state = 'sealed'"),
		"$table is sealed when its check has ended");
}
set_workers(0);
$node->safe_psql('postgres', 'DROP TABLE checked_1, checked_2, checked_3');
is($node->safe_psql('postgres', "LOAD 'vecstore'; SHOW vecann.max_background_seals; TRUNCATE points; " . insert(1, 2000) . "SELECT ($sealed) > 300;"),
	"0\nt", 'none: sealed when the statement returns');
set_workers(2);

# A worker is terminated in the middle of its work; the next one finishes it.
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
