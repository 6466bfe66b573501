/*
 * tile.h
 *	  The stored hash tree: tiles of 256 hashes.
 */
#ifndef ATHAR_TILE_H
#define ATHAR_TILE_H

#include "storage/itemptr.h"

#include "merkle.h"

#define ATHAR_TILE_HASHES 256
#define ATHAR_TILE_HEIGHT 8
#define ATHAR_TILE_LEVELS 8

typedef struct athar_tile
{
	int64		n;
	int			count;			/* of hashes; 0 if there is no such tile */
	int			stored;			/* how many of them are in the table */
	bool		is_damaged;		/* its length is none a tile can have */
	ItemPointerData place;
	athar_hash	hashes[ATHAR_TILE_HASHES];
} athar_tile;

/* The stored tree, as a source of hashes. */
typedef struct athar_tile_tree
{
	athar_tree	tree;
	bool		is_lenient;		/* tell of damage instead of failing */
	bool		is_damaged;
	athar_tile *tiles[ATHAR_TILE_LEVELS];	/* the one read last */
} athar_tile_tree;

/* The right edge of the stored tree, on which it grows. */
typedef struct athar_tile_edge
{
	athar_hasher *hasher;
	athar_tile	tiles[ATHAR_TILE_LEVELS];
} athar_tile_edge;

extern void athar_tile_load(int level, int64 n, athar_tile *tile);
extern void athar_tile_open(athar_tile_tree *tree, athar_hasher *hasher);
extern athar_tile_edge *athar_tile_begin(athar_hasher *hasher, int64 size);
extern void athar_tile_append(athar_tile_edge *edge, const athar_hash *hash);
extern void athar_tile_edge_root(const athar_tile_edge *edge,
								 athar_hash *root);
extern void athar_tile_finish(athar_tile_edge *edge);

#endif							/* ATHAR_TILE_H */
