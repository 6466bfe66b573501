# Rules of retention, applied: which table loses what, how much at once, what a
# failure leaves alone, and two sessions at the same time.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('rules');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\n");
$node->start;

sub sql
{
	return $node->safe_psql('postgres', $_[0]);
}

sub entries
{
	return sql(q{SELECT string_agg(relation || ' ' || n, ', ' ORDER BY relation)
		FROM (SELECT relation, count(*) AS n FROM athar.change_log WHERE relation LIKE 'public.%' GROUP BY relation) AS c});
}

sql(q{CREATE EXTENSION athar;
	CREATE TABLE licence (id integer PRIMARY KEY, fee numeric);
	CREATE TABLE visit (id integer PRIMARY KEY, place text);
	CREATE TABLE card (id integer PRIMARY KEY);
	CREATE TABLE cash (id integer PRIMARY KEY)});
sql(q{SELECT athar.track(t) FROM unnest('{licence,visit,card,cash}'::regclass[]) AS t});
sql(q{INSERT INTO licence SELECT i, i FROM generate_series(1, 300) AS i;
	INSERT INTO visit SELECT i FROM generate_series(1, 20) AS i;
	INSERT INTO card SELECT i FROM generate_series(1, 40) AS i;
	INSERT INTO cash SELECT i FROM generate_series(1, 10) AS i});
sql('SELECT athar.seal()');

my $apply = 'SELECT archived, expired, is_more, problems FROM athar.apply_retention(%s)';
is(sql(sprintf($apply, '')), '0|0|f|', 'without a rule nothing is taken');
sql(q{SELECT athar.set_retention('licence', '10 years', '20 years', 'rule 7')});
is(sql(sprintf($apply, '')), '0|0|f|', 'nor what is not old enough');
is(sql('SELECT count(*) FROM athar.tracking_check'), '4', 'and no table is read for it');

# What is old, in bounded steps. Entries wait for a check of their table: the
# job makes it.
sql(q{SELECT athar.set_retention('licence', '1 ms', '20 years', 'rule 7')});
is(sql(sprintf($apply, '100')), '100|0|t|', 'as many as may be taken');
is(sql(sprintf($apply, '100')), '100|0|t|', 'and the next');
is(sql(sprintf($apply, '')), '100|0|f|', 'and the rest');
is(sql(sprintf($apply, '')), '0|0|f|', 'then there is none');
is(sql('SELECT count(*) FROM athar.archived_changes'), '300', 'it is in the archive');
is(sql(q{SELECT operation, relation, sum(entries) FROM athar.log_retention GROUP BY 1, 2}), 'archive|public.licence|300', 'on record');
is(sql(q{SELECT DISTINCT reason FROM athar.change_log WHERE relation = 'athar.log_retention'}), 'rule 7', 'with the reason of the rule');
is(entries(), 'public.card 40, public.cash 10, public.visit 20', 'of that table, and of no other');

# Archived first, expired later; a table that is kept; one that was dropped.
sql(q{SELECT athar.set_retention('licence', NULL, '1 ms', 'rule 8');
	SELECT athar.set_retention('visit', NULL, NULL, 'for ever');
	SELECT athar.set_retention('card', NULL, '1 ms', 'cards are personal');
	SELECT athar.set_retention(NULL, NULL, '1 ms', 'all others')});
sql('DROP TABLE card');
sql('SELECT athar.seal()');
my ($archived, $expired, $is_more, $problems) = split /\|/, sql(sprintf($apply, '')), -1;
is("$archived $is_more $problems", '0 f ', 'all is done at once');
is(entries(), 'public.visit 20', 'what expires goes, also of a table that was dropped, and under the rule for all others; what is kept stays');
is(sql('SELECT count(*) FROM athar.archived_changes'), '0', 'out of the archive, too');
is(sql(q{SELECT string_agg(reason, ', ' ORDER BY reason) FROM (SELECT DISTINCT e.reason FROM athar.change_log AS e
		WHERE e.relation = 'athar.log_retention' AND e.new_values ->> 'operation' = 'expire'
			AND e.new_values ->> 'relation' LIKE 'public.%') AS r}),
	'all others, cards are personal, rule 8', 'each with the reason of its rule');
is(sql('SELECT count(*) FROM athar.verify_log() WHERE NOT ok'), '0', 'and what is left can be verified');
is(sql(q{SELECT string_agg(relation, ', ' ORDER BY relation) FROM athar.tracking_status() WHERE is_complete IS NOT TRUE AND relation LIKE 'public.%'}), '', 'and is complete');

# A table whose log is not complete, one that was forged, and one where all is well.
sql(q{SELECT athar.drop_retention(NULL);
	SELECT athar.set_retention('visit', NULL, '1 ms', 'no more');
	SELECT athar.set_retention('cash', '1 ms', NULL, 'at hand')});
sql(q{ALTER TABLE licence DISABLE TRIGGER "#athar_capture"; DELETE FROM licence WHERE id = 300;
	ALTER TABLE licence ENABLE ALWAYS TRIGGER "#athar_capture";
	UPDATE licence SET fee = 0 WHERE id <= 5; UPDATE cash SET id = id + 100});
sql('SELECT athar.seal()');
sql(q{ALTER TABLE athar.log_entry DISABLE TRIGGER ALL;
	UPDATE athar.log_entry SET new_values = '{"id": 1, "place": "elsewhere"}' WHERE id = (SELECT min(entry_id) FROM athar.change_log WHERE relation = 'public.visit');
	ALTER TABLE athar.log_entry ENABLE ALWAYS TRIGGER refuse_change});
($archived, $expired, $is_more, $problems) = split /\|/, sql(sprintf($apply, '')), -1;
is("$archived $expired $is_more", '10 0 f', 'what fails for one table is done for the others');
like($problems, qr/public\.visit: .*\(SQLSTATE XX001\)/, 'a forged entry is told');
like($problems, qr/public\.licence: .*unseen/, 'and a log that is not complete');
is(entries(), 'public.licence 7, public.visit 20', 'of both nothing is taken (two entries are of the trigger)');
sql(q{SELECT athar.schedule(); UPDATE athar.job SET is_enabled = name = 'retention'; SELECT athar.run_due()});
like(sql(q{SELECT last_outcome, last_message FROM athar.jobs WHERE name = 'retention'}), qr/^succeeded\|\(0,0,f,.*public\.visit: .*XX001/, 'the job says so');

# Two at once: the second waits, and finds nothing left.
sql(q{SELECT athar.drop_retention('visit'), athar.drop_retention('licence'); UPDATE cash SET id = id + 100});
sql('SELECT athar.seal()');
my $first = $node->background_psql('postgres', on_error_die => 1);
my $second = $node->background_psql('postgres', on_error_die => 1);
is($first->query_safe('BEGIN; SELECT archived FROM athar.apply_retention();'), '10', 'one session applies the rules');
$second->query_until(qr/started/, "\\echo started\nSELECT 'second ' || archived FROM athar.apply_retention();\n");
ok($node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%apply_retention%')}),
	'another one waits for it');
$first->query_safe('COMMIT;');
like($second->query_safe("SELECT 'next';"), qr/second 0/, 'and finds nothing left');
$first->quit;
$second->quit;
is(sql(q{SELECT entries FROM athar.log_retention ORDER BY id DESC LIMIT 1}), '10', 'once');

$node->stop;
done_testing();
