-- 70 review: what people say of plans and goals

CREATE OR REPLACE FUNCTION athar.record_review(project text, note text, kind text DEFAULT 'comment', action text DEFAULT NULL, version integer DEFAULT NULL,
	reply_to integer DEFAULT NULL, goal text DEFAULT NULL, form text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
SELECT athar.fail('22023', 'a project or a goal is required', 'Nothing was recorded.', 'Pass the code of what it is about.')
WHERE num_nonnulls(record_review.project, record_review.goal) = 0;
SELECT athar.fail('22023', 'an action or a version is one of a project', 'Nothing was recorded.', 'Pass the code of the project, too.')
WHERE record_review.project IS NULL AND num_nonnulls(record_review.action, record_review.version) > 0;
SELECT athar.fail('22023', 'nothing is said', 'Nothing was recorded.', 'Say it in the argument note.')
WHERE coalesce(record_review.note, '') !~ '[^[:space:]]';
SELECT athar.fail('22023', 'unknown kind ' || coalesce(athar.quoted(record_review.kind), 'NULL'), 'Nothing was recorded.',
	'Kinds are comment, decision, review, retrospective and recognition; check_in() takes figures of goals.')
WHERE coalesce(record_review.kind NOT IN ('comment', 'decision', 'review', 'retrospective', 'recognition'), true);
SELECT athar.fail('22023', 'a recognition needs a form', 'Nothing was recorded.', 'Forms are person, team and reward.')
WHERE record_review.kind = 'recognition' AND coalesce(record_review.form NOT IN ('person', 'team', 'reward'), true);
SELECT athar.fail('22023', format('a %s has no form', record_review.kind), 'Nothing was recorded.', 'Pass kind => ''recognition'', or leave the form out.')
WHERE record_review.kind <> 'recognition' AND record_review.form IS NOT NULL;
SELECT athar.check_version(record_review.project, record_review.version);
-- who is consulted or informed comments
SELECT athar.writable_project(record_review.project)
WHERE record_review.kind = 'decision';
SELECT athar.missing('goal', record_review.goal, 'create_goal()')
WHERE record_review.goal IS NOT NULL AND NOT EXISTS (SELECT FROM athar.goal g WHERE g.code = record_review.goal);
SELECT athar.check_goal_writer(record_review.goal, 'contribute')
WHERE record_review.kind IN ('decision', 'review', 'retrospective');
-- the public reads it
SELECT athar.fail('AT005', format('role "%s" may not recognise anybody in public', athar.caller()), 'Nothing was recorded. That is for level manage, for the unit whose project or goal it is.',
	'Ask one who manages that unit; anybody may say it in a comment.')
FROM (VALUES (record_review.project, record_review.goal)) AS s (project, goal)
LEFT JOIN athar.project j ON j.code = s.project
LEFT JOIN athar.goal g ON g.code = s.goal
WHERE record_review.kind = 'recognition'
	AND NOT athar.is_unlimited(athar.caller(), 'manage')
	AND NOT coalesce(coalesce(j.unit_id, g.unit_id) IN (SELECT h.id FROM athar.held_units(athar.caller(), 'manage') AS h (id)), false);
SELECT athar.missing('action', format('%s" of project "%s', record_review.action, record_review.project), 'save_plan()')
WHERE record_review.action IS NOT NULL AND NOT EXISTS (SELECT FROM athar.action a
	JOIN athar.project j ON j.id = a.project_id
	WHERE j.code = record_review.project AND a.item_id = record_review.action);
SELECT athar.fail('42704', 'nothing of number ' || record_review.reply_to || ' was said about '
		|| concat_ws(' or ', 'project ' || athar.quoted(record_review.project), 'goal ' || athar.quoted(record_review.goal)),
	'Nothing was recorded.', 'Answer what the view reviews lists of it.')
WHERE record_review.reply_to IS NOT NULL AND NOT EXISTS (SELECT FROM athar.review r
	LEFT JOIN athar.project j ON j.id = r.project_id
	LEFT JOIN athar.goal g ON g.id = r.goal_id
	WHERE r.id = record_review.reply_to AND (j.code = record_review.project OR g.code = record_review.goal)
		AND (r.project_id IS NULL OR athar.sees_project(r.project_id)));
INSERT INTO athar.review (kind, goal_id, project_id, action_id, version, reply_id, note, form, author, reviewed_at)
SELECT record_review.kind, g.id, j.id, a.id, coalesce(record_review.version, j.head_version), record_review.reply_to, record_review.note, record_review.form,
	athar.current_actor(), clock_timestamp()
FROM (VALUES (record_review.project, record_review.goal)) AS s (project, goal)
LEFT JOIN athar.project j ON j.code = s.project
LEFT JOIN athar.goal g ON g.code = s.goal
LEFT JOIN athar.action a ON a.project_id = j.id AND a.item_id = record_review.action
RETURNING id;
END;
COMMENT ON FUNCTION athar.record_review(text, text, text, text, integer, integer, text, text) IS
'Records what somebody says about a project''s plan, about one action of it, or about a goal, and returns its number: note, the words; kind: comment, decision, review, retrospective or recognition; version: the version of the plan he had before him (NULL: the newest); reply_to: the number of what it answers; goal: the code of a goal (project may then be NULL); form: of a recognition, whom or what it is: person, team or reward. A decision that names a goal and an action says that the action corrects the goal (see overdue); a recognition is shown to the public (see recognitions). The author is current_actor(), frozen as text. What was said is not rewritten or taken away: there is no function that does; answer it.
Errors: 22023 without project and goal or without note, for an action or a version without project, an unknown kind, a recognition without form or with another, a form of anything else, and a version the plan does not have; 42704 for an unknown project or goal, for an action its plan never had, and where reply_to was said about neither, or about a project that the caller may not see; AT005 for a decision by who may not write the plan, for a decision, review or retrospective by who may not write about the goal (as check_in()), and for a recognition by who does not hold level manage for the project''s unit, or for the goal''s.';

CREATE OR REPLACE VIEW athar.reviews WITH (security_invoker = true) AS
SELECT r.id AS review, r.kind, j.code::text AS project, a.item_id AS action, r.version, r.reply_id AS reply_to, r.note, r.author, r.reviewed_at,
	a.title AS action_title, a.title_ar AS action_title_ar, a.removed_in_version IS NOT NULL AS is_action_removed,
	g.code::text AS goal, r.value::double precision AS value, r.confidence::double precision AS confidence, r.said_status, r.form
FROM athar.review r
LEFT JOIN athar.project j ON j.id = r.project_id
LEFT JOIN athar.goal g ON g.id = r.goal_id
LEFT JOIN athar.action a ON a.id = r.action_id;
COMMENT ON VIEW athar.reviews IS 'What people said about projects, their actions and goals, and what was recognised, one row each';
COMMENT ON COLUMN athar.reviews.review IS 'Its number';
COMMENT ON COLUMN athar.reviews.kind IS 'comment, decision, check_in, review, retrospective or recognition';
COMMENT ON COLUMN athar.reviews.project IS 'Code of the project; NULL where it is about a goal alone';
COMMENT ON COLUMN athar.reviews.action IS 'Id of the action it is about; NULL for the plan or the goal as a whole';
COMMENT ON COLUMN athar.reviews.version IS 'The version of the plan its author had before him';
COMMENT ON COLUMN athar.reviews.reply_to IS 'Number of what it answers';
COMMENT ON COLUMN athar.reviews.note IS 'In words';
COMMENT ON COLUMN athar.reviews.author IS 'Who said it';
COMMENT ON COLUMN athar.reviews.reviewed_at IS 'When';
COMMENT ON COLUMN athar.reviews.action_title IS 'What the action does, as the plan says it today';
COMMENT ON COLUMN athar.reviews.action_title_ar IS 'The same in Arabic';
COMMENT ON COLUMN athar.reviews.is_action_removed IS 'True where the plan has the action no more';
COMMENT ON COLUMN athar.reviews.goal IS 'Code of the goal it is about';
COMMENT ON COLUMN athar.reviews.value IS 'The figure it gave; of a recognition the goal''s figure, or the change of satisfaction';
COMMENT ON COLUMN athar.reviews.confidence IS 'How sure its author was to reach the goal, 0 to 1';
COMMENT ON COLUMN athar.reviews.said_status IS 'The author''s own word for how the goal stands';
COMMENT ON COLUMN athar.reviews.form IS 'Of a recognition: person, team or reward';
