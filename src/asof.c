/*
 * asof.c
 *	  A table as it was: as_of().
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
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/xid8.h"

#include "catalog.h"
#include "mark.h"
#include "keymap.h"
#include "history.h"

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

typedef struct replay
{
	athar_subject subject;
	MemoryContext context;		/* of everything below */
	HTAB	   *rows;			/* past_entry or count_entry */
	List	   *gone;			/* of past */
	List	   *shapes;			/* of masks that keyless rows were logged with */
	List	   *lost;			/* names of columns warned about */
	Tuplestorestate *store;
	TupleDesc	descriptor;
} replay;

/*
 * Folding
 */

static void
refuse_key_change(replay *run, Jsonb *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("the key of table \"%s\" has changed since",
					RelationGetRelationName(run->subject.relation)),
			 errdetail("The log knows a row as %s; today's key, or the whole row where there is none, has other columns.",
					   JsonbToCString(NULL, &key->root, VARSIZE(key))),
			 errhint("Read athar.change_log, or ask for a time after the key was changed.")));
}

/* A row's key in today's key columns. */
static Jsonb *
todays_key(replay *run, Jsonb *logged)
{
	athar_shape *shape = run->subject.shape;
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
keep(replay *run, Jsonb *document)
{
	Jsonb	   *copy = MemoryContextAlloc(run->context, VARSIZE(document));

	memcpy(copy, document, VARSIZE(document));
	return copy;
}

static past_entry *
find_past(replay *run, Jsonb *key)
{
	return athar_keymap_search(run->rows, key, HASH_FIND, NULL);
}

static past *
new_past(replay *run, row_fate fate, Jsonb *values)
{
	past	   *row = MemoryContextAlloc(run->context, sizeof(past));

	row->fate = fate;
	row->values = values ? keep(run, values) : NULL;
	return row;
}

static void
place_past(replay *run, Jsonb *key, past *row)
{
	bool		found;
	past_entry *entry;

	entry = athar_keymap_search(run->rows, keep(run, key), HASH_ENTER, &found);
	entry->past = row;
}

/* Old values of columns that have none yet: the first wins. */
static void
add_older(replay *run, past *row, Jsonb *old_values)
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
fold_insert(replay *run, Jsonb *key)
{
	place_past(run, key, new_past(run, ADDED, NULL));
}

static void
fold_update(replay *run, Jsonb *logged_key, Jsonb *key, Jsonb *old_values,
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
fold_removal(replay *run, Jsonb *key, Jsonb *old_values)
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
fold_keyed(replay *run, char operation, Jsonb *logged_key, Jsonb *old_values,
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
mask_of(replay *run, Jsonb *document)
{
	athar_shape *shape = run->subject.shape;
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
add_count(replay *run, Jsonb *row, int change)
{
	int			ignored;
	Jsonb	   *key = athar_history_restrict(run->subject.shape,
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
is_keyed(replay *run, Jsonb *row, Jsonb *values)
{
	int			in_row = 0;
	int			in_values = 0;

	if (values == NULL)
		return false;
	for (int i = 0; i < run->subject.shape->count; i++)
	{
		athar_column *column = &run->subject.shape->columns[i];

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
fold_keyless(replay *run, char operation, Jsonb *row, Jsonb *old_values,
			 Jsonb *new_values)
{
	if (is_keyed(run, row, operation == 'I' ? new_values : old_values))
		refuse_key_change(run, row);
	if (operation == 'U')
		add_count(run, athar_history_next_key(row, new_values), -1);
	add_count(run, row, operation == 'I' ? -1 : 1);
}

static void
fold(replay *run, HeapTuple tuple, TupleDesc descriptor)
{
	Datum		values[4];
	bool		nulls[4];
	char		operation;
	Jsonb	   *key;
	Jsonb	   *old_values;
	Jsonb	   *new_values;

	heap_deform_tuple(tuple, descriptor, values, nulls);
	operation = DatumGetChar(values[0]);
	if (operation == 'S')
		return;
	key = DatumGetJsonbP(values[1]);
	old_values = nulls[2] ? NULL : DatumGetJsonbP(values[2]);
	new_values = nulls[3] ? NULL : DatumGetJsonbP(values[3]);
	if (run->subject.shape->has_key)
		fold_keyed(run, operation, key, old_values, new_values);
	else
		fold_keyless(run, operation, key, old_values, new_values);
}

/*
 * Reading the log
 */

static void
fold_batches(replay *run, Portal portal)
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
			fold(run, SPI_tuptable->vals[i], SPI_tuptable->tupdesc);
			MemoryContextSwitchTo(old);
			MemoryContextReset(entry_context);
		}
		SPI_freetuptable(SPI_tuptable);
	}
}

/* Fold what the log holds of transactions that the mark does not see. */
static void
fold_log(replay *run, const athar_mark *mark)
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
		athar_history_ids(run->subject.table_ids, run->subject.rekey_ids)
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
		fold_batches(run, portal);
		SPI_cursor_close(portal);
	}
	athar_catalog_resign(&state);
	SPI_finish();
}

/*
 * Returning rows
 */

static void
warn_lost(replay *run, const char *name)
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
					name, RelationGetRelationName(run->subject.relation)),
			 errdetail("If the column was dropped, nothing is missing; if it was renamed, rows changed since show its present values.")));
}

/* Put logged values over those of a row. */
static void
overlay(replay *run, Jsonb *document, Datum *values, bool *nulls)
{
	athar_shape *shape = run->subject.shape;
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

/* Return a row that is gone: what the log holds of it, else NULL. */
static void
return_logged(replay *run, Jsonb *document)
{
	int			natts = run->descriptor->natts;
	Datum	   *values = palloc0(sizeof(Datum) * natts);
	bool	   *nulls = palloc(natts);

	memset(nulls, true, natts);
	overlay(run, document, values, nulls);
	tuplestore_putvalues(run->store, run->descriptor, values, nulls);
}

static void
return_keyed(replay *run, Datum *values, bool *nulls)
{
	athar_shape *shape = run->subject.shape;
	past_entry *entry = find_past(run, athar_value_object(shape, values, nulls,
														  shape->key_mask));

	if (entry && entry->past->fate == ADDED)
		return;
	if (entry)
		overlay(run, entry->past->values, values, nulls);
	tuplestore_putvalues(run->store, run->descriptor, values, nulls);
}

static void
return_keyless(replay *run, Datum *values, bool *nulls)
{
	ListCell   *cell;

	foreach(cell, run->shapes)
	{
		Jsonb	   *key = athar_value_object(run->subject.shape, values, nulls,
											 lfirst(cell));
		count_entry *entry = athar_keymap_search(run->rows, key, HASH_FIND,
												 NULL);

		if (entry && entry->count < 0)
		{
			entry->count++;
			return;
		}
	}
	tuplestore_putvalues(run->store, run->descriptor, values, nulls);
}

static void
return_live(void *context, HeapTupleHeader row)
{
	replay	   *run = context;
	int			natts = run->descriptor->natts;
	Datum	   *values = palloc(sizeof(Datum) * natts);
	bool	   *nulls = palloc(natts);
	HeapTupleData tuple;

	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	heap_deform_tuple(&tuple, run->descriptor, values, nulls);
	if (run->subject.shape->has_key)
		return_keyed(run, values, nulls);
	else
		return_keyless(run, values, nulls);
}

/* Return the rows that were there and are not now. */
static void
return_gone(replay *run)
{
	HASH_SEQ_STATUS status;
	count_entry *entry;
	ListCell   *cell;

	foreach(cell, run->gone)
		return_logged(run, ((past *) lfirst(cell))->values);
	if (run->subject.shape->has_key)
		return;
	hash_seq_init(&status, run->rows);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		for (int64 i = 0; i < entry->count; i++)
			return_logged(run, entry->key);
	}
}

static void
return_gone_pinned(replay *run)
{
	athar_pins	pins;

	if (run->subject.has_row_security)
		return;					/* nobody can say whether he might see them */
	athar_value_pin(run->subject.shape, &pins);
	PG_TRY();
	{
		return_gone(run);
	}
	PG_FINALLY();
	{
		athar_value_unpin(run->subject.shape, &pins);
	}
	PG_END_TRY();
}

/*
 * What was asked
 */

static Oid
table_of_argument(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relid = OidIsValid(type) ?
	get_typ_typrelid(getBaseType(type)) : InvalidOid;
	char		kind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("type %s is not the row type of a table",
						OidIsValid(type) ? format_type_be(type) : "unknown"),
				 errdetail("Only tables have a past in the log."),
				 errhint("Write it as athar.as_of(NULL::public.licence, now()).")));
	return relid;
}

static void
check_period(const replay *run, const athar_mark *mark)
{
	const athar_tracked *tracked = run->subject.tracked;
	const char *name = RelationGetRelationName(run->subject.relation);

	if (tracked->untracked_at != DT_NOEND)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is not tracked", name),
				 errdetail("What changed since tracking ended is not known, so no earlier state can be rebuilt."),
				 errhint("Read athar.row_history() for single rows; call athar.track() to have changes logged again.")));
	if (mark->at < tracked->tracked_at)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" was not tracked at that time", name),
				 errdetail("It is tracked since %s; the mark that answers is of %s.",
						   athar_mark_time(tracked->tracked_at),
						   athar_mark_time(mark->at)),
				 errhint("Ask for a time from then on.")));
}

/* The rows of a tracked table as a mark saw them. */
PG_FUNCTION_INFO_V1(athar_as_of);
Datum
athar_as_of(PG_FUNCTION_ARGS)
{
	replay		run = {0};
	athar_mark	mark;
	Oid			relid = table_of_argument(fcinfo);
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a time is required"),
				 errdetail("Without one there is no state to return."),
				 errhint("For the present, ask for now().")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	athar_history_open(relid, &run.subject);
	athar_mark_settle(PG_GETARG_TIMESTAMPTZ(1), &mark);
	check_period(&run, &mark);
	run.context = AllocSetContextCreate(CurrentMemoryContext, "athar as_of",
										ALLOCSET_DEFAULT_SIZES);
	run.rows = athar_keymap_create(Max(sizeof(past_entry),
									   sizeof(count_entry)), run.context);
	run.store = result->setResult;
	run.descriptor = RelationGetDescr(run.subject.relation);
	if (!mark.is_now)
		fold_log(&run, &mark);
	athar_history_read_live(&run.subject, NULL, 0, NULL, NULL, return_live,
							&run);
	return_gone_pinned(&run);
	PopActiveSnapshot();
	athar_history_close(&run.subject);
	MemoryContextDelete(run.context);
	return (Datum) 0;
}
