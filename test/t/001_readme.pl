# The tour in README.md runs as it is printed, and gives what its comments say.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $readme = slurp_file("$FindBin::Bin/../../README.md");
my ($tour) = $readme =~ /^## A tour.*?^```sql\n(.*?)^```/ms
  or die 'README.md has no tour in SQL';
like($tour, qr/CREATE EXTENSION vecstore;/, 'the tour begins with the extension');

# Counts that stand in comments, as psql prints them unaligned.
my @counts = map { join '|', /(\d+)/g } $tour =~ /^-- (inserted \d+.*)$/mg;
ok(@counts >= 2, 'the tour says what upserts count');

# COPY is in a comment, because its data would not be SQL.
$tour =~ s/^-- (COPY .* FROM STDIN;)$/$1\n7\tyellow\t[1,1,0]\n\\./m or die 'the tour has no COPY';

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
$node->start;
my ($rc, $out, $err) = $node->psql('postgres', $tour, on_error_die => 0, on_error_stop => 1);
is($rc, 0, 'the tour runs') or diag($err);
foreach my $count (@counts)
{
	like($out, qr/^\Q$count\E(\||$)/m, "an upsert counts $count");
}
is($node->safe_psql('postgres', 'SELECT string_agg(title, \' \' ORDER BY id) FROM items'),
	'red green! navy yellow', 'the rows are those that the tour leaves');
is($node->safe_psql('postgres', 'SELECT count(*) FROM vecstore.check(\'items\')'), '0', 'and sound');
$node->stop;

done_testing();
