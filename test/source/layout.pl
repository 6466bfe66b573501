# Layout: C as PostgreSQL's own formatter leaves it, every text file clean.
use strict;
use warnings;

use lib 'test/source';
use Test::More;
use Tree;

for my $file (glob('src/*.h'), glob('src/*.c'))
{
	my $difference = `script/format --check $file 2>&1`;
	ok($? == 0, "$file is laid out (make format does it)")
	  or diag($difference);
}

my @faults;
for my $file (Tree::text_files())
{
	my $text = Tree::read_file($file);
	push @faults, "$file: a carriage return" if $text =~ /\r/;
	push @faults, "$file: not UTF-8" if !utf8::decode(my $copy = $text);
	push @faults, "$file: begins with blanks, not tabs, in line $_"
	  for $file =~ /\.sql$/ ? Tree::lines_matching($text, qr/^ +(?![ *])/) : ();
	next if $file =~ m{^expected/};
	push @faults, "$file: no newline at the end, or more than one" if $text !~ /[^\n]\n\z/;
	push @faults, "$file: blanks at the end of line $_"
	  for Tree::lines_matching($text, qr/[ \t]$/);
}
is(join("\n", @faults), '', 'text files are clean');

done_testing();
