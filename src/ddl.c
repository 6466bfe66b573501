/*
 * ddl.c
 *	  Changes of tracked tables' definitions, as they happen.
 *
 * Two event triggers, before and after every command that defines something.
 * The first loads this library; from then on two of the server's own signals
 * tell what commands touch: the relation cache, which is told of every changed
 * relation, by whatever command and cascade, and the object access hook, which
 * is called with each trigger that is made, altered or dropped.  After the
 * command, a touched table that is tracked is compared with what the log has of
 * it, so nothing is parsed, nothing guessed, and where no tracked table is
 * touched there is nothing to do.
 *
 * What the relation cache tells may be the work of another session.  The
 * comparison is with the newest version in the log, so its changes are not
 * taken for this command's; and a table that somebody holds a lock on is not
 * ours, and is left alone.
 *
 * What happened while event triggers were disabled is noticed by the next
 * command, or by the next write (tracking.c), without knowing whose it was.
 */
#include "athar.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/objectaccess.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_trigger.h"
#include "commands/event_trigger.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "tracking.h"
#include "equip.h"
#include "dropped.h"
#include "track.h"
#include "ddl.h"

#define MOST_TOUCHED 64

/* What happened to one of our triggers. */
typedef struct trigger_note
{
	SubTransactionId subid;
	Oid			relid;
	Oid			owner;
	char	   *relation;
	bool		is_partition;
	bool		is_clone;		/* of the same trigger of the parent table */
	char		name[NAMEDATALEN];
	int32		lineage;
	char		was;			/* tgenabled; 0 before it was made */
	char		is;				/* 0 after it was dropped */
} trigger_note;

static object_access_hook_type next_hook;
static bool is_watching;
static bool is_placed;			/* no restored table is unknown here */
static bool is_settling;		/* writing down what was noticed */
static List *notes;				/* of trigger_note */
static Oid	touched[MOST_TOUCHED];
static int	touched_count;
static bool touched_more;

/*
 * What commands touch
 */

static void
note_relation(Datum arg, Oid relid)
{
	if (!is_watching || (OidIsValid(relid) && relid < FirstNormalObjectId))
		return;
	for (int i = 0; i < touched_count; i++)
	{
		if (touched[i] == relid)
			return;
	}
	if (!OidIsValid(relid) || touched_count == MOST_TOUCHED)
		touched_more = true;
	else
		touched[touched_count++] = relid;
}

static int32
lineage_of(HeapTuple tuple, Relation table)
{
	Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);
	bool		isnull;
	Datum		arguments = heap_getattr(tuple, Anum_pg_trigger_tgargs,
										 RelationGetDescr(table), &isnull);

	return trigger->tgnargs == 0 || isnull ? 0
		: strtol(VARDATA_ANY(DatumGetByteaPP(arguments)), NULL, 10);
}

/* How a trigger of ours is enabled, as a snapshot sees it; 0 if it is none. */
static char
read_trigger(Oid oid, Snapshot snapshot, trigger_note *note)
{
	Relation	table = table_open(TriggerRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	char		enabled = 0;

	ScanKeyInit(&key, Anum_pg_trigger_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(oid));
	scan = systable_beginscan(table, TriggerOidIndexId, true, snapshot, 1,
							  &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_trigger trigger = (Form_pg_trigger) GETSTRUCT(tuple);

		if (athar_tracking_is_capture(trigger->tgfoid))
		{
			enabled = trigger->tgenabled;
			note->relid = trigger->tgrelid;
			note->is_clone = OidIsValid(trigger->tgparentid);
			strlcpy(note->name, NameStr(trigger->tgname), NAMEDATALEN);
			note->lineage = lineage_of(tuple, table);
		}
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return enabled;
}

static void
keep_note(trigger_note *found)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	trigger_note *note = palloc(sizeof(trigger_note));
	HeapTuple	tuple = SearchSysCache1(RELOID,
										ObjectIdGetDatum(found->relid));

	*note = *found;
	note->subid = GetCurrentSubTransactionId();
	if (HeapTupleIsValid(tuple))
	{
		Form_pg_class class = (Form_pg_class) GETSTRUCT(tuple);

		note->relation = athar_tracking_name(found->relid);
		note->is_partition = class->relispartition;
		note->owner = class->relowner;
		ReleaseSysCache(tuple);
		notes = lappend(notes, note);
	}
	MemoryContextSwitchTo(old);
}

/* What one command does to a trigger several times is one change. */
static bool
joins_note(const trigger_note *found)
{
	ListCell   *cell;

	foreach(cell, notes)
	{
		trigger_note *note = lfirst(cell);

		if (note->relid != found->relid ||
			note->subid != GetCurrentSubTransactionId() ||
			strcmp(note->name, found->name) != 0)
			continue;
		note->is = found->is;
		return true;
	}
	return false;
}

static void
note_trigger(ObjectAccessType access, Oid oid)
{
	trigger_note note = {0};

	if (access == OAT_POST_CREATE || access == OAT_POST_ALTER)
		note.is = read_trigger(oid, SnapshotSelf, &note);
	if (access == OAT_DROP || access == OAT_POST_ALTER)
		note.was = read_trigger(oid, NULL, &note);
	if (note.was != note.is && note.lineage != 0 && !joins_note(&note))
		keep_note(&note);
}

static void
on_access(ObjectAccessType access, Oid class, Oid object, int part, void *arg)
{
	if (next_hook)
		next_hook(access, class, object, part, arg);
	if (!is_watching || is_settling || IsBinaryUpgrade ||
		athar_equip_is_working() ||
		(access != OAT_POST_CREATE && access != OAT_POST_ALTER &&
		 access != OAT_DROP))
		return;
	if (class == TriggerRelationId)
		note_trigger(access, object);
	else if (class == RelationRelationId && part > 0 && access == OAT_DROP)
		athar_dropped_log(object, part);
}

/*
 * Settling: writing down what was noticed
 */

/* One tracked table that a command touched. */
typedef struct table_change
{
	athar_tracked *row;
	Oid			root;			/* none where the table itself was dropped */
	bool		is_dropped;
	List	   *notes;
	athar_amendment amendment;
} table_change;

static const char *
state_name(char enabled)
{
	switch (enabled)
	{
		case TRIGGER_FIRES_ON_ORIGIN:
			return "origin";
		case TRIGGER_FIRES_ALWAYS:
			return "always";
		case TRIGGER_FIRES_ON_REPLICA:
			return "replica";
		default:
			return "disabled";
	}
}

/* Is the same told of the table's own trigger, which partitions follow? */
static bool
is_told_of_root(const table_change *one, const trigger_note *note)
{
	ListCell   *cell;

	if (!note->is_clone)
		return false;
	foreach(cell, one->notes)
	{
		trigger_note *other = lfirst(cell);

		if (other->relid == one->root && note->relid != one->root &&
			strcmp(other->name, note->name) == 0)
			return true;
	}
	return false;
}

/* Is a relation a partition of the table, at any level? */
static bool
is_within(Oid relid, Oid root)
{
	return relid == root ||
		(get_rel_relispartition(relid) &&
		 list_member_oid(get_partition_ancestors(relid), root));
}

/* Is it news how one of the triggers is?  Not what a partition takes over. */
static bool
is_news(const table_change *one, const trigger_note *note)
{
	if (note->was == note->is)
		return false;
	if (note->relid == one->root)
		return true;
	if (note->is_clone && (note->was == 0 || note->is == 0))
		return false;
	return !is_told_of_root(one, note) && is_within(note->relid, one->root);
}

/* Triggers of the table, and of partitions where they are told apart. */
static void
tell_triggers(table_change *one)
{
	List	   *was = NIL;
	List	   *now = NIL;
	ListCell   *cell;

	foreach(cell, one->notes)
	{
		trigger_note *note = lfirst(cell);
		char	   *name = note->relid == one->root ? note->name
		: psprintf("%s on %s", note->name, note->relation);

		if (!is_news(one, note))
			continue;
		if (note->was)
			was = lappend(was, list_make2(name,
										  (char *) state_name(note->was)));
		if (note->is)
			now = lappend(now, list_make2(name,
										  (char *) state_name(note->is)));
	}
	athar_amendment_pairs(&one->amendment, "triggers", was, now);
}

/*
 * Partitions that came or went: the server makes and drops the trigger that
 * each takes over.
 */
static void
tell_partitions(table_change *one)
{
	List	   *came = NIL;
	List	   *went = NIL;
	ListCell   *cell;

	foreach(cell, one->notes)
	{
		trigger_note *note = lfirst(cell);

		if (!note->is_clone || is_told_of_root(one, note))
			continue;
		if (!SearchSysCacheExists1(RELOID, ObjectIdGetDatum(note->relid)) ||
			!is_within(note->relid, one->root))
		{
			if (note->is_partition &&
				!athar_shape_is_listed(went, note->relation))
				went = lappend(went, note->relation);
			if (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(note->relid)))
				athar_equip_strip(note->relid);
		}
		else if (note->was == 0)
			came = lappend(came, note->relation);
	}
	if (went != NIL)
		athar_amendment_names(&one->amendment, "partitions", false, went);
	if (came != NIL)
		athar_amendment_names(&one->amendment, "partitions", true, came);
}

static void
tell_dropped(table_change *one)
{
	athar_amendment_text(&one->amendment, "relation", one->row->relation,
						 NULL);
	athar_amendment_fields(&one->amendment, one->row->fields, NIL);
	athar_amendment_write(&one->amendment, one->row->id);
	athar_tracking_end(one->row->lineage);
}

static void
settle(table_change *one, const char *command)
{
	Relation	root;

	athar_amendment_begin(&one->amendment, command);
	if (one->is_dropped)
	{
		tell_dropped(one);
		return;
	}
	/* whoever changed it holds a lock; nobody else is waited for */
	if (!OidIsValid(one->root) ||
		!ConditionalLockRelationOid(one->root, AccessShareLock))
		return;
	root = try_relation_open(one->root, NoLock);
	if (root == NULL)
		return;
	if (athar_tracking_has_trigger(root, one->row->lineage))
		athar_tracking_follow(one->row, root, &one->amendment);
	tell_triggers(one);
	tell_partitions(one);
	athar_amendment_write(&one->amendment, one->row->id);
	relation_close(root, NoLock);
}

/* The change of a lineage, among those found so far. */
static table_change *
change_of(List **changes, int32 lineage)
{
	table_change *one;
	ListCell   *cell;

	foreach(cell, *changes)
	{
		one = lfirst(cell);
		if (one->row->lineage == lineage)
			return one;
	}
	one = palloc0(sizeof(table_change));
	one->row = athar_tracking_newest(lineage);
	if (one->row == NULL || one->row->untracked_at != DT_NOEND)
		return NULL;
	*changes = lappend(*changes, one);
	return one;
}

/* Look at a relation that may have been touched. */
static void
add_relation(List **changes, Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	bool		has_triggers = HeapTupleIsValid(tuple) &&
	((Form_pg_class) GETSTRUCT(tuple))->relhastriggers;
	Relation	relation;
	table_change *one;
	int32		lineage;

	if (HeapTupleIsValid(tuple))
		ReleaseSysCache(tuple);
	if (!has_triggers || !ConditionalLockRelationOid(relid, AccessShareLock))
		return;
	relation = try_relation_open(relid, NoLock);
	if (relation == NULL)
		return;
	lineage = athar_equip_lineage(relation);
	one = lineage ? change_of(changes, lineage) : NULL;
	if (one && !OidIsValid(one->root))
		one->root = athar_tracking_root(relation, one->row);
	relation_close(relation, NoLock);
}

static void
add_notes(List **changes)
{
	ListCell   *cell;

	foreach(cell, notes)
	{
		trigger_note *note = lfirst(cell);
		table_change *one = change_of(changes, note->lineage);

		if (one == NULL)
			continue;
		one->notes = lappend(one->notes, note);
		if (athar_tracking_is_dropped(one->row, note->relid, note->relation,
									  note->owner))
			one->is_dropped = true;
		else if (!OidIsValid(one->root))
			one->root = athar_tracking_root_of(note->relid, one->row);
	}
}

/* Every relation that has a trigger of ours. */
static List *
captured_relations(void)
{
	Relation	table = table_open(DependRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData keys[2];
	HeapTuple	tuple;
	List	   *relids = NIL;
	trigger_note note = {0};

	ScanKeyInit(&keys[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(ProcedureRelationId));
	ScanKeyInit(&keys[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(athar_equip_function()));
	scan = systable_beginscan(table, DependReferenceIndexId, true, NULL, 2,
							  keys);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_depend depend = (Form_pg_depend) GETSTRUCT(tuple);

		if (depend->classid == TriggerRelationId &&
			read_trigger(depend->objid, NULL, &note) != 0)
			relids = list_append_unique_oid(relids, note.relid);
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return relids;
}

/* Commands that change names without touching the tables that have them. */
static bool
touches_all(CommandTag tag)
{
	return tag == CMDTAG_ALTER_SCHEMA || tag == CMDTAG_ALTER_TYPE ||
		tag == CMDTAG_ALTER_DOMAIN || tag == CMDTAG_ALTER_EXTENSION;
}

/*
 * A relation that this transaction has a lock on that changes its definition;
 * nobody else's lock is waited for.
 */
static bool
is_ours_to_change(Oid relid)
{
	Relation	relation;
	bool		is_locked;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return false;
	relation = try_relation_open(relid, NoLock);
	if (relation == NULL)
		return false;
	is_locked = CheckRelationLockedByMe(relation, ShareUpdateExclusiveLock,
										true);
	relation_close(relation, NoLock);
	return is_locked;
}

/* Do something for each table that is the user's to change. */
static void
equip(List *relids, void (*work) (Oid relid))
{
	ListCell   *cell;

	foreach(cell, relids)
	{
		Oid			relid = lfirst_oid(cell);
		char		kind = get_rel_relkind(relid);

		if ((kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE) ||
			!is_ours_to_change(relid))
			continue;
		work(relid);
		CommandCounterIncrement();	/* it may have reached the next one, too */
	}
}

/* What was touched since the last time. */
static List *
take_touched(CommandTag tag)
{
	List	   *relids = NIL;

	if (touched_more || touches_all(tag))
		relids = captured_relations();
	else
	{
		for (int i = 0; i < touched_count; i++)
			relids = lappend_oid(relids, touched[i]);
	}
	touched_count = 0;
	touched_more = false;
	return relids;
}

static void
settle_all(CommandTag tag)
{
	List	   *relids = take_touched(tag);
	List	   *changes = NIL;
	ListCell   *cell;

	/* what this command made gets what track() gives to what is there */
	equip(relids, athar_track_follow);
	is_settling = true;
	foreach(cell, relids)
	{
		CHECK_FOR_INTERRUPTS();
		add_relation(&changes, lfirst_oid(cell));
	}
	add_notes(&changes);
	notes = NIL;
	foreach(cell, changes)
		settle(lfirst(cell), GetCommandTagName(tag));
}

/*
 * Restored tables
 *
 * After a dump was restored, columns are told by their names: so that has to
 * be done before a command gives them others.
 */

/* True if there may be more to do: placed (it may be rolled back), or locked. */
static bool
place(const athar_tracked *row)
{
	Oid			relid = athar_tracking_relation(row);
	Relation	relation;
	athar_tracked *newest;
	athar_amendment amendment;
	bool		is_captured;

	if (!OidIsValid(relid))
		return false;
	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		return true;
	relation = try_relation_open(relid, NoLock);
	if (relation == NULL)
		return false;
	is_captured = athar_tracking_has_trigger(relation, row->lineage);
	if (is_captured)
	{
		newest = athar_tracking_newest(row->lineage);
		athar_amendment_begin(&amendment, NULL);
		athar_tracking_follow(newest, relation, &amendment);
		athar_amendment_write(&amendment, newest->id);
	}
	relation_close(relation, NoLock);
	return is_captured;
}

/* Until there is nothing left to do: what is done may be rolled back. */
static void
place_all(void)
{
	List	   *rows = athar_tracking_rows(0);
	Bitmapset  *met = NULL;

	is_placed = true;
	for (int i = list_length(rows) - 1; i >= 0; i--)
	{
		athar_tracked *row = list_nth(rows, i);

		CHECK_FOR_INTERRUPTS();
		if (row->rekey_of != 0 || athar_tracking_is_ours(row->lineage) ||
			bms_is_member(row->lineage, met))
			continue;
		met = bms_add_member(met, row->lineage);
		if (row->untracked_at == DT_NOEND &&
			!athar_tracking_is_here(row) && place(row))
			is_placed = false;
	}
}

static void
forget_all(void)
{
	notes = NIL;
	touched_count = 0;
	touched_more = false;
	is_settling = false;
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		forget_all();
	else if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		notes = NIL;
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	ListCell   *cell;

	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	is_settling = false;
	foreach(cell, notes)
	{
		if (((trigger_note *) lfirst(cell))->subid >= subid)
			notes = foreach_delete_current(notes, cell);
	}
}

void
athar_ddl_init(void)
{
	next_hook = object_access_hook;
	object_access_hook = on_access;
	CacheRegisterRelcacheCallback(note_relation, (Datum) 0);
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

static EventTriggerData *
event_of(FunctionCallInfo fcinfo)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("log_definitions: must be called as event trigger")));
	return (EventTriggerData *) fcinfo->context;
}

/* Is this command none of the log's business? */
static bool
is_exempt(void)
{
	return IsBinaryUpgrade ||
		(creating_extension &&
		 CurrentExtensionObject == get_extension_oid("athar", true));
}

/*
 * Before and after every command that defines something.
 */
PG_FUNCTION_INFO_V1(athar_log_definitions);
Datum
athar_log_definitions(PG_FUNCTION_ARGS)
{
	EventTriggerData *event = event_of(fcinfo);

	is_watching = true;
	if (strcmp(event->event, "ddl_command_end") != 0)
	{
		if (!is_placed && athar_catalog_is_complete() && !is_exempt() &&
			!athar_catalog_is_restore())
			place_all();
		PG_RETURN_NULL();
	}
	if (!athar_catalog_is_complete() || is_exempt())
	{
		forget_all();
		PG_RETURN_NULL();
	}
	if (athar_catalog_is_restore())
	{
		/*
		 * It changes no definition; but where it disables triggers to load
		 * data, it enables them as ordinary ones afterwards.
		 */
		equip(take_touched(event->tag), athar_equip_mend);
		forget_all();
		PG_RETURN_NULL();
	}
	if (is_settling || (touched_count == 0 && !touched_more && notes == NIL &&
						!touches_all(event->tag)))
		PG_RETURN_NULL();
	settle_all(event->tag);
	is_settling = false;
	PG_RETURN_NULL();
}
