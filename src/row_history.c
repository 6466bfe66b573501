/*
 * row_history.c
 *	  The history of a row: row_history().
 *
 * A row is its key, and keys change.  The updates that changed a key are kept
 * under a table number of their own, so the keys a row had before are found
 * without reading the table's whole log; and each is looked for as every
 * version of the table's definition wrote it.  Under row security a row that
 * is seen has its own past alone, not that of an earlier row with its key,
 * which anybody could give to a row of his.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/typcache.h"

#include "catalog.h"
#include "keymap.h"
#include "history.h"
#include "row_history.h"

#define OF_ANY " OPERATOR(pg_catalog.=) ANY "

/* Each change of a key: what it was, and what became of it. */
static const char *const rekeys_text =
"SELECT e.table_id,"
" CASE e.operation WHEN 'I' THEN e.old_values ELSE e.row_key END,"
" CASE e.operation WHEN 'I' THEN e.row_key ELSE e.new_values END"
" FROM athar.log_entry AS e WHERE e.table_id" OF_ANY "($1)";

/* In the shape of change_log, which is the function's result. */
static const char *const entries_text =
"SELECT c.* FROM athar.change_log AS c WHERE c.table_id" OF_ANY "($1)"
" AND c.key_hash" OF_ANY "($2)"
" AND c.row_key" OF_ANY "($3) ORDER BY c.entry_id";

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
			position = athar_shape_find(shape, value.val.string.val,
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
	const char *alias = athar_history_alias(subject->relation);
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
 * All keys a row had: whatever a chain of changed keys connects
 */

typedef struct reach_entry
{
	Jsonb	   *key;
	struct reach_entry *next;	/* towards the one that stands for all */
} reach_entry;

typedef struct reach
{
	athar_subject *subject;
	HTAB	   *map;
	MemoryContext context;
} reach;

static reach_entry *
reach_of(reach *all, Jsonb *key)
{
	bool		found;
	reach_entry *entry = athar_keymap_search(all->map, key, HASH_FIND, &found);

	if (!found)
	{
		entry = athar_keymap_search(all->map,
									athar_keymap_keep(key, all->context),
									HASH_ENTER, NULL);
		entry->next = entry;
	}
	while (entry->next != entry)
		entry = entry->next = entry->next->next;
	return entry;
}

static void
connect_keys(void *context, HeapTuple tuple, TupleDesc descriptor)
{
	reach	   *all = context;
	Datum		values[3];
	bool		nulls[3];
	int32		table_id;
	athar_mapping *mapping = all->subject->mapping;
	Jsonb	   *was;
	Jsonb	   *next;

	heap_deform_tuple(tuple, descriptor, values, nulls);
	table_id = DatumGetInt32(values[0]);
	if (nulls[1] || nulls[2] || !athar_mapping_has_key(mapping, table_id))
		return;					/* nulls: not one that was captured */
	was = athar_mapping_translate(mapping, table_id,
								  DatumGetJsonbP(values[1]), false);
	next = athar_history_next_key(was,
								  athar_mapping_translate(mapping, table_id,
														  DatumGetJsonbP(values[2]),
														  false));
	reach_of(all, was)->next = reach_of(all, next);
}

static void
connect_all_keys(reach *all)
{
	Oid			type = INT4ARRAYOID;
	Datum		ids = athar_history_ids(all->subject->rekey_ids, NIL);

	athar_history_each(SPI_cursor_open_with_args(NULL, rekeys_text, 1, &type,
												 &ids, NULL, true, 0),
					   connect_keys, all);
}

/* Every key that the rows with a key ever had, in today's columns. */
static List *
keys_of_row(athar_subject *subject, Jsonb *key)
{
	reach		all = {
		.subject = subject,
		.context = CurrentMemoryContext,
		.map = athar_keymap_create(sizeof(reach_entry), CurrentMemoryContext)
	};
	HASH_SEQ_STATUS status;
	reach_entry *entry;
	reach_entry *wanted;
	List	   *keys = NIL;

	(void) reach_of(&all, key);
	connect_all_keys(&all);
	wanted = reach_of(&all, key);
	hash_seq_init(&status, all.map);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		if (reach_of(&all, entry->key) == wanted)
			keys = lappend(keys, entry->key);
	}
	return keys;
}

/* Those keys as any version of the definition wrote them, and their hashes. */
static void
spell_keys(athar_subject *subject, List *keys, Datum *hashes, Datum *spelled)
{
	HTAB	   *met = athar_keymap_create(sizeof(Jsonb *), CurrentMemoryContext);
	int			most = list_length(keys) * list_length(subject->table_ids);
	Datum	   *hash = palloc(sizeof(Datum) * Max(most, 1));
	Datum	   *document = palloc(sizeof(Datum) * Max(most, 1));
	int			count = 0;
	ListCell   *key;
	ListCell   *table;

	foreach(key, keys)
	{
		CHECK_FOR_INTERRUPTS();
		foreach(table, subject->table_ids)
		{
			Jsonb	   *one = athar_mapping_spell(subject->mapping,
												  lfirst_int(table),
												  lfirst(key));
			bool		found;

			if (one == NULL)
				continue;
			(void) athar_keymap_search(met, one, HASH_ENTER, &found);
			if (found)
				continue;
			hash[count] = Int32GetDatum(athar_value_key_hash(one));
			document[	count++] = JsonbPGetDatum(one);
		}
	}
	*hashes = PointerGetDatum(construct_array(hash, count, INT4OID, 4, true,
											  TYPALIGN_INT));
	*spelled = PointerGetDatum(construct_array(document, count, JSONBOID, -1,
											   false, TYPALIGN_INT));
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
	HTAB	   *ended;			/* key that was deleted last -> life */
	int			count;
	int		   *life_of;		/* by entry */
	bool	   *is_wanted;		/* by life */
	Jsonb	   *key;			/* asked for */
	athar_subject *subject;
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

/* A life ends, unless its row arrives in another partition. */
static void
end_life(lives *all, Jsonb *key, int life)
{
	life_entry *entry = athar_keymap_search(all->ended, key, HASH_ENTER, NULL);

	entry->life = life;
	athar_keymap_search(all->map, key, HASH_REMOVE, NULL);
}

/* The life of an inserted row: a new one, but for a row that moved. */
static int
life_of_inserted(lives *all, Jsonb *key, Jsonb *former)
{
	life_entry *entry = former == NULL ? NULL
	: athar_keymap_search(all->ended, former, HASH_FIND, NULL);

	if (entry)
		give_key(all, key, entry->life);
	return life_with_key(all, key);
}

static Jsonb *
translated(athar_subject *subject, HeapTuple tuple, TupleDesc descriptor,
		   int number)
{
	bool		isnull;
	int32		table_id = DatumGetInt32(SPI_getbinval(tuple, descriptor,
													   ATHAR_HISTORY_TABLE_ID,
													   &isnull));

	Jsonb	   *logged = jsonb_column(tuple, descriptor, number);

	return logged == NULL ? NULL
		: athar_mapping_translate(subject->mapping, table_id, logged, false);
}

static void
follow_entry(lives *all, HeapTuple tuple, TupleDesc descriptor, int number)
{
	char	   *value = SPI_getvalue(tuple, descriptor, ATHAR_HISTORY_OPERATION);
	char	   *operation = value ? value : ""; /* unknown: not captured */
	Jsonb	   *key = translated(all->subject, tuple, descriptor,
								 ATHAR_HISTORY_ROW_KEY);
	int			life = strcmp(operation, "INSERT") != 0 ?
	life_with_key(all, key) :
	life_of_inserted(all, key, translated(all->subject, tuple, descriptor,
										  ATHAR_HISTORY_OLD_VALUES));

	all->life_of[number] = life;
	if (strcmp(operation, "UPDATE") == 0)
	{
		Jsonb	   *next = athar_history_next_key(key,
												  translated(all->subject, tuple,
															 descriptor,
															 ATHAR_HISTORY_NEW_VALUES));

		if (next != key)
		{
			athar_keymap_search(all->map, key, HASH_REMOVE, NULL);
			give_key(all, next, life);
		}
	}
	else if (strcmp(operation, "INSERT") != 0 &&
			 strcmp(operation, "DDL") != 0)
		end_life(all, key, life);
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
entries_of_row(athar_subject *subject, Jsonb *key, SPITupleTable *table,
			   uint64 count)
{
	bool	   *is_wanted = palloc0(count + 1);
	lives		all = {
		.map = athar_keymap_create(sizeof(life_entry), CurrentMemoryContext),
		.ended = athar_keymap_create(sizeof(life_entry), CurrentMemoryContext),
		.life_of = palloc(sizeof(int) * (count + 1)),
		.is_wanted = palloc0(count + 1),
		.key = key,
		.subject = subject
	};

	for (uint64 i = 0; i < count; i++)
		follow_entry(&all, table->vals[i], table->tupdesc, i);
	if (subject->has_row_security)
		want_last_life(&all);
	for (uint64 i = 0; i < count; i++)
		is_wanted[i] = all.is_wanted[all.life_of[i]];
	return is_wanted;
}

/* Hand over the entries of a row, in order. */
static void
read_entries(athar_subject *subject, Jsonb *key, athar_history_taker taker,
			 void *context)
{
	Oid			types[3] = {INT4ARRAYOID, INT4ARRAYOID, JSONBARRAYOID};
	Datum		values[3] = {
		athar_history_ids(subject->table_ids, subject->rekey_ids)
	};
	athar_owner_state state;
	List	   *keys;
	bool	   *is_wanted = NULL;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	keys = keys_of_row(subject, key);
	spell_keys(subject, keys, &values[1], &values[2]);
	if (SPI_execute_with_args(entries_text, 3, types, values, NULL,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the entries of a row");
	if (list_length(keys) > 1 || subject->has_row_security)
		is_wanted = entries_of_row(subject, key, SPI_tuptable, SPI_processed);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		row[ATHAR_HISTORY_COLUMNS];
		bool		nulls[ATHAR_HISTORY_COLUMNS];

		CHECK_FOR_INTERRUPTS();
		if (is_wanted && !is_wanted[i])
			continue;
		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
						  row, nulls);
		taker(context, row, nulls);
	}
	athar_catalog_resign(&state);
	SPI_finish();
}

/*
 * Hand over every change of the rows that have, or ever had, a key, as far as
 * the caller may see them.
 */
void
athar_row_history_read(athar_subject *subject, Jsonb *row_key,
					   athar_history_taker taker, void *context)
{
	Datum	   *values = palloc0(sizeof(Datum) *
								 (RelationGetNumberOfAttributes(subject->relation) + 1));
	Jsonb	   *key = canonical_key(subject, row_key, values);

	if (subject->has_row_security && !sees_row(subject, key, values))
		return;
	PushActiveSnapshot(GetTransactionSnapshot());
	read_entries(subject, key, taker, context);
	PopActiveSnapshot();
}

static void
return_entry(void *context, Datum *values, bool *nulls)
{
	ReturnSetInfo *result = context;

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Every change of the rows that have, or ever had, a key. */
PG_FUNCTION_INFO_V1(athar_row_history);
Datum
athar_row_history(PG_FUNCTION_ARGS)
{
	athar_subject subject;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a table and a row's key are required"),
				 errdetail("A history is that of one row."),
				 errhint("Such as athar.row_history('public.licence', '{\"id\": 7}').")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	athar_history_open(PG_GETARG_OID(0), &subject);
	athar_row_history_read(&subject, PG_GETARG_JSONB_P(1), return_entry,
						   fcinfo->resultinfo);
	athar_history_close(&subject);
	return (Datum) 0;
}
