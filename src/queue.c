/*
 * queue.c
 *	  The queue of days whose summaries must be rebuilt.
 *
 * A writer says which day of which series it touched, and no more: whoever
 * refreshes reads the rows again, so what comes late, is changed or goes away
 * is right without any arithmetic that could not be undone.  Nobody waits for
 * anybody, because the queue is only added to.
 *
 * A transaction adds each day once, whatever it does to it: all of its rows
 * become visible together.  What it has added is remembered until it ends, a
 * savepoint is rolled back, or it refreshes itself.  Forgetting is harmless: a
 * day that stands twice in the queue is rebuilt once.
 */
#include "athar.h"

#include "access/xact.h"
#include "common/hashfn.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "catalog.h"
#include "queue.h"

/* More than this is forgotten, and added once more. */
#define MOST_DAYS 200000
#define MOST_SERVICES 10000

#define PARTS 3

/* Bytes of a service's code; longer ones are not remembered that fast. */
#define LONGEST_SERVICE 256

/* One day of a series: of observations by ids, of a source by a number. */
typedef struct queued_day
{
	int32		kpi;			/* 0 for a source */
	int32		source;			/* 0 for observations */
	int32		parts[PARTS];	/* ids of service, channel and stage, 0 for
								 * none; or the number of the service */
	DateADT		day;
} queued_day;

/* The services of sources have numbers while the transaction lasts. */
typedef struct numbered_service
{
	uint32		hash;
	int32		number;
	int			length;
	char	   *name;
	struct numbered_service *next;
} numbered_service;

#define SERVICE_LISTS 256

typedef struct queue_memory
{
	MemoryContext context;
	HTAB	   *days;			/* queued_day; made with the second one */
	numbered_service *lists[SERVICE_LISTS];
	int			services;
	numbered_service *service;	/* the last one */
} queue_memory;

static queue_memory *memory;
static queued_day last;			/* the last one added, if there is any */
static bool has_last;

/* The first service of the transaction, mostly the only one: number 1. */
static char first_service[LONGEST_SERVICE];
static int	first_length;		/* 0: none yet */

/* Forget what was added. */
void
athar_queue_taken(void)
{
	if (memory)
		MemoryContextDelete(memory->context);
	memory = NULL;
	has_last = false;
	first_length = 0;
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_PREPARE:
		case XACT_EVENT_ABORT:
			memory = NULL;		/* it goes with the transaction's memory */
			has_last = false;
			first_length = 0;
			break;
		default:
			break;
	}
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		athar_queue_taken();
}

void
athar_queue_init(void)
{
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

static void
begin_memory(void)
{
	MemoryContext context = AllocSetContextCreate(TopTransactionContext,
												  "athar days queued",
												  ALLOCSET_DEFAULT_SIZES);

	memory = MemoryContextAllocZero(context, sizeof(queue_memory));
	memory->context = context;
}

static void
begin_days(void)
{
	HASHCTL		control = {
		.keysize = sizeof(queued_day),
		.entrysize = sizeof(queued_day)
	};

	if (memory == NULL)
		begin_memory();
	control.hcxt = memory->context;
	memory->days = hash_create("athar days queued", 256, &control,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	(void) hash_search(memory->days, &last, HASH_ENTER, NULL);
}

/*
 * Is it new to this transaction?  Most transactions touch one day, for which
 * no hash table is worth making.
 */
static bool
is_new(const queued_day *day)
{
	bool		found;

	if (!has_last)
	{
		last = *day;
		has_last = true;
		return true;
	}
	if (memcmp(&last, day, sizeof(queued_day)) == 0)
		return false;
	if (memory && memory->days &&
		hash_get_num_entries(memory->days) >= MOST_DAYS)
	{
		/* not the numbers of services, which this day has */
		hash_destroy(memory->days);
		memory->days = NULL;
	}
	if (memory == NULL || memory->days == NULL)
		begin_days();
	(void) hash_search(memory->days, day, HASH_ENTER, &found);
	last = *day;
	return !found;
}

/* Queue a day of observations; the parts are service, channel and stage. */
void
athar_queue_add_series(int32 kpi, const int32 *parts, const bool *nulls,
					   DateADT day)
{
	queued_day	one;
	Datum		values[2 + PARTS];
	bool		is_null[2 + PARTS] = {false};

	memset(&one, 0, sizeof(one));
	one.kpi = kpi;
	one.day = day;
	for (int i = 0; i < PARTS; i++)
		one.parts[i] = nulls[i] ? 0 : parts[i];
	if (!is_new(&one))
		return;
	values[0] = Int32GetDatum(kpi);
	for (int i = 0; i < PARTS; i++)
	{
		values[1 + i] = Int32GetDatum(parts[i]);
		is_null[1 + i] = nulls[i];
	}
	values[1 + PARTS] = DateADTGetDatum(day);
	athar_catalog_append(ATHAR_DIRTY_BUCKET, values, is_null);
}

static bool
is_service(const numbered_service *service, const char *name, int length)
{
	return service->length == length &&
		memcmp(service->name, name, length) == 0;
}

static int32
number_of(const char *name, int length)
{
	uint32		hash;
	numbered_service *service;

	if (length == 0)
		return 0;
	if (first_length == 0 && length <= LONGEST_SERVICE)
	{
		memcpy(first_service, name, length);
		first_length = length;
	}
	if (length == first_length && memcmp(name, first_service, length) == 0)
		return 1;
	if (memory == NULL)
		begin_memory();
	if (memory->service && is_service(memory->service, name, length))
		return memory->service->number;
	hash = hash_bytes((const unsigned char *) name, length);
	for (service = memory->lists[hash % SERVICE_LISTS]; service;
		 service = service->next)
	{
		if (service->hash == hash && is_service(service, name, length))
			break;
	}
	if (service == NULL)
	{
		if (memory->services >= MOST_SERVICES)
		{
			athar_queue_taken();
			return number_of(name, length);
		}
		service = MemoryContextAlloc(memory->context,
									 sizeof(numbered_service) + length);
		service->hash = hash;
		service->number = 1 + ++memory->services;
		service->length = length;
		service->name = (char *) (service + 1);
		memcpy(service->name, name, length);
		service->next = memory->lists[hash % SERVICE_LISTS];
		memory->lists[hash % SERVICE_LISTS] = service;
	}
	memory->service = service;
	return service->number;
}

/* Queue a day of a source; the service is as its table has it. */
void
athar_queue_add_source(int32 source, const char *service, int length, DateADT day)
{
	queued_day	one;
	Datum		values[3];
	bool		nulls[3] = {false};

	memset(&one, 0, sizeof(one));
	one.source = source;
	one.parts[0] = number_of(service, length);
	one.day = day;
	if (!is_new(&one))
		return;
	values[0] = Int32GetDatum(source);
	values[1] = PointerGetDatum(cstring_to_text_with_len(service, length));
	values[2] = DateADTGetDatum(day);
	athar_catalog_append(ATHAR_DIRTY_SOURCE, values, nulls);
	pfree(DatumGetPointer(values[1]));
}

/* Queue all there is of a source. */
void
athar_queue_everything(int32 source)
{
	athar_queue_add_source(source, "", 0, ATHAR_EVERY_DAY);
}
