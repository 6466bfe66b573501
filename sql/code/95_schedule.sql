-- 95 schedule: jobs that run when they are due, whoever asks

CREATE OR REPLACE FUNCTION athar.job_due(schedule text, last_started_at timestamptz, at timestamptz)
RETURNS timestamptz
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN last_started_at IS NULL OR last_started_at > at THEN at
	ELSE athar.next_due(schedule, last_started_at)
END;
COMMENT ON FUNCTION athar.job_due(text, timestamptz, timestamptz) IS
'When a job is due: at the first scheduled minute after its last start; at once where it never ran, and where the clock was set back behind its last start.';

CREATE OR REPLACE VIEW athar.jobs WITH (security_invoker = true) AS
SELECT
	j.name,
	j.schedule,
	j.is_enabled,
	j.last_started_at,
	j.last_finished_at,
	j.last_outcome,
	j.last_message,
	CASE WHEN j.is_enabled THEN athar.job_due(j.schedule, j.last_started_at, clock_timestamp()) END AS next_due
FROM athar.job AS j
ORDER BY j.ordinal, j.name;
COMMENT ON VIEW athar.jobs IS 'What runs when, how it last ended, and when it is due; a next_due well in the past says that nobody calls run_due()';
COMMENT ON COLUMN athar.jobs.name IS 'Name of the job: refresh, effects, rollup, events, remind, retention, seal';
COMMENT ON COLUMN athar.jobs.schedule IS 'When it is due: five cron fields, in GMT';
COMMENT ON COLUMN athar.jobs.is_enabled IS 'False where run_due() leaves it out';
COMMENT ON COLUMN athar.jobs.last_started_at IS 'When it last started; NULL if it never ran';
COMMENT ON COLUMN athar.jobs.last_finished_at IS 'When it last ended';
COMMENT ON COLUMN athar.jobs.last_outcome IS 'succeeded or failed';
COMMENT ON COLUMN athar.jobs.last_message IS 'What it answered, or why it failed';
COMMENT ON COLUMN athar.jobs.next_due IS 'The first scheduled minute since its last start; the present moment if it never ran; NULL where it is disabled';

-- plpgsql, because a job that fails must be undone alone: that takes a
-- subtransaction. Cancelling a job cancels the call; but a job that runs into
-- statement_timeout has failed, or it would keep those after it from running
-- for ever. That strikes a statement once, so it is told by the time.
CREATE OR REPLACE FUNCTION athar.run_due()
RETURNS integer
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET application_name = 'athar'
AS $$
DECLARE
	due record;
	started timestamptz;
	outcome text;
	answer text;
	jobs_run integer := 0;
	time_limit interval := nullif(current_setting('statement_timeout'), '0')::interval;
	is_over_time boolean := false;
BEGIN
	-- Held to the end of the transaction: until then nobody else can see what ran.
	IF NOT pg_try_advisory_xact_lock('pg_class'::regclass::oid::integer, 'athar.job'::regclass::oid::integer) THEN
		RETURN 0;
	END IF;

	FOR due IN
		SELECT j.name, j.procedure
		FROM athar.job AS j
		WHERE j.is_enabled
			AND athar.job_due(j.schedule, j.last_started_at, clock_timestamp()) <= clock_timestamp()
		ORDER BY j.ordinal, j.name
	LOOP
		PERFORM set_config('application_name', 'athar: ' || due.name, true);
		started := clock_timestamp();
		BEGIN
			EXECUTE format('SELECT %s()::text', due.procedure) INTO answer;
			outcome := 'succeeded';
		EXCEPTION WHEN OTHERS OR query_canceled THEN
			IF SQLSTATE = '57014' THEN
				IF is_over_time OR (clock_timestamp() >= statement_timestamp() + time_limit) IS NOT TRUE THEN
					RAISE;
				END IF;
				is_over_time := true;
			END IF;
			outcome := 'failed';
			answer := format('%s (SQLSTATE %s)', SQLERRM, SQLSTATE);
			RAISE WARNING 'job "%" failed: %', due.name, answer;
		END;
		UPDATE athar.job AS j
		SET last_started_at = started,
			last_finished_at = clock_timestamp(),
			last_outcome = outcome,
			last_message = nullif(answer, '')
		WHERE j.name = due.name;
		jobs_run := jobs_run + 1;
	END LOOP;
	RETURN jobs_run;
END;
$$;
COMMENT ON FUNCTION athar.run_due() IS
'Runs every enabled job for which a scheduled minute has come since its last start, once however many were missed, and returns how many it ran; 0 where another session is running them. A job that fails is undone alone, recorded in the view jobs with its message, and does not stop the next; one that runs into statement_timeout has failed, too, and those after it have no limit. All in the caller''s transaction; cancelling undoes the call. May be called as often as one likes, by pg_cron, a crontab line or a person; the job that runs shows as application_name.';

CREATE OR REPLACE FUNCTION athar.set_jobs(wanted jsonb)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT athar.fail('22023',
			format('schedule "%s" of job "%s" names no day that exists', s.schedule, s.name),
			'The job would never run.',
			'Correct the day of month and the month, or give NULL to disable the job.')
	FROM jsonb_to_recordset(wanted) AS s (name text, schedule text)
	WHERE s.schedule IS NOT NULL
		AND athar.next_due(s.schedule, '2000-01-01 00:00:00+00') IS NULL;
	INSERT INTO athar.job (name, ordinal, schedule, procedure)
	SELECT s.name, s.ordinal, btrim(regexp_replace(s.schedule, '\s+', ' ', 'g')), 'athar.' || s.function
	FROM jsonb_to_recordset(wanted) AS s (name text, ordinal integer, function text, schedule text)
	WHERE s.schedule IS NOT NULL
	ON CONFLICT (name) DO UPDATE
	SET ordinal = excluded.ordinal, schedule = excluded.schedule, procedure = excluded.procedure, is_enabled = true;
	UPDATE athar.job AS j
	SET is_enabled = false
	FROM jsonb_to_recordset(wanted) AS s (name text, schedule text)
	WHERE j.name = s.name
		AND s.schedule IS NULL
		AND j.is_enabled;
END;
COMMENT ON FUNCTION athar.set_jobs(jsonb) IS
'Writes the table job: one row for each object {"name", "ordinal", "function", "schedule"} of the array given; a job whose schedule is null is disabled. 22023 where a schedule is malformed or can never be due.';

CREATE OR REPLACE FUNCTION athar.cron_entry(job text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN CASE
	WHEN octet_length(format('athar %s: %s', current_database(), job)) < 64 THEN format('athar %s: %s', current_database(), job)
	ELSE format('athar %s: %s', md5(current_database()), job)
END;
COMMENT ON FUNCTION athar.cron_entry(text) IS
'Name of a job''s entry in pg_cron, which may serve many databases; a long database name is hashed, for a name holds 63 bytes.';

CREATE OR REPLACE FUNCTION athar.crontab_line()
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN format('* * * * * psql -X -q -A -t -p %s -d %s -o /dev/null -c ''SELECT athar.run_due()''',
	current_setting('port'),
	CASE WHEN current_database() ~ '^[a-z0-9_]+$' THEN current_database()::text
		-- Quoted for libpq, then for the shell, then for crontab.
		ELSE replace('''' || replace(
			'dbname=''' || regexp_replace(current_database(), '([\\''])', '\\\1', 'g') || '''',
			'''', '''\''''') || '''', '%', '\%') END);
COMMENT ON FUNCTION athar.crontab_line() IS
'The crontab line that does what pg_cron would do. It asks every minute, whatever the time zone of cron: run_due() itself knows what is due.';

-- plpgsql, because pg_cron is not required: its functions and its table may
-- not exist when this one is made, and are named in dynamic SQL alone.
CREATE OR REPLACE FUNCTION athar.drive_jobs()
RETURNS TABLE (job text, schedule text, state text, how text, command text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- Only the loaded library defines the setting as one of the server's own;
	-- a mere line in postgresql.conf does not.
	cron_database text := (
		SELECT s.setting FROM pg_settings AS s
		WHERE s.name = 'cron.database_name' AND s.context = 'postmaster');
	place text := CASE
		WHEN cron_database <> current_database() THEN 'other_database'
		WHEN cron_database IS NULL AND EXISTS (SELECT FROM pg_available_extensions AS a WHERE a.name = 'pg_cron') THEN 'not_preloaded'
		WHEN cron_database IS NULL THEN 'not_installed'
		WHEN NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'pg_cron') THEN 'not_created'
		ELSE 'scheduled' END;
	run text := 'SELECT athar.run_due()';
	again text := 'CREATE EXTENSION pg_cron in this database and call athar.schedule() again.';
	line text := format(' Or let cron do it: the command is a line for the crontab of a user who may connect at level administer%s.',
		CASE WHEN cron_database IS NULL THEN '' ELSE ', then without pg_cron' END);
	-- What a restored cron.job, a renamed or a dropped database leaves behind:
	-- entries that no run_due() answers to.
	strays text := $stray$
		SELECT c.jobid, c.jobname, c.schedule, c.database,
			c.username = current_user AND EXISTS (SELECT FROM athar.job AS j WHERE athar.cron_entry(j.name) = c.jobname) AS is_ours
		FROM cron.job AS c
		WHERE c.command = $1
			AND c.jobname LIKE 'athar %'
			AND (NOT EXISTS (SELECT FROM pg_database AS d WHERE d.datname = c.database)
				OR c.nodeport <> current_setting('port')::integer
				OR c.database = current_database() AND NOT EXISTS (
					SELECT FROM athar.job AS j WHERE athar.cron_entry(j.name) = c.jobname))
		ORDER BY c.jobname, c.jobid$stray$;
	known record;
BEGIN
	IF place = 'scheduled' THEN
		FOR known IN EXECUTE strays USING run LOOP
			-- cron.schedule() would leave the place of an entry it finds as it is.
			IF known.is_ours THEN
				EXECUTE 'SELECT cron.unschedule($1)' USING known.jobid;
			ELSE
				job := known.jobname;
				schedule := known.schedule;
				state := 'stale';
				how := format('This entry of pg_cron is of database "%s" and calls nothing there: run the command, as a superuser.', known.database);
				command := format('SELECT cron.unschedule(%s);', known.jobid);
				RETURN NEXT;
			END IF;
		END LOOP;
	END IF;
	FOR known IN
		SELECT j.name, j.schedule, j.is_enabled, athar.cron_entry(j.name) AS entry
		FROM athar.job AS j
		ORDER BY j.ordinal, j.name
	LOOP
		IF place = 'scheduled' AND known.is_enabled THEN
			EXECUTE 'SELECT cron.schedule($1, $2, $3)' USING known.entry, known.schedule, run;
		ELSIF place = 'scheduled' THEN
			EXECUTE 'SELECT cron.unschedule(c.jobid) FROM cron.job AS c WHERE c.jobname = $1 AND c.database = current_database() AND c.username = current_user'
			USING known.entry;
		END IF;
		job := known.name;
		schedule := known.schedule;
		state := CASE WHEN known.is_enabled THEN place ELSE 'disabled' END;
		how := CASE
			WHEN place = 'other_database' THEN format('pg_cron lives in database "%s": run the command there, as a superuser.', cron_database)
			WHEN place = 'scheduled' THEN NULL
			WHEN NOT known.is_enabled THEN 'Nothing is left to do; a crontab line that calls athar.run_due() may be removed.'
			WHEN place = 'not_created' THEN again || line
			ELSE CASE WHEN place = 'not_installed' THEN format('Install pg_cron (on Debian the package postgresql-%s-cron), s', current_setting('server_version_num')::integer / 10000) ELSE 'S' END
				|| format('et shared_preload_libraries = ''pg_cron'' and cron.database_name = %L in postgresql.conf, restart the server, ', current_database())
				|| again || line END;
		command := CASE
			WHEN place = 'other_database' AND known.is_enabled THEN
				format('SELECT cron.schedule_in_database(%L, %L, %L, %L, %L);', known.entry, known.schedule, run, current_database(), current_user)
			WHEN place = 'other_database' THEN
				format('SELECT cron.unschedule(jobid) FROM cron.job WHERE jobname = %L AND database = %L;', known.entry, current_database())
			WHEN place <> 'scheduled' AND known.is_enabled THEN athar.crontab_line() END;
		RETURN NEXT;
	END LOOP;
END;
$$;
COMMENT ON FUNCTION athar.drive_jobs() IS
'Brings the entries of pg_cron in line with the table job where pg_cron lives in this database, and says for each job what is left to do where it does not; schedule() tells what the columns mean.';

CREATE OR REPLACE FUNCTION athar.schedule(
	refresh text DEFAULT '*/5 * * * *', seal text DEFAULT '*/10 * * * *', rollup text DEFAULT '0 2 * * *', effects text DEFAULT '30 1 * * *',
	events text DEFAULT '*/5 * * * *', remind text DEFAULT '0 4 * * *', retention text DEFAULT '0 3 * * *')
RETURNS TABLE (job text, schedule text, state text, how text, command text)
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	-- In the order in which those that are due together run: events and reminders
	-- are found in what was refreshed, and a seal covers what all the others wrote.
	SELECT athar.set_jobs(jsonb_build_array(
		jsonb_build_object('name', 'refresh', 'ordinal', 10, 'function', 'refresh_measurements', 'schedule', schedule.refresh),
		jsonb_build_object('name', 'effects', 'ordinal', 20, 'function', 'measure_due_effects', 'schedule', schedule.effects),
		jsonb_build_object('name', 'rollup', 'ordinal', 30, 'function', 'roll_up_goals', 'schedule', schedule.rollup),
		jsonb_build_object('name', 'events', 'ordinal', 40, 'function', 'record_events', 'schedule', schedule.events),
		jsonb_build_object('name', 'remind', 'ordinal', 50, 'function', 'record_reminders', 'schedule', schedule.remind),
		jsonb_build_object('name', 'retention', 'ordinal', 80, 'function', 'apply_retention', 'schedule', schedule.retention),
		jsonb_build_object('name', 'seal', 'ordinal', 90, 'function', 'seal', 'schedule', schedule.seal)));
	SELECT d.job, d.schedule, d.state, d.how, d.command FROM athar.drive_jobs() AS d;
END;
COMMENT ON FUNCTION athar.schedule(text, text, text, text, text, text, text) IS
'Sets when the jobs run (five cron fields, in GMT; NULL disables a job) and sees to it that something runs them. Returns a row per job; state: scheduled (pg_cron in this database now calls run_due()), other_database (run the command there), not_created, not_preloaded, not_installed (how says what to do, the command is a crontab line that does the same), disabled. Where pg_cron lives in this database, one row more for each entry of athar in it that calls nothing, as of a database that was dropped or renamed: state stale, and the command that removes it. May be called again at any time; after a restore reschedule() does the same without setting the times anew. 22023 where a schedule is malformed or can never be due.';

CREATE OR REPLACE FUNCTION athar.reschedule()
RETURNS TABLE (job text, schedule text, state text, how text, command text)
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT d.job, d.schedule, d.state, d.how, d.command FROM athar.drive_jobs() AS d;
END;
COMMENT ON FUNCTION athar.reschedule() IS
'Sees to it that something runs the jobs, when they are set to run: for a database that was restored, renamed or moved, whose dump has the jobs but not the entries of pg_cron. Returns what schedule() returns.';

CREATE OR REPLACE FUNCTION athar.unschedule()
RETURNS TABLE (job text, schedule text, state text, how text, command text)
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	UPDATE athar.job AS j SET is_enabled = false WHERE j.is_enabled;
	SELECT d.job, d.schedule, d.state, d.how, d.command FROM athar.drive_jobs() AS d;
END;
COMMENT ON FUNCTION athar.unschedule() IS
'Disables every job and removes our entries from pg_cron in this database; where pg_cron lives in another one, the command of each row removes the entry there. The jobs'' history stays in the view jobs.';
