# pg_upgrade copies the files of tables and value stores: pointers hold after it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $old = new_primary('old');
create_items($old);
$old->safe_psql('postgres', <<'SQL');
INSERT INTO items SELECT (item(id, 1, id % 7)).* FROM generate_series(1, 500) id;
DELETE FROM items WHERE id % 11 = 0;
VACUUM items;
UPDATE items i SET (version, small, large, half, body) =
	(SELECT version, small, large, half, body FROM item(i.id, 2, 0)) WHERE id % 2 = 0;
ALTER TABLE items DROP COLUMN half, ADD half halfvec(400);
UPDATE items i SET half = (item(i.id, i.version, 0)).half;
SQL
my $rows = 'SELECT count(*), md5(string_agg(i::text, chr(10) ORDER BY id)) FROM items i';
my $original = $old->safe_psql('postgres', $rows);
$old->stop;

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init;
my $bindir = $new->config_data('--bindir');
chdir $new->basedir or die;
command_ok(
	[
		'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir,
		'-b', $bindir, '-B', $bindir, '-s', $new->host, '-p', $old->port, '-P', $new->port
	],
	'pg_upgrade');
$new->start;
is($new->safe_psql('postgres', $rows), $original, 'the same rows');
is_checked($new, 'postgres', 'items', 'upgraded');
$new->safe_psql('postgres', <<'SQL');
UPDATE items SET small = filled(id, 3, 300)::vector, version = 3 WHERE id % 3 = 0;
VACUUM (FREEZE) items;
SQL
is($new->safe_psql('postgres', 'SELECT count(*) FROM items WHERE small IS DISTINCT FROM filled(id, version, 300)::vector'),
	'0', 'updated and vacuumed in the new cluster');
$new->stop;
done_testing();
