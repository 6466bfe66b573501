/*
 * error.h
 *	  Errors that C and SQL raise with the same words.
 */
#ifndef ATHAR_ERROR_H
#define ATHAR_ERROR_H

#include "utils/resowner.h"

/*
 * In PG_CATCH after BeginInternalSubTransaction(): ends the subtransaction and
 * returns the error, in the given memory.  One that may not pass is raised
 * again.
 */
extern ErrorData *athar_error_catch(MemoryContext context,
									ResourceOwner owner,
									bool (*may_pass) (int code));

/* Raises 42704; the arguments are kind, code and remedy, all text. */
extern Datum athar_missing(PG_FUNCTION_ARGS);

#endif							/* ATHAR_ERROR_H */
