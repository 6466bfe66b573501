/*
 * move.c
 *	  Rows that move from one partition to another.
 *
 * The server makes a DELETE and an INSERT of such an UPDATE, and triggers are
 * told of nothing else.  But the row that is left behind bears a sign of it,
 * and the event of the new row comes next among those of the same command: so
 * the log can say which key the row had before, and its history goes on.
 * Where the new row never comes, because somebody's trigger refused it, no
 * more is lost than that.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "utils/memutils.h"

#include "move.h"

/* The row that left last, in memory of its transaction. */
static struct
{
	FullTransactionId transaction;
	CommandId	command;
	int32		lineage;
	Jsonb	   *key;
}			left;

static HeapTupleHeader
header_of(TupleTableSlot *slot)
{
	return TTS_IS_BUFFERTUPLE(slot) ?
		ExecFetchSlotHeapTuple(slot, false, NULL)->t_data : NULL;
}

/* Remember a deleted row, if it went to another partition. */
void
athar_move_leave(int32 lineage, TupleTableSlot *slot, Jsonb *key)
{
	HeapTupleHeader row = header_of(slot);

	if (row == NULL || !HeapTupleHeaderIndicatesMovedPartitions(row))
		return;
	/* the key of the row before is in its entry by now */
	if (left.key && FullTransactionIdEquals(left.transaction,
											GetTopFullTransactionId()))
		pfree(left.key);
	left.key = NULL;
	left.transaction = GetTopFullTransactionId();
	left.command = HeapTupleHeaderGetCmax(row);
	left.lineage = lineage;
	left.key = MemoryContextAlloc(TopTransactionContext, VARSIZE(key));
	memcpy(left.key, key, VARSIZE(key));
}

/* The key that an inserted row had in the partition it came from, or NULL. */
Jsonb *
athar_move_arrive(int32 lineage, TupleTableSlot *slot)
{
	HeapTupleHeader row = header_of(slot);

	if (row == NULL || left.key == NULL || left.lineage != lineage ||
		!FullTransactionIdEquals(left.transaction,
								 GetTopFullTransactionId()) ||
		HeapTupleHeaderGetRawCommandId(row) != left.command)
		return NULL;
	left.lineage = 0;			/* found: for no other row */
	return left.key;
}
