/*
 * json_answer.c
 *	  What somebody decided about the conflicts of an earlier merge.
 *
 * An answer is a conflict as a merge told it, and which side is to hold.  It
 * holds for that conflict alone: where any side has changed since, the answer
 * is to a question that nobody asks any more, and the new conflict is told.
 *
 * Decisions about references change the merged document, in which alone such
 * conflicts are found; all others are taken while the sides are merged.
 */
#include "athar.h"

#include "miscadmin.h"

#include "image.h"
#include "json_value.h"
#include "json_pointer.h"
#include "json_merge.h"

static void
refuse_answer(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("answers are an array of conflicts, each with a resolution"),
			 errdetail("Nothing was merged."),
			 errhint("Add \"resolution\" to conflicts as json_merge3() told them: \"ours\", \"theirs\", \"base\", or \"value\" with a \"value\".")));
}

static char *
text_member(const JsonbValue *object, const char *name)
{
	JsonbValue *member = athar_merge_member(object, name);

	if (member == NULL || member->type != jbvString)
		refuse_answer();
	return pnstrdup(member->val.string.val, member->val.string.len);
}

static athar_answer_side
side_of(const char *resolution)
{
	static const char *const names[] = {"base", "ours", "theirs", "value"};

	for (int i = 0; i < lengthof(names); i++)
	{
		if (strcmp(names[i], resolution) == 0)
			return i;
	}
	refuse_answer();
	return ATHAR_ANSWER_BASE;
}

static int
compare_answers(const void *a, const void *b)
{
	const athar_answer *left = a;
	const athar_answer *right = b;
	int			order = strcmp(left->path, right->path);

	return order != 0 ? order : strcmp(left->kind, right->kind);
}

/* Read the answers, an array of conflicts with what was decided. */
void
athar_answers_read(athar_merge *run, Jsonb *document)
{
	JsonbValue	list;
	JsonbValue *unused;
	JsonbValue *values;

	athar_json_value_of(document, &list);
	if (!athar_json_is_array(&list))
		refuse_answer();
	run->answer_count = athar_json_parts(&list, &unused, &values);
	run->answers = palloc0(sizeof(athar_answer) * Max(run->answer_count, 1));
	for (int i = 0; i < run->answer_count; i++)
	{
		athar_answer *given = &run->answers[i];

		CHECK_FOR_INTERRUPTS();
		if (!athar_json_is_object(&values[i]))
			refuse_answer();
		given->conflict = &values[i];
		given->path = text_member(&values[i], "path");
		given->kind = text_member(&values[i], "kind");
		given->side = side_of(text_member(&values[i], "resolution"));
		given->value = athar_merge_member(&values[i], "value");

		if (given->side == ATHAR_ANSWER_VALUE && given->value == NULL)
			refuse_answer();
	}
	qsort(run->answers, run->answer_count, sizeof(athar_answer),
		  compare_answers);
}

static bool
has_side(const athar_answer *answer, const char *name, JsonbValue *side)
{
	return athar_json_same(athar_merge_member(answer->conflict, name), side);
}

/* Does a list of texts say what the answered conflict's ids say? */
static bool
has_ids(const athar_answer *answer, List *ids)
{
	JsonbValue *told = athar_merge_member(answer->conflict, "ids");
	JsonbValue *unused;
	JsonbValue *values;

	if (told == NULL || !athar_json_is_array(told))
		return ids == NIL;
	if (athar_json_parts(told, &unused, &values) != list_length(ids))
		return false;
	for (int i = 0; i < list_length(ids); i++)
	{
		if (!athar_json_same(&values[i], athar_merge_text(list_nth(ids, i))))
			return false;
	}
	return true;
}

/*
 * The answer to a conflict, or NULL; ids are those of a conflict about
 * references.
 */
athar_answer *
athar_answer_find(athar_merge *run, List *names, const char *kind,
				  const athar_sides *sides, List *ids)
{
	athar_answer wanted = {.kind = unconstify(char *, kind)};
	int			low = 0;
	int			high = run->answer_count;

	if (run->answer_count == 0)
		return NULL;
	wanted.path = athar_merge_path(names);
	while (low < high)
	{
		int			middle = low + (high - low) / 2;

		if (compare_answers(&run->answers[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < run->answer_count &&
		 compare_answers(&run->answers[low], &wanted) == 0; low++)
	{
		athar_answer *answer = &run->answers[low];

		if (has_side(answer, "base", sides->base) &&
			has_side(answer, "ours", sides->ours) &&
			has_side(answer, "theirs", sides->theirs) && has_ids(answer, ids))
			return answer;
	}
	return NULL;
}

/* What the answer chooses of the sides; NULL where that side has nothing. */
JsonbValue *
athar_answer_choice(const athar_answer *answer, const athar_sides *sides)
{
	switch (answer->side)
	{
		case ATHAR_ANSWER_OURS:
			return sides->ours;
		case ATHAR_ANSWER_THEIRS:
			return sides->theirs;
		case ATHAR_ANSWER_BASE:
			return sides->base;
		case ATHAR_ANSWER_VALUE:
			break;
	}
	return answer->value;
}

/*
 * Changes of the merged document
 */

static JsonbValue *put_at(athar_merge *run, JsonbValue *value, List *names,
						  int depth, JsonbValue *replacement);

static JsonbValue *
put_member(athar_merge *run, JsonbValue *object, List *names, int depth,
		   JsonbValue *replacement)
{
	JsonbValue *result = palloc(sizeof(JsonbValue));
	const char *name = list_nth(names, depth);
	JsonbValue *keys;
	JsonbValue *values;
	JsonbValue *old = athar_merge_member(object, name);
	JsonbValue *member = put_at(run, old, names, depth + 1, replacement);
	int			count = athar_json_parts(object, &keys, &values);
	JsonbPair  *pairs = palloc(sizeof(JsonbPair) * (count + 1));
	int			place = 0;
	int			kept = 0;

	/* where the name stands among the others, or would */
	while (place < count &&
		   athar_image_compare(keys[place].val.string.val,
							   keys[place].val.string.len,
							   name, strlen(name)) < 0)
		place++;
	for (int i = 0; i <= count; i++)
	{
		if (i == place && member != NULL)
			pairs[kept++] = (JsonbPair)
		{
			.key = *athar_merge_text(name),.value = athar_merge_part(member)
		};
		if (i < count && (i != place || old == NULL))
			pairs[kept++] = (JsonbPair)
		{
			.key = keys[i],.value = athar_merge_part(&values[i])
		};
	}
	result->type = jbvObject;
	result->val.object.nPairs = kept;
	result->val.object.pairs = pairs;
	return result;
}

static JsonbValue *
put_item(athar_merge *run, JsonbValue *list, List *names, int depth,
		 JsonbValue *replacement)
{
	JsonbValue *result = palloc0(sizeof(JsonbValue));
	const char *key = athar_merge_key(run, list_copy_head(names, depth));
	JsonbValue *unused;
	JsonbValue *values;
	int			count = athar_json_parts(list, &unused, &values);

	result->type = jbvArray;
	result->val.array.elems = palloc(sizeof(JsonbValue) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		char	   *id = athar_merge_id(&values[i], key);
		JsonbValue *item = &values[i];

		CHECK_FOR_INTERRUPTS();
		if (id != NULL && strcmp(id, list_nth(names, depth)) == 0)
			item = put_at(run, item, names, depth + 1, replacement);
		if (item != NULL)
			result->val.array.elems[result->val.array.nElems++] =
				athar_merge_part(item);
	}
	return result;
}

static JsonbValue *
put_at(athar_merge *run, JsonbValue *value, List *names, int depth,
	   JsonbValue *replacement)
{
	check_stack_depth();
	if (depth == list_length(names))
		return replacement;
	if (value == NULL)
		return NULL;
	if (athar_json_is_object(value))
		return put_member(run, value, names, depth, replacement);
	if (athar_json_is_array(value))
		return put_item(run, value, names, depth, replacement);
	return value;
}

/* The document with another value at a path; NULL takes it out. */
Jsonb *
athar_answer_put(athar_merge *run, Jsonb *document, List *names,
				 JsonbValue *value)
{
	JsonbValue	root;

	athar_json_value_of(document, &root);
	return JsonbValueToJsonb(put_at(run, &root, names, 0, value));
}

static int
place_of(JsonbValue *values, int count, const char *key, const char *id)
{
	for (int i = 0; i < count; i++)
	{
		char	   *other = athar_merge_id(&values[i], key);

		if (other != NULL && strcmp(other, id) == 0)
			return i;
	}
	return -1;
}

/* The list with an item of another, behind what stands before it there. */
static JsonbValue *
restore_item(JsonbValue *list, JsonbValue *other, const char *key,
			 const char *id)
{
	JsonbParseState *state = NULL;
	JsonbValue *unused;
	JsonbValue *values;
	JsonbValue *others;
	int			count = athar_json_parts(list, &unused, &values);
	int			other_count = athar_json_parts(other, &unused, &others);
	int			source = place_of(others, other_count, key, id);
	int			before = -1;

	if (source < 0 || place_of(values, count, key, id) >= 0)
		return list;
	for (int i = source - 1; i >= 0 && before < 0; i--)
		before = place_of(values, count, key, athar_merge_id(&others[i], key));
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = -1; i < count; i++)
	{
		if (i >= 0)
			pushJsonbValue(&state, WJB_ELEM, &values[i]);
		if (i == before)
			pushJsonbValue(&state, WJB_ELEM, &others[source]);
	}
	return pushJsonbValue(&state, WJB_END_ARRAY, NULL);
}

/* The document with an item that a side has in the same list. */
Jsonb *
athar_answer_restore(athar_merge *run, Jsonb *document, JsonbValue *side,
					 List *list_names, const char *id)
{
	JsonbValue	root;
	JsonbValue *list;
	JsonbValue *other = athar_merge_value_at(run, side, list_names);

	athar_json_value_of(document, &root);
	list = athar_merge_value_at(run, &root, list_names);
	if (list == NULL || other == NULL || !athar_json_is_array(list) ||
		!athar_json_is_array(other))
		return document;

	return athar_answer_put(run, document, list_names,
							restore_item(list, other,
										 athar_merge_key(run, list_names), id));
}

/* What was decided about single values, whatever the merge made of them. */
Jsonb *
athar_answers_apply(athar_merge *run, Jsonb *merged, athar_sides *documents,
					const char *kind)
{
	for (int i = 0; i < run->answer_count; i++)
	{
		athar_answer *answer = &run->answers[i];
		athar_json_pointer pointer;
		athar_sides sides;
		List	   *names = NIL;

		if (strcmp(answer->kind, kind) != 0)
			continue;
		if (!athar_json_pointer_parse(answer->path, &pointer))
			refuse_answer();
		for (int n = 0; n < pointer.count; n++)
			names = lappend(names, pointer.tokens[n]);
		sides.base = athar_merge_value_at(run, documents->base, names);
		sides.ours = athar_merge_value_at(run, documents->ours, names);
		sides.theirs = athar_merge_value_at(run, documents->theirs, names);
		if (names != NIL &&
			athar_answer_find(run, names, kind, &sides, NIL) == answer)
			merged = athar_answer_put(run, merged, names,
									  athar_answer_choice(answer, &sides));
	}
	return merged;
}
