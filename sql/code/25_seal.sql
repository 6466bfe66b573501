-- 25 seal: hashes, proofs, sealing, checking

--
-- Hash trees, without a table
--

CREATE OR REPLACE FUNCTION athar.leaf_hash(leaf bytea)
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_leaf_hash';
COMMENT ON FUNCTION athar.leaf_hash(bytea) IS
'The hash of a leaf as in RFC 6962: SHA-256 over a zero byte and the leaf. For an entry: leaf_hash(convert_to(log_leaf(id), ''UTF8'')). NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.node_hash(left_hash bytea, right_hash bytea)
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_node_hash';
COMMENT ON FUNCTION athar.node_hash(bytea, bytea) IS
'The hash of a node over two others as in RFC 6962: SHA-256 over a one byte, the left hash and the right hash. NULL for NULL; 22023 for what has not 32 bytes.';

CREATE OR REPLACE FUNCTION athar.merkle_root(leaves bytea[])
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_merkle_root';
COMMENT ON FUNCTION athar.merkle_root(bytea[]) IS
'The root of the tree over these leaves (the leaves themselves, not their hashes), as in RFC 6962; of none, SHA-256 over nothing. NULL for NULL; 22023 for NULL among the leaves or an array of more than one dimension.';

CREATE OR REPLACE FUNCTION athar.merkle_inclusion(leaves bytea[], leaf_index bigint)
RETURNS bytea[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_merkle_inclusion';
COMMENT ON FUNCTION athar.merkle_inclusion(bytea[], bigint) IS
'The proof that a leaf, counted from 0, is among these leaves: the hashes beside its way to the root, from the leaf up. NULL for NULL; 22023 for an index beyond the leaves, and as merkle_root().';

CREATE OR REPLACE FUNCTION athar.merkle_consistency(leaves bytea[], first_size bigint)
RETURNS bytea[]
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_merkle_consistency';
COMMENT ON FUNCTION athar.merkle_consistency(bytea[], bigint) IS
'The proof that the tree over these leaves goes on from the tree over the first of them; empty from size 0 and from the whole size. NULL for NULL; 22023 for a size beyond the leaves, and as merkle_root().';

CREATE OR REPLACE FUNCTION athar.verify_inclusion(leaf_hash bytea, leaf_index bigint, tree_size bigint, proof bytea[], root bytea)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_verify_inclusion';
COMMENT ON FUNCTION athar.verify_inclusion(bytea, bigint, bigint, bytea[], bytea) IS
'Whether the proof leads from the leaf (its hash, its index from 0) to the root of a tree of that size, as in RFC 9162. False for whatever is malformed; NULL for NULL. A proof alone does not bind the size: take size and root from one checkpoint, never from whoever shows the proof.';

CREATE OR REPLACE FUNCTION athar.verify_consistency(first_size bigint, first_root bytea, second_size bigint, second_root bytea, proof bytea[])
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_verify_consistency';
COMMENT ON FUNCTION athar.verify_consistency(bigint, bytea, bigint, bytea, bytea[]) IS
'Whether the proof shows that the tree of the second checkpoint begins with the tree of the first, as in RFC 9162: nothing that was sealed was changed between them. Between equal sizes the roots must be equal, and from size 0 the root that of no leaves; the proof is empty then. False for whatever is malformed; NULL for NULL.';

--
-- The log as leaves
--

CREATE OR REPLACE FUNCTION athar.log_leaf(entry bigint)
RETURNS text
LANGUAGE C STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_log_leaf';
COMMENT ON FUNCTION athar.log_leaf(bigint) IS
'The leaf of an entry (change_log.entry_id), sealed or not: one line, the text that jsonb gives of the array ["athar-leaf/1", nonce, entry_id, at (UTC, as 2026-11-22T01:18:32.531213Z), transaction_id, relation, operation, row_key, old_values, new_values, session_user_name, current_user_name, actor, reason, application_name, client_address]. No setting changes it. What is hashed is its UTF-8 text. NULL if there is no such entry.';

CREATE OR REPLACE FUNCTION athar.leaf_index(entry bigint)
RETURNS bigint
LANGUAGE C STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_leaf_index';
COMMENT ON FUNCTION athar.leaf_index(bigint) IS
'Which leaf of the tree an entry is (change_log.entry_id), from 0; NULL until it is sealed. The order is that of sealing, not of the ids.';

CREATE OR REPLACE FUNCTION athar.export_leaves(from_leaf bigint DEFAULT 0, to_leaf bigint DEFAULT NULL)
RETURNS SETOF text
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_export_leaves';
COMMENT ON FUNCTION athar.export_leaves(bigint, bigint) IS
'The leaves from from_leaf (0) up to, not including, to_leaf (NULL: all there are), in order, one line each. In the place of a leaf whose entry is gone stands its hash, 64 hexadecimal digits as a JSON string, so that the root can be computed all the same. 22023 beyond the tree.';

CREATE OR REPLACE FUNCTION athar.export_tile(level integer, n bigint)
RETURNS bytea
LANGUAGE C STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_export_tile';
COMMENT ON FUNCTION athar.export_tile(integer, bigint) IS
'A tile of the tree, byte for byte as in C2SP tlog-tiles: 256 hashes of 32 bytes, fewer in the last of a level. Level 0 holds the hashes of the leaves. NULL for NULL; 22023 where the tree has no such tile.';

CREATE OR REPLACE FUNCTION athar.tree_root(size bigint DEFAULT NULL)
RETURNS bytea
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_tree_root';
COMMENT ON FUNCTION athar.tree_root(bigint) IS
'The root of the sealed tree, or of its first leaves. NULL asks for all of it. 22023 beyond the tree; XX001 where stored hashes are missing.';

CREATE OR REPLACE FUNCTION athar.checkpoint(size bigint DEFAULT NULL)
RETURNS text
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_checkpoint';
COMMENT ON FUNCTION athar.checkpoint(bigint) IS
'The checkpoint of the sealed tree, or of its first leaves, as in C2SP tlog-checkpoint: three lines, the name of the tree (athar.log_origin), its size, its root in base64. To be kept outside: without a copy that the database''s owner cannot reach, nothing is proven against him. Not signed. NULL asks for all of the tree; 22023 beyond it.';

CREATE OR REPLACE FUNCTION athar.inclusion_proof(leaf_index bigint, tree_size bigint)
RETURNS bytea[]
LANGUAGE C STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_inclusion_proof';
COMMENT ON FUNCTION athar.inclusion_proof(bigint, bigint) IS
'The proof that a leaf is in the sealed tree as it was at that size: for verify_inclusion(), or anybody with a SHA-256. NULL for NULL; 22023 beyond the tree.';

CREATE OR REPLACE FUNCTION athar.consistency_proof(first_size bigint, second_size bigint)
RETURNS bytea[]
LANGUAGE C STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_consistency_proof';
COMMENT ON FUNCTION athar.consistency_proof(bigint, bigint) IS
'The proof that the sealed tree of the second size goes on from that of the first: for verify_consistency(). NULL for NULL; 22023 beyond the tree, or where the first is larger.';

--
-- Sealing
--

CREATE OR REPLACE FUNCTION athar.seal(OUT batch bigint, OUT leaves bigint, OUT tree_size bigint, OUT root bytea)
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_seal';
COMMENT ON FUNCTION athar.seal() IS
'Seals what is committed for good: every entry of a transaction that began, by its number, before the oldest one that still writes anywhere in the cluster. Returns the batch, how many leaves it added, and size and root of the tree; where there is nothing to seal, batch is NULL and leaves 0. Makes a mark, and after the commit writes the checkpoint into the server''s log. A call seals about a million leaves at most: call it until leaves is 0. One at a time: the next waits; writers and readers do not. XX001 where the tree is not that of the newest batch.';

CREATE OR REPLACE FUNCTION athar.seal_status(
	OUT unsealed bigint, OUT oldest_unsealed timestamptz, OUT blocked_by text, OUT tree_size bigint, OUT root bytea, OUT last_sealed timestamptz)
LANGUAGE SQL STABLE PARALLEL RESTRICTED
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH newest AS (
		SELECT b.tree_size, b.root, b.sealed_at, b.floor_entry_id, b.floor_transaction_id
		FROM athar.seal_batch AS b
		ORDER BY b.id DESC
		LIMIT 1
	), sealed AS MATERIALIZED (
		SELECT range_agg(b.ids) AS ids
		FROM newest AS n
		JOIN athar.seal_batch AS b ON b.ids && int8range(n.floor_entry_id, NULL, '(]')
	), waiting AS MATERIALIZED (
		SELECT t.at, t.xid, t.cluster
		FROM athar.log_entry AS e
		JOIN athar.log_transaction AS t ON t.id = e.transaction_id
		WHERE e.id > coalesce((SELECT n.floor_entry_id FROM newest AS n), 0)
			AND e.transaction_id > coalesce((SELECT n.floor_transaction_id FROM newest AS n), 0)
			AND NOT coalesce(e.id <@ (SELECT s.ids FROM sealed AS s), false)
	), blocker AS MATERIALIZED (
		SELECT pg_snapshot_xmin(pg_current_snapshot()) AS xid
		WHERE EXISTS (
			SELECT
			FROM waiting AS w
			WHERE w.cluster = (SELECT c.system_identifier FROM pg_control_system() AS c)
				AND w.xid >= pg_snapshot_xmin(pg_current_snapshot()))
	)
	SELECT
		(SELECT count(*) FROM waiting),
		(SELECT min(w.at) FROM waiting AS w),
		(SELECT coalesce(
				(SELECT format('prepared transaction %L in database %I, since %s', p.gid, p.database, p.prepared)
				FROM pg_prepared_xacts AS p
				WHERE p.transaction = b.xid::xid),
				(SELECT format('pid %s%s', l.pid, (
					SELECT format(' in database %I, role %I, since %s', a.datname, a.usename, a.xact_start)
					FROM pg_stat_activity AS a
					WHERE a.pid = l.pid))
				FROM pg_locks AS l
				WHERE l.locktype = 'transactionid' AND l.transactionid = b.xid::xid AND l.granted AND l.mode = 'ExclusiveLock'
				LIMIT 1),
				format('transaction %s', b.xid))
		FROM blocker AS b),
		coalesce((SELECT n.tree_size FROM newest AS n), 0),
		coalesce((SELECT n.root FROM newest AS n), sha256('')),
		(SELECT n.sealed_at FROM newest AS n);
END;
COMMENT ON FUNCTION athar.seal_status() IS
'How sealing stands, one row: unsealed, committed entries that wait; oldest_unsealed, when the oldest of their transactions began; blocked_by, what keeps some of them from being sealed now: the oldest transaction in the whole cluster that still writes, as pid or prepared transaction with its database (NULL where the next seal() takes all of them); size and root of the tree; last_sealed, when seal() last had something to do. With its owner''s rights, because it counts entries and tells of other sessions.';

--
-- Checking
--

CREATE OR REPLACE FUNCTION athar.verify_log(from_leaf bigint DEFAULT 0, to_leaf bigint DEFAULT NULL, anchors text[] DEFAULT '{}')
RETURNS TABLE ("check" text, ok boolean, detail text)
LANGUAGE C STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_verify_log';
COMMENT ON FUNCTION athar.verify_log(bigint, bigint, text[]) IS
'Checks the log against its seal: hashes the entries of the leaves from from_leaf (0) up to, not including, to_leaf (NULL: all) anew, and compares them with the tree, the tree with itself, its roots with the batches and with the anchors: checkpoints that were kept elsewhere.
One row for each check that found nothing (ok), else one for each problem, a hundred at most and then their number: changed (an entry is not what was sealed, or what stands beside archived ones is not what their leaves say), missing (a sealed entry is gone), expired (is gone by a recorded act: never a problem), extra (an entry that should be in the seal and is not, or is there twice), tile (stored hashes do not agree), root (a batch does not agree with the hashes), anchor (the tree is not that of the checkpoint, or is shorter). Over the whole log it also looks at entries, archived lines and tiles that no leaf stands for.
Progress shows in pg_stat_activity. 22023 beyond the tree.';
