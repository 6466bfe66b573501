/*
 * digest.c
 *	  Sorted lists of (value, count): exact while short, a t-digest beyond.
 *
 * Both forms of a distribution are one list, so that one merge and one
 * reader serve both.  A list grown too long is compressed by the merging
 * t-digest of Dunning and Ertl ("Computing extremely accurate quantiles
 * using t-digests", 2019) with their scale k1 and delta 200: neighbours are
 * joined while they span at most one step of
 *
 *		k(q) = delta / (2 pi) * asin(2 q - 1)
 *
 * which allows 1.6 % of the values in one item at the median and next to
 * none at the ends.  Two things are added.  Values that repeat are usual in
 * what services measure (days, minutes, prices), and the plain algorithm
 * answers 3.24 for a median of 3: here an item knows whether all its values
 * are equal, is read as a step of the curve then, and is not joined to its
 * neighbours if it fills more than a quarter of a step of k1.  And a list is
 * compressed only when it outgrows DIGEST_LOOSE, or is stored, since each
 * compression costs a little precision.
 *
 * No bound on the error is proven for k1, only measured; what is given up is
 * where inside a joined item its values lie.
 */
#include "athar.h"

#include <math.h>

#include "digest.h"

#include "utils/float.h"

/* One step of k1 as an angle, 2 pi / 200: its cosine and sine. */
#define STEP_COSINE		0.99950656036573155700
#define STEP_SINE		0.03141075907812829188

#define SIGN_BIT		(UINT64CONST(1) << 63)

/* Fewer values are sorted faster by comparing them; a power of two. */
#define RADIX_PAYS		256

/* The bits of a double so that they order as the number does. */
static inline uint64
ordered_bits(double value)
{
	uint64		bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

static inline double
double_of_ordered_bits(uint64 bits)
{
	double		value;

	bits = bits & SIGN_BIT ? bits & ~SIGN_BIT : ~bits;
	memcpy(&value, &bits, sizeof(value));
	return value;
}

/* One pass of a radix sort; false if all have the same byte here. */
static bool
sort_by_byte(const uint64 *from, uint64 *to, int length, int shift,
			 const int *counts)
{
	int			next[256];
	int			position = 0;

	if (counts[(from[0] >> shift) & 0xff] == length)
		return false;
	for (int i = 0; i < 256; i++)
	{
		next[i] = position;
		position += counts[i];
	}
	for (int i = 0; i < length; i++)
		to[next[(from[i] >> shift) & 0xff]++] = from[i];
	return true;
}

/*
 * Sort by the bytes of the values, lowest first.  Comparing would guess wrong
 * at every second value: four times as slow for a thousand values, and more
 * than all else that is done to a row.
 */
static void
radix_sort(double *values, int length)
{
	uint64		first[DIGEST_LOOSE];
	uint64		second[DIGEST_LOOSE];
	uint64	   *from = first;
	uint64	   *to = second;
	int			counts[8][256] = {{0}};

	for (int i = 0; i < length; i++)
	{
		uint64		bits = ordered_bits(values[i]);

		from[i] = bits;
		for (int byte = 0; byte < 8; byte++)
			counts[byte][(bits >> (8 * byte)) & 0xff]++;
	}
	for (int byte = 0; byte < 8; byte++)
		if (sort_by_byte(from, to, length, 8 * byte, counts[byte]))
		{
			uint64	   *sorted = to;

			to = from;
			from = sorted;
		}
	for (int i = 0; i < length; i++)
		values[i] = double_of_ordered_bits(from[i]);
}

/* The smaller to the first place; compiles to two instructions. */
static inline void
order_two(double *a, double *b)
{
	double		x = *a;
	double		y = *b;

	*a = x < y ? x : y;
	*b = x < y ? y : x;
}

static inline void
order_four(double *values)
{
	order_two(&values[0], &values[1]);
	order_two(&values[2], &values[3]);
	order_two(&values[0], &values[2]);
	order_two(&values[1], &values[3]);
	order_two(&values[1], &values[2]);
}

/*
 * Merge two sorted runs of the same length that follow each other: half of
 * the result from the front, half from the back, so that neither run can end.
 */
static inline void
merge_runs(const double *from, double *to, int run)
{
	const double *a = from;
	const double *b = from + run;
	const double *a_last = b - 1;
	const double *b_last = b + run - 1;
	double	   *last = to + 2 * run - 1;

	for (int i = 0; i < run; i++)
	{
		bool		is_a = *a <= *b;
		bool		is_b_last = *a_last <= *b_last;

		*to++ = *b < *a ? *b : *a;
		a += is_a;
		b += !is_a;
		*last-- = *b_last < *a_last ? *a_last : *b_last;
		a_last -= !is_b_last;
		b_last -= is_b_last;
	}
}

/*
 * Sort few values by merging runs of 4, 8, 16 ..., infinities behind them.
 * There is not one branch that depends on a value, since a wrong guess costs
 * as much as ten comparisons.
 */
static void
merge_sort(double *values, int length)
{
	double		first[RADIX_PAYS];
	double		second[RADIX_PAYS];
	double	   *from = first;
	double	   *to = second;
	int			room = 4;

	while (room < length)
		room *= 2;
	memcpy(first, values, length * sizeof(double));
	for (int i = length; i < room; i++)
		first[i] = get_float8_infinity();
	for (int i = 0; i < room; i += 4)
		order_four(first + i);
	for (int run = 4; run < room; run *= 2)
	{
		double	   *merged = to;

		for (int i = 0; i < room; i += 2 * run)
			merge_runs(from + i, to + i, run);
		to = from;
		from = merged;
	}
	memcpy(values, from, length * sizeof(double));
}

/* Sort finite values, DIGEST_LOOSE at most. */
void
athar_digest_sort(double *values, int length)
{
	Assert(length <= DIGEST_LOOSE);
	if (length <= 1)
		return;
	if (length <= RADIX_PAYS)
		merge_sort(values, length);
	else
		radix_sort(values, length);
}

static inline DigestItem
make_item(double value, int64 count, bool is_blurred)
{
	DigestItem	item;

	item.value = value;
	item.weight = DigestWeight(count, is_blurred);
	return item;
}

/* List sorted values, equal ones counted. */
int
athar_digest_of_sorted(const double *values, int length, DigestItem *items)
{
	int			k = 0;

	for (int i = 0; i < length; i++)
	{
		if (k > 0 && items[k - 1].value == values[i])
			items[k - 1].weight += DigestWeight(1, false);
		else
			items[k++] = make_item(values[i], 1, false);
	}
	return k;
}

static inline DigestItem *
append_items(DigestItem *next, const DigestItem *from, const DigestItem *end)
{
	if (from < end)
		memcpy(next, from, (end - from) * sizeof(DigestItem));
	return next + (end - from);
}

/*
 * Merge two lists into a third.  The caller has checked that the sum of all
 * counts is in range.  Of items of the same value, those that are not blurred
 * are added up and come first, the others by weight, so that the result is
 * the same both ways round.
 */
int
athar_digest_merge(const DigestItem *a, int a_length,
				   const DigestItem *b, int b_length, DigestItem *merged)
{
	const DigestItem *a_end = a + a_length;
	const DigestItem *b_end = b + b_length;
	DigestItem *next = merged;

	while (a < a_end && b < b_end)
	{
		if (a->value < b->value)
			*next++ = *a++;
		else if (b->value < a->value)
			*next++ = *b++;
		else if (!DigestItemIsBlurred(a) && !DigestItemIsBlurred(b))
		{
			*next = *a++;
			(next++)->weight += (b++)->weight;
		}
		else if (DigestItemIsBlurred(a) == DigestItemIsBlurred(b) ?
				 a->weight < b->weight : DigestItemIsBlurred(b))
			*next++ = *a++;
		else
			*next++ = *b++;
	}
	next = append_items(next, a, a_end);
	next = append_items(next, b, b_end);
	return next - merged;
}

/* How many values the item may hold that starts behind this many. */
static int64
values_in_step(int64 before, int64 n)
{
	double		q = (double) before / (double) n;
	double		sine = 2 * q - 1;
	double		end;
	int64		room;

	if (sine >= STEP_COSINE)
		return n - before;
	end = (1 + sine * STEP_COSINE +
		   2 * sqrt(q * (1 - q)) * STEP_SINE) / 2;
	room = (int64) ((end - q) * (double) n);
	return Max(room, 1);
}

/*
 * Does this repeated value fill more than a quarter of a step?  Half a step
 * was tried: the median of values rounded so that each holds 1.5 % of them
 * was off by 0.67 % after many merges, instead of 0.39 %.  Single values are
 * repeated once, so that nothing is joined below some 260 values.
 */
static inline bool
stands_alone(const DigestItem *item, int64 room)
{
	return !DigestItemIsBlurred(item) && DigestItemCount(item) > room / 4;
}

/* The mean of neighbours, never outside them. */
static double
joined_value(const DigestItem *items, int length, int64 count)
{
	double		first = items[0].value;
	double		last = items[length - 1].value;
	double		shift = 0;
	double		value;

	for (int i = 1; i < length; i++)
		shift += (items[i].value - first) *
			((double) DigestItemCount(&items[i]) / (double) count);
	value = first + shift;
	if (!isfinite(value))
		return first / 2 + last / 2;
	return value > last ? last : value;
}

static int
join_neighbours(DigestItem *items, int length, int64 n, bool keep_repeated)
{
	int64		before = 0;
	int			k = 0;
	int			i = 0;

	while (i < length)
	{
		int64		room = values_in_step(before, n);
		int64		count = DigestItemCount(&items[i]);
		int			j = i + 1;

		if (!keep_repeated || !stands_alone(&items[i], room))
			while (j < length && count <= room &&
				   DigestItemCount(&items[j]) <= room - count &&
				   !(keep_repeated && stands_alone(&items[j], room)))
				count += DigestItemCount(&items[j++]);

		if (j == i + 1)
			items[k++] = items[i];
		else
			items[k++] = make_item(joined_value(&items[i], j - i, count),
								   count, true);
		before += count;
		i = j;
	}
	return k;
}

/*
 * Compress a list of n values in place, to at most DIGEST_STORED items; the
 * second pass is for lists that are repeated values and little else.
 */
int
athar_digest_compress(DigestItem *items, int length, int64 n)
{
	length = join_neighbours(items, length, n, true);
	if (length > DIGEST_STORED)
		length = join_neighbours(items, length, n, false);
	if (length > DIGEST_STORED)
		elog(ERROR, "compressed digest has %d items", length);
	return length;
}

/* A point of the curve that maps ranks 0 .. n - 1 to values. */
typedef struct Knot
{
	double		rank;
	double		value;
} Knot;

static inline Knot
make_knot(double rank, double value)
{
	Knot		knot;

	knot.rank = rank;
	knot.value = value;
	return knot;
}

/*
 * The curve has a knot at the first and at the last rank, one in the middle
 * of each blurred item, and two around each repeated value.  This gives the
 * knots of one item; returns their number.
 */
static inline int
item_knots(const DigestItem *item, int64 before, Knot *knots)
{
	double		start = (double) before;
	double		width = (double) (DigestItemCount(item) - 1);

	if (DigestItemIsBlurred(item))
	{
		knots[0] = make_knot(start + width / 2, item->value);
		return 1;
	}
	knots[0] = make_knot(start, item->value);
	knots[1] = make_knot(start + width, item->value);
	return 2;
}

/* As percentile_cont does, but within both whatever they are. */
static double
interpolate(double from, double to, double share)
{
	double		value = from + share * (to - from);

	if (!isfinite(value))
		value = from * (1 - share) + to * share;
	return Min(value, to);
}

/* The way back: where a value lies between two others. */
static double
share_between(double from, double to, double value)
{
	if (!isfinite(to - from))
		return (value / 2 - from / 2) / (to / 2 - from / 2);
	return (value - from) / (to - from);
}

/* The value at share p of the way from the first to the last rank. */
double
athar_digest_percentile(const Distribution *d, double p)
{
	double		rank = p * (double) (d->n - 1);
	Knot		last = {0, d->minimum};
	Knot		knots[2];
	int64		before = 0;

	for (int i = 0; i < d->length; i++)
	{
		int			count = item_knots(&d->items[i], before, knots);

		for (int j = 0; j < count; j++)
		{
			if (rank <= knots[j].rank)
			{
				if (rank == knots[j].rank || knots[j].rank <= last.rank)
					return knots[j].value;
				return interpolate(last.value, knots[j].value,
								   (rank - last.rank) /
								   (knots[j].rank - last.rank));
			}
			last = knots[j];
		}
		before += DigestItemCount(&d->items[i]);
	}
	if (last.rank >= (double) (d->n - 1))
		return d->maximum;
	return interpolate(last.value, d->maximum,
					   (rank - last.rank) / ((double) (d->n - 1) - last.rank));
}

/* The share of values that are at most this one. */
double
athar_digest_share(const Distribution *d, double value)
{
	double		n = (double) d->n;
	Knot		last = {0, d->minimum};
	Knot		knots[2];
	int64		before = 0;

	if (value < d->minimum)
		return 0;
	if (value >= d->maximum)
		return 1;
	for (int i = 0; i < d->length; i++)
	{
		int			count = item_knots(&d->items[i], before, knots);

		for (int j = 0; j < count; j++)
		{
			if (value < knots[j].value)
			{
				double		step = knots[j].rank - last.rank;
				double		rank = last.rank;

				/* Between two ranks that follow each other lies nothing. */
				if (step > 1)
					rank += step * share_between(last.value, knots[j].value,
												 value);
				return (rank + 1) / n;
			}
			last = knots[j];
		}
		before += DigestItemCount(&d->items[i]);
	}
	return (last.rank + (n - 1 - last.rank) *
			share_between(last.value, d->maximum, value) + 1) / n;
}
