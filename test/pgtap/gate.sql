-- gate: no step forward without its evidence, whoever takes it, and all that is missing named at once
BEGIN;
SELECT plan(73);
SET LOCAL TimeZone = 'UTC';

SELECT athar.define_unit('u', 'Unit');
SELECT athar.define_service('permit', 'Permit', 'u');
SELECT athar.define_kpi('days', 'Days', 'days', 'down', smallest_change => 1);
SELECT athar.define_kpi('trust', 'Trust', 'points', 'up');
SELECT athar.record_observation('days', 30 + n % 5 - CASE WHEN n >= 100 THEN 10 ELSE 0 END, '2023-09-23 12:00+00'::timestamptz + n * interval '1 day', 'permit')
FROM generate_series(0, 199) AS n; -- the hundredth is that of 1 January 2024
CREATE FUNCTION pg_temp.plan_of(VARIADIC items jsonb[]) RETURNS jsonb LANGUAGE SQL AS
$$SELECT jsonb_build_object('title', 'Plan', 'items', to_jsonb(items))$$;
CREATE FUNCTION pg_temp.item(id text, status text, more jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE SQL AS
$$SELECT jsonb_build_object('id', id, 'title', 'Item ' || id, 'status', status) || more$$;
-- message and detail of the error that a statement raises
CREATE FUNCTION pg_temp.error_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	EXECUTE statement;
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || SQLERRM || ' | ' || detail;
END$$;

-- Gates are data.
SELECT results_eq($$SELECT string_agg(requirement, ',' ORDER BY ordinal) FROM athar.gates GROUP BY subject, step ORDER BY subject, step$$,
	$$VALUES ('kpi,target'), ('kpi,target,live,window,measured'), ('service,owner,target'), ('service,owner,target'), ('lasting'), ('sustained')$$, 'what each step needs');
SELECT is_empty($$SELECT * FROM athar.gates WHERE words !~ '\S' OR words_ar !~ '\S' OR words_ar IS NULL OR words IS NULL$$, 'in words, in two languages');

-- Done.
SELECT throws_ok($$SELECT athar.create_project('x', 'X', 'u', pg_temp.plan_of(pg_temp.item('A1', 'done')), 'start')$$, 'AT004', 'action "A1" of project "x" cannot become done', 'a plan may not begin with results that nothing measures');
SELECT is_empty($$SELECT FROM athar.project WHERE code = 'x'$$, 'nothing of it is half done');
SELECT lives_ok($$SELECT athar.create_project('p', 'P', 'u', pg_temp.plan_of(pg_temp.item('A1', 'live'), pg_temp.item('A2', 'planned', '{"kpis": [{"kpi": "days"}]}'),
	pg_temp.item('A3', 'in_progress', '{"kpis": [{"kpi": "trust"}, {"kpi": "days", "target": "-10%", "span": "90 days", "controls": []}]}'), pg_temp.item('A4', 'cancelled')), 'start')$$, 'every other status is free');
SELECT is(pg_temp.error_of($$SELECT athar.save_plan('p', jsonb_set(jsonb_set(jsonb_set(athar.get_plan('p'), '{items,0,status}', '"done"'), '{items,1,status}', '"done"'), '{items,2,status}', '"done"'), 1, 'all done')$$),
	E'AT004 2 actions lack the evidence for their status | What is missing:\nA1: a KPI that it is to move; a target for one of its KPIs\nA2: a target for one of its KPIs\nNothing was changed.', 'everything that is missing, of every action');
SELECT is((SELECT count(*) FROM athar.plan_history('p')), 1::bigint, 'no version was made');
SELECT is((SELECT status FROM athar.save_plan('p', jsonb_set(athar.get_plan('p'), '{items,2,status}', '"done"'), 1, 'A3 is done')), 'saved', 'one KPI with a target is enough');
SELECT is((SELECT status FROM athar.save_plan('p', jsonb_set(jsonb_set(athar.get_plan('p'), '{items,0,kpis}', '[{"kpi": "trust", "target": "milestone"}]'), '{items,0,status}', '"done"'), 2, 'A1 is done')), 'saved', 'and may come with the step itself');
SELECT throws_ok($$UPDATE athar.action SET status = 'done' WHERE item_id IN ('A2', 'A4')$$, 'AT004', '2 actions lack the evidence for their status', 'an owner''s bulk UPDATE meets the gate');
SELECT throws_ok($$UPDATE athar.action SET status = 'verified'$$, 'AT004', NULL, 'so does any other');
SELECT results_eq($$SELECT item_id, status FROM athar.action ORDER BY 1$$, $$VALUES ('A1', 'done'), ('A2', 'planned'), ('A3', 'done'), ('A4', 'cancelled')$$, 'all stay as they were');
SELECT throws_ok($$INSERT INTO athar.action (project_id, item_id, revision, ordinal, title, status) SELECT project_id, 'A9', revision, 9, 'By hand', 'done' FROM athar.action WHERE item_id = 'A4'$$, 'AT004', NULL, 'and his INSERT');
SELECT lives_ok($$UPDATE athar.action SET title = 'Other' WHERE item_id = 'A4'$$, 'what takes no step is not asked');

-- What was done stays done.
SELECT is((SELECT status FROM athar.save_plan('p', athar.get_plan('p') #- '{items,0,kpis}', 3, 'no KPI')), 'saved', 'a done action may lose its KPI');
SELECT is((SELECT status FROM athar.save_plan('p', jsonb_set(athar.get_plan('p'), '{items,0,title}', '"T"'), 4, 'title')), 'saved', 'and be saved again');
SELECT is((SELECT status FROM athar.save_plan('p', jsonb_set(athar.get_plan('p'), '{items,0,status}', '"live"'), 5, 'not yet')), 'saved', 'a step back is free');
SELECT throws_ok($$SELECT athar.save_plan('p', jsonb_set(athar.get_plan('p'), '{items,0,status}', '"done"'), 6, 'done')$$, 'AT004', NULL, 'the way forward is not');

-- Verified.
SELECT is(pg_temp.error_of($$SELECT athar.save_plan('p', jsonb_set(athar.get_plan('p'), '{items,2,status}', '"verified"'), 6, 'seen')$$),
	E'AT004 action "A3" of project "p" cannot become verified | What is missing:\nA3: the day on which people first met it (live_on), today or earlier; the end of the time that is compared; a measured effect, made after that time\nNothing was changed.',
	'not live: nothing can be verified');
SELECT is(pg_temp.error_of(format($$SELECT athar.save_plan('p', jsonb_set(athar.get_plan('p'), '{items,2}', athar.get_plan('p') #> '{items,2}' || '{"status": "verified", "live_on": "%s"}'), 6, 'seen')$$, current_date - 10)),
	format(E'AT004 action "A3" of project "p" cannot become verified | What is missing:\nA3: the end of the time that is compared (%s); a measured effect, made after that time\nNothing was changed.', (current_date - 10 + interval '1 year')::date),
	'nor before the longest time compared is over, a year unless the plan says otherwise');
SELECT is(pg_temp.error_of($$SELECT athar.save_plan('p', jsonb_set(athar.get_plan('p'), '{items,2}', athar.get_plan('p') #> '{items,2}' || '{"status": "verified", "live_on": "2022-01-01"}'), 6, 'seen')$$),
	E'AT004 action "A3" of project "p" cannot become verified | What is missing:\nA3: a measured effect, made after that time\nNothing was changed.', 'nor where no figure says anything');
SELECT is((SELECT status FROM athar.save_plan('p', jsonb_set(athar.get_plan('p'), '{items,2}', athar.get_plan('p') #> '{items,2}' || '{"live_on": "2024-01-01", "service": "permit"}'), 6, 'live since New Year')), 'saved', 'live in time');
SELECT is((SELECT status FROM athar.save_plan('p', jsonb_set(athar.get_plan('p'), '{items,2,status}', '"verified"'), 7, 'seen')), 'saved', 'measured by the step itself; the KPI without figures does not stand in the way');
SELECT is((SELECT status FROM athar.save_plan('p', jsonb_set(athar.get_plan('p'), '{items,2,live_on}', '"2024-01-02"'), 8, 'a day later')), 'saved', 'what was verified is not asked again');
SELECT lives_ok($$SELECT athar.create_project('late', 'Late', 'u', pg_temp.plan_of(pg_temp.item('A1', 'verified', '{"service": "permit", "live_on": "2024-01-01", "kpis": [{"kpi": "days", "target": "-10%", "span": "90 days", "controls": []}]}')), 'written afterwards')$$, 'a plan written afterwards comes in as verified');

-- What holds others is measured by them.
SELECT throws_ok($$SELECT athar.create_project('t', 'T', 'u', pg_temp.plan_of(pg_temp.item('G', 'done'), pg_temp.item('G1', 'done', '{"parent": "G", "kpis": [{"kpi": "days", "target": "-1%"}]}'), pg_temp.item('G2', 'live', '{"parent": "G"}')), 'start')$$,
	'AT004', 'action "G" of project "t" cannot become done', 'not done while a part is not');
SELECT throws_ok($$SELECT athar.create_project('t', 'T', 'u', pg_temp.plan_of(pg_temp.item('G', 'done'), pg_temp.item('G2', 'cancelled', '{"parent": "G"}')), 'start')$$, 'AT004', NULL, 'a cancelled part is none');
SELECT lives_ok($$SELECT athar.create_project('t', 'T', 'u', pg_temp.plan_of(pg_temp.item('G', 'done'), pg_temp.item('G1', 'done', '{"parent": "G", "kpis": [{"kpi": "days", "target": "-1%"}]}'), pg_temp.item('G2', 'cancelled', '{"parent": "G"}')), 'start')$$, 'done when its parts are');
SELECT throws_ok($$UPDATE athar.action SET status = 'verified' WHERE item_id = 'G'$$, 'AT004', NULL, 'verified when they are verified');

-- Everything at once.
SELECT results_eq($$SELECT item_id, step, requirement, is_met, note FROM athar.plan_gates('p') WHERE step IN ('active', 'scaled') OR item_id IN ('A2', 'A4')$$, $$VALUES
	(NULL, 'active', 'service', true, NULL), (NULL, 'active', 'owner', false, 'A1, A2, A3'), (NULL, 'active', 'target', true, NULL), (NULL, 'scaled', 'sustained', false, '0'),
	('A2', 'done', 'kpi', true, NULL), ('A2', 'done', 'target', false, NULL), ('A2', 'verified', 'kpi', true, NULL), ('A2', 'verified', 'target', false, NULL),
	('A2', 'verified', 'live', false, NULL), ('A2', 'verified', 'window', false, NULL), ('A2', 'verified', 'measured', false, NULL)$$, 'how the project and its actions stand, cancelled ones left out');
SELECT throws_ok($$SELECT * FROM athar.plan_gates('nothing')$$, '42704', NULL, 'of a project that there is');
SELECT is_empty($$SELECT * FROM athar.plan_gates(NULL)$$, 'nothing of none');

-- A project leaves draft.
SELECT lives_ok($$SELECT athar.create_project('d', 'D', 'u', '{"title": "D"}', 'start')$$, 'a project begins as a draft');
SELECT results_eq($$SELECT status, maturity FROM athar.project WHERE code = 'd'$$, $$VALUES ('draft', 'pilot')$$, 'and as a pilot');
SELECT is(pg_temp.error_of($$SELECT athar.set_project_status('d', 'active', 'go')$$),
	E'AT004 project "d" cannot become active | What is missing:\nd: an action that improves a service; an owner of each action; an action with a KPI and a target\nNothing was changed.', 'it cannot leave it without a service, an owner and a target');
SELECT throws_ok($$SELECT athar.set_project_status('d', 'closed', 'away')$$, 'AT004', NULL, 'to nowhere');
SELECT throws_ok($$UPDATE athar.project SET status = 'active'$$, 'AT004', NULL, 'not by hand');
SELECT throws_ok($$INSERT INTO athar.project (code, name, unit_id, status) VALUES ('h', 'H', athar.unit_id('u'), 'active')$$, 'AT004', NULL, 'nor at once');
SELECT status FROM athar.save_plan('d', pg_temp.plan_of(pg_temp.item('A1', 'planned', '{"service": "permit", "owner": "u"}'), pg_temp.item('A2', 'cancelled', '{"kpis": [{"kpi": "days", "target": "-1%"}]}'),
	pg_temp.item('A3', 'planned'), pg_temp.item('A4', 'planned', '{"owner": "u", "parent": "A3"}')), 1, 'actions');
SELECT is(pg_temp.error_of($$SELECT athar.set_project_status('d', 'active', 'go')$$),
	E'AT004 project "d" cannot become active | What is missing:\nd: an action with a KPI and a target\nNothing was changed.', 'what was cancelled counts for nothing, what holds others needs no owner of its own');
SELECT status FROM athar.save_plan('d', jsonb_set(athar.get_plan('d'), '{items,0,kpis}', '[{"kpi": "days", "target": "-1%"}]'), 2, 'a target');
SELECT is(athar.set_project_status('d', 'active', 'the minister said go'), true, 'with all three it can');
SELECT is(athar.set_project_status('d', 'active', 'again'), false, 'once');
SELECT results_eq($$SELECT reason, new_values ->> 'status' FROM athar.change_log WHERE relation = 'athar.project' AND operation = 'UPDATE' AND row_key ->> 'id' = (SELECT id::text FROM athar.project WHERE code = 'd') AND new_values ? 'status'$$,
	$$VALUES ('the minister said go', 'active')$$, 'the log knows when and why');
SELECT is(current_setting('athar.reason', true), '', 'the reason is gone with the call');
SELECT is((SELECT status FROM athar.save_plan('d', athar.get_plan('d') #- '{items,0,owner}', 3, 'nobody')), 'saved', 'an active project may still be edited');
SELECT is(athar.set_project_status('d', 'closed', 'over'), true, 'and closed, whatever it has lost since');
SELECT is(athar.set_project_status('d', 'active', 'not quite'), true, 'and opened again');
SELECT is(athar.set_project_maturity('d', 'pilot', 'no change'), false, 'maturity asks nothing of the status');
SELECT throws_ok($$SELECT athar.set_project_status('d', 'closed', ' ')$$, 'AT001', NULL, 'no step without a reason');
SELECT throws_ok($$SELECT athar.set_project_status('d', 'paused', 'r')$$, '22023', 'unknown status "paused" of a project', 'no other status');
SELECT throws_ok($$SELECT athar.set_project_status(NULL, 'active', 'r')$$, '22023', 'a project is required', 'no step of nothing');
SELECT throws_ok($$SELECT athar.set_project_status('nothing', 'active', 'r')$$, '42704', NULL, 'nor of a project that there is not');

-- Beyond pilots.
CREATE FUNCTION pg_temp.checked(days integer, verdict text) RETURNS void LANGUAGE SQL AS
$$INSERT INTO athar.effect_check (effect_id, days, checked_on, measured_at, cutover, washout, early_n, late_n, verdict)
SELECT e.id, days, '2024-01-01'::date + days, now(), '2024-01-01', '0', 30, 30, verdict FROM athar.effect AS e JOIN athar.action AS a ON a.id = e.action_id JOIN athar.project AS p ON p.id = a.project_id WHERE p.code = 'd' AND a.item_id = 'A1'$$;
SELECT pg_temp.checked(30, 'sustained');
SELECT is(pg_temp.error_of($$SELECT athar.set_project_maturity('d', 'scaled', 'roll it out')$$),
	E'AT004 project "d" cannot become scaled | What is missing:\nd: two checks that found an effect sustained (1)\nNothing was changed.', 'one check is not two');
SELECT throws_ok($$SELECT athar.set_project_maturity('d', 'institutional', 'for ever')$$, '22023', 'project "d" is a pilot and cannot become institutional', 'no step is skipped');
SELECT pg_temp.checked(90, 'growing');
SELECT is(athar.set_project_maturity('d', 'scaled', 'roll it out'), true, 'two are');
SELECT pg_temp.checked(180, 'sustained');
SELECT throws_ok($$SELECT athar.set_project_maturity('d', 'institutional', 'for ever')$$, 'AT004', NULL, 'an institution needs them after half a year');
SELECT pg_temp.checked(365, 'faded');
SELECT is((SELECT string_agg(note, ' ' ORDER BY step) FROM athar.plan_gates('d') WHERE step IN ('scaled', 'institutional')), '0 0', 'what has faded speaks for nothing');
SELECT pg_temp.checked(365, 'sustained');
SELECT is(athar.set_project_maturity('d', 'institutional', 'for ever'), true, 'two late ones');
SELECT is(athar.set_project_maturity('d', 'pilot', 'the law changed'), true, 'the way back is open');

-- However many at once, and however it is written.
SELECT athar.create_project('bulk', 'Bulk', 'u', jsonb_build_object('title', 'Bulk', 'items', (SELECT jsonb_agg(pg_temp.item('B' || n, 'live', (CASE WHEN n % 50 <> 0 THEN '{"kpis": [{"kpi": "days", "target": "-1%"}]}' ELSE '{}' END)::jsonb)) FROM generate_series(1, 1000) AS n)), 'start');
SELECT throws_ok($$UPDATE athar.action SET status = 'done' WHERE item_id LIKE 'B%'$$, 'AT004', '20 actions lack the evidence for their status', 'of a thousand those without evidence are told');
SELECT is((SELECT count(*) FROM athar.action WHERE item_id LIKE 'B%' AND status = 'done'), 0::bigint, 'and none is done');
SELECT throws_ok($$MERGE INTO athar.action AS a USING (VALUES ('B50'), ('B1')) AS v (item_id) ON a.item_id = v.item_id WHEN MATCHED THEN UPDATE SET status = 'done'$$, 'AT004', 'action "B50" of project "bulk" cannot become done', 'not by MERGE');
SELECT throws_ok($$INSERT INTO athar.action (project_id, item_id, revision, ordinal, title, status) SELECT project_id, item_id, revision, ordinal, title, 'done' FROM athar.action WHERE item_id IN ('B50', 'B1')
	ON CONFLICT (project_id, item_id) DO UPDATE SET status = 'done'$$, 'AT004', 'action "B50" of project "bulk" cannot become done', 'nor by ON CONFLICT');
SELECT throws_ok($$UPDATE athar.action SET id = DEFAULT, status = 'done' WHERE item_id = 'B50'$$, 'AT004', NULL, 'nor under another key');
SELECT lives_ok($$UPDATE athar.action SET status = 'done' WHERE item_id LIKE 'B%' AND item_id NOT LIKE 'B%50' AND item_id NOT LIKE 'B%00'$$, 'those with evidence pass, all at once');
SELECT is((SELECT count(*) FROM athar.action WHERE item_id LIKE 'B%' AND status = 'done'), 980::bigint, 'every one of them');
SELECT throws_ok($$UPDATE athar.project SET maturity = 'scaled'$$, 'AT004', NULL, 'projects, too');
SELECT throws_ok($$INSERT INTO athar.project (code, name, unit_id, maturity) VALUES ('m', 'M', athar.unit_id('u'), 'scaled')$$, 'AT004', NULL, 'and those that begin beyond a pilot');

-- What comes back to a plan comes in as what is new.
SELECT athar.create_project('again', 'Again', 'u', pg_temp.plan_of(pg_temp.item('R1', 'done', '{"kpis": [{"kpi": "days", "target": "-1%"}]}'), pg_temp.item('R2', 'planned')), 'start');
SELECT is((SELECT status FROM athar.save_plan('again', athar.get_plan('again') #- '{items,0}', 1, 'away')), 'saved', 'a done action leaves its plan');
SELECT throws_ok($$SELECT athar.save_plan('again', jsonb_insert(athar.get_plan('again'), '{items,0}', pg_temp.item('R1', 'done')), 2, 'another')$$, 'AT004', 'action "R1" of project "again" cannot become done', 'its id does not bring another in as done');
SELECT is((SELECT status FROM athar.revert_plan('again', 1, 'back')), 'saved', 'it comes back with its evidence');
SELECT is((SELECT status FROM athar.action WHERE item_id = 'R1'), 'done', 'as it was');

-- Names of somebody else's: an owner's own UPDATE fires the triggers with his search path.
CREATE SCHEMA trap;
CREATE TABLE trap.caught (id integer);
CREATE FUNCTION trap.spring(state integer[], id integer) RETURNS integer[] LANGUAGE SQL AS 'INSERT INTO trap.caught VALUES (id); SELECT state';
CREATE AGGREGATE trap.array_agg(integer) (SFUNC = trap.spring, STYPE = integer[]);
SELECT athar.create_project('trap', 'Trap', 'u', '{"title": "t", "items": [{"id": "T", "title": "t"}]}', 'start');
SET LOCAL search_path = trap, public;
SELECT throws_ok($$UPDATE athar.action SET status = 'done' WHERE item_id = 'T'$$, 'AT004', NULL, 'a gate is not passed by a name of somebody else''s');
RESET search_path;
SELECT is_empty('SELECT FROM trap.caught', 'which is not called');

SELECT * FROM finish();
ROLLBACK;
