/*
 * summary.c
 *	  The mergeable summary: its stored form, and how it is collected.
 *
 * Exact while there are few distinct values, because ratings, yes and no and
 * most days of most services have few, and people check such figures by hand:
 * the map is the same whatever the order of rows and merges, and moments and
 * quantiles are computed from it.  Beyond 64 distinct values a t-digest takes
 * over (digest.c) and moments are kept beside it (moments.c); from there on
 * quantiles are approximate, and depend on the order within that
 * approximation; n, minimum, maximum and counts never do.
 *
 * The transition state is a struct in the aggregate's memory with one array of
 * values not yet looked at and one list.  It does not have a memory context of
 * its own: HashAgg sums up all contexts whenever a new group arrives.
 *
 * Values cannot be taken out again; who deletes rows has to rebuild.
 */
#include "athar.h"

#include <math.h>

#include "summary.h"

#include "common/int.h"

#define FIRST_VALUES	8

struct SummaryState
{
	/* What every row touches comes first. */
	int64		n;				/* with the values waiting */
	bool		is_exact;
	bool		is_distributed; /* false: moments alone are known */
	bool		is_loose;		/* the list is not compressed */
	bool		is_repetitive;	/* values are likely to be in the list */
	int			values_used;	/* waiting to be looked at */
	int			values_size;
	double	   *values;
	int			length;
	int			size;
	DigestItem *items;
	int64		nonfinite;
	MemoryContext context;
	SummaryMoments moments;		/* unless exact; without the values waiting */
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

/* ---------- the stored form ---------- */

static int
moments_stored(uint8 flags)
{
	if (flags & SUMMARY_EXACT)
		return 0;
	return flags & SUMMARY_DIGEST ? 5 : 3;
}

static Size
stored_size(uint8 flags, int length)
{
	return offsetof(Summary, data) +
		moments_stored(flags) * sizeof(double) +
		length * (sizeof(double) + SummaryWeightBytes(flags));
}

/*
 * The summary of a datum in the present form.  Versions to come are converted
 * here, so that no caller ever sees an old one.
 */
Summary *
athar_summary_upgraded(Datum datum)
{
	Summary    *summary = (Summary *) PG_DETOAST_DATUM(datum);

	if (VARSIZE(summary) < offsetof(Summary, data) ||
		summary->version != SUMMARY_VERSION ||
		VARSIZE(summary) != stored_size(summary->flags, summary->length))
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("summary has an unknown stored form"),
				 errdetail("It was written by a newer version of athar, or it is damaged."),
				 errhint("Update the extension's library to the version that wrote the data.")));
	return summary;
}

/* The smallest width that holds every weight: equal content, equal bytes. */
static uint8
width_of_weights(const DigestItem *items, int length)
{
	uint64		all = 0;
	uint8		width = 0;

	for (int i = 0; i < length; i++)
		all |= items[i].weight;
	while (width < SUMMARY_WIDTH && all >> (8 * SummaryWeightBytes(width)))
		width += SUMMARY_WIDER;
	return width;
}

static void
pack_weights(const DigestItem *items, int length, int bytes, void *weights)
{
	for (int i = 0; i < length; i++)
		switch (bytes)
		{
			case 1:
				((uint8 *) weights)[i] = (uint8) items[i].weight;
				break;
			case 2:
				((uint16 *) weights)[i] = (uint16) items[i].weight;
				break;
			case 4:
				((uint32 *) weights)[i] = (uint32) items[i].weight;
				break;
			default:
				((uint64 *) weights)[i] = items[i].weight;
		}
}

static void
unpack_weights(const void *weights, int length, int bytes, DigestItem *items)
{
	for (int i = 0; i < length; i++)
		switch (bytes)
		{
			case 1:
				items[i].weight = ((const uint8 *) weights)[i];
				break;
			case 2:
				items[i].weight = ((const uint16 *) weights)[i];
				break;
			case 4:
				items[i].weight = ((const uint32 *) weights)[i];
				break;
			default:
				items[i].weight = ((const uint64 *) weights)[i];
		}
}

/* Store a summary; moments, minimum and maximum only as the flags say. */
Summary *
athar_summary_pack(uint8 flags, int64 nonfinite, const SummaryMoments *moments,
				   double minimum, double maximum,
				   const DigestItem *items, int length, int64 n)
{
	Summary    *summary;
	double	   *data;
	Size		size;

	flags |= width_of_weights(items, length);
	if (!(flags & SUMMARY_EXACT) && !moments->has_sd)
		flags |= SUMMARY_NO_SD;

	size = stored_size(flags, length);
	summary = palloc0(size);
	SET_VARSIZE(summary, size);
	summary->version = SUMMARY_VERSION;
	summary->flags = flags;
	summary->length = length;
	summary->n = n;
	summary->nonfinite = nonfinite;

	data = summary->data;
	if (!(flags & SUMMARY_EXACT))
	{
		*data++ = moments->mean;
		*data++ = moments->rest;
		*data++ = moments->sd;
	}
	if (flags & SUMMARY_DIGEST)
	{
		*data++ = minimum;
		*data++ = maximum;
	}
	for (int i = 0; i < length; i++)
		data[i] = items[i].value;
	pack_weights(items, length, SummaryWeightBytes(flags), data + length);
	return summary;
}

static void
unpack_items(const Summary *summary, DigestItem *items)
{
	const double *values = summary->data + moments_stored(summary->flags);

	for (int i = 0; i < summary->length; i++)
		items[i].value = values[i];
	unpack_weights(values + summary->length, summary->length,
				   SummaryWeightBytes(summary->flags), items);
}

/* Fill in the moments; false for n = 0. */
bool
athar_summary_moments(const Summary *summary, SummaryMoments *moments)
{
	if (summary->n == 0)
		return false;
	if (SummaryIsExact(summary))
	{
		DigestItem	items[DIGEST_EXACT];

		unpack_items(summary, items);
		athar_moments_of_items(items, summary->length, summary->n, moments);
	}
	else
		athar_moments_of_sd(summary->n, summary->data[0], summary->data[1],
							summary->data[2],
							(summary->flags & SUMMARY_NO_SD) == 0, moments);
	return true;
}

/* Fill in the distribution; false where there is none. */
bool
athar_summary_distribution(const Summary *summary, Distribution *distribution)
{
	if (summary->n == 0 || !SummaryHasDistribution(summary))
		return false;
	distribution->n = summary->n;
	distribution->length = summary->length;
	unpack_items(summary, distribution->items);
	if (SummaryIsExact(summary))
	{
		distribution->minimum = distribution->items[0].value;
		distribution->maximum = distribution->items[summary->length - 1].value;
	}
	else
	{
		distribution->minimum = summary->data[3];
		distribution->maximum = summary->data[4];
	}
	return true;
}

/* ---------- collecting ---------- */

/* Begin an empty summary in the given memory. */
SummaryState *
athar_summary_begin(MemoryContext context)
{
	SummaryState *state = MemoryContextAllocZero(context,
												 sizeof(SummaryState));

	state->context = context;
	state->is_exact = true;
	state->is_distributed = true;
	return state;
}

static void
pool_moments(SummaryState *state, const SummaryMoments *moments)
{
	if (state->moments.n == 0)
		state->moments = *moments;
	else
		athar_moments_pool(&state->moments, moments);
}

/* Replace the list, in room that doubles. */
static void
store_list(SummaryState *state, const DigestItem *items, int length)
{
	if (length > state->size)
	{
		int			size = Max(state->size, FIRST_VALUES);

		while (size < length)
			size *= 2;
		if (state->items)
			pfree(state->items);
		state->items = NULL;
		state->size = 0;
		state->items = MemoryContextAlloc(state->context,
										  size * sizeof(DigestItem));
		state->size = size;
	}
	memcpy(state->items, items, length * sizeof(DigestItem));
	state->length = length;
}

/* From here on moments are kept beside the list. */
static void
leave_exact(SummaryState *state, int64 n)
{
	state->is_exact = false;
	if (state->length == 0)
		return;
	athar_moments_of_items(state->items, state->length, n, &state->moments);
	state->minimum = state->items[0].value;
	state->maximum = state->items[state->length - 1].value;
}

static void
forget_distribution(SummaryState *state)
{
	if (state->is_exact)
		leave_exact(state, state->n);
	state->is_distributed = false;
	state->is_repetitive = false;
	state->length = 0;
}

/* Merge a list into the state's; old_n values are in the latter. */
static void
add_list(SummaryState *state, int64 old_n, const DigestItem *items, int length,
		 bool is_exact, double minimum, double maximum)
{
	DigestItem	merged[2 * DIGEST_LOOSE];
	int			merged_length = athar_digest_merge(state->items, state->length,
												   items, length, merged);

	if (state->is_exact && (!is_exact || merged_length > DIGEST_EXACT))
		leave_exact(state, old_n);
	if (!state->is_exact)
	{
		state->minimum = old_n == 0 ? minimum : Min(state->minimum, minimum);
		state->maximum = old_n == 0 ? maximum : Max(state->maximum, maximum);
		state->is_loose = true;
		if (merged_length > DIGEST_LOOSE)
		{
			merged_length = athar_digest_compress(merged, merged_length,
												  state->n);
			state->is_loose = false;
		}
	}
	store_list(state, merged, merged_length);
	state->is_repetitive = state->is_exact && state->n / 2 >= merged_length;
}

/* Take the waiting values into list and moments. */
static void
take_values(SummaryState *state)
{
	int			length = state->values_used;
	double	   *values = state->values;

	if (length == 0)
		return;
	athar_digest_sort(values, length);
	if (state->is_distributed)
	{
		DigestItem	items[DIGEST_LOOSE];
		int			items_length = athar_digest_of_sorted(values, length,
														  items);

		add_list(state, state->n - length, items, items_length, true,
				 values[0], values[length - 1]);
	}
	if (!state->is_exact)
	{
		SummaryMoments moments;

		athar_moments_of_values(values, length, &moments);
		pool_moments(state, &moments);
	}
	state->values_used = 0;
}

/*
 * Make room for a value.  While the summary can still be exact, 64 values at
 * most wait; a digest wants many at a time.
 */
static void
make_room(SummaryState *state)
{
	int			most = state->is_exact ? DIGEST_EXACT : DIGEST_LOOSE;

	if (state->values_size >= most)
		take_values(state);
	else if (state->values == NULL)
	{
		state->values = MemoryContextAlloc(state->context,
										   FIRST_VALUES * sizeof(double));
		state->values_size = FIRST_VALUES;
	}
	else
	{
		state->values = repalloc(state->values,
								 2 * state->values_size * sizeof(double));
		state->values_size *= 2;
	}
}

/* Find a value in the list of an exact state. */
static inline DigestItem *
find_item(SummaryState *state, double value)
{
	int			low = 0;
	int			high = state->length;

	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (state->items[middle].value < value)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < state->length && state->items[low].value == value)
		return &state->items[low];
	return NULL;
}

/* Add one value. */
void
athar_summary_add(SummaryState *state, double value)
{
	if (unlikely(!isfinite(value)))
	{
		add_to_count(&state->nonfinite, 1);
		return;
	}
	value += 0.0;				/* -0 becomes 0 */
	if (state->is_repetitive)
	{
		DigestItem *item = find_item(state, value);

		if (item != NULL)
		{
			add_to_count(&state->n, 1);
			item->weight += DigestWeight(1, false);
			return;
		}
	}
	if (state->values_used == state->values_size)
		make_room(state);
	add_to_count(&state->n, 1);
	state->values[state->values_used++] = value;
}

/* Add a finite value a number of times. */
void
athar_summary_add_count(SummaryState *state, double value, int64 count)
{
	DigestItem	item = {value + 0.0, DigestWeight(count, false)};
	int64		old_n;

	if (count == 0)
		return;
	take_values(state);
	old_n = state->n;
	add_to_count(&state->n, count);
	if (state->is_distributed)
		add_list(state, old_n, &item, 1, true, item.value, item.value);
	if (!state->is_exact)
	{
		SummaryMoments moments;

		athar_moments_of_sd(count, item.value, 0, 0, true, &moments);
		pool_moments(state, &moments);
	}
}

/* Add all that a summary describes. */
void
athar_summary_absorb(SummaryState *state, const Summary *summary)
{
	SummaryMoments moments;
	int64		old_n;

	add_to_count(&state->nonfinite, summary->nonfinite);
	if (summary->n == 0)
		return;
	take_values(state);
	if (!SummaryHasDistribution(summary))
		forget_distribution(state);
	old_n = state->n;
	add_to_count(&state->n, summary->n);
	if (state->is_distributed)
	{
		Distribution part;

		(void) athar_summary_distribution(summary, &part);
		add_list(state, old_n, part.items, part.length,
				 SummaryIsExact(summary), part.minimum, part.maximum);
		if (old_n == 0)
			state->is_loose = false;
	}
	if (!state->is_exact)
	{
		(void) athar_summary_moments(summary, &moments);
		pool_moments(state, &moments);
	}
}

/* Store what was collected; the state may go on collecting. */
Summary *
athar_summary_finish(SummaryState *state)
{
	DigestItem	items[DIGEST_LOOSE];
	int			length;
	uint8		flags = 0;

	take_values(state);
	length = state->length;
	if (length > 0)
		memcpy(items, state->items, length * sizeof(DigestItem));
	if (state->is_exact)
		flags = SUMMARY_EXACT;
	else if (state->is_distributed)
	{
		flags = SUMMARY_DIGEST;
		if (state->is_loose)
			length = athar_digest_compress(items, length, state->n);
	}
	return athar_summary_pack(flags, state->nonfinite, &state->moments,
							  state->minimum, state->maximum,
							  items, length, state->n);
}
