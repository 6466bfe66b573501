/*
 * row_history.h
 *	  The entries of one row.
 */
#ifndef ATHAR_ROW_HISTORY_H
#define ATHAR_ROW_HISTORY_H

#include "history.h"

/* What a taker is handed: the columns of change_log, numbered from 1. */
enum
{
	ATHAR_HISTORY_ENTRY_ID = 1,
	ATHAR_HISTORY_AT,
	ATHAR_HISTORY_TRANSACTION_ID,
	ATHAR_HISTORY_RELATION,
	ATHAR_HISTORY_OPERATION,
	ATHAR_HISTORY_ROW_KEY,
	ATHAR_HISTORY_OLD_VALUES,
	ATHAR_HISTORY_NEW_VALUES,
	ATHAR_HISTORY_SESSION_USER_NAME,
	ATHAR_HISTORY_CURRENT_USER_NAME,
	ATHAR_HISTORY_ACTOR,
	ATHAR_HISTORY_REASON,
	ATHAR_HISTORY_APPLICATION_NAME,
	ATHAR_HISTORY_CLIENT_ADDRESS,
	ATHAR_HISTORY_KEY_HASH,
	ATHAR_HISTORY_TABLE_ID,
	ATHAR_HISTORY_COLUMNS = ATHAR_HISTORY_TABLE_ID
};

typedef void (*athar_history_taker) (void *context, Datum *values,
									 bool *nulls);

extern void athar_row_history_read(athar_subject *subject, Jsonb *row_key,
								   athar_history_taker taker, void *context);

#endif							/* ATHAR_ROW_HISTORY_H */
