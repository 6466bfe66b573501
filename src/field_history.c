/*
 * field_history.c
 *	  The history of one column of a row: field_history().
 *
 * The row's entries are those of row_history(), and the column is known by its
 * identity: what was logged under a former name is shown, what was logged
 * under this name when another column had it is not.
 */
#include "athar.h"

#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/rel.h"

#include "row_history.h"

#define RESULT_COLUMNS 10

/* The column asked about. */
typedef struct asked_field
{
	athar_subject *subject;
	int			position;		/* in the shape */
	const char *name;
	ReturnSetInfo *result;
} asked_field;

static int
find_column(athar_subject *subject, const char *name)
{
	int			position = athar_shape_find(subject->shape, name,
											strlen(name));

	if (position < 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						name, RelationGetRelationName(subject->relation)),
				 errdetail("The history of a column is asked for by its present name."),
				 errhint("Check the spelling; what was logged of columns that are gone is in athar.row_history().")));
	if (subject->shape->columns[position].is_excluded)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("column \"%s\" of table \"%s\" is excluded from the log",
						name, RelationGetRelationName(subject->relation)),
				 errdetail("The log holds nothing about it."),
				 errhint("Ask about another column.")));
	return position;
}

/* The column's value in a document of an entry; while it was masked, its mask. */
static Jsonb *
value_in(const asked_field *asked, Datum *row, bool *nulls, int number)
{
	Jsonb	   *logged = nulls[number - 1] ? NULL
	: DatumGetJsonbP(row[number - 1]);
	athar_mapping *mapping = asked->subject->mapping;
	int32		table_id = DatumGetInt32(row[ATHAR_HISTORY_TABLE_ID - 1]);
	athar_field *field = athar_mapping_field(mapping, table_id,
											 asked->position);
	const char *name = asked->name;
	JsonbValue *value;

	if (logged == NULL || !JB_ROOT_IS_OBJECT(logged) || field == NULL)
		return NULL;			/* no object: not one that was captured */
	if (field->is_masked)
		name = field->name;
	else
		logged = athar_mapping_translate(mapping, table_id, logged, true);
	value = getKeyJsonValueFromContainer(&logged->root, name, strlen(name),
										 NULL);
	return value ? JsonbValueToJsonb(value) : NULL;
}

static void
return_change(void *context, Datum *row, bool *nulls)
{
	static const int columns[RESULT_COLUMNS] = {
		ATHAR_HISTORY_ENTRY_ID, ATHAR_HISTORY_AT, ATHAR_HISTORY_TRANSACTION_ID,
		ATHAR_HISTORY_OPERATION, 0, 0, ATHAR_HISTORY_SESSION_USER_NAME,
		ATHAR_HISTORY_CURRENT_USER_NAME, ATHAR_HISTORY_ACTOR,
		ATHAR_HISTORY_REASON
	};
	asked_field *asked = context;
	Datum		values[RESULT_COLUMNS];
	bool		are_null[RESULT_COLUMNS];
	char	   *operation = nulls[ATHAR_HISTORY_OPERATION - 1] ? ""
	: TextDatumGetCString(row[ATHAR_HISTORY_OPERATION - 1]);
	bool		is_insert = strcmp(operation, "INSERT") == 0;
	Jsonb	   *old_value;
	Jsonb	   *new_value;

	if (strcmp(operation, "DDL") == 0)
		return;
	old_value = value_in(asked, row, nulls, ATHAR_HISTORY_OLD_VALUES);
	new_value = value_in(asked, row, nulls, ATHAR_HISTORY_NEW_VALUES);
	if (new_value == NULL && is_insert)
		new_value = value_in(asked, row, nulls, ATHAR_HISTORY_ROW_KEY);
	if (old_value == NULL && new_value == NULL)
		return;
	for (int i = 0; i < RESULT_COLUMNS; i++)
	{
		are_null[i] = columns[i] == 0 || nulls[columns[i] - 1];
		values[i] = columns[i] == 0 ? (Datum) 0 : row[columns[i] - 1];
	}
	are_null[4] = old_value == NULL;
	values[4] = JsonbPGetDatum(old_value);
	are_null[5] = new_value == NULL;
	values[5] = JsonbPGetDatum(new_value);
	tuplestore_putvalues(asked->result->setResult, asked->result->setDesc,
						 values, are_null);
}

/* Every change of one column of the rows that have, or ever had, a key. */
PG_FUNCTION_INFO_V1(athar_field_history);
Datum
athar_field_history(PG_FUNCTION_ARGS)
{
	athar_subject subject;
	asked_field asked = {
		.subject = &subject,
		.result = (ReturnSetInfo *) fcinfo->resultinfo
	};

	if (PG_ARGISNULL(0) || PG_ARGISNULL(1) || PG_ARGISNULL(2))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a table, a row's key and a column are required"),
				 errdetail("A history is that of one column of one row."),
				 errhint("Such as athar.field_history('public.licence', '{\"id\": 7}', 'fee').")));
	InitMaterializedSRF(fcinfo, 0);
	athar_history_open(PG_GETARG_OID(0), &subject);
	asked.name = text_to_cstring(PG_GETARG_TEXT_PP(2));
	asked.position = find_column(&subject, asked.name);
	athar_row_history_read(&subject, PG_GETARG_JSONB_P(1), return_change,
						   &asked);
	athar_history_close(&subject);
	return (Datum) 0;
}
