/*
 * json_same.h
 *	  Whether parts of documents mean the same, asked level by level.
 */
#ifndef ATHAR_JSON_SAME_H
#define ATHAR_JSON_SAME_H

#include "utils/jsonb.h"

/* What is known of the parts; zero at first, and for one merge or comparison. */
typedef struct athar_json_digests
{
	struct digests_hash *known;
} athar_json_digests;

extern uint64 athar_json_digest(athar_json_digests *digests,
								const JsonbValue *value);
extern bool athar_json_same_at(athar_json_digests *digests, int level,
							   JsonbValue *a, JsonbValue *b);

#endif							/* ATHAR_JSON_SAME_H */
