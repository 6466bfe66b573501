/*
 * capture.h
 *	  The trigger that writes changes into the log, and what else writes down
 *	  all rows of a table.
 */
#ifndef ATHAR_CAPTURE_H
#define ATHAR_CAPTURE_H

#include "executor/tuptable.h"
#include "value.h"

/* Takes one row, in memory that lasts for it, with settings pinned. */
typedef void (*athar_row_logger) (void *context, Relation relation,
								  TupleTableSlot *slot);

extern void athar_capture_init(void);
extern int	athar_capture_limit(void);
extern void athar_capture_each_row(Relation relation, athar_shape *shape,
								   athar_row_logger work, void *context);

#endif							/* ATHAR_CAPTURE_H */
