/*
 * merkle.h
 *	  Hash trees as in RFC 6962: hashes of leaves and nodes, roots, proofs.
 */
#ifndef ATHAR_MERKLE_H
#define ATHAR_MERKLE_H

#include "utils/array.h"

#include "sha256.h"

/* More heights than a tree with a bigint of leaves has. */
#define ATHAR_MERKLE_HEIGHTS 64

/* Most hashes a proof can have. */
#define ATHAR_PROOF_LIMIT (2 * ATHAR_MERKLE_HEIGHTS)

typedef struct athar_hash
{
	uint8		bytes[ATHAR_HASH_BYTES];
} athar_hash;

/*
 * A tree that grows to the right: the roots of its complete subtrees, by
 * height, one for each bit of its size.
 */
typedef struct athar_peaks
{
	int64		size;
	athar_hash	at[ATHAR_MERKLE_HEIGHTS];
} athar_peaks;

/*
 * Where hashes come from: read() gives the root of the complete subtree over
 * the leaves [index << height, (index + 1) << height).
 */
typedef struct athar_tree
{
	athar_hasher *hasher;
	void		(*read) (struct athar_tree *tree, int height, int64 index,
						 athar_hash *hash);
} athar_tree;

typedef struct athar_proof
{
	int			count;
	athar_hash	hashes[ATHAR_PROOF_LIMIT];
} athar_proof;

extern void athar_merkle_leaf(athar_hasher *hasher, const void *leaf,
							  Size length, athar_hash *hash);
extern void athar_merkle_nothing(athar_hasher *hasher, athar_hash *hash);
extern bool athar_merkle_is_same(const athar_hash *a, const athar_hash *b);

extern void athar_merkle_append(athar_hasher *hasher, athar_peaks *peaks,
								int height, const athar_hash *hash);
extern bool athar_merkle_fold(athar_hasher *hasher, const athar_peaks *peaks,
							  bool has_right, athar_hash *hash);

extern void athar_merkle_compute_root(athar_tree *tree, int64 size, athar_hash *root);
extern void athar_merkle_prove_inclusion(athar_tree *tree, int64 index, int64 size,
										 athar_proof *proof);
extern void athar_merkle_prove_consistency(athar_tree *tree, int64 first,
										   int64 second, athar_proof *proof);

extern Datum athar_merkle_datum(const athar_hash *hash);
extern ArrayType *athar_merkle_array(const athar_proof *proof);
extern void athar_merkle_check_index(int64 index, int64 size);
extern void athar_merkle_check_sizes(int64 first, int64 second);

#endif							/* ATHAR_MERKLE_H */
