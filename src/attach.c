/*
 * attach.c
 *	  attach_source() and detach_source().
 *
 * Whoever attaches a table must own it: its figures become readable to all who
 * read figures, and it gets triggers.
 */
#include "athar.h"

#include "access/relation.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#include "catalog.h"
#include "queue.h"
#include "source.h"
#include "watch.h"
#include "daily.h"

static const char *const part_names[SOURCE_PARTS] = {
	"value_column", "observed_at_column", "service_column", "channel_column",
	"stage_column", "denominator_column"
};

static void
check_kind(Relation relation)
{
	if (relation->rd_rel->relkind != RELKIND_RELATION &&
		relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		athar_catalog_refuse_kind("\"%s\" is not a table and cannot be the source of a KPI",
								  relation, "Attach the table that its rows come from; only a table tells when its rows change.");
	if (RelationGetRelid(relation) < FirstNormalObjectId)
		athar_catalog_refuse_kind("\"%s\" is a system catalog and cannot be the source of a KPI",
								  relation, "Name a table of your own.");
	if (relation->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		athar_catalog_refuse_kind("\"%s\" is a temporary table and cannot be the source of a KPI",
								  relation, "Attach a permanent table.");
	if (athar_catalog_is_member(RelationGetRelid(relation)))
		athar_catalog_refuse_kind("\"%s\" belongs to athar and cannot be the source of a KPI",
								  relation, "Its observations are figures already.");
}

static void
check_owner(Relation relation)
{
	if (!athar_catalog_owns(GetUserId(), RelationGetRelid(relation)))
		aclcheck_error(ACLCHECK_NOT_OWNER,
					   get_relkind_objtype(relation->rd_rel->relkind),
					   RelationGetRelationName(relation));
}

static void
require_argument(FunctionCallInfo fcinfo, int number, const char *what)
{
	if (PG_ARGISNULL(number))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a source needs %s", what),
				 errdetail("Nothing was changed."),
				 errhint("Name the KPI, the table, and its columns with the value and the time.")));
}

/* One value that a query gives, as the owner of our tables. */
static Datum
ask_owner(const char *query, int nargs, Oid *types, Datum *values,
		  const char *nulls, bool *isnull)
{
	athar_owner_state state;
	Datum		value = (Datum) 0;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_KPI_SOURCE), &state);
	if (SPI_execute_with_args(query, nargs, types, values, nulls, false,
							  0) < 0)
		elog(ERROR, "could not write the table kpi_source");
	*isnull = true;
	if (SPI_processed > 0 && SPI_tuptable)
		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1,
							  isnull);
	athar_catalog_resign(&state);
	SPI_finish();
	return value;
}

/* The id of a KPI; it is held, so that it keeps its meaning. */
static int32
kpi_of(Datum code)
{
	Oid			types[] = {TEXTOID};
	bool		isnull;
	int32		id = DatumGetInt32(ask_owner("SELECT athar.kpi_id($1)", 1,
											 types, &code, NULL, &isnull));
	Oid			id_types[] = {INT4OID};
	Datum		ids[] = {Int32GetDatum(id)};

	(void) ask_owner("SELECT id FROM athar.kpi WHERE id OPERATOR(pg_catalog.=) $1 FOR KEY SHARE",
					 1, id_types, ids, NULL, &isnull);
	return id;
}

/* The id of a source; 0 if there is none. */
static int32
source_of(int32 kpi, Oid relid)
{
	Oid			types[] = {INT4OID, OIDOID};
	Datum		values[] = {Int32GetDatum(kpi), ObjectIdGetDatum(relid)};
	bool		isnull;
	Datum		id = ask_owner("SELECT id FROM athar.kpi_source "
							   "WHERE kpi_id OPERATOR(pg_catalog.=) $1 "
							   "AND relation::pg_catalog.oid OPERATOR(pg_catalog.=) $2",
							   lengthof(types), types, values, NULL, &isnull);

	return isnull ? 0 : DatumGetInt32(id);
}

/* A row must not count twice: as that of a partition and of its table. */
static void
check_relatives(int32 kpi, Relation relation)
{
	Oid			relid = RelationGetRelid(relation);
	ListCell   *cell;

	foreach(cell, athar_source_ids())
	{
		athar_source *other = athar_source_load(lfirst_int(cell),
												CurrentMemoryContext);

		if (other == NULL || other->kpi_id != kpi || other->relation == relid)
			continue;
		if (list_member_oid(get_partition_ancestors(relid), other->relation) ||
			list_member_oid(get_partition_ancestors(other->relation), relid))
			ereport(ERROR,
					(errcode(ERRCODE_DUPLICATE_OBJECT),
					 errmsg("table \"%s\" shares rows with table \"%s\", which is a source of the KPI already",
							RelationGetRelationName(relation),
							get_rel_name(other->relation)),
					 errdetail("Those rows would count twice."),
					 errhint("Detach the other table first.")));
	}
}

/* Write the row of kpi_source, and return its id. */
static int32
write_source(int32 kpi, Relation relation, FunctionCallInfo fcinfo)
{
	Oid			types[3 + SOURCE_PARTS] = {INT4OID, REGCLASSOID, TEXTOID};
	Datum		values[3 + SOURCE_PARTS];
	char		nulls[3 + SOURCE_PARTS + 1] = "   ";
	Oid			relid = RelationGetRelid(relation);
	bool		isnull;

	values[0] = Int32GetDatum(kpi);
	values[1] = ObjectIdGetDatum(relid);
	values[2] = CStringGetTextDatum(quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
															   RelationGetRelationName(relation)));
	for (int i = 0; i < SOURCE_PARTS; i++)
	{
		types[3 + i] = NAMEOID;
		values[3 + i] = PG_GETARG_DATUM(2 + i);
		nulls[3 + i] = PG_ARGISNULL(2 + i) ? 'n' : ' ';
	}
	return DatumGetInt32(ask_owner("INSERT INTO athar.kpi_source AS s (kpi_id, relation, relation_name, value_column, "
								   "observed_at_column, service_column, channel_column, stage_column, denominator_column) "
								   "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
								   "ON CONFLICT (kpi_id, relation) DO UPDATE SET relation_name = excluded.relation_name, "
								   "value_column = excluded.value_column, observed_at_column = excluded.observed_at_column, "
								   "service_column = excluded.service_column, channel_column = excluded.channel_column, "
								   "stage_column = excluded.stage_column, denominator_column = excluded.denominator_column, "
								   "last_error = NULL RETURNING id",
								   lengthof(types), types, values, nulls,
								   &isnull));
}

static void
check_parts(FunctionCallInfo fcinfo, const athar_source *source)
{
	if (!PG_ARGISNULL(2 + SOURCE_STAGE) && PG_ARGISNULL(2 + SOURCE_SERVICE))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a stage_column is given without a service_column"),
				 errdetail("A stage is known within its service only."),
				 errhint("Name the column with the service's code, too.")));
	if (!PG_ARGISNULL(2 + SOURCE_DENOMINATOR) &&
		strcmp(source->kind, "ratio") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("KPI \"%s\" takes no denominator", source->kpi),
				 errdetail("Its kind is %s.", source->kind),
				 errhint("Leave denominator_column out, or define a KPI of kind ratio.")));
}

static void
check_columns(const athar_source *source, Relation relation,
			  athar_source_columns *columns)
{
	char	   *problem;

	for (int i = 0; i < SOURCE_PARTS; i++)
	{
		if (source->name[i] &&
			get_attnum(RelationGetRelid(relation),
					   source->name[i]) <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" of table \"%s\" does not exist",
							source->name[i],
							RelationGetRelationName(relation)),
					 errdetail("It was given as %s.", part_names[i]),
					 errhint("Check the spelling; names are taken literally, without quotes.")));
	}
	problem = athar_source_resolve(source, relation, columns);
	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("table \"%s\" cannot be the source of KPI \"%s\": %s",
						RelationGetRelationName(relation), source->kpi,
						problem),
				 errdetail("Only plain columns of the server's own types are read."),
				 errhint("Name another column; a stored generated column can hold what has to be computed.")));
}

static void
advise_index(const athar_source *source, Relation relation,
			 const athar_source_columns *columns)
{
	StringInfoData list;

	if (athar_daily_has_index(relation, columns))
		return;
	initStringInfo(&list);
	if (source->name[SOURCE_SERVICE])
		appendStringInfo(&list, "%s, ",
						 quote_identifier(source->name[SOURCE_SERVICE]));
	appendStringInfoString(&list, quote_identifier(source->name[SOURCE_TIME]));
	ereport(NOTICE,
			(errmsg("no index of table \"%s\" leads to the rows of one day",
					RelationGetRelationName(relation)),
			 errdetail("Every refresh reads the whole table."),
			 errhint("CREATE INDEX ON %s (%s);",
					 quote_qualified_identifier(get_namespace_name(RelationGetNamespace(relation)),
												RelationGetRelationName(relation)),
					 list.data)));
}

/*
 * Make a table the source of a KPI.  The lock keeps writers out until the
 * triggers exist; all there is by then is queued.
 */
PG_FUNCTION_INFO_V1(athar_attach_source);
Datum
athar_attach_source(PG_FUNCTION_ARGS)
{
	Relation	relation;
	athar_source *source;
	athar_source_columns columns;
	int32		kpi;
	int32		id;
	char	   *problem;

	require_argument(fcinfo, 0, "a KPI");
	require_argument(fcinfo, 1, "a table");
	require_argument(fcinfo, 2, "a value_column");
	require_argument(fcinfo, 3, "an observed_at_column");
	kpi = kpi_of(PG_GETARG_DATUM(0));
	relation = relation_open(PG_GETARG_OID(1), AccessShareLock);
	check_kind(relation);
	check_owner(relation);
	LockRelationOid(RelationGetRelid(relation), ShareRowExclusiveLock);
	check_relatives(kpi, relation);
	if (source_of(kpi, RelationGetRelid(relation)) != 0)
		athar_watch_strip(RelationGetRelid(relation),
						  source_of(kpi, RelationGetRelid(relation)));
	id = write_source(kpi, relation, fcinfo);
	CommandCounterIncrement();
	source = athar_source_load(id, CurrentMemoryContext);
	check_parts(fcinfo, source);
	check_columns(source, relation, &columns);
	relation_close(relation, NoLock);
	athar_watch_equip(source->relation, id);
	relation = table_open(source->relation, NoLock);
	problem = athar_source_problem(source, relation, &columns);
	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("table \"%s\" cannot be the source of KPI \"%s\": %s",
						RelationGetRelationName(relation), source->kpi,
						problem),
				 errdetail("It is read with its owner's rights, whoever reads the figures."),
				 errhint("Let its owner read every row.")));
	athar_watch_set_shape(source, relation);
	athar_queue_everything(id);
	advise_index(source, relation, &columns);
	table_close(relation, NoLock);
	PG_RETURN_INT32(id);
}

/* Make a table no source of a KPI any more; its figures go with it. */
PG_FUNCTION_INFO_V1(athar_detach_source);
Datum
athar_detach_source(PG_FUNCTION_ARGS)
{
	Oid			types[] = {INT4OID};
	Datum		values[1];
	Relation	relation;
	bool		isnull;
	int32		id;

	require_argument(fcinfo, 0, "a KPI");
	require_argument(fcinfo, 1, "a table");
	relation = try_relation_open(PG_GETARG_OID(1), AccessShareLock);
	if (relation)
	{
		check_owner(relation);
		relation_close(relation, NoLock);
		LockRelationOid(PG_GETARG_OID(1), ShareRowExclusiveLock);
	}
	id = source_of(kpi_of(PG_GETARG_DATUM(0)), PG_GETARG_OID(1));
	if (id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" is no source of KPI \"%s\"",
						relation ? get_rel_name(PG_GETARG_OID(1)) :
						psprintf("%u", PG_GETARG_OID(1)),
						TextDatumGetCString(PG_GETARG_DATUM(0))),
				 errdetail("Nothing was changed."),
				 errhint("The view athar.sources lists what is attached.")));
	if (relation)
		athar_watch_strip(PG_GETARG_OID(1), id);
	values[0] = Int32GetDatum(id);
	(void) ask_owner("DELETE FROM athar.dirty_source WHERE source_id OPERATOR(pg_catalog.=) $1",
					 1, types, values, NULL, &isnull);
	(void) ask_owner("DELETE FROM athar.source_bucket WHERE source_id OPERATOR(pg_catalog.=) $1",
					 1, types, values, NULL, &isnull);
	(void) ask_owner("DELETE FROM athar.kpi_source WHERE id OPERATOR(pg_catalog.=) $1",
					 1, types, values, NULL, &isnull);
	athar_queue_taken();
	PG_RETURN_VOID();
}
