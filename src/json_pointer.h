/*
 * json_pointer.h
 *	  A place in a JSON document (RFC 6901).
 */
#ifndef ATHAR_JSON_POINTER_H
#define ATHAR_JSON_POINTER_H

#include "lib/stringinfo.h"

typedef struct athar_json_pointer
{
	int			count;
	char	  **tokens;			/* without escapes; the last may be - */
} athar_json_pointer;

extern bool athar_json_pointer_parse(const char *text,
									 athar_json_pointer *pointer);
extern int	athar_json_pointer_index(const char *token);
extern void athar_json_pointer_append(StringInfo text, const char *token);

#endif							/* ATHAR_JSON_POINTER_H */
