# Queries read a hot standby while the primary changes rows and vacuums: every read
# sees the right values, or is canceled by the usual recovery conflict.  All WAL is
# compared with the pages it makes (wal_consistency_checking), so that a record that
# replays differently stops the standby.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant { ROWS => 400, STEPS => 150 };

# Updates with new values, updates of scalars, deletes, deletes behind the access method
# and new rows, then VACUUM.
sub churn
{
	my ($node) = @_;
	my $script = '';

	foreach my $step (1 .. STEPS)
	{
		my $first = int(rand(ROWS));
		my $last = $first + int(rand(60));
		my $new = 1000 * $step;

		$script .= (
			"UPDATE items i SET (version, small, large, half, body) =\n"
			  . "(SELECT version, small, large, half, body FROM item(i.id, $step, 0)) WHERE id BETWEEN $first AND $last;\n",
			"UPDATE items SET batch = $step WHERE id BETWEEN $first AND $last;\n",
			"DELETE FROM items WHERE id BETWEEN $first AND $last;\n",
			"SELECT delete_behind($first, $last);\n",
			"INSERT INTO items SELECT (item(id, $step, 0)).* FROM generate_series($first, $last) id\n"
			  . "ON CONFLICT (id) DO UPDATE SET version = excluded.version, small = excluded.small,\n"
			  . "large = excluded.large, half = excluded.half, body = excluded.body;\n",
			"INSERT INTO items SELECT (item(id, 1, 0)).* FROM generate_series($new, $new + 20) id;\n"
			  . "DELETE FROM items WHERE id >= $new;\n")[ rand 6 ];
		$script .= "VACUUM items;\n" if $step % 3 == 0;
		$script .= "VACUUM (DISABLE_PAGE_SKIPPING) items;\n" if $step % 8 == 0;
		$script .= "CHECKPOINT;\n" if $step % 40 == 0;
		$script .= "VACUUM (FREEZE, TRUNCATE) items;\n" if $step % 50 == 0;
	}
	return $script . "\\echo finished\n";
}

seeded();
my $primary = new_primary('primary', init => { allows_streaming => 1 },
	conf => "wal_consistency_checking = all\nautovacuum = off\nmax_wal_size = 2GB\nwal_keep_size = 4GB\n");
create_items($primary);
$primary->safe_psql('postgres',
	'INSERT INTO items SELECT (item(id, 1, 0)).* FROM generate_series(0, ' . (ROWS - 1) . ') id');
$primary->backup('backup');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = 200ms\nhot_standby_feedback = off\n");
$standby->start;
$primary->wait_for_catchup($standby);

my $output = '';
my $churn = start_psql($primary, churn($primary), \$output);
my ($reads, $conflicts) = (0, 0);
my @unexpected;

# Transactions that see one snapshot from their first read to their last.
my $read = "BEGIN ISOLATION LEVEL REPEATABLE READ;\n" . wrong_items() . ";\nSELECT pg_sleep(0.03);\n"
  . "SET LOCAL enable_seqscan = off;\n" . wrong_items() . " AND i.id >= 0;\nCOMMIT;\n";
my $deadline = time + 180;
while ($output !~ /finished/ && time < $deadline)
{
	my ($rc, $stdout, $stderr) = $standby->psql('postgres', $read);

	if ($rc == 0 && $stdout eq "0\n\n0")
	{
		$reads++;
	}
	elsif ($stderr =~ /canceling statement due to conflict with recovery|terminating connection due to conflict with recovery/)
	{
		$conflicts++;
	}
	else
	{
		push @unexpected, "$stdout $stderr";
		last if @unexpected > 5;
	}
	$churn->pump_nb;
}
$churn->finish;
like($output, qr/finished/, 'the primary went through its work');
is(scalar @unexpected, 0, 'every read was right or in conflict with recovery')
  or diag(join("\n", @unexpected));
cmp_ok($reads, '>', 0, "reads succeeded ($reads, $conflicts conflicts)");

# values of rows that were deleted behind the access method
$primary->safe_psql('postgres', 'VACUUM (DISABLE_PAGE_SKIPPING) items');
$primary->wait_for_catchup($standby);
my $hash = 'SELECT md5(string_agg(i::text, chr(10) ORDER BY id)) FROM items i';
is($standby->safe_psql('postgres', $hash), $primary->safe_psql('postgres', $hash), 'standby equals primary');
is_sound($primary, 'primary');
is_sound($standby, 'standby');
ok(!$standby->log_contains('inconsistent page found'), 'WAL replays to the same pages');

# the standby takes over
$standby->promote;
$primary->stop;
$standby->safe_psql('postgres', <<'SQL');
UPDATE items i SET (version, small, large, half, body) =
	(SELECT version, small, large, half, body FROM item(i.id, 9999, 0));
VACUUM items;
INSERT INTO items SELECT (item(id, 1, 0)).* FROM generate_series(900001, 900200) id;
SQL
is_sound($standby, 'promoted standby');
$standby->stop;
done_testing();
