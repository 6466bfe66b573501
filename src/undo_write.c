/*
 * undo_write.c
 *	  Undoing a transaction: undo_transaction().
 *
 * What the transaction did is written back as the caller, with his rights and
 * his triggers, and is logged like anything else.  All writes are one command
 * to the server's triggers: what fires after a row, foreign keys above all,
 * fires when every row is as it was, so rows that refer to each other are no
 * difficulty.
 */
#include "athar.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "undo_steps.h"
#include "undo_find.h"
#include "undo_check.h"

#define RESULT_COLUMNS 6

/* A statement in the making. */
typedef struct undo_statement
{
	athar_undo_row *row;
	StringInfoData text;
	int			nargs;
	Oid		   *types;
	Datum	   *values;
	char	   *nulls;
} undo_statement;

/*
 * Statements
 */

static bool
is_generated(athar_undo_table *table, const athar_column *column)
{
	return TupleDescAttr(RelationGetDescr(table->subject.relation),
						 column->attnum - 1)->attgenerated != '\0';
}

static void
begin_statement(undo_statement *made, athar_undo_row *row, const char *verb,
				bool has_alias)
{
	Relation	relation = row->table->subject.relation;
	int			room = 2 * row->table->subject.shape->count + 2;

	made->row = row;
	made->nargs = 0;
	made->types = palloc(sizeof(Oid) * room);
	made->values = palloc(sizeof(Datum) * room);
	made->nulls = palloc(room + 1);
	memset(made->nulls, ' ', room);
	made->nulls[room] = '\0';
	initStringInfo(&made->text);
	appendStringInfo(&made->text, "%s %s%s", verb,
					 has_alias && relation->rd_rel->relkind == RELKIND_RELATION ? "ONLY " : "",
					 row->table->name);
	if (has_alias)
		appendStringInfo(&made->text, " AS %s", athar_history_alias(relation));
}

static int
add_argument(undo_statement *made, Oid type, Datum value, bool isnull)
{
	made->types[made->nargs] = type;
	made->values[made->nargs] = value;
	made->nulls[made->nargs] = isnull ? 'n' : ' ';
	return ++made->nargs;
}

/* The row's place: its key, or where it was found. */
static char *
place(undo_statement *made, Jsonb *key)
{
	athar_undo_row *row = made->row;
	const char *alias = athar_history_alias(row->table->subject.relation);

	if (row->table->subject.shape->has_key)
		return athar_undo_condition(row, key, &made->nargs, made->types,
									made->values);
	return psprintf("%s.ctid = $%d AND %s.tableoid = $%d", alias,
					add_argument(made, TIDOID, PointerGetDatum(&row->tid),
								 false),
					alias,
					add_argument(made, OIDOID,
								 ObjectIdGetDatum(row->tableoid), false));
}

/* Take the values of a document as arguments; names and numbers as lists. */
static void
add_values(undo_statement *made, Jsonb *document, StringInfo names,
		   StringInfo parameters, const char *pair)
{
	athar_undo_table *table = made->row->table;
	athar_shape *shape = table->subject.shape;
	int			natts = RelationGetNumberOfAttributes(table->subject.relation);
	Datum	   *values = palloc0(sizeof(Datum) * (natts + 1));
	bool	   *nulls = palloc0(natts + 1);
	bool	   *mask = palloc0(shape->count + 1);

	athar_undo_values(table, document, values, nulls, mask);
	for (int i = 0; i < shape->count; i++)
	{
		athar_column *column = &shape->columns[i];
		int			a = column->attnum - 1;

		if (!mask[i] || is_generated(table, column))
			continue;
		if (names->len > 0)
			appendStringInfoString(names, ", ");
		appendStringInfoString(names, quote_identifier(column->name));
		if (parameters != names && parameters->len > 0)
			appendStringInfoString(parameters, ", ");
		appendStringInfo(parameters, pair,
						 add_argument(made, column->type, values[a],
									  nulls[a]));
	}
}

static void
write_delete(undo_statement *made, athar_undo_step *step)
{
	begin_statement(made, step->row, "DELETE FROM", true);
	appendStringInfo(&made->text, " WHERE %s", place(made, step->key));
}

/* False if only generated columns would be set, which follow the others. */
static bool
write_update(undo_statement *made, athar_undo_step *step)
{
	const char *alias = athar_history_alias(step->row->table->subject.relation);
	StringInfoData assignments;
	char	   *where;

	begin_statement(made, step->row, "UPDATE", true);
	initStringInfo(&assignments);
	where = place(made, step->key);
	add_values(made, step->new_values, &assignments, &assignments, " = $%d");
	appendStringInfo(&made->text, " SET %s WHERE %s RETURNING %s.ctid, %s.tableoid",
					 assignments.data, where, alias, alias);
	return assignments.len > 0;
}

static void
write_insert(undo_statement *made, athar_undo_step *step)
{
	StringInfoData names;
	StringInfoData parameters;

	begin_statement(made, step->row, "INSERT INTO", false);
	initStringInfo(&names);
	initStringInfo(&parameters);
	add_values(made, step->new_values, &names, &parameters, "$%d");
	if (names.len > 0)
		appendStringInfo(&made->text, " (%s) OVERRIDING SYSTEM VALUE VALUES (%s)",
						 names.data, parameters.data);
	else
		appendStringInfoString(&made->text, " DEFAULT VALUES");
	appendStringInfoString(&made->text, " RETURNING ctid, tableoid");
}

/*
 * Execution
 */

static bool
is_checked_index(athar_undo_table *table, const char *name)
{
	ListCell   *cell;

	foreach(cell, table->links.uniques)
	{
		athar_undo_link *link = lfirst(cell);

		if (name && strcmp(link->name, name) == 0)
			return true;
	}
	return table->subject.relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
}

/* The values were free a moment ago. */
static void
tell_lost_race(athar_undo *run, athar_undo_table *table)
{
	ErrorData  *error;

	MemoryContextSwitchTo(run->context);
	error = CopyErrorData();
	if (!is_checked_index(table, error->constraint_name))
		PG_RE_THROW();
	FlushErrorState();
	ereport(ERROR,
			(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
			 errmsg("could not undo transaction %lld due to a concurrent change",
					(long long) run->transaction_id),
			 errdetail("Another session was first: %s. Nothing was changed.",
					   error->message),
			 errhint("Retry: the undo will say what stands on the transaction now.")));
}

static void
refuse_suppressed(athar_undo *run, athar_undo_step *step)
{
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('A', 'T', '0', '0', '8')),
			 errmsg("transaction %lld cannot be undone: row %s of %s could not be written",
					(long long) run->transaction_id,
					athar_undo_spell(step->key), step->row->table->name),
			 errdetail("A trigger or a rule of the table suppressed the change, or moved the row. Nothing was changed."),
			 errhint("Correct the rows by hand: athar.change_log has the values.")));
}

static void
execute(athar_undo *run, athar_undo_step *step, undo_statement *made)
{
	SPIPlanPtr	plan = athar_undo_prepare(run, made->text.data, made->nargs,
										  made->types);

	PG_TRY();
	{
		if (SPI_execute_snapshot(plan, made->values, made->nulls,
								 InvalidSnapshot, InvalidSnapshot,
								 false, false, 0) < 0)
			elog(ERROR, "could not write a row");
	}
	PG_CATCH();
	{
		if (geterrcode() == ERRCODE_UNIQUE_VIOLATION)
			tell_lost_race(run, step->row->table);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (SPI_processed != 1)
		refuse_suppressed(run, step);
	if (step->operation != CMD_DELETE)
	{
		bool		isnull;

		step->row->tid = *(ItemPointer) DatumGetPointer(SPI_getbinval(SPI_tuptable->vals[0],
																	  SPI_tuptable->tupdesc,
																	  1, &isnull));
		step->row->tableoid = DatumGetObjectId(SPI_getbinval(SPI_tuptable->vals[0],
															 SPI_tuptable->tupdesc,
															 2, &isnull));
		SPI_freetuptable(SPI_tuptable);
	}
}

static void
take_step(athar_undo *run, athar_undo_step *step)
{
	MemoryContext old = MemoryContextSwitchTo(run->scratch);
	undo_statement made;
	bool		is_needed = true;

	CHECK_FOR_INTERRUPTS();
	switch (step->operation)
	{
		case CMD_DELETE:
			write_delete(&made, step);
			break;
		case CMD_UPDATE:
			is_needed = write_update(&made, step);
			break;
		default:
			write_insert(&made, step);
			break;
	}
	if (is_needed)
		execute(run, step, &made);
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->scratch);
}

/* Write everything, with the reason given, and fire the triggers. */
static void
take_steps(athar_undo *run, List *steps, const char *reason)
{
	int			guc_level = NewGUCNestLevel();
	EState	   *estate = CreateExecutorState();
	ListCell   *cell;

	(void) set_config_option("athar.reason", reason, PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	AfterTriggerBeginQuery();
	foreach(cell, steps)
		take_step(run, lfirst(cell));
	AfterTriggerEndQuery(estate);
	ExecResetTupleTable(estate->es_tupleTable, false);
	ExecCloseResultRelations(estate);
	FreeExecutorState(estate);
	AtEOXact_GUC(true, guc_level);
}

/*
 * What is told
 */

/* Values that the log does not have are not those that were there. */
static void
warn_excluded(List *steps, athar_undo_table *table)
{
	athar_shape *shape = table->subject.shape;
	StringInfoData names;
	bool		is_inserted = false;
	ListCell   *cell;

	foreach(cell, steps)
	{
		athar_undo_step *step = lfirst(cell);

		is_inserted |= step->operation == CMD_INSERT &&
			step->row->table == table;
	}
	initStringInfo(&names);
	for (int i = 0; is_inserted && i < shape->count; i++)
	{
		if (shape->columns[i].is_excluded || shape->columns[i].is_masked)
			appendStringInfo(&names, "%s%s", names.len ? ", " : "",
							 shape->columns[i].name);
	}
	if (names.len > 0)
		ereport(WARNING,
				(errmsg("rows of table %s come back without the values of %s",
						table->name, names.data),
				 errdetail("The log does not have them; those columns have their defaults.")));
}

static Datum
jsonb_or_null(Jsonb *document, bool *isnull)
{
	*isnull = document == NULL;

	return JsonbPGetDatum(document);
}

static void
return_step(ReturnSetInfo *result, athar_undo_step *step)
{
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS] = {false};
	int			i = 0;

	values[i++] = Int64GetDatum(step->entry_id);
	values[i++] = CStringGetTextDatum(step->row->table->name);
	values[i++] = CStringGetTextDatum(step->operation == CMD_DELETE ? "DELETE" :
									  step->operation == CMD_UPDATE ? "UPDATE" :
									  "INSERT");
	values[i++] = JsonbPGetDatum(step->key);
	values[i] = jsonb_or_null(step->old_values, &nulls[i]);
	i++;
	values[i] = jsonb_or_null(step->new_values, &nulls[i]);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
check_arguments(FunctionCallInfo fcinfo, const char *reason)
{
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a transaction is required"),
				 errdetail("Nothing was changed."),
				 errhint("Take transaction_id from athar.change_log or athar.row_history().")));
	if (reason == NULL || reason[strspn(reason, " \t\n\r\f\v")] == '\0')
		ereport(ERROR,
				(errcode(MAKE_SQLSTATE('A', 'T', '0', '0', '1')),
				 errmsg("a reason is required to undo a transaction"),
				 errdetail("Nothing was changed."),
				 errhint("Say why in the argument reason: the undo is logged with it.")));
}

/* Undo what a transaction did, or tell what that would change. */
PG_FUNCTION_INFO_V1(athar_undo_transaction);
Datum
athar_undo_transaction(PG_FUNCTION_ARGS)
{
	char	   *reason = PG_ARGISNULL(1) ? NULL
	: text_to_cstring(PG_GETARG_TEXT_PP(1));
	athar_undo	run = {0};
	MemoryContext old;
	List	   *steps;
	ListCell   *cell;

	check_arguments(fcinfo, reason);
	run.transaction_id = PG_GETARG_INT64(0);
	run.is_dry = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	run.user = GetUserId();
	if (!run.is_dry)
		PreventCommandIfReadOnly("undo_transaction()");
	InitMaterializedSRF(fcinfo, 0);
	run.context = AllocSetContextCreate(CurrentMemoryContext, "athar undo",
										ALLOCSET_DEFAULT_SIZES);
	run.scratch = AllocSetContextCreate(run.context, "athar undo row",
										ALLOCSET_DEFAULT_SIZES);
	SPI_connect();
	old = MemoryContextSwitchTo(run.context);
	athar_undo_read(&run);
	athar_undo_compare(&run);
	athar_undo_check(&run);
	steps = athar_undo_steps(&run);
	foreach(cell, run.tables)
		warn_excluded(steps, lfirst(cell));
	if (!run.is_dry)
		take_steps(&run, steps, reason);
	foreach(cell, steps)
		return_step((ReturnSetInfo *) fcinfo->resultinfo, lfirst(cell));
	foreach(cell, run.tables)
		athar_history_close(&((athar_undo_table *) lfirst(cell))->subject);
	MemoryContextSwitchTo(old);
	SPI_finish();
	MemoryContextDelete(run.context);
	return (Datum) 0;
}
