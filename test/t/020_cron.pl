# Jobs driven by a real pg_cron, and what schedule() says where there is none.
#
# One wait of at most a minute serves every scenario: all of them are scheduled
# before it, and looked at after it.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# A name that needs quoting in SQL, in a connection string, in a shell and in a crontab.
my $odd = q{o'dd "50%" \\db};
my $odd_connection = q{dbname='o\\'dd "50%" \\\\db'};

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "max_connections = 40\n");
$node->start;

sub sql
{
	my ($connection, $sql, %options) = @_;
	my ($out, $err);
	local $ENV{PGOPTIONS} = $options{settings} // '';
	my $status = $node->psql('postgres', $sql, connstr => $node->connstr . " $connection", stdout => \$out, stderr => \$err);
	return $options{error} ? $err : $status == 0 ? $out : "error: $err";
}
my $here = q{dbname=postgres};

sql($here, 'CREATE DATABASE "' . $odd =~ s/"/""/gr . '"');
sql($_, 'CREATE EXTENSION athar') for $here, $odd_connection;

# 1. Without pg_cron: the files are there, the library is not loaded.
my $available = sql($here, q{SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_cron'});
my $state = $available ? 'not_preloaded' : 'not_installed';
is(sql($here, q{SELECT string_agg(job || ' ' || state, ',' ORDER BY job) FROM athar.schedule(seal => NULL)}),
	"effects $state,events $state,refresh $state,remind $state,retention $state,rollup $state", 'not preloaded: said for each job');
like(sql($here, q{SELECT how FROM athar.schedule() LIMIT 1}),
	qr/shared_preload_libraries = 'pg_cron' and cron\.database_name = 'postgres'.*CREATE EXTENSION pg_cron/, 'with what to do');

# A setting that nobody's library defined does not deceive it.
is(sql($here, q{SELECT DISTINCT state FROM athar.schedule()}, settings => '-c cron.database_name=postgres'),
	$state, 'a mere setting is not a loaded library');

# The crontab line, as cron would hand it to the shell.
sub run_crontab_line
{
	my ($connection) = @_;
	my $line = sql($connection, q{SELECT command FROM athar.schedule() LIMIT 1});
	$line =~ s/^(\* ){5}// or return "no crontab line: $line";
	$line =~ s/\\%/%/g;
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGDATABASE};
	my ($out, $err);
	IPC::Run::run(['sh', '-c', $line], '>', \$out, '2>', \$err) or return "failed: $err";
	return $out . $err;
}
for my $connection ($here, $odd_connection)
{
	is(run_crontab_line($connection), '', "crontab line runs without a word: $connection");
	is(sql($connection, q{SELECT count(*) FROM athar.jobs WHERE is_enabled AND last_outcome IS DISTINCT FROM 'succeeded'}),
		'0', 'and every job has run');
}
is(sql($here, q{SELECT DISTINCT state FROM athar.unschedule()}), 'disabled', 'unschedule, too, needs no pg_cron');

# 2. Cancelling a job cancels the call; it is not taken for a failed job.
sql($here, q{CREATE FUNCTION athar.sleeping_job() RETURNS void LANGUAGE SQL AS 'SELECT pg_sleep(600)';
	INSERT INTO athar.job (name, ordinal, schedule, procedure) VALUES ('sleeping', 1, '* * * * *', 'athar.sleeping_job')});
# A job that runs is seen by others.
my ($in, $out, $err) = ('', '', '');
my $session = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT athar.run_due()'],
	'<', \$in, '>', \$out, '2>', \$err);
ok($node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'athar: sleeping')}),
	'the job that runs is seen in pg_stat_activity');
sql($here, q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'athar: sleeping'});
$session->finish;
like($err, qr/canceling statement due to user request/, 'and cancelled from there');
is(sql($here, q{SELECT last_started_at IS NULL FROM athar.jobs WHERE name = 'sleeping'}), 't', 'nothing of the call stays');
sql($here, q{DELETE FROM athar.job WHERE name = 'sleeping'; DROP FUNCTION athar.sleeping_job()});

SKIP:
{
	skip 'pg_cron is not installed', 1 unless $available;

	# 3. A real pg_cron.
	my $host = $node->host;
	$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\ncron.host = '$host'\n");
	$node->restart;
	is(sql($here, q{SELECT DISTINCT state FROM athar.schedule()}), 'not_created', 'preloaded, but not created in its database');
	like(sql($here, q{SELECT how FROM athar.schedule() LIMIT 1}), qr/^CREATE EXTENSION pg_cron in this database/, 'with what to do');
	sql($here, 'CREATE EXTENSION pg_cron');

	# In this database: a job that fails before one that does not; every entry
	# fires in the same second, each job must run once.
	sql($_, q{
		SELECT athar.unschedule();
		UPDATE athar.job SET last_started_at = NULL, last_outcome = NULL;
		CREATE TABLE public.tick (at timestamptz);
		CREATE FUNCTION athar.failing_job() RETURNS text LANGUAGE plpgsql AS
			$$BEGIN INSERT INTO public.tick VALUES (date_trunc('minute', now())); RAISE 'the source is gone' USING ERRCODE = 'AT004'; END$$;
		CREATE FUNCTION athar.ticking_job() RETURNS void LANGUAGE SQL AS
			$$INSERT INTO public.tick VALUES (date_trunc('minute', now()))$$;
		INSERT INTO athar.job (name, ordinal, schedule, procedure) VALUES
			('failing', 0, '* * * * *', 'athar.failing_job'), ('ticking', 9, '* * * * *', 'athar.ticking_job')})
	  for $here, $odd_connection;
	is(sql($here, q{SELECT string_agg(format('%s %s %s %s', job, state, how, command), ',' ORDER BY job)
			FROM athar.schedule(refresh => '* * * * *', seal => NULL, rollup => '* * * * *', effects => NULL, events => '* * * * *',
				remind => '* * * * *', retention => '* * * * *') WHERE state <> 'disabled'}),
		'events scheduled  ,failing scheduled  ,refresh scheduled  ,remind scheduled  ,retention scheduled  ,rollup scheduled  ,ticking scheduled  ', 'scheduled in this database');
	is(sql($here, q{SELECT count(*) FROM athar.schedule(refresh => '* * * * *', seal => NULL, rollup => '* * * * *', effects => NULL, events => '* * * * *',
				remind => '* * * * *', retention => '* * * * *')
			WHERE state = 'scheduled'}), '7', 'and again');
	is(sql($here, q{SELECT string_agg(format('%s|%s|%s|%s', jobname, schedule, command, database), ',' ORDER BY jobname) FROM cron.job}),
		join(',', map { "athar postgres: $_|* * * * *|SELECT athar.run_due()|postgres" } qw(events failing refresh remind retention rollup ticking)),
		'one entry for each job, however often it is called');

	# In another database: the calls are printed, and then made.
	is(sql($odd_connection, q{SELECT count(*) FROM athar.schedule(refresh => '* * * * *', seal => NULL, rollup => '* * * * *', effects => NULL, events => '* * * * *',
				remind => '* * * * *', retention => '* * * * *')
			WHERE state = 'other_database' AND how LIKE 'pg_cron lives in database "postgres":%'}),
		'7', 'pg_cron in another database: said');
	my $calls = sql($odd_connection, q{SELECT command FROM athar.schedule(refresh => '* * * * *', seal => NULL, rollup => '* * * * *', effects => NULL, events => '* * * * *',
				remind => '* * * * *', retention => '* * * * *')
			WHERE state = 'other_database'});
	like(sql($here, $calls), qr/^(\d+\n){6}\d+$/, 'the calls it printed can be made there');
	sql($here, $calls);
	is(sql($here, q{SELECT count(*), count(*) FILTER (WHERE database = 'postgres') FROM cron.job}), '14|7', 'and made again');

	# The server goes down in the middle of a job; pg_cron goes on by itself.
	sql($here, q{CREATE FUNCTION athar.sleeping_job() RETURNS void LANGUAGE SQL AS 'SELECT pg_sleep(600)';
		INSERT INTO athar.job (name, ordinal, schedule, procedure) VALUES ('sleeping', 1, '* * * * *', 'athar.sleeping_job')});
	$session = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT athar.run_due()'],
		'<', \$in, '>', \$out, '2>', \$err);
	$node->poll_query_until('postgres', q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'athar: sleeping')});
	$node->stop('immediate');
	$session->finish;
	$node->start;
	is(sql($here, q{SELECT last_started_at IS NULL AND next_due <= clock_timestamp() FROM athar.jobs WHERE name = 'sleeping'}),
		't', 'a job that went down with the server is due again');
	sql($here, q{DELETE FROM athar.job WHERE name = 'sleeping'; DROP FUNCTION athar.sleeping_job(); DELETE FROM cron.job_run_details});

	# A restored cron.job comes with the port of another server, and a dump of
	# one database has the jobs but no entries.
	sql($here, q{UPDATE cron.job SET nodeport = 1 WHERE jobname = 'athar postgres: refresh'; DELETE FROM cron.job WHERE jobname = 'athar postgres: rollup'});
	is(sql($here, q{SELECT string_agg(state, ',' ORDER BY job) FROM athar.reschedule() WHERE state <> 'disabled'}),
		join(',', ('scheduled') x 7), 'one call schedules again what was restored');
	is(sql($here, q{SELECT count(*) || '|' || count(DISTINCT jobname) FROM cron.job WHERE database = 'postgres' AND nodeport = current_setting('port')::integer}),
		'7|7', 'all of it, in its right place');
	sql($here, q{CREATE DATABASE gone});
	sql($here, q{SELECT cron.schedule_in_database('athar gone: refresh', '* * * * *', 'SELECT athar.run_due()', 'gone'),
		cron.schedule_in_database('athar before: refresh', '* * * * *', 'SELECT athar.run_due()', 'postgres'),
		cron.schedule_in_database('of somebody else', '* * * * *', 'SELECT 1', 'gone')});
	sql($here, q{DROP DATABASE gone});
	is(sql($here, q{SELECT string_agg(job, ',' ORDER BY job) FROM athar.reschedule() WHERE state = 'stale'}),
		'athar before: refresh,athar gone: refresh', 'entries of a database that is gone or has another name are reported');
	sql($here, sql($here, q{SELECT command FROM athar.reschedule() WHERE state = 'stale'}));
	is(sql($here, q{SELECT count(*) FROM athar.reschedule() WHERE state = 'stale'}), '0', 'and the calls it printed remove them');
	sql($here, q{SELECT cron.unschedule('of somebody else')});

	# A dump, restored into another server with a pg_cron of its own: cron.job
	# comes with it, and its entries still name the server of old.
	my $copy = PostgreSQL::Test::Cluster->new('copy');
	$copy->init;
	$copy->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_cron'\ncron.database_name = 'postgres'\n"
		  . "cron.host = '" . $copy->host . "'\n");
	$copy->start;
	my $dump = $node->basedir . '/dump.sql';
	$node->command_ok(['pg_dump', '-f', $dump, '-d', $node->connstr('postgres')], 'a database with jobs is dumped');
	$copy->command_ok(['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $dump, '-d', $copy->connstr('postgres')], 'and restored');
	my $jobs = q{SELECT string_agg(concat_ws('|', name, schedule, is_enabled), ',' ORDER BY name) FROM athar.jobs};
	is($copy->safe_psql('postgres', $jobs), sql($here, $jobs), 'its jobs are what they were');
	is($copy->safe_psql('postgres', q{SELECT count(*) FROM cron.job WHERE nodeport = current_setting('port')::integer}), '0', 'but nothing runs them there');
	is($copy->safe_psql('postgres', q{SELECT string_agg(DISTINCT state, ',' ORDER BY state) FROM athar.reschedule()}), 'disabled,scheduled,stale',
		'until one call schedules them, which reports those of the other database, which is not there');
	is($copy->safe_psql('postgres', q{SELECT string_agg(jobname, ',' ORDER BY jobname) FROM cron.job
			WHERE nodeport = current_setting('port')::integer AND nodename = current_setting('cron.host') AND database = 'postgres' AND active}),
		join(',', map { "athar postgres: $_" } qw(events failing refresh remind retention rollup ticking)), 'each once, in its right place');
	$copy->safe_psql('postgres', $copy->safe_psql('postgres', q{SELECT command FROM athar.reschedule() WHERE state = 'stale'}));
	is($copy->safe_psql('postgres', q{SELECT count(*) FROM cron.job}), '7', 'and the calls it printed remove the others');
	$copy->stop;

	# A listener, and a figure that has crossed a threshold unnoticed.
	my ($ask, $heard, $noise) = ("LISTEN athar_event;\n\\echo listening\n", '', '');
	my $listener = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('postgres')], '<', \$ask, '>', \$heard, '2>', \$noise,
		IPC::Run::timeout(300));
	$listener->pump until $heard =~ /listening/;
	sql($here, q{SELECT athar.define_unit('office', 'Office');
		SELECT athar.define_service('permit', 'Permit', 'office');
		SELECT athar.define_kpi('score', 'Score', 'points', 'up');
		SELECT athar.define_kpi_bands('score', '[{"code": "poor"}, {"code": "good", "from": 1}]');
		SELECT athar.report_measurement('score', '[2026-01-01,2026-02-01)', athar.summary_of('{0.5}', '{9}'), 'permit');
		SELECT athar.record_events();
		SELECT athar.report_measurement('score', '[2026-02-01,2026-03-01)', athar.summary_of('{1.5}', '{9}'), 'permit')});

	# A goal that waits for its review, and a log that is not to be kept.
	sql($here, q{SELECT athar.create_cycle('quarter', 'Quarter', daterange(current_date - 60, current_date + 60), review_every => '30 days');
		SELECT athar.create_goal('fast', 'Fast permits', 'objective', 'quarter');
		INSERT INTO athar.goal_progress (goal_id, rolled_up_at, coverage) VALUES (athar.goal_id('fast'), now() - interval '60 days', 0);
		CREATE TABLE public.licence (id integer PRIMARY KEY);
		SELECT athar.track('licence')});
	sql($here, q{INSERT INTO public.licence SELECT generate_series(1, 10)});
	sql($here, q{SELECT athar.seal()});
	sql($here, q{SELECT athar.set_retention('licence', NULL, '1 ms', 'a test')});

	# On a slow machine the jobs may have run before.
	sql($here, q{UPDATE athar.job SET last_outcome = NULL});

	# The wait.
	my $deadline = time + 100;
	my $done = q{SELECT count(*) FROM athar.jobs WHERE is_enabled AND last_outcome IS NOT NULL};
	sleep 1
	  while time < $deadline
	  && !(sql($here, $done) eq '7'
		&& sql($odd_connection, $done) eq '7'
		&& sql($here, q{SELECT count(DISTINCT database) FROM cron.job_run_details WHERE status = 'succeeded'}) eq '2');

	for my $connection ($here, $odd_connection)
	{
		is(sql($connection, q{SELECT string_agg(name || ' ' || last_outcome, ',' ORDER BY name) FROM athar.jobs WHERE is_enabled}),
			'events succeeded,failing failed,refresh succeeded,remind succeeded,retention succeeded,rollup succeeded,ticking succeeded', "pg_cron ran every job: $connection");
		is(sql($connection, q{SELECT last_message FROM athar.jobs WHERE name = 'failing'}),
			'the source is gone (SQLSTATE AT004)', 'the failure is on record');
		is(sql($connection, q{SELECT bool_and(n = 1) FROM (SELECT count(*) AS n FROM public.tick GROUP BY at) AS t}),
			't', 'once a minute, though seven entries fired; what the failing job wrote is undone');
	}
	is(sql($here, q{SELECT count(*) FROM cron.job_run_details WHERE status = 'failed'}), '0', 'to pg_cron, no run has failed');

	$ask = "SELECT 'told';\n\\q\n";
	$listener->finish;
	is(() = $heard =~ /notification "athar_event"/g, 2, 'the listener hears of the crossing and of the review, once');
	like($heard, qr/with payload "\{"id": \d+, "kind": "never_reviewed", "direction": null\}"/, 'of each by its kind');
	like($heard, qr/with payload "\{"id": \d+, "kind": "band", "direction": "better"\}"/, 'and where to read of it');
	is(sql($here, q{SELECT band_from, band_to, value FROM athar.events WHERE kind = 'band'}), 'poor|good|1.5', 'one event');
	is(sql($here, q{SELECT goal, settled_at IS NULL FROM athar.events WHERE kind <> 'band'}), 'fast|t', 'and one reminder');
	is(sql($here, q{SELECT count(*) FROM athar.change_log WHERE relation = 'public.licence'}), '0', 'what has expired is gone');
	is(sql($here, q{SELECT operation, relation, entries FROM athar.log_retention}), 'expire|public.licence|10', 'by an act on record');

	# NULL disables one, unschedule all, here and there.
	is(sql($here, q{SELECT string_agg(job || ' ' || state, ',' ORDER BY job)
			FROM athar.schedule(refresh => NULL, seal => NULL, effects => NULL, events => NULL, remind => NULL, retention => NULL) WHERE job IN ('refresh', 'rollup')}),
		'refresh disabled,rollup scheduled', 'NULL disables a job');
	is(sql($here, q{SELECT string_agg(jobname, ',' ORDER BY jobname) FROM cron.job WHERE database = 'postgres'}),
		'athar postgres: failing,athar postgres: rollup,athar postgres: ticking', 'and removes its entry');
	is(sql($here, q{SELECT DISTINCT state || coalesce(command, '') FROM athar.unschedule()}), 'disabled', 'unschedule');
	is(sql($here, q{SELECT count(*) FROM cron.job WHERE database = 'postgres'}), '0', 'leaves none of ours in this database');
	is(sql($here, q{SELECT count(*) FROM cron.job}), '7', 'and touches no other');
	sql($here, sql($odd_connection, q{SELECT command FROM athar.unschedule()}));
	is(sql($here, q{SELECT count(*) FROM cron.job}), '0', 'the printed calls remove those of the other database');
}

$node->stop;
done_testing();
