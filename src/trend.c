/*
 * trend.c
 *	  Were those a change would reach moving differently before it did?
 *
 * The same logic as in differences.c: a line through the values of each unit,
 * and the slopes of the units compared by Welch's test, so that values of one
 * unit need not be independent of each other.  Where units cannot be followed
 * (seen at one time only, or not known) there is one line for each group.
 *
 * What this does not promise: that trends alike before stay alike; and with
 * few units it sees large differences only.  "Not significant" is no proof.
 */
#include "athar.h"

#include <float.h>
#include <math.h>

#include "figures.h"
#include "differences.h"

#include "miscadmin.h"
#include "utils/float.h"
#include "utils/timestamp.h"

/* Of squares that ought to vanish, this share is left by rounding. */
#define ROUNDING	1e-14

/* What a line through points takes; time is in days. */
typedef struct Line
{
	double		n;
	double		mean_time;
	double		mean_value;
	double		time_squares;	/* of deviations from the mean */
	double		products;
	double		value_squares;
} Line;

/* Add the points behind one to those behind the other (Chan's formula). */
static void
merge_lines(void *into, const void *from)
{
	Line	   *line = into;
	const Line *other = from;
	double		n = line->n + other->n;
	double		time = other->mean_time - line->mean_time;
	double		value = other->mean_value - line->mean_value;
	double		weight;

	if (other->n == 0)
		return;
	if (line->n == 0)
	{
		*line = *other;
		return;
	}
	weight = line->n * other->n / n;
	line->time_squares += other->time_squares + time * time * weight;
	line->products += other->products + time * value * weight;
	line->value_squares += other->value_squares + value * value * weight;
	line->mean_time += time * other->n / n;
	line->mean_value += value * other->n / n;
	line->n = n;
}

static double
slope_of(const Line *line)
{
	return line->products / line->time_squares;
}

/* The error of a slope by the scatter of the points around their line. */
static ErrorPart
error_of_slope(const Line *line)
{
	ErrorPart	part = {get_float8_nan(), line->n - 2.0};
	double		rest = line->value_squares - slope_of(line) * line->products;

	if (line->n > 2.0)
		part.se = rest <= line->value_squares * ROUNDING * line->n ? 0.0 :
			sqrt(rest / part.df / line->time_squares);
	return part;
}

/* Can each unit be followed, so that it has a slope of its own? */
static bool
have_slopes(const KeyedItem *items, int length)
{
	for (int i = 0; i < length; i++)
	{
		const Line *line = items[i].payload;

		if (items[i].name.length == KEYED_UNNAMED || !(line->time_squares > 0.0))
			return false;
	}
	return true;
}

/* What rounding can do to a slope: of the values, and of times so large. */
static double
noise_of_slope(const Line *line)
{
	double		times = sqrt(line->time_squares / line->n);
	double		values = sqrt(line->value_squares / line->n);

	return 8.0 * DBL_EPSILON *
		(fabs(line->mean_value) + values +
		 fabs(slope_of(line)) * fabs(line->mean_time)) / times;
}

static double
compare_units(const KeyedItem *items, int length, Certainty *certainty)
{
	SummaryMoments slopes[2] = {{0}, {0}};
	double		noise = 0.0;
	double		difference;

	for (int i = 0; i < length; i++)
	{
		double		slope = slope_of(items[i].payload);
		SummaryMoments unit;

		CHECK_FOR_INTERRUPTS();
		if (!isfinite(slope))
			return get_float8_nan();
		noise = Max(noise, noise_of_slope(items[i].payload));
		athar_moments_of_sd(1, slope, 0.0, 0.0, true, &unit);
		athar_sides_pool(&slopes[items[i].name.group ? TREATED : CONTROL],
						 &unit);
	}
	if (slopes[TREATED].n == 0 || slopes[CONTROL].n == 0)
		return get_float8_nan();
	difference = athar_sides_difference(&slopes[CONTROL], &slopes[TREATED]);
	*certainty = athar_differences_certainty(difference, &slopes[CONTROL],
											 &slopes[TREATED], noise);
	return difference;
}

static double
compare_groups(const KeyedItem *items, int length, Certainty *certainty)
{
	Line		lines[2];
	ErrorPart	parts[2];
	double		difference;

	memset(lines, 0, sizeof(lines));
	for (int i = 0; i < length; i++)
	{
		CHECK_FOR_INTERRUPTS();
		merge_lines(&lines[items[i].name.group ? TREATED : CONTROL],
					items[i].payload);
	}
	if (!(lines[TREATED].time_squares > 0.0) ||
		!(lines[CONTROL].time_squares > 0.0))
		return get_float8_nan();
	difference = slope_of(&lines[TREATED]) - slope_of(&lines[CONTROL]);
	parts[0] = error_of_slope(&lines[CONTROL]);
	parts[1] = error_of_slope(&lines[TREATED]);
	*certainty = athar_interval_of_parts(difference, parts, 2);
	return difference;
}

/* Add a value at its time to its unit. */
PG_FUNCTION_INFO_V1(athar_pre_trend_step);
Datum
athar_pre_trend_step(PG_FUNCTION_ARGS)
{
	KeyedTable *state = athar_keyed_state(fcinfo, sizeof(Line));

	if (!PG_ARGISNULL(1) && isfinite(PG_GETARG_FLOAT8(1)) &&
		!PG_ARGISNULL(2) && !TIMESTAMP_NOT_FINITE(PG_GETARG_TIMESTAMPTZ(2)) &&
		!PG_ARGISNULL(4))
	{
		text	   *unit = PG_ARGISNULL(3) ? NULL : PG_GETARG_TEXT_PP(3);
		Line		line = {.n = 1};

		line.mean_time = (double) PG_GETARG_TIMESTAMPTZ(2) / (double) USECS_PER_DAY;
		line.mean_value = PG_GETARG_FLOAT8(1);
		merge_lines(athar_keyed_find(state, athar_keyed_name(unit, PG_GETARG_BOOL(4))),
					&line);
	}
	PG_RETURN_POINTER(state);
}

/* Merge the second state into the first. */
PG_FUNCTION_INFO_V1(athar_pre_trend_combine);
Datum
athar_pre_trend_combine(PG_FUNCTION_ARGS)
{
	return athar_keyed_combine(fcinfo, sizeof(Line), merge_lines);
}

/* Compare the trends of both groups. */
PG_FUNCTION_INFO_V1(athar_pre_trend_final);
Datum
athar_pre_trend_final(PG_FUNCTION_ARGS)
{
	double		difference = get_float8_nan();
	Certainty	certainty = athar_interval_unknown();
	int			units[2] = {0, 0};
	bool		is_paired = false;
	int			length = 0;
	FigureRow	figures;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "part of an aggregate called outside it");
	if (!PG_ARGISNULL(0))
	{
		KeyedItem  *items = athar_keyed_sorted((KeyedTable *) PG_GETARG_POINTER(0),
											   &length);

		athar_differences_check(items, length);
		for (int i = 0; i < length; i++)
			units[items[i].name.group ? TREATED : CONTROL] +=
				items[i].name.length != KEYED_UNNAMED;
		is_paired = have_slopes(items, length);
		if (is_paired)
			difference = compare_units(items, length, &certainty);
		else
			difference = compare_groups(items, length, &certainty);
		pfree(items);
	}
	athar_figures_begin(&figures, fcinfo);
	athar_figures_put(&figures, difference);
	athar_figures_put(&figures, certainty.se);
	athar_figures_put(&figures, certainty.df);
	athar_figures_put(&figures, certainty.p);
	athar_figures_put_integer(&figures, units[TREATED]);
	athar_figures_put_integer(&figures, units[CONTROL]);
	athar_figures_put_flag(&figures, is_paired, length == 0);
	return athar_figures_datum(&figures);
}
