/*
 * mark.c
 *	  Marks: moments to which the log can return.
 *
 * A trigger cannot know when its transaction will commit, so "the state at
 * noon" has no answer that later commits could not change.  A mark is a stored
 * snapshot, and an answer given by it never changes.  Asked for a time beyond
 * the newest mark, one is made for that time now; a lock on the table lets the
 * second of two askers find the mark of the first.
 *
 * A mark made for a past time leaves out what began after that time, for
 * that was surely not committed then.  What it does not promise: that it
 * leaves out what began before that time and was committed between it and the
 * question.  Where nothing can be stored (a standby, a read-only transaction)
 * no later answer is bound by the one given beyond the newest mark.
 */
#include "athar.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "catalog.h"
#include "mark.h"

#define MARK_COLUMNS 8

/* The newest mark at or before a time, and whether a later one exists. */
static const char *const newest_text =
"SELECT m.id, m.name, m.at, m.snapshot, m.cluster, m.xid,"
" m.last_transaction_id, m.last_entry_id,"
" EXISTS (SELECT FROM athar.mark AS l WHERE l.at OPERATOR(pg_catalog.>) $1)"
" FROM athar.mark AS m WHERE m.at OPERATOR(pg_catalog.<=) $1"
" ORDER BY m.at DESC, m.id DESC LIMIT 1";

static const char *const first_text =
"SELECT m.at FROM athar.mark AS m ORDER BY m.at, m.id LIMIT 1";

static const char *const last_ids_text =
"SELECT CASE WHEN t.is_called THEN t.last_value ELSE 0 END,"
" CASE WHEN e.is_called THEN e.last_value ELSE 0 END"
" FROM athar.log_transaction_id_seq AS t, athar.log_entry_id_seq AS e";

/* The snapshot $1 without the transactions of $2 that began after $3. */
static const char *const earlier_text =
"WITH later AS (SELECT t.xid::text::numeric AS xid"
" FROM athar.log_transaction AS t"
" WHERE t.cluster = $2 AND t.at > $3 AND t.xid <> $4"
" AND pg_visible_in_snapshot(t.xid, $1)),"
" hidden AS (SELECT l.xid FROM later AS l"
" UNION SELECT x::text::numeric FROM pg_snapshot_xip($1) AS x)"
" SELECT (least(min(h.xid), pg_snapshot_xmin($1)::text::numeric) || ':'"
" || pg_snapshot_xmax($1)::text || ':'"
" || string_agg(h.xid::text, ',' ORDER BY h.xid))::pg_snapshot"
" FROM hidden AS h HAVING EXISTS (SELECT FROM later)";

char *
athar_mark_time(TimestampTz at)
{
	return pstrdup(timestamptz_to_str(at));
}

static Datum
column(int number)
{
	bool		isnull;

	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
						 number, &isnull);
}

/* Take the found row over into the caller's memory. */
static void
read_mark(athar_mark *mark, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);

	mark->id = DatumGetInt64(column(1));
	mark->name = SPI_getvalue(SPI_tuptable->vals[0],
							  SPI_tuptable->tupdesc, 2);
	mark->at = DatumGetTimestampTz(column(3));
	mark->snapshot = datumCopy(column(4), false, -1);
	mark->cluster = DatumGetInt64(column(5));
	mark->xid = U64FromFullTransactionId(DatumGetFullTransactionId(column(6)));
	mark->last_transaction_id = DatumGetInt64(column(7));
	mark->last_entry_id = DatumGetInt64(column(8));
	MemoryContextSwitchTo(old);
}

/*
 * Look for the mark that answers for a time, under the active snapshot.
 * True if the answer is settled, that is, no mark is to be made for it.
 */
static bool
look(TimestampTz at, athar_mark *mark)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[1] = {TIMESTAMPTZOID};
	Datum		values[1] = {TimestampTzGetDatum(at)};
	athar_owner_state state;
	bool		is_settled = false;

	memset(mark, 0, sizeof(athar_mark));
	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_MARK), &state);
	if (SPI_execute_with_args(newest_text, 1, types, values, NULL,
							  true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the marks");
	if (SPI_processed > 0)
	{
		read_mark(mark, context);
		is_settled = mark->at == at || DatumGetBool(column(9));
	}
	else
	{
		if (SPI_execute(first_text, true, 1) != SPI_OK_SELECT)
			elog(ERROR, "could not read the marks");
		is_settled = SPI_processed > 0;
	}
	athar_catalog_resign(&state);
	SPI_finish();
	return is_settled;
}

static void
push_snapshot(void)
{
	PushActiveSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot()
					   : GetLatestSnapshot());
}

/*
 * In a transaction with one snapshot, others may have made marks since, which
 * it must neither use (it cannot see what they saw) nor ignore.
 */
static bool
look_serializable(TimestampTz at, athar_mark *mark)
{
	athar_mark	latest;
	bool		is_settled;

	if (!IsolationUsesXactSnapshot())
		return look(at, mark);
	PushActiveSnapshot(GetLatestSnapshot());
	is_settled = look(at, &latest);
	PopActiveSnapshot();
	if (look(at, mark) != is_settled || mark->id != latest.id)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to a mark made since"),
				 errdetail("Another session made a mark that this transaction's snapshot cannot answer for."),
				 errhint("Retry the transaction.")));
	return is_settled;
}

static void
read_last_ids(athar_mark *mark)
{
	athar_owner_state state;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_MARK), &state);
	if (SPI_execute(last_ids_text, true, 1) != SPI_OK_SELECT ||
		SPI_processed != 1)
		elog(ERROR, "could not read the last ids of the log");
	mark->last_transaction_id = DatumGetInt64(column(1));
	mark->last_entry_id = DatumGetInt64(column(2));
	athar_catalog_resign(&state);
	SPI_finish();
}

/* Fill in what a mark of the active snapshot sees. */
void
athar_mark_take(athar_mark *mark)
{
	mark->snapshot = DirectFunctionCall1(pg_current_snapshot, (Datum) 0);
	mark->cluster = (int64) GetSystemIdentifier();
	mark->xid = U64FromFullTransactionId(GetTopFullTransactionIdIfAny());
	mark->is_now = true;
	read_last_ids(mark);
}

/* Leave out of a mark for a past time what began after that time. */
static void
leave_out_later(athar_mark *mark)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[4] = {PG_SNAPSHOTOID, INT8OID, TIMESTAMPTZOID, XID8OID};
	Datum		values[4] = {mark->snapshot, Int64GetDatum(mark->cluster),
		TimestampTzGetDatum(mark->at),
	FullTransactionIdGetDatum(FullTransactionIdFromU64(mark->xid))};
	athar_owner_state state;

	if (GetCurrentTransactionStartTimestamp() > mark->at)
	{
		mark->last_entry_id = 0;	/* of the transaction that asks */
		mark->is_now = false;
	}
	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_MARK), &state);
	if (SPI_execute_with_args(earlier_text, lengthof(types), types, values,
							  NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the transactions of the log");
	if (SPI_processed > 0)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		mark->snapshot = datumCopy(column(1), false, -1);
		mark->is_now = false;
		MemoryContextSwitchTo(old);
	}
	athar_catalog_resign(&state);
	SPI_finish();
}

static void
take_for(TimestampTz at, athar_mark *mark)
{
	memset(mark, 0, sizeof(athar_mark));
	mark->at = at;
	athar_mark_take(mark);
	leave_out_later(mark);
}

static void
store(athar_mark *mark)
{
	Datum		values[MARK_COLUMNS];
	bool		nulls[MARK_COLUMNS] = {false};
	int			i = 0;

	mark->id = athar_catalog_nextval(ATHAR_MARK);
	mark->xid = U64FromFullTransactionId(GetTopFullTransactionId());
	values[i++] = Int64GetDatum(mark->id);
	nulls[i] = mark->name == NULL;
	values[i++] = mark->name ? CStringGetTextDatum(mark->name) : (Datum) 0;
	values[i++] = TimestampTzGetDatum(mark->at);
	values[i++] = mark->snapshot;
	values[i++] = Int64GetDatum(mark->cluster);
	values[i++] = FullTransactionIdGetDatum(FullTransactionIdFromU64(mark->xid));
	values[i++] = Int64GetDatum(mark->last_transaction_id);
	values[i++] = Int64GetDatum(mark->last_entry_id);
	athar_catalog_insert(ATHAR_MARK, values, nulls);
	CommandCounterIncrement();
}

/*
 * Make a mark of the present; at DT_NOBEGIN, its time is now.  Times ascend
 * even where the clock does not.
 */
void
athar_mark_make(const char *name, TimestampTz at, athar_mark *mark)
{
	athar_mark	newest;

	LockRelationOid(athar_catalog_oid(ATHAR_MARK), ShareRowExclusiveLock);
	push_snapshot();
	(void) look_serializable(DT_NOEND, &newest);
	memset(mark, 0, sizeof(athar_mark));
	mark->name = name ? pstrdup(name) : NULL;
	mark->at = TIMESTAMP_IS_NOBEGIN(at) ? GetCurrentTimestamp() : at;
	if (newest.id != 0 && mark->at <= newest.at)
		mark->at = newest.at + 1;
	athar_mark_take(mark);
	store(mark);
	PopActiveSnapshot();
}

static void
refuse_time(TimestampTz at)
{
	if (at <= GetCurrentTimestamp())
		return;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("time %s is in the future", athar_mark_time(at)),
			 errdetail("What will be committed by then is not known."),
			 errhint("Ask for a time up to now.")));
}

static void
refuse_before_first(TimestampTz at)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there is no mark at or before %s", athar_mark_time(at)),
			 errdetail("The log cannot tell what was committed then."),
			 errhint("Ask for a later time; athar.create_mark() makes marks, and athar.track() makes one.")));
}

/*
 * Find the mark that answers for a time, or make it.  Leaves active the
 * snapshot under which the answer is to be read; the caller pops it.
 */
void
athar_mark_settle(TimestampTz at, athar_mark *mark)
{
	refuse_time(at);
	if (TIMESTAMP_IS_NOBEGIN(at))
		refuse_before_first(at);
	push_snapshot();
	if (look_serializable(at, mark))
	{
		if (mark->id == 0)
			refuse_before_first(at);
		return;
	}
	if (XactReadOnly || RecoveryInProgress())
	{
		take_for(at, mark);
		return;
	}
	PopActiveSnapshot();
	LockRelationOid(athar_catalog_oid(ATHAR_MARK), ShareRowExclusiveLock);
	push_snapshot();
	if (look_serializable(at, mark))
		return;
	take_for(at, mark);
	store(mark);
}

/* Make a named mark; its id. */
PG_FUNCTION_INFO_V1(athar_create_mark);
Datum
athar_create_mark(PG_FUNCTION_ARGS)
{
	char	   *name = PG_ARGISNULL(0) ? NULL
	: text_to_cstring(PG_GETARG_TEXT_PP(0));
	athar_mark	mark;

	if (name == NULL || name[strspn(name, " \t\n\r\f\v")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a mark needs a name"),
				 errdetail("No mark was made."),
				 errhint("Say what it marks, such as the end of a reporting period.")));
	PreventCommandIfReadOnly("create_mark()");
	PreventCommandDuringRecovery("create_mark()");
	athar_mark_make(name, DT_NOBEGIN, &mark);
	PG_RETURN_INT64(mark.id);
}

/* The mark that as_of() answers by for a time. */
PG_FUNCTION_INFO_V1(athar_as_of_mark);
Datum
athar_as_of_mark(PG_FUNCTION_ARGS)
{
	TupleDesc	descriptor;
	Datum		values[3];
	bool		nulls[3] = {false};
	athar_mark	mark;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	athar_mark_settle(PG_GETARG_TIMESTAMPTZ(0), &mark);
	PopActiveSnapshot();
	nulls[0] = mark.id == 0;
	values[0] = Int64GetDatum(mark.id);
	nulls[1] = mark.name == NULL;
	values[1] = mark.name ? CStringGetTextDatum(mark.name) : (Datum) 0;
	values[2] = TimestampTzGetDatum(mark.at);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor),
													  values, nulls)));
}
