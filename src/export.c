/*
 * export.c
 *	  Leaves for outsiders: of one entry, and of a range in order.
 *
 * A leaf whose entry is gone (expired, or removed) cannot be written; its hash
 * stands in its place, as a JSON string, so that the root can still be
 * computed from the lines.  Whoever reads them sees that it was withheld.
 */
#include "athar.h"

#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "archive.h"
#include "batch.h"
#include "catalog.h"
#include "leaf.h"
#include "merkle.h"
#include "tile.h"

/* Leaves in memory at a time. */
#define LINES_AT_ONCE 8192

/* A stretch of leaves, [low, high), and their lines as far as found. */
typedef struct line_stretch
{
	athar_id_range *pieces;
	int			piece_count;
	int64		low;
	int64		high;
	MemoryContext context;
	char	   *lines[LINES_AT_ONCE];
} line_stretch;

static char *
copy_line(athar_leaf_reader *reader, athar_entry *entry,
		  MemoryContext context)
{
	athar_leaf_render(reader, entry);
	return MemoryContextStrdup(context, reader->text.data);
}

/* Where the line of an entry belongs; NULL if it is not wanted. */
static char **
line_of(line_stretch *wanted, int64 id)
{
	athar_id_range *piece = athar_batch_find(wanted->pieces,
											 wanted->piece_count, id);
	int64		leaf = piece ? piece->leaf + (id - piece->low) : -1;

	return leaf >= wanted->low && leaf < wanted->high ?
		&wanted->lines[leaf - wanted->low] : NULL;
}

static void
keep_line(athar_leaf_reader *reader, athar_entry *entry, void *arg)
{
	line_stretch *wanted = arg;
	char	  **line = line_of(wanted, entry->id);

	if (line && entry->transaction->exists)
		*line = copy_line(reader, entry, wanted->context);
}

static void
keep_archived(int64 id, char *leaf, void *arg)
{
	line_stretch *wanted = arg;
	char	  **line = line_of(wanted, id);

	if (line && *line == NULL)
		*line = MemoryContextStrdup(wanted->context, leaf);
}

/* The ids that a stretch of leaves can have. */
static void
find_bounds(const line_stretch *wanted, int64 *low, int64 *high)
{
	*low = PG_INT64_MAX;
	*high = PG_INT64_MIN;
	for (int i = 0; i < wanted->piece_count; i++)
	{
		const athar_id_range *piece = &wanted->pieces[i];
		int64		first = Max(wanted->low - piece->leaf, 0);
		int64		end = Min(wanted->high - piece->leaf,
							  piece->high - piece->low);

		if (first >= end)
			continue;
		*low = Min(*low, piece->low + first);
		*high = Max(*high, piece->low + end - 1);
	}
}

static void
put_line(ReturnSetInfo *result, const char *line)
{
	Datum		value = CStringGetTextDatum(line);
	bool		isnull = false;

	tuplestore_putvalues(result->setResult, result->setDesc, &value, &isnull);
	pfree(DatumGetPointer(value));
}

/* The hash in the place of a leaf that is gone. */
static void
withhold(athar_tree *tree, int64 leaf, char hash_line[2 * ATHAR_HASH_BYTES + 3])
{
	athar_hash	hash;

	tree->read(tree, 0, leaf, &hash);
	hash_line[0] = '"';
	hex_encode((const char *) hash.bytes, ATHAR_HASH_BYTES, hash_line + 1);
	hash_line[2 * ATHAR_HASH_BYTES + 1] = '"';
	hash_line[2 * ATHAR_HASH_BYTES + 2] = '\0';
}

static void
export_stretch(athar_leaf_reader *reader, athar_tree *tree, line_stretch *wanted,
			   ReturnSetInfo *result)
{
	int64		low;
	int64		high;

	memset(wanted->lines, 0, sizeof(wanted->lines));
	find_bounds(wanted, &low, &high);
	if (low <= high)
	{
		athar_leaf_scan(reader, low, high, PG_INT64_MIN, keep_line, wanted);
		athar_archive_scan(low, high, keep_archived, wanted);
	}
	for (int64 leaf = wanted->low; leaf < wanted->high; leaf++)
	{
		char		hash[2 * ATHAR_HASH_BYTES + 3];
		char	   *line = wanted->lines[leaf - wanted->low];

		if (line == NULL)
			withhold(tree, leaf, line = hash);
		put_line(result, line);
	}
	MemoryContextReset(wanted->context);
}

/* Export the leaves [low, high) of one batch. */
static void
export_batch(athar_leaf_reader *reader, athar_tree *tree, athar_batch *batch,
			 int64 low, int64 high, ReturnSetInfo *result)
{
	line_stretch *wanted = palloc0(sizeof(line_stretch));

	wanted->pieces = batch->ranges;
	wanted->piece_count = batch->range_count;
	wanted->context = AllocSetContextCreate(CurrentMemoryContext,
											"athar leaves",
											ALLOCSET_DEFAULT_SIZES);
	for (wanted->low = low; wanted->low < high; wanted->low = wanted->high)
	{
		CHECK_FOR_INTERRUPTS();
		wanted->high = Min(wanted->low + LINES_AT_ONCE, high);
		export_stretch(reader, tree, wanted, result);
	}
	MemoryContextDelete(wanted->context);
	pfree(wanted);
}

/* The leaves of a range, one line each, in order. */
PG_FUNCTION_INFO_V1(athar_export_leaves);
Datum
athar_export_leaves(PG_FUNCTION_ARGS)
{
	int64		size = athar_batch_tree_size();
	int64		bounds[2] = {PG_ARGISNULL(0) ? 0 : PG_GETARG_INT64(0),
		PG_ARGISNULL(1) ? size : PG_GETARG_INT64(1)
	};
	athar_hasher *hasher;
	athar_tile_tree tree;
	athar_leaf_reader *reader;
	athar_batch *batches;
	int			count;

	athar_merkle_check_sizes(bounds[1], size);
	athar_merkle_check_sizes(bounds[0], bounds[1]);
	athar_catalog_flush();
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	count = athar_batch_read(" WHERE b.tree_size OPERATOR(pg_catalog.>) $1"
							 " AND b.first_leaf OPERATOR(pg_catalog.<) $2"
							 " ORDER BY b.first_leaf", 2, bounds, &batches);
	hasher = athar_sha256_begin();
	athar_tile_open(&tree, hasher);
	reader = athar_leaf_begin();
	for (int i = 0; i < count; i++)
		export_batch(reader, &tree.tree, &batches[i],
					 Max(bounds[0], batches[i].first_leaf),
					 Min(bounds[1], batches[i].tree_size),
					 (ReturnSetInfo *) fcinfo->resultinfo);
	athar_leaf_end(reader);
	athar_sha256_end(hasher);
	return (Datum) 0;
}

/* The line of the one entry that is visited. */
typedef struct found_line
{
	MemoryContext context;
	char	   *line;
} found_line;

static void
keep_only(athar_leaf_reader *reader, athar_entry *entry, void *arg)
{
	found_line *found = arg;

	if (entry->transaction->exists)
		found->line = copy_line(reader, entry, found->context);
}

static void
keep_only_archived(int64 id, char *leaf, void *arg)
{
	found_line *found = arg;

	found->line = MemoryContextStrdup(found->context, leaf);
}

/* The leaf of an entry, sealed or not; NULL if there is none. */
PG_FUNCTION_INFO_V1(athar_log_leaf);
Datum
athar_log_leaf(PG_FUNCTION_ARGS)
{
	int64		id = PG_GETARG_INT64(0);
	athar_leaf_reader *reader;
	found_line	found = {.context = CurrentMemoryContext};

	athar_catalog_flush();
	reader = athar_leaf_begin();
	athar_leaf_scan(reader, id, id, PG_INT64_MIN, keep_only, &found);
	athar_leaf_end(reader);
	if (found.line == NULL)
		athar_archive_scan(id, id, keep_only_archived, &found);
	if (found.line == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(found.line));
}

/* Which leaf an entry is; NULL until it is sealed. */
PG_FUNCTION_INFO_V1(athar_leaf_index);
Datum
athar_leaf_index(PG_FUNCTION_ARGS)
{
	int64		id = PG_GETARG_INT64(0);
	athar_batch *batches;
	athar_id_range *piece;

	if (athar_batch_read(" WHERE b.ids OPERATOR(pg_catalog.@>) $1"
						 " ORDER BY b.id LIMIT 1", 1, &id, &batches) == 0)
		PG_RETURN_NULL();
	piece = athar_batch_find(batches[0].ranges, batches[0].range_count, id);
	PG_RETURN_INT64(piece->leaf + (id - piece->low));
}
