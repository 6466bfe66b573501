-- schedule: when a job is due, and what happens when it runs
BEGIN;
SELECT plan(54);

-- Reading a schedule. GMT, whatever the session says.
SET LOCAL TIME ZONE 'Asia/Dubai';
SELECT results_eq(
	$$SELECT c.schedule, athar.next_due(c.schedule, c.since::timestamptz) FROM (VALUES
		(1, '*/5 * * * *', '2026-01-01 00:00:00.015+00'),
		(2, '*/5 * * * *', '2026-01-01 00:05:00+00'),
		(3, '  0 2  * * * ', '2026-01-01 02:00:00+00'),
		(4, '59 23 31 12 *', '2026-12-31 23:58:59.999+00'),
		(5, '59 23 31 12 *', '2026-12-31 23:59:00+00'),
		(6, '0 0 29 2 *', '2096-03-01 00:00:00+00'),
		(7, '0 0 29 feb */7', '2060-03-01 00:00:00+00'),
		(8, '0 0 29 feb */7', '2088-03-01 00:00:00+00'),
		(9, '10-40/15,7 3 * JAN,mar *', '2026-01-31 03:25:00+00'),
		(10, '10-40/15,7 3 * JAN,mar *', '2026-01-31 03:40:00+00'),
		(11, '0 8 * * 7', '2026-11-22 08:00:00+00'),
		(12, '0 8 * * 5-7', '2026-11-21 08:00:00+00'),
		(13, '0 0 31 4,6,9,11 *', '2026-01-01 00:00:00+00'),
		(14, '0 0 30 2 *', '2026-01-01 00:00:00+00'),
		(15, '* * * * *', 'infinity'),
		(16, '* * * * *', '-infinity')) AS c (ordinal, schedule, since) ORDER BY c.ordinal$$,
	$$VALUES
		('*/5 * * * *', '2026-01-01 00:05:00+00'::timestamptz),
		('*/5 * * * *', '2026-01-01 00:10:00+00'),
		('  0 2  * * * ', '2026-01-02 02:00:00+00'),
		('59 23 31 12 *', '2026-12-31 23:59:00+00'),
		('59 23 31 12 *', '2027-12-31 23:59:00+00'),
		('0 0 29 2 *', '2104-02-29 00:00:00+00'),
		('0 0 29 feb */7', '2088-02-29 00:00:00+00'),
		('0 0 29 feb */7', '2128-02-29 00:00:00+00'),
		('10-40/15,7 3 * JAN,mar *', '2026-01-31 03:40:00+00'),
		('10-40/15,7 3 * JAN,mar *', '2026-03-01 03:07:00+00'),
		('0 8 * * 7', '2026-11-29 08:00:00+00'),
		('0 8 * * 5-7', '2026-11-22 08:00:00+00'),
		('0 0 31 4,6,9,11 *', NULL),
		('0 0 30 2 *', NULL),
		('* * * * *', NULL),
		('* * * * *', NULL)$$,
	'next_due: the minute after, leap years, lists, ranges, steps, names, days that do not exist, infinity');

-- Every minute of a span, against the calendar itself.
CREATE FUNCTION pg_temp.minutes(schedule text, since timestamptz, until timestamptz) RETURNS SETOF timestamptz
LANGUAGE SQL AS $$
	WITH RECURSIVE due (at) AS (
		SELECT athar.next_due(schedule, since - interval '1 second')
		UNION ALL
		SELECT athar.next_due(schedule, at) FROM due WHERE at < until
	)
	SELECT at FROM due WHERE at < until ORDER BY at
$$;
SET LOCAL TIME ZONE 'UTC';
SELECT results_eq(
	$$SELECT * FROM pg_temp.minutes('*/20 8-9 * * mon-fri', '2026-02-20', '2026-03-03')$$,
	$$SELECT m FROM generate_series('2026-02-20'::timestamptz, '2026-03-02 23:59', '1 minute') AS m
	WHERE extract(minute FROM m) IN (0, 20, 40) AND extract(hour FROM m) IN (8, 9) AND extract(isodow FROM m) < 6 ORDER BY m$$,
	'weekdays, hours and steps, over the end of a month');
SELECT results_eq(
	$$SELECT * FROM pg_temp.minutes('0 12 13 * 5', '2026-01-01', '2027-01-01')$$,
	$$SELECT d + interval '12 hours' FROM generate_series('2026-01-01'::timestamptz, '2026-12-31', '1 day') AS d
	WHERE extract(day FROM d) = 13 OR extract(dow FROM d) = 5 ORDER BY d$$,
	'both days restricted: either suffices');
SELECT results_eq(
	$$SELECT * FROM pg_temp.minutes('0 12 */10 * 5', '2026-01-01', '2028-01-01')$$,
	$$SELECT d + interval '12 hours' FROM generate_series('2026-01-01'::timestamptz, '2027-12-31', '1 day') AS d
	WHERE extract(day FROM d) IN (1, 11, 21, 31) AND extract(dow FROM d) = 5 ORDER BY d$$,
	'a day that begins with * does not restrict: both must hold, as in cron');
SELECT results_eq(
	$$SELECT m, athar.cron_matches('*/7 0 1 * 1', m) FROM generate_series('2026-06-01'::timestamptz, '2026-06-01 01:10', '1 minute') AS m$$,
	$$SELECT m, extract(minute FROM m)::integer % 7 = 0 AND extract(hour FROM m) = 0
	FROM generate_series('2026-06-01'::timestamptz, '2026-06-01 01:10', '1 minute') AS m$$,
	'cron_matches, minute by minute');
SELECT ok(athar.cron_matches('30 5 * * *', '2026-06-01 05:30:59.999+00'), 'cron_matches takes any moment of the minute');
SELECT is(athar.next_due(NULL, now()), NULL, 'NULL in, NULL out');

SELECT throws_ok(format('SELECT athar.next_due(%L, now())', c.schedule), '22023', format(c.message, c.schedule), c.schedule || ' is refused')
FROM (VALUES
	('* * * * * *', 'schedule "%s" must have 5 fields, found 6'),
	('5 seconds', 'schedule "%s" must have 5 fields, found 2'),
	('@daily', 'schedule "%s" must have 5 fields, found 1'),
	('', 'schedule "%s" must have 5 fields, found 0'),
	('60 * * * *', 'schedule "%s" has a malformed field: minute "60"'),
	('-1 * * * *', 'schedule "%s" has a malformed field: minute "-1"'),
	('1.5 * * * *', 'schedule "%s" has a malformed field: minute "1.5"'),
	('1,,2 * * * *', 'schedule "%s" has a malformed field: minute "1,,2"'),
	('* 24 * * *', 'schedule "%s" has a malformed field: hour "24"'),
	('* 9-8 * * *', 'schedule "%s" has a malformed field: hour "9-8"'),
	('* */0 * * *', 'schedule "%s" has a malformed field: hour "*/0"'),
	('* 3/2 * * *', 'schedule "%s" has a malformed field: hour "3/2"'),
	('* * 0 * *', 'schedule "%s" has a malformed field: day of month "0"'),
	('* * 99999999999 * *', 'schedule "%s" has a malformed field: day of month "99999999999"'),
	('* * * 13 *', 'schedule "%s" has a malformed field: month "13"'),
	('* * * mon *', 'schedule "%s" has a malformed field: month "mon"'),
	('* * * * 8', 'schedule "%s" has a malformed field: day of week "8"'),
	('* * * * *-5', 'schedule "%s" has a malformed field: day of week "*-5"')) AS c (schedule, message);

-- Summer time moves no job, and a day of a cycle has the hours it has.
SET LOCAL TIME ZONE 'Europe/London';
SELECT results_eq(
	$$SELECT * FROM pg_temp.minutes('30 1 * * *', '2026-03-28 00:00+00', '2026-03-31 00:00+00')$$,
	$$VALUES ('2026-03-28 01:30+00'::timestamptz), ('2026-03-29 01:30+00'), ('2026-03-30 01:30+00')$$,
	'in spring, where 01:30 does not exist: once a day');
SELECT results_eq(
	$$SELECT * FROM pg_temp.minutes('30 0 * * *', '2026-10-24 00:00+00', '2026-10-27 00:00+00')$$,
	$$VALUES ('2026-10-24 00:30+00'::timestamptz), ('2026-10-25 00:30+00'), ('2026-10-26 00:30+00')$$,
	'in autumn, where 01:30 comes twice: once a day');
SELECT results_eq(
	$$SELECT athar.elapsed_share('[2026-03-29,2026-03-30)', z.zone, z.at) FROM (VALUES
		('Europe/London', '2026-03-28 23:59:59+00'::timestamptz), ('Europe/London', '2026-03-29 11:30+00'), ('Europe/London', '2026-03-29 23:00+00'),
		('Asia/Riyadh', '2026-03-29 09:00+00')) AS z (zone, at)$$,
	ARRAY[0, 0.5, 1, 0.5]::double precision[], 'a cycle begins and ends at its own midnight; the shortest day has 23 hours');
SET LOCAL TIME ZONE 'UTC';

-- The table of jobs.
SELECT set_eq(
	$$SELECT job, schedule FROM athar.schedule(seal => NULL)$$,
	$$VALUES ('refresh', '*/5 * * * *'), ('effects', '30 1 * * *'), ('rollup', '0 2 * * *'), ('events', '*/5 * * * *'),
		('remind', '0 4 * * *'), ('retention', '0 3 * * *')$$,
	'schedule: every job but the one that is NULL');
SELECT is((SELECT count(*) FROM athar.schedule(seal => NULL) WHERE state IS NULL), 0::bigint, 'and each says how it is driven');
SELECT lives_ok($$SELECT athar.schedule(refresh => '  */7   *  * * *', seal => NULL, rollup => NULL, effects => '5 1 * * 1', events => '*/2 * * * *', remind => '0 5 * * sun', retention => NULL)$$, 'scheduled again, otherwise');
SELECT results_eq(
	$$SELECT name, schedule, is_enabled, next_due IS NULL FROM athar.jobs WHERE name <> 'seal'$$,
	$$VALUES ('refresh', '*/7 * * * *', true, false), ('effects', '5 1 * * 1', true, false), ('rollup', '0 2 * * *', false, true),
		('events', '*/2 * * * *', true, false), ('remind', '0 5 * * sun', true, false), ('retention', '0 3 * * *', false, true)$$,
	'a schedule replaces the one before, NULL disables');
SELECT results_eq(
	$$SELECT job, schedule, state <> 'disabled' FROM athar.reschedule() WHERE job <> 'seal'$$,
	$$SELECT name, schedule, is_enabled FROM athar.jobs WHERE name <> 'seal'$$,
	'reschedule sets nothing anew');
SELECT throws_ok($$SELECT athar.schedule(rollup => '0 0 30 2 *')$$, '22023',
	'schedule "0 0 30 2 *" of job "rollup" names no day that exists', 'a schedule that is never due is refused');
SELECT throws_ok($$SELECT athar.schedule(rollup => '5 seconds')$$, '22023',
	'schedule "5 seconds" must have 5 fields, found 2', 'so is a malformed one');
SELECT throws_ok($$UPDATE athar.job SET procedure = 'pg_sleep(9)'$$, '23514', NULL, 'a job calls a function of athar and nothing else');

-- Running them: one that fails between two that do not.
CREATE TABLE pg_temp.ran (ordinal serial, name text);
CREATE FUNCTION athar.first_job() RETURNS integer LANGUAGE SQL AS $$INSERT INTO pg_temp.ran (name) VALUES ('first') RETURNING 41$$;
CREATE FUNCTION athar.second_job() RETURNS integer LANGUAGE plpgsql AS
$$BEGIN INSERT INTO pg_temp.ran (name) VALUES ('second'); RAISE 'the source is gone' USING ERRCODE = 'AT004'; END$$;
CREATE FUNCTION athar.third_job() RETURNS void LANGUAGE SQL AS $$INSERT INTO pg_temp.ran (name) VALUES ('third')$$;
DELETE FROM athar.job;
INSERT INTO athar.job (name, ordinal, schedule, procedure, is_enabled) VALUES
	('first', 1, '0 0 1 1 *', 'athar.first_job', true),
	('second', 2, '0 0 1 1 *', 'athar.second_job', true),
	('third', 3, '0 0 1 1 *', 'athar.third_job', true),
	('idle', 4, '0 0 1 1 *', 'athar.first_job', false),
	('gone', 5, '0 0 1 1 *', 'athar.no_such_job', true);
SET LOCAL client_min_messages = error;
SELECT is(athar.run_due(), 4, 'a job that never ran is due at once');
SELECT results_eq('SELECT name FROM pg_temp.ran ORDER BY ordinal', ARRAY['first', 'third'], 'in their order; a failing one is undone alone and does not stop the next');
SELECT results_eq(
	'SELECT name, last_outcome, last_message FROM athar.jobs',
	$$VALUES ('first', 'succeeded', '41'), ('second', 'failed', 'the source is gone (SQLSTATE AT004)'), ('third', 'succeeded', NULL),
		('idle', NULL, NULL), ('gone', 'failed', 'function athar.no_such_job() does not exist (SQLSTATE 42883)')$$,
	'outcome and message are kept');
SELECT is((SELECT count(*) FROM athar.jobs WHERE last_finished_at >= last_started_at AND next_due > last_started_at), 4::bigint, 'and times');
SELECT is(athar.run_due(), 0, 'nothing is due twice');

UPDATE athar.job SET last_started_at = '2001-05-05' WHERE name = 'second';
SELECT is(athar.run_due(), 1, 'a job that failed is due again at its next minute');
UPDATE athar.job SET last_started_at = '2001-05-05' WHERE name IN ('first', 'idle');
SELECT is(athar.run_due(), 1, 'many missed minutes are made up for');
SELECT is(athar.run_due(), 0, 'once');
UPDATE athar.job SET last_started_at = clock_timestamp() + interval '9 years' WHERE name = 'first';
SELECT is(athar.run_due(), 1, 'a clock that was set back does not stop a job');
SELECT is((SELECT count(*) FROM pg_temp.ran WHERE name = 'first'), 3::bigint, 'three runs in all');
SELECT isnt(current_setting('application_name'), 'athar', 'the session has its own application_name again');

-- A time limit of statements strikes once, and must not keep the others from running for ever.
CREATE FUNCTION athar.endless_job() RETURNS void LANGUAGE SQL AS 'SELECT pg_sleep(0.6)';
DELETE FROM athar.job;
INSERT INTO athar.job (name, ordinal, schedule, procedure) VALUES
	('endless', 1, '* * * * *', 'athar.endless_job'), ('after', 2, '* * * * *', 'athar.first_job'), ('again', 3, '* * * * *', 'athar.endless_job');
SET LOCAL statement_timeout = '300ms';
SELECT is(athar.run_due(), 3, 'a job that runs into statement_timeout does not stop the next');
SET LOCAL statement_timeout = 0;
SELECT results_eq(
	'SELECT name, last_outcome, last_message FROM athar.jobs',
	$$VALUES ('endless', 'failed', 'canceling statement due to statement timeout (SQLSTATE 57014)'), ('after', 'succeeded', '41'), ('again', 'succeeded', NULL)$$,
	'and has failed');
CREATE FUNCTION athar.cancelled_job() RETURNS void LANGUAGE plpgsql AS $$BEGIN RAISE 'stop' USING ERRCODE = 'query_canceled'; END$$;
UPDATE athar.job SET last_started_at = NULL, procedure = 'athar.cancelled_job' WHERE name = 'after';
CREATE FUNCTION pg_temp.run() RETURNS text LANGUAGE plpgsql AS
$$BEGIN RETURN athar.run_due(); EXCEPTION WHEN query_canceled THEN RETURN SQLERRM; END$$;
SELECT is(pg_temp.run(), 'stop', 'one that is cancelled cancels the call');

SELECT is((SELECT array_agg(DISTINCT state) FROM athar.unschedule()), ARRAY['disabled'], 'unschedule disables every job');
UPDATE athar.job SET last_started_at = NULL;
SELECT is(athar.run_due(), 0, 'a disabled job does not run');

SELECT ok(octet_length(athar.cron_entry(repeat('x', 9))) < 64 AND athar.cron_entry('refresh') LIKE 'athar %: refresh', 'entries in pg_cron have names that tell');
SELECT matches(athar.crontab_line(), '^(\* ){5}psql .*''SELECT athar\.run_due\(\)''$', 'crontab_line is a line for a crontab');

SELECT * FROM finish();
ROLLBACK;
