/*
 * queue.h
 *	  The queue of days whose summaries must be rebuilt.
 */
#ifndef ATHAR_QUEUE_H
#define ATHAR_QUEUE_H

#include "utils/date.h"

/* Stands for every day of a source. */
#define ATHAR_EVERY_DAY DATEVAL_NOBEGIN

extern void athar_queue_init(void);
extern void athar_queue_add_series(int32 kpi, const int32 *parts,
								   const bool *nulls, DateADT day);
extern void athar_queue_add_source(int32 source, const char *service, int length,
								   DateADT day);
extern void athar_queue_everything(int32 source);
extern void athar_queue_taken(void);

#endif							/* ATHAR_QUEUE_H */
