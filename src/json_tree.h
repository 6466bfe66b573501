/*
 * json_tree.h
 *	  A JSON document as a tree that can be changed.
 */
#ifndef ATHAR_JSON_TREE_H
#define ATHAR_JSON_TREE_H

#include <cJSON.h>

#include "utils/jsonb.h"

/*
 * The nodes are libcjson's, in memory of its own; they are freed with the
 * memory context in which the tree was made.
 */
typedef struct athar_json_tree
{
	cJSON	   *root;
	Size		size;			/* about what it takes, in bytes */
	MemoryContextCallback callback;
} athar_json_tree;

extern athar_json_tree *athar_json_tree_new(void);
extern athar_json_tree *athar_json_tree_make(const JsonbValue *value);
extern cJSON *athar_json_tree_take(athar_json_tree *tree);
extern void athar_json_tree_check(const void *node);
extern Jsonb *athar_json_tree_store(const cJSON *node);

#endif							/* ATHAR_JSON_TREE_H */
