-- 50 access: who takes part in a project, and what that lets him see and write

CREATE OR REPLACE VIEW athar.participation WITH (security_invoker = true) AS
SELECT p.project_id, p.action_id, p.unit_id, p.role, 'participant'::text AS origin, p.joined_at
FROM athar.participant AS p
-- not EXISTS, for which every action there is would be read
WHERE p.action_id IS NULL OR (SELECT a.removed_in_version IS NULL FROM athar.action AS a WHERE a.id = p.action_id)
UNION ALL
SELECT a.project_id, a.id, a.owner_id,
	CASE WHEN EXISTS (SELECT FROM athar.participant AS p WHERE p.action_id = a.id AND p.role = 'accountable') THEN 'responsible' ELSE 'accountable' END,
	'owner', NULL
FROM athar.action AS a
WHERE a.owner_id IS NOT NULL
	AND a.removed_in_version IS NULL
	AND NOT EXISTS (SELECT FROM athar.participant AS p WHERE p.action_id = a.id AND p.unit_id = a.owner_id AND p.role = 'accountable')
UNION ALL
SELECT a.project_id, a.id, j.unit_id, 'accountable', 'project', NULL
FROM athar.action AS a
JOIN athar.project AS j ON j.id = a.project_id
WHERE a.owner_id IS NULL
	AND a.removed_in_version IS NULL
	AND NOT EXISTS (SELECT FROM athar.participant AS p WHERE p.action_id = a.id AND p.role = 'accountable');
COMMENT ON VIEW athar.participation IS 'Who takes part in which project and in which action of today''s plan, by keys; what the view participants shows by codes. Each project and each action has exactly one accountable unit: that of an action is the one set, or else its owner, or else that of the project';
COMMENT ON COLUMN athar.participation.project_id IS 'The project';
COMMENT ON COLUMN athar.participation.action_id IS 'The action; NULL for the project as a whole';
COMMENT ON COLUMN athar.participation.unit_id IS 'The unit';
COMMENT ON COLUMN athar.participation.role IS 'accountable, responsible, consulted or informed';
COMMENT ON COLUMN athar.participation.origin IS 'participant: set with set_participant() or create_project(); owner: the plan names it as the action''s owner; project: the action has neither';
COMMENT ON COLUMN athar.participation.joined_at IS 'Since when it was set so; NULL where the plan says it';

CREATE OR REPLACE FUNCTION athar.projects_of(role name)
RETURNS SETOF integer
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	-- by indexes on the unit: the array is made once; and where all projects are
	-- of units that are held, nobody asks who else takes part
	WITH held (ids) AS MATERIALIZED (
		SELECT ARRAY(SELECT h.id FROM athar.held_units(projects_of.role, NULL) AS h (id))
	), own AS MATERIALIZED (
		SELECT j.id
		FROM athar.project AS j
		WHERE j.unit_id = ANY ((SELECT h.ids FROM held AS h)::integer[])
	), other AS MATERIALIZED (
		SELECT (SELECT count(*) FROM athar.project) > (SELECT count(*) FROM own) AS is_any
	)
	SELECT o.id
	FROM own AS o
	UNION
	SELECT p.project_id
	FROM athar.participant AS p
	WHERE (SELECT t.is_any FROM other AS t)
		AND p.unit_id = ANY ((SELECT h.ids FROM held AS h)::integer[])
		AND (p.action_id IS NULL OR (SELECT a.removed_in_version IS NULL FROM athar.action AS a WHERE a.id = p.action_id))
	UNION
	SELECT a.project_id
	FROM athar.action AS a
	WHERE (SELECT t.is_any FROM other AS t)
		AND a.owner_id = ANY ((SELECT h.ids FROM held AS h)::integer[]) AND a.removed_in_version IS NULL;
END;
COMMENT ON FUNCTION athar.projects_of(name) IS
'The keys of the projects in which a unit takes part for which the role was given a level, or a unit below it; what seen_projects() answers.';

CREATE OR REPLACE FUNCTION athar.seen_projects(role name DEFAULT current_user)
RETURNS SETOF integer
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_seen_projects';
COMMENT ON FUNCTION athar.seen_projects(name) IS
'The keys of the projects in which a unit takes part for which the role was given a level, or a unit below it. For a role that is limited to units: others see every project. The row security of plans asks it, once a query; who takes part is itself behind row security, so it is read for the role. No row for NULL. 42704 for a role that does not exist, 42501 for one whose privileges the current user has not: how many projects others have is not told.';

-- A function of its own, for a statement is planned whether it is needed or not:
-- whom no unit limits pays nothing for it.
CREATE OR REPLACE FUNCTION athar.takes_part(project_id integer, role name, level text, roles text[])
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN EXISTS (
	SELECT
	FROM athar.participation AS p
	WHERE p.project_id = takes_part.project_id
		AND (takes_part.roles IS NULL OR p.role = ANY (takes_part.roles))
		AND p.unit_id IN (SELECT h.id FROM athar.held_units(takes_part.role, takes_part.level) AS h (id)));
COMMENT ON FUNCTION athar.takes_part(integer, name, text, text[]) IS
'Whether a unit takes part in a project, with one of these roles (NULL: any), for which a database role was given a level (NULL: any), or a unit below that. 42704 where the role does not exist.';

CREATE OR REPLACE FUNCTION athar.sees_project(project_id integer)
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
RETURN athar.is_unlimited(athar.caller(), NULL) OR athar.takes_part(sees_project.project_id, athar.caller(), NULL, NULL);
COMMENT ON FUNCTION athar.sees_project(integer) IS
'Whether the caller sees a project and its plan: true where he may see what belongs to any unit, or a unit takes part for which he was given a level, or a unit below that. Of nobody else it can be asked. With its owner''s rights, because who takes part is itself behind row security.';

-- The one place where a project's code becomes its key, in functions with
-- their caller's rights and with their owner's: what may not be seen does not
-- exist. Where row security does not hold, for a function with its owner's
-- rights is the owner, who called decides.
CREATE OR REPLACE FUNCTION athar.project_id(code text)
RETURNS integer
LANGUAGE SQL STABLE STRICT PARALLEL SAFE
RETURN coalesce(
	(SELECT j.id
	FROM athar.project AS j
	WHERE j.code = project_id.code
		AND (row_security_active('athar.project'::regclass) OR athar.sees_project(j.id))),
	athar.missing('project', project_id.code, 'create_project()'));
COMMENT ON FUNCTION athar.project_id(text) IS
'The internal key of the project with this code; NULL for NULL, 42704 if there is none, or none that the caller may see.';

CREATE OR REPLACE FUNCTION athar.writable_project(code text)
RETURNS integer
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	-- in a statement of its own: what may not be seen does not exist
	SELECT athar.project_id(writable_project.code);
	SELECT athar.fail('AT005',
			format('role "%s" may not write the plan of project %s', athar.caller(), athar.quoted(writable_project.code)),
			'Nothing was changed. The units it acts for with level contribute are not among those that write: the accountable and the responsible ones, and the owners of actions.',
			format('Ask unit "%s", which is accountable, for a part: athar.set_participant(). Who is consulted or informed reads and comments.', u.code))
	FROM athar.project AS j
	JOIN athar.unit AS u ON u.id = j.unit_id
	WHERE j.code = writable_project.code
		AND NOT (athar.is_unlimited(athar.caller(), 'contribute')
			OR athar.takes_part(j.id, athar.caller(), 'contribute', '{accountable,responsible}'));
	SELECT j.id
	FROM athar.project AS j
	WHERE j.code = writable_project.code;
END;
COMMENT ON FUNCTION athar.writable_project(text) IS
'The internal key of a project whose plan the caller may write: every function with its owner''s rights that writes one begins with it, and asks again once it holds the project''s lock. NULL for NULL. 42704 if there is no such project, or none that the caller may see; AT005 where he acts for no unit that writes.';

CREATE OR REPLACE FUNCTION athar.check_acting(unit text)
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.fail('AT005', format('role "%s" does not act for unit "%s"', athar.caller(), check_acting.unit),
			'Nothing was changed. It was given level contribute for other units alone.',
			format('Ask an administrator for athar.grant_access(''%s'', ''contribute'', ''%s'').', athar.caller(), check_acting.unit))
	WHERE NOT athar.is_unlimited(athar.caller(), 'contribute')
		AND NOT athar.unit_id(check_acting.unit) IN (SELECT h.id FROM athar.held_units(athar.caller(), 'contribute') AS h (id));
END;
COMMENT ON FUNCTION athar.check_acting(text) IS
'Raises AT005 where the caller holds level contribute for other units alone, 42704 for an unknown unit; NULL otherwise.';
