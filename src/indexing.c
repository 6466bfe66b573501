/*
 * indexing.c
 *	  New rows of a table into its indexes.
 *
 * The server does this row by row, and knows many kinds of indexes.  The log's
 * own are plain, and its rows come many at once: so one index after the other
 * gets all of them, and stays in the cache meanwhile.
 *
 * A BRIN index of ascending numbers needs to hear of the first and the last
 * row of each page alone: what is between them changes no minimum and no
 * maximum.
 */
#include "athar.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/index.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type_d.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

#include "indexing.h"

/* One that the server's own way is too much for. */
static bool
is_plain(Relation index, IndexInfo *info)
{
	return info->ii_Expressions == NIL && info->ii_Predicate == NIL &&
		info->ii_ExclusionOps == NULL && index->rd_index->indimmediate;
}

static bool
is_minmax(Oid family)
{
	HeapTuple	tuple = SearchSysCache1(OPFAMILYOID, ObjectIdGetDatum(family));
	Form_pg_opfamily form;
	bool		is_minmax = false;

	if (HeapTupleIsValid(tuple))
	{
		form = (Form_pg_opfamily) GETSTRUCT(tuple);
		is_minmax = form->oid < FirstNormalObjectId &&
			strcmp(NameStr(form->opfname), "integer_minmax_ops") == 0;
		ReleaseSysCache(tuple);
	}
	return is_minmax;
}

/* Does an index keep the least and the greatest bigint of each page range? */
static bool
keeps_bounds(Relation index, IndexInfo *info)
{
	if (index->rd_rel->relam != BRIN_AM_OID)
		return false;
	for (int i = 0; i < info->ii_NumIndexAttrs; i++)
	{
		if (index->rd_opcintype[i] != INT8OID ||
			!is_minmax(index->rd_opfamily[i]))
			return false;
	}
	return true;
}

/* What an index holds of a row. */
typedef struct index_row
{
	ItemPointer place;
	Datum		values[INDEX_MAX_KEYS];
	bool		nulls[INDEX_MAX_KEYS];
} index_row;

static void
form(IndexInfo *info, TupleTableSlot *slot, index_row *to)
{
	to->place = &slot->tts_tid;
	FormIndexDatum(info, slot, NULL, to->values, to->nulls);
}

static void
insert(CatalogIndexState indexes, int i, index_row *row)
{
	Relation	index = indexes->ri_IndexRelationDescs[i];

	(void) index_insert(index, row->values, row->nulls, row->place,
						indexes->ri_RelationDesc,
						index->rd_index->indisunique ? UNIQUE_CHECK_YES :
						UNIQUE_CHECK_NO,
						false, indexes->ri_IndexRelationInfo[i]);
}

/* Are both in one page, and does no number of the second one fall short? */
static bool
ascends(const index_row *a, const index_row *b, int count)
{
	if (ItemPointerGetBlockNumber(a->place) !=
		ItemPointerGetBlockNumber(b->place))
		return false;
	for (int i = 0; i < count; i++)
	{
		if (a->nulls[i] || b->nulls[i] ||
			DatumGetInt64(a->values[i]) > DatumGetInt64(b->values[i]))
			return false;
	}
	return true;
}

/* The rows that rise from both of their neighbours are left out. */
static void
insert_bounds(CatalogIndexState indexes, int i, TupleTableSlot **slots,
			  int count)
{
	IndexInfo  *info = indexes->ri_IndexRelationInfo[i];
	index_row	rows[2];
	bool		is_inner = false;	/* the row before follows the one before
									 * it */

	for (int row = 0; row < count; row++)
	{
		index_row  *now = &rows[row % 2];
		index_row  *before = &rows[(row + 1) % 2];
		bool		follows;

		form(info, slots[row], now);
		follows = row > 0 && ascends(before, now, info->ii_NumIndexAttrs);
		if (row > 0 && !(is_inner && follows))
			insert(indexes, i, before);
		is_inner = follows;
	}
	if (count > 0)
		insert(indexes, i, &rows[(count - 1) % 2]);
}

static void
insert_all(CatalogIndexState indexes, int i, TupleTableSlot **slots, int count)
{
	index_row	row;

	for (int j = 0; j < count; j++)
	{
		CHECK_FOR_INTERRUPTS();
		form(indexes->ri_IndexRelationInfo[i], slots[j], &row);
		insert(indexes, i, &row);
	}
}

/* Indexes that somebody added, with functions in them, which may read. */
static void
insert_into_others(CatalogIndexState indexes, TupleTableSlot **slots,
				   int count)
{
	EState	   *state = CreateExecutorState();
	bool		has_snapshot = ActiveSnapshotSet();

	if (!has_snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
#if PG_VERSION_NUM >= 160000
		(void) ExecInsertIndexTuples(indexes, slots[i], state, false, false,
									 NULL, NIL, false);
#else
		(void) ExecInsertIndexTuples(indexes, slots[i], state, false, false,
									 NULL, NIL);
#endif
		ResetPerTupleExprContext(state);
	}
	if (!has_snapshot)
		PopActiveSnapshot();
	FreeExecutorState(state);
}

/* Insert into all indexes of a table rows that are in the table by now. */
void
athar_indexing_insert(CatalogIndexState indexes, TupleTableSlot **slots,
					  int count)
{
	ResultRelInfo others = *indexes;

	others.ri_NumIndices = 0;
	others.ri_IndexRelationDescs = palloc(sizeof(Relation) *
										  Max(indexes->ri_NumIndices, 1));
	others.ri_IndexRelationInfo = palloc(sizeof(IndexInfo *) *
										 Max(indexes->ri_NumIndices, 1));
	for (int i = 0; i < indexes->ri_NumIndices; i++)
	{
		Relation	index = indexes->ri_IndexRelationDescs[i];
		IndexInfo  *info = indexes->ri_IndexRelationInfo[i];

		if (!info->ii_ReadyForInserts)
			continue;
		if (!is_plain(index, info))
		{
			others.ri_IndexRelationDescs[others.ri_NumIndices] = index;
			others.ri_IndexRelationInfo[others.ri_NumIndices++] = info;
		}
		else if (count > 2 && keeps_bounds(index, info))
			insert_bounds(indexes, i, slots, count);
		else
			insert_all(indexes, i, slots, count);
	}
	if (others.ri_NumIndices > 0)
		insert_into_others(&others, slots, count);
	pfree(others.ri_IndexRelationDescs);
	pfree(others.ri_IndexRelationInfo);
}
