/*
 * statement.h
 *	  SQL statements that are planned once in a session.
 *
 * A statement of this kind is a static variable: its text, the result code
 * that SPI answers when it went well, and the types of its parameters.  The
 * first run plans it, for all values alike, and keeps the plan; what it
 * depends on may change, the server plans it anew then.  It is run within an
 * SPI connection, under names that the caller has pinned.  One that is stable
 * sees what the query sees that asks, as a STABLE function does, and may run in
 * a parallel worker; any other sees what is committed now.
 */
#ifndef ATHAR_STATEMENT_H
#define ATHAR_STATEMENT_H

#include "executor/spi.h"

#define ATHAR_STATEMENT_PARAMETERS 8

typedef struct athar_statement
{
	const char *text;
	int			expected;		/* SPI_OK_... */
	int			count;
	Oid			types[ATHAR_STATEMENT_PARAMETERS];
	bool		is_stable;
	SPIPlanPtr	plan;
} athar_statement;

extern uint64 athar_statement_run(athar_statement *statement, Datum *values,
								  const char *nulls);
extern Datum athar_statement_found(uint64 row, int column, bool *isnull);

#endif							/* ATHAR_STATEMENT_H */
