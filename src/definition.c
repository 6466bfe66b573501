/*
 * definition.c
 *	  The columns of a tracked table, as they were under each version of its
 *	  definition.
 *
 * Entries name columns as they were called when they were written.  Whoever
 * reads them must know which of today's columns that is, so each version of a
 * table's definition is written down with all its columns, and a column keeps
 * its number from version to version.  While the table is the same one, the
 * server's own attribute number tells which column is which: it survives a new
 * name and a new type, and is never given again.  After a dump was restored
 * elsewhere those numbers have changed, and nothing but the name is left.
 */
#include "athar.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_attribute.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "catalog.h"
#include "definition.h"

enum
{
	COLUMN_TABLE_ID = 1,
	COLUMN_NUMBER,
	COLUMN_ATTNUM,
	COLUMN_NAME,
	COLUMN_TYPE,
	COLUMN_IS_KEY,
	COLUMN_IS_EXCLUDED,
	COLUMN_IS_MASKED,
	COLUMNS = COLUMN_IS_MASKED
};

static athar_field *
field_of(HeapTuple tuple, TupleDesc descriptor)
{
	athar_field *field = palloc0(sizeof(athar_field));
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS];

	heap_deform_tuple(tuple, descriptor, values, nulls);
	field->number = DatumGetInt32(values[COLUMN_NUMBER - 1]);
	field->attnum = DatumGetInt16(values[COLUMN_ATTNUM - 1]);
	field->name = TextDatumGetCString(values[COLUMN_NAME - 1]);
	field->type = TextDatumGetCString(values[COLUMN_TYPE - 1]);
	field->is_key = DatumGetBool(values[COLUMN_IS_KEY - 1]);
	field->is_excluded = DatumGetBool(values[COLUMN_IS_EXCLUDED - 1]);
	field->is_masked = DatumGetBool(values[COLUMN_IS_MASKED - 1]);
	return field;
}

/* The columns of one version from its first or its last, at most limit. */
static List *
scan_fields(int32 table_id, ScanDirection direction, int limit)
{
	Relation	table = table_open(athar_catalog_oid(ATHAR_TRACKED_COLUMN),
								   AccessShareLock);
	Relation	index = index_open(athar_catalog_primary_key(table),
								   AccessShareLock);
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	SysScanDesc scan;
	ScanKeyData key;
	HeapTuple	tuple;
	List	   *fields = NIL;

	ScanKeyInit(&key, COLUMN_TABLE_ID, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(table_id));
	scan = systable_beginscan_ordered(table, index, snapshot, 1, &key);
	while (list_length(fields) < limit &&
		   HeapTupleIsValid(tuple = systable_getnext_ordered(scan, direction)))
		fields = lappend(fields, field_of(tuple, RelationGetDescr(table)));
	systable_endscan_ordered(scan);
	UnregisterSnapshot(snapshot);
	index_close(index, AccessShareLock);
	table_close(table, AccessShareLock);
	return fields;
}

/* The columns of a row of tracked_table, by number. */
List *
athar_definition_read(int32 table_id)
{
	return scan_fields(table_id, ForwardScanDirection, INT_MAX);
}

/* The greatest number among them, 0 if there are none. */
int32
athar_definition_last_number(int32 table_id)
{
	List	   *fields = scan_fields(table_id, BackwardScanDirection, 1);

	return fields == NIL ? 0 : ((athar_field *) linitial(fields))->number;
}

/* Write the columns of a new row of tracked_table down. */
void
athar_definition_write(int32 table_id, List *fields)
{
	ListCell   *cell;

	foreach(cell, fields)
	{
		athar_field *field = lfirst(cell);
		Datum		values[COLUMNS];
		bool		nulls[COLUMNS] = {false};

		CHECK_FOR_INTERRUPTS();
		values[COLUMN_TABLE_ID - 1] = Int32GetDatum(table_id);
		values[COLUMN_NUMBER - 1] = Int32GetDatum(field->number);
		values[COLUMN_ATTNUM - 1] = Int16GetDatum(field->attnum);
		values[COLUMN_NAME - 1] = CStringGetTextDatum(field->name);
		values[COLUMN_TYPE - 1] = CStringGetTextDatum(field->type);
		values[COLUMN_IS_KEY - 1] = BoolGetDatum(field->is_key);
		values[COLUMN_IS_EXCLUDED - 1] = BoolGetDatum(field->is_excluded);
		values[COLUMN_IS_MASKED - 1] = BoolGetDatum(field->is_masked);
		athar_catalog_insert(ATHAR_TRACKED_COLUMN, values, nulls);
	}
}

athar_field *
athar_definition_find(List *fields, const char *name)
{
	ListCell   *cell;

	foreach(cell, fields)
	{
		athar_field *field = lfirst(cell);

		if (strcmp(field->name, name) == 0)
			return field;
	}
	return NULL;
}

athar_field *
athar_definition_numbered(List *fields, int32 number)
{
	ListCell   *cell;

	foreach(cell, fields)
	{
		athar_field *field = lfirst(cell);

		if (field->number == number)
			return field;
	}
	return NULL;
}

static athar_field *
find_attnum(List *fields, AttrNumber attnum)
{
	ListCell   *cell;

	foreach(cell, fields)
	{
		athar_field *field = lfirst(cell);

		if (field->attnum == attnum)
			return field;
	}
	return NULL;
}

/* The names of columns that never reach the log. */
List *
athar_definition_excluded(List *fields)
{
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, fields)
	{
		athar_field *field = lfirst(cell);

		if (field->is_excluded)
			names = lappend(names, field->name);
	}
	return names;
}

/* The names of columns of which the log holds no values. */
List *
athar_definition_masked(List *fields)
{
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, fields)
	{
		athar_field *field = lfirst(cell);

		if (field->is_masked)
			names = lappend(names, field->name);
	}
	return names;
}

/* The shape of a relation under these columns. */
athar_shape *
athar_definition_shape(Relation relation, Relation root, List *fields)
{
	return athar_shape_make(relation, root,
							athar_definition_excluded(fields),
							athar_definition_masked(fields));
}

static char *
type_of(Form_pg_attribute attribute)
{
	return format_type_with_typemod(attribute->atttypid, attribute->atttypmod);
}

static int
compare_numbers(const ListCell *a, const ListCell *b)
{
	int32		left = ((athar_field *) lfirst(a))->number;
	int32		right = ((athar_field *) lfirst(b))->number;

	return left < right ? -1 : left > right;
}

static List *
present_fields(Relation relation, List *was, bool by_attnum,
			   int32 last_number)
{
	TupleDesc	descriptor = RelationGetDescr(relation);
	List	   *key = athar_shape_key(relation);
	List	   *fields = NIL;
	bool		has_key = true;
	ListCell   *cell;

	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		athar_field *field;
		athar_field *old;

		if (attribute->attisdropped)
			continue;
		field = palloc0(sizeof(athar_field));
		field->attnum = attribute->attnum;
		field->name = pstrdup(NameStr(attribute->attname));
		field->type = type_of(attribute);
		old = by_attnum ? find_attnum(was, field->attnum)
			: athar_definition_find(was, field->name);
		field->number = old ? old->number : ++last_number;
		field->is_excluded = old && old->is_excluded;
		field->is_masked = old && old->is_masked;
		field->is_key = athar_shape_is_listed(key, field->name);
		has_key &= !(field->is_key &&
					 (field->is_excluded || field->is_masked));
		fields = lappend(fields, field);
	}
	foreach(cell, fields)
		((athar_field *) lfirst(cell))->is_key &= has_key;
	list_sort(fields, compare_numbers);
	return fields;
}

/*
 * The columns that a relation has now.  Those it had in was keep their numbers
 * and stay excluded or masked; new ones are numbered from last_number on.
 */
List *
athar_definition_of(Relation relation, List *was, bool by_attnum,
					int32 last_number)
{
	int			guc_level = NewGUCNestLevel();
	List	   *fields;

	(void) set_config_option("search_path", "pg_catalog", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	fields = present_fields(relation, was, by_attnum, last_number);
	AtEOXact_GUC(true, guc_level);
	return fields;
}

bool
athar_definition_same(List *a, List *b)
{
	ListCell   *left;
	ListCell   *right;

	if (list_length(a) != list_length(b))
		return false;
	forboth(left, a, right, b)
	{
		athar_field *one = lfirst(left);
		athar_field *other = lfirst(right);

		if (one->number != other->number || one->attnum != other->attnum ||
			one->is_key != other->is_key ||
			one->is_excluded != other->is_excluded ||
			one->is_masked != other->is_masked ||
			strcmp(one->name, other->name) != 0 ||
			strcmp(one->type, other->type) != 0)
			return false;
	}
	return true;
}
