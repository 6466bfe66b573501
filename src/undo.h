/*
 * undo.h
 *	  A transaction that is to be undone: what it did to each row, in all.
 */
#ifndef ATHAR_UNDO_H
#define ATHAR_UNDO_H

#include "storage/itemptr.h"

#include "undo_link.h"

typedef struct athar_undo_table
{
	int32		lineage;
	athar_subject subject;
	char	   *name;			/* as it is named today */
	HTAB	   *present;		/* rows that are there, by key */
	HTAB	   *removed;		/* rows that are not, by key */
	List	   *gone;			/* names of columns warned about */
	athar_undo_links links;
} athar_undo_table;

typedef struct athar_undo_entry
{
	int64		id;
	int32		lineage;
	int32		table_id;
	int32		version;		/* the definition it was written under */
	char		operation;
	Jsonb	   *key;
	Jsonb	   *old_values;		/* or NULL */
	Jsonb	   *new_values;		/* or NULL */
} athar_undo_entry;

/* A row that the transaction wrote. */
typedef struct athar_undo_row
{
	athar_undo_table *table;
	int64		entry_id;		/* of its newest entry */
	bool		existed;		/* before the transaction */
	bool		exists;			/* after it */
	bool		was_reinserted;
	bool		is_belated;		/* its entries are not in order */
	bool		is_replayed;	/* change by change */
	Jsonb	   *first_key;
	Jsonb	   *last_key;
	Jsonb	   *before;			/* values before, of what changed */
	Jsonb	   *after;			/* and after; NULL: not known */
	athar_undo_entry *insertion;	/* the last one, or NULL */
	athar_undo_entry *removal;
	List	   *updates;		/* of athar_undo_entry */
	bool	   *touched;		/* columns that differ in the end */

	/* As found in the table: */
	bool		is_altered;		/* not as the transaction left it */
	bool		is_explained;	/* by a later entry */
	bool		is_found;
	Oid			tableoid;
	ItemPointerData tid;
	Jsonb	   *live;			/* touched columns; all of a row to be deleted */
	Datum	   *values;			/* of linked columns, by attribute */
	bool	   *nulls;
} athar_undo_row;

typedef struct athar_undo
{
	int64		transaction_id;
	bool		is_dry;
	Oid			user;			/* who asks */
	MemoryContext context;		/* of everything below */
	MemoryContext scratch;		/* for one row */
	Datum		transactions;	/* all its rows of log_transaction: bigint[] */
	List	   *tables;
	List	   *rows;
	List	   *problems;		/* the first of them */
	int			problem_count;
	List	   *plans;			/* queries, prepared once */
	HTAB	   *live;			/* rows found, by where they are */
} athar_undo;

extern void athar_undo_read(athar_undo *run);
extern void athar_undo_values(athar_undo_table *table, Jsonb *document,
							  Datum *values, bool *nulls, bool *mask);
extern Jsonb *athar_undo_logged(HeapTuple tuple, TupleDesc descriptor,
								int number);
extern Jsonb *athar_undo_document(athar_undo_table *table, Datum *values,
								  bool *nulls, const bool *mask);
extern Jsonb *athar_undo_join(Jsonb *first, Jsonb *second);
extern bool athar_undo_column(Jsonb *document, const athar_column *column,
							  Jsonb **value);
extern bool athar_undo_same(Jsonb *a, Jsonb *b);
extern char *athar_undo_spell(Jsonb *document);

#endif							/* ATHAR_UNDO_H */
