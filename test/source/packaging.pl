# Packaging: what is said about the extension is true of it.
use strict;
use warnings;

use lib 'test/source';
use JSON::PP;
use Test::More;
use Tree;

my ($version) = Tree::read_file('athar.control') =~ /^default_version = '([^']+)'$/m;
like($version, qr/^\d+\.\d+\.\d+$/, 'the control file says the version');

my $meta = decode_json(Tree::read_file('META.json'));
is($meta->{version}, $version, 'META.json says the same version');
is($meta->{provides}{athar}{version}, $version, 'META.json provides the same version');
ok(-f $meta->{provides}{athar}{$_}, "the $_ that META.json names exists") for qw(file docfile);
is($meta->{license}, 'postgresql', 'META.json names the license');
for my $key (qw(name abstract maintainer meta-spec))
{
	ok($meta->{$key}, "META.json has $key");
}

like(Tree::read_file('LICENSE'), qr/^PostgreSQL License\n\nCopyright \(c\) [\d-]+, athar contributors\n/, 'LICENSE is the PostgreSQL License');
like((split /\n/, Tree::read_file('CHANGELOG.md'))[0], qr/^## \Q$version\E \((unreleased|\d{4}-\d\d-\d\d)\)$/, 'the newest entry of the changelog is this version');

# A released install script never changes: a new version does.
if (-f "sql/release/athar--$version.sql")
{
	is(Tree::read_file("athar--$version.sql"), Tree::read_file("sql/release/athar--$version.sql"), "version $version is what was released");
}
else
{
	like(Tree::read_file('CHANGELOG.md'), qr/^## \Q$version\E \(unreleased\)$/m, "version $version is not released yet");
}

done_testing();
