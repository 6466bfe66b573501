/*
 * dropped.c
 *	  The values of a column that is dropped.
 *
 * They are written into the log as long as they can be read: just before the
 * column goes, by whatever command and cascade, when its type is there still
 * and the table is locked already.  The entries are changes of the definition
 * under each row's key, so that they are in the row's history.  A row that has
 * no value there has no entry.
 *
 * Where its type goes first, the values cannot be read any more, and a warning
 * says so.  Only where there are more values than athar.truncate_limit is the
 * command refused.
 *
 * The key is the one that the log knows: where it is dropped by the same
 * command, the index that made it one is gone by now.
 */
#include "athar.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/pg_class.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "entry.h"
#include "capture.h"
#include "tracking.h"
#include "equip.h"
#include "dropped.h"

typedef struct dropping
{
	athar_tracked *row;
	athar_shape *shape;
	bool	   *mask;			/* the column */
	AttrNumber	attnum;
	int			count;
} dropping;

static void
refuse(const dropping *run, Relation relation)
{
	ereport(ERROR,
			(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			 errmsg("column \"%s\" of table \"%s\" has more than %d values to be logged when it is dropped",
					NameStr(TupleDescAttr(RelationGetDescr(relation),
										  run->attnum - 1)->attname),
					run->row->relation, athar_capture_limit()),
			 errdetail("Each is written into the change log before it goes; nothing was changed."),
			 errhint("Raise athar.truncate_limit, set the column to NULL in parts first, or call athar.untrack() and athar.track() with the column excluded.")));
}

static void
log_value(void *context, Relation relation, TupleTableSlot *slot)
{
	dropping   *run = context;

	slot_getallattrs(slot);
	if (slot->tts_isnull[run->attnum - 1])
		return;
	if (++run->count > athar_capture_limit())
		refuse(run, relation);
	athar_entry_write(run->row->id, 'S',
					  athar_value_object(run->shape, slot->tts_values,
										 slot->tts_isnull,
										 run->shape->key_mask),
					  athar_value_object(run->shape, slot->tts_values,
										 slot->tts_isnull, run->mask),
					  NULL);
}

/* Know rows by the columns that the log knows them by, if they are there. */
static void
use_logged_key(dropping *run)
{
	athar_shape *shape = run->shape;
	bool	   *mask = palloc0(shape->count + 1);
	int			count = 0;
	ListCell   *cell;

	foreach(cell, run->row->fields)
	{
		athar_field *field = lfirst(cell);
		int			position;

		if (!field->is_key)
			continue;
		position = athar_shape_find(shape, field->name, strlen(field->name));
		if (position < 0)
			return;
		mask[position] = true;
		count++;
	}
	if (count > 0)
		shape->key_mask = mask;
}

static void
log_column(Relation relation, dropping *run)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation),
												run->attnum - 1);
	athar_field *field = athar_definition_find(run->row->fields,
											   NameStr(attribute->attname));

	if (field && (field->is_excluded || field->is_masked))
		return;
	if (!athar_shape_is_readable(attribute->atttypid))
	{
		ereport(WARNING,
				(errmsg("the values of column \"%s\" of table \"%s\" could not be logged",
						NameStr(attribute->attname), run->row->relation),
				 errdetail("Its type was dropped before it, by the same command."),
				 errhint("To have them in the log, roll back and drop the column first.")));
		return;
	}
	run->shape = athar_definition_shape(relation, relation, run->row->fields);
	run->mask = palloc0(run->shape->count + 1);
	for (int i = 0; i < run->shape->count; i++)
		run->mask[i] = run->shape->columns[i].attnum == run->attnum;
	use_logged_key(run);
	athar_capture_each_row(relation, run->shape, log_value, run);
}

/*
 * Log the values of a column that goes now, if it is that of a tracked table.
 * The caller has the table locked.
 */
void
athar_dropped_log(Oid relid, AttrNumber attnum)
{
	Relation	relation = try_relation_open(relid, NoLock);
	dropping	run = {.attnum = attnum};
	int32		lineage;

	if (relation == NULL)
		return;
	lineage = relation->rd_rel->relkind == RELKIND_RELATION ?
		athar_equip_lineage(relation) : 0;
	if (lineage != 0 && athar_catalog_is_complete() &&
		!athar_catalog_is_restore())
	{
		run.row = athar_tracking_newest(lineage);
		if (run.row && run.row->untracked_at == DT_NOEND &&
			OidIsValid(athar_tracking_root(relation, run.row)))
			log_column(relation, &run);
	}
	relation_close(relation, NoLock);
}
