-- 95 schedule: what runs when, and how it ended

-- The five fields are read here and not by the scheduler, because run_due()
-- itself decides what is due: it must be right when a person calls it, and
-- must make up for the minutes in which nobody did.

CREATE FUNCTION athar.cron_field(field text, lowest integer, highest integer, names text[] DEFAULT NULL)
RETURNS integer[]
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH part AS (
		SELECT regexp_match(lower(p.text), '^(?:(\*)|([[:alnum:]]{1,4})(?:-([[:alnum:]]{1,4}))?)(?:/([0-9]{1,4}))?$') AS m
		FROM unnest(string_to_array(cron_field.field, ',')) AS p (text)
	), bound AS (
		SELECT
			CASE WHEN m[1] IS NOT NULL THEN lowest
				WHEN m[2] ~ '^[0-9]+$' THEN m[2]::integer
				ELSE lowest - 1 + array_position(names, m[2]) END AS low,
			CASE WHEN m[1] IS NOT NULL THEN highest
				WHEN m[3] ~ '^[0-9]+$' THEN m[3]::integer
				WHEN m[3] IS NOT NULL THEN lowest - 1 + array_position(names, m[3])
				WHEN m[4] IS NOT NULL THEN NULL -- a single value takes no step
				WHEN m[2] ~ '^[0-9]+$' THEN m[2]::integer
				ELSE lowest - 1 + array_position(names, m[2]) END AS high,
			coalesce(m[4]::integer, 1) AS step
		FROM part
	)
	SELECT CASE WHEN bool_and(coalesce(low >= lowest AND high <= highest AND low <= high AND step > 0, false))
		THEN array_agg(DISTINCT v.value ORDER BY v.value) END
	FROM bound
	LEFT JOIN LATERAL generate_series(greatest(low, lowest), least(high, highest), nullif(step, 0)) AS v (value) ON true;
END;
COMMENT ON FUNCTION athar.cron_field(text, integer, integer, text[]) IS
'The values of one field of a cron schedule: *, numbers, ranges a-b, steps after * or a range, lists, and names, the first of which stands for the lowest value. NULL where it is malformed or leaves lowest .. highest.';

CREATE FUNCTION athar.read_schedule(schedule text,
	OUT minutes integer[], OUT hours integer[], OUT days integer[], OUT months integer[], OUT weekdays integer[], OUT is_either boolean)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.fail('22023',
			format('schedule "%s" must have 5 fields, found %s', read_schedule.schedule, cardinality(f.fields)),
			'Nothing can be due by it.',
			'Write minute, hour, day of month, month and day of week, in GMT, as in ''*/5 * * * *''; seconds and words such as @daily are not known.')
	FROM (SELECT array_remove(regexp_split_to_array(coalesce(read_schedule.schedule, ''), '\s+'), '') AS fields) AS f
	WHERE cardinality(f.fields) <> 5;
	SELECT athar.fail('22023',
			format('schedule "%s" has a malformed field: %s "%s"', read_schedule.schedule, r.name, f.fields[r.ordinal]),
			'Nothing can be due by it.',
			format('Write * or values from %s to %s, as numbers, ranges (a-b), steps after * or a range (/n), or a list of these.', r.lowest, r.highest))
	FROM (SELECT array_remove(regexp_split_to_array(read_schedule.schedule, '\s+'), '') AS fields) AS f,
		(VALUES (1, 'minute', 0, 59, NULL), (2, 'hour', 0, 23, NULL), (3, 'day of month', 1, 31, NULL),
			(4, 'month', 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}'::text[]),
			(5, 'day of week', 0, 7, '{sun,mon,tue,wed,thu,fri,sat}'::text[])) AS r (ordinal, name, lowest, highest, names)
	WHERE athar.cron_field(f.fields[r.ordinal], r.lowest, r.highest, r.names) IS NULL
	ORDER BY r.ordinal
	LIMIT 1;
	SELECT athar.cron_field(f.fields[1], 0, 59),
		athar.cron_field(f.fields[2], 0, 23),
		athar.cron_field(f.fields[3], 1, 31),
		athar.cron_field(f.fields[4], 1, 12, '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}'),
		athar.cron_field(f.fields[5], 0, 7, '{sun,mon,tue,wed,thu,fri,sat}'),
		f.fields[3] NOT LIKE '*%' AND f.fields[5] NOT LIKE '*%'
	FROM (SELECT array_remove(regexp_split_to_array(read_schedule.schedule, '\s+'), '') AS fields) AS f;
END;
COMMENT ON FUNCTION athar.read_schedule(text) IS
'The values of the five fields of a cron schedule (day of week: 0 and 7 are Sunday). is_either: both days are restricted, so that either of them suffices, as in cron; a field that begins with * does not restrict. 22023 names the field that is malformed.';

CREATE FUNCTION athar.is_scheduled_day(day date, days integer[], months integer[], weekdays integer[], is_either boolean)
RETURNS boolean
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN extract(month FROM day) = ANY (months)
	AND CASE WHEN is_either
		THEN extract(day FROM day) = ANY (days) OR extract(dow FROM day) = ANY (weekdays) OR extract(isodow FROM day) = ANY (weekdays)
		ELSE extract(day FROM day) = ANY (days) AND (extract(dow FROM day) = ANY (weekdays) OR extract(isodow FROM day) = ANY (weekdays)) END;
COMMENT ON FUNCTION athar.is_scheduled_day(date, integer[], integer[], integer[], boolean) IS
'Whether a day is one of those that read_schedule() gave.';

CREATE FUNCTION athar.next_due(schedule text, after timestamptz)
RETURNS timestamptz
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	WITH RECURSIVE rule AS MATERIALIZED (
		SELECT r.minutes, r.hours, r.days, r.months, r.weekdays, r.is_either, after AT TIME ZONE 'UTC' AS since
		FROM athar.read_schedule(schedule) AS r
		WHERE isfinite(after)
	), moment AS MATERIALIZED (
		SELECT make_interval(hours => h.hour, mins => m.minute) AS at
		FROM rule, unnest(rule.hours) AS h (hour), unnest(rule.minutes) AS m (minute)
	), calendar (day) AS (
		SELECT rule.since::date + CASE WHEN rule.since::date + (SELECT max(moment.at) FROM moment) > rule.since THEN 0 ELSE 1 END
		FROM rule
		UNION ALL
		-- A month that is not named is stepped over whole.
		SELECT CASE WHEN extract(month FROM calendar.day) = ANY (rule.months) THEN calendar.day + 1
			ELSE (date_trunc('month', calendar.day::timestamp) + interval '1 month')::date END
		FROM calendar, rule
		WHERE NOT athar.is_scheduled_day(calendar.day, rule.days, rule.months, rule.weekdays, rule.is_either)
			-- 29 February falls on a given weekday once in 28 years, in 40 across 2100.
			AND calendar.day < rule.since::date + 14975
	)
	SELECT min(calendar.day + moment.at) AT TIME ZONE 'UTC'
	FROM calendar, rule, moment
	WHERE athar.is_scheduled_day(calendar.day, rule.days, rule.months, rule.weekdays, rule.is_either)
		AND calendar.day + moment.at > rule.since;
END;
COMMENT ON FUNCTION athar.next_due(text, timestamptz) IS
'The first minute after a moment that a cron schedule names, in GMT. NULL where there is none within 41 years (30 February), or where an argument is NULL or the moment infinite. 22023 where the schedule is malformed.';

CREATE FUNCTION athar.cron_matches(schedule text, at timestamptz)
RETURNS boolean
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN coalesce(athar.next_due(schedule, date_trunc('minute', at, 'UTC') - interval '1 minute') = date_trunc('minute', at, 'UTC'), false);
COMMENT ON FUNCTION athar.cron_matches(text, timestamptz) IS
'Whether a cron schedule names the minute in which a moment lies, in GMT. NULL in, NULL out; 22023 where the schedule is malformed.';

CREATE TABLE athar.job (
	name text PRIMARY KEY,
	ordinal integer NOT NULL,
	schedule text NOT NULL,
	procedure text NOT NULL,
	is_enabled boolean NOT NULL DEFAULT true,
	last_started_at timestamptz,
	last_finished_at timestamptz,
	last_outcome text,
	last_message text,
	CONSTRAINT job_schedule_check CHECK (athar.next_due(schedule, '2000-01-01 00:00:00+00') IS NOT NULL),
	CONSTRAINT job_procedure_check CHECK (procedure ~ '^athar\.[a-z_][a-z0-9_]*$'),
	CONSTRAINT job_last_outcome_check CHECK (last_outcome IN ('succeeded', 'failed'))
);
COMMENT ON TABLE athar.job IS 'The jobs that run_due() runs; written by schedule(), read through the view jobs';
COMMENT ON COLUMN athar.job.name IS 'Name of the job';
COMMENT ON COLUMN athar.job.ordinal IS 'Order among jobs that are due together';
COMMENT ON COLUMN athar.job.schedule IS 'When it is due: five cron fields, in GMT';
COMMENT ON COLUMN athar.job.procedure IS 'The function of this extension it calls, without arguments';
COMMENT ON COLUMN athar.job.is_enabled IS 'False where it is left out';
COMMENT ON COLUMN athar.job.last_started_at IS 'When it last started';
COMMENT ON COLUMN athar.job.last_finished_at IS 'When it last ended';
COMMENT ON COLUMN athar.job.last_outcome IS 'succeeded or failed';
COMMENT ON COLUMN athar.job.last_message IS 'What it answered, or why it failed';
