/*
 * plan_check.c
 *	  Plan documents that were made of a version, checked at little cost.
 *
 * What is right about a plan is SQL's business (plan_faults()).  What a version
 * says as the document does was right, and stays so, but for the items it
 * refers to: so these are looked at here, and SQL is asked about what changed,
 * and what is checked together with that.  Nobody has to answer for codes that
 * the catalogue has changed since, until he changes an item that names them.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "json_value.h"
#include "plan_check.h"
#include "statement.h"

static athar_statement has_header_faults = {
	.text = "SELECT FROM athar.header_faults($1) LIMIT 1",
	.expected = SPI_OK_SELECT,.count = 1,.types = {JSONBOID}
};

static athar_statement has_item_faults = {
	.text = "SELECT FROM jsonb_array_elements($1) AS e (item) CROSS JOIN LATERAL athar.item_faults(e.item) LIMIT 1",
	.expected = SPI_OK_SELECT,.count = 1,.types = {JSONBOID}
};

static athar_statement has_kpi_faults = {
	.text = "SELECT FROM jsonb_array_elements($1) AS e (kpis) CROSS JOIN LATERAL athar.kpi_faults(e.kpis) LIMIT 1",
	.expected = SPI_OK_SELECT,.count = 1,.types = {JSONBOID}
};

static athar_statement refuse_faults = {
	.text = "SELECT athar.check_plan($1)",
	.expected = SPI_OK_SELECT,.count = 1,.types = {JSONBOID}
};

/*
 * References
 */

static JsonbValue *
member(Jsonb *object, const char *name)
{
	return getKeyJsonValueFromContainer(&object->root, name, strlen(name),
										NULL);
}

static bool
is_absent(const JsonbValue *value)
{
	return value == NULL || value->type == jbvNull;
}

/* Does the item refer to others of the plan alone, and not to itself? */
static bool
has_right_references(const athar_plan *plan, const athar_plan_item *item)
{
	JsonbValue *list = member(item->document, "depends_on");
	JsonbValue *unused;
	JsonbValue *values;
	int			count;

	if (item->parent ? athar_plan_find(plan, item->parent) == NULL :
		!is_absent(member(item->document, "parent")))
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
		if (strcmp(id, item->id) == 0 || athar_plan_find(plan, id) == NULL)
			return false;
	}
	return true;
}

/* Do all parents lead to an item without one? */
static bool
is_forest(const athar_plan *plan)
{
	int		   *walks = palloc0(sizeof(int) * Max(plan->count, 1));

	/* each walk has a number; one that meets its own steps goes round */
	for (int start = 0; start < plan->count; start++)
	{
		athar_plan_item *at = &plan->items[start];

		CHECK_FOR_INTERRUPTS();
		while (at != NULL && walks[at - plan->items] == 0)
		{
			walks[at - plan->items] = start + 1;
			at = at->parent ? athar_plan_find(plan, at->parent) : NULL;
		}
		if (at != NULL && walks[at - plan->items] == start + 1)
			return false;
	}
	return true;
}

/*
 * The rest
 */

/* Members that are looked at in any change: those that an item must have, and
 * codes of the catalogue, which may mean something else by now, or nothing.
 * KPIs are not: effects that are there stay until other KPIs are named. */
static const char *const always[] = {
	"id", "title", "owner", "service", "stage", "channel"
};

/* Members that item_faults() compares with each other. */
static const char *const dates[] = {"starts_on", "due_on", "live_on"};

#define is_one_of(name, list) is_listed(name, list, lengthof(list))

static bool
is_listed(const JsonbValue *name, const char *const *list, int count)
{
	for (int i = 0; i < count; i++)
	{
		if (athar_json_is_named(name, list[i]))
			return true;
	}
	return false;
}

static bool
is_changed(const athar_plan_item *item, const char *name, int length)
{
	return !athar_json_same(getKeyJsonValueFromContainer(&item->document->root,
														 name, length, NULL),
							getKeyJsonValueFromContainer(&item->before->root,
														 name, length, NULL));
}

static bool
is_any_date_changed(const athar_plan_item *item)
{
	for (int i = 0; i < lengthof(dates); i++)
	{
		if (is_changed(item, dates[i], strlen(dates[i])))
			return true;
	}
	return false;
}

/* Is a member of an item to be looked at? */
static bool
is_to_be_checked(const JsonbValue *name, const JsonbValue *value, void *state)
{
	const athar_plan_item *item = state;

	if (athar_json_is_named(name, "parent") ||
		athar_json_is_named(name, "depends_on"))
		return false;
	if (item->before == NULL || is_one_of(name, always))
		return true;
	if (is_one_of(name, dates))
		return is_any_date_changed(item);
	return is_changed(item, name->val.string.val, name->val.string.len);
}

/* Ask for faults of a list; an empty one has none. */
static bool
has_faults(athar_statement *statement, JsonbParseState **state)
{
	Jsonb	   *list = JsonbValueToJsonb(pushJsonbValue(state, WJB_END_ARRAY,
														NULL));
	Datum		value = JsonbPGetDatum(list);

	return JB_ROOT_COUNT(list) > 0 &&
		athar_statement_run(statement, &value, NULL) > 0;
}

/* Are the items right that changed, but for the items they refer to? */
static bool
has_right_items(const athar_plan *plan)
{
	JsonbParseState *items = NULL;
	JsonbParseState *kpis = NULL;

	pushJsonbValue(&items, WJB_BEGIN_ARRAY, NULL);
	pushJsonbValue(&kpis, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < plan->count; i++)
	{
		athar_plan_item *item = &plan->items[i];
		JsonbValue *named;

		if (item->revision != 0)
			continue;
		pushJsonbValue(&items, WJB_BEGIN_OBJECT, NULL);
		athar_json_push_members(&items, item->document, is_to_be_checked, item);
		pushJsonbValue(&items, WJB_END_OBJECT, NULL);
		named = member(item->document, "kpis");
		if (!is_absent(named) &&
			(item->before == NULL || is_changed(item, "kpis", 4)))
			pushJsonbValue(&kpis, WJB_ELEM, named);
	}
	return !has_faults(&has_item_faults, &items) &&
		!has_faults(&has_kpi_faults, &kpis);
}

/* A header that is as it was is right. */
static bool
has_right_header(const athar_plan *plan, const athar_plan *base)
{
	Datum		header = JsonbPGetDatum(plan->header);

	return (base->header != NULL &&
			compareJsonbContainers(&base->header->root,
								   &plan->header->root) == 0) ||
		athar_statement_run(&has_header_faults, &header, NULL) == 0;
}

/*
 * Is a plan surely right, if its items that have a revision are, but for what
 * they refer to, and those whose documents were not read in that, too?  Where
 * this says no, the whole document is to be checked.
 */
bool
athar_plan_is_right(const athar_plan *plan, const athar_plan *base)
{
	if (plan->is_malformed)
		return false;
	for (int i = 0; i < plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (plan->items[i].document !=NULL &&
			!has_right_references(plan, &plan->items[i]))
			return false;
	}
	return is_forest(plan) && has_right_header(plan, base) &&
		has_right_items(plan);
}

/* Refuse a document with faults; NULL has one. */
void
athar_plan_check(Jsonb *document, const athar_plan *plan,
				 const athar_plan *base)
{
	Datum		candidate = JsonbPGetDatum(document);

	if (document == NULL || !athar_plan_is_right(plan, base))
		athar_statement_run(&refuse_faults, &candidate,
							document == NULL ? "n" : NULL);
}
