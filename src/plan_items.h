/*
 * plan_items.h
 *	  The items of a plan: those of a document and those of a version.
 */
#ifndef ATHAR_PLAN_ITEMS_H
#define ATHAR_PLAN_ITEMS_H

#include "datatype/timestamp.h"
#include "utils/jsonb.h"

typedef struct athar_plan_item
{
	char	   *id;
	char	   *parent;			/* the id of its parent, or NULL; of a
								 * document's items alone */
	Jsonb	   *document;		/* NULL where it was not read */
	Jsonb	   *before;			/* what it was in the version it was matched
								 * with, or NULL */
	int32		revision;		/* 0: none yet */
	bytea	   *hash;			/* of the revision */
} athar_plan_item;

typedef struct athar_plan
{
	Jsonb	   *header;			/* all but the items */
	char	   *project;		/* code; this and what follows of a version */
	bytea	   *hash;			/* NULL: there is no such version */
	TimestampTz saved_at;
	athar_plan_item *items;		/* in the order of the plan */
	athar_plan_item **by_id;
	int			count;
	bool		is_malformed;	/* no object, or items without an id or of the
								 * same; there are no items then */
} athar_plan;

extern void athar_plan_read_document(Jsonb *document, athar_plan *plan);
extern void athar_plan_read_version(int32 project_id, int32 version,
									bool with_documents, athar_plan *plan);
extern void athar_plan_copy(const athar_plan *from, athar_plan *to);
extern athar_plan_item *athar_plan_find(const athar_plan *plan, const char *id);
extern void athar_plan_set_item(athar_plan_item *item, Jsonb *document,
								Jsonb *before);
extern void athar_plan_match(athar_plan *plan, const athar_plan *known);
extern Jsonb *athar_plan_read_item(int32 project_id, int32 revision);

#endif							/* ATHAR_PLAN_ITEMS_H */
