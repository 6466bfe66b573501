/*
 * undo_check.c
 *	  May a transaction be undone?
 *
 * Only while nothing stands on what it did.  So first the rows as they are
 * now are locked, which makes everybody wait who would change them, or would
 * refer to them; then the log is read for later entries, and the table for
 * what the log does not say: values that are not what the transaction left,
 * rows that refer to one that would go, values that are taken.  All that is
 * found is told at once.
 *
 * A dry run looks at the same and locks nothing.
 *
 * What it cannot foresee: what triggers of the tables do, and constraints
 * other than unique columns and foreign keys.  The server refuses those when
 * the rows are written, and then nothing is.
 */
#include "athar.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"

#include "catalog.h"
#include "undo_find.h"
#include "undo_check.h"

#define LINK_BATCH 100
#define SHOWN_PROBLEMS 10
#define MAX_PROBLEMS 1000		/* that are looked for */

/* Later entries of rows known by key, hash and newest entry. */
static const char *const later_text =
"SELECT k.n, e.id, e.transaction_id, e.operation, e.table_id,"
" e.row_key, e.old_values, e.new_values"
" FROM unnest($2, $3, $4, $6) AS k (key, hash, after, n)"
" JOIN athar.log_entry AS e ON e.table_id = ANY ($1)"
" AND e.key_hash = k.hash AND e.row_key = k.key AND e.id > k.after"
" AND e.operation <> 'S'"
" WHERE e.transaction_id <> ALL ($5) ORDER BY e.id";

/* A row whose dependants are looked for. */
typedef struct dependants
{
	athar_undo *run;
	athar_undo_row *row;
	athar_undo_link *link;
	bool		is_found;
} dependants;

/*
 * Problems
 */

static void
			add_problem(athar_undo *run, const char *format,...)
			pg_attribute_printf(2, 3);

static void
add_problem(athar_undo *run, const char *format,...)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);
	StringInfoData text;
	va_list		arguments;
	int			needed;

	if (++run->problem_count <= SHOWN_PROBLEMS)
	{
		initStringInfo(&text);
		for (;;)
		{
			va_start(arguments, format);
			needed = appendStringInfoVA(&text, format, arguments);
			va_end(arguments);
			if (needed == 0)
				break;
			enlargeStringInfo(&text, needed);
		}
		run->problems = lappend(run->problems, text.data);
	}
	MemoryContextSwitchTo(old);
}

static void
refuse(athar_undo *run)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	foreach(cell, run->problems)
		appendStringInfo(&text, "%s%s", text.len ? "\n" : "",
						 (char *) lfirst(cell));
	if (run->problem_count > list_length(run->problems))
		appendStringInfo(&text, "\n... and %d more.",
						 run->problem_count - list_length(run->problems));
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('A', 'T', '0', '0', '8')),
			 errmsg_plural("transaction %lld cannot be undone: %d problem",
						   "transaction %lld cannot be undone: %d problems",
						   run->problem_count,
						   (long long) run->transaction_id,
						   run->problem_count),
			 errdetail("%s", text.data),
			 errhint("Nothing was changed. Correct the rows by hand: athar.row_history() tells what they were.")));
}

static char *
row_name(athar_undo_row *row)
{
	return psprintf("Row %s of %s",
					athar_undo_spell(row->exists ? row->last_key
									 : row->first_key),
					row->table->name);
}

/*
 * Rights
 */

static void
require_right(athar_undo_table *table, AclMode mode, AclMaskHow how,
			  const bool *mask)
{
	Relation	relation = table->subject.relation;
	Oid			relid = RelationGetRelid(relation);
	athar_shape *shape = table->subject.shape;
	bool		may = pg_class_aclcheck(relid, GetUserId(), mode) == ACLCHECK_OK;

	if (!may && mode != ACL_DELETE)
	{
		may = pg_attribute_aclcheck_all(relid, GetUserId(), mode,
										ACLMASK_ANY) == ACLCHECK_OK;
		for (int i = 0; may && how == ACLMASK_ALL && i < shape->count; i++)
			may = !mask[i] ||
				pg_attribute_aclcheck(relid, shape->columns[i].attnum,
									  GetUserId(), mode) == ACLCHECK_OK;
	}
	if (!may)
		aclcheck_error(ACLCHECK_NO_PRIV,
					   get_relkind_objtype(relation->rd_rel->relkind),
					   RelationGetRelationName(relation));
}

/* What the writes will need, and the locks before them. */
static void
check_rights(athar_undo *run)
{
	ListCell   *cell;

	foreach(cell, run->rows)
	{
		athar_undo_row *row = lfirst(cell);

		if (row->exists)
			require_right(row->table, ACL_UPDATE,
						  row->existed ? ACLMASK_ALL : ACLMASK_ANY,
						  row->touched);
		if (row->exists && !row->existed)
			require_right(row->table, ACL_DELETE, ACLMASK_ALL, NULL);
		if (row->existed && !row->exists)
			require_right(row->table, ACL_INSERT, ACLMASK_ALL, row->touched);
	}
}

/*
 * Later entries
 */

static char *
touched_names(athar_undo_row *row, Jsonb *new_values)
{
	athar_shape *shape = row->table->subject.shape;
	StringInfoData names;

	initStringInfo(&names);
	for (int i = 0; i < shape->count; i++)
	{
		athar_column *column = &shape->columns[i];

		if ((row->touched[i] || column->is_key || !row->existed) &&
			getKeyJsonValueFromContainer(&new_values->root, column->name,
										 column->name_length, NULL) != NULL)
			appendStringInfo(&names, "%s%s", names.len ? ", " : "",
							 column->name);
	}
	return names.data;
}

static void
judge_later(athar_undo *run, athar_undo_row *row, HeapTuple tuple,
			TupleDesc descriptor)
{
	bool		isnull;
	long long	id = DatumGetInt64(SPI_getbinval(tuple, descriptor, 2,
												 &isnull));
	long long	transaction = DatumGetInt64(SPI_getbinval(tuple, descriptor, 3,
														  &isnull));
	char		operation = DatumGetChar(SPI_getbinval(tuple, descriptor, 4,
													   &isnull));
	int32		table_id = DatumGetInt32(SPI_getbinval(tuple, descriptor, 5,
													   &isnull));
	Jsonb	   *new_values = athar_undo_logged(tuple, descriptor, 8);

	athar_history_check(id, operation,
						athar_undo_logged(tuple, descriptor, 6),
						athar_undo_logged(tuple, descriptor, 7),
						new_values);
	if (operation == 'U')
	{
		char	   *names =
		touched_names(row,
					  athar_mapping_translate(row->table->subject.mapping,
											  table_id, new_values, false));

		if (*names == '\0')
			return;
		add_problem(run, "%s was changed since (%s) by entry %lld of transaction %lld.",
					row_name(row), names, id, transaction);
	}
	else if (operation == 'I')
		add_problem(run, "%s was inserted anew by entry %lld of transaction %lld.",
					row_name(row), id, transaction);
	else
		add_problem(run, "%s was deleted since by entry %lld of transaction %lld.",
					row_name(row), id, transaction);
	row->is_explained = true;
}

static Datum
array_of(Datum *elements, int count, Oid type)
{
	int16		length;
	bool		is_by_value;
	char		align;

	get_typlenbyvalalign(type, &length, &is_by_value, &align);
	return PointerGetDatum(construct_array(elements, count, type, length,
										   is_by_value, align));
}

/* The keys of rows, in all the ways that versions of the table spell them. */
typedef struct key_list
{
	int			count;
	int			room;
	Datum	   *keys;
	Datum	   *hashes;
	Datum	   *entries;
	Datum	   *rows;
} key_list;

static void
add_spelling(key_list *all, Jsonb *key, int64 entry_id, int row)
{
	if (all->count == all->room)
	{
		Size		size = sizeof(Datum) * (all->room *= 2);

		all->keys = repalloc(all->keys, size);
		all->hashes = repalloc(all->hashes, size);
		all->entries = repalloc(all->entries, size);
		all->rows = repalloc(all->rows, size);
	}
	all->keys[all->count] = JsonbPGetDatum(key);
	all->hashes[all->count] = Int32GetDatum(athar_value_key_hash(key));
	all->entries[all->count] = Int64GetDatum(entry_id);
	all->rows[all->count++] = Int32GetDatum(row);
}

static void
add_spellings(key_list *all, athar_undo_row *row, int number)
{
	Jsonb	   *last = row->last_key;
	ListCell   *cell;

	add_spelling(all, last, row->entry_id, number);
	foreach(cell, row->table->subject.table_ids)
	{
		Jsonb	   *key = athar_mapping_spell(row->table->subject.mapping,
											  lfirst_int(cell), row->last_key);

		/* versions follow one another, so comparing neighbours will do */
		if (key == NULL || athar_undo_same(key, last) ||
			athar_undo_same(key, row->last_key))
			continue;
		last = key;
		add_spelling(all, key, row->entry_id, number);
	}
}

static void
read_later(athar_undo *run, athar_undo_table *table, List *rows)
{
	key_list	all = {.room = list_length(rows)};
	Oid			types[6] = {
		INT4ARRAYOID, JSONBARRAYOID, INT4ARRAYOID, INT8ARRAYOID, INT8ARRAYOID,
		INT4ARRAYOID
	};
	Datum		values[6];
	athar_owner_state state;
	bool		isnull;

	all.keys = palloc(sizeof(Datum) * all.room);
	all.hashes = palloc(sizeof(Datum) * all.room);
	all.entries = palloc(sizeof(Datum) * all.room);
	all.rows = palloc(sizeof(Datum) * all.room);
	for (int i = 0; i < list_length(rows); i++)
		add_spellings(&all, list_nth(rows, i), i);
	values[0] = athar_history_ids(table->subject.table_ids,
								  table->subject.rekey_ids);
	values[1] = array_of(all.keys, all.count, JSONBOID);
	values[2] = array_of(all.hashes, all.count, INT4OID);
	values[3] = array_of(all.entries, all.count, INT8OID);
	values[4] = run->transactions;
	values[5] = array_of(all.rows, all.count, INT4OID);
	athar_catalog_flush();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	if (SPI_execute_with_args(later_text, 6, types, values, NULL,
							  run->is_dry, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read later entries");
	athar_catalog_resign(&state);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	tuple = SPI_tuptable->vals[i];
		TupleDesc	descriptor = SPI_tuptable->tupdesc;

		CHECK_FOR_INTERRUPTS();
		judge_later(run, list_nth(rows,
								  DatumGetInt32(SPI_getbinval(tuple, descriptor,
															  1, &isnull))),
					tuple, descriptor);
	}
	SPI_freetuptable(SPI_tuptable);
}

static void
check_later(athar_undo *run)
{
	ListCell   *cell;
	ListCell   *row;

	foreach(cell, run->tables)
	{
		athar_undo_table *table = lfirst(cell);
		List	   *rows = NIL;

		if (!table->subject.shape->has_key)
			continue;			/* which of equal rows was meant is not known */
		foreach(row, run->rows)
		{
			athar_undo_row *candidate = lfirst(row);

			if (candidate->table == table && candidate->exists)
				rows = lappend(rows, candidate);
		}
		if (rows != NIL)
			read_later(run, table, rows);
	}
}

/* What no entry explains was written behind the log's back. */
static void
check_live(athar_undo *run)
{
	ListCell   *cell;

	foreach(cell, run->rows)
	{
		athar_undo_row *row = lfirst(cell);

		if (!row->exists || row->is_explained)
			continue;
		if (!row->is_found)
			add_problem(run, "%s is not there any more.", row_name(row));
		else if (row->is_altered)
			add_problem(run, "%s is not as the transaction left it, and the log does not say why.",
						row_name(row));
	}
}

/*
 * What depends on the rows
 */

/* Does the undo change a row in columns of these names, or delete it? */
static bool
gives_way(athar_undo_row *row, athar_undo_link *link)
{
	athar_shape *shape = row->table->subject.shape;

	if (!row->existed)
		return true;
	for (int i = 0; i < link->count; i++)
	{
		int			position = athar_shape_find(shape, link->others[i],
												strlen(link->others[i]));

		if (position >= 0 && row->touched[position])
			return true;
	}
	return false;
}

static bool
touches_link(athar_undo_row *row, athar_undo_link *link)
{
	for (int i = 0; i < link->count; i++)
	{
		if (row->touched[link->columns[i]])
			return true;
	}
	return false;
}

/* A row of any table, as far as the caller may know of it. */
static char *
name_found(athar_undo *run, Oid relid, HeapTupleHeader tuple)
{
	Relation	relation = table_open(relid, AccessShareLock);
	char	   *name = athar_tracking_name(relid);
	athar_undo_table table = {.name = name};
	Datum	   *values;
	bool	   *nulls;

	if (pg_class_aclcheck(relid, run->user, ACL_SELECT) != ACLCHECK_OK ||
		check_enable_rls(relid, run->user, true) == RLS_ENABLED)
		name = psprintf("A row of %s", name);
	else
	{
		table.subject.relation = relation;
		table.subject.shape = athar_shape_make(relation, relation, NIL,
											   NIL);
		athar_history_deform(&table.subject, tuple, &values, &nulls);
		name = psprintf("Row %s of %s",
						athar_undo_spell(athar_undo_document(&table, values, nulls,
															 table.subject.shape->key_mask)),
						name);
	}
	table_close(relation, NoLock);
	return name;
}

static bool
take_referrer(void *context, Oid tableoid, ItemPointer tid,
			  HeapTupleHeader tuple)
{
	dependants *wanted = context;
	athar_undo_row *row = athar_undo_live_row(wanted->run, tableoid, tid);

	if (row && gives_way(row, wanted->link))
		return true;
	add_problem(wanted->run, "%s refers to row %s of %s (%s).",
				name_found(wanted->run, wanted->link->other, tuple),
				athar_undo_spell(wanted->row->last_key),
				wanted->row->table->name, wanted->link->name);
	return wanted->run->problem_count < MAX_PROBLEMS;
}

static bool
take_rival(void *context, Oid tableoid, ItemPointer tid,
		   HeapTupleHeader tuple)
{
	dependants *wanted = context;
	athar_undo_row *row = athar_undo_live_row(wanted->run, tableoid, tid);

	if (row == NULL || (row != wanted->row && !gives_way(row, wanted->link)))
		add_problem(wanted->run, "%s holds values that row %s of %s would get back (%s).",
					name_found(wanted->run, wanted->link->other, tuple),
					athar_undo_spell(wanted->row->first_key),
					wanted->row->table->name, wanted->link->name);
	return true;
}

static bool
take_parent(void *context, Oid tableoid, ItemPointer tid,
			HeapTupleHeader tuple)
{
	((dependants *) context)->is_found = true;
	return false;
}

/* Will the undo bring a row back into the table referred to? */
static bool
parent_comes_back(athar_undo *run, athar_undo_link *link)
{
	ListCell   *cell;

	foreach(cell, run->rows)
	{
		athar_undo_row *row = lfirst(cell);

		if (RelationGetRelid(row->table->subject.relation) == link->other &&
			row->existed && (!row->exists || gives_way(row, link)))
			return true;
	}
	return false;
}

/* Is a link that of a partition in which the row is not? */
static bool
is_elsewhere(athar_undo_row *row, athar_undo_link *link)
{
	return link->own != RelationGetRelid(row->table->subject.relation) &&
		link->own != row->tableoid &&
		!list_member_oid(get_partition_ancestors(row->tableoid), link->own);
}

/* Look along a link from the values of a row; false if one is NULL. */
static bool
look(dependants *wanted, Datum *row_values, bool *row_nulls, const char *locking,
	 athar_undo_taker taker)
{
	athar_undo_link *link = wanted->link;
	Oid			types[INDEX_MAX_KEYS];
	Datum		values[INDEX_MAX_KEYS];
	bool		is_own = link->other == link->own && !link->is_parent;
	Relation	other = table_open(link->other, AccessShareLock);
	char	   *condition = athar_undo_link_condition(link, wanted->row->table->subject.shape,
													  athar_history_alias(other),
													  row_values, row_nulls,
													  types, values);
	athar_owner_state state;

	table_close(other, NoLock);
	if (condition == NULL)
		return false;
	if (!is_own)
		athar_catalog_become_owner(link->other, &state);
	athar_undo_find(wanted->run, link->other, condition, locking, link->count,
					types, values, LINK_BATCH, taker, wanted);
	if (!is_own)
		athar_catalog_resign(&state);
	return true;
}

static void
check_referrers(athar_undo *run, athar_undo_row *row)
{
	ListCell   *cell;

	foreach(cell, row->table->links.referrers)
	{
		dependants	wanted = {.run = run,.row = row,.link = lfirst(cell)};

		if (!is_elsewhere(row, wanted.link) &&
			(!row->existed || touches_link(row, wanted.link)))
			look(&wanted, row->values, row->nulls, NULL, take_referrer);
	}
}

/* The row as it will be: what is restored over what is there. */
static void
restored_values(athar_undo_row *row, Datum **values, bool **nulls)
{
	int			natts = RelationGetNumberOfAttributes(row->table->subject.relation);
	bool	   *mask = palloc0(row->table->subject.shape->count + 1);

	*values = palloc0(sizeof(Datum) * (natts + 1));
	*nulls = palloc(natts + 1);
	memset(*nulls, true, natts + 1);
	if (row->values)
	{
		memcpy(*values, row->values, sizeof(Datum) * natts);
		memcpy(*nulls, row->nulls, natts);
	}
	athar_undo_values(row->table, row->before, *values, *nulls, mask);
}

static void
check_restored(athar_undo *run, athar_undo_row *row)
{
	Datum	   *values;
	bool	   *nulls;
	ListCell   *cell;

	restored_values(row, &values, &nulls);
	foreach(cell, row->table->links.uniques)
	{
		dependants	wanted = {.run = run,.row = row,.link = lfirst(cell)};

		if (touches_link(row, wanted.link))
			look(&wanted, values, nulls, NULL, take_rival);
	}
	foreach(cell, row->table->links.parents)
	{
		dependants	wanted = {.run = run,.row = row,.link = lfirst(cell)};

		if (!touches_link(row, wanted.link))
			continue;
		if (look(&wanted, values, nulls, "KEY SHARE", take_parent) &&
			!wanted.is_found && !parent_comes_back(run, wanted.link))
			add_problem(run, "%s refers to a row of %s that is gone (%s).",
						row_name(row), athar_tracking_name(wanted.link->other),
						wanted.link->name);
	}
}

/* A row can come back only if it needs no value that the log does not have. */
static void
check_missing(athar_undo *run, athar_undo_row *row)
{
	athar_shape *shape = row->table->subject.shape;

	for (int i = 0; i < shape->count; i++)
	{
		athar_column *column = &shape->columns[i];
		Form_pg_attribute attribute =
		TupleDescAttr(RelationGetDescr(row->table->subject.relation),
					  column->attnum - 1);

		if (attribute->attnotnull && !attribute->atthasdef &&
			attribute->attidentity == '\0' && !row->touched[i])
			add_problem(run, "%s needs a value of \"%s\", which the log does not have.",
						row_name(row), column->name);
	}
}

/* No UPDATE may set a column that is always generated as identity. */
static void
check_identity(athar_undo *run, athar_undo_row *row)
{
	athar_shape *shape = row->table->subject.shape;

	for (int i = 0; i < shape->count; i++)
	{
		Form_pg_attribute attribute =
		TupleDescAttr(RelationGetDescr(row->table->subject.relation),
					  shape->columns[i].attnum - 1);

		if (row->touched[i] &&
			attribute->attidentity == ATTRIBUTE_IDENTITY_ALWAYS)
			add_problem(run, "%s was given a new \"%s\", which is GENERATED ALWAYS AS IDENTITY and cannot be set back.",
						row_name(row), shape->columns[i].name);
	}
}

static void
check_dependants(athar_undo *run)
{
	ListCell   *cell;

	foreach(cell, run->rows)
	{
		athar_undo_row *row = lfirst(cell);
		MemoryContext old = MemoryContextSwitchTo(run->scratch);

		CHECK_FOR_INTERRUPTS();
		if (row->is_found)
			check_referrers(run, row);
		if (row->existed && (row->is_found || !row->exists))
			check_restored(run, row);
		if (!row->exists)
			check_missing(run, row);
		else if (row->existed)
			check_identity(run, row);
		MemoryContextSwitchTo(old);
		MemoryContextReset(run->scratch);
		if (run->problem_count >= MAX_PROBLEMS)
			return;
	}
}

/* Refuse what cannot be undone; leave the rows that are there locked. */
void
athar_undo_check(athar_undo *run)
{
	check_rights(run);
	athar_undo_find_live(run);
	check_later(run);
	check_live(run);
	check_dependants(run);
	if (run->problem_count > 0)
		refuse(run);
}
