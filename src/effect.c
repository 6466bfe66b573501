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
#include "executor/spi.h"
#include "utils/guc.h"

#include "catalog.h"
#include "error.h"

static const char *const sync_query =
"SELECT athar.sync_effects(ARRAY(SELECT a.id FROM new_actions AS a))";

/* An action that is done or verified already closes no second time. */
static const char *const closed_inserted_query =
"SELECT array_agg(n.id) FROM new_actions AS n "
"WHERE n.status IN ('done', 'verified') HAVING count(*) > 0";
static const char *const closed_updated_query =
"SELECT array_agg(n.id) FROM new_actions AS n "
"JOIN old_actions AS o ON o.id = n.id "
"WHERE n.status IN ('done', 'verified') AND o.status <> n.status "
"HAVING count(*) > 0";
static const char *const measure_query =
"SELECT athar.measure_closed_effects($1)";

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
	Oid			types[] = {INT4ARRAYOID};

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		if (SPI_execute_with_args(measure_query, 1, types, &ids, NULL, false,
								  0) != SPI_OK_SELECT)
			elog(ERROR, "measure_closed_effects failed");
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

/* Measure what a statement closed. */
static void
measure_closed(bool is_update)
{
	bool		isnull;

	if (SPI_execute(is_update ? closed_updated_query : closed_inserted_query,
					false, 0) != SPI_OK_SELECT)
		elog(ERROR, "closed actions could not be read");
	if (SPI_processed > 0)
		measure(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							  &isnull));
}

/* Bring the effects of the actions that a statement wrote up to date, and
 * measure those of actions that it closed. */
PG_FUNCTION_INFO_V1(athar_follow_actions);
Datum
athar_follow_actions(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	int			guc_level;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event) ||
		trigdata->tg_newtable == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("follow_actions: must be fired after a statement, with its new rows as new_actions")));

	/* A dump brings the effects as they were. */
	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) &&
		athar_catalog_is_restore())
		return PointerGetDatum(NULL);

	guc_level = athar_catalog_pin_names();
	SPI_connect();
	if (SPI_register_trigger_data(trigdata) < 0)
		elog(ERROR, "SPI_register_trigger_data failed");
	if (SPI_execute(sync_query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "sync_effects failed");
	measure_closed(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event));
	SPI_finish();
	AtEOXact_GUC(true, guc_level);
	return PointerGetDatum(NULL);
}
