-- capture_statements: every way of changing a row, in the log and back
BEGIN;
SELECT plan(32);
SET LOCAL client_min_messages = warning;
\ir ../data/capture.sql

--
-- INSERT, ON CONFLICT, MERGE, COPY
--
CREATE TABLE app.t (id integer PRIMARY KEY, v integer, note text DEFAULT 'none');
SELECT athar.track('app.t') IS NOT NULL;
SELECT pg_temp.keep('app.t');
SELECT pg_temp.last_id() AS last \gset
INSERT INTO app.t SELECT n, n * 10 FROM generate_series(1, 4) AS n;
INSERT INTO app.t VALUES (1, 99), (5, 50) ON CONFLICT DO NOTHING;
INSERT INTO app.t VALUES (2, 21), (6, 60) ON CONFLICT (id) DO UPDATE SET v = excluded.v;
INSERT INTO app.t VALUES (3, 30) ON CONFLICT (id) DO UPDATE SET v = excluded.v;
INSERT INTO app.t VALUES (4, 41) ON CONFLICT (id) DO UPDATE SET v = excluded.v WHERE t.v > 1000;
SELECT results_eq(
	format($$SELECT operation, row_key->'id', old_values->'v', new_values->'v' FROM pg_temp.entries('app.t', %s)$$, :last),
	$$VALUES ('INSERT', '1'::jsonb, NULL::jsonb, '10'::jsonb), ('INSERT', '2', NULL, '20'), ('INSERT', '3', NULL, '30'), ('INSERT', '4', NULL, '40'),
		('INSERT', '5', NULL, '50'), ('UPDATE', '2', '20', '21'), ('INSERT', '6', NULL, '60')$$,
	'ON CONFLICT: what was inserted, what was updated, and nothing of what did neither');
SELECT is((SELECT new_values->>'note' FROM pg_temp.entries('app.t', :last) LIMIT 1), 'none', 'a default is there');

SELECT pg_temp.keep('app.t');
SELECT pg_temp.last_id() AS last \gset
MERGE INTO app.t USING (VALUES (1, 'delete'), (2, 'update'), (3, 'nothing'), (4, 'same'), (7, 'insert'), (8, 'nothing')) AS s (id, what) ON t.id = s.id
	WHEN MATCHED AND what = 'delete' THEN DELETE
	WHEN MATCHED AND what = 'update' THEN UPDATE SET v = v + 1, note = 'merged'
	WHEN MATCHED AND what = 'same' THEN UPDATE SET v = v
	WHEN MATCHED THEN DO NOTHING
	WHEN NOT MATCHED AND what = 'insert' THEN INSERT VALUES (s.id, 70, what)
	WHEN NOT MATCHED THEN DO NOTHING;
SELECT set_eq(
	format($$SELECT * FROM pg_temp.entries('app.t', %s)$$, :last),
	$$VALUES ('DELETE', '{"id": 1}'::jsonb, '{"v": 10, "id": 1, "note": "none"}'::jsonb, NULL::jsonb),
		('UPDATE', '{"id": 2}', '{"v": 21, "note": "none"}', '{"v": 22, "note": "merged"}'),
		('INSERT', '{"id": 7}', NULL, '{"v": 70, "id": 7, "note": "insert"}')$$,
	'MERGE: each of its actions');

SELECT pg_temp.keep('app.t');
SELECT pg_temp.last_id() AS last \gset
COPY app.t (id, note) FROM STDIN;
11	one
12	\N
\.
COPY app.t FROM STDIN (FORMAT csv, NULL 'nil');
13,nil,"with, comma"
\.
SELECT results_eq(format($$SELECT operation, new_values FROM pg_temp.entries('app.t', %s)$$, :last),
	$$VALUES ('INSERT', '{"v": null, "id": 11, "note": "one"}'::jsonb), ('INSERT', '{"v": null, "id": 12, "note": null}'), ('INSERT', '{"v": null, "id": 13, "note": "with, comma"}')$$,
	'COPY');

-- One statement with several parts.
SELECT pg_temp.last_id() AS last \gset
WITH gone AS (DELETE FROM app.t WHERE id = 11 RETURNING id), changed AS (UPDATE app.t SET v = 1 WHERE id = 12 RETURNING id)
INSERT INTO app.t SELECT id + 100, 0 FROM gone UNION ALL SELECT id + 100, 0 FROM changed;
SELECT set_eq(format($$SELECT operation, row_key->'id' FROM pg_temp.entries('app.t', %s)$$, :last),
	$$VALUES ('DELETE', '11'::jsonb), ('UPDATE', '12'), ('INSERT', '111'), ('INSERT', '112')$$,
	'WITH: every part that writes');
SELECT pg_temp.keep('app.t');
SELECT pg_temp.last_id() AS last \gset
UPDATE app.t SET v = s.v FROM (VALUES (12, 5)) AS s (id, v) WHERE t.id = s.id;
DELETE FROM app.t USING (VALUES (12)) AS s (id) WHERE t.id = s.id;
DECLARE c CURSOR FOR SELECT id FROM app.t ORDER BY id FOR UPDATE;
MOVE 2 FROM c;
UPDATE app.t SET note = 'by cursor' WHERE CURRENT OF c;
CLOSE c;
PREPARE change (integer, text) AS UPDATE app.t SET note = $2 WHERE id = $1;
EXECUTE change (5, 'prepared');
DO $$ BEGIN UPDATE app.t SET note = 'by block' WHERE id = 6; END $$;
SELECT results_eq(format($$SELECT operation, row_key->'id', coalesce(new_values, '{}') FROM pg_temp.entries('app.t', %s)$$, :last),
	$$VALUES ('UPDATE', '12'::jsonb, '{"v": 5}'::jsonb), ('DELETE', '12', '{}'), ('UPDATE', '3', '{"note": "by cursor"}'), ('UPDATE', '5', '{"note": "prepared"}'),
		('UPDATE', '6', '{"note": "by block"}')$$, 'joins, cursors, prepared statements and blocks');
SELECT pg_temp.keep('app.t');

--
-- Several changes, savepoints, updates that change nothing
--
SELECT pg_temp.last_id() AS last \gset
INSERT INTO app.t VALUES (20, 0);
UPDATE app.t SET v = 1 WHERE id = 20;
SAVEPOINT a;
UPDATE app.t SET v = 2 WHERE id = 20;
SAVEPOINT b;
DELETE FROM app.t WHERE id = 20;
INSERT INTO app.t VALUES (20, 3);
ROLLBACK TO SAVEPOINT b;
UPDATE app.t SET v = 4 WHERE id = 20;
RELEASE SAVEPOINT a;
DELETE FROM app.t WHERE id = 20;
INSERT INTO app.t VALUES (20, 5);
SELECT results_eq(format($$SELECT operation, old_values->'v', new_values->'v' FROM pg_temp.entries('app.t', %s)$$, :last),
	$$VALUES ('INSERT', NULL::jsonb, '0'::jsonb), ('UPDATE', '0', '1'), ('UPDATE', '1', '2'), ('UPDATE', '2', '4'), ('DELETE', '4', NULL), ('INSERT', NULL, '5')$$,
	'every change of one row, in order, without what was rolled back to a savepoint');
DO $$
BEGIN
	BEGIN
		UPDATE app.t SET v = 6 WHERE id = 20;
		RAISE 'undone';
	EXCEPTION WHEN raise_exception THEN NULL;
	END;
	UPDATE app.t SET v = 7 WHERE id = 20;
END
$$;
SELECT results_eq(format($$SELECT old_values->'v', new_values->'v' FROM pg_temp.entries('app.t', %s) OFFSET 6$$, :last), $$VALUES ('5'::jsonb, '7'::jsonb)$$, 'nor of a block that failed');
SELECT pg_temp.keep('app.t');

SELECT pg_temp.last_id() AS last \gset
CREATE TABLE app.same (id integer, region integer, v text, secret text, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE app.same_1 PARTITION OF app.same FOR VALUES IN (1);
SELECT athar.track('app.same', exclude => '{secret}') IS NOT NULL;
INSERT INTO app.same VALUES (1, 1, 'x'), (2, 1, NULL);
SELECT is_empty($$SELECT * FROM athar.unchanged_updates() WHERE relation = 'app.same'::regclass$$, 'no update has changed nothing');
SELECT pg_temp.last_id() AS last \gset
UPDATE app.same SET v = v, id = id;
UPDATE app.same_1 SET v = 'x' WHERE id = 1;
UPDATE app.same SET secret = 'hidden';
SELECT is(pg_temp.last_id(), :last::bigint, 'updates that change nothing the log would hold are not logged');
SELECT results_eq($$SELECT in_transaction, in_session FROM athar.unchanged_updates() WHERE relation = 'app.same'::regclass$$, 'VALUES (5::bigint, 5::bigint)',
	'but counted, those of a partition with its table');
UPDATE app.same SET v = 'y' WHERE id = 1;
SELECT is((SELECT in_session FROM athar.unchanged_updates() WHERE relation = 'app.same'::regclass), 5::bigint, 'an update that changes something is not');

--
-- Foreign keys
--
CREATE TABLE app.holder (id integer PRIMARY KEY, name text);
CREATE TABLE app.cascaded (id integer PRIMARY KEY, holder_id integer REFERENCES app.holder ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE app.nulled (id integer PRIMARY KEY, holder_id integer REFERENCES app.holder ON DELETE SET NULL ON UPDATE SET NULL);
CREATE TABLE app.defaulted (id integer PRIMARY KEY, holder_id integer DEFAULT 1 REFERENCES app.holder ON DELETE SET DEFAULT ON UPDATE SET DEFAULT);
CREATE TABLE app.deferred (id integer PRIMARY KEY, holder_id integer REFERENCES app.holder ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED);
SELECT count(athar.track(relation)) FROM unnest('{app.holder,app.cascaded,app.nulled,app.defaulted,app.deferred}'::regclass[]) AS relation;
INSERT INTO app.holder VALUES (1, 'one'), (2, 'two'), (3, 'three');
INSERT INTO app.cascaded VALUES (1, 2), (2, 3);
INSERT INTO app.nulled VALUES (1, 2), (2, 3);
INSERT INTO app.defaulted VALUES (1, 2), (2, 3);
INSERT INTO app.deferred VALUES (2, 3);
SELECT pg_temp.keep('app.holder', 'app.cascaded', 'app.nulled', 'app.defaulted', 'app.deferred');
SELECT pg_temp.last_id() AS last \gset
UPDATE app.holder SET id = 4 WHERE id = 2;
DELETE FROM app.holder WHERE id = 3;
SET CONSTRAINTS ALL IMMEDIATE;
SELECT set_eq(format($$SELECT relation, operation, row_key->'id' AS id, new_values->'holder_id' AS holder FROM athar.change_log WHERE entry_id > %s$$, :last),
	$$VALUES ('app.holder', 'UPDATE', '2'::jsonb, NULL::jsonb), ('app.cascaded', 'UPDATE', '1', '4'), ('app.nulled', 'UPDATE', '1', 'null'), ('app.defaulted', 'UPDATE', '1', '1'),
		('app.holder', 'DELETE', '3', NULL), ('app.cascaded', 'DELETE', '2', NULL), ('app.nulled', 'UPDATE', '2', 'null'), ('app.defaulted', 'UPDATE', '2', '1'), ('app.deferred', 'DELETE', '2', NULL)$$,
	'what foreign keys do to other rows: cascades, null, defaults, deferred');
SELECT pg_temp.keep('app.holder', 'app.cascaded', 'app.nulled', 'app.defaulted', 'app.deferred');

--
-- TRUNCATE
--
CREATE TABLE app.big (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v integer);
CREATE TABLE app.small (id integer PRIMARY KEY, big_id integer REFERENCES app.big);
CREATE TABLE app.silent (id integer PRIMARY KEY, big_id integer REFERENCES app.big);
SELECT athar.track('app.big') IS NOT NULL, athar.track('app.small') IS NOT NULL;
INSERT INTO app.big (v) VALUES (10), (20), (30);
INSERT INTO app.small VALUES (1, 1), (2, 3);
INSERT INTO app.silent VALUES (1, 1);
SELECT pg_temp.keep('app.big', 'app.small');
SELECT throws_ok('TRUNCATE app.big', '0A000', NULL, 'a table that is referred to is not truncated alone');
SET LOCAL athar.truncate_limit = 2;
SELECT pg_temp.last_id() AS last \gset
SELECT throws_ok('TRUNCATE app.big CASCADE', '54000', 'table "app.big" has more than 2 rows to be logged by TRUNCATE', 'above the limit TRUNCATE is refused');
SELECT is(pg_temp.last_id(), :last::bigint, 'with nothing logged');
SELECT results_eq('SELECT count(*) FROM app.big UNION ALL SELECT count(*) FROM app.small UNION ALL SELECT count(*) FROM app.silent', 'VALUES (3::bigint), (2), (1)', 'and nothing lost');
SET LOCAL athar.truncate_limit = 3;
TRUNCATE app.big RESTART IDENTITY CASCADE;
SELECT set_eq(format($$SELECT relation, operation, old_values FROM athar.change_log WHERE entry_id > %s$$, :last),
	$$VALUES ('app.big', 'TRUNCATE', '{"v": 10, "id": 1}'::jsonb), ('app.big', 'TRUNCATE', '{"v": 20, "id": 2}'), ('app.big', 'TRUNCATE', '{"v": 30, "id": 3}'),
		('app.small', 'TRUNCATE', '{"id": 1, "big_id": 1}'), ('app.small', 'TRUNCATE', '{"id": 2, "big_id": 3}')$$,
	'CASCADE: each row of every tracked table it reaches');
RESET athar.truncate_limit;
INSERT INTO app.big (v) VALUES (40);
SELECT results_eq($$SELECT operation, coalesce(new_values, old_values)->'v' FROM athar.row_history('app.big', '{"id": 1}')$$,
	$$VALUES ('INSERT', '10'::jsonb), ('TRUNCATE', '10'), ('INSERT', '40')$$, 'RESTART IDENTITY: a row with the key of an earlier one');
SAVEPOINT a;
TRUNCATE app.big CASCADE;
ROLLBACK TO SAVEPOINT a;
SELECT is((SELECT count(*) FROM athar.row_history('app.big', '{"id": 1}')), 3::bigint, 'TRUNCATE rolled back leaves nothing');
INSERT INTO app.big (v) SELECT n FROM generate_series(1, 10) AS n;
DELETE FROM app.big WHERE id % 2 = 0;
UPDATE app.big SET v = v + 1;
SELECT pg_temp.last_id() AS last \gset
TRUNCATE app.big, app.small, app.silent;
SELECT is((SELECT count(*) FROM pg_temp.entries('app.big', :last)), 6::bigint, 'rows that are there, not those that were');
SELECT pg_temp.keep('app.big', 'app.small');

--
-- Triggers, rules and views
--
CREATE TABLE app.guarded (id integer PRIMARY KEY, v integer, touched integer DEFAULT 0);
SELECT athar.track('app.guarded') IS NOT NULL;
CREATE FUNCTION app.guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP = 'DELETE' THEN RETURN CASE WHEN OLD.v = 0 THEN NULL ELSE OLD END; END IF;
	IF NEW.v < 0 THEN RETURN NULL; END IF;
	NEW.touched := NEW.touched + 1;
	RETURN NEW;
END
$$;
CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON app.guarded FOR EACH ROW EXECUTE FUNCTION app.guard();
INSERT INTO app.guarded VALUES (1, 1), (2, -1), (3, 0);
UPDATE app.guarded SET v = -5 WHERE id = 1;
UPDATE app.guarded SET v = v WHERE id = 1;
DELETE FROM app.guarded;
SELECT results_eq($$SELECT * FROM pg_temp.entries('app.guarded')$$,
	$$VALUES ('INSERT', '{"id": 1}'::jsonb, NULL::jsonb, '{"v": 1, "id": 1, "touched": 1}'::jsonb), ('INSERT', '{"id": 3}', NULL, '{"v": 0, "id": 3, "touched": 1}'),
		('UPDATE', '{"id": 1}', '{"touched": 1}', '{"touched": 2}'), ('DELETE', '{"id": 1}', '{"v": 1, "id": 1, "touched": 2}', NULL)$$,
	'BEFORE triggers: what they made of a row, and nothing of what they refused');

CREATE TABLE app.audit (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text);
SELECT athar.track('app.audit') IS NOT NULL;
CREATE FUNCTION app.note_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.audit (what) VALUES (TG_WHEN || ' ' || TG_LEVEL || ' ' || TG_OP); RETURN NEW; END $$;
CREATE TRIGGER before_row BEFORE UPDATE ON app.guarded FOR EACH ROW EXECUTE FUNCTION app.note_change();
CREATE TRIGGER after_row AFTER UPDATE ON app.guarded FOR EACH ROW EXECUTE FUNCTION app.note_change();
CREATE TRIGGER after_statement AFTER UPDATE ON app.guarded FOR EACH STATEMENT EXECUTE FUNCTION app.note_change();
CREATE CONSTRAINT TRIGGER late AFTER UPDATE ON app.guarded DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.note_change();
SET CONSTRAINTS ALL DEFERRED;
SELECT pg_temp.last_id() AS last \gset
UPDATE app.guarded SET v = 8 WHERE id = 3;
SELECT results_eq(format($$SELECT relation, new_values->>'what' FROM athar.change_log WHERE entry_id > %s ORDER BY entry_id$$, :last),
	$$VALUES ('app.audit', 'BEFORE ROW UPDATE'), ('app.guarded', NULL), ('app.audit', 'AFTER ROW UPDATE'), ('app.audit', 'AFTER STATEMENT UPDATE')$$,
	'rows that triggers write into another table, in the order of things');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT is((SELECT new_values->>'what' FROM pg_temp.entries('app.audit', :last) OFFSET 3), 'AFTER ROW UPDATE', 'and those of a deferred one');
DROP TRIGGER late ON app.guarded;

-- What a trigger does to the same row comes after what fired it, whatever its
-- name, and so does what a foreign key does.
CREATE TABLE app.chain (id integer PRIMARY KEY, n integer);
SELECT athar.track('app.chain') IS NOT NULL;
CREATE FUNCTION app.step() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE app.chain SET n = n * 10 + TG_ARGV[0]::integer WHERE id = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER "00_first" AFTER INSERT ON app.chain FOR EACH ROW EXECUTE FUNCTION app.step('1');
CREATE TRIGGER "Second" AFTER INSERT ON app.chain FOR EACH ROW EXECUTE FUNCTION app.step('2');
CREATE TRIGGER zz AFTER INSERT ON app.chain FOR EACH ROW EXECUTE FUNCTION app.step('3');
INSERT INTO app.chain VALUES (1, 0);
SELECT results_eq($$SELECT operation, new_values->'n' FROM pg_temp.entries('app.chain')$$, $$VALUES ('INSERT', '0'::jsonb), ('UPDATE', '1'), ('UPDATE', '12'), ('UPDATE', '123')$$,
	'a trigger''s change of the same row comes after what fired it');
CREATE TABLE app.unit (code text PRIMARY KEY, part_of text REFERENCES app.unit ON UPDATE CASCADE ON DELETE CASCADE);
SELECT athar.track('app.unit') IS NOT NULL;
INSERT INTO app.unit VALUES ('top', 'top'), ('a', 'top'), ('b', 'a');
SELECT pg_temp.keep('app.unit');
UPDATE app.unit SET code = 'root' WHERE code = 'top';
SELECT results_eq($$SELECT row_key, new_values FROM pg_temp.entries('app.unit') WHERE row_key <> '{"code": "a"}' OFFSET 2$$,
	$$VALUES ('{"code": "top"}'::jsonb, '{"code": "root"}'::jsonb), ('{"code": "root"}', '{"part_of": "root"}')$$,
	'what a foreign key does to the same row, too');
SELECT pg_temp.keep('app.unit');
DELETE FROM app.unit WHERE code = 'root';
SELECT is((SELECT string_agg(row_key->>'code', ' ') FROM pg_temp.entries('app.unit') WHERE operation = 'DELETE'), 'root a b', 'a cascade within a table');
CREATE TABLE app.emptied (v integer);
SELECT athar.track('app.emptied') IS NOT NULL;
CREATE FUNCTION app.before_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM app.emptied WHERE v = 1; INSERT INTO app.emptied VALUES (3); RETURN NULL; END $$;
CREATE TRIGGER zz BEFORE TRUNCATE ON app.emptied EXECUTE FUNCTION app.before_truncate();
INSERT INTO app.emptied VALUES (1), (2);
SELECT pg_temp.keep('app.emptied');
TRUNCATE app.emptied;
SELECT set_eq($$SELECT operation, coalesce(new_values, old_values)->'v' FROM pg_temp.entries('app.emptied') OFFSET 2$$,
	$$VALUES ('DELETE', '1'::jsonb), ('INSERT', '3'), ('TRUNCATE', '2'), ('TRUNCATE', '3')$$, 'what a trigger does before TRUNCATE comes before it');

CREATE VIEW app.simple AS SELECT id, v FROM app.t WHERE id < 1000;
CREATE VIEW app.joined AS SELECT t.id, t.v, g.v AS w FROM app.t JOIN app.guarded AS g ON g.id = t.id;
CREATE FUNCTION app.instead() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE app.t SET v = NEW.v WHERE id = OLD.id; UPDATE app.guarded SET v = NEW.w WHERE id = OLD.id; RETURN NEW; END $$;
CREATE TRIGGER instead INSTEAD OF UPDATE ON app.joined FOR EACH ROW EXECUTE FUNCTION app.instead();
SELECT pg_temp.keep('app.t');
SELECT pg_temp.last_id() AS last \gset
INSERT INTO app.simple VALUES (200, 1);
UPDATE app.simple SET v = 2 WHERE id = 200;
DELETE FROM app.simple WHERE id = 200;
UPDATE app.joined SET v = 333, w = 444 WHERE id = 3;
CREATE RULE ruled AS ON DELETE TO app.t WHERE old.id = 5 DO INSTEAD UPDATE app.t SET v = -1 WHERE id = old.id;
CREATE RULE also AS ON INSERT TO app.t DO ALSO UPDATE app.guarded SET v = 555 WHERE id = 3;
DELETE FROM app.t WHERE id IN (5, 6);
INSERT INTO app.t VALUES (201, 1);
SELECT results_eq(format($$SELECT relation, operation, row_key->'id', new_values->'v' FROM athar.change_log WHERE entry_id > %s AND relation <> 'app.audit' ORDER BY entry_id$$, :last),
	$$VALUES ('app.t', 'INSERT', '200'::jsonb, '1'::jsonb), ('app.t', 'UPDATE', '200', '2'), ('app.t', 'DELETE', '200', NULL), ('app.t', 'UPDATE', '3', '333'), ('app.guarded', 'UPDATE', '3', '444'),
		('app.t', 'UPDATE', '5', '-1'), ('app.t', 'DELETE', '6', NULL), ('app.t', 'INSERT', '201', '1'), ('app.guarded', 'UPDATE', '3', '555')$$,
	'updatable views, INSTEAD OF triggers and rules: what they did to tables');
DROP RULE ruled ON app.t;
DROP RULE also ON app.t;

--
-- Tables made, filled and changed in the same transaction
--
CREATE TABLE app.copied AS SELECT n AS id, n * 2 AS v FROM generate_series(1, 3) AS n;
SELECT athar.track('app.copied') IS NOT NULL;
SELECT pg_temp.last_id() AS last \gset
UPDATE app.copied SET v = 0 WHERE id = 1;
ALTER TABLE app.copied ADD PRIMARY KEY (id);
UPDATE app.copied SET v = 5 WHERE id = 1;
ALTER TABLE app.copied ADD COLUMN w text DEFAULT 'w';
UPDATE app.copied SET w = 'x' WHERE id = 2;
ALTER TABLE app.copied ALTER v TYPE text USING 'v' || v;
UPDATE app.copied SET v = 'v6' WHERE id = 3;
ALTER TABLE app.copied RENAME w TO x;
INSERT INTO app.copied VALUES (4, 'v8', 'y');
SELECT results_eq(format($$SELECT operation, row_key, old_values, new_values FROM pg_temp.entries('app.copied', %s) WHERE operation <> 'DDL'$$, :last),
	$$VALUES ('UPDATE', '{"v": 2, "id": 1}'::jsonb, '{"v": 2}'::jsonb, '{"v": 0}'::jsonb), ('UPDATE', '{"id": 1}', '{"v": 0}', '{"v": 5}'), ('UPDATE', '{"id": 2}', '{"w": "w"}', '{"w": "x"}'),
		('INSERT', '{"id": 4}', NULL, '{"x": "y", "v": "v8", "id": 4}')$$,
	'a table made from a query and changed between writes of one transaction: each entry in the shape of its time');
SELECT is((SELECT count(*) FROM athar.change_log WHERE relation = 'app.copied' AND operation = 'INSERT'), 1::bigint, 'rows from before it was tracked have no entry');

-- Everything back again.
SELECT bag_eq('SELECT * FROM pg_temp.rebuilt()', 'SELECT * FROM kept', 'each state that was kept comes back from the log, exactly');

SELECT * FROM finish();
ROLLBACK;
