/*
 * walk.h
 *	  Along the stored tree: whether entries, tiles and batches agree.
 */
#ifndef ATHAR_WALK_H
#define ATHAR_WALK_H

#include "nodes/pg_list.h"

#include "batch.h"
#include "merkle.h"

typedef enum athar_check
{
	ATHAR_CHANGED,
	ATHAR_MISSING,
	ATHAR_EXPIRED,
	ATHAR_EXTRA,
	ATHAR_TILE,
	ATHAR_ROOT,
	ATHAR_ANCHOR
} athar_check;

#define ATHAR_CHECKS (ATHAR_ANCHOR + 1)

/* How much was looked at, and what does not agree, by check. */
typedef struct athar_findings
{
	MemoryContext context;
	int64		looked_at[ATHAR_CHECKS];
	int64		problems[ATHAR_CHECKS];
	List	   *details[ATHAR_CHECKS];	/* the first of them, as text */
} athar_findings;

/* What was found of a leaf. */
enum
{
	ATHAR_LEAF_UNKNOWN,			/* no batch says whose it is */
	ATHAR_LEAF_ABSENT,			/* there is no such entry */
	ATHAR_LEAF_UNREADABLE,		/* the entry refers to what is gone */
	ATHAR_LEAF_FOUND
};

/* A stretch of leaves, [low, high), as the entries give them. */
typedef struct athar_stretch
{
	int64		low;
	int64		high;
	uint8	   *states;
	int64	   *ids;			/* of the entries */
	athar_hash *hashes;
} athar_stretch;

typedef struct athar_walk athar_walk;

extern void athar_walk_problem(athar_findings *findings, athar_check check,
							   const char *format,...) pg_attribute_printf(3, 4);
extern athar_walk *athar_walk_begin(athar_findings *findings,
									athar_hasher *hasher, int64 tree_size,
									const athar_batch *batches, int count,
									int64 from_leaf);
extern void athar_walk_along(athar_walk *walk, const athar_stretch *stretch);
extern void athar_walk_edges(athar_walk *walk);

#endif							/* ATHAR_WALK_H */
