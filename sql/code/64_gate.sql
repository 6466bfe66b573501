-- 64 gate: no step forward without the evidence for it

CREATE OR REPLACE VIEW athar.gates WITH (security_invoker = true) AS
SELECT g.ordinal, g.subject, g.step, g.requirement, r.words, r.words_ar
FROM (VALUES
	(1, 'action', 'done', 'kpi'),
	(2, 'action', 'done', 'target'),
	(3, 'action', 'verified', 'kpi'),
	(4, 'action', 'verified', 'target'),
	(5, 'action', 'verified', 'live'),
	(6, 'action', 'verified', 'window'),
	(7, 'action', 'verified', 'measured'),
	(8, 'project', 'active', 'service'),
	(9, 'project', 'active', 'owner'),
	(10, 'project', 'active', 'target'),
	(11, 'project', 'closed', 'service'),
	(12, 'project', 'closed', 'owner'),
	(13, 'project', 'closed', 'target'),
	(14, 'project', 'scaled', 'sustained'),
	(15, 'project', 'institutional', 'lasting')
) AS g (ordinal, subject, step, requirement)
JOIN (VALUES
	('action', 'kpi', 'a KPI that it is to move', 'مؤشر أداء يُراد تغييره'),
	('action', 'target', 'a target for one of its KPIs', 'مستهدف لأحد مؤشراته'),
	('action', 'live', 'the day on which people first met it (live_on), today or earlier', 'يوم بدء العمل به مع الجمهور (live_on)، اليوم أو قبله'),
	('action', 'window', 'the end of the time that is compared', 'انتهاء مدة المقارنة'),
	('action', 'measured', 'a measured effect, made after that time', 'قياس للأثر يُجرى بعد انتهاء تلك المدة'),
	('project', 'service', 'an action that improves a service', 'إجراء يحسّن خدمة'),
	('project', 'owner', 'an owner of each action', 'جهة مسؤولة عن كل إجراء'),
	('project', 'target', 'an action with a KPI and a target', 'إجراء له مؤشر أداء ومستهدف'),
	('project', 'sustained', 'two checks that found an effect sustained', 'تقييمان يؤكدان استمرار الأثر'),
	('project', 'lasting', 'two checks after half a year or later that found an effect sustained', 'تقييمان بعد نصف سنة أو أكثر يؤكدان استمرار الأثر')
) AS r (subject, requirement, words, words_ar) USING (subject, requirement);
COMMENT ON VIEW athar.gates IS 'What a step forward needs: an action that takes a status, a project that leaves draft for one, or takes a maturity. Every way to write a status passes these gates, an owner''s UPDATE too';
COMMENT ON COLUMN athar.gates.ordinal IS 'The order in which they are told';
COMMENT ON COLUMN athar.gates.subject IS 'action or project';
COMMENT ON COLUMN athar.gates.step IS 'The status, or for a project also the maturity, that has the gate';
COMMENT ON COLUMN athar.gates.requirement IS 'What it needs, as a key';
COMMENT ON COLUMN athar.gates.words IS 'In English';
COMMENT ON COLUMN athar.gates.words_ar IS 'In Arabic';

CREATE OR REPLACE FUNCTION athar.check_project(project text)
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.fail('22023', 'a project is required', 'Nothing was changed.', 'Pass the code of the project.')
WHERE check_project.project IS NULL;
SELECT athar.project_id(check_project.project) IS NULL;
END;
COMMENT ON FUNCTION athar.check_project(text) IS
'Raises 42704 for an unknown project and 22023 for none; false if there is one.';

CREATE OR REPLACE FUNCTION athar.action_evidence(action_ids integer[])
RETURNS TABLE (action_id integer, requirement text, is_met boolean, note text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 500
SET jit = off -- a few hundred actions; what the planner supposes is far more
BEGIN ATOMIC
WITH part AS (
	SELECT p.id AS action_id, bool_and(c.status IN ('done', 'verified')) AS is_done, bool_and(c.status = 'verified') AS is_verified
	FROM athar.action AS p
	JOIN athar.action AS c ON c.project_id = p.project_id AND c.parent_item_id = p.item_id
	WHERE p.id = ANY (action_evidence.action_ids)
		AND c.removed_in_version IS NULL
		AND c.status <> 'cancelled'
	GROUP BY p.id
), expected AS (
	SELECT
		e.action_id,
		bool_or(e.target IS NOT NULL) AS has_target,
		bool_and(d.effect_id IS NOT NULL) AS is_live,
		bool_and(coalesce(d.ends_at <= now(), false)) AS is_over,
		max((d.ends_at AT TIME ZONE k.time_zone)::date) FILTER (WHERE d.ends_at > now()) AS ends_on,
		bool_or(EXISTS (
			SELECT
			FROM athar.effect_measurement AS m
			WHERE m.effect_id = e.id
				AND (m.cutover, m.span, m.washout, m.is_season_matched) = (d.cutover, d.span, d.washout, d.season_matched)
				AND m.measured_at >= d.ends_at
				AND m.verdict IN ('improved', 'worsened', 'no_clear_change'))) AS is_measured
	FROM athar.effect AS e
	JOIN athar.kpi AS k ON k.id = e.kpi_id
	LEFT JOIN athar.effect_designs(ARRAY(SELECT x.id FROM athar.effect AS x WHERE x.action_id = ANY (action_evidence.action_ids))) AS d ON d.effect_id = e.id
	WHERE e.action_id = ANY (action_evidence.action_ids)
		AND NOT e.is_withdrawn
	GROUP BY e.action_id
)
SELECT a.id, r.requirement, coalesce(r.is_met, false), r.note
FROM athar.action AS a
LEFT JOIN expected AS e ON e.action_id = a.id
LEFT JOIN part AS p ON p.action_id = a.id
-- what only holds others is measured by them
CROSS JOIN LATERAL (SELECT
	e.action_id IS NULL AND coalesce(p.is_done, false),
	e.action_id IS NULL AND coalesce(p.is_verified, false)) AS h (is_done, is_verified)
CROSS JOIN LATERAL (VALUES
	('kpi', e.action_id IS NOT NULL OR h.is_done, NULL),
	('target', e.has_target OR h.is_done, NULL),
	('live', e.is_live OR h.is_verified, NULL),
	('window', e.is_over OR h.is_verified, to_char(e.ends_on, 'YYYY-MM-DD')),
	('measured', e.is_measured OR h.is_verified, NULL)) AS r (requirement, is_met, note)
WHERE a.id = ANY (action_evidence.action_ids);
END;
COMMENT ON FUNCTION athar.action_evidence(integer[]) IS
'What of the evidence that gates ask for these actions have, one row for each action and requirement. kpi: the plan names a KPI for it; target: one of them has a target; live: live_on has come; window: the time compared is over for each KPI (note: the day on which it will be); measured: one effect was measured after that, with a verdict other than insufficient_data and not_comparable. An item without KPIs that holds others has what they have: the first two where all of them that are not cancelled are done or verified, the rest where all are verified.';

CREATE OR REPLACE FUNCTION athar.project_evidence(project_ids integer[])
RETURNS TABLE (project_id integer, requirement text, is_met boolean, note text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 10
SET jit = off
BEGIN ATOMIC
WITH own AS MATERIALIZED (
	SELECT a.id, a.project_id, a.item_id, a.ordinal, a.service_id, a.owner_id, a.parent_item_id
	FROM athar.action AS a
	WHERE a.project_id = ANY (project_evidence.project_ids)
		AND a.removed_in_version IS NULL
		AND a.status <> 'cancelled'
), held AS (
	SELECT DISTINCT o.project_id, o.parent_item_id
	FROM own AS o
), step AS (
	SELECT
		o.project_id,
		bool_or(o.service_id IS NOT NULL) AS has_service,
		string_agg(o.item_id, ', ' ORDER BY o.ordinal) FILTER (WHERE o.owner_id IS NULL AND h.project_id IS NULL) AS unowned,
		bool_or(EXISTS (SELECT FROM athar.effect AS e WHERE e.action_id = o.id AND e.target IS NOT NULL AND NOT e.is_withdrawn)) AS has_target
	FROM own AS o
	LEFT JOIN held AS h ON h.project_id = o.project_id AND h.parent_item_id = o.item_id
	GROUP BY o.project_id
), lasting AS (
	SELECT
		p.id AS project_id,
		count(*) AS checks,
		count(*) FILTER (WHERE s.days >= 180) AS late_checks
	FROM athar.project AS p
	JOIN athar.sustained_effects AS s ON s.project = p.code
	WHERE p.id = ANY (project_evidence.project_ids)
		AND s.verdict IN ('sustained', 'growing')
		-- what has faded since speaks for nothing
		AND NOT EXISTS (
			SELECT
			FROM athar.sustained_effects AS f
			WHERE (f.project, f.action, f.kpi) = (s.project, s.action, s.kpi) AND f.days > s.days AND f.verdict = 'faded')
	GROUP BY p.id
)
SELECT p.id, r.requirement, coalesce(r.is_met, false), r.note
FROM athar.project AS p
LEFT JOIN step AS s ON s.project_id = p.id
LEFT JOIN lasting AS l ON l.project_id = p.id
CROSS JOIN LATERAL (VALUES
	('service', s.has_service, NULL),
	('owner', s.project_id IS NOT NULL AND s.unowned IS NULL, left(s.unowned, 200)),
	('target', s.has_target, NULL),
	('sustained', l.checks >= 2, coalesce(l.checks, 0)::text),
	('lasting', l.late_checks >= 2, coalesce(l.late_checks, 0)::text)) AS r (requirement, is_met, note)
WHERE p.id = ANY (project_evidence.project_ids);
END;
COMMENT ON FUNCTION athar.project_evidence(integer[]) IS
'What of the evidence that gates ask for these projects have, one row for each project and requirement, from the actions of the newest version that are not cancelled. service: one action names a service; owner: each action that holds no others has an owner (note: those without); target: one action has a KPI with a target; sustained: two checks in sustained_effects say sustained or growing, of effects that have not faded since (note: how many); lasting: two of these after 180 days or later.';

CREATE OR REPLACE FUNCTION athar.plan_gates(project text)
RETURNS TABLE (item_id text, step text, requirement text, is_met boolean, words text, words_ar text, note text)
LANGUAGE SQL STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
-- in a statement of its own: over an empty table a condition is not looked at
SELECT athar.project_id(plan_gates.project);
WITH own AS (
	SELECT 0 AS ordinal, NULL::text AS item_id, 'project' AS subject, e.requirement, e.is_met, e.note
	FROM athar.project_evidence(ARRAY(SELECT j.id FROM athar.project AS j WHERE j.code = plan_gates.project)) AS e
	UNION ALL
	SELECT a.ordinal, a.item_id, 'action', e.requirement, e.is_met, e.note
	FROM athar.action_evidence(ARRAY(
		SELECT a.id
		FROM athar.action AS a
		JOIN athar.project AS j ON j.id = a.project_id
		WHERE j.code = plan_gates.project AND a.removed_in_version IS NULL AND a.status <> 'cancelled')) AS e
	JOIN athar.action AS a ON a.id = e.action_id
)
SELECT o.item_id, g.step, g.requirement, o.is_met, g.words, g.words_ar, o.note
FROM own AS o
JOIN athar.gates AS g USING (subject, requirement)
ORDER BY o.ordinal, g.ordinal;
END;
COMMENT ON FUNCTION athar.plan_gates(text) IS
'How a project and its actions stand before each gate: one row for each step and requirement, the project first (item_id NULL), then the actions that are not cancelled in the order of the plan. is_met; the requirement in words (gates); note: the day on which the time compared will be over, the actions without an owner, the number of checks. 42704 for an unknown project; no row for NULL.';

CREATE OR REPLACE FUNCTION athar.check_gates(subject text, attribute text, ids integer[])
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH own AS (
	SELECT 'action ' || athar.quoted(a.item_id) || ' of project ' || athar.quoted(j.code) AS name, a.item_id AS short_name,
		a.project_id, a.ordinal, a.status AS step, e.requirement, e.is_met, e.note
	FROM athar.action_evidence(CASE check_gates.subject WHEN 'action' THEN check_gates.ids END) AS e
	JOIN athar.action AS a ON a.id = e.action_id
	JOIN athar.project AS j ON j.id = a.project_id
	UNION ALL
	SELECT 'project ' || athar.quoted(j.code), j.code, j.id, 0,
		CASE check_gates.attribute WHEN 'maturity' THEN j.maturity ELSE j.status END, e.requirement, e.is_met, e.note
	FROM athar.project_evidence(CASE check_gates.subject WHEN 'project' THEN check_gates.ids END) AS e
	JOIN athar.project AS j ON j.id = e.project_id
), missing AS (
	SELECT o.name, o.step, o.project_id, o.ordinal,
		o.short_name || ': ' || string_agg(g.words || coalesce(' (' || o.note || ')', ''), '; '
			ORDER BY g.ordinal) AS words
	FROM own AS o
	JOIN athar.gates AS g ON g.subject = check_gates.subject AND g.step = o.step AND g.requirement = o.requirement
	WHERE NOT o.is_met
	GROUP BY o.project_id, o.ordinal, o.name, o.short_name, o.step
)
SELECT athar.fail('AT004',
	CASE WHEN count(*) = 1 THEN min(m.name) || ' cannot become ' || min(m.step) ELSE count(*) || ' actions lack the evidence for their status' END,
	'What is missing:' || E'\n' || string_agg(m.words, E'\n' ORDER BY m.project_id, m.ordinal) FILTER (WHERE m.place <= 1000)
		|| CASE WHEN count(*) > 1000 THEN E'\n... and of ' || count(*) - 1000 || ' more' ELSE '' END || E'\nNothing was changed.',
	'Leave the ' || check_gates.attribute || ' as it was until that is there; plan_gates() tells how each item stands.')
FROM (SELECT m.*, row_number() OVER (ORDER BY m.project_id, m.ordinal) AS place FROM missing AS m) AS m
HAVING count(*) > 0;
END;
COMMENT ON FUNCTION athar.check_gates(text, text, integer[]) IS
'Raises AT004 where one of these actions, or projects (subject), has a status or maturity (attribute) whose gate it does not pass; the detail names everything that is missing, of the first thousand of them. NULL if nothing is. Called by the triggers when a status changes.';

CREATE OR REPLACE FUNCTION athar.keep_gates()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_keep_gates';
COMMENT ON FUNCTION athar.keep_gates() IS 'Trigger: refuses with AT004 a status, or maturity, whose gate is not passed; silent while a dump is restored. What had it before is not asked again';

-- Their names come after follow_actions_...: effects are made, and measured, before they are asked for.
CREATE OR REPLACE TRIGGER keep_gates_inserted
	AFTER INSERT ON athar.action
	REFERENCING NEW TABLE AS new_actions
	FOR EACH STATEMENT EXECUTE FUNCTION athar.keep_gates('action', 'status');
COMMENT ON TRIGGER keep_gates_inserted ON athar.action IS 'New actions pass the gate of their status';

CREATE OR REPLACE TRIGGER keep_gates_updated
	AFTER UPDATE ON athar.action
	REFERENCING OLD TABLE AS old_actions NEW TABLE AS new_actions
	FOR EACH STATEMENT EXECUTE FUNCTION athar.keep_gates('action', 'status');
COMMENT ON TRIGGER keep_gates_updated ON athar.action IS 'Actions whose status changes pass its gate';

CREATE OR REPLACE TRIGGER keep_gates_begun
	AFTER INSERT ON athar.project
	FOR EACH ROW WHEN (NEW.status <> 'draft') EXECUTE FUNCTION athar.keep_gates('project', 'status');
COMMENT ON TRIGGER keep_gates_begun ON athar.project IS 'A project that is no draft has passed the gate of its status';

CREATE OR REPLACE TRIGGER keep_gates_status
	AFTER UPDATE OF status ON athar.project
	FOR EACH ROW WHEN (OLD.status = 'draft' AND NEW.status <> 'draft') EXECUTE FUNCTION athar.keep_gates('project', 'status');
COMMENT ON TRIGGER keep_gates_status ON athar.project IS 'A project that leaves draft passes the gate of its status';

CREATE OR REPLACE TRIGGER keep_gates_known
	AFTER INSERT ON athar.project
	FOR EACH ROW WHEN (NEW.maturity <> 'pilot') EXECUTE FUNCTION athar.keep_gates('project', 'maturity');
COMMENT ON TRIGGER keep_gates_known ON athar.project IS 'A project that is no pilot has passed the gate of its maturity';

CREATE OR REPLACE TRIGGER keep_gates_maturity
	AFTER UPDATE OF maturity ON athar.project
	FOR EACH ROW WHEN (NEW.maturity <> OLD.maturity) EXECUTE FUNCTION athar.keep_gates('project', 'maturity');
COMMENT ON TRIGGER keep_gates_maturity ON athar.project IS 'A project passes the gate of its maturity';

-- Steps of a project

CREATE OR REPLACE FUNCTION athar.set_project_status(project text, status text, reason text)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET athar.reason = ''
BEGIN ATOMIC
SELECT set_config('athar.reason', set_project_status.reason, true);
SELECT athar.fail('AT001', 'a reason is required', 'The project stays as it is.', 'Say in the argument reason why its status changes.')
WHERE coalesce(set_project_status.reason, '') !~ '[^[:space:]]';
SELECT athar.writable_project(set_project_status.project);
SELECT athar.fail('22023', 'unknown status ' || coalesce(athar.quoted(set_project_status.status), 'NULL') || ' of a project',
	'The project stays as it is.', 'Use draft, active or closed.')
WHERE coalesce(set_project_status.status, '') NOT IN ('draft', 'active', 'closed');
SELECT athar.check_project(set_project_status.project);
WITH changed AS (
	UPDATE athar.project AS j
	SET status = set_project_status.status
	WHERE j.code = set_project_status.project AND j.status <> set_project_status.status
	RETURNING j.id
)
SELECT EXISTS (SELECT FROM changed);
END;
COMMENT ON FUNCTION athar.set_project_status(text, text, text) IS
'Makes a project draft, active or closed, for a reason; true if that was a change. Whatever leaves draft passes a gate (see gates): an action that improves a service, an owner of each action, a KPI with a target. A closed project is no longer followed up in overdue; it can be opened again.
Errors: AT004 with everything that is missing in the detail; AT001 without a reason; 22023 for another status or without a project; 42704 for an unknown project.';

CREATE OR REPLACE FUNCTION athar.set_project_maturity(project text, maturity text, reason text)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET athar.reason = ''
BEGIN ATOMIC
SELECT set_config('athar.reason', set_project_maturity.reason, true);
SELECT athar.fail('AT001', 'a reason is required', 'The project stays as it is.', 'Say in the argument reason why its maturity changes.')
WHERE coalesce(set_project_maturity.reason, '') !~ '[^[:space:]]';
SELECT athar.writable_project(set_project_maturity.project);
SELECT athar.fail('22023', 'unknown maturity ' || coalesce(athar.quoted(set_project_maturity.maturity), 'NULL') || ' of a project',
	'The project stays as it is.', 'Use pilot, scaled or institutional.')
WHERE coalesce(set_project_maturity.maturity, '') NOT IN ('pilot', 'scaled', 'institutional');
SELECT athar.check_project(set_project_maturity.project);
SELECT j.id
FROM athar.project AS j
WHERE j.code = set_project_maturity.project
FOR NO KEY UPDATE;
SELECT athar.fail('22023', 'project ' || athar.quoted(j.code) || ' is a pilot and cannot become institutional',
	'The project stays as it is.', 'Make it scaled first: what is to last has been tried at scale.')
FROM athar.project AS j
WHERE j.code = set_project_maturity.project AND j.maturity = 'pilot' AND set_project_maturity.maturity = 'institutional';
WITH changed AS (
	UPDATE athar.project AS j
	SET maturity = set_project_maturity.maturity
	WHERE j.code = set_project_maturity.project AND j.maturity <> set_project_maturity.maturity
	RETURNING j.id
)
SELECT EXISTS (SELECT FROM changed);
END;
COMMENT ON FUNCTION athar.set_project_maturity(text, text, text) IS
'Moves a project from pilot to scaled and from scaled to institutional, for a reason, or back; true if that was a change. Each step forward passes a gate (see gates): two checks of sustained_effects that found an effect sustained or growing, and for institutional two that did after half a year or later.
Errors: AT004 with what is missing in the detail; AT001 without a reason; 22023 for another maturity, for a pilot that would become institutional at once or without a project; 42704 for an unknown project.';
