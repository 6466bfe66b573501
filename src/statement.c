/*
 * statement.c
 *	  SQL statements that are planned once in a session.
 *
 * Planning costs more than running where a statement touches a row or two, and
 * the body of an SQL function is planned at every call.  What runs with every
 * row or save that users write is therefore kept.
 */
#include "athar.h"

#include "statement.h"

/*
 * Run a statement and answer the number of its rows.  A value is NULL where
 * nulls has an n in its place; nulls may be NULL if no value is.
 */
uint64
athar_statement_run(athar_statement *statement, Datum *values,
					const char *nulls)
{
	int			result;

	if (statement->plan == NULL)
	{
		/* what is looked for decides nothing here: one plan for all */
		SPIPlanPtr	made = SPI_prepare_cursor(statement->text,
											  statement->count,
											  statement->types,
											  CURSOR_OPT_GENERIC_PLAN);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare \"%s\"", statement->text);
		statement->plan = made;
	}
	result = SPI_execute_plan(statement->plan, values, nulls,
							  statement->is_stable, 0);
	if (result != statement->expected)
		elog(ERROR, "unexpected result of a kept plan: %s",
			 SPI_result_code_string(result));
	return SPI_processed;
}

/* A value that the statement before found; zero where it is NULL. */
Datum
athar_statement_found(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 column, isnull);
}
