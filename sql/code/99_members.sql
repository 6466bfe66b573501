-- 99 members: for everybody is what access_rules calls public, and no more

-- PostgreSQL gives EXECUTE on every new routine to everybody. Only what differs
-- is changed: a GRANT or REVOKE inside a script records all privileges of its
-- object as the extension's own, and pg_dump would then leave out what roles
-- were given. plpgsql, because the statements are made from the rules.
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN
		SELECT a.is_public, string_agg(a.object, ', ') AS objects
		FROM (
			SELECT p.oid::regprocedure::text AS object,
				bool_or(u.level IS NOT DISTINCT FROM 'public') AS is_public,
				EXISTS (
					SELECT
					FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) AS e
					WHERE e.grantee = 0) AS is_held
			FROM pg_proc AS p
			LEFT JOIN athar.access_rules AS u ON u.kind = 'routine' AND u.object::regprocedure = p.oid
			WHERE p.pronamespace = 'athar'::regnamespace
			GROUP BY p.oid) AS a
		WHERE a.is_public <> a.is_held
		GROUP BY a.is_public
	LOOP
		EXECUTE format(CASE WHEN r.is_public THEN 'GRANT EXECUTE ON ROUTINE %s TO PUBLIC' ELSE 'REVOKE ALL ON ROUTINE %s FROM PUBLIC' END, r.objects);
	END LOOP;
END
$$;

-- Row security: a role that is limited to units sees the projects in which one
-- of them takes part, and what belongs to these. Which tables that is follows
-- from the references; a project that every row names says all. Who is not
-- limited costs one look-up for each table a query reads; the keys of the
-- projects that others see are gathered once for each. pg_dump leaves the
-- policies of an extension's tables to this script.
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN
		SELECT 'project' AS relation, 'id IN (SELECT athar.seen_projects(current_user))' AS condition
		UNION ALL
		SELECT f.child, string_agg(
			CASE WHEN a.attnotnull THEN '' ELSE format('%I IS NULL OR ', f.child_column) END
			|| CASE f.parent WHEN 'project' THEN format('%I IN (SELECT athar.seen_projects(current_user))', f.child_column)
				ELSE format('EXISTS (SELECT FROM athar.%I AS parent WHERE parent.id = %I.%I)', f.parent, f.child, f.child_column) END,
			') AND (' ORDER BY f.child_column)
		FROM athar.reference AS f
		JOIN pg_attribute AS a ON a.attrelid = format('athar.%I', f.child)::regclass AND a.attname = f.child_column
		WHERE f.parent IN ('project', 'action', 'plan_draft', 'effect')
			AND (f.parent = 'project' AND a.attnotnull OR NOT EXISTS (
				SELECT
				FROM athar.reference AS o
				JOIN pg_attribute AS b ON b.attrelid = format('athar.%I', o.child)::regclass AND b.attname = o.child_column
				WHERE o.child = f.child AND o.parent = 'project' AND b.attnotnull))
		GROUP BY f.child
	LOOP
		-- there in an upgrade
		IF EXISTS (SELECT FROM pg_policy AS p WHERE p.polname = 'seen' AND p.polrelid = format('athar.%I', r.relation)::regclass) THEN
			EXECUTE format('DROP POLICY seen ON athar.%I', r.relation);
		END IF;
		EXECUTE format('ALTER TABLE athar.%I ENABLE ROW LEVEL SECURITY', r.relation);
		EXECUTE format('CREATE POLICY seen ON athar.%I USING ((SELECT athar.is_unlimited(current_user)) OR ((%s)))', r.relation, r.condition);
		EXECUTE format('COMMENT ON POLICY seen ON athar.%I IS %L', r.relation,
			'A role limited to units sees what belongs to the projects in which one of them takes part');
	END LOOP;
END
$$;
