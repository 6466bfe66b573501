/*
 * summary_io.c
 *	  Text, JSON and binary forms of a summary.
 *
 * What comes in is not trusted: dumps are edited, drivers have faults, and a
 * summary travels between agencies.  Each form is read into one struct, that
 * is checked once, and only then packed; so the forms cannot disagree on what
 * is valid.  The server's own jsonb does the parsing.  Checked is all that a
 * reader relies on, not whether moments and list of a digest fit together.
 *
 * Text is JSON, with the shortest decimals that read back to the same bits,
 * whatever extra_float_digits says:
 *	  {"version":1,"n":3,"counts":[[4,1],[5,2]]}
 *	  {"version":1,"n":900,"mean":5.1,"sd":2,"min":1,"max":9.5,
 *	   "digest":[[1,1],[1.5,3,true],...]}
 *	  {"version":1,"n":250,"mean":4.2,"sd":null}
 * and where not 0 "mean_rest" (the digits of the mean beyond double
 * precision) and "nonfinite".  An item of a list is a value and the number of
 * values equal to it or, if true follows, of which it is the mean.
 */
#include "athar.h"

#include <math.h>

#include "summary.h"

#include "common/int.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

/* No summary has a longer text. */
#define LONGEST_TEXT	(256 * 1024)

/* Which parts were given. */
#define HAS_VERSION		0x0001
#define HAS_N			0x0002
#define HAS_NONFINITE	0x0004
#define HAS_COUNTS		0x0008
#define HAS_MEAN		0x0010
#define HAS_REST		0x0020
#define HAS_SD			0x0040
#define HAS_MINIMUM		0x0080
#define HAS_MAXIMUM		0x0100
#define HAS_DIGEST		0x0200

#define EXACT_PARTS		(HAS_COUNTS)
#define MOMENT_PARTS	(HAS_MEAN | HAS_SD)
#define DIGEST_PARTS	(MOMENT_PARTS | HAS_MINIMUM | HAS_MAXIMUM | HAS_DIGEST)
#define ANY_PARTS		(EXACT_PARTS | DIGEST_PARTS)

typedef struct SummaryParts
{
	int			sqlstate;		/* of what is wrong with it */
	int			given;
	int64		version;
	int64		n;
	int64		nonfinite;
	double		mean;
	double		rest;
	double		sd;
	bool		has_sd;
	double		minimum;
	double		maximum;
	int			length;
	DigestItem	items[DIGEST_STORED];
} SummaryParts;

static void
pg_attribute_noreturn()
refuse(int sqlstate, const char *detail)
{
	bool		is_text = sqlstate == ERRCODE_INVALID_TEXT_REPRESENTATION;

	ereport(ERROR,
			(errcode(sqlstate),
			 is_text ?
			 errmsg("invalid input syntax for type athar.summary") :
			 errmsg("invalid binary input for type athar.summary"),
			 errdetail("%s", detail),
			 errhint("Make summaries with athar.summarize, athar.summary_of or athar.summary_of_moments.")));
}

static inline void
require(const SummaryParts *parts, bool condition, const char *detail)
{
	if (!condition)
		refuse(parts->sqlstate, detail);
}

/* ---------- what is valid ---------- */

static void
check_list(SummaryParts *parts, bool is_exact)
{
	int64		sum = 0;

	require(parts, parts->length <= (is_exact ? DIGEST_EXACT : DIGEST_STORED),
			"The list of values is too long.");
	for (int i = 0; i < parts->length; i++)
	{
		DigestItem *item = &parts->items[i];
		DigestItem *previous = i > 0 ? item - 1 : NULL;
		int64		count = DigestItemCount(item);
		bool		is_blurred = DigestItemIsBlurred(item);

		require(parts, isfinite(item->value),
				"A value of the list is NaN or infinite.");
		require(parts, count >= 1, "A count of the list is less than 1.");
		require(parts, !is_blurred || (count >= 2 && !is_exact),
				"An item of the list cannot be a mean of values.");
		require(parts, previous == NULL || previous->value < item->value ||
				(previous->value == item->value && is_blurred),
				"The values of the list do not ascend.");
		require(parts, !pg_add_s64_overflow(sum, count, &sum),
				"The counts of the list are out of range.");
	}
	require(parts, sum == parts->n,
			"The counts of the list do not add up to n.");
}

static void
check_moments(const SummaryParts *parts)
{
	require(parts, parts->n > 0,
			"A summary of no values has an empty list of counts.");
	require(parts, isfinite(parts->mean) && isfinite(parts->rest) &&
			parts->mean + parts->rest == parts->mean,
			"The mean is not a number in its normal form.");
	require(parts, isfinite(parts->sd) && parts->sd >= 0,
			"The standard deviation is not a number from 0 on.");
	require(parts, parts->n > 1 || (parts->has_sd && parts->sd == 0),
			"The standard deviation of one value is not 0.");
}

static void
check_range(const SummaryParts *parts)
{
	require(parts, isfinite(parts->minimum) && isfinite(parts->maximum) &&
			parts->minimum < parts->maximum,
			"Minimum and maximum are not two ascending numbers.");
	require(parts, parts->minimum <= parts->mean &&
			parts->mean <= parts->maximum,
			"The mean is not between minimum and maximum.");
	require(parts, parts->length > 0 &&
			parts->minimum <= parts->items[0].value &&
			parts->items[parts->length - 1].value <= parts->maximum,
			"The list is not between minimum and maximum.");
}

/* Bring zeros to one form: only 0 is stored, and it sorts as it compares. */
static void
normalise_zeros(SummaryParts *parts)
{
	parts->mean += 0.0;
	parts->rest += 0.0;
	parts->sd += 0.0;
	parts->minimum += 0.0;
	parts->maximum += 0.0;
	for (int i = 0; i < parts->length; i++)
		parts->items[i].value += 0.0;
}

static Summary *
summary_of_parts(SummaryParts *parts)
{
	SummaryMoments moments;
	uint8		flags = 0;

	if (parts->given & HAS_COUNTS)
		flags = SUMMARY_EXACT;
	else if (parts->given & HAS_DIGEST)
		flags = SUMMARY_DIGEST;

	require(parts, parts->version == SUMMARY_VERSION,
			"This version of the form is not known.");
	require(parts, parts->n >= 0 && parts->nonfinite >= 0,
			"A number of values is negative.");
	normalise_zeros(parts);
	if (flags)
		check_list(parts, flags == SUMMARY_EXACT);
	if (flags != SUMMARY_EXACT)
		check_moments(parts);
	if (flags == SUMMARY_DIGEST)
		check_range(parts);

	athar_moments_of_sd(parts->n, parts->mean, parts->rest, parts->sd,
						parts->has_sd, &moments);
	return athar_summary_pack(flags, parts->nonfinite, &moments,
							  parts->minimum, parts->maximum,
							  parts->items, parts->length, parts->n);
}

/* ---------- from JSON ---------- */

static const char *
number_text(const SummaryParts *parts, const JsonbValue *value)
{
	require(parts, value->type == jbvNumeric, "A number is expected.");
	return numeric_normalize(value->val.numeric);
}

static int64
json_count(const SummaryParts *parts, const JsonbValue *value)
{
	const char *text = number_text(parts, value);
	char	   *end;
	int64		count;

	errno = 0;
	count = strtoi64(text, &end, 10);
	require(parts, *end == '\0' && end != text &&errno == 0,
			"A number of values is not a whole number in range.");
	return count;
}

/* A number too small for double precision is refused as one too large. */
static double
json_number(const SummaryParts *parts, const JsonbValue *value)
{
	const char *text = number_text(parts, value);
	double		number;

	errno = 0;
	number = strtod(text, NULL);
	require(parts, errno == 0 || (number != 0 && isfinite(number)),
			"A number is out of range for double precision.");
	return number;
}

static void
next_number(const SummaryParts *parts, JsonbIterator **iterator,
			JsonbValue *value)
{
	require(parts, JsonbIteratorNext(iterator, value, false) == WJB_ELEM,
			"An item of a list is not a value and a count.");
}

/* One [value, count] or [value, count, true], its bracket read. */
static void
json_item(SummaryParts *parts, JsonbIterator **iterator)
{
	JsonbValue	value;
	JsonbIteratorToken token;
	DigestItem *item;
	bool		is_blurred;
	int64		count;

	require(parts, parts->length < DIGEST_STORED,
			"The list of values is too long.");
	item = &parts->items[parts->length++];

	next_number(parts, iterator, &value);
	item->value = json_number(parts, &value);
	next_number(parts, iterator, &value);
	count = json_count(parts, &value);
	require(parts, count >= 1, "A count of the list is less than 1.");

	token = JsonbIteratorNext(iterator, &value, false);
	is_blurred = token == WJB_ELEM;
	if (is_blurred)
	{
		require(parts, value.type == jbvBool && value.val.boolean,
				"Only true can follow a value and a count.");
		token = JsonbIteratorNext(iterator, &value, false);
	}
	require(parts, token == WJB_END_ARRAY,
			"An item of a list is not a value and a count.");
	item->weight = DigestWeight(count, is_blurred);
}

static void
json_list(SummaryParts *parts, JsonbIterator **iterator)
{
	JsonbValue	value;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(iterator, &value, false)) != WJB_END_ARRAY)
	{
		CHECK_FOR_INTERRUPTS();
		require(parts, token == WJB_BEGIN_ARRAY,
				"An item of a list is not a value and a count.");
		json_item(parts, iterator);
	}
}

static int
part_of_key(const SummaryParts *parts, const JsonbValue *key)
{
	static const struct
	{
		const char *key;
		int			part;
	}			known[] = {
		{"version", HAS_VERSION}, {"n", HAS_N}, {"nonfinite", HAS_NONFINITE},
		{"counts", HAS_COUNTS}, {"mean", HAS_MEAN}, {"mean_rest", HAS_REST},
		{"sd", HAS_SD}, {"min", HAS_MINIMUM}, {"max", HAS_MAXIMUM},
		{"digest", HAS_DIGEST}
	};

	for (int i = 0; i < lengthof(known); i++)
		if (strlen(known[i].key) == key->val.string.len &&
			memcmp(known[i].key, key->val.string.val,
				   key->val.string.len) == 0)
			return known[i].part;
	refuse(parts->sqlstate, "There is a key that summaries do not have.");
}

static void
json_scalar(SummaryParts *parts, int part, const JsonbValue *value)
{
	switch (part)
	{
		case HAS_VERSION:
			parts->version = json_count(parts, value);
			break;
		case HAS_N:
			parts->n = json_count(parts, value);
			break;
		case HAS_NONFINITE:
			parts->nonfinite = json_count(parts, value);
			break;
		case HAS_MEAN:
			parts->mean = json_number(parts, value);
			break;
		case HAS_REST:
			parts->rest = json_number(parts, value);
			break;
		case HAS_SD:
			parts->has_sd = value->type != jbvNull;
			if (parts->has_sd)
				parts->sd = json_number(parts, value);
			break;
		case HAS_MINIMUM:
			parts->minimum = json_number(parts, value);
			break;
		case HAS_MAXIMUM:
			parts->maximum = json_number(parts, value);
			break;
	}
}

static void
check_given(const SummaryParts *parts)
{
	int			form = parts->given & ANY_PARTS;

	require(parts, (parts->given & HAS_VERSION) && (parts->given & HAS_N),
			"The keys version and n must be there.");
	require(parts, form == EXACT_PARTS || form == MOMENT_PARTS ||
			form == DIGEST_PARTS,
			"The keys are those of no form of summary.");
	require(parts, !(parts->given & HAS_REST) || form != EXACT_PARTS,
			"The keys are those of no form of summary.");
}

static Summary *
summary_of_json(Jsonb *json)
{
	SummaryParts *parts = palloc0(sizeof(SummaryParts));
	JsonbIterator *iterator = JsonbIteratorInit(&json->root);
	JsonbIteratorToken token;
	JsonbValue	value;

	parts->sqlstate = ERRCODE_INVALID_TEXT_REPRESENTATION;
	require(parts,
			JsonbIteratorNext(&iterator, &value, false) == WJB_BEGIN_OBJECT,
			"A summary is a JSON object.");
	while (JsonbIteratorNext(&iterator, &value, false) == WJB_KEY)
	{
		int			part = part_of_key(parts, &value);
		bool		is_list = (part & (HAS_COUNTS | HAS_DIGEST)) != 0;

		parts->given |= part;
		token = JsonbIteratorNext(&iterator, &value, false);
		require(parts, token == (is_list ? WJB_BEGIN_ARRAY : WJB_VALUE),
				"A key has a value of the wrong kind.");
		if (is_list)
			json_list(parts, &iterator);
		else
			json_scalar(parts, part, &value);
	}
	check_given(parts);
	return summary_of_parts(parts);
}

/* ---------- to JSON ---------- */

static void
append_number(StringInfo text, const char *before, double number)
{
	char		digits[DOUBLE_SHORTEST_DECIMAL_LEN];

	double_to_shortest_decimal_buf(number, digits);
	appendStringInfo(text, "%s%s", before, digits);
}

static void
append_list(StringInfo text, const Distribution *distribution)
{
	for (int i = 0; i < distribution->length; i++)
	{
		const DigestItem *item = &distribution->items[i];

		append_number(text, i > 0 ? ",[" : "[", item->value);
		appendStringInfo(text, "," INT64_FORMAT "%s]", DigestItemCount(item),
						 DigestItemIsBlurred(item) ? ",true" : "");
	}
}

static void
append_moments(StringInfo text, const Summary *summary)
{
	SummaryMoments moments;

	(void) athar_summary_moments(summary, &moments);
	append_number(text, ",\"mean\":", moments.mean);
	if (moments.rest != 0)
		append_number(text, ",\"mean_rest\":", moments.rest);
	if (moments.has_sd)
		append_number(text, ",\"sd\":", moments.sd);
	else
		appendStringInfoString(text, ",\"sd\":null");
}

static char *
text_of_summary(const Summary *summary)
{
	StringInfoData text;
	Distribution distribution;

	initStringInfo(&text);
	appendStringInfo(&text, "{\"version\":%d,\"n\":" INT64_FORMAT,
					 SUMMARY_VERSION, summary->n);
	if (summary->nonfinite != 0)
		appendStringInfo(&text, ",\"nonfinite\":" INT64_FORMAT,
						 summary->nonfinite);
	distribution.length = 0;
	(void) athar_summary_distribution(summary, &distribution);
	if (!SummaryIsExact(summary))
		append_moments(&text, summary);
	if (SummaryIsDigest(summary))
	{
		append_number(&text, ",\"min\":", distribution.minimum);
		append_number(&text, ",\"max\":", distribution.maximum);
	}
	if (SummaryHasDistribution(summary))
	{
		appendStringInfo(&text, ",\"%s\":[",
						 SummaryIsExact(summary) ? "counts" : "digest");
		append_list(&text, &distribution);
		appendStringInfoChar(&text, ']');
	}
	appendStringInfoChar(&text, '}');
	return text.data;
}

/* Text in. */
PG_FUNCTION_INFO_V1(athar_summary_in);
Datum
athar_summary_in(PG_FUNCTION_ARGS)
{
	char	   *text = PG_GETARG_CSTRING(0);

	if (strlen(text) > LONGEST_TEXT)
		refuse(ERRCODE_INVALID_TEXT_REPRESENTATION,
			   "The text is longer than any summary.");
	PG_RETURN_SUMMARY_P(summary_of_json(DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)))));
}

/* Text out. */
PG_FUNCTION_INFO_V1(athar_summary_out);
Datum
athar_summary_out(PG_FUNCTION_ARGS)
{
	PG_RETURN_CSTRING(text_of_summary(PG_GETARG_SUMMARY_P(0)));
}

/* Cast to jsonb. */
PG_FUNCTION_INFO_V1(athar_summary_to_jsonb);
Datum
athar_summary_to_jsonb(PG_FUNCTION_ARGS)
{
	char	   *text = text_of_summary(PG_GETARG_SUMMARY_P(0));

	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

/* Cast from jsonb. */
PG_FUNCTION_INFO_V1(athar_summary_from_jsonb);
Datum
athar_summary_from_jsonb(PG_FUNCTION_ARGS)
{
	PG_RETURN_SUMMARY_P(summary_of_json(PG_GETARG_JSONB_P(0)));
}

/* ---------- binary ---------- */

/*
 * int16 version, int16 flags, int64 n, int64 nonfinite; unless exact float8
 * mean, rest, sd; if digest float8 minimum, maximum; int32 length, and as many
 * float8 values each followed by its int64 weight.  The width of weights is not sent.
 */
static int
binary_moments(int flags)
{
	if (flags & SUMMARY_EXACT)
		return 0;
	return flags & SUMMARY_DIGEST ? 5 : 3;
}

static void
require_bytes(const SummaryParts *parts, StringInfo message, int64 bytes)
{
	require(parts, message->len - message->cursor >= bytes,
			"The message is too short.");
}

static void
receive_moments(SummaryParts *parts, StringInfo message, int flags)
{
	if (flags & SUMMARY_EXACT)
		return;
	parts->mean = pq_getmsgfloat8(message);
	parts->rest = pq_getmsgfloat8(message);
	parts->sd = pq_getmsgfloat8(message);
	parts->has_sd = (flags & SUMMARY_NO_SD) == 0;
	require(parts, parts->has_sd || parts->sd == 0,
			"An unknown standard deviation is not sent as 0.");
	if (flags & SUMMARY_DIGEST)
	{
		parts->minimum = pq_getmsgfloat8(message);
		parts->maximum = pq_getmsgfloat8(message);
	}
}

static void
receive_list(SummaryParts *parts, StringInfo message)
{
	parts->length = pq_getmsgint(message, 4);
	require(parts, parts->length >= 0 && parts->length <= DIGEST_STORED,
			"The list of values is too long.");
	require_bytes(parts, message, (int64) parts->length * 16);
	for (int i = 0; i < parts->length; i++)
	{
		parts->items[i].value = pq_getmsgfloat8(message);
		parts->items[i].weight = (uint64) pq_getmsgint64(message);
	}
	require(parts, message->cursor == message->len,
			"The message is too long.");
}

/* Binary in. */
PG_FUNCTION_INFO_V1(athar_summary_recv);
Datum
athar_summary_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	SummaryParts *parts = palloc0(sizeof(SummaryParts));
	int			flags;

	parts->sqlstate = ERRCODE_INVALID_BINARY_REPRESENTATION;
	require_bytes(parts, message, 2 + 2 + 8 + 8 + 4);
	parts->version = pq_getmsgint(message, 2);
	require(parts, parts->version == SUMMARY_VERSION,
			"This version of the form is not known.");
	flags = pq_getmsgint(message, 2);
	require(parts, flags == SUMMARY_EXACT ||
			(flags & ~SUMMARY_NO_SD) == SUMMARY_DIGEST ||
			(flags & ~SUMMARY_NO_SD) == 0,
			"The flags are those of no form of summary.");
	parts->n = pq_getmsgint64(message);
	parts->nonfinite = pq_getmsgint64(message);
	require_bytes(parts, message, binary_moments(flags) * 8 + 4);
	receive_moments(parts, message, flags);
	receive_list(parts, message);
	require(parts, flags & (SUMMARY_EXACT | SUMMARY_DIGEST) ||
			parts->length == 0,
			"There is a list where none belongs.");
	if (flags & SUMMARY_EXACT)
		parts->given = EXACT_PARTS;
	else
		parts->given = flags & SUMMARY_DIGEST ? DIGEST_PARTS : MOMENT_PARTS;
	PG_RETURN_SUMMARY_P(summary_of_parts(parts));
}

/* Binary out. */
PG_FUNCTION_INFO_V1(athar_summary_send);
Datum
athar_summary_send(PG_FUNCTION_ARGS)
{
	Summary    *summary = PG_GETARG_SUMMARY_P(0);
	Distribution distribution;
	StringInfoData message;

	distribution.length = 0;
	(void) athar_summary_distribution(summary, &distribution);
	pq_begintypsend(&message);
	pq_sendint16(&message, SUMMARY_VERSION);
	pq_sendint16(&message, summary->flags & ~SUMMARY_WIDTH);
	pq_sendint64(&message, summary->n);
	pq_sendint64(&message, summary->nonfinite);
	for (int i = 0; i < binary_moments(summary->flags); i++)
		pq_sendfloat8(&message, summary->data[i]);
	pq_sendint32(&message, distribution.length);
	for (int i = 0; i < distribution.length; i++)
	{
		pq_sendfloat8(&message, distribution.items[i].value);
		pq_sendint64(&message, (int64) distribution.items[i].weight);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}
