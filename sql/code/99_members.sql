-- 99 members: nothing of this extension is for everybody; levels are given with grant_access()

REVOKE ALL ON ALL TABLES IN SCHEMA athar FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA athar FROM PUBLIC;
REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA athar FROM PUBLIC;

-- Whoever adds a partition to a tracked table copies its trigger, and must be
-- able to execute the function; on any other table it refuses to work.
GRANT EXECUTE ON FUNCTION athar.capture_change() TO PUBLIC;

-- Types stay usable by everybody (a column, a parameter of one of them reveals
-- nothing), and with them what their values need to be read, written, compared
-- and indexed: functions behind types, operators, casts and operator classes.
-- plpgsql, because those are found in the catalog.
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN
		SELECT f.oid::regprocedure AS routine
		FROM (
			SELECT unnest(ARRAY[typinput, typoutput, typreceive, typsend, typmodin, typmodout, typanalyze]::oid[]) AS oid
			FROM pg_catalog.pg_type WHERE typnamespace = 'athar'::regnamespace
			UNION
			SELECT oprcode FROM pg_catalog.pg_operator WHERE oprnamespace = 'athar'::regnamespace
			UNION
			SELECT a.amproc FROM pg_catalog.pg_amproc a JOIN pg_catalog.pg_opfamily o ON o.oid = a.amprocfamily
			WHERE o.opfnamespace = 'athar'::regnamespace
			UNION
			SELECT c.castfunc FROM pg_catalog.pg_cast c
		) AS f
		JOIN pg_catalog.pg_proc p ON p.oid = f.oid AND p.pronamespace = 'athar'::regnamespace
	LOOP
		EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO PUBLIC', r.routine);
	END LOOP;
END
$$;
