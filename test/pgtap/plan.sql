BEGIN;
SELECT plan(129);
-- a fault below is to fail, not to run for ever
SET LOCAL statement_timeout = '2min';

SELECT athar.define_unit('agency', 'Agency'), athar.define_unit('ministry', 'Ministry');
SELECT athar.define_service('permit', 'Permit', 'agency'), athar.define_channel('web', 'Web');
SELECT athar.define_stage('permit', 'apply', 'Apply', 1);
SELECT athar.define_kpi('wait', 'Waiting time', 'days', 'down'), athar.define_kpi('trust', 'Trust', 'points', 'up');
SELECT athar.set_context('team', 'said elsewhere');

CREATE FUNCTION pg_temp.head(project text) RETURNS integer
LANGUAGE SQL AS $$SELECT head_version FROM athar.project WHERE code = $1$$;
-- the plan with one more value in it
CREATE FUNCTION pg_temp.edited(document jsonb, path text[], value text) RETURNS jsonb
LANGUAGE SQL AS $$SELECT jsonb_set($1, $2, $3::jsonb)$$;
CREATE FUNCTION pg_temp.stored() RETURNS TABLE (place text, version text)
LANGUAGE SQL AS $$
	SELECT tableoid::regclass || ':' || id, ctid::text FROM athar.project
	UNION ALL SELECT tableoid::regclass || ':' || id, ctid::text FROM athar.action
	UNION ALL SELECT tableoid::regclass || ':' || id, ctid::text FROM athar.participant
	UNION ALL SELECT tableoid::regclass || ':' || id, ctid::text FROM athar.plan_draft
	UNION ALL SELECT tableoid::regclass || ':' || id, ctid::text FROM athar.plan_conflict
	UNION ALL SELECT tableoid::regclass || ':' || project_id || '/' || version, ctid::text FROM athar.plan_version
	UNION ALL SELECT tableoid::regclass || ':' || project_id || '/' || revision, ctid::text FROM athar.plan_item$$;

CREATE TEMP VIEW logged AS
SELECT t.relation, e.operation, e.new_values, x.actor, x.reason
FROM athar.log_entry e
JOIN athar.log_transaction x ON x.id = e.transaction_id
JOIN athar.tracked_table t ON t.id = e.table_id;

-- a project begins
CREATE TEMP TABLE made AS SELECT athar.create_project('reform', 'Reform', 'agency', '{"title": "Reform", "items": [
	{"id": "A0", "title": "Online permit", "budget": 12345678901234567.89, "weight": 1.10},
	{"id": "A1", "title": "Form", "title_ar": "استمارة", "kind": "simplify", "owner": "ministry", "service": "permit", "stage": "apply", "channel": "web",
		"starts_on": "2026-01-01", "due_on": "2026-06-01", "live_on": "2026-05-01", "status": "in_progress", "weight": 2.5, "budget": 125000.50,
		"parent": "A0", "depends_on": ["A2", "A3"], "kpis": [{"kpi": "wait", "target": "-20%"}, {"kpi": "trust"}], "steps": ["a", {"b": null}], "colour": "red"},
	{"id": "A2", "title": "Training"},
	{"id": "A3", "title": "Letters"}]}', 'Queues are long', 'إصلاح') AS id;
SELECT is((SELECT id FROM made), athar.project_id('reform'), 'create_project returns the id of the project');
SELECT is(athar.project_id(NULL), NULL, 'project_id of NULL');
SELECT throws_ok($$SELECT athar.project_id('nothing')$$, '42704', 'project "nothing" does not exist');
SELECT results_eq($$SELECT code::text, name, name_ar, unit_id, head_version FROM athar.project$$,
	$$SELECT 'reform', 'Reform', 'إصلاح', athar.unit_id('agency'), 1$$, 'the project as it was begun');
SELECT results_eq($$SELECT project_id, action_id, unit_id, role FROM athar.participant$$,
	$$SELECT athar.project_id('reform'), NULL::integer, athar.unit_id('agency'), 'accountable'$$, 'its unit is accountable');
SELECT is(current_setting('athar.reason'), 'said elsewhere', 'the reason of a call does not outlive it');
SELECT is(author, 'team', 'the actor is the author') FROM athar.plan_history('reform');
SELECT results_eq($$SELECT item_id, ordinal, title, title_ar, kind, owner_id, service_id, stage_id, channel_id, starts_on, due_on, live_on,
		status, weight::float8, budget, parent_item_id, removed_in_version FROM athar.action WHERE item_id IN ('A1', 'A2') ORDER BY ordinal$$,
	$$VALUES ('A1', 2, 'Form', 'استمارة', 'simplify', athar.unit_id('ministry'), athar.service_id('permit'), athar.stage_id('permit', 'apply'), athar.channel_id('web'),
			date '2026-01-01', date '2026-06-01', date '2026-05-01', 'in_progress', float8 '2.5', 125000.50, 'A0', NULL::integer),
		('A2', 3, 'Training', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'planned', 1, NULL, NULL, NULL)$$, 'actions in typed columns, with their defaults');
SELECT is(budget::text, '12345678901234567.89', 'a budget is exact') FROM athar.action WHERE item_id = 'A0';
SELECT results_eq($$SELECT action, parent, owner, service, stage, channel, depends_on, kpis FROM athar.actions WHERE action IN ('A1', 'A2') ORDER BY ordinal$$,
	$$VALUES ('A1', 'A0', 'ministry', 'permit', 'apply', 'web', '{A2,A3}'::text[], '{wait,trust}'::text[]), ('A2', NULL, NULL, NULL, NULL, NULL, '{}', '{}')$$,
	'the view actions speaks in codes');

-- saving: what differs and no more
SELECT athar.set_context('board', NULL);
CREATE TEMP TABLE before AS SELECT * FROM pg_temp.stored();
SELECT results_eq($$SELECT status, version, draft, conflicts FROM athar.save_plan('reform', pg_temp.edited(athar.get_plan('reform'), '{items,2,title}', '"Train"'), 1, 'Wording')$$,
	$$VALUES ('saved', 2, NULL::integer, jsonb '[]')$$, 'a save answers the new version');
SELECT results_eq($$SELECT place, b.version IS NULL, s.version IS NULL FROM before b FULL JOIN pg_temp.stored() s USING (place) WHERE b.version IS DISTINCT FROM s.version ORDER BY 1$$,
	$$SELECT place, is_new, false FROM made m, LATERAL (VALUES
		('athar.action:' || (SELECT id FROM athar.action WHERE item_id = 'A2'), false), ('athar.plan_item:' || m.id || '/5', true),
		('athar.plan_version:' || m.id || '/2', true), ('athar.project:' || m.id, false)) AS r (place, is_new) ORDER BY 1$$,
	'one changed item: one revision, one version, its action and the project, nothing else');
SELECT results_eq($$SELECT relation::text, operation::text, actor FROM logged WHERE reason = 'Wording' ORDER BY 1$$,
	$$VALUES ('athar.action', 'U', 'board'), ('athar.plan_item', 'I', 'board'), ('athar.plan_version', 'I', 'board')$$, 'the log has it, with the reason and the actor');
SELECT is(new_values - 'revision', '{"title": "Train"}', 'and what changed') FROM logged WHERE reason = 'Wording' AND relation = 'athar.action';
SELECT is(items, '{1,2,5,4}', 'the manifest names the revisions in order') FROM athar.plan_version WHERE version = 2;
SELECT is(header, '{"title": "Reform"}', 'the header is the document without its items') FROM athar.plan_version WHERE version = 2;

TRUNCATE before;
INSERT INTO before SELECT * FROM pg_temp.stored();
SELECT results_eq($$SELECT status, version, draft, conflicts FROM athar.save_plan('reform', athar.get_plan('reform'), 2, 'Again')$$,
	$$VALUES ('unchanged', 2, NULL::integer, jsonb '[]')$$, 'a save that says nothing new is unchanged');
SELECT is(status, 'unchanged', 'numbers are compared by value')
FROM athar.save_plan('reform', pg_temp.edited(athar.get_plan('reform'), '{items,0,weight}', '1.1000'), 2, 'Again');
SELECT is(status, 'unchanged', 'unchanged, too, where the base is old and the text is that of the newest version')
FROM athar.save_plan('reform', athar.get_plan('reform', 2), 1, 'Again', 'error');
SELECT is(status, 'unchanged', 'or that of the base: there is nothing to lose')
FROM athar.save_plan('reform', athar.get_plan('reform', 1), 1, 'Again', 'error');
SELECT is_empty($$SELECT place FROM before b FULL JOIN pg_temp.stored() s USING (place) WHERE b.version IS DISTINCT FROM s.version$$, 'and touches nothing');
SELECT is_empty($$SELECT relation FROM logged WHERE reason = 'Again'$$, 'and leaves nothing in the log');

-- order, removal, return
SELECT is(status, 'saved', 'a new order is a new version')
FROM athar.save_plan('reform', jsonb_set(athar.get_plan('reform'), '{items}', (athar.get_plan('reform') -> 'items') - 0 || jsonb_build_array(athar.get_plan('reform') #> '{items,0}')), 2, 'Order');
SELECT is(items, '{2,5,4,1}', 'made of the same revisions') FROM athar.plan_version WHERE version = 3;
SELECT is(status, 'saved', 'items can be removed and added')
FROM athar.save_plan('reform', '{"title": "Reform", "purpose": "Shorter queues", "items": [{"id": "A1", "title": "Form", "status": "live"}, {"id": "B", "title": "New"}]}', 3, 'Cut');
SELECT results_eq($$SELECT item_id, removed_in_version FROM athar.action ORDER BY item_id COLLATE "C"$$,
	$$VALUES ('A0', 4), ('A1', NULL), ('A2', 4), ('A3', 4), ('B', NULL)$$, 'their actions say in which version they went');
CREATE TEMP TABLE known AS SELECT item_id, id FROM athar.action;
SELECT is(status, 'saved', 'and come back')
FROM athar.save_plan('reform', '{"title": "Reform", "items": [{"id": "A1", "title": "Form", "status": "live"}, {"id": "A2", "title": "Train", "due_on": "2026-09-01"}, {"id": "B", "title": "New"}]}', 4, 'Return');
SELECT results_eq($$SELECT a.item_id, k.id = a.id, a.removed_in_version, a.due_on FROM athar.action a JOIN known k USING (item_id) ORDER BY item_id COLLATE "C"$$,
	$$VALUES ('A0', true, 4, NULL::date), ('A1', true, NULL, NULL), ('A2', true, NULL, '2026-09-01'), ('A3', true, 4, NULL), ('B', true, NULL, NULL)$$,
	'as the same actions as before');
SELECT results_eq($$SELECT action FROM athar.actions ORDER BY ordinal$$, $$VALUES ('A1'), ('A2'), ('B')$$, 'the view shows what is in the plan');
SELECT results_eq($$SELECT actions, planned, live, open_drafts FROM athar.plan_progress$$, $$VALUES (3::bigint, 2::bigint, 1::bigint, 0::bigint)$$, 'plan_progress counts it');
SELECT is_empty($$SELECT n.item_id FROM athar.plan_actions(athar.project_id('reform'), pg_temp.head('reform')) n
	FULL JOIN (SELECT * FROM athar.action WHERE removed_in_version IS NULL) a USING (item_id, revision, ordinal, title)
	WHERE n.item_id IS NULL OR a.item_id IS NULL$$, 'action is what the newest version says');

-- history
SELECT results_eq($$SELECT version, parent_version, author, reason, summary FROM athar.plan_history('reform')$$,
	$$VALUES (1, NULL::integer, 'team', 'Queues are long', 'added A0 "Online permit", A1 "Form", A2 "Training", A3 "Letters"'),
		(2, 1, 'board', 'Wording', 'changed A2 "Train" (title from Training to Train)'),
		(3, 2, 'board', 'Order', 'moved A0 "Online permit" after A3'),
		(4, 3, 'board', 'Cut', 'added B "New"; changed A1 "Form" (budget 125000.50 taken away, channel Web taken away, colour red taken away, dependencies taken away, '
			|| 'due date 1 June 2026 taken away, kind simplify taken away, KPIs taken away, go-live date 1 May 2026 taken away, owner Ministry taken away, parent A0 taken away, '
			|| 'service Permit taken away, stage apply taken away, start date 1 January 2026 taken away, status from in progress to live, steps taken away, '
			|| 'Arabic title استمارة taken away, weight 2.5 taken away); removed A2 "Train", A3 "Letters", A0 "Online permit"; purpose set to "Shorter queues"'),
		(5, 4, 'board', 'Return', 'added A2 "Train"; purpose "Shorter queues" taken away')$$, 'plan_history tells who, why and what');
SELECT athar.name_version('reform', 1, 'baseline 2026');
SELECT is(name, 'baseline 2026', 'a version has a name') FROM athar.plan_history('reform') WHERE version = 1;
SELECT athar.name_version('reform', 1, NULL);
SELECT is(name, NULL, 'and loses it') FROM athar.plan_history('reform') WHERE version = 1;
SELECT is_empty($$SELECT * FROM athar.plan_history(NULL)$$, 'the history of NULL is empty');

-- reading by version and by time
SELECT is(athar.get_plan('reform', 2) #>> '{items,2,title}', 'Train', 'get_plan by version');
SELECT is(athar.get_plan('reform', as_of => saved_at), athar.get_plan('reform', max(version)), 'version ' || max(version) || ' is read from the moment it was saved')
FROM athar.plan_history('reform') GROUP BY saved_at ORDER BY saved_at;
SELECT is(athar.get_plan('reform', as_of => min(saved_at) - interval '1 us'), NULL, 'before the first there is none') FROM athar.plan_history('reform');
SELECT is(athar.get_plan('reform', as_of => 'infinity'), athar.get_plan('reform'), 'the end of time reads the newest');
SELECT is(athar.get_plan(NULL), NULL, 'get_plan of NULL');
SELECT ok(bool_and(saved_at >= coalesce(earlier, saved_at)), 'no version is older than its parent')
FROM (SELECT saved_at, lag(saved_at) OVER (ORDER BY version) AS earlier FROM athar.plan_history('reform')) AS h;
SELECT throws_ok($$SELECT athar.get_plan('reform', 6)$$, '22023', 'project "reform" has no version 6');
SELECT throws_ok($$SELECT athar.get_plan('reform', 1, now())$$, '22023', 'version, as_of and approved exclude each other');
SELECT is(athar.get_plan('reform', approved => true), NULL, 'nothing is in force that nobody signed');
SELECT throws_ok($$SELECT athar.get_plan('nothing', 1)$$, '42704', 'project "nothing" does not exist');

-- the chain of hashes, computed without our help
SELECT is_empty($$SELECT v.version FROM athar.plan_version v
	LEFT JOIN athar.plan_version p ON p.project_id = v.project_id AND p.version = v.parent_version
	WHERE v.project_id = athar.project_id('reform') AND v.version_hash <> sha256(convert_to('["athar-plan/2", "reform", ' || v.version || ', '
		|| coalesce('"' || encode(p.version_hash, 'hex') || '"', 'null') || ', ' || (athar.get_plan('reform', v.version) - 'items')::text || ', '
		|| (SELECT '[' || string_agg('"' || encode(sha256(convert_to(i.value::text, 'UTF8')), 'hex') || '"', ', ' ORDER BY i.ordinality) || ']'
			FROM jsonb_array_elements(athar.get_plan('reform', v.version) -> 'items') WITH ORDINALITY AS i) || ']', 'UTF8'))$$, 'every version is hashed with its parent');
SELECT is(count(DISTINCT version_hash), 5::bigint, 'and no two are alike') FROM athar.plan_version;

-- a change of the header alone
SELECT athar.create_project('header', 'Header', 'agency', '{"title": "t", "items": [{"id": "A", "title": "a"}]}', 'begin');
SELECT is(status, 'saved', 'a new title is a new version') FROM athar.save_plan('header', '{"title": "T", "items": [{"id": "A", "title": "a"}]}', 1, 'shout');
SELECT is(status, 'saved', 'a key more, too') FROM athar.save_plan('header', '{"title": "T", "owner_note": null, "items": [{"id": "A", "title": "a"}]}', 2, 'note');
SELECT is(array_agg(items::text), '{"{1}","{1}","{1}"}', 'of the same item') FROM athar.plan_version WHERE project_id = athar.project_id('header');

-- conflicts: one for every part that both sides changed, and differently
SELECT athar.create_project('joint', 'Joint', 'agency', '{"title": "t", "purpose": "p", "note": 1, "items": [
	{"id": "same", "title": "s"}, {"id": "both", "title": "b"}, {"id": "a/b~\"c", "title": "c"}, {"id": "gone", "title": "g"}, {"id": "mine", "title": "m"}, {"id": "twice", "title": "w"}]}', 'begin');
SELECT athar.set_context('chadi', NULL);
SELECT is(status, 'saved', 'their first change')
FROM athar.save_plan('joint', '{"title": "t", "purpose": "theirs", "note": 1, "items": [
	{"id": "same", "title": "s"}, {"id": "both", "title": "theirs"}, {"id": "gone", "title": "edited"}, {"id": "mine", "title": "m"}, {"id": "twice", "title": "agreed"}, {"id": "new", "title": "theirs"}]}', 1, 'theirs 2');
SELECT is(status, 'saved', 'their second change')
FROM athar.save_plan('joint', '{"title": "t", "purpose": "theirs", "note": 2, "items": [
	{"id": "same", "title": "s"}, {"id": "both", "title": "theirs again"}, {"id": "gone", "title": "edited"}, {"id": "mine", "title": "m"}, {"id": "twice", "title": "agreed"}, {"id": "new", "title": "theirs"}]}', 2, 'theirs 3');
SELECT athar.set_context('dunya', NULL);
CREATE TEMP TABLE mine AS SELECT jsonb '{"title": "t", "purpose": "ours", "items": [
	{"id": "same", "title": "s"}, {"id": "both", "title": "ours"}, {"id": "a/b~\"c", "title": "ours"}, {"id": "mine", "title": "ours"}, {"id": "twice", "title": "agreed"}, {"id": "new", "title": "ours"}]}' AS document;
TRUNCATE before;
INSERT INTO before SELECT * FROM pg_temp.stored();
SELECT throws_ok($$SELECT athar.save_plan('joint', document, 1, 'ours', 'error') FROM mine$$, 'AT002', 'the plan of project "joint" has changed since version 1');
SELECT is_empty($$SELECT place FROM before b FULL JOIN pg_temp.stored() s USING (place) WHERE b.version IS DISTINCT FROM s.version$$, 'a conflict raised keeps nothing');
CREATE TEMP TABLE answer AS SELECT s.* FROM mine, athar.save_plan('joint', document, 1, 'ours') s;
SELECT results_eq($$SELECT status, version, draft, jsonb_array_length(conflicts) FROM answer$$,
	$$SELECT 'conflict', 3, draft, 6 FROM athar.plan_drafts$$, 'a conflict answers the newest version and the draft');
SELECT set_eq($$SELECT path, kind, coalesce(base ->> 'title', base #>> '{}') AS base, coalesce(ours ->> 'title', ours #>> '{}') AS ours, coalesce(theirs ->> 'title', theirs #>> '{}') AS theirs, their_version, their_author, their_reason FROM answer, athar.plan_conflicts(draft) WHERE path LIKE '/items/%'$$,
	$$VALUES ('/items/both/title', 'edit/edit', 'b', 'ours', 'theirs again', 3, 'chadi', 'theirs 3'),
		('/items/a~1b~0"c', 'edit/delete', 'c', 'ours', NULL, 2, 'chadi', 'theirs 2'),
		('/items/gone', 'delete/edit', 'g', NULL, 'edited', 2, 'chadi', 'theirs 2'),
		('/items/new/title', 'add/add', NULL, 'ours', 'theirs', 2, 'chadi', 'theirs 2')$$, 'items in conflict, with whose, in which version and why');
SELECT set_eq($$SELECT path, kind, base #>> '{}' AS base, ours #>> '{}' AS ours, theirs #>> '{}' AS theirs, their_version FROM answer, athar.plan_conflicts(draft) WHERE path NOT LIKE '/items/%'$$,
	$$VALUES ('/purpose', 'edit/edit', 'p', 'ours', 'theirs', 2), ('/note', 'delete/edit', '1', NULL, '2', 3)$$, 'keys of the header in conflict');
SELECT results_eq($$SELECT e.value FROM answer, jsonb_array_elements(conflicts) WITH ORDINALITY e ORDER BY ordinality$$,
	$$SELECT conflict FROM athar.plan_conflict ORDER BY id$$, 'the rows are the answer');
SELECT is(conflicts #> '{0}' ? 'ours', false, 'an absent side is left out') FROM answer;
SELECT is(athar.get_draft(a.draft)::text, m.document::text, 'the text is kept as it was written') FROM answer a, mine m;
SELECT results_eq($$SELECT project, base_version, author, reason, status, conflicts, open_conflicts FROM athar.plan_drafts$$,
	$$VALUES ('joint', 1, 'dunya', 'ours', 'open', 6::bigint, 6::bigint)$$, 'plan_drafts lists it');
SELECT is(pg_temp.head('joint'), 3, 'the plan is as it was');
SELECT is(open_drafts, 1::bigint, 'plan_progress counts open drafts') FROM athar.plan_progress WHERE project = 'joint';
SELECT throws_ok($$SELECT * FROM athar.plan_conflicts(0)$$, '42704', 'draft 0 does not exist');
SELECT throws_ok($$SELECT athar.get_draft(0)$$, '42704', 'draft 0 does not exist');
SELECT is(athar.get_draft(NULL), NULL, 'the draft of NULL is none');
SELECT is_empty($$SELECT * FROM athar.plan_conflicts(NULL)$$, 'the conflicts of NULL are none');

-- refused
SELECT throws_ok($$SELECT athar.save_plan('joint', '{"title": "t"}', 3, ' ')$$, 'AT001', 'a reason is required');
SELECT throws_ok($$SELECT athar.save_plan('joint', '{"title": "t"}', 3, NULL)$$, 'AT001', 'a reason is required');
SELECT throws_ok($$SELECT athar.create_project('q', 'Q', 'agency', '{"title": "t"}', '')$$, 'AT001', 'a reason is required');
SELECT throws_ok($$SELECT athar.save_plan('joint', '{"title": "t"}', NULL, 'r')$$, '22023', 'a base version is required');
SELECT throws_ok($$SELECT athar.save_plan('joint', '{"title": "t"}', 4, 'r')$$, '22023', 'project "joint" has no version 4');
SELECT throws_ok($$SELECT athar.save_plan('joint', '{"title": "t"}', -1, 'r')$$, '22023', 'project "joint" has no version -1');
SELECT throws_ok($$SELECT athar.save_plan('joint', '{"title": "t"}', 3, 'r', 'merge')$$, '22023', 'unknown on_conflict "merge"');
SELECT throws_ok($$SELECT athar.save_plan('nothing', '{"title": "t"}', 3, 'r')$$, '42704', 'project "nothing" does not exist');
SELECT throws_ok($$SELECT athar.save_plan('joint', '{"title": "t", "items": [{"title": "x"}]}', 3, 'r')$$, '22023', 'the plan document has 1 fault');
SELECT throws_ok($$SELECT athar.create_project('joint', 'J', 'agency', '{"title": "t"}', 'r')$$, '23505', 'the code "joint" is taken');
SELECT throws_ok($$SELECT athar.create_project('q', 'Q', 'nobody', '{"title": "t"}', 'r')$$, '42704', 'unit "nobody" does not exist');
SELECT throws_ok($$SELECT athar.create_project(' ', 'Q', 'agency', '{"title": "t"}', 'r')$$, '22023', 'project code must not be blank');
SELECT throws_ok($$SELECT athar.moved('{{1,2},{3,4}}')$$, '22023', 'places must be one list without NULLs');

-- any value in any field is either a fault or can be saved: never a raw error
CREATE TEMP TABLE garbage AS
SELECT row_number() OVER () AS n, k AS key, v AS value, jsonb_build_object('id', 'I' || row_number() OVER (), 'title', 't', 'service', 'permit') || jsonb_build_object(k, v::jsonb) AS item
FROM unnest(ARRAY['title', 'title_ar', 'kind', 'owner', 'service', 'stage', 'channel', 'starts_on', 'due_on', 'live_on', 'status', 'weight', 'budget', 'parent', 'depends_on', 'kpis', 'steps', 'x']) k,
	unnest(ARRAY['null', 'true', '0', '-1', '-0', '1e400', '1e-400', '1e300', '12345678901234567.89', '0.10', '""', '" "', '"x"', '"agency"', '"apply"', '"live"', '"2026-02-29"', '"2024-02-29"',
		'"0000-01-01"', '"0001-01-01"', '"9999-12-31"', '"2026-13-01"', '"2026-04-31"', '"2026-1-1"', '"١٢٣٤-٠١-٠١"', '"infinity"', '"today"', '"2026-01-01\n"', '"NaN"', '"44-01-01 BC"',
		'[]', '{}', '[[]]', '[null]', '[1]', '["x"]', '[{}]', '[{"kpi": 1}]', '[{"kpi": "wait"}]', '[{"kpi": "wait", "target": 3}]', '[{"kpi": "wait", "target": null}]', '{"kpi": "wait"}']) v;
CREATE TEMP TABLE verdict AS
SELECT g.n, g.key, g.value, g.item, f.path, f.fault
FROM garbage g
LEFT JOIN LATERAL athar.validate_plan(jsonb_build_object('title', 't', 'items', jsonb_build_array(g.item))) f ON true;
SELECT results_eq($$SELECT key, string_agg(value, ' ' ORDER BY n) FROM verdict WHERE fault IS NULL AND key IN ('starts_on', 'status', 'weight', 'budget', 'parent', 'depends_on', 'kpis', 'owner', 'stage') GROUP BY key ORDER BY key COLLATE "C"$$,
	$$VALUES ('budget', 'null 0 -0 1e-400 1e300 12345678901234567.89 0.10'), ('depends_on', 'null []'),
		('kpis', 'null [] [{"kpi": "wait"}] [{"kpi": "wait", "target": null}]'), ('owner', 'null "agency"'), ('parent', 'null'), ('stage', 'null "apply"'),
		('starts_on', 'null "2024-02-29" "0001-01-01" "9999-12-31"'), ('status', 'null "live"'), ('weight', 'null 0 -0 1e-400 1e300 12345678901234567.89 0.10')$$,
	'which values each field takes');
SELECT is(count(*), 0::bigint, 'a fault names the field') FROM verdict WHERE fault IS NOT NULL AND path NOT LIKE '/items/I' || n || '/' || key || '%' AND NOT (key = 'service' AND path LIKE '%/service');
SELECT lives_ok($$SELECT athar.create_project('garbage', 'Garbage', 'agency', jsonb_build_object('title', 't', 'items', (SELECT jsonb_agg(item ORDER BY n) FROM verdict WHERE fault IS NULL)), 'r')$$,
	'what is no fault can be saved');
SELECT is(athar.get_plan('garbage') ->> 'items', (SELECT jsonb_agg(item ORDER BY n)::text FROM verdict WHERE fault IS NULL), 'and is read as it was written');

-- every fault in both languages
CREATE TEMP TABLE wrong AS
SELECT v.path, v.fault
FROM athar.validate_plan(jsonb_build_object('items', 7)) AS v
UNION ALL
SELECT v.path, v.fault FROM athar.validate_plan('[]') AS v
UNION ALL
SELECT v.path, v.fault
FROM athar.validate_plan(jsonb_build_object('title', ' ', 'items', '[7, {"id": "L1", "title": "t", "parent": "L2"}, {"id": "L2", "title": "t", "parent": "L1"}]'::jsonb || (
	SELECT jsonb_agg(jsonb_build_object('title', 't', 'id', 'I' || n, 'service', 'permit') || f.fields::jsonb)
	FROM unnest(ARRAY['{"id": 7}', '{"id": "L1"}', '{"id": " x"}', '{"id": "a\u0001"}', jsonb_build_object('id', repeat('x', 201))::text, '{"due_on": "a; b\"; c"}', '{"due_on": 7}',
		'{"starts_on": "2026-02-01", "due_on": "2026-01-01"}', '{"weight": -1}', '{"weight": 1e301}', '{"weight": "x"}', '{"status": "x"}', '{"owner": "x"}', '{"service": "x"}', '{"stage": "x"}',
		'{"service": null, "stage": "x"}', '{"channel": "x"}', '{"parent": "x"}', '{"parent": "I19"}', '{"depends_on": 7}', '{"depends_on": [7]}', '{"depends_on": ["I22"]}', '{"kpis": 7}', '{"kpis": [7]}',
		'{"kpis": [{"kpi": "x"}]}', '{"kpis": [{"kpi": "wait"}, {"kpi": "wait"}]}', '{"kpis": [{"kpi": "wait", "target": 7}]}', '{"kpis": [{"kpi": "wait", "target": "x"}]}', '{"kpis": [{"kpi": "wait", "span": "x"}]}',
		'{"kpis": [{"kpi": "wait", "washout": "x"}]}', '{"kpis": [{"kpi": "wait", "season_matched": "x"}]}', '{"kpis": [{"kpi": "wait", "controls": 7}]}', '{"kpis": [{"kpi": "wait", "controls": ["x"]}]}'
		]) WITH ORDINALITY AS f (fields, n)))) AS v;
SELECT is_empty($$SELECT w.words FROM athar.fault_words AS w WHERE NOT EXISTS (SELECT FROM wrong WHERE fault LIKE replace(w.words, '%s', '%'))$$, 'each is found');
SELECT is_empty($$SELECT DISTINCT f.fault FROM (SELECT fault FROM wrong UNION SELECT fault FROM verdict WHERE fault IS NOT NULL) AS f
	WHERE athar.fault_text(f.fault, 'ar') !~ '[ء-ي]' OR regexp_replace(athar.fault_text(f.fault, 'ar'), '[^"]', '', 'g') <> regexp_replace(f.fault, '[^"]', '', 'g')$$, 'and has its words in Arabic, with what it names');
SELECT is_empty($$SELECT words FROM athar.fault_words WHERE words ~ '[][(){}.*+?^$|\\]' OR length(replace(words, '%s', '')) - length(words) <> length(replace(words_ar, '%s', '')) - length(words_ar)$$, 'of plain words, and as many places');
SELECT results_eq($$SELECT path, fault FROM athar.validate_plan('{"title": "t", "items": [{"id": "A", "title": "t", "stage": "a; \"b\"", "service": "permit"}]}', 'ar')$$,
	$$VALUES ('/items/A/stage', 'المرحلة ' || E'\xe2\x80\x8e' || '"a; \"b\"" من الخدمة ' || E'\xe2\x80\x8e' || '"permit" غير موجودة')$$, 'in the order of the language');
SELECT is(athar.fault_text('is blank; unit "a; b" does not exist; who knows', 'ar'), 'فارغ؛ الجهة ' || E'\xe2\x80\x8e' || '"a; b" غير موجودة؛ who knows', 'several at once');
SELECT is(athar.fault_text(NULL, 'ar'), NULL, 'no fault');
SELECT throws_ok($$SELECT * FROM athar.validate_plan('{"title": "t"}', 'fr')$$, '22023', 'language "fr" is not known');

-- dates: the calendar is the server's own
SELECT is_empty($$SELECT d FROM generate_series(timestamp '1895-12-01', '2005-02-01', '1 day') d WHERE NOT athar.is_date(to_char(d, 'YYYY-MM-DD'))$$, 'every day of a hundred years is a date');
SELECT is(count(*), (date '2005-01-01' - date '1895-01-01')::bigint, 'and nothing else is')
FROM generate_series(1895, 2004) y, generate_series(0, 13) m, generate_series(0, 32) d
WHERE athar.is_date(y || '-' || to_char(m, 'FM00') || '-' || to_char(d, 'FM00'));
SELECT is(athar.is_date(NULL), false, 'NULL is no date');

-- ids
SELECT is(array_agg(path ORDER BY path COLLATE "C"), '{/items/0/id,/items/1/id,/items/2/id,/items/3/id,/items/4/id,/items/5/id,/items/7/id}', 'ids that cannot be used')
FROM athar.validate_plan(jsonb_build_object('title', 't', 'items', jsonb_build_array(
	'{"title": "t"}'::jsonb, '{"id": null, "title": "t"}'::jsonb, '{"id": " x", "title": "t"}'::jsonb, '{"id": 1, "title": "t"}'::jsonb,
	jsonb_build_object('id', repeat('x', 201), 'title', 't'), '{"id": "a\u0001", "title": "t"}'::jsonb, '{"id": "A", "title": "t"}'::jsonb, '{"id": "A", "title": "t"}'::jsonb)));
SELECT is_empty($$SELECT * FROM athar.validate_plan(jsonb_build_object('title', 't', 'items', jsonb_build_array(
	jsonb_build_object('id', repeat('ط', 200), 'title', 't'), '{"id": "a/b~c\"d\\e ''f", "title": "t"}'::jsonb, '{"id": "0", "title": "t"}'::jsonb)))$$, 'ids that can');

-- great, deep and hostile documents
SELECT is(count(*), 20000::bigint, 'all faults of ten thousand items at once')
FROM athar.validate_plan((SELECT jsonb_build_object('title', 't', 'items', jsonb_agg(jsonb_build_object('id', 'A' || i % 5000, 'due_on', CASE WHEN i < 5000 THEN 'soon' END)))
	FROM generate_series(0, 9999) AS i));
SELECT is_empty($$SELECT * FROM athar.validate_plan((SELECT jsonb_build_object('title', 't', 'items',
	jsonb_agg(jsonb_build_object('id', 'A' || i, 'title', 't', 'parent', CASE WHEN i > 0 THEN 'A' || i - 1 END) ORDER BY md5(i::text))) FROM generate_series(0, 2999) AS i))$$,
	'a tree of three thousand levels');
SELECT is(count(*), 60::bigint, 'ids twice on every level of a tree')
FROM athar.validate_plan((SELECT jsonb_build_object('title', 't', 'items', jsonb_agg(jsonb_build_object('id', 'A' || i, 'title', 't', 'parent', CASE WHEN i > 1 THEN 'A' || i - 1 END)))
	FROM generate_series(1, 60) AS i, generate_series(1, 2)));
SELECT is(count(*), 3000::bigint, 'a loop through three thousand items')
FROM athar.validate_plan((SELECT jsonb_build_object('title', 't', 'items', jsonb_agg(jsonb_build_object('id', 'A' || i, 'title', 't', 'parent', 'A' || (i + 1) % 3000))) FROM generate_series(0, 2999) AS i))
WHERE fault = 'its parents form a loop';
SELECT athar.create_project('deep', 'Deep', 'agency', ('{"title": "t", "items": [{"id": "A", "title": "t", "x": ' || repeat('[', 2000) || repeat(']', 2000) || '}]}')::jsonb, 'r');
SELECT is(length(athar.get_plan('deep') #>> '{items,0,x}'), 4000, 'deep JSON in an unknown key is kept');
SELECT is(string_agg(fault, ''), 'must be an object', 'deep JSON instead of a document') FROM athar.validate_plan((repeat('[', 2000) || repeat(']', 2000))::jsonb);
SELECT throws_like($$SELECT athar.save_plan('deep', (SELECT jsonb_build_object('items', jsonb_agg(i)) FROM generate_series(1, 2000) i), 1, 'r')$$,
	'the plan document has 2001 faults', 'faults are counted beyond those that are told');

-- what was saved is what is read: random documents, through a chain of versions
SELECT setseed(0.271828);
CREATE FUNCTION pg_temp.word() RETURNS text
LANGUAGE SQL VOLATILE AS $$SELECT string_agg((ARRAY['a', 'Z', '/', '~', '"', '\', '''', 'أ', 'ث', 'ر', '😀', ' x', '0', '-', '%', '{', '}', '$'])[1 + floor(random() * 18)::integer], '') FROM generate_series(1, 1 + floor(random() * 8)::integer)$$;
CREATE FUNCTION pg_temp.any_value() RETURNS jsonb
LANGUAGE SQL VOLATILE AS $$SELECT CASE floor(random() * 7)::integer
	WHEN 0 THEN to_jsonb(pg_temp.word()) WHEN 1 THEN (ARRAY['12345678901234567.89', '1.10', '1e400', '9007199254740993', '0.30000000000000004', '-0.0'])[1 + floor(random() * 6)::integer]::jsonb
	WHEN 2 THEN jsonb 'null' WHEN 3 THEN jsonb 'true' WHEN 4 THEN jsonb_build_array(pg_temp.word(), 1.10, NULL)
	WHEN 5 THEN jsonb_build_object(pg_temp.word(), pg_temp.word(), 'items', jsonb '[]') ELSE jsonb '{}' END$$;
CREATE FUNCTION pg_temp.any_plan(items integer) RETURNS jsonb
LANGUAGE SQL VOLATILE AS $$SELECT jsonb_build_object('title', 'T' || pg_temp.word(), 'x' || pg_temp.word(), pg_temp.any_value())
	|| CASE WHEN $1 < 0 THEN jsonb '{}' WHEN $1 = 0 THEN (ARRAY['{"items": []}', '{"items": null}'])[1 + floor(random() * 2)::integer]::jsonb ELSE
	jsonb_build_object('items', (SELECT jsonb_agg(jsonb_build_object('id', i || 'x' || CASE WHEN random() < 0.5 THEN '/~"' || i ELSE 'ض' END, 'title', 'T' || pg_temp.word(), 'y' || pg_temp.word(), pg_temp.any_value(),
		'budget', round(random()::numeric * 1000000, 2)) ORDER BY random()) FROM generate_series(1, $1) AS i)) END$$;
CREATE TEMP TABLE written (version integer, document jsonb);
INSERT INTO written SELECT v, pg_temp.any_plan((v * 7) % 11 - 1) FROM generate_series(1, 60) AS v ORDER BY v;
SELECT athar.create_project('random', 'Random', 'agency', document, 'begin') FROM written WHERE version = 1;
CREATE TEMP TABLE saved AS SELECT w.version AS wanted, s.* FROM (SELECT * FROM written WHERE version > 1 ORDER BY version) w, athar.save_plan('random', w.document, w.version - 1, 'next') s;
SELECT is_empty($$SELECT * FROM saved WHERE status <> 'saved' OR version <> wanted$$, 'sixty random documents are sixty versions');
SELECT is_empty($$SELECT version, document::text, athar.get_plan('random', version)::text FROM written WHERE athar.get_plan('random', version)::text IS DISTINCT FROM document::text$$,
	'each is read back exactly, number for number');
SELECT is_empty($$SELECT v.version FROM athar.plan_version v LEFT JOIN athar.plan_version p ON p.project_id = v.project_id AND p.version = v.parent_version
	WHERE v.project_id = athar.project_id('random') AND v.version_hash <> sha256(convert_to(jsonb_build_array('athar-plan/2', 'random', v.version, encode(p.version_hash, 'hex'), v.header,
		(SELECT coalesce(jsonb_agg(encode(sha256(convert_to(i.value::text, 'UTF8')), 'hex') ORDER BY i.ordinality), '[]')
			FROM jsonb_array_elements(athar.list_of(athar.get_plan('random', v.version), 'items')) WITH ORDINALITY AS i))::text, 'UTF8'))$$,
	'the chain of hashes holds');
SELECT is_empty($$SELECT n.item_id FROM athar.plan_actions(athar.project_id('random'), 60) n
	FULL JOIN (SELECT * FROM athar.action WHERE project_id = athar.project_id('random') AND removed_in_version IS NULL) a USING (item_id, revision, ordinal, title, budget)
	WHERE n.item_id IS NULL OR a.item_id IS NULL$$, 'and action follows');
SELECT is(count(*), 60::bigint, 'every version has its words') FROM athar.plan_history('random') WHERE summary <> '';

-- codes of the catalogue that were changed since: what names them goes on meaning what it meant, until it is written anew
SELECT athar.define_unit('board', 'Board'), athar.define_service('visa', 'Visa', 'agency'), athar.define_kpi('load', 'Load', 'cases', 'down');
SELECT athar.define_stage('visa', 'ask', 'Ask', 1), athar.define_channel('desk', 'Desk');
SELECT athar.create_project('coded', 'Coded', 'agency', '{"title": "t", "items": [{"id": "A", "title": "a", "owner": "board", "kpis": [{"kpi": "load"}]}, {"id": "B", "title": "b", "service": "visa", "stage": "ask", "channel": "desk"}, {"id": "C", "title": "c"}]}', 'r');
CREATE FUNCTION pg_temp.keys() RETURNS TABLE (item_id text, owner_id integer, service_id integer, stage_id integer, channel_id integer)
LANGUAGE SQL AS $$SELECT item_id, owner_id, service_id, stage_id, channel_id FROM athar.action WHERE project_id = athar.project_id('coded')$$;
CREATE TEMP TABLE coded AS SELECT * FROM pg_temp.keys();
UPDATE athar.unit SET code = 'council' WHERE code = 'board';
UPDATE athar.service SET code = 'entry' WHERE code = 'visa';
UPDATE athar.channel SET code = 'counter' WHERE code = 'desk';
UPDATE athar.kpi SET code = 'burden' WHERE code = 'load';
SELECT is(s.status, 'saved', 'another item is changed, and all are moved')
FROM athar.save_plan('coded', '{"title": "t", "items": [{"id": "C", "title": "new"}, {"id": "B", "title": "b", "service": "visa", "stage": "ask", "channel": "desk"}, {"id": "A", "title": "a", "owner": "board", "kpis": [{"kpi": "load"}]}]}', 1, 'r') s;
SELECT set_eq('SELECT * FROM pg_temp.keys()', 'SELECT * FROM coded', 'what moved has its owner, service, stage and channel still');
CREATE FUNCTION pg_temp.refused(id text, changes jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE detail text;
BEGIN
	RETURN (SELECT status FROM athar.set_action('coded', id, changes, 2, 'r'));
EXCEPTION WHEN SQLSTATE '22023' THEN GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL; RETURN detail;
END $$;
SELECT is(pg_temp.refused('A', '{"weight": 2}'), E'/items/B/service: service "visa" does not exist\n/items/B/channel: channel "desk" does not exist\n/items/A/owner: unit "board" does not exist\n/items/A/kpis/0: KPI "load" does not exist',
	'what is written anew does not lose them unseen');
SELECT alike(pg_temp.refused('B', '{"status": "live"}'), '%service "visa" does not exist%', 'nor where something else of it changes');
SELECT alike(pg_temp.refused('B', '{"service": "entry"}'), '%channel "desk" does not exist%', 'one by one');
SELECT is(s.status, 'saved', 'all codes as they are now')
FROM athar.save_plan('coded', '{"title": "t", "items": [{"id": "C", "title": "new"}, {"id": "B", "title": "b", "service": "entry", "stage": "ask", "channel": "counter"}, {"id": "A", "title": "a", "owner": "council", "kpis": [{"kpi": "burden"}]}]}', 2, 'r') s;
SELECT set_eq('SELECT * FROM pg_temp.keys()', 'SELECT * FROM coded', 'mean the same');

-- moves: what stays is in order, nothing longer could stay, and of equals the earliest stay
CREATE TEMP TABLE orders AS
SELECT ARRAY[a, b, c, d, e] AS places FROM generate_series(1, 5) a, generate_series(1, 5) b, generate_series(1, 5) c, generate_series(1, 5) d, generate_series(1, 5) e
WHERE cardinality(ARRAY(SELECT DISTINCT unnest(ARRAY[a, b, c, d, e]))) = 5;
CREATE TEMP TABLE best AS
SELECT DISTINCT ON (o.places) o.places, s.stays
FROM orders o, generate_series(0, 31) AS mask,
	LATERAL (SELECT coalesce(array_agg(p ORDER BY n), '{}') AS stays FROM unnest(o.places) WITH ORDINALITY AS u (p, n) WHERE mask >> (n::integer - 1) & 1 = 1) AS s
WHERE s.stays = ARRAY(SELECT unnest(s.stays) ORDER BY 1)
ORDER BY o.places, cardinality(s.stays) DESC, s.stays;
SELECT is(count(*), 120::bigint, 'all orders of five') FROM best;
SELECT is_empty($$SELECT places, stays, athar.moved(places) FROM best WHERE athar.moved(places) <> ARRAY(SELECT p FROM unnest(places) WITH ORDINALITY AS u (p, n) WHERE p <> ALL (stays) ORDER BY n)$$,
	'as few moves as can be');
SELECT is(athar.moved('{}'), '{}', 'nothing moves in nothing');
SELECT results_eq($$SELECT revision, old_place, new_place, before FROM athar.changed_places('{1,2,3,4,9}', '{1,5,3,2,7,8}') ORDER BY revision$$,
	$$VALUES (2, 2, 4, 3), (4, 4, NULL, NULL), (5, NULL, 2, 1), (7, NULL, 5, 2), (8, NULL, 6, 7), (9, 5, NULL, NULL)$$, 'what came, went and stands elsewhere');
SELECT results_eq($$SELECT revision, old_place, new_place, before FROM athar.changed_places('{}', '{6}')$$, $$VALUES (6, NULL::integer, 1, NULL::integer)$$, 'the first of all');
SELECT is_empty($$SELECT athar.changed_places(a, a) FROM unnest(ARRAY['{}', '{3,1,2}', NULL]) AS t, CAST(t AS integer[]) AS a$$, 'nothing changed, nothing told');
SELECT throws_ok(format('SELECT * FROM athar.changed_places(%L, %L)', a, b), '22023', m || ' must be one list without NULLs')
FROM (VALUES ('{1,NULL}', '{}', 'old items'), ('{}', '{{1,2}}', 'new items')) AS e (a, b, m);
CREATE TEMP TABLE list AS SELECT s, ARRAY(SELECT i FROM generate_series(1, 30) AS i WHERE hashint4(s * 100 + i) % 4 <> 0 ORDER BY CASE WHEN hashint4(s * 77 + i) % 3 = 0 THEN hashint4(s * 55 + i) ELSE i END) AS items FROM generate_series(1, 40) AS s;
SELECT is_empty($$WITH given AS (SELECT a.s, b.s AS t, a.items AS old, b.items AS new FROM list a, list b),
		naive AS (SELECT s, t, r AS revision, array_position(old, r) AS old_place, array_position(new, r) AS new_place, new[array_position(new, r) - 1] AS before
			FROM given, generate_series(1, 30) AS r WHERE array_position(old, r) IS DISTINCT FROM array_position(new, r)),
		found AS (SELECT s, t, c.* FROM given, athar.changed_places(old, new) AS c)
	(TABLE naive EXCEPT ALL TABLE found) UNION ALL (TABLE found EXCEPT ALL TABLE naive)$$, 'as looked for one by one');
SELECT is(cardinality(athar.moved(ARRAY(SELECT i FROM generate_series(20000, 1, -1) i))), 19999, 'twenty thousand turned round');

SELECT * FROM finish();
ROLLBACK;
