/*
 * sides.c
 *	  The two sides of a comparison, for one stratum or unit.
 *
 * Moments are enough for a mean and its interval, so a stratum takes the same
 * room whatever is in it; the distribution of a summary is not kept.
 */
#include "athar.h"

#include "sides.h"

#include "common/int.h"

/* Add the values behind one to those behind the other; either may be none. */
void
athar_sides_pool(SummaryMoments *into, const SummaryMoments *other)
{
	int64		n;

	if (other->n == 0)
		return;
	if (into->n == 0)
	{
		*into = *other;
		return;
	}
	if (pg_add_s64_overflow(into->n, other->n, &n))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("number of values out of range"),
				 errdetail("A comparison counts at most " INT64_FORMAT " values on a side.",
						   PG_INT64_MAX),
				 errhint("Check the counts that went into the summaries.")));
	athar_moments_pool(into, other);
}

double
athar_sides_difference(const SummaryMoments *before,
					   const SummaryMoments *after)
{
	double		half = (after->mean / 2.0 - before->mean / 2.0) +
	(after->rest / 2.0 - before->rest / 2.0);

	return half * 2.0;
}

static void
merge_sides(void *into, const void *from)
{
	Sides	   *sides = into;
	const Sides *others = from;

	athar_sides_pool(&sides->of[BEFORE], &others->of[BEFORE]);
	athar_sides_pool(&sides->of[AFTER], &others->of[AFTER]);
}

/* Merge the second state into the first. */
PG_FUNCTION_INFO_V1(athar_sides_combine);
Datum
athar_sides_combine(PG_FUNCTION_ARGS)
{
	return athar_keyed_combine(fcinfo, sizeof(Sides), merge_sides);
}
