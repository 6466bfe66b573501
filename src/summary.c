/*
 * summary.c
 *	  The mergeable summary: its stored form, how it is collected, aggregates,
 *	  constructors and readers.
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

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/int.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/float.h"

#define FIRST_VALUES	8

struct SummaryState
{
	MemoryContext context;
	bool		is_exact;
	bool		is_distributed; /* false: moments alone are known */
	bool		is_loose;		/* the list is not compressed */
	int64		n;				/* with the values below */
	int64		nonfinite;
	SummaryMoments moments;		/* unless exact; without the values below */
	double		minimum;		/* digest only */
	double		maximum;
	int			values_used;	/* not yet looked at */
	int			values_size;
	double	   *values;
	int			length;
	int			size;
	DigestItem *items;
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
	Size		weight = flags & SUMMARY_WIDE ? sizeof(uint64) : sizeof(uint32);

	return offsetof(Summary, data) +
		moments_stored(flags) * sizeof(double) +
		length * (sizeof(double) + weight);
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

/* Store a summary; moments, minimum and maximum only as the flags say. */
Summary *
athar_summary_pack(uint8 flags, int64 nonfinite, const SummaryMoments *moments,
				   double minimum, double maximum,
				   const DigestItem *items, int length, int64 n)
{
	Summary    *summary;
	double	   *data;
	Size		size;

	for (int i = 0; i < length; i++)
		if (items[i].weight > PG_UINT32_MAX)
			flags |= SUMMARY_WIDE;
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
	data += length;
	for (int i = 0; i < length; i++)
	{
		if (flags & SUMMARY_WIDE)
			((uint64 *) data)[i] = items[i].weight;
		else
			((uint32 *) data)[i] = (uint32) items[i].weight;
	}
	return summary;
}

static void
unpack_items(const Summary *summary, DigestItem *items)
{
	const double *values = summary->data + moments_stored(summary->flags);
	const void *weights = values + summary->length;

	for (int i = 0; i < summary->length; i++)
	{
		items[i].value = values[i];
		items[i].weight = summary->flags & SUMMARY_WIDE ?
			((const uint64 *) weights)[i] : ((const uint32 *) weights)[i];
	}
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
	if (state->is_exact && state->length > 0)
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

/* ---------- aggregates ---------- */

static MemoryContext
aggregate_context(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate support function called in non-aggregate context");
	return context;
}

static SummaryState *
state_of_aggregate(FunctionCallInfo fcinfo)
{
	MemoryContext context = aggregate_context(fcinfo);

	if (PG_ARGISNULL(0))
		return athar_summary_begin(context);
	return (SummaryState *) PG_GETARG_POINTER(0);
}

/* One row of summarize(double precision). */
PG_FUNCTION_INFO_V1(athar_summarize_step);
Datum
athar_summarize_step(PG_FUNCTION_ARGS)
{
	SummaryState *state;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = state_of_aggregate(fcinfo);
	athar_summary_add(state, PG_GETARG_FLOAT8(1));
	PG_RETURN_POINTER(state);
}

/* One row of merge(summary). */
PG_FUNCTION_INFO_V1(athar_merge_step);
Datum
athar_merge_step(PG_FUNCTION_ARGS)
{
	SummaryState *state;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = state_of_aggregate(fcinfo);
	athar_summary_absorb(state, PG_GETARG_SUMMARY_P(1));
	PG_RETURN_POINTER(state);
}

/* Put two partial states together. */
PG_FUNCTION_INFO_V1(athar_summary_combine);
Datum
athar_summary_combine(PG_FUNCTION_ARGS)
{
	SummaryState *state;

	if (PG_ARGISNULL(1))
	{
		if (PG_ARGISNULL(0))
			PG_RETURN_NULL();
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	}
	state = state_of_aggregate(fcinfo);
	athar_summary_absorb(state,
						 athar_summary_finish((SummaryState *) PG_GETARG_POINTER(1)));
	PG_RETURN_POINTER(state);
}

/* A partial state travels between processes in its stored form. */
PG_FUNCTION_INFO_V1(athar_summary_serialize);
Datum
athar_summary_serialize(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	PG_RETURN_POINTER(athar_summary_finish((SummaryState *) PG_GETARG_POINTER(0)));
}

/* The way back. */
PG_FUNCTION_INFO_V1(athar_summary_deserialize);
Datum
athar_summary_deserialize(PG_FUNCTION_ARGS)
{
	SummaryState *state;

	(void) aggregate_context(fcinfo);
	state = athar_summary_begin(CurrentMemoryContext);
	athar_summary_absorb(state, PG_GETARG_SUMMARY_P(0));
	PG_RETURN_POINTER(state);
}

/* The result of both aggregates. */
PG_FUNCTION_INFO_V1(athar_summary_final);
Datum
athar_summary_final(PG_FUNCTION_ARGS)
{
	(void) aggregate_context(fcinfo);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	PG_RETURN_SUMMARY_P(athar_summary_finish((SummaryState *) PG_GETARG_POINTER(0)));
}

/* ---------- constructors and operators ---------- */

/* The summary of the values behind two summaries. */
PG_FUNCTION_INFO_V1(athar_combine);
Datum
athar_combine(PG_FUNCTION_ARGS)
{
	SummaryState *state = athar_summary_begin(CurrentMemoryContext);

	athar_summary_absorb(state, PG_GETARG_SUMMARY_P(0));
	athar_summary_absorb(state, PG_GETARG_SUMMARY_P(1));
	PG_RETURN_SUMMARY_P(athar_summary_finish(state));
}

static void
invalid_counts(int sqlstate, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("invalid answer counts"),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

static void
check_answers(ArrayType *answers, ArrayType *counts)
{
	if (ARR_NDIM(answers) > 1 || ARR_NDIM(counts) > 1)
		invalid_counts(ERRCODE_INVALID_PARAMETER_VALUE,
					   "Answers and counts must be lists, not tables.",
					   "Pass two one-dimensional arrays.");
	if (array_contains_nulls(answers) || array_contains_nulls(counts))
		invalid_counts(ERRCODE_INVALID_PARAMETER_VALUE,
					   "An answer or a count is NULL.",
					   "Leave out what was not counted, or count it as 0.");
	if (ArrayGetNItems(ARR_NDIM(answers), ARR_DIMS(answers)) !=
		ArrayGetNItems(ARR_NDIM(counts), ARR_DIMS(counts)))
		invalid_counts(ERRCODE_INVALID_PARAMETER_VALUE,
					   "There are not as many counts as answers.",
					   "Pass one count for each answer, in the same order.");
}

static void
check_answer(double answer, int64 count)
{
	if (!isfinite(answer))
		invalid_counts(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
					   "An answer is NaN or infinite.",
					   "Give each answer a finite number.");
	if (count < 0)
		invalid_counts(ERRCODE_INVALID_PARAMETER_VALUE,
					   "A count is negative.",
					   "Count each answer from 0 on.");
}

/* summary_of(answers, counts): what was counted elsewhere. */
PG_FUNCTION_INFO_V1(athar_summary_of);
Datum
athar_summary_of(PG_FUNCTION_ARGS)
{
	ArrayType  *answers = PG_GETARG_ARRAYTYPE_P(0);
	ArrayType  *counts = PG_GETARG_ARRAYTYPE_P(1);
	SummaryState *state = athar_summary_begin(CurrentMemoryContext);
	const double *answer = (const double *) ARR_DATA_PTR(answers);
	const int64 *count = (const int64 *) ARR_DATA_PTR(counts);
	int			length;

	check_answers(answers, counts);
	length = ArrayGetNItems(ARR_NDIM(answers), ARR_DIMS(answers));
	for (int i = 0; i < length; i++)
	{
		CHECK_FOR_INTERRUPTS();
		check_answer(answer[i], count[i]);
		athar_summary_add_count(state, answer[i], count[i]);
	}
	PG_RETURN_SUMMARY_P(athar_summary_finish(state));
}

static void
invalid_figures(int sqlstate, const char *detail, const char *hint)
{
	ereport(ERROR,
			(errcode(sqlstate),
			 errmsg("invalid published figures"),
			 errdetail("%s", detail),
			 errhint("%s", hint)));
}

static void
check_figures(int64 n, double mean, bool has_sd, double sd)
{
	if (n < 0)
		invalid_figures(ERRCODE_INVALID_PARAMETER_VALUE,
						"The number of values is negative.",
						"Pass the number of values behind the mean.");
	if (!isfinite(mean) || (has_sd && !isfinite(sd)))
		invalid_figures(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
						"The mean or the deviation is NaN or infinite.",
						"Pass NULL for what was not published.");
	if (has_sd && sd < 0)
		invalid_figures(ERRCODE_INVALID_PARAMETER_VALUE,
						"The standard deviation is negative.",
						"Pass the sample standard deviation, or NULL.");
	if (n == 1 && has_sd && sd > 0)
		invalid_figures(ERRCODE_INVALID_PARAMETER_VALUE,
						"One value does not deviate.",
						"Pass NULL as standard deviation where n is 1.");
}

/* summary_of_moments(n, mean, sd): figures whose values nobody has. */
PG_FUNCTION_INFO_V1(athar_summary_of_moments);
Datum
athar_summary_of_moments(PG_FUNCTION_ARGS)
{
	SummaryMoments moments;
	int64		n;
	double		mean = 0;
	double		sd = 0;
	bool		has_sd = !PG_ARGISNULL(2);

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	n = PG_GETARG_INT64(0);
	if (!PG_ARGISNULL(1))
		mean = PG_GETARG_FLOAT8(1) + 0.0;
	if (has_sd)
		sd = PG_GETARG_FLOAT8(2) + 0.0;
	check_figures(n, mean, has_sd, sd);
	if (n == 0)
	{
		if (!PG_ARGISNULL(1) || has_sd)
			invalid_figures(ERRCODE_INVALID_PARAMETER_VALUE,
							"No values have neither mean nor deviation.",
							"Pass NULL for both where n is 0.");
		PG_RETURN_SUMMARY_P(athar_summary_finish(athar_summary_begin(CurrentMemoryContext)));
	}
	if (PG_ARGISNULL(1))
		PG_RETURN_NULL();
	athar_moments_of_sd(n, mean, 0, sd, has_sd || n == 1, &moments);
	PG_RETURN_SUMMARY_P(athar_summary_pack(0, 0, &moments, 0, 0, NULL, 0, n));
}

static bool
same_bytes(const Summary *a, const Summary *b)
{
	return VARSIZE(a) == VARSIZE(b) &&
		memcmp(VARDATA(a), VARDATA(b), VARSIZE(a) - VARHDRSZ) == 0;
}

/* Equal content has equal bytes. */
PG_FUNCTION_INFO_V1(athar_summary_eq);
Datum
athar_summary_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(same_bytes(PG_GETARG_SUMMARY_P(0), PG_GETARG_SUMMARY_P(1)));
}

PG_FUNCTION_INFO_V1(athar_summary_ne);
Datum
athar_summary_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!same_bytes(PG_GETARG_SUMMARY_P(0), PG_GETARG_SUMMARY_P(1)));
}

PG_FUNCTION_INFO_V1(athar_summary_hash);
Datum
athar_summary_hash(PG_FUNCTION_ARGS)
{
	Summary    *summary = PG_GETARG_SUMMARY_P(0);

	return hash_any((unsigned char *) VARDATA(summary),
					VARSIZE(summary) - VARHDRSZ);
}

/* ---------- readers ---------- */

/* n(summary) */
PG_FUNCTION_INFO_V1(athar_n);
Datum
athar_n(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(PG_GETARG_SUMMARY_P(0)->n);
}

/* nonfinite_count(summary) */
PG_FUNCTION_INFO_V1(athar_nonfinite_count);
Datum
athar_nonfinite_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(PG_GETARG_SUMMARY_P(0)->nonfinite);
}

/* is_exact(summary) */
PG_FUNCTION_INFO_V1(athar_is_exact);
Datum
athar_is_exact(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(SummaryIsExact(PG_GETARG_SUMMARY_P(0)));
}

/* total(summary) */
PG_FUNCTION_INFO_V1(athar_total);
Datum
athar_total(PG_FUNCTION_ARGS)
{
	SummaryMoments moments;
	double		total;

	if (!athar_summary_moments(PG_GETARG_SUMMARY_P(0), &moments) ||
		!athar_moments_total(&moments, &total))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(total);
}

/* mean(summary) */
PG_FUNCTION_INFO_V1(athar_mean);
Datum
athar_mean(PG_FUNCTION_ARGS)
{
	SummaryMoments moments;

	if (!athar_summary_moments(PG_GETARG_SUMMARY_P(0), &moments))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(moments.mean);
}

/* stddev(summary) */
PG_FUNCTION_INFO_V1(athar_stddev);
Datum
athar_stddev(PG_FUNCTION_ARGS)
{
	SummaryMoments moments;

	if (!athar_summary_moments(PG_GETARG_SUMMARY_P(0), &moments) ||
		moments.n < 2 || !moments.has_sd)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(moments.sd);
}

/* variance(summary): NULL also where only its root is in range. */
PG_FUNCTION_INFO_V1(athar_variance);
Datum
athar_variance(PG_FUNCTION_ARGS)
{
	SummaryMoments moments;

	if (!athar_summary_moments(PG_GETARG_SUMMARY_P(0), &moments) ||
		moments.n < 2 || !moments.has_sd || !isfinite(moments.variance) ||
		(moments.variance == 0 && moments.sd > 0))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(moments.variance);
}

/* minimum(summary) */
PG_FUNCTION_INFO_V1(athar_minimum);
Datum
athar_minimum(PG_FUNCTION_ARGS)
{
	Distribution distribution;

	if (!athar_summary_distribution(PG_GETARG_SUMMARY_P(0), &distribution))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(distribution.minimum);
}

/* maximum(summary) */
PG_FUNCTION_INFO_V1(athar_maximum);
Datum
athar_maximum(PG_FUNCTION_ARGS)
{
	Distribution distribution;

	if (!athar_summary_distribution(PG_GETARG_SUMMARY_P(0), &distribution))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(distribution.maximum);
}

/* percentile(summary, share) */
PG_FUNCTION_INFO_V1(athar_percentile);
Datum
athar_percentile(PG_FUNCTION_ARGS)
{
	Distribution distribution;
	double		share = PG_GETARG_FLOAT8(1);

	if (isnan(share) || share < 0 || share > 1)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("percentile value %g is not between 0 and 1", share),
				 errdetail("A percentile is asked for by its share of the values."),
				 errhint("Write 0.95 for the 95th percentile.")));
	if (!athar_summary_distribution(PG_GETARG_SUMMARY_P(0), &distribution))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(athar_digest_percentile(&distribution, share));
}

/* median(summary) */
PG_FUNCTION_INFO_V1(athar_median);
Datum
athar_median(PG_FUNCTION_ARGS)
{
	Distribution distribution;

	if (!athar_summary_distribution(PG_GETARG_SUMMARY_P(0), &distribution))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(athar_digest_percentile(&distribution, 0.5));
}

/* share_at_most(summary, limit) */
PG_FUNCTION_INFO_V1(athar_share_at_most);
Datum
athar_share_at_most(PG_FUNCTION_ARGS)
{
	Distribution distribution;
	double		value = PG_GETARG_FLOAT8(1);

	if (isnan(value))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("limit is not a number"),
				 errdetail("No value can be compared with NaN."),
				 errhint("Pass the largest value that still counts.")));
	if (!athar_summary_distribution(PG_GETARG_SUMMARY_P(0), &distribution))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(athar_digest_share(&distribution, value));
}
