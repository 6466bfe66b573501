/*
 * gate.c
 *	  No step forward without its evidence: a trigger on actions and projects.
 *
 * What a step needs is data, and whether it is there is SQL's business
 * (check_gates()); this trigger only finds the rows that took a step.  It
 * comes after the whole statement, and after the trigger that makes and
 * measures the effects, so what a plan brings along itself counts.  It asks
 * about steps, not states: what was done before there was a gate stays done,
 * while it is in the plan; what comes back to a plan comes in as what is new.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"

#include "catalog.h"
#include "statement.h"

/* Rows whose status is new, or that came back to the plan.  Joined in full, for
 * that is never done in nested loops, however few rows there were when the
 * statement was planned. */
static athar_statement changed = {
	.text = "SELECT array_agg(n.id) FROM new_actions AS n"
	" FULL JOIN old_actions AS o ON o.id = n.id"
	" WHERE o.status IS DISTINCT FROM n.status"
	" OR o.removed_in_version IS NOT NULL AND n.removed_in_version IS NULL"
	" HAVING count(*) > 0",
	.expected = SPI_OK_SELECT
};

/* Those of all rows, or of those given, whose status has a gate. */
static athar_statement gated = {
	.text = "SELECT array_agg(n.id) FROM new_actions AS n"
	" WHERE ($1 IS NULL OR n.id = ANY ($1))"
	" AND n.status IN (SELECT g.step FROM athar.gates AS g WHERE g.subject = 'action')"
	" HAVING count(*) > 0",
	.expected = SPI_OK_SELECT,.count = 1,.types = {INT4ARRAYOID}
};

static athar_statement check_gates = {
	.text = "SELECT athar.check_gates($1, $2, $3)",
	.expected = SPI_OK_SELECT,.count = 3,
	.types = {TEXTOID, TEXTOID, INT4ARRAYOID}
};

/* Ask whether rows may be what they have become. */
static void
check(Trigger *trigger, Datum ids)
{
	Datum		values[] = {
		CStringGetTextDatum(trigger->tgargs[0]),
		CStringGetTextDatum(trigger->tgargs[1]),
		ids
	};

	athar_statement_run(&check_gates, values, NULL);
}

/* Check the rows of a statement whose status is new and has a gate. */
static void
check_statement(TriggerData *trigdata)
{
	Datum		ids = 0;
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event);
	bool		isnull;

	if (SPI_register_trigger_data(trigdata) < 0)
		elog(ERROR, "SPI_register_trigger_data failed");
	if (is_update)
	{
		if (athar_statement_run(&changed, NULL, NULL) == 0)
			return;
		ids = athar_statement_found(0, 1, &isnull);
	}
	if (athar_statement_run(&gated, &ids, is_update ? NULL : "n") > 0)
		check(trigdata->tg_trigger, athar_statement_found(0, 1, &isnull));
}

/* Check the row that a trigger was fired for; its condition found a step. */
static void
check_row(TriggerData *trigdata)
{
	HeapTuple	row = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
	trigdata->tg_newtuple : trigdata->tg_trigtuple;
	TupleDesc	descriptor = RelationGetDescr(trigdata->tg_relation);
	bool		isnull;
	Datum		id = SPI_getbinval(row, descriptor,
								   SPI_fnumber(descriptor, "id"), &isnull);

	check(trigdata->tg_trigger,
		  PointerGetDatum(construct_array(&id, 1, INT4OID, sizeof(int32),
										  true, TYPALIGN_INT)));
}

/* Refuse a step whose gate is not passed. */
PG_FUNCTION_INFO_V1(athar_keep_gates);
Datum
athar_keep_gates(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	int			guc_level;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) ||
		TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event) ||
		trigdata->tg_trigger->tgnargs != 2)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("keep_gates: must be fired after rows are inserted or updated, with their kind and the column that takes steps")));

	/*
	 * A statement that inserts or updates fires for both.  What a dump brings
	 * passed its gates long ago.
	 */
	if ((trigdata->tg_newtable != NULL &&
		 tuplestore_tuple_count(trigdata->tg_newtable) == 0) ||
		(TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) &&
		 athar_catalog_is_restore()))
		return PointerGetDatum(NULL);

	guc_level = athar_catalog_pin_names();
	SPI_connect();
	if (TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		check_row(trigdata);
	else
		check_statement(trigdata);
	SPI_finish();
	AtEOXact_GUC(true, guc_level);
	return PointerGetDatum(NULL);
}
