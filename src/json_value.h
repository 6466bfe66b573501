/*
 * json_value.h
 *	  Values within a JSON document.
 */
#ifndef ATHAR_JSON_VALUE_H
#define ATHAR_JSON_VALUE_H

#include "utils/jsonb.h"

/* Is a member of an object to be taken? */
typedef bool (*athar_json_filter) (const JsonbValue *name,
								   const JsonbValue *value, void *state);

extern void athar_json_value_of(Jsonb *document, JsonbValue *value);
extern bool athar_json_same(JsonbValue *a, JsonbValue *b);
extern bool athar_json_is_object(const JsonbValue *value);
extern bool athar_json_is_array(const JsonbValue *value);
extern int	athar_json_parts(const JsonbValue *container, JsonbValue **names,
							 JsonbValue **values);
extern bool athar_json_is_named(const JsonbValue *name, const char *key);
extern void athar_json_push_members(JsonbParseState **state, Jsonb *object,
									athar_json_filter filter,
									void *filter_state);

#endif							/* ATHAR_JSON_VALUE_H */
