-- 90 report: what leaders and BI tools read

CREATE OR REPLACE VIEW athar.before_after_report WITH (security_invoker = true) AS
SELECT
	p.code::text AS project,
	a.item_id AS action,
	a.title,
	a.status,
	u.code::text AS owner,
	s.code::text AS service,
	k.code::text AS kpi,
	k.name AS kpi_name,
	k.unit_of_measure,
	k.direction,
	e.target,
	a.live_on,
	CASE
		WHEN m.verdict IN ('improved', 'worsened', 'no_clear_change') THEN 'measured'
		WHEN e.id IS NULL OR a.status = 'cancelled' THEN 'unmeasurable'
		WHEN a.live_on IS NULL OR w.ends_on > current_date OR m.id IS NULL THEN 'waiting'
		ELSE 'unmeasurable'
	END AS state,
	CASE
		WHEN m.verdict IN ('improved', 'worsened', 'no_clear_change') THEN 'measured ' || to_char(m.measured_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')
		WHEN e.id IS NULL THEN 'the plan names no KPI for it'
		WHEN a.status = 'cancelled' THEN 'the action was cancelled'
		WHEN a.live_on IS NULL THEN 'the action is not live'
		WHEN m.id IS NULL AND w.ends_on <= current_date THEN 'not measured yet'
		WHEN w.ends_on > current_date THEN 'the time compared ends on ' || to_char(w.ends_on, 'YYYY-MM-DD')
		WHEN m.verdict = 'not_comparable' AND m.flags @> '{out_of_range}' THEN 'the difference is too large to be computed'
		WHEN m.verdict = 'not_comparable' THEN 'the figures before and after are on different bases'
		ELSE format('too few figures: %s before, %s after', m.before_n, m.after_n)
	END AS reason,
	m.before_n,
	m.before_mean,
	m.after_n,
	m.after_mean,
	m.difference,
	m.percent_change,
	m.ci_low,
	m.ci_high,
	m.p_value,
	m.effect_size,
	m.did_estimate,
	m.did_ci_low,
	m.did_ci_high,
	m.controls_used,
	m.flags,
	m.verdict,
	m.measured_at,
	a.removed_in_version IS NULL AND e.is_withdrawn IS NOT TRUE AS is_in_plan,
	m.matched_difference,
	m.mix_difference,
	athar.late_rows(e.id) AS late_rows,
	c.verdict AS sustained_verdict,
	c.checked_on AS sustained_checked_on,
	c.faded_on,
	m.matched_ci_low,
	m.matched_ci_high
FROM athar.action AS a
JOIN athar.project AS p ON p.id = a.project_id
LEFT JOIN athar.unit AS u ON u.id = a.owner_id
LEFT JOIN athar.service AS s ON s.id = a.service_id
LEFT JOIN athar.effect AS e ON e.action_id = a.id
	AND (NOT e.is_withdrawn OR EXISTS (SELECT FROM athar.effect_measurement AS d WHERE d.effect_id = e.id))
LEFT JOIN athar.kpi AS k ON k.id = e.kpi_id
LEFT JOIN athar.effect_measurement AS m ON m.id = (SELECT max(l.id) FROM athar.effect_measurement AS l WHERE l.effect_id = e.id)
LEFT JOIN LATERAL (SELECT
	(a.live_on + coalesce(e.washout, interval '0') + coalesce(e.span, interval '1 year'))::date AS ends_on) AS w ON true
LEFT JOIN LATERAL (
	SELECT l.verdict, l.checked_on, l.faded_on
	FROM athar.last_check(e.id) AS l
) AS c ON true
WHERE a.removed_in_version IS NULL OR m.id IS NOT NULL;
COMMENT ON VIEW athar.before_after_report IS 'One row per action and KPI of today''s plans, always: measured, waiting, or unmeasurable with the reason; the figures are those of the newest measurement. What was measured stays, also when the plan no longer names it';
COMMENT ON COLUMN athar.before_after_report.project IS 'Code of the project';
COMMENT ON COLUMN athar.before_after_report.action IS 'Id of the action in the plan';
COMMENT ON COLUMN athar.before_after_report.title IS 'What is done';
COMMENT ON COLUMN athar.before_after_report.status IS 'Status of the action';
COMMENT ON COLUMN athar.before_after_report.owner IS 'Code of the unit that does it';
COMMENT ON COLUMN athar.before_after_report.service IS 'Code of the service';
COMMENT ON COLUMN athar.before_after_report.kpi IS 'Code of the KPI; NULL where the plan names none for the action';
COMMENT ON COLUMN athar.before_after_report.kpi_name IS 'Name of the KPI';
COMMENT ON COLUMN athar.before_after_report.unit_of_measure IS 'Unit of the figures';
COMMENT ON COLUMN athar.before_after_report.direction IS 'Which way is better: up, down or target';
COMMENT ON COLUMN athar.before_after_report.target IS 'What the plan expects';
COMMENT ON COLUMN athar.before_after_report.live_on IS 'Day on which people first met the change';
COMMENT ON COLUMN athar.before_after_report.state IS 'measured, waiting or unmeasurable';
COMMENT ON COLUMN athar.before_after_report.reason IS 'When it was measured, or why it is not';
COMMENT ON COLUMN athar.before_after_report.before_n IS 'Points before';
COMMENT ON COLUMN athar.before_after_report.before_mean IS 'Mean before';
COMMENT ON COLUMN athar.before_after_report.after_n IS 'Points after';
COMMENT ON COLUMN athar.before_after_report.after_mean IS 'Mean after';
COMMENT ON COLUMN athar.before_after_report.difference IS 'after_mean - before_mean';
COMMENT ON COLUMN athar.before_after_report.percent_change IS 'difference as per cent of the absolute mean before';
COMMENT ON COLUMN athar.before_after_report.ci_low IS 'Lower end of the 95 % confidence interval of the difference';
COMMENT ON COLUMN athar.before_after_report.ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.before_after_report.p_value IS 'Two-sided p of the difference';
COMMENT ON COLUMN athar.before_after_report.effect_size IS 'Hedges'' g';
COMMENT ON COLUMN athar.before_after_report.did_estimate IS 'The difference minus that of the controls';
COMMENT ON COLUMN athar.before_after_report.did_ci_low IS 'Lower end of its 95 % confidence interval';
COMMENT ON COLUMN athar.before_after_report.did_ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.before_after_report.controls_used IS 'Codes of the services compared with';
COMMENT ON COLUMN athar.before_after_report.flags IS 'What to know before believing the figures';
COMMENT ON COLUMN athar.before_after_report.verdict IS 'improved, worsened, no_clear_change, insufficient_data or not_comparable; NULL while nothing was measured';
COMMENT ON COLUMN athar.before_after_report.measured_at IS 'When the newest measurement was made';
COMMENT ON COLUMN athar.before_after_report.is_in_plan IS 'False where the plan no longer has the action, or no longer names the KPI for it';
COMMENT ON COLUMN athar.before_after_report.matched_difference IS 'What changed within channels, like for like; NULL where fewer than two channels are known';
COMMENT ON COLUMN athar.before_after_report.mix_difference IS 'What only another mix of channels changed';
COMMENT ON COLUMN athar.before_after_report.late_rows IS 'Figures that arrived too late for it, as of now (late_rows()); the figures shown hold them only where flags has late_data. NULL while nothing was measured';
COMMENT ON COLUMN athar.before_after_report.sustained_verdict IS 'Whether the effect lasted, by the last check that was made (sustained_effects): sustained, faded, growing or cannot_tell; NULL before the first';
COMMENT ON COLUMN athar.before_after_report.sustained_checked_on IS 'The day for which that check speaks';
COMMENT ON COLUMN athar.before_after_report.faded_on IS 'The day of the first check that found it faded; NULL unless the last one does';
COMMENT ON COLUMN athar.before_after_report.matched_ci_low IS 'Lower end of the 95 % confidence interval of matched_difference';
COMMENT ON COLUMN athar.before_after_report.matched_ci_high IS 'Upper end of it';

CREATE OR REPLACE FUNCTION athar.month_of(day date)
RETURNS daterange
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN daterange(
	date_trunc('month', day::timestamp)::date,
	(date_trunc('month', day::timestamp) + interval '1 month')::date);
COMMENT ON FUNCTION athar.month_of(date) IS
'The calendar month of a day, [from, to). NULL for NULL.';

CREATE OR REPLACE VIEW athar.service_scorecard WITH (security_barrier = true) AS
WITH part AS (
	SELECT
		m.kpi_id,
		m.service_id,
		k.kind,
		CASE m.origin WHEN 'observed' THEN 'month' ELSE coalesce(m.basis, '') END AS basis,
		CASE m.origin WHEN 'observed' THEN athar.month_of(lower(m.period)) ELSE m.period END AS period,
		m.origin,
		m.channel_id,
		m.summary,
		m.numerator::double precision AS numerator,
		m.denominator::double precision AS denominator
	FROM athar.measurement AS m
	JOIN athar.kpi AS k ON k.id = m.kpi_id
	WHERE m.service_id IS NOT NULL
		AND CASE m.origin
			WHEN 'reported' THEN m.stage_id IS NULL
			ELSE NOT EXISTS (
				SELECT
				FROM athar.dirty_bucket AS d
				WHERE d.kpi_id = m.kpi_id AND d.day = lower(m.period) AND coalesce(d.service_id, 0) = m.service_id)
		END
	UNION ALL
	-- days whose observations changed since they were summarised
	SELECT
		k.id,
		o.service_id,
		k.kind,
		'month',
		athar.month_of(d.day),
		'observed',
		NULL,
		CASE WHEN k.kind <> 'ratio' OR count(o.denominator) = 0 THEN athar.summarize(athar.observed_value(k.kind, k.time_limit, o.value)) END,
		CASE WHEN k.kind = 'ratio' THEN sum(o.value::double precision) END,
		CASE WHEN k.kind = 'ratio' THEN sum(coalesce(o.denominator, 1)::double precision) END
	FROM (SELECT DISTINCT b.kpi_id, b.service_id, b.day FROM athar.dirty_bucket AS b WHERE b.service_id IS NOT NULL) AS d
	JOIN athar.kpi AS k ON k.id = d.kpi_id
	JOIN athar.observation AS o ON o.kpi_id = d.kpi_id
		AND o.service_id = d.service_id
		AND o.observed_at >= d.day::timestamp AT TIME ZONE k.time_zone - interval '3 hours'
		AND o.observed_at < (d.day + 1)::timestamp AT TIME ZONE k.time_zone + interval '3 hours'
		AND (o.observed_at AT TIME ZONE k.time_zone)::date = d.day
	GROUP BY k.id, o.service_id, d.day
	UNION ALL
	-- attached tables as the last refresh found them: who reads this need not be able to read those
	SELECT q.kpi_id, v.id, k.kind, 'month', athar.month_of(b.day), 'observed', c.id, b.summary, b.numerator::double precision, b.denominator::double precision
	FROM athar.source_bucket AS b
	JOIN athar.kpi_source AS q ON q.id = b.source_id
	JOIN athar.kpi AS k ON k.id = q.kpi_id
	JOIN athar.service AS v ON v.code = b.service
	LEFT JOIN athar.channel AS c ON c.code = b.channel
	LEFT JOIN athar.stage AS t ON t.service_id = v.id AND t.code = b.stage
	WHERE b.n > 0
		AND (b.channel = '' OR c.id IS NOT NULL)
		AND (b.stage = '' OR t.id IS NOT NULL)
), counted AS (
	-- a reported figure for all channels already holds those of its channels
	SELECT
		p.kpi_id,
		p.service_id,
		p.kind,
		p.basis,
		p.period,
		p.origin,
		p.summary,
		p.numerator,
		p.denominator,
		p.origin = 'reported' AND p.channel_id IS NOT NULL
			AND bool_or(p.channel_id IS NULL) OVER (PARTITION BY p.kpi_id, p.service_id, p.origin, p.basis, p.period) AS is_contained
	FROM part AS p
), figure AS (
	SELECT
		c.kpi_id,
		c.service_id,
		c.basis,
		c.period,
		c.origin,
		-- what one channel counts another may give as numerator and denominator
		athar.measurement_value(min(c.kind), athar.merge(c.summary),
			sum(c.numerator) + coalesce(sum(athar.total(c.summary)) FILTER (WHERE c.denominator IS NULL), 0),
			sum(c.denominator) + coalesce(sum(athar.n(c.summary)) FILTER (WHERE c.denominator IS NULL), 0)) AS value
	FROM counted AS c
	WHERE NOT c.is_contained
	-- what was observed and what somebody reported of the same month would count twice
	GROUP BY c.kpi_id, c.service_id, c.basis, c.period, c.origin
), latest AS (
	-- of figures that end on one day the shortest period speaks, and what was reported before what was observed
	SELECT DISTINCT ON (f.kpi_id, f.service_id) f.kpi_id, f.service_id, f.basis, f.period, f.value
	FROM figure AS f
	ORDER BY f.kpi_id, f.service_id, upper(f.period) DESC, lower(f.period) DESC, f.basis, f.origin DESC
), previous AS (
	SELECT DISTINCT ON (f.kpi_id, f.service_id) f.kpi_id, f.service_id, f.value
	FROM latest AS l
	JOIN figure AS f ON f.kpi_id = l.kpi_id AND f.service_id = l.service_id AND f.basis = l.basis
		AND upper(f.period) <= lower(l.period)
	ORDER BY f.kpi_id, f.service_id, upper(f.period) DESC, f.origin DESC
)
SELECT
	s.code::text AS service,
	s.name AS service_name,
	s.name_ar AS service_name_ar,
	u.code::text AS unit,
	k.code::text AS kpi,
	k.name AS kpi_name,
	k.name_ar AS kpi_name_ar,
	k.unit_of_measure,
	k.direction,
	nullif(l.basis, '') AS basis,
	lower(l.period) AS period_start,
	upper(l.period) - 1 AS period_end,
	l.value,
	b.value AS previous_value,
	l.value - b.value AS change,
	e.measured AS effects_measured,
	e.improved AS effects_improved,
	e.worsened AS effects_worsened
FROM latest AS l
JOIN athar.kpi AS k ON k.id = l.kpi_id
JOIN athar.service AS s ON s.id = l.service_id
JOIN athar.unit AS u ON u.id = s.unit_id
LEFT JOIN previous AS b ON b.kpi_id = l.kpi_id AND b.service_id = l.service_id
CROSS JOIN LATERAL (
	SELECT
		count(*) FILTER (WHERE m.verdict IN ('improved', 'worsened', 'no_clear_change')) AS measured,
		count(*) FILTER (WHERE m.verdict = 'improved') AS improved,
		count(*) FILTER (WHERE m.verdict = 'worsened') AS worsened
	FROM athar.effect AS f
	JOIN athar.action AS a ON a.id = f.action_id
	JOIN athar.effect_measurement AS m ON m.id = (SELECT max(n.id) FROM athar.effect_measurement AS n WHERE n.effect_id = f.id)
	WHERE f.kpi_id = l.kpi_id AND a.service_id = l.service_id
) AS e
WHERE athar.may_see(s.unit_id, current_user);
COMMENT ON VIEW athar.service_scorecard IS 'For leaders: the newest figure of every KPI of every service, the one before it, and what actions did to it. Shown with the owner''s rights: SELECT on this view is enough, and a role that was given levels for some units sees their services alone (may_see). Figures of attached tables are as of the last refresh';
COMMENT ON COLUMN athar.service_scorecard.service IS 'Code of the service';
COMMENT ON COLUMN athar.service_scorecard.service_name IS 'Name of the service';
COMMENT ON COLUMN athar.service_scorecard.service_name_ar IS 'Name of the service in Arabic';
COMMENT ON COLUMN athar.service_scorecard.unit IS 'Code of the unit that runs it';
COMMENT ON COLUMN athar.service_scorecard.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.service_scorecard.kpi_name IS 'Name of the KPI';
COMMENT ON COLUMN athar.service_scorecard.kpi_name_ar IS 'Name of the KPI in Arabic';
COMMENT ON COLUMN athar.service_scorecard.unit_of_measure IS 'Unit of the figures';
COMMENT ON COLUMN athar.service_scorecard.direction IS 'Which way is better: up, down or target';
COMMENT ON COLUMN athar.service_scorecard.basis IS 'How the period is cut, as it was reported; month where the figures are observations';
COMMENT ON COLUMN athar.service_scorecard.period_start IS 'First day of the newest period';
COMMENT ON COLUMN athar.service_scorecard.period_end IS 'Last day of it';
COMMENT ON COLUMN athar.service_scorecard.value IS 'The figure of the newest period, in the KPI''s unit';
COMMENT ON COLUMN athar.service_scorecard.previous_value IS 'The figure of the period before it, on the same basis; NULL if there is none';
COMMENT ON COLUMN athar.service_scorecard.change IS 'value - previous_value';
COMMENT ON COLUMN athar.service_scorecard.effects_measured IS 'Effects of actions on it with a verdict';
COMMENT ON COLUMN athar.service_scorecard.effects_improved IS 'Those of them that improved it';
COMMENT ON COLUMN athar.service_scorecard.effects_worsened IS 'Those of them that made it worse';

CREATE OR REPLACE VIEW athar.impact_report WITH (security_invoker = true) AS
WITH closed AS MATERIALIZED (
	SELECT
		a.id AS action_id,
		e.id AS effect_id,
		m.id AS measurement_id,
		row_number() OVER (ORDER BY a.id, e.id) AS place,
		CASE WHEN m.verdict IN ('improved', 'worsened', 'no_clear_change') THEN m.p_value END AS p_value
	FROM athar.action AS a
	LEFT JOIN athar.effect AS e ON e.action_id = a.id
		AND (NOT e.is_withdrawn OR EXISTS (SELECT FROM athar.effect_measurement AS d WHERE d.effect_id = e.id))
	LEFT JOIN athar.effect_measurement AS m ON m.id = (SELECT max(l.id) FROM athar.effect_measurement AS l WHERE l.effect_id = e.id)
	WHERE a.status IN ('done', 'verified')
), adjusted AS (
	SELECT q.q_value, q.place
	FROM (SELECT athar.q_values(array_agg(c.p_value ORDER BY c.place)) AS q_values FROM closed AS c) AS l
	CROSS JOIN LATERAL unnest(l.q_values) WITH ORDINALITY AS q (q_value, place)
)
SELECT
	p.code::text AS project,
	a.item_id AS action,
	a.title,
	a.title_ar,
	a.status,
	coalesce(nullif(btrim(i.document ->> 'description'), ''), a.title)
		|| coalesce(' (live since ' || to_char(a.live_on, 'YYYY-MM-DD') || ')', ' (no day is known on which it went live)') AS change,
	coalesce(nullif(concat_ws('; ', f.reason, g.rationale), ''), 'not recorded') AS reason,
	g.code AS goal,
	g.policy,
	s.code::text AS service,
	k.code::text AS kpi,
	k.name AS kpi_name,
	k.unit_of_measure,
	k.direction,
	a.live_on,
	m.before_mean,
	m.after_mean,
	m.difference,
	m.ci_low,
	m.ci_high,
	m.p_value,
	q.q_value,
	m.verdict,
	m.flags,
	m.measured_at,
	coalesce(
		athar.describe(m, 'en'),
		'We cannot tell what it did: ' || CASE
			WHEN e.id IS NULL THEN 'the plan names no KPI for it'
			WHEN a.live_on IS NULL THEN 'no day is known on which it went live'
			WHEN w.ends_on > current_date THEN 'the time compared ends on ' || to_char(w.ends_on, 'YYYY-MM-DD')
			ELSE 'it has not been measured yet' END || '.') AS sentence,
	coalesce(
		athar.describe(m, 'ar'),
		'لا يمكن معرفة أثره: ' || CASE
			WHEN e.id IS NULL THEN 'الخطة لا تذكر له مؤشرًا'
			WHEN a.live_on IS NULL THEN 'لا يُعرف اليوم الذي بدأ العمل به'
			WHEN w.ends_on > current_date THEN 'تنتهي مدة المقارنة في ' || E'\xe2\x80\x8e' || to_char(w.ends_on, 'YYYY-MM-DD')
			ELSE 'لم يُقَس بعد' END || '.') AS sentence_ar
FROM closed AS c
JOIN adjusted AS q ON q.place = c.place
JOIN athar.action AS a ON a.id = c.action_id
JOIN athar.project AS p ON p.id = a.project_id
LEFT JOIN athar.plan_item AS i ON i.project_id = a.project_id AND i.revision = a.revision
LEFT JOIN athar.service AS s ON s.id = a.service_id
LEFT JOIN athar.effect AS e ON e.id = c.effect_id
LEFT JOIN athar.kpi AS k ON k.id = e.kpi_id
LEFT JOIN athar.effect_measurement AS m ON m.id = c.measurement_id
LEFT JOIN LATERAL (SELECT
	(a.live_on + coalesce(e.washout, interval '0') + coalesce(e.span, interval '1 year'))::date AS ends_on) AS w ON true
LEFT JOIN LATERAL (
	-- why the action came into the plan
	SELECT v.reason
	FROM athar.plan_version AS v
	WHERE v.project_id = a.project_id
		AND v.items && ARRAY(SELECT r.revision FROM athar.plan_item AS r WHERE r.project_id = a.project_id AND r.item_id = a.item_id)
	ORDER BY v.version
	LIMIT 1
) AS f ON true
LEFT JOIN LATERAL (
	SELECT b.code::text AS code, t.policy, t.rationale
	FROM athar.alignment AS l
	JOIN athar.goal AS b ON b.id = l.goal_id
	CROSS JOIN LATERAL (
		WITH RECURSIVE above (id, parent_id, title, rationale, depth) AS (
			SELECT b.id, b.parent_id, b.title, b.rationale, 1
			UNION ALL
			SELECT n.id, n.parent_id, n.title, n.rationale, x.depth + 1
			FROM above AS x
			JOIN athar.goal AS n ON n.id = x.parent_id
		)
		SELECT
			(array_agg(x.title ORDER BY x.depth DESC))[1] AS policy,
			(array_agg(x.rationale ORDER BY x.depth) FILTER (WHERE btrim(x.rationale) <> ''))[1] AS rationale
		FROM above AS x
	) AS t
	WHERE l.action_id = a.id
	ORDER BY b.kpi_id = k.id DESC NULLS LAST, l.share DESC, b.id
	LIMIT 1
) AS g ON true;
COMMENT ON VIEW athar.impact_report IS 'One row per closed action (done or verified) and KPI: what changed, why, and what it did to people, with the figures of the newest measurement. Actions whose plan names no KPI have one row, too, that says so. change, reason and both sentences are never NULL';
COMMENT ON COLUMN athar.impact_report.project IS 'Code of the project';
COMMENT ON COLUMN athar.impact_report.action IS 'Id of the action in the plan';
COMMENT ON COLUMN athar.impact_report.title IS 'What was done';
COMMENT ON COLUMN athar.impact_report.title_ar IS 'What was done, in Arabic';
COMMENT ON COLUMN athar.impact_report.status IS 'done or verified';
COMMENT ON COLUMN athar.impact_report.change IS 'What changed, and since when: the item''s description in the plan, or else its title. Never NULL';
COMMENT ON COLUMN athar.impact_report.reason IS 'Why: the reason of the plan version that brought the action, then the rationale of the goal it serves, or of the nearest goal above that has one. Never NULL';
COMMENT ON COLUMN athar.impact_report.goal IS 'Code of the goal it serves: the one with the same KPI, or else the one with the largest share; NULL if none';
COMMENT ON COLUMN athar.impact_report.policy IS 'Title of the topmost goal above it';
COMMENT ON COLUMN athar.impact_report.service IS 'Code of the service';
COMMENT ON COLUMN athar.impact_report.kpi IS 'Code of the KPI; NULL where the plan names none for the action';
COMMENT ON COLUMN athar.impact_report.kpi_name IS 'Name of the KPI';
COMMENT ON COLUMN athar.impact_report.unit_of_measure IS 'Unit of the figures';
COMMENT ON COLUMN athar.impact_report.direction IS 'Which way is better: up, down or target';
COMMENT ON COLUMN athar.impact_report.live_on IS 'Day on which people first met the change';
COMMENT ON COLUMN athar.impact_report.before_mean IS 'Mean before';
COMMENT ON COLUMN athar.impact_report.after_mean IS 'Mean after';
COMMENT ON COLUMN athar.impact_report.difference IS 'after_mean - before_mean';
COMMENT ON COLUMN athar.impact_report.ci_low IS 'Lower end of the 95 % confidence interval of the difference';
COMMENT ON COLUMN athar.impact_report.ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.impact_report.p_value IS 'Two-sided p of the difference, this comparison alone';
COMMENT ON COLUMN athar.impact_report.q_value IS 'The same among all rows of this report that the reader may see, as q_values() gives it: of the rows with at most 0.05 one in twenty is a false alarm on average; a filter does not change it. NULL without a p-value';
COMMENT ON COLUMN athar.impact_report.verdict IS 'improved, worsened, no_clear_change, insufficient_data or not_comparable; NULL while nothing was measured';
COMMENT ON COLUMN athar.impact_report.flags IS 'What to know before believing the figures; in words in the sentence (flag_words)';
COMMENT ON COLUMN athar.impact_report.measured_at IS 'When the newest measurement was made';
COMMENT ON COLUMN athar.impact_report.sentence IS 'What it did, in English, as describe() says it, or why that cannot be told. Never NULL';
COMMENT ON COLUMN athar.impact_report.sentence_ar IS 'The same in Arabic. Never NULL';
