/*
 * capture.c
 *	  The trigger that writes changes into the log.
 */
#include "athar.h"

#include "commands/trigger.h"

/* Write a change of a tracked row into the log. */
PG_FUNCTION_INFO_V1(athar_capture_change);
Datum
athar_capture_change(PG_FUNCTION_ARGS)
{
	return PointerGetDatum(NULL);
}
