-- source: an application's own table as the source of a KPI
BEGIN;
SELECT plan(186);
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'Pacific/Auckland';	-- no figure may depend on the session's zone

SELECT athar.define_unit('u', 'Unit');
SELECT athar.define_service('s' || i, 'Service', 'u') FROM generate_series(1, 3) AS i;
SELECT athar.define_channel('web', 'Web', true), athar.define_channel('desk', 'Desk');
SELECT athar.define_stage('s1', 'apply', 'Apply', 1);
SELECT athar.define_kpi('mean', 'Mean', 'days', 'down', time_zone => 'America/Havana');
SELECT athar.define_kpi('sum', 'Sum', 'visits', 'up', 'sum', time_zone => 'Asia/Riyadh');
SELECT athar.define_kpi('ratio', 'Ratio', 'share', 'up', 'ratio');
SELECT athar.define_kpi('within', 'Within', 'share', 'up', 'share_within', time_limit => '10 seconds', time_zone => 'Africa/Cairo');
CREATE SCHEMA app;

--
-- What is shown is what a plain query over the table gives
--
CREATE TABLE app.visit (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, filler text, service varchar(20), channel text, stage char(8),
	at timestamptz, value numeric, whole double precision, took interval, good boolean, on_day date, local timestamp);
ALTER TABLE app.visit DROP COLUMN filler;
CREATE INDEX ON app.visit (service, at);

-- The oracle knows no queue, no bucket and no C.
CREATE FUNCTION pg_temp.recomputed(kpi text) RETURNS TABLE (service text, channel text, stage text, day date, n bigint, value numeric)
LANGUAGE sql AS $$
	SELECT r.service, r.channel, r.stage, r.day, count(*),
		round((CASE k.kind WHEN 'sum' THEN sum(r.x) WHEN 'ratio' THEN sum(r.x) / sum(r.d) ELSE avg(r.x) END)::numeric, 9)
	FROM athar.kpi AS k
	CROSS JOIN LATERAL (
		SELECT s.code::text AS service, c.code::text AS channel, t.code::text AS stage, (v.at AT TIME ZONE k.time_zone)::date AS day,
			CASE k.code WHEN 'mean' THEN v.value WHEN 'sum' THEN v.value WHEN 'ratio' THEN v.value
				ELSE CASE WHEN v.took >= '0' THEN (v.took <= k.time_limit)::integer END END::double precision AS x,
			CASE k.code WHEN 'ratio' THEN v.whole ELSE 1 END AS d
		FROM app.visit AS v
		LEFT JOIN athar.service AS s ON s.code = v.service
		LEFT JOIN athar.channel AS c ON c.code = v.channel
		LEFT JOIN athar.stage AS t ON t.service_id = s.id AND t.code = v.stage
		WHERE (s.id IS NOT NULL OR coalesce(v.service, '') = '') AND (c.id IS NOT NULL OR coalesce(v.channel, '') = '')
			AND (t.id IS NOT NULL OR coalesce(v.stage, '') = '')
			AND v.at >= '0001-01-01 UTC' AND v.at < '10000-01-01 UTC'
			AND (k.code = 'within' OR v.value < 'Infinity' AND v.value > '-Infinity')) AS r
	WHERE k.code = recomputed.kpi AND r.x IS NOT NULL AND r.d > 0
	GROUP BY k.kind, r.service, r.channel, r.stage, r.day $$;
CREATE FUNCTION pg_temp.shown(kpi text) RETURNS TABLE (service text, channel text, stage text, day date, n bigint, value numeric)
LANGUAGE sql STABLE AS $$
	SELECT m.service, m.channel, m.stage, m.period_start, coalesce(m.n, q.n), round(m.value::numeric, 9)
	FROM athar.measurements AS m
	LEFT JOIN athar.source_measurements AS q ON q.summary IS NULL AND q.kpi_id = athar.kpi_id(m.kpi) AND q.day = m.period_start
		AND (q.service::text, q.channel::text, q.stage::text) IS NOT DISTINCT FROM (m.service, m.channel, m.stage)
	WHERE m.kpi = shown.kpi AND m.origin = 'observed' $$;
CREATE FUNCTION pg_temp.agrees(what text) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(results_eq(format('SELECT * FROM pg_temp.shown(%L) ORDER BY 1, 2, 3, 4', k),
		format('SELECT * FROM pg_temp.recomputed(%L) ORDER BY 1, 2, 3, 4', k), k || ' ' || what), E'\n')
	FROM unnest('{mean,sum,ratio,within}'::text[]) AS k $$;
CREATE FUNCTION pg_temp.scatter(rows integer) RETURNS void LANGUAGE sql AS $$
	INSERT INTO app.visit (service, channel, stage, at, value, whole, took)
	SELECT
		(ARRAY['s1', 's2', 's3', 'nobody knows', '', NULL])[1 + floor(random() * 6)],
		(ARRAY['web', 'desk', 'fax', '', NULL])[1 + floor(random() * 5)],
		(ARRAY['apply', NULL, NULL, NULL])[1 + floor(random() * 4)],
		CASE WHEN random() < 0.02 THEN NULL WHEN random() < 0.01 THEN 'infinity' WHEN random() < 0.01 THEN timestamptz '12000-01-01'
			ELSE timestamptz '2024-10-31 UTC' + floor(random() * 240) * interval '30 minutes' END,
		CASE WHEN random() < 0.05 THEN NULL WHEN random() < 0.02 THEN 'NaN' WHEN random() < 0.02 THEN 'Infinity' ELSE floor(random() * 80) / 4 END,
		CASE WHEN random() < 0.1 THEN NULL ELSE floor(random() * 5) END,
		CASE WHEN random() < 0.9 THEN (floor(random() * 22) - 1) * interval '1 second' END
	FROM generate_series(1, scatter.rows) AS i $$;
SELECT setseed(0.42);
SELECT pg_temp.scatter(600);
SELECT ok(athar.attach_source('mean', 'app.visit', 'value', 'at', 'service', 'channel', 'stage') > 0, 'attach_source returns an id');
SELECT athar.attach_source('sum', 'app.visit', 'value', 'at', 'service', 'channel', 'stage'),
	athar.attach_source('ratio', 'app.visit', 'value', 'at', 'service', 'channel', 'stage', 'whole'),
	athar.attach_source('within', 'app.visit', 'took', 'at', 'service', 'channel', 'stage');
SELECT pg_temp.agrees('before anything was refreshed');
SELECT is((SELECT count(*) FROM athar.source_bucket), 0::bigint, 'nothing is stored yet');
SELECT is((SELECT remaining FROM athar.refresh_measurements()), 0::bigint, 'all is refreshed');
SELECT is((SELECT count(*) FROM athar.dirty_source), 0::bigint, 'and the queue is empty');
SELECT pg_temp.agrees('after the refresh');
SELECT cmp_ok((SELECT count(*) FROM pg_temp.shown('mean')), '>', 60::bigint, 'there is something to agree on');
SELECT pg_temp.scatter(40);
SELECT pg_temp.agrees('after late rows');
SELECT isnt((SELECT count(*) FROM athar.dirty_source), 0::bigint, 'which are queued');
SELECT athar.refresh_measurements(5);
SELECT isnt((SELECT count(*) FROM athar.dirty_source), 0::bigint, 'a part is left');
SELECT pg_temp.agrees('after a part was refreshed');
UPDATE app.visit SET value = value + 1, at = at + interval '7 hours' WHERE random() < 0.1;
UPDATE app.visit SET service = 's3', stage = NULL, took = -took WHERE random() < 0.1;
UPDATE app.visit SET channel = 'web' WHERE channel = 'fax' AND random() < 0.5;
SELECT pg_temp.agrees('after updates');
SAVEPOINT before;
DELETE FROM app.visit WHERE random() < 0.4;
SELECT pg_temp.agrees('after deletes');
ROLLBACK TO before;
SELECT pg_temp.agrees('after they were rolled back');
SELECT athar.refresh_measurements();
DELETE FROM app.visit WHERE random() < 0.4;
SELECT athar.refresh_measurements();
INSERT INTO app.visit (service, at, value, whole, took) SELECT service, at, value, whole, took FROM app.visit WHERE random() < 0.2;
SELECT pg_temp.agrees('when days were refreshed in the same transaction');
SELECT athar.refresh_measurements();
SELECT pg_temp.agrees('and again');
SELECT athar.define_channel('fax', 'Fax'), athar.define_service('nobody knows', 'Known now', 'u');
SELECT is((SELECT count(*) FROM athar.dirty_source), 0::bigint, 'a code that is defined queues nothing');
SELECT pg_temp.agrees('with codes that were defined later');
SELECT results_eq($$SELECT rows_counted, rows_unknown FROM athar.sources WHERE kpi = 'sum'$$,
	$$SELECT sum(n)::bigint, (SELECT count(*) FROM app.visit WHERE isfinite(at) AND at < '10000-01-01' AND value < 'Infinity') - sum(n)::bigint FROM pg_temp.recomputed('sum')$$,
	'what counts and what does not is told');
SELECT results_eq($$SELECT rows_left_out FROM athar.sources WHERE kpi = 'sum'$$,
	$$SELECT count(*) FROM app.visit WHERE isfinite(at) AND at < '10000-01-01' AND (value < 'Infinity') IS NOT TRUE$$, 'and how many values are none');
SELECT ok((SELECT rows_left_out > 0 AND rows_unknown > 0 FROM athar.sources WHERE kpi = 'sum'), 'there are some of both');
UPDATE app.visit SET id = DEFAULT;
SELECT is((SELECT count(*) FROM athar.dirty_source), 0::bigint, 'what is not read may change without notice');
TRUNCATE app.visit;
SELECT pg_temp.agrees('after a truncate');
SELECT athar.refresh_measurements();
SELECT is((SELECT count(*) FROM athar.source_bucket), 0::bigint, 'and nothing is left');
COPY app.visit (service, at, value) FROM stdin;
s1	2026-01-01 12:00+00	3
s1	2026-01-01 13:00+00	5
\.
SELECT pg_temp.agrees('after COPY');
INSERT INTO app.visit (id, service, at, value) OVERRIDING SYSTEM VALUE VALUES (1000000, 's1', '2026-01-02 12:00+00', 1);
INSERT INTO app.visit (id, service, at, value) OVERRIDING SYSTEM VALUE VALUES (1000000, 's2', '2026-01-03 12:00+00', 2)
	ON CONFLICT (id) DO UPDATE SET service = excluded.service, at = excluded.at, value = excluded.value;
MERGE INTO app.visit AS v USING (VALUES (1000000)) AS n (id) ON n.id = v.id WHEN MATCHED THEN UPDATE SET at = at + interval '1 month';
SELECT pg_temp.agrees('after ON CONFLICT and MERGE');
SELECT results_eq('SELECT * FROM athar.refresh_measurements()', 'VALUES (16::bigint, 0::bigint, NULL::text[])', 'four days of four KPIs');

-- a slow reader, with the snapshot of before
DECLARE reader CURSOR FOR SELECT * FROM pg_temp.shown('mean') ORDER BY 4;
INSERT INTO app.visit (service, at, value) VALUES ('s1', '2026-01-01 12:00+00', 100);
SELECT athar.refresh_measurements();
SELECT results_eq('FETCH ALL FROM reader', $$VALUES ('s1', NULL, NULL, date '2026-01-01', 2::bigint, 4::numeric), ('s2', NULL, NULL, '2026-02-03', 1, 2)$$, 'a cursor shows what was');
CLOSE reader;
SELECT pg_temp.agrees('a query what is');

--
-- Kinds of columns
--
SELECT athar.define_kpi('typed', 'Typed', 'x', 'up');
CREATE DOMAIN app.small AS integer CHECK (VALUE < 100);
CREATE DOMAIN app.smaller AS app.small;
CREATE TYPE app.way AS ENUM ('web', 'desk');
CREATE FUNCTION pg_temp.typed(type text, value text) RETURNS double precision LANGUAGE plpgsql AS $$
DECLARE
	result double precision;
BEGIN
	EXECUTE format('CREATE TABLE app.typed (at timestamptz, v %s)', type);
	EXECUTE format('INSERT INTO app.typed VALUES (''2026-01-01'', %L)', value);
	PERFORM athar.attach_source('typed', 'app.typed', 'v', 'at');
	SELECT m.value INTO result FROM athar.measurements AS m WHERE kpi = 'typed';
	PERFORM athar.detach_source('typed', 'app.typed');
	DROP TABLE app.typed;
	RETURN result;
END $$;
SELECT results_eq($$SELECT pg_temp.typed(t, v) FROM (VALUES ('smallint', '7'), ('integer', '-7'), ('bigint', '9007199254740993'), ('real', '1.5'),
	('double precision', '1.25'), ('numeric(5,2)', '3.14'), ('boolean', 't'), ('interval', '1 day 2 hours'), ('app.smaller', '9'),
	('numeric', '1e400'), ('numeric', '-1e151'), ('double precision', '1e151'), ('numeric', '1e-400')) AS x (t, v)$$,
	$$VALUES (7::double precision), (-7), (9007199254740992), (1.5), (1.25), (3.14), (1), (93600), (9), (NULL), (NULL), (NULL), (0)$$, 'every type has its number');
CREATE TABLE app.days (day date, local timestamp, at timestamptz, way app.way, unit uuid, number bigint, v integer);
INSERT INTO app.days VALUES ('2026-01-01', '2026-01-01 23:59:59.999999', '2026-01-01 23:59:59.999999-05', 'web', 'a0000000-0000-0000-0000-000000000000', 7, 1),
	('0001-01-01', '9999-12-31 23:59:59.999999', '0001-01-01 00:00+00', 'web', NULL, NULL, 1),
	('infinity', '-infinity', NULL, NULL, NULL, NULL, 1), ('0001-12-31 BC', '10000-01-01', '9999-12-31 23:59:59.999999+00', NULL, NULL, NULL, 1);
SELECT athar.attach_source('mean', 'app.days', 'v', 'day');
SELECT results_eq($$SELECT period_start FROM athar.measurements WHERE kpi = 'mean' AND source = 'app.days' ORDER BY 1$$, $$VALUES (date '0001-01-01'), ('2026-01-01')$$, 'days of dates');
SELECT athar.attach_source('mean', 'app.days', 'v', 'local');
SELECT results_eq($$SELECT period_start FROM athar.measurements WHERE kpi = 'mean' AND source = 'app.days' ORDER BY 1$$, $$VALUES (date '2026-01-01'), ('9999-12-31')$$, 'days of local times');
SELECT athar.attach_source('mean', 'app.days', 'v', 'at', 'number', 'way');
SELECT athar.define_service('7', 'Seven', 'u');
SELECT results_eq($$SELECT period_start, service, channel FROM athar.measurements WHERE kpi = 'mean' AND source = 'app.days' ORDER BY 1$$,
	$$VALUES (date '0001-12-31 BC', NULL::text, 'web'), ('2026-01-01', '7', 'web'), ('9999-12-31', NULL, NULL)$$, 'days of instants, codes that are numbers and labels');
SELECT athar.refresh_measurements();
UPDATE app.days SET number = 7, v = 3;
SELECT results_eq($$SELECT period_start, service, channel, value FROM athar.measurements WHERE kpi = 'mean' AND source = 'app.days' ORDER BY 1$$,
	$$VALUES (date '0001-12-31 BC', '7', 'web', 3::double precision), ('2026-01-01', '7', 'web', 3), ('9999-12-31', '7', NULL, 3)$$, 'also while they wait');
SELECT athar.detach_source('mean', 'app.days');

SELECT results_eq($$SELECT kpi, relation::text FROM athar.sources ORDER BY 1$$, $$VALUES ('mean', 'app.visit'), ('ratio', 'app.visit'), ('sum', 'app.visit'), ('within', 'app.visit')$$, 'sources lists them');

-- days on which clocks change, with and without an index, on the fly and stored
CREATE TABLE app.clock (at timestamptz, v integer, s text);
INSERT INTO app.clock SELECT t, 1, 's1' FROM generate_series(timestamptz '2024-11-02 12:00+00', '2024-11-05 12:00+00', '30 minutes') AS t;
SELECT athar.attach_source('mean', 'app.clock', 'v', 'at', 's');
CREATE FUNCTION pg_temp.clock() RETURNS TABLE (day date, n bigint) LANGUAGE sql AS $$
	SELECT period_start, m.n FROM athar.measurements AS m WHERE source = 'app.clock' ORDER BY 1 $$;
CREATE TEMP TABLE clock AS SELECT (at AT TIME ZONE 'America/Havana')::date AS day, count(*) AS n FROM app.clock GROUP BY 1 ORDER BY 1;
SELECT is((SELECT max(n) FROM clock), 50::bigint, 'a day of 25 hours');
SELECT results_eq('SELECT * FROM pg_temp.clock()', 'TABLE clock', 'read whole');
SELECT athar.refresh_measurements();
UPDATE app.clock SET v = 2;
SELECT results_eq('SELECT * FROM pg_temp.clock()', 'TABLE clock', 'read by days');
CREATE INDEX ON app.clock (s, at);
SELECT results_eq('SELECT * FROM pg_temp.clock()', 'TABLE clock', 'by an index');
SELECT athar.refresh_measurements();
SELECT results_eq('SELECT * FROM pg_temp.clock()', 'TABLE clock', 'and stored');
SELECT athar.detach_source('mean', 'app.clock');

--
-- Partitions
--
CREATE TABLE app.event (at timestamptz NOT NULL, service text, v integer) PARTITION BY RANGE (at);
CREATE TABLE app.event_1 (v integer, gone text, at timestamptz NOT NULL, service text);
ALTER TABLE app.event_1 DROP COLUMN gone;
ALTER TABLE app.event ATTACH PARTITION app.event_1 FOR VALUES FROM ('2026-01-01 UTC') TO ('2026-02-01 UTC');
CREATE TABLE app.event_rest PARTITION OF app.event DEFAULT PARTITION BY LIST (service);
CREATE TABLE app.event_rest_1 PARTITION OF app.event_rest DEFAULT;
INSERT INTO app.event SELECT timestamptz '2026-01-05 UTC' + i * interval '12 hours', 's1', i FROM generate_series(1, 60) AS i;
SELECT athar.attach_source('sum', 'app.event', 'v', 'at', 'service');
CREATE FUNCTION pg_temp.events(what text) RETURNS text LANGUAGE sql AS $$
	SELECT results_eq($q$SELECT period_start, value FROM athar.measurements WHERE source = 'app.event' ORDER BY 1$q$,
		$q$SELECT (at AT TIME ZONE 'Asia/Riyadh')::date, sum(v)::double precision FROM app.event WHERE service = 's1' GROUP BY 1 ORDER BY 1$q$, what) $$;
SELECT pg_temp.events('a partitioned table');
SELECT athar.refresh_measurements();
SELECT pg_temp.events('as stored');
INSERT INTO app.event_1 VALUES (100, '2026-01-10 UTC', 's1');
INSERT INTO app.event_rest_1 VALUES ('2026-03-10 UTC', 's1', 100);
SELECT is((SELECT count(*) FROM athar.dirty_source), 2::bigint, 'rows written into partitions are noticed');
UPDATE app.event SET at = at + interval '1 month' WHERE v = 100;
SELECT pg_temp.events('rows that move from one partition to another');
SELECT athar.refresh_measurements();
CREATE TABLE app.event_5 PARTITION OF app.event FOR VALUES FROM ('2026-05-01 UTC') TO ('2026-06-01 UTC');
SELECT is((SELECT count(*) FROM athar.dirty_source), 0::bigint, 'a new partition has nothing to tell');
INSERT INTO app.event_5 VALUES ('2026-05-10 UTC', 's1', 5);
SELECT pg_temp.events('but rows that come into it have');
SELECT athar.refresh_measurements();
TRUNCATE app.event_5;
SELECT pg_temp.events('a partition that is truncated');
SELECT athar.refresh_measurements();
ALTER TABLE app.event DETACH PARTITION app.event_1;
SELECT pg_temp.events('one that is detached');
SELECT athar.refresh_measurements();
INSERT INTO app.event_1 VALUES (100, '2026-01-10 UTC', 's1');
TRUNCATE app.event_1;
SELECT is((SELECT count(*) FROM athar.dirty_source), 0::bigint, 'what is no partition any more is none of our business');
INSERT INTO app.event_1 VALUES (100, '2026-01-10 UTC', 's1');
ALTER TABLE app.event ATTACH PARTITION app.event_1 FOR VALUES FROM ('2026-01-01 UTC') TO ('2026-02-01 UTC');
SELECT pg_temp.events('one that comes with rows');
SELECT athar.refresh_measurements();
DROP TABLE app.event_rest;
SELECT pg_temp.events('one that is dropped');
SELECT throws_ok($$SELECT athar.attach_source('sum', 'app.event_1', 'v', 'at')$$, '42710', 'table "event_1" shares rows with table "event", which is a source of the KPI already', 'no row counts twice');
SELECT lives_ok($$SELECT athar.attach_source('mean', 'app.event_1', 'v', 'at')$$, 'a partition may be a source by itself');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.event', 'v', 'at')$$, '42710');
SELECT athar.detach_source('mean', 'app.event_1'), athar.detach_source('sum', 'app.event');
SELECT is_empty($$SELECT tgname FROM pg_trigger WHERE tgrelid::regclass::text LIKE 'app.event%'$$, 'detach_source takes every trigger');

--
-- Names
--
CREATE SCHEMA "Odd ""one";
DO $$ BEGIN
	EXECUTE 'CREATE TABLE "Odd ""one"."t;--''%s %I" ("select" double precision, "a""b" text, "at time zone" timestamptz, "القناة" text, '
		|| (SELECT string_agg('c' || i || ' integer', ', ') FROM generate_series(1, 1596) AS i) || ')';
END $$;
SELECT lives_ok($$SELECT athar.attach_source('mean', '"Odd ""one"."t;--''%s %I"', 'select', 'at time zone', 'a"b', 'القناة')$$, 'any names, 1600 columns');
INSERT INTO "Odd ""one"."t;--'%s %I" VALUES (5, 's2', '2026-01-01 12:00+00', 'web');
SELECT athar.refresh_measurements();
INSERT INTO "Odd ""one"."t;--'%s %I" VALUES (7, 's2', '2026-01-01 12:00+00', 'web');
SELECT results_eq($$SELECT service, channel, n, value FROM athar.measurements WHERE source LIKE '"Odd%'$$, $$VALUES ('s2', 'web', 2::bigint, 6::double precision)$$, 'are read');
SELECT athar.detach_source('mean', '"Odd ""one"."t;--''%s %I"');

-- Names of a user's that stand in the way of the server's
CREATE SCHEMA trap;
CREATE FUNCTION trap.coalesce(text, text) RETURNS text LANGUAGE sql AS $$ SELECT 'trapped' $$;
CREATE FUNCTION trap.timezone(text, timestamptz) RETURNS timestamp LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION trap.less(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE FUNCTION trap.less(varchar, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
CREATE OPERATOR trap.= (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.less);
CREATE OPERATOR trap.= (LEFTARG = varchar, RIGHTARG = text, FUNCTION = trap.less);
CREATE TABLE trap.dirty_source (LIKE athar.dirty_source);
SET LOCAL search_path = trap, athar, pg_catalog, public;
INSERT INTO app.visit (service, at, value) VALUES ('s1', '2026-01-01 12:00+00', 8);
SELECT athar.refresh_measurements();
INSERT INTO app.visit (service, at, value) VALUES ('s1', '2026-01-01 12:00+00', 9);
CREATE TEMP TABLE seen AS SELECT count(*) AS n FROM athar.measurements;
RESET search_path;
SELECT is((SELECT n FROM seen), (SELECT count(*) FROM athar.measurements), 'readers meet no names of others');
SELECT is((SELECT count(*) FROM trap.dirty_source), 0::bigint, 'nothing went astray');
SELECT pg_temp.agrees('with names in the way');
SELECT athar.refresh_measurements();

--
-- What breaks a source breaks no write
--
CREATE FUNCTION pg_temp.problem(kpi text) RETURNS text LANGUAGE sql AS $$ SELECT problem FROM athar.sources AS s WHERE s.kpi = problem.kpi AND relation_name = 'app.visit' $$;
CREATE TEMP TABLE known AS SELECT * FROM pg_temp.shown('sum');
ALTER TABLE app.visit RENAME TO call;
INSERT INTO app.call (service, at, value) VALUES ('s1', '2026-01-01 12:00+00', 1);
ALTER TABLE app.call RENAME TO visit;
SELECT pg_temp.agrees('while the table had another name');
SELECT athar.refresh_measurements();
TRUNCATE known;
INSERT INTO known SELECT * FROM pg_temp.shown('sum');
ALTER TABLE app.visit RENAME value TO amount;
SELECT lives_ok($$INSERT INTO app.visit (service, at, amount) VALUES ('s1', '2026-01-01 12:00+00', 50)$$, 'a renamed column fails no write');
SELECT is(pg_temp.problem('sum'), 'column "value" does not exist', 'it is told');
SELECT is((SELECT is_read FROM athar.sources WHERE kpi = 'sum' AND relation_name = 'app.visit'), false, 'and that figures are old');
SELECT results_eq($$SELECT * FROM pg_temp.shown('sum') ORDER BY 1, 2, 3, 4$$, 'SELECT * FROM known ORDER BY 1, 2, 3, 4', 'readers show what was known last');
SELECT athar.define_kpi('other', 'Other', 'x', 'up'), athar.record_observation('other', 1, '2025-05-05');
SELECT is((SELECT refreshed FROM athar.refresh_measurements()), 2::bigint, 'others are refreshed: observations, and the KPI that reads another column');
SELECT is((SELECT broken FROM athar.refresh_measurements()), ARRAY['KPI "mean" from visit: column "value" does not exist',
	'KPI "sum" from visit: column "value" does not exist', 'KPI "ratio" from visit: column "value" does not exist'], 'the refresh names them');
SELECT is((SELECT remaining FROM athar.refresh_measurements()), 0::bigint, 'what cannot be refreshed does not count as left');
ALTER TABLE app.visit RENAME amount TO value;
SELECT is(pg_temp.problem('sum'), NULL, 'under its old name it is read again');
SELECT pg_temp.agrees('and nothing was missed');
SELECT athar.refresh_measurements();
ALTER TABLE app.visit ALTER value TYPE text;
SELECT is(pg_temp.problem('sum'), 'column "value" is of type text, not a number, an interval or a boolean', 'a column of another type');
ALTER TABLE app.visit ALTER value TYPE numeric USING value::numeric * 2;
SELECT is(pg_temp.problem('sum'), NULL, 'and back');
SELECT pg_temp.agrees('values that were computed anew');
SELECT athar.refresh_measurements();
ALTER TABLE app.visit DISABLE TRIGGER ALL;
SELECT is(pg_temp.problem('sum'), 'its triggers are disabled', 'triggers that are disabled');
INSERT INTO app.visit (service, at, value) VALUES ('s3', '2026-01-01 12:00+00', 50);
SELECT athar.refresh_measurements();
ALTER TABLE app.visit ENABLE TRIGGER ALL;
SELECT pg_temp.agrees('when they fire again');
SELECT athar.refresh_measurements();
SET LOCAL session_replication_role = replica;
INSERT INTO app.visit (service, at, value) VALUES ('s3', '2026-01-01 12:00+00', 60);
RESET session_replication_role;
SELECT pg_temp.agrees('what a replica applies');
SELECT athar.refresh_measurements();
TRUNCATE known;
INSERT INTO known SELECT * FROM pg_temp.shown('sum');
CREATE TEMP TABLE gone AS SELECT 'app.visit'::regclass::oid AS relation;
DROP TABLE app.visit;
SELECT is(pg_temp.problem('sum'), 'the table does not exist', 'a dropped table');
SELECT results_eq($$SELECT * FROM pg_temp.shown('sum') ORDER BY 1, 2, 3, 4$$, 'SELECT * FROM known ORDER BY 1, 2, 3, 4', 'leaves what was known last');
SELECT is((SELECT broken FROM athar.refresh_measurements())[1], 'KPI "mean" from a table that was dropped: the table does not exist', 'the refresh tells');
SELECT lives_ok($$SELECT athar.detach_source(kpi, relation) FROM athar.sources WHERE NOT is_read$$, 'it can be detached');
SELECT is((SELECT count(*) FROM athar.source_bucket), 0::bigint, 'which takes its figures');
SELECT is((SELECT count(*) FROM athar.kpi_source), 0::bigint, 'and its place');

--
-- Two tables of one KPI, and a KPI with a table and observations
--
CREATE TABLE app.north (at timestamptz, v integer);
CREATE TABLE app.south (at timestamptz, v integer);
INSERT INTO app.north VALUES ('2026-01-01 12:00+00', 2);
INSERT INTO app.south VALUES ('2026-01-01 12:00+00', 6), ('2026-01-01 13:00+00', 7);
SELECT athar.attach_source('typed', 'app.north', 'v', 'at'), athar.attach_source('typed', 'app.south', 'v', 'at');
SELECT athar.record_observation('typed', 1, '2026-01-01 12:00+00');
SELECT results_eq($$SELECT source, n, value FROM athar.measurements WHERE kpi = 'typed' ORDER BY source$$, $$VALUES ('app.north', 1::bigint, 2::double precision), ('app.south', 2, 6.5), (NULL, 1, 1)$$, 'each has its row');
SELECT is((SELECT athar.mean(athar.merge(summary)) FROM athar.measurement_rows WHERE kpi = 'typed'), 4::double precision, 'and they merge');
SELECT throws_ok($$SELECT athar.define_kpi('typed', 'Typed', 'x', 'down')$$, '55000', 'KPI "typed" has figures, so its direction cannot change', 'a KPI with a source keeps its meaning');

--
-- Effects: one point a day
--
SELECT athar.define_kpi('after', 'After', 'days', 'down');
CREATE TABLE app.case_closed (service text, closed_at timestamptz, days integer);
INSERT INTO app.case_closed SELECT 's1', timestamptz '2025-12-01 UTC' + i * interval '6 hours', CASE WHEN i < 124 THEN 20 ELSE 12 END + i % 3 FROM generate_series(0, 247) AS i;
SELECT athar.attach_source('after', 'app.case_closed', 'days', 'closed_at', 'service');
CREATE TEMP TABLE effect AS SELECT * FROM athar.measure_effect('after', 's1', '2026-01-01 UTC', '1 month', controls => '{}');
SELECT results_eq('SELECT before_n, after_n, verdict FROM effect', $$VALUES (31::bigint, 31::bigint, 'improved')$$, 'measure_effect compares its days');
SELECT ok((SELECT 'by_period' = ANY (flags) FROM effect), 'and says so');
SELECT athar.refresh_measurements();
SELECT results_eq($$SELECT * FROM athar.measure_effect('after', 's1', '2026-01-01 UTC', '1 month', controls => '{}')$$, 'TABLE effect', 'the same from summaries');
SELECT is((SELECT value FROM athar.service_scorecard WHERE service = 's1' AND kpi = 'after'), 13::double precision, 'the scorecard shows it');

--
-- Refused
--
CREATE VIEW app.seen AS SELECT * FROM app.north;
CREATE MATERIALIZED VIEW app.kept AS SELECT * FROM app.north;
CREATE TEMP TABLE shortlived (at timestamptz, v integer);
SELECT throws_ok($$SELECT athar.attach_source(NULL, 'app.north', 'v', 'at')$$, '22023', 'a source needs a KPI');
SELECT throws_ok($$SELECT athar.attach_source('mean', NULL, 'v', 'at')$$, '22023', 'a source needs a table');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.north', NULL, 'at')$$, '22023', 'a source needs a value_column');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.north', 'v', NULL)$$, '22023', 'a source needs an observed_at_column');
SELECT throws_ok($$SELECT athar.attach_source('x', 'app.north', 'v', 'at')$$, '42704', 'KPI "x" does not exist');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.north', 'x', 'at')$$, '42703', 'column "x" of table "north" does not exist');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.north', 'V', 'at')$$, '42703', NULL, 'names are literal');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.north', 'ctid', 'at')$$, '42703', NULL, 'no system column');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.north', 'at', 'at')$$, '42804', 'table "north" cannot be the source of KPI "mean": column "at" is of type timestamp with time zone, not a number, an interval or a boolean');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.north', 'v', 'v')$$, '42804');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.north', 'v', 'at', stage_column => 'v')$$, '22023', 'a stage_column is given without a service_column');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.north', 'v', 'at', denominator_column => 'v')$$, '22023', 'KPI "mean" takes no denominator');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.seen', 'v', 'at')$$, '42809', '"seen" is not a table and cannot be the source of a KPI');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'app.kept', 'v', 'at')$$, '42809');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'shortlived', 'v', 'at')$$, '42809', '"shortlived" is a temporary table and cannot be the source of a KPI');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'pg_class', 'relpages', 'relname')$$, '42809');
SELECT throws_ok($$SELECT athar.attach_source('mean', 'athar.observation', 'value', 'observed_at')$$, '42809', '"observation" belongs to athar and cannot be the source of a KPI');
SELECT throws_ok($$SELECT athar.detach_source('mean', 'app.north')$$, '55000', 'table "north" is no source of KPI "mean"');
SELECT is_empty($$SELECT tgname FROM pg_trigger WHERE tgrelid = 'app.kept'::regclass OR tgrelid = 'shortlived'::regclass$$, 'and leaves nothing behind');

--
-- Rights
--
CREATE ROLE source_owner;
CREATE ROLE source_reader;
CREATE ROLE source_writer;
SELECT athar.grant_access('source_owner', 'administer'), athar.grant_access('source_reader', 'read');
GRANT CREATE, USAGE ON SCHEMA app TO source_owner;
GRANT USAGE ON SCHEMA app TO source_writer;
CREATE FUNCTION pg_temp.state_of(role name, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', role);
	EXECUTE statement;
	RETURN 'done';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT is(pg_temp.state_of('source_owner', $$SELECT athar.attach_source('mean', 'app.north', 'v', 'at')$$), '42501', 'who does not own a table cannot attach it');
SELECT is(pg_temp.state_of('source_owner', $$SELECT athar.detach_source('typed', 'app.north')$$), '42501', 'nor detach it');
SELECT is(pg_temp.state_of('source_reader', $$SELECT athar.attach_source('mean', 'app.north', 'v', 'at')$$), '42501', 'a reader not at all');
SET LOCAL ROLE source_owner;
CREATE TABLE app.own (at timestamptz, v integer, s text);
-- code of the owner's, where it could be met: it notes on whose behalf it runs
CREATE TABLE app.met (who name);
GRANT INSERT ON app.met TO PUBLIC;
CREATE FUNCTION app.spy(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN
	IF current_user <> 'source_owner' THEN RAISE EXCEPTION 'met %', current_user; END IF;
	RETURN $1; END $$;
CREATE INDEX ON app.own (app.spy(v));
CREATE INDEX ON app.own (s, at) WHERE app.spy(1) = 1;
ALTER TABLE app.own ADD CHECK (app.spy(1) = 1) NOT VALID;
SELECT athar.attach_source('mean', 'app.own', 'v', 'at', 's');
INSERT INTO app.own VALUES ('2026-01-01 12:00+00', 5, 's1');
SELECT athar.refresh_measurements();
INSERT INTO app.own VALUES ('2026-01-01 12:00+00', 7, 's1');
GRANT INSERT ON app.own TO source_writer;
RESET ROLE;
SELECT is(pg_temp.state_of('source_reader', 'SELECT FROM app.own'), '42501', 'a reader of figures cannot read the table');
SET LOCAL ROLE source_reader;
SELECT results_eq($$SELECT service, n, value FROM athar.measurements WHERE source = 'app.own'$$, $$VALUES ('s1', 2::bigint, 6::double precision)$$, 'but its figures, clean or not');
RESET ROLE;
SELECT results_eq($$SELECT n FROM athar.measurements WHERE source = 'app.own'$$, $$VALUES (2::bigint)$$, 'the owner''s code runs with his rights alone, also for a superuser');
SELECT lives_ok($$SELECT athar.refresh_measurements()$$, 'and in the refresh');
SELECT is((SELECT problem FROM athar.sources WHERE relation_name = 'app.own'), NULL, 'which reads it');
ALTER TABLE app.own DROP CONSTRAINT own_check;
DROP INDEX app.own_spy_idx, app.own_s_at_idx;
SET LOCAL ROLE source_writer;
SELECT lives_ok($$INSERT INTO app.own VALUES ('2026-01-01 12:00+00', 9, 's1')$$, 'a writer needs no right of ours');
RESET ROLE;
SELECT results_eq($$SELECT n FROM athar.measurements WHERE source = 'app.own'$$, $$VALUES (3::bigint)$$, 'and is heard');
ALTER TABLE app.own ENABLE ROW LEVEL SECURITY;
SELECT is((SELECT problem FROM athar.sources WHERE relation_name = 'app.own'), NULL, 'row security does not concern the owner');
ALTER TABLE app.own FORCE ROW LEVEL SECURITY;
SELECT is((SELECT problem FROM athar.sources WHERE relation_name = 'app.own'), 'its row security is forced upon its owner, who then does not see every row', 'unless it is forced');
ALTER TABLE app.own NO FORCE ROW LEVEL SECURITY;
REVOKE SELECT ON app.own FROM source_owner;
SELECT is((SELECT problem FROM athar.sources WHERE relation_name = 'app.own'), 'its owner may not read it', 'an owner without SELECT');
GRANT SELECT ON app.own TO source_owner;
-- a trigger of ours, put on another table
CREATE TABLE app.copy (LIKE app.own);
DO $$ BEGIN EXECUTE format('CREATE TRIGGER forged AFTER INSERT ON app.copy FOR EACH ROW EXECUTE FUNCTION athar.queue_source(%s)',
	(SELECT id FROM athar.kpi_source WHERE relation_name = 'app.own')); END $$;
SELECT athar.refresh_measurements();
INSERT INTO app.copy VALUES ('2026-01-01 12:00+00', 9, 's1');
SELECT is((SELECT count(*) FROM athar.dirty_source), 0::bigint, 'says nothing about the source');

-- in the log, and beside the capture of changes
SELECT athar.track('app.own');
INSERT INTO app.own SELECT '2026-02-01 12:00+00', i, 's1' FROM generate_series(1, 50) AS i;
SELECT is((SELECT count(*) FROM athar.change_log WHERE relation = 'app.own' AND operation = 'INSERT'), 50::bigint, 'a tracked table');
SELECT results_eq($$SELECT n FROM athar.measurements WHERE source = 'app.own' AND period_start = '2026-02-01'$$, $$VALUES (50::bigint)$$, 'is a source as well');
SELECT ok(EXISTS (SELECT FROM athar.change_log WHERE relation = 'athar.kpi_source' AND operation = 'INSERT'), 'what is attached is in the log');
SELECT athar.untrack('app.own');
SELECT is((SELECT problem FROM athar.sources WHERE relation_name = 'app.own'), NULL, 'the one goes, the other stays');

SELECT * FROM finish();
ROLLBACK;
