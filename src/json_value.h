/*
 * json_value.h
 *	  Values within a JSON document.
 */
#ifndef ATHAR_JSON_VALUE_H
#define ATHAR_JSON_VALUE_H

#include "utils/jsonb.h"

extern void athar_json_value_of(Jsonb *document, JsonbValue *value);
extern bool athar_json_same(JsonbValue *a, JsonbValue *b);
extern bool athar_json_is_object(const JsonbValue *value);
extern bool athar_json_is_array(const JsonbValue *value);
extern int	athar_json_parts(const JsonbValue *container, JsonbValue **names,
							 JsonbValue **values);

#endif							/* ATHAR_JSON_VALUE_H */
