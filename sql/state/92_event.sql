-- 92 event: thresholds that were crossed, and reminders that were given

CREATE TABLE athar.event (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL,
	kind text NOT NULL,
	kpi_id integer,
	service_id integer,
	channel_id integer,
	goal_id integer,
	yardstick text,
	measured_until date,
	value athar.finite,
	band_from text,
	band_to text,
	threshold athar.finite,
	direction text,
	project_id integer,
	action_id integer,
	due_on date,
	settled_at timestamptz,
	CONSTRAINT event_kind_check CHECK (kind IN ('band', 'target', 'promise', 'review_due', 'review_late', 'never_reviewed', 'uncorrected', 'late')),
	CONSTRAINT event_kind_goal_check CHECK (CASE
		WHEN kind IN ('band', 'target', 'promise') THEN (kind = 'band') = (goal_id IS NULL)
			AND num_nulls(yardstick, measured_until, value, band_to) = 0
			AND num_nonnulls(project_id, action_id, due_on, settled_at) = 0
		ELSE num_nonnulls(goal_id, project_id) = 1
			AND (kind = 'late') = (action_id IS NOT NULL)
			AND due_on IS NOT NULL
			AND num_nonnulls(kpi_id, service_id, channel_id, yardstick, measured_until, value, band_from, band_to, threshold, direction) = 0 END),
	CONSTRAINT event_direction_check CHECK (direction IN ('better', 'worse')),
	CONSTRAINT event_crossing_check CHECK (num_nulls(band_from, threshold, direction) IN (0, 3) AND band_from <> band_to)
);
COMMENT ON TABLE athar.event IS 'Where every figure that is watched was first found, and every threshold it crossed since, written by record_events(); and what record_reminders() reminded of. Only settled_at is ever changed. Read through the view events. Not in the change log: what it is made from is';
COMMENT ON COLUMN athar.event.id IS 'Internal key, in the order in which they were noticed';
COMMENT ON COLUMN athar.event.at IS 'When it was noticed';
COMMENT ON COLUMN athar.event.kind IS 'band: a KPI and its bands; target: a goal and its target; promise: the same of a published goal; review_due and those of the view overdue: a reminder';
COMMENT ON COLUMN athar.event.kpi_id IS 'What was measured: references kpi(id), checked by trigger; NULL for a goal measured by check-ins, and for a reminder';
COMMENT ON COLUMN athar.event.service_id IS 'The service: references service(id), checked by trigger; NULL for the whole';
COMMENT ON COLUMN athar.event.channel_id IS 'The channel a goal looks at: references channel(id), checked by trigger; NULL for all together';
COMMENT ON COLUMN athar.event.goal_id IS 'The goal: references goal(id), checked by trigger; NULL for bands, projects and actions';
COMMENT ON COLUMN athar.event.yardstick IS 'The bands or the target it was judged by; under another one it is first found anew; NULL for a reminder';
COMMENT ON COLUMN athar.event.measured_until IS 'Last day of what the figure covers; NULL for a reminder';
COMMENT ON COLUMN athar.event.value IS 'The figure; NULL for a reminder';
COMMENT ON COLUMN athar.event.band_from IS 'Where it was before: code of the band, met or not_met; NULL where it was first found, which is no crossing';
COMMENT ON COLUMN athar.event.band_to IS 'Where it is from then on; NULL for a reminder';
COMMENT ON COLUMN athar.event.threshold IS 'The figure that was crossed: the end of the band entered on the side it came from, or the target';
COMMENT ON COLUMN athar.event.direction IS 'better or worse';
COMMENT ON COLUMN athar.event.project_id IS 'The project that is to be reviewed, or has the action: references project(id), checked by trigger; NULL for all else';
COMMENT ON COLUMN athar.event.action_id IS 'The action that is late: references action(id), checked by trigger; NULL for all else';
COMMENT ON COLUMN athar.event.due_on IS 'Of a reminder: the day by which it was to be done';
COMMENT ON COLUMN athar.event.settled_at IS 'Of a reminder: when it was first found to be so no longer; NULL until then';
-- One crossing of one period is noticed once, whoever looks how often. The
-- yardstick is hashed, because bands have names of any number and length.
CREATE UNIQUE INDEX event_crossing_key ON athar.event
	(kpi_id, service_id, channel_id, goal_id, measured_until, md5(yardstick), band_from, band_to) NULLS NOT DISTINCT
	WHERE due_on IS NULL;
-- One reminder of one thing, until it is settled.
CREATE UNIQUE INDEX event_reminder_key ON athar.event (kind, goal_id, project_id, action_id) NULLS NOT DISTINCT
	WHERE due_on IS NOT NULL AND settled_at IS NULL;
-- the newest event of a series, by the expressions with which crossings() asks for it
CREATE INDEX event_series_idx ON athar.event
	(coalesce(goal_id, 0), coalesce(kpi_id, 0), coalesce(service_id, 0), coalesce(channel_id, 0), id);
CREATE INDEX event_goal_id_idx ON athar.event (goal_id);
CREATE INDEX event_service_id_idx ON athar.event (service_id);
CREATE INDEX event_channel_id_idx ON athar.event (channel_id);
CREATE INDEX event_project_id_idx ON athar.event (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX event_action_id_idx ON athar.event (action_id) WHERE action_id IS NOT NULL;
