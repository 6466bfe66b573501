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
		WHEN w.ends_on > current_date THEN 'the time compared ends on ' || w.ends_on
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
	m.measured_at
FROM athar.action AS a
JOIN athar.project AS p ON p.id = a.project_id
LEFT JOIN athar.unit AS u ON u.id = a.owner_id
LEFT JOIN athar.service AS s ON s.id = a.service_id
LEFT JOIN athar.effect AS e ON e.action_id = a.id AND NOT e.is_withdrawn
LEFT JOIN athar.kpi AS k ON k.id = e.kpi_id
LEFT JOIN athar.effect_measurement AS m ON m.id = (SELECT max(l.id) FROM athar.effect_measurement AS l WHERE l.effect_id = e.id)
LEFT JOIN LATERAL (SELECT
	(a.live_on + coalesce(e.washout, interval '0') + coalesce(e.span, interval '1 year'))::date AS ends_on) AS w ON true
WHERE a.removed_in_version IS NULL;
COMMENT ON VIEW athar.before_after_report IS 'One row per action and KPI of today''s plans, always: measured, waiting, or unmeasurable with the reason; the figures are those of the newest measurement';
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
