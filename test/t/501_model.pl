# Thousands of random statements on a vecstore table and, each right after it,
# on a heap table: the same rows returned, the same errors, the same contents.
# With savepoints, rollbacks, prepared transactions, triggers, cursors, COPY,
# MERGE, rewrites, and VACUUM at random points.
#
# SEED=n repeats a run; STEPS=n makes it longer.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $steps = $ENV{STEPS} || 1000;
my $ids = 300;

sub pick { return $_[ rand @_ ]; }
sub number { return int(rand($_[0])); }

# n numbers from a key; a vector of them is different for every key
my $setup = <<'SQL';
CREATE FUNCTION numbers(key int, n int) RETURNS real[] LANGUAGE sql IMMUTABLE
RETURN (SELECT array_agg(((key * 31 + i * 7) % 1009)::real) FROM generate_series(1, n) i);
CREATE FUNCTION gen(key int, n int) RETURNS vector LANGUAGE sql IMMUTABLE RETURN numbers(key, n)::vector;
CREATE FUNCTION short(v vector) RETURNS text LANGUAGE sql IMMUTABLE RETURN vector_dims(v) || ':' || md5(v::text);
-- what the checker has to say of a table that is, at the moment, vecstore's
CREATE FUNCTION problems(rel regclass) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	IF (SELECT amname FROM pg_class c JOIN pg_am a ON a.oid = relam WHERE c.oid = rel) = 'vecstore' THEN
		RETURN QUERY SELECT c::text FROM vecstore.check(rel) c;
	END IF;
END $$;
SQL

# {T} the table, {L} its log, {AM} its access method, {LAM} the log's
my $tables = <<'SQL';
CREATE TABLE {L} (id int, n int, v vector, t text) USING {LAM};
CREATE TABLE {T} (id int PRIMARY KEY, n int NOT NULL DEFAULT 0, v vector, w vector(64), x vector,
	h halfvec(50), t text, list vector[], dims int GENERATED ALWAYS AS (coalesce(vector_dims(v), 0)) STORED) USING {AM};
CREATE INDEX {T}_n ON {T} (n);
CREATE INDEX {T}_dims ON {T} ((vector_dims(v) + n)) WHERE v IS NOT NULL;
CREATE FUNCTION {T}_logged() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF OLD.id % 4 = 0 THEN
		INSERT INTO {L} (id, n, v, t) VALUES (OLD.id, OLD.n, OLD.v, OLD.t);
	END IF;
	IF TG_OP = 'UPDATE' AND NEW.id % 7 = 0 THEN
		NEW.x := OLD.v;
	END IF;
	RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$;
CREATE TRIGGER logged BEFORE UPDATE OR DELETE ON {T} FOR EACH ROW EXECUTE FUNCTION {T}_logged();
SQL

# an expression for a vector of the row's column v or x, and for w
sub vector_value
{
	my $key = number(100000);

	return pick("gen($key + id, 3)", "gen($key + id, " . pick(100, 384, 768, 1536) . ')',
		"gen($key + id, " . (1 + number(3500)) . ')', "gen($key, 2040)", 'NULL', "'[1,2,3]'");
}

sub text_value
{
	return pick("'short' || id", "repeat(md5(id::text), " . number(400) . ')', "repeat('a', 100000)", 'NULL', "''",
		"(SELECT string_agg(md5((id * i)::text), '') FROM generate_series(1, " . (1 + number(300)) . ') i)');
}

sub where
{
	my $first = number($ids);
	my $last = $first + number(pick(1, 5, 40));

	return pick("id BETWEEN $first AND $last", "id = $first", "n = " . number(20), "id % 37 = " . number(37),
		"short(v) < 'n' AND id BETWEEN $first AND $last", "CASE WHEN vector_dims(v) = 3 THEN v <-> '[1,2,3]' < 10 END");
}

sub new_rows
{
	my $first = number($ids * 1.2);
	my $last = $first + number(pick(1, 3, 30));
	my ($v, $t, $key) = (vector_value(), text_value(), number(1000));

	return "SELECT id, $key % 20 AS n, $v AS v, gen($key + id, 64) AS w, NULL::vector AS x, numbers(id, 50)::halfvec AS h,\n"
	  . "$t AS t, CASE WHEN id % 5 = 0 THEN ARRAY[gen(id, 10), gen($key, 700)] END AS list FROM generate_series($first, $last) id";
}

my $columns = 'id, n, v, w, x, h, t, list';
my $returning = 'RETURNING id, n, v, x, t, dims';

# The rows that a statement returns, in order and short.
sub shown
{
	return "WITH s AS ($_[0] $returning) SELECT id, n, dims, short(v), short(x), md5(t) FROM s ORDER BY 1, 2, 3, 4, 5, 6";
}

# A statement with {T} for the table.
sub dml
{
	my $where = where();
	my $first = number($ids);
	my ($v, $t, $rows) = (vector_value(), text_value(), new_rows());
	my $set = pick('n = n + 1', "n = " . number(20), "v = $v", "t = $t", "v = $v, n = n + 1, t = $t", "w = gen(id, 64) + w",
		'v = x, x = v', 'x = v', 'v = v || v', 'v = subvector(v, 1, 2)', 'v = NULL', 'h = NULL', 'list = ARRAY[v, x]', 'x = list[1]',
		"v = (SELECT o.v FROM {T} o WHERE o.id = $first)", 'id = id', "t = t || 'x'", 'v = w, h = w::halfvec(64)', 'n = n');

	return pick(
		(shown("UPDATE {T} SET $set WHERE $where")) x 5,
		(shown("INSERT INTO {T} ($columns) $rows")) x 2,
		(shown("INSERT INTO {T} ($columns) $rows ON CONFLICT (id) DO UPDATE SET n = {T}.n + 1, v = excluded.v, t = excluded.t")) x 3,
		shown("INSERT INTO {T} ($columns) $rows ON CONFLICT (id) DO UPDATE SET n = {T}.n + 1, x = {T}.v WHERE {T}.v IS DISTINCT FROM excluded.v"),
		shown("INSERT INTO {T} ($columns) $rows ON CONFLICT DO NOTHING"),
		shown("INSERT INTO {T} ($columns) SELECT id + $ids, n, v, w, x, h, t, list FROM {T} WHERE $where"),
		shown("INSERT INTO {T} (id, n, v, t) SELECT " . number(100000) . " + row_number() OVER w, n, v, t\n"
			  . "FROM {L} WHERE id % 11 = " . number(11) . ' WINDOW w AS (ORDER BY id, n, v::text, t) LIMIT 20'),
		(shown("DELETE FROM {T} WHERE $where")) x 2,
		shown("DELETE FROM {T} WHERE id >= $ids"),
		shown("UPDATE {T} SET id = id + 1000 * " . number(9) . " WHERE $where"),
		"UPDATE {T} SET v = o.v, x = {T}.v FROM {T} o WHERE o.id = {T}.id + 1 AND {T}.id BETWEEN $first AND $first + 20",
		"MERGE INTO {T} USING ($rows) s ON s.id = {T}.id\n"
		  . "WHEN MATCHED AND {T}.n % 3 = 0 THEN DELETE WHEN MATCHED THEN UPDATE SET v = s.v, x = {T}.v, n = {T}.n + 1\n"
		  . "WHEN NOT MATCHED AND s.id % 2 = 0 THEN INSERT (id, n, v, t) VALUES (s.id, s.n, s.v, s.t)",
		"SELECT id, short(v), md5(t) FROM {T} WHERE $where ORDER BY id " . pick('FOR UPDATE', 'FOR NO KEY UPDATE', 'FOR SHARE', 'FOR KEY SHARE'),
		"SELECT count(*), md5(string_agg(r::text, ',' ORDER BY (r).id)), md5(string_agg((r).v::text, ',' ORDER BY (r).id))\n"
		  . "FROM (SELECT {T} AS r FROM {T} WHERE $where OFFSET 0) q",
		"SELECT id, short(v) FROM {T} WHERE vector_dims(v) + n = " . (100 + number(20)) . " AND v IS NOT NULL ORDER BY id",
		<<"SQL",
DO \$\$
DECLARE
	r {T};
	kept {T}[];
BEGIN
	FOR r IN SELECT * FROM {T} WHERE $where ORDER BY id LOOP
		kept := kept || r;
		BEGIN
			UPDATE {T} SET v = $v, n = r.n + 1 WHERE id = r.id;
			IF r.id % 3 = 0 THEN RAISE division_by_zero; END IF;
			INSERT INTO {T} (id, n, v, t) VALUES (r.id + $ids, r.n, r.v, r.t);
		EXCEPTION WHEN division_by_zero OR unique_violation THEN
			UPDATE {T} SET x = r.v, t = r.t WHERE id = r.id;
		END;
	END LOOP;
	UPDATE {T} SET x = k.v FROM unnest(kept) k WHERE {T}.id = k.id AND k.id % 2 = 0;
END \$\$
SQL
		<<"SQL",
DO \$\$
DECLARE
	c CURSOR FOR SELECT * FROM {T} WHERE $where ORDER BY id FOR UPDATE;
BEGIN
	FOR r IN c LOOP
		IF r.n % 2 = 0 THEN
			UPDATE {T} SET v = r.x, x = r.v, n = n + 1 WHERE CURRENT OF c;
		ELSE
			DELETE FROM {T} WHERE CURRENT OF c;
		END IF;
	END LOOP;
END \$\$
SQL
		"COPY (SELECT id + 2000, n, v, w, x, h, t FROM {T} WHERE $where ORDER BY id) TO '{FILE}' (FORMAT binary);\n"
		  . "COPY {T} (id, n, v, w, x, h, t) FROM '{FILE}' (FORMAT binary)",
		"COPY (SELECT id + 3000, v, t FROM {T} WHERE $where ORDER BY id) TO '{FILE}';\nCOPY {T} (id, v, t) FROM '{FILE}'",
	);
}

# Statements that change the table as a whole; {AM} is its usual access method.
sub ddl
{
	my $index = number(1000);

	return pick(
		'ALTER TABLE {T} ADD extra vector DEFAULT \'[7,8,9]\'; ALTER TABLE {T} DROP extra',
		'ALTER TABLE {T} ADD extra vector; UPDATE {T} SET extra = v WHERE id % 5 = 0; ALTER TABLE {T} DROP extra',
		'ALTER TABLE {T} ALTER n TYPE bigint; ALTER TABLE {T} ALTER n TYPE int',
		"ALTER TABLE {T} ALTER t SET STORAGE " . pick('EXTERNAL', 'EXTENDED', 'MAIN'),
		'TRUNCATE {L}',
		"ALTER TABLE {T} SET ACCESS METHOD heap",
		'ALTER TABLE {T} SET ACCESS METHOD {AM}',
		"CREATE INDEX {T}_i$index ON {T} (short(v), id); DROP INDEX {T}_i$index",
		'CREATE TEMP TABLE {T}_copy USING {AM} AS TABLE {T}; DROP TABLE {T}_copy',
		number(10) ? 'REINDEX TABLE {T}' : 'TRUNCATE {T}');
}

sub vacuum
{
	return pick(('VACUUM {T}') x 6, 'VACUUM (FREEZE) {T}', 'VACUUM (INDEX_CLEANUP on) {T}', 'VACUUM (FULL) {T}',
		'VACUUM (DISABLE_PAGE_SKIPPING) {T}',
		'CLUSTER {T} USING {T}_pkey', 'ANALYZE {T}', 'VACUUM {L}', 'VACUUM (ANALYZE, PARALLEL 2) {T}',
		'REINDEX TABLE CONCURRENTLY {T}', 'CHECKPOINT');
}

my $contents = <<'SQL';
SELECT 'rows', count(*), md5(string_agg(concat_ws('|', id, n, v, w, x, h, t, list, dims), chr(10) ORDER BY id)) FROM {T};
SELECT 'log', count(*), md5(string_agg(concat_ws('|', id, n, v, t), chr(10) ORDER BY id, n, v::text, t)) FROM {L};
SET enable_seqscan = off;
SELECT 'by index', count(*), md5(string_agg(concat_ws('|', id, v), chr(10) ORDER BY id)) FROM {T} WHERE id > -1;
SELECT 'by expression', count(*), md5(string_agg(short(v), chr(10) ORDER BY id)) FROM {T} WHERE vector_dims(v) + n > 0 AND v IS NOT NULL;
RESET enable_seqscan;
SELECT problems('{T}') UNION ALL SELECT problems('{L}')
SQL

# The choice of the next statement depends on the transaction's state; statements about
# transactions apply to both tables at once.
my $depth = -1;    # savepoints, -1 outside of a transaction
my $prepared = 0;

sub next_statement
{
	my $dice = rand;

	if ($depth < 0)
	{
		return vacuum() if $dice < 0.07;
		return $contents if $dice < 0.12;
		if ($dice < 0.3)
		{
			$depth = 0;
			return '!BEGIN';
		}
	}
	else
	{
		if ($dice < 0.06)
		{
			$depth++;
			return "!SAVEPOINT s$depth";
		}
		if ($depth > 0 && $dice < 0.12)
		{
			my $to = 1 + number($depth);

			$depth = $to - ($dice < 0.10 ? 0 : 1);
			return $dice < 0.10 ? "!ROLLBACK TO s$to" : "!RELEASE s$to";
		}
		if ($dice < 0.22)
		{
			$depth = -1;
			return '!ROLLBACK' if $dice < 0.16;
			return '!COMMIT' if $dice < 0.21;
			$prepared++;
			return "!PREPARE TRANSACTION 'p$prepared'; " . pick('COMMIT', 'COMMIT', 'ROLLBACK') . " PREPARED 'p$prepared'";
		}
	}
	return ddl() if $dice > 0.98;
	return dml();
}

my $seed = seeded();
my $node = new_primary('main', conf => "max_prepared_transactions = 5\nautovacuum = off\n"
	  . "log_statement = none\nlog_min_error_statement = panic\nlog_min_messages = fatal\n");
my $file = $node->basedir . '/copied';
my %names = (
	a => { T => 'a', L => 'a_log', AM => $am, LAM => 'heap', FILE => "$file.a" },
	b => { T => 'b', L => 'b_log', AM => 'heap', LAM => $am, FILE => "$file.b" });

# A statement for table a or b.
sub named
{
	my ($statement, $table) = @_;

	$statement =~ s/\{(\w+)\}/$names{$table}{$1}/g;
	return $statement;
}

my $script = '';
my @statements;
foreach my $step (1 .. $steps)
{
	my $statement = $step == $steps ? $contents : next_statement();

	$statement = '!COMMIT' if $step == $steps - 1 && $depth >= 0;
	push @statements, $statement;
	if ($statement =~ s/^!//)
	{
		$script .= "$statement;\n";
		next;
	}
	foreach my $table ('a', 'b')
	{
		$script .= "\\echo == $step $table\n" . named($statement, $table) . ";\n\\echo :SQLSTATE :ROW_COUNT\n";
	}
}

$node->safe_psql('postgres', $setup . named($tables, 'a') . named($tables, 'b'));
my $script_file = $node->basedir . '/model.sql';
append_to_file($script_file, $script);
my ($output, $errors) = ('', '');
my $ran = IPC::Run::run(
	[ 'psql', '-XAtq', '-v', 'ON_ERROR_ROLLBACK=on', '-d', $node->connstr('postgres'), '-f', $script_file ],
	'>', \$output, '2>', \$errors);
ok($ran, "psql came to the end (SEED=$seed)") or diag(substr($errors, -2000));

my (%result, $key);
foreach my $line (split /\n/, $output)
{
	if ($line =~ /^== (\d+ [ab])$/)
	{
		$key = $1;
		$result{$key} = '';
	}
	elsif (defined $key)
	{
		$result{$key} .= "$line\n";
	}
}
my ($compared, $failed, $different) = (0, 0, 0);
foreach my $step (1 .. $steps)
{
	next if $statements[ $step - 1 ] =~ /^!/;
	my ($a, $b) = map { $result{"$step $_"} // 'no result' } 'a', 'b';

	$compared++;
	$failed++ if $b =~ /^(?!00000)\w{5} \d+$/m;
	next if $a eq $b;
	if ($different++ < 3)
	{
		diag("step $step of seed $seed, " . named($statements[ $step - 1 ], 'a'));
		diag("on $am: " . substr($a, 0, 2000), 'on heap: ' . substr($b, 0, 2000));
	}
}
is($different, 0, "$compared statements had the same result on both tables");
cmp_ok($failed, '<', $compared / 3, "most statements succeeded ($failed did not)");
cmp_ok((() = $output =~ /^rows\|[1-9]/mg), '>', 2, 'and there were rows to compare');
unlike($errors, qr/server closed the connection|corrupt|internal error|could not/i, 'no unexpected error')
  or diag(join("\n", grep { /server closed|corrupt|internal error|could not/ } split /\n/, $errors));
$node->safe_psql('postgres', "ALTER TABLE a SET ACCESS METHOD $am");
is_checked($node, 'postgres', 'a', 'the table');
is_checked($node, 'postgres', 'b_log', 'the log');
$node->safe_psql('postgres', 'VACUUM a');
is_checked($node, 'postgres', 'a', 'the table, vacuumed');
is($node->safe_psql('postgres', named("SELECT md5(string_agg(concat_ws('|', id, v, x, t), chr(10) ORDER BY id)) FROM {T}", 'a')),
	$node->safe_psql('postgres', named("SELECT md5(string_agg(concat_ws('|', id, v, x, t), chr(10) ORDER BY id)) FROM {T}", 'b')),
	'the same contents at the end');
$node->stop;
done_testing();
