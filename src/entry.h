/*
 * entry.h
 *	  One entry of the change log.
 */
#ifndef ATHAR_ENTRY_H
#define ATHAR_ENTRY_H

#include "utils/jsonb.h"

extern void athar_entry_write(int32 table_id, char operation, Jsonb *key,
							  Jsonb *old_values, Jsonb *new_values);

#endif							/* ATHAR_ENTRY_H */
