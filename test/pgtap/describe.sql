-- describe: results as sentences, and the report of what closed actions did
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT no_plan();

SELECT athar.define_unit('agency', 'Agency');
SELECT athar.define_service(v.code, v.code, 'agency') FROM (VALUES ('permit'), ('renewal'), ('appeal')) AS v (code);
SELECT athar.define_kpi('days', 'Days to a decision', 'days', 'down', name_ar => 'الأيام حتى القرار', smallest_change => 1);
SELECT athar.define_kpi('trust', 'Trust', 'answers 1 to 5', 'up');
SELECT athar.define_kpi('room', 'Room temperature', 'C', 'target', desired_value => 21);

-- Figures ---------------------------------------------------------------------
SELECT results_eq(
	$$SELECT athar.figure_text(v.figure, v.size, 'en') FROM (VALUES
		(32.25::double precision, 35.0::double precision), (-0.28, 0.1), (1234567.891, 1e6), (0.3, 0.005), (4.0000001, 2), (0, 0), (0, NULL), (25.25, NULL), (NULL, 1),
		(1.5e150, 1e149), (-3e-301, 1e-301), (12345678901234567, 5), (1.7e308, 1), (-0.0, 1), (-1e-20, 5), ('NaN', 1), ('-Infinity', 1), (0.15, 10), (12.3, 'Infinity')) AS v (figure, size)$$,
	ARRAY['32.3', '-0.28', '1234568', '0.3', '4', '0', '0', '25.3', NULL, '1.50e+150', '-3.00e-301', '1.23e+16', '1.70e+308', '0', '0', NULL, NULL, '0.2', '12.3'],
	'figures are rounded to what can be known, and short');
SELECT is(athar.interval_text(v.low, v.high, $$en$$), v.words, $$an end is never rounded to 0$$)
FROM (VALUES (-10::double precision, 0.004::double precision, $$95 % confidence interval from -10 to 0.004$$), (-0.0441, 3, $$95 % confidence interval from -0.044 to 3$$), (0, 3, $$95 % confidence interval from 0 to 3$$), (NULL, NULL, $$no confidence interval$$)) AS v (low, high, words);
SELECT is(athar.figure_text(-0.28, NULL, 'ar'), U&'\200E-0.28', 'in an Arabic line the sign stays before the digits, which are Western');

-- A comparison, each verdict, in both languages ---------------------------------
CREATE TEMPORARY TABLE comparison (name text, kpi text, evidence athar.evidence);
INSERT INTO comparison (name, kpi, evidence)
SELECT v.name, v.kpi, (SELECT athar.compare(athar.summarize(b.x), NULL) FROM unnest(v.before) AS b (x))
FROM (VALUES ('nothing after', 'days', '{30,31}'::double precision[])) AS v (name, kpi, before)
UNION ALL
SELECT v.name, v.kpi, athar.compare(b.summary, a.summary)
FROM (VALUES
	('better', 'days', '{31,33,35,30}'::double precision[], '{22,20,24,21}'::double precision[]),
	('worse', 'trust', '{31,33,35,30}', '{22,20,24,21}'),
	('nearer', 'room', '{31,33,35,30}', '{22,20,24,21}'),
	('not clear', 'days', '{31,33,35,30}', '{31.5,33.4,35.3,30.1}'),
	('as far', 'room', '{22,22,23,23}', '{20,20,19,19}'),
	('one value', 'trust', '{4}', '{5}'),
	('constant', 'days', '{4,4}', '{9,9}'),
	('the same', 'days', '{4,4}', '{4,4}'),
	('near zero', 'trust', '{-3,3,-2,2.2}', '{5,6,7,8}')) AS v (name, kpi, before, after),
LATERAL (SELECT athar.summarize(x) FROM unnest(v.before) AS x) AS b (summary),
LATERAL (SELECT athar.summarize(x) FROM unnest(v.after) AS x) AS a (summary);
INSERT INTO comparison (name, kpi, evidence)
VALUES ('too small', 'days', athar.compare(athar.summary_of_moments(1000000, 4, 1), athar.summary_of_moments(900000, 4.1, 1))),
	('too far apart', 'trust', athar.compare(athar.summary_of('{-1.7e308,-1.6e308}', '{2,3}'), athar.summary_of('{1.7e308,1.6e308}', '{2,3}')));
SELECT is(athar.describe(c.evidence, c.kpi), w.sentence, 'English: ' || c.name)
FROM comparison AS c
JOIN (VALUES
	('better', 'Days to a decision (days) improved: from 32.3 to 21.8, down 10.5 (32.6 %), 95 % confidence interval from -14 to -7; 4 values before, 4 after.'),
	('worse', 'Trust (answers 1 to 5) worsened: from 32.3 to 21.8, down 10.5 (32.6 %), 95 % confidence interval from -14 to -7; 4 values before, 4 after.'),
	('nearer', 'Room temperature (C) improved: from 32.3 to 21.8, down 10.5 (32.6 %), 95 % confidence interval from -14 to -7; desired value 21; 4 values before, 4 after.'),
	('not clear', 'We cannot tell whether Days to a decision (days) changed: from 32.3 to 32.6, up 0.3 (1.01 %), 95 % confidence interval from -3.6 to 4.2; 4 values before, 4 after.'),
	('as far', 'We cannot tell whether Room temperature (C) came nearer to the desired value or went farther from it: from 22.5 to 19.5, down 3 (13.3 %), 95 % confidence interval from -4 to -2; desired value 21; 4 values before, 4 after.'),
	('one value', 'We cannot tell whether Trust (answers 1 to 5) changed, because there are too few figures: from 4 to 5, up 1 (25 %), no confidence interval; 1 value before, 1 after.'),
	('nothing after', 'We cannot tell whether Days to a decision (days) changed, because there are too few figures: 30.5 before; 2 values before, 0 after.'),
	('constant', 'Days to a decision (days) worsened: from 4 to 9, up 5 (125 %), no confidence interval; 2 values before, 2 after. Doubts: the figures do not vary, so there is no interval.'),
	('the same', 'Days to a decision (days) did not change: from 4 to 4, no difference, no confidence interval; 2 values before, 2 after. Doubts: the figures do not vary, so there is no interval.'),
	('near zero', 'Trust (answers 1 to 5) improved: from 0.1 to 6.5, up 6.5, 95 % confidence interval from 2 to 10.9; 4 values before, 4 after. Doubts: the figure before is so near to zero that a percentage says nothing.'),
	('too small', 'Days to a decision (days) changed by less than matters (smallest change that matters: 1): from 4 to 4.1, up 0.1 (2.5 %), 95 % confidence interval from 0.0972 to 0.1028; 1000000 values before, 900000 after.'),
	('too far apart', 'We cannot tell whether Trust (answers 1 to 5) changed, because the figures before and after cannot be compared: from -1.64e+308 to 1.64e+308; 5 values before, 5 after. Doubts: the figures are too large for their difference and its interval to be computed.')) AS w (name, sentence) USING (name);
SELECT is(athar.describe(c.evidence, c.kpi, 'ar'), w.sentence, 'Arabic: ' || c.name)
FROM comparison AS c
JOIN (VALUES
	('better', 'تحسّن مؤشر «الأيام حتى القرار» (days): من 32.3 إلى 21.8، أي بانخفاض قدره 10.5 (32.6 %)، وفترة الثقة 95 % من ' || U&'\200E-14 إلى \200E-7؛ ' || 'عدد القيم: 4 قبل التغيير و4 بعده.'),
	('worse', 'ساء مؤشر «Trust» (answers 1 to 5): من 32.3 إلى 21.8، أي بانخفاض قدره 10.5 (32.6 %)، وفترة الثقة 95 % من ' || U&'\200E-14 إلى \200E-7؛ ' || 'عدد القيم: 4 قبل التغيير و4 بعده.'),
	('not clear', 'لا يمكن الجزم بما إذا كان مؤشر «الأيام حتى القرار» (days) قد تغيّر: من 32.3 إلى 32.6، أي بارتفاع قدره 0.3 (1.01 %)، وفترة الثقة 95 % من ' || U&'\200E-3.6 إلى 4.2؛ ' || 'عدد القيم: 4 قبل التغيير و4 بعده.'),
	('as far', 'لا يمكن الجزم بما إذا كان مؤشر «Room temperature» (C) قد اقترب من القيمة المنشودة أو ابتعد عنها: من 22.5 إلى 19.5، أي بانخفاض قدره 3 (13.3 %)، وفترة الثقة 95 % من ' || U&'\200E-4 إلى \200E-2؛ ' || 'القيمة المنشودة 21؛ عدد القيم: 4 قبل التغيير و4 بعده.'),
	('one value', 'لا يمكن معرفة ما إذا كان مؤشر «Trust» (answers 1 to 5) قد تغيّر، لقلّة القيم: من 4 إلى 5، أي بارتفاع قدره 1 (25 %)، ومن دون فترة ثقة؛ عدد القيم: 1 قبل التغيير و1 بعده.'),
	('nothing after', 'لا يمكن معرفة ما إذا كان مؤشر «الأيام حتى القرار» (days) قد تغيّر، لقلّة القيم: 30.5 قبل التغيير؛ عدد القيم: 2 قبل التغيير و0 بعده.'),
	('the same', 'لم يتغيّر مؤشر «الأيام حتى القرار» (days): من 4 إلى 4، أي بلا فرق، ومن دون فترة ثقة؛ عدد القيم: 2 قبل التغيير و2 بعده. مواضع الشك: القيم لا تتباين، فلا توجد فترة ثقة.'),
	('too small', 'تغيّر مؤشر «الأيام حتى القرار» (days) بأقل مما يُعتدّ به (أصغر تغيّر ذي أهمية: 1): من 4 إلى 4.1، أي بارتفاع قدره 0.1 (2.5 %)، وفترة الثقة 95 % من 0.0972 إلى 0.1028؛ عدد القيم: 1000000 قبل التغيير و900000 بعده.')) AS w (name, sentence) USING (name);
SELECT is_empty($$
	SELECT c.name, l.lang, athar.describe(c.evidence, c.kpi, l.lang) FROM comparison AS c, (VALUES ('en'), ('ar')) AS l (lang)
	WHERE athar.describe(c.evidence, c.kpi, l.lang) IS NULL OR athar.describe(c.evidence, c.kpi, l.lang) ~ 'NaN|Infinity|[٠-٩]|  |%s|: [،;؛]'
$$, 'a sentence whatever there is, in Western digits');
SELECT is(athar.describe(NULL::athar.evidence, 'days'), NULL, 'nothing to describe');
SELECT is(athar.describe(NULL::athar.effect_measurement), NULL, 'nor here');
SELECT is(athar.describe(evidence, NULL), NULL, 'about nothing') FROM comparison WHERE name = 'better';
SELECT throws_ok($$SELECT athar.describe(evidence, 'nothing') FROM comparison$$, '42704', 'KPI "nothing" does not exist', 'unknown KPI');
SELECT throws_ok($$SELECT athar.describe(evidence, 'days', 'fr') FROM comparison$$, '22023', 'language "fr" is not known', 'unknown language');

-- A measured effect --------------------------------------------------------------
SELECT athar.report_measurement('days', daterange(d.day::date, (d.day + interval '3 months')::date),
	athar.summary_of_moments(100, CASE WHEN d.day < '2025-01-01' THEN s.before ELSE s.after END + d.n % 3 * 0.2, 1), s.service, basis => 'quarter')
FROM generate_series('2024-01-01'::timestamp, '2025-12-01', '3 months') WITH ORDINALITY AS d (day, n),
	(VALUES ('permit', 30, 20), ('renewal', 18, 17.5), ('appeal', 40, 40.4)) AS s (service, before, after);
SELECT is(athar.describe_effect('days', 'permit', '2025-01-01', '1 year', controls => ARRAY['renewal', 'appeal']),
	'Days to a decision (days) improved: from 30.2 to 20.25, down 9.95 (32.9 %), 95 % confidence interval from -10.26 to -9.64; 4 periods before, 4 after. '
	|| 'Beyond the 2 services compared: down 10, 95 % confidence interval from -19.9 to -0.046. Doubts: each period counts as one value, however many cases it holds; '
	|| 'too few points to tell whether the figures follow one another, which would make the interval too narrow.',
	'an effect as it is measured');
SELECT matches(athar.describe_effect('days', 'permit', '2025-01-01', '1 year', controls => ARRAY['renewal'], lang => 'ar'),
	'^تحسّن مؤشر «الأيام حتى القرار».*عدد الفترات الزمنية: 4 قبل التغيير و4 بعده\. بعد طرح ما تغيّر في خدمات المقارنة \(عددها 1\): انخفاض قدره 9\.5، ومن دون فترة ثقة\. مواضع الشك: كل فترة زمنية', 'and in Arabic');
SELECT matches(athar.describe_effect('days', 'permit', '2035-01-01', '1 year', controls => '{}'), '^We cannot tell whether .* too few figures; 0 values before, 0 after\.$', 'without figures');
SELECT throws_ok($$SELECT athar.describe_effect('days', 'permit', '2025-01-01', '1 year', lang => NULL)$$, '22023', NULL, 'no language');

-- Every verdict and every flag that an effect can have has words.
SELECT is_empty($$
	SELECT v.verdict, l.lang FROM unnest('{improved,worsened,no_clear_change,insufficient_data,not_comparable}'::text[]) AS v (verdict), (VALUES ('en'), ('ar')) AS l (lang),
	LATERAL (SELECT athar.effect_sentence(jsonb_populate_record(NULL::athar.effect_measurement, jsonb_build_object('verdict', v.verdict, 'flags', '{}'::text[])), athar.kpi_id('days'), l.lang)) AS s (sentence)
	WHERE s.sentence IS NULL OR s.sentence !~ CASE WHEN v.verdict IN ('improved', 'worsened') THEN CASE l.lang WHEN 'en' THEN v.verdict ELSE '^(تحسّن|ساء)' END ELSE 'cannot tell|لا يمكن' END
$$, 'every verdict has words');
CREATE TEMPORARY TABLE flag AS
SELECT DISTINCT f.flag[1] AS flag
FROM pg_proc AS p,
	regexp_matches(pg_get_function_sqlbody(p.oid), $$(?:THEN|flags \|\|) '([a-z_]+)'::text$$, 'g') AS f (flag)
WHERE p.pronamespace = 'athar'::regnamespace AND p.proname IN ('measure_effect', 'store_measurements', 'judge_difference')
	AND f.flag[1] NOT IN ('improved', 'worsened', 'no_clear_change', 'insufficient_data', 'not_comparable', 'up', 'down', 'target');
SELECT cmp_ok(count(*), '>=', 16::bigint, 'the flags of measure_effect were found') FROM flag;
SELECT is_empty('SELECT f.flag FROM flag AS f LEFT JOIN athar.flag_words AS w USING (flag) WHERE (btrim(w.words) <> $$$$ AND w.words_ar ~ $$[ء-ي]$$) IS NOT TRUE', 'every flag has words in both languages');
SELECT is_empty($$
	SELECT f.flag, l.lang FROM (SELECT flag FROM flag UNION SELECT flag FROM athar.flag_words) AS f JOIN athar.flag_words AS w USING (flag), (VALUES ('en'), ('ar')) AS l (lang)
	WHERE position(CASE l.lang WHEN 'en' THEN w.words ELSE w.words_ar END IN athar.effect_sentence(
		jsonb_populate_record(NULL::athar.effect_measurement, jsonb_build_object('verdict', 'improved', 'flags', ARRAY[f.flag])), athar.kpi_id('days'), l.lang)) = 0
$$, 'and a sentence says them');
SELECT matches(athar.effect_sentence(jsonb_populate_record(NULL::athar.effect_measurement, '{"verdict": "improved", "flags": ["by_period", "something_new"]}'), athar.kpi_id('days'), 'en'),
	'Doubts: each period .*; something_new\.$', 'a flag without words is shown as it is');

-- The trust of the US Transportation Security Administration's contact centre:
-- what an effect with channels says.
SELECT is(athar.effect_sentence(jsonb_populate_record(NULL::athar.effect_measurement, to_jsonb(f.m) || to_jsonb(f.e) || jsonb_build_object('matched_ci_low', (f.m).ci_low, 'matched_ci_high', (f.m).ci_high) || '{"verdict": "worsened", "flags": ["mix_reverses"]}'), athar.kpi_id('trust'), 'en'),
	'Trust (answers 1 to 5) worsened: from 4.398 to 4.118, down 0.28 (6.37 %), 95 % confidence interval from -0.311 to -0.249; 8427 values before, 17223 after. '
	|| 'Like for like: up 0.174, 95 % confidence interval from 0.136 to 0.213; from another mix of channels: down 0.454. Doubts: the whole moved the other way than its channels did.', 'a pooled figure never without its mix')
FROM (
	SELECT athar.compare(athar.merge(v.s) FILTER (WHERE NOT v.is_after), athar.merge(v.s) FILTER (WHERE v.is_after)) AS e, athar.compare_matched(v.s, v.channel, v.is_after) AS m
	FROM (SELECT c.channel, c.is_after, athar.summary_of('{1,2,3,4,5}', c.counts) AS s FROM (VALUES
		('email', false, '{92,38,47,33,35}'::bigint[]), ('email', true, '{1161,696,1048,1066,1010}'),
		('phone', false, '{310,299,676,978,5919}'), ('phone', true, '{428,377,653,1153,9631}')) AS c (channel, is_after, counts)) AS v) AS f;

-- The report ----------------------------------------------------------------------
SELECT athar.create_cycle('c', 'Years', '[2024-01-01,2027-01-01)');
SELECT athar.create_goal('policy', 'A state that answers', 'policy', 'c');
SELECT athar.create_goal('quick', 'Decisions come quickly', 'objective', 'c', 'policy');
UPDATE athar.goal SET rationale = 'people wait in front of closed doors' WHERE code = 'quick';
SELECT athar.create_goal('quick-days', 'Fewer days', 'key_result', 'c', 'quick', kpi => 'days', target => 'from 30 to 20');
SELECT athar.create_project('faster', 'Faster permits', 'agency', '{"title": "Faster permits", "items": [
	{"id": "A1", "title": "Apply online", "title_ar": "التقديم عبر الإنترنت", "service": "permit", "status": "done", "live_on": "2025-01-01", "kpis": [{"kpi": "days", "target": "-10%", "controls": []}, {"kpi": "trust"}]},
	{"id": "A2", "title": "Remind", "description": "Letters remind people of what is missing", "service": "renewal", "status": "verified", "live_on": "2025-01-01", "kpis": [{"kpi": "days", "target": "-10%", "controls": []}]},
	{"id": "A3", "title": "Tell everybody", "status": "done", "kpis": [{"kpi": "trust", "target": "+1%"}]},
	{"id": "A4", "title": "Still open", "service": "appeal", "status": "live", "live_on": "2025-01-01", "kpis": [{"kpi": "days", "target": "-10%"}]},
	{"id": "A5", "title": "Nobody knows when", "service": "appeal", "status": "done", "kpis": [{"kpi": "days", "target": "-10%"}]},
	{"id": "A6", "title": "Far ahead", "service": "appeal", "status": "done", "live_on": "2998-01-01", "kpis": [{"kpi": "days", "target": "-10%"}]}]}', 'the minister asked for it');
SELECT status FROM athar.save_plan('faster', jsonb_set(athar.get_plan('faster'), '{items,0,weight}', '2') #- '{items,2,kpis}', 1, 'another weight');
SELECT athar.align('quick-days', 'faster', 'A1', 1);
SELECT ok(athar.measure_effects('faster') >= 0, 'what is live is measured');
SELECT results_eq(
	$$SELECT action, kpi, change, reason, goal, policy FROM athar.impact_report ORDER BY action, kpi$$,
	$$VALUES
		('A1', 'days', 'Apply online (live since 2025-01-01)', 'the minister asked for it; people wait in front of closed doors', 'quick-days', 'A state that answers'),
		('A1', 'trust', 'Apply online (live since 2025-01-01)', 'the minister asked for it; people wait in front of closed doors', 'quick-days', 'A state that answers'),
		('A2', 'days', 'Letters remind people of what is missing (live since 2025-01-01)', 'the minister asked for it', NULL, NULL),
		('A3', NULL, 'Tell everybody (no day is known on which it went live)', 'the minister asked for it', NULL, NULL),
		('A5', 'days', 'Nobody knows when (no day is known on which it went live)', 'the minister asked for it', NULL, NULL),
		('A6', 'days', 'Far ahead (live since 2998-01-01)', 'the minister asked for it', NULL, NULL)$$,
	'a row for each closed action and KPI: what changed and why');
SELECT results_eq(
	$$SELECT action, kpi, difference, ci_low, ci_high, p_value, verdict, flags, sentence, sentence_ar FROM athar.impact_report WHERE verdict IS NOT NULL ORDER BY action, kpi$$,
	$$SELECT a.item_id, k.code::text, m.difference, m.ci_low, m.ci_high, m.p_value, m.verdict, m.flags, athar.describe(m), athar.describe(m, 'ar')
	FROM athar.effect_measurement AS m JOIN athar.effect AS e ON e.id = m.effect_id JOIN athar.action AS a ON a.id = e.action_id JOIN athar.kpi AS k ON k.id = e.kpi_id
	WHERE a.item_id IN ('A1', 'A2') ORDER BY 1, 2$$,
	'what it did: the newest measurement, and its sentence');
SELECT is(count(*), 3::bigint, 'three of them are measured') FROM athar.impact_report WHERE verdict IS NOT NULL;
SET LOCAL datestyle = 'SQL, DMY';
SELECT is((SELECT change FROM athar.impact_report WHERE action = 'A1' AND kpi = 'days'), 'Apply online (live since 2025-01-01)', 'dates are written alike for everybody');
SELECT results_eq(
	$$SELECT action, sentence, sentence_ar FROM athar.impact_report WHERE verdict IS NULL ORDER BY action$$,
	$$VALUES
		('A3', 'We cannot tell what it did: the plan names no KPI for it.', 'لا يمكن معرفة أثره: الخطة لا تذكر له مؤشرًا.'),
		('A5', 'We cannot tell what it did: no day is known on which it went live.', 'لا يمكن معرفة أثره: لا يُعرف اليوم الذي بدأ العمل به.'),
		('A6', 'We cannot tell what it did: the time compared ends on 2999-01-01.', 'لا يمكن معرفة أثره: تنتهي مدة المقارنة في ' || U&'\200E2999-01-01.')$$,
	'or why nobody can tell');
RESET datestyle;
SELECT is_empty('SELECT FROM athar.impact_report WHERE num_nulls(change, reason, sentence, sentence_ar) > 0', 'what, why and how much are never missing');
SELECT ok(position(format('interval from %s to %s', athar.figure_text(ci_low, 5 * (ci_high - ci_low), 'en', true), athar.figure_text(ci_high, 5 * (ci_high - ci_low), 'en', true)) IN sentence) > 0
	AND position('فترة الثقة 95 % من ' IN sentence_ar) > 0, 'the sentence has the interval')
FROM athar.impact_report WHERE action = 'A1' AND kpi = 'days';
SELECT results_eq(
	$$SELECT action, q_value FROM athar.impact_report WHERE q_value IS NOT NULL ORDER BY p_value$$,
	$$SELECT r.action, r.q[r.place] FROM (
		SELECT action, row_number() OVER (ORDER BY p_value) AS place, athar.q_values(array_agg(p_value) OVER (ORDER BY p_value ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)) AS q
		FROM athar.impact_report WHERE p_value IS NOT NULL) AS r ORDER BY r.place$$,
	'q-values over the whole report');
SELECT is(count(*), 2::bigint, 'for those that have a p-value') FROM athar.impact_report WHERE q_value IS NOT NULL;
SELECT is(q_value, (SELECT q_value FROM athar.impact_report AS r WHERE r.action = 'A2'), 'a filter does not change them') FROM athar.impact_report WHERE action = 'A2';


SELECT * FROM finish();
ROLLBACK;
