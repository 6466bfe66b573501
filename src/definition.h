/*
 * definition.h
 *	  The columns of a tracked table, as they were under each version of its
 *	  definition.
 */
#ifndef ATHAR_DEFINITION_H
#define ATHAR_DEFINITION_H

#include "nodes/pg_list.h"
#include "utils/relcache.h"

#include "value.h"

/*
 * A column under one version.  Its number is the same under all of them,
 * whatever its name and type; a column dropped and added again has another.
 */
typedef struct athar_field
{
	int32		number;
	AttrNumber	attnum;
	char	   *name;
	char	   *type;			/* as format_type spells it */
	bool		is_key;
	bool		is_excluded;
	bool		is_masked;
} athar_field;

extern List *athar_definition_read(int32 table_id);
extern void athar_definition_write(int32 table_id, List *fields);
extern int32 athar_definition_last_number(int32 table_id);
extern List *athar_definition_of(Relation relation, List *was,
								 bool by_attnum, int32 last_number);
extern bool athar_definition_same(List *a, List *b);
extern athar_field *athar_definition_find(List *fields, const char *name);
extern athar_field *athar_definition_numbered(List *fields, int32 number);
extern List *athar_definition_excluded(List *fields);
extern athar_shape *athar_definition_shape(Relation relation, Relation root,
										   List *fields);
extern List *athar_definition_masked(List *fields);

#endif							/* ATHAR_DEFINITION_H */
