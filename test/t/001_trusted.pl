# CREATE EXTENSION by the owner of a database who is not a superuser, with hostile
# objects in the extension's schema; and the view collections over many indexes, of
# which some are not built, are damaged, or were dropped.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use VecstoreTest;

my $node = new_primary('main', conf => "autovacuum = off\nlog_statement = none\n");

# An operator for each pair of these types, a closer match than that of pg_catalog for
# most of them, and functions that the installation script names.
my @types = qw(oid regclass regtype name text "char" int2 int4 int8 float4 float8 numeric bool jsonb);
my $hostile = join("\n", map {
	my $left = $_;
	map {
		my $right = $_;
		"CREATE FUNCTION public.f($left, $right) RETURNS bool LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.loot VALUES (current_user); RETURN true; END';\n"
		  . join('', map { "CREATE OPERATOR public.$_ (LEFTARG = $left, RIGHTARG = $right, FUNCTION = public.f);\n" } qw(= <> > >= < ||));
	} @types
} @types);

$node->safe_psql('postgres', <<"SQL");
CREATE ROLE evil LOGIN;
CREATE DATABASE theirs OWNER evil;
SQL
$node->safe_psql('theirs', <<"SQL", extra_params => [ '-U', 'evil' ]);
CREATE TABLE public.loot (who text);
GRANT ALL ON public.loot TO PUBLIC;
$hostile
CREATE FUNCTION public.jsonb_typeof(jsonb) RETURNS text LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.loot VALUES (current_user); RETURN ''object''; END';
CREATE FUNCTION public.has_table_privilege(regclass, text) RETURNS bool LANGUAGE plpgsql AS 'BEGIN INSERT INTO public.loot VALUES (current_user); RETURN true; END';
CREATE EXTENSION vecstore SCHEMA public;
CREATE TABLE t (id int PRIMARY KEY, v vector(3)) USING vecstore;
CREATE INDEX ON t USING vecann (v);
INSERT INTO t VALUES (1, '[1,2,3]');
SQL
is( $node->safe_psql('theirs', q{
	SELECT count(*) FROM vecstore.collections;
	SELECT count(*) FROM vecstore.segments('t');
	SELECT queries FROM vecstore.recall('t_v_idx');
	SELECT count(*) FROM vecstore.check('t');
	SELECT vecstore.describe('t') ->> 'name';
	SELECT '{"a": 1}'::vecstore.dynamic_fields;
	SELECT binary_quantize('[1,-2,3]'::text)}),
	"1\n1\n1\n0\nt\n{\"a\": 1}\n101", 'a superuser calls what a database owner installed');
is($node->safe_psql('theirs', 'SELECT count(*) FROM public.loot'), '0', "none of the owner's functions ran");
is( $node->safe_psql('theirs', q{
	SET search_path = pg_catalog;
	SELECT DISTINCT pg_describe_object(refclassid, refobjid, refobjsubid) FROM pg_depend
	WHERE objid IN (SELECT d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid WHERE e.extname = 'vecstore' AND d.deptype = 'e'
			UNION ALL SELECT oid FROM pg_rewrite WHERE ev_class = 'vecstore.collections'::regclass
			UNION ALL SELECT oid FROM pg_constraint WHERE contypid = 'vecstore.dynamic_fields'::regtype)
		AND (refclassid, refobjid) IN (SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE proowner = 'evil'::regrole
			UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oprowner = 'evil'::regrole)}),
	'', 'nor are they in anything that was installed');

# A table whose concurrent index build fails, one with a damaged index, a sound one.
my ($rc, $out, $err);
$node->safe_psql('postgres', q{
CREATE TABLE sound (id int PRIMARY KEY, v vector(3)) USING vecstore;
CREATE INDEX ON sound USING vecann (v);
INSERT INTO sound VALUES (1, '[1,2,3]');
CREATE TABLE unbuilt (LIKE sound INCLUDING ALL) USING vecstore;
INSERT INTO unbuilt VALUES (1, '[1,2,3]');
ALTER TABLE unbuilt ADD COLUMN f vector(3) DEFAULT '[1,2,3]';
CREATE TABLE damaged (LIKE sound INCLUDING ALL) USING vecstore;
INSERT INTO damaged VALUES (1, '[1,2,3]');
CREATE INDEX damaged_second ON damaged USING vecann (v vector_ip_ops);
CHECKPOINT});
($rc, $out, $err) = $node->psql('postgres', 'CREATE INDEX CONCURRENTLY unbuilt_f ON unbuilt USING vecann (f)');
isnt($rc, 0, 'CREATE INDEX CONCURRENTLY fails');
my $file = $node->data_dir . '/' . $node->safe_psql('postgres', q{SELECT pg_relation_filepath('damaged_v_idx')});
$node->stop;
open(my $f, '+<', $file) or die "cannot open $file: $!";
binmode $f;
print $f "\xff" x 8192;
close $f;
$node->start;
is( $node->safe_psql('postgres', q{SELECT name, rows_estimate, pending, problem ~ 'is not valid', problem ~ 'page' FROM vecstore.collections ORDER BY name}),
	"damaged|1||f|t\nsound|1|1||\nunbuilt|1|1|t|f", 'the view shows what it can, and says what it cannot');
is($node->safe_psql('postgres', q{SELECT index, rows FROM vecstore.segments('unbuilt')}), 'unbuilt_v_idx|1', 'segments without the index that is not built');
($rc, $out, $err) = $node->psql('postgres', q{SELECT DISTINCT index FROM vecstore.segments('damaged')});
is($out, 'damaged_second', 'segments of the index that can be read');
like($err, qr/WARNING:  segments of index public.damaged_v_idx cannot be read: /, 'with a warning about the other one');
($rc, $out, $err) = $node->psql('postgres', q{SELECT * FROM vecstore.index_info('unbuilt_f')});
like($err, qr/index "unbuilt_f" is not ready/, 'index_info of an index that is not built');
$node->stop;
done_testing();
