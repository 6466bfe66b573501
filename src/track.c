/*
 * track.c
 *	  track() and untrack(): what may be tracked, and what comes with it.
 *
 * With a partitioned table come its partitions, whose entries are its own.
 * With an ordinary table come those that inherit from it, each under a number
 * of its own, because it may have further columns and another key; they stay
 * tracked as long as one of the tables they inherit from is.  Partitions and
 * heirs that are made later are equipped when they are made, with the rights
 * of whoever makes them.
 */
#include "athar.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "mark.h"
#include "tracking.h"
#include "baseline.h"
#include "equip.h"
#include "track.h"

static void
check_kind(Relation relation)
{
	switch (relation->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_PARTITIONED_TABLE:
			break;
		case RELKIND_FOREIGN_TABLE:
			athar_catalog_refuse_kind("\"%s\" is a foreign table and cannot be tracked",
									  relation, "Track it on the server that holds its rows.");
			break;
		case RELKIND_MATVIEW:
			athar_catalog_refuse_kind("\"%s\" is a materialized view and cannot be tracked",
									  relation, "Track the tables it is made from.");
			break;
		case RELKIND_VIEW:
			athar_catalog_refuse_kind("\"%s\" is a view and cannot be tracked",
									  relation, "Track the tables it is made from.");
			break;
		default:
			athar_catalog_refuse_kind("\"%s\" is not a table and cannot be tracked",
									  relation, "Name a table.");
	}
	/* what initdb made, the information schema with it */
	if (RelationGetRelid(relation) < FirstNormalObjectId)
		athar_catalog_refuse_kind("\"%s\" is a system catalog and cannot be tracked",
								  relation, "Name a table of your own.");
	if (relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		athar_catalog_refuse_kind("\"%s\" is a temporary table and cannot be tracked",
								  relation, "Track a permanent table; a temporary one leaves nothing to remember.");
	if (athar_catalog_is_member(RelationGetRelid(relation)))
		athar_catalog_refuse_kind("\"%s\" belongs to athar, which decides itself what of it is tracked",
								  relation, "Its changes, where they are people's decisions, are in athar.change_log already.");
}

static void
check_owner(Relation relation)
{
	Oid			relid = RelationGetRelid(relation);

	if (!athar_catalog_owns(GetUserId(), relid))
		aclcheck_error(ACLCHECK_NOT_OWNER,
					   get_relkind_objtype(relation->rd_rel->relkind),
					   RelationGetRelationName(relation));
}

/* The present row of a relation that is tracked itself, not as a partition. */
static athar_tracked *
tracked_now(Oid relid)
{
	Relation	relation = table_open(relid, AccessShareLock);
	athar_tracked *row = NULL;

	if (relation->trigdesc)
		row = athar_tracking_of(relid);
	if (row && (row->untracked_at != DT_NOEND ||
				!athar_tracking_has_trigger(relation, row->lineage)))
		row = NULL;
	table_close(relation, NoLock);
	return row;
}

static bool
is_tracked(Oid relid)
{
	return tracked_now(relid) != NULL;
}

/* The tables that one inherits from, in the order it was declared in. */
static List *
parents_of(Oid relid)
{
	Relation	inherits = table_open(InheritsRelationId, AccessShareLock);
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *parents = NIL;

	ScanKeyInit(&key, Anum_pg_inherits_inhrelid, BTEqualStrategyNumber,
				F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(inherits, InheritsRelidSeqnoIndexId, true, NULL,
							  1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		parents = lappend_oid(parents,
							  ((Form_pg_inherits) GETSTRUCT(tuple))->inhparent);
	systable_endscan(scan);
	table_close(inherits, AccessShareLock);
	return parents;
}

/* A tracked table that an ordinary table inherits from, or none. */
static Oid
tracked_parent(Relation relation)
{
	ListCell   *cell;

	if (relation->rd_rel->relispartition)
		return InvalidOid;
	foreach(cell, parents_of(RelationGetRelid(relation)))
	{
		if (is_tracked(lfirst_oid(cell)))
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

/*
 * The tables that inherit from one, directly or not: those that can be
 * tracked, so neither foreign nor temporary ones.  Partitions are no heirs.
 */
List *
athar_track_heirs(Oid relid, LOCKMODE lock)
{
	List	   *heirs = NIL;
	ListCell   *cell;

	if (get_rel_relkind(relid) != RELKIND_RELATION || !has_subclass(relid))
		return NIL;
	foreach(cell, find_all_inheritors(relid, lock, NULL))
	{
		Oid			heir = lfirst_oid(cell);

		if (heir != relid && get_rel_relkind(heir) == RELKIND_RELATION &&
			get_rel_persistence(heir) != RELPERSISTENCE_TEMP)
			heirs = lappend_oid(heirs, heir);
	}
	return heirs;
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
 * Heirs
 */

/* What the table it came with keeps out of the log, an heir does, too. */
static void
inherit_secrets(athar_tracked *row, List *fields, Relation relation,
				bool is_strict)
{
	ListCell   *cell;

	foreach(cell, fields)
	{
		athar_field *secret = lfirst(cell);
		athar_field *field = athar_definition_find(row->fields, secret->name);

		if (field == NULL || !(secret->is_excluded || secret->is_masked))
			continue;
		if (is_strict)
			field = find_secret(row, relation, secret->name);
		field->is_excluded = secret->is_excluded;
		field->is_masked = secret->is_masked;
	}
}

/*
 * That a table is tracked again, after untrack(), is an entry, as that it was
 * not any more.  The first time is told by tracked_table alone.
 */
static void
log_begin(const athar_tracked *row)
{
	athar_amendment amendment;
	List	   *excluded = athar_definition_excluded(row->fields);
	List	   *masked = athar_definition_masked(row->fields);

	athar_amendment_begin(&amendment, "track");
	athar_amendment_text(&amendment, "relation", NULL, row->relation);
	athar_amendment_fields(&amendment, NIL, row->fields);
	if (excluded != NIL)
		athar_amendment_names(&amendment, "excluded", true, excluded);
	if (masked != NIL)
		athar_amendment_names(&amendment, "masked", true, masked);
	if (row->require_reason)
		athar_amendment_flag(&amendment, "require_reason", true);
	if (!row->inserted_values)
		athar_amendment_flag(&amendment, "inserted_values", false);
	athar_amendment_write(&amendment, row->id);
}

static void
begin(athar_tracked *row, Oid relid)
{
	bool		is_again = row->lineage != 0;

	athar_tracking_write(row);
	if (is_again)
		log_begin(row);
	athar_baseline_take(relid, row, "track", NULL);
	athar_equip_table(relid, row->lineage);
}

/* Track an heir of a table as that is tracked, unless it is tracked already. */
static void
track_heir(Oid heir, const athar_tracked *parent, TimestampTz since,
		   bool is_strict)
{
	Relation	relation;
	athar_tracked row = {0};

	if (is_tracked(heir))
		return;
	relation = table_open(heir, ShareRowExclusiveLock);
	check_owner(relation);
	athar_tracking_begin(&row, relation);
	row.is_inherited = true;
	row.require_reason = parent->require_reason;
	row.inserted_values = parent->inserted_values;
	row.tracked_at = since;
	inherit_secrets(&row, parent->fields, relation, is_strict);
	table_close(relation, NoLock);
	begin(&row, heir);
}

static void
untrack_table(Oid relid)
{
	athar_tracked *row = athar_tracking_of(relid);
	athar_amendment amendment;

	athar_amendment_begin(&amendment, "untrack");
	athar_amendment_text(&amendment, "relation", row->relation, NULL);
	athar_amendment_write(&amendment, row->id);
	athar_tracking_end(row->lineage);
	athar_equip_strip(relid);
}

/* End the tracking of an heir, if nothing it inherits from is tracked. */
static bool
untrack_heir(Oid heir)
{
	Relation	relation = table_open(heir, ShareRowExclusiveLock);
	athar_tracked *row = tracked_now(heir);
	bool		ends = row && row->is_inherited &&
	!OidIsValid(tracked_parent(relation));

	if (ends)
		check_owner(relation);
	table_close(relation, NoLock);
	if (ends)
		untrack_table(heir);
	return ends;
}

/* Heirs come in no certain order: one may wait for another's end. */
static void
untrack_heirs(List *heirs)
{
	bool		again = true;

	while (again)
	{
		ListCell   *cell;

		again = false;
		foreach(cell, heirs)
		{
			CHECK_FOR_INTERRUPTS();
			again |= untrack_heir(lfirst_oid(cell));
		}
	}
}

/* The tracked table that a relation is a partition of, or none. */
static athar_tracked *
tracked_ancestor(Oid relid)
{
	ListCell   *cell;

	foreach(cell, get_partition_ancestors(relid))
	{
		athar_tracked *row = tracked_now(lfirst_oid(cell));

		if (row)
			return row;
	}
	return NULL;
}

/*
 * Equip a relation that was made, or made part of a tracked table: partitions
 * and heirs get what track() gives to those that are there.  Triggers of ours
 * that ALTER TABLE has made ordinary ones fire always again.
 */
void
athar_track_follow(Oid relid)
{
	Relation	relation = relation_open(relid, AccessShareLock);
	bool		is_partition = relation->rd_rel->relispartition;
	Oid			parent = InvalidOid;
	athar_tracked *row;
	ListCell   *cell;

	if (relation->rd_rel->relpersistence != RELPERSISTENCE_TEMP)
		parent = tracked_parent(relation);
	relation_close(relation, NoLock);
	if (OidIsValid(parent))
	{
		TimestampTz now = GetCurrentTimestamp();

		row = tracked_now(parent);
		track_heir(relid, row, now, false);
		foreach(cell, athar_track_heirs(relid, ShareRowExclusiveLock))
			track_heir(lfirst_oid(cell), row, now, false);
	}
	if (is_partition && (row = tracked_ancestor(relid)) != NULL)
		athar_equip_partitions(relid, row->lineage);
	athar_equip_mend(relid);
}

/*
 * track() and untrack()
 */

/*
 * Put a table into the log.  The lock keeps writers out until the triggers
 * exist, and lets the mark made here see everything that was written without
 * them.
 */
PG_FUNCTION_INFO_V1(athar_track);
Datum
athar_track(PG_FUNCTION_ARGS)
{
	Relation	relation = open_argument(fcinfo, AccessShareLock);
	Oid			relid = RelationGetRelid(relation);
	athar_tracked row = {0};
	athar_mark	mark;
	ListCell   *cell;

	check_kind(relation);
	check_owner(relation);
	LockRelationOid(relid, ShareRowExclusiveLock);
	check_untracked(relation);
	athar_tracking_begin(&row, relation);
	if (!PG_ARGISNULL(1))
		keep_secret(&row, relation, PG_GETARG_ARRAYTYPE_P(1), false);
	if (!PG_ARGISNULL(4))
		keep_secret(&row, relation, PG_GETARG_ARRAYTYPE_P(4), true);
	row.require_reason = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	row.inserted_values = PG_ARGISNULL(3) || PG_GETARG_BOOL(3);
	relation_close(relation, NoLock);
	athar_mark_make(psprintf("track %s", row.relation), DT_NOBEGIN, &mark);
	row.tracked_at = mark.at;
	begin(&row, relid);
	foreach(cell, athar_track_heirs(relid, ShareRowExclusiveLock))
		track_heir(lfirst_oid(cell), &row, mark.at, true);
	PG_RETURN_INT32(row.id);
}

static void
refuse_heir(Relation relation, Oid parent)
{
	ereport(ERROR,
			(errcode(ERRCODE_WRONG_OBJECT_TYPE),
			 errmsg("table \"%s\" inherits from a tracked table",
					RelationGetRelationName(relation)),
			 errdetail("Its rows are rows of table \"%s\" too, and tracked as long as those are.",
					   get_rel_name(parent)),
			 errhint("Call athar.untrack() for that table.")));
}

/* End the tracking of a table. */
PG_FUNCTION_INFO_V1(athar_untrack);
Datum
athar_untrack(PG_FUNCTION_ARGS)
{
	Relation	relation = open_argument(fcinfo, AccessShareLock);
	Oid			relid = RelationGetRelid(relation);
	Oid			parent;

	if (athar_catalog_is_member(relid))
		check_kind(relation);
	check_owner(relation);
	LockRelationOid(relid, ShareRowExclusiveLock);
	if (!is_tracked(relid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is not tracked",
						RelationGetRelationName(relation)),
				 errdetail("Nothing was changed."),
				 errhint("Of a partition, the partitioned table is tracked.")));
	parent = tracked_parent(relation);
	if (OidIsValid(parent))
		refuse_heir(relation, parent);
	relation_close(relation, NoLock);
	untrack_table(relid);
	untrack_heirs(athar_track_heirs(relid, ShareRowExclusiveLock));
	PG_RETURN_VOID();
}
