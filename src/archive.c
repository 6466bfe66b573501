/*
 * archive.c
 *	  The leaves of archived entries: kept, read, and expired.
 *
 * A row of log_archive holds the leaves of many entries, one a line, and a
 * multirange of their ids; lines and ids are in the same order.  What the
 * lines say is not believed here: whoever needs to know hashes them.  What
 * stands beside them is believed where it agrees with them.
 */
#include "athar.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "catalog.h"
#include "batch.h"
#include "archive.h"

#define ARCHIVE_COLUMNS 6
#define ROWS_AT_ONCE 16

typedef struct reading
{
	int64		low;
	int64		high;
	athar_archive_visitor visit;
	void	   *arg;
} reading;

typedef struct expiry
{
	TimestampTz before;
	athar_archive_visitor look;
	athar_archive_gone gone;
	void	   *arg;
} expiry;

static const char *const rows_text =
"SELECT a.ids, a.leaves FROM athar.log_archive AS a"
" WHERE a.ids && int8range($1, $2, '[]')";

/*
 * The rows of the archive, a, and whether they are odd: the number of their
 * leaves, or the times and the table that these name, are others than what
 * stands beside them.  The lines are cut and compared as text, because a cast
 * could fail: whose they are, hashing tells.
 */
#define AS_IN_LEAF(at) \
	"to_char(" at " AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
#define IS_ODD \
	"(f.lines, f.first_at, f.last_at, f.is_of_table) IS DISTINCT FROM" \
	" (CASE WHEN NOT lower_inf(a.ids) AND NOT upper_inf(a.ids) THEN" \
	" (SELECT sum(upper(r)::numeric - lower(r)) FROM unnest(a.ids) AS r) END," \
	" " AS_IN_LEAF("a.first_at") ", " AS_IN_LEAF("a.last_at") ", true)"
#define FROM_ROWS \
	" FROM athar.log_archive AS a CROSS JOIN LATERAL (SELECT count(*) AS lines," \
	" min(c.at COLLATE \"C\") AS first_at, max(c.at COLLATE \"C\") AS last_at," \
	" bool_and(starts_with(l.line, concat('[\"athar-leaf/1\", \"'," \
	" split_part(l.line, '\"', 4), '\"', split_part(l.line, '\"', 5), '\"'," \
	" c.at, '\"', split_part(l.line, '\"', 7)," \
	" (SELECT to_json(n.relation) FROM athar.tracked_table AS n" \
	" WHERE n.id = a.table_id), ', ')) IS TRUE) AS is_of_table" \
	" FROM string_to_table(a.leaves, E'\\n') AS l (line)" \
	" CROSS JOIN LATERAL (SELECT split_part(l.line, '\"', 6)) AS c (at)) AS f"

static const char *const odd_text =
"SELECT a.id" FROM_ROWS " WHERE " IS_ODD " ORDER BY a.id";

static const char *const archived_text =
"SELECT a.ctid, a.id, a.table_id, a.ids, a.last_at, a.leaves, " IS_ODD
FROM_ROWS " WHERE a.table_id = ANY ($1) AND a.first_at < $2";

/* A row of the archive, of which a part is to stay. */
static const char *const divide_text =
"WITH line AS MATERIALIZED (SELECT l.line, l.ordinal,"
" (l.line::jsonb ->> 2)::bigint AS id,"
" (l.line::jsonb ->> 3)::timestamptz AS at"
" FROM athar.log_archive AS a CROSS JOIN LATERAL"
" string_to_table(a.leaves, E'\\n') WITH ORDINALITY AS l (line, ordinal)"
" WHERE a.ctid = $1)"
" SELECT min(at) FILTER (WHERE at >= $2), max(at),"
" range_agg(int8range(id, id, '[]')) FILTER (WHERE at >= $2),"
" string_agg(line, E'\\n' ORDER BY ordinal) FILTER (WHERE at >= $2),"
" range_agg(int8range(id, id, '[]')) FILTER (WHERE at < $2) FROM line";

/* Cut the next line off; NULL if there is none. */
static char *
next_line(char **rest)
{
	char	   *line = *rest;
	char	   *end = line ? strchr(line, '\n') : NULL;

	if (end)
		*end = '\0';
	*rest = end ? end + 1 : NULL;
	return line;
}

static void
read_lines(const reading *what, Datum ids, Datum leaves)
{
	athar_id_range *ranges;
	int			count = athar_batch_decode(ids, 0, &ranges);
	char	   *rest = TextDatumGetCString(leaves);

	for (int i = 0; i < count; i++)
	{
		for (int64 id = ranges[i].low; id < ranges[i].high; id++)
		{
			char	   *line = next_line(&rest);

			CHECK_FOR_INTERRUPTS();
			if (line == NULL)
				return;
			if (id >= what->low && id <= what->high)
				what->visit(id, line, what->arg);
		}
	}
}

static void
read_rows(const reading *what, SPITupleTable *table, uint64 count,
		  MemoryContext context)
{
	for (uint64 i = 0; i < count; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		bool		isnull;

		read_lines(what,
				   SPI_getbinval(table->vals[i], table->tupdesc, 1, &isnull),
				   SPI_getbinval(table->vals[i], table->tupdesc, 2, &isnull));
		MemoryContextSwitchTo(old);
		MemoryContextReset(context);
	}
}

/*
 * Visit the leaves of archived entries with ids from low to high, under the
 * active snapshot and in no order; they last until the visitor returns.
 */
void
athar_archive_scan(int64 low, int64 high, athar_archive_visitor visit,
				   void *arg)
{
	reading		what = {low, high, visit, arg};
	Oid			types[2] = {INT8OID, INT8OID};
	Datum		values[2] = {Int64GetDatum(low), Int64GetDatum(high)};
	char		nulls[2] = {low == PG_INT64_MIN ? 'n' : ' ',
	high == PG_INT64_MAX ? 'n' : ' '};
	MemoryContext context;
	athar_owner_state state;
	Portal		portal;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ARCHIVE), &state);
	context = AllocSetContextCreate(CurrentMemoryContext,
									"athar archived leaves",
									ALLOCSET_DEFAULT_SIZES);
	portal = SPI_cursor_open_with_args(NULL, rows_text, 2, types, values,
									   nulls, true, 0);
	for (;;)
	{
		SPITupleTable *table;

		SPI_cursor_fetch(portal, true, ROWS_AT_ONCE);
		table = SPI_tuptable;
		if (SPI_processed == 0)
			break;
		read_rows(&what, table, SPI_processed, context);
		SPI_freetuptable(table);
	}
	SPI_cursor_close(portal);
	athar_catalog_resign(&state);
	SPI_finish();
}

/* Keep leaves, one a line, in one row. */
void
athar_archive_store(int32 table_id, TimestampTz first_at, TimestampTz last_at,
					Datum ids, Datum leaves)
{
	Datum		values[ARCHIVE_COLUMNS];
	bool		nulls[ARCHIVE_COLUMNS] = {false};
	int			i = 0;

	values[i++] = Int64GetDatum(athar_catalog_nextval(ATHAR_LOG_ARCHIVE));
	values[i++] = Int32GetDatum(table_id);
	values[i++] = TimestampTzGetDatum(first_at);
	values[i++] = TimestampTzGetDatum(last_at);
	values[i++] = ids;
	values[i++] = leaves;
	athar_catalog_insert(ATHAR_LOG_ARCHIVE, values, nulls);
}

/*
 * Expiry
 */

static Datum
column(SPITupleTable *table, uint64 row, int number)
{
	bool		isnull;
	Datum		value = SPI_getbinval(table->vals[row], table->tupdesc, number,
									  &isnull);

	if (isnull)
		elog(ERROR, "a row of the archive has no value in column %d", number);
	return value;
}

static void
refuse_odd(int64 id)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("row %lld of the archive is not what archive_log() wrote",
					(long long) id),
			 errdetail("Nothing was taken out of the log."),
			 errhint("athar.verify_log() tells all that does not agree.")));
}

/*
 * Refuse a row that does not agree with itself, and let each leaf be looked
 * at: then the ids are those of its leaves, and its times and its table too.
 */
static void
check_row(SPITupleTable *table, uint64 row, const expiry *what)
{
	reading		all = {PG_INT64_MIN, PG_INT64_MAX, what->look, what->arg};

	if (DatumGetBool(column(table, row, 7)))
		refuse_odd(DatumGetInt64(column(table, row, 2)));
	read_lines(&all, column(table, row, 4), column(table, row, 6));
}

/* Keep of a row what is not to go; the ids that are. */
static Datum
divide(ItemPointer place, int32 table_id, TimestampTz before)
{
	Oid			types[2] = {TIDOID, TIMESTAMPTZOID};
	Datum		values[2] = {PointerGetDatum(place), TimestampTzGetDatum(before)};
	SPITupleTable *parts;
	Datum		ids;

	if (SPI_execute_with_args(divide_text, 2, types, values, NULL, true,
							  1) != SPI_OK_SELECT || SPI_processed != 1)
		elog(ERROR, "could not divide a row of the archive");
	parts = SPI_tuptable;
	athar_archive_store(table_id, DatumGetTimestampTz(column(parts, 0, 1)),
						DatumGetTimestampTz(column(parts, 0, 2)),
						column(parts, 0, 3), column(parts, 0, 4));
	ids = PointerGetDatum(PG_DETOAST_DATUM_COPY(column(parts, 0, 5)));
	SPI_freetuptable(parts);
	return ids;
}

/* Let one found row expire, or a part of it; how many entries that was. */
static int64
expire_row(SPITupleTable *table, uint64 row, const expiry *what)
{
	ItemPointer place = (ItemPointer) DatumGetPointer(column(table, row, 1));
	Datum		ids = column(table, row, 4);
	athar_id_range *ranges;
	int64		entries = 0;
	int			count;

	check_row(table, row, what);
	if (DatumGetTimestampTz(column(table, row, 5)) >= what->before)
		ids = divide(place, DatumGetInt32(column(table, row, 3)),
					 what->before);
	athar_catalog_delete(ATHAR_LOG_ARCHIVE, place);
	count = athar_batch_decode(ids, 0, &ranges);
	for (int i = 0; i < count; i++)
	{
		entries += ranges[i].high - ranges[i].low;
		what->gone(&ranges[i], what->arg);
	}
	return entries;
}

/*
 * Delete archived entries of these tables whose transactions began before a
 * time, about as many as are wanted, within SPI and as the owner of the log.
 * Every leaf is looked at before its row goes; the looker fails where one is
 * not what was sealed.  True if there are more.
 */
bool
athar_archive_expire(Datum table_ids, TimestampTz before, int64 most,
					 athar_archive_visitor look, athar_archive_gone gone,
					 void *arg)
{
	expiry		what = {before, look, gone, arg};
	Oid			types[2] = {INT4ARRAYOID, TIMESTAMPTZOID};
	Datum		values[2] = {table_ids, TimestampTzGetDatum(before)};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "athar expiring leaves",
												  ALLOCSET_DEFAULT_SIZES);
	Portal		portal = SPI_cursor_open_with_args(NULL, archived_text, 2,
												   types, values, NULL, true,
												   0);
	bool		is_more = false;

	for (;;)
	{
		SPITupleTable *table;
		uint64		count;

		SPI_cursor_fetch(portal, true, ROWS_AT_ONCE);
		table = SPI_tuptable;
		count = SPI_processed;
		is_more = count > 0 && most <= 0;
		for (uint64 i = 0; i < count && !is_more; i++)
		{
			MemoryContext old = MemoryContextSwitchTo(context);

			CHECK_FOR_INTERRUPTS();
			most -= expire_row(table, i, &what);
			is_more = most <= 0 && i + 1 < count;
			MemoryContextSwitchTo(old);
			MemoryContextReset(context);
		}
		SPI_freetuptable(table);
		if (count == 0 || is_more)
			break;
	}
	SPI_cursor_close(portal);
	MemoryContextDelete(context);
	return is_more;
}

/*
 * Tell of rows that cannot be what archive_log() wrote.
 */
void
athar_archive_find_odd(void (*tell) (int64 id, void *arg), void *arg)
{
	athar_owner_state state;
	Portal		portal;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ARCHIVE), &state);
	portal = SPI_cursor_open_with_args(NULL, odd_text, 0, NULL, NULL, NULL,
									   true, 0);
	for (;;)
	{
		SPI_cursor_fetch(portal, true, ROWS_AT_ONCE);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
			tell(DatumGetInt64(column(SPI_tuptable, i, 1)), arg);
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_cursor_close(portal);
	athar_catalog_resign(&state);
	SPI_finish();
}
