/*
 * retention.c
 *	  Taking entries out of the log: archive_log(), expire_log(), retain_log().
 *
 * Only what is sealed goes, so the tree of hashes goes on to tell that it was
 * there; only what is still as it was sealed, so nobody gets rid of a forgery
 * in this way; and only what the newest mark before the given time sees, so
 * that as_of() can say exactly how far back it still reaches.  Each call is a
 * row of log_retention, which the log itself keeps: verify_log() takes an
 * entry that is missing without one for removed by somebody else.
 *
 * The archive keeps the leaves, many to a row, which compress together to a
 * fraction of what they are in the log.  What is expired is deleted with its
 * nonce, so that the hash that stays gives nothing away.  The bytes are gone
 * from the disk after the next VACUUM, and from copies and backups when those
 * are.
 */
#include "athar.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "context.h"
#include "tracking.h"
#include "merkle.h"
#include "tile.h"
#include "batch.h"
#include "leaf.h"
#include "archive.h"

#define BATCH 1000
#define MOST_AT_ONCE 1000000

/* Leaves in memory at a time, and in one row of the archive. */
#define LEAVES_TOGETHER 512
#define LEAVES_IN_ROW 256
#define BYTES_IN_ROW 1000000

/* An entry that is to go. */
typedef struct doomed
{
	int64		id;
	int64		leaf;
	int64		transaction_id;
	TimestampTz at;
	int32		table_id;
	ItemPointerData place;
	bool		is_there;
	char	   *line;			/* to be archived */
} doomed;

typedef struct removal
{
	MemoryContext context;		/* of all that is kept here */
	bool		is_expiry;
	TimestampTz before;
	athar_tracked *table;		/* NULL: every table */
	int64		most;
	int64		mark_id;
	Datum		table_ids;
	doomed	   *entries;
	int64		count;
	bool		is_more;
	bool		is_unchecked;	/* some of a table that is to be checked first */
	athar_id_range *sealed;
	int			sealed_count;
	athar_id_range *gone;		/* what went, in any order */
	int			gone_count;
	int			gone_room;
	int64		total;
	athar_leaf_reader *reader;
	athar_hasher *hasher;
	athar_tile_tree tree;
	List	   *used;			/* table ids of which entries left the log */
	Datum		split;			/* int8multirange */
} removal;

/* A part of the entries, in the order of their ids. */
typedef struct stretch
{
	removal    *work;
	doomed	   *entries;
	int			count;
	MemoryContext context;		/* of the lines */
	athar_hash	hashes[LEAVES_TOGETHER];
} stretch;

static const char *const mark_text =
"SELECT m.id FROM athar.mark AS m WHERE m.at <= $1"
" ORDER BY m.at DESC, m.id DESC LIMIT 1";

/* Never of the acts of retention themselves. */
static const char *const tables_text =
"SELECT array_agg(n.id) FROM athar.tracked_table AS n"
" WHERE (n.lineage = $1 OR $1 IS NULL)"
" AND n.lineage <> (SELECT o.lineage FROM athar.tracked_table AS o"
" WHERE o.relation = 'athar.log_retention' AND o.id < 500)";

/* What a mark sees, or another row of its shape. */
#define SEES(mark) \
	"CASE WHEN t.cluster <> " mark ".cluster" \
	" THEN t.id <= " mark ".last_transaction_id" \
	" WHEN t.xid = " mark ".xid THEN e.id <= " mark ".last_entry_id" \
	" ELSE pg_visible_in_snapshot(t.xid, " mark ".snapshot) END"

/*
 * What is sealed is found in the batches.  Of a table that is still tracked,
 * tracking_status() needs what its newest check does not see; where there was
 * none, everything; and where its triggers have a condition, nothing, because
 * then it tells nothing.
 */
static const char *const doomed_text =
"WITH checked AS MATERIALIZED (SELECT n.id AS table_id,"
" v.untracked_at IS NULL AND to_regclass(v.relation) IS NOT NULL"
" AND NOT EXISTS (SELECT FROM pg_trigger AS g WHERE g.tgqual IS NOT NULL"
" AND g.tgrelid = to_regclass(v.relation)"
" AND g.tgfoid = 'athar.capture_change()'::regprocedure) AS is_watched,"
" c.id AS check_id, c.snapshot, c.cluster, c.xid, c.last_transaction_id,"
" c.last_entry_id FROM athar.tracked_table AS n CROSS JOIN LATERAL"
" (SELECT l.relation, l.untracked_at FROM athar.tracked_table AS l"
" WHERE l.lineage = n.lineage ORDER BY l.id DESC LIMIT 1) AS v"
" LEFT JOIN LATERAL (SELECT k.* FROM athar.tracking_check AS k"
" WHERE k.lineage = n.lineage ORDER BY k.id DESC LIMIT 1) AS c ON true"
" WHERE n.id = ANY ($2))"
" SELECT e.ctid, e.id, e.transaction_id, e.table_id, t.at,"
" CASE WHEN NOT c.is_watched THEN true WHEN c.check_id IS NULL THEN false"
" ELSE " SEES("c") " END"
" FROM athar.mark AS m CROSS JOIN athar.log_entry AS e"
" JOIN athar.log_transaction AS t ON t.id = e.transaction_id"
" JOIN checked AS c ON c.table_id = e.table_id"
" WHERE m.id = $1 AND e.table_id = ANY ($2) AND " SEES("m");

/* Of transactions that lost entries: which have none left, and which do. */
static const char *const transactions_text =
"WITH touched AS MATERIALIZED (SELECT DISTINCT u.id FROM unnest($1) AS u (id)),"
" family AS MATERIALIZED (SELECT t.ctid AS place, t.id,"
" t.id IN (SELECT u.id FROM touched AS u) AS is_touched"
" FROM athar.log_transaction AS t WHERE (t.at, t.cluster, t.xid) IN"
" (SELECT o.at, o.cluster, o.xid FROM touched AS u"
" JOIN athar.log_transaction AS o ON o.id = u.id)),"
" rest AS MATERIALIZED (SELECT DISTINCT e.transaction_id AS id"
" FROM athar.log_entry AS e WHERE e.transaction_id BETWEEN $2 AND $3)"
" SELECT array_agg(f.place) FILTER (WHERE f.is_touched AND r.id IS NULL),"
" coalesce(range_agg(int8range(f.id, f.id, '[]'))"
" FILTER (WHERE NOT f.is_touched OR r.id IS NOT NULL), '{}')"
" FROM family AS f LEFT JOIN rest AS r ON r.id = f.id";

static const char *const record_text =
"INSERT INTO athar.log_retention (operation, before, relation, mark_id,"
" table_ids, entries, ids, split_transaction_ids)"
" VALUES ($1, $2, $3, $4, ARRAY(SELECT DISTINCT n.lineage"
" FROM athar.tracked_table AS n WHERE n.id = ANY ($5) ORDER BY n.lineage),"
" $6, $7, $8)";

/*
 * Queries
 */

static Datum
column(uint64 row, int number, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 number, isnull);
}

/* Run a query that returns at most one row; false if it returns none. */
static bool
query_row(const char *text, int count, Oid *types, Datum *values,
		  const char *nulls)
{
	if (SPI_execute_with_args(text, count, types, values, nulls, true,
							  1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the log for its retention");
	return SPI_processed > 0;
}

static void
find_mark(removal *work)
{
	Oid			types[1] = {TIMESTAMPTZOID};
	Datum		values[1] = {TimestampTzGetDatum(work->before)};
	bool		isnull;

	if (query_row(mark_text, 1, types, values, NULL))
		work->mark_id = DatumGetInt64(column(0, 1, &isnull));
}

static void
find_tables(removal *work)
{
	Oid			types[1] = {INT4OID};
	Datum		values[1] = {Int32GetDatum(work->table ? work->table->lineage : 0)};
	bool		isnull;
	MemoryContext old;

	(void) query_row(tables_text, 1, types, values, work->table ? " " : "n");
	old = MemoryContextSwitchTo(work->context);
	work->table_ids = column(0, 1, &isnull);
	if (isnull)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("what was taken out of the log stays on record"),
				 errdetail("Without its entries in the log, verify_log() would report as missing what expired."),
				 errhint("Name another table.")));
	work->table_ids = PointerGetDatum(DatumGetArrayTypePCopy(work->table_ids));
	MemoryContextSwitchTo(old);
}

/*
 * What goes
 */

static int
by_id(const void *a, const void *b)
{
	int64		left = ((const doomed *) a)->id;
	int64		right = ((const doomed *) b)->id;

	return left < right ? -1 : left > right;
}

static int
by_table(const void *a, const void *b)
{
	int32		left = ((const doomed *) a)->table_id;
	int32		right = ((const doomed *) b)->table_id;

	return left != right ? (left < right ? -1 : 1) : by_id(a, b);
}

/* Take over the fetched rows that are sealed, until there are enough. */
static void
take_fetched(removal *work)
{
	bool		isnull;

	for (uint64 i = 0; i < SPI_processed && !work->is_more; i++)
	{
		doomed	   *entry = &work->entries[work->count];
		int64		id = DatumGetInt64(column(i, 2, &isnull));
		athar_id_range *range = athar_batch_find(work->sealed,
												 work->sealed_count, id);

		CHECK_FOR_INTERRUPTS();
		if (range == NULL)
			continue;
		if (!DatumGetBool(column(i, 6, &isnull)))
		{
			work->is_unchecked = true;
			continue;
		}
		if (work->count == work->most)
		{
			work->is_more = true;
			return;
		}
		memset(entry, 0, sizeof(doomed));
		entry->place = *(ItemPointer) DatumGetPointer(column(i, 1, &isnull));
		entry->id = id;
		entry->leaf = range->leaf + (id - range->low);
		entry->transaction_id = DatumGetInt64(column(i, 3, &isnull));
		entry->table_id = DatumGetInt32(column(i, 4, &isnull));
		entry->at = DatumGetTimestampTz(column(i, 5, &isnull));
		work->count++;
	}
}

static void
find_doomed(removal *work)
{
	Oid			types[2] = {INT8OID, INT4ARRAYOID};
	Datum		values[2] = {Int64GetDatum(work->mark_id), work->table_ids};
	Portal		portal = SPI_cursor_open_with_args(NULL, doomed_text, 2, types,
												   values, NULL, true, 0);

	for (;;)
	{
		SPI_cursor_fetch(portal, true, BATCH);
		if (SPI_processed == 0 || work->is_more)
			break;
		take_fetched(work);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	qsort(work->entries, work->count, sizeof(doomed), by_id);
}

static void
add_gone(removal *work, int64 low, int64 high)
{
	if (work->gone_count == work->gone_room)
	{
		work->gone_room = Max(work->gone_room * 2, 64);
		work->gone = work->gone == NULL
			? MemoryContextAlloc(work->context,
								 sizeof(athar_id_range) * work->gone_room)
			: repalloc_huge(work->gone,
							sizeof(athar_id_range) * work->gone_room);
	}
	work->gone[work->gone_count].low = low;
	work->gone[work->gone_count].high = high;
	work->gone[work->gone_count].leaf = 0;
	work->gone_count++;
	work->total += high - low;
}

/*
 * Out of the log
 */

static void
refuse_forgery(int64 id)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("entry %lld of the change log is not what was sealed",
					(long long) id),
			 errdetail("Nothing was taken out of the log."),
			 errhint("athar.verify_log() tells all that does not agree.")));
}

static void
look_at_entry(athar_leaf_reader *reader, athar_entry *entry, void *arg)
{
	stretch    *part = arg;
	doomed		key = {.id = entry->id};
	doomed	   *found = bsearch(&key, part->entries, part->count,
								sizeof(doomed), by_id);

	if (found == NULL || !entry->transaction->exists)
		return;
	if (found->is_there)
		refuse_forgery(entry->id);
	found->is_there = true;
	athar_leaf_compute(reader, part->work->hasher, entry,
					   &part->hashes[found - part->entries]);
	if (!part->work->is_expiry)
		found->line = MemoryContextStrdup(part->context, reader->text.data);
}

/* Does the sealed tree have this hash for a leaf? */
static bool
is_sealed(removal *work, int64 leaf, const athar_hash *hash)
{
	athar_hash	sealed;
	MemoryContext old = MemoryContextSwitchTo(work->context);

	work->tree.tree.read(&work->tree.tree, 0, leaf, &sealed);
	MemoryContextSwitchTo(old);
	return athar_merkle_is_same(hash, &sealed);
}

static void
check_stretch(stretch *part)
{
	for (int i = 0; i < part->count; i++)
		if (!part->entries[i].is_there ||
			!is_sealed(part->work, part->entries[i].leaf, &part->hashes[i]))
			refuse_forgery(part->entries[i].id);
}

/* Archive as many of these entries as one row takes; how many those were. */
static int
archive_some(doomed *entries, int count)
{
	StringInfoData text;
	athar_id_range ranges[LEAVES_IN_ROW];
	TimestampTz first_at = entries[0].at;
	TimestampTz last_at = entries[0].at;
	int			i;

	initStringInfo(&text);
	for (i = 0; i < count && i < LEAVES_IN_ROW; i++)
	{
		int			length = strlen(entries[i].line);

		if (entries[i].table_id != entries[0].table_id ||
			(i > 0 && text.len + length > BYTES_IN_ROW))
			break;
		if (i > 0)
			appendStringInfoChar(&text, '\n');
		appendBinaryStringInfo(&text, entries[i].line, length);
		ranges[i].low = entries[i].id;
		ranges[i].high = entries[i].id + 1;
		first_at = Min(first_at, entries[i].at);
		last_at = Max(last_at, entries[i].at);
	}
	athar_archive_store(entries[0].table_id, first_at, last_at,
						athar_batch_ids(ranges, i),
						PointerGetDatum(cstring_to_text_with_len(text.data,
																 text.len)));
	pfree(text.data);
	return i;
}

static void
archive_stretch(stretch *part)
{
	int			done = 0;

	qsort(part->entries, part->count, sizeof(doomed), by_table);
	while (done < part->count)
	{
		MemoryContext old = MemoryContextSwitchTo(part->context);

		CHECK_FOR_INTERRUPTS();
		done += archive_some(part->entries + done, part->count - done);
		MemoryContextSwitchTo(old);
	}
}

static void
show_progress(const removal *work, int64 wanted)
{
	char	   *text = psprintf("athar.%s_log: %lld of %lld entries",
								work->is_expiry ? "expire" : "archive",
								(long long) work->total, (long long) wanted);

	pgstat_report_activity(STATE_RUNNING, text);
	pfree(text);
}

static void
remove_stretch(stretch *part)
{
	removal    *work = part->work;

	athar_leaf_scan(work->reader, part->entries[0].id,
					part->entries[part->count - 1].id, PG_INT64_MIN,
					look_at_entry, part);
	check_stretch(part);
	if (!work->is_expiry)
		archive_stretch(part);
	for (int i = 0; i < part->count; i++)
	{
		doomed	   *entry = &part->entries[i];

		CHECK_FOR_INTERRUPTS();
		athar_catalog_delete(ATHAR_LOG_ENTRY, &entry->place);
		add_gone(work, entry->id, entry->id + 1);
		work->used = list_append_unique_int(work->used, entry->table_id);
	}
	MemoryContextReset(part->context);
	show_progress(work, work->count);
}

static void
remove_doomed(removal *work)
{
	stretch		part = {.work = work};

	part.context = AllocSetContextCreate(CurrentMemoryContext,
										 "athar leaves that go",
										 ALLOCSET_DEFAULT_SIZES);
	for (int64 i = 0; i < work->count; i += part.count)
	{
		part.entries = work->entries + i;
		part.count = Min(LEAVES_TOGETHER, work->count - i);
		remove_stretch(&part);
	}
	MemoryContextDelete(part.context);
}

/*
 * Transactions of which nothing is left
 */

static void
remove_places(Datum places)
{
	ArrayType  *array = DatumGetArrayTypeP(places);
	Datum	   *elements;
	int			count;

	deconstruct_array(array, TIDOID, sizeof(ItemPointerData), false,
					  TYPALIGN_SHORT, &elements, NULL, &count);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		athar_catalog_delete(ATHAR_LOG_TRANSACTION,
							 (ItemPointer) DatumGetPointer(elements[i]));
	}
}

static void
remove_transactions(removal *work)
{
	Datum	   *ids = palloc_extended(sizeof(Datum) * work->count,
									  MCXT_ALLOC_HUGE);
	int64		first = PG_INT64_MAX;
	int64		last = PG_INT64_MIN;
	Oid			types[3] = {INT8ARRAYOID, INT8OID, INT8OID};
	Datum		values[3];
	Datum		split;
	Datum		places;
	bool		isnull;
	MemoryContext old;

	for (int64 i = 0; i < work->count; i++)
	{
		int64		id = work->entries[i].transaction_id;

		ids[i] = Int64GetDatum(id);
		first = Min(first, id);
		last = Max(last, id);
	}
	values[0] = PointerGetDatum(construct_array(ids, work->count, INT8OID, 8,
												FLOAT8PASSBYVAL,
												TYPALIGN_DOUBLE));
	values[1] = Int64GetDatum(first);
	values[2] = Int64GetDatum(last);
	CommandCounterIncrement();
	PushActiveSnapshot(GetLatestSnapshot());
	(void) query_row(transactions_text, 3, types, values, NULL);
	split = column(0, 2, &isnull);
	old = MemoryContextSwitchTo(work->context);
	work->split = PointerGetDatum(PG_DETOAST_DATUM_COPY(split));
	MemoryContextSwitchTo(old);
	places = column(0, 1, &isnull);
	if (!isnull)
		remove_places(places);
	PopActiveSnapshot();
}

/*
 * Out of the archive
 */

static void
look_at_archived(int64 id, char *leaf, void *arg)
{
	removal    *work = arg;
	athar_id_range *range = athar_batch_find(work->sealed, work->sealed_count,
											 id);
	athar_hash	hash;

	if (range == NULL)
		refuse_forgery(id);
	athar_leaf_hash_line(work->reader, work->hasher, leaf, &hash);
	if (!is_sealed(work, range->leaf + (id - range->low), &hash))
		refuse_forgery(id);
}

static void
take_archived(const athar_id_range *ids, void *arg)
{
	removal    *work = arg;

	add_gone(work, ids->low, ids->high);
	show_progress(work, work->most);
}

/*
 * The act
 */

static Datum
used_tables(const removal *work)
{
	Datum	   *elements = palloc(sizeof(Datum) * (list_length(work->used) + 1));
	int			count = 0;
	ListCell   *cell;

	foreach(cell, work->used)
		elements[count++] = Int32GetDatum(lfirst_int(cell));
	return PointerGetDatum(construct_array(elements, count, INT4OID, 4, true,
										   TYPALIGN_INT));
}

/* Write down what was done, in the log too, under the reason given. */
static void
record(removal *work, const char *reason)
{
	Oid			types[8] = {
		TEXTOID, TIMESTAMPTZOID, TEXTOID, INT8OID, INT4ARRAYOID, INT8OID,
		INT8MULTIRANGEOID, INT8MULTIRANGEOID
	};
	Datum		values[8];
	char		nulls[9] = "        ";
	int			guc_level = NewGUCNestLevel();
	int			i = 0;

	if (reason)
		(void) set_config_option("athar.reason", reason, PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0,
								 false);
	values[i++] = CStringGetTextDatum(work->is_expiry ? "expire" : "archive");
	values[i++] = TimestampTzGetDatum(work->before);
	nulls[i] = work->table ? ' ' : 'n';
	values[i++] = work->table ? CStringGetTextDatum(work->table->relation)
		: (Datum) 0;
	nulls[i] = work->used ? ' ' : 'n';
	values[i++] = Int64GetDatum(work->mark_id);
	values[i++] = used_tables(work);
	values[i++] = Int64GetDatum(work->total);
	values[i++] = athar_batch_ids(work->gone, work->gone_count);
	values[i++] = work->split ? work->split : athar_batch_ids(NULL, 0);
	if (SPI_execute_with_args(record_text, i, types, values, nulls, false,
							  0) != SPI_OK_INSERT)
		elog(ERROR, "could not record the retention");
	AtEOXact_GUC(true, guc_level);
}

/*
 * The functions
 */

/* Say what is left, and why. */
static void
tell(const removal *work)
{
	if (work->is_more)
		ereport(NOTICE,
				(errmsg("%lld entries were taken out, and there are more",
						(long long) work->total),
				 errhint("Call again, until it returns 0.")));
	else if (work->is_unchecked)
		ereport(NOTICE,
				(errmsg("entries stay that tracking_status() needs"),
				 errdetail("They are of transactions that the newest check of their table does not see."),
				 errhint("Call athar.tracking_status() first.")));
}

static void
refuse_missing_reason(void)
{
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('A', 'T', '0', '0', '1')),
			 errmsg("a reason is required to take entries out of the change log"),
			 errdetail("Nothing was taken out."),
			 errhint("Give it as an argument, or with SET LOCAL athar.reason = '...'.")));
}

static void
refuse_arguments(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("a time, and how many entries at most, are required"),
			 errdetail("Entries of transactions that began before that time are taken out of the change log; at least one, and at most a million, by one call."),
			 errhint("Such as athar.archive_log(now() - interval '2 years', reason => 'two years are kept at hand').")));
}

static athar_tracked *
find_table(Oid relid)
{
	athar_tracked *table = athar_tracking_of(relid);

	if (table == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" was never tracked",
						get_rel_name(relid) ? get_rel_name(relid) : "?"),
				 errdetail("The change log has no entries of it."),
				 errhint("Of a partition, name the partitioned table.")));
	return table;
}

static void
read_arguments(FunctionCallInfo fcinfo, removal *work, const char **reason)
{
	if (PG_ARGISNULL(0) || PG_ARGISNULL(3) || PG_GETARG_INT32(3) < 1 ||
		PG_GETARG_INT32(3) > MOST_AT_ONCE)
		refuse_arguments();
	work->before = PG_GETARG_TIMESTAMPTZ(0);
	work->most = PG_GETARG_INT32(3);
	if (!PG_ARGISNULL(1))
		work->table = find_table(PG_GETARG_OID(1));
	/* what is archived can still be proven; what is expired is forgotten */
	if (work->is_expiry)
		athar_catalog_require_owner(work->table ? PG_GETARG_OID(1) :
									athar_catalog_oid(ATHAR_LOG_ENTRY));
	*reason = PG_ARGISNULL(2) ? athar_context_reason()
		: text_to_cstring(PG_GETARG_TEXT_PP(2));
	if (*reason == NULL || (*reason)[strspn(*reason, " \t\n\r\f\v")] == '\0')
		refuse_missing_reason();
}

/* Take out what there is, as the owner of the log. */
static void
run(removal *work, const char *reason)
{
	athar_owner_state state;
	athar_batch *batches;
	int			count = athar_batch_read("", 0, NULL, &batches);

	work->sealed_count = athar_batch_pieces(batches, count, &work->sealed);
	work->entries = palloc_extended(sizeof(doomed) * work->most,
									MCXT_ALLOC_HUGE);
	work->context = CurrentMemoryContext;
	work->hasher = athar_sha256_begin();
	work->reader = athar_leaf_begin();
	athar_tile_open(&work->tree, work->hasher);
	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	find_tables(work);
	find_mark(work);
	if (work->mark_id != 0)
		find_doomed(work);
	if (work->count > 0)
	{
		remove_doomed(work);
		remove_transactions(work);
	}
	if (work->is_expiry)
		work->is_more |= athar_archive_expire(work->table_ids, work->before,
											  work->most - work->total,
											  look_at_archived,
											  take_archived, work);
	if (work->total > 0)
		record(work, reason);
	athar_catalog_resign(&state);
	SPI_finish();
	athar_leaf_end(work->reader);
	athar_sha256_end(work->hasher);
}

static void
retain(removal *work, const char *reason)
{
	const char *function = work->is_expiry ? "expire_log()" : "archive_log()";

	PreventCommandIfReadOnly(function);
	PreventCommandDuringRecovery(function);
	athar_catalog_flush();
	LockRelationOid(athar_catalog_oid(ATHAR_LOG_ARCHIVE),
					ShareRowExclusiveLock);
	PushActiveSnapshot(GetLatestSnapshot());
	run(work, reason);
	PopActiveSnapshot();
	if (debug_query_string)
		pgstat_report_activity(STATE_RUNNING, debug_query_string);
}

static Datum
retain_as_told(FunctionCallInfo fcinfo, bool is_expiry)
{
	removal		work = {.is_expiry = is_expiry};
	const char *reason;

	read_arguments(fcinfo, &work, &reason);
	retain(&work, reason);
	tell(&work);
	PG_RETURN_INT64(work.total);
}

/* Move sealed entries into the archive. */
PG_FUNCTION_INFO_V1(athar_archive_log);
Datum
athar_archive_log(PG_FUNCTION_ARGS)
{
	return retain_as_told(fcinfo, false);
}

/* Delete sealed entries, archived or not. */
PG_FUNCTION_INFO_V1(athar_expire_log);
Datum
athar_expire_log(PG_FUNCTION_ARGS)
{
	return retain_as_told(fcinfo, true);
}

/* Do one or the other of a lineage, as a rule says, and say what is left. */
PG_FUNCTION_INFO_V1(athar_retain_log);
Datum
athar_retain_log(PG_FUNCTION_ARGS)
{
	removal		work = {
		.is_expiry = PG_GETARG_BOOL(0),
		.before = PG_GETARG_TIMESTAMPTZ(1),
		.table = athar_tracking_newest(PG_GETARG_INT32(2)),
		.most = PG_GETARG_INT32(4)
	};
	TupleDesc	descriptor;
	Datum		values[3];
	bool		nulls[3] = {false};

	(void) get_call_result_type(fcinfo, NULL, &descriptor);
	retain(&work, text_to_cstring(PG_GETARG_TEXT_PP(3)));
	values[0] = Int64GetDatum(work.total);
	values[1] = BoolGetDatum(work.is_more);
	values[2] = BoolGetDatum(work.is_unchecked);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(descriptor, values,
													  nulls)));
}
