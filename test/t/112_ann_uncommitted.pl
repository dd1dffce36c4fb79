# Rows of a vecann index that a session holds back: PREPARE TRANSACTION, crashes, a
# new tablespace, an apply worker of logical replication, and the session's end.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $node = new_primary('main', init => { allows_streaming => 'logical' },
	conf => "autovacuum = off\nmax_prepared_transactions = 2\n");

# Ids as the index finds them, nearest to the origin first.
sub found
{
	my ($where) = @_;

	return $where->safe_psql('postgres', <<'SQL');
SET enable_seqscan = off; SET enable_sort = off; SET vecann.probes = 1000000;
SELECT string_agg(id::text, ' ') FROM (SELECT id FROM rows ORDER BY v <-> '[0,0]' LIMIT 10000) s
SQL
}

# In one session.
sub run
{
	return $node->safe_psql('postgres', shift);
}

sub is_clean
{
	my ($where, $what) = @_;

	is($where->safe_psql('postgres', "SELECT * FROM vecstore.check_index('rows_v')"), '', "$what: vecstore.check_index");
	return;
}

my $table = <<'SQL';
CREATE TABLE rows (id int PRIMARY KEY, v vector(2)) USING vecstore;
CREATE INDEX rows_v ON rows USING vecann (v vector_l2_ops);
SQL
my $insert = 'INSERT INTO rows SELECT i, ARRAY[i, 1]::vector FROM generate_series';

run($table);

run("BEGIN; $insert(1, 3) i; PREPARE TRANSACTION 'two';");
is(found($node), '', 'rows of a prepared transaction are not found');
crash($node);
run("COMMIT PREPARED 'two'");
is(found($node), '1 2 3', 'rows of a prepared transaction are found, a crash later');
run("BEGIN; $insert(4, 5) i; PREPARE TRANSACTION 'two'; ROLLBACK PREPARED 'two';");
is(found($node), '1 2 3', 'nor are they after its end');
is_clean($node, 'prepared');

# a session that ends, or is killed, in the middle
run("BEGIN; $insert(6, 2000) i;");
is(found($node), '1 2 3', 'a session ended');
my $out = '';
my $session = start_psql($node, "BEGIN;\n$insert(6, 10) i;\n$insert(11, 5000) i;\n\\echo inserted\nSELECT pg_sleep(600);\n", \$out);
$session->pump until $out =~ /inserted/;
# meanwhile the index cannot be given another file, which locks no table
my $stderr;
$node->psql('postgres', "SET lock_timeout = '50ms'; ALTER INDEX rows_v SET TABLESPACE pg_default;", stderr => \$stderr);
like($stderr, qr/lock timeout/, 'another tablespace waits');
crash($node);
eval { $session->finish };
is(found($node), '1 2 3', 'a crash');
is_clean($node, 'a crash');
run("$insert(4, 4) i");
crash($node);
is(found($node), '1 2 3 4', 'a crash after the commit');

# an error while the commit writes: the transaction is not committed
run("CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN RAISE EXCEPTION 'stop'; END \$\$");
run('CREATE CONSTRAINT TRIGGER stop AFTER INSERT ON rows DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION stop()');
isnt($node->psql('postgres', "$insert(5, 6) i"), 0, 'a commit fails');
run('DROP TRIGGER stop ON rows; VACUUM rows');
run("$insert(7, 8) i");
is(found($node), '1 2 3 4 7 8', 'a commit that failed');
is_clean($node, 'a commit that failed');

# another file by the same transaction
run("SET allow_in_place_tablespaces = on; CREATE TABLESPACE elsewhere LOCATION '';");
run("BEGIN; $insert(9, 9) i; ALTER INDEX rows_v SET TABLESPACE elsewhere; $insert(10, 10) i; COMMIT;");
is(found($node), '1 2 3 4 7 8 9 10', 'another tablespace');
is_clean($node, 'another tablespace');

# an apply worker truncates without a command
my $subscriber = new_primary('subscriber');
$subscriber->safe_psql('postgres', $table);
run('TRUNCATE rows; CREATE PUBLICATION p FOR TABLE rows');
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION s CONNECTION '@{[$node->connstr]} dbname=postgres' PUBLICATION p");
$subscriber->wait_for_subscription_sync($node, 's');
run("$insert(1, 100) i");
run("BEGIN; $insert(101, 200) i; TRUNCATE rows; $insert(301, 303) i; TRUNCATE rows; $insert(401, 403) i; COMMIT;");
$node->wait_for_catchup('s');
is(found($subscriber), '401 402 403', 'applied');
is_clean($subscriber, 'applied');
run("BEGIN; $insert(1, 2) i; SAVEPOINT a; TRUNCATE rows; $insert(501, 503) i; ROLLBACK TO a; UPDATE rows SET v = '[0, 1]' WHERE id = 2; COMMIT;");
$node->wait_for_catchup('s');
is(found($subscriber), '2 1 401 402 403', 'applied in part');
is_clean($subscriber, 'applied in part');

done_testing();
