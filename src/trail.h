/*
 * trail.h
 *	  What became of each row with a key, as entries of the log tell it.
 */
#ifndef ATHAR_TRAIL_H
#define ATHAR_TRAIL_H

#include "keymap.h"
#include "value.h"

/* What became of a row that the mark sees, or that came after it. */
typedef enum athar_fate
{
	ATHAR_PATCHED,				/* is there, with older values */
	ATHAR_ADDED,				/* was not there */
	ATHAR_GONE					/* was there, or came and went */
} athar_fate;

/*
 * One row.  first: the values of changed columns, or of all, before the first
 * change: at the mark, unless it was not there.  last: what was logged last,
 * of the newest transaction alone, or while watching of all; or NULL.
 */
typedef struct athar_trail
{
	athar_fate	fate;
	Jsonb	   *first;
	Jsonb	   *last;
	List	   *gaps;
	uint64		xid;			/* of the newest entry */
	bool		is_met;			/* among the present rows */
	bool		is_noted;
} athar_trail;

/* Where entries do not fit, while watching. */
typedef struct athar_misfit
{
	Jsonb	   *key;
	char	   *problem;		/* what is wrong with the row */
} athar_misfit;

/*
 * All rows.  Watching: values are compared in the columns of a mask, and
 * misfits are counted, the first few of them kept.
 */
typedef struct athar_trails
{
	MemoryContext context;
	HTAB	   *rows;
	List	   *gone;			/* of athar_trail with values */
	athar_shape *shape;
	const bool *watched;		/* columns of shape, or NULL */
	List	   *misfits;		/* of athar_misfit */
	int64		misfit_count;
} athar_trails;

extern athar_trails *athar_trail_begin(athar_shape *shape,
									   MemoryContext context);
extern athar_trail *athar_trail_find(athar_trails *trails, Jsonb *key);
extern void athar_trail_insert(athar_trails *trails, Jsonb *key,
							   Jsonb *new_values, uint64 xid, int64 id);
extern void athar_trail_update(athar_trails *trails, Jsonb *key,
							   Jsonb *next_key, Jsonb *old_values,
							   Jsonb *new_values, uint64 xid, int64 id);
extern void athar_trail_remove(athar_trails *trails, Jsonb *key,
							   Jsonb *old_values, uint64 xid, int64 id);
extern void athar_trail_note(athar_trails *trails, Jsonb *key,
							 const char *problem);
extern void athar_trail_meet(athar_trails *trails, athar_trail *trail,
							 Jsonb *key, Jsonb *row);
extern void athar_trail_finish(athar_trails *trails);

#endif							/* ATHAR_TRAIL_H */
