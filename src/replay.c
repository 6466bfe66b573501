/*
 * replay.c
 *	  The rows of a table as a mark saw them.
 *
 * The present rows are read once and corrected by what the log holds of
 * transactions that the mark does not see.  Entries are folded in ascending
 * order, and for each column the first old value wins: that is the value at
 * the mark.  So no order among other rows matters, and the cost is that of a
 * scan and of the later changes, however old the table is.
 *
 * Without a key the whole row is the key, and rows are counted: each later
 * insert takes one equal row away, each later delete adds one.
 *
 * Columns are matched by name.  What was logged under a name that the table
 * does not have now is left out, with a warning.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/xid8.h"

#include "catalog.h"
#include "mark.h"
#include "keymap.h"
#include "history.h"
#include "replay.h"

#define BATCH 1000

/* Parameters 1 to 5 are the mark: what it sees of a transaction t. */
#define SEEN \
	"CASE WHEN t.cluster OPERATOR(pg_catalog.<>) $2" \
	" THEN t.id OPERATOR(pg_catalog.<=) $4" \
	" WHEN t.xid OPERATOR(pg_catalog.=) $3" \
	" THEN %s" \
	" ELSE pg_catalog.pg_visible_in_snapshot(t.xid, $1) END"

static const char *const first_unseen_text =
"SELECT pg_catalog.min(t.id) FROM athar.log_transaction AS t WHERE NOT " SEEN;

static const char *const unseen_text =
"SELECT e.operation, e.row_key, e.old_values, e.new_values"
" FROM athar.log_entry AS e JOIN athar.log_transaction AS t"
" ON t.id OPERATOR(pg_catalog.=) e.transaction_id"
" WHERE e.table_id OPERATOR(pg_catalog.=) ANY ($6)"
" AND e.transaction_id OPERATOR(pg_catalog.>=) $7"
" AND NOT " SEEN " ORDER BY e.id";

/* What became of a row that the mark sees, or that came after it. */
typedef enum row_fate
{
	PATCHED,					/* is there, with older values */
	ADDED,						/* was not there */
	GONE						/* was there */
} row_fate;

typedef struct past
{
	row_fate	fate;
	Jsonb	   *values;			/* at the mark: of changed columns, or all */
} past;

typedef struct past_entry
{
	Jsonb	   *key;			/* present key */
	past	   *past;
} past_entry;

/* Rows without a key: how many more of them there were at the mark. */
typedef struct count_entry
{
	Jsonb	   *key;
	int64		count;
} count_entry;

struct athar_replay
{
	athar_subject *subject;
	MemoryContext context;		/* of everything below */
	MemoryContext row_context;
	HTAB	   *rows;			/* past_entry or count_entry */
	List	   *gone;			/* of past */
	List	   *shapes;			/* of masks that keyless rows were logged with */
	List	   *lost;			/* names of columns warned about */
};

/*
 * Folding
 */

static void
refuse_key_change(athar_replay *run, Jsonb *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the key of table \"%s\" has changed since",
					RelationGetRelationName(run->subject->relation)),
			 errdetail("The log knows a row as %s; today's key, or the whole row where there is none, has other columns.",
					   JsonbToCString(NULL, &key->root, VARSIZE(key))),
			 errhint("Read athar.change_log, or ask for a time after the key was changed.")));
}

/* A row's key in today's key columns. */
static Jsonb *
todays_key(athar_replay *run, Jsonb *logged)
{
	athar_shape *shape = run->subject->shape;
	int			wanted = 0;
	int			count;
	Jsonb	   *key = athar_history_restrict(shape, shape->key_mask, logged,
											 &count);

	for (int i = 0; i < shape->count; i++)
		wanted += shape->key_mask[i];
	if (count != wanted)
		refuse_key_change(run, logged);
	return key;
}

static Jsonb *
keep(athar_replay *run, Jsonb *document)
{
	Jsonb	   *copy = MemoryContextAlloc(run->context, VARSIZE(document));

	memcpy(copy, document, VARSIZE(document));
	return copy;
}

static past_entry *
find_past(athar_replay *run, Jsonb *key)
{
	return athar_keymap_search(run->rows, key, HASH_FIND, NULL);
}

static past *
new_past(athar_replay *run, row_fate fate, Jsonb *values)
{
	past	   *row = MemoryContextAlloc(run->context, sizeof(past));

	row->fate = fate;
	row->values = values ? keep(run, values) : NULL;
	return row;
}

static void
place_past(athar_replay *run, Jsonb *key, past *row)
{
	bool		found;
	past_entry *entry;

	entry = athar_keymap_search(run->rows, keep(run, key), HASH_ENTER, &found);
	entry->past = row;
}

/* Old values of columns that have none yet: the first wins. */
static void
add_older(athar_replay *run, past *row, Jsonb *old_values)
{
	Jsonb	   *older = row->values;
	Jsonb	   *both;

	both = DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											  JsonbPGetDatum(old_values),
											  JsonbPGetDatum(older)));
	if (VARSIZE(both) == VARSIZE(older) &&
		JB_ROOT_COUNT(both) == JB_ROOT_COUNT(older))
		return;
	row->values = keep(run, both);
	pfree(older);
}

static void
fold_insert(athar_replay *run, Jsonb *key)
{
	place_past(run, key, new_past(run, ADDED, NULL));
}

static void
fold_update(athar_replay *run, Jsonb *logged_key, Jsonb *key, Jsonb *old_values,
			Jsonb *new_values)
{
	past_entry *entry = find_past(run, key);
	past	   *row = entry ? entry->past : new_past(run, PATCHED, old_values);
	Jsonb	   *next = athar_history_next_key(logged_key, new_values);

	if (entry && row->fate == PATCHED)
		add_older(run, row, old_values);
	if (next != logged_key)
	{
		if (entry)
			athar_keymap_search(run->rows, key, HASH_REMOVE, NULL);
		place_past(run, todays_key(run, next), row);
	}
	else if (entry == NULL)
		place_past(run, key, row);
}

static void
fold_removal(athar_replay *run, Jsonb *key, Jsonb *old_values)
{
	past_entry *entry = find_past(run, key);
	past	   *row = entry ? entry->past : new_past(run, PATCHED, old_values);
	MemoryContext old;

	if (entry)
		athar_keymap_search(run->rows, key, HASH_REMOVE, NULL);
	if (row->fate == ADDED)
		return;
	add_older(run, row, old_values);
	row->fate = GONE;
	old = MemoryContextSwitchTo(run->context);
	run->gone = lappend(run->gone, row);
	MemoryContextSwitchTo(old);
}

static void
fold_keyed(athar_replay *run, char operation, Jsonb *logged_key, Jsonb *old_values,
		   Jsonb *new_values)
{
	Jsonb	   *key = todays_key(run, logged_key);

	switch (operation)
	{
		case 'I':
			fold_insert(run, key);
			break;
		case 'U':
			fold_update(run, logged_key, key, old_values, new_values);
			break;
		case 'D':
		case 'T':
			fold_removal(run, key, old_values);
			break;
	}
}

/* The mask of a document's columns, remembered among those met so far. */
static bool *
mask_of(athar_replay *run, Jsonb *document)
{
	athar_shape *shape = run->subject->shape;
	bool	   *mask = palloc0(shape->count + 1);
	ListCell   *cell;
	MemoryContext old;

	for (int i = 0; i < shape->count; i++)
	{
		athar_column *column = &shape->columns[i];

		mask[i] = getKeyJsonValueFromContainer(&document->root, column->name,
											   column->name_length,
											   NULL) != NULL;
	}
	foreach(cell, run->shapes)
	{
		if (memcmp(lfirst(cell), mask, shape->count) == 0)
			return lfirst(cell);
	}
	old = MemoryContextSwitchTo(run->context);
	run->shapes = lappend(run->shapes,
						  memcpy(palloc(shape->count + 1), mask,
								 shape->count + 1));
	MemoryContextSwitchTo(old);
	return mask;
}

static void
add_count(athar_replay *run, Jsonb *row, int change)
{
	int			ignored;
	Jsonb	   *key = athar_history_restrict(run->subject->shape,
											 mask_of(run, row), row, &ignored);
	count_entry *entry = athar_keymap_search(run->rows, key, HASH_FIND, NULL);

	if (entry == NULL)
	{
		entry = athar_keymap_search(run->rows, keep(run, key), HASH_ENTER,
									NULL);
		entry->count = 0;
	}
	entry->count += change;
}

/* Was an entry written when the table had a key, which is not the whole row? */
static bool
is_keyed(athar_replay *run, Jsonb *row, Jsonb *values)
{
	int			in_row = 0;
	int			in_values = 0;

	if (values == NULL)
		return false;
	for (int i = 0; i < run->subject->shape->count; i++)
	{
		athar_column *column = &run->subject->shape->columns[i];

		if (getKeyJsonValueFromContainer(&values->root, column->name,
										 column->name_length, NULL) == NULL)
			continue;
		in_values++;
		if (getKeyJsonValueFromContainer(&row->root, column->name,
										 column->name_length, NULL) != NULL)
			in_row++;
	}
	return in_row < in_values;
}

static void
fold_keyless(athar_replay *run, char operation, Jsonb *row, Jsonb *old_values,
			 Jsonb *new_values)
{
	if (is_keyed(run, row, operation == 'I' ? new_values : old_values))
		refuse_key_change(run, row);
	if (operation == 'U')
		add_count(run, athar_history_next_key(row, new_values), -1);
	add_count(run, row, operation == 'I' ? -1 : 1);
}

/* Take one entry into account, the next after those taken already. */
void
athar_replay_fold(void *replay, const athar_entry *entry)
{
	athar_replay *run = replay;

	if (entry->operation == 'S')
		return;
	if (run->subject->shape->has_key)
		fold_keyed(run, entry->operation, entry->key, entry->old_values,
				   entry->new_values);
	else
		fold_keyless(run, entry->operation, entry->key, entry->old_values,
					 entry->new_values);
}

/*
 * Reading the log
 */

static void
hand_over(HeapTuple tuple, TupleDesc descriptor, athar_entry_reader reader,
		  void *context)
{
	Datum		values[4];
	bool		nulls[4];
	athar_entry entry;

	heap_deform_tuple(tuple, descriptor, values, nulls);
	entry.operation = DatumGetChar(values[0]);
	entry.key = DatumGetJsonbP(values[1]);
	entry.old_values = nulls[2] ? NULL : DatumGetJsonbP(values[2]);
	entry.new_values = nulls[3] ? NULL : DatumGetJsonbP(values[3]);
	reader(context, &entry);
}

static void
read_batches(Portal portal, athar_entry_reader reader, void *context)
{
	MemoryContext entry_context =
	AllocSetContextCreate(CurrentMemoryContext, "athar log entry",
						  ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		SPI_cursor_fetch(portal, true, BATCH);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(entry_context);

			CHECK_FOR_INTERRUPTS();
			hand_over(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, reader,
					  context);
			MemoryContextSwitchTo(old);
			MemoryContextReset(entry_context);
		}
		SPI_freetuptable(SPI_tuptable);
	}
}

/*
 * Hand over, in order, what the log holds of a table from transactions that a
 * mark does not see, under the active snapshot, in memory that lasts for one
 * entry.
 */
void
athar_replay_read_log(const athar_subject *subject, const athar_mark *mark,
					  athar_entry_reader reader, void *context)
{
	Oid			types[7] = {
		PG_SNAPSHOTOID, INT8OID, XID8OID, INT8OID, INT8OID, INT4ARRAYOID,
		INT8OID
	};
	Datum		values[7] = {
		mark->snapshot, Int64GetDatum(mark->cluster),
		FullTransactionIdGetDatum(FullTransactionIdFromU64(mark->xid)),
		Int64GetDatum(mark->last_transaction_id),
		Int64GetDatum(mark->last_entry_id),
		athar_history_ids(subject->table_ids, subject->rekey_ids)
	};
	athar_owner_state state;
	Portal		portal;
	bool		isnull;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	if (SPI_execute_with_args(psprintf(first_unseen_text, "false"), 4, types,
							  values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the log's transactions");
	values[6] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							  &isnull);
	if (!isnull)
	{
		portal = SPI_cursor_open_with_args(NULL,
										   psprintf(unseen_text,
													"e.id OPERATOR(pg_catalog.<=) $5"),
										   7, types, values, NULL, true, 0);
		read_batches(portal, reader, context);
		SPI_cursor_close(portal);
	}
	athar_catalog_resign(&state);
	SPI_finish();
}

/*
 * Rows of the past
 */

static void
warn_lost(athar_replay *run, const char *name)
{
	ListCell   *cell;
	MemoryContext old;

	foreach(cell, run->lost)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return;
	}
	old = MemoryContextSwitchTo(run->context);
	run->lost = lappend(run->lost, pstrdup(name));
	MemoryContextSwitchTo(old);
	ereport(WARNING,
			(errmsg("the log holds values of a column \"%s\" that table \"%s\" does not have now",
					name, RelationGetRelationName(run->subject->relation)),
			 errdetail("If the column was dropped, nothing is missing; if it was renamed, rows changed since show its present values.")));
}

/* Put logged values over those of a row. */
static void
overlay(athar_replay *run, Jsonb *document, Datum *values, bool *nulls)
{
	athar_shape *shape = run->subject->shape;
	JsonbIterator *iterator = JsonbIteratorInit(&document->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	int			position = -1;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			position = athar_value_find(shape, value.val.string.val,
										value.val.string.len);
			if (position < 0)
				warn_lost(run, pnstrdup(value.val.string.val,
										value.val.string.len));
		}
		else if (token == WJB_VALUE && position >= 0)
		{
			athar_column *column = &shape->columns[position];
			int			a = column->attnum - 1;

			values[a] = athar_value_read(column, &value, &nulls[a]);
		}
	}
}

static bool
correct_keyed(athar_replay *run, Datum *values, bool *nulls)
{
	athar_shape *shape = run->subject->shape;
	past_entry *entry = find_past(run, athar_value_object(shape, values, nulls,
														  shape->key_mask));

	if (entry && entry->past->fate == ADDED)
		return false;
	if (entry)
		overlay(run, entry->past->values, values, nulls);
	return true;
}

static bool
correct_keyless(athar_replay *run, Datum *values, bool *nulls)
{
	ListCell   *cell;

	foreach(cell, run->shapes)
	{
		Jsonb	   *key = athar_value_object(run->subject->shape, values, nulls,
											 lfirst(cell));
		count_entry *entry = athar_keymap_search(run->rows, key, HASH_FIND,
												 NULL);

		if (entry && entry->count < 0)
		{
			entry->count++;
			return false;
		}
	}
	return true;
}

/*
 * Make of a present row what it was, in the caller's memory; false if it was
 * not there.  Settings must be pinned.
 */
bool
athar_replay_correct(athar_replay *run, Datum *values, bool *nulls)
{
	return run->subject->shape->has_key ? correct_keyed(run, values, nulls) :
		correct_keyless(run, values, nulls);
}

/* Hand over a row that is gone: what the log holds of it, else NULL. */
static void
hand_over_logged(athar_replay *run, Jsonb *document, athar_past_reader reader,
				 void *context)
{
	int			natts = RelationGetNumberOfAttributes(run->subject->relation);
	MemoryContext old = MemoryContextSwitchTo(run->row_context);
	Datum	   *values = palloc0(sizeof(Datum) * (natts + 1));
	bool	   *nulls = palloc(natts + 1);

	CHECK_FOR_INTERRUPTS();
	memset(nulls, true, natts);
	overlay(run, document, values, nulls);
	reader(context, values, nulls);
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->row_context);
}

static void
hand_over_gone(athar_replay *run, athar_past_reader reader, void *context)
{
	ListCell   *cell;

	foreach(cell, run->gone)
		hand_over_logged(run, ((past *) lfirst(cell))->values, reader,
						 context);
}

static void
hand_over_counted(athar_replay *run, athar_past_reader reader, void *context)
{
	HASH_SEQ_STATUS status;
	count_entry *entry;

	hash_seq_init(&status, run->rows);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		for (int64 i = 0; i < entry->count; i++)
			hand_over_logged(run, entry->key, reader, context);
	}
}

/* Hand over the rows that were there and are not now, each for a moment. */
void
athar_replay_gone(athar_replay *run, athar_past_reader reader, void *context)
{
	athar_pins	pins;

	athar_value_pin(run->subject->shape, &pins);
	PG_TRY();
	{
		if (run->subject->shape->has_key)
			hand_over_gone(run, reader, context);
		else
			hand_over_counted(run, reader, context);
	}
	PG_FINALLY();
	{
		athar_value_unpin(run->subject->shape, &pins);
	}
	PG_END_TRY();
}

athar_replay *
athar_replay_begin(athar_subject *subject)
{
	athar_replay *run = palloc0(sizeof(athar_replay));

	run->subject = subject;
	run->context = AllocSetContextCreate(CurrentMemoryContext, "athar replay",
										 ALLOCSET_DEFAULT_SIZES);
	run->row_context = AllocSetContextCreate(run->context, "athar past row",
											 ALLOCSET_DEFAULT_SIZES);
	run->rows = athar_keymap_create(Max(sizeof(past_entry),
										sizeof(count_entry)), run->context);
	return run;
}

void
athar_replay_end(athar_replay *run)
{
	MemoryContextDelete(run->context);
	pfree(run);
}
