/*
 * json_patch.c
 *	  Changes to a JSON document, as a list of operations (RFC 6902).
 *
 * The operations work on a tree, and the document is written from it when all
 * of them have: so one that fails leaves nothing half done.  What does not
 * apply (a place that is not there, a test that fails) is told apart from what
 * is no patch at all.
 */
#include "athar.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "json_value.h"
#include "json_tree.h"
#include "json_pointer.h"

/*
 * The nodes of a small value take far more than jsonb, so they count; a few
 * operations that copy could want all the memory there is.
 */
#define MOST_BYTES ((Size) 0x1FFFFFFF)
/* Tokens of a path. */
#define MOST_TOKENS 10000
/*
 * The library frees a tree level by level, on the stack.  Operations that hang
 * what is deep below each other would overflow it.
 */
#define MOST_LEVELS 20000

typedef struct patching
{
	athar_json_tree *document;
	Size		size;			/* of the document and of all that was added */
	int			number;			/* of the operation, from one */
	JsonbContainer *operation;
	char	   *op;
	char	   *path;
	athar_json_pointer place;
} patching;

static void
refuse_patch(const patching *run, const char *why)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("operation %d is none of a JSON patch: %s", run->number,
					why),
			 errdetail("The document was not changed."),
			 errhint("See RFC 6902: an operation is an object with \"op\" (add, remove, replace, move, copy, test), \"path\", and \"value\" or \"from\" where it needs one.")));
}

static void
refuse_place(const patching *run, const char *path, const char *why)
{
	ereport(ERROR,
			(errcode(MAKE_SQLSTATE('A', 'T', '0', '1', '0')),
			 errmsg("operation %d of the patch does not apply: %s at \"%s\" %s",
					run->number, run->op, path, why),
			 errdetail("The document was not changed."),
			 errhint("The patch was made for another document, or another version of it.")));
}

static JsonbValue *
member(const patching *run, const char *name)
{
	return getKeyJsonValueFromContainer(run->operation, name, strlen(name),
										NULL);
}

static char *
text_member(const patching *run, const char *name)
{
	JsonbValue *value = member(run, name);

	if (value == NULL)
		refuse_patch(run, psprintf("it has no \"%s\"", name));
	if (value->type != jbvString)
		refuse_patch(run, psprintf("its \"%s\" is no string", name));
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static void
pointer_member(const patching *run, const char *name, char **text,
			   athar_json_pointer *pointer)
{
	*text = text_member(run, name);
	if (!athar_json_pointer_parse(*text, pointer))
		refuse_patch(run, psprintf("\"%s\" is no JSON pointer", *text));
}

static void
grow(patching *run, Size bytes)
{
	run->size += bytes;
	if (run->size > MOST_BYTES)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("operation %d of the patch makes the document too large",
						run->number),
				 errdetail("While it is patched it takes at most %zu bytes; it was not changed.",
						   MOST_BYTES),
				 errhint("Copy less.")));
}

/* A level has room below it, and so have all that it leads to. */
static void
check_levels(const patching *run, const cJSON *node, int level)
{
	const cJSON *child;

	check_stack_depth();
	if (level > MOST_LEVELS)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("operation %d of the patch makes the document too deep",
						run->number),
				 errdetail("What a patch adds ends at level %d at most; the document was not changed.",
						   MOST_LEVELS),
				 errhint("Store the deep part as a document of its own.")));
	cJSON_ArrayForEach(child, node)
		check_levels(run, child, level + 1);
}

/* A child of a node, or NULL. */
static cJSON *
child_of(const cJSON *node, const char *token)
{
	int			number;

	if (cJSON_IsObject(node))
		return cJSON_GetObjectItemCaseSensitive(node, token);
	if (!cJSON_IsArray(node) || (number = athar_json_pointer_index(token)) < 0)
		return NULL;
	return cJSON_GetArrayItem(node, number);
}

/* The node that the first tokens of a pointer lead to, or NULL. */
static cJSON *
node_at(const patching *run, const athar_json_pointer *pointer, int count)
{
	cJSON	   *node = run->document->root;

	for (int i = 0; i < count && node; i++)
		node = child_of(node, pointer->tokens[i]);
	return node;
}

static cJSON *
existing_node(const patching *run, const athar_json_pointer *pointer,
			  const char *path)
{
	cJSON	   *node = node_at(run, pointer, pointer->count);

	if (node == NULL)
		refuse_place(run, path, "leads to nothing");
	return node;
}

static athar_json_tree *
new_value(patching *run)
{
	JsonbValue *value = member(run, "value");
	athar_json_tree *tree;

	if (value == NULL)
		refuse_patch(run, "it has no \"value\"");
	tree = athar_json_tree_make(value);
	grow(run, tree->size);
	return tree;
}

static void
set_root(patching *run, athar_json_tree *value)
{
	cJSON_Delete(run->document->root);
	run->document->root = athar_json_tree_take(value);
}

static void
check_attached(cJSON *node, bool is_attached)
{
	if (is_attached)
		return;
	cJSON_Delete(node);
	athar_json_tree_check(NULL);
}

static void
add_to_object(cJSON *object, const char *name, athar_json_tree *value)
{
	cJSON	   *node = athar_json_tree_take(value);

	if (cJSON_GetObjectItemCaseSensitive(object, name))
		check_attached(node,
					   cJSON_ReplaceItemInObjectCaseSensitive(object, name,
															  node));
	else
		check_attached(node, cJSON_AddItemToObject(object, name, node));
}

/*
 * cJSON_InsertItemInArray() would do this, but in some releases (a mend of
 * CVE-2023-50471 that was mended itself in 1.7.17) it refuses every place but
 * the first.
 */
static void
insert_before(cJSON *array, cJSON *next, cJSON *node)
{
	node->next = next;
	node->prev = next->prev;	/* of the first one: the last */
	if (next == array->child)
		array->child = node;
	else
		next->prev->next = node;
	next->prev = node;
}

static void
add_to_array(patching *run, cJSON *array, const char *token,
			 athar_json_tree *value)
{
	bool		is_end = strcmp(token, "-") == 0;

	/* counted only where a place is named: the library walks for it */
	int			size = is_end ? 0 : cJSON_GetArraySize(array);
	int			number = is_end ? 0 : athar_json_pointer_index(token);
	cJSON	   *node;

	if (number < 0)
		refuse_place(run, run->path, "is no place in an array");
	if (number > size)
		refuse_place(run, run->path, "is beyond the end of the array");
	node = athar_json_tree_take(value);
	if (number == size)
		check_attached(node, cJSON_AddItemToArray(array, node));
	else
		insert_before(array, cJSON_GetArrayItem(array, number), node);
}

static void
add(patching *run, athar_json_tree *value)
{
	const athar_json_pointer *place = &run->place;
	const char *token;
	cJSON	   *parent;

	check_levels(run, value->root, place->count);
	if (place->count == 0)
	{
		set_root(run, value);
		return;
	}
	parent = node_at(run, place, place->count - 1);
	token = place->tokens[place->count - 1];
	if (cJSON_IsObject(parent))
		add_to_object(parent, token, value);
	else if (cJSON_IsArray(parent))
		add_to_array(run, parent, token, value);
	else
		refuse_place(run, run->path, "leads to nothing that could hold it");
}

static void
add_value(patching *run)
{
	add(run, new_value(run));
}

/* Take a node out of the document, into a tree that frees it. */
static athar_json_tree *
detach(patching *run, const athar_json_pointer *place, const char *path)
{
	cJSON	   *node = existing_node(run, place, path);
	athar_json_tree *detached = athar_json_tree_new();

	if (place->count == 0)
		detached->root = athar_json_tree_take(run->document);
	else
		detached->root =
			cJSON_DetachItemViaPointer(node_at(run, place, place->count - 1),
									   node);
	return detached;
}

static void
remove_node(patching *run)
{
	if (run->place.count == 0)
		refuse_patch(run, "the whole document cannot be removed");
	cJSON_Delete(athar_json_tree_take(detach(run, &run->place, run->path)));
}

static void
replace(patching *run)
{
	const athar_json_pointer *place = &run->place;
	athar_json_tree *value = new_value(run);
	cJSON	   *parent;
	const char *token;

	existing_node(run, place, run->path);
	check_levels(run, value->root, place->count);
	if (place->count == 0)
	{
		set_root(run, value);
		return;
	}
	parent = node_at(run, place, place->count - 1);
	token = place->tokens[place->count - 1];
	if (cJSON_IsObject(parent))
		add_to_object(parent, token, value);
	else
	{
		cJSON	   *node = athar_json_tree_take(value);

		check_attached(node,
					   cJSON_ReplaceItemInArray(parent,
												athar_json_pointer_index(token),
												node));
	}
}

/* Is the place within what is at another? */
static bool
is_within(const athar_json_pointer *place, const athar_json_pointer *other)
{
	if (place->count <= other->count)
		return false;
	for (int i = 0; i < other->count; i++)
	{
		if (strcmp(place->tokens[i], other->tokens[i]) != 0)
			return false;
	}
	return true;
}

static void
move(patching *run)
{
	athar_json_pointer from;
	char	   *from_path;

	pointer_member(run, "from", &from_path, &from);
	existing_node(run, &from, from_path);
	if (is_within(&run->place, &from))
		refuse_patch(run, "it moves something into itself");
	if (strcmp(from_path, run->path) != 0)
		add(run, detach(run, &from, from_path));
}

static void
copy(patching *run)
{
	athar_json_pointer from;
	char	   *from_path;
	JsonbValue	value;
	athar_json_tree *tree;

	pointer_member(run, "from", &from_path, &from);
	athar_json_value_of(athar_json_tree_store(existing_node(run, &from,
															from_path)),
						&value);
	tree = athar_json_tree_make(&value);
	grow(run, tree->size);
	add(run, tree);
}

static void
test(patching *run)
{
	JsonbValue *value = member(run, "value");
	Jsonb	   *wanted;
	Jsonb	   *found;

	if (value == NULL)
		refuse_patch(run, "it has no \"value\"");
	wanted = JsonbValueToJsonb(value);
	found = athar_json_tree_store(existing_node(run, &run->place, run->path));
	if (compareJsonbContainers(&wanted->root, &found->root) != 0)
		refuse_place(run, run->path, "finds another value");
}

static const struct
{
	const char *op;
	void		(*apply) (patching *run);
}			operations[] = {
	{"add", add_value}, {"remove", remove_node}, {"replace", replace},
	{"move", move}, {"copy", copy}, {"test", test}
};

static void
apply(patching *run, JsonbValue *operation)
{
	if (operation->type != jbvBinary ||
		!JsonContainerIsObject(operation->val.binary.data))
		refuse_patch(run, "it is no object");
	run->operation = operation->val.binary.data;
	run->op = text_member(run, "op");
	pointer_member(run, "path", &run->path, &run->place);
	if (run->place.count > MOST_TOKENS)
		refuse_patch(run, "its path is too long");
	for (int i = 0; i < lengthof(operations); i++)
	{
		if (strcmp(operations[i].op, run->op) == 0)
		{
			operations[i].apply(run);
			return;
		}
	}
	refuse_patch(run, psprintf("\"%s\" is no operation", run->op));
}

/* Apply a patch to a document. */
PG_FUNCTION_INFO_V1(athar_json_patch);
Datum
athar_json_patch(PG_FUNCTION_ARGS)
{
	Jsonb	   *document = PG_GETARG_JSONB_P(0);
	Jsonb	   *patch = PG_GETARG_JSONB_P(1);
	patching	run = {0};
	JsonbValue	value;
	MemoryContext scratch;
	MemoryContext old;
	Jsonb	   *result;

	if (!JB_ROOT_IS_ARRAY(patch) || JB_ROOT_IS_SCALAR(patch))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a JSON patch is an array of operations"),
				 errdetail("The document was not changed."),
				 errhint("Such as [{\"op\": \"add\", \"path\": \"/title\", \"value\": \"new\"}]; see RFC 6902.")));
	athar_json_value_of(document, &value);
	run.document = athar_json_tree_make(&value);
	grow(&run, run.document->size);
	scratch = AllocSetContextCreate(CurrentMemoryContext, "athar JSON patch",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	for (uint32 i = 0; i < JB_ROOT_COUNT(patch); i++)
	{
		CHECK_FOR_INTERRUPTS();
		run.number = i + 1;
		apply(&run, getIthJsonbValueFromContainer(&patch->root, i));
		MemoryContextReset(scratch);
	}
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	result = athar_json_tree_store(run.document->root);
	cJSON_Delete(athar_json_tree_take(run.document));
	PG_RETURN_JSONB_P(result);
}
