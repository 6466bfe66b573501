-- merkle: hash trees without a table, against the definition in RFC 6962; what is wrong is refused
BEGIN;
SELECT plan(16);
SET LOCAL search_path = public, pg_catalog;

-- MTH(D[n]), PATH(m, D[n]) and SUBPROOF(m, D[n], b), word for word, over numbers as leaves.
CREATE FUNCTION pg_temp.leaf(i bigint) RETURNS bytea LANGUAGE SQL IMMUTABLE AS $$SELECT convert_to('leaf ' || i, 'UTF8')$$;
CREATE FUNCTION pg_temp.leaves(n bigint) RETURNS bytea[] LANGUAGE SQL IMMUTABLE AS
$$SELECT coalesce(array_agg(pg_temp.leaf(i) ORDER BY i), '{}') FROM generate_series(0, n - 1) AS i$$;
CREATE FUNCTION pg_temp.k(n bigint) RETURNS bigint LANGUAGE SQL IMMUTABLE AS
$$SELECT max(1::bigint << h) FROM generate_series(0, 40) AS h WHERE 1::bigint << h < n$$;
CREATE FUNCTION pg_temp.mth(low bigint, high bigint) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN CASE
		WHEN low = high THEN sha256('')
		WHEN high - low = 1 THEN sha256('\x00' || pg_temp.leaf(low))
		ELSE sha256('\x01' || pg_temp.mth(low, low + pg_temp.k(high - low)) || pg_temp.mth(low + pg_temp.k(high - low), high)) END;
END $$;
CREATE FUNCTION pg_temp.path(m bigint, low bigint, high bigint) RETURNS bytea[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	middle bigint := low + pg_temp.k(high - low);
BEGIN
	RETURN CASE
		WHEN high - low = 1 THEN '{}'
		WHEN m < middle THEN pg_temp.path(m, low, middle) || pg_temp.mth(middle, high)
		ELSE pg_temp.path(m, middle, high) || pg_temp.mth(low, middle) END;
END $$;
CREATE FUNCTION pg_temp.subproof(m bigint, low bigint, high bigint, b boolean) RETURNS bytea[] LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
	k bigint := pg_temp.k(high - low);
BEGIN
	RETURN CASE
		WHEN m = high - low AND b THEN '{}'
		WHEN m = high - low THEN ARRAY[pg_temp.mth(low, high)]
		WHEN m <= k THEN pg_temp.subproof(m, low, low + k, b) || pg_temp.mth(low + k, high)
		ELSE pg_temp.subproof(m - k, low + k, high, false) || pg_temp.mth(low, low + k) END;
END $$;
SELECT is_empty(
	$$SELECT n FROM generate_series(0, 40) AS n WHERE athar.merkle_root(pg_temp.leaves(n)) <> pg_temp.mth(0, n)$$,
	'roots are those of the definition');
SELECT is_empty(
	$$SELECT n, m FROM generate_series(1, 20) AS n, generate_series(0, n - 1) AS m WHERE athar.merkle_inclusion(pg_temp.leaves(n), m) <> pg_temp.path(m, 0, n)$$,
	'so are proofs of inclusion');
SELECT is_empty(
	$$SELECT n, m FROM generate_series(1, 20) AS n, generate_series(1, n) AS m WHERE athar.merkle_consistency(pg_temp.leaves(n), m) <> pg_temp.subproof(m, 0, n, true)$$,
	'so are proofs of consistency');

-- Every size to 70, and some to 1000: what is proven holds, and nothing else does.
CREATE TEMP TABLE tree AS
SELECT n::bigint, pg_temp.leaves(n) AS leaves, athar.merkle_root(pg_temp.leaves(n)) AS root
FROM (SELECT generate_series(0, 70) UNION SELECT 71 + (random() * 929)::integer FROM generate_series(1, 8) UNION VALUES (127), (128), (129), (255), (256), (257), (1000)) AS s (n);
CREATE INDEX ON tree (n);
CREATE TEMP TABLE inclusion AS
SELECT t.n, m, t.root, athar.leaf_hash(t.leaves[m + 1]) AS leaf, athar.merkle_inclusion(t.leaves, m) AS proof
FROM tree AS t, generate_series(0, t.n - 1) AS m
WHERE t.n <= 70 OR m % 37 = 0 OR m >= t.n - 2;
CREATE TEMP TABLE consistency AS
SELECT t.n, m, t.root, f.root AS first_root, athar.merkle_consistency(t.leaves, m) AS proof
FROM tree AS t, generate_series(1, t.n) AS m
JOIN tree AS f ON f.n = m;
SELECT is_empty(
	$$SELECT n, m FROM inclusion WHERE athar.verify_inclusion(leaf, m, n, proof, root) IS NOT TRUE$$,
	'every leaf of a tree is proven');
SELECT is_empty(
	$$SELECT n, m FROM consistency WHERE athar.verify_consistency(m, first_root, n, root, proof) IS NOT TRUE$$,
	'every tree is proven to go on from the smaller ones');
SELECT cmp_ok((SELECT count(*) FROM inclusion), '>', 2500::bigint, 'many leaves were');
SELECT cmp_ok((SELECT count(*) FROM consistency), '>', 3000::bigint, 'many trees were');

-- One thing after the other is wrong.
CREATE FUNCTION pg_temp.flip(hash bytea) RETURNS bytea LANGUAGE SQL IMMUTABLE AS $$SELECT set_bit(hash, 77, 1 - get_bit(hash, 77))$$;
SELECT is_empty(
	$$SELECT i.n, i.m, w.what FROM inclusion AS i,
		LATERAL (VALUES
			('leaf', pg_temp.flip(leaf), m, n, proof, root),
			('root', leaf, m, n, proof, pg_temp.flip(root)),
			('next index', leaf, m + 1, n, proof, root),
			('index before', leaf, m - 1, n, proof, root),
			('index of the size', leaf, n, n, proof, root),
			('a large index', leaf, m + (1::bigint << 40), n, proof, root),
			('negative size', leaf, m, -n, proof, root),
			('size 0', leaf, m, 0, proof, root),
			('largest size', leaf, m, 9223372036854775807, proof, root),
			('one more hash', leaf, m, n, proof || root, root),
			('one more hash before', leaf, m, n, root || proof, root),
			('one hash less', leaf, m, n, trim_array(proof, least(1, cardinality(proof))), root),
			('first hash changed', leaf, m, n, pg_temp.flip(proof[1]) || proof[2:], root),
			('last hash changed', leaf, m, n, trim_array(proof, least(1, cardinality(proof))) || pg_temp.flip(proof[cardinality(proof)]), root),
			('a NULL in it', leaf, m, n, proof || NULL::bytea, root),
			('a short hash', leaf, m, n, proof[2:] || '\x00'::bytea, root),
			('a long hash', leaf, m, n, proof[2:] || (root || '\x00'), root),
			('short leaf', substring(leaf FROM 2), m, n, proof, root),
			('short root', leaf, m, n, proof, substring(root FROM 2)),
			('no root', leaf, m, n, proof, ''::bytea)
		) AS w (what, leaf, m, n, proof, root)
	WHERE athar.verify_inclusion(w.leaf, w.m, w.n, w.proof, w.root) IS NOT FALSE
		-- what is no change in a tree of one leaf; the last leaf but one of an odd tree may stand at its side, too
		AND NOT (i.n = 1 AND w.what IN ('one hash less'))
		AND NOT (i.proof[1] IS NULL AND w.what LIKE '%hash changed')$$,
	'a wrong proof of inclusion is refused, whatever is wrong');
SELECT is_empty(
	$$SELECT c.n, c.m, w.what FROM consistency AS c,
		LATERAL (VALUES
			('first root', m, pg_temp.flip(first_root), n, root, proof),
			('root', m, first_root, n, pg_temp.flip(root), proof),
			('sizes changed about', n, first_root, m, root, proof),
			('roots changed about', m, root, n, first_root, proof),
			('negative size', -m, first_root, n, root, proof),
			('size 0', 0, first_root, n, root, proof),
			('size too large', n + 1, first_root, n, root, proof),
			('largest size', m, first_root, 9223372036854775807, root, proof),
			('one more hash', m, first_root, n, root, proof || root),
			('one hash less', m, first_root, n, root, trim_array(proof, least(1, cardinality(proof)))),
			('no hash', m, first_root, n, root, '{}'),
			('first hash changed', m, first_root, n, root, pg_temp.flip(proof[1]) || proof[2:]),
			('a NULL in it', m, first_root, n, root, proof || NULL::bytea),
			('a short hash', m, first_root, n, root, proof || '\x00'::bytea),
			('short root', m, first_root, n, substring(root FROM 2), proof),
			('no first root', m, ''::bytea, n, root, proof)
		) AS w (what, m, first_root, n, root, proof)
	WHERE athar.verify_consistency(w.m, w.first_root, w.n, w.root, w.proof) IS NOT FALSE
		AND NOT (c.n = c.m AND w.what IN ('one hash less', 'no hash', 'sizes changed about', 'roots changed about'))$$,
	'a wrong proof of consistency is refused, whatever is wrong');
SELECT ok(athar.verify_consistency(0, sha256(''), n, root, '{}'), format('size %s goes on from nothing', n)) FROM tree WHERE n IN (0, 1, 7);
SELECT ok(NOT athar.verify_consistency(0, root, n, root, '{}'), 'but nothing has one root only') FROM tree WHERE n = 7;
SELECT ok(NOT athar.verify_inclusion(root, 0, 1, ARRAY[ARRAY[root, root], ARRAY[root, root]], root), 'proofs have one dimension') FROM tree WHERE n = 7;
SELECT ok(NOT athar.verify_inclusion(root, 0, 1::bigint << 62, array_fill(root, ARRAY[100000]), root), 'a long proof is refused, not tried') FROM tree WHERE n = 7;
WITH RECURSIVE climb (height, hash) AS (
	SELECT 0, athar.leaf_hash('x')
	UNION ALL
	SELECT height + 1, athar.node_hash(hash, hash) FROM climb WHERE height < 18
)
SELECT is(athar.merkle_root(array_fill('x'::bytea, ARRAY[262144])), hash, 'a quarter of a million leaves') FROM climb WHERE height = 18;

SELECT * FROM finish();
ROLLBACK;
