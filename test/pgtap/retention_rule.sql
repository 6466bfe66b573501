-- retention_rule: how long the log is kept, said once and seen to by a job
BEGIN;
SELECT plan(38);
SET LOCAL search_path = public, pg_catalog;
SET LOCAL client_min_messages = error;
CREATE TABLE licence (id integer PRIMARY KEY, fee numeric);
CREATE TABLE visit (id integer PRIMARY KEY, place text);
CREATE TABLE gone (id integer PRIMARY KEY);
CREATE TABLE untracked (id integer PRIMARY KEY);
SELECT athar.track(t) FROM unnest('{licence,visit,gone}'::regclass[]) AS t;
INSERT INTO licence VALUES (1, 10), (2, 20);
INSERT INTO visit VALUES (1, 'harbour');
INSERT INTO gone VALUES (1);

-- What may be said.
SELECT is_empty('TABLE athar.retention_rules', 'nobody has said anything');
SELECT results_eq('SELECT * FROM athar.apply_retention()', 'VALUES (0::bigint, 0::bigint, false, NULL::text[])', 'so nothing is done');
SELECT throws_ok(format('SELECT athar.set_retention(%s)', c.arguments), c.code, c.message, 'refused: ' || c.arguments)
FROM (VALUES
	($$'licence', '1 year', '2 years', NULL$$, 'AT001', 'a reason is required to say how long the change log is kept'),
	($$'licence', '1 year', '2 years', E' \t'$$, 'AT001', NULL),
	($$'untracked', '1 year', NULL, 'r'$$, '55000', 'table "public.untracked" was never tracked'),
	($$'athar.log_retention', '1 year', NULL, 'r'$$, '22023', 'what was taken out of the log stays on record'),
	($$'licence', '0', NULL, 'r'$$, '22023', 'the log cannot be kept for 00:00:00'),
	($$'licence', NULL, '-1 day', 'r'$$, '22023', 'the log cannot be kept for -1 days'),
	($$'licence', NULL, '1 year -1 second', 'r'$$, '22023', 'the log cannot be kept for 1 year -00:00:01'),
	($$'licence', NULL, '300000 years', 'r'$$, '22008', NULL),
	($$'licence', '2 years', '2 years', 'r'$$, '22023', 'what expires after 2 years cannot be archived after 2 years'),
	($$'licence', '3 years', '2 years', 'r'$$, '22023', NULL)) AS c (arguments, code, message);
SELECT is_empty('TABLE athar.retention_rules', 'and nothing of it stays');
SELECT athar.set_retention('licence', '1 year', '2 years', 'rule 7'), athar.set_retention('visit', NULL, NULL, 'for ever'), athar.set_retention(NULL, '10 years', NULL, 'all others');
SELECT athar.set_retention('licence', NULL, '3 years', 'rule 8');
SELECT results_eq('TABLE athar.retention_rules',
	$$VALUES ('public.licence', NULL::interval, interval '3 years', 'rule 8'), ('public.visit', NULL, NULL, 'for ever'), (NULL, '10 years', NULL, 'all others')$$, 'a rule replaces the one before');
SELECT results_eq($$SELECT operation, new_values ->> 'reason' FROM athar.change_log WHERE relation = 'athar.retention_rule' ORDER BY entry_id$$,
	$$VALUES ('INSERT', 'rule 7'), ('INSERT', 'for ever'), ('INSERT', 'all others'), ('UPDATE', 'rule 8')$$, 'who said what, and when, is in the log');
ALTER TABLE visit RENAME TO journey;
SELECT results_eq($$SELECT relation FROM athar.retention_rules WHERE reason = 'for ever'$$, $$VALUES ('public.journey')$$, 'a rule follows its table');
SELECT ok(athar.drop_retention('licence'), 'taken away');
SELECT ok(NOT athar.drop_retention('licence'), 'and gone');
SELECT ok(NOT athar.drop_retention('untracked'), 'where there was none');
SELECT ok(athar.drop_retention(NULL), 'also the one for all others');
SELECT is((SELECT count(*) FROM athar.retention_rules), 1::bigint, 'and no other');
SELECT athar.drop_retention('journey');
ALTER TABLE journey RENAME TO visit;

-- By whom.
CREATE ROLE rule_manager;
CREATE ROLE rule_administrator;
CREATE ROLE rule_auditor;
SELECT athar.grant_access('rule_manager', 'manage'), athar.grant_access('rule_administrator', 'administer'), athar.grant_access('rule_auditor', 'audit');
SET LOCAL ROLE rule_manager;
SELECT throws_ok($$SELECT athar.set_retention('licence', NULL, '1 year', 'r')$$, '42501', NULL, 'it takes level administer');
SELECT throws_ok($$SELECT athar.retain_log(true, now(), 1000, 'r', 1)$$, '42501', NULL, 'nor may anybody do without a rule');
SELECT throws_ok('TABLE athar.retention_rules', '42501', NULL, 'nor read the rules');
SET LOCAL ROLE rule_administrator;
SELECT throws_ok($$SELECT athar.set_retention('licence', '1 year', NULL, 'r')$$, '42501', 'must be owner of table licence', 'and the table');
SELECT throws_ok($$SELECT athar.set_retention(NULL, '1 year', NULL, 'r')$$, '42501', 'must be owner of table log_entry', 'and the log');
SELECT throws_ok($$SELECT athar.drop_retention('licence')$$, '42501', 'must be owner of table licence', 'also to take it away');
SELECT throws_ok($$SELECT athar.retain_log(true, now(), 1000, 'r', 1)$$, '42501', NULL, 'an administrator has no way around a rule');
RESET ROLE;
ALTER TABLE licence OWNER TO rule_administrator;
SET LOCAL ROLE rule_administrator;
SELECT lives_ok($$SELECT athar.set_retention('licence', '1 year', NULL, 'mine')$$, 'of his own table he may');
SELECT results_eq('SELECT relation FROM athar.retention_rules', $$VALUES ('public.licence')$$, 'and reads it');
SELECT is(archived, 0::bigint, 'whoever applies it') FROM athar.apply_retention();
SELECT throws_ok($$UPDATE athar.retention_rule SET archive_after = '1 day'$$, '42501', NULL, 'nobody writes rules by hand');
SET LOCAL ROLE rule_auditor;
SELECT is((SELECT count(*) FROM athar.retention_rules), 1::bigint, 'an auditor reads them');
RESET ROLE;

-- Bounds of a call.
SELECT throws_ok(format('SELECT athar.apply_retention(%s)', coalesce(u.m, 'NULL')), '22023', 'one to a million entries may be taken at once', 'refused: at most ' || coalesce(u.m, 'NULL')) FROM unnest('{0,-1,1000001,NULL}'::text[]) AS u (m);
-- The job.
SELECT athar.schedule();
SELECT results_eq($$SELECT schedule FROM athar.jobs WHERE name IN ('remind', 'retention', 'seal')$$, ARRAY['0 4 * * *', '0 3 * * *', '*/10 * * * *'], 'reminders and retention are jobs');
SELECT * FROM finish();
ROLLBACK;
