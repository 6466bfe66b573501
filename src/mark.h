/*
 * mark.h
 *	  Marks: moments to which the log can return.
 */
#ifndef ATHAR_MARK_H
#define ATHAR_MARK_H

#include "datatype/timestamp.h"

typedef struct athar_mark
{
	int64		id;				/* 0: there is none, or it was not stored */
	char	   *name;
	TimestampTz at;
	Datum		snapshot;		/* pg_snapshot */
	int64		cluster;
	uint64		xid;
	int64		last_transaction_id;
	int64		last_entry_id;
	bool		is_now;			/* made by this very call */
} athar_mark;

extern void athar_mark_take(athar_mark *mark);
extern void athar_mark_make(const char *name, TimestampTz at,
							athar_mark *mark);
extern void athar_mark_settle(TimestampTz at, athar_mark *mark);
extern char *athar_mark_time(TimestampTz at);

#endif							/* ATHAR_MARK_H */
