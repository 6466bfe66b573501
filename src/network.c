/*
 * network.c
 *	  A plan as a network of items that wait for each other: the earliest and
 *	  latest days of each, and the loops in which nothing can begin.
 *
 * The critical path method (Kelley and Walker 1959): forward for the earliest
 * days, backward for the latest.  Paths are many more than items, so nothing
 * is enumerated: each pass sees every link once.  An item is two nodes, its
 * start and its finish.  What holds others starts before they do and finishes
 * after them, so waiting for it is waiting for all of them.
 *
 * The order comes from Tarjan's strongly connected components (1972), which
 * finds the loops on the way; with a stack of its own, so that no chain is too
 * long.  Nodes on a loop, and whatever waits for them, have no days.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/date.h"
#include "utils/memutils.h"

#define NEVER		PG_INT64_MIN	/* the day of what has none */
#define RESULTS		9

#define START(item)		(2 * (item))
#define FINISH(item)	(2 * (item) + 1)
#define ITEM(node)		((node) / 2)

/* Days are moments: the morning of a day; an item ends in the morning after. */
typedef struct Task
{
	int			parent;			/* -1: none */
	bool		is_group;		/* holds others */
	bool		is_dated;
	int64		start;			/* NEVER: none is given */
	int64		length;
	int64		first;			/* earliest start, for a group that of its
								 * parts */
	int64		last;			/* latest start, likewise */
	int64		slack;
} Task;

typedef struct Network
{
	int			count;
	Task	   *items;
	int			nodes;
	int64	   *offsets;		/* of the successors of each node */
	int		   *successors;
	int			delayed;		/* item that takes longer, -1: none */
	int64		delay;
	int		   *order;			/* nodes, successors first */
	int		   *component;		/* of each node: place of its first in order */
	int		   *sizes;			/* of each component */
	bool	   *is_blocked;
	int64	   *early;
	int64	   *late;
	int64		end;
} Network;

/* --- links -------------------------------------------------------------- */

typedef void (*Visit) (Network *network, int from, int to);

/* Go through all links but those that items wait by. */
static void
visit_structure(Network *network, Visit visit)
{
	for (int i = 0; i < network->count; i++)
	{
		int			parent = network->items[i].parent;

		visit(network, START(i), FINISH(i));
		if (parent < 0)
			continue;
		visit(network, START(parent), START(i));
		visit(network, FINISH(i), FINISH(parent));
	}
}

static void
visit_links(Network *network, ArrayType *waiting, ArrayType *awaited,
			Visit visit)
{
	int32	   *to = (int32 *) ARR_DATA_PTR(waiting);
	int32	   *from = (int32 *) ARR_DATA_PTR(awaited);
	int			links = ArrayGetNItems(ARR_NDIM(waiting), ARR_DIMS(waiting));

	visit_structure(network, visit);
	for (int i = 0; i < links; i++)
	{
		CHECK_FOR_INTERRUPTS();
		visit(network, FINISH(from[i] - 1), START(to[i] - 1));
	}
}

static void
count_link(Network *network, int from, int to)
{
	network->offsets[from]++;
}

/* Counted before, so the offsets end where the successors do. */
static void
add_link(Network *network, int from, int to)
{
	network->successors[--network->offsets[from]] = to;
}

static void
link_items(Network *network, ArrayType *waiting, ArrayType *awaited)
{
	int64		total = 0;

	network->offsets = palloc0((network->nodes + 1) * sizeof(int64));
	visit_links(network, waiting, awaited, count_link);
	for (int i = 0; i <= network->nodes; i++)
	{
		total += network->offsets[i];
		network->offsets[i] = total;
	}
	network->successors = MemoryContextAllocHuge(CurrentMemoryContext,
												 Max(total, 1) * sizeof(int));
	visit_links(network, waiting, awaited, add_link);
}

/* How long after the one moment the other is at the earliest. */
static int64
distance(const Network *network, int from, int to)
{
	int64		length = 0;

	if (from == START(ITEM(to)) && to == FINISH(ITEM(to)))
		length = network->items[ITEM(to)].length;
	if (network->delayed >= 0 && to == FINISH(network->delayed))
		length += network->delay;
	return length;
}

/* --- order and loops ---------------------------------------------------- */

/* Tarjan's walk, with the state that recursion would hold. */
typedef struct Walk
{
	int		   *path;			/* nodes being visited, with their next links */
	int64	   *next;
	int			depth;
	int		   *open;			/* nodes that have no component yet */
	int			opened;
	int		   *seen;			/* 0: not yet; else the order of visits */
	int		   *low;
	int			visits;
} Walk;

static void
enter(const Network *network, Walk *walk, int node)
{
	walk->path[walk->depth] = node;
	walk->next[walk->depth++] = network->offsets[node];
	walk->open[walk->opened++] = node;
	walk->seen[node] = walk->low[node] = ++walk->visits;
}

static void
close_component(Network *network, Walk *walk, int root, int *ordered)
{
	int			first = *ordered;
	int			node;

	do
	{
		node = walk->open[--walk->opened];
		network->component[node] = first;
		network->order[(*ordered)++] = node;
	} while (node != root);
	network->sizes[first] = *ordered - first;
}

static void
walk_from(Network *network, Walk *walk, int root, int *ordered)
{
	enter(network, walk, root);
	while (walk->depth > 0)
	{
		int			node = walk->path[walk->depth - 1];

		CHECK_FOR_INTERRUPTS();
		if (walk->next[walk->depth - 1] < network->offsets[node + 1])
		{
			int			next =
			network->successors[walk->next[walk->depth - 1]++];

			if (walk->seen[next] == 0)
				enter(network, walk, next);
			else if (network->component[next] < 0)
				walk->low[node] = Min(walk->low[node], walk->seen[next]);
			continue;
		}
		if (walk->low[node] == walk->seen[node])
			close_component(network, walk, node, ordered);
		if (--walk->depth > 0)
		{
			int			caller = walk->path[walk->depth - 1];

			walk->low[caller] = Min(walk->low[caller], walk->low[node]);
		}
	}
}

/* Put the nodes into an order in which successors come first. */
static void
order_nodes(Network *network)
{
	Size		size = Max(network->nodes, 1) * sizeof(int);
	Walk		walk = {
		.path = palloc(size),
		.next = palloc(Max(network->nodes, 1) * sizeof(int64)),
		.open = palloc(size),
		.seen = palloc0(size),
		.low = palloc(size)
	};
	int			ordered = 0;

	network->order = palloc(size);
	network->sizes = palloc0(size);
	network->component = palloc(size);
	for (int i = 0; i < network->nodes; i++)
		network->component[i] = -1;
	for (int i = 0; i < network->nodes; i++)
		if (walk.seen[i] == 0)
			walk_from(network, &walk, i, &ordered);
}

static bool
is_on_loop(const Network *network, int node)
{
	return network->sizes[network->component[node]] > 1;
}

/* The next node of the same component. */
static int
next_on_loop(const Network *network, int node)
{
	for (int64 i = network->offsets[node]; i < network->offsets[node + 1]; i++)
	{
		int			next = network->successors[i];

		if (network->component[next] == network->component[node])
			return next;
	}
	elog(ERROR, "a loop does not close");
	return -1;					/* keep the compiler quiet */
}

/*
 * A loop of a component: its items (places from 1), each followed by one that
 * it waits for, from the one that stands first in the plan back to it.  marks
 * holds zeros, one for each node of the network, where nobody has been.
 */
static ArrayType *
find_loop(const Network *network, int node, int *marks)
{
	Datum	   *places;
	Datum	   *turned;
	int			first = 0;
	int			count = 0;
	int			end;

	for (; marks[node] == 0; node = next_on_loop(network, node))
	{
		CHECK_FOR_INTERRUPTS();
		marks[node] = 1;
	}
	end = node;
	places = palloc((network->sizes[network->component[node]] + 1) *
					sizeof(Datum));
	do
	{
		if (count == 0 ||
			DatumGetInt32(places[count - 1]) != ITEM(node) + 1)
			places[count++] = Int32GetDatum(ITEM(node) + 1);
		node = next_on_loop(network, node);
	} while (node != end);
	if (count > 1 && places[count - 1] == places[0])
		count--;
	for (int i = 1; i < count; i++)
		if (DatumGetInt32(places[i]) < DatumGetInt32(places[first]))
			first = i;
	/* against the links, which lead to what waits */
	turned = palloc((count + 1) * sizeof(Datum));
	for (int i = 0; i <= count; i++)
		turned[i] = places[(first - i + 2 * count) % count];
	return construct_array(turned, count + 1, INT4OID, sizeof(int32), true,
						   TYPALIGN_INT);
}

/* --- days --------------------------------------------------------------- */

/* A group begins with its first part, and has as little time to lose. */
static void
tell_parent(Network *network, int item)
{
	Task	   *part = &network->items[item];
	Task	   *group = part->parent < 0 ? NULL : &network->items[part->parent];

	if (group == NULL || part->first == NEVER)
		return;
	if (group->first == NEVER)
	{
		group->first = part->first;
		group->last = part->last;
		group->slack = part->slack;
	}
	group->first = Min(group->first, part->first);
	group->last = Min(group->last, part->last);
	group->slack = Min(group->slack, part->slack);
}

static void
find_earliest(Network *network)
{
	network->early = palloc(Max(network->nodes, 1) * sizeof(int64));
	network->is_blocked = palloc0(Max(network->nodes, 1) * sizeof(bool));
	network->end = NEVER;
	for (int i = 0; i < network->count; i++)
	{
		network->early[START(i)] = network->items[i].start;
		network->early[FINISH(i)] = NEVER;
	}
	for (int i = network->nodes - 1; i >= 0; i--)
	{
		int			node = network->order[i];

		network->is_blocked[node] |= is_on_loop(network, node);
		for (int64 j = network->offsets[node]; j < network->offsets[node + 1]; j++)
		{
			int			next = network->successors[j];

			CHECK_FOR_INTERRUPTS();
			network->is_blocked[next] |= network->is_blocked[node];
			if (network->early[node] != NEVER)
				network->early[next] =
					Max(network->early[next], network->early[node] +
						distance(network, node, next));
		}
		if (!network->is_blocked[node] && node == FINISH(ITEM(node)))
			network->end = Max(network->end, network->early[node]);
	}
}

static void
find_latest(Network *network)
{
	network->late = palloc(Max(network->nodes, 1) * sizeof(int64));
	for (int i = 0; i < network->nodes; i++)
	{
		int			node = network->order[i];

		network->late[node] = network->end;
		for (int64 j = network->offsets[node]; j < network->offsets[node + 1]; j++)
		{
			int			next = network->successors[j];

			CHECK_FOR_INTERRUPTS();
			if (!network->is_blocked[next] && network->end != NEVER)
				network->late[node] =
					Min(network->late[node], network->late[next] -
						distance(network, node, next));
		}
	}
}

/* What is told of each item: parts before what holds them. */
static void
conclude(Network *network)
{
	for (int i = network->nodes - 1; i >= 0; i--)
	{
		int			node = network->order[i];
		Task	   *item = &network->items[ITEM(node)];

		if (node != FINISH(ITEM(node)))
			continue;
		if (network->is_blocked[node])
			item->first = NEVER;
		else if (!item->is_group && item->is_dated)
		{
			item->first = network->early[START(ITEM(node))];
			item->last = network->late[START(ITEM(node))];
			item->slack = network->late[node] - network->early[node];
		}
		tell_parent(network, ITEM(node));
	}
}

/* --- in and out --------------------------------------------------------- */

static void
refuse(const char *what)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("the network is malformed: %s", what),
			 errdetail("Items are known by their places in the arrays, from 1."),
			 errhint("plan_schedule() makes one from a plan.")));
}

static int
place_of(Datum place, int count)
{
	if (DatumGetInt32(place) < 1 || DatumGetInt32(place) > count)
		refuse("a place that no item has");
	return DatumGetInt32(place) - 1;
}

/* Days of an item: both, or one for a single day, or none. */
static void
set_days(Task *item, bool has_start, DateADT start, bool has_end, DateADT end)
{
	has_start = has_start && !DATE_NOT_FINITE(start);
	has_end = has_end && !DATE_NOT_FINITE(end);
	item->is_dated = has_start || has_end;
	item->first = NEVER;
	item->start = has_start ? start : has_end ? end : NEVER;
	item->length = !item->is_dated ? 0 :
		has_start && has_end ? Max((int64) end - start, 0) + 1 : 1;
}

static Network *
make_network(ArrayType *parents, ArrayType *starts, ArrayType *ends)
{
	Network    *network = palloc0(sizeof(Network));
	Datum	   *parent;
	Datum	   *start;
	Datum	   *end;
	bool	   *is_top;
	bool	   *no_start;
	bool	   *no_end;
	int			count;

	deconstruct_array(parents, INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &parent, &is_top, &network->count);
	deconstruct_array(starts, DATEOID, sizeof(DateADT), true, TYPALIGN_INT,
					  &start, &no_start, &count);
	if (count != network->count)
		refuse("starts of other items");
	deconstruct_array(ends, DATEOID, sizeof(DateADT), true, TYPALIGN_INT,
					  &end, &no_end, &count);
	if (count != network->count)
		refuse("ends of other items");
	network->nodes = 2 * count;
	network->items = palloc0(Max(count, 1) * sizeof(Task));
	for (int i = 0; i < count; i++)
	{
		Task	   *item = &network->items[i];

		set_days(item, !no_start[i], DatumGetDateADT(start[i]),
				 !no_end[i], DatumGetDateADT(end[i]));
		item->parent = is_top[i] ? -1 : place_of(parent[i], count);
	}
	for (int i = 0; i < count; i++)
		if (network->items[i].parent >= 0)
			network->items[network->items[i].parent].is_group = true;
	/* a group takes as long as its parts; its own start holds them back */
	for (int i = 0; i < count; i++)
		if (network->items[i].is_group)
		{
			network->items[i].length = 0;
			if (no_start[i])
				network->items[i].start = NEVER;
		}
	return network;
}

static void
check_links(const Network *network, ArrayType *waiting, ArrayType *awaited)
{
	ArrayType  *sides[] = {waiting, awaited};
	int			links = ArrayGetNItems(ARR_NDIM(waiting), ARR_DIMS(waiting));

	if (links != ArrayGetNItems(ARR_NDIM(awaited), ARR_DIMS(awaited)))
		refuse("links with one end");
	for (int side = 0; side < 2; side++)
	{
		if (array_contains_nulls(sides[side]))
			refuse("a link with a NULL end");
		for (int i = 0; i < links; i++)
			place_of(Int32GetDatum(((int32 *) ARR_DATA_PTR(sides[side]))[i]),
					 network->count);
	}
}

static Datum
day_of(int64 moment)
{
	if (!IS_VALID_DATE(moment))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("the plan ends on a day that no calendar has"),
				 errdetail("Its items one after the other take longer than dates reach."),
				 errhint("Look for items that last thousands of years.")));
	return DateADTGetDatum((DateADT) moment);
}

static void
put_item(ReturnSetInfo *result, const Network *network, int i, int loop_at,
		 ArrayType *loop)
{
	const Task *item = &network->items[i];
	int64		finish = network->early[FINISH(i)];
	Datum		values[RESULTS] = {Int32GetDatum(i + 1)};
	bool		nulls[RESULTS] = {false};

	memset(nulls + 1, item->first == NEVER, RESULTS - 3);
	if (item->first != NEVER)
	{
		values[1] = Int32GetDatum((int32) (finish - item->first));
		values[2] = day_of(item->first);
		values[3] = day_of(finish - 1);
		values[4] = day_of(item->last);
		values[5] = day_of(network->late[FINISH(i)] - 1);
		values[6] = Int32GetDatum((int32) item->slack);
	}
	values[7] = Int32GetDatum(loop_at);
	nulls[7] = loop_at == 0;
	values[8] = PointerGetDatum(loop);
	nulls[8] = loop == NULL;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/* Put out all items; of each loop the items once, at its first one. */
static void
put_network(ReturnSetInfo *result, const Network *network)
{
	int		   *marks = palloc0(Max(network->nodes, 1) * sizeof(int));
	int		   *begins = palloc0(Max(network->nodes, 1) * sizeof(int));
	ArrayType **loops = palloc0(Max(network->count, 1) * sizeof(ArrayType *));

	for (int i = 0; i < network->nodes; i++)
	{
		int			component = network->component[i];
		ArrayType  *loop;

		if (!is_on_loop(network, i) || begins[component] != 0)
			continue;
		loop = find_loop(network, i, marks);
		begins[component] = ((int32 *) ARR_DATA_PTR(loop))[0];
		loops[begins[component] - 1] = loop;
	}
	for (int i = 0; i < network->count; i++)
	{
		int			node = is_on_loop(network, START(i)) ? START(i) : FINISH(i);

		CHECK_FOR_INTERRUPTS();
		put_item(result, network, i, begins[network->component[node]],
				 loops[i]);
	}
}

/* Schedule a network: one row per item. */
PG_FUNCTION_INFO_V1(athar_schedule_network);
Datum
athar_schedule_network(PG_FUNCTION_ARGS)
{
	ArrayType  *waiting;
	ArrayType  *awaited;
	Network    *network;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < 5; i++)
		if (PG_ARGISNULL(i))
			return (Datum) 0;
	network = make_network(PG_GETARG_ARRAYTYPE_P(0), PG_GETARG_ARRAYTYPE_P(1),
						   PG_GETARG_ARRAYTYPE_P(2));
	waiting = PG_GETARG_ARRAYTYPE_P(3);
	awaited = PG_GETARG_ARRAYTYPE_P(4);
	check_links(network, waiting, awaited);
	network->delayed = PG_ARGISNULL(5) ? -1 :
		place_of(PG_GETARG_DATUM(5), network->count);
	network->delay = PG_ARGISNULL(6) ? 0 : PG_GETARG_INT32(6);

	link_items(network, waiting, awaited);
	order_nodes(network);
	find_earliest(network);
	find_latest(network);
	conclude(network);
	put_network((ReturnSetInfo *) fcinfo->resultinfo, network);
	return (Datum) 0;
}
