# vecstore.check on a hot standby while a seal is replayed: it has copied the metapage, and finds pages that are
# newer.  That is no damage.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $primary = new_primary('primary', init => { allows_streaming => 1 }, conf => "autovacuum = off\n");

if ($primary->safe_psql('postgres', 'SHOW debug_assertions') ne 'on')
{
	$primary->stop;
	plan skip_all => 'stop points are in builds with assertions only';
}
create_points($primary, 'pending_limit = 0');
$primary->safe_psql('postgres', 'INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(1, 2000) i; SELECT FROM vecstore.flush(\'points\')');
$primary->safe_psql('postgres', 'INSERT INTO points SELECT i, 1, point(i, 1) FROM generate_series(2001, 2500) i');
$primary->backup('backup');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = -1\n");
$standby->start;
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', "SELECT * FROM vecstore.check('points')"), '', 'sound at first');

my $holder = $standby->background_psql('postgres');
$holder->query_safe("SELECT pg_advisory_lock(hashtext('check: metapage copied'))");
my $output = '';
my $checker = start_psql($standby,
	"SET vecstore.stop_at = 'check: metapage copied';\nSELECT 'problem: ' || problem FROM vecstore.check('points');\n\\echo finished\n", \$output);
$standby->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
  or die 'check does not stop';
$primary->safe_psql('postgres', "SELECT FROM vecstore.flush('points')");
$primary->wait_for_catchup($standby);
$holder->query_safe('SELECT pg_advisory_unlock_all()');
$holder->quit;
$checker->finish;
is($output, "finished\n", 'what replay changed meanwhile is no problem');
is($standby->safe_psql('postgres', "SELECT * FROM vecstore.check('points')"), '', 'sound at last');
$standby->stop;
$primary->stop;
done_testing();
