-- recomputed: what leaders read is what plain SQL makes of the raw rows
BEGIN;
SELECT plan(14);

CREATE FUNCTION pg_temp.differ(a double precision, b double precision) RETURNS boolean LANGUAGE SQL
RETURN CASE WHEN num_nulls(a, b) = 1 THEN true ELSE abs(a - b) > 1e-9 * greatest(abs(a), abs(b), 1) END;

SELECT athar.define_unit('u', 'Unit');
SELECT athar.define_service(s, s, 'u') FROM unnest('{s1,s2,s3,s4}'::text[]) AS s;
SELECT athar.define_channel(c, c) FROM unnest('{web,desk}'::text[]) AS c;
SELECT athar.define_kpi('mean', 'Mean', 'days', 'down', smallest_change => 1, time_zone => 'Asia/Riyadh'), athar.define_kpi('sum', 'Sum', 'cases', 'up', 'sum', time_zone => 'Asia/Riyadh'),
	athar.define_kpi('ratio', 'Ratio', 'share', 'up', 'ratio', time_zone => 'Asia/Riyadh'),
	athar.define_kpi('within', 'Within', 'share', 'up', 'share_within', time_limit => '10 s', time_zone => 'Asia/Riyadh'),
	athar.define_kpi('table', 'From a table', 'days', 'down', time_zone => 'Asia/Riyadh');
CREATE TEMP TABLE raw AS
SELECT k.kpi, s.service, nullif(s.channel, '') AS channel, '2025-01-01 00:00+03'::timestamptz + random() * interval '300 days' AS at, floor(random() * 21) AS value,
	CASE WHEN k.kpi = 'ratio' AND random() < 0.7 THEN 1 + floor(random() * 40) END AS denominator
FROM unnest('{mean,sum,ratio,within,table}'::text[]) AS k (kpi)
CROSS JOIN LATERAL (SELECT k.kpi, (ARRAY['s1', 's2', 's3'])[1 + floor(random() * 3)::integer], (ARRAY['web', 'desk', ''])[1 + floor(random() * 3)::integer]
	FROM generate_series(1, 700)) AS s (kpi, service, channel);
-- a change to be found
UPDATE raw SET value = value / 2 WHERE service = 's1' AND at >= '2025-06-01 00:00+03' AND kpi IN ('mean', 'table');
INSERT INTO athar.observations (kpi, value, observed_at, service, channel, denominator) SELECT kpi, value, at, service, channel, denominator FROM raw WHERE kpi <> 'table';
CREATE TABLE public.athar_test_cases AS SELECT service, channel, at, value FROM raw WHERE kpi = 'table';
CREATE INDEX ON public.athar_test_cases (service, at);
SELECT athar.attach_source('table', 'public.athar_test_cases', 'value', 'at', 'service', 'channel');
SELECT athar.refresh_measurements();

-- The scorecard.
CREATE FUNCTION pg_temp.wrong() RETURNS SETOF text LANGUAGE SQL
BEGIN ATOMIC
	WITH by_month AS (
		SELECT r.kpi, r.service, date_trunc('month', r.at AT TIME ZONE 'Asia/Riyadh')::date AS month,
			CASE r.kpi
				WHEN 'sum' THEN sum(r.value)
				WHEN 'ratio' THEN sum(r.value) / sum(coalesce(r.denominator, 1))
				WHEN 'within' THEN avg((r.value <= 10)::integer)
				ELSE avg(r.value)
			END AS value
		FROM raw AS r
		GROUP BY r.kpi, r.service, 3
	), newest AS (
		SELECT DISTINCT ON (m.kpi, m.service) m.kpi, m.service, m.month, m.value, lag(m.value) OVER (PARTITION BY m.kpi, m.service ORDER BY m.month) AS previous
		FROM by_month AS m
		ORDER BY m.kpi, m.service, m.month DESC
	)
	SELECT format('%s %s: %s %s, not %s %s', n.kpi, n.service, c.value, c.previous_value, n.value, n.previous)
	FROM newest AS n
	FULL JOIN athar.service_scorecard AS c ON c.kpi = n.kpi AND c.service = n.service
	WHERE c.period_start IS DISTINCT FROM n.month OR c.basis IS DISTINCT FROM 'month' OR pg_temp.differ(c.value, n.value) OR pg_temp.differ(c.previous_value, n.previous)
		OR pg_temp.differ(c.change, n.value - n.previous);
END;
SELECT is((SELECT count(*) FROM athar.service_scorecard), 15::bigint, 'the scorecard has every KPI of every service');
SELECT is_empty('SELECT pg_temp.wrong()', 'which is what the raw rows say');
DELETE FROM athar.observation AS o USING athar.kpi AS k WHERE k.id = o.kpi_id AND k.code IN ('mean', 'ratio') AND o.observed_at >= '2025-10-10 00:00+03';
DELETE FROM raw WHERE kpi IN ('mean', 'ratio') AND at >= '2025-10-10 00:00+03';
SELECT is_empty('SELECT pg_temp.wrong()', 'before days are summarised again as well');

-- The report: as many rows as actions and KPIs, whatever becomes of the plans.
SELECT athar.create_project('p' || n, 'Project', 'u', jsonb_build_object('title', 'Project', 'items', (
	SELECT jsonb_agg(jsonb_build_object('id', 'A' || i, 'title', 'Action', 'service', 's' || (1 + i % 3), 'live_on', date '2025-05-01' + 31 * (i % 3), 'status', (ARRAY['live', 'in_progress', 'planned', 'cancelled'])[1 + (i * n) % 4],
		'kpis', (SELECT coalesce(jsonb_agg(jsonb_build_object('kpi', k, 'span', '90 days', 'washout', '7 days', 'controls', '[]'::jsonb)), '[]')
			FROM (SELECT k FROM unnest('{mean,ratio,within,table}'::text[]) AS k WHERE random() < 0.6) AS named)))
	FROM generate_series(1, 8) AS i)), 'begin')
FROM generate_series(1, 3) AS n;
CREATE FUNCTION pg_temp.missing() RETURNS SETOF text LANGUAGE SQL
BEGIN ATOMIC
	SELECT format('%s %s %s', coalesce(w.project, r.project), coalesce(w.action, r.action), coalesce(w.kpi, r.kpi))
	FROM (
		SELECT p.code::text AS project, i.item ->> 'id' AS action, k.named ->> 'kpi' AS kpi
		FROM athar.project AS p
		CROSS JOIN LATERAL jsonb_array_elements(athar.get_plan(p.code) -> 'items') AS i (item)
		LEFT JOIN LATERAL jsonb_array_elements(i.item -> 'kpis') AS k (named) ON true) AS w
	FULL JOIN (SELECT b.project, b.action, b.kpi, count(*) AS n, min(b.state) AS state, min(b.reason) AS reason FROM athar.before_after_report AS b WHERE b.is_in_plan GROUP BY 1, 2, 3) AS r
		ON r.project = w.project AND r.action = w.action AND r.kpi IS NOT DISTINCT FROM w.kpi
	-- an action whose KPIs were all taken away is there with what was measured
	WHERE w.project IS NULL OR r.project IS NULL AND (w.kpi IS NOT NULL OR NOT EXISTS (SELECT FROM athar.before_after_report AS b WHERE b.project = w.project AND b.action = w.action))
		OR r.project IS NOT NULL AND (r.n <> 1 OR NOT coalesce(r.state IN ('measured', 'waiting', 'unmeasurable'), false) OR r.reason IS NULL);
END;
SELECT is_empty('SELECT pg_temp.missing()', 'the report has one row for each action and KPI, with its state and reason');
SELECT cmp_ok(athar.measure_effects(), '>', 0, 'effects are measured');
SELECT is_empty('SELECT pg_temp.missing()', 'and still has');
SELECT athar.save_plan('p1', athar.get_plan('p1') #- '{items,2}' #- '{items,3,kpis}', 1, 'less'),
	athar.save_plan('p2', jsonb_set(athar.get_plan('p2'), '{items,0,kpis}', '[{"kpi": "sum"}, {"kpi": "table"}]'), 1, 'others');
SELECT is_empty('SELECT pg_temp.missing()', 'after other plans, too');

-- Its figures: single values before and after; of a table its days.
CREATE TEMP TABLE recomputed AS
WITH design AS (
	SELECT DISTINCT b.kpi, b.service, b.live_on FROM athar.before_after_report AS b WHERE b.state = 'measured' AND b.is_in_plan AND b.kpi <> 'sum' AND b.project = 'p3'
), single AS (
	SELECT d.kpi, d.service, d.live_on, r.at AT TIME ZONE 'Asia/Riyadh' >= d.live_on AS is_after, (r.at AT TIME ZONE 'Asia/Riyadh')::date AS day,
		CASE r.kpi WHEN 'within' THEN (r.value <= 10)::integer ELSE r.value END AS value, coalesce(r.denominator, 1) AS denominator
	FROM design AS d
	JOIN raw AS r ON r.kpi = d.kpi AND r.service = d.service
		AND (r.at AT TIME ZONE 'Asia/Riyadh' >= d.live_on - 90 AND r.at AT TIME ZONE 'Asia/Riyadh' < d.live_on
			OR r.at AT TIME ZONE 'Asia/Riyadh' >= d.live_on + 7 AND r.at AT TIME ZONE 'Asia/Riyadh' < d.live_on + 97)
), point AS (
	SELECT kpi, service, live_on, is_after, value, denominator FROM single WHERE kpi <> 'table'
	UNION ALL
	SELECT kpi, service, live_on, is_after, avg(value), 1 FROM single WHERE kpi = 'table' GROUP BY kpi, service, live_on, is_after, day
), side AS (
	SELECT p.*, sum(value) OVER w / sum(denominator) OVER w AS mean, count(*) OVER w AS n, sum(denominator) OVER w AS weight
	FROM point AS p
	WINDOW w AS (PARTITION BY kpi, service, live_on, is_after)
), moments AS (
	SELECT kpi, service, live_on, is_after, min(mean) AS mean, min(n) AS n, min(n)::double precision / (min(n) - 1) * sum((value - mean * denominator) ^ 2) / min(weight) ^ 2 AS squared_error
	FROM side
	GROUP BY kpi, service, live_on, is_after
)
SELECT kpi, service, live_on, b.n AS before_n, b.mean AS before_mean, a.n AS after_n, a.mean AS after_mean, a.mean - b.mean AS difference,
	athar.student_t_quantile(0.975, (a.squared_error + b.squared_error) ^ 2 / (a.squared_error ^ 2 / (a.n - 1) + b.squared_error ^ 2 / (b.n - 1))) * sqrt(a.squared_error + b.squared_error) AS half
FROM (SELECT * FROM moments WHERE NOT is_after) AS b
JOIN (SELECT * FROM moments WHERE is_after) AS a USING (kpi, service, live_on);
SELECT cmp_ok(count(*), '>', 0::bigint, 'effects were recomputed') FROM recomputed;
SELECT is_empty($$
	SELECT r.project, r.action, r.kpi, r.before_n, c.before_n, r.before_mean, c.before_mean, r.after_n, c.after_n, r.after_mean, c.after_mean, r.ci_low, r.ci_high, c.half
	FROM athar.before_after_report AS r
	LEFT JOIN recomputed AS c USING (kpi, service, live_on)
	WHERE r.state = 'measured' AND r.is_in_plan AND r.kpi <> 'sum' AND r.project = 'p3'
		AND (c.kpi IS NULL OR r.before_n <> c.before_n OR r.after_n <> c.after_n OR pg_temp.differ(r.before_mean, c.before_mean) OR pg_temp.differ(r.after_mean, c.after_mean)
			OR pg_temp.differ(r.difference, c.difference) OR pg_temp.differ(r.ci_low, c.difference - c.half) OR pg_temp.differ(r.ci_high, c.difference + c.half))$$,
	'and the report has the same figures and intervals');
SELECT results_eq($$SELECT sum(effects_measured), sum(effects_improved), sum(effects_worsened) FROM athar.service_scorecard$$,
	$$SELECT count(*)::numeric, (count(*) FILTER (WHERE verdict = 'improved'))::numeric, (count(*) FILTER (WHERE verdict = 'worsened'))::numeric FROM athar.before_after_report
		WHERE verdict IN ('improved', 'worsened', 'no_clear_change')$$, 'the scorecard counts the effects that the report has');

-- One month, observed and reported: the same thing twice is not two things.
SELECT athar.record_observation('sum', 10, '2025-01-05 12:00+03', 's4', c) FROM unnest('{web,desk}'::text[]) AS c, generate_series(1, 40);
SELECT athar.report_measurement('sum', '[2025-01-01,2025-02-01)', athar.summary_of_moments(80, 10.5, NULL), 's4', basis => 'month');
SELECT is(value, 840::double precision, 'a month that was observed and reported counts once: what was reported') FROM athar.service_scorecard WHERE service = 's4' AND kpi = 'sum';
SELECT athar.record_observation('mean', CASE c WHEN 'web' THEN 5 ELSE 9 END + i % 3, '2025-01-05 12:00+03', 's4', c) FROM unnest('{web,desk}'::text[]) AS c, generate_series(1, 40) AS i;
SELECT athar.report_measurement('mean', '[2025-01-01,2025-02-01)', athar.summary_of_moments(40, 15, 1), 's4', 'web', basis => 'month');
SELECT results_eq($$SELECT lowest_channel, highest_channel, channels FROM athar.channel_consistency WHERE service = 's4' AND kpi = 'mean'$$, $$VALUES ('web', 'desk', 2::bigint)$$,
	'a channel that was observed and reported is one channel');

-- One channel counts, another gives numerator and denominator.
SELECT athar.report_measurement('ratio', '[2025-01-01,2025-04-01)', athar.summary_of('{0,1}', '{10,30}'), 's4', 'web', basis => 'quarter'),
	athar.report_measurement('ratio', '[2025-01-01,2025-04-01)', NULL, 's4', 'desk', basis => 'quarter', numerator => 10, denominator => 20);
SELECT is(value, 40 / 60::double precision, 'channels reported in two ways are one ratio') FROM athar.service_scorecard WHERE service = 's4' AND kpi = 'ratio';
SELECT is(after_mean, 40 / 60::double precision, 'in effects, too') FROM athar.measure_effect('ratio', 's4', '2025-01-01 00:00+03', '3 months', controls => '{}');

SELECT * FROM finish();
ROLLBACK;
