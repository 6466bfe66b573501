-- 53 review: versions found by what was said

CREATE OR REPLACE FUNCTION athar.search_plans(query text, project text DEFAULT NULL, lang text DEFAULT 'en')
RETURNS TABLE (project text, version integer, name text, author text, saved_at timestamptz, reason text, summary text, rank real)
LANGUAGE SQL STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
SELECT athar.check_language(search_plans.lang);
SELECT athar.project_id(search_plans.project);
WITH change AS (
	SELECT c.project_id, c.version, c.place, c.item_id, c.field, c.op, c.old, c.new, c.title, c.title_ar
	FROM athar.plan_changes(ARRAY(SELECT j.id FROM athar.project j WHERE search_plans.project IS NULL OR j.code = search_plans.project)) AS c
), word AS MATERIALIZED (
	SELECT f.field, athar.field_text(f.field, 'en') AS words, athar.field_text(f.field, 'ar') AS words_ar
	FROM (SELECT DISTINCT c.field FROM change c) AS f
), said AS (
	SELECT v.project_id, v.version, -2 AS place, concat_ws(' ', v.name, v.reason, v.author) AS text
	FROM athar.plan_version v
	WHERE v.project_id = ANY (ARRAY(SELECT j.id FROM athar.project j WHERE search_plans.project IS NULL OR j.code = search_plans.project))
	UNION ALL
	SELECT r.project_id, r.version, -1, concat_ws(' ', r.author, r.note)
	FROM athar.review r
	WHERE r.project_id = ANY (ARRAY(SELECT j.id FROM athar.project j WHERE search_plans.project IS NULL OR j.code = search_plans.project))
	UNION ALL
	SELECT c.project_id, c.version, c.place, concat_ws(' ',
		CASE c.op WHEN 'add' THEN 'added إضافة' WHEN 'remove' THEN 'removed حذف' WHEN 'move' THEN 'moved نقل' ELSE 'changed تغيير' END,
		c.item_id, c.title, c.title_ar, w.words, w.words_ar, c.old #>> '{}', c.new #>> '{}',
		-- what is told otherwise than it is written: names, days
		CASE WHEN c.field IN ('owner', 'service', 'channel', 'status') OR c.field LIKE '%\_on' THEN
			concat_ws(' ', athar.value_text(c.field, c.old, 'en'), athar.value_text(c.field, c.old, 'ar'),
				athar.value_text(c.field, c.new, 'en'), athar.value_text(c.field, c.new, 'ar')) END)
	FROM change c
	LEFT JOIN word w ON w.field = c.field
), found AS MATERIALIZED (
	SELECT t.project_id, t.version, ts_rank(t.words, q.query) AS rank
	FROM (SELECT athar.query_of(search_plans.query) AS query OFFSET 0) AS q
	JOIN (SELECT s.project_id, s.version, athar.words_of(left(string_agg(s.text, ' ' ORDER BY s.place), 200000)) AS words
		FROM said s
		GROUP BY s.project_id, s.version
		OFFSET 0) AS t ON t.words @@ q.query
), told AS (
	-- FULL: every one of them was found, and the two are hashed, however few the planner expects
	SELECT project_id, version, f.rank, s.summary
	FROM found f
	FULL JOIN athar.plan_summaries(ARRAY(SELECT a.project_id FROM found a ORDER BY a.project_id, a.version),
		ARRAY(SELECT a.version FROM found a ORDER BY a.project_id, a.version), search_plans.lang) AS s USING (project_id, version)
)
SELECT j.code::text, v.version, v.name, v.author, v.saved_at, v.reason, athar.summary_text(t.summary, v.parent_version, search_plans.lang), t.rank
FROM told t
JOIN athar.plan_version v ON v.project_id = t.project_id AND v.version = t.version
JOIN athar.project j ON j.id = v.project_id
ORDER BY t.rank DESC, v.saved_at DESC, v.version DESC;
END;
COMMENT ON FUNCTION athar.search_plans(text, text, text) IS
'The versions of plans (of one project; NULL: of all that the caller sees) in which all words of a query are found, best first: in what the version changed (ids, titles, keys and values, in English and in Arabic), its reason, author and name, and in what was said about it. The query is read as query_of() reads it: "in quotes", or, -; Arabic words with or without vowel signs, hamza, article. Of a version the first 200,000 characters are searched. summary is that of plan_history() in the language given (en or ar); rank is ts_rank(). No row where nothing is found, or for a query without words. 42704 for an unknown project, 22023 for an unknown language.
Nothing is stored for it: the time goes with the number of versions searched.';
