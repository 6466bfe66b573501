-- undo: what undoing a transaction does, and what it says when it cannot
\set SHOW_CONTEXT never
CREATE SCHEMA undo;
SET search_path = undo;

-- The newest transaction of the log, and what a statement is refused with;
-- numbers depend on what ran before.
CREATE FUNCTION newest() RETURNS bigint LANGUAGE sql AS $$ SELECT max(transaction_id) FROM athar.change_log $$;
CREATE FUNCTION said(problem text) RETURNS text IMMUTABLE LANGUAGE sql AS $$
	SELECT regexp_replace(problem, '(transaction|entry) \d+', '\1 N', 'g') $$;
CREATE FUNCTION refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE statement;
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN said(format(E'%s %s\n%s\n%s', SQLSTATE, SQLERRM, detail, hint));
END
$$;

CREATE TABLE office (code text PRIMARY KEY, name text UNIQUE, up text REFERENCES office);
CREATE TABLE licence (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	office text REFERENCES office ON UPDATE CASCADE ON DELETE CASCADE,
	fee numeric(8,2),
	tax numeric GENERATED ALWAYS AS (fee / 10) STORED,
	scan text DEFAULT 'none');
CREATE TABLE tally (day date, n integer);
SELECT count(athar.track(t, exclude => CASE t WHEN 'licence'::regclass THEN '{scan}' ELSE '{}' END::text[]))
FROM unnest(ARRAY['office', 'licence', 'tally']::regclass[]) AS t;
INSERT INTO office VALUES ('A', 'Amman', NULL), ('B', 'Basra', 'A'), ('C', 'Cairo', 'B');
INSERT INTO licence (office, fee, scan) VALUES ('A', 1.10, 'x'), ('B', 2.00, 'y'), ('B', 'NaN', 'z'), ('C', NULL, NULL);
INSERT INTO tally VALUES ('2026-01-01', 1), ('2026-01-01', 1), ('2026-01-02', NULL);

-- everything at once: two names exchanged, keys changed, rows that came, went, and came and went
BEGIN;
UPDATE office SET name = '-' WHERE code = 'A';
UPDATE office SET name = 'Amman' WHERE code = 'B';
UPDATE office SET name = 'Basra' WHERE code = 'A';
UPDATE office SET code = 'Z' WHERE code = 'C';
UPDATE licence SET fee = fee + 1;
UPDATE licence SET fee = fee + 1 WHERE id = 2;
DELETE FROM licence WHERE id = 1;
INSERT INTO licence (office, fee) VALUES ('Z', 5);
INSERT INTO office VALUES ('D', 'Doha', 'A');
DELETE FROM office WHERE code = 'D';
UPDATE tally SET n = 7 WHERE ctid = (SELECT min(ctid) FROM tally WHERE n = 1);
DELETE FROM tally WHERE n IS NULL;
INSERT INTO tally VALUES ('2026-01-01', 1);
COMMIT;
SELECT newest() AS t \gset
SELECT u.relation, u.operation, u.row_key, u.old_values, u.new_values FROM athar.undo_transaction(:t, 'a mistake', dry_run => true) AS u;
SELECT newest() = :t AS nothing_written;
SET athar.reason = 'my own';
SELECT count(*) FROM athar.undo_transaction(:t, 'a mistake');
SHOW athar.reason;
RESET athar.reason;
TABLE office ORDER BY code;
TABLE licence ORDER BY id;
TABLE tally ORDER BY day, n;
SELECT newest() AS u \gset
SELECT relation, operation, row_key, old_values, new_values, reason FROM athar.change_log WHERE transaction_id = :u ORDER BY entry_id;

-- what was undone cannot be undone again; but the undo can
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'again'));
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L, true)', :t, 'again')) = refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'again')) AS the_same_when_dry;
SELECT count(*) FROM athar.undo_transaction(:u, 'it was right');
TABLE office ORDER BY code;
SELECT id, office, fee, tax FROM licence ORDER BY id;
TABLE tally ORDER BY day, n;

-- rows that refer to each other, in one statement and by cascades
TRUNCATE office, licence, tally;
SELECT count(*) FROM athar.undo_transaction(newest(), 'truncated by mistake');
DELETE FROM office;
SELECT count(*) FROM athar.undo_transaction(newest(), 'deleted by mistake');
TABLE office ORDER BY code;
SELECT id, office, fee, tax FROM licence ORDER BY id;
INSERT INTO office VALUES ('F', 'Fez', 'E'), ('E', 'Erbil', NULL);
SELECT newest() AS t \gset
INSERT INTO licence (office, fee) VALUES ('F', 1);
INSERT INTO office VALUES ('G', 'Gaza', 'F');
CREATE TABLE untracked (office text REFERENCES office ON DELETE SET NULL);
INSERT INTO untracked VALUES ('E');
-- nothing that came later goes by a cascade
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
DROP TABLE untracked;
DELETE FROM licence WHERE office = 'F';
DELETE FROM office WHERE code = 'G';
SELECT u.operation, u.row_key FROM athar.undo_transaction(:t, 'x') AS u;

-- later changes: other columns are no hindrance
UPDATE licence SET fee = 9 WHERE id = 2;
SELECT newest() AS t \gset
UPDATE licence SET office = 'A' WHERE id = 2;
SELECT u.operation, u.old_values, u.new_values FROM athar.undo_transaction(:t, 'x', true) AS u;
UPDATE licence SET fee = 10 WHERE id = 2;
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
DELETE FROM licence WHERE id = 2;
SELECT newest() AS d \gset
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
INSERT INTO licence (id, fee) OVERRIDING SYSTEM VALUE VALUES (2, 1);
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :d, 'x'));
UPDATE licence SET id = DEFAULT WHERE id = 2;
SELECT regexp_replace(refusal(format('SELECT athar.undo_transaction(%s, %L)', newest(), 'x')), '"id": \d+', '"id": N', 'g');
DELETE FROM office WHERE code = 'Z';
UPDATE office SET name = 'Basra 2' WHERE code = 'A';
SELECT newest() AS t \gset
UPDATE office SET name = 'Basra' WHERE code = 'B';
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
DELETE FROM licence WHERE office = 'B' AND id = (SELECT min(id) FROM licence WHERE office = 'B');
SELECT newest() AS t \gset
DELETE FROM office WHERE code = 'B';
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));

-- changes that the log does not know
INSERT INTO licence (fee) VALUES (20), (21);
SELECT newest() AS t \gset
ALTER TABLE licence DISABLE TRIGGER ALL;
UPDATE licence SET fee = 22 WHERE fee = 20;
DELETE FROM licence WHERE fee = 21;
ALTER TABLE licence ENABLE TRIGGER ALL;
SELECT regexp_replace(refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x')), '"id": \d+', '"id": N', 'g');

-- what is not undone at all
SELECT athar.undo_transaction(NULL, 'x');
SELECT athar.undo_transaction(0, 'x');
SELECT athar.undo_transaction(0, NULL);
SELECT athar.undo_transaction(0, E' \t');
SELECT athar.define_unit('undo', 'Undo') > 0 AS defined;
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', newest(), 'x'));
BEGIN;
INSERT INTO tally VALUES ('2026-02-01', 1);
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', newest(), 'x'));
COMMIT;
SELECT newest() AS t \gset
BEGIN READ ONLY;
SELECT count(*) FROM athar.undo_transaction(:t, 'x', true);
SELECT athar.undo_transaction(:t, 'x');
ROLLBACK;
SELECT athar.untrack('tally');
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
DROP TABLE tally;
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));

-- values that the log does not have
CREATE TABLE scan (id integer PRIMARY KEY, page text NOT NULL, note text DEFAULT 'none');
SELECT athar.track('scan', exclude => '{page,note}') > 0 AS tracked;
INSERT INTO scan VALUES (1, 'x', 'y');
DELETE FROM scan;
SELECT newest() AS t \gset
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
ALTER TABLE scan ALTER page SET DEFAULT '';
SELECT u.operation, u.new_values FROM athar.undo_transaction(:t, 'x') AS u;
TABLE scan;

CREATE TABLE patient (id integer PRIMARY KEY, name text, illness text);
SELECT athar.track('patient', mask => '{illness}') > 0 AS tracked;
INSERT INTO patient VALUES (1, 'x', 'a'), (2, 'y', 'b');
UPDATE patient SET illness = 'c' WHERE id = 1;
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', newest(), 'x'));
DELETE FROM patient WHERE id = 2;
SELECT u.operation, u.new_values FROM athar.undo_transaction(newest(), 'x') AS u;
TABLE patient ORDER BY id;

-- a definition that has changed since: names, types, columns that are gone
CREATE TABLE parcel (id integer PRIMARY KEY, plot text, area integer, kind text, old text);
SELECT athar.track('parcel') > 0 AS tracked;
INSERT INTO parcel VALUES (1, 'P1', 10, '1', 'o'), (2, 'P2', 20, '2', 'o'), (3, 'P3', 30, 'three', 'o');
BEGIN;
UPDATE parcel SET plot = 'Q1', area = 11, kind = '11', old = 'n' WHERE id = 1;
DELETE FROM parcel WHERE id = 2;
INSERT INTO parcel VALUES (4, 'P4', 40, '4', 'o');
COMMIT;
SELECT newest() AS t \gset
UPDATE parcel SET kind = 'III' WHERE id = 3;
SELECT newest() AS w \gset
UPDATE parcel SET kind = '3' WHERE id = 3;
ALTER TABLE parcel RENAME COLUMN id TO number;
ALTER TABLE parcel RENAME COLUMN plot TO sheet;
ALTER TABLE parcel ALTER area TYPE numeric(8,1);
ALTER TABLE parcel ALTER kind TYPE integer USING kind::integer;
ALTER TABLE parcel DROP COLUMN old;
ALTER TABLE parcel ADD COLUMN plot text DEFAULT 'another';
ALTER TABLE parcel RENAME TO lot;
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :w, 'x'));
SELECT u.relation, u.operation, u.row_key, u.old_values, u.new_values FROM athar.undo_transaction(:t, 'x', true) AS u;
UPDATE lot SET area = 11.5 WHERE number = 1;
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
SELECT count(*) FROM athar.undo_transaction(newest(), 'x');
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
ALTER TABLE lot DROP CONSTRAINT parcel_pkey;
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
-- a definition that the transaction itself changed
CREATE TABLE plot (number integer PRIMARY KEY);
SELECT athar.track('plot') > 0 AS tracked;
BEGIN;
INSERT INTO plot VALUES (9);
ALTER TABLE plot ADD COLUMN late integer;
COMMIT;
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', newest(), 'x'));

-- triggers that stand in the way
CREATE FUNCTION suppress() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
UPDATE scan SET id = 2;
CREATE TRIGGER suppress BEFORE UPDATE ON scan FOR EACH ROW EXECUTE FUNCTION suppress();
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', newest(), 'x'));

-- whose rights: the caller's own
CREATE TABLE ledger (id integer PRIMARY KEY, n integer, m integer);
SELECT athar.track('ledger') > 0 AS tracked;
INSERT INTO ledger VALUES (1, 1, 1), (2, 2, 2);
BEGIN;
INSERT INTO ledger VALUES (3, 3, 3);
UPDATE ledger SET n = 11 WHERE id = 1;
DELETE FROM ledger WHERE id = 2;
COMMIT;
SELECT newest() AS t \gset
CREATE ROLE undo_clerk;
SELECT athar.grant_access('undo_clerk', 'contribute');
GRANT USAGE ON SCHEMA undo TO undo_clerk;
CREATE FUNCTION as_clerk(t bigint, dry_run boolean) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	problem text;
BEGIN
	SET LOCAL ROLE undo_clerk;
	problem := undo.refusal(format('SELECT athar.undo_transaction(%s, %L, %L)', t, 'x', dry_run));
	RESET ROLE;
	RETURN regexp_replace(problem, E'\\n.*', '', 's');
END
$$;
SELECT as_clerk(:t, false), as_clerk(:t, true);
GRANT SELECT ON ledger TO undo_clerk;
SELECT as_clerk(:t, false), as_clerk(:t, true);
GRANT UPDATE (m) ON ledger TO undo_clerk;
SELECT as_clerk(:t, false), as_clerk(:t, true);
GRANT UPDATE (n) ON ledger TO undo_clerk;
SELECT as_clerk(:t, false), as_clerk(:t, true);
GRANT DELETE ON ledger TO undo_clerk;
SELECT as_clerk(:t, false), as_clerk(:t, true);
GRANT INSERT ON ledger TO undo_clerk;
ALTER TABLE ledger ENABLE ROW LEVEL SECURITY;
CREATE POLICY everything ON ledger USING (true);
SELECT as_clerk(:t, false), as_clerk(:t, true);
ALTER TABLE ledger DISABLE ROW LEVEL SECURITY;
-- a row that he may not see is told of without its key
CREATE TABLE secret (name text, ledger integer REFERENCES ledger ON DELETE CASCADE);
INSERT INTO secret VALUES ('x', 3);
SET ROLE undo_clerk;
SELECT undo.refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
RESET ROLE;
GRANT SELECT ON secret TO undo_clerk;
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON secret USING (name = current_user);
SET ROLE undo_clerk;
SELECT undo.refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
RESET ROLE;
ALTER TABLE secret DISABLE ROW LEVEL SECURITY;
SET ROLE undo_clerk;
SELECT undo.refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));
RESET ROLE;
DROP TABLE secret;
SELECT as_clerk(:t, true), as_clerk(:t, false);
TABLE ledger ORDER BY id;
SELECT DISTINCT current_user_name, reason FROM athar.change_log WHERE transaction_id = newest();
SELECT athar.revoke_access('undo_clerk', 'contribute');

-- a long list is cut
CREATE TABLE many (id integer PRIMARY KEY, n integer);
SELECT athar.track('many') > 0 AS tracked;
INSERT INTO many SELECT i, i FROM generate_series(1, 25) AS i;
SELECT newest() AS t \gset
UPDATE many SET n = 0;
SELECT refusal(format('SELECT athar.undo_transaction(%s, %L)', :t, 'x'));

RESET search_path;
SET client_min_messages = error;
DROP SCHEMA undo CASCADE;
DROP ROLE undo_clerk;
