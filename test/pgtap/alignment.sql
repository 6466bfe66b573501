-- alignment: who works for what, what has no work and what no goal, what pulls apart, what is badly stated
BEGIN;
SELECT plan(60);
SET LOCAL athar.actor = 'programme office';
SET LOCAL athar.time_zone = 'UTC';

SELECT athar.define_unit('ministry', 'Ministry', 'الوزارة');
SELECT athar.define_unit('north', 'Agency North', parent => 'ministry');
SELECT athar.define_unit('south', 'Agency South', parent => 'ministry');
SELECT athar.define_service('permit', 'Permits', 'north');
SELECT athar.define_kpi('wait', 'Waiting time', 'hours', 'down');
SELECT athar.define_kpi('online', 'Online share', 'share', 'up', kind => 'ratio');
SELECT athar.define_kpi('happy', 'Satisfaction', '%', 'up');
SELECT athar.create_cycle('now', 'This cycle', daterange(current_date - 100, current_date + 100));
SELECT athar.report_measurement('wait', daterange(current_date - 200, current_date - 150), athar.summary_of('{40}', '{1}'));
SELECT athar.report_measurement('wait', daterange(current_date - 80, current_date - 30), athar.summary_of('{35}', '{1}'));
SELECT athar.report_measurement('online', daterange(current_date - 200, current_date - 150), athar.summary_of('{0,1}', '{60,40}'));
SELECT athar.report_measurement('happy', daterange(current_date - 200, current_date - 150), athar.summary_of('{0}', '{1}'));

SELECT athar.create_goal('policy', 'Services for people', 'policy', unit => 'ministry', rationale => 'people lose days');
SELECT athar.create_goal('fast', 'Permits in a day', 'objective', 'now', 'policy', 'north', rationale => 'builders wait');
SELECT athar.create_goal('fast-1', 'Wait a day', 'key_result', 'now', 'fast', 'north', 'wait', target => 'from 40 to 24', weight => 3);
SELECT athar.create_goal('fast-2', 'Apply online', 'key_result', 'now', 'fast', 'north', 'online', target => '+20%');
SELECT athar.create_goal('side', 'Lower fees', 'objective', 'now', 'policy', 'south', rationale => 'they were asked for', weight => 3);
SELECT athar.create_project('reform', 'Reform', 'ministry', '{"title": "Reform", "items": [
	{"id": "A", "title": "Fewer forms", "owner": "north", "budget": 100, "kpis": [{"kpi": "wait", "target": "-10%"}]},
	{"id": "A1", "title": "One form", "owner": "south", "parent": "A", "budget": 50},
	{"id": "B", "title": "One counter", "owner": "south", "budget": 10, "kpis": [{"kpi": "wait", "target": "-10%"}]},
	{"id": "C", "title": "New logo"},
	{"id": "D", "title": "Dropped", "status": "cancelled"},
	{"id": "E", "title": "Not yet in the tree", "owner": "south", "budget": 7}]}', 'the beginning');

-- Nothing is aligned.
SELECT set_eq($$SELECT gap, coalesce(goal, action) FROM athar.alignment_gaps$$,
	$$VALUES ('action_without_goal', 'A'), ('action_without_goal', 'A1'), ('action_without_goal', 'B'), ('action_without_goal', 'C'), ('action_without_goal', 'E'),
		('goal_without_action', 'policy'), ('goal_without_action', 'fast'), ('goal_without_action', 'fast-1'), ('goal_without_action', 'fast-2'), ('goal_without_action', 'side')$$,
	'work without a goal and goals without work; what was cancelled is neither');
SELECT is_empty($$SELECT FROM athar.goal_contributors$$, 'nobody contributes');
SELECT set_eq($$SELECT action FROM athar.line_of_sight('north') WHERE goal IS NULL$$, ARRAY['A'], 'who serves nothing is told so');

SELECT athar.align('fast-1', 'reform', 'A', 0.5);
SELECT athar.align('fast-2', 'reform', 'A', 0.5);
SELECT athar.align('fast-1', 'reform', 'B', 0.25);
SELECT set_eq($$SELECT gap, coalesce(goal, action), unit FROM athar.alignment_gaps$$,
	$$VALUES ('action_without_goal', 'C', 'ministry'), ('action_without_goal', 'E', 'south'), ('goal_without_action', 'side', 'south')$$,
	'what is part of aligned work is aligned, and what stands above a served goal is served');
SELECT results_eq($$SELECT gap, title, project, cycle, budget FROM athar.alignment_gaps WHERE unit = 'south' ORDER BY gap$$,
	$$VALUES ('action_without_goal', 'Not yet in the tree', 'reform', NULL, 7::numeric), ('goal_without_action', 'Lower fees', NULL, 'now', NULL)$$, 'with its name, and what it costs');

-- Several units contribute to one goal.
SELECT results_eq($$SELECT goal, unit, actions, budget, is_direct FROM athar.goal_contributors ORDER BY goal, unit$$,
	$$VALUES ('fast', 'north', 1::bigint, 100::numeric, false), ('fast', 'south', 1, 2.5, false),
		('fast-1', 'north', 1, 50, true), ('fast-1', 'south', 1, 2.5, true), ('fast-2', 'north', 1, 50, true),
		('policy', 'north', 1, 100, false), ('policy', 'south', 1, 2.5, false)$$,
	'the units whose actions serve it or a goal below it, each once, with their money by share');
SELECT set_eq($$SELECT DISTINCT unit FROM athar.goal_contributors WHERE goal = 'fast-1'$$,
	$$SELECT u.code::text FROM athar.alignment l JOIN athar.action a ON a.id = l.action_id JOIN athar.unit u ON u.id = a.owner_id WHERE l.goal_id = athar.goal_id('fast-1')$$,
	'the contributors are the distinct units of the actions');

-- Several units at one stage of a journey.
SELECT athar.define_stage('permit', 'check', 'The check', 1, name_ar => 'الفحص');
SELECT athar.define_stage('permit', 'apply', 'The form', 2);
SELECT athar.create_project('desk', 'One desk', 'north', '{"title": "One desk", "items": [{"id": "F", "title": "Their part", "owner": "south", "service": "permit", "stage": "check"},
	{"id": "G", "title": "Our part", "service": "permit", "stage": "apply"}, {"id": "H", "title": "Dropped", "owner": "south", "service": "permit", "stage": "apply", "status": "cancelled"}]}', 'the beginning');
SELECT results_eq($$SELECT * FROM athar.handoffs$$, $$VALUES ('permit', 'check', 'The check', 'الفحص', '{north,south}'::text[], 1::bigint)$$, 'a stage in the hands of two units');
SELECT athar.save_plan('desk', '{"title": "One desk", "items": []}', 1, 'not now');
SELECT is_empty($$SELECT FROM athar.handoffs$$, 'and in those of one, once the plan has it no longer');

-- Line of sight.
SELECT results_eq(
	$$SELECT action, by_unit, part, serves, level, goal, kind, share, round(contribution::numeric, 4), round(progress::numeric, 4), status
	FROM athar.line_of_sight('south')$$,
	$$VALUES
		('A1', 'south', 'owner', NULL, NULL, NULL, NULL, NULL::double precision, NULL::numeric, NULL::numeric, NULL),
		('B', 'south', 'owner', 'fast-1', 1, 'fast-1', 'key_result', 0.25, 0.3333, 0.3125, 'caution'),
		('B', 'south', 'owner', 'fast-1', 2, 'fast', 'objective', 0.25, 0.25, 0.3125, 'caution'),
		('B', 'south', 'owner', 'fast-1', 3, 'policy', 'policy', 0.25, 0.0625, 0.3125, NULL),
		('E', 'south', 'owner', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)$$,
	'action, key result, objective, policy: what of each goal is its work');
SELECT is(count(*), 6::bigint, 'an action that serves two goals has a line of each') FROM athar.line_of_sight('north');
SELECT set_eq($$SELECT DISTINCT action FROM athar.line_of_sight('ministry')$$, ARRAY['A', 'A1', 'B', 'C', 'E'], 'a unit sees what the units below it do');
SELECT results_eq($$SELECT sum(contribution) FROM athar.line_of_sight() WHERE goal = 'fast'$$, ARRAY[1::double precision], 'contributions to a goal come to 1');
SELECT throws_ok($$SELECT athar.line_of_sight('nil')$$, '42704', 'unit "nil" does not exist', 'an unknown unit');
SELECT throws_ok($$SELECT athar.line_of_sight(role => 'nobody at all')$$, '42704', NULL, 'an unknown role');
CREATE ROLE athar_of_south;
SELECT athar.grant_access('athar_of_south', 'read', 'south');
SELECT set_eq($$SELECT DISTINCT by_unit FROM athar.line_of_sight(role => 'athar_of_south')$$, ARRAY['south'], 'a role sees the units it was given');
SET LOCAL ROLE athar_of_south;
SELECT athar.fail('XX000', 'wrong') FROM (SELECT count(*) AS n FROM athar.line_of_sight()) AS s WHERE s.n <> 5;
RESET ROLE;
INSERT INTO athar.participant (project_id, action_id, unit_id, role) SELECT a.project_id, a.id, athar.unit_id('ministry'), 'consulted' FROM athar.action AS a WHERE a.item_id = 'B';
SELECT is(count(*), 3::bigint, 'who takes part in an action sees its line, too') FROM athar.line_of_sight('ministry') WHERE by_unit = 'ministry' AND part = 'consulted';

-- A goal with a target of its own is not made up of what stands below.
SELECT athar.revise_goal('fast', target => 'milestone', reason => 'measured by itself');
SELECT results_eq($$SELECT level, round(contribution::numeric, 4) FROM athar.line_of_sight('south') WHERE action = 'B'$$,
	$$VALUES (1, 0.3333), (2, NULL::numeric), (3, NULL)$$, 'nobody knows what part of it the work is');
SELECT athar.revise_goal('fast', reason => 'as it was', without => '{target}');

-- Taken back.
SELECT ok(athar.unalign('fast-2', 'reform', 'A'), 'an alignment is withdrawn');
SELECT ok(NOT athar.unalign('fast-2', 'reform', 'A'), 'once');
SELECT throws_ok($$SELECT athar.unalign('nil', 'reform', 'A')$$, '42704', 'goal "nil" does not exist', 'from an unknown goal');
SELECT set_eq($$SELECT goal FROM athar.alignment_gaps WHERE gap = 'goal_without_action'$$, ARRAY['side', 'fast-2'], 'which leaves the goal without work');

-- Opposed targets.
SELECT is_empty($$SELECT FROM athar.opposed_goals$$, 'nothing pulls apart');
SELECT athar.create_goal('slow', 'Thorough checks', 'key_result', 'now', 'side', 'south', 'wait', target => 'at least 30');
SELECT athar.create_goal('same', 'At most two days', 'key_result', 'now', 'side', 'south', 'wait', target => 'at most 48');
SELECT athar.create_goal('rise', 'Less online', 'key_result', 'now', 'side', 'south', 'online', target => '-5%');
SELECT athar.create_goal('part', 'Permits take longer', 'key_result', 'now', 'side', 'south', 'wait', 'permit', target => 'from 40 to 50');
SELECT set_eq($$SELECT kpi, goal, target, other_goal, other_target, is_same_figure FROM athar.opposed_goals$$,
	$$VALUES ('wait', 'fast-1', 'from 40 to 24', 'slow', 'at least 30', true), ('online', 'fast-2', '+20%', 'rise', '-5%', true),
		('wait', 'fast-1', 'from 40 to 24', 'part', 'from 40 to 50', false), ('wait', 'same', 'at most 48', 'part', 'from 40 to 50', false)$$,
	'pairs that no figure can please both; a part against the whole is told apart');
SELECT athar.create_cycle('later', 'The next one', daterange(current_date + 100, current_date + 200));
SELECT athar.create_goal('then', 'Thorough then', 'key_result', 'later', kpi => 'wait', target => 'at least 90');
SELECT is_empty($$SELECT FROM athar.opposed_goals WHERE 'then' IN (goal, other_goal)$$, 'what is wanted at another time does not oppose');

-- Found by bounds, and the same as pair by pair.
SELECT athar.define_kpi('pairs', 'Pairs', 'n', 'up'), athar.define_kpi('fresh', 'Fresh', 'n', 'up'), athar.define_service('visa', 'Visas', 'south');
SELECT athar.report_measurement('pairs', daterange(current_date - 200, current_date - 150), athar.summary_of('{50}', '{1}'), service) FROM unnest('{permit,NULL}'::text[]) AS service;
SELECT athar.create_goal('pair-' || n, 'Pair', 'key_result', CASE WHEN n % 7 > 0 THEN 'now' END, kpi => CASE WHEN n % 2 = 0 THEN 'pairs' ELSE 'fresh' END, service => CASE n % 5 WHEN 0 THEN 'permit' WHEN 1 THEN 'visa' END,
	target => CASE n % 8 WHEN 0 THEN 'at least ' || n WHEN 1 THEN 'at most ' || n WHEN 2 THEN '+' || n || '%' WHEN 3 THEN '-' || n || '%' WHEN 4 THEN format('between %s and %s', n, 2 * n)
		WHEN 5 THEN format('from %s to 50', n) WHEN 6 THEN 'milestone' ELSE format('from 60 to %s', n) END::athar.target)
FROM generate_series(1, 120) AS n;
CREATE TEMPORARY VIEW brute AS
SELECT a.code::text AS goal, b.code::text AS other_goal
FROM athar.goal AS a
JOIN athar.goal AS b ON b.kpi_id = a.kpi_id AND b.id > a.id AND (a.service_id = b.service_id) IS NOT FALSE
JOIN athar.goal_values(now()) AS v ON v.goal_id = a.id
JOIN athar.goal_values(now()) AS w ON w.goal_id = b.id
WHERE a.code LIKE 'pair-%' AND b.code LIKE 'pair-%' AND athar.are_opposed(a.target, b.target, v.baseline, w.baseline);
SELECT cmp_ok((SELECT count(*) FROM brute), '>', 300::bigint, 'many pairs');
SELECT results_eq($$SELECT goal, other_goal FROM athar.opposed_goals WHERE goal LIKE 'pair-%' ORDER BY 1, 2$$, 'TABLE brute ORDER BY 1, 2', 'each once');

-- Badly stated goals.
CREATE FUNCTION pg_temp.findings(goal text) RETURNS text[] LANGUAGE SQL AS
$$SELECT array_agg(l.check_code ORDER BY l.check_code) FROM athar.okr_lint AS l WHERE l.goal = findings.goal$$;
SELECT is(pg_temp.findings('fast'), NULL, 'nothing is missing in a goal that says everything');
SELECT athar.create_goal('bare', 'Better', 'key_result');
SELECT is(pg_temp.findings('bare'), '{no_deadline,no_metric,no_owner,no_target}', 'each missing part has its code');
SELECT athar.create_goal('vague', 'Best', 'objective', 'now');
SELECT is(pg_temp.findings('vague'), '{no_owner,no_rationale,nothing_below}', 'an objective without anything');
SELECT athar.create_goal('zero', 'Shown', 'key_result', 'now', 'vague', 'north', target => 'milestone', weight => 0);
SELECT is(pg_temp.findings('vague'), '{no_owner,no_rationale,no_weight}', 'or with nothing that counts');
SELECT is(pg_temp.findings('zero'), '{no_metric}', 'nobody has checked in');
SELECT athar.check_in('zero', 0.4);
SELECT is(pg_temp.findings('zero'), NULL, 'somebody has');
SELECT is(pg_temp.findings('then'), '{against_direction,no_owner}', 'the wrong way');
SELECT athar.define_kpi('new', 'Never measured', 'n', 'up');
SELECT athar.create_goal('new-1', 'More', 'key_result', 'now', 'fast', 'north', 'new', target => '+20%');
SELECT athar.create_goal('new-2', 'Enough', 'key_result', 'now', 'fast', 'north', 'new', target => 'at least 5', weight => 0);
SELECT results_eq($$SELECT goal, check_code, severity FROM athar.okr_lint WHERE goal LIKE 'new%' ORDER BY goal$$,
	$$VALUES ('new-1', 'no_baseline', 'error'), ('new-2', 'no_baseline', 'notice')$$, 'no figure before its cycle: worse where the target is relative');
SELECT results_eq($$SELECT check_code, sentence FROM athar.okr_lint WHERE goal = 'fast-2'$$,
	$$VALUES ('relative_share', '"+20%" of a share is not as many points: from 0.4 it leads to 0.48; +20 points would lead to 0.6')$$,
	'20 % more is not 20 points more');
SELECT athar.create_goal('none', 'From nothing', 'key_result', 'now', 'fast', 'north', 'happy', target => 'at most 5');
SELECT is(pg_temp.findings('none'), '{against_direction,met_before}', 'met before it began');
SELECT throws_ok($$SELECT athar.revise_goal('none', target => '+5%', reason => 'more')$$, '22023', 'target "+5%" of goal "none" is relative to a baseline of 0', 'a share of nothing is refused when it is said');
UPDATE athar.goal SET target = '+5%' WHERE code = 'none';
SELECT is(pg_temp.findings('none'), '{baseline_is_zero}', 'and found where a later correction makes it one');
SELECT results_eq($$SELECT sentence FROM athar.okr_lint WHERE check_code = 'effects_fall_short'$$,
	$$VALUES ('the actions that serve it are expected to change "wait" by -8 together; the target asks for -16')$$, 'what is planned does not add up to it');
SELECT is_empty($$SELECT FROM athar.okr_lint WHERE sentence_ar !~ '[ء-ي]' OR sentence !~ '[a-z]'$$, 'every finding is said in both languages');

-- What others do in plans of their own counts, though it is not seen.
SELECT athar.create_project('own', 'Of the north', 'north', '{"title": "Of the north", "items": [{"id": "N", "title": "Alone"}]}', 'the beginning');
SELECT athar.align('fast-1', 'own', 'N', 0.75), athar.align('side', 'own', 'N', 0.25);
SET LOCAL ROLE athar_of_south;
CREATE TEMPORARY TABLE seen_by_south AS
SELECT 'part' AS what, round(contribution::numeric, 4)::text AS words FROM athar.line_of_sight() WHERE action = 'B' AND level = 1
UNION ALL SELECT 'gap', goal FROM athar.alignment_gaps WHERE goal = 'side'
UNION ALL SELECT 'action', action FROM athar.line_of_sight() WHERE action = 'N';
RESET ROLE;
SELECT results_eq('SELECT words FROM seen_by_south WHERE what = ''part''', $$VALUES ('0.1667')$$, 'a part is a part of all the work');
SELECT is_empty('SELECT words FROM seen_by_south WHERE what <> ''part''', 'what somebody works for is no gap; who it is, is not told');

-- Everybody reads the tree; who is limited to units writes of their goals alone.
CREATE ROLE goal_of_north; CREATE ROLE goal_of_south; CREATE ROLE goal_of_ministry; CREATE ROLE goal_of_all; CREATE ROLE goal_reader;
SELECT athar.grant_access('goal_of_north', 'manage', 'north'), athar.grant_access('goal_of_south', 'contribute', 'south'), athar.grant_access('goal_of_ministry', 'manage', 'ministry'),
	athar.grant_access('goal_of_all', 'manage'), athar.grant_access('goal_reader', 'read');
CREATE FUNCTION pg_temp.as_role(role name, command text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM set_config('role', role, true);
	EXECUTE command;
	PERFORM set_config('role', 'none', true);
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.as_role(c.role, c.command), c.outcome, c.role || ': ' || c.command)
FROM (VALUES
	('goal_of_north', $$SELECT athar.create_goal('theirs', 'Theirs', 'key_result', 'now', unit => 'south')$$, 'AT005'),
	('goal_of_north', $$SELECT athar.create_goal('nobodys', 'Nobody''s', 'key_result', 'now')$$, 'AT005'),
	('goal_of_north', $$SELECT athar.create_goal('ours', 'Ours', 'key_result', 'now', unit => 'north', target => 'milestone')$$, 'done'),
	('goal_of_north', $$SELECT athar.revise_goal('ours', unit => 'south', reason => 'theirs')$$, 'AT005'),
	('goal_of_north', $$SELECT athar.revise_goal('slow', 'at least 10', reason => 'less')$$, 'AT005'),
	('goal_of_north', $$SELECT athar.publish_goal('slow')$$, 'AT005'),
	('goal_of_north', $$SELECT athar.close_cycle('now')$$, 'AT005'),
	('goal_of_north', $$SELECT athar.set_cadence('now', '1 week')$$, 'AT005'),
	('goal_of_north', $$SELECT athar.check_in('slow', 1)$$, 'AT005'),
	('goal_of_north', $$SELECT athar.record_review(NULL, 'we say so', 'decision', goal => 'slow')$$, 'AT005'),
	('goal_of_north', $$SELECT athar.record_review(NULL, 'what about it?', goal => 'slow')$$, 'done'),
	('goal_of_north', $$SELECT athar.record_review(NULL, 'it was looked at', 'review', goal => 'slow')$$, 'AT005'),
	('goal_of_south', $$SELECT athar.check_in('fast-1', note => 'B goes well')$$, 'done'),
	('goal_of_south', $$SELECT athar.check_in('fast-2', note => 'not ours')$$, 'AT005'),
	('goal_of_ministry', $$SELECT athar.revise_goal('slow', 'at least 10', reason => 'less'), athar.check_in('fast-2', 0.5)$$, 'done'),
	('goal_reader', $$SELECT athar.check_in('fast-2', 0.5)$$, '42501'),
	('goal_of_all', $$SELECT athar.check_in('bare', 0.5), athar.close_cycle('now')$$, 'done')) AS c (role, command, outcome);

SELECT * FROM finish();
ROLLBACK;
