/*
 * athar.h
 *	  What every file of athar includes first: server headers and the
 *	  differences between server versions.  Nothing of our own lives here.
 */
#ifndef ATHAR_H
#define ATHAR_H

#include "postgres.h"

#include "fmgr.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

#endif							/* ATHAR_H */
