/*
 * source.c
 *	  Tables of applications that are the source of a KPI.
 *
 * A source names columns; what they are is looked up again whenever the table
 * may have changed.  Only plain columns of the server's own types are read,
 * and read here: no cast and no function that somebody else made is called for
 * a value.  What is no figure, such as NULL or NaN, is left out and counted;
 * it never fails a writer, who may know nothing of the KPI.
 */
#include "athar.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/parallel.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rls.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "source.h"

/* Sums of values up to this size stay finite. */
#define LARGEST_VALUE 1e150

/* A code has at most 200 characters: one more tells that it is none. */
#define LONGEST_CODE 201

static const char *const load_query =
"SELECT s.kpi_id, s.relation::pg_catalog.oid, k.code::text, k.kind, "
"s.value_column, s.observed_at_column, s.service_column, s.channel_column, "
"s.stage_column, s.denominator_column, s.shape, k.time_zone, "
"pg_catalog.date_part('epoch', k.time_limit) "
"FROM athar.kpi_source AS s JOIN athar.kpi AS k ON k.id = s.kpi_id "
"WHERE s.id OPERATOR(pg_catalog.=) $1";

/* The columns of load_query. */
enum
{
	LOAD_KPI_ID = 1,
	LOAD_RELATION,
	LOAD_KPI,
	LOAD_KIND,
	LOAD_NAMES,
	LOAD_SHAPE = LOAD_NAMES + SOURCE_PARTS,
	LOAD_ZONE,
	LOAD_LIMIT
};

/*
 * Loading
 */

static char *
loaded_text(int column, MemoryContext context)
{
	char	   *text = SPI_getvalue(SPI_tuptable->vals[0],
									SPI_tuptable->tupdesc, column);

	return text ? MemoryContextStrdup(context, text) : NULL;
}

static Datum
loaded(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column,
						 isnull);
}

static athar_source *
copy_loaded(int32 id, MemoryContext context)
{
	athar_source *source = MemoryContextAllocZero(context,
												  sizeof(athar_source));
	char	   *zone = loaded_text(LOAD_ZONE, context);
	bool		isnull;
	Datum		limit;

	source->id = id;
	source->context = context;
	source->kpi_id = DatumGetInt32(loaded(LOAD_KPI_ID, &isnull));
	source->relation = DatumGetObjectId(loaded(LOAD_RELATION, &isnull));
	source->kpi = loaded_text(LOAD_KPI, context);
	source->kind = loaded_text(LOAD_KIND, context);
	for (int i = 0; i < SOURCE_PARTS; i++)
		source->name[i] = loaded_text(LOAD_NAMES + i, context);
	source->shape = loaded_text(LOAD_SHAPE, context);
	limit = loaded(LOAD_LIMIT, &isnull);
	source->limit = isnull ? 0 : DatumGetFloat8(limit);
	athar_day_begin(&source->days, zone);
	return source;
}

/*
 * Sources are asked for as they are now, whatever snapshot the query has; but
 * a parallel worker has no other.
 */
static bool
may_only_read(void)
{
	return IsInParallelMode();
}

/* Read a row of kpi_source, whoever asks; NULL if there is none. */
athar_source *
athar_source_load(int32 id, MemoryContext context)
{
	static SPIPlanPtr plan = NULL;
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(id)};
	athar_source *source = NULL;
	athar_owner_state state;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_KPI_SOURCE), &state);
	if (plan == NULL)
	{
		SPIPlanPtr	made = SPI_prepare(load_query, lengthof(types), types);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare \"%s\"", load_query);
		plan = made;
	}
	if (SPI_execute_plan(plan, values, NULL, may_only_read(), 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read the table kpi_source");
	if (SPI_processed > 0)
		source = copy_loaded(id, context);
	athar_catalog_resign(&state);
	SPI_finish();
	return source;
}

/* The ids of all sources, in the caller's memory. */
List *
athar_source_ids(void)
{
	MemoryContext context = CurrentMemoryContext;
	athar_owner_state state;
	List	   *ids = NIL;
	bool		isnull;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_KPI_SOURCE), &state);
	if (SPI_execute("SELECT id FROM athar.kpi_source ORDER BY id",
					may_only_read(), 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the table kpi_source");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		int32		id = DatumGetInt32(SPI_getbinval(SPI_tuptable->vals[i],
													 SPI_tuptable->tupdesc, 1,
													 &isnull));
		MemoryContext old = MemoryContextSwitchTo(context);

		ids = lappend_int(ids, id);
		MemoryContextSwitchTo(old);
	}
	athar_catalog_resign(&state);
	SPI_finish();
	return ids;
}

/*
 * Columns
 */

static bool
is_number(Oid type)
{
	switch (type)
	{
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
		case BOOLOID:
		case INTERVALOID:
			return true;
		default:
			return false;
	}
}

static bool
is_time(Oid type)
{
	return type == TIMESTAMPTZOID || type == TIMESTAMPOID || type == DATEOID;
}

/* Types that hold text in the server's own form. */
static bool
is_text(Oid type)
{
	return type == TEXTOID || type == VARCHAROID || type == BPCHAROID;
}

static bool
is_code(Oid type)
{
	return is_text(type) || type == INT2OID || type == INT4OID ||
		type == INT8OID || type == UUIDOID || get_typtype(type) == TYPTYPE_ENUM;
}

static bool
fits(athar_source_part part, Oid type)
{
	switch (part)
	{
		case SOURCE_VALUE:
			return is_number(type);
		case SOURCE_DENOMINATOR:
			return is_number(type) && type != BOOLOID && type != INTERVALOID;
		case SOURCE_TIME:
			return is_time(type);
		default:
			return is_code(type);
	}
}

static const char *const wanted_types[SOURCE_PARTS] = {
	"a number, an interval or a boolean",
	"a timestamp with or without time zone, or a date",
	"a text, an enum, an integer or a uuid",
	"a text, an enum, an integer or a uuid",
	"a text, an enum, an integer or a uuid",
	"a number"
};

static bool
is_stored(Form_pg_attribute attribute)
{
	return attribute->attgenerated == '\0' || attribute->attgenerated == 's';
}

/*
 * Find the source's columns in a table.  Returns what is wrong, in words, or
 * NULL.
 */
char *
athar_source_resolve(const athar_source *source, Relation relation,
					 athar_source_columns *columns)
{
	memset(columns, 0, sizeof(*columns));
	for (int i = 0; i < SOURCE_PARTS; i++)
	{
		athar_source_column *column = &columns->part[i];
		Form_pg_attribute attribute;

		if (source->name[i] == NULL)
			continue;
		column->attnum = get_attnum(RelationGetRelid(relation),
									source->name[i]);
		if (column->attnum <= 0)
			return psprintf("column \"%s\" does not exist", source->name[i]);
		attribute = TupleDescAttr(RelationGetDescr(relation),
								  column->attnum - 1);
		column->type = getBaseType(attribute->atttypid);
		column->collation = attribute->attcollation;
		if (!fits(i, column->type))
			return psprintf("column \"%s\" is of type %s, not %s",
							source->name[i],
							format_type_be(attribute->atttypid),
							wanted_types[i]);
		if (!is_stored(attribute))
			return psprintf("column \"%s\" is generated when it is read",
							source->name[i]);
		if (is_code(column->type) && !is_text(column->type))
		{
			Oid			output;
			bool		is_varlena;

			getTypeOutputInfo(column->type, &output, &is_varlena);
			fmgr_info_cxt(output, &column->output, TopMemoryContext);
		}
	}
	return NULL;
}

/*
 * Triggers
 */

/* The trigger function, whatever the caller may use. */
Oid
athar_source_function(void)
{
	oidvector  *arguments = buildoidvector(NULL, 0);

	return GetSysCacheOid3(PROCNAMEARGSNSP, Anum_pg_proc_oid,
						   CStringGetDatum("queue_source"),
						   PointerGetDatum(arguments),
						   ObjectIdGetDatum(get_namespace_oid("athar", false)));
}

/* How the source's trigger is enabled; 0 if there is none. */
static char
trigger_state(const athar_source *source, Relation relation)
{
	TriggerDesc *triggers = relation->trigdesc;
	Oid			function = athar_source_function();
	char		state = 0;
	int			count = 0;

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgfoid != function || trigger->tgnargs == 0 ||
			strtol(trigger->tgargs[0], NULL, 10) != source->id)
			continue;
		count++;
		if (state == 0 || trigger->tgenabled == TRIGGER_DISABLED)
			state = trigger->tgenabled;
	}
	return count >= 2 ? state : 0;
}

static bool
may_use_schema(Oid owner, Oid schema)
{
#if PG_VERSION_NUM >= 160000
	return object_aclcheck(NamespaceRelationId, schema, owner,
						   ACL_USAGE) == ACLCHECK_OK;
#else
	return pg_namespace_aclcheck(schema, owner, ACL_USAGE) == ACLCHECK_OK;
#endif
}

/* What the table's owner must be able to do, because it is read as him. */
static char *
unreadable(Relation relation)
{
	Oid			owner = relation->rd_rel->relowner;

	if (relation->rd_rel->relforcerowsecurity &&
		relation->rd_rel->relrowsecurity && !has_bypassrls_privilege(owner))
		return "its row security is forced upon its owner, who then does not see every row";
	if (!may_use_schema(owner, RelationGetNamespace(relation)))
		return "its owner may not use its schema";
	if (pg_class_aclcheck(RelationGetRelid(relation), owner,
						  ACL_SELECT) != ACLCHECK_OK)
		return "its owner may not read it";
	return NULL;
}

/*
 * Why a source cannot be read now, in words, or NULL; the relation is NULL
 * where it is gone.
 */
char *
athar_source_problem(const athar_source *source, Relation relation,
					 athar_source_columns *columns)
{
	char	   *problem;

	if (relation == NULL)
		return "the table does not exist";
	if (relation->rd_rel->relkind != RELKIND_RELATION &&
		relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return "it is not a table";
	problem = athar_source_resolve(source, relation, columns);
	if (problem)
		return problem;
	switch (trigger_state(source, relation))
	{
		case 0:
			return "its triggers were dropped";
		case TRIGGER_DISABLED:
			return "its triggers are disabled";
		default:
			return unreadable(relation);
	}
}

/*
 * What must not change behind our back: which columns are read, how many
 * partitions there are, and that the triggers fire.
 */
char *
athar_source_shape(const athar_source *source, Relation relation)
{
	StringInfoData shape;
	athar_source_columns columns;
	char	   *problem = athar_source_resolve(source, relation, &columns);
	int			count = 1;

	initStringInfo(&shape);
	for (int i = 0; i < SOURCE_PARTS; i++)
		appendStringInfo(&shape, "%d:%u ", columns.part[i].attnum,
						 columns.part[i].type < 16384 ?
						 columns.part[i].type : 16384);
	if (relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		count = list_length(find_all_inheritors(RelationGetRelid(relation),
												NoLock, NULL));
	appendStringInfo(&shape, "%d %c%s", count,
					 trigger_state(source, relation) ?
					 trigger_state(source, relation) : '-',
					 problem ? " broken" : "");
	return shape.data;
}

/*
 * Values
 */

/* The day of a row; false where it has none. */
bool
athar_source_day(athar_source *source, const athar_source_column *column,
				 Datum value, DateADT *day)
{
	TimestampTz at;

	if (column->type == DATEOID)
	{
		*day = DatumGetDateADT(value);
		return *day >= ATHAR_FIRST_DAY && *day <= ATHAR_LAST_DAY;
	}
	at = DatumGetTimestampTz(value);
	if (at < ATHAR_FIRST_INSTANT || at >= ATHAR_END_OF_TIME)
		return false;
	if (column->type == TIMESTAMPTZOID)
		*day = athar_day_of(&source->days, at);
	else
	{
		*day = at / USECS_PER_DAY;
		if (at < *day * USECS_PER_DAY)
			(*day)--;
	}
	return true;
}

/*
 * A code as it stands in a row, without a copy where possible; what is too
 * long for a code is cut, but stays too long.
 */
char *
athar_source_code(athar_source_column *column, Datum value, int *length)
{
	char	   *code;

	if (is_text(column->type))
	{
		struct varlena *text = PG_DETOAST_DATUM_PACKED(value);

		code = VARDATA_ANY(text);
		*length = VARSIZE_ANY_EXHDR(text);
		if (column->type == BPCHAROID)
			*length = bpchartruelen(code, *length);
	}
	else
	{
		code = OutputFunctionCall(&column->output, value);
		*length = strlen(code);
	}
	if (*length > LONGEST_CODE)
		*length = pg_mbcharcliplen(code, *length, LONGEST_CODE);
	return code;
}

/* A value as a finite number of bearable size; false where it is none. */
bool
athar_source_number(const athar_source_column *column, Datum value,
					double *number)
{
	switch (column->type)
	{
		case INT2OID:
			*number = DatumGetInt16(value);
			return true;
		case INT4OID:
			*number = DatumGetInt32(value);
			return true;
		case INT8OID:
			*number = (double) DatumGetInt64(value);
			return true;
		case BOOLOID:
			*number = DatumGetBool(value) ? 1 : 0;
			return true;
		case FLOAT4OID:
			*number = DatumGetFloat4(value);
			break;
		case FLOAT8OID:
			*number = DatumGetFloat8(value);
			break;
		case NUMERICOID:
			*number = DatumGetFloat8(DirectFunctionCall1(numeric_float8_no_overflow,
														 value));
			break;
		default:
			*number = DatumGetFloat8(DirectFunctionCall2(interval_part,
														 CStringGetTextDatum("epoch"),
														 value));
	}
	return fabs(*number) <= LARGEST_VALUE;
}
