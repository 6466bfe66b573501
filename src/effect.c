/*
 * effect.c
 *	  Effects follow the plan: a trigger on its actions.
 *
 * Plans know nothing of what is measured, so they cannot make the effects of
 * their actions; this trigger does, for a whole statement at once, by the SQL
 * function sync_effects().  Effects of actions that a statement closes are
 * measured in the same transaction: whoever sees the action done sees what
 * came of it.
 */
#include "athar.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/rel.h"

#include "catalog.h"
#include "error.h"
#include "statement.h"

/* What follows from the rows that a statement wrote: the actions of which other
 * KPIs are named than before, and those that were closed.  An action that is
 * done or verified already closes no second time.  What each row was and is are
 * joined in full, for that is never done in nested loops, however few rows there
 * were when the statement was planned. */
static athar_statement inserted = {
	.text = "SELECT array_agg(n.id),"
	" array_agg(n.id) FILTER (WHERE n.status IN ('done', 'verified'))"
	" FROM new_actions AS n",
	.expected = SPI_OK_SELECT
};

static athar_statement updated = {
	.text = "SELECT array_agg(n.id) FILTER (WHERE i.document -> 'kpis' IS DISTINCT FROM p.document -> 'kpis'),"
	" array_agg(n.id) FILTER (WHERE n.status IN ('done', 'verified') AND o.status <> n.status)"
	" FROM new_actions AS n"
	" FULL JOIN old_actions AS o ON o.id = n.id"
	" LEFT JOIN athar.plan_item AS i ON i.project_id = n.project_id AND i.revision = n.revision"
	" LEFT JOIN athar.plan_item AS p ON p.project_id = o.project_id AND p.revision = o.revision",
	.expected = SPI_OK_SELECT
};

static athar_statement sync_effects = {
	.text = "SELECT athar.sync_effects($1)",
	.expected = SPI_OK_SELECT,.count = 1,.types = {INT4ARRAYOID}
};

static athar_statement measure_closed = {
	.text = "SELECT athar.measure_closed_effects($1)",
	.expected = SPI_OK_SELECT,.count = 1,.types = {INT4ARRAYOID}
};

/* Is it the figures that an error is about? */
static bool
is_about_figures(int code)
{
	switch (ERRCODE_TO_CATEGORY(code))
	{
		case ERRCODE_DATA_EXCEPTION:
			return true;
		default:
			return false;
	}
}

/*
 * Measure the effects of actions.  Figures that cannot be computed with stop
 * nobody from saving his plan: he is told, and the job tries again.
 */
static void
measure(Datum ids)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		athar_statement_run(&measure_closed, &ids, NULL);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData  *error = athar_error_catch(context, owner,
											  is_about_figures);

		ereport(WARNING,
				(errcode(error->sqlerrcode),
				 errmsg("effects of closed actions were not measured: %s",
						error->message),
				 errdetail("The plan is saved; the job that measures effects tries again."),
				 errhint("Look for figures that cannot be right in athar.data_quality.")));
	}
	PG_END_TRY();
}

/* Bring the effects of the actions that a statement wrote up to date, and
 * measure those of actions that it closed. */
PG_FUNCTION_INFO_V1(athar_follow_actions);
Datum
athar_follow_actions(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	athar_owner_state state;
	Datum		named;
	Datum		closed;
	bool		is_none_named;
	bool		is_none_closed;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event) ||
		trigdata->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("follow_actions: must be fired after a statement, with its new rows as new_actions")));

	/*
	 * A statement that inserts or updates fires for both.  A dump brings the
	 * effects as they were.
	 */
	if (tuplestore_tuple_count(trigdata->tg_newtable) == 0 ||
		(TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) &&
		 athar_catalog_is_restore()))
		return PointerGetDatum(NULL);

	SPI_connect();
	athar_catalog_become_owner(RelationGetRelid(trigdata->tg_relation), &state);
	if (SPI_register_trigger_data(trigdata) < 0)
		elog(ERROR, "SPI_register_trigger_data failed");
	athar_statement_run(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
						&updated : &inserted, NULL, NULL);
	named = athar_statement_found(0, 1, &is_none_named);
	closed = athar_statement_found(0, 2, &is_none_closed);
	if (!is_none_named)
		athar_statement_run(&sync_effects, &named, NULL);
	if (!is_none_closed)
		measure(closed);
	athar_catalog_resign(&state);
	SPI_finish();
	return PointerGetDatum(NULL);
}
