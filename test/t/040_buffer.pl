# Entries that are held back are in the log when the transaction is committed or
# prepared, and are nowhere when it is not;
# whether the library was loaded by the statement itself or with the server.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('buffer');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "max_prepared_transactions = 5\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION athar;
CREATE TABLE public.stock (id integer PRIMARY KEY, amount integer NOT NULL DEFAULT 0);
SELECT athar.track('public.stock');
CREATE FUNCTION public.more() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.stock SELECT i FROM generate_series(100000 + new.id, 100000 + new.id + 1999) AS i ON CONFLICT DO NOTHING; RETURN NULL; END $$;
CREATE TABLE public.cause (id integer);
CREATE CONSTRAINT TRIGGER more AFTER INSERT ON public.cause DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.more();
SQL

sub entries
{
	my ($condition) = @_;
	return $node->safe_psql('postgres', "SELECT count(*) FROM athar.log_entry WHERE $condition");
}

# Each call is a session of its own, so its first statement loads the library.
sub behaves
{
	my ($how) = @_;
	my $rows = join '', map { "$_\t0\n" } 1 .. 2500;
	my $last = $node->safe_psql('postgres', 'SELECT coalesce(max(id), 0) FROM athar.log_entry');
	my $new = "id > $last AND operation = 'I'";

	$node->safe_psql('postgres', "COPY public.stock FROM stdin;\n$rows\\.\n");
	is(entries($new), 2500, "$how: COPY as a session's first statement");
	$node->safe_psql('postgres', 'UPDATE public.stock SET amount = 1');
	is(entries("id > $last AND operation = 'U'"), 2500, "$how: UPDATE as the first");
	$node->safe_psql('postgres', "BEGIN; INSERT INTO public.stock VALUES (3001); PREPARE TRANSACTION 'one'");
	is(entries("$new AND row_key = '{\"id\": 3001}'"), 0, "$how: nobody else sees what is prepared");
	$node->safe_psql('postgres', "COMMIT PREPARED 'one'");
	is(entries("$new AND row_key = '{\"id\": 3001}'"), 1, "$how: until it is committed");
	$node->safe_psql('postgres', "INSERT INTO public.cause VALUES (1), (2001)");
	is(entries("$new AND (row_key->>'id')::integer > 100000"), 4000, "$how: what a deferred trigger writes at commit");
	$node->safe_psql('postgres', 'BEGIN; DELETE FROM public.stock; ROLLBACK');
	$node->psql('postgres', "SET statement_timeout = '1s'; BEGIN; DELETE FROM public.stock; SELECT pg_sleep(60)");
	is(entries("id > $last AND operation = 'D'"), 0, "$how: nothing of what was rolled back or cancelled");
	$node->safe_psql('postgres', 'DO $$ BEGIN FOR i IN 5001 .. 5010 LOOP INSERT INTO public.stock VALUES (i); IF i % 2 = 0 THEN COMMIT; ELSE ROLLBACK; END IF; END LOOP; END $$');
	is(entries("$new AND (row_key->>'id')::integer BETWEEN 5001 AND 5010"), 5, "$how: a block that commits and rolls back");
	is($node->safe_psql('postgres', 'DELETE FROM public.stock; SELECT count(*) FROM athar.as_of(NULL::public.stock, now())'), 0, "$how: as_of agrees");
	is(entries("id > $last AND operation = 'D'"), 2500 + 1 + 4000 + 5, "$how: and so does the log");
	return;
}

behaves('loaded by the trigger');

# Writers beside each other do not lose or double entries.
$node->safe_psql('postgres', 'INSERT INTO public.stock SELECT i FROM generate_series(1, 100) AS i');
my $before = entries('true');
my $script = PostgreSQL::Test::Utils::tempdir() . '/writers';
append_to_file($script, "\\set id random(1, 100)\nBEGIN;\nUPDATE public.stock SET amount = amount + 1 WHERE id = :id;\nSAVEPOINT s;\nUPDATE public.stock SET amount = amount + 1000 WHERE id = :id;\nROLLBACK TO s;\nUPDATE public.stock SET amount = amount + 1 WHERE id = :id;\nCOMMIT;\n");
$node->command_ok([ 'pgbench', '-n', '-c', '4', '-t', '100', '-f', $script, 'postgres' ], 'four writers');
is(entries('true') - $before, 800, 'each change is there');
is($node->safe_psql('postgres', <<'SQL'), 0, 'and in order');
SELECT count(*) FROM (
	SELECT (old_values->>'amount')::integer AS was, lag(new_values->>'amount') OVER (PARTITION BY row_key ORDER BY id)::integer AS before
	FROM athar.log_entry WHERE operation = 'U' AND id > (SELECT max(id) FROM athar.log_entry WHERE operation = 'I')) AS c
WHERE was <> before
SQL
$node->safe_psql('postgres', 'DELETE FROM public.stock');

# Preloaded, in databases with and without the extension.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'athar'\n");
$node->restart;
is($node->safe_psql('template1', 'CREATE TEMP TABLE t AS SELECT 1 AS i; UPDATE t SET i = 2; SELECT i FROM t'), 2, 'a database without the extension');
behaves('preloaded');

is(PostgreSQL::Test::Utils::slurp_file($node->logfile) =~ /(.*(?:reference leak|leak:|still referenced|was not closed|TRAP|PANIC|terminated by signal).*)/ ? $1 : '', '', 'nothing leaks');
$node->stop;
done_testing();
