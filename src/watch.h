/*
 * watch.h
 *	  Triggers that watch the tables of sources.
 */
#ifndef ATHAR_WATCH_H
#define ATHAR_WATCH_H

#include "source.h"

extern void athar_watch_init(void);
extern void athar_watch_equip(Oid relid, int32 source);
extern bool athar_watch_equip_partitions(Oid relid, int32 source);
extern void athar_watch_strip(Oid relid, int32 source);
extern void athar_watch_set_shape(athar_source *source, Relation relation);

#endif							/* ATHAR_WATCH_H */
