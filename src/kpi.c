/*
 * kpi.c
 *	  Observations: the way in, and the queue of days to be summarised again.
 *
 * Applications know codes, the table holds ids.  One row may come through a
 * function or through a view, in bulk through COPY, so both entrances end in
 * observe(), with two plans kept for the session: one finds the ids, one
 * inserts.  An SQL function would be planned again for every row.
 *
 * Summaries are not kept up to date by the writer: that locks the row of
 * today for everybody, and no deletion can be taken out of a maximum.  A
 * statement only queues the days it touched; refresh_measurements() rebuilds
 * those from the observations, and readers do so on the fly until then.  The
 * queue may hold a day many times over, and a day that was queued by a
 * statement that changed nothing is rebuilt for nothing.
 */
#include "athar.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "pgtime.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

#include "error.h"
#include "catalog.h"
#include "statement.h"
#include "day.h"
#include "queue.h"
#include "kpi.h"

/* Sums of values up to this size stay finite. */
#define LARGEST_VALUE 1e150
/* Quotients of values between this and LARGEST_VALUE stay finite. */
#define SMALLEST_DENOMINATOR 1e-150

/* The columns of the view observations, and record_observation's arguments. */
enum
{
	OBS_KPI,
	OBS_VALUE,
	OBS_OBSERVED_AT,
	OBS_SERVICE,
	OBS_CHANNEL,
	OBS_STAGE,
	OBS_DENOMINATOR,
	OBS_COLUMNS
};

typedef struct Observation
{
	Datum		values[OBS_COLUMNS];
	bool		nulls[OBS_COLUMNS];
} Observation;

/* The columns of find_codes: what the codes stand for. */
enum
{
	FOUND_KPI,
	FOUND_SERVICE,
	FOUND_CHANNEL,
	FOUND_STAGE,
	FOUND_KIND
};

static athar_statement find_codes = {
	.text = "SELECT k.id, s.id, c.id, t.id, k.kind"
	" FROM (VALUES (1)) AS one"
	" LEFT JOIN athar.kpi AS k ON k.code = $1"
	" LEFT JOIN athar.service AS s ON s.code = $2"
	" LEFT JOIN athar.channel AS c ON c.code = $3"
	" LEFT JOIN athar.stage AS t ON t.service_id = s.id AND t.code = $4",
	.expected = SPI_OK_SELECT,.count = 4,
	.types = {TEXTOID, TEXTOID, TEXTOID, TEXTOID}
};

static athar_statement insert_observation = {
	.text = "INSERT INTO athar.observation"
	" (kpi_id, service_id, channel_id, stage_id, value, denominator, observed_at)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
	.expected = SPI_OK_INSERT_RETURNING,.count = 7,
	.types = {INT4OID, INT4OID, INT4OID, INT4OID, FLOAT8OID, FLOAT8OID, TIMESTAMPTZOID}
};

static athar_statement queue_truncated = {
	.text = "INSERT INTO athar.dirty_bucket"
	" (kpi_id, service_id, channel_id, stage_id, day)"
	" SELECT m.kpi_id, m.service_id, m.channel_id, m.stage_id, lower(m.period)"
	" FROM athar.measurement AS m WHERE m.origin = 'observed'",
	.expected = SPI_OK_INSERT
};

static athar_statement read_zone = {
	.text = "SELECT k.time_zone FROM athar.kpi AS k"
	" WHERE k.id OPERATOR(pg_catalog.=) $1",
	.expected = SPI_OK_SELECT,.count = 1,.types = {INT4OID}
};

/* The columns of observation that tell of a series, and a day of it. */
enum
{
	OBSERVATION_KPI,
	OBSERVATION_SERVICE,
	OBSERVATION_CHANNEL,
	OBSERVATION_STAGE,
	OBSERVATION_AT,
	OBSERVATION_VALUE,
	OBSERVATION_DENOMINATOR,
	OBSERVATION_COLUMNS
};

static const char *const observation_names[OBSERVATION_COLUMNS] = {
	"kpi_id", "service_id", "channel_id", "stage_id", "observed_at", "value",
	"denominator"
};

/* The days of a KPI's zone. */
typedef struct kpi_days
{
	int32		id;				/* the key */
	bool		is_valid;
	athar_days	days;
} kpi_days;

static HTAB *zones;
static kpi_days *last_zone;
static Oid	kpi_table;

static char *time_zone_setting = NULL;

static const char *
text_of(const Observation *observation, int column)
{
	return TextDatumGetCString(observation->values[column]);
}

static void
check_present(const Observation *observation)
{
	if (observation->nulls[OBS_KPI])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an observation needs a KPI"),
				 errdetail("Nothing was recorded."),
				 errhint("Give the code of the KPI that the value belongs to.")));
	if (observation->nulls[OBS_VALUE])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an observation of KPI \"%s\" needs a value",
						text_of(observation, OBS_KPI)),
				 errdetail("Nothing was recorded."),
				 errhint("Leave out what was not observed.")));
}

static void
check_value(const Observation *observation)
{
	double		value = DatumGetFloat8(observation->values[OBS_VALUE]);

	if (!isfinite(value) || fabs(value) > LARGEST_VALUE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("value %s of KPI \"%s\" is out of range",
						float8out_internal(value), text_of(observation, OBS_KPI)),
				 errdetail("A value is a finite number of at most 1e150 in size; any other would spoil every figure it enters."),
				 errhint("Leave out what was not observed.")));
}

static void
check_denominator(const Observation *observation)
{
	double		denominator;

	if (observation->nulls[OBS_DENOMINATOR])
		return;
	denominator = DatumGetFloat8(observation->values[OBS_DENOMINATOR]);
	if (!isfinite(denominator) || fabs(denominator) > LARGEST_VALUE)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("denominator %s of KPI \"%s\" is out of range",
						float8out_internal(denominator),
						text_of(observation, OBS_KPI)),
				 errdetail("A denominator is a finite number of at most 1e150 in size."),
				 errhint("Leave out what was not observed.")));
	if (denominator < SMALLEST_DENOMINATOR)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("denominator %s of KPI \"%s\" is not above zero",
						float8out_internal(denominator),
						text_of(observation, OBS_KPI)),
				 errdetail("A ratio over nothing is not a figure."),
				 errhint("Leave out observations that have no denominator.")));
}

/* Days at the ends of the server's range have no neighbours to compute with. */
static void
check_time(const Observation *observation)
{
	TimestampTz at = DatumGetTimestampTz(observation->values[OBS_OBSERVED_AT]);

	if (!observation->nulls[OBS_OBSERVED_AT] &&
		(at < ATHAR_FIRST_INSTANT || at >= ATHAR_END_OF_TIME))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an observation of KPI \"%s\" needs a time of the years 1 to 9999",
						text_of(observation, OBS_KPI)),
				 errdetail("No day could be told for any other."),
				 errhint("Give the time at which it was observed, or none for now.")));
}

static void
check_stage_has_service(const Observation *observation)
{
	if (!observation->nulls[OBS_STAGE] && observation->nulls[OBS_SERVICE])
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("stage \"%s\" is given without its service",
						text_of(observation, OBS_STAGE)),
				 errdetail("A stage is known within its service only."),
				 errhint("Give the code of the service too.")));
}

/* Check what the KPI's kind asks of its values. */
static void
check_kind(const Observation *observation, const char *kind)
{
	if (!observation->nulls[OBS_DENOMINATOR] && strcmp(kind, "ratio") != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("KPI \"%s\" takes no denominator",
						text_of(observation, OBS_KPI)),
				 errdetail("Its kind is %s.", kind),
				 errhint("Leave the denominator out, or define a KPI of kind ratio.")));
	if (DatumGetFloat8(observation->values[OBS_VALUE]) < 0 &&
		strcmp(kind, "share_within") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("duration %s of KPI \"%s\" is negative",
						float8out_internal(DatumGetFloat8(observation->values[OBS_VALUE])),
						text_of(observation, OBS_KPI)),
				 errdetail("It would count as within the limit."),
				 errhint("Values are seconds from begin to end; check their order.")));
}

static void
missing(const char *kind, const char *code, const char *remedy)
{
	(void) DirectFunctionCall3(athar_missing,
							   CStringGetTextDatum(kind),
							   CStringGetTextDatum(code),
							   CStringGetTextDatum(remedy));
}

/* Complain about the first code that stands for nothing. */
static void
check_found(const Observation *observation, const bool *found_null)
{
	if (found_null[FOUND_KPI])
		missing("KPI", text_of(observation, OBS_KPI), "define_kpi()");
	if (found_null[FOUND_SERVICE] && !observation->nulls[OBS_SERVICE])
		missing("service", text_of(observation, OBS_SERVICE), "define_service()");
	if (found_null[FOUND_CHANNEL] && !observation->nulls[OBS_CHANNEL])
		missing("channel", text_of(observation, OBS_CHANNEL), "define_channel()");
	if (found_null[FOUND_STAGE] && !observation->nulls[OBS_STAGE])
		missing("stage",
				psprintf("%s\" of service \"%s", text_of(observation, OBS_STAGE),
						 text_of(observation, OBS_SERVICE)),
				"define_stage()");
}

/* Find the ids that the codes stand for, and check what the KPI asks. */
static void
find(const Observation *observation, Datum *ids, bool *id_nulls)
{
	static const int columns[] = {OBS_KPI, OBS_SERVICE, OBS_CHANNEL, OBS_STAGE};
	Datum		codes[lengthof(columns)];
	char		nulls[lengthof(columns) + 1] = {0};

	for (int i = 0; i < lengthof(columns); i++)
	{
		codes[i] = observation->values[columns[i]];
		nulls[i] = observation->nulls[columns[i]] ? 'n' : ' ';
	}
	athar_statement_run(&find_codes, codes, nulls);
	for (int i = FOUND_KPI; i <= FOUND_STAGE; i++)
		ids[i] = athar_statement_found(0, i + 1, &id_nulls[i]);
	check_found(observation, id_nulls);
	check_kind(observation,
			   SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
							FOUND_KIND + 1));
}

/* Record one observation, and return its id. */
static int64
observe(Observation *observation)
{
	Datum		values[7];
	bool		id_nulls[FOUND_STAGE + 1];
	char		nulls[lengthof(values) + 1] = "       ";
	bool		isnull;
	int64		id;

	check_present(observation);
	check_value(observation);
	check_denominator(observation);
	check_time(observation);
	check_stage_has_service(observation);

	if (observation->nulls[OBS_OBSERVED_AT])
	{
		observation->values[OBS_OBSERVED_AT] =
			TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
		observation->nulls[OBS_OBSERVED_AT] = false;
	}

	SPI_connect();
	find(observation, values, id_nulls);
	for (int i = FOUND_KPI; i <= FOUND_STAGE; i++)
		nulls[i] = id_nulls[i] ? 'n' : ' ';
	values[4] = observation->values[OBS_VALUE];
	values[5] = observation->values[OBS_DENOMINATOR];
	nulls[5] = observation->nulls[OBS_DENOMINATOR] ? 'n' : ' ';
	values[6] = observation->values[OBS_OBSERVED_AT];
	athar_statement_run(&insert_observation, values, nulls);
	id = DatumGetInt64(athar_statement_found(0, 1, &isnull));
	SPI_finish();
	return id;
}

/* Record one observation by its codes. */
PG_FUNCTION_INFO_V1(athar_record_observation);
Datum
athar_record_observation(PG_FUNCTION_ARGS)
{
	Observation observation;

	for (int i = 0; i < OBS_COLUMNS; i++)
	{
		observation.values[i] = PG_GETARG_DATUM(i);
		observation.nulls[i] = PG_ARGISNULL(i);
	}
	PG_RETURN_INT64(observe(&observation));
}

/* Record a row of the view observations; refuse to change one there. */
PG_FUNCTION_INFO_V1(athar_write_observations);
Datum
athar_write_observations(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Observation observation;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_INSTEAD(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("write_observations: must be fired instead of a change of the view, for each row")));
	if (!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("observations cannot be changed or deleted through this view"),
				 errdetail("The view only takes new observations in."),
				 errhint("Whoever owns the table athar.observation can correct or delete rows there; every figure follows.")));

	heap_deform_tuple(trigdata->tg_trigtuple,
					  RelationGetDescr(trigdata->tg_relation),
					  observation.values, observation.nulls);
	(void) observe(&observation);
	return PointerGetDatum(heap_form_tuple(RelationGetDescr(trigdata->tg_relation),
										   observation.values,
										   observation.nulls));
}

/*
 * The queue
 */

static void
forget_zones(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	kpi_days   *zone;

	if (zones == NULL || (OidIsValid(relid) && relid != kpi_table))
		return;
	last_zone = NULL;
	hash_seq_init(&status, zones);
	while ((zone = hash_seq_search(&status)) != NULL)
		zone->is_valid = false;
}

static void
find_zone(kpi_days *zone)
{
	Datum		id = Int32GetDatum(zone->id);
	athar_owner_state state;

	kpi_table = athar_catalog_oid(ATHAR_KPI);
	zone->is_valid = true;
	SPI_connect();
	athar_catalog_become_owner(kpi_table, &state);
	athar_day_begin(&zone->days,
					athar_statement_run(&read_zone, &id, NULL) == 0 ? "UTC" :
					SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
								 1));
	athar_catalog_resign(&state);
	SPI_finish();
}

/*
 * The days of a KPI.  Who changes its zone waits for whoever records a figure,
 * and that is heard of here.
 */
static athar_days *
days_of(int32 kpi)
{
	bool		found;
	kpi_days   *zone;

	AcceptInvalidationMessages();
	if (last_zone && last_zone->id == kpi)
		return &last_zone->days;
	if (zones == NULL)
	{
		HASHCTL		control = {
			.keysize = sizeof(int32),
			.entrysize = sizeof(kpi_days)
		};

		zones = hash_create("athar time zones of KPIs", 64, &control,
							HASH_ELEM | HASH_BLOBS);
	}
	zone = hash_search(zones, &kpi, HASH_ENTER, &found);
	if (!found || !zone->is_valid)
	{
		zone->is_valid = false;
		find_zone(zone);
	}
	if (zone->is_valid)
		last_zone = zone;
	return &zone->days;
}

static void
get_columns(TupleTableSlot *slot, Datum *values, bool *nulls)
{
	static AttrNumber numbers[OBSERVATION_COLUMNS];

	for (int i = 0; i < OBSERVATION_COLUMNS; i++)
	{
		/* the columns of a member table keep their numbers */
		if (numbers[i] == 0)
			numbers[i] = SPI_fnumber(slot->tts_tupleDescriptor,
									 observation_names[i]);
		values[i] = slot_getattr(slot, numbers[i], &nulls[i]);
	}
}

static void
queue_observation(const Datum *values, const bool *nulls)
{
	int32		parts[] = {
		DatumGetInt32(values[OBSERVATION_SERVICE]),
		DatumGetInt32(values[OBSERVATION_CHANNEL]),
		DatumGetInt32(values[OBSERVATION_STAGE])
	};
	int32		kpi = DatumGetInt32(values[OBSERVATION_KPI]);
	TimestampTz at = DatumGetTimestampTz(values[OBSERVATION_AT]);

	athar_queue_add_series(kpi, parts, nulls + OBSERVATION_SERVICE,
						   athar_day_of(days_of(kpi), at));
}

/* Do two versions of a row differ in what becomes a figure? */
static bool
differs(const Datum *old, const bool *old_nulls, const Datum *new,
		const bool *new_nulls)
{
	for (int i = 0; i < OBSERVATION_COLUMNS; i++)
	{
		if (old_nulls[i] != new_nulls[i] ||
			(!new_nulls[i] && old[i] != new[i]))
			return true;
	}
	return false;
}

static void
queue_row(TriggerData *trigger)
{
	Datum		old[OBSERVATION_COLUMNS];
	bool		old_nulls[OBSERVATION_COLUMNS];
	Datum		new[OBSERVATION_COLUMNS];
	bool		new_nulls[OBSERVATION_COLUMNS];

	get_columns(trigger->tg_trigslot, old, old_nulls);
	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
	{
		queue_observation(old, old_nulls);
		return;
	}
	get_columns(trigger->tg_newslot, new, new_nulls);
	if (differs(old, old_nulls, new, new_nulls))
	{
		queue_observation(old, old_nulls);
		queue_observation(new, new_nulls);
	}
}

static void
queue_all(TriggerData *trigger)
{
	athar_owner_state state;

	athar_catalog_become_owner(RelationGetRelid(trigger->tg_relation),
							   &state);
	SPI_connect();
	athar_statement_run(&queue_truncated, NULL, NULL);
	SPI_finish();
	athar_catalog_resign(&state);
}

/*
 * Queue the days that a change of observations touched.  A dump brings its own
 * queue: the session's search_path tells that it is being restored.
 */
PG_FUNCTION_INFO_V1(athar_queue_dirty_buckets);
Datum
athar_queue_dirty_buckets(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		!TRIGGER_FIRED_AFTER(trigger->tg_event) ||
		TRIGGER_FIRED_FOR_ROW(trigger->tg_event) ==
		TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("queue_dirty_buckets: must be fired after a change of a row, or after TRUNCATE")));
	if (TRIGGER_FIRED_BY_INSERT(trigger->tg_event) &&
		athar_catalog_is_restore())
		return PointerGetDatum(NULL);
	if (TRIGGER_FIRED_BY_TRUNCATE(trigger->tg_event))
		queue_all(trigger);
	else
		queue_row(trigger);
	return PointerGetDatum(NULL);
}

/* A zone that the server knows; define_kpi() is stricter about its spelling. */
static bool
check_time_zone(char **newval, void **extra, GucSource source)
{
	pg_tz	   *zone = pg_tzset(*newval);

	if (zone != NULL && pg_tz_acceptable(zone))
		return true;
	GUC_check_errdetail("The server knows no time zone \"%s\".", *newval);
	GUC_check_errhint("Use a name from pg_timezone_names, such as UTC or Asia/Riyadh.");
	return false;
}

void
athar_kpi_init(void)
{
	CacheRegisterRelcacheCallback(forget_zones, (Datum) 0);
	DefineCustomStringVariable("athar.time_zone",
							   "Time zone in which the days of a new KPI are cut.",
							   "A KPI keeps the zone with which it was defined.",
							   &time_zone_setting,
							   "UTC",
							   PGC_USERSET,
							   0,
							   check_time_zone, NULL, NULL);
}
