-- definition: the log of a table whose definition changes: versions, reading in today's shape
BEGIN;
SELECT plan(77);
CREATE SCHEMA app;
CREATE FUNCTION pg_temp.mark_at(mark text) RETURNS timestamptz LANGUAGE SQL AS $$SELECT at FROM athar.mark WHERE name = $1$$;

--
-- Versions
--
CREATE TABLE app.permit (id integer PRIMARY KEY, fee numeric(8,2), note text, secret text);
SELECT athar.track('app.permit', exclude => '{secret}') AS permit \gset
CREATE FUNCTION pg_temp.columns() RETURNS SETOF text LANGUAGE SQL AS $$
	SELECT concat_ws(' ', c.number, c.name, c.type, CASE WHEN c.is_key THEN 'key' END, CASE WHEN c.is_excluded THEN 'excluded' END)
	FROM athar.tracked_column AS c
	WHERE c.table_id = (SELECT max(t.id) FROM athar.tracked_table AS t WHERE t.rekey_of IS NULL AND t.lineage = (SELECT min(id) FROM athar.tracked_table WHERE relation = 'app.permit'))
	ORDER BY c.number
$$;
SELECT results_eq('SELECT pg_temp.columns()', $$VALUES ('1 id integer key'), ('2 fee numeric(8,2)'), ('3 note text'), ('4 secret text excluded')$$,
	'a table''s columns are written down when it is tracked');
SELECT is((SELECT count(*) FROM athar.tracked_table AS t WHERE t.rekey_of = :permit AND t.lineage = :permit), 1::bigint, 'with a partner for changed keys');
INSERT INTO app.permit VALUES (1, 10, 'old note', 'hidden');
SELECT athar.create_mark('first') IS NOT NULL;
UPDATE app.permit SET fee = 11, note = 'new note', secret = 'hidden too';
ALTER TABLE app.permit RENAME note TO remark;
ALTER TABLE app.permit RENAME secret TO note;
UPDATE app.permit SET fee = 12, note = 'still hidden';
SELECT results_eq('SELECT pg_temp.columns()', $$VALUES ('1 id integer key'), ('2 fee numeric(8,2)'), ('3 remark text'), ('4 note text excluded')$$,
	'a renamed column keeps its number, and stays excluded');
SELECT is((SELECT count(*) FROM athar.log_entry WHERE concat(row_key, old_values, new_values) LIKE '%hidden%'), 0::bigint, 'its values are nowhere in the log');
ALTER TABLE app.permit DROP COLUMN fee;
ALTER TABLE app.permit ADD COLUMN fee text DEFAULT 'none';
UPDATE app.permit SET remark = 'newer note';
SELECT results_eq('SELECT pg_temp.columns()', $$VALUES ('1 id integer key'), ('3 remark text'), ('4 note text excluded'), ('5 fee text')$$,
	'a column dropped and added again has another number');
SELECT results_eq($$SELECT * FROM athar.as_of(NULL::app.permit, pg_temp.mark_at('first'))$$, $$VALUES (1, 'old note', 'still hidden', 'none')$$,
	'as_of: the value of a renamed column under its name of today, none of a dropped one for the column that took its name');
ALTER TABLE app.permit RENAME id TO number;
UPDATE app.permit SET number = 2;
UPDATE app.permit SET remark = 'last note';
SELECT is((SELECT array_agg(operation || ' ' || row_key ORDER BY entry_id) FROM athar.row_history('app.permit', '{"number": 2}') WHERE operation <> 'DDL'),
	'{"INSERT {\"id\": 1}","UPDATE {\"id\": 1}","UPDATE {\"id\": 1}","UPDATE {\"id\": 1}","UPDATE {\"number\": 1}","UPDATE {\"number\": 2}"}',
	'row_history: a row is followed through other names of its key and other keys');
SELECT results_eq($$SELECT * FROM athar.as_of(NULL::app.permit, pg_temp.mark_at('first'))$$, $$VALUES (1, 'old note', 'still hidden', 'none')$$,
	'as_of, too');
SELECT throws_ok($$SELECT * FROM athar.row_history('app.permit', '{"id": 1}')$$, '22023', NULL, 'asked for by the names of today');

--
-- Types
--
CREATE TYPE app.mood AS ENUM ('calm', 'cross');
CREATE TABLE app.typed (id integer PRIMARY KEY, i integer, t text, n numeric(8,2), m app.mood, j text, v text, d date);
SELECT athar.track('app.typed') IS NOT NULL;
INSERT INTO app.typed VALUES (1, 10, '20', 1.50, 'calm', '{"a": 1}', 'abcdef', '2026-02-01'), (2, 11, 'no number', 2.5, 'cross', '[]', 'ab', '2026-02-02'), (3, 0, '0', 0, 'calm', '0', '', '2026-01-01');
SELECT athar.create_mark('typed') IS NOT NULL;
UPDATE app.typed SET i = i + 1, t = '21', n = n + 1, m = 'cross', j = '{}', v = 'x', d = d + 1;
DELETE FROM app.typed WHERE id = 3;
ALTER TABLE app.typed ALTER i TYPE text, ALTER t TYPE bigint USING t::bigint, ALTER n TYPE integer, ALTER j TYPE jsonb USING j::jsonb, ALTER v TYPE varchar(3), ALTER d TYPE timestamp;
CREATE TEMP TABLE warned (message text);
SET LOCAL client_min_messages = error;
SELECT results_eq($$SELECT * FROM athar.as_of(NULL::app.typed, pg_temp.mark_at('typed')) ORDER BY id$$,
	$$VALUES (1, '10', 20::bigint, 2, 'calm'::app.mood, '{"a": 1}'::jsonb, NULL::varchar(3), '2026-02-01'::timestamp), (2, '11', NULL, 3, 'cross', '[]', 'ab', '2026-02-02'), (3, '0', 0, 0, 'calm', '0', '', '2026-01-01')$$,
	'as_of: logged values are read as the types of today, NULL where they cannot be');
ALTER TYPE app.mood RENAME VALUE 'calm' TO 'quiet';
SELECT results_eq($$SELECT id, m FROM athar.as_of(NULL::app.typed, pg_temp.mark_at('typed')) ORDER BY id$$,
	$$VALUES (1, NULL::app.mood), (2, 'cross'), (3, NULL)$$, 'a label that has another name by now is no error');
RESET client_min_messages;
ALTER TABLE app.typed ALTER id TYPE text;
UPDATE app.typed SET id = 'one' WHERE id = '1';
UPDATE app.typed SET t = 22 WHERE id = 'one';
SELECT is((SELECT array_agg(operation || ' ' || row_key ORDER BY entry_id) FROM athar.row_history('app.typed', '{"id": "one"}') WHERE operation <> 'DDL'),
	'{"INSERT {\"id\": 1}","UPDATE {\"id\": 1}","UPDATE {\"id\": \"1\"}","UPDATE {\"id\": \"one\"}"}', 'a key of another type is the same key');
SET LOCAL client_min_messages = error;
SELECT results_eq($$SELECT id, i FROM athar.as_of(NULL::app.typed, pg_temp.mark_at('typed')) ORDER BY id$$, $$VALUES ('1', '10'), ('2', '11'), ('3', '0')$$, 'for as_of, too');
RESET client_min_messages;
-- A type's input may call a function of its maker's: never as the owner of the log.
CREATE ROLE athar_test_typist;
GRANT USAGE, CREATE ON SCHEMA app TO athar_test_typist;
SELECT athar.grant_access('athar_test_typist', 'administer');
SET LOCAL ROLE athar_test_typist;
CREATE TABLE app.seen (who name);
CREATE FUNCTION app.is_even(value integer) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.seen VALUES (current_user); RETURN value % 2 = 0; END $$;
CREATE DOMAIN app.even AS integer CHECK (app.is_even(VALUE));
CREATE TYPE app.holder AS (n app.even);
CREATE TABLE app.trap (id integer PRIMARY KEY, p app.holder, q text);
SELECT athar.track('app.trap') IS NOT NULL;
INSERT INTO app.trap VALUES (1, ROW(2), '(4)');
SELECT athar.create_mark('trap') IS NOT NULL;
UPDATE app.trap SET p = ROW(6), q = '(8)';
ALTER TABLE app.trap ALTER q TYPE app.holder USING q::app.holder;
DELETE FROM app.seen;
RESET ROLE;
SELECT pg_temp.mark_at('trap') AS trap \gset
SET LOCAL ROLE athar_test_typist;
SELECT results_eq(format($$SELECT (p).n::integer, (q).n::integer FROM athar.as_of(NULL::app.trap, %L)$$, :'trap'),
	$$VALUES (2, 4)$$, 'values of a type with a check of its maker''s');
SELECT results_eq('SELECT DISTINCT who FROM app.seen', $$VALUES ('athar_test_typist'::name)$$, 'are read with the rights of who asks');
RESET ROLE;

--
-- Rows without a key
--
CREATE TABLE app.bag (a integer, b text, c integer);
SELECT athar.track('app.bag') IS NOT NULL;
INSERT INTO app.bag VALUES (1, 'x', 5), (1, 'x', 6), (2, 'y', 7);
SELECT athar.create_mark('bag') IS NOT NULL;
DELETE FROM app.bag WHERE c = 5;
ALTER TABLE app.bag RENAME a TO alpha;
ALTER TABLE app.bag ALTER alpha TYPE text;
ALTER TABLE app.bag DROP COLUMN c;
ALTER TABLE app.bag ADD COLUMN e integer DEFAULT 1;
INSERT INTO app.bag VALUES (3, 'z', 1), (1, 'x', 2);
DELETE FROM app.bag WHERE alpha = '2';
SELECT bag_eq($$SELECT alpha, b FROM athar.as_of(NULL::app.bag, pg_temp.mark_at('bag'))$$, $$VALUES ('1', 'x'), ('1', 'x'), ('2', 'y')$$, 'as_of without a key');

--
-- Keys
--
CREATE TABLE app.pair (a integer, b integer, v integer, PRIMARY KEY (a, b));
SELECT athar.track('app.pair') IS NOT NULL;
INSERT INTO app.pair VALUES (1, 1, 1), (1, 2, 2);
SELECT athar.create_mark('pair') IS NOT NULL;
DELETE FROM app.pair WHERE b = 1;
ALTER TABLE app.pair DROP CONSTRAINT pair_pkey, ADD PRIMARY KEY (a);
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.pair, pg_temp.mark_at('pair'))$$, '0A000', NULL, 'a part of the key told fewer rows apart: no guess');
SELECT athar.create_mark('single') IS NOT NULL;
UPDATE app.pair SET v = 3;
SELECT results_eq($$SELECT * FROM athar.as_of(NULL::app.pair, pg_temp.mark_at('single'))$$, $$VALUES (1, 2, 2)$$, 'since the key is another it is told by it');

--
-- After a restore columns have other numbers: what was known by attnum is known by name
--
CREATE TABLE app.compact (gone integer, id integer PRIMARY KEY, a integer, b integer);
ALTER TABLE app.compact DROP COLUMN gone;
SELECT athar.track('app.compact') IS NOT NULL;
INSERT INTO app.compact VALUES (1, 10, 20);
SELECT athar.create_mark('compact') IS NOT NULL;
UPDATE app.compact SET a = 11, b = 21;
DROP TABLE app.compact;
CREATE TABLE app.compact (id integer PRIMARY KEY, a integer, c integer, b integer);
SELECT athar.track('app.compact') IS NOT NULL;
INSERT INTO app.compact VALUES (1, 11, 1, 21);
SELECT results_eq(
	$$SELECT name, number FROM athar.tracked_column WHERE table_id = (SELECT max(id) FROM athar.tracked_table WHERE relation = 'app.compact' AND rekey_of IS NULL) ORDER BY attnum$$,
	$$VALUES ('id', 1), ('a', 2), ('c', 4), ('b', 3)$$, 'by name where the table is another one');
SELECT is((SELECT count(*) FROM athar.row_history('app.compact', '{"id": 1}') WHERE operation <> 'DDL'), 3::bigint, 'and its rows'' histories go on');

--
-- Entries
--
CREATE ROLE athar_test_owner;
CREATE SCHEMA own AUTHORIZATION athar_test_owner;
CREATE FUNCTION pg_temp.last_id() RETURNS bigint LANGUAGE SQL AS $$SELECT coalesce(max(id), 0) FROM athar.log_entry$$;
-- What a command leaves in the log: the entries after those of before it.
CREATE FUNCTION pg_temp.logged(command text) RETURNS TABLE (relation text, row_key jsonb, old_values jsonb, new_values jsonb) LANGUAGE plpgsql AS $$
DECLARE
	last bigint := pg_temp.last_id();
BEGIN
	EXECUTE command;
	RETURN QUERY SELECT c.relation, c.row_key, c.old_values, c.new_values FROM athar.change_log AS c WHERE c.entry_id > last AND c.operation = 'DDL' ORDER BY c.entry_id;
END
$$;
CREATE FUNCTION pg_temp.logs(command text, relation text, was jsonb, now jsonb, description text) RETURNS text LANGUAGE SQL AS $$
	SELECT results_eq(format('SELECT * FROM pg_temp.logged(%L)', command), format('VALUES (%L, %L::jsonb, %L::jsonb, %L::jsonb)', relation, '{}', was, now), description)
$$;
SET LOCAL ROLE athar_test_owner;
CREATE TABLE own.plot (id integer PRIMARY KEY, a integer, b text);
RESET ROLE;
SELECT athar.track('own.plot') AS plot \gset
INSERT INTO own.plot VALUES (1, 10, 'x'), (2, NULL, 'y');
SELECT pg_temp.logs('ALTER TABLE own.plot ADD COLUMN c numeric(6,2) DEFAULT 1, ADD COLUMN d integer', 'own.plot', NULL,
	'{"command": "ALTER TABLE", "columns": {"c": "numeric(6,2)", "d": "integer"}}', 'columns added');
SELECT pg_temp.logs('ALTER TABLE own.plot RENAME COLUMN b TO label', 'own.plot',
	'{"columns": {"b": "text"}}', '{"command": "ALTER TABLE", "columns": {"label": "text"}, "renamed": {"b": "label"}}', 'a column renamed');
SELECT pg_temp.logs('ALTER TABLE own.plot ALTER c TYPE integer', 'own.plot',
	'{"columns": {"c": "numeric(6,2)"}}', '{"command": "ALTER TABLE", "columns": {"c": "integer"}}', 'a column of another type');
SELECT is_empty($$SELECT * FROM pg_temp.logged('ALTER TABLE own.plot ALTER c SET DEFAULT 5, ALTER c SET STATISTICS 50, ADD CHECK (id > 0); CREATE INDEX ON own.plot (a); COMMENT ON TABLE own.plot IS ''x''; ANALYZE own.plot')$$,
	'defaults, constraints and indexes are no matter of the log');
SELECT pg_temp.logs('ALTER TABLE own.plot RENAME TO lot', 'own.lot', '{"relation": "own.plot"}', '{"command": "ALTER TABLE", "relation": "own.lot"}', 'another name');
CREATE SCHEMA elsewhere;
SELECT pg_temp.logs('ALTER TABLE own.lot SET SCHEMA elsewhere', 'elsewhere.lot', '{"relation": "own.lot"}', '{"command": "ALTER TABLE", "relation": "elsewhere.lot"}', 'another schema');
SELECT pg_temp.logs('ALTER SCHEMA elsewhere RENAME TO "Else"', '"Else".lot', '{"relation": "elsewhere.lot"}', '{"command": "ALTER SCHEMA", "relation": "\"Else\".lot"}', 'a schema of another name');
SELECT pg_temp.logs('ALTER TABLE "Else".lot OWNER TO CURRENT_USER', '"Else".lot', '{"owner": "athar_test_owner"}', jsonb_build_object('command', 'ALTER TABLE', 'owner', current_user), 'another owner');
ALTER TABLE "Else".lot SET SCHEMA own;
ALTER TABLE own.lot OWNER TO athar_test_owner;
SELECT pg_temp.logs('ALTER TABLE own.lot DISABLE TRIGGER "#athar_capture"', 'own.lot',
	'{"triggers": {"#athar_capture": "always"}}', '{"command": "ALTER TABLE", "triggers": {"#athar_capture": "disabled"}}', 'the capture disabled');
SELECT pg_temp.logs('ALTER TABLE own.lot ENABLE TRIGGER ALL', 'own.lot',
	'{"triggers": {"#athar_capture": "disabled"}}', '{"command": "ALTER TABLE", "triggers": {"#athar_capture": "always"}}', 'and enabled: always again');
SELECT pg_temp.logs('DROP TRIGGER "~athar_capture_truncate" ON own.lot', 'own.lot',
	'{"triggers": {"~athar_capture_truncate": "always"}}', '{"command": "DROP TRIGGER"}', 'dropped');
SELECT pg_temp.logs(format('CREATE TRIGGER "~athar_capture_truncate" BEFORE TRUNCATE ON own.lot EXECUTE FUNCTION athar.capture_change(%L)', :'plot'), 'own.lot',
	NULL, '{"command": "CREATE TRIGGER", "triggers": {"~athar_capture_truncate": "always"}}', 'and made anew by hand');
SELECT pg_temp.logs('ALTER TABLE own.lot DROP CONSTRAINT plot_pkey', 'own.lot', '{"key": ["id"]}', '{"command": "ALTER TABLE", "key": []}', 'a key dropped');
SELECT pg_temp.logs('ALTER TABLE own.lot ADD PRIMARY KEY (id)', 'own.lot', '{"key": []}', '{"command": "ALTER TABLE", "key": ["id"]}', 'and added');
SAVEPOINT s;
ALTER TABLE own.lot RENAME a TO gone;
ROLLBACK TO SAVEPOINT s;
SELECT is_empty($$SELECT * FROM athar.log_entry WHERE new_values->'renamed'->>'a' = 'gone'$$, 'what is rolled back leaves nothing');
SELECT is((SELECT string_agg(name, ' ' ORDER BY number) FROM athar.tracked_column WHERE table_id = (SELECT max(id) FROM athar.tracked_table WHERE relation = 'own.lot' AND rekey_of IS NULL)),
	'id a label c d', 'neither a version');
-- Who acts is recorded as for rows, without any rights in athar.
SET LOCAL ROLE athar_test_owner;
SET LOCAL athar.actor = 'surveyor 3';
SET LOCAL athar.reason = 'survey';
SELECT lives_ok('ALTER TABLE own.lot RENAME d TO size', 'the owner has no rights in athar');
RESET athar.actor; RESET athar.reason;
RESET ROLE;
SELECT results_eq('SELECT current_user_name, actor, reason FROM athar.change_log ORDER BY entry_id DESC LIMIT 1', $$VALUES ('athar_test_owner', 'surveyor 3', 'survey')$$, 'who and why');
-- Several at once, inside functions and schema commands.
CREATE FUNCTION own.alter_lot() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE own.lot ADD COLUMN e integer; ALTER TABLE own.lot RENAME COLUMN e TO f; END $$;
SELECT results_eq($$SELECT old_values, new_values FROM pg_temp.logged('SELECT own.alter_lot()')$$,
	$$VALUES (NULL::jsonb, '{"command": "ALTER TABLE", "columns": {"e": "integer"}}'::jsonb), ('{"columns": {"e": "integer"}}', '{"command": "ALTER TABLE", "columns": {"f": "integer"}, "renamed": {"e": "f"}}')$$,
	'inside a function');
CREATE TYPE own.colour AS ENUM ('red', 'blue');
CREATE TABLE own.tinted (id integer PRIMARY KEY, tint own.colour, tints own.colour[]);
SELECT athar.track('own.tinted') IS NOT NULL;
INSERT INTO own.tinted VALUES (1, 'red', '{red,blue}'), (2, NULL, NULL);
SELECT results_eq($$SELECT old_values, new_values FROM pg_temp.logged('ALTER TYPE own.colour RENAME TO hue')$$,
	$$VALUES ('{"columns": {"tint": "own.colour", "tints": "own.colour[]"}}'::jsonb, '{"command": "ALTER TYPE", "columns": {"tint": "own.hue", "tints": "own.hue[]"}}'::jsonb)$$,
	'a type of another name');
SELECT is_empty($$SELECT * FROM pg_temp.logged('ALTER TABLE athar.goal DISABLE TRIGGER "#athar_capture"; ALTER TABLE athar.goal ENABLE ALWAYS TRIGGER "#athar_capture"') WHERE relation <> 'athar.goal'$$, 'other tables');
SELECT is((SELECT count(*) FROM athar.change_log WHERE relation = 'athar.goal' AND operation = 'DDL'), 2::bigint, 'athar''s own tables'' triggers, too');
SELECT is_empty($$SELECT * FROM pg_temp.logged('CREATE TEMP TABLE lot (id integer); ALTER TABLE lot ADD COLUMN x integer; CREATE TABLE own.plain (id integer); ALTER TABLE own.plain RENAME id TO nr; DROP TABLE own.plain, lot; CREATE TRIGGER t AFTER INSERT ON own.lot FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()')$$,
	'tables that are not tracked, and others'' triggers, leave nothing');

--
-- Values of a dropped column
--
SELECT results_eq($$SELECT row_key, old_values, new_values FROM pg_temp.logged('ALTER TABLE own.lot DROP COLUMN a, ADD COLUMN g text DEFAULT random()::text, ALTER label TYPE varchar')$$,
	$$VALUES ('{"id": 1}'::jsonb, '{"a": 10}'::jsonb, NULL::jsonb),
		('{}', '{"columns": {"a": "integer", "label": "text"}}', '{"command": "ALTER TABLE", "columns": {"g": "text", "label": "character varying"}}')$$,
	'each value, though the table is written anew; none where there was none');
SELECT results_eq($$SELECT row_key, old_values FROM pg_temp.logged('DROP TYPE own.hue CASCADE') WHERE row_key <> '{}' ORDER BY 2$$,
	$$VALUES ('{"id": 1}'::jsonb, '{"tint": "red"}'::jsonb), ('{"id": 1}', '{"tints": "{red,blue}"}')$$, 'also where its type goes with it');
SELECT is((SELECT count(*) FROM athar.row_history('own.tinted', '{"id": 1}') WHERE operation = 'DDL'), 2::bigint, 'in the history of the row');
SELECT results_eq($$SELECT row_key, old_values FROM pg_temp.logged('ALTER TABLE own.lot DROP COLUMN id') WHERE row_key <> '{}' ORDER BY 1$$,
	$$VALUES ('{"id": 1}'::jsonb, '{"id": 1}'::jsonb), ('{"id": 2}', '{"id": 2}')$$, 'a key that goes is the key still');
CREATE TABLE own.secret (id integer PRIMARY KEY, pin text, card text, open text);
SELECT athar.track('own.secret', exclude => '{pin}', mask => '{card}') IS NOT NULL;
INSERT INTO own.secret SELECT n, 'pin', 'card', 'open' FROM generate_series(1, 5) AS n;
SET LOCAL athar.truncate_limit = 4;
SELECT throws_ok('ALTER TABLE own.secret DROP COLUMN open', '54000', 'column "open" of table "own.secret" has more than 4 values to be logged when it is dropped', 'above the limit the column stays');
SELECT is_empty($$SELECT * FROM pg_temp.logged('ALTER TABLE own.secret DROP COLUMN pin, DROP COLUMN card') WHERE row_key <> '{}'$$, 'of excluded and masked ones there is nothing to log');
UPDATE own.secret SET open = NULL WHERE id = 5;
SELECT lives_ok('ALTER TABLE own.secret DROP COLUMN open', 'up to the limit it goes');
RESET athar.truncate_limit;
CREATE TABLE own.untracked (id integer PRIMARY KEY, a integer);
SELECT athar.track('own.untracked') IS NOT NULL;
INSERT INTO own.untracked VALUES (1, 1);
SELECT pg_temp.logs('SELECT athar.untrack(''own.untracked'')', 'own.untracked', '{"relation": "own.untracked"}', '{"command": "untrack"}', 'untrack is an entry');
SELECT is_empty($$SELECT * FROM pg_temp.logged('ALTER TABLE own.untracked DROP COLUMN a')$$, 'and the last');
SELECT pg_temp.logs('SELECT athar.track(''own.untracked'', require_reason => true)', 'own.untracked', NULL,
	'{"command": "track", "relation": "own.untracked", "columns": {"id": "integer"}, "key": ["id"], "require_reason": true}', 'until it is tracked again');

--
-- Partitions
--
SET LOCAL ROLE athar_test_owner;
CREATE TABLE own.part (id integer, region text, v integer, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE own.part_n PARTITION OF own.part FOR VALUES IN ('n');
RESET ROLE;
SELECT athar.track('own.part') IS NOT NULL;
SET LOCAL ROLE athar_test_owner;
CREATE TABLE own.part_s PARTITION OF own.part FOR VALUES IN ('s');
CREATE TABLE own.part_w (v integer, region text NOT NULL, id integer NOT NULL);
ALTER TABLE own.part ATTACH PARTITION own.part_w FOR VALUES IN ('w');
CREATE TABLE own.part_e PARTITION OF own.part FOR VALUES IN ('e') PARTITION BY RANGE (id);
CREATE TABLE own.part_e_1 PARTITION OF own.part_e FOR VALUES FROM (0) TO (10);
INSERT INTO own.part VALUES (1, 's', 1), (2, 'w', 2), (3, 'e', 3), (4, 'n', 4);
RESET ROLE;
SELECT results_eq($$SELECT new_values->'partitions'->>0 FROM athar.change_log WHERE relation = 'own.part' AND operation = 'DDL' ORDER BY entry_id$$,
	$$VALUES ('own.part_s'), ('own.part_w'), ('own.part_e'), ('own.part_e_1')$$, 'partitions made and attached later');
SELECT set_eq($$SELECT tgrelid::regclass::text, tgenabled::text FROM pg_trigger WHERE tgname = '~athar_capture_truncate' AND tgrelid::regclass::text ~ '^own.part_'$$,
	$$VALUES ('own.part_n', 'A'), ('own.part_s', 'A'), ('own.part_w', 'A'), ('own.part_e_1', 'A')$$, 'have the trigger for TRUNCATE like those that were there');
SELECT is((SELECT count(*) FROM pg_depend AS d JOIN pg_extension AS x ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = x.oid
	JOIN pg_trigger AS t ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid
	WHERE x.extname = 'athar' AND d.deptype = 'x' AND t.tgrelid::regclass::text ~ '^own.part_' AND t.tgname = '~athar_capture_truncate'), 4::bigint, 'which goes with the extension');
SELECT pg_temp.last_id() AS last \gset
TRUNCATE own.part_s;
TRUNCATE own.part_e;
SELECT results_eq(format($$SELECT operation, row_key->'id' FROM athar.change_log WHERE entry_id > %s ORDER BY entry_id$$, :last), $$VALUES ('TRUNCATE', '1'::jsonb), ('TRUNCATE', '3')$$,
	'TRUNCATE of one that came later');
SELECT results_eq($$SELECT row_key->'id', old_values FROM pg_temp.logged('ALTER TABLE own.part DROP COLUMN v') WHERE row_key <> '{}' ORDER BY 1$$,
	$$VALUES ('2'::jsonb, '{"v": 2}'::jsonb), ('4', '{"v": 4}')$$, 'values of a column dropped from all');
SELECT pg_temp.logs('ALTER TABLE own.part DETACH PARTITION own.part_w', 'own.part', '{"partitions": ["own.part_w"]}', '{"command": "ALTER TABLE"}', 'one detached');
SELECT is_empty($$SELECT tgname FROM pg_trigger WHERE tgrelid = 'own.part_w'::regclass$$, 'has no trigger of ours any more');
SELECT pg_temp.logs('ALTER TABLE own.part ATTACH PARTITION own.part_w FOR VALUES IN (''w'')', 'own.part', NULL, '{"command": "ALTER TABLE", "partitions": ["own.part_w"]}', 'and attached again');
SELECT pg_temp.logs('DROP TABLE own.part_n', 'own.part', '{"partitions": ["own.part_n"]}', '{"command": "DROP TABLE"}', 'one dropped');
SELECT pg_temp.logs('ALTER TABLE own.part_w DISABLE TRIGGER "#athar_capture"', 'own.part',
	'{"triggers": {"#athar_capture on own.part_w": "always"}}', '{"command": "ALTER TABLE", "triggers": {"#athar_capture on own.part_w": "disabled"}}', 'the capture disabled on one');
SELECT pg_temp.logs('ALTER TABLE own.part DISABLE TRIGGER ALL', 'own.part',
	'{"triggers": {"#athar_capture": "always", "~athar_capture_truncate": "always"}}', '{"command": "ALTER TABLE", "triggers": {"#athar_capture": "disabled", "~athar_capture_truncate": "disabled"}}', 'on all');
SELECT pg_temp.logs('ALTER TABLE own.part ENABLE TRIGGER ALL', 'own.part',
	'{"triggers": {"#athar_capture": "disabled", "~athar_capture_truncate": "disabled"}}', '{"command": "ALTER TABLE", "triggers": {"#athar_capture": "always", "~athar_capture_truncate": "always"}}', 'and enabled, always');
SELECT pg_temp.logs('DROP TABLE own.part', 'own.part', '{"relation": "own.part", "columns": {"id": "integer", "region": "text"}, "key": ["id", "region"]}', '{"command": "DROP TABLE"}', 'the table dropped');
SELECT ok(untracked_at IS NOT NULL, 'is tracked no longer') FROM athar.tracked_table WHERE relation = 'own.part' AND rekey_of IS NULL ORDER BY id DESC LIMIT 1;
-- A number alone does not end another's history.
SELECT pg_temp.last_id() AS last \gset
GRANT USAGE ON SCHEMA athar TO athar_test_owner;
SET LOCAL ROLE athar_test_owner;
CREATE TABLE own.forged (id integer PRIMARY KEY);
CREATE TRIGGER "#athar_capture" AFTER INSERT ON own.forged FOR EACH ROW EXECUTE FUNCTION athar.capture_change(:'permit');
ALTER TABLE own.forged ADD COLUMN x integer;
DROP TABLE own.forged;
RESET ROLE;
SELECT is(pg_temp.last_id(), :last::bigint, 'a forged trigger writes nothing into another table''s log');
SELECT bag_eq($$SELECT relation, new_values FROM pg_temp.logged('DROP SCHEMA own CASCADE')$$,
	$$SELECT r, '{"command": "DROP SCHEMA"}'::jsonb FROM unnest('{own.lot,own.tinted,own.secret,own.untracked}'::text[]) AS r$$, 'all tables of a schema dropped');

-- Without event triggers the next write notices.
CREATE TABLE app.quiet (id integer PRIMARY KEY, a integer);
SELECT athar.track('app.quiet') IS NOT NULL;
INSERT INTO app.quiet VALUES (1, 1);
ALTER EVENT TRIGGER athar_after_command DISABLE;
ALTER TABLE app.quiet RENAME a TO b;
ALTER TABLE app.quiet RENAME TO silent;
SELECT results_eq($$SELECT relation, old_values, new_values FROM pg_temp.logged('UPDATE app.silent SET b = 2')$$,
	$$VALUES ('app.silent', '{"columns": {"a": "integer"}, "relation": "app.quiet"}'::jsonb, '{"columns": {"b": "integer"}, "renamed": {"a": "b"}, "relation": "app.silent"}'::jsonb)$$,
	'what nobody told is noticed by the next write, without a command');
ALTER EVENT TRIGGER athar_after_command ENABLE ALWAYS;
SET LOCAL session_replication_role = replica;
SELECT is((SELECT count(*) FROM pg_temp.logged('ALTER TABLE app.silent RENAME b TO c')), 1::bigint, 'in a replica''s role, too');
RESET session_replication_role;
SELECT throws_ok('SELECT athar.log_definitions()', '39P03', NULL, 'the function is no other');

--
-- Any history: random changes of definition and rows; as_of of every mark is the copy kept then, in the columns that there are still
--
CREATE TABLE app.random_keyed (id integer PRIMARY KEY, c1 integer, c2 text);
CREATE TABLE app.random_bag (c1 integer, c2 text);
CREATE TABLE app.random_part (id integer, region integer, c1 integer, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE app.random_part_0 PARTITION OF app.random_part FOR VALUES IN (0);
CREATE TABLE app.random_part_1 PARTITION OF app.random_part FOR VALUES IN (1);
SELECT count(athar.track(t, inserted_values => t <> 'app.random_part'::regclass)) = 3 FROM unnest(ARRAY['app.random_keyed', 'app.random_bag', 'app.random_part']::regclass[]) AS t;
-- Which column is which, by attribute number: what the extension has to find out.
CREATE TEMP TABLE kept (mark bigint, relation text, r jsonb);
CREATE FUNCTION pg_temp.random_column(relation regclass) RETURNS name LANGUAGE SQL VOLATILE AS $$
	SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~ '^c' ORDER BY random() LIMIT 1
$$;
CREATE FUNCTION pg_temp.random_definition() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	relation regclass := (ARRAY['app.random_keyed', 'app.random_bag', 'app.random_part']::regclass[])[1 + (random() * 2.98)::integer % 3];
	victim name := pg_temp.random_column(relation);
	free name := (SELECT 'c' || n FROM generate_series(1, 9) AS n
		WHERE NOT EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attname = 'c' || n) ORDER BY random() LIMIT 1);
	choice integer := (random() * 10)::integer;
BEGIN
	IF choice < 3 OR victim IS NULL THEN
		EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', relation, free, (ARRAY['integer', 'text', 'integer DEFAULT 7', 'numeric'])[1 + (random() * 3)::integer]);
	ELSIF choice < 5 THEN
		EXECUTE format('ALTER TABLE %s DROP COLUMN %I', relation, victim);
	ELSIF choice < 8 THEN
		EXECUTE format('ALTER TABLE %s RENAME %I TO %I', relation, victim, free);
	ELSIF choice < 9 THEN
		EXECUTE format('ALTER TABLE %s ALTER %I TYPE text', relation, victim);
	ELSIF relation <> 'app.random_bag'::regclass THEN
		EXECUTE format('ALTER TABLE %s RENAME %I TO %I', relation, (SELECT a.attname FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attnum = 1),
			CASE WHEN random() < 0.5 THEN 'id' ELSE 'key_number' END);
	END IF;
EXCEPTION WHEN duplicate_column THEN
	NULL;
END
$$;
CREATE FUNCTION pg_temp.random_rows() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	a integer := (random() * 12)::integer;
	b integer := (random() * 12)::integer;
	keyed name := (SELECT attname FROM pg_attribute WHERE attrelid = 'app.random_keyed'::regclass AND attnum = 1);
	part name := (SELECT attname FROM pg_attribute WHERE attrelid = 'app.random_part'::regclass AND attnum = 1);
	keyed_column name := pg_temp.random_column('app.random_keyed');
	bag_column name := pg_temp.random_column('app.random_bag');
	part_column name := pg_temp.random_column('app.random_part');
BEGIN
	CASE (random() * 11)::integer
	WHEN 0, 1 THEN EXECUTE format('INSERT INTO app.random_keyed (%I) VALUES (%s) ON CONFLICT DO NOTHING', keyed, a);
	WHEN 2, 3 THEN IF keyed_column IS NOT NULL THEN EXECUTE format('UPDATE app.random_keyed SET %I = %s WHERE %I <= %s', keyed_column, b, keyed, a); END IF;
	WHEN 4 THEN EXECUTE format('UPDATE app.random_keyed SET %1$I = %2$s WHERE %1$I = %3$s AND NOT EXISTS (SELECT FROM app.random_keyed WHERE %1$I = %2$s)', keyed, b, a);
	WHEN 5 THEN EXECUTE format('DELETE FROM app.random_keyed WHERE %I = %s', keyed, a);
	WHEN 6 THEN EXECUTE format('INSERT INTO app.random_part (%I, region) VALUES (%s, %s) ON CONFLICT DO NOTHING', part, a, b % 2);
	WHEN 7 THEN IF part_column IS NOT NULL THEN EXECUTE format('UPDATE app.random_part SET %I = %s WHERE %I <= %s', part_column, b, part, a); END IF;
	WHEN 8 THEN EXECUTE format('UPDATE app.random_part AS p SET region = 1 - region WHERE %1$I = %2$s AND NOT EXISTS (SELECT FROM app.random_part AS o WHERE o.%1$I = p.%1$I AND o.region = 1 - p.region)', part, a);
	WHEN 9 THEN IF bag_column IS NOT NULL THEN EXECUTE format('INSERT INTO app.random_bag (%1$I) VALUES (%2$s), (%2$s)', bag_column, a % 3); END IF;
	WHEN 10 THEN IF bag_column IS NOT NULL THEN EXECUTE format('UPDATE app.random_bag SET %I = %s WHERE ctid = (SELECT ctid FROM app.random_bag ORDER BY random() LIMIT 1)', bag_column, b % 3); END IF;
	ELSE DELETE FROM app.random_bag WHERE ctid = (SELECT ctid FROM app.random_bag ORDER BY random() LIMIT 1);
	END CASE;
END
$$;
-- A row by attribute number, as text.
CREATE FUNCTION pg_temp.by_number(relation regclass, r jsonb) RETURNS jsonb LANGUAGE SQL AS $$
	SELECT jsonb_object_agg(a.attnum, r->>a.attname) FROM pg_attribute AS a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped
$$;
CREATE TEMP TABLE numbers (mark bigint, relation text, last smallint);
-- What was in columns that there are still; one added since shows what the row has now.
CREATE FUNCTION pg_temp.known(relation regclass, mark bigint, r jsonb) RETURNS jsonb LANGUAGE SQL AS $$
	SELECT jsonb_object_agg(e.key, e.value) FROM jsonb_each(r) AS e
	WHERE e.key::integer <= (SELECT n.last FROM numbers AS n WHERE n.mark = known.mark AND n.relation = known.relation::text)
		AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = known.relation AND a.attnum = e.key::integer AND NOT a.attisdropped)
$$;
-- Rows of all marks so far that as_of has and the copies have not, and the other way round.
CREATE FUNCTION pg_temp.differences() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	relation regclass;
	found bigint;
	differences bigint := 0;
BEGIN
	FOREACH relation IN ARRAY ARRAY['app.random_keyed', 'app.random_bag', 'app.random_part']::regclass[] LOOP
		EXECUTE format($q$
			WITH rebuilt AS MATERIALIZED (
				SELECT m.id AS mark, pg_temp.known(%1$L, m.id, pg_temp.by_number(%1$L, to_jsonb(x))) AS r
				FROM athar.mark AS m, athar.as_of(NULL::%1$s, m.at) AS x WHERE m.name LIKE 'random %%'
			), wanted AS MATERIALIZED (
				SELECT k.mark, pg_temp.known(%1$L, k.mark, k.r) AS r FROM kept AS k WHERE k.relation = %1$L
			)
			SELECT (SELECT count(*) FROM (TABLE rebuilt EXCEPT ALL TABLE wanted) AS e) + (SELECT count(*) FROM (TABLE wanted EXCEPT ALL TABLE rebuilt) AS e)
			$q$, relation) INTO found;
		differences := differences + found;
	END LOOP;
	RETURN differences;
END
$$;
-- A type younger than its table goes before the column: the values cannot be
-- read any more, but the command does not fail.
CREATE TABLE app.younger (id integer PRIMARY KEY, plain text);
SELECT athar.track('app.younger');
INSERT INTO app.younger VALUES (1, 'a');
CREATE TYPE app.younger_pair AS (x integer, y text);
ALTER TABLE app.younger ADD COLUMN c app.younger_pair, ADD COLUMN d app.younger_pair[];
UPDATE app.younger SET c = ROW(1, 'q'), d = ARRAY[ROW(2, 'r')]::app.younger_pair[];
ALTER TYPE app.younger_pair ADD ATTRIBUTE z integer CASCADE;
SELECT lives_ok('DROP TYPE app.younger_pair CASCADE', 'DROP TYPE of a composite, with columns older than its newest form');
UPDATE app.younger SET plain = 'b';
SELECT is((SELECT string_agg(operation, ' ' ORDER BY entry_id) FROM athar.row_history('app.younger', '{"id": 1}')), 'INSERT UPDATE DDL UPDATE', 'and the history goes on, with what could be read');
CREATE TEMP TABLE compared (differences bigint);
SELECT setseed(0.1974);
DO $$
DECLARE
	made bigint;
BEGIN
	FOR i IN 1..70 LOOP
		FOR j IN 1..8 LOOP
			PERFORM pg_temp.random_rows();
		END LOOP;
		made := athar.create_mark('random ' || i);
		INSERT INTO kept
		SELECT made, 'app.random_keyed', pg_temp.by_number('app.random_keyed', to_jsonb(x)) FROM app.random_keyed AS x
		UNION ALL SELECT made, 'app.random_bag', pg_temp.by_number('app.random_bag', to_jsonb(x)) FROM app.random_bag AS x
		UNION ALL SELECT made, 'app.random_part', pg_temp.by_number('app.random_part', to_jsonb(x)) FROM app.random_part AS x;
		INSERT INTO numbers
		SELECT made, a.attrelid::regclass::text, max(a.attnum) FROM pg_attribute AS a
		WHERE a.attrelid = ANY (ARRAY['app.random_keyed', 'app.random_bag', 'app.random_part']::regclass[]) GROUP BY 2;
		PERFORM pg_temp.random_definition();
		IF i % 10 = 0 THEN
			INSERT INTO compared SELECT pg_temp.differences();
		END IF;
	END LOOP;
END
$$;
SELECT cmp_ok((SELECT count(*) FROM kept), '>', 500::bigint, 'random changes of some substance');
SELECT cmp_ok((SELECT count(*) FROM athar.tracked_table AS t WHERE t.relation ~ 'app.random' AND t.rekey_of IS NULL), '>', 30::bigint, 'and of the definitions');
SELECT results_eq('SELECT differences FROM compared', 'SELECT 0::bigint FROM generate_series(1, 7)', 'each state comes back exactly in the columns that there are still');

SELECT * FROM finish();
ROLLBACK;
