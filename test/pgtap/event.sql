-- event: a threshold that is crossed is told once
BEGIN;
SELECT plan(42);
SET LOCAL athar.time_zone = 'UTC';

SELECT athar.define_unit('office', 'Permit office', 'مكتب التصاريح');
SELECT athar.define_service('permit', 'Permit', 'office', 'التصريح'), athar.define_service('renewal', 'Renewal', 'office');
SELECT athar.define_channel('web', 'Web', true), athar.define_channel('desk', 'Desk');
SELECT athar.define_kpi('score', 'Score', 'points', 'up', smallest_change => 0.25, name_ar => 'الدرجة'),
	athar.define_kpi('wait', 'Waiting time', 'days', 'down'),
	athar.define_kpi('heat', 'Temperature', 'degrees', 'target', desired_value => 20);
SELECT athar.define_kpi_bands('score', '[{"code": "poor", "name": "Poor", "name_ar": "ضعيف"}, {"code": "fair", "name": "Fair", "name_ar": "مقبول", "from": 1},
		{"code": "good", "name": "Good", "name_ar": "جيد", "from": 2}]'),
	athar.define_kpi_bands('wait', '[{"code": "short", "to": 10}, {"code": "long", "from": 12}]'),
	athar.define_kpi_bands('heat', '[{"code": "cold"}, {"code": "right", "from": 18}, {"code": "hot", "from": 22}]');
SELECT athar.create_cycle('year', 'This year', daterange(current_date - 200, current_date + 165));

-- The figure of a month, counted from months long past, and what is noticed then.
CREATE FUNCTION pg_temp.report(kpi text, month integer, value double precision, service text DEFAULT 'permit', channel text DEFAULT NULL)
RETURNS integer LANGUAGE SQL AS $$
	DELETE FROM athar.measurement WHERE kpi_id = athar.kpi_id(kpi) AND service_id IS NOT DISTINCT FROM athar.service_id(service)
		AND channel_id IS NOT DISTINCT FROM athar.channel_id(channel) AND lower(period) = current_date - 190 + 10 * month;
	SELECT athar.report_measurement(kpi, daterange(current_date - 190 + 10 * month, current_date - 180 + 10 * month),
		athar.summary_of_moments(10, value, 1), service, channel);
	SELECT athar.record_events();
$$;
CREATE FUNCTION pg_temp.told(of_kpi text, of_service text DEFAULT 'permit') RETURNS text LANGUAGE SQL AS $$
	SELECT coalesce(string_agg(concat_ws(' ', direction, band_from, band_to, value, threshold), ', ' ORDER BY id), '')
	FROM athar.events WHERE kpi = of_kpi AND service IS NOT DISTINCT FROM of_service AND kind = 'band'
$$;

SELECT is(athar.record_events(), 0, 'nothing is measured, nothing happens');
SELECT is(pg_temp.report('score', 1, 0.9), 0, 'a first figure is no crossing');
SELECT is((SELECT count(*) FROM athar.event), 1::bigint, 'but is kept');
SELECT is((SELECT count(*) FROM athar.events), 0::bigint, 'and is no event');

-- PROMISES row 18: crossing 1.0, a dip, crossing again within the margin.
SELECT is(pg_temp.report('score', 2, 1), 1, 'reaching the threshold crosses it');
SELECT is(athar.record_events(), 0, 'once, however often it is looked at');
SELECT is(pg_temp.report('score', 3, 0.9), 0, 'a dip by less than matters');
SELECT is(pg_temp.report('score', 4, 1.1), 0, 'and back: still the same crossing');
SELECT is(pg_temp.told('score'), 'better poor fair 1 1', 'one event');
SELECT is(pg_temp.report('score', 5, 0.75), 1, 'back by just the smallest change that matters');
SELECT is(pg_temp.report('score', 6, 1.2), 0, 'and up again by less');
SELECT is(pg_temp.report('score', 7, 1.25), 1, 'and by as much');
SELECT is(pg_temp.told('score'), 'better poor fair 1 1, worse fair poor 0.75 1, better poor fair 1.25 1', 'both directions');

SELECT athar.define_kpi('tenth', 'Tenths', 'points', 'up', smallest_change => 0.1);
SELECT athar.define_kpi_bands('tenth', '[{"code": "low"}, {"code": "high", "from": 1}]');
SELECT is(ARRAY[pg_temp.report('tenth', 1, 0.5), pg_temp.report('tenth', 2, 1), pg_temp.report('tenth', 3, 0.9), pg_temp.report('tenth', 4, 1.1), pg_temp.report('tenth', 5, 0.91)],
	'{0,1,1,1,0}', 'a tenth is a tenth, whatever double precision makes of it');

-- Late figures, corrections, and nothing.
SELECT is(pg_temp.report('score', 5, 9), 0, 'a figure of an earlier period crosses nothing');
SELECT is(pg_temp.report('score', 7, 1.3), 0, 'measured again, on the same side: nothing');
SELECT is(pg_temp.report('score', 7, 0.5), 1, 'corrected: it was poor after all');
SELECT is(pg_temp.report('score', 7, 1.5), 0, 'corrected back: that crossing of this period is known');
SELECT is(pg_temp.report('score', 8, 1.5), 1, 'a later period goes on from there');
DELETE FROM athar.measurement WHERE kpi_id = athar.kpi_id('score') AND lower(period) >= current_date - 190 + 10 * 8;
SELECT is(athar.record_events(), 0, 'a figure that is taken away crosses nothing');
SELECT is(pg_temp.report('score', 9, 2.1), 1, 'another threshold');
SELECT is(pg_temp.report('score', 10, 0.2), 1, 'over two at once: one event');
SELECT is((SELECT concat_ws(' ', band_from, band_to, threshold) FROM athar.events ORDER BY id DESC LIMIT 1), 'good poor 1', 'which names the end of the band it came into');

-- Other bands are no crossing.
SELECT athar.define_kpi_bands('score', '[{"code": "poor"}, {"code": "good", "from": 0.1}]', current_date - 80);
SELECT is(pg_temp.report('score', 11, 0.2), 0, 'under other bands it is found anew');
SELECT is(pg_temp.report('score', 12, -0.1), 1, 'and judged by those from then on, where the first crossing needs no margin');

-- Down, with a gap; nearer to a value.
SELECT is(ARRAY[pg_temp.report('wait', 1, 9), pg_temp.report('wait', 2, 11), pg_temp.report('wait', 3, 12), pg_temp.report('wait', 4, 11), pg_temp.report('wait', 5, 9.9)],
	'{0,0,1,0,1}', 'a gap between bands is no crossing');
SELECT is(pg_temp.told('wait'), 'worse short long 12 12, better long short 9.9 10', 'lower is better');
SELECT is(ARRAY[pg_temp.report('heat', 1, 17), pg_temp.report('heat', 2, 19), pg_temp.report('heat', 3, 23), pg_temp.report('heat', 4, 16), pg_temp.report('heat', 5, 21)],
	'{0,1,1,1,1}', 'nearer is better');
SELECT is(pg_temp.told('heat'), 'better cold right 19 18, worse right hot 23 22, worse hot cold 16 18, better cold right 21 18', 'and farther worse');

-- Series apart; channels reported one by one are one figure; the whole.
SELECT is(pg_temp.report('score', 11, 3, 'renewal', 'web') + pg_temp.report('score', 11, 3, 'renewal', 'desk') + pg_temp.report('score', 11, 3, NULL), 0, 'each series is found by itself');
SELECT is(pg_temp.report('score', 12, -3, 'renewal', 'web'), 1, 'a channel alone is the newest figure until the others come');
SELECT is(pg_temp.report('score', 12, 3, NULL), 0, 'the whole stands for itself');

-- Goals.
SELECT athar.create_goal('short', 'Short waits', 'key_result', 'year', kpi => 'wait', service => 'renewal', target => 'at most 5', title_ar => 'انتظار أقصر'),
	athar.create_goal('warm', 'Warm rooms', 'key_result', 'year', kpi => 'heat', service => 'renewal', target => 'between 18 and 22'),
	athar.create_goal('law', 'The law', 'key_result', 'year', target => 'milestone');
SELECT athar.publish_goal('warm');
SELECT athar.record_events();
SELECT is((SELECT count(*) FROM athar.event WHERE goal_id IS NOT NULL), 0::bigint, 'what is not measured is not met, and is no crossing');
SELECT pg_temp.report('wait', 1, 7, 'renewal'), pg_temp.report('wait', 2, 5, 'renewal'), pg_temp.report('wait', 3, 6, 'renewal');
SELECT pg_temp.report('heat', 1, 16, 'renewal'), pg_temp.report('heat', 2, 19, 'renewal'), pg_temp.report('heat', 3, 23, 'renewal');
SELECT athar.check_in('law', 0, at => now() - interval '3 days');
SELECT athar.record_events();
SELECT athar.check_in('law', 1);
SELECT athar.record_events();
SELECT results_eq(
	$$SELECT goal, kind, band_from, band_to, direction, value, threshold FROM athar.events WHERE goal IS NOT NULL ORDER BY id$$,
	$$VALUES ('short', 'target', 'not_met', 'met', 'better', 5::double precision, 5::double precision), ('short', 'target', 'met', 'not_met', 'worse', 6, 5),
		('warm', 'promise', 'not_met', 'met', 'better', 19, 18), ('warm', 'promise', 'met', 'not_met', 'worse', 23, 22),
		('law', 'target', 'not_met', 'met', 'better', 1, 1)$$,
	'a goal crosses its target, a published one its promise');
SELECT athar.revise_goal('short', 'at most 8', reason => 'two clerks left');
SELECT is(athar.record_events(), 0, 'a revised target is no crossing');
SELECT is(pg_temp.report('wait', 4, 9, 'renewal'), 1, 'and is what counts from then on');
SELECT athar.close_cycle('year');
SELECT is(pg_temp.report('wait', 5, 1, 'renewal'), 0, 'a closed cycle has its grades; its goals tell nothing more');

-- What people and programs read.
SELECT results_eq(
	$$SELECT message, message_ar FROM athar.events WHERE kpi = 'score' OR goal = 'short' ORDER BY (goal IS NOT NULL), id LIMIT 1$$,
	$$VALUES ('Score, Permit is better: from "Poor" to "Fair", at 1 (threshold 1)', 'الدرجة، التصريح: تحسّن من "ضعيف" إلى "مقبول"، والقيمة 1 (الحد 1)')$$,
	'a sentence in both languages');
SELECT results_eq(
	$$SELECT message, message_ar FROM athar.events WHERE goal IS NOT NULL ORDER BY id OFFSET 1 LIMIT 2$$,
	$$VALUES ('Short waits: the target is no longer met, at 6 (threshold 5)', 'انتظار أقصر: لم يعد المستهدف متحققًا، والقيمة 6 (الحد 5)'),
		('Warm rooms: the promise is kept, at 19 (threshold 18)', 'Warm rooms: تحقق الوعد، والقيمة 19 (الحد 18)')$$,
	'of goals, too');
-- A period whose figure cannot be told.
SELECT athar.define_kpi('quotient', 'Quotient', 'share', 'up', kind => 'ratio');
SELECT athar.define_kpi_bands('quotient', '[{"code": "low"}, {"code": "high", "from": 0.5}]');
CREATE FUNCTION pg_temp.quotient(month integer, numerator double precision, denominator double precision) RETURNS integer LANGUAGE SQL AS $$
	SELECT athar.report_measurement('quotient', daterange(current_date - 190 + 10 * month, current_date - 180 + 10 * month), NULL, 'permit',
		numerator => numerator, denominator => denominator);
	SELECT athar.record_events();
$$;
SELECT is(ARRAY[pg_temp.quotient(1, 1, 4), pg_temp.quotient(2, 1e-160, 4), pg_temp.quotient(3, 3, 4)], '{0,0,1}', 'what has no figure crosses nothing');
SELECT is((SELECT max(next_due) FROM athar.jobs WHERE name = 'events'), NULL, 'unscheduled until somebody schedules it');
SELECT is((SELECT state IS NOT NULL FROM athar.schedule(seal => NULL) WHERE job = 'events'), true, 'the job events');

SELECT * FROM finish();
ROLLBACK;
