-- schema: what must hold for every object of the extension
BEGIN;
SELECT plan(24);
SET LOCAL search_path = public, pg_catalog;

-- Everything that DROP EXTENSION would drop by name, and where it lives.
CREATE TEMPORARY VIEW member AS
SELECT d.classid, d.objid, i.type, i.schema, coalesce(p.proname::text, i.name) AS name, i.identity
FROM pg_depend AS d
CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS i
LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
WHERE d.refclassid = 'pg_extension'::regclass
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'athar')
	AND d.deptype = 'e';
CREATE TEMPORARY VIEW routine AS
SELECT p.*, p.oid::regprocedure AS signature, l.lanname AS language
FROM member AS m
JOIN pg_proc AS p ON m.classid = 'pg_proc'::regclass AND p.oid = m.objid
JOIN pg_language AS l ON l.oid = p.prolang;
CREATE TEMPORARY VIEW relation AS
SELECT c.*, c.oid::regclass AS identity
FROM member AS m
JOIN pg_class AS c ON m.classid = 'pg_class'::regclass AND c.oid = m.objid;

-- It must see what it judges.
SELECT cmp_ok((SELECT count(*) FROM member), '>', 200::bigint, 'the extension has members');
SELECT cmp_ok((SELECT count(*) FROM routine), '>', 100::bigint, 'routines among them');
SELECT cmp_ok((SELECT count(*) FROM relation), '>', 30::bigint, 'and tables and views');

-- A stranger can read what everything is.
SELECT is_empty(
	$$SELECT m.type, m.identity FROM member AS m
	WHERE obj_description(m.objid, m.classid::regclass::name) IS NULL
		-- sequences of identity columns, what the server makes beside a range type
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = m.classid AND d.objid = m.objid AND d.deptype = 'i')
	ORDER BY 1, 2$$,
	'every object has a comment');
SELECT is_empty(
	$$SELECT r.identity, a.attname FROM relation AS r
	JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE r.relkind IN ('r', 'p', 'v', 'm') AND col_description(a.attrelid, a.attnum) IS NULL
	ORDER BY 1, 2$$,
	'every column of a table or view has a comment');
SELECT is_empty(
	$$SELECT m.type, m.identity FROM member AS m
	WHERE coalesce(obj_description(m.objid, m.classid::regclass::name), 'x') !~ '\S'$$,
	'and no comment is blank');

-- Names.
SELECT is_empty(
	$$SELECT m.type, m.identity FROM member AS m WHERE m.schema <> 'athar'$$,
	'everything lives in the schema athar: nothing in public, nothing in pg_catalog');
SELECT is_empty(
	$$SELECT m.type, m.identity FROM member AS m WHERE m.type !~ 'operator|cast' AND m.name !~ '^[a-z_][a-z0-9_]*$' AND m.name <> ''$$,
	'no name needs quotes');
SELECT is_empty(
	$$SELECT r.identity, a.attname FROM relation AS r
	JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE r.relkind IN ('r', 'p', 'v', 'm') AND quote_ident(a.attname) <> a.attname$$,
	'nor that of a column');
SELECT is_empty(
	$$SELECT r.signature, a.name FROM routine AS r, unnest(r.proargnames) AS a (name) WHERE a.name <> '' AND a.name !~ '^[a-z_][a-z0-9_]*$'$$,
	'nor that of a parameter');
SELECT is_empty(
	$$SELECT r.signature FROM routine AS r
	WHERE r.prokind = 'f' AND r.prorettype NOT IN ('trigger'::regtype, 'internal'::regtype)
		AND NOT 'internal'::regtype = ANY (r.proargtypes) AND NOT 'cstring'::regtype = ANY (r.proargtypes)
		AND r.pronargs > 1 AND r.proargnames IS NULL
		AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = r.oid AND d.deptype = 'i')
		AND NOT EXISTS (SELECT FROM pg_operator AS o WHERE o.oprcode = r.oid)
		AND NOT EXISTS (SELECT FROM pg_amproc AS a WHERE a.amproc = r.oid)$$,
	'functions for people name their parameters');

-- Functions.
SELECT is_empty(
	$$SELECT r.signature FROM routine AS r
	WHERE r.prosecdef AND NOT coalesce(r.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)$$,
	'what runs with its owner''s rights has a pinned search_path');
SELECT is_empty(
	$$SELECT r.signature FROM routine AS r
	WHERE r.language = 'plpgsql' AND NOT coalesce(r.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)$$,
	'so has plpgsql');
SELECT is_empty(
	$$SELECT r.signature FROM routine AS r WHERE r.language = 'sql' AND r.prosqlbody IS NULL$$,
	'SQL functions have parsed bodies');
SELECT is_empty(
	$$SELECT r.signature, r.language FROM routine AS r WHERE r.language NOT IN ('sql', 'plpgsql', 'c', 'internal')$$,
	'no other languages');
SELECT set_eq(
	$$SELECT DISTINCT r.proname::text FROM routine AS r WHERE r.language = 'plpgsql'$$,
	ARRAY['apply_access', 'apply_retention', 'drive_jobs', 'run_due'],
	'plpgsql is what needs it, and no more: adding to this list is a decision');
SELECT set_eq(
	$$SELECT DISTINCT r.proname::text FROM routine AS r WHERE r.prosecdef$$,
	ARRAY[
		'align', 'apply_access_grants', 'apply_retention', 'approve_plan', 'check_in', 'close_cycle', 'create_cycle', 'create_goal', 'create_project', 'define_channel',
		'define_kpi', 'define_kpi_bands', 'define_kpi_relation', 'define_offering', 'define_service', 'define_stage', 'define_unit', 'drop_draft', 'drop_retention',
		'goal_shares', 'grant_access', 'load_preset', 'may_see', 'measure_closed_effects', 'measure_due_effects', 'measure_effects', 'merge_draft',
		'name_version', 'named_marks', 'publish_goal', 'record_events', 'record_observation', 'record_reminders', 'record_review', 'refresh_measurements', 'reject_plan', 'remove_participant',
		'report_measurement', 'request_approval', 'reschedule', 'resolve_conflict', 'resolve_conflicts', 'revise_goal', 'revoke_access', 'roll_up_goals', 'run_due',
		'save_plan', 'schedule', 'seal_status', 'sees_project', 'set_action', 'set_cadence', 'set_participant', 'set_project_maturity', 'set_project_status', 'set_retention',
		'sync_effects', 'unalign', 'unschedule', 'write_observations'],
	'its owner''s rights has what needs them, and no more: adding to this list is a decision');

-- Rights.
SELECT is_empty(
	$$SELECT r.identity::text, a.privilege_type FROM relation AS r, aclexplode(r.relacl) AS a WHERE a.grantee = 0
	UNION ALL
	SELECT n.nspname, a.privilege_type FROM pg_namespace AS n, aclexplode(n.nspacl) AS a WHERE n.nspname = 'athar' AND a.grantee = 0$$,
	'PUBLIC holds nothing on the schema and its tables, views and sequences');
SELECT is_empty(
	$$SELECT r.signature FROM routine AS r
	WHERE has_function_privilege('public', r.oid, 'EXECUTE')
		AND NOT r.signature = ANY (ARRAY['athar.capture_change()', 'athar.queue_source()', 'athar.fail(text, text, text, text)', 'athar.missing(text, text, text)',
			'athar.may_see(integer, name)', 'athar.is_unlimited(name, text)', 'athar.seen_projects(name)', 'athar.sees_project(integer)',
			'athar.caller()', 'athar.smallest_cell()']::regprocedure[])
		AND NOT EXISTS (SELECT FROM pg_proc AS p WHERE p.oid = r.oid AND p.provolatile = 'i' AND NOT p.prosecdef)
		AND NOT EXISTS (SELECT FROM pg_operator AS o WHERE o.oprcode = r.oid)
		AND NOT EXISTS (SELECT FROM pg_amproc AS a WHERE a.amproc = r.oid)
		AND NOT EXISTS (SELECT FROM pg_cast AS c WHERE c.castfunc = r.oid)
		AND NOT EXISTS (SELECT FROM pg_type AS t WHERE r.oid IN (t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze))$$,
	'and of routines only what computes from its arguments, what stands behind types and operators, and those that tell next to nothing');
SELECT set_eq(
	$$SELECT r.relname::text FROM relation AS r
	WHERE r.relkind = 'v' AND NOT coalesce(r.reloptions @> ARRAY['security_invoker=true'], false)$$,
	ARRAY['service_scorecard', 'public_goals', 'public_measurements', 'public_series', 'recognitions'],
	'views have their reader''s rights, but for those for leaders and the public');

-- What a dump carries.
SELECT set_eq(
	$$SELECT r.relname::text FROM relation AS r
	WHERE r.relkind IN ('r', 'p', 'S')
		AND NOT EXISTS (SELECT FROM pg_extension AS e WHERE e.extname = 'athar' AND r.oid = ANY (e.extconfig))$$,
	ARRAY['reference'],
	'every table and sequence with data is dumped');
SELECT is_empty(
	$$SELECT c.conrelid::regclass, c.conname FROM pg_constraint AS c WHERE c.connamespace = 'athar'::regnamespace AND c.contype = 'f'$$,
	'no FOREIGN KEY, which a restore would trip over');
SELECT set_eq(
	$$SELECT r.relname || '.' || a.attname || ' ' || (regexp_match(col_description(a.attrelid, a.attnum), 'references ([a-z_]+)\(id\), checked by trigger'))[1]
	FROM relation AS r
	JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE r.relkind = 'r' AND col_description(a.attrelid, a.attnum) ~ 'references [a-z_]+\(id\), checked by trigger'$$,
	$$SELECT child || '.' || child_column || ' ' || parent FROM athar.reference$$,
	'every reference told in a comment is checked, and the other way round');
SELECT is_empty(
	$$SELECT r.identity, a.attname FROM relation AS r
	JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE r.relkind = 'r' AND a.attname ~ '_id$' AND a.atttypid = 'integer'::regtype
		AND NOT EXISTS (SELECT FROM athar.reference AS f WHERE f.child = r.relname AND f.child_column = a.attname)
		AND r.relname NOT IN ('tracked_column', 'tracking_check', 'log_transaction', 'log_entry', 'log_archive', 'dirty_bucket', 'dirty_source', 'source_bucket', 'unseen_figure')$$,
	'and every column named like one is one, but in the log and in the queue, which nobody but us writes');

SELECT * FROM finish();
ROLLBACK;
