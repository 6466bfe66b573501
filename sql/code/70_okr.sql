-- 70 okr: what is wanted, and how far it has come

-- Look-ups

CREATE OR REPLACE FUNCTION athar.goal_id(code text)
RETURNS integer
LANGUAGE SQL STABLE STRICT PARALLEL SAFE
RETURN coalesce(
	(SELECT g.id FROM athar.goal AS g WHERE g.code = goal_id.code),
	athar.missing('goal', code, 'create_goal()'));
COMMENT ON FUNCTION athar.goal_id(text) IS 'The id of the goal with this code; NULL for NULL. 42704 if there is none.';

-- The tree

CREATE OR REPLACE FUNCTION athar.roll_up_tree(
	ids integer[], parents integer[], weights double precision[], progresses double precision[], has_own boolean[])
RETURNS TABLE (id integer, progress double precision, coverage double precision)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 1000
AS 'MODULE_PATHNAME', 'athar_roll_up_tree';
COMMENT ON FUNCTION athar.roll_up_tree(integer[], integer[], double precision[], double precision[], boolean[]) IS
'Rolls progress up a tree whose nodes are given element by element: id, parent (NULL at the top), weight, own progress (NULL: not measured), and whether the node is measured by itself. One row per node, in the order given.
A node measured by itself has its own progress, and coverage 1, or 0 where it is not measured. Any other has the mean of its measured children by weight, each clamped to 0..1 so that none that overshoots hides one that fails, and coverage sum(weight * coverage) / sum(weight) over all its children. Children of weight 0 count in neither. Nothing measured: progress NULL, coverage 0.
A parent that is not among the ids counts as none. Nodes on a loop get nothing from below. 22023 for arrays of different lengths, an id given twice or a negative weight, 22004 for a NULL id, weight or flag, 22003 for NaN and infinity.';

CREATE OR REPLACE FUNCTION athar.tree_paths(ids integer[], parents integer[], labels text[])
RETURNS TABLE (id integer, depth integer, path text)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 1000
AS 'MODULE_PATHNAME', 'athar_tree_paths';
COMMENT ON FUNCTION athar.tree_paths(integer[], integer[], text[]) IS
'Tells the place of every node of a tree given element by element: its depth (1 at the top) and the labels from the top down to it, joined by " > ". One row per node, in the order given.
A parent that is not among the ids counts as none. Nodes on a loop and below one have neither depth nor path. 22023 for arrays of different lengths or an id given twice, 22004 for a NULL id or label.';

CREATE OR REPLACE FUNCTION athar.shown_progress(progress double precision)
RETURNS double precision
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN progress IS NOT NULL THEN greatest(0, least(1, progress)) END;
COMMENT ON FUNCTION athar.shown_progress(double precision) IS 'Progress as it is shown: clamped to 0..1. NULL for NULL.';

-- Goals

-- Everybody reads the one tree; what the figures of another agency's goals are, or its targets, is not for others to write.
CREATE OR REPLACE FUNCTION athar.check_goal_writer(goal text, level text)
RETURNS void
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.fail('AT005', format('role "%s" may not write about goal "%s"', athar.caller(), g.code),
		format('Nothing was changed. It was given level %s for units that neither want the goal nor work for it.', check_goal_writer.level),
		format('Ask who acts for %s.', coalesce('unit "' || u.code || '"', 'all units: the goal is of none')))
	FROM athar.goal AS g
	LEFT JOIN athar.unit AS u ON u.id = g.unit_id
	WHERE g.code = check_goal_writer.goal
		AND NOT athar.is_unlimited(athar.caller(), check_goal_writer.level)
		AND NOT EXISTS (
			SELECT
			FROM athar.held_units(athar.caller(), check_goal_writer.level) AS h (id)
			WHERE h.id = g.unit_id
				OR check_goal_writer.level = 'contribute' AND h.id IN (
					SELECT coalesce(a.owner_id, j.unit_id)
					FROM athar.alignment AS l
					JOIN athar.action AS a ON a.id = l.action_id
					JOIN athar.project AS j ON j.id = a.project_id
					WHERE l.goal_id = g.id AND a.removed_in_version IS NULL));
END;
COMMENT ON FUNCTION athar.check_goal_writer(text, text) IS
'Raises AT005 where the caller was given this level for units alone, and the goal is of none of them, nor of one below; with level contribute a unit whose actions serve the goal writes, too. Used by what writes goals.';

CREATE OR REPLACE FUNCTION athar.goal_values(at timestamptz DEFAULT now(), only_goals integer[] DEFAULT NULL, only_running boolean DEFAULT false)
RETURNS TABLE (goal_id integer, value double precision, baseline double precision, measured_until date)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	WITH wanted AS MATERIALIZED (
		-- goals that look at one series through one window share its number
		SELECT
			g.id AS goal_id,
			w.is_baseline,
			dense_rank() OVER (
				ORDER BY g.kpi_id, g.service_id, g.channel_id, w.observed_from, w.begins_before, w.ends_after, w.ends_by) AS series,
			g.kpi_id,
			g.service_id,
			g.channel_id,
			w.observed_from,
			w.begins_before,
			w.ends_after,
			w.ends_by
		FROM athar.goal AS g
		JOIN athar.kpi AS k ON k.id = g.kpi_id
		LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
		CROSS JOIN LATERAL (SELECT (goal_values.at AT TIME ZONE k.time_zone)::date) AS t (today)
		CROSS JOIN LATERAL (VALUES
			(false, coalesce(lower(c.period), t.today - 365), coalesce(upper(c.period), 'infinity'), coalesce(lower(c.period), '-infinity'), least(t.today, upper(c.period))),
			(true, lower(c.period) - (upper(c.period) - lower(c.period)), lower(c.period), '-infinity', lower(c.period))
		) AS w (is_baseline, observed_from, begins_before, ends_after, ends_by)
		WHERE (goal_values.only_goals IS NULL OR g.id = ANY (goal_values.only_goals))
			AND (goal_values.only_running IS NOT TRUE OR c.closed_at IS NULL AND c.period @> (goal_values.at AT TIME ZONE c.time_zone)::date)
			AND w.ends_by IS NOT NULL
	), series AS MATERIALIZED (
		SELECT DISTINCT ON (w.series) w.series, w.kpi_id, w.service_id, w.channel_id, w.observed_from, w.begins_before, w.ends_after, w.ends_by
		FROM wanted AS w
		ORDER BY w.series
	), figure AS (
		SELECT
			s.series,
			CASE WHEN bool_or(m.channel_id IS NULL) AND s.channel_id IS NULL AND m.origin = 'reported' THEN
				athar.measurement_value(min(m.kind),
					athar.merge(m.summary) FILTER (WHERE m.channel_id IS NULL),
					sum(m.numerator) FILTER (WHERE m.channel_id IS NULL),
					sum(m.denominator) FILTER (WHERE m.channel_id IS NULL))
			ELSE
				-- what one channel counts another may give as numerator and denominator
				athar.measurement_value(min(m.kind), athar.merge(m.summary),
					sum(m.numerator) + coalesce(sum(athar.total(m.summary)) FILTER (WHERE m.denominator IS NULL), 0),
					sum(m.denominator) + coalesce(sum(athar.n(m.summary)) FILTER (WHERE m.denominator IS NULL), 0))
			END AS value,
			max(upper(m.period)) AS ends_on,
			min(upper(m.period) - lower(m.period)) AS days,
			m.basis
		FROM series AS s
		JOIN athar.measurement_rows AS m ON m.kpi_id = s.kpi_id
			AND coalesce(m.service_id, 0) = coalesce(s.service_id, 0)
			AND (m.channel_id = s.channel_id OR s.channel_id IS NULL)
			AND lower(m.period) < s.begins_before
			AND CASE m.origin
				WHEN 'reported' THEN m.stage_id IS NULL AND upper(m.period) <= s.ends_by AND upper(m.period) > s.ends_after
				ELSE lower(m.period) >= s.observed_from AND lower(m.period) <= s.ends_by
			END
		-- what the index can look up, whatever the planner makes of the join
		WHERE m.kpi_id = ANY (ARRAY(SELECT DISTINCT s.kpi_id FROM series AS s))
			AND (m.service_id = ANY (ARRAY(SELECT DISTINCT s.service_id FROM series AS s WHERE s.service_id IS NOT NULL))
				OR m.service_id IS NULL)
		GROUP BY s.series, s.channel_id, m.origin, m.basis, CASE m.origin WHEN 'reported' THEN m.period END
	), newest AS (
		SELECT DISTINCT ON (f.series) f.series, f.value, f.ends_on
		FROM figure AS f
		WHERE f.value > '-Infinity' AND f.value < 'Infinity'
		ORDER BY f.series, f.ends_on DESC, f.days, f.basis
	), measured AS (
		SELECT w.goal_id, w.is_baseline, n.value, n.ends_on
		FROM wanted AS w
		JOIN newest AS n ON n.series = w.series
	), typed AS (
		SELECT
			r.goal_id,
			(array_agg(r.value::double precision ORDER BY r.reviewed_at DESC, r.id DESC))[1] AS value,
			max((r.reviewed_at AT TIME ZONE coalesce(c.time_zone, athar.default_time_zone()))::date) AS reviewed_on,
			(array_agg(r.value::double precision ORDER BY r.reviewed_at DESC, r.id DESC) FILTER (
				WHERE r.reviewed_at < lower(c.period)::timestamp AT TIME ZONE c.time_zone))[1] AS baseline
		FROM athar.review AS r
		JOIN athar.goal AS g ON g.id = r.goal_id
		LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
		WHERE g.kpi_id IS NULL
			AND r.value IS NOT NULL
			AND r.kind <> 'recognition'
			AND r.reviewed_at <= goal_values.at
			AND (goal_values.only_goals IS NULL OR r.goal_id = ANY (goal_values.only_goals))
			AND (goal_values.only_running IS NOT TRUE OR c.closed_at IS NULL AND c.period @> (goal_values.at AT TIME ZONE c.time_zone)::date)
		GROUP BY r.goal_id
	)
	SELECT g.id, coalesce(current.value, typed.value), coalesce(baseline.value, typed.baseline),
		coalesce(current.ends_on - 1, typed.reviewed_on)
	FROM athar.goal AS g
	LEFT JOIN measured AS current ON current.goal_id = g.id AND NOT current.is_baseline
	LEFT JOIN measured AS baseline ON baseline.goal_id = g.id AND baseline.is_baseline
	LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
	LEFT JOIN typed ON typed.goal_id = g.id
	WHERE (goal_values.only_goals IS NULL OR g.id = ANY (goal_values.only_goals))
		AND (goal_values.only_running IS NOT TRUE OR c.closed_at IS NULL AND c.period @> (goal_values.at AT TIME ZONE c.time_zone)::date);
END;
COMMENT ON FUNCTION athar.goal_values(timestamptz, integer[], boolean) IS
'The figure of every goal at a moment, and its baseline: one row per goal, or the goals whose ids are given, or with only_running the goals of cycles that are open and run at that moment.
A goal with a KPI has the newest figure of that KPI for its service (NULL: the whole) and channel (NULL: all channels together, merged where they were reported one by one): of reported periods the latest that has ended, with a cycle one that ends within it, the shortest where several end together; observed days are merged over the cycle so far, over a year where there is no cycle. Without a KPI it has the newest value that a review gave.
baseline: the newest figure before the cycle begins (observed days: merged over as many days before it); NULL without a cycle. NULL where there is no figure, or none that is finite.
measured_until: the last day that the figure covers; the day of the review, where one gave it.';

CREATE OR REPLACE FUNCTION athar.goal_status(
	progress double precision, coverage double precision, expected double precision, commitment text, has_target boolean)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN progress IS NULL THEN 'no_data'
	-- what is rolled up may be off in its last places; a figure has been forgiven those already
	WHEN progress >= CASE WHEN commitment = 'aspirational' THEN 0.7 - 1e-9 WHEN has_target THEN 1 ELSE 1 - 1e-9 END
		AND (coverage >= 1 - 1e-9 OR expected >= 1) THEN CASE WHEN coverage >= 1 - 1e-9 THEN 'achieved' ELSE 'no_data' END
	WHEN expected >= 1 THEN 'missed'
	WHEN progress - expected >= -0.1 - 1e-9 THEN 'on_track'
	WHEN progress - expected >= -0.3 - 1e-9 THEN 'caution'
	WHEN expected IS NOT NULL THEN 'off_track'
END;
COMMENT ON FUNCTION athar.goal_status(double precision, double precision, double precision, text, boolean) IS
'What progress not clamped, coverage and expected progress come to. no_data where nothing is measured; achieved where progress is 1 and all of it is measured (0.7 is enough for an aspirational goal); missed once the cycle is over (expected 1); before that by progress - expected: on_track from -0.1, caution from -0.3, else off_track. What is measured below reached the goal and the rest is unknown when the cycle is over: no_data. NULL where there is no cycle to be measured against.';

CREATE OR REPLACE FUNCTION athar.goal_states(at timestamptz DEFAULT now(), as_first_planned boolean DEFAULT false)
RETURNS TABLE (
	goal_id integer, current double precision, baseline double precision, raw_progress double precision, coverage double precision,
	expected double precision, status text, said_status text, confidence double precision, reviewed_at timestamptz)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	WITH planned AS (
		-- what the first revision in the cycle found
		SELECT DISTINCT ON (r.goal_id) r.goal_id, r.kpi_id, r.service_id, r.channel_id, r.target, r.weight, r.commitment
		FROM athar.goal_revision AS r
		JOIN athar.goal AS g ON g.id = r.goal_id
		LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
		WHERE goal_states.as_first_planned
			AND (c.id IS NULL OR r.revised_at >= lower(c.period)::timestamp AT TIME ZONE c.time_zone)
		ORDER BY r.goal_id, r.revised_at, r.id
	), figure AS MATERIALIZED (
		SELECT
			g.id,
			g.parent_id,
			t.weight,
			t.commitment,
			t.target IS NOT NULL AS has_own,
			v.value,
			v.baseline,
			CASE WHEN t.is_same_figure THEN athar.progress(t.target, v.value, v.baseline) END AS progress,
			CASE WHEN c.closed_at <= goal_states.at THEN 1 ELSE athar.elapsed_share(c.period, c.time_zone, goal_states.at) END AS expected
		FROM athar.goal AS g
		JOIN athar.goal_values(goal_states.at) AS v ON v.goal_id = g.id
		LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
		LEFT JOIN planned AS p ON p.goal_id = g.id
		CROSS JOIN LATERAL (
			SELECT
				CASE WHEN p.goal_id IS NULL THEN g.target ELSE p.target END AS target,
				coalesce(p.weight, g.weight) AS weight,
				coalesce(p.commitment, g.commitment) AS commitment,
				p.goal_id IS NULL OR (p.kpi_id, p.service_id, p.channel_id) IS NOT DISTINCT FROM (g.kpi_id, g.service_id, g.channel_id) AS is_same_figure
		) AS t
	), tree AS (
		SELECT
			array_agg(f.id) AS ids,
			array_agg(f.parent_id) AS parents,
			array_agg(f.weight::double precision) AS weights,
			array_agg(f.progress) AS progresses,
			array_agg(f.has_own) AS has_own
		FROM figure AS f
	), said AS (
		SELECT
			r.goal_id,
			(array_agg(r.said_status ORDER BY r.reviewed_at DESC, r.id DESC) FILTER (WHERE r.said_status IS NOT NULL))[1] AS said_status,
			(array_agg(r.confidence::double precision ORDER BY r.reviewed_at DESC, r.id DESC) FILTER (WHERE r.confidence IS NOT NULL))[1] AS confidence,
			max(r.reviewed_at) AS reviewed_at
		FROM athar.review AS r
		WHERE r.goal_id IS NOT NULL AND r.kind <> 'recognition' AND r.reviewed_at <= goal_states.at
		GROUP BY r.goal_id
	)
	SELECT
		f.id,
		f.value,
		f.baseline,
		r.progress,
		r.coverage,
		f.expected,
		athar.goal_status(r.progress, r.coverage, f.expected, f.commitment, f.has_own),
		s.said_status,
		s.confidence,
		s.reviewed_at
	FROM tree AS t
	CROSS JOIN LATERAL athar.roll_up_tree(t.ids, t.parents, t.weights, t.progresses, t.has_own) AS r
	JOIN figure AS f ON f.id = r.id
	LEFT JOIN said AS s ON s.goal_id = f.id;
END;
COMMENT ON FUNCTION athar.goal_states(timestamptz, boolean) IS
'How every goal stands at a moment, one row each: its figure and baseline (goal_values()), progress not clamped (progress(), rolled up by roll_up_tree()), coverage, progress expected (elapsed_share() of its cycle, 1 once that is closed; NULL without one), status (goal_status()), and the newest status and confidence that reviews gave. A goal with a target is measured by its own figure, any other by the goals below it.
as_first_planned: by the targets, weights and commitments with which the goals went into their cycles, before revise_goal() changed them; progress is NULL where another figure was measured then.';

CREATE OR REPLACE FUNCTION athar.check_goal(code text, title text, weight double precision, commitment text)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT athar.fail('22023', format('goal "%s" needs a title', check_goal.code),
		'Nothing was changed.', 'Say what is wanted, so that people can read it.')
	WHERE coalesce(check_goal.title, '') !~ '[^[:space:]]';
	SELECT athar.fail('22023', format('goal commitment "%s" is unknown', check_goal.commitment),
		'Nothing was changed.', 'Use committed, where 1.0 is success, or aspirational, where 0.7 is.')
	WHERE check_goal.commitment NOT IN ('committed', 'aspirational');
	SELECT athar.fail('22003', format('the weight of goal "%s" is not a finite number', check_goal.code),
		'No weighted mean can be taken with it.', 'Give a number; 0 shows the goal without counting it.')
	WHERE NOT abs(check_goal.weight) < 'Infinity';
	SELECT athar.fail('22023', format('the weight of goal "%s" is negative: %s', check_goal.code, check_goal.weight),
		'No weighted mean can be taken with it.', 'Give 0 or more; 0 shows the goal without counting it.')
	WHERE check_goal.weight < 0;
END;
COMMENT ON FUNCTION athar.check_goal(text, text, double precision, text) IS
'Raises where a goal cannot have this title, weight or commitment: 22023 for a blank title, a negative weight and an unknown commitment, 22003 for a weight of NaN or infinity. Used by create_goal() and revise_goal().';

CREATE OR REPLACE FUNCTION athar.check_baseline(goal_id integer)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT athar.fail('22023', format('target "%s" of goal "%s" is relative to a baseline of 0', g.target, g.code),
		'A share of nothing is nothing, so no progress could be measured.', 'Say where to start and what to reach: "from 0 to 5".')
	FROM athar.goal AS g
	JOIN athar.goal_values(now(), ARRAY[check_baseline.goal_id]) AS v ON v.goal_id = g.id
	WHERE g.id = check_baseline.goal_id AND v.baseline = 0;
END;
COMMENT ON FUNCTION athar.check_baseline(integer) IS
'Raises 22023 where the baseline of the goal with this id is known to be 0. Used by create_goal() and revise_goal() for relative targets: for others it would only cost time.';

CREATE OR REPLACE FUNCTION athar.create_goal(
	code text, title text, kind text, cycle text DEFAULT NULL, parent text DEFAULT NULL, unit text DEFAULT NULL, kpi text DEFAULT NULL,
	service text DEFAULT NULL, channel text DEFAULT NULL, target athar.target DEFAULT NULL, weight double precision DEFAULT 1,
	commitment text DEFAULT 'committed', rationale text DEFAULT NULL, title_ar text DEFAULT NULL, rationale_ar text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_goal(create_goal.code, create_goal.title, create_goal.weight, create_goal.commitment);
	SELECT athar.check_definition('goal', create_goal.code, create_goal.title);
	SELECT athar.fail('22023', format('goal kind "%s" is unknown', create_goal.kind),
		'Nothing was changed.', 'Use policy, strategy, objective or key_result.')
	WHERE coalesce(create_goal.kind, '') NOT IN ('policy', 'strategy', 'objective', 'key_result');
	SELECT athar.fail('23505', format('goal "%s" exists already', create_goal.code),
		'Nothing was changed.', 'Use it, change it with revise_goal(), or choose another code.')
	WHERE EXISTS (SELECT FROM athar.goal AS g WHERE g.code = create_goal.code);
	SELECT athar.cycle_id(create_goal.cycle), athar.unit_id(create_goal.unit);
	SELECT athar.check_cycle(athar.cycle_id(create_goal.cycle));
	INSERT INTO athar.goal (code, title, title_ar, kind, cycle_id, parent_id, unit_id, kpi_id, service_id, channel_id,
		target, weight, commitment, rationale, rationale_ar)
	VALUES (create_goal.code, create_goal.title, create_goal.title_ar, create_goal.kind, athar.cycle_id(create_goal.cycle),
		athar.goal_id(create_goal.parent), athar.unit_id(create_goal.unit), athar.kpi_id(create_goal.kpi),
		athar.service_id(create_goal.service), athar.channel_id(create_goal.channel),
		create_goal.target, coalesce(create_goal.weight, 1), coalesce(create_goal.commitment, 'committed'), create_goal.rationale, create_goal.rationale_ar);
	SELECT athar.check_goal_writer(create_goal.code, 'manage');
	SELECT athar.check_baseline(g.id)
	FROM athar.goal AS g
	WHERE g.code = create_goal.code AND athar.kind_of(g.target) = 'relative';
	SELECT athar.goal_id(create_goal.code);
END;
COMMENT ON FUNCTION athar.create_goal(text, text, text, text, text, text, text, text, text, athar.target, double precision, text, text, text, text) IS
'Creates a goal and returns its id. kind: policy, strategy, objective or key_result; cycle, parent (the goal it serves), unit, kpi, service and channel by their codes; target: what the KPI''s figure is to reach, or without a KPI the figure of the check-ins; weight among its siblings, 0 to show it without counting it; commitment: committed (1.0 is success) or aspirational (0.7 is); rationale: why it is wanted, without which publish_goal() publishes key results alone.
22023 for a blank or malformed code, a blank title, an unknown kind or commitment, a negative weight, or a relative target whose baseline is known to be 0; 22003 for a weight of NaN or infinity; 42704 for an unknown code; 23505 if the code is taken; 55000 for a cycle that is closed; AT005 for a goal of a unit for which the caller does not manage.';

CREATE OR REPLACE FUNCTION athar.revise_goal(
	goal text, target athar.target DEFAULT NULL, weight double precision DEFAULT NULL, commitment text DEFAULT NULL,
	reason text DEFAULT NULL, title text DEFAULT NULL, title_ar text DEFAULT NULL, rationale text DEFAULT NULL, rationale_ar text DEFAULT NULL,
	parent text DEFAULT NULL, unit text DEFAULT NULL, kpi text DEFAULT NULL, service text DEFAULT NULL, channel text DEFAULT NULL, without text[] DEFAULT '{}')
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET athar.reason = ''
BEGIN ATOMIC
	SELECT athar.fail('22023', 'a revision needs a goal', 'Nothing was changed.', 'Give the code of the goal.')
	WHERE revise_goal.goal IS NULL;
	SELECT athar.fail('AT001', format('a reason is required to revise goal "%s"', revise_goal.goal),
		'Nothing was changed.', 'Say why, for those who will read its grade.')
	WHERE coalesce(revise_goal.reason, '') !~ '[^[:space:]]';
	SELECT set_config('athar.reason', revise_goal.reason, true);
	SELECT athar.fail('22023', format('a goal cannot be without "%s"', w.name),
		'Nothing was changed.', 'What can be taken away is target, parent, unit, kpi, service, channel, rationale, rationale_ar and title_ar.')
	FROM unnest(revise_goal.without) AS w (name)
	WHERE NOT coalesce(w.name = ANY ('{target,parent,unit,kpi,service,channel,rationale,rationale_ar,title_ar}'), false);
	SELECT athar.check_goal(revise_goal.goal, coalesce(revise_goal.title, 'as it is'), revise_goal.weight, revise_goal.commitment);
	SELECT g.id FROM athar.goal AS g WHERE g.id = athar.goal_id(revise_goal.goal) FOR NO KEY UPDATE;
	SELECT athar.check_goal_writer(revise_goal.goal, 'manage');
	SELECT athar.check_cycle(g.cycle_id)
	FROM athar.goal AS g
	WHERE g.code = revise_goal.goal;
	SELECT athar.goal_id(revise_goal.parent);
	-- the table's own trigger refuses loops too, even those that two sessions make together; this one knows the codes
	WITH RECURSIVE above (id) AS (
		SELECT g.id FROM athar.goal AS g WHERE g.code = revise_goal.parent
		UNION
		SELECT g.parent_id FROM above AS a JOIN athar.goal AS g ON g.id = a.id
	)
	SELECT athar.fail('AT006',
		format('goal "%s" cannot serve goal "%s"', revise_goal.goal, revise_goal.parent),
		'The second is the first itself or serves it already, so the tree would become a loop.',
		'Choose another parent, or move the second goal away first.')
	FROM above AS a
	JOIN athar.goal AS g ON g.id = a.id
	WHERE g.code = revise_goal.goal;
	SELECT athar.fail('22023', format('goal "%s" is published and would be without a rationale', g.code),
		'People would read what is wanted and not why.', 'Give another rationale, or withdraw the goal first: publish_goal(goal, false).')
	FROM athar.goal AS g
	WHERE g.code = revise_goal.goal
		AND g.published_at IS NOT NULL
		AND g.kind <> 'key_result'
		AND coalesce(revise_goal.rationale, CASE WHEN 'rationale' = ANY (revise_goal.without) THEN '' ELSE g.rationale END) !~ '[^[:space:]]';
	WITH wanted AS (
		SELECT
			g.id,
			coalesce(revise_goal.title, g.title) AS title,
			coalesce(revise_goal.title_ar, CASE WHEN 'title_ar' = ANY (w.names) THEN NULL ELSE g.title_ar END) AS title_ar,
			coalesce(revise_goal.rationale, CASE WHEN 'rationale' = ANY (w.names) THEN NULL ELSE g.rationale END) AS rationale,
			coalesce(revise_goal.rationale_ar, CASE WHEN 'rationale_ar' = ANY (w.names) THEN NULL ELSE g.rationale_ar END) AS rationale_ar,
			coalesce(athar.goal_id(revise_goal.parent), CASE WHEN 'parent' = ANY (w.names) THEN NULL ELSE g.parent_id END) AS parent_id,
			coalesce(athar.unit_id(revise_goal.unit), CASE WHEN 'unit' = ANY (w.names) THEN NULL ELSE g.unit_id END) AS unit_id,
			coalesce(athar.kpi_id(revise_goal.kpi), CASE WHEN 'kpi' = ANY (w.names) THEN NULL ELSE g.kpi_id END) AS kpi_id,
			coalesce(athar.service_id(revise_goal.service), CASE WHEN 'service' = ANY (w.names) THEN NULL ELSE g.service_id END) AS service_id,
			coalesce(athar.channel_id(revise_goal.channel), CASE WHEN 'channel' = ANY (w.names) THEN NULL ELSE g.channel_id END) AS channel_id,
			coalesce(revise_goal.target, CASE WHEN 'target' = ANY (w.names) THEN NULL ELSE g.target END) AS target,
			coalesce(revise_goal.weight, g.weight) AS weight,
			coalesce(revise_goal.commitment, g.commitment) AS commitment
		FROM athar.goal AS g
		CROSS JOIN (SELECT coalesce(revise_goal.without, '{}')) AS w (names)
		WHERE g.code = revise_goal.goal
	), changed AS (
		INSERT INTO athar.goal_revision (goal_id, revised_at, author, reason, parent_id, kpi_id, service_id, channel_id, target, weight, commitment)
		SELECT g.id, now(), athar.current_actor(), revise_goal.reason, g.parent_id, g.kpi_id, g.service_id, g.channel_id,
			g.target, g.weight, g.commitment
		FROM athar.goal AS g
		JOIN wanted AS w ON w.id = g.id
		WHERE (g.title, g.title_ar, g.rationale, g.rationale_ar, g.parent_id, g.unit_id, g.kpi_id, g.service_id, g.channel_id, g.target::text, g.weight, g.commitment)
			IS DISTINCT FROM
			(w.title, w.title_ar, w.rationale, w.rationale_ar, w.parent_id, w.unit_id, w.kpi_id, w.service_id, w.channel_id, w.target::text, w.weight, w.commitment)
		RETURNING goal_id
	)
	UPDATE athar.goal AS g
	SET title = w.title, title_ar = w.title_ar, rationale = w.rationale, rationale_ar = w.rationale_ar, parent_id = w.parent_id, unit_id = w.unit_id, kpi_id = w.kpi_id,
		service_id = w.service_id, channel_id = w.channel_id, target = w.target, weight = w.weight, commitment = w.commitment
	FROM wanted AS w
	JOIN changed AS c ON c.goal_id = w.id
	WHERE g.id = w.id;
	-- nor is one given to a unit of others
	SELECT athar.check_goal_writer(revise_goal.goal, 'manage');
	SELECT athar.check_baseline(g.id)
	FROM athar.goal AS g
	WHERE g.code = revise_goal.goal AND athar.kind_of(g.target) = 'relative';
	SELECT athar.goal_id(revise_goal.goal);
END;
COMMENT ON FUNCTION athar.revise_goal(text, athar.target, double precision, text, text, text, text, text, text, text, text, text, text, text, text[]) IS
'Changes a goal, keeps in goal_revision what it was measured by before, and why, and returns its id. What is not given (NULL) stays; without names what is to be taken away: target, parent, unit, kpi, service, channel, rationale, rationale_ar, title_ar. Kind and cycle do not change: that is another goal. Where nothing changes, nothing is kept.
AT001 without a reason; 22023 without a goal, for a blank title, an unknown commitment, a negative weight, an unknown name in without, a relative target whose baseline is known to be 0, and where a published goal would be without a rationale; 22003 for a weight of NaN or infinity; 42704 for an unknown code; 55000 where its cycle is closed; AT005 for a goal of a unit for which the caller does not manage, before or after; AT006 for a loop.';

CREATE OR REPLACE FUNCTION athar.check_in(
	goal text, value double precision DEFAULT NULL, confidence double precision DEFAULT NULL, note text DEFAULT NULL,
	at timestamptz DEFAULT now(), said_status text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', 'a check-in needs a goal',
		'Nothing was recorded.', 'Give the code of the goal.')
	WHERE check_in.goal IS NULL;
	SELECT athar.fail('22023', format('the check-in of goal "%s" says nothing', check_in.goal),
		'Nothing was recorded.', 'Give a value, a confidence, a status or a note.')
	WHERE num_nonnulls(check_in.value, check_in.confidence, check_in.said_status, nullif(btrim(check_in.note), '')) = 0;
	SELECT athar.fail('22003', format('the %s in the check-in of goal "%s" is not a finite number', f.name, check_in.goal),
		'Nothing was recorded.', 'Leave out what is not known.')
	FROM (VALUES ('value', check_in.value), ('confidence', check_in.confidence)) AS f (name, figure)
	WHERE NOT abs(f.figure) < 'Infinity';
	SELECT athar.fail('22023', format('confidence %s in the check-in of goal "%s" is out of range', check_in.confidence, check_in.goal),
		'Nothing was recorded.', 'Give a number from 0 (it will not be reached) to 1 (it surely will).')
	WHERE check_in.confidence NOT BETWEEN 0 AND 1;
	SELECT athar.fail('22023', format('status "%s" is unknown', check_in.said_status),
		'Nothing was recorded.', 'Use on_track, caution, off_track, achieved or missed.')
	WHERE check_in.said_status NOT IN ('on_track', 'caution', 'off_track', 'achieved', 'missed');
	SELECT athar.fail('22023', format('the check-in of goal "%s" needs a time of the years 1 to 9999', check_in.goal),
		'Nothing was recorded.', 'Give the moment it speaks of, or none for now.')
	WHERE check_in.at < '0001-01-01 00:00:00+00' OR check_in.at >= '10000-01-01 00:00:00+00';
	SELECT athar.check_goal_writer(check_in.goal, 'contribute');
	INSERT INTO athar.review (kind, goal_id, value, confidence, said_status, note, author, reviewed_at)
	VALUES ('check_in', athar.goal_id(check_in.goal), check_in.value, check_in.confidence, check_in.said_status,
		check_in.note, athar.current_actor(), coalesce(check_in.at, now()))
	RETURNING id;
END;
COMMENT ON FUNCTION athar.check_in(text, double precision, double precision, text, timestamptz, text) IS
'Records what somebody says about a goal and returns the id of the review: value (the goal''s figure, counted only where no KPI measures it), confidence to reach it (0 to 1), a note, the moment it speaks of, and said_status, the author''s own word (on_track, caution, off_track, achieved, missed). At least one of them. The author is current_actor(). 22023 without a goal or without anything said, for a confidence outside 0 to 1, an unknown status or a time outside the years 1 to 9999; 22003 for NaN and infinity; 42704 for an unknown goal; AT005 for one of a unit for which the caller does not contribute, and which that unit does not work for.';

CREATE OR REPLACE FUNCTION athar.roll_up_goals(cycle text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.cycle_id(roll_up_goals.cycle);
	-- one run after the other: each compares with what the one before it wrote
	SELECT pg_advisory_xact_lock('pg_class'::regclass::oid::integer, 'athar.goal_progress'::regclass::oid::integer);
	-- every effect on what people answer, once it is first found to be an improvement
	INSERT INTO athar.review (kind, form, project_id, action_id, value, author, reviewed_at)
	SELECT DISTINCT ON (a.id) 'recognition', 'team', a.project_id, a.id, m.difference, athar.current_actor(), now()
	FROM athar.effect AS e
	JOIN athar.kpi AS k ON k.id = e.kpi_id AND k.kind = 'likert'
	JOIN athar.action AS a ON a.id = e.action_id
	CROSS JOIN LATERAL (
		SELECT n.difference, n.verdict
		FROM athar.effect_measurement AS n
		WHERE n.effect_id = e.id
		ORDER BY n.id DESC
		LIMIT 1
	) AS m
	WHERE m.verdict = 'improved' AND NOT e.is_withdrawn
		AND NOT EXISTS (SELECT FROM athar.review AS r WHERE r.action_id = a.id AND r.goal_id IS NULL AND r.kind = 'recognition' AND r.note IS NULL)
	ORDER BY a.id, e.id
	ON CONFLICT (goal_id, action_id) WHERE kind = 'recognition' AND note IS NULL DO NOTHING;
	WITH state AS MATERIALIZED (
		SELECT s.goal_id, s.current, s.raw_progress, s.coverage,
			-- What was met from the start is no crossing, nor what a revision reached: the figure before is judged
			-- by today's target. Kept to the end of the cycle it is an achievement.
			s.status = 'achieved' AND (s.expected >= 1 OR p.progress IS NOT NULL
				AND NOT EXISTS (
					SELECT
					FROM athar.goal_revision AS v
					WHERE v.goal_id = s.goal_id AND v.revised_at > p.rolled_up_at
						AND (v.kpi_id, v.service_id, v.channel_id) IS DISTINCT FROM (g.kpi_id, g.service_id, g.channel_id))
				AND athar.goal_status(CASE WHEN g.target IS NULL THEN p.progress ELSE athar.progress(g.target, p.value, s.baseline) END,
					p.coverage, 0, g.commitment, g.target IS NOT NULL) <> 'achieved') AS is_crossed,
			-- a run that began before a later one had written leaves the later one's word
			p.goal_id IS NULL OR p.rolled_up_at <= now() AND NOT (
				athar.is_same_figure(s.current, p.value, 0)
				AND athar.is_same_figure(s.raw_progress, p.progress, 0)
				AND athar.is_same_figure(s.coverage, p.coverage, 0)) AS is_changed
		FROM athar.goal_states(now()) AS s
		JOIN athar.goal AS g ON g.id = s.goal_id
		LEFT JOIN LATERAL (
			SELECT n.goal_id, n.rolled_up_at, n.value, n.progress, n.coverage
			FROM athar.goal_progress AS n
			WHERE n.goal_id = s.goal_id
			ORDER BY n.rolled_up_at DESC
			LIMIT 1
		) AS p ON true
		WHERE roll_up_goals.cycle IS NULL OR g.cycle_id = athar.cycle_id(roll_up_goals.cycle)
	), written AS (
		INSERT INTO athar.goal_progress (goal_id, rolled_up_at, value, progress, coverage)
		SELECT s.goal_id, now(), s.current, s.raw_progress, s.coverage
		FROM state AS s
		WHERE s.is_changed
		ON CONFLICT (goal_id, rolled_up_at) DO UPDATE SET
			value = excluded.value,
			progress = excluded.progress,
			coverage = excluded.coverage
		RETURNING goal_id
	), recognised AS (
		INSERT INTO athar.review (kind, form, goal_id, value, author, reviewed_at)
		SELECT 'recognition', 'team', s.goal_id, s.current, athar.current_actor(), now()
		FROM state AS s
		WHERE s.is_crossed
			AND NOT EXISTS (SELECT FROM athar.review AS r WHERE r.goal_id = s.goal_id AND r.kind = 'recognition' AND r.note IS NULL)
		ON CONFLICT (goal_id, action_id) WHERE kind = 'recognition' AND note IS NULL DO NOTHING
	), run AS (
		INSERT INTO athar.goal_rollup AS r (rolled_up_at, cycle_id, goals, written)
		SELECT now(), athar.cycle_id(roll_up_goals.cycle), (SELECT count(*) FROM state AS s), (SELECT count(*) FROM written AS w)
		ON CONFLICT (rolled_up_at, cycle_id) DO UPDATE SET
			goals = excluded.goals,
			written = r.written + excluded.written
	)
	SELECT count(*)::integer
	FROM state AS s;
END;
COMMENT ON FUNCTION athar.roll_up_goals(text) IS
'Rolls up the goals as they stand now and returns their number. goal_progress gets one row for each goal whose figure, progress or coverage is another than in its newest row: the first run writes all, the next what changed; goal_rollup keeps that it ran and how many it wrote. With a cycle, the goals of that cycle alone; what stands below them counts whatever its cycle. Called again in the same transaction it corrects what it wrote.
Raises recognitions, reviews of kind recognition and form team, each at most once: for a goal that became achieved since the run before (by its figure: a target that was lowered to it, or another KPI, is no achievement), or is when its cycle ends, and for an action whose effect on what people answer (a KPI of kind likert) is found to be an improvement. Runs wait for each other. 42704 for an unknown cycle.';

-- Views

CREATE OR REPLACE VIEW athar.okr_tree WITH (security_invoker = true) AS
WITH place AS (
	SELECT p.id, p.depth, p.path
	FROM (
		SELECT array_agg(g.id) AS ids, array_agg(g.parent_id) AS parents, array_agg(g.code::text) AS codes
		FROM athar.goal AS g
	) AS t
	CROSS JOIN LATERAL athar.tree_paths(t.ids, t.parents, t.codes) AS p
)
SELECT
	g.code::text AS goal,
	p.code::text AS parent,
	t.depth,
	t.path COLLATE "C" AS path,
	g.kind,
	g.title,
	u.code::text AS unit,
	c.code::text AS cycle,
	g.weight::double precision AS weight,
	g.target::text AS target,
	s.current,
	athar.shown_progress(s.raw_progress) AS progress,
	s.coverage,
	s.expected,
	s.status,
	s.said_status,
	s.confidence,
	athar.bar(athar.shown_progress(s.raw_progress), s.coverage) AS bar
FROM athar.goal_states(now()) AS s
JOIN athar.goal AS g ON g.id = s.goal_id
JOIN place AS t ON t.id = g.id
LEFT JOIN athar.goal AS p ON p.id = g.parent_id
LEFT JOIN athar.unit AS u ON u.id = g.unit_id
LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id;
COMMENT ON VIEW athar.okr_tree IS 'Every goal in its place in the tree and how it stands now; ORDER BY path lists the tree from the top';
COMMENT ON COLUMN athar.okr_tree.goal IS 'Code of the goal';
COMMENT ON COLUMN athar.okr_tree.parent IS 'Code of the goal it serves; NULL at the top';
COMMENT ON COLUMN athar.okr_tree.depth IS 'Level in the tree; 1 at the top';
COMMENT ON COLUMN athar.okr_tree.path IS 'Codes from the top down to it, joined by " > "';
COMMENT ON COLUMN athar.okr_tree.kind IS 'policy, strategy, objective or key_result';
COMMENT ON COLUMN athar.okr_tree.title IS 'What is wanted';
COMMENT ON COLUMN athar.okr_tree.unit IS 'Code of the unit that wants it';
COMMENT ON COLUMN athar.okr_tree.cycle IS 'Code of its cycle';
COMMENT ON COLUMN athar.okr_tree.weight IS 'Weight among its siblings; 0 is shown and not counted';
COMMENT ON COLUMN athar.okr_tree.target IS 'What its figure is to reach; NULL where it is measured by the goals below';
COMMENT ON COLUMN athar.okr_tree.current IS 'Its figure now: of its KPI, or without one the newest value of a check-in; NULL if there is none';
COMMENT ON COLUMN athar.okr_tree.progress IS 'Progress from 0 to 1, clamped; NULL where nothing is measured';
COMMENT ON COLUMN athar.okr_tree.coverage IS 'Share of the weight below it that is measured, 0 to 1; for a goal with a target 1 where it is measured, else 0';
COMMENT ON COLUMN athar.okr_tree.expected IS 'Progress to be expected now: the share of its cycle that has passed; NULL without a cycle';
COMMENT ON COLUMN athar.okr_tree.status IS 'Computed: on_track, caution, off_track, no_data, achieved or missed; NULL where there is no cycle to measure it against';
COMMENT ON COLUMN athar.okr_tree.said_status IS 'The newest status that a review gave: the author''s own word';
COMMENT ON COLUMN athar.okr_tree.confidence IS 'The newest confidence that a review gave, 0 to 1';
COMMENT ON COLUMN athar.okr_tree.bar IS 'progress and coverage as bar() draws them: dark is reached, light measured and not reached, dots not measured; then the progress in per cent';

CREATE OR REPLACE VIEW athar.okr_status WITH (security_invoker = true) AS
SELECT
	g.code::text AS goal,
	g.kind,
	g.title,
	g.title_ar,
	u.code::text AS unit,
	c.code::text AS cycle,
	g.commitment,
	k.code::text AS kpi,
	sv.code::text AS service,
	ch.code::text AS channel,
	g.target::text AS target,
	s.baseline,
	athar.start_of(g.target, s.baseline) AS start_value,
	athar.goal_of(g.target, s.baseline) AS goal_value,
	s.current,
	s.raw_progress,
	athar.shown_progress(s.raw_progress) AS progress,
	s.coverage,
	s.expected,
	s.raw_progress - s.expected AS ahead,
	s.status,
	s.said_status,
	s.said_status <> s.status AS is_disputed,
	s.confidence,
	s.reviewed_at,
	CASE
		WHEN s.coverage >= 1 - 1e-9 THEN NULL
		WHEN s.raw_progress IS NOT NULL THEN 'partly_measured'
		WHEN g.target IS NULL THEN 'nothing_measured_below'
		WHEN s.current IS NULL THEN 'no_figure'
		WHEN s.baseline IS NULL THEN 'no_baseline'
		ELSE 'baseline_is_zero'
	END AS missing
FROM athar.goal_states(now()) AS s
JOIN athar.goal AS g ON g.id = s.goal_id
LEFT JOIN athar.unit AS u ON u.id = g.unit_id
LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
LEFT JOIN athar.kpi AS k ON k.id = g.kpi_id
LEFT JOIN athar.service AS sv ON sv.id = g.service_id
LEFT JOIN athar.channel AS ch ON ch.id = g.channel_id;
COMMENT ON VIEW athar.okr_status IS 'Every goal and how it stands now, one flat row each, with where its figures come from and what is missing';
COMMENT ON COLUMN athar.okr_status.goal IS 'Code of the goal';
COMMENT ON COLUMN athar.okr_status.kind IS 'policy, strategy, objective or key_result';
COMMENT ON COLUMN athar.okr_status.title IS 'What is wanted';
COMMENT ON COLUMN athar.okr_status.title_ar IS 'What is wanted, in Arabic';
COMMENT ON COLUMN athar.okr_status.unit IS 'Code of the unit that wants it';
COMMENT ON COLUMN athar.okr_status.cycle IS 'Code of its cycle';
COMMENT ON COLUMN athar.okr_status.commitment IS 'committed (1.0 is success) or aspirational (0.7 is success)';
COMMENT ON COLUMN athar.okr_status.kpi IS 'Code of the KPI that measures it; NULL where check-ins or the goals below do';
COMMENT ON COLUMN athar.okr_status.service IS 'Code of the service measured; NULL for the whole';
COMMENT ON COLUMN athar.okr_status.channel IS 'Code of the channel measured; NULL for all together';
COMMENT ON COLUMN athar.okr_status.target IS 'What its figure is to reach; NULL where it is measured by the goals below';
COMMENT ON COLUMN athar.okr_status.baseline IS 'The newest figure before its cycle began; NULL if there is none';
COMMENT ON COLUMN athar.okr_status.start_value IS 'The figure from which progress is counted';
COMMENT ON COLUMN athar.okr_status.goal_value IS 'The figure to be reached';
COMMENT ON COLUMN athar.okr_status.current IS 'Its figure now; NULL if there is none';
COMMENT ON COLUMN athar.okr_status.raw_progress IS 'Progress as computed: below 0 where the figure went the wrong way, above 1 beyond the goal';
COMMENT ON COLUMN athar.okr_status.progress IS 'The same, clamped to 0..1; NULL where nothing is measured';
COMMENT ON COLUMN athar.okr_status.coverage IS 'Share of the weight below it that is measured, 0 to 1; for a goal with a target 1 where it is measured, else 0';
COMMENT ON COLUMN athar.okr_status.expected IS 'Progress to be expected now: the share of its cycle that has passed; NULL without a cycle';
COMMENT ON COLUMN athar.okr_status.ahead IS 'raw_progress - expected: below 0 it is late';
COMMENT ON COLUMN athar.okr_status.status IS 'Computed: on_track, caution, off_track, no_data, achieved or missed; NULL where there is no cycle to measure it against';
COMMENT ON COLUMN athar.okr_status.said_status IS 'The newest status that a review gave: the author''s own word';
COMMENT ON COLUMN athar.okr_status.is_disputed IS 'True where the author''s word is another than the computed status';
COMMENT ON COLUMN athar.okr_status.confidence IS 'The newest confidence that a review gave, 0 to 1';
COMMENT ON COLUMN athar.okr_status.reviewed_at IS 'When it was last reviewed; NULL if never';
COMMENT ON COLUMN athar.okr_status.missing IS 'Why it is not or not wholly measured: no_figure, no_baseline, baseline_is_zero, nothing_measured_below, partly_measured; NULL where nothing is missing';

CREATE OR REPLACE VIEW athar.goal_trend WITH (security_invoker = true) AS
SELECT
	g.code::text AS goal,
	g.title,
	g.kind,
	c.code::text AS cycle,
	p.rolled_up_at,
	p.value,
	p.progress AS raw_progress,
	athar.shown_progress(p.progress) AS progress,
	p.coverage,
	athar.elapsed_share(c.period, c.time_zone, p.rolled_up_at) AS expected,
	p.progress - p.progress_before AS change,
	coalesce(h.rolled_up_at, p.rolled_up_at) AS held_until
FROM (
	SELECT n.goal_id, n.rolled_up_at, n.value, n.progress, n.coverage,
		lag(n.progress) OVER ascending AS progress_before,
		lead(n.rolled_up_at) OVER ascending AS changed_at
	FROM athar.goal_progress AS n
	WINDOW ascending AS (PARTITION BY n.goal_id ORDER BY n.rolled_up_at)
) AS p
JOIN athar.goal AS g ON g.id = p.goal_id
LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
LEFT JOIN LATERAL (
	-- the last run that looked at it before it changed
	SELECT max(r.rolled_up_at) AS rolled_up_at
	FROM athar.goal_rollup AS r
	WHERE r.rolled_up_at >= p.rolled_up_at
		AND r.rolled_up_at < coalesce(p.changed_at, 'infinity')
		AND (r.cycle_id IS NULL OR r.cycle_id = g.cycle_id)
) AS h ON true;
COMMENT ON VIEW athar.goal_trend IS 'How every goal stood whenever the goals were rolled up: one row per goal and run that found it changed';
COMMENT ON COLUMN athar.goal_trend.goal IS 'Code of the goal';
COMMENT ON COLUMN athar.goal_trend.title IS 'What is wanted';
COMMENT ON COLUMN athar.goal_trend.kind IS 'policy, strategy, objective or key_result';
COMMENT ON COLUMN athar.goal_trend.cycle IS 'Code of its cycle';
COMMENT ON COLUMN athar.goal_trend.rolled_up_at IS 'When the goals were rolled up';
COMMENT ON COLUMN athar.goal_trend.value IS 'Its figure at that time; NULL if there was none';
COMMENT ON COLUMN athar.goal_trend.raw_progress IS 'Progress at that time as computed, not clamped; NULL where nothing was measured';
COMMENT ON COLUMN athar.goal_trend.progress IS 'The same, clamped to 0..1';
COMMENT ON COLUMN athar.goal_trend.coverage IS 'Share of the weight below it that was measured, 0 to 1';
COMMENT ON COLUMN athar.goal_trend.expected IS 'Share of its cycle that had passed; NULL without a cycle';
COMMENT ON COLUMN athar.goal_trend.change IS 'raw_progress less that of its row before; NULL for the first, and where either was not measured';
COMMENT ON COLUMN athar.goal_trend.held_until IS 'The last run that found it so; between that and its next row nobody looked, or it changed';
