# What the documents say without an example is true: every SQLSTATE that the
# sources raise is told and no other, so is every setting, and links lead
# somewhere.  (The examples are run by test/t/040_documents.pl.)
use strict;
use warnings;

use lib 'test/source';
use Test::More;
use Tree;

# A condition of the server's is named in C; its code stands in a header.
my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
chomp(my $include = `$pg_config --includedir-server`);
my %code_of;
for (split /\n/, Tree::read_file("$include/utils/errcodes.h"))
{
	my ($condition, $code) = /^#define (ERRCODE_\w+) MAKE_SQLSTATE\((.*)\)$/ or next;
	$code_of{$condition} = join '', $code =~ /'(.)'/g;
}
ok(keys %code_of > 200, 'the server names its conditions');

my %raised;
for my $file (glob('src/*.c'))
{
	my $text = Tree::read_file($file);
	$text =~ s/^.*\bcategory != .*$//gm;    # looked at, not raised
	$text =~ s/\bcase ERRCODE_\w+://g;		# looked at, not raised
	for my $condition ($text =~ /\b(ERRCODE_\w+)/g)
	{
		next if $condition eq 'ERRCODE_TO_CATEGORY';
		$raised{ $code_of{$condition} // "unknown $condition" }{$file} = 1;
	}
	$raised{ join '', $1 =~ /'(.)'/g }{$file} = 1 while $text =~ /MAKE_SQLSTATE\(((?:'.',? ?){5})\)/g;
}
for my $file (glob('sql/*/*.sql'))
{
	my $text = Tree::read_file($file);
	$raised{$_}{$file} = 1 for $text =~ /\bathar\.fail\(\s*'([0-9A-Z]{5})'/g;
}

my @lines = split /\n/, Tree::read_file('doc/errors.csv');
my %listed = map { /^([0-9A-Z]{5}),/ ? ($1 => 1) : () } @lines;
is(scalar(keys %listed), @lines - 1, 'doc/errors.csv lists each SQLSTATE once');
is(join("\n", map { "$_ of " . join ' ', sort keys %{ $raised{$_} } } grep { !$listed{$_} } sort keys %raised),
	'', 'every SQLSTATE that is raised is in doc/errors.csv');
is(join(' ', grep { !$raised{$_} } sort keys %listed), '', 'every SQLSTATE in doc/errors.csv is raised');

# The README lists our own class, in the same words.
my %own = map { /^(AT\d+),([^,]+),/ ? ($1 => $2) : () } @lines;
my %told = Tree::read_file('README.md') =~ /^\| (AT\d+) \| ([^|]+?) \|/gm;
is_deeply(\%told, \%own, 'README.md lists the SQLSTATEs of class AT');

# Settings and what they are unless set, as the reference has them.
my ($readme, $reference) = map { { Tree::read_file($_) =~ /^\| (athar\.\w+) \| ([^|]+?) \|/gm } } 'README.md', 'doc/reference.md';
ok(keys %$reference > 2, 'the reference lists settings');
is_deeply($readme, $reference, 'README.md lists the settings');

my @broken;
for my $page ('README.md', glob('doc/*.md'))
{
	my ($directory) = $page =~ m{^(.*/)?};
	push @broken, map { "$page: $_" } grep { !-e ($directory // '') . $_ } grep { !/^(\w+:|#)/ } Tree::read_file($page) =~ /\]\(([^)#]+)[^)]*\)/g;
}
is("@broken", '', 'links lead somewhere');

done_testing();
