/*
 * replay.h
 *	  The rows of a table as a mark saw them: begin, fold the entries of the
 *	  log that the mark does not see, correct each present row, ask for the
 *	  rows that are gone.
 */
#ifndef ATHAR_REPLAY_H
#define ATHAR_REPLAY_H

#include "history.h"
#include "mark.h"
#include "trail.h"

typedef struct athar_replay athar_replay;

/* One entry of the log, its documents in today's columns. */
typedef struct athar_entry
{
	int64		id;
	uint64		xid;			/* of its transaction */
	int32		table_id;
	char		operation;
	Jsonb	   *key;
	Jsonb	   *old_values;		/* or NULL */
	Jsonb	   *new_values;		/* or NULL */
} athar_entry;

typedef void (*athar_entry_reader) (void *context, const athar_entry *entry);

/* Takes a row of the past, by attribute number of the table. */
typedef void (*athar_past_reader) (void *context, Datum *values, bool *nulls);

extern void athar_replay_read_log(const athar_subject *subject,
								  const athar_mark *mark,
								  athar_entry_reader reader, void *context);
extern athar_replay *athar_replay_begin(athar_subject *subject);
extern athar_trails *athar_replay_watch(athar_replay *run,
										const bool *watched,
										bool is_from_empty);
extern void athar_replay_fold(void *replay, const athar_entry *entry);
extern bool athar_replay_correct(athar_replay *run, Datum *values,
								 bool *nulls);
extern void athar_replay_gone(athar_replay *run, athar_past_reader reader,
							  void *context);
extern int64 athar_replay_missing(athar_replay *run);
extern void athar_replay_end(athar_replay *run);

#endif							/* ATHAR_REPLAY_H */
