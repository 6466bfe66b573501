/*
 * status.c
 *	  Is the log of a table complete?
 *
 * A trigger that was disabled leaves no trace in the log, but the table then
 * is not what the log says.  The log is replayed from the present rows back to
 * the newest state that was written down (baseline.c), and must lead exactly
 * to it.  On the way entries must fit one another and the present rows, which
 * tells the rows that changed unseen where the log has met them.
 *
 * Where all is well the present state is written down in its turn, so each
 * check replays what came since the one before.  Where it is not, nothing is:
 * the next check finds the same, until somebody takes the state for right.
 *
 * What it does not promise: that nothing went unlogged in between and was
 * undone.  What it shows is that no more and no less is in the table than the
 * log can account for.
 */
#include "athar.h"

#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "error.h"
#include "catalog.h"
#include "amendment.h"
#include "baseline.h"
#include "history.h"
#include "replay.h"
#include "horizon.h"

#define RESULT_COLUMNS 10

typedef struct table_check
{
	MemoryContext context;
	athar_subject subject;
	athar_baseline was;
	athar_baseline now;
	bool		has_baseline;
	bool		is_comparable;	/* the digest of then */
	bool		is_same_shape;	/* and in the same columns as now */
	bool		has_other_keys; /* in entries since */
	bool	   *watched;		/* columns as they were then */
	athar_sum	past;			/* what the log leads back to */
	athar_replay *replay;
	athar_trails *trails;
	athar_row_hasher hasher;
	int64		entry_count;
	int64		missing;
	bool		is_wrong;
	bool		is_unknown;
	bool		is_unread;		/* reading failed half-way */
	List	   *problems;		/* sentences */
} table_check;

static void
add_problem(table_check *run, bool *verdict, const char *problem)
{
	MemoryContext old = MemoryContextSwitchTo(run->context);

	*verdict = true;
	run->problems = lappend(run->problems, pstrdup(problem));
	MemoryContextSwitchTo(old);
}

/*
 * What can be compared
 */

static athar_covered *
find_covered(List *columns, int32 number)
{
	ListCell   *cell;

	foreach(cell, columns)
	{
		athar_covered *column = lfirst(cell);

		if (column->number == number)
			return column;
	}
	return NULL;
}

/*
 * Had a column another type in between?  Its values may have been made anew
 * twice without an entry.
 */
static bool
was_retyped(List *versions, int32 number)
{
	const char *type = NULL;
	ListCell   *cell;

	foreach(cell, versions)
	{
		athar_field *field = athar_definition_numbered(lfirst(cell), number);

		if (field && type && strcmp(field->type, type) != 0)
			return true;
		if (field)
			type = field->type;
	}
	return false;
}

/* The columns of each version of the definition from that of then to now. */
static List *
versions_since(const table_check *run)
{
	List	   *versions = list_make1(run->subject.tracked->fields);
	ListCell   *cell;

	foreach(cell, athar_tracking_rows(run->subject.tracked->lineage))
	{
		athar_tracked *row = lfirst(cell);

		if (row->rekey_of == 0 && row->id >= run->was.table_id)
			versions = lappend(versions, athar_definition_read(row->id));
	}
	return versions;
}

static void
compare_column(table_check *run, athar_covered *column, List *versions)
{
	athar_covered *present = find_covered(run->now.columns, column->number);
	athar_field *field = athar_definition_numbered(run->subject.tracked->fields,
												   column->number);

	if (present && strcmp(present->type, column->type) == 0 &&
		!was_retyped(versions, column->number))
	{
		column->position = present->position;
		run->watched[column->position] = true;
		return;
	}
	run->is_comparable = false;
	add_problem(run, &run->is_unknown, field == NULL ?
				psprintf("a column of type %s was dropped since %s: what it held then cannot be compared",
						 column->type, athar_mark_time(run->was.mark.at)) :
				psprintf("column \"%s\" was redefined since %s: what it held then cannot be compared",
						 field->name, athar_mark_time(run->was.mark.at)));
}

static void
compare_columns(table_check *run)
{
	List	   *versions = versions_since(run);
	ListCell   *cell;

	run->is_comparable = true;
	foreach(cell, run->was.columns)
		compare_column(run, lfirst(cell), versions);
	run->is_same_shape = run->is_comparable &&
		list_length(run->was.columns) == list_length(run->now.columns);
}

/* Tables of athar are empty, and tracked, when they are made. */
static void
begin_empty(table_check *run)
{
	ListCell   *cell;

	run->was.mark.at = run->subject.tracked->tracked_at;
	run->was.mark.snapshot = DirectFunctionCall1(pg_snapshot_in,
												 CStringGetDatum("1:1:"));
	run->was.complete_since = run->was.mark.at;
	run->was.columns = run->now.columns;
	run->has_baseline = true;
	run->is_comparable = true;
	run->is_same_shape = true;
	foreach(cell, run->now.columns)
		run->watched[((athar_covered *) lfirst(cell))->position] = true;
}

/* A condition of a trigger leaves rows out, and a foreign table has no rows here. */
static void
doubt_rows(table_check *run)
{
	Relation	relation = run->subject.relation;
	TriggerDesc *triggers = relation->trigdesc;
	Oid			unreadable = athar_baseline_unreadable(relation);

	for (int i = 0; triggers && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];

		if (trigger->tgqual == NULL ||
			!athar_tracking_is_capture(trigger->tgfoid))
			continue;
		add_problem(run, &run->is_unknown,
					"only rows that meet the condition of its triggers are logged: what the log should hold cannot be told");
		break;
	}
	if (OidIsValid(unreadable))
		add_problem(run, &run->is_unknown,
					psprintf("the rows of partition \"%s\" are on another server and were not read",
							 get_rel_name(unreadable)));
}

/* The newest state up to a time, or one after a mark: athar_baseline_read(). */
static void
find_baseline(table_check *run, TimestampTz at, int64 mark_id)
{
	run->watched = palloc0(run->subject.shape->count + 1);
	if (athar_baseline_read(run->subject.tracked->lineage, at, mark_id,
							&run->was))
	{
		run->has_baseline = true;
		compare_columns(run);
	}
	else if (mark_id == 0 &&
			 athar_catalog_is_member(RelationGetRelid(run->subject.relation)))
		begin_empty(run);
	else
		add_problem(run, &run->is_unknown,
					"no state was written down when tracking began: this check is the first");
}

/*
 * Replaying
 */

static void
take_entry(void *context, const athar_entry *entry)
{
	table_check *run = context;

	run->entry_count += entry->operation != 'S';
	if (!run->has_other_keys && entry->operation != 'S' &&
		!athar_mapping_has_key(run->subject.mapping, entry->table_id))
	{
		run->has_other_keys = true;
		add_problem(run, &run->is_unknown,
					psprintf("the key was changed since %s: entries written under another cannot be replayed",
							 athar_mark_time(run->was.mark.at)));
	}
	if (!run->has_other_keys)
		athar_replay_fold(run->replay, entry);
}

static void
add_past(void *context, Datum *values, bool *nulls)
{
	table_check *run = context;
	uint8		hash[ATHAR_HASH_BYTES];

	athar_baseline_hash(&run->hasher, run->subject.shape, run->was.columns,
						values, nulls, hash);
	athar_baseline_add(&run->past, hash);
}

static bool
can_replay(const table_check *run)
{
	return run->has_baseline && !run->has_other_keys &&
		(run->is_comparable || run->trails != NULL);
}

static void
take_row(void *context, Datum *values, bool *nulls)
{
	table_check *run = context;
	int			natts = RelationGetNumberOfAttributes(run->subject.relation);
	uint8		hash[ATHAR_HASH_BYTES];
	Datum	   *past_values;
	bool	   *past_nulls;

	athar_baseline_hash(&run->hasher, run->subject.shape, run->now.columns,
						values, nulls, hash);
	athar_baseline_add(&run->now.sum, hash);
	if (!can_replay(run))
		return;
	if (run->entry_count == 0 && run->is_same_shape &&
		run->was.sum.row_count > 0)
	{
		athar_baseline_add(&run->past, hash);
		return;
	}
	past_values = palloc(sizeof(Datum) * (natts + 1));
	past_nulls = palloc(natts + 1);
	memcpy(past_values, values, sizeof(Datum) * natts);
	memcpy(past_nulls, nulls, natts);
	if (!athar_replay_correct(run->replay, past_values, past_nulls) ||
		!run->is_comparable)
		return;
	if (run->is_same_shape &&
		memcmp(past_values, values, sizeof(Datum) * natts) == 0 &&
		memcmp(past_nulls, nulls, natts) == 0)
		athar_baseline_add(&run->past, hash);
	else
		add_past(run, past_values, past_nulls);
}

static void
replay(table_check *run)
{
	athar_owner_state state;

	athar_catalog_restrict(run->subject.relation->rd_rel->relowner, &state);
	athar_baseline_begin_hash(&run->hasher);
	run->replay = athar_replay_begin(&run->subject);
	run->trails = athar_replay_watch(run->replay, run->watched,
									 run->has_baseline &&
									 run->was.sum.row_count == 0);
	if (run->has_baseline)
		athar_replay_read_log(&run->subject, &run->was.mark, take_entry, run);
	athar_baseline_scan(run->subject.relation, run->subject.shape, take_row,
						run);
	if (can_replay(run))
	{
		if (run->is_comparable)
			athar_replay_gone(run->replay, add_past, run);
		if (run->trails)
			athar_trail_finish(run->trails);
		run->missing = athar_replay_missing(run->replay);
	}
	athar_baseline_end_hash(&run->hasher);
	athar_catalog_unrestrict(&state);
}

/*
 * The verdict
 */

/* A key is part of a row: shown to whom the log or the rows are open. */
static bool
may_see_keys(Relation relation)
{
	Oid			relid = RelationGetRelid(relation);

	return pg_class_aclcheck(athar_catalog_oid(ATHAR_LOG_ENTRY), GetUserId(),
							 ACL_SELECT) == ACLCHECK_OK ||
		(pg_class_aclcheck(relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		 check_enable_rls(relid, InvalidOid, true) != RLS_ENABLED);
}

static char *
describe_misfits(table_check *run)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	appendStringInfo(&text, run->trails->misfit_count == 1 ?
					 INT64_FORMAT " row is not as the log says" :
					 INT64_FORMAT " rows are not as the log says",
					 run->trails->misfit_count);
	if (!may_see_keys(run->subject.relation))
		return text.data;

	foreach(cell, run->trails->misfits)
	{
		athar_misfit *misfit = lfirst(cell);

		appendStringInfoString(&text, cell == list_head(run->trails->misfits) ?
							   ": " : "; ");
		JsonbToCString(&text, &misfit->key->root, VARSIZE(misfit->key));
		appendStringInfo(&text, " %s", misfit->problem);
	}
	if (run->trails->misfit_count > list_length(run->trails->misfits))
		appendStringInfoString(&text, "; ...");
	return text.data;
}

/*
 * Name the rows that do not fit.  From a table without rows on, every row must
 * have met the log; else others may have changed without meeting it.
 */
static bool
name_rows(table_check *run, table_check *with)
{
	if (with->trails == NULL || with->trails->misfit_count == 0)
		return false;
	add_problem(run, &run->is_wrong, describe_misfits(with));
	if (with->was.sum.row_count > 0)
		add_problem(run, &run->is_wrong,
					"other rows, of which the log has no entry, may have changed unseen, too");
	return true;
}

/*
 * What went unseen may concern rows that the log has met before: look for them
 * from the state on with which the unbroken chain of checks began, but not
 * behind what was taken out of the log: what it lacks would look unseen.
 */
static bool
search_further(table_check *run)
{
	table_check far = {
		.context = run->context,
		.subject = run->subject,
		.now = run->now
	};
	athar_mark	horizon;
	bool		is_cut = athar_horizon_find(run->subject.tracked->lineage,
											&horizon);

	if (run->was.complete_since == run->was.mark.at)
		return false;
	find_baseline(&far, run->was.complete_since, is_cut ? horizon.id : 0);
	if (!far.has_baseline || far.was.mark.at >= run->was.mark.at)
		return false;
	replay(&far);
	return can_replay(&far) && name_rows(run, &far);
}

static void
compare_sums(table_check *run, bool is_named)
{
	const char *then = athar_mark_time(run->was.mark.at);

	if (memcmp(&run->past.digest, run->was.sum.digest,
			   ATHAR_HASH_BYTES) == 0 &&
		run->past.row_count == run->was.sum.row_count)
		return;
	if (run->past.row_count != run->was.sum.row_count)
		add_problem(run, &run->is_wrong,
					psprintf("the log leads from the present rows back to " INT64_FORMAT " rows, but there were " INT64_FORMAT " at %s",
							 run->past.row_count, run->was.sum.row_count,
							 then));
	if (!is_named && !search_further(run))
		add_problem(run, &run->is_wrong,
					psprintf("rows of which the log has no entry since %s were changed, added or removed unseen",
							 then));
}

static void
judge(table_check *run)
{
	bool		is_named;

	if (!can_replay(run))
		return;
	is_named = name_rows(run, run);
	if (run->missing > 0)
		add_problem(run, &run->is_wrong,
					psprintf("rows that were logged are missing, though their removal was not: " INT64_FORMAT,
							 run->missing));
	if (run->is_comparable && !run->is_unknown)
		compare_sums(run, is_named);
}

/*
 * Write the present state down, where nothing is wrong with it, and where the
 * next check would have more to do without.
 */
static void
keep_state(table_check *run)
{
	if (run->is_wrong || XactReadOnly || RecoveryInProgress() ||
		(run->now.origin == NULL))
		return;
	run->now.lineage = run->subject.tracked->lineage;
	run->now.table_id = run->subject.tracked->id;
	run->now.complete_since = run->is_unknown ? run->now.mark.at :
		run->was.complete_since;
	athar_baseline_write(&run->now);
}

/* Look at one table under a snapshot of its own. */
static void
look_at(table_check *run)
{
	bool		is_doubtful;

	PushActiveSnapshot(IsolationUsesXactSnapshot() ? GetTransactionSnapshot()
					   : GetLatestSnapshot());
	athar_baseline_snapshot(&run->now);
	run->now.columns = athar_baseline_columns(run->subject.relation,
											  run->subject.tracked->fields,
											  run->subject.shape);
	doubt_rows(run);
	is_doubtful = run->is_unknown;
	find_baseline(run, DT_NOEND, 0);
	replay(run);
	judge(run);
	PopActiveSnapshot();
	if (!is_doubtful &&
		(run->entry_count > 0 || run->is_unknown || !run->is_same_shape))
		run->now.origin = "check";
	keep_state(run);
}

/* Of its log, data and functions, not of the session or the server. */
static bool
is_about_table(int code)
{
	if (code == ERRCODE_DATA_CORRUPTED)
		return true;
	switch (ERRCODE_TO_CATEGORY(code))
	{
		case ERRCODE_OPERATOR_INTERVENTION:
		case ERRCODE_TRANSACTION_ROLLBACK:
		case ERRCODE_INSUFFICIENT_RESOURCES:
		case ERRCODE_SYSTEM_ERROR:
		case ERRCODE_INTERNAL_ERROR:
			return false;
		default:
			return true;
	}
}

/*
 * Look at a table of which reading may call its owner's functions: where they
 * fail, that is told of this table, and the next one is looked at.
 */
static void
look_safely(table_check *run)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		look_at(run);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		ErrorData  *error = athar_error_catch(context, owner,
											  is_about_table);

		run->is_wrong = false;
		run->is_unread = true;
		run->problems = NIL;
		add_problem(run, error->sqlerrcode == ERRCODE_DATA_CORRUPTED ?
					&run->is_wrong : &run->is_unknown,
					psprintf("the log could not be replayed: %s",
							 error->message));
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
}

/*
 * Returning it
 */

static Datum
problems_array(List *problems)
{
	Datum	   *elements = palloc(sizeof(Datum) * (list_length(problems) + 1));
	ListCell   *cell;

	foreach(cell, problems)
		elements[foreach_current_index(cell)] = CStringGetTextDatum(lfirst(cell));
	return PointerGetDatum(construct_array(elements, list_length(problems),
										   TEXTOID, -1, false, TYPALIGN_INT));
}

static void
return_check(table_check *run, ReturnSetInfo *result)
{
	Datum		values[RESULT_COLUMNS];
	bool		nulls[RESULT_COLUMNS] = {false};
	bool		is_complete = !run->is_wrong && !run->is_unknown;
	int			i = 0;

	values[i++] = ObjectIdGetDatum(RelationGetRelid(run->subject.relation));
	values[i++] = Int32GetDatum(run->subject.tracked->lineage);
	nulls[i] = run->is_unknown && !run->is_wrong;
	values[i++] = BoolGetDatum(is_complete);
	nulls[i] = run->problems == NIL;
	values[i++] = problems_array(run->problems);
	values[i++] = TimestampTzGetDatum(run->subject.tracked->tracked_at);
	nulls[i] = !is_complete;
	values[i++] = TimestampTzGetDatum(run->was.complete_since);
	nulls[i] = !run->has_baseline;
	values[i++] = TimestampTzGetDatum(run->was.mark.at);
	values[i++] = TimestampTzGetDatum(run->now.mark.at);
	nulls[i] = run->is_unread;
	values[i++] = Int64GetDatum(run->now.sum.row_count);
	nulls[i] = run->is_unread;
	values[i++] = Int64GetDatum(run->entry_count);
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

static void
refuse_untracked(Relation relation)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("table \"%s\" is not tracked",
					RelationGetRelationName(relation)),
			 errdetail("There is no log of it that could be complete."),
			 relation->rd_rel->relispartition ?
			 errhint("Of a partition, the partitioned table is tracked: ask about that.") :
			 errhint("Call athar.track() to have its changes logged from now on.")));
}

static void
check_relation(Oid relid, ReturnSetInfo *result)
{
	Relation	relation = table_open(relid, AccessShareLock);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "athar check",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	table_check run = {.context = context};
	athar_tracked *tracked = athar_tracking_of(relid);
	athar_owner_state state;

	if (tracked == NULL || tracked->untracked_at != DT_NOEND)
		refuse_untracked(relation);
	athar_catalog_restrict(relation->rd_rel->relowner, &state);
	athar_history_describe(relation, &run.subject);
	athar_catalog_unrestrict(&state);
	athar_mapping_mute(run.subject.mapping);
	look_safely(&run);
	return_check(&run, result);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	table_close(relation, AccessShareLock);
}

/* Compare tracked tables with their logs: one, or all. */
PG_FUNCTION_INFO_V1(athar_check_tracking);
Datum
athar_check_tracking(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	List	   *relations;
	ListCell   *cell;

	InitMaterializedSRF(fcinfo, 0);
	athar_catalog_flush();
	relations = PG_ARGISNULL(0) ? athar_tracking_relations()
		: list_make1_oid(PG_GETARG_OID(0));
	foreach(cell, relations)
		check_relation(lfirst_oid(cell), result);
	return (Datum) 0;
}

/* Take the present state of a table for right, whatever the log lacks. */
PG_FUNCTION_INFO_V1(athar_accept_state);
Datum
athar_accept_state(PG_FUNCTION_ARGS)
{
	char	   *reason = PG_ARGISNULL(1) ? ""
	: text_to_cstring(PG_GETARG_TEXT_PP(1));
	Relation	relation;
	athar_tracked *tracked;
	athar_amendment amendment;

	if (PG_ARGISNULL(0) || reason[strspn(reason, " \t\n\r\f\v")] == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a table and a reason are required"),
				 errdetail("Nothing was changed."),
				 errhint("Say why the table is right although the log cannot account for it.")));
	PreventCommandIfReadOnly("accept_state()");
	PreventCommandDuringRecovery("accept_state()");
	athar_catalog_flush();
	relation = table_open(PG_GETARG_OID(0), AccessShareLock);
	tracked = athar_tracking_of(RelationGetRelid(relation));
	if (tracked == NULL || tracked->untracked_at != DT_NOEND)
		refuse_untracked(relation);
	athar_catalog_require_owner(RelationGetRelid(relation));
	table_close(relation, NoLock);
	athar_amendment_begin(&amendment, "accept_state");
	athar_amendment_text(&amendment, "accepted", NULL, reason);
	athar_amendment_write(&amendment, tracked->id);
	athar_baseline_take(PG_GETARG_OID(0), tracked, "accept", reason);
	PG_RETURN_VOID();
}
