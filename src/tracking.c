/*
 * tracking.c
 *	  Which tables are tracked, under which number, and how their rows look.
 *
 * A trigger knows its table by the number in its argument, never by the
 * relation it happens to fire on: that may be a partition.  Everybody may
 * execute the trigger function, because whoever creates a partition of a
 * tracked table must; so the number alone proves nothing.  It is believed on
 * the very relation that was tracked under it, on partitions of that, and,
 * where that relation does not exist (a dump was restored), on one of the same
 * name and owner.  Anywhere else the write is refused: it would forge the
 * history of another table.
 *
 * What is found is kept per backend until the relation cache says that the
 * table changed.  A new definition of the table (its name, its columns) is
 * noticed then, and written down as a further version of it.  Two sessions may
 * notice at once, and write the same version twice: harmless, where a unique
 * key would fail somebody's write.
 */
#include "athar.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/catalog.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/regproc.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "mark.h"
#include "tracking.h"

enum
{
	COLUMN_ID = 1,
	COLUMN_LINEAGE,
	COLUMN_RELATION,
	COLUMN_RELATION_OID,
	COLUMN_DATABASE_OID,
	COLUMN_CLUSTER,
	COLUMN_OWNER_NAME,
	COLUMN_REKEY_OF,
	COLUMN_REQUIRE_REASON,
	COLUMN_INSERTED_VALUES,
	COLUMN_IS_INHERITED,
	COLUMN_TRACKED_AT,
	COLUMN_UNTRACKED_AT,
	COLUMNS = COLUMN_UNTRACKED_AT
};

/* Numbers below this one are our own tables; the sequence begins here. */
#define FIRST_LINEAGE 1000

static HTAB *plans;
static bool wrote_rows;			/* in this transaction */
static uint64 invalidations;

/*
 * Rows of tracked_table
 */

static athar_tracked *
row_of(Datum *values, bool *nulls)
{
	athar_tracked *row = palloc0(sizeof(athar_tracked));

	row->id = DatumGetInt32(values[COLUMN_ID - 1]);
	row->lineage = DatumGetInt32(values[COLUMN_LINEAGE - 1]);
	row->relation = TextDatumGetCString(values[COLUMN_RELATION - 1]);
	row->relation_oid = DatumGetObjectId(values[COLUMN_RELATION_OID - 1]);
	row->database_oid = DatumGetObjectId(values[COLUMN_DATABASE_OID - 1]);
	row->cluster = DatumGetInt64(values[COLUMN_CLUSTER - 1]);
	row->owner_name = TextDatumGetCString(values[COLUMN_OWNER_NAME - 1]);
	row->rekey_of = nulls[COLUMN_REKEY_OF - 1] ? 0
		: DatumGetInt32(values[COLUMN_REKEY_OF - 1]);
	row->require_reason = DatumGetBool(values[COLUMN_REQUIRE_REASON - 1]);
	row->inserted_values = DatumGetBool(values[COLUMN_INSERTED_VALUES - 1]);
	row->is_inherited = DatumGetBool(values[COLUMN_IS_INHERITED - 1]);
	row->tracked_at = DatumGetTimestampTz(values[COLUMN_TRACKED_AT - 1]);
	row->untracked_at = nulls[COLUMN_UNTRACKED_AT - 1] ? DT_NOEND
		: DatumGetTimestampTz(values[COLUMN_UNTRACKED_AT - 1]);
	return row;
}

static int
compare_ids(const ListCell *a, const ListCell *b)
{
	int32		left = ((athar_tracked *) lfirst(a))->id;
	int32		right = ((athar_tracked *) lfirst(b))->id;

	return left < right ? -1 : left > right;
}

/*
 * All rows of a lineage, of every table if it is 0, ascending by id, without
 * their columns.
 */
List *
athar_tracking_rows(int32 lineage)
{
	Relation	table = table_open(athar_catalog_oid(ATHAR_TRACKED_TABLE),
								   AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *rows = NIL;

	ScanKeyInit(&key, COLUMN_LINEAGE, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(lineage));
	scan = systable_beginscan(table, InvalidOid, false, snapshot,
							  lineage == 0 ? 0 : 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[COLUMNS];
		bool		nulls[COLUMNS];

		heap_deform_tuple(tuple, RelationGetDescr(table), values, nulls);
		rows = lappend(rows, row_of(values, nulls));
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(table, AccessShareLock);
	list_sort(rows, compare_ids);
	return rows;
}

static void
write_row(const athar_tracked *row, int32 id, int32 rekey_of)
{
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};

	values[COLUMN_ID - 1] = Int32GetDatum(id);
	values[COLUMN_LINEAGE - 1] = Int32GetDatum(row->lineage);
	values[COLUMN_RELATION - 1] = CStringGetTextDatum(row->relation);
	values[COLUMN_RELATION_OID - 1] = ObjectIdGetDatum(row->relation_oid);
	values[COLUMN_DATABASE_OID - 1] = ObjectIdGetDatum(row->database_oid);
	values[COLUMN_CLUSTER - 1] = Int64GetDatum(row->cluster);
	values[COLUMN_OWNER_NAME - 1] = CStringGetTextDatum(row->owner_name);
	values[COLUMN_REKEY_OF - 1] = Int32GetDatum(rekey_of);
	nulls[COLUMN_REKEY_OF - 1] = rekey_of == 0;
	values[COLUMN_REQUIRE_REASON - 1] = BoolGetDatum(row->require_reason);
	values[COLUMN_INSERTED_VALUES - 1] = BoolGetDatum(row->inserted_values);
	values[COLUMN_IS_INHERITED - 1] = BoolGetDatum(row->is_inherited);
	values[COLUMN_TRACKED_AT - 1] = TimestampTzGetDatum(row->tracked_at);
	nulls[COLUMN_UNTRACKED_AT - 1] = true;
	athar_catalog_insert(ATHAR_TRACKED_TABLE, values, nulls);
	wrote_rows = true;
}

/*
 * Write a table down under its present definition; lineage 0 begins a new one.
 */
void
athar_tracking_write(athar_tracked *row)
{
	row->id = athar_catalog_nextval(ATHAR_TRACKED_TABLE);
	row->rekey_id = athar_catalog_nextval(ATHAR_TRACKED_TABLE);
	if (row->lineage == 0)
		row->lineage = row->id;
	row->untracked_at = DT_NOEND;
	write_row(row, row->id, 0);
	write_row(row, row->rekey_id, row->id);
	athar_definition_write(row->id, row->fields);
	CommandCounterIncrement();
}

/* Does relation_oid mean something here? */
bool
athar_tracking_is_here(const athar_tracked *row)
{
	return row->database_oid == MyDatabaseId &&
		row->cluster == (int64) GetSystemIdentifier();
}

static Oid
owner_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/* schema.table, with quotes where the names need them. */
char *
athar_tracking_name(Oid relid)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
									  get_rel_name(relid));
}

static void
place(athar_tracked *row, Oid relid)
{
	row->relation = athar_tracking_name(relid);
	row->relation_oid = relid;
	row->database_oid = MyDatabaseId;
	row->cluster = (int64) GetSystemIdentifier();
	row->owner_name = GetUserNameFromId(owner_of(relid), false);
}

/*
 * May this relation go on with a history that is not known by OID?  Whoever
 * may create a table of the same name must not come to read it.
 */
static bool
is_heir(const athar_tracked *row, Oid owner)
{
	return strcmp(row->owner_name, GetUserNameFromId(owner, false)) == 0 ||
		superuser_arg(owner) ||
		owner == owner_of(athar_catalog_oid(ATHAR_LOG_ENTRY));
}

static bool
may_continue(const athar_tracked *row, Oid relid)
{
	return row->lineage < FIRST_LINEAGE ? athar_catalog_is_member(relid)
		: is_heir(row, owner_of(relid));
}

static bool
relation_exists(Oid relid)
{
	return SearchSysCacheExists1(RELOID, ObjectIdGetDatum(relid));
}

/* Whoever asks, and whatever he may use. */
static Oid
named_relation(const char *name)
{
#if PG_VERSION_NUM >= 160000
	List	   *names = stringToQualifiedNameList(name, NULL);
#else
	List	   *names = stringToQualifiedNameList(name);
#endif
	Oid			schema = get_namespace_oid(strVal(linitial(names)), true);

	return OidIsValid(schema) ? get_relname_relid(strVal(llast(names)), schema)
		: InvalidOid;
}

/* Write down that the tracking of a lineage ended now. */
void
athar_tracking_end(int32 lineage)
{
	Relation	table = table_open(athar_catalog_oid(ATHAR_TRACKED_TABLE),
								   RowExclusiveLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;

	ScanKeyInit(&key, COLUMN_LINEAGE, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(lineage));
	scan = systable_beginscan(table, InvalidOid, false, snapshot, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Datum		values[COLUMNS] = {0};
		bool		nulls[COLUMNS] = {false};
		bool		replaces[COLUMNS] = {false};
		HeapTuple	ended;

		if (!heap_attisnull(tuple, COLUMN_UNTRACKED_AT, NULL))
			continue;
		values[COLUMN_UNTRACKED_AT - 1] = TimestampTzGetDatum(GetCurrentTimestamp());
		replaces[COLUMN_UNTRACKED_AT - 1] = true;
		ended = heap_modify_tuple(tuple, RelationGetDescr(table),
								  values, nulls, replaces);
		CatalogTupleUpdate(table, &ended->t_self, ended);
	}
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(table, RowExclusiveLock);
	CommandCounterIncrement();
	wrote_rows = true;
}

/* The newest version in a list, with its partner's id and its columns. */
static athar_tracked *
newest_row(List *rows)
{
	athar_tracked *newest = NULL;
	ListCell   *cell;

	foreach(cell, rows)
	{
		athar_tracked *row = lfirst(cell);

		if (row->rekey_of == 0)
			newest = row;
	}
	if (newest == NULL)
		return NULL;
	foreach(cell, rows)
	{
		athar_tracked *row = lfirst(cell);

		if (row->rekey_of == newest->id)
			newest->rekey_id = row->id;
	}
	newest->fields = athar_definition_read(newest->id);
	return newest;
}

/* The newest version of a lineage; NULL if there is none. */
athar_tracked *
athar_tracking_newest(int32 lineage)
{
	return newest_row(athar_tracking_rows(lineage));
}

/* The greatest number that a column ever had under a lineage. */
static int32
last_number(List *rows)
{
	int32		last = 0;
	ListCell   *cell;

	foreach(cell, rows)
	{
		athar_tracked *row = lfirst(cell);

		if (row->rekey_of == 0)
			last = Max(last, athar_definition_last_number(row->id));
	}
	return last;
}

/* The columns that the newest version of a table would have now. */
static List *
present_fields(const athar_tracked *newest, List *rows, Relation relation)
{
	bool		is_same = athar_tracking_is_here(newest) &&
	newest->relation_oid == RelationGetRelid(relation);

	return athar_definition_of(relation, newest->fields, is_same,
							   last_number(rows));
}

static athar_tracked *
present_row(int32 lineage, Oid relid)
{
	List	   *rows = athar_tracking_rows(lineage);
	athar_tracked *row = newest_row(rows);
	Relation	relation = table_open(relid, AccessShareLock);

	row->fields = present_fields(row, rows, relation);
	table_close(relation, NoLock);
	return row;
}

/*
 * The newest version of the table that this relation is, or was before a dump
 * was restored, with the columns that it has now; NULL if it was never
 * tracked.
 */
athar_tracked *
athar_tracking_of(Oid relid)
{
	List	   *rows = athar_tracking_rows(0);
	athar_tracked now = {0};
	int32		lineage = 0;
	ListCell   *cell;

	/* an OID that somebody made up */
	if (!relation_exists(relid))
		return NULL;
	place(&now, relid);
	foreach(cell, rows)
	{
		athar_tracked *row = lfirst(cell);

		if (athar_tracking_is_here(row) && row->relation_oid == relid)
			lineage = row->lineage;
	}
	if (lineage == 0)
	{
		foreach(cell, rows)
		{
			athar_tracked *row = lfirst(cell);

			if (strcmp(row->relation, now.relation) == 0 &&
				may_continue(row, relid) &&
				!(athar_tracking_is_here(row) && relation_exists(row->relation_oid)))
				lineage = row->lineage;
		}
	}
	return lineage == 0 ? NULL : present_row(lineage, relid);
}

/* The table itself, as far as it exists. */
Oid
athar_tracking_relation(const athar_tracked *row)
{
	Oid			relid = athar_tracking_is_here(row) && relation_exists(row->relation_oid) ?
	row->relation_oid : named_relation(row->relation);
	athar_tracked *found = OidIsValid(relid) ? athar_tracking_of(relid) : NULL;

	return found && found->lineage == row->lineage ? relid : InvalidOid;
}

/* Is a lineage that of a table of this extension? */
bool
athar_tracking_is_ours(int32 lineage)
{
	return lineage < FIRST_LINEAGE;
}

static bool
is_newest(const athar_tracked *row, List *rows)
{
	ListCell   *cell;

	foreach(cell, rows)
	{
		athar_tracked *other = lfirst(cell);

		if (other->lineage == row->lineage && other->rekey_of == 0 &&
			other->id > row->id)
			return false;
	}
	return row->rekey_of == 0;
}

/* The tables that are tracked now. */
List *
athar_tracking_relations(void)
{
	List	   *rows = athar_tracking_rows(0);
	List	   *relations = NIL;
	ListCell   *cell;

	foreach(cell, rows)
	{
		athar_tracked *row = lfirst(cell);
		Oid			relid;

		CHECK_FOR_INTERRUPTS();
		if (row->untracked_at != DT_NOEND || !is_newest(row, rows))
			continue;
		relid = athar_tracking_relation(row);
		if (OidIsValid(relid))
			relations = lappend_oid(relations, relid);
	}
	return relations;
}

/*
 * The row with which the tracking of a table begins, or begins again: of what
 * is known of its columns, their numbers alone go on.
 */
void
athar_tracking_begin(athar_tracked *row, Relation relation)
{
	athar_tracked *was = athar_tracking_of(RelationGetRelid(relation));
	ListCell   *cell;

	row->lineage = was ? was->lineage : 0;
	row->fields = was ? was->fields : athar_definition_of(relation, NIL,
														  false, 0);
	foreach(cell, row->fields)
	{
		athar_field *field = lfirst(cell);

		field->is_excluded = field->is_masked = false;
	}
	place(row, RelationGetRelid(relation));
}

/*
 * What the capture knows of a relation
 */

bool
athar_tracking_is_capture(Oid function)
{
	char	   *name = get_func_name(function);
	char	   *schema = get_namespace_name(get_func_namespace(function));

	return name && schema && strcmp(name, "capture_change") == 0 &&
		strcmp(schema, "athar") == 0;
}

static bool
is_capture_trigger(const Trigger *trigger, int32 lineage)
{
	return trigger->tgnargs > 0 &&
		strtol(trigger->tgargs[0], NULL, 10) == lineage &&
		athar_tracking_is_capture(trigger->tgfoid);
}

bool
athar_tracking_has_trigger(Relation relation, int32 lineage)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		if (is_capture_trigger(&triggers->triggers[i], lineage))
			return true;
	}
	return false;
}

/* The relation and the tables it is a partition of, topmost first. */
static List *
ancestors_and_self(Relation relation)
{
	List	   *oids = list_make1_oid(RelationGetRelid(relation));
	ListCell   *cell;

	if (!relation->rd_rel->relispartition)
		return oids;
	foreach(cell, get_partition_ancestors(RelationGetRelid(relation)))
		oids = lcons_oid(lfirst_oid(cell), oids);
	return oids;
}

static Oid
topmost_with_trigger(List *candidates, int32 lineage)
{
	ListCell   *cell;

	foreach(cell, candidates)
	{
		Relation	relation = table_open(lfirst_oid(cell), AccessShareLock);
		bool		has = athar_tracking_has_trigger(relation, lineage);

		table_close(relation, NoLock);
		if (has)
			return lfirst_oid(cell);
	}
	return llast_oid(candidates);
}

static void
refuse_stranger(Relation relation, int32 lineage)
{
	ereport(ERROR,
			(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
			 errmsg("table \"%s\" is not the one tracked under number %d",
					RelationGetRelationName(relation), lineage),
			 errdetail("Its trigger would write the history of another table; nothing was changed."),
			 errhint("Drop the trigger of function athar.capture_change(), then call athar.track() on the table.")));
}

/*
 * The tracked table itself, where the trigger's number may be believed;
 * elsewhere none.
 */
Oid
athar_tracking_root(Relation relation, const athar_tracked *row)
{
	List	   *candidates = ancestors_and_self(relation);
	athar_tracked now = {0};
	Oid			root;

	if (athar_tracking_is_here(row) && list_member_oid(candidates, row->relation_oid))
		return row->relation_oid;
	if (athar_tracking_is_here(row) && relation_exists(row->relation_oid))
		return InvalidOid;
	root = topmost_with_trigger(candidates, row->lineage);
	place(&now, root);
	if (!may_continue(row, root) ||
		(strcmp(now.relation, row->relation) != 0 &&
		 (athar_tracking_is_here(row) || OidIsValid(named_relation(row->relation)))))
		return InvalidOid;
	return root;
}

/* The same for a relation that may be gone by now. */
Oid
athar_tracking_root_of(Oid relid, const athar_tracked *row)
{
	Relation	relation = try_relation_open(relid, AccessShareLock);
	Oid			root;

	if (relation == NULL)
		return InvalidOid;
	root = athar_tracking_root(relation, row);
	relation_close(relation, NoLock);
	return root;
}

/* Was a relation that is gone by now the tracked table? */
bool
athar_tracking_is_dropped(const athar_tracked *row, Oid relid,
						  const char *name, Oid owner)
{
	if (relation_exists(relid))
		return false;
	return athar_tracking_is_here(row) ? row->relation_oid == relid
		: strcmp(row->relation, name) == 0 && is_heir(row, owner);
}

/*
 * Bring a row up to the table's present definition, with a further version in
 * the log where that is new, and tell what changed.  The rows of our own tables
 * are as the install script wrote them.
 */
void
athar_tracking_follow(athar_tracked *row, Relation root,
					  athar_amendment *amendment)
{
	athar_tracked was = *row;

	row->fields = present_fields(&was, athar_tracking_rows(was.lineage), root);
	place(row, RelationGetRelid(root));
	if (row->lineage < FIRST_LINEAGE ||
		(athar_tracking_is_here(&was) && was.relation_oid == row->relation_oid &&
		 was.untracked_at == DT_NOEND &&
		 strcmp(was.relation, row->relation) == 0 &&
		 strcmp(was.owner_name, row->owner_name) == 0 &&
		 athar_definition_same(was.fields, row->fields)))
		return;
	if (was.untracked_at != DT_NOEND)
		row->tracked_at = GetCurrentTransactionStartTimestamp();
	athar_tracking_write(row);
	athar_amendment_text(amendment, "relation", was.relation, row->relation);
	athar_amendment_text(amendment, "owner", was.owner_name, row->owner_name);
	athar_amendment_fields(amendment, was.fields, row->fields);
}

static void
forget(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	athar_capture_plan *plan;

	invalidations++;
	if (plans == NULL)
		return;
	hash_seq_init(&status, plans);
	while ((plan = hash_seq_search(&status)) != NULL)
	{
		if (!OidIsValid(relid) || plan->key.relid == relid ||
			plan->root == relid)
			plan->is_valid = false;
	}
}

static void
forget_schema(Datum arg, int cache, uint32 hash)
{
	forget(arg, InvalidOid);
}

/* Rows written by what is rolled back are gone, and with them their ids. */
static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	if (wrote_rows && event == XACT_EVENT_ABORT)
		forget((Datum) 0, InvalidOid);
	wrote_rows = false;
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	if (wrote_rows && event == SUBXACT_EVENT_ABORT_SUB)
		forget((Datum) 0, InvalidOid);
}

void
athar_tracking_init(void)
{
	CacheRegisterRelcacheCallback(forget, (Datum) 0);
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget_schema, (Datum) 0);
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

static athar_capture_plan *
plan_entry(Relation relation, int32 lineage)
{
	athar_capture_plan key;
	athar_capture_plan *plan;
	bool		found;

	if (plans == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(key.key),
			.entrysize = sizeof(athar_capture_plan)
		};

		plans = hash_create("athar capture plans", 64, &control,
							HASH_ELEM | HASH_BLOBS);
	}
	memset(&key, 0, sizeof(key));
	key.key.relid = RelationGetRelid(relation);
	key.key.lineage = lineage;
	plan = hash_search(plans, &key.key, HASH_ENTER, &found);
	if (!found)
	{
		plan->is_valid = false;
		plan->context = NULL;
		plan->root = InvalidOid;
	}
	return plan;
}

static void
make_plan(athar_capture_plan *plan, Relation relation)
{
	int32		lineage = plan->key.lineage;
	athar_tracked *row = athar_tracking_newest(lineage);
	Oid			root = row ? athar_tracking_root(relation, row) : InvalidOid;
	Relation	root_relation;
	athar_amendment amendment;

	if (!OidIsValid(root))
		refuse_stranger(relation, lineage);
	root_relation = table_open(root, AccessShareLock);
	athar_amendment_begin(&amendment, NULL);
	athar_tracking_follow(row, root_relation, &amendment);
	athar_amendment_write(&amendment, row->id);
	plan->root = root;
	plan->tracked = *row;
	plan->shape = athar_definition_shape(relation, root_relation, row->fields);
	table_close(root_relation, NoLock);
}

/*
 * What the capture knows of a relation; found anew when the table changed.
 * An older plan may still be in use further up the stack, so its memory goes
 * with the transaction.
 */
athar_capture_plan *
athar_tracking_plan(Relation relation, int32 lineage)
{
	athar_capture_plan *plan = plan_entry(relation, lineage);
	uint64		before = invalidations;
	MemoryContext context;
	MemoryContext old;

	if (plan->is_valid)
		return plan;
	context = AllocSetContextCreate(CurrentMemoryContext,
									"athar capture plan",
									ALLOCSET_SMALL_SIZES);
	old = MemoryContextSwitchTo(context);
	if (plan->context)
		MemoryContextSetParent(plan->context, TopTransactionContext);
	plan->context = NULL;
	make_plan(plan, relation);
	plan->is_valid = before == invalidations;
	MemoryContextSwitchTo(old);
	MemoryContextSetParent(context, CacheMemoryContext);
	plan->context = context;
	return plan;
}
