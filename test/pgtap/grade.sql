-- grade: goals revised, cycles closed, grades that stay, where goals are heading, what the public reads
BEGIN;
SELECT plan(65);
SET LOCAL athar.actor = 'programme office';
SET LOCAL athar.time_zone = 'UTC';

SELECT athar.define_unit('ministry', 'Ministry', 'الوزارة');
SELECT athar.define_kpi('wait', 'Waiting time', 'hours', 'down');
SELECT athar.define_kpi('late', 'Late answers', 'n', 'down');
SELECT athar.create_cycle('past', 'A year', '[2020-01-01,2021-01-01)', 'عام');
SELECT athar.report_measurement('wait', '[2019-10-01,2020-01-01)', athar.summary_of('{48}', '{30}'));
SELECT athar.report_measurement('wait', '[2020-10-01,2021-01-01)', athar.summary_of('{24}', '{30}'));
SELECT athar.create_goal('policy', 'Services for people', 'policy', unit => 'ministry', rationale => 'people lose days', title_ar => 'خدمات للناس', rationale_ar => 'يضيع وقت الناس');
SELECT athar.create_goal('aim', 'Faster', 'objective', 'past', 'policy', 'ministry');
SELECT athar.create_goal('wait', 'Half the time', 'key_result', 'past', 'aim', kpi => 'wait', target => 'from 48 to 24');
SELECT athar.create_goal('said', 'Answered', 'key_result', 'past', 'aim', target => 'from 0 to 10');
SELECT athar.check_in('said', 5, at => '2020-06-01', said_status => 'on_track');

-- Revisions.
SELECT is(athar.revise_goal('wait', 'from 48 to 16', reason => 'the first half year went well'), athar.goal_id('wait'), 'a goal is revised');
SELECT results_eq($$SELECT goal, cycle, author, reason, old_target, new_target, old_weight, new_weight, current, old_progress, new_progress FROM athar.goal_revisions$$,
	$$VALUES ('wait', 'past', 'programme office', 'the first half year went well', 'from 48 to 24', 'from 48 to 16', 1::double precision, 1::double precision,
		24::double precision, 1::double precision, 0.75::double precision)$$,
	'the target raised: both grades, and why');
SELECT athar.revise_goal('wait', 'from 48 to 16', reason => 'nothing changes');
SELECT is(count(*), 1::bigint, 'where nothing changes, nothing is kept') FROM athar.goal_revision;
SELECT athar.revise_goal('wait', weight => 3, commitment => 'aspirational', reason => 'it matters most');
SELECT results_eq($$SELECT old_target, new_target, old_weight, new_weight, old_commitment, new_commitment FROM athar.goal_revisions ORDER BY old_weight, new_weight$$,
	$$VALUES ('from 48 to 24', 'from 48 to 16', 1::double precision, 1::double precision, 'committed', 'committed'),
		('from 48 to 16', 'from 48 to 16', 1, 3, 'committed', 'aspirational')$$, 'revised twice: each step by itself');
SELECT results_eq($$SELECT g.goal, s.raw_progress, f.raw_progress FROM athar.okr_tree g
	JOIN athar.goal_states(now()) s ON s.goal_id = athar.goal_id(g.goal) JOIN athar.goal_states(now(), true) f ON f.goal_id = athar.goal_id(g.goal) ORDER BY g.path$$,
	$$VALUES ('policy', 0.6875::double precision, 0.75::double precision), ('aim', 0.6875, 0.75), ('said', 0.5, 0.5), ('wait', 0.75, 1)$$,
	'the tree as it is, and as it was planned: other targets and other weights');
SELECT athar.revise_goal('said', title => 'Every letter answered', title_ar => 'الرد على كل رسالة', unit => 'ministry', rationale => 'they wait', parent => 'policy', reason => 'said better');
SELECT results_eq($$SELECT title, title_ar, unit_id, rationale, parent_id FROM athar.goal WHERE code = 'said'$$,
	$$VALUES ('Every letter answered', 'الرد على كل رسالة', athar.unit_id('ministry'), 'they wait', athar.goal_id('policy'))$$, 'title, unit, rationale and parent change, too');
SELECT results_eq($$SELECT old_parent, new_parent, is_other_figure FROM athar.goal_revisions WHERE goal = 'said'$$, $$VALUES ('aim', 'policy', false)$$, 'and where it stood is known');
SELECT athar.revise_goal('said', rationale_ar => 'ينتظرون', reason => 'in Arabic, too');
SELECT is(rationale_ar, 'ينتظرون', 'the rationale in Arabic') FROM athar.goal WHERE code = 'said';
SELECT athar.revise_goal('said', parent => 'aim', reason => 'back', without => '{unit,rationale,rationale_ar,title_ar}');
SELECT results_eq($$SELECT title_ar, unit_id, rationale, rationale_ar FROM athar.goal WHERE code = 'said'$$, $$VALUES (NULL::text, NULL::integer, NULL::text, NULL::text)$$, 'what is not wanted is taken away');
SELECT athar.create_goal('moved', 'Moved', 'key_result', 'past', kpi => 'late', target => 'at most 30', weight => 0);
SELECT athar.revise_goal('moved', kpi => 'wait', reason => 'the wrong code');
SELECT results_eq($$SELECT is_other_figure, old_progress, new_progress FROM athar.goal_revisions WHERE goal = 'moved'$$,
	$$VALUES (true, NULL::double precision, 24 / 18::double precision)$$, 'another KPI: the old target says nothing of the new figure');
SELECT results_eq($$SELECT raw_progress FROM athar.goal_states(now(), true) WHERE goal_id = athar.goal_id('moved')$$, $$VALUES (NULL::double precision)$$, 'nor does the plan as it was');
SELECT athar.revise_goal('moved', reason => 'measured below', without => '{kpi,target}');
SELECT results_eq($$SELECT kpi_id, target::text FROM athar.goal WHERE code = 'moved'$$, $$VALUES (NULL::integer, NULL::text)$$, 'a goal without KPI and target');
SELECT throws_ok($$SELECT athar.revise_goal('wait', weight => 2)$$, 'AT001', 'a reason is required to revise goal "wait"', 'no reason');
SELECT throws_ok($$SELECT athar.revise_goal('wait', weight => 2, reason => E' \n')$$, 'AT001', NULL, 'a blank one');
SELECT throws_ok($$SELECT athar.revise_goal(NULL, weight => 2, reason => 'r')$$, '22023', 'a revision needs a goal', 'no goal');
SELECT throws_ok($$SELECT athar.revise_goal('nil', weight => 2, reason => 'r')$$, '42704', 'goal "nil" does not exist', 'an unknown goal');
SELECT throws_ok($$SELECT athar.revise_goal('wait', weight => 'Infinity', reason => 'r')$$, '22003', 'the weight of goal "wait" is not a finite number', 'an infinite weight');
SELECT throws_ok($$SELECT athar.revise_goal('wait', weight => -1, reason => 'r')$$, '22023', 'the weight of goal "wait" is negative: -1', 'a negative weight');
SELECT throws_ok($$SELECT athar.revise_goal('wait', commitment => 'vague', reason => 'r')$$, '22023', 'goal commitment "vague" is unknown', 'an unknown commitment');
SELECT throws_ok($$SELECT athar.revise_goal('wait', title => ' ', reason => 'r')$$, '22023', 'goal "wait" needs a title', 'a blank title');
SELECT throws_ok($$SELECT athar.revise_goal('wait', kpi => 'nil', reason => 'r')$$, '42704', 'KPI "nil" does not exist', 'an unknown KPI');
SELECT throws_ok($$SELECT athar.revise_goal('wait', without => '{weight}', reason => 'r')$$, '22023', 'a goal cannot be without "weight"', 'what a goal must have');
SELECT throws_ok($$SELECT athar.revise_goal('policy', parent => 'wait', reason => 'r')$$, 'AT006', 'goal "policy" cannot serve goal "wait"', 'a loop, across a cycle and none');
SELECT throws_ok($$SELECT athar.revise_goal('aim', parent => 'aim', reason => 'r')$$, 'AT006', NULL, 'a goal that serves itself');
SELECT results_eq($$SELECT reason FROM athar.change_log WHERE relation = 'athar.goal' AND operation = 'UPDATE' ORDER BY entry_id LIMIT 1$$,
	$$VALUES ('the first half year went well')$$, 'the log has the reason as well');

-- Before the cycle began nothing was promised yet.
SELECT athar.create_cycle('soon', 'Next', daterange(current_date + 10, current_date + 100));
SELECT athar.create_goal('draft', 'Draft', 'key_result', 'soon', target => 'from 0 to 10');
SELECT athar.revise_goal('draft', 'from 0 to 20', reason => 'still planning');
SELECT athar.check_in('draft', 10);
SELECT results_eq($$SELECT raw_progress FROM athar.goal_states(now(), true) WHERE goal_id = athar.goal_id('draft')$$, $$VALUES (0.5::double precision)$$, 'a target changed before its cycle is the first target');

-- Closing.
SELECT is(athar.close_cycle('past'), 4, 'closed: every goal of the cycle has its grade');
SELECT results_eq($$SELECT goal, target, value, progress, coverage, status, said_status, first_target, first_progress, first_status, is_corrected FROM athar.goal_grades ORDER BY goal$$,
	$$VALUES
		('aim', NULL, NULL::double precision, 0.6875::double precision, 1::double precision, 'missed', NULL, NULL, 0.75::double precision, 'missed', false),
		('moved', NULL, NULL, NULL, 0, 'no_data', NULL, 'at most 30', NULL, 'no_data', false),
		('said', 'from 0 to 10', 5, 0.5, 1, 'missed', 'on_track', 'from 0 to 10', 0.5, 'missed', false),
		('wait', 'from 48 to 16', 24, 0.75, 1, 'achieved', NULL, 'from 48 to 24', 1, 'achieved', false)$$,
	'the grade by the last target and by the first, of the objective, too; 0.75 is success for an aspirational goal');
SELECT throws_ok($$SELECT athar.close_cycle('past')$$, '55000', 'cycle "past" is closed already', 'closed twice');
SELECT throws_ok($$SELECT athar.close_cycle('nil')$$, '42704', 'cycle "nil" does not exist', 'an unknown cycle');
SELECT throws_ok($$SELECT athar.close_cycle(NULL)$$, '22023', 'a cycle is required', 'no cycle');
SELECT throws_ok($$SELECT athar.close_cycle('soon')$$, '55000', 'cycle "soon" has not begun', 'one that has not begun');
SELECT throws_ok($$SELECT athar.create_goal('new', 'New', 'key_result', 'past')$$, '55000', 'cycle "past" is closed', 'no goal comes after the grades');
SELECT throws_ok($$SELECT athar.revise_goal('wait', 'from 48 to 30', reason => 'so it was reached')$$, '55000', 'cycle "past" is closed', 'no target is changed after the grades');
SELECT is(expected, 1::double precision, 'a closed cycle is over') FROM athar.okr_tree WHERE goal = 'wait';

-- Later corrections are history beside the grade.
SELECT athar.report_measurement('wait', '[2020-10-01,2021-01-01)', athar.summary_of('{32}', '{30}'));
SELECT athar.check_in('said', 10, at => '2020-12-31');
SELECT athar.roll_up_goals();
SELECT results_eq($$SELECT goal, value, progress, status, value_now, progress_now, status_now, is_corrected FROM athar.goal_grades WHERE goal <> 'moved' ORDER BY goal$$,
	$$VALUES ('aim', NULL::double precision, 0.6875::double precision, 'missed', NULL::double precision, 0.625::double precision, 'missed', true),
		('said', 5, 0.5, 'missed', 10, 1, 'achieved', true),
		('wait', 24, 0.75, 'achieved', 32, 0.5, 'missed', true)$$,
	'the grades stay, what the figures say now stands beside them');
SELECT is((SELECT count(*) FROM athar.goal_grade), 4::bigint, 'and nothing is graded again');
SELECT results_eq($$SELECT operation, count(*) FROM athar.change_log WHERE relation = 'athar.goal_grade' GROUP BY operation$$, $$VALUES ('INSERT', 4::bigint)$$, 'grades are in the log');
SELECT athar.create_cycle('half', 'Closed early', daterange(current_date - 10, current_date + 10));
SELECT athar.create_goal('early', 'Early', 'key_result', 'half', target => 'milestone');
SELECT athar.check_in('early', 0.4);
SELECT is(athar.close_cycle('half'), 1, 'a cycle is closed before its last day');
SELECT results_eq($$SELECT d.status, s.status, s.expected FROM athar.goal_grades AS d JOIN athar.okr_tree AS s USING (goal) WHERE goal = 'early'$$,
	$$VALUES ('missed', 'missed', 1::double precision)$$, '2 of 5 steps: missed, because it is over');
SELECT athar.create_cycle('empty', 'Nothing wanted', '[2020-01-01,2020-02-01)');
SELECT is(athar.close_cycle('empty'), 0, 'a cycle without goals');

-- The rollup writes what moved.
SELECT athar.create_cycle('run', 'Running', daterange(current_date - 100, current_date + 100));
SELECT athar.create_goal('top', 'Top', 'objective', 'run');
SELECT athar.create_goal('kr' || i, 'Key result', 'key_result', 'run', 'top', target => 'from 0 to 10') FROM generate_series(1, 40) AS i;
SELECT athar.check_in('kr' || i, 1) FROM generate_series(1, 39) AS i;
INSERT INTO athar.goal_progress (goal_id, rolled_up_at, value, progress, coverage)
SELECT s.goal_id, now() - interval '2 days', s.current, s.raw_progress, s.coverage FROM athar.goal_states(now()) AS s JOIN athar.goal AS g ON g.id = s.goal_id WHERE g.cycle_id = athar.cycle_id('run');
INSERT INTO athar.goal_rollup (rolled_up_at, cycle_id, goals, written) VALUES (now() - interval '2 days', NULL, 41, 41), (now() - interval '1 day', NULL, 41, 0);
SELECT is(athar.roll_up_goals('run'), 41, 'a run looks at every goal');
SELECT results_eq($$SELECT goals, written FROM athar.goal_rollup WHERE rolled_up_at = now() AND cycle_id = athar.cycle_id('run')$$, $$VALUES (41, 0)$$, 'where nothing moved it writes nothing');
SELECT athar.check_in('kr1', 3);
SELECT athar.roll_up_goals('run');
SELECT results_eq($$SELECT goal, round(raw_progress::numeric, 9), round(change::numeric, 9), coverage FROM athar.goal_trend WHERE cycle = 'run' AND rolled_up_at = now() ORDER BY goal$$,
	$$VALUES ('kr1', 0.3, 0.2, 1::double precision), ('top', round(4.1 / 39, 9), round(0.2 / 39, 9), 0.975)$$, 'one figure: it and what stands above it, and nothing else');
SELECT results_eq($$SELECT rolled_up_at, held_until FROM athar.goal_trend WHERE goal = 'kr1' ORDER BY rolled_up_at$$,
	$$VALUES (now() - interval '2 days', now() - interval '1 day'), (now(), now())$$, 'until when it stood so: between that and the next row somebody moved');
SELECT results_eq($$SELECT held_until FROM athar.goal_trend WHERE goal = 'kr2'$$, $$VALUES (now())$$, 'what did not move has been looked at just now');
SELECT athar.check_in('kr1', 1);
SELECT athar.roll_up_goals('run');
SELECT results_eq($$SELECT raw_progress FROM athar.goal_trend WHERE goal = 'kr1' ORDER BY rolled_up_at$$, $$VALUES (0.1::double precision), (0.1)$$, 'again in one transaction: the row of that moment is corrected');
SELECT athar.revise_goal('kr1', reason => 'not measured for a while', without => '{target}');
SELECT athar.roll_up_goals('run');
SELECT results_eq($$SELECT raw_progress, change, coverage FROM athar.goal_trend WHERE goal = 'kr1' ORDER BY rolled_up_at DESC LIMIT 1$$,
	$$VALUES (NULL::double precision, NULL::double precision, 0::double precision)$$, 'what is no longer measured is a gap, not the figure before');
INSERT INTO athar.goal_progress (goal_id, rolled_up_at, progress, coverage) VALUES (athar.goal_id('kr2'), now() + interval '1 day', 0.9, 1);
SELECT athar.check_in('kr2', 5);
SELECT athar.roll_up_goals('run');
SELECT is(count(*), 2::bigint, 'a run that began earlier leaves the word of one that wrote later') FROM athar.goal_trend WHERE goal = 'kr2';

-- Forecasts: least squares over progress in time, by hand.
DELETE FROM athar.goal_rollup;
SELECT athar.create_cycle('line', 'A line', daterange(current_date - 150, current_date + 50));
SELECT athar.create_goal(g, 'Line ' || g, 'key_result', 'line', target => 'from 0 to 1', commitment => c)
FROM (VALUES ('straight', 'committed'), ('noisy', 'committed'), ('dream', 'aspirational'), ('short', 'committed'), ('two', 'committed'), ('lost', 'committed'), ('none', 'committed')) AS v (g, c);
INSERT INTO athar.goal_progress (goal_id, rolled_up_at, value, progress, coverage)
SELECT athar.goal_id(v.g), (current_date - 150 + v.day)::timestamp AT TIME ZONE 'UTC', v.p, v.p, 1
FROM (VALUES
	('straight', 20, 0.1::double precision), ('straight', 60, 0.3), ('straight', 100, 0.5), ('straight', 140, 0.7),
	('noisy', 20, 0.1), ('noisy', 60, 0.4), ('noisy', 100, 0.3), ('noisy', 140, 0.7),
	('dream', 20, 0.02), ('dream', 60, 0.05), ('dream', 100, 0.08), ('dream', 140, 0.12),
	('short', 130, 0.1), ('short', 131, 0.2), ('short', 132, 0.3),
	('two', 20, 0.1), ('two', 100, 0.5),
	('lost', 20, 0.1), ('lost', 60, NULL), ('lost', 100, 0.3), ('lost', 140, 0.4)) AS v (g, day, p);
SELECT results_eq($$SELECT goal, points, round(pace::numeric, 6), round(forecast::numeric, 6), round(forecast_low::numeric, 4), round(forecast_high::numeric, 4), outlook
	FROM athar.goal_forecast WHERE cycle = 'line' ORDER BY goal$$,
	$$VALUES
		('dream', 4::bigint, 0.165, 0.1665, 0.1374, 0.1956, 'unlikely'),
		('lost', 3, 0.5, 0.55, 0.55, 0.55, 'unlikely'),
		('noisy', 4, 0.85, 0.885, -0.2168, 1.9868, 'open'),
		('none', 0, NULL, NULL, NULL, NULL, NULL),
		('short', 3, NULL, NULL, NULL, NULL, NULL),
		('straight', 4, 1, 1, 1, 1, 'likely'),
		('two', 2, NULL, NULL, NULL, NULL, NULL)$$, 'where they are heading, how sure; nothing where a line has too little to stand on');
INSERT INTO athar.goal_rollup (rolled_up_at, cycle_id, goals, written) VALUES (now() - interval '1 minute', athar.cycle_id('line'), 7, 0);
SELECT is(points, 5::bigint, 'the last run that found nothing new is a point, too: what stands still is not extrapolated') FROM athar.goal_forecast WHERE goal = 'straight';
SELECT is_empty($$SELECT FROM athar.goal_forecast WHERE cycle IN ('past', 'half', 'soon')$$, 'cycles that are over, closed or not begun have none');

-- Publishing.
SELECT is_empty($$SELECT FROM athar.public_goals$$, 'nothing is published');
SELECT athar.create_goal('mute', 'Because', 'objective', 'run');
SELECT throws_ok($$SELECT athar.publish_goal('mute')$$, '22023', 'goal "mute" has no rationale', 'what leadership wants is published with its rationale');
SELECT throws_ok($$UPDATE athar.goal SET published_at = now() WHERE code = 'mute'$$, '23514', NULL, 'whichever way it is published');
SELECT is(athar.publish_goal('policy'), athar.goal_id('policy'), 'a policy with one');
SELECT is(athar.publish_goal('wait'), athar.goal_id('wait'), 'a key result speaks for itself');
SELECT is(athar.publish_goal('kr3'), athar.goal_id('kr3'), 'in an open cycle, too');
SELECT results_eq($$SELECT goal, parent, title_ar, rationale, rationale_ar, unit_name_ar, cycle_name_ar, period_end, target, progress, status, is_final FROM athar.public_goals ORDER BY goal$$,
	$$VALUES
		('kr3', NULL, NULL, NULL, NULL, NULL, NULL, current_date + 99, 'from 0 to 10', 0.1::double precision, 'off_track', false),
		('policy', NULL, 'خدمات للناس', 'people lose days', 'يضيع وقت الناس', 'الوزارة', NULL, NULL, NULL, 0.625, NULL, false),
		('wait', NULL, NULL, NULL, NULL, NULL, 'عام', '2020-12-31', 'from 48 to 16', 0.75, 'achieved', true)$$,
	'what is wanted and why, and how it stands: the newest rollup, or the grade');
SELECT athar.publish_goal('mute', false);
SELECT throws_ok($$SELECT athar.revise_goal('policy', reason => 'r', without => '{rationale}')$$, '22023', 'goal "policy" is published and would be without a rationale', 'what is published keeps its rationale');
SELECT athar.publish_goal('policy', false);
SELECT set_eq($$SELECT goal FROM athar.public_goals$$, ARRAY['kr3', 'wait'], 'withdrawn');
SELECT throws_ok($$SELECT athar.publish_goal('nil')$$, '42704', 'goal "nil" does not exist', 'an unknown goal');
SELECT throws_ok($$SELECT athar.publish_goal(NULL)$$, '22023', 'a goal is required', 'no goal');
CREATE ROLE athar_citizen;
GRANT USAGE ON SCHEMA athar TO athar_citizen;
GRANT SELECT ON athar.public_goals TO athar_citizen;
SET LOCAL ROLE athar_citizen;
SELECT athar.fail('XX000', 'wrong') WHERE (SELECT count(*) FROM athar.public_goals WHERE status IS NOT NULL) <> 2;
RESET ROLE;
SELECT pass('a citizen with a right to this view alone reads it');
SELECT throws_ok($$SET LOCAL ROLE athar_citizen; SELECT count(*) FROM athar.goal$$, '42501', NULL, 'and nothing else');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
