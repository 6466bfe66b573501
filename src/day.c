/*
 * day.c
 *	  Instants and the days of a time zone.
 *
 * Telling the day of an instant means looking into the rules of the zone.
 * Rows that come one after the other are mostly of one day, so the bounds of
 * the last day are kept, unless the zone's offset changes within it: then
 * midnight may come twice or not at all, and each instant is asked for.
 */
#include "athar.h"

#include "utils/datetime.h"
#include "utils/timestamp.h"

#include "day.h"

void
athar_day_begin(athar_days *days, const char *zone)
{
	days->zone = pg_tzset(zone);
	if (days->zone == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("time zone \"%s\" is unknown", zone),
				 errdetail("The days of a KPI are cut in its time zone."),
				 errhint("Install the server's time zone data.")));
	days->from = days->until = 0;
}

/* Is the offset from UTC the same from one instant up to another? */
static bool
is_steady(pg_tz *zone, TimestampTz from, TimestampTz until)
{
	pg_time_t	first = timestamptz_to_time_t(from);
	pg_time_t	boundary;
	long int	offset;
	long int	offset_after;
	int			isdst;
	int			isdst_after;
	int			result = pg_next_dst_boundary(&first, &offset, &isdst,
											  &boundary, &offset_after,
											  &isdst_after, zone);

	return result == 0 ||
		(result > 0 && boundary >= timestamptz_to_time_t(until));
}

/* The local day of an instant of the years 1 to 9999. */
DateADT
athar_day_of(athar_days *days, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fsec;
	int			offset;
	TimestampTz from;

	if (at >= days->from && at < days->until)
		return days->day;
	if (timestamp2tm(at, &offset, &tm, &fsec, NULL, days->zone) != 0)
		elog(ERROR, "timestamp out of range");
	days->day = date2j(tm.tm_year, tm.tm_mon, tm.tm_mday) -
		POSTGRES_EPOCH_JDATE;
	from = days->day * USECS_PER_DAY + offset * USECS_PER_SEC;
	if (at >= from && at < from + USECS_PER_DAY &&
		is_steady(days->zone, from, from + USECS_PER_DAY))
	{
		days->from = from;
		days->until = from + USECS_PER_DAY;
	}
	else
		days->from = days->until = 0;
	return days->day;
}

/*
 * The instants of a day.  False where the offset changes near it, so that
 * midnight may come twice: then its instants are among those given, but not
 * all of those are its own.
 */
bool
athar_day_bounds(athar_days *days, DateADT day, TimestampTz *from,
				 TimestampTz *until)
{
	TimestampTz noon = day * USECS_PER_DAY + USECS_PER_DAY / 2;

	if (athar_day_of(days, noon) != day &&
		athar_day_of(days, noon - USECS_PER_DAY / 2) != day)
		(void) athar_day_of(days, noon + USECS_PER_DAY / 2);
	if (days->day == day && days->until > days->from &&
		is_steady(days->zone, days->from - USECS_PER_DAY,
				  days->until + USECS_PER_DAY))
	{
		*from = days->from;
		*until = days->until;
		return true;
	}
	*from = day * USECS_PER_DAY - 20 * USECS_PER_HOUR;
	*until = day * USECS_PER_DAY + 44 * USECS_PER_HOUR;
	return false;
}
