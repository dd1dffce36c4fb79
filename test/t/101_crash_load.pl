# kill -9 in the middle of bulk loads: after recovery every acknowledged batch
# is there, every other batch is there in whole or not at all, and every row
# has its values.

use strict;
use warnings;

use Digest::MD5 qw(md5_hex);
use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);
use VecstoreTest;

use constant { ROUNDS => 4, LOADERS => 3, BATCHES => 500, BATCH_ROWS => 40 };

# An item as a line of COPY.
sub copy_line
{
	my ($id, $batch) = @_;
	my $small = join(',', ($id) x 150, (1) x 150);
	my $large = $id % 3 == 0 ? '[' . join(',', ($id) x 1250, (1) x 1250) . ']' : '\N';
	my $half = join(',', ($id % 2048) x 200, (1) x 200);
	my $body = $id % 5 == 0 ? md5_hex("$id,1") x 100 : "$id,1";

	return "$id\t1\t$batch\t[$small]\t$large\t[$half]\t$body\n";
}

# Batches by INSERT, by COPY, or in subtransactions; each printed once committed.
sub loader
{
	my ($first_batch) = @_;
	my $script = '';

	foreach my $batch ($first_batch .. $first_batch + BATCHES - 1)
	{
		my $first = $batch * BATCH_ROWS;
		my $last = $first + BATCH_ROWS - 1;
		my $middle = $first + BATCH_ROWS / 2;
		my $rows = "INSERT INTO items SELECT (item(id, 1, $batch)).* FROM generate_series";

		if ($batch % 3 == 0)
		{
			$script .= "$rows($first, $last) id;\n";
		}
		elsif ($batch % 3 == 1)
		{
			$script .= "COPY items FROM stdin;\n"
			  . join('', map { copy_line($_, $batch) } $first .. $last) . "\\.\n";
		}
		else
		{
			$script .= "BEGIN; $rows($first, $middle - 1) id; SAVEPOINT a;\n"
			  . "$rows($first + 1000000, $last + 1000000) id; ROLLBACK TO a;\n"
			  . "$rows($middle, $last) id; COMMIT;\n";
		}
		$script .= "\\echo $batch\n";
	}
	return $script;
}

seeded();
my $node = new_primary('main', conf => "max_wal_size = 2GB\n");
create_items($node);
my $next_batch = 0;
my $acknowledged = 0;

foreach my $round (1 .. ROUNDS)
{
	my @outputs = ('') x LOADERS;
	my @loaders;

	for my $i (0 .. LOADERS - 1)
	{
		push @loaders, start_psql($node, loader($next_batch), \$outputs[$i]);
		$next_batch += BATCHES;
	}
	# after some progress, any moment will do for the crash
	my $deadline = time + 60;
	while (grep({ $_ eq '' } @outputs) && time < $deadline)
	{
		pump_psql(@loaders);
		usleep(10_000);
	}
	$node->safe_psql('postgres', 'CHECKPOINT') if $round % 2;
	usleep(100_000 + rand(1_000_000));
	crash($node);
	eval { $_->finish } foreach @loaders;

	my @done = map { split /\n/ } @outputs;
	my $list = join(',', @done);
	cmp_ok(scalar @done, '<', LOADERS * BATCHES, "round $round: killed while loading");
	$acknowledged += @done;
	is( $node->safe_psql('postgres',
			"SELECT count(*) FROM unnest('{$list}'::int[]) b
			 WHERE (SELECT count(*) FROM items WHERE batch = b) <> " . BATCH_ROWS),
		'0', "round $round: the acknowledged batches are complete");
	is( $node->safe_psql('postgres',
			'SELECT count(*) FROM (SELECT FROM items GROUP BY batch HAVING count(*) <> ' . BATCH_ROWS . ') b'),
		'0', "round $round: no batch in part");
	is_sound($node, "round $round");
}

cmp_ok($acknowledged, '>', 0, 'batches were acknowledged');
$node->safe_psql('postgres', 'VACUUM items');
$node->safe_psql('postgres', 'INSERT INTO items SELECT (item(id, 2, -1)).* FROM generate_series(2000001, 2000100) id');
is_sound($node, 'vacuumed and written to again');
$node->stop;
done_testing();
