-- log_reading: one column's history; and what is asked of the log is found by index
BEGIN;
SELECT plan(28);
CREATE SCHEMA app;

-- One column through the life of a row.
CREATE TABLE app.licence (id integer PRIMARY KEY, fee numeric(8,2), note text, scan text, health text);
SELECT athar.track('app.licence', exclude => '{scan}', mask => '{health}') > 0 AS tracked;
SELECT athar.set_context('clerk 1', 'first');
INSERT INTO app.licence VALUES (1, 1.10, 'x', 's', 'h');
SELECT athar.set_context('clerk 2', 'second');
UPDATE app.licence SET note = 'y', health = 'i';
UPDATE app.licence SET fee = NULL;
UPDATE app.licence SET id = 2;
ALTER TABLE app.licence RENAME fee TO charge;
ALTER TABLE app.licence ALTER charge TYPE text;
ALTER TABLE app.licence ADD COLUMN fee integer;
UPDATE app.licence SET charge = '3', fee = 7;
DELETE FROM app.licence;
SELECT results_eq(
	$$SELECT operation, old_value, new_value, actor, reason FROM athar.field_history('app.licence', '{"id": 1}', 'charge') ORDER BY entry_id$$,
	$$VALUES ('INSERT', NULL::jsonb, '"1.10"'::jsonb, 'clerk 1', 'first'), ('UPDATE', '"1.10"', 'null', 'clerk 2', 'second'),
		('UPDATE', 'null', '"3"', 'clerk 2', 'second'), ('DELETE', '"3"', NULL, 'clerk 2', 'second')$$,
	'each change of a column, through another key, another name and another type');
SELECT results_eq(
	$$SELECT old_value, new_value FROM athar.field_history('app.licence', '{"id": 2}', 'fee') ORDER BY entry_id$$,
	$$VALUES ('null'::jsonb, '7'::jsonb), ('7', NULL)$$,
	'another column that has the name now has its own');
SELECT results_eq(
	$$SELECT operation, old_value, new_value FROM athar.field_history('app.licence', '{"id": 2}', 'id') ORDER BY entry_id$$,
	$$VALUES ('INSERT', NULL::jsonb, '1'::jsonb), ('UPDATE', '1', '2'), ('DELETE', '2', NULL)$$,
	'of the key, too');
SELECT results_eq(
	$$SELECT operation, old_value, new_value FROM athar.field_history('app.licence', '{"id": 2}', 'health') ORDER BY entry_id$$,
	$$VALUES ('INSERT', NULL::jsonb, '"***"'::jsonb), ('UPDATE', '"***"', '"***"'), ('DELETE', '"***"', NULL)$$,
	'of a masked column it tells when it changed');
SELECT is(
	(SELECT array_agg(f.entry_id) FROM athar.field_history('app.licence', '{"id": 2}', 'note') AS f),
	(SELECT array_agg(h.entry_id) FROM athar.row_history('app.licence', '{"id": 2}') AS h WHERE h.old_values ? 'note' OR h.new_values ? 'note'),
	'its entries are those of the row that have the column');
SELECT throws_ok($$SELECT * FROM athar.field_history('app.licence', '{"id": 2}', 'nothing')$$, '42703', NULL, 'an unknown column');
SELECT throws_ok($$SELECT * FROM athar.field_history('app.licence', '{"id": 2}', 'scan')$$, '22023', NULL, 'an excluded column');
SELECT throws_ok($$SELECT * FROM athar.field_history('app.licence', '{"id": 2}', NULL)$$, '22023', NULL, 'no column');
-- What was masked when it was logged, under whatever name.
CREATE TABLE app.patient (id integer PRIMARY KEY, illness text, note text);
SELECT athar.track('app.patient', mask => '{illness}') > 0 AS tracked;
INSERT INTO app.patient VALUES (1, 'a', 'of another column');
UPDATE app.patient SET illness = 'b';
UPDATE app.patient SET note = 'also of another';
ALTER TABLE app.patient DROP COLUMN note;
ALTER TABLE app.patient RENAME illness TO note;
UPDATE app.patient SET note = 'c';
PREPARE notes AS SELECT operation, old_value, new_value FROM athar.field_history('app.patient', '{"id": 1}', 'note') ORDER BY entry_id;
SELECT results_eq('notes', $$VALUES ('INSERT', NULL::jsonb, '"***"'::jsonb), ('UPDATE', '"***"', '"***"'), ('UPDATE', '"***"', '"***"')$$,
	'a masked column under a new name, which another had before');
SELECT athar.untrack('app.patient');
SELECT athar.track('app.patient') > 0 AS tracked;
UPDATE app.patient SET note = 'd';
SELECT results_eq('notes', $$VALUES ('INSERT', NULL::jsonb, '"***"'::jsonb), ('UPDATE', '"***"', '"***"'), ('UPDATE', '"***"', '"***"'), ('UPDATE', '"c"', '"d"')$$,
	'one that is masked no more');
SELECT athar.untrack('app.patient');
SELECT athar.track('app.patient', mask => '{note}') > 0 AS tracked;
UPDATE app.patient SET note = 'e';
SELECT results_eq('notes', $$VALUES ('INSERT', NULL::jsonb, '"***"'::jsonb), ('UPDATE', '"***"', '"***"'), ('UPDATE', '"***"', '"***"'), ('UPDATE', '"c"', '"d"'), ('UPDATE', '"***"', '"***"')$$,
	'and is again: what was logged stays what it is');
CREATE TABLE app.short (id integer PRIMARY KEY, v integer);
SELECT athar.track('app.short', inserted_values => false) > 0 AS tracked;
INSERT INTO app.short VALUES (1, 1);
SELECT is_empty($$SELECT * FROM athar.field_history('app.short', '{"id": 1}', 'v')$$, 'what was not logged is not shown');
SELECT is((SELECT new_value FROM athar.field_history('app.short', '{"id": 1}', 'id')), '1', 'the key is');
CREATE ROLE log_reading_clerk;
SELECT athar.grant_access('log_reading_clerk', 'read');
GRANT USAGE ON SCHEMA app TO log_reading_clerk;
SET LOCAL ROLE log_reading_clerk;
SELECT throws_ok($$SELECT * FROM athar.field_history('app.short', '{"id": 1}', 'id')$$, '42501', NULL, 'SELECT on the table is needed');
RESET ROLE;
GRANT SELECT ON app.short TO log_reading_clerk;
SET LOCAL ROLE log_reading_clerk;
SELECT is((SELECT count(*)::integer FROM athar.field_history('app.short', '{"id": 1}', 'id')), 1, 'and is enough');
RESET ROLE;

-- 200,000 entries: who asks for a few reads a few.
CREATE TABLE app.big (id integer PRIMARY KEY, v integer);
CREATE TABLE app.small (id integer PRIMARY KEY, v integer);
SELECT athar.track(t, inserted_values => false) > 0 AS tracked FROM unnest(ARRAY['app.big', 'app.small']::regclass[]) AS t;
DO $$
BEGIN
	FOR i IN 1..1000 LOOP
		PERFORM athar.set_context('clerk ' || i, 'reading');
		INSERT INTO app.big SELECT j, 0 FROM generate_series(i * 200, i * 200 + 199) AS j;
	END LOOP;
	INSERT INTO app.small SELECT j, 0 FROM generate_series(1, 50) AS j;
END
$$;
SELECT brin_summarize_new_values('athar.log_entry_id_idx') > 0 AS summarized;
ANALYZE athar.log_entry, athar.log_transaction, athar.tracked_table;
SELECT cmp_ok((SELECT count(*) FROM athar.log_entry), '>=', 200000::bigint, 'a log of some size');
CREATE FUNCTION pg_temp.plan_of(condition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	line text;
	plan text := '';
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT * FROM athar.change_log WHERE ' || condition LOOP
		plan := plan || line || E'\n';
	END LOOP;
	RETURN plan;
END
$$;
SELECT last_value FROM athar.log_entry_id_seq \gset
CREATE TEMP TABLE asked AS
SELECT a.what, pg_temp.plan_of(a.condition) AS plan, a.used
FROM (
	VALUES
		('a table', $$table_id = ANY (athar.table_ids('app.small'))$$, 'log_entry_key_idx'),
		('a row', $$table_id = ANY (athar.table_ids('app.big')) AND row_key = '{"id": 777}' AND key_hash = athar.key_hash('{"id": 777}')$$, 'log_entry_key_idx'),
		('a row, by all its keys', $$table_id = ANY (athar.table_ids('app.big')) AND row_key = ANY (ARRAY['{"id": 777}', '{"id": 778}']::jsonb[]) AND key_hash = ANY (ARRAY[athar.key_hash('{"id": 777}'), athar.key_hash('{"id": 778}')]) ORDER BY entry_id$$, 'log_entry_key_idx'),
		('a row, by the table''s name', $$relation = 'app.big' AND row_key = '{"id": 777}' AND key_hash = athar.key_hash('{"id": 777}')$$, 'log_entry_key_idx'),
		('a key in any table', $$row_key = '{"id": 777}' AND key_hash = athar.key_hash('{"id": 777}')$$, 'log_entry_key_idx'),
		('a time', $$at >= '2026-01-01' AND transaction_id >= (SELECT min(t.id) FROM athar.log_transaction AS t WHERE t.at >= '2026-01-01')$$, 'log_entry_id_idx'),
		('an actor', $$actor = 'clerk 17' AND transaction_id = ANY (ARRAY(SELECT t.id FROM athar.log_transaction AS t WHERE t.actor = 'clerk 17'))$$, 'log_entry_id_idx'),
		('a transaction', $$transaction_id = (SELECT max(id) FROM athar.log_transaction)$$, 'log_entry_id_idx'),
		('an entry', format('entry_id = %s', :last_value - 1000), 'log_entry_id_idx'),
		('the newest', format('entry_id > %s ORDER BY entry_id DESC LIMIT 50', :last_value - 100), 'log_entry_id_idx')
	) AS a (what, condition, used);
SELECT ok(a.plan LIKE '%' || a.used || '%' AND a.plan NOT LIKE '%Seq Scan on log_entry%', a.what || ' is found by index') FROM asked AS a;
SELECT alike((SELECT plan FROM asked WHERE what = 'an actor'), '%log_transaction_actor_idx%', 'and whose transactions they are, too');
SELECT is(athar.table_ids('app.small'), (SELECT array_agg(t.id ORDER BY t.id) FROM athar.tracked_table AS t WHERE t.relation = 'app.small'), 'a table''s numbers');

SELECT * FROM finish();
ROLLBACK;
