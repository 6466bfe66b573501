-- 20 log: what happened: who, when, what, why; marks

CREATE TABLE athar.tracked_table (
	id integer GENERATED ALWAYS AS IDENTITY (START WITH 1000 MINVALUE 1) PRIMARY KEY,
	lineage integer NOT NULL,
	relation text NOT NULL,
	relation_oid oid NOT NULL,
	database_oid oid NOT NULL,
	cluster bigint NOT NULL,
	owner_name text NOT NULL,
	rekey_of integer,
	require_reason boolean NOT NULL DEFAULT false,
	inserted_values boolean NOT NULL DEFAULT true,
	is_inherited boolean NOT NULL DEFAULT false,
	tracked_at timestamptz NOT NULL,
	untracked_at timestamptz
);
COMMENT ON TABLE athar.tracked_table IS
'Tables in the change log, two rows (see rekey_of) for each version of a table''s definition: a new one begins with a new name or schema, another owner, a column added, dropped, renamed or retyped, another key. Written by track(), untrack() and the capture, never by hand. Ids below 1000 are this extension''s own tables and are set by its install script';
COMMENT ON COLUMN athar.tracked_table.id IS 'Key; what log_entry.table_id refers to';
COMMENT ON COLUMN athar.tracked_table.lineage IS 'The id under which the table was first tracked; the argument of its triggers, the same under all its names';
COMMENT ON COLUMN athar.tracked_table.relation IS 'schema.table as it was named at the time, with quotes where the name needs them';
COMMENT ON COLUMN athar.tracked_table.relation_oid IS
'Which table it was in that database of that cluster. Not an identity (a dump does not keep it): it only stops somebody else''s table from writing this table''s history by using the same trigger argument';
COMMENT ON COLUMN athar.tracked_table.database_oid IS 'The database in which relation_oid means something';
COMMENT ON COLUMN athar.tracked_table.cluster IS 'The cluster in which relation_oid means something: its system identifier';
COMMENT ON COLUMN athar.tracked_table.owner_name IS 'Role that owned it. Where relation_oid means nothing any more, only a table of that owner (or of a superuser, or of the owner of the log) goes on with this history; empty for our own tables';
COMMENT ON COLUMN athar.tracked_table.rekey_of IS
'The row of the same version under which everything else is logged, where the entries of this one are the updates that changed a row''s key, and the inserts of rows that moved from another partition: kept apart, so that the history of one row finds the keys it had before without reading every entry. NULL in all other rows';
COMMENT ON COLUMN athar.tracked_table.require_reason IS 'True where a write without athar.reason is refused';
COMMENT ON COLUMN athar.tracked_table.inserted_values IS 'False where an INSERT logs the key alone';
COMMENT ON COLUMN athar.tracked_table.is_inherited IS 'True where it came to be tracked because a table that it inherits from is; untrack() of that one ends it';
COMMENT ON COLUMN athar.tracked_table.tracked_at IS 'When tracking began, or began again; later versions carry the same time';
COMMENT ON COLUMN athar.tracked_table.untracked_at IS 'When tracking ended; NULL while it lasts';
CREATE INDEX tracked_table_lineage_idx ON athar.tracked_table (lineage);
CREATE INDEX tracked_table_relation_idx ON athar.tracked_table (relation);

CREATE TABLE athar.tracked_column (
	table_id integer NOT NULL,
	number integer NOT NULL,
	attnum smallint NOT NULL,
	name text NOT NULL,
	type text NOT NULL,
	is_key boolean NOT NULL DEFAULT false,
	is_excluded boolean NOT NULL DEFAULT false,
	is_masked boolean NOT NULL DEFAULT false,
	PRIMARY KEY (table_id, number)
);
COMMENT ON TABLE athar.tracked_column IS
'The columns of tracked tables under each version of their definition; written with tracked_table. Tells which of today''s columns an entry means by a name of its time';
COMMENT ON COLUMN athar.tracked_column.table_id IS 'The version: references tracked_table(id), by construction; never a row that is the rekey_of another';
COMMENT ON COLUMN athar.tracked_column.number IS
'Which column it is, the same under all versions of one lineage, whatever its name and type; a column that was dropped and added again has another. After a dump was restored, columns are told by their names';
COMMENT ON COLUMN athar.tracked_column.attnum IS 'pg_attribute.attnum, where tracked_table.relation_oid means something';
COMMENT ON COLUMN athar.tracked_column.name IS 'Its name under this version, without quotes';
COMMENT ON COLUMN athar.tracked_column.type IS 'Its type under this version, as format_type spells it with no schema but pg_catalog in the search path';
COMMENT ON COLUMN athar.tracked_column.is_key IS 'True where it is part of what a row is known by; where no column is, the whole row is the key';
COMMENT ON COLUMN athar.tracked_column.is_excluded IS 'True where it never reaches the log';
COMMENT ON COLUMN athar.tracked_column.is_masked IS 'True where the log tells that it changed, but not its values: they are written as "***"';

CREATE TABLE athar.log_transaction (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	at timestamptz NOT NULL,
	xid xid8 NOT NULL,
	cluster bigint NOT NULL,
	session_user_name text NOT NULL,
	current_user_name text NOT NULL,
	actor text,
	reason text,
	application_name text,
	client_address inet,
	CONSTRAINT log_transaction_at_check CHECK (isfinite(at))
);
COMMENT ON TABLE athar.log_transaction IS
'Who, when and why, once per transaction and once more whenever a role, the actor or the reason changes inside it; written by the capture alone';
COMMENT ON COLUMN athar.log_transaction.id IS 'Key, in the order of first writes; not the order of commits';
COMMENT ON COLUMN athar.log_transaction.at IS 'When the transaction began';
COMMENT ON COLUMN athar.log_transaction.xid IS 'Its number in the cluster that ran it; marks decide by it what was committed';
COMMENT ON COLUMN athar.log_transaction.cluster IS 'The system identifier of that cluster: in another cluster the number means nothing';
COMMENT ON COLUMN athar.log_transaction.session_user_name IS 'The role that logged in';
COMMENT ON COLUMN athar.log_transaction.current_user_name IS 'The role in force, after SET ROLE, outside any SECURITY DEFINER function';
COMMENT ON COLUMN athar.log_transaction.actor IS 'The person the application named in athar.actor; NULL where it named nobody';
COMMENT ON COLUMN athar.log_transaction.reason IS 'Why: athar.reason; NULL where none was given';
COMMENT ON COLUMN athar.log_transaction.application_name IS 'application_name of the session; NULL where it is empty';
COMMENT ON COLUMN athar.log_transaction.client_address IS 'Address of the client; NULL over a local socket and in background workers';
CREATE INDEX log_transaction_actor_idx ON athar.log_transaction (actor);
CREATE INDEX log_transaction_at_idx ON athar.log_transaction USING brin (at) WITH (pages_per_range = 16, autosummarize = on);

-- The sequence has no CACHE, and must not: entries of one row are in the order
-- of their ids because each id is drawn while the row is locked.
CREATE TABLE athar.log_entry (
	id bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
	transaction_id bigint NOT NULL,
	table_id integer NOT NULL,
	key_hash integer NOT NULL,
	operation "char" NOT NULL,
	nonce uuid NOT NULL,
	row_key jsonb NOT NULL,
	old_values jsonb,
	new_values jsonb
);
COMMENT ON TABLE athar.log_entry IS 'What changed, one row per changed row; written by the capture alone; read through the view change_log';
COMMENT ON COLUMN athar.log_entry.id IS 'Number of the entry; ascending within one row''s history';
COMMENT ON COLUMN athar.log_entry.transaction_id IS 'Who, when and why: references log_transaction(id), by construction';
COMMENT ON COLUMN athar.log_entry.table_id IS 'The table: references tracked_table(id), by construction';
COMMENT ON COLUMN athar.log_entry.key_hash IS 'key_hash(row_key), for look-ups';
COMMENT ON COLUMN athar.log_entry.operation IS 'I insert, U update, D delete, T truncate, S change of the table''s definition';
COMMENT ON COLUMN athar.log_entry.nonce IS 'Sixteen random bytes: a sealed entry cannot be guessed from its hash';
COMMENT ON COLUMN athar.log_entry.row_key IS 'The row''s key before the change, as an object of column names; the whole row where the table has no key; {} for a change of the table''s definition';
COMMENT ON COLUMN athar.log_entry.old_values IS 'Values before: of the changed columns for an update, of all for a delete or truncate; NULL for an insert, but for that of a row that moved from another partition: the key it had there; see change_log for changes of the definition';
COMMENT ON COLUMN athar.log_entry.new_values IS 'Values after: of the changed columns for an update, of all for an insert (NULL where the table logs the key alone); NULL for a delete or truncate; see change_log for changes of the definition';
-- There are few tables, but the planner has to know that even a rare one is
-- found faster by the index.
ALTER TABLE athar.log_entry ALTER table_id SET (n_distinct = 200);
CREATE INDEX log_entry_key_idx ON athar.log_entry (table_id, key_hash);
CREATE INDEX log_entry_id_idx ON athar.log_entry USING brin (id, transaction_id) WITH (pages_per_range = 8, autosummarize = on);

CREATE TABLE athar.mark (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text,
	at timestamptz NOT NULL,
	snapshot pg_snapshot NOT NULL,
	cluster bigint NOT NULL,
	xid xid8 NOT NULL,
	last_transaction_id bigint NOT NULL,
	last_entry_id bigint NOT NULL,
	CONSTRAINT mark_name_check CHECK (btrim(name) <> '')
);
COMMENT ON TABLE athar.mark IS
'Moments to which as_of() can return. Commit times are not known to a trigger, so a moment is what was committed when the mark was made. Seen in a mark is: in its own cluster, a transaction that was committed in snapshot, and of the transaction that made the mark the entries up to last_entry_id; of a transaction of another cluster, one with an id up to last_transaction_id. The last rule stays right after a dump was restored elsewhere: what ran before the dump has lower ids than every mark made after it, and what runs after the restore has higher ids than every mark made before it.';
COMMENT ON COLUMN athar.mark.id IS 'Key; marks are made one at a time, so ids, times and snapshots ascend together';
COMMENT ON COLUMN athar.mark.name IS 'Name given by whoever made it; NULL for one that as_of() made by itself';
COMMENT ON COLUMN athar.mark.at IS 'The time from which on as_of() uses it';
COMMENT ON COLUMN athar.mark.snapshot IS 'Which transactions were committed';
COMMENT ON COLUMN athar.mark.cluster IS 'System identifier of the cluster in which snapshot and xid mean something';
COMMENT ON COLUMN athar.mark.xid IS 'The transaction that made the mark';
COMMENT ON COLUMN athar.mark.last_transaction_id IS 'The newest log_transaction.id that had been given out';
COMMENT ON COLUMN athar.mark.last_entry_id IS 'The newest log_entry.id that had been given out';
CREATE INDEX mark_at_idx ON athar.mark (at, id);

CREATE TABLE athar.tracking_check (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	lineage integer NOT NULL,
	table_id integer NOT NULL,
	origin text NOT NULL,
	at timestamptz NOT NULL,
	snapshot pg_snapshot NOT NULL,
	cluster bigint NOT NULL,
	xid xid8 NOT NULL,
	last_transaction_id bigint NOT NULL,
	last_entry_id bigint NOT NULL,
	row_count bigint NOT NULL,
	digest bytea NOT NULL,
	column_numbers integer[] NOT NULL,
	column_types text[] NOT NULL,
	complete_since timestamptz NOT NULL,
	role_name text NOT NULL,
	actor text,
	reason text,
	CONSTRAINT tracking_check_digest_check CHECK (octet_length(digest) = 32)
);
COMMENT ON TABLE athar.tracking_check IS
'States of tracked tables from which the log must lead to the present one: written by track(), by each tracking_status() that found nothing wrong, and by accept_state(); never by hand. What such a state saw is told as in mark';
COMMENT ON COLUMN athar.tracking_check.id IS 'Key; the newest of a table is the one that tracking_status() compares with';
COMMENT ON COLUMN athar.tracking_check.lineage IS 'The table: references tracked_table(lineage), by construction';
COMMENT ON COLUMN athar.tracking_check.table_id IS 'The version of its definition then in force: references tracked_table(id), by construction';
COMMENT ON COLUMN athar.tracking_check.origin IS
'track: tracking began. check: the log led from the state before to this one, or could not be compared with it (then complete_since is at). accept: somebody took the state for right with accept_state()';
COMMENT ON COLUMN athar.tracking_check.at IS 'When it was';
COMMENT ON COLUMN athar.tracking_check.snapshot IS 'Which transactions were committed';
COMMENT ON COLUMN athar.tracking_check.cluster IS 'System identifier of the cluster in which snapshot and xid mean something';
COMMENT ON COLUMN athar.tracking_check.xid IS 'The transaction that wrote this row';
COMMENT ON COLUMN athar.tracking_check.last_transaction_id IS 'The newest log_transaction.id that had been given out';
COMMENT ON COLUMN athar.tracking_check.last_entry_id IS 'The newest log_entry.id that had been given out';
COMMENT ON COLUMN athar.tracking_check.row_count IS 'Number of rows';
COMMENT ON COLUMN athar.tracking_check.digest IS
'Sum modulo 2^256, big-endian, of the SHA-256 of each row: of the JSON array of its values in the order of column_numbers, in UTF-8, without blanks, and without zeros at the end of a fraction; otherwise as the log spells them';
COMMENT ON COLUMN athar.tracking_check.column_numbers IS
'The columns in the digest: tracked_column.number. Without those that never reach the log, and those whose text hangs on the catalog, such as regclass';
COMMENT ON COLUMN athar.tracking_check.column_types IS 'Their types, spelled out with the labels of enums and the like: where that is another one now, the digest cannot be compared';
COMMENT ON COLUMN athar.tracking_check.complete_since IS 'From when on an unbroken chain of such states proves the log complete';
COMMENT ON COLUMN athar.tracking_check.role_name IS 'The role in force when it was written, outside any SECURITY DEFINER function';
COMMENT ON COLUMN athar.tracking_check.actor IS 'The person named in athar.actor; NULL where nobody was';
COMMENT ON COLUMN athar.tracking_check.reason IS 'Why the state was accepted; NULL where it was not accept_state()';
CREATE INDEX tracking_check_lineage_idx ON athar.tracking_check (lineage, id);

CREATE FUNCTION athar.refuse_change()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_refuse_change';
COMMENT ON FUNCTION athar.refuse_change() IS
'Trigger of the log''s tables: refuses every statement that would write them by hand, whoever runs it (AT003). Lets pass an INSERT of a restore and the extension''s own scripts.';

CREATE FUNCTION athar.capture_change()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_capture_change';
COMMENT ON FUNCTION athar.capture_change() IS
'Trigger of tracked tables, made by track(): writes each change into the log. Its argument is tracked_table.lineage; a second argument says that the trigger was made for a partition. Everybody may execute it, because whoever adds a partition to a tracked table must; on a table that is not the one tracked under that number it refuses (42501).';

CREATE FUNCTION athar.log_definitions()
RETURNS event_trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_log_definitions';
COMMENT ON FUNCTION athar.log_definitions() IS
'Event trigger: writes into the log what a command changed of the definition of a tracked table, and has later partitions captured. Silent while a dump is restored, in a binary upgrade, and in this extension''s own scripts. 39P03 if called otherwise.';

CREATE FUNCTION athar.check_references()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_check_references';
COMMENT ON FUNCTION athar.check_references() IS
'Trigger of this extension''s tables that refer to others. Arguments in threes: column, the table it refers to, and tree or an empty text. 23503 if the row referred to does not exist; AT006 if a tree would get a loop. Silent while a dump is restored.';

CREATE FUNCTION athar.keep_referenced()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_keep_referenced';
COMMENT ON FUNCTION athar.keep_referenced() IS
'Trigger of this extension''s tables that others refer to. Arguments in twos: table and column that refer to it. 23503 if a row that is still referred to would be deleted, truncated or get another id.';

CREATE TRIGGER refuse_change
	BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON athar.tracked_table
	FOR EACH STATEMENT EXECUTE FUNCTION athar.refuse_change();
CREATE TRIGGER refuse_change
	BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON athar.tracked_column
	FOR EACH STATEMENT EXECUTE FUNCTION athar.refuse_change();
CREATE TRIGGER refuse_change
	BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON athar.log_transaction
	FOR EACH STATEMENT EXECUTE FUNCTION athar.refuse_change();
CREATE TRIGGER refuse_change
	BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON athar.log_entry
	FOR EACH STATEMENT EXECUTE FUNCTION athar.refuse_change();
CREATE TRIGGER refuse_change
	BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON athar.mark
	FOR EACH STATEMENT EXECUTE FUNCTION athar.refuse_change();
COMMENT ON TRIGGER refuse_change ON athar.tracked_table IS 'Keeps it from being written by hand';
COMMENT ON TRIGGER refuse_change ON athar.tracked_column IS 'Keeps it from being written by hand';
COMMENT ON TRIGGER refuse_change ON athar.log_transaction IS 'The log is append-only';
COMMENT ON TRIGGER refuse_change ON athar.log_entry IS 'The log is append-only';
CREATE TRIGGER refuse_change
	BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON athar.tracking_check
	FOR EACH STATEMENT EXECUTE FUNCTION athar.refuse_change();
COMMENT ON TRIGGER refuse_change ON athar.mark IS 'Marks are append-only';
COMMENT ON TRIGGER refuse_change ON athar.tracking_check IS 'Checked states are append-only';
-- Also under session_replication_role = replica.
ALTER TABLE athar.tracked_table ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE athar.tracked_column ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE athar.log_transaction ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE athar.log_entry ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE athar.mark ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE athar.tracking_check ENABLE ALWAYS TRIGGER refuse_change;
