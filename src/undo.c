/*
 * undo.c
 *	  What a transaction did to each row, in all: the basis of undoing it.
 *
 * The entries of a transaction are followed in order, so that a row has one
 * life however often it was written and whatever became of its key.  Undone
 * is what differs in the end: a row that came and went, or a value that was
 * put back, is none of it.
 *
 * Rows without a key are known by all their values; among equal ones any is
 * as good as another.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/xid8.h"

#include "catalog.h"
#include "horizon.h"
#include "keymap.h"
#include "undo.h"

#define BATCH 1000

/* The rows of one transaction began at one time, which a BRIN index finds. */
static const char *const transactions_text =
"SELECT array_agg(o.id), bool_or(o.xid = $2 AND o.cluster = $3)"
" FROM athar.log_transaction AS t"
" JOIN athar.log_transaction AS o"
" ON o.at = t.at AND o.xid = t.xid AND o.cluster = t.cluster"
" WHERE t.id = $1";

static const char *const entries_text =
"SELECT e.id, n.lineage, e.table_id, coalesce(n.rekey_of, n.id), e.operation,"
" e.row_key, e.old_values, e.new_values"
" FROM athar.log_entry AS e"
" JOIN athar.tracked_table AS n ON n.id = e.table_id"
" WHERE e.transaction_id = ANY ($1) ORDER BY e.id";

/* Rows that have, or had, a key. */
typedef struct row_entry
{
	Jsonb	   *key;
	List	   *rows;			/* the newest first; more than one without a
								 * key */
} row_entry;

/*
 * Tables
 */

static void
refuse_table(athar_undo *run, int code, const char *problem, const char *hint)
{
	ereport(ERROR,
			(errcode(code),
			 errmsg("transaction %lld cannot be undone",
					(long long) run->transaction_id),
			 errdetail("%s Nothing was changed.", problem),
			 errhint("%s", hint)));
}

static athar_undo_table *
open_table(athar_undo *run, int32 lineage)
{
	athar_undo_table *table = palloc0(sizeof(athar_undo_table));
	athar_tracked *row = athar_tracking_newest(lineage);
	Oid			relid;

	if (athar_tracking_is_ours(lineage))
		refuse_table(run, ERRCODE_FEATURE_NOT_SUPPORTED,
					 psprintf("It changed %s, whose rows this extension keeps in step with others.",
							  row->relation),
					 "Use the functions of plans, goals and catalogue: a later save is the way back.");
	relid = athar_tracking_relation(row);
	if (!OidIsValid(relid))
		refuse_table(run, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					 psprintf("Table %s is gone.", row->relation),
					 "The log still tells what it held: read athar.change_log.");
	athar_history_open(relid, &table->subject);
	table->lineage = lineage;
	table->name = athar_tracking_name(relid);
	if (table->subject.tracked->untracked_at != DT_NOEND)
		refuse_table(run, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					 psprintf("Table %s is not tracked any more, so later changes are not known.",
							  table->name),
					 "Correct its rows by hand.");
	if (table->subject.has_row_security)
		refuse_table(run, ERRCODE_INSUFFICIENT_PRIVILEGE,
					 psprintf("Row security of table %s hides rows from you.",
							  table->name),
					 "Ask somebody who sees the whole table.");
	athar_undo_links_of(&table->subject, &table->links);
	table->present = athar_keymap_create(sizeof(row_entry), run->context);
	table->removed = athar_keymap_create(sizeof(row_entry), run->context);
	return table;
}

static athar_undo_table *
table_of(athar_undo *run, int32 lineage)
{
	ListCell   *cell;
	athar_undo_table *table;

	foreach(cell, run->tables)
	{
		table = lfirst(cell);
		if (table->lineage == lineage)
			return table;
	}
	table = open_table(run, lineage);
	run->tables = lappend(run->tables, table);
	return table;
}

/*
 * Documents
 */

/* A document for messages, not longer than a line. */
char *
athar_undo_spell(Jsonb *document)
{
	char	   *text = JsonbToCString(NULL, &document->root,
									  VARSIZE(document));
	int			length = strlen(text);

	if (length > 200)
		text = psprintf("%.*s...", pg_mbcliplen(text, length, 200), text);
	return text;
}

/* Values of a document as the table's types, by attribute; mask by column. */
void
athar_undo_values(athar_undo_table *table, Jsonb *document, Datum *values,
				  bool *nulls, bool *mask)
{
	athar_shape *shape = table->subject.shape;
	JsonbIterator *iterator = JsonbIteratorInit(&document->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	int			position = -1;
	athar_pins	pins;

	athar_value_pin(shape, &pins);
	PG_TRY();
	{
		while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		{
			if (token == WJB_KEY)
				position = athar_shape_find(shape, value.val.string.val,
											value.val.string.len);
			else if (token == WJB_VALUE && position >= 0)
			{
				athar_column *column = &shape->columns[position];
				int			a = column->attnum - 1;

				mask[position] = true;
				values[a] = athar_value_read(column, &value, &nulls[a]);
			}
		}
	}
	PG_FINALLY();
	{
		athar_value_unpin(shape, &pins);
	}
	PG_END_TRY();
}

/* Columns of a row as they would be logged today. */
Jsonb *
athar_undo_document(athar_undo_table *table, Datum *values, bool *nulls,
					const bool *mask)
{
	athar_shape *shape = table->subject.shape;
	Jsonb	   *volatile document = NULL;
	athar_pins	pins;

	athar_value_pin(shape, &pins);
	PG_TRY();
	{
		document = athar_value_object(shape, values, nulls, mask);
	}
	PG_FINALLY();
	{
		athar_value_unpin(shape, &pins);
	}
	PG_END_TRY();
	return document;
}

/* Two documents in one; where both have a column, the second one's value. */
Jsonb *
athar_undo_join(Jsonb *first, Jsonb *second)
{
	if (first == NULL || second == NULL)
		return second ? second : first;
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											  JsonbPGetDatum(first),
											  JsonbPGetDatum(second)));
}

bool
athar_undo_column(Jsonb *document, const athar_column *column, Jsonb **value)
{
	JsonbValue *found = document == NULL ? NULL :
	getKeyJsonValueFromContainer(&document->root, column->name,
								 column->name_length, NULL);

	*value = found ? JsonbValueToJsonb(found) : NULL;
	return found != NULL;
}

/* Exactly, to the last zero of a fraction. */
bool
athar_undo_same(Jsonb *a, Jsonb *b)
{
	return VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0;
}

/*
 * Lives of rows
 */

static void
put_row(HTAB *map, athar_undo_row *row, Jsonb *key)
{
	bool		found;
	row_entry  *entry = athar_keymap_search(map, key, HASH_ENTER, &found);

	if (!found)
		entry->rows = NIL;
	entry->rows = lcons(row, entry->rows);
}

static athar_undo_row *
take_row(HTAB *map, Jsonb *key)
{
	row_entry  *entry = athar_keymap_search(map, key, HASH_FIND, NULL);
	athar_undo_row *row;

	if (entry == NULL)
		return NULL;
	row = linitial(entry->rows);
	entry->rows = list_delete_first(entry->rows);
	if (entry->rows == NIL)
		athar_keymap_search(map, key, HASH_REMOVE, NULL);
	return row;
}

static athar_undo_row *
new_row(athar_undo *run, athar_undo_table *table, Jsonb *key, bool existed)
{
	athar_undo_row *row = palloc0(sizeof(athar_undo_row));

	row->table = table;
	row->existed = existed;
	row->first_key = key;
	run->rows = lappend(run->rows, row);
	return row;
}

static void
refuse_key(athar_undo *run, athar_undo_table *table, Jsonb *key)
{
	refuse_table(run, ERRCODE_FEATURE_NOT_SUPPORTED,
				 psprintf("The key of table %s has changed since: the log knows a row as %s.",
						  table->name, athar_undo_spell(key)),
				 "Correct the rows by hand: athar.change_log has the values.");
}

/*
 * A row inserted again is the one that was deleted, and so is one that moved
 * to another partition, which brings its former key; one that is said to have
 * been there was changed by a trigger before its insertion was logged.
 */
static void
fold_insert(athar_undo *run, athar_undo_table *table, athar_undo_entry *entry)
{
	bool		has_key = table->subject.shape->has_key;
	Jsonb	   *former = entry->old_values ? entry->old_values : entry->key;
	athar_undo_row *row = has_key ? take_row(table->removed, former) : NULL;
	athar_undo_row *changed = has_key ? take_row(table->present, entry->key)
	: NULL;

	if (changed)
	{
		changed->existed = false;
		changed->before = NULL;
		changed->after = athar_undo_join(entry->new_values, changed->after);
		row = changed;
	}
	else if (row)
	{
		row->was_reinserted = true;
		row->after = entry->new_values;
	}
	else
	{
		row = new_row(run, table, entry->key, false);
		row->after = entry->new_values;
	}
	row->insertion = entry;
	row->exists = true;
	row->entry_id = entry->id;
	row->last_key = entry->key;
	put_row(table->present, row, entry->key);
}

static Jsonb *
object_of(const athar_column *column, Jsonb *document)
{
	JsonbParseState *state = NULL;
	JsonbValue	name;

	name.type = jbvString;
	name.val.string.val = column->name;
	name.val.string.len = column->name_length;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, &name);
	pushJsonbValue(&state, WJB_VALUE,
				   getKeyJsonValueFromContainer(&document->root, column->name,
												column->name_length, NULL));
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * What a trigger does to a row that the outer statement has changed already
 * is logged first.  The outer change is known by its new value, which is the
 * old one of what was logged before; its old value is then the first one.
 */
static Jsonb *
settle_belated(athar_undo_row *row, athar_undo_entry *entry)
{
	athar_shape *shape = row->table->subject.shape;
	Jsonb	   *left = entry->new_values;

	for (int i = 0; row->before && i < shape->count; i++)
	{
		athar_column *column = &shape->columns[i];
		Jsonb	   *first;
		Jsonb	   *last;
		Jsonb	   *was;
		Jsonb	   *is;

		if (!athar_undo_column(entry->new_values, column, &is) ||
			!athar_undo_column(entry->old_values, column, &was) ||
			!athar_undo_column(row->before, column, &first) ||
			(athar_undo_column(row->after, column, &last) &&
			 athar_undo_same(last, was)) ||
			!athar_undo_same(first, is))
			continue;
		row->is_belated = true;
		row->before = athar_undo_join(row->before, object_of(column, entry->old_values));
		if (last)
			left = athar_undo_join(left, object_of(column, row->after));
	}
	return left;
}

static void
fold_update(athar_undo *run, athar_undo_table *table, athar_undo_entry *entry)
{
	athar_undo_row *row = take_row(table->present, entry->key);
	bool		is_new = row == NULL;

	if (is_new && table->subject.shape->has_key)
		row = take_row(table->removed, entry->key);
	if (row == NULL)
		row = new_row(run, table, entry->key, true);
	entry->new_values = settle_belated(row, entry);
	row->entry_id = entry->id;
	if (row->existed && !row->was_reinserted)
		row->before = athar_undo_join(entry->old_values, row->before);
	if (is_new && row->last_key == NULL && row->is_belated)
	{
		put_row(table->removed, row, row->first_key);
		return;
	}
	row->exists = true;
	row->after = athar_undo_join(row->after, entry->new_values);
	row->last_key = athar_history_next_key(entry->key, entry->new_values);
	row->updates = lappend(row->updates, entry);
	put_row(table->present, row, row->last_key);
}

static void
fold_removal(athar_undo *run, athar_undo_table *table,
			 athar_undo_entry *entry)
{
	athar_undo_row *row = take_row(table->present, entry->key);

	if (row == NULL)
		row = new_row(run, table, entry->key, true);
	row->entry_id = entry->id;
	if (row->existed && !row->was_reinserted)
		row->before = athar_undo_join(entry->old_values, row->before);
	row->exists = false;
	row->last_key = NULL;
	row->after = NULL;
	row->removal = entry;
	if (row->existed)
		put_row(table->removed, row, row->first_key);
}

/*
 * Entries in today's columns
 */

static void
warn_gone(athar_undo *run, athar_undo_table *table, const char *name)
{
	ListCell   *cell;

	foreach(cell, table->gone)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return;
	}
	table->gone = lappend(table->gone, pstrdup(name));
	ereport(WARNING,
			(errmsg("column \"%s\" of table %s is gone: what the transaction did to it stays as it is",
					name, table->name)));
}

/* A column that has no place in the table: it was masked, or dropped since. */
static void
judge_missing(athar_undo *run, athar_undo_table *table,
			  athar_undo_entry *entry, const char *name)
{
	athar_field *field =
	athar_definition_find(athar_definition_read(entry->version), name);

	if (field == NULL || !field->is_masked)
		warn_gone(run, table, name);
	else if (entry->operation == 'U')
		refuse_table(run, ERRCODE_FEATURE_NOT_SUPPORTED,
					 psprintf("It changed column \"%s\" of table %s, which is masked: the log does not have its values.",
							  name, table->name),
					 "Correct the rows by hand.");
}

static void
refuse_value(athar_undo *run, athar_undo_table *table, const char *name)
{
	refuse_table(run, ERRCODE_FEATURE_NOT_SUPPORTED,
				 psprintf("The type of column \"%s\" of table %s has changed, and does not allow what the log has.",
						  name, table->name),
				 "Correct the rows by hand: athar.change_log has the values.");
}

/* What was logged, in today's columns and types. */
static Jsonb *
translated(athar_undo *run, athar_undo_table *table, athar_undo_entry *entry,
		   Jsonb *document)
{
	athar_mapping *mapping = table->subject.mapping;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	AttrNumber	attnum = InvalidAttrNumber;
	Jsonb	   *result;

	if (document == NULL)
		return NULL;
	result = athar_mapping_translate(mapping, entry->table_id, document,
									 false);
	if (result == document)
		return document;

	iterator = JsonbIteratorInit(&document->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		char	   *name;
		JsonbValue *today;

		if (token == WJB_KEY)
		{
			name = pnstrdup(value.val.string.val, value.val.string.len);
			attnum = athar_mapping_attnum(mapping, entry->table_id, name);
			if (attnum == InvalidAttrNumber)
				judge_missing(run, table, entry, name);
		}
		if (token != WJB_VALUE || value.type == jbvNull ||
			attnum == InvalidAttrNumber)
			continue;
		name = get_attname(RelationGetRelid(table->subject.relation), attnum,
						   false);
		today = getKeyJsonValueFromContainer(&result->root, name,
											 strlen(name), NULL);
		if (today && today->type == jbvNull)
			refuse_value(run, table, name);
	}
	return result;
}

/* Without a column of it, a key would be that of other rows, too. */
static bool
names_row(const athar_shape *shape, Jsonb *key)
{
	for (int i = 0; shape->has_key && i < shape->count; i++)
	{
		Jsonb	   *ignored;

		if (shape->key_mask[i] &&
			!athar_undo_column(key, &shape->columns[i], &ignored))
			return false;
	}
	return true;
}

static void
fold(athar_undo *run, athar_undo_entry *entry)
{
	athar_undo_table *table = table_of(run, entry->lineage);

	if (entry->operation == 'S')
		refuse_table(run, ERRCODE_FEATURE_NOT_SUPPORTED,
					 psprintf("It changed the definition of table %s.",
							  table->name),
					 "Change the definition back by hand.");
	if (!athar_mapping_has_key(table->subject.mapping, entry->table_id))
		refuse_key(run, table, entry->key);
	entry->key = translated(run, table, entry, entry->key);
	if (!names_row(table->subject.shape, entry->key))
		athar_history_refuse(entry->id);
	entry->old_values = translated(run, table, entry, entry->old_values);
	entry->new_values = translated(run, table, entry, entry->new_values);
	switch (entry->operation)
	{
		case 'I':
			fold_insert(run, table, entry);
			break;
		case 'U':
			fold_update(run, table, entry);
			break;
		default:
			fold_removal(run, table, entry);
			break;
	}
}

/*
 * Reading
 */

static void
refuse_unknown(athar_undo *run)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("transaction %lld does not exist",
					(long long) run->transaction_id),
			 errdetail("The log has none of that number that is committed and not archived; nothing was changed."),
			 errhint("Take transaction_id from athar.change_log or athar.row_history().")));
}

static void
read_transactions(athar_undo *run)
{
	Oid			types[3] = {INT8OID, XID8OID, INT8OID};
	Datum		values[3] = {
		Int64GetDatum(run->transaction_id),
		FullTransactionIdGetDatum(GetTopFullTransactionIdIfAny()),
		Int64GetDatum((int64) GetSystemIdentifier())
	};
	bool		isnull;
	bool		is_own;

	if (SPI_execute_with_args(transactions_text, 3, types, values, NULL,
							  run->is_dry, 0) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not read the log's transactions");
	is_own = DatumGetBool(SPI_getbinval(SPI_tuptable->vals[0],
										SPI_tuptable->tupdesc, 2, &isnull));
	if (isnull)
		refuse_unknown(run);
	if (is_own)
		refuse_table(run, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE,
					 "It is the one that asks.", "ROLLBACK undoes it.");
	run->transactions = SPI_datumTransfer(SPI_getbinval(SPI_tuptable->vals[0],
														SPI_tuptable->tupdesc,
														1, &isnull),
										  false, -1);
}

/* A document of an entry as it was logged; NULL without. */
Jsonb *
athar_undo_logged(HeapTuple tuple, TupleDesc descriptor, int number)
{
	bool		isnull;
	Datum		datum = SPI_getbinval(tuple, descriptor, number, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(datum);
}

static athar_undo_entry *
entry_of(HeapTuple tuple, TupleDesc descriptor)
{
	athar_undo_entry *entry = palloc(sizeof(athar_undo_entry));
	bool		isnull;

	entry->id = DatumGetInt64(SPI_getbinval(tuple, descriptor, 1, &isnull));
	entry->lineage = DatumGetInt32(SPI_getbinval(tuple, descriptor, 2,
												 &isnull));
	entry->table_id = DatumGetInt32(SPI_getbinval(tuple, descriptor, 3,
												  &isnull));
	entry->version = DatumGetInt32(SPI_getbinval(tuple, descriptor, 4,
												 &isnull));
	entry->operation = DatumGetChar(SPI_getbinval(tuple, descriptor, 5,
												  &isnull));
	entry->key = athar_undo_logged(tuple, descriptor, 6);
	entry->old_values = athar_undo_logged(tuple, descriptor, 7);
	entry->new_values = athar_undo_logged(tuple, descriptor, 8);
	athar_history_check(entry->id, entry->operation, entry->key,
						entry->old_values, entry->new_values);
	return entry;
}

/* The entries of the transaction, read as the owner of the log. */
static List *
read_entries(athar_undo *run)
{
	Oid			types[1] = {INT8ARRAYOID};
	List	   *entries = NIL;
	athar_owner_state state;
	Portal		portal;

	athar_catalog_flush();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	read_transactions(run);
	portal = SPI_cursor_open_with_args(NULL, entries_text, 1, types,
									   &run->transactions, NULL,
									   run->is_dry, 0);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, BATCH);
		if (SPI_processed == 0)
			break;
		CHECK_FOR_INTERRUPTS();
		for (uint64 i = 0; i < SPI_processed; i++)
			entries = lappend(entries, entry_of(SPI_tuptable->vals[i],
												SPI_tuptable->tupdesc));
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	athar_catalog_resign(&state);
	return entries;
}

/* Read what the transaction did to each row. */
void
athar_undo_read(athar_undo *run)
{
	List	   *entries = read_entries(run);
	ListCell   *cell;

	if (athar_horizon_is_split(run->transaction_id))
		refuse_table(run, MAKE_SQLSTATE('A', 'T', '0', '0', '9'),
					 "A part of what it did was archived or expired.",
					 "Correct the rows by hand; athar.archived_changes shows what is archived.");
	foreach(cell, entries)
	{
		CHECK_FOR_INTERRUPTS();
		fold(run, lfirst(cell));
	}
}
