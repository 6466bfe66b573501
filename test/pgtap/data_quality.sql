-- data_quality: what is wrong with figures, in made and in published ones. The
-- counts in published data were taken apart from this extension.
BEGIN;
SELECT plan(42);

SELECT athar.define_unit('u', 'Unit');
SELECT athar.define_service('s', 'Service', 'u');
SELECT athar.define_channel('web', 'Web', true);
SELECT athar.define_kpi('asked', 'Asked', 'people', 'up', 'sum'), athar.define_kpi('answered', 'Answered', 'people', 'up', 'sum'),
	athar.define_kpi('happy', 'Happy', 'points', 'up', 'likert'), athar.define_kpi('share', 'Share', 'share', 'up', 'ratio'),
	athar.define_kpi('percent', 'Percent', 'percent', 'up'), athar.define_kpi('cost', 'Cost', 'GBP per case', 'down', 'ratio');

-- Relations.
CREATE TEMP TABLE made AS SELECT athar.define_kpi_relation('answered', 'part_of', 'asked') AS id;
SELECT results_eq('TABLE made', 'SELECT id FROM athar.kpi_relation', 'define_kpi_relation returns the id');
SELECT athar.define_kpi_relation('happy', 'sampled_from', 'answered');
CREATE TEMP TABLE relation AS SELECT ctid AS version, r.* FROM athar.kpi_relation AS r;
SELECT athar.define_kpi_relation('happy', 'sampled_from', 'answered'), athar.define_kpi_relation('answered', 'part_of', 'asked', NULL);
SELECT set_eq('SELECT ctid AS version, r.* FROM athar.kpi_relation AS r', 'SELECT * FROM relation', 'an identical one writes nothing');
SELECT throws_ok($$SELECT athar.define_kpi_relation(NULL, 'part_of', 'asked')$$, '22023', 'a relation needs two KPIs');
SELECT throws_ok($$SELECT athar.define_kpi_relation('x', 'part_of', 'asked')$$, '42704', 'KPI "x" does not exist');
SELECT throws_ok($$SELECT athar.define_kpi_relation('asked', 'half_of', 'answered')$$, '22023', 'relation "half_of" is unknown');
SELECT throws_ok($$SELECT athar.define_kpi_relation('asked', NULL, 'answered')$$, '22023', 'relation "" is unknown');
SELECT throws_ok($$SELECT athar.define_kpi_relation('asked', 'part_of', 'asked')$$, '22023', 'KPI "asked" cannot be related to itself');

-- Made figures: what is right leaves no trace.
CREATE FUNCTION pg_temp.quarter(n integer) RETURNS daterange LANGUAGE SQL
RETURN daterange((date '2024-01-01' + make_interval(months => 3 * n))::date, (date '2024-01-01' + make_interval(months => 3 * n + 3))::date);
CREATE FUNCTION pg_temp.total(value double precision) RETURNS athar.summary LANGUAGE SQL RETURN athar.summary_of_moments(1, value, NULL);
CREATE VIEW pg_temp.found AS SELECT check_code, kpi, service, channel, stage, basis, period_start, period_end, figure, compared_with, other_kpi FROM athar.data_quality WHERE check_code <> 'stale';
SELECT athar.report_measurement(k, pg_temp.quarter(q), pg_temp.total(v), 's', 'web', basis => 'quarter')
FROM (VALUES ('asked', 200), ('answered', 200)) AS f (k, v), generate_series(0, 3) AS q;
SELECT athar.report_measurement('happy', pg_temp.quarter(q), athar.summary_of('{1,2,3,4,5}', '{40,40,40,40,40}'), 's', 'web', basis => 'quarter'),
	athar.report_measurement('share', pg_temp.quarter(q), NULL, 's', basis => 'quarter', numerator => 7.5, denominator => 7.5),
	athar.report_measurement('cost', pg_temp.quarter(q), NULL, 's', basis => 'quarter', numerator => 75, denominator => 7.5),
	athar.report_measurement('percent', pg_temp.quarter(q), pg_temp.total(80), 's', basis => 'quarter')
FROM generate_series(0, 3) AS q;
SELECT athar.report_measurement('asked', '[2024-01-01,2025-01-01)', pg_temp.total(800), 's', 'web', basis => 'year');
SELECT is_empty('SELECT * FROM found', 'answers as many as respondents, respondents as many as asked, a share of 1, a year that is the sum of its quarters');

-- Each fault alone.
SELECT athar.report_measurement('answered', pg_temp.quarter(1), pg_temp.total(199), 's', 'web', basis => 'quarter');
SELECT results_eq('TABLE found', $$VALUES ('answers_above_source', 'happy', 's', 'web', NULL, 'quarter', date '2024-04-01', date '2024-06-30', 200::double precision, 199::double precision, 'answered')$$,
	'one answer too many');
SELECT athar.report_measurement('answered', pg_temp.quarter(1), pg_temp.total(201), 's', 'web', basis => 'quarter');
SELECT results_eq('TABLE found', $$VALUES ('part_above_whole', 'answered', 's', 'web', NULL, 'quarter', date '2024-04-01', date '2024-06-30', 201::double precision, 200::double precision, 'asked')$$,
	'a part above its whole');
SELECT athar.define_kpi_relation('answered', 'part_of', 'asked', is_checked => false);
SELECT is_empty('TABLE found', 'a relation that was given up');
SELECT athar.define_kpi_relation('answered', 'part_of', 'asked');
SELECT athar.report_measurement('answered', pg_temp.quarter(1), pg_temp.total(200), 's', 'web', basis => 'quarter');
SELECT athar.report_measurement('share', pg_temp.quarter(1), NULL, 's', basis => 'quarter', numerator => 7.6, denominator => 7.5),
	athar.report_measurement('percent', pg_temp.quarter(1), pg_temp.total(100.5), 's', basis => 'quarter');
SELECT set_eq($$SELECT check_code, kpi, compared_with FROM found$$, $$VALUES ('share_out_of_range', 'share', 1::double precision), ('share_out_of_range', 'percent', 100)$$, 'shares above 1 and 100, costs are none');
SELECT athar.report_measurement('share', pg_temp.quarter(1), NULL, 's', basis => 'quarter', numerator => 7, denominator => 7.5),
	athar.report_measurement('percent', pg_temp.quarter(1), pg_temp.total(0.8), 's', basis => 'quarter');
SELECT results_eq($$SELECT check_code, kpi, figure, compared_with FROM found ORDER BY 1, 3 DESC$$,
	$$VALUES ('level_jump', 'percent', 80::double precision, 0.8::double precision), ('level_jump', 'percent', 0.8, 80), ('scale_mixed', 'percent', 0.8, 80)$$, '0.8 for 80');
SELECT athar.report_measurement('percent', pg_temp.quarter(1), pg_temp.total(79), 's', basis => 'quarter');
SELECT athar.report_measurement('happy', pg_temp.quarter(1), athar.summary_of('{4}', '{4}'), 's', 'web', basis => 'quarter');
SELECT results_eq($$SELECT check_code, figure, compared_with FROM found$$, $$VALUES ('mean_as_count', 4::double precision, 4::double precision)$$, '4 in the cell of 4: a mean');
SELECT athar.report_measurement('answered', pg_temp.quarter(1), pg_temp.total(4), 's', 'web', basis => 'quarter');
SELECT set_eq($$SELECT check_code FROM found$$, ARRAY['level_jump', 'level_jump'], 'but not where four people answered');
SELECT athar.report_measurement('answered', pg_temp.quarter(1), pg_temp.total(200), 's', 'web', basis => 'quarter'),
	athar.report_measurement('happy', pg_temp.quarter(1), athar.summary_of('{4}', '{5}'), 's', 'web', basis => 'quarter');
SELECT is_empty('TABLE found', 'nor five answers of 4');
SELECT athar.report_measurement('happy', pg_temp.quarter(1), athar.summary_of('{1,2,3,4,5}', '{10,20,30,20,20}'), 's', 'web', basis => 'quarter'),
	athar.report_measurement('answered', pg_temp.quarter(1), pg_temp.total(201), 's', 'web', basis => 'quarter'), athar.report_measurement('asked', pg_temp.quarter(1), pg_temp.total(201), 's', 'web', basis => 'quarter');
SELECT results_eq($$SELECT check_code, kpi, basis, period_start, figure, compared_with FROM found ORDER BY 1$$,
	$$VALUES ('parts_not_whole', 'asked', 'year', date '2024-01-01', 800::double precision, 801::double precision), ('percent_as_count', 'happy', 'quarter', '2024-04-01', 100, 201)$$,
	'a hundred answers of two hundred people; a year that is not the sum of its quarters');
SELECT athar.report_measurement('answered', pg_temp.quarter(1), pg_temp.total(200), 's', 'web', basis => 'quarter'), athar.report_measurement('asked', pg_temp.quarter(1), pg_temp.total(200), 's', 'web', basis => 'quarter');
SELECT is_empty('TABLE found', 'all is well');
-- a year of which a quarter is missing is nobody's sum
SELECT athar.report_measurement('answered', '[2023-10-01,2024-10-01)', pg_temp.total(1), 's', 'web', basis => 'year');
SELECT is_empty('TABLE found', 'a year of which a quarter is missing');
SELECT athar.report_measurement('answered', pg_temp.quarter(6), pg_temp.total(500), 's', 'web', basis => 'quarter', source => 'new form');
SELECT results_eq($$SELECT check_code, kpi, period_start, period_end, figure, compared_with FROM found WHERE kpi = 'answered' ORDER BY 1$$,
	$$VALUES ('gap', 'answered', date '2025-01-01', date '2025-06-30', 181::double precision, NULL::double precision), ('level_jump', 'answered', '2025-07-01', '2025-09-30', 500, 200)$$,
	'a gap; a level that jumps by more than two with the source');
SELECT athar.define_service('t', 'Service', 'u');
SELECT athar.report_measurement('answered', pg_temp.quarter(4), pg_temp.total(200), 't', 'web', basis => 'quarter'), athar.report_measurement('answered', pg_temp.quarter(5), pg_temp.total(200), 't', 'web', basis => 'quarter');
SELECT is_empty($$SELECT FROM found WHERE service = 't'$$, 'a quarter late is not stopped');
SELECT athar.report_measurement('answered', pg_temp.quarter(7), pg_temp.total(500), 's', 'web', basis => 'quarter', source => 'new form');
SELECT results_eq($$SELECT check_code, service, period_start, figure FROM found WHERE check_code = 'series_stopped'$$, $$VALUES ('series_stopped', 't', date '2025-04-01', 184::double precision)$$, 'two are');
SELECT athar.report_measurement('cost', daterange('2024-12-01'::date + 31 * n, '2024-12-01'::date + 31 * n + 31), NULL, 's', basis => 'month', numerator => 1, denominator => 1)
FROM generate_series(1, 2) AS n;
SELECT results_eq($$SELECT check_code, basis, period_start FROM found WHERE check_code = 'basis_change'$$, $$VALUES ('basis_change', 'month', date '2025-01-01')$$, 'another basis from a day on');
SELECT results_eq($$SELECT check_code, severity, kpi, figure FROM athar.data_quality WHERE check_code = 'stale' AND kpi = 'percent'$$,
	$$SELECT 'stale', 'notice', 'percent', (current_date - date '2025-01-01')::double precision$$, 'nothing new for long');
SELECT results_eq($$SELECT sentence, sentence_ar FROM athar.data_quality WHERE check_code = 'gap'$$,
	$$VALUES ('days without a figure: 181', 'عدد الأيام التي لا قيمة لها: 181')$$, 'sentences');
SELECT athar.report_measurement('percent', '[1990-01-01,1990-04-01)', pg_temp.total(-2), 's', basis => 'sign');
SELECT is((SELECT sentence_ar FROM athar.data_quality WHERE check_code = 'share_out_of_range' AND figure < 0), 'النسبة ' || U&'\200E-2 خارج المجال من 0 إلى 100', 'a minus sign stays before its digits');
SET LOCAL datestyle = 'SQL, DMY';
SELECT results_eq($$SELECT sentence LIKE 'from 2025-01-01 on %', sentence_ar LIKE '% ' || U&'\200E2025-01-01 %' FROM athar.data_quality WHERE check_code = 'basis_change'$$, 'VALUES (true, true)', 'dates are written alike for everybody');
RESET datestyle;
SELECT is_empty($$SELECT check_code FROM athar.data_quality WHERE coalesce(sentence, '') = '' OR coalesce(sentence_ar, '') !~ '[ء-ي]' OR sentence ~ 'NaN'$$, 'each finding has one in both languages');
SAVEPOINT published;

-- US surveys.
\ir ../data/us_cx.sql
SELECT athar.define_kpi(k, k, 'people', 'up', 'sum') FROM unnest('{customers,offered,respondents}'::text[]) AS k;
SELECT count(*) FROM athar.load_preset('a11');
SELECT athar.define_kpi_relation('offered', 'part_of', 'customers'), athar.define_kpi_relation('respondents', 'part_of', 'offered');
SELECT athar.define_kpi_relation(kpi, 'sampled_from', 'respondents') FROM athar.presets WHERE preset = 'a11';
INSERT INTO athar.service (code, name, unit_id) SELECT 'survey ' || collection, service, athar.unit_id('u') FROM us_cx;
INSERT INTO athar.measurement (kpi_id, service_id, basis, period, summary)
SELECT k.id, s.id, 'quarter', pg_temp.quarter(4 * (u.fiscal_year - 2024) + u.quarter - 2), v.summary
FROM us_cx AS u
JOIN athar.service AS s ON s.code = 'survey ' || u.collection
CROSS JOIN LATERAL (
	SELECT m.kpi, pg_temp.total(m.value) AS summary FROM (VALUES ('customers', u.customers), ('offered', u.offered), ('respondents', u.respondents)) AS m (kpi, value)
	UNION ALL
	SELECT 'a11_' || a.key, athar.summary_of('{1,2,3,4,5}', ARRAY(SELECT jsonb_array_elements_text(a.value)::bigint)) FROM jsonb_each(u.answers) AS a) AS v
JOIN athar.kpi AS k ON k.code = v.kpi
WHERE v.summary IS NOT NULL;
SELECT is((SELECT count(*) FROM us_cx), 298::bigint, 'US: surveys');
SELECT results_eq($$SELECT check_code, count(*), count(DISTINCT service) FROM athar.data_quality
	WHERE (kpi LIKE 'a11%' OR kpi = 'respondents') AND severity = 'error' GROUP BY 1 ORDER BY 1$$,
	$$VALUES ('answers_above_source', 134::bigint, 60::bigint), ('mean_as_count', 27, 6), ('part_above_whole', 12, 12), ('percent_as_count', 36, 6)$$,
	'US: answers beyond respondents, means and percentages typed as counts, respondents beyond those asked');
SELECT is((SELECT count(*) FROM athar.data_quality WHERE check_code = 'part_above_whole' AND kpi = 'offered'), 3::bigint, 'US: those asked beyond customers');
SELECT is((SELECT sentence FROM athar.data_quality WHERE check_code = 'mean_as_count' AND service = 'survey 121' AND kpi = 'a11_satisfaction'),
	'all 4 answers are 4: a mean seems to be typed where counts belong', 'US: it says so');
ROLLBACK TO published;

-- UK transactions.
\ir ../data/uk_transactions.sql
SELECT athar.define_kpi(k, k, 'transactions', 'up', 'sum') FROM unnest('{transactions,digital_transactions}'::text[]) AS k;
SELECT athar.define_kpi('take_up', 'Digital take-up', 'share', 'up', 'ratio');
SELECT athar.define_kpi_relation('digital_transactions', 'part_of', 'transactions');
INSERT INTO athar.service (code, name, unit_id) SELECT service, service, athar.unit_id('u') FROM uk_transactions;
CREATE TEMP TABLE uk AS
SELECT t.service, f.kpi, f.basis, v.value::double precision AS value, q.begins, (q.begins + f.months)::date AS ends
FROM uk_transactions AS t
CROSS JOIN LATERAL (VALUES ('transactions', 'quarter', t.transactions, interval '3 months'), ('digital_transactions', 'quarter', t.digital_transactions, '3 months'),
	('transactions', 'year', t.transactions_of_year, '1 year'), ('digital_transactions', 'year', t.digital_transactions_of_year, '1 year')) AS f (kpi, basis, list, months)
CROSS JOIN LATERAL string_to_table(f.list, ',', '') WITH ORDINALITY AS v (value, place)
CROSS JOIN LATERAL (SELECT (date '2011-04-01' + make_interval(months => 3 * (v.place::integer - 1)))::date) AS q (begins)
WHERE v.value IS NOT NULL;
ANALYZE uk;
INSERT INTO athar.measurement (kpi_id, service_id, basis, period, summary)
SELECT athar.kpi_id(u.kpi), s.id, u.basis || CASE u.basis WHEN 'year' THEN ' to ' || to_char(u.ends - 1, 'FMMonth') ELSE '' END, daterange(u.begins, u.ends), pg_temp.total(u.value)
FROM uk AS u JOIN athar.service AS s ON s.code = u.service;
INSERT INTO athar.measurement (kpi_id, service_id, basis, period, numerator, denominator)
SELECT athar.kpi_id('take_up'), s.id, 'quarter', daterange(d.begins, d.ends), d.value, t.value
FROM uk AS d
JOIN uk AS t ON t.service = d.service AND t.begins = d.begins AND t.ends = d.ends AND t.kpi = 'transactions' AND t.value > 0
JOIN athar.service AS s ON s.code = d.service
WHERE d.kpi = 'digital_transactions' AND d.basis = 'quarter';
CREATE TEMP TABLE finding AS SELECT * FROM athar.data_quality;
SELECT results_eq($$SELECT basis, kpi, count(*) FROM uk GROUP BY 1, 2 ORDER BY 1, 2$$,
	$$VALUES ('quarter', 'digital_transactions', 4920::bigint), ('quarter', 'transactions', 6532), ('year', 'digital_transactions', 3971), ('year', 'transactions', 6017)$$, 'UK: figures');
SELECT results_eq($$SELECT basis = 'quarter', count(*) FROM finding WHERE check_code = 'part_above_whole' AND service <> 's' GROUP BY 1 ORDER BY 1$$,
	$$VALUES (false, 4::bigint), (true, 9)$$, 'UK: digital above total in 9 service-quarters and 4 rolling years');
SELECT is((SELECT count(*) FROM finding WHERE check_code = 'share_out_of_range' AND kpi = 'take_up'), 9::bigint, 'UK: so 9 shares above 1');
SELECT is((SELECT count(*) FROM finding WHERE check_code = 'parts_not_whole' AND kpi LIKE '%transactions'), 199::bigint, 'UK: 199 of 8524 rolling years are not the sum of their quarters');
SELECT results_eq($$SELECT figure, compared_with FROM finding WHERE check_code = 'parts_not_whole' AND service = 'bis-queens-awards-online-account-registrations'
	AND kpi = 'digital_transactions' AND period_start = '2014-07-01'$$, $$VALUES (1545::double precision, 6237::double precision)$$, 'UK: one of them');
SELECT results_eq($$SELECT check_code, count(*) FROM finding WHERE kpi IN ('transactions', 'digital_transactions') AND check_code IN ('gap', 'series_stopped', 'level_jump', 'coverage_break') AND basis = 'quarter' GROUP BY 1 ORDER BY 1$$,
	$$VALUES ('gap', 79::bigint), ('level_jump', 153), ('series_stopped', 130)$$, 'UK: gaps and services that stop');
DROP TABLE finding;
ROLLBACK TO published;

-- Canadian services.
\ir ../data/ca_services.sql
SELECT athar.define_kpi('volume', 'Volume', 'cases', 'up', 'sum'), athar.define_kpi('target', 'Target of a standard', 'percent', 'up');
INSERT INTO athar.channel (code, name) SELECT DISTINCT channel, channel FROM ca_volume;
-- some are there twice
CREATE TEMP TABLE ca AS
SELECT v.first_day, v.channel, split_part(i.item, '=', 1) AS service, sum(split_part(i.item, '=', 2)::double precision) AS value
FROM ca_volume AS v CROSS JOIN LATERAL string_to_table(v.volumes, ',') AS i (item)
GROUP BY 1, 2, 3;
CREATE TEMP TABLE ca_target AS
SELECT t.first_day, split_part(i.item, '/', 1) AS service, split_part(split_part(i.item, '/', 2), '=', 1) AS standard, max(nullif(split_part(i.item, '=', 2), '')::double precision) AS value
FROM ca_standard AS t CROSS JOIN LATERAL string_to_table(t.targets, ',') AS i (item)
GROUP BY 1, 2, 3;
INSERT INTO athar.service (code, name, unit_id) SELECT DISTINCT service, service, athar.unit_id('u') FROM (SELECT service FROM ca UNION SELECT service FROM ca_target) AS c;
INSERT INTO athar.stage (service_id, code, name, ordinal) SELECT DISTINCT athar.service_id(service), standard, standard, 1 FROM ca_target;
INSERT INTO athar.measurement (kpi_id, service_id, channel_id, basis, period, summary)
SELECT athar.kpi_id('volume'), s.id, c.id, 'fiscal year', daterange(a.first_day, (a.first_day + interval '1 year')::date), pg_temp.total(a.value)
FROM ca AS a JOIN athar.service AS s ON s.code = a.service JOIN athar.channel AS c ON c.code = a.channel;
INSERT INTO athar.measurement (kpi_id, service_id, stage_id, basis, period, summary)
SELECT athar.kpi_id('target'), s.id, g.id, 'fiscal year', daterange(t.first_day, (t.first_day + interval '1 year')::date), pg_temp.total(t.value)
FROM ca_target AS t JOIN athar.service AS s ON s.code = t.service JOIN athar.stage AS g ON g.service_id = s.id AND g.code = t.standard
WHERE t.value IS NOT NULL;
CREATE TEMP TABLE finding AS SELECT * FROM athar.data_quality;
SELECT results_eq($$SELECT channel, period_start, compared_with, figure FROM finding WHERE check_code = 'coverage_break' AND kpi = 'volume' ORDER BY 1, 2$$,
	$$VALUES ('calls_received', date '2018-04-01', 307::double precision, 0::double precision), ('online_applications', '2018-04-01', 307, 554), ('other_applications', '2018-04-01', 307, 571),
		('postal_mail_applications', '2018-04-01', 307, 587), ('web_visits_info_service', '2018-04-01', 307, 587)$$, 'CA: the form that changed in 2018: services come, calls go');
SELECT results_eq($$SELECT period_start, count(*) FROM finding WHERE check_code = 'level_jump' AND kpi = 'volume' GROUP BY 1 ORDER BY 1$$,
	$$VALUES (date '2017-04-01', 25::bigint), ('2018-04-01', 31)$$, 'CA: volumes that jump tenfold');
SELECT results_eq($$SELECT period_start, figure, compared_with FROM finding WHERE check_code = 'renumbered'$$,
	$$VALUES (date '2018-04-01', 0::double precision, 367::double precision)$$, 'CA: standards numbered anew in 2018');
SELECT results_eq($$SELECT period_start, count(*) FROM finding WHERE check_code = 'scale_mixed' AND kpi = 'target' GROUP BY 1 ORDER BY 1$$,
	$$VALUES (date '2017-04-01', 1::bigint), ('2018-04-01', 4)$$, 'CA: targets of 1 where others are of 80');

SELECT * FROM finish();
ROLLBACK;
