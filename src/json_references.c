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

typedef struct named_item
{
	char	   *id;
	JsonbValue	value;
} named_item;

typedef struct document
{
	JsonbValue	root;
	List	   *references;		/* of one rule, by path */
	named_item *targets;		/* what they may name, by id */
	int			target_count;
} document;

static int
compare_targets(const void *a, const void *b)
{
	return strcmp(((const named_item *) a)->id, ((const named_item *) b)->id);
}

/* The member that tells apart the items of the list at a path. */
const char *
athar_merge_key(athar_merge *run, List *names)
{
	athar_rule *rule = athar_merge_rule(run, names);

	return rule && rule->kind == ATHAR_RULE_KEYED ? rule->key : DEFAULT_KEY;
}

static JsonbValue *
member_at(JsonbValue *value, List *names)
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
	JsonbValue *list = member_at(&side->root, rule->target);
	const char *key = athar_merge_key(run, rule->target);
	JsonbValue *unused;
	JsonbValue *values;
	int			count = 0;

	side->target_count = 0;
	if (list != NULL && athar_json_is_array(list))
		count = athar_json_parts(list, &unused, &values);
	side->targets = palloc(sizeof(named_item) * Max(count, 1));
	for (int i = 0; i < count; i++)
	{
		char	   *id = athar_merge_id(&values[i], key);

		if (id != NULL)
			side->targets[side->target_count++] = (named_item)
		{
			id, values[i]
		};
	}
	qsort(side->targets, side->target_count, sizeof(named_item), compare_targets);
}

static named_item *
find_target(const document *side, const char *id)
{
	named_item	wanted = {.id = unconstify(char *, id)};

	return bsearch(&wanted, side->targets, side->target_count, sizeof(named_item),
				   compare_targets);
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
		? athar_merge_id(&values[i], athar_merge_key(run, names))
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

static bool
has_reference(const document *side, const reference * wanted)
{
	int			low = 0;
	int			high = list_length(side->references);

	while (low < high)
	{
		int			middle = low + (high - low) / 2;
		const		reference *one = list_nth(side->references, middle);
		int			order = strcmp(one->path, wanted->path);

		if (order == 0)
			order = strcmp(one->to, wanted->to);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

/* Is the reference there, and leads to nothing already? */
static bool
is_dangling_in(const document *side, const reference * one)
{
	return find_target(side, one->to) == NULL && has_reference(side, one);
}

static JsonbValue *
find_value(athar_merge *run, JsonbValue *value, List *names, int depth)
{
	for (; value != NULL && depth < list_length(names); depth++)
	{
		const char *name = list_nth(names, depth);
		const char *key;
		JsonbValue *unused;
		JsonbValue *values;
		int			count;

		if (athar_json_is_object(value))
		{
			value = athar_merge_member(value, name);
			continue;
		}
		if (!athar_json_is_array(value))
			return NULL;
		key = athar_merge_key(run, list_copy_head(names, depth));
		count = athar_json_parts(value, &unused, &values);
		value = NULL;
		for (int i = 0; i < count && value == NULL; i++)
		{
			char	   *id = athar_merge_id(&values[i], key);

			if (id != NULL && strcmp(id, name) == 0)
				value = &values[i];
		}
	}
	return value;
}

/* The value that a path of names and ids leads to, or NULL. */
JsonbValue *
athar_merge_value_at(athar_merge *run, JsonbValue *value, List *names)
{
	return find_value(run, value, names, 0);
}

/* The same of a document whose items are indexed. */
static JsonbValue *
value_in(athar_merge *run, document *side, athar_rule *rule, List *names)
{
	int			depth = list_length(rule->target);
	named_item *item;

	for (int i = 0; i < depth && i < list_length(names); i++)
	{
		if (strcmp(list_nth(names, i), list_nth(rule->target, i)) != 0)
			return find_value(run, &side->root, names, 0);
	}
	if (list_length(names) <= depth)
		return find_value(run, &side->root, names, 0);
	item = find_target(side, list_nth(names, depth));
	return item ? find_value(run, &item->value, names, depth + 1) : NULL;
}

/*
 * What to do about it
 */

typedef struct settlement
{
	athar_merge *run;
	athar_rule *rule;
	document   *documents;		/* base, ours, theirs, merged */
	List	   *paths;			/* of conflicts there are already, sorted */
	Jsonb	   *merged;			/* with what was decided */
	bool		is_changed;
} settlement;

#define MERGED 3

static int
compare_texts(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

/* Is a value, or what holds it, in conflict already?  That comes first. */
static bool
is_in_conflict(List *paths, List *names)
{
	for (int depth = 0; depth <= list_length(names); depth++)
	{
		char	   *path = athar_merge_path(list_copy_head(names, depth));
		int			low = 0;
		int			high = list_length(paths);

		while (low < high)
		{
			int			middle = low + (high - low) / 2;
			int			order = strcmp(list_nth(paths, middle), path);

			if (order == 0)
				return true;
			if (order < 0)
				low = middle + 1;
			else
				high = middle;
		}
	}
	return false;
}

static void
change(settlement *work, List *names, JsonbValue *value)
{
	work->merged = athar_answer_put(work->run, work->merged, names, value);
	work->is_changed = true;
}

/* Which document a decision takes; NULL where it is a value of its own. */
static document *
chosen(const settlement *work, const athar_answer *answer)
{
	return answer->side == ATHAR_ANSWER_VALUE
	? NULL : &work->documents[answer->side];
}

static JsonbValue *
without_ids(JsonbValue *set, List *ids)
{
	JsonbParseState *state = NULL;
	JsonbValue *unused;
	JsonbValue *values;
	int			count = athar_json_parts(set, &unused, &values);

	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < count; i++)
	{
		ListCell   *cell;
		bool		is_out = false;

		foreach(cell, ids)
			is_out = is_out ||
			athar_json_same(&values[i], athar_merge_text(lfirst(cell)));
		if (!is_out)
			pushJsonbValue(&state, WJB_ELEM, &values[i]);
	}
	return pushJsonbValue(&state, WJB_END_ARRAY, NULL);
}

/*
 * The side that has what is referred to has it again in the merged document;
 * the side that took it away takes away the reference, too.
 */
static void
settle_dangling(settlement *work, List *names, List *ids,
				const athar_answer *answer)
{
	document   *side = chosen(work, answer);
	JsonbValue *now = value_in(work->run, &work->documents[MERGED],
							   work->rule, names);
	List	   *dropped = NIL;
	ListCell   *cell;

	if (side == NULL)
	{
		change(work, names, answer->value);
		return;
	}
	foreach(cell, ids)
	{
		if (find_target(side, lfirst(cell)) == NULL)
		{
			dropped = lappend(dropped, lfirst(cell));
			continue;
		}
		work->merged = athar_answer_restore(work->run, work->merged,
											&side->root, work->rule->target,
											lfirst(cell));
		work->is_changed = true;
	}
	if (dropped == NIL)
		return;
	if (now != NULL && athar_json_is_array(now))
		change(work, names, without_ids(now, dropped));
	else
		change(work, names, value_in(work->run, side, work->rule, names));
}

/* All items of the loop refer to what they refer to on the side chosen. */
static void
settle_loop(settlement *work, List *names, List *ids,
			const athar_answer *answer)
{
	document   *side = chosen(work, answer);
	ListCell   *cell;

	if (side == NULL)
	{
		change(work, names, answer->value);
		return;
	}
	foreach(cell, ids)
	{
		List	   *path = list_copy_head(names, list_length(names) - 2);

		if (find_target(side, lfirst(cell)) == NULL)
			continue;
		path = lappend(path, lfirst(cell));
		path = lappend(path, llast(names));
		change(work, path, value_in(work->run, side, work->rule, path));
	}
}

/* Settle a conflict as it was decided, or else note it. */
static void
settle(settlement *work, List *names, const char *kind, List *ids)
{
	athar_sides sides = {
		value_in(work->run, &work->documents[0], work->rule, names),
		value_in(work->run, &work->documents[1], work->rule, names),
		value_in(work->run, &work->documents[2], work->rule, names)
	};
	athar_answer *answer = athar_answer_find(work->run, names, kind, &sides,
											 ids);

	if (answer !=NULL && !answer->is_applied)
	{
		/* once: what comes of it is another conflict */
		answer	  ->is_applied = true;

		if (strcmp(kind, "cycle") == 0)
			settle_loop(work, names, ids, answer);
		else
			settle_dangling(work, names, ids, answer);
	}
	else if (!is_in_conflict(work->paths, names))
		athar_merge_note(work->run, names, kind, &sides, "ids", ids);
}

static void
find_dangling(settlement *work)
{
	document   *merged = &work->documents[MERGED];
	ListCell   *cell;
	reference  *last = NULL;
	List	   *ids = NIL;

	foreach(cell, merged->references)
	{
		reference  *one = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		if (find_target(merged, one->to) != NULL ||
			is_dangling_in(&work->documents[1], one) ||
			is_dangling_in(&work->documents[2], one))
			continue;
		if (ids && strcmp(last->path, one->path) != 0)
		{
			settle(work, last->names, "dangling", ids);
			ids = NIL;
		}
		last = one;
		ids = lappend(ids, one->to);
	}
	if (ids)
		settle(work, last->names, "dangling", ids);
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
tell_loop(settlement *work, const referring *sides, List *loop)
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
	settle(work, first->names, "cycle", ids);
}

static void
find_loops(settlement *work)
{
	referring	sides[2] = {
		by_from(&work->documents[1]), by_from(&work->documents[2])
	};
	referring	merged = by_from(&work->documents[MERGED]);
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
		tell_loop(work, sides, loop);
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

/* One look at the references of a rule; true where something was changed. */
static bool
check_rule(athar_merge *run, athar_rule *rule, document *documents,
		   List *paths, Jsonb **merged)
{
	settlement	work = {
		.run = run,.rule = rule,.documents = documents,.paths = paths,
		.merged = *merged
	};

	athar_json_value_of(*merged, &documents[MERGED].root);
	for (int i = 0; i <= MERGED; i++)
	{
		look_through(run, &documents[i], rule);
		list_sort(documents[i].references, compare_references);
	}
	find_dangling(&work);
	if (is_within_list(rule))
		find_loops(&work);
	*merged = work.merged;
	return work.is_changed;
}

/*
 * Find what the merge left dangling, and loops that it closed.  What was
 * decided about them is done, and what came of that is looked at again: each
 * decision is done once, so that comes to an end.
 */
Jsonb *
athar_merge_references(athar_merge *run, Jsonb *merged, athar_sides *sides)
{
	document	documents[] = {
		{.root = *sides->base}, {.root = *sides->ours},
		{.root = *sides->theirs}, {.references = NIL}
	};
	List	   *conflicts = run->conflicts;
	List	   *paths = run->paths;
	Size		told = run->told;
	bool		is_changed;

	list_sort(paths, compare_texts);
	do
	{
		ListCell   *cell;

		is_changed = false;
		run->paths = NIL;
		run->told = told;
		run->conflicts = list_copy(conflicts);
		foreach(cell, run->rules)
		{
			athar_rule *rule = lfirst(cell);

			if (rule->kind == ATHAR_RULE_REF || rule->kind == ATHAR_RULE_REFSET)
				is_changed |= check_rule(run, rule, documents, paths, &merged);
		}
	} while (is_changed);
	return merged;
}
