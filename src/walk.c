/*
 * walk.c
 *	  Along the stored tree: whether entries, tiles and batches agree.
 *
 * The tree is computed anew from the hashes of its leaves, tile by tile, and
 * compared with the stored hashes of each level above and with the root of
 * each batch.  Where the entries of a tile do not give its stored hashes, one
 * of the two was changed; what is above them tells which: the tile, if the
 * entries' hashes lead to the stored hash above it (or to the root of the
 * batch), else the entries.  So one change is told once, and by its name.
 */
#include "athar.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"

#include "batch.h"
#include "merkle.h"
#include "tile.h"
#include "walk.h"

/* As many problems of a check are told one by one. */
#define MOST_TOLD 100

struct athar_walk
{
	athar_findings *findings;
	athar_hasher *hasher;
	int64		tree_size;
	const athar_batch *batches; /* by their leaves */
	int			count;
	int			next;			/* the first that ends after the walk so far */
	int64		size;			/* leaves behind the walk */
	athar_peaks levels[ATHAR_TILE_LEVELS];	/* of the tiles it is in */
	athar_tile	tiles[ATHAR_TILE_LEVELS];	/* as stored, from level 1 on */
	athar_tile	stored;			/* on level 0 */
	athar_tile	computed;		/* the same, from the entries */
};

/* Tell of a problem; many of one kind are counted only. */
void
athar_walk_problem(athar_findings *findings, athar_check check,
				   const char *format,...)
{
	MemoryContext old;
	StringInfoData detail;
	va_list		arguments;
	int			needed;

	if (findings->problems[check]++ >= MOST_TOLD)
		return;
	old = MemoryContextSwitchTo(findings->context);
	initStringInfo(&detail);
	for (;;)
	{
		va_start(arguments, format);
		needed = appendStringInfoVA(&detail, format, arguments);
		va_end(arguments);
		if (needed == 0)
			break;
		enlargeStringInfo(&detail, needed);
	}
	findings->details[check] = lappend(findings->details[check],
									   detail.data);
	MemoryContextSwitchTo(old);
}

/* How many hashes the stored tree has on a level, and in a tile of it. */
static int
wanted_count(const athar_walk *walk, int level, int64 n)
{
	int64		hashes = walk->tree_size >> (level * ATHAR_TILE_HEIGHT);
	int64		left = hashes - n * ATHAR_TILE_HASHES;

	return left <= 0 ? 0 : Min(left, ATHAR_TILE_HASHES);
}

/* Read a tile, and tell of it if it is not as large as it should be. */
static void
load(athar_walk *walk, int level, int64 n, athar_tile *tile)
{
	int			wanted = wanted_count(walk, level, n);

	athar_tile_load(level, n, tile);
	walk->findings->looked_at[ATHAR_TILE]++;
	if (tile->count == wanted)
		return;
	if (tile->count == 0 && !tile->is_damaged)
		athar_walk_problem(walk->findings, ATHAR_TILE,
						   "tile %lld on level %d is missing",
						   (long long) n, level);
	else
		athar_walk_problem(walk->findings, ATHAR_TILE,
						   "tile %lld on level %d does not have %d hashes",
						   (long long) n, level, wanted);
	tile->count = Min(tile->count, wanted);
}

/* The tile above, in which the root of tile n below stands. */
static athar_tile *
tile_above(athar_walk *walk, int level, int64 n)
{
	athar_tile *tile = &walk->tiles[level];

	if (tile->n != n / ATHAR_TILE_HASHES)
		load(walk, level, n / ATHAR_TILE_HASHES, tile);
	return tile;
}

/* The stored hash over tile n of a level; NULL if there is none. */
static athar_hash *
hash_above(athar_walk *walk, int level, int64 n)
{
	athar_tile *tile = tile_above(walk, level + 1, n);
	int			offset = n % ATHAR_TILE_HASHES;

	return offset < tile->count ? &tile->hashes[offset] : NULL;
}

/* Begin at the start of the tile in which a leaf stands. */
athar_walk *
athar_walk_begin(athar_findings *findings, athar_hasher *hasher,
				 int64 tree_size, const athar_batch *batches, int count,
				 int64 from_leaf)
{
	athar_walk *walk = palloc0(sizeof(athar_walk));
	int64		n = from_leaf / ATHAR_TILE_HASHES;

	walk->findings = findings;
	walk->hasher = hasher;
	walk->tree_size = tree_size;
	walk->batches = batches;
	walk->count = count;
	walk->size = n * ATHAR_TILE_HASHES;
	while (walk->next < count &&
		   batches[walk->next].tree_size <= walk->size)
		walk->next++;
	for (int level = 1; level < ATHAR_TILE_LEVELS; level++)
	{
		athar_tile *tile = &walk->tiles[level];

		tile->n = -1;
		if (n % ATHAR_TILE_HASHES != 0)
		{
			load(walk, level, n / ATHAR_TILE_HASHES, tile);
			for (int i = 0; i < Min(n % ATHAR_TILE_HASHES, tile->count); i++)
				athar_merkle_append(hasher, &walk->levels[level], 0,
									&tile->hashes[i]);
		}
		n /= ATHAR_TILE_HASHES;
	}
	return walk;
}

/*
 * One tile
 */

/* The root of the tree up to where the peaks of the level 0 stand. */
static void
present_root(athar_walk *walk, const athar_peaks *leaves, athar_hash *root)
{
	bool		has_any = athar_merkle_fold(walk->hasher, leaves, false, root);

	for (int level = 1; level < ATHAR_TILE_LEVELS; level++)
		has_any = athar_merkle_fold(walk->hasher, &walk->levels[level],
									has_any, root);
}

/*
 * Do these hashes of the present tile lead to what is stored above: the hash
 * of the tile, or where it is not full, the root of the last batch in it?
 */
static bool
leads_up(athar_walk *walk, const athar_tile *tile, int count)
{
	const athar_batch *last = NULL;
	athar_peaks peaks;
	athar_hash	root;
	athar_hash *above;

	for (int i = walk->next; i < walk->count &&
		 walk->batches[i].tree_size <= walk->size + count; i++)
		last = &walk->batches[i];
	peaks.size = 0;
	for (int i = 0; i < count; i++)
	{
		athar_merkle_append(walk->hasher, &peaks, 0, &tile->hashes[i]);
		if (count < ATHAR_TILE_HASHES && last &&
			last->tree_size == walk->size + i + 1)
			present_root(walk, &peaks, &root);
	}
	if (count < ATHAR_TILE_HASHES)
		return last && athar_batch_root_is(last, &root);
	above = hash_above(walk, 0, walk->size / ATHAR_TILE_HASHES);
	return above && athar_merkle_is_same(above, &peaks.at[ATHAR_TILE_HEIGHT]);
}

static void
tell_changed(athar_walk *walk, const athar_stretch *stretch, int count)
{
	for (int i = 0; i < count; i++)
		if (!athar_merkle_is_same(&walk->stored.hashes[i], &walk->computed.hashes[i]))
			athar_walk_problem(walk->findings, ATHAR_CHANGED,
							   "entry %lld (leaf %lld) is not what was sealed",
							   (long long) stretch->ids[walk->size + i - stretch->low],
							   (long long) (walk->size + i));
}

/*
 * Read the present tile, and fill in beside it what the entries give: where
 * one is not there or not asked for, the stored hash.  Are they the same?
 */
static bool
compare_tile(athar_walk *walk, const athar_stretch *stretch, int count)
{
	bool		is_equal = true;

	load(walk, 0, walk->size / ATHAR_TILE_HASHES, &walk->stored);
	for (int i = 0; i < count; i++)
	{
		int64		leaf = walk->size + i;
		bool		is_known = leaf >= stretch->low && leaf < stretch->high &&
		stretch->states[leaf - stretch->low] == ATHAR_LEAF_FOUND;
		athar_hash *hash = &walk->computed.hashes[i];

		if (i >= walk->stored.count)
		{
			memset(hash, 0, sizeof(athar_hash));
			if (is_known)
				*hash = stretch->hashes[leaf - stretch->low];

			walk->stored.hashes[i] = *hash;
		}
		else if (!is_known)
			*hash = walk->stored.hashes[i];
		else
		{
			*hash = stretch->hashes[leaf - stretch->low];

			is_equal &= athar_merkle_is_same(hash, &walk->stored.hashes[i]);
			walk->findings->looked_at[ATHAR_CHANGED]++;
		}
	}
	return is_equal;
}

/* Where entries and tile differ, find out which of them was changed. */
static athar_tile *
judge_tile(athar_walk *walk, const athar_stretch *stretch, int count)
{
	bool		does_stored = leads_up(walk, &walk->stored, count);
	bool		does_computed = !does_stored &&
	leads_up(walk, &walk->computed, count);

	if (!does_computed)
		tell_changed(walk, stretch, count);
	if (does_computed)
		athar_walk_problem(walk->findings, ATHAR_TILE,
						   "tile %lld on level 0 does not have the hashes of its entries",
						   (long long) (walk->size / ATHAR_TILE_HASHES));
	return does_computed ? &walk->computed : &walk->stored;
}

/* The roots of the batches that end within the tile. */
static void
check_batch(athar_walk *walk, const athar_peaks *leaves, int64 size)
{
	while (walk->next < walk->count &&
		   walk->batches[walk->next].tree_size <= size)
	{
		const athar_batch *batch = &walk->batches[walk->next++];
		athar_hash	root;

		if (batch->tree_size < size)
			continue;
		walk->findings->looked_at[ATHAR_ROOT]++;
		present_root(walk, leaves, &root);
		if (!athar_batch_root_is(batch, &root))
			athar_walk_problem(walk->findings, ATHAR_ROOT,
							   "batch %lld does not have the root of the first %lld leaves",
							   (long long) batch->id, (long long) size);
	}
}

/* A tile is full: its root is to stand above, and so on upwards. */
static void
go_up(athar_walk *walk, int64 n)
{
	for (int level = 0; level < ATHAR_TILE_LEVELS - 1; level++)
	{
		athar_hash	root = walk->levels[level].at[ATHAR_TILE_HEIGHT];
		athar_hash *above = hash_above(walk, level, n);

		if (above && !athar_merkle_is_same(above, &root))
			athar_walk_problem(walk->findings, ATHAR_TILE,
							   "tile %lld on level %d does not have the root of tile %lld below it",
							   (long long) (n / ATHAR_TILE_HASHES),
							   level + 1, (long long) n);
		walk->levels[level].size = 0;
		athar_merkle_append(walk->hasher, &walk->levels[level + 1], 0, &root);
		if (walk->levels[level + 1].size < ATHAR_TILE_HASHES)
			break;
		n /= ATHAR_TILE_HASHES;
	}
}

static void
pass_tile(athar_walk *walk, const athar_tile *tile, int count)
{
	athar_peaks *leaves = &walk->levels[0];
	int64		n = walk->size / ATHAR_TILE_HASHES;

	for (int i = 0; i < count; i++)
	{
		athar_merkle_append(walk->hasher, leaves, 0, &tile->hashes[i]);
		if (walk->next < walk->count &&
			walk->batches[walk->next].tree_size <= walk->size + i + 1)
			check_batch(walk, leaves, walk->size + i + 1);
	}
	walk->size += count;
	if (count == ATHAR_TILE_HASHES)
		go_up(walk, n);
}

/* Go on to the end of the tile in which the stretch ends. */
void
athar_walk_along(athar_walk *walk, const athar_stretch *stretch)
{
	while (walk->size < stretch->high)
	{
		int			count = wanted_count(walk, 0,
										 walk->size / ATHAR_TILE_HASHES);
		bool		is_equal;

		CHECK_FOR_INTERRUPTS();
		is_equal = compare_tile(walk, stretch, count);
		pass_tile(walk, is_equal ? &walk->stored :
				  judge_tile(walk, stretch, count), count);
	}
}

/* At the end of the tree: the last tile of each level. */
void
athar_walk_edges(athar_walk *walk)
{
	for (int level = 1; level < ATHAR_TILE_LEVELS; level++)
	{
		int64		hashes = walk->tree_size >> (level * ATHAR_TILE_HEIGHT);

		if (hashes % ATHAR_TILE_HASHES != 0)
			(void) tile_above(walk, level, hashes - 1);
	}
}
