-- 62 describe: a result as a sentence, in English and in Arabic

CREATE OR REPLACE VIEW athar.flag_words WITH (security_invoker = true) AS
SELECT w.flag, w.words, w.words_ar
FROM (VALUES
	('by_period', 'each period counts as one value, however many cases it holds',
		'كل فترة زمنية تُحسب قيمة واحدة مهما كان عدد حالاتها'),
	('values_left_out', 'single values were recorded beside these periods, and are not in the comparison',
		'سُجّلت قيم مفردة إلى جانب هذه الفترات الزمنية ولا تدخل في المقارنة'),
	('cutover_within_period', 'the period in which the change came is left out',
		'الفترة الزمنية التي وقع فيها التغيير مستبعدة'),
	('season_not_covered', 'less than a year is compared, so seasons may differ',
		'المقارنة تغطي أقل من سنة، فقد تختلف المواسم'),
	('unequal_periods', 'the two sides have different numbers or lengths of periods',
		'عدد الفترات الزمنية أو أطوالها يختلف بين الجانبين'),
	('no_variation', 'the figures do not vary, so there is no interval',
		'القيم لا تتباين، فلا توجد فترة ثقة'),
	('base_near_zero', 'the figure before is so near to zero that a percentage says nothing',
		'القيمة قبل التغيير قريبة من الصفر، فلا معنى للنسبة المئوية'),
	('mix_reverses', 'the whole moved the other way than its channels did',
		'تغيّر المجموع في اتجاه يخالف اتجاه التغيّر داخل القنوات'),
	('autocorrelated', 'the figures follow one another, so the interval is too narrow',
		'القيم المتتالية مترابطة، ففترة الثقة أضيق مما ينبغي'),
	('autocorrelation_unknown', 'too few points to tell whether the figures follow one another, which would make the interval too narrow',
		'النقاط أقل من أن يُعرف منها هل القيم المتتالية مترابطة، ولو كانت كذلك لكانت فترة الثقة أضيق مما ينبغي'),
	('out_of_range', 'the figures are too large for their difference and its interval to be computed',
		'القيم أكبر من أن يُحسب الفرق بينها وفترة الثقة'),
	('spread_unknown', 'how far the values lie apart is not known, so there is no interval',
		'مدى تباعد القيم غير معروف، فلا توجد فترة ثقة'),
	('trend_before', 'it was moving before the change already',
		'كان المؤشر آخذًا في التغيّر قبل التغيير أصلًا'),
	('overlapping_actions', 'another action on the service went live in the time compared',
		'بدأ إجراء آخر على الخدمة نفسها خلال مدة المقارنة'),
	('below_smallest_change', 'the change is smaller than the smallest one that matters',
		'التغيّر أصغر من أن يُعتدّ به'),
	('not_beyond_controls', 'it cannot be told apart from how the services compared changed',
		'لا يمكن تمييز التغيّر عمّا تغيّر في خدمات المقارنة'),
	('late_data', 'figures of the time compared arrived, or were corrected, after it was first measured',
		'وصلت قيم من مدة المقارنة أو صُحّحت بعد القياس الأول')
) AS w (flag, words, words_ar);
COMMENT ON VIEW athar.flag_words IS 'What each flag of a measured effect means, in words that follow "Doubts:"';
COMMENT ON COLUMN athar.flag_words.flag IS 'The flag, as in effect_measurement.flags and the answers of measure_effect()';
COMMENT ON COLUMN athar.flag_words.words IS 'In English';
COMMENT ON COLUMN athar.flag_words.words_ar IS 'In Arabic';

CREATE OR REPLACE FUNCTION athar.figure_text(figure double precision, size double precision, lang text, is_never_zero boolean DEFAULT false)
RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_figure_text';
COMMENT ON FUNCTION athar.figure_text(double precision, double precision, text, boolean) IS
'A figure as people read it: rounded so that a figure of this size would have three digits (NULL or 0: the figure itself), without zeros at the end. is_never_zero: what is not 0 is not rounded to 0 but to two digits of its own. Western digits in every language; where lang is ar a left-to-right mark stands before a minus sign. NULL for a figure that is NULL, NaN or infinite.';

CREATE OR REPLACE FUNCTION athar.change_text(change double precision, size double precision, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN change = 0 AND lang = 'ar' THEN 'لا فرق'
	WHEN change = 0 THEN 'no difference'
	WHEN athar.figure_text(change, size, '') = '0' AND lang = 'ar' THEN 'فرق لا يكاد يُذكر'
	WHEN athar.figure_text(change, size, '') = '0' THEN 'hardly any difference'
	WHEN lang = 'ar' THEN CASE WHEN change > 0 THEN 'ارتفاع قدره ' ELSE 'انخفاض قدره ' END || athar.figure_text(abs(change), size, lang)
	ELSE CASE WHEN change > 0 THEN 'up ' ELSE 'down ' END || athar.figure_text(abs(change), size, lang)
END;
COMMENT ON FUNCTION athar.change_text(double precision, double precision, text) IS
'A difference with its direction in words, rounded as figure_text() does. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.interval_size(low double precision, high double precision)
RETURNS double precision
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN greatest(abs(low), abs(high)) < 1e300 THEN nullif(5 * (high - low), 0) END;
COMMENT ON FUNCTION athar.interval_size(double precision, double precision) IS
'The size for figure_text() by which figures with this confidence interval are rounded, to two digits of half its width. NULL without an interval, for one of no width, and beyond 1e300.';

CREATE OR REPLACE FUNCTION athar.interval_text(low double precision, high double precision, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE lang
	WHEN 'ar' THEN coalesce(
		'فترة الثقة 95 % من ' || athar.figure_text(low, athar.interval_size(low, high), lang, true) || ' إلى ' || athar.figure_text(high, athar.interval_size(low, high), lang, true),
		'من دون فترة ثقة')
	ELSE coalesce(
		'95 % confidence interval from ' || athar.figure_text(low, athar.interval_size(low, high), lang, true) || ' to ' || athar.figure_text(high, athar.interval_size(low, high), lang, true),
		'no confidence interval')
END;
COMMENT ON FUNCTION athar.interval_text(double precision, double precision, text) IS
'A confidence interval of 95 % in words, its ends rounded to two digits of half its width, but never to 0: on which side of 0 they lie is what readers look for. Says so where there is none.';

CREATE OR REPLACE FUNCTION athar.effect_sentence(measurement athar.effect_measurement, kpi_id integer, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.check_language(effect_sentence.lang);
	SELECT CASE effect_sentence.lang
		WHEN 'ar' THEN concat(
			CASE
				WHEN m.verdict = 'improved' THEN 'تحسّن ' || s.subject
				WHEN m.verdict = 'worsened' THEN 'ساء ' || s.subject
				WHEN m.verdict = 'no_clear_change' THEN CASE
					WHEN m.flags @> '{below_smallest_change}' THEN format('تغيّر %s بأقل مما يُعتدّ به (أصغر تغيّر ذي أهمية: %s)', s.subject, athar.figure_text(k.smallest_change, NULL, 'ar'))
					WHEN m.flags @> '{no_variation}' AND m.difference = 0 THEN 'لم يتغيّر ' || s.subject
					WHEN k.direction = 'target' THEN 'لا يمكن الجزم بما إذا كان ' || s.subject || ' قد اقترب من القيمة المنشودة أو ابتعد عنها'
					ELSE 'لا يمكن الجزم بما إذا كان ' || s.subject || ' قد تغيّر' END
				WHEN m.verdict = 'not_comparable' THEN 'لا يمكن معرفة ما إذا كان ' || s.subject || ' قد تغيّر، لأن القيم قبل التغيير وبعده غير قابلة للمقارنة'
				WHEN m.flags @> '{spread_unknown}' THEN 'لا يمكن معرفة ما إذا كان ' || s.subject || ' قد تغيّر'
				ELSE 'لا يمكن معرفة ما إذا كان ' || s.subject || ' قد تغيّر، لقلّة القيم'
			END,
			CASE
				WHEN m.difference IS NOT NULL THEN format(': من %s إلى %s، أي ب%s', f.before, f.after, f.change) || coalesce(' (' || f.percent || ' %)', '') || '، و' || f.interval
				WHEN f.before IS NOT NULL AND f.after IS NOT NULL THEN format(': من %s إلى %s', f.before, f.after)
				ELSE coalesce(': ' || f.before || ' قبل التغيير', ': ' || f.after || ' بعد التغيير')
			END,
			'؛ القيمة المنشودة ' || f.desired,
			format('؛ عدد %s: %s قبل التغيير و%s بعده', CASE WHEN m.flags @> '{by_period}' THEN 'الفترات الزمنية' ELSE 'القيم' END, coalesce(m.before_n, 0), coalesce(m.after_n, 0)),
			'.',
			' عند مقارنة المثل بالمثل: ' || f.matched || '، و' || f.matched_interval || coalesce('؛ ومن تغيّر التوزيع بين القنوات: ' || f.mix, '') || '.',
			format(' بعد طرح ما تغيّر في خدمات المقارنة (عددها %s): ', cardinality(m.controls_used)) || f.beyond || '، و' || f.beyond_interval || '.',
			' مواضع الشك: ' || d.doubts || '.')
		ELSE concat(
			CASE
				WHEN m.verdict = 'improved' THEN s.subject || ' improved'
				WHEN m.verdict = 'worsened' THEN s.subject || ' worsened'
				WHEN m.verdict = 'no_clear_change' THEN CASE
					WHEN m.flags @> '{below_smallest_change}' THEN format('%s changed by less than matters (smallest change that matters: %s)', s.subject, athar.figure_text(k.smallest_change, NULL, 'en'))
					WHEN m.flags @> '{no_variation}' AND m.difference = 0 THEN s.subject || ' did not change'
					WHEN k.direction = 'target' THEN 'We cannot tell whether ' || s.subject || ' came nearer to the desired value or went farther from it'
					ELSE 'We cannot tell whether ' || s.subject || ' changed' END
				WHEN m.verdict = 'not_comparable' THEN 'We cannot tell whether ' || s.subject || ' changed, because the figures before and after cannot be compared'
				WHEN m.flags @> '{spread_unknown}' THEN 'We cannot tell whether ' || s.subject || ' changed'
				ELSE 'We cannot tell whether ' || s.subject || ' changed, because there are too few figures'
			END,
			CASE
				WHEN m.difference IS NOT NULL THEN format(': from %s to %s, %s', f.before, f.after, f.change) || coalesce(' (' || f.percent || ' %)', '') || ', ' || f.interval
				WHEN f.before IS NOT NULL AND f.after IS NOT NULL THEN format(': from %s to %s', f.before, f.after)
				ELSE coalesce(': ' || f.before || ' before', ': ' || f.after || ' after')
			END,
			'; desired value ' || f.desired,
			format('; %s %s before, %s after', coalesce(m.before_n, 0), CASE WHEN m.flags @> '{by_period}' THEN 'period' ELSE 'value' END || CASE m.before_n WHEN 1 THEN '' ELSE 's' END, coalesce(m.after_n, 0)),
			'.',
			' Like for like: ' || f.matched || ', ' || f.matched_interval || coalesce('; from another mix of channels: ' || f.mix, '') || '.',
			format(' Beyond the %s compared: ', CASE cardinality(m.controls_used) WHEN 1 THEN 'service' ELSE cardinality(m.controls_used) || ' services' END)
				|| f.beyond || ', ' || f.beyond_interval || '.',
			' Doubts: ' || d.doubts || '.')
		END
	FROM athar.kpi AS k
	CROSS JOIN LATERAL (SELECT (effect_sentence.measurement).*) AS m
	CROSS JOIN LATERAL (SELECT CASE effect_sentence.lang
		WHEN 'ar' THEN format('مؤشر «%s» (%s)', coalesce(nullif(btrim(k.name_ar), ''), k.name), k.unit_of_measure)
		ELSE format('%s (%s)', k.name, k.unit_of_measure) END) AS s (subject)
	-- OFFSET 0 keeps the sizes apart from what is made of them, so that the functions that make it are inlined
	CROSS JOIN LATERAL (SELECT
		coalesce(athar.interval_size(m.ci_low, m.ci_high), m.difference) AS size,
		coalesce(athar.interval_size(m.matched_ci_low, m.matched_ci_high), athar.interval_size(m.ci_low, m.ci_high), m.difference, m.matched_difference) AS matched_size,
		coalesce(athar.interval_size(m.did_ci_low, m.did_ci_high), m.did_estimate) AS beyond_size
		OFFSET 0) AS z
	CROSS JOIN LATERAL (SELECT
		athar.figure_text(m.before_mean, z.size, effect_sentence.lang) AS before,
		athar.figure_text(m.after_mean, z.size, effect_sentence.lang) AS after,
		athar.change_text(m.difference, z.size, effect_sentence.lang) AS change,
		CASE WHEN NOT m.flags @> '{base_near_zero}' AND m.difference <> 0 THEN athar.figure_text(abs(m.percent_change), NULL, effect_sentence.lang) END AS percent,
		athar.interval_text(m.ci_low, m.ci_high, effect_sentence.lang) AS interval,
		athar.figure_text(k.desired_value, NULL, effect_sentence.lang) AS desired,
		athar.change_text(m.matched_difference, z.matched_size, effect_sentence.lang) AS matched,
		athar.interval_text(m.matched_ci_low, m.matched_ci_high, effect_sentence.lang) AS matched_interval,
		athar.change_text(m.mix_difference, z.matched_size, effect_sentence.lang) AS mix,
		athar.change_text(m.did_estimate, z.beyond_size, effect_sentence.lang) AS beyond,
		athar.interval_text(m.did_ci_low, m.did_ci_high, effect_sentence.lang) AS beyond_interval) AS f
	CROSS JOIN LATERAL (
		SELECT string_agg(coalesce(CASE effect_sentence.lang WHEN 'ar' THEN w.words_ar ELSE w.words END, g.flag),
			CASE effect_sentence.lang WHEN 'ar' THEN '؛ ' ELSE '; ' END ORDER BY g.place)
		FROM unnest(m.flags) WITH ORDINALITY AS g (flag, place)
		LEFT JOIN athar.flag_words AS w ON w.flag = g.flag
		-- said already
		WHERE NOT (g.flag = 'below_smallest_change' AND m.verdict = 'no_clear_change')) AS d (doubts)
	WHERE k.id = coalesce(effect_sentence.kpi_id, (SELECT e.kpi_id FROM athar.effect AS e WHERE e.id = (effect_sentence.measurement).effect_id))
		AND m.verdict IS NOT NULL;
END;
COMMENT ON FUNCTION athar.effect_sentence(athar.effect_measurement, integer, text) IS
'What describe() says: verdict, figures before and after, difference, percent and interval, number of values; where they are known what changed like for like, what changed beyond the controls; and every flag in words. Without a KPI it is that of the measurement''s effect. NULL where there is no KPI or no verdict. 22023 for an unknown language.';

CREATE OR REPLACE FUNCTION athar.judge_evidence(evidence athar.evidence, kpi_id integer)
RETURNS athar.effect_measurement
LANGUAGE SQL STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT jsonb_populate_record(NULL::athar.effect_measurement, to_jsonb(judge_evidence.evidence)
		|| jsonb_build_object('controls_used', '{}'::text[], 'flags', j.flags, 'verdict', j.verdict))
	FROM athar.judge_difference(judge_evidence.evidence, judge_evidence.kpi_id) AS j;
END;
COMMENT ON FUNCTION athar.judge_evidence(athar.evidence, integer) IS
'A comparison judged as measure_effect() judges one: the verdict in the KPI''s direction, never from p alone, and the flags that a comparison without times and controls can have; as a measurement of no effect. NULL if an argument is NULL or the KPI is unknown.';

CREATE OR REPLACE FUNCTION athar.describe(evidence athar.evidence, kpi text, lang text DEFAULT 'en')
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN athar.effect_sentence(athar.judge_evidence(evidence, athar.kpi_id(kpi)), athar.kpi_id(kpi), lang);
COMMENT ON FUNCTION athar.describe(athar.evidence, text, text) IS
'A comparison (of before_after() or compare()) as a sentence or two for people, in the direction of the KPI it is about, in English (en) or Modern Standard Arabic (ar, with the KPI''s name_ar where it has one): whether it improved, worsened, or cannot be told; from what to what; difference, percent, 95 % interval; how many values; doubts. Digits are Western in both languages, so that figures can be found and copied; in Arabic a left-to-right mark stands before a minus sign. NULL without evidence or KPI. 42704 unknown KPI; 22023 unknown language.';

CREATE OR REPLACE FUNCTION athar.describe(measurement athar.effect_measurement, lang text DEFAULT 'en')
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN athar.effect_sentence(measurement, NULL, lang);
COMMENT ON FUNCTION athar.describe(athar.effect_measurement, text) IS
'A stored measurement of an effect as a few sentences for people, in English (en) or Arabic (ar): as describe(evidence) does, and its verdict, what changed like for like and beyond the controls, and every flag in words. NULL for NULL, and where the effect does not exist. 22023 unknown language.';

CREATE OR REPLACE FUNCTION athar.describe_effect(
	kpi text, service text, cutover timestamptz, span interval,
	washout interval DEFAULT '0', controls text[] DEFAULT NULL, lang text DEFAULT 'en', season_matched boolean DEFAULT false)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.effect_sentence(jsonb_populate_record(NULL::athar.effect_measurement, to_jsonb(m)), athar.kpi_id(describe_effect.kpi), describe_effect.lang)
	FROM athar.measure_effect(describe_effect.kpi, describe_effect.service, describe_effect.cutover, describe_effect.span,
		describe_effect.washout, describe_effect.controls, describe_effect.season_matched) AS m;
END;
COMMENT ON FUNCTION athar.describe_effect(text, text, timestamptz, interval, interval, text[], text, boolean) IS
'What measure_effect() answers to the same arguments, as a few sentences for people, in English (en) or Arabic (ar); see describe(effect_measurement). Errors as those of measure_effect(); 22023 unknown language.';
