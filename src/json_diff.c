/*
 * json_diff.c
 *	  What makes one JSON document of another, as a JSON patch (RFC 6902).
 *
 * Members of objects come sorted, so two objects are compared in one pass.
 * Elements of arrays are matched by a longest common subsequence of equal
 * ones; what lies between is changed in pairs, and the rest is removed or
 * added.  Of very long arrays that differ much only the ends are matched, and
 * the patch is longer than it need be, but as right.
 */
#include "athar.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "image.h"
#include "json_value.h"
#include "json_pointer.h"

/* Pairs of elements that are compared with each other. */
#define MOST_PAIRS 4000000

typedef struct diffing
{
	JsonbParseState *state;		/* of the patch */
	StringInfoData path;
} diffing;

static void diff(diffing *run, JsonbValue *a, JsonbValue *b);

static void
push_member(diffing *run, const char *name, JsonbValue *value)
{
	JsonbValue	key = {.type = jbvString};

	key.val.string.val = unconstify(char *, name);
	key.val.string.len = strlen(name);
	pushJsonbValue(&run->state, WJB_KEY, &key);
	pushJsonbValue(&run->state, WJB_VALUE, value);
}

static void
push_text(diffing *run, const char *name, const char *text)
{
	JsonbValue	value = {.type = jbvString};

	value.val.string.val = pstrdup(text);
	value.val.string.len = strlen(text);
	push_member(run, name, &value);
}

/* One operation at the present path; value is NULL where there is none. */
static void
emit(diffing *run, const char *op, JsonbValue *value)
{
	pushJsonbValue(&run->state, WJB_BEGIN_OBJECT, NULL);
	push_text(run, "op", op);
	push_text(run, "path", run->path.data);
	if (value)
		push_member(run, "value", value);
	pushJsonbValue(&run->state, WJB_END_OBJECT, NULL);
}

static int
enter(diffing *run, const char *token)
{
	int			length = run->path.len;

	athar_json_pointer_append(&run->path, token);
	return length;
}

static void
leave(diffing *run, int length)
{
	run->path.len = length;
	run->path.data[length] = '\0';
}

static void
emit_at(diffing *run, const char *token, const char *op, JsonbValue *value)
{
	int			length = enter(run, token);

	emit(run, op, value);
	leave(run, length);
}

static void
diff_at(diffing *run, const char *token, JsonbValue *a, JsonbValue *b)
{
	int			length = enter(run, token);

	diff(run, a, b);
	leave(run, length);
}

static char *
name_of(const JsonbValue *name)
{
	return pnstrdup(name->val.string.val, name->val.string.len);
}

static void
diff_objects(diffing *run, JsonbValue *a, JsonbValue *b)
{
	JsonbValue *a_names,
			   *b_names,
			   *a_values,
			   *b_values;
	int			a_count = athar_json_parts(a, &a_names, &a_values);
	int			b_count = athar_json_parts(b, &b_names, &b_values);
	int			i = 0;
	int			j = 0;

	while (i < a_count || j < b_count)
	{
		int			order = i == a_count ? 1 : j == b_count ? -1 :
		athar_image_compare(a_names[i].val.string.val,
							a_names[i].val.string.len,
							b_names[j].val.string.val,
							b_names[j].val.string.len);
		char	   *name = name_of(order > 0 ? &b_names[j] : &a_names[i]);

		CHECK_FOR_INTERRUPTS();
		if (order < 0)
			emit_at(run, name, "remove", NULL);
		else if (order > 0)
			emit_at(run, name, "add", &b_values[j]);
		else
			diff_at(run, name, &a_values[i], &b_values[j]);
		i += order <= 0;
		j += order >= 0;
		pfree(name);
	}
}

/* Numbers that are the same for equal values. */
static uint32 *
hashes_of(JsonbValue *values, int count)
{
	uint32	   *hashes = palloc(sizeof(uint32) * Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		Jsonb	   *value = JsonbValueToJsonb(&values[i]);

		CHECK_FOR_INTERRUPTS();
		hashes[i] = DatumGetUInt32(DirectFunctionCall1(jsonb_hash,
													   JsonbPGetDatum(value)));
		pfree(value);
	}
	return hashes;
}

/*
 * For each element of a, the one of b that it stays, or -1: a longest common
 * subsequence.
 */
static int *
match(JsonbValue *a, int a_count, JsonbValue *b, int b_count)
{
	int		   *partner = palloc(sizeof(int) * Max(a_count, 1));
	uint32	   *a_hashes;
	uint32	   *b_hashes;
	int		   *length;
	int			width = b_count + 1;
	int			j = 0;

	for (int i = 0; i < a_count; i++)
		partner[i] = -1;
	if (a_count == 0 || b_count == 0 ||
		(int64) a_count * b_count > MOST_PAIRS)
		return partner;
	a_hashes = hashes_of(a, a_count);
	b_hashes = hashes_of(b, b_count);
	length = palloc0(sizeof(int) * (a_count + 1) * width);
	for (int i = a_count - 1; i >= 0; i--)
	{
		CHECK_FOR_INTERRUPTS();
		for (j = b_count - 1; j >= 0; j--)
			length[i * width + j] =
				a_hashes[i] == b_hashes[j] && athar_json_same(&a[i], &b[j])
				? length[(i + 1) * width + j + 1] + 1
				: Max(length[(i + 1) * width + j], length[i * width + j + 1]);
	}
	j = 0;
	for (int i = 0; i < a_count && j < b_count;)
	{
		if (a_hashes[i] == b_hashes[j] && athar_json_same(&a[i], &b[j]))
			partner[i++] = j++;
		else if (length[(i + 1) * width + j] >= length[i * width + j + 1])
			i++;
		else
			j++;
	}
	pfree(length);
	return partner;
}

/* What stands between two matches: changed in pairs, the rest goes or comes. */
static int
diff_stretch(diffing *run, int place, JsonbValue *a, int a_count,
			 JsonbValue *b, int b_count)
{
	int			pairs = Min(a_count, b_count);
	char		token[16];

	for (int i = 0; i < pairs; i++)
	{
		snprintf(token, sizeof(token), "%d", place++);
		diff_at(run, token, &a[i], &b[i]);
	}
	for (int i = pairs; i < b_count; i++)
	{
		snprintf(token, sizeof(token), "%d", place++);
		emit_at(run, token, "add", &b[i]);
	}
	snprintf(token, sizeof(token), "%d", place);
	for (int i = pairs; i < a_count; i++)
		emit_at(run, token, "remove", NULL);
	return place;
}

static void
diff_arrays(diffing *run, JsonbValue *a_array, JsonbValue *b_array)
{
	JsonbValue *unused,
			   *a,
			   *b;
	int			a_count = athar_json_parts(a_array, &unused, &a);
	int			b_count = athar_json_parts(b_array, &unused, &b);
	int			place = 0;
	int			i = 0;
	int			j = 0;
	int		   *partner;

	while (place < a_count && place < b_count && athar_json_same(&a[place], &b[place]))
		place++;
	a += place;
	b += place;
	a_count -= place;
	b_count -= place;
	while (a_count > 0 && b_count > 0 &&
		   athar_json_same(&a[a_count - 1], &b[b_count - 1]))
	{
		a_count--;
		b_count--;
	}
	partner = match(a, a_count, b, b_count);
	for (int k = 0; k <= a_count; k++)
	{
		if (k < a_count && partner[k] < 0)
			continue;
		place = diff_stretch(run, place, a + i, k - i, b + j,
							 (k < a_count ? partner[k] : b_count) - j);
		if (k < a_count)
		{
			i = k + 1;
			j = partner[k] + 1;
			place++;
		}
	}
}

static void
diff(diffing *run, JsonbValue *a, JsonbValue *b)
{
	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (athar_json_same(a, b))
		return;
	if (athar_json_is_object(a) && athar_json_is_object(b))
		diff_objects(run, a, b);
	else if (athar_json_is_array(a) && athar_json_is_array(b))
		diff_arrays(run, a, b);
	else
		emit(run, "replace", b);
}

/* The patch that makes b of a. */
PG_FUNCTION_INFO_V1(athar_json_diff);
Datum
athar_json_diff(PG_FUNCTION_ARGS)
{
	diffing		run = {0};
	JsonbValue	a;
	JsonbValue	b;
	JsonbValue *patch;

	athar_json_value_of(PG_GETARG_JSONB_P(0), &a);
	athar_json_value_of(PG_GETARG_JSONB_P(1), &b);
	initStringInfo(&run.path);
	pushJsonbValue(&run.state, WJB_BEGIN_ARRAY, NULL);
	diff(&run, &a, &b);
	patch = pushJsonbValue(&run.state, WJB_END_ARRAY, NULL);
	PG_RETURN_JSONB_P(JsonbValueToJsonb(patch));
}
