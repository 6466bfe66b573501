-- report_page: a project as one page, whatever its people wrote
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT no_plan();

-- Texts that would like to be markup, or to turn the page around.
CREATE TEMPORARY TABLE evil (words text);
INSERT INTO evil VALUES (U&'</bdi></style><script>alert(1)</script><img src=x onerror="alert(2)"> ]]> --> & '' " \202E\2066\2069\0001\FFFE مرحبا');
CREATE FUNCTION pg_temp.evil(name text) RETURNS text LANGUAGE SQL RETURN name || ' ' || (SELECT words FROM evil);
SELECT athar.define_unit('agency', pg_temp.evil('Agency'), 'الهيئة');
SELECT athar.define_service('tax', pg_temp.evil('Tax'), 'agency', name_ar => 'الضريبة');
SELECT athar.define_kpi('share', pg_temp.evil('Share'), pg_temp.evil('unit'), 'up', kind => 'ratio', name_ar => 'النسبة'), athar.define_kpi('worse', 'Worse', 'days', 'down'), athar.define_kpi('unseen', 'Unseen', 'days', 'down');
SELECT athar.report_measurement('share', daterange(q::date, (q + interval '3 months')::date), athar.summary_of('{0,1}', ARRAY[50 - i, 50 + i]), 'tax', basis => pg_temp.evil('q'), source => pg_temp.evil('from'))
FROM generate_series(1, 8) AS i, LATERAL (SELECT timestamp '2013-10-01' + i * interval '3 months') AS p (q);
SELECT athar.report_measurement('worse', daterange(q::date, (q + interval '3 months')::date), athar.summary_of_moments(10, 10 * i, 1), 'tax', basis => 'quarter')
FROM generate_series(1, 8) AS i, LATERAL (SELECT timestamp '2013-10-01' + i * interval '3 months') AS p (q);
SELECT athar.create_cycle('2015', 'Year', '[2015-01-01,2016-01-01)');
SELECT athar.create_goal('top', pg_temp.evil('Top'), 'policy', '2015', title_ar => 'السياسة');
SELECT athar.create_goal('half', pg_temp.evil('Half'), 'key_result', '2015', 'top', kpi => 'share', service => 'tax', target => 'from 0.5 to 0.9', rationale => pg_temp.evil('wanted'));
SELECT athar.create_goal('other', 'Of no concern', 'key_result', '2015', target => 'at least 1');
SELECT athar.create_project('plan', pg_temp.evil('Plan'), 'agency', jsonb_build_object('title', pg_temp.evil('Title'), 'title_ar', 'الخطة', 'purpose', replace(pg_temp.evil('Purpose'), E'\x01', ''), 'items', jsonb_build_array(
	jsonb_build_object('id', 'A1<i>', 'title', pg_temp.evil('First'), 'title_ar', 'الأول', 'description', pg_temp.evil('Described'), 'service', 'tax', 'owner', 'agency', 'live_on', '2015-01-01', 'status', 'live',
		'kpis', '[{"kpi": "share", "target": "at least 0.56"}, {"kpi": "worse"}]'::jsonb),
	jsonb_build_object('id', 'A2', 'title', 'Late', 'due_on', '2015-01-01'),
	jsonb_build_object('id', 'A3', 'title', 'Nobody looked', 'service', 'tax', 'live_on', '2015-01-01', 'status', 'done', 'kpis', '[{"kpi": "unseen", "target": "+1%"}]'::jsonb),
	jsonb_build_object('id', 'A4', 'title', 'Given up', 'status', 'cancelled'))), pg_temp.evil('because'));
SELECT athar.name_version('plan', 1, pg_temp.evil('named'));
SELECT athar.measure_effects('plan');
DELETE FROM athar.effect_measurement AS m USING athar.effect AS e, athar.kpi AS k WHERE e.id = m.effect_id AND k.id = e.kpi_id AND k.code = 'unseen';
SELECT athar.align('half', 'plan', 'A1<i>');
SELECT athar.check_in('half', said_status => 'on_track', note => pg_temp.evil('fine'), at => '2015-12-01');
SET LOCAL athar.actor = 'somebody <b>';
SELECT athar.save_plan('plan', jsonb_set(athar.get_plan('plan'), '{items,1,title}', '"Later"'), 1, pg_temp.evil('second'));
SELECT athar.save_plan('plan', jsonb_set(athar.get_plan('plan', 1), '{items,1,title}', '"Latest"'), 1, pg_temp.evil('stale'));

CREATE TEMPORARY TABLE page AS SELECT l.lang, athar.report_html('plan', l.lang) AS html FROM (VALUES ('en'), ('ar')) AS l (lang);
CREATE FUNCTION pg_temp.found(path text, html text) RETURNS text[] LANGUAGE SQL
RETURN (SELECT array_agg(x::text) FROM unnest(xpath(path, xmlparse(document html), ARRAY[ARRAY['s', 'http://www.w3.org/2000/svg']])) AS x);

-- Nothing of it is markup.
SELECT ok(xmlparse(document html) IS DOCUMENT, 'well-formed: ' || lang) FROM page;
SELECT is(pg_temp.found('//*[local-name() = "script" or local-name() = "img" or local-name() = "i" or local-name() = "b" or local-name() = "link" or local-name() = "iframe" or local-name() = "object"]', html), NULL, 'no element of theirs: ' || lang) FROM page;
SELECT is(pg_temp.found('//@*[local-name() = "href" or local-name() = "src" or local-name() = "style" or starts-with(local-name(), "on")]', html), NULL, 'nothing is asked for from outside, nothing runs: ' || lang) FROM page;
SELECT ok(html !~ U&'[\202A-\202E\2066-\2069\FFFE\0001]', 'nothing turns the page around: ' || lang) FROM page;
SELECT ok(html !~* '<(script|img)|onerror="', 'not by its letters either: ' || lang) FROM page;
SELECT is((pg_temp.found('//meta[@http-equiv="Content-Security-Policy"]/@content', html))[1],
	format('default-src ''none''; style-src ''sha256-%s'' ''sha256-%s''; base-uri ''none''; form-action ''none''',
		encode(sha256(convert_to((pg_temp.found('/html/head/style/text()', html))[1], 'UTF8')), 'base64'),
		encode(sha256(convert_to(replace((pg_temp.found('(//s:style)[1]/text()', html))[1], '&gt;', '>'), 'UTF8')), 'base64')), 'its policy lets its own two style sheets through, and nothing else: ' || lang) FROM page;
SELECT is((SELECT count(DISTINCT x) FROM unnest(pg_temp.found('//s:style/text()', html)) AS x), 1::bigint, 'every picture has the same: ' || lang) FROM page;
SELECT ok(cardinality(array_remove(pg_temp.found('//@id', html), NULL)) = (SELECT count(DISTINCT x) FROM unnest(pg_temp.found('//@id', html)) AS x), 'no id is there twice: ' || lang) FROM page;

-- And all of it is there.
SELECT is((SELECT array_agg(html LIKE '%' || athar.escape_markup(pg_temp.evil(w.name)) || '%' ORDER BY w.name) FROM unnest('{Plan,First,Described,Half,because,second,stale,named,wanted,Agency,Tax}'::text[]) AS w (name)),
	array_fill(true, ARRAY[11]), 'what people wrote is told as they wrote it') FROM page WHERE lang = 'en';
SELECT is(pg_temp.found('/html/@lang', html) || pg_temp.found('/html/@dir', html), ARRAY[lang, CASE lang WHEN 'ar' THEN 'rtl' ELSE 'ltr' END], 'language and direction') FROM page;
SELECT is(pg_temp.found('//h1//text()', html), '{الخطة}', 'the Arabic page has the Arabic title') FROM page WHERE lang = 'ar';
SELECT is(pg_temp.found('//ul[@class="facts"]/li/strong/text()', html), '{4,1,1,0,1,1}', 'actions, overdue, improved, no clear change, worse, not measured') FROM page WHERE lang = 'en';
SELECT is(pg_temp.found('//h2/text()', html), ARRAY['What was changed, why, and what it did', 'The goals it serves', 'Open risks', 'The plan', 'Versions of the plan', 'How to read this'], 'its parts') FROM page WHERE lang = 'en';
SELECT is(cardinality(pg_temp.found('//h2/text()', html)), 6, 'in Arabic, too') FROM page WHERE lang = 'ar';
SELECT is(pg_temp.found('count(//s:svg[@class="athar-picture"])', html), '{3}', 'a picture for every effect of what is live: ' || lang) FROM page;
SELECT is(pg_temp.found('//ul[@class="risks"]/li/strong/text()', html), ARRAY['Became worse', 'Overdue', 'No KPI', 'Not measured', 'Goal', 'Goal', 'Disputed', 'Undecided'], 'what stands against it') FROM page WHERE lang = 'en';
SELECT is(pg_temp.found('count(//h2[. = "The goals it serves"]/following-sibling::div//tbody/tr)', html), '{2}', 'the goal it serves and the one above, no other') FROM page WHERE lang = 'en';
SELECT is(pg_temp.found('//s:svg[@class="gauge"]/@aria-label', html), '{"20 %","20 %"}', 'and how far they have come') FROM page WHERE lang = 'en';
SELECT is(pg_temp.found('//h2[. = "Versions of the plan"]/following-sibling::div//tbody/tr/td[1]/text()', html), '{2,"1 "}', 'the versions, the newest first') FROM page WHERE lang = 'en';

-- Nothing yet.
SELECT athar.create_project('new', 'New', 'agency', '{"title": "New", "items": []}', 'begin');
SELECT ok(xmlparse(document h.html) IS DOCUMENT AND h.html LIKE ALL (ARRAY['%The plan has no actions.%', '%Nothing is live yet.%', '%No goal is linked to this plan.%', '%None that the figures and the plan show.%']), 'an empty plan has a page that says so')
FROM (SELECT athar.report_html('new')) AS h (html);
SELECT ok(xmlparse(document athar.report_html('new', 'ar')) IS DOCUMENT, 'in Arabic, too');
SELECT is(athar.report_html(NULL), NULL, 'NULL for NULL');
SELECT throws_ok($$SELECT athar.report_html('nothing')$$, '42704', NULL, 'unknown project');
SELECT throws_ok($$SELECT athar.report_html('plan', 'fr')$$, '22023', 'language "fr" is not known', 'unknown language');
SELECT throws_ok($$SELECT athar.report_html('plan', NULL)$$, '22023', NULL, 'no language');

-- A long plan: the newest fifty versions.
SELECT count(athar.save_plan('new', jsonb_build_object('title', 'New ' || i, 'items', '[]'::jsonb), i, 'more')) FROM generate_series(1, 54) AS i;
SELECT ok(athar.report_html('new') LIKE '%Earlier versions, not listed: 5<%', 'how many are left out is said');

-- With the reader's own rights.
CREATE ROLE athar_page_reader;
CREATE ROLE athar_page_stranger;
SELECT athar.grant_access('athar_page_reader', 'read');
GRANT SELECT ON page TO athar_page_reader, athar_page_stranger;
SET LOCAL ROLE athar_page_reader;
SELECT is(athar.report_html('plan', lang), html, 'a reader gets the same page') FROM page;
SELECT ok(athar.trend_svg('share', 'tax') LIKE '<svg%' AND athar.before_after_svg('plan', 'A2', 'share') LIKE '<svg%', 'and pictures');
RESET ROLE;
SET LOCAL ROLE athar_page_stranger;
SELECT throws_ok($$SELECT athar.report_html('plan')$$, '42501', NULL, 'a stranger none');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
