/*
 * unchanged.h
 *	  How many updates changed nothing.
 */
#ifndef ATHAR_UNCHANGED_H
#define ATHAR_UNCHANGED_H

extern void athar_unchanged_init(void);
extern void athar_unchanged_count(Oid relid);

#endif							/* ATHAR_UNCHANGED_H */
