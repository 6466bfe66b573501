/*
 * ddl.h
 *	  Changes of tracked tables' definitions, as they happen: initialisation.
 */
#ifndef ATHAR_DDL_H
#define ATHAR_DDL_H

extern void athar_ddl_init(void);

#endif							/* ATHAR_DDL_H */
