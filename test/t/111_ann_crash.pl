# kill -9 while a vecann index is built, filled, sealed, compacted and vacuumed:
# after recovery the index finds exactly the table's rows, and goes on working.
#
# ROUNDS=n sets the number of crashes.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use VecstoreTest;

use constant { ROUNDS => $ENV{ROUNDS} // 8, ROWS => 3000, STEPS => 2000 };

# Writer w owns the ids that are w modulo 2, so that no two wait for each other.
sub writer
{
	my ($w) = @_;
	my $script = '';

	foreach my $step (1 .. STEPS)
	{
		my $first = 2 * int(rand(ROWS / 2)) + $w;
		my $last = $first + int(rand(160));
		my $version = int(rand(1000));
		my $upsert = "INSERT INTO points SELECT i, $version, point(i, $version) FROM generate_series($first, $last, 2) i\n"
		  . 'ON CONFLICT (id) DO UPDATE SET version = excluded.version, e = excluded.e;';

		$script .= (
			$upsert, $upsert,
			"DELETE FROM points WHERE id BETWEEN $first AND $last AND id % 2 = $w;",
			"BEGIN; $upsert ROLLBACK;",
			"UPDATE points SET e = point(id, $version), version = $version WHERE id BETWEEN $first AND $last AND id % 2 = $w;",
			"INSERT INTO points SELECT " . ROWS . " + i, 1, point(@{[ROWS]} + i, 1) FROM generate_series($first, $last, 2) i ON CONFLICT DO NOTHING;"
		)[ rand 6 ] . "\n\\echo w\n";
	}
	return $script;
}

# Work on the index as a whole, mostly of the kind that this round tests.
sub maintainer
{
	my ($favourite) = @_;
	my @work = ("SELECT FROM vecstore.flush('points_e');", "SELECT FROM vecstore.compact('points_e');", 'VACUUM points;',
		'REINDEX INDEX points_e;', 'CHECKPOINT;', 'VACUUM (INDEX_CLEANUP on) points;', 'REINDEX INDEX CONCURRENTLY points_e;',
		'VACUUM (FULL) points;', ($favourite) x 6);

	return join('', map { $work[ rand @work ] . "\n\\echo m\n" } 1 .. STEPS);
}

seeded();
my $node = new_primary('main', conf => "autovacuum = off\nmax_wal_size = 2GB\nlog_statement = none\n");
create_points($node, 'pending_limit = 300');
$node->safe_psql('postgres', 'INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(1, ' . ROWS . ') i');
my @favourites = ("SELECT FROM vecstore.flush('points_e');", "SELECT FROM vecstore.compact('points_e');", 'VACUUM points;',
	'REINDEX INDEX points_e;');
my $done = 0;

foreach my $round (1 .. ROUNDS)
{
	my $favourite = $favourites[ $round % @favourites ];
	my @outputs = ('') x 3;
	my @running = (
		start_psql($node, writer(0), \$outputs[0]), start_psql($node, writer(1), \$outputs[1]),
		start_psql($node, maintainer($favourite), \$outputs[2]));

	my $deadline = time + 60;
	while (grep({ tr/\n// < 3 } @outputs) && time < $deadline)
	{
		pump_psql(@running);
		usleep(10_000);
	}
	usleep(rand(1_500_000));
	crash($node);
	eval { $_->finish } foreach @running;
	$done += $outputs[2] =~ tr/\n//;

	# REINDEX CONCURRENTLY leaves an invalid index behind
	$node->safe_psql('postgres', $_)
	  foreach split /\n/, $node->safe_psql('postgres',
		"SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index WHERE indrelid = 'points'::regclass AND NOT indisvalid");
	is_indexed($node, "round $round");
	if ($round % 3 == 0)
	{
		$node->safe_psql('postgres', "SELECT FROM vecstore.compact('points_e'); VACUUM points;");
		is_indexed($node, "round $round, compacted and vacuumed");
	}
}
cmp_ok($done, '>', ROUNDS, 'the index was worked on');
$node->stop;
done_testing();
