/*
 * moments.h
 *	  Number, mean and standard deviation of a set of values.
 *
 * Invariant: n > 0; mean and rest are finite and mean + rest = mean in
 * double precision; sd is finite and not negative, and 0 where n = 1.
 */
#ifndef ATHAR_MOMENTS_H
#define ATHAR_MOMENTS_H

#include "digest.h"

typedef struct SummaryMoments
{
	int64		n;
	double		mean;
	double		rest;			/* what the mean loses by rounding */
	double		sd;				/* of a sample: divisor n - 1 */
	double		variance;		/* may overflow, or underflow, where sd does
								 * not */
	bool		has_sd;			/* false: unknown, or beyond the range */
} SummaryMoments;

extern void athar_moments_of_values(const double *sorted, int length,
									SummaryMoments *result);
extern void athar_moments_of_items(const DigestItem *items, int length,
								   int64 n, SummaryMoments *result);
extern void athar_moments_of_sd(int64 n, double mean, double rest, double sd,
								bool has_sd, SummaryMoments *result);
extern void athar_moments_pool(SummaryMoments *into,
							   const SummaryMoments *other);
extern bool athar_moments_total(const SummaryMoments *moments, double *total);

#endif							/* ATHAR_MOMENTS_H */
