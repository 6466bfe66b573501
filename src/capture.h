/*
 * capture.h
 *	  The trigger that writes changes into the log: initialisation.
 */
#ifndef ATHAR_CAPTURE_H
#define ATHAR_CAPTURE_H

extern void athar_capture_init(void);

#endif							/* ATHAR_CAPTURE_H */
