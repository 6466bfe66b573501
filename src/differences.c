/*
 * differences.c
 *	  Difference in differences: the change of those a reform reached, less
 *	  the change of those it did not reach.
 *
 * Values of one unit (an office, a shop, a service) hang together, so each
 * unit is first made into one figure, its own change; Welch's test compares
 * the changes.  Taking the four groups of values as independent instead would
 * count that likeness as noise: on the digital take-up of UK services in the
 * tests the standard error is then three tenths too large.
 *
 * A single treated unit has no spread of its own.  It is measured against the
 * spread of the controls' changes, as one case against k others (Crawford and
 * Howell 1998), with k - 1 degrees of freedom.
 *
 * What this does not promise: that both groups would have moved alike.  Look
 * at pre_trend() and at what else happened to either.
 */
#include "athar.h"

#include <float.h>
#include <math.h>

#include "figures.h"
#include "differences.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/float.h"

/* The points of each group before and after, and how many units there are. */
typedef struct Cells
{
	SummaryMoments of[2][2];	/* group, side */
	int			units[2];
	bool		is_paired;
} Cells;

static inline const SummaryMoments *
side_of(const KeyedItem *item, int side)
{
	return &((const Sides *) item->payload)->of[side];
}

/* A point of weight 1, whatever it was made of. */
static SummaryMoments
point(double value, double rest)
{
	SummaryMoments moments;

	athar_moments_of_sd(1, value, rest, 0.0, true, &moments);
	return moments;
}

void
athar_differences_check(const KeyedItem *items, int length)
{
	for (int i = 1; i < length; i++)
	{
		KeyedName	name = items[i].name;
		KeyedName	last = items[i - 1].name;

		if (name.length != KEYED_UNNAMED && name.length == last.length &&
			memcmp(name.data, last.data, name.length) == 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("unit \"%.*s\" is both treated and a control",
							pg_mbcliplen(name.data, name.length, 100), name.data),
					 errdetail("Nothing was compared: a unit belongs to those the change reached, or to those it did not, before and after alike."),
					 errhint("is_treated says whether the change ever reached the unit; is_after says when.")));
	}
}

Certainty
athar_differences_certainty(double difference, const SummaryMoments *control,
							const SummaryMoments *treated, double noise)
{
	double		k = (double) control->n;
	double		control_sd = control->sd > noise ? control->sd : 0.0;
	double		treated_sd = treated->sd > noise ? treated->sd : 0.0;
	ErrorPart	parts[2];

	if (treated->n == 0 || control->n < 2 ||
		!treated->has_sd || !control->has_sd)
		return athar_interval_unknown();
	if (treated->n == 1)
		return athar_interval_of(difference,
								 control_sd * sqrt(1.0 + 1.0 / k), k - 1.0);
	parts[0].se = control_sd / sqrt(k);
	parts[0].df = k - 1.0;
	parts[1].se = treated_sd / sqrt((double) treated->n);
	parts[1].df = (double) treated->n - 1.0;
	return athar_interval_of_parts(difference, parts, 2);
}

/*
 * Collect the points: a unit's mean is one, and so is each value of which the
 * unit is not known.
 */
static void
collect(const KeyedItem *items, int length, Cells *cells)
{
	cells->is_paired = true;
	for (int i = 0; i < length; i++)
	{
		bool		is_unit = items[i].name.length != KEYED_UNNAMED;
		int			group = items[i].name.group ? TREATED : CONTROL;

		CHECK_FOR_INTERRUPTS();
		cells->units[group] += is_unit;
		for (int side = BEFORE; side <= AFTER; side++)
		{
			SummaryMoments values = *side_of(&items[i], side);

			if (values.n == 0 || !is_unit)
				cells->is_paired = false;
			if (values.n > 0 && is_unit)
				values = point(values.mean, values.rest);
			athar_sides_pool(&cells->of[group][side], &values);
		}
	}
}

/* Compare the changes of the units, each of which has both sides. */
static double
compare_changes(const KeyedItem *items, int length, Certainty *certainty)
{
	SummaryMoments changes[2] = {{0}, {0}};
	double		largest = 0.0;
	double		estimate;

	for (int i = 0; i < length; i++)
	{
		const SummaryMoments *before = side_of(&items[i], BEFORE);
		const SummaryMoments *after = side_of(&items[i], AFTER);
		double		change = athar_sides_difference(before, after);
		SummaryMoments unit = point(change, 0.0);

		CHECK_FOR_INTERRUPTS();
		if (!isfinite(change))
			return get_float8_nan();
		largest = Max(largest, Max(fabs(before->mean), fabs(after->mean)));
		athar_sides_pool(&changes[items[i].name.group ? TREATED : CONTROL],
						 &unit);
	}
	if (changes[TREATED].n == 0 || changes[CONTROL].n == 0)
		return get_float8_nan();
	estimate = athar_sides_difference(&changes[CONTROL], &changes[TREATED]);
	*certainty = athar_differences_certainty(estimate, &changes[CONTROL],
											 &changes[TREATED],
											 largest * (4.0 * DBL_EPSILON));
	return estimate;
}

/* Compare four groups of points as if they were independent. */
static double
compare_cells(const Cells *cells, Certainty *certainty)
{
	ErrorPart	parts[4];
	double		change[2];
	double		estimate;

	for (int group = CONTROL; group <= TREATED; group++)
	{
		const SummaryMoments *sides = cells->of[group];

		for (int side = BEFORE; side <= AFTER; side++)
		{
			ErrorPart  *part = &parts[2 * group + side];

			if (sides[side].n == 0)
				return get_float8_nan();
			part->se = get_float8_nan();
			if (sides[side].n > 1 && sides[side].has_sd)
				part->se = sides[side].sd / sqrt((double) sides[side].n);
			part->df = (double) sides[side].n - 1.0;
		}
		change[group] = athar_sides_difference(&sides[BEFORE], &sides[AFTER]);
	}
	estimate = change[TREATED] - change[CONTROL];
	*certainty = athar_interval_of_parts(estimate, parts, 4);
	return estimate;
}

/* Add a value to its side of its unit. */
PG_FUNCTION_INFO_V1(athar_difference_in_differences_step);
Datum
athar_difference_in_differences_step(PG_FUNCTION_ARGS)
{
	KeyedTable *state = athar_keyed_state(fcinfo, sizeof(Sides));

	if (!PG_ARGISNULL(1) && isfinite(PG_GETARG_FLOAT8(1)) &&
		!PG_ARGISNULL(3) && !PG_ARGISNULL(4))
	{
		text	   *unit = PG_ARGISNULL(2) ? NULL : PG_GETARG_TEXT_PP(2);
		SummaryMoments value = point(PG_GETARG_FLOAT8(1) + 0.0, 0.0);
		Sides	   *sides = athar_keyed_find(state,
											 athar_keyed_name(unit, PG_GETARG_BOOL(3)));

		athar_sides_pool(&sides->of[PG_GETARG_BOOL(4) ? AFTER : BEFORE],
						 &value);
	}
	PG_RETURN_POINTER(state);
}

/* Compare the changes of both groups. */
PG_FUNCTION_INFO_V1(athar_difference_in_differences_final);
Datum
athar_difference_in_differences_final(PG_FUNCTION_ARGS)
{
	double		estimate = get_float8_nan();
	Certainty	certainty = athar_interval_unknown();
	Cells		cells = {0};
	int			length = 0;
	FigureRow	figures;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "part of an aggregate called outside it");
	if (!PG_ARGISNULL(0))
	{
		KeyedItem  *items = athar_keyed_sorted((KeyedTable *) PG_GETARG_POINTER(0),
											   &length);

		athar_differences_check(items, length);
		collect(items, length, &cells);
		if (cells.is_paired)
			estimate = compare_changes(items, length, &certainty);
		else
			estimate = compare_cells(&cells, &certainty);
		pfree(items);
	}
	athar_figures_begin(&figures, fcinfo);
	athar_figures_put(&figures, estimate);
	athar_figures_put(&figures, certainty.se);
	athar_figures_put(&figures, certainty.df);
	athar_figures_put(&figures, certainty.ci_low);
	athar_figures_put(&figures, certainty.ci_high);
	athar_figures_put(&figures, certainty.p);
	athar_figures_put_integer(&figures, cells.units[TREATED]);
	athar_figures_put_integer(&figures, cells.units[CONTROL]);
	athar_figures_put_flag(&figures, cells.is_paired, length == 0);
	return athar_figures_datum(&figures);
}
