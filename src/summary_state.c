/*
 * summary_state.c
 *	  How a summary is collected: the transition state of the aggregates.
 *
 * Values wait until there are enough of them to be sorted and taken together
 * into one list and the moments of all.  A state is short, and most groups of
 * a report never have more than it and one array of values: in a report of
 * 100,000 groups each row meets a group that has left the processor's caches,
 * so what a row costs is how many places of memory it touches.
 *
 * A state does not have a memory context of its own: HashAgg sums up all
 * contexts whenever a new group arrives.
 *
 * Values cannot be taken out again; who deletes rows has to rebuild.
 */
#include "athar.h"

#include <math.h>

#include "summary.h"

#include "common/int.h"

#define FIRST_VALUES	16
#define FIRST_ITEMS		8

/* What was taken of the values that waited, and of summaries. */
struct SummaryTaken
{
	int64		n;
	int64		nonfinite;
	bool		is_exact;
	bool		is_distributed; /* false: moments alone are known */
	bool		is_loose;		/* the list is not compressed */
	bool		is_repetitive;	/* values are likely to be in the list */
	int			length;
	int			size;
	DigestItem *items;
	SummaryMoments moments;		/* unless exact */
	double		minimum;		/* digest only */
	double		maximum;
};

static void
count_out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("number of values out of range"),
			 errdetail("A summary counts at most " INT64_FORMAT " values.",
					   PG_INT64_MAX),
			 errhint("Check the counts that went into the summaries.")));
}

static inline void
add_to_count(int64 *count, int64 more)
{
	if (unlikely(pg_add_s64_overflow(*count, more, count)))
		count_out_of_range();
}

/* Make an empty summary of this, which will grow in the given memory. */
void
athar_summary_init(SummaryState *state, MemoryContext context)
{
	memset(state, 0, offsetof(SummaryState, recent));
	state->context = context;
}

/* Begin an empty summary in the given memory. */
SummaryState *
athar_summary_begin(MemoryContext context)
{
	SummaryState *state = MemoryContextAlloc(context, sizeof(SummaryState));

	athar_summary_init(state, context);
	return state;
}

static SummaryTaken *
taken_of(SummaryState *state)
{
	if (state->taken == NULL)
	{
		state->taken = MemoryContextAllocZero(state->context,
											  sizeof(SummaryTaken));
		state->taken->is_exact = true;
		state->taken->is_distributed = true;
	}
	return state->taken;
}

static void
pool_moments(SummaryTaken *taken, const SummaryMoments *moments)
{
	if (taken->moments.n == 0)
		taken->moments = *moments;
	else
		athar_moments_pool(&taken->moments, moments);
}

/* Replace the list, in room that doubles. */
static void
store_list(SummaryTaken *taken, MemoryContext context,
		   const DigestItem *items, int length)
{
	if (length > taken->size)
	{
		int			size = Max(taken->size, FIRST_ITEMS);

		while (size < length)
			size *= 2;
		if (taken->items)
			pfree(taken->items);
		taken->items = NULL;
		taken->size = 0;
		taken->items = MemoryContextAlloc(context, size * sizeof(DigestItem));
		taken->size = size;
	}
	memcpy(taken->items, items, length * sizeof(DigestItem));
	taken->length = length;
}

/* From here on moments are kept beside the list. */
static void
leave_exact(SummaryTaken *taken, int64 n)
{
	taken->is_exact = false;
	if (taken->length == 0)
		return;
	athar_moments_of_items(taken->items, taken->length, n, &taken->moments);
	taken->minimum = taken->items[0].value;
	taken->maximum = taken->items[taken->length - 1].value;
}

static void
forget_distribution(SummaryTaken *taken)
{
	if (taken->is_exact)
		leave_exact(taken, taken->n);
	taken->is_distributed = false;
	taken->is_repetitive = false;
	taken->length = 0;
}

/* Merge a list into the taken one, which had old_n values. */
static void
take_list(SummaryState *state, int64 old_n, const DigestItem *items,
		  int length, bool is_exact, double minimum, double maximum)
{
	SummaryTaken *taken = state->taken;
	DigestItem	merged[2 * DIGEST_LOOSE];
	int			merged_length = athar_digest_merge(taken->items, taken->length,
												   items, length, merged);

	if (taken->is_exact && (!is_exact || merged_length > DIGEST_EXACT))
		leave_exact(taken, old_n);
	if (!taken->is_exact)
	{
		taken->minimum = old_n == 0 ? minimum : Min(taken->minimum, minimum);
		taken->maximum = old_n == 0 ? maximum : Max(taken->maximum, maximum);
		taken->is_loose = true;
		if (merged_length > DIGEST_LOOSE)
		{
			merged_length = athar_digest_compress(merged, merged_length,
												  taken->n);
			taken->is_loose = false;
		}
	}
	store_list(taken, state->context, merged, merged_length);
	taken->is_repetitive = taken->is_exact && taken->n / 2 >= merged_length;
}

/* Take sorted values into list and moments. */
static void
take_sorted(SummaryState *state, const double *values, int length)
{
	SummaryTaken *taken = taken_of(state);

	add_to_count(&taken->n, length);
	if (taken->is_distributed)
	{
		DigestItem	items[DIGEST_LOOSE];
		int			items_length = athar_digest_of_sorted(values, length,
														  items);

		take_list(state, taken->n - length, items, items_length, true,
				  values[0], values[length - 1]);
	}
	if (!taken->is_exact)
	{
		SummaryMoments moments;

		athar_moments_of_values(values, length, &moments);
		pool_moments(taken, &moments);
	}
}

/*
 * Sort the waiting values into an array of DIGEST_LOOSE.  They still wait;
 * returns their number.
 */
static int
sort_waiting(const SummaryState *state, double *sorted)
{
	int			used = state->used;

	if (used > 0)
		memcpy(sorted, state->values, used * sizeof(double));
	memcpy(sorted + used, state->recent, state->recent_used * sizeof(double));
	used += state->recent_used;
	athar_digest_sort(sorted, used);
	return used;
}

static void
take_values(SummaryState *state)
{
	double		sorted[DIGEST_LOOSE];
	int			length = sort_waiting(state, sorted);

	if (length > 0)
		take_sorted(state, sorted, length);
	state->used = 0;
	state->recent_used = 0;
}

/* Double the room for values that wait. */
static void
enlarge_values(SummaryState *state)
{
	int			size = Max(2 * state->size, FIRST_VALUES);

	if (state->values == NULL)
		state->values = MemoryContextAlloc(state->context,
										   size * sizeof(double));
	else
		state->values = repalloc(state->values, size * sizeof(double));
	state->size = size;
}

/*
 * Make room for a recent value.  While the summary can still be exact, 64
 * other values at most wait; a digest wants many at a time.
 */
static void
make_room(SummaryState *state)
{
	int			most = state->taken == NULL || state->taken->is_exact ?
	DIGEST_EXACT : DIGEST_LOOSE;

	if (state->used + 2 * SUMMARY_RECENT > most)
	{
		take_values(state);
		return;
	}
	if (state->used + SUMMARY_RECENT > state->size)
		enlarge_values(state);
	memcpy(state->values + state->used, state->recent, sizeof(state->recent));
	state->used += SUMMARY_RECENT;
	state->recent_used = 0;
}

/* Find a value in an exact list. */
static inline DigestItem *
find_item(SummaryTaken *taken, double value)
{
	int			low = 0;
	int			high = taken->length;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (taken->items[middle].value < value)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < taken->length && taken->items[low].value == value)
		return &taken->items[low];
	return NULL;
}

/* Add one value. */
void
athar_summary_add(SummaryState *state, double value)
{
	if (unlikely(!isfinite(value)))
	{
		add_to_count(&taken_of(state)->nonfinite, 1);
		return;
	}
	value += 0.0;				/* -0 becomes 0 */
	if (state->taken != NULL && state->taken->is_repetitive)
	{
		DigestItem *item = find_item(state->taken, value);

		if (item != NULL)
		{
			add_to_count(&state->taken->n, 1);
			item->weight += DigestWeight(1, false);
			return;
		}
	}
	if (state->recent_used == SUMMARY_RECENT)
		make_room(state);
	state->recent[state->recent_used++] = value;
}

/* Add a finite value a number of times. */
void
athar_summary_add_count(SummaryState *state, double value, int64 count)
{
	DigestItem	item = {value + 0.0, DigestWeight(count, false)};
	SummaryTaken *taken;
	int64		old_n;

	if (count == 0)
		return;
	take_values(state);
	taken = taken_of(state);
	old_n = taken->n;
	add_to_count(&taken->n, count);
	if (taken->is_distributed)
		take_list(state, old_n, &item, 1, true, item.value, item.value);
	if (!taken->is_exact)
	{
		SummaryMoments moments;

		athar_moments_of_sd(count, item.value, 0, 0, true, &moments);
		pool_moments(taken, &moments);
	}
}

/* Add all that a summary describes. */
void
athar_summary_absorb(SummaryState *state, const Summary *summary)
{
	SummaryTaken *taken;
	SummaryMoments moments;
	int64		old_n;

	take_values(state);
	taken = taken_of(state);
	add_to_count(&taken->nonfinite, summary->nonfinite);
	if (summary->n == 0)
		return;
	if (!SummaryHasDistribution(summary))
		forget_distribution(taken);
	old_n = taken->n;
	add_to_count(&taken->n, summary->n);
	if (taken->is_distributed)
	{
		Distribution part;

		(void) athar_summary_distribution(summary, &part);
		take_list(state, old_n, part.items, part.length,
				  SummaryIsExact(summary), part.minimum, part.maximum);
		if (old_n == 0)
			taken->is_loose = false;
	}
	if (!taken->is_exact)
	{
		(void) athar_summary_moments(summary, &moments);
		pool_moments(taken, &moments);
	}
}

/*
 * The list as it would be stored, of DIGEST_LOOSE items at first; returns its
 * length.  Values that were never taken need not be now: they are few, and
 * what is not stored costs no memory.
 */
static int
collected_list(SummaryState *state, DigestItem *items, uint8 *flags)
{
	SummaryTaken *taken;
	int			length;

	*flags = SUMMARY_EXACT;
	if (state->taken == NULL)
	{
		double		sorted[DIGEST_LOOSE];

		length = sort_waiting(state, sorted);
		return athar_digest_of_sorted(sorted, length, items);
	}
	take_values(state);
	taken = state->taken;
	length = taken->length;
	if (length > 0)
		memcpy(items, taken->items, length * sizeof(DigestItem));
	if (taken->is_exact)
		return length;
	*flags = taken->is_distributed ? SUMMARY_DIGEST : 0;
	if (taken->is_distributed && taken->is_loose)
		length = athar_digest_compress(items, length, taken->n);
	return length;
}

/* Store what was collected; the state may go on collecting. */
Summary *
athar_summary_finish(SummaryState *state)
{
	static const SummaryTaken nothing;
	DigestItem	items[DIGEST_LOOSE];
	uint8		flags;
	int			length = collected_list(state, items, &flags);
	const SummaryTaken *taken = state->taken ? state->taken : &nothing;

	return athar_summary_pack(flags, taken->nonfinite, &taken->moments,
							  taken->minimum, taken->maximum, items, length,
							  state->taken ? taken->n : state->used + state->recent_used);
}

/*
 * What the stored form would answer, without making it: athar_summary_moments
 * and athar_summary_distribution of what was collected.  Where those answer
 * false, n is 0.
 */
void
athar_summary_read(SummaryState *state, SummaryMoments *moments,
				   Distribution *distribution)
{
	const SummaryTaken *taken;
	DigestItem	items[DIGEST_LOOSE];
	uint8		flags;
	int			length = collected_list(state, items, &flags);
	int64		n;

	taken = state->taken;
	n = taken ? taken->n : state->used + state->recent_used;
	moments->n = 0;
	distribution->n = 0;
	if (n == 0)
		return;
	if (flags & SUMMARY_EXACT)
		athar_moments_of_items(items, length, n, moments);
	else
		*moments = taken->moments;
	if (flags == 0)
		return;
	distribution->n = n;
	distribution->length = length;
	memcpy(distribution->items, items, length * sizeof(DigestItem));
	distribution->minimum = flags & SUMMARY_EXACT ?
		items[0].value : taken->minimum;
	distribution->maximum = flags & SUMMARY_EXACT ?
		items[length - 1].value : taken->maximum;
}
