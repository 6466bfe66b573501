# Structure: arrows run one way, files and functions stay small, the library
# exports nothing that could meet somebody else's name.
use strict;
use warnings;

use lib 'test/source';
use Test::More;
use Tree;

my @objects = Tree::read_file('Makefile') =~ m{\bsrc/(\w+)\.o\b}g;
my %place = map { $objects[$_] => $_ } 0 .. $#objects;

is_deeply(
	[ sort map { s{^src/(\w+)\.c$}{$1}r } glob('src/*.c') ],
	[ sort @objects ],
	'the Makefile lists every C file');

# A file includes athar.h, its own header, and headers of earlier files.
for my $file (glob('src/*.c'), glob('src/*.h'))
{
	my ($name) = $file =~ m{(\w+)\.[ch]$};
	my @ours = Tree::read_file($file) =~ /^#include "(?:src\/)?(\w+)\.h"/gm;
	@ours = grep { -f "src/$_.h" } @ours;
	if ($file =~ /\.c$/)
	{
		is($ours[0], 'athar', "$file includes athar.h first");
	}
	elsif ($name ne 'athar')
	{
		ok(-f "src/$name.c", "$file has its C file");
	}
	my @wrong = grep {
			 $_ ne 'athar'
		  && $_ ne $name
		  && ($name eq 'athar' && $file =~ /\.h$/
			|| $place{$_} > $place{$name})
	} @ours;
	is("@wrong", '', "$file includes only what is before it");
}

# A part names only what is installed before it: all of state, then code.
{
	my (%made_in, %text);
	my @parts = (sort(glob('sql/state/*.sql')), sort(glob('sql/code/*.sql')));
	for my $part (@parts)
	{
		my $text = Tree::read_file($part);
		$text =~ s/--.*$//gm;
		$text =~ s/'(?:[^']|'')*'//g;
		$text{$part} = $text;
		while ($text =~ /^\s*CREATE\s+(?:OR\s+REPLACE\s+)?(?:TABLE|VIEW|TYPE|DOMAIN|SEQUENCE|FUNCTION|PROCEDURE|AGGREGATE)\s+athar\.(\w+)/gim)
		{
			push @{ $made_in{$1} }, $part;
		}
	}
	for my $part (@parts)
	{
		my ($kind, $number) = place_of($part);
		my %named = map { $_ => 1 } $text{$part} =~ /\bathar\.(\w+)/g;
		my @wrong = grep {
			my $name = $_;
			$made_in{$name} && !grep { may_name($kind, $number, $_) } @{ $made_in{$name} };
		} sort keys %named;
		is("@wrong", '', "$part names only what is before it");
	}
}

sub place_of
{
	my ($part) = @_;
	my @place = $part =~ m{sql/(state|code)/(\d+)_};
	die "$part has no number\n" if !@place;
	return @place;
}

sub may_name
{
	my ($kind, $number, $maker) = @_;
	my ($its_kind, $its_number) = place_of($maker);
	return 0 if $kind eq 'state' && $its_kind eq 'code';
	return $its_number <= $number;
}

# The server loads all libraries into one name space.
{
	my @symbols = map { (split)[-1] } `nm -D --defined-only athar.so`;
	ok(@symbols > 0, 'athar.so is built');
	my @foreign = grep {
		!/^(athar_|pg_finfo_athar_|Pg_magic_func$|_PG_init$)/
	} @symbols;
	is("@foreign", '', 'athar.so exports only names of its own');
}

# Small enough to be read.
{
	my @long;
	for my $file (grep { m{^(src|sql|test|script|bench|demo)/} } Tree::text_files())
	{
		my @lines = split /\n/, Tree::read_file($file);
		push @long, "$file: " . @lines . ' lines' if @lines >= 800;
		push @long, map { "$file:$_" } long_functions(@lines) if $file =~ /\.c$/;
	}
	is(join("\n", @long), '', 'files have less than 800 lines, functions less than 80');
}

# The line of each C function's opening brace, if it is too long.
sub long_functions
{
	my @lines = @_;
	my ($begin, @long) = (0);
	for my $number (1 .. @lines)
	{
		my $line = $lines[ $number - 1 ];
		$begin = $number if $line eq '{';
		push @long, $begin if $line eq '}' && $number - $begin >= 80;
	}
	return @long;
}

# Nothing unfinished, nothing that only holds where it was written.
{
	my $unfinished = join '|', map { "\\b$_\\b" } 'TO' . 'DO', 'FIX' . 'ME', 'X' x 3;
	my $workplace = join '|', map { "(?<![\\w.])/$_/" } 'wo' . 'rk', 'ro' . 'ot', 'ho' . 'me';
	is(places_matching(qr/$unfinished/), '', 'nothing is left to be finished');
	is(places_matching(qr/$workplace/), '', 'nothing names a place of its author');
}

sub places_matching
{
	my ($pattern) = @_;
	my @places;
	for my $file (Tree::text_files())
	{
		push @places, map { "$file:$_" } Tree::lines_matching(Tree::read_file($file), $pattern);
	}
	return "@places";
}

done_testing();
