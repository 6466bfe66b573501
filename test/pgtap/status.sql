-- status: whether the log of a table is complete, and what is said where it is not
BEGIN;
SELECT plan(86);

CREATE SCHEMA app;
CREATE FUNCTION pg_temp.status(regclass) RETURNS text LANGUAGE SQL AS
$$SELECT format('%s %s: %s', CASE WHEN is_capturing THEN 'captured' ELSE 'not captured' END,
	CASE WHEN is_complete THEN 'complete' WHEN NOT is_complete THEN 'incomplete' ELSE 'unknown' END,
	regexp_replace(problems, '\d{4}-\d\d-\d\d [\d:.]+\+00', 'then', 'g')) FROM athar.tracking_status($1)$$;
CREATE FUNCTION pg_temp.enable(relation regclass) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	name name;
BEGIN
	FOR name IN SELECT tgname FROM pg_trigger WHERE tgrelid = relation AND tgfoid = 'athar.capture_change()'::regprocedure LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', relation, name);
	END LOOP;
END
$$;
SET LOCAL timezone = 'UTC';

-- A table with rows in it.
CREATE TABLE app.licence (id integer PRIMARY KEY, plate text, fee numeric, scan text, pin text DEFAULT '0000');
INSERT INTO app.licence SELECT n, 'AB ' || n, n * 1.5, 'scan' FROM generate_series(1, 20) AS n;
SELECT athar.track('app.licence', exclude => '{scan}', mask => '{pin}') AS lineage \gset
SELECT is((SELECT (origin, row_count, length(digest), column_types, complete_since = at, role_name, reason)::text FROM athar.tracking_check WHERE lineage = :lineage),
	'(track,20,32,"{integer,text,numeric}",t,' || current_user || ',)', 'tracking writes down what the table holds');
SELECT is(pg_temp.status('app.licence'), 'captured complete: ', 'nothing was written since');
SELECT is((SELECT count(*) FROM athar.tracking_check WHERE lineage = :lineage), 1::bigint, 'so nothing is written down');

UPDATE app.licence SET fee = fee + 1 WHERE id < 5;
UPDATE app.licence SET fee = fee + 1, id = id + 100 WHERE id IN (1, 10);
UPDATE app.licence SET scan = 'other';
UPDATE app.licence SET pin = '1234' WHERE id = 6;
DELETE FROM app.licence WHERE id = 3;
INSERT INTO app.licence VALUES (3, 'again', 3.00), (21, 'new', 1), (22, 'gone', 1);
DELETE FROM app.licence WHERE id = 22;
CREATE TEMP TABLE found AS SELECT * FROM athar.tracking_status('app.licence');
SELECT is((SELECT (relation, is_capturing, is_complete, problems, row_count, entry_count)::text FROM found), '(app.licence,t,t,,21,12)', 'what was logged is accounted for');
SELECT is((SELECT count(*) FROM athar.tracking_check WHERE lineage = :lineage), 2::bigint, 'the state is written down');
SELECT is((SELECT (origin, row_count)::text FROM athar.tracking_check WHERE lineage = :lineage ORDER BY id DESC LIMIT 1), '(check,21)', 'as one that was checked');
SELECT is((SELECT complete_since FROM found), (SELECT min(at) FROM athar.tracking_check WHERE lineage = :lineage), 'complete from the beginning');
UPDATE app.licence SET fee = 7 WHERE id = 7;
SELECT is((SELECT entry_count FROM athar.tracking_status('app.licence')), 1::bigint, 'the next check replays what came since');
UPDATE app.licence SET plate = plate;
SET LOCAL timezone = 'Asia/Dubai';
SET LOCAL extra_float_digits = -3;
SELECT is((SELECT is_complete FROM athar.tracking_status('app.licence')), true, 'other settings, other order');
SET LOCAL timezone = 'UTC';
RESET extra_float_digits;

-- Writes while the trigger is disabled: each kind, after it is enabled again.
SAVEPOINT seen;
ALTER TABLE app.licence DISABLE TRIGGER USER;
SELECT is(pg_temp.status('app.licence'), 'not captured complete: the trigger for INSERT, UPDATE, DELETE, TRUNCATE on app.licence is disabled', 'a disabled trigger');
SAVEPOINT disabled;
INSERT INTO app.licence VALUES (50, 'unseen', 1);
SELECT pg_temp.enable('app.licence');
SELECT is(pg_temp.status('app.licence'), E'captured incomplete: the log leads from the present rows back to 22 rows, but there were 21 at then\nrows of which the log has no entry since then were changed, added or removed unseen', 'a row added');
SELECT is(pg_temp.status('app.licence'), E'captured incomplete: the log leads from the present rows back to 22 rows, but there were 21 at then\nrows of which the log has no entry since then were changed, added or removed unseen', 'and found again');
SELECT is((SELECT complete_since FROM athar.tracking_status('app.licence')), NULL, 'complete since never');
ROLLBACK TO disabled;
DELETE FROM app.licence WHERE id = 12;
SELECT pg_temp.enable('app.licence');
SELECT matches(pg_temp.status('app.licence'), '^captured incomplete: the log leads from the present rows back to 20 rows, but there were 21 at then\n', 'a row removed');
ROLLBACK TO disabled;
UPDATE app.licence SET fee = 0 WHERE id = 12;
SELECT pg_temp.enable('app.licence');
SELECT is(pg_temp.status('app.licence'), 'captured incomplete: rows of which the log has no entry since then were changed, added or removed unseen', 'a row changed');
UPDATE app.licence SET fee = 1 WHERE id = 12;
SELECT is((SELECT is_complete FROM athar.tracking_status('app.licence')), false, 'and changed again, which was logged');
ROLLBACK TO disabled;
UPDATE app.licence SET fee = 0 WHERE id = 12;
UPDATE app.licence SET fee = 18 WHERE id = 12;
SELECT is((SELECT is_complete FROM athar.tracking_status('app.licence')), true, 'one changed and changed back is as it was');
ROLLBACK TO disabled;
TRUNCATE app.licence;
SELECT pg_temp.enable('app.licence');
SELECT is((SELECT is_complete FROM athar.tracking_status('app.licence')), false, 'all removed');

-- Rows that the log has met are named.
ROLLBACK TO disabled;
UPDATE app.licence SET fee = fee + 1 WHERE id IN (4, 101);
DELETE FROM app.licence WHERE id = 21;
SELECT pg_temp.enable('app.licence');
SELECT is(pg_temp.status('app.licence'), E'captured incomplete: the log leads from the present rows back to 20 rows, but there were 21 at then\n'
	'3 rows are not as the log says: {"id": 4} column "fee" is not as it was logged last; {"id": 101} column "fee" is not as it was logged last; {"id": 21} is missing, though its removal was not logged\n'
	'other rows, of which the log has no entry, may have changed unseen, too', 'rows that the log has met are named');
UPDATE app.licence SET fee = 5 WHERE id = 4;
SELECT matches(pg_temp.status('app.licence'), '{"id": 4} column "fee" had changed unseen before entry \d+', 'with the entry that found it changed');
INSERT INTO app.licence VALUES (21, 'back', 0);
SELECT matches(pg_temp.status('app.licence'), '{"id": 21} was there already when entry \d+ inserted it', 'or inserted what there was');

-- Taken for right.
SELECT throws_ok($$SELECT athar.accept_state('app.licence', ' ')$$, '22023', 'a table and a reason are required', 'a reason is asked for');
SELECT throws_ok($$SELECT athar.accept_state(NULL, 'x')$$, '22023', 'a table and a reason are required', 'and a table');
SELECT throws_ok($$SELECT athar.accept_state('pg_class', 'x')$$, '55000', 'table "pg_class" is not tracked', 'that is tracked');
SET LOCAL athar.actor = 'auditor 3';
SELECT lives_ok($$SELECT athar.accept_state('app.licence', 'as on paper')$$, 'the state is taken for right');
RESET athar.actor;
SELECT is((SELECT (origin, actor, reason, complete_since = at)::text FROM athar.tracking_check ORDER BY id DESC LIMIT 1), '(accept,"auditor 3","as on paper",t)', 'by whom and why');
SELECT is((SELECT (l.relation, l.operation, l.actor, l.new_values)::text FROM athar.change_log AS l ORDER BY l.entry_id DESC LIMIT 1),
	'(app.licence,DDL,"auditor 3","{""command"": ""accept_state"", ""accepted"": ""as on paper""}")', 'which is an entry of the log');
SELECT is(pg_temp.status('app.licence'), 'captured complete: ', 'from then on');

-- Which trigger is wrong.
ROLLBACK TO seen;
ALTER TABLE app.licence ENABLE TRIGGER "#athar_capture";
SELECT is(tgenabled, 'A', 'an ordinary trigger is mended') FROM pg_trigger WHERE tgrelid = 'app.licence'::regclass AND tgname = '#athar_capture';
ALTER EVENT TRIGGER athar_after_command DISABLE;
ALTER TABLE app.licence ENABLE TRIGGER "#athar_capture";
SELECT is(pg_temp.status('app.licence'), 'not captured complete: the trigger for INSERT, UPDATE, DELETE on app.licence does not fire in every session_replication_role (it should be ENABLE ALWAYS)', 'an ordinary trigger');
SET LOCAL session_replication_role = replica;
UPDATE app.licence SET fee = 0 WHERE id = 12;
SET LOCAL session_replication_role = origin;
SELECT is((SELECT is_complete FROM athar.tracking_status('app.licence')), false, 'which misses what a replica''s role writes');
ALTER EVENT TRIGGER athar_after_command ENABLE ALWAYS;
ROLLBACK TO seen;
SET LOCAL session_replication_role = replica;
UPDATE app.licence SET fee = 0 WHERE id = 12;
SET LOCAL session_replication_role = origin;
SELECT is(pg_temp.status('app.licence'), 'captured complete: ', 'as ours do not');
DROP TRIGGER "~athar_capture_truncate" ON app.licence;
SELECT is(pg_temp.status('app.licence'), 'not captured complete: there is no trigger for TRUNCATE on app.licence', 'a trigger that is missing');
DROP TRIGGER "#athar_capture" ON app.licence;
SELECT is(pg_temp.status('app.licence'), 'not captured complete: there is no trigger for INSERT, UPDATE, DELETE, TRUNCATE on app.licence', 'all of them');
CREATE TRIGGER mine AFTER INSERT OR DELETE ON app.licence FOR EACH ROW WHEN (false) EXECUTE FUNCTION athar.capture_change(:'lineage');
ALTER TABLE app.licence ENABLE ALWAYS TRIGGER mine;
CREATE TRIGGER others AFTER UPDATE ON app.licence FOR EACH ROW EXECUTE FUNCTION athar.capture_change('1');
SELECT matches(pg_temp.status('app.licence'), '^not captured unknown: the trigger for INSERT, DELETE on app.licence has a condition or is for some columns\nthere is no trigger for UPDATE, TRUNCATE on app.licence\n',
	'triggers that see little, or write for another table');
ROLLBACK TO seen;

-- Changes of the definition.
ALTER TABLE app.licence ADD COLUMN class text DEFAULT 'B', ALTER COLUMN plate SET NOT NULL;
UPDATE app.licence SET class = 'C' WHERE id = 5;
SELECT is(pg_temp.status('app.licence'), 'captured complete: ', 'a column added');
SELECT is((SELECT cardinality(column_types) FROM athar.tracking_check ORDER BY id DESC LIMIT 1), 4, 'is part of the next state');
UPDATE app.licence SET class = 'D', fee = 2 WHERE id = 5;
ALTER TABLE app.licence RENAME TO permit;
ALTER TABLE app.permit RENAME COLUMN fee TO price;
SELECT is(pg_temp.status('app.permit'), 'captured complete: ', 'a new name of the table and of a column');
UPDATE app.permit SET price = 3 WHERE id = 5;
SELECT is(pg_temp.status('app.permit'), 'captured complete: ', 'and later');
UPDATE app.permit SET price = 4 WHERE id = 5;
ALTER TABLE app.permit DROP COLUMN class;
SELECT is(pg_temp.status('app.permit'), 'captured unknown: a column of type text was dropped since then: what it held then cannot be compared', 'a column dropped');
SELECT is(pg_temp.status('app.permit'), 'captured complete: ', 'once');
SELECT is((SELECT complete_since FROM athar.tracking_status('app.permit')), (SELECT at FROM athar.tracking_check ORDER BY id DESC LIMIT 1), 'complete from there on');
ALTER TABLE app.permit ALTER COLUMN price TYPE integer;
UPDATE app.permit SET price = 5 WHERE id = 5;
SELECT is(pg_temp.status('app.permit'), 'captured unknown: column "price" was redefined since then: what it held then cannot be compared', 'a column retyped');
UPDATE app.permit SET price = 6 WHERE id = 5;
SELECT is(pg_temp.status('app.permit'), 'captured complete: ', 'once');
-- What the entries tell is found all the same.
UPDATE app.permit SET plate = 'seen' WHERE id = 5;
ALTER TABLE app.permit DISABLE TRIGGER USER;
UPDATE app.permit SET plate = 'unseen' WHERE id = 5;
SELECT pg_temp.enable('app.permit');
ALTER TABLE app.permit DROP COLUMN price;
SELECT matches(pg_temp.status('app.permit'), '^captured incomplete: .*1 row is not as the log says: {"id": 5} column "plate" is not as it was logged last\n', 'a change that went unseen before a column was dropped');
ROLLBACK TO seen;
ALTER TABLE app.licence DROP CONSTRAINT licence_pkey;
UPDATE app.licence SET fee = 3 WHERE id = 5;
SELECT is(pg_temp.status('app.licence'), 'captured complete: ', 'a table that lost its key');
UPDATE app.licence SET fee = 4 WHERE id = 5;
ALTER TABLE app.licence ADD PRIMARY KEY (plate);
UPDATE app.licence SET fee = 5 WHERE id = 5;
SELECT is(pg_temp.status('app.licence'), 'captured unknown: the key was changed since then: entries written under another cannot be replayed', 'or has another');
SELECT is(pg_temp.status('app.licence'), 'captured complete: ', 'once');
ROLLBACK TO seen;

-- Types whose text hangs on other objects.
CREATE TYPE app.mood AS ENUM ('sad', 'happy');
CREATE TYPE app.place AS (street text, mood app.mood);
CREATE TABLE app.person (id integer PRIMARY KEY, mood app.mood, moods app.mood[], home app.place, relation regclass, twice integer GENERATED ALWAYS AS (id * 2) STORED,
	x double precision, j json, b jsonb, at timestamptz, during tstzrange, bytes bytea, d date);
INSERT INTO app.person (id, mood, moods, home, relation, x, j, b, at, during, bytes, d)
VALUES (1, 'sad', '{sad,happy}', '("Elm 1",sad)', 'app.licence', '-0', '{"a":  1.10, "a": 2}', '{"a": [1.50, null]}', '2026-01-01 12:00+04', '[2026-01-01 12:00+04,)', '\x00ff', '2026-01-01'),
	(2, 'sad', NULL, NULL, 'app.licence', 'NaN', '"\u0000"', 'null', 'infinity', 'empty', '', NULL);
SELECT athar.track('app.person') > 0 AS tracked;
UPDATE app.person SET x = 1e300, b = '{"a": [1.5, 2]}', d = '2026-02-03', bytes = '\x01' WHERE id = 1;
UPDATE app.person SET at = now(), id = 3 WHERE id = 2;
SET LOCAL timezone = 'Asia/Dubai';
SET LOCAL datestyle = 'SQL, DMY';
SET LOCAL bytea_output = 'escape';
SELECT is((SELECT is_complete FROM athar.tracking_status('app.person')), true, 'all kinds of types');
SET LOCAL timezone = 'UTC';
RESET datestyle;
RESET bytea_output;
UPDATE app.person SET d = '2026-02-04' WHERE id = 1;
ALTER TABLE app.licence RENAME TO permit;
SELECT is(pg_temp.status('app.person'), 'captured complete: ', 'a relation that is referred to has a new name');
ALTER TYPE app.mood RENAME VALUE 'sad' TO 'glum';
SELECT matches(pg_temp.status('app.person'), '^captured unknown: column "mood" was redefined since then: .*\ncolumn "moods" .*\ncolumn "home" [^\n]*$', 'a label has a new name');
SELECT is(pg_temp.status('app.person'), 'captured complete: ', 'once');
ROLLBACK TO seen;

-- Partitions.
CREATE TABLE app.payment (id integer, region integer, amount integer, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE app.payment_1 PARTITION OF app.payment FOR VALUES IN (1);
CREATE TABLE app.payment_2 (amount integer, junk text, id integer NOT NULL, region integer NOT NULL);
ALTER TABLE app.payment_2 DROP COLUMN junk;
ALTER TABLE app.payment ATTACH PARTITION app.payment_2 FOR VALUES IN (2);
INSERT INTO app.payment SELECT n, 1 + n % 2, n FROM generate_series(1, 10) AS n;
SELECT athar.track('app.payment', inserted_values => false) > 0 AS tracked;
UPDATE app.payment SET region = 3 - region WHERE id < 4;
UPDATE app.payment_2 SET amount = 0 WHERE id = 5;
INSERT INTO app.payment_1 VALUES (20, 1, 20);
UPDATE app.payment SET amount = 21 WHERE id = 20;
DELETE FROM app.payment WHERE id = 6;
SELECT is((SELECT (is_capturing, is_complete, problems, row_count, entry_count)::text FROM athar.tracking_status('app.payment')), '(t,t,,10,10)', 'rows in partitions, moved between them');
SAVEPOINT parted;
CREATE TABLE app.payment_3 PARTITION OF app.payment FOR VALUES IN (3);
INSERT INTO app.payment VALUES (30, 3, 30);
SELECT is((SELECT is_complete FROM athar.tracking_status('app.payment')), true, 'in one that came later');
ALTER TABLE app.payment_2 DISABLE TRIGGER USER;
UPDATE app.payment SET amount = 7 WHERE id = 8;
UPDATE app.payment SET amount = 7 WHERE id = 9;
ALTER TABLE app.payment_1 DISABLE TRIGGER "~athar_capture_truncate";
SELECT matches(pg_temp.status('app.payment'), 'the trigger for INSERT, UPDATE, DELETE, TRUNCATE on app.payment_2 is disabled', 'a partition with its triggers disabled');
SELECT matches(pg_temp.status('app.payment'), 'the trigger for TRUNCATE on app.payment_1 is disabled', 'another with one');
SELECT is((SELECT is_complete FROM athar.tracking_status('app.payment')), false, 'what was written into it');
ROLLBACK TO parted;
ALTER TABLE app.payment DETACH PARTITION app.payment_2;
SELECT is((SELECT (is_capturing, is_complete)::text FROM athar.tracking_status('app.payment')), '(t,f)', 'a partition that was detached took rows along');
ROLLBACK TO parted;
SELECT throws_ok($$SELECT * FROM athar.tracking_status('app.payment_1')$$, '55000', 'table "payment_1" is not tracked', 'a partition alone cannot be asked about');
CREATE FOREIGN DATA WRAPPER elsewhere;
CREATE SERVER elsewhere FOREIGN DATA WRAPPER elsewhere;
CREATE TABLE app.parcel (region integer) PARTITION BY LIST (region);
CREATE FOREIGN TABLE app.parcel_1 PARTITION OF app.parcel FOR VALUES IN (1) SERVER elsewhere;
SELECT athar.track('app.parcel') > 0 AS tracked;
SELECT matches(pg_temp.status('app.parcel'), 'unknown: .*the rows of partition "parcel_1" are on another server and were not read', 'rows that are elsewhere');
ROLLBACK TO seen;

-- Without a key.
CREATE TABLE app.bag (v integer, w text);
INSERT INTO app.bag SELECT 1, 'x' FROM generate_series(1, 5);
SELECT athar.track('app.bag') > 0 AS tracked;
INSERT INTO app.bag VALUES (1, 'x'), (2, NULL), (2, NULL);
DELETE FROM app.bag WHERE ctid = (SELECT min(ctid) FROM app.bag);
UPDATE app.bag SET w = 'y' WHERE ctid = (SELECT min(ctid) FROM app.bag);
SELECT is(pg_temp.status('app.bag'), 'captured complete: ', 'duplicates are counted');
INSERT INTO app.bag VALUES (3, 'z');
ALTER TABLE app.bag DISABLE TRIGGER USER;
DELETE FROM app.bag WHERE v = 3;
SELECT pg_temp.enable('app.bag');
SELECT matches(pg_temp.status('app.bag'), 'rows that were logged are missing, though their removal was not: 1', 'one that is missing');
SELECT unalike(pg_temp.status('app.bag'), '%"z"%', 'rows are not shown');
ROLLBACK TO seen;

-- What triggers change out of turn.
CREATE TABLE app.node (id integer PRIMARY KEY, parent integer, v integer);
CREATE FUNCTION app.sum_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	UPDATE app.node SET v = v + 10 WHERE id = new.parent;
	RETURN NULL;
END
$$;
CREATE TRIGGER sum_up AFTER INSERT OR UPDATE ON app.node FOR EACH ROW EXECUTE FUNCTION app.sum_up();
SELECT athar.track('app.node') > 0 AS tracked;
INSERT INTO app.node VALUES (9, NULL, 0), (1, 8, 0), (8, 9, 0), (2, 8, 0);
UPDATE app.node SET v = v + 1;
SELECT is(pg_temp.status('app.node'), 'captured complete: ', 'entries written out of turn');
ALTER TABLE app.node DISABLE TRIGGER USER;
INSERT INTO app.node VALUES (3, 1, 1);
SELECT pg_temp.enable('app.node');
SELECT matches(pg_temp.status('app.node'), '1 row is not as the log says: {"id": 3} is there, though it was never logged', 'of a table that was empty, each row must have an entry');

-- Who may ask, and what he is shown.
CREATE ROLE status_reader;
CREATE ROLE status_administrator;
CREATE ROLE status_auditor;
GRANT USAGE ON SCHEMA app TO status_reader, status_administrator, status_auditor;
SELECT athar.grant_access(r::regrole, l) FROM (VALUES ('status_reader', 'read'), ('status_administrator', 'administer'), ('status_auditor', 'audit')) AS v (r, l);
ALTER TABLE app.node ENABLE ROW LEVEL SECURITY;
ALTER TABLE app.node FORCE ROW LEVEL SECURITY;
GRANT SELECT ON app.node TO status_administrator;
SET LOCAL ROLE status_reader;
SELECT throws_ok($$SELECT * FROM athar.tracking_status()$$, '42501', 'permission denied for function tracking_status', 'not a reader');
SET LOCAL ROLE status_administrator;
SELECT matches((SELECT problems FROM athar.tracking_status('app.node')), '\n1 row is not as the log says$', 'an administrator, whatever row security hides, but no keys');
SELECT throws_ok($$SELECT athar.accept_state('app.node', 'nobody will notice')$$, '42501', 'must be owner of table node', 'who accepts nothing of another''s table');
RESET ROLE;
GRANT SELECT ON app.licence TO status_administrator;
SET LOCAL ROLE status_auditor;
SELECT matches((SELECT problems FROM athar.tracking_status('app.node')), '{"id": 3}', 'an auditor, keys too');
SELECT throws_ok($$SELECT athar.accept_state('app.node', 'x')$$, '42501', NULL, 'but he accepts nothing');
RESET ROLE;

-- Functions that reading values calls run as the table's owner.
CREATE ROLE status_owner;
GRANT USAGE, CREATE ON SCHEMA app TO status_owner;
SET LOCAL ROLE status_owner;
CREATE FUNCTION app.tells(value text) RETURNS boolean LANGUAGE plpgsql AS
$$BEGIN
	IF current_user <> 'status_owner' THEN RAISE 'called by %', current_user; END IF;
	RETURN initcap(value) <> '';
END$$;
CREATE DOMAIN app.told AS text CHECK (app.tells(value));
CREATE TYPE app.part AS (told app.told);
CREATE TABLE app.trap (id integer PRIMARY KEY, part app.part, list app.told[]);
INSERT INTO app.trap VALUES (1, row('a'), '{b}');
RESET ROLE;
SELECT athar.track('app.trap') > 0 AS tracked;
SET LOCAL ROLE status_owner;
UPDATE app.trap SET part = row('c'), list = '{d}';
RESET ROLE;
SELECT is(pg_temp.status('app.trap'), 'captured complete: ', 'a function that reading calls runs as the owner of the table');
SELECT is((SELECT current_user::text FROM athar.tracking_status('app.trap')), session_user::text, 'and who asked is himself again');
SELECT is((SELECT t.part::text FROM athar.as_of(NULL::app.trap, (SELECT max(at) FROM athar.mark WHERE name = 'track app.trap')) AS t), '(a)', 'so in as_of');
SELECT is((SELECT count(*) FROM athar.row_history('app.trap', '{"id": 1}')), 1::bigint, 'in row_history');
-- Nor does it find names of whoever asks in place of the server's.
CREATE SCHEMA lure;
CREATE FUNCTION lure.initcap(text) RETURNS text LANGUAGE plpgsql AS $$BEGIN RAISE 'lured as %', current_user; END$$;
SET LOCAL search_path = lure, pg_catalog, public;
SELECT is((SELECT t.part::text FROM athar.as_of(NULL::app.trap, (SELECT max(at) FROM athar.mark WHERE name = 'track app.trap')) AS t), '(a)', 'as_of reads by the server''s names');
SELECT is((SELECT is_complete FROM athar.tracking_status('app.trap')), true, 'and so does the check');
RESET search_path;
SAVEPOINT refusing;
SET LOCAL ROLE status_owner;
UPDATE app.trap SET part = row('e');
CREATE OR REPLACE FUNCTION app.tells(value text) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE ''no check today''; END';
RESET ROLE;
SELECT is(pg_temp.status('app.trap'), 'captured unknown: the log could not be replayed: no check today', 'whose functions fail stops the check of his own table');
SELECT ok((SELECT count(*) FROM athar.tracking_status()) > 1, 'and not that of all');
ROLLBACK TO refusing;

-- All tables, and our own.
SELECT athar.define_unit('dept', 'Department') > 0, athar.define_unit('dept', 'The department') > 0;
SELECT is((SELECT string_agg(relation, ' ' ORDER BY relation) FROM athar.tracking_status() WHERE is_complete IS NOT TRUE OR NOT is_capturing), 'app.node athar.measurement', 'all tables, our own among them');
SELECT is((SELECT (is_capturing, is_complete, problems)::text FROM athar.tracking_status('athar.measurement')),
	'(t,,"only rows that meet the condition of its triggers are logged: what the log should hold cannot be told")', 'of measurements the reported ones alone are logged');
ALTER TABLE athar.unit DISABLE TRIGGER USER;
UPDATE athar.unit SET name = 'Unseen';
SELECT pg_temp.enable('athar.unit');
SELECT matches(pg_temp.status('athar.unit'), '^captured incomplete: 1 row is not as the log says: {"id": \d+} column "name" is not as it was logged last$', 'of our own tables each row is known');

SELECT throws_ok($$SELECT * FROM athar.tracking_status('pg_class')$$, '55000', 'table "pg_class" is not tracked', 'a table that is not tracked');
SELECT athar.untrack('app.node');
SELECT throws_ok($$SELECT * FROM athar.tracking_status('app.node')$$, '55000', 'table "node" is not tracked', 'nor any more');
SELECT is_empty($$SELECT * FROM athar.tracking_status() WHERE relation = 'app.node'$$, 'is not among all');
SELECT athar.track('app.node') > 0 AS tracked;
SELECT is(pg_temp.status('app.node'), 'captured complete: ', 'tracked again, it begins anew');
SELECT throws_ok('DELETE FROM athar.tracking_check', 'AT003', NULL, 'what was written down stays');

SELECT * FROM finish();
ROLLBACK;
