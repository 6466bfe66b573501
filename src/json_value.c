/*
 * json_value.c
 *	  Values within a JSON document.
 */
#include "athar.h"

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
	Jsonb	   *left;
	Jsonb	   *right;
	bool		result;

	if (a == NULL || b == NULL)
		return a == b;
	if (a->type == jbvBinary && b->type == jbvBinary)
		return compareJsonbContainers(a->val.binary.data,
									  b->val.binary.data) == 0;
	if (a->type != b->type)
		return false;
	left = JsonbValueToJsonb(a);
	right = JsonbValueToJsonb(b);
	result = compareJsonbContainers(&left->root, &right->root) == 0;
	pfree(left);
	pfree(right);
	return result;
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
