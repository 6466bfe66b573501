/*
 * history.c
 *	  Reading the log of one table: what every reader needs.
 *
 * Nobody but auditors may read the log itself.  Everybody else reads the part
 * that is about a table he may select from, through functions that look at
 * his rights first and then read the log as its owner, as the server's foreign
 * keys read tables.  Row security is the table's own: what a policy hides now
 * has no past.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "history.h"

#define BATCH 1000

/*
 * The table asked about
 */

static bool
has_dropped_columns(Relation relation)
{
	for (int i = 0; i < RelationGetNumberOfAttributes(relation); i++)
	{
		if (TupleDescAttr(RelationGetDescr(relation), i)->attisdropped)
			return true;
	}
	return false;
}

/*
 * SELECT on every column will do where no column was dropped: the log still
 * has that one's values, and nobody can say who was to read them.
 */
static void
check_select(Relation relation)
{
	Oid			relid = RelationGetRelid(relation);

	if (pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) != ACLCHECK_OK &&
		(has_dropped_columns(relation) ||
		 pg_attribute_aclcheck_all(relid, GetUserId(), ACL_SELECT,
								   ACLMASK_ALL) != ACLCHECK_OK))
		aclcheck_error(ACLCHECK_NO_PRIV,
					   get_relkind_objtype(relation->rd_rel->relkind),
					   RelationGetRelationName(relation));
}

static void
refuse_untracked(Relation relation)
{
	List	   *ancestors = relation->rd_rel->relispartition ?
	get_partition_ancestors(RelationGetRelid(relation)) : NIL;

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" was never tracked",
					RelationGetRelationName(relation)),
			 errdetail("The log holds nothing about it."),
			 ancestors == NIL ?
			 errhint("Call athar.track() to have its changes logged from now on.") :
			 errhint("It is a partition: ask about table \"%s\".",
					 get_rel_name(llast_oid(ancestors)))));
}

/* Fill in all about an open table; whether the caller may ask is not asked. */
void
athar_history_describe(Relation relation, athar_subject *subject)
{
	Oid			relid = RelationGetRelid(relation);
	ListCell   *cell;

	memset(subject, 0, sizeof(athar_subject));
	subject->relation = relation;
	subject->tracked = athar_tracking_of(relid);
	if (subject->tracked == NULL)
		refuse_untracked(relation);
	subject->shape = athar_definition_shape(relation, relation,
											subject->tracked->fields);
	subject->mapping = athar_mapping_make(relation, subject->tracked,
										  subject->shape);
	subject->has_row_security =
		check_enable_rls(relid, InvalidOid, true) == RLS_ENABLED;
	foreach(cell, athar_tracking_rows(subject->tracked->lineage))
	{
		athar_tracked *row = lfirst(cell);

		if (row->rekey_of != 0)
			subject->rekey_ids = lappend_int(subject->rekey_ids, row->id);
		else
			subject->table_ids = lappend_int(subject->table_ids, row->id);
	}
}

/* Open a table for a reader, after a look at the caller's rights. */
void
athar_history_open(Oid relid, athar_subject *subject)
{
	Relation	relation = table_open(relid, AccessShareLock);

	check_select(relation);
	athar_history_describe(relation, subject);
}

void
athar_history_close(athar_subject *subject)
{
	table_close(subject->relation, NoLock);
}

/* Table numbers as an integer array for a query. */
Datum
athar_history_ids(List *first, List *second)
{
	List	   *ids = list_concat_copy(first, second);
	Datum	   *elements = palloc(sizeof(Datum) * Max(list_length(ids), 1));
	int			count = 0;
	ListCell   *cell;

	foreach(cell, ids)
		elements[count++] = Int32GetDatum(lfirst_int(cell));
	return PointerGetDatum(construct_array(elements, count, INT4OID, 4, true,
										   TYPALIGN_INT));
}

/* A name for the row that no column of the table has. */
const char *
athar_history_alias(Relation relation)
{
	char	   *alias = pstrdup("r");

	while (get_attnum(RelationGetRelid(relation), alias) !=
		   InvalidAttrNumber)
		alias = psprintf("%s_", alias);
	return alias;
}

/* Hand over the rows of SPI's table. */
static void
read_batch(athar_subject *subject, MemoryContext row_context,
		   athar_row_reader reader, void *context)
{
	SPITupleTable *table = SPI_tuptable;
	uint64		count = SPI_processed;
	athar_pins	pins;

	athar_value_pin(subject->shape, &pins);
	PG_TRY();
	{
		for (uint64 i = 0; i < count; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(row_context);
			bool		isnull;
			Datum		row = SPI_getbinval(table->vals[i], table->tupdesc, 1,
											&isnull);

			CHECK_FOR_INTERRUPTS();
			reader(context, DatumGetHeapTupleHeader(row));
			MemoryContextSwitchTo(old);
			MemoryContextReset(row_context);
		}
	}
	PG_FINALLY();
	{
		athar_value_unpin(subject->shape, &pins);
	}
	PG_END_TRY();
}

/*
 * Hand over every present row of the table that the caller may see, under the
 * active snapshot, in memory that lasts for one row.
 */
void
athar_history_read_live(athar_subject *subject, const char *condition,
						int nargs, Oid *types, Datum *values,
						athar_row_reader reader, void *context)
{
	Relation	relation = subject->relation;
	const char *alias = athar_history_alias(relation);
	StringInfoData text;
	Portal		portal;
	MemoryContext row_context;

	initStringInfo(&text);
	appendStringInfo(&text, "SELECT %s FROM %s %s AS %s", alias,
					 relation->rd_rel->relkind == RELKIND_RELATION ? "ONLY" : "",
					 athar_tracking_name(RelationGetRelid(relation)), alias);
	if (condition)
		appendStringInfo(&text, " WHERE %s", condition);
	SPI_connect();
	portal = SPI_cursor_open_with_args(NULL, text.data, nargs, types, values,
									   NULL, true, 0);
	row_context = AllocSetContextCreate(CurrentMemoryContext,
										"athar live row",
										ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, BATCH);
		if (SPI_processed == 0)
			break;
		read_batch(subject, row_context, reader, context);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

/* Hand over each row of a cursor, in memory that lasts for one row; close it. */
void
athar_history_each(Portal portal, athar_tuple_reader reader, void *context)
{
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext,
													  "athar row of the log",
													  ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		SPITupleTable *table;
		uint64		count;

		SPI_cursor_fetch(portal, true, BATCH);
		table = SPI_tuptable;
		count = SPI_processed;
		for (uint64 i = 0; i < count; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(row_context);

			CHECK_FOR_INTERRUPTS();
			reader(context, table->vals[i], table->tupdesc);
			MemoryContextSwitchTo(old);
			MemoryContextReset(row_context);
		}
		SPI_freetuptable(table);
		if (count == 0)
			break;
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(row_context);
}

/* The values of a row of the table, by attribute number. */
void
athar_history_deform(const athar_subject *subject, HeapTupleHeader row,
					 Datum **values, bool **nulls)
{
	TupleDesc	descriptor = RelationGetDescr(subject->relation);
	HeapTupleData tuple;

	*values = palloc(sizeof(Datum) * (descriptor->natts + 1));
	*nulls = palloc(descriptor->natts + 1);
	tuple.t_len = HeapTupleHeaderGetDatumLength(row);
	ItemPointerSetInvalid(&tuple.t_self);
	tuple.t_tableOid = InvalidOid;
	tuple.t_data = row;
	heap_deform_tuple(&tuple, descriptor, *values, *nulls);
}

/* What of a document is in a mask's columns. */
Jsonb *
athar_history_restrict(athar_shape *shape, const bool *mask, Jsonb *document)
{
	JsonbParseState *state = NULL;
	JsonbIterator *iterator = JsonbIteratorInit(&document->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue *object;
	bool		is_wanted = false;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			int			position = athar_shape_find(shape,
													value.val.string.val,
													value.val.string.len);

			is_wanted = position >= 0 && mask[position];
		}
		if (is_wanted && (token == WJB_KEY || token == WJB_VALUE))
			pushJsonbValue(&state, token, &value);
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object);
}

static bool
is_object(Jsonb *document)
{
	return document !=NULL && JB_ROOT_IS_OBJECT(document);
}

static bool
is_captured(char operation, Jsonb *key, Jsonb *old_values, Jsonb *new_values)
{
	if (!is_object(key))
		return false;
	switch (operation)
	{
		case 'I':
			return (old_values == NULL || is_object(old_values)) &&
				(new_values == NULL || is_object(new_values));
		case 'U':
			return is_object(old_values) && is_object(new_values);
		case 'D':
		case 'T':
			return is_object(old_values) && new_values == NULL;
		default:
			return operation == 'S';
	}
}

void
athar_history_refuse(int64 id)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("entry %lld of the change log is not one that was captured",
					(long long) id),
			 errdetail("No state can be rebuilt from it."),
			 errhint("athar.verify_log() tells which entries are not what was sealed.")));
}

/* Refuse an entry, as it was read, that somebody else than the capture wrote. */
void
athar_history_check(int64 id, char operation, Jsonb *key, Jsonb *old_values,
					Jsonb *new_values)
{
	if (!is_captured(operation, key, old_values, new_values))
		athar_history_refuse(id);
}

/*
 * The key after an update: the old one with what is new of its columns.  Who
 * shows entries as they are may hand over one that was forged.
 */
Jsonb *
athar_history_next_key(Jsonb *key, Jsonb *new_values)
{
	JsonbParseState *state = NULL;
	JsonbIterator *iterator = JsonbIteratorInit(&key->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue *new_value = NULL;
	JsonbValue *object;
	bool		is_new = false;

	if (!is_object(new_values))
		return key;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			new_value = getKeyJsonValueFromContainer(&new_values->root,
													 value.val.string.val,
													 value.val.string.len,
													 NULL);
			is_new |= new_value != NULL;
			pushJsonbValue(&state, WJB_KEY, &value);
		}
		else if (token == WJB_VALUE)
			pushJsonbValue(&state, WJB_VALUE, new_value ? new_value : &value);
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return is_new ? JsonbValueToJsonb(object) : key;
}

/* The numbers under which a table's entries were written, under any name. */
PG_FUNCTION_INFO_V1(athar_table_ids);
Datum
athar_table_ids(PG_FUNCTION_ARGS)
{
	athar_tracked *tracked = athar_tracking_of(PG_GETARG_OID(0));
	List	   *ids = NIL;
	ListCell   *cell;

	if (tracked == NULL)
		PG_RETURN_NULL();
	foreach(cell, athar_tracking_rows(tracked->lineage))
		ids = lappend_int(ids, ((athar_tracked *) lfirst(cell))->id);
	return athar_history_ids(ids, NIL);
}
