/*
 * plan_commit.c
 *	  A plan document becomes the next version of its plan.
 *
 * What a save costs is to follow what it changes, and not the whole plan.  So
 * an item is compared with its revision in the version before byte by byte
 * (jsonb stores equal values alike, but for the spelling of numbers); only
 * items that differ are checked and stored, and a version's hash is made of
 * the hashes of its items.  The statements are planned once per session.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "json_value.h"

/* A statement whose plan is kept for the session. */
typedef struct kept_statement
{
	const char *text;
	int			expected;
	int			count;
	Oid			types[8];
	SPIPlanPtr	plan;
} kept_statement;

static kept_statement known_items = {
	.text = "SELECT i.item_id, i.revision, i.document, encode(i.item_hash, 'hex')"
	" FROM athar.plan_version v"
	" CROSS JOIN LATERAL unnest(v.items) AS m (revision)"
	" JOIN athar.plan_item i ON i.project_id = v.project_id AND i.revision = m.revision"
	" WHERE v.project_id = $1 AND v.version = $2",
	.expected = SPI_OK_SELECT,.count = 2,.types = {INT4OID, INT4OID}
};

static kept_statement is_faulty = {
	.text = "SELECT EXISTS (SELECT FROM athar.plan_faults($1))",
	.expected = SPI_OK_SELECT,.count = 1,.types = {JSONBOID}
};

static kept_statement check_all = {
	.text = "SELECT athar.check_plan($1)",
	.expected = SPI_OK_SELECT,.count = 1,.types = {JSONBOID}
};

static kept_statement compare_version = {
	.text = "SELECT athar.plan_header($3), coalesce(v.items = $4 AND v.header = athar.plan_header($3), false)"
	" FROM (SELECT 1) AS one"
	" LEFT JOIN athar.plan_version v ON v.project_id = $1 AND v.version = $2",
	.expected = SPI_OK_SELECT,.count = 4,.types = {INT4OID, INT4OID, JSONBOID, INT4ARRAYOID}
};

static kept_statement add_item = {
	.text = "INSERT INTO athar.plan_item (project_id, revision, item_id, document, item_hash)"
	" SELECT $1, coalesce((SELECT max(i.revision) FROM athar.plan_item i WHERE i.project_id = $1), 0) + 1, $2, $3,"
	" sha256(convert_to($3::text, 'UTF8'))"
	" RETURNING revision, encode(item_hash, 'hex')",
	.expected = SPI_OK_INSERT_RETURNING,.count = 3,.types = {INT4OID, TEXTOID, JSONBOID}
};

static kept_statement add_version = {
	.text = "INSERT INTO athar.plan_version (project_id, version, parent_version, merged_version, items, header, author, reason, saved_at, version_hash)"
	" SELECT j.id, j.head_version + 1, p.version, $3, $4, $5, athar.current_actor(), $6, greatest(clock_timestamp(), p.saved_at),"
	" athar.plan_hash(j.code, j.head_version + 1, p.version_hash, $5, $7)"
	" FROM athar.project j"
	" LEFT JOIN athar.plan_version p ON p.project_id = j.id AND p.version = $2"
	" WHERE j.id = $1"
	" RETURNING version",
	.expected = SPI_OK_INSERT_RETURNING,.count = 7,
	.types = {INT4OID, INT4OID, INT4OID, INT4ARRAYOID, JSONBOID, TEXTOID, TEXTOID}
};

static kept_statement move_head = {
	.text = "UPDATE athar.project SET head_version = $2 WHERE id = $1",
	.expected = SPI_OK_UPDATE,.count = 2,.types = {INT4OID, INT4OID}
};

/* The rows of action follow; those that say so already are not touched. */
static kept_statement remove_actions = {
	.text = "UPDATE athar.action a"
	" SET removed_in_version = $2"
	" WHERE a.project_id = $1 AND a.removed_in_version IS NULL"
	" AND NOT a.item_id = ANY (SELECT n.item_id FROM athar.plan_actions($1, $2) n)",
	.expected = SPI_OK_UPDATE,.count = 2,.types = {INT4OID, INT4OID}
};

static kept_statement change_actions = {
	.text = "UPDATE athar.action a"
	" SET revision = n.revision, ordinal = n.ordinal, title = n.title, title_ar = n.title_ar, kind = n.kind, owner_id = n.owner_id,"
	" service_id = n.service_id, stage_id = n.stage_id, channel_id = n.channel_id, starts_on = n.starts_on, due_on = n.due_on,"
	" live_on = n.live_on, status = n.status, weight = n.weight, budget = n.budget, parent_item_id = n.parent_item_id,"
	" removed_in_version = NULL"
	" FROM athar.plan_actions($1, $2) n"
	" WHERE a.project_id = $1 AND a.item_id = n.item_id"
	" AND (a.revision <> n.revision OR a.ordinal <> n.ordinal OR a.removed_in_version IS NOT NULL)",
	.expected = SPI_OK_UPDATE,.count = 2,.types = {INT4OID, INT4OID}
};

static kept_statement add_actions = {
	.text = "INSERT INTO athar.action (project_id, item_id, revision, ordinal, title, title_ar, kind, owner_id, service_id, stage_id, channel_id,"
	" starts_on, due_on, live_on, status, weight, budget, parent_item_id)"
	" SELECT $1, n.item_id, n.revision, n.ordinal, n.title, n.title_ar, n.kind, n.owner_id, n.service_id, n.stage_id, n.channel_id,"
	" n.starts_on, n.due_on, n.live_on, n.status, n.weight, n.budget, n.parent_item_id"
	" FROM athar.plan_actions($1, $2) n"
	" WHERE NOT n.item_id = ANY (SELECT a.item_id FROM athar.action a WHERE a.project_id = $1)"
	" ORDER BY n.ordinal",
	.expected = SPI_OK_INSERT,.count = 2,.types = {INT4OID, INT4OID}
};

/* Run a statement; a Datum of zero is NULL where its place is in nulls. */
static void
run(kept_statement *statement, Datum *values, const char *nulls)
{
	int			result;

	if (statement->plan == NULL)
	{
		/* what is looked for decides nothing here: one plan for all */
		SPIPlanPtr	made = SPI_prepare_cursor(statement->text,
											  statement->count,
											  statement->types,
											  CURSOR_OPT_GENERIC_PLAN);

		if (made == NULL || SPI_keepplan(made) != 0)
			elog(ERROR, "could not prepare \"%s\"", statement->text);
		statement->plan = made;
	}
	result = SPI_execute_plan(statement->plan, values, nulls, false, 0);
	if (result != statement->expected)
		elog(ERROR, "unexpected result of a kept plan: %s",
			 SPI_result_code_string(result));
}

static Datum
found(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						 column, isnull);
}

/*
 * Items of a version and of a document
 */

typedef struct plan_item
{
	char	   *id;
	int32		revision;		/* 0: none yet */
	char	   *hash;			/* in hex */
	Jsonb	   *document;
	int			place;
	char	   *parent;			/* or NULL */
} plan_item;

typedef struct plan_items
{
	plan_item  *by_id;
	int			count;
} plan_items;

static int
compare_items(const void *a, const void *b)
{
	return strcmp(((const plan_item *) a)->id, ((const plan_item *) b)->id);
}

static plan_item *
find_item(const plan_items *items, const char *id)
{
	plan_item	wanted = {.id = unconstify(char *, id)};

	return bsearch(&wanted, items->by_id, items->count, sizeof(plan_item),
				   compare_items);
}

/* The items of a version, in memory of the caller's SPI connection. */
static plan_items
read_items(Datum project_id, Datum version)
{
	Datum		values[] = {project_id, version};
	plan_items	items;
	bool		isnull;

	run(&known_items, values, NULL);
	items.count = SPI_processed;
	items.by_id = palloc0(sizeof(plan_item) * Max(items.count, 1));
	for (int i = 0; i < items.count; i++)
	{
		plan_item  *item = &items.by_id[i];

		item->id = TextDatumGetCString(found(i, 1, &isnull));
		item->revision = DatumGetInt32(found(i, 2, &isnull));
		item->document = DatumGetJsonbP(found(i, 3, &isnull));
		item->hash = TextDatumGetCString(found(i, 4, &isnull));
	}
	qsort(items.by_id, items.count, sizeof(plan_item), compare_items);
	return items;
}

static JsonbValue *
member(JsonbValue *object, const char *name)
{
	return getKeyJsonValueFromContainer(object->val.binary.data, name,
										strlen(name), NULL);
}

/* A member's text; NULL where it is no string. */
static char *
text_member(JsonbValue *object, const char *name)
{
	JsonbValue *value = member(object, name);

	return value != NULL && value->type == jbvString
		? pnstrdup(value->val.string.val, value->val.string.len) : NULL;
}

/* The parts of the list of items; -1 where there is something else. */
static int
list_items(Jsonb *document, JsonbValue **values)
{
	JsonbValue	root;
	JsonbValue *list;
	JsonbValue *unused;

	athar_json_value_of(document, &root);
	if (!athar_json_is_object(&root))
		return -1;
	list = member(&root, "items");
	if (list == NULL || list->type == jbvNull)
		return 0;
	return athar_json_is_array(list)
		? athar_json_parts(list, &unused, values) : -1;
}

static bool
is_same_item(const plan_item *known, const Jsonb *document)
{
	return (VARSIZE(known->document) == VARSIZE(document) &&
			memcmp(known->document, document, VARSIZE(document)) == 0) ||
		compareJsonbContainers(&known->document->root,
							   unconstify(JsonbContainer *, &document->root)) == 0;
}

/*
 * Checking
 */

static bool
is_absent(const JsonbValue *value)
{
	return value == NULL || value->type == jbvNull;
}

/* Does the item refer to others of the plan alone, and not to itself? */
static bool
has_right_references(const plan_items *items, const plan_item *item,
					 JsonbValue *value)
{
	JsonbValue *list = member(value, "depends_on");
	JsonbValue *unused;
	JsonbValue *values;
	int			count;

	if (!is_absent(member(value, "parent")) &&
		(item->parent == NULL || find_item(items, item->parent) == NULL))
		return false;
	if (is_absent(list))
		return true;
	if (!athar_json_is_array(list))
		return false;
	count = athar_json_parts(list, &unused, &values);
	for (int i = 0; i < count; i++)
	{
		char	   *id;

		if (values[i].type != jbvString)
			return false;
		id = pnstrdup(values[i].val.string.val, values[i].val.string.len);
		if (strcmp(id, item->id) == 0 || find_item(items, id) == NULL)
			return false;
	}
	return true;
}

/* Do all parents lead to an item without one? */
static bool
is_forest(const plan_items *items)
{
	int		   *walks = palloc0(sizeof(int) * Max(items->count, 1));

	/* each walk has a number; one that meets its own steps goes round */
	for (int start = 0; start < items->count; start++)
	{
		plan_item  *at = &items->by_id[start];

		CHECK_FOR_INTERRUPTS();
		while (at != NULL && walks[at - items->by_id] == 0)
		{
			walks[at - items->by_id] = start + 1;
			at = at->parent ? find_item(items, at->parent) : NULL;
		}
		if (at != NULL && walks[at - items->by_id] == start + 1)
			return false;
	}
	return true;
}

/* What is to be checked alone: an item without references to others. */
static void
push_item(JsonbParseState **state, const JsonbValue *item)
{
	JsonbValue *names;
	JsonbValue *values;
	int			count = athar_json_parts(item, &names, &values);

	pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < count; i++)
	{
		const char *name = names[i].val.string.val;
		int			length = names[i].val.string.len;

		if ((length == 6 && memcmp(name, "parent", 6) == 0) ||
			(length == 10 && memcmp(name, "depends_on", 10) == 0))
			continue;
		pushJsonbValue(state, WJB_KEY, &names[i]);
		pushJsonbValue(state, WJB_VALUE, &values[i]);
	}
	pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

static Jsonb *
reduced_document(Jsonb *document, const plan_items *known,
				 const plan_items *items, JsonbValue *values)
{
	JsonbParseState *state = NULL;
	JsonbValue	root;
	JsonbValue *names;
	JsonbValue *parts;
	int			count;

	athar_json_value_of(document, &root);
	count = athar_json_parts(&root, &names, &parts);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < count; i++)
	{
		if (names[i].val.string.len == 5 &&
			memcmp(names[i].val.string.val, "items", 5) == 0)
			continue;
		pushJsonbValue(&state, WJB_KEY, &names[i]);
		pushJsonbValue(&state, WJB_VALUE, &parts[i]);
	}
	names[0].type = jbvString;
	names[0].val.string.val = "items";
	names[0].val.string.len = 5;
	pushJsonbValue(&state, WJB_KEY, &names[0]);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < items->count; i++)
	{
		const plan_item *item = &items->by_id[i];
		const plan_item *same = find_item(known, item->id);

		if (same == NULL || !is_same_item(same, item->document))
			push_item(&state, &values[item->place]);
	}
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * Is a document surely right, if what it has in common with a version is?
 * Where this says no, the whole document is to be checked.
 */
static bool
is_surely_right(Jsonb *document, const plan_items *known)
{
	JsonbValue *values = NULL;
	plan_items	items = {.count = list_items(document, &values)};
	Datum		reduced;
	bool		isnull;

	if (items.count < 0 || JB_ROOT_COUNT(document) == 0)
		return false;
	items.by_id = palloc0(sizeof(plan_item) * Max(items.count, 1));
	for (int i = 0; i < items.count; i++)
	{
		plan_item  *item = &items.by_id[i];

		CHECK_FOR_INTERRUPTS();
		if (!athar_json_is_object(&values[i]) ||
			(item->id = text_member(&values[i], "id")) == NULL)
			return false;
		item->document = JsonbValueToJsonb(&values[i]);
		item->parent = text_member(&values[i], "parent");
		item->place = i;
	}
	qsort(items.by_id, items.count, sizeof(plan_item), compare_items);
	for (int i = 0; i < items.count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if ((i > 0 && compare_items(&items.by_id[i - 1], &items.by_id[i]) == 0) ||
			!has_right_references(&items, &items.by_id[i],
								  &values[items.by_id[i].place]))
			return false;
	}
	if (!is_forest(&items))
		return false;
	reduced = JsonbPGetDatum(reduced_document(document, known, &items,
											  values));
	run(&is_faulty, &reduced, NULL);
	return !DatumGetBool(found(0, 1, &isnull));
}

/* Refuse a document with faults, that was made of a version. */
PG_FUNCTION_INFO_V1(athar_check_plan_change);
Datum
athar_check_plan_change(PG_FUNCTION_ARGS)
{
	plan_items	known;
	Datum		candidate;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		PG_RETURN_NULL();
	SPI_connect();
	known = read_items(PG_GETARG_DATUM(0), PG_GETARG_DATUM(1));
	if (PG_ARGISNULL(2))
		run(&check_all, &candidate, "n");
	else
	{
		candidate = JsonbPGetDatum(PG_GETARG_JSONB_P(2));
		if (!is_surely_right(DatumGetJsonbP(candidate), &known))
			run(&check_all, &candidate, NULL);
	}
	SPI_finish();
	PG_RETURN_NULL();
}

/*
 * Committing
 */

typedef struct manifest
{
	Datum	   *revisions;
	int			count;
	int			kept;			/* how many of them the parent has */
	StringInfoData hashes;
} manifest;

static void
store_item(Datum project_id, plan_item *item)
{
	Datum		values[3];
	bool		isnull;

	values[0] = project_id;
	values[1] = CStringGetTextDatum(item->id);
	values[2] = JsonbPGetDatum(item->document);
	run(&add_item, values, NULL);
	item->revision = DatumGetInt32(found(0, 1, &isnull));
	item->hash = TextDatumGetCString(found(0, 2, &isnull));
}

/* Give every item a revision: that of the parent, or else a new one. */
static manifest
store_items(Datum project_id, Jsonb *document, const plan_items *known)
{
	manifest	result = {0};
	JsonbValue *values = NULL;

	result.count = Max(list_items(document, &values), 0);
	result.revisions = palloc(sizeof(Datum) * Max(result.count, 1));
	initStringInfo(&result.hashes);
	for (int i = 0; i < result.count; i++)
	{
		plan_item	item = {0};
		plan_item  *same;

		CHECK_FOR_INTERRUPTS();
		if (!athar_json_is_object(&values[i]) ||
			(item.id = text_member(&values[i], "id")) == NULL)
			elog(ERROR, "plan document with faults was not checked");
		same = find_item(known, item.id);
		item.document = JsonbValueToJsonb(&values[i]);
		result.kept += same != NULL;
		if (same == NULL || !is_same_item(same, item.document))
			store_item(project_id, same = &item);
		result.revisions[i] = Int32GetDatum(same->revision);
		appendStringInfo(&result.hashes, "%s\"%s\"", i > 0 ? ", " : "",
						 same->hash);
	}
	return result;
}

static void
follow(Datum project_id, Datum version, bool is_removing, bool is_adding)
{
	Datum		values[] = {project_id, version};

	if (is_removing)
		run(&remove_actions, values, NULL);
	run(&change_actions, values, NULL);
	if (is_adding)
		run(&add_actions, values, NULL);
}

/* Make a checked document the next version; answer the newest one. */
PG_FUNCTION_INFO_V1(athar_commit_plan);
Datum
athar_commit_plan(PG_FUNCTION_ARGS)
{
	Datum		project_id = PG_GETARG_DATUM(0);
	char		nulls[] = {' ', PG_ARGISNULL(1) ? 'n' : ' ', PG_ARGISNULL(2) ? 'n' : ' ', ' ', ' ', ' ', ' ', '\0'};
	Datum		values[7] = {project_id, PG_GETARG_DATUM(1)};
	Jsonb	   *document;
	plan_items	known = {0};
	manifest	items;
	Datum		version = PG_GETARG_DATUM(1);
	bool		isnull;

	if (PG_ARGISNULL(0) || PG_ARGISNULL(3) || PG_ARGISNULL(4))
		elog(ERROR, "a version needs a project, a document and a reason");
	document = PG_GETARG_JSONB_P(3);

	SPI_connect();
	if (!PG_ARGISNULL(1))
		known = read_items(project_id, version);
	items = store_items(project_id, document, &known);
	values[2] = JsonbPGetDatum(document);
	values[3] = PointerGetDatum(construct_array(items.revisions, items.count,
												INT4OID, sizeof(int32), true,
												TYPALIGN_INT));
	nulls[2] = ' ';
	run(&compare_version, values, nulls);
	if (!DatumGetBool(found(0, 2, &isnull)))
	{
		values[4] = found(0, 1, &isnull);
		values[2] = PG_GETARG_DATUM(2);
		nulls[2] = PG_ARGISNULL(2) ? 'n' : ' ';
		values[5] = PG_GETARG_DATUM(4);
		values[6] = CStringGetTextDatum(psprintf("[%s]", items.hashes.data));
		run(&add_version, values, nulls);
		if (SPI_processed != 1)
			elog(ERROR, "there is no project %d", DatumGetInt32(project_id));
		version = found(0, 1, &isnull);
		values[1] = version;
		run(&move_head, values, NULL);
		follow(project_id, version, items.kept < known.count,
			   items.kept < items.count);
	}
	SPI_finish();
	PG_RETURN_DATUM(version);
}
