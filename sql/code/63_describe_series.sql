-- 63 describe_series: an interrupted series as a sentence, in English and in Arabic

CREATE OR REPLACE FUNCTION athar.series_doubts(flags text[], lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	-- autocorrelated is none: the interval knows of it
	SELECT string_agg(CASE series_doubts.lang WHEN 'ar' THEN w.words_ar ELSE w.words END,
		CASE series_doubts.lang WHEN 'ar' THEN '؛ ' ELSE '; ' END ORDER BY w.place)
	FROM (VALUES
		(1, 'too_short', 'fewer than 8 points on a side, too few to tell how sure the figures are',
			'أقل من 8 نقاط على أحد الجانبين، فلا تُعرف دقة القيم'),
		(2, 'few_points', 'fewer than 50 points, which find a change too often',
			'أقل من 50 نقطة، وقلّة النقاط تُظهر تغيّرًا أكثر مما ينبغي'),
		(3, 'season_not_covered', 'the season is left out, because the time before is too short to know it',
			'الموسم غير محسوب، لأن المدة السابقة أقصر من أن يُعرف منها'),
		(4, 'missing_values', 'points without a value are left out', 'النقاط التي لا قيمة لها مستبعدة'),
		(5, 'nonfinite_values', 'values that are not numbers are left out', 'القيم التي ليست أعدادًا مستبعدة'),
		(6, 'no_variation', 'every point lies on its line, so there is no interval', 'كل نقطة تقع على خطّها، فلا توجد فترة ثقة'),
		(7, 'autocorrelation_unknown', 'too few neighbouring points to tell how sure the figures are',
			'النقاط المتجاورة أقل من أن تُعرف منها دقة القيم'),
		(8, 'alternating', 'the points go up and down in turn, which makes the interval narrow',
			'النقاط تعلو وتهبط بالتناوب، ففترة الثقة ضيّقة'),
		(9, 'random_walk', 'the series may wander off by itself, and the difference be nothing else',
			'قد تبتعد السلسلة من تلقاء نفسها، وقد لا يكون الفرق سوى ذلك'),
		(10, 'not_converged', 'how the points follow one another is only roughly known', 'ترابط النقاط المتتالية لا يُعرف إلا تقريبًا')
	) AS w (place, flag, words, words_ar)
	WHERE w.flag = ANY (series_doubts.flags);
END;
COMMENT ON FUNCTION athar.series_doubts(text[], text) IS
'The flags of an interrupted series in words that follow "Doubts:", in English, or with lang ar in Arabic. NULL where none of them is a doubt of the figures.';

CREATE OR REPLACE FUNCTION athar.series_sentence(series athar.series_evidence, kpi_id integer, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.check_language(series_sentence.lang);
	SELECT CASE series_sentence.lang
		WHEN 'ar' THEN concat(
			CASE v.verdict
				WHEN 'improved' THEN format('تحسّن %s مقارنةً بمساره السابق', n.subject)
				WHEN 'worsened' THEN format('ساء %s مقارنةً بمساره السابق', n.subject)
				WHEN 'below' THEN format('خرج %s عن مساره السابق بأقل مما يُعتدّ به (أصغر تغيّر ذي أهمية: %s)', n.subject, athar.figure_text(k.smallest_change, NULL, 'ar'))
				WHEN 'unchanged' THEN format('بقي %s على مساره السابق', n.subject)
				WHEN 'unclear' THEN format('لا يمكن الجزم بما إذا كان %s قد خرج عن مساره السابق', n.subject)
				WHEN 'no_cutover' THEN format('لا يمكن معرفة ما إذا كان %s قد خرج عن مساره السابق، لأن موضع التغيير غير معروف', n.subject)
				ELSE format('لا يمكن معرفة ما إذا كان %s قد خرج عن مساره السابق، لقلّة النقاط', n.subject)
			END,
			CASE WHEN f.gap IS NOT NULL THEN format(': عند آخر نقطة %s بدلًا من %s لو استمر ذلك المسار، أي ب%s', f.reached, f.expected, f.gap) || coalesce(' (' || f.percent || ' %)', '') || '، و' || f.gap_interval END,
			'؛ القيمة المنشودة ' || f.desired,
			'؛ عدد النقاط: ' || s.n, '.',
			' عند التغيير: ' || f.level || '، و' || f.level_interval || '.',
			' ثم مع كل نقطة، إضافةً إلى المسار السابق: ' || f.slope || '، و' || f.slope_interval || '.',
			' مواضع الشك: ' || athar.series_doubts(s.flags, 'ar') || '.')
		ELSE concat(
			CASE v.verdict
				WHEN 'improved' THEN n.subject || ' improved against the line it ran on before'
				WHEN 'worsened' THEN n.subject || ' worsened against the line it ran on before'
				WHEN 'below' THEN format('%s left the line it ran on before by less than matters (smallest change that matters: %s)', n.subject, athar.figure_text(k.smallest_change, NULL, 'en'))
				WHEN 'unchanged' THEN n.subject || ' stayed on the line it ran on before'
				WHEN 'unclear' THEN format('We cannot tell whether %s left the line it ran on before', n.subject)
				WHEN 'no_cutover' THEN format('We cannot tell whether %s left the line it ran on before, because the time of the change is not given', n.subject)
				ELSE format('We cannot tell whether %s left the line it ran on before, because there are too few points', n.subject)
			END,
			CASE WHEN f.gap IS NOT NULL THEN format(': at the last point %s instead of %s, %s', f.reached, f.expected, f.gap) || coalesce(' (' || f.percent || ' %)', '') || ', ' || f.gap_interval END,
			'; desired value ' || f.desired,
			format('; %s %s', s.n, CASE s.n WHEN 1 THEN 'point' ELSE 'points' END), '.',
			' At the change: ' || f.level || ', ' || f.level_interval || '.',
			' Then with every point, on top of the line before: ' || f.slope || ', ' || f.slope_interval || '.',
			' Doubts: ' || athar.series_doubts(s.flags, 'en') || '.')
		END
	FROM athar.kpi AS k
	CROSS JOIN LATERAL (SELECT (series_sentence.series).*) AS s
	CROSS JOIN LATERAL (SELECT CASE series_sentence.lang
		WHEN 'ar' THEN format('مؤشر «%s» (%s)', coalesce(nullif(btrim(k.name_ar), ''), k.name), k.unit_of_measure)
		ELSE format('%s (%s)', k.name, k.unit_of_measure) END) AS n (subject)
	-- halves, because the difference of two figures can be too large
	CROSS JOIN LATERAL (SELECT CASE k.direction
		WHEN 'up' THEN s.gap_end / 2
		WHEN 'down' THEN -s.gap_end / 2
		ELSE abs(s.counterfactual_end / 2 - k.desired_value / 2) - abs(s.counterfactual_end / 2 + s.gap_end / 2 - k.desired_value / 2) END) AS g (half)
	CROSS JOIN LATERAL (SELECT CASE
		WHEN s.flags @> '{no_cutover}' THEN 'no_cutover'
		WHEN s.gap_end IS NULL OR s.flags @> '{too_short}' THEN 'too_few'
		WHEN s.flags @> '{no_variation}' AND s.gap_end = 0 THEN 'unchanged'
		WHEN NOT s.flags @> '{no_variation}' AND (s.gap_end_ci_low > 0 OR s.gap_end_ci_high < 0) IS NOT TRUE OR g.half = 0 THEN 'unclear'
		WHEN abs(g.half) < k.smallest_change / 2 THEN 'below'
		WHEN g.half > 0 THEN 'improved'
		ELSE 'worsened' END) AS v (verdict)
	-- figures that nobody could read are left out
	CROSS JOIN LATERAL (SELECT greatest(abs(s.counterfactual_end), abs(s.gap_end), abs(s.gap_end_ci_low), abs(s.gap_end_ci_high),
		abs(s.level_change_ci_low), abs(s.level_change_ci_high), abs(s.slope_change_ci_low), abs(s.slope_change_ci_high)) < 1e300) AS r (is_readable)
	LEFT JOIN LATERAL (SELECT
		athar.figure_text(s.counterfactual_end, z.size, series_sentence.lang) AS expected,
		athar.figure_text(s.counterfactual_end + s.gap_end, z.size, series_sentence.lang) AS reached,
		athar.change_text(s.gap_end, z.size, series_sentence.lang) AS gap,
		CASE WHEN s.gap_end <> 0 AND abs(s.counterfactual_end) > greatest(s.gap_end_ci_high - s.gap_end_ci_low, abs(s.gap_end) / 1e6)
			THEN athar.figure_text(100 * abs(s.gap_end / s.counterfactual_end), NULL, series_sentence.lang) END AS percent,
		athar.interval_text(s.gap_end_ci_low, s.gap_end_ci_high, series_sentence.lang) AS gap_interval,
		athar.figure_text(k.desired_value, NULL, series_sentence.lang) AS desired,
		athar.change_text(s.level_change, coalesce(nullif(5 * (s.level_change_ci_high - s.level_change_ci_low), 0), s.level_change), series_sentence.lang) AS level,
		athar.interval_text(s.level_change_ci_low, s.level_change_ci_high, series_sentence.lang) AS level_interval,
		athar.change_text(s.slope_change, coalesce(nullif(5 * (s.slope_change_ci_high - s.slope_change_ci_low), 0), s.slope_change), series_sentence.lang) AS slope,
		athar.interval_text(s.slope_change_ci_low, s.slope_change_ci_high, series_sentence.lang) AS slope_interval
		FROM (SELECT coalesce(nullif(5 * (s.gap_end_ci_high - s.gap_end_ci_low), 0), s.gap_end)) AS z (size)
		WHERE r.is_readable) AS f ON true
	WHERE k.id = series_sentence.kpi_id;
END;
COMMENT ON FUNCTION athar.series_sentence(athar.series_evidence, integer, text) IS
'What describe(series_evidence) says. NULL for an unknown KPI. 22023 for an unknown language.';

CREATE OR REPLACE FUNCTION athar.describe(series athar.series_evidence, kpi text, lang text DEFAULT 'en')
RETURNS text
LANGUAGE SQL STABLE STRICT PARALLEL SAFE
RETURN athar.series_sentence(series, athar.kpi_id(kpi), lang);
COMMENT ON FUNCTION athar.describe(athar.series_evidence, text, text) IS
'An interrupted series as a few sentences for people, in the direction of the KPI it is about, in English (en) or Modern Standard Arabic (ar, with the KPI''s name_ar where it has one): whether it improved or worsened against the line it ran on before (gap_end and its 95 % interval, and the KPI''s smallest change), or cannot be told; the jump at the change; how it went on; how many points; doubts. Digits and minus signs as in describe(evidence). NULL if an argument is NULL. 42704 unknown KPI; 22023 unknown language.';
