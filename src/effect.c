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

#include "commands/trigger.h"
#include "executor/spi.h"

#include "catalog.h"

static const char *const sync_query =
"SELECT athar.sync_effects(ARRAY(SELECT a.id FROM new_actions AS a))";

/* An action that is done or verified already closes no second time. */
static const char *const close_inserted_query =
"SELECT athar.measure_closed_effects(c.ids) "
"FROM (SELECT array_agg(n.id) FROM new_actions AS n "
"WHERE n.status IN ('done', 'verified')) AS c (ids) "
"WHERE c.ids IS NOT NULL";
static const char *const close_updated_query =
"SELECT athar.measure_closed_effects(c.ids) "
"FROM (SELECT array_agg(n.id) FROM new_actions AS n "
"JOIN old_actions AS o ON o.id = n.id "
"WHERE n.status IN ('done', 'verified') AND o.status <> n.status) AS c (ids) "
"WHERE c.ids IS NOT NULL";

/* Bring the effects of the actions that a statement wrote up to date, and
 * measure those of actions that it closed. */
PG_FUNCTION_INFO_V1(athar_follow_actions);
Datum
athar_follow_actions(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

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

	SPI_connect();
	if (SPI_register_trigger_data(trigdata) < 0)
		elog(ERROR, "SPI_register_trigger_data failed");
	if (SPI_execute(sync_query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "sync_effects failed");
	if (SPI_execute(TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
					close_updated_query : close_inserted_query, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "measure_closed_effects failed");
	SPI_finish();
	return PointerGetDatum(NULL);
}
