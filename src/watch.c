/*
 * watch.c
 *	  Triggers that watch the tables of sources.
 *
 * A row trigger, because it sees what statement triggers do not: rows that are
 * written into a partition, and those that a subscription applies.  The server
 * gives it to new partitions itself.  It is told of rows after they are
 * written, so it sees what other triggers made of them, and it costs no copy
 * of them.
 *
 * Whatever changes rows without a row trigger queues everything: TRUNCATE, a
 * column that is rewritten, a partition that comes with rows or goes.  So does
 * a row of a table whose columns are not found any more: nobody's write fails
 * because a column has another name by now.
 *
 * What it does not promise: that a superuser's ALTER TABLE with event triggers
 * disabled is noticed.
 */
#include "athar.h"

#include "access/relation.h"
#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/objectaddress.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/value.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "catalog.h"
#include "equip.h"
#include "queue.h"
#include "source.h"
#include "watch.h"

/* What is known of a table that a trigger fires on, for one source. */
typedef struct watched_table
{
	struct
	{
		Oid			relid;
		int32		source;
	}			key;
	bool		is_valid;
	bool		is_source;		/* the source's table, or a partition of it */
	bool		is_broken;
	athar_source *source;
	athar_source_columns columns;
	MemoryContext context;
} watched_table;


static HTAB *tables;
static watched_table *last;		/* the one asked for before */
static Oid	kpi_table;
static Oid	source_table;
static bool is_following;

/*
 * What is known of tables
 */

static bool
is_known(Oid relid)
{
	HASH_SEQ_STATUS status;
	watched_table *table;

	if (!OidIsValid(relid) || relid == kpi_table || relid == source_table)
		return true;
	hash_seq_init(&status, tables);
	while ((table = hash_seq_search(&status)) != NULL)
	{
		if (table->key.relid == relid)
		{
			hash_seq_term(&status);
			return true;
		}
	}
	return false;
}

/* A definition changed: of a table that is known, a source or a KPI. */
static void
forget(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	watched_table *table;

	if (tables == NULL || !is_known(relid))
		return;
	last = NULL;
	hash_seq_init(&status, tables);
	while ((table = hash_seq_search(&status)) != NULL)
		table->is_valid = false;
}

static void
learn(watched_table *table, Relation relation)
{
	Oid			relid = RelationGetRelid(relation);

	kpi_table = athar_catalog_oid(ATHAR_KPI);
	source_table = athar_catalog_oid(ATHAR_KPI_SOURCE);
	MemoryContextReset(table->context);
	/* what comes in while it is read makes it invalid again */
	table->is_valid = true;
	table->source = athar_source_load(table->key.source, table->context);
	table->is_source = table->source &&
		(table->source->relation == relid ||
		 list_member_oid(get_partition_ancestors(relid),
						 table->source->relation));
	table->is_broken = table->is_source &&
		athar_source_resolve(table->source, relation,
							 &table->columns) != NULL;
}

static watched_table *
find_table(Relation relation, int32 source)
{
	watched_table *table;
	bool		found;

	if (last && last->key.relid == RelationGetRelid(relation) &&
		last->key.source == source)
		return last;
	if (tables == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(table->key),
			.entrysize = sizeof(watched_table)
		};

		tables = hash_create("athar watched tables", 32, &control,
							 HASH_ELEM | HASH_BLOBS);
	}
	{
		watched_table key = {
			.key = {
				.relid = RelationGetRelid(relation),
				.source = source
			}
		};

		table = hash_search(tables, &key.key, HASH_ENTER, &found);
	}
	if (!found)
	{
		table->is_valid = false;
		table->context = AllocSetContextCreate(TopMemoryContext,
											   "athar watched table",
											   ALLOCSET_SMALL_SIZES);
	}
	if (!table->is_valid)
		learn(table, relation);
	if (table->is_valid)
		last = table;
	return table;
}

/*
 * The trigger
 */

static void
queue_row(watched_table *table, TupleTableSlot *slot)
{
	athar_source_column *time = &table->columns.part[SOURCE_TIME];
	athar_source_column *service = &table->columns.part[SOURCE_SERVICE];
	char	   *code = "";
	int			length = 0;
	bool		isnull;
	DateADT		day;
	Datum		value = slot_getattr(slot, time->attnum, &isnull);

	if (isnull || !athar_source_day(table->source, time, value, &day))
		return;
	if (service->attnum != 0)
	{
		value = slot_getattr(slot, service->attnum, &isnull);
		if (!isnull)
			code = athar_source_code(service, value, &length);
	}
	athar_queue_add_source(table->source->id, code, length, day);
}

/* Do two versions of a row differ in what is read of them? */
static bool
differs(watched_table *table, TupleTableSlot *old, TupleTableSlot *new)
{
	for (int i = 0; i < SOURCE_PARTS; i++)
	{
		AttrNumber	attnum = table->columns.part[i].attnum;
		Form_pg_attribute attribute;
		bool		was_null;
		bool		is_null;
		Datum		was;
		Datum		is;

		if (attnum == 0)
			continue;
		attribute = TupleDescAttr(new->tts_tupleDescriptor, attnum - 1);
		was = slot_getattr(old, attnum, &was_null);
		is = slot_getattr(new, attnum, &is_null);
		if (was_null != is_null ||
			(!is_null && !datum_image_eq(was, is, attribute->attbyval,
										 attribute->attlen)))
			return true;
	}
	return false;
}

static void
queue_change(TriggerData *trigger, watched_table *table)
{
	if (table->is_broken)
		athar_queue_everything(table->source->id);
	else if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		queue_row(table, trigger->tg_trigslot);
	else if (differs(table, trigger->tg_trigslot, trigger->tg_newslot))
	{
		queue_row(table, trigger->tg_trigslot);
		queue_row(table, trigger->tg_newslot);
	}
}

/*
 * Queue the days that a change of a source's row touches.  A dump brings its
 * own queue.
 */
PG_FUNCTION_INFO_V1(athar_queue_source);
Datum
athar_queue_source(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	watched_table *table;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		trigger->tg_trigger->tgnargs < 1)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("queue_source: must be fired after a change, for a source")));
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) &&
		athar_catalog_is_restore())
		return PointerGetDatum(NULL);
	table = find_table(trigger->tg_relation,
					   strtol(trigger->tg_trigger->tgargs[0], NULL, 10));
	if (!table->is_source)
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event))
		queue_change(trigger, table);
	else if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		athar_queue_everything(table->source->id);
	return PointerGetDatum(NULL);
}

/* Tell every session that what it knows of KPIs or sources may have changed. */
PG_FUNCTION_INFO_V1(athar_forget_definitions);
Datum
athar_forget_definitions(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("forget_definitions: must be called as trigger")));
	CacheInvalidateRelcache(trigger->tg_relation);
	return PointerGetDatum(NULL);
}

/*
 * Making and dropping triggers
 */

/*
 * DROP EXTENSION takes such a trigger with it; CASCADE would take more of the
 * user's.
 */
static void
depend_on_extension(const ObjectAddress *trigger)
{
	ObjectAddress extension;

	ObjectAddressSet(extension, ExtensionRelationId,
					 get_extension_oid("athar", false));
	recordDependencyOn(trigger, &extension, DEPENDENCY_AUTO_EXTENSION);
}

static void
make_trigger(Oid relid, int32 source, bool is_truncate)
{
	CreateTrigStmt *statement = makeNode(CreateTrigStmt);
	ObjectAddress trigger;

	statement->replace = false;
	statement->trigname = psprintf("%cathar_source_%d",
								   is_truncate ? '~' : '#', source);
	statement->row = !is_truncate;
	statement->timing = TRIGGER_TYPE_AFTER;
	statement->events = is_truncate ? TRIGGER_TYPE_TRUNCATE :
		TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE;
	statement->funcname = list_make2(makeString("athar"),
									 makeString("queue_source"));
	statement->args = list_make1(makeString(psprintf("%d", source)));
	trigger = CreateTriggerFiringOn(statement, "", relid, InvalidOid,
									InvalidOid, InvalidOid,
									athar_source_function(), InvalidOid,
									NULL, false, false, TRIGGER_FIRES_ALWAYS);
	depend_on_extension(&trigger);
	CommandCounterIncrement();
}

static bool
is_ours(const Trigger *trigger, int32 source)
{
	return trigger->tgfoid == athar_source_function() &&
		trigger->tgnargs > 0 &&
		strtol(trigger->tgargs[0], NULL, 10) == source;
}

static bool
has_truncate_trigger(Relation relation, int32 source)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		if (TRIGGER_FOR_TRUNCATE(triggers->triggers[i].tgtype) &&
			is_ours(&triggers->triggers[i], source))
			return true;
	}
	return false;
}

static bool
has_rows(Relation relation)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TableScanDesc scan = table_beginscan(relation, snapshot, 0, NULL);
	bool		found = table_scan_getnextslot(scan, ForwardScanDirection,
											   slot);

	table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	UnregisterSnapshot(snapshot);
	return found;
}

/*
 * Give each partition the trigger for TRUNCATE, which the server does not copy
 * as it does row triggers.  Returns whether one that was new has rows.
 */
bool
athar_watch_equip_partitions(Oid relid, int32 source)
{
	ListCell   *cell;
	bool		found = false;

	foreach(cell, find_all_inheritors(relid, ShareRowExclusiveLock, NULL))
	{
		Oid			partition = lfirst_oid(cell);
		Relation	relation;
		bool		is_new;

		if (partition == relid ||
			(get_rel_relkind(partition) != RELKIND_RELATION &&
			 get_rel_relkind(partition) != RELKIND_PARTITIONED_TABLE))
			continue;
		relation = table_open(partition, NoLock);
		is_new = !has_truncate_trigger(relation, source);
		if (is_new && relation->rd_rel->relkind == RELKIND_RELATION)
			found |= has_rows(relation);
		table_close(relation, NoLock);
		if (is_new)
			make_trigger(partition, source, true);
	}
	return found;
}

/* Make the triggers of a source's table. */
void
athar_watch_equip(Oid relid, int32 source)
{
	make_trigger(relid, source, false);
	make_trigger(relid, source, true);
	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		(void) athar_watch_equip_partitions(relid, source);
}

static void
drop_triggers(Oid relid, int32 source)
{
	Relation	relation = table_open(relid, AccessExclusiveLock);
	TriggerDesc *triggers = relation->trigdesc;
	ObjectAddresses *dropped = new_object_addresses();

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		ObjectAddress address;

		if (trigger->tgisclone || !is_ours(trigger, source))
			continue;
		ObjectAddressSet(address, TriggerRelationId, trigger->tgoid);
		add_exact_object_address(&address, dropped);
	}
	table_close(relation, NoLock);
	performMultipleDeletions(dropped, DROP_RESTRICT, 0);
	free_object_addresses(dropped);
	CommandCounterIncrement();
}

/* Drop the triggers of a source's table. */
void
athar_watch_strip(Oid relid, int32 source)
{
	ListCell   *cell;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		drop_triggers(relid, source);
	else
	{
		foreach(cell, find_all_inheritors(relid, AccessExclusiveLock, NULL))
			drop_triggers(lfirst_oid(cell), source);
	}
}

/* Tables that have a trigger of ours, of whatever source. */
static List *
tables_with_triggers(void)
{
	Relation	catalog = table_open(TriggerRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *relids = NIL;

	ScanKeyInit(&key, Anum_pg_trigger_tgfoid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(athar_source_function()));
	scan = systable_beginscan(catalog, InvalidOid, false, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		relids = list_append_unique_oid(relids,
										((Form_pg_trigger) GETSTRUCT(tuple))->tgrelid);
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return relids;
}

/* A partition that goes keeps its trigger for TRUNCATE: take it. */
static void
strip_strays(athar_source *source)
{
	List	   *own = find_all_inheritors(source->relation, NoLock, NULL);
	ListCell   *cell;

	foreach(cell, tables_with_triggers())
	{
		if (!list_member_oid(own, lfirst_oid(cell)) &&
			athar_catalog_owns(GetUserId(), lfirst_oid(cell)))
			drop_triggers(lfirst_oid(cell), source->id);
	}
}

/*
 * Following definitions
 */

/* Remember how a source's table looks. */
void
athar_watch_set_shape(athar_source *source, Relation relation)
{
	Oid			types[] = {INT4OID, TEXTOID};
	Datum		values[2];
	athar_owner_state state;

	values[0] = Int32GetDatum(source->id);
	values[1] = CStringGetTextDatum(athar_source_shape(source, relation));
	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_KPI_SOURCE), &state);
	if (SPI_execute_with_args("UPDATE athar.kpi_source SET shape = $2 "
							  "WHERE id OPERATOR(pg_catalog.=) $1",
							  lengthof(types), types, values, NULL, false,
							  0) != SPI_OK_UPDATE)
		elog(ERROR, "could not write the table kpi_source");
	athar_catalog_resign(&state);
	SPI_finish();
}

/* A shape is what is read, the number of partitions, and how triggers fire. */
static bool
differs_in_count(const char *was, const char *is, int *was_count,
				 int *is_count)
{
	char		was_rest[256];
	char		is_rest[256];
	const char *format = "%*s %*s %*s %*s %*s %*s %d %255[^\n]";

	return was && sscanf(was, format, was_count, was_rest) == 2 &&
		sscanf(is, format, is_count, is_rest) == 2 &&
		*was_count != *is_count && strcmp(was_rest, is_rest) == 0;
}

/*
 * A partition more without rows changes no figure; whatever else is not as it
 * was may have changed all of them.
 */
static void
compare_shape(athar_source *source, Relation relation)
{
	char	   *shape = athar_source_shape(source, relation);
	int			was = 0;
	int			is = 0;
	bool		is_partition;

	if (source->shape && strcmp(source->shape, shape) == 0)
		return;
	is_partition = differs_in_count(source->shape, shape, &was, &is) &&
		athar_catalog_owns(GetUserId(), RelationGetRelid(relation));
	if (is_partition && is < was)
		strip_strays(source);
	if (!is_partition || is < was ||
		athar_watch_equip_partitions(source->relation, source->id))
		athar_queue_everything(source->id);
	athar_watch_set_shape(source, relation);
}

/*
 * Look at a source's table, unless somebody else holds it: then it is not what
 * this command changed.
 */
static void
follow(int32 id)
{
	athar_source *source = athar_source_load(id, CurrentMemoryContext);
	Relation	relation;

	if (source == NULL || !OidIsValid(source->relation) ||
		!ConditionalLockRelationOid(source->relation, AccessShareLock))
		return;
	relation = try_relation_open(source->relation, NoLock);
	if (relation)
	{
		if (relation->rd_rel->relkind == RELKIND_RELATION ||
			relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		{
			/* ENABLE TRIGGER makes ordinary triggers of them */
			if (athar_catalog_owns(GetUserId(), source->relation))
				athar_equip_mend(source->relation);
			compare_shape(source, relation);
		}
		relation_close(relation, NoLock);
	}
	UnlockRelationOid(source->relation, AccessShareLock);
}

/* The values of a column are about to be made anew. */
static void
follow_rewrite(Oid relid)
{
	ListCell   *cell;
	List	   *ancestors = get_partition_ancestors(relid);

	foreach(cell, athar_source_ids())
	{
		athar_source *source = athar_source_load(lfirst_int(cell),
												 CurrentMemoryContext);

		if (source && (source->relation == relid ||
					   list_member_oid(ancestors, source->relation)))
			athar_queue_everything(source->id);
	}
}

/* After a command that may have changed a table, and before a rewrite. */
PG_FUNCTION_INFO_V1(athar_follow_sources);
Datum
athar_follow_sources(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = (EventTriggerData *) fcinfo->context;
	ListCell   *cell;

	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("follow_sources: must be called as event trigger")));
	if (is_following || IsBinaryUpgrade || creating_extension ||
		!athar_catalog_is_complete() || athar_catalog_is_restore())
		PG_RETURN_NULL();
	if (strcmp(event->event, "table_rewrite") == 0)
	{
		follow_rewrite(DatumGetObjectId(OidFunctionCall0(F_PG_EVENT_TRIGGER_TABLE_REWRITE_OID)));
		PG_RETURN_NULL();
	}
	is_following = true;
	PG_TRY();
	{
		foreach(cell, athar_source_ids())
		{
			CHECK_FOR_INTERRUPTS();
			follow(lfirst_int(cell));
		}
	}
	PG_FINALLY();
	{
		is_following = false;
	}
	PG_END_TRY();
	PG_RETURN_NULL();
}

void
athar_watch_init(void)
{
	CacheRegisterRelcacheCallback(forget, (Datum) 0);
}
