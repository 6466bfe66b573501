# What was granted to roles outlives an upgrade, and a dump made after it.
#
# The upgrade is a made-up one, put into a private copy of the server: all of
# sql/code again, one function that is new, and what every upgrade ends with.
use strict;
use warnings;

use File::Basename;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($version) = slurp_file('athar.control') =~ /^default_version = '([^']+)'/m;
my $directory = PostgreSQL::Test::Utils::tempdir();
chomp(my $pg_config = `script/private_server $directory`);
die "no private server\n" if $? != 0;
chomp(my $extensions = `$pg_config --sharedir`);
$extensions .= '/extension';
my $later = 'CREATE FUNCTION athar.define_later() RETURNS integer LANGUAGE SQL VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp RETURN 1;';
append_to_file("$extensions/athar--999.sql", slurp_file("$extensions/athar--$version.sql") . $later . slurp_file('sql/code/99_members.sql'));
append_to_file("$extensions/athar--$version--999.sql", join '',
	map({ slurp_file($_) } sort grep { !/99_members/ } glob('sql/code/*.sql')),
	$later, slurp_file('sql/code/99_members.sql'), 'SELECT athar.apply_access_grants();');
append_to_file("$extensions/athar.control", "default_version = '999'\n");

my $node = PostgreSQL::Test::Cluster->new('access', install_path => dirname(dirname($pg_config)));
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->start;

$node->safe_psql('postgres', qq{
	CREATE EXTENSION athar VERSION '$version';
	CREATE ROLE clerk;
	CREATE ROLE "head of office";
	CREATE ROLE auditor;
	SELECT athar.grant_access('clerk', 'contribute'), athar.grant_access('"head of office"', 'manage'), athar.grant_access('auditor', 'audit');
	GRANT SELECT ON athar.jobs TO auditor});

# Everything that the roles hold, as the catalogs have it.
sub held
{
	my ($database) = @_;
	return $node->safe_psql($database, q{
		SELECT object, a.grantee::regrole, a.privilege_type
		FROM (SELECT oid::regprocedure::text, proacl FROM pg_proc WHERE pronamespace = 'athar'::regnamespace
			UNION ALL SELECT oid::regclass::text, relacl FROM pg_class WHERE relnamespace = 'athar'::regnamespace
			UNION ALL SELECT nspname, nspacl FROM pg_namespace WHERE nspname = 'athar') AS o (object, acl), aclexplode(o.acl) AS a
		WHERE a.grantee IN ('clerk'::regrole, '"head of office"'::regrole, 'auditor'::regrole)
		ORDER BY 1, 2, 3});
}

# Another database, from a dump of this one.
sub restored
{
	my ($database) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->command_ok([ 'sh', '-c',
			"pg_dump -h '" . $node->host . "' -p " . $node->port . ' postgres | psql -qXAt -v ON_ERROR_STOP=1 -h \''
			  . $node->host . "' -p " . $node->port . " $database >/dev/null" ], "$database: dumped and restored");
	return held($database);
}

my $before = held('postgres');
like($before, qr/^athar\.jobs\|auditor\|SELECT$/m, 'roles hold something, by level and by hand');
is(restored('copy'), $before, 'a dump carries it');

$node->safe_psql('postgres', 'ALTER EXTENSION athar UPDATE');
is(held('postgres') =~ s/^athar\.define_later.*\n//gmr, $before, 'an upgrade keeps it');
is($node->safe_psql('postgres', q{
		SELECT r.rolname, has_function_privilege(r.rolname, 'athar.define_later()', 'EXECUTE')
		FROM pg_roles AS r WHERE r.rolname IN ('clerk', 'head of office', 'auditor') ORDER BY 1}),
	"auditor|f\nclerk|f\nhead of office|t", 'and gives what is new, to those whose level has it');
is($node->safe_psql('postgres', q{SELECT has_function_privilege('public', 'athar.define_later()', 'EXECUTE')}), 'f', 'and to nobody else');
is(restored('later_copy'), held('postgres'), 'a dump made after the upgrade carries all of it');

$node->stop;
done_testing();
