-- 96 page: a project as one page

CREATE OR REPLACE FUNCTION athar.page_style()
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN ':root{color-scheme:light dark;--ink:#1a1a1a;--soft:#555;--paper:#fff;--rule:#ccc;--tint:#f3f5f7;--mark:#0060a0;--alarm:#a02c00}'
	'@media screen and (prefers-color-scheme:dark){:root{--ink:#e8e8e8;--soft:#aaa;--paper:#16191d;--rule:#444;--tint:#20252b;--mark:#6cb8f0;--alarm:#f0a05a}}'
	'body{margin:0 auto;padding:24px 20px 48px;max-width:960px;background:var(--paper);color:var(--ink);'
	'font:16px/1.55 "Noto Sans","Noto Sans Arabic","Segoe UI",Tahoma,Arial,sans-serif}'
	'h1{font-size:28px;line-height:1.25;margin:0 0 4px}'
	'h2{font-size:21px;line-height:1.3;margin:40px 0 10px;padding-top:10px;border-top:3px solid var(--mark)}'
	'h3{font-size:17px;margin:28px 0 4px}'
	'p{margin:6px 0}'
	'.soft{color:var(--soft);font-size:14px}'
	'.facts{display:flex;flex-wrap:wrap;gap:10px;margin:18px 0 0;padding:0;list-style:none}'
	'.facts li{background:var(--tint);border-inline-start:4px solid var(--mark);padding:6px 14px;min-width:96px}'
	'.facts strong{display:block;font-size:23px;line-height:1.3}'
	'.scroll{overflow-x:auto}'
	'table{border-collapse:collapse;width:100%;font-size:14px}'
	'th,td{text-align:start;vertical-align:top;padding:6px 12px 6px 0;border-bottom:1px solid var(--rule)}'
	'th{color:var(--soft);font-weight:600}'
	'td.deeper2{padding-inline-start:18px}td.deeper3{padding-inline-start:36px}td.deeper4{padding-inline-start:54px}'
	'figure{margin:10px 0 18px}'
	'figcaption{font-size:14px;color:var(--soft);max-width:720px}'
	'.risks li{margin:6px 0}'
	'.risks strong{color:var(--alarm)}'
	'.gauge{vertical-align:middle}'
	'.one-line{white-space:nowrap}'
	'.gauge .whole{fill:none;stroke:var(--soft)}'
	'.gauge .measured{fill:var(--mark);fill-opacity:.25}'
	'.gauge .reached{fill:var(--mark)}'
	'@page{margin:16mm}'
	'@media print{body{max-width:none;padding:0;font-size:11pt}h2,h3{break-after:avoid}figure,tr,.facts{break-inside:avoid}.scroll{overflow:visible}'
	'figure svg{width:140mm}.facts li{padding:1mm 3mm;min-width:0}.facts strong{font-size:15pt}}';
COMMENT ON FUNCTION athar.page_style() IS
'The style sheet of report_html(): light, dark where the reader asks for dark, and for paper.';

CREATE OR REPLACE FUNCTION athar.report_word(word text, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN coalesce('{
	"on_track": ["on track", "على المسار"], "caution": ["needs care", "يستدعي الانتباه"], "off_track": ["off track", "خارج المسار"],
	"no_data": ["no figures", "لا قيم"], "achieved": ["achieved", "تحقّق"], "missed": ["missed", "لم يتحقّق"],
	"sustained": ["It lasted.", "استمر الأثر."], "faded": ["It faded.", "تلاشى الأثر."], "growing": ["It grew further.", "ازداد الأثر."],
	"cannot_tell": ["Whether it lasts cannot be told.", "لا يمكن معرفة ما إذا كان الأثر مستمرًا."],
	"; ": ["; ", "؛ "], "live since": ["Live since", "بدأ العمل به في"], "as of": ["figures as of", "القيم كما هي في"], "version": ["version", "النسخة"], "run by": ["Accountable:", "الجهة المسؤولة:"],
	"actions": ["actions", "الإجراءات"], "improved": ["improved", "تحسّنت"], "worsened": ["became worse", "ساءت"], "no clear change": ["no clear change", "بلا تغيّر واضح"],
	"not measured": ["not measured", "لم تُقَس"], "overdue": ["overdue", "متأخرة"],
	"the plan": ["The plan", "الخطة"], "no actions": ["The plan has no actions.", "لا تتضمن الخطة أي إجراء."],
	"no": ["No.", "الرقم"], "action": ["Action", "الإجراء"], "owner": ["By", "الجهة المنفّذة"], "service": ["Service", "الخدمة"], "due": ["Due", "موعد الإنجاز"], "live on": ["Live", "بدء العمل"],
	"status": ["Status", "الحالة"], "kpis": ["Measured by", "مؤشرات القياس"],
	"changes": ["What was changed, why, and what it did", "ما الذي تغيّر، ولماذا، وماذا كان أثره"], "why": ["Why:", "السبب:"], "nothing live": ["Nothing is live yet.", "لم يبدأ العمل بأي إجراء بعد."],
	"goals": ["The goals it serves", "الأهداف التي تخدمها"], "no goals": ["No goal is linked to this plan.", "لا يرتبط بهذه الخطة أي هدف."],
	"goal": ["Goal", "الهدف"], "target": ["Target", "المستهدف"], "now": ["Now", "القيمة الحالية"], "progress": ["Progress", "التقدّم"], "coverage": ["Measured", "نسبة ما يُقاس"],
	"risks": ["Open risks", "المخاطر القائمة"], "no risks": ["None that the figures and the plan show.", "لا مخاطر تُظهرها القيم أو الخطة."],
	"versions": ["Versions of the plan", "نسخ الخطة"], "when": ["Saved", "تاريخ الحفظ"], "who": ["By", "الكاتب"], "reason": ["Why", "السبب"], "what": ["What", "التغيير"],
	"earlier versions": ["Earlier versions, not listed:", "نسخ أقدم غير مدرجة:"],
	"risk overdue": ["Overdue", "تأخّر"], "risk unmeasured": ["Not measured", "بلا قياس"], "risk no kpi": ["No KPI", "بلا مؤشر"], "risk worse": ["Became worse", "تراجع"], "risk faded": ["Faded", "تلاشٍ"],
	"risk late": ["Late figures", "قيم متأخرة"], "risk goal": ["Goal", "هدف"], "risk draft": ["Undecided", "بانتظار قرار"], "risk disputed": ["Disputed", "محل خلاف"],
	"overdue since": ["was due on", "كان موعد إنجازه"], "unmeasured text": ["the time compared is over, and it has not been measured.", "انتهت مدة المقارنة ولم يُقَس الأثر."],
	"no kpi text": ["the plan names no KPI by which it could be measured.", "لا تذكر الخطة مؤشرًا يمكن أن يُقاس به أثره."],
	"worse text": ["is worse than before.", "أسوأ مما كان."], "faded text": ["the effect was found faded on", "تبيّن تلاشي الأثر في"],
	"late text": ["figures of the time compared arrived after it was measured:", "قيم من مدة المقارنة وصلت بعد القياس:"],
	"draft text": ["a save that met a conflict waits for a decision; its author:", "حفظ متعارض ينتظر قرارًا؛ كاتبه:"],
	"disputed text": ["computed and said differ:", "ما يُحسب وما يُقال مختلفان:"],
	"how to read": ["How to read this", "كيف يُقرأ هذا التقرير"],
	"how 1": ["Every verdict comes from the figures, never from the plan: before and after are compared around the day an action went live, and the interval says how sure the difference is. What no figure measures has no verdict and no progress. A difference does not prove what caused it; the doubts that are known stand below each picture.",
		"كل حكم مستمدّ من القيم لا من الخطة: تُقارن القيم قبل يوم بدء العمل بالإجراء وبعده، وتبيّن فترة الثقة مدى دقة الفرق. ما لا تقيسه قيم لا حكم له ولا تقدّم. والفرق لا يثبت سببه، ومواضع الشك المعروفة مذكورة تحت كل رسم."],
	"how 2": ["Of a goal, dark is what was reached, light what is measured and not reached; the rest of the bar is not measured.",
		"في شريط التقدّم: الداكن ما تحقّق، والفاتح ما يُقاس ولم يتحقّق، والباقي لا يُقاس."]
	}'::jsonb -> word ->> CASE lang WHEN 'ar' THEN 1 ELSE 0 END, word);
COMMENT ON FUNCTION athar.report_word(text, text) IS
'A word or heading of report_html() in English, or with lang ar in Arabic; what it does not know as it is.';

CREATE OR REPLACE FUNCTION athar.html_text(words text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN '<bdi>' || athar.escape_markup(translate(words, E'\x0e\x0f', '  ')) || '</bdi>';
COMMENT ON FUNCTION athar.html_text(text) IS
'A user''s text for a page: escaped, and apart in its direction. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.html_row(cell text, VARIADIC cells text[])
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN '<tr><' || cell || '>' || array_to_string(cells, '</' || cell || '><' || cell || '>', '') || '</' || cell || '></tr>';
COMMENT ON FUNCTION athar.html_row(text, text[]) IS
'A row of a table of cells (td or th) that are markup already; NULL is an empty one.';

CREATE OR REPLACE FUNCTION athar.gauge_svg(progress double precision, coverage double precision, lang text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN progress IS NOT NULL THEN
	format('<span class="one-line"><svg class="gauge" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 12" width="100" height="12" role="img" aria-label="%s %%"><g%s>'
		'<rect class="measured" width="%s" height="12"/><rect class="reached" width="%s" height="12"/><rect class="whole" x="0.5" y="0.5" width="99" height="11"/></g></svg> %s %%</span>',
		floor(100 * progress + 1e-9), CASE lang WHEN 'ar' THEN ' transform="matrix(-1 0 0 1 100 0)"' ELSE '' END,
		athar.px(100 * coalesce(coverage, 0)), athar.px(100 * coalesce(coverage, 0) * progress), floor(100 * progress + 1e-9)) END;
COMMENT ON FUNCTION athar.gauge_svg(double precision, double precision, text) IS
'Progress and coverage (0 to 1) as a bar in a page, with the progress in per cent; in Arabic from the right. NULL where there is no progress.';

CREATE OR REPLACE FUNCTION athar.plan_part(project_id integer, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce('<div class="scroll"><table><thead>' || athar.html_row('th', athar.report_word('no', plan_part.lang), athar.report_word('action', plan_part.lang), athar.report_word('owner', plan_part.lang),
			athar.report_word('service', plan_part.lang), athar.report_word('due', plan_part.lang), athar.report_word('live on', plan_part.lang), athar.report_word('status', plan_part.lang),
			athar.report_word('kpis', plan_part.lang)) || '</thead><tbody>'
		|| string_agg(athar.html_row('td', athar.html_text(a.item_id), athar.html_text(athar.name_text(a.title, a.title_ar, plan_part.lang)),
			athar.html_text(athar.name_text(u.name, u.name_ar, plan_part.lang)), athar.html_text(athar.name_text(s.name, s.name_ar, plan_part.lang)),
			athar.date_text(a.due_on, plan_part.lang), athar.date_text(a.live_on, plan_part.lang), athar.code_text('status', a.status, plan_part.lang),
			(SELECT string_agg(athar.html_text(athar.name_text(k.name, k.name_ar, plan_part.lang)) || coalesce(' (' || athar.html_text(e.target) || ')', ''), '<br/>' ORDER BY e.id)
				FROM athar.effect AS e JOIN athar.kpi AS k ON k.id = e.kpi_id WHERE e.action_id = a.id AND NOT e.is_withdrawn)), '' ORDER BY a.ordinal) || '</tbody></table></div>',
		'<p>' || athar.report_word('no actions', plan_part.lang) || '</p>')
	FROM athar.action AS a
	LEFT JOIN athar.unit AS u ON u.id = a.owner_id
	LEFT JOIN athar.service AS s ON s.id = a.service_id
	WHERE a.project_id = plan_part.project_id AND a.removed_in_version IS NULL;
END;
COMMENT ON FUNCTION athar.plan_part(integer, text) IS
'The part of report_html() that lists the actions of today''s plan.';

CREATE OR REPLACE FUNCTION athar.versions_part(project text, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT '<div class="scroll"><table><thead>' || athar.html_row('th', athar.report_word('no', versions_part.lang), athar.report_word('when', versions_part.lang), athar.report_word('who', versions_part.lang),
			athar.report_word('reason', versions_part.lang), athar.report_word('what', versions_part.lang)) || '</thead><tbody>'
		|| string_agg(athar.html_row('td', concat_ws(' ', h.version::text, athar.html_text(h.name)), athar.date_text((h.saved_at AT TIME ZONE athar.default_time_zone())::date, versions_part.lang),
			athar.html_text(h.author), athar.html_text(h.reason), athar.html_text(h.summary)), '' ORDER BY h.version DESC) || '</tbody></table></div>'
		|| CASE WHEN min(h.version) > 1 THEN format('<p class="soft">%s %s</p>', athar.report_word('earlier versions', versions_part.lang), min(h.version) - 1) ELSE '' END
	FROM (SELECT p.* FROM athar.plan_history(versions_part.project, versions_part.lang) AS p ORDER BY p.version DESC LIMIT 50) AS h
	HAVING count(*) > 0;
END;
COMMENT ON FUNCTION athar.versions_part(text, text) IS
'The part of report_html() that lists the versions of a plan, the newest 50. NULL where there is none.';

CREATE OR REPLACE FUNCTION athar.changes_part(project_id integer, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce(string_agg(format('<h3>%s</h3><p class="soft">%s</p>%s<p>%s %s</p>%s',
			athar.html_text(a.item_id) || ': ' || athar.html_text(athar.name_text(a.title, a.title_ar, changes_part.lang)),
			concat_ws(athar.report_word('; ', changes_part.lang), athar.report_word('live since', changes_part.lang) || ' ' || athar.date_text(a.live_on, changes_part.lang),
				CASE WHEN a.status <> 'live' THEN athar.code_text('status', a.status, changes_part.lang) END),
			coalesce('<p>' || athar.html_text(d.words) || '</p>', ''),
			athar.report_word('why', changes_part.lang), concat_ws(athar.report_word('; ', changes_part.lang), athar.html_text(f.reason), athar.html_text(g.rationale)),
			coalesce(w.effects, '<p>' || athar.waiting_text(a.id, NULL, changes_part.lang) || '</p>')), '' ORDER BY a.live_on, a.ordinal),
		'<p>' || athar.report_word('nothing live', changes_part.lang) || '</p>')
	FROM athar.action AS a
	LEFT JOIN athar.plan_item AS i ON i.project_id = a.project_id AND i.revision = a.revision
	CROSS JOIN LATERAL (SELECT coalesce(CASE changes_part.lang WHEN 'ar' THEN i.document ->> 'description_ar' END, i.document ->> 'description')) AS d (words)
	LEFT JOIN LATERAL (
		-- why the action came into the plan
		SELECT v.reason
		FROM athar.plan_version AS v
		WHERE v.project_id = a.project_id
			AND v.items && ARRAY(SELECT r.revision FROM athar.plan_item AS r WHERE r.project_id = a.project_id AND r.item_id = a.item_id)
		ORDER BY v.version
		LIMIT 1) AS f ON true
	LEFT JOIN LATERAL (
		SELECT b.rationale
		FROM athar.alignment AS l
		JOIN athar.goal AS b ON b.id = l.goal_id
		WHERE l.action_id = a.id AND btrim(b.rationale) <> ''
		ORDER BY l.share DESC, b.id
		LIMIT 1) AS g ON true
	LEFT JOIN LATERAL (
		SELECT string_agg(format('<figure>%s<figcaption>%s%s</figcaption></figure>', athar.draw_effect(a.id, e.id, e.kpi_id, changes_part.lang),
			athar.html_text(coalesce(athar.describe(m, changes_part.lang), athar.waiting_text(a.id, e.id, changes_part.lang))),
			' ' || athar.report_word(c.verdict, changes_part.lang)), '' ORDER BY e.id) AS effects
		FROM athar.effect AS e
		LEFT JOIN athar.effect_measurement AS m ON m.id = (SELECT max(n.id) FROM athar.effect_measurement AS n WHERE n.effect_id = e.id)
		LEFT JOIN LATERAL athar.last_check(e.id) AS c ON true
		WHERE e.action_id = a.id AND (NOT e.is_withdrawn OR m.id IS NOT NULL)) AS w ON true
	WHERE a.project_id = changes_part.project_id
		AND a.removed_in_version IS NULL
		AND a.status <> 'cancelled'
		AND a.live_on <= current_date;
END;
COMMENT ON FUNCTION athar.changes_part(integer, text) IS
'The part of report_html() that tells of every action that is live what was changed, why, and what it did, with pictures.';

CREATE OR REPLACE FUNCTION athar.served_goals(project_id integer)
RETURNS TABLE (goal text, title text, title_ar text, depth integer, path text, target text, current double precision,
	progress double precision, coverage double precision, status text, said_status text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 20
BEGIN ATOMIC
	WITH RECURSIVE served (id, parent_id) AS (
		SELECT g.id, g.parent_id
		FROM athar.alignment AS l
		JOIN athar.action AS a ON a.id = l.action_id
		JOIN athar.goal AS g ON g.id = l.goal_id
		WHERE a.project_id = served_goals.project_id AND a.removed_in_version IS NULL
		UNION
		SELECT g.id, g.parent_id
		FROM served AS s
		JOIN athar.goal AS g ON g.id = s.parent_id
	)
	SELECT t.goal, g.title, g.title_ar, t.depth, t.path, t.target, t.current, t.progress, t.coverage, t.status, t.said_status
	FROM served AS s
	JOIN athar.goal AS g ON g.id = s.id
	JOIN athar.okr_tree AS t ON t.goal = g.code;
END;
COMMENT ON FUNCTION athar.served_goals(integer) IS
'The goals that the actions of a project are aligned with, and all goals above those, as okr_tree shows them.';

CREATE OR REPLACE FUNCTION athar.goals_part(project_id integer, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT coalesce('<div class="scroll"><table><thead>' || athar.html_row('th', athar.report_word('goal', goals_part.lang), athar.report_word('target', goals_part.lang), athar.report_word('now', goals_part.lang),
			athar.report_word('progress', goals_part.lang), athar.report_word('coverage', goals_part.lang), athar.report_word('status', goals_part.lang)) || '</thead><tbody>'
		|| string_agg(replace(athar.html_row('td', athar.html_text(athar.name_text(g.title, g.title_ar, goals_part.lang)), athar.html_text(g.target), athar.figure_text(g.current, NULL, goals_part.lang),
			athar.gauge_svg(g.progress, g.coverage, goals_part.lang), floor(100 * g.coverage + 1e-9)::text || ' %', athar.report_word(g.status, goals_part.lang)),
			'<tr><td>', format('<tr><td class="deeper%s">', least(g.depth, 4))), '' ORDER BY g.path) || '</tbody></table></div>',
		'<p>' || athar.report_word('no goals', goals_part.lang) || '</p>')
	FROM athar.served_goals(goals_part.project_id) AS g;
END;
COMMENT ON FUNCTION athar.goals_part(integer, text) IS
'The part of report_html() that lists the goals a project serves.';

CREATE OR REPLACE FUNCTION athar.project_risks(project_id integer, lang text)
RETURNS TABLE (place integer, risk text, words text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 10
BEGIN ATOMIC
	WITH action AS MATERIALIZED (
		SELECT a.id, a.ordinal, a.status, a.due_on, a.live_on, athar.html_text(a.item_id) || ': ' || athar.html_text(athar.name_text(a.title, a.title_ar, project_risks.lang)) AS title
		FROM athar.action AS a
		WHERE a.project_id = project_risks.project_id AND a.removed_in_version IS NULL AND a.status <> 'cancelled'
	), effect AS MATERIALIZED (
		SELECT e.id, a.ordinal, a.title, m.verdict, athar.html_text(athar.name_text(k.name, k.name_ar, project_risks.lang)) AS kpi,
			m.id IS NULL AND a.live_on + coalesce(e.washout, interval '0') + coalesce(e.span, interval '1 year') <= current_date AS is_due
		FROM action AS a
		JOIN athar.effect AS e ON e.action_id = a.id AND NOT e.is_withdrawn
		JOIN athar.kpi AS k ON k.id = e.kpi_id
		LEFT JOIN athar.effect_measurement AS m ON m.id = (SELECT max(l.id) FROM athar.effect_measurement AS l WHERE l.effect_id = e.id)
	)
	SELECT 1000 + e.ordinal, 'risk worse', concat_ws(' ', e.title || ':', e.kpi, athar.report_word('worse text', project_risks.lang))
	FROM effect AS e
	WHERE e.verdict = 'worsened'
	UNION ALL
	SELECT 2000 + e.ordinal, 'risk faded', concat_ws(' ', e.title || ':', e.kpi || ';', athar.report_word('faded text', project_risks.lang), athar.date_text(c.faded_on, project_risks.lang))
	FROM effect AS e
	CROSS JOIN LATERAL athar.last_check(e.id) AS c
	WHERE c.faded_on IS NOT NULL
	UNION ALL
	SELECT 3000 + a.ordinal, 'risk overdue', concat_ws(' ', a.title || ':', athar.report_word('overdue since', project_risks.lang), athar.date_text(a.due_on, project_risks.lang))
	FROM action AS a
	WHERE a.status IN ('planned', 'in_progress') AND a.due_on < current_date
	UNION ALL
	SELECT 4000 + a.ordinal, 'risk no kpi', concat_ws(' ', a.title || ':', athar.report_word('no kpi text', project_risks.lang))
	FROM action AS a
	WHERE NOT EXISTS (SELECT FROM effect AS e WHERE e.ordinal = a.ordinal)
	UNION ALL
	SELECT 5000 + e.ordinal, 'risk unmeasured', concat_ws(' ', e.title || ':', e.kpi || ';', athar.report_word('unmeasured text', project_risks.lang))
	FROM effect AS e
	WHERE e.is_due
	UNION ALL
	SELECT 6000 + e.ordinal, 'risk late', concat_ws(' ', e.title || ':', e.kpi || ';', athar.report_word('late text', project_risks.lang), l.late_rows)
	FROM effect AS e
	CROSS JOIN LATERAL (SELECT athar.late_rows(e.id)) AS l (late_rows)
	WHERE l.late_rows > 0
	UNION ALL
	SELECT 7000, 'risk goal', concat_ws(' ', athar.html_text(athar.name_text(g.title, g.title_ar, project_risks.lang)) || ':', athar.report_word(g.status, project_risks.lang))
	FROM athar.served_goals(project_risks.project_id) AS g
	WHERE g.status IN ('off_track', 'missed', 'caution', 'no_data')
	UNION ALL
	SELECT 8000, 'risk disputed', concat_ws(' ', athar.html_text(athar.name_text(g.title, g.title_ar, project_risks.lang)) || ':', athar.report_word('disputed text', project_risks.lang),
		athar.report_word(g.status, project_risks.lang), '/', athar.report_word(g.said_status, project_risks.lang))
	FROM athar.served_goals(project_risks.project_id) AS g
	WHERE g.said_status <> g.status
	UNION ALL
	SELECT 9000, 'risk draft', concat_ws(' ', athar.html_text(d.reason) || ':', athar.report_word('draft text', project_risks.lang), athar.html_text(d.author))
	FROM athar.plan_draft AS d
	WHERE d.project_id = project_risks.project_id AND d.status = 'open';
END;
COMMENT ON FUNCTION athar.project_risks(integer, text) IS
'What stands against a project, by its plan, figures and goals: worse or faded effects, actions overdue or without a KPI, effects that wait to be measured though the time is over, late figures, goals not on track, statuses said and computed that differ, drafts that wait. risk is a key of report_word(), words is markup.';

CREATE OR REPLACE FUNCTION athar.report_html(project text, lang text DEFAULT 'en')
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
SET jit = off -- a few dozen rows
BEGIN ATOMIC
	SELECT athar.check_language(report_html.lang);
	SELECT athar.project_id(report_html.project);
	WITH subject AS MATERIALIZED (
		SELECT p.id, CASE report_html.lang WHEN 'ar' THEN coalesce(nullif(btrim(p.name_ar), ''), nullif(btrim(v.header ->> 'title_ar'), ''), p.name) ELSE p.name END AS name, athar.name_text(u.name, u.name_ar, report_html.lang) AS unit,
			v.version, v.author, v.saved_at, g.overdue, g.actions,
			coalesce(CASE report_html.lang WHEN 'ar' THEN v.header ->> 'purpose_ar' END, v.header ->> 'purpose') AS purpose
		FROM athar.project AS p
		JOIN athar.unit AS u ON u.id = p.unit_id
		LEFT JOIN athar.plan_version AS v ON v.project_id = p.id AND v.version = p.head_version
		LEFT JOIN athar.plan_progress AS g ON g.project = p.code
		WHERE p.id = athar.project_id(report_html.project)
	), judged AS (
		SELECT
			count(*) FILTER (WHERE m.verdict = 'improved') AS improved,
			count(*) FILTER (WHERE m.verdict = 'worsened') AS worsened,
			count(*) FILTER (WHERE m.verdict = 'no_clear_change') AS unclear,
			count(*) FILTER (WHERE coalesce(m.verdict NOT IN ('improved', 'worsened', 'no_clear_change'), true)) AS unmeasured
		FROM subject AS s
		JOIN athar.action AS a ON a.project_id = s.id AND a.removed_in_version IS NULL AND a.status <> 'cancelled'
		JOIN athar.effect AS e ON e.action_id = a.id AND NOT e.is_withdrawn
		LEFT JOIN athar.effect_measurement AS m ON m.id = (SELECT max(l.id) FROM athar.effect_measurement AS l WHERE l.effect_id = e.id)
	)
	SELECT concat(
		'<!DOCTYPE html>', E'\n', format('<html lang="%s" dir="%s">', report_html.lang, CASE report_html.lang WHEN 'ar' THEN 'rtl' ELSE 'ltr' END),
		'<head><meta charset="utf-8"/>',
		-- nothing from outside, no script, and no style but ours
		format('<meta http-equiv="Content-Security-Policy" content="default-src ''none''; style-src ''sha256-%s'' ''sha256-%s''; base-uri ''none''; form-action ''none''"/>',
			encode(sha256(convert_to(athar.page_style(), 'UTF8')), 'base64'), encode(sha256(convert_to(athar.picture_style(), 'UTF8')), 'base64')),
		'<meta name="viewport" content="width=device-width, initial-scale=1"/>',
		format('<title>%s</title><style>%s</style></head>', athar.escape_markup(s.name), athar.page_style()),
		format('<body><header><h1>%s</h1>', athar.html_text(s.name)),
		'<p>' || athar.html_text(s.purpose) || '</p>',
		format('<p class="soft">%s</p>', concat_ws(athar.report_word('; ', report_html.lang), athar.report_word('run by', report_html.lang) || ' ' || athar.html_text(s.unit),
			athar.report_word('version', report_html.lang) || ' ' || s.version || CASE report_html.lang WHEN 'ar' THEN '، ' ELSE ', ' END || athar.date_text((s.saved_at AT TIME ZONE athar.default_time_zone())::date, report_html.lang),
			athar.report_word('as of', report_html.lang) || ' ' || athar.date_text(current_date, report_html.lang))),
		'<ul class="facts">', (
			SELECT string_agg(format('<li><strong>%s</strong>%s</li>', f.n, athar.report_word(f.word, report_html.lang)), '' ORDER BY f.place)
			FROM (VALUES (1, coalesce(s.actions, 0), 'actions'), (2, coalesce(s.overdue, 0), 'overdue'), (3, j.improved, 'improved'), (4, j.unclear, 'no clear change'),
				(5, j.worsened, 'worsened'), (6, j.unmeasured, 'not measured')) AS f (place, n, word)), '</ul></header><main>',
		format('<section><h2>%s</h2>%s</section>', athar.report_word('changes', report_html.lang), athar.changes_part(s.id, report_html.lang)),
		format('<section><h2>%s</h2>%s</section>', athar.report_word('goals', report_html.lang), athar.goals_part(s.id, report_html.lang)),
		format('<section><h2>%s</h2>%s</section>', athar.report_word('risks', report_html.lang), coalesce((
			SELECT '<ul class="risks">' || string_agg(format('<li><strong>%s</strong> %s</li>', athar.report_word(r.risk, report_html.lang), r.words), '' ORDER BY r.place, r.words) || '</ul>'
			FROM athar.project_risks(s.id, report_html.lang) AS r), '<p>' || athar.report_word('no risks', report_html.lang) || '</p>')),
		format('<section><h2>%s</h2>%s</section>', athar.report_word('the plan', report_html.lang), athar.plan_part(s.id, report_html.lang)),
		format('<section><h2>%s</h2>%s</section>', athar.report_word('versions', report_html.lang), athar.versions_part(report_html.project, report_html.lang)),
		format('</main><footer><h2>%s</h2><p class="soft">%s</p><p class="soft">%s</p></footer></body></html>', athar.report_word('how to read', report_html.lang),
			athar.report_word('how 1', report_html.lang), athar.report_word('how 2', report_html.lang)), E'\n')
	FROM subject AS s
	CROSS JOIN judged AS j;
END;
COMMENT ON FUNCTION athar.report_html(text, text) IS
'A project as one HTML page that stands alone: what was changed, why, and what it did (with the pictures of before_after_svg()), the goals it serves, open risks, the plan and its versions; for the screen, light or dark, and for paper. In English, or with lang ar in Arabic from right to left. It holds no script and asks for nothing from outside, and its content security policy forbids both; every text of a user is escaped. It is well-formed XML, too. The rows are those that the caller may see. Write it out with client_encoding UTF8, as the page says of itself. NULL for NULL; 42704 unknown project; 22023 unknown language.';
