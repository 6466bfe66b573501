-- 42 source: tables of applications as sources, the refresh, and reading

CREATE OR REPLACE FUNCTION athar.queue_source()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_queue_source';
COMMENT ON FUNCTION athar.queue_source() IS
'Trigger function of the tables that KPIs are read from: queues the days that a row touches, for refresh_measurements(); its argument is the id of the source. It never refuses a write, and is silent on a table that is no source. Silent while a dump is restored, and so without SET: it must see the search_path of the session. It writes the queue under nobody''s privileges.';

CREATE OR REPLACE FUNCTION athar.forget_definitions()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_forget_definitions';
COMMENT ON FUNCTION athar.forget_definitions() IS
'Trigger function of kpi and kpi_source: has every session look again at what it remembers of them';

CREATE OR REPLACE TRIGGER forget_definitions
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON athar.kpi
FOR EACH STATEMENT EXECUTE FUNCTION athar.forget_definitions();
COMMENT ON TRIGGER forget_definitions ON athar.kpi IS 'Has every session look again';

CREATE OR REPLACE TRIGGER forget_definitions
AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON athar.kpi_source
FOR EACH STATEMENT EXECUTE FUNCTION athar.forget_definitions();
COMMENT ON TRIGGER forget_definitions ON athar.kpi_source IS 'Has every session look again';

CREATE OR REPLACE FUNCTION athar.attach_source(
	kpi text, relation regclass, value_column name, observed_at_column name,
	service_column name DEFAULT NULL, channel_column name DEFAULT NULL, stage_column name DEFAULT NULL,
	denominator_column name DEFAULT NULL)
RETURNS integer
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_attach_source';
COMMENT ON FUNCTION athar.attach_source(text, regclass, name, name, name, name, name, name) IS
'Makes an application''s own table, partitioned or not, a source of a KPI, and returns the source''s id. Nothing is copied but daily summaries; INSERT, UPDATE, DELETE, TRUNCATE, COPY and late rows are followed exactly. Attaching it again replaces the columns. Rows of tables that inherit from it are not read, those of partitions are.
value_column: a number, an interval (counts as seconds) or a boolean (1 and 0); the numerator for ratio, seconds for share_within. observed_at_column: a timestamp with time zone; one without, or a date, is taken as of the KPI''s zone. service_column, channel_column, stage_column: codes, as text, enum, integer or uuid; NULL and empty is the whole. denominator_column: for a ratio only.
Only plain columns and stored generated ones of these types, and domains over them, are read, nothing is cast and no code of the table''s owner gets anybody else''s rights: whoever reads figures, the rows are read with the owner''s rights, restricted as ANALYZE is. Whoever may read figures may so read daily figures of the table; that is what its owner agrees to.
Rows that are no figures never fail a write; they are left out and counted in the view sources, as are rows with codes that nobody defined, until somebody does.
Needs ownership of the table. 42501 without it, or where the owner cannot read all rows; 42704 for an unknown KPI; 42P01, 42703 for a table or a column that does not exist; 42804 for a column of another type; 42809 for what is no permanent table of a user; 42710 for a partition of a source of the same KPI; 22023 for a missing argument, a stage without its service, a denominator of a KPI that is no ratio.';

CREATE OR REPLACE FUNCTION athar.detach_source(kpi text, relation regclass)
RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_detach_source';
COMMENT ON FUNCTION athar.detach_source(text, regclass) IS
'Makes a table no source of a KPI any more: its triggers and the summaries made from it go, its rows stay. Of a table that was dropped, relation is the number that the view sources shows. Needs ownership of the table, unless it was dropped. 42501 without it, 42704 for an unknown KPI, 55000 where the table is no source of the KPI, 22023 for a missing argument.';

-- From rows to figures

CREATE OR REPLACE FUNCTION athar.source_figures(source_id integer, services text[], days date[])
RETURNS TABLE (service text, day date, channel text, stage text, n bigint, summary athar.summary, numerator double precision, denominator double precision, left_out bigint)
LANGUAGE C STABLE PARALLEL SAFE ROWS 1000 COST 10000
AS 'MODULE_PATHNAME', 'athar_source_figures';
COMMENT ON FUNCTION athar.source_figures(integer, text[], date[]) IS
'The figures of some days of a source, made from the rows of its table now: services[i] and days[i] are one day of one service, an empty service is none, a day of -infinity asks for everything. One row per service, day, channel and stage; codes are as they stand in the rows, empty where there are none. Of a source that cannot be read, what the last refresh made. No rows for NULL and for an unknown id. 22023 where there are not as many services as days.';

CREATE OR REPLACE FUNCTION athar.source_problem(source_id integer)
RETURNS text
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_source_problem_of';
COMMENT ON FUNCTION athar.source_problem(integer) IS
'Why a source cannot be read, in words: its table or a column was dropped, renamed or changed, its triggers are disabled, its owner cannot read it. NULL where it can, for NULL and for an unknown id.';

CREATE OR REPLACE VIEW athar.source_rows WITH (security_invoker = true) AS
SELECT b.source_id, b.day, b.service, b.channel, b.stage, b.n, b.summary,
	b.numerator::double precision AS numerator, b.denominator::double precision AS denominator, b.left_out
FROM athar.source_bucket AS b
WHERE NOT EXISTS (
		SELECT FROM athar.dirty_source AS d
		WHERE d.source_id = b.source_id AND d.day = b.day AND d.service = b.service)
	AND NOT EXISTS (SELECT FROM athar.dirty_source AS d WHERE d.source_id = b.source_id AND d.day = '-infinity')
UNION ALL
SELECT s.id, f.day, f.service, f.channel, f.stage, f.n, f.summary, f.numerator, f.denominator, f.left_out
FROM athar.kpi_source AS s
CROSS JOIN LATERAL (
	SELECT array_agg(d.service) AS services, array_agg(d.day) AS days
	FROM (SELECT DISTINCT q.service, q.day FROM athar.dirty_source AS q WHERE q.source_id = s.id) AS d) AS a
CROSS JOIN LATERAL athar.source_figures(s.id, a.services, a.days) AS f;
COMMENT ON VIEW athar.source_rows IS 'Daily summaries of sources as they are now, by the codes in their rows: those that are stored, but for days that changed since, which are made from the rows';
COMMENT ON COLUMN athar.source_rows.source_id IS 'Internal key of the source';
COMMENT ON COLUMN athar.source_rows.day IS 'The day in the KPI''s time zone';
COMMENT ON COLUMN athar.source_rows.service IS 'The service as it stands in the rows; empty where there is none';
COMMENT ON COLUMN athar.source_rows.channel IS 'The channel as it stands in the rows; empty where there is none';
COMMENT ON COLUMN athar.source_rows.stage IS 'The stage as it stands in the rows; empty where there is none';
COMMENT ON COLUMN athar.source_rows.n IS 'Number of rows that are figures';
COMMENT ON COLUMN athar.source_rows.summary IS 'Their values, summarised; NULL for a ratio with denominators, and where n is 0';
COMMENT ON COLUMN athar.source_rows.numerator IS 'Sum of a ratio''s values; NULL for other kinds';
COMMENT ON COLUMN athar.source_rows.denominator IS 'Sum of a ratio''s denominators; NULL for other kinds';
COMMENT ON COLUMN athar.source_rows.left_out IS 'Number of rows without a usable value';

CREATE OR REPLACE VIEW athar.source_measurements WITH (security_invoker = true) AS
SELECT
	r.source_id,
	s.kpi_id,
	v.id AS service_id,
	c.id AS channel_id,
	t.id AS stage_id,
	v.code AS service,
	c.code AS channel,
	t.code AS stage,
	r.day,
	r.n,
	r.summary,
	r.numerator,
	r.denominator,
	s.relation_name
FROM athar.source_rows AS r
JOIN athar.kpi_source AS s ON s.id = r.source_id
LEFT JOIN athar.service AS v ON v.code = r.service
LEFT JOIN athar.channel AS c ON c.code = r.channel
LEFT JOIN athar.stage AS t ON t.service_id = v.id AND t.code = r.stage
WHERE r.n > 0
	AND (r.service = '' OR v.id IS NOT NULL)
	AND (r.channel = '' OR c.id IS NOT NULL)
	AND (r.stage = '' OR t.id IS NOT NULL);
COMMENT ON VIEW athar.source_measurements IS 'Daily summaries of sources as they are now, of rows whose codes are known';
COMMENT ON COLUMN athar.source_measurements.source_id IS 'Internal key of the source';
COMMENT ON COLUMN athar.source_measurements.kpi_id IS 'Internal key of the KPI';
COMMENT ON COLUMN athar.source_measurements.service_id IS 'Internal key of the service; NULL for the whole';
COMMENT ON COLUMN athar.source_measurements.channel_id IS 'Internal key of the channel; NULL where it is not known';
COMMENT ON COLUMN athar.source_measurements.stage_id IS 'Internal key of the stage; NULL where it is not known';
COMMENT ON COLUMN athar.source_measurements.service IS 'Code of the service';
COMMENT ON COLUMN athar.source_measurements.channel IS 'Code of the channel';
COMMENT ON COLUMN athar.source_measurements.stage IS 'Code of the stage';
COMMENT ON COLUMN athar.source_measurements.day IS 'The day in the KPI''s time zone';
COMMENT ON COLUMN athar.source_measurements.n IS 'Number of rows';
COMMENT ON COLUMN athar.source_measurements.summary IS 'Their values, summarised; NULL for a ratio with denominators';
COMMENT ON COLUMN athar.source_measurements.numerator IS 'Sum of a ratio''s values; NULL for other kinds';
COMMENT ON COLUMN athar.source_measurements.denominator IS 'Sum of a ratio''s denominators; NULL for other kinds';
COMMENT ON COLUMN athar.source_measurements.relation_name IS 'The table, by the name under which it was attached';

CREATE OR REPLACE VIEW athar.sources WITH (security_invoker = true) AS
SELECT
	k.code::text AS kpi,
	s.relation,
	s.relation_name,
	s.value_column,
	s.observed_at_column,
	s.service_column,
	s.channel_column,
	s.stage_column,
	s.denominator_column,
	coalesce(p.problem, s.last_error) IS NULL AS is_read,
	coalesce(p.problem, s.last_error) AS problem,
	coalesce(r.rows_counted, 0)::bigint AS rows_counted,
	coalesce(r.rows_unknown, 0)::bigint AS rows_unknown,
	coalesce(r.rows_left_out, 0)::bigint AS rows_left_out,
	r.first_day,
	r.last_day,
	(SELECT count(*) FROM (SELECT DISTINCT d.service, d.day FROM athar.dirty_source AS d WHERE d.source_id = s.id) AS q) AS days_to_refresh
FROM athar.kpi_source AS s
JOIN athar.kpi AS k ON k.id = s.kpi_id
CROSS JOIN LATERAL (SELECT athar.source_problem(s.id)) AS p (problem)
LEFT JOIN LATERAL (
	SELECT
		sum(b.n) FILTER (WHERE u.is_known) AS rows_counted,
		sum(b.n) FILTER (WHERE NOT u.is_known) AS rows_unknown,
		sum(b.left_out) AS rows_left_out,
		min(b.day) FILTER (WHERE b.n > 0 AND u.is_known) AS first_day,
		max(b.day) FILTER (WHERE b.n > 0 AND u.is_known) AS last_day
	FROM athar.source_rows AS b
	LEFT JOIN athar.service AS v ON v.code = b.service
	LEFT JOIN athar.channel AS c ON c.code = b.channel
	LEFT JOIN athar.stage AS t ON t.service_id = v.id AND t.code = b.stage
	CROSS JOIN LATERAL (SELECT (b.service = '' OR v.id IS NOT NULL) AND (b.channel = '' OR c.id IS NOT NULL)
		AND (b.stage = '' OR t.id IS NOT NULL)) AS u (is_known)
	WHERE b.source_id = s.id) AS r ON true;
COMMENT ON VIEW athar.sources IS 'Tables of applications that KPIs are read from: what of them counts, what does not, and what is wrong';
COMMENT ON COLUMN athar.sources.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.sources.relation IS 'The table; a number where it was dropped';
COMMENT ON COLUMN athar.sources.relation_name IS 'Its name when it was attached';
COMMENT ON COLUMN athar.sources.value_column IS 'Its column with the value';
COMMENT ON COLUMN athar.sources.observed_at_column IS 'Its column with the time';
COMMENT ON COLUMN athar.sources.service_column IS 'Its column with the code of the service; NULL where all rows are of the whole';
COMMENT ON COLUMN athar.sources.channel_column IS 'Its column with the code of the channel';
COMMENT ON COLUMN athar.sources.stage_column IS 'Its column with the code of the stage';
COMMENT ON COLUMN athar.sources.denominator_column IS 'Its column with the denominator of a ratio';
COMMENT ON COLUMN athar.sources.is_read IS 'False where figures are those of the last refresh, because the table cannot be read';
COMMENT ON COLUMN athar.sources.problem IS 'Why it cannot be read; attach_source() with the columns of today mends it';
COMMENT ON COLUMN athar.sources.rows_counted IS 'Rows that are in the KPI''s figures';
COMMENT ON COLUMN athar.sources.rows_unknown IS 'Rows left out because of a service, channel or stage that nobody defined; they count as soon as somebody does';
COMMENT ON COLUMN athar.sources.rows_left_out IS 'Rows left out for their value: NULL, NaN, infinite, beyond 1e150, a negative duration, no denominator above zero. Rows without a time of the years 1 to 9999 belong to no day, and are not counted here: nothing has been observed yet';
COMMENT ON COLUMN athar.sources.first_day IS 'The first day with a figure';
COMMENT ON COLUMN athar.sources.last_day IS 'The last day with a figure';
COMMENT ON COLUMN athar.sources.days_to_refresh IS 'Days in the queue; views make those from the rows. A single one may stand for all';

-- The refresh

CREATE OR REPLACE FUNCTION athar.refresh_observations(max_buckets integer)
RETURNS bigint
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	-- one statement, one snapshot: a bucket dirtied meanwhile stays in the queue
	WITH chosen AS MATERIALIZED (
		SELECT DISTINCT d.kpi_id, d.service_id, d.channel_id, d.stage_id, d.day
		FROM athar.dirty_bucket AS d
		LIMIT refresh_observations.max_buckets
	), taken AS (
		DELETE FROM athar.dirty_bucket AS d
		USING chosen AS c
		WHERE d.kpi_id = c.kpi_id
			AND d.day = c.day
			AND coalesce(d.service_id, 0) = coalesce(c.service_id, 0)
			AND coalesce(d.channel_id, 0) = coalesce(c.channel_id, 0)
			AND coalesce(d.stage_id, 0) = coalesce(c.stage_id, 0)
	), rebuilt AS MATERIALIZED (
		SELECT c.kpi_id, c.service_id, c.channel_id, c.stage_id, c.day, f.summary, f.numerator, f.denominator
		FROM (SELECT DISTINCT d.kpi_id, d.service_id, d.day FROM chosen AS d) AS b
		CROSS JOIN LATERAL athar.observed_figures(b.kpi_id, b.service_id, b.day) AS f
		JOIN chosen AS c ON c.kpi_id = b.kpi_id
			AND c.day = b.day
			AND coalesce(c.service_id, 0) = coalesce(b.service_id, 0)
			AND coalesce(c.channel_id, 0) = coalesce(f.channel_id, 0)
			AND coalesce(c.stage_id, 0) = coalesce(f.stage_id, 0)
	), saved AS (
		INSERT INTO athar.measurement AS m
			(kpi_id, service_id, channel_id, stage_id, basis, period, summary, numerator, denominator, origin)
		SELECT r.kpi_id, r.service_id, r.channel_id, r.stage_id, 'day', daterange(r.day, r.day + 1),
			r.summary, r.numerator, r.denominator, 'observed'
		FROM rebuilt AS r
		ON CONFLICT (kpi_id, service_id, channel_id, stage_id, period) WHERE origin = 'observed'
		DO UPDATE SET summary = excluded.summary, numerator = excluded.numerator, denominator = excluded.denominator
	), emptied AS MATERIALIZED (
		SELECT c.kpi_id, c.service_id, c.channel_id, c.stage_id, c.day FROM chosen AS c
		EXCEPT
		SELECT r.kpi_id, r.service_id, r.channel_id, r.stage_id, r.day FROM rebuilt AS r
	), removed AS (
		DELETE FROM athar.measurement AS m
		USING emptied AS e
		WHERE m.origin = 'observed'
			AND m.kpi_id = e.kpi_id
			AND (m.service_id = e.service_id OR m.service_id IS NULL AND e.service_id IS NULL)
			AND m.period = daterange(e.day, e.day + 1)
			AND coalesce(m.channel_id, 0) = coalesce(e.channel_id, 0)
			AND coalesce(m.stage_id, 0) = coalesce(e.stage_id, 0)
	)
	SELECT count(*) FROM chosen;
END;
COMMENT ON FUNCTION athar.refresh_observations(integer) IS
'Rebuilds the summaries of at most max_buckets days whose observations changed, and returns how many it rebuilt. Called by refresh_measurements().';

CREATE OR REPLACE FUNCTION athar.refresh_measurements(
	max_buckets integer DEFAULT 10000, OUT refreshed bigint, OUT remaining bigint, OUT broken text[])
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET jit = off
AS 'MODULE_PATHNAME', 'athar_refresh_measurements';
COMMENT ON FUNCTION athar.refresh_measurements(integer) IS
'Rebuilds the summaries of days that changed, at most max_buckets of them, from the observations and from the rows of attached tables themselves (a source that has to be read whole, as after attach_source(), counts once begun). Returns how many were rebuilt, how many are left, and which sources could not be read, with the reason (NULL where all could); those keep their figures and do not count as left. Call it again until none remain. Works in batches, shown in pg_stat_activity. Safe beside writers, which do not wait, and other refreshes, which do. 22023 for a max_buckets that is not above zero.';

-- Reading

CREATE OR REPLACE VIEW athar.measurement_rows WITH (security_invoker = true) AS
SELECT
	m.kpi_id,
	m.service_id,
	m.channel_id,
	m.stage_id,
	k.code::text AS kpi,
	k.kind,
	s.code::text AS service,
	c.code::text AS channel,
	t.code::text AS stage,
	m.basis,
	m.period,
	m.summary,
	m.numerator::double precision AS numerator,
	m.denominator::double precision AS denominator,
	m.origin,
	m.source
FROM athar.measurement AS m
JOIN athar.kpi AS k ON k.id = m.kpi_id
LEFT JOIN athar.service AS s ON s.id = m.service_id
LEFT JOIN athar.channel AS c ON c.id = m.channel_id
LEFT JOIN athar.stage AS t ON t.id = m.stage_id
WHERE NOT EXISTS (
	SELECT
	FROM athar.dirty_bucket AS d
	WHERE m.origin = 'observed'
		AND d.kpi_id = m.kpi_id
		AND d.day = lower(m.period)
		AND coalesce(d.service_id, 0) = coalesce(m.service_id, 0))
UNION ALL
SELECT
	b.kpi_id,
	b.service_id,
	f.channel_id,
	f.stage_id,
	k.code::text,
	k.kind,
	s.code::text,
	c.code::text,
	t.code::text,
	'day',
	daterange(b.day, b.day + 1),
	f.summary,
	f.numerator,
	f.denominator,
	'observed',
	NULL
FROM (SELECT DISTINCT d.kpi_id, d.service_id, d.day FROM athar.dirty_bucket AS d) AS b
JOIN athar.kpi AS k ON k.id = b.kpi_id
LEFT JOIN athar.service AS s ON s.id = b.service_id
CROSS JOIN LATERAL athar.observed_figures(b.kpi_id, b.service_id, b.day) AS f
LEFT JOIN athar.channel AS c ON c.id = f.channel_id
LEFT JOIN athar.stage AS t ON t.id = f.stage_id
UNION ALL
SELECT
	m.kpi_id,
	m.service_id,
	m.channel_id,
	m.stage_id,
	k.code::text,
	k.kind,
	m.service::text,
	m.channel::text,
	m.stage::text,
	'day',
	daterange(m.day, m.day + 1),
	m.summary,
	m.numerator,
	m.denominator,
	'observed',
	m.relation_name
FROM athar.source_measurements AS m
JOIN athar.kpi AS k ON k.id = m.kpi_id;
COMMENT ON VIEW athar.measurement_rows IS 'Every measurement as it is now, with ids and mergeable summaries: what is stored, but for days whose observations or source rows changed since, which are summarised on the fly. A day that comes from several sources has a row of each. For a few KPIs or services filter by constants, ids or codes: those reach the indexes, a join from outside does not';
COMMENT ON COLUMN athar.measurement_rows.kpi_id IS 'Internal key of the KPI';
COMMENT ON COLUMN athar.measurement_rows.service_id IS 'Internal key of the service; NULL for the whole';
COMMENT ON COLUMN athar.measurement_rows.channel_id IS 'Internal key of the channel; NULL for all channels together, or where it is not known';
COMMENT ON COLUMN athar.measurement_rows.stage_id IS 'Internal key of the stage; NULL for the whole journey, or where it is not known';
COMMENT ON COLUMN athar.measurement_rows.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.measurement_rows.kind IS 'How its values become a figure: mean, sum, ratio, likert or share_within';
COMMENT ON COLUMN athar.measurement_rows.service IS 'Code of the service';
COMMENT ON COLUMN athar.measurement_rows.channel IS 'Code of the channel';
COMMENT ON COLUMN athar.measurement_rows.stage IS 'Code of the stage';
COMMENT ON COLUMN athar.measurement_rows.basis IS 'How the period is cut; day where it was made from observations';
COMMENT ON COLUMN athar.measurement_rows.period IS 'The days it covers, [from, to)';
COMMENT ON COLUMN athar.measurement_rows.summary IS 'The values, summarised; NULL where only numerator and denominator are known';
COMMENT ON COLUMN athar.measurement_rows.numerator IS 'Numerator of a ratio; NULL where it was reported as a summary';
COMMENT ON COLUMN athar.measurement_rows.denominator IS 'Denominator of a ratio; NULL where it was reported as a summary';
COMMENT ON COLUMN athar.measurement_rows.origin IS 'reported: measured elsewhere; observed: made from observations or from the rows of a source';
COMMENT ON COLUMN athar.measurement_rows.source IS 'Where a reported figure comes from, in words; the table of a source';

CREATE OR REPLACE VIEW athar.measurements WITH (security_invoker = true) AS
SELECT
	r.kpi,
	r.service,
	r.channel,
	r.stage,
	r.basis,
	r.period,
	lower(r.period) AS period_start,
	upper(r.period) - 1 AS period_end,
	athar.n(r.summary) AS n,
	athar.measurement_value(r.kind, r.summary, r.numerator, r.denominator) AS value,
	athar.mean(r.summary) AS mean,
	athar.stddev(r.summary) AS stddev,
	athar.minimum(r.summary) AS minimum,
	athar.maximum(r.summary) AS maximum,
	athar.median(r.summary) AS median,
	r.origin,
	r.source
FROM athar.measurement_rows AS r;
COMMENT ON VIEW athar.measurements IS 'Every measurement, one row per KPI, service, channel, stage, basis, period and source; right at any moment, whether the refresh has run or not';
COMMENT ON COLUMN athar.measurements.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.measurements.service IS 'Code of the service; NULL for the whole';
COMMENT ON COLUMN athar.measurements.channel IS 'Code of the channel; NULL for all channels together, or where it is not known';
COMMENT ON COLUMN athar.measurements.stage IS 'Code of the stage of that service; NULL for the whole journey, or where it is not known';
COMMENT ON COLUMN athar.measurements.basis IS 'How the period is cut (quarter, year to June); day where it was made from observations';
COMMENT ON COLUMN athar.measurements.period IS 'The days it covers, [from, to)';
COMMENT ON COLUMN athar.measurements.period_start IS 'Its first day';
COMMENT ON COLUMN athar.measurements.period_end IS 'Its last day';
COMMENT ON COLUMN athar.measurements.n IS 'Number of values; NULL where only numerator and denominator are known';
COMMENT ON COLUMN athar.measurements.value IS 'The figure in the KPI''s unit: total of a sum, quotient of a ratio, otherwise the mean';
COMMENT ON COLUMN athar.measurements.mean IS 'Mean of the values';
COMMENT ON COLUMN athar.measurements.stddev IS 'Standard deviation of the values (n - 1); NULL below two values';
COMMENT ON COLUMN athar.measurements.minimum IS 'Smallest value; NULL where it is not known';
COMMENT ON COLUMN athar.measurements.maximum IS 'Largest value; NULL where it is not known';
COMMENT ON COLUMN athar.measurements.median IS 'Median of the values; NULL where their distribution is not known';
COMMENT ON COLUMN athar.measurements.origin IS 'reported: measured elsewhere; observed: made from observations or from the rows of a source';
COMMENT ON COLUMN athar.measurements.source IS 'Where a reported figure comes from, in words; the table of a source';
