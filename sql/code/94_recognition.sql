-- 94 recognition: what was achieved, and by whom, for everybody to read

CREATE OR REPLACE VIEW athar.recognitions WITH (security_barrier = true) AS
WITH team AS (
	-- the tables, not participation and goal_actions: those would ask for the rights of whoever reads
	SELECT a.id AS action_id, coalesce(a.owner_id, j.unit_id) AS unit_id
	FROM athar.action AS a
	JOIN athar.project AS j ON j.id = a.project_id
	WHERE j.status <> 'draft'
	UNION
	SELECT p.action_id, p.unit_id
	FROM athar.participant AS p
	JOIN athar.project AS j ON j.id = p.project_id
	WHERE p.role IN ('accountable', 'responsible')
		AND j.status <> 'draft'
), worker AS (
	SELECT DISTINCT l.goal_id, t.unit_id
	FROM athar.alignment AS l
	JOIN athar.action AS a ON a.id = l.action_id
	JOIN team AS t ON t.action_id = a.id
	WHERE a.removed_in_version IS NULL
		AND a.status <> 'cancelled'
), raised AS (
	SELECT r.id, 'goal' AS kind, g.id AS goal_id, g.kpi_id, g.service_id, coalesce(w.unit_id, g.unit_id) AS unit_id,
		g.title, coalesce(g.title_ar, g.title) AS title_ar, r.value::double precision AS value, r.reviewed_at, r.form, r.note
	FROM athar.review AS r
	JOIN athar.goal AS g ON g.id = r.goal_id
	LEFT JOIN worker AS w ON w.goal_id = g.id
	WHERE r.kind = 'recognition'
		AND r.note IS NULL
		AND g.published_at IS NOT NULL
	UNION ALL
	SELECT r.id, 'satisfaction', NULL, k.id, a.service_id, t.unit_id,
		k.name, coalesce(k.name_ar, k.name), r.value, r.reviewed_at, r.form, r.note
	FROM athar.review AS r
	JOIN athar.action AS a ON a.id = r.action_id
	JOIN team AS t ON t.action_id = a.id
	JOIN athar.service AS v ON v.id = a.service_id
	CROSS JOIN LATERAL (
		SELECT e.kpi_id
		FROM athar.effect AS e
		JOIN athar.effect_measurement AS m ON m.effect_id = e.id
		WHERE e.action_id = a.id AND m.verdict = 'improved' AND m.difference = r.value
		ORDER BY e.id
		LIMIT 1
	) AS e
	JOIN athar.kpi AS k ON k.id = e.kpi_id AND k.kind = 'likert'
	WHERE r.kind = 'recognition'
		AND r.note IS NULL
		AND r.goal_id IS NULL
		AND athar.may_see(v.unit_id, current_user)
	UNION ALL
	SELECT r.id, 'thanks', g.id, NULL, a.service_id, coalesce(a.owner_id, j.unit_id, g.unit_id),
		coalesce(a.title, g.title, j.name), coalesce(a.title_ar, a.title, g.title_ar, g.title, j.name_ar, j.name), NULL, r.reviewed_at, r.form, r.note
	FROM athar.review AS r
	LEFT JOIN athar.goal AS g ON g.id = r.goal_id
	LEFT JOIN athar.project AS j ON j.id = r.project_id
	LEFT JOIN athar.action AS a ON a.id = r.action_id
	WHERE r.kind = 'recognition'
		AND r.note IS NOT NULL
		AND (g.id IS NULL OR g.published_at IS NOT NULL)
		AND (j.id IS NULL OR j.status <> 'draft' AND athar.may_see(j.unit_id, current_user))
)
SELECT
	r.kind,
	g.code::text AS goal,
	v.code::text AS service,
	k.code::text AS kpi,
	u.code::text AS unit,
	u.name AS unit_name,
	u.name_ar AS unit_name_ar,
	r.title,
	r.title_ar,
	f.figure,
	r.reviewed_at AS recognised_at,
	CASE r.kind
		WHEN 'thanks' THEN CASE r.form WHEN 'person' THEN 'Thanks to a person' WHEN 'team' THEN 'Thanks to the team' ELSE 'A reward' END
			|| coalesce(CASE r.form WHEN 'reward' THEN ' for ' ELSE ' of ' END || u.name, '') || ' ("' || r.title || '"): ' || r.note
		WHEN 'goal' THEN coalesce(u.name || ' achieved ', 'Achieved: ') || '"' || r.title || '"' || coalesce('; the figure is ' || athar.figure_text(f.figure, f.figure, 'en'), '')
		ELSE format('"%s" of "%s" improved%s, after an action of %s', r.title, v.name, coalesce(' by ' || athar.figure_text(abs(f.figure), f.figure, 'en'), ''), u.name)
	END AS sentence,
	CASE r.kind
		WHEN 'thanks' THEN CASE r.form WHEN 'person' THEN 'شكر لأحد العاملين' WHEN 'team' THEN 'شكر لفريق العمل' ELSE 'مكافأة' END
			|| coalesce(CASE r.form WHEN 'reward' THEN ' للجهة «' ELSE ' في الجهة «' END || coalesce(u.name_ar, u.name) || '»', '') || ' («' || r.title_ar || '»): ' || r.note
		WHEN 'goal' THEN coalesce('حققت الجهة «' || coalesce(u.name_ar, u.name) || '» الهدف ', 'تحقق الهدف ') || '«' || r.title_ar || '»' || coalesce('، وبلغت القيمة ' || athar.figure_text(f.figure, f.figure, 'ar'), '')
		ELSE format('تحسّن مؤشر «%s» في خدمة «%s»%s بعد إجراء نفّذته الجهة «%s»', r.title_ar, coalesce(v.name_ar, v.name), coalesce(' بمقدار ' || athar.figure_text(abs(f.figure), f.figure, 'ar'), ''), coalesce(u.name_ar, u.name))
	END AS sentence_ar,
	r.form,
	r.note
FROM raised AS r
LEFT JOIN athar.goal AS g ON g.id = r.goal_id
LEFT JOIN athar.service AS v ON v.id = r.service_id
LEFT JOIN athar.kpi AS k ON k.id = r.kpi_id
LEFT JOIN athar.unit AS u ON u.id = r.unit_id
LEFT JOIN athar.public_series AS s ON s.kpi = k.code AND coalesce(s.service, '') = coalesce(v.code, '')
CROSS JOIN LATERAL (SELECT CASE WHEN r.kpi_id IS NULL OR s.is_shown THEN r.value END AS figure) AS f;
COMMENT ON VIEW athar.recognitions IS 'What was achieved and by whom, for everybody: one row per recognition that a rollup raised and unit that did it, and one per recognition that people gave (record_review). Of goals the published ones; of jumps in satisfaction those of services, and of thanks those of projects that the reader may see (may_see). Nothing is told of projects that are drafts. Shown with the owner''s rights: SELECT on this view is enough';
COMMENT ON COLUMN athar.recognitions.kind IS 'goal: a goal was achieved; satisfaction: what people answer (a KPI of kind likert) was found to have improved after an action; thanks: people gave it, with a note';
COMMENT ON COLUMN athar.recognitions.goal IS 'Code of the goal; NULL for satisfaction';
COMMENT ON COLUMN athar.recognitions.service IS 'Code of the service; NULL where the goal is of none';
COMMENT ON COLUMN athar.recognitions.kpi IS 'Code of the KPI; NULL where none measures the goal';
COMMENT ON COLUMN athar.recognitions.unit IS 'Code of the unit that did it: the owner of an aligned action, or of the action, and each that is accountable or responsible for it; without any the unit that wants the goal; NULL where there is none either. Of thanks the owner of the action, or the unit of the project or goal';
COMMENT ON COLUMN athar.recognitions.unit_name IS 'Name of the unit';
COMMENT ON COLUMN athar.recognitions.unit_name_ar IS 'Name of the unit in Arabic';
COMMENT ON COLUMN athar.recognitions.title IS 'What was wanted, the name of the KPI, or what was done';
COMMENT ON COLUMN athar.recognitions.title_ar IS 'The same in Arabic, or as it is where there is none';
COMMENT ON COLUMN athar.recognitions.figure IS 'The goal''s figure then, or the change of the KPI; NULL where it has none, and where public_measurements does not show every figure of this KPI and service';
COMMENT ON COLUMN athar.recognitions.recognised_at IS 'When it was raised';
COMMENT ON COLUMN athar.recognitions.sentence IS 'In words';
COMMENT ON COLUMN athar.recognitions.sentence_ar IS 'In words, in Arabic';
COMMENT ON COLUMN athar.recognitions.form IS 'person, team or reward; what a rollup raised is the team''s';
COMMENT ON COLUMN athar.recognitions.note IS 'What people said with it; NULL where a rollup raised it';
