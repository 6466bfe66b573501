BEGIN;
SELECT plan(146);
SET LOCAL athar.actor = 'programme office';
SET LOCAL athar.time_zone = 'Asia/Riyadh';

-- The tree, as arrays.
SELECT results_eq(
	$$SELECT * FROM athar.roll_up_tree('{1,2,3,4}', '{NULL,1,1,1}', '{1,1,3,1}', '{NULL,0.2,0.5,NULL}', '{f,t,t,t}')$$,
	$$VALUES (1, 0.425::double precision, 0.8::double precision), (2, 0.2, 1), (3, 0.5, 1), (4, NULL, 0)$$,
	'the golden tree: 0.425, four fifths measured');
SELECT results_eq(
	$$SELECT * FROM athar.roll_up_tree('{10,20,1,2,3,4,5}', '{NULL,10,20,1,1,1,10}', '{1,2,1,1,3,1,2}', '{NULL,NULL,NULL,0.2,0.5,NULL,1}', '{f,f,f,t,t,t,t}')$$,
	$$VALUES (10, 0.7125::double precision, 0.9::double precision), (20, 0.425, 0.8), (1, 0.425, 0.8), (2, 0.2, 1), (3, 0.5, 1), (4, NULL, 0), (5, 1, 1)$$,
	'nested three levels, beside a goal that is reached');
SELECT results_eq(
	$$SELECT progress, coverage FROM athar.roll_up_tree('{1,2,3,4}', '{NULL,1,1,1}', '{1,1,1,1}', '{NULL,1,1,1}', '{f,t,t,t}') WHERE id = 1$$,
	$$VALUES (1::double precision, 1::double precision)$$, 'all reached: exactly 1');
SELECT results_eq(
	$$SELECT progress, coverage FROM athar.roll_up_tree('{1,2,3}', '{NULL,1,1}', '{1,1,1}', '{NULL,1.8,0.2}', '{f,t,t}') WHERE id = 1$$,
	$$VALUES (0.6::double precision, 1::double precision)$$, 'one that overshoots does not hide one that fails');
SELECT results_eq(
	$$SELECT progress, coverage FROM athar.roll_up_tree('{1,2,3}', '{NULL,1,1}', '{1,1,1}', '{NULL,-3,0.5}', '{f,t,t}') WHERE id = 1$$,
	$$VALUES (0.25::double precision, 1::double precision)$$, 'nor does one that fell back count below nothing');
SELECT results_eq(
	$$SELECT * FROM athar.roll_up_tree('{1,2,3}', '{NULL,1,1}', '{1,0,1}', '{NULL,1,0.5}', '{f,t,t}')$$,
	$$VALUES (1, 0.5::double precision, 1::double precision), (2, 1, 1), (3, 0.5, 1)$$, 'weight 0: shown, not counted');
SELECT results_eq(
	$$SELECT progress, coverage FROM athar.roll_up_tree('{1,2}', '{NULL,1}', '{1,0}', '{NULL,1}', '{f,t}') WHERE id = 1$$,
	$$VALUES (NULL::double precision, 0::double precision)$$, 'nothing but weight 0: nothing measured');
SELECT results_eq(
	$$SELECT * FROM athar.roll_up_tree('{1,2}', '{NULL,1}', '{1,1}', '{NULL,NULL}', '{f,t}')$$,
	$$VALUES (1, NULL::double precision, 0::double precision), (2, NULL, 0)$$, 'nothing measured: NULL, never 0');
SELECT results_eq(
	$$SELECT * FROM athar.roll_up_tree('{1,2}', '{NULL,1}', '{1,1}', '{NULL,0.5}', '{t,t}')$$,
	$$VALUES (1, NULL::double precision, 0::double precision), (2, 0.5, 1)$$, 'a node measured by itself does not borrow from below');
SELECT results_eq(
	$$SELECT * FROM athar.roll_up_tree('{2,3}', '{1,2}', '{1,1}', '{NULL,0.5}', '{f,t}')$$,
	$$VALUES (2, 0.5::double precision, 1::double precision), (3, 0.5, 1)$$, 'a parent from elsewhere is none');
SELECT results_eq(
	$$SELECT * FROM athar.roll_up_tree('{1,2,3,4,5,6}', '{2,1,1,NULL,4,6}', '{1,1,1,1,1,1}', '{NULL,NULL,0.5,NULL,0.4,0.3}', '{f,f,t,f,t,t}')$$,
	$$VALUES (1, NULL::double precision, 0::double precision), (2, NULL, 0), (3, 0.5, 1), (4, 0.4, 1), (5, 0.4, 1), (6, 0.3, 1)$$,
	'loops get nothing from below, all else is right');
SELECT is_empty($$SELECT * FROM athar.roll_up_tree('{}', '{}', '{}', '{}', '{}')$$, 'no nodes, no rows');
SELECT is_empty($$SELECT * FROM athar.roll_up_tree(NULL, NULL, NULL, NULL, NULL)$$, 'nothing aggregated, no rows');
SELECT results_eq(
	$$SELECT progress, coverage FROM athar.roll_up_tree('{1,2,3}', '{NULL,1,1}', '{1,1.5e308,1.5e308}', '{NULL,0.2,0.6}', '{f,t,t}') WHERE id = 1$$,
	$$VALUES (0.4::double precision, 1::double precision)$$, 'weights whose sum a double cannot hold');
SELECT results_eq(
	$$SELECT r.progress, r.coverage FROM (
		SELECT array_agg(i) AS ids, array_agg(nullif(i - 1, 0)) AS parents, array_agg(1.0::double precision) AS weights,
			array_agg(CASE WHEN i = 10000 THEN 0.3::double precision END) AS progresses, array_agg(i = 10000) AS own
		FROM generate_series(1, 10000) AS i) AS t, athar.roll_up_tree(ids, parents, weights, progresses, own) AS r WHERE r.id = 1$$,
	$$VALUES (0.3::double precision, 1::double precision)$$, 'ten thousand deep');
SELECT results_eq(
	$$SELECT round(r.progress::numeric, 9), r.coverage FROM (
		SELECT array_agg(i) AS ids, array_agg(nullif(i / 10, 0)) AS parents, array_agg(1.0::double precision) AS weights,
			array_agg(0.25::double precision) AS progresses, array_agg(i >= 10000) AS own
		FROM generate_series(1, 99999) AS i) AS t, athar.roll_up_tree(ids, parents, weights, progresses, own) AS r WHERE r.id = 1$$,
	$$VALUES (0.25, 1::double precision)$$, 'a hundred thousand nodes');
SELECT throws_ok($$SELECT athar.roll_up_tree('{1,2}', '{NULL}', '{1,1}', '{1,1}', '{t,t}')$$, '22023', '2 nodes but 1 parents', 'arrays of different lengths');
SELECT throws_ok($$SELECT athar.roll_up_tree('{1,2}', '{NULL,1}', '{1}', '{1,1}', '{t,t}')$$, '22023', '2 nodes but 1 weights', 'too few weights');
SELECT throws_ok($$SELECT athar.roll_up_tree('{1,2}', '{NULL,1}', '{1,1}', '{1}', '{t,t}')$$, '22023', '2 nodes but 1 progresses', 'too few progresses');
SELECT throws_ok($$SELECT athar.roll_up_tree('{1,2}', '{NULL,1}', '{1,1}', '{1,1}', '{t}')$$, '22023', '2 nodes but 1 flags', 'too few flags');
SELECT throws_ok($$SELECT athar.roll_up_tree('{1,1}', '{NULL,NULL}', '{1,1}', '{1,1}', '{t,t}')$$, '22023', 'node 1 is given twice', 'an id twice');
SELECT throws_ok($$SELECT athar.roll_up_tree('{NULL}', '{NULL}', '{1}', '{1}', '{t}')$$, '22004', 'the id of a node must not be null', 'no id');
SELECT throws_ok($$SELECT athar.roll_up_tree('{1}', '{NULL}', '{NULL}', '{1}', '{t}')$$, '22004', 'the weight of a node must not be null', 'no weight');
SELECT throws_ok($$SELECT athar.roll_up_tree('{1}', '{NULL}', '{1}', '{1}', '{NULL}')$$, '22004', 'the flag of a node must not be null', 'no flag');
SELECT throws_ok($$SELECT athar.roll_up_tree('{1}', '{NULL}', '{-1}', '{1}', '{t}')$$, '22023', 'the weight of a node is negative: -1', 'a negative weight');
SELECT throws_ok($$SELECT athar.roll_up_tree('{1}', '{NULL}', '{NaN}', '{1}', '{t}')$$, '22003', 'the weight of a node is not a finite number', 'a weight of NaN');
SELECT throws_ok($$SELECT athar.roll_up_tree('{1}', '{NULL}', '{1}', '{NaN}', '{t}')$$, '22003', 'the progress of a node is not a finite number', 'a progress of NaN');

SELECT results_eq(
	$$SELECT * FROM athar.tree_paths('{3,1,2,9}', '{2,NULL,1,8}', '{kr,policy,aim,lost}')$$,
	$$VALUES (3, 3, 'policy > aim > kr'), (1, 1, 'policy'), (2, 2, 'policy > aim'), (9, 1, 'lost')$$, 'places in the tree');
SELECT results_eq(
	$$SELECT * FROM athar.tree_paths('{1,2,3}', '{2,1,1}', '{a,b,c}')$$,
	$$VALUES (1, NULL::integer, NULL::text), (2, NULL, NULL), (3, NULL, NULL)$$, 'no place on a loop or below one');
SELECT results_eq(
	$$SELECT * FROM athar.tree_paths('{1,2}', '{NULL,1}', '{خطة,هدف}')$$,
	$$VALUES (1, 1, 'خطة'), (2, 2, 'خطة > هدف')$$, 'labels in Arabic');
SELECT throws_ok($$SELECT athar.tree_paths('{1}', '{NULL}', '{NULL}')$$, '22004', 'the label of a node must not be null', 'no label');
SELECT throws_ok($$SELECT athar.tree_paths('{1}', '{NULL}', '{}')$$, '22023', '1 nodes but 0 labels', 'too few labels');

-- Cycles.
SELECT ok(athar.create_cycle('2015', 'The year 2015', '[2015-01-01,2016-01-01)', 'عام 2015') > 0, 'a cycle has an id');
SELECT ok(athar.create_cycle('2015-Q1', 'First quarter', '[2015-01-01,2015-03-31]') > 0, 'a quarter overlaps its year');
SELECT results_eq($$SELECT name_ar, period, time_zone FROM athar.cycle WHERE code = '2015'$$,
	$$VALUES ('عام 2015', '[2015-01-01,2016-01-01)'::daterange, 'Asia/Riyadh')$$, 'it keeps the time zone of the setting');
SELECT is(athar.cycle_id(NULL), NULL, 'no code, no id');
SELECT throws_ok($$SELECT athar.cycle_id('nil')$$, '42704', 'cycle "nil" does not exist', 'unknown cycle');
SELECT throws_ok($$SELECT athar.create_cycle('2015', 'Again', '[2015-01-01,2016-01-01)')$$, '23505', 'cycle "2015" exists already', 'a cycle twice');
SELECT throws_ok($$SELECT athar.create_cycle(' ', 'Blank', '[2015-01-01,2016-01-01)')$$, '22023', 'cycle code must not be blank', 'a blank code');
SELECT throws_ok($$SELECT athar.create_cycle('x', NULL, '[2015-01-01,2016-01-01)')$$, '22023', 'cycle "x" needs a name', 'no name');
SELECT throws_ok($$SELECT athar.create_cycle('x', 'X', NULL)$$, '22023', 'cycle "x" has no days', 'no period');
SELECT throws_ok($$SELECT athar.create_cycle('x', 'X', 'empty')$$, '22023', 'cycle "x" has no days', 'an empty period');
SELECT throws_ok($$SELECT athar.create_cycle('x', 'X', '[2015-01-01,)')$$, '22023', 'cycle "x" has no beginning or no end', 'a period without an end');
SELECT throws_ok($$SELECT athar.create_cycle('x', 'X', '(,2015-01-01)')$$, '22023', 'cycle "x" has no beginning or no end', 'a period without a beginning');
SELECT throws_ok($$SELECT athar.create_cycle('x', 'X', '[2015-01-01,5874897-01-01)')$$, '22023', 'cycle "x" is not of the years 1 to 9999', 'a period beyond what can be counted');
SELECT throws_ok($$SELECT athar.create_cycle('x', 'X', '[2015-01-01,infinity)')$$, '22023', 'cycle "x" has no beginning or no end', 'an infinite period');

SELECT is(athar.elapsed_share('[2015-01-01,2015-01-11)', 'UTC', '2015-01-06 00:00+00'), 0.5::double precision, 'half of it has passed');
SELECT is(athar.elapsed_share('[2015-01-01,2015-01-11)', 'Asia/Riyadh', '2015-01-05 21:00+00'), 0.5::double precision, 'in its own time zone');
SELECT is(athar.elapsed_share('[2015-01-01,2015-01-11)', 'UTC', '2014-06-01 00:00+00'), 0::double precision, 'not begun');
SELECT is(athar.elapsed_share('[2015-01-01,2015-01-11)', 'UTC', '2016-01-01 00:00+00'), 1::double precision, 'over');
SELECT is(athar.elapsed_share(NULL, NULL, now()), NULL, 'no period, nothing expected');
SELECT is(num_nonnulls(athar.elapsed_share('empty', 'UTC', now()), athar.elapsed_share('[2015-01-01,)', 'UTC', now())), 0, 'nor of one without days or an end');
SELECT results_eq($$SELECT athar.elapsed_share('[2015-01-01,2015-01-11)', 'UTC', '-infinity'), athar.elapsed_share('[2015-01-01,2015-01-11)', 'UTC', 'infinity')$$, $$VALUES (0::double precision, 1::double precision)$$, 'before and after all time');

-- The golden tree in goals, fed by check-ins; three levels of parents above it.
SELECT athar.define_unit('ministry', 'Ministry');
SELECT athar.define_service('renewal', 'Licence renewal', 'ministry');
SELECT athar.define_channel('web', 'Web', true);
SELECT athar.define_channel('counter', 'Counter');
SELECT athar.create_goal('policy', 'Services for people', 'policy', rationale => 'said in the programme of government');
SELECT athar.create_goal('strategy', 'Digital first', 'strategy', parent => 'policy');
SELECT athar.create_goal('objective', 'Renewals without a visit', 'objective', '2015', 'strategy', 'ministry', title_ar => 'تجديد بلا زيارة');
SELECT ok(athar.create_goal('kr1', 'One', 'key_result', '2015', 'objective', target => 'from 0 to 100') > 0, 'a goal has an id');
SELECT athar.create_goal('kr2', 'Two', 'key_result', '2015', 'objective', target => 'from 100 to 20', weight => 3);
SELECT athar.create_goal('kr3', 'Three', 'key_result', '2015', 'objective', target => 'from 0 to 1');
SELECT athar.create_goal('shown', 'Shown, not counted', 'key_result', '2015', 'objective', target => 'milestone', weight => 0);
SELECT ok(athar.check_in('kr1', 10, at => '2015-02-01 12:00+03') > 0, 'a check-in has an id');
SELECT athar.check_in('kr1', 20, 0.8, 'going well', '2015-05-01 12:00+03', 'on_track');
SELECT athar.check_in('kr2', 60, at => '2015-05-01 12:00+03');
SELECT athar.check_in('shown', 1, at => '2015-05-01 12:00+03');
SELECT results_eq(
	$$SELECT goal, parent, depth, path, unit, cycle, weight, target, current, progress, coverage FROM athar.okr_tree ORDER BY path$$,
	$$VALUES
		('policy', NULL, 1, 'policy' COLLATE "C", NULL, NULL, 1::double precision, NULL, NULL::double precision, 0.425::double precision, 0.8::double precision),
		('strategy', 'policy', 2, 'policy > strategy', NULL, NULL, 1, NULL, NULL, 0.425, 0.8),
		('objective', 'strategy', 3, 'policy > strategy > objective', 'ministry', '2015', 1, NULL, NULL, 0.425, 0.8),
		('kr1', 'objective', 4, 'policy > strategy > objective > kr1', NULL, '2015', 1, 'from 0 to 100', 20, 0.2, 1),
		('kr2', 'objective', 4, 'policy > strategy > objective > kr2', NULL, '2015', 3, 'from 100 to 20', 60, 0.5, 1),
		('kr3', 'objective', 4, 'policy > strategy > objective > kr3', NULL, '2015', 1, 'from 0 to 1', NULL, NULL, 0),
		('shown', 'objective', 4, 'policy > strategy > objective > shown', NULL, '2015', 0, 'milestone', 1, 1, 1)$$,
	'the golden tree nested three levels');
SELECT results_eq(
	$$SELECT goal, expected, status, said_status, confidence FROM athar.okr_tree ORDER BY path$$,
	$$VALUES
		('policy', NULL::double precision, NULL, NULL, NULL::double precision), ('strategy', NULL, NULL, NULL, NULL),
		('objective', 1, 'missed', NULL, NULL), ('kr1', 1, 'missed', 'on_track', 0.8), ('kr2', 1, 'missed', NULL, NULL),
		('kr3', 1, 'no_data', NULL, NULL), ('shown', 1, 'achieved', NULL, NULL)$$,
	'and judged, long after its cycle; no pace where there is no cycle');
SELECT columns_are('athar', 'okr_tree', ARRAY['goal', 'parent', 'depth', 'path', 'kind', 'title', 'unit', 'cycle', 'weight', 'target', 'current',
	'progress', 'coverage', 'expected', 'status', 'said_status', 'confidence', 'bar'], 'the columns of okr_tree');
SELECT results_eq(
	$$SELECT goal, is_disputed, missing FROM athar.okr_status WHERE cycle = '2015' ORDER BY goal$$,
	$$VALUES ('kr1', true, NULL), ('kr2', NULL, NULL), ('kr3', NULL, 'no_figure'), ('objective', NULL, 'partly_measured'), ('shown', NULL, NULL)$$,
	'said and computed disagree; what is missing');
SELECT results_eq(
	$$SELECT s.current, s.raw_progress, s.said_status, s.confidence FROM athar.goal_states('2015-03-01 12:00+03') s WHERE s.goal_id = athar.goal_id('kr1')$$,
	$$VALUES (10::double precision, 0.1::double precision, NULL, NULL::double precision)$$,
	'at an earlier moment only what had been said by then');
SELECT athar.check_in('kr1', note => 'no news', at => '2015-06-01 12:00+03');
SELECT results_eq(
	$$SELECT current, said_status, confidence, reviewed_at FROM athar.okr_status WHERE goal = 'kr1'$$,
	$$VALUES (20::double precision, 'on_track', 0.8::double precision, '2015-06-01 12:00+03'::timestamptz)$$,
	'a note alone leaves the figure, the word and the confidence as they were');
SELECT results_eq($$SELECT author, kind, note FROM athar.review WHERE goal_id = athar.goal_id('kr1') ORDER BY reviewed_at DESC LIMIT 1$$,
	$$VALUES ('programme office', 'check_in', 'no news')$$, 'a review keeps its author');

-- Status over a cycle of ten days, at moments of its own.
SELECT athar.create_cycle('ten', 'Ten days', '[2020-01-01,2020-01-11)');
SELECT athar.create_goal('steps', 'Steps', 'key_result', 'ten', target => 'from 0 to 10');
SELECT athar.create_goal('dream', 'Dream', 'key_result', 'ten', target => 'from 0 to 10', commitment => 'aspirational');
SELECT athar.check_in(g, v, at => t) FROM unnest(ARRAY['steps', 'dream']) g,
	(VALUES (4, timestamptz '2020-01-02 00:00+03'), (8, '2020-01-09 00:00+03')) c(v, t);
SELECT results_eq(
	$$SELECT m.at, s.expected, s.raw_progress, s.status
	FROM unnest(ARRAY['2020-01-01 12:00+03', '2020-01-06 00:00+03', '2020-01-06 01:00+03', '2020-01-08 00:00+03', '2020-01-08 01:00+03', '2020-01-10 00:00+03', '2020-01-11 00:00+03']::timestamptz[]) m(at),
		athar.goal_states(m.at) s
	WHERE s.goal_id = athar.goal_id('steps') ORDER BY 1$$,
	$$VALUES
		(timestamptz '2020-01-01 12:00+03', 0.05::double precision, NULL::double precision, 'no_data'),
		('2020-01-06 00:00+03', 0.5, 0.4, 'on_track'),
		('2020-01-06 01:00+03', 121 / 240::double precision, 0.4, 'caution'),
		('2020-01-08 00:00+03', 0.7, 0.4, 'caution'),
		('2020-01-08 01:00+03', 169 / 240::double precision, 0.4, 'off_track'),
		('2020-01-10 00:00+03', 0.9, 0.8, 'on_track'),
		('2020-01-11 00:00+03', 1, 0.8, 'missed')$$,
	'status over a cycle: 0.1 and 0.3 behind are still in');
SELECT is((SELECT s.status FROM athar.goal_states('2020-02-01 00:00+03') s WHERE s.goal_id = athar.goal_id('dream')), 'achieved',
	'0.8 of an aspirational goal is success');
SELECT athar.check_in('steps', 11, at => '2020-01-10 12:00+03');
SELECT results_eq($$SELECT progress, raw_progress, status FROM athar.okr_status WHERE goal = 'steps'$$,
	$$VALUES (1::double precision, 1.1::double precision, 'achieved')$$, 'beyond the goal: shown as 1, kept as 1.1');
SELECT athar.create_goal('pair', 'A pair', 'objective', 'ten');
SELECT athar.create_goal('pair-a', 'A', 'key_result', 'ten', 'pair', target => 'at least 5');
SELECT athar.create_goal('pair-b', 'B', 'key_result', 'ten', 'pair', target => 'at least 5');
SELECT athar.check_in('pair-a', 6, at => '2020-01-02 00:00+03');
SELECT results_eq(
	$$SELECT m.at, s.raw_progress, s.coverage, s.status
	FROM unnest(ARRAY['2020-01-05 00:00+03', '2020-01-12 00:00+03']::timestamptz[]) m(at), athar.goal_states(m.at) s
	WHERE s.goal_id = athar.goal_id('pair') ORDER BY 1$$,
	$$VALUES (timestamptz '2020-01-05 00:00+03', 1::double precision, 0.5::double precision, 'on_track'), ('2020-01-12 00:00+03', 1, 0.5, 'no_data')$$,
	'half of it unknown: neither achieved nor missed');
SELECT athar.check_in('pair-b', 5, at => '2020-01-12 12:00+03');
SELECT is((SELECT status FROM athar.okr_tree WHERE goal = 'pair'), 'achieved', 'all of it known and reached: achieved');

-- Figures from measurements.
SELECT athar.define_kpi('share', 'Digital share', 'share', 'up', kind => 'ratio');
SELECT athar.define_kpi('hours', 'Hours', 'h', 'down');
CREATE FUNCTION pg_temp.report(kpi text, period daterange, value double precision, basis text DEFAULT NULL, channel text DEFAULT NULL)
RETURNS void LANGUAGE SQL AS $$
	SELECT athar.report_measurement(kpi, period, athar.summary_of(ARRAY[value], ARRAY[1]), service => 'renewal', basis => basis, channel => channel)
$$;
CREATE FUNCTION pg_temp.value_of(goal text, at timestamptz) RETURNS text LANGUAGE SQL AS $$
	SELECT concat_ws('|', coalesce(v.value::text, '-'), coalesce(v.baseline::text, '-')) FROM athar.goal_values(at) v WHERE v.goal_id = athar.goal_id(goal)
$$;
SELECT athar.create_goal('faster', 'Half the time', 'key_result', '2015', kpi => 'hours', service => 'renewal', target => '-50%');
SELECT results_eq($$SELECT status, missing FROM athar.okr_status WHERE goal = 'faster'$$, $$VALUES ('no_data', 'no_figure')$$, 'nothing measured yet');
SELECT athar.check_in('faster', 1, at => '2015-05-01 00:00+03');
SELECT is(pg_temp.value_of('faster', '2015-06-01 00:00+03'), '-|-', 'where a KPI measures, nobody types the figure');
SELECT pg_temp.report('hours', '[2015-01-01,2015-04-01)', 36, 'quarter');
SELECT results_eq($$SELECT current, progress, status, missing FROM athar.okr_status WHERE goal = 'faster'$$,
	$$VALUES (36::double precision, NULL::double precision, 'no_data', 'no_baseline')$$, 'relative to a baseline that is not known');
SELECT pg_temp.report('hours', '[2014-07-01,2014-10-01)', 60, 'quarter');
SELECT pg_temp.report('hours', '[2014-10-01,2015-01-01)', 48, 'quarter');
SELECT results_eq($$SELECT baseline, start_value, goal_value, current, progress FROM athar.okr_status WHERE goal = 'faster'$$,
	$$VALUES (48::double precision, 48::double precision, 24::double precision, 36::double precision, 0.5::double precision)$$,
	'the newest figure before the cycle is the baseline');
SELECT pg_temp.report('hours', '[2015-04-01,2015-07-01)', 30, 'quarter');
SELECT is(pg_temp.value_of('faster', '2015-06-30 23:59+03'), '36|48', 'a period counts when it has ended');
SELECT is(pg_temp.value_of('faster', '2015-07-01 00:00+03'), '30|48', 'the moment it has ended, in the KPI''s time zone');
SELECT pg_temp.report('hours', '[2014-07-01,2015-07-01)', 40, 'year');
SELECT is(pg_temp.value_of('faster', '2015-07-01 00:00+03'), '30|48', 'of periods that end together the shortest');
SELECT pg_temp.report('hours', '[2015-10-01,2016-01-01)', 24, 'quarter');
SELECT pg_temp.report('hours', '[2016-01-01,2016-04-01)', 99, 'quarter');
SELECT is(pg_temp.value_of('faster', '2017-01-01 00:00+03'), '24|48', 'what begins after the cycle is not its result');
SELECT results_eq($$SELECT progress, status FROM athar.okr_status WHERE goal = 'faster'$$, $$VALUES (1::double precision, 'achieved')$$, 'half the time: reached');
SELECT athar.create_goal('ever', 'Fast for ever', 'strategy', kpi => 'hours', service => 'renewal', target => 'at most 48');
SELECT is(pg_temp.value_of('ever', '2017-01-01 00:00+03'), '99|-', 'without a cycle: the newest figure, and no baseline');
SELECT is(pg_temp.value_of('ever', '2014-08-01 00:00+03'), '-|-', 'before there was any');

-- The golden key results, measured.
SELECT athar.define_kpi('satisfaction', 'Satisfaction', 'share', 'up');
SELECT athar.define_kpi('on-time', 'On time', 'share', 'up');
SELECT athar.create_goal('case', 'The case of the renewals', 'objective', '2015');
SELECT athar.create_goal('case-1', 'Nine in ten satisfied', 'key_result', '2015', 'case', kpi => 'satisfaction', service => 'renewal', target => 'from 0.70 to 0.90');
SELECT athar.create_goal('case-2', 'Half the time', 'key_result', '2015', 'case', kpi => 'hours', service => 'renewal', target => 'from 48 to 24');
SELECT athar.create_goal('case-3', 'On time', 'key_result', '2015', 'case', kpi => 'on-time', service => 'renewal', target => 'from 0.80 to 0.95');
SELECT pg_temp.report('satisfaction', '[2015-10-01,2016-01-01)', 0.90);
SELECT pg_temp.report('on-time', '[2015-10-01,2016-01-01)', 0.95);
SELECT results_eq($$SELECT goal, progress, coverage, status FROM athar.okr_tree WHERE path LIKE 'case%' ORDER BY path$$,
	$$VALUES ('case', 1::double precision, 1::double precision, 'achieved'), ('case-1', 1, 1, 'achieved'), ('case-2', 1, 1, 'achieved'), ('case-3', 1, 1, 'achieved')$$,
	'0.70/0.90/0.90, 48 h/24 h/24 h, 0.80/0.95/0.95: 1.0 each, objective 1.0');

-- Channels: the whole where it is reported, else the channels merged; one channel alone.
SELECT athar.create_goal('digital', 'Digital', 'key_result', '2015', kpi => 'share', service => 'renewal', target => 'at least 0.7');
SELECT athar.create_goal('digital-web', 'Digital on the web', 'key_result', '2015', kpi => 'share', service => 'renewal', channel => 'web', target => 'at least 0.7');
SELECT athar.report_measurement('share', '[2015-01-01,2015-04-01)', athar.summary_of('{0,1}', '{10,90}'), service => 'renewal', channel => 'web');
SELECT athar.report_measurement('share', '[2015-01-01,2015-04-01)', athar.summary_of('{0,1}', '{90,10}'), service => 'renewal', channel => 'counter');
SELECT is(pg_temp.value_of('digital', '2016-01-01 00:00+03'), '0.5|-', 'channels merged, by their numbers');
SELECT is(pg_temp.value_of('digital-web', '2016-01-01 00:00+03'), '0.9|-', 'one channel');
SELECT athar.report_measurement('share', '[2015-01-01,2015-04-01)', athar.summary_of('{0,1}', '{4,6}'), service => 'renewal');
SELECT is(pg_temp.value_of('digital', '2016-01-01 00:00+03'), '0.6|-', 'the whole as it was reported');

-- Observations: merged over the cycle so far; the baseline over as many days before it.
SELECT athar.define_kpi('wait', 'Waiting time', 'min', 'down');
SELECT athar.create_goal('wait-10', 'A tenth less', 'key_result', 'ten', kpi => 'wait', service => 'renewal', target => '-10%');
SELECT athar.record_observation('wait', v, t, service => 'renewal', channel => c)
FROM (VALUES (99, timestamptz '2019-12-21 12:00+03', 'web'), (30, '2019-12-22 12:00+03', 'web'), (50, '2019-12-31 12:00+03', NULL),
	(30, '2020-01-01 12:00+03', 'web'), (34, '2020-01-03 12:00+03', 'counter'), (41, '2020-01-10 12:00+03', 'counter'), (7, '2020-01-11 12:00+03', 'web')) o(v, t, c);
SELECT is(pg_temp.value_of('wait-10', '2020-01-02 00:00+03'), '30|40', 'the first day');
SELECT is(pg_temp.value_of('wait-10', '2020-01-03 13:00+03'), '32|40', 'every day so far, today with it');
SELECT is(pg_temp.value_of('wait-10', '2021-01-01 00:00+03'), '35|40', 'and not a day more than the cycle');
SELECT athar.refresh_measurements();
SELECT is(pg_temp.value_of('wait-10', '2021-01-01 00:00+03'), '35|40', 'the same after the refresh');

SELECT set_eq($$SELECT DISTINCT c.code::text FROM athar.goal_values('2020-01-05 12:00+03', only_running => true) AS v JOIN athar.goal AS g ON g.id = v.goal_id LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id$$,
	ARRAY['ten'], 'of cycles that run at the moment alone');

-- Bad goals.
SELECT is(athar.goal_id(NULL), NULL, 'no code, no id');
SELECT throws_ok($$SELECT athar.goal_id('nil')$$, '42704', 'goal "nil" does not exist', 'unknown goal');
SELECT throws_ok($$SELECT athar.create_goal('kr1', 'Again', 'key_result')$$, '23505', 'goal "kr1" exists already', 'a goal twice');
SELECT throws_ok($$SELECT athar.create_goal('', 'Blank', 'key_result')$$, '22023', 'goal code must not be blank', 'a blank code');
SELECT throws_ok($$SELECT athar.create_goal('x', ' ', 'key_result')$$, '22023', 'goal "x" needs a title', 'a blank title');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'wish')$$, '22023', 'goal kind "wish" is unknown', 'an unknown kind');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', NULL)$$, '22023', NULL, 'no kind');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', commitment => 'vague')$$, '22023', 'goal commitment "vague" is unknown', 'an unknown commitment');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', weight => -1)$$, '22023', 'the weight of goal "x" is negative: -1', 'a negative weight');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', weight => 'NaN')$$, '22003', 'the weight of goal "x" is not a finite number', 'a weight of NaN');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', weight => 'Infinity')$$, '22003', 'the weight of goal "x" is not a finite number', 'an infinite weight');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', cycle => 'nil')$$, '42704', 'cycle "nil" does not exist', 'an unknown cycle');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', parent => 'nil')$$, '42704', 'goal "nil" does not exist', 'an unknown parent');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', parent => 'x')$$, '42704', 'goal "x" does not exist', 'itself as its parent');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', unit => 'nil')$$, '42704', 'unit "nil" does not exist', 'an unknown unit');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', kpi => 'nil')$$, '42704', 'KPI "nil" does not exist', 'an unknown KPI');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', service => 'nil')$$, '42704', 'service "nil" does not exist', 'an unknown service');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', channel => 'nil')$$, '42704', 'channel "nil" does not exist', 'an unknown channel');
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'policy', target => 'from 4 to 4')$$, '22023', 'target "from 4 to 4" is equal to its start', 'a target equal to its start');
SELECT athar.define_kpi('errors', 'Errors', 'count', 'down');
SELECT pg_temp.report('errors', '[2014-10-01,2015-01-01)', 0);
SELECT throws_ok($$SELECT athar.create_goal('x', 'X', 'key_result', '2015', kpi => 'errors', service => 'renewal', target => '+20%')$$,
	'22023', 'target "+20%" of goal "x" is relative to a baseline of 0', 'a share of nothing');
SELECT is_empty($$SELECT FROM athar.goal WHERE code = 'x'$$, 'none of them was created');
SELECT lives_ok($$SELECT athar.create_goal('x', 'X', 'key_result', '2015', kpi => 'errors', service => 'renewal', target => 'from 0 to 5')$$, 'as a way it is fine');

SELECT throws_ok($$UPDATE athar.goal SET parent_id = athar.goal_id('kr1') WHERE code = 'policy'$$, 'AT006', NULL, 'a loop in the tree');
SELECT throws_ok($$UPDATE athar.goal SET parent_id = id WHERE code = 'policy'$$, 'AT006', NULL, 'a goal that serves itself');

-- Bad check-ins.
SELECT throws_ok($$SELECT athar.check_in('nil', 1)$$, '42704', 'goal "nil" does not exist', 'an unknown goal');
SELECT throws_ok($$SELECT athar.check_in(NULL, 1)$$, '22023', 'a check-in needs a goal', 'no goal');
SELECT throws_ok($$SELECT athar.check_in('kr1', note => ' ')$$, '22023', 'the check-in of goal "kr1" says nothing', 'nothing said');
SELECT throws_ok($$SELECT athar.check_in('kr1', 'NaN')$$, '22003', 'the value in the check-in of goal "kr1" is not a finite number', 'a value of NaN');
SELECT throws_ok($$SELECT athar.check_in('kr1', '-Infinity')$$, '22003', 'the value in the check-in of goal "kr1" is not a finite number', 'an infinite value');
SELECT throws_ok($$SELECT athar.check_in('kr1', confidence => 'NaN')$$, '22003', 'the confidence in the check-in of goal "kr1" is not a finite number', 'a confidence of NaN');
SELECT throws_ok($$SELECT athar.check_in('kr1', confidence => 1.1)$$, '22023', 'confidence 1.1 in the check-in of goal "kr1" is out of range', 'more than sure');
SELECT throws_ok($$SELECT athar.check_in('kr1', confidence => -0.1)$$, '22023', 'confidence -0.1 in the check-in of goal "kr1" is out of range', 'less than not at all');
SELECT throws_ok($$SELECT athar.check_in('kr1', said_status => 'fine')$$, '22023', 'status "fine" is unknown', 'an unknown status');
SELECT throws_ok($$SELECT athar.check_in('kr1', 1, at => '294276-01-01')$$, '22023', 'the check-in of goal "kr1" needs a time of the years 1 to 9999', 'a time beyond what can be counted');
SELECT throws_ok($$SELECT athar.check_in('kr1', 1, at => 'infinity')$$, '22023', 'the check-in of goal "kr1" needs a time of the years 1 to 9999', 'an infinite time');

-- Alignment.
SELECT athar.create_project('reform', 'Reform', 'ministry',
	'{"title": "Reform", "items": [{"id": "A1", "title": "Fewer forms"}, {"id": "A2", "title": "Open longer"}]}', 'the beginning');
SELECT ok(athar.align('kr1', 'reform', 'A1', 0.6) > 0, 'an alignment has an id');
SELECT is(athar.align('kr1', 'reform', 'A1', 0.7), athar.align('kr1', 'reform', 'A1', 0.7), 'said again it is the same one');
SELECT throws_ok($$SELECT athar.align('kr2', 'reform', 'A1')$$, '22023', 'action "A1" would serve goals with 1.7 of itself', 'more than it has');
SELECT athar.align('kr2', 'reform', 'A1', 0.2);
SELECT lives_ok($$SELECT athar.align('kr3', 'reform', 'A1', 0.1)$$, '0.7, 0.2 and 0.1 are 1');
SELECT lives_ok($$SELECT athar.align('kr1', 'reform', 'A2')$$, 'another action has shares of its own');
SELECT results_eq($$SELECT share::double precision FROM athar.alignment ORDER BY share$$,
	$$VALUES (0.1::double precision), (0.2), (0.7), (1)$$, 'the shares as they were last given');
SELECT throws_ok($$SELECT athar.align('kr1', 'reform', 'A1', 0)$$, '22023', 'share 0 of action "A1" is out of range', 'a share of 0');
SELECT throws_ok($$SELECT athar.align('kr1', 'reform', 'A1', 1.5)$$, '22023', 'share 1.5 of action "A1" is out of range', 'a share above 1');
SELECT throws_ok($$SELECT athar.align('kr1', 'reform', 'A1', 'NaN')$$, '22003', 'the share of action "A1" is not a finite number', 'a share of NaN');
SELECT throws_ok($$SELECT athar.align('nil', 'reform', 'A1')$$, '42704', 'goal "nil" does not exist', 'an unknown goal');
SELECT throws_ok($$SELECT athar.align('kr1', 'nil', 'A1')$$, '42704', 'project "nil" does not exist', 'an unknown project');
SELECT throws_ok($$SELECT athar.align('kr1', 'reform', 'A9')$$, '42704', 'action "A9" of project "reform" does not exist', 'an unknown action');
SELECT throws_ok($$SELECT athar.align('kr1', 'reform', NULL)$$, '22023', 'an alignment needs a goal, a project and an action', 'no action');

-- The rollup's history.
SELECT is(athar.roll_up_goals('2015-Q1'), 0, 'a cycle without goals');
SELECT is(athar.roll_up_goals('ten'), (SELECT count(*)::integer FROM athar.okr_tree WHERE cycle = 'ten'), 'the goals of one cycle');
SELECT is(athar.roll_up_goals(), (SELECT count(*)::integer FROM athar.goal), 'all goals');
SELECT is((SELECT count(*) FROM athar.goal_progress), (SELECT count(*) FROM athar.goal), 'once per goal and moment');
SELECT results_eq($$SELECT goal, value, raw_progress, progress, coverage, expected, change FROM athar.goal_trend WHERE goal IN ('objective', 'steps', 'kr3') ORDER BY goal$$,
	$$VALUES ('kr3', NULL::double precision, NULL::double precision, NULL::double precision, 0::double precision, 1::double precision, NULL::double precision),
		('objective', NULL, 0.425, 0.425, 0.8, 1, NULL), ('steps', 11, 1.1, 1, 1, 1, NULL)$$, 'what the run kept');
INSERT INTO athar.goal_progress (goal_id, rolled_up_at, value, progress, coverage) VALUES (athar.goal_id('steps'), '2020-01-06 00:00+03', 4, 0.4, 1);
SELECT results_eq($$SELECT expected, change FROM athar.goal_trend WHERE goal = 'steps' ORDER BY rolled_up_at$$,
	$$VALUES (0.5::double precision, NULL::double precision), (1, 1.1 - 0.4::double precision)$$, 'two runs: what was expected then, and the change');
SELECT throws_ok($$SELECT athar.roll_up_goals('nil')$$, '42704', 'cycle "nil" does not exist', 'an unknown cycle');
SELECT results_eq($$SELECT goal, progress FROM athar.okr_tree WHERE parent IS NULL AND goal IN ('policy', 'case') ORDER BY goal$$,
	$$VALUES ('case', 1::double precision), ('policy', 0.425)$$, 'the views read what is stored now, whether or not the goals were rolled up');

-- A cycle is spoken for by figures that end within it.
SELECT athar.define_kpi('bounded', 'Bounded', 'n', 'up');
SELECT athar.create_cycle('b2020', 'The year 2020', '[2020-01-01,2021-01-01)');
SELECT athar.create_goal('bounded', 'At least ten', 'key_result', 'b2020', kpi => 'bounded', target => 'at least 10');
SELECT athar.report_measurement('bounded', '[2016-01-01,2017-01-01)', athar.summary_of('{4}', '{1}'), basis => 'year');
SELECT results_eq($$SELECT current, progress, coverage, status FROM athar.okr_tree WHERE goal = 'bounded'$$,
	$$VALUES (NULL::double precision, NULL::double precision, 0::double precision, 'no_data')$$, 'a figure from before the cycle measures nothing in it');
SELECT athar.report_measurement('bounded', '[2020-07-01,2021-07-01)', athar.summary_of('{99}', '{1}'), basis => 'year');
SELECT athar.report_measurement('bounded', '[2020-07-01,2020-10-01)', athar.summary_of('{8}', '{1}'), basis => 'quarter');
SELECT is(current, 8::double precision, 'one that runs past its end does not either') FROM athar.okr_tree WHERE goal = 'bounded';

-- One channel counts, the other gives numerator and denominator.
SELECT athar.define_kpi('both', 'Both', 'share', 'up', 'ratio'), athar.define_channel('both-a', 'A'), athar.define_channel('both-b', 'B');
SELECT athar.create_goal('both', 'Both', 'key_result', kpi => 'both', target => 'at least 0.9');
SELECT athar.report_measurement('both', '[2020-01-01,2020-04-01)', athar.summary_of('{0,1}', '{10,10}'), channel => 'both-a', basis => 'quarter'),
	athar.report_measurement('both', '[2020-01-01,2020-04-01)', NULL, channel => 'both-b', basis => 'quarter', numerator => 30, denominator => 40);
SELECT is(value, 40.0::double precision / 60, 'they are one ratio') FROM athar.goal_values('2020-05-01', ARRAY[athar.goal_id('both')]);

SELECT * FROM finish();
ROLLBACK;
