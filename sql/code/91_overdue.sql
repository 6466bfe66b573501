-- 91 overdue: what should have been done by now

CREATE OR REPLACE VIEW athar.overdue WITH (security_invoker = true) AS
SELECT
	'late' AS kind,
	p.code::text AS project,
	a.item_id AS action,
	NULL::text AS goal,
	coalesce(u.code, pu.code)::text AS unit,
	a.due_on AS since,
	t.today - a.due_on AS days,
	a.title,
	a.title_ar
FROM athar.action AS a
JOIN athar.project AS p ON p.id = a.project_id
JOIN athar.unit AS pu ON pu.id = p.unit_id
LEFT JOIN athar.unit AS u ON u.id = a.owner_id
CROSS JOIN (SELECT (now() AT TIME ZONE athar.default_time_zone())::date) AS t (today)
WHERE a.removed_in_version IS NULL
	AND a.status IN ('planned', 'in_progress')
	AND a.due_on < t.today
	AND p.status <> 'closed';
COMMENT ON VIEW athar.overdue IS 'What should have been done by now, one row each; days are cut in the time zone of the setting athar.time_zone. Closed projects are not followed up';
COMMENT ON COLUMN athar.overdue.kind IS 'late: an action that is planned or in progress after its due_on';
COMMENT ON COLUMN athar.overdue.project IS 'Code of the project';
COMMENT ON COLUMN athar.overdue.action IS 'Id of the action in the plan';
COMMENT ON COLUMN athar.overdue.goal IS 'Code of the goal; NULL for an action';
COMMENT ON COLUMN athar.overdue.unit IS 'Code of the unit that owns it, or else of the one accountable for the project';
COMMENT ON COLUMN athar.overdue.since IS 'The day by which it should have been done';
COMMENT ON COLUMN athar.overdue.days IS 'Days since then';
COMMENT ON COLUMN athar.overdue.title IS 'What it is';
COMMENT ON COLUMN athar.overdue.title_ar IS 'What it is, in Arabic';
