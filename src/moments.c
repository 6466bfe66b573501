/*
 * moments.c
 *	  Number, mean and standard deviation, computed so that order is nearly
 *	  irrelevant.
 *
 * The mean is held as an unevaluated sum of two doubles (about 32 digits),
 * for two reasons.  Chan's formula squares the difference of two means: at an
 * offset of 1e12 a mean of 16 digits would leave 4 for the difference, and
 * each tree of merges would answer another deviation.  And the total of whole
 * numbers is exact again, because n times the mean rounds to it.
 *
 * The deviation is kept as the sample standard deviation instead of the sum
 * of squares M2: it has the scale of the values, so neither 1e200 nor 1e-300
 * overflows or vanishes on the way, and a published deviation is answered as
 * it was given.  It can leave the range only where the values span more than
 * double precision does; it is unknown from then on.
 *
 * Values are taken in batches and each batch is summed twice, about zero and
 * about its mean: one division a batch instead of Welford's one a row, and
 * better digits.  Batches are pooled by the formula of Chan, Golub and
 * LeVeque, "Updating formulae and a pairwise algorithm for computing sample
 * variances" (1979).
 */
#include "athar.h"

#include <math.h>

#include "moments.h"

/* Beyond this a sum, or a sum of squares, could overflow. */
#define LARGE_VALUE		0x1p800
#define SHRINK			0x1p-128

/* What is left behind 30 digits comes from the arithmetic. */
#define NOISE			0x1p-100

/* An unevaluated sum: hi is the double nearest to it. */
typedef struct Pair
{
	double		hi;
	double		lo;
} Pair;

static inline Pair
pair(double hi, double lo)
{
	Pair		result = {hi, lo};

	return result;
}

/* Knuth's sum: hi + lo is exactly a + b. */
static inline Pair
two_sum(double a, double b)
{
	double		sum = a + b;
	double		part = sum - a;

	return pair(sum, (a - (sum - part)) + (b - part));
}

/* The same, where |a| >= |b|. */
static inline Pair
quick_two_sum(double a, double b)
{
	double		sum = a + b;

	return pair(sum, b - (sum - a));
}

static inline Pair
two_product(double a, double b)
{
	double		product = a * b;

	return pair(product, fma(a, b, -product));
}

static Pair
pair_add(Pair a, Pair b)
{
	Pair		high = two_sum(a.hi, b.hi);
	Pair		low = two_sum(a.lo, b.lo);

	high = quick_two_sum(high.hi, high.lo + low.hi);
	return quick_two_sum(high.hi, high.lo + low.lo);
}

static Pair
pair_multiply(Pair a, Pair b)
{
	Pair		product = two_product(a.hi, b.hi);

	return quick_two_sum(product.hi,
						 product.lo + (a.hi * b.lo + a.lo * b.hi));
}

static Pair
pair_divide(Pair a, Pair b)
{
	Pair		quotient = {0, 0};

	/* Long division, a double of the quotient at a time. */
	for (int i = 0; i < 3; i++)
	{
		double		digit = a.hi / b.hi;

		a = pair_add(a, pair_multiply(b, pair(-digit, 0)));
		quotient = pair_add(quotient, pair(digit, 0));
	}
	return quotient;
}

/* Both halves of a count are exact, and so is their sum. */
static Pair
pair_of_count(int64 count)
{
	int64		low = count & 0xffffffff;

	return quick_two_sum((double) (count - low), (double) low);
}

/* Add count * value, rounding errors kept in the low part. */
static void
add_product(Pair *total, int64 count, double value)
{
	Pair		factor = pair_of_count(count);
	Pair		product = two_product(factor.hi, value);
	Pair		sum = two_sum(total->hi, product.hi);

	total->hi = sum.hi;
	total->lo += sum.lo + (product.lo + factor.lo * value);
}

static Pair
without_noise(Pair mean)
{
	if (fabs(mean.lo) < fabs(mean.hi) * NOISE)
		mean.lo = 0;
	return mean;
}

static double
largest_magnitude(double first, double last)
{
	return Max(fabs(first), fabs(last));
}

/* A power of two that brings the largest deviation near to one. */
static double
unit_of_deviation(double deviation)
{
	int			exponent = ilogb(deviation);

	return ldexp(1.0, Min(-exponent, 1000));
}

static void
constant_moments(int64 n, double value, SummaryMoments *result)
{
	athar_moments_of_sd(n, value, 0, 0, true, result);
}

/*
 * Complete the moments from the mean and the sum of squares of deviations,
 * where values were shrunk by one factor and deviations then by another.
 */
static void
scaled_moments(int64 n, Pair mean, double squares, double shrink, double unit,
			   SummaryMoments *result)
{
	double		variance = n > 1 ? squares / ((double) n - 1) : 0;

	mean = without_noise(mean);
	result->n = n;
	result->mean = mean.hi / shrink;
	result->rest = mean.lo / shrink;
	result->sd = sqrt(variance) / unit / shrink;
	result->variance = variance / unit / unit / shrink / shrink;
	result->has_sd = isfinite(result->sd);
	if (!result->has_sd)
		result->sd = 0;
}

/* The exact sum of up to a thousand or so values, in four lanes for speed. */
static Pair
sum_of_values(const double *values, int length, double shrink)
{
	Pair		lane[4] = {{0, 0}, {0, 0}, {0, 0}, {0, 0}};
	int			i = 0;

	for (; i + 4 <= length; i += 4)
		for (int j = 0; j < 4; j++)
		{
			Pair		sum = two_sum(lane[j].hi, values[i + j] * shrink);

			lane[j].hi = sum.hi;
			lane[j].lo += sum.lo;
		}
	for (; i < length; i++)
	{
		Pair		sum = two_sum(lane[0].hi, values[i] * shrink);

		lane[0].hi = sum.hi;
		lane[0].lo += sum.lo;
	}
	for (int j = 0; j < 4; j++)
		lane[j] = two_sum(lane[j].hi, lane[j].lo);
	return pair_add(pair_add(lane[0], lane[1]), pair_add(lane[2], lane[3]));
}

static double
squares_of_values(const double *values, int length, Pair mean, double shrink,
				  double unit)
{
	double		lane[4] = {0, 0, 0, 0};
	int			i = 0;

	for (; i + 4 <= length; i += 4)
		for (int j = 0; j < 4; j++)
		{
			double		d = ((values[i + j] * shrink - mean.hi) - mean.lo) * unit;

			lane[j] += d * d;
		}
	for (; i < length; i++)
	{
		double		d = ((values[i] * shrink - mean.hi) - mean.lo) * unit;

		lane[0] += d * d;
	}
	return (lane[0] + lane[1]) + (lane[2] + lane[3]);
}

/* The moments of a short sorted list of values, at least one. */
void
athar_moments_of_values(const double *sorted, int length,
						SummaryMoments *result)
{
	double		first = sorted[0];
	double		last = sorted[length - 1];
	double		shrink;
	double		unit;
	Pair		mean;

	if (first == last)
	{
		constant_moments(length, first, result);
		return;
	}
	shrink = largest_magnitude(first, last) > LARGE_VALUE ? SHRINK : 1.0;
	mean = pair_divide(sum_of_values(sorted, length, shrink),
					   pair_of_count(length));
	unit = unit_of_deviation(Max(last * shrink - mean.hi,
								 mean.hi - first * shrink));
	scaled_moments(length, mean,
				   squares_of_values(sorted, length, mean, shrink, unit),
				   shrink, unit, result);
}

/* The moments of an exact list of single values. */
static void
moments_of_singles(const DigestItem *items, int length, SummaryMoments *result)
{
	double		values[DIGEST_EXACT];

	for (int i = 0; i < length; i++)
		values[i] = items[i].value;
	athar_moments_of_values(values, length, result);
}

/* The moments of an exact list; the same list always gives the same bits. */
void
athar_moments_of_items(const DigestItem *items, int length, int64 n,
					   SummaryMoments *result)
{
	double		first = items[0].value;
	double		last = items[length - 1].value;
	double		shrink;
	double		unit;
	double		squares = 0;
	Pair		sum = {0, 0};
	Pair		mean;

	if (length == n)
	{
		moments_of_singles(items, length, result);
		return;
	}
	if (first == last)
	{
		constant_moments(n, first, result);
		return;
	}
	shrink = largest_magnitude(first, last) > LARGE_VALUE ? SHRINK : 1.0;
	for (int i = 0; i < length; i++)
		add_product(&sum, DigestItemCount(&items[i]), items[i].value * shrink);
	mean = pair_divide(two_sum(sum.hi, sum.lo), pair_of_count(n));
	unit = unit_of_deviation(Max(last * shrink - mean.hi,
								 mean.hi - first * shrink));
	for (int i = 0; i < length; i++)
	{
		double		d = ((items[i].value * shrink - mean.hi) - mean.lo) * unit;

		squares += d * d * (double) DigestItemCount(&items[i]);
	}
	scaled_moments(n, mean, squares, shrink, unit, result);
}

/* Moments that are known already. */
void
athar_moments_of_sd(int64 n, double mean, double rest, double sd, bool has_sd,
					SummaryMoments *result)
{
	result->n = n;
	result->mean = mean;
	result->rest = rest;
	result->sd = has_sd ? sd : 0;
	result->variance = result->sd * result->sd;
	result->has_sd = has_sd;
}

/* The mean of both, as a weighted mean: it cannot leave the range. */
static Pair
pooled_mean(const SummaryMoments *a, const SummaryMoments *b, int64 n)
{
	Pair		total = pair_of_count(n);
	Pair		a_mean = {a->mean, a->rest};
	Pair		b_mean = {b->mean, b->rest};

	if (a->mean == b->mean && a->rest == b->rest)
		return a_mean;
	return pair_add(pair_multiply(pair_divide(pair_of_count(a->n), total),
								  a_mean),
					pair_multiply(pair_divide(pair_of_count(b->n), total),
								  b_mean));
}

/*
 * Chan's formula, in the unit of its largest term; very large values count
 * in quarters first, so that the difference of two means stays finite.
 */
static void
pooled_sd(const SummaryMoments *a, const SummaryMoments *b,
		  SummaryMoments *result)
{
	double		shrink = Max(largest_magnitude(a->mean, b->mean),
							 Max(a->sd, b->sd)) > LARGE_VALUE ? 0.25 : 1.0;
	double		difference = b->mean * shrink - a->mean * shrink;
	double		scale;
	double		squares = 0;

	difference += b->rest * shrink - a->rest * shrink;
	scale = Max(fabs(difference), Max(a->sd, b->sd) * shrink);
	if (scale > 0)
	{
		double		a_part = a->sd * shrink / scale;
		double		b_part = b->sd * shrink / scale;
		double		d_part = difference / scale;

		squares = (a_part * a_part * ((double) a->n - 1) +
				   b_part * b_part * ((double) b->n - 1)) +
			d_part * d_part *
			((double) a->n * (double) b->n / (double) result->n);
	}
	result->sd = scale * sqrt(squares / ((double) result->n - 1)) / shrink;
	result->variance = result->sd * result->sd;
	result->has_sd = a->has_sd && b->has_sd && isfinite(result->sd);
	if (!result->has_sd)
		result->sd = 0;
}

/*
 * Add the values behind one to those behind the other.  The caller has
 * checked that their number is in range.
 */
void
athar_moments_pool(SummaryMoments *into, const SummaryMoments *other)
{
	SummaryMoments result;
	Pair		mean;

	result.n = into->n + other->n;
	mean = without_noise(pooled_mean(into, other, result.n));
	result.mean = mean.hi;
	result.rest = mean.lo;
	pooled_sd(into, other, &result);
	*into = result;
}

/* The sum of the values; false where it leaves the range. */
bool
athar_moments_total(const SummaryMoments *moments, double *total)
{
	Pair		product = pair_multiply(pair_of_count(moments->n),
										pair(moments->mean, moments->rest));

	*total = product.hi;
	return isfinite(product.hi);
}
