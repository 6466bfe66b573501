/*
 * buffer.h
 *	  Rows of an append-only table, held back until the statement that causes
 *	  them ends.
 */
#ifndef ATHAR_BUFFER_H
#define ATHAR_BUFFER_H

#include "access/htup.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

/*
 * One statement that may hold rows back: kept on the stack of whoever runs
 * it, within one subtransaction.
 */
typedef struct athar_buffer_level
{
	struct athar_buffer_level *outer;
	SubTransactionId subid;
	MemoryContext context;		/* of the rows; NULL before the first */
	Relation	relation;
	List	   *rows;			/* HeapTuple */
	Size		bytes;
	CommandId	command;		/* which the rows are part of */
	SubTransactionId writer;	/* an inner one that wrote them ahead, or 0 */
} athar_buffer_level;

extern void athar_buffer_init(void);
extern void athar_buffer_begin(athar_buffer_level *level);
extern void athar_buffer_end(athar_buffer_level *level);
extern void athar_buffer_abandon(athar_buffer_level *level);
extern void athar_buffer_add(Oid relid, Datum *values, bool *nulls);
extern void athar_buffer_flush(void);

#endif							/* ATHAR_BUFFER_H */
