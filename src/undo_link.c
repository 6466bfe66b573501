/*
 * undo_link.c
 *	  By which columns the rows of a table depend on other rows: unique
 *	  indexes, and foreign keys seen from both ends.
 *
 * Not looked at: indexes of expressions or of a part of the rows, and
 * exclusion constraints.  The server itself refuses what they do not allow.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "catalog/pg_constraint.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "nodes/parsenodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

#include "undo_link.h"

/* Those of partitions follow from those of their table. */
static const char *const foreign_keys_text =
"SELECT c.oid FROM pg_catalog.pg_constraint AS c"
" WHERE c.contype OPERATOR(pg_catalog.=) 'f'"
" AND c.conparentid OPERATOR(pg_catalog.=) 0"
" AND (c.conrelid OPERATOR(pg_catalog.=) $1"
" OR c.confrelid OPERATOR(pg_catalog.=) $1"
" OR c.confrelid OPERATOR(pg_catalog.=) ANY"
" (SELECT p.relid FROM pg_catalog.pg_partition_tree($1) AS p))"
" ORDER BY c.conname";

static void
add_column(const athar_subject *subject, athar_undo_links *links,
		   athar_undo_link *link, AttrNumber own, AttrNumber other,
		   Oid eq_operator)
{
	char	   *name = get_attname(link->own, own, false);
	int			position = athar_shape_find(subject->shape, name,
											strlen(name));
	int			i = link->count++;

	link->columns[i] = position;
	link->others[i] = get_attname(link->other, other, false);
	link->other_types[i] = getBaseType(get_atttype(link->other, other));
	link->operators[i] = eq_operator;
	links->mask[position] = true;
}

static athar_undo_link *
new_link(const char *name, Oid own, Oid other)
{
	athar_undo_link *link = palloc0(sizeof(athar_undo_link));

	link->name = pstrdup(name);
	link->own = own;
	link->other = other;
	return link;
}

static void
add_index(const athar_subject *subject, athar_undo_links *links, Oid indexid)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	Oid			relid = RelationGetRelid(subject->relation);
	Form_pg_index index;

	if (!HeapTupleIsValid(tuple))
		return;
	index = (Form_pg_index) GETSTRUCT(tuple);
	if (index->indisunique &&
		heap_attisnull(tuple, Anum_pg_index_indexprs, NULL) &&
		heap_attisnull(tuple, Anum_pg_index_indpred, NULL))
	{
		athar_undo_link *link = new_link(get_rel_name(indexid), relid, relid);

		for (int i = 0; i < index->indnkeyatts; i++)
		{
			AttrNumber	attnum = index->indkey.values[i];
			Oid			type = getBaseType(get_atttype(relid, attnum));

			add_column(subject, links, link, attnum, attnum,
					   lookup_type_cache(type, TYPECACHE_EQ_OPR)->eq_opr);
			links->unique_mask[link->columns[i]] = true;
		}
		links->uniques = lappend(links->uniques, link);
	}
	ReleaseSysCache(tuple);
}

/* A foreign key from our table, or, if is_parent is false, to it. */
static void
add_foreign_key(const athar_subject *subject, athar_undo_links *links,
				HeapTuple tuple, bool is_parent)
{
	Form_pg_constraint form = (Form_pg_constraint) GETSTRUCT(tuple);
	AttrNumber	keys[INDEX_MAX_KEYS];
	AttrNumber	parent_keys[INDEX_MAX_KEYS];
	Oid			operators[INDEX_MAX_KEYS];
	athar_undo_link *link;
	int			count;

	DeconstructFkConstraintRow(tuple, &count, keys, parent_keys, operators,
							   NULL, NULL, NULL, NULL);
	link = new_link(NameStr(form->conname),
					is_parent ? form->conrelid : form->confrelid,
					is_parent ? form->confrelid : form->conrelid);
	link->is_parent = is_parent;
	link->has_action = form->confupdtype != FKCONSTR_ACTION_NOACTION ||
		form->confdeltype != FKCONSTR_ACTION_NOACTION;
	for (int i = 0; i < count; i++)
		add_column(subject, links, link,
				   is_parent ? keys[i] : parent_keys[i],
				   is_parent ? parent_keys[i] : keys[i], operators[i]);
	if (is_parent)
		links->parents = lappend(links->parents, link);
	else
		links->referrers = lappend(links->referrers, link);
}

static void
add_foreign_keys(const athar_subject *subject, athar_undo_links *links)
{
	Oid			types[1] = {REGCLASSOID};
	Oid			relid = RelationGetRelid(subject->relation);
	Datum		values[1] = {ObjectIdGetDatum(relid)};

	if (SPI_execute_with_args(foreign_keys_text, 1, types, values, NULL,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the foreign keys of a table");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		constraint = SPI_getbinval(SPI_tuptable->vals[i],
											   SPI_tuptable->tupdesc, 1,
											   &isnull);
		HeapTuple	tuple = SearchSysCache1(CONSTROID, constraint);
		Form_pg_constraint form;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_constraint) GETSTRUCT(tuple);
		if (form->conrelid == relid)
			add_foreign_key(subject, links, tuple, true);
		if (form->conrelid != relid || form->confrelid == relid)
			add_foreign_key(subject, links, tuple, false);
		ReleaseSysCache(tuple);
	}
	SPI_freetuptable(SPI_tuptable);
}

void
athar_undo_links_of(const athar_subject *subject, athar_undo_links *links)
{
	ListCell   *cell;

	links->unique_mask = palloc0(subject->shape->count + 1);
	links->mask = palloc0(subject->shape->count + 1);
	foreach(cell, RelationGetIndexList(subject->relation))
		add_index(subject, links, lfirst_oid(cell));
	add_foreign_keys(subject, links);
}
