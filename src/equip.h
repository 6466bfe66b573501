/*
 * equip.h
 *	  The triggers of tracked tables: making, mending and dropping them.
 */
#ifndef ATHAR_EQUIP_H
#define ATHAR_EQUIP_H

#include "utils/relcache.h"

extern Oid	athar_equip_function(void);
extern int32 athar_equip_lineage(Relation relation);
extern bool athar_equip_is_working(void);
extern void athar_equip_table(Oid relid, int32 lineage);
extern void athar_equip_partitions(Oid relid, int32 lineage);
extern void athar_equip_mend(Oid relid);
extern void athar_equip_strip(Oid relid);

#endif							/* ATHAR_EQUIP_H */
