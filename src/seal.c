/*
 * seal.c
 *	  Sealing the log: what is committed for good becomes leaves of the tree.
 *
 * Why not by ids: they are drawn before the commit, so a lower one may be
 * committed after a higher one was sealed.  Why not in the write path: a chain
 * of hashes lets only one transaction write at a time.
 *
 * Instead, by transaction numbers.  Every transaction below the horizon, which
 * is the oldest that still runs when a seal begins (pg_snapshot_xmin), is over,
 * and stays as it is; what it committed is visible.  A seal takes the entries
 * whose transaction lies from the last horizon up to the present one.  So each
 * transaction falls to exactly one seal: none is missed, none taken twice
 * (ids in a batch are left out all the same).  The number is the top
 * transaction's, also for entries written in subtransactions; a prepared
 * transaction runs until it is committed; those of other databases count, too,
 * for the numbers are the cluster's.
 *
 * To find these entries without an index on the number, each batch keeps the
 * newest ids given out, L and E, and the next transaction number N, read in
 * that order.  Whoever has a number >= N got it later, and draws its ids after
 * its number (context.c sees to that), so they are above L and E.  Therefore,
 * once the last horizon is >= N, nothing at or below L and E is left to seal:
 * that is the floor.  (N is not the snapshot's xmax, which knows of completed
 * transactions only: one that runs may have a higher number, and older ids.)
 *
 * In another cluster (a restored dump) the numbers mean nothing; but all that
 * a dump brings is committed.  So entries of another cluster's transactions
 * above the floor and in no batch are sealed at once, and one's own begin at
 * number 0.
 *
 * One call seals a bounded number.  A batch cut short remembers the id after
 * which the next goes on, with the same horizon.
 */
#include "athar.h"

#include "access/brin.h"
#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "batch.h"
#include "catalog.h"
#include "leaf.h"
#include "mark.h"
#include "merkle.h"
#include "proof.h"
#include "seal.h"
#include "tile.h"

/* When a call has so many leaves it is enough; as many ids it reads at once. */
#define MOST_LEAVES 1000000
#define IDS_AT_ONCE 131072
#define LEAVES_BETWEEN_REPORTS 16384

typedef struct sealed_leaf
{
	int64		id;
	athar_hash	hash;
} sealed_leaf;

typedef struct sealing
{
	athar_hasher *hasher;
	athar_batch batch;			/* the one to be made */
	athar_id_range *sealed;		/* what is in batches above the floor */
	int			sealed_count;
	sealed_leaf *leaves;
	int64		count;
	int64		room;
} sealing;

/* The checkpoint to be told to the server's log once it is committed. */
static struct
{
	SubTransactionId writer;
	int64		size;
	char		origin[256];
	char		root[ATHAR_ROOT_TEXT];
}			pending;

/* A row of one column or more, all bigint, and none of them NULL. */
static void
read_numbers(const char *query, int count, int64 *numbers)
{
	athar_owner_state state;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	if (SPI_execute(query, true, 1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read the numbers of the log");
	for (int i = 0; i < count; i++)
	{
		bool		isnull;

		numbers[i] = DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
												 SPI_tuptable->tupdesc,
												 i + 1, &isnull));
	}
	athar_catalog_resign(&state);
	SPI_finish();
}

/*
 * Which transactions
 */

/* The oldest transaction that runs, by the active snapshot. */
static uint64
present_horizon(void)
{
	Datum		snapshot = DirectFunctionCall1(pg_current_snapshot, (Datum) 0);

	return U64FromFullTransactionId(DatumGetFullTransactionId(DirectFunctionCall1(pg_snapshot_xmin, snapshot)));
}

/* L and E, then N: in this order, and after the snapshot was taken. */
static void
read_bounds(athar_batch *batch)
{
	int64		last[2];

	read_numbers("SELECT CASE WHEN t.is_called THEN t.last_value ELSE 0 END,"
				 " CASE WHEN e.is_called THEN e.last_value ELSE 0 END"
				 " FROM athar.log_transaction_id_seq AS t,"
				 " athar.log_entry_id_seq AS e", 2, last);
	batch->last_transaction_id = last[0];
	batch->last_entry_id = last[1];
	batch->next_xid = U64FromFullTransactionId(ReadNextFullTransactionId());
}

/* The floor for transactions from first_xid on; it never sinks. */
static void
raise_floor(const athar_batch *newest, athar_batch *batch)
{
	athar_batch known;

	batch->floor_transaction_id = newest->floor_transaction_id;
	batch->floor_entry_id = newest->floor_entry_id;
	if (batch->first_xid == 0)
		return;
	athar_batch_floor(batch->cluster, batch->first_xid, &known);
	if (known.id == 0)
		return;
	batch->floor_transaction_id = Max(batch->floor_transaction_id,
									  known.last_transaction_id);
	batch->floor_entry_id = Max(batch->floor_entry_id, known.last_entry_id);
}

/* Begin a batch: where the newest was cut short, go on with its horizon. */
static void
plan_batch(const athar_batch *newest, bool goes_on, athar_batch *batch)
{
	memset(batch, 0, sizeof(athar_batch));
	batch->id = newest->id + 1;
	batch->cluster = (int64) GetSystemIdentifier();
	batch->first_leaf = newest->tree_size;
	read_bounds(batch);
	if (goes_on)
	{
		batch->first_xid = newest->first_xid;
		batch->horizon = newest->horizon;
		batch->floor_transaction_id = newest->floor_transaction_id;
		batch->floor_entry_id = newest->floor_entry_id;
		return;
	}
	if (newest->id != 0 && newest->cluster == batch->cluster)
		batch->first_xid = newest->horizon;
	batch->horizon = present_horizon();
	raise_floor(newest, batch);
}

/*
 * Which entries
 */

static bool
is_to_be_sealed(const sealing *work, const athar_entry *entry)
{
	const athar_leaf_transaction *transaction = entry->transaction;
	const athar_batch *batch = &work->batch;

	if (!transaction->exists)
		return false;
	if (transaction->cluster != batch->cluster)
	{
		if (batch->first_xid != 0)
			return false;
	}
	else if (transaction->xid < batch->first_xid ||
			 transaction->xid >= batch->horizon)
		return false;
	return athar_batch_find(work->sealed, work->sealed_count,
							entry->id) == NULL;
}

static void
report(const sealing *work)
{
	pgstat_report_activity(STATE_RUNNING,
						   psprintf("athar.seal(): %lld leaves",
									(long long) work->count));
}

static void
take_entry(athar_leaf_reader *reader, athar_entry *entry, void *arg)
{
	sealing    *work = arg;

	if (!is_to_be_sealed(work, entry))
		return;
	if (work->count == work->room)
	{
		work->room *= 2;
		work->leaves = repalloc_huge(work->leaves,
									 work->room * sizeof(sealed_leaf));
	}
	work->leaves[work->count].id = entry->id;
	athar_leaf_compute(reader, work->hasher, entry,
					   &work->leaves[work->count].hash);
	if (++work->count % LEAVES_BETWEEN_REPORTS == 0)
		report(work);
}

/*
 * Bring the block-range index up to date, so that ranges of ids are read and
 * not the whole log.  Autovacuum does so in its time; where it is at it now,
 * it is left alone.
 */
static void
summarize_index(void)
{
	Oid			table = athar_catalog_oid(ATHAR_LOG_ENTRY);
	Oid			index = get_relname_relid("log_entry_id_idx",
										  get_rel_namespace(table));
	athar_owner_state state;

	if (!OidIsValid(index) ||
		!ConditionalLockRelationOid(table, ShareUpdateExclusiveLock))
		return;
	athar_catalog_become_owner(table, &state);
	DirectFunctionCall1(brin_summarize_new_values, ObjectIdGetDatum(index));
	athar_catalog_resign(&state);
	UnlockRelationOid(table, ShareUpdateExclusiveLock);
}

/* The end of the ids after this one that are in batches already. */
static int64
skip_sealed(const sealing *work, int64 low)
{
	athar_id_range *known;

	while (low < work->batch.last_entry_id &&
		   (known = athar_batch_find(work->sealed, work->sealed_count,
									 low + 1)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
		low = Min(known->high - 1, work->batch.last_entry_id);
	}
	return low;
}

/*
 * Collect the leaves of a batch, from the given id on.  Stretches of ids
 * without any leaf are passed in ever greater steps; but none so great that
 * it could hold more leaves than a call takes.
 */
static void
collect(sealing *work, int64 low)
{
	athar_batch *batch = &work->batch;
	athar_leaf_reader *reader = athar_leaf_begin();
	athar_batch *others;
	int			count = athar_batch_read(" WHERE b.ids OPERATOR(pg_catalog.&&)"
										 " pg_catalog.int8range($1, NULL, '(]')",
										 1, &low, &others);
	int64		step = IDS_AT_ONCE;

	work->sealed_count = athar_batch_pieces(others, count, &work->sealed);
	work->count = 0;
	while ((low = skip_sealed(work, low)) < batch->last_entry_id &&
		   work->count < MOST_LEAVES)
	{
		int64		before = work->count;
		int64		high = batch->last_entry_id - low > step ? low + step
		: batch->last_entry_id;

		CHECK_FOR_INTERRUPTS();
		athar_leaf_scan(reader, low + 1, high, batch->floor_transaction_id,
						take_entry, work);
		step = work->count > before ? IDS_AT_ONCE : Min(step * 2, MOST_LEAVES);
		low = high;
	}
	batch->is_cut = low < batch->last_entry_id;
	batch->resume_after = low;
	athar_leaf_end(reader);
}

/*
 * Look for something to seal.  The rest of a batch that was cut short may
 * turn out to be empty; then the next horizon has its turn.
 */
static void
find_leaves(sealing *work, const athar_batch *newest)
{
	if (newest->is_cut && newest->cluster == (int64) GetSystemIdentifier())
	{
		plan_batch(newest, true, &work->batch);
		collect(work, newest->resume_after);
		if (work->count > 0)
			return;
	}
	plan_batch(newest, false, &work->batch);
	if (work->batch.horizon > work->batch.first_xid)
		collect(work, work->batch.floor_entry_id);
}

/*
 * The batch
 */

static int
by_id(const void *a, const void *b)
{
	int64		left = ((const sealed_leaf *) a)->id;
	int64		right = ((const sealed_leaf *) b)->id;

	return left < right ? -1 : left > right;
}

/*
 * Put the leaves into order, and tell their ids as ranges.  An id that is
 * there twice was forged once; verify_log() tells of it.
 */
static void
arrange(sealing *work)
{
	athar_batch *batch = &work->batch;
	athar_id_range *range = NULL;
	int64		kept = 0;

	qsort(work->leaves, work->count, sizeof(sealed_leaf), by_id);
	batch->ranges = palloc_extended(work->count * sizeof(athar_id_range),
									MCXT_ALLOC_HUGE);
	for (int64 i = 0; i < work->count; i++)
	{
		int64		id = work->leaves[i].id;

		if (range && id < range->high)
			continue;
		if (range == NULL || id > range->high)
		{
			range = &batch->ranges[batch->range_count++];
			range->low = id;
		}
		range->high = id + 1;
		work->leaves[kept++] = work->leaves[i];
	}
	batch->leaves = kept;
	batch->tree_size = batch->first_leaf + kept;
}

static void
refuse_mismatch(const athar_batch *newest)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("the sealed tree does not have the root of batch %lld",
					(long long) newest->id),
			 errdetail("Its hashes were changed since, or the batch was; nothing was sealed."),
			 errhint("athar.verify_log() tells what does not agree.")));
}

/* Let the tree grow by the leaves; its new root. */
static void
grow_tree(sealing *work, const athar_batch *newest, athar_hash *root)
{
	athar_tile_edge *edge = athar_tile_begin(work->hasher,
											 newest->tree_size);

	athar_tile_edge_root(edge, root);
	if (newest->id != 0 && !athar_batch_root_is(newest, root))
		refuse_mismatch(newest);
	for (int64 i = 0; i < work->batch.leaves; i++)
		athar_tile_append(edge, &work->leaves[i].hash);
	athar_tile_finish(edge);
	athar_tile_edge_root(edge, root);
}

/* To be told when it is committed: a checkpoint must not come before. */
static void
announce(const athar_batch *batch, const athar_hash *root)
{
	pending.writer = GetCurrentSubTransactionId();
	pending.size = batch->tree_size;
	strlcpy(pending.origin, batch->origin, sizeof(pending.origin));
	athar_proof_root_text(root, pending.root);
}

static void
make_batch(sealing *work, const athar_batch *newest, athar_hash *root)
{
	athar_batch *batch = &work->batch;
	athar_mark	mark;

	arrange(work);
	grow_tree(work, newest, root);
	batch->sealed_at = GetCurrentTimestamp();
	batch->origin = pstrdup(athar_proof_origin(newest));
	athar_batch_store(batch, root);
	athar_mark_make(psprintf("seal %lld", (long long) batch->id), DT_NOBEGIN,
					&mark);
	announce(batch, root);
}

/*
 * After the commit
 */

/* What was promised to be durable is so before others are told. */
static void
before_commit(void)
{
	if (synchronous_commit < SYNCHRONOUS_COMMIT_ON)
		(void) set_config_option("synchronous_commit", "on", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
								 false);
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (pending.size == 0)
		return;
	if (event == XACT_EVENT_PRE_COMMIT)
		before_commit();
	if (event == XACT_EVENT_COMMIT)
		ereport(LOG,
				(errmsg("athar checkpoint %s %lld %s", pending.origin,
						(long long) pending.size, pending.root),
				 errhidestmt(true), errhidecontext(true)));
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		pending.size = 0;
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	if (pending.size == 0 || pending.writer != subid)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		pending.size = 0;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		pending.writer = parent;
}

void
athar_seal_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

/*
 * The function
 */

static void
begin_work(sealing *work)
{
	memset(work, 0, sizeof(sealing));
	work->hasher = athar_sha256_begin();
	work->room = IDS_AT_ONCE;
	work->leaves = palloc(work->room * sizeof(sealed_leaf));
}

/*
 * Under the newest snapshot, also in a transaction that has one of its own:
 * the batches of others must be seen.
 */
static bool
seal(athar_batch *batch, athar_hash *root)
{
	sealing		work;
	athar_batch newest;

	begin_work(&work);
	PushActiveSnapshot(GetLatestSnapshot());
	athar_batch_newest(&newest);
	find_leaves(&work, &newest);
	if (work.count > 0)
		make_batch(&work, &newest, root);
	*batch = work.count > 0 ? work.batch : newest;
	PopActiveSnapshot();
	pfree(work.leaves);
	athar_sha256_end(work.hasher);
	return work.count > 0;
}

/* The root of the newest batch, or of the tree without leaves. */
static Datum
root_of(const athar_batch *batch)
{
	athar_hasher *hasher;
	athar_hash	root;

	if (batch->id != 0)
		return PointerGetDatum(batch->root);
	hasher = athar_sha256_begin();
	athar_merkle_nothing(hasher, &root);
	athar_sha256_end(hasher);
	return athar_merkle_datum(&root);
}

/* Seal what is committed for good: batch, leaves, tree size, root. */
PG_FUNCTION_INFO_V1(athar_seal);
Datum
athar_seal(PG_FUNCTION_ARGS)
{
	TupleDesc	descriptor;
	Datum		values[4];
	bool		nulls[4] = {false};
	athar_batch batch;
	athar_hash	root;
	bool		is_new;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	PreventCommandIfReadOnly("seal()");
	PreventCommandDuringRecovery("seal()");
	athar_catalog_flush();
	LockRelationOid(athar_catalog_oid(ATHAR_SEAL_BATCH),
					ShareRowExclusiveLock);
	summarize_index();
	is_new = seal(&batch, &root);
	nulls[0] = !is_new;
	values[0] = Int64GetDatum(batch.id);
	values[1] = Int64GetDatum(is_new ? batch.leaves : 0);
	values[2] = Int64GetDatum(batch.tree_size);
	values[3] = is_new ? athar_merkle_datum(&root) : root_of(&batch);
	if (debug_query_string)
		pgstat_report_activity(STATE_RUNNING, debug_query_string);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor),
													  values, nulls)));
}
