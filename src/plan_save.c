/*
 * plan_save.c
 *	  Plans saved: the one way to a version.
 *
 * Who saves wants to know at once, and others wait for the project meanwhile:
 * so the usual case, a plan that nobody else has saved since it was read, is
 * decided here by statements that are planned once a session.  All else is
 * SQL's: what is wrong with the arguments, what a document's faults are, who
 * may write, how versions are merged and what becomes of conflicts.  Each is
 * asked where this file cannot say that all is well.
 */
#include "athar.h"

#include <ctype.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "json_value.h"
#include "plan_check.h"
#include "plan_commit.h"
#include "statement.h"

static athar_statement find_project = {
	.text = "SELECT j.id, j.head_version FROM athar.project j"
	" WHERE j.code = $1 AND $2 BETWEEN 1 AND j.head_version AND athar.is_unlimited(athar.caller())",
	.expected = SPI_OK_SELECT,.count = 2,.types = {TEXTOID, INT4OID}
};

static athar_statement check_change = {
	.text = "SELECT athar.check_change($1, $2, $3, $4)",
	.expected = SPI_OK_SELECT,.count = 4,
	.types = {TEXTOID, INT4OID, TEXTOID, TEXTOID}
};

static athar_statement find_checked = {
	.text = "SELECT j.id, j.head_version FROM athar.project j WHERE j.code = $1",
	.expected = SPI_OK_SELECT,.count = 1,.types = {TEXTOID}
};

static athar_statement lock_project = {
	.text = "SELECT j.head_version FROM athar.project j WHERE j.id = $1 FOR NO KEY UPDATE",
	.expected = SPI_OK_SELECT,.count = 1,.types = {INT4OID}
};

static athar_statement is_unlimited = {
	.text = "SELECT athar.is_unlimited(athar.caller(), 'contribute')",
	.expected = SPI_OK_SELECT
};

static athar_statement check_part = {
	.text = "SELECT athar.writable_project(j.code) FROM athar.project j WHERE j.id = $1",
	.expected = SPI_OK_SELECT,.count = 1,.types = {INT4OID}
};

static athar_statement merge = {
	.text = "SELECT m.head_version, m.merged, m.conflicts FROM athar.merge_with_head($1, $2, $3, $4) AS m",
	.expected = SPI_OK_SELECT,.count = 4,
	.types = {INT4OID, INT4OID, JSONBOID, JSONBOID}
};

static athar_statement keep_draft = {
	.text = "SELECT athar.keep_draft($1, $2, $3, $4, $5, $6, $7)",
	.expected = SPI_OK_SELECT,.count = 7,
	.types = {INT4OID, INT4OID, JSONBOID, TEXTOID, TEXTOID, INT4OID, JSONBOID}
};

static athar_statement change_document = {
	.text = "SELECT athar.changed_plan($1, $2, $3, $4)",
	.expected = SPI_OK_SELECT,.count = 4,
	.types = {TEXTOID, INT4OID, TEXTOID, JSONBOID}
};

/* What somebody wants of a plan, besides its text. */
typedef struct plan_change
{
	Datum		project;		/* its code, where it is known */
	int32		project_id;
	int32		head_version;	/* before anything is locked */
	int32		base_version;
	Datum		reason;
	Datum		on_conflict;
	int32		draft;			/* 0: none */
	Jsonb	   *answers;		/* NULL: none */
} plan_change;

typedef struct plan_outcome
{
	const char *status;
	int32		version;
	int32		draft;			/* 0: none */
	Jsonb	   *conflicts;		/* NULL: none */
} plan_outcome;

static int32
found_integer(int column)
{
	bool		isnull;

	return DatumGetInt32(athar_statement_found(0, column, &isnull));
}

static Jsonb *
found_document(int column)
{
	bool		isnull;
	Datum		found = athar_statement_found(0, column, &isnull);

	if (isnull)
		elog(ERROR, "a plan has no document");
	return DatumGetJsonbP(found);
}

static Datum
empty_list(void)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum("[]"));
}

/*
 * Arguments
 */

/* Does a text say anything, surely?  A byte of 0xD8 to 0xDB begins an Arabic
 * letter in UTF-8, and is a letter by itself in the encodings of one byte. */
static bool
has_words(text *words)
{
	unsigned char *at = (unsigned char *) VARDATA_ANY(words);
	unsigned char *end = at + VARSIZE_ANY_EXHDR(words);

	while (at < end && !(*at < 0x80 && isalnum(*at)) &&
		   !(*at >= 0xD8 && *at <= 0xDB))
		at++;
	return at < end;
}

static bool
is_known_choice(Datum on_conflict)
{
	char	   *choice = TextDatumGetCString(on_conflict);

	return strcmp(choice, "draft") == 0 || strcmp(choice, "error") == 0;
}

/* Take the arguments that all changes have: the project is the first, the
 * version, the reason and what to do with conflicts stand together. */
static void
begin_change(FunctionCallInfo fcinfo, int base, plan_change *change)
{
	Datum		values[4];
	char		nulls[5] = {0};
	int			places[] = {0, base, base + 1, base + 2};
	bool		is_complete = true;

	for (int i = 0; i < lengthof(places); i++)
	{
		values[i] = PG_GETARG_DATUM(places[i]);
		nulls[i] = PG_ARGISNULL(places[i]) ? 'n' : ' ';
		is_complete = is_complete && !PG_ARGISNULL(places[i]);
	}
	/* the change log tells why */
	if (nulls[2] == ' ')
		(void) set_config_option("athar.reason",
								 TextDatumGetCString(values[2]), PGC_USERSET,
								 PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0,
								 false);
	if (!is_complete || !has_words(DatumGetTextPP(values[2])) || !is_known_choice(values[3]) ||
		athar_statement_run(&find_project, values, NULL) == 0)
	{
		athar_statement_run(&check_change, values, nulls);
		if (athar_statement_run(&find_checked, values, NULL) == 0)
			elog(ERROR, "a project that was checked is not there");
	}
	*change = (plan_change)
	{
		.project = values[0],
			.project_id = found_integer(1),
			.head_version = found_integer(2),
			.base_version = DatumGetInt32(values[1]),
			.reason = values[2],
			.on_conflict = values[3]
	};
}

/*
 * Settling
 */

/* Lock the project of a change, and ask whether the caller may write its plan:
 * it may have been handed over meanwhile.  Answers its newest version, which
 * what is read next will see. */
static int32
lock(plan_change *change)
{
	Datum		project_id = Int32GetDatum(change->project_id);
	bool		isnull;
	int32		head_version;

	if (athar_statement_run(&lock_project, &project_id, NULL) == 0)
		elog(ERROR, "there is no project %d", change->project_id);
	head_version = found_integer(1);
	athar_statement_run(&is_unlimited, NULL, NULL);
	if (!DatumGetBool(athar_statement_found(0, 1, &isnull)))
		athar_statement_run(&check_part, &project_id, NULL);
	return head_version;
}

static plan_outcome
keep(plan_change *change, Jsonb *document, int32 head_version, Jsonb *conflicts)
{
	Datum		values[] = {
		Int32GetDatum(change->project_id),
		Int32GetDatum(change->base_version),
		JsonbPGetDatum(document),
		change->reason,
		change->on_conflict,
		Int32GetDatum(change->draft),
		JsonbPGetDatum(conflicts)
	};

	athar_statement_run(&keep_draft, values,
						change->draft ? NULL : "     n ");
	return (plan_outcome)
	{
		.status = "conflict",
			.version = head_version,
			.draft = found_integer(1),
			.conflicts = conflicts
	};
}

/* Merge a document with what others saved since the version it is made of, by
 * the answers to conflicts there are. */
static plan_outcome
merge_in(plan_change *change, Jsonb *document)
{
	Datum		values[] = {
		Int32GetDatum(change->project_id),
		Int32GetDatum(change->base_version),
		JsonbPGetDatum(document),
		change->answers ? JsonbPGetDatum(change->answers) : empty_list()
	};
	plan_outcome outcome = {0};
	athar_plan	plan;
	athar_plan	head;
	int32		head_version;
	Jsonb	   *conflicts;

	if (athar_statement_run(&merge, values, NULL) != 1)
		elog(ERROR, "a plan was not merged");
	head_version = found_integer(1);
	conflicts = found_document(3);
	if (JB_ROOT_COUNT(conflicts) > 0)
		return keep(change, document, head_version, conflicts);
	athar_plan_read_document(found_document(2), &plan);
	athar_plan_read_version(change->project_id, head_version, true, &head);
	athar_plan_match(&plan, &head);
	outcome.version = athar_plan_commit(change->project_id, head_version,
										change->base_version, &plan, &head,
										change->reason);
	outcome.status = outcome.version == head_version ? "unchanged" :
		head_version == change->base_version ? "saved" : "merged";
	return outcome;
}

/* A plan whose project is locked, and that nobody else has saved since. */
static plan_outcome
commit(plan_change *change, athar_plan *plan, const athar_plan *base)
{
	plan_outcome outcome = {.status = "saved"};

	outcome.version = athar_plan_commit(change->project_id,
										change->base_version, 0, plan, base,
										change->reason);
	if (outcome.version == change->base_version)
		outcome.status = "unchanged";
	return outcome;
}

/* Save a document that was not looked at yet. */
static plan_outcome
save(plan_change *change, Jsonb *document)
{
	athar_plan	plan = {.is_malformed = true};
	athar_plan	base;

	athar_plan_read_version(change->project_id, change->base_version, true,
							&base);
	if (document !=NULL)
		athar_plan_read_document(document, &plan);
	athar_plan_match(&plan, &base);
	athar_plan_check(document, &plan, &base);
	if (lock(change) != change->base_version)
		return merge_in(change, document);
	return commit(change, &plan, &base);
}

/*
 * One item
 */

static bool
has_key(Jsonb *object, const char *key)
{
	return getKeyJsonValueFromContainer(&object->root, key, strlen(key),
										NULL) != NULL;
}

static bool
is_no_change(const JsonbValue *name, const JsonbValue *value, void *changes)
{
	return getKeyJsonValueFromContainer(&((Jsonb *) changes)->root,
										name->val.string.val,
										name->val.string.len, NULL) == NULL;
}

static bool
is_value(const JsonbValue *name, const JsonbValue *value, void *state)
{
	return value->type != jbvNull;
}

/* An item with other values of some keys; null takes a key away. */
static Jsonb *
changed_item(Jsonb *item, Jsonb *changes)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	athar_json_push_members(&state, item, is_no_change, changes);
	athar_json_push_members(&state, changes, is_value, NULL);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

PG_FUNCTION_INFO_V1(athar_changed_item);
Datum
athar_changed_item(PG_FUNCTION_ARGS)
{
	Jsonb	   *item = PG_GETARG_JSONB_P(0);
	Jsonb	   *changes = PG_GETARG_JSONB_P(1);

	if (!JB_ROOT_IS_OBJECT(item) || !JB_ROOT_IS_OBJECT(changes))
		elog(ERROR, "an item and what changes of it are objects");
	PG_RETURN_JSONB_P(changed_item(item, changes));
}

/*
 * Change one item of the newest version, without its others; false where that
 * is not all there is to it.
 */
static bool
save_item(plan_change *change, const char *id, Jsonb *changes,
		  plan_outcome *outcome)
{
	athar_plan	base;
	athar_plan	plan;
	athar_plan_item *item;
	Jsonb	   *document;
	Jsonb	   *changed;

	if (change->base_version != change->head_version ||
		!JB_ROOT_IS_OBJECT(changes) || has_key(changes, "id") ||
		has_key(changes, "parent"))
		return false;
	athar_plan_read_version(change->project_id, change->base_version, false,
							&base);
	athar_plan_copy(&base, &plan);
	if ((item = athar_plan_find(&plan, id)) == NULL)
		return false;
	document = athar_plan_read_item(change->project_id, item->revision);

	changed = changed_item(document, changes);
	if (compareJsonbContainers(&document->root, &changed->root) == 0)
		return false;
	athar_plan_set_item(item, changed, document);
	if (!athar_plan_is_right(&plan, &base) || lock(change) != change->base_version)
		return false;
	*outcome = commit(change, &plan, &base);
	return true;
}

/*
 * Functions
 */

/* The outcome as a row, in memory of the caller. */
static Datum
outcome_row(FunctionCallInfo fcinfo, MemoryContext caller,
			const plan_outcome *outcome)
{
	MemoryContext context = MemoryContextSwitchTo(caller);
	Datum		values[4];
	bool		nulls[4] = {false};
	TupleDesc	descriptor;
	Datum		row;

	if (get_call_result_type(fcinfo, NULL, &descriptor) != TYPEFUNC_COMPOSITE ||
		descriptor->natts != lengthof(values))
		elog(ERROR, "the outcome of a save is no row of four columns");
	values[0] = CStringGetTextDatum(outcome->status);
	values[1] = Int32GetDatum(outcome->version);
	values[2] = Int32GetDatum(outcome->draft);
	nulls[2] = outcome->draft == 0;
	values[3] = outcome->conflicts ? JsonbPGetDatum(outcome->conflicts) :
		empty_list();
	row = HeapTupleGetDatum(heap_form_tuple(descriptor, values, nulls));
	MemoryContextSwitchTo(context);
	return row;
}

/* save_plan(project, document, base_version, reason, on_conflict) */
PG_FUNCTION_INFO_V1(athar_save_plan);
Datum
athar_save_plan(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	plan_change change;
	plan_outcome outcome;
	Datum		row;

	SPI_connect();
	begin_change(fcinfo, 2, &change);
	outcome = save(&change, PG_ARGISNULL(1) ? NULL : PG_GETARG_JSONB_P(1));
	row = outcome_row(fcinfo, caller, &outcome);
	SPI_finish();
	return row;
}

/* set_action(project, action_id, changes, base_version, reason, on_conflict) */
PG_FUNCTION_INFO_V1(athar_set_action);
Datum
athar_set_action(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	plan_change change;
	plan_outcome outcome;
	Datum		row;

	SPI_connect();
	begin_change(fcinfo, 3, &change);
	if (PG_ARGISNULL(1) || PG_ARGISNULL(2) ||
		!save_item(&change, text_to_cstring(PG_GETARG_TEXT_PP(1)),
				   PG_GETARG_JSONB_P(2), &outcome))
	{
		Datum		values[] = {
			change.project,
			Int32GetDatum(change.base_version),
			PG_GETARG_DATUM(1),
			PG_GETARG_DATUM(2)
		};
		char		nulls[] = {
			' ', ' ', PG_ARGISNULL(1) ? 'n' : ' ',
			PG_ARGISNULL(2) ? 'n' : ' ', '\0'
		};

		athar_statement_run(&change_document, values, nulls);
		outcome = save(&change, found_document(1));
	}
	row = outcome_row(fcinfo, caller, &outcome);
	SPI_finish();
	return row;
}

/* settle_draft(project_id, base_version, document, reason, draft, answers) */
PG_FUNCTION_INFO_V1(athar_settle_draft);
Datum
athar_settle_draft(PG_FUNCTION_ARGS)
{
	MemoryContext caller = CurrentMemoryContext;
	Jsonb	   *document = PG_GETARG_JSONB_P(2);
	plan_change change = {
		.project_id = PG_GETARG_INT32(0),
		.base_version = PG_GETARG_INT32(1),
		.reason = PG_GETARG_DATUM(3),
		.on_conflict = CStringGetTextDatum("draft"),
		.draft = PG_GETARG_INT32(4),
		.answers = PG_GETARG_JSONB_P(5)
	};
	plan_outcome outcome;
	Datum		row;

	SPI_connect();
	(void) lock(&change);
	outcome = merge_in(&change, document);
	row = outcome_row(fcinfo, caller, &outcome);
	SPI_finish();
	return row;
}

/* begin_plan(project_id, document, reason) */
PG_FUNCTION_INFO_V1(athar_begin_plan);
Datum
athar_begin_plan(PG_FUNCTION_ARGS)
{
	athar_plan	none;
	athar_plan	plan;
	int32		version;

	SPI_connect();
	athar_plan_read_version(PG_GETARG_INT32(0), 0, false, &none);
	athar_plan_read_document(PG_GETARG_JSONB_P(1), &plan);
	if (plan.is_malformed)
		elog(ERROR, "a plan document with faults was not checked");
	version = athar_plan_commit(PG_GETARG_INT32(0), 0, 0, &plan, &none,
								PG_GETARG_DATUM(2));
	SPI_finish();
	PG_RETURN_INT32(version);
}
