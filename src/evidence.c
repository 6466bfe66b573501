/*
 * evidence.c
 *	  Before and after: two groups of values compared.
 *
 * Equal variances are not assumed (Welch 1947, with Satterthwaite's degrees
 * of freedom), because a reform that changes a mean mostly changes the spread
 * too.  Every formula works on standard deviations divided by the larger of
 * them, so that squares neither overflow nor vanish.
 *
 * What this does not promise: the p-value takes the values as independent.
 * Points of a series that follows itself (autocorrelation), a trend that ran
 * before the cutover and a changed mix of cases all make it too small.
 */
#include "athar.h"

#include <math.h>

#include "summary.h"
#include "student.h"
#include "figures.h"

#include "utils/float.h"
#include "utils/timestamp.h"

/* One group of values as the comparison sees it; undefined figures are NaN. */
typedef struct Side
{
	int64		n;
	double		mean;
	double		rest;			/* what the mean loses by rounding */
	double		sd;
	double		median;
} Side;

/* The figures of athar.evidence that take both sides; undefined is NaN. */
typedef struct Comparison
{
	double		difference;
	double		percent_change;
	double		ci_low;
	double		ci_high;
	double		t;
	double		df;
	double		p;
	double		effect_size;
	const char *verdict;
} Comparison;

/* Satterthwaite's degrees of freedom; a and b are s^2/n of the two sides. */
static double
welch_df(double a, double b, const Side *before, const Side *after)
{
	double		share = a / (a + b);

	return 1.0 / (share * share / (before->n - 1) +
				  (1.0 - share) * (1.0 - share) / (after->n - 1));
}

/*
 * Hedges' g with the exact correction (Hedges 1981, formula 6d), from the
 * difference and both deviations in any common unit.
 */
static double
hedges_g(double difference, double sd1, double sd2,
		 const Side *before, const Side *after)
{
	double		m = (double) before->n + (double) after->n - 2.0;
	double		pooled = sqrt(((before->n - 1) * (sd1 * sd1) +
							   (after->n - 1) * (sd2 * sd2)) / m);

	return athar_student_gamma_ratio((m - 1.0) / 2.0) / sqrt(m / 2.0) *
		difference / pooled;
}

/* Student's t test without equal variances, where at least one side varies. */
static void
test_difference(const Side *before, const Side *after, double half,
				Comparison *result)
{
	double		scale = Max(before->sd, after->sd);
	double		sd1 = before->sd / scale;
	double		sd2 = after->sd / scale;
	double		scaled = half / scale * 2.0;
	double		a = sd1 * sd1 / before->n;
	double		b = sd2 * sd2 / after->n;
	double		margin;

	result->t = scaled / sqrt(a + b);
	result->df = welch_df(a, b, before, after);
	result->p = athar_student_p(result->t, result->df);
	margin = athar_student_quantile(0.975, result->df) * sqrt(a + b) * scale;
	result->ci_low = result->difference - margin;
	result->ci_high = result->difference + margin;
	result->effect_size = hedges_g(scaled, sd1, sd2, before, after);
	if (!(result->p < 0.05))
		result->verdict = "no_clear_change";
	else
		result->verdict = half > 0.0 ? "increased" : "decreased";
}

/* Twice the half in per cent of the whole; whole numbers stay whole. */
static double
percent_of(double half, double whole)
{
	if (fabs(half) < 1e300)
		return half * 200.0 / whole;
	return half / whole * 200.0;
}

/* Compare two groups as far as their figures allow. */
static Comparison
compare_sides(const Side *before, const Side *after)
{
	double		nan = get_float8_nan();
	Comparison	result = {nan, nan, nan, nan, nan, nan, nan, nan, NULL};

	/* Half of it, because the difference of two finite means can overflow. */
	double		half = (after->mean / 2.0 - before->mean / 2.0) +
	(after->rest / 2.0 - before->rest / 2.0);

	result.difference = half * 2.0;
	if (before->mean != 0.0)
		result.percent_change = percent_of(half, fabs(before->mean));
	if (isnan(before->sd) || isnan(after->sd))
		result.verdict = "insufficient_data";
	else if (before->sd == 0.0 && after->sd == 0.0)
		result.verdict = "no_variation";
	else
		test_difference(before, after, half, &result);
	return result;
}

/* The figures of one side; n is 0 where there are none. */
static Side
make_side(const SummaryMoments *moments, const Distribution *distribution)
{
	double		nan = get_float8_nan();
	Side		side = {0, nan, nan, nan, nan};

	if (moments->n == 0)
		return side;
	side.n = moments->n;
	side.mean = moments->mean;
	side.rest = moments->rest;
	if (moments->n > 1 && moments->has_sd)
		side.sd = moments->sd;
	if (distribution->n > 0)
		side.median = athar_digest_percentile(distribution, 0.5);
	return side;
}

/* NULL is a summary of nothing. */
static Side
side_of_summary(const Summary *summary)
{
	SummaryMoments moments;
	Distribution distribution;

	if (summary == NULL || !athar_summary_moments(summary, &moments))
		moments.n = 0;
	else if (!athar_summary_distribution(summary, &distribution))
		distribution.n = 0;
	return make_side(&moments, &distribution);
}

static Side
side_of_state(SummaryState *state)
{
	SummaryMoments moments;
	Distribution distribution;

	athar_summary_read(state, &moments, &distribution);
	return make_side(&moments, &distribution);
}

static void
put_side(FigureRow *figures, const Side *side)
{
	athar_figures_put_count(figures, side->n);
	athar_figures_put(figures, side->mean);
	athar_figures_put(figures, side->sd);
	athar_figures_put(figures, side->median);
}

/* A value of type athar.evidence from two groups. */
static Datum
evidence_datum(FunctionCallInfo fcinfo, const Side *before, const Side *after)
{
	Comparison	found = compare_sides(before, after);
	FigureRow	figures;

	athar_figures_begin(&figures, fcinfo);
	put_side(&figures, before);
	put_side(&figures, after);
	athar_figures_put(&figures, found.difference);
	athar_figures_put(&figures, found.percent_change);
	athar_figures_put(&figures, found.ci_low);
	athar_figures_put(&figures, found.ci_high);
	athar_figures_put(&figures, found.t);
	athar_figures_put(&figures, found.df);
	athar_figures_put(&figures, found.p);
	athar_figures_put(&figures, found.effect_size);
	athar_figures_put_text(&figures, found.verdict);
	return athar_figures_datum(&figures);
}

/* Compare two summaries. */
PG_FUNCTION_INFO_V1(athar_compare);
Datum
athar_compare(PG_FUNCTION_ARGS)
{
	Side		before = side_of_summary(PG_ARGISNULL(0) ? NULL :
										 PG_GETARG_SUMMARY_P(0));
	Side		after = side_of_summary(PG_ARGISNULL(1) ? NULL :
										PG_GETARG_SUMMARY_P(1));

	PG_RETURN_DATUM(evidence_datum(fcinfo, &before, &after));
}

/*
 * The state of before_after: a summary being collected for each side.  Both
 * lie in one piece of memory, the size of a line of the processor's cache.
 */
typedef struct BeforeAfterState
{
	SummaryState before;
	SummaryState after;
} BeforeAfterState;

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "part of the aggregate before_after called outside it");
	return context;
}

static BeforeAfterState *
begin_state(MemoryContext context)
{
	BeforeAfterState *state = MemoryContextAlloc(context, sizeof(*state));

	athar_summary_init(&state->before, context);
	athar_summary_init(&state->after, context);
	return state;
}

/*
 * Add a value to its side.
 *
 * Each row is judged by its own cutover, so that services which changed at
 * different times can be compared as one; a row whose side is unknown is
 * left out as one without a value is.
 */
PG_FUNCTION_INFO_V1(athar_before_after_step);
Datum
athar_before_after_step(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	BeforeAfterState *state = PG_ARGISNULL(0) ?
	begin_state(context) : (BeforeAfterState *) PG_GETARG_POINTER(0);

	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2) && !PG_ARGISNULL(3))
	{
		bool		is_after =
		PG_GETARG_TIMESTAMPTZ(2) >= PG_GETARG_TIMESTAMPTZ(3);

		athar_summary_add(is_after ? &state->after : &state->before,
						  PG_GETARG_FLOAT8(1));
	}
	PG_RETURN_POINTER(state);
}

/* Merge the second state into the first. */
PG_FUNCTION_INFO_V1(athar_before_after_combine);
Datum
athar_before_after_combine(PG_FUNCTION_ARGS)
{
	MemoryContext context = aggregate_context(fcinfo);
	BeforeAfterState *state;

	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		PG_RETURN_NULL();
	state = PG_ARGISNULL(0) ?
		begin_state(context) : (BeforeAfterState *) PG_GETARG_POINTER(0);
	if (!PG_ARGISNULL(1))
	{
		BeforeAfterState *other = (BeforeAfterState *) PG_GETARG_POINTER(1);

		athar_summary_absorb(&state->before, athar_summary_finish(&other->before));
		athar_summary_absorb(&state->after, athar_summary_finish(&other->after));
	}
	PG_RETURN_POINTER(state);
}

/* A state as bytes: both summaries as they would be stored, padded to 8. */
PG_FUNCTION_INFO_V1(athar_before_after_serialize);
Datum
athar_before_after_serialize(PG_FUNCTION_ARGS)
{
	BeforeAfterState *state = (BeforeAfterState *) PG_GETARG_POINTER(0);
	Summary    *before;
	Summary    *after;
	bytea	   *result;
	Size		header = MAXALIGN(VARHDRSZ);
	Size		first;

	(void) aggregate_context(fcinfo);
	before = athar_summary_finish(&state->before);
	after = athar_summary_finish(&state->after);
	first = MAXALIGN(VARSIZE(before));
	result = palloc0(header + first + VARSIZE(after));
	SET_VARSIZE(result, header + first + VARSIZE(after));
	memcpy((char *) result + header, before, VARSIZE(before));
	memcpy((char *) result + header + first, after, VARSIZE(after));
	PG_RETURN_BYTEA_P(result);
}

/*
 * The state back from its bytes, in short-lived memory: it only lives until
 * it is combined.
 */
PG_FUNCTION_INFO_V1(athar_before_after_deserialize);
Datum
athar_before_after_deserialize(PG_FUNCTION_ARGS)
{
	bytea	   *bytes = PG_GETARG_BYTEA_P_COPY(0);	/* aligned */
	Summary    *before = (Summary *) ((char *) bytes + MAXALIGN(VARHDRSZ));
	Summary    *after = (Summary *) ((char *) before + MAXALIGN(VARSIZE(before)));
	BeforeAfterState *state;

	(void) aggregate_context(fcinfo);
	state = begin_state(CurrentMemoryContext);
	athar_summary_absorb(&state->before, before);
	athar_summary_absorb(&state->after, after);
	PG_RETURN_POINTER(state);
}

/* Compare the two sides. */
PG_FUNCTION_INFO_V1(athar_before_after_final);
Datum
athar_before_after_final(PG_FUNCTION_ARGS)
{
	BeforeAfterState *state = PG_ARGISNULL(0) ? NULL :
	(BeforeAfterState *) PG_GETARG_POINTER(0);
	Side		before;
	Side		after;

	(void) aggregate_context(fcinfo);
	before = state ? side_of_state(&state->before) : side_of_summary(NULL);
	after = state ? side_of_state(&state->after) : side_of_summary(NULL);
	PG_RETURN_DATUM(evidence_datum(fcinfo, &before, &after));
}
