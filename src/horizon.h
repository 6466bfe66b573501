/*
 * horizon.h
 *	  How far back the log still reaches.
 */
#ifndef ATHAR_HORIZON_H
#define ATHAR_HORIZON_H

#include "mark.h"

extern bool athar_horizon_find(int32 lineage, athar_mark *horizon);
extern void athar_horizon_check(const char *table, int32 lineage,
								const athar_mark *mark);
extern bool athar_horizon_is_split(int64 transaction_id);

#endif							/* ATHAR_HORIZON_H */
