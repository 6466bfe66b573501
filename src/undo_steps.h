/*
 * undo_steps.h
 *	  What differs in the end, and the writes that put it back.
 */
#ifndef ATHAR_UNDO_STEPS_H
#define ATHAR_UNDO_STEPS_H

#include "nodes/nodes.h"

#include "undo.h"

/* One write of the undo. */
typedef struct athar_undo_step
{
	athar_undo_row *row;
	int64		entry_id;
	CmdType		operation;
	Jsonb	   *key;			/* before the write; of an insert, its own */
	Jsonb	   *old_values;
	Jsonb	   *new_values;
} athar_undo_step;

extern void athar_undo_compare(athar_undo *run);
extern List *athar_undo_steps(athar_undo *run);

#endif							/* ATHAR_UNDO_STEPS_H */
