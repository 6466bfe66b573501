-- replay: states of the past where triggers change rows of the same table, so
-- that changes are logged in another order than they were made
BEGIN;
SELECT plan(4);

CREATE SCHEMA app;
CREATE TABLE app.node (id integer PRIMARY KEY, parent integer, v integer, w text DEFAULT 'w0');
CREATE FUNCTION app.sum_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_OP <> 'DELETE' AND new.v = 66 THEN
		DELETE FROM app.node WHERE id = new.parent;
	ELSIF TG_OP <> 'DELETE' AND new.v = 77 THEN
		UPDATE app.node SET id = id + 100, w = 'moved' WHERE id = new.parent;
	ELSIF TG_OP <> 'DELETE' THEN
		UPDATE app.node SET v = v + 10, w = w || '+' WHERE id = new.parent;
	END IF;
	RETURN NULL;
END
$$;
-- Fires after the capture of the same row, and before that of the next.
CREATE TRIGGER sum_up AFTER INSERT OR UPDATE ON app.node FOR EACH ROW EXECUTE FUNCTION app.sum_up();
SELECT athar.track('app.node', inserted_values => false) > 0 AS tracked;
INSERT INTO app.node VALUES (9, NULL, 0), (8, 9, 0), (1, 8, 0), (2, 8, 0), (7, NULL, 0), (3, 7, 0);

CREATE TEMP TABLE before AS SELECT 1 AS step, node.* FROM app.node;
SELECT athar.create_mark('step 1') > 0 AS marked;
UPDATE app.node SET v = v + 1;
SELECT isnt((SELECT min(entry_id) FILTER (WHERE (row_key ->> 'id')::integer = 9 AND operation = 'UPDATE' AND old_values ->> 'v' = '0'
			AND entry_id > (SELECT last_entry_id FROM athar.mark WHERE name = 'step 1')) FROM athar.change_log),
	(SELECT min(entry_id) FILTER (WHERE (row_key ->> 'id')::integer = 9 AND operation = 'UPDATE'
			AND entry_id > (SELECT last_entry_id FROM athar.mark WHERE name = 'step 1')) FROM athar.change_log),
	'what a trigger does to a later row of the statement is logged first');

INSERT INTO before SELECT 2, node.* FROM app.node;
SELECT athar.create_mark('step 2') > 0 AS marked;
-- The statement changes the row, the trigger removes it; and one with its key.
UPDATE app.node SET v = CASE WHEN id = 1 THEN 66 ELSE 5 END WHERE id IN (1, 8);
UPDATE app.node SET v = CASE WHEN id = 3 THEN 77 ELSE 6 END WHERE id IN (3, 7);
SELECT is((SELECT string_agg(id::text, ' ' ORDER BY id) FROM app.node), '1 2 3 9 107', 'a row was removed, a key changed');

SELECT set_eq($$SELECT * FROM athar.as_of(NULL::app.node, (SELECT at FROM athar.mark WHERE name = 'step 1'))$$,
	'SELECT id, parent, v, w FROM before WHERE step = 1', 'values before a statement whose trigger changed its rows again');
SELECT set_eq($$SELECT * FROM athar.as_of(NULL::app.node, (SELECT at FROM athar.mark WHERE name = 'step 2'))$$,
	'SELECT id, parent, v, w FROM before WHERE step = 2', 'rows that such a trigger removed or gave another key');

SELECT * FROM finish();
ROLLBACK;
