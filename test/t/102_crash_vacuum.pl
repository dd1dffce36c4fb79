# kill -9 while rows are updated, deleted and vacuumed in every way: after recovery
# all acknowledged changes hold, and every row has its values.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use VecstoreTest;

use constant { ROUNDS => 4, WRITERS => 2, ROWS => 600, STEPS => 3000 };

# Writer w owns the ids that are w modulo WRITERS.  Each step prints id and
# the version that it committed, or 0 for a deleted row.
sub writer
{
	my ($w, $version) = @_;
	my $script = '';

	foreach my $step (1 .. STEPS)
	{
		my $id = $w + WRITERS * int(rand(ROWS / WRITERS));
		my $kind = int(rand(10));

		$version++;
		if ($kind == 0)
		{
			$script .= "DELETE FROM items WHERE id = $id;\n\\echo $id 0\n";
		}
		elsif ($kind == 1)
		{
			# undone
			$script .= "BEGIN; UPDATE items i SET small = '[9]', body = 'x' WHERE id = $id; ROLLBACK;\n";
		}
		elsif ($kind == 2)
		{
			# of the values only, so that the version keeps its other values
			$script .= "UPDATE items SET batch = $step WHERE id = $id;\n";
		}
		else
		{
			$script .= "INSERT INTO items SELECT (item($id, $version, $step)).*\n"
			  . "ON CONFLICT (id) DO UPDATE SET version = excluded.version, small = excluded.small,\n"
			  . "large = excluded.large, half = excluded.half, body = excluded.body;\n\\echo $id $version\n";
		}
	}
	return $script;
}

# Vacuums of all kinds, again and again.
sub vacuumer
{
	my @kinds = ('VACUUM items', 'VACUUM (FREEZE) items', 'VACUUM (DISABLE_PAGE_SKIPPING) items', 'VACUUM (INDEX_CLEANUP on) items',
		'CHECKPOINT', 'VACUUM (FULL) items', 'VACUUM items', 'CLUSTER items USING items_pkey', 'VACUUM items',
		'ANALYZE items');

	return join('', map { $kinds[ rand @kinds ] . ";\n\\echo v\n" } 1 .. STEPS);
}

seeded();
my $node = new_primary('main', conf => "max_wal_size = 2GB\nautovacuum = off\n");
create_items($node);
my %version;    # by id, as acknowledged
my $vacuums = 0;
my $start_version = 0;

foreach my $round (1 .. ROUNDS)
{
	my @outputs = ('') x (WRITERS + 1);
	my @running = map { start_psql($node, writer($_, $start_version), \$outputs[$_]) } 0 .. WRITERS - 1;

	push @running, start_psql($node, vacuumer(), \$outputs[WRITERS]);
	$start_version += STEPS;

	my $deadline = time + 60;
	while (grep({ tr/\n// < 10 } @outputs) && time < $deadline)
	{
		pump_psql(@running);
		usleep(10_000);
	}
	usleep(rand(1_500_000));
	crash($node);
	eval { $_->finish } foreach @running;

	$vacuums += $outputs[WRITERS] =~ tr/\n//;
	foreach my $output (@outputs[ 0 .. WRITERS - 1 ])
	{
		# a last line without a line end was cut off
		$version{$1} = $2 while $output =~ /^(\d+) (\d+)\n/mg;
	}

	# Each writer's last step may have been committed without being acknowledged.
	my %found = map { split / / }
	  split /\n/, $node->safe_psql('postgres', "SELECT id || ' ' || version FROM items");
	my @differ = grep { ($found{$_} // 0) != ($version{$_} // 0) } 0 .. ROWS - 1;

	cmp_ok(scalar @differ, '<=', WRITERS, "round $round: acknowledged versions hold")
	  or diag("ids @differ");
	%version = %found;
	is_sound($node, "round $round");
}

cmp_ok($vacuums, '>', ROUNDS, 'vacuums were acknowledged');
$node->safe_psql('postgres', 'VACUUM items');
is_sound($node, 'vacuumed');
$node->safe_psql('postgres', 'INSERT INTO items SELECT (item(id, 1, -1)).* FROM generate_series(10001, 10500) id');
is_sound($node, 'written to again');

# Values that no row names are removed, or still there, after a crash at any time.
foreach my $round (1 .. ROUNDS)
{
	my $first = 10000 + 100 * $round;
	my $output = '';

	$node->safe_psql('postgres', "SELECT delete_behind($first, $first + 99)");
	my $vacuum = start_psql($node, "VACUUM (DISABLE_PAGE_SKIPPING) items;\n\\echo v\n", \$output);
	my $deadline = time + 60;
	if ($round == 1)
	{
		while ($output !~ /v/ && time < $deadline)
		{
			pump_psql($vacuum);
			usleep(10_000);
		}
	}
	else
	{
		pump_psql($vacuum);
		usleep(rand(60_000));
	}
	crash($node);
	eval { $vacuum->finish };
	is_sound($node, 'removed before the crash') if $round == 1;
	$node->safe_psql('postgres', 'VACUUM (DISABLE_PAGE_SKIPPING) items');
	is_sound($node, "removed, crash $round");
	$node->safe_psql('postgres', 'INSERT INTO items SELECT (item(id, 1, -1)).* '
		. "FROM generate_series($first + 1000, $first + 1099) id");
	is_sound($node, "written to again, crash $round");
}
$node->stop;
done_testing();
