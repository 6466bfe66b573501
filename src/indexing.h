/*
 * indexing.h
 *	  New rows of a table into its indexes.
 */
#ifndef ATHAR_INDEXING_H
#define ATHAR_INDEXING_H

#include "catalog/indexing.h"
#include "executor/tuptable.h"

extern void athar_indexing_insert(CatalogIndexState indexes,
								  TupleTableSlot **slots, int count);

#endif							/* ATHAR_INDEXING_H */
