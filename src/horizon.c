/*
 * horizon.c
 *	  How far back the log still reaches.
 *
 * Entries that were archived or expired are not there to be replayed.  What
 * was taken out was seen by a mark that log_retention tells, so every mark
 * from that one on needs none of it, and an older one may.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "mark.h"
#include "horizon.h"

static const char *const horizon_text =
"SELECT m.id, m.at FROM athar.mark AS m WHERE m.id ="
" (SELECT max(r.mark_id) FROM athar.log_retention AS r"
" WHERE $1 = ANY (r.table_ids))";

static const char *const split_text =
"SELECT FROM athar.log_retention AS r WHERE r.split_transaction_ids @> $1";

/* Run a query as the owner of the log; was there a row? */
static bool
query(const char *text, Oid type, Datum value)
{
	if (SPI_execute_with_args(text, 1, &type, &value, NULL, true,
							  1) != SPI_OK_SELECT)
		elog(ERROR, "could not read what was taken out of the log");
	return SPI_processed > 0;
}

/*
 * The oldest mark to which the log of a table still reaches back, where
 * something was taken out of it: its id and time.  False where nothing was.
 */
bool
athar_horizon_find(int32 lineage, athar_mark *horizon)
{
	athar_owner_state state;
	bool		is_found;
	bool		isnull;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	is_found = query(horizon_text, INT4OID, Int32GetDatum(lineage));
	if (is_found)
	{
		HeapTuple	row = SPI_tuptable->vals[0];

		horizon->id = DatumGetInt64(SPI_getbinval(row, SPI_tuptable->tupdesc,
												  1, &isnull));
		horizon->at = DatumGetTimestampTz(SPI_getbinval(row,
														SPI_tuptable->tupdesc,
														2, &isnull));
	}
	athar_catalog_resign(&state);
	SPI_finish();
	return is_found;
}

/*
 * Refuse to go back to a mark that does not see all that was taken out of the
 * log of a table.
 */
void
athar_horizon_check(const char *table, int32 lineage, const athar_mark *mark)
{
	athar_mark	horizon;

	if (!athar_horizon_find(lineage, &horizon) || mark->id == 0 ||
		mark->id >= horizon.id)
		return;
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('A', 'T', '0', '0', '9')),
			 errmsg("the change log of table \"%s\" does not reach back that far any more",
					table),
			 errdetail("Older entries were archived or expired; the log reaches back to %s, the mark that answers is of %s.",
					   athar_mark_time(horizon.at), athar_mark_time(mark->at)),
			 errhint("Ask for a time from then on. athar.log_retention tells what was taken out, athar.archived_changes shows what is archived.")));
}

/*
 * Was a part of a transaction taken out of the log, and a part not?  To be
 * asked after its entries were read: then an act of which they show nothing
 * yet is seen all the same.
 */
bool
athar_horizon_is_split(int64 transaction_id)
{
	athar_owner_state state;
	bool		is_split;

	PushActiveSnapshot(GetLatestSnapshot());
	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	is_split = query(split_text, INT8OID, Int64GetDatum(transaction_id));
	athar_catalog_resign(&state);
	SPI_finish();
	PopActiveSnapshot();
	return is_split;
}
