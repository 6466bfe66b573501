/*
 * history.h
 *	  What every reader of the log needs: the table asked about, the caller's
 *	  rights to it, its present rows.
 */
#ifndef ATHAR_HISTORY_H
#define ATHAR_HISTORY_H

#include "executor/spi.h"
#include "mapping.h"
#include "tracking.h"

/* A table whose log is read. */
typedef struct athar_subject
{
	Relation	relation;
	athar_tracked *tracked;
	athar_shape *shape;
	athar_mapping *mapping;
	List	   *table_ids;		/* of all its versions */
	List	   *rekey_ids;
	bool		has_row_security;	/* for the present user */
} athar_subject;

typedef void (*athar_row_reader) (void *context, HeapTupleHeader row);
typedef void (*athar_tuple_reader) (void *context, HeapTuple tuple,
									TupleDesc descriptor);

extern void athar_history_describe(Relation relation,
								   athar_subject *subject);
extern void athar_history_open(Oid relid, athar_subject *subject);
extern void athar_history_close(athar_subject *subject);
extern const char *athar_history_alias(Relation relation);
extern Datum athar_history_ids(List *first, List *second);
extern void athar_history_each(Portal portal, athar_tuple_reader reader,
							   void *context);
extern void athar_history_read_live(athar_subject *subject,
									const char *condition,
									int nargs, Oid *types, Datum *values,
									athar_row_reader reader, void *context);
extern void athar_history_deform(const athar_subject *subject,
								 HeapTupleHeader row,
								 Datum **values, bool **nulls);
extern void athar_history_refuse(int64 id);
extern void athar_history_check(int64 id, char operation, Jsonb *key,
								Jsonb *old_values, Jsonb *new_values);
extern Jsonb *athar_history_next_key(Jsonb *key, Jsonb *new_values);
extern Jsonb *athar_history_restrict(athar_shape *shape, const bool *mask,
									 Jsonb *document);

#endif							/* ATHAR_HISTORY_H */
