/*
 * proof.h
 *	  Checkpoints of the sealed tree.
 */
#ifndef ATHAR_PROOF_H
#define ATHAR_PROOF_H

#include "batch.h"
#include "merkle.h"

/* Room for the base64 of a hash. */
#define ATHAR_ROOT_TEXT 48

typedef struct athar_tree_head
{
	int64		size;
	athar_hash	root;
} athar_tree_head;

extern void athar_proof_init(void);
extern const char *athar_proof_origin(const athar_batch *newest);
extern void athar_proof_root_text(const athar_hash *root,
								  char string[ATHAR_ROOT_TEXT]);
extern bool athar_proof_read(const char *string, athar_tree_head *checkpoint);

#endif							/* ATHAR_PROOF_H */
