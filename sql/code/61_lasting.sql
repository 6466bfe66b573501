-- 61 lasting: whether an effect is still there months later

CREATE OR REPLACE FUNCTION athar.check_windows(days integer, resumed_at timestamp)
RETURNS TABLE (early_from timestamp, early_to timestamp, late_from timestamp, late_to timestamp)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT
		check_windows.resumed_at,
		check_windows.resumed_at + w.length,
		check_windows.resumed_at + make_interval(days => check_windows.days) - w.length,
		check_windows.resumed_at + make_interval(days => check_windows.days)
	FROM (SELECT make_interval(days => least(30, check_windows.days / 2))) AS w (length);
END;
COMMENT ON FUNCTION athar.check_windows(integer, timestamp) IS
'The two windows of single values that a check compares, each [from, to): the first 30 days from resumed_at on, and the last 30 before the check; halves where there are fewer than 60 days.';

CREATE OR REPLACE FUNCTION athar.evidence_se(evidence athar.evidence)
RETURNS double precision
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN (evidence).verdict = 'no_variation' THEN 0
	ELSE ((evidence).ci_high / 2 - (evidence).ci_low / 2) / athar.student_t_quantile(0.975, (evidence).df) END;
COMMENT ON FUNCTION athar.evidence_se(athar.evidence) IS
'The standard error of a comparison''s difference; 0 where nothing varies. NULL where there is no interval.';

CREATE OR REPLACE FUNCTION athar.change_between(early athar.evidence, late athar.evidence)
RETURNS TABLE (difference double precision, se double precision, df double precision)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT
		(change_between.late).difference - (change_between.early).difference,
		p.size * sqrt(p.early * p.early + p.late * p.late),
		(p.early * p.early + p.late * p.late) ^ 2
			/ nullif(coalesce(p.early ^ 4 / (change_between.early).df, 0) + coalesce(p.late ^ 4 / (change_between.late).df, 0), 0)
	FROM (
		-- parts of the larger one, from 0 to 1, lest a square leave the range
		SELECT s.size, coalesce((s.early + s.size) / nullif(s.size, 0) - 1, 0) AS early, coalesce((s.late + s.size) / nullif(s.size, 0) - 1, 0) AS late
		FROM (SELECT e.se AS early, l.se AS late, CASE WHEN num_nulls(e.se, l.se) = 0 THEN greatest(e.se, l.se) END AS size
			FROM (SELECT athar.evidence_se(change_between.early)) AS e (se)
			CROSS JOIN (SELECT athar.evidence_se(change_between.late)) AS l (se)) AS s) AS p;
END;
COMMENT ON FUNCTION athar.change_between(athar.evidence, athar.evidence) IS
'By how much the second difference is larger than the first, where both are of different values: standard error and degrees of freedom by Satterthwaite (1946) from those of both, as if the four groups were compared at once. se is 0 where nothing varies; NULLs where one of the two has no interval.';

CREATE OR REPLACE FUNCTION athar.sustained_effect(
	kpi text, service text, cutover timestamptz, span interval DEFAULT '1 year',
	washout interval DEFAULT '0', season_matched boolean DEFAULT false)
RETURNS TABLE (
	days integer, checked_on date, before_mean double precision,
	early_n bigint, early_mean double precision, late_n bigint, late_mean double precision,
	difference double precision, ci_low double precision, ci_high double precision, p_value double precision,
	verdict text, faded_on date, late_before_mean double precision)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 4
SET jit = off -- a few hundred points; what the planner supposes is far more
BEGIN ATOMIC
	SELECT athar.check_effect(sustained_effect.kpi, sustained_effect.service, sustained_effect.cutover, sustained_effect.span, sustained_effect.washout);
	WITH subject AS MATERIALIZED (
		SELECT
			k.id AS kpi_id,
			k.direction,
			k.desired_value,
			coalesce(k.smallest_change, 0) AS smallest_change,
			(now() AT TIME ZONE k.time_zone)::date AS today,
			l.cutover,
			l.cutover + sustained_effect.washout AS resumed_at,
			s.service_id,
			m.is_matched,
			-- the same days of any window of 30 days lie within a year and a month before the cutover
			CASE WHEN m.is_matched THEN l.cutover - interval '13 months' ELSE l.cutover - sustained_effect.span END AS before_from
		FROM athar.kpi AS k
		CROSS JOIN LATERAL (SELECT sustained_effect.cutover AT TIME ZONE k.time_zone) AS l (cutover)
		CROSS JOIN LATERAL (SELECT athar.service_id(sustained_effect.service)) AS s (service_id)
		CROSS JOIN LATERAL (SELECT coalesce(sustained_effect.season_matched, false)) AS m (is_matched)
		WHERE k.id = athar.kpi_id(sustained_effect.kpi)
	), point AS MATERIALIZED (
		-- a year at least, whatever the span: that is the last check
		SELECT p.is_after, p.starts_at, p.ends_at, p.value
		FROM subject AS u
		CROSS JOIN LATERAL athar.period_points(u.kpi_id, ARRAY[u.service_id], u.cutover,
			greatest(sustained_effect.span, interval '1 year'), sustained_effect.washout, false) AS p
		WHERE p.is_chosen
	), observed AS MATERIALIZED (
		SELECT o.is_after, o.starts_at, o.summary, o.numerator, o.denominator
		FROM subject AS u
		CROSS JOIN LATERAL athar.observed_points(u.kpi_id, ARRAY[u.service_id], u.before_from, u.cutover,
			u.resumed_at, u.resumed_at + interval '365 days') AS o
		WHERE NOT EXISTS (SELECT FROM point)
	), source AS (
		SELECT
			EXISTS (SELECT FROM point) AS is_by_period,
			(SELECT min(p.starts_at) FROM point AS p WHERE p.is_after) AS resumed_at,
			CASE WHEN EXISTS (SELECT FROM point)
				THEN (SELECT athar.mean(athar.summarize(p.value)) FROM point AS p WHERE NOT p.is_after)
				ELSE (SELECT athar.measurement_value('mean', athar.merge(o.summary), sum(o.numerator), sum(o.denominator))
					FROM observed AS o WHERE NOT o.is_after) END AS before_mean,
			(SELECT coalesce(bool_or(o.summary IS NULL), false) FROM observed AS o WHERE o.is_after) AS has_denominators
	), due AS (
		-- figures by period know no days: a month, a quarter, half a year and a year of them
		SELECT
			c.days,
			CASE WHEN s.is_by_period THEN coalesce(s.resumed_at, u.resumed_at) + make_interval(months => c.months)
				ELSE u.resumed_at + make_interval(days => c.days) END AS checked_at
		FROM (VALUES (30, 1), (90, 3), (180, 6), (365, 12)) AS c (days, months)
		CROSS JOIN subject AS u
		CROSS JOIN source AS s
	), windows AS (
		SELECT
			d.days, w.early_from, w.early_to, w.late_from, w.late_to,
			e.before_from AS early_before_from, e.before_to AS early_before_to, l.before_from AS late_before_from, l.before_to AS late_before_to
		FROM due AS d
		CROSS JOIN subject AS u
		CROSS JOIN LATERAL athar.check_windows(d.days, u.resumed_at) AS w
		CROSS JOIN LATERAL athar.compared_windows(u.cutover, w.early_from, w.early_to - w.early_from, true) AS e
		CROSS JOIN LATERAL athar.compared_windows(u.cutover, w.late_from, w.late_to - w.late_from, true) AS l
	), period AS (
		SELECT p.starts_at, p.ends_at, p.value, b.value AS before_value
		FROM point AS p
		CROSS JOIN subject AS u
		LEFT JOIN LATERAL (
			SELECT b.value
			FROM point AS b
			WHERE u.is_matched
				AND NOT b.is_after
				AND b.starts_at = p.starts_at - make_interval(years => (extract(year FROM p.starts_at) - extract(year FROM b.starts_at))::integer)
			ORDER BY b.starts_at DESC
			LIMIT 1) AS b ON true
		WHERE p.is_after AND (b.value IS NOT NULL OR NOT u.is_matched)
	), side AS (
		SELECT
			n.days,
			athar.summarize(n.value) FILTER (WHERE n.ordinal <= n.taken) AS early,
			athar.summarize(n.value) FILTER (WHERE n.ordinal > n.counted - n.taken) AS late,
			athar.summarize(n.before_value) FILTER (WHERE n.ordinal <= n.taken) AS early_before,
			athar.summarize(n.before_value) FILTER (WHERE n.ordinal > n.counted - n.taken) AS late_before,
			-- each period less its own one before: what the season does within the three is no doubt
			athar.summarize(n.value - n.before_value) FILTER (WHERE n.ordinal <= n.taken) AS early_change,
			athar.summarize(n.value - n.before_value) FILTER (WHERE n.ordinal > n.counted - n.taken) AS late_change
		FROM (
			SELECT
				p.*,
				-- three of them, or all of 30 days, but never one on both sides
				least(p.counted / 2, greatest(3, p.counted_early)) AS taken
			FROM (
				SELECT
					d.days,
					p.value,
					p.before_value,
					row_number() OVER (PARTITION BY d.days ORDER BY p.starts_at) AS ordinal,
					count(*) OVER (PARTITION BY d.days) AS counted,
					count(*) FILTER (WHERE p.ends_at <= s.resumed_at + interval '30 days') OVER (PARTITION BY d.days) AS counted_early
				FROM due AS d
				CROSS JOIN source AS s
				JOIN period AS p ON p.ends_at <= d.checked_at) AS p) AS n
		GROUP BY n.days
		UNION ALL
		SELECT
			w.days,
			athar.merge(o.summary) FILTER (WHERE o.is_after AND o.starts_at < w.early_to),
			athar.merge(o.summary) FILTER (WHERE o.is_after AND o.starts_at >= w.late_from),
			athar.merge(o.summary) FILTER (WHERE NOT o.is_after AND o.starts_at >= w.early_before_from AND o.starts_at < w.early_before_to),
			athar.merge(o.summary) FILTER (WHERE NOT o.is_after AND o.starts_at >= w.late_before_from AND o.starts_at < w.late_before_to),
			NULL,
			NULL
		FROM windows AS w
		CROSS JOIN subject AS u
		JOIN observed AS o ON o.starts_at < w.late_to AND (o.is_after OR u.is_matched)
		WHERE NOT (SELECT s.has_denominators FROM source AS s)
		GROUP BY w.days
		UNION ALL
		SELECT
			w.days,
			athar.summarize(v.value) FILTER (WHERE v.side = 'early'),
			athar.summarize(v.value) FILTER (WHERE v.side = 'late'),
			athar.summarize(v.value) FILTER (WHERE v.side = 'early_before'),
			athar.summarize(v.value) FILTER (WHERE v.side = 'late_before'),
			NULL,
			NULL
		FROM windows AS w
		CROSS JOIN subject AS u
		CROSS JOIN LATERAL (
			SELECT CASE WHEN r.is_after THEN 'late' ELSE 'early' END AS side, r.value
			FROM athar.ratio_values(u.kpi_id, u.service_id, w.early_from, w.early_to, w.late_from, w.late_to) AS r
			WHERE NOT u.is_matched
			UNION ALL
			SELECT CASE WHEN r.is_after THEN 'early' ELSE 'early_before' END, r.value
			FROM athar.ratio_values(u.kpi_id, u.service_id, w.early_before_from, w.early_before_to, w.early_from, w.early_to) AS r
			WHERE u.is_matched
			UNION ALL
			SELECT CASE WHEN r.is_after THEN 'late' ELSE 'late_before' END, r.value
			FROM athar.ratio_values(u.kpi_id, u.service_id, w.late_before_from, w.late_before_to, w.late_from, w.late_to) AS r
			WHERE u.is_matched) AS v
		WHERE (SELECT s.has_denominators FROM source AS s)
		GROUP BY w.days
	), compared AS (
		SELECT
			d.days,
			d.checked_at::date AS checked_on,
			d.checked_at::date <= u.today AS is_due,
			u.direction,
			u.desired_value,
			u.smallest_change,
			u.is_matched,
			CASE WHEN u.is_matched THEN x.before_mean ELSE s.before_mean END AS before_mean,
			y.before_mean AS late_before_mean,
			coalesce(athar.n(p.early), 0) AS early_n,
			athar.mean(p.early) AS early_mean,
			coalesce(athar.n(p.late), 0) AS late_n,
			athar.mean(p.late) AS late_mean,
			c.difference,
			CASE WHEN c.is_of_four THEN athar.student_t_p(c.difference / nullif(c.se, 0), c.df) ELSE e.p_value END AS p_value,
			-- four looks at one effect: each may err in 5 % / 4
			CASE WHEN c.se = 0 THEN 0 ELSE c.se * athar.student_t_quantile(1 - 0.025 / 4, c.df) END AS half_width
		FROM due AS d
		CROSS JOIN subject AS u
		CROSS JOIN source AS s
		LEFT JOIN side AS p ON p.days = d.days
		CROSS JOIN LATERAL athar.compare(coalesce(p.early_change, p.early), coalesce(p.late_change, p.late)) AS e
		CROSS JOIN LATERAL athar.compare(p.early_before, p.early) AS x
		CROSS JOIN LATERAL athar.compare(p.late_before, p.late) AS y
		CROSS JOIN LATERAL athar.change_between(x, y) AS b
		CROSS JOIN LATERAL (SELECT u.is_matched AND NOT s.is_by_period) AS f (is_of_four)
		CROSS JOIN LATERAL (SELECT
			f.is_of_four,
			CASE WHEN f.is_of_four THEN b.difference ELSE e.difference END,
			CASE WHEN f.is_of_four THEN b.se ELSE athar.evidence_se(e) END,
			CASE WHEN f.is_of_four THEN b.df ELSE e.df END) AS c (is_of_four, difference, se, df)
	), judged AS (
		SELECT
			c.*,
			CASE c.direction
				WHEN 'up' THEN c.difference
				WHEN 'down' THEN -c.difference
				WHEN 'target' THEN CASE WHEN c.is_matched
					THEN abs(c.late_before_mean - c.desired_value) - abs(c.before_mean - c.desired_value) ELSE 0 END
					+ abs(c.early_mean - c.desired_value) - abs(c.late_mean - c.desired_value)
			END AS gain,
			CASE c.direction
				WHEN 'up' THEN c.early_mean - c.before_mean
				WHEN 'down' THEN c.before_mean - c.early_mean
				ELSE abs(c.before_mean - c.desired_value) - abs(c.early_mean - c.desired_value)
			END AS early_gain
		FROM compared AS c
	), concluded AS (
		SELECT
			j.*,
			CASE
				WHEN NOT j.is_due THEN NULL
				WHEN j.half_width IS NULL THEN 'cannot_tell'
				WHEN j.gain + j.half_width < 0 AND -j.gain >= j.smallest_change THEN 'faded'
				WHEN j.gain - j.half_width > 0 AND j.gain >= j.smallest_change THEN 'growing'
				-- an interval that holds both "nothing was lost" and "all of it" says neither
				WHEN j.early_gain > 0 AND j.early_gain >= j.smallest_change AND j.gain - j.half_width > -j.early_gain THEN 'sustained'
				ELSE 'cannot_tell'
			END AS conclusion
		FROM judged AS j
	)
	SELECT
		c.days,
		c.checked_on,
		c.before_mean,
		CASE WHEN c.is_due THEN c.early_n END,
		CASE WHEN c.is_due THEN c.early_mean END,
		CASE WHEN c.is_due THEN c.late_n END,
		CASE WHEN c.is_due THEN c.late_mean END,
		CASE WHEN c.is_due THEN c.difference END,
		CASE WHEN c.is_due AND c.half_width > 0 THEN c.difference - c.half_width END,
		CASE WHEN c.is_due AND c.half_width > 0 THEN c.difference + c.half_width END,
		CASE WHEN c.is_due THEN least(4 * c.p_value, 1) END,
		c.conclusion,
		CASE WHEN c.conclusion = 'faded' THEN min(c.checked_on) FILTER (WHERE c.conclusion = 'faded') OVER () END,
		CASE WHEN c.is_due THEN c.late_before_mean END
	FROM concluded AS c
	ORDER BY c.days;
END;
COMMENT ON FUNCTION athar.sustained_effect(text, text, timestamptz, interval, interval, boolean) IS
'Whether an effect lasted: four rows, the checks 30, 90, 180 and 365 days after the cutover and its washout (figures by period: after a month, three, six and twelve of them). Arguments and errors as those of measure_effect(); before_mean is that of the span before the cutover (figures by period: at least a year).
Each check compares early figures, the first 30 days, with late ones, the 30 days that end with it (halves of the first 30 days; by period the first and the last three, at most half of them each). difference is late_mean - early_mean, Welch''s comparison of the points as compare() gives it.
Early and late figures are of different seasons, except for the last check. season_matched takes the season off: each is compared with the same days of the calendar before the cutover, the fewest whole years earlier, as measure_effect() does. Then before_mean is that of the early figures and late_before_mean that of the late ones, the span is not used, and difference is (late_mean - late_before_mean) - (early_mean - before_mean), with the errors of all four; by period each period less its own one before counts as a point, and those that have none are left out. late_before_mean is NULL otherwise.
verdict, in the KPI''s direction: faded (the whole interval is adverse, and the difference at least the smallest change that matters), growing (the same in the better direction), sustained (there was a gain early on, and the interval rules out that all of it is lost), cannot_tell (too few figures, or an interval that holds too much); NULL, with its figures, for a check whose day has not come. faded_on: for a faded check the day of the first one that found it so.
Who looks four times finds a fade by chance more often than once in twenty. So each interval is wider than 95 % (Bonferroni: 98.75 %), ci_low and ci_high hold for the four together, and p_value is four times that of one comparison, at most 1. Checks further apart than these, or by hand on every day, are not covered.';

CREATE OR REPLACE FUNCTION athar.last_check(effect_id integer)
RETURNS TABLE (verdict text, checked_on date, faded_on date)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	WITH newest AS (
		SELECT DISTINCT ON (c.days) c.days, c.verdict, c.checked_on
		FROM athar.effect_check AS c
		WHERE c.effect_id = last_check.effect_id
			AND c.cutover = (SELECT l.cutover FROM athar.effect_check AS l WHERE l.effect_id = last_check.effect_id ORDER BY l.id DESC LIMIT 1)
		ORDER BY c.days, c.id DESC
	)
	SELECT
		n.verdict,
		n.checked_on,
		CASE WHEN n.verdict = 'faded' THEN (SELECT min(f.checked_on) FROM newest AS f WHERE f.verdict = 'faded') END
	FROM newest AS n
	ORDER BY n.days DESC
	LIMIT 1;
END;
COMMENT ON FUNCTION athar.last_check(integer) IS
'What the last check of an effect said, and since when it is faded, if it is; no row where none was made.';

CREATE OR REPLACE VIEW athar.sustained_effects WITH (security_invoker = true) AS
SELECT
	p.code::text AS project,
	a.item_id AS action,
	k.code::text AS kpi,
	s.code::text AS service,
	c.days,
	c.checked_on,
	c.before_mean,
	c.early_n,
	c.early_mean,
	c.late_n,
	c.late_mean,
	c.difference,
	c.ci_low,
	c.ci_high,
	c.p_value,
	c.verdict,
	CASE WHEN c.verdict = 'faded' THEN min(c.checked_on) FILTER (WHERE c.verdict = 'faded') OVER (PARTITION BY c.effect_id) END AS faded_on,
	c.measured_at,
	c.late_before_mean
FROM (
	SELECT DISTINCT ON (c.effect_id, c.days) c.*
	FROM athar.effect_check AS c
	-- where the plan moved the cutover, what was checked around the old one speaks no more
	WHERE c.cutover = (SELECT l.cutover FROM athar.effect_check AS l WHERE l.effect_id = c.effect_id ORDER BY l.id DESC LIMIT 1)
	ORDER BY c.effect_id, c.days, c.id DESC) AS c
JOIN athar.effect AS e ON e.id = c.effect_id
JOIN athar.action AS a ON a.id = e.action_id
JOIN athar.project AS p ON p.id = a.project_id
JOIN athar.kpi AS k ON k.id = e.kpi_id
LEFT JOIN athar.service AS s ON s.id = a.service_id;
COMMENT ON VIEW athar.sustained_effects IS 'Whether the effects of actions lasted: the newest check of each effect after 30, 90, 180 and 365 days, as far as their days have come and they were made; see sustained_effect()';
COMMENT ON COLUMN athar.sustained_effects.project IS 'Code of the project';
COMMENT ON COLUMN athar.sustained_effects.action IS 'Id of the action in the plan';
COMMENT ON COLUMN athar.sustained_effects.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.sustained_effects.service IS 'Code of the service';
COMMENT ON COLUMN athar.sustained_effects.days IS 'Which check: 30, 90, 180 or 365 days after the cutover and its washout';
COMMENT ON COLUMN athar.sustained_effects.checked_on IS 'The day for which it speaks';
COMMENT ON COLUMN athar.sustained_effects.before_mean IS 'Mean before the cutover, in the KPI''s unit; where seasons are matched that of the same days as the early ones';
COMMENT ON COLUMN athar.sustained_effects.early_n IS 'Points soon after the cutover';
COMMENT ON COLUMN athar.sustained_effects.early_mean IS 'Their mean';
COMMENT ON COLUMN athar.sustained_effects.late_n IS 'Points shortly before checked_on';
COMMENT ON COLUMN athar.sustained_effects.late_mean IS 'Their mean';
COMMENT ON COLUMN athar.sustained_effects.difference IS 'late_mean - early_mean; where seasons are matched each less its figure before';
COMMENT ON COLUMN athar.sustained_effects.ci_low IS 'Lower end of its confidence interval, 95 % over the four checks together';
COMMENT ON COLUMN athar.sustained_effects.ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.sustained_effects.p_value IS 'Two-sided p of the difference, times four for the four checks';
COMMENT ON COLUMN athar.sustained_effects.verdict IS 'sustained, faded, growing or cannot_tell, in the KPI''s direction';
COMMENT ON COLUMN athar.sustained_effects.faded_on IS 'The day of the first check that found it faded; NULL unless this one does';
COMMENT ON COLUMN athar.sustained_effects.measured_at IS 'When the check was made';
COMMENT ON COLUMN athar.sustained_effects.late_before_mean IS 'Mean of the same days as the late ones, before the cutover; NULL unless seasons are matched';
