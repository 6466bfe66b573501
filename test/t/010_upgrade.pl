# An upgraded athar is the same as a fresh one: from every released version,
# and from a made-up one that proves the machinery while none is released.
#
# Upgrade scripts go into the server's own directory, so this works on a
# private copy of the server.
use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $tree = PostgreSQL::Test::Utils::tempdir();
my $pg_config = make_private_server();
my ($newest) = slurp_file('athar.control') =~ /^default_version = '([^']+)'/m;
my $made_up = '0.0.9';
make_versions();

my $node = PostgreSQL::Test::Cluster->new('upgrade',
	install_path => dirname(dirname($pg_config)));
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->start;

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION athar');
my $fresh = description('fresh');
like($fresh, qr/CREATE TABLE athar\.probe /, 'the description shows tables');
like($fresh, qr/COMMENT ON VIEW athar\.probes /, 'the description shows comments');

my @versions = map { /athar--(.*)\.sql$/ } glob("$tree/sql/release/*.sql");
ok((grep { $_ eq $made_up } @versions), 'there is a version to upgrade from');
for my $version (grep { $_ ne $newest } @versions)
{
	(my $database = "from_$version") =~ tr/./_/;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, "CREATE EXTENSION athar VERSION '$version'");
	$node->safe_psql($database, 'ALTER EXTENSION athar UPDATE');
	is($node->safe_psql($database, "SELECT extversion FROM pg_extension WHERE extname = 'athar'"),
		$newest, "$version becomes $newest");
	ok(description($database) eq $fresh, "$version upgraded is the same as $newest fresh")
	  or show_difference($database);
}

# The comparison sees what it should see.
(my $database = "from_$made_up") =~ tr/./_/;
for my $stray (
	q{COMMENT ON COLUMN athar.unit.code IS 'stray'},
	q{GRANT SELECT ON athar.unit TO PUBLIC},
	q{ALTER TABLE athar.unit ADD COLUMN stray integer},
	q{ALTER FUNCTION athar.fail(text, text, text, text) STABLE},
	q{UPDATE pg_extension SET extconfig = extconfig[2:], extcondition = extcondition[2:] WHERE extname = 'athar'})
{
	my $copy = 'stray';
	$node->safe_psql('postgres', "DROP DATABASE IF EXISTS $copy");
	$node->safe_psql('postgres', "CREATE DATABASE $copy TEMPLATE $database");
	$node->safe_psql($copy, $stray);
	ok(description($copy) ne $fresh, "a difference is seen: $stray");
}

# A version without a step has no way.
append_to_file("$tree/sql/release/athar--0.0.1.sql", "SELECT 1;\n");
isnt(system("cd $tree && make -s PG_CONFIG=$pg_config athar--0.0.1--$newest.sql 2>/dev/null"),
	0, 'a missing step stops the build');

$node->stop;
done_testing();

sub run_or_die
{
	my ($command) = @_;
	my $output = `$command`;
	die "failed: $command\n" if $? != 0;
	chomp $output;
	return $output;
}

# A private server that has the library of the one under test.
sub make_private_server
{
	my $directory = PostgreSQL::Test::Utils::tempdir();
	run_or_die("cp -R Makefile athar.control src sql script $tree");
	return run_or_die("script/private_server $directory");
}

# The version before this one: this one without a table, a function and a
# view, and with a function that is gone since.
sub make_versions
{
	my $table = <<'SQL';
CREATE TABLE athar.probe (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL
);
COMMENT ON TABLE athar.probe IS 'Added in this version';
SELECT pg_extension_config_dump('athar.probe', '');
SELECT pg_extension_config_dump('athar.probe_id_seq', '');
SQL
	my $code = <<'SQL';
CREATE OR REPLACE FUNCTION athar.probe_count()
RETURNS bigint
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT count(*) FROM athar.probe;
END;
COMMENT ON FUNCTION athar.probe_count() IS 'Added in this version';
CREATE OR REPLACE VIEW athar.probes WITH (security_invoker = true) AS
SELECT name FROM athar.probe;
COMMENT ON VIEW athar.probes IS 'Added in this version';
SQL
	my $gone = <<'SQL';
CREATE FUNCTION athar.gone() RETURNS integer LANGUAGE SQL IMMUTABLE PARALLEL SAFE RETURN 1;
SQL
	my $make = "make -s -C $tree PG_CONFIG=$pg_config";
	my $old = "$tree/sql/release/athar--$made_up.sql";
	my $extensions = run_or_die("$pg_config --sharedir") . '/extension';

	run_or_die("$make athar--$newest.sql");
	run_or_die("mkdir -p $tree/sql/release $tree/sql/update");
	run_or_die("mv $tree/athar--$newest.sql $old");
	append_to_file($old, $gone);
	append_to_file("$tree/sql/state/98_probe.sql", $table);
	append_to_file("$tree/sql/code/98_probe.sql", $code);
	append_to_file("$tree/sql/update/$made_up--$newest.sql", "DROP FUNCTION athar.gone();\n$table");
	run_or_die("$make athar--$newest.sql \$(cd $tree/sql/release && printf '%s\\n' *.sql | sed '/athar--$newest.sql/d; s/\\.sql\$/--$newest.sql/')");
	run_or_die("cp $tree/athar.control $tree/athar--*.sql $old $extensions");
	return;
}

# Everything the catalogs say about athar, in an order of its own and without
# the numbers that no two installations share.
sub description
{
	my ($database) = @_;
	my $dump = run_or_die("'" . $node->config_data('--bindir')
		  . "/pg_dump' --schema-only --binary-upgrade -h " . $node->host . ' -p ' . $node->port . " $database");
	$dump =~ s/^SELECT pg_catalog\.binary_upgrade_set_next_.*\n//gm;
	$dump =~ s/^SELECT pg_catalog\.binary_upgrade_create_empty_extension\(('[^']*', '[^']*', \w+, '[^']*').*\n/extension $1\n/gm;
	$dump =~ s/^UPDATE pg_catalog\.pg_class\nSET relfrozenxid = .*\nWHERE oid = .*\n//gm;
	$dump =~ s/^\\(un)?restrict .*\n//gm;
	my $members = $node->safe_psql($database, <<'SQL');
SELECT 'dumped ' || c.oid::regclass || ' ' || c.condition
FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS c (oid, condition)
WHERE e.extname = 'athar' ORDER BY 1
SQL
	my @parts = split /^--\n-- (?=Name: )/m, $dump;
	shift @parts;
	return join('', sort @parts) . $members;
}

sub show_difference
{
	my ($database) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$directory/fresh", $fresh);
	append_to_file("$directory/upgraded", description($database));
	diag(`cd $directory && diff -u fresh upgraded | head -n 200`);
	return;
}
