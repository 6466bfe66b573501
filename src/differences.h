/*
 * differences.h
 *	  Two groups of units compared by one figure of each unit.
 */
#ifndef ATHAR_DIFFERENCES_H
#define ATHAR_DIFFERENCES_H

#include "interval.h"
#include "sides.h"

#define CONTROL	0
#define TREATED	1

/* Raises 22023 where a unit is in both groups; the items are sorted. */
extern void athar_differences_check(const KeyedItem *items, int length);

/*
 * How sure the difference of the means of two groups of units is.  A standard
 * deviation up to noise, which is what rounding can do, is none.
 */
extern Certainty athar_differences_certainty(double difference,
											 const SummaryMoments *control,
											 const SummaryMoments *treated,
											 double noise);

#endif							/* ATHAR_DIFFERENCES_H */
