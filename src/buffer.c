/*
 * buffer.c
 *	  Rows for append-only tables, held back and written many at once.
 *
 * A row trigger learns of one row at a time, and opening a table and its
 * indexes for each costs more than writing it.  So rows are gathered, and
 * written when there are enough of them, when somebody is about to read the
 * table, and before the transaction commits.
 *
 * Each subtransaction has a level of its own for the rows it adds to a table; a level
 * goes to the parent when its subtransaction commits, and is forgotten when it
 * is rolled back: what is undone never mixes with what is not.  When somebody
 * reads the table inside a subtransaction, the rows of outer levels are
 * written by that one, but kept: they are written once more if it is rolled
 * back.
 *
 * Nobody can tell that rows are late.  They carry the command that added them,
 * so a query sees them whose snapshot was taken between the adding and the
 * writing; and any query that reads the table goes through the hook below, as
 * do COPY and changes of definitions.  Whoever reads the table in C without a
 * query has to call athar_buffer_flush() before.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "tcop/cmdtag.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "indexing.h"
#include "buffer.h"

/* What a level holds at most; more would not make it faster. */
#define MOST_ROWS 1000
#define MOST_BYTES (256 * 1024)

/* The rows that one subtransaction added to one table; a table has one level
 * of a subtransaction. */
typedef struct buffer_level
{
	struct buffer_level *outer;
	SubTransactionId subid;
	Oid			relid;
	MemoryContext context;		/* of all that follows */
	TupleDesc	descriptor;		/* NULL if there are no rows */
	List	   *rows;			/* HeapTuple */
	Size		bytes;
	List	   *commands;		/* which each row is part of */
	SubTransactionId writer;	/* an inner one that wrote them, or 0 */
} buffer_level;

static buffer_level *innermost;
static bool is_committing;		/* from here on nobody would flush */

static ExecutorStart_hook_type next_start;
static ProcessUtility_hook_type next_utility;

/*
 * Writing
 */

static TupleTableSlot **
slots_of(buffer_level *level)
{
	TupleTableSlot **slots = palloc(sizeof(TupleTableSlot *) *
									list_length(level->rows));
	ListCell   *cell;

	foreach(cell, level->rows)
	{
		TupleTableSlot *slot = MakeSingleTupleTableSlot(level->descriptor,
														&TTSOpsHeapTuple);

		slots[foreach_current_index(cell)] =
			ExecStoreHeapTuple(lfirst(cell), slot, false);
	}
	return slots;
}

/* The first row that is of another command than this one. */
static int
end_of_command(buffer_level *level, int first)
{
	int			command = list_nth_int(level->commands, first);
	int			next = first + 1;

	while (next < list_length(level->commands) &&
		   list_nth_int(level->commands, next) == command)
		next++;
	return next;
}

static void
write_rows(buffer_level *level)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "athar rows written",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	Relation	relation = table_open(level->relid, RowExclusiveLock);
	CatalogIndexState indexes = CatalogOpenIndexes(relation);
	TupleTableSlot **slots = slots_of(level);
	int			count = list_length(level->rows);

	/*
	 * At the end, not into what is left free on older pages: neighbours in
	 * the table stay neighbours in time, which BRIN indexes live on.
	 */
	for (int first = 0, next; first < count; first = next)
	{
		next = end_of_command(level, first);
		table_multi_insert(relation, slots + first, next - first,
						   list_nth_int(level->commands, first),
						   TABLE_INSERT_SKIP_FSM, NULL);
	}
	athar_indexing_insert(indexes, slots, count);
	CatalogCloseIndexes(indexes);
	table_close(relation, NoLock);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
}

static void
forget_rows(buffer_level *level)
{
	MemoryContextReset(level->context);
	level->descriptor = NULL;
	level->rows = NIL;
	level->commands = NIL;
	level->bytes = 0;
	level->writer = InvalidSubTransactionId;
}

static void
flush_level(buffer_level *level)
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
	for (buffer_level *level = innermost; level; level = level->outer)
		flush_level(level);
}

/*
 * Levels
 */

static buffer_level *
find_level(buffer_level *first, SubTransactionId subid, Oid relid)
{
	for (buffer_level *level = first; level && level->subid == subid;
		 level = level->outer)
	{
		if (level->relid == relid)
			return level;
	}
	return NULL;
}

static buffer_level *
level_for(Oid relid)
{
	SubTransactionId subid = GetCurrentSubTransactionId();
	buffer_level *level = find_level(innermost, subid, relid);

	if (level == NULL)
	{
		level = MemoryContextAllocZero(TopTransactionContext,
									   sizeof(buffer_level));
		level->context = AllocSetContextCreate(TopTransactionContext,
											   "athar rows held back",
											   ALLOCSET_DEFAULT_SIZES);
		level->subid = subid;
		level->relid = relid;
		level->outer = innermost;
		innermost = level;
	}
	return level;
}

/*
 * The lock is kept until the end of the transaction, so that the descriptor
 * stays true.  A copy of it needs no pin.
 */
static void
set_descriptor(buffer_level *level)
{
	Relation	relation = table_open(level->relid, RowExclusiveLock);

	level->descriptor = CreateTupleDescCopy(RelationGetDescr(relation));
	table_close(relation, NoLock);
}

/* Insert a row into a table, under nobody's privileges, now or soon. */
void
athar_buffer_add(Oid relid, Datum *values, bool *nulls)
{
	buffer_level *level = level_for(relid);
	MemoryContext old = MemoryContextSwitchTo(level->context);
	HeapTuple	row;

	if (level->descriptor == NULL)
		set_descriptor(level);
	row = heap_form_tuple(level->descriptor, values, nulls);
	level->rows = lappend(level->rows, row);
	level->bytes += row->t_len;
	level->commands = lappend_int(level->commands, GetCurrentCommandId(true));
	MemoryContextSwitchTo(old);
	if (list_length(level->rows) >= MOST_ROWS || level->bytes >= MOST_BYTES ||
		is_committing)
		flush_level(level);
}

static void
drop_level(buffer_level *level)
{
	Assert(level == innermost);
	innermost = level->outer;
	MemoryContextDelete(level->context);
	pfree(level);
}

static void
undo_level(SubTransactionId subid)
{
	while (innermost && innermost->subid == subid)
		drop_level(innermost);
	for (buffer_level *level = innermost; level; level = level->outer)
	{
		if (level->writer == subid)
			level->writer = InvalidSubTransactionId;
	}
}

/* The rows of a level go behind those that its parent added to the table. */
static void
merge_level(buffer_level *level, buffer_level *outer)
{
	if (level->rows != NIL)
	{
		MemoryContext old = MemoryContextSwitchTo(outer->context);

		if (outer->descriptor == NULL)
			outer->descriptor = level->descriptor;
		outer->rows = list_concat(outer->rows, level->rows);
		outer->bytes += level->bytes;
		outer->commands = list_concat(outer->commands, level->commands);
		MemoryContextSwitchTo(old);
	}
	MemoryContextSetParent(level->context, outer->context);
	pfree(level);
}

/* Give the levels of a subtransaction to its parent. */
static void
hand_over(SubTransactionId subid, SubTransactionId parent)
{
	buffer_level *kept = NULL;
	buffer_level **end = &kept;

	while (innermost && innermost->subid == subid)
	{
		buffer_level *level = innermost;

		innermost = level->outer;
		level->subid = parent;
		level->outer = NULL;
		*end = level;
		end = &level->outer;
	}
	while (kept)
	{
		buffer_level *level = kept;
		buffer_level *outer = find_level(innermost, parent, level->relid);

		kept = level->outer;
		if (outer)
			merge_level(level, outer);
		else
		{
			level->outer = innermost;
			innermost = level;
		}
	}
}

static void
keep_level(SubTransactionId subid, SubTransactionId parent)
{
	for (buffer_level *level = innermost; level; level = level->outer)
	{
		if (level->writer == subid)
			level->writer = parent;
		if (level->writer == level->subid)
			forget_rows(level);
	}
	hand_over(subid, parent);
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		undo_level(subid);
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		keep_level(subid, parent);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			is_committing = true;
			athar_buffer_flush();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			/* the memory goes with the transaction's own */
			innermost = NULL;
			is_committing = false;
			break;
		default:
			break;
	}
}

/*
 * Hooks
 */

/*
 * Before a query reads a table that rows are held back from, they are
 * written; before any query with parallel workers, too, because functions
 * within them may read the table and have nothing to flush.
 */
static void
flush_before(PlannedStmt *statement)
{
	for (buffer_level *level = innermost; level; level = level->outer)
	{
		if (statement->parallelModeNeeded ||
			list_member_oid(statement->relationOids, level->relid))
			flush_level(level);
	}
}

static void
start_query(QueryDesc *query, int flags)
{
	if (innermost != NULL)
		flush_before(query->plannedstmt);
	if (next_start)
		next_start(query, flags);
	else
		standard_ExecutorStart(query, flags);
}

/* COPY reads tables without a query, and definitions may change theirs. */
static bool
may_concern_rows(Node *statement)
{
	return IsA(statement, CopyStmt) ||
		command_tag_event_trigger_ok(CreateCommandTag(statement));
}

static void
run_utility(PlannedStmt *statement, const char *text, bool is_read_only_tree,
			ProcessUtilityContext context, ParamListInfo parameters,
			QueryEnvironment *environment, DestReceiver *destination,
			QueryCompletion *completion)
{
	if (innermost != NULL && may_concern_rows(statement->utilityStmt))
		athar_buffer_flush();
	if (next_utility)
		next_utility(statement, text, is_read_only_tree, context, parameters,
					 environment, destination, completion);
	else
		standard_ProcessUtility(statement, text, is_read_only_tree, context,
								parameters, environment, destination,
								completion);
}

void
athar_buffer_init(void)
{
	next_start = ExecutorStart_hook;
	ExecutorStart_hook = start_query;
	next_utility = ProcessUtility_hook;
	ProcessUtility_hook = run_utility;
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}
