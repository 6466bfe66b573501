-- 52 history: what changed in a plan, told

CREATE OR REPLACE FUNCTION athar.name_version(project text, version integer, name text)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT athar.fail('22023', 'the name of a version is blank', 'The version keeps the name it has.', 'Pass a name, or NULL to take it away.')
WHERE name_version.name !~ '[^[:space:]]';
SELECT athar.check_version(name_version.project, name_version.version);
UPDATE athar.plan_version v
SET name = name_version.name
WHERE v.project_id = athar.project_id(name_version.project) AND v.version = name_version.version
	AND v.name IS DISTINCT FROM name_version.name;
END;
COMMENT ON FUNCTION athar.name_version(text, integer, text) IS
'Gives a version of a plan a name (baseline 2026, approved by cabinet) or, with NULL, takes it away. Errors: 22023 for a blank name or a version that does not exist, 42704 for an unknown project.';

CREATE OR REPLACE FUNCTION athar.changed_keys(old jsonb, new jsonb)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN (
	SELECT string_agg(key || CASE
			WHEN coalesce(o.word, n.word, '') = '' OR (o.value IS NOT NULL AND o.word IS NULL) OR (n.value IS NOT NULL AND n.word IS NULL) THEN ''
			WHEN o.value IS NULL THEN ' set to ' || n.word
			WHEN n.value IS NULL THEN ' ' || o.word || ' taken away'
			ELSE ' ' || o.word || ' -> ' || n.word END, ', ' ORDER BY key COLLATE "C")
	FROM (SELECT e.key, e.value, CASE WHEN e.value #>> '{}' ~ '^[^[:space:]\[{]{1,40}$' THEN e.value #>> '{}' END
		FROM jsonb_each(changed_keys.old) AS e (key, value)) AS o (key, value, word)
	FULL JOIN (SELECT e.key, e.value, CASE WHEN e.value #>> '{}' ~ '^[^[:space:]\[{]{1,40}$' THEN e.value #>> '{}' END
		FROM jsonb_each(changed_keys.new) AS e (key, value)) AS n (key, value, word) USING (key)
	WHERE o.value IS DISTINCT FROM n.value
);
COMMENT ON FUNCTION athar.changed_keys(jsonb, jsonb) IS
'The keys in which two objects differ, in words, with both values where these are single words (due_on 2026-03-01 -> 2026-04-05, status planned -> live, steps); NULL if they are equal.';

CREATE OR REPLACE FUNCTION athar.moved(places integer[])
RETURNS integer[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_moved';
COMMENT ON FUNCTION athar.moved(integer[]) IS
'Old places of items listed in their new order; answers the old places of those that were moved, so few as can be (the rest is a longest increasing subsequence; of several, the one whose items stood earliest). NULL for NULL; 22023 for NULLs among the places.';

CREATE OR REPLACE FUNCTION athar.plan_history(project text)
RETURNS TABLE (version integer, parent_version integer, author text, saved_at timestamptz, reason text, summary text, name text)
LANGUAGE SQL STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
-- in a statement of its own: over an empty table a condition is not looked at
SELECT athar.project_id(plan_history.project);
WITH step AS MATERIALIZED (
	SELECT n.project_id, n.version, n.parent_version, n.author, n.saved_at, n.reason, n.name,
		n.items AS new_items, coalesce(o.items, '{}') AS old_items, n.header - 'items' AS new_header, o.header - 'items' AS old_header
	FROM athar.plan_version n
	LEFT JOIN athar.plan_version o ON o.project_id = n.project_id AND o.version = n.parent_version
	WHERE n.project_id = (SELECT athar.project_id(plan_history.project))
), fresh AS (
	SELECT s.version, i.item_id, i.document, array_position(s.new_items, r.revision) AS place
	FROM step s
	CROSS JOIN LATERAL (SELECT unnest(s.new_items) EXCEPT SELECT unnest(s.old_items)) AS r (revision)
	CROSS JOIN LATERAL (SELECT i.item_id, i.document FROM athar.plan_item i
		WHERE i.project_id = s.project_id AND i.revision = r.revision OFFSET 0) AS i
), gone AS (
	SELECT s.version, i.item_id, i.document, array_position(s.old_items, r.revision) AS place
	FROM step s
	CROSS JOIN LATERAL (SELECT unnest(s.old_items) EXCEPT SELECT unnest(s.new_items)) AS r (revision)
	CROSS JOIN LATERAL (SELECT i.item_id, i.document FROM athar.plan_item i
		WHERE i.project_id = s.project_id AND i.revision = r.revision OFFSET 0) AS i
), content AS (
	SELECT version,
		'added ' || string_agg(item_id, ', ' ORDER BY f.place) FILTER (WHERE g.document IS NULL) AS added,
		'changed ' || string_agg(item_id || ' (' || athar.changed_keys(g.document, f.document) || ')', ', ' ORDER BY f.place)
			FILTER (WHERE f.document IS NOT NULL AND g.document IS NOT NULL) AS changed,
		'removed ' || string_agg(item_id, ', ' ORDER BY g.place) FILTER (WHERE f.document IS NULL) AS removed
	FROM fresh f
	FULL JOIN gone g USING (version, item_id)
	GROUP BY version
), shuffled AS (
	SELECT s.version, s.project_id, s.new_items, s.old_items
	FROM step s
	WHERE EXISTS (SELECT
		FROM unnest(s.new_items, s.old_items) AS r (fresh, gone)
		WHERE r.fresh <> r.gone
			AND (SELECT i.item_id FROM athar.plan_item i WHERE i.project_id = s.project_id AND i.revision = r.fresh)
				<> (SELECT i.item_id FROM athar.plan_item i WHERE i.project_id = s.project_id AND i.revision = r.gone))
), placed AS (
	SELECT version, item_id, n.place AS new_place, o.place AS old_place
	FROM (SELECT s.version, r.place,
			(SELECT i.item_id FROM athar.plan_item i WHERE i.project_id = s.project_id AND i.revision = r.revision) AS item_id
		FROM shuffled s
		CROSS JOIN LATERAL unnest(s.new_items) WITH ORDINALITY AS r (revision, place)) AS n
	JOIN (SELECT s.version, r.place,
			(SELECT i.item_id FROM athar.plan_item i WHERE i.project_id = s.project_id AND i.revision = r.revision) AS item_id
		FROM shuffled s
		CROSS JOIN LATERAL unnest(s.old_items) WITH ORDINALITY AS r (revision, place)) AS o USING (version, item_id)
), sequence AS (
	SELECT p.version, athar.moved(array_agg(p.old_place::integer ORDER BY p.new_place)) AS moved,
		jsonb_object_agg(p.old_place, p.item_id) AS item_ids
	FROM placed p
	GROUP BY p.version
), shifted AS (
	SELECT q.version, 'moved ' || string_agg(q.item_ids ->> r.old_place::text, ', ' ORDER BY r.ordinal) AS moved
	FROM sequence q
	CROSS JOIN LATERAL unnest(q.moved) WITH ORDINALITY AS r (old_place, ordinal)
	GROUP BY q.version
)
SELECT s.version, s.parent_version, s.author, s.saved_at, s.reason,
	coalesce(nullif(concat_ws('; ', c.added, c.changed, c.removed, m.moved,
		CASE WHEN s.old_header IS NOT NULL THEN athar.changed_keys(s.old_header, s.new_header) END), ''), 'no items'),
	s.name
FROM step s
LEFT JOIN content c ON c.version = s.version
LEFT JOIN shifted m ON m.version = s.version
ORDER BY s.version;
END;
COMMENT ON FUNCTION athar.plan_history(text) IS
'The versions of a project''s plan, newest last: number, the version it was made from, author, time, reason, what it changed in words, and its name if it was given one. 42704 for an unknown project; no row for NULL.
The words: items added, changed (with the keys, and both values where these are single words), removed and moved (as few as can be), by id, then the changed keys of the header: added A1; changed A3 (due_on 2026-03-01 -> 2026-04-05); removed A4; moved A5; purpose. A first version names its items alone.';

CREATE OR REPLACE FUNCTION athar.plan_conflicts(draft integer)
RETURNS TABLE (path text, kind text, base jsonb, ours jsonb, theirs jsonb, their_version integer, their_author text, their_reason text,
	resolution text, value jsonb, resolved_at timestamptz, resolved_by text)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.check_draft(plan_conflicts.draft);
SELECT c.path, c.kind, c.conflict -> 'base', c.conflict -> 'ours', c.conflict -> 'theirs', c.their_version,
	c.conflict ->> 'their_author', c.conflict ->> 'their_reason', c.resolution, c.value, c.resolved_at, c.resolved_by
FROM athar.plan_conflict c
WHERE c.draft_id = plan_conflicts.draft
ORDER BY c.id;
END;
COMMENT ON FUNCTION athar.plan_conflicts(integer) IS
'What a draft and the plan disagree about, one row each: where (JSON pointer, items named by id), what sort, the value both started from, the draft''s (ours) and the plan''s (theirs; NULL where a side has none), who made theirs, in which version and why, and how it was resolved. 42704 for an unknown draft; no row for NULL.';
