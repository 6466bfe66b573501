-- recognition: when reviews are due, what is off track and not corrected, what was achieved and by whom
BEGIN;
SELECT no_plan();
SET LOCAL athar.actor = 'programme office';
SET LOCAL athar.time_zone = 'UTC';
CREATE FUNCTION pg_temp.ago(days integer) RETURNS timestamptz LANGUAGE sql AS $$SELECT date_trunc('day', now(), 'UTC') - days * interval '1 day'$$;
CREATE FUNCTION pg_temp.days(first integer, last integer) RETURNS daterange LANGUAGE sql AS $$SELECT daterange((now() AT TIME ZONE 'UTC')::date + first, (now() AT TIME ZONE 'UTC')::date + last)$$;
CREATE VIEW pg_temp.waiting AS SELECT kind, project, action, goal, unit, days FROM athar.overdue WHERE kind <> 'late';

SELECT athar.define_unit('agency', 'Agency', 'الهيئة'), athar.define_unit('post', 'Post', 'البريد'), athar.define_service('permit', 'Permit', 'agency', name_ar => 'التصريح');
SELECT athar.define_kpi('sat', 'Satisfaction', 'points', 'up', kind => 'likert', name_ar => 'الرضا');
SELECT athar.create_project('reform', 'Reform', 'agency', '{"title": "Reform", "items": [{"id": "A1", "title": "Form", "owner": "post", "service": "permit", "kpis": [{"kpi": "sat", "target": "at least 4"}]}, {"id": "A2", "title": "Train", "owner": "agency"}]}', 'begin');

-- How often.
SELECT throws_ok(format($$SELECT athar.create_cycle('x', 'X', '[2020-01-01,2021-01-01)', review_every => %L)$$, e), '22023', 'goals of cycle "x" cannot be reviewed every ' || coalesce(e, 'NULL'), 'no cadence')
FROM unnest('{00:00:00,"-1 days","11 years",NULL}'::text[]) AS e;
SELECT athar.create_cycle('late', 'Late', pg_temp.days(-34, 66), review_every => '30 days'), athar.create_cycle('grace', 'Grace', pg_temp.days(-33, 66), review_every => '30 days'),
	athar.create_cycle('usual', 'Usual', pg_temp.days(-20, 66)), athar.create_cycle('over', 'Over', pg_temp.days(-90, -10), review_every => '1 day');
SAVEPOINT cadence;
SELECT ok(athar.set_cadence('usual', '10 days'), 'said anew');
SELECT ok(NOT athar.set_cadence('usual', '10 days'), 'said again');
SELECT athar.create_goal('often', 'Often', 'objective', 'usual');
SELECT is(next_due - (now() AT TIME ZONE 'UTC')::date, -10, 'what is due follows') FROM athar.reviews_due WHERE goal = 'often';
SELECT throws_ok($$SELECT athar.set_cadence('usual', '1 hour')$$, '22023', 'goals of cycle "usual" cannot be reviewed every 01:00:00', 'every hour');
SELECT throws_ok($$SELECT athar.set_cadence('usual', NULL)$$, '22023', NULL, 'never');
SELECT throws_ok($$SELECT athar.set_cadence(NULL, '1 day')$$, '22023', 'a cycle is required', 'no cycle');
SELECT throws_ok($$SELECT athar.set_cadence('nil', '1 day')$$, '42704', 'cycle "nil" does not exist', 'an unknown one');
SELECT athar.close_cycle('over');
SELECT throws_ok($$SELECT athar.set_cadence('over', '2 days')$$, '55000', 'cycle "over" is closed', 'a closed one');
ROLLBACK TO cadence;
SELECT is(review_every, '1 month', 'a month where nobody says') FROM athar.cycle WHERE code = 'usual';
SELECT athar.create_goal('never', 'Never reviewed', 'objective', 'late', unit => 'agency', title_ar => 'هدف'), athar.create_goal('waits', 'In its days of grace', 'objective', 'grace'),
	athar.create_goal('soon', 'Soon', 'objective', 'usual'), athar.create_goal('past', 'Past', 'objective', 'over'), athar.create_goal('ever', 'For ever', 'policy');
SELECT results_eq('TABLE pg_temp.waiting', $$VALUES ('never_reviewed', NULL::text, NULL::text, 'never', 'agency', 4)$$, 'more than three days after its review was due: exactly that one');
SELECT results_eq($$SELECT goal, reviewed_at, next_due - (now() AT TIME ZONE 'UTC')::date FROM athar.reviews_due WHERE kind = 'goal' AND goal <> 'soon' ORDER BY goal$$,
	$$VALUES ('never', NULL::timestamptz, -4), ('waits', NULL, -3)$$, 'of goals in cycles that run');
SAVEPOINT unreviewed;
SELECT athar.check_in('never', confidence => 0.5);
SELECT is_empty('TABLE pg_temp.waiting', 'a check-in clears it');
ROLLBACK TO unreviewed;
SELECT athar.record_review(NULL, 'What next?', 'comment', goal => 'never');
SELECT isnt_empty('TABLE pg_temp.waiting', 'a comment does not');
SELECT athar.check_in('never', confidence => 0.5, at => now() + interval '1 day');
SELECT isnt_empty('TABLE pg_temp.waiting', 'nor one of tomorrow');
SELECT athar.record_review(NULL, 'It goes on', 'review', goal => 'never');
SELECT is_empty('TABLE pg_temp.waiting', 'a review clears it');
ROLLBACK TO unreviewed;
SELECT athar.create_goal('kr', 'Its key result', 'key_result', 'late', 'never', target => 'from 0 to 10');
SELECT athar.check_in('kr', 6);
SELECT results_eq('SELECT goal FROM pg_temp.waiting', $$VALUES ('never')$$, 'a check-in of a key result is none of what stands above');
ROLLBACK TO unreviewed;
SELECT athar.create_goal('kr', 'Its key result', 'key_result', 'late', 'never', target => 'from 0 to 10');
SELECT results_eq('SELECT goal FROM pg_temp.waiting ORDER BY goal', $$VALUES ('kr'), ('never')$$, 'both wait');
SELECT athar.record_review(NULL, 'What we learnt', 'retrospective', goal => 'never');
SELECT is_empty('TABLE pg_temp.waiting', 'a review of the objective is one of its key results');
ROLLBACK TO unreviewed;
INSERT INTO athar.goal_progress (goal_id, rolled_up_at, coverage) VALUES (athar.goal_id('never'), pg_temp.ago(5), 0);
SELECT is_empty('TABLE pg_temp.waiting', 'a goal that came later has its time');
ROLLBACK TO unreviewed;
SELECT athar.check_in('never', confidence => 0.5, at => pg_temp.ago(34));
SELECT results_eq('SELECT kind, goal, days FROM pg_temp.waiting', $$VALUES ('review_late', 'never', 4)$$, 'reviewed, but long ago');
SELECT athar.check_in('never', confidence => 0.5);

-- Projects.
SELECT results_eq($$SELECT project, unit, title, review_every FROM athar.reviews_due WHERE kind = 'project'$$, $$VALUES ('reform', 'agency', 'Reform', interval '1 month')$$, 'a project, too');
SELECT athar.align('never', 'reform', 'A1');
SELECT is(review_every, '30 days', 'as often as the goals it serves') FROM athar.reviews_due WHERE kind = 'project';
UPDATE athar.plan_version SET saved_at = pg_temp.ago(40);
SELECT results_eq('TABLE pg_temp.waiting', $$VALUES ('never_reviewed', 'reform', NULL::text, NULL::text, 'agency', 10)$$, 'is late');
SELECT athar.record_review('reform', 'Halfway', 'review');
SELECT is_empty('TABLE pg_temp.waiting', 'and reviewed');

-- Off track without a correction.
SELECT athar.create_cycle('run', 'Run', pg_temp.days(-60, 40), review_every => '10 days');
SELECT athar.create_goal('slow', 'Slow', 'key_result', 'run', unit => 'agency', target => 'from 0 to 10');
SELECT athar.check_in('slow', 0, at => pg_temp.ago(50)), athar.check_in('slow', note => 'it will come');
SELECT results_eq('TABLE pg_temp.waiting', $$VALUES ('uncorrected', NULL::text, NULL::text, 'slow', 'agency', 20)$$, 'off track since 30 % was expected of nothing: the next review should have corrected it');
SELECT athar.record_review(NULL, 'We try harder', 'decision', goal => 'slow'), athar.record_review('reform', 'Is it A2?', 'comment', 'A2', goal => 'slow'), athar.record_review('reform', 'Train', 'decision', 'A2');
SELECT isnt_empty('TABLE pg_temp.waiting', 'words alone correct nothing, nor do decisions about something else');
SAVEPOINT uncorrected;
SELECT isnt(athar.record_review('reform', 'Train twice as many', 'decision', 'A2', reply_to => (SELECT max(review) FROM athar.reviews WHERE goal = 'slow'), goal => 'slow'), NULL, 'a decision names the action that corrects');
SELECT is_empty('TABLE pg_temp.waiting', 'and it is corrected');
SELECT results_eq($$SELECT kind, project, action, goal FROM athar.reviews WHERE note = 'Train twice as many'$$, $$VALUES ('decision', 'reform', 'A2', 'slow')$$, 'as everybody reads');
UPDATE athar.action SET status = 'cancelled' WHERE item_id = 'A2';
SELECT isnt_empty('TABLE pg_temp.waiting', 'unless the action is cancelled');
ROLLBACK TO uncorrected;
INSERT INTO athar.goal_progress (goal_id, rolled_up_at, progress, coverage) VALUES (athar.goal_id('slow'), pg_temp.ago(50), 0.6, 1), (athar.goal_id('slow'), pg_temp.ago(8), 0, 1);
SELECT is_empty('TABLE pg_temp.waiting', 'what fell lately has its time');
ROLLBACK TO uncorrected;

-- Bad reviews.
SELECT throws_ok(format('SELECT athar.record_review(%s)', a), s, m, 'refused: ' || a)
FROM (VALUES ($$NULL, 'x', goal => 'nil'$$, '42704', 'goal "nil" does not exist'), ($$NULL, 'x', action => 'A1', goal => 'slow'$$, '22023', 'an action or a version is one of a project'),
	($$NULL, 'x', 'recognition', goal => 'slow'$$, '22023', 'a recognition needs a form'), ($$NULL, 'x', 'recognition', goal => 'slow', form => 'medal'$$, '22023', 'a recognition needs a form'),
	($$NULL, 'x', 'comment', goal => 'slow', form => 'team'$$, '22023', 'a comment has no form'), ($$'reform', E'\t', 'recognition', form => 'team'$$, '22023', 'nothing is said')) AS e (a, s, m);

-- Recognition: once, however often the target is crossed.
SELECT athar.create_goal('nine', 'Nine in ten', 'key_result', 'run', unit => 'agency', target => 'from 0 to 10', title_ar => 'تسعة من كل عشرة'),
	athar.create_goal('kept', 'Met from the start', 'key_result', 'run', target => 'at least 5'), athar.create_goal('end', 'Met at the end', 'key_result', 'over', target => 'at least 5');
SELECT athar.check_in('nine', 5), athar.check_in('kept', 6), athar.check_in('end', 6, at => pg_temp.ago(12));
SELECT athar.roll_up_goals();
SELECT results_eq($$SELECT goal, value, author FROM athar.reviews WHERE kind = 'recognition'$$, $$VALUES ('end', 6::double precision, 'programme office')$$, 'what is met from the start is recognised when it lasted to the end');
SELECT athar.check_in('nine', 10); SELECT athar.roll_up_goals();
SELECT athar.check_in('nine', 7); SELECT athar.roll_up_goals();
SELECT athar.check_in('nine', 12); SELECT athar.roll_up_goals();
SELECT results_eq($$SELECT goal, value, form, note FROM athar.reviews WHERE kind = 'recognition' AND goal <> 'end'$$, $$VALUES ('nine', 10::double precision, 'team', NULL::text)$$, 'crossed, dipped, crossed again: one');
SELECT is(current, 12::double precision, 'which is nobody''s word on the figure') FROM athar.okr_status WHERE goal = 'nine';
-- nor is a target met by coming down to the figure
SELECT athar.create_goal('lower', 'Lowered', 'key_result', 'run', target => 'from 0 to 10'), athar.create_goal('other', 'Of another KPI', 'key_result', 'run', target => 'from 0 to 10');
SELECT athar.define_kpi('high', 'High', 'n', 'up');
SELECT athar.report_measurement('high', pg_temp.days(-30, -1), athar.summary_of('{50}', '{30}'));
SELECT athar.check_in('lower', 6), athar.check_in('other', 6);
SELECT athar.roll_up_goals();
UPDATE athar.goal_progress SET rolled_up_at = pg_temp.ago(1) WHERE rolled_up_at = now();
SELECT athar.revise_goal('lower', 'from 0 to 6', reason => 'so that it is met'), athar.revise_goal('other', kpi => 'high', reason => 'another figure');
SELECT athar.roll_up_goals();
SELECT set_eq($$SELECT goal, status FROM athar.okr_status WHERE goal IN ('lower', 'other')$$, $$VALUES ('lower', 'achieved'), ('other', 'achieved')$$, 'a target lowered to the figure, another KPI: both are met');
SELECT is_empty($$SELECT FROM athar.reviews WHERE kind = 'recognition' AND goal IN ('lower', 'other')$$, 'and neither is an achievement');
SELECT athar.check_in('lower', 5); SELECT athar.roll_up_goals();
SELECT athar.check_in('lower', 7); SELECT athar.roll_up_goals();
SELECT is(count(*), 1::bigint, 'crossing it is') FROM athar.reviews WHERE kind = 'recognition' AND goal = 'lower';

-- The public reads what was published, and whose work it was.
SELECT is_empty('TABLE athar.recognitions', 'nothing is published');
SELECT athar.publish_goal('nine');
SELECT athar.unalign('never', 'reform', 'A1'), athar.align('nine', 'reform', 'A1');
SELECT results_eq('SELECT kind, goal, unit, title_ar, figure FROM athar.recognitions', $$VALUES ('goal', 'nine', 'agency', 'تسعة من كل عشرة', 10::double precision)$$, 'a draft is nobody''s business');
UPDATE athar.project SET status = 'active';
CREATE ROLE passer_by;
GRANT USAGE ON SCHEMA athar TO passer_by;
GRANT SELECT ON athar.recognitions TO passer_by;
SET LOCAL ROLE passer_by;
SELECT results_eq('SELECT unit, sentence, sentence_ar FROM athar.recognitions', $$VALUES ('post', 'Post achieved "Nine in ten"; the figure is 10', 'حققت الجهة «البريد» الهدف «تسعة من كل عشرة»، وبلغت القيمة 10')$$, 'whose action it was, in two languages');
RESET ROLE;
SELECT athar.set_participant('reform', 'agency', 'responsible', 'A1');
SELECT set_eq('SELECT unit, form, note FROM athar.recognitions', $$VALUES ('post', 'team', NULL), ('agency', 'team', NULL)$$, 'and of whoever is responsible, too');
SELECT athar.set_participant('reform', 'agency', 'informed', 'A1');

-- Figures of a few people stay hidden; satisfaction that jumps.
SELECT athar.report_measurement('sat', '[2020-01-01,2020-04-01)', athar.summary_of('{4}', '{3}'), 'permit', basis => 'quarter');
INSERT INTO athar.effect_measurement (effect_id, measured_at, cutover, span, washout, difference, verdict)
SELECT e.id, now(), '2020-01-01', '1 year', '0', 0.4, 'improved' FROM athar.effect AS e;
SELECT athar.roll_up_goals();
SELECT athar.roll_up_goals();
SELECT results_eq($$SELECT kind, service, kpi, unit, figure, sentence, sentence_ar FROM athar.recognitions WHERE kind = 'satisfaction'$$,
	$$VALUES ('satisfaction', 'permit', 'sat', 'post', NULL::double precision, '"Satisfaction" of "Permit" improved, after an action of Post', 'تحسّن مؤشر «الرضا» في خدمة «التصريح» بعد إجراء نفّذته الجهة «البريد»')$$,
	'once, and without the figure of three people');
SELECT results_eq($$SELECT sentence, sentence_ar FROM athar.project_timeline WHERE kind = 'recognition'$$, $$VALUES ('What people answer improved by 0.4', 'تحسّن ما يجيب به الناس بمقدار 0.4')$$, 'the story of the project tells it');
SELECT athar.report_measurement('sat', '[2020-01-01,2020-04-01)', athar.summary_of('{4}', '{30}'), 'permit', basis => 'quarter');
SELECT is(sentence, '"Satisfaction" of "Permit" improved by 0.4, after an action of Post', 'with that of thirty') FROM athar.recognitions WHERE kind = 'satisfaction';
UPDATE athar.project SET status = 'draft';
SELECT is(count(*), 0::bigint, 'nothing of a draft') FROM athar.recognitions WHERE kind = 'satisfaction';
UPDATE athar.project SET status = 'active';

-- What people answer is a KPI of kind likert, whatever its scale; other figures are no satisfaction.
SELECT results_eq($$SELECT kpi FROM athar.presets WHERE kind = 'likert' AND unit_of_measure || kpi ~ 'percent|nps' ORDER BY kpi$$, '{dxmi_satisfaction,gds_user_satisfaction,nps}'::text[], 'also those in per cent, and would you recommend it');
SELECT athar.load_preset('experience', '{nps}'), athar.define_kpi('days', 'Days', 'days', 'down');
SELECT athar.set_action('reform', 'A2', '{"service": "permit", "kpis": [{"kpi": "nps"}, {"kpi": "days"}]}', 1, 'measured, too');
INSERT INTO athar.effect_measurement (effect_id, measured_at, cutover, span, washout, difference, verdict)
SELECT e.id, now(), '2020-01-01', '1 year', '0', -3, 'improved' FROM athar.effect AS e JOIN athar.kpi AS k ON k.id = e.kpi_id WHERE k.code = 'days';
SELECT athar.roll_up_goals();
SELECT is_empty($$SELECT FROM athar.reviews WHERE kind = 'recognition' AND action = 'A2'$$, 'days that are saved are no answer');
INSERT INTO athar.effect_measurement (effect_id, measured_at, cutover, span, washout, difference, verdict)
SELECT e.id, now() + n * interval '1 s', '2020-01-01', '1 year', '0', 7 + n, 'improved' FROM athar.effect AS e JOIN athar.kpi AS k ON k.id = e.kpi_id, generate_series(1, 10) AS n WHERE k.code = 'nps';
SELECT athar.roll_up_goals() FROM generate_series(1, 3);
SELECT results_eq($$SELECT kind, form, project, value FROM athar.reviews WHERE kind = 'recognition' AND action = 'A2'$$, $$VALUES ('recognition', 'team', 'reform', 17::double precision)$$, 'a burst of praise, however often it is measured: one');

-- What people give: to a person, a team, or a reward.
CREATE ROLE recognising_manager;
CREATE ROLE recognising_other;
CREATE ROLE recognising_contributor;
SELECT athar.grant_access('recognising_manager', 'manage', 'agency'), athar.grant_access('recognising_other', 'manage', 'post'), athar.grant_access('recognising_contributor', 'contribute');
SET LOCAL ROLE recognising_contributor;
SELECT throws_ok($$SELECT athar.record_review('reform', 'We are good', 'recognition', form => 'team')$$, 'AT005', 'role "recognising_contributor" may not recognise anybody in public', 'not by who contributes');
SET LOCAL ROLE recognising_other;
SELECT throws_ok($$SELECT athar.record_review(NULL, 'We are good', 'recognition', goal => 'nine', form => 'team')$$, 'AT005', NULL, 'nor by who manages another unit');
SELECT throws_ok($$SELECT athar.record_review(NULL, 'x', 'recognition', goal => 'kept', form => 'team')$$, 'AT005', NULL, 'nor of a goal of nobody''s');
SET LOCAL ROLE recognising_manager;
SET LOCAL athar.actor = 'board';
SELECT ok(athar.record_review('reform', 'Clerk of the counter: patient', 'recognition', 'A1', form => 'person') IS NOT NULL
	AND athar.record_review('reform', 'Bonus', 'recognition', goal => 'nine', form => 'reward') IS NOT NULL
	AND athar.record_review(NULL, 'All of them', 'recognition', goal => 'nine', form => 'team') IS NOT NULL
	AND athar.record_review(NULL, 'All of them', 'recognition', goal => 'nine', form => 'team') IS NOT NULL, 'by who manages the unit, and more than once');
RESET ROLE;
SELECT athar.record_review(NULL, 'Not published', 'recognition', goal => 'slow', form => 'team');
SELECT athar.roll_up_goals();
SELECT set_eq($$SELECT goal, unit, title, figure, form, note, sentence, sentence_ar FROM athar.recognitions WHERE kind = 'thanks'$$,
	$$VALUES (NULL, 'post', 'Form', NULL::double precision, 'person', 'Clerk of the counter: patient', 'Thanks to a person of Post ("Form"): Clerk of the counter: patient', 'شكر لأحد العاملين في الجهة «البريد» («Form»): Clerk of the counter: patient'),
		('nine', 'agency', 'Nine in ten', NULL, 'reward', 'Bonus', 'A reward for Agency ("Nine in ten"): Bonus', 'مكافأة للجهة «الهيئة» («تسعة من كل عشرة»): Bonus'),
		('nine', 'agency', 'Nine in ten', NULL, 'team', 'All of them', 'Thanks to the team of Agency ("Nine in ten"): All of them', 'شكر لفريق العمل في الجهة «الهيئة» («تسعة من كل عشرة»): All of them')$$,
	'the public reads what they said, of what is published');
SELECT is(count(*), 1::bigint, 'what was raised stays as it was') FROM athar.reviews WHERE kind = 'recognition' AND goal = 'nine' AND note IS NULL;
UPDATE athar.project SET status = 'draft';
SELECT is_empty($$SELECT FROM athar.recognitions WHERE kind = 'thanks' AND (goal IS NULL OR form = 'reward')$$, 'and nothing of a draft');
SELECT throws_ok($$INSERT INTO athar.review (kind, goal_id, author, reviewed_at) VALUES ('recognition', athar.goal_id('slow'), 'x', now())$$, '23514', NULL, 'every recognition has a form');
SELECT is_empty('SELECT FROM athar.project_timeline WHERE sentence IS NULL OR sentence_ar IS NULL', 'all of it is told');

SELECT * FROM finish();
ROLLBACK;
