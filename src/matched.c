/*
 * matched.c
 *	  Like for like: a difference within strata, and what the mix of them did.
 *
 * A pooled figure moves when people move: if more of them come through the
 * channel with the lower scores, the whole falls although every channel rose.
 * Kitagawa (1955) parts the two: each stratum's own difference, weighted by
 * the mean of its shares before and after, is the matched difference; what is
 * left of the total is the mix.
 *
 * What this does not promise: the weights are taken as they are (their own
 * uncertainty is not in the interval), values are taken as independent, and a
 * stratum that is on one side alone can be matched with nothing: it is in the
 * total, and through it in the mix.
 */
#include "athar.h"

#include <math.h>

#include "summary.h"
#include "figures.h"
#include "interval.h"
#include "sides.h"

#include "miscadmin.h"
#include "utils/float.h"

typedef struct Matched
{
	double		total;
	double		difference;
	Certainty	interval;
	int			used;
	int			left_out;
} Matched;

static inline const SummaryMoments *
side_of(const KeyedItem *item, int side)
{
	return &((const Sides *) item->payload)->of[side];
}

/* A stratum nobody named cannot be known to be the same on both sides. */
static bool
is_matched(const KeyedItem *item)
{
	return item->name.length != KEYED_UNNAMED &&
		side_of(item, BEFORE)->n > 0 && side_of(item, AFTER)->n > 0;
}

static double
total_difference(const KeyedItem *items, int length)
{
	SummaryMoments before = {0};
	SummaryMoments after = {0};

	for (int i = 0; i < length; i++)
	{
		athar_sides_pool(&before, side_of(&items[i], BEFORE));
		athar_sides_pool(&after, side_of(&items[i], AFTER));
	}
	if (before.n == 0 || after.n == 0)
		return get_float8_nan();
	return athar_sides_difference(&before, &after);
}

/* What a side of a stratum adds to the error of the matched difference. */
static ErrorPart
part_of_side(const SummaryMoments *moments, double weight)
{
	ErrorPart	part = {get_float8_nan(), (double) moments->n - 1.0};

	if (moments->n > 1 && moments->has_sd)
		part.se = weight * moments->sd / sqrt((double) moments->n);
	return part;
}

/* Weigh the differences of the strata that are on both sides. */
static void
match(const KeyedItem *items, int length, Matched *result)
{
	double		n_before = 0.0;
	double		n_after = 0.0;
	double		sum = 0.0;
	int			used = 0;
	ErrorPart  *parts;

	for (int i = 0; i < length; i++)
		if (is_matched(&items[i]))
		{
			n_before += (double) side_of(&items[i], BEFORE)->n;
			n_after += (double) side_of(&items[i], AFTER)->n;
			used++;
		}
	result->used = used;
	result->left_out = length - used;
	if (used == 0)
		return;

	parts = MemoryContextAllocHuge(CurrentMemoryContext,
								   sizeof(ErrorPart) * 2 * (Size) used);
	used = 0;
	for (int i = 0; i < length; i++)
	{
		const SummaryMoments *before = side_of(&items[i], BEFORE);
		const SummaryMoments *after = side_of(&items[i], AFTER);
		double		weight;

		CHECK_FOR_INTERRUPTS();
		if (!is_matched(&items[i]))
			continue;
		weight = ((double) before->n / n_before +
				  (double) after->n / n_after) / 2.0;
		sum += weight * athar_sides_difference(before, after);
		parts[used++] = part_of_side(before, weight);
		parts[used++] = part_of_side(after, weight);
	}
	result->difference = sum;
	result->interval = athar_interval_of_parts(sum, parts, used);
	pfree(parts);
}

/* Add a summary to its side of its stratum. */
PG_FUNCTION_INFO_V1(athar_compare_matched_step);
Datum
athar_compare_matched_step(PG_FUNCTION_ARGS)
{
	KeyedTable *state = athar_keyed_state(fcinfo, sizeof(Sides));

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(3))
	{
		SummaryMoments moments;

		if (athar_summary_moments(PG_GETARG_SUMMARY_P(1), &moments))
		{
			text	   *stratum = PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2);
			Sides	   *sides = athar_keyed_find(state,
												 athar_keyed_name(stratum, false));

			athar_sides_pool(&sides->of[PG_GETARG_BOOL(3) ? AFTER : BEFORE],
							 &moments);
		}
	}
	PG_RETURN_POINTER(state);
}

/* Compare like with like. */
PG_FUNCTION_INFO_V1(athar_compare_matched_final);
Datum
athar_compare_matched_final(PG_FUNCTION_ARGS)
{
	Matched		found = {get_float8_nan(), get_float8_nan(),
	athar_interval_unknown(), 0, 0};
	FigureRow	figures;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "part of an aggregate called outside it");
	if (!PG_ARGISNULL(0))
	{
		int			length;
		KeyedItem  *items = athar_keyed_sorted((KeyedTable *) PG_GETARG_POINTER(0),
											   &length);

		found.total = total_difference(items, length);
		match(items, length, &found);
		pfree(items);
	}
	athar_figures_begin(&figures, fcinfo);
	athar_figures_put(&figures, found.total);
	athar_figures_put(&figures, found.difference);
	athar_figures_put(&figures, found.total - found.difference);
	athar_figures_put(&figures, found.interval.se);
	athar_figures_put(&figures, found.interval.ci_low);
	athar_figures_put(&figures, found.interval.ci_high);
	athar_figures_put(&figures, found.interval.p);
	athar_figures_put_integer(&figures, found.used);
	athar_figures_put_integer(&figures, found.left_out);
	return athar_figures_datum(&figures);
}
