-- 30 catalogue: where things happen: agencies, services, channels, stages

CREATE TABLE athar.unit (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code athar.code NOT NULL UNIQUE,
	name text NOT NULL,
	name_ar text,
	parent_id integer,
	kind text,
	CONSTRAINT unit_name_check CHECK (btrim(name) <> '')
);
COMMENT ON TABLE athar.unit IS 'Agencies, departments and teams: a tree';
COMMENT ON COLUMN athar.unit.id IS 'Internal key; applications use code';
COMMENT ON COLUMN athar.unit.code IS 'Key chosen by the user';
COMMENT ON COLUMN athar.unit.name IS 'Name for people';
COMMENT ON COLUMN athar.unit.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.unit.parent_id IS 'The unit it belongs to: references unit(id), checked by trigger';
COMMENT ON COLUMN athar.unit.kind IS 'What sort of unit it is, in the user''s own words (ministry, agency, team)';
CREATE INDEX unit_parent_id_idx ON athar.unit (parent_id);

CREATE TABLE athar.service (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code athar.code NOT NULL UNIQUE,
	name text NOT NULL,
	name_ar text,
	unit_id integer NOT NULL,
	parent_id integer,
	kind text,
	mode text,
	CONSTRAINT service_name_check CHECK (btrim(name) <> ''),
	CONSTRAINT service_mode_check CHECK (mode IN ('attend', 'visit', 'remote'))
);
COMMENT ON TABLE athar.service IS 'Services to people, each run by one unit; a service may be part of another';
COMMENT ON COLUMN athar.service.id IS 'Internal key; applications use code';
COMMENT ON COLUMN athar.service.code IS 'Key chosen by the user';
COMMENT ON COLUMN athar.service.name IS 'Name for people';
COMMENT ON COLUMN athar.service.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.service.unit_id IS 'The unit that runs it: references unit(id), checked by trigger';
COMMENT ON COLUMN athar.service.parent_id IS 'The service or life event it is part of: references service(id), checked by trigger';
COMMENT ON COLUMN athar.service.kind IS 'What sort of service it is, in the user''s own words (licence, benefit, payment)';
COMMENT ON COLUMN athar.service.mode IS 'How it reaches people: attend (the customer must come), visit (the provider comes), remote (nobody needs to be present)';
CREATE INDEX service_unit_id_idx ON athar.service (unit_id);
CREATE INDEX service_parent_id_idx ON athar.service (parent_id);

CREATE TABLE athar.channel (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code athar.code NOT NULL UNIQUE,
	name text NOT NULL,
	name_ar text,
	is_digital boolean NOT NULL DEFAULT false,
	is_assisted boolean NOT NULL DEFAULT false,
	CONSTRAINT channel_name_check CHECK (btrim(name) <> '')
);
COMMENT ON TABLE athar.channel IS 'Ways by which a service is reached: web, telephone, counter';
COMMENT ON COLUMN athar.channel.id IS 'Internal key; applications use code';
COMMENT ON COLUMN athar.channel.code IS 'Key chosen by the user';
COMMENT ON COLUMN athar.channel.name IS 'Name for people';
COMMENT ON COLUMN athar.channel.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.channel.is_digital IS 'True where the citizen uses it by himself, online';
COMMENT ON COLUMN athar.channel.is_assisted IS 'True where staff help the citizen through it';

CREATE TABLE athar.stage (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	service_id integer NOT NULL,
	code athar.code NOT NULL,
	name text NOT NULL,
	name_ar text,
	ordinal integer NOT NULL,
	phase text NOT NULL DEFAULT 'core',
	UNIQUE (service_id, code),
	CONSTRAINT stage_name_check CHECK (btrim(name) <> ''),
	CONSTRAINT stage_phase_check CHECK (phase IN ('before', 'core', 'after'))
);
COMMENT ON TABLE athar.stage IS 'The stages of a service''s journey, in order';
COMMENT ON COLUMN athar.stage.id IS 'Internal key; applications use the service''s code and the stage''s code';
COMMENT ON COLUMN athar.stage.service_id IS 'The service: references service(id), checked by trigger';
COMMENT ON COLUMN athar.stage.code IS 'Key chosen by the user, unique within the service';
COMMENT ON COLUMN athar.stage.name IS 'Name for people';
COMMENT ON COLUMN athar.stage.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.stage.ordinal IS 'Place in the journey, ascending';
COMMENT ON COLUMN athar.stage.phase IS 'before, core or after the service itself';

CREATE TABLE athar.offering (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	stage_id integer NOT NULL,
	channel_id integer NOT NULL,
	is_offered boolean NOT NULL DEFAULT true,
	fee numeric,
	promised_time interval,
	documents text[],
	UNIQUE (stage_id, channel_id),
	CONSTRAINT offering_fee_check CHECK (fee >= 0 AND fee < 'Infinity'),
	CONSTRAINT offering_promised_time_check CHECK (promised_time >= '0' AND isfinite(promised_time)),
	CONSTRAINT offering_documents_check CHECK (array_position(documents, NULL) IS NULL AND array_position(documents, '') IS NULL)
);
COMMENT ON TABLE athar.offering IS 'Which stage is offered on which channel; since when, the change log knows';
COMMENT ON COLUMN athar.offering.id IS 'Internal key';
COMMENT ON COLUMN athar.offering.stage_id IS 'The stage: references stage(id), checked by trigger';
COMMENT ON COLUMN athar.offering.channel_id IS 'The channel: references channel(id), checked by trigger';
COMMENT ON COLUMN athar.offering.is_offered IS 'False once it was withdrawn';
COMMENT ON COLUMN athar.offering.fee IS 'What people pay, in the country''s currency; 0 where it is free, NULL where nothing is said';
COMMENT ON COLUMN athar.offering.promised_time IS 'How long it takes at most, as people are told; NULL where nothing is said';
COMMENT ON COLUMN athar.offering.documents IS 'What people have to bring; empty where nothing, NULL where nothing is said';
CREATE INDEX offering_channel_id_idx ON athar.offering (channel_id);
