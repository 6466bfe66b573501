/*
 * collect.c
 *	  Rows of a source on their way to daily figures.
 *
 * The executor hands its slots over one by one, so no row is copied.  Rows of
 * one day come as they are and are grouped by channel and stage; rows of many
 * days come sorted, and are returned where the next day begins.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/tuptable.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "summary.h"
#include "collect.h"

/* The least denominator of which quotients stay finite. */
#define SMALLEST_DENOMINATOR 1e-150

/* The columns of source_figures(). */
enum
{
	FIGURE_SERVICE,
	FIGURE_DAY,
	FIGURE_CHANNEL,
	FIGURE_STAGE,
	FIGURE_N,
	FIGURE_SUMMARY,
	FIGURE_NUMERATOR,
	FIGURE_DENOMINATOR,
	FIGURE_LEFT_OUT,
	FIGURE_COLUMNS
};

/* The rows of one channel and stage on one day. */
struct athar_row_group
{
	athar_row_group *next;
	uint32		hash;
	char	   *channel;
	char	   *stage;
	SummaryState *state;		/* NULL for a ratio with denominators */
	int64		n;
	int64		left_out;
	double		sum;
	double		denominators;
};

static bool
has(athar_collector *into, athar_source_part part)
{
	return into->columns->part[part].attnum != 0;
}

static void
return_group(athar_collector *into, athar_row_group *group)
{
	Datum		values[FIGURE_COLUMNS] = {0};
	bool		nulls[FIGURE_COLUMNS] = {false};
	bool		is_ratio = strcmp(into->source->kind, "ratio") == 0;

	values[FIGURE_SERVICE] = CStringGetTextDatum(into->service);
	values[FIGURE_DAY] = DateADTGetDatum(into->day);
	values[FIGURE_CHANNEL] = CStringGetTextDatum(group->channel);
	values[FIGURE_STAGE] = CStringGetTextDatum(group->stage);
	values[FIGURE_N] = Int64GetDatum(group->n);
	nulls[FIGURE_SUMMARY] = group->state == NULL || group->n == 0;
	if (!nulls[FIGURE_SUMMARY])
		values[FIGURE_SUMMARY] =
			PointerGetDatum(athar_summary_finish(group->state));
	nulls[FIGURE_NUMERATOR] = nulls[FIGURE_DENOMINATOR] =
		!is_ratio || group->n == 0;
	values[FIGURE_NUMERATOR] = Float8GetDatum(group->sum);
	values[FIGURE_DENOMINATOR] = Float8GetDatum(group->denominators);
	values[FIGURE_LEFT_OUT] = Int64GetDatum(group->left_out);
	tuplestore_putvalues(into->result->setResult, into->result->setDesc,
						 values, nulls);
}

/* Return the groups of the present day, and forget them. */
void
athar_collect_return(athar_collector *into)
{
	MemoryContext old = MemoryContextSwitchTo(into->context);

	for (int i = 0; i < COLLECTOR_LISTS; i++)
	{
		for (athar_row_group *group = into->lists[i]; group; group = group->next)
			return_group(into, group);
		into->lists[i] = NULL;
	}
	into->last = NULL;
	into->service = NULL;
	MemoryContextSwitchTo(old);
	MemoryContextReset(into->context);
}

static bool
is_text(const char *kept, const char *text, int length)
{
	return strlen(kept) == length && memcmp(kept, text, length) == 0;
}

static bool
is_group(const athar_row_group *group, const char *channel, int channel_length,
		 const char *stage, int stage_length)
{
	return is_text(group->channel, channel, channel_length) &&
		is_text(group->stage, stage, stage_length);
}

static athar_row_group *
find_group(athar_collector *into, const char *channel, int channel_length,
		   const char *stage, int stage_length)
{
	athar_row_group *group = into->last;
	uint32		hash;
	MemoryContext old;

	if (group && is_group(group, channel, channel_length, stage, stage_length))
		return group;
	hash = hash_bytes((const unsigned char *) channel, channel_length) +
		31 * hash_bytes((const unsigned char *) stage, stage_length);
	for (group = into->lists[hash % COLLECTOR_LISTS]; group; group = group->next)
	{
		if (group->hash == hash &&
			is_group(group, channel, channel_length, stage, stage_length))
			return into->last = group;
	}
	old = MemoryContextSwitchTo(into->context);
	group = palloc0(sizeof(athar_row_group));
	group->hash = hash;
	group->channel = pnstrdup(channel, channel_length);
	group->stage = pnstrdup(stage, stage_length);
	if (!has(into, SOURCE_DENOMINATOR))
		group->state = athar_summary_begin(into->context);
	group->next = into->lists[hash % COLLECTOR_LISTS];
	into->lists[hash % COLLECTOR_LISTS] = group;
	MemoryContextSwitchTo(old);
	return into->last = group;
}

/* Put a row's values into its group, unless it is no figure. */
static void
add_row(athar_collector *into, athar_row_group *group, TupleTableSlot *slot)
{
	double		value = 0;
	double		denominator = 1;
	bool		is_share = strcmp(into->source->kind, "share_within") == 0;
	bool		is_figure = !slot->tts_isnull[1] &&
	athar_source_number(&into->columns->part[SOURCE_VALUE],
						slot->tts_values[1], &value) &&
	!(is_share && value < 0);

	if (has(into, SOURCE_DENOMINATOR))
		is_figure = is_figure && !slot->tts_isnull[5] &&
			athar_source_number(&into->columns->part[SOURCE_DENOMINATOR],
								slot->tts_values[5], &denominator) &&
			denominator >= SMALLEST_DENOMINATOR;
	if (!is_figure)
	{
		group->left_out++;
		return;
	}
	if (is_share)
		value = value <= into->source->limit ? 1 : 0;
	group->n++;
	group->sum += value;
	group->denominators += denominator;
	if (group->state)
		athar_summary_add(group->state, value);
}

static char *
code_in(athar_collector *into, athar_source_part part, TupleTableSlot *slot,
		int column, int *length)
{
	*length = 0;
	if (!has(into, part) || slot->tts_isnull[column])
		return "";
	return athar_source_code(&into->columns->part[part],
							 slot->tts_values[column], length);
}

/* The rows that come from here on are of this day. */
void
athar_collect_day(athar_collector *into, const char *service, int length,
				  DateADT day)
{
	into->service = MemoryContextAllocZero(into->context, length + 1);
	memcpy(into->service, service, length);
	into->day = day;
}

/* Sorted rows: the group ends where a row of another one comes. */
static void
follow_order(athar_collector *into, TupleTableSlot *slot)
{
	int			length;
	char	   *service = code_in(into, SOURCE_SERVICE, slot, 2, &length);
	DateADT		day = 0;

	(void) athar_source_day(into->source,
							&into->columns->part[SOURCE_TIME],
							slot->tts_values[0], &day);
	if (into->service && into->day == day &&
		is_text(into->service, service, length))
		return;
	if (into->service)
		athar_collect_return(into);
	athar_collect_day(into, service, length, day);
}

static bool
receive_row(TupleTableSlot *slot, DestReceiver *self)
{
	athar_collector *into = (athar_collector *) self;
	MemoryContext old = MemoryContextSwitchTo(into->row_context);
	char	   *channel;
	char	   *stage;
	int			channel_length;
	int			stage_length;

	slot_getallattrs(slot);
	if (into->is_sorted)
		follow_order(into, slot);
	channel = code_in(into, SOURCE_CHANNEL, slot, 3, &channel_length);
	stage = code_in(into, SOURCE_STAGE, slot, 4, &stage_length);
	add_row(into, find_group(into, channel, channel_length, stage,
							 stage_length), slot);
	MemoryContextSwitchTo(old);
	MemoryContextReset(into->row_context);
	return true;
}

static void
start_rows(DestReceiver *self, int operation, TupleDesc descriptor)
{
}

static void
end_rows(DestReceiver *self)
{
}

void
athar_collect_begin(athar_collector *into, athar_source *source,
					athar_source_columns *columns, ReturnSetInfo *result)
{
	memset(into, 0, sizeof(*into));
	into->receiver.receiveSlot = receive_row;
	into->receiver.rStartup = start_rows;
	into->receiver.rShutdown = end_rows;
	into->receiver.rDestroy = end_rows;
	into->receiver.mydest = DestNone;
	into->source = source;
	into->columns = columns;
	into->result = result;
	into->context = AllocSetContextCreate(CurrentMemoryContext,
										  "athar figures of a day",
										  ALLOCSET_DEFAULT_SIZES);
	into->row_context = AllocSetContextCreate(CurrentMemoryContext,
											  "athar row of a source",
											  ALLOCSET_SMALL_SIZES);
}

void
athar_collect_end(athar_collector *into)
{
	MemoryContextDelete(into->context);
	MemoryContextDelete(into->row_context);
}
