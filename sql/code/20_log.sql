-- 20 log: who acts and why, tracking, reading the log

CREATE OR REPLACE FUNCTION athar.current_actor()
RETURNS text
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_current_actor';
COMMENT ON FUNCTION athar.current_actor() IS
'Who acts: the setting athar.actor if it is not blank, else the database role in force outside any SECURITY DEFINER function.';

CREATE OR REPLACE FUNCTION athar.set_context(actor text, reason text)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT set_config('athar.actor', coalesce(set_context.actor, ''), true);
	SELECT set_config('athar.reason', coalesce(set_context.reason, ''), true);
END;
COMMENT ON FUNCTION athar.set_context(text, text) IS
'Says for the rest of this transaction who acts (athar.actor) and why (athar.reason); NULL clears. The database role is recorded beside it in any case.';

CREATE OR REPLACE FUNCTION athar.is_restoring()
RETURNS boolean
LANGUAGE C STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'athar_is_restoring';
COMMENT ON FUNCTION athar.is_restoring() IS
'Whether this session restores a dump: it has the settings every script of pg_dump begins with, and its session user, the role in force and the user whose rights apply may all insert into the log anyway. Triggers of this extension''s tables ask it on INSERT.';

CREATE OR REPLACE FUNCTION athar.key_hash(row_key jsonb)
RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_key_hash';
COMMENT ON FUNCTION athar.key_hash(jsonb) IS
'The hash by which the log finds a row, from the key''s text in UTF-8, written as jsonb writes it but without blanks and without zeros at the end of a fraction: FNV-1a (32 bits, offset 2166136261, prime 16777619) over the text without its last run of the digits 0 to 9, plus that run as a number; modulo 2^32, as a signed integer. Keys that follow one another have hashes that do, which keeps the index on them fast. The same on every server, release and architecture; version 1, and stored, so it never changes.';

CREATE OR REPLACE VIEW athar.change_log
WITH (security_invoker = true)
AS
SELECT
	e.id AS entry_id,
	t.at,
	e.transaction_id,
	n.relation,
	CASE e.operation
		WHEN 'I' THEN 'INSERT'
		WHEN 'U' THEN 'UPDATE'
		WHEN 'D' THEN 'DELETE'
		WHEN 'T' THEN 'TRUNCATE'
		WHEN 'S' THEN 'DDL'
	END AS operation,
	e.row_key,
	e.old_values,
	e.new_values,
	t.session_user_name,
	t.current_user_name,
	t.actor,
	t.reason,
	t.application_name,
	t.client_address,
	e.key_hash,
	e.table_id
FROM athar.log_entry AS e
JOIN athar.log_transaction AS t ON t.id = e.transaction_id
JOIN athar.tracked_table AS n ON n.id = e.table_id;
COMMENT ON VIEW athar.change_log IS
'Every change of every tracked table: who, when, what, why. Filters on table_id (see table_ids()), at, actor, transaction_id, entry_id, and on row_key together with key_hash find entries by index; a filter on relation does where the server expects few entries. For the history of one row use row_history(). Ordered by nothing: use entry_id, which ascends within a row''s history';
COMMENT ON COLUMN athar.change_log.entry_id IS 'Number of the entry; ascending within one row''s history';
COMMENT ON COLUMN athar.change_log.at IS 'When the transaction began';
COMMENT ON COLUMN athar.change_log.transaction_id IS 'Who, when and why: the same number for the changes of one transaction, and a further one whenever the role, the actor or the reason changes in it';
COMMENT ON COLUMN athar.change_log.relation IS 'schema.table as it was named at the time, with quotes where the name needs them';
COMMENT ON COLUMN athar.change_log.operation IS 'INSERT, UPDATE, DELETE, TRUNCATE or DDL (a change of the table''s definition)';
COMMENT ON COLUMN athar.change_log.row_key IS 'The row''s key before the change; the whole row where the table has no key; {} for a change of the table''s definition';
COMMENT ON COLUMN athar.change_log.old_values IS 'Values before: of the changed columns for an UPDATE, of all for a DELETE or TRUNCATE; NULL for an INSERT, but for that of a row that moved from another partition (logged as DELETE and INSERT): the key it had there. Finite numbers, booleans and json(b) are JSON, everything else is its output text in ISO dates and UTC; NaN and infinities are strings. Of a DDL entry with the row_key {}: what changed of the table''s definition, before. Its members, where they differ: relation (its name), owner, columns (name: type; added, dropped, renamed or retyped ones), key (names; none where the whole row is the key), triggers (of the capture, name: always, origin, replica or disabled; no member where there is none), partitions (detached or dropped ones). Of a DDL entry with a row''s key: the value of a column that was dropped';
COMMENT ON COLUMN athar.change_log.new_values IS 'Values after: of the changed columns for an UPDATE, of all for an INSERT (NULL where the table logs the key alone); NULL for a DELETE or TRUNCATE. Of a DDL entry: the same members as in old_values, after (partitions: attached or created ones; excluded, masked, require_reason, inserted_values where track() was called again; accepted: the reason given to accept_state()), and renamed (old name: new name), and command, the tag of the command such as ALTER TABLE, or track, untrack or accept_state for a call of these; without command, the change was noticed by a later write. NULL where the value of a dropped column is logged';
COMMENT ON COLUMN athar.change_log.session_user_name IS 'The role that logged in';
COMMENT ON COLUMN athar.change_log.current_user_name IS 'The role in force, after SET ROLE, outside any SECURITY DEFINER function';
COMMENT ON COLUMN athar.change_log.actor IS 'The person the application named; NULL where it named nobody';
COMMENT ON COLUMN athar.change_log.reason IS 'Why; NULL where no reason was given';
COMMENT ON COLUMN athar.change_log.application_name IS 'application_name of the session';
COMMENT ON COLUMN athar.change_log.client_address IS 'Address of the client; NULL over a local socket and in background workers';
COMMENT ON COLUMN athar.change_log.key_hash IS 'The hash of row_key, by which an index finds it: WHERE relation = ... AND row_key = k AND key_hash = athar.key_hash(k)';
COMMENT ON COLUMN athar.change_log.table_id IS 'The version of the table''s definition: references tracked_table(id). WHERE table_id = ANY (athar.table_ids(''public.licence'')) finds a table''s entries by index, under all names it has had';

CREATE OR REPLACE FUNCTION athar.table_ids(relation regclass)
RETURNS integer[]
LANGUAGE C STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_table_ids';
COMMENT ON FUNCTION athar.table_ids(regclass) IS
'The numbers under which the entries of a table were logged, under all names and definitions it has had: for change_log.table_id. The server knows them when it plans, so it knows how many entries to expect, which it does not of a name. NULL for NULL, and for a table that was never tracked.';

CREATE OR REPLACE FUNCTION athar.track(
	relation regclass, exclude text[] DEFAULT '{}', require_reason boolean DEFAULT false, inserted_values boolean DEFAULT true,
	mask text[] DEFAULT '{}')
RETURNS integer
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_track';
COMMENT ON FUNCTION athar.track(regclass, text[], boolean, boolean, text[]) IS
'Puts a table into the change log from now on, and makes a mark. relation: the table; a partitioned one with all its partitions, an ordinary one with all tables that inherit from it, each under a number of its own (one that is tracked already stays as it is). exclude: columns that never reach the log, by name without quotes. require_reason: refuse writes without athar.reason (AT001). inserted_values: false logs the key alone of an inserted row, at half the cost; every state can still be rebuilt. mask: columns of which the log tells that they changed, but not their values: "***" stands for each, NULL included.
Returns tracked_table.id. A table that was tracked before goes on with its history; one that only has the name of a table that was dropped does so for the same owner or a superuser. A row is known by the primary key, else the replica identity index, else (or where that is deferrable) by all its columns. The caller must own the table; the table is locked against writes until the transaction ends, and read once to write down what it holds (tracking_check): some 5 seconds per million rows of 500 bytes, shown in pg_stat_activity. NULL counts as the default.
The triggers are named "#athar_capture" and "~athar_capture_truncate", so that they fire before and after all others. Captured also under session_replication_role = replica. Partitions that come later are captured like those that are there. Changes of the table''s definition are entries, too. Not seen: writes with triggers disabled, and the rows of partitions that are attached, detached or dropped.
Errors: 42809 for a view, materialized view, foreign table, temporary table, system catalog, a table of athar, a partition of a tracked table; 42710 where it, or a partition of it, is tracked already; 42703 for an unknown column, 22023 for a key column in exclude or mask, and for a column in both; 22023 without a table; 42501 for another''s table.';

CREATE OR REPLACE FUNCTION athar.untrack(relation regclass)
RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_untrack';
COMMENT ON FUNCTION athar.untrack(regclass) IS
'Ends the tracking of a table, and of the tables that are tracked because they inherit from it and from no other tracked one; its history stays readable, and track() continues it. The caller must own the tables; they are locked until the transaction ends. 55000 if it is not tracked, 42809 for a table of athar and for one that inherits from a tracked table, 22023 without a table, 42501 for another''s table.';

CREATE OR REPLACE FUNCTION athar.unchanged_updates(OUT relation regclass, OUT in_transaction bigint, OUT in_session bigint)
RETURNS SETOF record
LANGUAGE C STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'athar_unchanged_updates';
COMMENT ON FUNCTION athar.unchanged_updates() IS
'How many updates of tracked rows changed nothing the log would hold; they are counted, not logged. One row per tracked table (of a partition, the partitioned one) that had any in this session. in_transaction: in the current transaction; in_session: since the session began, also where it was rolled back, as in pg_stat_user_tables. The counts live in memory: those of other sessions are not seen, and nothing is left when this one ends.';

CREATE OR REPLACE FUNCTION athar.create_mark(name text)
RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_create_mark';
COMMENT ON FUNCTION athar.create_mark(text) IS
'Makes a mark of this moment, to which as_of() can return: what is committed now, and what this transaction has done so far. Returns mark.id. Marks are made one at a time: the next waits until this transaction ends. 22023 without a name.';

CREATE OR REPLACE FUNCTION athar.as_of_mark(at timestamptz, OUT id bigint, OUT name text, OUT at timestamptz)
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_as_of_mark';
COMMENT ON FUNCTION athar.as_of_mark(timestamptz) IS
'The mark by which as_of() answers for this time: the newest at or before it; beyond the newest mark, one made now for that time, without the transactions that began after it. id is NULL where none can be stored (read-only transaction, standby). NULL for NULL. 22023 for a time in the future or before the first mark; 40001 in a transaction with one snapshot, where another session made a mark since.';

CREATE OR REPLACE FUNCTION athar.as_of(relation anyelement, at timestamptz)
RETURNS SETOF anyelement
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_as_of';
COMMENT ON FUNCTION athar.as_of(anyelement, timestamptz) IS
'The rows of a tracked table as they were: SELECT * FROM athar.as_of(NULL::public.licence, ''2026-01-01''). Decided by the mark that as_of_mark(at) tells, so an answer once given never changes: transactions that commit later are not in it, whenever they began. Asked beyond the newest mark, an answer also holds what had begun by that time and was committed between then and the question; make marks where a moment matters. In today''s columns: one added since has the live row''s value, or NULL for a row deleted since; likewise excluded and masked columns. A renamed column has its values under today''s name, a retyped one as values of today''s type (NULL, with one warning per column, where that cannot be); what was logged of a dropped column is left out, also where another has its name now. A table without a key is rebuilt row by row: duplicates are counted. As in a query, rows of tables that inherit from it are among its rows: of those it has today, each from its own entries.
The caller needs SELECT on the table, and on those that inherit from it. Under row security he gets the older state of the rows that he may see now, and none that are gone.
Errors: 42809 for what is no table''s row type; 55000 if the table is not tracked; 22023 for a time in the future, before the first mark or before the table was tracked; AT009 where what came since was archived or expired, of this table or one that inherits from it; 40001 in a transaction with one snapshot, where another session made a mark since; 0A000 where rows were known by other columns than today''s key; XX001 where the log holds an entry that was forged; 42501.';

CREATE OR REPLACE FUNCTION athar.check_tracking(relation regclass, OUT relation_oid regclass, OUT lineage integer, OUT is_complete boolean, OUT problems text[], OUT tracked_at timestamptz, OUT complete_since timestamptz, OUT baseline_at timestamptz, OUT checked_at timestamptz, OUT row_count bigint, OUT entry_count bigint)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_check_tracking';
COMMENT ON FUNCTION athar.check_tracking(regclass) IS
'The part of tracking_status() that reads a table and its log, one row per table; all tracked tables for NULL. Use tracking_status().';

CREATE OR REPLACE FUNCTION athar.capture_problems(relation regclass, lineage integer)
RETURNS SETOF text
LANGUAGE SQL STABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	-- Rows are captured where they are stored; the table at the top is looked at
	-- because partitions made later copy its triggers.
	WITH part AS (
		SELECT capture_problems.relation AS oid
		UNION
		SELECT t.relid
		FROM pg_partition_tree(capture_problems.relation) AS t
		JOIN pg_class AS c ON c.oid = t.relid
		WHERE c.relkind <> 'p'
	), capture AS (
		SELECT g.tgrelid, g.tgenabled, g.tgtype::integer AS type,
			capture_problems.lineage >= 1000 AND (g.tgqual IS NOT NULL OR g.tgattr::text <> '') AS is_limited
		FROM pg_trigger AS g
		WHERE g.tgfoid = 'athar.capture_change()'::regprocedure
			AND split_part(encode(g.tgargs, 'escape'), '\000', 1) = capture_problems.lineage::text
	)
	SELECT format(f.problem, string_agg(f.event, ', ' ORDER BY f.ordinal), f.name)
	FROM (
		SELECT e.ordinal, e.event, format('%I.%I', n.nspname, c.relname) AS name,
			CASE
				WHEN t.tgenabled IS NULL THEN 'there is no trigger for %s on %s'
				WHEN t.tgenabled = 'D' THEN 'the trigger for %s on %s is disabled'
				WHEN t.is_limited THEN 'the trigger for %s on %s has a condition or is for some columns'
				ELSE 'the trigger for %s on %s does not fire in every session_replication_role (it should be ENABLE ALWAYS)'
			END AS problem
		FROM part AS p
		JOIN pg_class AS c ON c.oid = p.oid
		JOIN pg_namespace AS n ON n.oid = c.relnamespace
		CROSS JOIN (VALUES (1, 4, 1, 'INSERT'), (2, 16, 1, 'UPDATE'), (3, 8, 1, 'DELETE'), (4, 32, 0, 'TRUNCATE')) AS e (ordinal, bit, for_rows, event)
		LEFT JOIN LATERAL (
			SELECT a.tgenabled, a.is_limited
			FROM capture AS a
			WHERE a.tgrelid = p.oid
				AND a.type & e.bit <> 0
				AND a.type & 1 = e.for_rows
			ORDER BY (a.tgenabled = 'A' AND NOT a.is_limited) DESC
			LIMIT 1) AS t ON true
		WHERE coalesce(t.tgenabled <> 'A' OR t.is_limited, true)) AS f
	GROUP BY f.name, f.problem
	ORDER BY f.name, f.problem;
END;
COMMENT ON FUNCTION athar.capture_problems(regclass, integer) IS
'What is wrong with the triggers of a tracked table and of its partitions, one sentence each; nothing where all changes are captured. lineage: tracked_table.lineage of the table. No row for NULL.';

CREATE OR REPLACE FUNCTION athar.tracking_status(relation regclass DEFAULT NULL)
RETURNS TABLE (relation text, is_capturing boolean, is_complete boolean, problems text, tracked_at timestamptz, complete_since timestamptz, baseline_at timestamptz, checked_at timestamptz, row_count bigint, entry_count bigint)
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT
		format('%I.%I', n.nspname, c.relname),
		p.problems IS NULL,
		k.is_complete,
		array_to_string(p.problems || k.problems, E'\n'),
		k.tracked_at,
		k.complete_since,
		k.baseline_at,
		k.checked_at,
		k.row_count,
		k.entry_count
	FROM athar.check_tracking(tracking_status.relation) AS k
	JOIN pg_class AS c ON c.oid = k.relation_oid
	JOIN pg_namespace AS n ON n.oid = c.relnamespace
	CROSS JOIN LATERAL (SELECT array_agg(p.problem) AS problems FROM athar.capture_problems(k.relation_oid, k.lineage) AS p (problem)) AS p;
END;
COMMENT ON FUNCTION athar.tracking_status(regclass) IS
'Whether the change log of a tracked table, or of every one, is complete: it replays the log back from the rows that are there now to the newest state that was written down (see tracking_check), and compares. So it finds what was written while a trigger was disabled, also long after. One row per table.
relation: the table; NULL for all. is_capturing: every change is captured now: the triggers are there and enabled ALWAYS, on every partition, too. is_complete: true where the log leads exactly to that state, and each entry fits the one before it; false where it does not; NULL where it could not be told. problems: sentences, one a line: which trigger is missing, which rows are not as the log says (the keys of the first five, to those who may read the log or all rows of the table), why it could not be told; NULL without. tracked_at: when tracking began. complete_since: from when on an unbroken chain of such checks proves the log complete; NULL unless is_complete. baseline_at: the state compared with. row_count: rows now. entry_count: entries replayed. Both are NULL where the table or its log could not be read to the end.
Where nothing is wrong the state now is written down in its turn, unless there was nothing new, so that the next check replays what came since. Where something is, nothing is written and the next check finds the same; see accept_state(). After a column was dropped or redefined, or the key was, the rows of then cannot be compared: is_complete is NULL once, and the next check begins there; a new name or a new column makes no difference.
Reads each table once, whatever its row security, under one snapshot: transactions that are still open make no difference. Writers are not held up. The time is about four to five times that of a scan with to_jsonb(row)::text, and that of as_of() for the entries. Shows only what differs in the end: what was changed unseen and changed back is not found.
Errors: 55000 if the table is not tracked; 42501.';

CREATE OR REPLACE FUNCTION athar.accept_state(relation regclass, reason text)
RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_accept_state';
COMMENT ON FUNCTION athar.accept_state(regclass, text) IS
'Takes the present rows of a tracked table for right, although tracking_status() says that the log cannot account for them: later checks compare with this state. Who did it and why is kept in tracking_check, and is an entry of the log (operation DDL). What the log has is not changed. The caller must own the table, or the log. 22023 without a table or a reason, 55000 if the table is not tracked, 42501.';

CREATE OR REPLACE FUNCTION athar.row_history(relation regclass, row_key jsonb)
RETURNS SETOF athar.change_log
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_row_history';
COMMENT ON FUNCTION athar.row_history(regclass, jsonb) IS
'Every change of the rows that have, or ever had, this key, in order, in the columns of change_log; a row whose key was changed is followed to its other keys. relation: the table as it is named now, also after tracking ended; of a partition, name the partitioned table. row_key: an object of the key''s columns, such as {"id": 7}; of all columns where the table has no key (such histories take the time of a scan).
The caller needs SELECT on the table. Under row security the history is empty unless a row with this key is visible to him now, and is of that row alone, not of earlier ones that had its key. Errors: 22023 without a table or a key, or where the key''s columns are not the table''s; 55000 if the table was never tracked; 42501.';

CREATE OR REPLACE FUNCTION athar.field_history(
	relation regclass, row_key jsonb, field text,
	OUT entry_id bigint, OUT at timestamptz, OUT transaction_id bigint, OUT operation text, OUT old_value jsonb, OUT new_value jsonb,
	OUT session_user_name text, OUT current_user_name text, OUT actor text, OUT reason text)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_field_history';
COMMENT ON FUNCTION athar.field_history(regclass, jsonb, text) IS
'Every change of one column of the rows that have, or ever had, this key, in order. relation and row_key as for row_history(), field the column by its present name, without quotes; what was logged under its former names, or as another type, is shown as it would be logged today. old_value is NULL for an INSERT (of a row that moved from another partition: the part of its former key), new_value for a DELETE or TRUNCATE; a value that was NULL is the JSON null. The INSERT of a table that logs the key alone is shown for columns of the key only. What was logged while the column was masked is "***".
Rights and errors as those of row_history(); 42703 for an unknown column, 22023 for one that is excluded from the log.';
