# wal_level = minimal: a table that is created, rewritten or emptied and then
# filled in one transaction writes no WAL but is synced at commit, and so is its
# value store.  Also COPY FREEZE, with data checksums on.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $node = new_primary('main', init => { extra => ['--data-checksums'] },
	conf => "wal_level = minimal\nmax_wal_senders = 0\nautovacuum = off\n");
create_items($node);
my $file = $node->basedir . '/items';
my $some = 'SELECT (item(id, 1, 0)).* FROM generate_series';

# Large relations are synced and small ones logged at commit: wal_skip_threshold gives
# both cases.
foreach my $threshold ('0', '1GB')
{
	my $set = "SET wal_skip_threshold = '$threshold';";
	my $what = "wal_skip_threshold = $threshold";

	$node->safe_psql('postgres', <<"SQL");
$set
TRUNCATE items;
INSERT INTO items $some(1, 300) id;
COPY items TO '$file';
BEGIN;
CREATE TABLE created (LIKE items) USING $am;
INSERT INTO created $some(1, 100) id;
COMMIT;
CREATE TABLE frozen (LIKE items) USING $am;
BEGIN;
TRUNCATE frozen;
COPY frozen FROM '$file' (FREEZE);
COMMIT;
BEGIN;
TRUNCATE items;
INSERT INTO items $some(301, 500) id;
SAVEPOINT s;
TRUNCATE items;
INSERT INTO items $some(501, 600) id;
ROLLBACK TO s;
UPDATE items SET small = filled(id, 2, 300)::vector, version = 2, large = CASE WHEN id % 3 = 0 THEN filled(id, 2, 2500)::vector END,
	half = filled(id, 2, 400), body = long_text(id, 2) WHERE id < 400;
COMMIT;
BEGIN;
CREATE TABLE as_query USING $am AS $some(1, 50) id;
COMMIT;
BEGIN;
ALTER TABLE frozen ADD added vector DEFAULT '[1,2,3]', ALTER batch TYPE bigint;
ALTER TABLE frozen DROP added, ALTER batch TYPE int;
CREATE MATERIALIZED VIEW as_view USING $am AS SELECT * FROM items;
COMMIT;
SQL
	crash($node);
	is_sound($node, $what);
	foreach my $table (qw(created frozen as_query as_view))
	{
		is( $node->safe_psql('postgres',
				"SELECT count(*) > 0, count(*) FILTER (WHERE i.small IS DISTINCT FROM filled(i.id, i.version, 300)::vector\n"
				  . "OR i.body IS DISTINCT FROM long_text(i.id, i.version)) FROM $table i"),
			't|0', "$what: $table holds its values");
		is_checked($node, 'postgres', $table, "$what: $table");
	}
	$node->safe_psql('postgres', 'DROP MATERIALIZED VIEW as_view; DROP TABLE created, frozen, as_query');
}

# freezing reaches the value store too
$node->safe_psql('postgres', 'VACUUM (FREEZE) items');
is( $node->safe_psql('postgres',
		"SELECT max(age(relfrozenxid)) < 5 FROM pg_class c WHERE oid IN ((SELECT reltoastrelid FROM pg_class WHERE relname = 'items'), 'items'::regclass)"),
	't', 'table and value store are frozen');
$node->stop;
command_ok([ 'pg_checksums', '--check', '-D', $node->data_dir ], 'checksums');
done_testing();
