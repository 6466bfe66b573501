/*
 * archive.h
 *	  The leaves of archived entries.
 */
#ifndef ATHAR_ARCHIVE_H
#define ATHAR_ARCHIVE_H

#include "datatype/timestamp.h"

#include "batch.h"

typedef void (*athar_archive_visitor) (int64 id, char *leaf, void *arg);

typedef void (*athar_archive_gone) (const athar_id_range *ids, void *arg);

extern void athar_archive_scan(int64 low, int64 high,
							   athar_archive_visitor visit, void *arg);
extern void athar_archive_store(int32 table_id, TimestampTz first_at,
								TimestampTz last_at, Datum ids, Datum leaves);
extern bool athar_archive_expire(Datum table_ids, TimestampTz before,
								 int64 most, athar_archive_visitor look,
								 athar_archive_gone gone, void *arg);
extern void athar_archive_find_odd(void (*tell) (int64 id, void *arg),
								   void *arg);

#endif							/* ATHAR_ARCHIVE_H */
