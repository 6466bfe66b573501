-- 71 alignment: what work serves which goal, and what in the tree does not fit together

CREATE OR REPLACE FUNCTION athar.align(goal text, project text, action text, share double precision DEFAULT 1)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', 'an alignment needs a goal, a project and an action',
		'Nothing was changed.', 'Give the codes of all three.')
	WHERE num_nulls(align.goal, align.project, align.action) > 0;
	SELECT athar.fail('22003', format('the share of action "%s" is not a finite number', align.action),
		'Nothing was changed.', 'Give a number above 0 and at most 1.')
	WHERE NOT abs(align.share) < 'Infinity';
	SELECT athar.fail('22023', format('share %s of action "%s" is out of range', align.share, align.action),
		'A share says how much of the action serves the goal.', 'Give a number above 0 and at most 1.')
	WHERE align.share <= 0 OR align.share > 1;
	SELECT athar.goal_id(align.goal);
	SELECT athar.writable_project(align.project);
	SELECT athar.missing('action', format('%s" of project "%s', align.action, align.project), 'save_plan()')
	WHERE NOT EXISTS (
		SELECT
		FROM athar.action AS a
		WHERE a.project_id = athar.project_id(align.project)
			AND a.item_id = align.action
			AND a.removed_in_version IS NULL);
	-- two alignments at once could exceed 1 together
	SELECT a.id
	FROM athar.action AS a
	WHERE a.project_id = athar.project_id(align.project) AND a.item_id = align.action
	FOR NO KEY UPDATE;
	SELECT athar.fail('22023', format('action "%s" would serve goals with %s of itself', align.action, s.others + coalesce(align.share, 1)),
		format('Other goals have %s of it already.', s.others), 'Give smaller shares, so that they come to 1 at most.')
	FROM (
		SELECT sum(l.share) AS others
		FROM athar.alignment AS l
		JOIN athar.action AS a ON a.id = l.action_id
		WHERE a.project_id = athar.project_id(align.project)
			AND a.item_id = align.action
			AND l.goal_id <> athar.goal_id(align.goal)
	) AS s
	WHERE s.others + coalesce(align.share, 1) > 1 + 1e-9;
	INSERT INTO athar.alignment AS l (goal_id, action_id, share)
	SELECT athar.goal_id(align.goal), a.id, coalesce(align.share, 1)
	FROM athar.action AS a
	WHERE a.project_id = athar.project_id(align.project) AND a.item_id = align.action
	ON CONFLICT (goal_id, action_id) DO UPDATE SET share = excluded.share
	WHERE l.share <> excluded.share;
	SELECT l.id
	FROM athar.alignment AS l
	JOIN athar.action AS a ON a.id = l.action_id
	WHERE l.goal_id = athar.goal_id(align.goal)
		AND a.project_id = athar.project_id(align.project)
		AND a.item_id = align.action;
END;
COMMENT ON FUNCTION athar.align(text, text, text, double precision) IS
'Says that an action (by its project''s code and its id in the plan) serves a goal, with which share of itself (1 unless given), and returns the id; said again, it changes the share. An action may serve several goals, with 1 in all. 22023 where a code is missing, for a share that is not above 0 and at most 1, or where the shares would exceed 1 in sum; 22003 for a share of NaN or infinity; 42704 for an unknown goal or project, and for an action that is not in the plan; AT005 where the caller may not write the plan. Two sessions that align one action wait for each other; at REPEATABLE READ the sum is that of the transaction''s own snapshot, so use READ COMMITTED or SERIALIZABLE.';

CREATE OR REPLACE FUNCTION athar.unalign(goal text, project text, action text)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	-- in statements of their own: over an empty table a condition is not looked at
	SELECT athar.goal_id(unalign.goal);
	SELECT athar.writable_project(unalign.project);
	WITH gone AS (
		DELETE FROM athar.alignment AS l
		USING athar.action AS a
		WHERE l.goal_id = athar.goal_id(unalign.goal)
			AND l.action_id = a.id
			AND a.project_id = athar.project_id(unalign.project)
			AND a.item_id = unalign.action
		RETURNING l.id
	)
	SELECT EXISTS (SELECT FROM gone);
END;
COMMENT ON FUNCTION athar.unalign(text, text, text) IS
'Says that an action no longer serves a goal; returns whether it did. Also for an action that the plan no longer has. 42704 for an unknown goal or project; AT005 where the caller may not write the plan.';

-- Who works for what

CREATE OR REPLACE VIEW athar.goals_above WITH (security_invoker = true) AS
WITH RECURSIVE line (goal_id, above_id, level) AS (
	SELECT g.id, g.id, 1
	FROM athar.goal AS g
	UNION ALL
	SELECT l.goal_id, g.parent_id, l.level + 1
	FROM line AS l
	JOIN athar.goal AS g ON g.id = l.above_id
	WHERE g.parent_id IS NOT NULL
)
SELECT l.goal_id, l.above_id, l.level
FROM line AS l;
COMMENT ON VIEW athar.goals_above IS 'Every goal with itself and with each goal above it, by ids';
COMMENT ON COLUMN athar.goals_above.goal_id IS 'Internal key of the goal';
COMMENT ON COLUMN athar.goals_above.above_id IS 'Internal key of itself, or of a goal above it';
COMMENT ON COLUMN athar.goals_above.level IS '1 for itself, 2 for the goal it serves, and so on';

CREATE OR REPLACE VIEW athar.goal_actions WITH (security_invoker = true) AS
SELECT
	l.goal_id,
	a.id AS action_id,
	a.project_id,
	coalesce(a.owner_id, j.unit_id) AS unit_id,
	a.budget,
	l.share::double precision AS share
FROM athar.alignment AS l
JOIN athar.action AS a ON a.id = l.action_id
JOIN athar.project AS j ON j.id = a.project_id
WHERE a.removed_in_version IS NULL AND a.status <> 'cancelled';
COMMENT ON VIEW athar.goal_actions IS 'The actions that serve goals, by ids: those that their plans have and that are not cancelled';
COMMENT ON COLUMN athar.goal_actions.goal_id IS 'Internal key of the goal';
COMMENT ON COLUMN athar.goal_actions.action_id IS 'Internal key of the action';
COMMENT ON COLUMN athar.goal_actions.project_id IS 'Internal key of its project';
COMMENT ON COLUMN athar.goal_actions.unit_id IS 'Internal key of the unit that does it: its owner, or without one its project''s unit';
COMMENT ON COLUMN athar.goal_actions.budget IS 'Money set aside for it, in the currency of the plan';
COMMENT ON COLUMN athar.goal_actions.share IS 'Share of the action that serves the goal';

CREATE OR REPLACE FUNCTION athar.goal_shares()
RETURNS TABLE (goal_id integer, share double precision)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1000
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT w.goal_id, sum(w.share)
	FROM athar.goal_actions AS w
	GROUP BY w.goal_id;
END;
COMMENT ON FUNCTION athar.goal_shares() IS
'How much work serves each goal: the sum of the shares of all actions, those of plans that the reader may not see, too. No row for a goal that none serves. With its owner''s rights, because else one agency''s part of a goal would look like all of it to that agency.';

CREATE OR REPLACE VIEW athar.goal_contributors WITH (security_invoker = true) AS
SELECT
	g.code::text AS goal,
	g.title,
	g.kind,
	u.code::text AS unit,
	u.name AS unit_name,
	u.name_ar AS unit_name_ar,
	count(DISTINCT w.action_id) AS actions,
	sum(w.budget * w.share::numeric) AS budget,
	bool_or(n.level = 1) AS is_direct
FROM athar.goal_actions AS w
JOIN athar.goals_above AS n ON n.goal_id = w.goal_id
JOIN athar.goal AS g ON g.id = n.above_id
JOIN athar.unit AS u ON u.id = w.unit_id
GROUP BY g.id, u.id;
COMMENT ON VIEW athar.goal_contributors IS 'Which units work for each goal: one row per goal and unit whose actions serve it or a goal below it';
COMMENT ON COLUMN athar.goal_contributors.goal IS 'Code of the goal';
COMMENT ON COLUMN athar.goal_contributors.title IS 'What is wanted';
COMMENT ON COLUMN athar.goal_contributors.kind IS 'policy, strategy, objective or key_result';
COMMENT ON COLUMN athar.goal_contributors.unit IS 'Code of the unit: the owner of the action, or without one the unit of its project';
COMMENT ON COLUMN athar.goal_contributors.unit_name IS 'Name of the unit';
COMMENT ON COLUMN athar.goal_contributors.unit_name_ar IS 'Name of the unit in Arabic';
COMMENT ON COLUMN athar.goal_contributors.actions IS 'How many of its actions serve the goal';
COMMENT ON COLUMN athar.goal_contributors.budget IS 'Their budgets, each by the share that serves the goal, in the currency of the plans; NULL where none has one';
COMMENT ON COLUMN athar.goal_contributors.is_direct IS 'True where one of them serves the goal itself, not only a goal below it';

CREATE OR REPLACE VIEW athar.alignment_gaps WITH (security_invoker = true) AS
WITH RECURSIVE part (action_id, project_id, parent_item_id, above_id) AS (
	-- an action with itself and with each action it is part of
	SELECT a.id, a.project_id, a.parent_item_id, a.id
	FROM athar.action AS a
	WHERE a.removed_in_version IS NULL
	UNION
	SELECT p.action_id, a.project_id, a.parent_item_id, a.id
	FROM part AS p
	JOIN athar.action AS a ON a.project_id = p.project_id AND a.item_id = p.parent_item_id
	WHERE a.removed_in_version IS NULL
), served AS (
	-- what is part of an action that serves a goal, and what has such a part
	SELECT p.action_id AS id FROM part AS p JOIN athar.alignment AS l ON l.action_id = p.above_id
	UNION
	SELECT p.above_id FROM part AS p JOIN athar.alignment AS l ON l.action_id = p.action_id
)
SELECT
	'action_without_goal' AS gap,
	NULL::text AS goal,
	j.code::text AS project,
	a.item_id AS action,
	a.title,
	a.title_ar,
	u.code::text AS unit,
	NULL::text AS cycle,
	a.budget
FROM athar.action AS a
JOIN athar.project AS j ON j.id = a.project_id
JOIN athar.unit AS u ON u.id = coalesce(a.owner_id, j.unit_id)
WHERE a.removed_in_version IS NULL
	AND a.status <> 'cancelled'
	AND NOT a.id IN (SELECT s.id FROM served AS s)
UNION ALL
SELECT
	'goal_without_action',
	g.code::text,
	NULL,
	NULL,
	g.title,
	g.title_ar,
	u.code::text,
	c.code::text,
	NULL
FROM athar.goal AS g
LEFT JOIN athar.unit AS u ON u.id = g.unit_id
LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
WHERE c.closed_at IS NULL
	AND NOT g.id IN (SELECT n.above_id FROM athar.goal_shares() AS w JOIN athar.goals_above AS n ON n.goal_id = w.goal_id);
COMMENT ON VIEW athar.alignment_gaps IS 'Work that serves no goal, and goals for which nobody works: one row each';
COMMENT ON COLUMN athar.alignment_gaps.gap IS 'action_without_goal: neither it, nor what it is part of, nor a part of it serves a goal; goal_without_action: no action of any plan serves it or a goal below it. Cancelled actions and goals of closed cycles are left out';
COMMENT ON COLUMN athar.alignment_gaps.goal IS 'Code of the goal; NULL for an action';
COMMENT ON COLUMN athar.alignment_gaps.project IS 'Code of the project; NULL for a goal';
COMMENT ON COLUMN athar.alignment_gaps.action IS 'The action''s id in the plan; NULL for a goal';
COMMENT ON COLUMN athar.alignment_gaps.title IS 'What is done, or wanted';
COMMENT ON COLUMN athar.alignment_gaps.title_ar IS 'What is done, or wanted, in Arabic';
COMMENT ON COLUMN athar.alignment_gaps.unit IS 'Code of the unit that does it, or wants it';
COMMENT ON COLUMN athar.alignment_gaps.cycle IS 'Code of the goal''s cycle';
COMMENT ON COLUMN athar.alignment_gaps.budget IS 'Money set aside for the action, in the currency of the plan';

CREATE OR REPLACE VIEW athar.handoffs WITH (security_invoker = true) AS
SELECT
	s.code::text AS service,
	t.code::text AS stage,
	t.name,
	t.name_ar,
	array_agg(DISTINCT u.code::text ORDER BY u.code::text) AS units,
	count(DISTINCT w.action_id) AS actions
FROM athar.stage AS t
JOIN athar.service AS s ON s.id = t.service_id
JOIN (
	SELECT n.id AS stage_id, v.unit_id, NULL::integer AS action_id
	FROM athar.stage AS n
	JOIN athar.service AS v ON v.id = n.service_id
	UNION ALL
	SELECT a.stage_id, coalesce(a.owner_id, j.unit_id), a.id
	FROM athar.action AS a
	JOIN athar.project AS j ON j.id = a.project_id
	WHERE a.removed_in_version IS NULL AND a.status <> 'cancelled'
) AS w ON w.stage_id = t.id
JOIN athar.unit AS u ON u.id = w.unit_id
GROUP BY t.id, s.id
HAVING count(DISTINCT w.unit_id) > 1;
COMMENT ON VIEW athar.handoffs IS 'Stages of a journey in the hands of more than one unit: that of the service, and those whose actions change the stage';
COMMENT ON COLUMN athar.handoffs.service IS 'Code of the service';
COMMENT ON COLUMN athar.handoffs.stage IS 'Code of the stage, within that service';
COMMENT ON COLUMN athar.handoffs.name IS 'Name of the stage';
COMMENT ON COLUMN athar.handoffs.name_ar IS 'Name of the stage in Arabic';
COMMENT ON COLUMN athar.handoffs.units IS 'Codes of the units';
COMMENT ON COLUMN athar.handoffs.actions IS 'How many actions change the stage; cancelled ones are left out';

CREATE OR REPLACE FUNCTION athar.line_of_sight(unit text DEFAULT NULL, role name DEFAULT current_user)
RETURNS TABLE (
	project text, action text, action_title text, by_unit text, part text, serves text, level integer, goal text, kind text, title text,
	share double precision, contribution double precision, progress double precision, status text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
	SELECT athar.unit_id(line_of_sight.unit), athar.may_see(NULL, line_of_sight.role);
	WITH RECURSIVE mine (id) AS (
		SELECT u.id
		FROM athar.unit AS u
		WHERE u.id = athar.unit_id(line_of_sight.unit) OR line_of_sight.unit IS NULL
		UNION
		SELECT u.id
		FROM mine AS m
		JOIN athar.unit AS u ON u.parent_id = m.id
	), work AS (
		SELECT a.id, j.code AS project, a.item_id, a.title, w.unit_id, min(w.part) AS part
		FROM athar.action AS a
		JOIN athar.project AS j ON j.id = a.project_id
		CROSS JOIN LATERAL (
			SELECT coalesce(a.owner_id, j.unit_id) AS unit_id, 'owner' AS part
			UNION ALL
			SELECT p.unit_id, p.role
			FROM athar.participant AS p
			WHERE p.action_id = a.id AND NOT p.unit_id = coalesce(a.owner_id, j.unit_id)
		) AS w
		WHERE a.removed_in_version IS NULL
			AND a.status <> 'cancelled'
			AND w.unit_id IN (SELECT m.id FROM mine AS m)
			AND athar.may_see(w.unit_id, line_of_sight.role)
		GROUP BY a.id, j.code, w.unit_id
	), line AS (
		SELECT l.action_id, l.goal_id AS serves_id, l.goal_id, 1 AS level, l.share,
			l.share / t.share AS contribution
		FROM athar.goal_actions AS l
		JOIN athar.goal_shares() AS t ON t.goal_id = l.goal_id
		WHERE l.action_id IN (SELECT w.id FROM work AS w)
		UNION ALL
		SELECT l.action_id, l.serves_id, p.id, l.level + 1, l.share,
			-- a goal with a target of its own is not made up of those below it
			CASE WHEN p.target IS NULL THEN
				l.contribution * least(g.weight, 1e300) / nullif((SELECT sum(least(s.weight, 1e300)) FROM athar.goal AS s WHERE s.parent_id = p.id), 0) END
		FROM line AS l
		JOIN athar.goal AS g ON g.id = l.goal_id
		JOIN athar.goal AS p ON p.id = g.parent_id
	), state AS MATERIALIZED (
		SELECT s.goal_id, s.raw_progress, s.status
		FROM athar.goal_states(now()) AS s
	)
	SELECT w.project::text, w.item_id, w.title, u.code::text, w.part, v.code::text, l.level, g.code::text, g.kind, g.title,
		l.share, l.contribution, athar.shown_progress(s.raw_progress), s.status
	FROM work AS w
	JOIN athar.unit AS u ON u.id = w.unit_id
	LEFT JOIN line AS l ON l.action_id = w.id
	LEFT JOIN athar.goal AS v ON v.id = l.serves_id
	LEFT JOIN athar.goal AS g ON g.id = l.goal_id
	LEFT JOIN state AS s ON s.goal_id = g.id
	ORDER BY w.project, w.item_id, u.code, v.code, l.level;
END;
COMMENT ON FUNCTION athar.line_of_sight(text, name) IS
'How the work of a unit, and of the units below it, serves the goals: for each of its actions (by_unit; part owner, accountable, responsible, consulted or informed) and each goal the action serves, one row per goal from that one (level 1) to the top. Without a unit: of every unit that the role, the caller unless given, may see (may_see()).
share: of the action, for the goal served. contribution: of the goal, by the shares of all actions that serve the one at level 1, then by the weights on the way up; NULL above a goal that has a target of its own. progress and status: of the goal, now. An action that serves nothing has one row without a goal. 42704 for an unknown unit or role.';

-- What does not fit together

CREATE OR REPLACE VIEW athar.opposed_goals WITH (security_invoker = true) AS
WITH aim AS MATERIALIZED (
	SELECT g.id, g.code::text AS goal, u.code::text AS unit, c.code::text AS cycle, g.target, v.baseline, g.kpi_id, g.service_id, g.channel_id,
		coalesce(c.period, '(,)') AS period, athar.lowest_of(g.target, v.baseline) AS low, athar.highest_of(g.target, v.baseline) AS high
	FROM athar.goal AS g
	JOIN athar.goal_values(now()) AS v ON v.goal_id = g.id
	LEFT JOIN athar.unit AS u ON u.id = g.unit_id
	LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
	WHERE g.kpi_id IS NOT NULL AND g.target IS NOT NULL AND c.closed_at IS NULL
), reach AS (
	SELECT a.kpi_id, max(a.low) AS highest_floor, min(a.high) AS lowest_ceiling
	FROM aim AS a
	GROUP BY a.kpi_id
), less AS MATERIALIZED (
	-- who asks for less than somebody's floor, or for what cannot be said without a baseline
	SELECT a.*
	FROM aim AS a
	JOIN reach AS r ON r.kpi_id = a.kpi_id AND (a.high < r.highest_floor OR a.high IS NULL)
), more AS MATERIALIZED (
	SELECT a.*
	FROM aim AS a
	JOIN reach AS r ON r.kpi_id = a.kpi_id AND (a.low > r.lowest_ceiling OR a.low IS NULL)
)
SELECT
	k.code::text AS kpi,
	s.code::text AS service,
	h.code::text AS channel,
	p.goal,
	p.unit,
	p.cycle,
	p.target::text AS target,
	p.other_goal,
	p.other_unit,
	p.other_cycle,
	p.other_target::text AS other_target,
	(l.service_id, l.channel_id) IS NOT DISTINCT FROM (m.service_id, m.channel_id) AS is_same_figure
FROM less AS l
JOIN more AS m ON m.kpi_id = l.kpi_id
	-- where neither has a known baseline their signs decide
	AND (l.high < m.low OR l.high IS NULL AND m.low IS NULL AND l.id < m.id)
	AND m.period && l.period
	AND (l.service_id = m.service_id OR l.service_id IS NULL OR m.service_id IS NULL)
	AND (l.channel_id = m.channel_id OR l.channel_id IS NULL OR m.channel_id IS NULL)
CROSS JOIN LATERAL (
	SELECT l.goal, l.unit, l.cycle, l.target, m.goal, m.unit, m.cycle, m.target
	WHERE l.id < m.id
	UNION ALL
	SELECT m.goal, m.unit, m.cycle, m.target, l.goal, l.unit, l.cycle, l.target
	WHERE l.id > m.id
) AS p (goal, unit, cycle, target, other_goal, other_unit, other_cycle, other_target)
JOIN athar.kpi AS k ON k.id = l.kpi_id
LEFT JOIN athar.service AS s ON s.id = coalesce(l.service_id, m.service_id)
LEFT JOIN athar.channel AS h ON h.id = coalesce(l.channel_id, m.channel_id)
WHERE athar.are_opposed(l.target, m.target, l.baseline, m.baseline);
COMMENT ON VIEW athar.opposed_goals IS 'Pairs of goals that pull one KPI apart at the same time: no figure can meet both targets (are_opposed())';
COMMENT ON COLUMN athar.opposed_goals.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.opposed_goals.service IS 'Code of the service; NULL for the whole';
COMMENT ON COLUMN athar.opposed_goals.channel IS 'Code of the channel; NULL for all together';
COMMENT ON COLUMN athar.opposed_goals.goal IS 'Code of the one goal';
COMMENT ON COLUMN athar.opposed_goals.unit IS 'Code of the unit that wants it';
COMMENT ON COLUMN athar.opposed_goals.cycle IS 'Code of its cycle';
COMMENT ON COLUMN athar.opposed_goals.target IS 'Its target';
COMMENT ON COLUMN athar.opposed_goals.other_goal IS 'Code of the other goal';
COMMENT ON COLUMN athar.opposed_goals.other_unit IS 'Code of the unit that wants that';
COMMENT ON COLUMN athar.opposed_goals.other_cycle IS 'Code of its cycle';
COMMENT ON COLUMN athar.opposed_goals.other_target IS 'Its target';
COMMENT ON COLUMN athar.opposed_goals.is_same_figure IS 'True where both are measured by the same figure; false where one is measured by the whole of which the other has a part';

CREATE OR REPLACE VIEW athar.okr_lint WITH (security_invoker = true) AS
WITH stated AS MATERIALIZED (
	SELECT
		g.id,
		g.code::text AS goal,
		g.kind,
		g.title,
		g.unit_id,
		g.cycle_id,
		g.service_id,
		g.kpi_id,
		g.target,
		g.rationale,
		c.code::text AS cycle,
		u.code::text AS unit,
		k.code::text AS kpi,
		k.direction,
		-- the KPI counts shares: of 1, or of 100
		CASE WHEN k.unit_of_measure ~* '^ *(%|per ?cent)' THEN 100 WHEN k.kind IN ('ratio', 'share_within') OR k.unit_of_measure ~* '^ *(share|ratio|rate)' THEN 1 END AS whole,
		v.value,
		v.baseline,
		athar.kind_of(g.target) AS target_kind,
		athar.goal_of(g.target, v.baseline) AS goal_value,
		athar.start_of(g.target, v.baseline) AS start_value,
		b.goals AS goals_below,
		b.is_weightless
	FROM athar.goal AS g
	JOIN athar.goal_values(now()) AS v ON v.goal_id = g.id
	LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
	LEFT JOIN athar.unit AS u ON u.id = g.unit_id
	LEFT JOIN athar.kpi AS k ON k.id = g.kpi_id
	LEFT JOIN (
		SELECT n.parent_id, count(*) AS goals, bool_and(n.weight = 0) AS is_weightless
		FROM athar.goal AS n
		GROUP BY n.parent_id
	) AS b ON b.parent_id = g.id
	WHERE c.closed_at IS NULL
), expected AS (
	-- what the actions that serve a goal are to do to its own KPI
	SELECT s.id, sum(athar.goal_of(e.target, s.baseline) - s.baseline) AS change, count(*) AS actions
	FROM stated AS s
	JOIN athar.goal_actions AS w ON w.goal_id = s.id
	JOIN athar.action AS a ON a.id = w.action_id AND (s.service_id IS NULL OR a.service_id = s.service_id)
	JOIN (
		SELECT f.action_id, f.kpi_id, CASE WHEN athar.is_target(f.target) THEN f.target::athar.target END AS target
		FROM athar.effect AS f
		WHERE NOT f.is_withdrawn
	) AS e ON e.action_id = a.id AND e.kpi_id = s.kpi_id
	WHERE abs(athar.goal_of(e.target, s.baseline)) < 1e300 AND abs(s.baseline) < 1e300 AND abs(s.goal_value) < 1e300
	GROUP BY s.id
), finding (goal, title, kind, unit, cycle, check_code, severity, sentence, sentence_ar) AS (
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'no_metric', 'error',
		'nothing measures it: it has no KPI, and nobody has checked in with a figure',
		'لا شيء يقيسه: ليس له مؤشر، ولم يسجل أحد قيمة له'
	FROM stated AS s
	WHERE s.kind = 'key_result' AND s.kpi_id IS NULL AND s.value IS NULL AND s.goals_below IS NULL
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'no_target', 'error',
		'it does not say what is to be reached: no target, and no goals below it',
		'لا يبيّن ما يراد بلوغه: ليس له مستهدف، ولا أهداف تحته'
	FROM stated AS s
	WHERE s.kind = 'key_result' AND s.target IS NULL AND s.goals_below IS NULL
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'no_baseline', CASE s.target_kind WHEN 'relative' THEN 'error' ELSE 'notice' END,
		format('there is no figure from before the cycle to start from: "%s" %s', s.target,
			CASE s.target_kind WHEN 'relative' THEN 'cannot be measured' ELSE 'is measured by the share of the bound' END),
		format('لا توجد قيمة سابقة للدورة يُبدأ منها: %s "%s"', CASE s.target_kind WHEN 'relative' THEN 'لا يمكن قياس المستهدف' ELSE 'يقاس بنسبة ما بُلغ من الحد المستهدفُ' END, s.target)
	FROM stated AS s
	WHERE s.target_kind IN ('relative', 'at_least', 'at_most', 'between') AND s.baseline IS NULL
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'baseline_is_zero', 'error',
		format('"%s" is relative to a baseline of 0: write "from 0 to ..."', s.target),
		format('المستهدف "%s" منسوب إلى خط أساس يساوي صفرًا: اكتب "from 0 to ..."', s.target)
	FROM stated AS s
	WHERE s.target_kind = 'relative' AND s.baseline = 0
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'no_deadline', 'error',
		'it belongs to no cycle, so it is never due',
		'لا ينتمي إلى دورة، فليس له موعد'
	FROM stated AS s
	WHERE s.kind IN ('objective', 'key_result') AND s.cycle_id IS NULL
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'no_owner', 'error',
		'no unit answers for it',
		'لا توجد جهة مسؤولة عنه'
	FROM stated AS s
	WHERE s.unit_id IS NULL
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'no_rationale', 'warning',
		'it does not say why it is wanted, so it cannot be published',
		'لا يبيّن سبب اختياره، فلا يمكن نشره'
	FROM stated AS s
	WHERE s.kind <> 'key_result' AND coalesce(s.rationale, '') !~ '[^[:space:]]'
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'nothing_below', 'warning',
		'no goal stands below it and it has no target, so nothing will ever be measured',
		'لا أهداف تحته ولا مستهدف له، فلن يقاس شيء'
	FROM stated AS s
	WHERE s.kind <> 'key_result' AND s.target IS NULL AND s.goals_below IS NULL
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'no_weight', 'warning',
		'every goal below it has weight 0, so none is counted',
		'أوزان الأهداف التي تحته كلها صفر، فلا يُحتسب أيٌّ منها'
	FROM stated AS s
	WHERE s.target IS NULL AND s.is_weightless
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'relative_share', 'notice',
		format('"%s" of a share is not as many points: from %s it leads to %s; %s points would lead to %s', s.target, p.low, p.high, rtrim(s.target::text, '%'), p.by_points),
		format('التغير النسبي "%s" غير النقاط المئوية: يؤدي من %s إلى %s، أما %s نقطة فتؤدي إلى %s', s.target, p.low, p.high, rtrim(s.target::text, '%'), p.by_points)
	FROM stated AS s
	CROSS JOIN LATERAL (
		SELECT athar.figure_text(s.baseline, s.baseline, 'en') AS low, athar.figure_text(s.goal_value, s.goal_value, 'en') AS high,
			athar.figure_text(d.figure, d.figure, 'en') AS by_points
		FROM (SELECT s.baseline + rtrim(s.target::text, '%')::double precision * (s.whole / 100.0)) AS d (figure)
	) AS p
	WHERE s.target_kind = 'relative' AND s.whole IS NOT NULL AND s.goal_value IS NOT NULL AND abs(s.baseline) < 1e300
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'against_direction', 'warning',
		format('"%s" moves KPI "%s" the way that is worse', s.target, s.kpi),
		format('المستهدف "%s" يحرك المؤشر "%s" في اتجاه الأسوأ', s.target, s.kpi)
	FROM stated AS s
	WHERE s.direction = 'up' AND (s.goal_value < s.start_value AND NOT s.target_kind IN ('at_least', 'between') OR s.target_kind = 'at_most' OR s.target_kind = 'relative' AND s.target::text LIKE '-%')
		OR s.direction = 'down' AND (s.goal_value > s.start_value AND NOT s.target_kind IN ('at_most', 'between') OR s.target_kind = 'at_least' OR s.target_kind = 'relative' AND s.target::text LIKE '+%')
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'met_before', 'notice',
		format('"%s" was met before the cycle began, by %s', s.target, athar.figure_text(s.baseline, s.baseline, 'en')),
		format('المستهدف "%s" متحقق قبل بدء الدورة بقيمة %s', s.target, athar.figure_text(s.baseline, s.baseline, 'ar'))
	FROM stated AS s
	WHERE athar.is_met(s.target, s.baseline, s.baseline)
	UNION ALL
	SELECT s.goal, s.title, s.kind, s.unit, s.cycle, 'effects_fall_short', 'warning',
		format('the actions that serve it are expected to change "%s" by %s together; the target asks for %s', s.kpi, athar.figure_text(e.change, e.change, 'en'), athar.figure_text(s.goal_value - s.baseline, s.goal_value - s.baseline, 'en')),
		format('يُتوقع من الإجراءات التي تخدمه تغيير "%s" بمقدار %s مجتمعةً، والمستهدف يتطلب %s', s.kpi, athar.figure_text(e.change, e.change, 'ar'), athar.figure_text(s.goal_value - s.baseline, s.goal_value - s.baseline, 'ar'))
	FROM stated AS s
	JOIN expected AS e ON e.id = s.id
	WHERE NOT athar.is_met(s.target, s.baseline + e.change, s.baseline)
)
SELECT f.goal, f.title, f.kind, f.unit, f.cycle, f.check_code, f.severity, f.sentence, f.sentence_ar
FROM finding AS f;
COMMENT ON VIEW athar.okr_lint IS 'What keeps a goal from being specific, measurable, achievable or due: one row per finding; goals of closed cycles are left out';
COMMENT ON COLUMN athar.okr_lint.goal IS 'Code of the goal';
COMMENT ON COLUMN athar.okr_lint.title IS 'What is wanted';
COMMENT ON COLUMN athar.okr_lint.kind IS 'policy, strategy, objective or key_result';
COMMENT ON COLUMN athar.okr_lint.unit IS 'Code of the unit that wants it';
COMMENT ON COLUMN athar.okr_lint.cycle IS 'Code of its cycle';
COMMENT ON COLUMN athar.okr_lint.check_code IS 'no_metric, no_target, no_baseline, baseline_is_zero, no_deadline, no_owner, no_rationale, nothing_below, no_weight, relative_share (20 % more is not 20 points more), against_direction, met_before or effects_fall_short';
COMMENT ON COLUMN athar.okr_lint.severity IS 'error: it cannot be measured or nobody answers for it; warning: it may not mean what it seems to; notice: worth knowing';
COMMENT ON COLUMN athar.okr_lint.sentence IS 'What is wrong, in English';
COMMENT ON COLUMN athar.okr_lint.sentence_ar IS 'What is wrong, in Arabic';
