-- approval: who agreed to what, and what is in force
BEGIN;
SELECT plan(86);

CREATE FUNCTION pg_temp.rows_as(role text, query text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	RETURN QUERY EXECUTE format('SELECT q::text FROM (%s) AS q', query);
	RESET ROLE;
END
$$;
CREATE FUNCTION pg_temp.run_as(role name, command text) RETURNS text LANGUAGE SQL AS $$
	SELECT format('SET LOCAL ROLE %I; %s; RESET ROLE', role, command)
$$;
CREATE FUNCTION pg_temp.approve(role text, version integer) RETURNS text LANGUAGE SQL AS $$
	SELECT pg_temp.rows_as(role, format('SELECT status, pending FROM athar.approve_plan(%L, %s)', 'joint', version))
$$;
CREATE FUNCTION pg_temp.save(path text[], value jsonb) RETURNS integer LANGUAGE SQL AS $$
	SELECT s.version FROM athar.project AS j, athar.save_plan('joint', jsonb_set(athar.get_plan('joint'), path, value), j.head_version, 'edit') AS s WHERE j.code = 'joint'
$$;
-- the states of a version in one line, and the number of the version in force
CREATE FUNCTION pg_temp.states(version integer DEFAULT NULL) RETURNS text LANGUAGE SQL AS $$
	SELECT string_agg(s.unit || ' ' || s.state, ', ' ORDER BY s.unit COLLATE "C") FROM athar.approval_status('joint', version) AS s
$$;
CREATE FUNCTION pg_temp.in_force() RETURNS integer LANGUAGE SQL AS $$SELECT athar.approved_version(athar.project_id('joint'))$$;

SELECT athar.define_unit('board', 'Board'), athar.define_unit('a', 'Agency A', 'الجهة أ', 'board'), athar.define_unit('b', 'Agency B', parent => 'board'),
	athar.define_unit('c', 'Agency C'), athar.define_unit('d', 'Agency D');
CREATE ROLE sign_a;
CREATE ROLE sign_b;
CREATE ROLE sign_c;
CREATE ROLE sign_board;
CREATE ROLE sign_application;
CREATE ROLE sign_reader;
CREATE ROLE sign_person IN ROLE sign_b;
SELECT athar.grant_access('sign_a', 'contribute', 'a'), athar.grant_access('sign_b', 'contribute', 'b'), athar.grant_access('sign_c', 'contribute', 'c'),
	athar.grant_access('sign_board', 'contribute', 'board'), athar.grant_access('sign_application', 'contribute'), athar.grant_access('sign_reader', 'read', 'b');

SELECT athar.create_project('joint', 'Joint', 'a', '{"title": "Joint", "items": [
	{"id": "A1", "title": "one", "owner": "a", "due_on": "2026-06-01"}, {"id": "B1", "title": "two", "owner": "b", "due_on": "2026-06-01", "parent": "A1"},
	{"id": "C1", "title": "three", "owner": "c", "depends_on": ["B1"]}, {"id": "N1", "title": "nobody''s"}]}', 'begin');
SELECT athar.set_participant('joint', 'b', 'responsible'), athar.set_participant('joint', 'd', 'consulted');

-- Asking.
SELECT results_eq($$SELECT unit, unit_name_ar, role, state, since, signed_version FROM athar.approval_status('joint')$$,
	$$VALUES ('a', 'الجهة أ', 'accountable', 'pending', NULL::timestamptz, NULL::integer), ('b', NULL, 'responsible', 'pending', NULL, NULL), ('c', NULL, 'owner', 'pending', NULL, NULL)$$,
	'whose agreement it needs: the accountable and responsible units, and the owners of actions; not who is consulted');
SELECT is_empty('SELECT FROM athar.approvals_pending', 'nobody waits for what nobody asked for');
SELECT results_eq($$SELECT pg_temp.rows_as('sign_b', $q$SELECT athar.request_approval('joint')$q$)$$, ARRAY['(1)'], 'asked for');
SELECT is(athar.request_approval('joint', 1), 1, 'asked twice');
SELECT is((SELECT count(*) FROM athar.approval), 1::bigint, 'is on record once');
SELECT results_eq($$SELECT project, version, unit, state, since FROM athar.approvals_pending ORDER BY unit$$,
	$$SELECT 'joint', 1, u, 'pending', decided_at FROM athar.approval, unnest('{a,b,c}'::text[]) AS u$$, 'who is missing, and since when');

-- Signing: by membership, not by an argument.
SELECT is(pg_temp.approve('sign_a', 1), '(approved,"{b,c}")', 'the first');
SELECT is(athar.get_plan('joint', approved => true), NULL, 'not in force yet');
SELECT is(pg_temp.approve('sign_a', 1), '(unchanged,"{b,c}")', 'signed twice');
SELECT throws_ok(pg_temp.run_as('sign_c', $$SELECT athar.approve_plan('joint', 1, 'b')$$), 'AT005', 'role "sign_c" may not sign version 1 of project "joint" for unit "b"', 'nobody signs for another');
SELECT throws_ok(pg_temp.run_as('sign_application', $$SELECT athar.approve_plan('joint', 1, 'b')$$), 'AT005', NULL, 'a level without a unit signs for nobody');
SELECT throws_ok(pg_temp.run_as('sign_reader', $$SELECT athar.approve_plan('joint', 1, 'b')$$), '42501', NULL, 'who reads signs nothing');
SELECT throws_ok(pg_temp.run_as('sign_board', $$SELECT athar.approve_plan('joint', 1)$$), '22023', 'role "sign_board" acts for more than one unit with a part in version 1', 'who acts for several says for which');
SELECT is(pg_temp.approve('sign_person', 1), '(approved,{c})', 'a member of the agency''s role signs');
SELECT results_eq($$SELECT author, role_name, signed_version, version_hash FROM athar.approval_status('joint') WHERE unit = 'b'$$,
	$$SELECT 'sign_person', 'sign_person', 1, version_hash FROM athar.plan_version WHERE project_id = athar.project_id('joint')$$, 'under his own name, the hash of the version');
SELECT results_eq($$SELECT pg_temp.rows_as('sign_c', $q$SELECT status, pending FROM athar.approve_plan('joint', 1, note => 'agreed in the steering group')$q$)$$, ARRAY['(approved,{})'], 'the last');
SELECT is(athar.get_plan('joint', approved => true), athar.get_plan('joint', 1), 'in force');
SELECT is((SELECT note FROM athar.approval_status('joint') WHERE unit = 'c'), 'agreed in the steering group', 'with its note');
SELECT is_empty('SELECT FROM athar.approvals_pending', 'nobody is missing');

-- What is material, and to whom.
SELECT is(pg_temp.save('{items,1,status}', '"in_progress"'), 2, 'progress');
SELECT is(pg_temp.states(), 'a standing, b standing, c standing', 'touches nobody');
SELECT is(pg_temp.in_force(), 2, 'and is in force');
SELECT is(pg_temp.save('{items,1,due_on}', '"2026-09-01"'), 3, 'a due date');
SELECT is(pg_temp.states(), 'a standing, b pending, c standing', 'touches whose action it is, not those above it or waiting for it');
SELECT is(athar.get_plan('joint', approved => true) #>> '{items,1,due_on}', '2026-06-01', 'what is in force says the old day');
SELECT is(athar.get_plan('joint', approved => true) #>> '{items,1,status}', 'in_progress', 'and how far the work is');
SELECT results_eq($$SELECT unit, signed_version, since FROM athar.approvals_pending$$,
	$$SELECT 'b', 1, saved_at FROM athar.plan_version WHERE version = 3 AND project_id = athar.project_id('joint')$$, 'pending since it was saved');
SELECT is(pg_temp.states(2), 'a standing, b standing, c standing', 'the version before stands as it stood');
SELECT is(pg_temp.save('{items,3,title}', '"still nobody''s"'), 4, 'an action without owner');
SELECT is(pg_temp.states(), 'a pending, b pending, c standing', 'is the accountable unit''s');
SELECT is(pg_temp.save('{purpose}', '"why"'), 5, 'the header');
SELECT is(pg_temp.states(), 'a pending, b pending, c standing', 'is that of the accountable and the responsible');
SELECT is((SELECT version FROM athar.approvals_pending WHERE unit = 'a' AND since = (SELECT saved_at FROM athar.plan_version WHERE version = 4 AND project_id = athar.project_id('joint'))), 5, 'pending since the first edit that touched it');
SELECT is(pg_temp.approve('sign_b', 5), '(approved,{a})', 'b agrees again');
SELECT is(pg_temp.approve('sign_a', 5), '(approved,{})', 'so does a');
SELECT is(pg_temp.in_force(), 5, 'in force again');
SELECT is(pg_temp.states(), 'a approved, b approved, c standing', 'c never had to');
SELECT is(pg_temp.save('{items,2,status}', '"cancelled"'), 6, 'to cancel');
SELECT is(pg_temp.states(), 'a standing, b standing, c pending', 'is no progress');
SELECT is(pg_temp.save('{items}', (SELECT jsonb_agg(v ORDER BY n DESC) FROM jsonb_array_elements(athar.get_plan('joint', 5) -> 'items') WITH ORDINALITY AS e (v, n))), 7, 'another order, and not cancelled any more');
SELECT is(pg_temp.states(), 'a standing, b standing, c standing', 'what a unit has signed once stands when it comes back, in any order');
SELECT is(pg_temp.in_force(), 7, 'and is in force');

-- Rejecting.
SELECT throws_ok(pg_temp.run_as('sign_c', $$SELECT athar.reject_plan('joint', 7, ' ')$$), 'AT001', 'a reason is required', 'not without a reason');
SELECT results_eq($$SELECT pg_temp.rows_as('sign_c', $q$SELECT status, pending FROM athar.reject_plan('joint', 7, 'too early')$q$)$$, ARRAY['(rejected,{c})'], 'rejected');
SELECT is((SELECT state || ': ' || note FROM athar.approval_status('joint') WHERE unit = 'c'), 'rejected: too early', 'with the reason');
SELECT is(pg_temp.in_force(), 5, 'what was in force before is in force again');
SELECT is(pg_temp.save('{items,0,status}', '"live"'), 8, 'another version');
SELECT is(pg_temp.states(), 'a standing, b standing, c rejected', 'a rejection stands, too');
SELECT is(pg_temp.approve('sign_c', 7), '(approved,{})', 'until it is withdrawn');
SELECT is(pg_temp.in_force(), 8, 'which brings it into force');

-- Who joins later repeals nothing.
SELECT athar.set_participant('joint', 'd', 'accountable');
SELECT is((SELECT string_agg(unit || ' ' || role || ' ' || state, ', ') FROM athar.approval_status('joint')), 'd accountable pending, b responsible standing, a owner pending, c owner standing',
	'who takes over is asked, and who keeps another part than it signed');
SELECT is(pg_temp.in_force(), 7, 'the last version that came into force stays');
SELECT is((SELECT status FROM athar.approve_plan('joint', 8, 'a')), 'approved', 'a superuser is a member of every role, and on record as himself');

-- What was altered shows.
UPDATE athar.plan_version SET version_hash = sha256('other') WHERE version = 8 AND project_id = athar.project_id('joint');
SELECT is((SELECT state FROM athar.approval_status('joint') WHERE unit = 'a'), 'invalid', 'a signature under another hash is none');
SELECT isnt_empty($$SELECT FROM athar.approvals_pending WHERE unit = 'a' AND state = 'invalid'$$, 'and asked for');

-- Bad input; strangers.
SELECT throws_ok($$SELECT athar.approve_plan('joint', 99)$$, '22023', 'project "joint" has no version 99', 'a version there is not');
SELECT throws_ok($$SELECT athar.approve_plan('joint', NULL)$$, '22023', 'a project and a version are required', 'no version');
SELECT throws_ok($$SELECT athar.approve_plan('nothing', 1)$$, '42704', 'project "nothing" does not exist', 'an unknown project');
SELECT throws_ok($$SELECT athar.approve_plan('joint', 8, 'nobody')$$, '42704', 'unit "nobody" does not exist', 'an unknown unit');
SELECT throws_ok($$SELECT * FROM athar.approval_status('joint', 0)$$, '22023', NULL, 'no such version to ask about');
SELECT results_eq($$SELECT operation, new_values ->> 'decision' FROM athar.change_log WHERE relation = 'athar.approval' AND new_values ->> 'decision' <> 'approved' ORDER BY entry_id$$,
	$$VALUES ('INSERT', 'requested'), ('INSERT', 'rejected')$$, 'all of it is in the log');

SELECT results_eq($$SELECT version, author, sentence, sentence_ar FROM athar.project_timeline WHERE project = 'joint' AND kind = 'approval' AND version = 1 ORDER BY at, event$$,
	$$VALUES (1, 'sign_b', 'Approval of version 1 asked for', 'طُلب اعتماد النسخة 1'), (1, 'sign_a', 'Agency A approved version 1', 'اعتمدت الجهة «الجهة أ» النسخة 1'),
		(1, 'sign_person', 'Agency B approved version 1', 'اعتمدت الجهة «Agency B» النسخة 1'),
		(1, 'sign_c', 'Agency C approved version 1, which came into force: agreed in the steering group', 'اعتمدت الجهة «Agency C» النسخة 1 فأصبحت نافذة: agreed in the steering group')$$,
	'and in the story of the project');

-- Since when: never before there was something to wait for.
CREATE FUNCTION pg_temp.since(unit text, version integer DEFAULT NULL) RETURNS timestamptz LANGUAGE SQL AS $$
	SELECT s.since FROM athar.approval_status('late', version) AS s WHERE s.unit = since.unit
$$;
CREATE FUNCTION pg_temp.saved(version integer) RETURNS timestamptz LANGUAGE SQL AS $$
	SELECT v.saved_at FROM athar.plan_version AS v WHERE v.project_id = athar.project_id('late') AND v.version = saved.version
$$;
CREATE FUNCTION pg_temp.joined(unit text) RETURNS timestamptz LANGUAGE SQL AS $$
	SELECT max(p.joined_at) FROM athar.participants AS p WHERE p.project = 'late' AND p.unit = joined.unit
$$;
SELECT athar.define_unit('e', 'Agency E'), athar.define_unit('f', 'Agency F');
CREATE ROLE sign_d;
CREATE ROLE sign_e;
SELECT athar.grant_access('sign_d', 'contribute', 'd'), athar.grant_access('sign_e', 'contribute', 'e');
SELECT athar.create_project('late', 'Late', 'a', '{"title": "Late", "items": [{"id": "A1", "title": "one", "owner": "a"}, {"id": "N1", "title": "nobody''s"}]}', 'begin');
SELECT athar.set_participant('late', 'd', 'responsible');
SELECT status FROM athar.set_action('late', 'A1', '{"title": "first"}', 1, 'before anybody asked');
SELECT athar.request_approval('late');
SELECT is(pg_temp.since('a'), (SELECT decided_at FROM athar.approval WHERE project_id = athar.project_id('late')), 'since it was first asked for, whatever was saved before');
SELECT is(pg_temp.since('a', 1), pg_temp.since('a'), 'of an older version, too');
SELECT status FROM athar.set_action('late', 'N1', '{"owner": "c"}', 2, 'c does it');
SELECT is(pg_temp.since('c'), pg_temp.saved(3), 'a unit that is given an action: since that was saved');
SELECT is(pg_temp.since('d'), pg_temp.since('a', 1), 'who waited already goes on waiting');
SELECT athar.set_participant('late', 'e', 'consulted');
SELECT is(pg_temp.since('e'), NULL, 'who is consulted is not waited for');
SELECT athar.set_participant('late', 'e', 'responsible');
SELECT is(pg_temp.since('e'), pg_temp.joined('e'), 'a unit that joins: since it is responsible, not since it was consulted');
SELECT cmp_ok(pg_temp.since('e'), '>', pg_temp.saved(3), 'which was later than everything else');
SELECT pg_temp.rows_as('sign_d', $q$SELECT status FROM athar.approve_plan('late', 3)$q$), pg_temp.rows_as('sign_c', $q$SELECT status FROM athar.approve_plan('late', 3)$q$);
SELECT status FROM athar.set_action('late', 'N1', '{"title": "c''s"}', 3, 'other words');
SELECT athar.set_participant('late', 'd', 'responsible', 'N1');
SELECT is(pg_temp.since('c'), pg_temp.saved(4), 'touched by a save');
SELECT is(pg_temp.since('d'), pg_temp.joined('d'), 'or by a part that it was given besides: what it signed was less');
SELECT is((SELECT signed_version FROM athar.approval_status('late') WHERE unit = 'd'), 3, 'its signature stays on record');
SELECT status FROM athar.set_action('late', 'N1', '{"title": "nobody''s"}', 4, 'as it was');
SELECT is((SELECT state FROM athar.approval_status('late') WHERE unit = 'c'), 'standing', 'what is taken back is not waited for');
SELECT status FROM athar.set_action('late', 'N1', '{"title": "c''s again"}', 5, 'other words');
SELECT is(pg_temp.since('c'), pg_temp.saved(6), 'touched again: since then, not since the first time');
SELECT results_eq($$SELECT unit, since, signed_version FROM athar.approvals_pending WHERE project = 'late' ORDER BY unit$$,
	$$SELECT unit, since, signed_version FROM athar.approval_status('late') WHERE state = 'pending' ORDER BY unit$$, 'approvals_pending says the same');
SELECT athar.set_participant('late', 'f', 'accountable');
SELECT is(pg_temp.since('f'), pg_temp.joined('f'), 'who takes over: since the hand-over');
SELECT throws_ok($$INSERT INTO athar.participant (project_id, unit_id, role, joined_at) VALUES (athar.project_id('late'), athar.unit_id('b'), 'informed', NULL)$$, '23502', NULL, 'there is a time to every part');

-- A return to what was agreed needs nobody's word again; a part that changes hands does.
SELECT athar.create_project('back', 'Back', 'a', '{"title": "Back", "items": [{"id": "A1", "title": "one", "owner": "a", "budget": 1.50}, {"id": "C1", "title": "two", "owner": "c"}]}', 'begin');
SELECT throws_ok(pg_temp.run_as('sign_b', $$SELECT athar.approve_plan('back', 1)$$), '42704', 'project "back" does not exist', 'to who has no part there is nothing to sign');
SELECT athar.set_participant('back', 'b', 'informed');
SELECT throws_ok(pg_temp.run_as('sign_b', $$SELECT athar.approve_plan('back', 1)$$), 'AT005', 'role "sign_b" may not sign version 1 of project "back"', 'who is informed signs nothing');
SELECT pg_temp.rows_as('sign_a', $q$SELECT status FROM athar.approve_plan('back', 1)$q$), pg_temp.rows_as('sign_c', $q$SELECT status FROM athar.approve_plan('back', 1)$q$);
SELECT status FROM athar.save_plan('back', '{"title": "Other", "items": [{"id": "A1", "title": "one", "owner": "c", "budget": 2}]}', 1, 'all of it');
SELECT is(athar.approved_version(athar.project_id('back')), 1, 'an edit of everything');
SELECT results_eq($$SELECT unit, state, role FROM athar.approval_status('back')$$, $$VALUES ('a', 'pending', 'accountable'), ('c', 'pending', 'owner')$$, 'who gives an action away is asked, and who takes it');
SELECT is((SELECT status FROM athar.revert_plan('back', 1, 'as agreed')), 'saved', 'returned to what was signed');
SELECT results_eq($$SELECT unit, state, signed_version FROM athar.approval_status('back')$$, $$VALUES ('a', 'standing', 1), ('c', 'standing', 1)$$, 'it stands');
SELECT is(athar.approved_version(athar.project_id('back')), 3, 'and is in force as the version it is now');
SELECT is(athar.get_plan('back', approved => true), athar.get_plan('back', 1), 'with what was agreed, number for number');
SELECT throws_ok(pg_temp.run_as('sign_a', $$SELECT athar.approve_plan('back', 2147483647)$$), '22023', 'project "back" has no version 2147483647', 'a version to come is not signed');

SELECT * FROM finish();
ROLLBACK;
