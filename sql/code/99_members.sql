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
