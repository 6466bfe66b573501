/*
 * move.h
 *	  Rows that move from one partition to another.
 */
#ifndef ATHAR_MOVE_H
#define ATHAR_MOVE_H

#include "executor/tuptable.h"
#include "utils/jsonb.h"

extern void athar_move_leave(int32 lineage, TupleTableSlot *slot, Jsonb *key);
extern Jsonb *athar_move_arrive(int32 lineage, TupleTableSlot *slot);

#endif							/* ATHAR_MOVE_H */
