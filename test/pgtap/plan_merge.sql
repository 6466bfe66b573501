-- plan_merge: what becomes of changes that were made at once
BEGIN;
SELECT no_plan();
-- a fault below is to fail, not to run for ever
SET LOCAL statement_timeout = '2min';

SELECT athar.define_unit('agency', 'Agency'), athar.define_unit('ministry', 'Ministry');
SELECT athar.define_service('permit', 'Permit', 'agency'), athar.define_service('refund', 'Refund', 'agency');
SELECT athar.define_stage('permit', 'apply', 'Apply', 1), athar.define_stage('refund', 'claim', 'Claim', 1);
SELECT athar.define_kpi('wait', 'Waiting time', 'days', 'down'), athar.define_kpi('trust', 'Trust', 'points', 'up');

CREATE FUNCTION pg_temp.begin(project text, document jsonb) RETURNS integer
LANGUAGE SQL AS $$SELECT athar.set_context('team', NULL); SELECT athar.create_project(project, project, 'agency', document, 'begin')$$;
CREATE FUNCTION pg_temp.save(actor text, project text, document jsonb, base integer, on_conflict text DEFAULT 'draft') RETURNS athar.plan_outcome
LANGUAGE SQL AS $$SELECT athar.set_context(actor, NULL); SELECT athar.save_plan(project, document, base, actor || ' on ' || base, on_conflict)$$;
-- the document with other values: paths name items by id
CREATE FUNCTION pg_temp.edited(document jsonb, item text, changes jsonb) RETURNS jsonb
LANGUAGE SQL AS $$SELECT jsonb_set(document, '{items}', (SELECT jsonb_agg(CASE WHEN i ->> 'id' = item THEN jsonb_strip_nulls(i || changes) ELSE i END ORDER BY o)
	FROM jsonb_array_elements(document -> 'items') WITH ORDINALITY AS e (i, o)))$$;
CREATE FUNCTION pg_temp.without(document jsonb, item text) RETURNS jsonb
LANGUAGE SQL AS $$SELECT jsonb_set(document, '{items}', (SELECT jsonb_agg(i ORDER BY o) FROM jsonb_array_elements(document -> 'items') WITH ORDINALITY AS e (i, o) WHERE i ->> 'id' <> item))$$;
CREATE FUNCTION pg_temp.told(conflicts jsonb) RETURNS text
LANGUAGE SQL AS $$SELECT string_agg(concat_ws(' ', c ->> 'kind', c ->> 'path', 'base', c -> 'base', 'ours', c -> 'ours', 'theirs', c -> 'theirs', c -> 'fields', c -> 'ids', c ->> 'their_version', c ->> 'their_author'), E'\n' ORDER BY o)
	FROM jsonb_array_elements(conflicts) WITH ORDINALITY AS e (c, o)$$;
CREATE FUNCTION pg_temp.open(draft integer) RETURNS bigint
LANGUAGE SQL AS $$SELECT count(*) FILTER (WHERE resolution IS NULL) FROM athar.plan_conflicts(draft)$$;

-- different items, different fields of one item, different keys of the header
SELECT pg_temp.begin('joint', '{"title": "t", "purpose": "p", "items": [
	{"id": "A", "title": "a", "due_on": "2026-03-01"}, {"id": "B", "title": "b", "kpis": [{"kpi": "wait", "target": "at most 24"}]}, {"id": "C", "title": "c"}]}');
SELECT results_eq($$SELECT * FROM pg_temp.save('board', 'joint', pg_temp.edited(athar.get_plan('joint', 1), 'A', '{"due_on": "2026-04-01"}'), 1)$$,
	$$VALUES ('saved', 2, NULL::integer, jsonb '[]')$$, 'the first saves');
SELECT results_eq($$SELECT * FROM pg_temp.save('chadi', 'joint', pg_temp.edited(athar.get_plan('joint', 1), 'A', '{"title": "Form"}'), 1)$$,
	$$VALUES ('merged', 3, NULL::integer, jsonb '[]')$$, 'another field of the same item is merged');
SELECT is(athar.get_plan('joint') #> '{items,0}', '{"id": "A", "title": "Form", "due_on": "2026-04-01"}', 'and both are there');
SELECT results_eq($$SELECT parent_version, merged_version, author, reason FROM athar.plan_version WHERE project_id = athar.project_id('joint') AND version = 3$$,
	$$VALUES (2, 1, 'chadi', 'chadi on 1')$$, 'the version says what it was made of');
SELECT is(merged_version, NULL, 'which a plain save does not') FROM athar.plan_version WHERE project_id = athar.project_id('joint') AND version = 2;
SELECT is(status, 'merged', 'another KPI of one item, another key of the header, a new item')
FROM pg_temp.save('dunya', 'joint', '{"title": "t", "purpose": "q", "items": [
	{"id": "A", "title": "a", "due_on": "2026-03-01"}, {"id": "B", "title": "b", "kpis": [{"kpi": "wait", "target": "at most 24"}, {"kpi": "trust"}]}, {"id": "N", "title": "n"}, {"id": "C", "title": "c"}]}', 1);
SELECT is(athar.get_plan('joint'), '{"title": "t", "purpose": "q", "items": [
	{"id": "A", "title": "Form", "due_on": "2026-04-01"}, {"id": "B", "title": "b", "kpis": [{"kpi": "wait", "target": "at most 24"}, {"kpi": "trust"}]}, {"id": "N", "title": "n"}, {"id": "C", "title": "c"}]}',
	'are merged, too');
SELECT is(status, 'unchanged', 'what both did already is no change') FROM pg_temp.save('dunya', 'joint', jsonb_set(athar.get_plan('joint', 1), '{purpose}', '"q"'), 1);
SELECT is(status, 'unchanged', 'nor is what was read') FROM pg_temp.save('dunya', 'joint', athar.get_plan('joint', 1), 1);
SELECT results_eq($$SELECT action, title, due_on FROM athar.actions WHERE project = 'joint' ORDER BY ordinal$$,
	$$VALUES ('A', 'Form', date '2026-04-01'), ('B', 'b', NULL), ('N', 'n', NULL), ('C', 'c', NULL)$$, 'the actions follow');
SELECT is(s.status, 'merged', 'a plan without a list of items is one with none: what is left alone goes')
FROM pg_temp.save('chadi', 'joint', jsonb_set(athar.get_plan('joint'), '{purpose}', '"r"'), 4) AS c,
	pg_temp.save('dunya', 'joint', '{"title": "all done", "items": null, "purpose": "q"}', c.version - 1) AS s;
SELECT is(athar.get_plan('joint'), '{"title": "all done", "items": [], "purpose": "r"}', 'the rest is merged');

-- every kind of conflict, and whose it is
CREATE FUNCTION pg_temp.contested(project text, base jsonb, theirs jsonb, ours jsonb) RETURNS athar.plan_outcome
LANGUAGE SQL AS $$SELECT pg_temp.begin(project, base); SELECT pg_temp.save('board', project, theirs, 1);
	SELECT pg_temp.save('chadi', project, theirs || '{"other": 1}', 2); SELECT pg_temp.save('dunya', project, ours, 1)$$;
CREATE FUNCTION pg_temp.plan_of(VARIADIC items text[]) RETURNS jsonb
LANGUAGE SQL AS $$SELECT jsonb_build_object('title', 't', 'items', (SELECT jsonb_agg(jsonb_build_object('id', substr(i, 1, 1), 'title', 't') || coalesce(nullif(substr(i, 2), '')::jsonb, '{}') ORDER BY o) FROM unnest(items) WITH ORDINALITY AS e (i, o)))$$;
CREATE TEMP TABLE contest (project text, base jsonb, theirs jsonb, ours jsonb, told text);
INSERT INTO contest VALUES
('edit', pg_temp.plan_of('A{"due_on": "2026-03-01"}'), pg_temp.plan_of('A{"due_on": "2026-03-20"}'), pg_temp.plan_of('A{"due_on": "2026-03-10"}'),
	'edit/edit /items/A/due_on base "2026-03-01" ours "2026-03-10" theirs "2026-03-20" 2 board'),
('gone', pg_temp.plan_of('A', 'B'), pg_temp.plan_of('A'), pg_temp.plan_of('A', 'B{"weight": 2}'),
	'edit/delete /items/B base {"id": "B", "title": "t"} ours {"id": "B", "title": "t", "weight": 2} theirs ["weight"] 2 board'),
('gone/mine', pg_temp.plan_of('A', 'B'), pg_temp.plan_of('A', 'B{"weight": 2}'), pg_temp.plan_of('A'),
	'delete/edit /items/B base {"id": "B", "title": "t"} ours theirs {"id": "B", "title": "t", "weight": 2} ["weight"] 2 board'),
('add', pg_temp.plan_of('A'), pg_temp.plan_of('A', 'B{"weight": 2}'), pg_temp.plan_of('A', 'B{"weight": 3}'), 'add/add /items/B/weight base ours 3 theirs 2 2 board'),
('field', pg_temp.plan_of('A{"weight": 1}'), pg_temp.plan_of('A'), pg_temp.plan_of('A{"weight": 3}'), 'edit/delete /items/A/weight base 1 ours 3 theirs 2 board'),
('steps', pg_temp.plan_of('A{"steps": [1, 2]}'), pg_temp.plan_of('A{"steps": [1, 2, 3]}'), pg_temp.plan_of('A{"steps": [0, 1, 2]}'), 'edit/edit /items/A/steps base [1, 2] ours [0, 1, 2] theirs [1, 2, 3] 2 board'),
('kpi', pg_temp.plan_of('A{"kpis": [{"kpi": "wait"}, {"kpi": "trust"}]}'), pg_temp.plan_of('A{"kpis": [{"kpi": "wait", "target": "-10%"}, {"kpi": "trust"}]}'), pg_temp.plan_of('A{"kpis": [{"kpi": "wait", "target": "-20%"}]}'),
	'add/add /items/A/kpis/wait/target base ours "-20%" theirs "-10%" 2 board'),
('move', pg_temp.plan_of('A', 'B', 'C', 'D'), pg_temp.plan_of('A', 'D', 'B', 'C'), pg_temp.plan_of('D', 'A', 'B', 'C'), 'move/move /items/D base "C" ours null theirs "A" 2 board'),
('dangling', pg_temp.plan_of('A', 'B'), pg_temp.plan_of('A'), pg_temp.plan_of('A{"parent": "B"}', 'B'), 'dangling /items/A/parent base ours "B" theirs ["B"] 2 board'),
('dangling set', pg_temp.plan_of('A', 'B', 'C'), pg_temp.plan_of('A{"depends_on": ["B", "C"]}', 'B', 'C'), pg_temp.plan_of('A', 'C'), 'dangling /items/A/depends_on base ours theirs ["B", "C"] ["B"] 2 board'),
('cycle', pg_temp.plan_of('A', 'B'), pg_temp.plan_of('A', 'B{"parent": "A"}'), pg_temp.plan_of('A{"parent": "B"}', 'B'), 'cycle /items/A/parent base ours "B" theirs ["A", "B"] 2 board'),
('dates', pg_temp.plan_of('A{"starts_on": "2026-01-01", "due_on": "2026-06-01"}'), pg_temp.plan_of('A{"starts_on": "2026-05-01", "due_on": "2026-06-01"}'), pg_temp.plan_of('A{"starts_on": "2026-01-01", "due_on": "2026-03-01"}'),
	E'invalid /items/A/due_on base "2026-06-01" ours "2026-03-01" theirs "2026-06-01" 2 board\ninvalid /items/A/starts_on base "2026-01-01" ours "2026-01-01" theirs "2026-05-01" 2 board'),
('stage', pg_temp.plan_of('A{"service": "permit"}'), pg_temp.plan_of('A{"service": "refund"}'), pg_temp.plan_of('A{"service": "permit", "stage": "apply"}'),
	E'invalid /items/A/service base "permit" ours "permit" theirs "refund" 2 board\ninvalid /items/A/stage base ours "apply" theirs 2 board'),
('header', '{"title": "t", "purpose": "p"}', '{"title": "t", "purpose": "theirs"}', '{"title": "t", "purpose": "ours"}', 'edit/edit /purpose base "p" ours "ours" theirs "theirs" 2 board'),
('many', pg_temp.plan_of('A', 'B{"due_on": "2026-06-01"}', 'C'), pg_temp.plan_of('A{"weight": 1}', 'B{"due_on": "2026-06-01", "starts_on": "2026-05-01"}', 'C{"title": "x", "weight": 3}'), pg_temp.plan_of('A{"weight": 2}', 'B{"due_on": "2026-03-01"}', 'C{"title": "y"}'),
	E'add/add /items/A/weight base ours 2 theirs 1 2 board\nedit/edit /items/C/title base "t" ours "y" theirs "x" 2 board\ninvalid /items/B/due_on base "2026-06-01" ours "2026-03-01" theirs "2026-06-01" 2 board\ninvalid /items/B/starts_on base ours theirs "2026-05-01" 2 board');
CREATE TEMP TABLE met AS SELECT c.project, c.base AS base_plan, c.theirs AS their_plan, c.ours AS our_plan, c.told, o.* FROM contest c, pg_temp.contested(c.project, c.base, c.theirs, c.ours) o;
SELECT is(status || E'\n' || pg_temp.told(conflicts), E'conflict\n' || told, 'conflict: ' || project) FROM met;
SELECT is(bool_and(c ->> 'their_reason' = 'board on 1'), true, 'every conflict says why their side was changed') FROM met, jsonb_array_elements(conflicts) c;
SELECT is((SELECT count(*) FROM met, jsonb_array_elements(conflicts) c), (SELECT count(*) FROM met, athar.plan_conflicts(draft)), 'and is a row of the draft');
SELECT is(count(*), 0::bigint, 'nothing was saved') FROM met JOIN athar.project j ON j.code = met.project WHERE j.head_version <> 3;
SELECT throws_ok(format($$SELECT pg_temp.save('emad', 'edit', %L, 1, 'error')$$, our_plan), 'AT002', 'the plan of project "edit" has changed since version 1', 'conflicts can be raised instead') FROM met WHERE project = 'edit';

-- the newest version that changed the value, not the newest one
SELECT is(status, 'saved', 'somebody else changes another field of the item') FROM pg_temp.save('emad', 'edit', pg_temp.edited(athar.get_plan('edit'), 'A', '{"weight": 3}'), 3);
SELECT is(pg_temp.told(conflicts), (SELECT told FROM contest WHERE project = 'edit'), 'and is not blamed') FROM pg_temp.save('dunya', 'edit', (SELECT ours FROM contest WHERE project = 'edit'), 1);

-- a draft waits until all is decided
SELECT throws_ok(format('SELECT athar.merge_draft(%s, ''r'')', draft), 'AT002', 'draft ' || draft || ' has 4 open conflicts', 'open conflicts are refused') FROM met WHERE project = 'many';
SELECT is(athar.resolve_conflict(draft, '/items/A/weight', 'value', '7.50'), 3, 'one decided by a value') FROM met WHERE project = 'many';
SELECT is(athar.resolve_conflict(draft, '/items/C/title', 'base'), 2, 'one for the base') FROM met WHERE project = 'many';
SELECT is(athar.resolve_conflict(draft, '/items/B/starts_on', 'ours'), 1, 'one for us') FROM met WHERE project = 'many';
SELECT is(athar.resolve_conflict(draft, '/items/B/due_on', 'theirs'), 0, 'one for them') FROM met WHERE project = 'many';
SELECT is(athar.resolve_conflict(draft, '/items/B/due_on', 'ours'), 0, 'decided anew') FROM met WHERE project = 'many';
SELECT results_eq($$SELECT path, resolution, value::text, resolved_by FROM met, athar.plan_conflicts(draft) c WHERE project = 'many' ORDER BY path$$,
	$$VALUES ('/items/A/weight', 'value', '7.50', 'dunya'), ('/items/B/due_on', 'ours', NULL, 'dunya'), ('/items/B/starts_on', 'ours', NULL, 'dunya'), ('/items/C/title', 'base', NULL, 'dunya')$$, 'plan_conflicts tells who decided what');
SELECT athar.set_context('emad', NULL);
SELECT results_eq($$SELECT m.* FROM met, athar.merge_draft(draft, 'settled') m WHERE project = 'many'$$, $$VALUES ('merged', 4, NULL::integer, jsonb '[]')$$, 'then it is merged');
SELECT is(athar.get_plan('many')::text, (pg_temp.plan_of('A{"weight": 7.50}', 'B{"due_on": "2026-03-01"}', 'C{"weight": 3}') || '{"other": 1}')::text, 'as it was decided, and nothing else is lost');
SELECT results_eq($$SELECT v.author, v.reason, v.parent_version, v.merged_version, d.status, d.merged_version FROM met m JOIN athar.plan_draft d ON d.id = m.draft JOIN athar.plan_version v ON v.project_id = d.project_id AND v.version = 4 WHERE project = 'many'$$,
	$$VALUES ('emad', 'settled', 3, 1, 'merged', 4)$$, 'the draft is closed');
SELECT throws_ok(format('SELECT athar.merge_draft(%s, ''r'')', draft), '55000', 'draft ' || draft || ' is not open any more', 'and not merged twice') FROM met WHERE project = 'many';
SELECT throws_ok(format('SELECT athar.resolve_conflict(%s, ''/items/C/title'', ''ours'')', draft), '55000', 'draft ' || draft || ' is not open any more', 'nor decided') FROM met WHERE project = 'many';
SELECT throws_ok(format('SELECT athar.resolve_conflicts(%s, ''ours'')', draft), '55000', 'draft ' || draft || ' is not open any more', 'nor by side') FROM met WHERE project = 'many';
SELECT throws_ok(format('SELECT athar.drop_draft(%s, ''r'')', draft), '55000', 'draft ' || draft || ' is not open any more', 'nor dropped') FROM met WHERE project = 'many';

-- every kind of conflict, decided for either side
CREATE TEMP TABLE side (project text, side text, outcome jsonb);
SELECT pg_temp.contested(project || '/' || side, base, theirs, ours) FROM contest, unnest('{ours,theirs,base}'::text[]) AS side;
CREATE TEMP TABLE decided AS
SELECT d.project, d.draft, athar.resolve_conflicts(d.draft, split_part(d.project, '/', 2 + (d.project LIKE 'gone/mine/%')::integer)) AS decided
FROM athar.plan_drafts d WHERE d.project LIKE '%/ours' OR d.project LIKE '%/theirs' OR d.project LIKE '%/base';
SELECT is(count(*), 45::bigint, 'forty-five drafts') FROM decided;
CREATE TEMP TABLE done AS SELECT d.project, regexp_replace(d.project, '/[^/]*$', '') AS contest, regexp_replace(d.project, '^.*/', '') AS side, m.* FROM decided d, athar.merge_draft(d.draft, 'decided') m;
SELECT is_empty($$SELECT * FROM done WHERE side <> 'base' AND status NOT IN ('merged', 'unchanged')$$, 'decided for a side all merge');
SELECT is_empty($$SELECT d.project, athar.get_plan(d.project), c.theirs FROM done d JOIN contest c ON c.project = d.contest WHERE d.side = 'theirs' AND d.contest NOT IN ('dangling set', 'many', 'kpi') AND athar.get_plan(d.project) - 'other' <> c.theirs$$, 'for theirs: what they have');
SELECT is_empty($$SELECT d.project, athar.get_plan(d.project), c.ours FROM done d JOIN contest c ON c.project = d.contest WHERE d.side = 'ours' AND d.contest NOT IN ('dangling set', 'many') AND athar.get_plan(d.project) - 'other' <> c.ours$$, 'for ours: what we have');
SELECT is(athar.get_plan('dangling set/theirs') - 'other', pg_temp.plan_of('A{"depends_on": ["B", "C"]}', 'B', 'C'), 'what is referred to comes back to its place');
SELECT is(athar.get_plan('dangling set/ours') - 'other', pg_temp.plan_of('A{"depends_on": ["C"]}', 'C'), 'and what refers to it is taken out alone');
SELECT is(athar.get_plan('many/ours') - 'other', pg_temp.plan_of('A{"weight": 2}', 'B{"due_on": "2026-03-01"}', 'C{"title": "y", "weight": 3}'), 'what is in no conflict is theirs all the same');
SELECT is(athar.get_plan('many/theirs') - 'other', pg_temp.plan_of('A{"weight": 1}', 'B{"due_on": "2026-06-01", "starts_on": "2026-05-01"}', 'C{"title": "x", "weight": 3}'), 'from either side');
SELECT is(athar.get_plan('move/base') - 'other', pg_temp.plan_of('A', 'B', 'C', 'D'), 'for neither: as it was');

-- a decision answers the conflict it was made for, and no other
SELECT is(athar.resolve_conflicts(draft, 'ours'), 1, 'decided') FROM met WHERE project = 'edit';
SELECT is(status, 'saved', 'they change it once more') FROM pg_temp.save('farid', 'edit', pg_temp.edited(athar.get_plan('edit'), 'A', '{"due_on": "2026-05-05"}'), 4);
SELECT results_eq($$SELECT o.status, o.version, o.draft = m.draft, pg_temp.told(o.conflicts) FROM met m, athar.merge_draft(m.draft, 'r') o WHERE m.project = 'edit'$$,
	$$VALUES ('conflict', 5, true, 'edit/edit /items/A/due_on base "2026-03-01" ours "2026-03-10" theirs "2026-05-05" 5 farid')$$, 'the new conflict is told');
SELECT is(pg_temp.open(draft), 1::bigint, 'and open') FROM met WHERE project = 'edit';
SELECT is(athar.resolve_conflicts(draft, 'ours'), 1, 'decided again') FROM met WHERE project = 'edit';
SELECT is(status, 'saved', 'another one comes up') FROM pg_temp.save('farid', 'edit', pg_temp.edited(athar.get_plan('edit'), 'A', '{"starts_on": "2026-04-01"}'), 5);
SELECT is(o.status || E'\n' || pg_temp.told(o.conflicts), E'conflict\ninvalid /items/A/due_on base "2026-03-01" ours "2026-03-10" theirs "2026-05-05" 5 farid\ninvalid /items/A/starts_on base ours theirs "2026-04-01" 6 farid', 'of another kind')
FROM met m, athar.merge_draft(m.draft, 'r') o WHERE m.project = 'edit';
SELECT is(pg_temp.open(draft), 2::bigint, 'what was decided about the first stands') FROM met WHERE project = 'edit';
SELECT is(athar.resolve_conflicts(draft, 'theirs'), 2, 'theirs') FROM met WHERE project = 'edit';
SELECT is(o.status, 'unchanged', 'nothing is left to save') FROM met m, athar.merge_draft(m.draft, 'r') o WHERE m.project = 'edit';
SELECT is(d.status || ' ' || d.merged_version, 'merged 6', 'and the draft is closed') FROM met m JOIN athar.plan_draft d ON d.id = m.draft WHERE m.project = 'edit';

-- given up
SELECT athar.drop_draft(draft, 'not needed') FROM met WHERE project = 'steps';
SELECT is(d.status, 'dropped', 'a draft given up') FROM met JOIN athar.plan_drafts d USING (draft) WHERE met.project = 'steps';
SELECT is(athar.get_draft(draft)::text, our_plan::text, 'its text stays') FROM met WHERE project = 'steps';
SELECT throws_ok(format('SELECT athar.drop_draft(%s, '' '')', draft), 'AT001', 'a reason is required') FROM met WHERE project = 'kpi';

-- refused
SELECT throws_ok(format($$SELECT athar.resolve_conflict(%s, '/items/A/steps', 'mine')$$, draft), '22023', 'unknown resolution "mine"') FROM met WHERE project = 'kpi';
SELECT throws_ok(format($$SELECT athar.resolve_conflict(%s, '/items/A/steps', NULL)$$, draft), '22023', 'unknown resolution NULL') FROM met WHERE project = 'kpi';
SELECT throws_ok(format($$SELECT athar.resolve_conflict(%s, '/items/A/steps', 'ours')$$, draft), '22023', 'draft ' || draft || ' has no conflict at "/items/A/steps"') FROM met WHERE project = 'kpi';
SELECT throws_ok(format($$SELECT athar.resolve_conflict(%s, NULL, 'ours')$$, draft), '22023', 'draft ' || draft || ' has no conflict at NULL') FROM met WHERE project = 'kpi';
SELECT throws_ok(format($$SELECT athar.resolve_conflict(%s, '/items/A/kpis/wait/target', 'value')$$, draft), '22023', 'resolution "value" needs a value') FROM met WHERE project = 'kpi';
SELECT throws_ok(format($$SELECT athar.resolve_conflict(%s, '/items/A/kpis/wait/target', 'ours', '1')$$, draft), '22023', 'a value is for resolution "value" alone') FROM met WHERE project = 'kpi';
SELECT throws_ok(format($$SELECT athar.resolve_conflict(%s, '/items/D', 'value', '"A"')$$, draft), '22023', 'where an item stands is no value') FROM met WHERE project = 'move';
SELECT throws_ok(format($$SELECT athar.resolve_conflict(%s, '/items/B', 'value', '{"id": "Q"}')$$, draft), '22023', 'the value must be an object with the id of its item') FROM met WHERE project = 'gone';
SELECT throws_ok($$SELECT athar.resolve_conflict(0, '/a', 'ours')$$, '42704', 'draft 0 does not exist');
SELECT throws_ok($$SELECT athar.resolve_conflict(NULL, '/a', 'ours')$$, '22023', 'a draft is required');
SELECT throws_ok($$SELECT athar.resolve_conflicts(0, 'ours')$$, '42704', 'draft 0 does not exist');
SELECT throws_ok($$SELECT athar.resolve_conflicts(NULL, 'ours')$$, '22023', 'a draft is required');
SELECT throws_ok(format($$SELECT athar.resolve_conflicts(%s, 'value')$$, draft), '22023', 'unknown resolution "value"') FROM met WHERE project = 'kpi';
SELECT throws_ok($$SELECT athar.merge_draft(0, 'r')$$, '42704', 'draft 0 does not exist');
SELECT throws_ok($$SELECT athar.merge_draft(NULL, 'r')$$, '22023', 'a draft is required');
SELECT throws_ok($$SELECT athar.merge_draft(0, '')$$, 'AT001', 'a reason is required');
SELECT throws_ok($$SELECT athar.drop_draft(0, 'r')$$, '42704', 'draft 0 does not exist');

-- a value that the plan may not have is the next conflict, not an error
SELECT is(athar.resolve_conflict(draft, '/items/A/kpis/wait/target', 'value', '"soon"'), 0, 'a value that is no target') FROM met WHERE project = 'kpi';
SELECT is(o.status || ' ' || (o.conflicts -> 0 ->> 'kind') || ' ' || (o.conflicts -> 0 ->> 'path'), 'conflict invalid /items/A/kpis', 'is told as a conflict') FROM met m, athar.merge_draft(m.draft, 'r') o WHERE m.project = 'kpi';
SELECT is(athar.resolve_conflict(draft, '/items/A/kpis/wait/target', 'value', '"-15%"'), 1, 'another value') FROM met WHERE project = 'kpi';
SELECT is(athar.resolve_conflict(draft, '/items/A/kpis', 'value', '[{"kpi": "wait", "target": "-16%"}]'), 0, 'or another list') FROM met WHERE project = 'kpi';
SELECT is(o.status, 'merged', 'is merged') FROM met m, athar.merge_draft(m.draft, 'r') o WHERE m.project = 'kpi';
SELECT is(athar.get_plan('kpi') #>> '{items,0,kpis}', '[{"kpi": "wait", "target": "-16%"}]', 'as decided last');

-- keys of an item that look like ids, and paths too long for an index, are conflicts like others
SELECT pg_temp.contested('alike', pg_temp.plan_of('X{"kpi": "A"}', 'A{"starts_on": "2026-01-01", "due_on": "2026-06-01"}'), pg_temp.plan_of('X{"kpi": "A"}', 'A{"starts_on": "2026-05-01", "due_on": "2026-06-01"}'),
	pg_temp.plan_of('X{"kpi": "A"}', 'A{"starts_on": "2026-01-01", "due_on": "2026-03-01"}'));
SELECT is(athar.resolve_conflicts(d.draft, 'ours'), 2, 'the sides of an item are told, whatever others have under kpi') FROM athar.plan_drafts d WHERE d.project = 'alike';
SELECT is(o.status, 'merged', 'and what was decided about them holds') FROM athar.plan_drafts d, athar.merge_draft(d.draft, 'r') o WHERE d.project = 'alike';
SELECT is(o.status, 'conflict', 'a key of any length can be in conflict')
FROM (SELECT string_agg(md5(i::text), '') AS key FROM generate_series(1, 300) AS i) AS k,
	pg_temp.contested('long', '{"title": "t"}', jsonb_build_object('title', 't', k.key, 1), jsonb_build_object('title', 't', k.key, 2)) AS o;

-- a gate that refuses a merge leaves the draft as it is
SELECT pg_temp.contested('gated', pg_temp.plan_of('A'), pg_temp.plan_of('A{"weight": 1}'), pg_temp.plan_of('A{"weight": 2, "status": "verified"}'));
SELECT athar.resolve_conflicts(d.draft, 'ours') FROM athar.plan_drafts d WHERE d.project = 'gated';
SELECT throws_ok(format('SELECT athar.merge_draft(%s, ''r'')', d.draft), 'AT004', NULL, 'no merge goes past a gate') FROM athar.plan_drafts d WHERE d.project = 'gated';
SELECT is(d.status || ' ' || d.conflicts || ' ' || d.open_conflicts || ' ' || j.head_version, 'open 1 0 3', 'the draft stays open, and what was decided stands') FROM athar.plan_drafts d JOIN athar.project j ON j.code = d.project WHERE d.project = 'gated';
SELECT is(athar.resolve_conflict(d.draft, '/items/A/weight', 'theirs'), 0, 'it can be decided anew') FROM athar.plan_drafts d WHERE d.project = 'gated';

-- null takes a key away from an action
SELECT athar.set_action('gated', 'A', '{"weight": null, "kind": "form", "note": 1.10}', 3, 'r');
SELECT is(athar.get_plan('gated') #>> '{items,0}', '{"id": "A", "kind": "form", "note": 1.10, "title": "t"}', 'set_action takes away what is null');

-- made by nothing but save_plan() and its like
SELECT throws_ok($$SELECT athar.begin_plan(0, '{"title": "t"}', 'r')$$, 'XX000', 'there is no project 0', 'no version of no project');
SELECT throws_ok($$SELECT athar.begin_plan(athar.project_id('gated'), '[]', 'r')$$, 'XX000', NULL, 'nor of what is no plan');

-- any document, any edit: what is saved is right, and nothing waits for ever
CREATE FUNCTION pg_temp.one_of(VARIADIC choices jsonb[]) RETURNS jsonb LANGUAGE SQL VOLATILE AS $$SELECT choices[1 + floor(random() * array_length(choices, 1))::integer]$$;
CREATE FUNCTION pg_temp.some_id(many integer) RETURNS jsonb LANGUAGE SQL VOLATILE
AS $$SELECT (ARRAY['"A"', '"B"', '"C/~1"', '"~d\"''"', E'"\u0645\u0647\u0645\u0629"', '"kpis"', '"F"']::jsonb[])[1 + floor(random() * many)::integer]$$;
CREATE FUNCTION pg_temp.some_change(odd double precision) RETURNS jsonb LANGUAGE SQL VOLATILE
AS $$SELECT jsonb_strip_nulls(jsonb_build_object(f, v)) || CASE WHEN v = 'null' THEN jsonb_build_object(f, NULL) ELSE '{}' END
FROM (SELECT f, CASE WHEN random() < odd THEN pg_temp.one_of('5', '""', '"A"', '[1]', '{"kpi": "wait"}', 'true', '"2026-13-01"', '-1', 'null', '["A", "A"]', '[{"kpi": "none"}]') ELSE CASE f
	WHEN 'title' THEN pg_temp.one_of('"x"', '"y"') WHEN 'kpi' THEN pg_temp.some_id(7)
	WHEN 'service' THEN pg_temp.one_of('"permit"', '"refund"', 'null') WHEN 'stage' THEN pg_temp.one_of('"apply"', '"claim"', 'null')
	WHEN 'starts_on' THEN pg_temp.one_of('"2026-01-01"', '"2026-05-01"', 'null') WHEN 'due_on' THEN pg_temp.one_of('"2026-03-01"', '"2026-06-01"', 'null')
	WHEN 'live_on' THEN pg_temp.one_of('"2026-02-01"', '"2026-07-01"', 'null') WHEN 'weight' THEN pg_temp.one_of('1', '1.10', '1.1', '0')
	WHEN 'parent' THEN pg_temp.some_id(6) WHEN 'depends_on' THEN jsonb_build_array(pg_temp.some_id(6), pg_temp.some_id(6))
	WHEN 'kpis' THEN pg_temp.one_of('[{"kpi": "wait"}, {"kpi": "trust", "id": "wait"}]', '[{"kpi": "trust", "target": "-10%"}]', '[{"kpi": "wait", "target": "-20%"}]', '[]', 'null')
	WHEN 'steps' THEN pg_temp.one_of('[1, 2]', '[2]', '[[[]]]') ELSE pg_temp.one_of('1', '[]', '{"a": 1}', '{"b": 2}', '[{"id": 1}]', 'null') END END AS v
	FROM (SELECT (ARRAY['title', 'kpi', 'service', 'stage', 'starts_on', 'due_on', 'live_on', 'weight', 'parent', 'depends_on', 'kpis', 'steps', 'else'])[1 + floor(random() * 13)::integer] AS f) AS r) AS c$$;
-- one edit: an item comes, goes, moves or changes
CREATE FUNCTION pg_temp.edit(document jsonb, odd double precision) RETURNS jsonb LANGUAGE SQL VOLATILE AS $$
WITH choice AS MATERIALIZED (SELECT floor(random() * 10)::integer AS what, floor(random() * 7)::integer AS place, pg_temp.some_id(6) AS id, pg_temp.some_change(odd) AS change)
SELECT CASE
	WHEN what = 0 THEN document || jsonb_build_object('purpose', change -> 'title', 'other', change)
	WHEN what <= 2 THEN jsonb_set(document, '{items}', (SELECT coalesce(jsonb_agg(i ORDER BY o), '[]') FROM (
		SELECT i, o::double precision FROM jsonb_array_elements(document -> 'items') WITH ORDINALITY AS e (i, o)
		UNION ALL SELECT jsonb_build_object('id', id, 'title', 'new'), place + 0.5
		WHERE random() < odd OR NOT document -> 'items' @> jsonb_build_array(jsonb_build_object('id', id))) AS e (i, o)))
	WHEN what = 3 THEN jsonb_set(document, '{items}', (SELECT coalesce(jsonb_agg(i ORDER BY o), '[]') FROM jsonb_array_elements(document -> 'items') WITH ORDINALITY AS e (i, o) WHERE i -> 'id' <> id))
	WHEN what = 4 THEN jsonb_set(document, '{items}', (SELECT coalesce(jsonb_agg(i ORDER BY CASE WHEN i -> 'id' = id THEN place + 0.5 ELSE o END), '[]') FROM jsonb_array_elements(document -> 'items') WITH ORDINALITY AS e (i, o)))
	ELSE jsonb_set(document, '{items}', (SELECT coalesce(jsonb_agg(CASE WHEN i -> 'id' = id THEN i || change ELSE i END ORDER BY o), '[]') FROM jsonb_array_elements(document -> 'items') WITH ORDINALITY AS e (i, o))) END
FROM choice$$;
-- edits, and of these the ones that leave it right
CREATE FUNCTION pg_temp.edits(document jsonb, many integer) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE next jsonb;
BEGIN
	FOR i IN 1..many LOOP
		next := pg_temp.edit(document, 0.05);
		IF NOT EXISTS (SELECT FROM athar.validate_plan(next)) THEN document := next; END IF;
	END LOOP;
	RETURN document;
END $$;
CREATE FUNCTION pg_temp.is_refused(project integer, base integer, document jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	PERFORM athar.save_plan((SELECT j.code FROM athar.project j WHERE j.id = project), document, base, 'r');
	RAISE no_data_found;
EXCEPTION WHEN SQLSTATE '22023' THEN RETURN true; WHEN no_data_found THEN RETURN false;
END $$;
CREATE TEMP TABLE trouble (place integer, what text, document jsonb);
-- one action changed: what it is refused for, and else what becomes of the plan, is what saving the whole document comes to
CREATE FUNCTION pg_temp.changed(base integer, id text, changes jsonb) RETURNS athar.plan_outcome LANGUAGE plpgsql AS $$
DECLARE whole athar.plan_outcome; one athar.plan_outcome; state text;
BEGIN
	BEGIN
		whole := athar.save_plan('any', athar.changed_plan('any', base, id, changes), base, 'r');
		RAISE EXCEPTION USING ERRCODE = 'ZZ000', MESSAGE = concat_ws(' ', whole.status, whole.version, whole.conflicts, (SELECT athar.get_plan('any')));
	EXCEPTION WHEN OTHERS THEN state := SQLSTATE || SQLERRM;
	END;
	BEGIN
		one := athar.set_action('any', id, changes, base, 'r');
		IF state <> 'ZZ000' || concat_ws(' ', one.status, one.version, one.conflicts, (SELECT athar.get_plan('any'))) THEN INSERT INTO trouble VALUES (0, 'set_action ' || state, to_jsonb(one)); END IF;
	EXCEPTION WHEN SQLSTATE '22023' OR SQLSTATE '42704' THEN
		IF state <> SQLSTATE || SQLERRM THEN INSERT INTO trouble VALUES (0, 'set_action ' || state || ' ' || SQLSTATE || SQLERRM, changes); END IF;
	END;
	RETURN one;
END $$;
CREATE FUNCTION pg_temp.any_history(rounds integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	plan integer := pg_temp.begin('any', '{"title": "t", "items": [{"id": "A", "title": "a"}, {"id": "B", "title": "b"}, {"id": "C/~1", "title": "c"}]}');
	head integer; base integer; document jsonb; outcome athar.plan_outcome; n integer; side text;
BEGIN
	FOR r IN 1..rounds LOOP
		SELECT head_version INTO head FROM athar.project WHERE id = plan;
		base := greatest(1, head - floor(random() * 4)::integer);
		document := athar.plan_document(plan, base);
		FOR i IN 1..3 LOOP document := pg_temp.edit(document, 0.3); END LOOP;
		IF pg_temp.is_refused(plan, base, document) <> EXISTS (SELECT FROM athar.validate_plan(document)) THEN
			INSERT INTO trouble VALUES (r, 'check', document);
		END IF;
		IF random() < 0.05 THEN
			outcome := athar.revert_plan('any', base, 'back', base);
		ELSIF random() < 0.3 THEN
			outcome := pg_temp.changed(base, pg_temp.some_id(6) #>> '{}', pg_temp.some_change(0.05));
			CONTINUE WHEN outcome IS NULL;
		ELSE
			document := pg_temp.edits(athar.plan_document(plan, base), 4);
			outcome := pg_temp.save('board', 'any', document, base);
		END IF;
		n := 0;
		WHILE outcome.status = 'conflict' AND n < 6 LOOP
			n := n + 1;
			side := (ARRAY['ours', 'theirs', 'base'])[1 + CASE WHEN n > 2 THEN n % 2 ELSE floor(random() * 3)::integer END];
			IF random() < 0.5 THEN PERFORM athar.resolve_conflict(outcome.draft, c.path, (ARRAY['ours', 'theirs', 'base'])[1 + floor(random() * 3)::integer]) FROM athar.plan_conflicts(outcome.draft) c WHERE c.resolution IS NULL AND random() < 0.5; END IF;
			PERFORM athar.resolve_conflicts(outcome.draft, side);
			outcome := athar.merge_draft(outcome.draft, side);
		END LOOP;
		IF outcome.status = 'conflict' THEN INSERT INTO trouble VALUES (r, 'never merged ' || base || ' ' || side, to_jsonb(outcome)); PERFORM athar.drop_draft(outcome.draft, 'r'); END IF;
		IF outcome.status = 'unchanged' AND outcome.version <> head OR outcome.status IN ('saved', 'merged') AND outcome.version <> head + 1 THEN INSERT INTO trouble VALUES (r, 'version', to_jsonb(outcome)); END IF;
		SELECT head_version INTO head FROM athar.project WHERE id = plan;
		INSERT INTO trouble SELECT r, 'invalid ' || f.path || ' ' || f.fault, athar.plan_document(plan, head) FROM athar.validate_plan(athar.plan_document(plan, head)) f;
		INSERT INTO trouble SELECT r, 'action', to_jsonb(d) FROM (
			(SELECT item_id, revision, ordinal, title, title_ar, kind, owner_id, service_id, stage_id, channel_id, starts_on, due_on, live_on, status, weight::double precision, budget, parent_item_id FROM athar.action WHERE project_id = plan AND removed_in_version IS NULL
				EXCEPT ALL SELECT * FROM athar.plan_actions(plan, head))
			UNION ALL (SELECT * FROM athar.plan_actions(plan, head)
				EXCEPT ALL SELECT item_id, revision, ordinal, title, title_ar, kind, owner_id, service_id, stage_id, channel_id, starts_on, due_on, live_on, status, weight::double precision, budget, parent_item_id FROM athar.action WHERE project_id = plan AND removed_in_version IS NULL)) d;
	END LOOP;
END $$;
SET LOCAL jit = off;
SELECT setseed(0.5);
SELECT pg_temp.any_history(20);
SELECT is_empty('SELECT * FROM trouble', 'the quick check refuses what validate_plan() refuses; every version is right, action says what it says, and every draft can be merged');
SELECT is_empty($$SELECT j.code, v.version FROM athar.plan_version v JOIN athar.project j ON j.id = v.project_id LEFT JOIN athar.plan_version p ON p.project_id = v.project_id AND p.version = v.parent_version
	WHERE v.version_hash <> sha256(convert_to(jsonb_build_array('athar-plan/2', j.code, v.version, encode(p.version_hash, 'hex'), v.header,
		(SELECT coalesce(jsonb_agg(encode(sha256(convert_to(i.document::text, 'UTF8')), 'hex') ORDER BY m.o), '[]') FROM unnest(v.items) WITH ORDINALITY AS m (r, o) JOIN athar.plan_item i ON i.project_id = v.project_id AND i.revision = m.r))::text, 'UTF8'))
	OR v.parent_version IS DISTINCT FROM nullif(v.version - 1, 0)$$, 'every hash is that of what the version says');

-- Marks that turn the direction of writing stay in what people wrote, and do not turn our sentences.
SELECT athar.define_unit('turned', 'Turned');
SELECT athar.create_project('turned', 'Turned', 'turned', jsonb_build_object('title', 't', 'items', jsonb_build_array(jsonb_build_object('id', E'A\u202E1', 'title', E'x\u2066y'), jsonb_build_object('id', 'B', 'title', 'b'), jsonb_build_object('id', 'C', 'title', 'c'))), 'r');
SELECT status FROM athar.set_action('turned', E'A\u202E1', jsonb_build_object('title', E'new\u202Edlo', 'kind', E'\u202Eeno two'), 1, 'r');
SELECT status FROM athar.save_plan('turned', jsonb_set(athar.get_plan('turned'), '{items}', (athar.get_plan('turned') -> 'items') - 0 || jsonb_build_array(athar.get_plan('turned') #> '{items,0}')), 2, 'r');
SELECT results_eq($$SELECT summary FROM athar.plan_history('turned') ORDER BY version$$,
	$$VALUES ('added A1 "xy", B "b", C "c"'), ('changed A1 "newdlo" (kind set to "eno two", title from xy to newdlo)'), ('moved A1 "newdlo" after C')$$, 'histories read in one direction');
SELECT is_empty($$SELECT summary FROM athar.plan_history('turned', 'ar') WHERE summary ~ E'[\u202A-\u202E\u2066-\u2069]'$$, 'in Arabic, too');
SELECT is(athar.get_plan('turned') #>> '{items,2,id}', E'A\u202E1', 'the document is as it was written');
SELECT is(athar.conflict_text(jsonb_build_object('path', E'/items/A\u202E1/kind', 'kind', 'edit/edit', 'base', 'b', 'ours', E'o\u202E', 'theirs', E't\u2067', 'their_author', E'he\u202E', 'their_version', 2, 'their_reason', E'why\u202E')),
	'Action A1, kind: base b; you o; he (version 2, reason: "why") t.', 'conflicts');
SELECT throws_ok($$SELECT athar.revert_plan('turned', 1, 'r', on_conflict => E'x\u202Ey')$$, '22023', 'unknown on_conflict "xy"', 'messages');
SELECT is(athar.unturned(E'\u200Eab\u061C\u200Dc\u200F'), E'\u200Eab\u061C\u200Dc\u200F', 'marks of single letters stay');

SELECT * FROM finish();
ROLLBACK;
