/*
 * buffer.c
 *	  Rows of an append-only table, held back until the statement that causes
 *	  them ends.
 *
 * A row trigger learns of one row at a time, and opening a table and its
 * indexes for each costs more than writing it.  So rows are gathered, and
 * written many at once when there are enough of them, when somebody is about
 * to read the table, and when the statement ends: AFTER triggers run inside
 * ExecutorFinish(), or inside COPY FROM, and our hooks there open a level
 * before and close it after.  A level that no hook opened does not exist (the
 * library was loaded in the middle of the statement; the apply of logical
 * replication): then each row is written at once.
 *
 * A level belongs to one subtransaction, and takes rows from that one alone,
 * so what is rolled back is never mixed with what is not.  Somebody may read
 * the table in an inner subtransaction, though.  Then the outer levels' rows
 * are written in that one, but kept; they are written once more if it is
 * rolled back.
 *
 * Rows carry the command they were added in, not the one in which they are
 * written: what is written between a snapshot and its query is seen by it.
 */
#include "athar.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "buffer.h"

/* What is held back at most; more would not make it faster. */
#define MOST_ROWS 1000
#define MOST_BYTES (256 * 1024)

static athar_buffer_level *innermost;
static ExecutorStart_hook_type next_start;
static ExecutorFinish_hook_type next_finish;
static ProcessUtility_hook_type next_utility;

/*
 * Writing
 */

static void
insert_into_index(Relation relation, Relation index, IndexInfo *info,
				  TupleTableSlot **slots, int count)
{
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		FormIndexDatum(info, slots[i], NULL, values, nulls);
		index_insert(index, values, nulls, &slots[i]->tts_tid, relation,
					 info->ii_Unique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO,
					 false, info);
	}
}

static TupleTableSlot **
slots_of(List *rows, TupleDesc descriptor)
{
	TupleTableSlot **slots = palloc(sizeof(TupleTableSlot *) *
									list_length(rows));
	ListCell   *cell;

	foreach(cell, rows)
	{
		TupleTableSlot *slot = MakeSingleTupleTableSlot(descriptor,
														&TTSOpsHeapTuple);

		slots[foreach_current_index(cell)] =
			ExecStoreHeapTuple(lfirst(cell), slot, false);
	}
	return slots;
}

static void
write_rows(athar_buffer_level *level)
{
	Relation	relation = level->relation;
	int			count = list_length(level->rows);
	MemoryContext old = MemoryContextSwitchTo(level->context);
	CatalogIndexState indexes = CatalogOpenIndexes(relation);
	TupleTableSlot **slots;

	/* A copy of the descriptor needs no pin for each slot. */
	slots = slots_of(level->rows,
					 CreateTupleDescCopy(RelationGetDescr(relation)));
	table_multi_insert(relation, slots, count, level->command, 0, NULL);
	for (int i = 0; i < indexes->ri_NumIndices; i++)
	{
		IndexInfo  *info = indexes->ri_IndexRelationInfo[i];

		if (info->ii_ReadyForInserts)
			insert_into_index(relation, indexes->ri_IndexRelationDescs[i],
							  info, slots, count);
	}
	CatalogCloseIndexes(indexes);
	MemoryContextSwitchTo(old);
}

static void
forget_rows(athar_buffer_level *level)
{
	MemoryContextReset(level->context);
	level->rows = NIL;
	level->bytes = 0;
	level->writer = InvalidSubTransactionId;
}

static void
flush_level(athar_buffer_level *level)
{
	SubTransactionId subid = GetCurrentSubTransactionId();

	if (level->rows == NIL || level->writer != InvalidSubTransactionId)
		return;
	write_rows(level);
	if (level->subid == subid)
		forget_rows(level);
	else
		level->writer = subid;
}

/* Write down everything that is held back. */
void
athar_buffer_flush(void)
{
	for (athar_buffer_level *level = innermost; level; level = level->outer)
		flush_level(level);
}

/*
 * Levels
 */

static void
open_level(athar_buffer_level *level)
{
	memset(level, 0, sizeof(*level));
	level->subid = GetCurrentSubTransactionId();
}

/* Write what a level holds, and let go of what it uses. */
static void
close_level(athar_buffer_level *level)
{
	if (level->context == NULL)
		return;
	flush_level(level);
	/* Whoever changes the table's definition waits for the transaction. */
	table_close(level->relation, NoLock);
	MemoryContextDelete(level->context);
}

/*
 * From here on rows are held back.  An error must pass through a PG_CATCH
 * that abandons the level.
 */
void
athar_buffer_begin(athar_buffer_level *level)
{
	open_level(level);
	level->outer = innermost;
	innermost = level;
}

void
athar_buffer_end(athar_buffer_level *level)
{
	close_level(level);
	innermost = level->outer;
}

/* The relation is let go of by the (sub)transaction's own clean-up. */
void
athar_buffer_abandon(athar_buffer_level *level)
{
	innermost = level->outer;
	if (level->context)
		MemoryContextDelete(level->context);
}

static void
add_row(athar_buffer_level *level, Oid relid, Datum *values, bool *nulls)
{
	MemoryContext old;
	HeapTuple	row;

	if (level->context == NULL)
	{
		level->relation = table_open(relid, RowExclusiveLock);
		level->context = AllocSetContextCreate(TopTransactionContext,
											   "athar rows held back",
											   ALLOCSET_DEFAULT_SIZES);
	}
	old = MemoryContextSwitchTo(level->context);
	row = heap_form_tuple(RelationGetDescr(level->relation), values, nulls);
	level->rows = lappend(level->rows, row);
	MemoryContextSwitchTo(old);
	level->bytes += row->t_len;
	level->command = GetCurrentCommandId(true);
}

/* Insert a row into a table, under nobody's privileges, now or soon. */
void
athar_buffer_add(Oid relid, Datum *values, bool *nulls)
{
	athar_buffer_level *level = innermost;

	if (level == NULL || level->subid != GetCurrentSubTransactionId())
	{
		athar_buffer_level alone;

		open_level(&alone);
		add_row(&alone, relid, values, nulls);
		close_level(&alone);
		return;
	}
	add_row(level, relid, values, nulls);
	if (list_length(level->rows) >= MOST_ROWS || level->bytes >= MOST_BYTES)
		flush_level(level);
}

/*
 * Hooks
 */

/* Before a query reads a table that rows are held back from, they are written. */
static void
flush_for(List *relids)
{
	for (athar_buffer_level *level = innermost; level; level = level->outer)
	{
		if (level->rows != NIL &&
			list_member_oid(relids, RelationGetRelid(level->relation)))
			flush_level(level);
	}
}

static void
start_query(QueryDesc *query, int flags)
{
	if (innermost != NULL)
		flush_for(query->plannedstmt->relationOids);
	if (next_start)
		next_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

static void
call_finish(QueryDesc *query)
{
	if (next_finish)
		next_finish(query);
	else
		standard_ExecutorFinish(query);
}

/* AFTER triggers are run here. */
static void
finish_query(QueryDesc *query)
{
	athar_buffer_level level;

	if (query->operation == CMD_SELECT &&
		!query->plannedstmt->hasModifyingCTE)
	{
		call_finish(query);
		return;
	}
	athar_buffer_begin(&level);
	PG_TRY();
	{
		call_finish(query);
		athar_buffer_end(&level);
	}
	PG_CATCH();
	{
		athar_buffer_abandon(&level);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static void
call_utility(PlannedStmt *statement, const char *text, bool is_read_only_tree,
			 ProcessUtilityContext context, ParamListInfo parameters,
			 QueryEnvironment *environment, DestReceiver *destination,
			 QueryCompletion *completion)
{
	if (next_utility)
		next_utility(statement, text, is_read_only_tree, context, parameters,
					 environment, destination, completion);
	else
		standard_ProcessUtility(statement, text, is_read_only_tree, context,
								parameters, environment, destination,
								completion);
}

/* COPY reads and writes tables without a query. */
static void
run_utility(PlannedStmt *statement, const char *text, bool is_read_only_tree,
			ProcessUtilityContext context, ParamListInfo parameters,
			QueryEnvironment *environment, DestReceiver *destination,
			QueryCompletion *completion)
{
	athar_buffer_level level;

	if (!IsA(statement->utilityStmt, CopyStmt))
	{
		call_utility(statement, text, is_read_only_tree, context, parameters,
					 environment, destination, completion);
		return;
	}
	athar_buffer_flush();
	athar_buffer_begin(&level);
	PG_TRY();
	{
		call_utility(statement, text, is_read_only_tree, context, parameters,
					 environment, destination, completion);
		athar_buffer_end(&level);
	}
	PG_CATCH();
	{
		athar_buffer_abandon(&level);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

/* What an inner subtransaction wrote ahead is as lasting as that one is. */
static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	for (athar_buffer_level *level = innermost; level; level = level->outer)
	{
		if (level->writer != subid)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			level->writer = InvalidSubTransactionId;
		else if (parent == level->subid)
			forget_rows(level);
		else
			level->writer = parent;
	}
}

void
athar_buffer_init(void)
{
	next_start = ExecutorStart_hook;
	ExecutorStart_hook = start_query;
	next_finish = ExecutorFinish_hook;
	ExecutorFinish_hook = finish_query;
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = run_utility;
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}
