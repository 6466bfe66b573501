-- 53 participant: which unit takes part in a project or an action, and how

CREATE OR REPLACE FUNCTION athar.managed_project(code text)
RETURNS integer
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	-- in a statement of its own: what may not be seen does not exist
	SELECT athar.project_id(managed_project.code);
	SELECT athar.fail('AT005',
			format('role "%s" may not say who takes part in project %s', athar.caller(), athar.quoted(managed_project.code)),
			'Nothing was changed. That is for who acts for the accountable unit, with level contribute.',
			format('Ask unit "%s", which is accountable.', u.code))
	FROM athar.project AS j
	JOIN athar.unit AS u ON u.id = j.unit_id
	WHERE j.code = managed_project.code
		AND NOT athar.is_unlimited(athar.caller(), 'contribute')
		AND NOT j.unit_id IN (SELECT h.id FROM athar.held_units(athar.caller(), 'contribute') AS h (id));
	SELECT j.id
	FROM athar.project AS j
	WHERE j.code = managed_project.code;
END;
COMMENT ON FUNCTION athar.managed_project(text) IS
'The internal key of a project whose participants the caller may set: he acts for its accountable unit with level contribute, or no unit limits him. NULL for NULL. 42704 if there is no such project, or none that the caller may see; AT005 where he may not.';

CREATE OR REPLACE FUNCTION athar.lock_participants(project text, action text)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT athar.managed_project(lock_participants.project);
	-- in a statement of its own, before the rest is read: a save and a
	-- hand-over wait for each other
	SELECT j.id
	FROM athar.project AS j
	WHERE j.code = lock_participants.project
	FOR NO KEY UPDATE;
	SELECT athar.managed_project(lock_participants.project);
	SELECT athar.missing('action', format('%s" of project "%s', lock_participants.action, lock_participants.project), 'save_plan()')
	WHERE lock_participants.action IS NOT NULL
		AND NOT EXISTS (
			SELECT
			FROM athar.action AS a
			WHERE a.project_id = athar.project_id(lock_participants.project)
				AND a.item_id = lock_participants.action
				AND a.removed_in_version IS NULL);
	SELECT athar.project_id(lock_participants.project);
END;
COMMENT ON FUNCTION athar.lock_participants(text, text) IS
'Locks a project for a change of who takes part, and returns its key. 42704 for an unknown project, and for an action (NULL: the project as a whole) that is not in its plan; AT005 as managed_project().';

CREATE OR REPLACE FUNCTION athar.set_participant(project text, unit text, role text, action text DEFAULT NULL)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', 'a participant needs a project, a unit and a role', 'Nothing was changed.', 'Give the codes of both, and the role.')
	WHERE num_nulls(set_participant.project, set_participant.unit, set_participant.role) > 0;
	SELECT athar.fail('22023', format('role %s is not known', athar.quoted(set_participant.role)), 'Nothing was changed.',
		'Roles are accountable, responsible, consulted and informed.')
	WHERE set_participant.role NOT IN ('accountable', 'responsible', 'consulted', 'informed');
	SELECT athar.lock_participants(set_participant.project, set_participant.action);
	SELECT athar.unit_id(set_participant.unit);
	SELECT athar.fail('22023',
		format('unit "%s" is accountable for %s', set_participant.unit,
			coalesce('action "' || set_participant.action || '" of ', '') || format('project "%s"', set_participant.project)),
		'Nothing was changed: exactly one unit is accountable, always.',
		'Hand it over by making another unit accountable; this one is informed from then on, and can then be given another role.')
	FROM athar.participant AS p
	LEFT JOIN athar.action AS a ON a.id = p.action_id
	WHERE p.project_id = athar.project_id(set_participant.project)
		AND p.unit_id = athar.unit_id(set_participant.unit)
		AND a.item_id IS NOT DISTINCT FROM set_participant.action
		AND p.role = 'accountable'
		AND set_participant.role <> 'accountable';
	-- who hands over stays informed, or would lose sight of what it led
	UPDATE athar.participant AS p
	SET role = 'informed', joined_at = clock_timestamp()
	WHERE p.project_id = athar.project_id(set_participant.project)
		AND p.action_id IS NOT DISTINCT FROM (
			SELECT a.id
			FROM athar.action AS a
			WHERE a.project_id = p.project_id AND a.item_id = set_participant.action)
		AND p.role = 'accountable'
		AND set_participant.role = 'accountable'
		AND p.unit_id <> athar.unit_id(set_participant.unit);
	UPDATE athar.project AS j
	SET unit_id = athar.unit_id(set_participant.unit)
	WHERE j.id = athar.project_id(set_participant.project)
		AND j.unit_id <> athar.unit_id(set_participant.unit)
		AND set_participant.role = 'accountable'
		AND set_participant.action IS NULL;
	WITH place AS (
		SELECT j.id AS project_id, a.id AS action_id, athar.unit_id(set_participant.unit) AS unit_id
		FROM athar.project AS j
		LEFT JOIN athar.action AS a ON a.project_id = j.id AND a.item_id = set_participant.action
		WHERE j.code = set_participant.project
	), changed AS (
		UPDATE athar.participant AS p
		SET role = set_participant.role, joined_at = clock_timestamp()
		FROM place AS l
		WHERE p.project_id = l.project_id
			AND p.action_id IS NOT DISTINCT FROM l.action_id
			AND p.unit_id = l.unit_id
			AND p.role <> set_participant.role
		RETURNING p.id
	), added AS (
		INSERT INTO athar.participant (project_id, action_id, unit_id, role)
		SELECT l.project_id, l.action_id, l.unit_id, set_participant.role
		FROM place AS l
		WHERE NOT EXISTS (
			SELECT
			FROM athar.participant AS p
			WHERE p.project_id = l.project_id AND p.action_id IS NOT DISTINCT FROM l.action_id AND p.unit_id = l.unit_id)
		RETURNING id
	)
	SELECT EXISTS (SELECT FROM changed) OR EXISTS (SELECT FROM added);
END;
COMMENT ON FUNCTION athar.set_participant(text, text, text, text) IS
'Says how a unit takes part in a project, or in one action of its plan: accountable, responsible, consulted or informed; one role in each place, which a later call changes. Returns whether that is new.
accountable hands over: the unit that was accountable is informed from then on, in the same transaction, so that there is always exactly one. It is for who acts for the project''s accountable unit. What is set for an action rests while the plan does not have it, and holds again when it comes back.
Errors: 22023 where one of project, unit and role is missing, for an unknown role, and where the accountable unit would be given another role without a successor; 42704 for an unknown project or unit, and for an action that is not in the plan; AT005 where the caller does not act for the accountable unit; 40001 in REPEATABLE READ where somebody else was first.';

CREATE OR REPLACE FUNCTION athar.remove_participant(project text, unit text, action text DEFAULT NULL)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', 'a project and a unit are required', 'Nothing was changed.', 'Give the codes of both.')
	WHERE num_nulls(remove_participant.project, remove_participant.unit) > 0;
	SELECT athar.lock_participants(remove_participant.project, remove_participant.action);
	SELECT athar.unit_id(remove_participant.unit);
	SELECT athar.fail('22023', format('unit "%s" is accountable for project "%s"', remove_participant.unit, remove_participant.project),
		'Nothing was changed: exactly one unit is accountable, always.', 'Hand it over first, with set_participant() for another unit.')
	FROM athar.project AS j
	WHERE j.code = remove_participant.project
		AND j.unit_id = athar.unit_id(remove_participant.unit)
		AND remove_participant.action IS NULL;
	WITH gone AS (
		DELETE FROM athar.participant AS p
		WHERE p.project_id = athar.project_id(remove_participant.project)
			AND p.unit_id = athar.unit_id(remove_participant.unit)
			AND p.action_id IS NOT DISTINCT FROM (
				SELECT a.id
				FROM athar.action AS a
				WHERE a.project_id = p.project_id AND a.item_id = remove_participant.action)
		RETURNING p.id
	)
	SELECT EXISTS (SELECT FROM gone);
END;
COMMENT ON FUNCTION athar.remove_participant(text, text, text) IS
'Takes a unit''s role in a project, or in one action, away; returns whether it had one. What the plan says stays: the owner of an action goes on taking part. For an action whose accountable unit is taken away its owner is accountable again, or else the unit of the project. Errors as those of set_participant(); 22023 for the accountable unit of the project.';

CREATE OR REPLACE VIEW athar.participants WITH (security_invoker = true) AS
SELECT j.code::text AS project, a.item_id AS action, u.code::text AS unit, u.name AS unit_name, u.name_ar AS unit_name_ar, p.role, p.origin, p.joined_at
FROM athar.participation AS p
JOIN athar.project AS j ON j.id = p.project_id
JOIN athar.unit AS u ON u.id = p.unit_id
LEFT JOIN athar.action AS a ON a.id = p.action_id;
COMMENT ON VIEW athar.participants IS 'Which unit takes part in which project and action, one row per unit, place and role. Exactly one is accountable for each project and each action';
COMMENT ON COLUMN athar.participants.project IS 'Code of the project';
COMMENT ON COLUMN athar.participants.action IS 'Id of the action in the plan; NULL for the project as a whole';
COMMENT ON COLUMN athar.participants.unit IS 'Code of the unit';
COMMENT ON COLUMN athar.participants.unit_name IS 'Name of the unit';
COMMENT ON COLUMN athar.participants.unit_name_ar IS 'Name of the unit in Arabic';
COMMENT ON COLUMN athar.participants.role IS 'accountable, responsible, consulted or informed';
COMMENT ON COLUMN athar.participants.origin IS 'participant: set with set_participant() or create_project(); owner: the plan names it as the action''s owner, accountable unless another unit was made so; project: the action has neither, so that the project''s unit is accountable';
COMMENT ON COLUMN athar.participants.joined_at IS 'Since when it was set so; NULL where the plan says it';
