/*
 * json_tree.c
 *	  A JSON document as a tree that can be changed.
 *
 * PostgreSQL parses and prints; what lies between is a tree of libcjson,
 * because jsonb has to be written anew for every change.  Numbers never pass
 * through a double: they are raw nodes that hold the text of the numeric, so
 * 12345678901234567.89 and 1.10 come out as they went in.  The library's
 * allocator is left alone, as it is everybody's in this process: the nodes are
 * malloc'ed, each is part of a tree before anything can fail, and the tree is
 * freed by a callback of the memory context it was made in.
 */
#include "athar.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "json_tree.h"

static void
free_tree(void *arg)
{
	athar_json_tree *tree = arg;

	cJSON_Delete(tree->root);
	tree->root = NULL;
}

/* The library answers NULL where there is no memory. */
void
athar_json_tree_check(const void *node)
{
	if (node == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("A JSON document could not be taken apart.")));
}

static cJSON *
make_scalar(const JsonbValue *value)
{
	char	   *text;
	cJSON	   *node;

	switch (value->type)
	{
		case jbvNull:
			return cJSON_CreateNull();
		case jbvBool:
			return cJSON_CreateBool(value->val.boolean);
		case jbvNumeric:
			text = DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));

			node = cJSON_CreateRaw(text);
			pfree(text);
			return node;
		case jbvString:
			text = pnstrdup(value->val.string.val, value->val.string.len);

			node = cJSON_CreateString(text);
			pfree(text);
			return node;
		default:
			elog(ERROR, "unexpected kind of JSON value: %d", (int) value->type);
	}
	return NULL;
}

/* Nodes on the way from the root to where the next one belongs. */
typedef struct building
{
	athar_json_tree *tree;
	cJSON	  **parents;
	int			depth;
	int			room;
	char	   *name;			/* of the next member of an object */
} building;

static void
attach(building *work, cJSON *node)
{
	athar_json_tree_check(node);
	work->tree->size += sizeof(cJSON);
	if (work->depth == 0)
		work->tree->root = node;
	else if (work->name == NULL)
		cJSON_AddItemToArray(work->parents[work->depth - 1], node);
	else if (!cJSON_AddItemToObject(work->parents[work->depth - 1],
									work->name, node))
	{
		cJSON_Delete(node);
		athar_json_tree_check(NULL);
	}
	if (work->name)
		pfree(work->name);
	work->name = NULL;
}

static void
open_container(building *work, cJSON *node)
{
	attach(work, node);
	if (work->depth == work->room)
	{
		work->room *= 2;
		work->parents = repalloc(work->parents, work->room * sizeof(cJSON *));
	}
	work->parents[work->depth++] = node;
}

static void
build(building *work, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		CHECK_FOR_INTERRUPTS();
		switch (token)
		{
			case WJB_BEGIN_OBJECT:
				open_container(work, cJSON_CreateObject());
				break;
			case WJB_BEGIN_ARRAY:
				open_container(work, cJSON_CreateArray());
				break;
			case WJB_END_OBJECT:
			case WJB_END_ARRAY:
				work->depth--;
				break;
			case WJB_KEY:
				work->name = pnstrdup(value.val.string.val,
									  value.val.string.len);
				break;
			default:
				attach(work, make_scalar(&value));
		}
	}
}

/* A tree that owns nothing yet, in the current memory context. */
athar_json_tree *
athar_json_tree_new(void)
{
	athar_json_tree *tree = palloc0(sizeof(athar_json_tree));

	tree->callback.func = free_tree;
	tree->callback.arg = tree;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, &tree->callback);
	return tree;
}

/* A tree of a value, in the current memory context. */
athar_json_tree *
athar_json_tree_make(const JsonbValue *value)
{
	athar_json_tree *tree = athar_json_tree_new();
	building	work = {.tree = tree,.room = 64};

	if (value->type != jbvBinary)
	{
		tree->root = make_scalar(value);
		athar_json_tree_check(tree->root);
		tree->size = sizeof(cJSON);
		return tree;
	}
	work.parents = palloc(work.room * sizeof(cJSON *));
	build(&work, value->val.binary.data);
	pfree(work.parents);
	tree->size += value->val.binary.len;
	return tree;
}

/* The tree as a part of another one, which frees it from now on. */
cJSON *
athar_json_tree_take(athar_json_tree *tree)
{
	cJSON	   *root = tree->root;

	tree->root = NULL;
	return root;
}

static void
scalar_of(const cJSON *node, JsonbValue *value)
{
	switch (node->type & 0xFF)
	{
		case cJSON_NULL:
			value->type = jbvNull;
			return;
		case cJSON_True:
		case cJSON_False:
			value->type = jbvBool;
			value->val.boolean = cJSON_IsTrue(node);
			return;
		case cJSON_Raw:
			value->type = jbvNumeric;
			value->val.numeric =
				DatumGetNumeric(DirectFunctionCall3(numeric_in,
													CStringGetDatum(node->valuestring),
													ObjectIdGetDatum(InvalidOid),
													Int32GetDatum(-1)));
			return;
		case cJSON_String:
			value->type = jbvString;
			value->val.string.val = node->valuestring;
			value->val.string.len = strlen(node->valuestring);
			return;
		default:
			elog(ERROR, "unexpected kind of JSON node: %d", node->type);
	}
}

static JsonbValue *
push(JsonbParseState **state, const cJSON *node, JsonbIteratorToken token)
{
	bool		is_object = cJSON_IsObject(node);
	JsonbValue	value;
	const cJSON *child;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	if (!is_object && !cJSON_IsArray(node))
	{
		scalar_of(node, &value);
		return pushJsonbValue(state, token, &value);
	}
	pushJsonbValue(state, is_object ? WJB_BEGIN_OBJECT : WJB_BEGIN_ARRAY, NULL);
	cJSON_ArrayForEach(child, node)
	{
		if (is_object)
		{
			value.type = jbvString;
			value.val.string.val = child->string;
			value.val.string.len = strlen(child->string);
			pushJsonbValue(state, WJB_KEY, &value);
		}
		push(state, child, is_object ? WJB_VALUE : WJB_ELEM);
	}
	return pushJsonbValue(state, is_object ? WJB_END_OBJECT : WJB_END_ARRAY,
						  NULL);
}

/* A node, and all that is below it, as jsonb. */
Jsonb *
athar_json_tree_store(const cJSON *node)
{
	JsonbParseState *state = NULL;
	JsonbValue	value;

	if (!cJSON_IsObject(node) && !cJSON_IsArray(node))
	{
		scalar_of(node, &value);
		return JsonbValueToJsonb(&value);
	}
	return JsonbValueToJsonb(push(&state, node, WJB_VALUE));
}
