/*
 * error.h
 *	  Errors that C and SQL raise with the same words.
 */
#ifndef ATHAR_ERROR_H
#define ATHAR_ERROR_H

/* Raises 42704; the arguments are kind, code and remedy, all text. */
extern Datum athar_missing(PG_FUNCTION_ARGS);

#endif							/* ATHAR_ERROR_H */
