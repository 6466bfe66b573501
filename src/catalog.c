/*
 * catalog.c
 *	  Our own tables seen from C.
 *
 * The capture inserts log rows directly into heap and indexes, under nobody's
 * privileges: that is faster than a query, and because of it no role needs
 * INSERT on the log, so none can forge it.  In return the tables written here
 * must stay plain: no defaults, no partial or expression indexes, no
 * partitions, and no triggers that have to fire.
 *
 * OIDs are looked up once and forgotten when the relation cache says that one
 * of the tables changed.
 */
#include "athar.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "commands/extension.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "miscadmin.h"
#include "nodes/primnodes.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/xml.h"

#include "buffer.h"
#include "catalog.h"

#define SCHEMA "athar"

static const char *const table_names[ATHAR_TABLES] = {
	"tracked_table", "tracked_column", "log_transaction", "log_entry", "mark",
	"tracking_check", "seal_batch", "seal_tile", "log_archive", "kpi",
	"kpi_source", "dirty_bucket", "dirty_source", "access_grant",
	"unseen_figure", "plan_item"
};

static const char *const sequence_names[ATHAR_TABLES] = {
	"tracked_table_id_seq", NULL, "log_transaction_id_seq",
	"log_entry_id_seq", "mark_id_seq", "tracking_check_id_seq", NULL, NULL,
	"log_archive_id_seq"		/* the others draw no numbers here */
};

static Oid	tables[ATHAR_TABLES];
static Oid	sequences[ATHAR_TABLES];

static void
forget(Datum arg, Oid relid)
{
	for (int i = 0; i < ATHAR_TABLES; i++)
	{
		if (!OidIsValid(relid) || relid == tables[i])
			tables[i] = InvalidOid;
		if (!OidIsValid(relid) || relid == sequences[i])
			sequences[i] = InvalidOid;
	}
}

void
athar_catalog_init(void)
{
	CacheRegisterRelcacheCallback(forget, (Datum) 0);
}

static Oid
look_up(const char *name)
{
	Oid			schema = get_namespace_oid(SCHEMA, false);
	Oid			relid = get_relname_relid(name, schema);

	if (!OidIsValid(relid))
		elog(ERROR, "relation \"%s.%s\" does not exist", SCHEMA, name);
	return relid;
}

/* Are the tables there? Not while the extension is dropped. */
bool
athar_catalog_is_complete(void)
{
	Oid			schema = get_namespace_oid(SCHEMA, true);

	for (int i = 0; i < ATHAR_TABLES && OidIsValid(schema); i++)
	{
		if (!OidIsValid(get_relname_relid(table_names[i], schema)) ||
			(sequence_names[i] &&
			 !OidIsValid(get_relname_relid(sequence_names[i], schema))))
			return false;
	}
	return OidIsValid(schema);
}

Oid
athar_catalog_oid(athar_table table)
{
	if (!OidIsValid(tables[table]))
		tables[table] = look_up(table_names[table]);
	return tables[table];
}

/* The next id of a table, whoever asks. */
int64
athar_catalog_nextval(athar_table table)
{
	if (!OidIsValid(sequences[table]))
		sequences[table] = look_up(sequence_names[table]);
	return nextval_internal(sequences[table], false);
}

/* Insert one row into a table of the log, under nobody's privileges. */
void
athar_catalog_insert(athar_table table, Datum *values, bool *nulls)
{
	Relation	relation = table_open(athar_catalog_oid(table),
									  RowExclusiveLock);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(relation),
										values, nulls);

	CatalogTupleInsert(relation, tuple);
	heap_freetuple(tuple);
	table_close(relation, RowExclusiveLock);
}

/* Insert a row likewise, before the transaction commits at the latest. */
void
athar_catalog_append(athar_table table, Datum *values, bool *nulls)
{
	athar_buffer_add(athar_catalog_oid(table), values, nulls);
}

/*
 * Make every entry that this session has captured so far readable by a query
 * that begins now.  Whoever reads the log in C calls this first.
 */
void
athar_catalog_flush(void)
{
	athar_buffer_flush();
}

/* Put another row in the place of one; the same rules hold. */
void
athar_catalog_update(athar_table table, ItemPointer place, Datum *values,
					 bool *nulls)
{
	Relation	relation = table_open(athar_catalog_oid(table),
									  RowExclusiveLock);
	HeapTuple	tuple = heap_form_tuple(RelationGetDescr(relation),
										values, nulls);

	CatalogTupleUpdate(relation, place, tuple);
	heap_freetuple(tuple);
	table_close(relation, RowExclusiveLock);
}

/* The index of the primary key; releases differ in how they are asked. */
Oid
athar_catalog_primary_key(Relation relation)
{
	list_free(RelationGetIndexList(relation));
	return relation->rd_pkindex;
}

/* Remove a row. */
void
athar_catalog_delete(athar_table table, ItemPointer place)
{
	Relation	relation = table_open(athar_catalog_oid(table),
									  RowExclusiveLock);

	simple_heap_delete(relation, place);
	table_close(relation, RowExclusiveLock);
}

/* Does the relation belong to this extension? */
bool
athar_catalog_is_member(Oid relid)
{
	Oid			extension = get_extension_oid("athar", true);

	return OidIsValid(extension) &&
		getExtensionOfObject(RelationRelationId, relid) == extension;
}

/*
 * Is the session restoring a dump?
 *
 * The settings that every script of pg_dump begins with tell, so that nobody
 * has to remember a switch.  They are anybody's to set: therefore they are
 * believed only where everybody concerned may insert into the log anyway: who
 * logged in, the role in force (SET ROLE), and the user whose rights apply (a
 * function, or the owner of a table that the server maintains).  Callers apply
 * this to INSERT alone; a dump contains nothing else.
 */
static bool
may_insert(Oid role)
{
	return pg_class_aclcheck(athar_catalog_oid(ATHAR_LOG_ENTRY),
							 role, ACL_INSERT) == ACLCHECK_OK;
}

bool
athar_catalog_is_restore(void)
{
	return !row_security &&
		!check_function_bodies &&
		xmloption == XMLOPTION_CONTENT &&
		namespace_search_path[0] == '\0' &&
		may_insert(GetSessionUserId()) &&
		may_insert(GetOuterUserId()) &&
		may_insert(GetUserId());
}

/* Refuse a relation for what it is; the message takes its name. */
void
athar_catalog_refuse_kind(const char *message, Relation relation,
						  const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg(message, RelationGetRelationName(relation)),
			 errdetail("Nothing was changed."),
			 errhint("%s", hint)));
}

/* Does a role own a relation? */
bool
athar_catalog_owns(Oid role, Oid relid)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(RelationRelationId, relid, role);
#else
	return pg_class_ownercheck(relid, role);
#endif
}

/* Refuse who owns neither a tracked table nor the log. */
void
athar_catalog_require_owner(Oid relid)
{
	if (!athar_catalog_owns(GetUserId(), relid) &&
		!athar_catalog_owns(GetUserId(),
							athar_catalog_oid(ATHAR_LOG_ENTRY)))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, get_rel_name(relid));
}

/*
 * From here to AtEOXact_GUC(true, what this answers) no name of a user's can
 * stand in for the server's.
 */
int
athar_catalog_pin_names(void)
{
	int			guc_level = NewGUCNestLevel();

	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	return guc_level;
}

static void
become(Oid user, int context, athar_owner_state *state)
{
	state->guc_level = athar_catalog_pin_names();
	GetUserIdAndSecContext(&state->user, &state->security_context);
	SetUserIdAndSecContext(user, state->security_context | context);
}

/*
 * Go on as the owner of a table of ours, as the server's own foreign keys do,
 * with a search path in which no name of a user's can stand in for the
 * server's.  An error undoes it through the (sub)transaction's own clean-up.
 */
void
athar_catalog_become_owner(Oid relid, athar_owner_state *state)
{
	Relation	relation = table_open(relid, AccessShareLock);
	Oid			owner = relation->rd_rel->relowner;

	table_close(relation, NoLock);
	become(owner, SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS, state);
}

void
athar_catalog_resign(athar_owner_state *state)
{
	SetUserIdAndSecContext(state->user, state->security_context);
	AtEOXact_GUC(true, state->guc_level);
}

/*
 * Go on as a table's owner where his functions may be called (checks of a
 * domain, say, when a value is read): they run for his own writes anyway, and
 * must not get the rights of whoever looks at the table, nor find names of his
 * in place of their own.  Restricted as they are for ANALYZE.  An error undoes
 * it through the transaction's clean-up.
 */
void
athar_catalog_restrict(Oid user, athar_owner_state *state)
{
	become(user, SECURITY_RESTRICTED_OPERATION, state);
}

void
athar_catalog_unrestrict(athar_owner_state *state)
{
	AtEOXact_GUC(false, state->guc_level);
	SetUserIdAndSecContext(state->user, state->security_context);
}

/* Tell whether the session is restoring a dump (see above). */
PG_FUNCTION_INFO_V1(athar_is_restoring);
Datum
athar_is_restoring(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(athar_catalog_is_restore());
}

/* Refuse every write by hand to a table of the log. */
PG_FUNCTION_INFO_V1(athar_refuse_change);
Datum
athar_refuse_change(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("refuse_change: must be called as trigger")));
	if (creating_extension ||
		(TRIGGER_FIRED_BY_INSERT(trigger->tg_event) &&
		 athar_catalog_is_restore()))
		return PointerGetDatum(NULL);
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('A', 'T', '0', '0', '3')),
			 errmsg("table \"%s\" of the change log is append-only",
					RelationGetRelationName(trigger->tg_relation)),
			 errdetail("It is written by the capture of changes alone; nothing was changed."),
			 errhint("Correct the tracked table instead: the correction becomes an entry of its own.")));
	return PointerGetDatum(NULL);	/* keep the compiler quiet */
}
