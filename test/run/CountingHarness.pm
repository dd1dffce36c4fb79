# A TAP::Harness for prove and pg_prove that writes "passed failed skipped" to the
# file TAP_COUNTS.  A test file that ended early, has no plan or a wrong one, or
# died counts as at least one failure.
package CountingHarness;

use strict;
use warnings;

use parent 'TAP::Harness';

sub runtests
{
	my ($self, @tests) = @_;
	my $aggregate = $self->SUPER::runtests(@tests);
	my ($passed, $failed, $skipped) = (0, 0, 0);

	foreach my $parser ($aggregate->parsers)
	{
		my $skips = () = $parser->skipped;
		my $oks = () = $parser->passed;
		my $bad = () = $parser->failed;
		my $broken = $parser->exit || $parser->wait || $parser->parse_errors;

		$skips = 1 if $parser->skip_all;
		$bad = 1 if $broken && !$bad;
		$passed += $parser->skip_all ? 0 : $oks - $skips;
		$failed += $bad;
		$skipped += $skips;
	}
	if (my $file = $ENV{TAP_COUNTS})
	{
		open(my $fh, '>', $file) or die "cannot write $file: $!";
		print $fh "$passed $failed $skipped\n";
		close($fh) or die "cannot write $file: $!";
	}
	return $aggregate;
}

1;
