/*
 * sides.h
 *	  The two sides of a comparison, for one stratum or unit.
 *
 * A side without values has n = 0, and nothing else of it is set.
 */
#ifndef ATHAR_SIDES_H
#define ATHAR_SIDES_H

#include "keyed.h"
#include "moments.h"

#define BEFORE	0
#define AFTER	1

typedef struct Sides
{
	SummaryMoments of[2];
} Sides;

extern void athar_sides_pool(SummaryMoments *into, const SummaryMoments *other);

/* after - before, both known; it may overflow where its halves do not. */
extern double athar_sides_difference(const SummaryMoments *before,
									 const SummaryMoments *after);

#endif							/* ATHAR_SIDES_H */
