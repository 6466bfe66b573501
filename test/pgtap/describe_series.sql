-- describe_series: an interrupted series as sentences
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT no_plan();

SELECT athar.define_kpi('drivers', 'Drivers killed or injured', 'drivers', 'down', name_ar => 'السائقون القتلى والمصابون', smallest_change => 20);
SELECT athar.define_kpi('trust', 'Trust', 'answers 1 to 5', 'up');
SELECT athar.define_kpi('room', 'Room temperature', 'C', 'target', desired_value => 21);

CREATE FUNCTION pg_temp.lines(length integer, cutover integer, level double precision, level_change double precision, slope_change double precision, noise double precision)
RETURNS athar.series_evidence
LANGUAGE SQL
RETURN athar.interrupted_series(ARRAY(
	SELECT level + noise * round(sin(t.place::double precision * t.place * 1.7)::numeric, 3) + CASE WHEN t.place >= cutover THEN level_change + slope_change * (t.place - cutover) ELSE 0 END
	FROM generate_series(1, length) AS t (place) ORDER BY t.place), cutover);

CREATE TEMPORARY TABLE found (name text, kpi text, series athar.series_evidence);
INSERT INTO found (name, kpi, series)
VALUES
	('better', 'drivers', pg_temp.lines(60, 31, 1500, -300, 2, 40)),
	('worse', 'trust', pg_temp.lines(60, 31, 3.5, -0.5, 0, 0.2)),
	('nearer', 'room', pg_temp.lines(60, 31, 30, -8, 0, 1)),
	('farther', 'room', pg_temp.lines(60, 31, 19, -8, 0, 1)),
	('less than matters', 'drivers', pg_temp.lines(60, 31, 1500, -15, 0, 1)),
	('not clear', 'drivers', pg_temp.lines(60, 31, 1500, -10, 0, 100)),
	('few', 'trust', pg_temp.lines(12, 7, 3.5, -0.5, 0, 0.2)),
	('nothing', 'trust', athar.interrupted_series('{1,2}', 2)),
	('no cutover', 'trust', athar.interrupted_series('{1,2}', NULL)),
	('constant', 'trust', pg_temp.lines(40, 20, 3, 0, 0, 0)),
	('on its lines', 'trust', pg_temp.lines(40, 20, 3, 1, 0, 0)),
	('near zero', 'trust', pg_temp.lines(60, 31, 0, 3, 0, 1));

SELECT is(athar.describe(f.series, f.kpi), w.sentence, 'English: ' || f.name)
FROM found AS f
LEFT JOIN (VALUES
	('better', 'Drivers killed or injured (drivers) improved against the line it ran on before: at the last point 1258 instead of 1503, down 244 (16.3 %), 95 % confidence interval from -295 to -194; 60 points. At the change: down 316, 95 % confidence interval from -342 to -291. Then with every point, on top of the line before: up 2.5, 95 % confidence interval from 1 to 3.9.'),
	('worse', 'Trust (answers 1 to 5) worsened against the line it ran on before: at the last point 3 instead of 3.51, down 0.51 (14.6 %), 95 % confidence interval from -0.76 to -0.26; 60 points. At the change: down 0.58, 95 % confidence interval from -0.71 to -0.45. Then with every point, on top of the line before: up 0.0024, 95 % confidence interval from -0.0049 to 0.0097.'),
	('nearer', 'Room temperature (C) improved against the line it ran on before: at the last point 22 instead of 30.1, down 8.1 (26.8 %), 95 % confidence interval from -9.3 to -6.8; desired value 21; 60 points. At the change: down 8.41, 95 % confidence interval from -9.05 to -7.77. Then with every point, on top of the line before: up 0.012, 95 % confidence interval from -0.025 to 0.048.'),
	('farther', 'Room temperature (C) worsened against the line it ran on before: at the last point 11 instead of 19.1, down 8.1 (42.3 %), 95 % confidence interval from -9.3 to -6.8; desired value 21; 60 points. At the change: down 8.41, 95 % confidence interval from -9.05 to -7.77. Then with every point, on top of the line before: up 0.012, 95 % confidence interval from -0.025 to 0.048.'),
	('less than matters', 'Drivers killed or injured (drivers) left the line it ran on before by less than matters (smallest change that matters: 20): at the last point 1485 instead of 1500.1, down 15.1 (1 %), 95 % confidence interval from -16.3 to -13.8; 60 points. At the change: down 15.41, 95 % confidence interval from -16.05 to -14.77. Then with every point, on top of the line before: up 0.012, 95 % confidence interval from -0.025 to 0.048.'),
	('not clear', 'We cannot tell whether Drivers killed or injured (drivers) left the line it ran on before: at the last point 1491 instead of 1507, down 16 (1.08 %), 95 % confidence interval from -142 to 109; 60 points. At the change: down 51, 95 % confidence interval from -115 to 13. Then with every point, on top of the line before: up 1.2, 95 % confidence interval from -2.5 to 4.8.'),
	('few', 'We cannot tell whether Trust (answers 1 to 5) left the line it ran on before, because there are too few points: at the last point 2.8588 instead of 2.8486, up 0.0102 (0.358 %), no confidence interval; 12 points. At the change: down 0.0712, no confidence interval. Then with every point, on top of the line before: up 0.0163, no confidence interval. Doubts: fewer than 8 points on a side, too few to tell how sure the figures are.'),
	('nothing', 'We cannot tell whether Trust (answers 1 to 5) left the line it ran on before, because there are too few points; 2 points. Doubts: fewer than 8 points on a side, too few to tell how sure the figures are.'),
	('no cutover', 'We cannot tell whether Trust (answers 1 to 5) left the line it ran on before, because the time of the change is not given; 2 points.'),
	('constant', 'Trust (answers 1 to 5) stayed on the line it ran on before: at the last point 3 instead of 3, no difference, no confidence interval; 40 points. At the change: no difference, no confidence interval. Then with every point, on top of the line before: no difference, no confidence interval. Doubts: every point lies on its line, so there is no interval.'),
	('on its lines', 'Trust (answers 1 to 5) improved against the line it ran on before: at the last point 4 instead of 3, up 1 (33.3 %), no confidence interval; 40 points. At the change: up 1, no confidence interval. Then with every point, on top of the line before: no difference, no confidence interval. Doubts: every point lies on its line, so there is no interval.'),
	('near zero', 'Trust (answers 1 to 5) improved against the line it ran on before: at the last point 3 instead of 0.1, up 2.9, 95 % confidence interval from 1.7 to 4.2; 60 points. At the change: up 2.59, 95 % confidence interval from 1.95 to 3.23. Then with every point, on top of the line before: up 0.012, 95 % confidence interval from -0.025 to 0.048.')) AS w (name, sentence) USING (name);
SELECT is(athar.describe(f.series, f.kpi, 'ar'), w.sentence, 'Arabic: ' || f.name)
FROM found AS f
LEFT JOIN (VALUES
	('better', 'تحسّن مؤشر «السائقون القتلى والمصابون» (drivers) مقارنةً بمساره السابق: عند آخر نقطة 1258 بدلًا من 1503 لو استمر ذلك المسار، أي بانخفاض قدره 244 (16.3 %)، وفترة الثقة 95 % من ‎-295 إلى ‎-194؛ عدد النقاط: 60. عند التغيير: انخفاض قدره 316، وفترة الثقة 95 % من ‎-342 إلى ‎-291. ثم مع كل نقطة، إضافةً إلى المسار السابق: ارتفاع قدره 2.5، وفترة الثقة 95 % من 1 إلى 3.9.'),
	('worse', 'ساء مؤشر «Trust» (answers 1 to 5) مقارنةً بمساره السابق: عند آخر نقطة 3 بدلًا من 3.51 لو استمر ذلك المسار، أي بانخفاض قدره 0.51 (14.6 %)، وفترة الثقة 95 % من ‎-0.76 إلى ‎-0.26؛ عدد النقاط: 60. عند التغيير: انخفاض قدره 0.58، وفترة الثقة 95 % من ‎-0.71 إلى ‎-0.45. ثم مع كل نقطة، إضافةً إلى المسار السابق: ارتفاع قدره 0.0024، وفترة الثقة 95 % من ‎-0.0049 إلى 0.0097.'),
	('nearer', 'تحسّن مؤشر «Room temperature» (C) مقارنةً بمساره السابق: عند آخر نقطة 22 بدلًا من 30.1 لو استمر ذلك المسار، أي بانخفاض قدره 8.1 (26.8 %)، وفترة الثقة 95 % من ‎-9.3 إلى ‎-6.8؛ القيمة المنشودة 21؛ عدد النقاط: 60. عند التغيير: انخفاض قدره 8.41، وفترة الثقة 95 % من ‎-9.05 إلى ‎-7.77. ثم مع كل نقطة، إضافةً إلى المسار السابق: ارتفاع قدره 0.012، وفترة الثقة 95 % من ‎-0.025 إلى 0.048.'),
	('farther', 'ساء مؤشر «Room temperature» (C) مقارنةً بمساره السابق: عند آخر نقطة 11 بدلًا من 19.1 لو استمر ذلك المسار، أي بانخفاض قدره 8.1 (42.3 %)، وفترة الثقة 95 % من ‎-9.3 إلى ‎-6.8؛ القيمة المنشودة 21؛ عدد النقاط: 60. عند التغيير: انخفاض قدره 8.41، وفترة الثقة 95 % من ‎-9.05 إلى ‎-7.77. ثم مع كل نقطة، إضافةً إلى المسار السابق: ارتفاع قدره 0.012، وفترة الثقة 95 % من ‎-0.025 إلى 0.048.'),
	('less than matters', 'خرج مؤشر «السائقون القتلى والمصابون» (drivers) عن مساره السابق بأقل مما يُعتدّ به (أصغر تغيّر ذي أهمية: 20): عند آخر نقطة 1485 بدلًا من 1500.1 لو استمر ذلك المسار، أي بانخفاض قدره 15.1 (1 %)، وفترة الثقة 95 % من ‎-16.3 إلى ‎-13.8؛ عدد النقاط: 60. عند التغيير: انخفاض قدره 15.41، وفترة الثقة 95 % من ‎-16.05 إلى ‎-14.77. ثم مع كل نقطة، إضافةً إلى المسار السابق: ارتفاع قدره 0.012، وفترة الثقة 95 % من ‎-0.025 إلى 0.048.'),
	('not clear', 'لا يمكن الجزم بما إذا كان مؤشر «السائقون القتلى والمصابون» (drivers) قد خرج عن مساره السابق: عند آخر نقطة 1491 بدلًا من 1507 لو استمر ذلك المسار، أي بانخفاض قدره 16 (1.08 %)، وفترة الثقة 95 % من ‎-142 إلى 109؛ عدد النقاط: 60. عند التغيير: انخفاض قدره 51، وفترة الثقة 95 % من ‎-115 إلى 13. ثم مع كل نقطة، إضافةً إلى المسار السابق: ارتفاع قدره 1.2، وفترة الثقة 95 % من ‎-2.5 إلى 4.8.'),
	('few', 'لا يمكن معرفة ما إذا كان مؤشر «Trust» (answers 1 to 5) قد خرج عن مساره السابق، لقلّة النقاط: عند آخر نقطة 2.8588 بدلًا من 2.8486 لو استمر ذلك المسار، أي بارتفاع قدره 0.0102 (0.358 %)، ومن دون فترة ثقة؛ عدد النقاط: 12. عند التغيير: انخفاض قدره 0.0712، ومن دون فترة ثقة. ثم مع كل نقطة، إضافةً إلى المسار السابق: ارتفاع قدره 0.0163، ومن دون فترة ثقة. مواضع الشك: أقل من 8 نقاط على أحد الجانبين، فلا تُعرف دقة القيم.'),
	('nothing', 'لا يمكن معرفة ما إذا كان مؤشر «Trust» (answers 1 to 5) قد خرج عن مساره السابق، لقلّة النقاط؛ عدد النقاط: 2. مواضع الشك: أقل من 8 نقاط على أحد الجانبين، فلا تُعرف دقة القيم.'),
	('no cutover', 'لا يمكن معرفة ما إذا كان مؤشر «Trust» (answers 1 to 5) قد خرج عن مساره السابق، لأن موضع التغيير غير معروف؛ عدد النقاط: 2.'),
	('constant', 'بقي مؤشر «Trust» (answers 1 to 5) على مساره السابق: عند آخر نقطة 3 بدلًا من 3 لو استمر ذلك المسار، أي بلا فرق، ومن دون فترة ثقة؛ عدد النقاط: 40. عند التغيير: لا فرق، ومن دون فترة ثقة. ثم مع كل نقطة، إضافةً إلى المسار السابق: لا فرق، ومن دون فترة ثقة. مواضع الشك: كل نقطة تقع على خطّها، فلا توجد فترة ثقة.'),
	('on its lines', 'تحسّن مؤشر «Trust» (answers 1 to 5) مقارنةً بمساره السابق: عند آخر نقطة 4 بدلًا من 3 لو استمر ذلك المسار، أي بارتفاع قدره 1 (33.3 %)، ومن دون فترة ثقة؛ عدد النقاط: 40. عند التغيير: ارتفاع قدره 1، ومن دون فترة ثقة. ثم مع كل نقطة، إضافةً إلى المسار السابق: لا فرق، ومن دون فترة ثقة. مواضع الشك: كل نقطة تقع على خطّها، فلا توجد فترة ثقة.'),
	('near zero', 'تحسّن مؤشر «Trust» (answers 1 to 5) مقارنةً بمساره السابق: عند آخر نقطة 3 بدلًا من 0.1 لو استمر ذلك المسار، أي بارتفاع قدره 2.9، وفترة الثقة 95 % من 1.7 إلى 4.2؛ عدد النقاط: 60. عند التغيير: ارتفاع قدره 2.59، وفترة الثقة 95 % من 1.95 إلى 3.23. ثم مع كل نقطة، إضافةً إلى المسار السابق: ارتفاع قدره 0.012، وفترة الثقة 95 % من ‎-0.025 إلى 0.048.')) AS w (name, sentence) USING (name);

-- Every doubt has words, in both languages.
CREATE TEMPORARY TABLE flag AS
SELECT DISTINCT m.flag[1] AS flag
FROM regexp_matches(col_description('athar.series_evidence'::regclass, 18), '(?<=\. |, or |^)([a-z_]+)(?=:|, or| with)', 'g') AS m (flag);
SELECT cmp_ok(count(*), '>=', 12::bigint, 'the flags of a series were found') FROM flag;
SELECT is_empty($$
	SELECT f.flag
	FROM flag AS f
	WHERE f.flag NOT IN ('singular', 'no_cutover', 'autocorrelated')
		AND (athar.series_doubts(ARRAY[f.flag], 'en') <> '' AND athar.series_doubts(ARRAY[f.flag], 'ar') ~ '[ء-ي]') IS NOT TRUE
$$, 'every flag that is a doubt has words in both languages');
SELECT is(athar.series_doubts('{autocorrelated}', 'en'), NULL, 'that points follow one another is no doubt: the interval knows');
SELECT is(athar.series_doubts('{missing_values,few_points}', 'en'), 'fewer than 50 points, which find a change too often; points without a value are left out', 'doubts, the gravest first');

SELECT is(athar.describe(NULL::athar.series_evidence, 'trust'), NULL, 'nothing is described by nothing');
SELECT throws_ok($$ SELECT athar.describe(athar.interrupted_series('{1,2}', 2), 'unheard') $$, '42704', NULL, 'a KPI that is not there');
SELECT throws_ok($$ SELECT athar.describe(athar.interrupted_series('{1,2}', 2), 'trust', 'fr') $$, '22023', 'language "fr" is not known', 'a language that is not there');
SELECT unalike(athar.describe(athar.interrupted_series(ARRAY(SELECT 1.7e308 * sin(t.place::double precision * t.place) FROM generate_series(1, 60) AS t (place)), 31), 'trust'), '%Infinity%', 'the largest figures are described');

SELECT * FROM finish();
ROLLBACK;
