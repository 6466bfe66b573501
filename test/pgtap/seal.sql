-- seal: leaves, batches, proofs from the stored tree; whatever is tampered with is named
BEGIN;
SELECT plan(126);
SET LOCAL search_path = public, pg_catalog;

-- A transaction is not sealed before it is over, and a test is one transaction.
-- What came from another cluster is: so the entries written so far are made to
-- look like those of a restored dump, and each batch like one made in a cluster
-- of its own.  Another context keeps later entries apart.
CREATE PROCEDURE pg_temp.open() LANGUAGE plpgsql AS $$
DECLARE
	name text;
BEGIN
	FOREACH name IN ARRAY ARRAY['log_entry', 'log_transaction', 'tracked_table', 'seal_batch', 'seal_tile'] LOOP
		EXECUTE format('ALTER TABLE athar.%I DISABLE TRIGGER refuse_change', name);
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.seal(OUT batch bigint, OUT leaves bigint, OUT tree_size bigint, OUT root bytea) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE athar.log_transaction SET cluster = 1;
	UPDATE athar.seal_batch SET cluster = 1 + id;
	SELECT * INTO batch, leaves, tree_size, root FROM athar.seal();
	PERFORM athar.set_context('after', batch::text);
END $$;
CALL pg_temp.open();

CREATE SCHEMA app;
CREATE TABLE app.licence (id integer PRIMARY KEY, holder text, fee numeric(10,2), details jsonb, at timestamptz, scan bytea);
SELECT athar.track('app.licence') > 0 AS tracked \gset
CREATE TABLE app."odd ""name""" (x text, y double precision);
SELECT athar.track('app."odd ""name"""') > 0 AS tracked \gset

--
-- Leaves
--
SELECT athar.set_context(E'clerk "7"\t\\ \u0001 ق', E'line one\nline two');
SET LOCAL application_name = 'licensing';
INSERT INTO app.licence
SELECT i, E'holder "' || i || E'"\n', i + 0.50, '{"a": [1, 2.50, null, "x\"y\\"], "b": {}, "ع": "شهادة"}', '2026-01-01 12:00+00', '\x00ff'
FROM generate_series(1, 400) AS i;
UPDATE app.licence SET fee = fee + 1 WHERE id <= 300;
UPDATE app.licence SET id = 1000 WHERE id = 400;
DELETE FROM app.licence WHERE id = 399;
INSERT INTO app."odd ""name""" VALUES ('a', 'NaN'), (NULL, 1e-7);
UPDATE app."odd ""name""" SET y = 2 WHERE x = 'a';
SELECT athar.set_context(NULL, NULL);
TRUNCATE app."odd ""name""";
CREATE VIEW pg_temp.wanted AS
SELECT c.entry_id,
	jsonb_build_array('athar-leaf/1', e.nonce, c.entry_id, to_char(c.at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), c.transaction_id, c.relation, c.operation,
		c.row_key, c.old_values, c.new_values, c.session_user_name, c.current_user_name, c.actor, c.reason, c.application_name, c.client_address)::text AS leaf
FROM athar.change_log AS c
JOIN athar.log_entry AS e ON e.id = c.entry_id;
SELECT is_empty(
	$$SELECT entry_id, leaf, athar.log_leaf(entry_id) FROM pg_temp.wanted WHERE athar.log_leaf(entry_id) IS DISTINCT FROM leaf$$,
	'a leaf is the text of the array as jsonb writes it');
SELECT set_has(
	$$SELECT (athar.log_leaf(id)::jsonb)->>6 FROM athar.log_entry$$,
	$$VALUES ('INSERT'), ('UPDATE'), ('DELETE'), ('TRUNCATE')$$,
	'whatever the operation');
UPDATE athar.log_transaction SET client_address = '2001:db8::7', at = '1999-12-31 23:59:59.000001+00' WHERE actor IS NULL;
SELECT is_empty(
	$$SELECT entry_id, leaf, athar.log_leaf(entry_id) FROM pg_temp.wanted WHERE athar.log_leaf(entry_id) IS DISTINCT FROM leaf$$,
	'and whatever the address and the time');
SELECT is((SELECT count(*) FROM athar.log_entry WHERE athar.log_leaf(id) LIKE E'%\n%'), 0::bigint, 'a leaf is one line');
CREATE TEMP TABLE plain AS SELECT entry_id, leaf FROM pg_temp.wanted;
SET LOCAL timezone = 'Asia/Dubai';
SET LOCAL datestyle = 'German';
SET LOCAL intervalstyle = 'iso_8601';
SET LOCAL extra_float_digits = 0;
SET LOCAL bytea_output = 'escape';
SET LOCAL lc_numeric = 'C';
SELECT is_empty(
	$$SELECT entry_id FROM plain WHERE athar.log_leaf(entry_id) IS DISTINCT FROM leaf$$,
	'settings do not change it');
RESET timezone;
RESET datestyle;
RESET intervalstyle;
RESET extra_float_digits;
RESET bytea_output;

--
-- Batches
--
SELECT is(batch, NULL, 'what this transaction wrote is not sealed yet') FROM athar.seal();
SELECT results_eq(
	$$SELECT unsealed, blocked_by LIKE format('pid %s in database %I%%', pg_backend_pid(), current_database()), tree_size, root, last_sealed FROM athar.seal_status()$$,
	$$SELECT count(*), true, 0::bigint, sha256(''), NULL::timestamptz FROM athar.log_entry$$,
	'which seal_status tells, and what it waits for');
CREATE TEMP TABLE first AS SELECT * FROM pg_temp.seal();
SELECT results_eq(
	$$SELECT batch, leaves, tree_size, root = athar.tree_root() FROM first$$,
	$$SELECT 1::bigint, count(*), count(*), true FROM athar.log_entry$$,
	'a seal takes every entry');
SELECT results_eq(
	$$SELECT unsealed, oldest_unsealed, blocked_by, tree_size FROM athar.seal_status()$$,
	$$SELECT 0::bigint, NULL::timestamptz, NULL::text, tree_size FROM first$$,
	'and leaves nothing');
SELECT results_eq(
	'SELECT * FROM athar.seal()',
	'SELECT NULL::bigint, 0::bigint, tree_size, root FROM first',
	'where there is nothing new, there is no batch');
SELECT is((SELECT count(*) FROM athar.mark WHERE name LIKE 'seal %'), 1::bigint, 'a batch makes a mark, none makes none');
SELECT is((SELECT bool_and(ok) FROM athar.verify_log()), true, 'the log is what was sealed');
UPDATE app.licence SET holder = 'Other' WHERE id <= 311;
SELECT is((SELECT unsealed FROM athar.seal_status()), 311::bigint, 'new entries wait');
SELECT is((SELECT detail FROM athar.verify_log() WHERE "check" = 'extra' AND ok), 'no entry stands outside the seal; 311 wait for the next', 'and are no mistake');
CREATE TEMP TABLE second AS SELECT * FROM pg_temp.seal();
SELECT is(batch, 2::bigint, 'the next batch') FROM second;
SELECT is(tree_size, (SELECT tree_size FROM first) + 311, 'grows the tree') FROM second;

CREATE TEMP TABLE leaf AS
SELECT l.leaf, l.place - 1 AS index, convert_to(l.leaf, 'UTF8') AS bytes
FROM athar.export_leaves() WITH ORDINALITY AS l (leaf, place);
CREATE TEMP TABLE entry AS SELECT id, athar.leaf_index(id) AS index FROM athar.log_entry;
-- Ids go on from those of files that ran before, whose entries were rolled back.
SELECT min(id) - 1 AS base FROM entry \gset
SELECT is(count(*), (SELECT tree_size FROM second), 'every leaf is exported') FROM leaf;
SELECT is_empty(
	$$SELECT e.id, e.index FROM entry AS e LEFT JOIN leaf AS l USING (index) WHERE l.leaf IS DISTINCT FROM athar.log_leaf(e.id)$$,
	'in the place that leaf_index tells');
SELECT results_eq(
	$$SELECT index FROM entry ORDER BY id$$,
	$$SELECT generate_series(0, tree_size - 1) FROM second$$,
	'here in the order of the ids');
SELECT is_empty(
	$$SELECT n FROM second, generate_series(0, tree_size) AS n WHERE (n % 19 = 0 OR n % 256 < 2)
		AND athar.tree_root(n) <> athar.merkle_root(ARRAY(SELECT bytes FROM leaf WHERE index < n ORDER BY index))$$,
	'roots come from the leaves');
SELECT is_empty(
	$$SELECT index FROM leaf, second WHERE athar.verify_inclusion(athar.leaf_hash(bytes), index, tree_size, athar.inclusion_proof(index, tree_size), root) IS NOT TRUE$$,
	'every leaf is proven');
SELECT is_empty(
	$$SELECT n FROM second, generate_series(0, tree_size) AS n
		WHERE athar.verify_consistency(n, athar.tree_root(n), tree_size, root, athar.consistency_proof(n, tree_size)) IS NOT TRUE$$,
	'every size goes on to the last');
SELECT is(athar.inclusion_proof(5, 700), athar.merkle_inclusion(ARRAY(SELECT bytes FROM leaf WHERE index < 700 ORDER BY index), 5), 'proofs come from the leaves, too');
SELECT is(athar.consistency_proof(300, 700), athar.merkle_consistency(ARRAY(SELECT bytes FROM leaf WHERE index < 700 ORDER BY index), 300), 'of both kinds');
SELECT is(athar.checkpoint(n), format(E'athar/%s\n%s\n%s\n', current_database(), n, encode(athar.tree_root(n), 'base64')), format('the checkpoint of size %s', n))
FROM (VALUES (0::bigint), (256), (300)) AS v (n);
SELECT is(athar.checkpoint(), athar.checkpoint(tree_size), 'of the whole tree unless told otherwise') FROM second;

-- Tiles, byte for byte.
SELECT is_empty(
	$$SELECT n FROM generate_series(0, (SELECT (tree_size - 1) / 256 FROM second)) AS n
		WHERE athar.export_tile(0, n) <> (SELECT string_agg(athar.leaf_hash(bytes), '' ORDER BY index) FROM leaf WHERE index / 256 = n)$$,
	'tiles of level 0 hold the hashes of the leaves');
SELECT is(octet_length(athar.export_tile(0, 0)), 8192, 'a full one has 8,192 bytes');
SELECT is(athar.export_tile(1, 0),
	(SELECT string_agg(athar.merkle_root(ARRAY(SELECT bytes FROM leaf WHERE index / 256 = n ORDER BY index)), '' ORDER BY n) FROM second, generate_series(0, tree_size / 256 - 1) AS n),
	'those of level 1 the roots of full ones');
SELECT results_eq(
	'SELECT level, count(*) FROM athar.seal_tile GROUP BY level ORDER BY level',
	'SELECT v.level::smallint, v.n FROM second, LATERAL (VALUES (0, (tree_size + 255) / 256), (1, 1)) AS v (level, n)',
	'there are no others');
SELECT throws_ok('SELECT athar.export_tile(0, (SELECT (tree_size + 255) / 256 FROM second))', '22023', NULL, 'nor can others be had');

-- Another name.
SET LOCAL athar.log_origin = 'log.example.org/licences';
UPDATE app.licence SET holder = 'Third' WHERE id = 1;
SELECT is(batch, 3::bigint, 'a third batch') FROM pg_temp.seal();
SELECT is(split_part(athar.checkpoint(), E'\n', 1), 'log.example.org/licences', 'the setting names the tree');
SELECT is(split_part(athar.checkpoint(300), E'\n', 1), 'athar/' || current_database(), 'as it was called when it had that size');
RESET athar.log_origin;
UPDATE app.licence SET holder = 'Fourth' WHERE id = 1;
SELECT is(batch, 4::bigint, 'a fourth batch') FROM pg_temp.seal();
SELECT is(split_part(athar.checkpoint(), E'\n', 1), 'log.example.org/licences', 'unset, the name stays');

--
-- Tampering
--
CREATE TEMP TABLE good AS SELECT athar.checkpoint() AS checkpoint, athar.checkpoint(300) AS early, tree_size FROM athar.seal_status();
SELECT results_eq(
	'SELECT "check", ok FROM athar.verify_log(anchors => (SELECT ARRAY[checkpoint, early] FROM good))',
	$$VALUES ('changed', true), ('missing', true), ('expired', true), ('extra', true), ('tile', true), ('root', true), ('anchor', true)$$,
	'untouched, every check says so');

-- What is named when it is done; undone afterwards.
CREATE FUNCTION pg_temp.found(deed text, anchors text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	found text[];
BEGIN
	BEGIN
		EXECUTE deed;
		found := ARRAY(SELECT "check" || ': ' || detail FROM athar.verify_log(anchors => found.anchors) WHERE NOT ok);
		RAISE 'undo' USING ERRCODE = 'ZZ999';
	EXCEPTION WHEN SQLSTATE 'ZZ999' THEN
		RETURN QUERY SELECT unnest(found);
	END;
END $$;
CREATE FUNCTION pg_temp.names(deed text, wanted text[], description text, anchors text[] DEFAULT '{}') RETURNS SETOF text LANGUAGE SQL AS $$
	SELECT results_eq(format('SELECT * FROM pg_temp.found(%L, %L)', deed, anchors), wanted, description)
$$;
SELECT id AS an, index AS leaf FROM entry WHERE index = 77 \gset
SELECT id AS key_change FROM athar.log_entry AS e WHERE e.row_key = '{"id": 400}' AND e.operation = 'U' \gset
SELECT athar.leaf_index(:key_change) AS key_change_leaf \gset
SELECT transaction_id AS transaction FROM athar.log_entry WHERE id = :an \gset
SELECT pg_temp.names(format('UPDATE athar.log_entry SET %s WHERE id = %s', v.deed, :an), ARRAY[format('changed: entry %s (leaf %s)%s', :an, :leaf, v.detail)], 'an edited entry: ' || v.what)
FROM (VALUES
	('transaction_id', 'transaction_id = (SELECT max(id) FROM athar.log_transaction)', ' is not what was sealed'),
	('table_id', 'table_id = 1', ' is not what was sealed'),
	('table_id of the other kind', 'table_id = (SELECT t.id FROM athar.tracked_table AS t WHERE t.rekey_of = table_id)', ': its table_id is that of another kind of change'),
	('key_hash', 'key_hash = key_hash + 1', ': its key_hash is not that of its row_key'),
	('operation', 'operation = ''D''', ' is not what was sealed'),
	('nonce', 'nonce = gen_random_uuid()', ' is not what was sealed'),
	('row_key', 'row_key = ''{"id": 9999}'', key_hash = athar.key_hash(''{"id": 9999}'')', ' is not what was sealed'),
	('old_values', 'old_values = ''{}'', table_id = (SELECT t.id FROM athar.tracked_table AS t WHERE t.rekey_of = table_id)', ' is not what was sealed'),
	('new_values', 'new_values = jsonb_set(new_values, ''{fee}'', ''0'')', ' is not what was sealed'),
	('new_values, a zero at the end', 'new_values = jsonb_set(new_values, ''{fee}'', ''78.5'')', ' is not what was sealed'),
	('new_values, gone', 'new_values = NULL', ' is not what was sealed')
) AS v (what, deed, detail);

-- What belongs to several entries.
SELECT pg_temp.names(format('UPDATE athar.log_transaction SET %s WHERE id = %s', v.deed, :transaction),
		ARRAY(SELECT format('changed: entry %s (leaf %s)%s', e.id, athar.leaf_index(e.id), v.detail) FROM athar.log_entry AS e WHERE e.transaction_id = :transaction ORDER BY e.id LIMIT 100)
			|| format('changed: and %s more', (SELECT count(*) - 100 FROM athar.log_entry AS e WHERE e.transaction_id = :transaction)),
		'an edited transaction: ' || v.deed)
FROM (VALUES
	('at = at + interval ''1 microsecond''', ' is not what was sealed'),
	('cluster = (SELECT cluster FROM athar.seal_batch WHERE id = 1)', ': its transaction has another number than when it was sealed'),
	('session_user_name = ''other''', ' is not what was sealed'),
	('current_user_name = ''other''', ' is not what was sealed'),
	('actor = ''other''', ' is not what was sealed'),
	('actor = NULL', ' is not what was sealed'),
	('reason = ''other''', ' is not what was sealed'),
	('application_name = ''other''', ' is not what was sealed'),
	('client_address = ''10.0.0.1''', ' is not what was sealed')
) AS v (deed, detail);
SELECT results_eq(
	format($$SELECT count(*), min(split_part(f, ': ', 1)) FROM pg_temp.found('DELETE FROM athar.log_transaction WHERE id = %s') AS f WHERE f ~ 'its row of log_transaction is gone'$$, :transaction),
	$$VALUES (100::bigint, 'changed')$$,
	'a removed transaction');
SELECT results_eq(
	format($$SELECT count(*), min(split_part(f, ' (', 1)) FROM pg_temp.found('UPDATE athar.tracked_table SET relation = ''app.other'' WHERE relation = ''app.licence''') AS f$$),
	format($$VALUES (101::bigint, 'changed: and %s more')$$, (SELECT count(*) - 100 FROM athar.change_log WHERE relation = 'app.licence')),
	'an edited name of a table');
SELECT pg_temp.names(format('UPDATE athar.log_entry SET table_id = (SELECT t.rekey_of FROM athar.tracked_table AS t WHERE t.id = table_id) WHERE id = %s', :key_change),
	ARRAY[format('changed: entry %s (leaf %s): its table_id is that of another kind of change', :key_change, :key_change_leaf)], 'a change of a key, hidden from the row''s history');

-- Entries removed, inserted, changed about.
SELECT pg_temp.names(format('DELETE FROM athar.log_entry WHERE id = %s', :an), ARRAY[format('missing: entry %s (leaf %s) is missing', :an, :leaf)], 'a removed entry');
SELECT pg_temp.names(
	format('INSERT INTO athar.log_entry OVERRIDING SYSTEM VALUE SELECT 100000, transaction_id, table_id, key_hash, operation, nonce, row_key, old_values, new_values FROM athar.log_entry WHERE id = %1$s;
		DELETE FROM athar.log_entry WHERE id = %1$s', :an),
	ARRAY[format('missing: entry %s (leaf %s) is missing', :an, :leaf), format('extra: entry 100000 was not sealed with its transaction %s', :transaction)], 'an entry under another number');
SELECT pg_temp.names(
	format('INSERT INTO athar.log_entry OVERRIDING SYSTEM VALUE SELECT %s, transaction_id, table_id, key_hash, operation, nonce, row_key, old_values, new_values FROM athar.log_entry WHERE id = %s', v.id, :an),
	ARRAY[v.told], 'an inserted entry ' || v.what)
FROM (VALUES
	(1000000, format('extra: entry 1000000 was not sealed with its transaction %s', :transaction), 'after the others, of a sealed transaction'),
	(0, format('extra: entry 0 was not sealed with its transaction %s', :transaction), 'before the others'),
	(-9223372036854775808, format('extra: entry -9223372036854775808 was not sealed with its transaction %s', :transaction), 'before all numbers'),
	(:an, format('extra: entry %s is there more than once', :an), 'under a number there is')
) AS v (id, told, what);
SELECT pg_temp.names(
	format('INSERT INTO athar.log_entry OVERRIDING SYSTEM VALUE SELECT 1000000, 777777, table_id, key_hash, operation, nonce, row_key, old_values, new_values FROM athar.log_entry WHERE id = %s', :an),
	ARRAY['extra: entry 1000000 is of no transaction'], 'an inserted entry of no transaction');
SELECT pg_temp.names(
	format('UPDATE athar.log_entry AS e SET transaction_id = o.transaction_id, table_id = o.table_id, key_hash = o.key_hash, operation = o.operation, nonce = o.nonce, row_key = o.row_key, old_values = o.old_values, new_values = o.new_values
		FROM athar.log_entry AS o WHERE (e.id, o.id) IN ((%1$s, %2$s), (%2$s, %1$s))', :an, :an + 3),
	ARRAY[format('changed: entry %s (leaf %s) is not what was sealed', :an, :leaf), format('changed: entry %s (leaf %s) is not what was sealed', :an + 3, :leaf + 3)],
	'two entries changed about');

-- Tiles.
SELECT pg_temp.names(format('UPDATE athar.seal_tile SET hashes = %s WHERE (level, n) = (%s, %s)', v.hashes, v.level, v.n), v.told, 'a tile: ' || v.what)
FROM (VALUES
	('set_bit(hashes, 99, 1 - get_bit(hashes, 99))', 0, 1, ARRAY['tile: tile 1 on level 0 does not have the hashes of its entries'], 'a bit of a leaf'),
	('set_bit(hashes, 99, 1 - get_bit(hashes, 99))', 0, 3, ARRAY['tile: tile 3 on level 0 does not have the hashes of its entries'], 'a bit in the last one'),
	('set_bit(hashes, 299, 1 - get_bit(hashes, 299))', 1, 0, ARRAY['tile: tile 0 on level 1 does not have the root of tile 1 below it'], 'a bit above'),
	('substring(hashes FROM 33) || substring(hashes FOR 32)', 0, 0, ARRAY['tile: tile 0 on level 0 does not have the hashes of its entries'], 'hashes in another order'),
	('substring(hashes FOR 320)', 0, 0, ARRAY['tile: tile 0 on level 0 does not have 256 hashes'], 'hashes cut off'),
	('hashes || hashes', 0, 0, ARRAY['tile: tile 0 on level 0 does not have 256 hashes'], 'more than there can be'),
	('''''', 1, 0, ARRAY['tile: tile 0 on level 1 does not have 3 hashes'], 'no hashes')
) AS v (hashes, level, n, told, what);
SELECT pg_temp.names('DELETE FROM athar.seal_tile WHERE (level, n) = (0, 2)', ARRAY['tile: tile 2 on level 0 is missing'], 'a removed tile');
SELECT pg_temp.names('DELETE FROM athar.seal_tile WHERE level = 1', ARRAY['tile: tile 0 on level 1 is missing'], 'a removed tile above');
SELECT pg_temp.names('INSERT INTO athar.seal_tile VALUES (0, 77, sha256('''')), (1, 1, sha256('''')), (9, 0, sha256(''''))',
	ARRAY['tile: tile 77 on level 0 is beyond the tree', 'tile: tile 1 on level 1 is beyond the tree', 'tile: tile 0 on level 9 is beyond the tree'], 'tiles too many');
SELECT pg_temp.names(
	format('UPDATE athar.log_entry SET nonce = ''00000000-0000-0000-0000-000000000000'' WHERE id = %s;
		UPDATE athar.seal_tile SET hashes = overlay(hashes PLACING athar.leaf_hash(convert_to(athar.log_leaf(%1$s), ''UTF8'')) FROM 1 + 32 * %s) WHERE (level, n) = (0, 0)', :an, :leaf),
	ARRAY['tile: tile 0 on level 1 does not have the root of tile 0 below it', 'root: batch 1 does not have the root of the first 707 leaves',
		'root: batch 2 does not have the root of the first 1018 leaves', 'root: batch 3 does not have the root of the first 1019 leaves', 'root: batch 4 does not have the root of the first 1020 leaves'],
	'an entry and its tile');

-- Batches.
SELECT results_eq(
	format($$SELECT DISTINCT split_part(f, ': ', 1) FROM pg_temp.found('UPDATE athar.seal_batch SET %s WHERE id = 2') AS f ORDER BY 1$$, replace(v.deed, '''', '''''')),
	v.told, 'an edited batch: ' || v.deed)
FROM (VALUES
	('root = sha256(root)', ARRAY['root']),
	('root = ''\x00''', ARRAY['root']),
	('leaves = leaves - 1, tree_size = tree_size - 1', ARRAY['root']),
	('first_leaf = first_leaf + 1, leaves = leaves - 1', ARRAY['changed', 'root']),
	('id = 77', ARRAY['root']),
	(format('ids = ids - ''{[%s,%s)}''', :base + 750, :base + 760), ARRAY['changed', 'extra', 'root']),
	('ids = ''{}''', ARRAY['extra', 'root']),
	('ids = ''{(,)}''', ARRAY['extra', 'missing', 'root']),
	('sealed_at = ''2001-01-01''', ARRAY['root']),
	('first_xid = ''3''', ARRAY['changed'])
) AS v (deed, told);
SELECT results_eq(
	$$SELECT DISTINCT split_part(f, ': ', 1) FROM pg_temp.found('DELETE FROM athar.seal_batch WHERE id = 2') AS f ORDER BY 1$$,
	ARRAY['extra', 'root'], 'a removed batch');
SELECT results_eq(
	$$SELECT DISTINCT split_part(f, ': ', 1) FROM pg_temp.found('DELETE FROM athar.seal_batch WHERE id = 4') AS f ORDER BY 1$$,
	ARRAY['extra', 'tile'], 'the newest batch removed, its tiles and entries forgotten');

-- What is consistent in itself only an anchor shows.
CREATE PROCEDURE pg_temp.cut() LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM athar.log_entry AS e WHERE athar.leaf_index(e.id) >= 707;
	DELETE FROM athar.seal_batch WHERE id > 1;
	DELETE FROM athar.seal_tile WHERE (level, n) = (0, 3);
	UPDATE athar.seal_tile SET hashes = substring(hashes FOR 32 * (707 - 512)) WHERE (level, n) = (0, 2);
	UPDATE athar.seal_tile SET hashes = substring(hashes FOR 64) WHERE (level, n) = (1, 0);
END $$;
SELECT pg_temp.names('CALL pg_temp.cut()', '{}', 'a tail cut off clean leaves no trace inside');
SELECT pg_temp.names('CALL pg_temp.cut()',
	format('{"anchor: anchor 1 has %s leaves, the tree 707: its tail was cut off, or an older state was restored"}', tree_size)::text[],
	'but the checkpoint that was kept outside tells', ARRAY[checkpoint, early]) FROM good;
CREATE PROCEDURE pg_temp.forge(id bigint) LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM athar.seal_batch;
	DELETE FROM athar.seal_tile;
	UPDATE athar.log_entry AS e SET new_values = '{"fee": 0}' WHERE e.id = forge.id;
	PERFORM athar.seal();
END $$;
SELECT pg_temp.names(format('CALL pg_temp.forge(%s)', :an), '{}', 'nor does an edited entry, if everything is sealed anew');
SELECT pg_temp.names(format('CALL pg_temp.forge(%s)', :an),
	format('{anchor: anchor 1: the first %s leaves have another root,anchor: anchor 2: the first 300 leaves have another root}', tree_size)::text[],
	'but both checkpoints tell', ARRAY[checkpoint, early]) FROM good;
SELECT pg_temp.names(format('CALL pg_temp.forge(%s)', :base + 700), format('{anchor: anchor 1: the first %s leaves have another root}', tree_size)::text[],
	'an older one tells of what it holds', ARRAY[checkpoint, early]) FROM good;

-- Part of the log.
CREATE FUNCTION pg_temp.part(low bigint, high bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	told text;
BEGIN
	UPDATE athar.log_entry SET nonce = '00000000-0000-0000-0000-000000000000' WHERE athar.leaf_index(id) IN (300, 1018);
	told := (SELECT string_agg("check" || ': ' || detail, ', ') FROM athar.verify_log(low, high) WHERE NOT ok OR "check" = 'changed');
	RAISE 'undo' USING ERRCODE = 'ZZ999';
EXCEPTION WHEN SQLSTATE 'ZZ999' THEN
	RETURN told;
END $$;
SELECT is(pg_temp.part(v.low, v.high), 'changed: ' || v.told, format('checked from %s to %s', v.low, v.high))
FROM (VALUES
	(0, 300, '300 entries are what was sealed'),
	(301, 1018, '717 entries are what was sealed'),
	(300, 301, format('entry %s (leaf 300) is not what was sealed', :base + 301)),
	(1018, NULL, format('entry %s (leaf 1018) is not what was sealed', :base + 1019)),
	(1019, NULL, '1 entries are what was sealed'),
	(513, 513, '0 entries are what was sealed'),
	(1020, 1020, '0 entries are what was sealed')
) AS v (low, high, told);
SELECT throws_ok('SELECT athar.verify_log(0, 1021)', '22023', NULL, 'beyond the tree there is nothing to check');
SELECT throws_ok('SELECT athar.verify_log(5, 4)', '22023', NULL, 'nor backwards');

-- A seal does not build on what does not hold.
CREATE FUNCTION pg_temp.seal_on(deed text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE deed;
	UPDATE app.licence SET holder = 'Sealed on' WHERE id = 3;
	RETURN (SELECT 'sealed ' || leaves FROM pg_temp.seal());
EXCEPTION WHEN data_corrupted THEN
	RETURN SQLERRM;
END $$;
SELECT is(pg_temp.seal_on('UPDATE athar.seal_tile SET hashes = set_bit(hashes, 99, 1 - get_bit(hashes, 99)) WHERE (level, n) = (0, 3)'),
	'the sealed tree does not have the root of batch 4', 'no seal upon edited hashes');
SELECT is(pg_temp.seal_on('UPDATE athar.seal_batch SET root = sha256('''') WHERE id = 4'), 'the sealed tree does not have the root of batch 4', 'nor upon an edited batch');
SELECT is(pg_temp.seal_on('DELETE FROM athar.seal_tile WHERE (level, n) = (0, 3)'), 'tile 3 on level 0 of the sealed log is missing or damaged', 'nor where hashes are missing');
SELECT is(pg_temp.seal_on('SELECT 1'), 'sealed 1', 'but else');
SELECT is((SELECT bool_and(ok) FROM athar.verify_log()), true, 'and all is well');

-- A row that moves to another partition is logged as DELETE and INSERT, and the INSERT under the number of changed keys.
CREATE TABLE app.parted (id integer, part integer, PRIMARY KEY (id, part)) PARTITION BY LIST (part);
CREATE TABLE app.parted_1 PARTITION OF app.parted FOR VALUES IN (1);
CREATE TABLE app.parted_2 PARTITION OF app.parted FOR VALUES IN (2);
SELECT athar.track('app.parted') > 0 AS tracked \gset
INSERT INTO app.parted VALUES (1, 1);
UPDATE app.parted SET part = 2;
SELECT is((SELECT leaves FROM pg_temp.seal()), 3::bigint, 'a row that moved to another partition is sealed');
SELECT is((SELECT string_agg(detail, ', ') FROM athar.verify_log() WHERE NOT ok), NULL, 'and is what was sealed');
SELECT id AS move, athar.leaf_index(id) AS move_leaf FROM athar.log_entry WHERE row_key = '{"id": 1, "part": 2}' \gset
SELECT pg_temp.names(format('UPDATE athar.log_entry SET table_id = (SELECT t.rekey_of FROM athar.tracked_table AS t WHERE t.id = table_id) WHERE id = %s', :move),
	ARRAY[format('changed: entry %s (leaf %s): its table_id is that of another kind of change', :move, :move_leaf)], 'a move, hidden from the row''s history');

-- An entry that is gone is exported as its hash, and the root can be computed all the same.
DELETE FROM athar.log_entry WHERE id = :an;
SELECT is((array_agg(l))[1], format('"%s"', (SELECT encode(athar.leaf_hash(bytes), 'hex') FROM leaf WHERE index = :leaf)), 'what is gone is exported as its hash')
FROM athar.export_leaves(:leaf, :leaf + 1) AS l;
SELECT results_eq(format('SELECT athar.log_leaf(%s), athar.leaf_index(%1$s)', :an), format('VALUES (NULL::text, %s::bigint)', :leaf), 'its place is known still');

--
-- Who may
--
CREATE ROLE seal_auditor;
CREATE ROLE seal_administrator;
CREATE ROLE seal_reader;
SELECT athar.grant_access('seal_auditor', 'audit') AND athar.grant_access('seal_administrator', 'administer') AND athar.grant_access('seal_reader', 'manage') AS granted \gset
CREATE TEMP TABLE may AS
SELECT r.role, p.proname::text AS name, has_function_privilege(r.role, p.oid, 'EXECUTE') AS may
FROM pg_proc AS p, (VALUES ('seal_auditor'), ('seal_administrator'), ('seal_reader'), ('public')) AS r (role)
WHERE p.pronamespace = 'athar'::regnamespace
	AND p.proname ~ '^(seal|seal_status|checkpoint|log_leaf|leaf_index|export_.*|tree_root|inclusion_proof|consistency_proof|verify_.*|leaf_hash|node_hash|merkle_.*)$';
SELECT is_empty($$SELECT name FROM may WHERE role = 'public' AND may <> (name ~ '^(leaf_hash|node_hash|merkle_.*|verify_inclusion|verify_consistency)$')$$, 'everybody may compute');
SELECT is_empty($$SELECT name FROM may AS a WHERE role = 'seal_auditor' AND may <> (name <> 'seal')$$, 'an auditor may read and check everything');
SELECT set_eq($$SELECT a.name FROM may AS a JOIN may AS p USING (name) WHERE a.role = 'seal_administrator' AND p.role = 'public' AND a.may AND NOT p.may$$,
	ARRAY['seal', 'seal_status', 'checkpoint'], 'an administrator may seal');
SELECT is_empty($$SELECT a.name FROM may AS a JOIN may AS p USING (name) WHERE a.role = 'seal_reader' AND p.role = 'public' AND a.may AND NOT p.may$$, 'others may not');
SET LOCAL ROLE seal_auditor;
SELECT is((SELECT count(*) FROM athar.verify_log()), 7::bigint, 'an auditor needs no more to check');
SELECT isnt(athar.log_leaf(:base + 1), NULL, 'to read a leaf');
SELECT is((SELECT count(*) FROM athar.export_leaves(0, 10)), 10::bigint, 'to export them');
SELECT is((SELECT tree_size FROM athar.seal_status()), 1024::bigint, 'to see how far it is');
RESET ROLE;
SET LOCAL ROLE seal_administrator;
SELECT is(leaves, 0::bigint, 'an administrator needs no more to seal') FROM athar.seal();
RESET ROLE;

SELECT * FROM finish();
ROLLBACK;
