-- seal: published vectors, malformed proofs, what people read when they ask for what cannot be
\set SHOW_CONTEXT never
\set VERBOSITY default

-- The eight leaves of the test suite of Certificate Transparency (RFC 6962).
CREATE TEMP TABLE known AS
SELECT ARRAY['', '\x00', '\x10', '\x2021', '\x3031', '\x40414243', '\x5051525354555657', '\x606162636465666768696a6b6c6d6e6f']::bytea[] AS leaves;
SELECT n, encode(athar.merkle_root(leaves[1:n]), 'hex') AS root FROM known, generate_series(0, 8) AS n;
SELECT encode(athar.leaf_hash(''), 'hex') AS empty_leaf, encode(athar.leaf_hash('L123456'), 'hex') AS leaf;
SELECT encode(athar.node_hash(athar.leaf_hash(''), athar.leaf_hash('\x00')), 'hex') AS node;

-- Its proofs.
SELECT index, size, encode(p.hash, 'hex') AS hash
FROM known, (VALUES (0, 1), (0, 8), (5, 8), (2, 3), (1, 5)) AS v (index, size),
	unnest(athar.merkle_inclusion(leaves[1:size], index)) WITH ORDINALITY AS p (hash, place)
ORDER BY size, index, place;
SELECT first, second, encode(p.hash, 'hex') AS hash
FROM known, (VALUES (1, 1), (1, 8), (6, 8), (2, 5)) AS v (first, second),
	unnest(athar.merkle_consistency(leaves[1:second], first)) WITH ORDINALITY AS p (hash, place)
ORDER BY second, first, place;
SELECT bool_and(athar.verify_inclusion(athar.leaf_hash(leaves[index + 1]), index, size, athar.merkle_inclusion(leaves[1:size], index), athar.merkle_root(leaves[1:size])))
FROM known, generate_series(1, 8) AS size, generate_series(0, size - 1) AS index;
SELECT bool_and(athar.verify_consistency(first, athar.merkle_root(leaves[1:first]), second, athar.merkle_root(leaves[1:second]), athar.merkle_consistency(leaves[1:second], first)))
FROM known, generate_series(0, 8) AS second, generate_series(0, second) AS first;

-- A proof does not bind the size; that comes from a checkpoint.
SELECT size, athar.verify_inclusion(athar.leaf_hash(''), 0, size, athar.merkle_inclusion(leaves[1:7], 0), athar.merkle_root(leaves[1:7])) AS holds
FROM known, generate_series(5, 9) AS size;

-- NULL, what is malformed, what is out of range.
SELECT athar.leaf_hash(NULL) IS NULL AND athar.merkle_root(NULL) IS NULL AND athar.verify_inclusion(NULL, 0, 1, '{}', '') IS NULL AS null_for_null;
SELECT athar.node_hash('\x00', athar.leaf_hash(''));
SELECT athar.merkle_root(ARRAY['a', NULL]::bytea[]);
SELECT athar.merkle_root('{{a,b},{c,d}}');
SELECT athar.merkle_inclusion('{}', 0);
SELECT athar.merkle_inclusion('{a,b}', 2);
SELECT athar.merkle_inclusion('{a,b}', -1);
SELECT athar.merkle_consistency('{a,b}', 3);
SELECT athar.merkle_consistency('{a,b}', -1);
SELECT athar.merkle_consistency('{a,b}', 0), athar.merkle_consistency('{a,b}', 2), athar.merkle_inclusion('{a}', 0);
SELECT athar.merkle_root('[5:6]={a,b}') = athar.merkle_root('{a,b}') AS bounds_do_not_matter;

-- A log without a seal.
SELECT athar.tree_root(1);
SELECT athar.checkpoint(-1);
SELECT athar.inclusion_proof(0, 0);
SELECT athar.inclusion_proof(0, 1);
SELECT athar.consistency_proof(0, 1);
SELECT athar.consistency_proof(0, 0);
SELECT athar.export_tile(0, 0);
SELECT athar.export_tile(-1, 0);
SELECT athar.export_tile(8, 0);
SELECT * FROM athar.export_leaves();
SELECT * FROM athar.export_leaves(0, 1);
SELECT * FROM athar.export_leaves(-1);
SELECT * FROM athar.verify_log(1);
SELECT athar.log_leaf(-1), athar.leaf_index(-1), athar.log_leaf(NULL);
SELECT split_part(athar.checkpoint(), E'\n', 2) AS size, split_part(athar.checkpoint(), E'\n', 3) AS root;
SELECT * FROM athar.verify_log(anchors => ARRAY['', NULL, E'name\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n', E'name\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n',
	E'name\n99999999999999999999\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n', E'name\n007\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n',
	E'name\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU', E'name\n0\n5xXE\n', E'\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n', E'name\r\n0\r\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\r\n\r\n-- signed']) WHERE "check" = 'anchor';

-- The tables are not written by hand.
INSERT INTO athar.seal_tile VALUES (0, 0, '\x00');
DELETE FROM athar.seal_batch;
TRUNCATE athar.seal_tile;
SET athar.log_origin = 'two words';
SET athar.log_origin = 'a+b';
BEGIN READ ONLY;
SELECT athar.seal();
ROLLBACK;
