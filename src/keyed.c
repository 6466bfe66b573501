/*
 * keyed.c
 *	  What an aggregate keeps for each stratum or unit, by its name.
 *
 * A hash table in the aggregate's memory, because rows come in any order and
 * an ordered-set aggregate would sort them all and run in one process only.
 * It takes a fixed number of bytes and the name for each stratum or unit,
 * however many rows there are.
 *
 * Results are computed in the order of the names, never of the table: the
 * same data give the same digits whichever row came first.
 */
#include "athar.h"

#include "keyed.h"

#include "common/hashfn.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"

typedef struct Keyed
{
	KeyedItem	item;
	uint32		hash;
	char		status;
} Keyed;

static uint32
hash_of_name(KeyedName name)
{
	uint32		hash = name.length > 0 ?
	hash_bytes((const unsigned char *) name.data, name.length) : 0;

	return hash_combine(hash, (uint32) name.length * 2 + name.group);
}

static bool
is_same_name(KeyedName a, KeyedName b)
{
	return a.length == b.length && a.group == b.group &&
		(a.length <= 0 || memcmp(a.data, b.data, a.length) == 0);
}

#define SH_PREFIX			keyed
#define SH_ELEMENT_TYPE		Keyed
#define SH_KEY_TYPE			KeyedName
#define SH_KEY				item.name
#define SH_HASH_KEY(tb, key)	hash_of_name(key)
#define SH_EQUAL(tb, a, b)	is_same_name(a, b)
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a)	(a)->hash
#define SH_SCOPE			static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct KeyedTable
{
	MemoryContext context;
	Size		payload;		/* bytes */
	keyed_hash *hash;
};

/* Begin an empty table in the given memory, which it never leaves. */
static KeyedTable *
begin_table(MemoryContext context, Size payload)
{
	KeyedTable *table = MemoryContextAlloc(context, sizeof(KeyedTable));

	table->context = context;
	table->payload = payload;
	table->hash = keyed_create(context, 2, NULL);
	return table;
}

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "part of an aggregate called outside it");
	return context;
}

KeyedTable *
athar_keyed_state(FunctionCallInfo fcinfo, Size payload)
{
	MemoryContext context = aggregate_context(fcinfo);

	if (PG_ARGISNULL(0))
		return begin_table(context, payload);
	return (KeyedTable *) PG_GETARG_POINTER(0);
}

/* The name of a text value; NULL is the name of what nobody named. */
KeyedName
athar_keyed_name(const text *name, bool group)
{
	KeyedName	result = {NULL, KEYED_UNNAMED, group};

	if (name != NULL)
	{
		result.data = VARDATA_ANY(name);
		result.length = VARSIZE_ANY_EXHDR(name);
	}
	return result;
}

/* The payload of a name, all zeros where the name is new. */
void *
athar_keyed_find(KeyedTable *table, KeyedName name)
{
	bool		found;
	Keyed	   *keyed = keyed_insert(table->hash, name, &found);

	if (!found)
	{
		Size		length = Max(name.length, 0);
		char	   *memory = MemoryContextAllocZero(table->context,
													MAXALIGN(table->payload) + length);

		keyed->item.payload = memory;
		keyed->item.name.data = memory + MAXALIGN(table->payload);
		if (length > 0)
			memcpy(memory + MAXALIGN(table->payload), name.data, length);
	}
	return keyed->item.payload;
}

/* Merge every payload of one table into that of the same name in another. */
static void
absorb(KeyedTable *into, const KeyedTable *from, KeyedMerge merge)
{
	keyed_iterator iterator;
	Keyed	   *keyed;

	keyed_start_iterate(from->hash, &iterator);
	while ((keyed = keyed_iterate(from->hash, &iterator)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		merge(athar_keyed_find(into, keyed->item.name), keyed->item.payload);
	}
}

Datum
athar_keyed_combine(FunctionCallInfo fcinfo, Size payload, KeyedMerge merge)
{
	KeyedTable *state;

	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	state = athar_keyed_state(fcinfo, payload);
	if (!PG_ARGISNULL(1))
		absorb(state, (KeyedTable *) PG_GETARG_POINTER(1), merge);
	PG_RETURN_POINTER(state);
}

static int
compare_names(const void *a, const void *b)
{
	const KeyedName *x = &((const KeyedItem *) a)->name;
	const KeyedName *y = &((const KeyedItem *) b)->name;
	int			order = 0;

	if ((x->length < 0) != (y->length < 0))
		return x->length < 0 ? 1 : -1;
	if (x->length > 0 && y->length > 0)
		order = memcmp(x->data, y->data, Min(x->length, y->length));
	if (order == 0)
		order = x->length - y->length;
	return order != 0 ? order : (int) x->group - (int) y->group;
}

KeyedItem *
athar_keyed_sorted(const KeyedTable *table, int *length)
{
	int			n = 0;
	KeyedItem  *items = MemoryContextAllocHuge(CurrentMemoryContext,
											   sizeof(KeyedItem) *
											   (Size) Max(table->hash->members, 1));
	keyed_iterator iterator;
	Keyed	   *keyed;

	keyed_start_iterate(table->hash, &iterator);
	while ((keyed = keyed_iterate(table->hash, &iterator)) != NULL)
		items[n++] = keyed->item;
	qsort(items, n, sizeof(KeyedItem), compare_names);
	*length = n;
	return items;
}

/*
 * A table as bytes: the size of a payload, then group, length, name and
 * payload of each.  They only travel between workers of one server.
 */
PG_FUNCTION_INFO_V1(athar_keyed_serialize);
Datum
athar_keyed_serialize(PG_FUNCTION_ARGS)
{
	KeyedTable *table = (KeyedTable *) PG_GETARG_POINTER(0);
	StringInfoData bytes;
	keyed_iterator iterator;
	Keyed	   *keyed;

	(void) aggregate_context(fcinfo);
	initStringInfo(&bytes);
	appendStringInfoSpaces(&bytes, VARHDRSZ);
	appendBinaryStringInfo(&bytes, (char *) &table->payload, sizeof(Size));
	keyed_start_iterate(table->hash, &iterator);
	while ((keyed = keyed_iterate(table->hash, &iterator)) != NULL)
	{
		KeyedItem  *item = &keyed->item;

		CHECK_FOR_INTERRUPTS();
		appendStringInfoChar(&bytes, item->name.group);
		appendBinaryStringInfo(&bytes, (char *) &item->name.length, sizeof(int));
		appendBinaryStringInfo(&bytes, item->name.data, Max(item->name.length, 0));
		appendBinaryStringInfo(&bytes, item->payload, table->payload);
	}
	SET_VARSIZE(bytes.data, bytes.len);
	PG_RETURN_BYTEA_P(bytes.data);
}

/* Take the next bytes. */
static void
take(const char **at, void *into, Size length)
{
	memcpy(into, *at, length);
	*at += length;
}

/*
 * The table back from its bytes, in short-lived memory: it only lives until
 * it is combined.
 */
PG_FUNCTION_INFO_V1(athar_keyed_deserialize);
Datum
athar_keyed_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_PP(0);
	const char *at = VARDATA_ANY(bytes);
	const char *end = at + VARSIZE_ANY_EXHDR(bytes);
	KeyedTable *table;
	Size		payload;

	(void) aggregate_context(fcinfo);
	take(&at, &payload, sizeof(Size));
	table = begin_table(CurrentMemoryContext, payload);
	while (at < end)
	{
		KeyedName	name;
		char		group;

		CHECK_FOR_INTERRUPTS();
		take(&at, &group, 1);
		take(&at, &name.length, sizeof(int));
		name.group = group != 0;
		name.data = at;
		at += Max(name.length, 0);
		take(&at, athar_keyed_find(table, name), payload);
	}
	PG_RETURN_POINTER(table);
}
