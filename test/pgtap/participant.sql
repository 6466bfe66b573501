-- participant: who takes part, what that lets him see and write
BEGIN;
SELECT plan(58);

CREATE FUNCTION pg_temp.run_as(role name, command text) RETURNS text LANGUAGE SQL AS $$
	SELECT format('SET LOCAL ROLE %I; %s; RESET ROLE', role, command)
$$;
CREATE FUNCTION pg_temp.rows_as(role text, query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	RETURN QUERY EXECUTE format('SELECT q::text FROM (%s) AS q', query);
	RESET ROLE;
END
$$;
CREATE TEMP VIEW taking AS SELECT action, unit, role, origin FROM athar.participants WHERE project = 'shared' ORDER BY action NULLS FIRST, unit;

SELECT athar.define_unit('health', 'Health'), athar.define_unit('clinics', 'Clinics', parent => 'health'), athar.define_unit('interior', 'Interior', 'الداخلية'),
	athar.define_unit('finance', 'Finance'), athar.define_unit('labour', 'Labour');
SELECT athar.define_service('permit', 'Permit', 'interior'), athar.define_kpi('wait', 'Waiting time', 'days', 'down');
CREATE ROLE part_health;
CREATE ROLE part_clinics;
CREATE ROLE part_interior;
CREATE ROLE part_finance;
CREATE ROLE part_labour;
CREATE ROLE part_application;
CREATE ROLE part_reader;
SELECT athar.grant_access('part_health', 'contribute', 'health'), athar.grant_access('part_clinics', 'contribute', 'clinics'),
	athar.grant_access('part_interior', 'contribute', 'interior'), athar.grant_access('part_finance', 'contribute', 'finance'),
	athar.grant_access('part_labour', 'contribute', 'labour'), athar.grant_access('part_application', 'contribute'),
	athar.grant_access('part_reader', 'read', 'interior');

-- An agency begins a project of its own, and none of another's.
SELECT lives_ok(pg_temp.run_as('part_interior', $$SELECT athar.create_project('shared', 'Shared', 'interior', '{"title": "s", "items": [
	{"id": "A1", "title": "a", "owner": "interior", "service": "permit", "kpis": [{"kpi": "wait", "target": "-20%"}]}, {"id": "A2", "title": "b"}]}', 'begin')$$), 'an agency begins a project');
SELECT throws_ok(pg_temp.run_as('part_finance', $$SELECT athar.create_project('stolen', 'Stolen', 'interior', '{"title": "s"}', 'begin')$$), 'AT005',
	'role "part_finance" does not act for unit "interior"', 'but not for another');
SELECT throws_ok(pg_temp.run_as('part_clinics', $$SELECT athar.create_project('stolen', 'Stolen', 'health', '{"title": "s"}', 'begin')$$), 'AT005', NULL, 'nor for the one above');
SELECT lives_ok(pg_temp.run_as('part_health', $$SELECT athar.create_project('clinic', 'Clinic', 'clinics', '{"title": "c", "items": [{"id": "C1", "title": "c"}]}', 'begin')$$), 'the one above does for those below');
SELECT lives_ok(pg_temp.run_as('part_application', $$SELECT athar.create_project('any', 'Any', 'finance', '{"title": "c"}', 'begin')$$), 'a role without a limit for all');
SELECT results_eq('SELECT action, unit, role, origin FROM taking',
	$$VALUES (NULL, 'interior', 'accountable', 'participant'), ('A1', 'interior', 'accountable', 'owner'), ('A2', 'interior', 'accountable', 'project')$$,
	'exactly one is accountable: its unit for the project, the owner for an action, or else the project''s');

-- Private until shared.
SELECT results_eq($$SELECT pg_temp.rows_as(r.role, 'SELECT project FROM athar.plan_progress ORDER BY 1') FROM (VALUES ('part_interior'), ('part_reader'), ('part_clinics'), ('part_health'), ('part_labour')) AS r (role)$$,
	ARRAY['(shared)', '(shared)', '(clinic)', '(clinic)'], 'an agency sees its own and those of the units below it');
SELECT results_eq($$SELECT pg_temp.rows_as('part_application', 'SELECT project FROM athar.plan_progress ORDER BY 1')$$, ARRAY['(any)', '(clinic)', '(shared)'], 'without a limit every project is seen');
SELECT throws_ok(pg_temp.run_as('part_reader', $$SELECT athar.save_plan('shared', '{"title": "s"}', 1, 'r')$$), '42501', NULL, 'who reads writes nothing');
SELECT lives_ok(pg_temp.run_as('part_interior', $$SELECT athar.set_participant('shared', 'finance', 'informed')$$), 'it is shared');
SELECT results_eq($$SELECT pg_temp.rows_as('part_finance', 'SELECT project, action FROM athar.actions ORDER BY 2')$$, ARRAY['(shared,A1)', '(shared,A2)'], 'and then seen');
SELECT throws_ok(pg_temp.run_as('part_finance', $$SELECT athar.save_plan('shared', '{"title": "s"}', 1, 'r')$$), 'AT005',
	'role "part_finance" may not write the plan of project "shared"', 'but who is informed writes nothing');
SELECT throws_ok(pg_temp.run_as('part_finance', $$SELECT athar.set_participant('shared', 'finance', 'responsible')$$), 'AT005',
	'role "part_finance" may not say who takes part in project "shared"', 'and gives himself no part');
SELECT ok(athar.set_participant('shared', 'finance', 'consulted'), 'another role');
SELECT ok(NOT athar.set_participant('shared', 'finance', 'consulted'), 'said twice: nothing new');
SELECT is((SELECT count(*) FROM athar.participant WHERE unit_id = athar.unit_id('finance') AND project_id = athar.project_id('shared')), 1::bigint, 'one role in each place');
SELECT throws_ok(pg_temp.run_as('part_finance', $$SELECT athar.save_plan('shared', '{"title": "s"}', 1, 'r')$$), 'AT005', NULL, 'who is consulted writes nothing either');
SELECT lives_ok(pg_temp.run_as('part_finance', $$SELECT athar.record_review('shared', 'too dear')$$), 'but comments');
SELECT throws_ok(pg_temp.run_as('part_finance', $$SELECT athar.record_review('shared', 'cheaper', 'decision')$$), 'AT005', NULL, 'and decides nothing');
SELECT ok(athar.set_participant('shared', 'finance', 'responsible'), 'responsible');
SELECT results_eq($$SELECT pg_temp.rows_as('part_finance', $q$SELECT status, version FROM athar.save_plan('shared', jsonb_set(athar.get_plan('shared'), '{items,1,owner}', '"clinics"'), 1, 'theirs')$q$)$$, ARRAY['(saved,2)'], 'who is responsible writes');
SELECT throws_ok(pg_temp.run_as('part_finance', $$SELECT athar.set_participant('shared', 'labour', 'informed')$$), 'AT005', NULL, 'but does not say who takes part');
SELECT results_eq($$SELECT pg_temp.rows_as(r.role, 'SELECT project FROM athar.plan_progress ORDER BY 1') FROM (VALUES ('part_clinics'), ('part_health')) AS r (role)$$,
	ARRAY['(clinic)', '(shared)', '(clinic)', '(shared)'], 'the owner of an action sees the plan, and the unit above it');
SELECT results_eq($$SELECT pg_temp.rows_as('part_clinics', $q$SELECT status FROM athar.save_plan('shared', jsonb_set(athar.get_plan('shared'), '{items,1,title}', '"bb"'), 2, 'ours')$q$)$$, ARRAY['(saved)'], 'and writes');

-- In actions; what rests while an action is away.
SELECT ok(athar.set_participant('shared', 'labour', 'accountable', 'A2'), 'accountable for an action');
SELECT results_eq('SELECT action, unit, role, origin FROM taking WHERE action = ''A2''',
	$$VALUES ('A2', 'clinics', 'responsible', 'owner'), ('A2', 'labour', 'accountable', 'participant')$$, 'its owner is responsible then');
SELECT ok(athar.set_participant('shared', 'health', 'accountable', 'A2'), 'handed over');
SELECT results_eq('SELECT unit, role FROM taking WHERE action = ''A2''',
	$$VALUES ('clinics', 'responsible'), ('health', 'accountable'), ('labour', 'informed')$$, 'who handed over is informed');
SELECT is((SELECT status FROM athar.save_plan('shared', athar.get_plan('shared') #- '{items,1}', 3, 'away')), 'saved', 'the action leaves');
SELECT is_empty('SELECT FROM taking WHERE action = ''A2''', 'and with it who took part in it');
SELECT is_empty($$SELECT pg_temp.rows_as('part_labour', 'SELECT project FROM athar.plan_progress')$$, 'who has no other part no longer sees the project');
SELECT throws_ok($$SELECT athar.set_participant('shared', 'labour', 'informed', 'A2')$$, '42704', 'action "A2" of project "shared" does not exist', 'nobody takes part in what is not in the plan');
SELECT is((SELECT status FROM athar.save_plan('shared', jsonb_insert(athar.get_plan('shared'), '{items,0}', '{"id": "A2", "title": "back"}'), 4, 'back')), 'saved', 'it comes back');
SELECT results_eq('SELECT unit, role, origin FROM taking WHERE action = ''A2''',
	$$VALUES ('health', 'accountable', 'participant'), ('labour', 'informed', 'participant')$$, 'and so do they');
SELECT ok(athar.remove_participant('shared', 'health', 'A2'), 'taken away');
SELECT results_eq('SELECT unit, role, origin FROM taking WHERE action = ''A2''',
	$$VALUES ('interior', 'accountable', 'project'), ('labour', 'informed', 'participant')$$, 'without an owner the project''s unit is accountable again');
SELECT ok(NOT athar.remove_participant('shared', 'health', 'A2'), 'taken twice: nothing to take');

-- Accountability is handed over, always one.
SELECT throws_ok($$SELECT athar.set_participant('shared', 'interior', 'responsible')$$, '22023', 'unit "interior" is accountable for project "shared"', 'not given up without a successor');
SELECT throws_ok($$SELECT athar.remove_participant('shared', 'interior')$$, '22023', 'unit "interior" is accountable for project "shared"', 'nor taken away');
SELECT lives_ok(pg_temp.run_as('part_interior', $$SELECT athar.set_participant('shared', 'finance', 'accountable')$$), 'handed over by who has it');
SELECT results_eq('SELECT unit, role FROM taking WHERE action IS NULL', $$VALUES ('finance', 'accountable'), ('interior', 'informed')$$, 'to one, who was responsible');
SELECT is((SELECT u.code::text FROM athar.project AS j JOIN athar.unit AS u ON u.id = j.unit_id WHERE j.code = 'shared'), 'finance', 'the project''s unit follows');
SELECT throws_ok(pg_temp.run_as('part_interior', $$SELECT athar.set_participant('shared', 'interior', 'accountable')$$), 'AT005', NULL, 'and is not taken back');
SELECT throws_ok($$INSERT INTO athar.participant (project_id, unit_id, role) VALUES (athar.project_id('shared'), athar.unit_id('labour'), 'accountable')$$, '23505', NULL, 'a second one has no place in the table');
SELECT is_empty($$SELECT project, action FROM athar.participants GROUP BY 1, 2 HAVING count(*) FILTER (WHERE role = 'accountable') <> 1$$, 'one in every place');

-- What hangs on a project is hidden with it.
SELECT athar.create_cycle('part', 'Part', '[2026-01-01,2027-01-01)'), athar.create_goal('part', 'Part', 'objective', cycle => 'part');
SELECT athar.align('part', 'shared', 'A1'), athar.align('part', 'clinic', 'C1');
SELECT results_eq($$SELECT pg_temp.rows_as('part_clinics', 'SELECT count(*) FROM athar.alignment')$$, ARRAY['(1)'], 'alignments');
SELECT results_eq($$SELECT pg_temp.rows_as(r.role, 'SELECT count(*) FROM athar.effect') FROM (VALUES ('part_clinics'), ('part_finance')) AS r (role)$$, ARRAY['(0)', '(1)'], 'effects');
SELECT results_eq($$SELECT pg_temp.rows_as('part_clinics', 'SELECT project FROM athar.before_after_report')$$, ARRAY['(clinic)'], 'reports');
SELECT results_eq($$SELECT pg_temp.rows_as('part_clinics', 'SELECT DISTINCT project FROM athar.participants')$$, ARRAY['(clinic)'], 'participants');
SELECT results_eq($$SELECT pg_temp.rows_as('part_clinics', 'SELECT count(*) FROM athar.plan_version') UNION ALL SELECT pg_temp.rows_as('part_clinics', 'SELECT count(*) FROM athar.plan_item')$$, ARRAY['(1)', '(1)'], 'versions and items');
SELECT results_eq($$SELECT pg_temp.rows_as('part_clinics', $q$SELECT count(*) FROM athar.as_of(NULL::athar.action, now())$q$)$$, ARRAY['(1)'], 'the past of actions');
SELECT throws_ok(pg_temp.run_as('part_clinics', $$SELECT * FROM athar.plan_history('shared')$$), '42704', 'project "shared" does not exist', 'histories');

-- Bad input.
SELECT throws_ok($$SELECT athar.set_participant('shared', 'labour', 'owner')$$, '22023', 'role "owner" is not known', 'an unknown role');
SELECT throws_ok($$SELECT athar.set_participant('shared', NULL, 'informed')$$, '22023', NULL, 'no unit');
SELECT throws_ok($$SELECT athar.set_participant('shared', 'nobody', 'informed')$$, '42704', 'unit "nobody" does not exist', 'an unknown unit');
SELECT throws_ok($$SELECT athar.set_participant('nothing', 'labour', 'informed')$$, '42704', 'project "nothing" does not exist', 'an unknown project');
SELECT throws_ok($$SELECT athar.remove_participant('shared', NULL)$$, '22023', NULL, 'nobody to remove');
SELECT ok(NOT athar.remove_participant('shared', 'labour'), 'somebody who is not there');

SELECT * FROM finish();
ROLLBACK;
