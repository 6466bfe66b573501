/*
 * amendment.c
 *	  What changed of a tracked table's definition, as an entry of the log.
 *
 * The entry says what the table was and what it is, in as far as the two
 * differ, and by which command: never the statement's text, which may hold
 * what nobody wanted to keep (a default, a password in a comment).  The members
 * are an interface; they are listed in the comment of change_log.
 */
#include "athar.h"

#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/jsonb.h"

#include "definition.h"
#include "entry.h"
#include "amendment.h"

/* command: the command's tag, or NULL where it is not known. */
void
athar_amendment_begin(athar_amendment *amendment, const char *command)
{
	initStringInfo(&amendment->before);
	initStringInfo(&amendment->after);
	amendment->is_empty = true;
	if (command)
	{
		appendStringInfoString(&amendment->after, "\"command\":");
		escape_json(&amendment->after, command);
	}
}

static void
append_name(StringInfo text, const char *name)
{
	if (text->len > 0)
		appendStringInfoChar(text, ',');
	escape_json(text, name);
	appendStringInfoChar(text, ':');
}

static void
append_text(StringInfo text, const char *name, const char *value)
{
	if (value == NULL)
		return;
	append_name(text, name);
	escape_json(text, value);
}

/* A member with one text, NULL where it has none. */
void
athar_amendment_text(athar_amendment *amendment, const char *name,
					 const char *was, const char *now)
{
	if (was == now || (was && now && strcmp(was, now) == 0))
		return;
	append_text(&amendment->before, name, was);
	append_text(&amendment->after, name, now);
	amendment->is_empty = false;
}

/* A choice that was made now. */
void
athar_amendment_flag(athar_amendment *amendment, const char *name, bool now)
{
	append_name(&amendment->after, name);
	appendStringInfoString(&amendment->after, now ? "true" : "false");
	amendment->is_empty = false;
}

/* A member with names, before or after. */
void
athar_amendment_names(athar_amendment *amendment, const char *name,
					  bool is_after, List *names)
{
	StringInfo text = is_after ? &amendment->after : &amendment->before;
	ListCell   *cell;

	append_name(text, name);
	appendStringInfoChar(text, '[');
	foreach(cell, names)
	{
		if (foreach_current_index(cell) > 0)
			appendStringInfoChar(text, ',');
		escape_json(text, lfirst(cell));
	}
	appendStringInfoChar(text, ']');
	amendment->is_empty = false;
}

static void
append_pairs(StringInfo text, const char *name, List *pairs)
{
	ListCell   *cell;

	if (pairs == NIL)
		return;
	append_name(text, name);
	appendStringInfoChar(text, '{');
	foreach(cell, pairs)
	{
		List	   *pair = lfirst(cell);

		if (foreach_current_index(cell) > 0)
			appendStringInfoChar(text, ',');
		escape_json(text, linitial(pair));
		appendStringInfoChar(text, ':');
		escape_json(text, lsecond(pair));
	}
	appendStringInfoChar(text, '}');
}

/* A member with names and what belongs to each: lists of two texts. */
void
athar_amendment_pairs(athar_amendment *amendment, const char *name,
					  List *was, List *now)
{
	append_pairs(&amendment->before, name, was);
	append_pairs(&amendment->after, name, now);
	amendment->is_empty &= was == NIL && now == NIL;
}

static bool
is_same_field(const athar_field *a, const athar_field *b)
{
	return a && b && strcmp(a->name, b->name) == 0 &&
		strcmp(a->type, b->type) == 0;
}

/* What is in one list of columns, and not alike in the other. */
static List *
differing(List *fields, List *others)
{
	List	   *pairs = NIL;
	ListCell   *cell;

	foreach(cell, fields)
	{
		athar_field *field = lfirst(cell);

		if (!is_same_field(field, athar_definition_numbered(others,
															field->number)))
			pairs = lappend(pairs, list_make2(field->name, field->type));
	}
	return pairs;
}

static List *
renamed(List *was, List *now)
{
	List	   *pairs = NIL;
	ListCell   *cell;

	foreach(cell, was)
	{
		athar_field *field = lfirst(cell);
		athar_field *today = athar_definition_numbered(now, field->number);

		if (today && strcmp(field->name, today->name) != 0)
			pairs = lappend(pairs, list_make2(field->name, today->name));
	}
	return pairs;
}

static List *
key_of(List *fields)
{
	List	   *names = NIL;
	ListCell   *cell;

	foreach(cell, fields)
	{
		athar_field *field = lfirst(cell);

		if (field->is_key)
			names = lappend(names, field->name);
	}
	return names;
}

static bool
has_same_key(List *a, List *b)
{
	ListCell   *cell;

	if (list_length(key_of(a)) != list_length(key_of(b)))
		return false;
	foreach(cell, a)
	{
		athar_field *field = lfirst(cell);
		athar_field *other = athar_definition_numbered(b, field->number);

		if (field->is_key && (other == NULL || !other->is_key))
			return false;
	}
	return true;
}

/* The members about columns; a list is NIL where there is no such side. */
void
athar_amendment_fields(athar_amendment *amendment, List *was, List *now)
{
	athar_amendment_pairs(amendment, "columns", differing(was, now),
						  differing(now, was));
	athar_amendment_pairs(amendment, "renamed", NIL, renamed(was, now));
	if (has_same_key(was, now))
		return;
	if (was != NIL)
		athar_amendment_names(amendment, "key", false, key_of(was));
	if (now != NIL)
		athar_amendment_names(amendment, "key", true, key_of(now));
}

static Jsonb *
object_of(StringInfo members)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in,
											  CStringGetDatum(psprintf("{%s}", members->data))));
}

/* Write the entry, unless nothing changed. */
void
athar_amendment_write(athar_amendment *amendment, int32 table_id)
{
	StringInfoData none;

	if (amendment->is_empty)
		return;
	initStringInfo(&none);
	athar_entry_write(table_id, 'S', object_of(&none),
					  amendment->before.len ?
					  object_of(&amendment->before) : NULL,
					  amendment->after.len ?
					  object_of(&amendment->after) : NULL);
}
