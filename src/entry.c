/*
 * entry.c
 *	  One entry of the change log.
 */
#include "athar.h"

#include "miscadmin.h"
#include "utils/uuid.h"

#include "catalog.h"
#include "context.h"
#include "value.h"
#include "entry.h"

#define ENTRY_COLUMNS 9
#define NONCES 64

/* Random bytes are drawn for many entries at once. */
static pg_uuid_t *
next_nonce(void)
{
	static pg_uuid_t nonces[NONCES];
	static int	left = 0;

	if (left == 0)
	{
		if (!pg_strong_random(nonces, sizeof(nonces)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random bytes for the change log")));
		left = NONCES;
	}
	return &nonces[--left];
}

/* Write an entry: a row's, or with the key {} the whole table's. */
void
athar_entry_write(int32 table_id, char operation, Jsonb *key,
				  Jsonb *old_values, Jsonb *new_values)
{
	Datum		values[ENTRY_COLUMNS];
	bool		nulls[ENTRY_COLUMNS] = {false};
	int64		transaction_id = athar_context_transaction();
	int			i = 0;

	/* Drawn now, while the row is locked: ids order the history of a row. */
	values[i++] = Int64GetDatum(athar_catalog_nextval(ATHAR_LOG_ENTRY));
	values[i++] = Int64GetDatum(transaction_id);
	values[i++] = Int32GetDatum(table_id);
	values[i++] = Int32GetDatum(athar_value_key_hash(key));
	values[i++] = CharGetDatum(operation);
	values[i++] = UUIDPGetDatum(next_nonce());
	values[i++] = JsonbPGetDatum(key);
	nulls[i] = old_values == NULL;
	values[i++] = PointerGetDatum(old_values);
	nulls[i] = new_values == NULL;
	values[i++] = PointerGetDatum(new_values);
	athar_catalog_append(ATHAR_LOG_ENTRY, values, nulls);
}
