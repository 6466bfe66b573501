/*
 * target.h
 *	  What a key result is to reach: the stored value and its meaning.
 *
 * Invariant: both figures are finite and never -0, a figure the kind does not
 * use is 0, and reserved is 0, so equal targets are equal byte for byte.
 */
#ifndef ATHAR_TARGET_H
#define ATHAR_TARGET_H

#include "athar.h"

#define TARGET_VERSION	1

/* Stored on disk: append, never renumber. */
typedef enum TargetKind
{
	TARGET_FROM_TO = 1,			/* first = start, second = target */
	TARGET_AT_LEAST = 2,		/* first = lower bound */
	TARGET_AT_MOST = 3,			/* first = upper bound */
	TARGET_BETWEEN = 4,			/* first, second = bounds */
	TARGET_MILESTONE = 5,		/* done from 0 to 1 */
	TARGET_RELATIVE = 6			/* first = change in per cent of a baseline */
} TargetKind;

typedef struct Target
{
	uint16		version;
	uint16		kind;
	uint32		reserved;		/* flags of later versions */
	double		first;
	double		second;
} Target;

#define DatumGetTargetP(d)		((Target *) DatumGetPointer(d))
#define PG_GETARG_TARGET_P(n)	DatumGetTargetP(PG_GETARG_DATUM(n))
#define PG_RETURN_TARGET_P(t)	PG_RETURN_POINTER(t)

#endif							/* ATHAR_TARGET_H */
