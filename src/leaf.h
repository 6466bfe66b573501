/*
 * leaf.h
 *	  Entries of the log as leaves: one line of text each.
 */
#ifndef ATHAR_LEAF_H
#define ATHAR_LEAF_H

#include "lib/stringinfo.h"
#include "utils/hsearch.h"
#include "utils/jsonb.h"
#include "utils/relcache.h"
#include "utils/uuid.h"

#include "merkle.h"

/* Who, when and why: a row of log_transaction, and its share of a leaf. */
typedef struct athar_leaf_transaction
{
	int64		id;
	bool		exists;
	int64		cluster;
	uint64		xid;
	int			before_length;
	int			after_length;
	char	   *before;			/* at and id */
	char	   *after;			/* session user to the end */
} athar_leaf_transaction;

/* A row of tracked_table. */
typedef struct athar_leaf_table
{
	int32		id;
	bool		exists;
	bool		is_rekey;
	int			relation_length;
	char	   *relation;		/* as JSON */
} athar_leaf_table;

/* A row of log_entry; valid until the next one is read. */
typedef struct athar_entry
{
	int64		id;
	athar_leaf_transaction *transaction;
	athar_leaf_table *table;
	int32		key_hash;
	char		operation;
	const pg_uuid_t *nonce;
	Jsonb	   *row_key;
	Jsonb	   *old_values;		/* NULL if there are none */
	Jsonb	   *new_values;
} athar_entry;

typedef struct athar_leaf_reader
{
	MemoryContext entry_context;	/* emptied for each entry */
	MemoryContext cache_context;
	HTAB	   *transactions;
	HTAB	   *tables;
	athar_leaf_transaction *last;
	Relation	transaction_relation;
	Relation	table_relation;
	StringInfoData text;
} athar_leaf_reader;

typedef void (*athar_leaf_visitor) (athar_leaf_reader *reader,
									athar_entry *entry, void *arg);

extern athar_leaf_reader *athar_leaf_begin(void);
extern void athar_leaf_end(athar_leaf_reader *reader);
extern void athar_leaf_scan(athar_leaf_reader *reader, int64 low, int64 high,
							int64 after_transaction,
							athar_leaf_visitor visit, void *arg);
extern void athar_leaf_render(athar_leaf_reader *reader,
							  const athar_entry *entry);
extern void athar_leaf_compute(athar_leaf_reader *reader,
							   athar_hasher *hasher,
							   const athar_entry *entry, athar_hash *hash);
extern void athar_leaf_hash_line(athar_leaf_reader *reader,
								 athar_hasher *hasher,
								 const char *line, athar_hash *hash);

#endif							/* ATHAR_LEAF_H */
