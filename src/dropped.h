/*
 * dropped.h
 *	  The values of a column that is dropped.
 */
#ifndef ATHAR_DROPPED_H
#define ATHAR_DROPPED_H

extern void athar_dropped_log(Oid relid, AttrNumber attnum);

#endif							/* ATHAR_DROPPED_H */
