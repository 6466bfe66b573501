/*
 * trail.c
 *	  What became of each row with a key, as entries of the log tell it.
 *
 * Entries are taken in ascending order, and for each column the first old
 * value is the one at the mark.  Within one transaction the order may be
 * another than that of the changes: what a user's trigger does to a row that
 * the outer statement has changed already is logged before the outer change.
 * Such a belated entry is known by its new value, which is the old one of an
 * entry before it.
 *
 * While watching, the last values are kept, too, and each entry must fit what
 * the log knew before it: a value that changed in between changed unseen.
 * What it does not promise: a gap that closes by itself, such as a value
 * changed unseen and changed back, leaves no trace here.
 */
#include "athar.h"

#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/memutils.h"

#include "json_value.h"
#include "value.h"
#include "keymap.h"
#include "trail.h"

#define KEPT_MISFITS 5

typedef struct trail_entry
{
	Jsonb	   *key;			/* present key */
	athar_trail *trail;
} trail_entry;

/* A column that an entry found other than the log knew it. */
typedef struct gap
{
	char	   *name;
	Jsonb	   *left;
	Jsonb	   *right;
	int64		id;				/* of the entry */
} gap;

/*
 * Documents
 */

/* Two documents as one; where both have a column, the second wins. */
static Jsonb *
concat(Jsonb *first, Jsonb *second)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat,
											  JsonbPGetDatum(first),
											  JsonbPGetDatum(second)));
}

static void
replace(athar_trails *trails, Jsonb **place, Jsonb *document)
{
	Jsonb	   *was = *place;

	*place = athar_keymap_keep(document, trails->context);
	if (was)
		pfree(was);
}

/* Add what a document has of columns that there is nothing of yet. */
static void
add_missing(athar_trails *trails, Jsonb **place, Jsonb *document)
{
	Jsonb	   *both;

	if (*place == NULL)
	{
		*place = athar_keymap_keep(document, trails->context);
		return;
	}
	both = concat(document, *place);
	if (VARSIZE(both) != VARSIZE(*place) ||
		JB_ROOT_COUNT(both) != JB_ROOT_COUNT(*place))
		replace(trails, place, both);
}

static void
overwrite(athar_trails *trails, Jsonb **place, Jsonb *document)
{
	replace(trails, place, *place ? concat(*place, document) : document);
}

static JsonbValue *
value_of(Jsonb *document, const char *name, int length)
{
	return document ? getKeyJsonValueFromContainer(&document->root, name,
												   length, NULL) : NULL;
}

static bool
is_same_document(Jsonb *a, Jsonb *b)
{
	return compareJsonbContainers(&a->root, &b->root) == 0;
}

static Jsonb *
object_of(JsonbValue *name, JsonbValue *value)
{
	JsonbParseState *state = NULL;

	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	pushJsonbValue(&state, WJB_KEY, name);
	pushJsonbValue(&state, WJB_VALUE, value);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * Misfits
 */

/* Count a row that does not fit. */
void
athar_trail_note(athar_trails *trails, Jsonb *key, const char *problem)
{
	MemoryContext old;
	athar_misfit *misfit;

	if (trails->misfit_count++ >= KEPT_MISFITS)
		return;
	old = MemoryContextSwitchTo(trails->context);
	misfit = palloc(sizeof(athar_misfit));
	misfit->key = athar_keymap_keep(key, trails->context);
	misfit->problem = pstrdup(problem);
	trails->misfits = lappend(trails->misfits, misfit);
	MemoryContextSwitchTo(old);
}

static void
note(athar_trails *trails, athar_trail *trail, Jsonb *key,
	 const char *problem)
{
	if (trails->watched == NULL || trail->is_noted)
		return;
	trail->is_noted = true;
	athar_trail_note(trails, key, problem);
}

static void
note_gap(athar_trails *trails, athar_trail *trail, Jsonb *key)
{
	gap		   *open;

	if (trail->gaps == NIL)
		return;
	open = linitial(trail->gaps);
	note(trails, trail, key,
		 psprintf("column \"%s\" had changed unseen before entry " INT64_FORMAT,
				  open->name, open->id));
}

/* Is a column compared across transactions? */
static bool
is_watched(athar_trails *trails, const char *name, int length)
{
	int			position = trails->watched ?
	athar_shape_find(trails->shape, name, length) : -1;

	return position >= 0 && trails->watched[position];
}

/*
 * Fitting an entry to what is known
 */

static gap *
find_gap(athar_trail *trail, JsonbValue *name)
{
	ListCell   *cell;

	foreach(cell, trail->gaps)
	{
		gap		   *open = lfirst(cell);

		if (strlen(open->name) == name->val.string.len &&
			memcmp(open->name, name->val.string.val,
				   name->val.string.len) == 0)
			return open;
	}
	return NULL;
}

static void
open_gap(athar_trails *trails, athar_trail *trail, JsonbValue *name,
		 JsonbValue *left, JsonbValue *right, int64 id)
{
	MemoryContext old = MemoryContextSwitchTo(trails->context);
	gap		   *open = palloc(sizeof(gap));

	open->name = pnstrdup(name->val.string.val, name->val.string.len);
	open->left = object_of(name, left);
	open->right = object_of(name, right);
	open->id = id;
	trail->gaps = lappend(trail->gaps, open);
	MemoryContextSwitchTo(old);
}

/* Does a belated change explain a gap, or a part of it? */
static bool
narrow_gap(athar_trails *trails, athar_trail *trail, gap *open,
		   Jsonb *old_value, Jsonb *new_value)
{
	if (is_same_document(new_value, open->right))
		replace(trails, &open->right, old_value);
	else if (is_same_document(old_value, open->left))
		replace(trails, &open->left, new_value);
	else
		return false;
	if (is_same_document(open->left, open->right))
		trail->gaps = list_delete_ptr(trail->gaps, open);
	return true;
}

/* Is this change of a column one that came before those logged already? */
static bool
is_belated(athar_trails *trails, athar_trail *trail, JsonbValue *name,
		   JsonbValue *old_value, JsonbValue *new_value)
{
	gap		   *open = find_gap(trail, name);
	JsonbValue *first = value_of(trail->first, name->val.string.val,
								 name->val.string.len);

	if (new_value == NULL)
		return false;
	if (open && narrow_gap(trails, trail, open, object_of(name, old_value),
						   object_of(name, new_value)))
		return true;
	if (first == NULL || !athar_json_same(first, new_value))
		return false;
	overwrite(trails, &trail->first, object_of(name, old_value));
	return true;
}

/*
 * Find what an entry changed out of turn, and leave it out of last; tell of
 * what does not fit at all.
 */
static Jsonb *
settle(athar_trails *trails, athar_trail *trail, Jsonb *old_values,
	   Jsonb *new_values, bool same_transaction, int64 id)
{
	JsonbIterator *iterator = JsonbIteratorInit(&old_values->root);
	JsonbIteratorToken token;
	JsonbValue	name = {0};
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		JsonbValue *last;

		if (token == WJB_KEY)
			name = value;
		if (token != WJB_VALUE)
			continue;
		last = value_of(trail->last, name.val.string.val,
						name.val.string.len);
		if (last == NULL || athar_json_same(last, &value))
			continue;
		if (same_transaction &&
			is_belated(trails, trail, &name, &value,
					   value_of(new_values, name.val.string.val,
								name.val.string.len)))
			new_values = concat(new_values, object_of(&name, last));
		else if (is_watched(trails, name.val.string.val, name.val.string.len))
			open_gap(trails, trail, &name, last, &value, id);
	}
	return new_values;
}

/*
 * Was a row that is gone changed so before, in the same transaction?  A
 * trigger deleted it before the outer change was logged.
 */
static bool
was_before(athar_trails *trails, athar_trail *trail, Jsonb *old_values,
		   Jsonb *new_values)
{
	JsonbIterator *iterator = JsonbIteratorInit(&old_values->root);
	JsonbIteratorToken token;
	JsonbValue	name = {0};
	JsonbValue	value;

	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			name = value;
		else if (token == WJB_VALUE &&
				 !is_belated(trails, trail, &name, &value,
							 value_of(new_values, name.val.string.val,
									  name.val.string.len)))
			return false;
	}
	return true;
}

/* Take one more change of a row into account. */
static void
extend(athar_trails *trails, athar_trail *trail, Jsonb *old_values,
	   Jsonb *new_values, uint64 xid, int64 id)
{
	bool		same_transaction = trail->xid == xid;

	if (trail->last && (same_transaction || trails->watched))
		new_values = settle(trails, trail, old_values, new_values,
							same_transaction, id);
	add_missing(trails, &trail->first, old_values);
	trail->xid = xid;
	if (new_values == NULL)
		return;
	if (same_transaction || trails->watched)
		overwrite(trails, &trail->last, new_values);
	else
		replace(trails, &trail->last, new_values);
}

/*
 * The rows
 */

athar_trails *
athar_trail_begin(athar_shape *shape, MemoryContext context)
{
	athar_trails *trails = MemoryContextAllocZero(context,
												  sizeof(athar_trails));

	trails->context = context;
	trails->shape = shape;
	trails->rows = athar_keymap_create(sizeof(trail_entry), context);
	return trails;
}

athar_trail *
athar_trail_find(athar_trails *trails, Jsonb *key)
{
	trail_entry *entry = athar_keymap_search(trails->rows, key, HASH_FIND,
											 NULL);

	return entry ? entry->trail : NULL;
}

static athar_trail *
new_trail(athar_trails *trails, athar_fate fate, uint64 xid)
{
	athar_trail *trail = MemoryContextAllocZero(trails->context,
												sizeof(athar_trail));

	trail->fate = fate;
	trail->xid = xid;
	return trail;
}

static void
place(athar_trails *trails, Jsonb *key, athar_trail *trail)
{
	trail_entry *entry = athar_keymap_search(trails->rows, key, HASH_FIND,
											 NULL);

	if (entry == NULL)
		entry = athar_keymap_search(trails->rows,
									athar_keymap_keep(key, trails->context),
									HASH_ENTER, NULL);
	entry->trail = trail;
}

void
athar_trail_insert(athar_trails *trails, Jsonb *key, Jsonb *new_values,
				   uint64 xid, int64 id)
{
	athar_trail *there = athar_trail_find(trails, key);
	athar_trail *trail = new_trail(trails, ATHAR_ADDED, xid);

	if (there)
		note_gap(trails, there, key);
	if (there && there->fate == ATHAR_PATCHED && there->xid == xid)
		trail->last = there->last;	/* changed by a trigger at once */
	else if (there && there->fate != ATHAR_GONE)
		note(trails, there, key,
			 psprintf("was there already when entry " INT64_FORMAT " inserted it", id));
	if (new_values)
		add_missing(trails, &trail->last, new_values);
	place(trails, key, trail);
}

/* A row comes to have this key: the one that is known to have it, or not. */
static void
arrive(athar_trails *trails, Jsonb *key, athar_trail *trail, int64 id)
{
	athar_trail *there = athar_trail_find(trails, key);

	if (there && there->fate == ATHAR_PATCHED && there->xid == trail->xid)
	{
		/* it was changed again, by a trigger, before this was logged */
		add_missing(trails, &trail->first, there->first);
		overwrite(trails, &trail->last, there->last);
	}
	else if (there && there->fate != ATHAR_GONE)
		note(trails, there, key,
			 psprintf("was there already when entry " INT64_FORMAT " gave another row its key", id));
	place(trails, key, trail);
}

void
athar_trail_update(athar_trails *trails, Jsonb *key, Jsonb *next_key,
				   Jsonb *old_values, Jsonb *new_values, uint64 xid, int64 id)
{
	athar_trail *there = athar_trail_find(trails, key);
	athar_trail *trail = there;

	if (there && there->fate == ATHAR_GONE)
	{
		if (there->xid == xid && was_before(trails, there, old_values,
											new_values))
			return;
		note(trails, there, key,
			 psprintf("was deleted before entry " INT64_FORMAT " changed it", id));
		trail = NULL;
	}
	if (trail == NULL)
		trail = new_trail(trails, ATHAR_PATCHED, xid);
	extend(trails, trail, old_values, new_values, xid, id);
	if (next_key)
	{
		if (there)
			athar_keymap_search(trails->rows, key, HASH_REMOVE, NULL);
		arrive(trails, next_key, trail, id);
	}
	else if (trail != there)
		place(trails, key, trail);
}

void
athar_trail_remove(athar_trails *trails, Jsonb *key, Jsonb *old_values,
				   uint64 xid, int64 id)
{
	athar_trail *there = athar_trail_find(trails, key);
	athar_trail *trail = there;
	MemoryContext old;

	if (there && there->fate == ATHAR_GONE)
	{
		note(trails, there, key,
			 psprintf("was deleted before entry " INT64_FORMAT " deleted it", id));
		trail = NULL;
	}
	if (trail == NULL)
		trail = new_trail(trails, ATHAR_PATCHED, xid);
	extend(trails, trail, old_values, NULL, xid, id);
	if (trail != there)
		place(trails, key, trail);
	if (trail->fate == ATHAR_PATCHED)
	{
		old = MemoryContextSwitchTo(trails->context);
		trails->gone = lappend(trails->gone, trail);
		MemoryContextSwitchTo(old);
	}
	trail->fate = ATHAR_GONE;
	if (trail->last)
		pfree(trail->last);
	trail->last = NULL;
}

/*
 * The present rows, while watching
 */

/* Compare a present row with what was logged of it last. */
void
athar_trail_meet(athar_trails *trails, athar_trail *trail, Jsonb *key,
				 Jsonb *row)
{
	JsonbIterator *iterator;
	JsonbIteratorToken token;
	JsonbValue	name = {0};
	JsonbValue	value;

	trail->is_met = true;
	if (trail->fate == ATHAR_GONE)
		note(trails, trail, key, "is there, though it was deleted");
	if (trail->fate == ATHAR_GONE || trail->last == NULL)
		return;
	iterator = JsonbIteratorInit(&trail->last->root);
	while ((token = JsonbIteratorNext(&iterator, &value, true)) != WJB_DONE)
	{
		JsonbValue *present;

		if (token == WJB_KEY)
			name = value;
		if (token != WJB_VALUE)
			continue;
		present = value_of(row, name.val.string.val, name.val.string.len);
		if (present && !athar_json_same(present, &value) &&
			is_watched(trails, name.val.string.val, name.val.string.len))
			note(trails, trail, key,
				 psprintf("column \"%s\" is not as it was logged last",
						  pnstrdup(name.val.string.val,
								   name.val.string.len)));
	}
}

/* After the last present row: note the gaps, and the rows that are missing. */
void
athar_trail_finish(athar_trails *trails)
{
	HASH_SEQ_STATUS status;
	trail_entry *entry;

	hash_seq_init(&status, trails->rows);
	while ((entry = hash_seq_search(&status)) != NULL)
	{
		note_gap(trails, entry->trail, entry->key);
		if (!entry->trail->is_met && entry->trail->fate != ATHAR_GONE)
			note(trails, entry->trail, entry->key,
				 "is missing, though its removal was not logged");
	}
}
