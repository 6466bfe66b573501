/*
 * asof.c
 *	  A table as it was: as_of().
 *
 * The mark that answers is found or made, and the replay hands over the rows
 * that it saw.  Rows that are gone have no policy that could say who may see
 * them: under row security they are left out.
 *
 * As in a query, the rows of tables that inherit from the one asked about are
 * among its rows, in its columns: each such table is rebuilt from its own
 * entries.  One that came later than the mark had none.
 */
#include "athar.h"

#include "catalog/pg_class.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#include "mark.h"
#include "horizon.h"
#include "track.h"
#include "history.h"
#include "replay.h"

typedef struct answer
{
	athar_subject subject;
	athar_replay *replay;
	Tuplestorestate *store;
	TupleDesc	descriptor;		/* of the table asked about */
	AttrNumber *columns;		/* its columns in an heir, else NULL */
} answer;

static void
return_row(void *context, Datum *values, bool *nulls)
{
	answer	   *given = context;
	int			natts = given->descriptor->natts;
	Datum	   *theirs = values;
	bool	   *are_null = nulls;

	if (given->columns)
	{
		theirs = palloc0(sizeof(Datum) * natts);
		are_null = palloc(natts);
		for (int i = 0; i < natts; i++)
		{
			AttrNumber	a = given->columns[i];

			are_null[i] = a <= 0 || nulls[a - 1];
			if (!are_null[i])
				theirs[i] = values[a - 1];
		}
	}
	tuplestore_putvalues(given->store, given->descriptor, theirs, are_null);
}

static void
return_live(void *context, HeapTupleHeader row)
{
	answer	   *given = context;
	Datum	   *values;
	bool	   *nulls;

	athar_history_deform(&given->subject, row, &values, &nulls);
	if (athar_replay_correct(given->replay, values, nulls))
		return_row(given, values, nulls);
}

static void
return_rows(answer *given, const athar_mark *mark)
{
	athar_horizon_check(RelationGetRelationName(given->subject.relation),
						given->subject.tracked->lineage, mark);
	given->replay = athar_replay_begin(&given->subject);
	if (!mark->is_now)
		athar_replay_read_log(&given->subject, mark, athar_replay_fold,
							  given->replay);
	athar_history_read_live(&given->subject, NULL, 0, NULL, NULL, return_live,
							given);
	if (!given->subject.has_row_security)
		athar_replay_gone(given->replay, return_row, given);
	athar_replay_end(given->replay);
}

static Oid
table_of_argument(FunctionCallInfo fcinfo)
{
	Oid			type = get_fn_expr_argtype(fcinfo->flinfo, 0);
	Oid			relid = OidIsValid(type) ?
	get_typ_typrelid(getBaseType(type)) : InvalidOid;
	char		kind = OidIsValid(relid) ? get_rel_relkind(relid) : '\0';

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("type %s is not the row type of a table",
						OidIsValid(type) ? format_type_be(type) : "unknown"),
				 errdetail("Only tables have a past in the log."),
				 errhint("Write it as athar.as_of(NULL::public.licence, now()).")));
	return relid;
}

static void
check_period(const answer *given, const athar_mark *mark)
{
	const athar_tracked *tracked = given->subject.tracked;
	const char *name = RelationGetRelationName(given->subject.relation);

	if (tracked->untracked_at != DT_NOEND)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is not tracked", name),
				 errdetail("What changed since tracking ended is not known, so no earlier state can be rebuilt."),
				 errhint("Read athar.row_history() for single rows; call athar.track() to have changes logged again.")));
	if (mark->at < tracked->tracked_at)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("table \"%s\" was not tracked at that time", name),
				 errdetail("It is tracked since %s; the mark that answers is of %s.",
						   athar_mark_time(tracked->tracked_at),
						   athar_mark_time(mark->at)),
				 errhint("Ask for a time from then on.")));
}

/* The columns of a table by their names in an heir of it. */
static AttrNumber *
columns_in(Oid heir, TupleDesc descriptor)
{
	AttrNumber *columns = palloc0(sizeof(AttrNumber) * Max(descriptor->natts, 1));

	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (!attribute->attisdropped)
			columns[i] = get_attnum(heir, NameStr(attribute->attname));
	}
	return columns;
}

static void
refuse_untracked_heir(const answer *given, Oid heir)
{
	const char *name = RelationGetRelationName(given->subject.relation);

	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\", which inherits from table \"%s\", is not tracked",
					get_rel_name(heir), name),
			 errdetail("Its rows are rows of that table, but what they were is not known."),
			 errhint("Call athar.untrack('%s') and athar.track('%s'); tables made from then on are tracked by themselves.",
					 name, name)));
}

/* The rows of tables that inherit from the one asked about. */
static void
return_heirs(const answer *given, Oid relid, const athar_mark *mark)
{
	ListCell   *cell;

	foreach(cell, athar_track_heirs(relid, AccessShareLock))
	{
		Oid			heir = lfirst_oid(cell);
		athar_tracked *tracked = athar_tracking_of(heir);
		answer		part = *given;

		if (tracked == NULL || tracked->untracked_at != DT_NOEND)
			refuse_untracked_heir(given, heir);
		if (mark->at < tracked->tracked_at)
			continue;
		athar_history_open(heir, &part.subject);
		part.columns = columns_in(heir, given->descriptor);
		return_rows(&part, mark);
		athar_history_close(&part.subject);
	}
}

/* The rows of a tracked table as a mark saw them. */
PG_FUNCTION_INFO_V1(athar_as_of);
Datum
athar_as_of(PG_FUNCTION_ARGS)
{
	answer		given = {0};
	athar_mark	mark;
	Oid			relid = table_of_argument(fcinfo);

	if (PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a time is required"),
				 errdetail("Without one there is no state to return."),
				 errhint("For the present, ask for now().")));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	given.store = ((ReturnSetInfo *) fcinfo->resultinfo)->setResult;
	athar_history_open(relid, &given.subject);
	given.descriptor = RelationGetDescr(given.subject.relation);
	athar_mark_settle(PG_GETARG_TIMESTAMPTZ(1), &mark);
	check_period(&given, &mark);
	return_rows(&given, &mark);
	return_heirs(&given, relid, &mark);
	PopActiveSnapshot();
	athar_history_close(&given.subject);
	return (Datum) 0;
}
