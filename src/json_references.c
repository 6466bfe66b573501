/*
 * json_references.c
 *	  What a merge did to references between the items of a document.
 *
 * Each side is whole in itself, and still the two together may refer to what
 * is gone, or make an item stand below itself.  Both are found in the merged
 * document, and told as conflicts only if neither side has the like: what was
 * wrong before is not the merge's doing.
 */
#include "athar.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "json_value.h"
#include "json_merge.h"

#define DEFAULT_KEY "id"

/* One reference: the value at a path names an item. */
typedef struct reference
{
	List	   *names;			/* the path */
	char	   *path;
	char	   *from;			/* the item that refers, if the path is in a
								 * list */
	char	   *to;
}			reference;

typedef struct document
{
	JsonbValue	root;
	List	   *references;		/* of one rule */
	char	  **ids;			/* of its target, sorted */
	int			id_count;
} document;

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static const char *
key_at(athar_merge *run, List *names)
{
	athar_rule *rule = athar_merge_rule(run, names);

	return rule && rule->kind == ATHAR_RULE_KEYED ? rule->key : DEFAULT_KEY;
}

static JsonbValue *
value_at(JsonbValue *value, List *names)
{
	ListCell   *cell;

	foreach(cell, names)
		value = athar_merge_member(value, lfirst(cell));
	return value;
}

/* The ids of the items that a rule's references may name. */
static void
find_targets(athar_merge *run, document *side, athar_rule *rule)
{
	JsonbValue *list = value_at(&side->root, rule->target);
	JsonbValue *unused;
	JsonbValue *values;
	int			count = 0;

	side->id_count = 0;
	if (list != NULL && athar_json_is_array(list))
		count = athar_json_parts(list, &unused, &values);
	side->ids = palloc(sizeof(char *) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		char	   *id = athar_merge_id(&values[i], key_at(run, rule->target));

		if (id != NULL)
			side->ids[side->id_count++] = id;
	}
	qsort(side->ids, side->id_count, sizeof(char *), compare_ids);
}

static bool
has_target(const document *side, const char *id)
{
	return bsearch(&id, side->ids, side->id_count, sizeof(char *),
				   compare_ids) != NULL;
}

static void
add_reference(document *side, List *names, const char *from,
			  const JsonbValue *value)
{
	reference  *one = palloc(sizeof(reference));

	if (value->type == jbvString)
		one->to = pnstrdup(value->val.string.val, value->val.string.len);
	else if (value->type == jbvNumeric)
		one->to = numeric_normalize(value->val.numeric);
	else
		return;
	one->names = list_copy(names);
	one->path = athar_merge_path(names);
	one->from = from ? pstrdup(from) : NULL;
	side->references = lappend(side->references, one);
}

static void find_references(athar_merge *run, document *side,
							athar_rule *rule, int depth, List *names,
							const char *from, JsonbValue *value);

static void
find_below(athar_merge *run, document *side, athar_rule *rule, int depth,
		   List *names, const char *from, JsonbValue *value)
{
	JsonbValue *keys;
	JsonbValue *values;
	const char *wanted = list_nth(rule->pattern, depth);
	bool		is_list = athar_json_is_array(value);
	int			count;

	if (!is_list && !athar_json_is_object(value))
		return;
	count = athar_json_parts(value, &keys, &values);
	for (int i = 0; i < count; i++)
	{
		char	   *name = is_list
		? athar_merge_id(&values[i], key_at(run, names))
		: pnstrdup(keys[i].val.string.val, keys[i].val.string.len);

		CHECK_FOR_INTERRUPTS();
		if (name == NULL || (strcmp(wanted, "*") != 0 &&
							 strcmp(wanted, name) != 0))
			continue;
		find_references(run, side, rule, depth + 1,
						lappend(list_copy(names), name),
						is_list ? name : from, &values[i]);
	}
}

/* What the value at a path refers to, once it is a path of the rule. */
static void
find_references(athar_merge *run, document *side, athar_rule *rule, int depth,
				List *names, const char *from, JsonbValue *value)
{
	JsonbValue *unused;
	JsonbValue *values;
	int			count;

	check_stack_depth();
	if (depth < list_length(rule->pattern))
	{
		find_below(run, side, rule, depth, names, from, value);
		return;
	}
	if (rule->kind == ATHAR_RULE_REF)
	{
		add_reference(side, names, from, value);
		return;
	}
	if (!athar_json_is_array(value))
		return;
	count = athar_json_parts(value, &unused, &values);
	for (int i = 0; i < count; i++)
		add_reference(side, names, from, &values[i]);
}

static void
look_through(athar_merge *run, document *side, athar_rule *rule)
{
	side->references = NIL;
	find_targets(run, side, rule);
	find_references(run, side, rule, 0, NIL, NULL, &side->root);
}

static int
compare_references(const ListCell *a, const ListCell *b)
{
	const		reference *left = lfirst(a);
	const		reference *right = lfirst(b);
	int			order = strcmp(left->path, right->path);

	return order != 0 ? order : strcmp(left->to, right->to);
}

/* Is the reference there, and leads to nothing already? */
static bool
is_dangling_in(const document *side, const reference * one)
{
	ListCell   *cell;

	if (has_target(side, one->to))
		return false;
	foreach(cell, side->references)
	{
		const		reference *other = lfirst(cell);

		if (strcmp(other->to, one->to) == 0 &&
			strcmp(other->path, one->path) == 0)
			return true;
	}
	return false;
}

/* The value that a path of names and ids leads to, or NULL. */
static JsonbValue *
value_of_path(athar_merge *run, JsonbValue *value, List *names)
{
	List	   *above = NIL;
	ListCell   *cell;

	foreach(cell, names)
	{
		JsonbValue *unused;
		JsonbValue *values;
		JsonbValue *found = NULL;
		int			count;

		if (value == NULL)
			return NULL;
		if (!athar_json_is_array(value))
			found = athar_merge_member(value, lfirst(cell));
		else
		{
			count = athar_json_parts(value, &unused, &values);
			for (int i = 0; i < count && found == NULL; i++)
			{
				char	   *id = athar_merge_id(&values[i], key_at(run, above));

				if (id != NULL && strcmp(id, lfirst(cell)) == 0)
					found = &values[i];
			}
		}
		above = lappend(above, lfirst(cell));
		value = found;
	}
	return value;
}

/*
 * Each search lists all items on its way, and there may be as many conflicts
 * as items: only what is found is kept.
 */
static void
note(athar_merge *run, document *documents, List *names, const char *kind,
	 List *ids)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "athar merge search",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	JsonbValue	values[3];
	JsonbValue *found[3];
	athar_sides sides;

	for (int i = 0; i < lengthof(values); i++)
	{
		found[i] = value_of_path(run, &documents[i].root, names);
		if (found[i] == NULL)
			continue;
		values[i] = *found[i];
		found[i] = &values[i];
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	sides = (athar_sides)
	{
		found[0], found[1], found[2]
	};
	athar_merge_note(run, names, kind, &sides, "ids", ids);
}

/* documents: base, ours, theirs, merged. */
static void
find_dangling(athar_merge *run, document *documents)
{
	document   *merged = &documents[3];
	ListCell   *cell;
	reference  *last = NULL;
	List	   *ids = NIL;

	foreach(cell, merged->references)
	{
		reference  *one = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (has_target(merged, one->to) ||
			is_dangling_in(&documents[1], one) ||
			is_dangling_in(&documents[2], one))
			continue;
		if (ids && strcmp(last->path, one->path) != 0)
		{
			note(run, documents, last->names, "dangling", ids);
			ids = NIL;
		}
		last = one;
		ids = lappend(ids, one->to);
	}
	if (ids)
		note(run, documents, last->names, "dangling", ids);
}

/*
 * Loops
 */

static int
compare_from(const void *a, const void *b)
{
	return strcmp((*(reference * const *) a)->from,
				  (*(reference * const *) b)->from);
}

/* The references of a document by the item that refers. */
typedef struct referring
{
	reference **sorted;
	int			count;
} referring;

static referring
by_from(const document *side)
{
	referring	result = {0};
	ListCell   *cell;

	result.sorted = palloc(sizeof(reference *) *
						   Max(list_length(side->references), 1));
	foreach(cell, side->references)
	{
		if (((reference *) lfirst(cell))->from != NULL)
			result.sorted[result.count++] = lfirst(cell);
	}
	qsort(result.sorted, result.count, sizeof(reference *), compare_from);
	return result;
}

/* Which of them is an item's, or -1. */
static int
find_from(const referring *side, char *id)
{
	reference	key = {.from = id};
	reference  *wanted = &key;
	reference **found = bsearch(&wanted, side->sorted, side->count,
								sizeof(reference *), compare_from);

	return found ? found - side->sorted : -1;
}

/* Does a side have all the references of a loop? */
static bool
has_loop(const referring *side, List *loop)
{
	ListCell   *cell;

	foreach(cell, loop)
	{
		reference  *one = lfirst(cell);
		int			same = find_from(side, one->from);

		if (same < 0 || strcmp(side->sorted[same]->to, one->to) != 0)
			return false;
	}
	return true;
}

/* Tell of a loop once, from the first of its ids on. */
static void
note_loop(athar_merge *run, document *documents, const referring *sides,
		  List *loop)
{
	List	   *ids = NIL;
	ListCell   *cell;
	reference  *first = linitial(loop);
	int			begin = 0;

	if (has_loop(&sides[0], loop) || has_loop(&sides[1], loop))
		return;
	foreach(cell, loop)
	{
		reference  *one = lfirst(cell);

		if (strcmp(one->from, first->from) < 0)
		{
			first = one;
			begin = foreach_current_index(cell);
		}
	}
	for (int i = 0; i < list_length(loop); i++)
		ids = lappend(ids, ((reference *) list_nth(loop, (begin + i) % list_length(loop)))->from);
	note(run, documents, first->names, "cycle", ids);
}

static void
find_loops(athar_merge *run, document *documents)
{
	referring	sides[2] = {by_from(&documents[1]), by_from(&documents[2])};
	referring	merged = by_from(&documents[3]);
	int		   *seen = palloc0(sizeof(int) * Max(merged.count, 1));

	/* each walk has a number; one that meets its own steps has found a loop */
	for (int start = 0; start < merged.count; start++)
	{
		int			at = start;
		int			step;
		List	   *loop = NIL;

		CHECK_FOR_INTERRUPTS();
		while (at >= 0 && seen[at] == 0)
		{
			seen[at] = start + 1;
			at = find_from(&merged, merged.sorted[at]->to);
		}
		if (at < 0 || seen[at] != start + 1)
			continue;
		step = at;
		do
		{
			CHECK_FOR_INTERRUPTS();
			loop = lappend(loop, merged.sorted[step]);
			step = find_from(&merged, merged.sorted[step]->to);
		} while (step != at);
		note_loop(run, documents, sides, loop);
		list_free(loop);
	}
}

/* Are the references between items of one list? */
static bool
is_within_list(const athar_rule *rule)
{
	int			depth = list_length(rule->target);

	if (rule->kind != ATHAR_RULE_REF ||
		list_length(rule->pattern) != depth + 2 ||
		strcmp(list_nth(rule->pattern, depth), "*") != 0)
		return false;
	for (int i = 0; i < depth; i++)
	{
		if (strcmp(list_nth(rule->pattern, i), list_nth(rule->target, i)) != 0)
			return false;
	}
	return true;
}

/* Find what the merge left dangling, and loops that it closed. */
void
athar_merge_check_references(athar_merge *run, Jsonb *merged,
							 athar_sides *sides)
{
	document	documents[4] = {
		{.root = *sides->base}, {.root = *sides->ours}, {.root = *sides->theirs}
	};
	ListCell   *cell;

	athar_json_value_of(merged, &documents[3].root);
	foreach(cell, run->rules)
	{
		athar_rule *rule = lfirst(cell);

		if (rule->kind != ATHAR_RULE_REF && rule->kind != ATHAR_RULE_REFSET)
			continue;
		for (int i = 0; i < lengthof(documents); i++)
			look_through(run, &documents[i], rule);
		list_sort(documents[3].references, compare_references);
		find_dangling(run, documents);
		if (is_within_list(rule))
			find_loops(run, documents);
	}
}
