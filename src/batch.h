/*
 * batch.h
 *	  What was sealed when: batches, and which leaf is whose.
 */
#ifndef ATHAR_BATCH_H
#define ATHAR_BATCH_H

#include "datatype/timestamp.h"

#include "merkle.h"

/* Neighbouring entries of a batch, [low, high), and the leaf of the first. */
typedef struct athar_id_range
{
	int64		low;
	int64		high;
	int64		leaf;
} athar_id_range;

typedef struct athar_batch
{
	int64		id;				/* 0: there is none */
	TimestampTz sealed_at;
	char	   *origin;
	int64		cluster;
	int64		first_leaf;
	int64		leaves;
	int64		tree_size;
	bytea	   *root;
	uint64		first_xid;
	uint64		horizon;
	bool		is_cut;			/* short of its horizon, after resume_after */
	int64		resume_after;
	int64		floor_transaction_id;
	int64		floor_entry_id;
	int64		last_transaction_id;
	int64		last_entry_id;
	uint64		next_xid;
	int			range_count;
	athar_id_range *ranges;		/* ascending */
} athar_batch;

/* Which batches to read, as SQL after FROM athar.seal_batch AS b. */
#define ATHAR_BATCH_NEWEST " ORDER BY b.id DESC LIMIT 1"

extern int	athar_batch_read(const char *which, int count, const int64 *values,
							 athar_batch **batches);
extern void athar_batch_newest(athar_batch *batch);
extern int64 athar_batch_tree_size(void);
extern void athar_batch_floor(int64 cluster, uint64 first_xid,
							  athar_batch *batch);
extern bool athar_batch_root_is(const athar_batch *batch,
								const athar_hash *hash);
extern void athar_batch_store(athar_batch *batch, const athar_hash *root);
extern int	athar_batch_decode(Datum value, int64 leaf,
							   athar_id_range **ranges);
extern Datum athar_batch_ids(const athar_id_range *ranges, int count);
extern athar_id_range *athar_batch_find(athar_id_range *ranges, int count,
										int64 id);
extern void athar_batch_sort(athar_id_range *ranges, int count);
extern int	athar_batch_pieces(const athar_batch *batches, int count,
							   athar_id_range **pieces);

#endif							/* ATHAR_BATCH_H */
