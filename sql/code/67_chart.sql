-- 67 chart: a picture of figures over time

CREATE OR REPLACE FUNCTION athar.picture_style()
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN '.athar-picture{font-family:"Noto Sans","Noto Sans Arabic","Segoe UI",Tahoma,Arial,sans-serif;font-size:12px;max-width:100%;height:auto}'
	'.athar-picture text{fill:#333}'
	'.athar-picture .paper{fill:#fff}'
	'.athar-picture .head{font-size:17px;font-weight:600;fill:#111}'
	'.athar-picture .lead{font-size:13px;fill:#333}'
	'.athar-picture .strong{font-weight:600;fill:#111}'
	'.athar-picture .halo{paint-order:stroke;stroke:#fff;stroke-width:4px;stroke-linejoin:round}'
	'.athar-picture .grid{stroke:#dcdcdc}'
	'.athar-picture .axis{stroke:#555}'
	'.athar-picture .frame{fill:none;stroke:#aaa;stroke-dasharray:4 4}'
	'.athar-picture .shade{fill:#777;fill-opacity:.12}'
	'.athar-picture .line{fill:none;stroke:#0060a0;stroke-width:2.2;stroke-linejoin:round}'
	'.athar-picture .thin.line{stroke-width:1}'
	'.athar-picture .mark{fill:#0060a0;stroke:#fff;stroke-width:1}'
	'.athar-picture .band{fill:#0060a0;fill-opacity:.17}'
	'.athar-picture .bar{stroke:#0060a0;stroke-width:1.4}'
	'.athar-picture .mean{stroke:#0060a0;stroke-width:3;stroke-dasharray:9 4}'
	'.athar-picture .after.line,.athar-picture .after.bar,.athar-picture .after.mean{stroke:#b34700}'
	'.athar-picture .after.mark,.athar-picture .after.band{fill:#b34700}'
	'.athar-picture .after.mean{stroke-dasharray:none}'
	'.athar-picture .out.mark{fill:#fff;stroke:#777;stroke-width:1.5}'
	'.athar-picture .out.line{stroke:#999;stroke-width:1.2}'
	'.athar-picture .cutover{stroke:#111;stroke-width:1.5}'
	'.athar-picture .level{stroke:#555;stroke-width:1.3;stroke-dasharray:2 3}'
	'.athar-picture .out.mean{stroke-width:1.2;stroke-dasharray:2 4}'
	'@media screen and (prefers-color-scheme:dark){'
	'.athar-picture text{fill:#ddd}'
	'.athar-picture .paper{fill:#16191d}'
	'.athar-picture .head,.athar-picture .strong{fill:#fff}'
	'.athar-picture .lead{fill:#ddd}'
	'.athar-picture .halo{stroke:#16191d}'
	'.athar-picture .grid{stroke:#3a3f45}'
	'.athar-picture .axis,.athar-picture .level{stroke:#aaa}'
	'.athar-picture .line,.athar-picture .bar,.athar-picture .mean{stroke:#6cb8f0}'
	'.athar-picture .mark,.athar-picture .band{fill:#6cb8f0}'
	'.athar-picture .mark{stroke:#16191d}'
	'.athar-picture .after.line,.athar-picture .after.bar,.athar-picture .after.mean{stroke:#f0a05a}'
	'.athar-picture .after.mark,.athar-picture .after.band{fill:#f0a05a}'
	'.athar-picture .out.mark{fill:#16191d;stroke:#aaa}'
	'.athar-picture .cutover{stroke:#fff}}';
COMMENT ON FUNCTION athar.picture_style() IS
'The style sheet that every picture carries: light, also in print, and dark on a screen whose reader asks for that. Blue and orange are told apart by readers who do not see red and green; in grey they differ by the shape of their points and by dashes.';

CREATE OR REPLACE FUNCTION athar.drawable(figure double precision)
RETURNS double precision
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN abs(figure) < 1e-100 THEN 0 WHEN abs(figure) < 1e100 THEN figure END;
COMMENT ON FUNCTION athar.drawable(double precision) IS
'A figure as a picture can show it: nothing where it is not a number or beyond 1e100, and 0 where it is below 1e-100.';

CREATE OR REPLACE FUNCTION athar.px(place double precision)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN trim_scale(round(place::numeric, 1))::text;
COMMENT ON FUNCTION athar.px(double precision) IS
'A place in a picture, in tenths of its unit.';

CREATE OR REPLACE FUNCTION athar.value_axis(lowest double precision, highest double precision)
RETURNS TABLE (low numeric, high numeric, step numeric, factor numeric)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	-- what reaches a fiftieth of a step beyond a mark needs no other mark
	SELECT floor(c.low / c.step + 0.02) * c.step, ceil(c.high / c.step - 0.02) * c.step, c.step,
		CASE WHEN greatest(abs(c.low), abs(c.high)) BETWEEN 1e7 AND 1e10 THEN 1000000 WHEN greatest(abs(c.low), abs(c.high)) BETWEEN 1e10 AND 1e13 THEN 1000000000 ELSE 1 END
	FROM (
		SELECT b.low, b.high, athar.nice_step((b.high - b.low)::double precision, 5) AS step
		FROM (
			SELECT
				CASE WHEN a.low = a.high THEN a.low - a.pad WHEN a.low > 0 AND a.high - a.low >= a.high / 3 THEN 0 ELSE a.low END AS low,
				CASE WHEN a.low = a.high THEN a.high + a.pad WHEN a.high < 0 AND a.high - a.low >= -a.low / 3 THEN 0 ELSE a.high END AS high
			FROM (SELECT
				value_axis.lowest::numeric AS low,
				value_axis.highest::numeric AS high,
				CASE WHEN value_axis.lowest = 0 THEN 1 ELSE abs(value_axis.lowest::numeric) / 10 END AS pad) AS a) AS b) AS c
	WHERE value_axis.lowest IS NOT NULL AND value_axis.highest IS NOT NULL;
END;
COMMENT ON FUNCTION athar.value_axis(double precision, double precision) IS
'An axis for figures between two: where it begins and ends, both at marks, the distance of the marks, and by what their labels are divided (1, a million, a thousand million). It begins at 0 where the figures vary by a third of the largest or more; a single figure stands in its middle. No row for NULL.';

CREATE OR REPLACE FUNCTION athar.draw_chart(chart jsonb, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
SET jit = off -- a few dozen points
BEGIN ATOMIC
	WITH RECURSIVE point AS MATERIALIZED (
		SELECT p.place, (p.point ->> 'from')::integer AS starts, (p.point ->> 'to')::integer AS ends,
			athar.drawable((p.point ->> 'value')::double precision) AS value,
			athar.drawable((p.point ->> 'low')::double precision) AS low,
			athar.drawable((p.point ->> 'high')::double precision) AS high,
			CASE WHEN p.point ->> 'side' IN ('before', 'after', 'out') THEN p.point ->> 'side' ELSE 'all' END AS side, p.point ->> 'label' AS label
		FROM jsonb_array_elements(coalesce(draw_chart.chart -> 'points', '[]')) WITH ORDINALITY AS p (point, place)
	), mean AS MATERIALIZED (
		SELECT m.place, (m.mean ->> 'from')::integer AS starts, (m.mean ->> 'to')::integer AS ends,
			athar.drawable((m.mean ->> 'value')::double precision) AS value,
			athar.drawable((m.mean ->> 'low')::double precision) AS low,
			athar.drawable((m.mean ->> 'high')::double precision) AS high,
			CASE WHEN m.mean ->> 'side' IN ('before', 'after', 'out') THEN m.mean ->> 'side' ELSE 'all' END AS side, m.mean ->> 'label' AS label
		FROM jsonb_array_elements(coalesce(draw_chart.chart -> 'means', '[]')) WITH ORDINALITY AS m (mean, place)
		WHERE athar.drawable((m.mean ->> 'value')::double precision) IS NOT NULL
	), level AS MATERIALIZED (
		SELECT athar.drawable((l.level ->> 'value')::double precision) AS value, string_agg(l.level ->> 'label', '; ' ORDER BY l.place) AS label
		FROM jsonb_array_elements(coalesce(draw_chart.chart -> 'levels', '[]')) WITH ORDINALITY AS l (level, place)
		WHERE athar.drawable((l.level ->> 'value')::double precision) IS NOT NULL
		GROUP BY 1
	), extent AS (
		SELECT
			min(v.starts) AS first_day,
			max(v.ends) AS end_day,
			(SELECT count(*) FROM point AS p WHERE p.value IS NOT NULL) AS n,
			least(min(v.value), min(v.low), (SELECT min(l.value) FROM level AS l)) AS lowest,
			greatest(max(v.value), max(v.high), (SELECT max(l.value) FROM level AS l)) AS highest
		FROM (
			SELECT p.starts, p.ends, p.value, p.low, p.high FROM point AS p
			UNION ALL
			SELECT m.starts, m.ends, m.value, m.low, m.high FROM mean AS m) AS v
	), axis AS MATERIALIZED (
		-- 636 wide from 64 to 700, 260 high
		SELECT e.first_day, e.end_day, e.n, a.low, a.high, a.step, a.factor,
			636 / greatest(e.end_day - e.first_day, 1)::double precision AS per_day,
			(260 / (a.high - a.low))::double precision AS per_unit,
			date '2000-01-01' + e.first_day AS first_date,
			date '2000-01-01' + e.end_day AS end_date
		FROM extent AS e
		CROSS JOIN LATERAL athar.value_axis(e.lowest, e.highest) AS a
		WHERE e.n > 0
	), placed AS MATERIALIZED (
		SELECT p.place, p.side, p.label, p.value IS NOT NULL AS is_known, a.n,
			64 + a.per_day * ((p.starts + p.ends) / 2.0::double precision - a.first_day) AS x,
			260 - a.per_unit * (p.value - a.low::double precision) AS y,
			260 - a.per_unit * (p.low - a.low::double precision) AS y_low,
			260 - a.per_unit * (p.high - a.low::double precision) AS y_high,
			CASE WHEN p.value IS NULL OR lag(p.value) OVER ascending IS NULL OR p.side <> lag(p.side) OVER ascending
				OR 2 * (p.starts - lag(p.ends) OVER ascending) > least(p.ends - p.starts, lag(p.ends - p.starts) OVER ascending) THEN 1 ELSE 0 END AS breaks
		FROM point AS p
		CROSS JOIN axis AS a
		WINDOW ascending AS (ORDER BY p.place)
	), connected AS MATERIALIZED (
		SELECT p.*, count(*) FILTER (WHERE p.is_known) OVER (PARTITION BY p.run) AS run_length
		FROM (SELECT q.*, sum(q.breaks) OVER (ORDER BY q.place) AS run FROM placed AS q) AS p
	), level_place AS MATERIALIZED (
		SELECT row_number() OVER (ORDER BY v.value) AS place, v.value, v.label, 260 - a.per_unit * (v.value - a.low::double precision) AS y,
			6.5::double precision * least(length(v.label), 80) AS width
		FROM level AS v
		CROSS JOIN axis AS a
	), cutover AS MATERIALIZED (
		SELECT 64 + a.per_day * ((x.cutover ->> 'at')::integer - a.first_day) AS x, x.cutover ->> 'label' AS label
		FROM axis AS a
		CROSS JOIN jsonb_array_elements(coalesce(draw_chart.chart -> 'cutovers', '[]')) AS x (cutover)
		WHERE (x.cutover ->> 'at')::integer BETWEEN a.first_day AND a.end_day
	), obstacle AS MATERIALIZED (
		SELECT p.x AS starts, p.x AS ends, p.y FROM placed AS p WHERE p.is_known
		UNION ALL
		SELECT 64 + a.per_day * (m.starts - a.first_day), 64 + a.per_day * (m.ends - a.first_day), 260 - a.per_unit * (m.value - a.low::double precision) FROM mean AS m CROSS JOIN axis AS a
		UNION ALL
		SELECT 64, 700, l.y FROM level_place AS l
	), level_line (place, value, label, y, is_left, label_y, lefts, label_ys) AS (
		SELECT 0::bigint, NULL::double precision, NULL::text, NULL::double precision, NULL::boolean, NULL::double precision, '{}'::boolean[], '{}'::double precision[]
		UNION ALL
		-- the label stands where least would be under it, and no other label: above the line, at the right, else at the left, else below
		SELECT l.place, l.value, l.label, l.y, b.is_left, b.label_y, e.lefts || b.is_left, e.label_ys || b.label_y
		FROM level_line AS e
		JOIN level_place AS l ON l.place = e.place + 1
		CROSS JOIN LATERAL (
			SELECT c.is_left, l.y + c.dy AS label_y
			FROM (VALUES (1, false, -5), (2, true, -5), (3, false, 13), (4, true, 13)) AS c (place, is_left, dy)
			CROSS JOIN LATERAL (SELECT CASE WHEN c.is_left THEN 68 ELSE 698 - l.width END AS starts) AS t
			LEFT JOIN obstacle AS o ON o.y <> l.y AND o.y > l.y + c.dy - 14 AND o.y < l.y + c.dy + 6
				AND o.ends > t.starts - 5 AND o.starts < t.starts + l.width + 5
			GROUP BY c.place, c.is_left, c.dy
			ORDER BY count(o.y) + (SELECT 10 * count(*) FROM unnest(e.lefts, e.label_ys) AS p (is_left, y) WHERE p.is_left = c.is_left AND abs(p.y - l.y - c.dy) < 13), c.place
			LIMIT 1) AS b
	), head AS (
		SELECT t.place AS place, 'head' AS class, 22 AS height, t.line FROM athar.text_lines(draw_chart.chart ->> 'title', 68, 2) AS t
		UNION ALL
		SELECT 10 * s.place + t.place, 'lead', 18, t.line
		FROM jsonb_array_elements_text(coalesce(draw_chart.chart -> 'leads', '[]')) WITH ORDINALITY AS s (lead, place)
		CROSS JOIN LATERAL athar.text_lines(s.lead, 98, 3) AS t
	), head_line AS MATERIALIZED (
		SELECT h.class, h.line, 8 + sum(h.height) OVER (ORDER BY h.place, h.line) AS y
		FROM head AS h
	), note_line AS MATERIALIZED (
		SELECT t.line, 16 * row_number() OVER (ORDER BY s.place, t.place) AS y
		FROM (
			SELECT n.note, n.place
			FROM jsonb_array_elements_text(coalesce(draw_chart.chart -> 'notes', '[]')) WITH ORDINALITY AS n (note, place)
			UNION ALL
			SELECT CASE draw_chart.lang WHEN 'ar' THEN 'لا يبدأ المحور الرأسي من الصفر.' ELSE 'The vertical axis does not begin at 0.' END, 1000
			FROM axis AS a
			WHERE a.low > 0 OR a.high < 0) AS s
		CROSS JOIN LATERAL athar.text_lines(s.note, 114, 8) AS t
	), frame AS MATERIALIZED (
		SELECT f.id, f.top, f.bottom, f.bottom + coalesce((SELECT max(n.y) FROM note_line AS n), 0) + 14 AS height,
			f.is_rtl,
			CASE WHEN f.is_rtl THEN ' x="704" direction="rtl"' ELSE ' x="16"' END AS begin_of_line,
			CASE WHEN f.is_rtl THEN ' direction="rtl" text-anchor="start"' ELSE ' text-anchor="end"' END AS right_end,
			CASE WHEN f.is_rtl THEN ' direction="rtl" text-anchor="end"' ELSE '' END AS left_end
		FROM (SELECT
			'athar-' || left(md5(draw_chart.chart::text), 12) AS id,
			h.y + 48 AS top,
			h.y + CASE WHEN a.n IS NULL THEN 124 WHEN a.end_day - a.first_day > 1100 THEN 48 + 260 + 30 ELSE 48 + 260 + 46 END AS bottom,
			draw_chart.lang = 'ar' AS is_rtl
			FROM (SELECT coalesce(max(l.y), 8) AS y FROM head_line AS l) AS h
			LEFT JOIN axis AS a ON true) AS f
	), piece (place, markup) AS (
		SELECT 10, string_agg(format('<text class="%s"%s y="%s">%s</text>', h.class, f.begin_of_line, h.y, athar.escape_markup(h.line)), '' ORDER BY h.y)
		FROM head_line AS h CROSS JOIN frame AS f
		UNION ALL
		-- never an empty box
		SELECT 20, format('<rect class="frame" x="16" y="%s" width="688" height="90"/>', f.top - 24)
			|| (SELECT string_agg(format('<text class="lead" x="360" y="%s" text-anchor="middle"%s>%s</text>', f.top + 8 + 18 * t.place,
				CASE WHEN f.is_rtl THEN ' direction="rtl"' ELSE '' END, athar.escape_markup(t.line)), '' ORDER BY t.place)
				FROM athar.text_lines(draw_chart.chart ->> 'empty', 90, 3) AS t)
		FROM frame AS f
		WHERE NOT EXISTS (SELECT FROM axis)
		UNION ALL
		SELECT 30, format('<g transform="translate(0 %s)"><text x="16" y="-26"%s>%s</text>', f.top, CASE WHEN f.is_rtl THEN ' direction="rtl" text-anchor="end"' ELSE '' END,
			athar.escape_markup(left(draw_chart.chart ->> 'unit', 60)
				|| CASE a.factor WHEN 1000000 THEN CASE WHEN f.is_rtl THEN '، بالملايين' ELSE ', millions' END
					WHEN 1000000000 THEN CASE WHEN f.is_rtl THEN '، بالمليارات' ELSE ', thousand millions' END ELSE '' END
				|| coalesce(CASE WHEN f.is_rtl THEN '؛ ' ELSE '; ' END || (draw_chart.chart ->> 'better'), '')))
		FROM axis AS a CROSS JOIN frame AS f
		UNION ALL
		SELECT 40, string_agg(format('<rect class="shade" x="%s" y="0" width="%s" height="260"/>',
			athar.px(64 + a.per_day * (s.starts - a.first_day)), athar.px(a.per_day * (s.ends - s.starts))), '' ORDER BY s.starts)
		FROM axis AS a
		CROSS JOIN LATERAL (
			SELECT greatest((x.shade ->> 'from')::integer, a.first_day) AS starts, least((x.shade ->> 'to')::integer, a.end_day) AS ends
			FROM jsonb_array_elements(coalesce(draw_chart.chart -> 'shades', '[]')) AS x (shade)) AS s
		WHERE s.starts < s.ends
		UNION ALL
		SELECT 50, string_agg(format('<path class="%s" d="M64 %sH700"/><text x="56" y="%s" direction="ltr" text-anchor="end"%s>%s</text>',
			CASE WHEN v.value = a.low THEN 'axis' ELSE 'grid' END, athar.px(v.y), athar.px(v.y + 4),
			-- narrower, where it would begin outside
			CASE WHEN length(v.label) > 8 THEN ' textLength="52" lengthAdjust="spacingAndGlyphs"' ELSE '' END, v.label), '' ORDER BY v.value)
		FROM axis AS a
		CROSS JOIN LATERAL (
			SELECT a.low + g.place * a.step AS value, 260 - a.per_unit * (g.place * a.step)::double precision AS y,
				athar.number_text((a.low + g.place * a.step) / a.factor, scale(trim_scale(a.step / a.factor))) AS label
			FROM generate_series(0, round((a.high - a.low) / a.step)::integer) AS g (place)) AS v
		UNION ALL
		SELECT 60, string_agg(format('<path class="axis" d="M%s 260v5"/><text x="%s" y="278" text-anchor="middle"%s>%s</text>', athar.px(d.x), athar.px(d.x),
			CASE WHEN f.is_rtl THEN ' direction="rtl"' ELSE '' END,
			CASE d.step
				WHEN 'year' THEN extract(year FROM d.day)::integer::text
				WHEN 'month' THEN athar.month_text(extract(month FROM d.day)::integer, draw_chart.lang, true)
				ELSE extract(day FROM d.day)::integer || ' ' || athar.month_text(extract(month FROM d.day)::integer, draw_chart.lang, true)
			END)
			|| CASE WHEN d.step <> 'year' AND (d.place = 1 OR d.step = 'month' AND extract(month FROM d.day) = 1 OR d.is_new_year)
				THEN format('<text class="strong" x="%s" y="294" text-anchor="middle">%s</text>', athar.px(d.x), extract(year FROM d.day)::integer) ELSE '' END, '' ORDER BY d.day)
		FROM axis AS a
		CROSS JOIN frame AS f
		CROSS JOIN LATERAL (
			SELECT m.day, m.step, row_number() OVER (ORDER BY m.day) AS place,
				extract(year FROM m.day) > extract(year FROM lag(m.day) OVER (ORDER BY m.day)) AS is_new_year,
				64 + a.per_day * (m.day - a.first_date) AS x
			FROM athar.date_marks(a.first_date, a.end_date) AS m) AS d
		UNION ALL
		SELECT 70, string_agg(format('<path class="level" d="M64 %sH700"/>', athar.px(l.y)), '' ORDER BY l.value)
		FROM level_place AS l
		UNION ALL
		SELECT 135, string_agg(format('<text class="halo" x="%s" y="%s"%s>%s</text>', CASE WHEN l.is_left THEN 68 ELSE 698 END, athar.px(l.label_y),
			CASE WHEN l.is_left THEN f.left_end ELSE f.right_end END, athar.escape_markup(left(l.label, 80))), '' ORDER BY l.value)
		FROM level_line AS l
		CROSS JOIN frame AS f
		WHERE l.place > 0
		UNION ALL
		SELECT 80, string_agg(format('<rect class="%s band" x="%s" y="%s" width="%s" height="%s"/>', m.side,
			athar.px(64 + a.per_day * (m.starts - a.first_day)), athar.px(260 - a.per_unit * (m.high - a.low::double precision)),
			athar.px(a.per_day * (m.ends - m.starts)), athar.px(a.per_unit * (m.high - m.low))), '' ORDER BY m.place)
		FROM axis AS a CROSS JOIN mean AS m
		WHERE m.low <= m.high
		UNION ALL
		-- a band where every figure of a run has an interval, else bars
		SELECT 90, string_agg(r.markup, '' ORDER BY r.run)
		FROM (
			SELECT c.run, CASE WHEN count(*) > 1 AND bool_and(c.y_low >= c.y_high IS TRUE) THEN
				format('<path class="%s band" d="M%sL%sZ"/>', min(c.side), string_agg(athar.px(c.x) || ' ' || athar.px(c.y_high), 'L' ORDER BY c.place),
					string_agg(athar.px(c.x) || ' ' || athar.px(c.y_low), 'L' ORDER BY c.place DESC))
			ELSE
				string_agg(format('<path class="%s bar" d="M%s %sV%s"/>', c.side, athar.px(c.x), athar.px(c.y_high), athar.px(c.y_low)), '' ORDER BY c.place)
					FILTER (WHERE c.y_low >= c.y_high)
			END AS markup
			FROM connected AS c
			WHERE c.is_known
			GROUP BY c.run) AS r
		UNION ALL
		SELECT 100, string_agg(r.markup, '' ORDER BY r.run)
		FROM (
			SELECT c.run, format('<path class="%s line%s" d="M%s"/>', min(c.side), CASE WHEN min(c.n) > 200 THEN ' thin' ELSE '' END, string_agg(athar.px(c.x) || ' ' || athar.px(c.y), 'L' ORDER BY c.place)) AS markup
			FROM connected AS c
			WHERE c.is_known AND c.run_length > 1
			GROUP BY c.run) AS r
		UNION ALL
		SELECT 110, string_agg(
			CASE c.side WHEN 'after' THEN format('<rect class="after mark" x="%s" y="%s" width="8" height="8">', athar.px(c.x - 4), athar.px(c.y - 4))
				ELSE format('<circle class="%s mark" cx="%s" cy="%s" r="4.5">', c.side, athar.px(c.x), athar.px(c.y)) END
			|| format('<title>%s</title></%s>', athar.escape_markup(c.label), CASE c.side WHEN 'after' THEN 'rect' ELSE 'circle' END), '' ORDER BY c.place)
		FROM connected AS c
		WHERE c.is_known AND (c.n <= 60 OR c.run_length = 1)
		UNION ALL
		SELECT 120, string_agg(o.lines || format('<text class="strong halo" x="%s" y="%s" text-anchor="%s"%s>%s</text>',
			athar.px(least(greatest(o.x, 30), 690)), CASE WHEN o.place % 2 = 1 THEN -12 ELSE -26 END,
			CASE WHEN o.x > 620 THEN CASE WHEN f.is_rtl THEN 'start' ELSE 'end' END ELSE 'middle' END,
			CASE WHEN f.is_rtl THEN ' direction="rtl"' ELSE '' END, athar.escape_markup(CASE WHEN length(o.label) > 40 THEN left(o.label, 37) || '...' ELSE o.label END)), '' ORDER BY o.place)
		FROM frame AS f
		CROSS JOIN (
			-- those too near each other for two labels have one
			SELECT c.place, avg(c.x) AS x, string_agg(c.label, ', ' ORDER BY c.x) AS label,
				string_agg(format('<path class="cutover" d="M%s 260V-8"/>', athar.px(c.x)), '' ORDER BY c.x) AS lines
			FROM (SELECT n.x, n.label, count(*) FILTER (WHERE n.is_far) OVER (ORDER BY n.x) AS place
				FROM (SELECT v.x, v.label, coalesce(v.x - lag(v.x) OVER (ORDER BY v.x) > 40, true) AS is_far FROM cutover AS v) AS n) AS c
			GROUP BY c.place) AS o
		UNION ALL
		SELECT 130, string_agg(format('<path class="%s mean" d="M%s %sH%s"/><text class="strong halo" x="%s" y="%s" text-anchor="middle"%s>%s</text>', m.side,
			athar.px(64 + a.per_day * (m.starts - a.first_day)), athar.px(y.y), athar.px(64 + a.per_day * (m.ends - a.first_day)),
			athar.px(64 + a.per_day * ((m.starts + m.ends) / 2.0::double precision - a.first_day)), athar.px(CASE WHEN p.y_above < 10 OR y.y > z.y_top AND p.y_below <= 242 THEN p.y_below + 16 ELSE p.y_above - 9 END),
			CASE WHEN f.is_rtl THEN ' direction="rtl"' ELSE '' END, athar.escape_markup(left(m.label, 60))), '' ORDER BY m.place)
		FROM axis AS a
		CROSS JOIN frame AS f
		CROSS JOIN mean AS m
		CROSS JOIN LATERAL (SELECT 260 - a.per_unit * (m.value - a.low::double precision)) AS y (y)
		-- the label of the higher mean stands above its figures, that of the lower below
		CROSS JOIN (SELECT 260 - a.per_unit * (max(o.value) - a.low::double precision) FROM mean AS o CROSS JOIN axis AS a GROUP BY a.per_unit, a.low) AS z (y_top)
		CROSS JOIN LATERAL (
			SELECT
				least(y.y, min(c.y), 260 - a.per_unit * (m.high - a.low::double precision)) AS y_above,
				greatest(y.y, max(c.y), 260 - a.per_unit * (m.low - a.low::double precision)) AS y_below
			FROM placed AS c
			WHERE c.side = m.side) AS p
		UNION ALL
		SELECT 140, '</g>'
		FROM axis
		UNION ALL
		SELECT 150, string_agg(format('<text%s y="%s">%s</text>', f.begin_of_line, f.bottom + n.y, athar.escape_markup(n.line)), '' ORDER BY n.y)
		FROM note_line AS n CROSS JOIN frame AS f
	)
	SELECT format('<svg xmlns="http://www.w3.org/2000/svg" class="athar-picture" viewBox="0 0 720 %s" width="720" height="%s" role="img" aria-labelledby="%s-title %s-desc" lang="%s">'
		'<title id="%s-title">%s</title><desc id="%s-desc">%s</desc><style>%s</style><rect class="paper" width="720" height="%s"/>%s</svg>',
		f.height, f.height, f.id, f.id, athar.escape_markup(draw_chart.lang),
		f.id, athar.escape_markup(left(draw_chart.chart ->> 'title', 500)), f.id, athar.escape_markup(left(draw_chart.chart ->> 'description', 4000)),
		athar.picture_style(), f.height, (SELECT string_agg(p.markup, '' ORDER BY p.place) FROM piece AS p))
	FROM frame AS f;
END;
COMMENT ON FUNCTION athar.draw_chart(jsonb, text) IS
'A chart of figures over time as SVG that stands alone: 720 wide, as high as its words need. The time runs from left to right in every language, as its digits do; with lang ar the words begin at the right.
chart, an object; days are counted from 2000-01-01: title, leads (lines below it), description (for those who cannot see it), unit, better (which way is), empty (the words where there are no points), notes (lines below), points [{from, to, value (null: a gap), low, high, side (before, after, out or none), label}] in the order of time, means [{from, to, value, low, high, side, label}], levels [{value, label}], cutovers [{at, label}], shades [{from, to}]. Points are joined where the next begins at most half a period after one ends. Figures beyond 1e100 are left out. Every text is escaped. NULL if an argument is NULL.';
