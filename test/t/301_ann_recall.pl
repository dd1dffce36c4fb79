# Recall of every operator class on real word vectors, with few lists searched: a
# fault in training, assignment, codes or bounds shows as a lower number.
#
# Three states: built at once; grown by many flushes, and compacted; half of the
# rows pending.  A row of the table below is an operator class, vecann.probes, and
# the least recall at 10 of 150 random rows as queries.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant { ROWS => 5000, FLUSHES => 10 };

my @least = (
	[ 'vector_l2_ops', 'v', 4, 0.84 ],
	[ 'vector_ip_ops', 'v', 4, 0.84 ],
	[ 'vector_cosine_ops', 'v', 4, 0.85 ],
	[ 'vector_cosine_ops', 'v', 12, 0.96 ],
	[ 'halfvec_l2_ops', 'h', 4, 0.84 ],
	[ 'halfvec_ip_ops', 'h', 4, 0.84 ],
	[ 'halfvec_cosine_ops', 'h', 4, 0.85 ],
	[ 'bit_hamming_ops', 'b', 4, 0.87 ]);

my $node = new_primary('main', conf => "autovacuum = off\nmax_parallel_maintenance_workers = 0\n");
my $words = "$FindBin::Bin/../data/words-5k.tsv.gz";

$node->safe_psql('postgres', <<"SQL");
CREATE TABLE given (id int, word text, v vector(100));
COPY given FROM PROGRAM 'gzip -dc "$words"';
SQL

# The words in random order, so that flushes do not get them by frequency.
sub create_words
{
	my ($name) = @_;

	$node->safe_psql('postgres', <<"SQL");
CREATE TABLE $name (id int PRIMARY KEY, v vector(100), h halfvec(100), b bit(100)) USING vecstore;
SQL
	return;
}

sub insert_words
{
	my ($name, $from, $to) = @_;

	$node->safe_psql('postgres', <<"SQL");
INSERT INTO $name SELECT nth, v, v::halfvec, binary_quantize(v)::bit(100)
FROM (SELECT v, row_number() OVER (ORDER BY hashint4(id), id) AS nth FROM given) g WHERE nth BETWEEN $from AND $to;
SQL
	return;
}

sub create_indexes
{
	my ($name) = @_;
	my %done;

	foreach my $case (@least)
	{
		my ($opclass, $column) = @$case;

		next if $done{$opclass}++;
		$node->safe_psql('postgres',
			"CREATE INDEX ${name}_$opclass ON $name USING vecann ($column $opclass) WITH (pending_limit = 0)");
	}
	return;
}

# setseed makes the same rows queries each time.
sub measure
{
	my ($name, $state) = @_;

	foreach my $case (@least)
	{
		my ($opclass, $column, $probes, $least) = @$case;
		my $recall = $node->safe_psql('postgres', <<"SQL");
SET vecann.probes = $probes;
SELECT FROM setseed(0.5);
SELECT recall FROM vecstore.recall('${name}_$opclass', 10, 150);
SQL
		$recall =~ s/\s//g;
		cmp_ok($recall, '>=', $least, "$state: $opclass with $probes probes finds $recall");
	}
	return;
}

create_words('built');
insert_words('built', 1, ROWS);
create_indexes('built');
measure('built', 'built at once');

create_words('grown');
create_indexes('grown');
foreach my $part (1 .. FLUSHES)
{
	insert_words('grown', ROWS / FLUSHES * ($part - 1) + 1, ROWS / FLUSHES * $part);
	$node->safe_psql('postgres', "SELECT FROM vecstore.flush('grown')");
}
$node->safe_psql('postgres', "SELECT FROM vecstore.compact('grown')");
measure('grown', 'grown and compacted');

create_words('pending');
insert_words('pending', 1, ROWS / 2);
create_indexes('pending');
insert_words('pending', ROWS / 2 + 1, ROWS);
measure('pending', 'half of it pending');

foreach my $name (qw(built grown pending))
{
	is($node->safe_psql('postgres', "SELECT count(*) FROM vecstore.check('$name')"), 0, "$name is sound");
}
$node->stop;
done_testing();
