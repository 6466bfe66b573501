-- effect_channels: what changed within channels and what their mix changed;
-- like seasons; ratios
BEGIN;
SELECT plan(30);
SET LOCAL TimeZone = 'UTC';

SELECT athar.define_unit('tsa', 'Transportation Security Administration');
SELECT athar.define_service(s.code, s.code, 'tsa') FROM (VALUES ('contact'), ('email-only'), ('halves'), ('desk')) AS s (code);
SELECT athar.define_channel(c.code, c.code) FROM (VALUES ('email'), ('phone'), ('web')) AS c (code);
SELECT athar.define_kpi('trust', 'Trust', 'points', 'up', kind => 'likert', smallest_change => 0.05);

-- Trust of those who contacted the TSA contact centre: answers 1 to 5 in fiscal
-- quarters from January 2021 on, as published (GSA/HISP-CX-Data, a work of the
-- US Government, in the public domain).
CREATE TEMP TABLE survey (first_day date, channel text, answers bigint[]);
INSERT INTO survey VALUES
	('2021-01-01', 'phone', '{164,88,381,580,3760}'), ('2021-01-01', 'email', '{237,127,171,172,143}'),
	('2021-04-01', 'phone', '{261,140,627,958,6240}'), ('2021-04-01', 'email', '{277,173,213,170,161}'),
	('2021-07-01', 'phone', '{310,205,739,1175,6943}'), ('2021-07-01', 'email', '{89,70,65,56,50}'),
	('2021-10-01', 'phone', '{310,299,676,978,5919}'), ('2021-10-01', 'email', '{92,38,47,33,35}'),
	('2022-01-01', 'phone', '{428,377,653,1153,9631}'), ('2022-01-01', 'email', '{1161,696,1048,1066,1010}');
SELECT athar.report_measurement('trust', daterange(s.first_day, (s.first_day + interval '3 months')::date),
	athar.summary_of('{1,2,3,4,5}', s.answers), 'contact', s.channel, basis => 'quarter')
FROM survey AS s;

-- Both channels improve, and together they fall.
SELECT results_eq(
	$$SELECT before_n, round(before_mean::numeric, 4), after_n, round(after_mean::numeric, 4), verdict FROM athar.measure_effect('trust', 'contact', '2022-01-01', '3 months', controls => '{}')$$,
	$$VALUES (1::bigint, 4.3977, 1::bigint, 4.1177, 'insufficient_data')$$, 'pooled over channels trust falls');
SELECT results_eq(
	$$SELECT round(matched_difference::numeric, 4), round(mix_difference::numeric, 4), round(difference::numeric, 4) FROM athar.measure_effect('trust', 'contact', '2022-01-01', '3 months', controls => '{}')$$,
	$$VALUES (0.1744, -0.4543, -0.2800)$$, 'like for like it rises; the mix of channels did the rest');
SELECT results_eq(
	$$SELECT flags FROM athar.measure_effect('trust', 'contact', '2022-01-01', '3 months', controls => '{}')$$,
	$$VALUES ('{by_period,season_not_covered,mix_reverses}'::text[])$$, 'and the answer says that the two disagree');
SELECT results_eq(
	$$SELECT b.channel, round((athar.compare(athar.summary_of('{1,2,3,4,5}', b.answers), athar.summary_of('{1,2,3,4,5}', a.answers))).difference::numeric, 4)
	FROM survey AS b JOIN survey AS a ON a.channel = b.channel AND a.first_day = '2022-01-01' WHERE b.first_day = '2021-10-01' ORDER BY 1$$,
	$$VALUES ('email', 0.4994), ('phone', 0.1129)$$, 'as each channel shows alone');

-- Several periods: pooled over each side, weighted by Kitagawa's shares.
CREATE TEMP VIEW expected AS
WITH cell AS (
	SELECT s.channel, s.first_day >= '2021-10-01' AS is_after,
		sum(a.n) AS n, sum(a.n * a.score) / sum(a.n) AS mean
	FROM survey AS s, unnest(s.answers) WITH ORDINALITY AS a (n, score)
	GROUP BY 1, 2
), share AS (
	SELECT c.*, c.n / sum(c.n) OVER (PARTITION BY c.is_after) AS share FROM cell AS c
)
SELECT
	sum((b.share + a.share) / 2 * (a.mean - b.mean)) AS matched,
	sum((a.share - b.share) * (a.mean + b.mean) / 2) AS mix
FROM share AS b
JOIN share AS a ON a.channel = b.channel AND a.is_after
WHERE NOT b.is_after;
SELECT results_eq(
	$$SELECT before_n, after_n, round(matched_difference::numeric, 9), round(mix_difference::numeric, 9) FROM athar.measure_effect('trust', 'contact', '2021-10-01', '9 months', controls => '{}')$$,
	$$SELECT 3::bigint, 2::bigint, round(matched, 9), round(mix, 9) FROM expected$$, 'several periods are pooled, channel by channel');
SELECT athar.report_measurement('trust', daterange(s.first_day, (s.first_day + interval '3 months')::date),
	(SELECT athar.merge(athar.summary_of('{1,2,3,4,5}', t.answers)) FROM survey AS t WHERE t.first_day = s.first_day), 'contact', basis => 'quarter')
FROM (SELECT DISTINCT s.first_day FROM survey AS s) AS s;
SELECT results_eq(
	$$SELECT round(matched_difference::numeric, 9), round(mix_difference::numeric, 9) FROM athar.measure_effect('trust', 'contact', '2021-10-01', '9 months', controls => '{}')$$,
	$$SELECT round(matched, 9), round(mix, 9) FROM expected$$, 'a figure for all channels beside theirs changes nothing');

-- Where there is nothing to match.
SELECT athar.report_measurement('trust', daterange(s.first_day, (s.first_day + interval '3 months')::date),
	athar.summary_of('{1,2,3,4,5}', s.answers), 'email-only', s.channel, basis => 'quarter')
FROM survey AS s WHERE s.channel = 'email';
SELECT results_eq(
	$$SELECT round(difference::numeric, 4), matched_difference, mix_difference, 'mix_reverses' = ANY (flags) FROM athar.measure_effect('trust', 'email-only', '2022-01-01', '3 months', controls => '{}')$$,
	$$VALUES (0.4994, NULL::double precision, NULL::double precision, false)$$, 'a single channel has no mix');
SELECT athar.report_measurement('trust', daterange(s.first_day, (s.first_day + interval '3 months')::date),
	athar.summary_of('{1,2,3,4,5}', s.answers), 'desk', basis => 'quarter')
FROM survey AS s WHERE s.channel = 'phone';
SELECT results_eq(
	$$SELECT round(difference::numeric, 4), matched_difference, mix_difference FROM athar.measure_effect('trust', 'desk', '2022-01-01', '3 months', controls => '{}')$$,
	$$VALUES (0.1129, NULL::double precision, NULL::double precision)$$, 'an unknown one neither');
SELECT athar.report_measurement('trust', daterange(s.first_day, (s.first_day + interval '3 months')::date),
	athar.summary_of('{1,2,3,4,5}', s.answers), 'halves', s.channel, basis => 'quarter')
FROM survey AS s WHERE s.channel = 'phone' AND s.first_day < '2022-01-01' OR s.channel = 'email' AND s.first_day >= '2022-01-01';
SELECT results_eq(
	$$SELECT matched_difference, mix_difference, 'mix_reverses' = ANY (flags) FROM athar.measure_effect('trust', 'halves', '2022-01-01', '3 months', controls => '{}')$$,
	$$VALUES (NULL::double precision, NULL::double precision, false)$$, 'where no channel is on both sides nothing is like');

-- Ratios whose units cannot be counted have the mix of those that can.
SELECT athar.define_kpi(k.code, k.code, 'share', 'up', kind => 'ratio') FROM (VALUES ('counted'), ('weighed')) AS k (code);
SELECT
	athar.report_measurement('counted', daterange(d.first_day, (d.first_day + interval '1 month')::date), athar.summary_of('{0,1}', ARRAY[d.out, d.inside]), 'desk', d.channel, basis => 'month'),
	athar.report_measurement('weighed', daterange(d.first_day, (d.first_day + interval '1 month')::date), NULL, 'desk', d.channel, basis => 'month',
		numerator => d.inside * 0.001, denominator => (d.out + d.inside) * 0.001)
FROM (VALUES
	('2024-01-01'::date, 'web', 10, 90), ('2024-01-01', 'phone', 500, 400), ('2024-02-01', 'web', 12, 95), ('2024-02-01', 'phone', 480, 420),
	('2024-03-01', 'web', 150, 700), ('2024-03-01', 'phone', 200, 150), ('2024-04-01', 'web', 170, 800), ('2024-04-01', 'phone', 150, 100))
	AS d (first_day, channel, out, inside);
SELECT results_eq(
	$$SELECT round(difference::numeric, 9), round(matched_difference::numeric, 9), round(mix_difference::numeric, 9), flags FROM athar.measure_effect('weighed', 'desk', '2024-03-01', '2 months', controls => '{}')$$,
	$$SELECT round(difference::numeric, 9), round(matched_difference::numeric, 9), round(mix_difference::numeric, 9), flags FROM athar.measure_effect('counted', 'desk', '2024-03-01', '2 months', controls => '{}')$$,
	'numerator and denominator weigh as counts do');
SELECT ok(matched_difference < 0 AND mix_difference > 0 AND difference > 0 AND flags @> '{mix_reverses}', 'everything got worse, and the share rose')
FROM athar.measure_effect('weighed', 'desk', '2024-03-01', '2 months', controls => '{}');

-- Single values.
SELECT athar.define_kpi('minutes', 'Minutes', 'minutes', 'down');
SELECT athar.define_kpi('paid', 'Paid', 'USD', 'up', kind => 'sum');
CREATE TEMP TABLE visit AS
SELECT '2024-05-01 12:00+00'::timestamptz + n * interval '12 hours' AS at, (ARRAY['web', 'phone', NULL])[1 + (n * n + n / 61) % 3] AS channel, 10 + (n * 7) % 13 AS minutes
FROM generate_series(0, 121) AS n;
SELECT athar.record_observation('minutes', v.minutes, v.at, 'desk', v.channel), athar.record_observation('paid', v.minutes, v.at, 'desk', v.channel) FROM visit AS v;
SELECT results_eq(
	$$SELECT before_n + after_n, abs(matched_difference + mix_difference - difference) < 1e-12, mix_difference <> 0 FROM athar.measure_effect('minutes', 'desk', '2024-06-01', '1 month', controls => '{}')$$,
	$$VALUES (121::bigint, true, true)$$, 'the parts of single values add up to the difference, unknown channels included');
SELECT results_eq(
	$$SELECT round(matched_difference::numeric, 9) FROM athar.measure_effect('minutes', 'desk', '2024-06-01', '1 month', controls => '{}')$$,
	$$SELECT round((m.e).matched_difference::numeric, 9) FROM (SELECT athar.compare_matched(athar.summary_of(ARRAY[v.minutes], '{1}'), v.channel, v.at >= '2024-06-01') FROM visit AS v) AS m (e)$$,
	'and are those of the values themselves');
SELECT results_eq(
	$$SELECT matched_difference, mix_difference, difference IS NOT NULL FROM athar.measure_effect('paid', 'desk', '2024-06-01', '1 month', controls => '{}')$$,
	$$VALUES (NULL::double precision, NULL::double precision, true)$$, 'totals have no mix');

-- A ratio of single values: never an average of ratios.
SELECT athar.define_kpi('errors', 'Errors per case', 'share', 'down', kind => 'ratio');
CREATE TEMP TABLE batch AS
SELECT '2024-05-01 12:00+00'::timestamptz + n * interval '1 day' AS at, (n * 5) % 7 + CASE WHEN n < 31 THEN 2 ELSE 0 END AS errors, 10 + (n * n) % 90 AS cases
FROM generate_series(0, 60) AS n;
SELECT athar.record_observation('errors', b.errors, b.at, 'desk', denominator => b.cases) FROM batch AS b;
CREATE TEMP VIEW by_hand AS
WITH total AS (
	SELECT b.at >= '2024-06-01' AS is_after, sum(b.errors)::double precision / sum(b.cases) AS ratio, avg(b.cases)::double precision AS cases, count(*) AS n
	FROM batch AS b GROUP BY 1
)
SELECT t.is_after, t.n, t.ratio, sqrt(sum((b.errors - t.ratio * b.cases) ^ 2) / (t.n - 1) / t.n) / t.cases AS se
FROM total AS t JOIN batch AS b ON (b.at >= '2024-06-01') = t.is_after
GROUP BY t.is_after, t.n, t.ratio, t.cases;
SELECT results_eq(
	$$SELECT before_n, round(before_mean::numeric, 9), after_n, round(after_mean::numeric, 9) FROM athar.measure_effect('errors', 'desk', '2024-06-01', '1 month', controls => '{}')$$,
	$$SELECT b.n, round(b.ratio::numeric, 9), a.n, round(a.ratio::numeric, 9) FROM by_hand AS b, by_hand AS a WHERE NOT b.is_after AND a.is_after$$,
	'sum of numerators over sum of denominators');
SELECT results_eq(
	$$SELECT round(t::numeric, 8) FROM athar.measure_effect('errors', 'desk', '2024-06-01', '1 month', controls => '{}')$$,
	$$SELECT round(((a.ratio - b.ratio) / sqrt(a.se ^ 2 + b.se ^ 2))::numeric, 8) FROM by_hand AS b, by_hand AS a WHERE NOT b.is_after AND a.is_after$$,
	'with the standard error of a ratio');
SELECT results_eq(
	$$SELECT before_median, after_median FROM athar.measure_effect('errors', 'desk', '2024-06-01', '1 month', controls => '{}')$$,
	$$VALUES (NULL::double precision, NULL::double precision)$$, 'and no median, which a ratio has not');
SELECT athar.record_observation('errors', b.errors * 2, b.at, s.service, denominator => b.cases) FROM batch AS b, (VALUES ('halves'), ('contact')) AS s (service);
SELECT results_eq(
	$$SELECT controls_used, round(did_estimate::numeric, 9) FROM athar.measure_effect('errors', 'desk', '2024-06-01', '1 month', controls => '{halves}')$$,
	$$SELECT '{halves}'::text[], round((-(a.ratio - b.ratio))::numeric, 9) FROM by_hand AS b, by_hand AS a WHERE NOT b.is_after AND a.is_after$$,
	'controls are ratios, too');
SELECT athar.define_kpi('same', 'Solved at once', 'share', 'up', kind => 'ratio');
SELECT athar.record_observation('same', (b.errors % 2), b.at, 'desk') FROM batch AS b;
SELECT results_eq(
	$$SELECT round(t::numeric, 8), before_median FROM athar.measure_effect('same', 'desk', '2024-06-01', '1 month', controls => '{}')$$,
	$$SELECT round((e.x).t::numeric, 8), (e.x).before_median FROM (SELECT athar.before_after(b.errors % 2, b.at, '2024-06-01') FROM batch AS b) AS e (x)$$,
	'without denominators single values of a ratio are values');

-- Like seasons.
SELECT results_eq(
	$$SELECT c.note, w.* FROM (VALUES
		(1, 'a quarter', '2014-10-01'::timestamp, '2014-10-01'::timestamp, '3 months'::interval),
		(2, 'with a washout', '2014-10-01', '2015-01-01', '6 months'),
		(3, 'a year and no washout: the year before', '2014-10-01', '2014-10-01', '1 year'),
		(4, 'a year and a day left out: two years before', '2014-10-01', '2014-10-02', '1 year'),
		(5, 'two and a half years: three years before', '2014-10-01', '2014-10-01', '30 months'),
		(6, 'February of a leap year', '2024-02-01', '2024-02-01', '1 month')) AS c (ordinal, note, left_at, resumed_at, span)
	CROSS JOIN LATERAL athar.compared_windows(c.left_at, c.resumed_at, c.span, true) AS w ORDER BY c.ordinal$$,
	$$VALUES
		('a quarter', '2013-10-01'::timestamp, '2014-01-01'::timestamp, '2014-10-01'::timestamp, '2015-01-01'::timestamp),
		('with a washout', '2014-01-01', '2014-07-01', '2015-01-01', '2015-07-01'),
		('a year and no washout: the year before', '2013-10-01', '2014-10-01', '2014-10-01', '2015-10-01'),
		('a year and a day left out: two years before', '2012-10-02', '2013-10-02', '2014-10-02', '2015-10-02'),
		('two and a half years: three years before', '2011-10-01', '2014-04-01', '2014-10-01', '2017-04-01'),
		('February of a leap year', '2023-02-01', '2023-03-01', '2024-02-01', '2024-03-01')$$,
	'the same days of the calendar, as few years earlier as keep them before the cutover');
SELECT results_eq(
	$$SELECT before_n, round(before_mean::numeric, 4), round(after_mean::numeric, 4), flags FROM athar.measure_effect('trust', 'contact', '2022-01-01', '3 months', controls => '{}', season_matched => true)$$,
	$$SELECT 1::bigint, round(athar.mean(b.s)::numeric, 4), round(athar.mean(a.s)::numeric, 4), '{by_period,mix_reverses}'::text[]
	FROM (SELECT athar.merge(athar.summary_of('{1,2,3,4,5}', s.answers)) FROM survey AS s WHERE s.first_day = '2021-01-01') AS b (s),
		(SELECT athar.merge(athar.summary_of('{1,2,3,4,5}', s.answers)) FROM survey AS s WHERE s.first_day = '2022-01-01') AS a (s)$$,
	'January to March with January to March, channel by channel; the season is covered');
SELECT athar.define_kpi('queue', 'Queue', 'people', 'down');
SELECT athar.report_measurement('queue', daterange(m.day::date, (m.day + interval '1 month')::date),
	athar.summary_of(ARRAY[100 + 40 * sin(extract(month FROM m.day)::double precision / 6 * pi()) + m.ordinal % 3], '{1}'), 'desk', basis => 'month')
FROM generate_series('2020-01-01'::timestamp, '2023-12-01', '1 month') WITH ORDINALITY AS m (day, ordinal);
SELECT results_eq(
	$$SELECT s.matched, e.before_n, e.after_n, e.verdict, 'season_not_covered' = ANY (e.flags) FROM (VALUES (false), (true)) AS s (matched)
	CROSS JOIN LATERAL athar.measure_effect('queue', 'desk', '2022-07-01', '6 months', controls => '{}', season_matched => s.matched) AS e ORDER BY 1$$,
	$$VALUES (false, 6::bigint, 6::bigint, 'improved', true), (true, 6::bigint, 6::bigint, 'no_clear_change', false)$$,
	'a queue that is short every autumn is no success');
SELECT is(before_n, 4::bigint, 'a NULL does not match seasons')
FROM athar.measure_effect('queue', 'desk', '2022-07-01', '4 months', controls => '{}', season_matched => NULL)
WHERE flags @> '{season_not_covered}';
SELECT athar.define_kpi('calls', 'Calls', 'minutes', 'down');
SELECT athar.record_observation('calls', v.value, v.at::timestamptz, 'desk')
FROM (VALUES (1, '2023-02-01 00:00+00'), (2, '2023-02-28 23:59+00'), (50, '2023-03-01 00:00+00'), (50, '2023-01-31 23:59+00'), (50, '2023-12-31 12:00+00'),
	(7, '2024-02-01 00:00+00'), (9, '2024-02-29 12:00+00'), (50, '2024-03-01 00:00+00')) AS v (value, at);
SELECT results_eq(
	$$SELECT before_n, before_mean, after_n, after_mean FROM athar.measure_effect('calls', 'desk', '2024-01-01', '1 month', '1 month', season_matched => true)$$,
	$$VALUES (2::bigint, 1.5::double precision, 2::bigint, 8::double precision)$$, 'single values of February with those of the February before');
SELECT athar.create_project('before', 'Before', 'tsa', '{"title": "b", "items": [{"id": "A1", "title": "Signs", "service": "desk", "live_on": "2023-05-01"}]}', 'start');
SELECT results_eq(
	$$SELECT s.matched, 'overlapping_actions' = ANY (e.flags) FROM (VALUES (false), (true)) AS s (matched)
	CROSS JOIN LATERAL athar.measure_effect('calls', 'desk', '2024-01-01', '1 month', '1 month', season_matched => s.matched) AS e ORDER BY 1$$,
	$$VALUES (false, false), (true, true)$$, 'what went live between the seasons compared overlaps');
SELECT is(string_agg(v.path || ': ' || v.fault, ', '), '/items/A1/kpis/1: season_matched must be true or false', 'a plan asks for it by true or false')
FROM athar.validate_plan('{"title": "t", "items": [{"id": "A1", "title": "t", "kpis": [{"kpi": "calls", "season_matched": true}, {"kpi": "queue", "season_matched": "yes"}]}]}') AS v;
SELECT athar.create_project('seasons', 'Seasons', 'tsa', '{"title": "s", "items": [{"id": "A1", "title": "Reminders", "service": "desk", "live_on": "2022-07-01", "status": "live",
	"kpis": [{"kpi": "queue", "span": "6 months", "season_matched": true, "controls": []}]}]}', 'start');
SELECT is(athar.measure_effects('seasons'), 1, 'measured as the plan asks');
SELECT results_eq(
	$$SELECT m.is_season_matched, m.before_n, m.verdict FROM athar.effect_measurement AS m$$,
	$$VALUES (true, 6::bigint, 'no_clear_change')$$, 'and kept');

-- Days of observations are judged as periods are.
SELECT athar.define_kpi('drift', 'Drift', 'minutes', 'down');
SELECT athar.record_observation('drift', 100 - d.n, d.day, 'desk') FROM generate_series('2024-05-01 12:00+00'::timestamptz, '2024-06-30', '1 day') WITH ORDINALITY AS d (day, n);
SELECT ok(flags @> '{trend_before,autocorrelated}', 'what falls every day fell before')
FROM athar.measure_effect('drift', 'desk', '2024-06-01', '1 month', controls => '{}');
SELECT athar.define_kpi('calm', 'Calm', 'minutes', 'down');
SELECT athar.record_observation('calm', d.n * d.n % 7, d.day, 'desk') FROM generate_series('2024-05-01 12:00+00'::timestamptz, '2024-06-30', '1 day') WITH ORDINALITY AS d (day, n);
SELECT ok(NOT flags && '{trend_before,autocorrelated,autocorrelation_unknown}', 'what does not is not flagged')
FROM athar.measure_effect('calm', 'desk', '2024-06-01', '1 month', controls => '{}');

SELECT * FROM finish();
ROLLBACK;
