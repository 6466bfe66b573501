/*
 * history.c
 *	  Reading the log of one table: the history of a row, and what every
 *	  reader needs.
 *
 * Nobody but auditors may read the log itself.  Everybody else reads the part
 * that is about a table he may select from, through functions that look at
 * his rights first and then read the log as its owner, as the server's foreign
 * keys read tables.  Row security is the table's own: what a policy hides now
 * has no past, and a row that is seen has its own past alone, not that of an
 * earlier row with its key, which anybody could give to a row of his.
 *
 * A row is its key, and keys change.  The updates that changed a key are kept
 * under a table number of their own, so the keys a row had before are found
 * without reading the table's whole log.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "keymap.h"
#include "history.h"

#define BATCH 1000
#define OF_ANY " OPERATOR(pg_catalog.=) ANY "

/* Columns of change_log that lives are told by. */
#define COLUMN_OPERATION 5
#define COLUMN_ROW_KEY 6
#define COLUMN_NEW_VALUES 8
#define LOG_COLUMNS 14

/* All keys a row had: from a key to those it became and those it was. */
static const char *const keys_text =
"WITH RECURSIVE rekey AS MATERIALIZED ("
"SELECT e.row_key AS was, e.row_key OPERATOR(pg_catalog.||)"
" (SELECT coalesce(pg_catalog.jsonb_object_agg(n.key, n.value), '{}')"
" FROM pg_catalog.jsonb_each(e.new_values) AS n"
" WHERE e.row_key OPERATOR(pg_catalog.?) n.key) AS became"
" FROM athar.log_entry AS e WHERE e.table_id" OF_ANY "($2)), "
"reach(key) AS (SELECT $1 UNION SELECT o.key FROM reach AS r"
" JOIN rekey AS k ON k.was OPERATOR(pg_catalog.=) r.key"
" OR k.became OPERATOR(pg_catalog.=) r.key"
" CROSS JOIN LATERAL (VALUES (k.was), (k.became)) AS o (key))"
"SELECT pg_catalog.array_agg(reach.key),"
" pg_catalog.array_agg(athar.key_hash(reach.key)) FROM reach";

/* The columns of change_log, whose shape is the function's result. */
static const char *const entries_text =
"SELECT e.id, t.at, e.transaction_id, n.relation,"
" CASE e.operation WHEN 'I' THEN 'INSERT' WHEN 'U' THEN 'UPDATE'"
" WHEN 'D' THEN 'DELETE' WHEN 'T' THEN 'TRUNCATE' WHEN 'S' THEN 'DDL' END,"
" e.row_key, e.old_values, e.new_values,"
" t.session_user_name, t.current_user_name, t.actor, t.reason,"
" t.application_name, t.client_address"
" FROM athar.log_entry AS e"
" JOIN athar.log_transaction AS t ON t.id OPERATOR(pg_catalog.=) e.transaction_id"
" JOIN athar.tracked_table AS n ON n.id OPERATOR(pg_catalog.=) e.table_id"
" WHERE e.table_id" OF_ANY "($1)"
" AND e.key_hash" OF_ANY "($2)"
" AND e.row_key" OF_ANY "($3) ORDER BY e.id";

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

/* Open a table for a reader, after a look at the caller's rights. */
void
athar_history_open(Oid relid, athar_subject *subject)
{
	Relation	relation = table_open(relid, AccessShareLock);
	ListCell   *cell;

	memset(subject, 0, sizeof(athar_subject));
	subject->relation = relation;
	check_select(relation);
	subject->tracked = athar_tracking_of(relid);
	if (subject->tracked == NULL)
		refuse_untracked(relation);
	subject->shape = athar_value_shape(relation, relation,
									   athar_definition_excluded(subject->tracked->fields),
									   athar_definition_masked(subject->tracked->fields));
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
static const char *
row_alias(Relation relation)
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
	const char *alias = row_alias(relation);
	StringInfoData text;
	Portal		portal;
	MemoryContext row_context;

	initStringInfo(&text);
	appendStringInfo(&text, "SELECT %s FROM %s %s AS %s", alias,
					 relation->rd_rel->relkind == RELKIND_RELATION ? "ONLY" : "",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
												RelationGetRelationName(relation)),
					 alias);
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

/* What of a document is in a mask's columns, and how many of them it has. */
Jsonb *
athar_history_restrict(athar_shape *shape, const bool *mask, Jsonb *document,
					   int *count)
{
	JsonbParseState *state = NULL;
	JsonbIterator *iterator = JsonbIteratorInit(&document->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue *object;
	bool		is_wanted = false;

	*count = 0;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			int			position = athar_value_find(shape,
													value.val.string.val,
													value.val.string.len);

			is_wanted = position >= 0 && mask[position];
			*count += is_wanted;
		}
		if (is_wanted && (token == WJB_KEY || token == WJB_VALUE))
			pushJsonbValue(&state, token, &value);
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object);
}

/*
 * The key asked for
 */

static void
refuse_key(athar_subject *subject, const char *problem)
{
	StringInfoData columns;

	initStringInfo(&columns);
	for (int i = 0; i < subject->shape->count; i++)
	{
		if (subject->shape->key_mask[i])
			appendStringInfo(&columns, "%s\"%s\"", columns.len ? ", " : "",
							 subject->shape->columns[i].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s", problem),
			 errdetail("The key of table \"%s\" is an object of %s.",
					   RelationGetRelationName(subject->relation),
					   columns.data),
			 errhint("Give row_key as change_log shows it.")));
}

/* The values of a key, as the table's types; mask tells which are there. */
static void
read_key(athar_subject *subject, Jsonb *key, Datum *values, bool *nulls,
		 bool *mask)
{
	athar_shape *shape = subject->shape;
	JsonbIterator *iterator = JsonbIteratorInit(&key->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	int			position = -1;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			position = athar_value_find(shape, value.val.string.val,
										value.val.string.len);
			if (position < 0 || !shape->key_mask[position])
				refuse_key(subject,
						   psprintf("\"%s\" is not a column of the key of table \"%s\"",
									pnstrdup(value.val.string.val,
											 value.val.string.len),
									RelationGetRelationName(subject->relation)));
		}
		else if (token == WJB_VALUE)
		{
			athar_column *column = &shape->columns[position];
			int			a = column->attnum - 1;

			mask[position] = true;
			values[a] = athar_value_read(column, &value, &nulls[a]);
		}
	}
}

/*
 * The key as the capture would have written it, so that {"id": "7"} finds
 * what {"id": 7} does.
 */
static Jsonb *
canonical_key(athar_subject *subject, Jsonb *key, Datum *values)
{
	athar_shape *shape = subject->shape;
	bool	   *nulls = palloc0(RelationGetNumberOfAttributes(subject->relation) + 1);
	bool	   *mask = palloc0(shape->count + 1);
	athar_pins	pins;
	Jsonb	   *volatile canonical = NULL;

	if (!JB_ROOT_IS_OBJECT(key) || JB_ROOT_COUNT(key) == 0)
		refuse_key(subject, "a row's key must be an object of its columns");
	athar_value_pin(shape, &pins);
	PG_TRY();
	{
		read_key(subject, key, values, nulls, mask);
		if (shape->has_key)
		{
			for (int i = 0; i < shape->count; i++)
			{
				if (shape->key_mask[i] &&
					(!mask[i] || nulls[shape->columns[i].attnum - 1]))
					refuse_key(subject,
							   psprintf("column \"%s\" of the key of table \"%s\" is missing",
										shape->columns[i].name,
										RelationGetRelationName(subject->relation)));
			}
		}
		canonical = athar_value_object(shape, values, nulls, mask);
	}
	PG_FINALLY();
	{
		athar_value_unpin(shape, &pins);
	}
	PG_END_TRY();
	return canonical;
}

/*
 * May the caller see a row with this key now?
 */

typedef struct sight
{
	athar_subject *subject;
	Jsonb	   *key;
	bool		is_seen;
} sight;

static void
look_for_key(void *context, HeapTupleHeader row)
{
	sight	   *looker = context;
	Datum	   *values;
	bool	   *nulls;
	Jsonb	   *key;

	athar_history_deform(looker->subject, row, &values, &nulls);
	key = athar_value_object(looker->subject->shape, values, nulls,
							 looker->subject->shape->key_mask);
	looker->is_seen |= compareJsonbContainers(&key->root,
											  &looker->key->root) == 0;
}

static bool
sees_row(athar_subject *subject, Jsonb *key, Datum *key_values)
{
	athar_shape *shape = subject->shape;
	sight		looker = {.subject = subject,.key = key};
	const char *alias = row_alias(subject->relation);
	StringInfoData condition;
	Oid			types[INDEX_MAX_KEYS];
	Datum		values[INDEX_MAX_KEYS];
	int			nargs = 0;

	initStringInfo(&condition);
	for (int i = 0; shape->has_key && i < shape->count; i++)
	{
		athar_column *column = &shape->columns[i];
		TypeCacheEntry *type;

		if (!shape->key_mask[i])
			continue;
		type = lookup_type_cache(column->type, TYPECACHE_EQ_OPR);
		types[nargs] = column->type;
		values[nargs] = key_values[column->attnum - 1];
		nargs++;
		if (nargs > 1)
			appendStringInfoString(&condition, " AND ");
		generate_operator_clause(&condition,
								 psprintf("%s.%s", alias,
										  quote_identifier(column->name)),
								 column->type, type->eq_opr,
								 psprintf("$%d", nargs), column->type);
	}
	PushActiveSnapshot(GetTransactionSnapshot());
	athar_history_read_live(subject, nargs ? condition.data : NULL,
							nargs, types, values, look_for_key, &looker);
	PopActiveSnapshot();
	return looker.is_seen;
}

/*
 * Lives of rows: an entry belongs to the row that had its key at the time
 */

typedef struct life_entry
{
	Jsonb	   *key;
	int			life;
} life_entry;

typedef struct lives
{
	HTAB	   *map;			/* key now -> life */
	int			count;
	int		   *life_of;		/* by entry */
	bool	   *is_wanted;		/* by life */
	Jsonb	   *key;			/* asked for */
} lives;

static Jsonb *
jsonb_column(HeapTuple tuple, TupleDesc descriptor, int number)
{
	bool		isnull;
	Datum		datum = SPI_getbinval(tuple, descriptor, number, &isnull);

	return isnull ? NULL : DatumGetJsonbP(datum);
}

static int
life_with_key(lives *all, Jsonb *key)
{
	bool		found;
	life_entry *entry = athar_keymap_search(all->map, key, HASH_ENTER, &found);

	if (!found)
		entry->life = all->count++;
	if (compareJsonbContainers(&key->root, &all->key->root) == 0)
		all->is_wanted[entry->life] = true;
	return entry->life;
}

static void
give_key(lives *all, Jsonb *key, int life)
{
	life_entry *entry = athar_keymap_search(all->map, key, HASH_ENTER, NULL);

	entry->life = life;
	if (compareJsonbContainers(&key->root, &all->key->root) == 0)
		all->is_wanted[life] = true;
}

/* The key after an update: the old one with what is new of its columns. */
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

static void
follow_entry(lives *all, HeapTuple tuple, TupleDesc descriptor, int number)
{
	char	   *operation = SPI_getvalue(tuple, descriptor, COLUMN_OPERATION);
	Jsonb	   *key = jsonb_column(tuple, descriptor, COLUMN_ROW_KEY);
	int			life = life_with_key(all, key);

	all->life_of[number] = life;
	if (strcmp(operation, "UPDATE") == 0)
	{
		Jsonb	   *next = athar_history_next_key(key,
												  jsonb_column(tuple, descriptor,
															   COLUMN_NEW_VALUES));

		if (next != key)
		{
			athar_keymap_search(all->map, key, HASH_REMOVE, NULL);
			give_key(all, next, life);
		}
	}
	else if (strcmp(operation, "INSERT") != 0 &&
			 strcmp(operation, "DDL") != 0)
		athar_keymap_search(all->map, key, HASH_REMOVE, NULL);
}

/* The life that has the key asked for at the end, and no other. */
static void
want_last_life(lives *all)
{
	life_entry *entry = athar_keymap_search(all->map, all->key, HASH_FIND,
											NULL);

	memset(all->is_wanted, false, all->count);
	if (entry)
		all->is_wanted[entry->life] = true;
}

/*
 * Which entries are of rows that ever had the key asked for, or of the one
 * alone that has it now.
 */
static bool *
entries_of_row(Jsonb *key, SPITupleTable *table, uint64 count,
			   bool is_last_only)
{
	bool	   *is_wanted = palloc0(count + 1);
	lives		all = {
		.map = athar_keymap_create(sizeof(life_entry), CurrentMemoryContext),
		.life_of = palloc(sizeof(int) * (count + 1)),
		.is_wanted = palloc0(count + 1),
		.key = key
	};

	for (uint64 i = 0; i < count; i++)
		follow_entry(&all, table->vals[i], table->tupdesc, i);
	if (is_last_only)
		want_last_life(&all);
	for (uint64 i = 0; i < count; i++)
		is_wanted[i] = all.is_wanted[all.life_of[i]];
	return is_wanted;
}

static void
return_entries(ReturnSetInfo *result, SPITupleTable *table, uint64 count,
			   const bool *is_wanted)
{
	for (uint64 i = 0; i < count; i++)
	{
		Datum		values[LOG_COLUMNS];
		bool		nulls[LOG_COLUMNS];

		if (is_wanted && !is_wanted[i])
			continue;
		heap_deform_tuple(table->vals[i], table->tupdesc, values, nulls);
		tuplestore_putvalues(result->setResult, result->setDesc,
							 values, nulls);
	}
}

static int
elements_of(Datum array)
{
	ArrayType  *elements = DatumGetArrayTypeP(array);

	return ArrayGetNItems(ARR_NDIM(elements), ARR_DIMS(elements));
}

static void
read_entries(athar_subject *subject, Jsonb *key, ReturnSetInfo *result)
{
	Oid			key_types[2] = {JSONBOID, INT4ARRAYOID};
	Datum		key_values[2] = {
		JsonbPGetDatum(key), athar_history_ids(subject->rekey_ids, NIL)
	};
	Oid			entry_types[3] = {INT4ARRAYOID, INT4ARRAYOID, JSONBARRAYOID};
	Datum		entry_values[3] = {
		athar_history_ids(subject->table_ids, subject->rekey_ids)
	};
	athar_owner_state state;
	bool		isnull;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	if (SPI_execute_with_args(keys_text, 2, key_types, key_values, NULL,
							  true, 0) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the keys of a row");
	entry_values[2] = SPI_getbinval(SPI_tuptable->vals[0],
									SPI_tuptable->tupdesc, 1, &isnull);
	entry_values[1] = SPI_getbinval(SPI_tuptable->vals[0],
									SPI_tuptable->tupdesc, 2, &isnull);
	if (SPI_execute_with_args(entries_text, 3, entry_types, entry_values, NULL,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the entries of a row");
	return_entries(result, SPI_tuptable, SPI_processed,
				   elements_of(entry_values[1]) == 1 &&
				   !subject->has_row_security ? NULL :
				   entries_of_row(key, SPI_tuptable, SPI_processed,
								  subject->has_row_security));
	athar_catalog_resign(&state);
	SPI_finish();
}

/* Every change of the rows that have, or ever had, a key. */
PG_FUNCTION_INFO_V1(athar_row_history);
Datum
athar_row_history(PG_FUNCTION_ARGS)
{
	athar_subject subject;
	Jsonb	   *key;
	Datum	   *values;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a table and a row's key are required"),
				 errdetail("A history is that of one row."),
				 errhint("Such as athar.row_history('public.licence', '{\"id\": 7}').")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	athar_history_open(PG_GETARG_OID(0), &subject);
	values = palloc0(sizeof(Datum) *
					 (RelationGetNumberOfAttributes(subject.relation) + 1));
	key = canonical_key(&subject, PG_GETARG_JSONB_P(1), values);
	if (!subject.has_row_security || sees_row(&subject, key, values))
	{
		PushActiveSnapshot(GetTransactionSnapshot());
		read_entries(&subject, key, (ReturnSetInfo *) fcinfo->resultinfo);
		PopActiveSnapshot();
	}
	athar_history_close(&subject);
	return (Datum) 0;
}
