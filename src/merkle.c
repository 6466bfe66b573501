/*
 * merkle.c
 *	  Hash trees as in RFC 6962: hashes of leaves and nodes, roots, proofs.
 *
 * A leaf's hash is SHA-256 over a zero byte and the leaf, a node's over a one
 * byte and its two children, so neither can be passed off as the other.  What
 * is here knows no table: where hashes are stored, and how a leaf is written,
 * is told elsewhere, and everything can be checked with public test vectors.
 *
 * The server's SHA-256 is used, one context for all hashes of a call: making
 * one for each costs as much as the hashing.  The server frees it if the call
 * ends in an error: its memory or its resource owner goes.
 *
 * A proof does not bind the size of the tree: one for size 7 may hold for
 * size 6 as well.  Size and root are to be taken from one checkpoint.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "merkle.h"

/* Interrupts are looked for once in as many leaves. */
#define LEAVES_BETWEEN_CHECKS 4096

/* Leaves given as an array. */
typedef struct leaf_tree
{
	athar_tree	tree;
	Datum	   *leaves;
	int			count;
} leaf_tree;

/*
 * Hashing
 */

/* The hash of a leaf; leaves and nodes are told apart by their first byte. */
void
athar_merkle_leaf(athar_hasher *hasher, const void *leaf, Size length,
				  athar_hash *hash)
{
	static const uint8 kind = 0;

	athar_sha256_start(hasher);
	athar_sha256_add(hasher, &kind, 1);
	athar_sha256_add(hasher, leaf, length);
	athar_sha256_finish(hasher, hash->bytes);
}

/* The hash may overwrite one of the children. */
static void
hash_node(athar_hasher *hasher, const athar_hash *left,
		  const athar_hash *right, athar_hash *hash)
{
	uint8		data[1 + 2 * ATHAR_HASH_BYTES];

	data[0] = 1;
	memcpy(data + 1, left->bytes, ATHAR_HASH_BYTES);
	memcpy(data + 1 + ATHAR_HASH_BYTES, right->bytes, ATHAR_HASH_BYTES);
	athar_sha256_start(hasher);
	athar_sha256_add(hasher, data, sizeof(data));
	athar_sha256_finish(hasher, hash->bytes);
}

/* The root of the tree without leaves: SHA-256 over nothing. */
void
athar_merkle_nothing(athar_hasher *hasher, athar_hash *hash)
{
	athar_sha256_start(hasher);
	athar_sha256_finish(hasher, hash->bytes);
}

bool
athar_merkle_is_same(const athar_hash *a, const athar_hash *b)
{
	return memcmp(a->bytes, b->bytes, ATHAR_HASH_BYTES) == 0;
}

/*
 * A tree that grows
 */

/* Add a complete subtree at the right; the size is a multiple of its own. */
void
athar_merkle_append(athar_hasher *hasher, athar_peaks *peaks, int height,
					const athar_hash *hash)
{
	athar_hash	up = *hash;
	int			h = height;

	Assert(peaks->size % ((int64) 1 << height) == 0);
	while ((peaks->size >> h) & 1)
		hash_node(hasher, &peaks->at[h++], &up, &up);
	peaks->at[h] = up;
	peaks->size += (int64) 1 << height;
}

/*
 * Join the complete subtrees from right to left, the root of what stands to
 * the right of them (if any) being in *hash already.  False if there is none.
 */
bool
athar_merkle_fold(athar_hasher *hasher, const athar_peaks *peaks,
				  bool has_right, athar_hash *hash)
{
	bool		has_any = has_right;

	for (int h = 0; h < ATHAR_MERKLE_HEIGHTS - 1; h++)
	{
		if (((peaks->size >> h) & 1) == 0)
			continue;
		if (has_any)
			hash_node(hasher, &peaks->at[h], hash, hash);
		else
			*hash = peaks->at[h];
		has_any = true;
	}
	return has_any;
}

/*
 * Roots and proofs
 */

/* The hash of the leaves [low, high), where low is one a tree is cut at. */
static void
range_hash(athar_tree *tree, int64 low, int64 high, athar_hash *hash)
{
	athar_hash	parts[ATHAR_MERKLE_HEIGHTS];
	int			count = 0;

	while (low < high)
	{
		int			height = 0;

		while (low % ((int64) 2 << height) == 0 &&
			   high - low >= ((int64) 2 << height))
			height++;
		tree->read(tree, height, low >> height, &parts[count++]);
		low += (int64) 1 << height;
	}
	*hash = parts[--count];
	while (count > 0)
		hash_node(tree->hasher, &parts[--count], hash, hash);
}

void
athar_merkle_compute_root(athar_tree *tree, int64 size, athar_hash *root)
{
	if (size == 0)
		athar_merkle_nothing(tree->hasher, root);
	else
		range_hash(tree, 0, size, root);
}

/* Where a tree of so many leaves is cut: the largest power of two below. */
static int64
cut(int64 size)
{
	int64		half = 1;

	while (half < size - half)
		half *= 2;
	return half;
}

static void
push(athar_tree *tree, athar_proof *proof, int64 low, int64 high)
{
	range_hash(tree, low, high, &proof->hashes[proof->count++]);
}

static void
reverse(athar_proof *proof)
{
	for (int i = 0, j = proof->count - 1; i < j; i++, j--)
	{
		athar_hash	hash = proof->hashes[i];

		proof->hashes[i] = proof->hashes[j];
		proof->hashes[j] = hash;
	}
}

/* PATH(index, D[size]) of RFC 6962, found from the root down. */
void
athar_merkle_prove_inclusion(athar_tree *tree, int64 index, int64 size,
							 athar_proof *proof)
{
	int64		low = 0;
	int64		high = size;

	proof->count = 0;
	while (high - low > 1)
	{
		int64		middle = low + cut(high - low);

		if (index < middle)
		{
			push(tree, proof, middle, high);
			high = middle;
		}
		else
		{
			push(tree, proof, low, middle);
			low = middle;
		}
	}
	reverse(proof);
}

/* PROOF(first, D[second]) of RFC 6962; empty from size 0. */
void
athar_merkle_prove_consistency(athar_tree *tree, int64 first, int64 second,
							   athar_proof *proof)
{
	int64		low = 0;
	int64		high = second;

	proof->count = 0;
	if (first == 0)
		return;
	while (first < high)
	{
		int64		middle = low + cut(high - low);

		if (first <= middle)
		{
			push(tree, proof, middle, high);
			high = middle;
		}
		else
		{
			push(tree, proof, low, middle);
			low = middle;
		}
	}
	if (low > 0)
		push(tree, proof, low, high);
	reverse(proof);
}

/* RFC 9162, 2.1.3.2. */
static bool
verify_inclusion(athar_hasher *hasher, const athar_hash *leaf, int64 index,
				 int64 size, const athar_proof *proof, const athar_hash *root)
{
	athar_hash	hash = *leaf;
	int64		last = size - 1;

	if (index < 0 || index >= size)
		return false;
	for (int i = 0; i < proof->count; i++)
	{
		if (last == 0)
			return false;
		if ((index & 1) == 0 && index != last)
			hash_node(hasher, &hash, &proof->hashes[i], &hash);
		else
		{
			hash_node(hasher, &proof->hashes[i], &hash, &hash);
			while ((index & 1) == 0 && index != 0)
			{
				index >>= 1;
				last >>= 1;
			}
		}
		index >>= 1;
		last >>= 1;
	}
	return last == 0 && athar_merkle_is_same(&hash, root);
}

/* The steps of RFC 9162, 2.1.4.2 for 0 < first < second. */
static bool
verify_growth(athar_hasher *hasher, int64 first, const athar_hash *first_root,
			  int64 second, const athar_hash *second_root,
			  const athar_proof *proof)
{
	bool		is_complete = (first & (first - 1)) == 0;
	int64		index = first - 1;
	int64		last = second - 1;
	int			next = is_complete ? 0 : 1;
	athar_hash	old;
	athar_hash	new;

	if (proof->count < 1)
		return false;
	while (index & 1)
	{
		index >>= 1;
		last >>= 1;
	}
	old = new = is_complete ? *first_root : proof->hashes[0];
	for (; next < proof->count; next++)
	{
		if (last == 0)
			return false;
		if ((index & 1) == 0 && index != last)
			hash_node(hasher, &new, &proof->hashes[next], &new);
		else
		{
			hash_node(hasher, &proof->hashes[next], &old, &old);
			hash_node(hasher, &proof->hashes[next], &new, &new);
			while ((index & 1) == 0 && index != 0)
			{
				index >>= 1;
				last >>= 1;
			}
		}
		index >>= 1;
		last >>= 1;
	}
	return last == 0 && athar_merkle_is_same(&old, first_root) && athar_merkle_is_same(&new, second_root);
}

static bool
verify_consistency(athar_hasher *hasher, int64 first,
				   const athar_hash *first_root, int64 second,
				   const athar_hash *second_root, const athar_proof *proof)
{
	athar_hash	nothing;

	if (first < 0 || first > second)
		return false;
	athar_merkle_nothing(hasher, &nothing);
	if ((first == 0 && !athar_merkle_is_same(first_root, &nothing)) ||
		(second == 0 && !athar_merkle_is_same(second_root, &nothing)))
		return false;
	if (first == second)
		return proof->count == 0 && athar_merkle_is_same(first_root, second_root);
	if (first == 0)
		return proof->count == 0;
	return verify_growth(hasher, first, first_root, second, second_root,
						 proof);
}

/*
 * Arguments and results
 */

Datum
athar_merkle_datum(const athar_hash *hash)
{
	bytea	   *value = palloc(VARHDRSZ + ATHAR_HASH_BYTES);

	SET_VARSIZE(value, VARHDRSZ + ATHAR_HASH_BYTES);
	memcpy(VARDATA(value), hash->bytes, ATHAR_HASH_BYTES);
	return PointerGetDatum(value);
}

ArrayType *
athar_merkle_array(const athar_proof *proof)
{
	Datum	   *values = palloc(sizeof(Datum) * (proof->count + 1));

	for (int i = 0; i < proof->count; i++)
		values[i] = athar_merkle_datum(&proof->hashes[i]);
	return construct_array(values, proof->count, BYTEAOID, -1, false,
						   TYPALIGN_INT);
}

/* False if it is not the length of a hash. */
static bool
read_hash(bytea *value, athar_hash *hash)
{
	if (VARSIZE_ANY_EXHDR(value) != ATHAR_HASH_BYTES)
		return false;
	memcpy(hash->bytes, VARDATA_ANY(value), ATHAR_HASH_BYTES);
	return true;
}

/* False if it cannot be a proof. */
static bool
read_proof(ArrayType *array, athar_proof *proof)
{
	Datum	   *values;
	int			count;

	if (ARR_NDIM(array) > 1 ||
		ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)) > ATHAR_PROOF_LIMIT ||
		array_contains_nulls(array))
		return false;
	deconstruct_array(array, BYTEAOID, -1, false, TYPALIGN_INT, &values, NULL,
					  &count);
	proof->count = count;
	for (int i = 0; i < count; i++)
		if (!read_hash(DatumGetByteaPP(values[i]), &proof->hashes[i]))
			return false;
	return true;
}

void
athar_merkle_check_index(int64 index, int64 size)
{
	if (index >= 0 && index < size)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("leaf index %lld is out of range", (long long) index),
			 errdetail("The tree has %lld leaves, counted from 0.",
					   (long long) size),
			 errhint("Take the size from a checkpoint, and an index below it.")));
}

void
athar_merkle_check_sizes(int64 first, int64 second)
{
	if (first >= 0 && first <= second)
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("tree size %lld is out of range", (long long) first),
			 errdetail("It must lie between 0 and %lld.",
					   (long long) second),
			 errhint("Take sizes from checkpoints, the older one first.")));
}

/*
 * Trees over an array of leaves
 */

/* Hash the leaves under a subtree; nothing is kept, so memory stays small. */
static void
read_leaves(athar_tree *tree, int height, int64 index, athar_hash *hash)
{
	leaf_tree  *source = (leaf_tree *) tree;
	athar_peaks peaks;
	int64		low = index << height;

	peaks.size = 0;
	for (int64 i = low; i < low + ((int64) 1 << height); i++)
	{
		bytea	   *leaf = DatumGetByteaPP(source->leaves[i]);

		if (i % LEAVES_BETWEEN_CHECKS == 0)
			CHECK_FOR_INTERRUPTS();
		athar_merkle_leaf(tree->hasher, VARDATA_ANY(leaf),
						  VARSIZE_ANY_EXHDR(leaf), hash);
		athar_merkle_append(tree->hasher, &peaks, 0, hash);
	}
	*hash = peaks.at[height];
}

static void
begin_leaves(ArrayType *array, leaf_tree *source)
{
	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("leaves must be an array of one dimension without NULLs"),
				 errdetail("No tree can be made of them."),
				 errhint("Give every leaf as bytea; an empty one is allowed.")));
	deconstruct_array(array, BYTEAOID, -1, false, TYPALIGN_INT,
					  &source->leaves, NULL, &source->count);
	source->tree.hasher = athar_sha256_begin();
	source->tree.read = read_leaves;
}

/* The hash of a leaf. */
PG_FUNCTION_INFO_V1(athar_leaf_hash);
Datum
athar_leaf_hash(PG_FUNCTION_ARGS)
{
	bytea	   *leaf = PG_GETARG_BYTEA_PP(0);
	athar_hasher *hasher = athar_sha256_begin();
	athar_hash	hash;

	athar_merkle_leaf(hasher, VARDATA_ANY(leaf), VARSIZE_ANY_EXHDR(leaf),
					  &hash);
	athar_sha256_end(hasher);
	return athar_merkle_datum(&hash);
}

static void
get_hash(FunctionCallInfo fcinfo, int argno, athar_hash *hash)
{
	if (!read_hash(PG_GETARG_BYTEA_PP(argno), hash))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a hash must have %d bytes", ATHAR_HASH_BYTES),
				 errdetail("It is a SHA-256."),
				 errhint("Give bytes, not their text in hexadecimal digits.")));
}

/* The hash of a node over two others. */
PG_FUNCTION_INFO_V1(athar_node_hash);
Datum
athar_node_hash(PG_FUNCTION_ARGS)
{
	athar_hasher *hasher;
	athar_hash	left;
	athar_hash	right;

	get_hash(fcinfo, 0, &left);
	get_hash(fcinfo, 1, &right);
	hasher = athar_sha256_begin();
	hash_node(hasher, &left, &right, &left);
	athar_sha256_end(hasher);
	return athar_merkle_datum(&left);
}

/* Whether a proof leads from a leaf to the root. */
PG_FUNCTION_INFO_V1(athar_verify_inclusion);
Datum
athar_verify_inclusion(PG_FUNCTION_ARGS)
{
	athar_hash	leaf;
	athar_hash	root;
	athar_proof proof;
	athar_hasher *hasher;
	bool		result;

	if (!read_hash(PG_GETARG_BYTEA_PP(0), &leaf) ||
		!read_proof(PG_GETARG_ARRAYTYPE_P(3), &proof) ||
		!read_hash(PG_GETARG_BYTEA_PP(4), &root))
		PG_RETURN_BOOL(false);
	hasher = athar_sha256_begin();
	result = verify_inclusion(hasher, &leaf, PG_GETARG_INT64(1),
							  PG_GETARG_INT64(2), &proof, &root);
	athar_sha256_end(hasher);
	PG_RETURN_BOOL(result);
}

/* Whether a proof shows that one tree is the beginning of another. */
PG_FUNCTION_INFO_V1(athar_verify_consistency);
Datum
athar_verify_consistency(PG_FUNCTION_ARGS)
{
	athar_hash	first_root;
	athar_hash	second_root;
	athar_proof proof;
	athar_hasher *hasher;
	bool		result;

	if (!read_hash(PG_GETARG_BYTEA_PP(1), &first_root) ||
		!read_hash(PG_GETARG_BYTEA_PP(3), &second_root) ||
		!read_proof(PG_GETARG_ARRAYTYPE_P(4), &proof))
		PG_RETURN_BOOL(false);
	hasher = athar_sha256_begin();
	result = verify_consistency(hasher, PG_GETARG_INT64(0), &first_root,
								PG_GETARG_INT64(2), &second_root, &proof);
	athar_sha256_end(hasher);
	PG_RETURN_BOOL(result);
}

/* The root over leaves. */
PG_FUNCTION_INFO_V1(athar_merkle_root);
Datum
athar_merkle_root(PG_FUNCTION_ARGS)
{
	leaf_tree	source;
	athar_hash	root;

	begin_leaves(PG_GETARG_ARRAYTYPE_P(0), &source);
	athar_merkle_compute_root(&source.tree, source.count, &root);
	athar_sha256_end(source.tree.hasher);
	return athar_merkle_datum(&root);
}

/* The proof that a leaf is among leaves. */
PG_FUNCTION_INFO_V1(athar_merkle_inclusion);
Datum
athar_merkle_inclusion(PG_FUNCTION_ARGS)
{
	leaf_tree	source;
	athar_proof proof;

	begin_leaves(PG_GETARG_ARRAYTYPE_P(0), &source);
	athar_merkle_check_index(PG_GETARG_INT64(1), source.count);
	athar_merkle_prove_inclusion(&source.tree, PG_GETARG_INT64(1), source.count,
								 &proof);
	athar_sha256_end(source.tree.hasher);
	PG_RETURN_ARRAYTYPE_P(athar_merkle_array(&proof));
}

/* The proof that leaves begin with the first of them. */
PG_FUNCTION_INFO_V1(athar_merkle_consistency);
Datum
athar_merkle_consistency(PG_FUNCTION_ARGS)
{
	leaf_tree	source;
	athar_proof proof;

	begin_leaves(PG_GETARG_ARRAYTYPE_P(0), &source);
	athar_merkle_check_sizes(PG_GETARG_INT64(1), source.count);
	athar_merkle_prove_consistency(&source.tree, PG_GETARG_INT64(1), source.count,
								   &proof);
	athar_sha256_end(source.tree.hasher);
	PG_RETURN_ARRAYTYPE_P(athar_merkle_array(&proof));
}
