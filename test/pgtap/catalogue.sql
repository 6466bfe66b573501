BEGIN;
SELECT plan(45);

-- create, return the id, find it again
CREATE TEMP TABLE made (what text, id integer);
INSERT INTO made SELECT 'top', athar.define_unit('top', 'Top');
INSERT INTO made SELECT 'mid', athar.define_unit('mid', 'Middle', parent => 'top');
INSERT INTO made SELECT 'low', athar.define_unit('low', 'Low', parent => 'mid', name_ar => 'أدنى', kind => 'team');
INSERT INTO made SELECT 'service', athar.define_service('s', 'Service', 'low', mode => 'attend', kind => 'licence');
INSERT INTO made SELECT 'channel', athar.define_channel('web', 'Web', true);
INSERT INTO made SELECT 'stage', athar.define_stage('s', 'apply', 'Apply', 1);
INSERT INTO made SELECT 'offering', athar.define_offering('s', 'apply', 'web');
SELECT is((SELECT id FROM made WHERE what = code), athar.unit_id(code), 'define_unit returns the id of ' || code)
FROM unnest(ARRAY['top', 'mid', 'low']) AS code;
SELECT is((SELECT id FROM made WHERE what = 'service'), athar.service_id('s'), 'define_service returns the id');
SELECT is((SELECT id FROM made WHERE what = 'channel'), athar.channel_id('web'), 'define_channel returns the id');
SELECT is((SELECT id FROM made WHERE what = 'stage'), athar.stage_id('s', 'apply'), 'define_stage returns the id');
SELECT is((SELECT id FROM made WHERE what = 'offering'), (SELECT id FROM athar.offering WHERE stage_id = athar.stage_id('s', 'apply')), 'define_offering returns the id');

-- NULL in, NULL out
SELECT is(athar.unit_id(NULL), NULL, 'unit_id of NULL');
SELECT is(athar.service_id(NULL), NULL, 'service_id of NULL');
SELECT is(athar.channel_id(NULL), NULL, 'channel_id of NULL');
SELECT is(athar.stage_id('s', NULL), NULL, 'stage_id of NULL');

-- an identical definition changes nothing: the row version stays
SELECT is(athar.define_unit('low', 'Low', parent => 'mid', name_ar => 'أدنى', kind => 'team'), athar.unit_id('low'), 'the same definition returns the same id');
CREATE TEMP TABLE version AS
SELECT 'unit' AS kind, ctid AS version FROM athar.unit WHERE code = 'low'
UNION ALL SELECT 'service', ctid FROM athar.service
UNION ALL SELECT 'channel', ctid FROM athar.channel
UNION ALL SELECT 'stage', ctid FROM athar.stage
UNION ALL SELECT 'offering', ctid FROM athar.offering;
SELECT athar.define_unit('low', 'Low'), athar.define_service('s', 'Service', 'low'), athar.define_channel('web', 'Web', NULL),
	athar.define_stage('s', 'apply', 'Apply', 1, NULL), athar.define_offering('s', 'apply', 'web', NULL);
SELECT set_eq($$SELECT 'unit' AS kind, ctid AS version FROM athar.unit WHERE code = 'low'
	UNION ALL SELECT 'service', ctid FROM athar.service
	UNION ALL SELECT 'channel', ctid FROM athar.channel
	UNION ALL SELECT 'stage', ctid FROM athar.stage
	UNION ALL SELECT 'offering', ctid FROM athar.offering$$,
	'SELECT * FROM version', 'definitions that change nothing write nothing, and NULL leaves what is there');

-- an update
SELECT athar.define_unit('low', 'Lower', kind => 'office');
SELECT results_eq($$SELECT name, name_ar, parent, department, depth, kind FROM athar.units WHERE unit = 'low'$$,
	$$VALUES ('Lower', 'أدنى', 'mid', 'top', 3, 'office')$$, 'a definition updates what it names and leaves the rest');
SELECT athar.define_unit('low', 'Lower', parent => 'top');
SELECT is((SELECT depth FROM athar.units WHERE unit = 'low'), 2, 'a unit can move');
SELECT athar.define_service('s', 'Service', 'mid', mode => 'remote');
SELECT results_eq($$SELECT unit, unit_name, department, kind, mode, stages, channels FROM athar.services WHERE service = 's'$$,
	$$VALUES ('mid', 'Middle', 'top', 'licence', 'remote', 1::bigint, ARRAY['web'])$$, 'services shows it with its unit, stages and channels');
SELECT athar.define_channel('web', 'Web', is_assisted => true);
SELECT results_eq($$SELECT is_digital, is_assisted FROM athar.channels WHERE channel = 'web'$$,
	$$VALUES (false, true)$$, 'flags of a channel are what the call says');
SELECT athar.define_stage('s', 'apply', 'Application', 5, 'after');
SELECT results_eq($$SELECT ordinal, name, phase, channels FROM athar.journeys WHERE service = 's'$$,
	$$VALUES (5, 'Application', 'after', ARRAY['web'])$$, 'journeys shows the stage as it is now');
SELECT athar.define_offering('s', 'apply', 'web', false);
SELECT results_eq($$SELECT s.channels, j.channels FROM athar.services AS s JOIN athar.journeys AS j USING (service)$$,
	$$VALUES ('{}'::text[], '{}'::text[])$$, 'a withdrawn offering is not shown');

-- a stage's code is known within its service alone
SELECT athar.define_service('t', 'Other', 'low');
SELECT athar.define_stage('t', 'apply', 'Apply', 1);
SELECT isnt(athar.stage_id('t', 'apply'), athar.stage_id('s', 'apply'), 'two services may use one stage code');

-- what is refused
SELECT throws_ok($$SELECT athar.unit_id('x')$$, '42704', 'unit "x" does not exist');
SELECT throws_ok($$SELECT athar.service_id('x')$$, '42704', 'service "x" does not exist');
SELECT throws_ok($$SELECT athar.channel_id('x')$$, '42704', 'channel "x" does not exist');
SELECT throws_ok($$SELECT athar.stage_id('s', 'x')$$, '42704', 'stage "x" of service "s" does not exist');
SELECT throws_ok($$SELECT athar.stage_id(NULL, 'apply')$$, '22023', 'stage "apply" is given without its service');
SELECT throws_ok($$SELECT athar.define_unit('', 'X')$$, '22023', 'unit code must not be blank');
SELECT throws_ok($$SELECT athar.define_unit('x ', 'X')$$, '22023', 'unit code "x " is malformed');
SELECT throws_ok($$SELECT athar.define_unit('x', '')$$, '22023', 'unit "x" needs a name');
SELECT throws_ok($$SELECT athar.define_service('x', 'X', NULL)$$, '22023', 'service "x" needs a unit');
SELECT throws_ok($$SELECT athar.define_service('x', 'X', 'low', mode => 'fax')$$, '22023', 'service mode "fax" is unknown');
SELECT throws_ok($$SELECT athar.define_stage('s', 'x', 'X', 1, 'never')$$, '22023', 'stage phase "never" is unknown');
SELECT throws_ok($$SELECT athar.define_unit('top', 'Top', parent => 'mid')$$, 'AT006', 'unit "top" cannot be placed below unit "mid"');
SELECT throws_ok($$SELECT athar.define_unit('top', 'Top', parent => 'top')$$, 'AT006', 'unit "top" cannot be placed below unit "top"');
SELECT athar.define_service('s', 'Service', 'mid', parent => 't');
SELECT throws_ok($$SELECT athar.define_service('t', 'Other', 'low', parent => 's')$$, 'AT006', 'service "t" cannot be part of service "s"');
SELECT is((SELECT parent FROM athar.services WHERE service = 't'), NULL, 'and nothing was changed');

-- what people are promised on each channel
SELECT athar.define_channel(c, c) FROM unnest('{desk,phone}'::text[]) AS c;
SELECT athar.define_service('p', 'Permit', 'low');
SELECT athar.define_stage('p', stage, stage, 1) FROM unnest('{apply,pay,collect,ask}'::text[]) AS stage;
SELECT athar.define_offering('p', 'apply', 'web', fee => 20, promised_time => '5 days', documents => '{photo,identity card}'),
	athar.define_offering('p', 'apply', 'desk', fee => 20.00, promised_time => '10 days', documents => '{identity card,photo}'),
	athar.define_offering('p', 'pay', 'web', fee => 0),
	athar.define_offering('p', 'pay', 'desk', fee => 12.50, promised_time => '1 month'),
	athar.define_offering('p', 'pay', 'phone', fee => 12.50, promised_time => '30 days', documents => '{}'),
	athar.define_offering('p', 'collect', 'desk', fee => 7),
	athar.define_offering('p', 'ask', 'desk'), athar.define_offering('p', 'ask', 'phone');
SELECT results_eq($$SELECT stage, promise, channels, promised, promises, verdict FROM athar.promise_consistency WHERE service = 'p' ORDER BY stage, promise$$,
	$$VALUES ('apply', 'documents', 2::bigint, 2::bigint, '{"desk: identity card, photo","web: identity card, photo"}'::text[], 'equal'),
		('apply', 'fee', 2, 2, '{"desk: 20","web: 20"}', 'equal'),
		('apply', 'time', 2, 2, '{"desk: 10 days","web: 5 days"}', 'unequal'),
		('pay', 'documents', 3, 1, '{"phone: none"}', 'incomplete'),
		('pay', 'fee', 3, 3, '{"desk: 12.5","phone: 12.5","web: 0"}', 'unequal'),
		('pay', 'time', 3, 2, '{"desk: 1 mon","phone: 1 mon"}', 'incomplete')$$,
	'an unequal fee and an unequal time are listed; one channel and silence on all are not');
SELECT athar.define_offering('p', 'pay', 'web', is_offered => NULL);
SELECT is((SELECT fee FROM athar.offering WHERE id = athar.define_offering('p', 'pay', 'web')), 0::numeric, 'NULLs leave what is there');
SELECT athar.define_offering('p', 'pay', 'web', false);
SELECT results_eq($$SELECT channels, verdict FROM athar.promise_consistency WHERE service = 'p' AND stage = 'pay' AND promise = 'fee'$$, $$VALUES (2::bigint, 'equal')$$,
	'what is no longer offered promises nothing');
SELECT throws_ok(format($$SELECT athar.define_offering('p', 'pay', 'web', fee => %L)$$, fee), '22023', format('a fee of %s is not possible', fee))
FROM unnest('{-1,NaN,Infinity}'::numeric[]) AS fee;
SELECT throws_ok($$SELECT athar.define_offering('p', 'pay', 'web', promised_time => '-1 day')$$, '22023', 'a promised time of -1 days is not possible');
SELECT throws_ok(format($$SELECT athar.define_offering('p', 'pay', 'web', documents => %L)$$, documents), '22023', 'the list of documents has a blank entry')
FROM (VALUES ('{a,NULL}'::text[]), ('{a," "}')) AS d (documents);
SELECT throws_ok($$SELECT athar.define_offering('p', 'pay', 'web', documents => '{{a,b},{c,d}}')$$, '22023', 'the documents are not one list');

SELECT * FROM finish();
ROLLBACK;
