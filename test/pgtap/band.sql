-- band: what figures are called, and how many services are in which band
BEGIN;
SELECT plan(38);

SELECT athar.define_kpi('up', 'Up', 'points', 'up'), athar.define_kpi('down', 'Down', 'days', 'down'),
	athar.define_kpi('near', 'Near', 'degrees', 'target', desired_value => 20);

-- What is refused.
SELECT throws_ok($$SELECT athar.define_kpi_bands(NULL, '[]')$$, '22023', 'bands need a KPI');
SELECT throws_ok($$SELECT athar.define_kpi_bands('x', '[]')$$, '42704', 'KPI "x" does not exist');
SELECT throws_ok(format($$SELECT athar.define_kpi_bands('up', %L)$$, b.bands), '22023', 'bands of KPI "up" are malformed: ' || b.fault, 'refused: ' || b.fault)
FROM (VALUES
	(NULL, 'they are not a JSON array'),
	('{}', 'they are not a JSON array'),
	('[1]', 'band 1 is not an object'),
	('[{"code": "a", "form": 1}]', 'band 1 has keys that are not known: {"form": 1}'),
	('[{"name": "a"}]', 'band 1 has no code, or a malformed one'),
	('[{"code": 7}]', 'band 1 has no code, or a malformed one'),
	('[{"code": " a"}]', 'band 1 has no code, or a malformed one'),
	('[{"code": "a", "name": " "}]', 'band "a" has a blank name'),
	('[{"code": "a"}, {"code": "a", "from": 1}]', 'band "a" is there twice'),
	('[{"code": "a", "from": "1"}]', '"from" and "to" of band "a" are numbers'),
	('[{"code": "a"}, {"code": "b"}]', 'band "b" needs "from": only the first may be without'),
	('[{"code": "a", "from": 2}, {"code": "b", "from": 2}]', 'band "b" begins at 2, the one before it at 2'),
	('[{"code": "a", "from": 2, "to": 2}]', 'band "a" ends at 2, where it has not begun'),
	('[{"code": "a", "to": 3}, {"code": "b", "from": 2}]', 'band "a" ends at 3, but the next begins at 2')) AS b (bands, fault);
SELECT throws_ok($$SELECT athar.define_kpi_bands('up', '[{"code": "a", "from": 1e400}]')$$, '22003', NULL, 'a number that is none');
SELECT throws_ok($$SELECT athar.define_kpi_bands('up', '[]', 'infinity')$$, '22023', 'bands of KPI "up" begin at no day');
SELECT is((SELECT count(*) FROM athar.kpi_band), 0::bigint, 'nothing was stored');

-- From the beginning.
SELECT is(athar.define_kpi_bands('up', '[{"code": "very_poor", "name": "Very poor", "name_ar": "ضعيف جدا"}, {"code": "poor", "from": 55},
	{"code": "fair", "from": 65, "to": 70}, {"code": "good", "name": "Good", "from": 75}]'), 4, 'define_kpi_bands returns how many');
SELECT results_eq($$SELECT v, athar.band_of('up', v) FROM unnest('{-Infinity,54.999999,55,69.99,70,74,75,1e300,Infinity,NaN,NULL}'::double precision[]) AS v$$,
	$$VALUES ('-Infinity'::double precision, 'very_poor'), (54.999999, 'very_poor'), (55, 'poor'), (69.99, 'fair'), (70, NULL), (74, NULL), (75, 'good'),
		(1e300, 'good'), ('Infinity', 'good'), ('NaN', NULL), (NULL, NULL)$$, 'the lower bound is in, the upper one out; a gap is no band, nor is NaN');
SELECT is(athar.band_of('down', 1), NULL, 'a KPI without bands');
SELECT throws_ok($$SELECT athar.band_of('x', 1)$$, '42704', 'KPI "x" does not exist');
SELECT results_eq($$SELECT band, name, name_ar, rank, lower_bound, upper_bound, valid_from, valid_until FROM athar.kpi_bands WHERE kpi = 'up' ORDER BY rank$$,
	$$VALUES ('very_poor', 'Very poor', 'ضعيف جدا', 1::bigint, NULL::double precision, 55::double precision, NULL::date, NULL::date),
		('poor', 'poor', NULL, 2, 55, 65, NULL, NULL), ('fair', 'fair', NULL, 3, 65, 70, NULL, NULL), ('good', 'Good', NULL, 4, 75, NULL, NULL, NULL)$$,
	'kpi_bands: a band ends where the next begins, unless it says otherwise');
CREATE TEMP TABLE before AS SELECT ctid AS version, b.* FROM athar.kpi_band AS b;
SELECT athar.define_kpi_bands('up', '[{"code": "very_poor", "name": "Very poor", "name_ar": "ضعيف جدا"}, {"code": "poor", "from": 55},
	{"code": "fair", "from": 65, "to": 70}, {"code": "good", "name": "Good", "from": 75.0}]');
SELECT set_eq('SELECT ctid AS version, b.* FROM athar.kpi_band AS b', 'SELECT * FROM before', 'identical bands write nothing');

-- Dated.
SELECT athar.define_kpi_bands('up', '[{"code": "low"}, {"code": "high", "from": 60}]', '2024-01-01');
SELECT athar.define_kpi_bands('up', '[{"code": "bad"}, {"code": "fine", "from": 50}]', '2022-01-01');
SELECT results_eq($$SELECT d, athar.band_of('up', 58, d) FROM unnest('{2021-12-31,2022-01-01,2023-12-31,2024-01-01}'::date[]) AS d$$,
	$$VALUES (date '2021-12-31', 'poor'), ('2022-01-01', 'fine'), ('2023-12-31', 'fine'), ('2024-01-01', 'low')$$, 'a figure is judged by the bands of its day');
SELECT results_eq($$SELECT DISTINCT valid_from, valid_until FROM athar.kpi_bands WHERE kpi = 'up' ORDER BY 1 NULLS FIRST$$,
	$$VALUES (NULL::date, date '2021-12-31'), ('2022-01-01', '2023-12-31'), ('2024-01-01', NULL)$$, 'bands end the day before the next begin');
SELECT athar.define_kpi_bands('up', '[{"code": "all"}]', '2022-01-01');
SELECT is(athar.band_of('up', 1, '2023-01-01'), 'all', 'the same day again replaces');
SELECT is(athar.band_of('up', 1, '2024-01-01'), 'low', 'and leaves what is later');
SELECT is(athar.define_kpi_bands('up', '[]', '2025-01-01'), 0, 'an empty array');
SELECT results_eq($$SELECT athar.band_of('up', 1, d) FROM unnest('{2024-12-31,2025-01-01}'::date[]) AS d$$, $$VALUES ('low'), (NULL)$$, 'ends the bands');
SELECT throws_ok(format($$INSERT INTO athar.kpi_band (kpi_id, code, name, lower_bound, valid_during) VALUES (%s, 'x', 'X', 100, '[2024-06-01,2024-06-02)')$$, athar.kpi_id('up')),
	'23P01', NULL, 'bands cannot overlap, whoever writes them');
SELECT is((SELECT string_agg(DISTINCT operation, ' ' ORDER BY operation) FROM athar.change_log WHERE relation = 'athar.kpi_band'), 'DELETE INSERT UPDATE', 'the log has what the bands were');

-- Which way is better.
SELECT athar.define_kpi_bands('down', '[{"code": "quick"}, {"code": "slow", "from": 10}, {"code": "lost", "from": 100}]'),
	athar.define_kpi_bands('near', '[{"code": "cold"}, {"code": "warm", "from": 18, "to": 22}]');
SELECT results_eq($$SELECT band, rank FROM athar.kpi_bands WHERE kpi = 'down' ORDER BY rank$$, $$VALUES ('lost', 1::bigint), ('slow', 2), ('quick', 3)$$, 'the worst is where the direction says');
SELECT is((SELECT count(rank) FROM athar.kpi_bands WHERE kpi = 'near'), 0::bigint, 'near to a value there is no order');

-- Four of five below the band.
SELECT athar.define_unit('m' || i, 'Ministry', kind => 'ministry'), athar.define_service('m' || i, 'Service', 'm' || i) FROM generate_series(1, 5) AS i;
SELECT athar.define_unit('c' || i, 'Company', kind => 'company'), athar.define_service('c' || i, 'Service', 'c' || i) FROM generate_series(1, 3) AS i;
SELECT athar.define_kpi('score', 'Score', 'points', 'up', name_ar => 'الدرجة');
SELECT athar.define_kpi_bands('score', '[{"code": "very_poor"}, {"code": "poor", "from": 55}, {"code": "fair", "from": 65}, {"code": "good", "from": 75, "to": 200}]', '2020-01-01');
SELECT athar.report_measurement('score', daterange('2024-01-01', '2025-01-01'), athar.summary_of_moments(100, f.value, 10), f.service)
FROM (VALUES ('m1', 50), ('m2', 54), ('m3', 55), ('m4', 64), ('m5', 80), ('c1', 60), ('c2', 70), ('c3', 300)) AS f (service, value);
-- an older figure, and one from before there were bands
SELECT athar.report_measurement('score', daterange('2023-01-01', '2024-01-01'), athar.summary_of_moments(100, 90, 10), 'm1'),
	athar.report_measurement('up', daterange('2025-01-01', '2026-01-01'), athar.summary_of_moments(100, 1, 10), 'm1');
SELECT results_eq($$SELECT sector, band, rank, services, services_in_bands, percent, percent_or_worse FROM athar.band_distribution WHERE kpi = 'score' ORDER BY sector, rank$$,
	$$VALUES ('company', 'poor', 2::bigint, 1::bigint, 2::bigint, 50::double precision, 50::double precision), ('company', 'fair', 3, 1, 2, 50, 100), ('company', NULL, NULL, 1, 2, NULL, NULL),
		('ministry', 'very_poor', 1, 2, 5, 40, 40), ('ministry', 'poor', 2, 2, 5, 40, 80), ('ministry', 'good', 4, 1, 5, 20, 100)$$,
	'band_distribution: 4 of 5 below fair are 80 %; newest figures; what is in no band is not counted');
SELECT results_eq($$SELECT band, services, services_in_bands, percent FROM athar.band_distribution WHERE kpi = 'up'$$,
	$$VALUES (NULL::text, 1::bigint, NULL::bigint, NULL::double precision)$$, 'bands that had ended: no band, no percentage');
SELECT results_eq($$SELECT DISTINCT kpi_name, kpi_name_ar FROM athar.band_distribution WHERE kpi = 'score'$$, $$VALUES ('Score', 'الدرجة')$$, 'names for people');

SELECT * FROM finish();
ROLLBACK;
