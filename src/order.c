/*
 * order.c
 *	  Which items of a list were moved.
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
#include "miscadmin.h"
#include "utils/array.h"

#include "order.h"

/* A place for every item, in one list. */
static void
check_places(ArrayType *array)
{
	if (ARR_NDIM(array) > 1 || array_contains_nulls(array))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("places must be one list without NULLs"),
				 errdetail("Moves cannot be told from it."),
				 errhint("Pass the old places of the items, in their new order.")));
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
	int			n = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	int32	   *place = (int32 *) ARR_DATA_PTR(array);
	Datum	   *moved = palloc(sizeof(Datum) * Max(n, 1));
	bool	   *stays;
	int			count = 0;

	check_places(array);
	stays = athar_order_stationary(place, n);
	for (int i = 0; i < n; i++)
		if (!stays[i])
			moved[count++] = Int32GetDatum(place[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(moved, count, INT4OID,
										  sizeof(int32), true, TYPALIGN_INT));
}
