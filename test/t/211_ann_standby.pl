# Index scans run on a hot standby while the primary upserts, seals, compacts and
# vacuums: the index answers as the sequential scan of the same snapshot does,
# or the query is canceled by the usual recovery conflict.  All WAL is compared
# with the pages it makes (wal_consistency_checking).

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant { ROWS => 2500, STEPS => $ENV{STEPS} // 120 };

sub churn
{
	my $script = '';

	foreach my $step (1 .. STEPS)
	{
		my $first = int(rand(ROWS));
		my $last = $first + int(rand(150));

		$script .= "INSERT INTO points SELECT i, $step, point(i, $step) FROM generate_series($first, $last) i\n"
		  . "ON CONFLICT (id) DO UPDATE SET version = excluded.version, e = excluded.e;\n";
		$script .= "DELETE FROM points WHERE id BETWEEN $last AND $last + 50;\n" if $step % 2;
		$script .= "SELECT FROM vecstore.flush('points_e');\n" if $step % 5 == 0;
		$script .= "VACUUM points;\n" if $step % 7 == 0;
		$script .= "SELECT FROM vecstore.compact('points_e');\n" if $step % 11 == 0;
		$script .= "CHECKPOINT;\n" if $step % 40 == 0;
		$script .= "SELECT pg_sleep(0.02);\n";
	}
	return $script . "\\echo finished\n";
}

seeded();
my $primary = new_primary('primary', init => { allows_streaming => 1 },
	conf => "wal_consistency_checking = all\nautovacuum = off\nmax_wal_size = 2GB\nwal_keep_size = 4GB\nlog_statement = none\n");
create_points($primary, 'pending_limit = 400');
$primary->safe_psql('postgres', 'INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(1, ' . ROWS . ') i');
$primary->backup('backup');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = 400ms\nhot_standby_feedback = off\n");
$standby->start;
$primary->wait_for_catchup($standby);

my $output = '';
my $churn = start_psql($primary, churn(), \$output);
my ($reads, $conflicts) = (0, 0);
my @unexpected;
my $deadline = time + 180;
while ($output !~ /finished/ && time < $deadline)
{
	my ($rc, $stdout, $stderr) = $standby->psql('postgres', points_query());

	if ($rc == 0 && points_problem($stdout) eq '')
	{
		$reads++;
	}
	elsif ($stderr =~ /due to conflict with recovery/)
	{
		$conflicts++;
	}
	else
	{
		push @unexpected, points_problem($stdout) . " $stderr";
		last if @unexpected > 5;
	}
	$churn->pump_nb;
}
$churn->finish;
like($output, qr/finished/, 'the primary went through its work');
is(scalar @unexpected, 0, 'every read was right or in conflict with recovery')
  or diag(join("\n", @unexpected));
cmp_ok($reads, '>', 0, "reads succeeded ($reads, $conflicts conflicts)");

$primary->wait_for_catchup($standby);
is_indexed($primary, 'primary');
is(points_problem($standby->safe_psql('postgres', points_query())), '', 'standby: the index finds all rows in order');
ok(!$standby->log_contains('inconsistent page found'), 'WAL replays to the same pages');

$standby->promote;
$primary->stop;
is_indexed($standby, 'promoted standby');
$standby->safe_psql('postgres',
	"UPDATE points SET version = 9999, e = point(id, 9999) WHERE id % 2 = 0; SELECT FROM vecstore.compact('points_e'); VACUUM points;");
is_indexed($standby, 'promoted standby, written to');
$standby->stop;
done_testing();
