/*
 * proof.c
 *	  Roots, proofs, tiles and checkpoints of the sealed tree, for outsiders.
 *
 * A checkpoint is three lines, as in C2SP tlog-checkpoint: the name of the
 * tree, its size, its root.  It is not signed: a key inside the database would
 * prove nothing against whoever owns the database.  Who fetches checkpoints
 * signs them, or prints them where they cannot be changed.
 */
#include "athar.h"

#include "common/base64.h"
#include "commands/dbcommands.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "batch.h"
#include "merkle.h"
#include "proof.h"
#include "tile.h"

#define MOST_ORIGIN 200
#define MOST_DIGITS 19

static char *origin_setting;

/* It is a line of checkpoints, so it must stay one. */
static bool
check_origin(char **value, void **extra, GucSource source)
{
	if (strlen(*value) > MOST_ORIGIN)
	{
		GUC_check_errdetail("A name of at most %d bytes is wanted.",
							MOST_ORIGIN);
		return false;
	}
	for (const char *p = *value; *p; p++)
	{
		if ((unsigned char) *p > ' ' && *p != 127 && *p != '+')
			continue;
		GUC_check_errdetail("Blanks, control characters and plus signs are not allowed.");
		return false;
	}
	return true;
}

void
athar_proof_init(void)
{
	DefineCustomStringVariable("athar.log_origin",
							   "Name of the sealed log in its checkpoints.",
							   "Unset, it stays what it was, and is athar/ and the database's name at first.",
							   &origin_setting, "", PGC_SUSET, 0,
							   check_origin, NULL, NULL);
}

/* The name under which the tree is sealed after this batch. */
const char *
athar_proof_origin(const athar_batch *newest)
{
	if (origin_setting && *origin_setting)
		return origin_setting;
	if (newest->id != 0)
		return newest->origin;
	return psprintf("athar/%s", get_database_name(MyDatabaseId));
}

void
athar_proof_root_text(const athar_hash *root, char string[ATHAR_ROOT_TEXT])
{
	int			length = pg_b64_encode((const void *) root->bytes,
									   ATHAR_HASH_BYTES, string,
									   ATHAR_ROOT_TEXT - 1);

	string[Max(length, 0)] = '\0';
}

/* The length of the line at hand, and where it begins; move behind it. */
static int
read_line(const char **string, const char **line)
{
	int			length = strcspn(*string, "\n");

	*line = *string;
	*string += length;
	if (**string == '\n')
		(*string)++;
	return length > 0 && (*line)[length - 1] == '\r' ? length - 1 : length;
}

/*
 * Read a checkpoint: three lines; what follows (signatures) is not looked at.
 * False if it is none.
 */
bool
athar_proof_read(const char *string, athar_tree_head *checkpoint)
{
	const char *origin;
	const char *size;
	const char *root;
	char		decoded[ATHAR_ROOT_TEXT];
	int			name = read_line(&string, &origin);
	int			digits = read_line(&string, &size);
	int			length = read_line(&string, &root);

	if (name == 0 || digits == 0 || digits > MOST_DIGITS ||
		strspn(size, "0123456789") != digits ||
		(size[0] == '0' && digits > 1) || length != 44)
		return false;
	errno = 0;
	checkpoint->size = strtoll(size, NULL, 10);
	if (errno != 0 ||
		pg_b64_decode(root, length, (void *) decoded,
					  sizeof(decoded)) != ATHAR_HASH_BYTES)
		return false;
	memcpy(checkpoint->root.bytes, decoded, ATHAR_HASH_BYTES);
	return true;
}

static void
compute_root(int64 size, athar_hash *root)
{
	athar_hasher *hasher = athar_sha256_begin();
	athar_tile_tree tree;

	athar_tile_open(&tree, hasher);
	athar_merkle_compute_root(&tree.tree, size, root);
	athar_sha256_end(hasher);
}

/* The size asked for, or that of the whole tree; refused beyond it. */
static int64
size_argument(FunctionCallInfo fcinfo)
{
	int64		newest = athar_batch_tree_size();
	int64		size = PG_ARGISNULL(0) ? newest : PG_GETARG_INT64(0);

	athar_merkle_check_sizes(size, newest);
	return size;
}

/* The root of the tree when it had that size. */
PG_FUNCTION_INFO_V1(athar_tree_root);
Datum
athar_tree_root(PG_FUNCTION_ARGS)
{
	athar_hash	root;

	compute_root(size_argument(fcinfo), &root);
	return athar_merkle_datum(&root);
}

/* The checkpoint of the tree when it had that size. */
PG_FUNCTION_INFO_V1(athar_checkpoint);
Datum
athar_checkpoint(PG_FUNCTION_ARGS)
{
	int64		size = size_argument(fcinfo);
	athar_batch none = {0};
	athar_batch *reached;
	athar_hash	root;
	char		string[ATHAR_ROOT_TEXT];
	int			found = athar_batch_read(" WHERE b.tree_size OPERATOR(pg_catalog.>=) $1"
										 " ORDER BY b.id LIMIT 1", 1, &size,
										 &reached);

	compute_root(size, &root);
	athar_proof_root_text(&root, string);
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("%s\n%lld\n%s\n",
											  found > 0 ? reached->origin : athar_proof_origin(&none),
											  (long long) size, string)));
}

/* The proof that a leaf is in the tree of that size. */
PG_FUNCTION_INFO_V1(athar_inclusion_proof);
Datum
athar_inclusion_proof(PG_FUNCTION_ARGS)
{
	int64		index = PG_GETARG_INT64(0);
	int64		size = PG_GETARG_INT64(1);
	athar_hasher *hasher;
	athar_tile_tree tree;
	athar_proof proof;

	athar_merkle_check_sizes(size, athar_batch_tree_size());
	athar_merkle_check_index(index, size);
	hasher = athar_sha256_begin();
	athar_tile_open(&tree, hasher);
	athar_merkle_prove_inclusion(&tree.tree, index, size, &proof);
	athar_sha256_end(hasher);
	PG_RETURN_ARRAYTYPE_P(athar_merkle_array(&proof));
}

/* The proof that the tree of one size is the beginning of that of another. */
PG_FUNCTION_INFO_V1(athar_consistency_proof);
Datum
athar_consistency_proof(PG_FUNCTION_ARGS)
{
	int64		first = PG_GETARG_INT64(0);
	int64		second = PG_GETARG_INT64(1);
	athar_hasher *hasher;
	athar_tile_tree tree;
	athar_proof proof;

	athar_merkle_check_sizes(second, athar_batch_tree_size());
	athar_merkle_check_sizes(first, second);
	hasher = athar_sha256_begin();
	athar_tile_open(&tree, hasher);
	athar_merkle_prove_consistency(&tree.tree, first, second, &proof);
	athar_sha256_end(hasher);
	PG_RETURN_ARRAYTYPE_P(athar_merkle_array(&proof));
}

/* A tile as the interchange format has it. */
PG_FUNCTION_INFO_V1(athar_export_tile);
Datum
athar_export_tile(PG_FUNCTION_ARGS)
{
	int32		level = PG_GETARG_INT32(0);
	int64		n = PG_GETARG_INT64(1);
	athar_tile *tile = palloc0(sizeof(athar_tile));
	bytea	   *result;
	Size		length;

	if (level >= 0 && level < ATHAR_TILE_LEVELS && n >= 0)
		athar_tile_load(level, n, tile);
	if (tile->count == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("there is no tile %lld on level %d", (long long) n,
						level),
				 errdetail("The tree has %lld leaves, a tile 256 hashes; levels and tiles are counted from 0.",
						   (long long) athar_batch_tree_size()),
				 errhint("Ask for tiles that the size of the tree implies.")));
	length = tile->count * ATHAR_HASH_BYTES;
	result = palloc(VARHDRSZ + length);
	SET_VARSIZE(result, VARHDRSZ + length);
	memcpy(VARDATA(result), tile->hashes, length);
	PG_RETURN_BYTEA_P(result);
}
