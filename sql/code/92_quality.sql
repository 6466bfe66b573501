-- 92 quality: what is wrong with the figures

CREATE OR REPLACE VIEW athar.data_quality WITH (security_invoker = true) AS
WITH figure AS MATERIALIZED (
	-- numbers and days alone: there are many, and they are sorted
	SELECT
		r.kpi_id,
		coalesce(r.service_id, 0) AS service_id,
		coalesce(r.channel_id, 0) AS channel_id,
		coalesce(r.stage_id, 0) AS stage_id,
		coalesce(r.basis, '') AS basis,
		lower(r.period) AS begins,
		upper(r.period) AS ends,
		upper(r.period) - lower(r.period) AS days,
		r.kind,
		r.origin,
		r.source,
		athar.n(r.summary) AS n,
		athar.minimum(r.summary) AS minimum,
		athar.maximum(r.summary) AS maximum,
		athar.measurement_value(r.kind, r.summary, r.numerator, r.denominator) AS value
	FROM athar.measurement_rows AS r
), reported AS MATERIALIZED (
	SELECT
		f.kpi_id, f.service_id, f.channel_id, f.stage_id, f.basis, f.begins, f.ends, f.days, f.kind, f.source, f.value,
		lag(f.ends) OVER series AS previous_ends,
		lag(f.value) OVER series AS previous_value,
		lag(f.source) OVER series AS previous_source,
		lead(f.ends) OVER series IS NULL AS is_last,
		min(f.days) OVER (PARTITION BY f.kpi_id, f.service_id, f.channel_id, f.stage_id) AS shortest
	FROM figure AS f
	WHERE f.origin = 'reported'
	WINDOW series AS (PARTITION BY f.kpi_id, f.service_id, f.channel_id, f.stage_id, f.basis ORDER BY f.begins)
), checked AS MATERIALIZED (
	-- mostly few: found first, lest all figures are paired with all of the same series and period
	SELECT f.kpi_id, f.service_id, f.channel_id, f.stage_id, f.basis, f.begins, f.ends, f.origin, f.n, f.value, l.relation, l.other_kpi_id
	FROM athar.kpi_relation AS l
	JOIN figure AS f ON f.kpi_id = l.kpi_id
	WHERE l.is_checked
), related AS MATERIALIZED (
	SELECT c.kpi_id, c.service_id, c.channel_id, c.stage_id, c.basis, c.begins, c.ends, c.n, c.value, c.relation,
		k.code::text AS kpi, a.code::text AS other_kpi, o.value AS other_value
	FROM checked AS c
	JOIN figure AS o ON o.kpi_id = c.other_kpi_id AND o.service_id = c.service_id AND o.channel_id = c.channel_id AND o.stage_id = c.stage_id
		AND o.basis = c.basis AND o.begins = c.begins AND o.ends = c.ends AND o.origin = c.origin
	JOIN athar.kpi AS k ON k.id = c.kpi_id
	JOIN athar.kpi AS a ON a.id = c.other_kpi_id
), cut AS MATERIALIZED (
	-- the periods of a KPI and basis, one after the other
	SELECT p.kpi_id, p.basis, p.begins, p.ends, lag(p.begins) OVER ascending AS previous_begins, lag(p.ends) OVER ascending AS previous_ends
	FROM (SELECT DISTINCT r.kpi_id, r.basis, r.begins, r.ends FROM reported AS r) AS p
	WINDOW ascending AS (PARTITION BY p.kpi_id, p.basis ORDER BY p.begins, p.ends)
), held AS MATERIALIZED (
	SELECT s.kpi_id, s.basis, s.channel_id, s.begins, s.ends, count(*) AS services
	FROM (
		SELECT DISTINCT r.kpi_id, r.basis, r.channel_id, r.begins, r.ends, r.service_id
		FROM reported AS r
		WHERE r.service_id <> 0) AS s
	GROUP BY s.kpi_id, s.basis, s.channel_id, s.begins, s.ends
), covered AS (
	SELECT c.kpi_id, c.basis, c.begins, c.ends, h.channel_id, coalesce(n.services, 0) AS services, coalesce(p.services, 0) AS previous_services
	FROM cut AS c
	JOIN (SELECT DISTINCT a.kpi_id, a.basis, a.channel_id FROM held AS a) AS h ON h.kpi_id = c.kpi_id AND h.basis = c.basis
	LEFT JOIN held AS n ON n.kpi_id = c.kpi_id AND n.basis = c.basis AND n.channel_id = h.channel_id
		AND n.begins = c.begins AND n.ends = c.ends
	LEFT JOIN held AS p ON p.kpi_id = c.kpi_id AND p.basis = c.basis AND p.channel_id = h.channel_id
		AND p.begins = c.previous_begins AND p.ends = c.previous_ends
	WHERE c.previous_begins IS NOT NULL
), renumbered AS (
	-- of the series with a stage whose service goes on: how many go on themselves
	SELECT c.kpi_id, c.basis, c.begins, c.ends, count(*) AS series, count(*) FILTER (WHERE n.service_id IS NOT NULL) AS continued
	FROM cut AS c
	JOIN reported AS r ON r.kpi_id = c.kpi_id AND r.basis = c.basis AND r.begins = c.previous_begins AND r.ends = c.previous_ends
	JOIN (SELECT DISTINCT a.kpi_id, a.basis, a.begins, a.ends, a.service_id FROM reported AS a WHERE a.stage_id <> 0) AS s
		ON s.kpi_id = c.kpi_id AND s.basis = c.basis AND s.begins = c.begins AND s.ends = c.ends AND s.service_id = r.service_id
	LEFT JOIN reported AS n ON n.kpi_id = c.kpi_id AND n.basis = c.basis AND n.begins = c.begins AND n.ends = c.ends
		AND n.service_id = r.service_id AND n.channel_id = r.channel_id AND n.stage_id = r.stage_id
	WHERE r.stage_id <> 0
	GROUP BY c.kpi_id, c.basis, c.begins, c.ends
), used AS (
	SELECT r.kpi_id, r.service_id, r.channel_id, r.stage_id, r.basis,
		min(r.begins) AS begins, max(r.ends) AS ends, max(r.days) AS days, count(*) AS periods
	FROM reported AS r
	GROUP BY r.kpi_id, r.service_id, r.channel_id, r.stage_id, r.basis
), finding AS (
	SELECT 'answers_above_source' AS check_code, 'error' AS severity, l.kpi_id, l.service_id, l.channel_id, l.stage_id, l.basis, l.begins, l.ends,
		l.n::double precision AS figure, l.other_value AS compared_with, l.other_kpi,
		format('%s answers, but %s is %s: more people answered than there were', l.n, l.other_kpi, l.other_value) AS sentence,
		format('عدد الإجابات %s بينما قيمة %s هي %s: الإجابات أكثر من المشاركين', l.n, l.other_kpi, l.other_value) AS sentence_ar
	FROM related AS l
	WHERE l.relation = 'sampled_from' AND l.n > l.other_value
	UNION ALL
	SELECT 'part_above_whole', 'error', l.kpi_id, l.service_id, l.channel_id, l.stage_id, l.basis, l.begins, l.ends, l.value, l.other_value, l.other_kpi,
		format('%s is a part of %s, but is %s of %s', l.kpi, l.other_kpi, l.value, l.other_value),
		format('المؤشر %s جزء من %s، لكن قيمته %s من %s', l.kpi, l.other_kpi, l.value, l.other_value)
	FROM related AS l
	WHERE l.relation = 'part_of' AND l.value > l.other_value
	UNION ALL
	SELECT 'share_out_of_range', 'error', f.kpi_id, f.service_id, f.channel_id, f.stage_id, f.basis, f.begins, f.ends, f.value, k.most, NULL,
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
	SELECT 'mean_as_count', 'error', f.kpi_id, f.service_id, f.channel_id, f.stage_id, f.basis, f.begins, f.ends, f.n, f.maximum, NULL,
		format('all %s answers are %s: a mean seems to be typed where counts belong', f.n, f.maximum),
		format('جميع الإجابات (%s) قيمتها %s: يبدو أن متوسطا كُتب في خانة الأعداد', f.n, f.maximum)
	FROM figure AS f
	WHERE f.kind = 'likert' AND f.n > 1 AND f.minimum = f.maximum AND f.n = f.maximum
		AND NOT EXISTS (
			SELECT
			FROM related AS l
			WHERE l.relation = 'sampled_from' AND l.other_value <= f.n AND l.kpi_id = f.kpi_id AND l.begins = f.begins AND l.ends = f.ends AND l.basis = f.basis
				AND l.service_id = f.service_id AND l.channel_id = f.channel_id AND l.stage_id = f.stage_id)
	UNION ALL
	SELECT 'percent_as_count', 'error', l.kpi_id, l.service_id, l.channel_id, l.stage_id, l.basis, l.begins, l.ends, l.n, l.other_value, l.other_kpi,
		format('%s answers where %s is %s: percentages seem to be typed where counts belong', l.n, l.other_kpi, l.other_value),
		format('%s إجابة بينما قيمة %s هي %s: يبدو أن نسبا مئوية كُتبت في خانات الأعداد', l.n, l.other_kpi, l.other_value)
	FROM related AS l
	WHERE l.relation = 'sampled_from' AND l.n BETWEEN 99 AND 101 AND l.other_value > 2 * l.n
	UNION ALL
	SELECT 'scale_mixed', 'error', f.kpi_id, f.service_id, f.channel_id, f.stage_id, f.basis, f.begins, f.ends, f.value, t.middle, NULL,
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
	SELECT 'parts_not_whole', 'error', w.kpi_id, w.service_id, w.channel_id, w.stage_id, w.basis, w.begins, w.ends, w.value, sum(p.value), NULL,
		format('%s, but the %s figures it is made of (%s) add up to %s', w.value, count(*), nullif(p.basis, ''), sum(p.value)),
		format('القيمة %s، لكن مجموع القيم التي تكوّنها (وعددها %s، %s) هو %s', w.value, count(*), nullif(p.basis, ''), sum(p.value))
	FROM reported AS w
	JOIN reported AS p ON p.kpi_id = w.kpi_id AND p.service_id = w.service_id AND p.channel_id = w.channel_id AND p.stage_id = w.stage_id
		AND p.basis <> w.basis AND p.days < w.days AND p.begins >= w.begins AND p.ends <= w.ends
	-- days alone have no parts: leaves a series' days out before they are paired with one another
	WHERE w.kind = 'sum' AND w.days > w.shortest
	GROUP BY w.kpi_id, w.service_id, w.channel_id, w.stage_id, w.basis, w.begins, w.ends, w.days, w.value, p.basis
	HAVING sum(p.days) = w.days AND abs(sum(p.value) - w.value) > 1e-9 * greatest(abs(sum(p.value)), abs(w.value))
	UNION ALL
	SELECT 'coverage_break', 'warning', c.kpi_id, NULL, c.channel_id, NULL, c.basis, c.begins, c.ends, c.services, c.previous_services, NULL,
		format('number of services with figures: %s, in the period before: %s; totals do not compare', c.services, c.previous_services),
		format('عدد الخدمات التي لها قيم: %s، وفي الفترة السابقة: %s؛ لا تجوز مقارنة المجاميع', c.services, c.previous_services)
	FROM covered AS c
	WHERE greatest(c.services, c.previous_services) >= 10
		AND greatest(c.services, c.previous_services) >= 1.5 * least(c.services, c.previous_services)
	UNION ALL
	SELECT 'renumbered', 'warning', c.kpi_id, NULL, NULL, NULL, c.basis, c.begins, c.ends, c.continued, c.series, NULL,
		format('of %s series whose service goes on, only %s are continued: stages seem to be numbered anew', c.series, c.continued),
		format('عدد السلاسل التي تستمر خدمتها: %s، والمستمر منها: %s فقط؛ يبدو أن المراحل رُقّمت من جديد', c.series, c.continued)
	FROM renumbered AS c
	WHERE c.series >= 10 AND c.continued < 0.5 * c.series
	UNION ALL
	SELECT 'basis_change', 'warning', b.kpi_id, b.service_id, b.channel_id, b.stage_id, b.basis, b.begins, b.ends, NULL, NULL, NULL,
		format('from %s on the basis is "%s", until then it was "%s": do not compare across', to_char(b.begins, 'YYYY-MM-DD'), b.basis, a.basis),
		format('الأساس منذ %s هو "%s" وكان قبله "%s": لا تجوز المقارنة بينهما', to_char(b.begins, 'YYYY-MM-DD'), b.basis, a.basis)
	FROM used AS a
	JOIN used AS b ON b.kpi_id = a.kpi_id AND b.service_id = a.service_id AND b.channel_id = a.channel_id AND b.stage_id = a.stage_id
	WHERE a.basis <> b.basis AND a.periods > 1 AND b.periods > 1 AND b.begins BETWEEN a.ends AND a.ends + 2 * greatest(a.days, b.days)
	UNION ALL
	SELECT 'level_jump', 'warning', r.kpi_id, r.service_id, r.channel_id, r.stage_id, r.basis, r.begins, r.ends, r.value, r.previous_value, NULL,
		format('%s after %s, a factor of %s%s', r.value, r.previous_value, round(greatest(r.value / r.previous_value, r.previous_value / r.value)::numeric, 1),
			CASE WHEN r.source IS DISTINCT FROM r.previous_source THEN format(', and the source changed from "%s" to "%s"', r.previous_source, r.source) END),
		format('القيمة %s بعد %s، أي بعامل %s%s', r.value, r.previous_value, round(greatest(r.value / r.previous_value, r.previous_value / r.value)::numeric, 1),
			CASE WHEN r.source IS DISTINCT FROM r.previous_source THEN format('، وتغير المصدر من "%s" إلى "%s"', r.previous_source, r.source) END)
	FROM reported AS r
	WHERE r.value BETWEEN 1e-100 AND 1e100 AND r.previous_value BETWEEN 1e-100 AND 1e100
		AND greatest(r.value / r.previous_value, r.previous_value / r.value) >= CASE WHEN r.source IS DISTINCT FROM r.previous_source THEN 2 ELSE 10 END
	UNION ALL
	SELECT 'gap', 'notice', r.kpi_id, r.service_id, r.channel_id, r.stage_id, r.basis, r.previous_ends, r.begins, r.begins - r.previous_ends, NULL, NULL,
		format('days without a figure: %s', r.begins - r.previous_ends),
		format('عدد الأيام التي لا قيمة لها: %s', r.begins - r.previous_ends)
	FROM reported AS r
	WHERE r.begins > r.previous_ends
	UNION ALL
	SELECT 'series_stopped', 'notice', r.kpi_id, r.service_id, r.channel_id, r.stage_id, r.basis, r.begins, r.ends, t.newest - r.ends, NULL, NULL,
		format('days from the end of the newest figure to that of other series: %s', t.newest - r.ends),
		format('عدد الأيام بين نهاية أحدث قيمة ونهاية أحدث قيم السلاسل الأخرى: %s', t.newest - r.ends)
	FROM reported AS r
	JOIN (SELECT s.kpi_id, s.basis, max(s.ends) AS newest FROM reported AS s GROUP BY s.kpi_id, s.basis) AS t
		ON t.kpi_id = r.kpi_id AND t.basis = r.basis
	WHERE r.is_last AND t.newest - r.ends >= 2 * r.days
	UNION ALL
	SELECT 'stale', 'notice', t.kpi_id, NULL, NULL, NULL, NULL, t.newest - t.days, t.newest, current_date - t.newest, NULL, NULL,
		format('age of the newest figure in days: %s', current_date - t.newest),
		format('عمر أحدث قيمة بالأيام: %s', current_date - t.newest)
	FROM (
		SELECT DISTINCT ON (e.kpi_id) e.kpi_id, e.ends AS newest, greatest(e.days, 7) AS days
		FROM (SELECT f.kpi_id, f.ends, min(f.days) AS days FROM figure AS f GROUP BY f.kpi_id, f.ends) AS e
		ORDER BY e.kpi_id, e.ends DESC) AS t
	WHERE current_date - t.newest > 2 * t.days
)
SELECT
	k.code::text AS kpi,
	s.code::text AS service,
	c.code::text AS channel,
	t.code::text AS stage,
	nullif(f.basis, '') AS basis,
	f.begins AS period_start,
	f.ends - 1 AS period_end,
	f.check_code,
	f.severity,
	f.figure,
	f.compared_with,
	f.other_kpi,
	f.sentence,
	-- a minus sign and the dashes of a date stay where they are in a line that runs from the right
	regexp_replace(f.sentence_ar, '(^|[ (])(-[0-9]|[0-9]{4}-[0-9])', '\1' || E'\xe2\x80\x8e' || '\2', 'g') AS sentence_ar
FROM finding AS f
JOIN athar.kpi AS k ON k.id = f.kpi_id
LEFT JOIN athar.service AS s ON s.id = f.service_id
LEFT JOIN athar.channel AS c ON c.id = f.channel_id
LEFT JOIN athar.stage AS t ON t.id = f.stage_id;
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
