-- log: what is captured, as what, by whom; who may track, write, read; marks and as_of
BEGIN;
SELECT plan(171);

CREATE SCHEMA app;
CREATE ROLE log_owner;
CREATE ROLE log_clerk;
CREATE ROLE log_reader;
GRANT USAGE, CREATE ON SCHEMA app TO log_owner;
GRANT USAGE ON SCHEMA app TO log_clerk, log_reader;
GRANT USAGE ON SCHEMA athar TO log_owner, log_clerk, log_reader;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA athar TO log_owner;
GRANT EXECUTE ON FUNCTION athar.row_history, athar.as_of, athar.set_context, athar.current_actor TO log_clerk, log_reader;

-- The entries of a table after an id, compactly; changes of its definition are another matter (definition.sql).
CREATE FUNCTION pg_temp.entries(relation text, after bigint DEFAULT 0)
RETURNS TABLE (operation text, row_key jsonb, old_values jsonb, new_values jsonb) LANGUAGE SQL AS $$
	SELECT c.operation, c.row_key, c.old_values, c.new_values
	FROM athar.change_log AS c
	WHERE c.relation = entries.relation AND c.entry_id > after AND c.operation <> 'DDL'
	ORDER BY c.entry_id
$$;
CREATE FUNCTION pg_temp.last_id() RETURNS bigint LANGUAGE SQL AS $$SELECT coalesce(max(id), 0) FROM athar.log_entry$$;

--
-- Operations
--
CREATE TABLE app.licence (id integer PRIMARY KEY, holder text, fee numeric(10,2), note text);
SELECT cmp_ok(athar.track('app.licence'), '>=', 1000, 'track answers with a number that is not one of our own');
INSERT INTO app.licence VALUES (1, 'Shop', 10, NULL), (2, 'Cafe', 20.5, 'x');
UPDATE app.licence SET fee = 11, note = 'y' WHERE id = 1;
UPDATE app.licence SET fee = 11 WHERE id = 1;
DELETE FROM app.licence WHERE id = 2;
SELECT results_eq(
	$$SELECT * FROM pg_temp.entries('app.licence')$$,
	$$VALUES
		('INSERT', '{"id": 1}'::jsonb, NULL::jsonb, '{"id": 1, "fee": 10.00, "note": null, "holder": "Shop"}'::jsonb),
		('INSERT', '{"id": 2}', NULL, '{"id": 2, "fee": 20.50, "note": "x", "holder": "Cafe"}'),
		('UPDATE', '{"id": 1}', '{"fee": 10.00, "note": null}', '{"fee": 11.00, "note": "y"}'),
		('DELETE', '{"id": 2}', '{"id": 2, "fee": 20.50, "note": "x", "holder": "Cafe"}', NULL)$$,
	'insert, update and delete: the changed columns of an update, an update that changes nothing is left out');

SELECT pg_temp.last_id() AS last \gset
INSERT INTO app.licence VALUES (1, 'Shop', 12) ON CONFLICT (id) DO UPDATE SET fee = excluded.fee;
MERGE INTO app.licence AS l USING (VALUES (1, 13), (3, 30)) AS v (id, fee) ON l.id = v.id
	WHEN MATCHED THEN UPDATE SET fee = v.fee WHEN NOT MATCHED THEN INSERT (id, fee) VALUES (v.id, v.fee);
COPY app.licence (id, holder) FROM STDIN;
4	Copied
\.
SELECT results_eq(
	format($$SELECT operation, row_key->'id', old_values->'fee', new_values->'fee' FROM pg_temp.entries('app.licence', %s)$$, :last),
	$$VALUES ('UPDATE', '1'::jsonb, '11.00'::jsonb, '12.00'::jsonb), ('UPDATE', '1', '12.00', '13.00'), ('INSERT', '3', NULL, '30.00'), ('INSERT', '4', NULL, 'null')$$,
	'ON CONFLICT, MERGE and COPY');

SELECT pg_temp.last_id() AS last \gset
SAVEPOINT s;
UPDATE app.licence SET fee = 99 WHERE id = 1;
ROLLBACK TO SAVEPOINT s;
SELECT is_empty(format($$SELECT * FROM pg_temp.entries('app.licence', %s)$$, :last), 'a savepoint rolled back leaves nothing');
UPDATE app.licence SET fee = 14 WHERE id = 1;
UPDATE app.licence SET fee = 15 WHERE id = 1;
UPDATE app.licence SET fee = 16 WHERE id = 1;
SELECT results_eq(
	format($$SELECT old_values->'fee', new_values->'fee' FROM pg_temp.entries('app.licence', %s)$$, :last),
	$$VALUES ('13.00'::jsonb, '14.00'::jsonb), ('14.00', '15.00'), ('15.00', '16.00')$$,
	'several changes of one row in one transaction are all there, in order');
SELECT is(
	(SELECT count(*) FROM athar.log_entry AS e LEFT JOIN athar.log_transaction AS t ON t.id = e.transaction_id WHERE t.id IS NULL), 0::bigint,
	'and each has its transaction, also after the rollback');
SELECT is((SELECT count(*) FROM athar.log_entry WHERE key_hash <> athar.key_hash(row_key)), 0::bigint, 'each has its key''s hash');
SELECT is((SELECT count(DISTINCT nonce) FROM athar.log_entry), (SELECT count(*) FROM athar.log_entry), 'and its own nonce');

-- Cascades.
CREATE TABLE app.fine (id integer PRIMARY KEY, licence_id integer REFERENCES app.licence ON DELETE CASCADE ON UPDATE CASCADE);
SELECT athar.track('app.fine') IS NOT NULL;
INSERT INTO app.fine SELECT n, 4 FROM generate_series(1, 3) AS n;
DELETE FROM app.licence WHERE id = 4;
SELECT results_eq(
	$$SELECT operation, row_key->'id' FROM pg_temp.entries('app.fine') WHERE operation = 'DELETE'$$,
	$$VALUES ('DELETE', '1'::jsonb), ('DELETE', '2'), ('DELETE', '3')$$,
	'rows deleted by a cascade');

--
-- Who and why
--
SELECT is(athar.current_actor(), session_user::text, 'without a name, the role acts');
SET LOCAL athar.actor = '  ';
SELECT is(athar.current_actor(), session_user::text, 'a blank name is none');
SELECT athar.set_context('amina', 'fee review');
SELECT is(athar.current_actor(), 'amina', 'the name that was set');
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON app.licence TO log_clerk;
SELECT pg_temp.last_id() AS last \gset
UPDATE app.licence SET fee = 17 WHERE id = 1;
SET LOCAL ROLE log_clerk;
UPDATE app.licence SET fee = 18 WHERE id = 1;
SELECT athar.set_context('amina', 'second thoughts');
UPDATE app.licence SET fee = 19 WHERE id = 1;
UPDATE app.licence SET fee = 20 WHERE id = 1;
RESET ROLE;
SELECT athar.set_context(NULL, NULL);
UPDATE app.licence SET fee = 21 WHERE id = 1;
SELECT results_eq(
	format($$SELECT new_values->'fee', session_user_name, current_user_name, actor, reason FROM athar.change_log WHERE entry_id > %s ORDER BY entry_id$$, :last),
	format($$VALUES ('17.00'::jsonb, %1$L, %1$L, 'amina', 'fee review'), ('18.00', %1$L, 'log_clerk', 'amina', 'fee review'),
		('19.00', %1$L, 'log_clerk', 'amina', 'second thoughts'), ('20.00', %1$L, 'log_clerk', 'amina', 'second thoughts'), ('21.00', %1$L, %1$L, NULL, NULL)$$, session_user),
	'the role, the actor and the reason at each change');
SELECT is(
	(SELECT count(DISTINCT transaction_id) FROM athar.log_entry WHERE id > :last), 4::bigint,
	'a row of log_transaction for each combination, and no more');
SELECT is(
	(SELECT count(DISTINCT xid) FROM athar.log_transaction WHERE id >= (SELECT min(transaction_id) FROM athar.log_entry WHERE id > :last)), 1::bigint,
	'all of one transaction');
SELECT is((SELECT cluster FROM athar.log_transaction LIMIT 1), (SELECT system_identifier FROM pg_control_system()), 'which ran in this cluster');

CREATE FUNCTION app.raise_fee() RETURNS void LANGUAGE SQL SECURITY DEFINER SET search_path = pg_catalog AS $$UPDATE app.licence SET fee = fee + 1 WHERE id = 1$$;
ALTER FUNCTION app.raise_fee() OWNER TO log_owner;
GRANT SELECT, UPDATE ON app.licence TO log_owner;
SET LOCAL ROLE log_clerk;
SELECT app.raise_fee();
RESET ROLE;
SELECT is(
	(SELECT current_user_name FROM athar.change_log ORDER BY entry_id DESC LIMIT 1), 'log_clerk',
	'a SECURITY DEFINER function does not hide who called it');
SET LOCAL application_name = 'front desk';
SAVEPOINT s;
SET LOCAL athar.reason = 'inside';
UPDATE app.licence SET fee = 30 WHERE id = 1;
ROLLBACK TO SAVEPOINT s;
UPDATE app.licence SET fee = 31 WHERE id = 1;
SELECT results_eq(
	$$SELECT new_values->'fee', reason, application_name FROM athar.change_log ORDER BY entry_id DESC LIMIT 1$$,
	$$VALUES ('31.00'::jsonb, NULL, 'front desk')$$,
	'after a rollback to a savepoint the reason is the one in force');

CREATE TABLE app.strict (id integer PRIMARY KEY, v integer, secret text);
SELECT athar.track('app.strict', exclude => '{secret}', require_reason => true) IS NOT NULL;
SELECT throws_ok($$INSERT INTO app.strict VALUES (1, 1)$$, 'AT001', 'a reason is required to change table "app.strict"', 'a write without a reason is refused');
SELECT throws_ok($$SET LOCAL athar.reason = ' '; INSERT INTO app.strict VALUES (1, 1)$$, 'AT001', NULL, 'also with a blank one');
SET LOCAL athar.reason = 'because';
SELECT lives_ok($$INSERT INTO app.strict VALUES (1, 1, 'hidden')$$, 'with one it is not');
SET LOCAL athar.reason = '';
SELECT lives_ok($$UPDATE app.strict SET v = 1, secret = 'other'$$, 'nor a write that changes nothing the log would hold');
SELECT throws_ok($$DELETE FROM app.strict$$, 'AT001', NULL, 'a delete is');
SELECT throws_ok($$TRUNCATE app.strict$$, 'AT001', NULL, 'so is TRUNCATE');
SELECT results_eq($$SELECT * FROM pg_temp.entries('app.strict')$$,
	$$VALUES ('INSERT', '{"id": 1}'::jsonb, NULL::jsonb, '{"v": 1, "id": 1}'::jsonb)$$, 'an excluded column is not in the log');
ALTER TABLE app.strict RENAME COLUMN secret TO "still secret";
SET LOCAL athar.reason = 'because';
UPDATE app.strict SET "still secret" = 'third', v = 2;
SELECT is((SELECT new_values FROM athar.change_log ORDER BY entry_id DESC LIMIT 1), '{"v": 2}', 'nor under another name');
SELECT is((SELECT count(*) FROM athar.log_entry AS e WHERE concat(e.row_key, e.old_values, e.new_values) ~ 'hidden|other|third'), 0::bigint, 'nowhere');
SET LOCAL athar.reason = '';

CREATE TABLE app.brief (id integer PRIMARY KEY, v text);
SELECT athar.track('app.brief', inserted_values => false) IS NOT NULL;
INSERT INTO app.brief VALUES (1, 'long');
DELETE FROM app.brief;
SELECT results_eq($$SELECT * FROM pg_temp.entries('app.brief')$$,
	$$VALUES ('INSERT', '{"id": 1}'::jsonb, NULL::jsonb, NULL::jsonb), ('DELETE', '{"id": 1}', '{"v": "long", "id": 1}', NULL)$$,
	'without inserted values an INSERT logs the key alone');

--
-- Values
--
CREATE TYPE app.mood AS ENUM ('calm', 'cross');
CREATE TYPE app.pair AS (a integer, at timestamptz);
CREATE DOMAIN app.short AS varchar(20) CHECK (VALUE <> '');
CREATE DOMAIN app.whole AS integer;
CREATE TABLE app.every (
	"Kéy ""quoted""" bigint PRIMARY KEY, b boolean, i2 smallint, n numeric, f4 real, f8 double precision, t text, c char(4), d date, ts timestamp, tz timestamptz,
	iv interval, u uuid, by bytea, j json, jb jsonb, arr timestamptz[], e app.mood, p app.pair, r tstzrange, ip inet, dom app.short, w app.whole, rc regclass, m money,
	x xml, g integer GENERATED ALWAYS AS (i2 * 2) STORED, ident integer GENERATED BY DEFAULT AS IDENTITY);
SELECT athar.track('app.every') IS NOT NULL;
SET LOCAL TimeZone = 'Asia/Dubai';
SET LOCAL DateStyle = 'German';
SET LOCAL IntervalStyle = 'iso_8601';
SET LOCAL extra_float_digits = 0;
SET LOCAL bytea_output = 'escape';
SET LOCAL search_path = app, public;
INSERT INTO app.every VALUES (9007199254740993, true, 7, 12345678901234567.890, 0.1, 0.1, 'طلب', 'ab', '2026-02-01', '2026-02-01 10:00', '2026-02-01 10:00+04',
	'1 day 02:00', '00000000-0000-0000-0000-000000000001', '\x00ff', '{"a": [1.10], "b": 1}', '[null, {"z": 1.50}]', '{2026-02-01 10:00+04}', 'calm', ROW(1, '2026-02-01 10:00+04'),
	'[2026-02-01 10:00+04,)', '10.0.0.1', 'dom', 5, 'licence', '12.50', '<a/>');
SELECT is((SELECT new_values FROM athar.change_log ORDER BY entry_id DESC LIMIT 1),
	$${"Kéy \"quoted\"": 9007199254740993, "b": true, "i2": 7, "n": 12345678901234567.890, "f4": 0.1, "f8": 0.1, "t": "طلب", "c": "ab  ", "d": "2026-02-01",
	"ts": "2026-02-01 10:00:00", "tz": "2026-02-01 06:00:00+00", "iv": "1 day 02:00:00", "u": "00000000-0000-0000-0000-000000000001", "by": "\\x00ff", "j": {"a": [1.10], "b": 1},
	"jb": [null, {"z": 1.50}], "arr": "{\"2026-02-01 06:00:00+00\"}", "e": "calm", "p": "(1,\"2026-02-01 06:00:00+00\")", "r": "[\"2026-02-01 06:00:00+00\",)", "ip": "10.0.0.1",
	"dom": "dom", "w": 5, "rc": "app.licence", "m": "$12.50", "x": "<a/>", "g": 14, "ident": 1}$$::jsonb,
	'every kind of value, whatever the session''s settings');
SELECT is(current_setting('DateStyle') || current_setting('TimeZone') || '2026-02-01 10:00+04'::timestamptz || current_setting('search_path'),
	'German, DMYAsia/Dubai01.02.2026 10:00:00 +04app, public', 'which are as they were');
SELECT athar.create_mark('values') IS NOT NULL;
CREATE TEMP TABLE every_before AS SELECT kept::text AS row FROM app.every AS kept;
DELETE FROM app.every;
SELECT results_eq(
	$$SELECT a::text FROM athar.as_of(NULL::app.every, (SELECT at FROM athar.mark WHERE name = 'values')) AS a$$,
	$$SELECT b.row FROM every_before AS b$$,
	'and come back exactly, from the log alone');
RESET TimeZone; RESET DateStyle; RESET IntervalStyle; RESET extra_float_digits; RESET bytea_output; RESET search_path;

SELECT pg_temp.last_id() AS last \gset
INSERT INTO app.every ("Kéy ""quoted""", n, f4, f8) VALUES (1, 'NaN', 'Infinity', '-Infinity'), (2, 'Infinity', 'NaN', 1e22), (3, 1e400, 3.4e38, 5e-324);
SELECT results_eq(
	format($$SELECT new_values->'n', new_values->'f4', new_values->'f8' FROM pg_temp.entries('app.every', %s)$$, :last),
	$$VALUES ('"NaN"'::jsonb, '"Infinity"'::jsonb, '"-Infinity"'::jsonb), ('"Infinity"', '"NaN"', '10000000000000000000000'),
		(to_jsonb(1e400::numeric), '340000000000000000000000000000000000000', to_jsonb('5e-324'::numeric))$$,
	'NaN and infinities are strings, everything finite is a number');
SELECT lives_ok($$INSERT INTO app.every ("Kéy ""quoted""", j) VALUES (4, '{"a": "\u0000"}'), (5, '"\ud800"'), (6, '1e999999')$$, 'json that jsonb cannot hold does not fail a write');
SELECT is((SELECT new_values->>'j' FROM athar.change_log ORDER BY entry_id DESC LIMIT 1), '1e999999', 'it is logged as a string');
SELECT lives_ok($$UPDATE app.every SET t = repeat('ب', 500000), by = decode(repeat('00ff', 500000), 'hex') WHERE "Kéy ""quoted""" = 1$$, 'large values');
SELECT is((SELECT length(new_values->>'t') FROM athar.change_log ORDER BY entry_id DESC LIMIT 1), 500000, 'are logged whole');
ALTER TABLE app.every ALTER t SET STORAGE EXTERNAL;
UPDATE app.every SET t = repeat('x', 100000) WHERE "Kéy ""quoted""" = 2;
UPDATE app.every SET b = true WHERE "Kéy ""quoted""" = 2;
SELECT is((SELECT new_values FROM athar.change_log ORDER BY entry_id DESC LIMIT 1), '{"b": true}', 'a large value beside a change is not');
UPDATE app.every SET t = repeat('x', 100000) WHERE "Kéy ""quoted""" = 2;
SELECT is((SELECT new_values FROM athar.change_log ORDER BY entry_id DESC LIMIT 1), '{"b": true}', 'nor where it was written again unchanged');

SELECT is(athar.key_hash('{"id": 1}'), athar.key_hash('{"id": 1.00}'), 'equal keys have equal hashes');
SELECT is(athar.key_hash('{}'), 1415952421, 'FNV-1a of the two bytes {}');
SELECT is(athar.key_hash('{"id": 7, "name": "é\"\n", "x": [1.10, true, null, {"a": 2}]}'), -45023732, 'the hash of a key with everything in it never changes');
SELECT is(athar.key_hash('{"id": 1}'), 1162516097, 'FNV-1a of {"id":}, plus 1');
SELECT is(athar.key_hash('{"id": 1043}') - athar.key_hash('{"id": 999}'), 44, 'keys that follow one another have hashes that do');
SELECT is(athar.key_hash('{"unit": "moh", "number": "P-0124"}') - athar.key_hash('{"unit": "moh", "number": "P-0123"}'), 1, 'also where the number is the end of a text');
SELECT is(athar.key_hash('{"id": 4294967297}'), athar.key_hash('{"id": 1}'), 'modulo 2^32');

DO $$
BEGIN
	EXECUTE (SELECT format('CREATE TABLE app.wide (%s)', string_agg(format('c%s integer', n), ', ')) FROM generate_series(1, 1600) AS n);
	EXECUTE format('CREATE TABLE app.%I (%I integer PRIMARY KEY, v integer)', repeat('Ü"', 21), repeat('k"', 31));
END
$$;
SELECT athar.track('app.wide') IS NOT NULL;
INSERT INTO app.wide (c1, c1600) VALUES (1, 2);
SELECT is((SELECT count(*) FROM jsonb_object_keys((SELECT new_values FROM athar.change_log ORDER BY entry_id DESC LIMIT 1))), 1600::bigint, '1,600 columns');
SELECT athar.track(format('app.%I', repeat('Ü"', 21))::regclass) IS NOT NULL;
DO $$ BEGIN EXECUTE format('INSERT INTO app.%I VALUES (1, 2)', repeat('Ü"', 21)); END $$;
SELECT is(
	(SELECT row(relation, row_key)::text FROM athar.change_log ORDER BY entry_id DESC LIMIT 1),
	row(format('app.%I', repeat('Ü"', 21)), jsonb_build_object(repeat('k"', 31), 1))::text, 'very long names with quotes in them');

--
-- Keys
--
UPDATE app.licence SET id = 100, note = 'moved' WHERE id = 1;
SELECT results_eq($$SELECT operation, row_key, old_values, new_values FROM athar.change_log ORDER BY entry_id DESC LIMIT 1$$,
	$$VALUES ('UPDATE', '{"id": 1}'::jsonb, '{"id": 1, "note": "y"}'::jsonb, '{"id": 100, "note": "moved"}'::jsonb)$$,
	'a changed key is one update, under the old one');
UPDATE app.licence SET note = 'later' WHERE id = 100;
INSERT INTO app.licence (id, holder) VALUES (1, 'another');
SELECT is(
	(SELECT array_agg(row_key->>'id' ORDER BY entry_id) FROM athar.row_history('app.licence', '{"id": 100}')),
	(SELECT array_agg(row_key->>'id' ORDER BY entry_id) FROM athar.change_log WHERE relation = 'app.licence' AND row_key IN ('{"id": 1}', '{"id": 100}') AND new_values->>'holder' IS DISTINCT FROM 'another'),
	'the history of a row with a new key begins with its old one');
SELECT is(
	(SELECT array_agg(entry_id ORDER BY entry_id) FROM athar.row_history('app.licence', '{"id": 1}')),
	(SELECT array_agg(entry_id ORDER BY entry_id) FROM athar.change_log WHERE relation = 'app.licence' AND row_key IN ('{"id": 1}', '{"id": 100}')),
	'and that of the old key follows to the new one, and has the row that has the old key now');
SELECT results_eq(
	$$SELECT entry_id FROM athar.row_history('app.licence', '{"id": " 100 "}')$$,
	$$SELECT entry_id FROM athar.row_history('app.licence', '{"id": 100}')$$,
	'a key is read as the table''s type');
SELECT is_empty($$SELECT * FROM athar.row_history('app.licence', '{"id": 12345}')$$, 'a key that never was has no history');
SELECT throws_ok($$SELECT * FROM athar.row_history('app.licence', '{"number": 1}')$$, '22023', '"number" is not a column of the key of table "licence"', 'an unknown key column');
SELECT throws_ok($$SELECT * FROM athar.row_history('app.licence', '{"holder": "x", "id": 1}')$$, '22023', NULL, 'a column that is not of the key');
SELECT throws_ok($$SELECT * FROM athar.row_history('app.licence', '{"id": null}')$$, '22023', 'column "id" of the key of table "licence" is missing', 'a key without its value');
SELECT throws_ok($$SELECT * FROM athar.row_history('app.licence', '7')$$, '22023', 'a row''s key must be an object of its columns', 'a key that is no object');
SELECT throws_ok($$SELECT * FROM athar.row_history('app.licence', '{"id": "x"}')$$, '22P02', NULL, 'a key of another type');
SELECT throws_ok($$SELECT * FROM athar.row_history('app.licence', NULL)$$, '22023', NULL, 'no key');
SELECT throws_ok($$SELECT * FROM athar.row_history(NULL, '{"id": 1}')$$, '22023', NULL, 'no table');
SELECT throws_ok($$SELECT * FROM athar.row_history('pg_class', '{"oid": 1}')$$, '55000', NULL, 'a table that was never tracked');

CREATE TABLE app.deferred (id integer PRIMARY KEY DEFERRABLE, v integer);
SELECT athar.track('app.deferred') IS NOT NULL;
INSERT INTO app.deferred VALUES (1, 10), (2, 20);
SELECT is((SELECT row_key FROM athar.change_log ORDER BY entry_id DESC LIMIT 1), '{"v": 20, "id": 2}', 'a deferrable key is none: the whole row is');
CREATE TABLE app.replica (a integer NOT NULL, b text NOT NULL, c integer);
CREATE UNIQUE INDEX replica_idx ON app.replica (b, a);
ALTER TABLE app.replica REPLICA IDENTITY USING INDEX replica_idx;
SELECT athar.track('app.replica') IS NOT NULL;
INSERT INTO app.replica VALUES (1, 'x', 2);
SELECT is((SELECT row_key FROM athar.change_log ORDER BY entry_id DESC LIMIT 1), '{"a": 1, "b": "x"}', 'without a primary key, the replica identity');
CREATE TABLE app.bag (a integer, b text);
SELECT athar.track('app.bag') IS NOT NULL;
INSERT INTO app.bag VALUES (1, 'x'), (1, 'x');
UPDATE app.bag SET b = 'y' WHERE ctid = '(0,1)';
SELECT results_eq($$SELECT * FROM pg_temp.entries('app.bag') OFFSET 2$$,
	$$VALUES ('UPDATE', '{"a": 1, "b": "x"}'::jsonb, '{"b": "x"}'::jsonb, '{"b": "y"}'::jsonb)$$, 'without a key, the whole row is');
SELECT is((SELECT count(*) FROM athar.row_history('app.bag', '{"a": 1, "b": "y"}')), 3::bigint, 'and its history is found by it');

--
-- TRUNCATE
--
SELECT pg_temp.last_id() AS last \gset
INSERT INTO app.brief VALUES (5, 'five'), (6, 'six');
TRUNCATE app.brief;
SELECT results_eq(format($$SELECT operation, old_values FROM pg_temp.entries('app.brief', %s) WHERE operation = 'TRUNCATE' ORDER BY row_key$$, :last),
	$$VALUES ('TRUNCATE', '{"v": "five", "id": 5}'::jsonb), ('TRUNCATE', '{"v": "six", "id": 6}')$$, 'TRUNCATE writes down each row');
SET LOCAL athar.truncate_limit = 2;
INSERT INTO app.brief SELECT n, 'x' FROM generate_series(1, 2) AS n;
SELECT lives_ok('TRUNCATE app.brief', 'up to the limit');
INSERT INTO app.brief SELECT n, 'x' FROM generate_series(1, 3) AS n;
SELECT throws_ok('TRUNCATE app.brief', '54000', 'table "app.brief" has more than 2 rows to be logged by TRUNCATE', 'above it is refused');
SELECT is((SELECT count(*) FROM app.brief), 3::bigint, 'and nothing is lost');
RESET athar.truncate_limit;
SELECT is(current_setting('athar.truncate_limit'), '100000', 'the limit unless it is set');

--
-- Partitions
--
CREATE TABLE app.part (id integer, region text, v integer, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE app.part_n PARTITION OF app.part FOR VALUES IN ('n');
CREATE TABLE app.part_s (v integer, gone text, region text NOT NULL, id integer NOT NULL);
ALTER TABLE app.part_s DROP COLUMN gone;
ALTER TABLE app.part ATTACH PARTITION app.part_s FOR VALUES IN ('s');
SELECT athar.track('app.part') IS NOT NULL;
INSERT INTO app.part VALUES (1, 'n', 1), (2, 's', 2);
INSERT INTO app.part_s (id, region, v) VALUES (3, 's', 3);
UPDATE app.part_s SET v = 33 WHERE id = 3;
UPDATE app.part SET region = 'n' WHERE id = 2;
SELECT results_eq($$SELECT operation, row_key->'id', row_key->>'region', coalesce(new_values, old_values)->'v' FROM pg_temp.entries('app.part')$$,
	$$VALUES ('INSERT', '1'::jsonb, 'n', '1'::jsonb), ('INSERT', '2', 's', '2'), ('INSERT', '3', 's', '3'), ('UPDATE', '3', 's', '33'), ('DELETE', '2', 's', '2'), ('INSERT', '2', 'n', '2')$$,
	'a partitioned table: through the parent, straight into a partition, from one to another');
CREATE TABLE app.part_w PARTITION OF app.part FOR VALUES IN ('w');
INSERT INTO app.part_w VALUES (4, 'w', 4);
SELECT is((SELECT row_key FROM pg_temp.entries('app.part') OFFSET 6), '{"id": 4, "region": "w"}', 'a partition made later');
SELECT pg_temp.last_id() AS last \gset
TRUNCATE app.part_s;
SELECT results_eq(format($$SELECT operation, old_values FROM pg_temp.entries('app.part', %s)$$, :last),
	$$VALUES ('TRUNCATE', '{"v": 33, "id": 3, "region": "s"}'::jsonb)$$, 'TRUNCATE of one partition');
TRUNCATE app.part;
SELECT results_eq(format($$SELECT operation, row_key->'id' FROM pg_temp.entries('app.part', %s) ORDER BY 2$$, :last),
	$$VALUES ('TRUNCATE', '1'::jsonb), ('TRUNCATE', '2'), ('TRUNCATE', '3'), ('TRUNCATE', '4')$$, 'TRUNCATE of all, each row once, partitions made later included');
ALTER TABLE app.part DETACH PARTITION app.part_s;
INSERT INTO app.part_s (id, region, v) VALUES (5, 's', 5);
SELECT lives_ok('TRUNCATE app.part_s', 'a partition that was detached can be truncated');
SELECT is_empty(format($$SELECT * FROM pg_temp.entries('app.part', %s) WHERE row_key->'id' = '5'$$, :last), 'and is no longer in the log');
SELECT throws_ok($$SELECT athar.track('app.part_n')$$, '42809', 'table "part_n" is a partition of a tracked table', 'a partition of a tracked table is not tracked again');
SELECT throws_ok($$SELECT * FROM athar.row_history('app.part_n', '{"id": 1, "region": "n"}')$$, '55000', NULL, 'nor asked for its history');
CREATE TABLE app.parent (id integer PRIMARY KEY);
CREATE TABLE app.child (v integer) INHERITS (app.parent);
SELECT athar.track('app.parent') IS NOT NULL;
INSERT INTO app.child VALUES (1, 2);
INSERT INTO app.parent VALUES (7);
TRUNCATE app.parent;
SELECT results_eq($$SELECT operation, row_key FROM pg_temp.entries('app.parent')$$,
	$$VALUES ('INSERT', '{"id": 7}'::jsonb), ('TRUNCATE', '{"id": 7}')$$, 'a table that others inherit from is logged alone');

--
-- What happens to tables later
--
CREATE TABLE app.moving (id integer PRIMARY KEY, a text, b text);
SELECT athar.track('app.moving') AS moving \gset
INSERT INTO app.moving VALUES (1, 'a', 'b');
ALTER TABLE app.moving ADD COLUMN c integer DEFAULT 5;
ALTER TABLE app.moving DROP COLUMN a;
ALTER TABLE app.moving RENAME COLUMN b TO "B b";
ALTER TABLE app.moving ALTER c TYPE numeric(6,1);
UPDATE app.moving SET c = 6;
ALTER TABLE app.moving RENAME TO moved;
UPDATE app.moved SET c = 7;
CREATE SCHEMA elsewhere;
ALTER TABLE app.moved SET SCHEMA elsewhere;
UPDATE elsewhere.moved SET c = 8;
ALTER SCHEMA elsewhere RENAME TO "Else";
UPDATE "Else".moved SET c = 9;
SELECT results_eq($$SELECT relation, operation, new_values FROM athar.row_history('"Else".moved', '{"id": 1}')$$,
	$$VALUES ('app.moving', 'INSERT', '{"a": "a", "b": "b", "id": 1}'::jsonb), ('app.moving', 'DDL', NULL), ('app.moving', 'UPDATE', '{"c": 6.0}'), ('app.moved', 'UPDATE', '{"c": 7.0}'),
		('elsewhere.moved', 'UPDATE', '{"c": 8.0}'), ('"Else".moved', 'UPDATE', '{"c": 9.0}')$$,
	'columns and names change, writes go on, the history stays one');
SELECT is((SELECT count(DISTINCT lineage) FROM athar.tracked_table WHERE lineage = :moving), 1::bigint, 'under one lineage');
SELECT athar.untrack('"Else".moved');
UPDATE "Else".moved SET c = 10;
SELECT is((SELECT count(*) FROM athar.row_history('"Else".moved', '{"id": 1}')), 6::bigint, 'after untrack nothing is logged, and the history is there');
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::"Else".moved, clock_timestamp())$$, '55000', 'table "moved" is not tracked', 'but no earlier state can be rebuilt');
SELECT throws_ok($$SELECT athar.untrack('"Else".moved')$$, '55000', 'table "moved" is not tracked', 'untrack twice');
SELECT is_empty($$SELECT tgname FROM pg_trigger WHERE tgrelid = '"Else".moved'::regclass$$, 'no trigger is left');
SELECT cmp_ok(athar.track('"Else".moved'), '>', :moving, 'tracked again it gets a number of its own');
UPDATE "Else".moved SET c = 11;
SELECT is((SELECT count(*) FROM athar.row_history('"Else".moved', '{"id": 1}')), 7::bigint, 'and goes on with its history');
DROP TABLE "Else".moved;
CREATE TABLE "Else".moved (id integer PRIMARY KEY);
SELECT is((SELECT count(*) FROM athar.row_history('"Else".moved', '{"id": 1}')), 7::bigint, 'a table of the same name can be asked about one that was dropped');

--
-- What cannot be tracked
--
CREATE VIEW app.v AS SELECT 1 AS id;
CREATE MATERIALIZED VIEW app.mv AS SELECT 1 AS id;
CREATE FOREIGN DATA WRAPPER log_fdw;
CREATE SERVER log_server FOREIGN DATA WRAPPER log_fdw;
CREATE FOREIGN TABLE app.ft (id integer) SERVER log_server;
CREATE TEMP TABLE tt (id integer);
SELECT throws_ok($$SELECT athar.track('app.v')$$, '42809', '"v" is a view and cannot be tracked', 'a view');
SELECT throws_ok($$SELECT athar.track('app.mv')$$, '42809', '"mv" is a materialized view and cannot be tracked', 'a materialized view');
SELECT throws_ok($$SELECT athar.track('app.ft')$$, '42809', '"ft" is a foreign table and cannot be tracked', 'a foreign table');
SELECT throws_ok($$SELECT athar.track('tt')$$, '42809', '"tt" is a temporary table and cannot be tracked', 'a temporary table');
SELECT throws_ok($$SELECT athar.track('pg_class')$$, '42809', '"pg_class" is a system catalog and cannot be tracked', 'a system catalog');
SELECT throws_ok($$SELECT athar.track('information_schema.sql_features')$$, '42809', '"sql_features" is a system catalog and cannot be tracked', 'a table of the information schema');
SELECT throws_ok($$SELECT athar.track('athar.unit')$$, '42809', '"unit" belongs to athar, which decides itself what of it is tracked', 'a table of ours');
SELECT throws_ok($$SELECT athar.track('athar.log_entry')$$, '42809', NULL, 'the log itself');
SELECT throws_ok($$SELECT athar.untrack('athar.unit')$$, '42809', NULL, 'ours are not untracked, either');
SELECT throws_ok($$SELECT athar.track('app.part_pkey')$$, '42809', '"part_pkey" is not a table and cannot be tracked', 'an index');
SELECT throws_ok($$SELECT athar.track('app.licence')$$, '42710', 'table "licence" is tracked already', 'one that is tracked');
SELECT throws_ok($$SELECT athar.track('app.no_such')$$, '42P01', NULL, 'one that does not exist');
SELECT throws_ok($$SELECT athar.track(NULL)$$, '22023', 'a table is required', 'none');
CREATE TABLE app.other (id integer PRIMARY KEY, v integer);
SELECT throws_ok($$SELECT athar.track('app.other', '{w}')$$, '42703', 'column "w" of table "other" does not exist', 'an unknown column to exclude');
SELECT throws_ok($$SELECT athar.track('app.other', '{id}')$$, '22023', 'column "id" is part of the key of table "other" and cannot be excluded or masked', 'the key cannot be excluded');
CREATE TABLE app.half (id integer) PARTITION BY LIST (id);
CREATE TABLE app.half_1 PARTITION OF app.half FOR VALUES IN (1);
SELECT athar.track('app.half_1') IS NOT NULL;
SELECT throws_ok($$SELECT athar.track('app.half')$$, '42710', 'partition "half_1" of table "half" is tracked already', 'a partitioned table with a tracked partition');
SET LOCAL ROLE log_owner;
SELECT throws_ok($$SELECT athar.track('app.other')$$, '42501', 'must be owner of table other', 'another''s table');
CREATE TABLE app.own (id integer PRIMARY KEY, v integer, owner name DEFAULT current_user);
SELECT lives_ok($$SELECT athar.track('app.own')$$, 'the owner tracks his own, without rights to the log');
INSERT INTO app.own VALUES (1, 1), (2, 2);
RESET ROLE;
SELECT is((SELECT count(*) FROM pg_temp.entries('app.own')), 2::bigint, 'and it is logged');

--
-- Nobody writes the log by hand
--
SELECT throws_ok($$INSERT INTO athar.log_entry (transaction_id, table_id, key_hash, operation, nonce, row_key) VALUES (1, 1, 1, 'I', gen_random_uuid(), '{}')$$,
	'AT003', 'table "log_entry" of the change log is append-only', 'not even a superuser inserts');
SELECT throws_ok($$UPDATE athar.log_entry SET old_values = NULL$$, 'AT003', NULL, 'changes');
SELECT throws_ok($$DELETE FROM athar.log_transaction$$, 'AT003', NULL, 'deletes');
SELECT throws_ok($$TRUNCATE athar.mark$$, 'AT003', NULL, 'or truncates');
SELECT throws_ok($$UPDATE athar.tracked_column SET is_excluded = false$$, 'AT003', NULL, 'nor what is tracked');
SET LOCAL session_replication_role = replica;
SELECT throws_ok($$DELETE FROM athar.log_entry$$, 'AT003', NULL, 'in a replica''s role neither');
SET LOCAL session_replication_role = origin;
SET LOCAL ROLE log_clerk;
SELECT throws_ok(format($$%s athar.%s$$, s, t), '42501', NULL, format('nobody may: %s %s', s, t))
FROM unnest(ARRAY['TRUNCATE', 'DELETE FROM']) AS s, unnest(ARRAY['log_entry', 'log_transaction', 'mark', 'tracked_table', 'tracked_column']) AS t;
SELECT throws_ok($$SELECT * FROM athar.change_log$$, '42501', NULL, 'nor read the whole log');
RESET ROLE;

-- Whoever has a table can make a trigger of our function on it, with any number.
GRANT USAGE ON SCHEMA athar TO log_clerk;
GRANT CREATE ON SCHEMA app TO log_clerk;
SET LOCAL ROLE log_clerk;
CREATE TABLE app.forged (id integer PRIMARY KEY, fee numeric);
DO $$ BEGIN EXECUTE format('CREATE TRIGGER "#athar_capture" AFTER INSERT ON app.forged FOR EACH ROW EXECUTE FUNCTION athar.capture_change(%L)',
	(SELECT encode(tgargs, 'escape')::text FROM pg_trigger WHERE tgrelid = 'app.licence'::regclass AND tgname = '#athar_capture')); END $$;
RESET ROLE;
DO $$ BEGIN EXECUTE format('DROP TRIGGER "#athar_capture" ON app.forged; CREATE TRIGGER "#athar_capture" AFTER INSERT ON app.forged FOR EACH ROW EXECUTE FUNCTION athar.capture_change(%L)',
	(SELECT lineage FROM athar.tracked_table WHERE relation = 'app.licence' LIMIT 1)); END $$;
SELECT throws_ok($$INSERT INTO app.forged VALUES (1, 1000000)$$, '42501',
	format('table "forged" is not the one tracked under number %s', (SELECT lineage FROM athar.tracked_table WHERE relation = 'app.licence' LIMIT 1)),
	'a trigger with another table''s number does not write its history');
DO $$ BEGIN EXECUTE 'DROP TRIGGER "#athar_capture" ON app.forged; CREATE TRIGGER "#athar_capture" AFTER INSERT ON app.forged FOR EACH ROW EXECUTE FUNCTION athar.capture_change(''999999'')'; END $$;
SELECT throws_ok($$INSERT INTO app.forged VALUES (1, 1000000)$$, '42501', NULL, 'nor with no table''s number');
SELECT throws_ok($$CREATE TRIGGER b BEFORE INSERT ON app.forged FOR EACH ROW EXECUTE FUNCTION athar.capture_change('1'); INSERT INTO app.forged VALUES (1)$$, '39P01', NULL, 'the trigger before the change is refused');
SELECT throws_ok($$SELECT athar.capture_change()$$, '39P01', NULL, 'and a call without a trigger');

-- The signature of a restore.
SELECT pg_temp.last_id() AS last \gset
SET SESSION AUTHORIZATION log_clerk;
SET row_security = off;
SET check_function_bodies = off;
SET xmloption = content;
SELECT set_config('search_path', '', false);
INSERT INTO app.licence (id, holder) VALUES (200, 'sneaked in');
RESET SESSION AUTHORIZATION;
INSERT INTO app.licence (id, holder) VALUES (201, 'restored');
UPDATE app.licence SET holder = 'updated' WHERE id = 201;
SELECT athar.is_restoring() AS restoring \gset
RESET row_security; RESET check_function_bodies; RESET xmloption; RESET search_path;
SELECT results_eq(format($$SELECT operation, row_key->'id' FROM pg_temp.entries('app.licence', %s)$$, :last),
	$$VALUES ('INSERT', '200'::jsonb), ('UPDATE', '201')$$,
	'an ordinary role that poses as a restore is logged; a restore''s inserts are not, its updates are');
SELECT ok(:'restoring'::boolean AND NOT athar.is_restoring(), 'is_restoring tells');

--
-- Reading with the table's rights
--
CREATE TABLE app.note (id integer PRIMARY KEY, clerk name, body text);
SELECT athar.track('app.note') IS NOT NULL;
INSERT INTO app.note VALUES (1, 'log_clerk', 'mine'), (2, 'log_owner', 'yours'), (3, 'log_clerk', 'gone');
SELECT athar.create_mark('notes') AS mark \gset
UPDATE app.note SET body = body || '!';
DELETE FROM app.note WHERE id = 3;
SET LOCAL ROLE log_clerk;
SELECT throws_ok($$SELECT * FROM athar.row_history('app.note', '{"id": 1}')$$, '42501', 'permission denied for table note', 'without SELECT no history');
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.note, clock_timestamp())$$, '42501', 'permission denied for table note', 'nor an earlier state');
RESET ROLE;
GRANT SELECT (id, body) ON app.note TO log_clerk;
SET LOCAL ROLE log_clerk;
SELECT throws_ok($$SELECT * FROM athar.row_history('app.note', '{"id": 1}')$$, '42501', NULL, 'SELECT on some columns is not enough');
RESET ROLE;
GRANT SELECT ON app.note TO log_clerk;
CREATE TABLE pg_temp.note_times AS SELECT at FROM athar.mark WHERE name = 'notes';
GRANT SELECT ON note_times TO log_clerk;
SET LOCAL ROLE log_clerk;
SELECT is((SELECT count(*) FROM athar.row_history('app.note', '{"id": 2}')), 2::bigint, 'with SELECT on the table its rows have a history');
SELECT is((SELECT string_agg(body, ' ' ORDER BY id) FROM athar.as_of(NULL::app.note, (SELECT at FROM note_times))), 'mine yours gone', 'and a past');
RESET ROLE;
ALTER TABLE app.note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.note USING (clerk = current_user);
SET LOCAL ROLE log_clerk;
SELECT is((SELECT count(*) FROM athar.row_history('app.note', '{"id": 1}')), 2::bigint, 'under row security, of a row that he sees');
SELECT is_empty($$SELECT * FROM athar.row_history('app.note', '{"id": 2}')$$, 'not of one that he does not');
SELECT is_empty($$SELECT * FROM athar.row_history('app.note', '{"id": 3}')$$, 'nor of one that is gone');
SELECT is((SELECT string_agg(body, ' ' ORDER BY id) FROM athar.as_of(NULL::app.note, (SELECT at FROM note_times))), 'mine', 'and the past of these alone');
SELECT is(current_user, 'log_clerk', 'reading leaves him who he is');
RESET ROLE;
-- Names in the caller's search path do not get the owner's rights.
GRANT CREATE ON SCHEMA app TO log_reader;
GRANT SELECT ON app.licence TO log_reader;
SET LOCAL ROLE log_reader;
CREATE FUNCTION app.trap(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE 'trapped as %', current_user; END$$;
CREATE OPERATOR app.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = app.trap);
SET LOCAL search_path = app, pg_catalog, public;
SELECT lives_ok($$SELECT count(*) FROM athar.row_history('app.licence', '{"id": 1}')$$, 'an operator of the caller''s is not used with the owner''s rights');
SELECT lives_ok($$SELECT count(*) FROM athar.as_of(NULL::app.licence, clock_timestamp())$$, 'in neither reader');
RESET ROLE;
RESET search_path;

--
-- Marks and as_of
--
SELECT throws_ok($$SELECT athar.create_mark(' ')$$, '22023', 'a mark needs a name', 'a mark without a name');
SELECT throws_ok($$SELECT athar.create_mark(NULL)$$, '22023', NULL, 'or with none');
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.licence, 'infinity')$$, '22023', NULL, 'the future');
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.licence, clock_timestamp() + '1 hour')$$, '22023', NULL, 'an hour ahead');
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.licence, '1999-01-01')$$, '22023', NULL, 'before the first mark');
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.licence, '-infinity')$$, '22023', NULL, 'before all time');
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.licence, NULL)$$, '22023', 'a time is required', 'no time');
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.other, clock_timestamp())$$, '55000', 'table "other" was never tracked', 'a table that is not tracked');
SELECT throws_ok($$SELECT * FROM athar.as_of(1, clock_timestamp())$$, '42809', 'type integer is not the row type of a table', 'no table');
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.pair, clock_timestamp())$$, '42809', NULL, 'a row type without a table');
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.note, (SELECT min(at) FROM athar.mark))$$, '22023', 'table "note" was not tracked at that time', 'before it was tracked');
SELECT is(
	(SELECT row(id, name, at)::text FROM athar.as_of_mark((SELECT at FROM athar.mark WHERE name = 'notes'))),
	(SELECT row(id, name, at)::text FROM athar.mark WHERE name = 'notes'), 'the mark that answers');
SELECT is((SELECT id FROM athar.as_of_mark(NULL)), NULL, 'none for no time');
CREATE TEMP TABLE asked AS SELECT clock_timestamp() AS at;
SELECT count(*) FROM athar.mark \gset before_
CREATE TEMP TABLE first_answer AS SELECT l.* FROM asked, athar.as_of(NULL::app.licence, asked.at) AS l;
UPDATE app.licence SET note = 'after the answer';
SELECT set_eq($$SELECT l.* FROM asked, athar.as_of(NULL::app.licence, asked.at) AS l$$, 'SELECT * FROM first_answer', 'an answer beyond the last mark stays the answer');
SELECT is((SELECT count(*) FROM athar.mark), (:before_count + 1)::bigint, 'by one mark');
SELECT is((SELECT max(at) FROM athar.mark), (SELECT at FROM asked), 'at the time asked for');
SELECT is((SELECT count(*) FROM athar.as_of(NULL::athar.unit, (SELECT at FROM asked))), (SELECT count(*) FROM athar.unit), 'our own tables have a past, too');

-- Every state of random changes comes back: a key that changes, a table in
-- partitions, one without a key; and after columns come and go.
CREATE TABLE app.random_keyed (id integer PRIMARY KEY, v integer, t text);
CREATE TABLE app.random_part (id integer, region integer, v integer, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE app.random_part_0 PARTITION OF app.random_part FOR VALUES IN (0);
CREATE TABLE app.random_part_1 PARTITION OF app.random_part FOR VALUES IN (1);
CREATE TABLE app.random_bag (v integer, w integer);
SELECT count(athar.track(t, inserted_values => t <> 'app.random_part'::regclass)) = 3 FROM unnest(ARRAY['app.random_keyed', 'app.random_part', 'app.random_bag']::regclass[]) AS t;
CREATE TEMP TABLE saved (mark bigint, relation text, r text);
CREATE FUNCTION pg_temp.random_step() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	a integer := (random() * 12)::integer;
	b integer := (random() * 12)::integer;
	d integer := (random() * 100)::integer;
BEGIN
	CASE (random() * 13)::integer
	WHEN 0, 1, 2 THEN INSERT INTO app.random_keyed VALUES (a, d, d) ON CONFLICT (id) DO UPDATE SET v = excluded.v;
	WHEN 3 THEN UPDATE app.random_keyed SET t = 't' || d, v = v + 1 WHERE id <= a;
	WHEN 4 THEN UPDATE app.random_keyed SET id = b WHERE id = a AND NOT EXISTS (SELECT FROM app.random_keyed WHERE id = b);
	WHEN 5 THEN DELETE FROM app.random_keyed WHERE id = a;
	WHEN 6, 7 THEN INSERT INTO app.random_part VALUES (a, b % 2, d) ON CONFLICT (id, region) DO UPDATE SET v = excluded.v;
	WHEN 8 THEN UPDATE app.random_part SET region = 1 - region WHERE id = a AND NOT EXISTS (SELECT FROM app.random_part AS o WHERE o.id = a AND o.region = 1 - random_part.region);
	WHEN 9 THEN DELETE FROM app.random_part_0 WHERE id = a; UPDATE app.random_part_1 SET v = d WHERE id = b;
	WHEN 10 THEN INSERT INTO app.random_bag VALUES (a % 3, b % 2), (a % 3, b % 2);
	WHEN 11 THEN UPDATE app.random_bag SET w = b WHERE ctid = (SELECT ctid FROM app.random_bag ORDER BY random() LIMIT 1);
	WHEN 12 THEN DELETE FROM app.random_bag WHERE ctid = (SELECT ctid FROM app.random_bag ORDER BY random() LIMIT 1);
	ELSE IF d < 10 THEN TRUNCATE app.random_keyed, app.random_bag; END IF;
	END CASE;
END
$$;
SELECT setseed(0.42);
DO $$
DECLARE
	mark bigint;
BEGIN
	FOR i IN 1..60 LOOP
		FOR j IN 1..8 LOOP
			PERFORM pg_temp.random_step();
		END LOOP;
		mark := athar.create_mark('random ' || i);
		INSERT INTO saved
		SELECT mark, 'random_keyed', x::text FROM app.random_keyed AS x
		UNION ALL SELECT mark, 'random_part', x::text FROM app.random_part AS x
		UNION ALL SELECT mark, 'random_bag', x::text FROM app.random_bag AS x;
	END LOOP;
END
$$;
SELECT cmp_ok((SELECT count(*) FROM saved), '>', 1000::bigint, 'random changes of some substance');
CREATE TEMP TABLE rebuilt AS
SELECT m.id AS mark, 'random_keyed' AS relation, x::text AS r FROM athar.mark AS m, athar.as_of(NULL::app.random_keyed, m.at) AS x WHERE m.name LIKE 'random %'
UNION ALL SELECT m.id, 'random_part', x::text FROM athar.mark AS m, athar.as_of(NULL::app.random_part, m.at) AS x WHERE m.name LIKE 'random %'
UNION ALL SELECT m.id, 'random_bag', x::text FROM athar.mark AS m, athar.as_of(NULL::app.random_bag, m.at) AS x WHERE m.name LIKE 'random %';
SELECT bag_eq('SELECT * FROM rebuilt', 'SELECT * FROM saved', 'each state comes back exactly');

ALTER TABLE app.random_keyed ADD COLUMN added integer DEFAULT 1;
ALTER TABLE app.random_keyed DROP COLUMN t;
ALTER TABLE app.random_bag ADD COLUMN added integer DEFAULT 1;
UPDATE app.random_keyed SET added = 2, v = v + 1;
INSERT INTO app.random_bag VALUES (0, 0, 1), (0, 0, 5);
SET LOCAL client_min_messages = error;
SELECT bag_eq(
	$$SELECT m.id, (x.id, x.v)::text FROM athar.mark AS m, athar.as_of(NULL::app.random_keyed, m.at) AS x WHERE m.name LIKE 'random %'$$,
	$$SELECT s.mark, (split_part(trim('(' FROM s.r), ',', 1)::integer, split_part(s.r, ',', 2)::integer)::text FROM saved AS s WHERE s.relation = 'random_keyed'$$,
	'and after columns were added and dropped');
SELECT bag_eq(
	$$SELECT m.id, (x.v, x.w)::text FROM athar.mark AS m, athar.as_of(NULL::app.random_bag, m.at) AS x WHERE m.name LIKE 'random %'$$,
	$$SELECT s.mark, s.r FROM saved AS s WHERE s.relation = 'random_bag'$$,
	'without a key, too');
RESET client_min_messages;
ALTER TABLE app.random_keyed DROP CONSTRAINT random_keyed_pkey, ADD COLUMN code integer GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY;
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.random_keyed, (SELECT at FROM athar.mark WHERE name = 'random 1'))$$, '0A000',
	'the key of table "random_keyed" has changed since', 'another key is no guess');

ALTER TABLE app.random_keyed DROP CONSTRAINT random_keyed_pkey;
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.random_keyed, (SELECT at FROM athar.mark WHERE name = 'random 1'))$$, '0A000', NULL, 'nor is none');

-- A dropped table's history is not for whoever takes its name or its number.
CREATE ROLE athar_test_heir;
GRANT USAGE, CREATE ON SCHEMA app TO athar_test_heir;
SELECT athar.grant_access('athar_test_heir', 'administer');
CREATE ROLE athar_test_keeper;
GRANT USAGE, CREATE ON SCHEMA app TO athar_test_keeper;
SELECT athar.grant_access('athar_test_keeper', 'administer');
SET LOCAL ROLE athar_test_keeper;
CREATE TABLE app.secret (id integer PRIMARY KEY, v text);
SELECT athar.track('app.secret') AS secret \gset
INSERT INTO app.secret VALUES (1, 'hidden');
DROP TABLE app.secret;
SET LOCAL ROLE athar_test_heir;
CREATE TABLE app.mine (id integer PRIMARY KEY, v text);
CREATE TRIGGER t AFTER INSERT ON app.mine FOR EACH ROW EXECUTE FUNCTION athar.capture_change(:'secret');
SELECT throws_ok($$INSERT INTO app.mine VALUES (1, 'x')$$, '42501', NULL, 'the number of a dropped table is not taken over');
SELECT throws_ok($$SELECT * FROM athar.row_history('app.mine', '{"id": 1}')$$, '55000', NULL, 'nor its history read');
DROP TRIGGER t ON app.mine;
ALTER TABLE app.mine RENAME TO secret;
SELECT throws_ok($$SELECT * FROM athar.row_history('app.secret', '{"id": 1}')$$, '55000', NULL, 'nor by its name');
SELECT ok(athar.track('app.secret') <> :secret, 'tracked by another, the name begins a history of its own');
SELECT is_empty($$SELECT * FROM athar.row_history('app.secret', '{"id": 1}')$$, 'which is empty');
DROP TABLE app.secret;
SET LOCAL ROLE athar_test_keeper;
CREATE TABLE app.secret (id integer PRIMARY KEY, v text);
SELECT isnt_empty($$SELECT * FROM athar.row_history('app.secret', '{"id": 1}')$$, 'for its former owner it goes on');
RESET ROLE;

-- What a trigger of the user's does to the same row comes after what fired it.
CREATE TABLE app.chain (id integer PRIMARY KEY, n integer);
SELECT athar.track('app.chain');
CREATE FUNCTION app.after_insert() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE app.chain SET n = n + 1 WHERE id = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER after_insert AFTER INSERT ON app.chain FOR EACH ROW EXECUTE FUNCTION app.after_insert();
INSERT INTO app.chain VALUES (1, 1);
SELECT results_eq($$SELECT operation FROM athar.row_history('app.chain', '{"id": 1}') ORDER BY entry_id$$, $$VALUES ('INSERT'), ('UPDATE')$$,
	'a trigger''s change of the row is logged after the change that fired it');

SELECT * FROM finish();
ROLLBACK;
