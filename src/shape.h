/*
 * shape.h
 *	  The columns of a table that may reach the log.
 */
#ifndef ATHAR_SHAPE_H
#define ATHAR_SHAPE_H

#include "fmgr.h"
#include "nodes/pg_list.h"
#include "utils/relcache.h"

typedef enum athar_value_kind
{
	ATHAR_BOOLEAN,
	ATHAR_INT2,
	ATHAR_INT4,
	ATHAR_INT8,
	ATHAR_NUMERIC,
	ATHAR_FLOAT4,
	ATHAR_FLOAT8,
	ATHAR_JSON,
	ATHAR_JSONB,
	ATHAR_STRING,				/* stored as its text */
	ATHAR_TEXT					/* everything else: its output text */
} athar_value_kind;

typedef struct athar_column
{
	AttrNumber	attnum;
	char	   *name;
	int			name_length;
	athar_value_kind kind;
	Oid			type;			/* base type of a domain */
	int32		typmod;
	int16		length;
	bool		is_by_value;
	bool		is_excluded;
	bool		is_masked;		/* logged without its value */
	bool		is_key;
	FmgrInfo	output;
	FmgrInfo	input;
	Oid			input_parameter;
	Oid			owner;			/* of the table, if reading calls functions */
} athar_column;

/*
 * The columns of a table that may reach the log.  Without a key, the whole
 * row is the key, but for what the log does not hold of it.  Masks have one
 * element per column of the shape, not per attribute of the table.
 */
typedef struct athar_shape
{
	int			count;
	athar_column *columns;
	int		   *order;			/* positions of columns, as jsonb sorts names */
	bool		has_key;
	bool		is_all_key;		/* the key is all that is logged of a row */
	bool	   *key_mask;
	bool	   *logged_mask;
	bool		needs_pins;		/* some output depends on settings */
	bool		needs_gucs;		/* ... that only the GUC machinery can set */
} athar_shape;

extern bool athar_shape_is_listed(List *names, const char *name);
extern Oid	athar_shape_element(Oid type);
extern bool athar_shape_is_readable(Oid type);
extern void athar_shape_describe(athar_column *column, Oid type,
								 int32 typmod);
extern List *athar_shape_key(Relation relation);
extern athar_shape *athar_shape_make(Relation relation, Relation root,
									 List *excluded, List *masked);
extern int	athar_shape_find(const athar_shape *shape, const char *name,
							 int length);

#endif							/* ATHAR_SHAPE_H */
