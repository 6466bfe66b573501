-- reference: rows referred to exist and stay; trees have no loops; what a dump carries
BEGIN;
SELECT plan(38);

-- The list is complete: every column whose comment promises it, and no other.
SELECT set_eq(
	$$SELECT c.relname::text, a.attname::text, substring(d.description FROM 'references (\w+)\(id\), checked by trigger')
	FROM pg_description AS d
	JOIN pg_class AS c ON c.oid = d.objoid AND d.classoid = 'pg_class'::regclass
	JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.objsubid
	WHERE c.relnamespace = 'athar'::regnamespace AND d.description ~ 'references \w+\(id\), checked by trigger'$$,
	'SELECT child, child_column, parent FROM athar.reference',
	'what a column''s comment promises is declared, and what is declared is promised');
SELECT set_eq(
	$$SELECT child FROM athar.reference WHERE child_column LIKE 'parent%' AND parent = child$$,
	$$SELECT child FROM athar.reference WHERE is_tree$$,
	'a table that refers to itself by parent_id is a tree');
SELECT set_eq(
	$$SELECT DISTINCT c.relname::text FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid WHERE g.tgname = 'check_references'$$,
	'SELECT child FROM athar.reference', 'each child has its trigger');
SELECT set_eq(
	$$SELECT c.relname::text FROM pg_trigger AS g JOIN pg_class AS c ON c.oid = g.tgrelid WHERE g.tgname IN ('keep_referenced', 'keep_referenced_truncate') GROUP BY 1 HAVING count(*) = 2$$,
	'SELECT parent FROM athar.reference', 'each parent has both of its');
SELECT is_empty(
	$$SELECT r.child, r.child_column FROM athar.reference AS r
	JOIN pg_attribute AS a ON a.attrelid = format('athar.%I', r.child)::regclass AND a.attname = r.child_column
	JOIN pg_attribute AS p ON p.attrelid = format('athar.%I', r.parent)::regclass AND p.attname = 'id'
	WHERE a.atttypid <> 'integer'::regtype OR p.atttypid <> 'integer'::regtype$$, 'both sides are integers');
SELECT is_empty(
	$$SELECT r.parent FROM athar.reference AS r WHERE NOT EXISTS (
		SELECT FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
		WHERE i.indrelid = format('athar.%I', r.parent)::regclass AND i.indisunique AND i.indnkeyatts = 1 AND a.attname = 'id')$$, 'a parent''s id is unique');
SELECT is_empty(
	$$SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'f' AND connamespace = 'athar'::regnamespace$$, 'there is no FOREIGN KEY');

-- What a dump carries: every table and sequence with data, but for what the script writes itself.
SELECT set_eq(
	$$SELECT unnest(extconfig)::regclass::text FROM pg_extension WHERE extname = 'athar'$$,
	$$SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relnamespace = 'athar'::regnamespace AND c.relkind IN ('r', 'S') AND c.relname <> 'reference'$$,
	'every table and sequence that holds data is dumped');
SELECT set_eq(
	$$SELECT o.relation::text, o.condition FROM pg_extension, unnest(extconfig::regclass[], extcondition) AS o (relation, condition) WHERE extname = 'athar' AND o.condition <> ''$$,
	$$VALUES ('athar.tracked_table', 'WHERE id >= 1000'), ('athar.tracked_column', 'WHERE table_id >= 1000'), ('athar.preset_kpi', 'WHERE NOT is_builtin')$$, 'rows of the install script are left out');
SELECT is_empty(
	$$SELECT t.relation FROM athar.tracked_table AS t WHERE t.id < 500 AND NOT EXISTS (
		SELECT FROM pg_trigger AS g WHERE g.tgrelid = t.relation::regclass AND g.tgfoid = 'athar.capture_change()'::regprocedure AND encode(g.tgargs, 'escape') = t.lineage || '\000')$$,
	'our tables in the log have their triggers');
SELECT is((SELECT count(*) FROM athar.tracked_table WHERE id < 500), (SELECT count(*) FROM athar.tracked_table WHERE id BETWEEN 501 AND 999 AND rekey_of = id - 500), 'and a number for changed keys each');

-- Children.
INSERT INTO athar.unit (code, name) VALUES ('ref a', 'A'), ('ref b', 'B');
SELECT athar.unit_id('ref a') AS a, athar.unit_id('ref b') AS b \gset
INSERT INTO athar.service (code, name, unit_id) VALUES ('ref s', 'S', :a);
SELECT athar.service_id('ref s') AS s \gset
SELECT throws_ok($$INSERT INTO athar.service (code, name, unit_id) VALUES ('ref t', 'T', -1)$$, '23503',
	'insert or update on table "service" violates the reference of column "unit_id"', 'an insert that refers to nothing');
SELECT throws_ok(format($$UPDATE athar.service SET unit_id = -1 WHERE id = %s$$, :s), '23503', NULL, 'an update');
SELECT throws_ok($$INSERT INTO athar.unit (code, name, parent_id) VALUES ('ref c', 'C', -1)$$, '23503', NULL, 'a tree');
SELECT lives_ok(format($$UPDATE athar.service SET unit_id = unit_id, name = 'S2' WHERE id = %s$$, :s), 'an update that changes no reference');
SELECT lives_ok(format($$UPDATE athar.service SET parent_id = NULL, unit_id = %s WHERE id = %s$$, :b, :s), 'to another row, to none');
SELECT throws_ok(
	$$INSERT INTO athar.stage (service_id, code, name, ordinal) VALUES (-7, 'x', 'X', 1)$$, '23503', NULL, 'each reference of each table');
CREATE FUNCTION pg_temp.diagnose(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	a text; b text; c text; d text; e text;
BEGIN
	EXECUTE command;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS a = SCHEMA_NAME, b = TABLE_NAME, c = COLUMN_NAME, d = PG_EXCEPTION_DETAIL, e = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', a, b, nullif(c, ''), d, e);
END
$$;
SELECT is(pg_temp.diagnose($$INSERT INTO athar.service (code, name, unit_id) VALUES ('ref t', 'T', -1)$$),
	'athar | service | unit_id | Key (unit_id)=(-1) is not present in table "unit". | Write the row of "unit" first, or refer to one that is there.',
	'the error names table and column, and says what to do');

-- Parents.
SELECT throws_ok(format($$DELETE FROM athar.unit WHERE id = %s$$, :b), '23503',
	'update or delete on table "unit" violates the reference of column "unit_id" of table "service"', 'a row that is referred to stays');
SELECT is(pg_temp.diagnose(format($$DELETE FROM athar.unit WHERE id = %s$$, :b)),
	format('athar | unit | Key (id)=(%s) with code "ref b" is still referenced from table "service". | Remove or redirect what refers to it first.', :b), 'the error names the row by its code');
SELECT throws_ok(format($$UPDATE athar.unit SET id = DEFAULT WHERE id = %s$$, :b), '23503', NULL, 'with its id');
SELECT lives_ok(format($$UPDATE athar.unit SET name = 'B2' WHERE id = %s$$, :b), 'its other columns may change');
SELECT lives_ok(format($$DELETE FROM athar.unit WHERE id = %s$$, :a), 'one that nothing refers to may go');
SELECT throws_ok($$TRUNCATE athar.unit$$, '23503', NULL, 'a table that is referred to is not truncated');
SELECT lives_ok($$WITH s AS (DELETE FROM athar.service WHERE code = 'ref s') DELETE FROM athar.unit WHERE code = 'ref b'$$, 'both at once may go');

-- A parent that was found once and went later, in one transaction.
INSERT INTO athar.unit (code, name) VALUES ('ref d', 'D');
SELECT athar.unit_id('ref d') AS d \gset
INSERT INTO athar.service (code, name, unit_id) VALUES ('ref u', 'U', :d);
DELETE FROM athar.service WHERE code = 'ref u';
DELETE FROM athar.unit WHERE id = :d;
SELECT throws_ok(format($$INSERT INTO athar.service (code, name, unit_id) VALUES ('ref u', 'U', %s)$$, :d), '23503', NULL, 'a parent that was deleted is not remembered');
SAVEPOINT s;
INSERT INTO athar.unit (code, name) VALUES ('ref e', 'E');
SELECT athar.unit_id('ref e') AS e \gset
INSERT INTO athar.service (code, name, unit_id) VALUES ('ref u', 'U', :e);
ROLLBACK TO SAVEPOINT s;
SELECT throws_ok(format($$INSERT INTO athar.service (code, name, unit_id) VALUES ('ref u', 'U', %s)$$, :e), '23503', NULL, 'nor one that was rolled back');

-- Trees.
INSERT INTO athar.unit (code, name) VALUES ('ref 1', '1');
INSERT INTO athar.unit (code, name, parent_id) SELECT 'ref 2', '2', athar.unit_id('ref 1');
INSERT INTO athar.unit (code, name, parent_id) SELECT 'ref 3', '3', athar.unit_id('ref 2');
SELECT throws_ok($$UPDATE athar.unit SET parent_id = athar.unit_id('ref 3') WHERE code = 'ref 1'$$, 'AT006',
	'column "parent_id" of table "unit" would make a loop', 'a loop of three');
SELECT throws_ok($$UPDATE athar.unit SET parent_id = id WHERE code = 'ref 2'$$, 'AT006', NULL, 'of one');
SELECT lives_ok($$UPDATE athar.unit SET parent_id = athar.unit_id('ref 1') WHERE code = 'ref 3'$$, 'another place in the tree');
SELECT throws_ok($$INSERT INTO athar.unit (id, code, name, parent_id) OVERRIDING SYSTEM VALUE VALUES (-1, 'ref 4', '4', -2), (-2, 'ref 5', '5', -1)$$, 'AT006', NULL, 'two new rows above each other');
SELECT throws_ok($$UPDATE athar.unit SET parent_id = CASE code WHEN 'ref 2' THEN athar.unit_id('ref 3') WHEN 'ref 3' THEN athar.unit_id('ref 2') END WHERE code IN ('ref 2', 'ref 3')$$,
	'AT006', NULL, 'two rows put above each other in one statement');
SELECT lives_ok($$UPDATE athar.unit SET parent_id = CASE code WHEN 'ref 1' THEN athar.unit_id('ref 2') END WHERE code IN ('ref 1', 'ref 2')$$, 'two rows that change places');

-- Rights: whoever may write the child needs none on the parent.
CREATE ROLE reference_clerk;
GRANT USAGE ON SCHEMA athar TO reference_clerk;
GRANT INSERT ON athar.channel, athar.offering, athar.stage TO reference_clerk;
SET LOCAL ROLE reference_clerk;
SELECT throws_ok($$INSERT INTO athar.stage (service_id, code, name, ordinal) VALUES (-1, 'x', 'X', 1)$$, '23503', NULL, 'the check reads with the owner''s rights');
RESET ROLE;
SELECT is(current_user::text, session_user::text, 'and gives them back');

-- A restore loads tables in any order.
SET LOCAL row_security = off;
SET LOCAL check_function_bodies = off;
SET LOCAL xmloption = content;
SELECT set_config('search_path', '', true);
INSERT INTO athar.service (code, name, unit_id, parent_id) VALUES ('ref v', 'V', -1, -2);
SELECT set_config('search_path', 'public', true);
SELECT isnt_empty($$SELECT FROM athar.service WHERE code = 'ref v'$$, 'silent while a dump is restored');
SELECT throws_ok($$UPDATE athar.service SET unit_id = -3 WHERE code = 'ref v'$$, '23503', NULL, 'and only on insert');
SELECT throws_ok($$SELECT athar.check_references()$$, '39P01', NULL, 'a call without a trigger');

SELECT * FROM finish();
ROLLBACK;
