-- 51 save: documents saved and merged; nothing anybody wrote is lost

-- Merging

CREATE OR REPLACE FUNCTION athar.plan_rules()
RETURNS jsonb
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN jsonb '{"/items": "keyed:id", "/items/*/kpis": "keyed:kpi", "/items/*/depends_on": "refset:/items", "/items/*/parent": "ref:/items", "/items/*/steps": "atomic"}';
COMMENT ON FUNCTION athar.plan_rules() IS
'How the parts of a plan document are merged, as json_merge3() reads it: items by id, their KPIs by code, what they depend on as a set, parents as references, steps as one value; all else field by field.';

CREATE OR REPLACE FUNCTION athar.value_at(document jsonb, path text)
RETURNS jsonb
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
WITH RECURSIVE token AS (
	SELECT t.ordinality AS n, replace(replace(t.token, '~1', '/'), '~0', '~') AS name,
		CASE WHEN lag(t.token) OVER (ORDER BY t.ordinality) = 'kpis' THEN 'kpi' ELSE 'id' END AS key
	FROM unnest((string_to_array(value_at.path, '/'))[2:]) WITH ORDINALITY AS t (token, ordinality)
), step (n, value) AS (
	SELECT 0::bigint, value_at.document
	UNION ALL
	SELECT t.n, CASE WHEN jsonb_typeof(s.value) = 'array'
		THEN (SELECT e.value FROM jsonb_array_elements(s.value) AS e (value) WHERE e.value ->> t.key = t.name LIMIT 1)
		ELSE s.value -> t.name END
	FROM step s
	JOIN token t ON t.n = s.n + 1
)
SELECT s.value
FROM step s
WHERE s.n = (SELECT count(*) FROM token);
END;
COMMENT ON FUNCTION athar.value_at(jsonb, text) IS
'The value at a path of a plan document, as conflicts name it: a JSON pointer in which an item stands by its id and a KPI of an item by its code (/items/A1/kpis/wait/target). NULL where there is none.';

CREATE OR REPLACE FUNCTION athar.with_lists(document jsonb, keys text[])
RETURNS jsonb
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN with_lists.document || (SELECT coalesce(jsonb_object_agg(k.key, athar.list_of(with_lists.document, k.key)), '{}') FROM unnest(with_lists.keys) AS k (key));
COMMENT ON FUNCTION athar.with_lists(jsonb, text[]) IS
'An object with arrays under the keys given: those it has, and empty ones instead of nothing or something else.';

CREATE OR REPLACE FUNCTION athar.broken_by_merge(base jsonb, ours jsonb, theirs jsonb, merged jsonb, conflicts jsonb)
RETURNS jsonb
LANGUAGE SQL STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
WITH fault AS (
	SELECT p.part, p.field, f.fault, row_number() OVER () AS place
	FROM athar.validate_plan(broken_by_merge.merged) AS f
	CROSS JOIN LATERAL (SELECT string_to_array(f.path, '/') AS tokens) AS t
	CROSS JOIN LATERAL (SELECT array_to_string(t.tokens[:CASE WHEN t.tokens[2] = 'items' THEN 3 ELSE 2 END], '/') AS part,
		CASE WHEN t.tokens[2] = 'items' THEN t.tokens[4] END AS field) AS p
	-- what is in conflict is not merged yet, and references are told as dangling or cycle
	WHERE NOT EXISTS (SELECT
		FROM jsonb_array_elements(broken_by_merge.conflicts) AS c (value)
		WHERE p.field IN ('parent', 'depends_on') OR starts_with((c.value ->> 'path') || '/', p.part || '/'))
), suspect AS (
	SELECT f.place, w.path, f.fault, d.is_different OR row_number() OVER (PARTITION BY f.place ORDER BY d.is_different DESC, g.field IS DISTINCT FROM f.field) = 1 AS is_told
	FROM fault f
	CROSS JOIN LATERAL unnest(CASE
		WHEN f.field IN ('starts_on', 'due_on', 'live_on') THEN ARRAY['starts_on', 'due_on', 'live_on']
		WHEN f.field IN ('service', 'stage') THEN ARRAY['service', 'stage']
		ELSE ARRAY[f.field] END) AS g (field)
	CROSS JOIN LATERAL (SELECT f.part || coalesce('/' || g.field, '') AS path) AS w
	CROSS JOIN LATERAL (SELECT athar.value_at(broken_by_merge.ours, w.path) IS DISTINCT FROM athar.value_at(broken_by_merge.theirs, w.path) AS is_different) AS d
), told AS (
	SELECT s.path, min(s.place) AS place, string_agg(DISTINCT s.fault, '; ' ORDER BY s.fault) AS fault
	FROM suspect s
	WHERE s.is_told
	GROUP BY s.path
)
SELECT coalesce(jsonb_agg(jsonb_build_object('path', t.path, 'kind', 'invalid', 'fault', t.fault)
	|| (SELECT coalesce(jsonb_object_agg(v.side, v.value), '{}')
		FROM (VALUES ('base', athar.value_at(broken_by_merge.base, t.path)),
			('ours', athar.value_at(broken_by_merge.ours, t.path)),
			('theirs', athar.value_at(broken_by_merge.theirs, t.path))) AS v (side, value)
		WHERE v.value IS NOT NULL)
	ORDER BY t.place, t.path), '[]')
FROM told t;
END;
COMMENT ON FUNCTION athar.broken_by_merge(jsonb, jsonb, jsonb, jsonb, jsonb) IS
'What is wrong with a merged plan document though each side was right, as conflicts of kind invalid: path, fault in words, base, ours, theirs. Of fields that are checked together (dates; service and stage) those are told in which the sides differ. Parts that are in one of the conflicts given are left out. An empty array if nothing is wrong.';

CREATE OR REPLACE FUNCTION athar.merge_plans(base jsonb, ours jsonb, theirs jsonb, answers jsonb DEFAULT '[]', OUT merged jsonb, OUT conflicts jsonb)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH result AS MATERIALIZED (
	SELECT m.merged, m.conflicts
	-- a side without a list of items has an empty one, where another side has items
	FROM (SELECT CASE WHEN '[]' = ALL (ARRAY[athar.list_of(merge_plans.base, 'items'), athar.list_of(merge_plans.ours, 'items'), athar.list_of(merge_plans.theirs, 'items')])
		THEN ARRAY[]::text[] ELSE ARRAY['items'] END AS keys) AS l
	CROSS JOIN LATERAL athar.json_merge3(athar.with_lists(merge_plans.base, l.keys), athar.with_lists(merge_plans.ours, l.keys),
		athar.with_lists(merge_plans.theirs, l.keys), athar.plan_rules(), merge_plans.answers) AS m
	WHERE merge_plans.ours NOT IN (merge_plans.base, merge_plans.theirs) AND merge_plans.theirs <> merge_plans.base
)
SELECT CASE WHEN merge_plans.theirs = merge_plans.base THEN merge_plans.ours ELSE merge_plans.theirs END, jsonb '[]'
WHERE NOT EXISTS (SELECT FROM result)
UNION ALL
SELECT r.merged, r.conflicts || athar.broken_by_merge(merge_plans.base, merge_plans.ours, merge_plans.theirs, r.merged, r.conflicts)
FROM result r;
END;
COMMENT ON FUNCTION athar.merge_plans(jsonb, jsonb, jsonb, jsonb) IS
'Two versions of a plan document, made of the same base, into one, by the rules of plan_rules(): merged and conflicts as json_merge3() answers them, and conflicts of kind invalid where the parts agree and the whole would have faults. answers are conflicts with their resolutions, which are then settled so. The sides have no faults themselves. Errors as json_merge3().';

CREATE OR REPLACE FUNCTION athar.moved(places integer[])
RETURNS integer[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_moved';
COMMENT ON FUNCTION athar.moved(integer[]) IS
'Old places of items listed in their new order; answers the old places of those that were moved, so few as can be (the rest is a longest increasing subsequence; of several, the one whose items stood earliest). NULL for NULL; 22023 for NULLs among the places.';

CREATE OR REPLACE FUNCTION athar.changed_places(old_items integer[], new_items integer[])
RETURNS TABLE (revision integer, old_place integer, new_place integer, before integer)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'athar_changed_places';
COMMENT ON FUNCTION athar.changed_places(integer[], integer[]) IS
'Of two lists of item revisions, as plan_version has them, each revision that is in one of them alone or at another place, once: its places from 1 (NULL in the list without it), and the revision before it in the new list. No row for NULL; 22023 for NULLs in a list. A revision is in a list once at most.';

CREATE OR REPLACE FUNCTION athar.tell_authors(project_id integer, base_version integer, head_version integer, conflicts jsonb)
RETURNS jsonb
LANGUAGE SQL STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
WITH conflict AS MATERIALIZED (
	SELECT c.ordinality, c.value AS conflict, c.value ->> 'kind' AS kind, p.item_id, p.rest,
		ARRAY(SELECT i.id FROM jsonb_array_elements_text(athar.list_of(c.value, 'ids')) AS i (id)) AS ids
	FROM jsonb_array_elements(tell_authors.conflicts) WITH ORDINALITY AS c (value, ordinality)
	CROSS JOIN LATERAL (SELECT
		CASE WHEN starts_with(c.value ->> 'path', '/items/') THEN replace(replace(split_part(c.value ->> 'path', '/', 3), '~1', '/'), '~0', '~') END AS item_id,
		regexp_replace(c.value ->> 'path', '^/items/[^/]*', '') AS rest) AS p
), step AS MATERIALIZED (
	SELECT n.version, n.items AS new_items, n.header AS new_header, o.items AS old_items, o.header AS old_header
	FROM athar.plan_version n
	JOIN athar.plan_version o ON o.project_id = n.project_id AND o.version = n.version - 1
	WHERE n.project_id = tell_authors.project_id AND n.version > tell_authors.base_version AND n.version <= tell_authors.head_version
), side AS MATERIALIZED (
	SELECT s.version, r.old_place, i.item_id, i.document
	FROM step s
	CROSS JOIN LATERAL athar.changed_places(s.old_items, s.new_items) AS r
	JOIN athar.plan_item i ON i.project_id = tell_authors.project_id AND i.revision = r.revision
	WHERE r.old_place IS NULL OR r.new_place IS NULL
), change AS MATERIALIZED (
	SELECT version, item_id, g.document AS old, f.document AS new
	FROM (SELECT n.version, n.item_id, n.document FROM side n WHERE n.old_place IS NULL) AS f
	FULL JOIN (SELECT o.version, o.item_id, o.document FROM side o WHERE o.old_place IS NOT NULL) AS g USING (version, item_id)
	UNION ALL
	SELECT s.version, NULL, s.old_header, s.new_header
	FROM step s
	WHERE s.old_header <> s.new_header
), move AS (
	SELECT s.version, p.item_ids ->> m.place::text AS item_id
	FROM step s
	CROSS JOIN LATERAL (
		SELECT athar.moved(array_agg(o.place::integer ORDER BY n.place)) AS moved, jsonb_object_agg(o.place, o.item_id) AS item_ids
		FROM (SELECT r.place, i.item_id
			FROM unnest(s.old_items) WITH ORDINALITY AS r (revision, place)
			JOIN athar.plan_item i ON i.project_id = tell_authors.project_id AND i.revision = r.revision) AS o
		JOIN (SELECT r.place, i.item_id
			FROM unnest(s.new_items) WITH ORDINALITY AS r (revision, place)
			JOIN athar.plan_item i ON i.project_id = tell_authors.project_id AND i.revision = r.revision) AS n USING (item_id)) AS p
	CROSS JOIN LATERAL unnest(p.moved) AS m (place)
	WHERE EXISTS (SELECT FROM conflict c WHERE c.kind = 'move/move')
), candidate AS (
	-- nearest what is in conflict first: the value, its item, the plan
	SELECT c.ordinality, h.version, CASE
		WHEN c.kind = 'dangling' AND h.item_id = ANY (c.ids) THEN h.new IS NULL
		WHEN h.item_id IS NOT DISTINCT FROM c.item_id OR c.kind = 'cycle' THEN athar.value_at(h.old, c.rest) IS DISTINCT FROM athar.value_at(h.new, c.rest)
		ELSE false END AS is_it
	FROM conflict c
	JOIN change h ON h.item_id IS NOT DISTINCT FROM c.item_id OR h.item_id = ANY (c.ids)
	WHERE c.kind <> 'move/move'
	UNION ALL
	SELECT c.ordinality, m.version, true
	FROM conflict c
	JOIN move m ON m.item_id = c.item_id
	WHERE c.kind = 'move/move'
), theirs AS (
	SELECT n.ordinality, coalesce(max(n.version) FILTER (WHERE n.is_it), max(n.version)) AS version
	FROM candidate n
	GROUP BY n.ordinality
)
SELECT coalesce(jsonb_agg(c.conflict || jsonb_build_object('their_version', v.version, 'their_author', v.author, 'their_reason', v.reason) ORDER BY c.ordinality), '[]')
FROM conflict c
LEFT JOIN theirs t ON t.ordinality = c.ordinality
LEFT JOIN athar.plan_version v ON v.project_id = tell_authors.project_id AND v.version = coalesce(t.version, tell_authors.head_version);
END;
COMMENT ON FUNCTION athar.tell_authors(integer, integer, integer, jsonb) IS
'Conflicts of a document made from base_version with head_version of a plan, each with who last made the plan''s side of it: their_version, their_author, their_reason. That is the newest version since base_version that changed this value (or moved the item, or removed what is referred to); where their side did not, the newest that changed its item, or else head_version.';

CREATE OR REPLACE FUNCTION athar.merge_with_head(project_id integer, base_version integer, document jsonb, answers jsonb,
	OUT head_version integer, OUT merged jsonb, OUT conflicts jsonb)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT j.head_version, merge_with_head.document, jsonb '[]'
FROM athar.project j
WHERE j.id = merge_with_head.project_id AND j.head_version = merge_with_head.base_version
UNION ALL
SELECT j.head_version, m.merged, CASE WHEN m.conflicts = '[]' THEN m.conflicts ELSE athar.tell_authors(j.id, merge_with_head.base_version, j.head_version, m.conflicts) END
FROM athar.project j
CROSS JOIN LATERAL athar.merge_plans(athar.plan_document(j.id, merge_with_head.base_version), merge_with_head.document,
	athar.plan_document(j.id, j.head_version), merge_with_head.answers) AS m
WHERE j.id = merge_with_head.project_id AND j.head_version > merge_with_head.base_version;
END;
COMMENT ON FUNCTION athar.merge_with_head(integer, integer, jsonb, jsonb) IS
'A document made from base_version merged with the newest version of a plan: head_version, which that is, merged and conflicts, each with the version, author and reason of the other side. Saves nothing.';

CREATE OR REPLACE FUNCTION athar.keep_draft(project_id integer, base_version integer, document jsonb, reason text, on_conflict text, draft integer, conflicts jsonb)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
SELECT athar.fail('AT002', 'the plan of project ' || athar.quoted(j.code) || ' has changed since version ' || keep_draft.base_version, keep_draft.conflicts::text,
	'Read version ' || j.head_version || ' and make the change on it, or save with on_conflict ''draft'', which keeps the text. Nothing was saved.')
FROM athar.project j
WHERE keep_draft.on_conflict = 'error' AND j.id = keep_draft.project_id;
INSERT INTO athar.plan_draft (project_id, base_version, document, author, reason, saved_at)
SELECT keep_draft.project_id, keep_draft.base_version, keep_draft.document, athar.current_actor(), keep_draft.reason, clock_timestamp()
WHERE keep_draft.draft IS NULL;
WITH kept AS (
	SELECT coalesce(keep_draft.draft, (SELECT max(d.id) FROM athar.plan_draft d WHERE d.project_id = keep_draft.project_id)) AS id
), told AS (
	SELECT k.id, c.ordinality, c.value, o.id AS conflict_id
	FROM kept k
	CROSS JOIN jsonb_array_elements(keep_draft.conflicts) WITH ORDINALITY AS c (value, ordinality)
	LEFT JOIN athar.plan_conflict o ON o.draft_id = k.id AND o.path = c.value ->> 'path' AND o.kind = c.value ->> 'kind'
		AND o.conflict -> 'ids' IS NOT DISTINCT FROM c.value -> 'ids'
), reopened AS (
	UPDATE athar.plan_conflict o
	SET conflict = t.value, their_version = (t.value ->> 'their_version')::integer, resolution = NULL, value = NULL, resolved_at = NULL, resolved_by = NULL
	FROM told t
	WHERE o.id = t.conflict_id
), opened AS (
	INSERT INTO athar.plan_conflict (draft_id, path, kind, conflict, their_version)
	SELECT t.id, t.value ->> 'path', t.value ->> 'kind', t.value, (t.value ->> 'their_version')::integer
	FROM told t
	WHERE t.conflict_id IS NULL
	ORDER BY t.ordinality
)
SELECT k.id
FROM kept k;
END;
COMMENT ON FUNCTION athar.keep_draft(integer, integer, jsonb, text, text, integer, jsonb) IS
'What becomes of a document that is in conflict with the plan: it is kept as a new draft, or as the draft given, with the conflicts open; answers its number. With on_conflict error raises AT002 with the conflicts and keeps nothing. The caller has locked the project''s row in an earlier statement.';

CREATE OR REPLACE FUNCTION athar.settle_draft(project_id integer, base_version integer, document jsonb, reason text, draft integer, answers jsonb)
RETURNS athar.plan_outcome
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_settle_draft';
COMMENT ON FUNCTION athar.settle_draft(integer, integer, jsonb, text, integer, jsonb) IS
'Brings the document of a draft, which was made from base_version, into its plan as save_plan() does, once more: the answers settle conflicts of the merge before; new ones are kept with the same draft.';

-- Saving

CREATE OR REPLACE FUNCTION athar.check_change(project text, base_version integer, reason text, on_conflict text)
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.fail('AT001', 'a reason is required', 'The plan was not saved.', 'Say in the argument reason why the plan changes.')
WHERE coalesce(check_change.reason, '') !~ '[^[:space:]]';
SELECT athar.fail('22023', 'unknown on_conflict ' || coalesce(athar.quoted(check_change.on_conflict), 'NULL'), 'The plan was not saved.',
	'Use ''draft'' to keep the text of a save in conflict, or ''error'' to have the conflicts raised.')
WHERE coalesce(check_change.on_conflict, '') NOT IN ('draft', 'error');
SELECT athar.fail('22023', 'a project is required', 'The plan was not saved.', 'Pass the code of the project.')
WHERE check_change.project IS NULL;
SELECT athar.project_id(check_change.project);
SELECT athar.fail('22023', CASE WHEN check_change.base_version IS NULL THEN 'a base version is required'
		ELSE 'project ' || athar.quoted(j.code) || ' has no version ' || check_change.base_version END,
	'The plan was not saved. Its newest version is ' || j.head_version || '.',
	'Pass the version that was read and edited; plan_history() lists all.')
FROM athar.project j
WHERE j.code = check_change.project AND coalesce(check_change.base_version, 0) NOT BETWEEN 1 AND j.head_version;
END;
COMMENT ON FUNCTION athar.check_change(text, integer, text, text) IS
'Raises what is wrong with the arguments of a change of a plan: AT001 without a reason; 22023 without a project, for a base version that is missing or does not exist, and for another on_conflict than draft and error; 42704 for an unknown project. NULL otherwise.';

CREATE OR REPLACE FUNCTION athar.create_project(code text, name text, unit text, document jsonb, reason text, name_ar text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET athar.reason = ''
SET jit = off
BEGIN ATOMIC
SELECT set_config('athar.reason', create_project.reason, true);
SELECT athar.fail('AT001', 'a reason is required', 'The project was not created.', 'Say in the argument reason why it is begun.')
WHERE coalesce(create_project.reason, '') !~ '[^[:space:]]';
SELECT athar.check_definition('project', create_project.code, create_project.name);
SELECT athar.fail('22023', 'a unit is required', 'The project was not created.', 'Pass the code of the unit that is accountable for it.')
WHERE create_project.unit IS NULL;
SELECT athar.check_acting(create_project.unit);
SELECT athar.fail('23505', 'the code ' || athar.quoted(create_project.code) || ' is taken',
	'Nothing was created: a code means one project of all there are, seen or not.',
	CASE WHEN athar.sees_project(j.id) THEN 'Save a new version of its plan with save_plan(), or choose another code.' ELSE 'Choose another code.' END)
FROM athar.project j
WHERE j.code = create_project.code;
SELECT athar.check_plan(create_project.document);
INSERT INTO athar.project (code, name, name_ar, unit_id)
VALUES (create_project.code, create_project.name, create_project.name_ar, athar.unit_id(create_project.unit));
INSERT INTO athar.participant (project_id, unit_id, role)
SELECT j.id, j.unit_id, 'accountable'
FROM athar.project j
WHERE j.code = create_project.code;
SELECT athar.begin_plan(j.id, create_project.document, create_project.reason)
FROM athar.project j
WHERE j.code = create_project.code;
SELECT j.id
FROM athar.project j
WHERE j.code = create_project.code;
END;
COMMENT ON FUNCTION athar.create_project(text, text, text, jsonb, text, text) IS
'Begins an improvement project: its code, name, accountable unit (code), plan document (which becomes version 1) and the reason; name_ar is optional. Returns its internal key.
Errors: AT001 without a reason; 22023 without code, name or unit, or for a document with faults (all are named, see validate_plan()); 42704 for an unknown unit; AT005 for a unit the caller does not act for; 23505 if the code is taken, also by a project that the caller may not see: no more is told of that one.';

CREATE OR REPLACE FUNCTION athar.save_plan(project text, document jsonb, base_version integer, reason text, on_conflict text DEFAULT 'draft')
RETURNS athar.plan_outcome
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET athar.reason = ''
SET jit = off
AS 'MODULE_PATHNAME', 'athar_save_plan';
COMMENT ON FUNCTION athar.save_plan(text, jsonb, integer, text, text) IS
'Saves a plan document as the next version of a project''s plan. base_version is the version its author had read; the reason is required.
status: saved (version is the new one); merged (others saved since base_version: version is the new one, with their changes and these); unchanged (it says what the plan says already: no version is made); conflict (others changed the same since base_version, and differently: version is theirs, the text is kept as the draft named, conflicts says what about; see resolve_conflict(), merge_draft()). conflicts is an empty array otherwise.
A conflict: path, kind, base, ours, theirs, as json_merge3() tells it, or of kind invalid with the fault that the merged plan would have, and their_version, their_author, their_reason.
on_conflict => error raises AT002 with the conflicts in the detail instead, and keeps nothing. Errors: AT001 without a reason; 42704 for an unknown project; 22023 for a document with faults (all are named, see validate_plan()), a base version that is missing or does not exist, another on_conflict;
40001 in REPEATABLE READ where somebody else saved first.';

CREATE OR REPLACE FUNCTION athar.patch_plan(project text, patch jsonb, base_version integer, reason text, on_conflict text DEFAULT 'draft')
RETURNS athar.plan_outcome
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
SELECT athar.check_change(patch_plan.project, patch_plan.base_version, patch_plan.reason, patch_plan.on_conflict);
SELECT athar.fail('22023', 'a patch is required', 'The plan was not saved.', 'Pass a JSON patch, such as json_diff() makes.')
WHERE patch_plan.patch IS NULL;
SELECT s.status, s.version, s.draft, s.conflicts
FROM athar.save_plan(patch_plan.project, athar.json_patch(athar.plan_document(athar.project_id(patch_plan.project), patch_plan.base_version), patch_plan.patch),
	patch_plan.base_version, patch_plan.reason, patch_plan.on_conflict) AS s;
END;
COMMENT ON FUNCTION athar.patch_plan(text, jsonb, integer, text, text) IS
'Saves what a JSON patch (RFC 6902, as json_diff() makes it) makes of base_version, and answers as save_plan() does. Its paths are read against base_version, whatever was saved since: an item is named by its index there (/items/0/due_on), as the RFC says.
Errors: AT010 where it does not apply to base_version, 22023 for what is no patch; otherwise as save_plan().';

CREATE OR REPLACE FUNCTION athar.changed_item(item jsonb, changes jsonb)
RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_changed_item';
COMMENT ON FUNCTION athar.changed_item(jsonb, jsonb) IS
'An item with the values that an object of changes gives to its keys; null takes a key away. NULL if either is NULL.';

CREATE OR REPLACE FUNCTION athar.changed_plan(project text, base_version integer, action_id text, changes jsonb)
RETURNS jsonb
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.fail('22023', 'changes must be an object of keys and their new values', 'The plan was not saved.', 'Such as {"status": "live"}; null takes a key away.')
WHERE jsonb_typeof(changed_plan.changes) IS DISTINCT FROM 'object';
SELECT athar.fail('22023', 'the id of an action cannot be changed', 'The plan was not saved.',
	'Leave id out of the changes. With save_plan() an item can be removed and another one added.')
WHERE changed_plan.changes ? 'id' AND changed_plan.changes -> 'id' IS DISTINCT FROM to_jsonb(changed_plan.action_id);
SELECT athar.fail('42704', 'version ' || changed_plan.base_version || ' of project ' || athar.quoted(changed_plan.project) || ' has no action ' || coalesce(athar.quoted(changed_plan.action_id), 'NULL'),
	'The plan was not saved.', 'The view actions lists those of the newest version; save_plan() and patch_plan() add one.')
WHERE NOT EXISTS (SELECT
	FROM athar.plan_version v
	JOIN athar.plan_item i ON i.project_id = v.project_id AND i.revision = ANY (v.items)
	WHERE v.project_id = athar.project_id(changed_plan.project) AND v.version = changed_plan.base_version AND i.item_id = changed_plan.action_id);
SELECT d.document || jsonb_build_object('items', (
	SELECT jsonb_agg(CASE WHEN i.value ->> 'id' = changed_plan.action_id THEN athar.changed_item(i.value, changed_plan.changes) ELSE i.value END ORDER BY i.ordinality)
	FROM jsonb_array_elements(d.document -> 'items') WITH ORDINALITY AS i (value, ordinality)))
FROM athar.plan_document(athar.project_id(changed_plan.project), changed_plan.base_version) AS d (document);
END;
COMMENT ON FUNCTION athar.changed_plan(text, integer, text, jsonb) IS
'The document of a version with one of its items changed, as changed_item() does. Errors: 42704 for an unknown project or where the version has no such item; 22023 for changes that are no object or would change the id.';

CREATE OR REPLACE FUNCTION athar.set_action(project text, action_id text, changes jsonb, base_version integer, reason text, on_conflict text DEFAULT 'draft')
RETURNS athar.plan_outcome
LANGUAGE C VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET athar.reason = ''
SET jit = off
AS 'MODULE_PATHNAME', 'athar_set_action';
COMMENT ON FUNCTION athar.set_action(text, text, jsonb, integer, text, text) IS
'Changes one action of a plan, and answers as save_plan() does. changes is an object: each of its keys gets the value given, whole; null takes the key away (in a plan JSON null and an absent key mean the same). Keys that are not named stay as they are in base_version, and with what others saved since they are merged.
Errors: 42704 where base_version has no such action; 22023 for changes that are no object or would change the id; otherwise as save_plan().';

CREATE OR REPLACE FUNCTION athar.revert_plan(project text, to_version integer, reason text, base_version integer DEFAULT NULL, on_conflict text DEFAULT 'draft')
RETURNS athar.plan_outcome
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
SELECT athar.check_change(revert_plan.project, coalesce(revert_plan.base_version, 1), revert_plan.reason, revert_plan.on_conflict);
SELECT athar.fail('22023', 'a version is required', 'The plan was not saved.', 'Pass the version to go back to; plan_history() lists all.')
WHERE revert_plan.to_version IS NULL;
SELECT athar.check_version(revert_plan.project, revert_plan.to_version);
SELECT s.status, s.version, s.draft, s.conflicts
FROM athar.project j
-- the newest version as this statement sees it, before it waits for anybody
CROSS JOIN LATERAL athar.save_plan(j.code, athar.plan_document(j.id, revert_plan.to_version), coalesce(revert_plan.base_version, j.head_version),
	revert_plan.reason, revert_plan.on_conflict) AS s
WHERE j.code = revert_plan.project;
END;
COMMENT ON FUNCTION athar.revert_plan(text, integer, text, integer, text) IS
'Makes what a plan said in to_version its next version, and answers as save_plan() does; nothing of its history goes. base_version is the version that the decision was made on, the newest one unless given: what others saved since then stays, and is merged with the return or is in conflict with it.
Errors: 22023 for a version that does not exist, or whose document would not be accepted today (all faults are named); otherwise as save_plan().';

-- Drafts

CREATE OR REPLACE FUNCTION athar.check_draft(draft integer)
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.fail('42704', 'draft ' || check_draft.draft || ' does not exist', 'Nothing was read.', 'The view plan_drafts lists the drafts there are.')
WHERE check_draft.draft IS NOT NULL AND NOT EXISTS (SELECT FROM athar.plan_draft d
	WHERE d.id = check_draft.draft AND (row_security_active('athar.plan_draft'::regclass) OR athar.sees_project(d.project_id)));
END;
COMMENT ON FUNCTION athar.check_draft(integer) IS
'Raises 42704 for a draft that does not exist, or that the caller may not see; NULL if it does, or is NULL.';

CREATE OR REPLACE FUNCTION athar.get_draft(draft integer)
RETURNS jsonb
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.check_draft(get_draft.draft);
SELECT d.document
FROM athar.plan_draft d
WHERE d.id = get_draft.draft;
END;
COMMENT ON FUNCTION athar.get_draft(integer) IS
'The plan document that a draft keeps, as it was to be saved; NULL for NULL, 42704 for an unknown draft.';

CREATE OR REPLACE VIEW athar.plan_drafts
WITH (security_invoker = true)
AS
SELECT d.id AS draft, j.code::text AS project, d.base_version, d.author, d.reason, d.saved_at, d.status,
	count(c.id) AS conflicts, count(c.id) FILTER (WHERE c.resolution IS NULL) AS open_conflicts
FROM athar.plan_draft d
JOIN athar.project j ON j.id = d.project_id
LEFT JOIN athar.plan_conflict c ON c.draft_id = d.id
GROUP BY d.id, j.code;
COMMENT ON VIEW athar.plan_drafts IS 'Plans whose save met a conflict, kept with what they were to say';
COMMENT ON COLUMN athar.plan_drafts.draft IS 'Number of the draft; get_draft() reads its text, plan_conflicts() what stands against it';
COMMENT ON COLUMN athar.plan_drafts.project IS 'Code of the project';
COMMENT ON COLUMN athar.plan_drafts.base_version IS 'The version its author had started from';
COMMENT ON COLUMN athar.plan_drafts.author IS 'Who tried to save it';
COMMENT ON COLUMN athar.plan_drafts.reason IS 'Why';
COMMENT ON COLUMN athar.plan_drafts.saved_at IS 'When';
COMMENT ON COLUMN athar.plan_drafts.status IS 'open, merged or dropped';
COMMENT ON COLUMN athar.plan_drafts.conflicts IS 'Number of its conflicts';
COMMENT ON COLUMN athar.plan_drafts.open_conflicts IS 'Number of them that are not resolved';

CREATE OR REPLACE FUNCTION athar.check_open_draft(draft integer)
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.fail('22023', 'a draft is required', 'Nothing was changed.', 'Pass its number; the view plan_drafts lists the drafts there are.')
WHERE check_open_draft.draft IS NULL;
SELECT athar.check_draft(check_open_draft.draft);
SELECT athar.writable_project(j.code)
FROM athar.plan_draft d
JOIN athar.project j ON j.id = d.project_id
WHERE d.id = check_open_draft.draft;
SELECT athar.fail('55000', 'draft ' || d.id || ' is not open any more',
	CASE d.status WHEN 'merged' THEN 'It was merged and is version ' || d.merged_version || ' of its plan.' ELSE 'It was dropped.' END || ' Nothing was changed.',
	'Its text can still be read with get_draft(), and saved as a new change.')
FROM athar.plan_draft d
WHERE d.id = check_open_draft.draft AND d.status <> 'open';
END;
COMMENT ON FUNCTION athar.check_open_draft(integer) IS
'Raises 22023 for NULL, 42704 for a draft that does not exist, AT005 where the caller may not write its plan, 55000 for one that was merged or dropped; NULL otherwise.';

CREATE OR REPLACE FUNCTION athar.lock_draft(draft integer)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
-- first the project, as everybody who saves: whoever decides and merges in one transaction meets nobody head-on
SELECT j.id
FROM athar.project j
WHERE j.id = (SELECT d.project_id FROM athar.plan_draft d WHERE d.id = lock_draft.draft)
FOR NO KEY UPDATE;
SELECT d.id
FROM athar.plan_draft d
WHERE d.id = lock_draft.draft
FOR NO KEY UPDATE;
END;
COMMENT ON FUNCTION athar.lock_draft(integer) IS
'Locks a draft, and its project before it, until the end of the transaction; nothing for a draft that does not exist.';

CREATE OR REPLACE FUNCTION athar.draft_answers(draft integer)
RETURNS jsonb
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN (
	SELECT coalesce(jsonb_agg(c.conflict || jsonb_build_object('resolution', c.resolution)
		|| CASE WHEN c.value IS NULL THEN '{}' ELSE jsonb_build_object('value', c.value) END), '[]')
	FROM athar.plan_conflict c
	WHERE c.draft_id = draft_answers.draft AND c.resolution IS NOT NULL
);
COMMENT ON FUNCTION athar.draft_answers(integer) IS
'The conflicts of a draft that were resolved, each with its resolution, as merge_plans() takes answers; an empty array if there are none.';

CREATE OR REPLACE FUNCTION athar.resolve_conflict(draft integer, path text, resolution text, value jsonb DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT athar.lock_draft(resolve_conflict.draft);
SELECT athar.check_open_draft(resolve_conflict.draft);
SELECT athar.fail('22023', 'unknown resolution ' || coalesce(athar.quoted(resolve_conflict.resolution), 'NULL'), 'Nothing was changed.',
	'Use ours (the draft''s side), theirs (the plan''s), base, or value with a value.')
WHERE coalesce(resolve_conflict.resolution, '') NOT IN ('ours', 'theirs', 'base', 'value');
SELECT athar.fail('22023', CASE WHEN resolve_conflict.value IS NULL THEN 'resolution "value" needs a value' ELSE 'a value is for resolution "value" alone' END,
	'Nothing was changed.', 'Pass both or neither; where the value is to go, choose the side that has none.')
WHERE (resolve_conflict.resolution = 'value') <> (resolve_conflict.value IS NOT NULL);
SELECT athar.fail('22023', 'draft ' || resolve_conflict.draft || ' has no conflict at ' || coalesce(athar.quoted(resolve_conflict.path), 'NULL'), 'Nothing was changed.',
	'plan_conflicts() lists those it has.')
WHERE NOT EXISTS (SELECT FROM athar.plan_conflict c WHERE c.draft_id = resolve_conflict.draft AND c.path = resolve_conflict.path);
SELECT athar.fail('22023', CASE WHEN c.kind = 'move/move' THEN 'where an item stands is no value' ELSE 'the value must be an object with the id of its item' END,
	'Nothing was changed.', CASE WHEN c.kind = 'move/move' THEN 'Choose ours, theirs or base.' ELSE 'Write the whole item, its id too.' END)
FROM athar.plan_conflict c
WHERE c.draft_id = resolve_conflict.draft AND c.path = resolve_conflict.path AND resolve_conflict.value IS NOT NULL
	AND (c.kind = 'move/move' OR c.path ~ '^/items/[^/]*$' AND '/items/' || athar.pointer_token(resolve_conflict.value ->> 'id') IS DISTINCT FROM c.path);
UPDATE athar.plan_conflict c
SET resolution = resolve_conflict.resolution, value = resolve_conflict.value, resolved_at = clock_timestamp(), resolved_by = athar.current_actor()
WHERE c.draft_id = resolve_conflict.draft AND c.path = resolve_conflict.path;
SELECT count(*)::integer
FROM athar.plan_conflict c
WHERE c.draft_id = resolve_conflict.draft AND c.resolution IS NULL;
END;
COMMENT ON FUNCTION athar.resolve_conflict(integer, text, text, jsonb) IS
'Decides one conflict of a draft, or decides it anew: ours (the draft''s side), theirs (the plan''s), base (neither), or value, with the value. Returns the number of conflicts that are still open; merge_draft() then does what was decided. A side that has no value takes it away; where items were moved the side''s place is taken.
Errors: 42704 for an unknown draft, 55000 for one that was merged or dropped; 22023 for a path without a conflict, another resolution, a value that is missing, that is not asked for, or that does not fit an item.';

CREATE OR REPLACE FUNCTION athar.resolve_conflicts(draft integer, resolution text)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET jit = off
BEGIN ATOMIC
SELECT athar.lock_draft(resolve_conflicts.draft);
SELECT athar.check_open_draft(resolve_conflicts.draft);
SELECT athar.fail('22023', 'unknown resolution ' || coalesce(athar.quoted(resolve_conflicts.resolution), 'NULL'), 'Nothing was changed.',
	'Use ours (the draft''s side), theirs (the plan''s) or base for all conflicts that are open.')
WHERE coalesce(resolve_conflicts.resolution, '') NOT IN ('ours', 'theirs', 'base');
UPDATE athar.plan_conflict c
SET resolution = resolve_conflicts.resolution, resolved_at = clock_timestamp(), resolved_by = athar.current_actor()
WHERE c.draft_id = resolve_conflicts.draft AND c.resolution IS NULL;
-- What was decided may bring up another conflict: what it refers to is gone,
-- too. Values that others saved since are not decided: nobody was asked.
WITH RECURSIVE round (n, conflicts, answers) AS (
	SELECT 1, f.conflicts, a.answers
	FROM athar.plan_draft d
	CROSS JOIN athar.draft_answers(resolve_conflicts.draft) AS a (answers)
	CROSS JOIN LATERAL athar.merge_with_head(d.project_id, d.base_version, d.document, a.answers) AS m
	CROSS JOIN LATERAL jsonb_path_query_array(m.conflicts, '$[*] ? (@.kind == "dangling" || @.kind == "cycle" || @.kind == "invalid")') AS f (conflicts)
	WHERE d.id = resolve_conflicts.draft
	UNION ALL
	SELECT r.n + 1, f.conflicts, a.answers
	FROM round r
	CROSS JOIN athar.plan_draft d
	CROSS JOIN LATERAL (SELECT r.answers || jsonb_agg(c.value || jsonb_build_object('resolution', resolve_conflicts.resolution)) AS answers
		FROM jsonb_array_elements(r.conflicts) AS c (value)) AS a
	CROSS JOIN LATERAL athar.merge_with_head(d.project_id, d.base_version, d.document, a.answers) AS m
	CROSS JOIN LATERAL jsonb_path_query_array(m.conflicts, '$[*] ? (@.kind == "dangling" || @.kind == "cycle" || @.kind == "invalid")') AS f (conflicts)
	-- what comes up again as it was is not decided by asking again
	WHERE d.id = resolve_conflicts.draft AND r.conflicts <> '[]' AND f.conflicts <> r.conflicts AND r.n < 100
)
INSERT INTO athar.plan_conflict (draft_id, path, kind, conflict, their_version, resolution, resolved_at, resolved_by)
SELECT resolve_conflicts.draft, c.value ->> 'path', c.value ->> 'kind', c.value, (c.value ->> 'their_version')::integer,
	resolve_conflicts.resolution, clock_timestamp(), athar.current_actor()
FROM round r
CROSS JOIN LATERAL jsonb_array_elements(r.conflicts) WITH ORDINALITY AS c (value, ordinality)
ORDER BY r.n, c.ordinality;
SELECT count(*)::integer
FROM athar.plan_conflict c
WHERE c.draft_id = resolve_conflicts.draft AND c.resolution = resolve_conflicts.resolution;
END;
COMMENT ON FUNCTION athar.resolve_conflicts(integer, text) IS
'Decides all conflicts of a draft that are open, and those about references and faults that this brings up, for one side: ours (the draft''s), theirs (the plan''s) or base (neither). Returns the number of its conflicts that are decided so. Errors: 42704 for an unknown draft, 55000 for one that was merged or dropped; 22023 for another resolution.';

CREATE OR REPLACE FUNCTION athar.merge_draft(draft integer, reason text)
RETURNS athar.plan_outcome
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET athar.reason = ''
SET jit = off
BEGIN ATOMIC
SELECT set_config('athar.reason', merge_draft.reason, true);
SELECT athar.fail('AT001', 'a reason is required', 'The draft was not merged.', 'Say in the argument reason why the plan changes.')
WHERE coalesce(merge_draft.reason, '') !~ '[^[:space:]]';
SELECT athar.lock_draft(merge_draft.draft);
SELECT athar.check_open_draft(merge_draft.draft);
SELECT athar.fail('AT002', 'draft ' || merge_draft.draft || ' has ' || count(*) || CASE WHEN count(*) = 1 THEN ' open conflict' ELSE ' open conflicts' END,
	jsonb_agg(c.conflict ORDER BY c.id)::text, 'Decide them with resolve_conflict() or resolve_conflicts(), then merge the draft. Nothing was saved.')
FROM athar.plan_conflict c
WHERE c.draft_id = merge_draft.draft AND c.resolution IS NULL
HAVING count(*) > 0;
WITH outcome AS MATERIALIZED (
	SELECT s.status, s.version, s.draft, s.conflicts
	FROM athar.plan_draft d
	CROSS JOIN LATERAL athar.settle_draft(d.project_id, d.base_version, d.document, merge_draft.reason, d.id, athar.draft_answers(d.id)) AS s
	WHERE d.id = merge_draft.draft
), closed AS (
	UPDATE athar.plan_draft d
	SET status = 'merged', merged_version = o.version
	FROM outcome o
	WHERE d.id = merge_draft.draft AND o.status <> 'conflict'
)
SELECT o.status, o.version, o.draft, o.conflicts
FROM outcome o;
END;
COMMENT ON FUNCTION athar.merge_draft(integer, text) IS
'Merges a draft whose conflicts are all decided with the newest version of its plan, and answers as save_plan() does: merged, or unchanged where nothing of it is left to save; the draft is then closed. conflict where more was saved meanwhile that is against it: the new conflicts are open, what was decided about others stands, and the draft waits.
Errors: AT001 without a reason; AT002 while conflicts are open, with these in the detail; 42704 for an unknown draft, 55000 for one that was merged or dropped; 40001 in REPEATABLE READ where somebody else saved first.';

CREATE OR REPLACE FUNCTION athar.drop_draft(draft integer, reason text)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET athar.reason = ''
BEGIN ATOMIC
SELECT set_config('athar.reason', drop_draft.reason, true);
SELECT athar.fail('AT001', 'a reason is required', 'The draft was not dropped.', 'Say in the argument reason why it is given up.')
WHERE coalesce(drop_draft.reason, '') !~ '[^[:space:]]';
SELECT athar.lock_draft(drop_draft.draft);
SELECT athar.check_open_draft(drop_draft.draft);
UPDATE athar.plan_draft d
SET status = 'dropped'
WHERE d.id = drop_draft.draft;
END;
COMMENT ON FUNCTION athar.drop_draft(integer, text) IS
'Gives a draft up; its text and its conflicts stay to be read. Errors: AT001 without a reason; 42704 for an unknown draft, 55000 for one that was merged or dropped.';
