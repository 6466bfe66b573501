/*
 * summary.c
 *	  The mergeable summary: its stored form.
 *
 * Exact while there are few distinct values, because ratings, yes and no and
 * most days of most services have few, and people check such figures by hand:
 * the map is the same whatever the order of rows and merges, and moments and
 * quantiles are computed from it.  Beyond 64 distinct values a t-digest takes
 * over (digest.c) and moments are kept beside it (moments.c); from there on
 * quantiles are approximate, and depend on the order within that
 * approximation; n, minimum, maximum and counts never do.
 */
#include "athar.h"

#include <math.h>

#include "summary.h"

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
	switch (bytes)
	{
		case 1:
			for (int i = 0; i < length; i++)
				((uint8 *) weights)[i] = (uint8) items[i].weight;
			break;
		case 2:
			for (int i = 0; i < length; i++)
				((uint16 *) weights)[i] = (uint16) items[i].weight;
			break;
		case 4:
			for (int i = 0; i < length; i++)
				((uint32 *) weights)[i] = (uint32) items[i].weight;
			break;
		default:
			for (int i = 0; i < length; i++)
				((uint64 *) weights)[i] = items[i].weight;
	}
}

static void
unpack_weights(const void *weights, int length, int bytes, DigestItem *items)
{
	switch (bytes)
	{
		case 1:
			for (int i = 0; i < length; i++)
				items[i].weight = ((const uint8 *) weights)[i];
			break;
		case 2:
			for (int i = 0; i < length; i++)
				items[i].weight = ((const uint16 *) weights)[i];
			break;
		case 4:
			for (int i = 0; i < length; i++)
				items[i].weight = ((const uint32 *) weights)[i];
			break;
		default:
			for (int i = 0; i < length; i++)
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
