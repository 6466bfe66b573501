-- 72 grade: what became of the goals, where they are heading, and what the public reads

-- Revisions

CREATE OR REPLACE VIEW athar.goal_revisions WITH (security_invoker = true) AS
WITH term (goal_id, ordinal, revised_at, author, reason, parent_id, kpi_id, service_id, channel_id, target, weight, commitment) AS (
	SELECT r.goal_id, r.id, r.revised_at, r.author, r.reason, r.parent_id, r.kpi_id, r.service_id, r.channel_id, r.target, r.weight, r.commitment
	FROM athar.goal_revision AS r
	UNION ALL
	-- what the last revision led to
	SELECT g.id, NULL, 'infinity', NULL, NULL, g.parent_id, g.kpi_id, g.service_id, g.channel_id, g.target, g.weight, g.commitment
	FROM athar.goal AS g
), revision AS (
	SELECT
		t.*,
		lead(t.parent_id) OVER later AS new_parent_id,
		lead(t.kpi_id) OVER later AS new_kpi_id,
		lead(t.service_id) OVER later AS new_service_id,
		lead(t.channel_id) OVER later AS new_channel_id,
		lead(t.target) OVER later AS new_target,
		lead(t.weight) OVER later AS new_weight,
		lead(t.commitment) OVER later AS new_commitment
	FROM term AS t
	WINDOW later AS (PARTITION BY t.goal_id ORDER BY t.ordinal NULLS LAST)
), figure AS MATERIALIZED (
	SELECT v.goal_id, v.value, v.baseline
	FROM athar.goal_values(now()) AS v
)
SELECT
	g.code::text AS goal,
	g.title,
	c.code::text AS cycle,
	r.revised_at,
	r.author,
	r.reason,
	r.target::text AS old_target,
	r.new_target::text AS new_target,
	r.weight::double precision AS old_weight,
	r.new_weight::double precision AS new_weight,
	r.commitment AS old_commitment,
	r.new_commitment,
	p.code::text AS old_parent,
	q.code::text AS new_parent,
	(r.kpi_id, r.service_id, r.channel_id) IS DISTINCT FROM (r.new_kpi_id, r.new_service_id, r.new_channel_id) AS is_other_figure,
	v.value AS current,
	CASE WHEN (r.kpi_id, r.service_id, r.channel_id) IS NOT DISTINCT FROM (g.kpi_id, g.service_id, g.channel_id) THEN
		athar.progress(r.target, v.value, v.baseline) END AS old_progress,
	CASE WHEN (r.new_kpi_id, r.new_service_id, r.new_channel_id) IS NOT DISTINCT FROM (g.kpi_id, g.service_id, g.channel_id) THEN
		athar.progress(r.new_target, v.value, v.baseline) END AS new_progress
FROM revision AS r
JOIN athar.goal AS g ON g.id = r.goal_id
JOIN figure AS v ON v.goal_id = r.goal_id
LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
LEFT JOIN athar.goal AS p ON p.id = r.parent_id
LEFT JOIN athar.goal AS q ON q.id = r.new_parent_id
WHERE r.ordinal IS NOT NULL;
COMMENT ON VIEW athar.goal_revisions IS 'Every revision of a goal: what it was before, what it became, why, and today''s figure graded by both targets';
COMMENT ON COLUMN athar.goal_revisions.goal IS 'Code of the goal';
COMMENT ON COLUMN athar.goal_revisions.title IS 'What is wanted';
COMMENT ON COLUMN athar.goal_revisions.cycle IS 'Code of its cycle';
COMMENT ON COLUMN athar.goal_revisions.revised_at IS 'When it was revised';
COMMENT ON COLUMN athar.goal_revisions.author IS 'Who revised it';
COMMENT ON COLUMN athar.goal_revisions.reason IS 'Why';
COMMENT ON COLUMN athar.goal_revisions.old_target IS 'Its target before';
COMMENT ON COLUMN athar.goal_revisions.new_target IS 'Its target after';
COMMENT ON COLUMN athar.goal_revisions.old_weight IS 'Its weight before';
COMMENT ON COLUMN athar.goal_revisions.new_weight IS 'Its weight after';
COMMENT ON COLUMN athar.goal_revisions.old_commitment IS 'committed or aspirational, before';
COMMENT ON COLUMN athar.goal_revisions.new_commitment IS 'committed or aspirational, after';
COMMENT ON COLUMN athar.goal_revisions.old_parent IS 'Code of the goal it served before';
COMMENT ON COLUMN athar.goal_revisions.new_parent IS 'Code of the goal it served after';
COMMENT ON COLUMN athar.goal_revisions.is_other_figure IS 'True where it was measured by another KPI, service or channel afterwards';
COMMENT ON COLUMN athar.goal_revisions.current IS 'Its figure now';
COMMENT ON COLUMN athar.goal_revisions.old_progress IS 'What that is by the old target, not clamped; NULL without a target, and where another figure is measured now';
COMMENT ON COLUMN athar.goal_revisions.new_progress IS 'What that is by the new target';

-- Grades

CREATE OR REPLACE FUNCTION athar.close_cycle(cycle text)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_cycle_manager(close_cycle.cycle);
	-- the rollup's lock first, as the rollup takes them, then against goals being created or revised (check_cycle)
	SELECT pg_advisory_xact_lock('pg_class'::regclass::oid::integer, 'athar.goal_progress'::regclass::oid::integer);
	SELECT c.id FROM athar.cycle AS c WHERE c.id = athar.cycle_id(close_cycle.cycle) FOR UPDATE;
	SELECT athar.fail('55000', format('cycle "%s" is closed already', c.code),
		'Its goals have their grades, which never change.', 'Read them in goal_grades; what was corrected since stands beside them.')
	FROM athar.cycle AS c
	WHERE c.code = close_cycle.cycle AND c.closed_at IS NOT NULL;
	SELECT athar.fail('55000', format('cycle "%s" has not begun', c.code),
		'There is nothing to grade.', 'Wait for its first day.')
	FROM athar.cycle AS c
	WHERE c.code = close_cycle.cycle AND lower(c.period)::timestamp AT TIME ZONE c.time_zone > now();
	UPDATE athar.cycle AS c
	SET closed_at = now()
	WHERE c.code = close_cycle.cycle;
	SELECT athar.roll_up_goals(close_cycle.cycle);
	WITH state AS MATERIALIZED (
		SELECT s.goal_id, s.current, s.raw_progress, s.coverage, s.status, s.said_status
		FROM athar.goal_states(now()) AS s
	), planned AS MATERIALIZED (
		SELECT s.goal_id, s.raw_progress, s.status
		FROM athar.goal_states(now(), as_first_planned => true) AS s
	)
	INSERT INTO athar.goal_grade (goal_id, graded_at, target, value, progress, coverage, status, said_status, first_target, first_progress, first_status)
	SELECT g.id, now(), g.target, s.current, s.raw_progress, s.coverage, s.status, s.said_status,
		coalesce(r.target, CASE WHEN r.id IS NULL THEN g.target END), f.raw_progress, f.status
	FROM athar.goal AS g
	JOIN athar.cycle AS c ON c.id = g.cycle_id
	JOIN state AS s ON s.goal_id = g.id
	JOIN planned AS f ON f.goal_id = g.id
	LEFT JOIN LATERAL (
		SELECT n.id, n.target
		FROM athar.goal_revision AS n
		WHERE n.goal_id = g.id AND n.revised_at >= lower(c.period)::timestamp AT TIME ZONE c.time_zone
		ORDER BY n.revised_at, n.id
		LIMIT 1
	) AS r ON true
	WHERE c.code = close_cycle.cycle;
	SELECT count(*)::integer
	FROM athar.goal_grade AS d
	JOIN athar.goal AS g ON g.id = d.goal_id
	WHERE g.cycle_id = athar.cycle_id(close_cycle.cycle);
END;
COMMENT ON FUNCTION athar.close_cycle(text) IS
'Closes a cycle, even before its last day: every goal of it gets its grade, once and for all, by its target and by the one with which it went into the cycle; returns the number of goals. Figures, check-ins and rollups go on, and goal_grades shows what has become of a grade since; no goal of the cycle is created or revised any more (title, rationale and all else included). Waits for a rollup and for goals being created or revised. 22023 without a cycle, 42704 for an unknown one, 55000 for one that is closed already or has not begun, AT005 where a unit limits the caller.';

CREATE OR REPLACE VIEW athar.goal_grades WITH (security_invoker = true) AS
WITH state AS MATERIALIZED (
	-- once, whatever the planner thinks of tables nobody has analysed
	SELECT s.goal_id, s.current, s.raw_progress, s.coverage, s.status
	FROM athar.goal_states(now()) AS s
)
SELECT
	g.code::text AS goal,
	g.title,
	g.title_ar,
	g.kind,
	u.code::text AS unit,
	c.code::text AS cycle,
	d.graded_at,
	d.target::text AS target,
	d.value,
	d.progress AS raw_progress,
	athar.shown_progress(d.progress) AS progress,
	d.coverage,
	d.status,
	d.said_status,
	d.first_target::text AS first_target,
	athar.shown_progress(d.first_progress) AS first_progress,
	d.first_status,
	s.current AS value_now,
	athar.shown_progress(s.raw_progress) AS progress_now,
	s.status AS status_now,
	NOT (athar.is_same_figure(d.value, s.current, 0) AND athar.is_same_figure(d.progress, s.raw_progress, 0)
		AND athar.is_same_figure(d.coverage, s.coverage, 0)) AS is_corrected
FROM athar.goal_grade AS d
JOIN athar.goal AS g ON g.id = d.goal_id
JOIN state AS s ON s.goal_id = d.goal_id
LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
LEFT JOIN athar.unit AS u ON u.id = g.unit_id;
COMMENT ON VIEW athar.goal_grades IS 'The grades of closed cycles, as they were given, and beside them what the figures say now';
COMMENT ON COLUMN athar.goal_grades.goal IS 'Code of the goal';
COMMENT ON COLUMN athar.goal_grades.title IS 'What is wanted';
COMMENT ON COLUMN athar.goal_grades.title_ar IS 'What is wanted, in Arabic';
COMMENT ON COLUMN athar.goal_grades.kind IS 'policy, strategy, objective or key_result';
COMMENT ON COLUMN athar.goal_grades.unit IS 'Code of the unit that wants it';
COMMENT ON COLUMN athar.goal_grades.cycle IS 'Code of its cycle';
COMMENT ON COLUMN athar.goal_grades.graded_at IS 'When the cycle was closed';
COMMENT ON COLUMN athar.goal_grades.target IS 'The target it was graded by';
COMMENT ON COLUMN athar.goal_grades.value IS 'Its figure then';
COMMENT ON COLUMN athar.goal_grades.raw_progress IS 'Progress then, as computed';
COMMENT ON COLUMN athar.goal_grades.progress IS 'The same, clamped to 0..1: the grade; NULL where nothing was measured';
COMMENT ON COLUMN athar.goal_grades.coverage IS 'Share of the weight below that was measured, 0 to 1';
COMMENT ON COLUMN athar.goal_grades.status IS 'achieved, missed or no_data';
COMMENT ON COLUMN athar.goal_grades.said_status IS 'The author''s own word then';
COMMENT ON COLUMN athar.goal_grades.first_target IS 'The target with which it went into the cycle';
COMMENT ON COLUMN athar.goal_grades.first_progress IS 'The grade by the targets and weights with which the goals went into the cycle, 0 to 1';
COMMENT ON COLUMN athar.goal_grades.first_status IS 'achieved, missed or no_data by those';
COMMENT ON COLUMN athar.goal_grades.value_now IS 'Its figure now, by what was reported and corrected since';
COMMENT ON COLUMN athar.goal_grades.progress_now IS 'Progress now, 0 to 1';
COMMENT ON COLUMN athar.goal_grades.status_now IS 'Status now';
COMMENT ON COLUMN athar.goal_grades.is_corrected IS 'True where value, progress or coverage are others now';

-- Where it is heading

CREATE OR REPLACE VIEW athar.goal_forecast WITH (security_invoker = true) AS
WITH stood AS (
	SELECT p.goal_id, p.rolled_up_at, p.progress, lead(p.rolled_up_at) OVER (PARTITION BY p.goal_id ORDER BY p.rolled_up_at) AS changed_at
	FROM athar.goal_progress AS p
), point AS (
	-- every change, and the last time it was found unchanged
	SELECT s.goal_id, athar.elapsed_share(c.period, c.time_zone, m.at) AS x, s.progress AS y
	FROM stood AS s
	JOIN athar.goal AS g ON g.id = s.goal_id
	JOIN athar.cycle AS c ON c.id = g.cycle_id
	CROSS JOIN LATERAL (
		SELECT s.rolled_up_at
		UNION
		SELECT max(r.rolled_up_at)
		FROM athar.goal_rollup AS r
		WHERE s.changed_at IS NULL AND r.rolled_up_at >= s.rolled_up_at AND (r.cycle_id IS NULL OR r.cycle_id = g.cycle_id)
	) AS m (at)
	WHERE s.progress BETWEEN -1e100 AND 1e100
		AND m.at >= lower(c.period)::timestamp AT TIME ZONE c.time_zone
		AND m.at < upper(c.period)::timestamp AT TIME ZONE c.time_zone
), line AS (
	SELECT
		p.goal_id,
		count(*) AS points,
		max(p.x) - min(p.x) AS span,
		regr_slope(p.y, p.x) AS slope,
		regr_intercept(p.y, p.x) + regr_slope(p.y, p.x) AS at_end,
		-- Student's prediction interval of one further point, at 1
		sqrt(greatest(0, regr_syy(p.y, p.x) - regr_sxy(p.y, p.x) ^ 2 / nullif(regr_sxx(p.y, p.x), 0)) / nullif(count(*) - 2, 0)
			* (1 + 1.0 / count(*) + (1 - avg(p.x)) ^ 2 / nullif(regr_sxx(p.y, p.x), 0))) AS error
	FROM point AS p
	GROUP BY p.goal_id
)
SELECT
	g.code::text AS goal,
	g.title,
	g.kind,
	c.code::text AS cycle,
	coalesce(l.points, 0) AS points,
	f.pace,
	f.forecast,
	f.forecast - f.half AS forecast_low,
	f.forecast + f.half AS forecast_high,
	CASE
		WHEN f.forecast - f.half >= f.success THEN 'likely'
		WHEN f.forecast + f.half < f.success THEN 'unlikely'
		WHEN f.half IS NOT NULL THEN 'open'
	END AS outlook
FROM athar.goal AS g
JOIN athar.cycle AS c ON c.id = g.cycle_id AND c.closed_at IS NULL
LEFT JOIN line AS l ON l.goal_id = g.id
CROSS JOIN LATERAL (
	SELECT
		CASE WHEN b.is_enough THEN l.slope END AS pace,
		CASE WHEN b.is_enough THEN l.at_end END AS forecast,
		CASE WHEN b.is_enough THEN l.error * athar.student_t_quantile(0.975, l.points - 2) END AS half,
		CASE g.commitment WHEN 'aspirational' THEN 0.7 ELSE 1 END - 1e-6 AS success
	FROM (SELECT l.points >= 3 AND l.span >= 0.1 AS is_enough) AS b
) AS f
WHERE athar.elapsed_share(c.period, c.time_zone, now()) BETWEEN 1e-9 AND 1 - 1e-9;
COMMENT ON VIEW athar.goal_forecast IS 'Where every goal of a running cycle is heading: a straight line through what the rollups kept of its progress, followed to the end of the cycle, with the 95 % prediction interval. A line knows nothing of what is planned, and takes each change for independent of the one before';
COMMENT ON COLUMN athar.goal_forecast.goal IS 'Code of the goal';
COMMENT ON COLUMN athar.goal_forecast.title IS 'What is wanted';
COMMENT ON COLUMN athar.goal_forecast.kind IS 'policy, strategy, objective or key_result';
COMMENT ON COLUMN athar.goal_forecast.cycle IS 'Code of its cycle';
COMMENT ON COLUMN athar.goal_forecast.points IS 'Points of the line: each change of its progress in the cycle, and the last run that found it unchanged';
COMMENT ON COLUMN athar.goal_forecast.pace IS 'Progress in the time of a whole cycle at this pace; NULL with fewer than three points, or where they span less than a tenth of the cycle';
COMMENT ON COLUMN athar.goal_forecast.forecast IS 'Progress at the end of the cycle, not clamped; NULL as pace';
COMMENT ON COLUMN athar.goal_forecast.forecast_low IS 'Lower end of the 95 % prediction interval';
COMMENT ON COLUMN athar.goal_forecast.forecast_high IS 'Upper end of it';
COMMENT ON COLUMN athar.goal_forecast.outlook IS 'likely: the whole interval reaches success (1, of an aspirational goal 0.7); unlikely: none of it does; open: it may or may not; NULL where there is no forecast';

-- What the public may read

CREATE OR REPLACE FUNCTION athar.publish_goal(goal text, is_public boolean DEFAULT true)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', 'a goal is required', 'Nothing was changed.', 'Give the code of the goal to publish.')
	WHERE publish_goal.goal IS NULL;
	SELECT g.id FROM athar.goal AS g WHERE g.id = athar.goal_id(publish_goal.goal) FOR NO KEY UPDATE;
	SELECT athar.check_goal_writer(publish_goal.goal, 'manage');
	SELECT athar.fail('22023', format('goal "%s" has no rationale', g.code),
		'People would read what is wanted and not why; it was not published.',
		format('Say why: revise_goal(%L, rationale => ..., reason => ...).', g.code))
	FROM athar.goal AS g
	WHERE g.code = publish_goal.goal
		AND coalesce(publish_goal.is_public, true)
		AND g.kind <> 'key_result'
		AND coalesce(g.rationale, '') !~ '[^[:space:]]';
	UPDATE athar.goal AS g
	SET published_at = CASE WHEN coalesce(publish_goal.is_public, true) THEN now() END
	WHERE g.code = publish_goal.goal
		AND (g.published_at IS NOT NULL) <> coalesce(publish_goal.is_public, true);
	SELECT athar.goal_id(publish_goal.goal);
END;
COMMENT ON FUNCTION athar.publish_goal(text, boolean) IS
'Lets the public read a goal in public_goals, or with is_public => false no longer, and returns its id. A policy, strategy or objective is published with its rationale only: 22023 without one. What was published before keeps its date. 22023 without a goal, 42704 for an unknown one, AT005 for one of a unit for which the caller does not manage.';
