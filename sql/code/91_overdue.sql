-- 91 overdue: what should have been done by now

CREATE OR REPLACE VIEW athar.reviews_due WITH (security_invoker = true) AS
WITH reviewed AS (
	SELECT r.goal_id, max(r.reviewed_at) AS reviewed_at
	FROM (
		SELECT n.goal_id, n.reviewed_at
		FROM athar.review AS n
		WHERE n.kind IN ('check_in', 'review', 'retrospective')
		UNION ALL
		-- who reviews a goal reviews the key results it is measured by
		SELECT g.id, n.reviewed_at
		FROM athar.review AS n
		JOIN athar.goal AS g ON g.parent_id = n.goal_id AND g.kind = 'key_result'
		WHERE n.kind IN ('review', 'retrospective')
	) AS r
	WHERE r.reviewed_at <= statement_timestamp()
	GROUP BY r.goal_id
)
SELECT
	'goal' AS kind,
	NULL::text AS project,
	g.code::text AS goal,
	u.code::text AS unit,
	g.title,
	g.title_ar,
	c.review_every,
	r.reviewed_at,
	(greatest(r.reviewed_at, lower(c.period)::timestamp AT TIME ZONE c.time_zone, f.rolled_up_at) AT TIME ZONE athar.default_time_zone()
		+ c.review_every)::date AS next_due
FROM athar.goal AS g
JOIN athar.cycle AS c ON c.id = g.cycle_id
LEFT JOIN athar.unit AS u ON u.id = g.unit_id
LEFT JOIN reviewed AS r ON r.goal_id = g.id
-- a goal that is set in the middle of its cycle is new when a rollup first sees it
LEFT JOIN LATERAL (SELECT min(p.rolled_up_at) AS rolled_up_at FROM athar.goal_progress AS p WHERE p.goal_id = g.id) AS f ON true
WHERE c.closed_at IS NULL
	AND c.period @> (now() AT TIME ZONE c.time_zone)::date
UNION ALL
SELECT
	'project',
	j.code::text,
	NULL,
	u.code::text,
	j.name,
	j.name_ar,
	e.review_every,
	r.reviewed_at,
	(greatest(r.reviewed_at, v.saved_at) AT TIME ZONE athar.default_time_zone() + e.review_every)::date
FROM athar.project AS j
JOIN athar.unit AS u ON u.id = j.unit_id
JOIN athar.plan_version AS v ON v.project_id = j.id AND v.version = 1
CROSS JOIN LATERAL (
	SELECT coalesce(min(c.review_every), interval '1 month') AS review_every
	FROM athar.action AS a
	JOIN athar.alignment AS l ON l.action_id = a.id
	JOIN athar.goal AS g ON g.id = l.goal_id
	JOIN athar.cycle AS c ON c.id = g.cycle_id
	WHERE a.project_id = j.id
		AND a.removed_in_version IS NULL
		AND c.closed_at IS NULL
		AND c.period @> (now() AT TIME ZONE c.time_zone)::date
) AS e
LEFT JOIN LATERAL (
	SELECT max(n.reviewed_at) AS reviewed_at
	FROM athar.review AS n
	WHERE n.project_id = j.id AND n.kind IN ('review', 'retrospective') AND n.reviewed_at <= statement_timestamp()
) AS r ON true
WHERE j.status <> 'closed';
COMMENT ON VIEW athar.reviews_due IS 'When every goal of a running cycle and every project that is not closed is to be reviewed next';
COMMENT ON COLUMN athar.reviews_due.kind IS 'goal or project';
COMMENT ON COLUMN athar.reviews_due.project IS 'Code of the project; NULL for a goal';
COMMENT ON COLUMN athar.reviews_due.goal IS 'Code of the goal; NULL for a project';
COMMENT ON COLUMN athar.reviews_due.unit IS 'Code of the unit that wants the goal, or is accountable for the project';
COMMENT ON COLUMN athar.reviews_due.title IS 'What the goal wants, or the name of the project';
COMMENT ON COLUMN athar.reviews_due.title_ar IS 'The same in Arabic';
COMMENT ON COLUMN athar.reviews_due.review_every IS 'How often: as the cycle says; for a project the shortest of the running cycles its actions serve, one month where they serve none';
COMMENT ON COLUMN athar.reviews_due.reviewed_at IS 'When it was last reviewed: a review or retrospective, for a goal also a check-in, for a key result also a review of the goal directly above; NULL if never';
COMMENT ON COLUMN athar.reviews_due.next_due IS 'review_every after that, or after the cycle began and a rollup first saw the goal, or the first version of the plan was saved, whichever is last; in the time zone of the setting athar.time_zone';

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
	AND p.status <> 'closed'
UNION ALL
SELECT
	CASE WHEN d.reviewed_at IS NULL THEN 'never_reviewed' ELSE 'review_late' END,
	d.project,
	NULL,
	d.goal,
	d.unit,
	d.next_due,
	t.today - d.next_due,
	d.title,
	d.title_ar
FROM athar.reviews_due AS d
CROSS JOIN (SELECT (now() AT TIME ZONE athar.default_time_zone())::date) AS t (today)
WHERE d.next_due + 3 < t.today
UNION ALL
SELECT
	'uncorrected',
	NULL,
	NULL,
	g.code::text,
	u.code::text,
	b.due_on,
	t.today - b.due_on,
	g.title,
	g.title_ar
-- goals with a target stand by themselves: no tree, and nothing of cycles that are over
FROM athar.goal_values(now(), only_running => true) AS v
JOIN athar.goal AS g ON g.id = v.goal_id
JOIN athar.cycle AS c ON c.id = g.cycle_id
CROSS JOIN LATERAL (SELECT athar.progress(g.target, v.value, v.baseline) AS progress) AS s
LEFT JOIN athar.unit AS u ON u.id = g.unit_id
CROSS JOIN (SELECT (now() AT TIME ZONE athar.default_time_zone())::date) AS t (today)
CROSS JOIN LATERAL (
	SELECT lower(c.period)::timestamp AT TIME ZONE c.time_zone AS starts_at,
		upper(c.period)::timestamp AT TIME ZONE c.time_zone - lower(c.period)::timestamp AT TIME ZONE c.time_zone AS length
) AS p
CROSS JOIN LATERAL (
	-- progress is off track from the moment when 0.3 more is expected, until it changes
	SELECT least(now(), coalesce(
		max(least(n.off_at, n.changed_at)) FILTER (WHERE n.off_at > n.rolled_up_at),
		p.starts_at + p.length * (athar.shown_progress(s.progress) + 0.3))) AS at
	FROM (
		SELECT h.rolled_up_at, lead(h.rolled_up_at) OVER (ORDER BY h.rolled_up_at) AS changed_at,
			p.starts_at + p.length * (athar.shown_progress(h.progress) + 0.3) AS off_at
		FROM athar.goal_progress AS h
		WHERE h.goal_id = g.id) AS n
) AS off
CROSS JOIN LATERAL (SELECT (off.at AT TIME ZONE athar.default_time_zone() + c.review_every)::date AS due_on) AS b
WHERE g.target IS NOT NULL
	AND athar.goal_status(s.progress, (s.progress IS NOT NULL)::integer, athar.elapsed_share(c.period, c.time_zone, now()), g.commitment, true) = 'off_track'
	AND b.due_on + 3 < t.today
	AND NOT EXISTS (
		SELECT
		FROM athar.review AS r
		JOIN athar.action AS a ON a.id = r.action_id
		WHERE r.goal_id = g.id
			AND r.kind = 'decision'
			AND r.reviewed_at >= off.at
			AND a.removed_in_version IS NULL
			AND a.status <> 'cancelled');
COMMENT ON VIEW athar.overdue IS 'What should have been done by now, one row each; days are cut in the time zone of the setting athar.time_zone. Closed projects are not followed up; reviews and corrections have three days of grace';
COMMENT ON COLUMN athar.overdue.kind IS 'late: an action that is planned or in progress after its due_on; never_reviewed, review_late: a goal or project that should have been reviewed (reviews_due); uncorrected: a goal with a target that is off_track, where in the time between two reviews no decision linked it with an action that is to correct it';
COMMENT ON COLUMN athar.overdue.project IS 'Code of the project; NULL for a goal';
COMMENT ON COLUMN athar.overdue.action IS 'Id of the action in the plan; NULL for a goal, and for a project as a whole';
COMMENT ON COLUMN athar.overdue.goal IS 'Code of the goal; NULL for an action or a project';
COMMENT ON COLUMN athar.overdue.unit IS 'Code of the unit that owns the action or wants the goal, or else of the one accountable for the project';
COMMENT ON COLUMN athar.overdue.since IS 'The day by which it should have been done';
COMMENT ON COLUMN athar.overdue.days IS 'Days since then';
COMMENT ON COLUMN athar.overdue.title IS 'What it is';
COMMENT ON COLUMN athar.overdue.title_ar IS 'What it is, in Arabic';
