-- 53 review: what people say of plans; versions found by what was said

CREATE OR REPLACE FUNCTION athar.record_review(project text, note text, kind text DEFAULT 'comment', action text DEFAULT NULL, version integer DEFAULT NULL,
	reply_to integer DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT athar.fail('22023', 'a project is required', 'Nothing was recorded.', 'Pass the code of the project it is about.')
WHERE record_review.project IS NULL;
SELECT athar.fail('22023', 'nothing is said', 'Nothing was recorded.', 'Say it in the argument note.')
WHERE coalesce(record_review.note, '') !~ '[^[:space:]]';
SELECT athar.fail('22023', 'unknown kind ' || coalesce(athar.quoted(record_review.kind), 'NULL'), 'Nothing was recorded.',
	'Kinds are comment, decision, review and retrospective; check_in() is for goals.')
WHERE coalesce(record_review.kind NOT IN ('comment', 'decision', 'review', 'retrospective'), true);
SELECT athar.check_version(record_review.project, record_review.version);
-- who is consulted or informed comments
SELECT athar.writable_project(record_review.project)
WHERE record_review.kind = 'decision';
SELECT athar.missing('action', format('%s" of project "%s', record_review.action, record_review.project), 'save_plan()')
WHERE record_review.action IS NOT NULL AND NOT EXISTS (SELECT FROM athar.action a
	JOIN athar.project j ON j.id = a.project_id
	WHERE j.code = record_review.project AND a.item_id = record_review.action);
SELECT athar.fail('42704', 'nothing of number ' || record_review.reply_to || ' was said about project ' || athar.quoted(record_review.project),
	'Nothing was recorded.', 'Answer what the view reviews lists of this project.')
WHERE record_review.reply_to IS NOT NULL AND NOT EXISTS (SELECT FROM athar.review r
	JOIN athar.project j ON j.id = r.project_id
	WHERE r.id = record_review.reply_to AND j.code = record_review.project);
INSERT INTO athar.review (kind, project_id, action_id, version, reply_id, note, author, reviewed_at)
SELECT record_review.kind, j.id, a.id, coalesce(record_review.version, j.head_version), record_review.reply_to, record_review.note,
	athar.current_actor(), clock_timestamp()
FROM athar.project j
LEFT JOIN athar.action a ON a.project_id = j.id AND a.item_id = record_review.action
WHERE j.code = record_review.project
RETURNING id;
END;
COMMENT ON FUNCTION athar.record_review(text, text, text, text, integer, integer) IS
'Records what somebody says about a project''s plan, or about one action of it, and returns its number: note, the words; kind: comment, decision, review or retrospective; version: the version of the plan he had before him (NULL: the newest); reply_to: the number of what it answers. The author is current_actor(), frozen as text. What was said is not rewritten or taken away: there is no function that does; answer it.
Errors: 22023 without project or note, for an unknown kind and for a version the plan does not have; 42704 for an unknown project, for an action its plan never had, and where reply_to was not said about this project; AT005 for a decision by who may not write the plan.';

CREATE OR REPLACE VIEW athar.reviews WITH (security_invoker = true) AS
SELECT r.id AS review, r.kind, j.code::text AS project, a.item_id AS action, r.version, r.reply_id AS reply_to, r.note, r.author, r.reviewed_at,
	a.title AS action_title, a.title_ar AS action_title_ar, a.removed_in_version IS NOT NULL AS is_action_removed
FROM athar.review r
JOIN athar.project j ON j.id = r.project_id
LEFT JOIN athar.action a ON a.id = r.action_id;
COMMENT ON VIEW athar.reviews IS 'What people said about projects and their actions, one row each; okr_status tells what was said of goals';
COMMENT ON COLUMN athar.reviews.review IS 'Its number';
COMMENT ON COLUMN athar.reviews.kind IS 'comment, decision, review, retrospective or recognition';
COMMENT ON COLUMN athar.reviews.project IS 'Code of the project';
COMMENT ON COLUMN athar.reviews.action IS 'Id of the action it is about; NULL for the plan as a whole';
COMMENT ON COLUMN athar.reviews.version IS 'The version of the plan its author had before him';
COMMENT ON COLUMN athar.reviews.reply_to IS 'Number of what it answers';
COMMENT ON COLUMN athar.reviews.note IS 'In words';
COMMENT ON COLUMN athar.reviews.author IS 'Who said it';
COMMENT ON COLUMN athar.reviews.reviewed_at IS 'When';
COMMENT ON COLUMN athar.reviews.action_title IS 'What the action does, as the plan says it today';
COMMENT ON COLUMN athar.reviews.action_title_ar IS 'The same in Arabic';
COMMENT ON COLUMN athar.reviews.is_action_removed IS 'True where the plan has the action no more';

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
