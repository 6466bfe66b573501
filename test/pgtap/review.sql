-- review: what people said of plans, and the story of a project
BEGIN;
SELECT plan(36);
SELECT athar.define_unit('agency', 'Agency'), athar.define_service('permit', 'Permit', 'agency');
SELECT athar.define_kpi('wait', 'Waiting time', 'days', 'down', name_ar => 'مدة الانتظار');
SELECT athar.set_context('team', NULL);
SELECT athar.create_project('reform', 'Reform', 'agency', '{"title": "Reform", "items": [{"id": "A1", "title": "Form", "service": "permit", "live_on": "2025-01-01", "kpis": [{"kpi": "wait"}]}, {"id": "A2", "title": "Train"}]}', 'begin');
SELECT athar.create_project('other', 'Other', 'agency', '{"title": "Other"}', 'begin');
SELECT athar.save_plan('reform', athar.get_plan('reform') #- '{items,1}', 1, 'cut');

-- said
CREATE TEMP TABLE said AS SELECT athar.record_review('reform', 'Why so late?') AS question;
SELECT athar.set_context('board', NULL);
ALTER TABLE said ADD answer integer;
UPDATE said SET answer = athar.record_review('reform', 'The council decided: from May', 'decision', 'A2', 1, question);
SELECT results_eq($$SELECT review, kind, project, action, version, reply_to, note, author, action_title, is_action_removed FROM athar.reviews ORDER BY review$$,
	$$SELECT question, 'comment', 'reform', NULL, 2, NULL::integer, 'Why so late?', 'team', NULL, false FROM said
	UNION ALL SELECT answer, 'decision', 'reform', 'A2', 1, question, 'The council decided: from May', 'board', 'Train', true FROM said$$,
	'a comment is about the newest version, a decision about that and that action it names; an action that went keeps what was said of it');
SELECT results_eq($$SELECT version FROM athar.search_plans('council may')$$, $$VALUES (1)$$, 'a version is found by what was said about it');
SELECT results_eq($$SELECT t.relation::text, e.operation::text, e.new_values ->> 'note' FROM athar.log_entry e JOIN athar.tracked_table t ON t.id = e.table_id WHERE t.relation = 'athar.review' ORDER BY e.id$$,
	$$VALUES ('athar.review', 'I', 'Why so late?'), ('athar.review', 'I', 'The council decided: from May')$$, 'the log has it');
SELECT throws_ok(format('SELECT athar.record_review(%s)', a), s, m, 'refused: ' || a)
FROM (VALUES ($$NULL, 'x'$$, '22023', 'a project or a goal is required'), ($$'nothing', 'x'$$, '42704', 'project "nothing" does not exist'),
	($$'reform', NULL$$, '22023', 'nothing is said'), ($$'reform', E' \t\n'$$, '22023', 'nothing is said'),
	($$'reform', 'x', 'check_in'$$, '22023', 'unknown kind "check_in"'), ($$'reform', 'x', NULL$$, '22023', 'unknown kind NULL'),
	($$'reform', 'x', version => 3$$, '22023', 'project "reform" has no version 3'), ($$'reform', 'x', version => 0$$, '22023', 'project "reform" has no version 0'),
	($$'reform', 'x', action => 'A9'$$, '42704', 'action "A9" of project "reform" does not exist'),
	($$'reform', 'x', reply_to => 0$$, '42704', 'nothing of number 0 was said about project "reform"')) AS e (a, s, m);
SELECT throws_ok(format('SELECT athar.record_review(''other'', ''x'', reply_to => %s)', question), '42704', NULL, 'nor what was said about another project') FROM said;
SELECT throws_ok($$INSERT INTO athar.review (kind, project_id, note, author, reviewed_at) SELECT 'comment', id, ' ', 'x', now() FROM athar.project WHERE code = 'reform'$$, '23514', NULL, 'a comment says something');
SELECT throws_ok($$INSERT INTO athar.review (project_id, reply_id, author, reviewed_at) SELECT id, 0, 'x', now() FROM athar.project WHERE code = 'reform'$$, '23503', NULL, 'an answer has a question');
SELECT throws_ok($$DELETE FROM athar.review WHERE note = 'Why so late?'$$, '23503', NULL, 'which stays while it is answered');
SELECT is(count(*), 1::bigint, 'hostile words are words') FROM (SELECT athar.record_review('reform', E'\'"\\;--</script>\u202E' || repeat('x', 100000)) AS id) AS r WHERE r.id IS NOT NULL;

-- nobody rewrites what was said; its author may be gone
CREATE ROLE planner_of_review;
SELECT athar.grant_access('planner_of_review', 'contribute');
SELECT athar.set_context(NULL, NULL);
SET LOCAL ROLE planner_of_review;
SELECT isnt(athar.record_review('reform', 'I am leaving'), NULL, 'a contributor comments');
SELECT throws_ok($$UPDATE athar.review SET note = 'x'$$, '42501', NULL, 'and cannot rewrite it');
SELECT throws_ok($$DELETE FROM athar.review$$, '42501', NULL, 'nor take it away');
SELECT throws_ok($$INSERT INTO athar.review (project_id, note, author, reviewed_at) VALUES (1, 'x', 'somebody else', now())$$, '42501', NULL, 'nor speak for somebody else');
SELECT is(count(*) > 0, true, 'but read the story') FROM athar.project_timeline WHERE project = 'reform';
RESET ROLE;
SELECT athar.revoke_access('planner_of_review', 'contribute');
DROP ROLE planner_of_review;
SELECT is(author, 'planner_of_review', 'an author who left stays the author') FROM athar.reviews WHERE note = 'I am leaving';
SELECT results_eq($$SELECT kind, author, sentence FROM athar.project_timeline WHERE project = 'reform' AND sentence = 'I am leaving'$$,
	$$VALUES ('comment', 'planner_of_review', 'I am leaving')$$, 'in the story of the project');
SELECT results_eq($$SELECT operation, current_user_name, new_values ->> 'author' FROM athar.change_log WHERE relation = 'athar.review' AND new_values ->> 'note' = 'I am leaving'$$,
	$$VALUES ('INSERT', 'planner_of_review', 'planner_of_review')$$, 'and in the log, which knows the role by its name');
SELECT results_eq($$SELECT h.operation FROM athar.reviews AS r, athar.row_history('athar.review', jsonb_build_object('id', r.review)) AS h WHERE r.note = 'I am leaving'$$, $$VALUES ('INSERT')$$, 'in its own history, as it was said');
SELECT results_eq($$SELECT version FROM athar.search_plans('planner_of_review leaving')$$, $$VALUES (2)$$, 'and found by his name');

-- the story
INSERT INTO athar.effect_measurement (effect_id, measured_at, cutover, span, washout, before_n, before_mean, after_n, after_mean, difference, verdict)
SELECT e.id, now() + i * interval '1 day', '2025-01-01', '1 year', '0', 10, 20, 10, 12, -8, 'improved' FROM athar.effect e, generate_series(1, 2) AS i;
INSERT INTO athar.effect_check (effect_id, days, checked_on, measured_at, cutover, washout, early_n, late_n, verdict)
SELECT id, 30, '2025-02-01', now() + interval '3 days', '2025-01-01', '0', 5, 5, 'faded' FROM athar.effect;
SELECT athar.create_mark('new fees');
SELECT results_eq($$SELECT kind, action, version, author, left(sentence, 40) FROM athar.project_timeline WHERE project = 'reform' AND length(sentence) < 10000 ORDER BY kind, at, event$$,
	$$VALUES ('check', 'A1', NULL, NULL, 'Waiting time, 30 days on: the effect has'), ('comment', NULL, 2, 'team', 'Why so late?'), ('comment', NULL, 2, 'planner_of_review', 'I am leaving'),
		('decision', 'A2', 1, 'board', 'The council decided: from May'), ('effect', 'A1', NULL, NULL, 'Waiting time (days): improved, from 20 t'), ('effect', 'A1', NULL, NULL, 'Waiting time (days): improved, from 20 t'),
		('mark', NULL, NULL, NULL, 'new fees'), ('version', NULL, 1, 'team', 'Version 1: begin'), ('version', NULL, 2, 'team', 'Version 2: cut')$$, 'a project''s story has all sorts of events');
SELECT is(min(sentence_ar), 'مؤشر «مدة الانتظار» (days): تحسّن، من 20 إلى 12، من دون فترة ثقة', 'effects in Arabic') FROM athar.project_timeline WHERE project = 'reform' AND kind = 'effect';
SELECT is(sentence_ar, 'مؤشر «مدة الانتظار» بعد 30 يومًا: الأثر تلاشى', 'in Arabic, too') FROM athar.project_timeline WHERE project = 'reform' AND kind = 'check';
SELECT results_eq($$SELECT kind FROM athar.project_timeline WHERE project = 'other' ORDER BY at, event$$, $$VALUES ('version'), ('mark')$$, 'each project has its own');

-- ten thousand events: all of them, once, in order
INSERT INTO athar.review (kind, project_id, version, note, author, reviewed_at)
SELECT 'comment', athar.project_id('other'), 1, 'note ' || i, 'x', now() + i % 1000 * interval '1 s' FROM generate_series(1, 6000) AS i;
INSERT INTO athar.effect_measurement (effect_id, measured_at, cutover, span, washout, verdict)
SELECT e.id, now() + i * interval '1 s', '2025-01-01', '1 year', '0', 'insufficient_data' FROM athar.effect e, generate_series(1, 4000) AS i;
SELECT results_eq($$SELECT project, count(*), count(DISTINCT event) FROM athar.project_timeline GROUP BY project ORDER BY project$$,
	$$VALUES ('other', 6002::bigint, 6002::bigint), ('reform', 4010, 4010)$$, 'complete, and none twice');
SELECT is_empty($$SELECT FROM athar.project_timeline WHERE at IS NULL OR event IS NULL OR sentence IS NULL OR sentence_ar IS NULL$$, 'each with its time and its words');

-- goals go on
SELECT athar.create_cycle('y', 'Year', '[2026-01-01,2027-01-01)'), athar.create_goal('g', 'Goal', 'key_result', 'y', target => 'from 0 to 10');
SELECT athar.check_in('g', 5);
SELECT results_eq($$SELECT kind, version FROM athar.review WHERE goal_id IS NOT NULL$$, $$VALUES ('check_in', NULL::integer)$$, 'a check-in is a review as before');
SELECT throws_ok($$INSERT INTO athar.review (goal_id, version, author, reviewed_at) SELECT athar.goal_id('g'), 1, 'x', now()$$, '23514', NULL, 'a version is one of a project');

SELECT * FROM finish();
ROLLBACK;
