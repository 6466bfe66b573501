/*
 * baseline.h
 *	  What a tracked table held at a moment, in one figure: the state from
 *	  which the log must lead to the present one.
 */
#ifndef ATHAR_BASELINE_H
#define ATHAR_BASELINE_H

#include "lib/stringinfo.h"
#include "sha256.h"
#include "mark.h"
#include "tracking.h"

/* A column that the digest covers. */
typedef struct athar_covered
{
	int32		number;			/* as in tracked_column */
	char	   *type;			/* spelled out with what values' text hangs on */
	int			position;		/* in the table's shape now, or -1 */
} athar_covered;

/* Rows, and the sum of their hashes, whatever their order. */
typedef struct athar_sum
{
	int64		row_count;
	uint8		digest[ATHAR_HASH_BYTES];	/* big-endian */
} athar_sum;

/* What hashing row after row needs. */
typedef struct athar_row_hasher
{
	athar_hasher *sha256;
	StringInfoData text;
} athar_row_hasher;

typedef struct athar_baseline
{
	int32		lineage;
	int32		table_id;
	const char *origin;			/* track, check or accept */
	athar_mark	mark;			/* what it saw */
	athar_sum	sum;
	List	   *columns;		/* of athar_covered */
	TimestampTz complete_since;
	const char *reason;			/* or NULL */
} athar_baseline;

/* Takes a row as the table's columns are; may change the arrays. */
typedef void (*athar_row_taker) (void *context, Datum *values, bool *nulls);

extern List *athar_baseline_columns(Relation relation, List *fields,
									athar_shape *shape);
extern void athar_baseline_begin_hash(athar_row_hasher *hasher);
extern void athar_baseline_end_hash(athar_row_hasher *hasher);
extern void athar_baseline_hash(athar_row_hasher *hasher, athar_shape *shape,
								List *columns, Datum *values, bool *nulls,
								uint8 *hash);
extern void athar_baseline_add(athar_sum *sum, const uint8 *hash);
extern void athar_baseline_scan(Relation relation, athar_shape *shape,
								athar_row_taker taker, void *context);
extern Oid	athar_baseline_unreadable(Relation relation);
extern void athar_baseline_snapshot(athar_baseline *baseline);
extern bool athar_baseline_read(int32 lineage, TimestampTz at, int64 mark_id,
								athar_baseline *baseline);
extern void athar_baseline_write(athar_baseline *baseline);
extern void athar_baseline_take(Oid relid, athar_tracked *tracked,
								const char *origin, const char *reason);

#endif							/* ATHAR_BASELINE_H */
