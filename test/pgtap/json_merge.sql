-- json_merge3: two versions of a document into one
BEGIN;
SELECT plan(105);
SET LOCAL client_min_messages = warning;
CREATE FUNCTION pg_temp.rules() RETURNS jsonb LANGUAGE SQL IMMUTABLE RETURN
	'{"/items": "keyed:id", "/items/*/kpis": "keyed:kpi", "/items/*/depends_on": "refset:/items", "/items/*/parent": "ref:/items", "/items/*/steps": "atomic", "/tags": "set"}'::jsonb;
-- A merge in one text: the document, and each conflict.
CREATE FUNCTION pg_temp.merged(base text, ours text, theirs text) RETURNS text LANGUAGE SQL AS $$
SELECT m.merged::text || coalesce((SELECT string_agg(E'\n' || (c.value - 'path' - 'kind')::text || ' ' || (c.value ->> 'kind') || ' ' || (c.value ->> 'path'), '' ORDER BY c.ordinality) FROM jsonb_array_elements(m.conflicts) WITH ORDINALITY AS c), '')
FROM athar.json_merge3(base::jsonb, ours::jsonb, theirs::jsonb, pg_temp.rules()) AS m
$$;

-- The decision table: values
CREATE TEMPORARY TABLE decision (base text, ours text, theirs text, outcome text, description text);
INSERT INTO decision VALUES
('{"v": 1}', '{"v": 1}', '{"v": 2}', '{"v": 2}', 'what they changed'),
('{"v": 1}', '{"v": 2}', '{"v": 2}', '{"v": 2}', 'what both changed alike'),
('{"v": 1}', '{"v": 2}', '{"v": 3}', '{"v": 1}
{"base": 1, "ours": 2, "theirs": 3} edit/edit /v', 'what both changed differently'),
('{"v": 1}', '{"v": null}', '{"v": 2}', '{"v": 1}
{"base": 1, "ours": null, "theirs": 2} edit/edit /v', 'null is a value'),
('{"v": 1}', '{}', '{"v": 1}', '{}', 'what was deleted'),
('{"v": 1}', '{"v": 2}', '{}', '{"v": 1}
{"base": 1, "ours": 2} edit/delete /v', 'edited and deleted'),
('{"v": 1}', '{}', '{"v": 2}', '{"v": 1}
{"base": 1, "theirs": 2} delete/edit /v', 'deleted and edited'),
('{"v": 1, "w": 1}', '{}', '{"w": 2}', '{"w": 1}
{"base": 1, "theirs": 2} delete/edit /w', 'deleted twice is deleted'),
('{}', '{"v": 1}', '{"v": 1}', '{"v": 1}', 'added alike'),
('{}', '{"v": 1}', '{"v": 2}', '{}
{"ours": 1, "theirs": 2} add/add /v', 'added differently'),
('{}', '{"v": 1}', '{"w": 2}', '{"v": 1, "w": 2}', 'added apart'),
('{}', '{"m": {"a": 1, "b": 1}}', '{"m": {"a": 2, "c": 1}}', '{"m": {"b": 1, "c": 1}}
{"ours": 1, "theirs": 2} add/add /m/a', 'a map added twice: the members that differ'),
('{"v": 1}', '{"v": "a"}', '{"v": [1]}', '{"v": 1}
{"base": 1, "ours": "a", "theirs": [1]} edit/edit /v', 'another kind of value'),
('{"m": {"a": 1}}', '{"m": {"a": 2}}', '{"m": 5}', '{"m": {"a": 1}}
{"base": {"a": 1}, "ours": {"a": 2}, "theirs": 5} edit/edit /m', 'an object that became none'),
('{"m": {"a": 1, "b": 1, "c": 1}}', '{"m": {"a": 2, "b": 1, "d": 1}}', '{}', '{"m": {"a": 1, "b": 1, "c": 1}}
{"base": {"a": 1, "b": 1, "c": 1}, "ours": {"a": 2, "b": 1, "d": 1}, "fields": ["a", "c", "d"]} edit/delete /m', 'a map that went tells what was changed of it'),
('{"m": {"a": 1, "b": 1}}', '{"m": {"a": 2, "b": 1}}', '{"m": {"a": 1, "b": 3}}', '{"m": {"a": 2, "b": 3}}', 'members of a map'),
('{"v": 1}', '{"v": 2.0}', '{"v": 2.00}', '{"v": 2.00}', 'equal numbers: the longer spelling'),
('{"v": 1.10}', '{"v": 1.1, "w": 1}', '{"v": 1.100, "x": 1}', '{"v": 1.10, "w": 1, "x": 1}', 'that of the base, if it is its value'),
('{"v": 12345678901234567.89}', '{"v": 12345678901234567.89, "w": 9007199254740993}', '{"v": 12345678901234567.88}', '{"v": 12345678901234567.88, "w": 9007199254740993}', 'numbers stay exact'),
('1', '2', '3', '1
{"base": 1, "ours": 2, "theirs": 3} edit/edit ', 'a document that is one value'),
('{"a/b~": 1}', '{"a/b~": 2}', '{"a/b~": 3}', '{"a/b~": 1}
{"base": 1, "ours": 2, "theirs": 3} edit/edit /a~1b~0', 'a name with a slash'),
-- sets
('{"tags": ["a", "b", "c"]}', '{"tags": ["a", "c", "z"]}', '{"tags": ["y", "a", "b"]}', '{"tags": ["a", "y", "z"]}', 'a set: what one took out is out, what one put in is in'),
('{"tags": [1, 2]}', '{"tags": [1.0, 2, 3]}', '{"tags": [2, 1, 3.0]}', '{"tags": [1, 2, 3.0]}', 'of numbers'),
('{"tags": ["a"]}', '{}', '{"tags": ["a", "b"]}', '{"tags": ["a"]}
{"base": ["a"], "theirs": ["a", "b"]} delete/edit /tags', 'the whole set gone, against an addition'),
('{"tags": ["a", "b"]}', '{}', '{"tags": ["a"]}', '{}', 'against a removal'),
('{}', '{"tags": ["b", "a"]}', '{"tags": ["c", "a"]}', '{"tags": ["a", "b", "c"]}', 'added by both'),
-- lists
('{"items": [{"id": "A1", "due": 1, "own": 1}]}', '{"items": [{"id": "A1", "due": 2, "own": 1}]}', '{"items": [{"id": "A1", "due": 1, "own": 2}]}', '{"items": [{"id": "A1", "due": 2, "own": 2}]}', 'fields of one item'),
('{"items": [{"id": "A1", "due": 1}]}', '{"items": [{"id": "A1", "due": 2}]}', '{"items": [{"id": "A1", "due": 3}]}', '{"items": [{"id": "A1", "due": 1}]}
{"base": 1, "ours": 2, "theirs": 3} edit/edit /items/A1/due', 'one field of one item'),
('{"items": [{"id": "A1", "v": 1}, {"id": "A2"}]}', '{"items": [{"id": "A2"}]}', '{"items": [{"id": "A1", "v": 2, "w": 1}, {"id": "A2"}]}', '{"items": [{"v": 1, "id": "A1"}, {"id": "A2"}]}
{"base": {"v": 1, "id": "A1"}, "fields": ["v", "w"], "theirs": {"v": 2, "w": 1, "id": "A1"}} delete/edit /items/A1', 'an item deleted and edited'),
('{"items": []}', '{"items": [{"id": "A1", "v": 1, "o": 1}]}', '{"items": [{"id": "A1", "v": 2, "t": 1}]}', '{"items": [{"o": 1, "t": 1, "id": "A1"}]}
{"ours": 1, "theirs": 2} add/add /items/A1/v', 'one id added by both: field by field'),
('{"items": [{"id": "A1"}]}', '{"items": [{"id": "A1"}, {"id": "B"}]}', '{"items": [{"id": "A1"}, {"id": "A"}]}', '{"items": [{"id": "A1"}, {"id": "A"}, {"id": "B"}]}', 'two ids added at one place: in the order of ids'),
('{"items": [{"id": "A1"}, {"id": "A2"}]}', '{"items": [{"id": "A1"}, {"id": "B2"}, {"id": "B1"}, {"id": "A2"}]}', '{"items": [{"id": "A1"}, {"id": "C"}, {"id": "A2"}, {"id": "A0"}]}', '{"items": [{"id": "A1"}, {"id": "B2"}, {"id": "B1"}, {"id": "C"}, {"id": "A2"}, {"id": "A0"}]}', 'runs stay whole, each where it was put'),
('{"items": [{"id": "A"}, {"id": "B"}, {"id": "C"}]}', '{"items": [{"id": "C"}, {"id": "A"}, {"id": "B"}]}', '{"items": [{"id": "A"}, {"id": "B", "v": 1}, {"id": "C", "v": 1}]}', '{"items": [{"v": 1, "id": "C"}, {"id": "A"}, {"v": 1, "id": "B"}]}', 'moved and edited: both'),
('{"items": [{"id": "A"}, {"id": "B"}, {"id": "C"}]}', '{"items": [{"id": "C"}, {"id": "A"}, {"id": "B"}]}', '{"items": [{"id": "A"}, {"id": "B"}]}', '{"items": [{"id": "A"}, {"id": "B"}]}', 'moved and deleted: deleted'),
('{"items": [{"id": "A"}, {"id": "B"}, {"id": "C"}, {"id": "D"}]}', '{"items": [{"id": "D"}, {"id": "A"}, {"id": "B"}, {"id": "C"}]}', '{"items": [{"id": "A"}, {"id": "D"}, {"id": "B"}, {"id": "C"}]}', '{"items": [{"id": "A"}, {"id": "B"}, {"id": "C"}, {"id": "D"}]}
{"base": "C", "ours": null, "theirs": "A"} move/move /items/D', 'one item to two places'),
('{"items": [{"id": "A"}, {"id": "B"}, {"id": "C"}, {"id": "D"}, {"id": "E"}]}', '{"items": [{"id": "D"}, {"id": "A"}, {"id": "B"}, {"id": "C"}, {"id": "E"}]}', '{"items": [{"id": "A"}, {"id": "B"}, {"id": "D"}, {"id": "E"}, {"id": "C"}]}', '{"items": [{"id": "D"}, {"id": "A"}, {"id": "B"}, {"id": "E"}, {"id": "C"}]}', 'two items to two places'),
('{"items": [{"id": "A"}, {"id": "B"}, {"id": "C"}]}', '{"items": [{"id": "C"}, {"id": "A"}, {"id": "B"}], "v": 1}', '{"items": [{"id": "C"}, {"id": "A"}, {"id": "B"}], "v": 2}', '{"items": [{"id": "C"}, {"id": "A"}, {"id": "B"}]}
{"ours": 1, "theirs": 2} add/add /v', 'moved alike'),
('{"items": [{"id": "A"}]}', '{"items": [{"id": "A"}, {"id": "X"}, {"id": "Y"}]}', '{"items": [{"id": "X"}, {"id": "A"}]}', '{"items": [{"id": "X"}, {"id": "A"}, {"id": "Y"}]}', 'one id added at two places: the earlier'),
('{"items": [{"id": "A1", "kpis": [{"kpi": "wait", "target": 1}]}]}', '{"items": [{"id": "A1", "kpis": [{"kpi": "wait", "target": 2}]}]}', '{"items": [{"id": "A1", "kpis": [{"kpi": "wait", "target": 1}, {"kpi": "cost"}]}]}', '{"items": [{"id": "A1", "kpis": [{"kpi": "wait", "target": 2}, {"kpi": "cost"}]}]}', 'a list within an item, by another key'),
('{"items": [{"id": "A1", "steps": [1, 2]}]}', '{"items": [{"id": "A1", "steps": [1, 2, 3]}]}', '{"items": [{"id": "A1", "steps": [0, 1, 2]}]}', '{"items": [{"id": "A1", "steps": [1, 2]}]}
{"base": [1, 2], "ours": [1, 2, 3], "theirs": [0, 1, 2]} edit/edit /items/A1/steps', 'one value, as declared'),
('{"items": [{"id": 1, "v": 1}, {"id": 2}]}', '{"items": [{"id": 2}, {"id": 1.0, "v": 1}]}', '{"items": [{"id": 1, "v": 2}, {"id": 2}]}', '{"items": [{"id": 2}, {"v": 2, "id": 1}]}', 'ids that are numbers'),
('{"list": [{"id": "A", "v": 1}]}', '{"list": [{"id": "A", "v": 2}]}', '{"list": [{"id": "A", "v": 1, "w": 1}]}', '{"list": [{"v": 2, "w": 1, "id": "A"}]}', 'an array without a rule: by id where there is one'),
('{"list": [{"id": "A"}]}', '{"list": [{"id": "A"}, {"x": 1}]}', '{"list": [{"id": "A", "v": 1}]}', '{"list": [{"id": "A"}]}
{"base": [{"id": "A"}], "ours": [{"id": "A"}, {"x": 1}], "theirs": [{"v": 1, "id": "A"}]} edit/edit /list', 'and one value where there is not'),
-- references
('{"items": [{"id": "A"}, {"id": "B"}]}', '{"items": [{"id": "A"}]}', '{"items": [{"id": "A", "parent": "B"}, {"id": "B"}]}', '{"items": [{"id": "A", "parent": "B"}]}
{"ids": ["B"], "theirs": "B"} dangling /items/A/parent', 'deleted what they newly refer to'),
('{"items": [{"id": "A"}, {"id": "B"}, {"id": "C"}, {"id": "D"}]}', '{"items": [{"id": "A"}, {"id": "D"}]}', '{"items": [{"id": "A", "depends_on": ["B", "C", "D"]}, {"id": "B"}, {"id": "C"}, {"id": "D"}]}', '{"items": [{"id": "A", "depends_on": ["B", "C", "D"]}, {"id": "D"}]}
{"ids": ["B", "C"], "theirs": ["B", "C", "D"]} dangling /items/A/depends_on', 'a set of references'),
('{"items": [{"id": "A", "parent": "X"}]}', '{"items": [{"id": "A", "parent": "X", "v": 1}]}', '{"items": [{"id": "A", "parent": "X", "w": 1}]}', '{"items": [{"v": 1, "w": 1, "id": "A", "parent": "X"}]}', 'what led to nothing before is no conflict'),
('{"items": [{"id": "A"}, {"id": "B"}, {"id": "C"}]}', '{"items": [{"id": "A"}, {"id": "B", "parent": "C"}, {"id": "C", "parent": "A"}]}', '{"items": [{"id": "A", "parent": "B"}, {"id": "B"}, {"id": "C"}]}', '{"items": [{"id": "A", "parent": "B"}, {"id": "B", "parent": "C"}, {"id": "C", "parent": "A"}]}
{"ids": ["A", "B", "C"], "theirs": "B"} cycle /items/A/parent', 'a loop of parents'),
('{"items": [{"id": "A", "parent": "A"}]}', '{"items": [{"id": "A", "parent": "A", "v": 1}]}', '{"items": [{"id": "A", "parent": "A", "w": 1}]}', '{"items": [{"v": 1, "w": 1, "id": "A", "parent": "A"}]}', 'a loop that was there before');
SELECT is(pg_temp.merged(base, ours, theirs), outcome, description) FROM decision;

-- With the sides exchanged the conflicts are, and nothing else.
CREATE FUNCTION pg_temp.exchanged(conflicts jsonb) RETURNS jsonb LANGUAGE SQL RETURN (
	SELECT coalesce(jsonb_agg(c.value - 'ours' - 'theirs' - 'kind'
		|| jsonb_build_object('kind', CASE c.value ->> 'kind' WHEN 'edit/delete' THEN 'delete/edit' WHEN 'delete/edit' THEN 'edit/delete' ELSE c.value ->> 'kind' END)
		|| CASE WHEN c.value ? 'theirs' THEN jsonb_build_object('ours', c.value -> 'theirs') ELSE '{}' END
		|| CASE WHEN c.value ? 'ours' THEN jsonb_build_object('theirs', c.value -> 'ours') ELSE '{}' END ORDER BY c.ordinality), '[]')
	FROM jsonb_array_elements(conflicts) WITH ORDINALITY AS c);
SELECT is((SELECT count(*) FROM decision AS d, athar.json_merge3(d.base::jsonb, d.ours::jsonb, d.theirs::jsonb, pg_temp.rules()) AS m, athar.json_merge3(d.base::jsonb, d.theirs::jsonb, d.ours::jsonb, pg_temp.rules()) AS x
	WHERE m.merged::text <> x.merged::text OR pg_temp.exchanged(m.conflicts) <> x.conflicts), 0::bigint, 'the table holds from the other side');

-- Random plans: each side drops, moves, edits and adds items.
CREATE FUNCTION pg_temp.edited(document jsonb, side text) RETURNS jsonb LANGUAGE SQL AS $$
SELECT jsonb_build_object('title', CASE WHEN random() < 0.2 THEN to_jsonb(side) ELSE document -> 'title' END,
	'tags', (SELECT coalesce(jsonb_agg(t ORDER BY random()), '[]') FROM (SELECT t FROM jsonb_array_elements(document -> 'tags') AS t WHERE random() < 0.7 UNION SELECT to_jsonb(floor(random() * 9)) WHERE random() < 0.5) AS t),
	'items', (SELECT coalesce(jsonb_agg(i.item ORDER BY i.place), '[]') FROM (
		SELECT CASE WHEN random() < 0.2 THEN e.item || jsonb_build_object('v', floor(random() * 3)) ELSE e.item END
			|| CASE WHEN random() < 0.15 THEN jsonb_build_object('parent', 'A' || floor(random() * 9)) ELSE '{}' END AS item,
			e.ordinality + CASE WHEN random() < 0.15 THEN 10 * random() - 5 ELSE 0 END AS place
		FROM jsonb_array_elements(document -> 'items') WITH ORDINALITY AS e (item, ordinality)
		WHERE random() < 0.85
		UNION ALL
		SELECT jsonb_build_object('id', 'N' || n, 'v', floor(random() * 2)), random() * 9 FROM generate_series(1, 3) AS n WHERE random() < 0.3) AS i))
$$;
SELECT setseed(0.37);
CREATE TEMPORARY TABLE edit AS
SELECT b.n, b.base, pg_temp.edited(b.base, 'ours') AS ours, pg_temp.edited(b.base, 'theirs') AS theirs
FROM (SELECT n, jsonb_build_object('title', 'base', 'tags', '[1, 2, 3, 4]'::jsonb, 'items', jsonb_agg(jsonb_build_object('id', 'A' || i, 'v', 0) ORDER BY i)) AS base
	FROM generate_series(1, 3000) AS n, generate_series(1, 2 + n % 8) AS i GROUP BY n) AS b;
CREATE TEMPORARY TABLE outcome AS
SELECT e.*, m.merged, m.conflicts, x.merged AS other_merged, x.conflicts AS other_conflicts
FROM edit AS e, athar.json_merge3(e.base, e.ours, e.theirs, pg_temp.rules()) AS m, athar.json_merge3(e.base, e.theirs, e.ours, pg_temp.rules()) AS x;
SELECT cmp_ok((SELECT count(DISTINCT c ->> 'kind') FROM outcome, jsonb_array_elements(conflicts) AS c), '>=', 7::bigint, 'random plans with conflicts of every kind');
SELECT is((SELECT count(*) FROM outcome WHERE merged::text <> other_merged::text), 0::bigint, 'the same document from both sides');
SELECT is((SELECT count(*) FROM outcome WHERE pg_temp.exchanged(conflicts) <> other_conflicts), 0::bigint, 'the same conflicts, exchanged');
SELECT is((SELECT count(*) FROM edit AS e, athar.json_merge3(e.base, e.ours, e.base, pg_temp.rules()) AS m WHERE m.merged::text <> e.ours::text OR m.conflicts <> '[]'), 0::bigint, 'what they did not touch is ours');
SELECT is((SELECT count(*) FROM edit AS e, athar.json_merge3(e.base, e.base, e.theirs, pg_temp.rules()) AS m WHERE m.merged::text <> e.theirs::text OR m.conflicts <> '[]'), 0::bigint, 'what we did not touch is theirs');
SELECT is((SELECT count(*) FROM edit AS e, athar.json_merge3(e.base, e.ours, e.ours, pg_temp.rules()) AS m WHERE m.merged::text <> e.ours::text OR m.conflicts <> '[]'), 0::bigint, 'the same on both sides');
SELECT is((SELECT count(*) FROM outcome AS o WHERE EXISTS (
	SELECT FROM jsonb_array_elements(o.ours -> 'items') AS i
	WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(o.base -> 'items') AS b WHERE b -> 'id' = i -> 'id')
		AND NOT EXISTS (SELECT FROM jsonb_array_elements(o.merged -> 'items') AS m WHERE m -> 'id' = i -> 'id'))), 0::bigint, 'no item that somebody added is lost');
SELECT is((SELECT count(*) FROM outcome AS o WHERE EXISTS (SELECT i ->> 'id' FROM jsonb_array_elements(o.merged -> 'items') AS i GROUP BY 1 HAVING count(*) > 1)), 0::bigint, 'none is there twice');
SELECT is((SELECT count(*) FROM outcome AS o WHERE EXISTS (
	SELECT FROM jsonb_array_elements(o.base -> 'items') AS b
	JOIN jsonb_array_elements(o.ours -> 'items') AS u ON u -> 'id' = b -> 'id'
	JOIN jsonb_array_elements(o.theirs -> 'items') AS t ON t -> 'id' = b -> 'id'
	JOIN jsonb_array_elements(o.merged -> 'items') AS m ON m -> 'id' = b -> 'id'
	WHERE m -> 'v' <> CASE WHEN u -> 'v' = t -> 'v' OR t -> 'v' = b -> 'v' THEN u -> 'v' WHEN u -> 'v' = b -> 'v' THEN t -> 'v' ELSE b -> 'v' END)), 0::bigint, 'each field is what one of them wrote, and what the base has in conflict');

-- Answers: each settles the conflict that it was given to. All for one side,
-- and those that come up by it too, there is no conflict left, the side has
-- what it wants, and nothing else is another.
CREATE FUNCTION pg_temp.answered(conflicts jsonb, side text) RETURNS jsonb LANGUAGE SQL RETURN (
	SELECT coalesce(jsonb_agg(c || jsonb_build_object('resolution', side)), '[]') FROM jsonb_array_elements(conflicts) AS c);
CREATE TEMPORARY TABLE settled AS
WITH RECURSIVE round AS (
	SELECT row_number() OVER () AS edit, s.side, 0 AS n, o.base, o.ours, o.theirs, o.merged AS first_merged, o.conflicts AS met, o.conflicts, o.merged
	FROM outcome AS o, unnest('{ours,theirs,base}'::text[]) AS s (side)
	WHERE o.conflicts <> '[]' AND o.n % 4 = 0
	UNION ALL
	SELECT r.edit, r.side, r.n + 1, r.base, r.ours, r.theirs, r.first_merged, r.met || m.conflicts, m.conflicts, m.merged
	FROM round AS r, athar.json_merge3(r.base, r.ours, r.theirs, pg_temp.rules(), pg_temp.answered(r.met, r.side)) AS m
	WHERE r.conflicts <> '[]' AND r.n < 20)
SELECT DISTINCT ON (edit, side) * FROM round ORDER BY edit, side, n DESC;
SELECT cmp_ok((SELECT count(*) FROM settled), '>', 500::bigint, 'many merges with conflicts to settle');
SELECT cmp_ok((SELECT max(n) FROM settled), '>', 1, 'in some, settling one brings up another');
SELECT is((SELECT count(*) FROM settled WHERE conflicts <> '[]' AND side <> 'base'), 0::bigint, 'settled for one side, nothing is left');
SELECT is((SELECT count(*) FROM settled WHERE conflicts <> '[]'), 0::bigint, 'nor for the base');
SELECT is_empty($$SELECT s.edit, s.side, c FROM settled AS s, jsonb_array_elements(s.met) AS c
	WHERE s.side <> 'base' AND c ->> 'kind' IN ('edit/edit', 'edit/delete', 'delete/edit', 'add/add') AND athar.value_at(s.merged, c ->> 'path') IS DISTINCT FROM c -> s.side$$,
	'what was in conflict is as the side has it');
SELECT is_empty($$SELECT s.edit, s.side, f, m FROM settled AS s, jsonb_array_elements(s.first_merged -> 'items') AS f, jsonb_array_elements(s.merged -> 'items') AS m,
	LATERAL (SELECT coalesce(array_agg(split_part(c ->> 'path', '/', 4)), '{}') AS keys, coalesce(bool_or(c ->> 'path' = '/items/' || (f ->> 'id') AND c ->> 'kind' <> 'move/move'), false) AS is_whole
		FROM jsonb_array_elements(s.met) AS c
		WHERE split_part(c ->> 'path', '/', 3) = f ->> 'id' OR c -> 'ids' ? (f ->> 'id')) AS k
	WHERE f ->> 'id' = m ->> 'id' AND NOT k.is_whole AND f - k.keys - CASE WHEN k.keys <> '{}' THEN 'parent' ELSE '' END <> m - k.keys - CASE WHEN k.keys <> '{}' THEN 'parent' ELSE '' END$$,
	'and nothing else is another');
SELECT is_empty($$SELECT s.edit, s.side, e.id FROM settled AS s, jsonb_array_elements(s.first_merged -> 'items' || (s.merged -> 'items')) AS i, LATERAL (SELECT i ->> 'id') AS e (id)
	GROUP BY s.edit, s.side, s.met, e.id
	HAVING count(*) <> 2 AND NOT EXISTS (SELECT FROM jsonb_array_elements(s.met) AS c WHERE c ->> 'path' = '/items/' || e.id OR c -> 'ids' ? e.id)$$,
	'no item comes or goes that nobody asked about');
SELECT is((SELECT count(*) FROM settled AS s, athar.json_merge3(s.base, s.theirs, s.ours, pg_temp.rules(), pg_temp.answered(pg_temp.exchanged(s.met), 'theirs')) AS x
	WHERE s.side = 'ours' AND (x.merged::text <> s.merged::text OR x.conflicts <> '[]')), 0::bigint, 'from the other side it is the same');
-- one by one
CREATE FUNCTION pg_temp.settle(base jsonb, ours jsonb, theirs jsonb, resolution jsonb) RETURNS text LANGUAGE SQL AS $$
	SELECT s.merged::text || coalesce(E'\n' || (SELECT string_agg((c - 'kind' - 'path')::text || ' ' || (c ->> 'kind') || ' ' || (c ->> 'path'), E'\n') FROM jsonb_array_elements(s.conflicts) AS c), '')
	FROM athar.json_merge3(base, ours, theirs, pg_temp.rules()) AS m,
		athar.json_merge3(base, ours, theirs, pg_temp.rules(), (SELECT jsonb_agg(c || resolution) FROM jsonb_array_elements(m.conflicts) AS c)) AS s$$;
SELECT is(pg_temp.settle('{"a": 1}', '{"a": 2}', '{"a": 3}', '{"resolution": "value", "value": [4]}'), '{"a": [4]}', 'a value of its own');
SELECT is(pg_temp.settle('{"a": 1}', '{}', '{"a": 3}', '{"resolution": "ours"}'), '{}', 'a side that has none');
SELECT is(pg_temp.settle('{"items": [{"id": "A"}, {"id": "B"}, {"id": "C"}]}', '{"items": [{"id": "C"}]}', '{"items": [{"id": "A", "parent": "B"}, {"id": "B", "v": 1}, {"id": "C"}]}', '{"resolution": "theirs"}'),
	'{"items": [{"id": "A", "parent": "B"}, {"v": 1, "id": "B"}, {"id": "C"}]}', 'items one side deleted');
SELECT is(pg_temp.settle('{"items": [{"id": "A"}, {"id": "B"}, {"id": "C", "parent": "B"}]}', '{"items": [{"id": "A"}, {"id": "N"}]}', '{"items": [{"id": "A", "parent": "C"}, {"id": "B"}, {"id": "C", "parent": "B"}]}', '{"resolution": "theirs"}'),
	'{"items": [{"id": "A", "parent": "C"}, {"id": "C", "parent": "B"}, {"id": "N"}]}' || E'\n{"ids": ["B"], "base": "B", "theirs": "B"} dangling /items/C/parent', 'what comes back may refer to what is gone');
SELECT is((SELECT s.merged::text || s.conflicts::text FROM athar.json_merge3('{"a": 1, "b": 1}', '{"a": 2, "b": 2}', '{"a": 3, "b": 3}') AS m,
	athar.json_merge3('{"a": 1, "b": 1}', '{"a": 2, "b": 2}', '{"a": 4, "b": 3}', '{}', pg_temp.answered(m.conflicts, 'ours')) AS s),
	'{"a": 1, "b": 2}[{"base": 1, "kind": "edit/edit", "ours": 2, "path": "/a", "theirs": 4}]', 'an answer is for the conflict it was given to, and for no other');
SELECT is((SELECT s.merged::text FROM athar.json_merge3('{"a": 1, "b": 1}', '{"a": 2, "b": 1}', '{"a": 1, "b": 2}', '{}',
	'[{"path": "/b", "kind": "invalid", "base": 1, "ours": 1, "theirs": 2, "resolution": "ours"}, {"path": "/a", "kind": "invalid", "base": 1, "ours": 1, "theirs": 1, "resolution": "theirs"}]') AS s),
	'{"a": 2, "b": 1}', 'of kind invalid: the value at its path, while the sides are what they were');
SELECT throws_ok(format($$SELECT athar.json_merge3('1', '2', '3', '{}', %L)$$, a), '22023', 'answers are an array of conflicts, each with a resolution', a)
FROM unnest('{"{}","1","[1]","[{}]","[{\"path\": \"/a\", \"kind\": \"add/add\"}]","[{\"path\": \"/a\", \"kind\": \"add/add\", \"resolution\": \"mine\"}]","[{\"path\": \"/a\", \"kind\": \"add/add\", \"resolution\": \"value\"}]","[{\"path\": 1, \"kind\": \"add/add\", \"resolution\": \"ours\"}]"}'::text[]) AS a;
-- 1 and "1" are one id, as in a path
SELECT is(pg_temp.merged('{"items": [{"id": 1}]}', '{"items": [{"id": "1"}]}', '{"items": [{"id": 1, "v": 2}]}'), '{"items": [{"v": 2, "id": "1"}]}', 'an id is its text');
SELECT throws_ok($$SELECT pg_temp.merged('{"items": []}', '{"items": [{"id": 1}, {"id": "1"}]}', '{"items": [{"id": "B"}]}')$$, '22023', 'items of "/items" do not all have a "id" of their own', 'and not twice in a list');

-- Bad input
SELECT throws_ok($$SELECT athar.json_merge3('1', '2', '3', '[]')$$, '22023', 'rules for a merge are an object of paths', 'rules that are no object');
SELECT throws_ok($$SELECT athar.json_merge3('1', '2', '3', '{"/a": "keyed:"}')$$, '22023', '"/a": "keyed:" is no rule for a merge', 'a list without a key');
SELECT throws_ok($$SELECT athar.json_merge3('1', '2', '3', '{"a": "set"}')$$, '22023', '"a": "set" is no rule for a merge', 'a path that is none');
SELECT throws_ok($$SELECT athar.json_merge3('1', '2', '3', '{"/a": 5}')$$, '22023', '"/a": "5" is no rule for a merge', 'a number');
SELECT throws_ok($$SELECT pg_temp.merged('{"items": []}', '{"items": [{"id": "A"}, {"id": "A", "v": 1}]}', '{"items": [{"id": "B"}]}')$$, '22023', 'items of "/items" do not all have a "id" of their own', 'an id twice');
SELECT throws_ok($$SELECT pg_temp.merged('{"items": []}', '{"items": [{"id": "A"}, 5]}', '{"items": [{"id": "B"}]}')$$, '22023', 'items of "/items" do not all have a "id" of their own', 'an item that is none');
SELECT is(athar.json_merge3(NULL, '1', '2')::text, NULL, 'no base');
SELECT is((SELECT length(m.merged::text) FROM (SELECT jsonb_agg(jsonb_build_object('id', n, 'v', 1)) AS base, jsonb_agg(jsonb_build_object('id', n, 'v', 1 + n % 2) ORDER BY n % 1000, n) AS ours, jsonb_agg(jsonb_build_object('id', n, 'v', 1 + (n + 1) % 2)) AS theirs FROM generate_series(1, 30000) AS n) AS d, athar.json_merge3(d.base, d.ours, d.theirs) AS m), (SELECT length(jsonb_agg(jsonb_build_object('id', n, 'v', 1))::text) FROM generate_series(1, 30000) AS n), '30,000 items');
CREATE FUNCTION pg_temp.nested(inside text) RETURNS jsonb LANGUAGE SQL RETURN (repeat('{"a":', 2000) || inside || repeat('}', 2000))::jsonb;
SELECT is((SELECT length(conflicts -> 0 ->> 'path') FROM athar.json_merge3(pg_temp.nested('1'), pg_temp.nested('2'), pg_temp.nested('3'))), 4000, '2,000 levels');
-- Many conflicts in a long list do not each keep the list.
CREATE FUNCTION pg_temp.most_memory() RETURNS bigint LANGUAGE SQL AS
$$SELECT (regexp_match(pg_read_file('/proc/self/status', 0, 10000), 'VmHWM:\s+(\d+)'))[1]::bigint$$;
SELECT pg_temp.most_memory() AS before \gset
WITH side AS (
	SELECT jsonb_agg(jsonb_build_object('id', n)) AS base,
		jsonb_agg(CASE WHEN n % 2 = 0 THEN jsonb_build_object('id', n, 'parent', n - 1) ELSE jsonb_build_object('id', n) END) AS ours,
		jsonb_agg(CASE WHEN n % 2 = 1 THEN jsonb_build_object('id', n, 'parent', n + 1) ELSE jsonb_build_object('id', n) END) AS theirs
	FROM generate_series(1, 2000) AS n
)
SELECT is(jsonb_array_length(m.conflicts), 1000, 'many loops')
FROM side, athar.json_merge3(jsonb_build_object('items', base), jsonb_build_object('items', ours), jsonb_build_object('items', theirs), '{"/items/*/parent": "ref:/items"}') AS m;
SELECT cmp_ok(pg_temp.most_memory() - :before, '<', 100000::bigint, 'in little memory');

-- A level costs what it holds, and not all that is below it once more.
SELECT set_config('max_stack_depth', '7MB', true);
CREATE FUNCTION pg_temp.deep(prefix text, inside text, suffix text, depth integer) RETURNS jsonb LANGUAGE SQL RETURN (repeat(prefix, depth) || inside || repeat(suffix, depth))::jsonb;
CREATE TEMPORARY TABLE deep AS
SELECT s.shape, pg_temp.deep(s.prefix, '1', s.suffix, s.depth) AS base, pg_temp.deep(s.prefix, '2', s.suffix, s.depth) AS ours, pg_temp.deep(s.prefix, '3', s.suffix, s.depth) AS theirs, repeat(s.name, s.depth) AS path
FROM (VALUES ('maps', '{"a":', '}', 10000, '/a'), ('lists', '[{"id":1,"s":', '}]', 5000, '/1/s')) AS s (shape, prefix, suffix, depth, name);
SET LOCAL statement_timeout = '20s';
SELECT ok(m.merged = d.base AND m.conflicts = jsonb_build_array(jsonb_build_object('path', d.path, 'kind', 'edit/edit', 'base', 1, 'ours', 2, 'theirs', 3)), d.shape || ', ten thousand levels of them: a conflict')
FROM deep AS d, athar.json_merge3(d.base, d.ours, d.theirs) AS m;
SELECT ok(m.merged = d.theirs AND m.conflicts = '[]', d.shape || ', ten thousand levels of them: no conflict')
FROM deep AS d, athar.json_merge3(d.base, d.base, d.theirs) AS m;
SELECT is((SELECT m.merged FROM athar.json_merge3(d.base, d.ours, d.theirs, '{}', jsonb_build_array(jsonb_build_object('path', d.path, 'kind', 'invalid', 'base', 1, 'ours', 2, 'theirs', 3, 'resolution', 'theirs'))) AS m), d.theirs, d.shape || ', ten thousand levels of them: decided')
FROM deep AS d;
RESET statement_timeout;
SELECT set_config('max_stack_depth', '200kB', true);
SELECT throws_ok($$SELECT athar.json_merge3(d.base, d.ours, d.theirs) FROM deep AS d WHERE d.shape = 'maps'$$, '54001', 'stack depth limit exceeded', 'more levels than there is stack');
SELECT set_config('max_stack_depth', '2MB', true);

-- What is deep is merged as what is not.
CREATE FUNCTION pg_temp.below(document jsonb) RETURNS jsonb LANGUAGE SQL RETURN (repeat('{"a": ', 12) || document::text || repeat('}', 12))::jsonb;
SELECT is((SELECT count(*) FROM edit AS e, athar.json_merge3(e.base, e.ours, e.theirs) AS m, athar.json_merge3(pg_temp.below(e.base), pg_temp.below(e.ours), pg_temp.below(e.theirs)) AS x
	WHERE x.merged::text <> pg_temp.below(m.merged)::text OR x.conflicts <> (SELECT coalesce(jsonb_agg(c || jsonb_build_object('path', repeat('/a', 12) || (c ->> 'path')) ORDER BY ordinality), '[]') FROM jsonb_array_elements(m.conflicts) WITH ORDINALITY AS c (c, ordinality))), 0::bigint, 'twelve levels down');

-- Long paths, many times.
CREATE FUNCTION pg_temp.wide(value integer) RETURNS jsonb LANGUAGE SQL RETURN (
	SELECT pg_temp.deep('{"a":', jsonb_object_agg(n, wide.value)::text, '}', 3000) FROM generate_series(1, 50000) AS n);
SELECT pg_temp.most_memory() AS before \gset
SELECT throws_ok('SELECT athar.json_merge3(pg_temp.wide(1), pg_temp.wide(2), pg_temp.wide(3))', '54000', 'the conflicts of a merge are too many to be told', 'more than can be told');
SELECT cmp_ok(pg_temp.most_memory() - :before, '<', 1000000::bigint, 'are not all kept');

-- What fails leaves nothing behind, be it never so often: once both documents were taken apart.
CREATE FUNCTION pg_temp.fail_often(times integer) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	failed integer := 0;
	items jsonb := (SELECT jsonb_agg(jsonb_build_object('id', n, 'title', repeat('x', 100))) FROM generate_series(1, 5) AS n);
	base jsonb := jsonb_build_object('items', items);
	ours jsonb := jsonb_build_object('items', items || jsonb '[{"id": 1, "title": "once more"}]');
	theirs jsonb := jsonb_build_object('items', items || jsonb '[{"id": 9, "title": "another"}]');
BEGIN
	FOR i IN 1..times LOOP
		BEGIN
			PERFORM athar.json_merge3(base, ours, theirs, '{"/items": "keyed:id"}');
		EXCEPTION WHEN invalid_parameter_value THEN failed := failed + 1;
		END;
	END LOOP;
	RETURN failed;
END $$;
CREATE FUNCTION pg_temp.memory() RETURNS bigint LANGUAGE SQL AS
$$SELECT (regexp_match(pg_read_file('/proc/self/status', 0, 10000), 'VmRSS:\s+(\d+)'))[1]::bigint$$;
SELECT pg_temp.fail_often(1000) \g /dev/null
SELECT pg_temp.memory() AS before \gset
SELECT is(pg_temp.fail_often(100000), 100000, 'a hundred thousand merges fail');
SELECT cmp_ok(pg_temp.memory() - :before, '<', 4000::bigint, 'in no memory');

SELECT * FROM finish();
ROLLBACK;
