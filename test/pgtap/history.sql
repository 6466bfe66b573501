-- history: what changed in plans, in rows, as a patch and in words
BEGIN;
SELECT plan(99);
SET LOCAL statement_timeout = '2min';
SELECT athar.define_unit('dvla', 'Licensing agency', 'وكالة الترخيص'), athar.define_unit('moh', 'Ministry of Health', 'وزارة الصحة');
SELECT athar.define_service('tax', 'Vehicle tax', 'dvla', 'ضريبة المركبات');
SELECT athar.set_context('team', NULL);

CREATE FUNCTION pg_temp.save(document jsonb, reason text, project text DEFAULT 'disc') RETURNS integer
LANGUAGE SQL AS $$SELECT (athar.save_plan($3, $1, (SELECT head_version FROM athar.project WHERE code = $3), $2)).version$$;

SELECT athar.create_project('disc', 'No paper disc', 'dvla', '{"title": "Disc", "items": [
	{"id": "A1", "title": "Stop printing", "title_ar": "إيقاف الطباعة", "due_on": "2026-03-01", "owner": "dvla", "weight": 2},
	{"id": "A2", "title": "Refunds", "steps": ["a"]},
	{"id": "A/3~", "title": "Train \"all\""}]}', 'begin');
SELECT pg_temp.save('{"title": "Disc", "purpose": "Less paper", "items": [
	{"id": "A1", "title": "Stop printing", "title_ar": "إيقاف الطباعة", "due_on": "2026-04-05", "owner": "moh", "weight": 2, "status": "in_progress"},
	{"id": "A2", "title": "Refunds", "steps": ["a", "b"]},
	{"id": "A/3~", "title": "Train \"all\""}]}', 'supplier is late');
SELECT pg_temp.save('{"title": "Disc", "purpose": "Less paper", "items": [
	{"id": "A/3~", "title": "Train \"all\""},
	{"id": "A1", "title": "Stop printing", "title_ar": "إيقاف الطباعة", "due_on": "2026-04-05", "owner": "moh", "status": null},
	{"id": "B", "title": "Measure"}]}', 'review');
SELECT pg_temp.save('{"title": "Disc", "items": [
	{"id": "A1", "title": "Stop printing", "title_ar": "إيقاف الطباعة", "due_on": "2026-04-05", "owner": "moh", "status": null},
	{"id": "A2", "title": "Refunds", "steps": ["a"]},
	{"id": "A/3~", "title": "Train \"all\""}]}', 'back');

-- rows
SELECT results_eq($$SELECT item_id, field, path, op, old::text, new::text, after FROM athar.diff_plan('disc', 1, 2)$$,
	$$VALUES (NULL, 'purpose', '/purpose', 'add', NULL, '"Less paper"', NULL),
		('A1', 'due_on', '/items/A1/due_on', 'change', '"2026-03-01"', '"2026-04-05"', NULL),
		('A1', 'owner', '/items/A1/owner', 'change', '"dvla"', '"moh"', NULL),
		('A1', 'status', '/items/A1/status', 'add', NULL, '"in_progress"', NULL),
		('A2', 'steps', '/items/A2/steps', 'change', '["a"]', '["a", "b"]', NULL)$$, 'keys that were added and changed');
SELECT results_eq($$SELECT item_id, field, path, op, old::text, new::text, after FROM athar.diff_plan('disc', 2, 3)$$,
	$$VALUES ('A2', NULL, '/items/A2', 'remove', '{"id": "A2", "steps": ["a", "b"], "title": "Refunds"}', NULL, NULL),
		('A/3~', NULL, '/items/A~13~0', 'move', '"A2"', 'null', NULL),
		('A1', 'status', '/items/A1/status', 'change', '"in_progress"', 'null', NULL),
		('A1', 'weight', '/items/A1/weight', 'remove', '2', NULL, NULL),
		('B', NULL, '/items/B', 'add', NULL, '{"id": "B", "title": "Measure"}', 'A1')$$, 'items that went, were moved and came; JSON null is a value');
SELECT results_eq($$SELECT path, op, old::text, new::text FROM athar.diff_plan('disc', 2, 1)$$,
	$$VALUES ('/purpose', 'remove', '"Less paper"', NULL), ('/items/A1/due_on', 'change', '"2026-04-05"', '"2026-03-01"'), ('/items/A1/owner', 'change', '"moh"', '"dvla"'),
		('/items/A1/status', 'remove', '"in_progress"', NULL), ('/items/A2/steps', 'change', '["a", "b"]', '["a"]')$$, 'backwards');
SELECT is_empty($$SELECT * FROM athar.diff_plan('disc', 2, 2)$$, 'no version differs from itself');
SELECT is_empty($$SELECT * FROM athar.diff_plan('disc', NULL, 2)$$, 'no row for NULL');
SELECT is_empty($$SELECT * FROM athar.diff_plan(NULL, 1, 2)$$, 'nor for no project');
SELECT throws_ok($$SELECT * FROM athar.diff_plan('disc', 1, 9)$$, '22023', 'project "disc" has no version 9');
SELECT throws_ok($$SELECT * FROM athar.diff_plan('disc', 0, 1)$$, '22023', 'project "disc" has no version 0');
SELECT throws_ok($$SELECT * FROM athar.diff_plan('nothing', 1, 2)$$, '42704', 'project "nothing" does not exist');
SELECT is(athar.diff_plan_patch('disc', 1, 2), athar.json_diff(athar.get_plan('disc', 1), athar.get_plan('disc', 2)), 'as a patch');
SELECT is(athar.diff_plan_patch('disc', 2, 2), '[]', 'an empty patch');
SELECT is(athar.diff_plan_patch('disc', NULL, 2), NULL, 'no patch for NULL');
SELECT throws_ok($$SELECT athar.diff_plan_patch('disc', 1, 9)$$, '22023', 'project "disc" has no version 9');
SELECT throws_ok($$SELECT athar.diff_plan_patch('nothing', 1, 2)$$, '42704', 'project "nothing" does not exist');

-- one action
SELECT results_eq($$SELECT version, author, reason, op, field, old::text, new::text FROM athar.action_history('disc', 'A2')$$,
	$$VALUES (1, 'team', 'begin', 'add', NULL, NULL, '{"id": "A2", "steps": ["a"], "title": "Refunds"}'),
		(2, 'team', 'supplier is late', 'change', 'steps', '["a"]', '["a", "b"]'),
		(3, 'team', 'review', 'remove', NULL, '{"id": "A2", "steps": ["a", "b"], "title": "Refunds"}', NULL),
		(4, 'team', 'back', 'add', NULL, NULL, '{"id": "A2", "steps": ["a"], "title": "Refunds"}')$$, 'an action comes, changes, goes and returns');
SELECT results_eq($$SELECT version, op, old::text, new::text FROM athar.action_history('disc', 'A/3~')$$,
	$$SELECT 1, 'add', NULL, '{"id": "A/3~", "title": "Train \"all\""}' UNION ALL VALUES (3, 'move', '"A2"', 'null')$$, 'and is moved');
SELECT is(count(*), 0::bigint, 'the history of no action') FROM athar.action_history('disc', NULL);
SELECT throws_ok($$SELECT * FROM athar.action_history('disc', 'A9')$$, '42704', 'action "A9" was never in the plan of project "disc"');
SELECT throws_ok($$SELECT * FROM athar.action_history('nothing', 'A1')$$, '42704', 'project "nothing" does not exist');

-- words
SELECT results_eq($$SELECT summary FROM athar.plan_history('disc')$$, $$VALUES
	('added A1 "Stop printing", A2 "Refunds", A/3~ "Train \"all\""'),
	('changed A1 "Stop printing" (due date from 1 March 2026 to 5 April 2026, owner from Licensing agency to Ministry of Health, status set to in progress), '
		|| 'A2 "Refunds" (steps changed); purpose set to "Less paper"'),
	('added B "Measure"; changed A1 "Stop printing" (status from in progress to nothing, weight 2 taken away); removed A2 "Refunds"; moved A/3~ "Train \"all\"" to the beginning'),
	('added A2 "Refunds"; removed B "Measure"; moved A1 "Stop printing" to the beginning; purpose "Less paper" taken away')$$, 'history in English');
SELECT results_eq($$SELECT summary FROM athar.plan_history('disc', 'ar')$$, $$VALUES
	('إضافة A1 «إيقاف الطباعة»، A2 «Refunds»، A/3~ «Train "all"»'),
	('تعديل A1 «إيقاف الطباعة» (تغيير تاريخ الاستحقاق من 1 مارس 2026 إلى 5 أبريل 2026، تغيير الجهة المسؤولة من وكالة الترخيص إلى وزارة الصحة، تحديد الحالة: قيد التنفيذ)، '
		|| 'A2 «Refunds» (تعديل الخطوات)؛ تحديد الغرض: «Less paper»'),
	('إضافة B «Measure»؛ تعديل A1 «إيقاف الطباعة» (تغيير الحالة من قيد التنفيذ إلى لا شيء، حذف الوزن (2))؛ حذف A2 «Refunds»؛ نقل A/3~ «Train "all"» إلى البداية'),
	('إضافة A2 «Refunds»؛ حذف B «Measure»؛ نقل A1 «إيقاف الطباعة» إلى البداية؛ حذف الغرض («Less paper»)')$$, 'history in Arabic');
SELECT throws_ok(format('SELECT * FROM athar.plan_history(''disc'', %L)', l), '22023', NULL, 'language ' || coalesce(l, 'NULL')) FROM unnest('{fr,NULL,EN}'::text[]) AS l;
SELECT athar.create_project('long', 'Long', 'dvla', jsonb_build_object('title', 't', 'items', (SELECT jsonb_agg(jsonb_build_object('id', 'I' || i, 'title', 't') ORDER BY i) FROM generate_series(1, 15) AS i)), 'r');
SELECT is(summary, 'added I1 "t", I2 "t", I3 "t", I4 "t", I5 "t", I6 "t", I7 "t", I8 "t", I9 "t", I10 "t", I11 "t", I12 "t" and 3 more', 'a long list is cut') FROM athar.plan_history('long');
SELECT alike(summary, '%، I12 «t» و3 غيرها', 'in Arabic, too') FROM athar.plan_history('long', 'ar');
SELECT athar.create_project('empty', 'Empty', 'dvla', '{"title": "t"}', 'r');
SELECT is(array_agg(h.summary ORDER BY l), '{"بلا إجراءات","no items"}', 'a plan without items') FROM unnest('{ar,en}'::text[]) AS l, athar.plan_history('empty', l) AS h;
SELECT is(athar.value_text('x', v::jsonb, 'en'), t, 'a value in words: ' || v)
FROM (VALUES ('"a b"', '"a b"'), ('"word"', 'word'), ('true', 'yes'), ('-1.50', '-1.50'), ('null', 'nothing'), ('[1]', NULL), ('{}', NULL), ('""', '""'),
	('"2026-02-29"', '2026-02-29'), ('"2024-02-29"', '29 February 2024'), ('1e100', '1' || repeat('0', 56) || '...')) AS e (v, t);
SELECT is(athar.value_text('x', v::jsonb, 'ar'), t, 'and in Arabic: ' || v)
FROM (VALUES ('"a b"', '«a b»'), ('false', 'لا'), ('-1.5', E'\u200E-1.5'), ('"2024-12-31"', '31 ديسمبر 2024'), ('"a\nb"', '«a b»')) AS e (v, t);
SELECT is_empty($$SELECT m FROM generate_series(1, 12) AS m WHERE athar.date_text(make_date(2026, m, 1), 'en') <> to_char(make_date(2026, m, 1), 'FMDD FMMonth YYYY')
	OR athar.date_text(make_date(2026, m, 1), 'ar') !~ '^1 [^ ]+ 2026$'$$, 'all months');

-- names of versions
SELECT athar.name_version('disc', 2, 'baseline'), athar.name_version('disc', 2, 'baseline');
SELECT is(athar.version_of('disc', 'baseline'), 2, 'a version by its name');
SELECT is(athar.get_plan('disc', athar.version_of('disc', 'baseline')), athar.get_plan('disc', 2), 'is read by it');
SELECT throws_ok($$SELECT athar.name_version('disc', 3, 'baseline')$$, '23505', 'version 2 of project "disc" is named "baseline" already');
SELECT throws_ok($$SELECT athar.name_version('disc', 3, repeat('x', 201))$$, '22023', 'the name of a version is longer than 200 characters');
SELECT throws_ok($$UPDATE athar.plan_version SET name = 'baseline' WHERE version = 4$$, '23505', NULL, 'whoever names it');
SELECT lives_ok($$SELECT athar.name_version('long', 1, 'baseline')$$, 'another project may have a version of that name');
SELECT throws_ok($$SELECT athar.version_of('disc', 'Baseline')$$, '42704', 'project "disc" has no version named "Baseline"');
SELECT throws_ok($$SELECT athar.version_of('nothing', 'baseline')$$, '42704', 'project "nothing" does not exist');
SELECT is(athar.version_of('disc', NULL), NULL, 'no name');

-- found again
SELECT results_eq(format('SELECT array_agg(version ORDER BY version) FROM athar.search_plans(%L, ''disc'')', q), format('SELECT %L::integer[]', v), 'found by ' || q)
FROM (VALUES ('supplier', '{2}'), ('التوريد', NULL), ('تاريخ الاستحقاق', '{2}'), ('الاستحقاق', '{2}'), ('"due date"', '{2}'), ('april', '{2}'), ('وزاره الصحه', '{2}'),
	('baseline', '{2}'), ('طباعه الايقاف', '{1,2,3,4}'), ('moved', '{3,4}'), ('team -back', '{1,2,3}'), ('2026-04-05', '{2}')) AS e (q, v);
SELECT results_eq($$SELECT project, version, name, author, reason, summary FROM athar.search_plans('baseline', lang => 'ar') ORDER BY project$$,
	$$SELECT 'disc', 2, 'baseline', 'team', 'supplier is late', h.summary FROM athar.plan_history('disc', 'ar') h WHERE h.version = 2
	UNION ALL SELECT 'long', 1, 'baseline', 'team', 'r', h.summary FROM athar.plan_history('long', 'ar') h$$, 'in all projects, told in the language asked for');
SET LOCAL client_min_messages = error;
SELECT is(count(s), 0::bigint, 'nothing asked, nothing found') FROM unnest(ARRAY['', 'the', NULL, '((&|']) AS q, athar.search_plans(q) AS s;
SELECT throws_ok($$SELECT * FROM athar.search_plans('x', 'nothing')$$, '42704', 'project "nothing" does not exist');
SELECT throws_ok($$SELECT * FROM athar.search_plans('x', lang => 'fr')$$, '22023', 'language "fr" is not known');

-- conflicts in words
CREATE TEMP TABLE clash (n integer, conflict jsonb, en text, ar text);
INSERT INTO clash VALUES
	(1, '{"path": "/items/A1/due_on", "kind": "edit/edit", "base": "2026-03-01", "ours": "2026-03-10", "theirs": "2026-03-20", "their_version": 41, "their_author": "the health ministry", "their_reason": "election"}',
		'Action A1, due date: base 1 March 2026; you 10 March 2026; the health ministry (version 41, reason: "election") 20 March 2026.',
		'الإجراء A1، تاريخ الاستحقاق: في الأصل 1 مارس 2026؛ وعندك 10 مارس 2026؛ وعند the health ministry (النسخة 41، السبب: «election») 20 مارس 2026.'),
	(2, '{"path": "/items/A~11~0", "kind": "edit/delete", "base": {"id": "A/1~"}, "ours": {"id": "A/1~", "x": 1}, "fields": ["due_on", "x y"], "their_version": 3, "their_author": "board", "their_reason": "cut"}',
		'Action A/1~: you changed due date, "x y"; board (version 3, reason: "cut") removed it.',
		'الإجراء A/1~: غيّرتَ فيه: تاريخ الاستحقاق، «x y»؛ وحذفه board (النسخة 3، السبب: «cut»).'),
	(3, '{"path": "/items/A1", "kind": "delete/edit", "base": {"id": "A1"}, "theirs": {"id": "A1", "x": 1}, "their_version": 3}',
		'Action A1: you removed it; the other side (version 3) changed it.', 'الإجراء A1: حذفتَه؛ وغيّره الطرف الآخر (النسخة 3).'),
	(4, '{"path": "/items/A1/owner", "kind": "edit/delete", "base": "dvla", "ours": "moh", "their_author": "board"}',
		'Action A1, owner: base Licensing agency; you Ministry of Health; board took it away.', 'الإجراء A1، الجهة المسؤولة: في الأصل وكالة الترخيص؛ وعندك وزارة الصحة؛ وحذفه board.'),
	(5, '{"path": "/purpose", "kind": "add/add", "ours": "Less paper", "theirs": null, "their_author": "board"}',
		'The plan, purpose: not in the base; you "Less paper"; board nothing.', 'الخطة، الغرض: لم يكن في الأصل؛ وعندك «Less paper»؛ وعند board لا شيء.'),
	(6, '{"path": "/items/A3", "kind": "move/move", "base": "A2", "ours": "A1", "theirs": null, "their_author": "board"}',
		'Action A3: you moved it after A1; board moved it to the beginning.', 'الإجراء A3: نقلتَه إلى ما بعد A1؛ ونقله board إلى البداية.'),
	(7, '{"path": "/items/A3/parent", "kind": "dangling", "ours": "B", "ids": ["B"], "their_author": "board"}',
		'Action A3, parent: you refer to B, removed by board.', 'الإجراء A3، الإجراء الرئيس: تشير إلى B، وقد حذفه board.'),
	(8, '{"path": "/items/A3/depends_on", "kind": "dangling", "theirs": ["B"], "ids": ["B", "C"], "their_author": "board"}',
		'Action A3, dependencies: board refers to B, C, which you removed.', 'الإجراء A3، الإجراءات التي يعتمد عليها: يشير board إلى B، C، وقد حذفتَه.'),
	(9, '{"path": "/items/A3/parent", "kind": "cycle", "theirs": "B", "ids": ["A3", "B"], "their_author": "board"}',
		'Action A3, parent: your change and that of board make these actions a loop: A3, B.', 'الإجراء A3، الإجراء الرئيس: تغييرك وتغيير board يجعلان هذه الإجراءات حلقة: A3، B.'),
	(10, '{"path": "/items/A3/due_on", "kind": "invalid", "base": "2026-01-01", "ours": "2026-01-02", "theirs": "2026-01-01", "fault": "2026-01-02 is before starts_on, 2026-01-03", "their_author": "board"}',
		'Action A3, due date: base 1 January 2026; you 2 January 2026; board 1 January 2026; the two do not fit together: 2026-01-02 is before starts_on, 2026-01-03.',
		'الإجراء A3، تاريخ الاستحقاق: في الأصل 1 يناير 2026؛ وعندك 2 يناير 2026؛ وعند board 1 يناير 2026؛ ولا يستقيم الجمع بينهما: ' || E'\xe2\x80\x8e' || '2026-01-02 يسبق تاريخ البدء (starts_on)، ' || E'\xe2\x80\x8e' || '2026-01-03.'),
	(11, '{"path": "/items/A1/kpis/wait/target", "kind": "delete/edit", "base": "-20%", "theirs": "-30%"}',
		'Action A1, KPIs, wait, target: base -20%; you took it away; the other side -30%.', NULL),
	(12, '{"path": "/items/A1/steps", "kind": "quantum", "base": [1, {"a": "b"}], "ours": []}', 'Action A1, steps: base "[1, {\"a\": \"b\"}]"; you "[]"; the two do not fit together: quantum.', NULL);
SELECT is(athar.conflict_text(conflict), en, 'in English: ' || (conflict ->> 'kind')) FROM clash ORDER BY n;
SELECT is_empty($$SELECT n, athar.conflict_text(conflict, 'ar'), ar FROM clash WHERE athar.conflict_text(conflict, 'ar') <> ar OR athar.conflict_text(conflict, 'ar') !~ '^ال.*\.$'$$, 'in Arabic');
SELECT is_empty($$SELECT c, l FROM unnest(ARRAY['{}', '[]', '7', 'null', '"x"', '{"path": 7, "kind": [], "ids": {"a": 1}, "fields": 3}', '{"path": "", "kind": "stale"}', '{"path": "/items"}', '{"path": "/items/"}',
		'{"path": "no pointer", "kind": "edit/edit", "ours": {"a": 1}}']::jsonb[]) AS c, unnest('{en,ar}'::text[]) AS l WHERE coalesce(athar.conflict_text(c, l), '') !~ '\.$'$$,
	'whatever the conflict is, there is a sentence');
SELECT cmp_ok(length(athar.conflict_text(jsonb_build_object('path', '/items/A/x', 'kind', 'edit/edit', 'base', repeat('x', 1000000), 'ours', (repeat('[', 1000) || repeat(']', 1000))::jsonb,
	'their_author', repeat('a' || chr(10), 1000), 'their_reason', repeat('b', 1000)))), '<', 500, 'great values are cut');
SELECT is(athar.conflict_text(NULL), NULL, 'no conflict');
SELECT throws_ok($$SELECT athar.conflict_text('{}', 'xx')$$, '22023', 'language "xx" is not known');
SELECT throws_ok($$SELECT * FROM athar.plan_conflicts(NULL, 'xx')$$, '22023', 'language "xx" is not known');

-- the rows are complete, and the patch is right: random versions, edited and shuffled
SELECT setseed(0.577215);
-- plpgsql, because the rows are applied one after the other
CREATE FUNCTION pg_temp.applied(document jsonb, project text, a integer, b integer) RETURNS jsonb
LANGUAGE plpgsql AS $$
DECLARE
	r record;
	items jsonb[] := ARRAY(SELECT value FROM jsonb_array_elements(athar.list_of(document, 'items')));
	item jsonb;
	at integer;
BEGIN
	FOR r IN SELECT * FROM athar.diff_plan(project, a, b) LOOP
		IF r.item_id IS NULL THEN
			document := CASE WHEN r.op = 'remove' THEN document - r.field ELSE document || jsonb_build_object(r.field, r.new) END;
			CONTINUE;
		END IF;
		at := (SELECT u.n FROM unnest(items) WITH ORDINALITY AS u (value, n) WHERE u.value ->> 'id' = r.item_id);
		item := items[at];
		IF r.field IS NOT NULL THEN
			items[at] := CASE WHEN r.op = 'remove' THEN item - r.field ELSE item || jsonb_build_object(r.field, r.new) END;
			CONTINUE;
		END IF;
		IF at IS NOT NULL THEN
			items := items[:at - 1] || items[at + 1:];
		END IF;
		IF r.op <> 'remove' THEN
			at := coalesce((SELECT u.n FROM unnest(items) WITH ORDINALITY AS u (value, n) WHERE u.value ->> 'id' = r.after), 0);
			items := items[:at] || coalesce(CASE WHEN r.op = 'add' THEN r.new END, item) || items[at + 1:];
		END IF;
	END LOOP;
	RETURN CASE WHEN jsonb_typeof(document -> 'items') = 'array' THEN document || jsonb_build_object('items', to_jsonb(items)) ELSE document END;
END$$;
CREATE FUNCTION pg_temp.any_plan() RETURNS jsonb
LANGUAGE SQL VOLATILE AS $$SELECT jsonb_build_object('title', 'T' || floor(random() * 2)) || CASE WHEN random() < 0.3 THEN jsonb_build_object('a/b~"', floor(random() * 3)) ELSE '{}' END
	|| CASE floor(random() * 10)::integer WHEN 0 THEN jsonb '{}' WHEN 1 THEN '{"items": []}' WHEN 2 THEN '{"items": null}' ELSE coalesce(jsonb_build_object('items',
		(SELECT jsonb_agg(jsonb_build_object('id', i || '/~"ض', 'title', 't' || floor(random() * 2), 'x', CASE WHEN random() < 0.3 THEN NULL ELSE floor(random() * 2) END, 'k' || floor(random() * 2), '[{"deep": 1.10}]'::jsonb)
			ORDER BY CASE WHEN random() < 0.7 THEN i ELSE random() * 9 END)
		FROM generate_series(1, 8) AS i WHERE random() < 0.8)), '{}') END$$;
SELECT athar.create_project('random', 'Random', 'dvla', '{"title": "T0"}', 'begin');
CREATE TEMP TABLE saved AS SELECT pg_temp.save(pg_temp.any_plan(), 'next', 'random') AS version FROM generate_series(1, 60);
CREATE TEMP TABLE pair AS SELECT a, b, athar.get_plan('random', a) AS old, athar.get_plan('random', b) AS new
FROM (SELECT version AS a, 1 + (version * 17) % (SELECT max(version) FROM saved) AS b FROM saved UNION SELECT version, version - 1 FROM saved UNION SELECT version - 1, version FROM saved) AS p;
SELECT cmp_ok(count(*), '>', 100::bigint, 'pairs of versions') FROM pair;
SELECT is_empty($$SELECT a, b FROM pair WHERE pg_temp.applied(old, 'random', a, b) IS DISTINCT FROM new$$, 'the rows, applied, make the one version of the other');
SELECT is_empty($$SELECT a, b FROM pair WHERE athar.json_patch(old, athar.diff_plan_patch('random', a, b)) IS DISTINCT FROM new$$, 'and so does the patch');
SELECT is_empty($$SELECT a, b FROM pair, athar.diff_plan('random', a, b) d WHERE d.op NOT IN ('add', 'remove', 'change', 'move') OR (d.old IS NULL) <> (d.op = 'add') OR (d.new IS NULL) <> (d.op = 'remove') OR d.op <> 'move' AND d.old = d.new$$, 'every row changes something');
SELECT results_eq($$SELECT v.version, count(d.path) FROM athar.plan_version v LEFT JOIN LATERAL athar.diff_plan('random', v.parent_version, v.version) d ON true
	WHERE v.project_id = athar.project_id('random') AND v.parent_version IS NOT NULL GROUP BY v.version ORDER BY v.version$$,
	$$SELECT v.version, count(c.path) FROM athar.plan_version v LEFT JOIN athar.plan_changes(ARRAY[athar.project_id('random')]) c ON c.version = v.version
	WHERE v.project_id = athar.project_id('random') AND v.parent_version IS NOT NULL GROUP BY v.version ORDER BY v.version$$, 'all steps at once are the steps one by one');
SELECT bag_eq($$SELECT (c).project_id, (c).version, (c).path, (c).op, (c).old, (c).new, (c).after FROM athar.plan_changes(ARRAY(SELECT id FROM athar.project), NULL) c$$,
	$$SELECT (c).project_id, (c).version, (c).path, (c).op, (c).old, (c).new, (c).after FROM athar.plan_version v, athar.plan_changes(ARRAY[v.project_id], ARRAY[v.version]) c$$, 'of all projects at once, too');
SELECT bag_eq($$SELECT p.code::text, c.version, count(*) FROM athar.plan_changes(ARRAY(SELECT id FROM athar.project WHERE code IN ('random', 'disc') ORDER BY id), '{2,3}') c
	JOIN athar.project p ON p.id = c.project_id GROUP BY p.code, c.version$$,
	$$SELECT p, v, count(*) FROM (SELECT code::text, (1 + row_number() OVER (ORDER BY id))::integer FROM athar.project WHERE code IN ('random', 'disc')) AS a (p, v), athar.diff_plan(p, v - 1, v) GROUP BY p, v$$, 'each project has its own version');
SELECT is_empty($$SELECT s.project, s.version FROM athar.search_plans('begin or next or team') s JOIN athar.plan_history(s.project) h ON h.version = s.version WHERE h.summary IS DISTINCT FROM s.summary$$,
	'what is found is told as in the history');
SELECT is_empty($$SELECT h.version FROM athar.plan_history('random') h WHERE h.summary IS NULL OR h.summary = ''$$, 'every version has its words');

-- deep and great
SELECT athar.create_project('deep', 'Deep', 'dvla', ('{"title": "t", "items": [{"id": "A", "title": "t", "x": ' || repeat('[', 2000) || repeat(']', 2000) || '}]}')::jsonb, 'r');
SELECT pg_temp.save(('{"title": "t", "items": [{"id": "A", "title": "t", "x": ' || repeat('[', 1999) || repeat(']', 1999) || ', "y": ' || to_jsonb(repeat('long ', 100000)) || '}]}')::jsonb, 'r', 'deep');
SELECT is(summary, 'changed A "t" (x changed, y set to ' || to_jsonb(repeat('long ', 11) || 'lo...')::text || ')', 'deep and great values in words') FROM athar.plan_history('deep') WHERE version = 2;
SELECT is(athar.json_patch(athar.get_plan('deep', 1), athar.diff_plan_patch('deep', 1, 2)), athar.get_plan('deep', 2), 'and in a patch');
SELECT is(count(*), 1::bigint, 'and are found') FROM athar.search_plans('long', 'deep');

SELECT * FROM finish();
ROLLBACK;
