/*
 * undo_find.h
 *	  The rows of a transaction that is to be undone, as they are now; and
 *	  rows that depend on them.
 */
#ifndef ATHAR_UNDO_FIND_H
#define ATHAR_UNDO_FIND_H

#include "undo.h"

/* Takes a row that was found; false: no more are wanted. */
typedef bool (*athar_undo_taker) (void *context, Oid tableoid,
								  ItemPointer tid, HeapTupleHeader row);

extern SPIPlanPtr athar_undo_prepare(athar_undo *run, const char *text,
									 int nargs, Oid *types);
extern void athar_undo_find(athar_undo *run, Oid relid, const char *condition,
							const char *locking, int nargs, Oid *types,
							Datum *values, int batch, athar_undo_taker taker,
							void *context);
extern char *athar_undo_condition(athar_undo_row *row, Jsonb *key, int *nargs,
								  Oid *types, Datum *values);
extern char *athar_undo_link_condition(athar_undo_link *link,
									   athar_shape *shape, const char *alias,
									   Datum *row_values, bool *row_nulls,
									   Oid *types, Datum *values);
extern athar_undo_row *athar_undo_live_row(athar_undo *run, Oid tableoid,
										   ItemPointer tid);
extern void athar_undo_find_live(athar_undo *run);

#endif							/* ATHAR_UNDO_FIND_H */
