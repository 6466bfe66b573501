-- 22 undo: going back, by writing what was there before

CREATE OR REPLACE FUNCTION athar.undo_transaction(
	transaction_id bigint, reason text, dry_run boolean DEFAULT false,
	OUT entry_id bigint, OUT relation text, OUT operation text, OUT row_key jsonb, OUT old_values jsonb, OUT new_values jsonb)
RETURNS SETOF record
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_undo_transaction';
COMMENT ON FUNCTION athar.undo_transaction(bigint, text, boolean) IS
'Undoes the whole database transaction that this transaction_id of change_log belongs to: inserted rows are deleted, deleted and truncated ones inserted, changed ones get their former values in the columns that were changed. Returns its writes in the order done: entry_id is the newest entry of the row that is undone, relation as it is named now, operation that of the write itself, row_key the key before it. With dry_run it writes nothing, and returns or refuses the same, except what triggers and other constraints of the tables would refuse.
The undo is logged with the given reason, and can be undone. It has the rights of the caller alone: he needs SELECT and UPDATE on each table, and INSERT and DELETE where rows come back or go. Triggers of the tables fire as for any write, and what they do besides stands.
Refused (AT008, all problems in DETAIL) where later changes stand on it: a row was changed since in the same columns, deleted, or changed without the log''s knowledge; a row that would go is referred to by one that would stay; a unique value or a key is taken; a row referred to is gone. Other errors: AT001 without a reason; 42704 for a transaction that the log does not have; AT009 where a part of it was archived or expired; 22023 without one; 0A000 where it changed a table of athar, the definition of a table, or columns or a key that the table does not have now; 55000 for the present transaction, and where a table is gone or not tracked any more; XX001 where the log holds a forged entry of it, or a later one of its rows; 42501 also where row security applies to the caller; 40001 if another session was first.';
