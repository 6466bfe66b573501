/*
 * seal.h
 *	  Sealing the log, in the background.
 */
#ifndef ATHAR_SEAL_H
#define ATHAR_SEAL_H

extern void athar_seal_init(void);

#endif							/* ATHAR_SEAL_H */
