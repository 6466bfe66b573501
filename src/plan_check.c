/*
 * plan_check.c
 *	  Plan documents that were made of a version, checked at little cost.
 *
 * What is right about a plan is SQL's business (plan_faults()).  What a version
 * says as the document does was right, and is still, but for what it refers to:
 * so references are looked at here, and plan_faults() sees what changed of the
 * items, and what is checked together with that.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"

#include "json_value.h"
#include "plan_check.h"
#include "statement.h"

static athar_statement is_faulty = {
	.text = "SELECT EXISTS (SELECT FROM athar.plan_faults($1))",
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

/* Members that plan_faults() compares with each other, or looks up so. */
static const char *const together[][3] = {
	{"starts_on", "due_on", "live_on"},
	{"service", "stage"}
};

static bool
is_changed(const athar_plan_item *item, const char *name, int length)
{
	return !athar_json_same(getKeyJsonValueFromContainer(&item->document->root,
														 name, length, NULL),
							getKeyJsonValueFromContainer(&item->before->root,
														 name, length, NULL));
}

/* Did a member change that is checked together with this one? */
static bool
is_concerned(const athar_plan_item *item, const JsonbValue *name)
{
	for (int i = 0; i < lengthof(together); i++)
	{
		bool		is_member = false;
		bool		has_changed = false;

		for (int j = 0; j < lengthof(together[i]) && together[i][j]; j++)
		{
			is_member |= athar_json_is_named(name, together[i][j]);
			has_changed |= is_changed(item, together[i][j],
									  strlen(together[i][j]));
		}
		if (is_member)
			return has_changed;
	}
	return is_changed(item, name->val.string.val, name->val.string.len);
}

/* Is a member of an item to be looked at?  Without a title it has a fault. */
static bool
is_to_be_checked(const JsonbValue *name, const JsonbValue *value, void *item)
{
	if (athar_json_is_named(name, "parent") ||
		athar_json_is_named(name, "depends_on"))
		return false;
	return ((athar_plan_item *) item)->before == NULL ||
		athar_json_is_named(name, "id") ||
		athar_json_is_named(name, "title") || is_concerned(item, name);
}

/* The plan without what was right before, and without references. */
static Jsonb *
reduced_document(const athar_plan *plan)
{
	JsonbParseState *state = NULL;
	JsonbValue	name = {.type = jbvString};

	name.val.string.val = "items";
	name.val.string.len = 5;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	athar_json_push_members(&state, plan->header, NULL, NULL);
	pushJsonbValue(&state, WJB_KEY, &name);
	pushJsonbValue(&state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < plan->count; i++)
	{
		if (plan->items[i].revision != 0)
			continue;
		pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		athar_json_push_members(&state, plan->items[i].document,
								is_to_be_checked, &plan->items[i]);
		pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	}
	pushJsonbValue(&state, WJB_END_ARRAY, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * Is a plan surely right, if its items that have a revision are, but for what
 * they refer to, and those whose documents were not read in that, too?  Where
 * this says no, the whole document is to be checked.
 */
bool
athar_plan_is_right(const athar_plan *plan)
{
	Datum		reduced;
	bool		isnull;

	if (plan->is_malformed)
		return false;
	for (int i = 0; i < plan->count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (plan->items[i].document !=NULL &&
			!has_right_references(plan, &plan->items[i]))
			return false;
	}
	if (!is_forest(plan))
		return false;
	reduced = JsonbPGetDatum(reduced_document(plan));
	athar_statement_run(&is_faulty, &reduced, NULL);
	return !DatumGetBool(athar_statement_found(0, 1, &isnull));
}

/* Refuse a document with faults; NULL has one. */
void
athar_plan_check(Jsonb *document, const athar_plan *plan)
{
	Datum		candidate = JsonbPGetDatum(document);

	if (document == NULL || !athar_plan_is_right(plan))
		athar_statement_run(&refuse_faults, &candidate,
							document == NULL ? "n" : NULL);
}
