-- retention: what may be taken out of the log, by whom; what stays
BEGIN;
SELECT plan(30);
SET LOCAL search_path = public, pg_catalog;
SET LOCAL client_min_messages = warning;
CREATE TABLE licence (id integer PRIMARY KEY, fee numeric);
CREATE TABLE untracked (id integer PRIMARY KEY);
SELECT athar.track('licence');
INSERT INTO licence VALUES (1, 10), (2, 20);
UPDATE licence SET fee = 11 WHERE id = 1;
SELECT athar.create_mark('now');

-- What is asked for.
SELECT throws_ok($$SELECT athar.archive_log(NULL, reason => 'r')$$, '22023', 'a time, and how many entries at most, are required', 'archive_log wants a time');
SELECT throws_ok($$SELECT athar.expire_log(NULL, reason => 'r')$$, '22023', 'a time, and how many entries at most, are required', 'so does expire_log');
SELECT throws_ok($$SELECT athar.archive_log(now(), reason => 'r', most => 0)$$, '22023', NULL, 'nothing at most is too little');
SELECT throws_ok($$SELECT athar.archive_log(now(), reason => 'r', most => 1000001)$$, '22023', NULL, 'more than a million at most is too much');
SELECT throws_ok($$SELECT athar.archive_log(now(), reason => 'r', most => NULL)$$, '22023', NULL, 'and so is NULL');
SELECT throws_ok($$SELECT athar.archive_log(now())$$, 'AT001', 'a reason is required to take entries out of the change log', 'archive_log wants a reason');
SELECT throws_ok($$SELECT athar.expire_log(now(), reason => ' ')$$, 'AT001', 'a reason is required to take entries out of the change log', 'and not a blank one');
SELECT throws_ok($$SELECT athar.archive_log(now(), 'untracked', 'r')$$, '55000', 'table "untracked" was never tracked', 'the table must have a log');
SELECT throws_ok($$SELECT athar.expire_log(now(), 0::regclass, 'r')$$, '55000', 'table "?" was never tracked', 'and must be there');
SELECT throws_ok($$SELECT athar.expire_log(now(), 'athar.log_retention', 'r')$$, '22023', 'what was taken out of the log stays on record', 'what was taken out stays on record');
SELECT throws_ok($$SELECT athar.archive_log(now(), 'athar.log_retention', 'r')$$, '22023', NULL, '... in the log itself');

-- What is not sealed stays.
SELECT is(athar.archive_log('infinity', 'licence', 'r'), 0::bigint, 'nothing is archived that is not sealed');
SELECT is(athar.expire_log('infinity', 'licence', 'r'), 0::bigint, 'nor does it expire');
SELECT is((SELECT count(*) FROM athar.change_log WHERE relation = 'public.licence'), 3::bigint, 'the log is as it was');
SELECT is_empty('SELECT FROM athar.log_retention', 'what took nothing out is not on record');
SELECT lives_ok($$SELECT set_config('athar.reason', 'by the setting', true), athar.archive_log(now())$$, 'the reason may come from athar.reason');

-- By nobody else.
SELECT throws_ok($$INSERT INTO athar.log_archive (table_id, first_at, last_at, ids, leaves) VALUES (1, now(), now(), '{[1,2)}', '[]')$$, 'AT003', NULL, 'the archive is not written by hand');
SELECT throws_ok($$UPDATE athar.log_archive SET leaves = ''$$, 'AT003', NULL, '... nor changed');
SELECT throws_ok($$DELETE FROM athar.log_archive$$, 'AT003', NULL, '... nor emptied');
SELECT throws_ok($$TRUNCATE athar.log_archive$$, 'AT003', NULL, '... at once');
SELECT throws_ok($$INSERT INTO athar.log_retention (operation, before, table_ids, entries, ids, split_transaction_ids) VALUES ('forget', now(), '{}', 1, '{}', '{}')$$, '23514', NULL,
	'an act is one of two');

-- Rights.
CREATE ROLE retention_reader;
CREATE ROLE retention_manager;
CREATE ROLE retention_auditor;
SELECT athar.grant_access('retention_reader', 'manage'), athar.grant_access('retention_manager', 'administer'), athar.grant_access('retention_auditor', 'audit');
SELECT is(
	ARRAY(SELECT has_function_privilege(r, f, 'EXECUTE')
		FROM unnest(ARRAY['retention_reader', 'retention_manager', 'retention_auditor']) WITH ORDINALITY AS r (r, o)
		CROSS JOIN unnest(ARRAY['athar.archive_log(timestamptz, regclass, text, integer)', 'athar.expire_log(timestamptz, regclass, text, integer)']) AS f (f)
		ORDER BY o),
	ARRAY[false, false, true, true, false, false], 'administer takes entries out, and no other level');
SELECT is(
	ARRAY(SELECT has_table_privilege(r, t, 'SELECT')
		FROM unnest(ARRAY['retention_reader', 'retention_manager', 'retention_auditor']) WITH ORDINALITY AS r (r, o)
		CROSS JOIN unnest(ARRAY['athar.log_archive', 'athar.log_retention', 'athar.archived_changes']) AS t (t)
		ORDER BY o),
	ARRAY[false, false, false, false, false, false, true, true, true], 'audit reads what was taken out, and no other level');
SET LOCAL ROLE retention_manager;
SELECT is(athar.archive_log('-infinity', 'licence', 'r'), 0::bigint, 'an administrator needs no other right');
SELECT throws_ok($$SELECT athar.expire_log('-infinity', 'licence', 'r')$$, '42501', 'must be owner of table licence', 'but forgets nothing of another''s table');
SELECT throws_ok($$SELECT athar.expire_log('-infinity', NULL, 'r')$$, '42501', 'must be owner of table log_entry', 'nor everything');
RESET ROLE;
ALTER TABLE licence OWNER TO retention_manager;
SET LOCAL ROLE retention_manager;
SELECT is(athar.expire_log('-infinity', 'licence', 'r'), 0::bigint, 'of his own he may');
RESET ROLE;
SELECT is(athar.expire_log('-infinity', NULL, 'r'), 0::bigint, 'and the owner of the log everything');

-- The archive is read like the log.
SELECT is(
	(SELECT array_agg(attname::text || ' ' || atttypid::regtype ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'athar.archived_changes'::regclass AND attnum > 0),
	(SELECT array_agg(attname::text || ' ' || atttypid::regtype ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'athar.change_log'::regclass AND attnum > 0),
	'archived_changes has the columns of change_log');
SELECT is(athar.expired_entries(), '{}'::int8multirange, 'nothing has expired');
SELECT * FROM finish();
ROLLBACK;
