/*
 * value.h
 *	  Rows of any table as JSON, and back.
 */
#ifndef ATHAR_VALUE_H
#define ATHAR_VALUE_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"
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
 * row is the key, but for what the log does not hold of it.  Masks have one element per column of the shape, not per
 * attribute of the table.
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

/* Settings to go back to. */
typedef struct athar_pins
{
	int			date_style;
	int			date_order;
	int			interval_style;
	int			extra_float_digits;
	int			bytea_output;
	int			xmloption;
	void	   *time_zone;
	int			guc_level;
} athar_pins;

extern List *athar_value_key_columns(Relation relation);
extern athar_shape *athar_value_shape(Relation relation, Relation root,
									  List *excluded, List *masked);
extern void athar_value_describe(athar_column *column, Oid type,
								 int32 typmod);
extern bool athar_value_is_readable(Oid type);
extern void athar_value_pin(const athar_shape *shape, athar_pins *pins);
extern void athar_value_unpin(const athar_shape *shape, athar_pins *pins);
extern bool athar_value_same(const athar_column *column, Datum a, Datum b);
extern Jsonb *athar_value_object(athar_shape *shape, Datum *values,
								 bool *nulls, const bool *mask);
extern void athar_value_spell(StringInfo text, athar_column *column,
							  Datum datum, bool isnull);
extern int	athar_value_find(const athar_shape *shape, const char *name,
							 int length);
extern Datum athar_value_read(athar_column *column, JsonbValue *value,
							  bool *isnull);
extern Datum athar_value_parse(athar_column *column, JsonbValue *value);
extern void athar_value_json(athar_column *column, Datum datum,
							 JsonbValue *value);
extern int32 athar_value_key_hash(Jsonb *key);

#endif							/* ATHAR_VALUE_H */
