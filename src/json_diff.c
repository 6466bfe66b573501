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

#include "image.h"
#include "json_value.h"
#include "json_same.h"
#include "json_pointer.h"

/* Pairs of elements that are compared with each other. */
#define MOST_PAIRS 4000000

typedef struct diffing
{
	JsonbParseState *state;		/* of the patch */
	StringInfoData path;
	int			level;			/* of what is compared, from zero */
	athar_json_digests digests;
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

	run->level++;
	diff(run, a, b);
	run->level--;
	leave(run, length);
}

static bool
is_same(diffing *run, JsonbValue *a, JsonbValue *b)
{
	return athar_json_same_at(&run->digests, run->level, a, b);
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

typedef struct element
{
	JsonbValue *value;
	uint64		digest;
	int			place;			/* those of b follow those of a */
} element;

static int
by_digest(const void *a, const void *b)
{
	const element *left = a;
	const element *right = b;

	if (left->digest != right->digest)
		return left->digest < right->digest ? -1 : 1;
	return left->place - right->place;
}

/* Which of the elements before one is the same, or it. */
static int
first_same(const element *sorted, int place)
{
	for (int i = place - 1; i >= 0 && sorted[i].digest == sorted[place].digest;
		 i--)
	{
		if (athar_json_same(sorted[i].value, sorted[place].value))
			return i;
	}
	return place;
}

/*
 * Numbers for the elements of two arrays, the same for equal ones, so that
 * each is compared with one other and not with all.
 */
static int *
number_elements(diffing *run, JsonbValue *a, int a_count, JsonbValue *b,
				int b_count)
{
	int			count = a_count + b_count;
	element    *sorted = palloc(sizeof(element) * count);
	int		   *numbers = palloc(sizeof(int) * count);

	for (int i = 0; i < count; i++)
	{
		sorted[i].value = i < a_count ? &a[i] : &b[i - a_count];
		sorted[i].digest = athar_json_digest(&run->digests, sorted[i].value);
		sorted[i].place = i;
	}
	qsort(sorted, count, sizeof(element), by_digest);
	for (int i = 0; i < count; i++)
	{
		int			same = first_same(sorted, i);

		CHECK_FOR_INTERRUPTS();
		numbers[sorted[i].place] =
			same < i ? numbers[sorted[same].place] : i;
	}
	pfree(sorted);
	return numbers;
}

/*
 * For each element of a, the one of b that it stays, or -1: a longest common
 * subsequence.
 */
static int *
match(diffing *run, JsonbValue *a, int a_count, JsonbValue *b, int b_count)
{
	int		   *partner = palloc(sizeof(int) * Max(a_count, 1));
	int		   *numbers;
	int		   *b_numbers;
	int		   *length;
	int			width = b_count + 1;
	int			j = 0;

	for (int i = 0; i < a_count; i++)
		partner[i] = -1;
	if (a_count == 0 || b_count == 0 ||
		(int64) a_count * b_count > MOST_PAIRS)
		return partner;
	numbers = number_elements(run, a, a_count, b, b_count);
	b_numbers = numbers + a_count;
	length = palloc0(sizeof(int) * (a_count + 1) * width);
	for (int i = a_count - 1; i >= 0; i--)
	{
		CHECK_FOR_INTERRUPTS();
		for (j = b_count - 1; j >= 0; j--)
			length[i * width + j] = numbers[i] == b_numbers[j]
				? length[(i + 1) * width + j + 1] + 1
				: Max(length[(i + 1) * width + j], length[i * width + j + 1]);
	}
	j = 0;
	for (int i = 0; i < a_count && j < b_count;)
	{
		if (numbers[i] == b_numbers[j])
			partner[i++] = j++;
		else if (length[(i + 1) * width + j] >= length[i * width + j + 1])
			i++;
		else
			j++;
	}
	pfree(length);
	pfree(numbers);
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

	while (place < a_count && place < b_count &&
		   is_same(run, &a[place], &b[place]))
		place++;
	a += place;
	b += place;
	a_count -= place;
	b_count -= place;
	while (a_count > 0 && b_count > 0 &&
		   is_same(run, &a[a_count - 1], &b[b_count - 1]))
	{
		a_count--;
		b_count--;
	}
	partner = match(run, a, a_count, b, b_count);
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
	if (is_same(run, a, b))
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
