-- log: what people read when they ask for what cannot be
\set SHOW_CONTEXT never
CREATE TABLE licence (id integer PRIMARY KEY, holder text, fee numeric(10,2));
CREATE VIEW licence_view AS SELECT id FROM licence;
CREATE MATERIALIZED VIEW licence_copy AS SELECT id FROM licence;
CREATE TEMP TABLE licence_temp (id integer);
CREATE TYPE licence_pair AS (a integer, b integer);

-- tracking
SELECT athar.track('licence_view');
SELECT athar.track('licence_copy');
SELECT athar.track('licence_temp');
SELECT athar.track('licence_pkey');
SELECT athar.track('pg_class');
SELECT athar.track('athar.unit');
SELECT athar.track('no_such_table');
SELECT athar.track(NULL);
SELECT athar.track('licence', '{fees}');
SELECT athar.track('licence', '{fee,id}');
SELECT athar.untrack('licence');
SELECT athar.untrack('athar.unit');
SELECT athar.untrack(NULL);
SELECT athar.track('licence', require_reason => true) > 0 AS tracked;
SELECT athar.track('licence');
CREATE TABLE licence_part (id integer, r integer) PARTITION BY LIST (r);
CREATE TABLE licence_part_1 PARTITION OF licence_part FOR VALUES IN (1);
SELECT athar.track('licence_part_1') > 0 AS tracked;
SELECT athar.track('licence_part');
SELECT athar.untrack('licence_part_1');
SELECT athar.track('licence_part') > 0 AS tracked;
SELECT athar.track('licence_part_1');

-- writing
INSERT INTO licence VALUES (1, 'Shop', 10);
SET athar.reason = 'spring fees';
INSERT INTO licence VALUES (1, 'Shop', 10), (2, 'Cafe', 20);
SET athar.truncate_limit = 1;
TRUNCATE licence;
RESET athar.truncate_limit;
SET athar.truncate_limit = -1;
RESET athar.reason;

-- the log by hand
INSERT INTO athar.log_entry (transaction_id, table_id, key_hash, operation, nonce, row_key) VALUES (1, 1, 1, 'I', gen_random_uuid(), '{}');
UPDATE athar.log_transaction SET reason = 'another';
DELETE FROM athar.mark;
TRUNCATE athar.tracked_table;
SELECT athar.refuse_change();
SELECT athar.capture_change();
CREATE TABLE stranger (id integer PRIMARY KEY);
CREATE TRIGGER t AFTER INSERT ON stranger FOR EACH ROW EXECUTE FUNCTION athar.capture_change('2147483647');
INSERT INTO stranger VALUES (1);
DROP TRIGGER t ON stranger;
CREATE TRIGGER t AFTER INSERT ON stranger FOR EACH ROW EXECUTE FUNCTION athar.capture_change('1');
INSERT INTO stranger VALUES (1);
DROP TRIGGER t ON stranger;
CREATE TRIGGER t AFTER INSERT ON stranger FOR EACH ROW EXECUTE FUNCTION athar.capture_change();
INSERT INTO stranger VALUES (1);
DROP TRIGGER t ON stranger;
CREATE TRIGGER t AFTER INSERT ON stranger FOR EACH STATEMENT EXECUTE FUNCTION athar.capture_change('1');
INSERT INTO stranger VALUES (1);

-- reading
SELECT * FROM athar.row_history('licence', '{"number": 1}');
SELECT * FROM athar.row_history('licence', '{"id": 1, "holder": "Shop"}');
SELECT * FROM athar.row_history('licence', '{}');
SELECT * FROM athar.row_history('licence', '[1]');
SELECT * FROM athar.row_history('licence', '{"id": null}');
SELECT * FROM athar.row_history('licence', '{"id": "one"}');
SELECT * FROM athar.row_history('licence', NULL);
SELECT * FROM athar.row_history('stranger', '{"id": 1}');
SELECT * FROM athar.row_history('licence_view', '{"id": 1}');
SELECT * FROM athar.row_history('licence_part_1', '{"id": 1, "r": 1}');
SELECT operation, row_key, new_values, reason FROM athar.row_history('licence', '{"id": 1}');
SELECT athar.create_mark('');
SELECT athar.create_mark(NULL);
SELECT * FROM athar.as_of(NULL::licence, NULL);
SELECT * FROM athar.as_of(NULL::licence, 'infinity');
SELECT * FROM athar.as_of(NULL::licence, '-infinity');
SELECT * FROM athar.as_of(NULL::stranger, now());
SELECT * FROM athar.as_of(NULL::licence_view, now());
SELECT * FROM athar.as_of(NULL::licence_pair, now());
SELECT * FROM athar.as_of(1, now());
SELECT * FROM athar.as_of(NULL, now());
SELECT * FROM athar.as_of(NULL::licence, clock_timestamp()) ORDER BY id;

-- a column that is gone
SELECT athar.create_mark('before') > 0 AS marked;
SET athar.reason = 'tidy';
UPDATE licence SET holder = upper(holder), fee = fee + 1;
ALTER TABLE licence RENAME holder TO owner;
SELECT * FROM athar.as_of(NULL::licence, (SELECT at FROM athar.mark WHERE name = 'before')) ORDER BY id;
ALTER TABLE licence DROP CONSTRAINT licence_pkey;
SELECT * FROM athar.as_of(NULL::licence, (SELECT at FROM athar.mark WHERE name = 'before')) ORDER BY id;
ALTER TABLE licence ADD COLUMN code integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY;
SELECT * FROM athar.as_of(NULL::licence, (SELECT at FROM athar.mark WHERE name = 'before')) ORDER BY id;

-- references
INSERT INTO athar.unit (code, name, parent_id) VALUES ('x', 'X', -1);

-- as_of for a time that nobody marked: what began after it is left out, for good
CREATE TABLE permit (id integer PRIMARY KEY, fee integer);
SELECT athar.track('permit') > 0 AS tracked;
INSERT INTO permit VALUES (1, 10);
SELECT clock_timestamp() AS unmarked \gset
UPDATE permit SET fee = 20;
INSERT INTO permit VALUES (2, 30);
BEGIN READ ONLY;
SELECT id, fee FROM athar.as_of(NULL::permit, :'unmarked') ORDER BY id;
COMMIT;
SELECT id, fee FROM athar.as_of(NULL::permit, :'unmarked') ORDER BY id;
SELECT athar.create_mark('later') > 0 AS marked;
SELECT id, fee FROM athar.as_of(NULL::permit, :'unmarked') ORDER BY id;
SELECT id, fee FROM athar.as_of(NULL::permit, clock_timestamp()) ORDER BY id;
BEGIN;
UPDATE permit SET fee = 40 WHERE id = 1;
SELECT id, fee FROM athar.as_of(NULL::permit, :'unmarked') ORDER BY id;
SELECT id, fee FROM athar.as_of(NULL::permit, clock_timestamp()) ORDER BY id;
ROLLBACK;
SELECT athar.untrack('permit') IS NOT NULL AS untracked;

-- a pooled session: one customer after another
RESET athar.reason;
SELECT athar.track('permit') > 0 AS tracked;
BEGIN;
SET LOCAL athar.actor = 'first customer';
SET LOCAL athar.reason = 'first';
UPDATE permit SET fee = 50 WHERE id = 1;
COMMIT;
BEGIN;
UPDATE permit SET fee = 51 WHERE id = 1;
COMMIT AND CHAIN;
SELECT athar.set_context('third customer', 'third');
UPDATE permit SET fee = 52 WHERE id = 1;
COMMIT;
BEGIN;
SET LOCAL athar.actor = 'fourth customer';
UPDATE permit SET fee = 53 WHERE id = 1;
ROLLBACK;
UPDATE permit SET fee = 54 WHERE id = 1;
SELECT new_values, actor, reason FROM athar.row_history('permit', '{"id": 1}') ORDER BY entry_id DESC LIMIT 4;

-- updates that change nothing
SELECT count(*) AS transactions FROM athar.log_transaction \gset
BEGIN;
UPDATE permit SET fee = fee;
SELECT * FROM athar.unchanged_updates();
COMMIT;
UPDATE permit SET fee = fee WHERE id = 1;
SELECT * FROM athar.unchanged_updates();
SELECT count(*) - :transactions AS written FROM athar.log_transaction;
SELECT athar.untrack('permit') IS NOT NULL AS untracked;
DROP TABLE permit;

DROP TABLE licence, licence_temp, licence_part, stranger CASCADE;
DROP TYPE licence_pair;
