/*
 * json_merge.c
 *	  Two versions of a JSON document, made of the same base, into one.
 *
 * What only one side changed is taken from it; what both changed in the same
 * way is taken once; what they changed in different ways is a conflict, in
 * which the merged document keeps what the base has.  So the outcome does not
 * depend on who came first: with the sides exchanged the conflicts name them
 * the other way round, and nothing else differs.
 *
 * Objects are maps, merged member by member.  Which arrays are lists of items,
 * sets or single values is declared by rules; an array that no rule names is a
 * list if every item of every side has an id of its own, and else one value.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"

#include "image.h"
#include "json_value.h"
#include "json_pointer.h"
#include "json_merge.h"

#define DEFAULT_KEY "id"
/* Of the paths of conflicts; their list could not be stored with more. */
#define MOST_BYTES ((Size) 0x0FFFFFFF)

/*
 * Values
 */

JsonbValue *
athar_merge_text(const char *text)
{
	JsonbValue *value = palloc(sizeof(JsonbValue));

	value->type = jbvString;
	value->val.string.val = pstrdup(text);
	value->val.string.len = strlen(text);
	return value;
}

JsonbValue *
athar_merge_member(const JsonbValue *object, const char *name)
{
	if (object == NULL || !athar_json_is_object(object))
		return NULL;
	return getKeyJsonValueFromContainer(object->val.binary.data, name,
										strlen(name), NULL);
}

static char *
text_of(JsonbValue *value)
{
	Jsonb	   *document = JsonbValueToJsonb(value);
	char	   *text = JsonbToCString(NULL, &document->root, VARSIZE(document));

	pfree(document);
	return text;
}

/* Of two spellings of one value: the longer one, and then any, but always it. */
static JsonbValue *
spelling(JsonbValue *a, JsonbValue *b)
{
	char	   *a_text;
	char	   *b_text;
	int			longer;

	/* there are several only of numbers */
	if (a == NULL || (a->type != jbvBinary && a->type != jbvNumeric))
		return a;
	a_text = text_of(a);
	b_text = text_of(b);
	longer = strlen(a_text) - strlen(b_text);
	if (longer == 0)
		longer = strcmp(a_text, b_text);
	pfree(a_text);
	pfree(b_text);
	return longer >= 0 ? a : b;
}

/*
 * Rules
 */

static bool
is_matching(List *pattern, List *names)
{
	ListCell   *p;
	ListCell   *n;

	if (list_length(pattern) != list_length(names))
		return false;
	forboth(p, pattern, n, names)
	{
		if (strcmp(lfirst(p), "*") != 0 && strcmp(lfirst(p), lfirst(n)) != 0)
			return false;
	}
	return true;
}

/* The rule for the value at a path, or NULL. */
athar_rule *
athar_merge_rule(athar_merge *run, List *names)
{
	ListCell   *cell;

	foreach(cell, run->rules)
	{
		athar_rule *rule = lfirst(cell);

		if (is_matching(rule->pattern, names))
			return rule;
	}
	return NULL;
}

static void
refuse_rule(const char *path, const char *kind)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("\"%s\": \"%s\" is no rule for a merge", path, kind),
			 errdetail("Nothing was merged."),
			 errhint("A rule is a path such as /items or /items/*/parent, and one of keyed:KEY, set, atomic, ref:PATH, refset:PATH.")));
}

static List *
names_of(const char *path, const char *rule_path, const char *rule)
{
	athar_json_pointer pointer;
	List	   *names = NIL;

	if (!athar_json_pointer_parse(path, &pointer))
		refuse_rule(rule_path, rule);
	for (int i = 0; i < pointer.count; i++)
		names = lappend(names, pointer.tokens[i]);
	return names;
}

static const char *
after(const char *text, const char *prefix)
{
	int			length = strlen(prefix);

	return strncmp(text, prefix, length) == 0 ? text +length : NULL;
}

static athar_rule *
parse_rule(const char *path, const char *text)
{
	athar_rule *rule = palloc0(sizeof(athar_rule));
	const char *rest;

	rule->pattern = names_of(path, path, text);
	if (strcmp(text, "set") == 0)
		rule->kind = ATHAR_RULE_SET;
	else if (strcmp(text, "atomic") == 0)
		rule->kind = ATHAR_RULE_ATOMIC;
	else if ((rest = after(text, "keyed:")) != NULL && *rest)
	{
		rule->kind = ATHAR_RULE_KEYED;
		rule->key = pstrdup(rest);
	}
	else if ((rest = after(text, "ref:")) != NULL ||
			 (rest = after(text, "refset:")) != NULL)
	{
		rule->kind = after(text, "ref:") ? ATHAR_RULE_REF : ATHAR_RULE_REFSET;
		rule->target = names_of(rest, path, text);
	}
	else
		refuse_rule(path, text);
	return rule;
}

static List *
parse_rules(Jsonb *document)
{
	JsonbValue	rules;
	JsonbValue *names;
	JsonbValue *values;
	List	   *parsed = NIL;
	int			count;

	athar_json_value_of(document, &rules);
	if (!athar_json_is_object(&rules))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rules for a merge are an object of paths"),
				 errdetail("Nothing was merged."),
				 errhint("Such as {\"/items\": \"keyed:id\"}.")));
	count = athar_json_parts(&rules, &names, &values);
	for (int i = 0; i < count; i++)
	{
		char	   *path = pnstrdup(names[i].val.string.val,
									names[i].val.string.len);

		if (values[i].type != jbvString)
			refuse_rule(path, text_of(&values[i]));
		parsed = lappend(parsed,
						 parse_rule(path,
									pnstrdup(values[i].val.string.val,
											 values[i].val.string.len)));
	}
	return parsed;
}

/*
 * Conflicts
 */

char *
athar_merge_path(List *names)
{
	StringInfoData path;
	ListCell   *cell;

	initStringInfo(&path);
	foreach(cell, names)
		athar_json_pointer_append(&path, lfirst(cell));
	return path.data;
}

static void
push_member(JsonbParseState **state, const char *name, JsonbValue *value)
{
	if (value == NULL)
		return;
	pushJsonbValue(state, WJB_KEY, athar_merge_text(name));
	pushJsonbValue(state, WJB_VALUE, value);
}

/* Deep places have long names; a few bytes in them could want all memory. */
static void
count_path(athar_merge *run, const char *path)
{
	run->told += strlen(path);
	if (run->told > MOST_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("the conflicts of a merge are too many to be told"),
				 errdetail("The paths of %d of them take more than %zu bytes. Nothing was merged.",
						   list_length(run->conflicts), MOST_BYTES),
				 errhint("Merge the parts of the documents that differ one by one.")));
}

/* Write a conflict down; list names the member that the texts are. */
void
athar_merge_note(athar_merge *run, List *names, const char *kind,
				 const athar_sides *sides, const char *list, List *texts)
{
	char	   *path = athar_merge_path(names);
	JsonbValue	place = {.type = jbvString};
	JsonbParseState *state = NULL;
	ListCell   *cell;

	count_path(run, path);
	place.val.string.val = path;
	place.val.string.len = strlen(path);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	push_member(&state, "path", &place);
	push_member(&state, "kind", athar_merge_text(kind));
	push_member(&state, "base", sides->base);
	push_member(&state, "ours", sides->ours);
	push_member(&state, "theirs", sides->theirs);
	if (texts)
	{
		pushJsonbValue(&state, WJB_KEY, athar_merge_text(list));
		pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
		foreach(cell, texts)
			pushJsonbValue(&state, WJB_ELEM, athar_merge_text(lfirst(cell)));
		pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	}
	run->conflicts = lappend(run->conflicts,
							 pushJsonbValue(&state, WJB_END_OBJECT, NULL));
	run->paths = lappend(run->paths, path);
}

static JsonbValue *
disagree(athar_merge *run, athar_sides *sides, const char *kind, List *fields)
{
	athar_answer *answer = athar_answer_find(run, run->names, kind, sides, NIL);

	if (answer !=NULL)
		return athar_answer_choice(answer, sides);
	athar_merge_note(run, run->names, kind, sides, "fields", fields);
	return sides->base;
}

/*
 * Maps
 */

typedef struct map_side
{
	int			count;
	int			next;
	JsonbValue *names;
	JsonbValue *values;
} map_side;

static void
open_map(map_side *side, const JsonbValue *map)
{
	*side = (map_side)
	{
		0
	};
	if (map)
		side->count = athar_json_parts(map, &side->names, &side->values);
}

static bool
is_before(const JsonbValue *a, const JsonbValue *b)
{
	return athar_image_compare(a->val.string.val, a->val.string.len,
							   b->val.string.val, b->val.string.len) < 0;
}

/* Its values are only pointed to by what has been merged, or copied. */
static void
close_map(map_side *side)
{
	if (side->names == NULL)
		return;
	pfree(side->names);
	pfree(side->values);
}

/* The next name of any side, or NULL. */
static JsonbValue *
next_name(map_side *sides, int count)
{
	JsonbValue *first = NULL;

	for (int i = 0; i < count; i++)
	{
		if (sides[i].next < sides[i].count &&
			(first == NULL ||
			 is_before(&sides[i].names[sides[i].next], first)))
			first = &sides[i].names[sides[i].next];
	}
	return first;
}

/* A side's value of that name, or NULL. */
static JsonbValue *
take_member(map_side *side, const JsonbValue *name)
{
	if (side->next == side->count ||
		is_before(name, &side->names[side->next]))
		return NULL;
	return &side->values[side->next++];
}

/*
 * A value as a part of what is stored later.  What was pushed would be pushed
 * again by every level above it; a part is only pointed to.
 */
JsonbValue
athar_merge_part(JsonbValue *value)
{
	JsonbParseState *state = NULL;

	if (value->type != jbvBinary)
		return *value;
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	pushJsonbValue(&state, WJB_ELEM, value);
	return pushJsonbValue(&state, WJB_END_ARRAY, NULL)->val.array.elems[0];
}

static JsonbValue *
merge_maps(athar_merge *run, athar_sides *maps)
{
	JsonbValue *result = palloc0(sizeof(JsonbValue));
	map_side	sides[3];
	JsonbValue *name;
	int			room;

	open_map(&sides[0], maps->base);
	open_map(&sides[1], maps->ours);
	open_map(&sides[2], maps->theirs);
	/* one side mostly has all the names there are */
	room = Max(Max(sides[1].count, sides[2].count), 1);
	result->type = jbvObject;
	result->val.object.pairs = palloc(sizeof(JsonbPair) * room);
	while ((name = next_name(sides, lengthof(sides))) != NULL)
	{
		char	   *text = pnstrdup(name->val.string.val, name->val.string.len);
		athar_sides values;
		JsonbValue *merged;

		values.base = take_member(&sides[0], name);
		values.ours = take_member(&sides[1], name);
		values.theirs = take_member(&sides[2], name);
		run->names = lappend(run->names, text);
		merged = athar_merge_value(run, &values);
		run->names = list_delete_last(run->names);
		pfree(text);
		if (merged == NULL)
			continue;
		if (result->val.object.nPairs == room)
			result->val.object.pairs =
				repalloc(result->val.object.pairs,
						 sizeof(JsonbPair) * (room *= 2));
		/* they come in the order in which they are stored */
		result->val.object.pairs[result->val.object.nPairs++] = (JsonbPair)
		{
			.key = *name,.value = athar_merge_part(merged)
		};
	}
	for (int i = 0; i < lengthof(sides); i++)
		close_map(&sides[i]);
	return result;
}

/* The members in which one side differs from the base. */
static List *
changed_fields(const JsonbValue *base, const JsonbValue *side)
{
	map_side	sides[2];
	JsonbValue *name;
	List	   *fields = NIL;

	if (base == NULL || side == NULL || !athar_json_is_object(base) ||
		!athar_json_is_object(side))
		return NIL;
	open_map(&sides[0], base);
	open_map(&sides[1], side);
	while ((name = next_name(sides, lengthof(sides))) != NULL)
	{
		JsonbValue *was = take_member(&sides[0], name);

		if (!athar_json_same(was, take_member(&sides[1], name)))
			fields = lappend(fields, pnstrdup(name->val.string.val,
											  name->val.string.len));
	}
	return fields;
}

/*
 * Sets
 */

typedef struct element
{
	Jsonb	   *document;
	JsonbValue *value;
	char	   *text;			/* of what was added, to sort by */
	int			side;			/* 0 base, 1 ours, 2 theirs */
	int			place;
} element;

static int
by_value(const void *a, const void *b)
{
	const element *left = a;
	const element *right = b;
	int			order = compareJsonbContainers(&left->document->root,
											   &right->document->root);

	if (order == 0)
		order = left->side - right->side;
	return order != 0 ? order : left->place - right->place;
}

static int
by_place(const void *a, const void *b)
{
	return ((const element *) a)->place - ((const element *) b)->place;
}

static int
by_text(const void *a, const void *b)
{
	return strcmp(((const element *) a)->text, ((const element *) b)->text);
}

static int
gather(element *elements, int count, int side, const JsonbValue *set)
{
	JsonbValue *unused;
	JsonbValue *values;
	int			size = set ? athar_json_parts(set, &unused, &values) : 0;

	for (int i = 0; i < size; i++)
	{
		element    *one = &elements[count + i];

		CHECK_FOR_INTERRUPTS();
		one->value = &values[i];
		one->document = JsonbValueToJsonb(&values[i]);
		one->side = side;
		one->place = i;
	}
	return count + size;
}

static int
size_of(const JsonbValue *set)
{
	return set ? JsonContainerSize(set->val.binary.data) : 0;
}

/*
 * An element that one side took out stays out, one that one side put in comes
 * in.  Those of the base keep their order; the others follow, sorted.
 */
static JsonbValue *
merge_sets(athar_sides *sets)
{
	int			room = size_of(sets->base) + size_of(sets->ours) +
	size_of(sets->theirs);
	element    *all = palloc(sizeof(element) * Max(room, 1));
	element    *kept = palloc(sizeof(element) * Max(room, 1));
	element    *added = palloc(sizeof(element) * Max(room, 1));
	int			kept_count = 0;
	int			added_count = 0;
	int			count;
	JsonbParseState *state = NULL;

	count = gather(all, 0, 0, sets->base);
	count = gather(all, count, 1, sets->ours);
	count = gather(all, count, 2, sets->theirs);
	qsort(all, count, sizeof(element), by_value);
	for (int i = 0, next; i < count; i = next)
	{
		bool		is_in[3] = {false};
		element		one = all[i];

		for (next = i; next < count &&
			 compareJsonbContainers(&all[next].document->root,
									&all[i].document->root) == 0; next++)
		{
			is_in[all[next].side] = true;
			if (!is_in[0])
				one.value = spelling(one.value, all[next].value);
		}
		if (is_in[0] && is_in[1] && is_in[2])
			kept[kept_count++] = one;
		else if (!is_in[0])
			added[added_count++] = one;
	}
	qsort(kept, kept_count, sizeof(element), by_place);
	for (int i = 0; i < added_count; i++)
		added[i].text = text_of(added[i].value);
	qsort(added, added_count, sizeof(element), by_text);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < kept_count; i++)
		pushJsonbValue(&state, WJB_ELEM, kept[i].value);
	for (int i = 0; i < added_count; i++)
		pushJsonbValue(&state, WJB_ELEM, added[i].value);
	return pushJsonbValue(&state, WJB_END_ARRAY, NULL);
}

/* Does a set hold what its base does not? */
static bool
has_additions(JsonbValue *base, JsonbValue *set)
{
	/* as if the other side had removed all: what is left was put in */
	athar_sides sides = {.base = base,.ours = set};
	Jsonb	   *left = JsonbValueToJsonb(merge_sets(&sides));

	return JB_ROOT_COUNT(left) > 0;
}

/*
 * Values of any kind
 */

static bool
is_map(const athar_sides *sides)
{
	return (sides->base == NULL || athar_json_is_object(sides->base)) &&
		athar_json_is_object(sides->ours) &&
		athar_json_is_object(sides->theirs);
}

static bool
is_array(const athar_sides *sides)
{
	return (sides->base == NULL || athar_json_is_array(sides->base)) &&
		athar_json_is_array(sides->ours) &&
		athar_json_is_array(sides->theirs);
}

static bool
is_set(const athar_rule *rule)
{
	return rule != NULL && (rule->kind == ATHAR_RULE_SET ||
							rule->kind == ATHAR_RULE_REFSET);
}

/* One side took the value away, the other one changed it. */
static JsonbValue *
merge_removal(athar_merge *run, athar_sides *sides, const athar_rule *rule)
{
	JsonbValue *left = sides->ours ? sides->ours : sides->theirs;

	if (is_set(rule) && athar_json_is_array(sides->base) &&
		athar_json_is_array(left) && !has_additions(sides->base, left))
		return NULL;
	return disagree(run, sides, sides->ours ? "edit/delete" : "delete/edit",
					changed_fields(sides->base, left));
}

static const char *
key_of(const athar_rule *rule, const athar_sides *sides)
{
	if (rule != NULL)
		return rule->kind == ATHAR_RULE_KEYED ? rule->key : NULL;
	if ((sides->base == NULL ||
		 athar_merge_has_ids(sides->base, DEFAULT_KEY)) &&
		athar_merge_has_ids(sides->ours, DEFAULT_KEY) &&
		athar_merge_has_ids(sides->theirs, DEFAULT_KEY))
		return DEFAULT_KEY;
	return NULL;
}

static bool
is_same(athar_merge *run, JsonbValue *a, JsonbValue *b)
{
	return athar_json_same_at(&run->digests, list_length(run->names), a, b);
}

/* The merged value at the present path, or NULL where it is gone. */
JsonbValue *
athar_merge_value(athar_merge *run, athar_sides *sides)
{
	athar_rule *rule;
	const char *key;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (is_same(run, sides->ours, sides->theirs))
		return is_same(run, sides->ours, sides->base)
			? sides->base : spelling(sides->ours, sides->theirs);
	if (is_same(run, sides->ours, sides->base))
		return sides->theirs;
	if (is_same(run, sides->theirs, sides->base))
		return sides->ours;

	rule = athar_merge_rule(run, run->names);
	if (sides->ours == NULL || sides->theirs == NULL)
		return merge_removal(run, sides, rule);
	if (is_map(sides) && (rule == NULL || rule->kind != ATHAR_RULE_ATOMIC))
		return merge_maps(run, sides);
	if (is_array(sides))
	{
		if (is_set(rule))
			return merge_sets(sides);
		key = key_of(rule, sides);
		if (key != NULL)
			return athar_merge_lists(run, sides, key);
	}
	return disagree(run, sides, sides->base ? "edit/edit" : "add/add", NIL);
}

static Jsonb *
conflicts_of(athar_merge *run)
{
	JsonbParseState *state = NULL;
	ListCell   *cell;

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	foreach(cell, run->conflicts)
		pushJsonbValue(&state, WJB_ELEM, lfirst(cell));
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_ARRAY, NULL));
}

/* Merge two versions of a document. */
PG_FUNCTION_INFO_V1(athar_json_merge3);
Datum
athar_json_merge3(PG_FUNCTION_ARGS)
{
	athar_merge run = {.rules = parse_rules(PG_GETARG_JSONB_P(3))};
	JsonbValue	values[3];
	athar_sides sides = {&values[0], &values[1], &values[2]};
	Jsonb	   *merged;
	TupleDesc	descriptor;
	Datum		result[2];
	bool		nulls[2] = {false};

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	for (int i = 0; i < lengthof(values); i++)
		athar_json_value_of(PG_GETARG_JSONB_P(i), &values[i]);
	athar_answers_read(&run, PG_GETARG_JSONB_P(4));
	merged = JsonbValueToJsonb(athar_merge_value(&run, &sides));
	merged = athar_answers_apply(&run, merged, &sides, "invalid");
	merged = athar_merge_references(&run, merged, &sides);
	result[0] = JsonbPGetDatum(merged);
	result[1] = JsonbPGetDatum(conflicts_of(&run));
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(descriptor),
													  result, nulls)));
}
