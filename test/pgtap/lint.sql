-- lint: each thing a careful reader would say, once, in two languages; and what is overdue
BEGIN;
SELECT plan(51);
SET LOCAL TimeZone = 'UTC';

SELECT athar.define_unit('moi', 'Interior'), athar.define_unit('moh', 'Health');
SELECT athar.define_service('permit', 'Permit', 'moi'), athar.define_service('visa', 'Visa', 'moi');
SELECT athar.define_stage('permit', 'apply', 'Apply', 1), athar.define_stage('permit', 'decide', 'Decide', 2);
SELECT athar.define_channel('web', 'Web'), athar.define_channel('desk', 'Desk');
SELECT athar.define_kpi('days', 'Days', 'days', 'down'), athar.define_kpi('trust', 'Trust', 'points', 'up');
SELECT athar.record_observation('days', 30, '2025-06-01 12:00+00', 'permit');
CREATE FUNCTION pg_temp.item(id text, more text DEFAULT '{}') RETURNS jsonb LANGUAGE SQL AS
$$SELECT jsonb_build_object('id', id, 'title', 'Shorter waits', 'owner', 'moi', 'service', 'permit', 'starts_on', '2026-01-01', 'due_on', '2026-12-31',
	'kpis', '[{"kpi": "days", "target": "-20%"}]'::jsonb) || more::jsonb$$;
-- what lint says of a plan: item, code, severity, message
CREATE FUNCTION pg_temp.lint(VARIADIC items jsonb[]) RETURNS text LANGUAGE SQL AS $$
SELECT athar.create_project('p', 'P', 'moi', '{"title": "Plan"}', 'start') WHERE NOT EXISTS (SELECT FROM athar.project WHERE code = 'p');
SELECT athar.save_plan('p', jsonb_build_object('title', 'Plan', 'items', to_jsonb(items)), (SELECT head_version FROM athar.project WHERE code = 'p'), 'test');
SELECT string_agg(concat_ws(' ', item_id, severity, code || ':', message), E'\n') FROM athar.plan_lint('p')$$;

SELECT is(pg_temp.lint(pg_temp.item('A1')), NULL, 'of a good plan it says nothing');
SELECT is_empty($$SELECT FROM athar.plan_lint('p', 1)$$, 'nor of one without items');

-- What one item lacks.
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"owner": null}')), 'A1 warning no_owner: has no owner', 'no owner');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"kpis": []}')), 'A1 warning no_kpi: names no KPI that it is to move', 'no KPI');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"kpis": [{"kpi": "days"}]}')), 'A1 warning no_target: has no target for KPI days', 'no target');
SELECT is((SELECT path FROM athar.plan_lint('p')), '/items/A1/kpis/0', 'where');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"weight": 0}')), 'A1 note weight_zero: has weight 0: it is shown and not counted', 'no weight');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"status": "live"}')), 'A1 warning no_live_on: has status live, but no live_on: its effect cannot be measured', 'no cutover');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"status": "live", "live_on": "2999-01-01"}')), 'A1 error dates_impossible: has status live, but live_on is a day to come, 2999-01-01', 'live in the future');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"owner": null, "kpis": [], "weight": 0, "status": "cancelled", "title": "Launch portal"}')), NULL, 'of what was cancelled nothing');
SELECT is(pg_temp.lint(pg_temp.item('G', '{"owner": null, "kpis": []}'), pg_temp.item('A1', '{"parent": "G"}')), NULL, 'what holds others needs neither owner nor KPI');
SELECT is(pg_temp.lint(pg_temp.item('a/b~c', '{"owner": null}')), 'a/b~c warning no_owner: has no owner', 'any id');
SELECT is((SELECT path FROM athar.plan_lint('p')), '/items/a~1b~0c/owner', 'as a pointer');

-- Output or outcome.
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"title": "Launch portal", "kpis": []}')),
	E'A1 warning no_kpi: names no KPI that it is to move\nA1 warning output_not_outcome: says what is made (Launch), and no target says what it changes for people', 'launch portal');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"title": "The portal is launched", "kpis": [{"kpi": "days", "target": "milestone"}]}')),
	'A1 warning output_not_outcome: says what is made (launched), and no target says what it changes for people', 'a milestone is no outcome');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"title": "Launch portal"}')), 'A1 note output_not_outcome: says what is made (Launch); only its targets say what it changes for people', 'a target says what is to change');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"title": "Portal", "title_ar": "إطلاق البوابة", "kpis": [{"kpi": "days", "target": "milestone"}]}')),
	'A1 warning output_not_outcome: says what is made (إطلاق), and no target says what it changes for people', 'in Arabic');
SELECT results_eq($$SELECT athar.output_words_in(t) FROM unnest(ARRAY['Building, designing: forms', 'وإنشاء البوابة والتدريب', 'Shorter waits', 'مدة أقصر', '', NULL]) AS t$$,
	$$VALUES ('Building, designing'), ('وإنشاء, والتدريب'), (NULL), (NULL), (NULL), (NULL)$$, 'words as they are written, with article and conjunction');
SELECT athar.create_project('q', 'Q', 'moi', '{"title": "Build a portal"}', 'start');
SELECT results_eq($$SELECT item_id, path, message FROM athar.plan_lint('q')$$, $$VALUES (NULL::text, '/title', 'says what is made (Build), and no target says what it changes for people')$$, 'the plan''s own title');

-- Baselines.
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"kpis": [{"kpi": "trust", "target": "+5%"}]}')), 'A1 warning no_baseline: cannot be compared: KPI trust has no figure from before it starts', 'a KPI without figures');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"service": "visa"}')), 'A1 warning no_baseline: cannot be compared: KPI days has no figure from before it starts', 'or with those of another service');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"service": null}')), 'A1 warning no_baseline: cannot be compared: KPI days has no figure from before it starts', 'the whole is another series');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"starts_on": "2025-06-01"}')), 'A1 warning no_baseline: cannot be compared: KPI days has no figure from before it starts', 'or from the first day on');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"starts_on": "2025-06-02"}')), NULL, 'a day before is before');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"starts_on": null, "due_on": null}')), NULL, 'what has no days has not begun');
SELECT athar.report_measurement('trust', '[2025-10-01,2026-01-01)', athar.summary_of('{1,2}', '{5,5}'), 'permit', basis => 'quarter');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"kpis": [{"kpi": "trust", "target": "+5%"}]}')), NULL, 'a quarter that ends before it');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"starts_on": "2025-12-31", "kpis": [{"kpi": "trust", "target": "+5%"}]}')), 'A1 warning no_baseline: cannot be compared: KPI trust has no figure from before it starts', 'not one that it begins in');

-- Days of two items.
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"depends_on": ["A2"], "due_on": "2026-06-30"}'), pg_temp.item('A2')),
	'A1 error dates_impossible: is due on 2026-06-30, before A2, which it waits for, is due (2026-12-31)', 'due before what it waits for');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"depends_on": ["A2"]}'), pg_temp.item('A2', '{"due_on": "2026-01-01"}')),
	'A1 warning dates_impossible: starts on 2026-01-01, before A2, which it waits for, is due (2026-01-01)', 'started before that is done');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"depends_on": ["A2"], "starts_on": "2026-01-02"}'), pg_temp.item('A2', '{"due_on": "2026-01-01"}')), NULL, 'the day after is right');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"depends_on": ["A2"]}'), pg_temp.item('A2', '{"status": "cancelled"}')), 'A1 warning dependency_cancelled: waits for A2, which was cancelled', 'waiting for what never comes');
SELECT is(pg_temp.lint(pg_temp.item('G', '{"starts_on": "2026-02-01", "due_on": "2026-11-30"}'), pg_temp.item('A1', '{"parent": "G"}')),
	E'A1 error dates_impossible: is due on 2026-12-31, after G, which it is part of, is due (2026-11-30)\nA1 error dates_impossible: starts on 2026-01-01, before G, which it is part of, starts (2026-02-01)', 'outside of what it is part of');
SELECT is(pg_temp.lint(pg_temp.item('A1', '{"depends_on": ["A2"], "starts_on": null, "due_on": null}'), pg_temp.item('A2', '{"depends_on": ["A1"], "starts_on": null, "due_on": null}')),
	'A1 error dependency_cycle: waits for itself: A1 > A2 > A1', 'a loop, once');
UPDATE athar.plan_item SET document = document || '{"depends_on": ["A9"]}' WHERE item_id = 'A1' AND revision = (SELECT max(revision) FROM athar.plan_item WHERE item_id = 'A1');
SELECT results_eq($$SELECT path, code, message FROM athar.plan_lint('p') WHERE item_id = 'A1'$$, $$VALUES ('/items/A1/depends_on/0', 'dependency_missing', 'waits for A9, which is not in the plan')$$, 'what is not there, however it came about');

-- Two agencies in one place.
SELECT pg_temp.lint(pg_temp.item('A1', '{"stage": "apply", "channel": "web"}'), pg_temp.item('A2', '{"stage": "apply", "channel": "desk"}'), pg_temp.item('A3', '{"stage": "decide"}'));
SELECT is((SELECT count(*) FROM athar.plan_lint('p')), 0::bigint, 'one agency does not get in its own way');
SELECT athar.create_project('h', 'H', 'moh', jsonb_build_object('title', 'H', 'items', jsonb_build_array(
	pg_temp.item('B1', '{"owner": "moh", "stage": "apply", "channel": "web", "kpis": [{"kpi": "days", "target": "+10%"}]}'),
	pg_temp.item('B2', '{"owner": null, "stage": "decide", "starts_on": "2026-12-31", "due_on": null}'),
	pg_temp.item('B3', '{"owner": "moh", "stage": "decide", "starts_on": "2027-01-01", "due_on": null}'),
	pg_temp.item('B4', '{"owner": "moh", "stage": "decide", "status": "cancelled"}'))), 'start');
SELECT results_eq($$SELECT project, action, owner, other_project, other_action, other_owner, stage, opposed_kpis FROM athar.overlapping_actions ORDER BY action, other_action$$, $$VALUES
	('p', 'A1', 'moi', 'h', 'B1', 'moh', 'apply', '{days}'::text[]), ('p', 'A2', 'moi', 'h', 'B1', 'moh', NULL, '{days}'),
	('p', 'A3', 'moi', 'h', 'B1', 'moh', NULL, '{days}'), ('p', 'A3', 'moi', 'h', 'B2', 'moh', 'decide', '{}')$$,
	'each pair once: same stage and channel (none is every one), or opposite targets, in periods that meet');
SELECT results_eq($$SELECT item_id, severity, message FROM athar.plan_lint('p') WHERE code = 'overlapping_action' AND item_id <> 'A2'$$, $$VALUES
	('A1', 'error', 'wants the opposite of B1 of project h (owner moh) for KPI days in the same period'),
	('A3', 'error', 'wants the opposite of B1 of project h (owner moh) for KPI days in the same period'),
	('A3', 'warning', 'meets B2 of project h (owner moh) in the same stage, channel and period')$$, 'told to the one');
SELECT is((SELECT count(*) FROM athar.plan_lint('h') WHERE code = 'overlapping_action'), 4::bigint, 'and to the other');
SELECT is((SELECT count(*) FROM athar.plan_lint('p', 1) WHERE code = 'overlapping_action'), 0::bigint, 'old versions meet nobody');
SELECT is((SELECT count(*) FROM athar.plan_findings WHERE project IN ('p', 'h') AND code = 'overlapping_action'), 8::bigint, 'all plans at once');
SELECT is_empty($$SELECT * FROM athar.plan_findings WHERE message ~ '%' AND message !~ '%\)' OR message_ar IS NULL OR message_ar !~ '[^ -~]'$$, 'nothing is left to be filled in');
SELECT results_eq($$SELECT x.target || ' / ' || y.target FROM unnest('{from 10 to 5,from 5 to 10,at least 8,at most 5,between 6 and 7,-5%,+5%,milestone}'::text[]) WITH ORDINALITY AS x (target, n), athar.target_aim(x.target) AS a,
	unnest('{from 10 to 5,from 5 to 10,at least 8,at most 5,between 6 and 7,-5%,+5%,milestone}'::text[]) WITH ORDINALITY AS y (target, n), athar.target_aim(y.target) AS b
	WHERE x.n < y.n AND (a.way * b.way < 0 OR a.low > b.high OR b.low > a.high) ORDER BY x.n, y.n$$,
	$$VALUES ('from 10 to 5 / from 5 to 10'), ('from 10 to 5 / at least 8'), ('from 10 to 5 / between 6 and 7'), ('from 10 to 5 / +5%'), ('from 5 to 10 / at most 5'), ('from 5 to 10 / between 6 and 7'),
	('from 5 to 10 / -5%'), ('at least 8 / at most 5'), ('at least 8 / between 6 and 7'), ('at most 5 / between 6 and 7'), ('-5% / +5%')$$, 'which targets cannot both be met');

-- Bad questions.
SELECT throws_ok($$SELECT * FROM athar.plan_lint('nothing')$$, '42704', NULL, 'a project that is not');
SELECT throws_ok($$SELECT * FROM athar.plan_lint('p', 99)$$, '22023', NULL, 'a version that is not');
SELECT is_empty($$SELECT * FROM athar.plan_lint(NULL)$$, 'nothing of none');

-- Overdue.
SELECT athar.create_project('o', 'O', 'moi', jsonb_build_object('title', 'O', 'items', (SELECT jsonb_agg(pg_temp.item(v.id, jsonb_build_object('starts_on', NULL, 'status', v.status, 'due_on', (now() AT TIME ZONE 'Pacific/Kiritimati')::date - v.days, 'owner', v.owner)::text)) FROM (VALUES
	('A1', 'planned', 1, 'moh'), ('A2', 'in_progress', 40, NULL), ('A3', 'planned', 0, 'moi'), ('A4', 'live', 5, 'moi'), ('A5', 'cancelled', 5, 'moi')) AS v (id, status, days, owner))), 'start');
SET LOCAL athar.time_zone = 'Pacific/Kiritimati';
SELECT results_eq($$SELECT kind, action, goal, unit, days, title, since = (now() AT TIME ZONE 'Pacific/Kiritimati')::date - days FROM athar.overdue WHERE project = 'o' ORDER BY days$$,
	$$VALUES ('late', 'A1', NULL::text, 'moh', 1, 'Shorter waits', true), ('late', 'A2', NULL, 'moi', 40, 'Shorter waits', true)$$, 'what is late, by the days of the setting');
SELECT is((SELECT overdue FROM athar.plan_progress WHERE project = 'o'), 2::bigint, 'and as many');
UPDATE athar.action SET due_on = NULL, owner_id = unit_id FROM athar.project AS j WHERE j.id = project_id AND item_id = 'A2';
SELECT is((SELECT count(*) FROM athar.overdue WHERE project = 'o'), 1::bigint, 'what has no day is not late');
SELECT athar.set_project_status('o', 'closed', 'over');
SELECT is((SELECT count(*) FROM athar.overdue WHERE project = 'o') + (SELECT overdue FROM athar.plan_progress WHERE project = 'o'), 0::bigint, 'nobody waits for a closed project');

-- How much of a plan can be measured.
SELECT athar.define_kpi('covers', 'Covers', 'days', 'down');
SELECT athar.create_project('c', 'C', 'moi', '{"title": "C", "items": [{"id": "G", "title": "Group"}, {"id": "A", "title": "A", "parent": "G", "kpis": [{"kpi": "covers"}]}, {"id": "B", "title": "B", "parent": "G", "kpis": []},
	{"id": "X", "title": "X", "status": "cancelled"}]}', 'start'), athar.create_project('empty', 'E', 'moi', '{"title": "E"}', 'start');
SELECT is(kpi_share, 0.5::double precision, 'one action of two names a KPI; groups and what was cancelled do not count') FROM athar.plan_progress WHERE project = 'c';
SELECT is(kpi_share, NULL, 'of no actions there is no share') FROM athar.plan_progress WHERE project = 'empty';

SELECT * FROM finish();
ROLLBACK;
