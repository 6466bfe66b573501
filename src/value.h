/*
 * value.h
 *	  Rows of any table as JSON, and back.
 */
#ifndef ATHAR_VALUE_H
#define ATHAR_VALUE_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

#include "shape.h"

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

extern void athar_value_pin(const athar_shape *shape, athar_pins *pins);
extern void athar_value_unpin(const athar_shape *shape, athar_pins *pins);
extern bool athar_value_same(const athar_column *column, Datum a, Datum b);
extern Jsonb *athar_value_object(athar_shape *shape, Datum *values,
								 bool *nulls, const bool *mask);
extern void athar_value_spell(StringInfo text, athar_column *column,
							  Datum datum, bool isnull);
extern Datum athar_value_read(athar_column *column, JsonbValue *value,
							  bool *isnull);
extern Datum athar_value_parse(athar_column *column, JsonbValue *value);
extern void athar_value_json(athar_column *column, Datum datum,
							 JsonbValue *value);
extern int32 athar_value_key_hash(Jsonb *key);

#endif							/* ATHAR_VALUE_H */
