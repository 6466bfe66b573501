/*
 * shape.c
 *	  The columns of a table that may reach the log: which of them identify a
 *	  row, which are kept out, and how the values of each are written and read.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "image.h"
#include "shape.h"

static athar_value_kind
kind_of(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return ATHAR_BOOLEAN;
		case INT2OID:
			return ATHAR_INT2;
		case INT4OID:
			return ATHAR_INT4;
		case INT8OID:
			return ATHAR_INT8;
		case NUMERICOID:
			return ATHAR_NUMERIC;
		case FLOAT4OID:
			return ATHAR_FLOAT4;
		case FLOAT8OID:
			return ATHAR_FLOAT8;
		case JSONOID:
			return ATHAR_JSON;
		case JSONBOID:
			return ATHAR_JSONB;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return ATHAR_STRING;
		default:
			return ATHAR_TEXT;
	}
}

/* Types whose text never depends on a setting. */
static bool
is_plain(Oid type)
{
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case CHAROID:
		case UUIDOID:
		case OIDOID:
		case INETOID:
		case CIDROID:
			return true;
		default:
			return get_typtype(type) == TYPTYPE_ENUM;
	}
}

/*
 * Can values of a type still be spelled?  While DROP TYPE ... CASCADE is at
 * work, the columns of a composite may be gone before what is made of it.
 */
bool
athar_shape_is_readable(Oid type)
{
	Oid element;

	type = getBaseType(type);
	element = get_element_type(type);

	if (OidIsValid(element))
		return athar_shape_is_readable(element);
	return get_typtype(type) != TYPTYPE_COMPOSITE ||
		SearchSysCacheExists1(RELOID,
							  ObjectIdGetDatum(get_typ_typrelid(type)));
}

/* What an array, a range or a multirange is made of, or InvalidOid. */
Oid
athar_shape_element(Oid type)
{
	Oid element = get_element_type(type);

	if (!OidIsValid(element))
		element = get_range_subtype(type);

	if (!OidIsValid(element) && type_is_multirange(type))
		element = get_multirange_range(type);
	return element;
}

static bool needs_gucs(Oid type);

static bool
composite_needs_gucs(Oid type)
{
	TupleDesc	descriptor;
	bool		needs = false;

	if (!athar_shape_is_readable(type))
		return false;
	descriptor = lookup_rowtype_tupdesc(type, -1);

	for (int i = 0; i < descriptor->natts && !needs; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		needs = !attribute->attisdropped && needs_gucs(attribute->atttypid);
	}
	ReleaseTupleDesc(descriptor);
	return needs;
}

/* Does the text of a type, or of a part of it, depend on path or locale? */
static bool
needs_gucs(Oid type)
{
	Oid element;

	check_stack_depth();
	type = getBaseType(type);
	switch (type)
	{
		case MONEYOID:
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGTYPEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
			return true;
	}
	element = athar_shape_element(type);

	if (OidIsValid(element))
		return needs_gucs(element);
	return get_typtype(type) == TYPTYPE_COMPOSITE &&
		composite_needs_gucs(type);
}

/* How values of a type are written and read. */
void
athar_shape_describe(athar_column *column, Oid type, int32 typmod)
{
	Oid			function;
	bool		is_varlena;

	column->typmod = typmod;
	column->type = getBaseTypeAndTypmod(type, &column->typmod);
	column->kind = kind_of(column->type);
	get_typlenbyval(column->type, &column->length, &column->is_by_value);
	getTypeOutputInfo(column->type, &function, &is_varlena);
	fmgr_info(function, &column->output);
	getTypeInputInfo(column->type, &function, &column->input_parameter);
	fmgr_info(function, &column->input);
}

bool
athar_shape_is_listed(List *names, const char *name)
{
	ListCell   *cell;

	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

static List *
index_columns(Relation relation, Oid indexid)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	Form_pg_index index;
	List	   *names = NIL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", indexid);
	index = (Form_pg_index) GETSTRUCT(tuple);
	for (int i = 0; i < index->indnkeyatts; i++)
	{
		Form_pg_attribute attribute =
		TupleDescAttr(RelationGetDescr(relation),
					  index->indkey.values[i] - 1);

		names = lappend(names, pstrdup(NameStr(attribute->attname)));
	}
	ReleaseSysCache(tuple);
	return names;
}

/*
 * The names of the columns that identify a row: the primary key, else the
 * index chosen as replica identity, else none.  A deferrable key is none:
 * two rows may have it at once, and then nobody could tell their changes
 * apart.
 */
List *
athar_shape_key(Relation relation)
{
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *cell;
	Oid			best = InvalidOid;
	List	   *names = NIL;

	foreach(cell, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		if (index->indimmediate && index->indisvalid &&
			(index->indisprimary ||
			 (index->indisreplident && !OidIsValid(best))))
			best = lfirst_oid(cell);
		ReleaseSysCache(tuple);
	}
	if (OidIsValid(best))
		names = index_columns(relation, best);
	list_free(indexes);
	return names;
}

static int
compare_columns(const void *a, const void *b, void *columns)
{
	const athar_column *left = (athar_column *) columns + *(const int *) a;
	const athar_column *right = (athar_column *) columns + *(const int *) b;

	return athar_image_compare(left->name, left->name_length,
							   right->name, right->name_length);
}

static void
set_order(athar_shape *shape)
{
	shape->order = palloc(sizeof(int) * Max(shape->count, 1));
	for (int i = 0; i < shape->count; i++)
		shape->order[i] = i;
	qsort_arg(shape->order, shape->count, sizeof(int), compare_columns,
			  shape->columns);
}

/*
 * Describe the columns of a table in the current memory context.  root is the
 * table that is tracked: the table itself, or the one it is a partition of;
 * the key is root's, because rows move between partitions.
 */
athar_shape *
athar_shape_make(Relation relation, Relation root, List *excluded,
				 List *masked)
{
	TupleDesc	descriptor = RelationGetDescr(relation);
	athar_shape *shape = palloc0(sizeof(athar_shape));
	List	   *key = athar_shape_key(root);
	ListCell   *cell;

	shape->columns = palloc0(sizeof(athar_column) * Max(descriptor->natts, 1));
	shape->key_mask = palloc0(Max(descriptor->natts, 1));
	shape->logged_mask = palloc0(Max(descriptor->natts, 1));
	shape->has_key = key != NIL;
	shape->is_all_key = true;
	foreach(cell, key)
	{
		if (athar_shape_is_listed(excluded, lfirst(cell)) ||
			athar_shape_is_listed(masked, lfirst(cell)))
			shape->has_key = false;
	}
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		athar_column *column = &shape->columns[shape->count];

		if (attribute->attisdropped)
			continue;
		if (attribute->attgenerated != '\0' &&
			attribute->attgenerated != ATTRIBUTE_GENERATED_STORED)
			continue;			/* computed when read, not part of the row */
		column->attnum = attribute->attnum;
		column->name = pstrdup(NameStr(attribute->attname));
		column->name_length = strlen(column->name);
		athar_shape_describe(column, attribute->atttypid,
							 attribute->atttypmod);
		if (column->type >= FirstNormalObjectId)
			column->owner = root->rd_rel->relowner;
		column->is_excluded = athar_shape_is_listed(excluded, column->name);
		column->is_masked = athar_shape_is_listed(masked, column->name);
		column->is_key = !column->is_excluded && !column->is_masked &&
			(!shape->has_key || athar_shape_is_listed(key, column->name));
		shape->key_mask[shape->count] = column->is_key;
		shape->logged_mask[shape->count] = !column->is_excluded;
		shape->is_all_key &= column->is_key || column->is_excluded;
		if (!column->is_excluded && !column->is_masked &&
			column->kind == ATHAR_TEXT)
		{
			shape->needs_pins |= !is_plain(column->type);
			shape->needs_gucs |= needs_gucs(column->type);
		}
		shape->count++;
	}
	set_order(shape);
	return shape;
}

/* The position of a column in the shape, or -1. */
int
athar_shape_find(const athar_shape *shape, const char *name, int length)
{
	for (int i = 0; i < shape->count; i++)
	{
		if (shape->columns[i].name_length == length &&
			memcmp(shape->columns[i].name, name, length) == 0)
			return i;
	}
	return -1;
}
