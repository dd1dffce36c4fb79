# Flushes and compactions fail again and again, each at the same step: the next one
# takes up all that they leave behind, and the index's counts become right again.
#
# Needs stop points (test/README.md), which only builds with assertions have: a command
# that waits at one longer than lock_timeout fails there.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $node = new_primary('main', conf => "autovacuum = off\nlog_statement = none\nmax_parallel_workers_per_gather = 0\n");
if ($node->safe_psql('postgres', "LOAD 'vecstore'; SELECT count(*) FROM pg_settings WHERE name = 'vecstore.stop_at'") eq '0')
{
	$node->stop;
	plan(skip_all => 'this build has no stop points');
}
seeded();

# a session that holds the stop points; it has no snapshot, which would keep pages from
# being reused
my $out = '';
my $holder = start_psql($node, q{SELECT count(pg_advisory_lock(hashtext(s)))
	FROM unnest('{seal: assigned,seal: directory written,lists: one walked}'::text[]) s;
SELECT 1 \watch 10}, \$out);
$node->poll_query_until('postgres', q{SELECT count(*) = 3 FROM pg_locks WHERE locktype = 'advisory' AND granted})
  or die 'the stop points are not held';

# The command fails at the stop point.  An xid is consumed, so that retired pages can be
# reused.
sub fails
{
	my ($stop, $command) = @_;
	my ($status, $output, $error) = $node->psql('postgres', "SET vecstore.stop_at = '$stop'; SET lock_timeout = '1ms'; $command");

	$error =~ /canceling statement due to lock timeout/ or die "$command did not fail at $stop: $error";
	$node->safe_psql('postgres', 'SELECT txid_current()');
	return;
}

sub pages
{
	return $node->safe_psql('postgres', q{SELECT pg_relation_size('points_e') / 8192});
}

# Fails the given number of times; returns the index's size after each time.
sub fail_often
{
	my ($stop, $command) = @_;
	my @pages;

	foreach my $attempt (1 .. 10)
	{
		fails($stop, $command);
		push @pages, pages();
	}
	note("$command fails at $stop, pages: @pages");
	return @pages;
}

# The first lists, never published.
create_points($node, 'pending_limit = 0');
$node->safe_psql('postgres', 'INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(1, 4000) i');
my @pages = fail_often('seal: assigned', q{SELECT FROM vecstore.flush('points')});
is($pages[-1], $pages[4], 'the first flush fails: the index does not grow any more');
is_indexed($node, 'while it fails');
$node->safe_psql('postgres', q{SELECT FROM vecstore.flush('points')});
is_indexed($node, 'the first flush');

# Lists that were copied without their dead entries.
$node->safe_psql('postgres', 'DELETE FROM points WHERE id % 2 = 0');
@pages = fail_often('seal: directory written', q{SELECT FROM vecstore.compact('points')});
is($pages[-1], $pages[4], 'a compaction fails: the index does not grow any more');
is_indexed($node, 'while it fails');
$node->safe_psql('postgres', q{SELECT FROM vecstore.compact('points')});
is_indexed($node, 'a compaction');

# A vacuum, and the flush after a failed one, set flags in some lists: the metapage's
# counts are right again after the next flush, and entries that lists lose are not
# counted twice.
$node->safe_psql('postgres', 'INSERT INTO points SELECT i, 2, point(i, 2) FROM generate_series(2, 4000, 2) i; DELETE FROM points WHERE id % 5 = 0');
foreach my $round (1 .. 3)
{
	fails('lists: one walked', 'VACUUM points');
	fails('seal: assigned', q{SELECT FROM vecstore.flush('points')});
	fails('lists: one walked', q{SELECT FROM vecstore.flush('points')});
	is_indexed($node, "flags set in one list, $round");
}
$node->safe_psql('postgres', q{SELECT FROM vecstore.flush('points')});
is_indexed($node, 'flushed');
$node->safe_psql('postgres', q{SELECT FROM vecstore.compact('points')});
is_indexed($node, 'compacted');

$holder->kill_kill;
$node->stop('immediate');
done_testing();
