/*
 * baseline.c
 *	  What a tracked table held at a moment, in one figure: the state from
 *	  which the log must lead to the present one.
 *
 * A copy of every tracked table would cost as much again.  What is kept
 * instead is the number of rows and the sum, modulo 2^256, of the SHA-256 of
 * each row: rows come in no order, and a sum has none.  A row is hashed as the
 * log would spell it, a JSON array of its values in UTF-8, so the figure is the
 * same in another cluster, under other settings, in another release.  Columns
 * whose values never reach the log, and those whose text hangs on the catalog
 * (regclass and its like), are left out.
 *
 * What the figure does not promise: that nobody could make up rows that have
 * the sum of others.  Who is free to write very many rows can (it takes in the
 * order of 2^32 of them, not 2^128).  It finds what went unlogged, not what
 * somebody built in order to deceive it.
 *
 * A moment is a snapshot, as in a mark; it is stored here and not as a mark,
 * because marks are made one at a time, and reading a table may take long.
 */
#include "athar.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/tupconvert.h"
#include "access/xact.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_enum.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/catcache.h"
#include "utils/datum.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"
#include "utils/typcache.h"
#include "utils/xid8.h"

#include "catalog.h"
#include "context.h"
#include "value.h"
#include "mark.h"
#include "tracking.h"
#include "baseline.h"

#define PROGRESS_ROWS 100000

enum
{
	COLUMN_ID = 1,
	COLUMN_LINEAGE,
	COLUMN_TABLE_ID,
	COLUMN_ORIGIN,
	COLUMN_AT,
	COLUMN_SNAPSHOT,
	COLUMN_CLUSTER,
	COLUMN_XID,
	COLUMN_LAST_TRANSACTION_ID,
	COLUMN_LAST_ENTRY_ID,
	COLUMN_ROW_COUNT,
	COLUMN_DIGEST,
	COLUMN_NUMBERS,
	COLUMN_TYPES,
	COLUMN_COMPLETE_SINCE,
	COLUMN_ROLE_NAME,
	COLUMN_ACTOR,
	COLUMN_REASON,
	COLUMNS = COLUMN_REASON
};

static const char *const newest_text =
"SELECT c.* FROM athar.tracking_check AS c"
" WHERE c.lineage OPERATOR(pg_catalog.=) $1"
" AND c.at OPERATOR(pg_catalog.<=) $2 ORDER BY c.id DESC LIMIT 1";

/* Who sees the mark sees what it saw; its time may be before that. */
static const char *const oldest_text =
"SELECT c.* FROM athar.tracking_check AS c JOIN athar.mark AS m"
" ON m.id OPERATOR(pg_catalog.=) $3"
" WHERE c.lineage OPERATOR(pg_catalog.=) $1"
" AND c.at OPERATOR(pg_catalog.>=) $2"
" AND CASE WHEN c.cluster OPERATOR(pg_catalog.=) m.cluster"
" THEN pg_catalog.pg_visible_in_snapshot(m.xid, c.snapshot)"
" ELSE c.last_transaction_id OPERATOR(pg_catalog.>=) m.last_transaction_id END"
" ORDER BY c.id LIMIT 1";

/*
 * Types, spelled out with what the text of their values hangs on
 */

static bool append_type(StringInfo text, Oid type, int32 typmod);

static int
compare_labels(const void *a, const void *b)
{
	Form_pg_enum left = (Form_pg_enum) GETSTRUCT(*(HeapTuple *) a);
	Form_pg_enum right = (Form_pg_enum) GETSTRUCT(*(HeapTuple *) b);

	return left->enumsortorder < right->enumsortorder ? -1 :
		left->enumsortorder > right->enumsortorder;
}

static void
append_labels(StringInfo text, Oid type)
{
	CatCList   *list = SearchSysCacheList1(ENUMTYPOIDNAME,
										   ObjectIdGetDatum(type));
	HeapTuple  *labels = palloc(sizeof(HeapTuple) * (list->n_members + 1));

	for (int i = 0; i < list->n_members; i++)
		labels[i] = &list->members[i]->tuple;
	qsort(labels, list->n_members, sizeof(HeapTuple), compare_labels);
	for (int i = 0; i < list->n_members; i++)
	{
		Form_pg_enum label = (Form_pg_enum) GETSTRUCT(labels[i]);

		appendStringInfo(text, "%s%s", i > 0 ? "," : "(",
						 quote_literal_cstr(NameStr(label->enumlabel)));
	}
	appendStringInfoChar(text, ')');
	ReleaseCatCacheList(list);
}

static bool
append_attributes(StringInfo text, Oid type)
{
	TupleDesc	descriptor = lookup_rowtype_tupdesc(type, -1);
	bool		is_fixed = true;

	appendStringInfoChar(text, '(');
	for (int i = 0; i < descriptor->natts && is_fixed; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		if (!attribute->attisdropped)
			is_fixed = append_type(text, attribute->atttypid,
								   attribute->atttypmod);
		appendStringInfoChar(text, ',');
	}
	appendStringInfoChar(text, ')');
	ReleaseTupleDesc(descriptor);
	return is_fixed;
}

/* False where the text of a value may change without the value. */
static bool
append_type(StringInfo text, Oid type, int32 typmod)
{
	Oid element;

	check_stack_depth();
	type = getBaseTypeAndTypmod(type, &typmod);
	switch (type)
	{
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGTYPEOID:
		case REGROLEOID:
		case REGNAMESPACEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case ACLITEMOID:
			return false;
	}
	appendStringInfoString(text, format_type_with_typemod(type, typmod));
	element = athar_shape_element(type);

	if (OidIsValid(element))
	{
		appendStringInfoString(text, " of ");
		return append_type(text, element, -1);
	}
	if (get_typtype(type) == TYPTYPE_ENUM)
		append_labels(text, type);
	return get_typtype(type) != TYPTYPE_COMPOSITE ||
		append_attributes(text, type);
}

static char *
generation_of(Relation relation, AttrNumber attnum)
{
	TupleConstr *constraints = RelationGetDescr(relation)->constr;

	for (int i = 0; constraints && i < constraints->num_defval; i++)
	{
		AttrDefault *value = &constraints->defval[i];

		if (value->adnum == attnum)
			return TextDatumGetCString(DirectFunctionCall2(pg_get_expr,
														   CStringGetTextDatum(value->adbin),
														   ObjectIdGetDatum(RelationGetRelid(relation))));
	}
	return "";
}

static athar_covered *
cover(Relation relation, const athar_field *field, athar_shape *shape)
{
	Form_pg_attribute attribute = TupleDescAttr(RelationGetDescr(relation),
												field->attnum - 1);
	athar_covered *column = palloc0(sizeof(athar_covered));
	StringInfoData text;

	initStringInfo(&text);
	column->number = field->number;
	column->position = athar_shape_find(shape, field->name,
										strlen(field->name));
	if (column->position < 0 || !shape->logged_mask[column->position] ||
		shape->columns[column->position].is_masked ||
		!append_type(&text, attribute->atttypid, attribute->atttypmod))
		return NULL;
	if (attribute->attgenerated != '\0')
		appendStringInfo(&text, " as %s",
						 generation_of(relation, field->attnum));
	column->type = text.data;

	return column;
}

/* The columns that a digest of the table covers now, by number. */
List *
athar_baseline_columns(Relation relation, List *fields, athar_shape *shape)
{
	int			guc_level = NewGUCNestLevel();
	List	   *columns = NIL;
	ListCell   *cell;

	(void) set_config_option("search_path", "pg_catalog", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	foreach(cell, fields)
	{
		athar_covered *column = cover(relation, lfirst(cell), shape);

		if (column)
			columns = lappend(columns, column);
	}
	AtEOXact_GUC(true, guc_level);
	return columns;
}

/*
 * Hashing
 */

void
athar_baseline_begin_hash(athar_row_hasher *hasher)
{
	initStringInfo(&hasher->text);
	hasher->sha256 = athar_sha256_begin();
}

void
athar_baseline_end_hash(athar_row_hasher *hasher)
{
	athar_sha256_end(hasher->sha256);
	pfree(hasher->text.data);
}

/* The hash of a row in these columns.  Settings must be pinned. */
void
athar_baseline_hash(athar_row_hasher *hasher, athar_shape *shape, List *columns,
					Datum *values, bool *nulls, uint8 *hash)
{
	StringInfo text = &hasher->text;
	char		separator = '[';
	char	   *bytes;
	ListCell   *cell;

	resetStringInfo(text);
	foreach(cell, columns)
	{
		athar_column *column =
		&shape->columns[((athar_covered *) lfirst(cell))->position];

		appendStringInfoChar(text, separator);
		athar_value_spell(text, column, values[column->attnum - 1],
						  nulls[column->attnum - 1]);
		separator = ',';
	}
	appendStringInfoChar(text, ']');
	bytes = pg_server_to_any(text->data, text->len, PG_UTF8);
	athar_sha256_start(hasher->sha256);
	athar_sha256_add(hasher->sha256, bytes,
					 bytes == text->data ? text->len : strlen(bytes));
	athar_sha256_finish(hasher->sha256, hash);
}

/* Count one more row. */
void
athar_baseline_add(athar_sum *sum, const uint8 *hash)
{
	int			carry = 0;

	sum->row_count++;
	for (int i = ATHAR_HASH_BYTES - 1; i >= 0; i--)
	{
		carry += sum->digest[i] + hash[i];
		sum->digest[i] = carry & 0xFF;
		carry >>= 8;
	}
}

/*
 * Reading the table
 */

/* Say in pg_stat_activity how far the reading has come. */
static void
show_progress(Relation relation, int64 row_count)
{
	pgstat_report_activity(STATE_RUNNING,
						   psprintf("/* athar: " INT64_FORMAT " of about %.0f rows of %s read */ %s",
									row_count, Max(relation->rd_rel->reltuples, 0),
									RelationGetRelationName(relation),
									debug_query_string ? debug_query_string : ""));
}

typedef struct scan_state
{
	Relation	root;
	MemoryContext row_context;
	int64		row_count;
	athar_row_taker taker;
	void	   *context;
} scan_state;

static void
scan_rows(scan_state *state, Relation relation)
{
	TupleDesc	descriptor = RelationGetDescr(state->root);
	TupleConversionMap *map = convert_tuples_by_name(RelationGetDescr(relation),
													 descriptor);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	TupleTableSlot *root_slot = MakeSingleTupleTableSlot(descriptor,
														 &TTSOpsVirtual);
	TableScanDesc scan = table_beginscan(relation, GetActiveSnapshot(), 0,
										 NULL);

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		TupleTableSlot *row = map == NULL ? slot :
		execute_attr_map_slot(map->attrMap, slot, root_slot);
		MemoryContext old;

		CHECK_FOR_INTERRUPTS();
		if (++state->row_count % PROGRESS_ROWS == 0)
			show_progress(relation, state->row_count);
		slot_getallattrs(row);
		old = MemoryContextSwitchTo(state->row_context);
		state->taker(state->context, row->tts_values, row->tts_isnull);
		MemoryContextSwitchTo(old);
		MemoryContextReset(state->row_context);
	}
	table_endscan(scan);
	ExecDropSingleTupleTableSlot(root_slot);
	ExecDropSingleTupleTableSlot(slot);
	if (map)
		free_conversion_map(map);
}

/* The table's own rows, or those of its partitions. */
static List *
parts_of(Relation relation)
{
	if (relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return list_make1_oid(RelationGetRelid(relation));
	return find_all_inheritors(RelationGetRelid(relation), AccessShareLock,
							   NULL);
}

static void
scan_parts(scan_state *state)
{
	ListCell   *cell;

	foreach(cell, parts_of(state->root))
	{
		Relation	part = table_open(lfirst_oid(cell), AccessShareLock);

		if (part->rd_rel->relkind == RELKIND_RELATION)
			scan_rows(state, part);
		table_close(part, NoLock);
	}
	if (state->row_count >= PROGRESS_ROWS)
		pgstat_report_activity(STATE_RUNNING, debug_query_string);
}

/*
 * Hand over every row of a table under the active snapshot, whoever asks, in
 * memory that lasts for one row.
 */
void
athar_baseline_scan(Relation relation, athar_shape *shape,
					athar_row_taker taker, void *context)
{
	scan_state	state = {.root = relation,.taker = taker,.context = context};
	athar_pins	pins;

	state.row_context = AllocSetContextCreate(CurrentMemoryContext,
											  "athar row",
											  ALLOCSET_DEFAULT_SIZES);
	athar_value_pin(shape, &pins);
	PG_TRY();
	{
		scan_parts(&state);
	}
	PG_FINALLY();
	{
		athar_value_unpin(shape, &pins);
	}
	PG_END_TRY();
	MemoryContextDelete(state.row_context);
}

/* A partition whose rows are on another server, if there is one. */
Oid
athar_baseline_unreadable(Relation relation)
{
	ListCell   *cell;

	foreach(cell, parts_of(relation))
	{
		if (get_rel_relkind(lfirst_oid(cell)) == RELKIND_FOREIGN_TABLE)
			return lfirst_oid(cell);
	}
	return InvalidOid;
}

/*
 * Rows of tracking_check
 */

/* What the active snapshot sees. */
void
athar_baseline_snapshot(athar_baseline *baseline)
{
	athar_mark_take(&baseline->mark);
	baseline->mark.at = GetCurrentTimestamp();
}

static List *
columns_of(Datum numbers, Datum types)
{
	List	   *columns = NIL;
	Datum	   *number;
	Datum	   *type;
	int			count;
	int			type_count;

	deconstruct_array(DatumGetArrayTypeP(numbers), INT4OID, 4, true,
					  TYPALIGN_INT, &number, NULL, &count);
	deconstruct_array(DatumGetArrayTypeP(types), TEXTOID, -1, false,
					  TYPALIGN_INT, &type, NULL, &type_count);
	for (int i = 0; i < Min(count, type_count); i++)
	{
		athar_covered *column = palloc0(sizeof(athar_covered));

		column->number = DatumGetInt32(number[i]);
		column->type = TextDatumGetCString(type[i]);
		column->position = -1;
		columns = lappend(columns, column);
	}
	return columns;
}

static void
take_over(athar_baseline *baseline, Datum *values)
{
	athar_mark *mark = &baseline->mark;
	bytea	   *digest = DatumGetByteaPP(values[COLUMN_DIGEST - 1]);

	baseline->table_id = DatumGetInt32(values[COLUMN_TABLE_ID - 1]);
	mark->at = DatumGetTimestampTz(values[COLUMN_AT - 1]);
	mark->snapshot = datumCopy(values[COLUMN_SNAPSHOT - 1], false, -1);
	mark->cluster = DatumGetInt64(values[COLUMN_CLUSTER - 1]);
	mark->xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[COLUMN_XID - 1]));
	mark->last_transaction_id = DatumGetInt64(values[COLUMN_LAST_TRANSACTION_ID - 1]);
	mark->last_entry_id = DatumGetInt64(values[COLUMN_LAST_ENTRY_ID - 1]);
	baseline->sum.row_count = DatumGetInt64(values[COLUMN_ROW_COUNT - 1]);
	if (VARSIZE_ANY_EXHDR(digest) != ATHAR_HASH_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("state %lld in athar.tracking_check is not one that was written down",
						(long long) DatumGetInt64(values[COLUMN_ID - 1])),
				 errdetail("Its digest does not have %d bytes.",
						   ATHAR_HASH_BYTES),
				 errhint("Without that row, tracking_status() compares with the state before.")));
	memcpy(baseline->sum.digest, VARDATA_ANY(digest),
		   ATHAR_HASH_BYTES);
	baseline->columns = columns_of(values[COLUMN_NUMBERS - 1],
								   values[COLUMN_TYPES - 1]);
	baseline->complete_since = DatumGetTimestampTz(values[COLUMN_COMPLETE_SINCE - 1]);
}

/*
 * The newest of a table up to a time; with the id of a mark, the oldest from
 * that time on that sees what the mark does.  In the active snapshot; false
 * without.
 */
bool
athar_baseline_read(int32 lineage, TimestampTz at, int64 mark_id,
					athar_baseline *baseline)
{
	MemoryContext context = CurrentMemoryContext;
	Oid			types[3] = {INT4OID, TIMESTAMPTZOID, INT8OID};
	Datum		arguments[3] = {
		Int32GetDatum(lineage), TimestampTzGetDatum(at),
		Int64GetDatum(mark_id)
	};
	athar_owner_state state;
	bool		is_found;

	memset(baseline, 0, sizeof(athar_baseline));
	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_TRACKING_CHECK),
							   &state);
	if (SPI_execute_with_args(mark_id ? oldest_text : newest_text, 3, types,
							  arguments, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the baselines of the log");
	is_found = SPI_processed > 0;
	if (is_found)
	{
		Datum		values[COLUMNS];
		bool		nulls[COLUMNS];
		MemoryContext old = MemoryContextSwitchTo(context);

		heap_deform_tuple(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
						  values, nulls);
		take_over(baseline, values);
		MemoryContextSwitchTo(old);
	}
	athar_catalog_resign(&state);
	SPI_finish();
	return is_found;
}

static void
put_columns(List *columns, Datum *values)
{
	int			count = list_length(columns);
	Datum	   *numbers = palloc(sizeof(Datum) * (count + 1));
	Datum	   *types = palloc(sizeof(Datum) * (count + 1));
	ListCell   *cell;

	foreach(cell, columns)
	{
		athar_covered *column = lfirst(cell);

		numbers[foreach_current_index(cell)] = Int32GetDatum(column->number);
		types[foreach_current_index(cell)] = CStringGetTextDatum(column->type);
	}
	values[COLUMN_NUMBERS - 1] = PointerGetDatum(construct_array(numbers, count,
																 INT4OID, 4, true,
																 TYPALIGN_INT));
	values[COLUMN_TYPES - 1] = PointerGetDatum(construct_array(types, count,
															   TEXTOID, -1, false,
															   TYPALIGN_INT));
}

static void
put_text(const char *text, int column, Datum *values, bool *nulls)
{
	nulls[column - 1] = text == NULL;
	values[column - 1] = text ? CStringGetTextDatum(text) : (Datum) 0;
}

void
athar_baseline_write(athar_baseline *baseline)
{
	athar_mark *mark = &baseline->mark;
	Datum		values[COLUMNS];
	bool		nulls[COLUMNS] = {false};
	bytea	   *digest = palloc(VARHDRSZ + ATHAR_HASH_BYTES);

	SET_VARSIZE(digest, VARHDRSZ + ATHAR_HASH_BYTES);
	memcpy(VARDATA(digest), baseline->sum.digest, ATHAR_HASH_BYTES);
	mark->xid = U64FromFullTransactionId(GetTopFullTransactionId());
	values[COLUMN_ID - 1] = Int64GetDatum(athar_catalog_nextval(ATHAR_TRACKING_CHECK));
	values[COLUMN_LINEAGE - 1] = Int32GetDatum(baseline->lineage);
	values[COLUMN_TABLE_ID - 1] = Int32GetDatum(baseline->table_id);
	put_text(baseline->origin, COLUMN_ORIGIN, values, nulls);
	values[COLUMN_AT - 1] = TimestampTzGetDatum(mark->at);
	values[COLUMN_SNAPSHOT - 1] = mark->snapshot;
	values[COLUMN_CLUSTER - 1] = Int64GetDatum(mark->cluster);
	values[COLUMN_XID - 1] =
		FullTransactionIdGetDatum(FullTransactionIdFromU64(mark->xid));
	values[COLUMN_LAST_TRANSACTION_ID - 1] = Int64GetDatum(mark->last_transaction_id);
	values[COLUMN_LAST_ENTRY_ID - 1] = Int64GetDatum(mark->last_entry_id);
	values[COLUMN_ROW_COUNT - 1] = Int64GetDatum(baseline->sum.row_count);
	values[COLUMN_DIGEST - 1] = PointerGetDatum(digest);
	put_columns(baseline->columns, values);
	values[COLUMN_COMPLETE_SINCE - 1] = TimestampTzGetDatum(baseline->complete_since);
	put_text(athar_context_role(), COLUMN_ROLE_NAME, values, nulls);
	put_text(athar_context_actor(), COLUMN_ACTOR, values, nulls);
	put_text(baseline->reason, COLUMN_REASON, values, nulls);
	athar_catalog_insert(ATHAR_TRACKING_CHECK, values, nulls);
	CommandCounterIncrement();
}

/*
 * Taking one
 */

typedef struct taking
{
	athar_baseline *baseline;
	athar_shape *shape;
	athar_row_hasher hasher;
} taking;

static void
take_row(void *context, Datum *values, bool *nulls)
{
	taking	   *taken = context;
	uint8		hash[ATHAR_HASH_BYTES];

	athar_baseline_hash(&taken->hasher, taken->shape,
						taken->baseline->columns, values, nulls, hash);
	athar_baseline_add(&taken->baseline->sum, hash);
}

/*
 * Write down what a table holds now.  Whatever the log lacks of what was
 * before is from now on nobody's question.
 */
void
athar_baseline_take(Oid relid, athar_tracked *tracked,
					const char *origin, const char *reason)
{
	athar_baseline baseline = {
		.lineage = tracked->lineage,
		.table_id = tracked->id,
		.origin = origin,
		.reason = reason
	};
	taking		taken = {.baseline = &baseline};
	Relation	relation = table_open(relid, AccessShareLock);

	taken.shape = athar_definition_shape(relation, relation, tracked->fields);
	baseline.columns = athar_baseline_columns(relation, tracked->fields,
											  taken.shape);
	PushActiveSnapshot(GetLatestSnapshot());
	athar_baseline_snapshot(&baseline);
	baseline.complete_since = baseline.mark.at;
	athar_baseline_begin_hash(&taken.hasher);
	athar_baseline_scan(relation, taken.shape, take_row, &taken);
	athar_baseline_end_hash(&taken.hasher);
	PopActiveSnapshot();
	table_close(relation, NoLock);
	athar_baseline_write(&baseline);
}
