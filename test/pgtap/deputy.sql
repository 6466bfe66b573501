-- deputy: when the server runs a role's code for somebody else, it is the role that acts
BEGIN;
SELECT plan(9);

CREATE SCHEMA app;
CREATE ROLE deputy_author;
CREATE ROLE deputy_clerk;
GRANT CREATE, USAGE ON SCHEMA app TO deputy_author, deputy_clerk;
SELECT athar.grant_access('deputy_author', 'administer');
CREATE TABLE app.licence (id integer PRIMARY KEY, holder text);
GRANT INSERT, SELECT ON app.licence TO deputy_author, deputy_clerk;
SELECT athar.track('app.licence');

-- An index runs its function when its table is analysed; it says it only
-- computes, and writes.
SET LOCAL ROLE deputy_author;
CREATE TABLE app.bait AS SELECT 1 AS number;
CREATE FUNCTION app.act() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	answer text;
BEGIN
	EXECUTE current_setting('deputy.command') INTO answer;
	RETURN answer;
END $$;
CREATE FUNCTION app.harmless(number integer) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN CASE WHEN current_setting('deputy.command') <> '' THEN app.act() ELSE '' END;
END $$;
SET LOCAL deputy.command = '';
CREATE INDEX ON app.bait (app.harmless(number));
RESET ROLE;

SET LOCAL deputy.command = $$INSERT INTO app.licence VALUES (1, 'planted') RETURNING athar.current_actor()$$;
ANALYZE app.bait;
SELECT is((SELECT holder FROM app.licence), 'planted', 'the function wrote');
SELECT is(
	(SELECT current_user_name FROM athar.change_log WHERE relation = 'app.licence'), 'deputy_author',
	'logged is the owner of the table analysed, not the role that had it analysed');

SET LOCAL deputy.command = $$SELECT athar.current_actor()$$;
SELECT is(app.act(), session_user::text, 'outside, the actor is who calls');

SET LOCAL deputy.command = $$SELECT athar.define_unit('planted', 'Planted')$$;
SELECT throws_ok('ANALYZE app.bait', '42501', 'cannot tell who acts within a security-restricted operation',
	'a function with its owner''s rights writes nothing there');
SET LOCAL deputy.command = $$SELECT athar.grant_access('deputy_author', 'audit')$$;
SELECT throws_ok('ANALYZE app.bait', '42501', 'cannot change access within a security-restricted operation',
	'nor does it give what only the role that analyses holds');
SET LOCAL deputy.command = $$SELECT athar.revoke_access('deputy_author', 'administer')$$;
SELECT throws_ok('ANALYZE app.bait', '42501', 'cannot change access within a security-restricted operation', 'or take it');

-- The signature of a restore, by a role that may write the log itself: it
-- covers neither the roles it changes to nor the code it runs for others.
SET LOCAL row_security = off;
SET LOCAL check_function_bodies = off;
SET LOCAL xmloption = content;
SELECT set_config('search_path', '', true) AS path \gset
SELECT athar.is_restoring() AS restoring \gset
SET LOCAL deputy.command = $$INSERT INTO app.licence VALUES (2, 'posed') RETURNING holder$$;
ANALYZE app.bait;
SET LOCAL ROLE deputy_clerk;
INSERT INTO app.licence VALUES (3, 'lent');
RESET ROLE;
INSERT INTO app.licence VALUES (4, 'restored');
SET LOCAL search_path = public;
SELECT ok(:'restoring', 'the role itself poses as a restore');
SELECT results_eq(
	$$SELECT row_key->'id', current_user_name FROM athar.change_log WHERE relation = 'app.licence' AND entry_id > (SELECT min(entry_id) FROM athar.change_log WHERE relation = 'app.licence') ORDER BY entry_id$$,
	$$VALUES ('2'::jsonb, 'deputy_author'), ('3', 'deputy_clerk')$$,
	'what they write is logged');
SELECT is((SELECT count(*)::integer FROM app.licence), 4, 'and what is restored is not');

SELECT * FROM finish();
ROLLBACK;
