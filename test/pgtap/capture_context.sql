-- capture_context: who, when and why, once per transaction and at each change of them
BEGIN;
SELECT plan(23);
SET LOCAL client_min_messages = warning;
\ir ../data/capture.sql

CREATE ROLE athar_test_pool;
CREATE ROLE athar_test_clerk;
CREATE ROLE athar_test_owner;
GRANT athar_test_clerk TO athar_test_pool;
GRANT USAGE ON SCHEMA app TO athar_test_pool, athar_test_clerk, athar_test_owner;
CREATE TABLE app.t (id integer PRIMARY KEY, v integer);
CREATE TABLE app.u (id integer PRIMARY KEY);
GRANT ALL ON app.t, app.u TO athar_test_pool, athar_test_clerk, athar_test_owner;
SELECT athar.track('app.t') IS NOT NULL, athar.track('app.u') IS NOT NULL;

-- What was logged after an id: the value written, and who and why.
CREATE FUNCTION pg_temp.who(after bigint)
RETURNS TABLE (id text, session_user_name text, current_user_name text, actor text, reason text, application_name text) LANGUAGE SQL SECURITY DEFINER AS $$
	SELECT c.row_key->>'id', c.session_user_name, c.current_user_name, c.actor, c.reason, c.application_name
	FROM athar.change_log AS c WHERE c.entry_id > who.after ORDER BY c.entry_id
$$;
-- And how many rows of log_transaction that took.
CREATE FUNCTION pg_temp.transactions(after bigint) RETURNS bigint LANGUAGE SQL AS $$
	SELECT count(DISTINCT e.transaction_id) FROM athar.log_entry AS e WHERE e.id > transactions.after
$$;

--
-- Once per transaction
--
SET LOCAL application_name = 'front desk';
SELECT pg_temp.last_id() AS last, count(*) AS transactions FROM athar.log_transaction \gset
INSERT INTO app.t SELECT n FROM generate_series(1, 5) AS n;
INSERT INTO app.u VALUES (6);
SAVEPOINT a;
UPDATE app.t SET v = 1 WHERE id = 1;
RELEASE SAVEPOINT a;
DELETE FROM app.u;
SELECT results_eq(format($$SELECT count(*), min(session_user_name), max(current_user_name), max(actor), max(reason), max(application_name) FROM pg_temp.who(%s)$$, :last),
	format($$VALUES (8::bigint, %1$L, %1$L, NULL, NULL, 'front desk')$$, session_user), 'without any settings: the role and the program');
SELECT is(pg_temp.transactions(:last), 1::bigint, 'several statements, tables and savepoints are one');
SELECT is((SELECT count(*) FROM athar.log_transaction), (:transactions + 1)::bigint, 'with one row');
SELECT results_eq($$SELECT at, xid, cluster, client_address FROM athar.log_transaction ORDER BY id DESC LIMIT 1$$,
	$$SELECT now(), pg_current_xact_id(), system_identifier, inet_client_addr() FROM pg_control_system()$$, 'which says when it began, and its number');
SET LOCAL application_name = '';
SAVEPOINT a;
SELECT count(*) AS transactions FROM athar.log_transaction \gset
UPDATE app.t SET v = v;
SELECT is((SELECT count(*) FROM athar.log_transaction), :transactions::bigint, 'what changes nothing writes nothing');

--
-- Actor and reason
--
SELECT pg_temp.last_id() AS last \gset
INSERT INTO app.t VALUES (10);
SET LOCAL athar.actor = 'amina';
INSERT INTO app.t VALUES (11);
SET LOCAL athar.reason = 'spring';
INSERT INTO app.t VALUES (12);
INSERT INTO app.t VALUES (13);
SET LOCAL athar.actor = 'badr';
SET LOCAL athar.reason = E'"quoted"\nand a line, سبب';
INSERT INTO app.t VALUES (14);
RESET athar.actor;
INSERT INTO app.t VALUES (15);
SET LOCAL athar.reason = '   ';
INSERT INTO app.t VALUES (16);
SELECT athar.set_context('amina', 'spring');
INSERT INTO app.t VALUES (17);
SELECT athar.set_context(NULL, NULL);
SELECT results_eq(format($$SELECT id, actor, reason FROM pg_temp.who(%s)$$, :last),
	$$VALUES ('10', NULL, NULL), ('11', 'amina', NULL), ('12', 'amina', 'spring'), ('13', 'amina', 'spring'), ('14', 'badr', E'"quoted"\nand a line, سبب'),
		('15', NULL, E'"quoted"\nand a line, سبب'), ('16', NULL, NULL), ('17', 'amina', 'spring')$$,
	'the actor and the reason in force at each change');
SELECT is(pg_temp.transactions(:last), 7::bigint, 'one row more at each change of them');
SELECT athar.set_context(repeat('ن', 10000), repeat('سبب ', 10000));
INSERT INTO app.t VALUES (18);
SELECT is((SELECT length(actor) + length(reason) FROM athar.change_log ORDER BY entry_id DESC LIMIT 1), 50000, 'however long they are');
SELECT athar.set_context(NULL, NULL);

-- Savepoints take settings and rows back together.
SELECT pg_temp.last_id() AS last \gset
SET LOCAL athar.actor = 'outer';
SAVEPOINT a;
SET LOCAL athar.actor = 'inner';
INSERT INTO app.t VALUES (20);
SAVEPOINT b;
SET LOCAL athar.actor = 'innermost';
INSERT INTO app.t VALUES (21);
ROLLBACK TO SAVEPOINT b;
INSERT INTO app.t VALUES (22);
RELEASE SAVEPOINT b;
ROLLBACK TO SAVEPOINT a;
INSERT INTO app.t VALUES (23);
SAVEPOINT c;
SET LOCAL athar.actor = 'kept';
INSERT INTO app.t VALUES (24);
RELEASE SAVEPOINT c;
INSERT INTO app.t VALUES (25);
SELECT results_eq(format($$SELECT id, actor FROM pg_temp.who(%s)$$, :last), $$VALUES ('23', 'outer'), ('24', 'kept'), ('25', 'kept')$$, 'actors set after a savepoint, rolled back and released');
SELECT is((SELECT count(*) FROM athar.log_entry AS e WHERE NOT EXISTS (SELECT FROM athar.log_transaction AS t WHERE t.id = e.transaction_id)), 0::bigint, 'no entry lost its transaction');
RESET athar.actor;

--
-- Roles
--
SELECT pg_temp.last_id() AS last, session_user AS me \gset
SET LOCAL ROLE athar_test_clerk;
INSERT INTO app.t VALUES (30);
RESET ROLE;
INSERT INTO app.t VALUES (31);
SET SESSION AUTHORIZATION athar_test_pool;
INSERT INTO app.t VALUES (32);
SET LOCAL ROLE athar_test_clerk;
INSERT INTO app.t VALUES (33);
RESET ROLE;
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION athar_test_clerk;
INSERT INTO app.t VALUES (34);
RESET SESSION AUTHORIZATION;
SELECT results_eq(format($$SELECT id, session_user_name, current_user_name FROM pg_temp.who(%s)$$, :last),
	format($$VALUES ('30', %1$L, 'athar_test_clerk'), ('31', %1$L, %1$L), ('32', 'athar_test_pool', 'athar_test_pool'), ('33', 'athar_test_pool', 'athar_test_clerk'), ('34', 'athar_test_clerk', 'athar_test_clerk')$$, :'me'),
	'SET ROLE and SET SESSION AUTHORIZATION: who logged in, and whose role is in force');

-- SECURITY DEFINER: the caller is who acts, however deep.
CREATE FUNCTION app.inner_call(n integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO app.t VALUES (n); END $$;
CREATE FUNCTION app.outer_call(n integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN PERFORM app.inner_call(n); INSERT INTO app.u VALUES (n); END $$;
CREATE FUNCTION app.as_trigger() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN INSERT INTO app.u VALUES (NEW.id + 100); RETURN NULL; END $$;
CREATE FUNCTION app.names_itself(n integer) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET athar.actor = 'the batch' AS $$ BEGIN INSERT INTO app.t VALUES (n); END $$;
ALTER FUNCTION app.inner_call OWNER TO athar_test_owner;
ALTER FUNCTION app.as_trigger OWNER TO athar_test_owner;
CREATE TRIGGER as_trigger AFTER INSERT ON app.t FOR EACH ROW WHEN (NEW.id = 42) EXECUTE FUNCTION app.as_trigger();
CREATE VIEW app.v AS SELECT * FROM app.t;
ALTER VIEW app.v OWNER TO athar_test_owner;
GRANT INSERT ON app.v TO athar_test_clerk;
SELECT pg_temp.last_id() AS last \gset
SET LOCAL ROLE athar_test_clerk;
SELECT app.inner_call(40), app.outer_call(41);
INSERT INTO app.t VALUES (42);
INSERT INTO app.v VALUES (43);
SELECT app.names_itself(44);
INSERT INTO app.t VALUES (45);
RESET ROLE;
SELECT results_eq(format($$SELECT id, current_user_name, actor FROM pg_temp.who(%s)$$, :last),
	$$SELECT v.id, 'athar_test_clerk', v.actor FROM (VALUES ('40', NULL), ('41', NULL), ('41', NULL), ('42', NULL), ('142', NULL), ('43', NULL), ('44', 'the batch'), ('45', NULL)) AS v (id, actor)$$,
	'functions, triggers and views with others'' rights do not hide who called; a function may name an actor for itself');

-- A pooled session: what one transaction set, the next does not have.
SET LOCAL athar.actor = 'first customer';
SELECT is(current_setting('athar.actor'), 'first customer', 'SET LOCAL');
SELECT is((SELECT context FROM pg_settings WHERE name = 'athar.actor'), 'user', 'which everybody may');
SELECT is(athar.current_actor(), 'first customer', 'names who acts');
RESET athar.actor;
SELECT is(athar.current_actor(), session_user::text, 'and RESET nobody');

-- A reason that is required.
CREATE TABLE app.strict (id integer PRIMARY KEY, v integer);
GRANT ALL ON app.strict TO athar_test_clerk;
SELECT athar.track('app.strict', require_reason => true) IS NOT NULL;
SELECT throws_ok($$INSERT INTO app.strict VALUES (1)$$, 'AT001', 'a reason is required to change table "app.strict"', 'INSERT without a reason');
SET LOCAL session_replication_role = replica;
SELECT throws_ok($$INSERT INTO app.strict VALUES (1)$$, 'AT001', NULL, 'in a replica''s role, too');
SET LOCAL session_replication_role = origin;
SET LOCAL athar.reason = 'so';
INSERT INTO app.strict VALUES (1, 1);
SET LOCAL athar.reason = E' \t\n';
SELECT throws_ok($$UPDATE app.strict SET v = 2$$, 'AT001', NULL, 'UPDATE with a blank one');
SELECT throws_ok($$DELETE FROM app.strict$$, 'AT001', NULL, 'DELETE');
SELECT throws_ok($$TRUNCATE app.strict$$, 'AT001', NULL, 'TRUNCATE');
SELECT throws_ok($$MERGE INTO app.strict USING (VALUES (1)) AS s (id) ON strict.id = s.id WHEN MATCHED THEN DELETE$$, 'AT001', NULL, 'MERGE');
SELECT lives_ok($$UPDATE app.strict SET v = v$$, 'what changes nothing needs none');

SELECT * FROM finish();
ROLLBACK;
