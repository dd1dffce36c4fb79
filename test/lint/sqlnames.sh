#!/usr/bin/env bash
# What the installation script makes must mean the same whatever lies in its users' search_path, or in the schema that the
# extension goes into.  A function in SQL or PL/pgSQL has a search_path of its own; a view, a domain, or a body that is parsed
# when it is made (RETURN expression) writes each operator, function, type and relation with its schema.  Besides, a function
# says its volatility, and PARALLEL unless it is volatile.  Arguments: files (all parts, unless given).
set -euo pipefail
cd "$(dirname "$0")/../.."
[ $# -gt 0 ] || set -- sql/parts/*.sql sql/parts/*.sql.in
exec perl - "$@" <<'PERL'
use strict;
use warnings;

my $bad = 0;
my ($file, $line);

sub wrong
{
	my $what = "@_" =~ s/ \. /./gr;

	print "$file:$line: $what\n";
	$bad = 1;
	return;
}

# Tokens of SQL: strings and quoted names are one each, comments and space none.
sub tokens
{
	my ($sql) = @_;
	my @tokens = $sql =~ m{
		( \$(\w*)\$ .*? \$\2\$ | '(?:[^']|'')*' | "(?:[^"]|"")*" | \@extschema\@ | [A-Za-z_]\w* | \$?\d[\w.]* | ::
		  | (?:(?!--)[-+*/<>=~!\@\#%^&|`?])+ | [^\s] )}gsx;
	my @result;

	while (my ($token, undef) = splice(@tokens, 0, 2)) { push @result, $token; }
	return @result;
}

my $keyword = qr/^(?:AND|ANY|ALL|ARRAY|AS|CASE|CAST|CHECK|COALESCE|ELSE|EXISTS|FILTER|FROM|GREATEST|IN|JOIN|LATERAL|LEAST|NOT|NULLIF|ON|OPERATOR|OR|OVER|RETURN|ROW|SELECT|THEN|UNION|USING|VALUES|WHEN|WHERE|WITH)$/i;
my $symbol = qr{^[-+*/<>=~!\@\#%^&|`?]+$};

# Names of an expression or query that is parsed when the object is made.
sub check_names
{
	my ($what, @t) = @_;
	my $in_operator = 0;

	for my $i (0 .. $#t)
	{
		my $before = $i > 0 ? $t[ $i - 1 ] : '';
		my $after = $t[ $i + 1 ] // '';
		my $qualified = ($t[ $i + 2 ] // '') ne '' && $after eq '.';

		$in_operator = 1 if uc $t[$i] eq 'OPERATOR';
		$in_operator = 0 if $t[$i] eq ')';
		wrong("$what: operator $t[$i] without its schema")
		  if $t[$i] =~ $symbol && $t[$i] ne '@extschema@' && !($in_operator && $before eq '.');
		wrong("$what: function $t[$i] without its schema")
		  if $after eq '(' && $before ne '.' && $t[$i] =~ /^[\w"]/ && $t[$i] !~ $keyword && $t[$i] !~ /^[\d\$]/;
		wrong("$what: type $after without its schema") if $t[$i] eq '::' && ($t[ $i + 2 ] // '') ne '.';
		wrong("$what: relation $after without its schema")
		  if $t[$i] =~ /^(?:FROM|JOIN)$/i && $after ne '(' && uc $after ne 'LATERAL' && ($t[ $i + 2 ] // '') ne '.';
	}
	return;
}

sub check_function
{
	my ($name, $header, $language, @t) = @_;

	wrong("function $name does not say its volatility") if $header !~ /\b(?:IMMUTABLE|STABLE|VOLATILE)\b/i;
	wrong("function $name does not say PARALLEL") if $header !~ /\bVOLATILE\b/i && $header !~ /\bPARALLEL\b/i;
	return if $language !~ /^(?:sql|plpgsql)$/i;
	for my $i (0 .. $#t)
	{
		return check_names("function $name", @t[ $i + 1 .. $#t ]) if uc $t[$i] eq 'RETURN';
	}
	wrong("function $name has no SET search_path = pg_catalog, pg_temp") if $header !~ /\bSET search_path = pg_catalog , pg_temp\b/i;
	return;
}

foreach my $name (@ARGV)
{
	open(my $in, '<', $name) or die "$name: $!";
	my $text = do { local $/; <$in> };
	my $at = 1;

	$file = $name;
	# a comment is of the line, outside of strings
	while ($text =~ m{\G((?:\$(\w*)\$.*?\$\2\$|'(?:[^']|'')*'|"[^"]*"|--[^\n]*|[^;])*?;|.+\z)}gs)
	{
		my $statement = $1;

		($line, $at) = ($at, $at + ($statement =~ tr/\n//));
		$line += ($statement =~ /\A((?:\s|--[^\n]*\n)+)/ ? $1 =~ tr/\n// : 0);
		1 while $statement =~ s{\A((?:\$(\w*)\$.*?\$\2\$|'(?:[^']|'')*'|"[^"]*"|[^-'"\$]|-(?!-)|\$(?!\w*\$))*)--[^\n]*}{$1}s;
		my @t = tokens($statement);
		my $sql = join(' ', @t);

		if ($sql =~ /^CREATE (?:OR REPLACE )?FUNCTION (\S+(?: \. \S+)?) \(/i)
		{
			my $name = $1;
			my $header = join(' ', map { /^\$\w*\$/ ? '' : $_ } @t);
			my ($language) = $header =~ /\bLANGUAGE (\w+)/i;

			check_function($name, $header, $language // '', @t);
		}
		elsif ($sql =~ /^CREATE (?:OR REPLACE )?(?:MATERIALIZED )?VIEW (\S+ \. \S+)(?: WITH \(.*?\))? AS (.*)$/is)
		{
			my ($name, $query) = ($1, $2);

			check_names("view $name", tokens($query));
		}
		elsif ($sql =~ /^CREATE DOMAIN (\S+ \. \S+) AS (.*)$/is)
		{
			my ($name, $rest) = ($1, $2);

			check_names("domain $name", '::', tokens($rest));
		}
		elsif ($sql =~ /^CREATE (?:OR REPLACE )?(?:TABLE|PROCEDURE|RULE|TRIGGER|POLICY|INDEX)\b/i)
		{
			wrong("what this makes is not looked at: $sql");
		}
	}
}
exit $bad;
PERL
