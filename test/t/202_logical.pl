# Logical replication by pgoutput, from a vecstore table to a heap table and
# the other way: whole vectors on INSERT and UPDATE, also when a transaction is
# streamed, and when an UPDATE does not touch the vector.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant STEPS => 120;

# Statements on the table; every kind of change, some in large transactions.
sub changes
{
	my ($table) = @_;
	my $script = "INSERT INTO $table SELECT id, 1, filled(id, 1, 300)::vector,\n"
	  . "CASE WHEN id % 3 > 0 THEN filled(id, 1, 3000)::vector END, long_text(id, 1) FROM generate_series(1, 200) id;\n";

	foreach my $version (2 .. STEPS)
	{
		my $first = 1 + int(rand(200));
		my $last = $first + int(rand(30));
		my $where = "WHERE id BETWEEN $first AND $last";

		$script .= (
			"UPDATE $table SET version = $version, small = filled(id, $version, 300)::vector $where;\n",
			"UPDATE $table SET version = $version, small = filled(id, $version, 300)::vector,\n"
			  . "large = filled(id, $version, 3000)::vector, body = long_text(id, $version) $where;\n",
			"UPDATE $table SET version = $version $where;\n",
			"UPDATE $table SET large = NULL, body = NULL $where;\n",
			"DELETE FROM $table $where;\n",
			"BEGIN; UPDATE $table SET version = $version, small = filled(id, $version, 300)::vector;\n"
			  . "SAVEPOINT s; DELETE FROM $table $where; ROLLBACK TO s; UPDATE $table SET body = '-' $where; COMMIT;\n",
			"INSERT INTO $table SELECT id, $version, filled(id, $version, 300)::vector, filled(id, $version, 2000)::vector, 'x'\n"
			  . "FROM generate_series($first, $last) id\n"
			  . "ON CONFLICT (id) DO UPDATE SET version = excluded.version, small = excluded.small, large = excluded.large;\n",
			"INSERT INTO $table SELECT 1000 * $version + id, version, small, large, body FROM $table $where;\n",
			"UPDATE $table SET id = -1000 * $version - id $where;\n"
		)[ rand 9 ];
	}
	return $script;
}

seeded();
my $publisher = new_primary('publisher', init => { allows_streaming => 'logical' },
	conf => "logical_decoding_work_mem = 64kB\n");
my $subscriber = new_primary('subscriber');

foreach my $node ($publisher, $subscriber)
{
	create_items($node);
	# each table on the other access method at the other end
	my ($one, $other) = $node == $publisher ? ($am, 'heap') : ('heap', $am);

	foreach my $table ("store $one", "plain $other", "whole $one")
	{
		my ($name, $method) = split / /, $table;

		$node->safe_psql('postgres', <<"SQL");
CREATE TABLE $name (id int PRIMARY KEY, version int, small vector, large vector, body text) USING $method;
SQL
	}
	$node->safe_psql('postgres', 'ALTER TABLE whole REPLICA IDENTITY FULL');
}

# rows that the initial copy brings
$publisher->safe_psql('postgres',
	"INSERT INTO $_ SELECT id, 0, filled(id, 0, 300)::vector, filled(id, 0, 3000)::vector FROM generate_series(-50, 0) id")
  foreach qw(store plain whole);
my $connstr = $publisher->connstr . ' dbname=postgres';
$publisher->safe_psql('postgres', 'CREATE PUBLICATION p FOR TABLE store, plain, whole');
$subscriber->safe_psql('postgres',
	"CREATE SUBSCRIPTION s CONNECTION '$connstr' PUBLICATION p WITH (streaming = on)");
$subscriber->wait_for_subscription_sync($publisher, 's');

foreach my $table (qw(store plain whole))
{
	$publisher->safe_psql('postgres', changes($table));
	$publisher->safe_psql('postgres', "VACUUM $table");
}
$publisher->wait_for_catchup('s');

foreach my $table (qw(store plain whole))
{
	my $rows = "SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY id)) FROM $table t";

	is($subscriber->safe_psql('postgres', $rows), $publisher->safe_psql('postgres', $rows),
		"$table: the subscriber has the publisher's rows");
	foreach my $node ($publisher, $subscriber)
	{
		is_checked($node, 'postgres', $table, "$table on the " . $node->name)
		  if $node->safe_psql('postgres',
			"SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE relname = '$table'") eq 'vecstore';
	}
}
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');

# A decoding plugin gets the vectors of an INSERT and of an UPDATE in full.  The plugin
# is from contrib, which may not be installed.
my ($rc) = $publisher->psql('postgres', "SELECT pg_create_logical_replication_slot('d', 'test_decoding')");
SKIP:
{
	skip 'test_decoding is not installed', 2 if $rc != 0;
	$publisher->safe_psql('postgres', <<'SQL');
INSERT INTO store VALUES (777777, 1, '[1,2,3]', filled(7, 8, 3000)::vector, 'a');
UPDATE store SET small = '[4,5,6]' WHERE id = 777777;
SQL
	my $changes = $publisher->safe_psql('postgres', "SELECT data FROM pg_logical_slot_get_changes('d', NULL, NULL)");
	my $large = $publisher->safe_psql('postgres', 'SELECT filled(7, 8, 3000)::vector');

	like($changes, qr/INSERT: .*small\[vector\]:'\[1,2,3\]' large\[vector\]:'\Q$large\E'/, 'INSERT decoded in full');
	like($changes, qr/UPDATE: .*small\[vector\]:'\[4,5,6\]' large\[vector\]:unchanged-toast-datum/,
		'UPDATE decoded: the new vector, and that the other one is unchanged');
}
$subscriber->stop;
$publisher->stop('immediate');
done_testing();
