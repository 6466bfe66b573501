/*
 * json_same.c
 *	  Whether parts of documents mean the same, asked level by level.
 *
 * Who merges or compares documents asks it of the whole, then of the parts
 * that differ, then of theirs.  Each answer looks through all that is below,
 * so what stands a thousand levels deep would be looked at a thousand times.
 * Below the first levels, which are all that most documents have, every
 * object and array is made a number of once: where the numbers differ the
 * values do, and values with the same number are compared in full, after
 * which nobody asks about their parts.
 */
#include "athar.h"

#include "common/hashfn.h"
#include "miscadmin.h"

#include "json_value.h"
#include "json_same.h"

/* Levels that are compared without numbers. */
#define PLAIN_LEVELS 8

typedef struct known_part
{
	const JsonbContainer *container;
	uint64		number;
	char		status;
} known_part;

#define SH_PREFIX			digests
#define SH_ELEMENT_TYPE		known_part
#define SH_KEY_TYPE			const JsonbContainer *
#define SH_KEY				container
#define SH_HASH_KEY(tb, key)	murmurhash32((uint32) ((uintptr_t) (key) / sizeof(uint32)))
#define SH_EQUAL(tb, a, b)	((a) == (b))
#define SH_SCOPE			static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

static uint64
digest_scalar(const JsonbValue *value)
{
	uint64		number = 0;

	JsonbHashScalarValueExtended(value, &number, 0);
	return number;
}

static void
keep(athar_json_digests *digests, const known_part *one)
{
	bool		found;

	digests_insert(digests->known, one->container, &found)->number =
		one->number;
}

/* Number an object or array and all that are below it. */
static uint64
digest_container(athar_json_digests *digests, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue	value;
	int			room = 64;
	int			depth = 0;
	known_part *open = palloc(sizeof(known_part) * room);
	uint64		number;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		if (token == WJB_BEGIN_OBJECT || token == WJB_BEGIN_ARRAY)
		{
			if (depth == room)
				open = repalloc(open, sizeof(known_part) * (room *= 2));
			open[depth].container = iterator->container;
			open[depth++].number = iterator->container->header;
			continue;
		}
		if (token == WJB_END_OBJECT || token == WJB_END_ARRAY)
		{
			keep(digests, &open[--depth]);
			if (depth == 0)
				continue;
			number = open[depth].number;
		}
		else
			number = digest_scalar(&value);
		open[depth - 1].number = hash_combine64(open[depth - 1].number, number);
	}
	number = open[0].number;
	pfree(open);
	return number;
}

/* A number that equal values share. */
uint64
athar_json_digest(athar_json_digests *digests, const JsonbValue *value)
{
	known_part *known;

	if (value->type != jbvBinary)
		return digest_scalar(value);
	if (digests->known == NULL)
		digests->known = digests_create(CurrentMemoryContext, 64, NULL);
	known = digests_lookup(digests->known, value->val.binary.data);
	return known ? known->number
		: digest_container(digests, value->val.binary.data);
}

/* The same as athar_json_same(), of values that many levels are above. */
bool
athar_json_same_at(athar_json_digests *digests, int level, JsonbValue *a,
				   JsonbValue *b)
{
	if (level >= PLAIN_LEVELS && a != NULL && b != NULL &&
		a->type == jbvBinary && b->type == jbvBinary &&
		athar_json_digest(digests, a) != athar_json_digest(digests, b))
		return false;
	return athar_json_same(a, b);
}
