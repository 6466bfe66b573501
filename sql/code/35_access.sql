-- 35 access: who may see what

CREATE OR REPLACE FUNCTION athar.access_rank(level text)
RETURNS integer
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN array_position('{read,contribute,manage,administer}'::text[], level);
COMMENT ON FUNCTION athar.access_rank(text) IS
'Place of a level among those that include the ones before: read 1, contribute 2, manage 3, administer 4; NULL for audit, which stands apart, and for anything else.';

CREATE OR REPLACE FUNCTION athar.includes_level(held text, wanted text)
RETURNS boolean
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN held = wanted OR coalesce(athar.access_rank(held) >= athar.access_rank(wanted), false);
COMMENT ON FUNCTION athar.includes_level(text, text) IS
'Whether a level held gives what the level wanted gives.';

CREATE OR REPLACE FUNCTION athar.holds_level(role name, level text, unit_id integer)
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH RECURSIVE above (id) AS (
		SELECT holds_level.unit_id
		UNION
		SELECT u.parent_id
		FROM above
		JOIN athar.unit AS u ON u.id = above.id
	)
	SELECT coalesce(
		pg_has_role(holds_level.role, (SELECT c.relowner FROM pg_class AS c WHERE c.oid = 'athar.access_grant'::regclass), 'USAGE')
		OR EXISTS (
			SELECT
			FROM athar.access_grant AS g
			JOIN pg_roles AS r ON r.rolname = g.role_name
			WHERE (holds_level.level IS NULL OR athar.includes_level(g.level, holds_level.level))
				AND (g.unit_id IS NULL OR g.unit_id IN (SELECT a.id FROM above AS a))
				AND pg_has_role(holds_level.role, r.oid, 'USAGE')),
		false);
END;
COMMENT ON FUNCTION athar.holds_level(name, text, integer) IS
'Whether a role holds a level (NULL: any) for a unit (NULL: for all), itself or through a role whose privileges it inherits. The owner of the extension and superusers hold every level. 42704 where the role does not exist.';

CREATE OR REPLACE FUNCTION athar.may_see(unit_id integer, role name DEFAULT current_user)
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
RETURN athar.holds_level(may_see.role, NULL, may_see.unit_id)
	OR NOT EXISTS (
		SELECT
		FROM athar.access_grant AS g
		JOIN pg_roles AS r ON r.rolname = g.role_name
		WHERE pg_has_role(may_see.role, r.oid, 'USAGE'));
COMMENT ON FUNCTION athar.may_see(integer, name) IS
'Whether a role may see what belongs to a unit: true where some level was given to it, or to a role whose privileges it inherits, for all units, for this one or for one above it; true for the owner of the extension, for superusers, and for a role without any level, whose own GRANTs alone decide. What belongs to no unit (NULL) is for those without a limit. With its owner''s rights, because access_grant is not open to readers. 42704 where the role does not exist.';

CREATE OR REPLACE FUNCTION athar.caller()
RETURNS name
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN coalesce(nullif(current_setting('role'), 'none'), session_user)::name;
COMMENT ON FUNCTION athar.caller() IS
'Who calls: the role in force outside every function with its owner''s rights, so that a function of somebody''s own lends nobody a level.';

CREATE OR REPLACE FUNCTION athar.held_units(role name, level text)
RETURNS SETOF integer
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	WITH RECURSIVE held (id) AS (
		SELECT g.unit_id
		FROM athar.access_grant AS g
		JOIN pg_roles AS r ON r.rolname = g.role_name
		WHERE g.unit_id IS NOT NULL
			AND (held_units.level IS NULL OR athar.includes_level(g.level, held_units.level))
			AND pg_has_role(held_units.role, r.oid, 'USAGE')
		UNION
		SELECT u.id
		FROM held
		JOIN athar.unit AS u ON u.parent_id = held.id
	)
	SELECT h.id FROM held AS h;
END;
COMMENT ON FUNCTION athar.held_units(name, text) IS
'The units for which a role was given a level (NULL: any) by name, itself or through a role whose privileges it inherits, and the units below them. A level without a unit names none; a superuser is a member of every role. 42704 where the role does not exist.';

CREATE OR REPLACE FUNCTION athar.is_unlimited(role name DEFAULT current_user, level text DEFAULT NULL)
RETURNS boolean
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_is_unlimited';
COMMENT ON FUNCTION athar.is_unlimited(name, text) IS
'Whether no unit limits what a role does with a level (NULL: with any): true for a level without a unit, given to it or to a role whose privileges it inherits, for the owner of the extension, for superusers, and for a role without any level, whose own GRANTs alone decide. Row security asks it, once a query; access_grant is not open to readers, it is read for them. false for a role that is NULL, 42704 for one that does not exist.';
