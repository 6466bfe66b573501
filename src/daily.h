/*
 * daily.h
 *	  Daily figures made from the rows of a source.
 */
#ifndef ATHAR_DAILY_H
#define ATHAR_DAILY_H

#include "utils/rel.h"

#include "source.h"

extern void athar_daily_init(void);
extern bool athar_daily_has_index(Relation relation,
								  const athar_source_columns *columns);

#endif							/* ATHAR_DAILY_H */
