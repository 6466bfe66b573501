-- 66 picture: figures in characters, and the parts that pictures are made of

-- In characters

-- immutable, because a database has one encoding for all its life
CREATE OR REPLACE FUNCTION athar.sparkline(figures double precision[])
RETURNS text
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	WITH figure AS MATERIALIZED (
		SELECT u.place,
			-- a difference of figures near the largest there is would be none
			CASE WHEN NOT (u.figure > '-Infinity' AND u.figure < 'Infinity') THEN NULL
				WHEN NOT r.is_huge THEN u.figure
				WHEN abs(u.figure) < 1e200 THEN 0
				ELSE u.figure / 8 END AS figure
		FROM unnest(sparkline.figures) WITH ORDINALITY AS u (figure, place)
		CROSS JOIN (SELECT coalesce(bool_or(abs(w.figure) > 1e307), false) FROM unnest(sparkline.figures) AS w (figure) WHERE abs(w.figure) < 'Infinity') AS r (is_huge)
	)
	SELECT coalesce(string_agg(
		CASE
			WHEN f.figure IS NULL THEN ' '
			WHEN r.lowest = r.highest THEN r.steps[4]
			ELSE r.steps[least(width_bucket(f.figure, r.lowest, r.highest, 8), 8)]
		END, '' ORDER BY f.place), '')
	FROM figure AS f
	CROSS JOIN (
		SELECT min(g.figure) AS lowest, max(g.figure) AS highest,
			CASE WHEN getdatabaseencoding() IN ('UTF8', 'SQL_ASCII') THEN '{▁,▂,▃,▄,▅,▆,▇,█}' ELSE '{1,2,3,4,5,6,7,8}' END::text[] AS steps
		FROM figure AS g) AS r;
END;
COMMENT ON FUNCTION athar.sparkline(double precision[]) IS
'A series as a line of block characters for terminals and cells, one per figure, from the lowest to the highest figure in eight steps; a constant series is drawn at half height. A gap, which is NULL, NaN or an infinity, is a blank: a cell of a report must not fail because of one. NULL for NULL, empty for an empty array. In a database whose encoding has no block characters (neither UTF8 nor SQL_ASCII) the steps are the digits 1 to 8.';

CREATE OR REPLACE FUNCTION athar.bar(progress double precision, coverage double precision DEFAULT 1, width integer DEFAULT 10)
RETURNS text
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_bar';
COMMENT ON FUNCTION athar.bar(double precision, double precision, integer) IS
'Progress and coverage, both 0 to 1, as a bar of this width in characters (1 to 200) and the progress in per cent: dark is what was reached, light what is measured and not reached, dots what nothing measures. Rounded down, so that only what is whole looks whole. Values beyond 0 to 1 are clamped; progress NULL or NaN: dots alone; coverage NULL counts as 0. NULL for a width of NULL. In a database whose encoding has no block characters (neither UTF8 nor SQL_ASCII): #, - and a full stop.';

-- Markup

CREATE OR REPLACE FUNCTION athar.escape_markup(words text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN replace(replace(replace(replace(replace(replace(replace(
	regexp_replace(
		-- two characters that no XML may hold, and those that turn the direction of what follows
		regexp_replace(words, E'\xef\xbf\xbe|\xef\xbf\xbf|\xe2\x80\xaa|\xe2\x80\xab|\xe2\x80\xac|\xe2\x80\xad|\xe2\x80\xae|\xe2\x81\xa6|\xe2\x81\xa7|\xe2\x81\xa8|\xe2\x81\xa9', '', 'g'),
		E'[\\x01-\\x0d\\x10-\\x1f\\x7f]+', ' ', 'g'),
	'&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;'), E'\x0e', '&#8296;'), E'\x0f', '&#8297;');
COMMENT ON FUNCTION athar.escape_markup(text) IS
'A text as it may stand anywhere in XML or HTML, between tags or within a quoted attribute: & < > and both quotes as references, control characters (line ends, too) as a blank, and without the characters that turn the direction of what follows them (embeddings, overrides, isolates) or that XML does not allow. What isolated() put around a part becomes a first strong isolate. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.isolated(words text, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN lang = 'ar' OR words ~ E'[^\\x01-\\x7f]' THEN E'\x0e' || translate(words, E'\x0e\x0f', '  ') || E'\x0f' ELSE translate(words, E'\x0e\x0f', '  ') END;
COMMENT ON FUNCTION athar.isolated(text, text) IS
'A user''s text as a part of a longer one, marked (until escape_markup()) so that a part in the other direction does not turn its surroundings. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.text_lines(words text, width integer, most integer)
RETURNS TABLE (place bigint, line text)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE ROWS 3
BEGIN ATOMIC
	SELECT p.place,
		-- what isolated() marked goes on in the next line
		CASE WHEN p.open - p.opened > 0 THEN E'\x0e' ELSE '' END
			|| CASE WHEN p.place = text_lines.most AND p.lines > text_lines.most THEN left(btrim(p.line), text_lines.width - 3) || '...' ELSE btrim(p.line) END
			|| CASE WHEN p.open > 0 THEN E'\x0f' ELSE '' END
	FROM (
		SELECT l.place, l.line, l.lines, l.opened, sum(l.opened) OVER (ORDER BY l.place) AS open
		FROM (
			SELECT m.place, m.part[1] AS line, count(*) OVER () AS lines,
				length(replace(m.part[1], E'\x0f', '')) - length(replace(m.part[1], E'\x0e', '')) AS opened
			-- as many words as fit, or a word cut where it does not
			FROM regexp_matches(left(regexp_replace(text_lines.words, '[[:space:]]+', ' ', 'g'), text_lines.width * (text_lines.most + 1)),
				format('[^ ].{0,%s}(?= |$)|[^ ]{%s}', text_lines.width - 1, text_lines.width), 'g') WITH ORDINALITY AS m (part, place)) AS l) AS p
	WHERE p.place <= text_lines.most;
END;
COMMENT ON FUNCTION athar.text_lines(text, integer, integer) IS
'A text cut into lines of at most so many characters, between words where it can be; of a text that needs more than the most lines the last ends in three full stops. No rows for NULL or a blank text.';

-- Words

CREATE OR REPLACE FUNCTION athar.month_text(month integer, lang text, is_short boolean DEFAULT false)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN lang = 'ar' THEN ('{يناير,فبراير,مارس,أبريل,مايو,يونيو,يوليو,أغسطس,سبتمبر,أكتوبر,نوفمبر,ديسمبر}'::text[])[month]
	WHEN is_short THEN ('{Jan,Feb,Mar,Apr,May,Jun,Jul,Aug,Sep,Oct,Nov,Dec}'::text[])[month]
	ELSE ('{January,February,March,April,May,June,July,August,September,October,November,December}'::text[])[month]
END;
COMMENT ON FUNCTION athar.month_text(integer, text, boolean) IS
'The name of a month (1 to 12), in English, there also short, or with lang ar in Arabic. NULL for any other number.';

CREATE OR REPLACE FUNCTION athar.period_text(first_day date, end_day date, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE
		WHEN p.last_day <= period_text.first_day THEN athar.date_text(period_text.first_day, period_text.lang)
		WHEN extract(day FROM period_text.first_day) > 1 OR extract(day FROM period_text.end_day) > 1 THEN
			athar.date_text(period_text.first_day, period_text.lang) || w.until || athar.date_text(p.last_day, period_text.lang)
		WHEN extract(month FROM period_text.first_day) = 1 AND extract(month FROM p.last_day) = 12 THEN
			p.first_year || CASE WHEN p.last_year > p.first_year THEN w.until || p.last_year ELSE '' END
		WHEN p.first_month = p.last_month AND p.first_year = p.last_year THEN p.last_month || ' ' || p.last_year
		ELSE p.first_month || CASE WHEN p.first_year < p.last_year THEN ' ' || p.first_year ELSE '' END || w.until || p.last_month || ' ' || p.last_year
	END
	FROM (SELECT
		period_text.end_day - 1 AS last_day,
		athar.month_text(extract(month FROM period_text.first_day)::integer, period_text.lang) AS first_month,
		athar.month_text(extract(month FROM period_text.end_day - 1)::integer, period_text.lang) AS last_month,
		extract(year FROM period_text.first_day)::integer AS first_year,
		extract(year FROM period_text.end_day - 1)::integer AS last_year) AS p
	CROSS JOIN (SELECT CASE period_text.lang WHEN 'ar' THEN ' إلى ' ELSE ' to ' END) AS w (until);
END;
COMMENT ON FUNCTION athar.period_text(date, date, text) IS
'A period [from, to) as people name it: 2014; July 2014; July to September 2014; 3 May 2014 to 5 June 2014. In English, or with lang ar in Arabic.';

CREATE OR REPLACE FUNCTION athar.basis_text(basis text, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN btrim(basis) = '' THEN NULL
	WHEN lang = 'ar' THEN CASE lower(basis) WHEN 'day' THEN 'يوميًا' WHEN 'week' THEN 'أسبوعيًا' WHEN 'month' THEN 'شهريًا' WHEN 'quarter' THEN 'كل ربع سنة' WHEN 'year' THEN 'سنويًا' ELSE athar.isolated(basis, lang) END
	WHEN lower(basis) IN ('day', 'week', 'month', 'quarter', 'year') THEN 'by ' || lower(basis)
	ELSE athar.isolated(basis, lang)
END;
COMMENT ON FUNCTION athar.basis_text(text, text) IS
'How periods are cut, in words: by quarter. What is no word of ours stays as it was reported. NULL for NULL and a blank text.';

CREATE OR REPLACE FUNCTION athar.unit_text(unit_of_measure text, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN coalesce(CASE WHEN lang = 'ar' THEN CASE lower(unit_of_measure)
	WHEN 'share' THEN 'نسبة' WHEN 'percent' THEN 'نسبة مئوية' WHEN 'points' THEN 'نقاط' WHEN 'seconds' THEN 'ثوانٍ' WHEN 'minutes' THEN 'دقائق'
	WHEN 'hours' THEN 'ساعات' WHEN 'days' THEN 'أيام' WHEN 'weeks' THEN 'أسابيع' WHEN 'months' THEN 'أشهر' WHEN 'steps' THEN 'خطوات'
	WHEN 'documents' THEN 'مستندات' WHEN 'cases' THEN 'حالات' END END, athar.isolated(unit_of_measure, lang));
COMMENT ON FUNCTION athar.unit_text(text, text) IS
'A unit of measure; with lang ar the common ones (those of the presets) in Arabic, all others as they were written.';

-- Axes

CREATE OR REPLACE FUNCTION athar.nice_step(length double precision, most integer)
RETURNS numeric
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT CASE
		WHEN p.power * 1.02 >= p.least THEN p.power
		WHEN p.power * 2.04 >= p.least THEN p.power * 2
		WHEN p.power * 5.1 >= p.least THEN p.power * 5
		ELSE p.power * 10
	END
	FROM (SELECT l.least, trim_scale(power(10::numeric, floor(log(l.least)))) AS power
		FROM (SELECT nice_step.length::numeric / nice_step.most) AS l (least)) AS p;
END;
COMMENT ON FUNCTION athar.nice_step(double precision, integer) IS
'The smallest of 1, 2, 5 times a power of ten that divides a length above zero into at most so many parts, and a fiftieth of one over: the distance of the marks on an axis.';

CREATE OR REPLACE FUNCTION athar.number_text(figure numeric, decimals integer)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN figure = 0 THEN '0'
	-- twelve characters are what fits beside the axis
	WHEN abs(figure) >= 1e9 OR decimals + CASE WHEN abs(figure) >= 1e3 THEN 6 ELSE 3 END > 12 THEN btrim(to_char(figure, '9.99EEEE'))
	ELSE to_char(figure, 'FM999,999,999,999,990' || CASE WHEN decimals > 0 THEN '.' || repeat('0', decimals) ELSE '' END)
END;
COMMENT ON FUNCTION athar.number_text(numeric, integer) IS
'A number at the mark of an axis: with so many decimals, thousands apart; with an exponent where it would be too long to stand beside the axis.';

CREATE OR REPLACE FUNCTION athar.date_marks(first_day date, end_day date)
RETURNS TABLE (day date, step text)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	WITH axis AS (
		SELECT
			extract(year FROM date_marks.first_day)::integer AS first_year,
			extract(year FROM date_marks.end_day)::integer AS last_year,
			date_marks.end_day - date_marks.first_day AS days
	), chosen AS (
		SELECT a.*,
			CASE
				WHEN a.days > 1100 THEN greatest(athar.nice_step(a.days / 365.25::double precision, 10), 1)::integer * 12
				WHEN a.days > 400 THEN 3
				WHEN a.days > 75 THEN 1
			END AS months,
			CASE WHEN a.days <= 10 THEN 1 WHEN a.days <= 24 THEN 2 ELSE 7 END AS step_days
		FROM axis AS a
	)
	-- counted in months, so that no mark slides along the year
	SELECT m.day, CASE WHEN c.months % 12 = 0 THEN 'year' ELSE 'month' END
	FROM chosen AS c
	CROSS JOIN LATERAL generate_series(c.first_year * 12 / c.months * c.months, c.last_year * 12 + 11, c.months) AS n (month)
	CROSS JOIN LATERAL (SELECT (date '0001-01-01' + make_interval(months => n.month - 12))::date) AS m (day)
	WHERE c.months IS NOT NULL AND m.day >= date_marks.first_day AND m.day <= date_marks.end_day
	UNION ALL
	SELECT date_marks.first_day + n.day, 'day'
	FROM chosen AS c
	CROSS JOIN LATERAL generate_series(0, c.days, c.step_days) AS n (day)
	WHERE c.months IS NULL;
END;
COMMENT ON FUNCTION athar.date_marks(date, date) IS
'The days that are marked on an axis of time, and whether they are named by day, month or year: the beginnings of years, of quarters or of months, or single days, as the length asks for.';
