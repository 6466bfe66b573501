/*
 * plan_commit.c
 *	  A plan becomes the next version of its project's.
 *
 * Items that have a revision keep it; the others get one.  A version's hash is
 * made of the hashes of its items.  The rows of action follow, those that say
 * so already are not touched.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#include "plan_commit.h"
#include "sha256.h"
#include "statement.h"

static athar_statement add_item = {
	.text = "INSERT INTO athar.plan_item (project_id, revision, item_id, document, item_hash)"
	" SELECT $1, coalesce((SELECT max(i.revision) FROM athar.plan_item i WHERE i.project_id = $1), 0) + 1, $2, $3,"
	" sha256(convert_to($3::text, 'UTF8'))"
	" RETURNING revision, item_hash",
	.expected = SPI_OK_INSERT_RETURNING,.count = 3,
	.types = {INT4OID, TEXTOID, JSONBOID}
};

static athar_statement add_version = {
	.text = "INSERT INTO athar.plan_version (project_id, version, parent_version, merged_version, items, header, author, reason, saved_at, version_hash)"
	" VALUES ($1, $2, nullif($2 - 1, 0), $3, $4, $5, athar.current_actor(), $6, greatest(clock_timestamp(), $7), $8)",
	.expected = SPI_OK_INSERT,.count = 8,
	.types = {INT4OID, INT4OID, INT4OID, INT4ARRAYOID, JSONBOID, TEXTOID, TIMESTAMPTZOID, BYTEAOID}
};

static athar_statement move_head = {
	.text = "UPDATE athar.project SET head_version = $2 WHERE id = $1",
	.expected = SPI_OK_UPDATE,.count = 2,.types = {INT4OID, INT4OID}
};

static athar_statement remove_actions = {
	.text = "UPDATE athar.action a"
	" SET removed_in_version = $2"
	" WHERE a.project_id = $1 AND a.removed_in_version IS NULL AND a.item_id = ANY ($3)",
	.expected = SPI_OK_UPDATE,.count = 3,
	.types = {INT4OID, INT4OID, TEXTARRAYOID}
};

/* An item that only moved keeps what its codes meant when it was written. */
#define KEPT(column) \
	column " = CASE WHEN a.revision = excluded.revision THEN a." column \
	" ELSE excluded." column " END, "

/* By the key of the rows, whatever the server knows of their number. */
static athar_statement write_actions = {
	.text = "INSERT INTO athar.action AS a (project_id, item_id, revision, ordinal, title, title_ar, kind,"
	" owner_id, service_id, stage_id, channel_id, starts_on, due_on, live_on, status, weight, budget, parent_item_id)"
	" SELECT $1, n.* FROM athar.typed_items($1, $2, $3) n"
	" ON CONFLICT (project_id, item_id) DO UPDATE"
	" SET revision = excluded.revision, ordinal = excluded.ordinal, title = excluded.title, title_ar = excluded.title_ar, kind = excluded.kind,"
	KEPT("owner_id") KEPT("service_id") KEPT("stage_id") KEPT("channel_id")
	" starts_on = excluded.starts_on, due_on = excluded.due_on, live_on = excluded.live_on, status = excluded.status,"
	" weight = excluded.weight, budget = excluded.budget, parent_item_id = excluded.parent_item_id, removed_in_version = NULL",
	.expected = SPI_OK_INSERT,.count = 3,
	.types = {INT4OID, INT4ARRAYOID, INT4ARRAYOID}
};

/* What becomes of the items. */
typedef struct manifest
{
	Datum	   *revisions;		/* in the order of the plan */
	int			count;
	Datum	   *changed;		/* those that the parent has not, or not there */
	Datum	   *ordinals;		/* their places */
	int			changed_count;
	Datum	   *removed;		/* ids of the parent's that are no more */
	int			removed_count;
	char	   *hashes;			/* a JSON array */
} manifest;

static Datum
integers(Datum *values, int count)
{
	return PointerGetDatum(construct_array(values, count, INT4OID,
										   sizeof(int32), true,
										   TYPALIGN_INT));
}

/* A hash as JSON writes it. */
static void
append_hash(StringInfo out, const bytea *hash)
{
	int			length = VARSIZE_ANY_EXHDR(hash) * 2;

	appendStringInfoChar(out, '"');
	enlargeStringInfo(out, length + 1);
	hex_encode(VARDATA_ANY(hash), VARSIZE_ANY_EXHDR(hash),
			   out->data + out->len);
	out->len += length;
	appendStringInfoChar(out, '"');
}

static void
store_item(int32 project_id, athar_plan_item *item)
{
	Datum		values[] = {
		Int32GetDatum(project_id),
		CStringGetTextDatum(item->id),
		JsonbPGetDatum(item->document)
	};
	bool		isnull;

	athar_statement_run(&add_item, values, NULL);
	item->revision = DatumGetInt32(athar_statement_found(0, 1, &isnull));
	item->hash = DatumGetByteaPCopy(athar_statement_found(0, 2, &isnull));
	/* kilobytes, and there may be thousands of items */
	SPI_freetuptable(SPI_tuptable);
}

/* Give every item a revision, and list what is not as in the parent. */
static manifest
store_items(int32 project_id, athar_plan *plan, const athar_plan *parent)
{
	Size		size = sizeof(Datum) * Max(plan->count, 1);
	manifest	result = {
		.revisions = palloc(size),
		.count = plan->count,
		.changed = palloc(size),
		.ordinals = palloc(size)
	};
	StringInfoData hashes;

	initStringInfo(&hashes);
	appendStringInfoChar(&hashes, '[');
	for (int i = 0; i < plan->count; i++)
	{
		athar_plan_item *item = &plan->items[i];

		CHECK_FOR_INTERRUPTS();
		if (item->revision == 0)
			store_item(project_id, item);
		result.revisions[i] = Int32GetDatum(item->revision);
		if (i >= parent->count || item->revision != parent->items[i].revision)
		{
			result.ordinals[result.changed_count] = Int32GetDatum(i + 1);
			result.changed[result.changed_count++] = result.revisions[i];
		}
		if (i > 0)
			appendStringInfoString(&hashes, ", ");
		append_hash(&hashes, item->hash);
	}
	appendStringInfoChar(&hashes, ']');
	result.hashes = hashes.data;
	return result;
}

/* List the items of the parent that are no more. */
static void
find_removed(manifest *items, const athar_plan *plan, const athar_plan *parent)
{
	items->removed = palloc(sizeof(Datum) * Max(parent->count, 1));
	for (int i = 0; i < parent->count; i++)
	{
		if (athar_plan_find(plan, parent->items[i].id) == NULL)
			items->removed[items->removed_count++] =
				CStringGetTextDatum(parent->items[i].id);
	}
}

/* Let the rows of action say what the version says. */
static void
follow(int32 project_id, int32 version, const manifest *items)
{
	Datum		values[] = {Int32GetDatum(project_id), Int32GetDatum(version), 0};

	if (items->removed_count > 0)
	{
		values[2] = PointerGetDatum(construct_array(items->removed,
													items->removed_count,
													TEXTOID, -1, false,
													TYPALIGN_INT));
		athar_statement_run(&remove_actions, values, NULL);
	}
	if (items->changed_count > 0)
	{
		values[1] = integers(items->changed, items->changed_count);
		values[2] = integers(items->ordinals, items->changed_count);
		athar_statement_run(&write_actions, values, NULL);
	}
}

/*
 * SHA-256 over the UTF-8 text of the JSON array ["athar-plan/2", the project's
 * code, the version, the parent's hash in hex or null, the header, the hashes
 * of the items in hex, in their order], as jsonb prints it.
 */
static Datum
hash_version(int32 version, const athar_plan *plan, const athar_plan *parent,
			 const char *item_hashes)
{
	bytea	   *hash = palloc(VARHDRSZ + ATHAR_HASH_BYTES);
	StringInfoData text;
	char	   *utf8;
	athar_hasher *hasher;

	initStringInfo(&text);
	appendStringInfoString(&text, "[\"athar-plan/2\", ");
	escape_json(&text, parent->project);
	appendStringInfo(&text, ", %d, ", version);
	if (parent->hash != NULL)
		append_hash(&text, parent->hash);
	else
		appendStringInfoString(&text, "null");
	appendStringInfo(&text, ", %s, %s]",
					 JsonbToCString(NULL, &plan->header->root,
									VARSIZE(plan->header)),
					 item_hashes);
	utf8 = pg_server_to_any(text.data, text.len, PG_UTF8);

	hasher = athar_sha256_begin();
	athar_sha256_start(hasher);
	athar_sha256_add(hasher, utf8, strlen(utf8));
	athar_sha256_finish(hasher, (uint8 *) VARDATA(hash));
	athar_sha256_end(hasher);
	SET_VARSIZE(hash, VARHDRSZ + ATHAR_HASH_BYTES);
	return PointerGetDatum(hash);
}

/*
 * Make a plan without faults the next version; answer the newest one, which is
 * the parent where the plan says nothing new.  parent_version is 0 for the
 * first; merged_version is the one that the plan was made of, if that is
 * another, or 0.  The project's row is locked.
 */
int32
athar_plan_commit(int32 project_id, int32 parent_version,
				  int32 merged_version, athar_plan *plan,
				  const athar_plan *parent, Datum reason)
{
	int32		version = parent_version + 1;
	bool		is_merged = merged_version && merged_version != parent_version;
	manifest	items = store_items(project_id, plan, parent);
	Datum		values[8];

	find_removed(&items, plan, parent);
	if (parent_version != 0 && items.changed_count == 0 &&
		items.removed_count == 0 &&
		compareJsonbContainers(&parent->header->root,
							   &plan->header->root) == 0)
		return parent_version;
	values[0] = Int32GetDatum(project_id);
	values[1] = Int32GetDatum(version);
	values[2] = Int32GetDatum(merged_version);
	values[3] = integers(items.revisions, items.count);
	values[4] = JsonbPGetDatum(plan->header);
	values[5] = reason;
	values[6] = TimestampTzGetDatum(parent_version ? parent->saved_at :
									DT_NOBEGIN);
	values[7] = hash_version(version, plan, parent, items.hashes);
	athar_statement_run(&add_version, values,
						is_merged ? NULL : "  n     ");
	athar_statement_run(&move_head, values, NULL);
	follow(project_id, version, &items);
	return version;
}
