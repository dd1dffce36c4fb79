#!/usr/bin/perl
# pgalign.pl ORIGINAL < CLANG-FORMATTED > RESULT
#
# The part of pgindent's style that clang-format has no options for:
# - the declared name stands 12 columns right of the indentation, its stars
#   just left of it; a longer type is followed by one space
# - a comment behind code starts in column 32, or at the next tab stop
# - a space before the arguments of a pointer to function
# - the brace that closes an initializer of several lines stands alone
# - preprocessor directives stay as they were written
use strict;
use warnings;

use constant { TAB => 4, NAME_COLUMN => 12, COMMENT_COLUMN => 32 };

my %not_a_type = map { $_ => 1 } qw(return goto else case typedef sizeof default do if while for switch);

# The lines of a text with each preprocessor directive, continuation lines
# included, as one element; comments are told apart so that a # in one is none.
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

sub shift_line
{
	my ($line, $delta) = @_;
	my ($indent, $rest) = $line =~ /^([ \t]*)(.*)$/s;
	my $column = columns($indent) + $delta;
	return $line if $rest eq '' || $column < 0;
	return "\t" x int($column / TAB) . ' ' x ($column % TAB) . $rest;
}

my $original = do { local (@ARGV, $/) = ($ARGV[0]); <> };
my $formatted = do { local $/; <STDIN> };
my @directives = grep { /^[ \t]*#/ } elements($original);
my ($parens, $delta, $shifting) = (0, 0, 0);
my @opened;

# clang-format takes MACRO(x) at the start of a statement for a statement
$formatted =~ s/^(\t+[A-Z][A-Z0-9_]*\([^\n;]*\))\n\t+([\[(])/$1$2/mg;

foreach my $line (elements($formatted))
{
	if ($line =~ /^[ \t]*#/)
	{
		print shift(@directives), "\n";
		next;
	}
	if ($line =~ s/^\0//)
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

	if ($shifting)
	{
		$code = shift_line($code, $delta);
	}
	elsif ($parens == 0
		&& $code =~ /^(\t*)((?:\w+ )+)(\**)(\(\*+\w+(?:\[\w*\])?\)|\w+)(?=[;,=\[(:]| [=:])(.*)$/
		&& !$not_a_type{ (split / /, $2)[0] }
		&& $2 !~ /^(?:struct|enum|union) $/)
	{
		my ($indent, $type, $stars, $name, $rest) = ($1, $2, $3, $4, $5);
		$type =~ s/ $//;
		$rest =~ s/^\(/ (/ if $name =~ /^\(/;
		my $from = columns("$indent$type");
		my $to = columns($indent) + NAME_COLUMN - length($stars);
		my $before = columns("$indent$type $stars$name");
		$code = "$indent$type" . pad($from, $to) . "$stars$name$rest";
		$delta = ($to > $from ? $to : $from + 1) - $from - 1;
		$delta += 1 if $name =~ /^\(/;
		$shifting = 1;
	}

	# does the statement go on in the next line?
	(my $bare = $code) =~ s/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)+'//g;
	$parens += ($bare =~ tr/(//) - ($bare =~ tr/)//);
	$shifting = 0 if $bare =~ /[;{}]\s*$/ || $bare =~ /=\s*$/;

	if ($comment ne '')
	{
		my $from = columns($code);
		my $to = $from < COMMENT_COLUMN ? COMMENT_COLUMN : $from - $from % TAB + TAB;
		$code .= ($code =~ /^\s*$/ ? '' : pad($from, $to)) . $comment;
	}

	# the brace that closes an initializer of several lines stands alone
	my $open = ($bare =~ tr/{//) - ($bare =~ tr/}//);
	my ($indent) = $code =~ /^(\t*)/;
	push @opened, $indent for 1 .. $open;
	my $closed = $open < 0 ? (splice @opened, $open)[0] // '' : '';
	$code =~ s/(?<=[^\s{}])\};$/\n$closed};/ if $open < 0;
	print "$code\n";
}
