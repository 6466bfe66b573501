/*
 * daily.c
 *	  Daily figures made from the rows of a source.
 *
 * The rows are read with the rights of the table's owner, restricted as
 * ANALYZE restricts them: whoever may read figures need not be able to read
 * the table, and nothing that its owner made runs with anybody else's rights.
 * The query asks for plain columns; values are turned into figures here,
 * straight from the executor's slots, without a copy of the rows.
 *
 * Some days are read by an index on (service, time) or (time), one range each.
 * Without such an index they are all found in one pass over the table, and so
 * is everything where everything is asked for; then the rows come sorted, and
 * one group of them is in memory at a time.
 *
 * Of a source that cannot be read, what was known last is returned.
 */
#include "athar.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_index.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/dest.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "catalog.h"
#include "queue.h"
#include "source.h"
#include "collect.h"
#include "daily.h"

/* How rows are asked for. */
typedef enum question_kind
{
	EVERYTHING,					/* sorted */
	SOME_DAYS,					/* in one pass, sorted */
	ONE_DAY,					/* by an index */
	ONE_DAY_CHECKED				/* likewise, where the range is wider */
} question_kind;

#define QUESTIONS (ONE_DAY_CHECKED + 1)

/* What is known of a source as long as nothing changes. */
typedef struct known_source
{
	int32		id;				/* the key */
	bool		is_valid;
	bool		has_index;
	MemoryContext context;
	athar_source *source;
	char	   *problem;
	Oid			owner;
	athar_source_columns columns;
	SPIPlanPtr	plans[QUESTIONS][2];	/* by whether a service is named */
} known_source;

static HTAB *known_sources;
static Oid	kpi_table;
static Oid	source_table;

/*
 * What is known of sources
 */

static void
forget(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	known_source *known;

	if (known_sources == NULL)
		return;
	hash_seq_init(&status, known_sources);
	while ((known = hash_seq_search(&status)) != NULL)
	{
		if (!OidIsValid(relid) || relid == kpi_table ||
			relid == source_table || known->source == NULL ||
			known->source->relation == relid)
			known->is_valid = false;
	}
}

void
athar_daily_init(void)
{
	CacheRegisterRelcacheCallback(forget, (Datum) 0);
}

/* Does an index lead to a service's rows of a day? */
static bool
leads(Relation index, const athar_source_columns *columns)
{
	Form_pg_index form = index->rd_index;
	const athar_source_column *service = &columns->part[SOURCE_SERVICE];
	AttrNumber	time = columns->part[SOURCE_TIME].attnum;
	AttrNumber	first = form->indkey.values[0];

	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid ||
		!heap_attisnull(index->rd_indextuple, Anum_pg_index_indpred, NULL))
		return false;
	if (first == time)
		return true;
	return service->attnum != 0 && first == service->attnum &&
		(service->type == TEXTOID || service->type == VARCHAROID) &&
		form->indnkeyatts > 1 && form->indkey.values[1] == time &&
		index->rd_indcollation[0] == service->collation;
}

bool
athar_daily_has_index(Relation relation,
					  const athar_source_columns *columns)
{
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *cell;
	bool		found = false;

	foreach(cell, indexes)
	{
		Relation	index = index_open(lfirst_oid(cell), AccessShareLock);

		found |= leads(index, columns);
		index_close(index, AccessShareLock);
	}
	list_free(indexes);
	return found;
}

static void
learn(known_source *known, Relation relation)
{
	MemoryContext old;
	char	   *problem;

	for (int i = 0; i < QUESTIONS * 2; i++)
	{
		if (known->plans[i / 2][i % 2])
			SPI_freeplan(known->plans[i / 2][i % 2]);
		known->plans[i / 2][i % 2] = NULL;
	}
	problem = athar_source_problem(known->source, relation, &known->columns);
	old = MemoryContextSwitchTo(known->context);
	known->problem = problem ? pstrdup(problem) : NULL;
	if (problem == NULL)
	{
		known->owner = relation->rd_rel->relowner;
		known->has_index = athar_daily_has_index(relation, &known->columns);
	}
	MemoryContextSwitchTo(old);
}

static known_source *
find_known(int32 id)
{
	known_source *known;
	bool		found;

	if (known_sources == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(int32),
			.entrysize = sizeof(known_source)
		};

		known_sources = hash_create("athar sources", 32, &control,
									HASH_ELEM | HASH_BLOBS);
	}
	known = hash_search(known_sources, &id, HASH_ENTER, &found);
	if (!found)
	{
		memset(known, 0, sizeof(*known));
		known->id = id;
		known->context = AllocSetContextCreate(TopMemoryContext,
											   "athar source",
											   ALLOCSET_SMALL_SIZES);
	}
	return known;
}

/*
 * What is known of a source; its table is locked and returned open, or NULL
 * where it is gone.  NULL if there is no such source.
 */
static known_source *
open_source(int32 id, Relation *relation)
{
	known_source *known = find_known(id);

	kpi_table = athar_catalog_oid(ATHAR_KPI);
	source_table = athar_catalog_oid(ATHAR_KPI_SOURCE);
	*relation = NULL;
	if (known->is_valid)
		*relation = try_relation_open(known->source->relation,
									  AccessShareLock);
	if (known->is_valid)
		return known;
	if (*relation)
		relation_close(*relation, NoLock);
	*relation = NULL;
	known->source = NULL;
	MemoryContextReset(known->context);
	known->source = athar_source_load(id, known->context);
	if (known->source == NULL)
		return NULL;
	*relation = try_relation_open(known->source->relation, AccessShareLock);
	/* the lock is held: what changes from here on is told */
	known->is_valid = true;
	learn(known, *relation);
	return known;
}

/*
 * Questions
 */

static const char *
name_of(known_source *known, athar_source_part part)
{
	return quote_identifier(known->source->name[part]);
}

static bool
has(known_source *known, athar_source_part part)
{
	return known->columns.part[part].attnum != 0;
}

/* A code as text; nothing where there is none. */
static char *
code_of(known_source *known, athar_source_part part)
{
	if (!has(known, part))
		return "''::text";
	return psprintf("coalesce(\"left\"(r.%s::text, 201), '') COLLATE \"C\"",
					name_of(known, part));
}

static char *
day_of(known_source *known)
{
	Oid			type = known->columns.part[SOURCE_TIME].type;

	if (type == TIMESTAMPTZOID)
		return psprintf("(r.%s AT TIME ZONE %s)::date",
						name_of(known, SOURCE_TIME),
						quote_literal_cstr(pg_get_timezone_name(known->source->days.zone)));
	return psprintf("r.%s::date", name_of(known, SOURCE_TIME));
}

/* What tells the range of times is of this type. */
static Oid
time_type(known_source *known)
{
	return known->columns.part[SOURCE_TIME].type;
}

static void
ask_for_columns(StringInfo text, known_source *known)
{
	appendStringInfo(text, "SELECT r.%s, r.%s, %s, %s, %s, %s",
					 name_of(known, SOURCE_TIME),
					 name_of(known, SOURCE_VALUE),
					 has(known, SOURCE_SERVICE) ?
					 psprintf("r.%s", name_of(known, SOURCE_SERVICE)) : "NULL",
					 has(known, SOURCE_CHANNEL) ?
					 psprintf("r.%s", name_of(known, SOURCE_CHANNEL)) : "NULL",
					 has(known, SOURCE_STAGE) ?
					 psprintf("r.%s", name_of(known, SOURCE_STAGE)) : "NULL",
					 has(known, SOURCE_DENOMINATOR) ?
					 psprintf("r.%s", name_of(known, SOURCE_DENOMINATOR)) : "NULL");
}

static char *
table_name(known_source *known)
{
	Oid			relid = known->source->relation;
	char	   *name =
	quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)),
							   get_rel_name(relid));

	if (get_rel_relkind(relid) == RELKIND_PARTITIONED_TABLE)
		return name;
	return psprintf("ONLY %s", name);
}

/* Rows of one day; of a service, or of none. */
static void
ask_for_day(StringInfo text, known_source *known, bool is_checked,
			bool has_service)
{
	const char *time = name_of(known, SOURCE_TIME);
	char	   *range = psprintf("r.%s >= $2 AND r.%s < $3", time, time);

	appendStringInfo(text, " FROM %s AS r WHERE ", table_name(known));
	if (has_service)
	{
		appendStringInfo(text, "r.%s = $1 AND %s",
						 name_of(known, SOURCE_SERVICE), range);
		/* another spelling of a code is another code */
		if (!get_collation_isdeterministic(known->columns.part[SOURCE_SERVICE].collation))
			appendStringInfo(text, " AND %s = $1",
							 code_of(known, SOURCE_SERVICE));
	}
	else if (has(known, SOURCE_SERVICE))
		appendStringInfo(text, "(r.%1$s IS NULL AND %2$s OR r.%1$s = '' AND %2$s)",
						 name_of(known, SOURCE_SERVICE), range);
	else
		appendStringInfoString(text, range);
	if (is_checked)
		appendStringInfo(text, " AND %s = $4", day_of(known));
}

static void
ask_in_order(StringInfo text, known_source *known)
{
	appendStringInfo(text, " ORDER BY %s, %s, %s, %s",
					 code_of(known, SOURCE_SERVICE), day_of(known),
					 code_of(known, SOURCE_CHANNEL),
					 code_of(known, SOURCE_STAGE));
}

static void
ask_for_days(StringInfo text, known_source *known, bool is_some)
{
	const char *time = name_of(known, SOURCE_TIME);
	const char *type = format_type_be(time_type(known));

	appendStringInfo(text, " FROM %s AS r", table_name(known));
	if (is_some)
		appendStringInfo(text, " JOIN (SELECT DISTINCT b.service COLLATE \"C\" AS service, b.day "
						 "FROM unnest($1, $2) AS b (service, day)) AS b "
						 "ON b.day = %s AND b.service = %s",
						 day_of(known), code_of(known, SOURCE_SERVICE));
	appendStringInfo(text, " WHERE r.%s >= '0001-01-01%s'::%s AND r.%s < '10000-01-01%s'::%s",
					 time, time_type(known) == TIMESTAMPTZOID ? " 00:00:00+00" : "",
					 type, time,
					 time_type(known) == TIMESTAMPTZOID ? " 00:00:00+00" : "",
					 type);
	ask_in_order(text, known);
}

static SPIPlanPtr
plan_of(known_source *known, question_kind kind, bool has_service)
{
	SPIPlanPtr *kept = &known->plans[kind][has_service];
	Oid			time = time_type(known);
	Oid			some_days[] = {TEXTARRAYOID, DATEARRAYOID};
	Oid			one_day[] = {TEXTOID, time, time, DATEOID};
	StringInfoData text;
	SPIPlanPtr	plan;

	if (*kept)
		return *kept;
	initStringInfo(&text);
	ask_for_columns(&text, known);
	if (kind == EVERYTHING || kind == SOME_DAYS)
		ask_for_days(&text, known, kind == SOME_DAYS);
	else
		ask_for_day(&text, known, kind == ONE_DAY_CHECKED, has_service);
	plan = SPI_prepare_cursor(text.data,
							  kind == EVERYTHING ? 0 : kind == SOME_DAYS ? 2 : 4,
							  kind == SOME_DAYS ? some_days : one_day,
							  CURSOR_OPT_GENERIC_PLAN);
	if (plan == NULL || SPI_keepplan(plan) != 0)
		elog(ERROR, "could not prepare \"%s\"", text.data);
	pfree(text.data);
	*kept = plan;
	return plan;
}

/*
 * Asking
 */

static void
set_parameter(ParamListInfo list, int number, Oid type, Datum value)
{
	list->params[number].value = value;
	list->params[number].isnull = false;
	list->params[number].pflags = PARAM_FLAG_CONST;
	list->params[number].ptype = type;
}

static void
ask(athar_collector *into, SPIPlanPtr plan, ParamListInfo parameters)
{
	SPIExecuteOptions options = {0};

	options.params = parameters;
	options.read_only = true;
	options.dest = &into->receiver;
	if (SPI_execute_plan_extended(plan, &options) < 0)
		elog(ERROR, "could not read the table of a source");
}

static void
set_off(const char *setting)
{
	(void) set_config_option(setting, "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
}

/* The range of times that holds a day; false if it holds others, too. */
static bool
range_of(known_source *known, DateADT day, Datum *from, Datum *until)
{
	TimestampTz first;
	TimestampTz end;
	bool		is_exact = true;

	switch (time_type(known))
	{
		case DATEOID:
			*from = DateADTGetDatum(day);
			*until = DateADTGetDatum(day + 1);
			return true;
		case TIMESTAMPOID:
			first = day * USECS_PER_DAY;
			end = first + USECS_PER_DAY;
			break;
		default:
			is_exact = athar_day_bounds(&known->source->days, day, &first,
										&end);
			first = Max(first, ATHAR_FIRST_INSTANT);
			end = Min(end, ATHAR_END_OF_TIME);
	}
	*from = TimestampTzGetDatum(first);
	*until = TimestampTzGetDatum(end);
	return is_exact;
}

static void
ask_one_day(known_source *known, athar_collector *into, Datum service,
			DateADT day)
{
	ParamListInfo parameters = makeParamList(4);
	Datum		from;
	Datum		until;
	bool		is_exact = range_of(known, day, &from, &until);
	text	   *code = DatumGetTextPP(service);
	bool		has_service = VARSIZE_ANY_EXHDR(code) > 0;

	if (has_service && !has(known, SOURCE_SERVICE))
		return;
	athar_collect_day(into, VARDATA_ANY(code), VARSIZE_ANY_EXHDR(code), day);
	set_parameter(parameters, 0, TEXTOID, service);
	set_parameter(parameters, 1, time_type(known), from);
	set_parameter(parameters, 2, time_type(known), until);
	set_parameter(parameters, 3, DATEOID, DateADTGetDatum(day));
	ask(into, plan_of(known, is_exact ? ONE_DAY : ONE_DAY_CHECKED,
					  has_service), parameters);
	athar_collect_return(into);
	pfree(parameters);
}

/* Sorted rows, and the groups of the last one. */
static void
ask_in_one_pass(known_source *known, athar_collector *into, question_kind kind, ParamListInfo parameters)
{
	into->is_sorted = true;
	ask(into, plan_of(known, kind, false), parameters);
	if (into->service)
		athar_collect_return(into);
	into->is_sorted = false;
}

/*
 * Codes that are cut for being too long, or are no text in the table, are not
 * looked for by an index.
 */
static bool
is_indexed(known_source *known, Datum service)
{
	text	   *code = DatumGetTextPP(service);
	Oid			type = known->columns.part[SOURCE_SERVICE].type;

	if (!known->has_index)
		return false;
	if (VARSIZE_ANY_EXHDR(code) == 0)
		return !has(known, SOURCE_SERVICE) || type == TEXTOID ||
			type == VARCHAROID;
	return VARSIZE_ANY_EXHDR(code) <= 200 &&
		(type == TEXTOID || type == VARCHAROID);
}

/* Ask for days that no index leads to. */
static void
ask_others(known_source *known, athar_collector *into, Datum *services, Datum *days, int count)
{
	ParamListInfo parameters = makeParamList(2);

	set_parameter(parameters, 0, TEXTARRAYOID,
				  PointerGetDatum(construct_array(services, count, TEXTOID,
												  -1, false, TYPALIGN_INT)));
	set_parameter(parameters, 1, DATEARRAYOID,
				  PointerGetDatum(construct_array(days, count, DATEOID, 4,
												  true, TYPALIGN_INT)));
	ask_in_one_pass(known, into, SOME_DAYS, parameters);
}

/* Ask for some days: in one pass, and by an index those that it leads to. */
static void
ask_some_days(known_source *known, athar_collector *into, Datum *services, Datum *days, int count)
{
	Datum	   *other_services = palloc(sizeof(Datum) * count);
	Datum	   *other_days = palloc(sizeof(Datum) * count);
	int			others = 0;

	for (int i = 0; i < count; i++)
	{
		if (is_indexed(known, services[i]))
			continue;
		other_services[others] = services[i];
		other_days[others++] = days[i];
	}
	if (others > 0)
		ask_others(known, into, other_services, other_days, others);
	/* a plan may be older than most of the rows */
	set_off("enable_seqscan");
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (is_indexed(known, services[i]))
			ask_one_day(known, into, services[i], DatumGetDateADT(days[i]));
	}
	pfree(other_services);
	pfree(other_days);
}

/* Read the table as its owner. */
static void
read_source(known_source *known, ReturnSetInfo *result, Datum *services,
			Datum *days, int count, bool is_everything)
{
	athar_collector into;
	athar_owner_state state;

	athar_collect_begin(&into, known->source, &known->columns, result);
	athar_catalog_restrict(known->owner, &state);
	set_off("jit");
	if (is_everything)
		ask_in_one_pass(known, &into, EVERYTHING, NULL);
	else
		ask_some_days(known, &into, services, days, count);
	athar_catalog_unrestrict(&state);
	athar_collect_end(&into);
}

/* What was known last, of the days or of all. */
static void
read_last_known(int32 source, ReturnSetInfo *result, Datum services,
				Datum days, bool is_everything)
{
	Oid			types[] = {INT4OID, TEXTARRAYOID, DATEARRAYOID, BOOLOID};
	Datum		values[] = {Int32GetDatum(source), services, days,
	BoolGetDatum(is_everything)};

	if (SPI_execute_with_args("SELECT b.service, b.day, b.channel, b.stage, b.n, b.summary, "
							  "b.numerator, b.denominator, b.left_out "
							  "FROM athar.source_bucket AS b "
							  "WHERE b.source_id OPERATOR(pg_catalog.=) $1 "
							  "AND ($4 OR EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest($2), pg_catalog.unnest($3)) AS q (service, day) "
							  "WHERE q.service OPERATOR(pg_catalog.=) b.service "
							  "AND q.day OPERATOR(pg_catalog.=) b.day))",
							  lengthof(types), types, values, NULL, true,
							  0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the table source_bucket");
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(result->setResult, SPI_tuptable->vals[i]);
}

/* The figures of some days of a source, or of all. */
PG_FUNCTION_INFO_V1(athar_source_figures);
Datum
athar_source_figures(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum	   *services;
	Datum	   *days;
	int			service_count;
	int			count;
	bool		is_everything = false;
	Relation	relation;
	known_source *known;

	InitMaterializedSRF(fcinfo, 0);
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		PG_RETURN_NULL();
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(1), TEXTOID, -1, false,
					  TYPALIGN_INT, &services, NULL, &service_count);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), DATEOID, 4, true,
					  TYPALIGN_INT, &days, NULL, &count);
	if (service_count != count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d services and %d days are no list of both",
						service_count, count),
				 errdetail("No figures were made."),
				 errhint("Give a service and a day for each bucket.")));
	for (int i = 0; i < count; i++)
		is_everything |= DatumGetDateADT(days[i]) == ATHAR_EVERY_DAY;
	if (count == 0)
		PG_RETURN_NULL();
	SPI_connect();
	known = open_source(PG_GETARG_INT32(0), &relation);
	if (known && (relation == NULL || known->problem))
		read_last_known(known->id, result, PG_GETARG_DATUM(1),
						PG_GETARG_DATUM(2), is_everything);
	else if (known)
		read_source(known, result, services, days, count, is_everything);
	if (relation)
		relation_close(relation, NoLock);
	SPI_finish();
	PG_RETURN_NULL();
}

/* What is wrong with a source, in words; NULL if nothing is. */
PG_FUNCTION_INFO_V1(athar_source_problem_of);
Datum
athar_source_problem_of(PG_FUNCTION_ARGS)
{
	Relation	relation;
	known_source *known = open_source(PG_GETARG_INT32(0), &relation);
	char	   *problem = NULL;

	if (known && relation == NULL)
		problem = "the table does not exist";
	else if (known)
		problem = known->problem;
	if (relation)
		relation_close(relation, AccessShareLock);
	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}
