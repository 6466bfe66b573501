-- 40 kpi: what is measured

CREATE DOMAIN athar.finite AS double precision
	CONSTRAINT finite_check CHECK (VALUE > '-Infinity' AND VALUE < 'Infinity');
COMMENT ON DOMAIN athar.finite IS 'A number that is neither infinite nor NaN';

CREATE TABLE athar.kpi (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code athar.code NOT NULL UNIQUE,
	name text NOT NULL,
	name_ar text,
	unit_of_measure text NOT NULL,
	direction text NOT NULL,
	kind text NOT NULL DEFAULT 'mean',
	smallest_change athar.finite,
	desired_value athar.finite,
	time_limit interval,
	time_zone text NOT NULL,
	description text,
	CONSTRAINT kpi_name_check CHECK (btrim(name) <> ''),
	CONSTRAINT kpi_direction_check CHECK (direction IN ('up', 'down', 'target')),
	CONSTRAINT kpi_desired_value_check CHECK ((direction = 'target') = (desired_value IS NOT NULL)),
	CONSTRAINT kpi_kind_check CHECK (kind IN ('mean', 'sum', 'ratio', 'likert', 'share_within')),
	CONSTRAINT kpi_time_limit_check CHECK ((kind = 'share_within') = (time_limit IS NOT NULL)),
	CONSTRAINT kpi_smallest_change_check CHECK (smallest_change >= 0)
);
COMMENT ON TABLE athar.kpi IS 'Key performance indicators: what is measured and which way is better';
COMMENT ON COLUMN athar.kpi.id IS 'Internal key; applications use code';
COMMENT ON COLUMN athar.kpi.code IS 'Key chosen by the user';
COMMENT ON COLUMN athar.kpi.name IS 'Name for people';
COMMENT ON COLUMN athar.kpi.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.kpi.unit_of_measure IS 'Unit of the figure (days, GBP, share)';
COMMENT ON COLUMN athar.kpi.direction IS 'Which way is better: up, down, or target (nearer to desired_value)';
COMMENT ON COLUMN athar.kpi.kind IS 'How values become a figure: mean, sum, ratio (numerator over denominator), likert (mean of what people answer), share_within (share of durations within time_limit)';
COMMENT ON COLUMN athar.kpi.smallest_change IS 'The smallest change that matters, in the KPI''s unit; NULL where any change matters';
COMMENT ON COLUMN athar.kpi.desired_value IS 'The value to be near to, where direction is target';
COMMENT ON COLUMN athar.kpi.time_limit IS 'The limit of a share_within KPI; a duration equal to it counts as within. Its values are seconds';
COMMENT ON COLUMN athar.kpi.time_zone IS 'The time zone in which its days are cut';
COMMENT ON COLUMN athar.kpi.description IS 'What exactly is counted, for the reader of a report';

CREATE TABLE athar.observation (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kpi_id integer NOT NULL,
	service_id integer,
	channel_id integer,
	stage_id integer,
	value athar.finite NOT NULL,
	denominator athar.finite,
	observed_at timestamptz NOT NULL,
	CONSTRAINT observation_observed_at_check CHECK (observed_at >= '0001-01-01 00:00:00+00' AND observed_at < '10000-01-01 00:00:00+00'),
	CONSTRAINT observation_denominator_check CHECK (denominator > 0)
);
COMMENT ON TABLE athar.observation IS 'Single values as they were observed; written through the view observations or record_observation()';
COMMENT ON COLUMN athar.observation.id IS 'Internal key';
COMMENT ON COLUMN athar.observation.kpi_id IS 'What was measured: references kpi(id), checked by trigger';
COMMENT ON COLUMN athar.observation.service_id IS 'The service: references service(id), checked by trigger; NULL for the whole';
COMMENT ON COLUMN athar.observation.channel_id IS 'The channel: references channel(id), checked by trigger; NULL where it is not known';
COMMENT ON COLUMN athar.observation.stage_id IS 'The stage: references stage(id), checked by trigger; NULL where it is not known';
COMMENT ON COLUMN athar.observation.value IS 'The value in the KPI''s unit; seconds for a share_within KPI; the numerator for a ratio KPI';
COMMENT ON COLUMN athar.observation.denominator IS 'The denominator of a ratio KPI; NULL counts as 1';
COMMENT ON COLUMN athar.observation.observed_at IS 'When it was observed';
CREATE INDEX observation_series_idx ON athar.observation (kpi_id, service_id, observed_at);

CREATE TYPE athar.series_range AS RANGE (subtype = text, collation = "C", multirange_type_name = athar.series_multirange);
COMMENT ON TYPE athar.series_range IS 'One series as a range of one point, so that an exclusion constraint can compare it without a further extension';

CREATE FUNCTION athar.series_of(kpi_id integer, service_id integer, channel_id integer, stage_id integer, basis text)
RETURNS athar.series_range
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN athar.series_range(
	kpi_id::text || '/' || coalesce(service_id::text, '') || '/' || coalesce(channel_id::text, '') || '/' || coalesce(stage_id::text, '') || '/' || coalesce(basis, ''),
	kpi_id::text || '/' || coalesce(service_id::text, '') || '/' || coalesce(channel_id::text, '') || '/' || coalesce(stage_id::text, '') || '/' || coalesce(basis, ''),
	'[]');
COMMENT ON FUNCTION athar.series_of(integer, integer, integer, integer, text) IS
'The series a measurement belongs to, as a range of one point; a NULL part is a part of its own, and an absent basis is the empty basis.';

CREATE TABLE athar.measurement (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kpi_id integer NOT NULL,
	service_id integer,
	channel_id integer,
	stage_id integer,
	basis text,
	period daterange NOT NULL,
	summary athar.summary,
	numerator athar.finite,
	denominator athar.finite,
	origin text NOT NULL DEFAULT 'reported',
	source text,
	CONSTRAINT measurement_origin_check CHECK (origin IN ('reported', 'observed')),
	CONSTRAINT measurement_period_check CHECK (NOT isempty(period) AND lower(period) IS NOT NULL AND upper(period) IS NOT NULL
		AND isfinite(lower(period)) AND isfinite(upper(period))),
	CONSTRAINT measurement_figure_check CHECK (summary IS NOT NULL OR denominator IS NOT NULL),
	CONSTRAINT measurement_denominator_check CHECK (denominator > 0),
	CONSTRAINT measurement_ratio_check CHECK ((numerator IS NULL) = (denominator IS NULL)),
	CONSTRAINT measurement_period_excl EXCLUDE USING gist
		(athar.series_of(kpi_id, service_id, channel_id, stage_id, basis) WITH &&, period WITH &&) WHERE (origin = 'reported')
);
COMMENT ON TABLE athar.measurement IS 'Mergeable summaries, one per KPI, service, stage, channel, basis and period: reported from elsewhere, or made from observations';
COMMENT ON COLUMN athar.measurement.id IS 'Internal key';
COMMENT ON COLUMN athar.measurement.kpi_id IS 'What was measured: references kpi(id), checked by trigger';
COMMENT ON COLUMN athar.measurement.service_id IS 'The service: references service(id), checked by trigger; NULL for the whole';
COMMENT ON COLUMN athar.measurement.channel_id IS 'The channel: references channel(id), checked by trigger; NULL for all channels together';
COMMENT ON COLUMN athar.measurement.stage_id IS 'The stage: references stage(id), checked by trigger; NULL for the whole journey';
COMMENT ON COLUMN athar.measurement.basis IS 'How the period is cut (quarter, year to June); figures of one series may overlap only across bases';
COMMENT ON COLUMN athar.measurement.period IS 'The days it covers, [from, to)';
COMMENT ON COLUMN athar.measurement.summary IS 'The values, summarised; for a ratio or a share over countable units a summary of zeros and ones';
COMMENT ON COLUMN athar.measurement.numerator IS 'Numerator of a ratio whose units cannot be counted';
COMMENT ON COLUMN athar.measurement.denominator IS 'Denominator of a ratio whose units cannot be counted';
COMMENT ON COLUMN athar.measurement.origin IS 'reported: a figure measured elsewhere; observed: made from observations by refresh_measurements()';
COMMENT ON COLUMN athar.measurement.source IS 'Where a reported figure comes from, in words';
CREATE UNIQUE INDEX measurement_observed_idx ON athar.measurement (kpi_id, service_id, channel_id, stage_id, period) NULLS NOT DISTINCT WHERE origin = 'observed';
CREATE INDEX measurement_series_idx ON athar.measurement (kpi_id, service_id, period);

CREATE TABLE athar.dirty_bucket (
	kpi_id integer NOT NULL,
	service_id integer,
	channel_id integer,
	stage_id integer,
	day date NOT NULL
);
COMMENT ON TABLE athar.dirty_bucket IS 'Days of series whose summaries must be rebuilt from observations; append-only, emptied by refresh_measurements()';
COMMENT ON COLUMN athar.dirty_bucket.kpi_id IS 'The KPI: references kpi(id), by construction';
COMMENT ON COLUMN athar.dirty_bucket.service_id IS 'The service';
COMMENT ON COLUMN athar.dirty_bucket.channel_id IS 'The channel';
COMMENT ON COLUMN athar.dirty_bucket.stage_id IS 'The stage';
COMMENT ON COLUMN athar.dirty_bucket.day IS 'The day in the KPI''s time zone';
CREATE INDEX dirty_bucket_series_idx ON athar.dirty_bucket (kpi_id, day, service_id);

CREATE TABLE athar.unseen_figure (
	kpi_id integer,
	service_id integer,
	goal_id integer,
	due_at timestamptz
);
COMMENT ON TABLE athar.unseen_figure IS 'Series and goals that may have another figure since record_events() last looked; append-only, emptied by it. A row without KPI and goal stands for all of them';
COMMENT ON COLUMN athar.unseen_figure.kpi_id IS 'The KPI; NULL for a goal, and for everything';
COMMENT ON COLUMN athar.unseen_figure.service_id IS 'The service; NULL for the whole';
COMMENT ON COLUMN athar.unseen_figure.goal_id IS 'The goal; NULL for a series, and for everything';
COMMENT ON COLUMN athar.unseen_figure.due_at IS 'When there is something to see; NULL for at once';

CREATE TABLE athar.kpi_source (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kpi_id integer NOT NULL,
	relation regclass NOT NULL,
	relation_name text NOT NULL,
	value_column text NOT NULL,
	observed_at_column text NOT NULL,
	service_column text,
	channel_column text,
	stage_column text,
	denominator_column text,
	shape text,
	last_error text,
	CONSTRAINT kpi_source_relation_key UNIQUE (kpi_id, relation)
);
COMMENT ON TABLE athar.kpi_source IS 'Tables of applications that KPIs are read from; written by attach_source() and detach_source()';
COMMENT ON COLUMN athar.kpi_source.id IS 'Internal key; the argument of the triggers on the table';
COMMENT ON COLUMN athar.kpi_source.kpi_id IS 'What is measured: references kpi(id), checked by trigger';
COMMENT ON COLUMN athar.kpi_source.relation IS 'The table; it keeps its place here when it is renamed, and a number is left where it was dropped';
COMMENT ON COLUMN athar.kpi_source.relation_name IS 'Its name when it was attached';
COMMENT ON COLUMN athar.kpi_source.value_column IS 'Its column with the value';
COMMENT ON COLUMN athar.kpi_source.observed_at_column IS 'Its column with the time';
COMMENT ON COLUMN athar.kpi_source.service_column IS 'Its column with the code of the service; NULL where all rows are of the whole';
COMMENT ON COLUMN athar.kpi_source.channel_column IS 'Its column with the code of the channel';
COMMENT ON COLUMN athar.kpi_source.stage_column IS 'Its column with the code of the service''s stage';
COMMENT ON COLUMN athar.kpi_source.denominator_column IS 'Its column with the denominator of a ratio';
COMMENT ON COLUMN athar.kpi_source.shape IS 'How the table looked when it was last looked at, to notice what triggers do not tell';
COMMENT ON COLUMN athar.kpi_source.last_error IS 'Why the last refresh could not read it; NULL where it could';

CREATE TABLE athar.source_bucket (
	source_id integer NOT NULL,
	day date NOT NULL,
	service text COLLATE "C" NOT NULL,
	channel text COLLATE "C" NOT NULL,
	stage text COLLATE "C" NOT NULL,
	n bigint NOT NULL,
	summary athar.summary,
	numerator athar.finite,
	denominator athar.finite,
	left_out bigint NOT NULL,
	CONSTRAINT source_bucket_key UNIQUE (source_id, day, service, channel, stage)
);
COMMENT ON TABLE athar.source_bucket IS 'Daily summaries of the rows of sources, by the codes that stand in those rows, whether anybody defined them or not; written by refresh_measurements()';
COMMENT ON COLUMN athar.source_bucket.source_id IS 'The source: references kpi_source(id), by construction';
COMMENT ON COLUMN athar.source_bucket.day IS 'The day in the KPI''s time zone';
COMMENT ON COLUMN athar.source_bucket.service IS 'The service as it stands in the rows, cut after 201 characters; empty where there is none';
COMMENT ON COLUMN athar.source_bucket.channel IS 'The channel likewise';
COMMENT ON COLUMN athar.source_bucket.stage IS 'The stage likewise';
COMMENT ON COLUMN athar.source_bucket.n IS 'Number of rows that are figures';
COMMENT ON COLUMN athar.source_bucket.summary IS 'Their values, summarised; NULL for a ratio with denominators';
COMMENT ON COLUMN athar.source_bucket.numerator IS 'Sum of a ratio''s values';
COMMENT ON COLUMN athar.source_bucket.denominator IS 'Sum of a ratio''s denominators, each 1 where no column holds them';
COMMENT ON COLUMN athar.source_bucket.left_out IS 'Number of rows without a usable value: NULL, NaN, infinite, beyond 1e150, a negative duration, no denominator above zero';

CREATE TABLE athar.dirty_source (
	source_id integer NOT NULL,
	service text COLLATE "C" NOT NULL,
	day date NOT NULL
);
COMMENT ON TABLE athar.dirty_source IS 'Days of sources whose summaries must be rebuilt from their tables; append-only, emptied by refresh_measurements()';
COMMENT ON COLUMN athar.dirty_source.source_id IS 'The source: references kpi_source(id), by construction';
COMMENT ON COLUMN athar.dirty_source.service IS 'The service as it stands in the rows; empty where there is none';
COMMENT ON COLUMN athar.dirty_source.day IS 'The day in the KPI''s time zone; -infinity: everything there is of the source';

CREATE FUNCTION athar.follow_sources()
RETURNS event_trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_follow_sources';
COMMENT ON FUNCTION athar.follow_sources() IS
'Event trigger: queues everything of a source whose table changed so that triggers do not tell of it, and gives new partitions their triggers';
