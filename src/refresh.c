/*
 * refresh.c
 *	  refresh_measurements(): summaries from the queue, in batches.
 *
 * Each batch is one statement with one snapshot, which takes days out of the
 * queue, rebuilds them from the rows it sees and puts the summaries away: what
 * others write meanwhile comes with entries that it does not see either, and
 * that stay.  Refreshes come one after the other, writers and readers never
 * wait.
 *
 * A source that cannot be read is named, and left for the next time; the
 * others go on.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "access/relation.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#include "error.h"
#include "catalog.h"
#include "queue.h"
#include "source.h"

/* Days in one statement. */
#define BATCH 1000

#define SAVE_FIGURES \
	"saved AS (INSERT INTO athar.source_bucket AS b " \
	"(source_id, service, day, channel, stage, n, summary, numerator, denominator, left_out) " \
	"SELECT $1, r.service, r.day, r.channel, r.stage, r.n, r.summary, r.numerator, r.denominator, r.left_out " \
	"FROM rebuilt AS r " \
	"ON CONFLICT (source_id, day, service, channel, stage) DO UPDATE SET n = excluded.n, summary = excluded.summary, " \
	"numerator = excluded.numerator, denominator = excluded.denominator, left_out = excluded.left_out) "

/* Looked up in a hash table, whatever the planner makes of a new table. */
#define IS_GONE \
	"(b.day, b.service, b.channel, b.stage) NOT IN " \
	"(SELECT r.day, r.service, r.channel, r.stage FROM rebuilt AS r)"

static const char *const refresh_everything =
"WITH taken AS (DELETE FROM athar.dirty_source AS d WHERE d.source_id = $1), "
"rebuilt AS MATERIALIZED (SELECT f.* FROM athar.source_figures($1, '{\"\"}', '{-infinity}') AS f), "
SAVE_FIGURES ", "
"removed AS (DELETE FROM athar.source_bucket AS b WHERE b.source_id = $1 AND " IS_GONE "), "
"unseen AS (INSERT INTO athar.unseen_figure (due_at) VALUES (now())) "
"SELECT count(*) FROM (SELECT DISTINCT r.service, r.day FROM rebuilt AS r) AS q";

static const char *const refresh_some =
"WITH chosen AS MATERIALIZED (SELECT DISTINCT d.service, d.day FROM athar.dirty_source AS d "
"WHERE d.source_id = $1 AND d.day > '-infinity' LIMIT $2), "
"taken AS (DELETE FROM athar.dirty_source AS d USING chosen AS c "
"WHERE d.source_id = $1 AND d.day = c.day AND d.service = c.service), "
"rebuilt AS MATERIALIZED (SELECT f.* "
/* rows of one day are neighbours: services take turns within it */
"FROM (SELECT array_agg(c.service) AS services, array_agg(c.day) AS days "
"FROM (SELECT q.service, q.day FROM chosen AS q ORDER BY q.day, q.service) AS c) AS a "
"CROSS JOIN LATERAL athar.source_figures($1, a.services, a.days) AS f), "
SAVE_FIGURES ", "
"removed AS (DELETE FROM athar.source_bucket AS b USING chosen AS c "
"WHERE b.source_id = $1 AND b.day = c.day AND b.service = c.service AND " IS_GONE "), "
"unseen AS (INSERT INTO athar.unseen_figure (kpi_id, service_id) "
"SELECT DISTINCT s.kpi_id, v.id FROM athar.kpi_source AS s CROSS JOIN chosen AS c LEFT JOIN athar.service AS v ON v.code = c.service "
"WHERE s.id = $1 AND (c.service = '' OR v.id IS NOT NULL)) "
"SELECT count(*) FROM chosen";

static const char *const is_everything_queued =
"SELECT count(*) FROM (SELECT FROM athar.dirty_source AS d "
"WHERE d.source_id = $1 AND d.day = '-infinity' LIMIT 1) AS q";

/*
 * Where nobody looks at what is new, the queue of that must not grow for ever:
 * beyond some 16 MB one row says that it is everything.
 */
static const char *const shorten_unseen =
"WITH taken AS (DELETE FROM athar.unseen_figure AS u "
"WHERE pg_relation_size('athar.unseen_figure') > 16777216 AND (u.due_at IS NULL OR u.due_at <= now()) RETURNING 1), "
"unseen AS (INSERT INTO athar.unseen_figure (due_at) SELECT now() WHERE EXISTS (SELECT FROM taken)) "
"SELECT count(*) FROM taken";

static const char *const count_observed =
"SELECT count(*) FROM (SELECT DISTINCT d.kpi_id, d.service_id, d.channel_id, d.stage_id, d.day "
"FROM athar.dirty_bucket AS d) AS q";

static const char *const count_source =
"SELECT count(*) FROM (SELECT DISTINCT d.service, d.day FROM athar.dirty_source AS d "
"WHERE d.source_id = $1) AS q";

/* What one call does. */
typedef struct refresh_run
{
	MemoryContext context;
	int64		limit;
	int64		refreshed;
	int64		remaining;
	ArrayBuildState *broken;
} refresh_run;

/* A number that a statement with up to two numbers as parameters gives. */
static int64
ask_number(const char *query, int nargs, int32 first, int64 second)
{
	Oid			types[] = {INT4OID, INT8OID};
	Datum		values[] = {Int32GetDatum(first), Int64GetDatum(second)};
	bool		isnull;

	if (SPI_execute_with_args(query, nargs, types, values, NULL, false,
							  0) < 0 || SPI_processed != 1)
		elog(ERROR, "could not refresh measurements");
	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0],
									   SPI_tuptable->tupdesc, 1, &isnull));
}

static void
show_progress(refresh_run *run, const char *what)
{
	char	   *text = psprintf("athar.refresh_measurements: %s, " INT64_FORMAT " of at most " INT64_FORMAT " days",
								what, run->refreshed, run->limit);

	pgstat_report_activity(STATE_RUNNING, text);
	pfree(text);
}

static void
refresh_observations(refresh_run *run)
{
	int64		done = 1;

	while (run->refreshed < run->limit && done > 0)
	{
		CHECK_FOR_INTERRUPTS();
		show_progress(run, "observations");
		done = ask_number("SELECT athar.refresh_observations($1)", 1,
						  Min(BATCH, run->limit - run->refreshed), 0);
		run->refreshed += done;
	}
}

static void
refresh_source(refresh_run *run, athar_source *source)
{
	char	   *what = psprintf("KPI \"%s\" from %s", source->kpi,
								get_rel_name(source->relation));
	int64		done = 1;

	show_progress(run, what);
	if (ask_number(is_everything_queued, 1, source->id, 0) > 0)
		run->refreshed += ask_number(refresh_everything, 1, source->id, 0);
	while (run->refreshed < run->limit && done > 0)
	{
		CHECK_FOR_INTERRUPTS();
		show_progress(run, what);
		done = ask_number(refresh_some, 2, source->id,
						  Min(BATCH, run->limit - run->refreshed));
		run->refreshed += done;
	}
}

/* Is an error the source's own, rather than the session's or the server's? */
static bool
is_about_source(int code)
{
	int			category = ERRCODE_TO_CATEGORY(code);

	switch (code)
	{
		case ERRCODE_QUERY_CANCELED:
		case ERRCODE_ADMIN_SHUTDOWN:
		case ERRCODE_OUT_OF_MEMORY:
		case ERRCODE_DISK_FULL:
			return false;
		default:
			return category != ERRCODE_TRANSACTION_ROLLBACK;
	}
}

/* Refresh a source; what is wrong with it, in words, or NULL. */
static char *
try_source(refresh_run *run, athar_source *source)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	int64		refreshed = run->refreshed;
	char	   *volatile problem = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		refresh_source(run, source);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		problem = athar_error_catch(context, owner, is_about_source)->message;
		run->refreshed = refreshed;
	}
	PG_END_TRY();
	return problem;
}

/* What is known to be wrong with a source before anything is tried. */
static char *
known_problem(athar_source *source)
{
	Relation	relation = try_relation_open(source->relation,
											 AccessShareLock);
	athar_source_columns columns;
	char	   *problem = athar_source_problem(source, relation, &columns);

	if (relation)
		relation_close(relation, NoLock);
	return problem;
}

static void
remember_error(athar_source *source, const char *problem)
{
	Oid			types[] = {INT4OID, TEXTOID};
	Datum		values[2];
	char		nulls[2] = {' ', problem ? ' ' : 'n'};

	values[0] = Int32GetDatum(source->id);
	values[1] = problem ? CStringGetTextDatum(problem) : (Datum) 0;
	if (SPI_execute_with_args("UPDATE athar.kpi_source AS s SET last_error = $2 "
							  "WHERE s.id = $1 AND s.last_error IS DISTINCT FROM $2",
							  lengthof(types), types, values, nulls, false,
							  0) != SPI_OK_UPDATE)
		elog(ERROR, "could not write the table kpi_source");
}

static void
add_broken(refresh_run *run, athar_source *source, const char *problem)
{
	char	   *name = get_rel_name(source->relation);
	char	   *text = psprintf("KPI \"%s\" from %s: %s", source->kpi,
								name ? name : "a table that was dropped",
								problem);

	run->broken = accumArrayResult(run->broken, CStringGetTextDatum(text),
								   false, TEXTOID, run->context);
}

static void
refresh_sources(refresh_run *run)
{
	ListCell   *cell;

	foreach(cell, athar_source_ids())
	{
		athar_source *source = athar_source_load(lfirst_int(cell),
												 CurrentMemoryContext);
		char	   *problem;

		CHECK_FOR_INTERRUPTS();
		if (source == NULL)
			continue;
		problem = known_problem(source);
		if (problem == NULL && run->refreshed < run->limit)
		{
			problem = try_source(run, source);
			remember_error(source, problem);
		}
		if (problem)
			add_broken(run, source, problem);
		else
			run->remaining += ask_number(count_source, 1, source->id, 0);
	}
}

/* Rebuild what is queued, up to a number of days. */
PG_FUNCTION_INFO_V1(athar_refresh_measurements);
Datum
athar_refresh_measurements(PG_FUNCTION_ARGS)
{
	refresh_run run = {0};
	TupleDesc	descriptor;
	Datum		values[3];
	bool		nulls[3] = {false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	if (PG_ARGISNULL(0) || PG_GETARG_INT32(0) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_buckets must be above zero, not %s",
						PG_ARGISNULL(0) ? "NULL" :
						psprintf("%d", PG_GETARG_INT32(0))),
				 errdetail("Nothing would be refreshed."),
				 errhint("Leave it out, or give how many buckets one call may rebuild.")));
	run.context = CurrentMemoryContext;
	run.limit = PG_GETARG_INT32(0);
	SPI_connect();
	/* one at a time; the statements that follow see what the last one did */
	if (SPI_execute("SELECT pg_advisory_xact_lock('athar.dirty_bucket'::regclass::oid::integer, 0)",
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not wait for other refreshes");
	refresh_observations(&run);
	refresh_sources(&run);
	(void) ask_number(shorten_unseen, 0, 0, 0);
	run.remaining += ask_number(count_observed, 0, 0, 0);
	SPI_finish();
	athar_queue_taken();
	if (debug_query_string)
		pgstat_report_activity(STATE_RUNNING, debug_query_string);
	values[0] = Int64GetDatum(run.refreshed);
	values[1] = Int64GetDatum(run.remaining);
	nulls[2] = run.broken == NULL;
	values[2] = nulls[2] ? (Datum) 0 :
		makeArrayResult(run.broken, CurrentMemoryContext);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor),
													  values, nulls)));
}
