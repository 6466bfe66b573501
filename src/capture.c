/*
 * capture.c
 *	  The trigger that writes changes into the log.
 *
 * A row trigger, because a statement trigger on a partitioned table does not
 * see what is written straight into a partition, and because pairing old and
 * new rows of transition tables is a guess.  An update logs the columns that
 * changed and nothing else; one that changes nothing is not logged.  TRUNCATE
 * fires no row trigger, so a statement trigger writes down each row before it
 * goes, up to a limit.
 *
 * What it does not see: writes while the trigger is disabled, and partitions
 * that are detached or dropped.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "catalog.h"
#include "context.h"
#include "entry.h"
#include "capture.h"
#include "tracking.h"
#include "unchanged.h"
#include "move.h"

static int	truncate_limit;

static void
require_reason(const athar_capture_plan *plan)
{
	if (!plan->tracked.require_reason || athar_context_reason() != NULL)
		return;
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('A', 'T', '0', '0', '1')),
			 errmsg("a reason is required to change table \"%s\"",
					plan->tracked.relation),
			 errdetail("Nothing was changed."),
			 errhint("Say why with SET LOCAL athar.reason = '...' or athar.set_context(), in the transaction that writes.")));
}

/* One that comes from another partition has had another key. */
static void
log_insert(athar_capture_plan *plan, TupleTableSlot *slot, Jsonb *key,
		   Jsonb *row)
{
	Jsonb	   *former = plan->root == plan->key.relid ? NULL
	: athar_move_arrive(plan->tracked.lineage, slot);

	athar_entry_write(former ? plan->tracked.rekey_id : plan->tracked.id, 'I',
					  key, former, row);
}

/* An inserted row, or one that goes. */
static void
log_row(athar_capture_plan *plan, char operation, TupleTableSlot *slot)
{
	athar_shape *shape = plan->shape;
	Jsonb	   *row = NULL;
	Jsonb	   *key;

	require_reason(plan);
	slot_getallattrs(slot);
	if (operation != 'I' || plan->tracked.inserted_values || shape->is_all_key)
		row = athar_value_object(shape, slot->tts_values, slot->tts_isnull,
								 shape->logged_mask);
	key = shape->is_all_key ? row :
		athar_value_object(shape, slot->tts_values, slot->tts_isnull,
						   shape->key_mask);
	if (operation == 'I')
		log_insert(plan, slot, key,
				   plan->tracked.inserted_values ? row : NULL);
	else
		athar_entry_write(plan->tracked.id, operation, key, row, NULL);
	if (operation == 'D' && plan->root != plan->key.relid)
		athar_move_leave(plan->tracked.lineage, slot, key);
}

/* Which columns an update changed; false if none.  Tells of key columns. */
static bool
find_changes(athar_shape *shape, TupleTableSlot *old, TupleTableSlot *new,
			 bool *mask, bool *is_rekey)
{
	bool		any = false;

	*is_rekey = false;
	for (int i = 0; i < shape->count; i++)
	{
		athar_column *column = &shape->columns[i];
		int			a = column->attnum - 1;

		mask[i] = false;
		if (column->is_excluded ||
			(old->tts_isnull[a] && new->tts_isnull[a]))
			continue;
		if (old->tts_isnull[a] == new->tts_isnull[a] &&
			athar_value_same(column, old->tts_values[a], new->tts_values[a]))
			continue;
		mask[i] = any = true;
		*is_rekey |= column->is_key;
	}
	return any;
}

static void
log_update(athar_capture_plan *plan, TupleTableSlot *old, TupleTableSlot *new)
{
	athar_shape *shape = plan->shape;
	bool	   *mask = palloc(Max(shape->count, 1));
	bool		is_rekey;

	slot_getallattrs(old);
	slot_getallattrs(new);
	if (!find_changes(shape, old, new, mask, &is_rekey))
	{
		athar_unchanged_count(plan->root);
		return;
	}
	require_reason(plan);
	athar_entry_write(is_rekey ? plan->tracked.rekey_id : plan->tracked.id, 'U',
					  athar_value_object(shape, old->tts_values, old->tts_isnull,
										 shape->key_mask),
					  athar_value_object(shape, old->tts_values, old->tts_isnull,
										 mask),
					  athar_value_object(shape, new->tts_values, new->tts_isnull,
										 mask));
}

static void
log_change(athar_capture_plan *plan, TriggerData *trigger)
{
	athar_pins	pins;

	athar_value_pin(plan->shape, &pins);
	PG_TRY();
	{
		if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
			log_update(plan, trigger->tg_trigslot, trigger->tg_newslot);
		else
			log_row(plan,
					TRIGGER_FIRED_BY_INSERT(trigger->tg_event) ? 'I' : 'D',
					trigger->tg_trigslot);
	}
	PG_FINALLY();
	{
		athar_value_unpin(plan->shape, &pins);
	}
	PG_END_TRY();
}

/* Most rows of one table that a command may have written down. */
int
athar_capture_limit(void)
{
	return truncate_limit;
}

/* Hand over each row of one table as it is now. */
void
athar_capture_each_row(Relation relation, athar_shape *shape,
					   athar_row_logger work, void *context)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	MemoryContext row_context = AllocSetContextCreate(CurrentMemoryContext,
													  "athar row",
													  ALLOCSET_DEFAULT_SIZES);
	athar_pins	pins;

	athar_value_pin(shape, &pins);
	PG_TRY();
	{
		while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
		{
			MemoryContext old = MemoryContextSwitchTo(row_context);

			CHECK_FOR_INTERRUPTS();
			work(context, relation, slot);
			MemoryContextSwitchTo(old);
			MemoryContextReset(row_context);
		}
	}
	PG_FINALLY();
	{
		athar_value_unpin(shape, &pins);
	}
	PG_END_TRY();
	MemoryContextDelete(row_context);
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
}

typedef struct truncation
{
	athar_capture_plan *plan;
	int			count;
} truncation;

static void
refuse_truncate(athar_capture_plan *plan)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("table \"%s\" has more than %d rows to be logged by TRUNCATE",
					plan->tracked.relation, truncate_limit),
			 errdetail("Every row is written into the change log before it goes; nothing was changed."),
			 errhint("Raise athar.truncate_limit, delete in parts, or call athar.untrack() first.")));
}

static void
log_truncated(void *context, Relation relation, TupleTableSlot *slot)
{
	truncation *run = context;

	if (++run->count > truncate_limit)
		refuse_truncate(run->plan);
	log_row(run->plan, 'T', slot);
}

/* Write down each row of one table before it goes. */
static void
log_all_rows(Relation relation, int32 lineage)
{
	truncation	run = {.plan = athar_tracking_plan(relation, lineage)};

	athar_capture_each_row(relation, run.plan->shape, log_truncated, &run);
}

static bool
has_truncate_trigger(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (TRIGGER_FOR_TRUNCATE(trigger->tgtype) &&
			athar_tracking_is_capture(trigger->tgfoid))
			return true;
	}
	return false;
}

/*
 * TRUNCATE of a partitioned table fires the triggers of its partitions, too:
 * those that have one log for themselves; one made while event triggers were
 * off has none.
 */
static void
log_partitions(Relation relation, int32 lineage)
{
	List	   *oids = find_all_inheritors(RelationGetRelid(relation),
										   AccessShareLock, NULL);
	ListCell   *cell;

	foreach(cell, oids)
	{
		Relation	partition = table_open(lfirst_oid(cell), NoLock);

		if (partition->rd_rel->relkind == RELKIND_RELATION &&
			!has_truncate_trigger(partition))
			log_all_rows(partition, lineage);
		table_close(partition, NoLock);
	}
}

static void
log_truncate(TriggerData *trigger, int32 lineage)
{
	Relation	relation = trigger->tg_relation;

	/* Left over on a partition that was detached: not ours any more. */
	if (trigger->tg_trigger->tgnargs > 1 && !relation->rd_rel->relispartition)
		return;
	if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		log_partitions(relation, lineage);
	else
		log_all_rows(relation, lineage);
}

static void
check_protocol(FunctionCallInfo fcinfo)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TriggerEvent event;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("capture_change: must be called as trigger")));
	event = trigger->tg_event;
	if (TRIGGER_FIRED_BY_TRUNCATE(event) ? !TRIGGER_FIRED_BEFORE(event)
		: !TRIGGER_FIRED_AFTER(event) || !TRIGGER_FIRED_FOR_ROW(event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("capture_change: must be fired for each row after the change, or before TRUNCATE")));
	if (trigger->tg_trigger->tgnargs < 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("capture_change: the number of the tracked table is missing")));
}

/* Write a change of a tracked row into the log. */
PG_FUNCTION_INFO_V1(athar_capture_change);
Datum
athar_capture_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	int32		lineage;

	check_protocol(fcinfo);
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) &&
		athar_catalog_is_restore())
		return PointerGetDatum(NULL);
	lineage = strtol(trigger->tg_trigger->tgargs[0], NULL, 10);
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		log_truncate(trigger, lineage);
	else
		log_change(athar_tracking_plan(trigger->tg_relation, lineage),
				   trigger);
	return PointerGetDatum(NULL);
}

void
athar_capture_init(void)
{
	DefineCustomIntVariable("athar.truncate_limit",
							"Most rows of one table or partition that TRUNCATE may remove from a tracked table, and most values that may go with a dropped column.",
							"Each of them is written into the change log first.",
							&truncate_limit, 100000, 0, INT_MAX,
							PGC_USERSET, 0, NULL, NULL, NULL);
}
