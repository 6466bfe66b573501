-- picture: figures in characters, and as SVG
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT no_plan();

-- In characters -----------------------------------------------------------------
SELECT is(athar.sparkline(v.figures::double precision[]), v.line, v.what)
FROM (VALUES
	('{1,2,3,4,5,6,7,8}', '▁▂▃▄▅▆▇█', 'eight steps from the lowest to the highest'),
	('{0,10,5,2.5}', '▁█▅▃', 'each step is an eighth of the way'),
	('{1,NULL,3,NaN,Infinity,-Infinity,2}', '▁ █   ▅', 'NULL, NaN and infinities are gaps'),
	('{4,4,4}', '▄▄▄', 'a constant series at half height'),
	('{NULL,7}', ' ▄', 'one figure'),
	('{NULL,NaN}', '  ', 'no figure'),
	('{}', '', 'nothing'),
	('{{1,2},{3,4}}', '▁▃▆█', 'rows of an array one after the other'),
	('{-1.7e308,1.7e308,0,5e-324}', '▁█▅▅', 'the largest figures there are'),
	('{0,5e-324}', '▁█', 'and the smallest'),
	('{-3,-2,-1}', '▁▅█', 'below zero')) AS v (figures, line, what);
SELECT is(athar.sparkline(NULL), NULL, 'NULL for NULL');
SELECT is((SELECT length(athar.sparkline(array_agg(i))) FROM generate_series(1, 100000) AS i), 100000, 'a long series');

SELECT is(athar.bar(v.progress, v.coverage, v.width), v.line, v.what)
FROM (VALUES
	(0.55::double precision, 0.8::double precision, 10, '████░░░░··  55 %', 'reached, measured, not measured'),
	(1, 1, 10, '██████████ 100 %', 'whole'),
	(0.999, 1, 10, '█████████░  99 %', 'only what is whole looks whole'),
	(0.3, 1, 10, '███░░░░░░░  30 %', 'no tenth is lost to rounding'),
	(0.5, 0.01, 10, '░·········  50 %', 'what is measured is seen'),
	(NULL, 0, 10, '··········', 'nothing measured'),
	(NULL, NULL, 10, '··········', 'nothing known'),
	(0, 1, 4, '░░░░   0 %', 'nothing reached'),
	(1.7, 2, 4, '████ 100 %', 'clamped above'),
	(-1, 1, 4, '░░░░   0 %', 'and below'),
	('NaN', 1, 4, '····', 'NaN is nothing'),
	('Infinity', 'NaN', 4, '···· 100 %', 'coverage of NaN counts as none'),
	(1, 1, 0, '█ 100 %', 'one character at least'),
	(1, 1, NULL, NULL, 'no width')) AS v (progress, coverage, width, line, what);
SELECT is(length(athar.bar(0.5, 1, 2000000000)), 206, 'no bar is longer than a line');

-- Markup ------------------------------------------------------------------------
SELECT is(athar.escape_markup(v.words), v.markup, v.what)
FROM (VALUES
	('<script>alert("1")</script> & ''x'' ]]>', '&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39; ]]&gt;', 'tags, quotes, references, the end of CDATA'),
	(E'a\x01\x02b\tc\nd\x1b\x7fe', 'a b c d e', 'control characters'),
	(U&'a\202Eb\202Dc\202Ad\202Be\202Cf\2066g\2067h\2068i\2069j', 'abcdefghij', 'what turns the direction'),
	(U&'a\FFFEb\FFFFc', 'abc', 'what XML does not allow'),
	(U&'\200E-5 \200Fعربي é \+01F600', U&'\200E-5 \200Fعربي é \+01F600', 'all else stays'),
	('&amp;', '&amp;amp;', 'a reference is text'),
	('', '', 'nothing'),
	(NULL, NULL, 'NULL')) AS v (words, markup, what);
SELECT is(athar.escape_markup(athar.isolated(v.words, v.lang)), v.markup, v.what)
FROM (VALUES
	('tax', 'en', 'tax', 'a Latin word needs no isolation in English'),
	('tax', 'ar', '&#8296;tax&#8297;', 'but it does in Arabic'),
	('ضريبة', 'en', '&#8296;ضريبة&#8297;', 'and an Arabic one in English'),
	(E'a\x0eb\x0fc', 'ar', '&#8296;a b c&#8297;', 'nobody else marks')) AS v (words, lang, markup, what);
SELECT results_eq($$SELECT line FROM athar.text_lines('the quick  brown fox jumps over the lazy dog', 15, 3)$$, ARRAY['the quick brown', 'fox jumps over', 'the lazy dog'], 'lines between words');
SELECT results_eq($$SELECT line FROM athar.text_lines('the quick brown fox jumps over the lazy dog', 15, 2)$$, ARRAY['the quick brown', 'fox jumps ov...'], 'what is too long says so');
SELECT results_eq($$SELECT line FROM athar.text_lines(repeat('x', 25), 10, 5)$$, ARRAY[repeat('x', 10), repeat('x', 10), 'xxxxx'], 'a word that is too long is cut');
SELECT is(string_agg(translate(l.line, E'\x0e\x0f', '[]'), '|' ORDER BY l.place), n.lines, 'what is isolated is so in every line: ' || n.most)
FROM (VALUES (4, '[the quick]|[brown] fox|[the lazy]|[dog jumps]'), (3, '[the quick]|[brown] fox|[the laz...]')) AS n (most, lines),
	LATERAL athar.text_lines(athar.isolated('the quick brown', 'ar') || ' fox ' || athar.isolated('the lazy dog jumps', 'ar'), 11, n.most) AS l
GROUP BY n.most, n.lines;
SELECT is_empty($$SELECT l.line FROM (VALUES (' '), (''), (NULL)) AS v (words), athar.text_lines(v.words, 10, 3) AS l$$, 'no words');

-- Words and axes ------------------------------------------------------------------
SELECT is(athar.period_text(v.first_day::date, v.end_day::date, v.lang), v.words, v.words)
FROM (VALUES
	('2014-01-01', '2015-01-01', 'en', '2014'), ('2014-01-01', '2016-01-01', 'en', '2014 to 2015'), ('2014-07-01', '2014-08-01', 'en', 'July 2014'),
	('2014-07-01', '2014-10-01', 'en', 'July to September 2014'), ('2014-07-01', '2015-07-01', 'en', 'July 2014 to June 2015'), ('2014-07-03', '2014-07-04', 'en', '3 July 2014'),
	('2014-07-03', '2014-08-04', 'en', '3 July 2014 to 3 August 2014'), ('2014-07-01', '2014-10-01', 'ar', 'يوليو إلى سبتمبر 2014'), ('2014-07-03', '2014-07-04', 'ar', '3 يوليو 2014')) AS v (first_day, end_day, lang, words);
SELECT is(athar.nice_step(v.length, 5), v.step, format('steps over %s', v.length))
FROM (VALUES (100::double precision, 20), (0.19, 0.05), (1, 0.2), (12.5, 5), (52, 20), (1e-9, 2e-10)) AS v (length, step);
SELECT is(format('%s %s %s %s', a.low, a.high, a.step, a.factor), v.axis, format('axis from %s to %s', v.low, v.high))
FROM (VALUES
	(0::double precision, 100::double precision, '0 100 20 1'), (0.52, 0.8, '0.0 0.8 0.2 1'), (0.75, 0.8, '0.75 0.80 0.01 1'), (-17, 5, '-20 5 5 1'), (-8, -2, '-8 0 2 1'),
	(5, 5, '4.4 5.6 0.2 1'), (0, 0, '-1.0 1.0 0.5 1'), (0, 4e7, '0 40000000 10000000 1000000'), (0, 2e10, '0 20000000000 5000000000 1000000000'), (0, 1.0005, '0.0 1.0 0.2 1')) AS v (low, high, axis),
LATERAL athar.value_axis(v.low, v.high) AS a;
SELECT is(athar.number_text(v.figure, v.decimals), v.words, v.words)
FROM (VALUES (1234567, 0, '1,234,567'), (0.5, 2, '0.50'), (-12.5, 1, '-12.5'), (0, 3, '0'), (1e20, 0, '1.00e+20'), (2e-12, 12, '2.00e-12'),
	(123456789, 0, '123,456,789'), (1234567890, 0, '1.23e+09'), (-5e-7, 7, '-0.0000005'), (5e-11, 11, '5.00e-11'), (12345.125, 3, '12,345.125'), (12345.1234567, 7, '1.23e+04')) AS v (figure, decimals, words);
SELECT is((SELECT string_agg(m.day || ' ' || m.step, ', ' ORDER BY m.day) FROM athar.date_marks(v.first_day::date, v.end_day::date) AS m), v.marks, format('marks from %s to %s', v.first_day, v.end_day))
FROM (VALUES
	('2010-04-01', '2014-07-01', '2011-01-01 year, 2012-01-01 year, 2013-01-01 year, 2014-01-01 year'),
	('2013-10-01', '2015-01-01', '2013-10-01 month, 2014-01-01 month, 2014-04-01 month, 2014-07-01 month, 2014-10-01 month, 2015-01-01 month'),
	('2015-01-15', '2015-04-20', '2015-02-01 month, 2015-03-01 month, 2015-04-01 month'),
	('2015-01-01', '2015-01-20', '2015-01-01 day, 2015-01-03 day, 2015-01-05 day, 2015-01-07 day, 2015-01-09 day, 2015-01-11 day, 2015-01-13 day, 2015-01-15 day, 2015-01-17 day, 2015-01-19 day'),
	('0001-01-01', '9999-01-01', '1000-01-01 year, 2000-01-01 year, 3000-01-01 year, 4000-01-01 year, 5000-01-01 year, 6000-01-01 year, 7000-01-01 year, 8000-01-01 year, 9000-01-01 year')) AS v (first_day, end_day, marks);
SELECT cmp_ok((SELECT count(*) FROM athar.date_marks('0001-01-01', '10000-01-01')), '<', 12::bigint, 'few marks on all the time there is');

-- The geometry of a chart, by hand: 636 for 20 days, 260 for 100 --------------------
CREATE FUNCTION pg_temp.found(path text, svg text) RETURNS text LANGUAGE SQL
RETURN (SELECT string_agg(x::text, ' | ') FROM unnest(xpath(path, xmlparse(document svg), ARRAY[ARRAY['s', 'http://www.w3.org/2000/svg']])) AS x);
CREATE TEMPORARY TABLE chart (svg text);
INSERT INTO chart
SELECT athar.draw_chart('{"title": "T", "unit": "days", "points": [{"from": 0, "to": 10, "value": 0}, {"from": 10, "to": 20, "value": 100, "low": 90, "high": 95, "side": "\"><x"}],
	"levels": [{"value": 50, "label": "half"}], "cutovers": [{"at": 10, "label": "now"}], "shades": [{"from": 10, "to": 40}]}', 'en');
SELECT is(pg_temp.found('//s:path[@class="all line"]/@d', svg), 'M223 260L541 0', 'the line runs through the middles of the periods') FROM chart;
SELECT is(pg_temp.found('//s:path[@class="all band"]/@d', svg), NULL, 'a band needs an interval of every figure') FROM chart;
SELECT is(pg_temp.found('//s:path[@class="all bar"]/@d', svg), 'M541 13V26', 'else there are bars') FROM chart;
SELECT is(pg_temp.found('//s:path[@class="level"]/@d', svg), 'M64 130H700', 'a level') FROM chart;
SELECT is(pg_temp.found('//s:path[@class="cutover"]/@d', svg), 'M382 260V-8', 'the cutover') FROM chart;
SELECT is(pg_temp.found('//s:rect[@class="shade"]/@width', svg), '318', 'a shade ends where the picture ends') FROM chart;
SELECT is(pg_temp.found('//s:text[@text-anchor="end" and @direction="ltr"]/text()', svg), '0 | 20 | 40 | 60 | 80 | 100', 'the marks of the values') FROM chart;
SELECT is(pg_temp.found('//s:text[@y="278"]/text()', svg), '1 Jan | 3 Jan | 5 Jan | 7 Jan | 9 Jan | 11 Jan | 13 Jan | 15 Jan | 17 Jan | 19 Jan | 21 Jan', 'and of the days') FROM chart;
SELECT is(pg_temp.found('//s:path[@class="all line"]/@d', athar.draw_chart(format(
	'{"points": [{"from": 0, "to": 10, "value": 0}, {"from": 10, "to": 20, "value": 1}, {"from": %s, "to": %s, "value": 2}, {"from": 40, "to": 50, "value": null}, {"from": 50, "to": 60, "value": 4}]}', g.gap, g.gap + 10)::jsonb, 'en')), g.line, g.what)
FROM (VALUES (25, 'M117 260L223 195L382 130', 'what is half a period late is joined'), (26, 'M117 260L223 195', 'a longer gap is a gap')) AS g (gap, line, what);
SELECT is(pg_temp.found('count(//s:circle)', athar.draw_chart(jsonb_build_object('points', (SELECT jsonb_agg(jsonb_build_object('from', i, 'to', i + 1, 'value', nullif(i, 58))) FROM generate_series(0, n.n) AS i)), 'en')),
	n.circles, n.circles || ' points are marked')
FROM (VALUES (60, '60'), (61, '0')) AS n (n, circles);

-- what would overlap does not: labels of lines, of days, of marks
SELECT is(pg_temp.found('//s:text[@class="halo"]/@x', svg) || ' ' || pg_temp.found('//s:text[@class="halo"]/@y', svg), v.places, v.what)
FROM (VALUES
	('[{"from": 0, "to": 10, "value": 0}, {"from": 10, "to": 20, "value": 100}]', '[{"value": 50, "label": "half"}]', '698 125', 'the label of a line: at its right, above'),
	('[{"from": 0, "to": 1, "value": 0}, {"from": 19, "to": 20, "value": 52}, {"from": 20, "to": 21, "value": 100}]', '[{"value": 50, "label": "half of it all"}]', '68 125', 'a figure stands there: at its left'),
	('[{"from": 0, "to": 1, "value": 52}, {"from": 20, "to": 21, "value": 52}, {"from": 21, "to": 22, "value": 100}, {"from": 22, "to": 23, "value": 0}]', '[{"value": 50, "label": "half of it all"}]', '698 143', 'there, too: below'),
	('[{"from": 0, "to": 10, "value": 0}, {"from": 10, "to": 20, "value": 100}]', '[{"value": 50, "label": "half"}, {"value": 54, "label": "more"}]', '698 | 698 143 | 114.6', 'another line near above: below'),
	('[{"from": 0, "to": 10, "value": 0}, {"from": 10, "to": 20, "value": 100}]', '[{"value": 50, "label": "half"}, {"value": 52, "label": "more"}, {"value": 54, "label": "most"}]', '698 | 698 | 68 143 | 119.8 | 114.6', 'no two labels at one place')) AS v (points, levels, places, what),
LATERAL athar.draw_chart(format('{"points": %s, "levels": %s}', v.points, v.levels)::jsonb, 'en') AS svg;
SELECT is(pg_temp.found('//s:text[@class="strong halo"]/text()', svg) || ' ' || pg_temp.found('//s:text[@class="strong halo"]/@x', svg) || ' ' || pg_temp.found('count(//s:path[@class="cutover"])', svg), 'a, b | c 238.9 | 382 3', 'two days near each other have one label')
FROM athar.draw_chart('{"points": [{"from": 0, "to": 20, "value": 1}], "cutovers": [{"at": 5, "label": "a"}, {"at": 6, "label": "b"}, {"at": 10, "label": "c"}]}', 'en') AS svg;
SELECT is(pg_temp.found('count(//s:text[@textLength])', athar.draw_chart(format('{"points": [{"from": 0, "to": 10, "value": %s}, {"from": 10, "to": 20, "value": %s}]}', v.low, v.high)::jsonb, 'en')), v.n, 'long marks of the axis are narrowed: ' || v.high)
FROM (VALUES ('0', '9000', '0'), ('10000.001', '10000.002', '6'), ('0', '5e-7', '5')) AS v (low, high, n);

-- Trends -----------------------------------------------------------------------------
SELECT athar.define_unit('agency', 'Agency', 'الهيئة');
SELECT athar.define_service('tax', 'Tax <b>&</b>', 'agency', name_ar => 'الضريبة'), athar.define_service('empty', 'Empty', 'agency'), athar.define_service('few', 'Few', 'agency'), athar.define_service('desk', 'Desk', 'agency');
SELECT athar.define_channel('web', 'Web', name_ar => 'الويب');
SELECT athar.define_kpi('share', 'Digital share', 'share', 'up', kind => 'ratio', name_ar => 'النسبة الرقمية'), athar.define_kpi('room', 'Room', 'C', 'target', desired_value => 21),
	athar.define_kpi('days', 'Days', 'days', 'down', time_zone => 'UTC'), athar.define_kpi('huge', 'Huge', 'GBP', 'up', kind => 'sum');
SELECT athar.define_kpi_bands('share', '[{"code": "low", "name": "Low"}, {"code": "high", "name": "High", "name_ar": "مرتفع", "from": 0.5}]');
SELECT athar.report_measurement('share', daterange(q::date, (q + interval '3 months')::date), athar.summary_of('{0,1}', ARRAY[50 - i, 50 + i]), 'tax', basis => 'quarter', source => 'the register')
FROM generate_series(1, 8) AS i, LATERAL (SELECT timestamp '2013-10-01' + i * interval '3 months') AS p (q)
WHERE i <> 6;
SELECT athar.report_measurement('share', '[2014-01-01,2015-01-01)', athar.summary_of('{0,1}', '{1,1}'), 'tax', basis => 'year');
SELECT athar.report_measurement('share', '[2014-01-01,2014-04-01)', athar.summary_of('{0,1}', '{1,3}'), 'tax', 'web', basis => 'quarter');
SELECT athar.report_measurement('huge', '[2014-01-01,2015-01-01)', athar.summary_of('{1e120}', '{1}'), 'tax');
SELECT athar.create_project('plan', 'Plan', 'agency', '{"title": "Plan", "items": [
	{"id": "A1", "title": "No <paper>", "title_ar": "بلا ورق", "service": "tax", "live_on": "2015-01-01", "status": "live", "kpis": [{"kpi": "share", "target": "at least 0.56"}, {"kpi": "room"}]},
	{"id": "A2", "title": "Later", "service": "tax", "kpis": [{"kpi": "share"}]},
	{"id": "A3", "title": "Never", "service": "tax", "status": "cancelled", "kpis": [{"kpi": "share"}]},
	{"id": "A4", "title": "Soon", "service": "tax", "live_on": "2100-01-01", "kpis": [{"kpi": "share"}]},
	{"id": "A5", "title": "Unmeasured", "service": "tax"}]}', 'because');
CREATE TEMPORARY TABLE trend AS SELECT athar.trend_svg('share', 'tax') AS en, athar.trend_svg('share', 'tax', 'ar') AS ar;
SELECT ok(xmlparse(document en) IS DOCUMENT AND xmlparse(document ar) IS DOCUMENT, 'well-formed') FROM trend;
SELECT is(pg_temp.found('/s:svg/@role', en), 'img', 'an image to a screen reader') FROM trend;
SELECT is(pg_temp.found('/s:svg/@aria-labelledby', en), pg_temp.found('/s:svg/s:title/@id', en) || ' ' || pg_temp.found('/s:svg/s:desc/@id', en), 'named by its title and description') FROM trend;
SELECT is(pg_temp.found('/s:svg/s:title/text()', en), 'Digital share: Tax &lt;b&gt;&amp;&lt;/b&gt;', 'the title') FROM trend;
SELECT is(pg_temp.found('/s:svg/s:desc/text()', en),
	'Line chart of Digital share: Tax &lt;b&gt;&amp;&lt;/b&gt;, in share, 2014 to 2015. Figures: 7. Lowest 0.51 (January to March 2014), highest 0.58 (October to December 2015), latest 0.58 (October to December 2015). A1: No &lt;paper&gt;, 1 January 2015.',
	'the description tells what is to be seen') FROM trend;
SELECT is(pg_temp.found('count(//s:circle)', en), '7', 'the basis with the most periods, and its figures for all channels') FROM trend;
SELECT is(pg_temp.found('count(//s:path[@class="all line"])', en), '2', 'a missing quarter is a gap') FROM trend;
SELECT is(pg_temp.found('//s:circle[1]/s:title/text()', en), 'January to March 2014: 0.51 (95 % confidence interval from 0.413 to 0.606)', 'Wilson''s interval of 51 in 100') FROM trend;
SELECT is(pg_temp.found('//s:path[@class="cutover"]/following-sibling::s:text[1]/text()', en), 'A1', 'what is live is marked, what is not live is not') FROM trend;
SELECT is(pg_temp.found('//s:text[@class="halo"]/text()', en), 'High from 0.5', 'a band that begins near the figures') FROM trend;
SELECT is(pg_temp.found('/s:svg/s:text/text()', en), 'Digital share: Tax &lt;b&gt;&amp;&lt;/b&gt; | Latest: 0.58 (October to December 2015); by quarter | A1: No &lt;paper&gt;, 1 January 2015 | Shaded: 95 % confidence interval of each figure. | Source: the register',
	'the words around it') FROM trend;
SELECT is(pg_temp.found('/s:svg/@lang', ar) || ' ' || pg_temp.found('count(/s:svg/s:text[@direction="rtl"])', ar), 'ar ' || pg_temp.found('count(/s:svg/s:text)', ar), 'in Arabic every line of words begins at the right') FROM trend;
SELECT is(pg_temp.found('/s:svg/s:title/text()', ar), U&'\2068النسبة الرقمية\2069: \2068الضريبة\2069', 'with the Arabic names') FROM trend;
SELECT is(pg_temp.found('//s:circle/@cx', en), pg_temp.found('//s:circle/@cx', ar), 'and the same points at the same places') FROM trend;
SELECT is(pg_temp.found('count(//s:circle)', athar.trend_svg('share', 'tax', basis => 'year')), '1', 'the other basis');
SELECT is(pg_temp.found('count(//s:circle)', athar.trend_svg('share', 'tax', channel => 'web')), '1', 'one channel');
SELECT is(pg_temp.found('count(//s:circle)', athar.trend_svg('share', 'tax', from_day => '2015-01-01', to_day => '2015-09-30')), '2', 'a part of the time');
SELECT is(pg_temp.found('//s:rect[@class="frame"]/following-sibling::s:text[1]/text()', svg), words, 'no figures, and the picture says so: ' || words)
FROM (VALUES
	(athar.trend_svg('share', 'empty'), 'There are no figures of this indicator here.'),
	(athar.trend_svg('room', NULL, 'ar'), 'لا توجد قيم لهذا المؤشر هنا.'),
	(athar.trend_svg('huge', 'tax'), 'The figures are too large to be drawn.')) AS v (svg, words);
SELECT throws_ok($$SELECT athar.trend_svg('nothing')$$, '42704', 'KPI "nothing" does not exist', 'unknown KPI');
SELECT throws_ok($$SELECT athar.trend_svg('share', 'nothing')$$, '42704', NULL, 'unknown service');
SELECT throws_ok($$SELECT athar.trend_svg('share', 'tax', channel => 'nothing')$$, '42704', NULL, 'unknown channel');
SELECT throws_ok($$SELECT athar.trend_svg('share', 'tax', 'fr')$$, '22023', 'language "fr" is not known', 'unknown language');
SELECT throws_ok($$SELECT athar.trend_svg('share', 'tax', NULL)$$, '22023', NULL, 'no language');

-- single values
SELECT athar.record_observation('days', v.value, timestamp '2026-01-05' + v.day * interval '1 day' + interval '12 hours', 'desk')
FROM (VALUES (0, 4), (0, 6), (1, 5), (3, 9)) AS v (day, value);
SELECT is(pg_temp.found('//s:circle/s:title/text()', athar.trend_svg('days', 'desk')), '5 January 2026: 5 (95 % confidence interval from -8 to 18) | 6 January 2026: 5 | 8 January 2026: 9', 'days, before any refresh; 5 +- 12.706 for 1 degree of freedom');
SELECT is(pg_temp.found('//s:circle/s:title/text()', athar.trend_svg('days', 'desk', basis => 'month')), 'January 2026: 6 (95 % confidence interval from 2.6 to 9.4)', 'a month: 6 +- 3.182 * 1.08');

-- nobody is shown among few
SELECT athar.report_measurement('days', daterange(make_date(2020, m, 1), make_date(2020, m + 1, 1)), athar.summary_of_moments(CASE m WHEN 2 THEN 3 ELSE 30 END, m, 1), 'few', basis => 'month') FROM generate_series(1, 4) AS m;
SELECT is(pg_temp.found('//s:circle/s:title/text()', athar.trend_svg('days', 'few', is_public => true)), 'January 2020: 1 | March 2020: 3 | April 2020: 4', 'the figure of three people is not in the public picture');
SELECT ok(athar.trend_svg('days', 'few', is_public => true) LIKE '%Not shown, so that nobody can be recognised among few people: 1.%', 'which says so');
SELECT ok(athar.trend_svg('days', 'few') LIKE '%February 2020: 2%', 'it is in the other');
SELECT athar.report_measurement('days', '[2021-01-01,2021-02-01)', athar.summary_of_moments(3, 2, 1), 'empty', basis => 'month');
SELECT is(pg_temp.found('//s:rect[@class="frame"]/following-sibling::s:text[1]/text()', athar.trend_svg('days', 'empty', is_public => true)), 'Every figure is of few people, so none is shown.', 'nor in words');

-- Before and after ------------------------------------------------------------------
SELECT is(pg_temp.found('//s:rect[@class="frame"]/following-sibling::s:text[1]/text()', athar.before_after_svg('plan', v.action, v.kpi, v.lang)), v.words, v.words)
FROM (VALUES
	('A1', 'share', 'en', 'It has not been measured yet.'),
	('A2', 'share', 'en', 'The action is not live yet.'),
	('A3', 'share', 'ar', 'أُلغي الإجراء.'),
	('A4', 'share', 'en', 'The time compared ends on 1 January 2101.'),
	('A4', 'share', 'ar', 'تنتهي مدة المقارنة في 1 يناير 2101.'),
	('A5', 'share', 'en', 'The plan names no KPI for this action to be measured by.')) AS v (action, kpi, lang, words);
SELECT athar.measure_effects('plan');
SELECT is(pg_temp.found('//s:rect[@class="frame"]/following-sibling::s:text[1]/text()', athar.before_after_svg('plan', 'A1', 'room')), 'There are no figures in the time compared.', 'measured without figures');
CREATE TEMPORARY TABLE effect AS SELECT athar.before_after_svg('plan', 'A1', 'share') AS en, athar.before_after_svg('plan', 'A1', 'share', 'ar') AS ar;
SELECT ok(xmlparse(document en) IS DOCUMENT AND xmlparse(document ar) IS DOCUMENT, 'well-formed') FROM effect;
SELECT is(pg_temp.found('/s:svg/s:text[@class="lead"]/text()', en), 'A1: No &lt;paper&gt; | Improved: up 0.042 (7.94 %), 95 % confidence interval from 0.011 to 0.072', 'what was done, and what it did') FROM effect;
SELECT is(pg_temp.found('count(//s:circle[@class="before mark"])', en) || pg_temp.found('count(//s:rect[@class="after mark"])', en), '43', 'four quarters before, three after') FROM effect;
SELECT is(pg_temp.found('//s:path[contains(@class, "mean")]/following-sibling::s:text[1]/text()', en), 'before: 0.525 | after: 0.567', 'both means') FROM effect;
SELECT is(pg_temp.found('count(//s:rect[@class="after band"])', en), '1', 'the interval of the difference') FROM effect;
SELECT is(pg_temp.found('//s:text[@class="halo"]/text()', en), 'High from 0.5 | target: at least 0.56', 'the target') FROM effect;
SELECT is(pg_temp.found('//s:path[@class="cutover"]/following-sibling::s:text[1]/text()', ar), '1 يناير 2015', 'the day of the change') FROM effect;
SELECT ok(pg_temp.found('/s:svg/s:desc/text()', en) LIKE 'A1: No &lt;paper&gt;. Digital share (share) improved: from 0.525 to 0.567, %', 'the description is the sentence') FROM effect;
SELECT is(athar.before_after_svg(NULL, 'A1', 'share'), NULL, 'NULL for NULL');
SELECT is(athar.before_after_svg('plan', NULL, 'share'), NULL, 'whichever it is');
SELECT is(athar.before_after_svg('plan', 'A1', NULL), NULL, 'of the three');
SELECT throws_ok($$SELECT athar.before_after_svg('nothing', 'A1', 'share')$$, '42704', NULL, 'unknown project');
SELECT throws_ok($$SELECT athar.before_after_svg('plan', 'B1', 'share')$$, '42704', 'action "B1" of project "plan" does not exist', 'unknown action');
SELECT throws_ok($$SELECT athar.before_after_svg('plan', 'A1', 'nothing')$$, '42704', NULL, 'unknown KPI');
SELECT throws_ok($$SELECT athar.before_after_svg('plan', 'A1', 'share', 'fr')$$, '22023', 'language "fr" is not known', 'unknown language');

-- single values, each side by itself
SELECT athar.create_project('desk', 'Desk', 'agency', '{"title": "Desk", "items": [
	{"id": "D1", "title": "Queue", "service": "desk", "live_on": "2026-01-07", "status": "live", "kpis": [{"kpi": "days", "target": "at most 3", "span": "3 days"}]}]}', 'because');
SELECT athar.measure_effects('desk');
SELECT is(pg_temp.found('//s:circle/s:title/text()', svg) || ' / ' || pg_temp.found('//s:rect/s:title/text()', svg), '5 January 2026: 5 | 6 January 2026: 5 / 8 January 2026: 9', 'days on both sides')
FROM athar.before_after_svg('desk', 'D1', 'days') AS svg;

SELECT * FROM finish();
ROLLBACK;
