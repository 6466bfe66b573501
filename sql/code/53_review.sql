-- 53 review: versions found by what was said

CREATE OR REPLACE FUNCTION athar.search_plans(query text, project text DEFAULT NULL, lang text DEFAULT 'en')
RETURNS TABLE (project text, version integer, name text, author text, saved_at timestamptz, reason text, summary text, rank real)
LANGUAGE SQL STABLE PARALLEL SAFE
SET jit = off
BEGIN ATOMIC
SELECT athar.check_language(search_plans.lang);
SELECT athar.project_id(search_plans.project);
WITH change AS (
	SELECT j.id AS project_id, c.version, c.item_id, c.field, c.op, c.old, c.new, c.title, c.title_ar
	FROM athar.project j
	CROSS JOIN LATERAL athar.plan_changes(j.id) AS c
	WHERE search_plans.project IS NULL OR j.code = search_plans.project
), word AS MATERIALIZED (
	SELECT f.field, athar.field_text(f.field, 'en') AS words, athar.field_text(f.field, 'ar') AS words_ar
	FROM (SELECT DISTINCT c.field FROM change c) AS f
), said AS (
	SELECT c.project_id, c.version, string_agg(concat_ws(' ',
		CASE c.op WHEN 'add' THEN 'added إضافة' WHEN 'remove' THEN 'removed حذف' WHEN 'move' THEN 'moved نقل' ELSE 'changed تغيير' END,
		c.item_id, c.title, c.title_ar, w.words, w.words_ar, c.old #>> '{}', c.new #>> '{}',
		-- what is told otherwise than it is written: names, days
		CASE WHEN c.field IN ('owner', 'service', 'channel', 'status') OR c.field LIKE '%\_on' THEN
			concat_ws(' ', athar.value_text(c.field, c.old, 'en'), athar.value_text(c.field, c.old, 'ar'),
				athar.value_text(c.field, c.new, 'en'), athar.value_text(c.field, c.new, 'ar')) END), ' ') AS text
	FROM change c
	LEFT JOIN word w ON w.field = c.field
	GROUP BY c.project_id, c.version
), question AS MATERIALIZED (
	SELECT athar.query_of(search_plans.query) AS query
), found AS MATERIALIZED (
	SELECT j.code::text AS project, v.version, v.name, v.author, v.saved_at, v.reason, ts_rank(d.words, q.query) AS rank
	FROM athar.plan_version v
	JOIN athar.project j ON j.id = v.project_id
	CROSS JOIN question q
	LEFT JOIN said s ON s.project_id = v.project_id AND s.version = v.version
	CROSS JOIN LATERAL (SELECT athar.words_of(left(concat_ws(' ', v.name, v.reason, v.author,
		(SELECT string_agg(concat_ws(' ', r.author, r.note), ' ')
		FROM athar.review r
		WHERE r.project_id = v.project_id AND r.version = v.version), s.text), 200000)) AS words OFFSET 0) AS d
	WHERE (search_plans.project IS NULL OR j.code = search_plans.project) AND d.words @@ q.query
)
SELECT f.project, f.version, f.name, f.author, f.saved_at, f.reason, h.summary, f.rank
FROM (SELECT DISTINCT f.project FROM found f) AS p
CROSS JOIN LATERAL athar.plan_history(p.project, search_plans.lang) AS h
JOIN found f ON f.project = p.project AND f.version = h.version
ORDER BY f.rank DESC, f.saved_at DESC, f.version DESC;
END;
COMMENT ON FUNCTION athar.search_plans(text, text, text) IS
'The versions of plans (of one project; NULL: of all that the caller sees) in which all words of a query are found, best first: in what the version changed (ids, titles, keys and values, in English and in Arabic), its reason, author and name, and in what was said about it. The query is read as query_of() reads it: "in quotes", or, -; Arabic words with or without vowel signs, hamza, article. Of a version the first 200,000 characters are searched. summary is that of plan_history() in the language given (en or ar); rank is ts_rank(). No row where nothing is found, or for a query without words. 42704 for an unknown project, 22023 for an unknown language.
Nothing is stored for it: the time goes with the number of versions searched.';
