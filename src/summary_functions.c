/*
 * summary_functions.c
 *	  What SQL sees of the summary: aggregates, constructors, equality,
 *	  readers.
 *
 * A partial state travels between processes in its stored form, so combining
 * is merging, and there is one kind of serialised state to trust: the server's
 * own, since no SQL can call a function that takes internal.  Readers answer
 * NULL for what is undefined or unknown, and never NaN.
 */
#include "athar.h"

#include <math.h>

#include "summary.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/array.h"

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
				 errmsg("percentile value %g is not between 0 and 1",
						share),
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
