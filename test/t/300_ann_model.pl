# A vecann index against the sequential scan after any mix of changes: with all
# lists probed and the widest bound an index scan returns every row once, in
# exactly the order of exact distance.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant { ROUNDS => $ENV{ROUNDS} // 60, DIMS => 24, KEYS => 4000 };

my $exact = "SET vecann.probes = 1000000; SET vecann.epsilon = 1000;";
my $by_index = "SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off;";
my $by_scan = "SET enable_indexscan = off;";
# operator classes that are compared, each on a table of its own
my @kinds = (
	{ table => 'l2', type => 'vector', ops => 'vector_l2_ops', op => '<->' },
	{ table => 'ip', type => 'vector', ops => 'vector_ip_ops', op => '<#>' },
	{ table => 'cosine', type => 'vector', ops => 'vector_cosine_ops', op => '<=>' },
	{ table => 'half', type => 'halfvec', ops => 'halfvec_l2_ops', op => '<->' });

seeded();
my $node = new_primary('main', conf => "autovacuum = off\nwork_mem = '64MB'\n");

# A vector near one of 40 centers; now and then zeros, or an earlier vector.
my @centres = map { [ map { rand(2) - 1 } 1 .. DIMS ] } 1 .. 40;
my @seen;

sub vector
{
	my $dice = rand;

	return '[' . join(',', (0) x DIMS) . ']' if $dice < 0.002;
	return $seen[ rand @seen ] if $dice < 0.05 && @seen;
	my $centre = $centres[ rand @centres ];
	my $text = '[' . join(',', map { sprintf('%.4f', $_ + rand(0.6) - 0.3) } @$centre) . ']';

	push @seen, $text if @seen < 500;
	return $text;
}

sub rows
{
	my ($n) = @_;
	my %keys = map { int(rand(KEYS)) => 1 } 1 .. $n;

	return join(',', map { my $v = rand() < 0.02 ? 'NULL' : "'" . vector() . "'"; "($_, $v, " . int(rand(100)) . ')' } keys %keys);
}

sub range
{
	my $from = int(rand(KEYS));

	return "id BETWEEN $from AND " . ($from + int(rand(60)));
}

# A statement, or a few in one transaction.
sub change
{
	my ($t) = @_;
	my $upsert = sub {
		"INSERT INTO $t VALUES " . rows($_[0]) . ' ON CONFLICT (id) DO UPDATE SET e = excluded.e, tag = excluded.tag;';
	};
	my @changes = (
		sub { $upsert->(1 + int(rand(200))) },
		sub { $upsert->(1) },
		sub { "UPDATE $t SET tag = tag + 1 WHERE " . range() . ';' },
		sub { "UPDATE $t SET e = '" . vector() . "' WHERE " . range() . ' AND id % 7 = 0;' },
		sub { "UPDATE $t SET other = other + 1 WHERE " . range() . ';' },
		sub { "DELETE FROM $t WHERE " . range() . ';' },
		sub { 'BEGIN; ' . $upsert->(50) . " DELETE FROM $t WHERE " . range() . '; ROLLBACK;' },
		sub { 'BEGIN; ' . $upsert->(20) . ' SAVEPOINT s; ' . $upsert->(20) . ' ROLLBACK TO s; ' . $upsert->(5) . ' COMMIT;' },
		sub { "SELECT vecstore.flush('$t');" },
		sub { "SELECT vecstore.flush('$t');" },
		sub { "SELECT vecstore.compact('$t');" },
		sub { "VACUUM $t;" });

	push @changes, sub { "REINDEX INDEX ${t}_e_idx;" }, sub { "VACUUM FULL $t;" },
	  sub { "REINDEX INDEX CONCURRENTLY ${t}_e_idx;" } if rand() < 0.05;
	return $changes[ rand @changes ]->();
}

# Ids in order of distance, ties by id; a NaN (zero vector under cosine) is last.
sub answers
{
	my ($settings, $kind, $query, $limit) = @_;
	my $rows = $node->safe_psql('postgres', <<"SQL");
$exact $settings
SELECT id, d FROM (SELECT id, e $kind->{op} '$query' AS d FROM $kind->{table}
	WHERE e IS NOT NULL ORDER BY e $kind->{op} '$query' LIMIT $limit) s
SQL
	my @rows = map { [ split /\|/ ] } split /\n/, $rows;

	return \@rows;
}

sub number
{
	return $_[0] eq 'NaN' ? 9e99 : $_[0];
}

# Compares an index scan of all rows with the sequential scan.  The index works
# with distances of float precision: rows nearer to each other than that may
# change places.
sub compare
{
	my ($kind, $query) = @_;
	my $scan = answers($by_scan, $kind, $query, 'ALL');
	my $index = answers($by_index, $kind, $query, 'ALL');
	my @problems;
	my %seen;

	push @problems, 'row ' . $_->[0] . ' returned twice' foreach grep { $seen{ $_->[0] }++ } @$index;
	push @problems, "row $_ is missing" foreach grep { !$seen{$_} } map { $_->[0] } @$scan;
	push @problems, @$index . ' rows, not ' . @$scan if @$index != @$scan;
	for (my $i = 0; $i < @$scan && $i < @$index && !@problems; $i++)
	{
		my ($a, $b) = (number($scan->[$i][1]), number($index->[$i][1]));

		push @problems, "row $i is at $b, not $a" if abs($a - $b) > 1e-5 * (1 + abs($a));
	}
	return @problems;
}

foreach my $kind (@kinds)
{
	my $t = $kind->{table};
	my $limit = 200 + int(rand(1500));

	$node->safe_psql('postgres', <<"SQL");
CREATE TABLE $t (id int PRIMARY KEY, e $kind->{type}(@{[DIMS]}), tag int, other int DEFAULT 0) USING vecstore;
CREATE INDEX ${t}_other ON $t (other);
CREATE INDEX ${t}_e_idx ON $t USING vecann (e $kind->{ops}) WITH (pending_limit = $limit, bits = @{[1 + int(rand(8))]});
SQL
	note("$t: pending_limit $limit");
}

my $plan = $node->safe_psql('postgres', "$by_index EXPLAIN SELECT id FROM l2 WHERE e IS NOT NULL ORDER BY e <-> '" . vector() . "'");
like($plan, qr/Index Scan using l2_e_idx/, 'the index is compared');

foreach my $round (1 .. ROUNDS)
{
	foreach my $kind (@kinds)
	{
		my @done = map { change($kind->{table}) } 1 .. 6;
		my @problems;

		$node->safe_psql('postgres', $_) foreach @done;
		push @problems, compare($kind, vector()) foreach 1 .. 2;
		next if !@problems;
		is(join("\n", @problems), '', "round $round, $kind->{table}: index and scan agree");
		diag(map { substr($_, 0, 100) . "\n" } @done);
		done_testing();
		exit 1;
	}
	crash($node) if $round % 20 == 0;
}

# A filter that keeps one row in a thousand gives all rows that pass.
foreach my $kind (@kinds)
{
	my $t = $kind->{table};

	pass("$t: index and scan agreed in " . ROUNDS . ' rounds');
	$node->safe_psql('postgres', "UPDATE $t SET tag = -1 WHERE id IN (SELECT id FROM $t WHERE e IS NOT NULL ORDER BY md5(id::text) LIMIT 4)");
	my $found = $node->safe_psql('postgres', <<"SQL");
RESET vecann.probes; SET vecann.probes = 1; $by_index
SELECT count(*) FROM (SELECT id FROM $t WHERE tag = -1 ORDER BY e $kind->{op} '@{[vector()]}' LIMIT 10) s
SQL
	is($found, 4, "$t: a scan goes on until the filter has all its rows");
	is_checked($node, 'postgres', $t, $t);
}
$node->stop;
done_testing();
