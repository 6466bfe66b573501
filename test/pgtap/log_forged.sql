-- log_forged: entries that no capture wrote are refused, or shown as they are; nothing crashes on them
BEGIN;
SELECT plan(53);

CREATE SCHEMA app;
CREATE TABLE app.licence (id integer PRIMARY KEY, fee numeric, note text);
CREATE TABLE app.tally (n integer, w text);
SELECT athar.track('app.licence') > 0, athar.track('app.tally') > 0;
SELECT athar.create_mark('begun') > 0 AS marked;
SELECT athar.set_context('clerk', 'first');
INSERT INTO app.licence VALUES (1, 1, 'a'), (2, 2, 'b');
INSERT INTO app.tally VALUES (1, 'x');
SELECT athar.set_context('clerk', 'licence');
INSERT INTO app.licence VALUES (5, 5, 'e');
UPDATE app.licence SET fee = 11 WHERE id = 1;
UPDATE app.licence SET id = 4 WHERE id = 2;
DELETE FROM app.licence WHERE id = 4;
SELECT athar.set_context('clerk', 'later');
UPDATE app.licence SET note = 'later' WHERE id = 1;
SELECT athar.set_context('clerk', 'tally');
INSERT INTO app.tally VALUES (1, 'x'), (2, 'z');
UPDATE app.tally SET w = 'y' WHERE n = 2;
DELETE FROM app.tally WHERE n = 2;
-- As if a dump had brought transactions of another cluster: they are over, so
-- they can be sealed and undone.
ALTER TABLE athar.log_transaction DISABLE TRIGGER USER;
ALTER TABLE athar.log_entry DISABLE TRIGGER USER;
UPDATE athar.log_transaction SET cluster = 1, xid = (1000 + id)::text::xid8;
SELECT leaves > 10 AS sealed FROM athar.seal();

CREATE FUNCTION pg_temp.answer(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE query INTO answer;
	RETURN answer;
EXCEPTION WHEN OTHERS THEN
	RETURN regexp_replace(SQLERRM, '^entry \d+ of the change log is not one that was captured$', 'refused');
END
$$;
-- What is answered after entries of a transaction were forged.
CREATE FUNCTION pg_temp.forged(relation regclass, reason text, operations text, forgery text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	table_name text := split_part(relation::text, '.', 2);
	row_key text := CASE table_name WHEN 'licence' THEN '{"id": 1}' ELSE '{"n": 1, "w": "x"}' END;
	field name := (SELECT attname FROM pg_attribute WHERE attrelid = relation AND attnum = 2);
	forged integer;
	answers text;
BEGIN
	EXECUTE format('UPDATE athar.log_entry AS e SET %s FROM athar.log_transaction AS t WHERE t.id = e.transaction_id AND t.reason = %L AND e.operation::text = ANY (%L)',
		forgery, reason, operations);
	GET DIAGNOSTICS forged = ROW_COUNT;
	IF forged = 0 THEN
		RETURN 'nothing was forged';
	END IF;
	SELECT string_agg(pg_temp.answer(a.query), ', ' ORDER BY a.ordinality) INTO answers FROM unnest(ARRAY[
		format('SELECT count(*) FROM athar.as_of(NULL::%s, (SELECT at FROM athar.mark WHERE name = ''begun''))', relation),
		format('SELECT concat(CASE WHEN is_complete THEN ''complete'' WHEN NOT is_complete THEN ''incomplete: '' END, regexp_replace(problems, ''entry \d+'', ''entry'')) FROM athar.tracking_status(%L)', relation),
		format('SELECT CASE WHEN count(*) > 0 THEN ''shown'' END FROM athar.row_history(%L, %L)', relation, row_key),
		format('SELECT CASE WHEN count(*) > 0 THEN ''shown'' END FROM athar.field_history(%L, %L, %L)', relation, row_key, field),
		format('SELECT count(*) FROM athar.undo_transaction((SELECT id FROM athar.log_transaction WHERE reason = %L), ''x'', true)', table_name),
		'SELECT CASE WHEN bool_and(ok) THEN ''verified'' ELSE ''found'' END FROM athar.verify_log()']) WITH ORDINALITY AS a (query);
	RAISE EXCEPTION USING ERRCODE = 'AT999', MESSAGE = answers;
EXCEPTION WHEN SQLSTATE 'AT999' THEN
	RETURN SQLERRM;
END
$$;
CREATE TEMP TABLE forgery (n integer GENERATED ALWAYS AS IDENTITY, operations text, set text);
INSERT INTO forgery (operations, set) VALUES
	('{U}', 'old_values = NULL'),
	('{U}', 'new_values = NULL'),
	('{U}', 'old_values = ''7'''),
	('{U}', 'new_values = ''[{"fee": 1}]'''),
	('{D}', 'old_values = NULL'),
	('{D}', 'old_values = ''"x"'''),
	('{D}', 'new_values = ''{}'''),
	('{I}', 'new_values = ''null'''),
	('{I}', 'old_values = ''[]'''),
	('{I,U,D}', 'row_key = ''7'''),
	('{I,U,D}', 'row_key = ''[1, 2]'''),
	('{I}', 'operation = ''X'''),
	('{U}', 'operation = ''T'', old_values = NULL');
PREPARE refused AS
SELECT is(pg_temp.forged('app.' || t.name, t.name, f.operations, f.set),
	'refused, incomplete: the log could not be replayed: entry of the change log is not one that was captured, shown, shown, refused, found',
	format('%s: %s of %s', t.name, f.set, f.operations))
FROM forgery AS f CROSS JOIN (VALUES ('licence'), ('tally')) AS t (name)
WHERE $1 OR t.name = 'licence'
ORDER BY f.n, t.name;
SELECT is(pg_temp.forged(relation, reason, '{I}', 'nonce = nonce'), wanted, 'the log as it is: ' || reason)
FROM (VALUES ('app.licence', 'licence', '0, complete, shown, shown, 4, verified'), ('app.tally', 'tally', '0, complete, shown, shown, 1, verified')) AS v (relation, reason, wanted);
EXECUTE refused(true);
SELECT matches(pg_temp.forged('app.licence', 'licence', '{U}', 'old_values = ''{"nothing": 1}'', new_values = ''{"nothing": 2}'''),
	'^1, incomplete: .*, shown, shown, 2, found$', 'a column that there never was');
SELECT matches(pg_temp.forged('app.licence', 'licence', o, 'row_key = ''{}'''), ', shown, refused, found$', 'nor is any row undone for one without a key: ' || o)
FROM (VALUES ('{I}'), ('{U}'), ('{D}')) AS v (o);
SELECT matches(pg_temp.forged('app.licence', 'later', o, f), '^refused, incomplete: .*, shown, shown, refused, found$', 'a later entry: ' || f)
FROM (VALUES ('{U}', 'new_values = NULL'), ('{U}', 'new_values = ''[]'''), ('{U}', 'operation = ''X''')) AS v (o, f);
SAVEPOINT genuine;
UPDATE athar.log_entry SET new_values = NULL WHERE operation = 'U';
SELECT is((SELECT string_agg(relation, ' ') FROM athar.tracking_status() WHERE NOT is_complete), 'app.licence app.tally', 'tracking_status goes on with other tables');
SELECT is((SELECT (baseline_at < checked_at, complete_since, row_count, entry_count)::text FROM athar.tracking_status('app.licence')), '(t,,,)', 'nothing was counted');
ROLLBACK TO genuine;
ALTER TABLE athar.tracking_check DISABLE TRIGGER USER;
SELECT throws_ok($$UPDATE athar.tracking_check SET digest = '\x00'$$, '23514', NULL, 'a state has a whole digest');
ALTER TABLE athar.tracking_check DROP CONSTRAINT tracking_check_digest_check;
UPDATE athar.tracking_check SET digest = '\x00';
SELECT matches((SELECT format('%s %s', is_complete, problems) FROM athar.tracking_status('app.licence')), '^f the log could not be replayed: state \d+ in athar.tracking_check is not one that was written down$', 'a state without one');
ROLLBACK TO genuine;
ALTER TABLE athar.log_entry ALTER row_key DROP NOT NULL, ALTER nonce DROP NOT NULL;
SELECT matches(pg_temp.forged('app.licence', 'licence', '{I,U,D}', 'row_key = NULL, nonce = NULL'), '^refused, incomplete: .*, shown, shown, refused, found$', 'no key at all');
-- Documents that have to be translated.
ALTER TABLE app.licence RENAME fee TO charge;
EXECUTE refused(false);

SELECT * FROM finish();
ROLLBACK;
