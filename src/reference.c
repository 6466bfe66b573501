/*
 * reference.c
 *	  References between our own tables, without FOREIGN KEY.
 *
 * A dump loads the tables of an extension one by one, in an order that knows
 * nothing of their references: parallel restore loads children first, and
 * cycles and self-references fail even in one session.  These two triggers
 * promise what a foreign key with NO ACTION does, ask the same questions under
 * the same locks, and are silent while a dump is restored, because the dump
 * held a consistent state.  What they do not promise: that ALTER TABLE or a
 * superuser's session_replication_role leaves the state consistent.
 *
 * Parents that this transaction has locked already are remembered, so a bulk
 * load asks once per parent.  Whatever may release such a lock or remove the
 * parent forgets them: the end of the transaction, a rolled back savepoint, a
 * delete.
 */
#include "athar.h"

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "catalog.h"
#include "reference.h"

/* More parents than this are looked up again rather than remembered. */
#define LOCKED_MAX 10000

#define EQUALS "OPERATOR(pg_catalog.=)"

typedef struct parent_key
{
	Oid			relid;
	int32		id;
} parent_key;

/* One prepared question; relid is the table asked, column that of a child. */
typedef struct question_key
{
	Oid			relid;
	AttrNumber	column;
	int16		kind;
} question_key;

typedef struct question
{
	question_key key;
	SPIPlanPtr	plan;
} question;

enum
{
	PARENT_EXISTS,
	CHILD_EXISTS,
	ANY_CHILD_EXISTS,
	ANCESTOR_IS
};

static const char *const question_text[] = {
	[PARENT_EXISTS] =
	"SELECT 1 FROM ONLY %1$s x WHERE x.id " EQUALS " $1 FOR KEY SHARE OF x",
	[CHILD_EXISTS] =
	"SELECT 1 FROM ONLY %1$s x WHERE x.%2$s " EQUALS " $1 FOR KEY SHARE OF x",
	[ANY_CHILD_EXISTS] =
	"SELECT 1 FROM ONLY %1$s x WHERE x.%2$s IS NOT NULL",
	[ANCESTOR_IS] =
	"WITH RECURSIVE up(id) AS ("
	"SELECT $1 UNION "
	"SELECT x.%2$s FROM ONLY %1$s x JOIN up ON x.id " EQUALS " up.id) "
	"SELECT 1 FROM up WHERE up.id " EQUALS " $2"
};

static HTAB *locked;
static HTAB *questions;

static void
forget_locked(void)
{
	if (locked)
		hash_destroy(locked);
	locked = NULL;
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	locked = NULL;				/* it lived in the transaction's memory */
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		forget_locked();
}

static bool
is_locked(parent_key key)
{
	return locked && hash_search(locked, &key, HASH_FIND, NULL);
}

static void
remember_locked(parent_key key)
{
	if (locked == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(parent_key),
			.entrysize = sizeof(parent_key),
			.hcxt = TopTransactionContext
		};

		locked = hash_create("athar locked parents", 64, &control,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	}
	if (hash_get_num_entries(locked) < LOCKED_MAX)
		hash_search(locked, &key, HASH_ENTER, NULL);
}

static SPIPlanPtr
prepare(int kind, Oid relid, const char *column)
{
	Oid			types[2] = {INT4OID, INT4OID};
	int			arguments = kind == ANCESTOR_IS ? 2 :
	kind == ANY_CHILD_EXISTS ? 0 : 1;
	char	   *table =
	quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
							   get_rel_name(relid));
	char	   *text = psprintf(question_text[kind], table,
								column ? quote_identifier(column) : "");
	SPIPlanPtr	plan = SPI_prepare(text, arguments, types);

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\"", text);
	SPI_keepplan(plan);
	return plan;
}

static SPIPlanPtr
plan_of(int kind, Oid relid, const char *column)
{
	question_key key = {
		.relid = relid,
		.column = column ? get_attnum(relid, column) : 0,
		.kind = kind
	};
	question   *entry;
	bool		found;

	if (questions == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(question_key),
			.entrysize = sizeof(question)
		};

		questions = hash_create("athar reference questions", 64, &control,
								HASH_ELEM | HASH_BLOBS);
	}
	entry = hash_search(questions, &key, HASH_FIND, &found);
	if (!found)
	{
		SPIPlanPtr	plan = prepare(kind, relid, column);

		entry = hash_search(questions, &key, HASH_ENTER, NULL);
		entry->plan = plan;
	}
	return entry->plan;
}

/*
 * Put a question to a table as its owner.
 *
 * Like the server's foreign keys: under READ COMMITTED every question sees
 * what is committed now.  In a transaction with one snapshot, a parent must be
 * visible in that one, whereas children and ancestors that others committed
 * since must be seen too; locking such a child fails with 40001.
 */
static bool
ask(int kind, Oid relid, const char *column, int32 first, int32 second)
{
	Datum		values[2] = {Int32GetDatum(first), Int32GetDatum(second)};
	Snapshot	snapshot = InvalidSnapshot;
	Snapshot	crosscheck = InvalidSnapshot;
	athar_owner_state state;
	SPIPlanPtr	plan;
	bool		found;

	SPI_connect();
	athar_catalog_become_owner(relid, &state);
	plan = plan_of(kind, relid, column);
	if (IsolationUsesXactSnapshot() && kind != PARENT_EXISTS)
	{
		CommandCounterIncrement();
		snapshot = GetLatestSnapshot();
		if (kind == CHILD_EXISTS)
			crosscheck = GetTransactionSnapshot();
	}
	if (SPI_execute_snapshot(plan, values, NULL, snapshot, crosscheck,
							 false, false, 1) != SPI_OK_SELECT)
		elog(ERROR, "a question of a reference failed");
	found = SPI_processed > 0;
	athar_catalog_resign(&state);
	SPI_finish();
	return found;
}

static Oid
sibling(Relation relation, const char *name)
{
	Oid			relid = get_relname_relid(name,
										  RelationGetNamespace(relation));

	if (!OidIsValid(relid))
		elog(ERROR, "table \"%s\" of a reference does not exist", name);
	return relid;
}

/* The value of an integer column; its type is a promise of the tables. */
static int32
integer_value(TupleTableSlot *slot, const char *column, bool *isnull)
{
	TupleDesc	descriptor = slot->tts_tupleDescriptor;
	int			attnum = SPI_fnumber(descriptor, column);

	if (attnum <= 0 || SPI_gettypeid(descriptor, attnum) != INT4OID)
		elog(ERROR, "column \"%s\" of a reference is no integer", column);
	return DatumGetInt32(slot_getattr(slot, attnum, isnull));
}

static void
refuse_orphan(Relation child, const char *column, const char *parent, int32 id)
{
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("insert or update on table \"%s\" violates the reference of column \"%s\"",
					RelationGetRelationName(child), column),
			 errdetail("Key (%s)=(%d) is not present in table \"%s\".",
					   column, id, parent),
			 errhint("Write the row of \"%s\" first, or refer to one that is there.",
					 parent),
			 errtablecol(child, get_attnum(RelationGetRelid(child), column))));
}

static void
check_parent(Relation child, const char *column, const char *parent, int32 id)
{
	parent_key	key = {.relid = sibling(child, parent),.id = id};

	if (is_locked(key))
		return;
	if (!ask(PARENT_EXISTS, key.relid, NULL, id, 0))
		refuse_orphan(child, column, parent, id);
	remember_locked(key);
}

/*
 * Refuse a loop in a tree.
 *
 * Two sessions could each make one half of a loop that neither sees, so
 * changes of a tree queue up on a lock of their own.  An inserted row needs no
 * lock: nobody else can refer to it yet.
 */
static void
check_tree(Relation child, const char *column, int32 id, int32 parent,
		   bool is_update)
{
	Oid			relid = RelationGetRelid(child);

	if (is_update)
		LockDatabaseObject(RelationRelationId, relid, 0, ExclusiveLock);
	if (!ask(ANCESTOR_IS, relid, column, parent, id))
		return;
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('A', 'T', '0', '0', '6')),
			 errmsg("column \"%s\" of table \"%s\" would make a loop",
					column, RelationGetRelationName(child)),
			 errdetail("Row %d is above row %d already, or is that row itself.",
					   id, parent),
			 errhint("Choose a row that is not below this one."),
			 errtablecol(child, get_attnum(relid, column))));
}

static void
check_column(TriggerData *trigger, const char *column, const char *parent,
			 bool is_tree)
{
	bool		is_update = TRIGGER_FIRED_BY_UPDATE(trigger->tg_event);
	TupleTableSlot *row = is_update ? trigger->tg_newslot
	: trigger->tg_trigslot;
	bool		isnull;
	int32		value = integer_value(row, column, &isnull);

	if (isnull)
		return;
	if (is_update)
	{
		bool		was_null;
		int32		old = integer_value(trigger->tg_trigslot, column,
										&was_null);

		if (!was_null && old == value)
			return;
	}
	check_parent(trigger->tg_relation, column, parent, value);
	if (is_tree)
		check_tree(trigger->tg_relation, column,
				   integer_value(row, "id", &isnull), value, is_update);
}

static TriggerData *
trigger_of(FunctionCallInfo fcinfo, const char *function)
{
	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s: must be called as trigger", function)));
	if (!TRIGGER_FIRED_AFTER(((TriggerData *) fcinfo->context)->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("%s: must be fired after the change", function)));
	return (TriggerData *) fcinfo->context;
}

/* Refuse a row that refers to one which does not exist. */
PG_FUNCTION_INFO_V1(athar_check_references);
Datum
athar_check_references(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_of(fcinfo, "check_references");
	char	  **arguments = trigger->tg_trigger->tgargs;

	if (!TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ||
		TRIGGER_FIRED_BY_DELETE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("check_references: must be fired for each row inserted or updated")));
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) &&
		athar_catalog_is_restore())
		return PointerGetDatum(NULL);
	for (int i = 0; i + 2 < trigger->tg_trigger->tgnargs; i += 3)
		check_column(trigger, arguments[i], arguments[i + 1],
					 arguments[i + 2][0] != '\0');
	return PointerGetDatum(NULL);
}

/* A row as people know it: its id, and its code where it has one. */
static char *
name_row(TriggerData *trigger, int32 id)
{
	TupleTableSlot *slot = trigger->tg_trigslot;
	int			attnum = SPI_fnumber(slot->tts_tupleDescriptor, "code");
	bool		isnull;
	Datum		code;

	if (attnum > 0)
	{
		code = slot_getattr(slot, attnum, &isnull);
		if (!isnull)
			return psprintf("Key (id)=(%d) with code \"%s\"", id,
							TextDatumGetCString(code));
	}
	return psprintf("Key (id)=(%d)", id);
}

static void
refuse_removal(TriggerData *trigger, const char *child, const char *column,
			   const char *row)
{
	ereport(ERROR,
			(errcode(ERRCODE_FOREIGN_KEY_VIOLATION),
			 errmsg("update or delete on table \"%s\" violates the reference of column \"%s\" of table \"%s\"",
					RelationGetRelationName(trigger->tg_relation),
					column, child),
			 errdetail("%s is still referenced from table \"%s\".",
					   row, child),
			 errhint("Remove or redirect what refers to it first."),
			 errtable(trigger->tg_relation)));
}

static void
check_children(TriggerData *trigger, int32 id)
{
	char	  **arguments = trigger->tg_trigger->tgargs;

	for (int i = 0; i + 1 < trigger->tg_trigger->tgnargs; i += 2)
	{
		Oid			child = sibling(trigger->tg_relation, arguments[i]);

		if (ask(CHILD_EXISTS, child, arguments[i + 1], id, 0))
			refuse_removal(trigger, arguments[i], arguments[i + 1],
						   name_row(trigger, id));
	}
}

static void
check_truncate(TriggerData *trigger)
{
	char	  **arguments = trigger->tg_trigger->tgargs;

	for (int i = 0; i + 1 < trigger->tg_trigger->tgnargs; i += 2)
	{
		Oid			child = sibling(trigger->tg_relation, arguments[i]);

		if (ask(ANY_CHILD_EXISTS, child, arguments[i + 1], 0, 0))
			refuse_removal(trigger, arguments[i], arguments[i + 1],
						   "One of its rows");
	}
}

/* Refuse to remove a row, or its id, while another refers to it. */
PG_FUNCTION_INFO_V1(athar_keep_referenced);
Datum
athar_keep_referenced(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = trigger_of(fcinfo, "keep_referenced");
	bool		isnull;
	int32		id;

	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("keep_referenced: must not be fired by insert")));
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
	{
		forget_locked();
		check_truncate(trigger);
		return PointerGetDatum(NULL);
	}
	id = integer_value(trigger->tg_trigslot, "id", &isnull);
	if (TRIGGER_FIRED_BY_UPDATE(trigger->tg_event) &&
		integer_value(trigger->tg_newslot, "id", &isnull) == id)
		return PointerGetDatum(NULL);
	forget_locked();
	check_children(trigger, id);
	return PointerGetDatum(NULL);
}

void
athar_reference_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}
