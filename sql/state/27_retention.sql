-- 27 retention: how long the log is kept, what was taken out of it, and where it is now

CREATE TABLE athar.log_archive (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	table_id integer NOT NULL,
	first_at timestamptz NOT NULL,
	last_at timestamptz NOT NULL,
	ids int8multirange NOT NULL,
	leaves text NOT NULL
);
COMMENT ON TABLE athar.log_archive IS
'Entries that archive_log() took out of log_entry, as they were sealed: many to a row, so that they compress together. Written by archive_log() and expire_log() alone; read through the view archived_changes';
COMMENT ON COLUMN athar.log_archive.id IS 'Key';
COMMENT ON COLUMN athar.log_archive.table_id IS 'The table of all of them: references tracked_table(id), by construction';
COMMENT ON COLUMN athar.log_archive.first_at IS 'When the first of their transactions began';
COMMENT ON COLUMN athar.log_archive.last_at IS 'When the last of their transactions began';
COMMENT ON COLUMN athar.log_archive.ids IS 'The entries: log_entry.id of each before it was archived';
COMMENT ON COLUMN athar.log_archive.leaves IS 'Their leaves, as log_leaf() gives them, one line each in the order of their ids; no line break at the end';
CREATE INDEX log_archive_ids_idx ON athar.log_archive USING gist (ids);
CREATE INDEX log_archive_table_id_first_at_idx ON athar.log_archive (table_id, first_at);

CREATE TABLE athar.log_retention (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	operation text NOT NULL,
	before timestamptz NOT NULL,
	relation text,
	mark_id bigint,
	table_ids integer[] NOT NULL,
	entries bigint NOT NULL,
	ids int8multirange NOT NULL,
	split_transaction_ids int8multirange NOT NULL,
	CONSTRAINT log_retention_operation_check CHECK (operation IN ('archive', 'expire'))
);
COMMENT ON TABLE athar.log_retention IS
'What archive_log() and expire_log() did, one row per call that took something out of the log; who, when and why are in the change log, where each of these rows is an entry that is never taken out. verify_log() believes those entries, not this table';
COMMENT ON COLUMN athar.log_retention.id IS 'Key';
COMMENT ON COLUMN athar.log_retention.operation IS 'archive: into log_archive. expire: out of log_entry and log_archive, for good';
COMMENT ON COLUMN athar.log_retention.before IS 'The argument: entries of transactions that began before';
COMMENT ON COLUMN athar.log_retention.relation IS 'The argument: schema.table as it was named then; NULL where it was every table';
COMMENT ON COLUMN athar.log_retention.mark_id IS 'The mark that sees all that was taken out of log_entry: references mark(id), by construction. as_of() can go back to it, and not further. NULL where all was in log_archive';
COMMENT ON COLUMN athar.log_retention.table_ids IS 'The tables that lost entries of log_entry: tracked_table.lineage';
COMMENT ON COLUMN athar.log_retention.entries IS 'How many';
COMMENT ON COLUMN athar.log_retention.ids IS 'Which: log_entry.id';
COMMENT ON COLUMN athar.log_retention.split_transaction_ids IS
'Those in log_transaction of which something was taken out and something is left, in that row or another of the same database transaction: they cannot be undone';
CREATE INDEX log_retention_mark_id_idx ON athar.log_retention (mark_id);

CREATE TRIGGER refuse_change
	BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON athar.log_archive
	FOR EACH STATEMENT EXECUTE FUNCTION athar.refuse_change();
COMMENT ON TRIGGER refuse_change ON athar.log_archive IS 'Keeps it from being written by hand';
-- Also under session_replication_role = replica.
ALTER TABLE athar.log_archive ENABLE ALWAYS TRIGGER refuse_change;

CREATE TABLE athar.retention_rule (
	lineage integer PRIMARY KEY,
	archive_after interval,
	expire_after interval,
	reason text NOT NULL
);
COMMENT ON TABLE athar.retention_rule IS
'How long the log is kept, as somebody decided; written by set_retention(), read through the view retention_rules, applied by apply_retention(). Who decided, and when, is in the change log';
COMMENT ON COLUMN athar.retention_rule.lineage IS 'The table: references tracked_table(lineage), by construction; 0 for all tables without a rule of their own';
COMMENT ON COLUMN athar.retention_rule.archive_after IS 'Entries older than that are archived; NULL: never';
COMMENT ON COLUMN athar.retention_rule.expire_after IS 'Entries older than that expire; NULL: never';
COMMENT ON COLUMN athar.retention_rule.reason IS 'Why; each act of retention is recorded with it';
