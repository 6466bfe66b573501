-- buffer: entries are held back, and nobody can tell
BEGIN;
SELECT plan(55);
SET LOCAL client_min_messages = warning;
CREATE SCHEMA app;
CREATE TABLE app.t (id integer PRIMARY KEY, v integer);
CREATE TABLE app.other (id integer PRIMARY KEY, v integer);
SELECT athar.track('app.t') IS NOT NULL, athar.track('app.other') IS NOT NULL;

-- Operations of a table's entries, oldest first, each with the row's id.
CREATE FUNCTION app.logged(relation text) RETURNS text LANGUAGE sql STABLE AS $$
	SELECT coalesce(string_agg(left(operation, 1) || (row_key->>'id'), ' ' ORDER BY entry_id), '')
	FROM athar.change_log AS c WHERE c.relation = 'app.' || logged.relation
$$;

--
-- Whoever reads sees what was written
--
INSERT INTO app.t SELECT i, 0 FROM generate_series(1, 3) AS i;
SELECT is(app.logged('t'), 'I1 I2 I3', 'right after the statement');
PREPARE change(integer) AS UPDATE app.t SET v = v + 1 WHERE id = $1;
EXECUTE change(1);
EXECUTE change(1);
SELECT is((SELECT array_agg(new_values->>'v' ORDER BY entry_id) FROM athar.change_log WHERE relation = 'app.t' AND operation = 'UPDATE'), '{1,2}', 'after prepared statements, in their order');
-- A query reads by its own snapshot: it sees what came before it, and not what
-- a function that it calls adds.
CREATE TABLE app.third (id integer PRIMARY KEY, v integer);
SELECT athar.track('app.third') IS NOT NULL;
CREATE FUNCTION app.adds(id integer) RETURNS integer LANGUAGE sql VOLATILE AS $$ INSERT INTO app.third VALUES (id, 0) RETURNING id $$;
CREATE FUNCTION app.sees() RETURNS text LANGUAGE sql STABLE AS $$ SELECT app.logged('third') $$;
INSERT INTO app.third VALUES (101, 0);
SELECT is(s.a || ' ' || app.sees(), '102 I101', 'a query sees the rows that were held back before it, not those of its own functions')
FROM (SELECT app.adds(102) AS a OFFSET 0) AS s;
WITH changed AS (UPDATE app.t SET v = 9 WHERE id = 2 RETURNING id)
SELECT is((SELECT count(*) FROM athar.change_log WHERE relation = 'app.t' AND new_values->>'v' = '9'), 0::bigint, 'not within the statement, as ever')
FROM changed;
SELECT is((SELECT count(*) FROM athar.change_log WHERE relation = 'app.t' AND new_values->>'v' = '9'), 1::bigint, 'after a statement that writes in a CTE');
DECLARE row_cursor CURSOR FOR SELECT * FROM app.t ORDER BY id FOR UPDATE;
MOVE 3 FROM row_cursor;
UPDATE app.t SET v = 33 WHERE CURRENT OF row_cursor;
CLOSE row_cursor;
SELECT is((SELECT new_values FROM athar.row_history('app.t', '{"id": 3}') WHERE operation = 'UPDATE'), '{"v": 33}', 'after UPDATE WHERE CURRENT OF, read by row_history');
INSERT INTO app.t SELECT i, 0 FROM generate_series(1001, 4500) AS i;
SELECT is((SELECT count(*) FROM athar.log_entry WHERE (row_key->>'id')::integer >= 1001), 3500::bigint, 'after a statement of more rows than are held back');
SELECT ok((SELECT bool_and(id < next) FROM (SELECT id, lead(id) OVER (ORDER BY (row_key->>'id')::integer) AS next FROM athar.log_entry WHERE operation = 'I' AND (row_key->>'id')::integer >= 1001) AS e), 'numbered in the order of writing');
DELETE FROM app.t WHERE id > 1000;
SELECT is((SELECT count(*) FROM athar.log_entry WHERE table_id = (SELECT min(id) FROM athar.tracked_table WHERE relation = 'app.t') AND key_hash = athar.key_hash('{"id": 4500}')), 2::bigint, 'by the index on the key');

CREATE FUNCTION app.write(id integer) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO app.other VALUES (id, 0);
	RETURN (SELECT count(*) FROM athar.change_log AS c WHERE c.relation = 'app.other');
END $$;
SELECT results_eq('SELECT app.write(i) FROM generate_series(1, 3) AS i', 'VALUES (1::bigint), (2), (3)', 'a function that writes and reads, for each row of a query');
CREATE FUNCTION app.last_key() RETURNS text LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$ BEGIN RETURN (SELECT row_key::text FROM athar.log_entry ORDER BY id DESC LIMIT 1); END $$;
INSERT INTO app.other VALUES (4, 0);
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL parallel_leader_participation = off;
CREATE TABLE app.many AS SELECT i FROM generate_series(1, 5000) AS i;
ANALYZE app.many;
INSERT INTO app.other VALUES (5, 0);
SELECT is((SELECT string_agg(DISTINCT app.last_key(), ',') FROM app.many WHERE i < 10), '{"id": 5}', 'a function in parallel workers');
RESET parallel_leader_participation;
DO $$ BEGIN INSERT INTO app.other VALUES (6, 0); INSERT INTO app.other VALUES (7, 0); END $$;
SELECT is(app.logged('other'), 'I1 I2 I3 I4 I5 I6 I7', 'after DO');
DECLARE before CURSOR FOR SELECT count(*) FROM athar.log_entry WHERE row_key = '{"id": 8}';
INSERT INTO app.other VALUES (8, 0);
DECLARE after CURSOR FOR SELECT count(*) FROM athar.log_entry WHERE row_key = '{"id": 8}';
SELECT results_eq('before'::refcursor, 'VALUES (0::bigint)', 'a cursor sees what was there when it was opened');
SELECT results_eq('after'::refcursor, 'VALUES (1::bigint)', 'and no less');
CLOSE before;
CLOSE after;
INSERT INTO app.other VALUES (9, 0);
CREATE INDEX ON athar.log_entry ((row_key->>'id'));
INSERT INTO app.other VALUES (10, 0);
SET LOCAL enable_seqscan = off;
SELECT results_eq($$SELECT row_key->>'id' FROM athar.log_entry WHERE row_key->>'id' IN ('9', '10') ORDER BY 1$$, ARRAY['10', '9'], 'an index of somebody else''s on the log, over an expression');
SET LOCAL enable_seqscan = on;
INSERT INTO app.other VALUES (11, 0);
CREATE TABLE app.copied (row_key jsonb);
COPY athar.log_entry (row_key) TO '/tmp/athar_buffer_copy';
COPY app.copied FROM PROGRAM 'cat /tmp/athar_buffer_copy; rm /tmp/athar_buffer_copy';
SELECT is((SELECT count(*) FROM app.copied WHERE row_key = '{"id": 11}'), 1::bigint, 'COPY of the log');

--
-- What is rolled back
--
DELETE FROM app.t WHERE id = 1;
SAVEPOINT s;
DELETE FROM app.t WHERE id = 2;
SAVEPOINT s2;
DELETE FROM app.t WHERE id = 3;
RELEASE s2;
INSERT INTO app.t VALUES (10, 0);
ROLLBACK TO s;
INSERT INTO app.t VALUES (11, 0);
RELEASE s;
SELECT is(app.logged('t') ~ ' D1 I11$', true, 'savepoints take their entries with them, and no others');

CREATE FUNCTION app.try(reads boolean, fails boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	seen text;
BEGIN
	DELETE FROM app.other;
	INSERT INTO app.other VALUES (1, 0);
	BEGIN
		UPDATE app.other SET v = 1;
		BEGIN
			INSERT INTO app.other VALUES (2, 0);
			IF reads THEN
				seen := right(app.logged('other'), 8);
			END IF;
			IF fails THEN
				RAISE division_by_zero;
			END IF;
		END;
		INSERT INTO app.other VALUES (3, 0);
	EXCEPTION WHEN division_by_zero THEN
		INSERT INTO app.other VALUES (4, 0);
	END;
	INSERT INTO app.other VALUES (5, 0);
	RETURN seen;
END $$;
SELECT app.try(false, false);
SELECT ok(app.logged('other') ~ ' D11 I1 U1 I2 I3 I5$', 'an inner block that ends well');
SELECT app.try(false, true);
SELECT ok(app.logged('other') ~ ' D5 I1 I4 I5$', 'one that does not');
SELECT is(app.try(true, false), 'I1 U1 I2', 'the innermost block sees the entries of all around it');
SELECT ok(app.logged('other') ~ ' D5 I1 U1 I2 I3 I5$', 'and none is there twice');
SELECT is(app.try(true, true), 'I1 U1 I2', 'the same in a block that is rolled back');
SELECT ok(app.logged('other') ~ ' D5 I1 I4 I5$', 'and what was outside it is still there, once');
SELECT is((SELECT count(*) - count(DISTINCT id) FROM athar.log_entry), 0::numeric::bigint, 'no entry is there twice');
DO $$ BEGIN FOR i IN 100 .. 1399 LOOP BEGIN INSERT INTO app.other VALUES (i, 0); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$;
SELECT is((SELECT count(*) FROM athar.change_log WHERE relation = 'app.other' AND (row_key->>'id')::integer >= 100), 1300::bigint, 'a loop of blocks');
SELECT throws_ok($$COPY app.t FROM PROGRAM 'for i in `seq 2000 3500`; do printf "$i\\t0\\n"; done; echo nonsense'$$, '22P02', NULL, 'COPY that fails');
SELECT throws_ok($$INSERT INTO app.t SELECT i, 1 / (3500 - i) FROM generate_series(2000, 3500) AS i$$, '22012', NULL, 'INSERT that fails');
SELECT ok(app.logged('t') ~ ' D1 I11$', 'leave nothing');

--
-- Triggers and foreign keys
--
CREATE TABLE app.seen (id integer, entries text);
CREATE FUNCTION app.look() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		INSERT INTO app.seen SELECT new.id, right(app.logged('t'), 4 * new.id - 49);
	EXCEPTION WHEN others THEN
		INSERT INTO app.seen VALUES (new.id, sqlerrm);
	END;
	RETURN NULL;
END $$;
CREATE TRIGGER look AFTER INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.look();
INSERT INTO app.t VALUES (13, 0), (14, 0), (15, 0);
SELECT results_eq('SELECT * FROM app.seen ORDER BY id', $$VALUES (13, 'I13'), (14, 'I13 I14'), (15, 'I13 I14 I15')$$, 'a row trigger sees the entries so far, in a block of its own too');
DROP TRIGGER look ON app.t;
CREATE FUNCTION app.follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	BEGIN
		INSERT INTO app.other VALUES (new.id, 1);
		IF new.v < 0 THEN RAISE division_by_zero; END IF;
	EXCEPTION WHEN division_by_zero THEN
		INSERT INTO app.other VALUES (-new.id, 1);
	END;
	RETURN NULL;
END $$;
CREATE TRIGGER follow AFTER INSERT ON app.t FOR EACH ROW EXECUTE FUNCTION app.follow();
INSERT INTO app.t VALUES (7001, 0), (7002, -1), (7003, 0);
SELECT ok((SELECT string_agg(relation || (row_key->>'id'), ' ' ORDER BY entry_id) FROM athar.change_log WHERE abs((row_key->>'id')::integer) BETWEEN 7001 AND 7003)
	= 'app.t7001 app.other7001 app.t7002 app.other-7002 app.t7003 app.other7003', 'a trigger that writes another tracked table, and has to try again');
COPY app.t FROM PROGRAM 'printf "7004\t0\n7005\t-1\n"';
SELECT ok((SELECT string_agg(relation || (row_key->>'id'), ' ' ORDER BY entry_id) FROM athar.change_log WHERE abs((row_key->>'id')::integer) BETWEEN 7004 AND 7005)
	= 'app.t7004 app.other7004 app.t7005 app.other-7005', 'the same within COPY');
CREATE FUNCTION app.copy_in(number integer) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('COPY app.other FROM PROGRAM %L', format('printf "%s\t0\n"', number));
	RETURN right(app.logged('other'), 1 + length(number::text));
END $$;
SELECT results_eq('SELECT app.copy_in(i) FROM generate_series(3001, 3002) AS i', $$VALUES ('I3001'), ('I3002')$$, 'COPY within a query');
DROP TRIGGER follow ON app.t;

CREATE TABLE app.child (id integer PRIMARY KEY, t_id integer REFERENCES app.t ON DELETE CASCADE ON UPDATE CASCADE);
SELECT athar.track('app.child') IS NOT NULL;
INSERT INTO app.child SELECT i, 13 + i % 2 FROM generate_series(1, 4) AS i;
UPDATE app.t SET id = 20 WHERE id = 13;
DELETE FROM app.t WHERE id IN (14, 20);
SELECT is(app.logged('child'), 'I1 I2 I3 I4 U2 U4 D1 D3 D2 D4', 'cascades');
SELECT is((SELECT count(*) FROM athar.row_history('app.child', '{"id": 2}')), 3::bigint, 'and their rows'' histories');

CREATE FUNCTION app.late() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO app.other VALUES (4000 + new.id, 0); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON app.child DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION app.late();
INSERT INTO app.child VALUES (5, 15);
SELECT ok(app.logged('other') !~ 'I4005', 'a deferred trigger waits');
SET CONSTRAINTS ALL IMMEDIATE;
SELECT ok(app.logged('other') ~ ' I4005$', 'and is logged when it comes');

TRUNCATE app.child;
SELECT is(app.logged('child') ~ ' T5$', true, 'TRUNCATE');
ALTER TABLE app.other ADD COLUMN w integer DEFAULT 1;
INSERT INTO app.other VALUES (5000, 0, 2);
ALTER TABLE app.other DROP COLUMN v;
INSERT INTO app.other VALUES (5001, 3);
SELECT results_eq($$SELECT new_values FROM athar.change_log WHERE relation = 'app.other' AND (row_key->>'id')::integer BETWEEN 5000 AND 5001 AND operation <> 'DDL' ORDER BY entry_id$$,
	ARRAY['{"v": 0, "w": 2, "id": 5000}', '{"w": 3, "id": 5001}']::jsonb[], 'definitions change in between');
UPDATE app.t SET v = 1 WHERE id = 15;
SELECT is((SELECT count(*) FROM athar.as_of(NULL::app.t, (SELECT max(at) FROM athar.mark))) > 0, true, 'as_of in the same transaction');

--
-- The stored form
--
CREATE TABLE app.form (id bigint PRIMARY KEY, b boolean, a numeric, aa text, "Ä" jsonb, zz double precision, é json, kind text COLLATE "C", when_ timestamptz, list integer[], large text);
SELECT athar.track('app.form', exclude => '{kind}') IS NOT NULL;
INSERT INTO app.form
SELECT i, i % 3 = 0, (i - 20) * 1.10 ^ (i - 20), repeat('x', i * i / 3),
	CASE i % 9 WHEN 0 THEN '{}' WHEN 1 THEN '[]' WHEN 2 THEN '"scalar"' WHEN 3 THEN '[1, [2, {"a": 1.50, "bb": [null, true]}], "x"]' WHEN 4 THEN '-0.0' WHEN 5 THEN 'null' WHEN 6 THEN NULL
		WHEN 7 THEN (SELECT jsonb_agg(j * 1.5) FROM generate_series(1, 3 * i) AS j) ELSE (SELECT jsonb_object_agg('k' || j, repeat('v', j)) FROM generate_series(1, 2 * i) AS j) END::jsonb,
	CASE WHEN i % 7 = 0 THEN 'NaN' ELSE i / 7.0 END, CASE WHEN i % 5 > 0 THEN format('{"b": 1, "a": [%s, 1e%s], "b": 2}', i, i) END::json,
	'never', timestamptz 'epoch' + i * interval '1 day', CASE WHEN i % 4 > 0 THEN ARRAY[i, NULL] END, (SELECT string_agg(md5(j::text), '') FROM generate_series(1, i * 20) AS j)
FROM generate_series(1, 60) AS i;
UPDATE app.form SET a = id, aa = left(aa, 127), "Ä" = to_jsonb(id) WHERE id > 5;
UPDATE app.form SET b = NOT b, id = -id WHERE id < 30;
DELETE FROM app.form;
DO $$ BEGIN
	EXECUTE (SELECT 'CREATE TABLE app.wide (id integer PRIMARY KEY, ' || string_agg(format('%I integer', CASE WHEN i % 3 = 0 THEN 'é' || i ELSE repeat('c', i % 40) || i END), ', ') || ')' FROM generate_series(1, 1599) AS i);
	PERFORM athar.track('app.wide');
	EXECUTE (SELECT 'INSERT INTO app.wide SELECT ' || string_agg(CASE WHEN i % 5 = 0 THEN 'NULL' ELSE i::text END, ', ') FROM generate_series(1, 1600) AS i);
END $$;
DELETE FROM app.wide;
CREATE TABLE app.bare ();
SELECT athar.track('app.bare') IS NOT NULL;
INSERT INTO app.bare DEFAULT VALUES;
-- record_image_eq() compares bytes
CREATE VIEW app.images AS
SELECT e.id, i.image FROM athar.log_entry AS e CROSS JOIN LATERAL (VALUES (e.row_key), (e.old_values), (e.new_values)) AS i (image) WHERE i.image IS NOT NULL;
SELECT results_eq('SELECT image FROM app.images WHERE NOT record_image_eq(ROW (image), ROW (image::text::jsonb))', ARRAY[]::jsonb[], 'every image is as the server itself would store it');
SELECT ok((SELECT count(*) > 300 AND max(pg_column_size(image)) > 20000 FROM app.images WHERE id >= (SELECT min(id) FROM athar.log_entry WHERE new_values ? 'Ä')), 'small ones and large ones');
SELECT is((SELECT count(*) FROM jsonb_object_keys((SELECT old_values FROM athar.change_log WHERE relation = 'app.wide' AND operation = 'DELETE'))), 1600::bigint, '1,600 columns');
SELECT is((SELECT new_values FROM athar.change_log WHERE relation = 'app.bare'), '{}', 'no column at all');
SELECT is((SELECT count(*) FROM app.images WHERE image ? 'kind'), 0::bigint, 'excluded columns are not there');
SELECT is((SELECT count(*) FROM athar.log_entry WHERE key_hash <> athar.key_hash(row_key)), 0::bigint, 'each has its key''s hash');

-- What is written again and again takes memory once.
CREATE TABLE app.again (id integer PRIMARY KEY);
SELECT athar.track('app.again') IS NOT NULL;
INSERT INTO app.again SELECT generate_series(1, 500);
DO $$
BEGIN
	FOR i IN 1..30 LOOP
		BEGIN
			PERFORM count(*) FROM athar.log_entry WHERE id < 0;
			RAISE 'undo';
		EXCEPTION WHEN raise_exception THEN
			NULL;
		END;
	END LOOP;
END $$;
SELECT cmp_ok((SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name = 'athar rows held back'), '<', 1000000::numeric, 'rows held back take no more memory when they are written');
-- Every index finds every row, whatever it is, and however many come at once.
CREATE INDEX own_expression ON athar.log_entry ((row_key ->> 'id'));
CREATE INDEX own_part ON athar.log_entry (id) WHERE operation = 'U';
CREATE UNIQUE INDEX own_unique ON athar.log_entry (id);
CREATE INDEX own_falling ON athar.log_entry USING brin ((-id)) WITH (pages_per_range = 1);
CREATE INDEX own_hash ON athar.log_entry USING brin (key_hash) WITH (pages_per_range = 1);
CREATE TABLE app.page (id integer PRIMARY KEY, v integer);
SELECT athar.track('app.page') IS NOT NULL;
DO $$
BEGIN
	FOR i IN 1..6 LOOP
		INSERT INTO app.page SELECT 1000 * i + (j * 7919) % 1000, 0 FROM generate_series(1, 1000 - i % 2 * 997) AS j;
		UPDATE app.page SET v = i WHERE id % 7 = i;
		-- written, and the page that is not full has a summary that must grow
		PERFORM count(*) FROM athar.log_entry WHERE id < 0;
		PERFORM brin_summarize_new_values(c.oid) FROM pg_class AS c WHERE c.relname IN ('log_entry_id_idx', 'own_falling', 'own_hash');
	END LOOP;
END $$;
CREATE TEMPORARY TABLE told AS
SELECT id, transaction_id, table_id, key_hash, operation, row_key ->> 'id' AS key FROM athar.log_entry WHERE table_id = ANY (athar.table_ids('app.page')) AND row_key <> '{}';
-- How many entries an index alone does not find.
CREATE FUNCTION app.missed(index text, condition text) RETURNS bigint LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
	line text;
	is_used boolean := false;
	found bigint;
BEGIN
	UPDATE pg_index SET indisvalid = (indexrelid = index::regclass) WHERE indrelid = 'athar.log_entry'::regclass;
	FOR line IN EXECUTE format('EXPLAIN SELECT FROM told AS t CROSS JOIN LATERAL (SELECT FROM athar.log_entry AS e WHERE e.id = t.id AND %s OFFSET 0) AS e', condition) LOOP
		is_used := is_used OR line LIKE '%' || split_part(index, '.', 2) || '%';
	END LOOP;
	IF NOT is_used THEN RAISE '% is not used', index; END IF;
	EXECUTE format('SELECT count(*) FROM told AS t CROSS JOIN LATERAL (SELECT FROM athar.log_entry AS e WHERE e.id = t.id AND %s OFFSET 0) AS e', condition) INTO found;
	RETURN (SELECT count(*) FROM told) - found;
END $$;
SELECT cmp_ok((SELECT count(*) FROM told), '>', 3000::bigint, 'entries of several pages');
SELECT is(app.missed('athar.' || v.index, v.condition), v.missed, v.index || ' finds every row: ' || v.condition) FROM (VALUES
	('log_entry_key_idx', '(e.table_id, e.key_hash) = (t.table_id, t.key_hash)', 0::bigint),
	('log_entry_id_idx', 'e.id = t.id', 0),
	('log_entry_id_idx', 'e.transaction_id = t.transaction_id', 0),
	('own_expression', 'e.row_key ->> ''id'' = t.key', 0),
	('own_part', 'e.operation = ''U''', (SELECT count(*) FROM told WHERE operation <> 'U')),
	('own_unique', 'e.id = t.id', 0),
	('own_falling', '-e.id = -t.id', 0),
	('own_hash', 'e.key_hash = t.key_hash', 0)) AS v (index, condition, missed);
SELECT * FROM finish();
ROLLBACK;
