# A filled database survives every way of dumping and restoring it: each table
# is identical, the log is not doubled, sequences go on, capture goes on, and
# the extension can still be dropped.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $files = PostgreSQL::Test::Utils::tempdir();
my $source = new_node('source');

# A cluster that has used more transactions than the source, and one that has
# used fewer: stored transaction numbers mean nothing in either.
my $ahead = new_node('ahead');
$ahead->safe_psql('postgres', 'DO $$ BEGIN FOR n IN 1..5000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$');
my $behind = new_node('behind');
$source->safe_psql('postgres', 'DO $$ BEGIN FOR n IN 1..2000 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$');

$source->safe_psql('postgres', 'CREATE EXTENSION athar');
command_ok([ psql($source, 'postgres'), '-f', 'test/data/fill.sql' ], 'the source is filled');
my $wanted = contents($source, 'postgres');
my @tables = $wanted =~ /^== (\S+) \d+ rows$/gm;
cmp_ok(scalar(@tables), '>', 10, 'there is something to compare');
is_deeply([ grep { !filled($_) } @tables ], [], 'every table has rows');
my $read = readings($source, 'postgres');

my $dump = pg($source, 'pg_dump');
my $plain = "$files/plain.sql";
run_ok("$dump -f $plain postgres", 'plain dump');

for my $node ($source, $ahead, $behind)
{
	my $name = $node->name;
	restored($node, "plain_$name", "plain into $name", sub { load($node, $_[0], $plain) });
}

restored($source, 'custom', 'custom format, two at once', sub {
	run_ok("$dump -Fc -f $files/custom postgres", 'custom dump');
	run_ok(pg($source, 'pg_restore') . " --exit-on-error -j 2 -d $_[0] $files/custom", 'pg_restore -j 2');
});

restored($ahead, 'directory', 'directory format, dumped and restored two at once', sub {
	run_ok("$dump -Fd -j 2 -f $files/directory postgres", 'parallel dump');
	run_ok(pg($ahead, 'pg_restore') . " --exit-on-error -j 2 -d $_[0] $files/directory", 'pg_restore -j 2');
});

restored($source, 'inserts', 'as INSERT statements', sub {
	run_ok("$dump --inserts -f $files/inserts.sql postgres", 'dump --inserts');
	load($source, $_[0], "$files/inserts.sql");
});

restored($behind, 'data_only', 'schema first, data later', sub {
	run_ok("$dump --schema-only -f $files/schema.sql postgres", 'dump --schema-only');
	run_ok("$dump --data-only -f $files/data.sql postgres", 'dump --data-only');
	load($behind, $_[0], "$files/schema.sql");
	load($behind, $_[0], "$files/data.sql");
});

# Common practice, so that triggers and foreign keys keep quiet: the capture's
# triggers do not, and tell a restore by its settings.
restored($ahead, 'replica', 'in a replica\'s role', sub {
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	load($ahead, $_[0], $plain);
});

restored($behind, 'replica_data', 'schema first, data later in a replica\'s role', sub {
	load($behind, $_[0], "$files/schema.sql");
	local $ENV{PGOPTIONS} = '-c session_replication_role=replica';
	load($behind, $_[0], "$files/data.sql");
});

restored($source, 'disabled', 'schema first, data later with triggers disabled', sub {
	run_ok("$dump --data-only --disable-triggers -f $files/disabled.sql postgres", 'dump --data-only --disable-triggers');
	load($source, $_[0], "$files/schema.sql");
	load($source, $_[0], "$files/disabled.sql");
});

$_->stop for $source, $ahead, $behind;
done_testing();

sub new_node
{
	my ($name) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
	$node->start;
	$node->safe_psql('postgres', 'CREATE ROLE athar_reader; CREATE ROLE athar_manager');
	return $node;
}

sub pg
{
	my ($node, $program) = @_;
	return "$program -h " . $node->host . ' -p ' . $node->port;
}

sub psql
{
	my ($node, $database) = @_;
	return (split(/ /, pg($node, 'psql')), qw(-X -q -v ON_ERROR_STOP=1 -o /dev/null -d), $database);
}

sub load
{
	my ($node, $database, $file) = @_;
	command_ok([ psql($node, $database), '-f', $file ], "psql -f $file" =~ s/\Q$files\E\///r);
	return;
}

sub run_ok
{
	my ($command, $name) = @_;
	command_ok([ split / /, $command ], $name);
	return;
}

# Restore into a new database, and compare everything.
sub restored
{
	my ($node, $database, $name, $restore) = @_;
	note($name);
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0");
	$restore->($database);
	my $found = contents($node, $database);
	ok($found eq $wanted, "$name: every table and sequence is identical")
	  or show_difference($wanted, $found);
	$found = readings($node, $database);
	ok($found eq $read, "$name: what is read is identical") or show_difference($read, $found);
	lives_on($node, $database, $name);
	is($node->psql($database, 'DROP EXTENSION athar'), 0, "$name: the extension can be dropped");
	is($node->safe_psql($database, 'SELECT count(*) FROM public.licence'), 48, "$name: the application's table stays");
	is($node->safe_psql($database, 'SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal'), 0, "$name: no trigger is left on it");
	return;
}

# Capture, numbering and the past after a restore.
sub lives_on
{
	my ($node, $database, $name) = @_;
	is($node->safe_psql($database, <<'SQL'), 'A', "$name: the log's triggers fire always");
SELECT string_agg(DISTINCT tgenabled, '') FROM pg_trigger
WHERE tgfoid IN ('athar.capture_change()'::regprocedure, 'athar.refuse_change()'::regprocedure, 'athar.queue_source()'::regprocedure)
SQL
	my $entries = $node->safe_psql($database, 'SELECT count(*) FROM athar.log_entry');
	is(incomplete($node, $database), 'athar.measurement', "$name: the log accounts for what was restored");
	is($node->safe_psql($database, q{SELECT DISTINCT tgenabled FROM pg_trigger WHERE tgfoid = 'athar.capture_change()'::regprocedure}), 'A', "$name: its triggers fire always");
	is($node->psql($database, <<'SQL'), 0, "$name: work goes on") or return;
BEGIN;
SELECT athar.set_context('clerk 8', 'after the restore');
INSERT INTO public.licence (holder) VALUES ('New');
UPDATE public.licence SET holder = 'Newer' WHERE holder = 'New';
DELETE FROM public.payment WHERE id = 5;
COMMIT;
BEGIN;
SELECT athar.set_context('clerk 9', NULL);
INSERT INTO public.clerk VALUES (9, 'New', 'secret', 'face', 'North');
UPDATE public.person SET pin = 'other', photo = 'other' WHERE id IN (1, 9);
COMMIT;
SELECT athar.define_unit('late', 'Late unit');
SELECT athar.record_observation('days', 11, '2024-07-01', 'permit');
SELECT athar.report_measurement('digital', '[2026-01-01,2026-04-01)', athar.summary_of(ARRAY[0, 1], ARRAY[1, 9]), 'renewal', basis => 'quarter');
SELECT athar.save_plan('faster', jsonb_set(athar.get_plan('faster'), '{title}', '"Fast permits"'), 3, 'shorter');
SELECT athar.create_goal('more', 'More', 'objective', '2024');
SELECT athar.roll_up_goals();
SELECT athar.record_events();
SELECT athar.create_mark('after');
SQL
	is($node->safe_psql($database, <<'SQL'), "INSERT|clerk 8|after the restore\nUPDATE|clerk 8|after the restore\nDELETE|clerk 8|after the restore", "$name: capture goes on");
SELECT operation, actor, reason FROM athar.change_log WHERE actor = 'clerk 8' ORDER BY entry_id
SQL
	is($node->safe_psql($database, <<'SQL'), <<'TEXT' =~ s/\n$//r, "$name: what is kept out of the log stays out");
SELECT relation, new_values FROM athar.change_log WHERE actor = 'clerk 9' ORDER BY 1, 2
SQL
public.clerk|{"pin": "***"}
public.clerk|{"id": 9, "pin": "***", "name": "New", "office": "North"}
public.person|{"pin": "***"}
TEXT
	is($node->safe_psql($database, <<'SQL'), $entries, "$name: new entries come after the old ones");
SELECT count(*) FROM athar.change_log WHERE entry_id < (SELECT min(entry_id) FROM athar.change_log WHERE actor = 'clerk 8')
SQL
	is($node->safe_psql($database, <<'SQL'), 'faster', "$name: the plan has its fourth version");
SELECT code FROM athar.project WHERE head_version = 4
SQL
	is($node->safe_psql($database, <<'SQL'), "handled|2|60\nvisits|2|13", "$name: sources are followed");
DELETE FROM public.handled WHERE service = 'permit' AND at::date = '2024-01-02';
INSERT INTO public.handled VALUES ('permit', '2024-01-02 10:00+00', 40), ('permit', '2024-01-02 12:00+00', 80);
INSERT INTO "Odd one"."Visits 2024" VALUES ('2024-02-29', 10);
SELECT kpi, n, value FROM athar.measurements WHERE (kpi, period_start) IN (('handled', '2024-01-02'), ('visits', '2024-02-29')) ORDER BY kpi;
SQL
	is($node->safe_psql($database, q{SELECT remaining, broken FROM athar.refresh_measurements()}), '0|', "$name: and refreshed");
	is(past($node, $database), past($source, 'postgres'), "$name: the past at an old mark stays as it was");
	is($node->safe_psql($database, <<'SQL'), $node->safe_psql($database, 'TABLE public.licence ORDER BY id'), "$name: the log rebuilds the present");
SELECT * FROM athar.as_of(NULL::public.licence, now()) ORDER BY id
SQL
	is(incomplete($node, $database), 'athar.measurement', "$name: and for the work since");
	$node->safe_psql($database, 'ALTER TABLE public.licence DISABLE TRIGGER USER; UPDATE public.licence SET holder = \'Unseen\' WHERE holder = \'Newer\'; ALTER TABLE public.licence ENABLE TRIGGER USER');
	is(incomplete($node, $database), 'athar.measurement public.licence', "$name: what went unseen is found");
	$node->safe_psql($database, 'SELECT athar.accept_state(\'public.licence\', \'test\')');
	is($node->psql($database, <<'SQL'), 0, "$name: the definition changes again");
ALTER TABLE public.tariff RENAME amount TO price;
ALTER TABLE public.tariff ALTER price TYPE text, ADD COLUMN since date;
ALTER TABLE public.tariff DROP COLUMN since;
UPDATE public.tariff SET price = price || '0', id = id + 10;
SQL
	is($node->safe_psql($database, <<'SQL'), "1|10|\n2|20|", "$name: and as_of answers in its shape of today");
SELECT id, price, note FROM athar.as_of(NULL::public.tariff, (SELECT at FROM athar.mark WHERE name = 'tariff')) ORDER BY id
SQL
	is($node->safe_psql($database, <<'SQL'), <<'TEXT' =~ s/\n$//r, "$name: so do histories");
SELECT operation, row_key, old_values FROM athar.row_history('public.tariff', '{"id": 11}') ORDER BY entry_id
SQL
INSERT|{"id": 1}|
UPDATE|{"id": 1}|{"amount": 10}
DDL|{"id": 1}|{"note": "one"}
UPDATE|{"id": 1}|{"id": 1, "price": "11"}
TEXT
	is($node->psql($database, q{SELECT athar.untrack('public.person')}), 0, "$name: what came with a table goes with it");
	is($node->safe_psql($database, q{SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('public.person'::regclass, 'public.clerk'::regclass)}), 0, "$name: no trigger is left there");
	return;
}

# Tables whose log is not known to be complete. Of measurements it cannot be.
sub incomplete
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, q{SELECT string_agg(relation, ' ' ORDER BY relation) FROM athar.tracking_status() WHERE is_complete IS NOT TRUE});
}

# Every row of every table that belongs into a dump, as text, and where every
# sequence stands.
sub contents
{
	my ($node, $database) = @_;
	my $text = '';
	for my $line (split /\n/, $node->safe_psql($database, <<'SQL'))
SELECT c.oid::regclass || '|' || coalesce(e.condition, '')
FROM pg_class AS c
LEFT JOIN (
	SELECT unnest(extconfig) AS oid, unnest(extcondition) AS condition
	FROM pg_extension WHERE extname = 'athar') AS e ON e.oid = c.oid
WHERE c.relnamespace::regnamespace::text IN ('athar', 'public', '"Odd one"') AND c.relkind = 'r'
ORDER BY c.relnamespace::regnamespace::text, c.relname
SQL
	{
		my ($table, $condition) = split /\|/, $line, 2;
		my @rows = split /\n/, $node->safe_psql($database,
			"SELECT to_jsonb(t)::text FROM $table AS t $condition ORDER BY t::text COLLATE \"C\"");
		$text .= join "\n", "== $table " . @rows . ' rows', @rows, '';
	}
	return $text . "== sequences\n" . $node->safe_psql($database, <<'SQL');
SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2
SQL
}

# Whether contents() found rows in a table. Those left out here have work for
# a moment only, or belong to what comes later.
sub filled
{
	my ($table) = @_;
	return $wanted !~ /^== \Q$table\E 0 rows$/m || $table =~ /^(visit)$/;
}

# What functions and views say, as far as it does not depend on the clock.
sub readings
{
	my ($node, $database) = @_;
	return join "\n", past($node, $database), map { $node->safe_psql($database, $_) } (
		'TABLE athar.change_log ORDER BY entry_id',
		q{SELECT * FROM athar.row_history('public.licence', '{"id": 7}')},
		q{SELECT v, athar.get_plan('faster', v) FROM generate_series(1, 3) AS v},
		q{SELECT * FROM athar.plan_history('faster')},
		q{SELECT * FROM athar.project_timeline ORDER BY project, at, event},
		q{SELECT * FROM athar.search_plans('النموذج')},
		q{SELECT * FROM athar.approval_status('faster')},
		'TABLE athar.participants ORDER BY project, action, unit, role',
		q{SELECT tablename, qual FROM pg_policies WHERE schemaname = 'athar' ORDER BY 1},
		q{SET ROLE athar_manager; TABLE athar.participants ORDER BY project, action, unit, role},
		'TABLE athar.services',
		'TABLE athar.presets ORDER BY preset, ordinal',
		'TABLE athar.kpi_bands ORDER BY kpi, valid_from, lower_bound',
		'TABLE athar.jobs',
		'TABLE athar.retention_rules',
		'TABLE athar.events ORDER BY id',
		'TABLE athar.sources',
		'TABLE athar.measurements ORDER BY kpi, service, period_start, channel, basis',
		q{SELECT relname, relacl FROM pg_class WHERE relnamespace = 'athar'::regnamespace ORDER BY 1},
		q{SELECT oid::regprocedure, proacl FROM pg_proc WHERE pronamespace = 'athar'::regnamespace ORDER BY oid::regprocedure::text},
	);
}

sub past
{
	my ($node, $database) = @_;
	return $node->safe_psql($database, <<'SQL');
SELECT * FROM athar.as_of(NULL::public.licence, (SELECT at FROM athar.mark WHERE name = 'stock taken')) ORDER BY id;
SELECT * FROM athar.as_of(NULL::public.licence, (SELECT at FROM athar.mark WHERE name = 'first changes')) ORDER BY id;
SELECT * FROM athar.as_of(NULL::public.payment, (SELECT at FROM athar.mark WHERE name = 'first changes')) ORDER BY id;
SELECT * FROM athar.as_of(NULL::public.tariff, (SELECT at FROM athar.mark WHERE name = 'tariff')) ORDER BY id;
SELECT id, name FROM athar.as_of(NULL::public.person, (SELECT at FROM athar.mark WHERE name = 'stock taken')) ORDER BY id;
SQL
}

sub show_difference
{
	my ($left, $right) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$directory/source", $left);
	append_to_file("$directory/restored", $right);
	diag(`cd $directory && diff -u source restored | cut -c 1-400 | head -n 60`);
	return;
}
