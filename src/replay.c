/*
 * replay.c
 *	  The rows of a table as a mark saw them.
 *
 * The present rows are read once and corrected by what the log holds of
 * transactions that the mark does not see: by the first old value of each
 * column (trail.c).  So no order among other rows matters, and the cost is
 * that of a scan and of the later changes, however old the table is.
 *
 * Without a key the whole row is the key, and rows are counted: each later
 * insert takes one equal row away, each later delete adds one.
 *
 * Entries are read in today's columns (mapping.c): what was logged of a column
 * that is gone is left out.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/xid8.h"

#include "catalog.h"
#include "mark.h"
#include "keymap.h"
#include "trail.h"
#include "history.h"
#include "replay.h"

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
"SELECT e.id, t.xid, e.table_id, e.operation,"
" e.row_key, e.old_values, e.new_values"
" FROM athar.log_entry AS e JOIN athar.log_transaction AS t"
" ON t.id OPERATOR(pg_catalog.=) e.transaction_id"
" WHERE e.table_id OPERATOR(pg_catalog.=) ANY ($6)"
" AND e.transaction_id OPERATOR(pg_catalog.>=) $7"
" AND NOT " SEEN " ORDER BY e.id";

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
	athar_trails *trails;		/* of rows with a key */
	HTAB	   *counts;			/* of rows without: count_entry */
	bool	   *known;			/* columns that keyless rows had at the mark */
	const bool *watched;		/* columns of the shape, or NULL */
	bool		is_from_empty;
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

static void
fold_keyed(athar_replay *run, const athar_entry *entry)
{
	Jsonb	   *key = entry->key;
	Jsonb	   *next;

	switch (entry->operation)
	{
		case 'I':
			athar_trail_insert(run->trails, key, entry->new_values,
							   entry->xid, entry->id);
			break;
		case 'U':
			next = athar_history_next_key(entry->key, entry->new_values);
			athar_trail_update(run->trails, key,
							   next == entry->key ? NULL : next,
							   entry->old_values, entry->new_values,
							   entry->xid, entry->id);
			break;
		case 'D':
		case 'T':
			athar_trail_remove(run->trails, key, entry->old_values,
							   entry->xid, entry->id);
			break;
	}
}

/*
 * The columns of rows without a key that the oldest entry has.  Those added
 * since are left out of all others: the row of an entry before that and the
 * same row's later are one.
 */
static const bool *
known_columns(athar_replay *run, Jsonb *document)
{
	athar_shape *shape = run->subject->shape;

	if (run->known)
		return run->known;
	run->known = MemoryContextAllocZero(run->context, shape->count + 1);
	for (int i = 0; i < shape->count; i++)
	{
		athar_column *column = &shape->columns[i];

		run->known[i] = getKeyJsonValueFromContainer(&document->root,
													 column->name,
													 column->name_length,
													 NULL) != NULL;
	}
	return run->known;
}

static void
add_count(athar_replay *run, Jsonb *row, int change)
{
	Jsonb	   *key = athar_history_restrict(run->subject->shape,
											 known_columns(run, row), row);
	count_entry *entry = athar_keymap_search(run->counts, key, HASH_FIND, NULL);

	if (entry == NULL)
	{
		entry = athar_keymap_search(run->counts,
									athar_keymap_keep(key, run->context),
									HASH_ENTER, NULL);
		entry->count = 0;
	}
	entry->count += change;
}

static void
fold_keyless(athar_replay *run, const athar_entry *entry)
{
	if (entry->operation == 'U')
		add_count(run, athar_history_next_key(entry->key, entry->new_values),
				  -1);
	add_count(run, entry->key, entry->operation == 'I' ? -1 : 1);
}

/*
 * Compare what entries and rows say in these columns of the shape, and correct
 * no others.  Of rows with a key, what does not fit is noted in the trails.
 * From empty: the table had no rows at the mark, so each must have an entry.
 */
athar_trails *
athar_replay_watch(athar_replay *run, const bool *watched, bool is_from_empty)
{
	run->watched = watched;
	run->is_from_empty = is_from_empty;
	if (run->trails)
		run->trails->watched = watched;
	return run->trails;
}

/* Take one entry into account, the next after those taken already. */
void
athar_replay_fold(void *replay, const athar_entry *entry)
{
	athar_replay *run = replay;

	if (entry->operation == 'S')
		return;
	if (!athar_mapping_has_key(run->subject->mapping, entry->table_id))
		refuse_key_change(run, entry->key);
	if (run->subject->shape->has_key)
		fold_keyed(run, entry);
	else
		fold_keyless(run, entry);
}

/*
 * Reading the log
 */

static Jsonb *
document(const athar_subject *subject, const athar_entry *entry,
		 Jsonb *logged, bool warns)
{
	return logged == NULL || entry->operation == 'S' ? logged
		: athar_mapping_translate(subject->mapping, entry->table_id, logged,
								  warns);
}

/* Who reads the entries of which table. */
typedef struct reading
{
	const athar_subject *subject;
	athar_entry_reader reader;
	void	   *context;
} reading;

static void
hand_over(void *context, HeapTuple tuple, TupleDesc descriptor)
{
	reading    *log = context;
	Datum		values[7];
	bool		nulls[7];
	Jsonb	   *logged[3];
	athar_entry entry;

	heap_deform_tuple(tuple, descriptor, values, nulls);
	entry.id = DatumGetInt64(values[0]);
	entry.xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[1]));
	entry.table_id = DatumGetInt32(values[2]);
	entry.operation = DatumGetChar(values[3]);
	for (int i = 0; i < lengthof(logged); i++)
		logged[i] = nulls[4 + i] ? NULL : DatumGetJsonbP(values[4 + i]);
	athar_history_check(entry.id, entry.operation, logged[0], logged[1],
						logged[2]);
	entry.key = document (log->subject, &entry, logged[0], true);
	entry.old_values = document (log->subject, &entry, logged[1], true);
	entry.new_values = document (log->subject, &entry, logged[2], false);

	log->reader(log->context, &entry);
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
	reading		log = {subject, reader, context};
	athar_owner_state state;
	bool		isnull;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	if (SPI_execute_with_args(psprintf(first_unseen_text, "false"), 4, types,
							  values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the log's transactions");
	values[6] = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							  &isnull);
	if (!isnull)
		athar_history_each(SPI_cursor_open_with_args(NULL,
													 psprintf(unseen_text,
															  "e.id OPERATOR(pg_catalog.<=) $5"),
													 7, types, values, NULL, true, 0),
						   hand_over, &log);
	athar_catalog_resign(&state);
	SPI_finish();
}

/*
 * Rows of the past
 */

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
			position = athar_shape_find(shape, value.val.string.val,
										value.val.string.len);
		else if (token == WJB_VALUE && position >= 0 &&
				 (run->watched == NULL || run->watched[position]))
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
	Jsonb	   *key = athar_value_object(shape, values, nulls,
										 shape->key_mask);
	athar_trail *trail = athar_trail_find(run->trails, key);

	if (trail == NULL)
	{
		if (run->is_from_empty)
			athar_trail_note(run->trails, key,
							 "is there, though it was never logged");
		return true;
	}
	if (run->trails->watched)
		athar_trail_meet(run->trails, trail, key,
						 athar_value_object(shape, values, nulls,
											shape->logged_mask));
	if (trail->fate == ATHAR_PATCHED)
		overlay(run, trail->first, values, nulls);
	return trail->fate != ATHAR_ADDED;
}

static bool
correct_keyless(athar_replay *run, Datum *values, bool *nulls)
{
	count_entry *entry;

	if (run->known == NULL)
		return true;			/* nothing was logged since */
	entry = athar_keymap_search(run->counts,
								athar_value_object(run->subject->shape, values,
												   nulls, run->known),
								HASH_FIND, NULL);
	if (entry == NULL || entry->count >= 0)
		return true;
	entry->count++;
	return false;
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

	foreach(cell, run->trails->gone)
		hand_over_logged(run, ((athar_trail *) lfirst(cell))->first, reader,
						 context);
}

static void
hand_over_counted(athar_replay *run, athar_past_reader reader, void *context)
{
	HASH_SEQ_STATUS status;
	count_entry *entry;

	hash_seq_init(&status, run->counts);
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

/* After the last row: how many rows without a key the log has and the table not. */
int64
athar_replay_missing(athar_replay *run)
{
	HASH_SEQ_STATUS status;
	count_entry *entry;
	int64		missing = 0;

	if (run->counts == NULL)
		return 0;
	hash_seq_init(&status, run->counts);
	while ((entry = hash_seq_search(&status)) != NULL)
		missing += entry->count < 0 ? -entry->count : 0;
	return missing;
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
	if (subject->shape->has_key)
		run->trails = athar_trail_begin(subject->shape, run->context);
	else
		run->counts = athar_keymap_create(sizeof(count_entry), run->context);
	return run;
}

void
athar_replay_end(athar_replay *run)
{
	MemoryContextDelete(run->context);
	pfree(run);
}
