#!/usr/bin/perl
# pgalign.pl ORIGINAL < CLANG-FORMATTED > RESULT
#
# The parts of pgindent's style for which clang-format has no options:
# - a declared name begins 12 columns right of the indentation, with its stars
#   directly left of it; a longer type is followed by one space
# - a comment behind code starts in column 32, or at the next tab stop
# - a continuation line begins one tab right of the statement, or in parentheses
#   right of the innermost one
# - a space before the arguments of a pointer to function
# - the brace that closes an initializer of several lines is alone on its line
# - preprocessor directives are kept as written, and so are line breaks in
#   parentheses that clang-format would remove
use strict;
use warnings;

use constant { TAB => 4, NAME_COLUMN => 12, COMMENT_COLUMN => 32 };

my %not_a_type = map { $_ => 1 } qw(return goto else case typedef sizeof default do if while for switch);
my $control = qr/^\s*(?:else\s+)?(?:if|for|while|switch|for\w+|[sd]list_\w+)\s*\(/;

# Returns the lines of a text.  A preprocessor directive with its continuation
# lines is one element; a line within a comment begins with \0.
sub elements
{
	my ($text) = @_;
	my (@elements, $in_comment);
	foreach my $line (split /\n/, $text)
	{
		if (@elements && $elements[-1] =~ /^[ \t]*#/ && $elements[-1] =~ /\\\z/)
		{
			$elements[-1] .= "\n$line";
			next;
		}
		push @elements, $in_comment ? "\0$line" : $line;
		(my $rest = $line) =~ s{"(?:[^"\\]|\\.)*"}{}g;
		$rest =~ s{^.*?\*/}{} if $in_comment && $rest =~ m{\*/};
		next if $in_comment && $line !~ m{\*/};
		$rest =~ s{/\*.*?\*/}{}g;
		$in_comment = $rest =~ m{/\*};
	}
	return @elements;
}

sub columns
{
	my ($text) = @_;
	my $column = 0;
	$column = $_ eq "\t" ? $column + TAB - $column % TAB : $column + 1 foreach split //, $text;
	return $column;
}

# Tabs and spaces from one column to another; one space where that is enough.
sub pad
{
	my ($from, $to) = @_;
	return ' ' if $to <= $from + 1;
	return ' ' x ($to - $from) if $from % TAB == TAB - 1 && $to % TAB && $to - $from < TAB + 1;
	my $pad = '';
	while ($from - $from % TAB + TAB <= $to)
	{
		$from += TAB - $from % TAB;
		$pad .= "\t";
	}
	return $pad . ' ' x ($to - $from);
}

sub indented
{
	my ($line, $column) = @_;
	$line =~ s/^[ \t]+//;
	return "\t" x int($column / TAB) . ' ' x ($column % TAB) . $line;
}

# Strings, characters and comments become as many x.
sub bare
{
	my ($code) = @_;
	$code =~ s{("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)+'|/\*.*?\*/)}{'x' x length $1}ge;
	return $code;
}

sub collapsed
{
	my ($line) = @_;
	$line =~ s/^\s+|\s+$//g;
	$line =~ s/\s+/ /g;
	return $line;
}

my $original = do { local (@ARGV, $/) = ($ARGV[0]); <> };
my $formatted = do { local $/; <STDIN> };
my @directives = grep { /^[ \t]*#/ } elements($original);

# clang-format takes MACRO(x) at the start of a statement for a statement
$formatted =~ s/^(\t+[A-Z][A-Z0-9_]*\([^\n;]*\))\n\t+([\[(])/$1$2/mg;

# Lines broken in parentheses, by what they make when joined.
my %broken;
my @lines = grep { !/^\0/ } elements($original);
foreach my $i (0 .. $#lines)
{
	my ($joined, $depth) = ('', 0);
	next if $lines[$i] =~ m{^\s*(?:#|/\*|$)};
	foreach my $j ($i .. $i + 5)
	{
		last if $j > $#lines || $lines[$j] =~ m{^\s*(?:#|/\*|$)};
		my $bare = bare($lines[$j]);
		my $line = collapsed($lines[$j]);
		$joined .= ($joined eq '' || $joined =~ /\($/ ? '' : ' ') . $line;
		$broken{$joined} //= [ @lines[ $i .. $j ] ] if $j > $i;
		$depth += ($bare =~ tr/(//) - ($bare =~ tr/)//);
		last if $depth <= 0;
	}
}
my @work;
foreach my $line (elements($formatted))
{
	my $kept = $line =~ /^[\0#]/ ? undef : $broken{ collapsed($line) };
	if (!$kept)
	{
		push @work, $line;
		next;
	}
	my ($indent) = $line =~ /^([ \t]*)/;
	push @work, map { my $l = $_; $l =~ s/^\s+//; collapsed($indent . $l) } @$kept;
	$work[-$_] = $indent . ($_ == @$kept ? '' : "\t") . $work[-$_] foreach 1 .. @$kept;
}

# of the statement that the line belongs to
my ($open, $start, $delta, $in_list, $is_control) = (0, 0, 0, 0, 0);
my @parens;     # columns to align to, undef where clang-format's word counts
my @opened;     # indentation of lines that open a brace

foreach my $line (@work)
{
	if ($line =~ /^[ \t]*#/)
	{
		print shift(@directives), "\n";
		next;
	}
	if ($line =~ s/^\0// || $line =~ m{^\s*(?:/\*|$)})
	{
		print "$line\n";
		next;
	}

	# code | comment behind it
	my ($code, $comment) = ($line, '');
	if ($line =~ m{^(.*\S)\s*(/\*(?:(?!\*/).)*\*/)\s*$})
	{
		my ($before, $behind) = ($1, $2);
		my $quotes = () = $before =~ /(?<!\\)"/g;
		($code, $comment) = ($before, $behind) if $quotes % 2 == 0;
	}
	$code =~ s/\((\*+\w+)\)\(/($1) (/g if bare($code) =~ /\(\*+\w+\)\(/;
	$code =~ s/, \.\.\.\)/,...)/ if bare($code) =~ /, \.\.\.\)/;

	# where the line begins
	my ($indent) = $code =~ /^([ \t]*)/;
	my $here = columns($indent);
	if (@parens)
	{
		$code = indented($code, $parens[-1] // $here + $delta);
	}
	elsif (!$open)
	{
		($start, $delta) = ($here, 0);
	}
	elsif ($in_list)
	{
		$code = indented($code, $here + $delta);
	}
	elsif ($start > 0 && $here > $start && $code !~ /^\s*[{}]/)
	{
		$code = indented($code, $start + TAB);
	}

	# a declaration
	if (!$open
		&& $code =~ /^(\t*)((?:\w+ )+)(\**)(\(\*+\w+(?:\[\w*\])?\)|\w+)(?=[;,=\[(:]| [=:(])(.*)$/
		&& !$not_a_type{ (split / /, $2)[0] }
		&& $2 !~ /^(?:struct|enum|union) $/)
	{
		my ($tabs, $type, $stars, $name, $rest) = ($1, $2, $3, $4, $5);
		$type =~ s/ $//;
		$rest =~ s/^\(/ (/ if $name =~ /^\(/;
		my $from = columns("$tabs$type");
		my $to = columns($tabs) + NAME_COLUMN - length($stars);
		$code = "$tabs$type" . pad($from, $to) . "$stars$name$rest";
		$delta = ($to > $from ? $to : $from + 1) - $from - 1;
	}

	# what it leaves open
	my $bare = bare($code);
	for (my $i = 0; $i < length $bare; $i++)
	{
		my $c = substr($bare, $i, 1);
		my $more = substr($bare, $i + 1) =~ /\S/;
		if ($c eq '(' || ($c eq '{' && $more))
		{
			push @parens, $more ? columns(substr($bare, 0, $i + 1)) : undef;
		}
		elsif ($c eq ')' || ($c eq '}' && @parens))
		{
			pop @parens;
		}
	}
	$in_list = $bare =~ /,\s*$/;
	$is_control = $bare =~ $control if !$open;
	$open = @parens
		|| ($bare !~ /[;{}]\s*$/
		&& $bare !~ /^\s*(?:case\b.*|default\s*|\w+\s*):\s*$/
		&& $bare !~ /^\s*(?:else|do)\s*$/
		&& !($is_control && $bare =~ /\)\s*$/));

	if ($comment ne '')
	{
		my $from = columns($code);
		my $to = $from < COMMENT_COLUMN ? COMMENT_COLUMN : $from - $from % TAB + TAB;
		$code .= pad($from, $to) . $comment;
	}

	# the brace that closes an initializer of several lines stands alone
	my $braces = ($bare =~ tr/{//) - ($bare =~ tr/}//);
	($indent) = $code =~ /^(\t*)/;
	push @opened, $indent for 1 .. $braces;
	my $closed = $braces < 0 ? (splice @opened, $braces)[0] // '' : '';
	$code =~ s/(?<=[^\s{}])\};$/\n$closed};/ if $braces < 0;
	print "$code\n";
}
