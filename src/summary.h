/*
 * summary.h
 *	  A mergeable summary of numbers, as it is stored and as it is collected.
 *
 * Invariant of what is stored: n values are described, all finite, with -0
 * as 0; equal content has equal bytes.  Its flags say which of three forms
 * it has:
 *	  exact		at most 64 distinct values and their counts, nothing else,
 *				since all the rest follows (n = 0 is the empty list)
 *	  digest	moments, minimum, maximum, and a compressed list
 *	  neither	moments alone: a published figure whose values nobody has
 */
#ifndef ATHAR_SUMMARY_H
#define ATHAR_SUMMARY_H

#include "athar.h"
#include "digest.h"
#include "moments.h"

#define SUMMARY_VERSION		1

#define SUMMARY_EXACT		0x01
#define SUMMARY_DIGEST		0x02
#define SUMMARY_NO_SD		0x04	/* the deviation is unknown */
#define SUMMARY_WIDTH		0x18	/* bytes of a weight: 1, 2, 4 or 8 */

#define SummaryWeightBytes(flags)	(1 << (((flags) & SUMMARY_WIDTH) >> 3))
#define SUMMARY_WIDER		0x08	/* the next width */

typedef struct Summary
{
	int32		vl_len_;		/* varlena header (do not touch directly!) */
	uint8		version;
	uint8		flags;
	uint16		length;			/* items of the list */
	int64		n;
	int64		nonfinite;		/* NaN and infinities, counted apart */

	/*
	 * Then, unless exact: mean, rest, sd; if digest: minimum, maximum; then
	 * the values of the items, then their weights as in DigestItem.
	 */
	double		data[FLEXIBLE_ARRAY_MEMBER];
} Summary;

#define SummaryIsExact(summary)		(((summary)->flags & SUMMARY_EXACT) != 0)
#define SummaryIsDigest(summary)	(((summary)->flags & SUMMARY_DIGEST) != 0)
#define SummaryHasDistribution(summary) \
	(((summary)->flags & (SUMMARY_EXACT | SUMMARY_DIGEST)) != 0)

/* Reading a stored value goes through here, whatever its version. */
#define DatumGetSummaryP(datum)		athar_summary_upgraded(datum)
#define PG_GETARG_SUMMARY_P(n)		DatumGetSummaryP(PG_GETARG_DATUM(n))
#define PG_RETURN_SUMMARY_P(x)		PG_RETURN_POINTER(x)

typedef struct SummaryTaken SummaryTaken;

/* Values that wait within the state; its size becomes a power of two. */
#define SUMMARY_RECENT		12

/* A summary being collected; an aggregate's transition state. */
typedef struct SummaryState
{
	double	   *values;			/* waiting to be taken, in no order */
	SummaryTaken *taken;		/* NULL: nothing yet */
	MemoryContext context;
	int16		used;			/* of values */
	int16		size;
	int16		recent_used;
	double		recent[SUMMARY_RECENT]; /* waiting, too */
} SummaryState;

extern Summary *athar_summary_upgraded(Datum datum);

/* False (or true with the moments filled in) for n = 0. */
extern bool athar_summary_moments(const Summary *summary,
								  SummaryMoments *moments);

/* False where n = 0 or the distribution is unknown. */
extern bool athar_summary_distribution(const Summary *summary,
									   Distribution *distribution);

extern void athar_summary_init(SummaryState *state, MemoryContext context);
extern SummaryState *athar_summary_begin(MemoryContext context);
extern void athar_summary_add(SummaryState *state, double value);
extern void athar_summary_add_count(SummaryState *state, double value,
									int64 count);
extern void athar_summary_absorb(SummaryState *state, const Summary *summary);
extern Summary *athar_summary_finish(SummaryState *state);
extern void athar_summary_read(SummaryState *state, SummaryMoments *moments,
							   Distribution *distribution);

/* Store what was read from outside, already checked. */
extern Summary *athar_summary_pack(uint8 flags, int64 nonfinite,
								   const SummaryMoments *moments,
								   double minimum, double maximum,
								   const DigestItem *items, int length,
								   int64 n);

#endif							/* ATHAR_SUMMARY_H */
