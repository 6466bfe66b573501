/*
 * figures.h
 *	  A row of figures on its way out of C, column by column.
 *
 * Invariant of what leaves: no figure is NaN, infinite or -0; a figure that
 * is not finite is NULL.
 */
#ifndef ATHAR_FIGURES_H
#define ATHAR_FIGURES_H

#include "athar.h"

#define FIGURES_MOST	32		/* columns */

typedef struct FigureRow
{
	FunctionCallInfo fcinfo;
	int			length;
	Datum		values[FIGURES_MOST];
	bool		nulls[FIGURES_MOST];
} FigureRow;

extern void athar_figures_begin(FigureRow *figures, FunctionCallInfo fcinfo);
extern void athar_figures_put(FigureRow *figures, double figure);
extern void athar_figures_put_integer(FigureRow *figures, int32 number);
extern void athar_figures_put_count(FigureRow *figures, int64 count);
extern void athar_figures_put_flag(FigureRow *figures, bool flag, bool is_null);
extern void athar_figures_put_text(FigureRow *figures, const char *text);
extern void athar_figures_put_datum(FigureRow *figures, Datum value, bool is_null);

/* The row, of the composite type that the calling function returns. */
extern Datum athar_figures_datum(FigureRow *figures);

#endif							/* ATHAR_FIGURES_H */
