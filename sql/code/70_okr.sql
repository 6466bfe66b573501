-- 70 okr: what is wanted, and how far it has come

-- Look-ups

CREATE OR REPLACE FUNCTION athar.cycle_id(code text)
RETURNS integer
LANGUAGE SQL STABLE STRICT PARALLEL SAFE
RETURN coalesce(
	(SELECT c.id FROM athar.cycle AS c WHERE c.code = cycle_id.code),
	athar.missing('cycle', code, 'create_cycle()'));
COMMENT ON FUNCTION athar.cycle_id(text) IS 'The id of the cycle with this code; NULL for NULL. 42704 if there is none.';

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

-- Cycles

CREATE OR REPLACE FUNCTION athar.elapsed_share(period daterange, time_zone text, at timestamptz)
RETURNS double precision
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN CASE WHEN num_nulls(period, time_zone, at) = 0 THEN greatest(0, least(1,
	extract(epoch FROM at - lower(period)::timestamp AT TIME ZONE time_zone)::double precision
	/ extract(epoch FROM upper(period)::timestamp AT TIME ZONE time_zone - lower(period)::timestamp AT TIME ZONE time_zone)::double precision)) END;
COMMENT ON FUNCTION athar.elapsed_share(daterange, text, timestamptz) IS
'The share of a cycle that has passed at a moment, from 0 before it to 1 after it, its days cut in the time zone given: the progress expected of a goal that advances evenly. NULL without a period.';

CREATE OR REPLACE FUNCTION athar.create_cycle(code text, name text, period daterange, name_ar text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_definition('cycle', create_cycle.code, create_cycle.name);
	SELECT athar.fail('22023', format('cycle "%s" has no days', create_cycle.code),
		'Nothing can be expected of goals in a cycle without a length.', 'Give its first day and the day after its last: [2026-01-01,2027-01-01).')
	WHERE coalesce(isempty(create_cycle.period), true);
	SELECT athar.fail('22023', format('cycle "%s" has no beginning or no end', create_cycle.code),
		'How much of it has passed could not be told.', 'Give its first day and the day after its last: [2026-01-01,2027-01-01).')
	WHERE NOT coalesce(isfinite(lower(create_cycle.period)) AND isfinite(upper(create_cycle.period)), false);
	SELECT athar.fail('22023', format('cycle "%s" is not of the years 1 to 9999', create_cycle.code),
		'What it covers could not be counted.', 'Give days of those years.')
	WHERE lower(create_cycle.period) < '0001-01-01' OR upper(create_cycle.period) > '10000-01-01';
	SELECT athar.fail('23505', format('cycle "%s" exists already', create_cycle.code),
		'Nothing was changed.', 'Use it, or choose another code.')
	WHERE EXISTS (SELECT FROM athar.cycle AS c WHERE c.code = create_cycle.code);
	INSERT INTO athar.cycle (code, name, name_ar, period, time_zone)
	VALUES (create_cycle.code, create_cycle.name, create_cycle.name_ar, create_cycle.period,
		athar.default_time_zone())
	RETURNING id;
END;
COMMENT ON FUNCTION athar.create_cycle(text, text, daterange, text) IS
'Creates a cycle, a period for which goals are set, and returns its id. It begins and ends in the time zone of the setting athar.time_zone. Cycles may overlap, as a year and its quarters do. 22023 for a blank or malformed code, a blank name, an empty period or one without both ends, 23505 if the code is taken.';

-- Goals

CREATE OR REPLACE FUNCTION athar.goal_values(at timestamptz DEFAULT now(), only_goal integer DEFAULT NULL)
RETURNS TABLE (goal_id integer, value double precision, baseline double precision)
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
		WHERE (goal_values.only_goal IS NULL OR g.id = goal_values.only_goal)
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
				athar.measurement_value(min(m.kind), athar.merge(m.summary), sum(m.numerator), sum(m.denominator))
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
		WHERE m.kpi_id = ANY (ARRAY(SELECT DISTINCT s.kpi_id FROM series AS s))
		GROUP BY s.series, s.channel_id, m.origin, m.basis, CASE m.origin WHEN 'reported' THEN m.period END
	), newest AS (
		SELECT DISTINCT ON (f.series) f.series, f.value
		FROM figure AS f
		WHERE f.value > '-Infinity' AND f.value < 'Infinity'
		ORDER BY f.series, f.ends_on DESC, f.days, f.basis
	), measured AS (
		SELECT w.goal_id, w.is_baseline, n.value
		FROM wanted AS w
		JOIN newest AS n ON n.series = w.series
	), typed AS (
		SELECT
			r.goal_id,
			(array_agg(r.value::double precision ORDER BY r.reviewed_at DESC, r.id DESC))[1] AS value,
			(array_agg(r.value::double precision ORDER BY r.reviewed_at DESC, r.id DESC) FILTER (
				WHERE r.reviewed_at < lower(c.period)::timestamp AT TIME ZONE c.time_zone))[1] AS baseline
		FROM athar.review AS r
		JOIN athar.goal AS g ON g.id = r.goal_id
		LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
		WHERE g.kpi_id IS NULL
			AND r.value IS NOT NULL
			AND r.reviewed_at <= goal_values.at
			AND (goal_values.only_goal IS NULL OR r.goal_id = goal_values.only_goal)
		GROUP BY r.goal_id
	)
	SELECT g.id, coalesce(current.value, typed.value), coalesce(baseline.value, typed.baseline)
	FROM athar.goal AS g
	LEFT JOIN measured AS current ON current.goal_id = g.id AND NOT current.is_baseline
	LEFT JOIN measured AS baseline ON baseline.goal_id = g.id AND baseline.is_baseline
	LEFT JOIN typed ON typed.goal_id = g.id
	WHERE goal_values.only_goal IS NULL OR g.id = goal_values.only_goal;
END;
COMMENT ON FUNCTION athar.goal_values(timestamptz, integer) IS
'The figure of every goal at a moment, and its baseline: one row per goal, or the one goal whose id is given.
A goal with a KPI has the newest figure of that KPI for its service (NULL: the whole) and channel (NULL: all channels together, merged where they were reported one by one): of reported periods the latest that has ended, with a cycle one that ends within it, the shortest where several end together; observed days are merged over the cycle so far, over a year where there is no cycle. Without a KPI it has the newest value that a review gave.
baseline: the newest figure before the cycle begins (observed days: merged over as many days before it); NULL without a cycle. NULL where there is no figure, or none that is finite.';

CREATE OR REPLACE FUNCTION athar.goal_states(at timestamptz DEFAULT now())
RETURNS TABLE (
	goal_id integer, current double precision, baseline double precision, raw_progress double precision, coverage double precision,
	expected double precision, status text, said_status text, confidence double precision, reviewed_at timestamptz)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	WITH figure AS MATERIALIZED (
		SELECT
			g.id,
			g.parent_id,
			g.weight,
			g.commitment,
			g.target IS NOT NULL AS has_own,
			v.value,
			v.baseline,
			athar.progress(g.target, v.value, v.baseline) AS progress,
			athar.is_met(g.target, v.value, v.baseline) AS is_met,
			athar.elapsed_share(c.period, c.time_zone, goal_states.at) AS expected
		FROM athar.goal AS g
		JOIN athar.goal_values(goal_states.at) AS v ON v.goal_id = g.id
		LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
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
		WHERE r.goal_id IS NOT NULL AND r.reviewed_at <= goal_states.at
		GROUP BY r.goal_id
	), judged AS (
		SELECT
			f.*,
			r.progress AS raw_progress,
			r.coverage,
			CASE WHEN f.commitment = 'aspirational' THEN coalesce(f.is_met, false) OR r.progress >= 0.7 - 1e-9
				WHEN f.has_own THEN f.is_met
				ELSE r.progress >= 1 - 1e-9
			END AS is_achieved
		FROM tree AS t
		CROSS JOIN LATERAL athar.roll_up_tree(t.ids, t.parents, t.weights, t.progresses, t.has_own) AS r
		JOIN figure AS f ON f.id = r.id
	)
	SELECT
		j.id,
		j.value,
		j.baseline,
		j.raw_progress,
		j.coverage,
		j.expected,
		CASE
			WHEN j.raw_progress IS NULL THEN 'no_data'
			WHEN j.is_achieved AND j.coverage >= 1 - 1e-9 THEN 'achieved'
			WHEN j.is_achieved AND j.expected >= 1 THEN 'no_data'
			WHEN j.expected >= 1 THEN 'missed'
			WHEN j.raw_progress - j.expected >= -0.1 - 1e-9 THEN 'on_track'
			WHEN j.raw_progress - j.expected >= -0.3 - 1e-9 THEN 'caution'
			WHEN j.expected IS NOT NULL THEN 'off_track'
		END,
		s.said_status,
		s.confidence,
		s.reviewed_at
	FROM judged AS j
	LEFT JOIN said AS s ON s.goal_id = j.id;
END;
COMMENT ON FUNCTION athar.goal_states(timestamptz) IS
'How every goal stands at a moment, one row each: its figure and baseline (goal_values()), progress not clamped (progress(), rolled up by roll_up_tree()), coverage, progress expected (elapsed_share() of its cycle; NULL without one), status, and the newest status and confidence that reviews gave. A goal with a target is measured by its own figure, any other by the goals below it.
status: no_data where nothing is measured; achieved where the target is met, or the mean of the goals below is 1, all of them measured (0.7 is enough for an aspirational goal); missed once the cycle is over; before that by progress - expected: on_track from -0.1, caution from -0.3, else off_track. What is measured below reached the goal and the rest is unknown when the cycle is over: no_data. NULL where there is no cycle to be measured against.';

CREATE OR REPLACE FUNCTION athar.create_goal(
	code text, title text, kind text, cycle text DEFAULT NULL, parent text DEFAULT NULL, unit text DEFAULT NULL, kpi text DEFAULT NULL,
	service text DEFAULT NULL, channel text DEFAULT NULL, target athar.target DEFAULT NULL, weight double precision DEFAULT 1,
	commitment text DEFAULT 'committed', rationale text DEFAULT NULL, title_ar text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', format('goal "%s" needs a title', create_goal.code),
		'Nothing was changed.', 'Say what is wanted, so that people can read it.')
	WHERE coalesce(create_goal.title, '') !~ '[^[:space:]]';
	SELECT athar.check_definition('goal', create_goal.code, create_goal.title);
	SELECT athar.fail('22023', format('goal kind "%s" is unknown', create_goal.kind),
		'Nothing was changed.', 'Use policy, strategy, objective or key_result.')
	WHERE coalesce(create_goal.kind, '') NOT IN ('policy', 'strategy', 'objective', 'key_result');
	SELECT athar.fail('22023', format('goal commitment "%s" is unknown', create_goal.commitment),
		'Nothing was changed.', 'Use committed, where 1.0 is success, or aspirational, where 0.7 is.')
	WHERE create_goal.commitment NOT IN ('committed', 'aspirational');
	SELECT athar.fail('22003', format('the weight of goal "%s" is not a finite number', create_goal.code),
		'No weighted mean can be taken with it.', 'Give a number; 0 shows the goal without counting it.')
	WHERE NOT abs(create_goal.weight) < 'Infinity';
	SELECT athar.fail('22023', format('the weight of goal "%s" is negative: %s', create_goal.code, create_goal.weight),
		'No weighted mean can be taken with it.', 'Give 0 or more; 0 shows the goal without counting it.')
	WHERE create_goal.weight < 0;
	SELECT athar.fail('23505', format('goal "%s" exists already', create_goal.code),
		'Nothing was changed.', 'Use it, or choose another code.')
	WHERE EXISTS (SELECT FROM athar.goal AS g WHERE g.code = create_goal.code);
	INSERT INTO athar.goal (code, title, title_ar, kind, cycle_id, parent_id, unit_id, kpi_id, service_id, channel_id,
		target, weight, commitment, rationale)
	VALUES (create_goal.code, create_goal.title, create_goal.title_ar, create_goal.kind, athar.cycle_id(create_goal.cycle),
		athar.goal_id(create_goal.parent), athar.unit_id(create_goal.unit), athar.kpi_id(create_goal.kpi),
		athar.service_id(create_goal.service), athar.channel_id(create_goal.channel),
		create_goal.target, coalesce(create_goal.weight, 1), coalesce(create_goal.commitment, 'committed'), create_goal.rationale);
	SELECT athar.fail('22023', format('target "%s" of goal "%s" is relative to a baseline of 0', create_goal.target, create_goal.code),
		'A share of nothing is nothing, so no progress could be measured.', 'Say where to start and what to reach: "from 0 to 5".')
	FROM athar.goal_values(now(), athar.goal_id(create_goal.code)) AS v
	WHERE athar.kind_of(create_goal.target) = 'relative'
		AND v.baseline = 0;
	SELECT athar.goal_id(create_goal.code);
END;
COMMENT ON FUNCTION athar.create_goal(text, text, text, text, text, text, text, text, text, athar.target, double precision, text, text, text) IS
'Creates a goal and returns its id. kind: policy, strategy, objective or key_result; cycle, parent (the goal it serves), unit, kpi, service and channel by their codes; target: what the KPI''s figure is to reach, or without a KPI the figure of the check-ins; weight among its siblings, 0 to show it without counting it; commitment: committed (1.0 is success) or aspirational (0.7 is); rationale: why it is wanted.
22023 for a blank or malformed code, a blank title, an unknown kind or commitment, a negative weight, or a relative target whose baseline is known to be 0; 22003 for a weight of NaN or infinity; 42704 for an unknown code; 23505 if the code is taken.';

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
'Says that an action (by its project''s code and its id in the plan) serves a goal, with which share of itself (1 unless given), and returns the id; said again, it changes the share. An action may serve several goals, with 1 in all. 22023 where a code is missing, for a share that is not above 0 and at most 1, or where the shares would exceed 1 in sum; 22003 for a share of NaN or infinity; 42704 for an unknown goal or project, and for an action that is not in the plan. Two sessions that align one action wait for each other; at REPEATABLE READ the sum is that of the transaction''s own snapshot, so use READ COMMITTED or SERIALIZABLE.';

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
	INSERT INTO athar.review (kind, goal_id, value, confidence, said_status, note, author, reviewed_at)
	VALUES ('check_in', athar.goal_id(check_in.goal), check_in.value, check_in.confidence, check_in.said_status,
		check_in.note, athar.current_actor(), coalesce(check_in.at, now()))
	RETURNING id;
END;
COMMENT ON FUNCTION athar.check_in(text, double precision, double precision, text, timestamptz, text) IS
'Records what somebody says about a goal and returns the id of the review: value (the goal''s figure, counted only where no KPI measures it), confidence to reach it (0 to 1), a note, the moment it speaks of, and said_status, the author''s own word (on_track, caution, off_track, achieved, missed). At least one of them. The author is current_actor(). 22023 without a goal or without anything said, for a confidence outside 0 to 1, an unknown status or a time outside the years 1 to 9999; 22003 for NaN and infinity; 42704 for an unknown goal.';

CREATE OR REPLACE FUNCTION athar.roll_up_goals(cycle text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.cycle_id(roll_up_goals.cycle);
	WITH rolled_up AS (
		INSERT INTO athar.goal_progress (goal_id, rolled_up_at, value, progress, coverage)
		SELECT s.goal_id, now(), s.current, s.raw_progress, s.coverage
		FROM athar.goal_states(now()) AS s
		JOIN athar.goal AS g ON g.id = s.goal_id
		WHERE roll_up_goals.cycle IS NULL OR g.cycle_id = athar.cycle_id(roll_up_goals.cycle)
		ON CONFLICT (goal_id, rolled_up_at) DO UPDATE SET
			value = excluded.value,
			progress = excluded.progress,
			coverage = excluded.coverage
		RETURNING goal_id
	)
	SELECT count(*)::integer
	FROM rolled_up AS r;
END;
COMMENT ON FUNCTION athar.roll_up_goals(text) IS
'Keeps how the goals stand now in goal_progress, one row per goal, and returns their number; with a cycle, the goals of that cycle alone. What stands below them counts whatever its cycle. Called twice in one transaction it keeps the second. 42704 for an unknown cycle.';

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
	s.confidence
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
	p.progress - lag(p.progress) OVER (PARTITION BY p.goal_id ORDER BY p.rolled_up_at) AS change
FROM athar.goal_progress AS p
JOIN athar.goal AS g ON g.id = p.goal_id
LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id;
COMMENT ON VIEW athar.goal_trend IS 'How every goal stood whenever the goals were rolled up: one row per goal and run';
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
COMMENT ON COLUMN athar.goal_trend.change IS 'raw_progress less that of the run before; NULL for the first, and where either was not measured';
