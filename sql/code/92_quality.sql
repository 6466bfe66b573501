-- 92 quality: what is wrong with the figures

CREATE OR REPLACE VIEW athar.data_quality WITH (security_invoker = true) AS
WITH figure AS MATERIALIZED (
	SELECT
		r.kpi_id,
		coalesce(r.service_id, 0) AS service_id,
		coalesce(r.channel_id, 0) AS channel_id,
		coalesce(r.stage_id, 0) AS stage_id,
		coalesce(r.basis, '') AS basis,
		r.period,
		r.kpi,
		r.kind,
		r.service,
		r.channel,
		r.stage,
		r.origin,
		r.source,
		athar.n(r.summary) AS n,
		athar.minimum(r.summary) AS minimum,
		athar.maximum(r.summary) AS maximum,
		athar.measurement_value(r.kind, r.summary, r.numerator, r.denominator) AS value,
		upper(r.period) - lower(r.period) AS days
	FROM athar.measurement_rows AS r
), reported AS MATERIALIZED (
	SELECT
		f.kpi_id, f.service_id, f.channel_id, f.stage_id, f.basis, f.period, f.kpi, f.kind, f.service, f.channel, f.stage, f.source, f.value, f.days,
		lag(f.period) OVER series AS previous_period,
		lag(f.value) OVER series AS previous_value,
		lag(f.source) OVER series AS previous_source,
		lead(f.period) OVER series IS NULL AS is_last,
		min(f.days) OVER (PARTITION BY f.kpi_id, f.service_id, f.channel_id, f.stage_id) AS shortest
	FROM figure AS f
	WHERE f.origin = 'reported'
	WINDOW series AS (PARTITION BY f.kpi_id, f.service_id, f.channel_id, f.stage_id, f.basis ORDER BY f.period)
), related AS MATERIALIZED (
	SELECT f.kpi, f.service, f.channel, f.stage, f.basis, f.period, f.n, f.minimum, f.maximum, f.value,
		l.relation, o.kpi AS other_kpi, o.value AS other_value
	FROM athar.kpi_relation AS l
	JOIN figure AS f ON f.kpi_id = l.kpi_id
	JOIN figure AS o ON o.kpi_id = l.other_kpi_id AND o.service_id = f.service_id AND o.channel_id = f.channel_id
		AND o.stage_id = f.stage_id AND o.basis = f.basis AND o.period = f.period AND o.origin = f.origin
	WHERE l.is_checked
), cut AS MATERIALIZED (
	-- the periods of a KPI and basis, one after the other
	SELECT p.kpi_id, p.kpi, p.basis, p.period, lag(p.period) OVER (PARTITION BY p.kpi_id, p.basis ORDER BY p.period) AS previous_period
	FROM (SELECT DISTINCT r.kpi_id, r.kpi, r.basis, r.period FROM reported AS r) AS p
), held AS MATERIALIZED (
	SELECT r.kpi_id, r.basis, r.channel_id, r.channel, r.period, count(DISTINCT r.service_id) AS services
	FROM reported AS r
	WHERE r.service_id <> 0
	GROUP BY r.kpi_id, r.basis, r.channel_id, r.channel, r.period
), covered AS (
	SELECT c.kpi, c.basis, c.period, h.channel, coalesce(n.services, 0) AS services, coalesce(p.services, 0) AS previous_services
	FROM cut AS c
	JOIN (SELECT DISTINCT a.kpi_id, a.basis, a.channel_id, a.channel FROM held AS a) AS h ON h.kpi_id = c.kpi_id AND h.basis = c.basis
	LEFT JOIN held AS n ON n.kpi_id = c.kpi_id AND n.basis = c.basis AND n.channel_id = h.channel_id AND n.period = c.period
	LEFT JOIN held AS p ON p.kpi_id = c.kpi_id AND p.basis = c.basis AND p.channel_id = h.channel_id AND p.period = c.previous_period
	WHERE c.previous_period IS NOT NULL
), renumbered AS (
	-- of the series with a stage whose service goes on: how many go on themselves
	SELECT c.kpi, c.basis, c.period, count(*) AS series, count(*) FILTER (WHERE n.service_id IS NOT NULL) AS continued
	FROM cut AS c
	JOIN reported AS r ON r.kpi_id = c.kpi_id AND r.basis = c.basis AND r.period = c.previous_period
	JOIN (SELECT DISTINCT a.kpi_id, a.basis, a.period, a.service_id FROM reported AS a WHERE a.stage_id <> 0) AS s
		ON s.kpi_id = c.kpi_id AND s.basis = c.basis AND s.period = c.period AND s.service_id = r.service_id
	LEFT JOIN reported AS n ON n.kpi_id = c.kpi_id AND n.basis = c.basis AND n.period = c.period
		AND n.service_id = r.service_id AND n.channel_id = r.channel_id AND n.stage_id = r.stage_id
	WHERE r.stage_id <> 0
	GROUP BY c.kpi_id, c.kpi, c.basis, c.period
), used AS (
	SELECT r.kpi_id, r.kpi, r.service_id, r.service, r.channel_id, r.channel, r.stage_id, r.stage, r.basis,
		min(lower(r.period)) AS begins, max(upper(r.period)) AS ends, max(r.days) AS days, count(*) AS periods
	FROM reported AS r
	GROUP BY r.kpi_id, r.kpi, r.service_id, r.service, r.channel_id, r.channel, r.stage_id, r.stage, r.basis
), finding AS (
	SELECT 'answers_above_source' AS check_code, 'error' AS severity, l.kpi, l.service, l.channel, l.stage, l.basis, l.period,
		l.n::double precision AS figure, l.other_value AS compared_with, l.other_kpi,
		format('%s answers, but %s is %s: more people answered than there were', l.n, l.other_kpi, l.other_value) AS sentence,
		format('عدد الإجابات %s بينما قيمة %s هي %s: الإجابات أكثر من المشاركين', l.n, l.other_kpi, l.other_value) AS sentence_ar
	FROM related AS l
	WHERE l.relation = 'sampled_from' AND l.n > l.other_value
	UNION ALL
	SELECT 'part_above_whole', 'error', l.kpi, l.service, l.channel, l.stage, l.basis, l.period, l.value, l.other_value, l.other_kpi,
		format('%s is a part of %s, but is %s of %s', l.kpi, l.other_kpi, l.value, l.other_value),
		format('المؤشر %s جزء من %s، لكن قيمته %s من %s', l.kpi, l.other_kpi, l.value, l.other_value)
	FROM related AS l
	WHERE l.relation = 'part_of' AND l.value > l.other_value
	UNION ALL
	SELECT 'share_out_of_range', 'error', f.kpi, f.service, f.channel, f.stage, f.basis, f.period, f.value, k.most, NULL,
		format('a %s of %s is outside 0 to %s', k.unit_of_measure, f.value, k.most),
		format('النسبة %s خارج المجال من 0 إلى %s', f.value, k.most)
	FROM figure AS f
	JOIN (
		SELECT b.id, b.unit_of_measure, CASE b.unit_of_measure WHEN 'share' THEN 1 ELSE 100 END::double precision AS most
		FROM athar.kpi AS b
		WHERE b.unit_of_measure IN ('share', 'percent', '%')) AS k ON k.id = f.kpi_id
	WHERE f.value < 0 OR f.value > k.most
	UNION ALL
	-- 4 in the cell of 4 and nothing elsewhere
	SELECT 'mean_as_count', 'error', f.kpi, f.service, f.channel, f.stage, f.basis, f.period, f.n, f.maximum, NULL,
		format('all %s answers are %s: a mean seems to be typed where counts belong', f.n, f.maximum),
		format('جميع الإجابات (%s) قيمتها %s: يبدو أن متوسطا كُتب في خانة الأعداد', f.n, f.maximum)
	FROM figure AS f
	WHERE f.kind = 'likert' AND f.n > 1 AND f.minimum = f.maximum AND f.n = f.maximum
		AND NOT EXISTS (
			SELECT
			FROM related AS l
			WHERE l.relation = 'sampled_from' AND l.other_value <= f.n AND l.kpi = f.kpi AND l.period = f.period AND l.basis = f.basis
				AND (l.service, l.channel, l.stage) IS NOT DISTINCT FROM (f.service, f.channel, f.stage))
	UNION ALL
	SELECT 'percent_as_count', 'error', l.kpi, l.service, l.channel, l.stage, l.basis, l.period, l.n, l.other_value, l.other_kpi,
		format('%s answers where %s is %s: percentages seem to be typed where counts belong', l.n, l.other_kpi, l.other_value),
		format('%s إجابة بينما قيمة %s هي %s: يبدو أن نسبا مئوية كُتبت في خانات الأعداد', l.n, l.other_kpi, l.other_value)
	FROM related AS l
	WHERE l.relation = 'sampled_from' AND l.n BETWEEN 99 AND 101 AND l.other_value > 2 * l.n
	UNION ALL
	SELECT 'scale_mixed', 'error', f.kpi, f.service, f.channel, f.stage, f.basis, f.period, f.value, t.middle, NULL,
		format('%s where most figures are about %s: a share seems to be typed for a percentage', f.value, t.middle),
		format('القيمة %s بينما معظم القيم نحو %s: يبدو أن كسرا كُتب بدل نسبة مئوية', f.value, t.middle)
	FROM figure AS f
	JOIN (
		SELECT v.kpi_id, percentile_disc(0.5) WITHIN GROUP (ORDER BY v.value) AS middle
		FROM figure AS v
		JOIN athar.kpi AS k ON k.id = v.kpi_id AND k.unit_of_measure IN ('percent', '%')
		GROUP BY v.kpi_id) AS t ON t.kpi_id = f.kpi_id AND t.middle > 10
	WHERE f.value > 0 AND f.value <= 1
	UNION ALL
	-- a total whose period other figures of the series cover without a gap
	SELECT 'parts_not_whole', 'error', w.kpi, w.service, w.channel, w.stage, w.basis, w.period, w.value, sum(p.value), NULL,
		format('%s, but the %s figures it is made of (%s) add up to %s', w.value, count(*), nullif(p.basis, ''), sum(p.value)),
		format('القيمة %s، لكن مجموع القيم التي تكوّنها (وعددها %s، %s) هو %s', w.value, count(*), nullif(p.basis, ''), sum(p.value))
	FROM reported AS w
	JOIN reported AS p ON p.kpi_id = w.kpi_id AND p.service_id = w.service_id AND p.channel_id = w.channel_id AND p.stage_id = w.stage_id
		AND p.basis <> w.basis AND p.days < w.days AND p.period <@ w.period
	-- days alone have no parts: leaves a series' days out before they are paired with one another
	WHERE w.kind = 'sum' AND w.days > w.shortest
	GROUP BY w.kpi, w.service, w.channel, w.stage, w.basis, w.period, w.days, w.value, p.basis
	HAVING sum(p.days) = w.days AND abs(sum(p.value) - w.value) > 1e-9 * greatest(abs(sum(p.value)), abs(w.value))
	UNION ALL
	SELECT 'coverage_break', 'warning', c.kpi, NULL, c.channel, NULL, c.basis, c.period, c.services, c.previous_services, NULL,
		format('number of services with figures: %s, in the period before: %s; totals do not compare', c.services, c.previous_services),
		format('عدد الخدمات التي لها قيم: %s، وفي الفترة السابقة: %s؛ لا تجوز مقارنة المجاميع', c.services, c.previous_services)
	FROM covered AS c
	WHERE greatest(c.services, c.previous_services) >= 10
		AND greatest(c.services, c.previous_services) >= 1.5 * least(c.services, c.previous_services)
	UNION ALL
	SELECT 'renumbered', 'warning', c.kpi, NULL, NULL, NULL, c.basis, c.period, c.continued, c.series, NULL,
		format('of %s series whose service goes on, only %s are continued: stages seem to be numbered anew', c.series, c.continued),
		format('عدد السلاسل التي تستمر خدمتها: %s، والمستمر منها: %s فقط؛ يبدو أن المراحل رُقّمت من جديد', c.series, c.continued)
	FROM renumbered AS c
	WHERE c.series >= 10 AND c.continued < 0.5 * c.series
	UNION ALL
	SELECT 'basis_change', 'warning', b.kpi, b.service, b.channel, b.stage, b.basis, daterange(b.begins, b.ends), NULL, NULL, NULL,
		format('from %s on the basis is "%s", until then it was "%s": do not compare across', to_char(b.begins, 'YYYY-MM-DD'), b.basis, a.basis),
		format('الأساس منذ %s هو "%s" وكان قبله "%s": لا تجوز المقارنة بينهما', to_char(b.begins, 'YYYY-MM-DD'), b.basis, a.basis)
	FROM used AS a
	JOIN used AS b ON b.kpi_id = a.kpi_id AND b.service_id = a.service_id AND b.channel_id = a.channel_id AND b.stage_id = a.stage_id
	WHERE a.basis <> b.basis AND a.periods > 1 AND b.periods > 1 AND b.begins BETWEEN a.ends AND a.ends + 2 * greatest(a.days, b.days)
	UNION ALL
	SELECT 'level_jump', 'warning', r.kpi, r.service, r.channel, r.stage, r.basis, r.period, r.value, r.previous_value, NULL,
		format('%s after %s, a factor of %s%s', r.value, r.previous_value, round(greatest(r.value / r.previous_value, r.previous_value / r.value)::numeric, 1),
			CASE WHEN r.source IS DISTINCT FROM r.previous_source THEN format(', and the source changed from "%s" to "%s"', r.previous_source, r.source) END),
		format('القيمة %s بعد %s، أي بعامل %s%s', r.value, r.previous_value, round(greatest(r.value / r.previous_value, r.previous_value / r.value)::numeric, 1),
			CASE WHEN r.source IS DISTINCT FROM r.previous_source THEN format('، وتغير المصدر من "%s" إلى "%s"', r.previous_source, r.source) END)
	FROM reported AS r
	WHERE r.value BETWEEN 1e-100 AND 1e100 AND r.previous_value BETWEEN 1e-100 AND 1e100
		AND greatest(r.value / r.previous_value, r.previous_value / r.value) >= CASE WHEN r.source IS DISTINCT FROM r.previous_source THEN 2 ELSE 10 END
	UNION ALL
	SELECT 'gap', 'notice', r.kpi, r.service, r.channel, r.stage, r.basis, daterange(upper(r.previous_period), lower(r.period)), lower(r.period) - upper(r.previous_period), NULL, NULL,
		format('days without a figure: %s', lower(r.period) - upper(r.previous_period)),
		format('عدد الأيام التي لا قيمة لها: %s', lower(r.period) - upper(r.previous_period))
	FROM reported AS r
	WHERE lower(r.period) > upper(r.previous_period)
	UNION ALL
	SELECT 'series_stopped', 'notice', r.kpi, r.service, r.channel, r.stage, r.basis, r.period, t.newest - upper(r.period), NULL, NULL,
		format('days from the end of the newest figure to that of other series: %s', t.newest - upper(r.period)),
		format('عدد الأيام بين نهاية أحدث قيمة ونهاية أحدث قيم السلاسل الأخرى: %s', t.newest - upper(r.period))
	FROM reported AS r
	JOIN (SELECT s.kpi_id, s.basis, max(upper(s.period)) AS newest FROM reported AS s GROUP BY s.kpi_id, s.basis) AS t
		ON t.kpi_id = r.kpi_id AND t.basis = r.basis
	WHERE r.is_last AND t.newest - upper(r.period) >= 2 * r.days
	UNION ALL
	SELECT 'stale', 'notice', t.kpi, NULL, NULL, NULL, NULL, daterange(t.newest - t.days, t.newest), current_date - t.newest, NULL, NULL,
		format('age of the newest figure in days: %s', current_date - t.newest),
		format('عمر أحدث قيمة بالأيام: %s', current_date - t.newest)
	FROM (
		SELECT DISTINCT ON (f.kpi_id) f.kpi_id, f.kpi, upper(f.period) AS newest, greatest(f.days, 7) AS days
		FROM figure AS f
		ORDER BY f.kpi_id, upper(f.period) DESC, f.days) AS t
	WHERE current_date - t.newest > 2 * t.days
)
SELECT
	f.kpi,
	f.service,
	f.channel,
	f.stage,
	nullif(f.basis, '') AS basis,
	lower(f.period) AS period_start,
	upper(f.period) - 1 AS period_end,
	f.check_code,
	f.severity,
	f.figure,
	f.compared_with,
	f.other_kpi,
	f.sentence,
	-- a minus sign and the dashes of a date stay where they are in a line that runs from the right
	regexp_replace(f.sentence_ar, '(^|[ (])(-[0-9]|[0-9]{4}-[0-9])', '\1' || E'\xe2\x80\x8e' || '\2', 'g') AS sentence_ar
FROM finding AS f;
COMMENT ON VIEW athar.data_quality IS 'What is wrong with the figures, or makes them hard to compare: one row per finding. A finding is a question to whoever reported the figure, never a correction';
COMMENT ON COLUMN athar.data_quality.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.data_quality.service IS 'Code of the service; NULL for the whole, and for what concerns all services';
COMMENT ON COLUMN athar.data_quality.channel IS 'Code of the channel; NULL for all channels';
COMMENT ON COLUMN athar.data_quality.stage IS 'Code of the stage; NULL for the whole journey';
COMMENT ON COLUMN athar.data_quality.basis IS 'How its period is cut';
COMMENT ON COLUMN athar.data_quality.period_start IS 'First day of the figure, or of the gap';
COMMENT ON COLUMN athar.data_quality.period_end IS 'Last day of it';
COMMENT ON COLUMN athar.data_quality.check_code IS 'answers_above_source, part_above_whole, share_out_of_range, mean_as_count, percent_as_count, scale_mixed, parts_not_whole, coverage_break, renumbered, basis_change, level_jump, gap, series_stopped or stale';
COMMENT ON COLUMN athar.data_quality.severity IS 'error: cannot be right; warning: may not mean what it seems to; notice: something is missing';
COMMENT ON COLUMN athar.data_quality.figure IS 'The figure in question: in the KPI''s unit, number of answers, of services or of series, or days';
COMMENT ON COLUMN athar.data_quality.compared_with IS 'What it was compared with; NULL if nothing';
COMMENT ON COLUMN athar.data_quality.other_kpi IS 'Code of the KPI it was compared with; NULL if it is the same';
COMMENT ON COLUMN athar.data_quality.sentence IS 'What is wrong, in English';
COMMENT ON COLUMN athar.data_quality.sentence_ar IS 'What is wrong, in Arabic';
