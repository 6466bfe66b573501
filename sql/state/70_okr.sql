-- 70 okr: what is wanted

CREATE TABLE athar.cycle (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code athar.code NOT NULL UNIQUE,
	name text NOT NULL,
	name_ar text,
	period daterange NOT NULL,
	time_zone text NOT NULL,
	closed_at timestamptz,
	review_every interval NOT NULL DEFAULT '1 month',
	CONSTRAINT cycle_review_every_check CHECK (review_every BETWEEN interval '1 day' AND interval '10 years'),
	CONSTRAINT cycle_name_check CHECK (btrim(name) <> ''),
	CONSTRAINT cycle_period_check CHECK (NOT isempty(period) AND lower(period) IS NOT NULL AND upper(period) IS NOT NULL
		AND isfinite(lower(period)) AND isfinite(upper(period)))
);
COMMENT ON TABLE athar.cycle IS 'Periods for which goals are set: a year, a quarter';
COMMENT ON COLUMN athar.cycle.id IS 'Internal key; applications use code';
COMMENT ON COLUMN athar.cycle.code IS 'Key chosen by the user';
COMMENT ON COLUMN athar.cycle.name IS 'Name for people';
COMMENT ON COLUMN athar.cycle.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.cycle.period IS 'The days it covers, [from, to)';
COMMENT ON COLUMN athar.cycle.time_zone IS 'The time zone in which it begins and ends';
COMMENT ON COLUMN athar.cycle.closed_at IS 'When it was closed and its grades frozen; NULL while it is open';
COMMENT ON COLUMN athar.cycle.review_every IS 'How often its goals, and the projects whose actions serve them, are to be reviewed';

CREATE TABLE athar.goal (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code athar.code NOT NULL UNIQUE,
	title text NOT NULL,
	title_ar text,
	kind text NOT NULL,
	cycle_id integer,
	parent_id integer,
	unit_id integer,
	kpi_id integer,
	service_id integer,
	channel_id integer,
	target athar.target,
	weight athar.finite NOT NULL DEFAULT 1,
	commitment text NOT NULL DEFAULT 'committed',
	rationale text,
	rationale_ar text,
	published_at timestamptz,
	CONSTRAINT goal_title_check CHECK (btrim(title) <> ''),
	CONSTRAINT goal_kind_check CHECK (kind IN ('policy', 'strategy', 'objective', 'key_result')),
	CONSTRAINT goal_weight_check CHECK (weight >= 0),
	CONSTRAINT goal_commitment_check CHECK (commitment IN ('committed', 'aspirational')),
	CONSTRAINT goal_published_at_check CHECK (published_at IS NULL OR kind = 'key_result' OR coalesce(btrim(rationale), '') <> '')
);
COMMENT ON TABLE athar.goal IS 'Policies, strategies, objectives and key results: one tree';
COMMENT ON COLUMN athar.goal.id IS 'Internal key; applications use code';
COMMENT ON COLUMN athar.goal.code IS 'Key chosen by the user';
COMMENT ON COLUMN athar.goal.title IS 'What is wanted';
COMMENT ON COLUMN athar.goal.title_ar IS 'What is wanted, in Arabic';
COMMENT ON COLUMN athar.goal.kind IS 'policy, strategy, objective or key_result';
COMMENT ON COLUMN athar.goal.cycle_id IS 'The cycle: references cycle(id), checked by trigger';
COMMENT ON COLUMN athar.goal.parent_id IS 'The goal it serves: references goal(id), checked by trigger; loops are refused';
COMMENT ON COLUMN athar.goal.unit_id IS 'The unit that wants it: references unit(id), checked by trigger';
COMMENT ON COLUMN athar.goal.kpi_id IS 'The KPI that measures it: references kpi(id), checked by trigger';
COMMENT ON COLUMN athar.goal.service_id IS 'The service measured: references service(id), checked by trigger';
COMMENT ON COLUMN athar.goal.channel_id IS 'The channel measured: references channel(id), checked by trigger';
COMMENT ON COLUMN athar.goal.target IS 'Start and target of the figure';
COMMENT ON COLUMN athar.goal.weight IS 'Weight among its siblings; 0 is shown and not counted';
COMMENT ON COLUMN athar.goal.commitment IS 'committed (1.0 is success) or aspirational (0.7 is success)';
COMMENT ON COLUMN athar.goal.rationale IS 'Why it is wanted; what is published, other than key results, has one';
COMMENT ON COLUMN athar.goal.rationale_ar IS 'Why it is wanted, in Arabic';
COMMENT ON COLUMN athar.goal.published_at IS 'Since when the public may read it (public_goals); NULL while it may not';
CREATE INDEX goal_cycle_id_idx ON athar.goal (cycle_id);
CREATE INDEX goal_parent_id_idx ON athar.goal (parent_id);
CREATE INDEX goal_unit_id_idx ON athar.goal (unit_id);
CREATE INDEX goal_kpi_id_idx ON athar.goal (kpi_id);
CREATE INDEX goal_service_id_idx ON athar.goal (service_id);
CREATE INDEX goal_channel_id_idx ON athar.goal (channel_id);

CREATE TABLE athar.goal_revision (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	goal_id integer NOT NULL,
	revised_at timestamptz NOT NULL,
	author text NOT NULL,
	reason text NOT NULL,
	parent_id integer,
	kpi_id integer,
	service_id integer,
	channel_id integer,
	target athar.target,
	weight athar.finite NOT NULL,
	commitment text NOT NULL,
	CONSTRAINT goal_revision_reason_check CHECK (btrim(reason) <> '')
);
COMMENT ON TABLE athar.goal_revision IS 'Every revision of a goal: who, when and why, and what it was measured by before; rows are never changed';
COMMENT ON COLUMN athar.goal_revision.id IS 'Internal key';
COMMENT ON COLUMN athar.goal_revision.goal_id IS 'The goal: references goal(id), checked by trigger';
COMMENT ON COLUMN athar.goal_revision.revised_at IS 'When it was revised';
COMMENT ON COLUMN athar.goal_revision.author IS 'Who: athar.actor, or else the database role; frozen as text';
COMMENT ON COLUMN athar.goal_revision.reason IS 'Why';
COMMENT ON COLUMN athar.goal_revision.parent_id IS 'The goal it served before: references goal(id), checked by trigger';
COMMENT ON COLUMN athar.goal_revision.kpi_id IS 'The KPI that measured it before: references kpi(id), checked by trigger';
COMMENT ON COLUMN athar.goal_revision.service_id IS 'The service measured before: references service(id), checked by trigger';
COMMENT ON COLUMN athar.goal_revision.channel_id IS 'The channel measured before: references channel(id), checked by trigger';
COMMENT ON COLUMN athar.goal_revision.target IS 'Its target before';
COMMENT ON COLUMN athar.goal_revision.weight IS 'Its weight before';
COMMENT ON COLUMN athar.goal_revision.commitment IS 'committed or aspirational, before';
CREATE INDEX goal_revision_goal_id_idx ON athar.goal_revision (goal_id, revised_at, id);
CREATE INDEX goal_revision_parent_id_idx ON athar.goal_revision (parent_id);
CREATE INDEX goal_revision_kpi_id_idx ON athar.goal_revision (kpi_id);
CREATE INDEX goal_revision_service_id_idx ON athar.goal_revision (service_id);
CREATE INDEX goal_revision_channel_id_idx ON athar.goal_revision (channel_id);

CREATE TABLE athar.alignment (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	goal_id integer NOT NULL,
	action_id integer NOT NULL,
	share athar.finite NOT NULL DEFAULT 1,
	UNIQUE (goal_id, action_id),
	CONSTRAINT alignment_share_check CHECK (share > 0 AND share <= 1)
);
COMMENT ON TABLE athar.alignment IS 'Which action serves which goal, and with what share of it';
COMMENT ON COLUMN athar.alignment.id IS 'Internal key';
COMMENT ON COLUMN athar.alignment.goal_id IS 'The goal: references goal(id), checked by trigger';
COMMENT ON COLUMN athar.alignment.action_id IS 'The action: references action(id), checked by trigger';
COMMENT ON COLUMN athar.alignment.share IS 'Share of the action that serves this goal, above 0 and at most 1';
CREATE INDEX alignment_action_id_idx ON athar.alignment (action_id);

CREATE TABLE athar.goal_progress (
	goal_id integer NOT NULL,
	rolled_up_at timestamptz NOT NULL,
	value double precision,
	progress double precision,
	coverage double precision NOT NULL,
	PRIMARY KEY (goal_id, rolled_up_at)
);
COMMENT ON TABLE athar.goal_progress IS 'The scheduled rollup''s history, one row per goal and run';
COMMENT ON COLUMN athar.goal_progress.goal_id IS 'The goal: references goal(id), checked by trigger';
COMMENT ON COLUMN athar.goal_progress.rolled_up_at IS 'When the rollup ran';
COMMENT ON COLUMN athar.goal_progress.value IS 'The measured or typed figure at that time; NULL if there was none';
COMMENT ON COLUMN athar.goal_progress.progress IS 'Raw progress (value - start) / (target - start), not clamped, or the mean of the goals below; NULL where nothing is measured';
COMMENT ON COLUMN athar.goal_progress.coverage IS 'Share of the weight below that is measured, 0 to 1';

CREATE TABLE athar.goal_rollup (
	rolled_up_at timestamptz NOT NULL,
	cycle_id integer,
	goals integer NOT NULL,
	written integer NOT NULL,
	UNIQUE NULLS NOT DISTINCT (rolled_up_at, cycle_id)
);
COMMENT ON TABLE athar.goal_rollup IS 'Every run of the rollup: goal_progress has rows of what changed, this tells when nothing had changed and when nobody looked';
COMMENT ON COLUMN athar.goal_rollup.rolled_up_at IS 'When it ran';
COMMENT ON COLUMN athar.goal_rollup.cycle_id IS 'The cycle whose goals it looked at: references cycle(id), checked by trigger; NULL for all goals';
COMMENT ON COLUMN athar.goal_rollup.goals IS 'How many goals it looked at';
COMMENT ON COLUMN athar.goal_rollup.written IS 'How many of them had changed and were written';
CREATE INDEX goal_rollup_cycle_id_idx ON athar.goal_rollup (cycle_id);

CREATE TABLE athar.goal_grade (
	goal_id integer PRIMARY KEY,
	graded_at timestamptz NOT NULL,
	target athar.target,
	value double precision,
	progress double precision,
	coverage double precision NOT NULL,
	status text NOT NULL,
	said_status text,
	first_target athar.target,
	first_progress double precision,
	first_status text NOT NULL,
	CONSTRAINT goal_grade_status_check CHECK (status IN ('achieved', 'missed', 'no_data')),
	CONSTRAINT goal_grade_first_status_check CHECK (first_status IN ('achieved', 'missed', 'no_data'))
);
COMMENT ON TABLE athar.goal_grade IS 'How every goal stood when its cycle was closed; one row per goal, never changed';
COMMENT ON COLUMN athar.goal_grade.goal_id IS 'The goal: references goal(id), checked by trigger';
COMMENT ON COLUMN athar.goal_grade.graded_at IS 'When its cycle was closed';
COMMENT ON COLUMN athar.goal_grade.target IS 'The target it was graded by';
COMMENT ON COLUMN athar.goal_grade.value IS 'Its figure then; NULL if there was none';
COMMENT ON COLUMN athar.goal_grade.progress IS 'Raw progress then, not clamped; NULL where nothing was measured';
COMMENT ON COLUMN athar.goal_grade.coverage IS 'Share of the weight below that was measured, 0 to 1';
COMMENT ON COLUMN athar.goal_grade.status IS 'achieved, missed or no_data';
COMMENT ON COLUMN athar.goal_grade.said_status IS 'The author''s own word then';
COMMENT ON COLUMN athar.goal_grade.first_target IS 'The target with which the goal went into its cycle';
COMMENT ON COLUMN athar.goal_grade.first_progress IS 'Raw progress by the targets and weights with which the goals went into the cycle';
COMMENT ON COLUMN athar.goal_grade.first_status IS 'achieved, missed or no_data by those';
