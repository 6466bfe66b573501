-- preset: KPIs ready to be loaded
BEGIN;
SELECT plan(20);

SELECT results_eq($$SELECT preset, count(*) FROM athar.presets GROUP BY preset ORDER BY preset$$,
	$$VALUES ('a11', 7::bigint), ('dxmi', 5), ('experience', 10), ('gds4', 4), ('operations', 9)$$, 'the presets');
SELECT results_eq($$SELECT kpi, direction FROM athar.presets WHERE kpi IN ('frustration', 'motivation', 'wait_time', 'trust', 'steps_count', 'documents_count',
		'duration', 'satisfaction', 'manual_touches', 'cost_per_transaction', 'employee_score', 'arrivals', 'completions', 'capacity', 'nps', 'repeat_use') ORDER BY kpi COLLATE "C"$$,
	$$VALUES ('arrivals', 'down'), ('capacity', 'up'), ('completions', 'up'), ('cost_per_transaction', 'down'), ('documents_count', 'down'), ('duration', 'down'),
		('employee_score', 'up'), ('frustration', 'down'), ('manual_touches', 'down'), ('motivation', 'up'), ('nps', 'up'), ('repeat_use', 'up'), ('satisfaction', 'up'),
		('steps_count', 'down'), ('trust', 'up'), ('wait_time', 'down')$$, 'general ones, with the way that is better');
SELECT is_empty($$SELECT kpi FROM athar.presets WHERE name !~ '[A-Za-z]' OR name_ar !~ '[ء-ي]' OR description !~ '\w'$$, 'each has names in English and Arabic, and says what is counted');
SELECT is_empty($$SELECT kpi FROM athar.presets WHERE (source IS NULL) <> (preset IN ('experience', 'operations'))$$, 'a standard''s say where it is published');
SELECT is_empty($$SELECT kpi FROM athar.presets GROUP BY kpi HAVING count(*) > 1$$, 'no two have one code');
SELECT is((SELECT count(*) FROM athar.presets WHERE is_defined), 0::bigint, 'none is defined yet');

SELECT results_eq($$SELECT kpi, outcome, differs FROM athar.load_preset('gds4')$$,
	$$VALUES ('gds_user_satisfaction', 'created', NULL::text), ('gds_completion_rate', 'created', NULL), ('gds_digital_take_up', 'created', NULL), ('gds_cost_per_transaction', 'created', NULL)$$,
	'load_preset says what it did');
SELECT set_eq($$SELECT kpi, name, name_ar, unit_of_measure, direction, kind, smallest_change FROM athar.presets WHERE preset = 'gds4'$$,
	$$SELECT code::text, name, name_ar, unit_of_measure, direction, kind, smallest_change::double precision FROM athar.kpi$$, 'the KPIs are what the preset says');
SELECT is((SELECT count(*) FROM athar.kpi WHERE description LIKE '%. Source: UK Government Digital Service%'), 4::bigint, 'with their source');
CREATE TEMP TABLE loaded AS SELECT k.ctid AS version, k.* FROM athar.kpi AS k;
SELECT set_eq($$SELECT DISTINCT outcome, differs FROM athar.load_preset('gds4')$$, $$VALUES ('present', NULL::text)$$, 'loading again');
SELECT set_eq('SELECT k.ctid AS version, k.* FROM athar.kpi AS k', 'SELECT * FROM loaded', 'writes nothing');

-- What the user defined otherwise stays.
SELECT athar.define_kpi('duration', 'Queue', 'hours', 'down', kind => 'sum', smallest_change => 7), athar.define_kpi('trust', 'Trust in us', 'points', 'up', 'likert', smallest_change => 0.3);
SELECT results_eq($$SELECT kpi, outcome, differs FROM athar.load_preset('experience', '{duration,trust,wait_time}')$$,
	$$VALUES ('trust', 'present', NULL), ('wait_time', 'created', NULL), ('duration', 'kept', 'unit of measure, kind')$$, 'some of a preset; what means something else is kept');
SELECT results_eq($$SELECT name, unit_of_measure, smallest_change::double precision FROM athar.kpi WHERE code IN ('trust', 'duration') ORDER BY code$$,
	$$VALUES ('Queue', 'hours', 7::double precision), ('Trust in us', 'points', 0.3)$$, 'as it was');
SELECT is((SELECT count(*) FROM athar.kpi WHERE code IN ('satisfaction', 'nps')), 0::bigint, 'and no more than was named');

-- A preset of one's own, with bands.
INSERT INTO athar.preset_kpi (preset, ordinal, code, name, name_ar, unit_of_measure, direction, bands, description)
VALUES ('own', 1, 'calls', 'Calls', 'المكالمات', 'calls', 'down', '[{"code": "few"}, {"code": "many", "from": 100}]', 'Calls about one case');
SELECT is((SELECT outcome FROM athar.load_preset('own')), 'created', 'a preset of one''s own');
SELECT is(athar.band_of('calls', 100), 'many', 'brings its bands');

SELECT throws_ok($$SELECT athar.load_preset(NULL)$$, '22023', 'no preset is named');
SELECT throws_ok($$SELECT athar.load_preset('x')$$, '42704', 'preset "x" does not exist');
SELECT throws_ok($$SELECT athar.load_preset('a11', '{trust}')$$, '42704', 'preset "a11" has no KPI "trust"');

-- A wait that falls by a fifth has improved.
SELECT athar.define_unit('u', 'Unit'), athar.define_service('s', 'Service', 'u');
SELECT athar.record_observation('wait_time', 50 + (n % 5 - 2) - CASE WHEN n > 40 THEN 10 ELSE 0 END, '2024-01-01 12:00+00'::timestamptz + n * interval '1 day', 's')
FROM generate_series(1, 80) AS n;
SELECT results_eq($$SELECT percent_change, verdict FROM athar.measure_effect('wait_time', 's', '2024-02-11 00:00+00', '40 days')$$,
	$$VALUES (-20::double precision, 'improved')$$, 'a wait that falls by 20 % has improved');

SELECT * FROM finish();
ROLLBACK;
