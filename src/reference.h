/*
 * reference.h
 *	  References between our own tables: initialisation.
 */
#ifndef ATHAR_REFERENCE_H
#define ATHAR_REFERENCE_H

extern void athar_reference_init(void);

#endif							/* ATHAR_REFERENCE_H */
