/*
 * unseen.c
 *	  The queue of figures that record_events() has not looked at.
 *
 * There may be many more series than have something new between one look and
 * the next.  So whoever changes a figure says which series or goal it belongs
 * to, and a definition on which figures depend says that all are to be looked
 * at.  Nobody waits for anybody, because the queue is only added to; what
 * stands in it twice is looked at once.
 */
#include "athar.h"

#include "commands/trigger.h"
#include "executor/spi.h"
#include "utils/rel.h"

#include "catalog.h"

/* The columns of unseen_figure; the integers come first. */
#define UNSEEN_COLUMNS 4
#define UNSEEN_KEYS 3

typedef struct unseen_figure
{
	Datum		values[UNSEEN_COLUMNS];
	bool		nulls[UNSEEN_COLUMNS];
} unseen_figure;

/* What a row is about, by the columns that the trigger's arguments name. */
static void
read_row(Trigger *trigger, TupleDesc descriptor, HeapTuple row,
		 unseen_figure *figure)
{
	for (int i = 0; i < UNSEEN_COLUMNS; i++)
	{
		const char *name = trigger->tgargs[i];

		figure->values[i] = (Datum) 0;
		figure->nulls[i] = true;
		if (*name != '\0')
			figure->values[i] = SPI_getbinval(row, descriptor,
											  SPI_fnumber(descriptor, name),
											  &figure->nulls[i]);
	}
}

static bool
is_same(const unseen_figure *a, const unseen_figure *b)
{
	for (int i = 0; i < UNSEEN_KEYS; i++)
	{
		if (a->nulls[i] != b->nulls[i] ||
			(!a->nulls[i] &&
			 DatumGetInt32(a->values[i]) != DatumGetInt32(b->values[i])))
			return false;
	}
	return true;
}

/* Queue what a changed row is about: both, where it went to another series. */
PG_FUNCTION_INFO_V1(athar_queue_unseen);
Datum
athar_queue_unseen(PG_FUNCTION_ARGS)
{
	TriggerData *data = (TriggerData *) fcinfo->context;
	TupleDesc	descriptor;
	unseen_figure before;
	unseen_figure after;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(data->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(data->tg_event) ||
		data->tg_trigger->tgnargs != UNSEEN_COLUMNS)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("queue_unseen: must be fired after a change of a row, with %d arguments",
						UNSEEN_COLUMNS)));
	if (TRIGGER_FIRED_BY_INSERT(data->tg_event) && athar_catalog_is_restore())
		return PointerGetDatum(NULL);
	descriptor = RelationGetDescr(data->tg_relation);
	read_row(data->tg_trigger, descriptor, data->tg_trigtuple, &before);
	after = before;
	if (TRIGGER_FIRED_BY_UPDATE(data->tg_event))
		read_row(data->tg_trigger, descriptor, data->tg_newtuple, &after);
	athar_catalog_append(ATHAR_UNSEEN_FIGURE, after.values, after.nulls);
	if (!is_same(&before, &after))
		athar_catalog_append(ATHAR_UNSEEN_FIGURE, before.values, before.nulls);
	return PointerGetDatum(NULL);
}
