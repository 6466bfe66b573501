/*
 * keymap.h
 *	  Hash tables whose keys are rows' keys.
 */
#ifndef ATHAR_KEYMAP_H
#define ATHAR_KEYMAP_H

#include "utils/hsearch.h"
#include "utils/jsonb.h"

/* Entries begin with a Jsonb pointer, which must live as long as they do. */
extern HTAB *athar_keymap_create(Size entry_size, MemoryContext context);
extern Jsonb *athar_keymap_keep(Jsonb *key, MemoryContext context);
extern void *athar_keymap_search(HTAB *map, Jsonb *key, HASHACTION action,
								 bool *found);

#endif							/* ATHAR_KEYMAP_H */
