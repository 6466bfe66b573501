/*
 * plan_items.c
 *	  The items of a plan: those of a document and those of a version.
 *
 * What a save costs is to follow what it changes, and not the whole plan.  So
 * an item of a document is matched with its revision in the version that the
 * document was made from, byte by byte (jsonb stores equal values alike, but
 * for the spelling of numbers); only what differs is checked and stored.
 */
#include "athar.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "json_value.h"
#include "plan_items.h"
#include "statement.h"

static athar_statement read_version = {
	.text = "SELECT j.code::text, v.header, v.version_hash, v.saved_at, v.items"
	" FROM athar.project j"
	" LEFT JOIN athar.plan_version v ON v.project_id = j.id AND v.version = $2"
	" WHERE j.id = $1",
	.expected = SPI_OK_SELECT,.count = 2,.types = {INT4OID, INT4OID}
};

static int
compare_items(const void *a, const void *b)
{
	return strcmp((*(athar_plan_item *const *) a)->id,
				  (*(athar_plan_item *const *) b)->id);
}

/* Make room for items. */
static void
allocate(athar_plan *plan, int count)
{
	plan->count = count;
	plan->items = palloc0(sizeof(athar_plan_item) * Max(count, 1));
	plan->by_id = palloc(sizeof(athar_plan_item *) * Max(count, 1));
}

/* Sort the items by id; false where two have the same. */
static bool
sort_items(athar_plan *plan)
{
	for (int i = 0; i < plan->count; i++)
		plan->by_id[i] = &plan->items[i];
	qsort(plan->by_id, plan->count, sizeof(athar_plan_item *), compare_items);
	for (int i = 1; i < plan->count; i++)
	{
		if (compare_items(&plan->by_id[i - 1], &plan->by_id[i]) == 0)
			return false;
	}
	return true;
}

/* The item with an id, or NULL. */
athar_plan_item *
athar_plan_find(const athar_plan *plan, const char *id)
{
	athar_plan_item wanted = {.id = unconstify(char *, id)};
	athar_plan_item *key = &wanted;
	athar_plan_item **found = bsearch(&key, plan->by_id, plan->count,
									  sizeof(athar_plan_item *),
									  compare_items);

	return found ? *found : NULL;
}

/* Another list of the same items. */
void
athar_plan_copy(const athar_plan *from, athar_plan *to)
{
	*to = *from;
	allocate(to, from->count);
	for (int i = 0; i < from->count; i++)
	{
		to->items[i] = from->items[i];
		to->by_id[i] = &to->items[from->by_id[i] - from->items];
	}
}

/*
 * Documents
 */

/* A member's text; NULL where it is no string. */
static char *
text_member(Jsonb *object, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&object->root, name,
													 strlen(name), NULL);

	return value != NULL && value->type == jbvString
		? pnstrdup(value->val.string.val, value->val.string.len) : NULL;
}

/* Let an item say something else; it has no revision then. */
void
athar_plan_set_item(athar_plan_item *item, Jsonb *document, Jsonb *before)
{
	item->document = document;

	item->before = before;
	item->parent = text_member(document, "parent");
	item->revision = 0;
	item->hash = NULL;
}

/* Take the items out of their list; false where one has no id. */
static bool
take_items(athar_plan *plan, const JsonbValue *list)
{
	JsonbValue *unused;
	JsonbValue *values;

	allocate(plan, athar_json_parts(list, &unused, &values));
	for (int i = 0; i < plan->count; i++)
	{
		athar_plan_item *item = &plan->items[i];

		CHECK_FOR_INTERRUPTS();
		if (!athar_json_is_object(&values[i]))
			return false;
		athar_plan_set_item(item, JsonbValueToJsonb(&values[i]), NULL);
		if ((item->id = text_member(item->document, "id")) == NULL)
			return false;
	}
	return sort_items(plan);
}

static bool
is_no_list_of_items(const JsonbValue *name, const JsonbValue *value, void *list)
{
	return !athar_json_is_named(name, "items") || !athar_json_is_array(value) ||
		JsonContainerSize(value->val.binary.data) == 0;
}

/*
 * The header and the items of a document.  An empty or absent list of items
 * stays in the header as it was written, so that the document can be put
 * together again exactly.
 */
void
athar_plan_read_document(Jsonb *document, athar_plan *plan)
{
	JsonbParseState *state = NULL;
	JsonbValue *list;

	allocate(plan, 0);
	plan->is_malformed = true;
	if (!JB_ROOT_IS_OBJECT(document))
		return;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	athar_json_push_members(&state, document, is_no_list_of_items, NULL);
	plan->header = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT,
													NULL));
	list = getKeyJsonValueFromContainer(&document->root, "items", 5, NULL);
	if (list == NULL || list->type == jbvNull)
		plan->is_malformed = false;
	else if (athar_json_is_array(list))
		plan->is_malformed = !take_items(plan, list);
	if (plan->is_malformed)
		plan->count = 0;
}

/*
 * Versions
 */

/* The revisions of a project's items, found by their key. */
typedef struct item_scan
{
	Relation	items;
	Relation	index;
	IndexScanDesc scan;
	TupleTableSlot *slot;
	int32		project_id;
	int32		at;				/* the revision in the slot; 0: none yet */
	int			revision;		/* numbers of columns */
	int			id;
	int			hash;
	int document;
} item_scan;

static void
begin_scan(item_scan *scan, int32 project_id)
{
	Relation	items = table_open(athar_catalog_oid(ATHAR_PLAN_ITEM),
								   AccessShareLock);

	CommandCounterIncrement();
	PushActiveSnapshot(GetTransactionSnapshot());
	scan->items = items;
	scan->index = index_open(athar_catalog_primary_key(items),
							 AccessShareLock);
#if PG_VERSION_NUM >= 180000
	scan->scan = index_beginscan(items, scan->index, GetActiveSnapshot(),
								 NULL, 3, 0);
#else
	scan->scan = index_beginscan(items, scan->index, GetActiveSnapshot(), 3,
								 0);
#endif
	scan->slot = table_slot_create(items, NULL);
	scan->project_id = project_id;
	scan->at = 0;
	scan->revision = SPI_fnumber(RelationGetDescr(items), "revision");
	scan->id = SPI_fnumber(RelationGetDescr(items), "item_id");
	scan->hash = SPI_fnumber(RelationGetDescr(items), "item_hash");
	scan->document = SPI_fnumber(RelationGetDescr(items), "document");
}

static void
end_scan(item_scan *scan)
{
	ExecDropSingleTupleTableSlot(scan->slot);
	index_endscan(scan->scan);
	index_close(scan->index, NoLock);
	table_close(scan->items, NoLock);
	PopActiveSnapshot();
}

/* How many revisions are looked through at once. */
#define NEAR 16

static void
step(item_scan *scan)
{
	bool		isnull;

	scan->at = index_getnext_slot(scan->scan, ForwardScanDirection,
								  scan->slot) ?
		DatumGetInt32(slot_getattr(scan->slot, scan->revision, &isnull)) :
		PG_INT32_MAX;
}

/* Go to a revision.  Those of a plan stand together, but for what changed: a
 * few steps forward cost less than a way down the index. */
static void
seek(item_scan *scan, int32 revision)
{
	ScanKeyData keys[3];

	while (scan->at > 0 && scan->at < revision)
		step(scan);
	if (scan->at == revision)
		return;
	ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(scan->project_id));
	ScanKeyInit(&keys[1], 2, BTGreaterEqualStrategyNumber, F_INT4GE,
				Int32GetDatum(revision));
	ScanKeyInit(&keys[2], 2, BTLessEqualStrategyNumber, F_INT4LE,
				Int32GetDatum(revision + Min(NEAR, PG_INT32_MAX - revision)));
	index_rescan(scan->scan, keys, lengthof(keys), NULL, 0);
	step(scan);
	if (scan->at != revision)
		elog(ERROR, "there is no revision %d", revision);
}

/* Read the item of a revision, its document if asked for. */
static void
scan_item(item_scan *scan, int32 revision, bool with_document,
		  athar_plan_item *item)
{
	bool		isnull;

	seek(scan, revision);
	item->revision = revision;
	item->id = TextDatumGetCString(slot_getattr(scan->slot, scan->id, &isnull));
	item->hash = DatumGetByteaPCopy(slot_getattr(scan->slot, scan->hash,
												 &isnull));
	if (with_document)
		item->document = DatumGetJsonbPCopy(slot_getattr(scan->slot,
														 scan->document,
														 &isnull));
}

static int
compare_revisions(const void *a, const void *b)
{
	int32		left = (*(athar_plan_item *const *) a)->revision;
	int32		right = (*(athar_plan_item *const *) b)->revision;

	return (left > right) - (left < right);
}

/* The items of a version, by their key: a project has had many more items than
 * it has. */
static void
read_items(int32 project_id, ArrayType *revisions, bool with_documents,
		   athar_plan *plan)
{
	item_scan	scan;
	Datum	   *values;
	int			count;

	deconstruct_array(revisions, INT4OID, sizeof(int32), true, TYPALIGN_INT,
					  &values, NULL, &count);
	allocate(plan, count);
	for (int i = 0; i < count; i++)
	{
		plan->items[i].revision = DatumGetInt32(values[i]);
		plan->by_id[i] = &plan->items[i];
	}
	/* in the order of the index; by id afterwards */
	qsort(plan->by_id, count, sizeof(athar_plan_item *), compare_revisions);
	begin_scan(&scan, project_id);
	for (int i = 0; i < count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		scan_item(&scan, plan->by_id[i]->revision, with_documents,
				  plan->by_id[i]);
	}
	end_scan(&scan);
	(void) sort_items(plan);
}

/* A version, the documents of its items if asked for. */
void
athar_plan_read_version(int32 project_id, int32 version, bool with_documents,
						athar_plan *plan)
{
	Datum		values[] = {Int32GetDatum(project_id), Int32GetDatum(version)};
	Datum		revisions;
	bool		isnull;

	allocate(plan, 0);
	plan->is_malformed = false;
	plan->hash = NULL;
	if (athar_statement_run(&read_version, values, NULL) == 0)
		elog(ERROR, "there is no project %d", project_id);
	plan->project = TextDatumGetCString(athar_statement_found(0, 1, &isnull));
	revisions = athar_statement_found(0, 5, &isnull);
	if (isnull)
		return;
	plan->header = DatumGetJsonbP(athar_statement_found(0, 2, &isnull));
	plan->hash = DatumGetByteaPP(athar_statement_found(0, 3, &isnull));
	plan->saved_at = DatumGetTimestampTz(athar_statement_found(0, 4, &isnull));
	read_items(project_id, DatumGetArrayTypeP(revisions), with_documents,
			   plan);
}

/* The document of a revision. */
Jsonb *
athar_plan_read_item(int32 project_id, int32 revision)
{
	athar_plan_item item;
	item_scan	scan;

	begin_scan(&scan, project_id);
	scan_item(&scan, revision, true, &item);
	end_scan(&scan);
	return item.document;
}

static bool
is_same_document(Jsonb *a, Jsonb *b)
{
	return (VARSIZE(a) == VARSIZE(b) && memcmp(a, b, VARSIZE(a)) == 0) ||
		compareJsonbContainers(&a->root, &b->root) == 0;
}

/* Tell the items of a document what they were in a version; those that are the
 * same have their revisions there. */
void
athar_plan_match(athar_plan *plan, const athar_plan *known)
{
	for (int i = 0; i < plan->count; i++)
	{
		athar_plan_item *item = &plan->items[i];
		athar_plan_item *same = athar_plan_find(known, item->id);

		CHECK_FOR_INTERRUPTS();
		if (same == NULL)
			continue;
		item->before = same->document;
		if (is_same_document(same->document, item->document))
		{
			item->revision = same->revision;
			item->hash = same->hash;
		}
	}
}
