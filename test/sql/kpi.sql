-- kpi: observations, reported figures, measurements, and the texts of what is refused
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
SET timezone = 'UTC';
SET datestyle = 'ISO';
BEGIN;
SELECT athar.define_unit('health', 'Health') IS NOT NULL AS ok;
SELECT athar.define_service('clinic', 'Clinic', 'health') IS NOT NULL AS ok;
SELECT athar.define_channel('web', 'Website', true) IS NOT NULL AS ok;
SELECT athar.define_stage('clinic', 'book', 'Booking', 1) IS NOT NULL AS ok;
SELECT athar.define_kpi('wait', 'Waiting time', 'days', 'down', smallest_change => 0.5) IS NOT NULL AS ok;
SELECT athar.define_kpi('visits', 'Visits', 'visits', 'up', 'sum', time_zone => 'Asia/Riyadh') IS NOT NULL AS ok;
SELECT athar.define_kpi('digital', 'Digital share', 'share', 'up', 'ratio') IS NOT NULL AS ok;
SELECT athar.define_kpi('prompt', 'Answered within three days', 'share', 'up', 'share_within', time_limit => '3 days') IS NOT NULL AS ok;
SELECT athar.define_kpi('stock', 'Stock', 'weeks', 'target', desired_value => 6) IS NOT NULL AS ok;

-- the ways in: function, INSERT, COPY
SELECT athar.record_observation('wait', 3.5, '2026-01-01 23:30+00', 'clinic', 'web', 'book') IS NOT NULL AS ok;
INSERT INTO athar.observations (kpi, value, observed_at, service) VALUES
	('wait', 4, '2026-01-01', 'clinic'),
	('wait', 5, '2026-01-01', 'clinic'),
	('visits', 10, '2026-01-01 23:30+00', 'clinic'),
	('prompt', 259200, '2026-01-02', 'clinic'),
	('prompt', 259201, '2026-01-02', 'clinic')
RETURNING *;
COPY athar.observations FROM stdin;
digital	30	2026-01-03 00:00+00	clinic	web	\N	40
digital	1	2026-01-03 00:00+00	clinic	web	\N	\N
digital	0	2026-01-04 00:00+00	clinic	\N	\N	\N
digital	1	2026-01-04 00:00+00	clinic	\N	\N	\N
\.
SELECT kpi, value, observed_at, service, channel, stage, denominator FROM athar.observations ORDER BY kpi, observed_at, value;
SELECT kpi, service, channel, stage, basis, period, period_start, period_end, n, value, mean, stddev, minimum, maximum, median, origin
FROM athar.measurements ORDER BY kpi, period, channel, stage;
SELECT * FROM athar.refresh_measurements(2);
SELECT * FROM athar.refresh_measurements();
SELECT * FROM athar.refresh_measurements();
SELECT kpi, service, channel, stage, basis, period, n, value FROM athar.measurements ORDER BY kpi, period, channel, stage;

-- figures measured elsewhere
SELECT athar.report_measurement('wait', '[2025-01-01,2025-04-01)', athar.summary_of('{1,2,3}', '{10,20,10}'), 'clinic', 'web', basis => 'quarter', source => 'annual report') IS NOT NULL AS ok;
SELECT athar.report_measurement('digital', '[2025-01-01,2025-04-01)', athar.summary_of('{0,1}', '{25,75}'), 'clinic') IS NOT NULL AS ok;
SELECT athar.report_measurement('digital', '[2025-04-01,2025-07-01)', NULL, 'clinic', numerator => 810.5, denominator => 1000) IS NOT NULL AS ok;
SELECT kpi, service, channel, stage, basis, period_start, period_end, n, value, origin, source
FROM athar.measurements WHERE origin = 'reported' ORDER BY kpi, period;

-- KPIs that cannot be
SELECT athar.define_kpi('x', 'X', ' ', 'up');
SELECT athar.define_kpi('x', 'X', 'days', 'sideways');
SELECT athar.define_kpi('x', 'X', 'days', NULL);
SELECT athar.define_kpi('x', 'X', 'days', 'up', 'median');
SELECT athar.define_kpi('x', 'X', 'days', 'up', smallest_change => 'NaN');
SELECT athar.define_kpi('x', 'X', 'days', 'up', smallest_change => -1);
SELECT athar.define_kpi('x', 'X', 'days', 'target');
SELECT athar.define_kpi('x', 'X', 'days', 'target', desired_value => '-Infinity');
SELECT athar.define_kpi('x', 'X', 'days', 'up', desired_value => 6);
SELECT athar.define_kpi('x', 'X', 'share', 'up', 'share_within');
SELECT athar.define_kpi('x', 'X', 'share', 'up', 'share_within', time_limit => '0');
SELECT athar.define_kpi('x', 'X', 'days', 'up', time_limit => '1 day');
SELECT athar.define_kpi('x', 'X', 'days', 'up', time_zone => 'UTC+3');
SELECT athar.define_kpi('wait', 'Waiting time', 'hours', 'up', 'sum', time_zone => 'Asia/Riyadh');
SELECT athar.define_kpi('prompt', 'Answered in time', 'share', 'up', 'share_within', time_limit => '5 days');
SELECT athar.kpi_id('x');
SET athar.time_zone = 'Nowhere/Here';

-- observations that cannot be
SELECT athar.record_observation(NULL, 1);
SELECT athar.record_observation('wait', NULL);
SELECT athar.record_observation('wait', 'NaN');
SELECT athar.record_observation('wait', '-Infinity');
SELECT athar.record_observation('wait', 1e151);
SELECT athar.record_observation('wait', 1, 'infinity');
SELECT athar.record_observation('x', 1);
SELECT athar.record_observation('wait', 1, service => 'x');
SELECT athar.record_observation('wait', 1, channel => 'x');
SELECT athar.record_observation('wait', 1, service => 'clinic', stage => 'x');
SELECT athar.record_observation('wait', 1, stage => 'book');
SELECT athar.record_observation('wait', 1, denominator => 2);
SELECT athar.record_observation('digital', 1, denominator => 0);
SELECT athar.record_observation('digital', 1, denominator => 'NaN');
SELECT athar.record_observation('prompt', -1);
INSERT INTO athar.observations (kpi, value, service) VALUES ('wait', 'NaN', 'clinic');
\set SHOW_CONTEXT errors
COPY athar.observations (kpi, value, service) FROM stdin;
wait	1	clinic
wait	1	x
\.
\set SHOW_CONTEXT never
UPDATE athar.observations SET value = 1;
DELETE FROM athar.observations;

-- reported figures that cannot be
SELECT athar.report_measurement(NULL, '[2025-01-01,2025-04-01)', athar.summary_of('{1}', '{1}'));
SELECT athar.report_measurement('x', '[2025-01-01,2025-04-01)', athar.summary_of('{1}', '{1}'));
SELECT athar.report_measurement('wait', NULL, athar.summary_of('{1}', '{1}'));
SELECT athar.report_measurement('wait', 'empty', athar.summary_of('{1}', '{1}'));
SELECT athar.report_measurement('wait', '[2025-01-01,)', athar.summary_of('{1}', '{1}'));
SELECT athar.report_measurement('wait', '[2025-01-01,infinity)', athar.summary_of('{1}', '{1}'));
SELECT athar.report_measurement('wait', '[9999-01-01,9999-02-01)', athar.summary_of('{1}', '{1}'));
SELECT athar.report_measurement('wait', '[2025-01-01,2025-04-01)', NULL);
SELECT athar.report_measurement('digital', '[2025-01-01,2025-04-01)', NULL, numerator => 1);
SELECT athar.report_measurement('digital', '[2025-01-01,2025-04-01)', NULL, numerator => 1, denominator => 0);
SELECT athar.report_measurement('digital', '[2025-01-01,2025-04-01)', NULL, numerator => 'NaN', denominator => 1);
SELECT athar.report_measurement('digital', '[2025-01-01,2025-04-01)', NULL, numerator => 1, denominator => 'Infinity');
SELECT athar.report_measurement('digital', '[2025-01-01,2025-04-01)', athar.summary_of('{0,2}', '{1,1}'));
SELECT athar.report_measurement('prompt', '[2025-01-01,2025-04-01)', athar.summary_of_moments(10, 1.5, 0.1));
SELECT athar.report_measurement('visits', '[2025-01-01,2025-04-01)', NULL, numerator => 1, denominator => 1);
SELECT athar.report_measurement('wait', '[2025-01-01,2025-04-01)', (SELECT athar.summarize(x) FROM (VALUES (1), ('NaN'::double precision)) AS v (x)));
SELECT athar.report_measurement('wait', '[2025-01-01,2025-04-01)', (SELECT athar.summarize(x) FROM (VALUES (1.0::double precision)) AS v (x) WHERE false));
SELECT athar.report_measurement('wait', '[2025-01-01,2025-04-01)', athar.summary_of('{1}', '{0}'));
SELECT athar.report_measurement('wait', '[2025-03-01,2025-06-01)', athar.summary_of('{1}', '{1}'), 'clinic', 'web', basis => 'quarter');
SELECT athar.report_measurement('wait', '[2025-03-01,2025-06-01)', athar.summary_of('{1}', '{1}'), stage => 'book');
SELECT athar.refresh_measurements(0);
SELECT athar.refresh_measurements(NULL);
ROLLBACK;
