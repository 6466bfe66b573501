-- fill: a small database with something in every table, for the tests of
-- dump and restore, upgrade and removal. Run in psql with ON_ERROR_STOP, in a
-- database that has the extension and nothing else; the roles athar_reader and
-- athar_manager must exist.

SELECT athar.grant_access('athar_reader', 'read');
SELECT athar.define_unit('dept', 'Department');
SELECT athar.grant_access('athar_manager', 'manage', 'dept');

-- An application's own tables, tracked: with and without a key, with a
-- generated column, with values that are hard to write down.
CREATE TABLE public.licence (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	holder text NOT NULL,
	fee numeric(12, 2),
	ratio double precision,
	scan bytea,
	tags text[],
	note jsonb,
	valid_during tstzrange,
	holder_upper text GENERATED ALWAYS AS (upper(holder)) STORED,
	replaces_id integer REFERENCES public.licence
);
CREATE TABLE public.visit (at timestamptz, place text);
CREATE TABLE public.payment (
	id bigint,
	paid_on date,
	amount numeric,
	PRIMARY KEY (id, paid_on)
) PARTITION BY RANGE (paid_on);
CREATE TABLE public.payment_2024 PARTITION OF public.payment FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE public.payment_2025 PARTITION OF public.payment FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE public.person (id integer PRIMARY KEY, name text, pin text, photo text);
CREATE TABLE public.clerk (office text, PRIMARY KEY (id, office)) INHERITS (public.person);
SELECT athar.track('public.person', exclude => '{photo}', mask => '{pin}');
SELECT athar.track('public.licence');
SELECT athar.track('public.visit');
SELECT athar.track('public.payment', require_reason => true);

BEGIN;
SELECT athar.set_context('clerk 7', 'opening stock');
INSERT INTO public.licence (holder, fee, ratio, scan, tags, note, valid_during) VALUES
	('Ann', 12.50, 1e-300, '\x00ff', ARRAY['a b', 'c"d', NULL, ''], '{"n": 12345678901234567.89, "s": "\\ \t"}', '[2024-01-01, 2025-01-01)'),
	('ليلى', NULL, 'NaN', NULL, '{}', 'null', 'empty'),
	(E'Tab\tNew\nline\\.', 0.10, '-Infinity', '', NULL, NULL, '(,)');
INSERT INTO public.licence (holder, note) SELECT 'bulk ' || n, jsonb_build_object('filler', repeat(md5(n::text), 200)) FROM generate_series(1, 50) AS n;
INSERT INTO public.visit SELECT '2024-06-01 12:00+00'::timestamptz + n * interval '1 hour', 'counter ' || n % 3 FROM generate_series(1, 20) AS n;
INSERT INTO public.payment SELECT n, '2024-12-20'::date + n, n * 1.10 FROM generate_series(1, 20) AS n;
COMMIT;
INSERT INTO public.person VALUES (1, 'Ann', 'secret', 'face');
INSERT INTO public.clerk VALUES (2, 'Ben', 'secret', 'face', 'North'), (3, 'Cem', NULL, NULL, 'South');
SELECT athar.create_mark('stock taken');
UPDATE public.licence SET fee = coalesce(fee, 0) + 1, replaces_id = nullif(id - 1, 0) WHERE id <= 20;
DELETE FROM public.licence WHERE id BETWEEN 40 AND 45;
DELETE FROM public.visit WHERE place = 'counter 1';
UPDATE public.person SET name = upper(name), pin = 'another secret' WHERE id < 3;
DELETE FROM public.clerk WHERE office = 'South';
BEGIN;
SET LOCAL athar.reason = 'corrected';
UPDATE public.payment SET paid_on = '2025-02-01' WHERE id = 3;
COMMIT;
BEGIN;
UPDATE public.licence SET holder = 'never' WHERE id = 1;
ROLLBACK;
SELECT athar.create_mark('first changes');
TRUNCATE public.visit;

-- The catalogue.
SELECT athar.define_unit('agency', 'Agency', name_ar => 'وكالة', parent => 'dept', kind => 'agency');
SELECT athar.define_service('permit', 'Building permit', 'agency');
SELECT athar.define_service('renewal', 'Renewal', 'agency', parent => 'permit');
SELECT athar.define_channel('web', 'Web', is_digital => true);
SELECT athar.define_channel('desk', 'Counter', is_assisted => true);
SELECT athar.define_stage('permit', 'apply', 'Apply', 1);
SELECT athar.define_stage('permit', 'decide', 'Decide', 2);
SELECT athar.define_offering('permit', 'apply', 'web');
SELECT athar.define_offering('permit', 'apply', 'desk', is_offered => false);

-- Indicators: single values, refreshed in part, and figures from elsewhere.
SELECT athar.define_kpi('days', 'Days to decision', 'days', 'down', smallest_change => 0.5);
SELECT athar.define_kpi('digital', 'Digital share', 'share', 'up', kind => 'ratio');
SELECT athar.define_kpi_bands('digital', '[{"code": "low", "name": "Low", "name_ar": "منخفض"}, {"code": "high", "from": 0.3}]');
SELECT athar.define_kpi_bands('digital', '[{"code": "low"}, {"code": "high", "from": 0.8, "to": 1.5}]', '2024-06-01');
SELECT athar.record_observation('days', 20 + (n * 7) % 5 - CASE WHEN n > 60 THEN 6 ELSE 0 END, '2024-01-01 10:00+00'::timestamptz + n * interval '1 day', 'permit', CASE WHEN n % 2 = 0 THEN 'web' ELSE 'desk' END)
FROM generate_series(1, 120) AS n;
SELECT athar.refresh_measurements();
SELECT athar.report_measurement('digital', daterange(('2023-01-01'::date + make_interval(months => 3 * n))::date, ('2023-01-01'::date + make_interval(months => 3 * n + 3))::date),
	athar.summary_of(ARRAY[0, 1], ARRAY[500 - 20 * n, 500 + 20 * n]), 'renewal', basis => 'quarter', source => 'yearbook')
FROM (SELECT generate_series(0, 7) AS n) AS q;
SELECT athar.define_kpi_relation('digital', 'part_of', 'days', is_checked => false);
SELECT count(*) FROM athar.load_preset('gds4');
INSERT INTO athar.preset_kpi (preset, ordinal, code, name, name_ar, unit_of_measure, direction, bands, description)
VALUES ('own', 1, 'calls', 'Calls', 'المكالمات', 'calls', 'down', '[{"code": "few"}, {"code": "many", "from": 100}]', 'Calls about one case');

-- A table that a KPI is read from: refreshed, then changed again; a column that is gone makes others' numbers differ after a restore.
CREATE TABLE public.handled (gone integer, service text, at timestamptz, days numeric);
ALTER TABLE public.handled DROP COLUMN gone;
CREATE INDEX ON public.handled (service, at);
SELECT athar.define_kpi('handled', 'Days to an answer', 'days', 'down');
SELECT athar.attach_source('handled', 'public.handled', 'days', 'at', 'service');
INSERT INTO public.handled SELECT 'permit', '2024-01-01 10:00+00'::timestamptz + n * interval '1 hour', n % 7 FROM generate_series(1, 100) AS n;
SELECT athar.refresh_measurements();
-- The same of a partitioned one, in a schema of its own.
CREATE SCHEMA "Odd one";
CREATE TABLE "Odd one"."Visits" (at date, n integer) PARTITION BY RANGE (at);
CREATE TABLE "Odd one"."Visits 2024" PARTITION OF "Odd one"."Visits" FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
SELECT athar.define_kpi('visits', 'Visits', 'visits', 'up', 'sum');
SELECT athar.attach_source('visits', '"Odd one"."Visits"', 'n', 'at');

-- A table whose definition changes between its changes; a dump makes its columns' numbers others.
CREATE TABLE public.tariff (gone integer, id integer PRIMARY KEY, fee numeric, note text);
ALTER TABLE public.tariff DROP COLUMN gone;
SELECT athar.track('public.tariff');
INSERT INTO public.tariff VALUES (1, 10, 'one'), (2, 20, 'two');
SELECT athar.create_mark('tariff');
ALTER TABLE public.tariff RENAME fee TO amount;
UPDATE public.tariff SET amount = amount + 1;
ALTER TABLE public.tariff DROP COLUMN note;
ALTER TABLE public.tariff ADD COLUMN note text;
DELETE FROM public.tariff WHERE id = 2;
INSERT INTO public.tariff VALUES (3, 30, 'three');
SELECT count(*) FROM athar.tracking_status('public.tariff');

-- A plan with three versions and a draft in conflict.
SELECT athar.set_context('planner', 'setting up');
SELECT athar.create_project('faster', 'Faster permits', 'agency',
	'{"title": "Faster permits", "title_ar": "تصاريح أسرع", "budget_line": 12345678901234567.890, "items": [
		{"id": "A1", "title": "Apply online", "owner": "agency", "service": "permit", "stage": "apply", "channel": "web", "live_on": "2024-03-01", "weight": 2, "kpis": [{"kpi": "days", "target": "-20%"}]},
		{"id": "A2", "title": "Fewer forms", "depends_on": ["A1"], "parent": "A1"}]}',
	'first plan');
SELECT status, version FROM athar.save_plan('faster', jsonb_set(athar.get_plan('faster'), '{items,1,title}', '"No forms"'), 1, 'bolder');
SELECT status, version FROM athar.save_plan('faster', jsonb_set(athar.get_plan('faster'), '{items,0,status}', '"live"'), 2, 'it went live');
SELECT status, draft FROM athar.save_plan('faster', jsonb_set(athar.get_plan('faster', 1), '{items,1,title}', '"Shorter forms"'), 1, 'from an old copy');
SELECT athar.name_version('faster', 2, 'agreed');
SELECT athar.record_review('faster', 'لماذا لا نلغي النموذج كله؟', action => 'A2', version => 1);
SELECT athar.record_review('faster', 'The council wants no form at all', 'decision', 'A2', reply_to => (SELECT max(id) FROM athar.review));

-- Who takes part in it, and what was agreed: this superuser is a member of athar_manager.
SELECT athar.set_participant('faster', 'dept', 'consulted'), athar.set_participant('faster', 'dept', 'informed', 'A2');
SELECT athar.request_approval('faster');
SELECT status, pending FROM athar.approve_plan('faster', 3, note => 'as discussed');

-- What is wanted, how it goes.
SELECT athar.create_cycle('2024', 'Year 2024', '[2024-01-01,2025-01-01)');
SELECT athar.create_goal('quick', 'Decisions come quickly', 'objective', '2024', unit => 'agency');
SELECT athar.create_goal('quick-days', 'Fewer days', 'key_result', '2024', 'quick', kpi => 'days', service => 'permit', target => 'from 22 to 15');
SELECT athar.create_goal('quick-typed', 'Staff trained', 'key_result', '2024', 'quick', target => 'at least 95');
SELECT athar.align('quick-days', 'faster', 'A1', 0.5);
SELECT athar.check_in('quick-typed', 80, 0.7, 'most of them', '2024-05-01');
SELECT athar.revise_goal('quick-days', 'from 22 to 14', reason => 'they are faster than we thought');
SELECT athar.roll_up_goals();
SELECT athar.record_events();
SELECT athar.create_cycle('2023', 'Year 2023', '[2023-01-01,2024-01-01)');
SELECT athar.create_goal('open-late', 'Counters open late', 'key_result', '2023', target => 'milestone');
SELECT athar.check_in('open-late', 1, at => '2023-12-01');
SELECT athar.close_cycle('2023');

SELECT athar.measure_effects();

SELECT athar.set_retention('public.licence', '2 years', '10 years', 'retention rule 7');
SELECT athar.record_reminders();
SELECT athar.schedule();
SELECT athar.run_due();

-- Left for the next refresh.
SELECT athar.record_observation('days', 14.5, '2024-03-15 10:00+00', 'permit');

-- Some of the log was archived, some has expired.
CREATE TABLE public.notice (id integer PRIMARY KEY, text text);
SELECT athar.track('public.notice');
INSERT INTO public.notice SELECT n, 'notice ' || n FROM generate_series(1, 20) AS n;
SELECT athar.create_mark('expired up to here');
UPDATE public.notice SET text = 'elsewhere' WHERE id < 5;
SELECT athar.seal();
SELECT athar.tracking_status('public.notice');
SELECT athar.expire_log((SELECT at FROM athar.mark WHERE name = 'expired up to here'), 'public.notice', 'kept long enough');
SELECT athar.archive_log('infinity', 'public.notice', 'out of the way');
UPDATE public.notice SET text = 'here' WHERE id < 3;

-- Something is left in the queue of sources.
INSERT INTO public.handled VALUES ('permit', '2024-01-01 12:00+00', 50), ('nowhere', '2024-01-01 12:00+00', 50), ('permit', '2024-01-02 12:00+00', NULL);
INSERT INTO "Odd one"."Visits" VALUES ('2024-02-29', 3), ('2024-03-01', 4);
