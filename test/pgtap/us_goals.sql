-- us_goals: published key results loaded, measured, rolled up, and compared with what was published of them
BEGIN;
SELECT plan(18);
SET LOCAL athar.time_zone = 'America/New_York';
\ir ../data/us_goals.sql

SELECT athar.create_cycle('q' || q, 'Quarter ' || q || ' of fiscal year 2022', daterange(d::date, (d + interval '3 months')::date))
FROM generate_series(1, 3) AS q, LATERAL (SELECT date '2021-07-01' + q * interval '3 months' AS d) AS s;
SELECT athar.define_unit(agency, agency) FROM (SELECT DISTINCT agency FROM us_key_result) AS a;
SELECT athar.define_kpi('i' || indicator, 'Indicator ' || indicator, 'as published', CASE WHEN bool_or(type IN ('down', 'below')) THEN 'down' ELSE 'up' END)
FROM us_key_result GROUP BY indicator;
SELECT athar.create_goal('q' || quarter || '-' || goal, 'Priority goal ' || goal, 'objective', 'q' || quarter, unit => min(agency))
FROM us_key_result GROUP BY quarter, goal;
-- a key result of each row; of an undefined target there is none to load
CREATE TEMPORARY VIEW loaded AS
SELECT *,
	format('q%s-i%s', quarter, indicator) AS code,
	CASE type WHEN 'open' THEN NULL WHEN 'above' THEN 'at least ' || target_value WHEN 'below' THEN 'at most ' || target_value
		ELSE format('from %s to %s', start_value, target_value) END AS target
FROM us_key_result;
SELECT athar.create_goal(code, 'Indicator ' || indicator, 'key_result', 'q' || quarter, format('q%s-%s', quarter, goal), agency, 'i' || indicator, target => target::athar.target)
FROM loaded;
SELECT athar.report_measurement('i' || indicator, c.period, athar.summary_of(ARRAY[value], '{1}'))
FROM us_key_result AS r JOIN athar.cycle AS c ON c.code = 'q' || r.quarter
WHERE value IS NOT NULL;

SELECT is((SELECT count(*) FROM athar.goal WHERE kind = 'key_result'), 544::bigint, 'every published key result is loaded');
SELECT results_eq(
	$$SELECT type, count(*), count(target), count(value) FROM loaded GROUP BY type ORDER BY type$$,
	$$VALUES ('above', 17::bigint, 17::bigint, 14::bigint), ('below', 1, 1, 1), ('down', 29, 29, 21), ('open', 114, 0, 52), ('step', 49, 49, 42), ('up', 334, 334, 251)$$,
	'of every type, with a target unless it is undefined, some without a figure');

-- What each is to reach: the way of increases, decreases and milestones; a level for what is to be maintained.
CREATE TEMPORARY TABLE compared AS
SELECT l.*, s.current, s.raw_progress, s.status, s.missing, athar.is_met(l.target::athar.target, s.current, s.baseline) AS is_reached
FROM loaded AS l JOIN athar.okr_status AS s ON s.goal = l.code;
SELECT is_empty($$SELECT code FROM compared WHERE current IS DISTINCT FROM value$$, 'its figure is the one measured, nobody typed it into the goal');
SELECT is(count(*), 314::bigint, 'increases, decreases and milestones with a figure: all as published, to the nine digits that were')
FROM compared WHERE type IN ('up', 'down', 'step') AND abs(raw_progress - progress) <= 5e-9 * greatest(1, abs(progress));
SELECT is_empty(
	$$SELECT code FROM compared WHERE type IN ('up', 'down', 'step') AND value IS NOT NULL AND NOT abs(raw_progress - progress) <= 5e-9 * greatest(1, abs(progress))$$,
	'none is otherwise');
SELECT results_eq(
	$$SELECT count(*), count(*) FILTER (WHERE progress = 0), count(raw_progress), count(*) FILTER (WHERE missing = 'no_figure') FROM compared WHERE type <> 'open' AND value IS NULL$$,
	$$VALUES (101::bigint, 101::bigint, 0::bigint, 101::bigint)$$, 'without a figure: published as 0, here unknown');
SELECT results_eq(
	$$SELECT count(*), count(*) FILTER (WHERE progress <> 0), count(raw_progress) FROM compared WHERE type = 'open'$$,
	$$VALUES (114::bigint, 0::bigint, 0::bigint)$$, 'an undefined target: published as 0, here nothing to measure against');
SELECT results_eq(
	$$SELECT count(*), count(*) FILTER (WHERE progress = 0 AND NOT is_met), count(*) FILTER (WHERE is_reached), count(*) FILTER (WHERE is_reached <> (raw_progress >= 1))
	FROM compared WHERE type IN ('above', 'below') AND value IS NOT NULL$$,
	$$VALUES (15::bigint, 15::bigint, 10::bigint, 0::bigint)$$,
	'what is to be maintained: all 15 are published as 0 and not met, 10 of them keep their level');
SELECT results_eq(
	$$SELECT DISTINCT type, target, value, is_reached, round(raw_progress::numeric, 3) FROM compared WHERE type IN ('above', 'below') AND value IS NOT NULL AND quarter < 3 ORDER BY 1, 2, 3$$,
	$$VALUES
		('above', 'at least 22', 18::double precision, false, 0.818),
		('above', 'at least 80', 84, true, 1),
		('above', 'at least 82.8', 93.9, true, 1),
		('above', 'at least 86', 67, false, 0.779),
		('above', 'at least 93', 97.6, true, 1),
		('above', 'at least 95', 95.8, true, 1),
		('above', 'at least 95', 99.2, true, 1),
		('below', 'at most 1', 6.9, false, 0.145)$$,
	'what misses its level has the share of it that is reached');

-- Rolled up: the mean of what is measured, each between 0 and 1.
SELECT is(athar.roll_up_goals(), (SELECT count(*)::integer FROM athar.goal), 'rolled up');
SELECT is((SELECT count(*) FROM athar.goal_progress), (SELECT count(*) FROM athar.goal), 'the first run writes one row per goal');
SELECT is_empty(
	$$SELECT p.goal, p.raw_progress, o.mean, p.coverage, o.coverage
	FROM athar.goal_trend AS p
	JOIN (
		SELECT format('q%s-%s', quarter, goal) AS goal,
			avg(greatest(0, least(1, CASE WHEN type IN ('above', 'below') THEN raw_progress ELSE progress END))) FILTER (WHERE value IS NOT NULL AND type <> 'open') AS mean,
			count(value) FILTER (WHERE type <> 'open') / count(*)::double precision AS coverage
		FROM compared GROUP BY quarter, goal) AS o ON o.goal = p.goal
	WHERE NOT coalesce(abs(p.raw_progress - o.mean) < 1e-8, p.raw_progress IS NULL AND o.mean IS NULL) OR NOT abs(p.coverage - o.coverage) < 1e-12$$,
	'every objective is the mean of the published figures below it, and says how much of it was measured');
SELECT results_eq(
	$$SELECT count(*), count(*) FILTER (WHERE raw_progress IS NULL), count(*) FILTER (WHERE coverage < 1) FROM athar.goal_trend WHERE kind = 'objective'$$,
	$$VALUES (168::bigint, 46::bigint, 74::bigint)$$, 'some are not measured at all, many in part: the published figures count those as 0');

-- One figure is corrected: what it moves is written, and nothing else.
SELECT athar.report_measurement('i1', c.period, athar.summary_of('{1962}', '{1}')) FROM athar.cycle AS c WHERE c.code = 'q1';
SELECT is(athar.roll_up_goals('q1'), (SELECT count(*)::integer FROM athar.goal WHERE cycle_id = athar.cycle_id('q1')), 'the next run looks at all goals of the quarter');
SELECT results_eq($$SELECT written FROM athar.goal_rollup WHERE cycle_id = athar.cycle_id('q1')$$, $$VALUES (2)$$, 'and writes the two that moved: the key result and its objective');

-- Closed: the grade stays, the correction stands beside it.
SELECT is(athar.close_cycle('q1'), (SELECT count(*)::integer FROM athar.goal WHERE cycle_id = athar.cycle_id('q1')), 'the quarter is closed');
SELECT athar.report_measurement('i1', c.period, athar.summary_of('{962}', '{1}')) FROM athar.cycle AS c WHERE c.code = 'q1';
SELECT results_eq($$SELECT goal, progress, progress_now, is_corrected FROM athar.goal_grades WHERE is_corrected AND kind = 'key_result'$$,
	$$VALUES ('q1-i1', 0.3924::double precision, 0.1924::double precision, true)$$, 'the grade as it was given, and what was corrected since');
SELECT is(athar.roll_up_goals('q2') > 0, true, 'the other quarters go on');

SELECT * FROM finish();
ROLLBACK;
