/*
 * tile.c
 *	  The stored hash tree: tiles of 256 hashes, as in C2SP tlog-tiles.
 *
 * A tile on level l holds the roots of 256 neighbouring subtrees with 256^l
 * leaves each, so a proof needs two tiles up to 65,536 leaves and four up to
 * four thousand million, and a leaf costs 32 bytes and an eighth.  The tree
 * grows to the right only: a full tile is never written again, the last one
 * of each level is rewritten until it is full.
 */
#include "athar.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "catalog.h"
#include "merkle.h"
#include "tile.h"

#define TILE_COLUMNS 3

static void
read_tile(Relation relation, HeapTuple tuple, athar_tile *tile)
{
	bool		isnull;
	Datum		value = heap_getattr(tuple, TILE_COLUMNS,
									 RelationGetDescr(relation), &isnull);
	bytea	   *hashes = DatumGetByteaPP(value);
	Size		length = VARSIZE_ANY_EXHDR(hashes);

	tile->place = tuple->t_self;
	tile->is_damaged = length == 0 || length > sizeof(tile->hashes) ||
		length % ATHAR_HASH_BYTES != 0;
	if (!tile->is_damaged)
	{
		tile->count = tile->stored = length / ATHAR_HASH_BYTES;
		memcpy(tile->hashes, VARDATA_ANY(hashes), length);
	}
	if (PointerGetDatum(hashes) != value)
		pfree(hashes);
}

/* Read a tile under the active snapshot; its count is 0 if there is none. */
void
athar_tile_load(int level, int64 n, athar_tile *tile)
{
	Relation	relation = table_open(athar_catalog_oid(ATHAR_SEAL_TILE),
									  AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT2EQ,
				Int16GetDatum(level));
	ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(n));
	tile->n = n;
	tile->count = tile->stored = 0;
	tile->is_damaged = false;
	scan = systable_beginscan(relation, athar_catalog_primary_key(relation), true,
							  GetActiveSnapshot(), lengthof(keys), keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		read_tile(relation, tuple, tile);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
}

static void
refuse_damaged(int level, int64 n)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("tile %lld on level %d of the sealed log is missing or damaged",
					(long long) n, level),
			 errdetail("The hash tree cannot be read; nothing was changed."),
			 errhint("athar.verify_log() tells what else does not agree.")));
}

/*
 * The tree as a source of hashes
 */

static void
read_subtree(athar_tree *source, int height, int64 index, athar_hash *hash)
{
	athar_tile_tree *tree = (athar_tile_tree *) source;
	int			level = height / ATHAR_TILE_HEIGHT;
	int			width = 1 << (height % ATHAR_TILE_HEIGHT);
	int64		first = index * width;
	int64		n = first / ATHAR_TILE_HASHES;
	int			offset = first % ATHAR_TILE_HASHES;
	athar_tile *tile = tree->tiles[level];
	athar_peaks peaks;

	CHECK_FOR_INTERRUPTS();
	if (tile == NULL)
		tile = tree->tiles[level] = palloc0(sizeof(athar_tile));
	if (tile->count == 0 || tile->n != n)
		athar_tile_load(level, n, tile);
	if (tile->count < offset + width)
	{
		if (!tree->is_lenient)
			refuse_damaged(level, n);
		tree->is_damaged = true;
		memset(hash, 0, sizeof(athar_hash));
		return;
	}
	peaks.size = 0;
	for (int i = 0; i < width; i++)
		athar_merkle_append(source->hasher, &peaks, 0,
							&tile->hashes[offset + i]);
	*hash = peaks.at[height % ATHAR_TILE_HEIGHT];
}

void
athar_tile_open(athar_tile_tree *tree, athar_hasher *hasher)
{
	memset(tree, 0, sizeof(athar_tile_tree));
	tree->tree.hasher = hasher;
	tree->tree.read = read_subtree;
}

static void
tile_peaks(athar_hasher *hasher, const athar_tile *tile, athar_peaks *peaks)
{
	peaks->size = 0;
	for (int i = 0; i < tile->count; i++)
		athar_merkle_append(hasher, peaks, 0, &tile->hashes[i]);
}

/* The root of a full tile. */
static void
compute_root(athar_hasher *hasher, const athar_tile *tile,
			 athar_hash *root)
{
	athar_peaks peaks;

	Assert(tile->count == ATHAR_TILE_HASHES);
	tile_peaks(hasher, tile, &peaks);
	*root = peaks.at[ATHAR_TILE_HEIGHT];
}

/*
 * The tree as it grows
 */

/* Read the right edge of a tree of that size. */
athar_tile_edge *
athar_tile_begin(athar_hasher *hasher, int64 size)
{
	athar_tile_edge *edge = palloc0(sizeof(athar_tile_edge));

	edge->hasher = hasher;
	for (int level = 0; level < ATHAR_TILE_LEVELS; level++)
	{
		athar_tile *tile = &edge->tiles[level];
		int64		hashes = size >> (level * ATHAR_TILE_HEIGHT);

		tile->n = hashes / ATHAR_TILE_HASHES;
		if (hashes % ATHAR_TILE_HASHES == 0)
			continue;
		athar_tile_load(level, tile->n, tile);
		if (tile->count != hashes % ATHAR_TILE_HASHES)
			refuse_damaged(level, tile->n);
	}
	return edge;
}

/* Write a tile: over the one that it grew out of, if there was one. */
static void
store_tile(int level, athar_tile *tile)
{
	Size		length = tile->count * ATHAR_HASH_BYTES;
	bytea	   *hashes = palloc(VARHDRSZ + length);
	Datum		values[TILE_COLUMNS];
	bool		nulls[TILE_COLUMNS] = {false};

	SET_VARSIZE(hashes, VARHDRSZ + length);
	memcpy(VARDATA(hashes), tile->hashes, length);
	values[0] = Int16GetDatum(level);
	values[1] = Int64GetDatum(tile->n);
	values[2] = PointerGetDatum(hashes);
	if (ItemPointerIsValid(&tile->place))
		athar_catalog_update(ATHAR_SEAL_TILE, &tile->place, values, nulls);
	else
		athar_catalog_insert(ATHAR_SEAL_TILE, values, nulls);
	pfree(hashes);
}

static void
append_at(athar_tile_edge *edge, int level, const athar_hash *hash)
{
	athar_tile *tile = &edge->tiles[level];

	tile->hashes[tile->count++] = *hash;
	if (tile->count == ATHAR_TILE_HASHES)
	{
		athar_hash	root;

		CHECK_FOR_INTERRUPTS();
		store_tile(level, tile);
		compute_root(edge->hasher, tile, &root);
		tile->n++;
		tile->count = tile->stored = 0;
		ItemPointerSetInvalid(&tile->place);
		append_at(edge, level + 1, &root);
	}
}

void
athar_tile_append(athar_tile_edge *edge, const athar_hash *hash)
{
	append_at(edge, 0, hash);
}

void
athar_tile_edge_root(const athar_tile_edge *edge, athar_hash *root)
{
	bool		has_any = false;
	athar_peaks peaks;

	for (int level = 0; level < ATHAR_TILE_LEVELS; level++)
	{
		tile_peaks(edge->hasher, &edge->tiles[level], &peaks);
		has_any = athar_merkle_fold(edge->hasher, &peaks, has_any, root);
	}
	if (!has_any)
		athar_merkle_nothing(edge->hasher, root);
}

/* Write the tiles that grew and are not full. */
void
athar_tile_finish(athar_tile_edge *edge)
{
	for (int level = 0; level < ATHAR_TILE_LEVELS; level++)
		if (edge->tiles[level].count > edge->tiles[level].stored)
			store_tile(level, &edge->tiles[level]);
	CommandCounterIncrement();
}
