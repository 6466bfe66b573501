/*
 * undo_steps.c
 *	  What a transaction changed in the end, and the writes that put it back.
 *
 * Undone is what differs in the end: a row that came and went, or a value
 * that was put back, is none of it.  A row is written once, whatever became
 * of it meanwhile, except where unique values were passed on from row to row.
 */
#include "athar.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "keymap.h"
#include "undo_steps.h"

/* A document in today's spelling, so that it compares with the table. */
static Jsonb *
respell(athar_undo_table *table, Jsonb *document)
{
	int			natts = RelationGetNumberOfAttributes(table->subject.relation);
	Datum	   *values = palloc0(sizeof(Datum) * (natts + 1));
	bool	   *nulls = palloc0(natts + 1);
	bool	   *mask = palloc0(table->subject.shape->count + 1);

	athar_undo_values(table, document, values, nulls, mask);
	return athar_undo_document(table, values, nulls, mask);
}

/*
 * What differs in the end
 */

/*
 * Must each change of the row be undone by itself?  Two rows that exchange a
 * unique value go through a third one; the way back does, too.
 */
static bool
needs_replay(athar_undo_row *row)
{
	athar_shape *shape = row->table->subject.shape;
	ListCell   *cell;

	if (row->was_reinserted || row->is_belated ||
		(row->existed && row->exists && list_length(row->updates) < 2))
		return false;
	foreach(cell, row->updates)
	{
		athar_undo_entry *entry = lfirst(cell);

		for (int i = 0; i < shape->count; i++)
		{
			Jsonb	   *ignored;

			if (row->table->links.unique_mask[i] &&
				athar_undo_column(entry->old_values, &shape->columns[i],
								  &ignored))
				return true;
		}
	}
	return false;
}

static Jsonb *
narrowed(athar_undo *run, athar_undo_row *row, Jsonb *document)
{
	if (document == NULL)
		return NULL;
	return athar_keymap_keep(athar_history_restrict(row->table->subject.shape,
													row->touched, document),
							 run->context);
}

/* Narrow both sides down to the columns that differ. */
static void
find_difference(athar_undo *run, athar_undo_row *row)
{
	athar_shape *shape = row->table->subject.shape;
	MemoryContext old;
	Jsonb	   *before;
	Jsonb	   *after;

	row->touched = palloc0(shape->count + 1);
	row->is_replayed = needs_replay(row);
	old = MemoryContextSwitchTo(run->scratch);
	before = row->before ? respell(row->table, row->before) : NULL;
	after = row->after ? respell(row->table, row->after) : NULL;
	for (int i = 0; i < shape->count; i++)
	{
		Jsonb	   *was;
		Jsonb	   *is;
		bool		had = athar_undo_column(before, &shape->columns[i], &was);
		bool		has = athar_undo_column(after, &shape->columns[i], &is);

		row->touched[i] = (had || has) &&
			((row->is_replayed && row->existed && row->exists) ||
			 !(had && has && athar_undo_same(was, is)));
	}
	row->before = narrowed(run, row, before);
	row->after = narrowed(run, row, after);
	MemoryContextSwitchTo(old);
	MemoryContextReset(run->scratch);
}

static bool
touches_any(const athar_undo_row *row)
{
	for (int i = 0; i < row->table->subject.shape->count; i++)
	{
		if (row->touched[i])
			return true;
	}
	return false;
}

/* Narrow the rows down to those that differ, and to what does. */
void
athar_undo_compare(athar_undo *run)
{
	List	   *rows = NIL;
	ListCell   *cell;

	foreach(cell, run->rows)
	{
		athar_undo_row *row = lfirst(cell);

		CHECK_FOR_INTERRUPTS();
		find_difference(run, row);
		if (row->existed != row->exists ||
			(row->exists && touches_any(row)))
			rows = lappend(rows, row);
	}
	run->rows = rows;
}

/*
 * Steps
 */

static List *
add_step(List *steps, athar_undo_row *row, CmdType operation, int64 entry_id,
		 Jsonb *key, Jsonb *old_values, Jsonb *new_values)
{
	athar_undo_step *step = palloc0(sizeof(athar_undo_step));

	step->row = row;
	step->operation = operation;
	step->entry_id = entry_id;
	step->key = key;
	step->old_values = old_values;
	step->new_values = new_values;
	return lappend(steps, step);
}

static List *
add_replay(List *steps, athar_undo_row *row)
{
	Jsonb	   *inserted = row->live;

	for (int i = list_length(row->updates) - 1; i >= 0; i--)
	{
		athar_undo_entry *entry = list_nth(row->updates, i);

		steps = add_step(steps, row, CMD_UPDATE, entry->id,
						 athar_history_next_key(entry->key,
												entry->new_values),
						 entry->new_values, entry->old_values);
		if (inserted)
			inserted = athar_undo_join(inserted, entry->old_values);
	}
	if (!row->existed)
		steps = add_step(steps, row, CMD_DELETE, row->insertion->id,
						 row->first_key, inserted, NULL);
	if (!row->exists)
		steps = add_step(steps, row, CMD_INSERT, row->removal->id,
						 row->removal->key, NULL, row->removal->old_values);
	return steps;
}

static List *
add_row(List *steps, athar_undo_row *row)
{
	if (row->is_replayed)
		return add_replay(steps, row);
	if (!row->existed)
		return add_step(steps, row, CMD_DELETE, row->insertion->id,
						row->last_key, row->live, NULL);
	if (!row->exists)
		return add_step(steps, row, CMD_INSERT, row->removal->id,
						row->first_key, NULL, row->before);
	return add_step(steps, row, CMD_UPDATE, row->entry_id, row->last_key,
					row->live, row->before);
}

static int
compare_steps(const ListCell *a, const ListCell *b)
{
	athar_undo_step *left = lfirst(a);
	athar_undo_step *right = lfirst(b);

	return left->entry_id > right->entry_id ? -1 :
		left->entry_id < right->entry_id;
}

/*
 * Keys that pass from one row to another
 */

static Jsonb *
taken_key(athar_undo_step *step)
{
	if (step->operation == CMD_INSERT)
		return step->key;
	return step->operation == CMD_UPDATE ?
		athar_history_next_key(step->key, step->new_values) : NULL;
}

static bool
acts_on_referrers(athar_undo_table *table)
{
	ListCell   *cell;

	foreach(cell, table->links.referrers)
	{
		if (((athar_undo_link *) lfirst(cell))->has_action)
			return true;
	}
	return false;
}

/* The key by which a step will refer to a row; NULL if it does not. */
static Jsonb *
referred_key(athar_undo_step *step, athar_undo_link *link)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	for (int i = 0; i < link->count; i++)
	{
		athar_column *column =
		&step->row->table->subject.shape->columns[link->columns[i]];
		JsonbValue *value =
		getKeyJsonValueFromContainer(&step->new_values->root, column->name,
									 column->name_length, NULL);
		JsonbValue	name;

		if (value == NULL)
			return NULL;
		name.type = jbvString;
		name.val.string.val = link->others[i];
		name.val.string.len = strlen(link->others[i]);
		pushJsonbValue(&state, WJB_KEY, &name);
		pushJsonbValue(&state, WJB_VALUE, value);
	}
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

static void
refuse_hazard(athar_undo *run, athar_undo_table *table, Jsonb *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			 errmsg("transaction %lld cannot be undone",
					(long long) run->transaction_id),
			 errdetail("It passed key %s of %s from one row to another, and rows refer to it by a foreign key that follows changes of the key. Nothing was changed.",
					   athar_undo_spell(key), table->name),
			 errhint("Correct the rows by hand: athar.change_log has the values.")));
}

/*
 * What a foreign key does to the rows that refer to a key given up, it does
 * when every row is as it was: it would take the referrers of the row that
 * has the key again for those of the other.
 */
static void
refuse_hazards(athar_undo *run, athar_undo_table *table, List *steps)
{
	HTAB	   *taken = athar_keymap_create(sizeof(Jsonb *), run->context);
	HTAB	   *passed = athar_keymap_create(sizeof(Jsonb *), run->context);
	ListCell   *cell;
	ListCell   *link;

	foreach(cell, steps)
	{
		athar_undo_step *step = lfirst(cell);
		Jsonb	   *key = step->row->table == table ? taken_key(step) : NULL;

		if (key && (key != step->key || step->operation == CMD_INSERT))
			athar_keymap_search(taken, key, HASH_ENTER, NULL);
	}
	foreach(cell, steps)
	{
		athar_undo_step *step = lfirst(cell);

		if (step->row->table == table && taken_key(step) != step->key &&
			athar_keymap_search(taken, step->key, HASH_FIND, NULL))
			athar_keymap_search(passed, step->key, HASH_ENTER, NULL);
	}
	foreach(cell, hash_get_num_entries(passed) > 0 ? steps : NIL)
	{
		athar_undo_step *step = lfirst(cell);

		foreach(link, step->new_values ? step->row->table->links.parents : NIL)
		{
			athar_undo_link *parent = lfirst(link);
			Jsonb	   *key = parent->has_action &&
			parent->other == RelationGetRelid(table->subject.relation) ?
			referred_key(step, parent) : NULL;

			if (key && athar_keymap_search(passed, key, HASH_FIND, NULL))
				refuse_hazard(run, table, key);
		}
	}
	hash_destroy(taken);
	hash_destroy(passed);
}

/*
 * The writes that undo the transaction, in the order to be done: from the
 * newest entry on, for what was possible in one order is so in the other.
 */
List *
athar_undo_steps(athar_undo *run)
{
	List	   *steps = NIL;
	ListCell   *cell;

	foreach(cell, run->rows)
		steps = add_row(steps, lfirst(cell));
	list_sort(steps, compare_steps);
	foreach(cell, run->tables)
	{
		if (acts_on_referrers(lfirst(cell)))
			refuse_hazards(run, lfirst(cell), steps);
	}
	return steps;
}
