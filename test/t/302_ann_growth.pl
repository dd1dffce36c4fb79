# The lists of a vecann index follow the rows: their number and sizes stay within
# bounds after vecstore.compact when the table grows 100-fold and when later rows lie
# elsewhere.  Replacing rows again and again does not make the index
# grow, with VACUUM or without.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant { ROWS => 24000, ROUNDS => 20 };

sub sql
{
	my ($node, $sql) = @_;

	return $node->safe_psql('postgres', $sql);
}

# An index of few rows aims at 128 rows per list; a list of 2.5 times that size is split.
sub is_balanced
{
	my ($node, $rows, $what) = @_;
	my ($live, $lists, $largest, $smallest) =
	  split /\|/, sql($node, "SELECT list_rows, lists, largest_list, smallest_list FROM vecstore.index_info('points_e')");
	my $target = $rows / 128;

	is($live, $rows, "$what: $rows rows are in lists");
	cmp_ok($lists, '>', $target / 2.5, "$what: not much fewer lists than $target");
	cmp_ok($lists, '<', $target * 2.5, "$what: nor many more");
	cmp_ok($largest, '<', 128 * 5, "$what: none is large");
	return;
}

my $node = new_primary('main', conf => "autovacuum = off\n");
create_points($node, 'pending_limit = 0');
# scattered, and later rows elsewhere
sql($node, <<'SQL');
CREATE FUNCTION scattered(id int, shift float8) RETURNS vector LANGUAGE sql IMMUTABLE
RETURN (SELECT array_agg((hashint8extended(id, i) % 1000 / 1000.0 + CASE WHEN i <= 8 THEN shift ELSE 0 END)::real)
	FROM generate_series(1, 16) i)::vector;
SQL

my $rows = 0;
foreach my $size (map { ROWS / $_ } 100, 50, 25, 10, 5, 2, 1)
{
	# the second half has its center elsewhere
	my $shift = $size > ROWS / 2 ? 5 : 0;

	sql($node, "INSERT INTO points SELECT id, 0, scattered(id, $shift) FROM generate_series($rows + 1, $size) id");
	sql($node, "SELECT FROM vecstore.flush('points_e')");
	$rows = $size;
	if ($size == ROWS / 2 || $size == ROWS)
	{
		sql($node, "SELECT FROM vecstore.compact('points_e')");
		is_balanced($node, $size, $size == ROWS ? 'drifted' : 'grown');
	}
}
is(sql($node, "SELECT * FROM vecstore.check_index('points_e')"), '', 'vecstore.check_index');

# Each round replaces a tenth of the rows: the pages of one round are used again two
# rounds later.
foreach my $vacuum ('', 'VACUUM points')
{
	my @sizes;

	foreach my $round (1 .. ROUNDS)
	{
		sql($node, "UPDATE points SET e = scattered(id + $round, 0) WHERE id % 10 = $round % 10");
		sql($node, "SELECT FROM vecstore.flush('points_e')");
		sql($node, $vacuum) if $vacuum;
		push @sizes, sql($node, "SELECT pg_relation_size('points_e') / 8192");
	}
	note('pages: ' . join(' ', @sizes));
	cmp_ok($sizes[-1], '<=', 1.1 * $sizes[ ROUNDS / 2 ], "the index does not grow any more" . ($vacuum ? ', with VACUUM' : ''));
}
is_balanced($node, ROWS, 'replaced');
is(sql($node, "SELECT * FROM vecstore.check_index('points_e')"), '', 'vecstore.check_index after all rounds');
$node->stop;
done_testing();
