/*
 * okr.c
 *	  The goal tree: figures rolled up, places told, in one pass each.
 *
 * Recursive SQL goes down a tree, and progress comes up: it would have to join
 * every goal with all goals below it.  Here the tree is two arrays of numbers
 * and the walk is a queue that holds a node as soon as its last child is done,
 * so neither depth nor width matters and nothing recurses.  No table is read:
 * what a goal's own figure is, and whose row may be seen, is SQL's business.
 *
 * A parent that is not among the nodes makes its child a top of its own; that
 * is what row security leaves of a tree.  Loops are refused where goals are
 * written.  Should one be here all the same, nothing is rolled up into its
 * nodes and they have no place; everything outside it is right.
 */
#include "athar.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/tuplestore.h"

#define PATH_SEPARATOR	" > "
#define TOP				(-1)	/* the parent of a node that has none */

/* Weights are brought down where adding them up could overflow. */
#define LARGE_WEIGHT	1e290
#define SMALL_SCALE		1e-20

/*
 * Nodes are known by their position in the arrays.  order[0 .. ordered) holds
 * every node after all its children, so that backwards every node comes after
 * its parent; nodes that are missing from it lie on a loop.
 */
typedef struct Forest
{
	int			count;
	int32	   *ids;
	int		   *parents;
	int		   *order;
	int			ordered;
} Forest;

/* What the children of a node add up to. */
typedef struct Total
{
	double		weight;
	double		covered;		/* weight times coverage */
	double		measured;		/* weight of those with a figure */
	double		progress;		/* weight times progress of those */
} Total;

typedef struct Figure
{
	double		progress;
	double		coverage;
	bool		is_measured;
} Figure;

typedef struct Elements
{
	Datum	   *values;
	bool	   *nulls;
	int			count;
} Elements;

typedef struct Position
{
	int32		id;
	int			position;
} Position;

/* --- arrays ------------------------------------------------------------- */

static Elements
elements_of(ArrayType *array, int16 length, bool by_value, char alignment)
{
	Elements	elements;

	deconstruct_array(array, ARR_ELEMTYPE(array), length, by_value, alignment,
					  &elements.values, &elements.nulls, &elements.count);
	return elements;
}

static Elements
integers_of(ArrayType *array)
{
	return elements_of(array, sizeof(int32), true, TYPALIGN_INT);
}

static Elements
numbers_of(ArrayType *array)
{
	return elements_of(array, sizeof(float8), FLOAT8PASSBYVAL,
					   TYPALIGN_DOUBLE);
}

static Elements
flags_of(ArrayType *array)
{
	return elements_of(array, sizeof(bool), true, TYPALIGN_CHAR);
}

static Elements
texts_of(ArrayType *array)
{
	return elements_of(array, -1, false, TYPALIGN_INT);
}

static void
check_length(const Forest *forest, Elements elements, const char *what)
{
	if (elements.count != forest->count)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%d nodes but %d %s",
						forest->count, elements.count, what),
				 errdetail("Element by element the arrays describe the same nodes."),
				 errhint("Aggregate them in one query, and give NULL where a node has no such value.")));
}

static void
refuse_null(Elements elements, const char *what)
{
	for (int i = 0; i < elements.count; i++)
		if (elements.nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", what),
					 errdetail("Node number %d of the array has none.", i + 1),
					 errhint("Leave the node out, or give it a value.")));
}

/* --- the forest --------------------------------------------------------- */

static int
compare_positions(const void *a, const void *b)
{
	int32		left = ((const Position *) a)->id;
	int32		right = ((const Position *) b)->id;

	return (left > right) - (left < right);
}

static Position *
sorted_positions(const Forest *forest)
{
	Position   *positions = palloc(Max(forest->count, 1) * sizeof(Position));

	for (int i = 0; i < forest->count; i++)
	{
		positions[i].id = forest->ids[i];
		positions[i].position = i;
	}
	qsort(positions, forest->count, sizeof(Position), compare_positions);
	for (int i = 1; i < forest->count; i++)
		if (positions[i].id == positions[i - 1].id)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("node %d is given twice", positions[i].id),
					 errdetail("A tree has every node once."),
					 errhint("Aggregate the rows without joining them to several others.")));
	return positions;
}

/* Turn parents' ids into positions; a parent from elsewhere is none. */
static void
find_parents(Forest *forest, Elements parents)
{
	Position   *positions = sorted_positions(forest);

	for (int i = 0; i < forest->count; i++)
	{
		Position	wanted = {0, 0};
		Position   *found = NULL;

		if (!parents.nulls[i])
		{
			wanted.id = DatumGetInt32(parents.values[i]);
			found = bsearch(&wanted, positions, forest->count,
							sizeof(Position), compare_positions);
		}
		forest->parents[i] = found ? found->position : TOP;
	}
	pfree(positions);
}

/* Queue the leaves, then every node whose last child has been queued. */
static void
order_nodes(Forest *forest)
{
	int		   *waiting = palloc0(Max(forest->count, 1) * sizeof(int));

	for (int i = 0; i < forest->count; i++)
		if (forest->parents[i] != TOP)
			waiting[forest->parents[i]]++;
	for (int i = 0; i < forest->count; i++)
		if (waiting[i] == 0)
			forest->order[forest->ordered++] = i;
	for (int i = 0; i < forest->ordered; i++)
	{
		int			parent = forest->parents[forest->order[i]];

		CHECK_FOR_INTERRUPTS();
		if (parent != TOP && --waiting[parent] == 0)
			forest->order[forest->ordered++] = parent;
	}
	pfree(waiting);
}

static Forest *
make_forest(ArrayType *id_array, ArrayType *parent_array)
{
	Elements	ids = integers_of(id_array);
	Elements	parents = integers_of(parent_array);
	Forest	   *forest = palloc0(sizeof(Forest));
	Size		size = Max(ids.count, 1) * sizeof(int32);

	refuse_null(ids, "the id of a node");
	forest->count = ids.count;
	check_length(forest, parents, "parents");
	forest->ids = palloc(size);
	forest->parents = palloc(size);
	forest->order = palloc(size);
	for (int i = 0; i < ids.count; i++)
		forest->ids[i] = DatumGetInt32(ids.values[i]);
	find_parents(forest, parents);
	order_nodes(forest);
	return forest;
}

/* --- figures ------------------------------------------------------------ */

/* The factor by which weights are multiplied so that no sum overflows. */
static double
check_weights(Elements weights)
{
	double		largest = 0;

	refuse_null(weights, "the weight of a node");
	for (int i = 0; i < weights.count; i++)
	{
		double		weight = DatumGetFloat8(weights.values[i]);

		if (!isfinite(weight))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("the weight of a node is not a finite number"),
					 errdetail("No weighted mean can be taken with it."),
					 errhint("Give a number; 0 shows a node without counting it.")));
		if (weight < 0)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("the weight of a node is negative: %g", weight),
					 errdetail("No weighted mean can be taken with it."),
					 errhint("Give 0 or more; 0 shows a node without counting it.")));
		largest = Max(largest, weight);
	}
	return largest > LARGE_WEIGHT ? SMALL_SCALE : 1;
}

static void
check_progresses(Elements progresses)
{
	for (int i = 0; i < progresses.count; i++)
		if (!progresses.nulls[i] &&
			!isfinite(DatumGetFloat8(progresses.values[i])))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("the progress of a node is not a finite number"),
					 errdetail("Everything above it would be lost."),
					 errhint("Use NULL where nothing was measured.")));
}

static Figure
own_figure(Elements progresses, Elements has_own, int node)
{
	Figure		figure = {0, 0, false};

	figure.is_measured = DatumGetBool(has_own.values[node]) &&
		!progresses.nulls[node];

	if (figure.is_measured)
	{
		figure.progress = DatumGetFloat8(progresses.values[node]);
		figure.coverage = 1;
	}
	return figure;
}

static Figure
figure_of_children(const Total *total)
{
	Figure		figure = {0, 0, total->measured > 0};

	if (figure.is_measured)
		figure.progress = total->progress / total->measured;
	if (total->weight > 0)
		figure.coverage = total->covered / total->weight;
	return figure;
}

/* A child that overshoots must not hide one that fails. */
static void
add_to_parent(Total *total, const Figure *figure, double weight)
{
	total->weight += weight;
	total->covered += weight * figure->coverage;
	if (figure->is_measured)
	{
		total->measured += weight;
		total->progress += weight * Max(0, Min(1, figure->progress));
	}
}

static Figure *
roll_up(const Forest *forest, Elements weights, Elements progresses,
		Elements has_own)
{
	double		scale = check_weights(weights);
	Total	   *totals = palloc0(Max(forest->count, 1) * sizeof(Total));
	Figure	   *figures = palloc0(Max(forest->count, 1) * sizeof(Figure));

	for (int i = 0; i < forest->count; i++)
		figures[i] = own_figure(progresses, has_own, i);
	for (int i = 0; i < forest->ordered; i++)
	{
		int			node = forest->order[i];
		int			parent = forest->parents[node];

		CHECK_FOR_INTERRUPTS();
		if (!DatumGetBool(has_own.values[node]))
			figures[node] = figure_of_children(&totals[node]);
		if (parent != TOP)
			add_to_parent(&totals[parent], &figures[node],
						  scale * DatumGetFloat8(weights.values[node]));
	}
	pfree(totals);
	return figures;
}

/* Roll progress up a forest: one row (id, progress, coverage) per node. */
PG_FUNCTION_INFO_V1(athar_roll_up_tree);
Datum
athar_roll_up_tree(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Forest	   *forest = make_forest(PG_GETARG_ARRAYTYPE_P(0),
									 PG_GETARG_ARRAYTYPE_P(1));
	Elements	weights = numbers_of(PG_GETARG_ARRAYTYPE_P(2));
	Elements	progresses = numbers_of(PG_GETARG_ARRAYTYPE_P(3));
	Elements	has_own = flags_of(PG_GETARG_ARRAYTYPE_P(4));
	Figure	   *figures;

	check_length(forest, weights, "weights");
	check_length(forest, progresses, "progresses");
	check_length(forest, has_own, "flags");
	check_progresses(progresses);
	refuse_null(has_own, "the flag of a node");
	figures = roll_up(forest, weights, progresses, has_own);

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < forest->count; i++)
	{
		Datum		values[3] = {
			Int32GetDatum(forest->ids[i]),
			Float8GetDatum(figures[i].progress),
			Float8GetDatum(figures[i].coverage)
		};
		bool		nulls[3] = {false, !figures[i].is_measured, false};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(result->setResult, result->setDesc,
							 values, nulls);
	}
	return (Datum) 0;
}

/* --- places ------------------------------------------------------------- */

/* Levels from the top, which is 1; 0 on a loop and below one. */
static int *
depths_of(const Forest *forest)
{
	int		   *depths = palloc0(Max(forest->count, 1) * sizeof(int));

	for (int i = forest->ordered - 1; i >= 0; i--)
	{
		int			node = forest->order[i];
		int			parent = forest->parents[node];

		if (parent == TOP)
			depths[node] = 1;
		else if (depths[parent] > 0)
			depths[node] = depths[parent] + 1;
	}
	return depths;
}

/* The labels from the top down to a node that has a top. */
static text *
path_of(const Forest *forest, Elements labels, int node)
{
	int			separator = strlen(PATH_SEPARATOR);
	Size		size = VARHDRSZ;
	text	   *path;
	char	   *end;

	for (int i = node; i != TOP; i = forest->parents[i])
	{
		size += VARSIZE_ANY_EXHDR(DatumGetPointer(labels.values[i]));
		if (forest->parents[i] != TOP)
			size += separator;
	}
	path = palloc(size);
	SET_VARSIZE(path, size);
	end = (char *) path + size;
	for (int i = node; i != TOP; i = forest->parents[i])
	{
		void	   *label = DatumGetPointer(labels.values[i]);

		end -= VARSIZE_ANY_EXHDR(label);
		memcpy(end, VARDATA_ANY(label), VARSIZE_ANY_EXHDR(label));
		if (forest->parents[i] != TOP)
		{
			end -= separator;
			memcpy(end, PATH_SEPARATOR, separator);
		}
	}
	return path;
}

/* Tell every node's place: one row (id, depth, path) per node. */
PG_FUNCTION_INFO_V1(athar_tree_paths);
Datum
athar_tree_paths(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Forest	   *forest = make_forest(PG_GETARG_ARRAYTYPE_P(0),
									 PG_GETARG_ARRAYTYPE_P(1));
	Elements	labels = texts_of(PG_GETARG_ARRAYTYPE_P(2));
	int		   *depths = depths_of(forest);

	check_length(forest, labels, "labels");
	refuse_null(labels, "the label of a node");

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < forest->count; i++)
	{
		bool		has_place = depths[i] > 0;
		text	   *path = has_place ? path_of(forest, labels, i) : NULL;
		Datum		values[3] = {
			Int32GetDatum(forest->ids[i]),
			Int32GetDatum(depths[i]),
			PointerGetDatum(path)
		};
		bool		nulls[3] = {false, !has_place, !has_place};

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(result->setResult, result->setDesc,
							 values, nulls);
		if (path)
			pfree(path);
	}
	return (Datum) 0;
}
