/*
 * equip.c
 *	  The triggers of tracked tables: making, mending and dropping them.
 *
 * They are made without SQL text, because whoever makes a table that comes to
 * be tracked with another one needs no right to look names up in our schema.
 * The rights that count are the table's: the server asks for them.
 *
 * Triggers fire in the order of their names.  After a change ours comes first
 * (before capitals, and so before foreign keys), so that what others do to the
 * same row is logged after what fired them; before TRUNCATE it comes last,
 * when they have done what they do to the rows.  Both fire always: in the
 * replica's role, too, in which a subscription applies what it receives.
 */
#include "athar.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/namespace.h"
#include "catalog/objectaddress.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "tracking.h"
#include "equip.h"

#define ROW_TRIGGER "#athar_capture"
#define TRUNCATE_TRIGGER "~athar_capture_truncate"

static int	working;

/* The trigger function, whatever the caller may use. */
Oid
athar_equip_function(void)
{
	oidvector  *arguments = buildoidvector(NULL, 0);

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum("capture_change"),
						   PointerGetDatum(arguments),
						   ObjectIdGetDatum(get_namespace_oid("athar", false)));
}

/* Under which number a relation's changes are captured; 0 for none. */
int32
athar_equip_lineage(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgnargs > 0 && athar_tracking_is_capture(trigger->tgfoid))
			return strtol(trigger->tgargs[0], NULL, 10);
	}
	return 0;
}

/* Are triggers made or dropped here just now, and so not by a command? */
bool
athar_equip_is_working(void)
{
	return working > 0;
}

/*
 * DROP EXTENSION takes such a trigger with it; CASCADE would take columns and
 * views of the user's, too.
 */
static void
depend_on_extension(const ObjectAddress *trigger)
{
	ObjectAddress extension;

	ObjectAddressSet(extension, ExtensionRelationId,
					 get_extension_oid("athar", false));
	if (!list_member_oid(getAutoExtensionsOfObject(trigger->classId,
												   trigger->objectId),
						 extension.objectId))
		recordDependencyOn(trigger, &extension, DEPENDENCY_AUTO_EXTENSION);
}

static void
make_trigger(Oid relid, CreateTrigStmt *statement, int32 lineage)
{
	ObjectAddress trigger;

	statement->funcname = list_make2(makeString("athar"),
									 makeString("capture_change"));
	statement->args = lcons(makeString(psprintf("%d", lineage)),
							statement->args);
	working++;
	PG_TRY();
	{
		trigger = CreateTriggerFiringOn(statement, "", relid, InvalidOid,
										InvalidOid, InvalidOid,
										athar_equip_function(), InvalidOid,
										NULL, false, false,
										TRIGGER_FIRES_ALWAYS);
		depend_on_extension(&trigger);
	}
	PG_FINALLY();
	{
		working--;
	}
	PG_END_TRY();
	CommandCounterIncrement();
}

static void
make_row_trigger(Oid relid, int32 lineage)
{
	CreateTrigStmt *statement = makeNode(CreateTrigStmt);

	statement->trigname = ROW_TRIGGER;
	statement->row = true;
	statement->timing = TRIGGER_TYPE_AFTER;
	statement->events = TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE |
		TRIGGER_TYPE_DELETE;
	make_trigger(relid, statement, lineage);
}

/* One that is left over from earlier tracking is replaced. */
static void
make_truncate_trigger(Oid relid, int32 lineage, bool is_partition)
{
	CreateTrigStmt *statement = makeNode(CreateTrigStmt);

	statement->replace = true;
	statement->trigname = TRUNCATE_TRIGGER;
	statement->timing = TRIGGER_TYPE_BEFORE;
	statement->events = TRIGGER_TYPE_TRUNCATE;
	if (is_partition)
		statement->args = list_make1(makeString("partition"));
	make_trigger(relid, statement, lineage);
}

static bool
has_truncate_trigger(Oid relid, int32 lineage)
{
	Relation	relation = table_open(relid, NoLock);
	TriggerDesc *triggers = relation->trigdesc;
	bool		has = false;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		has |= TRIGGER_FOR_TRUNCATE(trigger->tgtype) &&
			athar_tracking_is_capture(trigger->tgfoid) &&
			trigger->tgnargs > 1 &&
			strtol(trigger->tgargs[0], NULL, 10) == lineage;
	}
	table_close(relation, NoLock);
	return has;
}

/*
 * Give each partition of a tracked table, or the one given, its own trigger
 * for TRUNCATE, which the server does not copy as it does row triggers.
 */
void
athar_equip_partitions(Oid relid, int32 lineage)
{
	ListCell   *cell;

	foreach(cell, find_all_inheritors(relid, ShareRowExclusiveLock, NULL))
	{
		Oid			partition = lfirst_oid(cell);

		if (get_rel_relkind(partition) == RELKIND_RELATION &&
			get_rel_relispartition(partition) &&
			!has_truncate_trigger(partition, lineage))
			make_truncate_trigger(partition, lineage, true);
	}
}

/* Make the triggers of a table that is tracked from now on. */
void
athar_equip_table(Oid relid, int32 lineage)
{
	make_row_trigger(relid, lineage);
	make_truncate_trigger(relid, lineage, false);
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		athar_equip_partitions(relid, lineage);
}

/* Must a trigger of this function fire always? */
static bool
is_guard(Oid function)
{
	char	   *name = get_func_name(function);
	char	   *schema = get_namespace_name(get_func_namespace(function));

	return name && schema && strcmp(schema, "athar") == 0 &&
		(strcmp(name, "capture_change") == 0 ||
		 strcmp(name, "queue_source") == 0 ||
		 strcmp(name, "refuse_change") == 0);
}

/* Names of such triggers that fire as ordinary ones do. */
static List *
ordinary_triggers(Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;
	List	   *names = NIL;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgenabled == TRIGGER_FIRES_ON_ORIGIN &&
			is_guard(trigger->tgfoid))
			names = lappend(names, pstrdup(trigger->tgname));
	}
	return names;
}

/*
 * ALTER TABLE ... ENABLE TRIGGER ALL, with which data-only restores end, makes
 * ordinary triggers of ours: have them fire always again.  One that somebody
 * disabled stays so.
 */
void
athar_equip_mend(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	ListCell   *cell;

	foreach(cell, ordinary_triggers(relation))
	{
		LockRelationOid(relid, ShareRowExclusiveLock);
#if PG_VERSION_NUM >= 160000
		EnableDisableTrigger(relation, lfirst(cell), InvalidOid,
							 TRIGGER_FIRES_ALWAYS, false, true,
							 ShareRowExclusiveLock);
#else
		EnableDisableTriggerNew(relation, lfirst(cell), TRIGGER_FIRES_ALWAYS,
								false, true, ShareRowExclusiveLock);
#endif
		/* its partitions' triggers follow it, and may come next */
		CommandCounterIncrement();
	}
	table_close(relation, NoLock);
}

static void
drop_triggers(Oid relid)
{
	Relation	relation = table_open(relid, AccessExclusiveLock);
	TriggerDesc *triggers = relation->trigdesc;
	ObjectAddresses *dropped = new_object_addresses();

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		ObjectAddress address;

		if (trigger->tgisclone || !athar_tracking_is_capture(trigger->tgfoid))
			continue;
		ObjectAddressSet(address, TriggerRelationId, trigger->tgoid);
		add_exact_object_address(&address, dropped);
	}
	table_close(relation, NoLock);
	working++;
	PG_TRY();
	{
		performMultipleDeletions(dropped, DROP_RESTRICT, 0);
	}
	PG_FINALLY();
	{
		working--;
	}
	PG_END_TRY();
	free_object_addresses(dropped);
}

/* Drop the triggers of a table and of its partitions. */
void
athar_equip_strip(Oid relid)
{
	ListCell   *cell;

	drop_triggers(relid);
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return;
	foreach(cell, find_all_inheritors(relid, AccessExclusiveLock, NULL))
		drop_triggers(lfirst_oid(cell));
}
