/*
 * value.c
 *	  Rows of any table as JSON, and back.
 *
 * What the log holds is read for years, on other servers and by other people,
 * and is hashed when it is sealed: so a value has one spelling, whatever the
 * settings of the session that wrote it.  Finite numbers, booleans and JSON
 * are JSON; everything else is its output text in ISO dates, UTC, PostgreSQL's
 * intervals, hexadecimal bytea and the shortest exact floats.  The settings
 * behind that are plain variables of the server; they are exchanged for the
 * time of one row, which costs a few assignments, where going through the GUC
 * machinery would cost more than the rest.  Only names of relations and the
 * like (search_path) and money (lc_monetary) need that machinery.
 *
 * What it does not promise: minus zero comes back as zero, the JSON document
 * null as NULL, json as jsonb spells it, and a value of more than 256 MB cannot
 * be written down.
 */
#include "athar.h"

#include "access/table.h"
#include "access/transam.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/shortest_dec.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/bytea.h"
#include "utils/datum.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"
#include "utils/rel.h"
#include "utils/syscache.h"
#include "utils/typcache.h"
#include "utils/xml.h"

#include "image.h"
#include "catalog.h"
#include "value.h"

#define MASK "***"
#define FNV_BASIS 2166136261u
#define FNV_PRIME 16777619u

static athar_value_kind
kind_of(Oid type)
{
	switch (type)
	{
		case BOOLOID:
			return ATHAR_BOOLEAN;
		case INT2OID:
			return ATHAR_INT2;
		case INT4OID:
			return ATHAR_INT4;
		case INT8OID:
			return ATHAR_INT8;
		case NUMERICOID:
			return ATHAR_NUMERIC;
		case FLOAT4OID:
			return ATHAR_FLOAT4;
		case FLOAT8OID:
			return ATHAR_FLOAT8;
		case JSONOID:
			return ATHAR_JSON;
		case JSONBOID:
			return ATHAR_JSONB;
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return ATHAR_STRING;
		default:
			return ATHAR_TEXT;
	}
}

/* Types whose text never depends on a setting. */
static bool
is_plain(Oid type)
{
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
		case NAMEOID:
		case CHAROID:
		case UUIDOID:
		case OIDOID:
		case INETOID:
		case CIDROID:
			return true;
		default:
			return get_typtype(type) == TYPTYPE_ENUM;
	}
}

/*
 * Can values of a type still be spelled?  While DROP TYPE ... CASCADE is at
 * work, the columns of a composite may be gone before what is made of it.
 */
bool
athar_value_is_readable(Oid type)
{
	Oid			element;

	type = getBaseType(type);
	element = get_element_type(type);
	if (OidIsValid(element))
		return athar_value_is_readable(element);
	return get_typtype(type) != TYPTYPE_COMPOSITE ||
		SearchSysCacheExists1(RELOID,
							  ObjectIdGetDatum(get_typ_typrelid(type)));
}

static bool needs_gucs(Oid type);

static bool
composite_needs_gucs(Oid type)
{
	TupleDesc	descriptor;
	bool		needs = false;

	if (!athar_value_is_readable(type))
		return false;
	descriptor = lookup_rowtype_tupdesc(type, -1);

	for (int i = 0; i < descriptor->natts && !needs; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);

		needs = !attribute->attisdropped && needs_gucs(attribute->atttypid);
	}
	ReleaseTupleDesc(descriptor);
	return needs;
}

/* Does the text of a type, or of a part of it, depend on path or locale? */
static bool
needs_gucs(Oid type)
{
	Oid			element;

	check_stack_depth();
	type = getBaseType(type);
	switch (type)
	{
		case MONEYOID:
		case REGPROCOID:
		case REGPROCEDUREOID:
		case REGOPEROID:
		case REGOPERATOROID:
		case REGCLASSOID:
		case REGCOLLATIONOID:
		case REGTYPEOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
			return true;
	}
	element = get_element_type(type);
	if (!OidIsValid(element))
		element = get_range_subtype(type);
	if (!OidIsValid(element) && type_is_multirange(type))
		element = get_multirange_range(type);
	if (OidIsValid(element))
		return needs_gucs(element);
	return get_typtype(type) == TYPTYPE_COMPOSITE &&
		composite_needs_gucs(type);
}

/* How values of a type are written and read. */
void
athar_value_describe(athar_column *column, Oid type, int32 typmod)
{
	Oid			function;
	bool		is_varlena;

	column->typmod = typmod;
	column->type = getBaseTypeAndTypmod(type, &column->typmod);
	column->kind = kind_of(column->type);
	get_typlenbyval(column->type, &column->length, &column->is_by_value);
	getTypeOutputInfo(column->type, &function, &is_varlena);
	fmgr_info(function, &column->output);
	getTypeInputInfo(column->type, &function, &column->input_parameter);
	fmgr_info(function, &column->input);
}

static bool
is_listed(List *names, const char *name)
{
	ListCell   *cell;

	foreach(cell, names)
	{
		if (strcmp(lfirst(cell), name) == 0)
			return true;
	}
	return false;
}

static List *
index_columns(Relation relation, Oid indexid)
{
	HeapTuple	tuple = SearchSysCache1(INDEXRELID, ObjectIdGetDatum(indexid));
	Form_pg_index index;
	List	   *names = NIL;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for index %u", indexid);
	index = (Form_pg_index) GETSTRUCT(tuple);
	for (int i = 0; i < index->indnkeyatts; i++)
	{
		Form_pg_attribute attribute =
		TupleDescAttr(RelationGetDescr(relation),
					  index->indkey.values[i] - 1);

		names = lappend(names, pstrdup(NameStr(attribute->attname)));
	}
	ReleaseSysCache(tuple);
	return names;
}

/*
 * The names of the columns that identify a row: the primary key, else the
 * index chosen as replica identity, else none.  A deferrable key is none:
 * two rows may have it at once, and then nobody could tell their changes
 * apart.
 */
List *
athar_value_key_columns(Relation relation)
{
	List	   *indexes = RelationGetIndexList(relation);
	ListCell   *cell;
	Oid			best = InvalidOid;
	List	   *names = NIL;

	foreach(cell, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(cell)));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			continue;
		index = (Form_pg_index) GETSTRUCT(tuple);
		if (index->indimmediate && index->indisvalid &&
			(index->indisprimary ||
			 (index->indisreplident && !OidIsValid(best))))
			best = lfirst_oid(cell);
		ReleaseSysCache(tuple);
	}
	if (OidIsValid(best))
		names = index_columns(relation, best);
	list_free(indexes);
	return names;
}

static int
compare_columns(const void *a, const void *b, void *columns)
{
	const athar_column *left = (athar_column *) columns + *(const int *) a;
	const athar_column *right = (athar_column *) columns + *(const int *) b;

	return athar_image_compare(left->name, left->name_length,
							   right->name, right->name_length);
}

static void
set_order(athar_shape *shape)
{
	shape->order = palloc(sizeof(int) * Max(shape->count, 1));
	for (int i = 0; i < shape->count; i++)
		shape->order[i] = i;
	qsort_arg(shape->order, shape->count, sizeof(int), compare_columns,
			  shape->columns);
}

/*
 * Describe the columns of a table in the current memory context.  root is the
 * table that is tracked: the table itself, or the one it is a partition of;
 * the key is root's, because rows move between partitions.
 */
athar_shape *
athar_value_shape(Relation relation, Relation root, List *excluded,
				  List *masked)
{
	TupleDesc	descriptor = RelationGetDescr(relation);
	athar_shape *shape = palloc0(sizeof(athar_shape));
	List	   *key = athar_value_key_columns(root);
	ListCell   *cell;

	shape->columns = palloc0(sizeof(athar_column) * Max(descriptor->natts, 1));
	shape->key_mask = palloc0(Max(descriptor->natts, 1));
	shape->logged_mask = palloc0(Max(descriptor->natts, 1));
	shape->has_key = key != NIL;
	shape->is_all_key = true;
	foreach(cell, key)
	{
		if (is_listed(excluded, lfirst(cell)) ||
			is_listed(masked, lfirst(cell)))
			shape->has_key = false;
	}
	for (int i = 0; i < descriptor->natts; i++)
	{
		Form_pg_attribute attribute = TupleDescAttr(descriptor, i);
		athar_column *column = &shape->columns[shape->count];

		if (attribute->attisdropped)
			continue;
		if (attribute->attgenerated != '\0' &&
			attribute->attgenerated != ATTRIBUTE_GENERATED_STORED)
			continue;			/* computed when read, not part of the row */
		column->attnum = attribute->attnum;
		column->name = pstrdup(NameStr(attribute->attname));
		column->name_length = strlen(column->name);
		athar_value_describe(column, attribute->atttypid,
							 attribute->atttypmod);
		if (column->type >= FirstNormalObjectId)
			column->owner = root->rd_rel->relowner;
		column->is_excluded = is_listed(excluded, column->name);
		column->is_masked = is_listed(masked, column->name);
		column->is_key = !column->is_excluded && !column->is_masked &&
			(!shape->has_key || is_listed(key, column->name));
		shape->key_mask[shape->count] = column->is_key;
		shape->logged_mask[shape->count] = !column->is_excluded;
		shape->is_all_key &= column->is_key || column->is_excluded;
		if (!column->is_excluded && !column->is_masked &&
			column->kind == ATHAR_TEXT)
		{
			shape->needs_pins |= !is_plain(column->type);
			shape->needs_gucs |= needs_gucs(column->type);
		}
		shape->count++;
	}
	set_order(shape);
	return shape;
}

/*
 * Exchange the settings that values are spelled under.  Between this and
 * athar_value_unpin(), errors must pass through a PG_FINALLY that unpins.
 */
void
athar_value_pin(const athar_shape *shape, athar_pins *pins)
{
	static pg_tz *utc;

	if (!shape->needs_pins)
		return;
	if (utc == NULL)
		utc = pg_tzset("UTC");
	pins->guc_level = 0;
	if (shape->needs_gucs)
	{
		pins->guc_level = NewGUCNestLevel();
		(void) set_config_option("search_path", "pg_catalog", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
		(void) set_config_option("lc_monetary", "C", PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	}
	pins->date_style = DateStyle;
	pins->date_order = DateOrder;
	pins->interval_style = IntervalStyle;
	pins->extra_float_digits = extra_float_digits;
	pins->bytea_output = bytea_output;
	pins->xmloption = xmloption;
	pins->time_zone = session_timezone;
	DateStyle = USE_ISO_DATES;
	DateOrder = DATEORDER_MDY;
	IntervalStyle = INTSTYLE_POSTGRES;
	extra_float_digits = 1;
	bytea_output = BYTEA_OUTPUT_HEX;
	xmloption = XMLOPTION_CONTENT;
	session_timezone = utc;
}

void
athar_value_unpin(const athar_shape *shape, athar_pins *pins)
{
	if (!shape->needs_pins)
		return;
	DateStyle = pins->date_style;
	DateOrder = pins->date_order;
	IntervalStyle = pins->interval_style;
	extra_float_digits = pins->extra_float_digits;
	bytea_output = pins->bytea_output;
	xmloption = pins->xmloption;
	session_timezone = pins->time_zone;
	if (pins->guc_level > 0)
		AtEOXact_GUC(true, pins->guc_level);
}

/*
 * Are two values of a column the same bytes?  Two equal pointers to one value
 * stored out of line are, without fetching it.
 */
bool
athar_value_same(const athar_column *column, Datum a, Datum b)
{
	if (column->length == -1 &&
		VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(a)) &&
		VARATT_IS_EXTERNAL_ONDISK(DatumGetPointer(b)) &&
		memcmp(DatumGetPointer(a), DatumGetPointer(b),
			   VARSIZE_EXTERNAL(DatumGetPointer(a))) == 0)
		return true;
	return datum_image_eq(a, b, column->is_by_value, column->length);
}

static void
set_string(JsonbValue *value, char *string)
{
	value->type = jbvString;
	value->val.string.val = string;
	value->val.string.len = strlen(string);
}

static void
set_stored_text(JsonbValue *value, text *string)
{
	value->type = jbvString;
	value->val.string.val = VARDATA_ANY(string);
	value->val.string.len = VARSIZE_ANY_EXHDR(string);
}

static void
set_numeric(JsonbValue *value, Numeric number)
{
	value->type = jbvNumeric;
	value->val.numeric = number;
}

static void
set_numeric_text(JsonbValue *value, char *text)
{
	set_numeric(value, DatumGetNumeric(DirectFunctionCall3(numeric_in,
														   CStringGetDatum(text),
														   ObjectIdGetDatum(InvalidOid),
														   Int32GetDatum(-1))));
}

static void
set_float8(JsonbValue *value, float8 number)
{
	char text[	DOUBLE_SHORTEST_DECIMAL_LEN];

	if (isnan(number) || isinf(number))
	{
		set_string(value, float8out_internal(number));
		return;
	}
	double_to_shortest_decimal_buf(number, text);
	set_numeric_text(value, text);
}

static void
set_float4(JsonbValue *value, float4 number)
{
	char text[	FLOAT_SHORTEST_DECIMAL_LEN];

	if (isnan(number) || isinf(number))
	{
		set_string(value, float8out_internal(number));
		return;
	}
	float_to_shortest_decimal_buf(number, text);
	set_numeric_text(value, text);
}

static void
set_jsonb(JsonbValue *value, Jsonb *document)
{
	if (JB_ROOT_IS_SCALAR(document))
	{
		(void) JsonbExtractScalar(&document->root, value);
		return;
	}
	value->type = jbvBinary;
	value->val.binary.data = &document->root;
	value->val.binary.len = VARSIZE(document) - VARHDRSZ;
}

/*
 * Text of type json may hold what jsonb cannot (\u0000, half a surrogate
 * pair, a number beyond numeric).  A write must not fail for that: such a
 * document is logged as a string.  Catching the error without a
 * subtransaction is safe, because parsing takes nothing but memory.
 */
static void
set_json(JsonbValue *value, Datum datum)
{
	MemoryContext context = CurrentMemoryContext;
	char	   *spelled = TextDatumGetCString(datum);
	Jsonb	   *volatile document = NULL;

	PG_TRY();
	{
		document = DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
													  CStringGetDatum(spelled)));
	}
	PG_CATCH();
	{
		int			category = ERRCODE_TO_CATEGORY(geterrcode());

		if (category != ERRCODE_DATA_EXCEPTION &&
			category != ERRCODE_PROGRAM_LIMIT_EXCEEDED)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	if (document)
		set_jsonb(value, document);
	else
		set_string(value, spelled);
}

/* A value as JSON. */
void
athar_value_json(athar_column *column, Datum datum, JsonbValue *value)
{
	switch (column->kind)
	{
		case ATHAR_BOOLEAN:
			value->type = jbvBool;
			value->val.boolean = DatumGetBool(datum);
			break;
		case ATHAR_INT2:
			set_numeric(value, int64_to_numeric(DatumGetInt16(datum)));
			break;
		case ATHAR_INT4:
			set_numeric(value, int64_to_numeric(DatumGetInt32(datum)));
			break;
		case ATHAR_INT8:
			set_numeric(value, int64_to_numeric(DatumGetInt64(datum)));
			break;
		case ATHAR_NUMERIC:
			if (numeric_is_nan(DatumGetNumeric(datum)) ||
				numeric_is_inf(DatumGetNumeric(datum)))
				set_string(value, OutputFunctionCall(&column->output, datum));
			else
				set_numeric(value, DatumGetNumeric(datum));
			break;
		case ATHAR_FLOAT4:
			set_float4(value, DatumGetFloat4(datum));
			break;
		case ATHAR_FLOAT8:
			set_float8(value, DatumGetFloat8(datum));
			break;
		case ATHAR_JSON:
			set_json(value, datum);
			break;
		case ATHAR_JSONB:
			set_jsonb(value, DatumGetJsonbP(datum));
			break;
		case ATHAR_STRING:
			set_stored_text(value, DatumGetTextPP(datum));
			break;
		case ATHAR_TEXT:
			set_string(value, OutputFunctionCall(&column->output, datum));
			break;
	}
}

/*
 * The columns of a mask as a JSON object.  values and nulls are those of the
 * whole row, by attribute number.
 */
Jsonb *
athar_value_object(athar_shape *shape, Datum *values, bool *nulls,
				   const bool *mask)
{
	athar_image image;
	int			pairs = 0;

	for (int i = 0; i < shape->count; i++)
		pairs += mask[i];
	athar_image_begin(&image, pairs);
	for (int i = 0; i < shape->count; i++)
	{
		athar_column *column = &shape->columns[shape->order[i]];

		if (mask[shape->order[i]])
			athar_image_add_name(&image, column->name, column->name_length);
	}
	for (int i = 0; i < shape->count; i++)
	{
		athar_column *column = &shape->columns[shape->order[i]];
		JsonbValue	value;

		if (!mask[shape->order[i]])
			continue;
		if (column->is_masked)
			set_string(&value, MASK);
		else if (nulls[column->attnum - 1])
			value.type = jbvNull;
		else
			athar_value_json(column, values[column->attnum - 1], &value);
		athar_image_add_value(&image, &value);
	}
	return athar_image_end(&image);
}

/* The position of a column in the shape, or -1. */
int
athar_value_find(const athar_shape *shape, const char *name, int length)
{
	for (int i = 0; i < shape->count; i++)
	{
		if (shape->columns[i].name_length == length &&
			memcmp(shape->columns[i].name, name, length) == 0)
			return i;
	}
	return -1;
}

static char *
text_of(JsonbValue *value)
{
	switch (value->type)
	{
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out,
													   NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			return JsonbToCString(NULL, &JsonbValueToJsonb(value)->root, 0);
	}
}

/*
 * The value whose text this JSON is, or holds.  Functions of people, which
 * reading a type of theirs may call, run as the owner of the table.
 */
Datum
athar_value_parse(athar_column *column, JsonbValue *value)
{
	athar_owner_state state;
	Datum		datum;

	if (OidIsValid(column->owner))
		athar_catalog_restrict(column->owner, &state);
	datum = InputFunctionCall(&column->input, text_of(value),
							  column->input_parameter, column->typmod);
	if (OidIsValid(column->owner))
		athar_catalog_unrestrict(&state);
	return datum;
}

/* The value of a column that was logged as this JSON. */
Datum
athar_value_read(athar_column *column, JsonbValue *value, bool *isnull)
{
	*isnull = value->type == jbvNull;
	if (*isnull)
		return (Datum) 0;
	if (column->kind == ATHAR_JSONB)
		return JsonbPGetDatum(JsonbValueToJsonb(value));
	if (column->kind == ATHAR_JSON)
	{
		Jsonb	   *document = JsonbValueToJsonb(value);

		return CStringGetTextDatum(JsonbToCString(NULL, &document->root,
												  VARSIZE(document)));
	}
	return athar_value_parse(column, value);
}

static void
append_scalar(StringInfo text, JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			appendStringInfoString(text, "null");
			break;
		case jbvBool:
			appendStringInfoString(text, value->val.boolean ? "true" : "false");
			break;
		case jbvNumeric:
			appendStringInfoString(text, numeric_normalize(value->val.numeric));
			break;
		case jbvString:
			escape_json(text, pnstrdup(value->val.string.val,
									   value->val.string.len));
			break;
		default:
			elog(ERROR, "unexpected type of jsonb value: %d", value->type);
	}
}

/* JSON without blanks, and without zeros at the end of a fraction. */
static void
append_canonical(StringInfo text, JsonbContainer *container)
{
	JsonbIterator *iterator = JsonbIteratorInit(container);
	JsonbIteratorToken token;
	JsonbValue	value;
	bool		is_first = true;

	while ((token = JsonbIteratorNext(&iterator, &value, false)) != WJB_DONE)
	{
		bool		is_end = token == WJB_END_ARRAY || token == WJB_END_OBJECT;

		if (!is_first && !is_end && token != WJB_VALUE)
			appendStringInfoChar(text, ',');
		is_first = token == WJB_BEGIN_ARRAY || token == WJB_BEGIN_OBJECT ||
			token == WJB_KEY;
		if (token == WJB_BEGIN_ARRAY)
			appendStringInfoChar(text, '[');
		else if (token == WJB_BEGIN_OBJECT)
			appendStringInfoChar(text, '{');
		else if (token == WJB_END_ARRAY)
			appendStringInfoChar(text, ']');
		else if (token == WJB_END_OBJECT)
			appendStringInfoChar(text, '}');
		else
			append_scalar(text, &value);
		if (token == WJB_KEY)
			appendStringInfoChar(text, ':');
	}
}

/* Append a value as canonical JSON. */
void
athar_value_spell(StringInfo text, athar_column *column, Datum datum,
				  bool isnull)
{
	JsonbValue	value;

	if (isnull)
	{
		appendStringInfoString(text, "null");
		return;
	}
	switch (column->kind)
	{
		case ATHAR_INT2:
			appendStringInfo(text, "%d", DatumGetInt16(datum));
			return;
		case ATHAR_INT4:
			appendStringInfo(text, "%d", DatumGetInt32(datum));
			return;
		case ATHAR_INT8:
			appendStringInfo(text, INT64_FORMAT, DatumGetInt64(datum));
			return;
		default:
			break;
	}
	athar_value_json(column, datum, &value);
	if (value.type == jbvBinary)
		append_canonical(text, value.val.binary.data);
	else
		append_scalar(text, &value);
}

/*
 * The hash by which rows are found: FNV-1a, 32 bits, over the key's canonical
 * text in UTF-8.  It is stored, so it must never change: a better one would
 * need a column of its own.  Unlike the server's own hash functions it is the
 * same on every architecture and in every release.
 */
int32
athar_value_key_hash(Jsonb *key)
{
	StringInfoData text;
	char	   *bytes;
	int			length;
	uint32		hash = FNV_BASIS;

	initStringInfo(&text);
	append_canonical(&text, &key->root);
	bytes = pg_server_to_any(text.data, text.len, PG_UTF8);
	length = bytes == text.data ? text.len : strlen(bytes);

	for (int i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) bytes[i]) * FNV_PRIME;
	pfree(text.data);
	return (int32) hash;
}

/* The hash of a row's key. */
PG_FUNCTION_INFO_V1(athar_key_hash);
Datum
athar_key_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(athar_value_key_hash(PG_GETARG_JSONB_P(0)));
}
