/*
 * amendment.h
 *	  What changed of a tracked table's definition, as an entry of the log.
 */
#ifndef ATHAR_AMENDMENT_H
#define ATHAR_AMENDMENT_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"

/* Members of old_values and new_values, as far as they are known. */
typedef struct athar_amendment
{
	StringInfoData before;
	StringInfoData after;
	bool		is_empty;		/* but for the command */
} athar_amendment;

extern void athar_amendment_begin(athar_amendment *amendment,
								  const char *command);
extern void athar_amendment_text(athar_amendment *amendment, const char *name,
								 const char *was, const char *now);
extern void athar_amendment_flag(athar_amendment *amendment, const char *name,
								 bool now);
extern void athar_amendment_names(athar_amendment *amendment,
								  const char *name, bool is_after,
								  List *names);
extern void athar_amendment_pairs(athar_amendment *amendment,
								  const char *name, List *was, List *now);
extern void athar_amendment_fields(athar_amendment *amendment, List *was,
								   List *now);
extern void athar_amendment_write(athar_amendment *amendment, int32 table_id);

#endif							/* ATHAR_AMENDMENT_H */
