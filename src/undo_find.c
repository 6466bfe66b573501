/*
 * undo_find.c
 *	  The rows of a transaction that is to be undone, as they are now; and
 *	  rows that depend on them.
 *
 * Queries are the caller's, with values as parameters.  Those that are to
 * last until the undo is done lock what they find; a dry run's do not.
 */
#include "athar.h"

#include "access/table.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/typcache.h"

#include "keymap.h"
#include "undo_find.h"

/* A row of the transaction, by where it is. */
typedef struct live_key
{
	Oid			tableoid;
	ItemPointerData tid;
} live_key;

typedef struct live_entry
{
	live_key	key;
	athar_undo_row *row;
} live_entry;

typedef struct undo_plan
{
	char	   *text;
	SPIPlanPtr	plan;
} undo_plan;

/* A row that is looked for. */
typedef struct undo_search
{
	athar_undo *run;
	athar_undo_row *row;
} undo_search;

/*
 * Finding rows
 */

static bool
take_batch(athar_undo_taker taker, void *context, SPITupleTable *table, uint64 count)
{
	for (uint64 i = 0; i < count; i++)
	{
		bool		isnull;
		ItemPointer tid = (ItemPointer) DatumGetPointer(SPI_getbinval(table->vals[i],
																	  table->tupdesc,
																	  1, &isnull));
		Oid			tableoid = DatumGetObjectId(SPI_getbinval(table->vals[i],
															  table->tupdesc,
															  2, &isnull));
		Datum		row = SPI_getbinval(table->vals[i], table->tupdesc, 3,
										&isnull);

		if (!taker(context, tableoid, tid, DatumGetHeapTupleHeader(row)))
			return false;
	}
	return true;
}

/* A query, prepared once. */
SPIPlanPtr
athar_undo_prepare(athar_undo *run, const char *text, int nargs, Oid *types)
{
	ListCell   *cell;
	undo_plan  *made;
	MemoryContext old;

	foreach(cell, run->plans)
	{
		made = lfirst(cell);
		if (strcmp(made->text, text) == 0)
			return made->plan;
	}
	old = MemoryContextSwitchTo(run->context);
	made = palloc(sizeof(undo_plan));
	made->text = pstrdup(text);
	made->plan = SPI_prepare(text, nargs, types);
	if (made->plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", text,
			 SPI_result_code_string(SPI_result));
	run->plans = lappend(run->plans, made);
	MemoryContextSwitchTo(old);
	return made->plan;
}

/* Hand over the rows of a relation under a condition, until enough. */
void
athar_undo_find(athar_undo *run, Oid relid, const char *condition,
				const char *locking, int nargs, Oid *types, Datum *values,
				int batch, athar_undo_taker taker, void *context)
{
	Relation	relation = table_open(relid, AccessShareLock);
	const char *alias = athar_history_alias(relation);
	StringInfoData text;
	Portal		portal;
	bool		goes_on = true;

	initStringInfo(&text);
	appendStringInfo(&text, "SELECT %s.ctid, %s.tableoid, %s FROM %s%s AS %s WHERE %s",
					 alias, alias, alias,
					 relation->rd_rel->relkind == RELKIND_RELATION ? "ONLY " : "",
					 athar_tracking_name(relid), alias, condition);
	if (locking && !run->is_dry)
		appendStringInfo(&text, " FOR %s", locking);
	table_close(relation, NoLock);
	portal = SPI_cursor_open(NULL,
							 athar_undo_prepare(run, text.data, nargs, types),
							 values, NULL, run->is_dry);
	while (goes_on)
	{
		SPI_cursor_fetch(portal, true, batch);
		if (SPI_processed == 0)
			break;
		CHECK_FOR_INTERRUPTS();
		goes_on = take_batch(taker, context, SPI_tuptable, SPI_processed);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
}

static void
add_condition(StringInfo text, const char *alias, athar_column *column,
			  Oid operator, int parameter)
{
	generate_operator_clause(text,
							 psprintf("%s.%s", alias,
									  quote_identifier(column->name)),
							 column->type, operator,
							 psprintf("$%d", parameter), column->type);
}

/*
 * The condition that a row has a key; parameters for it are written into
 * types and values, which have room for all columns.  Types that have no
 * equality are left out.
 */
char *
athar_undo_condition(athar_undo_row *row, Jsonb *key, int *nargs, Oid *types,
					 Datum *values)
{
	athar_shape *shape = row->table->subject.shape;
	Relation	relation = row->table->subject.relation;
	int			natts = RelationGetNumberOfAttributes(relation);
	Datum	   *all = palloc0(sizeof(Datum) * (natts + 1));
	bool	   *nulls = palloc0(natts + 1);
	bool	   *mask = palloc0(shape->count + 1);
	const char *alias = athar_history_alias(relation);
	StringInfoData text;

	*nargs = 0;
	initStringInfo(&text);
	appendStringInfoString(&text, "true");
	athar_undo_values(row->table, key, all, nulls, mask);
	for (int i = 0; i < shape->count; i++)
	{
		athar_column *column = &shape->columns[i];
		Oid			operator;

		if (!mask[i])
			continue;
		operator = lookup_type_cache(column->type, TYPECACHE_EQ_OPR)->eq_opr;
		if (nulls[column->attnum - 1])
			appendStringInfo(&text, " AND %s.%s IS NULL", alias,
							 quote_identifier(column->name));
		else if (OidIsValid(operator))
		{
			types[*nargs] = column->type;
			values[*nargs] = all[column->attnum - 1];
			appendStringInfoString(&text, " AND ");
			add_condition(&text, alias, column, operator, ++*nargs);
		}
	}
	return text.data;
}

/* The query of a link for the values of a row; NULL where one is NULL. */
char *
athar_undo_link_condition(athar_undo_link *link, athar_shape *shape, const char *alias,
						  Datum *row_values, bool *row_nulls, Oid *types, Datum *values)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < link->count; i++)
	{
		athar_column *own = &shape->columns[link->columns[i]];
		char	   *other = psprintf("%s.%s", alias,
									 quote_identifier(link->others[i]));
		char	   *parameter = psprintf("$%d", i + 1);

		if (row_nulls[own->attnum - 1])
			return NULL;
		types[i] = own->type;
		values[i] = row_values[own->attnum - 1];
		if (i > 0)
			appendStringInfoString(&text, " AND ");
		if (link->is_parent)
			generate_operator_clause(&text, other, link->other_types[i],
									 link->operators[i], parameter, own->type);
		else
			generate_operator_clause(&text, parameter, own->type,
									 link->operators[i], other,
									 link->other_types[i]);
	}
	return text.data;
}

athar_undo_row *
athar_undo_live_row(athar_undo *run, Oid tableoid, ItemPointer tid)
{
	live_key	key;
	live_entry *entry;

	memset(&key, 0, sizeof(key));
	key.tableoid = tableoid;
	key.tid = *tid;
	entry = hash_search(run->live, &key, HASH_FIND, NULL);
	return entry ? entry->row : NULL;
}

/*
 * The rows as they are now
 */

static bool *
mask_of(athar_undo_table *table, Jsonb *document)
{
	athar_shape *shape = table->subject.shape;
	bool	   *mask = palloc0(shape->count + 1);

	for (int i = 0; i < shape->count; i++)
		mask[i] = getKeyJsonValueFromContainer(&document->root,
											   shape->columns[i].name,
											   shape->columns[i].name_length,
											   NULL) != NULL;
	return mask;
}

/* Keep the values of columns that other rows may depend on. */
static void
keep_linked(athar_undo *run, athar_undo_row *row, Datum *values, bool *nulls)
{
	athar_shape *shape = row->table->subject.shape;
	int			natts = RelationGetNumberOfAttributes(row->table->subject.relation);
	MemoryContext old = MemoryContextSwitchTo(run->context);

	row->values = palloc0(sizeof(Datum) * (natts + 1));
	row->nulls = palloc0(natts + 1);
	for (int i = 0; i < shape->count; i++)
	{
		int			a = shape->columns[i].attnum - 1;

		row->nulls[a] = nulls[a];
		if (row->table->links.mask[i] && !nulls[a])
			row->values[a] = datumCopy(values[a],
									   shape->columns[i].is_by_value,
									   shape->columns[i].length);
	}
	MemoryContextSwitchTo(old);
}

static void
claim(undo_search *wanted, Oid tableoid, ItemPointer tid, Datum *values,
	  bool *nulls)
{
	athar_undo_row *row = wanted->row;
	live_key	key;
	live_entry *entry;

	memset(&key, 0, sizeof(key));
	key.tableoid = tableoid;
	key.tid = *tid;
	entry = hash_search(wanted->run->live, &key, HASH_ENTER, NULL);
	entry->row = row;
	row->is_found = true;
	row->tableoid = tableoid;
	row->tid = *tid;
	row->live = athar_keymap_keep(athar_undo_document(row->table, values, nulls,
													  row->existed ? row->touched
													  : row->table->subject.shape->logged_mask),
								  wanted->run->context);
	keep_linked(wanted->run, row, values, nulls);
	if (row->after == NULL)
		return;
	row->is_altered = !athar_undo_same(row->after,
									   athar_undo_document(row->table, values, nulls,
														   mask_of(row->table, row->after)));
}

static bool
take_live(void *context, Oid tableoid, ItemPointer tid, HeapTupleHeader tuple)
{
	undo_search *wanted = context;
	athar_undo_table *table = wanted->row->table;
	Datum	   *values;
	bool	   *nulls;

	athar_history_deform(&table->subject, tuple, &values, &nulls);
	if (!table->subject.shape->has_key &&
		(athar_undo_live_row(wanted->run, tableoid, tid) != NULL ||
		 !athar_undo_same(athar_undo_document(table, values, nulls,
											  mask_of(table, wanted->row->last_key)), wanted->row->last_key)))
		return true;
	claim(wanted, tableoid, tid, values, nulls);
	return false;
}

/* Find, and lock, the rows that the transaction left. */
void
athar_undo_find_live(athar_undo *run)
{
	HASHCTL		control = {
		.keysize = sizeof(live_key),
		.entrysize = sizeof(live_entry),
		.hcxt = run->context
	};
	ListCell   *cell;

	run->live = hash_create("athar rows to be undone", 256, &control,
							HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(cell, run->rows)
	{
		athar_undo_row *row = lfirst(cell);
		undo_search wanted = {.run = run,.row = row};
		MemoryContext old;
		int			count = row->table->subject.shape->count;
		Oid		   *types;
		Datum	   *values;
		char	   *condition;
		int			nargs;

		if (!row->exists)
			continue;
		old = MemoryContextSwitchTo(run->scratch);
		types = palloc(sizeof(Oid) * (count + 1));
		values = palloc(sizeof(Datum) * (count + 1));
		condition = athar_undo_condition(row, row->last_key, &nargs,
										 types, values);
		athar_undo_find(run, RelationGetRelid(row->table->subject.relation),
						condition, "UPDATE", nargs, types, values, 1,
						take_live, &wanted);
		MemoryContextSwitchTo(old);
		MemoryContextReset(run->scratch);
	}
}
