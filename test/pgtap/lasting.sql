-- lasting: whether effects are still there months later
BEGIN;
SELECT plan(31);
SET LOCAL TimeZone = 'UTC';

SELECT athar.define_unit('u', 'Unit');
SELECT athar.define_service(s.code, s.code, 'u') FROM (VALUES ('fades'), ('lasts'), ('grows'), ('never'), ('noise'), ('falls'), ('few')) AS s (code);
SELECT athar.define_kpi('score', 'Score', 'points', 'up', smallest_change => 1);
SELECT athar.define_kpi('wait', 'Wait', 'minutes', 'down', smallest_change => 1);
SELECT athar.define_kpi('near', 'Near', 'degrees', 'target', desired_value => 70, smallest_change => 1);
-- 50 before, then what it rose to in the first month, and where it stands a year later; and the weather of a day
CREATE TEMP TABLE course (service text, early double precision, late double precision);
INSERT INTO course VALUES ('fades', 20, 2), ('lasts', 20, 20), ('grows', 5, 25), ('never', 0, 0), ('falls', -20, -25);
CREATE TEMP TABLE day AS
SELECT c.service, d.at, 50 + (d.n * 7 % 11 - 5) / 2.5 + CASE WHEN d.n < 366 THEN 0 ELSE c.early + (c.late - c.early) * least(greatest(d.n - 396, 0) / 300.0, 1) END AS value
FROM course AS c
CROSS JOIN LATERAL generate_series('2022-01-01 12:00+00'::timestamptz, '2024-06-30', '1 day') WITH ORDINALITY AS d (at, n); -- day 366 is 1 January 2023
SELECT athar.record_observation('score', d.value, d.at, d.service), athar.record_observation('wait', 100 - d.value, d.at, d.service), athar.record_observation('near', d.value, d.at, d.service)
FROM day AS d;

-- +20 at first, +2 a year later.
SELECT results_eq(
	$$SELECT days, checked_on, early_n, late_n, round(early_mean::numeric), round(late_mean::numeric), verdict, faded_on FROM athar.sustained_effect('score', 'fades', '2023-01-01')$$,
	$$VALUES (30, '2023-01-31'::date, 15::bigint, 15::bigint, 70::numeric, 70::numeric, 'sustained', NULL::date), (90, '2023-04-01', 30, 30, 70, 67, 'faded', '2023-04-01'),
		(180, '2023-06-30', 30, 30, 70, 62, 'faded', '2023-04-01'), (365, '2024-01-01', 30, 30, 70, 52, 'faded', '2023-04-01')$$,
	'an effect that fades does so with a date');
SELECT results_eq($$SELECT array_agg(verdict ORDER BY days), count(faded_on) FROM athar.sustained_effect('score', 'lasts', '2023-01-01')$$,
	$$VALUES ('{sustained,sustained,sustained,sustained}'::text[], 0::bigint)$$, 'one that stays is sustained');
SELECT results_eq($$SELECT array_agg(verdict ORDER BY days) FROM athar.sustained_effect('score', 'grows', '2023-01-01')$$,
	$$VALUES ('{sustained,growing,growing,growing}'::text[])$$, 'one that grows is growing');
SELECT results_eq($$SELECT array_agg(DISTINCT verdict) FROM athar.sustained_effect('score', 'never', '2023-01-01')$$,
	$$VALUES ('{cannot_tell}'::text[])$$, 'where nothing was gained nothing is sustained');
SELECT results_eq($$SELECT (array_agg(verdict ORDER BY days))[3:4] FROM athar.sustained_effect('score', 'falls', '2023-01-01')$$,
	$$VALUES ('{faded,faded}'::text[])$$, 'and what got worse and worse is no success');
SELECT results_eq($$SELECT s.service, array_agg(e.verdict ORDER BY e.days) FROM (VALUES ('fades'), ('grows'), ('lasts')) AS s (service)
	CROSS JOIN LATERAL athar.sustained_effect('wait', s.service, '2023-01-01') AS e GROUP BY 1 ORDER BY 1$$,
	$$VALUES ('fades', '{sustained,faded,faded,faded}'::text[]), ('grows', '{sustained,growing,growing,growing}'), ('lasts', '{sustained,sustained,sustained,sustained}')$$,
	'less is better: the same');
SELECT results_eq($$SELECT s.service, array_agg(e.verdict ORDER BY e.days) FROM (VALUES ('fades'), ('grows'), ('lasts')) AS s (service)
	CROSS JOIN LATERAL athar.sustained_effect('near', s.service, '2023-01-01') AS e GROUP BY 1 ORDER BY 1$$,
	$$VALUES ('fades', '{sustained,faded,faded,faded}'::text[]), ('grows', '{sustained,growing,growing,growing}'), ('lasts', '{sustained,sustained,sustained,sustained}')$$,
	'nearer to a value is better: the same');

-- The figures are those of the windows, the interval is that of four looks.
SELECT results_eq(
	$$SELECT round(difference::numeric, 9), round(ci_low::numeric, 9), round(ci_high::numeric, 9), round(p_value::numeric, 12), round(before_mean::numeric, 9) FROM athar.sustained_effect('score', 'fades', '2023-01-01', washout => '10 days') WHERE days = 90$$,
	$$SELECT round((e.e).difference::numeric, 9), round(((e.e).difference - h.half)::numeric, 9), round(((e.e).difference + h.half)::numeric, 9), round(least(4 * (e.e).p_value, 1)::numeric, 12),
		(SELECT round(avg(d.value)::numeric, 9) FROM day AS d WHERE d.service = 'fades' AND d.at >= '2022-01-01' AND d.at < '2023-01-01')
	FROM (SELECT athar.compare(
		(SELECT athar.summarize(d.value) FROM day AS d WHERE d.service = 'fades' AND d.at >= '2023-01-11' AND d.at < '2023-02-10'),
		(SELECT athar.summarize(d.value) FROM day AS d WHERE d.service = 'fades' AND d.at >= '2023-03-12' AND d.at < '2023-04-11'))) AS e (e)
	CROSS JOIN LATERAL (SELECT (e.e).difference / (e.e).t * athar.student_t_quantile(1 - 0.05 / 4 / 2, (e.e).df)) AS h (half)$$,
	'thirty days with thirty days, 98.75 %, p times four');
SELECT is((athar.refresh_measurements(1000000)).remaining, 0::bigint, 'days are summarised');
SELECT results_eq($$SELECT array_agg(verdict ORDER BY days) FROM athar.sustained_effect('score', 'fades', '2023-01-01')$$,
	$$VALUES ('{sustained,faded,faded,faded}'::text[])$$, 'which changes nothing');

-- What is too small, too noisy, too little, too early.
SELECT athar.define_kpi('coarse', 'Coarse', 'points', 'up', smallest_change => 19);
SELECT athar.record_observation('coarse', d.value, d.at, d.service) FROM day AS d WHERE d.service = 'fades';
SELECT results_eq($$SELECT verdict FROM athar.sustained_effect('coarse', 'fades', '2023-01-01') WHERE days = 180$$, $$VALUES ('sustained')$$, 'a clear fade that is too small to matter, with the greater part left');
SELECT results_eq($$SELECT verdict FROM athar.sustained_effect('coarse', 'fades', '2023-01-01') WHERE days = 365$$, $$VALUES ('sustained')$$, 'to the last');
SELECT athar.record_observation('score', 50 + CASE WHEN d.n > 365 THEN 3 ELSE 0 END + 60 * sin(d.n * d.n), d.at, 'noise')
FROM generate_series('2022-01-01 12:00+00'::timestamptz, '2024-06-30', '1 day') WITH ORDINALITY AS d (at, n);
SELECT results_eq($$SELECT array_agg(DISTINCT verdict) FROM athar.sustained_effect('score', 'noise', '2023-01-01')$$,
	$$VALUES ('{cannot_tell}'::text[])$$, 'an interval that holds nothing lost and all lost tells neither');
SELECT athar.record_observation('score', 50, '2022-06-01', 'few'), athar.record_observation('score', 70, '2023-01-02', 'few');
SELECT results_eq($$SELECT early_n, late_n, difference, ci_low, verdict FROM athar.sustained_effect('score', 'few', '2023-01-01') WHERE days = 365$$,
	$$VALUES (1::bigint, 0::bigint, NULL::double precision, NULL::double precision, 'cannot_tell')$$, 'too few values: no interval, no verdict');
SELECT results_eq($$SELECT days, checked_on IS NULL, early_n, verdict FROM athar.sustained_effect('score', 'fades', now() - interval '100 days')$$,
	$$VALUES (30, false, 0::bigint, 'cannot_tell'), (90, false, 0::bigint, 'cannot_tell'), (180, false, NULL, NULL), (365, false, NULL, NULL)$$,
	'a day that has not come has no verdict');
SELECT throws_ok($$SELECT athar.sustained_effect('nothing', 'few', '2023-01-01')$$, '42704', 'KPI "nothing" does not exist', 'unknown KPI');
SELECT throws_ok($$SELECT athar.sustained_effect('score', 'few', '2023-01-01', '-1 day')$$, '22023', NULL, 'no span');

-- Constant figures, and figures by month and by quarter.
SELECT athar.define_kpi('monthly', 'Monthly', 'points', 'up');
SELECT athar.report_measurement('monthly', daterange(m.day::date, (m.day + interval '1 month')::date),
	athar.summary_of(ARRAY[50 + CASE WHEN m.n <= 12 THEN 0 WHEN c.service = 'lasts' THEN 20 ELSE greatest(20 - 2 * (m.n - 13), 2) END + CASE WHEN c.service = 'fades' THEN m.n % 2 * 0.5 ELSE 0 END], '{1}'), c.service, basis => 'month')
FROM generate_series('2022-01-01'::timestamp, '2023-12-01', '1 month') WITH ORDINALITY AS m (day, n), (VALUES ('lasts'), ('fades')) AS c (service);
SELECT results_eq(
	$$SELECT days, checked_on, early_n, late_n, ci_low, verdict FROM athar.sustained_effect('monthly', 'lasts', '2023-01-01')$$,
	$$VALUES (30, '2023-02-01'::date, 0::bigint, 0::bigint, NULL::double precision, 'cannot_tell'), (90, '2023-04-01', 1, 1, NULL, 'cannot_tell'),
		(180, '2023-07-01', 3, 3, NULL, 'sustained'), (365, '2024-01-01', 3, 3, NULL, 'sustained')$$,
	'months: three with three; constant ones have no interval and a verdict');
SELECT results_eq(
	$$SELECT days, round(early_mean::numeric, 2), round(late_mean::numeric, 2), verdict, faded_on FROM athar.sustained_effect('monthly', 'fades', '2023-01-01') WHERE days = 365$$,
	$$VALUES (365, 68.33, 52.17, 'faded', '2024-01-01'::date)$$, 'and fade by months');
SELECT is((SELECT early_mean FROM athar.sustained_effect('monthly', 'lasts', '2023-01-15', '1 year') WHERE days = 365), 70::double precision, 'a month that holds the cutover is left out');

-- Like seasons: 20 more for good, of a figure that swings by 30 in a year; and 20 more that fade.
SELECT athar.define_kpi('swing', 'Swing', 'points', 'up', smallest_change => 1), athar.define_kpi('swing-month', 'Swing', 'points', 'up', smallest_change => 1), athar.define_kpi('swing-share', 'Swing', 'share', 'up', kind => 'ratio');
CREATE TEMP TABLE swing AS
SELECT s.service, d.at, 50 + 30 * sin(2 * pi() * extract(doy FROM d.at) / 365) + (d.n * 7 % 11 - 5) / 2.5
	+ CASE WHEN d.at < '2023-01-01' THEN 0 WHEN s.service = 'lasts' THEN 20 ELSE greatest(20 - extract(doy FROM d.at) / 10, 0) END AS value
FROM generate_series('2021-10-01 12:00+00'::timestamptz, '2024-03-31', '1 day') WITH ORDINALITY AS d (at, n), (VALUES ('lasts'), ('fades')) AS s (service);
SELECT athar.record_observation('swing', v.value, v.at, v.service), athar.record_observation('swing-share', v.value, v.at, v.service, denominator => 200) FROM swing AS v;
SELECT athar.report_measurement('swing-month', daterange(m.day::date, (m.day + interval '1 month')::date),
	(SELECT athar.summarize(v.value) FROM swing AS v WHERE v.service = s.service AND v.at >= m.day AND v.at < m.day + interval '1 month'), s.service, basis => 'month')
FROM generate_series('2021-10-01'::timestamp, '2024-03-01', '1 month') AS m (day), (VALUES ('lasts'), ('fades')) AS s (service);
CREATE TEMP VIEW seasonal AS
SELECT k.kpi, s.service, m.is_matched, array_agg(e.verdict ORDER BY e.days) AS verdicts
FROM (VALUES ('swing'), ('swing-month'), ('swing-share')) AS k (kpi), (VALUES ('lasts'), ('fades')) AS s (service), (VALUES (false), (true)) AS m (is_matched)
CROSS JOIN LATERAL athar.sustained_effect(k.kpi, s.service, '2023-01-01', season_matched => m.is_matched) AS e GROUP BY 1, 2, 3;
SELECT results_eq($$SELECT kpi, (verdicts)[2:4] FROM seasonal WHERE service = 'lasts' AND NOT is_matched ORDER BY 1$$,
	$$VALUES ('swing', '{growing,sustained,faded}'::text[]), ('swing-month', '{cannot_tell,sustained,faded}'), ('swing-share', '{growing,sustained,faded}')$$, 'a figure that swings with the seasons grows in spring and fades in winter');
SELECT results_eq($$SELECT kpi, (verdicts)[2:4] FROM seasonal WHERE service = 'lasts' AND is_matched ORDER BY 1$$,
	$$VALUES ('swing', '{sustained,sustained,sustained}'::text[]), ('swing-month', '{cannot_tell,sustained,sustained}'), ('swing-share', '{sustained,sustained,sustained}')$$, 'against the same days a year earlier it lasts');
SELECT results_eq($$SELECT kpi, (verdicts)[2:4] FROM seasonal WHERE service = 'fades' AND is_matched ORDER BY 1$$,
	$$VALUES ('swing', '{faded,faded,faded}'::text[]), ('swing-month', '{cannot_tell,cannot_tell,faded}'), ('swing-share', '{faded,faded,faded}')$$, 'and what fades fades');
CREATE TEMP VIEW four_groups AS
SELECT w.days, (d.e).estimate AS difference, (d.e).se, (d.e).df, d.early_before, d.late_before
FROM (VALUES (90, '2023-01-11'::timestamptz, '2023-02-10'::timestamptz, '2023-03-12'::timestamptz, '2023-04-11'::timestamptz), (365, '2023-01-11', '2023-02-10', '2023-12-12', '2024-01-11')) AS w (days, early_from, early_to, late_from, late_to)
-- the last days of the year after lie in what is left out, or after it, a year earlier; so two
CROSS JOIN LATERAL (SELECT interval '1 year' * CASE w.days WHEN 365 THEN 2 ELSE 1 END) AS y (back)
CROSS JOIN LATERAL (
	SELECT athar.difference_in_differences(v.value, NULL, g.is_late, g.is_after) AS e,
		avg(v.value) FILTER (WHERE NOT g.is_late AND NOT g.is_after) AS early_before, avg(v.value) FILTER (WHERE g.is_late AND NOT g.is_after) AS late_before
	FROM swing AS v
	JOIN (VALUES (false, true, w.early_from, w.early_to), (true, true, w.late_from, w.late_to),
		(false, false, w.early_from - interval '1 year', w.early_to - interval '1 year'), (true, false, w.late_from - y.back, w.late_to - y.back)) AS g (is_late, is_after, starts_at, ends_at)
		ON v.at >= g.starts_at AND v.at < g.ends_at
	WHERE v.service = 'fades') AS d;
SELECT results_eq(
	$$SELECT days, round(difference::numeric, 9), round(ci_low::numeric, 9), round(ci_high::numeric, 9), round(before_mean::numeric, 9), round(late_before_mean::numeric, 9)
	FROM athar.sustained_effect('swing', 'fades', '2023-01-01', washout => '10 days', season_matched => true) WHERE days IN (90, 365) ORDER BY 1$$,
	$$SELECT days, round(difference::numeric, 9), round((difference - se * athar.student_t_quantile(1 - 0.05 / 4 / 2, df))::numeric, 9), round((difference + se * athar.student_t_quantile(1 - 0.05 / 4 / 2, df))::numeric, 9),
		round(early_before::numeric, 9), round(late_before::numeric, 9) FROM four_groups ORDER BY 1$$,
	'four groups at once, each window with the same days the fewest years earlier');
SELECT results_eq($$SELECT round(difference::numeric, 9) = round((late_mean - early_mean)::numeric, 9), late_before_mean FROM athar.sustained_effect('swing', 'fades', '2023-01-01') WHERE days = 90$$,
	$$VALUES (true, NULL::double precision)$$, 'nothing of that unless asked for');
SELECT results_eq($$SELECT early_n, late_n, verdict FROM athar.sustained_effect('swing-month', 'lasts', '2022-01-01', season_matched => true) WHERE days = 365$$,
	$$VALUES (1::bigint, 1::bigint, 'cannot_tell')$$, 'months without one a year earlier are left out');

-- Kept with the plan.
SELECT athar.create_project('s', 'S', 'u', '{"title": "S", "items": [
	{"id": "S1", "title": "One", "service": "lasts", "status": "live", "live_on": "2023-01-01", "kpis": [{"kpi": "swing", "season_matched": true}]}]}', 'start');
SELECT athar.measure_effects('s');
SELECT results_eq(
	$$SELECT c.days, c.verdict, c.before_mean, c.late_before_mean, c.difference FROM athar.sustained_effects AS c WHERE c.project = 's' ORDER BY 1$$,
	$$SELECT days, verdict, before_mean, late_before_mean, difference FROM athar.sustained_effect('swing', 'lasts', '2023-01-01', season_matched => true) ORDER BY 1$$,
	'a plan that matches seasons has checks that do');
SELECT athar.create_project('p', 'P', 'u', '{"title": "P", "items": [
	{"id": "A1", "title": "One", "service": "fades", "status": "live", "live_on": "2023-01-01", "kpis": [{"kpi": "score"}]},
	{"id": "A2", "title": "Two", "service": "lasts", "status": "live", "live_on": "2023-01-01", "kpis": [{"kpi": "score"}]}]}', 'start');
SELECT athar.measure_effects('p');
SELECT results_eq(
	$$SELECT action, kpi, service, days, verdict, faded_on FROM athar.sustained_effects WHERE project = 'p' AND days IN (30, 365) ORDER BY 1, 4$$,
	$$VALUES ('A1', 'score', 'fades', 30, 'sustained', NULL::date), ('A1', 'score', 'fades', 365, 'faded', '2023-04-01'), ('A2', 'score', 'lasts', 30, 'sustained', NULL), ('A2', 'score', 'lasts', 365, 'sustained', NULL)$$,
	'a row for each effect and day');
SELECT results_eq($$SELECT action, verdict, sustained_verdict, sustained_checked_on, faded_on FROM athar.before_after_report WHERE project = 'p' ORDER BY 1$$,
	$$VALUES ('A1', 'improved', 'faded', '2024-01-01'::date, '2023-04-01'::date), ('A2', 'improved', 'sustained', '2024-01-01', NULL)$$, 'the report has the last of them');
DELETE FROM athar.observation WHERE service_id = athar.service_id('lasts') AND observed_at >= '2023-09-01';
SELECT athar.measure_due_effects();
SELECT is((SELECT verdict FROM athar.sustained_effects WHERE action = 'A2' AND days = 365), 'sustained', 'what a check said stands');
SELECT athar.measure_effects('p');
SELECT results_eq($$SELECT c.verdict FROM athar.effect_check AS c JOIN athar.effect AS e ON e.id = c.effect_id JOIN athar.action AS a ON a.id = e.action_id WHERE a.item_id = 'A2' AND c.days = 365 ORDER BY c.id$$,
	$$VALUES ('sustained'), ('cannot_tell')$$, 'until somebody asks again, which is a new row');

SELECT * FROM finish();
ROLLBACK;
