/*
 * json_merge.h
 *	  Two versions of a JSON document, made of the same base, into one.
 */
#ifndef ATHAR_JSON_MERGE_H
#define ATHAR_JSON_MERGE_H

#include "lib/stringinfo.h"
#include "nodes/pg_list.h"
#include "utils/jsonb.h"

#include "json_same.h"

/* A value on each side; NULL where it is absent. */
typedef struct athar_sides
{
	JsonbValue *base;
	JsonbValue *ours;
	JsonbValue *theirs;
} athar_sides;

typedef enum athar_rule_kind
{
	ATHAR_RULE_KEYED,
	ATHAR_RULE_SET,
	ATHAR_RULE_ATOMIC,
	ATHAR_RULE_REF,
	ATHAR_RULE_REFSET
} athar_rule_kind;

/* How the values at some paths are merged. */
typedef struct athar_rule
{
	List	   *pattern;		/* names; * is any */
	athar_rule_kind kind;
	char	   *key;			/* keyed: the member that tells items apart */
	List	   *target;			/* ref, refset: the list that is referred to */
} athar_rule;

typedef enum athar_answer_side
{
	ATHAR_ANSWER_BASE,
	ATHAR_ANSWER_OURS,
	ATHAR_ANSWER_THEIRS,
	ATHAR_ANSWER_VALUE
} athar_answer_side;

/* What was decided about a conflict of an earlier merge. */
typedef struct athar_answer
{
	JsonbValue *conflict;		/* as it was told */
	char	   *path;
	char	   *kind;
	athar_answer_side side;
	JsonbValue *value;			/* ATHAR_ANSWER_VALUE */
	bool		is_applied;		/* to the merged document */
} athar_answer;

typedef struct athar_merge
{
	List	   *rules;
	List	   *names;			/* from the root to the present value */
	athar_json_digests digests; /* of the parts of the sides */
	List	   *conflicts;		/* JsonbValue */
	List	   *paths;			/* of the conflicts */
	Size		told;			/* bytes of all paths that were */
	athar_answer *answers;		/* by path and kind */
	int			answer_count;
} athar_merge;

extern JsonbValue *athar_merge_value(athar_merge *run, athar_sides *sides);
extern JsonbValue *athar_merge_lists(athar_merge *run, athar_sides *sides,
									 const char *key);
extern char *athar_merge_id(const JsonbValue *item, const char *key);
extern bool athar_merge_has_ids(const JsonbValue *list, const char *key);
extern athar_rule *athar_merge_rule(athar_merge *run, List *names);
extern char *athar_merge_path(List *names);
extern void athar_merge_note(athar_merge *run, List *names, const char *kind,
							 const athar_sides *sides, const char *list,
							 List *texts);
extern const char *athar_merge_key(athar_merge *run, List *names);
extern JsonbValue *athar_merge_value_at(athar_merge *run, JsonbValue *value,
										List *names);
extern Jsonb *athar_merge_references(athar_merge *run, Jsonb *merged,
									 athar_sides *sides);
extern JsonbValue athar_merge_part(JsonbValue *value);
extern JsonbValue *athar_merge_text(const char *text);
extern JsonbValue *athar_merge_member(const JsonbValue *object,
									  const char *name);

/* Decisions: each is of one conflict, and of no other. */
extern void athar_answers_read(athar_merge *run, Jsonb *document);
extern athar_answer *athar_answer_find(athar_merge *run, List *names,
									   const char *kind,
									   const athar_sides *sides, List *ids);
extern JsonbValue *athar_answer_choice(const athar_answer *answer,
									   const athar_sides *sides);
extern Jsonb *athar_answers_apply(athar_merge *run, Jsonb *merged,
								  athar_sides *documents, const char *kind);
extern Jsonb *athar_answer_put(athar_merge *run, Jsonb *document, List *names,
							   JsonbValue *value);
extern Jsonb *athar_answer_restore(athar_merge *run, Jsonb *document,
								   JsonbValue *side, List *list_names,
								   const char *id);

#endif							/* ATHAR_JSON_MERGE_H */
