/*
 * keymap.c
 *	  Hash tables whose keys are rows' keys.
 *
 * Keys are equal as jsonb is: 1.0 and 1.00 are one key.  The hash is the one
 * that is stored with each entry, which has the same idea of equality.
 */
#include "athar.h"

#include "value.h"
#include "keymap.h"

static uint32
hash_key(const void *key, Size size)
{
	return (uint32) athar_value_key_hash(*(Jsonb *const *) key);
}

static int
compare_keys(const void *a, const void *b, Size size)
{
	return compareJsonbContainers(&(*(Jsonb *const *) a)->root,
								  &(*(Jsonb *const *) b)->root);
}

HTAB *
athar_keymap_create(Size entry_size, MemoryContext context)
{
	HASHCTL		control = {
		.keysize = sizeof(Jsonb *),
		.entrysize = entry_size,
		.hash = hash_key,
		.match = compare_keys,
		.hcxt = context
	};

	return hash_create("athar row keys", 1024, &control,
					   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
}

/* A copy of a key, or of another document. */
Jsonb *
athar_keymap_keep(Jsonb *key, MemoryContext context)
{
	Jsonb	   *copy = MemoryContextAlloc(context, VARSIZE(key));

	memcpy(copy, key, VARSIZE(key));
	return copy;
}

void *
athar_keymap_search(HTAB *map, Jsonb *key, HASHACTION action, bool *found)
{
	return hash_search(map, &key, action, found);
}
