-- unseen: record_events() looks at what is new, and misses nothing
BEGIN;
SELECT plan(50);
SET LOCAL athar.time_zone = 'UTC';

SELECT athar.define_unit('office', 'Permit office');
SELECT athar.define_service('permit', 'Permit', 'office'), athar.define_service('renewal', 'Renewal', 'office');
SELECT athar.define_channel('web', 'Web', true);
SELECT athar.define_kpi('score', 'Score', 'points', 'up'), athar.define_kpi('wait', 'Waiting time', 'days', 'down'),
	athar.define_kpi('visit', 'Visits', 'points', 'up'), athar.define_kpi('bare', 'Without bands', 'points', 'up');
SELECT athar.define_kpi_bands(k, '[{"code": "low"}, {"code": "high", "from": 10}]') FROM unnest('{score,wait,visit}'::text[]) AS k;
SELECT athar.create_cycle('year', 'This year', daterange(current_date - 200, current_date + 165));

-- The figure of a period of ten days, counted from days long past.
CREATE FUNCTION pg_temp.report(kpi text, period integer, value double precision, service text DEFAULT 'permit', channel text DEFAULT NULL)
RETURNS bigint LANGUAGE SQL AS $$
	SELECT athar.report_measurement(kpi, daterange(current_date - 190 + 10 * period, current_date - 180 + 10 * period),
		athar.summary_of_moments(10, value, 1), service, channel);
$$;
-- What is queued, but for the day on which all are looked at again.
CREATE FUNCTION pg_temp.queued() RETURNS text LANGUAGE SQL AS $$
	SELECT coalesce(string_agg(DISTINCT coalesce(k.code || '/' || coalesce(s.code::text, ''), g.code, 'everything'), ' '), '')
	FROM athar.unseen_figure AS u
	LEFT JOIN athar.kpi AS k ON k.id = u.kpi_id
	LEFT JOIN athar.service AS s ON s.id = u.service_id
	LEFT JOIN athar.goal AS g ON g.id = u.goal_id
	WHERE u.due_at IS NULL OR u.due_at <= now()
$$;

SELECT pg_temp.report('score', 1, 5), pg_temp.report('wait', 1, 5, 'renewal'), pg_temp.report('wait', 1, 5, NULL);
SELECT is(pg_temp.queued(), 'everything score/permit wait/ wait/renewal', 'definitions queue everything, figures their series');
DELETE FROM athar.unseen_figure;
SELECT is(athar.record_events(), 0, 'where nobody has looked before');
SELECT is((SELECT count(*) FROM athar.event), 3::bigint, 'everything is looked at');
SELECT results_eq($$SELECT kpi_id, goal_id, due_at FROM athar.unseen_figure$$,
	$$SELECT NULL::integer, NULL::integer, (current_date + 1)::timestamp AT TIME ZONE 'UTC'$$, 'and will be again when the next day begins');

-- What is not queued is not looked at: that is what makes a look cheap.
ALTER TABLE athar.measurement DISABLE TRIGGER queue_unseen;
SELECT pg_temp.report('score', 2, 15);
ALTER TABLE athar.measurement ENABLE TRIGGER queue_unseen;
SELECT pg_temp.report('wait', 2, 6, 'renewal');
SELECT is(pg_temp.queued(), 'wait/renewal', 'a figure queues its series');
SELECT is(athar.record_events(), 0, 'and no other is looked at');
SELECT is(pg_temp.queued(), '', 'the queue is emptied');
UPDATE athar.unseen_figure SET due_at = now() - interval '1 minute';
SELECT is(athar.record_events(), 1, 'when a day has begun, all of them are');
SELECT is((SELECT count(*) FROM athar.unseen_figure), 1::bigint, 'until the next');
UPDATE athar.unseen_figure SET due_at = now() + interval '9 years';
SELECT is(athar.record_events(), 0, 'a clock that was set back');
SELECT is((SELECT min(due_at) FROM athar.unseen_figure), (current_date + 1)::timestamp AT TIME ZONE 'UTC', 'does not put it off for years');

-- Each way by which a figure changes, and whether it is the series alone that is queued.
CREATE FUNCTION pg_temp.look() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	queued text := pg_temp.queued();
	found integer := athar.record_events();
BEGIN
	RETURN concat_ws(': ', nullif(queued, ''), found || coalesce(' ' || (
		SELECT string_agg(concat_ws(' ', e.kpi, e.service, e.goal, e.band_to), ', ' ORDER BY e.id)
		FROM (SELECT * FROM athar.events ORDER BY id DESC LIMIT found) AS e), ''));
END $$;
SELECT pg_temp.report('score', 2, 4);
SELECT is(pg_temp.look(), 'score/permit: 1 score permit low', 'a correction');
SELECT is(pg_temp.look(), '0', 'once');
SAVEPOINT undone;
SELECT pg_temp.report('score', 3, 50);
ROLLBACK TO undone;
SELECT is(pg_temp.look(), '0', 'what is rolled back is not there');
SELECT pg_temp.report('score', 3, 20), pg_temp.report('score', 4, 4);
SELECT is(pg_temp.look(), 'score/permit: 0', 'two periods at once: the newer counts');
DELETE FROM athar.measurement WHERE id = pg_temp.report('score', 4, 4);
SELECT is(pg_temp.look(), 'score/permit: 1 score permit high', 'a figure that goes shows the one before it');
UPDATE athar.measurement SET service_id = athar.service_id('renewal') WHERE id = pg_temp.report('score', 3, 20);
SELECT is(pg_temp.look(), 'score/permit score/renewal: 0', 'a figure that goes to another series: both');
SELECT pg_temp.report('wait', 2, 11, NULL);
SELECT is(pg_temp.look(), 'wait/: 1 wait high', 'the whole');
SELECT pg_temp.report('wait', 3, 12, 'renewal', 'web');
SELECT is(pg_temp.look(), 'wait/renewal: 1 wait renewal high', 'a channel');
SELECT pg_temp.report('bare', 1, 1);
SELECT is(pg_temp.look(), 'bare/permit: 0', 'what nobody watches');

-- Observations: before they are refreshed, and after.
SELECT athar.record_observation('visit', 1, now() - interval '70 days', 'permit');
SELECT is(pg_temp.look(), '0', 'an observation is found for the first time');
SELECT athar.record_observation('visit', 30, now() - interval '40 days', 'permit');
SELECT is(pg_temp.look(), '1 visit permit high', 'another crosses, refreshed or not');
SELECT athar.refresh_measurements();
SELECT is(pg_temp.look(), 'visit/permit: 0', 'the refresh queues its series');
SELECT is(pg_temp.look(), '0', 'once');
SELECT athar.record_observation('visit', 2, now(), 'permit');
SELECT athar.refresh_measurements();
SELECT is(pg_temp.look(), 'visit/permit: 1 visit permit low', 'refreshed before anybody looked');

-- Tables of applications likewise, and codes that nobody defined.
CREATE TABLE public.visit (service text, at timestamptz, points double precision);
CREATE INDEX ON public.visit (service, at);
INSERT INTO public.visit VALUES ('renewal', now() - interval '70 days', 1), ('later', now() - interval '70 days', 1);
SELECT athar.attach_source('visit', 'public.visit', 'points', 'at', 'service');
SELECT is(pg_temp.look(), '0', 'a table is attached');
SELECT athar.refresh_measurements();
SELECT is(pg_temp.look(), 'everything: 0', 'and read whole: everything');
INSERT INTO public.visit VALUES ('renewal', now() - interval '40 days', 20), ('later', now() - interval '40 days', 1);
SELECT is(pg_temp.look(), '1 visit renewal high', 'a row crosses, refreshed or not');
SELECT athar.refresh_measurements();
SELECT is(pg_temp.look(), 'visit/renewal: 0', 'the refresh queues its series');
DELETE FROM public.visit WHERE points = 20;
INSERT INTO public.visit VALUES ('renewal', now(), 2);
SELECT athar.refresh_measurements();
SELECT is(pg_temp.look(), 'visit/renewal: 1 visit renewal low', 'refreshed before anybody looked');
SELECT athar.define_service('later', 'Later', 'office');
SELECT is(pg_temp.look(), 'everything: 0', 'a code that is defined');
SELECT is((SELECT count(*) FROM athar.event WHERE service_id = athar.service_id('later')), 1::bigint, 'has a figure from then on');

-- Definitions.
SELECT athar.define_kpi_bands('score', '[{"code": "few"}, {"code": "many", "from": 100}]');
SELECT is(pg_temp.look(), 'everything: 0', 'other bands');
SELECT is((SELECT count(*) FROM athar.event WHERE band_to = 'few'), 2::bigint, 'by which every figure is found anew');
SELECT athar.define_kpi('wait', 'Waiting time', 'days', 'down', smallest_change => 5);
SELECT athar.record_events();
SELECT pg_temp.report('wait', 4, 8, 'renewal');
SELECT is(pg_temp.look(), 'wait/renewal: 0', 'back by less than matters');
SELECT athar.define_kpi('wait', 'Waiting time', 'days', 'down', smallest_change => 1);
SELECT is(pg_temp.look(), 'everything: 1 wait renewal low', 'until less matters, too');

-- Goals.
SELECT athar.create_goal('short', 'Short waits', 'key_result', 'year', kpi => 'wait', service => 'renewal', target => 'at most 5'),
	athar.create_goal('law', 'The law', 'key_result', 'year', target => 'milestone');
SELECT athar.check_in('law', 0, at => now() - interval '3 days');
SELECT is(pg_temp.look(), 'law short: 0', 'goals and check-ins queue the goal');
SELECT pg_temp.report('wait', 5, 3, 'renewal');
SELECT is(pg_temp.look(), 'wait/renewal: 1 wait renewal short met', 'a figure that a goal looks at');
SELECT athar.check_in('law', note => 'as it was'), athar.record_review(NULL, 'to be seen', 'comment', goal => 'law');
SELECT is(pg_temp.look(), '0', 'words are no figures');
SELECT athar.check_in('law', 1, at => now() + interval '3 days');
SELECT is(pg_temp.look(), '0', 'a check-in of a day to come');
SELECT is((SELECT due_at FROM athar.unseen_figure WHERE goal_id IS NOT NULL), now() + interval '3 days', 'waits for it');
SELECT athar.check_in('law', 1);
SELECT is(pg_temp.look(), 'law: 1 law met', 'a check-in');
SELECT athar.close_cycle('year');
SELECT is(pg_temp.look(), 'everything: 0', 'a cycle that is closed');

-- A job that fails, or is cancelled, leaves what it had taken to the next.
SELECT athar.schedule(NULL, NULL, NULL, NULL, '* * * * *', NULL, NULL);
SELECT pg_temp.report('wait', 6, 50, 'renewal');
ALTER TABLE athar.event ADD CONSTRAINT event_broken_check CHECK (value <> 50);
SET LOCAL client_min_messages = error;
SELECT athar.run_due();
RESET client_min_messages;
SELECT is((SELECT last_outcome || ': ' || last_message FROM athar.jobs WHERE name = 'events'),
	'failed: new row for relation "event" violates check constraint "event_broken_check" (SQLSTATE 23514)', 'a look that fails');
ALTER TABLE athar.event DROP CONSTRAINT event_broken_check;
UPDATE athar.job SET last_started_at = NULL;
SELECT is(athar.run_due(), 1, 'is made up for');
SELECT is((SELECT last_outcome || ': ' || last_message FROM athar.jobs WHERE name = 'events'), 'succeeded: 1', 'by the next');

-- Whatever happens, in whatever order: all of them together find no more than those that were queued.
SELECT setseed(0.5);
CREATE FUNCTION pg_temp.happen() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	missed bigint := 0;
	known bigint;
	kpi text;
	service text;
BEGIN
	FOR i IN 1 .. 60 LOOP
		FOR j IN 0 .. floor(random() * 3)::integer LOOP
			kpi := ('{score,wait,visit}'::text[])[1 + floor(random() * 3)];
			service := ('{permit,renewal,NULL}'::text[])[1 + floor(random() * 3)];
			CASE floor(random() * 7)
				WHEN 0, 1, 2 THEN
					PERFORM pg_temp.report(kpi, 5 + i / 6 + floor(random() * 3)::integer, 20 * random(), service, CASE WHEN random() < 0.3 THEN 'web' END);
				WHEN 3 THEN
					PERFORM athar.record_observation(kpi, 20 * random(), now() - interval '1 day' * (120 * random()), service);
				WHEN 4 THEN
					DELETE FROM athar.measurement WHERE id = (SELECT m.id FROM athar.measurement AS m ORDER BY random() LIMIT 1);
				WHEN 5 THEN
					INSERT INTO public.visit VALUES (service, now() - interval '1 day' * (120 * random()), 20 * random());
				ELSE
					PERFORM athar.refresh_measurements(1 + floor(random() * 5)::integer);
			END CASE;
		END LOOP;
		PERFORM athar.record_events();
		known := (SELECT count(*) FROM athar.event);
		PERFORM athar.find_events(false);
		missed := missed + (SELECT count(*) FROM athar.event) - known;
	END LOOP;
	RETURN missed;
END $$;
SELECT athar.define_kpi_bands('score', '[{"code": "low"}, {"code": "high", "from": 10}]');
SELECT is(pg_temp.happen(), 0::bigint, 'nothing is missed');
SELECT cmp_ok((SELECT count(*) FROM athar.events), '>', 20::bigint, 'of what there was');

-- Nobody looks: the queue does not grow for ever.
INSERT INTO athar.unseen_figure (kpi_id) SELECT athar.kpi_id('wait') FROM generate_series(1, 500000);
SELECT athar.refresh_measurements();
SELECT is((SELECT count(*) FROM athar.unseen_figure WHERE due_at IS NULL OR due_at <= now()), 1::bigint, 'what is too long becomes everything');
SELECT is(pg_temp.look(), 'everything: 0', 'which is looked at');

SELECT * FROM finish();
ROLLBACK;
