/*
 * rank.c
 *	  Two groups of values compared by their ranks.
 *
 * A few huge values can hide a change of the mean that everybody felt; ranks
 * do not know how huge they are.  Ranks need all values at once, sorted, so
 * this is a function over arrays and not a part of before_after, whose
 * summaries can be merged.
 *
 * The size that belongs to the test is the median of all differences between
 * a value after and one before.  There are too many of them to list; but how
 * many are at most x can be counted in one walk through both sorted lists, so
 * the median is found by halving the doubles that it may be: 64 walks.
 */
#include "athar.h"

#include <math.h>

#include "figures.h"
#include "student.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/float.h"

/* As R: with fewer values than this on each side U's own distribution. */
#define EXACT_BELOW		50

typedef struct Sorted
{
	double	   *values;
	int64		n;
} Sorted;

typedef struct Ranked
{
	double		u;
	double		tie_sum;		/* of t^3 - t over groups of t equal values */
} Ranked;

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	CHECK_FOR_INTERRUPTS();
	return (x > y) - (x < y);
}

/* The finite elements of an array, sorted; none for NULL. */
static Sorted
sorted_argument(FunctionCallInfo fcinfo, int argument)
{
	Sorted		result = {NULL, 0};
	ArrayType  *array;
	Datum	   *elements;
	bool	   *nulls;
	int			length;

	if (PG_ARGISNULL(argument))
		return result;
	array = PG_GETARG_ARRAYTYPE_P(argument);
	deconstruct_array(array, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, &nulls, &length);
	result.values = MemoryContextAllocHuge(CurrentMemoryContext,
										   sizeof(double) * (Size) Max(length, 1));
	for (int i = 0; i < length; i++)
		if (!nulls[i] && isfinite(DatumGetFloat8(elements[i])))
			result.values[result.n++] = DatumGetFloat8(elements[i]);
	pfree(elements);
	pfree(nulls);
	qsort(result.values, result.n, sizeof(double), compare_doubles);
	return result;
}

/* The first place from here on with a value other than this one. */
static int64
end_of_ties(const Sorted *side, int64 from, double value)
{
	while (from < side->n && side->values[from] == value)
		from++;
	return from;
}

/* Walk through all values in order, equal ones together. */
static Ranked
rank_values(const Sorted *before, const Sorted *after)
{
	Ranked		ranked = {0.0, 0.0};
	int64		i = 0;
	int64		j = 0;

	while (i < before->n || j < after->n)
	{
		double		value = j >= after->n ||
		(i < before->n && before->values[i] < after->values[j]) ?
		before->values[i] : after->values[j];
		int64		next_i = end_of_ties(before, i, value);
		int64		next_j = end_of_ties(after, j, value);
		double		equal = (double) ((next_i - i) + (next_j - j));

		CHECK_FOR_INTERRUPTS();
		ranked.u += (double) (next_j - j) *
			((double) i + (double) (next_i - i) / 2.0);
		ranked.tie_sum += equal * equal * equal - equal;
		i = next_i;
		j = next_j;
	}
	return ranked;
}

/* ---------- the probability ---------- */

/*
 * P(U <= u) for m and n values that are all different.
 *
 * The largest value is on either side: P(m, n, u) = m / (m + n) *
 * P(m - 1, n, u - n) + n / (m + n) * P(m, n - 1, u).  Everything is positive,
 * so no digits are lost.  One table over (m, u) is kept for the present n.
 */
static double
exact_probability(int m, int n, int u)
{
	int			width = u + 1;
	double	   *table = palloc0(sizeof(double) * (m + 1) * width);
	double		result = 0.0;

	for (int i = 0; i <= m; i++)
		table[i * width] = 1.0; /* without values after, U is 0 */
	for (int j = 1; j <= n; j++)
		for (int i = 1; i <= m; i++)
		{
			double	   *mine = table + i * width;
			const double *fewer = mine - width;

			CHECK_FOR_INTERRUPTS();
			for (int k = 0; k < width; k++)
				mine[k] = (j * mine[k] + (k >= j ? i * fewer[k - j] : 0.0)) / (i + j);
		}
	for (int k = 0; k < width; k++)
		result += table[m * width + k];
	pfree(table);
	return result;
}

static double
exact_p(const Sorted *before, const Sorted *after, double u)
{
	double		largest = (double) before->n * (double) after->n;
	double		tail = Min(u, largest - u); /* the distribution is symmetric */

	return Min(1.0, 2.0 * exact_probability((int) before->n, (int) after->n,
											(int) tail));
}

/* U in standard deviations; NaN where all values are equal. */
static double
z_of(const Sorted *before, const Sorted *after, const Ranked *ranked)
{
	double		m = (double) before->n;
	double		n = (double) after->n;
	double		all = m + n;
	double		ties = all > 1.0 ? ranked->tie_sum / (all * (all - 1.0)) : 0.0;
	double		variance = m * n / 12.0 * ((all + 1.0) - ties);
	double		distance = ranked->u - m * n / 2.0;

	/* one value apart from all the others leaves m n / 4; less is rounding */
	if (!(variance > m * n / 100.0))
		return get_float8_nan();
	if (distance != 0.0)
		distance -= distance > 0.0 ? 0.5 : -0.5;
	return distance / sqrt(variance);
}

/* ---------- the size ---------- */

/* Doubles as integers in the same order. */
static int64
ordinal_of(double value)
{
	int64		bits;

	value += 0.0;				/* -0 becomes 0 */
	memcpy(&bits, &value, sizeof(bits));
	return bits >= 0 ? bits : PG_INT64_MIN - bits;
}

static double
double_of(int64 ordinal)
{
	int64		bits = ordinal >= 0 ? ordinal : PG_INT64_MIN - ordinal;
	double		value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* How many differences after - before are at most x. */
static double
count_at_most(const Sorted *before, const Sorted *after, double x)
{
	double		count = 0.0;
	int64		j = 0;

	/* the larger the value before, the more values after are near enough */
	for (int64 i = 0; i < before->n; i++)
	{
		CHECK_FOR_INTERRUPTS();
		while (j < after->n && after->values[j] - before->values[i] <= x)
			j++;
		count += (double) j;
	}
	return count;
}

/* The difference of which this many are at most it. */
static double
difference_of_rank(const Sorted *before, const Sorted *after, double rank)
{
	int64		low = ordinal_of(after->values[0] - before->values[before->n - 1]);
	int64		high = ordinal_of(after->values[after->n - 1] - before->values[0]);

	while (low < high)
	{
		/* halves first: their sum may not fit */
		int64		middle = (low >> 1) + (high >> 1) + (low & high & 1);

		CHECK_FOR_INTERRUPTS();
		if (count_at_most(before, after, double_of(middle)) >= rank)
			high = middle;
		else
			low = middle + 1;
	}
	return double_of(low);
}

static double
median_difference(const Sorted *before, const Sorted *after)
{
	double		pairs = (double) before->n * (double) after->n;
	double		lower = difference_of_rank(before, after, floor((pairs + 1.0) / 2.0));
	double		upper = lower;

	if (fmod(pairs, 2.0) == 0.0)
		upper = difference_of_rank(before, after, pairs / 2.0 + 1.0);
	/* halves would lose the last digit of the smallest numbers */
	if (isfinite(lower + upper))
		return (lower + upper) / 2.0;
	return lower / 2.0 + upper / 2.0;
}

/* Compare two lists of values by their ranks. */
PG_FUNCTION_INFO_V1(athar_rank_test);
Datum
athar_rank_test(PG_FUNCTION_ARGS)
{
	Sorted		before = sorted_argument(fcinfo, 0);
	Sorted		after = sorted_argument(fcinfo, 1);
	double		nan = get_float8_nan();
	double		z = nan;
	double		p = nan;
	double		shift = nan;
	Ranked		ranked = {nan, 0.0};
	bool		is_exact = false;
	FigureRow	figures;

	if (before.n > 0 && after.n > 0)
	{
		ranked = rank_values(&before, &after);
		z = z_of(&before, &after, &ranked);
		shift = median_difference(&before, &after);
		is_exact = ranked.tie_sum == 0.0 &&
			before.n < EXACT_BELOW && after.n < EXACT_BELOW;
		p = is_exact ? exact_p(&before, &after, ranked.u) :
			athar_student_p(z, get_float8_infinity());
	}
	athar_figures_begin(&figures, fcinfo);
	athar_figures_put(&figures, ranked.u);
	athar_figures_put(&figures, z);
	athar_figures_put(&figures, p);
	athar_figures_put(&figures, shift);
	athar_figures_put_count(&figures, before.n);
	athar_figures_put_count(&figures, after.n);
	athar_figures_put_flag(&figures, is_exact, isnan(p));
	return athar_figures_datum(&figures);
}
