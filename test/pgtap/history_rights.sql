-- history_rights: row_history shows nobody the past of what he could not see
BEGIN;
SELECT plan(8);

CREATE SCHEMA app;
CREATE ROLE history_clerk;
SELECT athar.grant_access('history_clerk', 'read');
GRANT USAGE ON SCHEMA app TO history_clerk;

-- A key given back is another row, also to whoever takes it on purpose.
CREATE TABLE app.file (id integer PRIMARY KEY, clerk name, note text);
SELECT athar.track('app.file');
INSERT INTO app.file VALUES (7, 'another', 'not for everybody'), (8, 'history_clerk', 'own'), (9, 'another', 'theirs');
DELETE FROM app.file WHERE id = 7;
SELECT is((SELECT count(*)::integer FROM athar.row_history('app.file', '{"id": 7}')), 2, 'without row security the history of a key is whole');
ALTER TABLE app.file ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.file USING (clerk = current_user);
GRANT ALL ON app.file TO history_clerk;
SET LOCAL ROLE history_clerk;
INSERT INTO app.file VALUES (7, 'history_clerk', 'first');
UPDATE app.file SET note = 'second' WHERE id = 7;
SELECT results_eq(
	$$SELECT operation, new_values->>'note' FROM athar.row_history('app.file', '{"id": 7}')$$,
	$$VALUES ('INSERT', 'first'), ('UPDATE', 'second')$$,
	'under row security a row inserted with an earlier row''s key has its own past alone');
DELETE FROM app.file WHERE id = 7;
UPDATE app.file SET id = 7 WHERE id = 8;
SELECT results_eq(
	$$SELECT operation, row_key->'id', new_values->>'note' FROM athar.row_history('app.file', '{"id": 7}')$$,
	$$VALUES ('INSERT', '8'::jsonb, 'own'), ('UPDATE', '8', NULL)$$,
	'so has a row that was given the key, whole');
SELECT is_empty($$SELECT * FROM athar.row_history('app.file', '{"id": 9}')$$, 'what is hidden has none');
RESET ROLE;

-- Without a key, and without row security.
CREATE TABLE app.tally (clerk name, n integer);
SELECT athar.track('app.tally');
INSERT INTO app.tally VALUES ('history_clerk', 1);
DELETE FROM app.tally;
INSERT INTO app.tally VALUES ('history_clerk', 1);
ALTER TABLE app.tally ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON app.tally USING (clerk = current_user);
GRANT ALL ON app.tally TO history_clerk;
SET LOCAL ROLE history_clerk;
SELECT is((SELECT count(*)::integer FROM athar.row_history('app.tally', '{"clerk": "history_clerk", "n": 1}')), 1, 'a row without a key likewise');
RESET ROLE;

-- A column that is gone has values in the log, and no privileges any more.
CREATE TABLE app.person (id integer PRIMARY KEY, name text, illness text);
SELECT athar.track('app.person');
INSERT INTO app.person VALUES (1, 'x', 'y');
GRANT SELECT (id, name) ON app.person TO history_clerk;
SET LOCAL ROLE history_clerk;
SELECT throws_ok($$SELECT * FROM athar.row_history('app.person', '{"id": 1}')$$, '42501', NULL, 'SELECT on some columns is not enough');
RESET ROLE;
ALTER TABLE app.person DROP COLUMN illness;
SET LOCAL ROLE history_clerk;
SELECT throws_ok($$SELECT * FROM athar.row_history('app.person', '{"id": 1}')$$, '42501', NULL, 'nor after the others were dropped');
RESET ROLE;
GRANT SELECT ON app.person TO history_clerk;
SET LOCAL ROLE history_clerk;
SELECT is((SELECT count(*)::integer FROM athar.row_history('app.person', '{"id": 1}')), 2, 'SELECT on the table is: with the value that was dropped');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
