-- 94 picture: trends, and what changed, as SVG

CREATE OR REPLACE FUNCTION athar.figure_interval(kind text, summary athar.summary, value double precision)
RETURNS TABLE (low double precision, high double precision)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	-- Wilson 1927 for shares, which holds near 0 and 1, too; Student's t for means
	SELECT
		CASE WHEN s.is_share THEN (s.value + 1.9207 / s.n - s.root) / (1 + 3.8415 / s.n) ELSE s.value - s.half END,
		CASE WHEN s.is_share THEN (s.value + 1.9207 / s.n + s.root) / (1 + 3.8415 / s.n) ELSE s.value + s.half END
	FROM (
		SELECT f.n, f.value, f.is_share,
			CASE WHEN f.is_share THEN 1.95996 * sqrt(f.value * (1 - f.value) / f.n + 0.9604 / f.n / f.n) END AS root,
			CASE WHEN NOT f.is_share AND f.n > 1 AND f.sd > 0 THEN athar.student_t_quantile(0.975, f.n - 1) * f.sd / sqrt(f.n) END AS half
		FROM (SELECT
			athar.n(figure_interval.summary)::double precision AS n,
			athar.stddev(figure_interval.summary) AS sd,
			figure_interval.value,
			figure_interval.kind IN ('ratio', 'share_within') AND figure_interval.value BETWEEN 0 AND 1 AS is_share) AS f
		WHERE f.n > 0 AND abs(f.value) < 1e100 AND (f.sd < 1e100) IS NOT FALSE AND figure_interval.kind <> 'sum') AS s;
END;
COMMENT ON FUNCTION athar.figure_interval(text, athar.summary, double precision) IS
'The 95 % confidence interval of one figure from the values it was made of: Wilson''s for a share (kinds ratio and share_within over things that can be counted), Student''s t for a mean. No row for a total, which is a count of all there is, and where nothing is known of single values; NULL where they do not vary.';

CREATE OR REPLACE FUNCTION athar.trend_figures(
	kpi text, service text, channel text, basis text, from_day date, to_day date, is_public boolean)
RETURNS TABLE (basis text, starts_on date, ends_on date, value double precision, low double precision, high double precision, source text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 50
BEGIN ATOMIC
	WITH part AS MATERIALIZED (
		SELECT r.kind, r.origin, coalesce(r.basis, '') AS basis, r.period, r.channel_id, r.summary, r.numerator, r.denominator, r.source
		FROM athar.measurement_rows AS r
		WHERE r.kpi_id = athar.kpi_id(trend_figures.kpi)
			AND (r.service_id = athar.service_id(trend_figures.service) OR r.service_id IS NULL AND trend_figures.service IS NULL)
			AND (r.channel_id = athar.channel_id(trend_figures.channel) OR trend_figures.channel IS NULL)
			AND (r.origin = 'observed' OR r.stage_id IS NULL)
			AND (lower(r.period) < trend_figures.from_day) IS NOT TRUE
			AND (upper(r.period) - 1 > trend_figures.to_day) IS NOT TRUE
			AND trend_figures.is_public IS NOT TRUE
	), grain AS (
		SELECT CASE
			WHEN trend_figures.basis IN ('day', 'week', 'month', 'quarter', 'year') THEN trend_figures.basis
			WHEN d.days <= 62 THEN 'day'
			WHEN d.days <= 370 THEN 'week'
			WHEN d.days <= 7400 THEN 'month'
			ELSE 'year' END AS grain
		FROM (SELECT max(lower(p.period)) - min(lower(p.period)) AS days FROM part AS p WHERE p.origin = 'observed') AS d
	), cell AS (
		SELECT p.origin, p.kind, p.channel_id, p.summary, p.numerator, p.denominator, p.source,
			CASE p.origin WHEN 'observed' THEN g.grain ELSE p.basis END AS basis,
			CASE p.origin WHEN 'observed' THEN daterange(
				date_trunc(g.grain, lower(p.period)::timestamp)::date,
				(date_trunc(g.grain, lower(p.period)::timestamp) + CASE g.grain WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || g.grain)::interval END)::date)
			ELSE p.period END AS period
		FROM part AS p
		CROSS JOIN grain AS g
	), counted AS (
		-- a reported figure for all channels already holds those of its channels
		SELECT c.*, c.origin = 'reported' AND c.channel_id IS NOT NULL AND trend_figures.channel IS NULL
			AND bool_or(c.channel_id IS NULL) OVER (PARTITION BY c.origin, c.basis, c.period) AS is_contained
		FROM cell AS c
	), figure AS (
		SELECT c.origin, min(c.kind) AS kind, c.basis, c.period, athar.merge(c.summary) AS summary,
			athar.measurement_value(min(c.kind), athar.merge(c.summary), sum(c.numerator), sum(c.denominator)) AS value,
			bool_or(c.denominator IS NOT NULL) AS has_denominators,
			min(c.source) AS source
		FROM counted AS c
		WHERE NOT c.is_contained
		GROUP BY c.origin, c.basis, c.period
	), chosen AS (
		SELECT f.origin, f.basis
		FROM figure AS f
		WHERE trend_figures.basis IS NULL OR f.basis = trend_figures.basis
		GROUP BY f.origin, f.basis
		ORDER BY count(*) DESC, min(upper(f.period) - lower(f.period)), f.origin, f.basis
		LIMIT 1
	)
	SELECT f.basis, lower(f.period), upper(f.period), f.value,
		CASE WHEN NOT f.has_denominators THEN i.low END, CASE WHEN NOT f.has_denominators THEN i.high END, f.source
	FROM chosen AS c
	JOIN figure AS f ON f.origin = c.origin AND f.basis = c.basis
	LEFT JOIN LATERAL athar.figure_interval(f.kind, f.summary, f.value) AS i ON true
	UNION ALL
	SELECT coalesce(p.basis, ''), p.period_start, p.period_end + 1, p.value, NULL, NULL, NULL
	FROM athar.public_measurements AS p
	WHERE trend_figures.is_public
		AND p.kpi = trend_figures.kpi
		AND p.service = trend_figures.service
		AND p.channel IS NOT DISTINCT FROM trend_figures.channel
		AND p.stage IS NULL
		AND (trend_figures.basis IS NULL OR p.basis = trend_figures.basis)
		AND (p.period_start < trend_figures.from_day) IS NOT TRUE
		AND (p.period_end > trend_figures.to_day) IS NOT TRUE;
END;
COMMENT ON FUNCTION athar.trend_figures(text, text, text, text, date, date, boolean) IS
'What trend_svg() draws, one row per period [starts_on, ends_on): figures of one basis (the one given, or else that with the most periods, of equals the shorter); observed days are gathered by day, week, month or year as their length asks for. is_public: those of public_measurements, NULL where they are suppressed.';

CREATE OR REPLACE FUNCTION athar.direction_text(direction text, desired_value double precision, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE direction
	WHEN 'up' THEN CASE lang WHEN 'ar' THEN 'الأعلى أفضل' ELSE 'higher is better' END
	WHEN 'down' THEN CASE lang WHEN 'ar' THEN 'الأدنى أفضل' ELSE 'lower is better' END
	ELSE CASE lang WHEN 'ar' THEN 'الأقرب إلى ' ELSE 'nearer to ' END || athar.figure_text(desired_value, NULL, lang) || CASE lang WHEN 'ar' THEN ' أفضل' ELSE ' is better' END
END;
COMMENT ON FUNCTION athar.direction_text(text, double precision, text) IS
'Which way of a KPI is better, in words.';

CREATE OR REPLACE FUNCTION athar.name_text(name text, name_ar text, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE lang WHEN 'ar' THEN coalesce(nullif(btrim(name_ar), ''), name) ELSE name END;
COMMENT ON FUNCTION athar.name_text(text, text, text) IS
'A name in English, or with lang ar in Arabic where there is one.';

CREATE OR REPLACE FUNCTION athar.kpi_levels(kpi_id integer, on_day date, lowest double precision, highest double precision, lang text)
RETURNS jsonb
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce(jsonb_agg(jsonb_build_object('value', l.value, 'label', l.label) ORDER BY l.value), '[]')
	FROM (
		SELECT b.lower_bound::double precision AS value, athar.isolated(athar.name_text(b.name, b.name_ar, kpi_levels.lang), kpi_levels.lang)
			|| CASE kpi_levels.lang WHEN 'ar' THEN ': من ' ELSE ' from ' END || athar.figure_text(b.lower_bound, NULL, kpi_levels.lang) AS label
		FROM athar.kpi_band AS b
		WHERE b.kpi_id = kpi_levels.kpi_id
			AND b.valid_during @> kpi_levels.on_day
			AND b.lower_bound >= kpi_levels.lowest - (kpi_levels.highest - kpi_levels.lowest) / 2
			AND b.lower_bound <= kpi_levels.highest + (kpi_levels.highest - kpi_levels.lowest) / 2
		UNION ALL
		SELECT k.desired_value, CASE kpi_levels.lang WHEN 'ar' THEN 'القيمة المنشودة ' ELSE 'desired value ' END || athar.figure_text(k.desired_value, NULL, kpi_levels.lang)
		FROM athar.kpi AS k
		WHERE k.id = kpi_levels.kpi_id AND k.desired_value IS NOT NULL) AS l;
END;
COMMENT ON FUNCTION athar.kpi_levels(integer, date, double precision, double precision, text) IS
'The lines to draw across a picture of a KPI''s figures: its desired value, and where its bands of that day begin, as far as they lie near the figures.';

CREATE OR REPLACE FUNCTION athar.trend_svg(
	kpi text, service text DEFAULT NULL, lang text DEFAULT 'en', channel text DEFAULT NULL, basis text DEFAULT NULL,
	from_day date DEFAULT NULL, to_day date DEFAULT NULL, is_public boolean DEFAULT false)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
SET jit = off -- a few dozen figures
BEGIN ATOMIC
	SELECT athar.check_language(trend_svg.lang);
	SELECT athar.kpi_id(trend_svg.kpi), athar.service_id(trend_svg.service), athar.channel_id(trend_svg.channel);
	WITH all_figures AS MATERIALIZED (
		SELECT f.basis, f.starts_on, f.ends_on, f.value, f.low, f.high, f.source,
			row_number() OVER (ORDER BY f.starts_on DESC, f.ends_on DESC) AS age,
			athar.figure_text(f.value, NULL, trend_svg.lang) AS words
		FROM athar.trend_figures(trend_svg.kpi, trend_svg.service, trend_svg.channel, trend_svg.basis,
			trend_svg.from_day, trend_svg.to_day, coalesce(trend_svg.is_public, false)) AS f
	), figure AS MATERIALIZED (
		SELECT f.*, athar.period_text(f.starts_on, f.ends_on, trend_svg.lang) AS period
		FROM all_figures AS f
		WHERE f.age <= 1500
	), summed AS MATERIALIZED (
		SELECT
			count(f.value) AS n,
			count(*) - count(f.value) AS unknown,
			(SELECT count(*) FROM all_figures AS a WHERE a.age > 1500) AS older,
			count(*) FILTER (WHERE abs(f.value) >= 1e100) AS beyond,
			max(f.high - f.low) AS widest,
			min(f.starts_on) AS starts_on,
			max(f.ends_on) AS ends_on,
			min(f.basis) AS basis,
			min(least(f.value, f.low)) FILTER (WHERE abs(f.value) < 1e100) AS lowest,
			max(greatest(f.value, f.high)) FILTER (WHERE abs(f.value) < 1e100) AS highest,
			(array_agg(f.words ORDER BY f.starts_on DESC) FILTER (WHERE f.value IS NOT NULL))[1] AS last_value,
			(array_agg(f.period ORDER BY f.starts_on DESC) FILTER (WHERE f.value IS NOT NULL))[1] AS last_period,
			(array_agg(f.words ORDER BY f.value, f.starts_on) FILTER (WHERE f.value IS NOT NULL))[1] AS low_value,
			(array_agg(f.period ORDER BY f.value, f.starts_on) FILTER (WHERE f.value IS NOT NULL))[1] AS low_period,
			(array_agg(f.words ORDER BY f.value DESC, f.starts_on) FILTER (WHERE f.value IS NOT NULL))[1] AS high_value,
			(array_agg(f.period ORDER BY f.value DESC, f.starts_on) FILTER (WHERE f.value IS NOT NULL))[1] AS high_period,
			string_agg(DISTINCT f.source, '; ') AS sources
		FROM figure AS f
	), change AS MATERIALIZED (
		SELECT a.live_on, string_agg(a.item_id, ', ' ORDER BY a.item_id) AS label,
			string_agg(athar.isolated(a.item_id, trend_svg.lang) || ': ' || athar.isolated(athar.name_text(a.title, a.title_ar, trend_svg.lang), trend_svg.lang), '; ' ORDER BY a.item_id)
				|| CASE trend_svg.lang WHEN 'ar' THEN '، ' ELSE ', ' END || athar.date_text(a.live_on, trend_svg.lang) AS note
		FROM athar.action AS a
		CROSS JOIN summed AS s
		WHERE a.service_id = athar.service_id(trend_svg.service)
			AND EXISTS (SELECT FROM athar.effect AS e WHERE e.action_id = a.id AND e.kpi_id = athar.kpi_id(trend_svg.kpi) AND NOT e.is_withdrawn)
			AND a.removed_in_version IS NULL
			AND a.status <> 'cancelled'
			AND a.live_on BETWEEN s.starts_on AND least(s.ends_on, current_date)
		GROUP BY a.live_on
		ORDER BY a.live_on DESC
		LIMIT 6
	), words AS (
		SELECT
			k.id AS kpi_id,
			athar.unit_text(k.unit_of_measure, trend_svg.lang) AS unit,
			athar.isolated(athar.name_text(k.name, k.name_ar, trend_svg.lang), trend_svg.lang)
				|| coalesce(': ' || athar.isolated(athar.name_text(v.name, v.name_ar, trend_svg.lang), trend_svg.lang), '')
				|| coalesce(CASE trend_svg.lang WHEN 'ar' THEN '، ' ELSE ', ' END || athar.isolated(athar.name_text(c.name, c.name_ar, trend_svg.lang), trend_svg.lang), '') AS title,
			concat_ws(CASE trend_svg.lang WHEN 'ar' THEN '؛ ' ELSE '; ' END,
				CASE WHEN s.n > 0 THEN format(CASE trend_svg.lang WHEN 'ar' THEN 'أحدث قيمة: %s (%s)' ELSE 'Latest: %s (%s)' END, s.last_value, s.last_period) END,
				athar.basis_text(s.basis, trend_svg.lang)) AS lead,
			athar.direction_text(k.direction, k.desired_value, trend_svg.lang) AS direction
		FROM athar.kpi AS k
		CROSS JOIN summed AS s
		LEFT JOIN athar.service AS v ON v.id = athar.service_id(trend_svg.service)
		LEFT JOIN athar.channel AS c ON c.id = athar.channel_id(trend_svg.channel)
		WHERE k.id = athar.kpi_id(trend_svg.kpi)
	), note (place, note) AS (
		SELECT 100 - row_number() OVER (ORDER BY c.live_on DESC), c.note FROM change AS c
		UNION ALL
		SELECT n.place, n.note
		FROM summed AS s
		CROSS JOIN LATERAL athar.value_axis(athar.drawable(s.lowest), athar.drawable(s.highest)) AS a
		CROSS JOIN LATERAL (VALUES
			(200, CASE
				-- two hundredths of the axis are about the size of a point
				WHEN s.widest < 0.02 * (a.high - a.low) THEN CASE trend_svg.lang WHEN 'ar' THEN 'فترات الثقة 95 % للقيم أضيق من أن تُرى.' ELSE 'The 95 % confidence intervals of the figures are too narrow to be seen.' END
				WHEN s.widest > 0 THEN CASE trend_svg.lang WHEN 'ar' THEN 'المساحة المظللة: فترة الثقة 95 % لكل قيمة.' ELSE 'Shaded: 95 % confidence interval of each figure.' END END),
			(220, CASE WHEN s.unknown > 0 AND trend_svg.is_public THEN format(CASE trend_svg.lang WHEN 'ar' THEN 'قيم غير معروضة حمايةً لخصوصية عدد قليل من الأشخاص: %s.' ELSE 'Not shown, so that nobody can be recognised among few people: %s.' END, s.unknown) END),
			(230, CASE WHEN s.older > 0 THEN format(CASE trend_svg.lang WHEN 'ar' THEN 'قيم أقدم غير معروضة: %s.' ELSE 'Earlier figures not shown: %s.' END, s.older) END),
			(240, CASE WHEN s.beyond > 0 THEN format(CASE trend_svg.lang WHEN 'ar' THEN 'قيم أكبر من أن تُرسم: %s.' ELSE 'Figures too large to be drawn: %s.' END, s.beyond) END),
			(250, CASE WHEN s.ends_on > current_date THEN CASE trend_svg.lang WHEN 'ar' THEN 'المدة الأخيرة لم تنتهِ بعد.' ELSE 'The last period is not over.' END END),
			(260, CASE trend_svg.lang WHEN 'ar' THEN 'المصدر: ' ELSE 'Source: ' END || athar.isolated(nullif(btrim(left(s.sources, 300)), ''), trend_svg.lang))) AS n (place, note)
		WHERE n.note IS NOT NULL
	)
	SELECT athar.draw_chart(jsonb_build_object(
		'title', w.title,
		'leads', jsonb_build_array(w.lead),
		'unit', w.unit,
		'better', w.direction,
		'empty', CASE
			WHEN s.unknown > 0 AND trend_svg.is_public THEN CASE trend_svg.lang WHEN 'ar' THEN 'كل القيم تخصّ عددًا قليلًا من الأشخاص، لذا لا تُعرض.' ELSE 'Every figure is of few people, so none is shown.' END
			WHEN s.beyond > 0 THEN CASE trend_svg.lang WHEN 'ar' THEN 'القيم أكبر من أن تُرسم.' ELSE 'The figures are too large to be drawn.' END
			ELSE CASE trend_svg.lang WHEN 'ar' THEN 'لا توجد قيم لهذا المؤشر هنا.' ELSE 'There are no figures of this indicator here.' END END,
		'description', CASE WHEN s.n > 0 THEN format(
			CASE trend_svg.lang
				WHEN 'ar' THEN 'رسم خطي لمؤشر %s، بوحدة %s، %s. عدد القيم: %s. أدنى قيمة %s (%s)، وأعلى قيمة %s (%s)، وأحدث قيمة %s (%s).%s'
				ELSE 'Line chart of %s, in %s, %s. Figures: %s. Lowest %s (%s), highest %s (%s), latest %s (%s).%s' END,
			w.title, w.unit, athar.period_text(s.starts_on, s.ends_on, trend_svg.lang), s.n, s.low_value, s.low_period, s.high_value, s.high_period, s.last_value, s.last_period,
			coalesce(' ' || (SELECT string_agg(c.note, '. ' ORDER BY c.live_on) FROM change AS c) || '.', ''))
			ELSE w.title END,
		'points', coalesce((SELECT jsonb_agg(jsonb_build_object(
			'from', f.starts_on - date '2000-01-01', 'to', f.ends_on - date '2000-01-01', 'value', f.value, 'low', f.low, 'high', f.high,
			'label', f.period || ': ' || f.words || CASE WHEN f.low IS NOT NULL THEN ' (' || athar.interval_text(f.low, f.high, trend_svg.lang) || ')' ELSE '' END) ORDER BY f.starts_on, f.ends_on)
			FROM figure AS f), '[]'),
		'levels', athar.kpi_levels(w.kpi_id, s.ends_on - 1, athar.drawable(s.lowest), athar.drawable(s.highest), trend_svg.lang),
		'cutovers', coalesce((SELECT jsonb_agg(jsonb_build_object('at', c.live_on - date '2000-01-01', 'label', c.label) ORDER BY c.live_on) FROM change AS c), '[]'),
		'notes', coalesce((SELECT jsonb_agg(n.note ORDER BY n.place) FROM note AS n), '[]')), trend_svg.lang)
	FROM words AS w
	CROSS JOIN summed AS s;
END;
COMMENT ON FUNCTION athar.trend_svg(text, text, text, text, text, date, date, boolean) IS
'The figures of a KPI over time as an SVG picture that stands alone, with title, description, axes, the days on which actions for this KPI went live, bands and desired value, and where the figures were made of single values a band of 95 % confidence. In English, or with lang ar in Arabic, where the time still runs from left to right as its digits do.
service and channel by their codes (NULL: the whole; all channels together); basis: how periods are cut (NULL: the one with the most periods; observed days are gathered as their length asks for, or by day, week, month, quarter or year); from_day, to_day: only periods within. is_public: only what public_measurements shows, and no intervals; what is suppressed there is a gap, and a note says how many.
Gaps stay gaps. Without figures a picture that says so; figures beyond 1e100 are left out with a note, and of more than 1500 periods the newest are drawn. 42704 unknown KPI, service or channel; 22023 unknown language.';

CREATE OR REPLACE FUNCTION athar.waiting_text(action_id integer, effect_id integer, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE
		WHEN e.id IS NULL THEN CASE waiting_text.lang WHEN 'ar' THEN 'لا تذكر الخطة لهذا الإجراء مؤشرًا يقاس به أثره.' ELSE 'The plan names no KPI for this action to be measured by.' END
		WHEN EXISTS (SELECT FROM athar.effect_measurement AS m WHERE m.effect_id = e.id) THEN NULL
		WHEN a.status = 'cancelled' THEN CASE waiting_text.lang WHEN 'ar' THEN 'أُلغي الإجراء.' ELSE 'The action was cancelled.' END
		WHEN a.live_on IS NULL THEN CASE waiting_text.lang WHEN 'ar' THEN 'لم يبدأ العمل بالإجراء بعد.' ELSE 'The action is not live yet.' END
		WHEN w.ends_on > current_date THEN format(CASE waiting_text.lang WHEN 'ar' THEN 'تنتهي مدة المقارنة في %s.' ELSE 'The time compared ends on %s.' END, athar.date_text(w.ends_on, waiting_text.lang))
		ELSE CASE waiting_text.lang WHEN 'ar' THEN 'لم يُقَس الأثر بعد.' ELSE 'It has not been measured yet.' END
	END
	FROM athar.action AS a
	LEFT JOIN athar.effect AS e ON e.id = waiting_text.effect_id
	CROSS JOIN LATERAL (SELECT (a.live_on + coalesce(e.washout, interval '0') + coalesce(e.span, interval '1 year'))::date AS ends_on) AS w
	WHERE a.id = waiting_text.action_id;
END;
COMMENT ON FUNCTION athar.waiting_text(integer, integer, text) IS
'Why an effect of an action (NULL: none) has no measurement, in words; NULL where it has one.';

CREATE OR REPLACE FUNCTION athar.compared_figures(
	kpi_id integer, service_id integer, cutover timestamptz, span interval, washout interval, season_matched boolean)
RETURNS TABLE (side text, starts_on date, ends_on date, value double precision)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 50
BEGIN ATOMIC
	WITH subject AS MATERIALIZED (
		SELECT l.cutover, w.before_from, w.before_to, w.after_from, w.after_to
		FROM athar.kpi AS k
		CROSS JOIN LATERAL (SELECT compared_figures.cutover AT TIME ZONE k.time_zone) AS l (cutover)
		CROSS JOIN LATERAL athar.compared_windows(l.cutover, l.cutover + compared_figures.washout, compared_figures.span, compared_figures.season_matched) AS w
		WHERE k.id = compared_figures.kpi_id
	), reported AS MATERIALIZED (
		SELECT p.basis, p.is_after, p.starts_at, p.ends_at, p.value
		FROM subject AS u
		CROSS JOIN LATERAL athar.period_points(compared_figures.kpi_id, ARRAY[compared_figures.service_id], u.cutover,
			compared_figures.span, compared_figures.washout, compared_figures.season_matched) AS p
		WHERE p.is_chosen
	), observed AS (
		-- days gathered from the cutover outwards, so that none has both sides
		SELECT o.is_after, o.starts_at::date AS day, o.summary, o.numerator, o.denominator, u.before_to, u.after_from,
			CASE WHEN u.after_to - u.before_from <= interval '70 days' THEN 1 WHEN u.after_to - u.before_from <= interval '500 days' THEN 7 ELSE 30 END AS size
		FROM subject AS u
		CROSS JOIN LATERAL athar.observed_points(compared_figures.kpi_id, ARRAY[compared_figures.service_id],
			u.before_from, u.before_to, u.after_from, u.after_to) AS o
		WHERE NOT EXISTS (SELECT FROM reported)
	), bucket AS (
		SELECT o.is_after, o.size, o.summary, o.numerator, o.denominator,
			CASE WHEN o.is_after THEN o.after_from::date + (o.day - o.after_from::date) / o.size * o.size
				ELSE o.before_to::date - ((o.before_to::date - 1 - o.day) / o.size + 1) * o.size END AS starts_on
		FROM observed AS o
	)
	SELECT CASE WHEN r.is_after THEN 'after' ELSE 'before' END, r.starts_at::date, r.ends_at::date, r.value
	FROM reported AS r
	UNION ALL
	-- what was left out, and as much again on either side
	SELECT 'out', f.starts_at::date, f.ends_at::date, f.value
	FROM subject AS u
	CROSS JOIN athar.period_figures(compared_figures.kpi_id) AS f
	WHERE EXISTS (SELECT FROM reported)
		AND f.value IS NOT NULL
		AND f.service_id IS NOT DISTINCT FROM compared_figures.service_id
		AND f.basis = (SELECT min(r.basis) FROM reported AS r)
		AND f.starts_at >= u.before_from - compared_figures.span
		AND f.ends_at <= u.after_to + compared_figures.span
		AND NOT EXISTS (SELECT FROM reported AS r WHERE r.starts_at = f.starts_at)
	UNION ALL
	SELECT CASE WHEN b.is_after THEN 'after' ELSE 'before' END, b.starts_on, b.starts_on + b.size,
		athar.measurement_value('mean', athar.merge(b.summary), sum(b.numerator), sum(b.denominator))
	FROM bucket AS b
	GROUP BY b.is_after, b.starts_on, b.size;
END;
COMMENT ON FUNCTION athar.compared_figures(integer, integer, timestamptz, interval, interval, boolean) IS
'The figures that measure_effect() compares, as before_after_svg() draws them: reported periods one by one, with those that were left out and one more span on either side (side out); single values gathered by the day, seven or thirty days, as the length asks for.';

CREATE OR REPLACE FUNCTION athar.verdict_text(verdict text, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE lang
	WHEN 'ar' THEN CASE verdict
		WHEN 'improved' THEN 'تحسّن' WHEN 'worsened' THEN 'ساء' WHEN 'no_clear_change' THEN 'لا تغيّر واضح'
		WHEN 'insufficient_data' THEN 'القيم أقل من أن تكفي للحكم' WHEN 'not_comparable' THEN 'القيم قبل التغيير وبعده غير قابلة للمقارنة' END
	ELSE CASE verdict
		WHEN 'improved' THEN 'Improved' WHEN 'worsened' THEN 'Worsened' WHEN 'no_clear_change' THEN 'No clear change'
		WHEN 'insufficient_data' THEN 'Too few figures to tell' WHEN 'not_comparable' THEN 'The figures before and after cannot be compared' END
END;
COMMENT ON FUNCTION athar.verdict_text(text, text) IS
'A verdict of measure_effect() in words. NULL for any other.';

CREATE OR REPLACE FUNCTION athar.draw_effect(action_id integer, effect_id integer, kpi_id integer, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
SET jit = off -- a few dozen figures
BEGIN ATOMIC
	WITH subject AS MATERIALIZED (
		SELECT
			athar.unit_text(k.unit_of_measure, draw_effect.lang) AS unit, k.direction, k.desired_value, k.id AS kpi_id, a.service_id, e.target,
			concat_ws(': ', athar.isolated(athar.name_text(k.name, k.name_ar, draw_effect.lang), draw_effect.lang),
				athar.isolated(athar.name_text(v.name, v.name_ar, draw_effect.lang), draw_effect.lang)) AS title,
			athar.isolated(a.item_id, draw_effect.lang) || ': ' || athar.isolated(athar.name_text(a.title, a.title_ar, draw_effect.lang), draw_effect.lang) AS action,
			athar.waiting_text(a.id, e.id, draw_effect.lang) AS waiting,
			m.*,
			(m.cutover AT TIME ZONE k.time_zone)::date AS cutover_day,
			(m.cutover AT TIME ZONE k.time_zone + m.washout)::date AS resumed_day,
			coalesce(nullif(5 * (m.ci_high - m.ci_low), 0), m.difference) AS size,
			athar.describe(m, draw_effect.lang) AS sentence
		FROM athar.action AS a
		JOIN athar.kpi AS k ON k.id = draw_effect.kpi_id
		LEFT JOIN athar.service AS v ON v.id = a.service_id
		LEFT JOIN athar.effect AS e ON e.id = draw_effect.effect_id
		LEFT JOIN athar.effect_measurement AS m ON m.id = (SELECT max(l.id) FROM athar.effect_measurement AS l WHERE l.effect_id = e.id)
		WHERE a.id = draw_effect.action_id
	), point AS MATERIALIZED (
		SELECT f.side, f.starts_on, f.ends_on, f.value
		FROM subject AS s
		CROSS JOIN LATERAL athar.compared_figures(s.kpi_id, s.service_id, s.cutover, s.span, s.washout, s.is_season_matched) AS f
		WHERE s.cutover IS NOT NULL
	), side AS MATERIALIZED (
		SELECT p.side, min(p.starts_on) AS starts_on, max(p.ends_on) AS ends_on
		FROM point AS p
		GROUP BY p.side
	), mean (place, mean) AS (
		SELECT 1, jsonb_build_object('from', d.starts_on - date '2000-01-01', 'to', d.ends_on - date '2000-01-01', 'value', s.before_mean, 'side', 'before',
			'label', CASE draw_effect.lang WHEN 'ar' THEN 'قبل: ' ELSE 'before: ' END || athar.figure_text(s.before_mean, s.size, draw_effect.lang))
		FROM subject AS s JOIN side AS d ON d.side = 'before'
		UNION ALL
		-- what the mean before would be today
		SELECT 2, jsonb_build_object('from', d.starts_on - date '2000-01-01', 'to', d.ends_on - date '2000-01-01', 'value', s.before_mean, 'side', 'out')
		FROM subject AS s JOIN side AS d ON d.side = 'after'
		UNION ALL
		SELECT 3, jsonb_build_object('from', d.starts_on - date '2000-01-01', 'to', d.ends_on - date '2000-01-01', 'value', s.after_mean, 'side', 'after',
			'low', athar.drawable(s.before_mean) + athar.drawable(s.ci_low), 'high', athar.drawable(s.before_mean) + athar.drawable(s.ci_high),
			'label', CASE draw_effect.lang WHEN 'ar' THEN 'بعد: ' ELSE 'after: ' END || athar.figure_text(s.after_mean, s.size, draw_effect.lang))
		FROM subject AS s JOIN side AS d ON d.side = 'after'
	), doubt AS (
		SELECT string_agg(coalesce(CASE draw_effect.lang WHEN 'ar' THEN w.words_ar ELSE w.words END, g.flag),
			CASE draw_effect.lang WHEN 'ar' THEN '؛ ' ELSE '; ' END ORDER BY g.place) AS doubts
		FROM subject AS s
		CROSS JOIN LATERAL unnest(s.flags) WITH ORDINALITY AS g (flag, place)
		LEFT JOIN athar.flag_words AS w ON w.flag = g.flag
	), range AS (
		SELECT min(p.value) AS lowest, max(p.value) AS highest, max(p.ends_on) AS ends_on
		FROM (SELECT athar.drawable(q.value) AS value, q.ends_on FROM point AS q) AS p
	)
	SELECT athar.draw_chart(jsonb_build_object(
		'title', s.title,
		'leads', jsonb_build_array(s.action, concat(athar.verdict_text(s.verdict, draw_effect.lang), ': ' || athar.change_text(s.difference, s.size, draw_effect.lang),
			CASE WHEN s.difference <> 0 AND NOT s.flags @> '{base_near_zero}' THEN ' (' || athar.figure_text(abs(s.percent_change), NULL, draw_effect.lang) || ' %)' END,
			CASE WHEN s.difference IS NOT NULL THEN CASE draw_effect.lang WHEN 'ar' THEN '، و' ELSE ', ' END || athar.interval_text(s.ci_low, s.ci_high, draw_effect.lang) END)),
		'unit', s.unit,
		'better', athar.direction_text(s.direction, s.desired_value, draw_effect.lang),
		'empty', coalesce(s.waiting, CASE draw_effect.lang WHEN 'ar' THEN 'لا توجد قيم في مدة المقارنة.' ELSE 'There are no figures in the time compared.' END),
		'description', concat_ws(' ', s.action || '.', coalesce(s.sentence, s.waiting)),
		'points', coalesce((SELECT jsonb_agg(jsonb_build_object('from', p.starts_on - date '2000-01-01', 'to', p.ends_on - date '2000-01-01', 'value', p.value, 'side', p.side,
			'label', athar.period_text(p.starts_on, p.ends_on, draw_effect.lang) || ': ' || athar.figure_text(p.value, NULL, draw_effect.lang)) ORDER BY p.starts_on, p.ends_on)
			FROM point AS p), '[]'),
		'means', coalesce((SELECT jsonb_agg(m.mean ORDER BY m.place) FROM mean AS m), '[]'),
		'levels', athar.kpi_levels(s.kpi_id, r.ends_on - 1, r.lowest, r.highest, draw_effect.lang) || CASE WHEN athar.is_target(s.target) THEN
			jsonb_build_array(jsonb_build_object('value', athar.goal_of(s.target::athar.target, athar.drawable(s.before_mean)),
				'label', CASE draw_effect.lang WHEN 'ar' THEN 'المستهدف: ' || athar.figure_text(athar.goal_of(s.target::athar.target, athar.drawable(s.before_mean)), NULL, 'ar') ELSE 'target: ' || athar.isolated(s.target, 'en') END))
			ELSE '[]' END,
		'cutovers', CASE WHEN s.cutover_day IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object('at', s.cutover_day - date '2000-01-01', 'label', athar.date_text(s.cutover_day, draw_effect.lang))) END,
		'shades', CASE WHEN s.resumed_day > s.cutover_day THEN
			jsonb_build_array(jsonb_build_object('from', s.cutover_day - date '2000-01-01', 'to', s.resumed_day - date '2000-01-01')) ELSE '[]' END,
		'notes', (SELECT coalesce(jsonb_agg(n.note ORDER BY n.place), '[]')
			FROM (VALUES
				(1, CASE WHEN s.ci_low IS NOT NULL THEN CASE draw_effect.lang
					WHEN 'ar' THEN 'المساحة المظللة: فترة الثقة 95 % للفرق، مضافةً إلى المتوسط السابق (الخط المنقّط). إذا وقع الخط المنقّط خارجها فالتغيّر واضح.'
					ELSE 'Shaded: 95 % confidence interval of the difference, added to the mean before (dotted). Where the dotted line is outside, the change is clear.' END END),
				(2, CASE WHEN s.resumed_day > s.cutover_day THEN CASE draw_effect.lang WHEN 'ar' THEN 'الشريط الرمادي: مدة مستبعدة بعد التغيير.' ELSE 'Grey: time left out after the change.' END END),
				(3, CASE WHEN EXISTS (SELECT FROM point AS p WHERE p.side = 'out') THEN CASE draw_effect.lang WHEN 'ar' THEN 'الدوائر المفرغة: قيم لم تدخل في المقارنة.' ELSE 'Hollow circles: figures that are not compared.' END END),
				(4, CASE draw_effect.lang WHEN 'ar' THEN 'مواضع الشك: ' ELSE 'Doubts: ' END || (SELECT d.doubts FROM doubt AS d) || '.')) AS n (place, note)
			WHERE n.note IS NOT NULL)), draw_effect.lang)
	FROM subject AS s
	CROSS JOIN range AS r;
END;
COMMENT ON FUNCTION athar.draw_effect(integer, integer, integer, text) IS
'What before_after_svg() returns, for the ids of an action, of its effect (NULL: none) and of the KPI.';

CREATE OR REPLACE FUNCTION athar.before_after_svg(project text, action text, kpi text, lang text DEFAULT 'en')
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.check_language(before_after_svg.lang);
	SELECT athar.project_id(before_after_svg.project), athar.kpi_id(before_after_svg.kpi);
	SELECT athar.missing('action', format('%s" of project "%s', before_after_svg.action, before_after_svg.project), 'save_plan()')
	WHERE before_after_svg.action IS NOT NULL AND before_after_svg.project IS NOT NULL AND NOT EXISTS (
		SELECT FROM athar.action AS a
		WHERE a.project_id = athar.project_id(before_after_svg.project) AND a.item_id = before_after_svg.action);
	SELECT athar.draw_effect(a.id, e.id, athar.kpi_id(before_after_svg.kpi), before_after_svg.lang)
	FROM athar.action AS a
	LEFT JOIN athar.effect AS e ON e.action_id = a.id AND e.kpi_id = athar.kpi_id(before_after_svg.kpi)
	WHERE a.project_id = athar.project_id(before_after_svg.project)
		AND a.item_id = before_after_svg.action
		AND before_after_svg.kpi IS NOT NULL;
END;
COMMENT ON FUNCTION athar.before_after_svg(text, text, text, text) IS
'What an action did to a KPI, as an SVG picture that stands alone: the figures compared, the mean before and after, the cutover, the target of the plan, the bands of the KPI, and around the mean after the 95 % confidence interval of the difference, which the mean before, drawn on, should lie outside. The figures are those of now, the means those of the newest measurement. project, action (its id in the plan) and kpi by their codes, as before_after_report has them; in English, or with lang ar in Arabic.
Where nothing was measured a picture that says why. NULL if an argument but lang is NULL. 42704 unknown project, action or KPI; 22023 unknown language.';
