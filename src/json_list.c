/*
 * json_list.c
 *	  Lists of items that each have an id, merged.
 *
 * Items are merged one by one, by id.  The order is merged apart from them: an
 * item that was moved is content neither of it nor of its neighbours.  Those
 * that nobody moved (outside the longest common subsequences of the base and
 * each side) stand still; every other item hangs after the nearest of these
 * that comes before it, on the side that put it there.
 */
#include "athar.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "order.h"
#include "json_value.h"
#include "json_merge.h"

enum
{
	BASE,
	OURS,
	THEIRS,
	SIDES
};

/* A run of items that one side put somewhere; of an item both agree on. */
#define AGREED SIDES
#define RUNS (SIDES + 1)

typedef struct list_item
{
	char	   *id;
	JsonbValue *values[SIDES];
	int			places[SIDES];	/* -1 where it is absent */
	JsonbValue *merged;
	bool		is_moved[SIDES];
	bool		is_stationary;
	int			anchor;			/* which stationary one it hangs after; 0:
								 * none */
	int			run;			/* which side put it there */
} list_item;

typedef struct list_merge
{
	athar_merge *merge;
	const char *key;
	list_item  *items;			/* by id */
	int			count;
	int			sizes[SIDES];
	list_item **orders[SIDES];	/* by place */
	list_item **stationary;		/* by anchor */
} list_merge;

/* The id of an item: a text, or a number as text; NULL if it has none. */
char *
athar_merge_id(const JsonbValue *item, const char *key)
{
	JsonbValue	id;

	if (!athar_json_is_object(item) ||
		getKeyJsonValueFromContainer(item->val.binary.data, key, strlen(key),
									 &id) == NULL)
		return NULL;
	if (id.type == jbvString)
		return pnstrdup(id.val.string.val, id.val.string.len);
	if (id.type == jbvNumeric)
		return numeric_normalize(id.val.numeric);
	return NULL;
}

static int
compare_ids(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

/* The ids of a list's items, or NULL if they are not all there and different. */
static char **
ids_of(const JsonbValue *values, int count, const char *key)
{
	char	  **ids = palloc(sizeof(char *) * Max(count, 1));
	char	  **sorted = palloc(sizeof(char *) * Max(count, 1));

	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		ids[i] = sorted[i] = athar_merge_id(&values[i], key);
		if (ids[i] == NULL)
			return NULL;
	}
	qsort(sorted, count, sizeof(char *), compare_ids);
	for (int i = 1; i < count; i++)
	{
		if (strcmp(sorted[i - 1], sorted[i]) == 0)
			return NULL;
	}
	pfree(sorted);
	return ids;
}

/* Is a value a list whose items have ids of their own? */
bool
athar_merge_has_ids(const JsonbValue *list, const char *key)
{
	JsonbValue *unused;
	JsonbValue *values;
	int			count;

	if (!athar_json_is_array(list))
		return false;
	count = athar_json_parts(list, &unused, &values);
	return ids_of(values, count, key) != NULL;
}

/*
 * Gathering
 */

typedef struct placed_id
{
	char	   *id;
	JsonbValue *value;
	int			side;
	int			place;
} placed_id;

static int
by_id(const void *a, const void *b)
{
	return strcmp(((const placed_id *) a)->id, ((const placed_id *) b)->id);
}

static int
gather(list_merge *run, const JsonbValue *list, int side, placed_id *placed,
	   int room)
{
	JsonbValue *unused;
	JsonbValue *values;
	char	  **ids;

	if (list == NULL)
		return 0;
	run->sizes[side] = athar_json_parts(list, &unused, &values);
	ids = ids_of(values, run->sizes[side], run->key);
	if (ids == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("items of \"%s\" do not all have a \"%s\" of their own",
						athar_merge_path(run->merge->names), run->key),
				 errdetail("Nothing was merged: it could not be told which item is which."),
				 errhint("Give every item another \"%s\".", run->key)));
	for (int i = 0; i < run->sizes[side]; i++)
		placed[room + i] = (placed_id)
	{
		ids[i], &values[i], side, i
	};
	return run->sizes[side];
}

static int
length_of(const JsonbValue *list)
{
	return list ? JsonContainerSize(list->val.binary.data) : 0;
}

static void
gather_all(list_merge *run, athar_sides *lists)
{
	int			total = length_of(lists->base) + length_of(lists->ours) +
	length_of(lists->theirs);
	placed_id  *placed = palloc(sizeof(placed_id) * Max(total, 1));
	int			count;

	run->items = palloc0(sizeof(list_item) * Max(total, 1));
	count = gather(run, lists->base, BASE, placed, 0);
	count += gather(run, lists->ours, OURS, placed, count);
	count += gather(run, lists->theirs, THEIRS, placed, count);
	qsort(placed, count, sizeof(placed_id), by_id);
	for (int i = 0; i < count; i++)
	{
		list_item  *item = &run->items[run->count - 1];

		if (i == 0 || strcmp(placed[i - 1].id, placed[i].id) != 0)
		{
			item = &run->items[run->count++];
			item->id = placed[i].id;
			item->places[BASE] = item->places[OURS] = item->places[THEIRS] = -1;
		}
		item->values[placed[i].side] = placed[i].value;
		item->places[placed[i].side] = placed[i].place;
	}
	for (int side = 0; side < SIDES; side++)
	{
		run->orders[side] = palloc(sizeof(list_item *) *
								   Max(run->sizes[side], 1));
		for (int i = 0; i < run->count; i++)
		{
			if (run->items[i].places[side] >= 0)
				run->orders[side][run->items[i].places[side]] = &run->items[i];
		}
	}
}

/*
 * Content
 */

static void
merge_item(list_merge *run, list_item *item)
{
	athar_sides sides = {
		item->values[BASE], item->values[OURS], item->values[THEIRS]
	};
	athar_merge *merge = run->merge;

	merge->names = lappend(merge->names, item->id);
	item->merged = athar_merge_value(merge, &sides);
	merge->names = list_delete_last(merge->names);
}

/* Those of the base in its order, then the others by their ids. */
static void
merge_items(list_merge *run)
{
	for (int i = 0; i < run->sizes[BASE]; i++)
		merge_item(run, run->orders[BASE][i]);
	for (int i = 0; i < run->count; i++)
	{
		if (run->items[i].places[BASE] < 0)
			merge_item(run, &run->items[i]);
	}
}

/*
 * Order
 */

static bool
is_everywhere(const list_item *item)
{
	return item->places[BASE] >= 0 && item->places[OURS] >= 0 &&
		item->places[THEIRS] >= 0;
}

/* Mark the items that one side moved among those that all have. */
static void
find_moves(list_merge *run, int side)
{
	int32	   *places = palloc(sizeof(int32) * Max(run->sizes[side], 1));
	list_item **common = palloc(sizeof(list_item *) * Max(run->sizes[side], 1));
	int			count = 0;
	bool	   *stays;

	for (int i = 0; i < run->sizes[side]; i++)
	{
		list_item  *item = run->orders[side][i];

		if (!is_everywhere(item))
			continue;
		places[count] = item->places[BASE];
		common[count++] = item;
	}
	stays = athar_order_stationary(places, count);
	for (int i = 0; i < count; i++)
		common[i]->is_moved[side] = !stays[i];
}

/* Number the stationary items from one; how many there are. */
static int
number_stationary(list_merge *run)
{
	int			count = 0;

	run->stationary = palloc(sizeof(list_item *) * (run->sizes[BASE] + 1));
	for (int i = 0; i < run->sizes[BASE]; i++)
	{
		list_item  *item = run->orders[BASE][i];

		item->is_stationary = is_everywhere(item) && item->merged &&
			!item->is_moved[OURS] && !item->is_moved[THEIRS];
		if (!item->is_stationary)
			continue;
		item->anchor = ++count;
		run->stationary[count] = item;
	}
	return count;
}

/* The stationary item before each place of a side. */
static int *
anchors_of(list_merge *run, int side)
{
	int		   *anchors = palloc(sizeof(int) * Max(run->sizes[side], 1));
	int			last = 0;

	for (int i = 0; i < run->sizes[side]; i++)
	{
		if (run->orders[side][i]->is_stationary)
			last = run->orders[side][i]->anchor;
		anchors[i] = last;
	}
	return anchors;
}

/* The id of what an item hangs after on a side, or null. */
static JsonbValue *
anchor_id(list_merge *run, const list_item *item, int side,
		  int *const *anchors)
{
	int			anchor = anchors[side][item->places[side]];
	JsonbValue *none;

	if (anchor > 0)
		return athar_merge_text(run->stationary[anchor]->id);
	none = palloc(sizeof(JsonbValue));
	none->type = jbvNull;
	return none;
}

/*
 * Both sides moved it, and to different places: it stays where it was, or
 * goes where somebody decided.
 */
static int
settle_moves(list_merge *run, list_item *item, int *const *anchors)
{
	athar_merge *merge = run->merge;
	athar_answer *answer;
	athar_sides sides = {
		anchor_id(run, item, BASE, anchors),
		anchor_id(run, item, OURS, anchors),
		anchor_id(run, item, THEIRS, anchors)
	};

	merge->names = lappend(merge->names, item->id);
	answer = athar_answer_find(merge, merge->names, "move/move", &sides, NIL);

	if (answer == NULL)
		athar_merge_note(merge, merge->names, "move/move", &sides, NULL, NIL);
	merge->names = list_delete_last(merge->names);
	if (answer !=NULL && answer->side == ATHAR_ANSWER_OURS)
		return OURS;
	if (answer !=NULL && answer->side == ATHAR_ANSWER_THEIRS)
		return THEIRS;
	return BASE;
}

/* Which of two sides has the item earlier, or AGREED. */
static int
earlier(const list_item *item, int *const *anchors)
{
	int			ours = anchors[OURS][item->places[OURS]];
	int			theirs = anchors[THEIRS][item->places[THEIRS]];

	return ours < theirs ? OURS : ours > theirs ? THEIRS : AGREED;
}

/* Where an item goes that does not stand still. */
static void
place_item(list_merge *run, list_item *item, int *const *anchors)
{
	int			side;

	if (is_everywhere(item))
	{
		item->run = !item->is_moved[THEIRS] ? OURS
			: !item->is_moved[OURS] ? THEIRS : earlier(item, anchors);
		if (item->is_moved[OURS] && item->is_moved[THEIRS] &&
			item->run != AGREED)
			item->run = settle_moves(run, item, anchors);
	}
	else if (item->places[BASE] >= 0)
		item->run = BASE;		/* deleted by one side, and still here */
	else if (item->places[OURS] >= 0 && item->places[THEIRS] >= 0)
		item->run = earlier(item, anchors);
	else
		item->run = item->places[OURS] >= 0 ? OURS : THEIRS;
	side = item->run == AGREED ? OURS : item->run;
	item->anchor = anchors[side][item->places[side]];
}

/*
 * A stretch between two stationary items: the runs that hang after the first,
 * each whole, in the order of their first ids.
 */
typedef struct stretch
{
	List	   *runs[RUNS];
} stretch;

static int
by_first_id(const void *a, const void *b)
{
	List	   *left = *(List *const *) a;
	List	   *right = *(List *const *) b;

	if (left == NIL || right == NIL)
		return (left == NIL) - (right == NIL);
	return strcmp(((list_item *) linitial(left))->id,
				  ((list_item *) linitial(right))->id);
}

static int
by_our_place(const ListCell *a, const ListCell *b)
{
	return ((list_item *) lfirst(a))->places[OURS] -
		((list_item *) lfirst(b))->places[OURS];
}

static int
by_item_id(const ListCell *a, const ListCell *b)
{
	return strcmp(((list_item *) lfirst(a))->id, ((list_item *) lfirst(b))->id);
}

/* Where both sides put the same items, but in another order: by id. */
static void
settle_agreed(List *items)
{
	ListCell   *cell;
	int			last = -1;

	list_sort(items, by_our_place);
	foreach(cell, items)
	{
		list_item  *item = lfirst(cell);

		if (item->places[THEIRS] < last)
		{
			list_sort(items, by_item_id);
			return;
		}
		last = item->places[THEIRS];
	}
}

static void
add_item(JsonbValue *list, const list_item *item)
{
	list->val.array.elems[list->val.array.nElems++] =
		athar_merge_part(item->merged);
}

static void
add_stretch(JsonbValue *list, stretch *between)
{
	ListCell   *cell;

	settle_agreed(between->runs[AGREED]);
	qsort(between->runs, RUNS, sizeof(List *), by_first_id);
	for (int i = 0; i < RUNS; i++)
	{
		foreach(cell, between->runs[i])
			add_item(list, lfirst(cell));
	}
}

static void
fill_stretches(list_merge *run, stretch *stretches, int *const *anchors)
{
	for (int i = 0; i < run->count; i++)
	{
		list_item  *item = &run->items[i];

		if (item->merged && !item->is_stationary)
			place_item(run, item, anchors);
	}
	for (int side = 0; side < SIDES; side++)
	{
		for (int i = 0; i < run->sizes[side]; i++)
		{
			list_item  *item = run->orders[side][i];
			List	  **runs = stretches[item->anchor].runs;

			if (item->merged == NULL || item->is_stationary)
				continue;
			if (item->run == side)
				runs[side] = lappend(runs[side], item);
			else if (item->run == AGREED && side == OURS)
				runs[AGREED] = lappend(runs[AGREED], item);
		}
	}
}

static JsonbValue *
put_in_order(list_merge *run)
{
	JsonbValue *list = palloc0(sizeof(JsonbValue));
	int		   *anchors[SIDES];
	stretch    *stretches;

	find_moves(run, OURS);
	find_moves(run, THEIRS);
	stretches = palloc0(sizeof(stretch) * (number_stationary(run) + 1));
	for (int side = 0; side < SIDES; side++)
		anchors[side] = anchors_of(run, side);
	fill_stretches(run, stretches, anchors);
	list->type = jbvArray;
	list->val.array.elems = palloc(sizeof(JsonbValue) * Max(run->count, 1));
	add_stretch(list, &stretches[0]);
	for (int i = 0; i < run->sizes[BASE]; i++)
	{
		list_item  *item = run->orders[BASE][i];

		if (!item->is_stationary)
			continue;
		add_item(list, item);
		add_stretch(list, &stretches[item->anchor]);
	}
	return list;
}

/* Three lists of items, told apart by their keys, into one. */
JsonbValue *
athar_merge_lists(athar_merge *merge, athar_sides *lists, const char *key)
{
	list_merge	run = {.merge = merge,.key = key};

	gather_all(&run, lists);
	merge_items(&run);
	return put_in_order(&run);
}
