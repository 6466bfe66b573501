-- capture_inheritance: tables that inherit from a tracked one are tracked with it
BEGIN;
SELECT plan(24);
SET LOCAL client_min_messages = warning;
\ir ../data/capture.sql

-- What is tracked, under which number, with how many triggers.
CREATE VIEW pg_temp.tracking AS
SELECT c.relname::text AS name, t.is_inherited, t.require_reason,
	(SELECT string_agg(f.name, ' ' ORDER BY f.name) FROM athar.tracked_column AS f WHERE f.table_id = t.id AND f.is_excluded) AS excluded,
	(SELECT string_agg(f.name, ' ' ORDER BY f.name) FROM athar.tracked_column AS f WHERE f.table_id = t.id AND f.is_masked) AS masked,
	count(g.oid) AS triggers
FROM athar.tracked_table AS t
JOIN pg_class AS c ON c.oid = t.relation_oid
LEFT JOIN pg_trigger AS g ON g.tgrelid = c.oid AND g.tgenabled = 'A' AND NOT g.tgisinternal AND encode(g.tgargs, 'escape') = t.lineage || '\000'
WHERE c.relnamespace = 'app'::regnamespace AND t.untracked_at IS NULL AND t.rekey_of IS NULL
	AND t.id = (SELECT max(m.id) FROM athar.tracked_table AS m WHERE m.relation_oid = t.relation_oid AND m.rekey_of IS NULL)
GROUP BY t.id, c.relname;

CREATE TABLE app.person (id integer PRIMARY KEY, name text, pin text, photo text);
CREATE TABLE app.clerk (office text, PRIMARY KEY (id, office)) INHERITS (app.person);
CREATE TABLE app.chief (grade integer) INHERITS (app.clerk);
CREATE TABLE app.citizen (PRIMARY KEY (id), city text) INHERITS (app.person);
CREATE TABLE app.visitor (seen date);
ALTER TABLE app.visitor ADD COLUMN name text, ADD COLUMN photo text, ADD COLUMN pin text, ADD COLUMN id integer NOT NULL;
ALTER TABLE app.visitor INHERIT app.person;
CREATE TABLE app.twofold () INHERITS (app.citizen, app.clerk);
CREATE TEMP TABLE passing () INHERITS (app.person);
SELECT athar.track('app.citizen', exclude => '{photo,city}') IS NOT NULL;
SELECT athar.track('app.person', exclude => '{photo}', mask => '{pin}') AS id \gset
SELECT set_eq('SELECT * FROM tracking',
	$$VALUES ('person', false, false, 'photo', 'pin', 2::bigint), ('clerk', true, false, 'photo', 'pin', 2), ('chief', true, false, 'photo', 'pin', 2), ('visitor', true, false, 'photo', 'pin', 2),
		('citizen', false, false, 'city photo', NULL, 2), ('twofold', true, false, 'city photo', NULL, 2)$$,
	'heirs are tracked with a table, as it is, each once and under a number of its own; one that was tracked before stays as it was, with its heirs');
SELECT is((SELECT count(DISTINCT lineage) FROM athar.tracked_table WHERE relation ~ '^app[.]'), 6::bigint, 'six numbers');
SELECT is((SELECT count(*) FROM pg_trigger WHERE tgrelid = 'passing'::regclass), 0::bigint, 'a temporary heir is not tracked');

INSERT INTO app.person VALUES (1, 'Person', 'secret', 'face');
INSERT INTO app.clerk VALUES (2, 'Clerk', 'secret', 'face', 'North'), (3, 'Other', 'secret', 'face', 'South');
INSERT INTO app.chief VALUES (4, 'Chief', 'secret', 'face', 'North', 7);
INSERT INTO app.citizen VALUES (5, 'Citizen', 'open', 'face', 'Aden');
INSERT INTO app.visitor (id, name, seen) VALUES (6, 'Visitor', '2026-02-01'), (6, 'Visitor', '2026-02-01');
INSERT INTO app.twofold (id, name, city, office) VALUES (7, 'Twofold', 'Aden', 'North');
SELECT results_eq($$SELECT relation, row_key, new_values FROM athar.change_log WHERE relation ~ '^app[.]' ORDER BY entry_id$$,
	$$VALUES ('app.person', '{"id": 1}'::jsonb, '{"id": 1, "pin": "***", "name": "Person"}'::jsonb),
		('app.clerk', '{"id": 2, "office": "North"}', '{"id": 2, "pin": "***", "name": "Clerk", "office": "North"}'),
		('app.clerk', '{"id": 3, "office": "South"}', '{"id": 3, "pin": "***", "name": "Other", "office": "South"}'),
		('app.chief', '{"id": 4, "name": "Chief", "grade": 7, "office": "North"}', '{"id": 4, "pin": "***", "name": "Chief", "grade": 7, "office": "North"}'),
		('app.citizen', '{"id": 5}', '{"id": 5, "pin": "open", "name": "Citizen"}'),
		('app.visitor', '{"id": 6, "name": "Visitor", "seen": "2026-02-01"}', '{"id": 6, "pin": "***", "name": "Visitor", "seen": "2026-02-01"}'),
		('app.visitor', '{"id": 6, "name": "Visitor", "seen": "2026-02-01"}', '{"id": 6, "pin": "***", "name": "Visitor", "seen": "2026-02-01"}'),
		('app.twofold', '{"id": 7, "pin": null, "name": "Twofold", "office": "North"}', '{"id": 7, "pin": null, "name": "Twofold", "office": "North"}')$$,
	'each logs its rows, in its own columns and by its own key');

-- as_of answers as a query does.
CREATE TEMP TABLE persons AS SELECT id, name FROM app.person AS p WHERE p.tableoid <> 'passing'::regclass;
CREATE TEMP TABLE clerks AS SELECT id, name, office FROM app.clerk;
SELECT athar.create_mark('all there') IS NOT NULL;
SELECT pg_temp.last_id() AS last \gset
UPDATE app.person SET name = upper(name), id = id + 10 WHERE id <> 6;
DELETE FROM app.person WHERE name = 'CHIEF';
UPDATE app.person SET name = 'One of two' WHERE ctid = (SELECT min(ctid) FROM app.visitor) AND tableoid = 'app.visitor'::regclass;
UPDATE app.clerk SET office = 'East';
INSERT INTO app.visitor (id, name) VALUES (8, 'New');
TRUNCATE app.twofold;
SELECT is((SELECT string_agg(relation || ' ' || operation, ', ' ORDER BY relation, operation) FROM athar.change_log WHERE entry_id > :last),
	'app.chief DELETE, app.chief UPDATE, app.citizen UPDATE, app.clerk UPDATE, app.clerk UPDATE, app.clerk UPDATE, app.clerk UPDATE, app.person UPDATE, app.twofold TRUNCATE, app.twofold UPDATE, app.twofold UPDATE, app.visitor INSERT, app.visitor UPDATE',
	'changes through the parent are the heirs'' own');
SELECT bag_eq($$SELECT id, name FROM athar.as_of(NULL::app.person, (SELECT at FROM athar.mark WHERE name = 'all there'))$$, 'SELECT * FROM persons', 'as_of of a table has the rows of its heirs');
SELECT bag_eq($$SELECT id, name, office FROM athar.as_of(NULL::app.clerk, (SELECT at FROM athar.mark WHERE name = 'all there'))$$, 'SELECT * FROM clerks', 'so has that of an heir with heirs');
SELECT bag_eq($$SELECT id, name FROM athar.as_of(NULL::app.person, clock_timestamp())$$, 'SELECT id, name FROM app.person', 'also the present');
TRUNCATE app.person;
SELECT bag_eq($$SELECT id, name FROM athar.as_of(NULL::app.person, (SELECT at FROM athar.mark WHERE name = 'all there'))$$, 'SELECT * FROM persons', 'after TRUNCATE of them all, too');
SELECT is((SELECT count(*) FROM athar.change_log WHERE entry_id > :last AND operation = 'TRUNCATE'), 8::bigint, 'which logged the rows of each');

-- Rights are each table's own.
CREATE ROLE athar_test_reader;
GRANT USAGE ON SCHEMA app TO athar_test_reader;
SELECT athar.grant_access('athar_test_reader', 'read');
GRANT SELECT ON app.person TO athar_test_reader;
SET LOCAL ROLE athar_test_reader;
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.person, clock_timestamp())$$, '42501', 'permission denied for table clerk', 'SELECT on the heirs is needed');
RESET ROLE;
GRANT SELECT ON app.clerk, app.chief, app.citizen, app.visitor, app.twofold TO athar_test_reader;
SET LOCAL ROLE athar_test_reader;
SELECT lives_ok($$SELECT * FROM athar.as_of(NULL::app.person, clock_timestamp())$$, 'and enough');
RESET ROLE;

-- Untracking.
SELECT throws_ok($$SELECT athar.untrack('app.clerk')$$, '42809', 'table "clerk" inherits from a tracked table', 'an heir stays tracked as long as its parent');
SELECT throws_ok($$SELECT athar.track('app.clerk')$$, '42710', 'table "clerk" is tracked already', 'and is tracked already');
SELECT athar.untrack('app.person');
SELECT set_eq('SELECT name, is_inherited, triggers FROM tracking', $$VALUES ('citizen', false, 2::bigint), ('twofold', true, 2)$$,
	'untrack ends heirs with their parent: not one that was tracked by itself, nor one with another tracked parent');
SELECT is((SELECT string_agg(DISTINCT tgrelid::regclass::text, ' ') FROM pg_trigger WHERE tgname ~ 'athar_capture' AND tgrelid::regclass::text ~ '^app'), 'app.citizen app.twofold', 'no trigger is left on the others');
SELECT athar.track('app.person', exclude => '{photo}', mask => '{pin}') IS NOT NULL;
SELECT athar.untrack('app.person');
SELECT is((SELECT count(*) FROM tracking), 2::bigint, 'again');
SELECT throws_ok($$SELECT * FROM athar.as_of(NULL::app.clerk, clock_timestamp())$$, '55000', 'table "clerk" is not tracked', 'an heir''s past cannot be rebuilt then');
SELECT athar.untrack('app.citizen');
SELECT is_empty('SELECT * FROM tracking', 'none is tracked');

-- An heir that leaves stays tracked, and can be untracked.
SELECT athar.track('app.clerk') IS NOT NULL;
ALTER TABLE app.chief NO INHERIT app.clerk;
INSERT INTO app.chief (id, office) VALUES (1, 'x');
SELECT is((SELECT count(*) FROM athar.row_history('app.chief', '{"id": 1, "pin": null, "name": null, "grade": null, "photo": null, "office": "x"}')), 1::bigint, 'an heir that leaves stays tracked');
SELECT athar.untrack('app.chief');
SELECT set_eq('SELECT name, is_inherited FROM tracking', $$VALUES ('clerk', false), ('twofold', true)$$, 'until it is untracked');
SELECT athar.untrack('app.clerk');

-- Keys.
ALTER TABLE app.citizen DROP CONSTRAINT citizen_pkey, ADD PRIMARY KEY (id, name);
SELECT throws_ok($$SELECT athar.track('app.person', exclude => '{name}')$$, '22023', 'column "name" is part of the key of table "citizen" and cannot be excluded or masked', 'a column that is part of an heir''s key is not kept out of the log');
SELECT is_empty('SELECT * FROM tracking', 'and nothing is tracked');
CREATE ROLE athar_test_maker;
GRANT USAGE, CREATE ON SCHEMA app TO athar_test_maker;
SELECT athar.grant_access('athar_test_maker', 'administer');
ALTER TABLE app.person OWNER TO athar_test_maker;
SET LOCAL ROLE athar_test_maker;
SELECT throws_ok($$SELECT athar.track('app.person')$$, '42501', 'must be owner of table clerk', 'who tracks a table must own its heirs');
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
