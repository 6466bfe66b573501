-- 92 event: thresholds that were crossed

CREATE TABLE athar.event (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL,
	kind text NOT NULL,
	kpi_id integer,
	service_id integer,
	channel_id integer,
	goal_id integer,
	yardstick text NOT NULL,
	measured_until date NOT NULL,
	value athar.finite NOT NULL,
	band_from text,
	band_to text NOT NULL,
	threshold athar.finite,
	direction text,
	CONSTRAINT event_kind_check CHECK (kind IN ('band', 'target', 'promise')),
	CONSTRAINT event_kind_goal_check CHECK ((kind = 'band') = (goal_id IS NULL)),
	CONSTRAINT event_direction_check CHECK (direction IN ('better', 'worse')),
	CONSTRAINT event_crossing_check CHECK (num_nulls(band_from, threshold, direction) IN (0, 3) AND band_from <> band_to)
);
COMMENT ON TABLE athar.event IS 'Where every figure that is watched was first found, and every threshold it crossed since; append-only, written by record_events(), read through the view events. Not in the change log: the figures it is made from are';
COMMENT ON COLUMN athar.event.id IS 'Internal key, in the order in which they were noticed';
COMMENT ON COLUMN athar.event.at IS 'When it was noticed';
COMMENT ON COLUMN athar.event.kind IS 'band: a KPI and its bands; target: a goal and its target; promise: the same of a published goal';
COMMENT ON COLUMN athar.event.kpi_id IS 'What was measured: references kpi(id), checked by trigger; NULL for a goal measured by check-ins';
COMMENT ON COLUMN athar.event.service_id IS 'The service: references service(id), checked by trigger; NULL for the whole';
COMMENT ON COLUMN athar.event.channel_id IS 'The channel a goal looks at: references channel(id), checked by trigger; NULL for all together';
COMMENT ON COLUMN athar.event.goal_id IS 'The goal: references goal(id), checked by trigger; NULL for bands';
COMMENT ON COLUMN athar.event.yardstick IS 'The bands or the target it was judged by; under another one it is first found anew';
COMMENT ON COLUMN athar.event.measured_until IS 'Last day of what the figure covers';
COMMENT ON COLUMN athar.event.value IS 'The figure';
COMMENT ON COLUMN athar.event.band_from IS 'Where it was before: code of the band, met or not_met; NULL where it was first found, which is no crossing';
COMMENT ON COLUMN athar.event.band_to IS 'Where it is from then on';
COMMENT ON COLUMN athar.event.threshold IS 'The figure that was crossed: the end of the band entered on the side it came from, or the target';
COMMENT ON COLUMN athar.event.direction IS 'better or worse';
-- One crossing of one period is noticed once, whoever looks how often. The
-- yardstick is hashed, because bands have names of any number and length.
CREATE UNIQUE INDEX event_crossing_key ON athar.event
	(kpi_id, service_id, channel_id, goal_id, measured_until, md5(yardstick), band_from, band_to) NULLS NOT DISTINCT;
-- the newest event of a series, by the expressions with which crossings() asks for it
CREATE INDEX event_series_idx ON athar.event
	(coalesce(goal_id, 0), coalesce(kpi_id, 0), coalesce(service_id, 0), coalesce(channel_id, 0), id);
CREATE INDEX event_goal_id_idx ON athar.event (goal_id);
CREATE INDEX event_service_id_idx ON athar.event (service_id);
CREATE INDEX event_channel_id_idx ON athar.event (channel_id);
