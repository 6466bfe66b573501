BEGIN;
SELECT plan(75);
SET LOCAL TimeZone = 'UTC';

SELECT athar.define_unit('dept', 'Department');
SELECT athar.define_unit('agency', 'Agency', parent => 'dept');
SELECT athar.define_unit('other', 'Other agency', parent => 'dept');
SELECT athar.define_service(s.code, s.code, s.unit)
FROM (VALUES ('tax', 'agency'), ('register', 'agency'), ('export', 'agency'), ('gap', 'agency'), ('test', 'other')) AS s (code, unit);
SELECT athar.define_kpi('digital', 'Digital share', 'share', 'up', kind => 'ratio', smallest_change => 0.02);
SELECT athar.define_kpi('cost', 'Cost', 'GBP', 'down');
SELECT athar.define_kpi('near', 'Near to five', 'points', 'target', desired_value => 5);
SELECT athar.define_kpi('wait', 'Waiting time', 'minutes', 'down', smallest_change => 1);

-- Vehicle tax renewals, quarters from October 2013 to December 2015, as published.
CREATE TEMP TABLE quarter (service text, first_day date, transactions bigint, digital bigint);
INSERT INTO quarter VALUES
	('tax', '2013-10-01', 10245647, 5516200), ('tax', '2014-01-01', 12788809, 6545192), ('tax', '2014-04-01', 11417558, 6524207),
	('tax', '2014-07-01', 12508724, 7252543), ('tax', '2014-10-01', 10977912, 7524113), ('tax', '2015-01-01', 12396580, 9069170),
	('tax', '2015-04-01', 11856378, 8676578), ('tax', '2015-07-01', 11676819, 8690946), ('tax', '2015-10-01', 10803960, 8395908);
-- Three services whose shares move by 0.01, 0.03 and, on the other side, lack a quarter.
INSERT INTO quarter
SELECT s.service, q.first_day, 1000, s.share + CASE WHEN q.first_day > '2014-10-01' THEN s.change ELSE 0 END
FROM (SELECT DISTINCT q.first_day FROM quarter AS q) AS q
CROSS JOIN (VALUES ('register', 900, 10), ('export', 500, 30), ('gap', 100, 500), ('test', 300, 20)) AS s (service, share, change)
WHERE s.service <> 'gap' OR q.first_day <> '2015-10-01';
SELECT athar.report_measurement('digital', daterange(q.first_day, (q.first_day + interval '3 months')::date),
	athar.summary_of(ARRAY[0, 1], ARRAY[q.transactions - q.digital, q.digital]), q.service, basis => 'quarter')
FROM quarter AS q;

-- By period.
CREATE TEMP TABLE answer AS
SELECT * FROM athar.measure_effect('digital', 'tax', '2014-10-01', '1 year', '3 months', '{}');
SELECT results_eq(
	$$SELECT before_n, round(before_mean::numeric, 3), after_n, round(after_mean::numeric, 3), round(difference::numeric, 3), verdict FROM answer$$,
	$$VALUES (4::bigint, 0.550, 4::bigint, 0.746, 0.196, 'improved')$$,
	'the paper disc: n is quarters, the quarter of the event is left out');
SELECT results_eq(
	$$SELECT round(ci_low::numeric, 4), round(ci_high::numeric, 4), round(p_value::numeric, 6), round(effect_size::numeric, 3) FROM answer$$,
	$$SELECT round(e.ci_low::numeric, 4), round(e.ci_high::numeric, 4), round(e.p_value::numeric, 6), round(e.effect_size::numeric, 3)
	FROM athar.compare(
		(SELECT athar.summarize(q.digital::double precision / q.transactions) FROM quarter AS q WHERE q.service = 'tax' AND q.first_day < '2014-10-01'),
		(SELECT athar.summarize(q.digital::double precision / q.transactions) FROM quarter AS q WHERE q.service = 'tax' AND q.first_day > '2014-10-01')) AS e$$,
	'interval, p and size are those of the eight shares');
SELECT results_eq($$SELECT flags, controls_used, did_estimate FROM answer$$,
	$$VALUES ('{by_period,autocorrelation_unknown}'::text[], '{}'::text[], NULL::double precision)$$, 'the source is named, without controls nothing is compared with');
SELECT results_eq(
	$$SELECT before_n, after_n, round(after_mean::numeric, 3) FROM athar.measure_effect('digital', 'tax', '2014-10-01', '1 year', controls => '{}')$$,
	$$VALUES (4::bigint, 4::bigint, 0.723)$$, 'without a washout a period that begins at the cutover is after');
SELECT results_eq(
	$$SELECT before_n, round(before_mean::numeric, 3), after_n, round(after_mean::numeric, 3) FROM athar.measure_effect('digital', 'tax', '2014-11-15', '1 year', controls => '{}')$$,
	$$VALUES (4::bigint, 0.550, 4::bigint, 0.746)$$, 'a period that holds the cutover is left out, and both spans are counted from its ends');
SELECT results_eq(
	$$SELECT c.cutover, 'cutover_within_period' = ANY (e.flags) FROM (VALUES ('2014-10-01'), ('2014-11-15'), ('2014-10-01 Asia/Riyadh')) AS c (cutover)
		CROSS JOIN LATERAL athar.measure_effect('digital', 'tax', c.cutover::timestamptz, '1 year', controls => '{}') AS e ORDER BY 1$$,
	$$VALUES ('2014-10-01', false), ('2014-10-01 Asia/Riyadh', true), ('2014-11-15', true)$$, 'a cutover inside a period is flagged, so also midnight of another zone');
SELECT results_eq(
	$$SELECT before_n, after_n, round(after_mean::numeric, 3) FROM athar.measure_effect('digital', 'tax', '2014-10-01', '6 months', '1 day', '{}')$$,
	$$VALUES (2::bigint, 2::bigint, 0.732)$$, 'a washout of a day leaves out the period it lies in');
SELECT ok('season_not_covered' = ANY (flags), 'a span below a year is flagged')
FROM athar.measure_effect('digital', 'tax', '2014-10-01', '6 months', '3 months', '{}');
SELECT results_eq(
	$$SELECT before_n, after_n, 'unequal_periods' = ANY (flags) FROM athar.measure_effect('digital', 'tax', '2015-04-01', '1 year', controls => '{}')$$,
	$$VALUES (4::bigint, 3::bigint, true)$$, 'unequal numbers of periods are flagged');
SELECT results_eq(
	$$SELECT verdict, flags FROM athar.measure_effect('digital', 'register', '2014-10-01', '1 year', '3 months', '{}')$$,
	$$VALUES ('no_clear_change', '{by_period,no_variation,below_smallest_change}'::text[])$$,
	'constant figures: the smallest change decides');
SELECT results_eq(
	$$SELECT verdict, round(difference::numeric, 9), p_value, ci_low FROM athar.measure_effect('digital', 'export', '2014-10-01', '1 year', '3 months', '{}')$$,
	$$VALUES ('improved', 0.03, NULL::double precision, NULL::double precision)$$, 'and above it there is a verdict, but no interval');

-- Controls.
SELECT results_eq(
	$$SELECT controls_used, round(did_estimate::numeric, 6), round(did_ci_low::numeric, 6), round(did_ci_high::numeric, 6) FROM athar.measure_effect('digital', 'tax', '2014-10-01', '1 year', '3 months')$$,
	$$SELECT '{export,register}'::text[], round((a.difference - 0.02)::numeric, 6),
		round((a.difference - 0.02 - 12.7062047364 * sqrt(0.0002) * sqrt(1.5))::numeric, 6), round((a.difference - 0.02 + 12.7062047364 * sqrt(0.0002) * sqrt(1.5))::numeric, 6)
	FROM answer AS a$$,
	'by default the others of the unit that have every period; one against k others, df k - 1');
SELECT ok('not_beyond_controls' = ANY (flags), 'and two of them prove little')
FROM athar.measure_effect('digital', 'tax', '2014-10-01', '1 year', '3 months');
SELECT results_eq(
	$$SELECT controls_used, round(did_estimate::numeric, 6), did_ci_low, did_p_value, 'not_beyond_controls' = ANY (flags) FROM athar.measure_effect('digital', 'tax', '2014-10-01', '1 year', '3 months', '{test}')$$,
	$$SELECT '{test}'::text[], round((a.difference - 0.02)::numeric, 6), NULL::double precision, NULL::double precision, false FROM answer AS a$$,
	'a single control by name: an estimate, no interval');
SELECT results_eq(
	$$SELECT controls_used FROM athar.measure_effect('digital', 'tax', '2014-10-01', '1 year', '3 months', '{tax,gap,export,export}')$$,
	$$VALUES ('{export}'::text[])$$, 'the service itself, one without every period and a repetition do not count');
SELECT throws_ok($$SELECT athar.measure_effect('digital', 'tax', '2014-10-01', '1 year', controls => '{nobody}')$$, '42704', 'service "nobody" does not exist', 'unknown control');

-- Bases.
SELECT athar.report_measurement('cost', daterange(c.first_day, (c.first_day + interval '1 year')::date), athar.summary_of(ARRAY[c.cost], '{1}'), 'tax', basis => c.basis)
FROM (VALUES ('2013-10-01'::date, 1.27, 'year to September'), ('2014-10-01', 0.98, 'year to September'),
	('2013-01-01', 1.03, 'year to December'), ('2014-01-01', 1.16, 'year to December'), ('2015-01-01', 0.98, 'year to December')) AS c (first_day, cost, basis);
SELECT results_eq(
	$$SELECT before_n, before_mean, after_n, after_mean, ci_low, p_value, verdict FROM athar.measure_effect('cost', 'tax', '2014-10-01', '1 year', controls => '{}')$$,
	$$VALUES (1::bigint, 1.27::double precision, 1::bigint, 0.98::double precision, NULL::double precision, NULL::double precision, 'insufficient_data')$$,
	'one rolling year a side: figures, no interval; of two bases the one that leaves nothing out');
SELECT athar.report_measurement('near', '[2014-01-01,2014-02-01)', athar.summary_of('{4}', '{1}'), 'tax', basis => 'month');
SELECT athar.report_measurement('near', '[2014-04-01,2014-07-01)', athar.summary_of('{5}', '{1}'), 'tax', basis => 'quarter');
SELECT is(verdict, 'not_comparable', 'figures on both sides, but never on the same basis')
FROM athar.measure_effect('near', 'tax', '2014-03-01', '1 year', controls => '{}');
SELECT results_eq(
	$$SELECT before_n, after_n, before_mean, difference, flags, verdict FROM athar.measure_effect('near', 'register', '2014-03-01', '1 year')$$,
	$$VALUES (0::bigint, 0::bigint, NULL::double precision, NULL::double precision, '{}'::text[], 'insufficient_data')$$,
	'no figures at all: one row all the same');

-- Figures by channel are merged where nobody reported the whole.
SELECT athar.define_channel('web', 'Web', true);
SELECT athar.define_channel('desk', 'Desk');
SELECT athar.report_measurement('digital', '[2014-01-01,2014-04-01)', athar.summary_of('{0,1}', ARRAY[c.no, c.yes]), 'test', c.channel, basis => 'by channel')
FROM (VALUES ('web', 10, 90), ('desk', 300, 0)) AS c (channel, no, yes);
SELECT results_eq(
	$$SELECT value FROM athar.period_figures(athar.kpi_id('digital')) WHERE basis = 'by channel'$$,
	$$VALUES (0.225::double precision)$$, 'channels merged, not averaged');
SELECT athar.report_measurement('digital', '[2014-01-01,2014-04-01)', athar.summary_of('{0,1}', '{1,1}'), 'test', basis => 'by channel');
SELECT results_eq(
	$$SELECT value FROM athar.period_figures(athar.kpi_id('digital')) WHERE basis = 'by channel'$$,
	$$VALUES (0.5::double precision)$$, 'a figure for the whole speaks for the whole');

-- Directions.
SELECT athar.report_measurement('near', daterange(m.day::date, (m.day + interval '1 month')::date), athar.summary_of(ARRAY[m.value], '{1}'), m.service, basis => 'month')
FROM (SELECT s.service, d.day, CASE WHEN d.day < '2020-07-01' THEN s.before ELSE s.after END + 0.01 * (extract(month FROM d.day)::integer % 3) AS value
	FROM generate_series('2020-01-01'::timestamp, '2020-12-01', '1 month') AS d (day)
	CROSS JOIN (VALUES ('tax', 3.0, 5.5), ('register', 5.2, 4.0), ('export', 4.0, 6.0)) AS s (service, before, after)) AS m;
SELECT is(verdict, 'improved', 'target: from 3 to 5.5 is nearer to 5')
FROM athar.measure_effect('near', 'tax', '2020-07-01', '6 months', controls => '{}');
SELECT is(verdict, 'worsened', 'target: from 5.2 to 4 is further away')
FROM athar.measure_effect('near', 'register', '2020-07-01', '6 months', controls => '{}');
SELECT athar.report_measurement('cost', daterange(m.day::date, (m.day + interval '1 month')::date), athar.summary_of(ARRAY[m.value], '{1}'), m.service, basis => 'month')
FROM (SELECT s.service, d.day, CASE WHEN d.day < '2020-07-01' THEN s.before ELSE s.after END + s.slope * extract(month FROM d.day)::integer + 0.01 * (extract(month FROM d.day)::integer % 3) AS value
	FROM generate_series('2020-01-01'::timestamp, '2020-12-01', '1 month') AS d (day)
	CROSS JOIN (VALUES ('tax', 3.0, 2.0, 0.0), ('register', 3.0, 3.5, 0.0), ('export', 3.0, 3.0, 1.0)) AS s (service, before, after, slope)) AS m;
SELECT is(verdict, 'improved', 'down: less is better')
FROM athar.measure_effect('cost', 'tax', '2020-07-01', '6 months', controls => '{}');
SELECT is(verdict, 'worsened', 'down: more is worse')
FROM athar.measure_effect('cost', 'register', '2020-07-01', '6 months', controls => '{}');
SELECT ok(flags @> '{trend_before}', 'what moved before the cutover already is flagged')
FROM athar.measure_effect('cost', 'export', '2020-07-01', '6 months', controls => '{}');
SELECT ok(NOT flags && '{trend_before,autocorrelated}', 'what did not is not')
FROM athar.measure_effect('cost', 'tax', '2020-07-01', '6 months', controls => '{}');
SELECT athar.report_measurement('cost', daterange(d.day::date, (d.day + interval '1 month')::date), athar.summary_of(ARRAY[5 + sin(d.n / 3.0)], '{1}'), 'gap', basis => 'month')
FROM generate_series('2020-01-01'::timestamp, '2023-12-01', '1 month') WITH ORDINALITY AS d (day, n);
SELECT ok(flags @> '{autocorrelated}', 'figures that hang together from month to month are flagged')
FROM athar.measure_effect('cost', 'gap', '2022-01-01', '2 years', controls => '{}');
SELECT athar.report_measurement('near', daterange(d.day::date, (d.day + interval '1 month')::date), athar.summary_of(ARRAY[d.n], '{1}'), 'gap', basis => 'month')
FROM generate_series('2020-01-01'::timestamp, '2020-12-01', '1 month') WITH ORDINALITY AS d (day, n);
SELECT ok(flags @> '{trend_before}', 'a straight line is a trend')
FROM athar.measure_effect('near', 'gap', '2020-07-01', '6 months', controls => '{}');

-- Observations.
SELECT athar.record_observation('wait', v.value, v.at::timestamptz, 'tax')
FROM (VALUES (30, '2024-03-01 09:00+00'), (34, '2024-03-20 09:00+00'), (32, '2024-06-30 23:59:59.999999+00'),
	(99, '2024-07-01 00:00+00'), (98, '2024-07-07 23:59+00'), (20, '2024-07-08 00:00+00'), (22, '2024-08-01 09:00+00'), (21, '2024-09-01 09:00+00'),
	(1000, '2023-06-01 09:00+00'), (1000, '2025-08-01 09:00+00')) AS v (value, at);
SELECT results_eq(
	$$SELECT before_n, before_mean, after_n, after_mean, flags, verdict FROM athar.measure_effect('wait', 'tax', '2024-07-01', '1 year', '7 days')$$,
	$$VALUES (3::bigint, 32::double precision, 3::bigint, 21::double precision, '{autocorrelation_unknown}'::text[], 'improved')$$,
	'single values: the washout is left out, what lies beyond the spans too');
SELECT is(after_n, 5::bigint, 'an observation at the cutover is after')
FROM athar.measure_effect('wait', 'tax', '2024-07-01', '1 year');
SELECT is(before_n, 0::bigint, 'the whole has figures of its own')
FROM athar.measure_effect('wait', NULL, '2024-07-01', '1 year');
SELECT athar.define_kpi('in-time', 'Answered within a day', 'share', 'up', kind => 'share_within', time_limit => '24 hours');
SELECT athar.record_observation('in-time', v.hours * 3600, '2024-05-01'::timestamptz + v.day * interval '1 day', 'tax')
FROM (VALUES (24, 0), (24.001, 1), (30, 2), (1, 70), (24, 71), (25, 72)) AS v (hours, day);
SELECT results_eq(
	$$SELECT round(before_mean::numeric, 6), round(after_mean::numeric, 6) FROM athar.measure_effect('in-time', 'tax', '2024-07-01', '1 year')$$,
	$$VALUES (0.333333, 0.666667)$$, 'a share within a limit: the boundary counts as within');

-- Bad input.
SELECT throws_ok($$SELECT athar.measure_effect('nothing', 'tax', '2014-10-01', '1 year')$$, '42704', 'KPI "nothing" does not exist', 'unknown KPI');
SELECT throws_ok($$SELECT athar.measure_effect('cost', 'nothing', '2014-10-01', '1 year')$$, '42704', 'service "nothing" does not exist', 'unknown service');
SELECT throws_ok(format($$SELECT athar.measure_effect('cost', 'tax', %L, %L, %L)$$, e.cutover, e.span, e.washout), '22023',
	'an effect is measured within the years 1 to 9999, over at most 1000 years', 'beyond what can be computed')
FROM (VALUES ('0001-12-31 BC', '1 year', '0'), ('10000-01-02', '1 year', '0'), ('2014-10-01', '1001 years', '0'), ('2014-10-01', '1 year', '178000000 years')) AS e (cutover, span, washout);
SELECT is(string_agg(f.path || ': ' || f.fault, ', '),
	'/items/A1/kpis/0: span must be a length above zero, such as "1 year", /items/A2/kpis/0: washout must be a length, such as "3 months"',
	'a plan asks for no thousands of years, on which every measurement would fail')
FROM athar.validate_plan('{"title": "t", "items": [{"id": "A1", "title": "t", "kpis": [{"kpi": "cost", "span": "1000 years"}]},
	{"id": "A2", "title": "t", "kpis": [{"kpi": "cost", "span": "999 years", "washout": "9999 years"}]}]}') AS f;
SELECT throws_ok($$SELECT athar.measure_effect('cost', 'tax', 'infinity', '1 year')$$, '22023', 'the cutover of an effect must be a finite time', 'endless cutover');
SELECT throws_ok($$SELECT athar.measure_effect('cost', 'tax', '2014-10-01', '-1 year')$$, '22023', NULL, 'negative span');
SELECT throws_ok($$SELECT athar.measure_effect('cost', 'tax', '2014-10-01', '0')$$, '22023', NULL, 'no span');
SELECT throws_ok($$SELECT athar.measure_effect('cost', 'tax', '2014-10-01', '1 year', '-1 day')$$, '22023', NULL, 'negative washout');
SELECT throws_ok($$SELECT athar.measure_effect('cost', 'tax', NULL, '1 year')$$, '22023', 'an effect needs a KPI, a cutover and a span', 'no cutover');
SELECT throws_ok($$SELECT athar.measure_effect('cost', 'tax', '2014-10-01', '1 year', NULL)$$, '22023', 'an effect needs a KPI, a cutover and a span', 'no washout');

-- Effects follow the plan.
SELECT athar.create_project('disc', 'No paper disc', 'agency', $${"title": "No paper disc", "items": [
	{"id": "A1", "title": "Stop printing", "service": "tax", "status": "live", "live_on": "2014-10-01",
	 "kpis": [{"kpi": "digital", "target": "at least 0.70", "washout": "3 months", "controls": ["test"]}, {"kpi": "cost"}]},
	{"id": "A2", "title": "Tell people"},
	{"id": "A3", "title": "Next year", "service": "register", "kpis": [{"kpi": "digital"}]},
	{"id": "A4", "title": "Far ahead", "service": "export", "live_on": "2999-01-01", "kpis": [{"kpi": "digital"}]}]}$$, 'start');
SELECT results_eq(
	$$SELECT a.item_id, k.code::text, e.target, e.span, e.washout, e.controls, e.is_withdrawn FROM athar.effect AS e JOIN athar.action AS a ON a.id = e.action_id JOIN athar.kpi AS k ON k.id = e.kpi_id ORDER BY 1, 2$$,
	$$VALUES ('A1', 'cost', NULL, NULL::interval, NULL::interval, NULL::text[], false), ('A1', 'digital', 'at least 0.70', NULL, '3 months', '{test}', false),
		('A3', 'digital', NULL, NULL, NULL, NULL, false), ('A4', 'digital', NULL, NULL, NULL, NULL, false)$$,
	'one effect for each KPI that an item names');
SELECT results_eq(
	$$SELECT v.path, v.fault FROM athar.validate_plan('{"title": "t", "items": [{"id": "A1", "title": "t", "kpis": [
		{"kpi": "digital", "span": "a year", "washout": "0 days"}, {"kpi": "cost", "span": "0 days"}]}, {"id": "A2", "title": "t", "kpis": [
		{"kpi": "digital", "span": "2 years", "washout": -1}, {"kpi": "cost", "controls": "tax"}, {"kpi": "near", "controls": ["tax", 7, "nobody"]},
		{"kpi": "wait", "span": "18 months", "washout": null, "controls": [], "target": "-20%"}, {"kpi": "in-time", "target": "much better"}]}]}') AS v$$,
	$$VALUES ('/items/A1/kpis/0', 'span must be a length above zero, such as "1 year"'), ('/items/A1/kpis/1', 'span must be a length above zero, such as "1 year"'),
		('/items/A2/kpis/0', 'washout must be a length, such as "3 months"'), ('/items/A2/kpis/1', 'controls must be an array of service codes'),
		('/items/A2/kpis/2', 'controls must be an array of service codes'),
		('/items/A2/kpis/4', 'target must read like "from 40 to 90", "at least 95", "at most 24", "between 4 and 5", "milestone" or "-20%"')$$,
	'how an effect is to be measured is checked with the plan');
SELECT is(athar.measure_effects('disc'), 2, 'what is live is measured');
SELECT is(athar.measure_effects(), 0, 'nothing new, no new row');
SELECT results_eq(
	$$SELECT action, kpi, state, reason, verdict FROM athar.before_after_report WHERE project = 'disc' ORDER BY action, kpi$$,
	format($$VALUES ('A1', 'cost', 'unmeasurable', 'too few figures: 1 before, 1 after', 'insufficient_data'), ('A1', 'digital', 'measured', 'measured %s', 'improved'),
		('A2', NULL, 'unmeasurable', 'the plan names no KPI for it', NULL), ('A3', 'digital', 'waiting', 'the action is not live', NULL), ('A4', 'digital', 'waiting', 'the time compared ends on 3000-01-01', NULL)$$, to_char(now(), 'YYYY-MM-DD')),
	'a row for each action and KPI, always');
SELECT results_eq(
	$$SELECT before_mean, after_mean, difference, ci_low, did_estimate, controls_used FROM athar.before_after_report WHERE project = 'disc' AND kpi = 'digital' AND action = 'A1'$$,
	$$SELECT before_mean, after_mean, difference, ci_low, did_estimate, controls_used FROM athar.measure_effect('digital', 'tax', '2014-10-01', '1 year', '3 months', '{test}')$$,
	'the report shows what was measured');
SELECT athar.report_measurement('digital', '[2013-10-01,2014-01-01)', athar.summary_of('{0,1}', '{4729447,5516201}'), 'tax', basis => 'quarter');
SELECT is(athar.measure_effects('disc'), 1, 'a corrected figure makes a new row');
SELECT is((SELECT count(DISTINCT before_mean) FROM athar.effect_measurement AS m JOIN athar.effect AS e ON e.id = m.effect_id
	WHERE e.kpi_id = athar.kpi_id('digital')), 2::bigint, 'and the old one stands');
SELECT status FROM athar.save_plan('disc', athar.get_plan('disc') #- '{items,0,kpis,1}' #- '{items,3}', 1, 'cost is not ours');
SELECT results_eq(
	$$SELECT a.item_id, k.code::text, e.is_withdrawn FROM athar.effect AS e JOIN athar.action AS a ON a.id = e.action_id JOIN athar.kpi AS k ON k.id = e.kpi_id WHERE a.item_id = 'A1' ORDER BY 1, 2$$,
	$$VALUES ('A1', 'cost', true), ('A1', 'digital', false)$$, 'what the plan no longer names is kept, and marked');
SELECT results_eq($$SELECT action, kpi, verdict, is_in_plan FROM athar.before_after_report WHERE project = 'disc' ORDER BY 1, 2$$,
	$$VALUES ('A1', 'cost', 'insufficient_data', false), ('A1', 'digital', 'improved', true), ('A2', NULL, NULL, true), ('A3', 'digital', NULL, true)$$,
	'what was measured stays in the report, what was not leaves with its action');
SELECT status FROM athar.save_plan('disc', jsonb_set(athar.get_plan('disc'), '{items,0,kpis,1}', '{"kpi": "cost", "span": "2 years"}'), 2, 'cost again');
SELECT results_eq(
	$$SELECT e.span, e.is_withdrawn FROM athar.effect AS e WHERE e.kpi_id = athar.kpi_id('cost')$$,
	$$VALUES ('2 years'::interval, false)$$, 'named again, it is the same effect');
SELECT throws_ok($$SELECT athar.measure_effects('nothing')$$, '42704', 'project "nothing" does not exist', 'unknown project');
SELECT ok(NOT 'overlapping_actions' = ANY (flags), 'the action itself does not overlap with itself')
FROM athar.measure_effect('digital', 'tax', '2014-10-01', '1 year', '3 months', '{}');
SELECT athar.create_project('same-day', 'The same day', 'agency', $${"title": "Same day", "items": [{"id": "C1", "title": "Letters", "service": "export", "live_on": "2014-10-01"},
	{"id": "C2", "title": "Calls", "service": "export", "live_on": "2014-10-01"}]}$$, 'start');
SELECT ok('overlapping_actions' = ANY (flags), 'two actions of one day overlap')
FROM athar.measure_effect('digital', 'export', '2014-10-01', '1 year', '3 months', '{}');
SELECT athar.create_project('beside', 'Beside it', 'agency', $${"title": "Beside", "items": [{"id": "B1", "title": "Letters", "service": "tax", "live_on": "2015-02-01"}]}$$, 'start');
SELECT ok('overlapping_actions' = ANY (flags), 'another action on the service in the time compared is flagged')
FROM athar.measure_effect('digital', 'tax', '2014-10-01', '1 year', '3 months', '{}');

-- The scorecard.
SELECT results_eq(
	$$SELECT unit, basis, period_start, period_end, round(value::numeric, 6), round(previous_value::numeric, 6), effects_measured, effects_improved, effects_worsened FROM athar.service_scorecard WHERE service = 'tax' AND kpi = 'digital'$$,
	$$VALUES ('agency', 'quarter', '2015-10-01'::date, '2015-12-31'::date, round(8395908 / 10803960.0, 6), round(8690946 / 11676819.0, 6), 1::bigint, 1::bigint, 0::bigint)$$,
	'the newest figure, the one before it, and what actions did');
SELECT results_eq(
	$$SELECT basis, period_start, value, previous_value FROM athar.service_scorecard WHERE service = 'tax' AND kpi = 'wait'$$,
	$$VALUES ('month', '2025-08-01'::date, 1000::double precision, 21::double precision)$$, 'observations are shown by month');
SELECT results_eq(
	$$SELECT service, kpi, value FROM athar.service_scorecard WHERE kpi IN ('digital', 'near') ORDER BY 1, 2$$,
	$$SELECT DISTINCT ON (s.code, k.code) s.code::text, k.code::text, f.value
	FROM athar.kpi AS k CROSS JOIN LATERAL athar.period_figures(k.id) AS f JOIN athar.service AS s ON s.id = f.service_id
	WHERE k.code IN ('digital', 'near') ORDER BY s.code, k.code, f.ends_at DESC, f.starts_at DESC$$,
	'each figure is the newest one recomputed');
CREATE ROLE athar_test_leader;
CREATE ROLE athar_test_agency;
SELECT athar.grant_access('athar_test_agency', 'read', 'other');
SET LOCAL ROLE athar_test_leader;
SELECT throws_ok('SELECT FROM athar.service_scorecard', '42501', NULL, 'without a privilege nobody sees it');
RESET ROLE;
GRANT USAGE ON SCHEMA athar TO athar_test_leader;
GRANT SELECT ON athar.service_scorecard TO athar_test_leader;
CREATE TEMP TABLE seen AS SELECT service, kpi, value, previous_value FROM athar.service_scorecard;
GRANT SELECT ON seen TO athar_test_leader;
SET LOCAL ROLE athar_test_leader;
SELECT set_eq('SELECT service, kpi, value, previous_value FROM athar.service_scorecard', 'SELECT service, kpi, value, previous_value FROM seen',
	'with SELECT on the view a leader sees all of it, days not yet summarised included');
SELECT throws_ok('SELECT FROM athar.measurement', '42501', NULL, 'and no table');
RESET ROLE;
SELECT ok((athar.refresh_measurements()).refreshed > 0, 'days are summarised');
SELECT set_eq('SELECT service, kpi, value, previous_value FROM athar.service_scorecard', 'SELECT service, kpi, value, previous_value FROM seen', 'which changes no figure');
SET LOCAL ROLE athar_test_agency;
SELECT results_eq('SELECT DISTINCT service FROM athar.service_scorecard', $$VALUES ('test')$$, 'a role sees the services of its unit');
SELECT throws_ok($$SELECT athar.measure_effects()$$, '42501', NULL, 'a reader does not write');
SELECT is(verdict, 'improved', 'but may measure') FROM athar.measure_effect('digital', 'tax', '2014-10-01', '1 year', '3 months', '{}');
RESET ROLE;
SELECT throws_ok($$UPDATE athar.effect_measurement SET verdict = 'splendid'$$, '23514', NULL, 'verdicts are of a list');
SELECT throws_ok($$INSERT INTO athar.effect (action_id, kpi_id) VALUES (0, 0)$$, '23503', NULL, 'an effect is of an action');
SELECT throws_ok($$DELETE FROM athar.kpi WHERE code = 'digital'$$, '23503', NULL, 'a KPI with effects stays');

SELECT * FROM finish();
ROLLBACK;
