-- capture_later: partitions and heirs that are made, attached or changed after their table was tracked
BEGIN;
SELECT plan(25);
SET LOCAL client_min_messages = warning;
\ir ../data/capture.sql

-- The capture's triggers of a table, those that fire always.
CREATE FUNCTION pg_temp.triggers(relation regclass) RETURNS text LANGUAGE SQL AS $$
	SELECT string_agg(format('%s %s', g.tgname, g.tgenabled), ', ' ORDER BY g.tgname) FROM pg_trigger AS g
	WHERE g.tgrelid = triggers.relation AND g.tgfoid = 'athar.capture_change()'::regprocedure
$$;
SELECT '#athar_capture A, ~athar_capture_truncate A' AS both_triggers \gset

-- By somebody who may make tables, and knows nothing of athar.
CREATE ROLE athar_test_maker;
GRANT USAGE, CREATE ON SCHEMA app TO athar_test_maker;
CREATE TABLE app.part (id integer, year integer, v integer, PRIMARY KEY (id, year)) PARTITION BY RANGE (year);
CREATE TABLE app.person (id integer PRIMARY KEY, name text, pin text, photo text);
ALTER TABLE app.part OWNER TO athar_test_maker;
ALTER TABLE app.person OWNER TO athar_test_maker;
SELECT athar.track('app.part') AS part, athar.track('app.person', exclude => '{photo}', mask => '{pin}') AS person \gset
SET LOCAL ROLE athar_test_maker;

--
-- Partitions
--
CREATE TABLE app.part_24 PARTITION OF app.part FOR VALUES FROM (2024) TO (2025);
CREATE TABLE app.part_25 (v integer, year integer NOT NULL, id integer NOT NULL);
INSERT INTO app.part_25 VALUES (0, 2025, 1);
ALTER TABLE app.part ATTACH PARTITION app.part_25 FOR VALUES FROM (2025) TO (2026);
CREATE TABLE app.part_26 (LIKE app.part INCLUDING ALL) PARTITION BY LIST (id);
CREATE TABLE app.part_26_1 PARTITION OF app.part_26 FOR VALUES IN (1);
ALTER TABLE app.part ATTACH PARTITION app.part_26 FOR VALUES FROM (2026) TO (2027);
CREATE TABLE app.part_26_2 PARTITION OF app.part_26 FOR VALUES IN (2);
RESET ROLE;
SELECT is(pg_temp.triggers(p::regclass), :'both_triggers', p || ' is equipped') FROM unnest('{app.part_24,app.part_25,app.part_26_1,app.part_26_2}'::text[]) AS p;
SELECT is(pg_temp.triggers('app.part_26'), '#athar_capture A', 'a partition that has partitions needs the one trigger alone');
INSERT INTO app.part VALUES (1, 2024, 1), (3, 2025, 2), (1, 2026, 3), (2, 2026, 4);
INSERT INTO app.part VALUES (2, 2025, 5);
SELECT athar.create_mark('partitions') IS NOT NULL;
CREATE TEMP TABLE parts AS TABLE app.part;
GRANT SELECT ON parts TO athar_test_maker;
SELECT pg_temp.last_id() AS last \gset
TRUNCATE app.part_25;
TRUNCATE app.part_26_2;
SELECT set_eq(format($$SELECT row_key FROM pg_temp.entries('app.part', %s) WHERE operation = 'TRUNCATE'$$, :last), $$SELECT jsonb_build_object('id', id, 'year', year) FROM parts WHERE year = 2025 OR id = 2$$,
	'TRUNCATE of a single partition made later');
SELECT bag_eq($$SELECT * FROM athar.as_of(NULL::app.part, (SELECT at FROM athar.mark WHERE name = 'partitions'))$$, 'TABLE parts', 'and its rows come back');
SET LOCAL ROLE athar_test_maker;
ALTER TABLE app.part DETACH PARTITION app.part_24;
RESET ROLE;
SELECT lives_ok('TRUNCATE app.part_24', 'a partition that was detached can be truncated');
SET LOCAL ROLE athar_test_maker;
ALTER TABLE app.part ATTACH PARTITION app.part_24 FOR VALUES FROM (2024) TO (2025);
RESET ROLE;
SELECT is(pg_temp.triggers('app.part_24'), :'both_triggers', 'attached again it is equipped again');

--
-- Heirs
--
SET LOCAL ROLE athar_test_maker;
CREATE TABLE app.clerk (office text, PRIMARY KEY (id, office)) INHERITS (app.person);
CREATE TABLE app.chief (grade integer) INHERITS (app.clerk);
CREATE TABLE app.visitor (LIKE app.person);
CREATE TABLE app.regular () INHERITS (app.visitor);
INSERT INTO app.visitor VALUES (1, 'Early', 'sesame', 'face');
ALTER TABLE app.visitor INHERIT app.person;
CREATE TEMP TABLE passing () INHERITS (app.person);
RESET ROLE;
SELECT is(pg_temp.triggers(p::regclass), :'both_triggers', p || ' is equipped') FROM unnest('{app.clerk,app.chief,app.visitor,app.regular}'::text[]) AS p;
SELECT is(pg_temp.triggers('passing'), NULL, 'a temporary heir is not');
SELECT is((SELECT count(DISTINCT lineage) FROM athar.tracked_table WHERE is_inherited AND untracked_at IS NULL), 4::bigint, 'each under a number of its own');
SET LOCAL ROLE athar_test_maker;
INSERT INTO app.clerk VALUES (2, 'Clerk', 'sesame', 'face', 'North');
INSERT INTO app.chief VALUES (3, 'Chief', 'sesame', 'face', 'North', 7);
INSERT INTO app.regular VALUES (4, 'Regular', 'sesame', 'face');
RESET ROLE;
SELECT athar.create_mark('heirs') IS NOT NULL;
CREATE TEMP TABLE persons AS SELECT id, name FROM app.person;
UPDATE app.person SET name = upper(name), pin = 'sesame 2', photo = 'sesame 3';
DELETE FROM app.person WHERE id IN (1, 4);
SELECT bag_eq($$SELECT id, name FROM athar.as_of(NULL::app.person, (SELECT at FROM athar.mark WHERE name = 'heirs'))$$, 'TABLE persons', 'the past of their parent has their rows');
SELECT is((SELECT count(*) FROM athar.log_entry AS e WHERE concat(e.row_key, e.old_values, e.new_values) ~ 'sesame|face'), 0::bigint, 'what the parent keeps out of the log, they do');
SELECT is_empty($$SELECT relation, problems FROM athar.tracking_status() WHERE relation ~ '^app' AND relation <> 'app.part' AND problems IS NOT NULL$$, 'nothing is missing');
-- A table tracked by itself stays as it is when it becomes an heir.
CREATE TABLE app.own (LIKE app.person INCLUDING ALL);
SELECT athar.track('app.own', exclude => '{photo,pin}') AS own \gset
ALTER TABLE app.own OWNER TO athar_test_maker;
SET LOCAL ROLE athar_test_maker;
ALTER TABLE app.own INHERIT app.person;
RESET ROLE;
SELECT is((SELECT string_agg(DISTINCT lineage || ' ' || is_inherited, ', ') FROM athar.tracked_table WHERE relation = 'app.own'), :'own' || ' false', 'a table that was tracked stays as it was when it becomes an heir');
SELECT athar.untrack('app.person');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid IN ('app.clerk'::regclass, 'app.chief'::regclass, 'app.visitor'::regclass, 'app.regular'::regclass)), 0::bigint, 'untrack ends them with their parent');
SELECT is(pg_temp.triggers('app.own'), :'both_triggers', 'but not that one');

--
-- ENABLE TRIGGER ALL makes ordinary triggers of ours: for a moment
--
SET LOCAL ROLE athar_test_maker;
ALTER TABLE app.own DISABLE TRIGGER ALL;
ALTER TABLE app.own ENABLE TRIGGER ALL;
ALTER TABLE app.part DISABLE TRIGGER ALL;
ALTER TABLE app.part ENABLE TRIGGER ALL;
RESET ROLE;
SELECT is(pg_temp.triggers('app.own'), :'both_triggers', 'the triggers fire always again');
SELECT is(pg_temp.triggers('app.part'), :'both_triggers', 'those of a partitioned table, too');
SELECT is(pg_temp.triggers('app.part_26_2'), :'both_triggers', 'with its partitions');
SET LOCAL ROLE athar_test_maker;
ALTER TABLE app.own DISABLE TRIGGER "#athar_capture";
RESET ROLE;
SELECT is(pg_temp.triggers('app.own'), '#athar_capture D, ~athar_capture_truncate A', 'one that was disabled stays so');

SELECT * FROM finish();
ROLLBACK;
