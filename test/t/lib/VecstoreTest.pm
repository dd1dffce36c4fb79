# Common parts of the TAP tests: a table whose rows can be verified from their key and
# version alone.
#
# AM=heap in the environment runs the tests on heap tables, to verify the tests
# themselves.
package VecstoreTest;

use strict;
use warnings;

use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

our @EXPORT = qw($am new_primary create_items wrong_items is_sound is_checked
  create_points points_query points_problem is_indexed seeded start_psql pump_psql crash);

our $am = $ENV{AM} || 'vecstore';

# Prints the seed of the run, or takes it from SEED, so that it can be repeated.
sub seeded
{
	my $seed = $ENV{SEED} // int(rand(1_000_000));

	srand($seed);
	note("SEED=$seed");
	return $seed;
}

# A started server with the extension in database postgres.
sub new_primary
{
	my ($name, %options) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init(%{ $options{init} // {} });
	$node->append_conf('postgresql.conf', $options{conf} // '');
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION vecstore');
	return $node;
}

# Functions that make a row's values from id and version, and the table items
# with a vector of one page, one of several, a half and a text; every value is
# different in every version of every row.
sub create_items
{
	my ($node, %options) = @_;
	my $kind = $options{kind} // '';

	$node->safe_psql('postgres', <<"SQL");
CREATE FUNCTION filled(id int, version int, dims int) RETURNS real[] LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_fill(id::real, ARRAY[dims / 2]) || array_fill(version::real, ARRAY[dims - dims / 2]);
CREATE FUNCTION long_text(id int, version int) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN id % 5 = 0 THEN repeat(md5(id || ',' || version), 100) ELSE id || ',' || version END;
CREATE $kind TABLE items (
	id int PRIMARY KEY,
	version int NOT NULL,
	batch int,
	small vector,
	large vector(2500),
	half halfvec(400),
	body text
) USING $am;
ALTER TABLE items ALTER body SET STORAGE EXTERNAL;
CREATE FUNCTION item(id int, version int, batch int) RETURNS items LANGUAGE sql STABLE
RETURN ROW(id, version, batch, filled(id, version, 300)::vector,
	CASE WHEN id % 3 = 0 THEN filled(id, version, 2500)::vector END,
	filled(id % 2048, version % 2048, 400)::halfvec, long_text(id, version))::items;
-- deletes rows behind the access method, as simple_heap_delete does: their values stay
CREATE FUNCTION delete_behind(first int, last int) RETURNS void LANGUAGE plpgsql AS \$\$
DECLARE
	am oid := (SELECT relam FROM pg_class WHERE oid = 'items'::regclass);
BEGIN
	LOCK TABLE items IN SHARE UPDATE EXCLUSIVE MODE;
	UPDATE pg_class SET relam = (SELECT oid FROM pg_am WHERE amname = 'heap') WHERE oid = 'items'::regclass;
	DELETE FROM items WHERE id BETWEEN first AND last;
	UPDATE pg_class SET relam = am WHERE oid = 'items'::regclass;
END \$\$;
SQL
	return;
}

# A query that counts the rows of items whose values are not those of their
# key and version.
sub wrong_items
{
	return <<'SQL';
SELECT count(*) FROM items i
WHERE i IS DISTINCT FROM item(i.id, i.version, i.batch)
SQL
}

# Every value is right, the index agrees with the table, the checker finds nothing.
sub is_sound
{
	my ($node, $what) = @_;

	is($node->safe_psql('postgres', wrong_items()), '0', "$what: every row has its values");
	is( $node->safe_psql('postgres', <<'SQL'), 't', "$what: the index finds all rows");
SET enable_seqscan = off; SET enable_bitmapscan = off;
SELECT count(*) = (SELECT count(id) FROM items WHERE id > -1) FROM items
SQL
	is_checked($node, 'postgres', 'items', $what);
	return;
}

# vecstore.check finds nothing wrong with the table.
sub is_checked
{
	my ($node, $database, $table, $what) = @_;

	return if $am ne 'vecstore';
	is($node->safe_psql($database, "SELECT * FROM vecstore.check('$table')"), '', "$what: vecstore.check");
	return;
}

# A table points with a vecann index, whose rows' vectors are point(id, version).
sub create_points
{
	my ($node, $options) = @_;

	$node->safe_psql('postgres', <<"SQL");
CREATE FUNCTION point(id int, version int) RETURNS vector LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT array_agg(sin(id % 40 * i)::real + cos((id * 31 + version * 17) * i)::real / 4) FROM generate_series(1, 16) i)::vector;
CREATE TABLE points (id int PRIMARY KEY, version int, e vector(16)) USING $am;
CREATE INDEX points_e ON points USING vecann (e vector_l2_ops) WITH ($options);
SQL
	return;
}

# A query for points_problem: the rows that the index and the sequential scan find in one
# snapshot.
sub points_query
{
	my $query = '(SELECT point(' . int(rand(1000)) . ', 1))';

	return <<"SQL";
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL vecann.probes = 1000000; SET LOCAL vecann.epsilon = 1000;
SET LOCAL enable_seqscan = off; SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off;
SELECT count(*), md5(string_agg(id::text, ',' ORDER BY id)), count(*) FILTER (WHERE e IS DISTINCT FROM point(id, version)),
	count(*) FILTER (WHERE d < before - 1e-5)
FROM (SELECT id, version, e, d, lag(d) OVER () AS before
	FROM (SELECT id, version, e, e <-> $query AS d FROM points ORDER BY e <-> $query) s) t;
SET LOCAL enable_indexscan = off; SET LOCAL enable_seqscan = on; SET LOCAL enable_sort = on;
SELECT count(*), md5(string_agg(id::text, ',' ORDER BY id)), 0, 0 FROM points;
COMMIT;
SQL
}

# Returns the problem with the query's output: none if the index returned all rows, once,
# with their vectors, nearest first.  (Rows nearer to each other than a float's precision
# may change places.)
sub points_problem
{
	my ($output) = @_;
	my ($index, $scan) = split /\n/, $output;

	return '' if defined $scan && $index eq $scan;
	return "rows|ids|wrong|out of order: by index $index, by scan " . ($scan // 'nothing');
}

# The index of points agrees with the table, and the checkers find nothing.
sub is_indexed
{
	my ($node, $what) = @_;

	my $query = points_query();

	(my $explain = $query) =~ s/^SELECT/EXPLAIN SELECT/m;
	like($node->safe_psql('postgres', $explain), qr/Index Scan using points_e/, "$what: the index is used");
	is(points_problem($node->safe_psql('postgres', $query)), '', "$what: the index finds all rows in order");
	is($node->safe_psql('postgres', "SELECT * FROM vecstore.check_index('points_e')"), '', "$what: vecstore.check_index");
	is_checked($node, 'postgres', 'points', $what);
	return;
}

# A psql running the script in the background; its standard output is appended
# to $$out.  The caller interrupts it at work: pump it by pump_psql, which fails if it
# ended before.
sub start_psql
{
	my ($node, $script, $out) = @_;
	my $file = $node->basedir . '/script' . int(rand(1_000_000_000)) . '.sql';

	PostgreSQL::Test::Utils::append_to_file($file, $script);
	return IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('postgres'), '-f', $file ],
		'>', $out, '2>', "$file.err");
}

# Takes what psqls of start_psql have printed so far.
sub pump_psql
{
	foreach my $psql (@_)
	{
		die 'psql ended early: ' . join('', map { slurp_file($_) } glob($psql->{KIDS}[0]{VAL}[-1] . '.err'))
		  unless $psql->pumpable;
		$psql->pump_nb;
	}
	return;
}

# kill -9 of all of the server's processes at once, then restart and recovery.
sub crash
{
	my ($node) = @_;
	my $postmaster = (split /\n/, slurp_file($node->data_dir . '/postmaster.pid'))[0];

	# a stopped postmaster starts no process that would escape the kill and block the next
	# server
	kill 'STOP', $postmaster;
	for (my $i = 0; $i < 2000 && slurp_file("/proc/$postmaster/stat") !~ /\) T /; $i++)
	{
		usleep(1_000);
	}
	my @children = split ' ', `ps -o pid= --ppid $postmaster`;

	kill 'KILL', $postmaster, @children;
	# wait until the processes are gone: otherwise the next start finds a running server
	foreach my $pid ($postmaster, @children)
	{
		for (my $i = 0; $i < 2000 && kill(0, $pid); $i++)
		{
			usleep(10_000);
		}
	}
	$node->{_pid} = undef;
	$node->start;
	return;
}

1;
