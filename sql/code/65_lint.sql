-- 65 lint: what a careful reader would say of a plan

CREATE OR REPLACE VIEW athar.lint_rules WITH (security_invoker = true) AS
SELECT r.rule, r.code, r.severity, r.words, r.words_ar
FROM (VALUES
	('output_alone', 'output_not_outcome', 'warning', 'says what is made (%1$s), and no target says what it changes for people',
		'يصف ما يُنجَز (%1$s) ولا يحدد مستهدفًا لما يتغيّر للناس'),
	('output_with_target', 'output_not_outcome', 'note', 'says what is made (%1$s); only its targets say what it changes for people',
		'يصف ما يُنجَز (%1$s)، ولا تصف ما يتغيّر للناس إلا مستهدفاته'),
	('no_owner', 'no_owner', 'warning', 'has no owner', 'لا توجد جهة مسؤولة عنه'),
	('no_kpi', 'no_kpi', 'warning', 'names no KPI that it is to move', 'لا يحدد مؤشر أداء يُراد تغييره'),
	('no_target', 'no_target', 'warning', 'has no target for KPI %1$s', 'لا مستهدف فيه لمؤشر الأداء %1$s'),
	('no_baseline', 'no_baseline', 'warning', 'cannot be compared: KPI %1$s has no figure from before it starts',
		'لا يمكن مقارنته: لا قيمة لمؤشر الأداء %1$s قبل بدئه'),
	('due_before_dependency', 'dates_impossible', 'error', 'is due on %1$s, before %2$s, which it waits for, is due (%3$s)',
		'موعد إنجازه %1$s يسبق موعد إنجاز %2$s الذي يعتمد عليه (%3$s)'),
	('starts_before_dependency', 'dates_impossible', 'warning', 'starts on %1$s, before %2$s, which it waits for, is due (%3$s)',
		'يبدأ في %1$s قبل موعد إنجاز %2$s الذي يعتمد عليه (%3$s)'),
	('starts_before_parent', 'dates_impossible', 'error', 'starts on %1$s, before %2$s, which it is part of, starts (%3$s)',
		'يبدأ في %1$s قبل بدء %2$s الذي هو جزء منه (%3$s)'),
	('due_after_parent', 'dates_impossible', 'error', 'is due on %1$s, after %2$s, which it is part of, is due (%3$s)',
		'موعد إنجازه %1$s بعد موعد إنجاز %2$s الذي هو جزء منه (%3$s)'),
	('live_ahead', 'dates_impossible', 'error', 'has status %1$s, but live_on is a day to come, %2$s', 'حالته %1$s، لكن يوم بدء العمل به (live_on) لم يأتِ بعد: %2$s'),
	('no_live_on', 'no_live_on', 'warning', 'has status %1$s, but no live_on: its effect cannot be measured',
		'حالته %1$s دون تحديد يوم بدء العمل به (live_on)، فلا يمكن قياس أثره'),
	('dependency_cycle', 'dependency_cycle', 'error', 'waits for itself: %1$s', 'يعتمد على نفسه: %1$s'),
	('dependency_missing', 'dependency_missing', 'error', 'waits for %1$s, which is not in the plan', 'يعتمد على %1$s غير الموجود في الخطة'),
	('dependency_cancelled', 'dependency_cancelled', 'warning', 'waits for %1$s, which was cancelled', 'يعتمد على %1$s الذي أُلغي'),
	('weight_zero', 'weight_zero', 'note', 'has weight 0: it is shown and not counted', 'وزنه 0، فيُعرض ولا يُحتسب'),
	('overlapping_action', 'overlapping_action', 'warning', 'meets %1$s of project %2$s (owner %3$s) in the same stage, channel and period',
		'يتداخل مع %1$s من المشروع %2$s (الجهة المسؤولة %3$s) في المرحلة والقناة والفترة نفسها'),
	('opposed_targets', 'overlapping_action', 'error', 'wants the opposite of %1$s of project %2$s (owner %3$s) for KPI %4$s in the same period',
		'يستهدف عكس ما يستهدفه %1$s من المشروع %2$s (الجهة المسؤولة %3$s) لمؤشر الأداء %4$s في الفترة نفسها')
) AS r (rule, code, severity, words, words_ar);
COMMENT ON VIEW athar.lint_rules IS 'What plan_lint() looks for, with its words; numbered places are filled in';
COMMENT ON COLUMN athar.lint_rules.rule IS 'Key of the rule';
COMMENT ON COLUMN athar.lint_rules.code IS 'What plan_lint() calls it; several rules may share a code';
COMMENT ON COLUMN athar.lint_rules.severity IS 'error (cannot be right), warning (should be set right) or note';
COMMENT ON COLUMN athar.lint_rules.words IS 'In English';
COMMENT ON COLUMN athar.lint_rules.words_ar IS 'In Arabic';

CREATE OR REPLACE VIEW athar.output_words WITH (security_invoker = true) AS
SELECT w.word, l.lang
FROM (VALUES
	('en', '{build,building,built,buy,buying,create,creating,created,deploy,deploying,deployed,deployment,design,designing,designed,develop,developing,developed,
		draft,drafting,drafted,establish,establishing,established,hold,holding,implement,implementing,implemented,implementation,install,installing,installed,installation,
		launch,launching,launched,organise,organising,organised,organize,organizing,organized,procure,procuring,procured,procurement,publish,publishing,published,
		purchase,purchasing,purchased,train,training,trained,workshop,workshops,write,writing}'::text[]),
	('ar', '{إطلاق,اطلاق,تدشين,إنشاء,انشاء,بناء,تأسيس,استحداث,تطوير,تنفيذ,تركيب,توريد,شراء,تصميم,إعداد,اعداد,إصدار,اصدار,نشر,تنظيم,تدريب,ورشة,ورش}')
) AS l (lang, words)
CROSS JOIN LATERAL unnest(l.words) AS w (word);
COMMENT ON VIEW athar.output_words IS 'Words that speak of what is made, not of what it changes';
COMMENT ON COLUMN athar.output_words.word IS 'The word, in small letters; in Arabic without article and conjunction';
COMMENT ON COLUMN athar.output_words.lang IS 'en or ar';

CREATE OR REPLACE FUNCTION athar.output_words_in(title text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN (
	SELECT string_agg(t.word, ', ' ORDER BY t.ordinality)
	FROM regexp_split_to_table(output_words_in.title, '[[:space:][:punct:]،؛؟]+') WITH ORDINALITY AS t (word, ordinality)
	WHERE lower(t.word) IN (SELECT o.word FROM athar.output_words AS o)
		OR regexp_replace(t.word, '^(و)?(ال)?', '') IN (SELECT o.word FROM athar.output_words AS o WHERE o.lang = 'ar'));
COMMENT ON FUNCTION athar.output_words_in(text) IS
'The words of a title that speak of what is made (output_words), as it has them; NULL if there is none.';

CREATE OR REPLACE FUNCTION athar.first_figure_on(kpi_id integer, service_id integer)
RETURNS date
LANGUAGE SQL STABLE PARALLEL SAFE
-- each arm finds its first row by an index; of a reported period the whole must lie before
RETURN CASE WHEN service_id IS NULL THEN least(
	(SELECT (min(o.observed_at) AT TIME ZONE k.time_zone)::date FROM athar.kpi AS k, athar.observation AS o WHERE k.id = first_figure_on.kpi_id AND o.kpi_id = k.id AND o.service_id IS NULL GROUP BY k.id),
	(SELECT min(upper(m.period)) - 1 FROM athar.measurement AS m WHERE m.kpi_id = first_figure_on.kpi_id AND m.service_id IS NULL),
	(SELECT min(s.day) FROM athar.source_measurements AS s WHERE s.kpi_id = first_figure_on.kpi_id AND s.service_id IS NULL))
ELSE least(
	(SELECT (min(o.observed_at) AT TIME ZONE k.time_zone)::date FROM athar.kpi AS k, athar.observation AS o WHERE k.id = first_figure_on.kpi_id AND o.kpi_id = k.id AND o.service_id = first_figure_on.service_id GROUP BY k.id),
	(SELECT min(upper(m.period)) - 1 FROM athar.measurement AS m WHERE m.kpi_id = first_figure_on.kpi_id AND m.service_id = first_figure_on.service_id),
	(SELECT min(s.day) FROM athar.source_measurements AS s WHERE s.kpi_id = first_figure_on.kpi_id AND s.service_id = first_figure_on.service_id))
END;
COMMENT ON FUNCTION athar.first_figure_on(integer, integer) IS
'The first day for which a KPI has a figure for a service (NULL: for the whole), observed, reported (the last day of the period) or read from an attached table; NULL if it has none.';

CREATE OR REPLACE FUNCTION athar.target_aim(target text)
RETURNS TABLE (way integer, low double precision, high double precision)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT
	CASE k.kind WHEN 'from_to' THEN sign(athar.goal_of(t.target) - athar.start_of(t.target))::integer
		WHEN 'relative' THEN sign(athar.goal_of(t.target, 1) - 1)::integer END,
	CASE WHEN k.kind = 'at_least' OR k.kind = 'from_to' AND athar.goal_of(t.target) > athar.start_of(t.target) THEN athar.goal_of(t.target)
		WHEN k.kind = 'between' THEN athar.goal_of(t.target, -1e308) ELSE '-Infinity' END,
	CASE WHEN k.kind = 'at_most' OR k.kind = 'from_to' AND athar.goal_of(t.target) < athar.start_of(t.target) THEN athar.goal_of(t.target)
		WHEN k.kind = 'between' THEN athar.goal_of(t.target, 1e308) ELSE 'Infinity' END
FROM (SELECT CASE WHEN athar.is_target(target_aim.target) THEN target_aim.target::athar.target END) AS t (target)
CROSS JOIN LATERAL (SELECT athar.kind_of(t.target)) AS k (kind);
END;
COMMENT ON FUNCTION athar.target_aim(text) IS
'Where a target leads: way (1 up, -1 down, for a change), and the figures that meet it, low to high; the whole line where the figure before is not known. What is no target leads nowhere.';

CREATE OR REPLACE FUNCTION athar.plan_overlaps(project_ids integer[])
RETURNS TABLE (action_id integer, other_id integer, is_same_place boolean, opposed_kpis text[])
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 20
SET jit = off
BEGIN ATOMIC
WITH mine AS MATERIALIZED (
	SELECT a.id, coalesce(a.owner_id, j.unit_id) AS owner_id, a.service_id, a.stage_id, a.channel_id, a.status,
		daterange(a.starts_on, greatest(a.due_on, a.live_on, a.starts_on), '[]') AS period
	FROM athar.action AS a
	JOIN athar.project AS j ON j.id = a.project_id
	WHERE a.project_id = ANY (plan_overlaps.project_ids)
		AND a.removed_in_version IS NULL
		AND a.status <> 'cancelled'
), expected AS MATERIALIZED (
	SELECT m.id, m.owner_id, m.status, m.period, m.service_id, e.kpi_id, k.code AS kpi, e.target
	FROM mine AS m
	JOIN athar.effect AS e ON e.action_id = m.id
	JOIN athar.kpi AS k ON k.id = e.kpi_id
	WHERE NOT e.is_withdrawn AND e.target IS NOT NULL
), aim AS MATERIALIZED (
	SELECT t.target, a.way, a.low, a.high
	FROM (
		SELECT DISTINCT e.target
		FROM athar.effect AS e
		WHERE e.kpi_id = ANY (ARRAY(SELECT DISTINCT x.kpi_id FROM expected AS x)) AND NOT e.is_withdrawn AND e.target IS NOT NULL) AS t
	CROSS JOIN LATERAL athar.target_aim(t.target) AS a
), opposed AS MATERIALIZED (
	SELECT x.target, y.target AS other_target
	FROM aim AS x
	JOIN aim AS y ON x.way * y.way < 0 OR x.low > y.high OR y.low > x.high
), candidate AS (
	-- with what is asked of it below: what was not counted yet is not looked up once for each
	SELECT m.id, m.owner_id, m.status, m.period, b.id AS other_id, true AS is_same_place, NULL::text AS kpi
	FROM mine AS m
	JOIN athar.action AS b ON b.stage_id = m.stage_id
		AND (b.channel_id = m.channel_id OR b.channel_id IS NULL OR m.channel_id IS NULL)
	UNION ALL
	SELECT x.id, x.owner_id, x.status, x.period, b.id, false, x.kpi
	FROM expected AS x
	JOIN opposed AS o ON o.target = x.target
	JOIN athar.effect AS y ON y.kpi_id = x.kpi_id AND y.target = o.other_target AND NOT y.is_withdrawn
	JOIN athar.action AS b ON b.id = y.action_id
		AND (b.service_id = x.service_id OR b.service_id IS NULL OR x.service_id IS NULL)
)
SELECT c.id, c.other_id, bool_or(c.is_same_place), array_remove(array_agg(DISTINCT c.kpi ORDER BY c.kpi), NULL)
FROM candidate AS c
JOIN athar.action AS b ON b.id = c.other_id
JOIN athar.project AS j ON j.id = b.project_id
WHERE b.removed_in_version IS NULL
	AND b.status <> 'cancelled'
	AND coalesce(b.owner_id, j.unit_id) <> c.owner_id
	AND NOT (b.status IN ('done', 'verified') AND c.status IN ('done', 'verified'))
	AND daterange(b.starts_on, greatest(b.due_on, b.live_on, b.starts_on), '[]') && c.period
	-- of two that are both asked for, one
	AND (c.id < c.other_id OR NOT b.project_id = ANY (plan_overlaps.project_ids))
GROUP BY c.id, c.other_id;
END;
COMMENT ON FUNCTION athar.plan_overlaps(integer[]) IS
'Actions of these projects, and others of today''s plans, that get in each other''s way, one row for each pair: different owners (the accountable unit of the project where none is named), periods that meet (from starts_on to due_on or live_on, open where a day is missing), and the same stage and channel (no channel is every channel), or targets for the same KPI and service that cannot both be met. Cancelled actions, and pairs that are both done, are left out.';

CREATE OR REPLACE VIEW athar.overlapping_actions WITH (security_invoker = true) AS
SELECT
	p.code::text AS project,
	a.item_id AS action,
	a.title,
	coalesce(u.code, pu.code)::text AS owner,
	q.code::text AS other_project,
	b.item_id AS other_action,
	b.title AS other_title,
	coalesce(v.code, qu.code)::text AS other_owner,
	s.code::text AS service,
	CASE WHEN o.is_same_place THEN t.code::text END AS stage,
	o.is_same_place,
	o.opposed_kpis
FROM athar.plan_overlaps(ARRAY(SELECT j.id FROM athar.project AS j)) AS o
JOIN athar.action AS a ON a.id = o.action_id
JOIN athar.project AS p ON p.id = a.project_id
JOIN athar.unit AS pu ON pu.id = p.unit_id
LEFT JOIN athar.unit AS u ON u.id = a.owner_id
LEFT JOIN athar.service AS s ON s.id = a.service_id
LEFT JOIN athar.stage AS t ON t.id = a.stage_id
JOIN athar.action AS b ON b.id = o.other_id
JOIN athar.project AS q ON q.id = b.project_id
JOIN athar.unit AS qu ON qu.id = q.unit_id
LEFT JOIN athar.unit AS v ON v.id = b.owner_id;
COMMENT ON VIEW athar.overlapping_actions IS 'Actions of different agencies that get in each other''s way, each pair once; see plan_overlaps()';
COMMENT ON COLUMN athar.overlapping_actions.project IS 'Code of the project of the one';
COMMENT ON COLUMN athar.overlapping_actions.action IS 'Its id in the plan';
COMMENT ON COLUMN athar.overlapping_actions.title IS 'What it does';
COMMENT ON COLUMN athar.overlapping_actions.owner IS 'Code of its owner, or else of the unit accountable for the project';
COMMENT ON COLUMN athar.overlapping_actions.other_project IS 'Code of the project of the other';
COMMENT ON COLUMN athar.overlapping_actions.other_action IS 'Its id in the plan';
COMMENT ON COLUMN athar.overlapping_actions.other_title IS 'What it does';
COMMENT ON COLUMN athar.overlapping_actions.other_owner IS 'Code of its owner, or else of the unit accountable for the project';
COMMENT ON COLUMN athar.overlapping_actions.service IS 'Code of the service';
COMMENT ON COLUMN athar.overlapping_actions.stage IS 'Code of the stage that they share; NULL where they do not';
COMMENT ON COLUMN athar.overlapping_actions.is_same_place IS 'True where stage and channel are the same';
COMMENT ON COLUMN athar.overlapping_actions.opposed_kpis IS 'Codes of the KPIs for which their targets cannot both be met; empty if none';

CREATE OR REPLACE FUNCTION athar.plan_lint(project text, version integer DEFAULT NULL)
RETURNS TABLE (item_id text, path text, code text, severity text, message text, message_ar text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 100
SET jit = off
BEGIN ATOMIC
SELECT athar.check_version(plan_lint.project, plan_lint.version);
WITH subject AS MATERIALIZED (
	SELECT j.id AS project_id, coalesce(plan_lint.version, j.head_version) AS version, coalesce(plan_lint.version, j.head_version) = j.head_version AS is_head,
		(now() AT TIME ZONE athar.default_time_zone())::date AS today
	FROM athar.project AS j
	WHERE j.code = plan_lint.project
), item AS MATERIALIZED (
	SELECT a.item_id, a.ordinal, '/items/' || athar.pointer_token(a.item_id) AS path, a.title, a.title_ar, a.owner_id, a.service_id,
		a.starts_on, a.due_on, a.live_on, a.status, a.weight, a.parent_item_id, i.document
	FROM subject AS s
	CROSS JOIN LATERAL athar.plan_actions(s.project_id, s.version) AS a
	JOIN athar.plan_item AS i ON i.project_id = s.project_id AND i.revision = a.revision
), held AS (
	SELECT DISTINCT i.parent_item_id AS item_id
	FROM item AS i
	WHERE i.parent_item_id IS NOT NULL AND i.status <> 'cancelled'
), expected AS MATERIALIZED (
	SELECT i.item_id, i.ordinal, i.path || '/kpis/' || e.ordinality - 1 AS path, e.value ->> 'kpi' AS kpi, e.value ->> 'target' AS target,
		k.id AS kpi_id, i.service_id, coalesce(i.starts_on, i.live_on, 'infinity') AS starts_on
	FROM item AS i
	CROSS JOIN LATERAL jsonb_array_elements(athar.list_of(i.document, 'kpis')) WITH ORDINALITY AS e (value, ordinality)
	LEFT JOIN athar.kpi AS k ON k.code = e.value ->> 'kpi'
	WHERE i.status <> 'cancelled'
), aimed AS (
	SELECT e.item_id, bool_or(coalesce(e.target <> 'milestone', false)) AS has_outcome
	FROM expected AS e
	GROUP BY e.item_id
), figure AS MATERIALIZED (
	SELECT f.kpi_id, f.service_id, athar.first_figure_on(f.kpi_id, f.service_id) AS first_on
	FROM (SELECT DISTINCT e.kpi_id, e.service_id FROM expected AS e WHERE e.kpi_id IS NOT NULL) AS f
), dependency AS MATERIALIZED (
	SELECT i.item_id, i.ordinal, i.path || '/depends_on/' || n.ordinality - 1 AS path, i.path AS item_path, n.item_id AS awaited, i.starts_on, i.due_on,
		d.item_id IS NULL AS is_missing, coalesce(d.status = 'cancelled', false) AS is_cancelled, d.due_on AS awaited_due_on
	FROM item AS i
	CROSS JOIN LATERAL jsonb_array_elements_text(athar.list_of(i.document, 'depends_on')) WITH ORDINALITY AS n (item_id, ordinality)
	LEFT JOIN item AS d ON d.item_id = n.item_id
	WHERE i.status <> 'cancelled'
), titled AS (
	SELECT 0 AS ordinal, NULL::text AS item_id, '/title' AS path, false AS has_outcome, coalesce(athar.output_words_in(v.header ->> 'title'), athar.output_words_in(v.header ->> 'title_ar')) AS words
	FROM subject AS s
	JOIN athar.plan_version AS v ON v.project_id = s.project_id AND v.version = s.version
	UNION ALL
	SELECT i.ordinal, i.item_id, i.path || '/title', coalesce(a.has_outcome, false), coalesce(athar.output_words_in(i.title), athar.output_words_in(i.title_ar))
	FROM item AS i
	LEFT JOIN aimed AS a ON a.item_id = i.item_id
	WHERE i.status <> 'cancelled'
), finding (ordinal, item_id, path, rule, facts) AS (
	SELECT t.ordinal, t.item_id, t.path, CASE WHEN t.has_outcome THEN 'output_with_target' ELSE 'output_alone' END, ARRAY[t.words]
	FROM titled AS t
	WHERE t.words IS NOT NULL
	UNION ALL
	SELECT i.ordinal, i.item_id, i.path || f.key, f.rule, ARRAY[i.status, i.live_on::text]
	FROM item AS i
	CROSS JOIN subject AS s
	LEFT JOIN held AS h ON h.item_id = i.item_id
	CROSS JOIN LATERAL (VALUES
		('/owner', 'no_owner', i.owner_id IS NULL AND h.item_id IS NULL),
		('/kpis', 'no_kpi', athar.list_of(i.document, 'kpis') = '[]' AND h.item_id IS NULL),
		('/live_on', 'live_ahead', i.status IN ('live', 'done', 'verified') AND i.live_on > s.today),
		('/live_on', 'no_live_on', i.status IN ('live', 'done', 'verified') AND i.live_on IS NULL AND h.item_id IS NULL),
		('/weight', 'weight_zero', i.weight = 0)) AS f (key, rule, is_found)
	WHERE f.is_found AND i.status <> 'cancelled'
	UNION ALL
	SELECT e.ordinal, e.item_id, e.path, f.rule, ARRAY[e.kpi]
	FROM expected AS e
	LEFT JOIN figure AS g ON g.kpi_id = e.kpi_id AND g.service_id IS NOT DISTINCT FROM e.service_id
	CROSS JOIN LATERAL (VALUES
		('no_target', e.target IS NULL),
		('no_baseline', NOT coalesce(g.first_on < e.starts_on, false))) AS f (rule, is_found)
	WHERE f.is_found
	UNION ALL
	SELECT i.ordinal, i.item_id, i.path || f.key, f.rule, ARRAY[f.day::text, p.item_id, f.bound::text]
	FROM item AS i
	JOIN item AS p ON p.item_id = i.parent_item_id
	CROSS JOIN LATERAL (VALUES
		('/starts_on', 'starts_before_parent', i.starts_on, p.starts_on, i.starts_on < p.starts_on),
		('/due_on', 'due_after_parent', i.due_on, p.due_on, i.due_on > p.due_on)) AS f (key, rule, day, bound, is_found)
	WHERE f.is_found AND i.status <> 'cancelled' AND p.status <> 'cancelled'
	UNION ALL
	SELECT d.ordinal, d.item_id, CASE WHEN f.key IS NULL THEN d.path ELSE d.item_path || f.key END, f.rule,
		CASE WHEN f.key IS NULL THEN ARRAY[d.awaited] ELSE ARRAY[f.day::text, d.awaited, d.awaited_due_on::text] END
	FROM dependency AS d
	CROSS JOIN LATERAL (VALUES
		(NULL, 'dependency_missing', NULL, d.is_missing),
		(NULL, 'dependency_cancelled', NULL, d.is_cancelled),
		('/due_on', 'due_before_dependency', d.due_on, NOT d.is_cancelled AND d.due_on < d.awaited_due_on),
		-- who is due before it starts before it, too: once is enough
		('/starts_on', 'starts_before_dependency', d.starts_on, NOT d.is_cancelled AND d.starts_on <= d.awaited_due_on AND NOT coalesce(d.due_on < d.awaited_due_on, false))
	) AS f (key, rule, day, is_found)
	WHERE f.is_found
	UNION ALL
	SELECT n.ordinal, n.item_id, '/items/' || athar.pointer_token(n.item_id) || '/depends_on', 'dependency_cycle', ARRAY[n.loop]
	FROM subject AS s
	CROSS JOIN LATERAL athar.plan_network(s.project_id, s.version, NULL, 0) AS n
	WHERE n.is_first
	UNION ALL
	SELECT a.ordinal, a.item_id, '/items/' || athar.pointer_token(a.item_id), CASE WHEN o.opposed_kpis = '{}' THEN 'overlapping_action' ELSE 'opposed_targets' END,
		ARRAY[b.item_id, q.code, u.code, array_to_string(o.opposed_kpis, ', ')]
	FROM subject AS s
	CROSS JOIN LATERAL athar.plan_overlaps(CASE WHEN s.is_head THEN ARRAY[s.project_id] END) AS o
	JOIN athar.action AS a ON a.id = o.action_id
	JOIN athar.action AS b ON b.id = o.other_id
	JOIN athar.project AS q ON q.id = b.project_id
	JOIN athar.unit AS u ON u.id = coalesce(b.owner_id, q.unit_id)
)
SELECT f.item_id, f.path, r.code, r.severity, format(r.words, VARIADIC f.facts),
	-- codes and days keep their direction within Arabic
	format(r.words_ar, VARIADIC ARRAY(SELECT E'\xe2\x80\x8e' || x.fact FROM unnest(f.facts) WITH ORDINALITY AS x (fact, ordinality) ORDER BY x.ordinality))
FROM finding AS f
JOIN athar.lint_rules AS r USING (rule)
ORDER BY f.ordinal, array_position('{error,warning,note}'::text[], r.severity), r.code, f.path, f.facts;
END;
COMMENT ON FUNCTION athar.plan_lint(text, integer) IS
'What a careful reader would say of a plan, the newest version or the one given: item_id (NULL for the plan itself), path (JSON pointer, items named by id), code, severity (error, warning or note), and the message in English and in Arabic, to be read after the item''s name. Nothing of it stops a save. Cancelled items are left out.
output_not_outcome (a title with words of output_words; a note where a target, other than a milestone, says what is to change); no_owner, no_kpi (not for items that hold others), no_target; no_baseline (the KPI has no figure for the service from before starts_on, or else live_on); dates_impossible (due, or started, before what it waits for is due; outside the item it is part of; live in the future); no_live_on (live, but the day is not known); dependency_cycle (once, with the whole loop), dependency_missing, dependency_cancelled; weight_zero; overlapping_action (another agency''s action in the same stage, channel and period: an error where their targets for a KPI cannot both be met; for the newest version alone, each pair once).
42704 for an unknown project, 22023 for a version that does not exist; no row for NULL.';

CREATE OR REPLACE VIEW athar.plan_findings WITH (security_invoker = true) AS
SELECT j.code::text AS project, l.item_id AS action, l.path, l.code, l.severity, l.message, l.message_ar
FROM athar.project AS j
CROSS JOIN LATERAL athar.plan_lint(j.code) AS l
WHERE j.status <> 'closed';
COMMENT ON VIEW athar.plan_findings IS 'What plan_lint() says of every project that is not closed';
COMMENT ON COLUMN athar.plan_findings.project IS 'Code of the project';
COMMENT ON COLUMN athar.plan_findings.action IS 'Id of the item; NULL for the plan itself';
COMMENT ON COLUMN athar.plan_findings.path IS 'Where in the document, items named by id';
COMMENT ON COLUMN athar.plan_findings.code IS 'What was found';
COMMENT ON COLUMN athar.plan_findings.severity IS 'error, warning or note';
COMMENT ON COLUMN athar.plan_findings.message IS 'In English, to be read after the item''s name';
COMMENT ON COLUMN athar.plan_findings.message_ar IS 'In Arabic';
