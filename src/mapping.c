/*
 * mapping.c
 *	  Which of a table's columns today is meant by a name in the log.
 *
 * Entries stay as they were written: what is sealed cannot be rewritten when a
 * column gets another name.  So readers translate.  What they are handed has
 * today's names, without columns that are gone, and values as the capture
 * would log them today; most versions of a definition need none of that, and
 * their documents are handed on as they are.
 *
 * A value that today's type cannot hold is NULL, with one warning for its
 * column.  The server has no way to try a type's input but in a subtransaction
 * (before release 16, and later only for some types), so it is used where a
 * value can be wrong alone: where the type was changed, and for types that
 * people define.  These may call functions of theirs: never with the rights of
 * the log's owner.
 */
#include "athar.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "parser/parse_type.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/syscache.h"

#include "error.h"
#include "mapping.h"

/* What became of a column of one version. */
typedef struct destination
{
	athar_field *was;
	int			position;		/* in the shape, or -1: gone, or masked */
	bool		is_renamed;
	bool		is_retyped;
} destination;

typedef struct past_version
{
	int32		table_id;
	int32		main_id;
	bool		is_loaded;
	bool		is_same;		/* documents are as they would be today */
	bool		has_key;		/* today's */
	int			count;
	destination *columns;
} past_version;

struct athar_mapping
{
	Relation	relation;
	athar_shape *shape;
	List	   *fields;			/* today's, by the shape's positions, or NULL */
	MemoryContext context;
	HTAB	   *versions;
	bool	   *is_warned;		/* by the shape's positions */
	Oid			user;
	int			security_context;
};

athar_mapping *
athar_mapping_make(Relation relation, const athar_tracked *now,
				   athar_shape *shape)
{
	athar_mapping *mapping = palloc0(sizeof(athar_mapping));
	HASHCTL		control = {
		.keysize = sizeof(int32),
		.entrysize = sizeof(past_version),
		.hcxt = CurrentMemoryContext
	};
	ListCell   *cell;

	mapping->relation = relation;
	mapping->shape = shape;
	mapping->context = CurrentMemoryContext;
	mapping->is_warned = palloc0(shape->count + 1);
	GetUserIdAndSecContext(&mapping->user, &mapping->security_context);
	for (int i = 0; i < shape->count; i++)
		mapping->fields = lappend(mapping->fields,
								  athar_definition_find(now->fields,
														shape->columns[i].name));
	mapping->versions = hash_create("athar versions", 32, &control,
									HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	foreach(cell, athar_tracking_rows(now->lineage))
	{
		athar_tracked *row = lfirst(cell);
		past_version *one = hash_search(mapping->versions, &row->id, HASH_ENTER,
										NULL);

		one->main_id = row->rekey_of ? row->rekey_of : row->id;
		one->is_loaded = false;
	}
	return mapping;
}

/* Warn of nothing: whoever reads leaves such values out. */
void
athar_mapping_mute(athar_mapping *mapping)
{
	memset(mapping->is_warned, true, mapping->shape->count);
}

/* May a value of this column be wrong though its type has the same name? */
static bool
is_fickle(const athar_column *column)
{
	return column->kind == ATHAR_TEXT &&
		column->type >= FirstNormalObjectId;
}

static void
find_destination(athar_mapping *mapping, destination *column)
{
	int			position = 0;
	ListCell   *cell;

	column->position = -1;
	if (column->was->is_masked)
		return;					/* there is no value */
	foreach(cell, mapping->fields)
	{
		athar_field *field = lfirst(cell);

		if (field && field->number == column->was->number)
		{
			column->position = position;
			column->is_renamed = strcmp(field->name, column->was->name) != 0;
			column->is_retyped = strcmp(field->type, column->was->type) != 0;
		}
		position++;
	}
}

/* Are the key's columns the same as today? */
static bool
find_key(athar_mapping *mapping, const past_version *one)
{
	int			logged = 0;
	int			common = 0;
	int			wanted = 0;

	for (int i = 0; i < one->count; i++)
	{
		const destination *column = &one->columns[i];

		if (!column->was->is_key)
			continue;
		logged++;
		common += column->position >= 0 &&
			mapping->shape->key_mask[column->position];
	}
	if (!mapping->shape->has_key)
		return logged == 0;
	for (int i = 0; i < mapping->shape->count; i++)
		wanted += mapping->shape->key_mask[i];
	return common == wanted && logged == wanted;
}

static void
load(athar_mapping *mapping, past_version *one)
{
	MemoryContext old = MemoryContextSwitchTo(mapping->context);
	List	   *fields = athar_definition_read(one->main_id);
	ListCell   *cell;

	one->columns = palloc0(sizeof(destination) * (list_length(fields) + 1));
	one->count = 0;
	one->is_same = true;
	foreach(cell, fields)
	{
		destination *column = &one->columns[one->count++];

		column->was = lfirst(cell);
		find_destination(mapping, column);
		one->is_same &= column->position >= 0 && !column->is_renamed &&
			!column->is_retyped &&
			!is_fickle(&mapping->shape->columns[column->position]);
	}
	one->has_key = find_key(mapping, one);
	one->is_loaded = true;
	MemoryContextSwitchTo(old);
}

static past_version *
find_version(athar_mapping *mapping, int32 table_id)
{
	past_version *one = hash_search(mapping->versions, &table_id, HASH_FIND,
									NULL);

	if (one == NULL)
		elog(ERROR, "no version %d of table \"%s\"", table_id,
			 RelationGetRelationName(mapping->relation));
	if (!one->is_loaded)
		load(mapping, one);
	return one;
}

static destination *
find_column(const past_version *one, const char *name, int length)
{
	for (int i = 0; i < one->count; i++)
	{
		destination *column = &one->columns[i];

		if (strncmp(column->was->name, name, length) == 0 &&
			column->was->name[length] == '\0')
			return column;
	}
	return NULL;
}

/* The column that a name meant when the entry was written, or none (0). */
AttrNumber
athar_mapping_attnum(athar_mapping *mapping, int32 table_id, const char *name)
{
	destination *column = find_column(find_version(mapping, table_id), name,
									  strlen(name));

	return column == NULL || column->position < 0 ? InvalidAttrNumber
		: mapping->shape->columns[column->position].attnum;
}

/*
 * What a column of today, by its position in the shape, was when the entry was
 * written; NULL if it was not there.
 */
athar_field *
athar_mapping_field(athar_mapping *mapping, int32 table_id, int position)
{
	past_version *one = find_version(mapping, table_id);
	athar_field *today = list_nth(mapping->fields, position);

	for (int i = 0; today && i < one->count; i++)
	{
		if (one->columns[i].was->number == today->number)
			return one->columns[i].was;
	}
	return NULL;
}

/* Were rows known by the columns that they are known by today? */
bool
athar_mapping_has_key(athar_mapping *mapping, int32 table_id)
{
	return find_version(mapping, table_id)->has_key;
}

/*
 * Reading values that may be wrong
 */

typedef void (*attempt) (athar_mapping *mapping, void *argument);

/* Anything else, such as a cancelled query, is no question of the value. */
static bool
is_about_value(int code)
{
	int			category = ERRCODE_TO_CATEGORY(code);

	if (category != ERRCODE_DATA_EXCEPTION &&
		category != ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION &&
		category != ERRCODE_PROGRAM_LIMIT_EXCEEDED &&
		category != ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION)
		return false;
	return true;
}

/* Try something as the reader; false if the value is not valid. */
static bool
is_possible(athar_mapping *mapping, attempt work, void *argument)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	athar_pins	pins;
	Oid			user;
	int			security_context;
	volatile bool is_valid = true;

	GetUserIdAndSecContext(&user, &security_context);
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	SetUserIdAndSecContext(mapping->user, mapping->security_context);
	athar_value_pin(mapping->shape, &pins);
	PG_TRY();
	{
		work(mapping, argument);
		athar_value_unpin(mapping->shape, &pins);
		SetUserIdAndSecContext(user, security_context);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		athar_value_unpin(mapping->shape, &pins);
		FreeErrorData(athar_error_catch(context, owner,
										is_about_value));
		is_valid = false;
	}
	PG_END_TRY();
	return is_valid;
}

/* A logged value, and what it becomes. */
typedef struct reading
{
	const destination *column;
	JsonbValue *value;
} reading;

static bool
is_json(const char *type)
{
	return strcmp(type, "json") == 0 || strcmp(type, "jsonb") == 0;
}

/* What was logged under another type, as a value of the column today. */
static void
read_value(athar_mapping *mapping, void *argument)
{
	reading    *one = argument;
	athar_column *column = &mapping->shape->columns[one->column->position];
	JsonbValue	value = *one->value;
	Datum		datum;
	bool		isnull = false;

	if (one->column->is_retyped && value.type == jbvNumeric &&
		(column->kind == ATHAR_INT2 || column->kind == ATHAR_INT4 ||
		 column->kind == ATHAR_INT8))
		value.val.numeric = DatumGetNumeric(DirectFunctionCall2(numeric_round,
																NumericGetDatum(value.val.numeric),
																Int32GetDatum(0)));
	if ((column->kind == ATHAR_JSON || column->kind == ATHAR_JSONB) &&
		!is_json(one->column->was->type))
		datum = athar_value_parse(column, &value);
	else
		datum = athar_value_read(column, &value, &isnull);
	if (one->column->is_retyped)
		athar_value_json(column, datum, one->value);
}

static void
warn(athar_mapping *mapping, const destination *column)
{
	athar_column *today = &mapping->shape->columns[column->position];

	if (mapping->is_warned[column->position])
		return;
	mapping->is_warned[column->position] = true;
	ereport(WARNING,
			(errmsg("the log holds values of column \"%s\" of table \"%s\" that type %s does not allow",
					today->name, RelationGetRelationName(mapping->relation),
					format_type_be(today->type)),
			 errdetail("They are NULL in this answer. When they were logged, the column had type %s.",
					   column->was->type),
			 errhint("Read them in athar.row_history() or athar.change_log.")));
}

static bool
is_enum_label(const athar_column *column, const JsonbValue *value)
{
	char		label[NAMEDATALEN];

	if (get_typtype(column->type) != TYPTYPE_ENUM ||
		value->type != jbvString || value->val.string.len >= NAMEDATALEN)
		return false;
	memcpy(label, value->val.string.val, value->val.string.len);
	label[value->val.string.len] = '\0';
	return SearchSysCacheExists2(ENUMTYPOIDNAME,
								 ObjectIdGetDatum(column->type),
								 CStringGetDatum(label));
}

/* Make of a logged value one of today's type. */
static void
convert(athar_mapping *mapping, const destination *column, JsonbValue *value,
		bool warns)
{
	athar_column *today = &mapping->shape->columns[column->position];
	reading		one = {.column = column,.value = value};

	if (value->type == jbvNull ||
		(!column->is_retyped &&
		 (!is_fickle(today) || is_enum_label(today, value))) ||
		is_possible(mapping, read_value, &one))
		return;
	if (warns)
		warn(mapping, column);
	value->type = jbvNull;
}

/*
 * What an entry says of a row, in today's columns; of columns that are gone, or
 * were masked, nothing.  Warns of values that today's types cannot hold, where they matter
 * to who asked.
 */
Jsonb *
athar_mapping_translate(athar_mapping *mapping, int32 table_id,
						Jsonb *document, bool warns)
{
	past_version *one = find_version(mapping, table_id);
	JsonbParseState *state = NULL;
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue	key;
	JsonbValue *object;
	destination *column = NULL;

	if (one->is_same)
		return document;

	iterator = JsonbIteratorInit(&document->root);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			column = find_column(one, value.val.string.val,
								 value.val.string.len);
		else if (token == WJB_VALUE && column && column->position >= 0)
		{
			athar_column *today = &mapping->shape->columns[column->position];

			key.type = jbvString;
			key.val.string.val = today->name;
			key.val.string.len = today->name_length;
			convert(mapping, column, &value, warns);
			pushJsonbValue(&state, WJB_KEY, &key);
			pushJsonbValue(&state, WJB_VALUE, &value);
		}
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object);
}

/*
 * The way back: how a version wrote a key of today
 */

/* A value of today, and how the type of a version spells it. */
static void
respell_value(athar_mapping *mapping, void *argument)
{
	reading    *one = argument;
	athar_column was = {0};
	Datum		datum;
	Oid			type;

	was.typmod = -1;
#if PG_VERSION_NUM >= 160000
	(void) parseTypeString(one->column->was->type, &type, &was.typmod, NULL);
#else
	parseTypeString(one->column->was->type, &type, &was.typmod, false);
#endif
	athar_shape_describe(&was, type, was.typmod);
	was.owner = mapping->relation->rd_rel->relowner;
	datum = athar_value_parse(&was, one->value);
	athar_value_json(&was, datum, one->value);
}

static destination *
find_position(const past_version *one, int position)
{
	for (int i = 0; i < one->count; i++)
	{
		if (one->columns[i].position == position)
			return &one->columns[i];
	}
	return NULL;
}

/*
 * A key of today as the entries of a version have it; NULL where that version
 * knew rows by other columns, or its types could not have this value.
 */
Jsonb *
athar_mapping_spell(athar_mapping *mapping, int32 table_id, Jsonb *key)
{
	past_version *one = find_version(mapping, table_id);
	JsonbParseState *state = NULL;
	JsonbIterator *iterator = JsonbIteratorInit(&key->root);
	JsonbIteratorToken token;
	JsonbValue	value;
	JsonbValue	name;
	JsonbValue *object;
	destination *column = NULL;

	if (!one->has_key)
		return NULL;
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		reading		spelled = {.value = &value};

		if (token == WJB_KEY)
		{
			column = find_position(one,
								   athar_shape_find(mapping->shape,
													value.val.string.val,
													value.val.string.len));
			if (column == NULL)
				return NULL;
			name.type = jbvString;
			name.val.string.val = column->was->name;
			name.val.string.len = strlen(column->was->name);
			pushJsonbValue(&state, WJB_KEY, &name);
		}
		else if (token == WJB_VALUE)
		{
			spelled.column = column;
			if (value.type != jbvNull && column->is_retyped &&
				!is_possible(mapping, respell_value, &spelled))
				return NULL;
			pushJsonbValue(&state, WJB_VALUE, &value);
		}
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	return JsonbValueToJsonb(object);
}
