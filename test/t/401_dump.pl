# pg_dump and restore, plain and custom: the same rows on the same access method.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $node = new_primary('main');
create_items($node);
$node->safe_psql('postgres', <<"SQL");
INSERT INTO items SELECT (item(id, 1, id % 7)).* FROM generate_series(1, 500) id;
DELETE FROM items WHERE id % 11 = 0;
UPDATE items SET small = '[1e-38,-0,3.4e38]', version = -1 WHERE id % 13 = 0;
CREATE TABLE parts (k int, v vector(3), s sparsevec, b bit(64)) PARTITION BY RANGE (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100) USING $am;
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
INSERT INTO parts SELECT i, ARRAY[i, 0, 1], '{1:1,5:2}/9', i::bit(64) FROM generate_series(0, 199) i;
CREATE MATERIALIZED VIEW means USING $am AS SELECT batch, avg(small) AS mean FROM items WHERE version > 0 GROUP BY batch;
SQL

my $rows = <<'SQL';
SELECT count(*), md5(string_agg(i::text, chr(10) ORDER BY id)) FROM items i;
SELECT count(*), md5(string_agg(p::text, chr(10) ORDER BY k)) FROM parts p;
SELECT count(*), md5(string_agg(m::text, chr(10) ORDER BY batch)) FROM means m;
SELECT relname, amname FROM pg_class c LEFT JOIN pg_am a ON a.oid = c.relam
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'm') ORDER BY 1
SQL
my $original = $node->safe_psql('postgres', $rows);
my $file = $node->basedir . '/dump';

sub is_restored
{
	my ($database, $what) = @_;

	is($node->safe_psql($database, $rows), $original, "$what: same rows and access methods");
	is($node->safe_psql($database, wrong_items() . ' AND version > 0'), '0', "$what: right values");
	is_checked($node, $database, 'items', $what);
	$node->command_ok(
		[ 'pg_dump', '-f', "$file.again", '-d', $node->connstr($database) ], "$what: can be dumped");
	is(slurp($file . '.again'), slurp($file . '.plain'), "$what: the same dump again");
	return;
}

# A dump without its random \restrict key
sub slurp
{
	my $content = slurp_file($_[0]);

	$content =~ s/^\\(un)?restrict .*\n//mg;
	return $content;
}

$node->command_ok([ 'pg_dump', '-f', "$file.plain", '-d', $node->connstr('postgres') ], 'plain dump');
$node->safe_psql('postgres', 'CREATE DATABASE from_plain');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$file.plain", '-d', $node->connstr('from_plain') ],
	'plain restore');
is_restored('from_plain', 'plain');

$node->command_ok([ 'pg_dump', '-Fc', '-f', "$file.custom", '-d', $node->connstr('postgres') ], 'custom dump');
$node->safe_psql('postgres', 'CREATE DATABASE from_custom');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-j', '2', '-d', $node->connstr('from_custom'), "$file.custom" ],
	'parallel custom restore');
is_restored('from_custom', 'custom');

# to the other access method by the dump's own means
$node->command_ok([ 'pg_dump', '--inserts', '--rows-per-insert=50', '--no-table-access-method', '-f', "$file.inserts", '-d', $node->connstr('postgres') ],
	'dump as INSERTs without access methods') if `pg_dump --help` =~ /--no-table-access-method/;
SKIP:
{
	skip 'pg_dump has no --no-table-access-method', 2 if !-f "$file.inserts";
	$node->safe_psql('postgres', 'CREATE DATABASE from_inserts');
	$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', "$file.inserts", '-d', $node->connstr('from_inserts') ],
		'restore to heap');
	is($node->safe_psql('from_inserts', (split /;/, $rows)[0]), (split /\n/, $original)[0], 'the same rows on heap');
}
$node->stop;
done_testing();
