-- 96 timeline: the story of a project, from everything that happened to it

CREATE OR REPLACE FUNCTION athar.named_marks()
RETURNS TABLE (id bigint, name text, at timestamptz)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 100
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT m.id, m.name, m.at
FROM athar.mark AS m
WHERE m.name !~ '^(seal [0-9]+$|track )';
END;
COMMENT ON FUNCTION athar.named_marks() IS
'The marks that people made with create_mark(): number, name and time; those that seal() and track() make are left out. With its owner''s rights, because marks are part of the log; as_of_mark() tells as much.';

CREATE OR REPLACE VIEW athar.project_timeline WITH (security_invoker = true) AS
SELECT j.code::text AS project, v.saved_at AS at, 'version' AS kind, 'version:' || v.version AS event, NULL::text AS action, v.version, v.author,
	'Version ' || v.version || coalesce(' ' || athar.quoted_text(v.name, 'en'), '') || ': ' || v.reason AS sentence,
	'النسخة ' || v.version || coalesce(' ' || athar.quoted_text(v.name, 'ar'), '') || ': ' || v.reason AS sentence_ar
FROM athar.plan_version AS v
JOIN athar.project AS j ON j.id = v.project_id
UNION ALL
SELECT j.code::text, d.saved_at, 'draft', 'draft:' || d.id, NULL, d.base_version, d.author,
	'Draft ' || d.id || ', kept because others had saved: ' || d.reason,
	'المسودة ' || d.id || '، حُفظت لأن غيره حفظ قبله: ' || d.reason
FROM athar.plan_draft AS d
JOIN athar.project AS j ON j.id = d.project_id
UNION ALL
SELECT j.code::text, r.reviewed_at, r.kind, 'review:' || r.id, a.item_id, r.version, r.author, r.note, r.note
FROM athar.review AS r
JOIN athar.project AS j ON j.id = r.project_id
LEFT JOIN athar.action AS a ON a.id = r.action_id
UNION ALL
SELECT j.code::text, m.measured_at, 'effect', 'effect:' || m.id, a.item_id, NULL, NULL, athar.describe(m, 'en'), athar.describe(m, 'ar')
FROM athar.effect_measurement AS m
JOIN athar.effect AS e ON e.id = m.effect_id
JOIN athar.action AS a ON a.id = e.action_id
JOIN athar.project AS j ON j.id = a.project_id
UNION ALL
SELECT j.code::text, c.measured_at, 'check', 'check:' || c.id, a.item_id, NULL, NULL,
	k.name || ', ' || c.days || ' days on: ' || CASE c.verdict WHEN 'sustained' THEN 'the effect lasts' WHEN 'faded' THEN 'the effect has faded'
		WHEN 'growing' THEN 'the effect is growing' ELSE 'whether the effect lasts cannot be told' END,
	'مؤشر ' || athar.quoted_text(coalesce(nullif(btrim(k.name_ar), ''), k.name), 'ar') || ' بعد ' || c.days || ' يومًا: ' || CASE c.verdict WHEN 'sustained' THEN 'الأثر باقٍ'
		WHEN 'faded' THEN 'الأثر تلاشى' WHEN 'growing' THEN 'الأثر يتزايد' ELSE 'لا يمكن الجزم ببقاء الأثر' END
FROM athar.effect_check AS c
JOIN athar.effect AS e ON e.id = c.effect_id
JOIN athar.kpi AS k ON k.id = e.kpi_id
JOIN athar.action AS a ON a.id = e.action_id
JOIN athar.project AS j ON j.id = a.project_id
UNION ALL
SELECT j.code::text, m.at, 'mark', 'mark:' || m.id, NULL, NULL, NULL, m.name, m.name
FROM athar.project AS j
JOIN athar.plan_version AS v ON v.project_id = j.id AND v.version = 1
JOIN athar.named_marks() AS m ON m.at >= v.saved_at;
COMMENT ON VIEW athar.project_timeline IS 'The story of every project, one row per event: versions, drafts, what was said, effects measured and checked, marks set in the log since it began. Read it ORDER BY at, event; plan_history() tells what a version changed';
COMMENT ON COLUMN athar.project_timeline.project IS 'Code of the project';
COMMENT ON COLUMN athar.project_timeline.at IS 'When it was';
COMMENT ON COLUMN athar.project_timeline.kind IS 'version, draft, comment, decision, review, retrospective, recognition, effect (measured), check (whether an effect lasts) or mark';
COMMENT ON COLUMN athar.project_timeline.event IS 'Which event it is, unique within the project: version:3, draft:7, review:12, effect:4, check:9, mark:2';
COMMENT ON COLUMN athar.project_timeline.action IS 'Id of the action it is about; NULL for the whole project';
COMMENT ON COLUMN athar.project_timeline.version IS 'The version of the plan: saved, spoken of, or the base of a draft; NULL for others';
COMMENT ON COLUMN athar.project_timeline.author IS 'Who; NULL for what was measured, and for marks';
COMMENT ON COLUMN athar.project_timeline.sentence IS 'What it was: reason, note, result or name of the mark, as a sentence in English; what people wrote stays as they wrote it';
COMMENT ON COLUMN athar.project_timeline.sentence_ar IS 'The same in Arabic';
