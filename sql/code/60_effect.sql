-- 60 effect: did it help

CREATE OR REPLACE FUNCTION athar.period_figures(kpi_id integer, first_day date DEFAULT '-infinity', end_day date DEFAULT 'infinity')
RETURNS TABLE (service_id integer, basis text, starts_at timestamp, ends_at timestamp, value double precision, figures bigint)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 200
BEGIN ATOMIC
	SELECT
		m.service_id,
		coalesce(m.basis, ''),
		lower(m.period)::timestamp,
		upper(m.period)::timestamp,
		CASE WHEN bool_or(m.channel_id IS NULL) THEN
			athar.measurement_value(min(k.kind),
				athar.merge(m.summary) FILTER (WHERE m.channel_id IS NULL),
				sum(m.numerator) FILTER (WHERE m.channel_id IS NULL),
				sum(m.denominator) FILTER (WHERE m.channel_id IS NULL))
		ELSE
			-- what one channel counts another may give as numerator and denominator
			athar.measurement_value(min(k.kind), athar.merge(m.summary),
				sum(m.numerator) + coalesce(sum(athar.total(m.summary)) FILTER (WHERE m.denominator IS NULL), 0),
				sum(m.denominator) + coalesce(sum(athar.n(m.summary)) FILTER (WHERE m.denominator IS NULL), 0))
		END,
		coalesce(nullif(count(*) FILTER (WHERE m.channel_id IS NULL), 0), count(*))
	FROM athar.measurement AS m
	JOIN athar.kpi AS k ON k.id = m.kpi_id
	WHERE m.kpi_id = period_figures.kpi_id
		AND m.origin = 'reported'
		AND m.stage_id IS NULL
		-- by their first days, as the index has them
		AND m.period >= daterange(period_figures.first_day, period_figures.first_day + 1)
		AND m.period < daterange(period_figures.end_day, NULL)
	GROUP BY m.service_id, coalesce(m.basis, ''), m.period
	UNION ALL
	-- the days of attached tables; all channels and stages together
	SELECT
		m.service_id,
		'day',
		m.day::timestamp,
		(m.day + 1)::timestamp,
		athar.measurement_value(min(k.kind), athar.merge(m.summary), sum(m.numerator), sum(m.denominator)),
		count(*)
	FROM athar.source_measurements AS m
	JOIN athar.kpi AS k ON k.id = m.kpi_id
	WHERE m.kpi_id = period_figures.kpi_id
		AND m.day >= period_figures.first_day
		AND m.day <= period_figures.end_day
	GROUP BY m.service_id, m.day;
END;
COMMENT ON FUNCTION athar.period_figures(integer, date, date) IS
'The reported figures of a KPI whose periods begin within these days, one per service, basis and period, in the KPI''s own days: the figure for all channels together, or where none was reported the channels'' figures merged. Figures of single stages are left out. Of tables that the KPI is read from, one per service and day, on the basis day. figures: how many reported rows it was made of. No rows for an unknown id.';

CREATE OR REPLACE FUNCTION athar.compared_windows(left_at timestamp, resumed_at timestamp, span interval, season_matched boolean)
RETURNS TABLE (before_from timestamp, before_to timestamp, after_from timestamp, after_to timestamp)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT
		CASE WHEN compared_windows.season_matched THEN compared_windows.resumed_at - make_interval(years => n.years) ELSE compared_windows.left_at - compared_windows.span END,
		CASE WHEN compared_windows.season_matched THEN compared_windows.resumed_at + compared_windows.span - make_interval(years => n.years) ELSE compared_windows.left_at END,
		compared_windows.resumed_at,
		compared_windows.resumed_at + compared_windows.span
	FROM (SELECT extract(year FROM age(compared_windows.resumed_at + compared_windows.span, compared_windows.left_at))::integer) AS a (years)
	CROSS JOIN LATERAL (SELECT
		-- the fewest whole years by which the window after does not reach into what is left out
		a.years + (compared_windows.resumed_at + compared_windows.span - make_interval(years => a.years) > compared_windows.left_at)::integer) AS n (years);
END;
COMMENT ON FUNCTION athar.compared_windows(timestamp, timestamp, interval, boolean) IS
'The two windows of a comparison, each [from, to), local times, given where what is left out begins (the cutover) and ends (the washout): span before and span after it; season_matched: the window before is the window after, the fewest whole years earlier that end it before what is left out.';

CREATE OR REPLACE FUNCTION athar.period_points(
	kpi_id integer, service_ids integer[], cutover timestamp, span interval, washout interval, season_matched boolean)
RETURNS TABLE (
	service_id integer, basis text, is_chosen boolean, is_after boolean,
	starts_at timestamp, ends_at timestamp, value double precision, figures bigint)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 200
BEGIN ATOMIC
	WITH reach AS MATERIALIZED (
		-- what may be left out
		SELECT least(period_points.cutover, min(lower(m.period))::timestamp) AS starts_at, greatest(period_points.cutover + period_points.washout, max(upper(m.period))::timestamp) AS ends_at
		FROM athar.measurement AS m
		WHERE m.kpi_id = period_points.kpi_id
			AND (m.service_id = period_points.service_ids[1] OR m.service_id IS NULL AND period_points.service_ids[1] IS NULL)
			AND m.origin = 'reported'
			AND m.period && daterange(period_points.cutover::date, (period_points.cutover + period_points.washout)::date, '[]')
	), figure AS MATERIALIZED (
		SELECT f.service_id, f.basis, f.starts_at, f.ends_at, f.value, f.figures
		FROM reach AS l
		CROSS JOIN LATERAL athar.period_figures(period_points.kpi_id,
			-- like seasons end within the year before
			(l.starts_at - period_points.span - CASE WHEN period_points.season_matched THEN interval '1 year' ELSE interval '1 day' END)::date,
			(l.ends_at + period_points.span)::date) AS f
		WHERE f.value IS NOT NULL
			AND (f.service_id = ANY (period_points.service_ids) OR f.service_id IS NULL AND period_points.service_ids[1] IS NULL)
	), left_out AS (
		-- a period that holds the cutover or a part of the washout is neither before nor after
		SELECT
			f.basis,
			least(period_points.cutover, min(f.starts_at) FILTER (WHERE w.is_inside)) AS starts_at,
			greatest(period_points.cutover + period_points.washout, max(f.ends_at) FILTER (WHERE w.is_inside)) AS ends_at
		FROM figure AS f
		CROSS JOIN LATERAL (SELECT
			f.starts_at < period_points.cutover + period_points.washout AND f.ends_at > period_points.cutover) AS w (is_inside)
		WHERE f.service_id IS NOT DISTINCT FROM period_points.service_ids[1]
		GROUP BY f.basis
	), compared AS (
		SELECT
			f.service_id, f.basis, f.starts_at >= w.after_from AS is_after, f.starts_at, f.ends_at, f.value, f.figures,
			l.ends_at - l.starts_at AS left_out
		FROM left_out AS l
		CROSS JOIN LATERAL athar.compared_windows(l.starts_at, l.ends_at, period_points.span, period_points.season_matched) AS w
		JOIN figure AS f ON f.basis = l.basis
			AND (f.starts_at >= w.before_from AND f.ends_at <= w.before_to
				OR f.starts_at >= w.after_from AND f.ends_at <= w.after_to)
	), best AS (
		-- the basis with the most points on its poorer side, then the one that leaves least out
		SELECT c.basis
		FROM compared AS c
		WHERE c.service_id IS NOT DISTINCT FROM period_points.service_ids[1]
		GROUP BY c.basis, c.left_out
		ORDER BY least(count(*) FILTER (WHERE c.is_after), count(*) FILTER (WHERE NOT c.is_after)) DESC, count(*) DESC, c.left_out, c.basis
		LIMIT 1
	)
	SELECT c.service_id, c.basis, c.basis = b.basis, c.is_after, c.starts_at, c.ends_at, c.value, c.figures
	FROM compared AS c
	CROSS JOIN best AS b;
END;
COMMENT ON FUNCTION athar.period_points(integer, integer[], timestamp, interval, interval, boolean) IS
'The reported figures that are compared around a cutover, for several services in the windows of the first (a NULL id is the whole): one point per period of one basis, those that lie whole within the windows of compared_windows(). Left out is the washout and every period that holds the cutover or a part of the washout; a period that begins at the cutover is after it. The basis with the most points on its poorer side is the chosen one, and among equals the one that leaves least out. Times are local to the KPI''s zone; figures as in period_figures(). No rows where the first service has none.';

CREATE OR REPLACE FUNCTION athar.observed_points(
	kpi_id integer, service_ids integer[], before_from timestamp, before_to timestamp, after_from timestamp, after_to timestamp)
RETURNS TABLE (
	service_id integer, channel_id integer, is_after boolean, starts_at timestamp,
	summary athar.summary, numerator double precision, denominator double precision)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	WITH side AS (
		SELECT
			s.is_after,
			s.starts_at,
			s.ends_at,
			s.starts_at::date + (s.starts_at > s.starts_at::date)::integer AS first_day,
			s.ends_at::date AS end_day
		FROM (VALUES
			(false, observed_points.before_from, observed_points.before_to),
			(true, observed_points.after_from, observed_points.after_to)) AS s (is_after, starts_at, ends_at)
	), edge AS (
		-- the parts of days at the ends of a window; days that are whole are summarised already
		SELECT s.is_after, s.starts_at, least(s.first_day::timestamp, s.ends_at) AS ends_at
		FROM side AS s
		WHERE s.starts_at < s.first_day
		UNION ALL
		SELECT s.is_after, s.end_day::timestamp, s.ends_at
		FROM side AS s
		WHERE s.ends_at > s.end_day AND s.first_day <= s.end_day
	)
	SELECT r.service_id, r.channel_id, s.is_after, lower(r.period)::timestamp, r.summary, r.numerator, r.denominator
	FROM side AS s
	JOIN athar.measurement_rows AS r ON lower(r.period) >= s.first_day AND lower(r.period) < s.end_day
	WHERE r.kpi_id = observed_points.kpi_id
		AND (r.service_id = ANY (observed_points.service_ids) OR r.service_id IS NULL AND observed_points.service_ids[1] IS NULL)
		AND r.origin = 'observed'
		-- what the join says already, so that days outside are not summarised first
		AND lower(r.period) >= observed_points.before_from::date
		AND lower(r.period) <= observed_points.after_to::date
	UNION ALL
	SELECT o.service_id, o.channel_id, e.is_after, e.starts_at, o.summary, o.numerator, o.denominator
	FROM edge AS e
	JOIN athar.kpi AS k ON k.id = observed_points.kpi_id
	-- grouped within, so that nothing is read where there are no edges
	CROSS JOIN LATERAL (
		SELECT
			v.service_id,
			v.channel_id,
			CASE WHEN k.kind <> 'ratio' OR count(v.denominator) = 0 THEN
				athar.summarize(athar.observed_value(k.kind, k.time_limit, v.value))
			END AS summary,
			CASE WHEN k.kind = 'ratio' THEN sum(v.value::double precision) END AS numerator,
			CASE WHEN k.kind = 'ratio' THEN sum(coalesce(v.denominator, 1)::double precision) END AS denominator
		FROM athar.observation AS v
		WHERE v.kpi_id = k.id
			AND (v.service_id = ANY (observed_points.service_ids) OR v.service_id IS NULL AND observed_points.service_ids[1] IS NULL)
			-- where a local time comes twice its instant is a guess: the index looks three hours further, the filter decides
			AND v.observed_at >= e.starts_at AT TIME ZONE k.time_zone - interval '3 hours'
			AND v.observed_at < e.ends_at AT TIME ZONE k.time_zone + interval '3 hours'
			AND v.observed_at AT TIME ZONE k.time_zone >= e.starts_at
			AND v.observed_at AT TIME ZONE k.time_zone < e.ends_at
		GROUP BY v.service_id, v.channel_id) AS o;
END;
COMMENT ON FUNCTION athar.observed_points(integer, integer[], timestamp, timestamp, timestamp, timestamp) IS
'The single values of two windows, each [from, to) in the KPI''s zone, as mergeable parts: one row per service, channel and day, also per stage, and per part of a day where a window begins or ends within one. A NULL id as the first service is the values of no service. Ratio KPIs have numerator and denominator, and a summary only where no denominator was given. Whole days come from the daily summaries, so that a year of many values is read as a few hundred rows.';

CREATE OR REPLACE FUNCTION athar.ratio_values(
	kpi_id integer, service_id integer, before_from timestamp, before_to timestamp, after_from timestamp, after_to timestamp)
RETURNS TABLE (is_after boolean, value double precision)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	WITH counted AS MATERIALIZED (
		SELECT
			w.observed_at >= ratio_values.after_from AS is_after,
			o.value::double precision AS numerator,
			coalesce(o.denominator, 1)::double precision AS denominator
		FROM athar.kpi AS k
		JOIN athar.observation AS o ON o.kpi_id = k.id
		CROSS JOIN LATERAL (SELECT o.observed_at AT TIME ZONE k.time_zone) AS w (observed_at)
		WHERE k.id = ratio_values.kpi_id
			AND (o.service_id = ratio_values.service_id OR o.service_id IS NULL AND ratio_values.service_id IS NULL)
			AND o.observed_at >= ratio_values.before_from AT TIME ZONE k.time_zone - interval '3 hours'
			AND o.observed_at < ratio_values.after_to AT TIME ZONE k.time_zone + interval '3 hours'
			AND (w.observed_at >= ratio_values.before_from AND w.observed_at < ratio_values.before_to
				OR w.observed_at >= ratio_values.after_from AND w.observed_at < ratio_values.after_to)
	), total AS (
		SELECT c.is_after, sum(c.numerator) / sum(c.denominator) AS ratio, avg(c.denominator) AS mean_denominator
		FROM counted AS c
		GROUP BY c.is_after
	)
	SELECT c.is_after, t.ratio + (c.numerator - t.ratio * c.denominator) / t.mean_denominator
	FROM counted AS c
	JOIN total AS t ON t.is_after = c.is_after;
END;
COMMENT ON FUNCTION athar.ratio_values(integer, integer, timestamp, timestamp, timestamp, timestamp) IS
'The observations of a ratio KPI in two windows as values that can be averaged: R + (numerator - R denominator) / mean denominator, where R = sum of numerators / sum of denominators of the side. Their mean is R itself, never an average of ratios, and their spread gives the standard error of a ratio (Cochran 1977, Sampling Techniques, 6.3). Where every denominator is 1 they are the values.';

CREATE OR REPLACE FUNCTION athar.channel_parts(kpi_id integer, service_id integer, basis text, starts_at timestamp[], ends_at timestamp[], is_after boolean[])
RETURNS TABLE (channel_id integer, is_after boolean, starts_at timestamp, summary athar.summary, numerator double precision, denominator double precision)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 50
BEGIN ATOMIC
	WITH period AS MATERIALIZED (
		SELECT p.starts_at, p.is_after, daterange(p.starts_at::date, p.ends_at::date) AS days
		FROM unnest(channel_parts.starts_at, channel_parts.ends_at, channel_parts.is_after) AS p (starts_at, ends_at, is_after)
	), reported AS MATERIALIZED (
		SELECT m.channel_id, m.period, m.summary, m.numerator::double precision AS numerator, m.denominator::double precision AS denominator
		FROM athar.measurement AS m
		WHERE m.kpi_id = channel_parts.kpi_id
			AND (m.service_id = channel_parts.service_id OR m.service_id IS NULL AND channel_parts.service_id IS NULL)
			AND m.period >= (SELECT daterange(min(lower(p.days)), min(lower(p.days)) + 1) FROM period AS p)
			AND m.period < (SELECT daterange(max(upper(p.days)), NULL) FROM period AS p)
			AND m.origin = 'reported'
			AND m.stage_id IS NULL
			AND m.channel_id IS NOT NULL
			AND coalesce(m.basis, '') = channel_parts.basis
	)
	SELECT m.channel_id, p.is_after, p.starts_at, m.summary, m.numerator, m.denominator
	FROM period AS p
	JOIN reported AS m ON m.period = p.days
	UNION ALL
	-- of an attached table every row counts, also one of no known channel
	SELECT m.channel_id, p.is_after, p.starts_at, m.summary, m.numerator, m.denominator
	FROM period AS p
	JOIN athar.source_measurements AS m ON m.day = lower(p.days)
	WHERE channel_parts.basis = 'day'
		AND m.day >= (SELECT min(lower(p.days)) FROM period AS p)
		AND m.day <= (SELECT max(lower(p.days)) FROM period AS p)
		AND m.kpi_id = channel_parts.kpi_id
		AND (m.service_id = channel_parts.service_id OR m.service_id IS NULL AND channel_parts.service_id IS NULL);
END;
COMMENT ON FUNCTION athar.channel_parts(integer, integer, text, timestamp[], timestamp[], boolean[]) IS
'The figures of single channels in the periods given (their beginnings, ends and sides), for one service and basis: those reported by channel and, on the basis day, those of attached tables, a NULL channel included. No rows where nobody told channels apart.';

CREATE OR REPLACE FUNCTION athar.check_effect(kpi text, service text, cutover timestamptz, span interval, washout interval)
RETURNS void
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.fail('22023', 'an effect needs a KPI, a cutover and a span',
		'Nothing was measured.', 'Give all three; a span is the length compared on each side, such as ''1 year''.')
	WHERE check_effect.kpi IS NULL OR check_effect.cutover IS NULL OR check_effect.span IS NULL OR check_effect.washout IS NULL;
	-- in a statement of their own: over an empty table a condition is not looked at
	SELECT athar.kpi_id(check_effect.kpi), athar.service_id(check_effect.service);
	SELECT athar.fail('22023', 'the cutover of an effect must be a finite time',
		'Nothing was measured.', 'Give the moment at which people first met the change.')
	WHERE NOT isfinite(check_effect.cutover);
	SELECT athar.fail('22023', format('the span of an effect must be above zero, and its washout not below it: %s, %s', check_effect.span, check_effect.washout),
		'Nothing was measured.', 'Give the length compared on each side, such as ''1 year'', and the time left out after the cutover.')
	WHERE check_effect.span <= interval '0' OR check_effect.washout < interval '0';
	SELECT athar.fail('22023', 'an effect is measured within the years 1 to 9999, over at most 1000 years',
		'Nothing was measured.', 'Give a cutover, a span and a washout that people could have met.')
	WHERE check_effect.cutover < '0001-01-01 00:00:00+00' OR check_effect.cutover >= '10000-01-01 00:00:00+00'
		OR check_effect.span > interval '1000 years' OR check_effect.washout > interval '1000 years';
END;
COMMENT ON FUNCTION athar.check_effect(text, text, timestamptz, interval, interval) IS
'Raises what measure_effect() says of its arguments: 42704 for an unknown KPI or service, 22023 for one that is missing or beyond what can be measured.';

CREATE OR REPLACE FUNCTION athar.is_autocorrelated(before double precision[], after double precision[])
RETURNS boolean
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE WHEN n.points >= 8 THEN coalesce(r.r + (2 + 4 * r.r) / n.n > 1.645 / sqrt(n.n), false) END
	FROM (SELECT
		coalesce(cardinality(is_autocorrelated.before), 0) + coalesce(cardinality(is_autocorrelated.after), 0),
		least(coalesce(cardinality(is_autocorrelated.before), 0), coalesce(cardinality(is_autocorrelated.after), 0))) AS n (n, points)
	CROSS JOIN LATERAL (SELECT
		athar.mean((SELECT athar.summarize(v.value) FROM unnest(is_autocorrelated.before) AS v (value))),
		athar.mean((SELECT athar.summarize(v.value) FROM unnest(is_autocorrelated.after) AS v (value)))) AS m (before, after)
	CROSS JOIN LATERAL (SELECT athar.autocorrelation(
		-- with a missing point between the sides, which are no neighbours
		array_append(ARRAY(SELECT v.value - m.before FROM unnest(is_autocorrelated.before) WITH ORDINALITY AS v (value, place) ORDER BY v.place), NULL)
		|| ARRAY(SELECT v.value - m.after FROM unnest(is_autocorrelated.after) WITH ORDINALITY AS v (value, place) ORDER BY v.place))) AS r (r);
END;
COMMENT ON FUNCTION athar.is_autocorrelated(double precision[], double precision[]) IS
'Whether the points before and after a change, each in order of time, follow one another, so that a comparison that takes them as independent has too narrow an interval: r + (2 + 4 r) / n > 1.645 / sqrt(n), a one-sided test at 5 %, where r is the autocorrelation() around each side''s own mean, n the number of points of both, and the second term what r comes out too low by after two means were taken out (Kendall 1954). NULL with fewer than 8 points on a side, from which nobody can tell; false where nothing varies.';

CREATE OR REPLACE FUNCTION athar.judge_difference(evidence athar.evidence, kpi_id integer)
RETURNS TABLE (verdict text, flags text[])
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT
		CASE
			WHEN coalesce(e.verdict, 'insufficient_data') = 'insufficient_data' THEN 'insufficient_data'
			WHEN c.is_beyond THEN 'not_comparable'
			WHEN NOT c.is_clear OR g.gain = 0 OR abs(g.gain) < k.smallest_change THEN 'no_clear_change'
			WHEN g.gain > 0 THEN 'improved'
			ELSE 'worsened'
		END,
		array_remove(ARRAY[
			CASE WHEN e.verdict = 'no_variation' THEN 'no_variation' END,
			-- in numeric, where no product overflows or vanishes
			CASE WHEN e.before_mean::numeric * e.before_mean::numeric * e.before_n < 4 * e.before_sd::numeric * e.before_sd::numeric THEN 'base_near_zero' END,
			CASE WHEN c.is_beyond THEN 'out_of_range' END,
			CASE WHEN e.before_n > 1 AND e.after_n > 1 AND num_nulls(e.before_sd, e.after_sd) > 0 THEN 'spread_unknown' END,
			CASE WHEN c.is_clear AND g.gain <> 0 AND abs(g.gain) < k.smallest_change THEN 'below_smallest_change' END
		], NULL)
	FROM athar.kpi AS k
	CROSS JOIN LATERAL (SELECT (judge_difference.evidence).*) AS e
	CROSS JOIN LATERAL (SELECT CASE k.direction
		WHEN 'up' THEN e.difference
		WHEN 'down' THEN -e.difference
		ELSE CASE WHEN greatest(abs(e.before_mean), abs(e.after_mean), abs(k.desired_value)) < 8e307
			THEN abs(e.before_mean - k.desired_value) - abs(e.after_mean - k.desired_value) END
		END) AS g (gain)
	CROSS JOIN LATERAL (SELECT
		e.verdict IN ('increased', 'decreased') OR e.verdict = 'no_variation' AND e.difference <> 0,
		-- what has no size, or no interval, is not judged by its p alone
		e.verdict <> 'insufficient_data' AND (g.gain IS NULL OR e.verdict <> 'no_variation' AND num_nulls(e.ci_low, e.ci_high) > 0)
		) AS c (is_clear, is_beyond)
	WHERE k.id = judge_difference.kpi_id;
END;
COMMENT ON FUNCTION athar.judge_difference(athar.evidence, integer) IS
'The verdict on a comparison in the KPI''s direction (improved, worsened, no_clear_change, insufficient_data, not_comparable) and what casts doubt on it, as far as the comparison itself shows: the flags no_variation, base_near_zero, out_of_range, spread_unknown and below_smallest_change. No row for an unknown KPI.';

CREATE OR REPLACE FUNCTION athar.measure_effect(
	kpi text, service text, cutover timestamptz, span interval,
	washout interval DEFAULT '0', controls text[] DEFAULT NULL, season_matched boolean DEFAULT false)
RETURNS TABLE (
	before_n bigint, before_mean double precision, before_sd double precision, before_median double precision,
	after_n bigint, after_mean double precision, after_sd double precision, after_median double precision,
	difference double precision, percent_change double precision, ci_low double precision, ci_high double precision,
	t double precision, df double precision, p_value double precision, effect_size double precision,
	matched_difference double precision, mix_difference double precision,
	did_estimate double precision, did_ci_low double precision, did_ci_high double precision, did_p_value double precision,
	controls_used text[], flags text[], verdict text, matched_ci_low double precision, matched_ci_high double precision)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1
SET jit = off -- a few hundred points; what the planner supposes is far more
BEGIN ATOMIC
	SELECT athar.check_effect(measure_effect.kpi, measure_effect.service, measure_effect.cutover, measure_effect.span, measure_effect.washout);
	WITH subject AS MATERIALIZED (
		SELECT
			k.id AS kpi_id,
			k.kind,
			l.cutover,
			s.service_id,
			w.before_from,
			w.before_to,
			w.after_from,
			w.after_to
		FROM athar.kpi AS k
		CROSS JOIN LATERAL (SELECT measure_effect.cutover AT TIME ZONE k.time_zone) AS l (cutover)
		CROSS JOIN LATERAL (SELECT athar.service_id(measure_effect.service)) AS s (service_id)
		CROSS JOIN LATERAL athar.compared_windows(l.cutover, l.cutover + measure_effect.washout, measure_effect.span,
			coalesce(measure_effect.season_matched, false)) AS w
		WHERE k.id = athar.kpi_id(measure_effect.kpi)
	), control AS MATERIALIZED (
		SELECT athar.service_id(c.code) AS service_id
		FROM unnest(measure_effect.controls) AS c (code)
		UNION
		SELECT peer.id
		FROM subject AS u
		JOIN athar.service AS own ON own.id = u.service_id
		JOIN athar.service AS peer ON peer.unit_id = own.unit_id AND peer.id <> own.id
		WHERE measure_effect.controls IS NULL
	), named AS MATERIALIZED (
		SELECT u.service_id || ARRAY(SELECT c.service_id FROM control AS c WHERE c.service_id IS DISTINCT FROM u.service_id) AS service_ids
		FROM subject AS u
	), point AS MATERIALIZED (
		SELECT p.service_id IS NOT DISTINCT FROM u.service_id AS is_own, p.*
		FROM subject AS u
		CROSS JOIN named AS n
		CROSS JOIN LATERAL athar.period_points(u.kpi_id, n.service_ids, u.cutover, measure_effect.span, measure_effect.washout,
			coalesce(measure_effect.season_matched, false)) AS p
	), observed AS MATERIALIZED (
		SELECT o.service_id IS NOT DISTINCT FROM u.service_id AS is_own, o.*
		FROM subject AS u
		CROSS JOIN named AS n
		CROSS JOIN LATERAL athar.observed_points(u.kpi_id, n.service_ids, u.before_from, u.before_to, u.after_from, u.after_to) AS o
		WHERE NOT EXISTS (SELECT FROM point)
	), reported_side AS (
		SELECT
			athar.summarize(p.value) FILTER (WHERE NOT p.is_after) AS before,
			athar.summarize(p.value) FILTER (WHERE p.is_after) AS after,
			count(*) > 0 AS is_by_period,
			max(p.ends_at - p.starts_at) > 1.5 * min(p.ends_at - p.starts_at) AS is_unequal
		FROM point AS p
		WHERE p.is_own AND p.is_chosen
	), observed_side AS (
		SELECT
			athar.merge(o.summary) FILTER (WHERE NOT o.is_after) AS before,
			athar.merge(o.summary) FILTER (WHERE o.is_after) AS after,
			coalesce(bool_or(o.summary IS NULL), false) AS has_denominators
		FROM observed AS o
		WHERE o.is_own
	), ratio_side AS (
		SELECT
			athar.summarize(v.value) FILTER (WHERE NOT v.is_after) AS before,
			athar.summarize(v.value) FILTER (WHERE v.is_after) AS after
		FROM subject AS u
		CROSS JOIN LATERAL athar.ratio_values(u.kpi_id, u.service_id, u.before_from, u.before_to, u.after_from, u.after_to) AS v
		WHERE (SELECT s.has_denominators FROM observed_side AS s)
	), own AS (
		SELECT e AS evidence, r.is_by_period, r.is_unequal, s.has_denominators
		FROM reported_side AS r
		CROSS JOIN observed_side AS s
		CROSS JOIN ratio_side AS q
		CROSS JOIN LATERAL athar.compare(
			CASE WHEN r.is_by_period THEN r.before WHEN s.has_denominators THEN q.before ELSE s.before END,
			CASE WHEN r.is_by_period THEN r.after WHEN s.has_denominators THEN q.after ELSE s.after END) AS e
	), unit_figure AS (
		SELECT true AS is_own, NULL::integer AS service_id, (o.evidence).before_mean AS before, (o.evidence).after_mean AS after
		FROM own AS o
		UNION ALL
		SELECT false, p.service_id, athar.mean(athar.summarize(p.value) FILTER (WHERE NOT p.is_after)), athar.mean(athar.summarize(p.value) FILTER (WHERE p.is_after))
		FROM point AS p
		CROSS JOIN own AS o
		WHERE NOT p.is_own AND p.is_chosen
		GROUP BY p.service_id
		HAVING count(*) FILTER (WHERE p.is_after) = min((o.evidence).after_n)
			AND count(*) FILTER (WHERE NOT p.is_after) = min((o.evidence).before_n)
		UNION ALL
		-- means alone: summaries need not be merged for that
		SELECT
			false,
			o.service_id,
			athar.measurement_value('mean', NULL,
				sum(coalesce(o.numerator, athar.total(o.summary))) FILTER (WHERE NOT o.is_after),
				sum(coalesce(o.denominator, athar.n(o.summary))) FILTER (WHERE NOT o.is_after)),
			athar.measurement_value('mean', NULL,
				sum(coalesce(o.numerator, athar.total(o.summary))) FILTER (WHERE o.is_after),
				sum(coalesce(o.denominator, athar.n(o.summary))) FILTER (WHERE o.is_after))
		FROM observed AS o
		WHERE NOT o.is_own
		GROUP BY o.service_id
	), controlled AS (
		SELECT (c.evidence).estimate, (c.evidence).ci_low, (c.evidence).ci_high, (c.evidence).p_value, c.codes
		FROM (
			SELECT
				athar.difference_in_differences(v.value, coalesce(f.service_id::text, ''), f.is_own, v.is_after) AS evidence,
				array_agg(s.code::text ORDER BY s.code) FILTER (WHERE v.is_after AND NOT f.is_own) AS codes
			FROM unit_figure AS f
			LEFT JOIN athar.service AS s ON s.id = f.service_id
			CROSS JOIN LATERAL (VALUES (false, f.before), (true, f.after)) AS v (is_after, value)
			WHERE f.before IS NOT NULL AND f.after IS NOT NULL) AS c
		WHERE c.codes IS NOT NULL
	), part AS (
		-- a total has no mix: the totals of its channels add up to it
		SELECT c.channel_id, c.is_after, c.starts_at, c.summary, c.numerator, c.denominator
		FROM subject AS u
		CROSS JOIN (
			SELECT
				min(p.basis) AS basis,
				array_agg(p.starts_at) AS starts_at,
				array_agg(p.ends_at) AS ends_at,
				array_agg(p.is_after) AS is_after
			FROM point AS p
			WHERE p.is_own AND p.is_chosen) AS p
		CROSS JOIN LATERAL athar.channel_parts(u.kpi_id, u.service_id, p.basis, p.starts_at, p.ends_at, p.is_after) AS c
		WHERE u.kind <> 'sum'
		UNION ALL
		SELECT o.channel_id, o.is_after, NULL, o.summary, o.numerator, o.denominator
		FROM observed AS o
		CROSS JOIN subject AS u
		WHERE o.is_own AND u.kind <> 'sum'
	), cell AS (
		SELECT
			p.channel_id,
			p.is_after,
			athar.merge(p.summary) AS summary,
			bool_or(p.summary IS NULL) AS has_denominators,
			-- a denominator counts as a summary of ones does
			sum(coalesce(p.denominator, athar.n(p.summary))) AS weight,
			sum(coalesce(p.numerator, athar.total(p.summary))) AS numerator
		FROM part AS p
		GROUP BY p.channel_id, p.is_after, p.starts_at
	), stratum AS (
		SELECT
			c.channel_id,
			c.is_after,
			athar.merge(c.summary) AS summary,
			bool_or(c.has_denominators) AS has_denominators,
			sum(c.weight) AS weight,
			sum(c.numerator) AS numerator,
			count(*) AS periods,
			-- the error of a ratio whose units are the periods, as ratio_values() has it
			athar.stddev(athar.summarize(c.weight / c.whole_weight * c.periods * (c.value - c.mean))) / sqrt(count(*)) AS se
		FROM (
			SELECT
				c.*,
				count(*) OVER side AS periods,
				sum(c.weight) OVER side AS whole_weight,
				athar.measurement_value('mean', NULL, c.numerator, c.weight) AS value,
				athar.measurement_value('mean', NULL, sum(c.numerator) OVER side, sum(c.weight) OVER side) AS mean
			FROM cell AS c
			WINDOW side AS (PARTITION BY c.channel_id, c.is_after)) AS c
		GROUP BY c.channel_id, c.is_after
	), matched AS (
		SELECT
			(m.evidence).total_difference,
			(m.evidence).matched_difference,
			(m.evidence).mix_difference,
			CASE WHEN o.is_by_period THEN (m.evidence).matched_difference - h.half ELSE (m.evidence).ci_low END AS ci_low,
			CASE WHEN o.is_by_period THEN (m.evidence).matched_difference + h.half ELSE (m.evidence).ci_high END AS ci_high
		FROM (
			SELECT
				athar.compare_matched(
					CASE WHEN s.is_by_period OR s.has_any_denominators THEN
						athar.summary_of_moments(w.n, CASE WHEN s.has_any_denominators THEN s.numerator / s.weight ELSE athar.mean(s.summary) END,
							CASE WHEN s.is_by_period THEN s.se * sqrt(w.n) END)
					ELSE s.summary END, s.channel_id::text, s.is_after) AS evidence,
				min(s.periods) FILTER (WHERE s.sides = 2 AND s.channel_id IS NOT NULL) - 1 AS df
			FROM (
				SELECT t.*, o.is_by_period,
					count(*) OVER (PARTITION BY t.channel_id) AS sides,
					bool_or(t.has_denominators) OVER () AS has_any_denominators,
					max(t.weight) OVER () AS largest_weight
				FROM stratum AS t
				CROSS JOIN own AS o) AS s
			-- weights need not be whole numbers: the largest becomes 10^12 of them
			CROSS JOIN LATERAL (SELECT CASE WHEN s.has_any_denominators
				THEN greatest(round(s.weight / s.largest_weight * 1e12), 2)::bigint ELSE athar.n(s.summary) END) AS w (n)
			HAVING count(DISTINCT s.channel_id) > 1) AS m
		CROSS JOIN own AS o
		CROSS JOIN LATERAL (SELECT (m.evidence).se * athar.student_t_quantile(0.975, m.df)) AS h (half)
	), series AS (
		SELECT p.is_after, p.starts_at, p.value
		FROM point AS p
		WHERE p.is_own AND p.is_chosen
		UNION ALL
		SELECT o.is_after, o.starts_at, athar.measurement_value('mean', athar.merge(o.summary), sum(o.numerator), sum(o.denominator))
		FROM observed AS o
		WHERE o.is_own
		GROUP BY o.is_after, o.starts_at
	), noise AS (
		SELECT athar.is_autocorrelated(
			array_agg(p.value ORDER BY p.starts_at) FILTER (WHERE NOT p.is_after),
			array_agg(p.value ORDER BY p.starts_at) FILTER (WHERE p.is_after)) AS is_autocorrelated
		FROM series AS p
	), trend AS (
		SELECT abs(r.r) >= 1 - 1e-12 OR athar.student_t_p(
			r.r * sqrt((r.n - 2) / nullif(1 - r.r * r.r, 0)), r.n - 2) < 0.05 AS is_significant
		FROM (
			-- values from -1 to 1, so that no square leaves the range; this way round, lest a quotient vanish
			SELECT corr((p.value + p.size) / nullif(p.size, 0) - 1, extract(epoch FROM p.starts_at)) AS r, count(*) AS n
			FROM (
				SELECT p.starts_at, p.value - m.mean AS value, max(abs(p.value - m.mean)) OVER () AS size
				FROM series AS p
				CROSS JOIN (SELECT athar.mean(athar.summarize(s.value)) AS mean FROM series AS s WHERE NOT s.is_after) AS m
				WHERE NOT p.is_after
			) AS p
		) AS r
		WHERE r.n >= 4
	), other_action AS (
		-- one action of the day of the cutover is the one that is measured
		SELECT count(*) > count(*) FILTER (WHERE a.live_on = u.cutover::date)
			OR count(*) FILTER (WHERE a.live_on = u.cutover::date) > 1 AS is_overlapping
		FROM subject AS u
		JOIN athar.action AS a ON a.service_id = u.service_id
			AND a.removed_in_version IS NULL
			AND a.status <> 'cancelled'
			AND a.live_on >= u.before_from
			AND a.live_on < u.after_to
	), parted AS (
		SELECT EXISTS (
			SELECT
			FROM athar.measurement AS m
			WHERE m.kpi_id = u.kpi_id
				AND (m.service_id = u.service_id OR m.service_id IS NULL AND u.service_id IS NULL)
				AND m.origin = 'reported'
				AND m.stage_id IS NULL
				AND coalesce(m.basis, '') = (SELECT min(p.basis) FROM point AS p WHERE p.is_chosen)
				AND lower(m.period) < u.cutover
				AND upper(m.period) > u.cutover) AS is_parted
		FROM subject AS u
	), left_out AS (
		SELECT EXISTS (
			SELECT
			FROM athar.observation AS v
			WHERE v.kpi_id = u.kpi_id
				AND (v.service_id = u.service_id OR v.service_id IS NULL AND u.service_id IS NULL)
				AND v.observed_at >= u.before_from AT TIME ZONE k.time_zone
				AND v.observed_at < u.after_to AT TIME ZONE k.time_zone) AS has_values
		FROM subject AS u
		JOIN athar.kpi AS k ON k.id = u.kpi_id
	), judged AS (
		SELECT
			(o.evidence).*,
			o.is_by_period,
			o.is_unequal,
			o.has_denominators,
			g.flags AS own_flags,
			CASE
				WHEN (o.evidence).before_n = 0 AND EXISTS (SELECT FROM point AS p WHERE p.is_own AND NOT p.is_after)
					OR (o.evidence).after_n = 0 AND EXISTS (SELECT FROM point AS p WHERE p.is_own AND p.is_after) THEN 'not_comparable'
				ELSE g.verdict
			END AS conclusion
		FROM own AS o
		CROSS JOIN subject AS u
		CROSS JOIN LATERAL athar.judge_difference(o.evidence, u.kpi_id) AS g
	)
	SELECT
		j.before_n, j.before_mean, j.before_sd,
		CASE WHEN NOT j.has_denominators THEN j.before_median END,
		j.after_n, j.after_mean, j.after_sd,
		CASE WHEN NOT j.has_denominators THEN j.after_median END,
		j.difference, j.percent_change, j.ci_low, j.ci_high,
		j.t, j.df, j.p_value, j.effect_size,
		m.matched_difference, m.mix_difference,
		d.estimate, d.ci_low, d.ci_high, d.p_value,
		coalesce(d.codes, '{}'),
		array_remove(ARRAY[
			CASE WHEN j.is_by_period THEN 'by_period' END,
			CASE WHEN j.is_by_period AND l.has_values THEN 'values_left_out' END,
			CASE WHEN w.is_parted THEN 'cutover_within_period' END,
			CASE WHEN measure_effect.span < interval '1 year' AND measure_effect.season_matched IS NOT TRUE THEN 'season_not_covered' END,
			CASE WHEN j.is_by_period AND (j.before_n <> j.after_n OR j.is_unequal) THEN 'unequal_periods' END
		], NULL) || j.own_flags || array_remove(ARRAY[
			CASE WHEN sign(m.total_difference) * sign(m.matched_difference) < 0 THEN 'mix_reverses' END,
			CASE WHEN n.is_autocorrelated THEN 'autocorrelated' END,
			-- it is the interval that it casts doubt on
			CASE WHEN n.is_autocorrelated IS NULL AND j.p_value IS NOT NULL THEN 'autocorrelation_unknown' END,
			CASE WHEN r.is_significant THEN 'trend_before' END,
			CASE WHEN a.is_overlapping THEN 'overlapping_actions' END,
			CASE WHEN j.conclusion IN ('improved', 'worsened') AND cardinality(d.codes) > 1
				AND NOT coalesce(d.ci_low > 0 OR d.ci_high < 0, d.estimate <> 0) THEN 'not_beyond_controls' END
		], NULL),
		j.conclusion,
		m.ci_low, m.ci_high
	FROM judged AS j
	CROSS JOIN noise AS n
	CROSS JOIN other_action AS a
	CROSS JOIN parted AS w
	CROSS JOIN left_out AS l
	LEFT JOIN matched AS m ON true
	LEFT JOIN trend AS r ON true
	LEFT JOIN controlled AS d ON true;
END;
COMMENT ON FUNCTION athar.measure_effect(text, text, timestamptz, interval, interval, text[], boolean) IS
'Before and after for one KPI and service (NULL: the whole) around a cutover: one row, always.
span: the length compared on each side; washout: the time left out after the cutover. Where figures are reported one point per period counts (flag by_period), otherwise every observation; a period that holds the cutover or a part of the washout is left out, one that begins at the cutover is after it. Observations of a ratio KPI are compared as sum of numerators over sum of denominators (ratio_values()), those of kind sum by their mean, for single values have no common total.
season_matched: the window before is the same days of the calendar as the window after, one or more whole years earlier (as few as keep it before the cutover), so that a span below a year compares like seasons; NULL is false.
difference, ci_low, ci_high, t, df, p_value, effect_size: Welch''s comparison of the points, as compare() gives it.
matched_difference: what changed within channels; mix_difference: what only another mix of channels did (compare_matched()). Together they are the change of the pooled figure, in which each period counts with its number of cases; where there are several periods that is not quite difference, in which each counts once. NULL for kind sum and with fewer than two channels known; reported figures count as far as they were reported by channel, rows of attached tables all. matched_ci_low, matched_ci_high: its 95 % interval; of single values as compare_matched() has it, by period from how the periods of a channel differ (the error of a ratio, Cochran 1977, 6.3) with the degrees of freedom of the channel with the fewest; NULL with one period on a side and for single values with denominators.
controls: codes of the services compared with; NULL: all others of the same unit; ''{}'': none. Only those with as many periods on both sides as the service itself are used. did_estimate: the difference minus the mean difference of the controls, as difference_in_differences() has it, paired by service: its interval and p measure it against the spread of the controls'' own differences with k - 1 degrees of freedom, as one member against k others (Crawford and Howell 1998; the single treated unit of Conley and Taber 2011); NULL with fewer than two controls.
flags: by_period, values_left_out (single values were recorded in the same time, beside reported figures or those of an attached table), cutover_within_period (that period was left out; a bare date is midnight in the session''s zone, which may not be the KPI''s), season_not_covered (span below a year, and not season_matched), unequal_periods, no_variation, base_near_zero, out_of_range (too large for difference or interval to be computed), spread_unknown, below_smallest_change, mix_reverses (the pooled change has the opposite sign of the change within channels), autocorrelated (is_autocorrelated(): the interval is too narrow) or autocorrelation_unknown (there is an interval, and fewer than 8 points on a side to tell), trend_before (it was already moving), these judged by periods or, for single values, by days; overlapping_actions (another action on the service went live in the time compared), not_beyond_controls (clear, but so were the controls'' changes). Stored measurements have late_data as well, see measure_effects().
verdict, in the KPI''s direction and never from p alone: improved, worsened, no_clear_change, insufficient_data (fewer than two points on a side), not_comparable (figures on both sides, but never on the same basis; or out_of_range).
Errors: 42704 unknown KPI, service or control; 22023 for a missing argument, an endless cutover, a span not above zero, a negative washout, and what lies beyond the years 1 to 9999.';
