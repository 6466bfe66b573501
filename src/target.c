/*
 * target.c
 *	  What a target of a key result means: progress, met or not, order.
 *
 * A target is a sentence, because "90" alone does not say from where, nor
 * whether more is better, and every tool that stores two bare numbers ends up
 * with several answers for one key result.  Whatever the sentence, it comes
 * down to a band of figures that meet it and, mostly, a start; progress and
 * is_met look at those two alone, so no kind of target has rules of its own.
 *
 * A figure meets a bound when it reaches it to within 1e-12 of its size: means
 * of shares are off in their last places, and nobody should miss 0.9 by that.
 */
#include "athar.h"

#include <float.h>
#include <math.h>

#include "common/hashfn.h"

#include "target.h"

/* How far a figure may fall short of a bound, relative to their size. */
#define TARGET_TOLERANCE	1e-12

/* The largest number below 1. */
#define BELOW_ONE			(1 - DBL_EPSILON / 2)

/* What a target and a baseline come down to. */
typedef struct Aim
{
	double		low;			/* figures from here */
	double		high;			/* to here meet it; infinite where open */
	double		start;
	bool		has_start;
	bool		is_known;		/* false: the baseline it needs is missing */
} Aim;

static double
require_finite(double figure, const char *what)
{
	if (!isfinite(figure))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s is not a finite number", what),
				 errdetail("No progress can be measured from NaN or infinity."),
				 errhint("Use NULL where nothing was measured.")));
	return figure;
}

/* A finite figure stays finite, however large the quotient. */
static double
bounded(double figure)
{
	return Max(-DBL_MAX, Min(DBL_MAX, figure));
}

static double
slack(double a, double b)
{
	return TARGET_TOLERANCE * Max(fabs(a), fabs(b));
}

/* (figure - start) / (goal - start), also where a difference overflows. */
static double
share_of_way(double figure, double start, double goal)
{
	double		way = goal - start;
	double		done = figure - start;

	if (fabs(figure - goal) <= slack(figure, goal))
		return 1;
	if (isinf(way) || isinf(done))
	{
		way = goal / 2 - start / 2;
		done = figure / 2 - start / 2;
	}
	return bounded(done / way);
}

/* The figure a change of some per cent leads to; -20 % of -10 is -12. */
static double
changed_by(double baseline, double percent)
{
	double		change = fabs(baseline) * percent / 100;

	if (isinf(change))
		change = fabs(baseline) / 100 * percent;
	return bounded(baseline + change);
}

/* Open the band on the side the goal lies, seen from the start. */
static void
aim_beyond(Aim *aim, double start, double goal)
{
	aim->start = start;
	aim->has_start = true;
	if (goal > start)
		aim->low = goal;
	else
		aim->high = goal;
}

/* A share of nothing, or of what is not known, is no goal. */
static void
aim_by_change(Aim *aim, double percent)
{
	double		goal = changed_by(aim->start, percent);

	aim->is_known = aim->has_start && goal != aim->start;
	if (aim->is_known)
		aim_beyond(aim, aim->start, goal);
}

static Aim
aim_of(const Target *target, bool has_baseline, double baseline)
{
	Aim			aim = {-INFINITY, INFINITY, baseline, has_baseline, true};

	switch ((TargetKind) target->kind)
	{
		case TARGET_FROM_TO:
			aim_beyond(&aim, target->first, target->second);
			break;
		case TARGET_MILESTONE:
			aim_beyond(&aim, 0, 1);
			break;
		case TARGET_AT_LEAST:
			aim.low = target->first;
			break;
		case TARGET_AT_MOST:
			aim.high = target->first;
			break;
		case TARGET_BETWEEN:
			aim.low = target->first;
			aim.high = target->second;
			break;
		case TARGET_RELATIVE:
			aim_by_change(&aim, target->first);
			break;
	}
	return aim;
}

/* How far a figure is outside the band: below < 0, above > 0, inside 0. */
static double
outside(const Aim *aim, double figure)
{
	if (figure < aim->low - slack(figure, aim->low))
		return bounded(figure - aim->low);
	if (figure > aim->high + slack(figure, aim->high))
		return bounded(figure - aim->high);
	return 0;
}

/* Without a start: all where it is met, else the bound's share reached. */
static double
share_reached(const Aim *aim, double figure)
{
	double		distance = outside(aim, figure);

	if (distance == 0)
		return 1;
	if (distance < 0)
		return aim->low > 0 ? Max(figure, 0) / aim->low : 0;
	return aim->high > 0 ? aim->high / figure : 0;
}

/* The way from the start, or what there is to say without one. */
static double
way_covered(const Aim *aim, double figure)
{
	double		distance = outside(aim, figure);
	double		start_distance = aim->has_start ? outside(aim, aim->start) : 0;

	if (start_distance == 0)
		return share_reached(aim, figure);
	if (distance == 0 && !isinf(aim->low) && !isinf(aim->high))
		return 1;
	if (start_distance < 0)
		return distance > 0 ? bounded(1 - distance / -start_distance)
			: share_of_way(figure, aim->start, aim->low);
	return distance < 0 ? bounded(1 - -distance / start_distance)
		: share_of_way(figure, aim->start, aim->high);
}

/* Rounding never completes what is not met. */
static double
progress_of(const Aim *aim, double figure)
{
	double		progress = way_covered(aim, figure);

	return outside(aim, figure) == 0 ? progress : Min(progress, BELOW_ONE);
}

/* The figure to reach; none where a band has two and the start says neither. */
static bool
goal_of(const Aim *aim, double *goal)
{
	if (isinf(aim->low))
		*goal = aim->high;
	else if (isinf(aim->high))
		*goal = aim->low;
	else if (aim->has_start && aim->start < aim->low)
		*goal = aim->low;
	else if (aim->has_start && aim->start > aim->high)
		*goal = aim->high;
	else
		return false;
	return aim->is_known;
}

/* The aim of a target seen from a baseline, each in the argument given. */
static Aim
aim_of_arguments(FunctionCallInfo fcinfo, int target_argument,
				 int baseline_argument)
{
	bool		has_baseline = !PG_ARGISNULL(baseline_argument);
	double		baseline = 0;

	if (has_baseline)
		baseline = require_finite(PG_GETARG_FLOAT8(baseline_argument),
								  "baseline");
	return aim_of(PG_GETARG_TARGET_P(target_argument), has_baseline, baseline);
}

/* Kind, then figures: an order to sort by, which says nothing of ambition. */
static int
compare(const Target *a, const Target *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->second != b->second)
		return a->second < b->second ? -1 : 1;
	return 0;
}

#define TARGET_COMPARISON(name, operator) \
PG_FUNCTION_INFO_V1(athar_target_##name); \
Datum \
athar_target_##name(PG_FUNCTION_ARGS) \
{ \
	PG_RETURN_BOOL(compare(PG_GETARG_TARGET_P(0), \
						   PG_GETARG_TARGET_P(1)) operator 0); \
} \
extern int	no_such_variable

TARGET_COMPARISON(eq, ==);
TARGET_COMPARISON(ne, !=);
TARGET_COMPARISON(lt, <);
TARGET_COMPARISON(le, <=);
TARGET_COMPARISON(gt, >);
TARGET_COMPARISON(ge, >=);

/* Compare two targets for a btree. */
PG_FUNCTION_INFO_V1(athar_target_cmp);
Datum
athar_target_cmp(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(compare(PG_GETARG_TARGET_P(0), PG_GETARG_TARGET_P(1)));
}

/* Hash a target; equal ones are equal byte for byte. */
PG_FUNCTION_INFO_V1(athar_target_hash);
Datum
athar_target_hash(PG_FUNCTION_ARGS)
{
	return hash_any((unsigned char *) PG_GETARG_TARGET_P(0), sizeof(Target));
}

/* Hash a target with a seed. */
PG_FUNCTION_INFO_V1(athar_target_hash_extended);
Datum
athar_target_hash_extended(PG_FUNCTION_ARGS)
{
	return hash_any_extended((unsigned char *) PG_GETARG_TARGET_P(0),
							 sizeof(Target), PG_GETARG_INT64(1));
}

/* Say how far a figure has come, not clamped. */
PG_FUNCTION_INFO_V1(athar_progress);
Datum
athar_progress(PG_FUNCTION_ARGS)
{
	double		figure;
	Aim			aim;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	figure = require_finite(PG_GETARG_FLOAT8(1), "current figure");
	aim = aim_of_arguments(fcinfo, 0, 2);
	if (!aim.is_known)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(progress_of(&aim, figure));
}

/* Say whether a figure meets the target. */
PG_FUNCTION_INFO_V1(athar_is_met);
Datum
athar_is_met(PG_FUNCTION_ARGS)
{
	double		figure;
	Aim			aim;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	figure = require_finite(PG_GETARG_FLOAT8(1), "figure");
	aim = aim_of_arguments(fcinfo, 0, 2);
	if (!aim.is_known)
		PG_RETURN_NULL();
	PG_RETURN_BOOL(outside(&aim, figure) == 0);
}

/* Say where the figure starts. */
PG_FUNCTION_INFO_V1(athar_start_of);
Datum
athar_start_of(PG_FUNCTION_ARGS)
{
	Aim			aim;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	aim = aim_of_arguments(fcinfo, 0, 1);
	if (!aim.has_start)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(aim.start);
}

/* Say which figure is to be reached. */
PG_FUNCTION_INFO_V1(athar_goal_of);
Datum
athar_goal_of(PG_FUNCTION_ARGS)
{
	Aim			aim;
	double		goal;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	aim = aim_of_arguments(fcinfo, 0, 1);
	if (!goal_of(&aim, &goal))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(goal);
}

/* Say which is the lowest figure that meets the target. */
PG_FUNCTION_INFO_V1(athar_lowest_of);
Datum
athar_lowest_of(PG_FUNCTION_ARGS)
{
	Aim			aim;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	aim = aim_of_arguments(fcinfo, 0, 1);
	if (!aim.is_known)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(aim.low);
}

/* Say which is the highest figure that meets the target. */
PG_FUNCTION_INFO_V1(athar_highest_of);
Datum
athar_highest_of(PG_FUNCTION_ARGS)
{
	Aim			aim;

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	aim = aim_of_arguments(fcinfo, 0, 1);
	if (!aim.is_known)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(aim.high);
}

/* Say whether no figure can meet both of two targets. */
PG_FUNCTION_INFO_V1(athar_are_opposed);
Datum
athar_are_opposed(PG_FUNCTION_ARGS)
{
	Target	   *a;
	Target	   *b;
	Aim			one;
	Aim			other;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	a = PG_GETARG_TARGET_P(0);
	b = PG_GETARG_TARGET_P(1);
	one = aim_of_arguments(fcinfo, 0, 2);
	other = aim_of_arguments(fcinfo, 1, 3);
	if (one.is_known && other.is_known)
		PG_RETURN_BOOL(Max(one.low, other.low) - Min(one.high, other.high) >
					   slack(Max(one.low, other.low),
							 Min(one.high, other.high)));

	/* Up and down are opposed from wherever they start. */
	if (a->kind == TARGET_RELATIVE && b->kind == TARGET_RELATIVE)
		PG_RETURN_BOOL((a->first > 0) != (b->first > 0));
	PG_RETURN_NULL();
}
