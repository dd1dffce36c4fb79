# A flush and a vacuum die at each of their steps, by pg_terminate_backend and by
# kill -9 of the server: the index finds exactly the table's rows at once, and again
# after the next flush or vacuum, which finishes the work.
#
# Needs stop points (test/README.md), which only builds with assertions have.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant ROWS => 1200;

# Stop points, and the commands that reach them.
my @stops = (
	(map { [ "seal: $_", q{SELECT FROM vecstore.flush('points_e')} ] } 'begun', 'page closed', 'closed', 'list written', 'assigned', 'published', 'retired'),
	(map { [ $_, 'VACUUM points' ] } 'bulkdelete: pending done', 'seal: directory written', 'seal: list written', 'seal: published', 'sweep: marked'));

my $node = new_primary('main', conf => "autovacuum = off\nlog_statement = none\nmax_parallel_workers_per_gather = 0\n");
if ($node->safe_psql('postgres', "LOAD 'vecstore'; SELECT count(*) FROM pg_settings WHERE name = 'vecstore.stop_at'") eq '0')
{
	$node->stop;
	plan(skip_all => 'this build has no stop points');
}
seeded();
create_points($node, 'pending_limit = 0');

# New rows and new versions, in lists and pending, and many dead ones.
sub change_rows
{
	my ($version) = @_;

	$node->safe_psql('postgres', <<"SQL");
INSERT INTO points SELECT i, $version, point(i, $version) FROM generate_series(1, @{[ROWS]}) i
	ON CONFLICT (id) DO UPDATE SET version = excluded.version, e = excluded.e WHERE points.id % 3 = $version % 3;
SELECT FROM vecstore.flush('points_e');
DELETE FROM points WHERE id % 10 = $version % 10;
INSERT INTO points SELECT i, $version, point(i, $version) FROM generate_series($version, @{[ROWS]}, 7) i
	ON CONFLICT (id) DO UPDATE SET version = excluded.version, e = excluded.e;
SQL
	return;
}

# Starts the command, and returns when it waits at the stop point.
sub stop_at
{
	my ($stop, $command) = @_;
	my @sessions;
	my $out = '';

	push @sessions, start_psql($node, "SELECT pg_advisory_lock(hashtext('$stop')); SELECT pg_sleep(600);", \$out);
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND granted})
	  or die 'the stop point is not held';
	push @sessions, start_psql($node, "SET vecstore.stop_at = '$stop'; $command;", \$out);
	$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted})
	  or die "nobody came to $stop";
	return @sessions;
}

my $version = 0;

foreach my $stop (@stops)
{
	my ($name, $command) = @$stop;

	foreach my $death ('terminated', 'crashed')
	{
		my $what = "$command $death at $name";

		change_rows(++$version);
		my @sessions = stop_at($name, $command);
		if ($death eq 'crashed')
		{
			crash($node);
		}
		else
		{
			$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
				WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()});
		}
		eval { $_->finish } foreach @sessions;
		is_indexed($node, $what);
		$node->safe_psql('postgres', "$command;");
		is_indexed($node, "$what, and again");
	}
}
$node->stop;
done_testing();
