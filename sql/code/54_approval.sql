-- 54 approval: what each unit has agreed to, and what is in force

-- What may change without anybody's agreement: how far the work is. Everything
-- else is what was agreed, keys that athar does not know included; to cancel
-- an action is no progress.
CREATE OR REPLACE FUNCTION athar.material(item jsonb)
RETURNS jsonb
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN (item - '{status,steps,live_on}'::text[]) || CASE WHEN item ->> 'status' = 'cancelled' THEN jsonb '{"status": "cancelled"}' ELSE jsonb '{}' END;
COMMENT ON FUNCTION athar.material(jsonb) IS
'An item of a plan without what may change while its approvals stand: status (but for cancelled), steps and live_on. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.approval_parts(project_id integer, first_version integer, last_version integer)
RETURNS TABLE (version integer, unit_id integer, role text, part_hash bytea, joined_at timestamptz)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH manifest AS MATERIALIZED (
		SELECT v.version, v.items, v.header
		FROM athar.plan_version AS v
		WHERE v.project_id = approval_parts.project_id
			AND v.version BETWEEN approval_parts.first_version AND approval_parts.last_version
	), signer AS MATERIALIZED (
		SELECT p.unit_id, p.role, p.joined_at, a.item_id
		FROM athar.participant AS p
		LEFT JOIN athar.action AS a ON a.id = p.action_id
		WHERE p.project_id = approval_parts.project_id AND p.role IN ('accountable', 'responsible')
	), item AS MATERIALIZED (
		SELECT i.revision, i.item_id, sha256(convert_to(athar.material(i.document)::text, 'UTF8')) AS hash,
			(SELECT u.id FROM athar.unit AS u WHERE u.code = i.document ->> 'owner') AS owner_id
		FROM athar.plan_item AS i
		WHERE i.project_id = approval_parts.project_id
			AND i.revision = ANY (ARRAY(SELECT DISTINCT unnest(m.items) FROM manifest AS m))
	), held AS MATERIALIZED (
		SELECT i.revision, i.item_id, i.hash, h.unit_id, min(h.joined_at) AS joined_at
		FROM item AS i
		CROSS JOIN LATERAL (
			-- since when is for the versions to tell
			SELECT i.owner_id AS unit_id, '-infinity'::timestamptz AS joined_at
			WHERE i.owner_id IS NOT NULL
			UNION ALL
			SELECT s.unit_id, s.joined_at
			FROM signer AS s
			WHERE s.item_id = i.item_id
			UNION ALL
			-- what has no owner is the accountable unit's
			SELECT s.unit_id, s.joined_at
			FROM signer AS s
			WHERE s.item_id IS NULL
				AND s.role = 'accountable'
				AND i.owner_id IS NULL
				AND NOT EXISTS (SELECT FROM signer AS o WHERE o.item_id = i.item_id AND o.role = 'accountable')) AS h
		GROUP BY i.revision, i.item_id, i.hash, h.unit_id
	), part AS (
		SELECT m.version, s.unit_id, s.role, s.joined_at, NULL AS item_id, sha256(convert_to((m.header - 'items')::text, 'UTF8')) AS hash
		FROM manifest AS m
		CROSS JOIN signer AS s
		WHERE s.item_id IS NULL
		UNION ALL
		SELECT m.version, h.unit_id, NULL, h.joined_at, h.item_id, h.hash
		FROM manifest AS m
		CROSS JOIN LATERAL unnest(m.items) AS r (revision)
		JOIN held AS h ON h.revision = r.revision
	)
	SELECT p.version, p.unit_id, coalesce(min(p.role), 'owner'),
		sha256(string_agg(p.hash, '' ORDER BY p.item_id COLLATE "C" NULLS FIRST)), min(p.joined_at)
	FROM part AS p
	GROUP BY p.version, p.unit_id;
END;
COMMENT ON FUNCTION athar.approval_parts(integer, integer, integer) IS
'Whose agreement each of these versions needs, and to what: one row for each version and unit. A unit''s part is the header of the plan, if it is accountable or responsible for the project, and every item that it owns or is accountable or responsible for (for an item without any of these the project''s accountable unit is); not the items above or below these, nor the order of items.
role: accountable or responsible for the project as a whole, or owner, of actions alone. part_hash: SHA-256 over the hashes of the part''s pieces, the header first and the items by id, each of its material() as jsonb prints it. joined_at: since when it has been set as a participant for any of them, -infinity where it owns one. Who takes part is what holds now, who owns an item what the version says.';

CREATE OR REPLACE FUNCTION athar.approval_states(project_id integer, first_version integer, last_version integer)
RETURNS TABLE (version integer, unit_id integer, role text, state text, decision_id integer, joined_at timestamptz)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT p.version, p.unit_id, p.role,
		CASE
			WHEN d.id IS NULL THEN 'pending'
			WHEN d.is_altered THEN 'invalid'
			WHEN d.decision = 'rejected' THEN 'rejected'
			WHEN d.version = p.version THEN 'approved'
			ELSE 'standing' END,
		d.id, p.joined_at
	FROM athar.approval_parts(approval_states.project_id, approval_states.first_version, approval_states.last_version) AS p
	LEFT JOIN LATERAL (
		SELECT a.id, a.version, a.decision,
			a.version_hash IS DISTINCT FROM (
				SELECT v.version_hash
				FROM athar.plan_version AS v
				WHERE v.project_id = a.project_id AND v.version = a.version) AS is_altered
		FROM athar.approval AS a
		WHERE a.project_id = approval_states.project_id
			AND a.unit_id = p.unit_id
			AND a.version <= p.version
			AND a.part_hash = p.part_hash
		ORDER BY a.id DESC
		LIMIT 1) AS d ON true;
END;
COMMENT ON FUNCTION athar.approval_states(integer, integer, integer) IS
'How each of these versions stands with each unit that has a part in it, and the approval row that says so (NULL while pending). What counts is the unit''s newest word on its part as it is in the version, said of this version or an earlier one; approval_status() tells what the states mean. joined_at: as in approval_parts().';

CREATE OR REPLACE FUNCTION athar.approval_standing(project_id integer, version integer)
RETURNS TABLE (unit_id integer, role text, state text, since timestamptz, approval_id integer)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
	WITH standing AS MATERIALIZED (
		SELECT t.unit_id, t.role, t.state, t.joined_at, coalesce(t.decision_id, (
			-- the newest word of the unit before its part became another
			SELECT max(a.id)
			FROM athar.approval AS a
			WHERE a.project_id = approval_standing.project_id AND a.unit_id = t.unit_id AND a.version <= approval_standing.version)) AS approval_id
		FROM athar.approval_states(approval_standing.project_id, approval_standing.version, approval_standing.version) AS t
	), asked AS MATERIALIZED (
		SELECT a.version, a.decided_at
		FROM athar.approval AS a
		WHERE a.project_id = approval_standing.project_id
		ORDER BY a.id
		LIMIT 1
	), waiting AS (
		SELECT t.unit_id, t.version, lag(t.version) OVER (PARTITION BY t.unit_id ORDER BY t.version) AS earlier
		FROM (
			SELECT min(least(coalesce(d.version, k.version), approval_standing.version)) AS version
			FROM standing AS s
			CROSS JOIN asked AS k
			LEFT JOIN athar.approval AS d ON d.id = s.approval_id
			WHERE s.state = 'pending') AS f
		CROSS JOIN LATERAL athar.approval_states(approval_standing.project_id, f.version, approval_standing.version) AS t
		WHERE t.state = 'pending'
	), since AS (
		-- the first of the versions, without a gap, that wait for the unit
		SELECT w.unit_id, max(w.version) AS version
		FROM waiting AS w
		WHERE w.earlier IS DISTINCT FROM w.version - 1
		GROUP BY w.unit_id
	)
	SELECT s.unit_id, s.role, s.state,
		CASE WHEN s.state <> 'pending' THEN d.decided_at
			WHEN k.version IS NOT NULL THEN greatest(k.decided_at, v.saved_at, CASE
				WHEN d.id IS NULL THEN s.joined_at
				-- no save took away what it had signed: it takes part otherwise than then
				WHEN f.version <= d.version THEN greatest(d.decided_at, (
					SELECT max(p.joined_at)
					FROM athar.participant AS p
					WHERE p.project_id = approval_standing.project_id AND p.unit_id = s.unit_id)) END) END,
		s.approval_id
	FROM standing AS s
	LEFT JOIN asked AS k ON true
	LEFT JOIN since AS f ON f.unit_id = s.unit_id
	LEFT JOIN athar.plan_version AS v ON v.project_id = approval_standing.project_id AND v.version = f.version
	LEFT JOIN athar.approval AS d ON d.id = s.approval_id;
END;
COMMENT ON FUNCTION athar.approval_standing(integer, integer) IS
'What approval_status() answers, by keys; approval_id: the unit''s signature, where pending its last one.';

CREATE OR REPLACE FUNCTION athar.approved_version(project_id integer)
RETURNS integer
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH complete AS (
		SELECT max(a.version) AS version
		FROM athar.approval AS a
		JOIN athar.plan_version AS v ON v.project_id = a.project_id AND v.version = a.version AND v.version_hash = a.version_hash
		WHERE a.project_id = approved_version.project_id
			AND a.is_complete
			AND NOT EXISTS (
				SELECT
				FROM athar.approval AS r
				WHERE r.project_id = a.project_id AND r.version = a.version AND r.decision = 'rejected' AND r.id > a.id)
	), since AS (
		SELECT c.version AS complete_version, coalesce(c.version, (
			SELECT min(a.version)
			FROM athar.approval AS a
			WHERE a.project_id = approved_version.project_id AND a.decision = 'approved')) AS first_version
		FROM complete AS c
	), agreed AS (
		SELECT t.version
		FROM since AS s
		JOIN athar.project AS j ON j.id = approved_version.project_id
		CROSS JOIN LATERAL athar.approval_states(j.id, s.first_version, j.head_version) AS t
		GROUP BY t.version
		HAVING bool_and(t.state IN ('approved', 'standing'))
	)
	-- what came into force stays in force when others join later
	SELECT coalesce((SELECT max(g.version) FROM agreed AS g), s.complete_version)
	FROM since AS s;
END;
COMMENT ON FUNCTION athar.approved_version(integer) IS
'The version of a project''s plan that is in force: the newest on which the approval of every unit with a part in it stands, or stood when the last of them signed (a unit that joins later repeals nothing), unless one has rejected it since. NULL if there is none.';

CREATE OR REPLACE FUNCTION athar.get_plan(project text, version integer DEFAULT NULL, as_of timestamptz DEFAULT NULL, approved boolean DEFAULT false)
RETURNS jsonb
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.fail('22023', 'version, as_of and approved exclude each other', 'No plan was read.', 'Ask by version, by time, or for what is in force.')
WHERE num_nonnulls(get_plan.version, get_plan.as_of, nullif(get_plan.approved, false)) > 1;
SELECT athar.check_version(get_plan.project, get_plan.version);
SELECT athar.plan_document(j.id, CASE
	WHEN get_plan.version IS NOT NULL THEN get_plan.version
	WHEN get_plan.approved THEN athar.approved_version(j.id)
	WHEN get_plan.as_of IS NULL THEN j.head_version
	ELSE (SELECT max(v.version) FROM athar.plan_version v WHERE v.project_id = j.id AND v.saved_at <= get_plan.as_of) END)
FROM athar.project j
WHERE j.code = get_plan.project;
END;
COMMENT ON FUNCTION athar.get_plan(text, integer, timestamptz, boolean) IS
'The plan document of a project exactly as it was saved: the newest version, or the one of this number, or the newest one saved at or before as_of, or with approved the one in force (the newest on which every unit''s approval stands, see approval_status()). NULL if there was none then, or none is in force, and for a NULL project.
Errors: 42704 for an unknown project; 22023 for a version that does not exist, or for more than one of version, as_of and approved.';

CREATE OR REPLACE FUNCTION athar.signing_unit(project_id integer, version integer, unit text)
RETURNS integer
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.fail('AT005', format('role "%s" may not sign version %s of project "%s"%s', athar.caller(), signing_unit.version, j.code,
				coalesce(' for unit "' || signing_unit.unit || '"', '')),
			'Nothing was signed. A role signs for units with a part in the version for which it, or a role it is a member of, was given level contribute by name.',
			'approval_status() tells whose agreement it needs; an administrator lets a role sign for one with athar.grant_access(role, ''contribute'', unit).')
	FROM athar.project AS j
	WHERE j.id = signing_unit.project_id
		AND NOT EXISTS (
			SELECT
			FROM athar.approval_parts(j.id, signing_unit.version, signing_unit.version) AS p
			WHERE p.unit_id IN (SELECT h.id FROM athar.held_units(athar.caller(), 'contribute') AS h (id))
				AND (signing_unit.unit IS NULL OR p.unit_id = athar.unit_id(signing_unit.unit)));
	SELECT athar.fail('22023', format('role "%s" acts for more than one unit with a part in version %s', athar.caller(), signing_unit.version),
			format('Nothing was signed. It acts for %s.', string_agg(athar.quoted(u.code), ', ' ORDER BY u.code)),
			'Name the unit it signs for now, in the argument unit.')
	FROM athar.approval_parts(signing_unit.project_id, signing_unit.version, signing_unit.version) AS p
	JOIN athar.unit AS u ON u.id = p.unit_id
	WHERE signing_unit.unit IS NULL
		AND p.unit_id IN (SELECT h.id FROM athar.held_units(athar.caller(), 'contribute') AS h (id))
	HAVING count(*) > 1;
	SELECT p.unit_id
	FROM athar.approval_parts(signing_unit.project_id, signing_unit.version, signing_unit.version) AS p
	WHERE p.unit_id IN (SELECT h.id FROM athar.held_units(athar.caller(), 'contribute') AS h (id))
		AND (signing_unit.unit IS NULL OR p.unit_id = athar.unit_id(signing_unit.unit));
END;
COMMENT ON FUNCTION athar.signing_unit(integer, integer, text) IS
'The unit for which the caller signs a version: the one with a part in it for which he was given level contribute by name, or for a unit above it; the argument selects among several, and gives nobody a right. AT005 if there is none, 22023 if there are several and none is named, 42704 for an unknown unit.';

CREATE OR REPLACE FUNCTION athar.sign_plan(project text, version integer, unit text, decision text, note text,
	OUT status text, OUT version_signed integer, OUT pending text[])
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT athar.fail('22023', 'a project and a version are required', 'Nothing was signed.', 'Pass the version that was read.')
	WHERE num_nulls(sign_plan.project, sign_plan.version) > 0;
	SELECT athar.check_version(sign_plan.project, sign_plan.version);
	-- in a statement of its own, before the rest is read: of two signatures at
	-- once the second sees the first, and who takes part stays as it is
	SELECT j.id
	FROM athar.project AS j
	WHERE j.code = sign_plan.project
	FOR NO KEY UPDATE;
	SELECT athar.check_version(sign_plan.project, sign_plan.version);
	SELECT athar.signing_unit(athar.project_id(sign_plan.project), sign_plan.version, sign_plan.unit);
	WITH signer AS MATERIALIZED (
		SELECT j.id AS project_id, athar.signing_unit(j.id, sign_plan.version, sign_plan.unit) AS unit_id
		FROM athar.project AS j
		WHERE j.code = sign_plan.project
	), standing AS MATERIALIZED (
		SELECT t.unit_id, t.state
		FROM signer AS s
		CROSS JOIN LATERAL athar.approval_states(s.project_id, sign_plan.version, sign_plan.version) AS t
	), signed AS (
		INSERT INTO athar.approval (project_id, version, unit_id, decision, version_hash, part_hash, is_complete, author, role_name, note, decided_at)
		SELECT s.project_id, sign_plan.version, s.unit_id, sign_plan.decision, v.version_hash, p.part_hash,
			sign_plan.decision = 'approved' AND NOT EXISTS (
				SELECT
				FROM standing AS t
				WHERE t.unit_id <> s.unit_id AND t.state NOT IN ('approved', 'standing')),
			athar.current_actor(), athar.caller(), sign_plan.note, clock_timestamp()
		FROM signer AS s
		JOIN athar.plan_version AS v ON v.project_id = s.project_id AND v.version = sign_plan.version
		JOIN athar.approval_parts(s.project_id, sign_plan.version, sign_plan.version) AS p ON p.unit_id = s.unit_id
		WHERE NOT EXISTS (
			SELECT
			FROM athar.approval AS a
			WHERE a.id = (SELECT max(l.id) FROM athar.approval AS l WHERE l.project_id = s.project_id AND l.unit_id = s.unit_id)
				AND a.version = sign_plan.version
				AND a.decision = sign_plan.decision
				AND a.version_hash = v.version_hash
				AND a.part_hash = p.part_hash
				AND (a.decision = 'approved' OR a.note = sign_plan.note))
		RETURNING id
	)
	SELECT CASE WHEN EXISTS (SELECT FROM signed) THEN sign_plan.decision ELSE 'unchanged' END,
		sign_plan.version,
		ARRAY(SELECT u.code::text
			FROM standing AS t
			JOIN athar.unit AS u ON u.id = t.unit_id
			WHERE CASE WHEN t.unit_id = s.unit_id THEN sign_plan.decision <> 'approved' ELSE t.state NOT IN ('approved', 'standing') END
			ORDER BY u.code)
	FROM signer AS s;
END;
COMMENT ON FUNCTION athar.sign_plan(text, integer, text, text, text) IS
'What approve_plan() and reject_plan() do once their arguments are looked at.';

CREATE OR REPLACE FUNCTION athar.approve_plan(project text, version integer, unit text DEFAULT NULL, note text DEFAULT NULL,
	OUT status text, OUT version_signed integer, OUT pending text[])
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT s.status, s.version_signed, s.pending
	FROM athar.sign_plan(approve_plan.project, approve_plan.version, approve_plan.unit, 'approved', approve_plan.note) AS s;
END;
COMMENT ON FUNCTION athar.approve_plan(text, integer, text, text) IS
'Signs one version of a plan, by its hash, for the unit the caller acts for: one with a part in that version, for which he was given level contribute by name. Where there are several, unit says which; it gives nobody a right. A level without a unit signs for nobody.
status: approved, or unchanged where it is the unit''s newest word already. pending: codes of the units whose approval is still missing; where it is empty, this version is in force. The version must be named, so that what is signed is what was read: later versions are approved with it where they leave the unit''s part as it is. Approving what the unit has rejected withdraws the rejection.
Errors: 42704 for an unknown project or unit; 22023 without a version, for one that does not exist, and where the unit must be named; AT005 where the caller may sign for none; 40001 in REPEATABLE READ where somebody else was first.';

CREATE OR REPLACE FUNCTION athar.reject_plan(project text, version integer, reason text, unit text DEFAULT NULL,
	OUT status text, OUT version_signed integer, OUT pending text[])
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('AT001', 'a reason is required', 'The plan was not rejected.', 'Say in the argument reason what is wrong with it.')
	WHERE coalesce(reject_plan.reason, '') !~ '[^[:space:]]';
	SELECT s.status, s.version_signed, s.pending
	FROM athar.sign_plan(reject_plan.project, reject_plan.version, reject_plan.unit, 'rejected', reject_plan.reason) AS s;
END;
COMMENT ON FUNCTION athar.reject_plan(text, integer, text, text) IS
'Refuses one version of a plan for the unit the caller acts for, and says why; also takes an approval back. It stands on later versions that leave the unit''s part as it is, until the unit approves one. status: rejected, or unchanged where it is the unit''s newest word already; pending as in approve_plan().
Errors: AT001 without a reason; otherwise those of approve_plan().';

CREATE OR REPLACE FUNCTION athar.request_approval(project text, version integer DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', 'a project is required', 'Nothing was requested.', 'Pass the code of the project.')
	WHERE request_approval.project IS NULL;
	SELECT athar.writable_project(request_approval.project);
	SELECT athar.check_version(request_approval.project, request_approval.version);
	-- in a statement of its own: two requests at once are one
	SELECT j.id
	FROM athar.project AS j
	WHERE j.code = request_approval.project
	FOR NO KEY UPDATE;
	INSERT INTO athar.approval (project_id, version, decision, version_hash, author, role_name, decided_at)
	SELECT v.project_id, v.version, 'requested', v.version_hash, athar.current_actor(), athar.caller(), clock_timestamp()
	FROM athar.project AS j
	JOIN athar.plan_version AS v ON v.project_id = j.id AND v.version = coalesce(request_approval.version, j.head_version)
	WHERE j.code = request_approval.project
		AND NOT EXISTS (
			SELECT
			FROM athar.approval AS a
			WHERE a.project_id = v.project_id AND a.version = v.version AND a.decision = 'requested');
	SELECT coalesce(request_approval.version, j.head_version)
	FROM athar.project AS j
	WHERE j.code = request_approval.project;
END;
COMMENT ON FUNCTION athar.request_approval(text, integer) IS
'Asks every unit with a part in a version of a plan (the newest unless named) for its approval, and returns that version; asked twice, it is on record once. From the first request, or signature, on approvals_pending lists who is missing. For those who may write the plan.
Errors: 42704 for an unknown project, 22023 for a version that does not exist, AT005 where the caller may not write the plan.';

CREATE OR REPLACE FUNCTION athar.approval_status(project text, version integer DEFAULT NULL)
RETURNS TABLE (unit text, unit_name text, unit_name_ar text, role text, state text, since timestamptz, signed_version integer, version_hash bytea,
	author text, role_name text, note text)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.check_version(approval_status.project, approval_status.version);
	SELECT u.code::text, u.name, u.name_ar, s.role, s.state, s.since, d.version, d.version_hash, d.author, d.role_name, d.note
	FROM athar.project AS j
	CROSS JOIN LATERAL athar.approval_standing(j.id, coalesce(approval_status.version, j.head_version)) AS s
	JOIN athar.unit AS u ON u.id = s.unit_id
	LEFT JOIN athar.approval AS d ON d.id = s.approval_id
	WHERE j.code = approval_status.project
	ORDER BY array_position('{accountable,responsible,owner}', s.role), u.code;
END;
COMMENT ON FUNCTION athar.approval_status(text, integer) IS
'Whose agreement a version of a plan (the newest unless named) needs and how it stands, one row for each unit with a part in it: the accountable and the responsible ones, and those with actions alone (role owner).
state: approved (signed this version), standing (signed an earlier one, and its part is the same since), pending, rejected (until the unit approves a version), invalid (the version that was signed no longer has the hash that was signed: somebody altered it).
since: when it was signed; for pending since when the versions up to this one wait for the unit: from the first ask, or the save that touched what it had signed or gave it its part, or the day it came to take part, whichever is last; NULL if approval was never asked for. The other columns are those of the unit''s signature, where pending of its last one: the version, its hash, who signed, with which database role, and the note or reason.
A unit''s part is the header of the plan, if it is accountable or responsible for the project, and the items that it owns or is accountable or responsible for; material() says what in an item may change while approvals stand. 42704 for an unknown project, 22023 for a version that does not exist.';

CREATE OR REPLACE VIEW athar.approvals_pending WITH (security_invoker = true) AS
SELECT j.code::text AS project, j.name, j.name_ar, j.head_version AS version, u.code::text AS unit, u.name AS unit_name, u.name_ar AS unit_name_ar,
	s.role, s.state, s.since, d.version AS signed_version
FROM athar.project AS j
CROSS JOIN LATERAL athar.approval_standing(j.id, j.head_version) AS s
JOIN athar.unit AS u ON u.id = s.unit_id
LEFT JOIN athar.approval AS d ON d.id = s.approval_id
WHERE s.state IN ('pending', 'invalid')
	AND EXISTS (SELECT FROM athar.approval AS a WHERE a.project_id = j.id);
COMMENT ON VIEW athar.approvals_pending IS 'Units whose approval of the newest version is missing, for every project in which approval was asked for or given';
COMMENT ON COLUMN athar.approvals_pending.project IS 'Code of the project';
COMMENT ON COLUMN athar.approvals_pending.name IS 'Name of the project';
COMMENT ON COLUMN athar.approvals_pending.name_ar IS 'Name of the project in Arabic';
COMMENT ON COLUMN athar.approvals_pending.version IS 'The newest version of its plan';
COMMENT ON COLUMN athar.approvals_pending.unit IS 'Code of the unit';
COMMENT ON COLUMN athar.approvals_pending.unit_name IS 'Name of the unit';
COMMENT ON COLUMN athar.approvals_pending.unit_name_ar IS 'Name of the unit in Arabic';
COMMENT ON COLUMN athar.approvals_pending.role IS 'accountable or responsible for the project, or owner, of actions alone';
COMMENT ON COLUMN athar.approvals_pending.state IS 'pending, or invalid where what it signed was altered';
COMMENT ON COLUMN athar.approvals_pending.since IS 'Since when, as approval_status() says';
COMMENT ON COLUMN athar.approvals_pending.signed_version IS 'The version it last signed; NULL if none';
