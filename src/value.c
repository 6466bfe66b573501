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

#include <ctype.h>

#include "common/shortest_dec.h"
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
#include "utils/numeric.h"
#include "utils/xml.h"

#include "image.h"
#include "catalog.h"
#include "value.h"

#define MASK "***"
#define FNV_BASIS 2166136261u
#define FNV_PRIME 16777619u

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

static uint32
fnv(uint32 hash, const char *bytes, int length)
{
	for (int i = 0; i < length; i++)
		hash = (hash ^ (unsigned char) bytes[i]) * FNV_PRIME;
	return hash;
}

/*
 * The hash by which rows are found, from the key's canonical text in UTF-8:
 * FNV-1a, 32 bits, of the text without its last run of digits, plus that run
 * as a number, modulo 2^32.  Keys that follow one another so have hashes that
 * do, and rows that are written in the order of their keys find the page of
 * the index that they need still in the cache.
 *
 * It is stored, so it must never change: a better one would need a column of
 * its own.  Unlike the server's own hash functions it is the same on every
 * architecture and in every release.
 */
int32
athar_value_key_hash(Jsonb *key)
{
	StringInfoData text;
	char	   *bytes;
	int			length;
	int			end;
	int			begin;
	uint32		number = 0;
	uint32		hash;

	initStringInfo(&text);
	append_canonical(&text, &key->root);
	bytes = pg_server_to_any(text.data, text.len, PG_UTF8);
	length = bytes == text.data ? text.len : strlen(bytes);

	for (end = length; end > 0 && !isdigit((unsigned char) bytes[end - 1]);)
		end--;
	for (begin = end; begin > 0 && isdigit((unsigned char) bytes[begin - 1]);)
		begin--;
	for (int i = begin; i < end; i++)
		number = 10 * number + (bytes[i] - '0');
	hash = fnv(fnv(FNV_BASIS, bytes, begin), bytes + end, length - end);
	pfree(text.data);
	return (int32) (hash + number);
}

/* The hash of a row's key. */
PG_FUNCTION_INFO_V1(athar_key_hash);
Datum
athar_key_hash(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT32(athar_value_key_hash(PG_GETARG_JSONB_P(0)));
}
