-- 52 history: what changed in plans, told to people, and found again

-- Names of versions

CREATE OR REPLACE FUNCTION athar.name_version(project text, version integer, name text)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT athar.fail('22023', 'the name of a version is blank', 'The version keeps the name it has.', 'Pass a name, or NULL to take it away.')
WHERE name_version.name !~ '[^[:space:]]';
SELECT athar.fail('22023', 'the name of a version is longer than 200 characters', 'The version keeps the name it has.', 'Pass a shorter name; comments have room for more.')
WHERE char_length(name_version.name) > 200;
SELECT athar.writable_project(name_version.project);
SELECT athar.check_version(name_version.project, name_version.version);
SELECT athar.fail('23505', 'version ' || v.version || ' of project ' || athar.quoted(name_version.project) || ' is named ' || athar.quoted(v.name) || ' already',
	'Nothing was changed: a name means one version.', 'Choose another name, or take it from that version with name_version(project, version, NULL).')
FROM athar.plan_version v
WHERE v.project_id = athar.project_id(name_version.project) AND v.name = name_version.name AND v.version <> name_version.version;
UPDATE athar.plan_version v
SET name = name_version.name
WHERE v.project_id = athar.project_id(name_version.project) AND v.version = name_version.version
	AND v.name IS DISTINCT FROM name_version.name;
END;
COMMENT ON FUNCTION athar.name_version(text, integer, text) IS
'Gives a version of a plan a name (baseline 2026, approved by cabinet) or, with NULL, takes it away. Errors: 22023 for a blank name, one of more than 200 characters, or a version that does not exist, 23505 where another version of the project has it, 42704 for an unknown project.';

CREATE OR REPLACE FUNCTION athar.version_of(project text, name text)
RETURNS integer
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.project_id(version_of.project);
SELECT athar.fail('42704', 'project ' || athar.quoted(version_of.project) || ' has no version named ' || athar.quoted(version_of.name),
	'No version was found.', 'plan_history() lists the versions and their names; name_version() gives one.')
WHERE NOT EXISTS (SELECT FROM athar.plan_version v
	WHERE v.project_id = (SELECT j.id FROM athar.project j WHERE j.code = version_of.project) AND v.name = version_of.name)
	AND num_nulls(version_of.project, version_of.name) = 0;
SELECT v.version
FROM athar.plan_version v
WHERE v.project_id = (SELECT j.id FROM athar.project j WHERE j.code = version_of.project) AND v.name = version_of.name;
END;
COMMENT ON FUNCTION athar.version_of(text, text) IS
'The number of the version of a plan that was given this name with name_version(): get_plan(project, version_of(project, name)). NULL where an argument is. 42704 for an unknown project or name.';

-- What changed

CREATE OR REPLACE FUNCTION athar.plan_changes(project_ids integer[], versions integer[] DEFAULT NULL, from_version integer DEFAULT NULL)
RETURNS TABLE (project_id integer, version integer, place integer, item_id text, field text, path text, op text, old jsonb, new jsonb, after text,
	title text, title_ar text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1000
SET jit = off
BEGIN ATOMIC
WITH step AS MATERIALIZED (
	SELECT row_number() OVER () AS id, n.project_id, n.version, n.items AS new_items, coalesce(o.items, '{}') AS old_items,
		-- an empty list of items is part of the header; a list that has items counts as one that is there
		CASE WHEN n.items = '{}' THEN n.header ELSE n.header || jsonb '{"items": []}' END AS new_header,
		CASE WHEN o.items = '{}' THEN o.header ELSE o.header || jsonb '{"items": []}' END AS old_header
	FROM (SELECT v.project_id, v.version, v.parent_version, v.items, v.header
		FROM athar.plan_version v
		WHERE plan_changes.versions IS NULL AND v.project_id = ANY (plan_changes.project_ids)
		UNION ALL
		SELECT v.project_id, v.version, v.parent_version, v.items, v.header
		FROM unnest(plan_changes.project_ids, plan_changes.versions) AS a (project_id, version)
		JOIN athar.plan_version v ON v.project_id = a.project_id AND v.version = a.version) AS n
	-- OFFSET 0, here and below: a look into the index for each row, however many the planner expects
	LEFT JOIN LATERAL (SELECT v.items, v.header
		FROM athar.plan_version v
		WHERE v.project_id = n.project_id
			AND v.version = CASE WHEN plan_changes.from_version IS NULL THEN n.parent_version ELSE plan_changes.from_version END OFFSET 0) AS o ON true
), side AS MATERIALIZED (
	SELECT s.id, s.project_id, s.version, r.revision, r.old_place, r.new_place, r.before
	FROM step s
	CROSS JOIN LATERAL athar.changed_places(s.old_items, s.new_items) AS r
), read AS MATERIALIZED (
	SELECT r.id, r.project_id, r.version, r.new_place, r.old_place, r.before, i.item_id, i.document
	FROM side r
	CROSS JOIN LATERAL (SELECT i.item_id, i.document FROM athar.plan_item i
		WHERE i.project_id = r.project_id AND i.revision = r.revision OFFSET 0) AS i
	WHERE r.new_place IS NULL OR r.old_place IS NULL
), content AS MATERIALIZED (
	SELECT id, project_id, version, item_id, n.new_place, o.old_place, n.before, o.document AS old, n.document AS new,
		coalesce(n.document, o.document) ->> 'title' AS title, coalesce(n.document, o.document) ->> 'title_ar' AS title_ar
	FROM (SELECT r.* FROM read r WHERE r.new_place IS NOT NULL) AS n
	FULL JOIN (SELECT r.* FROM read r WHERE r.old_place IS NOT NULL) AS o USING (id, project_id, version, item_id)
), stayed AS MATERIALIZED (
	-- items of both versions that are not the same revision at the same place
	SELECT r.id, r.new_place, r.old_place
	FROM side r
	WHERE r.new_place IS NOT NULL AND r.old_place IS NOT NULL
	UNION ALL
	SELECT c.id, c.new_place, c.old_place
	FROM content c
	WHERE c.new_place IS NOT NULL AND c.old_place IS NOT NULL
), sequence AS (
	SELECT t.id, athar.moved(array_agg(t.old_place ORDER BY t.new_place)) AS moved, array_agg(t.old_place ORDER BY t.new_place) AS old_places,
		array_agg(t.new_place ORDER BY t.new_place) AS new_places
	FROM (
		SELECT e.id, e.new_place, e.old_place
		FROM stayed e
		UNION ALL
		SELECT s.id, p.place::integer, p.place::integer
		FROM step s
		CROSS JOIN LATERAL unnest(s.new_items, s.old_items) WITH ORDINALITY AS p (fresh, gone, place)
		WHERE p.fresh = p.gone) AS t
	WHERE t.id = ANY (ARRAY(SELECT DISTINCT e.id FROM stayed e WHERE e.new_place <> e.old_place))
	GROUP BY t.id
), move AS (
	SELECT s.project_id, s.version, s.new_items, s.old_items, m.old_place, q.new_places[array_position(q.old_places, m.old_place)] AS new_place
	FROM sequence q
	JOIN step s ON s.id = q.id
	CROSS JOIN LATERAL unnest(q.moved) AS m (old_place)
)
SELECT s.project_id, s.version, 0, NULL::text, k.key, '/' || athar.pointer_token(k.key),
	CASE WHEN k.old IS NULL THEN 'add' WHEN k.new IS NULL THEN 'remove' ELSE 'change' END, k.old, k.new, NULL::text, NULL::text, NULL::text
FROM step s
CROSS JOIN LATERAL (SELECT key, o.value AS old, n.value AS new
	FROM jsonb_each(s.old_header) AS o (key, value)
	FULL JOIN jsonb_each(s.new_header) AS n (key, value) USING (key)
	WHERE o.value IS DISTINCT FROM n.value) AS k
WHERE s.old_header IS DISTINCT FROM s.new_header
UNION ALL
SELECT c.project_id, c.version, c.new_place, c.item_id, k.key, '/items/' || athar.pointer_token(c.item_id) || '/' || athar.pointer_token(k.key),
	CASE WHEN k.old IS NULL THEN 'add' WHEN k.new IS NULL THEN 'remove' ELSE 'change' END, k.old, k.new, NULL, c.title, c.title_ar
FROM content c
CROSS JOIN LATERAL (SELECT key, o.value AS old, n.value AS new
	FROM jsonb_each(c.old) AS o (key, value)
	FULL JOIN jsonb_each(c.new) AS n (key, value) USING (key)
	WHERE o.value IS DISTINCT FROM n.value) AS k
WHERE c.old IS NOT NULL AND c.new IS NOT NULL
UNION ALL
SELECT c.project_id, c.version, coalesce(c.new_place, c.old_place), c.item_id, NULL, '/items/' || athar.pointer_token(c.item_id),
	CASE WHEN c.old IS NULL THEN 'add' ELSE 'remove' END, c.old, c.new,
	(SELECT i.item_id FROM athar.plan_item i WHERE i.project_id = c.project_id AND i.revision = c.before), c.title, c.title_ar
FROM content c
WHERE c.old IS NULL OR c.new IS NULL
UNION ALL
SELECT m.project_id, m.version, m.new_place, i.item_id, NULL, '/items/' || athar.pointer_token(i.item_id), 'move',
	coalesce(to_jsonb((SELECT b.item_id FROM athar.plan_item b WHERE b.project_id = m.project_id AND b.revision = m.old_items[m.old_place - 1])), 'null'),
	coalesce(to_jsonb(n.item_id), 'null'), n.item_id, i.document ->> 'title', i.document ->> 'title_ar'
FROM move m
CROSS JOIN LATERAL (SELECT i.item_id, i.document FROM athar.plan_item i
	WHERE i.project_id = m.project_id AND i.revision = m.new_items[m.new_place] OFFSET 0) AS i
LEFT JOIN LATERAL (SELECT i.item_id FROM athar.plan_item i
	WHERE i.project_id = m.project_id AND i.revision = m.new_items[m.new_place - 1] OFFSET 0) AS n ON true;
END;
COMMENT ON FUNCTION athar.plan_changes(integer[], integer[], integer) IS
'What versions of plans changed, in rows as diff_plan() has them, in no order: every version of the projects given or, with versions, each of these of the project at its place in the other array; compared with from_version, or without it with the version it was made from. version: the one asked for; place: of the item there (where it was removed, in the older), from 1, 0 for the header; title, title_ar: of the item, the newest. Revisions that both have are not read.';

CREATE OR REPLACE FUNCTION athar.diff_plan(project text, from_version integer, to_version integer)
RETURNS TABLE (item_id text, field text, path text, op text, old jsonb, new jsonb, after text)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.check_version(diff_plan.project, diff_plan.from_version);
SELECT athar.check_version(diff_plan.project, diff_plan.to_version);
SELECT c.item_id, c.field, c.path, c.op, c.old, c.new, c.after
FROM athar.plan_changes(ARRAY[(SELECT j.id FROM athar.project j WHERE j.code = diff_plan.project)], ARRAY[diff_plan.to_version], diff_plan.from_version) AS c
WHERE num_nulls(diff_plan.project, diff_plan.from_version, diff_plan.to_version) = 0
ORDER BY c.item_id IS NOT NULL, c.op <> 'remove' OR c.field IS NOT NULL, c.place, c.op = 'move', c.field COLLATE "C";
END;
COMMENT ON FUNCTION athar.diff_plan(text, integer, integer) IS
'What to_version of a plan says otherwise than from_version, one row for each thing: first the header (item_id NULL), then the items that went, then the others in their new order. Versions in either order; no row where they are equal, or an argument is NULL. Errors: 42704 for an unknown project, 22023 for a version it does not have.
op: add, remove or change of a key (field) of the header or of an item; add or remove of a whole item (field NULL; old or new is all of it); move of an item, told by as few moves as can be: old and new are the id of the item before it, JSON null where there is none. path: where, items named by their id. old, new: the values, NULL on the side that has none (JSON null is a value). after: of an item that was added or moved, the id of the item it now follows; NULL where it is the first.
The rows are complete: applied in their order they make the one version of the other. The field items of the header stands for an empty list that is or is not written down.';

CREATE OR REPLACE FUNCTION athar.diff_plan_patch(project text, from_version integer, to_version integer)
RETURNS jsonb
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.check_version(diff_plan_patch.project, diff_plan_patch.from_version);
SELECT athar.check_version(diff_plan_patch.project, diff_plan_patch.to_version);
-- Items that both versions have as they are stand in the comparison as their
-- number, and come back where the patch puts one in; an item itself is never a number.
WITH side AS MATERIALIZED (
	SELECT v.project_id, v.version, v.items, v.header
	FROM athar.plan_version v
	WHERE v.project_id = (SELECT j.id FROM athar.project j WHERE j.code = diff_plan_patch.project)
		AND v.version IN (diff_plan_patch.from_version, diff_plan_patch.to_version)
), kept AS MATERIALIZED (
	SELECT r.revision
	FROM side f
	CROSS JOIN LATERAL unnest(f.items) AS r (revision)
	WHERE f.version = diff_plan_patch.from_version
	INTERSECT
	SELECT r.revision
	FROM side t
	CROSS JOIN LATERAL unnest(t.items) AS r (revision)
	WHERE t.version = diff_plan_patch.to_version
), outline AS MATERIALIZED (
	SELECT s.version, CASE WHEN s.items = '{}' THEN s.header ELSE s.header || jsonb_build_object('items',
		(SELECT jsonb_agg(CASE WHEN k.revision IS NOT NULL THEN to_jsonb(k.revision) ELSE (SELECT i.document
				FROM athar.plan_item i
				WHERE i.project_id = s.project_id AND i.revision = m.revision) END ORDER BY m.ordinal)
		FROM unnest(s.items) WITH ORDINALITY AS m (revision, ordinal)
		LEFT JOIN kept k ON k.revision = m.revision)) END AS document
	FROM side s
)
SELECT coalesce(jsonb_agg(CASE
		WHEN jsonb_typeof(o.value -> 'value') = 'number' AND o.value ->> 'path' ~ '^/items/([0-9]+|-)$' THEN
			jsonb_set(o.value, '{value}', (SELECT i.document
				FROM athar.plan_item i
				WHERE i.project_id = (SELECT j.id FROM athar.project j WHERE j.code = diff_plan_patch.project)
					AND i.revision = (o.value ->> 'value')::integer))
		ELSE o.value END ORDER BY o.ordinality) FILTER (WHERE o.value IS NOT NULL), '[]')
FROM side t
JOIN outline b ON b.version = t.version
JOIN outline a ON a.version = diff_plan_patch.from_version
LEFT JOIN LATERAL jsonb_array_elements(athar.json_diff(a.document, b.document)) WITH ORDINALITY AS o (value, ordinality) ON true
WHERE t.version = diff_plan_patch.to_version
HAVING count(t.version) > 0;
END;
COMMENT ON FUNCTION athar.diff_plan_patch(text, integer, integer) IS
'What to_version of a plan says otherwise than from_version, as a JSON patch (RFC 6902), for programs that speak it: json_patch(get_plan(project, from_version), diff_plan_patch(...)) = get_plan(project, to_version). An empty patch where they are equal; NULL where an argument is NULL. Errors: 42704 for an unknown project, 22023 for a version it does not have.';

CREATE OR REPLACE FUNCTION athar.action_history(project text, action_id text)
RETURNS TABLE (version integer, at timestamptz, author text, reason text, field text, old jsonb, new jsonb, op text)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.project_id(action_history.project);
SELECT athar.fail('42704', 'action ' || athar.quoted(action_history.action_id) || ' was never in the plan of project ' || athar.quoted(action_history.project),
	'It has no history.', 'The view actions lists those in the plan now, plan_history() tells which were removed.')
WHERE num_nulls(action_history.project, action_history.action_id) = 0
	AND NOT EXISTS (SELECT FROM athar.action a
		WHERE a.project_id = (SELECT j.id FROM athar.project j WHERE j.code = action_history.project) AND a.item_id = action_history.action_id);
SELECT v.version, v.saved_at, v.author, v.reason, c.field, c.old, c.new, c.op
-- without an action no version is compared
FROM athar.plan_changes(ARRAY(SELECT j.id FROM athar.project j WHERE j.code = action_history.project AND action_history.action_id IS NOT NULL)) AS c
JOIN athar.plan_version v ON v.project_id = (SELECT j.id FROM athar.project j WHERE j.code = action_history.project) AND v.version = c.version
WHERE c.item_id = action_history.action_id
ORDER BY v.version, c.op = 'move', c.field COLLATE "C";
END;
COMMENT ON FUNCTION athar.action_history(text, text) IS
'Everything that happened to one action of a plan, in order: one row for each key that a version changed, with its value before and after; field is NULL where the action as a whole came (op add, new is all of it), went (remove), came back (add again) or was moved (move: the ids of the action before it then and now, JSON null for none). op: add, remove, change or move. No row where an argument is NULL. 42704 for an unknown project, and for an action its plan never had.';

-- Words

CREATE OR REPLACE VIEW athar.plan_words WITH (security_invoker = true) AS
SELECT w.field, w.value, w.words, w.words_ar
FROM (VALUES
	('title', NULL, 'title', 'العنوان'),
	('title_ar', NULL, 'Arabic title', 'العنوان بالعربية'),
	('purpose', NULL, 'purpose', 'الغرض'),
	('purpose_ar', NULL, 'Arabic purpose', 'الغرض بالعربية'),
	('id', NULL, 'id', 'المعرّف'),
	('kind', NULL, 'kind', 'النوع'),
	('owner', NULL, 'owner', 'الجهة المسؤولة'),
	('service', NULL, 'service', 'الخدمة'),
	('stage', NULL, 'stage', 'المرحلة'),
	('channel', NULL, 'channel', 'القناة'),
	('starts_on', NULL, 'start date', 'تاريخ البدء'),
	('due_on', NULL, 'due date', 'تاريخ الاستحقاق'),
	('live_on', NULL, 'go-live date', 'تاريخ بدء العمل به'),
	('status', NULL, 'status', 'الحالة'),
	('weight', NULL, 'weight', 'الوزن'),
	('budget', NULL, 'budget', 'الميزانية'),
	('parent', NULL, 'parent', 'الإجراء الرئيس'),
	('depends_on', NULL, 'dependencies', 'الإجراءات التي يعتمد عليها'),
	('kpis', NULL, 'KPIs', 'مؤشرات الأداء'),
	('steps', NULL, 'steps', 'الخطوات'),
	('target', NULL, 'target', 'المستهدف'),
	('items', NULL, 'list of actions', 'قائمة الإجراءات'),
	('status', 'planned', 'planned', 'مخطّط'),
	('status', 'in_progress', 'in progress', 'قيد التنفيذ'),
	('status', 'live', 'live', 'بدأ العمل به'),
	('status', 'done', 'done', 'منجَز'),
	('status', 'verified', 'verified', 'تم التحقق من أثره'),
	('status', 'cancelled', 'cancelled', 'ملغى')
) AS w (field, value, words, words_ar);
COMMENT ON VIEW athar.plan_words IS 'What the keys of a plan document are called, and the values of its status; keys that are not here are told as they are';
COMMENT ON COLUMN athar.plan_words.field IS 'The key';
COMMENT ON COLUMN athar.plan_words.value IS 'The value; NULL in the row that is about the key itself';
COMMENT ON COLUMN athar.plan_words.words IS 'In English';
COMMENT ON COLUMN athar.plan_words.words_ar IS 'In Arabic';

CREATE OR REPLACE FUNCTION athar.date_text(day date, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE date_text.lang WHEN 'ar' THEN to_char(day, 'FMDD ')
		|| (ARRAY['يناير', 'فبراير', 'مارس', 'أبريل', 'مايو', 'يونيو', 'يوليو', 'أغسطس', 'سبتمبر', 'أكتوبر', 'نوفمبر', 'ديسمبر'])[to_char(day, 'MM')::integer]
		|| to_char(day, ' FMYYYY')
	ELSE to_char(day, 'FMDD FMMonth FMYYYY') END;
COMMENT ON FUNCTION athar.date_text(date, text) IS 'A day as people write it: 1 March 2026; where lang is ar with the name of the month in Arabic. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.one_line(value text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(athar.unturned(CASE WHEN char_length(value) > 60 THEN left(value, 57) || '...' ELSE value END), '[[:space:][:cntrl:]]+', ' ', 'g');
COMMENT ON FUNCTION athar.one_line(text) IS 'A text on one line, cut at 60 characters and unturned(). NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.quoted_text(value text, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN lang = 'ar' THEN '«' || athar.one_line(value) || '»' ELSE athar.quoted(value) END;
COMMENT ON FUNCTION athar.quoted_text(text, text) IS 'A text in the quotation marks of the language, on one line and cut at 60 characters. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.plain_text(value text, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN value ~ '^[^[:space:][:cntrl:]"]{1,40}$' THEN athar.unturned(value) ELSE athar.quoted_text(value, lang) END;
COMMENT ON FUNCTION athar.plain_text(text, text) IS 'A single short word as it is, any other text as quoted_text() has it. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.code_text(field text, code text, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN coalesce(
	(SELECT CASE WHEN lang = 'ar' THEN coalesce(nullif(btrim(n.name_ar), ''), n.name) ELSE n.name END
	FROM (
		SELECT u.name, u.name_ar FROM athar.unit u WHERE code_text.field = 'owner' AND u.code = code_text.code
		UNION ALL
		SELECT s.name, s.name_ar FROM athar.service s WHERE code_text.field = 'service' AND s.code = code_text.code
		UNION ALL
		SELECT c.name, c.name_ar FROM athar.channel c WHERE code_text.field = 'channel' AND c.code = code_text.code
		UNION ALL
		SELECT w.words, w.words_ar FROM athar.plan_words w WHERE w.field = code_text.field AND w.value = code_text.code) AS n),
	athar.quoted_text(code_text.code, lang));
COMMENT ON FUNCTION athar.code_text(text, text, text) IS
'What the value of a plan''s key is called: the name of a unit (owner), service or channel as the catalogue has it today, a status in words; the code in quotes where there is none.';

CREATE OR REPLACE FUNCTION athar.value_text(field text, value jsonb, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN CASE jsonb_typeof(value)
	WHEN 'string' THEN CASE
		WHEN field IN ('owner', 'service', 'channel', 'status') THEN athar.code_text(field, value #>> '{}', lang)
		WHEN athar.is_date(value #>> '{}') THEN athar.date_text((value #>> '{}')::date, lang)
		ELSE athar.plain_text(value #>> '{}', lang) END
	WHEN 'number' THEN CASE WHEN lang = 'ar' AND value::text LIKE '-%' THEN E'\xe2\x80\x8e' ELSE '' END || athar.one_line(value::text)
	WHEN 'boolean' THEN CASE WHEN lang <> 'ar' THEN CASE value WHEN 'true' THEN 'yes' ELSE 'no' END WHEN value = 'true' THEN 'نعم' ELSE 'لا' END
	WHEN 'null' THEN CASE WHEN lang = 'ar' THEN 'لا شيء' ELSE 'nothing' END
	END;
COMMENT ON FUNCTION athar.value_text(text, jsonb, text) IS
'The value of a plan''s key in a few words: days, names (code_text()), numbers, short texts, longer ones in quotes and cut; nothing for JSON null. NULL for an array or an object, and for NULL.';

CREATE OR REPLACE FUNCTION athar.field_text(field text, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN coalesce(
	(SELECT CASE WHEN lang = 'ar' THEN w.words_ar ELSE w.words END FROM athar.plan_words w WHERE w.field = field_text.field AND w.value IS NULL),
	athar.plain_text(field_text.field, lang));
COMMENT ON FUNCTION athar.field_text(text, text) IS 'What a key of a plan document is called, as plan_words has it; any other as it is, in quotes where it is not one word.';

CREATE OR REPLACE FUNCTION athar.item_text(item_id text, title text, title_ar text, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN athar.unturned(item_id) || coalesce(' ' || athar.quoted_text(CASE WHEN lang = 'ar' AND title_ar ~ '[^[:space:]]' THEN title_ar ELSE title END, lang), '');
COMMENT ON FUNCTION athar.item_text(text, text, text, text) IS 'An item of a plan by its id and title, in Arabic by title_ar where it has one.';

CREATE OR REPLACE FUNCTION athar.plan_summaries(project_ids integer[], versions integer[], lang text)
RETURNS TABLE (project_id integer, version integer, summary text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 100
SET jit = off
BEGIN ATOMIC
WITH change AS MATERIALIZED (
	SELECT c.project_id, c.version, c.place, c.item_id, c.field, c.op, c.old, c.new, c.title, c.title_ar,
		CASE WHEN c.item_id IS NULL THEN 5 WHEN c.op = 'move' THEN 4 WHEN c.field IS NOT NULL THEN 2 WHEN c.op = 'add' THEN 1 ELSE 3 END AS part
	FROM athar.plan_changes(plan_summaries.project_ids, plan_summaries.versions) AS c
), word AS MATERIALIZED (
	SELECT f.field, athar.field_text(f.field, plan_summaries.lang) AS words
	FROM (SELECT DISTINCT c.field FROM change c) AS f
), value AS MATERIALIZED (
	SELECT c.project_id, c.version, c.part, c.item_id, c.place, c.title, c.title_ar, c.new, c.field, w.words, c.op,
		athar.value_text(c.field, c.old, plan_summaries.lang) AS old_text, athar.value_text(c.field, c.new, plan_summaries.lang) AS new_text
	FROM change c
	LEFT JOIN word w ON w.field = c.field
	-- a first version names its items alone
	WHERE c.part <> 5 OR c.field <> 'items' AND (SELECT v.parent_version FROM athar.plan_version v
		WHERE v.project_id = c.project_id AND v.version = c.version) IS NOT NULL
), told AS (
	SELECT v.project_id, v.version, v.part, min(v.place) AS place,
		athar.item_text(v.item_id, min(v.title), min(v.title_ar), plan_summaries.lang) AS item,
		CASE WHEN v.part = 4 THEN athar.unturned((array_agg(v.new))[1] #>> '{}') END AS after,
		CASE WHEN plan_summaries.lang = 'ar' THEN string_agg(CASE v.op
			WHEN 'add' THEN coalesce('تحديد ' || v.words || ': ' || v.new_text, 'إضافة ' || v.words)
			WHEN 'remove' THEN 'حذف ' || v.words || coalesce(' (' || v.old_text || ')', '')
			ELSE coalesce('تغيير ' || v.words || ' من ' || v.old_text || ' إلى ' || v.new_text, 'تعديل ' || v.words) END, '، ' ORDER BY v.field COLLATE "C")
		ELSE string_agg(v.words || CASE v.op
			WHEN 'add' THEN coalesce(' set to ' || v.new_text, ' added')
			WHEN 'remove' THEN coalesce(' ' || v.old_text, '') || ' taken away'
			ELSE coalesce(' from ' || v.old_text || ' to ' || v.new_text, ' changed') END, ', ' ORDER BY v.field COLLATE "C") END AS fields
	FROM value v
	GROUP BY v.project_id, v.version, v.part, v.item_id
), part AS (
	SELECT t.project_id, t.version, t.part,
		string_agg(CASE t.part
			WHEN 5 THEN t.fields
			WHEN 4 THEN t.item || CASE
				WHEN plan_summaries.lang = 'ar' THEN coalesce(' إلى ما بعد ' || t.after, ' إلى البداية')
				ELSE coalesce(' after ' || t.after, ' to the beginning') END
			ELSE t.item || coalesce(' (' || t.fields || ')', '') END,
			CASE WHEN plan_summaries.lang = 'ar' THEN '، ' ELSE ', ' END ORDER BY t.place) FILTER (WHERE t.nth <= 12)
		|| CASE WHEN count(*) <= 12 THEN '' WHEN plan_summaries.lang = 'ar' THEN ' و' || count(*) - 12 || ' غيرها' ELSE ' and ' || count(*) - 12 || ' more' END AS items
	FROM (SELECT t.*, row_number() OVER (PARTITION BY t.project_id, t.version, t.part ORDER BY t.place) AS nth FROM told t) AS t
	GROUP BY t.project_id, t.version, t.part
)
SELECT p.project_id, p.version, string_agg(
	(CASE WHEN plan_summaries.lang = 'ar' THEN ARRAY['إضافة ', 'تعديل ', 'حذف ', 'نقل ', ''] ELSE ARRAY['added ', 'changed ', 'removed ', 'moved ', ''] END)[p.part] || p.items,
	CASE WHEN plan_summaries.lang = 'ar' THEN '؛ ' ELSE '; ' END ORDER BY p.part)
FROM part p
GROUP BY p.project_id, p.version;
END;
COMMENT ON FUNCTION athar.plan_summaries(integer[], integer[], text) IS
'What versions of plans changed, in words of the language given (en or ar), as plan_history() shows it: every version of the projects given or, with versions, each of these of the project at its place in the other array. No row for a version that changed nothing that is told: see summary_text().';

CREATE OR REPLACE FUNCTION athar.summary_text(summary text, parent_version integer, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN coalesce(summary, CASE WHEN lang = 'ar' THEN CASE WHEN parent_version IS NULL THEN 'بلا إجراءات' ELSE 'بلا تغيير' END
	WHEN parent_version IS NULL THEN 'no items' ELSE 'no change' END);
COMMENT ON FUNCTION athar.summary_text(text, integer, text) IS
'What plan_summaries() says of a version, or for NULL that it has no items (a first one, made from none) or changed nothing.';

CREATE OR REPLACE FUNCTION athar.plan_history(project text, lang text DEFAULT 'en')
RETURNS TABLE (version integer, parent_version integer, author text, saved_at timestamptz, reason text, summary text, name text)
LANGUAGE SQL STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
SELECT athar.check_language(plan_history.lang);
-- in a statement of its own: over an empty table a condition is not looked at
SELECT athar.project_id(plan_history.project);
SELECT v.version, v.parent_version, v.author, v.saved_at, v.reason,
	athar.summary_text(s.summary, v.parent_version, plan_history.lang),
	v.name
FROM athar.plan_version v
LEFT JOIN athar.plan_summaries(ARRAY[(SELECT j.id FROM athar.project j WHERE j.code = plan_history.project)], NULL, plan_history.lang) AS s ON s.version = v.version
WHERE v.project_id = (SELECT j.id FROM athar.project j WHERE j.code = plan_history.project)
ORDER BY v.version;
END;
COMMENT ON FUNCTION athar.plan_history(text, text) IS
'The versions of a project''s plan, newest last: number, the version it was made from, author, time, reason, what it changed in words, and its name if it was given one. lang: the language of the words, en or ar. No row for a NULL project. 42704 for an unknown project, 22023 for an unknown language.
The words: items added, changed (key by key, with both values where these can be told shortly), removed and moved (as few as can be), by id and title, then the keys of the header: added A1 "Form"; changed A3 "Letters" (due date from 1 March 2026 to 5 April 2026); moved A5 "Train" after A1; purpose set to "Less paper". Twelve items of each sort are told; diff_plan() has everything. A first version names its items alone. Units, services and channels are named as they are today.';

-- Conflicts in words

CREATE OR REPLACE FUNCTION athar.conflict_text(conflict jsonb, lang text DEFAULT 'en')
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.check_language(conflict_text.lang);
WITH place AS MATERIALIZED (
	SELECT conflict_text.conflict ->> 'kind' AS kind, conflict_text.lang AS lang, CASE conflict_text.lang WHEN 'ar' THEN '، ' ELSE ', ' END AS comma,
		CASE WHEN t.is_item THEN athar.unturned(t.tokens[3]) END AS item_id,
		CASE WHEN t.is_item THEN t.tokens[4] ELSE t.tokens[2] END AS field,
		CASE WHEN t.is_item THEN t.tokens[5:] ELSE t.tokens[3:] END AS rest,
		conflict_text.conflict -> 'base' AS base, conflict_text.conflict -> 'ours' AS ours, conflict_text.conflict -> 'theirs' AS theirs,
		conflict_text.conflict ->> 'their_author' AS author, conflict_text.conflict ->> 'their_version' AS version, conflict_text.conflict ->> 'their_reason' AS reason
	FROM (SELECT p.tokens, coalesce(p.tokens[2] = 'items' AND cardinality(p.tokens) > 2, false) AS is_item
		FROM (SELECT ARRAY(SELECT replace(replace(u.token, '~1', '/'), '~0', '~')
			FROM unnest(string_to_array(conflict_text.conflict ->> 'path', '/')) WITH ORDINALITY AS u (token, place)
			ORDER BY u.place) AS tokens) AS p) AS t
), word AS MATERIALIZED (
	SELECT p.kind, p.field,
		concat_ws(p.comma,
			CASE p.lang WHEN 'ar' THEN coalesce('الإجراء ' || p.item_id, 'الخطة') ELSE coalesce('Action ' || p.item_id, 'The plan') END,
			CASE WHEN p.field IS NOT NULL THEN athar.field_text(p.field, p.lang) END,
			(SELECT string_agg(athar.field_text(r.token, p.lang), p.comma ORDER BY r.place)
			FROM unnest(p.rest) WITH ORDINALITY AS r (token, place))) AS subject,
		coalesce(athar.one_line(p.author), CASE p.lang WHEN 'ar' THEN 'الطرف الآخر' ELSE 'the other side' END)
			|| coalesce(' (' || nullif(concat_ws(p.comma,
				CASE p.lang WHEN 'ar' THEN 'النسخة ' ELSE 'version ' END || p.version,
				CASE p.lang WHEN 'ar' THEN 'السبب: ' ELSE 'reason: ' END || athar.quoted_text(p.reason, p.lang)), '') || ')', '') AS they,
		(SELECT string_agg(athar.field_text(f.value, p.lang), p.comma ORDER BY f.ordinality)
		FROM jsonb_array_elements_text(athar.list_of(conflict_text.conflict, 'fields')) WITH ORDINALITY AS f) AS fields,
		(SELECT string_agg(athar.plain_text(i.value, p.lang), p.comma ORDER BY i.ordinality)
		FROM jsonb_array_elements_text(athar.list_of(conflict_text.conflict, 'ids')) WITH ORDINALITY AS i) AS ids,
		coalesce(athar.value_text(p.field, p.base, p.lang), athar.quoted_text(p.base::text, p.lang)) AS base,
		coalesce(athar.value_text(p.field, p.ours, p.lang), athar.quoted_text(p.ours::text, p.lang)) AS ours,
		coalesce(athar.value_text(p.field, p.theirs, p.lang), athar.quoted_text(p.theirs::text, p.lang)) AS theirs,
		CASE p.lang WHEN 'ar' THEN coalesce('إلى ما بعد ' || athar.unturned(p.ours #>> '{}'), 'إلى البداية') ELSE coalesce('after ' || athar.unturned(p.ours #>> '{}'), 'to the beginning') END AS our_place,
		CASE p.lang WHEN 'ar' THEN coalesce('إلى ما بعد ' || athar.unturned(p.theirs #>> '{}'), 'إلى البداية') ELSE coalesce('after ' || athar.unturned(p.theirs #>> '{}'), 'to the beginning') END AS their_place,
		coalesce(athar.fault_text(conflict_text.conflict ->> 'fault', p.lang),
			CASE WHEN p.kind NOT IN ('edit/edit', 'edit/delete', 'delete/edit', 'add/add', 'invalid') THEN athar.plain_text(p.kind, p.lang) END) AS fault
	FROM place p
)
SELECT w.subject || CASE conflict_text.lang
	WHEN 'ar' THEN ': ' || CASE
		WHEN w.kind = 'edit/delete' AND (w.field IS NULL OR w.fields IS NOT NULL) THEN coalesce('غيّرتَ فيه: ' || w.fields, 'غيّرتَه') || '؛ وحذفه ' || w.they
		WHEN w.kind = 'delete/edit' AND (w.field IS NULL OR w.fields IS NOT NULL) THEN 'حذفتَه؛ وغيّر' || coalesce(' فيه ' || w.they || ': ' || w.fields, 'ه ' || w.they)
		WHEN w.kind = 'move/move' THEN 'نقلتَه ' || w.our_place || '؛ ونقله ' || w.they || ' ' || w.their_place
		WHEN w.kind = 'dangling' AND w.ours IS NOT NULL AND w.theirs IS NULL THEN 'تشير إلى ' || w.ids || '، وقد حذفه ' || w.they
		WHEN w.kind = 'dangling' THEN 'يشير ' || w.they || ' إلى ' || w.ids || '، وقد حذفتَه'
		WHEN w.kind = 'cycle' THEN 'تغييرك وتغيير ' || w.they || ' يجعلان هذه الإجراءات حلقة: ' || w.ids
		ELSE concat_ws('؛ ', coalesce('في الأصل ' || w.base, CASE WHEN w.kind = 'add/add' THEN 'لم يكن في الأصل' END),
			coalesce('وعندك ' || w.ours, CASE WHEN w.kind = 'delete/edit' THEN 'وحذفتَه' END),
			coalesce('وعند ' || w.they || ' ' || w.theirs, CASE WHEN w.kind = 'edit/delete' THEN 'وحذفه ' || w.they END, CASE WHEN w.ours IS NULL THEN 'غيّره ' || w.they END))
			|| coalesce('؛ ولا يستقيم الجمع بينهما: ' || w.fault, '') END
	ELSE ': ' || CASE
		WHEN w.kind = 'edit/delete' AND (w.field IS NULL OR w.fields IS NOT NULL) THEN 'you changed ' || coalesce(w.fields, 'it') || '; ' || w.they || ' removed it'
		WHEN w.kind = 'delete/edit' AND (w.field IS NULL OR w.fields IS NOT NULL) THEN 'you removed it; ' || w.they || ' changed ' || coalesce(w.fields, 'it')
		WHEN w.kind = 'move/move' THEN 'you moved it ' || w.our_place || '; ' || w.they || ' moved it ' || w.their_place
		WHEN w.kind = 'dangling' AND w.ours IS NOT NULL AND w.theirs IS NULL THEN 'you refer to ' || w.ids || ', removed by ' || w.they
		WHEN w.kind = 'dangling' THEN w.they || ' refers to ' || w.ids || ', which you removed'
		WHEN w.kind = 'cycle' THEN 'your change and that of ' || w.they || ' make these actions a loop: ' || w.ids
		ELSE concat_ws('; ', coalesce('base ' || w.base, CASE WHEN w.kind = 'add/add' THEN 'not in the base' END),
			coalesce('you ' || w.ours, CASE WHEN w.kind = 'delete/edit' THEN 'you took it away' END),
			coalesce(w.they || ' ' || w.theirs, CASE WHEN w.kind = 'edit/delete' THEN w.they || ' took it away' END, CASE WHEN w.ours IS NULL THEN 'changed by ' || w.they END))
			|| coalesce('; the two do not fit together: ' || w.fault, '') END
	END || '.'
FROM word w
WHERE conflict_text.conflict IS NOT NULL;
END;
COMMENT ON FUNCTION athar.conflict_text(jsonb, text) IS
'A conflict of save_plan(), plan_conflicts or json_merge3() as a sentence for people, in English (en) or Arabic (ar): Action A1, due date: base 1 March 2026; you 10 March 2026; the health ministry (version 41, reason: "...") 20 March 2026. "You" is ours, the draft''s side. A kind that is not known is named, with what the sides have. NULL for NULL. 22023 for an unknown language.';

CREATE OR REPLACE FUNCTION athar.plan_conflicts(draft integer, lang text DEFAULT 'en')
RETURNS TABLE (path text, kind text, base jsonb, ours jsonb, theirs jsonb, their_version integer, their_author text, their_reason text,
	resolution text, value jsonb, resolved_at timestamptz, resolved_by text, sentence text)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.check_language(plan_conflicts.lang);
SELECT athar.check_draft(plan_conflicts.draft);
SELECT c.path, c.kind, c.conflict -> 'base', c.conflict -> 'ours', c.conflict -> 'theirs', c.their_version,
	c.conflict ->> 'their_author', c.conflict ->> 'their_reason', c.resolution, c.value, c.resolved_at, c.resolved_by,
	athar.conflict_text(c.conflict, plan_conflicts.lang)
FROM athar.plan_conflict c
WHERE c.draft_id = plan_conflicts.draft
ORDER BY c.id;
END;
COMMENT ON FUNCTION athar.plan_conflicts(integer, text) IS
'What a draft and the plan disagree about, one row each: where (JSON pointer, items named by id), what sort, the value both started from, the draft''s (ours) and the plan''s (theirs; NULL where a side has none), who made theirs, in which version and why, how it was resolved, and all of it as a sentence in the language given (en or ar; see conflict_text()). No row for NULL. 42704 for an unknown draft, 22023 for an unknown language.';
