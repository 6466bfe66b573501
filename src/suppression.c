/*
 * suppression.c
 *	  Small cells: the setting that says how small.
 *
 * What is hidden from the public must not be for the public to choose.  A
 * setting read by its name could be made up by any session that has not
 * loaded this library yet; a function of the library loads it, and what was
 * made up is thrown away then.
 */
#include "athar.h"

#include <limits.h>

#include "utils/guc.h"

#include "suppression.h"

static int	smallest_cell = 5;

PG_FUNCTION_INFO_V1(athar_smallest_cell);

Datum
athar_smallest_cell(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(smallest_cell);
}

void
athar_suppression_init(void)
{
	DefineCustomIntVariable("athar.smallest_cell",
							"Figures of fewer people than this are not shown in public views.",
							"1 shows all of them.",
							&smallest_cell,
							5,
							1,
							INT_MAX,
							PGC_SUSET,
							0,
							NULL, NULL, NULL);
}
