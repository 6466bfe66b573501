-- 30 catalogue: agencies, services, channels and the stages of a service's journey

CREATE OR REPLACE FUNCTION athar.check_definition(kind text, code text, name text)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL SAFE
RETURN CASE
	WHEN coalesce(btrim(code), '') = '' THEN
		athar.fail('22023', format('%s code must not be blank', kind),
			'Nothing was changed.', 'Give the short key by which it is to be found again.')
	WHEN code <> btrim(code) OR char_length(code) > 200 OR code ~ '[[:cntrl:]]' THEN
		athar.fail('22023', format('%s code "%s" is malformed', kind, left(code, 200)),
			'Nothing was changed.', 'A code has no spaces around it, no control characters and at most 200 characters.')
	WHEN coalesce(btrim(name), '') = '' THEN
		athar.fail('22023', format('%s "%s" needs a name', kind, code),
			'Nothing was changed.', 'Give a name that people can read.')
	ELSE true
END;
COMMENT ON FUNCTION athar.check_definition(text, text, text) IS
'True where a code and a name can define an object of this kind; otherwise raises 22023. Used by the functions define_... and create_...';

-- Look-ups. Each takes the code, returns the internal id, NULL for NULL, and raises 42704 where there is none.

CREATE OR REPLACE FUNCTION athar.unit_id(code text)
RETURNS integer
LANGUAGE SQL STABLE STRICT PARALLEL SAFE
RETURN coalesce(
	(SELECT u.id FROM athar.unit AS u WHERE u.code = unit_id.code),
	athar.missing('unit', code, 'define_unit()'));
COMMENT ON FUNCTION athar.unit_id(text) IS 'The id of the unit with this code; NULL for NULL. 42704 if there is none.';

CREATE OR REPLACE FUNCTION athar.service_id(code text)
RETURNS integer
LANGUAGE SQL STABLE STRICT PARALLEL SAFE
RETURN coalesce(
	(SELECT s.id FROM athar.service AS s WHERE s.code = service_id.code),
	athar.missing('service', code, 'define_service()'));
COMMENT ON FUNCTION athar.service_id(text) IS 'The id of the service with this code; NULL for NULL. 42704 if there is none.';

CREATE OR REPLACE FUNCTION athar.channel_id(code text)
RETURNS integer
LANGUAGE SQL STABLE STRICT PARALLEL SAFE
RETURN coalesce(
	(SELECT c.id FROM athar.channel AS c WHERE c.code = channel_id.code),
	athar.missing('channel', code, 'define_channel()'));
COMMENT ON FUNCTION athar.channel_id(text) IS 'The id of the channel with this code; NULL for NULL. 42704 if there is none.';

CREATE OR REPLACE FUNCTION athar.stage_id(service text, stage text)
RETURNS integer
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN CASE
	WHEN stage IS NULL THEN NULL
	WHEN service IS NULL THEN
		athar.fail('22023', format('stage "%s" is given without its service', stage),
			'A stage is known within its service only.', 'Give the code of the service too.')::integer
	ELSE coalesce(
		(SELECT t.id FROM athar.stage AS t WHERE t.service_id = athar.service_id(stage_id.service) AND t.code = stage_id.stage),
		athar.missing('stage', format('%s" of service "%s', stage, service), 'define_stage()'))
END;
COMMENT ON FUNCTION athar.stage_id(text, text) IS
'The id of this stage of this service; NULL where stage is NULL. 42704 if there is none, 22023 for a stage without a service.';

-- Definitions. Each creates, or updates what is there; an identical definition changes nothing.

CREATE OR REPLACE FUNCTION athar.define_unit(
	code text, name text, name_ar text DEFAULT NULL, parent text DEFAULT NULL, kind text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_definition('unit', define_unit.code, define_unit.name);
	-- the table's own trigger refuses loops too, even those that two sessions make together; this one knows the codes
	WITH RECURSIVE above (id) AS (
		SELECT athar.unit_id(define_unit.parent)
		UNION
		SELECT u.parent_id FROM above AS a JOIN athar.unit AS u ON u.id = a.id
	)
	SELECT athar.fail('AT006',
		format('unit "%s" cannot be placed below unit "%s"', define_unit.code, define_unit.parent),
		'The second is the first itself or below it already, so the tree would become a loop.',
		'Choose another parent, or move the second unit away first.')
	FROM above AS a
	JOIN athar.unit AS u ON u.id = a.id
	WHERE u.code = define_unit.code;
	INSERT INTO athar.unit AS u (code, name, name_ar, parent_id, kind)
	VALUES (define_unit.code, define_unit.name, define_unit.name_ar, athar.unit_id(define_unit.parent), define_unit.kind)
	ON CONFLICT (code) DO UPDATE SET
		name = excluded.name,
		name_ar = coalesce(excluded.name_ar, u.name_ar),
		parent_id = coalesce(excluded.parent_id, u.parent_id),
		kind = coalesce(excluded.kind, u.kind)
	WHERE (u.name, u.name_ar, u.parent_id, u.kind) IS DISTINCT FROM (
		excluded.name, coalesce(excluded.name_ar, u.name_ar), coalesce(excluded.parent_id, u.parent_id), coalesce(excluded.kind, u.kind));
	SELECT u.id FROM athar.unit AS u WHERE u.code = define_unit.code;
END;
COMMENT ON FUNCTION athar.define_unit(text, text, text, text, text) IS
'Creates the unit with this code, or updates it; returns its id. parent is the code of the unit it belongs to, kind the user''s own word. A NULL name_ar, parent or kind leaves what is there. 22023 for a blank or malformed code and a blank name, 42704 for an unknown parent, AT006 for a loop.';

CREATE OR REPLACE FUNCTION athar.define_service(
	code text, name text, unit text, name_ar text DEFAULT NULL, parent text DEFAULT NULL, kind text DEFAULT NULL, mode text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_definition('service', define_service.code, define_service.name);
	SELECT athar.fail('22023', format('service "%s" needs a unit', define_service.code),
		'Every service is run by somebody.', 'Give the code of the unit that runs it.')
	WHERE define_service.unit IS NULL;
	SELECT athar.fail('22023', format('service mode "%s" is unknown', define_service.mode),
		'Nothing was changed.', 'Use attend, visit or remote.')
	WHERE define_service.mode NOT IN ('attend', 'visit', 'remote');
	WITH RECURSIVE above (id) AS (
		SELECT athar.service_id(define_service.parent)
		UNION
		SELECT s.parent_id FROM above AS a JOIN athar.service AS s ON s.id = a.id
	)
	SELECT athar.fail('AT006',
		format('service "%s" cannot be part of service "%s"', define_service.code, define_service.parent),
		'The second is the first itself or a part of it already, so the tree would become a loop.',
		'Choose another parent, or move the second service away first.')
	FROM above AS a
	JOIN athar.service AS s ON s.id = a.id
	WHERE s.code = define_service.code;
	INSERT INTO athar.service AS s (code, name, name_ar, unit_id, parent_id, kind, mode)
	VALUES (define_service.code, define_service.name, define_service.name_ar, athar.unit_id(define_service.unit),
		athar.service_id(define_service.parent), define_service.kind, define_service.mode)
	ON CONFLICT (code) DO UPDATE SET
		name = excluded.name,
		name_ar = coalesce(excluded.name_ar, s.name_ar),
		unit_id = excluded.unit_id,
		parent_id = coalesce(excluded.parent_id, s.parent_id),
		kind = coalesce(excluded.kind, s.kind),
		mode = coalesce(excluded.mode, s.mode)
	WHERE (s.name, s.name_ar, s.unit_id, s.parent_id, s.kind, s.mode) IS DISTINCT FROM (
		excluded.name, coalesce(excluded.name_ar, s.name_ar), excluded.unit_id, coalesce(excluded.parent_id, s.parent_id),
		coalesce(excluded.kind, s.kind), coalesce(excluded.mode, s.mode));
	SELECT s.id FROM athar.service AS s WHERE s.code = define_service.code;
END;
COMMENT ON FUNCTION athar.define_service(text, text, text, text, text, text, text) IS
'Creates the service with this code, or updates it; returns its id. unit is the code of the unit that runs it, parent that of the service or life event it is part of, kind the user''s own word, mode attend, visit or remote. A NULL name_ar, parent, kind or mode leaves what is there. 22023 for a blank or malformed code, a blank name, no unit or an unknown mode, 42704 for an unknown unit or parent, AT006 for a loop.';

CREATE OR REPLACE FUNCTION athar.define_channel(
	code text, name text, is_digital boolean DEFAULT false, is_assisted boolean DEFAULT false, name_ar text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_definition('channel', define_channel.code, define_channel.name);
	INSERT INTO athar.channel AS c (code, name, name_ar, is_digital, is_assisted)
	VALUES (define_channel.code, define_channel.name, define_channel.name_ar,
		coalesce(define_channel.is_digital, false), coalesce(define_channel.is_assisted, false))
	ON CONFLICT (code) DO UPDATE SET
		name = excluded.name,
		name_ar = coalesce(excluded.name_ar, c.name_ar),
		is_digital = coalesce(define_channel.is_digital, c.is_digital),
		is_assisted = coalesce(define_channel.is_assisted, c.is_assisted)
	WHERE (c.name, c.name_ar, c.is_digital, c.is_assisted) IS DISTINCT FROM (
		excluded.name, coalesce(excluded.name_ar, c.name_ar),
		coalesce(define_channel.is_digital, c.is_digital), coalesce(define_channel.is_assisted, c.is_assisted));
	SELECT c.id FROM athar.channel AS c WHERE c.code = define_channel.code;
END;
COMMENT ON FUNCTION athar.define_channel(text, text, boolean, boolean, text) IS
'Creates the channel with this code, or updates it; returns its id. is_digital: the citizen uses it by himself, online; is_assisted: staff help him through it; both are false unless given, and a NULL leaves what is there, as it does for name_ar. 22023 for a blank or malformed code and a blank name.';

CREATE OR REPLACE FUNCTION athar.define_stage(
	service text, code text, name text, ordinal integer, phase text DEFAULT 'core', name_ar text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_definition('stage', define_stage.code, define_stage.name);
	SELECT athar.fail('22023', format('stage "%s" needs a service', define_stage.code),
		'A stage is part of one service''s journey.', 'Give the code of the service.')
	WHERE define_stage.service IS NULL;
	SELECT athar.fail('22023', format('stage "%s" needs an ordinal', define_stage.code),
		'Stages are shown in the order of their ordinals.', 'Give its place in the journey: 1, 2, 3.')
	WHERE define_stage.ordinal IS NULL;
	SELECT athar.fail('22023', format('stage phase "%s" is unknown', define_stage.phase),
		'Nothing was changed.', 'Use before, core or after.')
	WHERE define_stage.phase NOT IN ('before', 'core', 'after');
	INSERT INTO athar.stage AS t (service_id, code, name, name_ar, ordinal, phase)
	VALUES (athar.service_id(define_stage.service), define_stage.code, define_stage.name, define_stage.name_ar,
		define_stage.ordinal, coalesce(define_stage.phase, 'core'))
	ON CONFLICT (service_id, code) DO UPDATE SET
		name = excluded.name,
		name_ar = coalesce(excluded.name_ar, t.name_ar),
		ordinal = excluded.ordinal,
		phase = coalesce(define_stage.phase, t.phase)
	WHERE (t.name, t.name_ar, t.ordinal, t.phase) IS DISTINCT FROM (
		excluded.name, coalesce(excluded.name_ar, t.name_ar), excluded.ordinal, coalesce(define_stage.phase, t.phase));
	SELECT athar.stage_id(define_stage.service, define_stage.code);
END;
COMMENT ON FUNCTION athar.define_stage(text, text, text, integer, text, text) IS
'Creates this stage of a service''s journey, or updates it; returns its id. ordinal is its place in the journey, phase before, core (unless given) or after; a NULL phase or name_ar leaves what is there. 22023 for a blank or malformed code, a blank name, no service, no ordinal or an unknown phase, 42704 for an unknown service.';

CREATE OR REPLACE FUNCTION athar.define_offering(
	service text, stage text, channel text, is_offered boolean DEFAULT true,
	fee numeric DEFAULT NULL, promised_time interval DEFAULT NULL, documents text[] DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', 'an offering needs a service, a stage and a channel',
		'Nothing was changed.', 'Give the codes of all three.')
	WHERE num_nulls(define_offering.service, define_offering.stage, define_offering.channel) > 0;
	SELECT athar.fail('22023', f.message, 'Nothing was changed.', f.hint)
	FROM (VALUES
		(NOT define_offering.fee >= 0 OR NOT define_offering.fee < 'Infinity',
			format('a fee of %s is not possible', define_offering.fee), 'Give what people pay: 0 where it is free, NULL to leave what is there.'),
		(define_offering.promised_time < '0' OR NOT isfinite(define_offering.promised_time),
			format('a promised time of %s is not possible', define_offering.promised_time), 'Give how long it takes at most, or NULL to leave what is there.'),
		(array_ndims(define_offering.documents) > 1,
			'the documents are not one list', 'Give an array of one dimension.'),
		(EXISTS (SELECT FROM unnest(define_offering.documents) AS d (name) WHERE coalesce(btrim(d.name), '') = ''),
			'the list of documents has a blank entry', 'Name every document, or give an empty list where none is asked for.')
	) AS f (is_wrong, message, hint)
	WHERE f.is_wrong;
	INSERT INTO athar.offering AS o (stage_id, channel_id, is_offered, fee, promised_time, documents)
	VALUES (athar.stage_id(define_offering.service, define_offering.stage), athar.channel_id(define_offering.channel),
		coalesce(define_offering.is_offered, true), define_offering.fee, define_offering.promised_time, define_offering.documents)
	ON CONFLICT (stage_id, channel_id) DO UPDATE SET
		is_offered = coalesce(define_offering.is_offered, o.is_offered),
		fee = coalesce(define_offering.fee, o.fee),
		promised_time = coalesce(define_offering.promised_time, o.promised_time),
		documents = coalesce(define_offering.documents, o.documents)
	WHERE (o.is_offered, o.fee, o.promised_time, o.documents) IS DISTINCT FROM (
		coalesce(define_offering.is_offered, o.is_offered), coalesce(define_offering.fee, o.fee),
		coalesce(define_offering.promised_time, o.promised_time), coalesce(define_offering.documents, o.documents));
	SELECT o.id
	FROM athar.offering AS o
	WHERE o.stage_id = athar.stage_id(define_offering.service, define_offering.stage)
		AND o.channel_id = athar.channel_id(define_offering.channel);
END;
COMMENT ON FUNCTION athar.define_offering(text, text, text, boolean, numeric, interval, text[]) IS
'Says that this stage of a service is offered on a channel, or with is_offered false that it no longer is, and what people are promised there: the fee, the longest time it takes, the documents asked for; returns the id. NULLs leave what is there. 22023 where one of the three codes is missing, the fee or the time is negative or infinite, or a document is blank; 42704 for an unknown code.';

-- Views

CREATE OR REPLACE VIEW athar.units WITH (security_invoker = true) AS
WITH RECURSIVE tree AS (
	SELECT u.id, u.code AS department, 1 AS depth
	FROM athar.unit AS u
	WHERE u.parent_id IS NULL
	UNION ALL
	SELECT u.id, t.department, t.depth + 1
	FROM tree AS t
	JOIN athar.unit AS u ON u.parent_id = t.id
)
SELECT
	u.code::text AS unit,
	u.name,
	u.name_ar,
	p.code::text AS parent,
	t.department::text AS department,
	t.depth,
	u.kind
FROM athar.unit AS u
JOIN tree AS t ON t.id = u.id
LEFT JOIN athar.unit AS p ON p.id = u.parent_id;
COMMENT ON VIEW athar.units IS 'Agencies, departments and teams, one row each';
COMMENT ON COLUMN athar.units.unit IS 'Code of the unit';
COMMENT ON COLUMN athar.units.name IS 'Name for people';
COMMENT ON COLUMN athar.units.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.units.parent IS 'Code of the unit it belongs to; NULL at the top';
COMMENT ON COLUMN athar.units.department IS 'Code of the unit at the top of its tree; its own at the top';
COMMENT ON COLUMN athar.units.depth IS 'Level in the tree; 1 at the top';
COMMENT ON COLUMN athar.units.kind IS 'What sort of unit it is, in the user''s own words';

CREATE OR REPLACE VIEW athar.channels WITH (security_invoker = true) AS
SELECT c.code::text AS channel, c.name, c.name_ar, c.is_digital, c.is_assisted
FROM athar.channel AS c;
COMMENT ON VIEW athar.channels IS 'Ways by which services are reached, one row each';
COMMENT ON COLUMN athar.channels.channel IS 'Code of the channel';
COMMENT ON COLUMN athar.channels.name IS 'Name for people';
COMMENT ON COLUMN athar.channels.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.channels.is_digital IS 'True where the citizen uses it by himself, online';
COMMENT ON COLUMN athar.channels.is_assisted IS 'True where staff help the citizen through it';

CREATE OR REPLACE VIEW athar.services WITH (security_invoker = true) AS
SELECT
	s.code::text AS service,
	s.name,
	s.name_ar,
	u.unit,
	u.name AS unit_name,
	u.department,
	p.code::text AS parent,
	s.kind,
	s.mode,
	(SELECT count(*) FROM athar.stage AS t WHERE t.service_id = s.id) AS stages,
	ARRAY(
		SELECT DISTINCT c.code::text
		FROM athar.stage AS t
		JOIN athar.offering AS o ON o.stage_id = t.id AND o.is_offered
		JOIN athar.channel AS c ON c.id = o.channel_id
		WHERE t.service_id = s.id
		ORDER BY 1
	) AS channels
FROM athar.service AS s
JOIN athar.unit AS run_by ON run_by.id = s.unit_id
JOIN athar.units AS u ON u.unit = run_by.code
LEFT JOIN athar.service AS p ON p.id = s.parent_id;
COMMENT ON VIEW athar.services IS 'Services to people, one row each';
COMMENT ON COLUMN athar.services.service IS 'Code of the service';
COMMENT ON COLUMN athar.services.name IS 'Name for people';
COMMENT ON COLUMN athar.services.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.services.unit IS 'Code of the unit that runs it';
COMMENT ON COLUMN athar.services.unit_name IS 'Name of that unit';
COMMENT ON COLUMN athar.services.department IS 'Code of the unit at the top of that unit''s tree';
COMMENT ON COLUMN athar.services.parent IS 'Code of the service or life event it is part of; NULL if none';
COMMENT ON COLUMN athar.services.kind IS 'What sort of service it is, in the user''s own words';
COMMENT ON COLUMN athar.services.mode IS 'How it reaches people: attend, visit or remote';
COMMENT ON COLUMN athar.services.stages IS 'Number of stages of its journey';
COMMENT ON COLUMN athar.services.channels IS 'Codes of the channels on which at least one stage is offered, sorted';

CREATE OR REPLACE VIEW athar.journeys WITH (security_invoker = true) AS
SELECT
	s.code::text AS service,
	t.ordinal,
	t.code::text AS stage,
	t.name,
	t.name_ar,
	t.phase,
	ARRAY(
		SELECT c.code::text
		FROM athar.offering AS o
		JOIN athar.channel AS c ON c.id = o.channel_id
		WHERE o.stage_id = t.id AND o.is_offered
		ORDER BY 1
	) AS channels
FROM athar.stage AS t
JOIN athar.service AS s ON s.id = t.service_id;
COMMENT ON VIEW athar.journeys IS 'The stages of services, one row each, with the channels on which they are offered';
COMMENT ON COLUMN athar.journeys.service IS 'Code of the service';
COMMENT ON COLUMN athar.journeys.ordinal IS 'Place in the journey, ascending';
COMMENT ON COLUMN athar.journeys.stage IS 'Code of the stage, unique within the service';
COMMENT ON COLUMN athar.journeys.name IS 'Name for people';
COMMENT ON COLUMN athar.journeys.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.journeys.phase IS 'before, core or after the service itself';
COMMENT ON COLUMN athar.journeys.channels IS 'Codes of the channels on which this stage is offered, sorted';

CREATE OR REPLACE VIEW athar.promise_consistency WITH (security_invoker = true) AS
SELECT
	s.code::text AS service,
	s.name AS service_name,
	s.name_ar AS service_name_ar,
	t.code::text AS stage,
	t.name AS stage_name,
	t.name_ar AS stage_name_ar,
	p.promise,
	count(*) AS channels,
	count(p.value) AS promised,
	array_agg(c.code || ': ' || p.value ORDER BY c.code) FILTER (WHERE p.value IS NOT NULL) AS promises,
	CASE
		WHEN count(DISTINCT p.value) > 1 THEN 'unequal'
		WHEN count(p.value) < count(*) THEN 'incomplete'
		ELSE 'equal'
	END AS verdict
FROM athar.offering AS o
JOIN athar.stage AS t ON t.id = o.stage_id
JOIN athar.service AS s ON s.id = t.service_id
JOIN athar.channel AS c ON c.id = o.channel_id
CROSS JOIN LATERAL (VALUES
	('fee', trim_scale(o.fee)::text),
	('time', justify_interval(o.promised_time)::text),
	('documents', CASE WHEN o.documents IS NOT NULL THEN
		coalesce((SELECT string_agg(DISTINCT d.name, ', ' ORDER BY d.name) FROM unnest(o.documents) AS d (name)), 'none') END)
) AS p (promise, value)
WHERE o.is_offered
GROUP BY s.id, t.id, p.promise
HAVING count(*) > 1 AND count(p.value) > 0;
COMMENT ON VIEW athar.promise_consistency IS 'Are people promised the same whichever channel they choose? For every stage that is offered on at least two channels: fee, time and documents, one row each; what no channel says is left out';
COMMENT ON COLUMN athar.promise_consistency.service IS 'Code of the service';
COMMENT ON COLUMN athar.promise_consistency.service_name IS 'Name of the service';
COMMENT ON COLUMN athar.promise_consistency.service_name_ar IS 'Name of the service in Arabic';
COMMENT ON COLUMN athar.promise_consistency.stage IS 'Code of the stage, unique within the service';
COMMENT ON COLUMN athar.promise_consistency.stage_name IS 'Name of the stage';
COMMENT ON COLUMN athar.promise_consistency.stage_name_ar IS 'Name of the stage in Arabic';
COMMENT ON COLUMN athar.promise_consistency.promise IS 'fee, time or documents';
COMMENT ON COLUMN athar.promise_consistency.channels IS 'Number of channels on which the stage is offered';
COMMENT ON COLUMN athar.promise_consistency.promised IS 'Number of them that say it';
COMMENT ON COLUMN athar.promise_consistency.promises IS 'What each of these says, as channel: promise, by channel; the order of documents does not count';
COMMENT ON COLUMN athar.promise_consistency.verdict IS 'unequal, incomplete (equal where it is said, and not said everywhere) or equal';
