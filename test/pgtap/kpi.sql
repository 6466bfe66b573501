BEGIN;
SELECT plan(107);
SET LOCAL timezone = 'Pacific/Auckland';	-- no figure may depend on the session's zone

SELECT athar.define_unit('u', 'Unit');
SELECT athar.define_service('s' || i, 'Service', 'u') FROM generate_series(1, 3) AS i;
SELECT athar.define_channel('web', 'Web', true), athar.define_channel('desk', 'Desk');
SELECT athar.define_stage('s1', 'apply', 'Apply', 1);

--
-- Definitions
--
CREATE TEMP TABLE made (code text, id integer);
INSERT INTO made SELECT 'mean', athar.define_kpi('mean', 'Mean', 'days', 'down');
SELECT is((SELECT id FROM made), athar.kpi_id('mean'), 'define_kpi returns the id');
SELECT is(athar.kpi_id(NULL), NULL, 'kpi_id of NULL');
SELECT throws_ok($$SELECT athar.kpi_id('x')$$, '42704', 'KPI "x" does not exist');
SELECT results_eq($$SELECT kind, time_zone FROM athar.kpi WHERE code = 'mean'$$, $$VALUES ('mean', 'UTC')$$, 'a KPI is a mean and lives in UTC unless told otherwise');
SELECT athar.define_kpi('sum', 'Sum', 'visits', 'up', 'sum', time_zone => 'Asia/Riyadh');
SELECT athar.define_kpi('ratio', 'Ratio', 'share', 'up', 'ratio', time_zone => 'America/Havana');
SELECT athar.define_kpi('likert', 'Likert', 'points', 'up', 'likert', time_zone => 'Africa/Cairo');
SELECT athar.define_kpi('within', 'Within', 'share', 'up', 'share_within', time_limit => '10 seconds', time_zone => 'Pacific/Apia');
SET LOCAL athar.time_zone = 'Asia/Amman';
SELECT athar.define_kpi('local', 'Local', 'days', 'down', description => 'Days', name_ar => 'محلي');
SELECT is((SELECT time_zone FROM athar.kpi WHERE code = 'local'), 'Asia/Amman', 'the setting athar.time_zone is the default');
RESET athar.time_zone;
CREATE TEMP TABLE version AS SELECT ctid AS version FROM athar.kpi WHERE code = 'local';
SELECT athar.define_kpi('local', 'Local', 'days', 'down');
SELECT athar.define_kpi('local', 'Local', 'days', 'down', kind => NULL);
SELECT set_eq($$SELECT ctid AS version FROM athar.kpi WHERE code = 'local'$$, 'SELECT * FROM version', 'an identical definition writes nothing');
SELECT athar.define_kpi('local', 'Local time', 'hours', 'target', 'sum', desired_value => 5, time_zone => 'Asia/Riyadh');
SELECT results_eq($$SELECT name, name_ar, unit_of_measure, direction, kind, desired_value::double precision, time_zone, description FROM athar.kpi WHERE code = 'local'$$,
	$$VALUES ('Local time', 'محلي', 'hours', 'target', 'sum', 5::double precision, 'Asia/Riyadh', 'Days')$$, 'without figures everything can change, and what is not named stays');
SELECT athar.define_kpi('local', 'Local time', 'hours', 'target', 'sum');
SELECT is((SELECT desired_value::double precision FROM athar.kpi WHERE code = 'local'), 5::double precision, 'the desired value stays');
SELECT athar.define_kpi('local', 'Local time', 'hours', 'up', 'sum');
SELECT is((SELECT desired_value::double precision FROM athar.kpi WHERE code = 'local'), NULL, 'and goes with the direction');
SELECT throws_ok($$SELECT athar.define_kpi('x', 'X', '', 'up')$$, '22023', 'KPI "x" needs a unit of measure');
SELECT throws_ok($$SELECT athar.define_kpi('x', 'X', 'days', 'sideways')$$, '22023', 'KPI direction "sideways" is unknown');
SELECT throws_ok($$SELECT athar.define_kpi('x', 'X', 'days', 'up', 'median')$$, '22023', 'KPI kind "median" is unknown');
SELECT throws_ok($$SELECT athar.define_kpi('x', 'X', 'days', 'up', smallest_change => 'NaN')$$, '22003', 'smallest change NaN of KPI "x" is out of range');
SELECT throws_ok($$SELECT athar.define_kpi('x', 'X', 'days', 'target')$$, '22023', 'KPI "x" needs a desired value');
SELECT throws_ok($$SELECT athar.define_kpi('x', 'X', 'days', 'up', 'share_within')$$, '22023', 'KPI "x" needs a time limit');
SELECT throws_ok($$SELECT athar.define_kpi('x', 'X', 'days', 'up', time_zone => 'UTC+3')$$, '22023', 'time zone "UTC+3" is unknown');
SELECT throws_ok($$SET athar.time_zone = 'x'$$, '22023', 'invalid value for parameter "athar.time_zone": "x"');

--
-- A figure does not change its meaning
--
SELECT isnt(athar.record_observation('local', 1), NULL, 'record_observation returns an id');
SELECT is((SELECT observed_at FROM athar.observations WHERE kpi = 'local'), now(), 'observed now unless told otherwise');
SELECT throws_ok($$SELECT athar.define_kpi('local', 'Local time', 'hours', 'down', 'sum')$$, '55000', 'KPI "local" has figures, so its direction cannot change');
SELECT throws_ok($$SELECT athar.define_kpi('local', 'Local time', 'days', 'up', 'mean')$$, '55000', 'KPI "local" has figures, so its unit of measure, kind cannot change');
SELECT throws_ok($$SELECT athar.define_kpi('local', 'Local time', 'hours', 'up', 'sum', time_zone => 'UTC')$$, '55000', 'KPI "local" has figures, so its time zone cannot change');
SELECT lives_ok($$SELECT athar.define_kpi('local', 'Another name', 'hours', 'up', 'sum', smallest_change => 2)$$, 'its name and its smallest change can');
SELECT athar.define_kpi('reported', 'Reported', 'days', 'up');
SELECT athar.report_measurement('reported', '[2025-01-01,2025-02-01)', athar.summary_of('{1}', '{1}'));
SELECT throws_ok($$SELECT athar.define_kpi('reported', 'Reported', 'days', 'down')$$, '55000', 'KPI "reported" has figures, so its direction cannot change');

--
-- Days are days of the KPI's zone
--
CREATE FUNCTION pg_temp.days(kpi text) RETURNS TABLE (day date, n bigint) LANGUAGE sql AS
	'SELECT period_start, m.n FROM athar.measurements AS m WHERE m.kpi = days.kpi ORDER BY 1';
CREATE FUNCTION pg_temp.observe(kpi text, VARIADIC times text[]) RETURNS void LANGUAGE sql AS
	'SELECT athar.record_observation(kpi, 1, (t || ''+00'')::timestamptz) FROM unnest(times) AS t';
SELECT pg_temp.observe('mean', '2026-01-01 23:30');
SELECT pg_temp.observe('sum', '2026-01-01 20:59:59', '2026-01-01 21:00', '2026-01-01 23:30');
-- clocks go back from 1:00 to 0:00, so that midnight comes twice
SELECT pg_temp.observe('ratio', '2024-11-03 03:59:59', '2024-11-03 04:00', '2024-11-03 04:30', '2024-11-03 05:00', '2024-11-04 04:59:59', '2024-11-04 05:00');
-- clocks go forward at midnight, which does not come at all
SELECT pg_temp.observe('likert', '2024-04-25 21:59:59', '2024-04-25 22:00', '2024-04-26 20:59:59', '2024-04-26 21:00');
-- the 30th of December 2011 did not come at all
SELECT pg_temp.observe('within', '2011-12-30 09:59:59', '2011-12-30 10:00');
CREATE TEMP TABLE expected (kpi text, day date, n bigint);
INSERT INTO expected VALUES
	('mean', '2026-01-01', 1),
	('sum', '2026-01-01', 1), ('sum', '2026-01-02', 2),
	('ratio', '2024-11-02', 1), ('ratio', '2024-11-03', 4), ('ratio', '2024-11-04', 1),
	('likert', '2024-04-25', 1), ('likert', '2024-04-26', 2), ('likert', '2024-04-27', 1),
	('within', '2011-12-29', 1), ('within', '2011-12-31', 1);
SELECT results_eq(format('SELECT * FROM pg_temp.days(%L)', kpi), format('SELECT day, n FROM expected WHERE kpi = %L ORDER BY day', kpi),
	'days of ' || kpi || ' on the fly')
FROM (SELECT DISTINCT kpi FROM expected) AS k;
SELECT is((SELECT remaining FROM athar.refresh_measurements()), 0::bigint, 'all is refreshed');
SELECT is((SELECT count(*) FROM athar.dirty_bucket), 0::bigint, 'and the queue is empty');
SELECT results_eq(format('SELECT * FROM pg_temp.days(%L)', kpi), format('SELECT day, n FROM expected WHERE kpi = %L ORDER BY day', kpi),
	'days of ' || kpi || ' as stored')
FROM (SELECT DISTINCT kpi FROM expected) AS k;
DELETE FROM athar.observation;
SELECT is((SELECT count(*) FROM athar.measurements WHERE origin = 'observed'), 0::bigint, 'deleted observations leave no figures');
SELECT athar.refresh_measurements();
SELECT is((SELECT count(*) FROM athar.measurement WHERE origin = 'observed'), 0::bigint, 'nor rows');

--
-- Kinds
--
SELECT athar.record_observation('within', v, '2026-01-01', 's1') FROM unnest('{0,9.999,10,10.001}'::double precision[]) AS v;
SELECT athar.record_observation('sum', v, '2026-01-01', 's1') FROM unnest('{1.5,2.5}'::double precision[]) AS v;
SELECT athar.record_observation('likert', v, '2026-01-01', 's1') FROM unnest('{1,5,5}'::double precision[]) AS v;
SELECT athar.record_observation('ratio', 3, '2026-01-01', 's1', denominator => 4), athar.record_observation('ratio', 1, '2026-01-01', 's1', denominator => 16);
SELECT athar.record_observation('ratio', v, '2026-01-01', 's2') FROM unnest('{1,1,0,1}'::double precision[]) AS v;
CREATE TEMP TABLE kinds AS SELECT kpi, service, n, value, median FROM athar.measurements WHERE origin = 'observed';
SELECT set_eq('TABLE kinds', $$VALUES
	('within', 's1', 4::bigint, 0.75::double precision, 1::double precision),
	('sum', 's1', 2, 4, 2),
	('likert', 's1', 3, 11::double precision / 3, 5),
	('ratio', 's1', NULL, 0.2, NULL),
	('ratio', 's2', 4, 0.75, 1)$$, 'every kind has its figure: the limit is within, a ratio is no mean of ratios');
SELECT athar.refresh_measurements();
SELECT set_eq($$SELECT kpi, service, n, value, median FROM athar.measurements WHERE origin = 'observed'$$, 'TABLE kinds', 'and the refresh changes none');
SELECT is(athar.measurement_value('sum', athar.summary_of('{1,2}', '{3,4}'), NULL, NULL), 11::double precision, 'value of a sum');
SELECT is(athar.measurement_value('likert', athar.summary_of('{1,2}', '{1,3}'), NULL, NULL), 1.75::double precision, 'value of likert');
SELECT is(athar.measurement_value('ratio', athar.summary_of('{0,1}', '{1,3}'), NULL, NULL), 0.75::double precision, 'value of a ratio of counts');
SELECT is(athar.measurement_value('ratio', NULL, 3, 8), 0.375::double precision, 'value of a ratio');
SELECT is(athar.measurement_value('ratio', NULL, 1e300, 1e-300), NULL, 'no value out of range');
SELECT is(athar.measurement_value('ratio', NULL, 0, 1e300), 0::double precision, 'nothing is nothing');
SELECT is(athar.measurement_value('mean', NULL, NULL, NULL), NULL, 'no figure, no value');

--
-- Figures reported
--
CREATE TEMP TABLE report (id bigint);
INSERT INTO report SELECT athar.report_measurement('mean', '[2025-01-01,2025-04-01)', athar.summary_of('{1}', '{9}'), 's1', source => 'a');
CREATE TEMP TABLE stored AS SELECT m.ctid AS version FROM athar.measurement AS m JOIN report USING (id);
INSERT INTO report SELECT athar.report_measurement('mean', '[2025-01-01,2025-03-31]', athar.summary_of('{1}', '{9}'), 's1');
SELECT set_eq($$SELECT ctid AS version FROM athar.measurement WHERE id IN (SELECT id FROM report)$$, 'TABLE stored', 'the same report writes nothing');
INSERT INTO report SELECT athar.report_measurement('mean', '[2025-01-01,2025-04-01)', athar.summary_of('{2}', '{9}'), 's1', basis => ' ');
SELECT is((SELECT count(DISTINCT id) FROM report), 1::bigint, 'the same series and period is a correction');
SELECT results_eq($$SELECT value, source FROM athar.measurements WHERE kpi = 'mean' AND service = 's1' AND origin = 'reported'$$,
	$$VALUES (2::double precision, 'a')$$, 'which replaces the figure and keeps the source');
SELECT lives_ok($$SELECT athar.report_measurement('mean', '[2025-04-01,2025-07-01)', athar.summary_of('{1}', '{1}'), 's1')$$, 'the next period');
SELECT lives_ok($$SELECT athar.report_measurement('mean', '[2025-01-01,2026-01-01)', athar.summary_of('{1}', '{1}'), 's1', basis => 'year')$$, 'another basis may overlap');
SELECT lives_ok($$SELECT athar.report_measurement('mean', '[2025-02-01,2025-05-01)', athar.summary_of('{1}', '{1}'), 's2')$$, 'so may another service');
SELECT lives_ok($$SELECT athar.report_measurement('mean', '[2025-02-01,2025-05-01)', athar.summary_of('{1}', '{1}'), 's1', 'web')$$, 'another channel');
SELECT lives_ok($$SELECT athar.report_measurement('mean', '[2025-02-01,2025-05-01)', athar.summary_of('{1}', '{1}'), 's1', stage => 'apply')$$, 'another stage');
SELECT lives_ok($$SELECT athar.report_measurement('mean', '[2025-02-01,2025-05-01)', athar.summary_of('{1}', '{1}'))$$, 'the whole');
SELECT throws_ok($$SELECT athar.report_measurement('mean', '[2025-02-01,2025-05-01)', athar.summary_of('{1}', '{1}'), 's1')$$, '23P01');
SELECT throws_ok($$SELECT athar.report_measurement('mean', '[2024-01-01,2025-01-02)', athar.summary_of('{1}', '{1}'), 's1')$$, '23P01',
	'period [2024-01-01,2025-01-02) overlaps the reported period [2025-01-01,2025-04-01)');
SELECT throws_ok($$INSERT INTO athar.measurement (kpi_id, service_id, period, summary) VALUES (athar.kpi_id('mean'), athar.service_id('s1'), '[2025-02-01,2025-02-02)', athar.summary_of('{1}', '{1}'))$$,
	'23P01', NULL, 'and so does the table itself');
SELECT throws_ok($$SELECT athar.report_measurement('mean', 'empty', athar.summary_of('{1}', '{1}'))$$, '22023', 'a measurement of KPI "mean" needs a period');
SELECT throws_ok($$SELECT athar.report_measurement('mean', '(,2025-01-01)', athar.summary_of('{1}', '{1}'))$$, '22023', 'period (,2025-01-01) of KPI "mean" is not bounded');
SELECT throws_ok($$SELECT athar.report_measurement('mean', '[0001-12-31 BC,2025-01-01)', athar.summary_of('{1}', '{1}'))$$, '22023', 'period ["0001-12-31 BC",2025-01-01) of KPI "mean" is not of the years 1 to 9999');
SELECT throws_ok($$SELECT athar.report_measurement('mean', '[9999-01-01,9999-01-02)', athar.summary_of('{1}', '{1}'))$$, '22023', 'period [9999-01-01,9999-01-02) of KPI "mean" lies in the future');
SELECT throws_ok($$SELECT athar.report_measurement('mean', '[2020-01-01,2020-01-02)', NULL)$$, '22023', 'a measurement of KPI "mean" needs a figure');
SELECT throws_ok($$SELECT athar.report_measurement('mean', '[2020-01-01,2020-01-02)', athar.summary_of('{1}', '{0}'))$$, '22023', 'summary of KPI "mean" is empty');
SELECT throws_ok($$SELECT athar.report_measurement('ratio', '[2020-01-01,2020-01-02)', athar.summary_of('{0,2}', '{1,1}'))$$, '22023', 'summary of KPI "ratio" is not over zeros and ones');
SELECT throws_ok(format($$SELECT athar.report_measurement('ratio', '[2020-01-01,2020-01-02)', %s)$$, given), '22023', 'summary of KPI "ratio" is not over zeros and ones', 'an average of ratios is no ratio: ' || given)
FROM (VALUES ($$athar.summary_of('{0.5}', '{1}')$$), ($$athar.summary_of('{0,0.5,1}', '{10,1,10}')$$), ($$athar.summary_of('{0.2,1}', '{1,1}')$$)) AS g (given);
SELECT lives_ok(format($$SELECT athar.report_measurement('ratio', daterange('2019-01-01'::date + %s, '2019-01-02'::date + %s), %s)$$, n, n, given), given)
FROM (VALUES (1, $$athar.summary_of('{0}', '{7}')$$), (2, $$athar.summary_of('{1}', '{1}')$$), (3, $$athar.summary_of('{0,1}', '{123456789012,987654321098}')$$), (4, $$athar.summary_of('{0,1}', '{1,1000000007}')$$), (5, $$athar.summary_of_moments(50, 0.3, 0.2)$$)) AS g (n, given);
SELECT throws_ok($$SELECT athar.report_measurement('ratio', '[2020-01-01,2020-01-02)', NULL, numerator => 'Infinity', denominator => 1)$$, '22003', 'numerator Infinity of KPI "ratio" is out of range');
SELECT throws_ok($$SELECT athar.report_measurement('ratio', '[2020-01-01,2020-01-02)', NULL, numerator => 1, denominator => -1)$$, '22023', 'denominator -1 of KPI "ratio" is not above zero');

--
-- Observations that cannot be
--
SELECT throws_ok($$SELECT athar.record_observation('mean', 'NaN')$$, '22003', 'value NaN of KPI "mean" is out of range');
SELECT throws_ok($$INSERT INTO athar.observations (kpi, value) VALUES ('mean', 'Infinity')$$, '22003', 'value Infinity of KPI "mean" is out of range');
SELECT throws_ok($$SELECT athar.record_observation('mean', NULL)$$, '22023', 'an observation of KPI "mean" needs a value');
SELECT throws_ok($$SELECT athar.record_observation('mean', 1, '-infinity')$$, '22023', 'an observation of KPI "mean" needs a time of the years 1 to 9999');
SELECT throws_ok(format($$INSERT INTO athar.observations (kpi, value, observed_at) VALUES ('mean', 1, %L)$$, t), '22023', 'an observation of KPI "mean" needs a time of the years 1 to 9999')
FROM unnest('{4713-01-01 00:00:00+00 BC,0001-12-31 23:59:59+00 BC,10000-01-01 00:00:00+00,294276-12-31 00:00:00+00}'::text[]) AS t;
SAVEPOINT ends;
SELECT athar.define_kpi('ends', 'Ends of time', 'days', 'up', time_zone => 'Asia/Riyadh'), athar.define_kpi('start', 'Start of time', 'days', 'up', time_zone => 'America/New_York');
SELECT athar.record_observation('ends', 1, '9999-12-31 23:59:59+00'), athar.record_observation('start', 1, '0001-01-01 00:00:00+00');
SELECT is((SELECT count(*)::integer FROM athar.measurements WHERE kpi IN ('ends', 'start')), 2, 'days at both ends can be read');
SELECT athar.refresh_measurements();
SELECT is((SELECT count(*)::integer FROM athar.measurements WHERE kpi IN ('ends', 'start')), 2, 'and refreshed');
ROLLBACK TO SAVEPOINT ends;
SELECT throws_ok($$SELECT athar.record_observation('mean', 1, stage => 'apply')$$, '22023', 'stage "apply" is given without its service');
SELECT throws_ok($$SELECT athar.record_observation('mean', 1, channel => 'pigeon')$$, '42704', 'channel "pigeon" does not exist');
SELECT throws_ok($$SELECT athar.record_observation('mean', 1, denominator => 2)$$, '22023', 'KPI "mean" takes no denominator');
SELECT throws_ok($$UPDATE athar.observations SET value = 0$$, '0A000', 'observations cannot be changed or deleted through this view');
SELECT throws_ok($$DELETE FROM athar.observations$$, '0A000', 'observations cannot be changed or deleted through this view');

--
-- Whatever happens to observations, measurements are what a recomputation gives
--
DELETE FROM athar.observation;
SELECT athar.refresh_measurements();
CREATE TEMP VIEW recomputed AS
SELECT kpi, service, channel, stage, day, n, round(value::numeric, 9) AS value, minimum, maximum
FROM (
	SELECT k.code::text AS kpi, k.kind, o.service_id AS service, o.channel_id AS channel, o.stage_id AS stage,
		(o.observed_at AT TIME ZONE k.time_zone)::date AS day,
		CASE WHEN k.kind <> 'ratio' OR count(o.denominator) = 0 THEN count(*) END AS n,
		CASE k.kind
			WHEN 'sum' THEN sum(o.value)
			WHEN 'ratio' THEN sum(o.value) / sum(coalesce(o.denominator, 1))
			WHEN 'share_within' THEN avg((o.value <= 10)::integer)
			ELSE avg(o.value) END AS value,
		CASE WHEN k.kind <> 'ratio' OR count(o.denominator) = 0 THEN min(CASE k.kind WHEN 'share_within' THEN (o.value <= 10)::integer ELSE o.value END) END AS minimum,
		CASE WHEN k.kind <> 'ratio' OR count(o.denominator) = 0 THEN max(CASE k.kind WHEN 'share_within' THEN (o.value <= 10)::integer ELSE o.value END) END AS maximum
	FROM athar.observation AS o
	JOIN athar.kpi AS k ON k.id = o.kpi_id
	GROUP BY k.id, o.service_id, o.channel_id, o.stage_id, (o.observed_at AT TIME ZONE k.time_zone)::date
) AS f;
CREATE TEMP VIEW shown AS
SELECT r.kpi, r.service_id AS service, r.channel_id AS channel, r.stage_id AS stage, lower(r.period) AS day, athar.n(r.summary) AS n,
	round(athar.measurement_value(r.kind, r.summary, r.numerator, r.denominator)::numeric, 9) AS value,
	athar.minimum(r.summary) AS minimum, athar.maximum(r.summary) AS maximum
FROM athar.measurement_rows AS r WHERE r.origin = 'observed';
CREATE FUNCTION pg_temp.scatter(rows integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO athar.observation (kpi_id, service_id, channel_id, stage_id, value, denominator, observed_at)
	SELECT k.id, s.id, c.id, t.id, floor(random() * 80) / 4,
		CASE WHEN k.kind = 'ratio' AND random() < 0.5 THEN 1 + floor(random() * 8) END,
		timestamptz '2024-10-31 UTC' + floor(random() * 240) * interval '30 minutes'
	FROM generate_series(1, scatter.rows) AS i
	CROSS JOIN LATERAL (SELECT * FROM athar.kpi WHERE i > 0 AND code IN ('mean', 'sum', 'ratio', 'likert', 'within') ORDER BY random() LIMIT 1) AS k
	LEFT JOIN LATERAL (SELECT * FROM athar.service WHERE i > 0 AND random() < 0.8 ORDER BY random() LIMIT 1) AS s ON true
	LEFT JOIN LATERAL (SELECT * FROM athar.channel WHERE i > 0 AND random() < 0.6 ORDER BY random() LIMIT 1) AS c ON true
	LEFT JOIN athar.stage AS t ON t.service_id = s.id AND random() < 0.5 $$;
CREATE FUNCTION pg_temp.agrees(what text) RETURNS text LANGUAGE sql AS $$
	SELECT results_eq('SELECT * FROM shown ORDER BY 1, 2, 3, 4, 5', 'SELECT * FROM recomputed ORDER BY 1, 2, 3, 4, 5', what) $$;
SELECT setseed(0.42);
SELECT pg_temp.scatter(800);
SELECT pg_temp.agrees('after an insert');
SELECT athar.refresh_measurements(100);
SELECT pg_temp.agrees('after a part was refreshed');
SELECT athar.refresh_measurements();
SELECT pg_temp.agrees('after all was refreshed');
SELECT cmp_ok((SELECT count(*) FROM shown), '>', 200::bigint, 'there is something to agree on');
UPDATE athar.observation SET value = value + 1, observed_at = observed_at + interval '7 hours' WHERE random() < 0.1;
UPDATE athar.observation SET service_id = NULL, stage_id = NULL WHERE random() < 0.1;
SELECT pg_temp.agrees('after updates');
SELECT athar.refresh_measurements(50);
DELETE FROM athar.observation WHERE random() < 0.4;
SELECT pg_temp.scatter(50);
SELECT pg_temp.agrees('after deletes and late rows, in the middle of a refresh');
SELECT athar.refresh_measurements();
SELECT pg_temp.agrees('and at the end of it');
SELECT is((SELECT count(*) FROM athar.measurement WHERE origin = 'observed'), (SELECT count(*) FROM recomputed), 'with no row too many');
SELECT results_eq($$SELECT count(*), sum(n) FROM athar.measurements WHERE kpi = 'mean' AND service = 's1' AND origin = 'observed'$$,
	$$SELECT count(DISTINCT (channel_id, stage_id, (observed_at AT TIME ZONE 'UTC')::date)), count(*)::numeric FROM athar.observation
	WHERE kpi_id = athar.kpi_id('mean') AND service_id = athar.service_id('s1')$$, 'one series is found by its codes');
TRUNCATE athar.observation;
SELECT is((SELECT count(*) FROM shown), 0::bigint, 'after a truncate nothing is shown');
SELECT is((SELECT remaining FROM athar.refresh_measurements()), 0::bigint, 'it is refreshed');
SELECT is((SELECT count(*) FROM athar.measurement WHERE origin = 'observed'), 0::bigint, 'and nothing is left');

--
-- Whoever may insert into the view needs nothing else
--
CREATE ROLE kpi_writer;
GRANT USAGE ON SCHEMA athar TO kpi_writer;
GRANT INSERT ON athar.observations TO kpi_writer;
CREATE ROLE kpi_nobody;
GRANT USAGE ON SCHEMA athar TO kpi_nobody;
SET LOCAL ROLE kpi_writer;
INSERT INTO athar.observations (kpi, value, observed_at, service) VALUES ('mean', 7, '2026-01-01 UTC', 's1');
COPY athar.observations (kpi, value, observed_at, service) FROM stdin;
mean	9	2026-01-01 00:00+00	s1
\.
RESET ROLE;
SELECT results_eq($$SELECT n, value FROM athar.measurements WHERE kpi = 'mean' AND service = 's1' AND origin = 'observed'$$, $$VALUES (2::bigint, 8::double precision)$$, 'a writer inserts and copies');
CREATE FUNCTION pg_temp.state_of(role name, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.state_of('kpi_writer', 'SELECT FROM athar.observations'), '42501', 'and reads nothing');
SELECT is(pg_temp.state_of('kpi_writer', $$INSERT INTO athar.observation (kpi_id, value, observed_at) VALUES (1, 1, now())$$), '42501', 'nor writes into the table');
SELECT is(pg_temp.state_of('kpi_nobody', $$INSERT INTO athar.observations (kpi, value) VALUES ('mean', 1)$$), '42501', 'nobody else inserts');

SELECT * FROM finish();
ROLLBACK;
