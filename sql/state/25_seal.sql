-- 25 seal: the hashes that prove later that the log was not changed

CREATE TABLE athar.seal_batch (
	id bigint PRIMARY KEY,
	sealed_at timestamptz NOT NULL,
	origin text NOT NULL,
	cluster bigint NOT NULL,
	first_leaf bigint NOT NULL,
	leaves bigint NOT NULL,
	ids int8multirange NOT NULL,
	tree_size bigint NOT NULL,
	root bytea NOT NULL,
	first_xid xid8 NOT NULL,
	horizon xid8 NOT NULL,
	resume_after bigint,
	floor_transaction_id bigint NOT NULL,
	floor_entry_id bigint NOT NULL,
	last_transaction_id bigint NOT NULL,
	last_entry_id bigint NOT NULL,
	next_xid xid8 NOT NULL,
	CONSTRAINT seal_batch_first_leaf_key UNIQUE (first_leaf),
	CONSTRAINT seal_batch_leaves_check CHECK (leaves > 0 AND first_leaf >= 0 AND tree_size = first_leaf + leaves)
);
COMMENT ON TABLE athar.seal_batch IS
'What seal() sealed, one row per batch that was not empty. Which entries: those of transactions numbered from first_xid up to, not including, horizon, which were all over by then, whatever their ids; the first batches made in another cluster than the one before also take over what was left there. The leaves of a batch are its entries in the order of their ids';
COMMENT ON COLUMN athar.seal_batch.id IS 'Number of the batch, without gaps';
COMMENT ON COLUMN athar.seal_batch.sealed_at IS 'When it was sealed';
COMMENT ON COLUMN athar.seal_batch.origin IS 'The name of the tree in its checkpoints';
COMMENT ON COLUMN athar.seal_batch.cluster IS 'System identifier of the cluster in which the transaction numbers mean something';
COMMENT ON COLUMN athar.seal_batch.first_leaf IS 'Index of its first leaf, from 0: how many were sealed before';
COMMENT ON COLUMN athar.seal_batch.leaves IS 'How many leaves it added';
COMMENT ON COLUMN athar.seal_batch.ids IS 'Their entries: log_entry.id. The leaf of an entry is first_leaf and its rank among these, from 0';
COMMENT ON COLUMN athar.seal_batch.tree_size IS 'Leaves of the tree with it: first_leaf and leaves';
COMMENT ON COLUMN athar.seal_batch.root IS 'Root of the tree with it, as in RFC 6962';
COMMENT ON COLUMN athar.seal_batch.first_xid IS 'Transactions numbered below, in this cluster, were sealed by batches before; 0 in the first batches of a cluster';
COMMENT ON COLUMN athar.seal_batch.horizon IS 'The oldest transaction that was running when sealing began; this batch, or where it was cut short those that go on with it, sealed all below';
COMMENT ON COLUMN athar.seal_batch.resume_after IS 'Where a batch was cut short, because one call seals a bounded amount: the entry id after which the next goes on; NULL where nothing was left below the horizon';
COMMENT ON COLUMN athar.seal_batch.floor_transaction_id IS 'No log_transaction up to this id is sealed by this batch or a later one';
COMMENT ON COLUMN athar.seal_batch.floor_entry_id IS 'No entry up to this id is sealed by this batch or a later one';
COMMENT ON COLUMN athar.seal_batch.last_transaction_id IS 'The newest log_transaction.id that had been given out when sealing began';
COMMENT ON COLUMN athar.seal_batch.last_entry_id IS 'The newest log_entry.id that had been given out when sealing began';
COMMENT ON COLUMN athar.seal_batch.next_xid IS 'The next transaction number, read after the two newest ids: whoever has this number or a higher one drew higher ids';
CREATE INDEX seal_batch_ids_idx ON athar.seal_batch USING gist (ids);

-- Neither compressed, which hashes do not bear, nor in line, which would leave
-- most of each page empty.
CREATE TABLE athar.seal_tile (
	level smallint NOT NULL,
	n bigint NOT NULL,
	hashes bytea NOT NULL,
	PRIMARY KEY (level, n)
);
ALTER TABLE athar.seal_tile ALTER hashes SET STORAGE EXTERNAL;
COMMENT ON TABLE athar.seal_tile IS
'The hash tree over all sealed entries, in the tiles of C2SP tlog-tiles: 256 hashes each; the last of a level holds fewer and is rewritten when it grows';
COMMENT ON COLUMN athar.seal_tile.level IS 'Level of the tile: its hashes are of subtrees with 256^level leaves; on level 0 of single leaves';
COMMENT ON COLUMN athar.seal_tile.n IS 'Number of the tile on its level, from 0';
COMMENT ON COLUMN athar.seal_tile.hashes IS 'Its hashes, 32 bytes each, one after the other';

CREATE TRIGGER refuse_change
	BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON athar.seal_batch
	FOR EACH STATEMENT EXECUTE FUNCTION athar.refuse_change();
CREATE TRIGGER refuse_change
	BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON athar.seal_tile
	FOR EACH STATEMENT EXECUTE FUNCTION athar.refuse_change();
COMMENT ON TRIGGER refuse_change ON athar.seal_batch IS 'Seals are append-only';
COMMENT ON TRIGGER refuse_change ON athar.seal_tile IS 'Seals are append-only';
-- Also under session_replication_role = replica.
ALTER TABLE athar.seal_batch ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE athar.seal_tile ENABLE ALWAYS TRIGGER refuse_change;
