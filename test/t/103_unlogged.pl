# Unlogged tables are empty after a crash, whole after a restart, and usable after
# both; temporary ones leave nothing behind.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

sub load
{
	my ($node, $first) = @_;

	$node->safe_psql('postgres',
		"INSERT INTO items SELECT (item(id, 1, 0)).* FROM generate_series($first, $first + 199) id");
	return;
}

my $node = new_primary('main');
create_items($node, kind => 'UNLOGGED');
load($node, 1);
is($node->safe_psql('postgres', 'SELECT count(*) FROM items'), '200', 'loaded');

$node->restart;
is($node->safe_psql('postgres', 'SELECT count(*) FROM items'), '200', 'whole after a restart');
is_sound($node, 'after a restart');

crash($node);
is($node->safe_psql('postgres', 'SELECT count(*) FROM items'), '0', 'empty after a crash');
is( $node->safe_psql('postgres',
		"SELECT pg_relation_size(reltoastrelid) FROM pg_class WHERE relname = 'items'"),
	'0', 'and so is its value store');
load($node, 1);
is_sound($node, 'loaded again');

# logged from now on
$node->safe_psql('postgres', 'ALTER TABLE items SET LOGGED');
load($node, 1001);
crash($node);
is($node->safe_psql('postgres', 'SELECT count(*) FROM items'), '400', 'whole after a crash once logged');
is_sound($node, 'once logged');

$node->safe_psql('postgres', <<"SQL");
CREATE TEMP TABLE t USING $am AS SELECT filled(i, 1, 300)::vector AS v FROM generate_series(1, 100) i;
DELETE FROM t WHERE v <-> (SELECT v FROM t LIMIT 1) > 100;
SQL
is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relpersistence = 't'"),
	'0', 'a temporary table leaves nothing');
$node->stop;
done_testing();
