/*
 * keyed.h
 *	  What an aggregate keeps for each stratum or unit, by its name.
 *
 * Invariant: one payload for each name and group; payloads begin as zeros and
 * do not move.  Names are compared byte by byte, whatever the collation.
 */
#ifndef ATHAR_KEYED_H
#define ATHAR_KEYED_H

#include "athar.h"

#define KEYED_UNNAMED	(-1)

typedef struct KeyedName
{
	const char *data;
	int			length;			/* KEYED_UNNAMED: no name is known */
	bool		group;			/* the same name in another group is another */
} KeyedName;

typedef struct KeyedItem
{
	KeyedName	name;
	void	   *payload;
} KeyedItem;

typedef struct KeyedTable KeyedTable;

typedef void (*KeyedMerge) (void *into, const void *from);

/* The state of an aggregate, begun by the first row or part that comes. */
extern KeyedTable *athar_keyed_state(FunctionCallInfo fcinfo, Size payload);
extern KeyedName athar_keyed_name(const text *name, bool group);
extern void *athar_keyed_find(KeyedTable *table, KeyedName name);

/* All of a combine function but how two payloads are merged. */
extern Datum athar_keyed_combine(FunctionCallInfo fcinfo, Size payload,
								 KeyedMerge merge);

/* By name, then group, those without a name last; in new memory. */
extern KeyedItem *athar_keyed_sorted(const KeyedTable *table, int *length);

#endif							/* ATHAR_KEYED_H */
