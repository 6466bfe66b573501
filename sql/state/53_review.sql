-- 53 review: what people said of plans, actions and goals

CREATE TABLE athar.review (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kind text NOT NULL DEFAULT 'check_in',
	goal_id integer,
	project_id integer,
	action_id integer,
	version integer,
	reply_id integer,
	value athar.finite,
	confidence athar.finite,
	said_status text,
	note text,
	form text,
	author text NOT NULL,
	reviewed_at timestamptz NOT NULL,
	CONSTRAINT review_kind_check CHECK (kind IN ('check_in', 'review', 'retrospective', 'recognition', 'comment', 'decision')),
	CONSTRAINT review_subject_check CHECK (num_nonnulls(goal_id, project_id, action_id) >= 1),
	CONSTRAINT review_version_check CHECK (version IS NULL OR version > 0 AND project_id IS NOT NULL),
	CONSTRAINT review_note_check CHECK (note ~ '[^[:space:]]' OR kind NOT IN ('comment', 'decision')),
	CONSTRAINT review_form_check CHECK ((kind = 'recognition') = (form IS NOT NULL)),
	CONSTRAINT review_form_known_check CHECK (form IN ('person', 'team', 'reward')),
	CONSTRAINT review_confidence_check CHECK (confidence >= 0 AND confidence <= 1),
	CONSTRAINT review_said_status_check CHECK (said_status IN ('on_track', 'caution', 'off_track', 'achieved', 'missed')),
	CONSTRAINT review_reviewed_at_check CHECK (isfinite(reviewed_at))
);
COMMENT ON TABLE athar.review IS 'Comments, decisions, check-ins, reviews, retrospectives and recognitions: what people said, and when. Nobody rewrites what was said: who thinks otherwise now answers it';
COMMENT ON COLUMN athar.review.id IS 'Internal key';
COMMENT ON COLUMN athar.review.kind IS 'check_in, review, retrospective, recognition, comment or decision';
COMMENT ON COLUMN athar.review.goal_id IS 'The goal it is about: references goal(id), checked by trigger';
COMMENT ON COLUMN athar.review.project_id IS 'The project it is about: references project(id), checked by trigger';
COMMENT ON COLUMN athar.review.action_id IS 'The action it is about: references action(id), checked by trigger';
COMMENT ON COLUMN athar.review.version IS 'The version of the project''s plan its author had before him; NULL where it is about none';
COMMENT ON COLUMN athar.review.reply_id IS 'What it answers: references review(id), checked by trigger';
COMMENT ON COLUMN athar.review.value IS 'A typed value, for goals that no KPI measures; of a recognition the goal''s figure, or the change of satisfaction';
COMMENT ON COLUMN athar.review.confidence IS 'How sure its author is to reach the goal, 0 to 1';
COMMENT ON COLUMN athar.review.said_status IS 'The author''s own word beside the computed status';
COMMENT ON COLUMN athar.review.note IS 'In words';
COMMENT ON COLUMN athar.review.form IS 'Of a recognition its form: person, team or reward; what a rollup raises is the team''s, and has no note. NULL for all else';
COMMENT ON COLUMN athar.review.author IS 'Who: athar.actor, or else the database role; frozen as text';
COMMENT ON COLUMN athar.review.reviewed_at IS 'The moment it speaks of';
-- what a rollup raises it raises once; people may thank more than once
CREATE UNIQUE INDEX review_recognition_idx ON athar.review (goal_id, action_id) NULLS NOT DISTINCT WHERE kind = 'recognition' AND note IS NULL;
CREATE INDEX review_goal_id_idx ON athar.review (goal_id, reviewed_at);
CREATE INDEX review_project_id_idx ON athar.review (project_id, version);
CREATE INDEX review_action_id_idx ON athar.review (action_id);
CREATE INDEX review_reply_id_idx ON athar.review (reply_id);
