/*
 * track.c
 *	  What track() and untrack() ask before they make or drop triggers.
 *
 * The triggers themselves are made in SQL, with the rights of whoever calls;
 * what nobody has rights to, the rows of tracked_table, is written here.
 */
#include "athar.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "mark.h"
#include "tracking.h"

static void
refuse_kind(const char *message, Relation relation, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg(message, RelationGetRelationName(relation)),
			 errdetail("Nothing was changed."),
			 errhint("%s", hint)));
}

static void
check_kind(Relation relation)
{
	switch (relation->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			break;
		case RELKIND_FOREIGN_TABLE:
			refuse_kind("\"%s\" is a foreign table and cannot be tracked",
						relation, "Track it on the server that holds its rows.");
			break;
		case RELKIND_MATVIEW:
			refuse_kind("\"%s\" is a materialized view and cannot be tracked",
						relation, "Track the tables it is made from.");
			break;
		case RELKIND_VIEW:
			refuse_kind("\"%s\" is a view and cannot be tracked",
						relation, "Track the tables it is made from.");
			break;
		default:
			refuse_kind("\"%s\" is not a table and cannot be tracked",
						relation, "Name a table.");
	}
	/* what initdb made, the information schema with it */
	if (RelationGetRelid(relation) < FirstNormalObjectId)
		refuse_kind("\"%s\" is a system catalog and cannot be tracked",
					relation, "Name a table of your own.");
	if (relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		refuse_kind("\"%s\" is a temporary table and cannot be tracked",
					relation, "Track a permanent table; a temporary one leaves nothing to remember.");
	if (athar_catalog_is_member(RelationGetRelid(relation)))
		refuse_kind("\"%s\" belongs to athar, which decides itself what of it is tracked",
					relation, "Its changes, where they are people's decisions, are in athar.change_log already.");
}

static void
check_owner(Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
#if PG_VERSION_NUM >= 160000
	bool		is_owner = object_ownercheck(RelationRelationId, relid, GetUserId());
#else
	bool		is_owner = pg_class_ownercheck(relid, GetUserId());
#endif

	if (!is_owner)
		aclcheck_error(ACLCHECK_NOT_OWNER,
					   get_relkind_objtype(relation->rd_rel->relkind),
					   RelationGetRelationName(relation));
}

/* Is the relation tracked by itself, rather than as a partition? */
static bool
is_tracked(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	athar_tracked *row = NULL;
	bool		tracked;

	if (relation->trigdesc)
		row = athar_tracking_of(relid);
	tracked = row && row->untracked_at == DT_NOEND &&
		athar_tracking_has_trigger(relation, row->lineage);
	table_close(relation, NoLock);
	return tracked;
}

static void
check_untracked(Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	ListCell   *cell;

	if (is_tracked(relid))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("table \"%s\" is tracked already",
						RelationGetRelationName(relation)),
				 errdetail("Its options stay as they are."),
				 errhint("To change them, call athar.untrack() and athar.track() in one transaction; the history stays one.")));
	foreach(cell, get_partition_ancestors(relid))
	{
		if (is_tracked(lfirst_oid(cell)))
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("table \"%s\" is a partition of a tracked table",
							RelationGetRelationName(relation)),
					 errdetail("Its changes are in the log already, as changes of table \"%s\".",
							   get_rel_name(lfirst_oid(cell))),
					 errhint("Nothing has to be done.")));
	}
	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	foreach(cell, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		if (lfirst_oid(cell) != relid && is_tracked(lfirst_oid(cell)))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("partition \"%s\" of table \"%s\" is tracked already",
							get_rel_name(lfirst_oid(cell)),
							RelationGetRelationName(relation)),
					 errdetail("Its changes would be logged twice."),
					 errhint("Call athar.untrack() on the partition first.")));
	}
}

/* A column that is to be excluded or masked. */
static athar_field *
find_secret(athar_tracked *row, Relation relation, char *name)
{
	athar_field *field = athar_definition_find(row->fields, name);

	if (field == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						name, RelationGetRelationName(relation)),
				 errdetail("A column to be kept out of the log must be named as it is, or it would be logged."),
				 errhint("Check the spelling; names are taken literally, without quotes.")));
	if (field->is_key)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" is part of the key of table \"%s\" and cannot be excluded or masked",
						name, RelationGetRelationName(relation)),
				 errdetail("Without it the log could not say which row changed."),
				 errhint("Name other columns, or give the table a key that holds no secret.")));
	return field;
}

static void
refuse_both(Relation relation, const athar_field *field)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("column \"%s\" of table \"%s\" cannot be both excluded and masked",
					field->name, RelationGetRelationName(relation)),
			 errdetail("Of an excluded column the log tells nothing, of a masked one that it changed."),
			 errhint("Name it in one of the two.")));
}

static void
keep_secret(athar_tracked *row, Relation relation, ArrayType *names,
			bool is_mask)
{
	Datum	   *elements;
	bool	   *nulls;
	int			count;

	deconstruct_array(names, TEXTOID, -1, false, TYPALIGN_INT,
					  &elements, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		athar_field *field;

		if (nulls[i])
			continue;
		field = find_secret(row, relation, TextDatumGetCString(elements[i]));
		if (is_mask)
			field->is_masked = true;
		else
			field->is_excluded = true;
		if (field->is_excluded && field->is_masked)
			refuse_both(relation, field);
	}
}

static Relation
open_argument(FunctionCallInfo fcinfo, LOCKMODE lock)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a table is required"),
				 errdetail("Nothing was changed."),
				 errhint("Name it, such as athar.track('public.licence').")));
	return relation_open(PG_GETARG_OID(0), lock);
}

/*
 * Check that a table can be tracked, and write it down; its lineage is the
 * argument its triggers need.  The lock keeps writers out until they exist,
 * and lets the mark made here see everything that was written without them.
 */
PG_FUNCTION_INFO_V1(athar_begin_tracking);
Datum
athar_begin_tracking(PG_FUNCTION_ARGS)
{
	Relation	relation = open_argument(fcinfo, AccessShareLock);
	athar_tracked row = {0};
	athar_mark	mark;
	TupleDesc	descriptor;
	Datum		values[2];
	bool		nulls[2] = {false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	check_kind(relation);
	check_owner(relation);
	LockRelationOid(RelationGetRelid(relation), ShareRowExclusiveLock);
	check_untracked(relation);
	athar_tracking_begin(&row, relation);
	if (!PG_ARGISNULL(1))
		keep_secret(&row, relation, PG_GETARG_ARRAYTYPE_P(1), false);
	if (!PG_ARGISNULL(4))
		keep_secret(&row, relation, PG_GETARG_ARRAYTYPE_P(4), true);
	row.require_reason = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	row.inserted_values = PG_ARGISNULL(3) || PG_GETARG_BOOL(3);
	athar_mark_make(psprintf("track %s", row.relation), DT_NOBEGIN, &mark);
	row.tracked_at = mark.at;
	athar_tracking_write(&row);
	relation_close(relation, NoLock);
	values[0] = Int32GetDatum(row.id);
	values[1] = Int32GetDatum(row.lineage);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor),
													  values, nulls)));
}

/* Write down that a table is no longer tracked. */
PG_FUNCTION_INFO_V1(athar_end_tracking);
Datum
athar_end_tracking(PG_FUNCTION_ARGS)
{
	Relation	relation = open_argument(fcinfo, AccessShareLock);

	if (athar_catalog_is_member(RelationGetRelid(relation)))
		check_kind(relation);
	check_owner(relation);
	LockRelationOid(RelationGetRelid(relation), ShareRowExclusiveLock);
	if (!is_tracked(RelationGetRelid(relation)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is not tracked",
						RelationGetRelationName(relation)),
				 errdetail("Nothing was changed."),
				 errhint("Of a partition, the partitioned table is tracked.")));
	athar_tracking_end(athar_tracking_of(RelationGetRelid(relation))->lineage);
	relation_close(relation, NoLock);
	PG_RETURN_VOID();
}
