-- 60 effect: did it help

CREATE OR REPLACE FUNCTION athar.period_figures(kpi_id integer)
RETURNS TABLE (service_id integer, basis text, starts_at timestamp, ends_at timestamp, value double precision)
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
			athar.measurement_value(min(k.kind), athar.merge(m.summary), sum(m.numerator), sum(m.denominator))
		END
	FROM athar.measurement AS m
	JOIN athar.kpi AS k ON k.id = m.kpi_id
	WHERE m.kpi_id = period_figures.kpi_id
		AND m.origin = 'reported'
		AND m.stage_id IS NULL
	GROUP BY m.service_id, coalesce(m.basis, ''), m.period;
END;
COMMENT ON FUNCTION athar.period_figures(integer) IS
'The reported figures of a KPI, one per service, basis and period, in the KPI''s own days: the figure for all channels together, or where none was reported the channels'' figures merged. Figures of single stages are left out. No rows for an unknown id.';

CREATE OR REPLACE FUNCTION athar.effect_points(
	kpi_id integer, service_ids integer[], cutover timestamp, span interval, washout interval)
RETURNS TABLE (service_id integer, basis text, is_chosen boolean, is_after boolean, starts_at timestamp, ends_at timestamp, value double precision)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 200
BEGIN ATOMIC
	WITH figure AS MATERIALIZED (
		SELECT f.service_id, f.basis, f.starts_at, f.ends_at, f.value
		FROM athar.period_figures(effect_points.kpi_id) AS f
		WHERE f.value IS NOT NULL
			AND array_position(effect_points.service_ids, f.service_id) IS NOT NULL
	), left_out AS (
		-- a period that holds the cutover or a part of the washout is neither before nor after
		SELECT
			f.basis,
			least(effect_points.cutover, min(f.starts_at) FILTER (WHERE w.is_inside)) AS starts_at,
			greatest(effect_points.cutover + effect_points.washout, max(f.ends_at) FILTER (WHERE w.is_inside)) AS ends_at
		FROM figure AS f
		CROSS JOIN LATERAL (SELECT
			f.starts_at < effect_points.cutover + effect_points.washout AND f.ends_at > effect_points.cutover) AS w (is_inside)
		WHERE f.service_id IS NOT DISTINCT FROM effect_points.service_ids[1]
		GROUP BY f.basis
	), compared AS (
		SELECT
			f.service_id, f.basis, f.starts_at >= l.ends_at AS is_after, f.starts_at, f.ends_at, f.value,
			l.ends_at - l.starts_at AS left_out
		FROM left_out AS l
		JOIN figure AS f ON f.basis = l.basis
			AND (f.starts_at >= l.starts_at - effect_points.span AND f.ends_at <= l.starts_at
				OR f.starts_at >= l.ends_at AND f.ends_at <= l.ends_at + effect_points.span)
	), best AS (
		-- the basis with the most points on its poorer side, then the one that leaves least out
		SELECT c.basis
		FROM compared AS c
		WHERE c.service_id IS NOT DISTINCT FROM effect_points.service_ids[1]
		GROUP BY c.basis, c.left_out
		ORDER BY least(count(*) FILTER (WHERE c.is_after), count(*) FILTER (WHERE NOT c.is_after)) DESC, count(*) DESC, c.left_out, c.basis
		LIMIT 1
	), observed AS (
		SELECT
			o.service_id,
			NULL::text AS basis,
			w.observed_at >= effect_points.cutover AS is_after,
			w.observed_at AS starts_at,
			w.observed_at AS ends_at,
			athar.observed_value(k.kind, k.time_limit, o.value / coalesce(o.denominator, 1)) AS value
		FROM athar.kpi AS k
		JOIN athar.observation AS o ON o.kpi_id = k.id
		CROSS JOIN LATERAL (SELECT o.observed_at AT TIME ZONE k.time_zone) AS w (observed_at)
		WHERE k.id = effect_points.kpi_id
			AND NOT EXISTS (SELECT FROM best)
			AND (o.service_id = ANY (effect_points.service_ids) OR o.service_id IS NULL AND effect_points.service_ids[1] IS NULL)
			AND o.observed_at >= (effect_points.cutover - effect_points.span) AT TIME ZONE k.time_zone
			AND o.observed_at < (effect_points.cutover + effect_points.washout + effect_points.span) AT TIME ZONE k.time_zone
			AND (w.observed_at < effect_points.cutover OR w.observed_at >= effect_points.cutover + effect_points.washout)
	)
	SELECT c.service_id, c.basis, c.basis = b.basis, c.is_after, c.starts_at, c.ends_at, c.value
	FROM compared AS c
	CROSS JOIN best AS b
	UNION ALL
	SELECT o.service_id, o.basis, true, o.is_after, o.starts_at, o.ends_at, o.value
	FROM observed AS o;
END;
COMMENT ON FUNCTION athar.effect_points(integer, integer[], timestamp, interval, interval) IS
'The points that are compared around a cutover, for several services in the windows of the first (a NULL id is the whole). Where figures are reported: one point per period of one basis, those that lie whole within span before or within span after the time left out; left out is the washout and every period that holds the cutover or a part of the washout, and a period that begins at the cutover is after it. The basis with the most points on its poorer side is the chosen one, and among equals the one that leaves least out. Otherwise, with basis NULL: the single observations. Times are local to the KPI''s zone.';

CREATE OR REPLACE FUNCTION athar.measure_effect(
	kpi text, service text, cutover timestamptz, span interval,
	washout interval DEFAULT '0', controls text[] DEFAULT NULL)
RETURNS TABLE (
	before_n bigint, before_mean double precision, before_sd double precision, before_median double precision,
	after_n bigint, after_mean double precision, after_sd double precision, after_median double precision,
	difference double precision, percent_change double precision, ci_low double precision, ci_high double precision,
	t double precision, df double precision, p_value double precision, effect_size double precision,
	matched_difference double precision, mix_difference double precision,
	did_estimate double precision, did_ci_low double precision, did_ci_high double precision, did_p_value double precision,
	controls_used text[], flags text[], verdict text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1
SET jit = off -- a few hundred points; what the planner supposes is far more
BEGIN ATOMIC
	SELECT athar.fail('22023', 'an effect needs a KPI, a cutover and a span',
		'Nothing was measured.', 'Give all three; a span is the length compared on each side, such as ''1 year''.')
	WHERE measure_effect.kpi IS NULL OR measure_effect.cutover IS NULL OR measure_effect.span IS NULL OR measure_effect.washout IS NULL;
	-- in a statement of their own: over an empty table a condition is not looked at
	SELECT athar.kpi_id(measure_effect.kpi), athar.service_id(measure_effect.service);
	SELECT athar.fail('22023', 'the cutover of an effect must be a finite time',
		'Nothing was measured.', 'Give the moment at which people first met the change.')
	WHERE NOT isfinite(measure_effect.cutover);
	SELECT athar.fail('22023', format('the span of an effect must be above zero, and its washout not below it: %s, %s', measure_effect.span, measure_effect.washout),
		'Nothing was measured.', 'Give the length compared on each side, such as ''1 year'', and the time left out after the cutover.')
	WHERE measure_effect.span <= interval '0' OR measure_effect.washout < interval '0';

	SELECT athar.fail('22023', 'an effect is measured within the years 1 to 9999, over at most 1000 years',
		'Nothing was measured.', 'Give a cutover, a span and a washout that people could have met.')
	WHERE measure_effect.cutover < '0001-01-01 00:00:00+00' OR measure_effect.cutover >= '10000-01-01 00:00:00+00'
		OR measure_effect.span > interval '1000 years' OR measure_effect.washout > interval '1000 years';

	WITH subject AS MATERIALIZED (
		SELECT
			k.id AS kpi_id,
			k.direction,
			k.desired_value,
			coalesce(k.smallest_change, 0) AS smallest_change,
			measure_effect.cutover AT TIME ZONE k.time_zone AS cutover,
			athar.service_id(measure_effect.service) AS service_id
		FROM athar.kpi AS k
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
	), point AS MATERIALIZED (
		SELECT e.service_id IS NOT DISTINCT FROM u.service_id AS is_own, e.*
		FROM subject AS u
		CROSS JOIN LATERAL athar.effect_points(u.kpi_id,
			u.service_id || ARRAY(SELECT c.service_id FROM control AS c WHERE c.service_id IS DISTINCT FROM u.service_id),
			u.cutover, measure_effect.span, measure_effect.washout) AS e
	), own AS (
		SELECT e.*, g.is_by_period, g.is_unequal
		FROM (
			SELECT
				coalesce(athar.summarize(p.value) FILTER (WHERE NOT p.is_after), athar.summary_of('{}', '{}')) AS before,
				coalesce(athar.summarize(p.value) FILTER (WHERE p.is_after), athar.summary_of('{}', '{}')) AS after,
				bool_or(p.basis IS NOT NULL) AS is_by_period,
				max(p.ends_at - p.starts_at) > 1.5 * min(p.ends_at - p.starts_at) AS is_unequal
			FROM point AS p
			WHERE p.is_own AND p.is_chosen
		) AS g
		CROSS JOIN LATERAL athar.compare(g.before, g.after) AS e
	), control_change AS (
		SELECT
			p.service_id,
			avg(p.value) FILTER (WHERE p.is_after) - avg(p.value) FILTER (WHERE NOT p.is_after) AS change
		FROM point AS p
		CROSS JOIN own AS o
		WHERE NOT p.is_own AND p.is_chosen
		GROUP BY p.service_id
		HAVING CASE WHEN bool_or(p.basis IS NOT NULL)
			THEN count(*) FILTER (WHERE p.is_after) = min(o.after_n) AND count(*) FILTER (WHERE NOT p.is_after) = min(o.before_n)
			ELSE bool_or(p.is_after) AND bool_or(NOT p.is_after) END
	), controlled AS (
		-- the spread of the controls' own changes is the yardstick: one service of a population against the others
		SELECT
			o.difference - avg(c.change) AS estimate,
			nullif(stddev_samp(c.change), 0) * sqrt(1 + 1.0::double precision / count(*)) AS se,
			count(*) - 1 AS df,
			array_agg(s.code::text ORDER BY s.code) AS codes
		FROM control_change AS c
		JOIN athar.service AS s ON s.id = c.service_id
		CROSS JOIN own AS o
		GROUP BY o.difference
	), noise AS (
		SELECT
			sum(r.residual * r.last_residual) / nullif(sum(r.residual * r.residual), 0) > 1.96 / sqrt(nullif(count(*), 0)) AS is_autocorrelated
		FROM (
			SELECT
				p.value - CASE WHEN p.is_after THEN o.after_mean ELSE o.before_mean END AS residual,
				lag(p.value - CASE WHEN p.is_after THEN o.after_mean ELSE o.before_mean END) OVER (PARTITION BY p.is_after ORDER BY p.starts_at) AS last_residual
			FROM point AS p
			CROSS JOIN own AS o
			WHERE p.is_own AND p.is_chosen AND o.is_by_period
		) AS r
	), trend AS (
		SELECT abs(r.r) >= 1 - 1e-12 OR athar.student_t_p(
			r.r * sqrt((r.n - 2) / nullif(1 - r.r * r.r, 0)), r.n - 2) < 0.05 AS is_significant
		FROM (
			SELECT corr(p.value, extract(epoch FROM p.starts_at)) AS r, count(*) AS n
			FROM point AS p
			CROSS JOIN own AS o
			WHERE p.is_own AND p.is_chosen AND NOT p.is_after AND o.is_by_period
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
			AND a.live_on >= u.cutover - measure_effect.span
			AND a.live_on < u.cutover + measure_effect.washout + measure_effect.span
	), parted AS (
		SELECT EXISTS (
			SELECT
			FROM athar.period_figures(u.kpi_id) AS f
			WHERE f.service_id IS NOT DISTINCT FROM u.service_id
				AND f.basis = (SELECT min(p.basis) FROM point AS p WHERE p.is_chosen)
				AND f.starts_at < u.cutover
				AND f.ends_at > u.cutover) AS is_parted
		FROM subject AS u
	), judged AS (
		SELECT
			o.*,
			CASE u.direction
				WHEN 'up' THEN o.difference
				WHEN 'down' THEN -o.difference
				ELSE abs(o.before_mean - u.desired_value) - abs(o.after_mean - u.desired_value)
			END AS gain,
			u.smallest_change,
			o.verdict IN ('increased', 'decreased') OR o.verdict = 'no_variation' AND o.difference <> 0 AS is_clear,
			o.before_n = 0 AND EXISTS (SELECT FROM point AS p WHERE p.is_own AND NOT p.is_after)
				OR o.after_n = 0 AND EXISTS (SELECT FROM point AS p WHERE p.is_own AND p.is_after) AS is_not_comparable
		FROM own AS o
		CROSS JOIN subject AS u
	), concluded AS (
		SELECT
			CASE
				WHEN j.is_not_comparable THEN 'not_comparable'
				WHEN j.verdict = 'insufficient_data' THEN 'insufficient_data'
				WHEN NOT j.is_clear OR abs(j.gain) < j.smallest_change OR j.gain = 0 THEN 'no_clear_change'
				WHEN j.gain > 0 THEN 'improved'
				ELSE 'worsened'
			END AS conclusion
		FROM judged AS j
	)
	SELECT
		j.before_n, j.before_mean, j.before_sd, j.before_median,
		j.after_n, j.after_mean, j.after_sd, j.after_median,
		j.difference, j.percent_change, j.ci_low, j.ci_high,
		j.t, j.df, j.p_value, j.effect_size,
		NULL::double precision, NULL::double precision,
		d.estimate,
		d.estimate - d.se * athar.student_t_quantile(0.975, nullif(d.df, 0)),
		d.estimate + d.se * athar.student_t_quantile(0.975, nullif(d.df, 0)),
		athar.student_t_p(d.estimate / d.se, nullif(d.df, 0)),
		coalesce(d.codes, '{}'),
		array_remove(ARRAY[
			CASE WHEN j.is_by_period THEN 'by_period' END,
			CASE WHEN w.is_parted THEN 'cutover_within_period' END,
			CASE WHEN measure_effect.span < interval '1 year' THEN 'season_not_covered' END,
			CASE WHEN j.is_by_period AND (j.before_n <> j.after_n OR j.is_unequal) THEN 'unequal_periods' END,
			CASE WHEN j.verdict = 'no_variation' THEN 'no_variation' END,
			CASE WHEN abs(j.before_mean) < 2 * j.before_sd / sqrt(nullif(j.before_n, 0)) THEN 'base_near_zero' END,
			CASE WHEN n.is_autocorrelated THEN 'autocorrelated' END,
			CASE WHEN r.is_significant THEN 'trend_before' END,
			CASE WHEN a.is_overlapping THEN 'overlapping_actions' END,
			CASE WHEN c.conclusion = 'no_clear_change' AND j.is_clear AND abs(j.gain) < j.smallest_change THEN 'below_smallest_change' END,
			CASE WHEN c.conclusion IN ('improved', 'worsened') AND d.df > 0
				AND NOT coalesce(abs(d.estimate) > d.se * athar.student_t_quantile(0.975, nullif(d.df, 0)), d.estimate <> 0)
				THEN 'not_beyond_controls' END
		], NULL),
		c.conclusion
	FROM judged AS j
	CROSS JOIN concluded AS c
	CROSS JOIN noise AS n
	CROSS JOIN other_action AS a
	CROSS JOIN parted AS w
	LEFT JOIN trend AS r ON true
	LEFT JOIN controlled AS d ON true;
END;
COMMENT ON FUNCTION athar.measure_effect(text, text, timestamptz, interval, interval, text[]) IS
'Before and after for one KPI and service (NULL: the whole) around a cutover: one row, always.
span: the length compared on each side; washout: the time left out after the cutover. Where figures are reported one point per period counts (flag by_period), otherwise every observation; a period that holds the cutover or a part of the washout is left out, one that begins at the cutover is after it.
difference, ci_low, ci_high, t, df, p_value, effect_size: Welch''s comparison of the points, as compare() gives it.
controls: codes of the services compared with; NULL: all others of the same unit; ''{}'': none. Only those with as many periods on both sides as the service itself are used. did_estimate: the difference minus the mean difference of the controls; its interval and p measure it against the spread of the controls'' own differences with k - 1 degrees of freedom, as one member against k others (Crawford and Howell 1998; the single treated unit of Conley and Taber 2011); NULL with fewer than two controls.
matched_difference and mix_difference are NULL as long as figures are not compared by channel.
flags: by_period, cutover_within_period (that period was left out; a bare date is midnight in the session''s zone, which may not be the KPI''s), season_not_covered (span below a year), unequal_periods, no_variation, base_near_zero, autocorrelated (the interval is then too narrow), trend_before (it was already moving), overlapping_actions (another action on the service went live in the time compared), below_smallest_change, not_beyond_controls (clear, but so were the controls'' changes).
verdict, in the KPI''s direction and never from p alone: improved, worsened, no_clear_change, insufficient_data (fewer than two points on a side), not_comparable (figures on both sides, but never on the same basis).
Errors: 42704 unknown KPI, service or control; 22023 for a missing argument, an endless cutover, a span not above zero, a negative washout.';

CREATE OR REPLACE FUNCTION athar.sync_effects(action_ids integer[])
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH named AS MATERIALIZED (
		SELECT
			a.id AS action_id,
			k.id AS kpi_id,
			e.named ->> 'target' AS target,
			(e.named ->> 'span')::interval AS span,
			(e.named ->> 'washout')::interval AS washout,
			CASE WHEN jsonb_typeof(e.named -> 'controls') = 'array'
				THEN ARRAY(SELECT c.code FROM jsonb_array_elements_text(e.named -> 'controls') AS c (code)) END AS controls
		FROM athar.action AS a
		JOIN athar.plan_item AS i ON i.project_id = a.project_id AND i.revision = a.revision
		CROSS JOIN LATERAL jsonb_array_elements(athar.list_of(i.document, 'kpis')) AS e (named)
		JOIN athar.kpi AS k ON k.code = e.named ->> 'kpi'
		WHERE a.id = ANY (sync_effects.action_ids)
	), withdrawn AS (
		UPDATE athar.effect AS e
		SET is_withdrawn = true
		WHERE e.action_id = ANY (sync_effects.action_ids)
			AND NOT e.is_withdrawn
			AND NOT EXISTS (SELECT FROM named AS n WHERE n.action_id = e.action_id AND n.kpi_id = e.kpi_id)
	)
	INSERT INTO athar.effect AS e (action_id, kpi_id, target, span, washout, controls)
	SELECT n.action_id, n.kpi_id, n.target, n.span, n.washout, n.controls
	FROM named AS n
	ON CONFLICT (action_id, kpi_id) DO UPDATE
	SET target = excluded.target, span = excluded.span, washout = excluded.washout, controls = excluded.controls, is_withdrawn = false
	WHERE (e.target, e.span, e.washout, e.controls, e.is_withdrawn)
		IS DISTINCT FROM (excluded.target, excluded.span, excluded.washout, excluded.controls, false);
END;
COMMENT ON FUNCTION athar.sync_effects(integer[]) IS
'Makes the effects of these actions what their plan items name in kpis; one that is no longer named is kept and marked as withdrawn. Called by the trigger on action.';

CREATE OR REPLACE FUNCTION athar.follow_actions()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_follow_actions';
COMMENT ON FUNCTION athar.follow_actions() IS 'Trigger: brings the effects of the actions that a statement wrote in line with their plan items';

CREATE OR REPLACE TRIGGER follow_actions_inserted
	AFTER INSERT ON athar.action
	REFERENCING NEW TABLE AS new_actions
	FOR EACH STATEMENT EXECUTE FUNCTION athar.follow_actions();
COMMENT ON TRIGGER follow_actions_inserted ON athar.action IS 'Makes the effects of new actions';

CREATE OR REPLACE TRIGGER follow_actions_updated
	AFTER UPDATE ON athar.action
	REFERENCING NEW TABLE AS new_actions
	FOR EACH STATEMENT EXECUTE FUNCTION athar.follow_actions();
COMMENT ON TRIGGER follow_actions_updated ON athar.action IS 'Brings the effects of changed actions up to date';

CREATE OR REPLACE FUNCTION athar.measure_effects(project text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.project_id(measure_effects.project);
	WITH measured AS (
		SELECT e.id AS effect_id, w.cutover, w.span, w.washout, m.*
		FROM athar.effect AS e
		JOIN athar.action AS a ON a.id = e.action_id
		JOIN athar.project AS p ON p.id = a.project_id
		JOIN athar.kpi AS k ON k.id = e.kpi_id
		LEFT JOIN athar.service AS s ON s.id = a.service_id
		CROSS JOIN LATERAL (SELECT
			a.live_on::timestamp AT TIME ZONE k.time_zone,
			coalesce(e.span, interval '1 year'),
			coalesce(e.washout, interval '0')) AS w (cutover, span, washout)
		CROSS JOIN LATERAL athar.measure_effect(k.code, s.code, w.cutover, w.span, w.washout, e.controls) AS m
		WHERE (measure_effects.project IS NULL OR p.code = measure_effects.project)
			AND NOT e.is_withdrawn
			AND a.removed_in_version IS NULL
			AND a.status <> 'cancelled'
			AND w.cutover <= now()
	), added AS (
		INSERT INTO athar.effect_measurement (
			effect_id, measured_at, cutover, span, washout,
			before_n, before_mean, before_sd, before_median, after_n, after_mean, after_sd, after_median,
			difference, percent_change, ci_low, ci_high, t, df, p_value, effect_size,
			matched_difference, mix_difference, did_estimate, did_ci_low, did_ci_high, did_p_value,
			controls_used, flags, verdict)
		SELECT
			m.effect_id, clock_timestamp(), m.cutover, m.span, m.washout,
			m.before_n, m.before_mean, m.before_sd, m.before_median, m.after_n, m.after_mean, m.after_sd, m.after_median,
			m.difference, m.percent_change, m.ci_low, m.ci_high, m.t, m.df, m.p_value, m.effect_size,
			m.matched_difference, m.mix_difference, m.did_estimate, m.did_ci_low, m.did_ci_high, m.did_p_value,
			m.controls_used, m.flags, m.verdict
		FROM measured AS m
		WHERE NOT EXISTS (
			SELECT
			FROM athar.effect_measurement AS l
			WHERE l.effect_id = m.effect_id
				AND l.id = (SELECT max(n.id) FROM athar.effect_measurement AS n WHERE n.effect_id = m.effect_id)
				AND (l.cutover, l.span, l.washout, l.before_n, l.before_mean, l.before_sd, l.after_n, l.after_mean, l.after_sd,
					l.did_estimate, l.controls_used, l.flags, l.verdict)
				IS NOT DISTINCT FROM (m.cutover, m.span, m.washout, m.before_n, m.before_mean, m.before_sd, m.after_n, m.after_mean, m.after_sd,
					m.did_estimate, m.controls_used, m.flags, m.verdict))
		RETURNING 1
	)
	SELECT count(*)::integer FROM added;
END;
COMMENT ON FUNCTION athar.measure_effects(text) IS
'Measures every effect whose action is live, of one project or (NULL) of all, and keeps each result that differs from the last one as a new row of effect_measurement; an old row never changes. The cutover is the first moment of live_on in the KPI''s zone. Returns the number of rows added. 42704 for an unknown project.';
