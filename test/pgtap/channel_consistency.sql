-- channel_consistency: is a service the same whichever way it is reached
BEGIN;
SELECT plan(10);

SELECT athar.define_unit('u', 'Unit');
SELECT count(*) FROM athar.load_preset('a11', '{a11_satisfaction}');
\ir ../data/us_cx.sql
SELECT athar.define_channel(channel, channel) FROM (SELECT DISTINCT channel FROM us_cx WHERE channel IS NOT NULL) AS c;
SELECT athar.define_service(service, service, 'u') FROM (SELECT DISTINCT service FROM us_cx) AS s;
-- several surveys of one channel are one
SELECT count(athar.report_measurement('a11_satisfaction', daterange(q.first_day, (q.first_day + interval '3 months')::date), q.summary, q.service, q.channel, basis => 'quarter'))
FROM (
	SELECT u.service, u.channel, (make_date(u.fiscal_year - 1, 10, 1) + make_interval(months => 3 * (u.quarter - 1)))::date AS first_day,
		athar.merge(athar.summary_of('{1,2,3,4,5}', ARRAY(SELECT jsonb_array_elements_text(u.answers -> 'satisfaction')::bigint))) AS summary
	FROM us_cx AS u
	WHERE u.answers ? 'satisfaction'
	GROUP BY u.service, u.channel, u.fiscal_year, u.quarter) AS q
WHERE athar.n(q.summary) > 0;
CREATE TEMP TABLE found AS SELECT * FROM athar.channel_consistency;
SELECT results_eq('SELECT count(*), count(*) FILTER (WHERE gap >= 0.5) FROM found', 'VALUES (51::bigint, 33::bigint)', 'US: 33 of 51 service-quarters have a gap of half a point or more');
-- by R: t.test(rep(1:5, c(365,293,306,668,6683)), rep(1:5, c(89,44,32,29,51)))
SELECT results_eq($$SELECT lowest_channel, lowest_n, round(lowest_value::numeric, 2), highest_channel, highest_n, round(highest_value::numeric, 2), channels, pairs, verdict,
		abs(ci_low / 1.73776436365100 - 1) < 1e-9, abs(ci_high / 2.13461773410693 - 1) < 1e-9, abs(p_value / 3.5560337027548e-51 - 1) < 1e-6
	FROM found WHERE service = '20' AND period_start = '2021-10-01'$$,
	$$VALUES ('email', 245::bigint, 2.63, 'automated_phone', 8315::bigint, 4.56, 2::bigint, 1::bigint, 'inconsistent', true, true, true)$$, 'US: airport security by e-mail and by telephone, 2.63 and 4.56');
-- by R: t.test(..., conf.level = 1 - 0.05 / 3), three pairs of three channels
SELECT results_eq($$SELECT lowest_channel, highest_channel, channels, pairs, abs(ci_low / 1.09622696224645 - 1) < 1e-9, abs(ci_high / 1.20410297543279 - 1) < 1e-9
	FROM found WHERE service = '16' AND period_start = '2020-10-01'$$,
	$$VALUES ('computer', 'automated_phone', 3::bigint, 3::bigint, true, true)$$, 'US: of three channels the furthest apart, adjusted for three pairs');

-- Made ones.
SELECT athar.define_kpi('k', 'KPI', 'days', 'down', smallest_change => 1), athar.define_kpi('sum', 'Sum', 'cases', 'up', 'sum');
CREATE FUNCTION pg_temp.put(service text, channel text, n integer, mean double precision, sd double precision) RETURNS bigint LANGUAGE SQL
RETURN athar.report_measurement('k', '[2024-01-01,2025-01-01)', athar.summary_of_moments(n, mean, sd), service, channel);
SELECT athar.define_service(s, s, 'u') FROM unnest('{small,same,near,far,constant,unknown,seen}'::text[]) AS s;
SELECT pg_temp.put(s, c, n, mean, sd)
FROM (VALUES ('small', 'email', 29, 1, 1), ('small', 'phone', 500, 9, 1), ('same', 'email', 1000, 5, 1), ('same', 'phone', 1000, 5.2, 1), ('near', 'email', 30, 5, 3), ('near', 'phone', 30, 6, 3),
	('far', 'email', 100, 5, 1), ('far', 'phone', 100, 8, 1), ('constant', 'email', 100, 5, 0), ('constant', 'phone', 100, 8, 0), ('unknown', 'email', 100, 5, NULL), ('unknown', 'phone', 100, 8, 1)) AS f (s, c, n, mean, sd);
SELECT athar.report_measurement('sum', '[2024-01-01,2025-01-01)', athar.summary_of_moments(100, m, 1), 'far', c) FROM (VALUES ('email', 1), ('phone', 9)) AS f (c, m);
SELECT results_eq($$SELECT service, verdict FROM athar.channel_consistency WHERE kpi = 'k' ORDER BY service COLLATE "C"$$,
	$$VALUES ('constant', 'insufficient_data'), ('far', 'inconsistent'), ('near', 'no_clear_difference'), ('same', 'consistent'), ('unknown', 'insufficient_data')$$,
	'verdicts; 29 values are too few; certain and too small to matter is consistent');
SELECT is_empty($$SELECT FROM athar.channel_consistency WHERE kpi = 'sum'$$, 'totals of channels are not compared');
SELECT results_eq($$SELECT gap, ci_low, p_value FROM athar.channel_consistency WHERE service = 'constant'$$, $$VALUES (3::double precision, NULL::double precision, NULL::double precision)$$, 'nothing is NaN');
SELECT pg_temp.put('far', c, 100, 6, 1) FROM unnest('{mobile,paper}'::text[]) AS c;
SELECT results_eq($$SELECT channels, pairs, lowest_channel, highest_channel FROM athar.channel_consistency WHERE service = 'far'$$, $$VALUES (4::bigint, 6::bigint, 'email', 'phone')$$, 'four channels are six pairs');
SELECT athar.define_stage('far', 'g', 'Stage', 1);
SELECT athar.report_measurement('k', '[2024-01-01,2025-01-01)', athar.summary_of_moments(100, 99, 1), 'far', 'paper', 'g');
SELECT is((SELECT highest_channel FROM athar.channel_consistency WHERE service = 'far'), 'phone', 'a stage is not the whole journey');
SELECT athar.record_observation('k', 5 + i % 3 + CASE c WHEN 'phone' THEN 4 ELSE 0 END, '2024-03-01 12:00+00'::timestamptz + i % 20 * interval '1 day', 'seen', c)
FROM generate_series(1, 40) AS i, unnest('{email,phone}'::text[]) AS c;
SELECT results_eq($$SELECT basis, period_start, period_end, lowest_n, gap, verdict FROM athar.channel_consistency WHERE service = 'seen'$$,
	$$VALUES ('month', date '2024-03-01', date '2024-03-31', 40::bigint, 4::double precision, 'inconsistent')$$, 'observations by month');
SELECT is((SELECT count(*) FROM athar.channel_consistency WHERE service_name IS NULL OR kpi_name IS NULL), 0::bigint, 'names for people');

SELECT * FROM finish();
ROLLBACK;
