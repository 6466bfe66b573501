-- 70 okr: what is wanted

CREATE TABLE athar.cycle (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code athar.code NOT NULL UNIQUE,
	name text NOT NULL,
	name_ar text,
	period daterange NOT NULL,
	time_zone text NOT NULL,
	closed_at timestamptz,
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
	CONSTRAINT goal_title_check CHECK (btrim(title) <> ''),
	CONSTRAINT goal_kind_check CHECK (kind IN ('policy', 'strategy', 'objective', 'key_result')),
	CONSTRAINT goal_weight_check CHECK (weight >= 0),
	CONSTRAINT goal_commitment_check CHECK (commitment IN ('committed', 'aspirational'))
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
COMMENT ON COLUMN athar.goal.rationale IS 'Why it is wanted';
CREATE INDEX goal_cycle_id_idx ON athar.goal (cycle_id);
CREATE INDEX goal_parent_id_idx ON athar.goal (parent_id);
CREATE INDEX goal_unit_id_idx ON athar.goal (unit_id);
CREATE INDEX goal_kpi_id_idx ON athar.goal (kpi_id);
CREATE INDEX goal_service_id_idx ON athar.goal (service_id);
CREATE INDEX goal_channel_id_idx ON athar.goal (channel_id);

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
