/*
 * source.h
 *	  Tables of applications that are the source of a KPI.
 */
#ifndef ATHAR_SOURCE_H
#define ATHAR_SOURCE_H

#include "executor/spi.h"
#include "utils/rel.h"

#include "day.h"

/* What a source's columns hold. */
typedef enum athar_source_part
{
	SOURCE_VALUE,
	SOURCE_TIME,
	SOURCE_SERVICE,
	SOURCE_CHANNEL,
	SOURCE_STAGE,
	SOURCE_DENOMINATOR
} athar_source_part;

#define SOURCE_PARTS (SOURCE_DENOMINATOR + 1)

typedef struct athar_source_column
{
	AttrNumber	attnum;			/* 0: there is none */
	Oid			type;			/* below a domain */
	Oid			collation;
	FmgrInfo	output;			/* of codes that are no text */
} athar_source_column;

/* The columns of one table, which may be a partition of the source. */
typedef struct athar_source_columns
{
	athar_source_column part[SOURCE_PARTS];
} athar_source_columns;

/* One row of kpi_source, with what its KPI says of it. */
typedef struct athar_source
{
	int32		id;
	int32		kpi_id;
	Oid			relation;
	char	   *kpi;
	char	   *kind;
	char	   *name[SOURCE_PARTS]; /* NULL: there is none */
	char	   *shape;			/* of when it was last looked at, or NULL */
	double		limit;			/* of share_within, in seconds */
	athar_days	days;
	MemoryContext context;
} athar_source;

extern athar_source *athar_source_load(int32 id, MemoryContext context);
extern List *athar_source_ids(void);
extern char *athar_source_resolve(const athar_source *source,
								  Relation relation,
								  athar_source_columns *columns);
extern char *athar_source_problem(const athar_source *source,
								  Relation relation,
								  athar_source_columns *columns);
extern char *athar_source_shape(const athar_source *source,
								Relation relation);
extern bool athar_source_day(athar_source *source,
							 const athar_source_column *column, Datum value,
							 DateADT *day);
extern char *athar_source_code(athar_source_column *column, Datum value,
							   int *length);
extern bool athar_source_number(const athar_source_column *column,
								Datum value, double *number);
extern Oid	athar_source_function(void);

#endif							/* ATHAR_SOURCE_H */
