# Words on pages of indexes and value stores are changed, in many tables at a time.
# Every command on such a table ends with the right answer or with an error that has
# an SQLSTATE of its own, and does not crash the server.  vecstore.check reports a
# problem of an index unless every answer is right.  (A changed bit of a value itself
# goes unnoticed without data checksums.)
#
# All tables of a kind are copies of one: they have the same content, and the same
# files except for the changes.  So one start of the server serves all of them.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

use constant { PAGE => 8192, OPAQUE => 24, COPIES => $ENV{COPIES} // 16, TIMEOUT_MS => 20_000 };

srand($ENV{SEED} // 9);

# For each kind of table: type of the vector, operator class, operator, value from an
# id, number of rows.
my %kinds = (
	l2 => [ 'vector(20)', 'vector_l2_ops', '<->', 'filled(i, 20)::real[]::vector', 600 ],
	cosine => [ 'vector(20)', 'vector_cosine_ops', '<=>', 'filled(i, 20)::real[]::vector', 600 ],
	half => [ 'halfvec(20)', 'halfvec_ip_ops', '<#>', 'filled(i, 20)::real[]::halfvec', 600 ],
	bit => [ 'bit(100)', 'bit_hamming_ops', '<~>', q[substr((('x' || md5(i::text))::bit(128))::text, 1, 100)::bit(100)], 600 ],
	wide => [ 'vector(3000)', 'vector_l2_ops', '<->', 'filled(i, 3000)::real[]::vector', 90 ],
);

my $initdb_has_it = `initdb --help` =~ /--no-data-checksums/;
my $node = new_primary('main', conf => "autovacuum = off\nfsync = off\nmax_wal_size = 1GB\nshared_buffers = 64MB\nvecann.background_seals = off\n",
	init => $initdb_has_it ? { extra => ['--no-data-checksums'] } : {});

$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION filled(i int, dims int) RETURNS float8[] LANGUAGE sql IMMUTABLE
RETURN (SELECT array_agg(sin(i % 37 * j) + cos((i * 31) * j) / 4 + 1) FROM generate_series(1, dims) j);
-- what a command comes to: nothing, or the error
CREATE FUNCTION tried(command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE command;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
-- the answer of a scan of all of a table by its index: the ids with their distances, and what they hold (a damaged code may
-- bring a row late, as a bad one may)
CREATE FUNCTION answer(tab text, operator text, q text) RETURNS text LANGUAGE plpgsql
SET enable_seqscan = off SET enable_sort = off SET enable_bitmapscan = off SET vecann.probes = 100000 SET vecann.epsilon = 1000 AS $$
DECLARE
	result text;
BEGIN
	EXECUTE format('SELECT count(*) || md5(string_agg(id || '' '' || round(d::numeric, 3), '','' ORDER BY d, id)) || md5(string_agg(e::text, '','' ORDER BY id))
		FROM (SELECT id, e, e %s %s AS d FROM %I ORDER BY e %s %s) s', operator, q, tab, operator, q) INTO result;
	RETURN result;
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END $$;
SQL

# One table of each kind with pending rows, lists of two seals, dead entries and retired pages; then copies of it.
foreach my $kind (sort keys %kinds)
{
	my ($type, $opclass, $operator, $value, $rows) = @{ $kinds{$kind} };
	$value =~ s/'/''/g;

	$node->safe_psql('postgres', <<"SQL");
DO \$\$
BEGIN
	FOR n IN 0 .. @{[COPIES]} LOOP
		EXECUTE format('CREATE TABLE %I (id int PRIMARY KEY, e $type) USING vecstore', '${kind}_' || n);
		EXECUTE format('CREATE INDEX %I ON %I USING vecann (e $opclass) WITH (pending_limit = 0)', '${kind}_' || n || '_e', '${kind}_' || n);
		EXECUTE format('INSERT INTO %I SELECT i, $value FROM generate_series(1, $rows) i', '${kind}_' || n);
		PERFORM vecstore.flush(('${kind}_' || n)::regclass);
		EXECUTE format('INSERT INTO %I SELECT i, $value FROM generate_series($rows + 1, $rows + $rows / 10) i', '${kind}_' || n);
		PERFORM vecstore.flush(('${kind}_' || n)::regclass);
		EXECUTE format('DELETE FROM %I WHERE id %% 11 = 0', '${kind}_' || n);
		EXECUTE format('INSERT INTO %I SELECT i, $value FROM generate_series($rows + $rows / 10 + 1, $rows + $rows / 5) i', '${kind}_' || n);
	END LOOP;
END \$\$;
SQL
}
$node->safe_psql('postgres', 'VACUUM (INDEX_CLEANUP on, TRUNCATE off, PROCESS_TOAST); CHECKPOINT');

sub query { my ($kind) = @_; (my $value = $kinds{$kind}[3]) =~ s/\bi\b/5/g; return "($value)"; }
sub answer { my ($table, $kind) = @_; my $q = query($kind); $q =~ s/'/''/g; return "answer('$table', '$kinds{$kind}[2]', '$q')"; }

# An error that a user can get: damage found, or the server's own for a page or file that is not there.
sub is_clear { my ($text) = @_; return $text =~ /^(XX001|XX002|58P01|22000|55000|57014) / && $text !~ /^57014/; }

# Changes some of a page: a bit, a word that is likely to mean something, a run of zeros or noise.
sub change_page
{
	my ($page) = @_;
	my $way = int(rand(8));
	my $near_start = rand() < 0.4;
	my $at = $near_start ? int(rand(120)) : rand() < 0.3 ? PAGE - OPAQUE + int(rand(OPAQUE)) : int(rand(PAGE));

	if ($way < 3)
	{
		substr($$page, $at, 1) = chr(ord(substr($$page, $at, 1)) ^ (1 << int(rand(8))));
	}
	elsif ($way < 6)
	{
		my @words = (0, 1, 2, 7, 0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0x7FC00000, 0x7F800000, 0xFF7FFFFF, int(rand(40)), int(rand(2**32)));
		$at = int($at / 4) * 4;
		$at = PAGE - 4 if $at > PAGE - 4;
		substr($$page, $at, 4) = pack('L', $words[ rand @words ]);
	}
	else
	{
		my $length = 1 + int(rand(64));
		$length = PAGE - $at if $at + $length > PAGE;
		substr($$page, $at, $length) = $way == 6 ? "\0" x $length : join('', map { chr(int(rand(256))) } 1 .. $length);
	}
	return $at;
}

# Changes one page of the file; returns what and where.
sub change_file
{
	my ($path, $round) = @_;
	my $file = slurp_file($path);
	my $pages = length($file) / PAGE;
	# the metapage and those after it are read most
	my $block = rand() < 0.25 ? 0 : int(rand($pages));
	my $page = substr($file, $block * PAGE, PAGE);
	my $at = change_page(\$page);

	open(my $handle, '+<:raw', $path) or die;
	seek($handle, $block * PAGE, 0);
	print $handle $page;
	close $handle;
	return "block $block, byte $at";
}

my %right = map { $_ => $node->safe_psql('postgres', 'SELECT ' . answer("${_}_0", $_)) } sort keys %kinds;
unlike($right{$_}, qr/^\w{5} /, "$_: there is an answer") foreach sort keys %right;
is($node->safe_psql('postgres', "SELECT problem FROM vecstore.check('${_}_0')"), '', "$_: sound at first") foreach sort keys %right;

my %path;
foreach my $line (split /\n/, $node->safe_psql('postgres', <<'SQL'))
SELECT concat_ws(' ', relname, pg_relation_filepath(indexrelid), pg_relation_filepath(nullif(reltoastrelid, 0)))
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE relname ~ '_\d+$' AND NOT indisprimary
SQL
{
	my ($table, $index, $store) = split / /, $line;
	$path{$table} = { index => $node->data_dir . "/$index", store => $node->data_dir . '/' . ($store // '') };
}
$node->stop;

my %what;
foreach my $kind (sort keys %kinds)
{
	foreach my $n (1 .. COPIES)
	{
		# the bits are in the index; a store that holds several values a page, and values over several pages
		my $where = $kind ne 'bit' && $n % 4 == 0 ? 'store' : 'index';

		$what{"${kind}_$n"} = "$where, " . change_file($path{"${kind}_$n"}{$where});
	}
}
my $log = -s $node->logfile;
$node->start;

my (@unclear, @unnoticed, @crashed);
my $noticed = 0;
foreach my $kind (sort keys %kinds)
{
	foreach my $n (1 .. COPIES)
	{
		my $table = "${kind}_$n";
		my ($type, $opclass, $operator, $value, $rows) = @{ $kinds{$kind} };
		(my $more = $value) =~ s/\bi\b/(i + 7)/g;
		my @commands = (
			"INSERT INTO $table SELECT 100000 + i, $more FROM generate_series(1, 40) i",
			"UPDATE $table SET e = e WHERE id % 5 = 0", "DELETE FROM $table WHERE id % 7 = 0", "SELECT count(*), md5(string_agg(e::text, '''')) FROM $table",
			"SELECT * FROM vecstore.segments(''$table'')", "SELECT * FROM vecstore.index_info(''${table}_e'')",
			"SELECT vecstore.flush(''$table'')", "SELECT vecstore.compact(''$table'')");
		s/(?<!')'(?!')/''/g foreach @commands;
		my $script = 'SET statement_timeout = ' . TIMEOUT_MS . ";\n"
		  . "SELECT 'answer ' || " . answer($table, $kind) . ";\n"
		  . "SELECT 'check ' || coalesce(tried('SELECT 1 / (count(*) = 0)::int FROM vecstore.check(''$table'')'), 'sound');\n"
		  . join('', map { "SELECT 'did ' || coalesce(tried('$_'), 'it');\n" } @commands)
		  . "SELECT 'again ' || " . answer($table, $kind) . ";\n\\echo end\n";
		my ($rc, $out, $err) = $node->psql('postgres', $script, on_error_stop => 0);

		# VACUUM is not for a transaction block
		if ($what{$table} =~ /^index/)
		{
			my ($vacuum, undef, $said) = $node->psql('postgres', 'SET statement_timeout = ' . TIMEOUT_MS . "; \\set VERBOSITY verbose\nVACUUM $table;");
			push @unclear, "$table ($what{$table}): VACUUM: $said" if $said =~ /XX000|57014/;
		}
		if ($out !~ /^end$/m || $err =~ /server closed|terminat|recovery/)
		{
			push @crashed, "$table ($what{$table}): $err";
			$node->poll_query_until('postgres', 'SELECT true');
			next;
		}
		my ($answer) = $out =~ /^answer (.*)/;
		my ($check) = $out =~ /^check (.*)/m;
		foreach my $said ($out =~ /^(?:answer|check|did|again) ([0-9A-Z]{5} .*)/mg)
		{
			push @unclear, "$table ($what{$table}): $said" unless is_clear($said) || $said =~ /^22012/;
		}
		$noticed++ if $check ne 'sound';
		push @unnoticed, "$table ($what{$table}): $answer" if $check eq 'sound' && $answer ne $right{$kind} && $what{$table} =~ /^index/;
	}
}
is(join("\n", @crashed), '', 'nothing takes the server down');
is(join("\n", @unclear), '', 'errors are clear, and nothing hangs');
is(join("\n", @unnoticed), '', 'check notices, or the answer is right');
cmp_ok($noticed, '>', COPIES, "check noticed many ($noticed)");
unlike(slurp_file($node->logfile, $log), qr/terminated by signal|TRAP|PANIC/, 'no crash in the log');
$node->stop('immediate');
done_testing();
