/*
 * undo_check.h
 *	  May a transaction be undone?
 */
#ifndef ATHAR_UNDO_CHECK_H
#define ATHAR_UNDO_CHECK_H

#include "undo.h"

extern void athar_undo_check(athar_undo *run);

#endif							/* ATHAR_UNDO_CHECK_H */
