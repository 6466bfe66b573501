-- 27 retention: archiving and expiring what the log holds

CREATE OR REPLACE FUNCTION athar.archive_log(
	before timestamptz, relation regclass DEFAULT NULL, reason text DEFAULT NULL, most integer DEFAULT 100000)
RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_archive_log';
COMMENT ON FUNCTION athar.archive_log(timestamptz, regclass, text, integer) IS
'Moves sealed entries out of the log into log_archive, where they take a fraction of the room, can be read (archived_changes, log_leaf) and are checked by verify_log() as before. before: entries of transactions that the newest mark up to that time sees, so that all of them began before it. relation: of that table alone, under all its names; NULL: of every table, those of athar included, except log_retention. reason: why, unless athar.reason says it. most: entries that one call may take, up to a million.
Returns how many were moved: call it, each time in a transaction of its own, until it returns 0. What is not sealed yet stays, and so does, of a table that is tracked, what came since the newest check by tracking_status(): call that first. as_of() cannot go back behind that mark any more, row_history() and change_log show what is left, and a transaction of which a part is gone cannot be undone. Each call is a row of log_retention.
AT001 without a reason; XX001, and nothing is moved, where an entry (for expire_log, an archived one too) is not what was sealed; 55000 for a table that was never tracked; 22023 without a time, for most out of range, for log_retention.';

CREATE OR REPLACE FUNCTION athar.expire_log(
	before timestamptz, relation regclass DEFAULT NULL, reason text DEFAULT NULL, most integer DEFAULT 100000)
RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_expire_log';
COMMENT ON FUNCTION athar.expire_log(timestamptz, regclass, text, integer) IS
'Deletes sealed entries for good, from the log and, where their transactions began before that time, from log_archive; and who, when and why of transactions of which nothing is left. Arguments, what stays, and errors as in archive_log(); the caller must own the table, or for every table (or one that is not his) the log (42501). The hashes stay, so that proofs of all other entries hold, and tell nothing: the random nonce of an entry goes with it. verify_log() counts what is missing by such an act as expired, by any other way as missing. Of log_archive whole rows go, or what of them is before that time: so one call may take up to 255 entries more than most. The bytes leave the disk with the next VACUUM, and backups when those are deleted. Returns how many were deleted: call it, each time in a transaction of its own, until it returns 0.';

CREATE OR REPLACE FUNCTION athar.retain_log(
	is_expiry boolean, before timestamptz, lineage integer, reason text, most integer,
	OUT taken bigint, OUT is_more boolean, OUT is_unchecked boolean)
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_retain_log';
COMMENT ON FUNCTION athar.retain_log(boolean, timestamptz, integer, text, integer) IS
'archive_log(), or where is_expiry expire_log(), of the table with that tracked_table.lineage, which may have been dropped since. taken: how many entries; is_more: there are more; is_unchecked: some stay until tracking_status() has checked the table. NULL for NULL. Asks for no right: called by apply_retention().';

CREATE OR REPLACE VIEW athar.archived_changes
WITH (security_invoker = true)
AS
SELECT
	(l.leaf ->> 2)::bigint AS entry_id,
	(l.leaf ->> 3)::timestamptz AS at,
	(l.leaf ->> 4)::bigint AS transaction_id,
	l.leaf ->> 5 AS relation,
	l.leaf ->> 6 AS operation,
	l.leaf -> 7 AS row_key,
	nullif(l.leaf -> 8, 'null') AS old_values,
	nullif(l.leaf -> 9, 'null') AS new_values,
	l.leaf ->> 10 AS session_user_name,
	l.leaf ->> 11 AS current_user_name,
	l.leaf ->> 12 AS actor,
	l.leaf ->> 13 AS reason,
	l.leaf ->> 14 AS application_name,
	(l.leaf ->> 15)::inet AS client_address,
	athar.key_hash(l.leaf -> 7) AS key_hash,
	a.table_id
FROM athar.log_archive AS a
CROSS JOIN LATERAL string_to_table(a.leaves, E'\n') AS s (line)
CROSS JOIN LATERAL (SELECT s.line::jsonb) AS l (leaf);
COMMENT ON VIEW athar.archived_changes IS
'What archive_log() took out of the log, in the columns of change_log; read from end to end, whatever the filter';
COMMENT ON COLUMN athar.archived_changes.entry_id IS 'Number of the entry; ascending within one row''s history';
COMMENT ON COLUMN athar.archived_changes.at IS 'When the transaction began';
COMMENT ON COLUMN athar.archived_changes.transaction_id IS 'Who, when and why: the same number for the changes of one transaction, and a further one whenever the role, the actor or the reason changes in it';
COMMENT ON COLUMN athar.archived_changes.relation IS 'schema.table as it was named at the time, with quotes where the name needs them';
COMMENT ON COLUMN athar.archived_changes.operation IS 'INSERT, UPDATE, DELETE, TRUNCATE or DDL';
COMMENT ON COLUMN athar.archived_changes.row_key IS 'The row''s key before the change; the whole row where the table has no key';
COMMENT ON COLUMN athar.archived_changes.old_values IS 'Values before, as in change_log';
COMMENT ON COLUMN athar.archived_changes.new_values IS 'Values after, as in change_log';
COMMENT ON COLUMN athar.archived_changes.session_user_name IS 'The role that logged in';
COMMENT ON COLUMN athar.archived_changes.current_user_name IS 'The role in force, after SET ROLE, outside any SECURITY DEFINER function';
COMMENT ON COLUMN athar.archived_changes.actor IS 'The person the application named; NULL where it named nobody';
COMMENT ON COLUMN athar.archived_changes.reason IS 'Why; NULL where no reason was given';
COMMENT ON COLUMN athar.archived_changes.application_name IS 'application_name of the session';
COMMENT ON COLUMN athar.archived_changes.client_address IS 'Address of the client; NULL over a local socket and in background workers';
COMMENT ON COLUMN athar.archived_changes.key_hash IS 'The hash of row_key, as in change_log';
COMMENT ON COLUMN athar.archived_changes.table_id IS 'The version of the table''s definition, as in change_log';

-- An act counts if its own entry is not sealed yet, or is what was sealed.
CREATE OR REPLACE FUNCTION athar.expired_entries()
RETURNS int8multirange
LANGUAGE SQL STABLE PARALLEL UNSAFE
RETURN (
	SELECT coalesce(range_agg((e.new_values ->> 'ids')::int8multirange), '{}')
	FROM athar.log_entry AS e
	JOIN athar.tracked_table AS n ON n.id = e.table_id
	LEFT JOIN LATERAL (SELECT athar.leaf_index(e.id)) AS l (leaf) ON true
	LEFT JOIN athar.seal_tile AS t ON t.level = 0 AND t.n = l.leaf / 256
	WHERE n.relation = 'athar.log_retention'
		AND n.id < 1000
		AND e.operation = 'I'
		AND e.new_values ->> 'operation' = 'expire'
		AND (l.leaf IS NULL
			OR substr(t.hashes, (l.leaf % 256)::integer * 32 + 1, 32) = athar.leaf_hash(convert_to(athar.log_leaf(e.id), 'UTF8'))));
COMMENT ON FUNCTION athar.expired_entries() IS
'The entries that expire_log() removed from the log, as its acts tell that are in the log themselves, and are not what somebody made of them later: verify_log() takes a missing entry among these for expired, any other for missing.';
