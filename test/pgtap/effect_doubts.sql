-- effect_doubts: what an effect says of its own figures: points that follow one
-- another, figures too large, the interval of what changed like for like
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT no_plan();
SET LOCAL TimeZone = 'UTC';
SELECT setseed(0.3);

SELECT athar.define_unit('u', 'Unit');
SELECT athar.define_service(s.code, s.code, 'u') FROM (VALUES ('own'), ('few'), ('calm'), ('c1'), ('c2'), ('c3'), ('huge'), ('tiny'), ('far')) AS s (code);
SELECT athar.define_channel(c.code, c.code) FROM (VALUES ('web'), ('desk')) AS c (code);
SELECT athar.define_kpi(k.code, k.code, 'points', k.direction, desired_value => CASE k.direction WHEN 'target' THEN 0 END)
FROM (VALUES ('up', 'up'), ('down', 'down'), ('near', 'target'), ('days', 'down'), ('visits', 'down')) AS k (code, direction);
SELECT athar.define_kpi('share', 'Share', 'share', 'up', kind => 'ratio');

-- Points that follow one another --------------------------------------------------
-- the rule by hand: residuals around each side's own mean, neighbours within a side alone
CREATE FUNCTION pg_temp.by_hand(before double precision[], after double precision[]) RETURNS boolean LANGUAGE SQL AS $$
	WITH point AS (
		SELECT is_after, place, value - avg(value) OVER (PARTITION BY is_after) AS residual
		FROM (SELECT false, * FROM unnest(before) WITH ORDINALITY AS b UNION ALL SELECT true, * FROM unnest(after) WITH ORDINALITY AS a) AS p (is_after, value, place)
	), r AS (
		SELECT sum(residual * last) * count(*) / (count(last) + 1) / sum(residual * residual) AS r, count(*) AS n
		FROM (SELECT residual, lag(residual) OVER (PARTITION BY is_after ORDER BY place) AS last FROM point) AS p
	)
	SELECT r + (2 + 4 * r) / n > 1.645 / sqrt(n) FROM r
$$;
CREATE TEMP TABLE series AS
SELECT s.n, s.rho, s.points, (SELECT array_agg(random() + s.rho * 2 * sin(i / 2.0)) FROM generate_series(1, s.points + 0 * s.n) AS i) AS before,
	(SELECT array_agg(5 + random() + s.rho * 2 * sin(i / 2.0)) FROM generate_series(1, s.points + 2 + 0 * s.n) AS i) AS after
FROM (SELECT n, (n % 10) / 20.0 AS rho, 8 + n % 30 AS points FROM generate_series(1, 200) AS n) AS s;
SELECT is_empty('SELECT * FROM series WHERE athar.is_autocorrelated(before, after) IS DISTINCT FROM pg_temp.by_hand(before, after)', 'two hundred series: the rule as it is written');
SELECT ok(count(*) FILTER (WHERE athar.is_autocorrelated(before, after)) BETWEEN 20 AND 180, 'some of them are') FROM series;
SELECT results_eq(
	$$SELECT c.note, athar.is_autocorrelated(c.before, c.after) FROM (VALUES
		(1, 'seven points', '{1,2,3,4,5,6,7}'::double precision[], '{1,2,3,4,5,6,7,8,9}'::double precision[]), (2, 'eight', '{1,2,3,4,5,6,7,8}', '{1,2,3,4,5,6,7,8}'),
		(3, 'a jump at the change', '{0,1,0,0,1,1,0,1}', '{100,101,101,100,100,101,100,100}'), (4, 'ups and downs', '{0,1,0,1,0,1,0,1}', '{0,1,0,1,0,1,0,1}'),
		(5, 'nothing varies', '{3,3,3,3,3,3,3,3}', '{4,4,4,4,4,4,4,4}'), (6, 'no side', NULL, '{1,2,3,4,5,6,7,8}'), (7, 'nothing', NULL, NULL)) AS c (ordinal, note, before, after) ORDER BY ordinal$$,
	$$VALUES ('seven points', NULL::boolean), ('eight', true), ('a jump at the change', false), ('ups and downs', false), ('nothing varies', false), ('no side', NULL), ('nothing', NULL)$$,
	'a change of level is no following, and of fewer than eight points a side nobody can tell');
SELECT is_empty($$SELECT s.n, c.scale FROM series AS s, (VALUES (1e300), (1e-300), (1e12)) AS c (scale)
	WHERE athar.is_autocorrelated(ARRAY(SELECT v * c.scale FROM unnest(s.before) AS v), ARRAY(SELECT v * c.scale FROM unnest(s.after) AS v)) <> athar.is_autocorrelated(s.before, s.after)$$,
	'whatever the scale');

SELECT athar.report_measurement('up', daterange(m.day::date, (m.day + interval '1 month')::date), athar.summary_of(ARRAY[v.value], '{1}'), v.service, basis => 'month')
FROM generate_series('2020-01-01'::timestamp, '2021-12-01', '1 month') WITH ORDINALITY AS m (day, n)
CROSS JOIN LATERAL (VALUES ('own', sin(m.n / 2.0)), ('calm', (m.n * m.n % 7)::double precision), ('c1', 1)) AS v (service, value);
SELECT results_eq(
	$$SELECT c.service, c.span, e.flags && '{autocorrelated}', e.flags && '{autocorrelation_unknown}'
	FROM (VALUES ('own', '1 year'), ('calm', '1 year'), ('calm', '8 months'), ('calm', '7 months'), ('c1', '7 months'), ('few', '1 year')) AS c (service, span)
	CROSS JOIN LATERAL athar.measure_effect('up', c.service, '2021-01-01', c.span::interval, controls => '{}') AS e ORDER BY 1, 2$$,
	$$VALUES ('c1', '7 months', false, false), ('calm', '1 year', false, false), ('calm', '7 months', false, true), ('calm', '8 months', false, false), ('few', '1 year', false, false), ('own', '1 year', true, false)$$,
	'by period: a flag, or that it cannot be told; neither where there is no interval to doubt');
-- single values are judged by their days
SELECT athar.record_observation('days', 50 + v.day % 2 + v.n % 3 - CASE WHEN v.day > 0 THEN 5 ELSE 0 END, '2024-06-01 08:00+00'::timestamptz + v.day * interval '1 day' + v.n * interval '1 minute', v.service)
FROM (SELECT 'few' AS service, d AS day, n FROM generate_series(-7, 6) AS d, generate_series(1, 200) AS n
	UNION ALL SELECT 'calm', d, n FROM generate_series(-8, 7) AS d, generate_series(1, 20) AS n
	UNION ALL SELECT 'own', d, n * 2 FROM generate_series(-30, 29) AS d, generate_series(1, (15 + 10 * sin(d / 3.0))::integer) AS n) AS v;
SELECT athar.record_observation('days', 50 + 3 * sin(d / 3.0), '2024-06-01 20:00+00'::timestamptz + d * interval '1 day', 'own') FROM generate_series(-30, 29) AS d, generate_series(1, 20);
SELECT results_eq(
	$$SELECT c.service, e.before_n > 100, e.flags && '{autocorrelated}', e.flags && '{autocorrelation_unknown}'
	FROM (VALUES ('few'), ('calm'), ('own')) AS c (service) CROSS JOIN LATERAL athar.measure_effect('days', c.service, '2024-06-01', '30 days', controls => '{}') AS e ORDER BY 1$$,
	$$VALUES ('calm', true, false, false), ('few', true, false, true), ('own', true, true, false)$$,
	'a thousand values of seven days tell nothing about days');
SELECT matches(athar.describe_effect('days', 'few', '2024-06-01', '30 days', controls => '{}'), 'Doubts: .*too few points to tell whether the figures follow one another', 'said in words');
SELECT matches(athar.describe_effect('days', 'few', '2024-06-01', '30 days', controls => '{}', lang => 'ar'), 'مواضع الشك: .*القيم المتتالية مترابطة', 'in both languages');

-- Figures too large, and too small --------------------------------------------------
SELECT throws_ok(format($$SELECT athar.report_measurement('up', '[2020-01-01,2020-02-01)', %s, 'huge')$$, f.summary), '22003', 'summary of KPI "up" is out of range', f.summary)
FROM (VALUES ($$athar.summary_of('{1e308}', '{1}')$$), ($$athar.summary_of('{-1e308,1e308}', '{1,1}')$$), ($$athar.summary_of_moments(10, -1.1e150, 1)$$)) AS f (summary);
SELECT throws_ok($$SELECT athar.report_measurement('up', '[2020-01-01,2020-02-01)', athar.summary_of('{1,NaN}', '{1,1}'), 'huge')$$, '22003', NULL, 'NaN is refused where it comes in');
SELECT throws_ok($$SELECT athar.record_observation('up', 'Infinity', '2020-01-01', 'huge')$$, '22003', NULL, 'infinity as well');
SELECT athar.report_measurement(k.kpi, daterange(m.day::date, (m.day + interval '1 month')::date),
	athar.summary_of(ARRAY[CASE v.service WHEN 'far' THEN v.scale * (m.n % 3 - 1) ELSE v.scale * (CASE WHEN m.n > 12 THEN 1 ELSE -1 END + m.n % 3 / 10.0) / 1.2 END], '{1}'), v.service, c.channel, basis => 'month')
FROM generate_series('2020-01-01'::timestamp, '2021-12-01', '1 month') WITH ORDINALITY AS m (day, n)
CROSS JOIN (VALUES ('huge', 1e150::double precision), ('tiny', 1e-320), ('far', 1e150)) AS v (service, scale)
CROSS JOIN (VALUES ('up'), ('down'), ('near')) AS k (kpi)
CROSS JOIN (VALUES ('web'), ('desk')) AS c (channel);
SELECT results_eq(
	$$SELECT k.kpi, s.service, e.verdict, num_nulls(e.difference, e.ci_low, e.ci_high, e.p_value, e.matched_difference, e.did_estimate)
	FROM (VALUES ('up'), ('down'), ('near')) AS k (kpi), (VALUES ('huge'), ('tiny'), ('far')) AS s (service)
	CROSS JOIN LATERAL athar.measure_effect(k.kpi, s.service, '2021-01-01', '1 year', controls => '{huge,tiny,far}') AS e ORDER BY 1, 2$$,
	$$VALUES ('down', 'far', 'no_clear_change', 0), ('down', 'huge', 'worsened', 0), ('down', 'tiny', 'worsened', 0), ('near', 'far', 'no_clear_change', 0), ('near', 'huge', 'worsened', 0), ('near', 'tiny', 'worsened', 0),
		('up', 'far', 'no_clear_change', 0), ('up', 'huge', 'improved', 0), ('up', 'tiny', 'improved', 0)$$,
	'the largest figures there can be, and the smallest');
SELECT athar.report_measurement('share', daterange(m.day::date, (m.day + interval '1 month')::date), NULL, 'huge', c.channel, basis => 'month', numerator => 4e149, denominator => 1e-150 * (1 + m.n % 3))
FROM generate_series('2020-01-01'::timestamp, '2021-12-01', '1 month') WITH ORDINALITY AS m (day, n), (VALUES ('web'), ('desk')) AS c (channel);
SELECT is(verdict, 'no_clear_change', 'shares of 1e300') FROM athar.measure_effect('share', 'huge', '2021-01-01', '1 year');
SELECT lives_ok($$SELECT athar.sustained_effect(k.kpi, s.service, '2021-01-01', season_matched => m.is_matched) FROM (VALUES ('up'), ('near')) AS k (kpi), (VALUES ('huge'), ('far')) AS s (service), (VALUES (false), (true)) AS m (is_matched)$$, 'and whether they last');
-- what double precision cannot hold is no verdict
CREATE TEMP TABLE comparison AS
SELECT c.name, athar.compare(c.before, c.after) AS evidence
FROM (VALUES
	('beyond', athar.summary_of('{-1.7e308,-1.6e308}', '{2,3}'), athar.summary_of('{1.7e308,1.6e308}', '{2,3}')),
	('beyond and constant', athar.summary_of('{-1.7e308}', '{2}'), athar.summary_of('{1.7e308}', '{2}')),
	('interval beyond', athar.summary_of('{0,1.7e308}', '{1,1}'), athar.summary_of('{1,1.6e308}', '{1,1}')),
	('spread beyond', athar.summary_of('{-1.7e308,1.7e308}', '{1,1}'), athar.summary_of('{1,2}', '{1,1}')),
	('published without a spread', athar.summary_of_moments(100, 4, NULL), athar.summary_of_moments(100, 5, NULL)),
	('large', athar.summary_of('{1e299,1.1e299,1.2e299}', '{9,9,9}'), athar.summary_of('{2e299,2.1e299,2.2e299}', '{9,9,9}')),
	('smallest', athar.summary_of('{5e-324,1e-323,1.5e-323}', '{9,9,9}'), athar.summary_of('{2e-322,2.1e-322,2.2e-322}', '{9,9,9}'))) AS c (name, before, after);
SELECT results_eq(
	$$SELECT c.name, k.kpi, j.verdict, j.flags FROM comparison AS c, (VALUES ('up'), ('down'), ('near')) AS k (kpi)
	CROSS JOIN LATERAL athar.judge_difference(c.evidence, athar.kpi_id(k.kpi)) AS j ORDER BY 1, 2$$,
	$$SELECT v.name, k.kpi, CASE WHEN v.verdict <> '' THEN v.verdict WHEN k.kpi = 'up' THEN 'improved' ELSE 'worsened' END, v.flags FROM (VALUES
		('beyond', 'not_comparable', '{out_of_range}'::text[]), ('beyond and constant', 'not_comparable', '{no_variation,out_of_range}'),
		('interval beyond', 'not_comparable', '{base_near_zero,out_of_range}'), ('spread beyond', 'insufficient_data', '{spread_unknown}'), ('published without a spread', 'insufficient_data', '{spread_unknown}'),
		('large', '', '{}'), ('smallest', '', '{}')) AS v (name, verdict, flags), (VALUES ('up'), ('down'), ('near')) AS k (kpi) ORDER BY 1, 2$$,
	'a figure nobody can compute never worsens anything');
SELECT is_empty($$SELECT c.name, l.lang, s.sentence FROM comparison AS c, (VALUES ('en', 'Doubts: ', 'confidence interval from'), ('ar', 'مواضع الشك: ', '95 % من')) AS l (lang, doubt, interval)
	CROSS JOIN LATERAL (SELECT athar.describe(c.evidence, 'up', l.lang)) AS s (sentence)
	WHERE coalesce(position(l.doubt IN s.sentence) = 0 AND position(l.interval IN s.sentence) = 0, true)$$, 'no sentence without an interval or a doubt');
SELECT is(athar.describe(evidence, 'up'), 'We cannot tell whether up (points) changed: from 4 to 5, up 1 (25 %), no confidence interval; 100 values before, 100 after. Doubts: how far the values lie apart is not known, so there is no interval.',
	'a hundred values are not too few') FROM comparison WHERE name = 'published without a spread';

-- Like for like, with its interval ---------------------------------------------------
SELECT athar.report_measurement('share', daterange(d.day::date, (d.day + interval '1 month')::date), athar.summary_of('{0,1}', ARRAY[d.n - d.yes, d.yes]), 'own', d.channel, basis => 'month')
FROM (VALUES ('2024-01-01'::timestamp, 'web', 100, 90), ('2024-02-01', 'web', 120, 99), ('2024-03-01', 'web', 90, 80), ('2024-01-01', 'desk', 900, 400), ('2024-02-01', 'desk', 800, 420), ('2024-03-01', 'desk', 850, 400),
	('2024-04-01', 'web', 850, 800), ('2024-05-01', 'web', 970, 900), ('2024-04-01', 'desk', 350, 190), ('2024-05-01', 'desk', 250, 150)) AS d (day, channel, n, yes);
CREATE TEMP TABLE matched_by_hand AS
WITH cell AS (
	SELECT f.channel, f.period_start >= '2024-04-01' AS is_after, f.n, f.n * f.value AS yes FROM athar.measurements AS f WHERE f.kpi = 'share' AND f.service = 'own'
), total AS (
	SELECT channel, is_after, count(*) AS k, sum(n) AS n, sum(yes) / sum(n) AS share FROM cell GROUP BY 1, 2
), error AS (
	SELECT t.channel, t.is_after, t.k, t.n, t.share, t.n / sum(t.n) OVER (PARTITION BY t.is_after) AS weight,
		(SELECT sum((c.yes - t.share * c.n) ^ 2) FROM cell AS c WHERE (c.channel, c.is_after) = (t.channel, t.is_after)) / (t.n * t.n) * t.k / (t.k - 1) AS variance
	FROM total AS t
)
SELECT sum((a.weight + b.weight) / 2 * (a.share - b.share)) AS difference, sqrt(sum(((a.weight + b.weight) / 2) ^ 2 * (a.variance + b.variance))) AS se, min(least(a.k, b.k)) - 1 AS df
FROM error AS b JOIN error AS a ON a.channel = b.channel AND a.is_after WHERE NOT b.is_after;
SELECT results_eq(
	$$SELECT round(matched_difference::numeric, 9), round(matched_ci_low::numeric, 9), round(matched_ci_high::numeric, 9) FROM athar.measure_effect('share', 'own', '2024-04-01', '3 months', controls => '{}')$$,
	$$SELECT round(difference::numeric, 9), round((difference - se * athar.student_t_quantile(0.975, df))::numeric, 9), round((difference + se * athar.student_t_quantile(0.975, df))::numeric, 9) FROM matched_by_hand$$,
	'by period the interval is that of periods, not of cases');
SELECT results_eq(
	$$SELECT matched_difference IS NOT NULL, matched_ci_low FROM athar.measure_effect('share', 'own', '2024-04-01', '1 month', controls => '{}')$$,
	$$VALUES (true, NULL::double precision)$$, 'one period a side: no interval');
SELECT matches(athar.describe_effect('share', 'own', '2024-04-01', '3 months', controls => '{}'), ' Like for like: up 0\.0\d+, 95 % confidence interval from -?0\.\d+ to 0\.\d+; from another mix of channels: up 0\.\d+\.', 'a sentence has it');
SELECT matches(athar.describe_effect('share', 'own', '2024-04-01', '3 months', controls => '{}', lang => 'ar'), ' عند مقارنة المثل بالمثل: ارتفاع قدره 0\.0\d+، وفترة الثقة 95 % من ', 'in Arabic, too');
CREATE TEMP TABLE visit AS
SELECT '2024-05-01 12:00+00'::timestamptz + n * interval '3 hours' AS at, (ARRAY['web', 'desk', NULL])[1 + (n * n + n / 61) % 3] AS channel, 10 + (n * 7) % 13 - n / 200 AS minutes
FROM generate_series(0, 480) AS n;
SELECT athar.record_observation('down', v.minutes, v.at, 'own', v.channel) FROM visit AS v;
SELECT results_eq(
	$$SELECT round(matched_ci_low::numeric, 9), round(matched_ci_high::numeric, 9) FROM athar.measure_effect('down', 'own', '2024-06-01', '1 month', controls => '{}')$$,
	$$SELECT round((m.e).ci_low::numeric, 9), round((m.e).ci_high::numeric, 9) FROM (SELECT athar.compare_matched(athar.summary_of(ARRAY[v.minutes], '{1}'), v.channel, v.at >= '2024-06-01') FROM visit AS v WHERE v.at < '2024-07-01') AS m (e)$$,
	'of single values it is that of compare_matched()');

-- Attached tables ---------------------------------------------------------------------
CREATE TABLE visit_log (service text, channel text, at timestamptz, minutes double precision);
CREATE INDEX ON visit_log (service, at);
INSERT INTO visit_log SELECT 'own', v.channel, v.at, v.minutes FROM visit AS v;
SELECT athar.attach_source('visits', 'visit_log', 'minutes', 'at', 'service', 'channel');
CREATE TEMP VIEW attached AS
SELECT round(e.matched_difference::numeric, 9) AS matched, round(e.mix_difference::numeric, 9) AS mix, matched_ci_low < matched_difference AND matched_difference < matched_ci_high AS has_interval, flags
FROM athar.measure_effect('visits', 'own', '2024-06-01', '1 month', controls => '{}') AS e;
SELECT results_eq('SELECT matched, mix, has_interval FROM attached',
	$$SELECT round((m.e).matched_difference::numeric, 9), round((m.e).mix_difference::numeric, 9), true FROM (SELECT athar.compare_matched(athar.summary_of(ARRAY[v.minutes], '{1}'), v.channel, v.at >= '2024-06-01')
	FROM visit AS v WHERE v.at >= '2024-05-01' AND v.at < '2024-07-01') AS m (e)$$, 'the channels of an attached table');
CREATE TEMP TABLE unrefreshed AS SELECT * FROM attached;
SELECT is((athar.refresh_measurements(1000000)).remaining, 0::bigint, 'days are summarised');
SELECT results_eq('TABLE attached', 'TABLE unrefreshed', 'the same from summaries');

-- Controls -----------------------------------------------------------------------------
SELECT athar.define_kpi('level', 'Level', 'points', 'up');
SELECT athar.report_measurement('level', daterange(m.day::date, (m.day + interval '1 month')::date), athar.summary_of(ARRAY[random() + CASE WHEN m.n > 12 THEN s.change ELSE 0 END], '{1}'), s.service, basis => 'month')
FROM generate_series('2020-01-01'::timestamp, '2021-12-01', '1 month') WITH ORDINALITY AS m (day, n), (VALUES ('own', 3.0), ('c1', 1.0), ('c2', 1.4), ('c3', 0.7)) AS s (service, change);
SELECT results_eq(
	$$SELECT round(did_estimate::numeric, 9), round(did_ci_low::numeric, 9), round(did_ci_high::numeric, 9), round(did_p_value::numeric, 9), controls_used FROM athar.measure_effect('level', 'own', '2021-01-01', '1 year')$$,
	$$SELECT round((d.e).estimate::numeric, 9), round((d.e).ci_low::numeric, 9), round((d.e).ci_high::numeric, 9), round((d.e).p_value::numeric, 9), '{c1,c2,c3}'::text[]
	FROM (SELECT athar.difference_in_differences(f.value, f.service, f.service = 'own', f.period_start >= '2021-01-01') FROM athar.measurements AS f WHERE f.kpi = 'level') AS d (e)$$,
	'difference in differences, paired by service');

-- What was recorded beside what is compared -----------------------------------------------
SELECT ok(NOT flags && '{values_left_out}', 'nothing is left out') FROM athar.measure_effect('level', 'own', '2021-01-01', '1 year');
SELECT athar.record_observation('level', 3, '2022-01-01 00:00', 'own'), athar.record_observation('level', 3, '2021-06-01', 'c1');
SELECT ok(NOT flags && '{values_left_out}', 'values of other services or times are not missed') FROM athar.measure_effect('level', 'own', '2021-01-01', '1 year');
SELECT athar.record_observation('level', 3, '2021-12-31 23:59', 'own');
SELECT ok(flags @> '{by_period,values_left_out}', 'single values beside reported figures are told') FROM athar.measure_effect('level', 'own', '2021-01-01', '1 year');

-- Like seasons, in words ------------------------------------------------------------------
SELECT isnt(athar.describe_effect('level', 'own', '2021-01-01', '6 months', controls => '{}', season_matched => true), athar.describe_effect('level', 'own', '2021-01-01', '6 months', controls => '{}'), 'describe_effect() matches seasons, too');
SELECT is(athar.describe_effect('level', 'own', '2021-01-01', '6 months', '1 month', '{}', 'ar', true),
	athar.effect_sentence(jsonb_populate_record(NULL::athar.effect_measurement, to_jsonb(m)), athar.kpi_id('level'), 'ar'), 'as measure_effect() does')
FROM athar.measure_effect('level', 'own', '2021-01-01', '6 months', '1 month', '{}', true) AS m;

SELECT * FROM finish();
ROLLBACK;
