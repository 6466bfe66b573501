/*
 * suppression.h
 *	  Small cells: the setting that says how small.
 */
#ifndef ATHAR_SUPPRESSION_H
#define ATHAR_SUPPRESSION_H

extern void athar_suppression_init(void);

#endif							/* ATHAR_SUPPRESSION_H */
