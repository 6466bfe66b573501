/*
 * verify.c
 *	  Whether the log is what was sealed.
 *
 * Every entry of a range of leaves is read, written as a leaf and hashed, and
 * compared with the stored tree (walk.c does that part).  Leaves come in
 * stretches that fit into memory; for each one range of ids is read, which
 * also covers the ids between the batches, so that entries nobody sealed are
 * found on the way.
 *
 * Some columns are not in the leaf, because they mean nothing to outsiders;
 * what a reader of the log relies on of them is checked beside the hash.
 *
 * What it cannot show: that entries, tiles and batches were made anew to fit
 * each other.  Only a checkpoint that was kept elsewhere shows that, which is
 * what anchors are for.
 */
#include "athar.h"

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#include "archive.h"
#include "batch.h"
#include "catalog.h"
#include "leaf.h"
#include "merkle.h"
#include "proof.h"
#include "tile.h"
#include "value.h"
#include "walk.h"

/* Leaves in memory at a time; a multiple of a tile's. */
#define LEAVES_AT_ONCE 262144
#define LEAVES_BETWEEN_REPORTS 16384

typedef struct verification
{
	athar_findings findings;
	athar_hasher *hasher;
	athar_leaf_reader *reader;
	athar_batch *batches;		/* by their leaves */
	int			batch_count;
	athar_batch newest;
	athar_id_range *sealed;		/* the ids of all of them */
	int			sealed_count;
	athar_id_range *expired;
	int			expired_count;
	int64		from;
	int64		to;
	bool		is_under_way;
	int64		is_seen_to;		/* then, ids up to here were looked at */
	int64		visited;
	int64		waiting;		/* entries that are not sealed yet */
	int64		gone;			/* expired ones */

	/* the stretch in hand */
	athar_stretch stretch;
	athar_id_range *pieces;
	int			piece_count;
	athar_id_range *last;		/* the piece of the entry before */
} verification;

static const char *const check_names[ATHAR_CHECKS] = {
	"changed", "missing", "expired", "extra", "tile", "root", "anchor"
};

/*
 * One entry
 */

/*
 * Does an update change a column that its key names?  An insert does if the
 * row moved from another partition, and then tells the key it had there.
 */
static bool
changes_key(const athar_entry *entry)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;

	if (entry->operation == 'I')
		return entry->old_values != NULL;
	if (entry->operation != 'U' || entry->new_values == NULL ||
		entry->row_key == NULL)
		return false;
	iterator = JsonbIteratorInit(&entry->new_values->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
		if (token == WJB_KEY &&
			findJsonbValueFromContainer(&entry->row_key->root, JB_FOBJECT,
										&value))
			return true;
	return false;
}

static const athar_batch *
batch_of(const verification *work, int64 leaf)
{
	int			low = 0;
	int			high = work->batch_count;

	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (work->batches[middle].tree_size <= leaf)
			low = middle + 1;
		else
			high = middle;
	}
	return low < work->batch_count ? &work->batches[low] : NULL;
}

/* Is the transaction's number one that the batch sealed? */
static bool
fits_batch(const athar_batch *batch, const athar_leaf_transaction *transaction)
{
	if (batch == NULL)
		return false;
	if (transaction->cluster != batch->cluster)
		return batch->first_xid == 0;
	return transaction->xid >= batch->first_xid &&
		transaction->xid < batch->horizon;
}

/* What is not in the leaf, but is relied on. */
static void
check_unhashed(verification *work, const athar_entry *entry, int64 leaf)
{
	const char *what = NULL;

	if (entry->row_key == NULL ||
		entry->key_hash != athar_value_key_hash(entry->row_key))
		what = "key_hash is not that of its row_key";
	else if (entry->table->is_rekey != changes_key(entry))
		what = "table_id is that of another kind of change";
	else if (!fits_batch(batch_of(work, leaf), entry->transaction))
		what = "transaction has another number than when it was sealed";
	if (what)
		athar_walk_problem(&work->findings, ATHAR_CHANGED,
						   "entry %lld (leaf %lld): its %s",
						   (long long) entry->id, (long long) leaf, what);
}

/* An entry of the stretch. */
static void
take_sealed(verification *work, athar_entry *entry, int64 leaf)
{
	int64		i = leaf - work->stretch.low;

	if (work->stretch.states[i] != ATHAR_LEAF_ABSENT)
	{
		athar_walk_problem(&work->findings, ATHAR_EXTRA,
						   "entry %lld is there more than once",
						   (long long) entry->id);
		return;
	}
	if (!entry->transaction->exists || !entry->table->exists)
	{
		work->stretch.states[i] = ATHAR_LEAF_UNREADABLE;
		athar_walk_problem(&work->findings, ATHAR_CHANGED,
						   "entry %lld (leaf %lld): its row of %s is gone",
						   (long long) entry->id, (long long) leaf,
						   entry->transaction->exists ? "tracked_table" : "log_transaction");
		return;
	}
	work->stretch.states[i] = ATHAR_LEAF_FOUND;
	athar_leaf_compute(work->reader, work->hasher, entry,
					   &work->stretch.hashes[i]);
	check_unhashed(work, entry, leaf);
}

static void
report(const verification *work)
{
	pgstat_report_activity(STATE_RUNNING,
						   psprintf("athar.verify_log(): %lld of %lld leaves",
									(long long) Min(work->visited, work->to - work->from),
									(long long) (work->to - work->from)));
}

/* An archived entry: its leaf as it was kept. */
static void
take_archived(int64 id, char *leaf, void *arg)
{
	verification *work = arg;
	athar_id_range *piece = athar_batch_find(work->pieces, work->piece_count,
											 id);
	int64		i;

	if (piece == NULL)
	{
		if (athar_batch_find(work->sealed, work->sealed_count, id) == NULL)
			athar_walk_problem(&work->findings, ATHAR_EXTRA,
							   "archived entry %lld was never sealed",
							   (long long) id);
		return;
	}
	i = piece->leaf + (id - piece->low) - work->stretch.low;
	if (work->stretch.states[i] != ATHAR_LEAF_ABSENT)
	{
		athar_walk_problem(&work->findings, ATHAR_EXTRA,
						   "entry %lld is there more than once",
						   (long long) id);
		return;
	}
	work->stretch.states[i] = ATHAR_LEAF_FOUND;
	athar_leaf_hash_line(work->reader, work->hasher, leaf,
						 &work->stretch.hashes[i]);
	if (++work->visited % LEAVES_BETWEEN_REPORTS == 0)
		report(work);
}

/* Will an entry that is in no batch never be in one? */
static bool
is_too_late(const athar_batch *newest, const athar_entry *entry)
{
	const athar_leaf_transaction *transaction = entry->transaction;
	bool		is_behind = !newest->is_cut ||
	entry->id <= newest->resume_after;

	if (!transaction->exists)
		return true;
	if (newest->id == 0)
		return false;
	if (entry->id <= newest->floor_entry_id ||
		transaction->id <= newest->floor_transaction_id)
		return true;
	if (transaction->cluster == newest->cluster)
		return transaction->xid < newest->first_xid ||
			(transaction->xid < newest->horizon && is_behind);
	if (transaction->cluster == (int64) GetSystemIdentifier())
		return false;			/* restored here, and not sealed here yet */
	return newest->first_xid != 0 || is_behind;
}

/* An entry that is in no batch. */
static void
take_unsealed(verification *work, athar_entry *entry)
{
	if (work->is_under_way && entry->id <= work->is_seen_to)
		return;
	if (!is_too_late(&work->newest, entry))
		work->waiting++;
	else if (entry->transaction->exists)
		athar_walk_problem(&work->findings, ATHAR_EXTRA,
						   "entry %lld was not sealed with its transaction %lld",
						   (long long) entry->id,
						   (long long) entry->transaction->id);
	else
		athar_walk_problem(&work->findings, ATHAR_EXTRA,
						   "entry %lld is of no transaction",
						   (long long) entry->id);
}

static void
take_entry(athar_leaf_reader *reader, athar_entry *entry, void *arg)
{
	verification *work = arg;
	athar_id_range *piece = work->last;

	if (piece == NULL || entry->id < piece->low || entry->id >= piece->high)
		piece = work->last = athar_batch_find(work->pieces,
											  work->piece_count, entry->id);
	if (piece)
	{
		take_sealed(work, entry, piece->leaf + (entry->id - piece->low));
		if (++work->visited % LEAVES_BETWEEN_REPORTS == 0)
			report(work);
	}
	else if (athar_batch_find(work->sealed, work->sealed_count,
							  entry->id) == NULL)
		take_unsealed(work, entry);
}

/*
 * A stretch of leaves
 */

/* Add the part of a batch's ids that is in the stretch. */
static void
add_pieces(verification *work, const athar_batch *batch)
{
	athar_stretch *stretch = &work->stretch;
	int64		end = Min(stretch->high, batch->tree_size);

	for (int i = 0; i < batch->range_count; i++)
	{
		athar_id_range piece = batch->ranges[i];
		int64		skipped = Max(stretch->low - piece.leaf, 0);

		CHECK_FOR_INTERRUPTS();
		piece.low += skipped;
		piece.leaf += skipped;
		piece.high = Min(piece.high, piece.low + (end - piece.leaf));
		if (piece.low >= piece.high || piece.leaf >= end)
			continue;
		work->pieces[work->piece_count++] = piece;
		for (int64 id = piece.low; id < piece.high; id++)
		{
			int64		i_leaf = piece.leaf + (id - piece.low) - stretch->low;

			stretch   ->states[i_leaf] = ATHAR_LEAF_ABSENT;
			stretch   ->ids[i_leaf] = id;
		}
	}
}

/* Find out whose the leaves of the stretch are. */
static void
prepare_stretch(verification *work, int64 low, int64 high)
{
	int64		room = 0;
	int			first = batch_of(work, low) ? batch_of(work, low) - work->batches
	: work->batch_count;

	work->stretch.low = low;
	work->stretch.high = high;
	memset(work->stretch.states, ATHAR_LEAF_UNKNOWN, high - low);
	if (work->pieces)
		pfree(work->pieces);
	for (int i = first; i < work->batch_count &&
		 work->batches[i].first_leaf < high; i++)
		room += work->batches[i].range_count;
	work->pieces = palloc_extended(sizeof(athar_id_range) * (room + 1),
								   MCXT_ALLOC_HUGE);
	work->piece_count = 0;
	for (int i = first; i < work->batch_count &&
		 work->batches[i].first_leaf < high; i++)
		add_pieces(work, &work->batches[i]);
	athar_batch_sort(work->pieces, work->piece_count);
	work->last = NULL;
}

/* Read the entries of the stretch, and those between it and the one before. */
static void
read_stretch(verification *work)
{
	int64		low;
	int64		high = PG_INT64_MIN;

	if (work->piece_count == 0)
		return;
	low = work->pieces[0].low;
	for (int i = 0; i < work->piece_count; i++)
		high = Max(high, work->pieces[i].high - 1);
	if (work->is_under_way)
		low = Min(low, work->is_seen_to + 1);
	else if (work->from == 0)
		low = PG_INT64_MIN;
	athar_leaf_scan(work->reader, low, high, PG_INT64_MIN, take_entry, work);
	athar_archive_scan(low, high, take_archived, work);
	work->is_seen_to = work->is_under_way ? Max(work->is_seen_to, high) : high;
	work->is_under_way = true;
}

static void
tell_missing(verification *work)
{
	athar_stretch *stretch = &work->stretch;

	for (int64 leaf = stretch->low; leaf < stretch->high; leaf++)
	{
		int64		id = stretch->ids[leaf - stretch->low];

		if (stretch->states[leaf - stretch->low] != ATHAR_LEAF_ABSENT)
			continue;
		if (athar_batch_find(work->expired, work->expired_count, id))
			work->gone++;
		else
			athar_walk_problem(&work->findings, ATHAR_MISSING,
							   "entry %lld (leaf %lld) is missing",
							   (long long) id, (long long) leaf);
	}
}

static void
tell_odd(int64 id, void *arg)
{
	verification *work = arg;

	athar_walk_problem(&work->findings, ATHAR_CHANGED,
					   "row %lld of log_archive does not have the ids, the times or the table of its leaves",
					   (long long) id);
}

/* What comes after the last leaf is not sealed yet, or never will be. */
static void
read_rest(verification *work)
{
	int64		low = PG_INT64_MIN;

	if (work->is_under_way)
	{
		if (work->is_seen_to == PG_INT64_MAX)
			return;
		low = work->is_seen_to + 1;
	}
	work->piece_count = 0;
	work->last = NULL;
	athar_leaf_scan(work->reader, low, PG_INT64_MAX, PG_INT64_MIN, take_entry,
					work);
	athar_archive_scan(low, PG_INT64_MAX, take_archived, work);
}

static void
verify_leaves(verification *work)
{
	athar_stretch *stretch = &work->stretch;
	athar_walk *walk = athar_walk_begin(&work->findings, work->hasher,
										work->newest.tree_size, work->batches,
										work->batch_count, work->from);
	int64		room = Min(LEAVES_AT_ONCE, work->to - work->from) + 1;

	stretch   ->states = palloc(room);
	stretch   ->ids = palloc(room * sizeof(int64));
	stretch   ->hashes = palloc(room * sizeof(athar_hash));

	for (int64 low = work->from; low < work->to; low = stretch->high)
	{
		report(work);
		prepare_stretch(work, low,
						Min((low / LEAVES_AT_ONCE + 1) * LEAVES_AT_ONCE,
							work->to));
		read_stretch(work);
		tell_missing(work);
		athar_walk_along(walk, stretch);
	}
	if (work->to == work->newest.tree_size)
	{
		athar_walk_edges(walk);
		read_rest(work);
		if (work->from == 0)
			athar_archive_find_odd(tell_odd, work);
	}
}

/*
 * Batches, tiles that should not be there, anchors
 */

/* Batches follow on each other without gaps, and hold what they say. */
static void
check_batches(verification *work)
{
	const athar_batch *before = NULL;

	for (int i = 0; i < work->batch_count; i++)
	{
		const athar_batch *batch = &work->batches[i];
		int64		size = before ? before->tree_size : 0;
		int64		ids = 0;
		const char *what = NULL;

		CHECK_FOR_INTERRUPTS();
		for (int j = 0; j < batch->range_count; j++)
			ids += batch->ranges[j].high - batch->ranges[j].low;
		if (batch->first_leaf != size ||
			batch->id != (before ? before->id + 1 : 1))
			what = "does not follow on the one before";
		else if (ids != batch->leaves ||
				 batch->tree_size != batch->first_leaf + batch->leaves)
			what = "does not have as many entries as leaves";
		else if (batch->first_xid > batch->horizon ||
				 (before && (batch->sealed_at < before->sealed_at ||
							 batch->floor_entry_id < before->floor_entry_id ||
							 (batch->cluster == before->cluster &&
							  batch->first_xid != before->horizon &&
							  batch->first_xid != before->first_xid))))
			what = "has a horizon or a time that cannot be";
		if (what)
			athar_walk_problem(&work->findings, ATHAR_ROOT, "batch %lld %s",
							   (long long) batch->id, what);
		before = batch;
	}
}

/* Tiles beyond the tree: somebody cut its batches off, and forgot them. */
static void
check_tiles_beyond(verification *work)
{
	Oid			types[1] = {INT8OID};
	Datum		values[1] = {Int64GetDatum(work->newest.tree_size)};
	athar_owner_state state;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_SEAL_TILE), &state);
	if (SPI_execute_with_args("SELECT t.level, t.n FROM athar.seal_tile AS t"
							  " WHERE t.level NOT BETWEEN 0 AND 7 OR t.n < 0"
							  " OR t.n >= ((($1 >> (8 * t.level)) + 255) / 256)"
							  " ORDER BY 1, 2", 1, types, values, NULL, true,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the tiles of the seal");
	for (uint64 i = 0; i < SPI_processed; i++)
		athar_walk_problem(&work->findings, ATHAR_TILE,
						   "tile %s on level %s is beyond the tree",
						   SPI_getvalue(SPI_tuptable->vals[i],
										SPI_tuptable->tupdesc, 2),
						   SPI_getvalue(SPI_tuptable->vals[i],
										SPI_tuptable->tupdesc, 1));
	athar_catalog_resign(&state);
	SPI_finish();
}

static void
check_anchor(verification *work, int number, const char *string)
{
	athar_tree_head anchor;
	athar_tile_tree tree;
	athar_hash	root;

	if (!athar_proof_read(string, &anchor))
		athar_walk_problem(&work->findings, ATHAR_ANCHOR,
						   "anchor %d is no checkpoint", number);
	else if (anchor.size > work->newest.tree_size)
		athar_walk_problem(&work->findings, ATHAR_ANCHOR,
						   "anchor %d has %lld leaves, the tree %lld: its tail was cut off, or an older state was restored",
						   number, (long long) anchor.size,
						   (long long) work->newest.tree_size);
	else
	{
		athar_tile_open(&tree, work->hasher);
		tree.is_lenient = true;
		athar_merkle_compute_root(&tree.tree, anchor.size, &root);
		if (tree.is_damaged ||
			!athar_merkle_is_same(&root, &anchor.root))
			athar_walk_problem(&work->findings, ATHAR_ANCHOR,
							   "anchor %d: the first %lld leaves have another root",
							   number, (long long) anchor.size);
	}
	work->findings.looked_at[ATHAR_ANCHOR]++;
}

static void
check_anchors(verification *work, ArrayType *anchors)
{
	Datum	   *values;
	bool	   *nulls;
	int			count;

	deconstruct_array(anchors, TEXTOID, -1, false, TYPALIGN_INT, &values,
					  &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		check_anchor(work, i + 1, nulls[i] ? "" :
					 TextDatumGetCString(values[i]));
	}
}

/*
 * The answer
 */

static const char *
summary(const verification *work, athar_check check)
{
	const int64 *looked_at = work->findings.looked_at;

	switch (check)
	{
		case ATHAR_CHANGED:
			return psprintf("%lld entries are what was sealed",
							(long long) looked_at[check]);
		case ATHAR_MISSING:
			return "no entry is missing";
		case ATHAR_EXPIRED:
			return psprintf("%lld entries were removed by recorded acts",
							(long long) work->gone);
		case ATHAR_EXTRA:
			return psprintf("no entry stands outside the seal; %lld wait for the next",
							(long long) work->waiting);
		case ATHAR_TILE:
			return psprintf("%lld tiles agree", (long long) looked_at[check]);
		case ATHAR_ROOT:
			return psprintf("%lld batches have the roots of their leaves",
							(long long) looked_at[check]);
		case ATHAR_ANCHOR:
			if (looked_at[check] == 0)
				return "none given: a forgery that is consistent in itself would not be seen";
			return psprintf("%lld anchors agree", (long long) looked_at[check]);
	}
	return NULL;
}

static void
put(ReturnSetInfo *result, athar_check check, bool is_ok, const char *detail)
{
	Datum		values[3] = {CStringGetTextDatum(check_names[check]),
		BoolGetDatum(is_ok), CStringGetTextDatum(detail)
	};
	bool		nulls[3] = {false};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
put_findings(const verification *work, ReturnSetInfo *result)
{
	for (int check = 0; check < ATHAR_CHECKS; check++)
	{
		int64		problems = work->findings.problems[check];
		List	   *details = work->findings.details[check];
		ListCell   *cell;

		if (problems == 0)
			put(result, check, true, summary(work, check));
		foreach(cell, details)
			put(result, check, false, lfirst(cell));
		if (problems > list_length(details))
			put(result, check, false,
				psprintf("and %lld more",
						 (long long) (problems - list_length(details))));
	}
}

/*
 * The function
 */

static void
read_expired(verification *work)
{
	MemoryContext context = CurrentMemoryContext;
	athar_owner_state state;
	bool		isnull;
	Datum		ids;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	if (SPI_execute("SELECT athar.expired_entries()", true,
					1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not read what is expired");
	ids = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
						&isnull);
	MemoryContextSwitchTo(context);
	work->expired_count = isnull ? 0
		: athar_batch_decode(ids, 0, &work->expired);
	athar_catalog_resign(&state);
	SPI_finish();
}

static void
begin_work(verification *work, FunctionCallInfo fcinfo)
{
	memset(work, 0, sizeof(verification));
	work->findings.context = CurrentMemoryContext;
	work->batch_count = athar_batch_read(" ORDER BY b.first_leaf, b.id", 0,
										 NULL, &work->batches);
	if (work->batch_count > 0)
		work->newest = work->batches[work->batch_count - 1];
	work->from = PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0);
	work->to = PG_ARGISNULL(1) ? work->newest.tree_size : PG_GETARG_INT64(1);
	athar_merkle_check_sizes(work->to, work->newest.tree_size);
	athar_merkle_check_sizes(work->from, work->to);
	work->sealed_count = athar_batch_pieces(work->batches, work->batch_count,
											&work->sealed);
	read_expired(work);
	work->hasher = athar_sha256_begin();
	work->reader = athar_leaf_begin();
}

/* Check the log against its seal: a row for each check or problem. */
PG_FUNCTION_INFO_V1(athar_verify_log);
Datum
athar_verify_log(PG_FUNCTION_ARGS)
{
	verification work;

	athar_catalog_flush();
	InitMaterializedSRF(fcinfo, 0);
	begin_work(&work, fcinfo);
	check_batches(&work);
	verify_leaves(&work);
	check_tiles_beyond(&work);
	if (!PG_ARGISNULL(2))
		check_anchors(&work, PG_GETARG_ARRAYTYPE_P(2));
	put_findings(&work, (ReturnSetInfo *) fcinfo->resultinfo);

	athar_leaf_end(work.reader);
	athar_sha256_end(work.hasher);
	if (debug_query_string)
		pgstat_report_activity(STATE_RUNNING, debug_query_string);
	return (Datum) 0;
}
