/*
 * unchanged.c
 *	  How many updates changed nothing.
 *
 * An update that leaves a row as it is has no place in the log, and must not
 * cost a write: a transaction of nothing else leaves nothing there.  It is
 * counted in this backend's memory alone, by table.  As the server's own
 * statistics do, the counts tell of work that was done, also where it was
 * rolled back later; and they end with the session.
 */
#include "athar.h"

#include "access/xact.h"
#include "funcapi.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/tuplestore.h"

#include "unchanged.h"

typedef struct unchanged_entry
{
	Oid			relid;
	int64		in_transaction;
	int64		in_session;
} unchanged_entry;

static HTAB *counts;
static bool counted;			/* in this transaction */

/* Count one update of a tracked table that changed nothing. */
void
athar_unchanged_count(Oid relid)
{
	unchanged_entry *entry;
	bool		found;

	if (counts == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(Oid),
			.entrysize = sizeof(unchanged_entry)
		};

		counts = hash_create("athar unchanged updates", 16, &control,
							 HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(counts, &relid, HASH_ENTER, &found);
	if (!found)
		entry->in_transaction = entry->in_session = 0;
	entry->in_transaction++;
	entry->in_session++;
	counted = true;
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	HASH_SEQ_STATUS status;
	unchanged_entry *entry;

	if (!counted || (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
					 event != XACT_EVENT_PREPARE))
		return;
	hash_seq_init(&status, counts);
	while ((entry = hash_seq_search(&status)) != NULL)
		entry->in_transaction = 0;
	counted = false;
}

void
athar_unchanged_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
}

/* The counts of this session, one row per table that still exists. */
PG_FUNCTION_INFO_V1(athar_unchanged_updates);
Datum
athar_unchanged_updates(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	HASH_SEQ_STATUS status;
	unchanged_entry *entry;

	InitMaterializedSRF(fcinfo, 0);
	if (counts == NULL)
		return (Datum) 0;
	hash_seq_init(&status, counts);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		Datum		values[3] = {
			ObjectIdGetDatum(entry->relid),
			Int64GetDatum(entry->in_transaction),
			Int64GetDatum(entry->in_session)
		};
		bool		nulls[3] = {false};

		if (get_rel_name(entry->relid) != NULL)
			tuplestore_putvalues(result->setResult, result->setDesc, values,
								 nulls);
	}
	return (Datum) 0;
}
