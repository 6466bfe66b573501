-- 40 kpi: indicators, observations, measurements

CREATE OR REPLACE FUNCTION athar.kpi_id(code text)
RETURNS integer
LANGUAGE SQL STABLE STRICT PARALLEL SAFE
RETURN coalesce(
	(SELECT k.id FROM athar.kpi AS k WHERE k.code = kpi_id.code),
	athar.missing('KPI', code, 'define_kpi()'));
COMMENT ON FUNCTION athar.kpi_id(text) IS 'The id of the KPI with this code; NULL for NULL. 42704 if there is none.';

CREATE OR REPLACE FUNCTION athar.default_time_zone()
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN coalesce(nullif(current_setting('athar.time_zone', true), ''), 'UTC');
COMMENT ON FUNCTION athar.default_time_zone() IS 'The time zone of a KPI defined without one: the setting athar.time_zone, UTC unless it is set.';

CREATE OR REPLACE FUNCTION athar.kpi_change(
	kpi athar.kpi, unit_of_measure text, direction text, kind text, time_limit interval, time_zone text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN nullif(concat_ws(', ',
	CASE WHEN (kpi).unit_of_measure <> unit_of_measure THEN 'unit of measure' END,
	CASE WHEN (kpi).direction <> direction THEN 'direction' END,
	CASE WHEN (kpi).kind <> kind THEN 'kind' END,
	CASE WHEN (kpi).time_limit <> time_limit THEN 'time limit' END,
	CASE WHEN (kpi).time_zone <> time_zone THEN 'time zone' END), '');
COMMENT ON FUNCTION athar.kpi_change(athar.kpi, text, text, text, interval, text) IS
'What of a KPI''s meaning a new definition would change, in words; NULL if nothing. A NULL argument changes nothing.';

CREATE OR REPLACE FUNCTION athar.check_kpi(
	code text, unit_of_measure text, direction text, kind text, smallest_change double precision, desired_value double precision,
	time_limit interval, time_zone text)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL SAFE
RETURN CASE
	WHEN coalesce(btrim(unit_of_measure), '') = '' THEN
		athar.fail('22023', format('KPI "%s" needs a unit of measure', code),
			'A figure without its unit cannot be read.', 'Say what is counted: days, GBP, share.')
	WHEN direction IS NULL OR direction NOT IN ('up', 'down', 'target') THEN
		athar.fail('22023', format('KPI direction "%s" is unknown', direction),
			'Nothing was changed.', 'Use up or down for the way that is better, or target for a value to be near to.')
	WHEN kind NOT IN ('mean', 'sum', 'ratio', 'likert', 'share_within') THEN
		athar.fail('22023', format('KPI kind "%s" is unknown', kind),
			'Nothing was changed.', 'Use mean, sum, ratio, likert or share_within.')
	WHEN NOT abs(smallest_change) < 'Infinity' THEN
		athar.fail('22003', format('smallest change %s of KPI "%s" is out of range', smallest_change, code),
			'Nothing was changed.', 'Give a finite number in the KPI''s unit, or none where any change matters.')
	WHEN smallest_change < 0 THEN
		athar.fail('22023', format('smallest change %s of KPI "%s" is negative', smallest_change, code),
			'It is the size of a change, in either direction.', 'Give it without its sign.')
	WHEN NOT abs(desired_value) < 'Infinity' THEN
		athar.fail('22003', format('desired value %s of KPI "%s" is out of range', desired_value, code),
			'Nothing was changed.', 'Give a finite number in the KPI''s unit.')
	WHEN desired_value IS NOT NULL AND direction <> 'target' THEN
		athar.fail('22023', format('KPI "%s" takes no desired value', code),
			format('Its direction is %s.', direction), 'Leave it out, or make the direction target.')
	WHEN desired_value IS NULL AND direction = 'target' THEN
		athar.fail('22023', format('KPI "%s" needs a desired value', code),
			'Its direction is target, which means nearer to that value.', 'Give desired_value, or the direction up or down.')
	WHEN time_limit IS NOT NULL AND kind <> 'share_within' THEN
		athar.fail('22023', format('KPI "%s" takes no time limit', code),
			format('Its kind is %s.', kind), 'Leave it out, or make the kind share_within.')
	WHEN time_limit IS NULL AND kind = 'share_within' THEN
		athar.fail('22023', format('KPI "%s" needs a time limit', code),
			'Its kind is share_within, the share of durations within that limit.', 'Give time_limit, for example interval ''3 days''.')
	WHEN time_limit <= interval '0' THEN
		athar.fail('22023', format('time limit %s of KPI "%s" is not above zero', time_limit, code),
			'No duration would be within it.', 'Give a length of time.')
	WHEN time_zone <> 'UTC'
		AND NOT EXISTS (SELECT FROM athar.kpi AS k WHERE k.time_zone = check_kpi.time_zone)
		AND NOT EXISTS (SELECT FROM pg_timezone_names AS z WHERE z.name = check_kpi.time_zone) THEN
		athar.fail('22023', format('time zone "%s" is unknown', time_zone),
			'The days of a KPI are cut in its time zone.', 'Use a name from pg_timezone_names, such as UTC or Asia/Riyadh.')
	ELSE true
END;
COMMENT ON FUNCTION athar.check_kpi(text, text, text, text, double precision, double precision, interval, text) IS
'True where these can define a KPI; otherwise raises 22003 for NaN and infinite numbers and 22023 for anything else. Abbreviations and offsets are no time zones here: UTC+3 is west of Greenwich to the server.';

CREATE OR REPLACE FUNCTION athar.define_kpi(
	code text, name text, unit_of_measure text, direction text, kind text DEFAULT 'mean',
	smallest_change double precision DEFAULT NULL, name_ar text DEFAULT NULL, desired_value double precision DEFAULT NULL,
	time_limit interval DEFAULT NULL, time_zone text DEFAULT NULL, description text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_definition('KPI', define_kpi.code, define_kpi.name);
	SELECT athar.check_kpi(define_kpi.code, define_kpi.unit_of_measure, define_kpi.direction, kinds.kind, define_kpi.smallest_change,
		CASE WHEN define_kpi.direction = 'target' THEN coalesce(define_kpi.desired_value, k.desired_value) ELSE define_kpi.desired_value END,
		CASE WHEN kinds.kind = 'share_within' THEN coalesce(define_kpi.time_limit, k.time_limit) ELSE define_kpi.time_limit END,
		coalesce(define_kpi.time_zone, k.time_zone, athar.default_time_zone()))
	FROM (VALUES (1)) AS one
	LEFT JOIN athar.kpi AS k ON k.code = define_kpi.code
	CROSS JOIN LATERAL (SELECT coalesce(define_kpi.kind, k.kind, 'mean')) AS kinds (kind);
	-- whoever records a figure holds the KPI's row: wait for them, then look
	SELECT k.id
	FROM athar.kpi AS k
	WHERE k.code = define_kpi.code
		AND athar.kpi_change(k, define_kpi.unit_of_measure, define_kpi.direction, define_kpi.kind,
			define_kpi.time_limit, define_kpi.time_zone) IS NOT NULL
	FOR UPDATE;
	SELECT athar.fail('55000', format('KPI "%s" has figures, so its %s cannot change', define_kpi.code, change.words),
		'The figures measured so far would mean something else afterwards.',
		'Define another KPI for the new meaning.')
	FROM athar.kpi AS k
	CROSS JOIN LATERAL (SELECT athar.kpi_change(k, define_kpi.unit_of_measure, define_kpi.direction, define_kpi.kind,
		define_kpi.time_limit, define_kpi.time_zone)) AS change (words)
	WHERE k.code = define_kpi.code
		AND change.words IS NOT NULL
		AND (EXISTS (SELECT FROM athar.measurement AS m WHERE m.kpi_id = k.id)
			OR EXISTS (SELECT FROM athar.observation AS o WHERE o.kpi_id = k.id)
			OR EXISTS (SELECT FROM athar.kpi_source AS s WHERE s.kpi_id = k.id));
	INSERT INTO athar.kpi AS k (code, name, name_ar, unit_of_measure, direction, kind, smallest_change, desired_value,
		time_limit, time_zone, description)
	SELECT define_kpi.code, define_kpi.name, coalesce(define_kpi.name_ar, old.name_ar), define_kpi.unit_of_measure,
		define_kpi.direction, kinds.kind, coalesce(define_kpi.smallest_change, old.smallest_change),
		CASE WHEN define_kpi.direction = 'target' THEN coalesce(define_kpi.desired_value, old.desired_value) END,
		CASE WHEN kinds.kind = 'share_within' THEN coalesce(define_kpi.time_limit, old.time_limit) END,
		coalesce(define_kpi.time_zone, old.time_zone, athar.default_time_zone()),
		coalesce(define_kpi.description, old.description)
	FROM (VALUES (1)) AS one
	LEFT JOIN athar.kpi AS old ON old.code = define_kpi.code
	CROSS JOIN LATERAL (SELECT coalesce(define_kpi.kind, old.kind, 'mean')) AS kinds (kind)
	ON CONFLICT (code) DO UPDATE SET
		name = excluded.name,
		name_ar = excluded.name_ar,
		unit_of_measure = excluded.unit_of_measure,
		direction = excluded.direction,
		kind = excluded.kind,
		smallest_change = excluded.smallest_change,
		desired_value = excluded.desired_value,
		time_limit = excluded.time_limit,
		time_zone = excluded.time_zone,
		description = excluded.description
	WHERE (k.name, k.name_ar, k.unit_of_measure, k.direction, k.kind, k.smallest_change, k.desired_value,
			k.time_limit, k.time_zone, k.description)
		IS DISTINCT FROM (excluded.name, excluded.name_ar, excluded.unit_of_measure, excluded.direction, excluded.kind,
			excluded.smallest_change, excluded.desired_value, excluded.time_limit, excluded.time_zone, excluded.description);
	SELECT athar.kpi_id(define_kpi.code);
END;
COMMENT ON FUNCTION athar.define_kpi(text, text, text, text, text, double precision, text, double precision, interval, text, text) IS
'Creates the KPI with this code, or updates it; returns its id. direction is up or down (the way that is better) or target (nearer to desired_value, which is then needed); kind is mean, sum, ratio, likert or share_within (which needs time_limit; days count 24 hours, months 30 days); smallest_change is the smallest change that matters, in the KPI''s unit; time_zone cuts its days, the setting athar.time_zone unless given. A NULL optional argument leaves what is there. 22023 for what is blank, unknown or does not fit together, 22003 for NaN and infinite numbers, 55000 where unit, direction, kind, time limit or time zone would change although the KPI has figures, or a source of them.';

-- The way in

CREATE OR REPLACE FUNCTION athar.record_observation(
	kpi text, value double precision, observed_at timestamptz DEFAULT now(),
	service text DEFAULT NULL, channel text DEFAULT NULL, stage text DEFAULT NULL, denominator double precision DEFAULT NULL)
RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'athar_record_observation';
COMMENT ON FUNCTION athar.record_observation(text, double precision, timestamptz, text, text, text, double precision) IS
'Records a single value of a KPI and returns its id. The value is in the KPI''s unit: seconds for share_within, the numerator for ratio, whose denominator counts as 1 unless given. A NULL observed_at is now; a NULL service, channel or stage is the whole. 42704 for unknown codes, 22003 for NaN, infinite and extreme numbers, 22023 for a missing KPI or value, a time outside the years 1 to 9999, a stage without its service, a denominator that is not above zero or of a KPI that is no ratio, and a negative duration.';

CREATE OR REPLACE FUNCTION athar.write_observations()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS 'MODULE_PATHNAME', 'athar_write_observations';
COMMENT ON FUNCTION athar.write_observations() IS
'Trigger function of the view observations: records its rows as record_observation() does, and refuses changes (0A000).';

CREATE OR REPLACE VIEW athar.observations WITH (security_invoker = true) AS
SELECT
	k.code::text AS kpi,
	o.value::double precision AS value,
	o.observed_at,
	s.code::text AS service,
	c.code::text AS channel,
	t.code::text AS stage,
	o.denominator::double precision AS denominator
FROM athar.observation AS o
JOIN athar.kpi AS k ON k.id = o.kpi_id
LEFT JOIN athar.service AS s ON s.id = o.service_id
LEFT JOIN athar.channel AS c ON c.id = o.channel_id
LEFT JOIN athar.stage AS t ON t.id = o.stage_id;
COMMENT ON VIEW athar.observations IS 'Single values as they were observed, by codes; INSERT and COPY into it record new ones, and need no privilege but INSERT on this view';
COMMENT ON COLUMN athar.observations.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.observations.value IS 'The value in the KPI''s unit; seconds for a share_within KPI; the numerator for a ratio KPI';
COMMENT ON COLUMN athar.observations.observed_at IS 'When it was observed; inserted as NULL it becomes now';
COMMENT ON COLUMN athar.observations.service IS 'Code of the service; NULL for the whole';
COMMENT ON COLUMN athar.observations.channel IS 'Code of the channel; NULL where it is not known';
COMMENT ON COLUMN athar.observations.stage IS 'Code of the stage of that service; NULL where it is not known';
COMMENT ON COLUMN athar.observations.denominator IS 'The denominator of a ratio KPI; NULL counts as 1';

CREATE OR REPLACE TRIGGER write_observations
INSTEAD OF INSERT OR UPDATE OR DELETE ON athar.observations
FOR EACH ROW EXECUTE FUNCTION athar.write_observations();
COMMENT ON TRIGGER write_observations ON athar.observations IS 'Turns codes into ids';

CREATE OR REPLACE FUNCTION athar.queue_dirty_buckets()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_queue_dirty_buckets';
COMMENT ON FUNCTION athar.queue_dirty_buckets() IS
'Trigger function of observation: queues the days of the series that a change touched, for refresh_measurements(). Silent while a dump is restored, and so without SET: it must see the search_path of the session. It writes the queue under nobody''s privileges.';

CREATE OR REPLACE TRIGGER queue_changed
AFTER INSERT OR UPDATE OR DELETE ON athar.observation
FOR EACH ROW EXECUTE FUNCTION athar.queue_dirty_buckets();
COMMENT ON TRIGGER queue_changed ON athar.observation IS 'Queues the days of observations that come, change or go';

CREATE OR REPLACE TRIGGER queue_truncated
AFTER TRUNCATE ON athar.observation
FOR EACH STATEMENT EXECUTE FUNCTION athar.queue_dirty_buckets();
COMMENT ON TRIGGER queue_truncated ON athar.observation IS 'Queues every day that has a summary';

CREATE OR REPLACE FUNCTION athar.queue_unseen()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_queue_unseen';
COMMENT ON FUNCTION athar.queue_unseen() IS
'Trigger function: queues for record_events() what a row may change. Its arguments are the names of the row''s columns for those of unseen_figure, in their order, empty for NULL. Silent while a dump is restored, and so without SET: it must see the search_path of the session. It writes the queue under nobody''s privileges.';

CREATE OR REPLACE TRIGGER queue_unseen
AFTER INSERT OR UPDATE OR DELETE ON athar.measurement
FOR EACH ROW EXECUTE FUNCTION athar.queue_unseen('kpi_id', 'service_id', '', '');
COMMENT ON TRIGGER queue_unseen ON athar.measurement IS 'Has record_events() look at the series';

-- Figures measured elsewhere

CREATE OR REPLACE FUNCTION athar.check_measurement(
	kpi athar.kpi, period daterange, summary athar.summary, numerator double precision, denominator double precision)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL SAFE
RETURN CASE
	WHEN period IS NULL OR isempty(period) THEN
		athar.fail('22023', format('a measurement of KPI "%s" needs a period', (kpi).code),
			'The period is NULL or empty, so the figure would belong to no day.', 'Give the days it covers, for example daterange(''2026-01-01'', ''2026-04-01'').')
	WHEN NOT coalesce(isfinite(lower(period)) AND isfinite(upper(period)), false) THEN
		athar.fail('22023', format('period %s of KPI "%s" is not bounded', period, (kpi).code),
			'A figure covers a first day and a last day.', 'Give both.')
	WHEN lower(period) < '0001-01-01' OR upper(period) > '10000-01-01' THEN
		athar.fail('22023', format('period %s of KPI "%s" is not of the years 1 to 9999', period, (kpi).code),
			'It could not be compared with others.', 'Give days of those years.')
	WHEN lower(period) > (now() AT TIME ZONE (kpi).time_zone)::date THEN
		athar.fail('22023', format('period %s of KPI "%s" lies in the future', period, (kpi).code),
			'A planned figure is not a measurement.', 'State what is planned as the target of a goal.')
	WHEN num_nulls(numerator, denominator) = 1 THEN
		athar.fail('22023', format('a measurement of KPI "%s" needs numerator and denominator together', (kpi).code),
			'One without the other is not a figure.', 'Give both, or a summary.')
	WHEN summary IS NULL AND denominator IS NULL THEN
		athar.fail('22023', format('a measurement of KPI "%s" needs a figure', (kpi).code),
			'There is neither a summary nor a numerator and denominator.', 'Give one of them; leave out periods without a figure.')
	WHEN denominator IS NOT NULL AND (kpi).kind = 'sum' THEN
		athar.fail('22023', format('KPI "%s" takes no denominator', (kpi).code),
			'Its kind is sum.', 'Give a summary, or define a KPI of kind ratio.')
	WHEN NOT abs(numerator) <= 1e150 THEN
		athar.fail('22003', format('numerator %s of KPI "%s" is out of range', numerator, (kpi).code),
			'It is not a finite number of at most 1e150 in size.', 'Leave out periods without a figure.')
	WHEN NOT abs(denominator) <= 1e150 THEN
		athar.fail('22003', format('denominator %s of KPI "%s" is out of range', denominator, (kpi).code),
			'It is not a finite number of at most 1e150 in size.', 'Leave out periods without a figure.')
	WHEN denominator < 1e-150 THEN
		athar.fail('22023', format('denominator %s of KPI "%s" is not above zero', denominator, (kpi).code),
			'A ratio over nothing is not a figure.', 'Leave out periods that have no denominator.')
	WHEN athar.nonfinite_count(summary) > 0 THEN
		athar.fail('22003', format('summary of KPI "%s" contains NaN or infinite values', (kpi).code),
			format('%s of its values cannot be averaged.', athar.nonfinite_count(summary)), 'Summarise the finite values only.')
	WHEN NOT greatest(abs(athar.mean(summary)), abs(athar.minimum(summary)), abs(athar.maximum(summary))) <= 1e150 THEN
		athar.fail('22003', format('summary of KPI "%s" is out of range', (kpi).code),
			'Its values are not all of at most 1e150 in size.', 'Leave out periods without a figure.')
	WHEN athar.n(summary) = 0 THEN
		athar.fail('22023', format('summary of KPI "%s" is empty', (kpi).code),
			'Nothing was measured.', 'Leave out periods without a figure.')
	WHEN (kpi).kind IN ('ratio', 'share_within') AND (athar.mean(summary) < 0 OR athar.mean(summary) > 1
		OR athar.minimum(summary) NOT IN (0, 1) OR athar.maximum(summary) NOT IN (0, 1)
		-- squares of zeros and ones are what they are; moments that were published are not known so well
		OR athar.minimum(summary) IS NOT NULL AND abs((athar.n(summary) - 1) * athar.variance(summary)
			- athar.total(summary) * (1 - athar.mean(summary))) > 1e-9 * athar.n(summary)) THEN
		athar.fail('22023', format('summary of KPI "%s" is not over zeros and ones', (kpi).code),
			format('Its kind is %s: every unit counts as 1 if it is in and as 0 if it is out; an average of ratios is no ratio.', (kpi).kind),
			'Count both, for example summary_of(''{0,1}'', ARRAY[out, in]), or give numerator and denominator where units cannot be counted.')
	ELSE true
END;
COMMENT ON FUNCTION athar.check_measurement(athar.kpi, daterange, athar.summary, double precision, double precision) IS
'True where these can be a reported measurement of the KPI; otherwise raises 22003 for NaN, infinite and extreme numbers and 22023 for anything else.';

CREATE OR REPLACE FUNCTION athar.report_measurement(
	kpi text, period daterange, summary athar.summary, service text DEFAULT NULL, channel text DEFAULT NULL, stage text DEFAULT NULL,
	basis text DEFAULT NULL, source text DEFAULT NULL, numerator double precision DEFAULT NULL, denominator double precision DEFAULT NULL)
RETURNS bigint
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', 'a measurement needs a KPI', 'Nothing was recorded.', 'Give the code of the KPI that the figure belongs to.')
	WHERE report_measurement.kpi IS NULL;
	-- in a statement of its own: over an empty table a condition is not looked at
	SELECT athar.kpi_id(report_measurement.kpi);
	-- each step is materialized, so that nothing is checked before it is known to be meant
	WITH measured AS MATERIALIZED (
		SELECT k AS kpi
		FROM athar.kpi AS k
		WHERE k.id = athar.kpi_id(report_measurement.kpi)
	), series AS MATERIALIZED (
		SELECT
			(m.kpi).id AS kpi_id,
			athar.service_id(report_measurement.service) AS service_id,
			athar.channel_id(report_measurement.channel) AS channel_id,
			athar.stage_id(report_measurement.service, report_measurement.stage) AS stage_id,
			nullif(btrim(report_measurement.basis), '') AS basis,
			nullif(btrim(report_measurement.source), '') AS source
		FROM measured AS m
		WHERE athar.check_measurement(m.kpi, report_measurement.period, report_measurement.summary,
			report_measurement.numerator, report_measurement.denominator)
	), overlapping AS MATERIALIZED (
		-- the series comes from a subquery, so that the exclusion constraint's index serves both conditions
		SELECT m.id, m.period
		FROM athar.measurement AS m
		WHERE m.origin = 'reported'
			AND athar.series_of(m.kpi_id, m.service_id, m.channel_id, m.stage_id, m.basis) && (
				SELECT athar.series_of(s.kpi_id, s.service_id, s.channel_id, s.stage_id, s.basis) FROM series AS s)
			AND m.period && report_measurement.period
	), same AS MATERIALIZED (
		SELECT o.id
		FROM overlapping AS o
		WHERE CASE WHEN o.period = report_measurement.period THEN true ELSE
			athar.fail('23P01', format('period %s overlaps the reported period %s', report_measurement.period, o.period),
				'Both are of the same series, so some days would count twice.',
				'Correct the other figure by reporting its own period again, or give figures that are cut in another way a basis of their own.')
			END
	), corrected AS (
		UPDATE athar.measurement AS m SET
			summary = report_measurement.summary,
			numerator = report_measurement.numerator,
			denominator = report_measurement.denominator,
			source = coalesce(s.source, m.source)
		FROM same
		CROSS JOIN series AS s
		WHERE m.id = same.id
			AND (m.summary::text, m.numerator, m.denominator, m.source) IS DISTINCT FROM (report_measurement.summary::text,
				report_measurement.numerator, report_measurement.denominator, coalesce(s.source, m.source))
	), added AS (
		INSERT INTO athar.measurement (kpi_id, service_id, channel_id, stage_id, basis, period, summary, numerator, denominator, source)
		SELECT s.kpi_id, s.service_id, s.channel_id, s.stage_id, s.basis, report_measurement.period,
			report_measurement.summary, report_measurement.numerator, report_measurement.denominator, s.source
		FROM series AS s
		WHERE NOT EXISTS (SELECT FROM same)
		RETURNING id
	)
	SELECT same.id FROM same
	UNION ALL
	SELECT added.id FROM added;
END;
COMMENT ON FUNCTION athar.report_measurement(text, daterange, athar.summary, text, text, text, text, text, double precision, double precision) IS
'Stores a figure that was measured elsewhere, and returns its id: a summary of values (zeros and ones for ratio and share_within), or numerator and denominator where units cannot be counted; where both are given, the quotient is the figure. Reporting the same series and period again corrects it, and the change log keeps the old figure. Series: KPI, service, channel, stage and basis (how periods are cut); NULL is the whole. 42704 for unknown codes, 23P01 for a period that overlaps another of its series, 22003 for NaN, infinite and extreme numbers, 22023 for a period that is missing, empty, without end, outside the years 1 to 9999 or in the future, and for a figure that is missing or does not fit the KPI''s kind.';

-- Summaries of observations

CREATE OR REPLACE FUNCTION athar.observed_value(kind text, time_limit interval, value double precision)
RETURNS double precision
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN kind = 'share_within' THEN (value <= extract(epoch FROM time_limit)::double precision)::integer ELSE value END;
COMMENT ON FUNCTION athar.observed_value(text, interval, double precision) IS
'What an observation counts as in the summaries of its KPI: for share_within 1 for a duration (seconds) up to the limit and 0 beyond it, otherwise the value itself.';

CREATE OR REPLACE FUNCTION athar.observed_figures(kpi_id integer, service_id integer, day date)
RETURNS TABLE (channel_id integer, stage_id integer, summary athar.summary, numerator double precision, denominator double precision)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 4
BEGIN ATOMIC
	SELECT
		o.channel_id,
		o.stage_id,
		CASE WHEN k.kind <> 'ratio' OR count(o.denominator) = 0 THEN
			athar.summarize(athar.observed_value(k.kind, k.time_limit, o.value))
		END::athar.summary,
		CASE WHEN k.kind = 'ratio' THEN sum(o.value) END,
		CASE WHEN k.kind = 'ratio' THEN sum(coalesce(o.denominator, 1)) END
	FROM athar.kpi AS k
	-- where midnight comes twice or not at all its instant is a guess: the index looks three hours further, the filter decides
	CROSS JOIN LATERAL (
		SELECT b.channel_id, b.stage_id, b.observed_at, b.value::double precision, b.denominator::double precision
		FROM athar.observation AS b
		WHERE b.kpi_id = observed_figures.kpi_id
			AND b.service_id = observed_figures.service_id
			AND b.observed_at >= observed_figures.day::timestamp AT TIME ZONE k.time_zone - interval '3 hours'
			AND b.observed_at < (observed_figures.day + 1)::timestamp AT TIME ZONE k.time_zone + interval '3 hours'
		UNION ALL
		SELECT b.channel_id, b.stage_id, b.observed_at, b.value::double precision, b.denominator::double precision
		FROM athar.observation AS b
		WHERE observed_figures.service_id IS NULL
			AND b.kpi_id = observed_figures.kpi_id
			AND b.service_id IS NULL
			AND b.observed_at >= observed_figures.day::timestamp AT TIME ZONE k.time_zone - interval '3 hours'
			AND b.observed_at < (observed_figures.day + 1)::timestamp AT TIME ZONE k.time_zone + interval '3 hours'
	) AS o
	WHERE k.id = observed_figures.kpi_id
		AND (o.observed_at AT TIME ZONE k.time_zone)::date = observed_figures.day
	GROUP BY k.id, o.channel_id, o.stage_id;
END;
COMMENT ON FUNCTION athar.observed_figures(integer, integer, date) IS
'The figures of one day in the KPI''s own time zone, made from observations: one row per channel and stage; a NULL service_id is the observations of no service. share_within: zeros and ones; ratio: sum of values over sum of denominators, with a summary only where no denominator was given.';

CREATE OR REPLACE FUNCTION athar.measurement_value(
	kind text, summary athar.summary, numerator double precision, denominator double precision)
RETURNS double precision
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN kind = 'sum' THEN athar.total(summary)
	WHEN denominator IS NULL THEN athar.mean(summary)
	WHEN numerator = 0 THEN 0
	WHEN abs(numerator) BETWEEN 1e-150 AND 1e150 AND denominator BETWEEN 1e-150 AND 1e150 THEN numerator / denominator
END;
COMMENT ON FUNCTION athar.measurement_value(text, athar.summary, double precision, double precision) IS
'The figure of a measurement, in the KPI''s unit: the total for kind sum, numerator / denominator where those are given, otherwise the mean. NULL where there is none, and where numerator or denominator are beyond 1e-150 to 1e150 in size.';
