-- effect_stored: measured when an action closes, when the job comes, and never
-- over another baseline without saying so
BEGIN;
SELECT plan(51);
SET LOCAL TimeZone = 'UTC';

SELECT athar.define_unit('u', 'Unit');
SELECT athar.define_service(s.code, s.code, 'u') FROM (VALUES ('permit'), ('other')) AS s (code);
SELECT athar.define_channel('web', 'Web'), athar.define_channel('desk', 'Desk');
SELECT athar.define_kpi('days', 'Days', 'days', 'down', smallest_change => 1);
SELECT athar.define_kpi('share', 'Share', 'share', 'up', kind => 'ratio');
SELECT athar.record_observation('days', 30 + n % 5 - CASE WHEN n >= 100 THEN 10 ELSE 0 END, '2023-09-23 12:00+00'::timestamptz + n * interval '1 day', s.service)
FROM generate_series(0, 199) AS n, (VALUES ('permit'), ('other')) AS s (service); -- the hundredth is that of 1 January 2024
CREATE TEMP VIEW stored AS
SELECT a.item_id AS action, m.id, m.before_n, m.after_n, m.flags, m.verdict, m.late_rows, m.before_figures, m.after_figures, m.measured_at
FROM athar.effect_measurement AS m JOIN athar.effect AS e ON e.id = m.effect_id JOIN athar.action AS a ON a.id = e.action_id;
CREATE FUNCTION pg_temp.plan_of(status text, live_on text, service text DEFAULT 'permit') RETURNS jsonb LANGUAGE SQL AS
$$SELECT jsonb_build_object('title', 'Faster', 'items', jsonb_build_array(jsonb_build_object('id', 'A1', 'title', 'Apply online', 'service', service,
	'status', status, 'live_on', live_on, 'kpis', jsonb_build_array(jsonb_build_object('kpi', 'days', 'target', '-10%', 'span', '90 days', 'controls', '[]'::jsonb)))))$$;

-- When an action closes.
SELECT athar.create_project('p', 'Faster', 'u', pg_temp.plan_of('live', '2024-01-01'), 'start');
SELECT is_empty('SELECT * FROM stored', 'a live action is measured by nobody yet');
SELECT is((SELECT status FROM athar.save_plan('p', pg_temp.plan_of('done', '2024-01-01'), 1, 'it is done')), 'saved', 'it is done');
SELECT results_eq('SELECT action, before_n, after_n, flags, verdict, late_rows, before_figures, after_figures FROM stored',
	$$VALUES ('A1', 90::bigint, 90::bigint, '{season_not_covered}'::text[], 'improved', 0::bigint, 90::bigint, 90::bigint)$$, 'and measured in the same breath');
SELECT results_eq($$SELECT state, verdict, late_rows FROM athar.before_after_report WHERE project = 'p'$$, $$VALUES ('measured', 'improved', 0::bigint)$$, 'the report says so');
SELECT is((SELECT status FROM athar.save_plan('p', jsonb_set(pg_temp.plan_of('done', '2024-01-01'), '{items,0,title}', '"Apply on line"'), 2, 'spelling')), 'saved', 'another title');
SELECT is((SELECT count(*) FROM stored), 1::bigint, 'closes nothing again');
SELECT is((SELECT status FROM athar.save_plan('p', pg_temp.plan_of('verified', '2024-01-01'), 3, 'seen')), 'saved', 'it is verified');
SELECT is((SELECT count(*) FROM stored), 1::bigint, 'which measures again, and finds nothing new');
SELECT athar.create_project('done', 'Done at once', 'u', pg_temp.plan_of('done', '2024-01-01', 'other'), 'a plan written afterwards');
SELECT is((SELECT count(*) FROM stored), 2::bigint, 'an action that comes in as done is measured, too');
SELECT athar.create_project('early', 'Early', 'u', pg_temp.plan_of('done', (current_date - 10)::text), 'start');
SELECT is((SELECT count(*) FROM stored), 2::bigint, 'not while the time compared runs on');
SELECT results_eq($$SELECT state, reason, late_rows FROM athar.before_after_report WHERE project = 'early'$$,
	format($$VALUES ('waiting', 'the time compared ends on %s', NULL::bigint)$$, current_date + 80), 'it waits');
SELECT athar.create_project('open', 'Open', 'u', pg_temp.plan_of('done', NULL), 'start');
SELECT athar.create_project('gone', 'Gone', 'u', pg_temp.plan_of('cancelled', '2024-01-01'), 'start');
SELECT is((SELECT count(*) FROM stored), 2::bigint, 'neither one that never went live, nor one that was cancelled');
SELECT lives_ok($$UPDATE athar.effect SET controls = '{permit,renamed}' WHERE action_id = (SELECT a.id FROM athar.action AS a JOIN athar.project AS p ON p.id = a.project_id WHERE p.code = 'done')$$, 'a control whose code no service has any more');
SELECT lives_ok($$SELECT athar.measure_effects('done')$$, 'stops no measurement');

-- Figures that cannot be computed with stop nobody from saving a plan.
CREATE FUNCTION pg_temp.fails() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no such number' USING ERRCODE = current_setting('test.sqlstate'); END$$;
CREATE TRIGGER fails BEFORE INSERT ON athar.effect_measurement FOR EACH ROW EXECUTE FUNCTION pg_temp.fails();
SET LOCAL test.sqlstate = '22003';
SELECT athar.create_project('odd', 'Odd', 'u', pg_temp.plan_of('live', '2024-01-01', 'other'), 'start');
SELECT is((SELECT status || ' ' || version FROM athar.save_plan('odd', pg_temp.plan_of('done', '2024-01-01', 'other'), 1, 'it is done')), 'saved 2', 'where measuring fails the plan is saved');
SELECT results_eq($$SELECT status FROM athar.actions WHERE project = 'odd'$$, $$VALUES ('done')$$, 'with its action');
SELECT is((SELECT count(*) FROM stored), 3::bigint, 'without a measurement');
SET LOCAL test.sqlstate = 'P0001';
SELECT throws_ok($$SELECT athar.save_plan('odd', jsonb_set(pg_temp.plan_of('verified', '2024-01-01', 'other'), '{title}', '"T"'), 2, 'seen')$$, 'P0001', 'no such number', 'any other error is one');
DROP TRIGGER fails ON athar.effect_measurement;
SELECT athar.save_plan('odd', pg_temp.plan_of('cancelled', '2024-01-01', 'other'), 2, 'away with it');

-- The job.
SELECT is(athar.measure_due_effects(), 1, 'the job freezes what is known before an action that is live');
SELECT results_eq($$SELECT before_n, after_n, verdict FROM stored WHERE id = (SELECT max(id) FROM stored)$$, $$VALUES (0::bigint, 0::bigint, 'insufficient_data')$$, 'and be it nothing');
SELECT is((SELECT state FROM athar.before_after_report WHERE project = 'early'), 'waiting', 'which is no result');
SELECT is(athar.measure_due_effects(), 0, 'and runs again without a trace');
SELECT is((SELECT count(*) FROM athar.effect_check AS c), 8::bigint, 'checks were made, four for each effect whose days have come');

-- Late figures.
CREATE TEMP TABLE seen AS SELECT * FROM stored;
SELECT athar.record_observation('days', 300, '2023-12-31 12:00+00', 'permit');
SELECT results_eq($$SELECT verdict, before_n, late_rows, flags FROM athar.before_after_report WHERE project = 'p'$$,
	$$VALUES ('improved', 90::bigint, 1::bigint, '{season_not_covered}'::text[])$$, 'a late value of the time before: the verdict stands, the value is counted');
SELECT is(athar.measure_due_effects(), 0, 'the job takes no other baseline');
SELECT set_eq('SELECT * FROM stored', 'SELECT * FROM seen', 'what was measured stands');
SELECT is(athar.measure_effects('p'), 1, 'who asks for it gets another measurement');
SELECT results_eq($$SELECT before_n, flags, late_rows FROM stored WHERE id = (SELECT max(id) FROM stored)$$,
	$$VALUES (91::bigint, '{season_not_covered,late_data}'::text[], 1::bigint)$$, 'a new row of history, which says why');
SELECT set_eq('SELECT * FROM stored WHERE id <= (SELECT max(id) FROM seen)', 'SELECT * FROM seen', 'beside the old one');
SELECT is(athar.measure_effects('p'), 0, 'once');
SELECT is((SELECT late_rows FROM athar.before_after_report WHERE project = 'p'), 1::bigint, 'late is what came after the first one');
SELECT ok((athar.refresh_measurements()).refreshed > 0, 'days are summarised');
SELECT is(athar.measure_effects('p') + athar.measure_due_effects(), 0, 'which is no new figure');
SELECT athar.record_observation('days', v.value, v.at::timestamptz, s.service)
FROM (VALUES ('permit'), ('other')) AS s (service), (VALUES (20, '2024-02-01 13:00+00'), (21, '2024-02-02 13:00+00'), (500, '2024-06-01 00:00+00'), (500, '2023-01-01 00:00+00')) AS v (value, at);
SELECT results_eq($$SELECT project, late_rows FROM athar.before_after_report WHERE kpi = 'days' AND late_rows > 0 ORDER BY 1$$,
	$$VALUES ('done', 2::bigint), ('p', 3)$$, 'late values of the time after count once it was over; values of other times do not');
UPDATE athar.observation SET value = 31 WHERE value = 30 AND service_id = athar.service_id('other') AND observed_at = '2023-12-27 12:00+00';
SELECT is(athar.measure_effects('done'), 1, 'a correction');
SELECT results_eq($$SELECT flags, late_rows FROM stored WHERE id = (SELECT max(id) FROM stored)$$,
	$$VALUES ('{season_not_covered,late_data}'::text[], 2::bigint)$$, 'is late as well');

-- Reported figures: four quarters before, of which one comes late.
SELECT athar.report_measurement('share', daterange(q.day::date, (q.day + interval '3 months')::date), athar.summary_of('{0,1}', ARRAY[q.n, 2 * q.n]), 'permit', basis => 'quarter')
FROM generate_series('2022-04-01'::timestamp, '2023-10-01', '3 months') WITH ORDINALITY AS q (day, n) WHERE q.day <> '2022-07-01';
SELECT athar.create_project('q', 'Quarters', 'u', '{"title": "q", "items": [{"id": "Q1", "title": "Q", "service": "permit", "live_on": "2023-04-01", "status": "done",
	"kpis": [{"kpi": "share", "target": "at least 0.7", "controls": []}]}]}', 'start');
SELECT results_eq($$SELECT before_n, after_n, before_figures, after_figures, late_rows FROM stored WHERE action = 'Q1'$$, $$VALUES (3::bigint, 3::bigint, 3::bigint, 3::bigint, 0::bigint)$$, 'three quarters a side');
SELECT athar.report_measurement('share', '[2024-01-01,2024-04-01)', athar.summary_of('{0,1}', '{10,90}'), 'permit', basis => 'quarter');
SELECT is(athar.measure_due_effects(), 1, 'a quarter that is published after the time is over is measured by the job');
SELECT results_eq($$SELECT after_n, flags @> '{late_data}', late_rows FROM stored WHERE action = 'Q1' ORDER BY id DESC LIMIT 1$$, $$VALUES (4::bigint, true, 1::bigint)$$, 'and told');
SELECT athar.report_measurement('share', '[2022-07-01,2022-10-01)', athar.summary_of('{0,1}', '{99,1}'), 'permit', c.channel, basis => 'quarter')
FROM (VALUES ('web'), ('desk')) AS c (channel);
SELECT is((SELECT late_rows FROM athar.before_after_report WHERE project = 'q'), 3::bigint, 'a late quarter of the time before, by channel: two rows more');
SELECT is(athar.measure_due_effects(), 0, 'leaves the job as it is');
SELECT is(athar.measure_effects('q'), 1, 'but not who asks');
SELECT results_eq($$SELECT before_n, late_rows FROM stored WHERE action = 'Q1' ORDER BY id DESC LIMIT 1$$, $$VALUES (4::bigint, 3::bigint)$$, 'and counts both');

-- Another question is no re-measurement.
SELECT is((SELECT status FROM athar.save_plan('q', jsonb_set(athar.get_plan('q'), '{items,0,live_on}', '"2023-07-01"'), 1, 'it was July')), 'saved', 'the cutover was wrong');
SELECT is((SELECT late_rows FROM athar.before_after_report WHERE project = 'q'), NULL, 'what arrived since says nothing of the new one');
SELECT is(athar.measure_due_effects(), 1, 'the job measures it anew');
SELECT results_eq($$SELECT flags @> '{late_data}', late_rows FROM stored WHERE action = 'Q1' ORDER BY id DESC LIMIT 1$$, $$VALUES (false, 0::bigint)$$, 'with a baseline of its own');

-- It is a job.
SELECT results_eq($$SELECT name, procedure FROM athar.job AS j, athar.schedule(seal => NULL, refresh => NULL, rollup => NULL, events => NULL, remind => NULL, retention => NULL) AS s WHERE s.job = j.name$$, $$SELECT NULL::text, NULL::text WHERE false$$, 'not yet visible to the statement that makes it');
SELECT results_eq($$SELECT name, procedure, schedule FROM athar.job WHERE is_enabled$$, $$VALUES ('effects', 'athar.measure_due_effects', '30 1 * * *')$$, 'schedule() has it run every night');
SELECT is(athar.run_due(), 1, 'run_due() runs it');
SELECT results_eq($$SELECT last_outcome, last_message FROM athar.jobs WHERE name = 'effects'$$, $$VALUES ('succeeded', '0')$$, 'and keeps what it answered');

SELECT * FROM finish();
ROLLBACK;
