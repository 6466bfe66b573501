/*
 * figures.c
 *	  A row of figures on its way out of C, column by column.
 *
 * One way out for every comparison, so that none of them can let a NaN pass
 * where people and BI tools expect a number or nothing.
 */
#include "athar.h"

#include <math.h>

#include "figures.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"

/* Begin a row without columns. */
void
athar_figures_begin(FigureRow *figures, FunctionCallInfo fcinfo)
{
	figures->fcinfo = fcinfo;
	figures->length = 0;
}

static void
put(FigureRow *figures, Datum value, bool is_null)
{
	if (figures->length >= FIGURES_MOST)
		elog(ERROR, "too many columns in a row of figures");
	figures->nulls[figures->length] = is_null;
	figures->values[figures->length++] = value;
}

/* Add a figure; one that is not finite is NULL. */
void
athar_figures_put(FigureRow *figures, double figure)
{
	put(figures, Float8GetDatum(figure + 0.0), !isfinite(figure));	/* no -0 */
}

void
athar_figures_put_integer(FigureRow *figures, int32 number)
{
	put(figures, Int32GetDatum(number), false);
}

void
athar_figures_put_count(FigureRow *figures, int64 count)
{
	put(figures, Int64GetDatum(count), false);
}

void
athar_figures_put_flag(FigureRow *figures, bool flag, bool is_null)
{
	put(figures, BoolGetDatum(flag), is_null);
}

/* Anything else. */
void
athar_figures_put_datum(FigureRow *figures, Datum value, bool is_null)
{
	put(figures, value, is_null);
}

void
athar_figures_put_text(FigureRow *figures, const char *text)
{
	put(figures, CStringGetTextDatum(text), false);
}

/* The row type the function returns, looked up once per call site. */
static TupleDesc
row_type(FunctionCallInfo fcinfo)
{
	if (fcinfo->flinfo->fn_extra == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(fcinfo->flinfo->fn_mcxt);
		TupleDesc	desc;

		if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
			elog(ERROR, "a row of figures is returned by a function that returns no row");
		fcinfo->flinfo->fn_extra = BlessTupleDesc(desc);
		MemoryContextSwitchTo(old);
	}
	return (TupleDesc) fcinfo->flinfo->fn_extra;
}

/* The row as a value. */
Datum
athar_figures_datum(FigureRow *figures)
{
	TupleDesc	desc = row_type(figures->fcinfo);

	if (desc->natts != figures->length)
		elog(ERROR, "a row of %d figures is returned as one of %d",
			 figures->length, desc->natts);
	return HeapTupleGetDatum(heap_form_tuple(desc, figures->values,
											 figures->nulls));
}
