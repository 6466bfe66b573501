/*
 * evidence.c
 *	  Before and after: Student's t distribution and Welch's comparison.
 *
 * The server has no incomplete beta function, and the libraries that have one
 * are under the GPL or in C++, so Student's t stands here.  Its tail is
 *
 *		p = I_x(df/2, 1/2),  x = df / (df + t^2)
 *
 * (DLMF 8.17(i)).  The usual continued fraction (DLMF 8.17.22) loses digits
 * as df grows, because its first terms nearly cancel: seven of sixteen at df
 * 1e7.  We write the same function as a hypergeometric one (DLMF 8.17.8), move
 * its argument from x to -df/t^2 (Pfaff's transformation, DLMF 15.8.1) and
 * take Gauss's continued fraction of that (DLMF 15.7.5).  All its terms are
 * positive, whatever t and df, so nothing cancels, and as df grows it turns
 * into the fraction of the normal distribution's tail.  Near the centre,
 * where the fraction is slow, the power series in 1 - x takes over.
 *
 * Two groups are compared without assuming equal variances (Welch 1947), with
 * Satterthwaite's degrees of freedom.  Every formula works on standard
 * deviations divided by the larger of them, so that squares neither overflow
 * nor vanish.
 *
 * What this does not promise: the p-value takes the values as independent.
 * Points of a series that follows itself (autocorrelation), a trend that ran
 * before the cutover and a changed mix of cases all make it too small.
 */
#include "athar.h"

#include <math.h>

#include "summary.h"
#include "evidence.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/timestamp.h"

/* Where Student's t is the normal distribution, or constant, to 16 digits. */
#define DF_MAX			1e30
#define DF_MIN			1e-300

/* A tail below this is reported as 0, before it loses digits. */
#define P_MIN			1e-300

#define EVIDENCE_COLUMNS	17

#define SQRT_PI			1.7724538509055160273
#define MAX_STEPS		100000

/* Newton's error is squared by every step: after one of this size, no other. */
#define NEWTON_CLOSE	1e-9

/* Student's t with given degrees of freedom, and what they alone decide. */
typedef struct Student
{
	double		df;
	double		a;				/* df / 2 */
	double		ratio;			/* G(a + 1/2) / G(a) */
} Student;

/*
 * G(a + 1/2) / G(a), for a > 0.
 *
 * The asymptotic series (from DLMF 5.11.8) is exact to 16 digits from 10 on;
 * below, the recurrence of the gamma function leads there.
 */
static double
gamma_ratio(double a)
{
	static const double series[] = {
		-1.0 / 8, 1.0 / 192, -1.0 / 640, 17.0 / 14336, -31.0 / 18432,
		691.0 / 180224, -5461.0 / 425984
	};
	double		factor = 1.0;
	double		sum = 0.0;

	for (; a < 10.0; a += 1.0)
		factor *= a / (a + 0.5);
	for (int i = lengthof(series) - 1; i >= 0; i--)
		sum = sum / (a * a) + series[i];
	return factor * sqrt(a) * exp(sum / a);
}

static Student
student(double df)
{
	Student		s;

	s.df = Min(Max(df, DF_MIN), DF_MAX);
	s.a = s.df / 2.0;
	s.ratio = gamma_ratio(s.a);
	return s;
}

/*
 * 1 / F(1/2, 1; a + 1; -z) by Gauss's continued fraction (DLMF 15.7.5) in the
 * modified form of Lentz.
 *
 * Its value is 1 + k1 z / (1 + k2 z / (1 + ...)) with every k positive:
 * successive convergents lie on either side of it, so that the last change
 * bounds the error.
 */
static double
tail_fraction(double a, double z)
{
	double		value = 1.0;
	double		c = 1.0;
	double		d = 0.0;

	for (int step = 1; step < MAX_STEPS; step++)
	{
		int			m = step / 2;
		double		k;
		double		change;

		if (step % 2 == 1)
			k = (0.5 + m) / (a + 2 * m) * ((a + m) / (a + 2 * m + 1));
		else
			k = m / (a + 2 * m - 1) * ((a - 0.5 + m) / (a + 2 * m));
		d = 1.0 / (1.0 + k * z * d);
		c = 1.0 + k * z / c;
		change = c * d;
		value *= change;
		if (fabs(change - 1.0) < 1e-15)
			break;
	}
	return value;
}

/* ln(1 + t^2/df), also where the square overflows. */
static double
log_one_plus(const Student *s, double t)
{
	double		u = t * t / s->df;

	return u < 1e30 ? log1p(u) : 2.0 * log(t) - log(s->df);
}

/*
 * ln of the two-sided tail beyond t > 0.
 *
 * elasticity is -d ln(tail) / d ln(t); the density cancels out of it.
 */
static double
log_tail(const Student *s, double t, double *elasticity)
{
	double		z = s->df / t / t;
	double		fraction = tail_fraction(s->a, z);

	*elasticity = s->df / (1.0 + z) * fraction;
	return -s->a * log_one_plus(s, t) + 0.5 * log1p(z) +
		log(s->ratio / (s->a * SQRT_PI * fraction));
}

/* The probability between -t and t, by the power series in 1 - x. */
static double
central_series(const Student *s, double t)
{
	double		u = t * t / s->df;
	double		y = u / (1.0 + u);
	double		term = 1.0;
	double		sum = 1.0;

	for (int n = 0; n < MAX_STEPS && term > sum * 1e-17; n++)
	{
		term *= y * (s->a + 0.5 + n) / (1.5 + n);
		sum += term;
	}
	return 2.0 * t / sqrt(s->df) / sqrt(1.0 + u) *
		exp(-s->a * log1p(u)) * s->ratio / SQRT_PI * sum;
}

/*
 * Is the series the faster one?  Up to 3, its complement loses less than
 * three digits.
 */
static bool
is_central(const Student *s, double t)
{
	return t < 3.0 && t * t < s->df;
}

/* The two-sided tail beyond t >= 0. */
static double
tail(const Student *s, double t)
{
	double		elasticity;

	if (is_central(s, t))
		return 1.0 - central_series(s, t);
	return Min(exp(log_tail(s, t, &elasticity)), 1.0);
}

/* The probability between -t and t, t >= 0. */
static double
centre(const Student *s, double t)
{
	return is_central(s, t) ? central_series(s, t) : 1.0 - tail(s, t);
}

static double
density(const Student *s, double t)
{
	return s->ratio / (SQRT_PI * sqrt(s->df)) *
		exp(-(s->a + 0.5) * log_one_plus(s, t));
}

/* The two-sided p-value of Student's t; NaN where it is not defined. */
double
athar_evidence_p(double t, double df)
{
	Student		s;
	double		p;

	if (isnan(t) || !(df > 0.0))
		return get_float8_nan();
	if (isinf(t))
		return 0.0;
	s = student(df);
	p = tail(&s, fabs(t));
	return p < P_MIN ? 0.0 : p;
}

/* The normal deviate with this upper tail, to 5e-4 (A&S 26.2.23). */
static double
rough_normal_deviate(double upper)
{
	double		w = sqrt(-2.0 * log(upper));

	return w - (2.515517 + w * (0.802853 + w * 0.010328)) /
		(1.0 + w * (1.432788 + w * (0.189269 + w * 0.001308)));
}

/* Where df < 1 or the tail is very thin, p is nearly a power of t. */
static double
power_start(const Student *s, double log_p)
{
	return exp((log(s->ratio / (s->a * SQRT_PI)) - log_p) / s->df) *
		sqrt(s->df);
}

/* A first guess of t with two-sided tail p (Hill 1970, Algorithm 396). */
static double
hill_start(double df, double p)
{
	double		a = 1.0 / (df - 0.5);
	double		b = 48.0 / (a * a);
	double		c = ((20700.0 * a / b - 98.0) * a - 16.0) * a + 96.36;
	double		d = ((94.5 / (b + c) - 3.0) / b + 1.0) * df *
	SQRT_PI * sqrt(a / 2.0);
	double		x = d * p;
	double		y = pow(x, 2.0 / df);

	if (y > 0.05 + a)
	{
		x = rough_normal_deviate(p / 2.0);
		y = x * x;
		if (df < 5.0)
			c += 0.3 * (df - 4.5) * (x + 0.6);
		c = (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b + c;
		y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x;
		y = expm1(a * y * y);
	}
	else
		y = ((1.0 / (((df + 6.0) / (df * y) - 0.089 * d - 0.822) *
					 (df + 2.0) * 3.0) + 0.5 / (df + 4.0)) * y - 1.0) *
			(df + 1.0) / (df + 2.0) + 1.0 / y;
	return sqrt(df * y);
}

static double
first_guess(const Student *s, double p)
{
	double		t = s->df < 1.0 ? 0.0 : hill_start(s->df, p);

	return t > 0.0 && !isinf(t) ? t : power_start(s, log(p));
}

/*
 * t > 0 with two-sided tail p.
 *
 * As a function of ln t, the logarithm of the tail falls ever faster (its
 * elasticity rises from 0 to df), so that Newton's steps from either side
 * reach the root: at most the first one passes it.
 */
static double
solve_tail(const Student *s, double p)
{
	double		t = first_guess(s, p);

	for (int step = 0; step < 100 && t > 0.0 && !isinf(t); step++)
	{
		double		elasticity;
		double		change = (log_tail(s, t, &elasticity) - log(p)) / elasticity;

		t *= exp(change);
		if (fabs(change) < NEWTON_CLOSE)
			break;
	}
	return t;
}

/*
 * t > 0 with probability 1 - p between -t and t.
 *
 * The density falls away from 0, so that Newton's steps from below stay
 * below.  The first is the tangent at 0, or Hill's guess, which is close.
 */
static double
solve_centre(const Student *s, double p)
{
	double		t = p < 0.5 ? first_guess(s, p) :
	(1.0 - p) / (2.0 * density(s, 0.0));

	for (int step = 0; step < 100; step++)
	{
		double		change = (1.0 - p - centre(s, t)) / (2.0 * density(s, t));

		t += change;
		if (fabs(change) < NEWTON_CLOSE * t)
			break;
	}
	return t;
}

/*
 * Is t better looked for by its tail?  From one degree of freedom on, in thin
 * tails alone; below, t soon grows by powers of ten.
 */
static bool
is_in_tail(const Student *s, double p)
{
	return p < (s->df < 1.0 ? tail(s, sqrt(s->df)) : 0.01);
}

/* The quantile of Student's t; NaN where no finite one exists. */
double
athar_evidence_quantile(double probability, double df)
{
	double		p = 2.0 * Min(probability, 1.0 - probability);
	Student		s;
	double		t;

	if (!(probability > 0.0 && probability < 1.0) || !(df > 0.0))
		return get_float8_nan();
	if (p == 1.0)
		return 0.0;
	s = student(df);
	t = is_in_tail(&s, p) ? solve_tail(&s, p) : solve_centre(&s, p);
	if (isnan(t) || isinf(t))
		return get_float8_nan();
	return probability < 0.5 ? -t : t;
}

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

	return gamma_ratio((m - 1.0) / 2.0) / sqrt(m / 2.0) * difference / pooled;
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
	result->p = athar_evidence_p(result->t, result->df);
	margin = athar_evidence_quantile(0.975, result->df) * sqrt(a + b) * scale;
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

/* The figures of one side; NULL is a summary of nothing. */
static Side
side_of_summary(const Summary *summary)
{
	double		nan = get_float8_nan();
	Side		side = {0, nan, nan, nan, nan};
	SummaryMoments moments;
	Distribution distribution;

	if (summary == NULL || !athar_summary_moments(summary, &moments))
		return side;
	side.n = moments.n;
	side.mean = moments.mean;
	side.rest = moments.rest;
	if (moments.n > 1 && moments.has_sd)
		side.sd = moments.sd;
	if (athar_summary_distribution(summary, &distribution))
		side.median = athar_digest_percentile(&distribution, 0.5);
	return side;
}

/* The row type of athar.evidence, looked up once per call site. */
static TupleDesc
evidence_desc(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		TupleDesc	desc;

		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
			desc->natts != EVIDENCE_COLUMNS)
			elog(ERROR, "unexpected row type of evidence");
		fcinfo->flinfo->fn_extra = BlessTupleDesc(desc);
		MemoryContextSwitchTo(old);
	}
	return (TupleDesc) fcinfo->flinfo->fn_extra;
}

/* A row being filled column by column. */
typedef struct Row
{
	int			length;
	Datum		values[EVIDENCE_COLUMNS];
	bool		nulls[EVIDENCE_COLUMNS];
} Row;

/* The one way of a figure out of here: what is not finite is NULL. */
static void
put_figure(Row *row, double figure)
{
	row->nulls[row->length] = !isfinite(figure);
	row->values[row->length++] = Float8GetDatum(figure + 0.0);	/* no -0 */
}

static void
put_side(Row *row, const Side *side)
{
	row->nulls[row->length] = false;
	row->values[row->length++] = Int64GetDatum(side->n);
	put_figure(row, side->mean);
	put_figure(row, side->sd);
	put_figure(row, side->median);
}

/* A value of type athar.evidence from two summaries. */
static Datum
evidence_datum(FunctionCallInfo fcinfo, const Summary *before_summary,
			   const Summary *after_summary)
{
	Side		before = side_of_summary(before_summary);
	Side		after = side_of_summary(after_summary);
	Comparison	found = compare_sides(&before, &after);
	Row			row = {0};

	put_side(&row, &before);
	put_side(&row, &after);
	put_figure(&row, found.difference);
	put_figure(&row, found.percent_change);
	put_figure(&row, found.ci_low);
	put_figure(&row, found.ci_high);
	put_figure(&row, found.t);
	put_figure(&row, found.df);
	put_figure(&row, found.p);
	put_figure(&row, found.effect_size);
	row.nulls[row.length] = false;
	row.values[row.length++] = CStringGetTextDatum(found.verdict);
	Assert(row.length == EVIDENCE_COLUMNS);
	return HeapTupleGetDatum(heap_form_tuple(evidence_desc(fcinfo),
											 row.values, row.nulls));
}

/* Two-sided p-value of Student's t. */
PG_FUNCTION_INFO_V1(athar_student_t_p);
Datum
athar_student_t_p(PG_FUNCTION_ARGS)
{
	double		p = athar_evidence_p(PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1));

	if (isnan(p))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(p);
}

/* The value below which Student's t lies with a given probability. */
PG_FUNCTION_INFO_V1(athar_student_t_quantile);
Datum
athar_student_t_quantile(PG_FUNCTION_ARGS)
{
	double		t = athar_evidence_quantile(PG_GETARG_FLOAT8(0),
											PG_GETARG_FLOAT8(1));

	if (isnan(t))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(t);
}

/* Compare two summaries. */
PG_FUNCTION_INFO_V1(athar_compare);
Datum
athar_compare(PG_FUNCTION_ARGS)
{
	Summary    *before = PG_ARGISNULL(0) ? NULL : PG_GETARG_SUMMARY_P(0);
	Summary    *after = PG_ARGISNULL(1) ? NULL : PG_GETARG_SUMMARY_P(1);

	PG_RETURN_DATUM(evidence_datum(fcinfo, before, after));
}

/* The state of before_after: a summary being collected for each side. */
typedef struct BeforeAfterState
{
	SummaryState *before;
	SummaryState *after;
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

	state->before = athar_summary_begin(context);
	state->after = athar_summary_begin(context);
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

		athar_summary_add(is_after ? state->after : state->before,
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

		athar_summary_absorb(state->before, athar_summary_finish(other->before));
		athar_summary_absorb(state->after, athar_summary_finish(other->after));
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
	before = athar_summary_finish(state->before);
	after = athar_summary_finish(state->after);
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
	athar_summary_absorb(state->before, before);
	athar_summary_absorb(state->after, after);
	PG_RETURN_POINTER(state);
}

/* Compare the two sides. */
PG_FUNCTION_INFO_V1(athar_before_after_final);
Datum
athar_before_after_final(PG_FUNCTION_ARGS)
{
	BeforeAfterState *state;

	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_DATUM(evidence_datum(fcinfo, NULL, NULL));
	state = (BeforeAfterState *) PG_GETARG_POINTER(0);
	PG_RETURN_DATUM(evidence_datum(fcinfo,
								   athar_summary_finish(state->before),
								   athar_summary_finish(state->after)));
}
