-- access: what each level may do, who may give it, whom it lets see what
BEGIN;
SELECT plan(82);

CREATE ROLE athar_reader;
CREATE ROLE athar_contributor;
CREATE ROLE athar_manager;
CREATE ROLE "athar Administrator";
CREATE ROLE athar_auditor;
CREATE ROLE athar_nobody;
CREATE ROLE athar_member IN ROLE athar_reader;
CREATE ROLE athar_outsider NOINHERIT IN ROLE athar_reader;

-- What of the rules a role holds.
CREATE FUNCTION pg_temp.held(role name) RETURNS SETOF text LANGUAGE SQL AS $$
	SELECT DISTINCT concat_ws(' ', r.privilege, r.kind, r.object)
	FROM athar.access_rules AS r
	WHERE r.level <> 'public' AND CASE r.kind
		WHEN 'schema' THEN has_schema_privilege(role, r.object, r.privilege)
		WHEN 'table' THEN has_table_privilege(role, r.object, r.privilege)
		ELSE has_function_privilege(role, r.object::regprocedure, r.privilege) END
$$;
CREATE FUNCTION pg_temp.given(VARIADIC levels text[]) RETURNS SETOF text LANGUAGE SQL AS $$
	SELECT DISTINCT concat_ws(' ', r.privilege, r.kind, r.object)
	FROM athar.access_rules AS r
	WHERE r.level = ANY (levels)
$$;
CREATE FUNCTION pg_temp.run_as(role name, command text) RETURNS text LANGUAGE SQL AS $$
	SELECT format('SET LOCAL ROLE %I; %s; RESET ROLE', role, command)
$$;

-- The tables and views of a level that a role cannot read after all.
CREATE FUNCTION pg_temp.unreadable(role name, level text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	object text;
BEGIN
	FOR object IN SELECT r.object FROM athar.access_rules AS r WHERE r.kind = 'table' AND r.privilege = 'SELECT' AND r.level = unreadable.level
	LOOP
		BEGIN
			EXECUTE format('SET LOCAL ROLE %I', role);
			EXECUTE format('SELECT * FROM %s LIMIT 1', object);
			RESET ROLE;
		EXCEPTION WHEN OTHERS THEN
			RETURN NEXT object || ': ' || SQLERRM;
		END;
	END LOOP;
END
$$;

-- The rules cover everything.
SELECT is_empty(
	$$SELECT object FROM athar.access_rules WHERE level IS NULL$$,
	'every routine that writes or has its owner''s rights is at some level, or said to be internal');
SELECT is_empty(
	$$SELECT c.oid::regclass FROM pg_class AS c
	WHERE c.relnamespace = 'athar'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
		AND NOT EXISTS (SELECT FROM athar.access_rules AS r WHERE r.kind = 'table' AND r.object = format('%I.%I', 'athar', c.relname))$$,
	'every table and view is in the rules');
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc AS p
	WHERE p.pronamespace = 'athar'::regnamespace
		AND NOT EXISTS (SELECT FROM athar.access_rules AS r WHERE r.kind = 'routine' AND r.object::regprocedure = p.oid)$$,
	'every routine is in the rules');
SELECT is_empty(
	$$SELECT object, privilege FROM athar.access_rules WHERE kind = 'table' AND NOT (privilege = 'SELECT' OR privilege = 'INSERT' AND object = 'athar.observations')$$,
	'no rule lets anybody write to a table');
SELECT set_eq(
	$$SELECT p.oid::regprocedure FROM pg_proc AS p
	WHERE p.pronamespace = 'athar'::regnamespace AND has_function_privilege('public', p.oid, 'EXECUTE')$$,
	$$SELECT r.object::regprocedure FROM athar.access_rules AS r WHERE r.level = 'public'$$,
	'PUBLIC has what the rules say, and no more');
SELECT set_eq(
	$$SELECT DISTINCT coalesce(level, '') FROM athar.access_rules WHERE object IN ('athar.run_due()', 'athar.unit_id(pg_catalog.text)', 'athar.job', 'athar.access_grant', 'athar.drive_jobs()')$$,
	ARRAY['administer', 'read', 'audit', 'none'], 'they tell functions apart');

-- Nobody has anything before.
SELECT is_empty($$SELECT pg_temp.held('athar_nobody')$$, 'a role without a level holds nothing');
SELECT throws_ok(pg_temp.run_as('athar_nobody', 'SELECT count(*) FROM athar.services'), '42501', NULL, 'and reads nothing');
SELECT throws_ok(pg_temp.run_as('athar_nobody', 'SELECT athar.grant_access(''athar_nobody'', ''administer'')'), '42501', NULL, 'and gives itself nothing');

-- Each level.
SELECT ok(athar.grant_access('athar_reader', 'read'), 'read is given');
SELECT ok(athar.grant_access('athar_contributor', 'contribute'), 'contribute is given');
SELECT ok(athar.grant_access('athar_manager', 'manage'), 'manage is given');
SELECT ok(athar.grant_access('"athar Administrator"', 'administer'), 'administer is given');
SELECT ok(athar.grant_access('athar_auditor', 'audit'), 'audit is given');
SELECT set_eq($$SELECT pg_temp.held('athar_reader')$$, $$SELECT pg_temp.given('read')$$, 'read gives what the rules say');
SELECT set_eq($$SELECT pg_temp.held('athar_contributor')$$, $$SELECT pg_temp.given('read', 'contribute')$$, 'contribute includes read');
SELECT set_eq($$SELECT pg_temp.held('athar_manager')$$, $$SELECT pg_temp.given('read', 'contribute', 'manage')$$, 'manage includes contribute');
SELECT set_eq($$SELECT pg_temp.held('athar Administrator')$$, $$SELECT pg_temp.given('read', 'contribute', 'manage', 'administer')$$, 'administer includes manage');
SELECT set_eq($$SELECT pg_temp.held('athar_auditor')$$, $$SELECT pg_temp.given('audit')$$, 'audit stands apart');
SELECT is_empty($$SELECT pg_temp.unreadable('athar_reader', 'read')$$, 'every view of a reader can be read by him');
SELECT is_empty($$SELECT pg_temp.unreadable('athar Administrator', 'administer')$$, 'and of an administrator');
SELECT is_empty($$SELECT pg_temp.unreadable('athar_auditor', 'audit')$$, 'and of an auditor');
SELECT isnt_empty($$SELECT pg_temp.unreadable('athar_auditor', 'read')$$, 'who reads nothing else');
SELECT results_eq(
	$$SELECT role_name, level, unit, does_role_exist FROM athar.access_grants WHERE role_name LIKE 'athar%' ORDER BY level$$,
	$$VALUES ('athar Administrator', 'administer', NULL::text, true), ('athar_auditor', 'audit', NULL, true),
		('athar_contributor', 'contribute', NULL, true), ('athar_manager', 'manage', NULL, true), ('athar_reader', 'read', NULL, true)$$,
	'and all of it is on record');

SELECT lives_ok(pg_temp.run_as('athar_reader', 'SELECT count(*) FROM athar.services'), 'a reader reads');
SELECT lives_ok(pg_temp.run_as('athar_member', 'SELECT count(*) FROM athar.jobs'), 'so does who inherits from one');
SELECT throws_ok(pg_temp.run_as('athar_reader', 'SELECT athar.unit_id(''no such'')'), '42704', 'unit "no such" does not exist', 'and is told what is wrong');
SELECT throws_ok(pg_temp.run_as('athar_contributor', 'SELECT athar.define_unit(''u'', ''U'')'), '42501', 'permission denied for function define_unit', 'a contributor defines nothing');
SELECT lives_ok(pg_temp.run_as('athar_manager', $$SELECT athar.define_unit('ministry', 'Ministry'), athar.define_unit('agency', 'Agency', parent => 'ministry'), athar.define_unit('other', 'Other')$$), 'a manager does');
SELECT throws_ok(pg_temp.run_as('athar_manager', 'SELECT athar.run_due()'), '42501', 'permission denied for function run_due', 'and runs no jobs');
SELECT lives_ok(pg_temp.run_as('athar Administrator', 'SELECT athar.schedule(seal => NULL), athar.unschedule()'), 'an administrator does');
SELECT throws_ok(pg_temp.run_as('athar Administrator', 'INSERT INTO athar.access_grant (role_name, level) VALUES (''athar_nobody'', ''audit'')'), '42501', NULL, 'but writes to no table');
SELECT throws_ok(pg_temp.run_as('athar_auditor', 'SELECT count(*) FROM athar.services'), '42501', NULL, 'an auditor reads no services');

-- Given twice, taken, given again.
SELECT ok(NOT athar.grant_access('athar_reader', 'read'), 'given twice: nothing new');
SELECT is((SELECT count(*) FROM athar.access_grant WHERE role_name = 'athar_reader'), 1::bigint, 'nothing stored twice');
SELECT ok(athar.grant_access('athar_contributor', 'read'), 'a lower level beside a higher one');
SELECT ok(athar.revoke_access('athar_contributor', 'contribute'), 'the higher one is taken');
SELECT set_eq($$SELECT pg_temp.held('athar_contributor')$$, $$SELECT pg_temp.given('read')$$, 'the lower one stays');
SELECT ok(NOT athar.revoke_access('athar_contributor', 'contribute'), 'taken twice: nothing to take');
SELECT ok(NOT athar.revoke_access('athar_contributor', 'manage'), 'what was never given is not taken');
SELECT set_eq($$SELECT pg_temp.held('athar_contributor')$$, $$SELECT pg_temp.given('read')$$, 'and changes nothing');
SELECT ok(athar.revoke_access('athar_contributor', 'read'), 'the lower one is taken');
SELECT is_empty($$SELECT pg_temp.held('athar_contributor')$$, 'nothing stays');

REVOKE ALL ON ALL ROUTINES IN SCHEMA athar FROM athar_manager;
REVOKE ALL ON ALL TABLES IN SCHEMA athar FROM athar_manager;
REVOKE ALL ON SCHEMA athar FROM athar_manager;
SELECT ok(athar.apply_access_grants() >= 4, 'everything is applied again');
SELECT set_eq($$SELECT pg_temp.held('athar_manager')$$, $$SELECT pg_temp.given('read', 'contribute', 'manage')$$, 'and what was lost is back');

-- A role that is gone.
INSERT INTO athar.access_grant (role_name, level) VALUES ('athar_gone', 'read');
SET LOCAL client_min_messages = warning;
SELECT lives_ok('SELECT athar.apply_access_grants()', 'a role that does not exist is skipped');
SELECT is((SELECT does_role_exist FROM athar.access_grants WHERE role_name = 'athar_gone'), false, 'and kept on record');
SELECT lives_ok('SELECT athar.apply_access_grants(forget_missing => true)', 'until it is forgotten');
SELECT is_empty($$SELECT FROM athar.access_grants WHERE NOT does_role_exist$$, 'which leaves none');

-- Units.
SELECT ok(athar.grant_access('athar_nobody', 'read', 'ministry'), 'a level for one unit');
SELECT results_eq(
	$$SELECT r.role, athar.may_see(athar.unit_id('ministry'), r.role), athar.may_see(athar.unit_id('agency'), r.role),
		athar.may_see(athar.unit_id('other'), r.role), athar.may_see(NULL, r.role)
	FROM (VALUES ('athar_nobody'::name), ('athar_reader'), ('athar_member'), ('athar_outsider'), ('athar_contributor')) AS r (role)$$,
	$$VALUES ('athar_nobody'::name, true, true, false, false), ('athar_reader', true, true, true, true), ('athar_member', true, true, true, true),
		('athar_outsider', true, true, true, true), ('athar_contributor', true, true, true, true)$$,
	'may_see: the unit and what is below it; everything without a limit or without any level; through roles that inherit');
SELECT ok(athar.may_see(athar.unit_id('other')) AND athar.may_see(NULL), 'the owner sees everything');
SELECT lives_ok(pg_temp.run_as('athar_nobody',
	$$SELECT athar.fail('XX000', 'wrong') WHERE athar.may_see(athar.unit_id('other')) OR NOT athar.may_see(athar.unit_id('agency'))$$),
	'may_see is about who asks');
SELECT throws_ok($$SELECT athar.may_see(1, 'athar_no_such_role')$$, '42704', 'role "athar_no_such_role" does not exist', 'an unknown role');

-- Nobody gives what he does not hold.
SELECT lives_ok(pg_temp.run_as('athar Administrator', $$SELECT athar.grant_access('athar_contributor', 'administer', 'ministry')$$), 'an administrator gives levels');
SELECT throws_ok(pg_temp.run_as('athar Administrator', $$SELECT athar.grant_access('athar Administrator', 'audit')$$), '42602', NULL, 'a name that needs quotes is given quoted');
SELECT throws_ok(pg_temp.run_as('athar Administrator', $$SELECT athar.grant_access('"athar Administrator"', 'audit')$$), '42501',
	'role "athar Administrator" may not give or take level "audit"', 'but not audit, which he has not');
SELECT throws_ok(pg_temp.run_as('athar_contributor', $$SELECT athar.grant_access('athar_contributor', 'administer')$$), '42501',
	'role "athar_contributor" may not give or take level "administer"', 'one who is limited to a unit gives nothing without limit');
SELECT throws_ok(pg_temp.run_as('athar_contributor', $$SELECT athar.grant_access('athar_member', 'read', 'other')$$), '42501',
	'role "athar_contributor" may not give or take level "read" for unit "other"', 'nor for another unit');
SELECT lives_ok(pg_temp.run_as('athar_contributor', $$SELECT athar.grant_access('athar_member', 'manage', 'agency')$$), 'but for what is below it');
SELECT throws_ok(pg_temp.run_as('athar_contributor', $$SELECT athar.revoke_access('"athar Administrator"', 'administer')$$), '42501', NULL, 'and takes nothing either');

-- Every function with its owner's rights that takes a project or a draft tells
-- a stranger that there is none, in the same words as where there is none, and
-- lets nobody write who is only informed.
CREATE ROLE athar_stranger;
CREATE ROLE athar_informed;
SELECT athar.define_unit('access_owner', 'Owner'), athar.define_unit('access_stranger', 'Stranger'), athar.define_unit('access_informed', 'Informed');
SELECT athar.grant_access('athar_stranger', 'administer', 'access_stranger'), athar.grant_access('athar_informed', 'administer', 'access_informed');
SELECT athar.create_cycle('access', 'Access', '[2026-01-01,2027-01-01)'), athar.create_goal('access', 'Access', 'objective', cycle => 'access');
SELECT athar.create_project('access', 'Access', 'access_owner', '{"title": "t", "items": [{"id": "A1", "title": "a"}]}', 'to be private');
SELECT athar.save_plan('access', '{"title": "u", "items": [{"id": "A1", "title": "a"}]}', 1, 'once'),
	athar.save_plan('access', '{"title": "v", "items": [{"id": "A1", "title": "a"}]}', 1, 'twice');
INSERT INTO athar.participant (project_id, unit_id, role) VALUES (athar.project_id('access'), athar.unit_id('access_informed'), 'informed');
CREATE FUNCTION pg_temp.told(role name, routine regprocedure, project text, draft integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	command text;
	answer text;
	code text;
BEGIN
	SELECT format('SELECT athar.%I(%s)', p.proname, string_agg(format('%I => %s', a.name, CASE a.name
			WHEN 'project' THEN quote_literal(project) WHEN 'draft' THEN draft::text WHEN 'document' THEN quote_literal('{"title": "w"}')
			WHEN 'goal' THEN quote_literal('access') WHEN 'action' THEN quote_literal('A1') WHEN 'action_id' THEN quote_literal('A1')
			WHEN 'unit' THEN quote_literal('access_owner') WHEN 'role' THEN quote_literal('informed') WHEN 'resolution' THEN quote_literal('ours')
			ELSE CASE format_type(a.type, NULL) WHEN 'text' THEN quote_literal('x') WHEN 'integer' THEN '1' WHEN 'jsonb' THEN quote_literal('{}') ELSE 'NULL' END END), ', '))
	INTO command
	FROM pg_proc AS p, unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[]) WITH ORDINALITY AS a (name, type, ordinal)
	WHERE p.oid = routine AND (a.name IN ('project', 'draft') OR a.ordinal <= p.pronargs - p.pronargdefaults)
	GROUP BY p.proname;
	BEGIN
		EXECUTE format('SET LOCAL ROLE %I', role);
		EXECUTE command;
		answer := 'done';
		RAISE EXCEPTION USING errcode = 'ZZ000';
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS code = RETURNED_SQLSTATE;
		IF code = 'ZZ000' THEN RETURN answer; END IF;
		RETURN code || replace(replace(' ' || SQLERRM, format('"%s"', project), 'it'), format('draft %s ', draft), 'it ');
	END;
END
$$;
CREATE TEMP TABLE guarded AS
SELECT DISTINCT p.oid::regprocedure AS routine
FROM pg_proc AS p, unnest(p.proargnames[:p.pronargs]) AS a (name)
WHERE p.pronamespace = 'athar'::regnamespace AND p.prosecdef AND a.name IN ('project', 'draft');
GRANT SELECT ON guarded TO PUBLIC;
SELECT cmp_ok((SELECT count(*)::integer FROM guarded), '>=', 3, 'there is something to guard');
SELECT is_empty(
	$$SELECT g.routine, t.hidden, t.missing
	FROM guarded AS g
	CROSS JOIN LATERAL (SELECT pg_temp.told('athar_stranger', g.routine, 'access', (SELECT min(d.id) FROM athar.plan_draft AS d WHERE d.project_id = athar.project_id('access'))),
		pg_temp.told('athar_stranger', g.routine, 'no such', -1)) AS t (hidden, missing)
	WHERE t.hidden <> t.missing OR t.hidden !~ '^42704'$$,
	'a function with its owner''s rights tells a stranger of a project or a draft what it tells of none');
-- what the informed may do: comment, and what administrators do for everybody
SELECT set_eq(
	$$SELECT g.routine::text
	FROM guarded AS g
	CROSS JOIN LATERAL (SELECT pg_temp.told('athar_informed', g.routine, 'access', (SELECT min(d.id) FROM athar.plan_draft AS d WHERE d.project_id = athar.project_id('access')))) AS t (answer)
	WHERE t.answer !~ '^AT005'$$,
	ARRAY['athar.measure_effects(text)', 'athar.record_review(text,text,text,text,integer,integer,text,text)'],
	'and who is only informed writes nothing');
SELECT is_empty(
	$$SELECT r.child FROM athar.reference AS r
	WHERE r.parent IN ('project', 'action', 'plan_draft', 'effect')
		AND NOT EXISTS (SELECT FROM pg_policies AS p WHERE p.schemaname = 'athar' AND p.tablename = r.child AND p.policyname = 'seen')$$,
	'every table that belongs to projects has its policy');
SELECT throws_ok(pg_temp.run_as('athar_stranger', $$SELECT athar.get_plan('access')$$), '42704', 'project "access" does not exist', 'a stranger reads no plan');

-- Nor is he told in passing that there is one.
CREATE FUNCTION pg_temp.error_of(role name, statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE statement;
	RAISE EXCEPTION USING errcode = 'ZZ000';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, detail, hint);
END
$$;
SELECT is(pg_temp.error_of('athar_stranger', $$SELECT athar.create_project('access', 'Mine', 'access_stranger', '{"title": "t"}', 'r')$$),
	'23505 | the code "access" is taken | Nothing was created: a code means one project of all there are, seen or not. | Choose another code.', 'a code that is taken, and no more');
SELECT alike(pg_temp.error_of('athar_informed', $$SELECT athar.create_project('access', 'Mine', 'access_informed', '{"title": "t"}', 'r')$$),
	'% | Save a new version of its plan with save_plan(), or choose another code.', 'who sees it is told what to do');
SELECT is(pg_temp.error_of('athar_stranger', $$SELECT athar.seen_projects('athar_informed')$$),
	'42501 | role "athar_stranger" may not ask what role "athar_informed" sees | Nothing was read. | Ask as a member of that role.', 'how many projects others see is not told');
SELECT results_eq($$SELECT athar.seen_projects('athar_informed')$$, $$SELECT athar.project_id('access')$$, 'but to who has all rights of theirs');
SELECT is_empty($$SELECT athar.seen_projects(NULL)$$, 'nobody sees nothing');
SELECT throws_ok($$SELECT athar.seen_projects('athar_no_such_role')$$, '42704', 'role "athar_no_such_role" does not exist', 'nor does who does not exist');
SELECT throws_ok(pg_temp.run_as('athar_stranger', $$SELECT athar.fail('XX000', 'seen') FROM athar.seen_projects()
	UNION ALL SELECT athar.fail('XX000', 'seen') FROM generate_series(-1, 200) AS i WHERE athar.sees_project(i) UNION ALL SELECT athar.fail('ZZ000', 'nothing')$$), 'ZZ000', NULL, 'to himself nothing');
SELECT athar.record_review('access', 'between us', goal => 'access') AS said \gset
SELECT is(pg_temp.error_of('athar_stranger', format('SELECT athar.record_review(NULL, %L, reply_to => %s, goal => %L)', 'so?', :said, 'access')),
	replace(pg_temp.error_of('athar_stranger', $$SELECT athar.record_review(NULL, 'so?', reply_to => -1, goal => 'access')$$), '-1', :'said'), 'what was said about it cannot be answered');
SELECT lives_ok(format($$SELECT athar.record_review(NULL, 'so!', reply_to => %s, goal => 'access')$$, :said), 'but by who sees it');

-- The owner loses nothing.
SELECT lives_ok(format('SELECT athar.grant_access(%1$L, %2$L), athar.revoke_access(%1$L, %2$L)', quote_ident(pg_get_userbyid(relowner)), 'administer'), 'a level for the owner')
FROM pg_class WHERE oid = 'athar.access_grant'::regclass;
SELECT is_empty(
	$$SELECT p.oid::regprocedure FROM pg_proc AS p WHERE p.pronamespace = 'athar'::regnamespace
		AND NOT EXISTS (SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee = p.proowner AND a.privilege_type = 'EXECUTE')$$,
	'leaves him his own rights');

-- Bad input.
SELECT throws_ok($$SELECT athar.grant_access('athar_reader', 'own')$$, '22023', 'level "own" is not known', 'an unknown level');
SELECT throws_ok($$SELECT athar.grant_access('athar_reader', NULL)$$, '22023', NULL, 'no level');
SELECT throws_ok($$SELECT athar.grant_access(NULL, 'read')$$, '22023', 'a role is required', 'no role');
SELECT throws_ok($$SELECT athar.grant_access('athar_reader', 'read', 'no such')$$, '42704', 'unit "no such" does not exist', 'an unknown unit');
SELECT throws_ok($$SELECT athar.grant_access('athar_reader', 'audit', 'ministry')$$, '22023', 'level "audit" cannot be limited to a unit', 'audit for a unit');

SELECT * FROM finish();
ROLLBACK;
