-- capture_secrets: excluded columns never reach the log; of masked ones it tells that they changed, not what they hold
BEGIN;
SELECT plan(17);
SET LOCAL client_min_messages = warning;
\ir ../data/capture.sql

CREATE TABLE app.person (id integer PRIMARY KEY, name text, pin text, salary numeric, photo bytea);
SELECT athar.track('app.person', exclude => '{photo}', mask => '{pin,salary}') IS NOT NULL;
INSERT INTO app.person VALUES (1, 'Shop', 'sesame-1', 4711.5, '\xdeadbeef'), (2, 'Cafe', NULL, NULL, NULL);
UPDATE app.person SET pin = 'sesame-2', photo = '\xfeedbeef' WHERE id = 1;
UPDATE app.person SET pin = 'sesame-2', salary = 4711.5 WHERE id = 1;
UPDATE app.person SET salary = 4712, name = 'Shop B.' WHERE id = 1;
UPDATE app.person SET pin = 'sesame-3' WHERE id = 2;
UPDATE app.person SET pin = NULL WHERE id = 2;
UPDATE app.person SET pin = NULL WHERE id = 2;
DELETE FROM app.person WHERE id = 2;
SELECT results_eq($$SELECT * FROM pg_temp.entries('app.person')$$,
	$$VALUES ('INSERT', '{"id": 1}'::jsonb, NULL::jsonb, '{"id": 1, "pin": "***", "name": "Shop", "salary": "***"}'::jsonb),
		('INSERT', '{"id": 2}', NULL, '{"id": 2, "pin": "***", "name": "Cafe", "salary": "***"}'),
		('UPDATE', '{"id": 1}', '{"pin": "***"}', '{"pin": "***"}'),
		('UPDATE', '{"id": 1}', '{"name": "Shop", "salary": "***"}', '{"name": "Shop B.", "salary": "***"}'),
		('UPDATE', '{"id": 2}', '{"pin": "***"}', '{"pin": "***"}'), ('UPDATE', '{"id": 2}', '{"pin": "***"}', '{"pin": "***"}'),
		('DELETE', '{"id": 2}', '{"id": 2, "pin": "***", "name": "Cafe", "salary": "***"}', NULL)$$,
	'that a masked column changed is logged, its values are not, nor whether they are NULL; an excluded one is not there at all');
SELECT is((SELECT in_transaction FROM athar.unchanged_updates() WHERE relation = 'app.person'::regclass), 2::bigint, 'the same value again is no change');

-- The past: masked columns have the value the row has now.
SELECT athar.create_mark('secrets') AS mark \gset
UPDATE app.person SET pin = 'sesame-4', salary = 1, name = 'Shop C.', photo = NULL;
INSERT INTO app.person VALUES (3, 'Cem', 'sesame-5', 5, NULL);
SELECT results_eq($$SELECT id, name, pin, salary, photo FROM athar.as_of(NULL::app.person, (SELECT at FROM athar.mark WHERE name = 'secrets'))$$,
	$$VALUES (1, 'Shop B.', 'sesame-4', 1::numeric, NULL::bytea)$$, 'as_of shows present values of masked and excluded columns');
DELETE FROM app.person;
SELECT results_eq($$SELECT id, name, pin, salary, photo FROM athar.as_of(NULL::app.person, (SELECT at FROM athar.mark WHERE name = 'secrets'))$$,
	$$VALUES (1, 'Shop B.', NULL::text, NULL::numeric, NULL::bytea)$$, 'and NULL of a row that is gone');

-- Names and types change, a mask stays.
INSERT INTO app.person VALUES (4, 'Dina', 'sesame-6', 6, '\xdeadbeef');
ALTER TABLE app.person RENAME pin TO "secret code";
ALTER TABLE app.person RENAME photo TO picture;
ALTER TABLE app.person ALTER salary TYPE text USING salary || ' pounds';
UPDATE app.person SET "secret code" = 'sesame-7', picture = '\xfeedbeef', salary = '7 pounds';
SELECT is((SELECT new_values FROM athar.change_log WHERE relation = 'app.person' AND operation = 'UPDATE' ORDER BY entry_id DESC LIMIT 1), '{"salary": "***", "secret code": "***"}', 'under new names and types');
ALTER TABLE app.person DROP COLUMN salary, ADD COLUMN salary text;
UPDATE app.person SET salary = '8 pounds', "secret code" = 'sesame-8';
SELECT is((SELECT new_values FROM athar.change_log WHERE relation = 'app.person' AND operation = 'UPDATE' ORDER BY entry_id DESC LIMIT 1), '{"salary": "8 pounds", "secret code": "***"}',
	'a column dropped and made again is another one');
TRUNCATE app.person;
SELECT is((SELECT count(*) FROM athar.log_entry AS e WHERE concat(e.row_key, e.old_values, e.new_values) ~ 'sesame|4711|4712|deadbeef|feedbeef'), 0::bigint, 'nothing secret is anywhere in the log');

-- Partitions, whose columns are in another order.
CREATE TABLE app.parted (id integer, region integer, pin text, photo text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE app.parted_1 (photo text, gone integer, pin text, region integer NOT NULL, id integer NOT NULL);
ALTER TABLE app.parted_1 DROP COLUMN gone;
ALTER TABLE app.parted ATTACH PARTITION app.parted_1 FOR VALUES IN (1);
SELECT athar.track('app.parted', mask => '{pin}', exclude => '{photo}') IS NOT NULL;
INSERT INTO app.parted VALUES (1, 1, 'sesame-1', 'face');
UPDATE app.parted_1 SET pin = 'sesame-2', photo = 'other face';
TRUNCATE app.parted;
SELECT results_eq($$SELECT operation, old_values, new_values FROM pg_temp.entries('app.parted')$$,
	$$VALUES ('INSERT', NULL::jsonb, '{"id": 1, "pin": "***", "region": 1}'::jsonb), ('UPDATE', '{"pin": "***"}', '{"pin": "***"}'), ('TRUNCATE', '{"id": 1, "pin": "***", "region": 1}', NULL)$$,
	'in partitions, too');

-- Without a key, and with the key alone.
CREATE TABLE app.bag (v integer, pin text);
SELECT athar.track('app.bag', mask => '{pin}') IS NOT NULL;
INSERT INTO app.bag VALUES (1, 'sesame-1'), (1, 'sesame-2'), (2, 'sesame-3');
SELECT athar.create_mark('bag') IS NOT NULL;
UPDATE app.bag SET pin = 'sesame-4' WHERE v = 2;
UPDATE app.bag SET v = 3 WHERE pin = 'sesame-2';
DELETE FROM app.bag WHERE v = 1;
SELECT results_eq($$SELECT * FROM pg_temp.entries('app.bag') OFFSET 2$$,
	$$VALUES ('INSERT', '{"v": 2}'::jsonb, NULL::jsonb, '{"v": 2, "pin": "***"}'::jsonb), ('UPDATE', '{"v": 2}', '{"pin": "***"}', '{"pin": "***"}'),
		('UPDATE', '{"v": 1}', '{"v": 1}', '{"v": 3}'), ('DELETE', '{"v": 1}', '{"v": 1, "pin": "***"}', NULL)$$,
	'without a key a row is known by what is logged of it');
SELECT set_eq($$SELECT v FROM athar.as_of(NULL::app.bag, (SELECT at FROM athar.mark WHERE name = 'bag'))$$, 'VALUES (1), (1), (2)', 'and comes back by that');
CREATE TABLE app.brief (id integer PRIMARY KEY, pin text);
SELECT athar.track('app.brief', mask => '{pin}', inserted_values => false) IS NOT NULL;
INSERT INTO app.brief VALUES (1, 'sesame');
SELECT results_eq($$SELECT * FROM pg_temp.entries('app.brief')$$, $$VALUES ('INSERT', '{"id": 1}'::jsonb, NULL::jsonb, NULL::jsonb)$$, 'beside the key alone of inserted rows');

-- Masked later, and no longer.
CREATE TABLE app.turned (id integer PRIMARY KEY, pin text);
SELECT athar.track('app.turned') IS NOT NULL;
INSERT INTO app.turned VALUES (1, 'open-1');
SELECT athar.create_mark('turned 1') IS NOT NULL;
UPDATE app.turned SET pin = 'open-2';
SELECT athar.untrack('app.turned');
SELECT athar.track('app.turned', mask => '{pin}') IS NOT NULL;
UPDATE app.turned SET pin = 'sesame';
SELECT athar.untrack('app.turned');
SELECT athar.track('app.turned') IS NOT NULL;
UPDATE app.turned SET pin = 'open-3';
SELECT results_eq($$SELECT old_values->>'pin', new_values->>'pin' FROM athar.row_history('app.turned', '{"id": 1}') WHERE operation = 'UPDATE'$$,
	$$VALUES ('open-1', 'open-2'), ('***', '***'), ('sesame', 'open-3')$$, 'each entry is as the table was tracked at the time');

-- What is refused.
CREATE TABLE app.holder (id integer PRIMARY KEY, name text);
SELECT throws_ok($$SELECT athar.track('app.holder', mask => '{nme}')$$, '42703', 'column "nme" of table "holder" does not exist', 'an unknown column');
SELECT throws_ok($$SELECT athar.track('app.holder', mask => '{id}')$$, '22023', 'column "id" is part of the key of table "holder" and cannot be excluded or masked', 'the key');
SELECT throws_ok($$SELECT athar.track('app.holder', mask => '{name}', exclude => '{name}')$$, '22023', 'column "name" of table "holder" cannot be both excluded and masked', 'both');
SELECT lives_ok($$SELECT athar.track('app.holder', '{}', false, true, NULL)$$, 'NULL counts as none');
-- A masked column that becomes part of the key later.
CREATE TABLE app.late (id integer PRIMARY KEY, pin text NOT NULL, v integer);
SELECT athar.track('app.late', mask => '{pin}') IS NOT NULL;
ALTER TABLE app.late DROP CONSTRAINT late_pkey, ADD PRIMARY KEY (id, pin);
INSERT INTO app.late VALUES (1, 'sesame', 1);
SELECT results_eq($$SELECT row_key, new_values FROM pg_temp.entries('app.late') WHERE row_key <> '{}'$$, $$VALUES ('{"v": 1, "id": 1}'::jsonb, '{"v": 1, "id": 1, "pin": "***"}'::jsonb)$$, 'stays masked in a key made later');

SELECT * FROM finish();
ROLLBACK;
