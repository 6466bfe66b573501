-- effect_partition: however values are stored, they have the same effect
BEGIN;
SELECT plan(12);
SET LOCAL TimeZone = 'UTC';
SELECT setseed(0.4);

SELECT athar.define_unit('u', 'Unit');
SELECT athar.define_service(s.code, s.code, 'u') FROM (VALUES ('own'), ('c1'), ('c2'), ('c3')) AS s (code);
SELECT athar.define_channel(c.code, c.code) FROM (VALUES ('web'), ('desk'), ('phone')) AS c (code);
-- five KPIs: answers, measures with many values, large offsets, shares, durations in a zone that changes its clock
CREATE TEMP TABLE kind (kpi text, kind text, zone text);
INSERT INTO kind VALUES ('answers', 'likert', 'UTC'), ('grams', 'mean', 'UTC'), ('offset', 'mean', 'Asia/Riyadh'), ('share', 'ratio', 'Europe/London'), ('in-time', 'share_within', 'America/New_York');
SELECT athar.define_kpi(k.kpi, k.kpi, 'unit', 'up', kind => k.kind, time_limit => CASE WHEN k.kind = 'share_within' THEN interval '2 hours' END, time_zone => k.zone)
FROM kind AS k;
CREATE TEMP TABLE raw AS
SELECT k.kpi, k.zone, s.service, (ARRAY['web', 'desk', 'phone', NULL])[1 + floor(random() * CASE WHEN s.service = 'own' THEN 4 ELSE 2 END)::integer] AS channel,
	'2024-01-01 00:00+00'::timestamptz + random() * interval '400 days' AS at,
	CASE k.kpi WHEN 'answers' THEN 1 + floor(random() * 5) WHEN 'grams' THEN random() * 100 WHEN 'offset' THEN 1e9 + floor(random() * 1000)
		WHEN 'share' THEN round(random()) ELSE floor(random() * 14400) END AS value
FROM kind AS k
CROSS JOIN (VALUES ('own', 3000), ('c1', 400), ('c2', 300), ('c3', 20)) AS s (service, n)
CROSS JOIN LATERAL generate_series(1, s.n) AS i;
INSERT INTO athar.observations (kpi, value, observed_at, service, channel) SELECT r.kpi, r.value, r.at, r.service, r.channel FROM raw AS r;

-- whole days, days cut by the window, windows within a day
CREATE TEMP TABLE design AS
SELECT row_number() OVER () AS design, k.kpi, k.zone, d.cutover AT TIME ZONE CASE WHEN d.is_local THEN k.zone ELSE 'UTC' END AS cutover, d.span, d.washout, d.is_matched
FROM kind AS k
CROSS JOIN (VALUES
	('2024-07-01 00:00'::timestamp, true, '180 days'::interval, '0'::interval, false), ('2024-07-01 13:37', false, '100 days', '12 hours', false),
	('2024-10-27 01:30', true, '5 hours', '0', false), ('2024-03-31 01:30', true, '36 hours', '90 minutes', false),
	('2025-01-01 00:00', true, '30 days', '0', true)) AS d (cutover, is_local, span, washout, is_matched);
CREATE TEMP VIEW measured AS
SELECT d.design, d.kpi, e.*
FROM design AS d
CROSS JOIN LATERAL athar.measure_effect(d.kpi, 'own', d.cutover, d.span, d.washout, season_matched => d.is_matched) AS e;

-- The values themselves, in the windows as their definition reads.
CREATE TEMP TABLE direct AS
WITH side AS (
	SELECT d.design, r.service, r.channel, r.at AT TIME ZONE d.zone >= w.after_from AS is_after,
		CASE WHEN d.kpi = 'in-time' THEN (r.value <= 7200)::integer ELSE r.value END AS value
	FROM design AS d
	CROSS JOIN LATERAL (SELECT d.cutover AT TIME ZONE d.zone AS cutover) AS l
	CROSS JOIN LATERAL athar.compared_windows(l.cutover, l.cutover + d.washout, d.span, d.is_matched) AS w
	JOIN raw AS r ON r.kpi = d.kpi
		AND (r.at AT TIME ZONE d.zone >= w.before_from AND r.at AT TIME ZONE d.zone < w.before_to
			OR r.at AT TIME ZONE d.zone >= w.after_from AND r.at AT TIME ZONE d.zone < w.after_to)
)
SELECT d.design, (e.e).*, (m.m).matched_difference, (m.m).mix_difference, m.channels,
	(SELECT avg(c.change) FROM (
		SELECT avg(s.value) FILTER (WHERE s.is_after) - avg(s.value) FILTER (WHERE NOT s.is_after) AS change
		FROM side AS s WHERE s.design = d.design AND s.service <> 'own' GROUP BY s.service) AS c) AS control_change
FROM design AS d
CROSS JOIN LATERAL (SELECT athar.compare(athar.summarize(s.value) FILTER (WHERE NOT s.is_after), athar.summarize(s.value) FILTER (WHERE s.is_after))
	FROM side AS s WHERE s.design = d.design AND s.service = 'own') AS e (e)
CROSS JOIN LATERAL (SELECT athar.compare_matched(athar.summary_of(ARRAY[s.value], '{1}'), s.channel, s.is_after), count(DISTINCT s.channel)
	FROM side AS s WHERE s.design = d.design AND s.service = 'own') AS m (m, channels);
CREATE TEMP VIEW difference AS
SELECT m.design, m.kpi
FROM measured AS m
JOIN direct AS d ON d.design = m.design
WHERE (m.before_n, m.after_n) <> (d.before_n, d.after_n)
	OR NOT athar.is_same_figure(m.before_mean, d.before_mean, NULL)
	OR NOT athar.is_same_figure(m.after_mean, d.after_mean, NULL)
	OR NOT athar.is_same_figure(m.before_sd, d.before_sd, NULL)
	OR NOT athar.is_same_figure(m.after_sd, d.after_sd, NULL)
	OR NOT athar.is_same_figure(m.ci_low, d.ci_low, d.before_mean)
	OR NOT athar.is_same_figure(m.difference, d.difference, d.before_mean)
	OR NOT athar.is_same_figure(m.matched_difference, CASE WHEN d.channels > 1 THEN d.matched_difference END, d.before_mean)
	OR NOT athar.is_same_figure(m.mix_difference, CASE WHEN d.channels > 1 THEN d.mix_difference END, d.before_mean)
	OR NOT athar.is_same_figure(m.did_estimate, d.difference - d.control_change, d.before_mean);

SELECT ok(count(*) = 25 AND bool_and(d.before_n + d.after_n > 0) AND max(d.before_n + d.after_n) > 2500 AND count(*) FILTER (WHERE d.channels > 1) > 15, 'the designs have something to compare')
FROM direct AS d;
SELECT is_empty('SELECT * FROM difference', 'no day is summarised yet: effects are those of the values');
CREATE TEMP TABLE unrefreshed AS SELECT * FROM measured;
SELECT ok((athar.refresh_measurements(3000)).remaining > 0, 'some days are summarised');
SELECT is_empty('SELECT * FROM difference', 'some days are: still the same');
DELETE FROM athar.observation AS o USING athar.kpi AS k WHERE k.id = o.kpi_id AND k.code = 'answers' AND o.observed_at > '2024-06-01' AND o.id % 2 = 0;
DELETE FROM athar.observation AS o WHERE o.observed_at > '2024-06-01' AND o.kpi_id <> athar.kpi_id('answers') AND o.id % 50 = 0;
SELECT isnt_empty('SELECT * FROM difference', 'values that were deleted are missed at once');
INSERT INTO athar.observations (kpi, value, observed_at, service, channel)
SELECT r.kpi, r.value, r.at, r.service, r.channel FROM raw AS r
EXCEPT ALL SELECT o.kpi, o.value, o.observed_at, o.service, o.channel FROM athar.observations AS o;
SELECT is_empty('SELECT * FROM difference', 'and found again when they come back');
SELECT is((athar.refresh_measurements(1000000)).remaining, 0::bigint, 'every day is summarised');
SELECT is_empty('SELECT * FROM difference', 'every day is: still the same');
SELECT results_eq('SELECT design, flags, verdict FROM measured ORDER BY design', 'SELECT design, flags, verdict FROM unrefreshed ORDER BY design', 'and so are flags and verdicts');

-- What is summarised is not read again value by value.
CREATE TEMP VIEW values_read AS
SELECT coalesce(sum(s.seq_tup_read + s.idx_tup_fetch), 0) AS n FROM pg_stat_xact_user_tables AS s WHERE s.relid = 'athar.observation'::regclass;
CREATE TEMP TABLE read_before AS SELECT * FROM values_read;
SELECT count(*) FROM kind AS k CROSS JOIN LATERAL athar.measure_effect(k.kpi, 'own', '2024-07-01 00:00'::timestamp AT TIME ZONE k.zone, '180 days') AS e;
SELECT results_eq('SELECT n FROM values_read', 'SELECT n FROM read_before', 'windows of whole days are read from summaries alone');

-- The same values reported by somebody else, as one figure per side and channel.
SELECT athar.define_kpi(k.kpi || '-reported', k.kpi, 'unit', 'up', kind => k.kind, time_limit => CASE WHEN k.kind = 'share_within' THEN interval '2 hours' END, time_zone => k.zone)
FROM kind AS k;
SELECT athar.report_measurement(r.kpi || '-reported', r.period, athar.summarize(CASE WHEN r.kpi = 'in-time' THEN (r.value <= 7200)::integer ELSE r.value END), 'own', r.channel, basis => 'side')
FROM (SELECT r.*, CASE WHEN at.day < '2024-07-01' THEN daterange('2024-01-03', '2024-07-01') ELSE daterange('2024-07-01', '2024-12-28') END AS period
	FROM raw AS r CROSS JOIN LATERAL (SELECT (r.at AT TIME ZONE r.zone)::date) AS at (day)
	WHERE r.service = 'own' AND r.channel IS NOT NULL AND at.day >= '2024-01-03' AND at.day < '2024-12-28') AS r
GROUP BY r.kpi, r.channel, r.period;
CREATE TEMP VIEW reported AS
SELECT k.kpi, e.* FROM kind AS k CROSS JOIN LATERAL athar.measure_effect(k.kpi || '-reported', 'own', '2024-07-01 00:00'::timestamp AT TIME ZONE k.zone, '180 days', controls => '{}') AS e;
CREATE TEMP VIEW known AS
SELECT r.kpi,
	athar.compare_matched(athar.summary_of(ARRAY[CASE WHEN r.kpi = 'in-time' THEN (r.value <= 7200)::integer ELSE r.value END], '{1}'), r.channel, at.day >= '2024-07-01') AS m
FROM raw AS r CROSS JOIN LATERAL (SELECT (r.at AT TIME ZONE r.zone)::date) AS at (day)
WHERE r.service = 'own' AND r.channel IS NOT NULL AND at.day >= '2024-01-03' AND at.day < '2024-12-28'
GROUP BY r.kpi;
SELECT is_empty(
	$$SELECT r.kpi FROM reported AS r JOIN known AS k ON k.kpi = r.kpi
	WHERE r.before_n <> 1 OR r.after_n <> 1
		OR NOT athar.is_same_figure(r.difference, (k.m).total_difference, r.before_mean)
		OR NOT athar.is_same_figure(r.matched_difference, (k.m).matched_difference, r.before_mean)
		OR NOT athar.is_same_figure(r.mix_difference, (k.m).mix_difference, r.before_mean)$$,
	'reported as one figure a side, channel by channel: the same difference and the same parts');

-- A day each: cut at random into parts, the channels' figures are the same.
SELECT athar.define_kpi('parts', 'Parts', 'unit', 'up', kind => 'likert');
SELECT athar.report_measurement('parts', daterange(p.first_day, p.next_day), athar.summarize(r.value), 'own', r.channel, basis => 'part')
FROM (SELECT c.day AS first_day, lead(c.day) OVER (ORDER BY c.day) AS next_day
	FROM (SELECT '2024-01-03'::date UNION SELECT '2024-07-01' UNION SELECT '2024-12-28' UNION SELECT '2024-01-03'::date + floor(random() * 359)::integer FROM generate_series(1, 40)) AS c (day)) AS p
JOIN raw AS r ON r.kpi = 'answers' AND r.service = 'own' AND r.channel IS NOT NULL AND r.at::date >= p.first_day AND r.at::date < p.next_day
GROUP BY p.first_day, p.next_day, r.channel;
SELECT results_eq(
	$$SELECT e.before_n > 5, round(e.matched_difference::numeric, 9), round(e.mix_difference::numeric, 9) FROM athar.measure_effect('parts', 'own', '2024-07-01', '180 days', controls => '{}') AS e$$,
	$$SELECT true, round((k.m).matched_difference::numeric, 9), round((k.m).mix_difference::numeric, 9) FROM known AS k WHERE k.kpi = 'answers'$$,
	'cut into random periods: the same parts');

SELECT * FROM finish();
ROLLBACK;
