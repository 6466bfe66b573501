/*
 * track.h
 *	  Putting tables into the log: what comes with them later.
 */
#ifndef ATHAR_TRACK_H
#define ATHAR_TRACK_H

#include "nodes/pg_list.h"
#include "storage/lockdefs.h"

extern List *athar_track_heirs(Oid relid, LOCKMODE lock);
extern void athar_track_follow(Oid relid);

#endif							/* ATHAR_TRACK_H */
