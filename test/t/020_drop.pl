# DROP EXTENSION leaves nothing: every catalog is as it was before.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('drop');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->start;

my $before = catalogs();
$node->safe_psql('postgres', 'CREATE EXTENSION athar');
isnt(catalogs(), $before, 'the catalogs show the extension');
$node->safe_psql('postgres', 'DROP EXTENSION athar');
is(catalogs(), $before, 'the catalogs show no more of it');
is($node->psql('postgres', 'CREATE EXTENSION athar'), 0, 'it can be installed again');

$node->stop;
done_testing();

# The number of rows in every catalog, shared ones included; statistics of
# the planner come and go by themselves.
sub catalogs
{
	return $node->safe_psql('postgres', <<'SQL');
SELECT c.relname, (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM pg_catalog.%I', c.relname), false, true, '')))[1]
FROM pg_class AS c
WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'
	AND c.relname NOT IN ('pg_statistic', 'pg_statistic_ext_data')
ORDER BY 1
SQL
}
