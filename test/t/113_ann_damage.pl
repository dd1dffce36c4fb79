# Pages of a vecann index are damaged while the server is down: vecstore.check or an
# error says what is wrong; no check, search or flush crashes the server.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant { PAGE => 8192, OPAQUE => 24, NOTHING => 0xFFFFFFFF };
use constant { META => 1, PENDING => 2, EXTENT => 3, CODES => 4, DETAIL => 5, DIRECTORY => 6, CENTROID => 7, SEGMENT => 8 };

# Checksums, the default since PostgreSQL 18, would find all of the damage.
my $initdb_has_it = `initdb --help` =~ /--no-data-checksums/;
my $node = new_primary('main', conf => "autovacuum = off\n", init => $initdb_has_it ? { extra => ['--no-data-checksums'] } : {});

create_points($node, 'pending_limit = 0');
$node->safe_psql('postgres', <<'SQL');
INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(1, 6000) i;
SELECT vecstore.flush('points');
INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(6001, 7500) i;
CHECKPOINT;
SQL
is($node->safe_psql('postgres', "SELECT * FROM vecstore.check('points_e')"), '', 'sound at first');
is($node->safe_psql('postgres', "SELECT * FROM vecstore.check('points')"), '', 'the table too');
my $path = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('points_e')");
$node->stop;
my $sound = slurp_file($path);
my $pages = length($sound) / PAGE;

# Fields of a page of an image.
sub get { my ($file, $block, $at, $format) = @_; return unpack($format, substr($$file, $block * PAGE + $at, 8)); }
sub put { my ($file, $block, $at, $format, $value) = @_; my $bytes = pack($format, $value);
	substr($$file, $block * PAGE + $at, length($bytes)) = $bytes; return; }
sub of_kind { my ($file, $kind) = @_; return grep { get($file, $_, PAGE - OPAQUE + 16, 'S') == $kind
		&& !(get($file, $_, PAGE - OPAQUE + 18, 'S') & 2) } 0 .. $pages - 1; }
use constant { NEXT => PAGE - OPAQUE + 8, KIND => PAGE - OPAQUE + 16, USED => PAGE - OPAQUE + 20 };

# Of an extent's first page, behind the page header.
use constant { EXTENT_NEXT => 24, EXTENT_ENTRIES => 28 };
my ($directory) = of_kind(\$sound, DIRECTORY);
my @extents = of_kind(\$sound, EXTENT);
my @pending = of_kind(\$sound, PENDING);
my @details = of_kind(\$sound, DETAIL);
ok(@extents > 10 && @pending > 2 && @details > 10, 'there are pages of each kind');
# [name, change of the file, message that check must give]
my @damages = (
	[ 'metapage zeroed', sub { substr(${ $_[0] }, 0, PAGE) = "\0" x PAGE }, qr/damaged at block 0: an unexpected page, which is empty/ ],
	[ 'metapage: magic', sub { put($_[0], 0, 24, 'L', 1) }, qr/is not a vecann index/ ],
	[ 'metapage: version', sub { put($_[0], 0, 28, 'L', 77) }, qr/format version 77/ ],
	[ 'metapage: dimensions', sub { put($_[0], 0, 32, 'L', 70000) }, qr/damaged at block 0: values of 70000 dimensions/ ],
	[ 'metapage: another seal', sub { put($_[0], 0, 24 + 28, 'L', 7) }, qr/seal 7 is under way after/ ],
	[ 'metapage: directory elsewhere', sub { put($_[0], 0, 24 + 36, 'L', $extents[0]) }, qr/directory page \d+ is of another kind/ ],
	[ 'metapage: directory beyond the end', sub { put($_[0], 0, 24 + 36, 'L', $pages + 5) }, qr/directory page \d+ is beyond the end/ ],
	[ 'metapage: number of lists', sub { put($_[0], 0, 24 + 40, 'L', 3) }, qr/the metapage says 3 lists|the metapage says 3 of/ ],
	[ 'metapage: rows in lists', sub { put($_[0], 0, 24 + 48, 'q', 1234567) }, qr/lists hold 6000 entries.*says 1234567/ ],
	[ 'metapage: more lists than pages', sub { put($_[0], 0, 24 + 40, 'L', 2_000_000_000) }, qr/the metapage says 2000000000 lists/ ],
	[ 'metapage: no lists', sub { put($_[0], 0, 24 + 40, 'L', 0) }, qr/the metapage says 0 lists/ ],
	[ 'metapage: another metric', sub { put($_[0], 0, 24 + 12, 'C', 3) }, qr/metric 3 of values of kind 1/ ],
	[ 'metapage: bits of a code', sub { put($_[0], 0, 24 + 13, 'C', 0) }, qr/codes of 0 bits/ ],
	[ 'metapage: no center', sub { put($_[0], 0, 24 + 68, 'L', NOTHING) }, qr/leads to a directory and to no center/ ],
	[ 'metapage: center elsewhere', sub { put($_[0], 0, 24 + 68, 'L', $extents[0]) }, qr/center page \d+ is of another kind/ ],
	[ 'metapage: no segments', sub { put($_[0], 0, 24 + 44, 'L', NOTHING) }, qr/leads to no segment/ ],
	[ 'metapage: segments elsewhere', sub { put($_[0], 0, 24 + 44, 'L', $extents[0]) }, qr/segment page \d+ is of another kind/ ],
	[ 'metapage: a chain without its end', sub { put($_[0], 0, 24 + 72 + 12 * $_ + 4, 'L', NOTHING) foreach 0 .. 7 }, qr/a pending chain of/ ],
	[ 'directory: too many lists by its head', sub { put($_[0], $directory, 28, 'L', 2_000_000_000) }, qr/a directory of 2000000000 lists/ ],
	[ 'segments: another number', sub { my ($s) = of_kind($_[0], SEGMENT); put($_[0], $s, 64, 'L', 9) }, qr/has segment 9 before/ ],
	[ 'directory: a list lost', sub { put($_[0], $directory, USED, 'S', get($_[0], $directory, USED, 'S') - 1) }, qr/the directory has \d+ lists/ ],
	[ 'directory: too many lists', sub { put($_[0], $directory, USED, 'S', 60000) }, qr/directory page \d+ is a page with more entries than fit on it/ ],
	[ 'centroids: end early', sub { put($_[0], $_, NEXT, 'L', NOTHING) foreach of_kind($_[0], CENTROID) }, qr/numbers of centroids|centroids end after/ ],
	[ 'centroids: a cycle', sub { my @c = of_kind($_[0], CENTROID); put($_[0], $_, NEXT, 'L', $c[-1]) foreach @c }, qr/is reached twice/ ],
	[ 'centroids: not numbers', sub { put($_[0], $_, 64 + 128, 'L', 0x7FC00000) foreach of_kind($_[0], CENTROID) }, qr/a number that is not finite/ ],
	[ 'segments: a cycle', sub { my ($s) = of_kind($_[0], SEGMENT); put($_[0], $s, NEXT, 'L', $s) }, qr/segment page \d+ is reached twice/ ],
	[ 'extent: a cycle', sub { put($_[0], $extents[1], EXTENT_NEXT, 'L', $extents[1]) }, qr/extent page \d+ is reached twice/ ],
	[ 'extent: another list\'s', sub { put($_[0], $extents[1], EXTENT_NEXT, 'L', $extents[2]) }, qr/extent page \d+ is reached twice/ ],
	[ 'extent: too many entries', sub { put($_[0], $extents[1], EXTENT_ENTRIES, 'L', 4_000_000_000) }, qr/extent page \d+ is a page with a hole|an extent of 4000000000 entries/ ],
	[ 'extent: an entry less', sub { put($_[0], $extents[1], EXTENT_ENTRIES, 'L', get($_[0], $extents[1], EXTENT_ENTRIES, 'L') - 1) },
		qr/its first page says|row has no entry/ ],
	[ 'extent zeroed', sub { substr(${ $_[0] }, $extents[3] * PAGE, PAGE) = "\0" x PAGE }, qr/extent page \d+ is empty/ ],
	[ 'detail zeroed', sub { substr(${ $_[0] }, $details[3] * PAGE, PAGE) = "\0" x PAGE }, qr/detail page \d+ is empty/ ],
	[ 'detail: another kind', sub { put($_[0], $details[3], KIND, 'S', PENDING) }, qr/detail page \d+ is of another kind/ ],
	[ 'detail: a row twice, another not at all', sub { put($_[0], $details[0], 64, 'a6', substr(${ $_[0] }, $details[1] * PAGE + 64, 6)) },
		qr/row has two entries/ ],
	[ 'detail: an address', sub { put($_[0], $details[0], 72, 'L', 12345) }, qr/its entry says 12345/ ],
	[ 'detail: flagged dead', sub { put($_[0], $details[0], 70, 'S', get($_[0], $details[0], 70, 'S') | 1) }, qr/row has no entry/ ],
	[ 'detail: a seal to come', sub { put($_[0], $details[0], 76, 'L', 999) }, qr/an entry is of seal 999/ ],
	[ 'pending: too many entries', sub { put($_[0], $pending[0], USED, 'S', 65000) }, qr/pending page \d+ is a page with more entries than fit on it/ ],
	[ 'detail: a row beyond all', sub { put($_[0], $details[0], 64, 'L', NOTHING) }, qr/an entry has an invalid TID/ ],
	[ 'detail: a row beyond the end', sub { put($_[0], $details[0], 64, 'S', 100) }, qr/row has no entry/ ],
	[ 'pending: a row beyond all', sub { put($_[0], $pending[0], 64, 'L', NOTHING) }, qr/an entry with invalid TID \(4294967295,/ ],
	[ 'extent: an empty one for ever', sub { put($_[0], $extents[1], EXTENT_NEXT, 'L', $extents[1]); put($_[0], $extents[1], EXTENT_ENTRIES, 'L', 0) }, qr/extent page \d+ is reached twice/ ],
	[ 'extent: a hole', sub { put($_[0], $extents[1], 12, 'S', 100) }, qr/is a page with a hole in it/ ],
	[ 'pending: a cycle', sub { put($_[0], $pending[0], NEXT, 'L', $pending[0]) }, qr/pending page \d+ is reached twice/ ],
	[ 'pending: an entry less', sub { put($_[0], $pending[0], USED, 'S', get($_[0], $pending[0], USED, 'S') - 1) }, qr/row has no entry/ ],
	[ 'the end of the file lost', sub { substr(${ $_[0] }, ($pages - 2) * PAGE) = '' }, qr/a pending chain has|beyond the end/ ],
	[ 'the file empty', sub { ${ $_[0] } = '' }, qr/block 0: a page links to this block, beyond the end of the index/ ],
);

foreach my $damage (@damages)
{
	my ($what, $change, $says) = @$damage;
	my $file = $sound;

	$change->(\$file);
	open(my $handle, '>:raw', $path) or die;
	print $handle $file;
	close $handle;
	my $log = -s $node->logfile;
	$node->start;
	my ($result, $out, $err) = $node->psql('postgres', "SELECT problem FROM vecstore.check('points_e')");
	like("$out$err", $says, "$what: check");
	foreach my $query (
		'SET enable_seqscan = off; SET statement_timeout = 2000; SET vecann.probes = 10000; SELECT count(*) FROM (SELECT id FROM points ORDER BY e <-> point(5, 1) LIMIT 6000) q',
		"SET statement_timeout = 2000; SELECT * FROM vecstore.segments('points')",
		"SET statement_timeout = 2000; SELECT * FROM vecstore.index_info('points_e')", "SET statement_timeout = 2000; INSERT INTO points VALUES (100000, 1, point(1, 1))",
		"SET statement_timeout = 2000; SELECT vecstore.flush('points')",
		"SET statement_timeout = 2000; SELECT vecstore.compact('points')")
	{
		$node->psql('postgres', $query, timeout => 20, timed_out => \my $timed_out);
		ok(!$timed_out, "$what: $query");
	}
	is($node->safe_psql('postgres', 'REINDEX INDEX points_e; SELECT 1'), '1', "$what: the server is up, REINDEX helps");
	is($node->safe_psql('postgres', "SELECT * FROM vecstore.check('points')"), '', "$what: sound after it");
	unlike(slurp_file($node->logfile, $log), qr/terminated by signal|TRAP|PANIC/, "$what: no crash");
	# the same index again, under the file's new name
	$node->safe_psql('postgres', 'DELETE FROM points WHERE id = 100000; CHECKPOINT');
	$path = $node->data_dir . '/' . $node->safe_psql('postgres', "SELECT pg_relation_filepath('points_e')");
	$node->stop;
	last unless Test::More->builder->is_passing;
}
done_testing();
