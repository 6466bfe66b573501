/*
 * batch.c
 *	  What was sealed when: batches, and which leaf is whose.
 *
 * A batch keeps the ids of its entries as a multirange, and leaves are in the
 * order of the ids, so the leaf of an entry is found by counting: a table of
 * pairs would cost more than the hashes do.
 */
#include "athar.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/multirangetypes.h"
#include "utils/rangetypes.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/xid8.h"

#include "catalog.h"
#include "batch.h"

#define BATCH_COLUMNS 17
#define MOST_VALUES 4

static const char *const columns_text =
"SELECT b.id, b.sealed_at, b.origin, b.cluster, b.first_leaf, b.leaves, b.ids,"
" b.tree_size, b.root, b.first_xid, b.horizon, b.resume_after,"
" b.floor_transaction_id, b.floor_entry_id, b.last_transaction_id,"
" b.last_entry_id, b.next_xid FROM athar.seal_batch AS b";

static TypeCacheEntry *
range_type(void)
{
	return lookup_type_cache(INT8RANGEOID, TYPECACHE_RANGE_INFO);
}

/* Read a multirange of ids, the first of which is that leaf. */
int
athar_batch_decode(Datum value, int64 leaf, athar_id_range **ranges)
{
	MultirangeType *ids = DatumGetMultirangeTypeP(value);
	TypeCacheEntry *type = range_type();
	int			count = ids->rangeCount;

	*ranges = palloc_extended(sizeof(athar_id_range) * (count + 1),
							  MCXT_ALLOC_HUGE);
	for (int i = 0; i < count; i++)
	{
		athar_id_range *range = &(*ranges)[i];
		RangeBound	lower;
		RangeBound	upper;

		CHECK_FOR_INTERRUPTS();
		multirange_get_bounds(type, ids, i, &lower, &upper);
		range->low = lower.infinite ? PG_INT64_MIN : DatumGetInt64(lower.val);
		range->high = upper.infinite ? PG_INT64_MAX : DatumGetInt64(upper.val);
		range->leaf = leaf;
		leaf += range->high - range->low;
	}
	return count;
}

/* Take a row over into the caller's memory. */
static void
read_row(HeapTuple tuple, TupleDesc descriptor, athar_batch *batch)
{
	Datum		values[BATCH_COLUMNS];
	bool		nulls[BATCH_COLUMNS];
	int			i = 0;

	heap_deform_tuple(tuple, descriptor, values, nulls);
	memset(batch, 0, sizeof(athar_batch));
	batch->id = DatumGetInt64(values[i++]);
	batch->sealed_at = DatumGetTimestampTz(values[i++]);
	batch->origin = TextDatumGetCString(values[i++]);
	batch->cluster = DatumGetInt64(values[i++]);
	batch->first_leaf = DatumGetInt64(values[i++]);
	batch->leaves = DatumGetInt64(values[i++]);
	batch->range_count = athar_batch_decode(values[i++], batch->first_leaf,
											&batch->ranges);
	batch->tree_size = DatumGetInt64(values[i++]);
	batch->root = DatumGetByteaPCopy(values[i++]);
	batch->first_xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[i++]));
	batch->horizon = U64FromFullTransactionId(DatumGetFullTransactionId(values[i++]));
	batch->is_cut = !nulls[i];
	batch->resume_after = nulls[i] ? 0 : DatumGetInt64(values[i]);
	i++;
	batch->floor_transaction_id = DatumGetInt64(values[i++]);
	batch->floor_entry_id = DatumGetInt64(values[i++]);
	batch->last_transaction_id = DatumGetInt64(values[i++]);
	batch->last_entry_id = DatumGetInt64(values[i++]);
	batch->next_xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[i++]));
}

/*
 * Read batches under the active snapshot, as the owner of the log: those that
 * the rest of the query tells, with values for its parameters.
 */
int
athar_batch_read(const char *which, int count, const int64 *values,
				 athar_batch **batches)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[MOST_VALUES];
	Datum		datums[MOST_VALUES];
	StringInfoData query;
	athar_owner_state state;
	int			found;

	for (int i = 0; i < count; i++)
	{
		types[i] = INT8OID;
		datums[i] = Int64GetDatum(values[i]);
	}
	initStringInfo(&query);
	appendStringInfo(&query, "%s%s", columns_text, which);
	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_SEAL_BATCH), &state);
	if (SPI_execute_with_args(query.data, count, types, datums, NULL, true,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the batches of the seal");
	found = SPI_processed;
	MemoryContextSwitchTo(context);
	*batches = palloc_extended(sizeof(athar_batch) * (found + 1),
							   MCXT_ALLOC_HUGE);
	for (int i = 0; i < found; i++)
	{
		CHECK_FOR_INTERRUPTS();
		read_row(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
				 &(*batches)[i]);
	}
	athar_catalog_resign(&state);
	SPI_finish();
	return found;
}

static void
read_one(const char *which, int count, const int64 *values,
		 athar_batch *batch)
{
	athar_batch *found;

	if (athar_batch_read(which, count, values, &found) > 0)
		*batch = found[0];
	else
		memset(batch, 0, sizeof(athar_batch));
}

void
athar_batch_newest(athar_batch *batch)
{
	read_one(ATHAR_BATCH_NEWEST, 0, NULL, batch);
}

/* How many leaves are sealed. */
int64
athar_batch_tree_size(void)
{
	athar_batch newest;

	athar_batch_newest(&newest);
	return newest.tree_size;
}

/*
 * The newest batch of a cluster that knew no transaction from first_xid on:
 * those drew their ids after it.
 */
void
athar_batch_floor(int64 cluster, uint64 first_xid, athar_batch *batch)
{
	int64		values[2] = {cluster, (int64) first_xid};

	read_one(" WHERE b.cluster OPERATOR(pg_catalog.=) $1"
			 " AND b.next_xid OPERATOR(pg_catalog.<=)"
			 " $2::pg_catalog.text::pg_catalog.xid8"
			 ATHAR_BATCH_NEWEST, 2, values, batch);
}

bool
athar_batch_root_is(const athar_batch *batch, const athar_hash *hash)
{
	return VARSIZE_ANY_EXHDR(batch->root) == ATHAR_HASH_BYTES &&
		athar_merkle_is_same((const athar_hash *) VARDATA_ANY(batch->root),
							 hash);
}

/* Ranges, in any order, as the multirange of their ids. */
Datum
athar_batch_ids(const athar_id_range *ranges, int count)
{
	TypeCacheEntry *type = range_type();
	RangeType **members = palloc_extended(sizeof(RangeType *) * (count + 1),
										  MCXT_ALLOC_HUGE);

	for (int i = 0; i < count; i++)
	{
		RangeBound	lower = {Int64GetDatum(ranges[i].low), false, true, true};
		RangeBound	upper = {Int64GetDatum(ranges[i].high), false, false, false};

		CHECK_FOR_INTERRUPTS();
#if PG_VERSION_NUM >= 160000
		members[i] = make_range(type, &lower, &upper, false, NULL);
#else
		members[i] = make_range(type, &lower, &upper, false);
#endif
	}
	return PointerGetDatum(make_multirange(INT8MULTIRANGEOID, type, count,
										   members));
}

static Datum
xid8_datum(uint64 xid)
{
	return FullTransactionIdGetDatum(FullTransactionIdFromU64(xid));
}

void
athar_batch_store(athar_batch *batch, const athar_hash *root)
{
	Datum		values[BATCH_COLUMNS];
	bool		nulls[BATCH_COLUMNS] = {false};
	int			i = 0;

	values[i++] = Int64GetDatum(batch->id);
	values[i++] = TimestampTzGetDatum(batch->sealed_at);
	values[i++] = CStringGetTextDatum(batch->origin);
	values[i++] = Int64GetDatum(batch->cluster);
	values[i++] = Int64GetDatum(batch->first_leaf);
	values[i++] = Int64GetDatum(batch->leaves);
	values[i++] = athar_batch_ids(batch->ranges, batch->range_count);
	values[i++] = Int64GetDatum(batch->tree_size);
	values[i++] = athar_merkle_datum(root);
	values[i++] = xid8_datum(batch->first_xid);
	values[i++] = xid8_datum(batch->horizon);
	nulls[i] = !batch->is_cut;
	values[i++] = Int64GetDatum(batch->resume_after);
	values[i++] = Int64GetDatum(batch->floor_transaction_id);
	values[i++] = Int64GetDatum(batch->floor_entry_id);
	values[i++] = Int64GetDatum(batch->last_transaction_id);
	values[i++] = Int64GetDatum(batch->last_entry_id);
	values[i++] = xid8_datum(batch->next_xid);
	athar_catalog_insert(ATHAR_SEAL_BATCH, values, nulls);
	CommandCounterIncrement();
}

/* The range that holds an id; NULL if none does.  Ranges ascend. */
athar_id_range *
athar_batch_find(athar_id_range *ranges, int count, int64 id)
{
	int			low = 0;
	int			high = count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (id < ranges[middle].low)
			high = middle;
		else if (id >= ranges[middle].high)
			low = middle + 1;
		else
			return &ranges[middle];
	}
	return NULL;
}

static int
by_id(const void *a, const void *b)
{
	int64		left = ((const athar_id_range *) a)->low;
	int64		right = ((const athar_id_range *) b)->low;

	return left < right ? -1 : left > right;
}

/* Bring ranges into the order in which they can be searched. */
void
athar_batch_sort(athar_id_range *ranges, int count)
{
	qsort(ranges, count, sizeof(athar_id_range), by_id);
}

/* The ids of several batches in one list, ascending. */
int
athar_batch_pieces(const athar_batch *batches, int count,
				   athar_id_range **pieces)
{
	int			total = 0;

	for (int i = 0; i < count; i++)
		total += batches[i].range_count;
	*pieces = palloc_extended(sizeof(athar_id_range) * (total + 1),
							  MCXT_ALLOC_HUGE);
	total = 0;
	for (int i = 0; i < count; i++)
	{
		memcpy(*pieces + total, batches[i].ranges,
			   sizeof(athar_id_range) * batches[i].range_count);
		total += batches[i].range_count;
	}
	athar_batch_sort(*pieces, total);
	return total;
}
