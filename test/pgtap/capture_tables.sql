-- capture_tables: partitions and rows that move between them, tables without a key, tables of other kinds
BEGIN;
SELECT plan(26);
SET LOCAL client_min_messages = warning;
\ir ../data/capture.sql

--
-- Partitions: columns in another order, dropped ones, partitions of partitions
--
CREATE TABLE app.part (id integer, region text, year integer, v integer, note text, PRIMARY KEY (id, region, year)) PARTITION BY LIST (region);
CREATE TABLE app.part_n PARTITION OF app.part FOR VALUES IN ('n') PARTITION BY RANGE (year);
CREATE TABLE app.part_n25 PARTITION OF app.part_n FOR VALUES FROM (2025) TO (2026);
CREATE TABLE app.part_n26 (v integer, gone text, note text, year integer NOT NULL, also_gone integer, region text NOT NULL, id integer NOT NULL);
ALTER TABLE app.part_n26 DROP COLUMN gone, DROP COLUMN also_gone;
ALTER TABLE app.part_n ATTACH PARTITION app.part_n26 FOR VALUES FROM (2026) TO (2027);
CREATE TABLE app.part_rest PARTITION OF app.part DEFAULT;
SELECT athar.track('app.part') IS NOT NULL;
SELECT throws_ok(format('SELECT athar.track(%L)', p), '42809', NULL, p || ' is tracked with its table') FROM unnest('{app.part_n,app.part_n26,app.part_rest}'::text[]) AS p;
SELECT throws_ok($$SELECT athar.untrack('app.part_n')$$, '55000', NULL, 'and not untracked without it');
SELECT pg_temp.keep('app.part');
INSERT INTO app.part VALUES (1, 'n', 2025, 1, 'a'), (2, 'n', 2026, 2, 'b'), (3, 's', 2026, 3, 'c');
INSERT INTO app.part_n VALUES (4, 'n', 2026, 4, 'd');
INSERT INTO app.part_n26 (id, region, year, v) VALUES (5, 'n', 2026, 5);
COPY app.part_n26 (note, v, year, region, id) FROM STDIN;
e	6	2026	n	6
\.
SELECT pg_temp.keep('app.part');
UPDATE app.part SET v = v * 10 WHERE id IN (1, 2);
UPDATE app.part_n26 SET note = 'changed' WHERE id = 4;
DELETE FROM app.part_n WHERE id = 5;
MERGE INTO app.part USING (VALUES (6, 'n', 2026), (7, 'w', 2026)) AS s (id, region, year) ON part.id = s.id AND part.region = s.region AND part.year = s.year
	WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT VALUES (s.id, s.region, s.year, 7, 'merged');
SELECT results_eq($$SELECT operation, row_key->'id', coalesce(new_values, old_values) FROM pg_temp.entries('app.part') ORDER BY (row_key->'id')::integer, operation = 'DELETE', operation = 'UPDATE'$$,
	$$VALUES ('INSERT', '1'::jsonb, '{"v": 1, "id": 1, "note": "a", "year": 2025, "region": "n"}'::jsonb), ('UPDATE', '1', '{"v": 10}'),
		('INSERT', '2', '{"v": 2, "id": 2, "note": "b", "year": 2026, "region": "n"}'), ('UPDATE', '2', '{"v": 20}'), ('INSERT', '3', '{"v": 3, "id": 3, "note": "c", "year": 2026, "region": "s"}'),
		('INSERT', '4', '{"v": 4, "id": 4, "note": "d", "year": 2026, "region": "n"}'), ('UPDATE', '4', '{"note": "changed"}'),
		('INSERT', '5', '{"v": 5, "id": 5, "note": null, "year": 2026, "region": "n"}'), ('DELETE', '5', '{"v": 5, "id": 5, "note": null, "year": 2026, "region": "n"}'),
		('INSERT', '6', '{"v": 6, "id": 6, "note": "e", "year": 2026, "region": "n"}'), ('DELETE', '6', '{"v": 6, "id": 6, "note": "e", "year": 2026, "region": "n"}'),
		('INSERT', '7', '{"v": 7, "id": 7, "note": "merged", "year": 2026, "region": "w"}')$$,
	'through the table, a part of it or a partition: all under the table''s name');
SELECT pg_temp.keep('app.part');

--
-- Rows that move
--
SELECT pg_temp.last_id() AS last \gset
UPDATE app.part SET year = 2025, note = 'moved' WHERE id = 2;
UPDATE app.part SET region = 'e', v = 21 WHERE id = 2;
UPDATE app.part SET v = 22 WHERE id = 2;
SELECT results_eq(format($$SELECT * FROM pg_temp.entries('app.part', %s)$$, :last),
	$$VALUES ('DELETE', '{"id": 2, "year": 2026, "region": "n"}'::jsonb, '{"v": 20, "id": 2, "note": "b", "year": 2026, "region": "n"}'::jsonb, NULL::jsonb),
		('INSERT', '{"id": 2, "year": 2025, "region": "n"}', '{"id": 2, "year": 2026, "region": "n"}', '{"v": 20, "id": 2, "note": "moved", "year": 2025, "region": "n"}'),
		('DELETE', '{"id": 2, "year": 2025, "region": "n"}', '{"v": 20, "id": 2, "note": "moved", "year": 2025, "region": "n"}', NULL),
		('INSERT', '{"id": 2, "year": 2025, "region": "e"}', '{"id": 2, "year": 2025, "region": "n"}', '{"v": 21, "id": 2, "note": "moved", "year": 2025, "region": "e"}'),
		('UPDATE', '{"id": 2, "year": 2025, "region": "e"}', '{"v": 21}', '{"v": 22}')$$,
	'a row that moves to another partition is deleted there and inserted here, with the key it had');
SELECT results_eq($$SELECT operation, row_key->>'region' FROM athar.row_history('app.part', '{"id": 2, "region": "e", "year": 2025}')$$,
	$$VALUES ('INSERT', 'n'), ('UPDATE', 'n'), ('DELETE', 'n'), ('INSERT', 'n'), ('DELETE', 'n'), ('INSERT', 'e'), ('UPDATE', 'e')$$, 'its history is one');
SELECT results_eq($$SELECT entry_id FROM athar.row_history('app.part', '{"id": 2, "region": "n", "year": 2026}')$$, $$SELECT entry_id FROM athar.row_history('app.part', '{"id": 2, "region": "e", "year": 2025}')$$, 'from its first key, too');
SELECT pg_temp.keep('app.part');
-- Many at once, and rows that other statements write in between.
SELECT pg_temp.last_id() AS last \gset
CREATE TABLE app.witness (id integer GENERATED ALWAYS AS IDENTITY, what text, region integer, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE app.witness_1 PARTITION OF app.witness FOR VALUES IN (1);
SELECT athar.track('app.witness') IS NOT NULL;
CREATE FUNCTION app.look() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.witness (what, region) VALUES (TG_OP, 1); RETURN NULL; END $$;
CREATE TRIGGER look AFTER INSERT OR DELETE ON app.part FOR EACH ROW EXECUTE FUNCTION app.look();
UPDATE app.part SET region = 'x' || id;
SELECT results_eq(format($$SELECT row_key->>'id', old_values->>'id', row_key->>'region' <> old_values->>'region' FROM pg_temp.entries('app.part', %s) WHERE operation = 'INSERT' ORDER BY 1$$, :last),
	$$SELECT n::text, n::text, true FROM unnest('{1,4}'::integer[]) AS n$$, 'many rows, each with its own former key');
SELECT is((SELECT count(*) FROM pg_temp.entries('app.witness') WHERE operation = 'INSERT' AND old_values IS NULL), 4::bigint, 'what triggers insert meanwhile has none');
SELECT is((SELECT count(*) FROM pg_temp.entries('app.part', :last) WHERE operation = 'UPDATE'), 3::bigint, 'rows that stayed in their partition are updated');
DROP TRIGGER look ON app.part;
-- A row that does not arrive.
CREATE FUNCTION app.refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER refuse BEFORE INSERT ON app.part_n25 FOR EACH ROW EXECUTE FUNCTION app.refuse();
SELECT pg_temp.last_id() AS last \gset
UPDATE app.part SET region = 'n', year = 2025 WHERE id = 3;
INSERT INTO app.part VALUES (30, 'n', 2026, 30);
SELECT results_eq(format($$SELECT operation, row_key->>'id', old_values->>'id' FROM pg_temp.entries('app.part', %s)$$, :last), $$VALUES ('DELETE', '3', '3'), ('INSERT', '30', NULL)$$,
	'a row that a trigger refuses to let in is gone, and the next has nothing to do with it');
DROP TRIGGER refuse ON app.part_n25;
SELECT pg_temp.keep('app.part');
-- Whoever sees a row under row security sees its past in other partitions.
CREATE ROLE athar_test_reader;
GRANT USAGE ON SCHEMA app TO athar_test_reader;
SELECT athar.grant_access('athar_test_reader', 'read');
GRANT SELECT ON app.part TO athar_test_reader;
ALTER TABLE app.part ENABLE ROW LEVEL SECURITY;
CREATE POLICY two ON app.part USING (id = 2);
INSERT INTO app.part VALUES (2, 'n', 2026, 99, 'another');
DELETE FROM app.part WHERE id = 2 AND note = 'another';
SET LOCAL ROLE athar_test_reader;
SELECT is((SELECT count(*) FROM athar.row_history('app.part', '{"id": 2, "region": "x2", "year": 2025}')), 8::bigint, 'under row security, of that row alone');
RESET ROLE;
ALTER TABLE app.part DISABLE ROW LEVEL SECURITY;

--
-- TRUNCATE of partitions
--
INSERT INTO app.part SELECT n, 'n', 2025 + n % 2, n FROM generate_series(100, 109) AS n;
SELECT pg_temp.keep('app.part');
SELECT pg_temp.last_id() AS last \gset
TRUNCATE app.part_n25;
SELECT results_eq(format($$SELECT operation, array_agg((row_key->>'id')::integer ORDER BY 1) FROM pg_temp.entries('app.part', %s) GROUP BY 1$$, :last), $$SELECT 'TRUNCATE', '{100,102,104,106,108}'::integer[]$$, 'TRUNCATE of one partition');
SET LOCAL athar.truncate_limit = 3;
SELECT throws_ok('TRUNCATE app.part_n26', '54000', NULL, 'above the limit it is refused');
SELECT throws_ok('TRUNCATE app.part', '54000', NULL, 'so is that of the table');
SELECT is((SELECT count(*) FROM app.part_n26), 6::bigint, 'and nothing is lost');
RESET athar.truncate_limit;
SELECT pg_temp.keep('app.part');
TRUNCATE app.part_n;
SELECT pg_temp.keep('app.part');
TRUNCATE app.part;
SELECT is_empty($$SELECT DISTINCT row_key FROM pg_temp.entries('app.part') WHERE operation = 'TRUNCATE' GROUP BY row_key HAVING count(*) > 1$$, 'no row is written down twice');
SELECT pg_temp.keep('app.part');

--
-- Without a key: duplicates are counted
--
CREATE TABLE app.bag (v integer, w text, j json, p point);
SELECT athar.track('app.bag') IS NOT NULL;
SELECT pg_temp.keep('app.bag');
INSERT INTO app.bag VALUES (1, 'x', '{"a": 1}', '(1,2)'), (1, 'x', '{"a": 1}', '(1,2)'), (1, 'x', '{"a": 1}', '(1,2)'), (NULL, NULL, NULL, NULL), (NULL, NULL, NULL, NULL);
SELECT pg_temp.keep('app.bag');
UPDATE app.bag SET w = 'y' WHERE ctid = (SELECT min(ctid) FROM app.bag);
DELETE FROM app.bag WHERE ctid = (SELECT min(ctid) FROM app.bag WHERE w = 'x');
DELETE FROM app.bag WHERE ctid = (SELECT max(ctid) FROM app.bag WHERE v IS NULL);
SELECT results_eq($$SELECT operation, row_key->'v', row_key->'w', coalesce(new_values, old_values)->'w' FROM pg_temp.entries('app.bag') OFFSET 5$$,
	$$VALUES ('UPDATE', '1'::jsonb, '"x"'::jsonb, '"y"'::jsonb), ('DELETE', '1', '"x"', '"x"'), ('DELETE', 'null', 'null', 'null')$$, 'of equal rows one is changed, one deleted: which one, nobody can tell');
SELECT pg_temp.keep('app.bag');
UPDATE app.bag SET w = 'y', v = 1;
INSERT INTO app.bag VALUES (1, 'y', '{"a": 1}', '(1,2)');
SELECT pg_temp.keep('app.bag');
TRUNCATE app.bag;
SELECT pg_temp.keep('app.bag');
CREATE TABLE app.bags (v integer, w text) PARTITION BY LIST (v);
CREATE TABLE app.bags_1 PARTITION OF app.bags FOR VALUES IN (1);
CREATE TABLE app.bags_2 (w text, v integer);
ALTER TABLE app.bags ATTACH PARTITION app.bags_2 FOR VALUES IN (2);
SELECT athar.track('app.bags') IS NOT NULL;
INSERT INTO app.bags VALUES (1, 'a'), (1, 'a'), (2, 'a');
SELECT pg_temp.keep('app.bags');
UPDATE app.bags SET v = 2 WHERE ctid = '(0,1)' AND v = 1;
SELECT pg_temp.keep('app.bags');
SELECT is((SELECT count(*) FROM athar.row_history('app.bags', '{"v": 2, "w": "a"}')), 5::bigint, 'a row without a key that moves');
DELETE FROM app.bags;
SELECT pg_temp.keep('app.bags');
CREATE TABLE app.nothing ();
SELECT athar.track('app.nothing') IS NOT NULL;
INSERT INTO app.nothing DEFAULT VALUES;
INSERT INTO app.nothing DEFAULT VALUES;
SELECT pg_temp.keep('app.nothing');
DELETE FROM app.nothing WHERE ctid = '(0,1)';
SELECT results_eq($$SELECT operation, row_key FROM pg_temp.entries('app.nothing')$$, $$VALUES ('INSERT', '{}'::jsonb), ('INSERT', '{}'), ('DELETE', '{}')$$, 'a table without columns');
SELECT pg_temp.keep('app.nothing');

--
-- Tables of other kinds
--
CREATE UNLOGGED TABLE app.unlogged (id integer PRIMARY KEY, v integer);
SELECT athar.track('app.unlogged') IS NOT NULL;
INSERT INTO app.unlogged VALUES (1, 1);
SELECT pg_temp.keep('app.unlogged');
UPDATE app.unlogged SET v = 2;
ALTER TABLE app.unlogged SET LOGGED;
UPDATE app.unlogged SET v = 3;
SELECT is((SELECT count(*) FROM pg_temp.entries('app.unlogged') WHERE operation <> 'DDL'), 3::bigint, 'an unlogged table');
CREATE TYPE app.row_type AS (id integer, v text);
CREATE TABLE app.typed OF app.row_type (PRIMARY KEY (id));
SELECT athar.track('app.typed') IS NOT NULL;
INSERT INTO app.typed VALUES (1, 'x');
SELECT pg_temp.keep('app.typed');
ALTER TYPE app.row_type ADD ATTRIBUTE w integer CASCADE;
UPDATE app.typed SET w = 5;
SELECT is((SELECT new_values FROM pg_temp.entries('app.typed') WHERE operation = 'UPDATE'), '{"w": 5}', 'a table of a type');
DELETE FROM kept WHERE relation = 'app.typed';
CREATE TABLE app.forced (id integer PRIMARY KEY, v integer);
SELECT athar.track('app.forced') IS NOT NULL;
ALTER TABLE app.forced ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE ROLE athar_test_owner;
GRANT USAGE, CREATE ON SCHEMA app TO athar_test_owner;
ALTER TABLE app.forced OWNER TO athar_test_owner;
INSERT INTO app.forced VALUES (1, 1), (2, 2);
SET LOCAL ROLE athar_test_owner;
SELECT is((SELECT count(*) FROM app.forced), 0::bigint, 'who cannot see the rows');
TRUNCATE app.forced;
RESET ROLE;
SELECT is((SELECT count(*) FROM pg_temp.entries('app.forced') WHERE operation = 'TRUNCATE'), 2::bigint, 'still has each written down when he truncates');

-- Everything back again.
SELECT bag_eq('SELECT * FROM pg_temp.rebuilt()', 'SELECT * FROM kept', 'each state that was kept comes back from the log, exactly');

SELECT * FROM finish();
ROLLBACK;
