# The files of the source tree, for the checks beside this file.
package Tree;

use strict;
use warnings;

use File::Find;

# What a build, a test or a user leaves in the tree, and data that is not ours.
my $foreign = qr{^(\.git|results|output_iso|tmp_check\w*|log|demo/(data|report)|bench/results)(/|$)};
my $built = qr{\.(o|bc|so|zip)$|^athar--[^/]*\.sql$|^regression\.|^demo/story\.txt$};

sub text_files
{
	my @files;
	find(
		{
			no_chdir => 1,
			preprocess => sub { sort @_ },
			wanted => sub {
				(my $name = $File::Find::name) =~ s{^\./}{};
				if ($name =~ $foreign)
				{
					$File::Find::prune = 1;
					return;
				}
				push @files, $name if -f $_ && -T _ && $name !~ $built;
			}
		},
		'.');
	return @files;
}

sub read_file
{
	my ($name) = @_;
	open my $file, '<', $name or die "$name: $!\n";
	local $/ = undef;
	my $text = <$file>;
	return defined $text ? $text : '';
}

# Numbers of the lines that match.
sub lines_matching
{
	my ($text, $pattern) = @_;
	my @lines = split /\n/, $text;
	return grep { $lines[ $_ - 1 ] =~ $pattern } 1 .. @lines;
}

1;
