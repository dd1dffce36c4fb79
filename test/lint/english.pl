#!/usr/bin/perl
# english.pl WORDS < NAMES OF FILES
#
# Prints "file:line: phrase -> suggestion (reason)" for each phrase of WORDS in
# the prose of the files; fails if there is one.  Prose is
# - in C, Java, Go and JavaScript: comments and string literals
# - in SQL: comments, and the strings of COMMENT ON
# - in Markdown: all but code
# - in other text files: comments from "#" on, and Python's docstrings
use strict;
use warnings;
use open qw(:std :encoding(UTF-8));

use constant { TAB => 4, COLUMNS => 80 };

my $c_like = qr/\.(?:c|h|cpp|java|go|mjs)\z/;
my $skipped = qr{(?:\.(?:tsv|gz|svg|json|sum|mod|txt|words|folders|out)|/corpus/[^/]+/[^/]+)\z};

# The begin of a headless sentence.  "What ...?" is a question.
my $headless = qr/(?:\A|[.;:]\s+|\n\s*\n\s*)((?:Who(?:m|se|ever)?|What(?:ever)?)\b[^?.;:]*)(?![^.;:]*\?)/;

sub read_file
{
	my ($file) = @_;
	open(my $in, '<', $file) or die "cannot read $file: $!\n";
	local $/;
	return scalar <$in>;
}

sub read_words
{
	my ($file) = @_;
	my @words;
	foreach my $line (split /\n/, read_file($file))
	{
		next if $line =~ /^#|^\s*$/;
		my ($pattern, $instead, $reason) = split /\t/, $line;
		die "$file: not three fields: $line\n" unless defined $reason;
		push @words, [qr/(?<![\w\/.-])(?:$pattern)(?![\w-])/, $instead, $reason];
	}
	return @words;
}

# Each piece of prose is [line, text]; its lines are those of the file.
sub prose
{
	my ($file, $text) = @_;
	my $expression =
		$file =~ $c_like ? qr{/\*.*?\*/|//[^\n]*(?:\n\s*//[^\n]*)*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)'}s
	  : $file =~ /\.sql\z/ ? qr{--[^\n]*(?:\n\s*--[^\n]*)*|\bCOMMENT ON\b[^;]*?\bIS\s+'(?:[^']|'')*'}s
	  : $file =~ /\.md\z/ ? qr{.+}s
	  :                     qr{(?:^|(?<=\s))#[^\n]*(?:\n\s*#[^\n]*)*|"""(?:.*?)"""}ms;
	my @pieces;
	while ($text =~ /($expression)/g)
	{
		my ($piece, $start) = ($1, $-[0]);
		my $line = 1 + (substr($text, 0, $start) =~ tr/\n//);
		push @pieces, [$line, $piece];
	}
	return @pieces;
}

# Removes decoration and code, and keeps the line breaks.
sub plain
{
	my ($file, $piece) = @_;
	$piece =~ s{^COMMENT ON.*?IS\s+'}{}s;
	if ($file =~ /\.md\z/)
	{
		$piece =~ s{^```.*?^```}{"\n" x ($& =~ tr/\n//)}gmse;
	}
	# a heading of Markdown is no sentence
	$piece =~ s{^#+ .*}{}gm if $file =~ /\.md\z/;
	$piece =~ s{^\s*(?:/\*+-*|\*+/|\*|//+|#+!?|--)[ \t]?}{}gm;
	$piece =~ s{\s*-*\*/\z}{};
	$piece =~ s{`[^`\n]*`}{_}g;
	$piece =~ s{^"+|"+\z}{}g;
	return $piece;
}

sub columns
{
	my ($text) = @_;
	my $column = 0;
	$column = $_ eq "\t" ? $column + TAB - $column % TAB : $column + 1 foreach split //, $text;
	return $column;
}

my @words = read_words(shift @ARGV);
my $wrong = 0;

sub complain
{
	my ($file, $line, $text, $instead, $reason) = @_;
	$text =~ s/\s+/ /g;
	print "$file:$line: $text -> $instead ($reason)\n";
	$wrong = 1;
}

# The line on which an offset of a piece lies.
sub line_of
{
	my ($first, $text, $offset) = @_;
	return $first + (substr($text, 0, $offset) =~ tr/\n//);
}

sub check_piece
{
	my ($file, $first, $piece) = @_;
	my $text = plain($file, $piece);
	(my $flat = $text) =~ s/\n/ /g;
	foreach my $word (@words)
	{
		my ($pattern, $instead, $reason) = @$word;
		# the same length as the text, so that offsets agree
		while ($flat =~ /$pattern/g)
		{
			complain($file, line_of($first, $text, $-[0]), $&, $instead, $reason);
		}
	}
	return if $piece =~ /^["']/;
	while ($text =~ /$headless/g)
	{
		my ($line, $phrase) = (line_of($first, $text, $-[1]), $1);
		complain($file, $line, substr($phrase, 0, 40) . ' ...', 'a noun as the subject', 'headless clause');
	}
	return;
}

sub check_width
{
	my ($file, $text) = @_;
	my ($line, $in_comment) = (0, 0);
	foreach (split /\n/, $text)
	{
		$line++;
		my $has_comment = $in_comment || m{/\*};
		complain($file, $line, 'comment of ' . columns($_) . ' columns', 'at most ' . COLUMNS, 'does not fit a screen')
		  if $has_comment && length($_) > COLUMNS / TAB && columns($_) > COLUMNS;
		$in_comment = m{.*/\*(.*)} ? $1 !~ m{\*/} : $in_comment && !m{\*/};
	}
	return;
}

while (my $file = <STDIN>)
{
	chomp $file;
	next if $file =~ $skipped;
	my $text = read_file($file);
	next if $text =~ /\0/;
	check_piece($file, @$_) foreach prose($file, $text);
	check_width($file, $text) if $file =~ m{^src/.*\.[ch]\z};
}
exit $wrong;
