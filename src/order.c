/*
 * order.c
 *	  Where the items of a list stand now, and which of them were moved.
 *
 * Two orders of the same items differ by moves, and there are many ways to
 * tell them.  The shortest is wanted: whatever lies outside a longest common
 * subsequence was moved, so dragging one item from the bottom of a long plan
 * to its top is one move and not a move of all the others.  Where several are
 * equally short, the items that stood earlier stay and the later ones moved.
 *
 * The old places listed in the new order make this the longest increasing
 * subsequence of one array, O(n log n), which is why it is here and not in
 * SQL.  What became of an item's content is no business of this file.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"

#include "order.h"

/* A number for every item, in one list. */
static void
check_list(ArrayType *array, const char *name, const char *hint)
{
	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be one list without NULLs", name),
				 errdetail("Moves cannot be told from it."),
				 errhint("%s", hint)));
}

static int
list_of(ArrayType *array, int32 **list)
{
	*list = (int32 *) ARR_DATA_PTR(array);
	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

/*
 * The length of the longest increasing run of places that starts at each
 * element, found from the right.  head[k] is the greatest place that starts a
 * run of k + 1 elements so far; heads fall as runs grow.
 */
static int
measure_runs(const int32 *place, int n, int *run)
{
	int32	   *head = palloc(sizeof(int32) * Max(n, 1));
	int			longest = 0;

	for (int i = n - 1; i >= 0; i--)
	{
		int			low = 0;
		int			high = longest;

		CHECK_FOR_INTERRUPTS();
		while (low < high)
		{
			int			middle = (low + high) / 2;

			if (head[middle] > place[i])
				low = middle + 1;
			else
				high = middle;
		}
		head[low] = place[i];
		run[i] = low + 1;
		longest = Max(longest, low + 1);
	}
	pfree(head);
	return longest;
}

/*
 * Mark the elements that stay: of each length that is still to go, the one
 * with the smallest place beyond the last that stays.  Among runs of equal
 * length places fall from left to right, so that is the last one that fits.
 */
static void
mark_stationary(const int32 *place, int n, const int *run, int longest,
				bool *stays)
{
	int		   *first = palloc(sizeof(int) * (longest + 1));
	int		   *next = palloc(sizeof(int) * Max(n, 1));
	int			last = -1;

	for (int length = 0; length <= longest; length++)
		first[length] = -1;
	for (int i = n - 1; i >= 0; i--)
	{
		next[i] = first[run[i]];
		first[run[i]] = i;
	}
	for (int length = longest; length > 0; length--)
	{
		int			chosen = -1;

		for (int i = first[length]; i >= 0; i = next[i])
			if (i > last && (last < 0 || place[i] > place[last]))
				chosen = i;
		Assert(chosen >= 0);
		stays[chosen] = true;
		last = chosen;
	}
	pfree(first);
	pfree(next);
}

/*
 * Which items stay, given their old places in their new order: as many as can
 * be, and of several choices those that stood earliest.
 */
bool *
athar_order_stationary(const int32 *place, int n)
{
	int		   *run = palloc(sizeof(int) * Max(n, 1));
	bool	   *stays = palloc0(sizeof(bool) * Max(n, 1));

	mark_stationary(place, n, run, measure_runs(place, n, run), stays);
	pfree(run);
	return stays;
}

/* The places of those items that were moved, in the new order. */
PG_FUNCTION_INFO_V1(athar_moved);
Datum
athar_moved(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	int32	   *place;
	int			n = list_of(array, &place);
	Datum	   *moved = palloc(sizeof(Datum) * Max(n, 1));
	bool	   *stays;
	int			count = 0;

	check_list(array, "places",
			   "Pass the old places of the items, in their new order.");
	stays = athar_order_stationary(place, n);
	for (int i = 0; i < n; i++)
		if (!stays[i])
			moved[count++] = Int32GetDatum(place[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(moved, count, INT4OID,
										  sizeof(int32), true, TYPALIGN_INT));
}

/* An item of one of two lists. */
typedef struct standing
{
	int32		item;
	int			old_place;		/* from one; zero: none */
	int			new_place;
	int32		before;			/* the item before it in the new list */
} standing;

static int
compare_standings(const void *a, const void *b)
{
	int32		left = ((const standing *) a)->item;
	int32		right = ((const standing *) b)->item;

	return left < right ? -1 : left > right;
}

/* The items that do not stand at one place in both lists, by item. */
static int
collect_standings(const int32 *old, int old_count, const int32 *new,
				  int new_count, standing *found)
{
	int			count = 0;

	for (int i = 0; i < Max(old_count, new_count); i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i < old_count && i < new_count && old[i] == new[i])
			continue;
		if (i < old_count)
			found[count++] = (standing)
		{
			.item = old[i],.old_place = i + 1
		};
		if (i < new_count)
			found[count++] = (standing)
		{
			.item = new[i],.new_place = i + 1,.before = i > 0 ? new[i - 1] : 0
		};
	}
	qsort(found, count, sizeof(standing), compare_standings);
	return count;
}

static void
put_standing(ReturnSetInfo *result, const standing *found)
{
	bool		is_new = found->new_place > 0;
	Datum		values[] = {
		Int32GetDatum(found->item), Int32GetDatum(found->old_place),
		Int32GetDatum(found->new_place), Int32GetDatum(found->before)
	};
	bool		nulls[] = {
		false, found->old_place == 0, !is_new, !is_new || found->new_place == 1
	};

	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

/*
 * What came, went or stands elsewhere, of two lists in which no item is
 * twice.  Versions of a plan have nearly all in common: so what stands where
 * it stood costs one comparison.
 */
PG_FUNCTION_INFO_V1(athar_changed_places);
Datum
athar_changed_places(PG_FUNCTION_ARGS)
{
	const char *hint = "Pass the items of two versions, as plan_version has them.";
	ArrayType  *arrays[] = {PG_GETARG_ARRAYTYPE_P(0), PG_GETARG_ARRAYTYPE_P(1)};
	int32	   *old;
	int32	   *new;
	int			old_count = list_of(arrays[0], &old);
	int			new_count = list_of(arrays[1], &new);
	standing   *found;
	int			count;

	check_list(arrays[0], "old items", hint);
	check_list(arrays[1], "new items", hint);
	InitMaterializedSRF(fcinfo, 0);
	found = palloc_extended(sizeof(standing) * (old_count + new_count + 1),
							MCXT_ALLOC_HUGE);
	count = collect_standings(old, old_count, new, new_count, found);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (i + 1 < count && found[i].item == found[i + 1].item)
		{
			standing   *whole = &found[found[i].new_place > 0 ? i : i + 1];

			whole->old_place = found[i].old_place + found[i + 1].old_place;
			put_standing((ReturnSetInfo *) fcinfo->resultinfo, whole);
			i++;
		}
		else
			put_standing((ReturnSetInfo *) fcinfo->resultinfo, &found[i]);
	}
	pfree(found);
	return (Datum) 0;
}
