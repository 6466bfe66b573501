/*
 * collect.h
 *	  Rows of a source on their way to daily figures.
 */
#ifndef ATHAR_COLLECT_H
#define ATHAR_COLLECT_H

#include "nodes/execnodes.h"
#include "tcop/dest.h"

#include "source.h"

typedef struct athar_row_group athar_row_group;

#define COLLECTOR_LISTS 256

/* Where the rows of a query go. */
typedef struct athar_collector
{
	DestReceiver receiver;
	athar_source *source;
	athar_source_columns *columns;
	ReturnSetInfo *result;
	MemoryContext context;		/* of the groups, until they are returned */
	MemoryContext row_context;
	bool		is_sorted;
	char	   *service;		/* of the groups; NULL before the first row */
	DateADT		day;
	athar_row_group *lists[COLLECTOR_LISTS];
	athar_row_group *last;
} athar_collector;

extern void athar_collect_begin(athar_collector *into, athar_source *source,
								athar_source_columns *columns,
								ReturnSetInfo *result);
extern void athar_collect_day(athar_collector *into, const char *service,
							  int length, DateADT day);
extern void athar_collect_return(athar_collector *into);
extern void athar_collect_end(athar_collector *into);

#endif							/* ATHAR_COLLECT_H */
