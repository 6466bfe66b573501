/*
 * day.h
 *	  Instants and the days of a time zone.
 */
#ifndef ATHAR_DAY_H
#define ATHAR_DAY_H

#include "datatype/timestamp.h"
#include "pgtime.h"
#include "utils/date.h"

/* Figures are of the years 1 to 9999: others have no neighbours to compute with. */
#define ATHAR_FIRST_DAY (-730119)	/* 0001-01-01 */
#define ATHAR_LAST_DAY 2921939	/* 9999-12-31 */
#define ATHAR_FIRST_INSTANT (ATHAR_FIRST_DAY * USECS_PER_DAY)
#define ATHAR_END_OF_TIME ((ATHAR_LAST_DAY + 1) * USECS_PER_DAY)

/* Tells days, and remembers the last one it told. */
typedef struct athar_days
{
	pg_tz	   *zone;
	TimestampTz from;
	TimestampTz until;			/* the instants of day; none if not above from */
	DateADT		day;
} athar_days;

extern void athar_day_begin(athar_days *days, const char *zone);
extern DateADT athar_day_of(athar_days *days, TimestampTz at);
extern bool athar_day_bounds(athar_days *days, DateADT day, TimestampTz *from,
							 TimestampTz *until);

#endif							/* ATHAR_DAY_H */
