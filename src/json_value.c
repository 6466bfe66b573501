/*
 * json_value.c
 *	  Values within a JSON document.
 */
#include "athar.h"

#include "utils/fmgrprotos.h"
#include "utils/numeric.h"

#include "json_value.h"

/* The value that a document is. */
void
athar_json_value_of(Jsonb *document, JsonbValue *value)
{
	if (JB_ROOT_IS_SCALAR(document))
	{
		if (!JsonbExtractScalar(&document->root, value))
			elog(ERROR, "no scalar in a scalar document");
		return;
	}
	value->type = jbvBinary;
	value->val.binary.data = &document->root;
	value->val.binary.len = VARSIZE_ANY_EXHDR(document);
}

/* Numbers are the same by value; two that are absent (NULL) are, too. */
bool
athar_json_same(JsonbValue *a, JsonbValue *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->type != b->type)
		return false;
	switch (a->type)
	{
		case jbvNull:
			return true;
		case jbvBool:
			return a->val.boolean == b->val.boolean;
		case jbvNumeric:
			return DatumGetBool(DirectFunctionCall2(numeric_eq,
													NumericGetDatum(a->val.numeric),
													NumericGetDatum(b->val.numeric)));
		case jbvString:
			return a->val.string.len == b->val.string.len &&
				memcmp(a->val.string.val, b->val.string.val,
					   a->val.string.len) == 0;
		case jbvBinary:
			return compareJsonbContainers(a->val.binary.data,
										  b->val.binary.data) == 0;
		default:
			elog(ERROR, "unexpected kind of JSON value: %d", (int) a->type);
	}
	return false;
}

bool
athar_json_is_object(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsObject(value->val.binary.data);
}

bool
athar_json_is_array(const JsonbValue *value)
{
	return value->type == jbvBinary &&
		JsonContainerIsArray(value->val.binary.data);
}

/* The names (of an object) and values of a container, in order. */
int
athar_json_parts(const JsonbValue *container, JsonbValue **names, JsonbValue **values)
{
	int			count = JsonContainerSize(container->val.binary.data);
	JsonbIterator *iterator = JsonbIteratorInit(container->val.binary.data);
	JsonbIteratorToken token;
	JsonbValue	part;
	int			name = 0;
	int			value = 0;

	*names = palloc(sizeof(JsonbValue) * Max(count, 1));
	*values = palloc(sizeof(JsonbValue) * Max(count, 1));
	(void) JsonbIteratorNext(&iterator, &part, true);
	while ((token = JsonbIteratorNext(&iterator, &part, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			(*names)[name++] = part;
		else if (token == WJB_VALUE || token == WJB_ELEM)
			(*values)[value++] = part;
	}
	return count;
}

bool
athar_json_is_named(const JsonbValue *name, const char *key)
{
	return name->val.string.len == strlen(key) &&
		memcmp(name->val.string.val, key, name->val.string.len) == 0;
}

/* Push the members of an object, or those that a filter takes. */
void
athar_json_push_members(JsonbParseState **state, Jsonb *object,
						athar_json_filter filter, void *filter_state)
{
	JsonbValue	root;
	JsonbValue *names;
	JsonbValue *values;
	int			count;

	athar_json_value_of(object, &root);
	count = athar_json_parts(&root, &names, &values);
	for (int i = 0; i < count; i++)
	{
		if (filter != NULL && !filter(&names[i], &values[i], filter_state))
			continue;
		pushJsonbValue(state, WJB_KEY, &names[i]);
		pushJsonbValue(state, WJB_VALUE, &values[i]);
	}
}
