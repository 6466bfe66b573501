-- 97 access: levels, and what each may do

-- The one place that says what each level may do. A routine that writes, or
-- that runs with its owner's rights, must be named here (a test fails on one
-- that is not); what reads with the caller's own rights is open to every
-- reader, and so is every table and view not named here. What only computes is
-- for everybody, because views call it as whoever reads them. "none" is
-- internal: what calls it runs as the owner.
CREATE OR REPLACE VIEW athar.access_rules WITH (security_invoker = true) AS
WITH rule (level, kind, privilege, names) AS (
	VALUES
		-- Who adds a partition to a tracked table, or to a source, copies its trigger,
		-- and must be able to execute the function; elsewhere it does no work.
		('public', 'routine', 'EXECUTE', 'capture_change|queue_source'),
		('read', 'schema', 'USAGE', 'athar'),
		('audit', 'schema', 'USAGE', 'athar'),
		('contribute', 'table', 'INSERT', 'observations'),
		('administer', 'table', 'SELECT', 'access_grants?|retention_rules?|tracked_table'),
		('audit', 'table', 'SELECT', 'change_log|archived_changes|log_.*|tracked_.*|tracking_.*|retention_rules?|mark|seal_.*'),
		-- what views and readers call with the rights of whoever reads, and what tells nobody anything
		('public', 'routine', 'EXECUTE', 'fail|missing|caller|is_unlimited|may_see|seen_projects|sees_project|smallest_cell'),
		-- show of the log what the reader may see in the table itself
		('read', 'routine', 'EXECUTE', 'row_history|field_history|as_of|as_of_mark|named_marks'),
		-- sums over plans that its reader may not see
		('read', 'routine', 'EXECUTE', 'goal_shares'),
		('audit', 'routine', 'EXECUTE', 'table_ids|row_history|field_history|as_of|as_of_mark|named_marks'),
		-- tell of the whole log, or hash all of it
		('audit', 'routine', 'EXECUTE', 'log_leaf|leaf_index|export_leaves|export_tile|tree_root|inclusion_proof|consistency_proof|verify_log|expired_entries'),
		('audit', 'routine', 'EXECUTE', 'checkpoint|seal_status'),
		('administer', 'routine', 'EXECUTE', 'checkpoint|seal_status'),
		('contribute', 'routine', 'EXECUTE', 'set_context'),
		('contribute', 'routine', 'EXECUTE', 'patch_plan|set_action|revert_plan|resolve_conflicts?|merge_draft|drop_draft'),
		('contribute', 'routine', 'EXECUTE', 'record_observation|report_measurement'),
		('contribute', 'routine', 'EXECUTE', 'create_project|save_plan|name_version|record_review|check_in|align|unalign'),
		('contribute', 'routine', 'EXECUTE', 'set_participant|remove_participant|request_approval|approve_plan|reject_plan'),
		-- writes what its caller may write himself
		('contribute', 'routine', 'EXECUTE', 'undo_transaction'),
		('manage', 'routine', 'EXECUTE', 'define_.*|load_preset|create_cycle|set_cadence|close_cycle|create_goal|revise_goal|publish_goal'),
		('contribute', 'routine', 'EXECUTE', 'set_project_status'),
		('manage', 'routine', 'EXECUTE', 'set_project_maturity'),
		('administer', 'routine', 'EXECUTE', 'archive_log|expire_log|set_retention|drop_retention|apply_retention'),
		('administer', 'routine', 'EXECUTE', 'track|untrack|create_mark|accept_state'),
		('administer', 'routine', 'EXECUTE', 'tracking_status|check_tracking'),
		('audit', 'routine', 'EXECUTE', 'tracking_status|check_tracking'),
		('administer', 'routine', 'EXECUTE', 'attach_source|detach_source'),
		('administer', 'routine', 'EXECUTE', 'refresh_measurements|roll_up_goals|record_events|record_reminders|measure_effects|measure_due_effects'),
		('administer', 'routine', 'EXECUTE', 'seal|run_due|schedule|reschedule|unschedule'),
		('administer', 'routine', 'EXECUTE', 'grant_access|revoke_access|apply_access_grants'),
		('none', 'routine', 'EXECUTE', 'check_definition|check_cycle|check_cycle_manager|check_cadence|check_goal|check_goal_writer|check_baseline|check_kpi|check_measurement|refresh_observations|find_events|take_unseen'),
		('none', 'routine', 'EXECUTE', 'begin_plan|lock_draft|keep_draft|settle_draft|check_open_draft|sync_effects|follow_actions|store_measurements|store_checks|measure_closed_effects'),
		('none', 'routine', 'EXECUTE', 'retain_log|check_retention_setter|set_jobs|drive_jobs|apply_access|check_access|check_acting|holds_level|held_units|projects_of|takes_part|writable_project|managed_project|lock_participants|signing_unit|sign_plan|run_grant')
), support (oid) AS (
	-- Types are usable by everybody (a column, a parameter of one reveals
	-- nothing), and with them what reads, writes, compares and indexes values.
	SELECT unnest(ARRAY[t.typinput, t.typoutput, t.typreceive, t.typsend, t.typmodin, t.typmodout, t.typanalyze]::oid[])
	FROM pg_type AS t
	WHERE t.typnamespace = 'athar'::regnamespace
	UNION
	SELECT o.oprcode::oid
	FROM pg_operator AS o
	WHERE o.oprnamespace = 'athar'::regnamespace
	UNION
	SELECT a.amproc::oid
	FROM pg_amproc AS a
	JOIN pg_opfamily AS f ON f.oid = a.amprocfamily
	WHERE f.opfnamespace = 'athar'::regnamespace
	UNION
	SELECT c.castfunc
	FROM pg_cast AS c
), object (kind, name, identity, level, privilege) AS (
	SELECT 'schema', n.nspname, i.identity, NULL, 'USAGE'
	FROM pg_depend AS d
	JOIN pg_namespace AS n ON d.classid = 'pg_namespace'::regclass AND n.oid = d.objid
	CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS i
	WHERE d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = (SELECT e.oid FROM pg_extension AS e WHERE e.extname = 'athar')
		AND d.deptype = 'e'
	UNION ALL
	SELECT 'table', c.relname, i.identity, 'read', 'SELECT'
	FROM pg_depend AS d
	JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
	CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS i
	WHERE d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = (SELECT e.oid FROM pg_extension AS e WHERE e.extname = 'athar')
		AND d.deptype = 'e'
		AND c.relkind IN ('r', 'p', 'v', 'm')
	UNION ALL
	SELECT 'routine', p.proname, i.identity,
		CASE WHEN p.prorettype IN ('trigger'::regtype, 'event_trigger'::regtype) THEN 'none'
			-- made with a range type: pg_dump does not carry grants on those
			WHEN EXISTS (SELECT FROM pg_depend AS t WHERE t.classid = d.classid AND t.objid = d.objid AND t.deptype = 'i') THEN 'none'
			WHEN p.oid IN (SELECT s.oid FROM support AS s) THEN 'public'
			-- what only computes from its arguments
			WHEN p.provolatile = 'i' AND NOT p.prosecdef THEN 'public'
			WHEN p.provolatile <> 'v' AND NOT p.prosecdef THEN 'read' END,
		'EXECUTE'
	FROM pg_depend AS d
	JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
	CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) AS i
	WHERE d.refclassid = 'pg_extension'::regclass
		AND d.refobjid = (SELECT e.oid FROM pg_extension AS e WHERE e.extname = 'athar')
		AND d.deptype = 'e'
)
SELECT r.level, o.kind, o.identity AS object, r.privilege
FROM object AS o
JOIN rule AS r ON r.kind = o.kind AND o.name ~ ('^(' || r.names || ')$')
UNION ALL
SELECT l.level, o.kind, o.identity, o.privilege
FROM object AS o
-- an auditor's views compute, too
CROSS JOIN LATERAL unnest(CASE WHEN o.kind = 'routine' AND o.level = 'read' THEN ARRAY['read', 'audit'] ELSE ARRAY[o.level] END) AS l (level)
WHERE NOT EXISTS (
	SELECT
	FROM rule AS r
	WHERE r.kind = o.kind
		AND r.privilege = o.privilege
		AND o.name ~ ('^(' || r.names || ')$'));
COMMENT ON VIEW athar.access_rules IS
'What each access level may do, one row per privilege; a level includes those before it (read, contribute, manage, administer), audit stands apart';
COMMENT ON COLUMN athar.access_rules.level IS 'The lowest level that gives it; public where everybody has it; none for internal functions, which nobody calls directly; NULL where the rule is missing, and nobody has it';
COMMENT ON COLUMN athar.access_rules.kind IS 'schema, table (or view) or routine';
COMMENT ON COLUMN athar.access_rules.object IS 'The object, as GRANT names it';
COMMENT ON COLUMN athar.access_rules.privilege IS 'USAGE, SELECT, INSERT or EXECUTE';

CREATE OR REPLACE VIEW athar.access_grants WITH (security_invoker = true) AS
SELECT
	g.role_name,
	g.level,
	u.code::text AS unit,
	u.name AS unit_name,
	u.name_ar AS unit_name_ar,
	EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = g.role_name) AS does_role_exist
FROM athar.access_grant AS g
LEFT JOIN athar.unit AS u ON u.id = g.unit_id
ORDER BY g.role_name, g.level, u.code;
COMMENT ON VIEW athar.access_grants IS 'Who was given which level with grant_access()';
COMMENT ON COLUMN athar.access_grants.role_name IS 'The database role, by name';
COMMENT ON COLUMN athar.access_grants.level IS 'read, contribute, manage, administer or audit';
COMMENT ON COLUMN athar.access_grants.unit IS 'Code of the unit it is limited to; NULL for all';
COMMENT ON COLUMN athar.access_grants.unit_name IS 'Name of the unit';
COMMENT ON COLUMN athar.access_grants.unit_name_ar IS 'Name of the unit in Arabic';
COMMENT ON COLUMN athar.access_grants.does_role_exist IS 'False where this cluster has no such role: after a restore elsewhere, or after DROP ROLE';

CREATE OR REPLACE FUNCTION athar.check_access(role regrole, level text, unit text)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	-- Two GRANTs on one object at once would fail.
	SELECT pg_advisory_xact_lock('pg_class'::regclass::oid::integer, 'athar.access_grant'::regclass::oid::integer);
	SELECT athar.fail('22023', 'a role is required', 'Nothing was changed.', 'Name the role that is to have the level.')
	WHERE check_access.role IS NULL;
	SELECT athar.fail('22023',
			format('level "%s" is not known', check_access.level),
			'Nothing was changed.',
			'Levels are read, contribute, manage, administer and audit.')
	WHERE coalesce(check_access.level NOT IN ('read', 'contribute', 'manage', 'administer', 'audit'), true);
	SELECT athar.fail('22023',
			'level "audit" cannot be limited to a unit',
			'The change log is one, and its entries belong to no unit.',
			'Leave the unit out.')
	WHERE check_access.level = 'audit' AND check_access.unit IS NOT NULL;
	SELECT athar.fail('42704',
			format('role "%s" does not exist', check_access.role),
			'Nothing was changed.',
			'Create it first with CREATE ROLE; a level cannot be given to everybody (PUBLIC).')
	WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.oid = check_access.role);
	SELECT athar.fail('42501',
			format('role "%s" may not give or take level "%s"%s', c.name, check_access.level,
				coalesce(' for unit "' || check_access.unit || '"', '')),
			'A level is given and taken by those of level administer, as far as they hold it themselves: audit by auditors, a unit''s by those not limited to another.',
			'Ask a role that holds it, or the owner of the extension.')
	FROM (SELECT athar.caller() AS name) AS c
	WHERE NOT (athar.holds_level(c.name, 'administer', athar.unit_id(check_access.unit))
		AND athar.holds_level(c.name, check_access.level, athar.unit_id(check_access.unit)));
END;
COMMENT ON FUNCTION athar.check_access(regrole, text, text) IS
'Refuses what grant_access() and revoke_access() refuse; from then on other sessions wait until the transaction ends.';

CREATE OR REPLACE FUNCTION athar.run_grant(command text)
RETURNS void
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_run_grant';
COMMENT ON FUNCTION athar.run_grant(text) IS
'Runs a GRANT or REVOKE, with the caller''s rights, so that pg_dump dumps what it gives even where an extension script runs it.';

-- plpgsql, because GRANT and REVOKE take names, not values: they come from
-- access_rules as the catalog itself spells them, the role through %I.
CREATE OR REPLACE FUNCTION athar.apply_access(role_name text, levels text[], taken text[] DEFAULT '{}')
RETURNS boolean
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	owner_name name := (SELECT pg_get_userbyid(c.relowner) FROM pg_class AS c WHERE c.oid = 'athar.access_grant'::regclass);
	step record;
BEGIN
	IF NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = apply_access.role_name) THEN
		RAISE NOTICE 'role "%" does not exist, its levels were not applied', role_name
			USING HINT = 'Create it and call athar.apply_access_grants(), or call athar.apply_access_grants(forget_missing => true).';
		RETURN false;
	END IF;
	-- The owner holds everything; REVOKE would take away what our own functions run on.
	IF role_name = owner_name THEN
		RETURN true;
	END IF;
	FOR step IN
		SELECT a.kind, a.privilege, a.is_held, string_agg(a.object, ', ') AS objects
		FROM (
			SELECT r.kind, r.privilege, r.object,
				bool_or(EXISTS (SELECT FROM unnest(levels) AS l (level) WHERE athar.includes_level(l.level, r.level))) AS is_held,
				bool_or(EXISTS (SELECT FROM unnest(taken) AS l (level) WHERE athar.includes_level(l.level, r.level))) AS is_taken
			FROM athar.access_rules AS r
			WHERE r.level NOT IN ('public', 'none')
			GROUP BY r.kind, r.privilege, r.object) AS a
		WHERE a.is_held OR a.is_taken
		GROUP BY a.kind, a.privilege, a.is_held
	LOOP
		PERFORM athar.run_grant(format(CASE WHEN step.is_held THEN 'GRANT %s ON %s %s TO %I' ELSE 'REVOKE %s ON %s %s FROM %I' END,
			step.privilege, step.kind, step.objects, role_name));
	END LOOP;
	RETURN true;
END;
$$;
COMMENT ON FUNCTION athar.apply_access(text, text[], text[]) IS
'Gives a role what the levels it holds give, and takes from it what only the levels taken gave. False, with a notice, where the role does not exist.';

CREATE OR REPLACE FUNCTION athar.grant_access(role regrole, level text, unit text DEFAULT NULL)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_access(grant_access.role, grant_access.level, grant_access.unit);
	SELECT athar.apply_access(r.rolname, ARRAY[grant_access.level])
	FROM pg_roles AS r
	WHERE r.oid = grant_access.role;
	WITH new AS (
		INSERT INTO athar.access_grant (role_name, level, unit_id)
		SELECT r.rolname, grant_access.level, athar.unit_id(grant_access.unit)
		FROM pg_roles AS r
		WHERE r.oid = grant_access.role
		ON CONFLICT DO NOTHING
		RETURNING id
	)
	SELECT EXISTS (SELECT FROM new);
END;
COMMENT ON FUNCTION athar.grant_access(regrole, text, text) IS
'Gives a role a level: read (views, readers, statistics), contribute (also observations, measurements, plans, check-ins), manage (also units, services, KPIs, cycles, goals), administer (also tracking, jobs and levels), or audit, which stands apart (the whole change log). Stored, and applied as GRANTs of what access_rules lists; returns whether it is new. The unit limits which projects the role sees (those in which the unit takes part, or one below it) and writes, whose goals it writes, for whom it signs, what the owner''s-rights views show (may_see), and for whom an administrator may give levels. With its owner''s rights, because only an owner grants; it refuses (42501) to give what the caller does not hold. 22023 unknown level, or audit with a unit; 42704 unknown role or unit.';

CREATE OR REPLACE FUNCTION athar.revoke_access(role regrole, level text, unit text DEFAULT NULL)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_access(revoke_access.role, revoke_access.level, revoke_access.unit);
	SELECT athar.apply_access(r.rolname,
		ARRAY(SELECT g.level
			FROM athar.access_grant AS g
			WHERE g.role_name = r.rolname
				AND (g.level, g.unit_id) IS DISTINCT FROM (revoke_access.level, athar.unit_id(revoke_access.unit))),
		ARRAY[revoke_access.level])
	FROM pg_roles AS r
	WHERE r.oid = revoke_access.role;
	WITH old AS (
		DELETE FROM athar.access_grant AS g
		USING pg_roles AS r
		WHERE r.oid = revoke_access.role
			AND g.role_name = r.rolname
			AND g.level = revoke_access.level
			AND g.unit_id IS NOT DISTINCT FROM athar.unit_id(revoke_access.unit)
		RETURNING g.id
	)
	SELECT EXISTS (SELECT FROM old);
END;
COMMENT ON FUNCTION athar.revoke_access(regrole, text, text) IS
'Takes back what grant_access() gave with the same level and unit, as far as no other level of the role gives it; returns whether there was such a grant. What the role has through another role stays. Errors as those of grant_access().';

CREATE OR REPLACE FUNCTION athar.apply_access_grants(forget_missing boolean DEFAULT false)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT pg_advisory_xact_lock('pg_class'::regclass::oid::integer, 'athar.access_grant'::regclass::oid::integer);
	DELETE FROM athar.access_grant AS g
	WHERE forget_missing
		AND NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = g.role_name);
	SELECT count(*) FILTER (WHERE athar.apply_access(a.role_name, a.levels))::integer
	FROM (
		SELECT g.role_name, array_agg(DISTINCT g.level ORDER BY g.level) AS levels
		FROM athar.access_grant AS g
		GROUP BY g.role_name
		ORDER BY g.role_name) AS a;
END;
COMMENT ON FUNCTION athar.apply_access_grants(boolean) IS
'Gives every role again what its stored levels give, also of objects that are new; returns the number of roles. For the end of an upgrade, and for a restore into another cluster. Roles that do not exist are skipped with a notice, or, with forget_missing, their grants are deleted, so that a later role of the same name inherits nothing. With its owner''s rights, because only an owner grants.';
