/*
 * leaf.c
 *	  Entries of the log as leaves: one line of text each.
 *
 * A leaf is the text that jsonb gives of an array: its format, a nonce that
 * keeps short values from being guessed by their hash, and what change_log
 * shows of the entry.  Stored jsonb and fixed forms are all it is made of, so
 * no setting of a session, no column added later and no restore elsewhere
 * changes a byte; JSON strings hold no line breaks, so a file of leaves has
 * one a line.  In a database that is not in UTF-8, the UTF-8 text is hashed.
 *
 * Entries are read by ranges of ids, through the block-range index, and in
 * no order; who, when and why come from a cache, filled by neighbours.
 */
#include "athar.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "catalog.h"
#include "leaf.h"

#define FORMAT "athar-leaf/1"

/* Transactions that are read together, and that are kept. */
#define NEIGHBOURS 32
#define MOST_CACHED 50000

/* Columns of log_transaction and tracked_table. */
enum
{
	TX_ID, TX_AT, TX_XID, TX_CLUSTER, TX_SESSION_USER, TX_CURRENT_USER,
	TX_ACTOR, TX_REASON, TX_APPLICATION, TX_ADDRESS, TX_COLUMNS
};

typedef struct entry_receiver
{
	DestReceiver pub;
	athar_leaf_reader *reader;
	athar_leaf_visitor visit;
	void	   *arg;
} entry_receiver;

/*
 * The index on transaction_id is kept out by the sum: through it a large
 * transaction would be read anew for each range of its ids.
 */
static const char *const entries_text =
"SELECT e.id, e.transaction_id, e.table_id, e.key_hash, e.operation, e.nonce,"
" e.row_key, e.old_values, e.new_values FROM athar.log_entry AS e"
" WHERE e.id OPERATOR(pg_catalog.>=) $1 AND e.id OPERATOR(pg_catalog.<=) $2"
" AND e.transaction_id OPERATOR(pg_catalog.+) 0 OPERATOR(pg_catalog.>) $3";

/*
 * Who, when and why
 */

/* As to_char writes it, always in UTC and with six digits. */
static void
append_time(StringInfo line, TimestampTz at)
{
	struct pg_tm tm;
	fsec_t		fraction;

	if (TIMESTAMP_NOT_FINITE(at) ||
		timestamp2tm(at, NULL, &tm, &fraction, NULL, NULL) != 0)
		appendStringInfo(line, "\"%s\"", timestamptz_to_str(at));
	else
		appendStringInfo(line, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"",
						 tm.tm_year, tm.tm_mon, tm.tm_mday,
						 tm.tm_hour, tm.tm_min, tm.tm_sec, fraction);
}

static void
append_string(StringInfo line, Datum value, bool isnull)
{
	if (isnull)
		appendStringInfoString(line, "null");
	else
		escape_json(line, TextDatumGetCString(value));
}

static void
append_address(StringInfo line, Datum value, bool isnull)
{
	if (isnull)
		appendStringInfoString(line, "null");
	else
		escape_json(line, DatumGetCString(DirectFunctionCall1(inet_out,
															  value)));
}

/* Write the two parts that all leaves of a transaction share. */
static void
render_transaction(athar_leaf_reader *reader, Datum *values, bool *nulls,
				   athar_leaf_transaction *transaction)
{
	StringInfoData line;

	initStringInfo(&line);
	append_time(&line, DatumGetTimestampTz(values[TX_AT]));
	appendStringInfo(&line, ", %lld, ", (long long) transaction->id);
	transaction->before_length = line.len;
	for (int i = TX_SESSION_USER; i <= TX_APPLICATION; i++)
	{
		append_string(&line, values[i], nulls[i]);
		appendStringInfoString(&line, ", ");
	}
	append_address(&line, values[TX_ADDRESS], nulls[TX_ADDRESS]);
	appendStringInfoChar(&line, ']');
	transaction->before = MemoryContextAlloc(reader->cache_context,
											 line.len + 1);
	memcpy(transaction->before, line.data, line.len + 1);
	transaction->after = transaction->before + transaction->before_length;
	transaction->after_length = line.len - transaction->before_length;
}

static void
keep_transaction(athar_leaf_reader *reader, HeapTuple tuple)
{
	Datum		values[TX_COLUMNS];
	bool		nulls[TX_COLUMNS];
	athar_leaf_transaction *transaction;
	int64		id;
	bool		is_known;

	heap_deform_tuple(tuple, RelationGetDescr(reader->transaction_relation),
					  values, nulls);
	id = DatumGetInt64(values[TX_ID]);
	transaction = hash_search(reader->transactions, &id, HASH_ENTER,
							  &is_known);
	if (is_known && transaction->exists)
		return;
	transaction->exists = true;
	transaction->cluster = DatumGetInt64(values[TX_CLUSTER]);
	transaction->xid = U64FromFullTransactionId(DatumGetFullTransactionId(values[TX_XID]));
	render_transaction(reader, values, nulls, transaction);
}

/* Read a transaction and those drawn after it, which will be asked for next. */
static void
read_transactions(athar_leaf_reader *reader, int64 id)
{
	Relation	relation = reader->transaction_relation;
	Relation	index = index_open(athar_catalog_primary_key(relation), AccessShareLock);
	MemoryContext old = MemoryContextSwitchTo(reader->entry_context);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&keys[0], 1, BTGreaterEqualStrategyNumber, F_INT8GE,
				Int64GetDatum(id));
	ScanKeyInit(&keys[1], 1, BTLessStrategyNumber, F_INT8LT,
				Int64GetDatum(id + NEIGHBOURS));
	scan = systable_beginscan_ordered(relation, index, GetActiveSnapshot(),
									  lengthof(keys), keys);
	while ((tuple = systable_getnext_ordered(scan, ForwardScanDirection)))
		keep_transaction(reader, tuple);
	systable_endscan_ordered(scan);
	MemoryContextSwitchTo(old);
	index_close(index, AccessShareLock);
}

static HTAB *
make_cache(MemoryContext context, Size key_size, Size entry_size)
{
	HASHCTL		control = {.keysize = key_size,.entrysize = entry_size,
	.hcxt = context};

	return hash_create("athar leaf cache", 256, &control,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static void
empty_cache(athar_leaf_reader *reader)
{
	MemoryContextReset(reader->cache_context);
	reader->transactions = make_cache(reader->cache_context, sizeof(int64),
									  sizeof(athar_leaf_transaction));
	reader->tables = make_cache(reader->cache_context, sizeof(int32),
								sizeof(athar_leaf_table));
	reader->last = NULL;
}

static athar_leaf_transaction *
find_transaction(athar_leaf_reader *reader, int64 id)
{
	athar_leaf_transaction *transaction = reader->last;
	bool		is_known;

	if (transaction && transaction->id == id)
		return transaction;
	transaction = hash_search(reader->transactions, &id, HASH_FIND, NULL);
	if (transaction == NULL)
	{
		if (hash_get_num_entries(reader->transactions) > MOST_CACHED)
			empty_cache(reader);
		read_transactions(reader, id);
		transaction = hash_search(reader->transactions, &id, HASH_ENTER,
								  &is_known);
		if (!is_known)
			transaction->exists = false;
	}
	return reader->last = transaction;
}

/*
 * Tables
 */

static void
read_table(athar_leaf_reader *reader, athar_leaf_table *table)
{
	Relation	relation = reader->table_relation;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT4EQ,
				Int32GetDatum(table->id));
	scan = systable_beginscan(relation, athar_catalog_primary_key(relation), true,
							  GetActiveSnapshot(), 1, &key);
	tuple = systable_getnext(scan);
	table->exists = HeapTupleIsValid(tuple);
	if (table->exists)
	{
		TupleDesc	descriptor = RelationGetDescr(relation);
		StringInfoData line;
		bool		isnull;
		Datum		value;

		initStringInfo(&line);
		value = heap_getattr(tuple, SPI_fnumber(descriptor, "relation"),
							 descriptor, &isnull);
		append_string(&line, value, isnull);
		table->relation_length = line.len;
		table->relation = MemoryContextStrdup(reader->cache_context,
											  line.data);
		(void) heap_getattr(tuple, SPI_fnumber(descriptor, "rekey_of"),
							descriptor, &isnull);
		table->is_rekey = !isnull;
	}
	systable_endscan(scan);
}

static athar_leaf_table *
find_table(athar_leaf_reader *reader, int32 id)
{
	bool		is_known;
	athar_leaf_table *table = hash_search(reader->tables, &id, HASH_ENTER,
										  &is_known);

	if (!is_known)
	{
		table->relation = "null";
		table->relation_length = 4;
		read_table(reader, table);
	}
	return table;
}

/*
 * Leaves
 */

static void
append_uuid(StringInfo line, const pg_uuid_t *uuid)
{
	static const char digits[] = "0123456789abcdef";
	char		string[2 * UUID_LEN + 4];
	char	   *p = string;

	for (int i = 0; i < UUID_LEN; i++)
	{
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*p++ = '-';
		*p++ = digits[uuid->data[i] >> 4];
		*p++ = digits[uuid->data[i] & 15];
	}
	appendBinaryStringInfo(line, string, sizeof(string));
}

static void
append_id(StringInfo line, int64 id)
{
	char		string[MAXINT8LEN + 1];

	appendBinaryStringInfo(line, string, pg_lltoa(id, string));
}

static const char *
operation_name(char operation)
{
	switch (operation)
	{
		case 'I':
			return "\"INSERT\"";
		case 'U':
			return "\"UPDATE\"";
		case 'D':
			return "\"DELETE\"";
		case 'T':
			return "\"TRUNCATE\"";
		case 'S':
			return "\"DDL\"";
		default:
			return "null";
	}
}

static void
append_object(StringInfo line, Jsonb *object)
{
	appendBinaryStringInfo(line, ", ", 2);
	if (object == NULL)
		appendBinaryStringInfo(line, "null", 4);
	else
		(void) JsonbToCString(line, &object->root, VARSIZE(object));
}

/* Write the leaf of an entry into reader->text, in the server's encoding. */
void
athar_leaf_render(athar_leaf_reader *reader, const athar_entry *entry)
{
	StringInfo	line = &reader->text;

	resetStringInfo(line);
	appendStringInfoString(line, "[\"" FORMAT "\", \"");
	append_uuid(line, entry->nonce);
	appendBinaryStringInfo(line, "\", ", 3);
	append_id(line, entry->id);
	appendBinaryStringInfo(line, ", ", 2);
	appendBinaryStringInfo(line, entry->transaction->before,
						   entry->transaction->before_length);
	appendBinaryStringInfo(line, entry->table->relation,
						   entry->table->relation_length);
	appendBinaryStringInfo(line, ", ", 2);
	appendStringInfoString(line, operation_name(entry->operation));
	append_object(line, entry->row_key);
	append_object(line, entry->old_values);
	append_object(line, entry->new_values);
	appendBinaryStringInfo(line, ", ", 2);
	appendBinaryStringInfo(line, entry->transaction->after,
						   entry->transaction->after_length);
}

/*
 * The leaf in reader->text as UTF-8.  Where a character has no place there
 * (or the encoding is unknown), the bytes themselves are the leaf: nobody
 * shall keep the log from being sealed by writing such a character.
 */
static const char *
as_utf8(athar_leaf_reader *reader, int *length)
{
	int			encoding = GetDatabaseEncoding();
	Oid			conversion;
	char	   *converted;
	int			size;

	*length = reader->text.len;
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return reader->text.data;
	conversion = FindDefaultConversionProc(encoding, PG_UTF8);
	if (!OidIsValid(conversion))
		return reader->text.data;
	size = reader->text.len * MAX_CONVERSION_GROWTH + 1;
	converted = palloc_extended(size, MCXT_ALLOC_HUGE);
	if (pg_do_encoding_conversion_buf(conversion, encoding, PG_UTF8,
									  (unsigned char *) reader->text.data,
									  reader->text.len,
									  (unsigned char *) converted, size,
									  true) != reader->text.len)
		return reader->text.data;
	*length = strlen(converted);
	return converted;
}

static void
hash_text(athar_leaf_reader *reader, athar_hasher *hasher, athar_hash *hash)
{
	int			length;
	const char *leaf = as_utf8(reader, &length);

	athar_merkle_leaf(hasher, leaf, length, hash);
}

/* The leaf hash of an entry. */
void
athar_leaf_compute(athar_leaf_reader *reader, athar_hasher *hasher,
				   const athar_entry *entry, athar_hash *hash)
{
	athar_leaf_render(reader, entry);
	hash_text(reader, hasher, hash);
}

/* The hash of a leaf that was rendered before. */
void
athar_leaf_hash_line(athar_leaf_reader *reader, athar_hasher *hasher,
					 const char *line, athar_hash *hash)
{
	resetStringInfo(&reader->text);
	appendStringInfoString(&reader->text, line);
	hash_text(reader, hasher, hash);
}

/*
 * Entries
 */

static bool
receive_entry(TupleTableSlot *slot, DestReceiver *self)
{
	static const pg_uuid_t no_nonce;
	entry_receiver *receiver = (entry_receiver *) self;
	athar_leaf_reader *reader = receiver->reader;
	MemoryContext old = MemoryContextSwitchTo(reader->entry_context);
	athar_entry entry;
	int			i = 0;
	Datum	   *values;
	bool	   *nulls;

	slot_getallattrs(slot);
	values = slot->tts_values;
	nulls = slot->tts_isnull;
	entry.id = DatumGetInt64(values[i++]);
	entry.transaction = find_transaction(reader, DatumGetInt64(values[i++]));
	entry.table = find_table(reader, DatumGetInt32(values[i++]));
	entry.key_hash = DatumGetInt32(values[i++]);
	entry.operation = DatumGetChar(values[i++]);
	entry.nonce = nulls[i] ? &no_nonce : DatumGetUUIDP(values[i]);
	i++;
	entry.row_key = nulls[i] ? NULL : DatumGetJsonbP(values[i]);
	i++;
	entry.old_values = nulls[i] ? NULL : DatumGetJsonbP(values[i]);
	i++;
	entry.new_values = nulls[i] ? NULL : DatumGetJsonbP(values[i]);
	receiver->visit(reader, &entry, receiver->arg);
	MemoryContextSwitchTo(old);
	MemoryContextReset(reader->entry_context);
	return true;
}

static void
start_receiving(DestReceiver *self, int operation, TupleDesc descriptor)
{
}

static void
stop_receiving(DestReceiver *self)
{
}

static ParamListInfo
range_parameters(int64 low, int64 high, int64 after_transaction)
{
	int64		values[3] = {low, high, after_transaction};
	ParamListInfo parameters = makeParamList(lengthof(values));

	for (int i = 0; i < lengthof(values); i++)
	{
		parameters->params[i].value = Int64GetDatum(values[i]);
		parameters->params[i].isnull = false;
		parameters->params[i].pflags = PARAM_FLAG_CONST;
		parameters->params[i].ptype = INT8OID;
	}
	return parameters;
}

/*
 * Visit the entries with ids from low to high, of transactions after the
 * given one, under the active snapshot and in no order.  Through the index,
 * also where the planner knows nothing of the log yet, or it would read all
 * of it for each range.
 */
void
athar_leaf_scan(athar_leaf_reader *reader, int64 low, int64 high,
				int64 after_transaction, athar_leaf_visitor visit, void *arg)
{
	entry_receiver receiver = {{receive_entry, start_receiving,
	stop_receiving, stop_receiving, DestTuplestore},
	reader, visit, arg};
	SPIExecuteOptions options = {0};
	athar_owner_state state;

	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_LOG_ENTRY), &state);
	(void) set_config_option("enable_seqscan", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	options.params = range_parameters(low, high, after_transaction);
	options.read_only = true;
	options.dest = &receiver.pub;
	if (SPI_execute_extended(entries_text, &options) != SPI_OK_SELECT)
		elog(ERROR, "could not read the entries of the log");
	athar_catalog_resign(&state);
	SPI_finish();
}

athar_leaf_reader *
athar_leaf_begin(void)
{
	athar_leaf_reader *reader = palloc0(sizeof(athar_leaf_reader));

	reader->entry_context = AllocSetContextCreate(CurrentMemoryContext,
												  "athar leaf",
												  ALLOCSET_DEFAULT_SIZES);
	reader->cache_context = AllocSetContextCreate(CurrentMemoryContext,
												  "athar leaf cache",
												  ALLOCSET_DEFAULT_SIZES);
	empty_cache(reader);
	initStringInfo(&reader->text);
	reader->transaction_relation = table_open(athar_catalog_oid(ATHAR_LOG_TRANSACTION),
											  AccessShareLock);
	reader->table_relation = table_open(athar_catalog_oid(ATHAR_TRACKED_TABLE),
										AccessShareLock);
	return reader;
}

void
athar_leaf_end(athar_leaf_reader *reader)
{
	table_close(reader->transaction_relation, AccessShareLock);
	table_close(reader->table_relation, AccessShareLock);
	MemoryContextDelete(reader->entry_context);
	MemoryContextDelete(reader->cache_context);
	pfree(reader->text.data);
	pfree(reader);
}
