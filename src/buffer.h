/*
 * buffer.h
 *	  Rows for append-only tables, held back and written many at once.
 */
#ifndef ATHAR_BUFFER_H
#define ATHAR_BUFFER_H

extern void athar_buffer_init(void);
extern void athar_buffer_add(Oid relid, Datum *values, bool *nulls);
extern void athar_buffer_flush(void);

#endif							/* ATHAR_BUFFER_H */
