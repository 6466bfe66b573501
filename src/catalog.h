/*
 * catalog.h
 *	  Our own tables seen from C: their OIDs, direct insertion into the log,
 *	  and whether the session is restoring a dump.
 */
#ifndef ATHAR_CATALOG_H
#define ATHAR_CATALOG_H

#include "catalog/objectaddress.h"
#include "storage/itemptr.h"
#include "utils/relcache.h"

/* The tables that C names. */
typedef enum athar_table
{
	ATHAR_TRACKED_TABLE,
	ATHAR_TRACKED_COLUMN,
	ATHAR_LOG_TRANSACTION,
	ATHAR_LOG_ENTRY,
	ATHAR_MARK,
	ATHAR_TRACKING_CHECK,
	ATHAR_SEAL_BATCH,
	ATHAR_SEAL_TILE,
	ATHAR_LOG_ARCHIVE,
	ATHAR_KPI,
	ATHAR_KPI_SOURCE,
	ATHAR_DIRTY_BUCKET,
	ATHAR_DIRTY_SOURCE,
	ATHAR_ACCESS_GRANT,
	ATHAR_UNSEEN_FIGURE,
	ATHAR_PLAN_ITEM
} athar_table;

#define ATHAR_TABLES (ATHAR_PLAN_ITEM + 1)

/* What to go back to after reading as the owner of the log. */
typedef struct athar_owner_state
{
	Oid			user;
	int			security_context;
	int			guc_level;
} athar_owner_state;

extern void athar_catalog_init(void);
extern Oid	athar_catalog_oid(athar_table table);
extern int64 athar_catalog_nextval(athar_table table);
extern void athar_catalog_insert(athar_table table, Datum *values,
								 bool *nulls);
extern void athar_catalog_update(athar_table table, ItemPointer place,
								 Datum *values, bool *nulls);
extern void athar_catalog_append(athar_table table, Datum *values,
								 bool *nulls);
extern void athar_catalog_delete(athar_table table, ItemPointer place);
extern void athar_catalog_flush(void);
extern bool athar_catalog_is_complete(void);
extern Oid	athar_catalog_primary_key(Relation relation);
extern bool athar_catalog_is_member(Oid relid);
extern bool athar_catalog_is_restore(void);
extern bool athar_catalog_owns(Oid role, Oid relid);
extern void athar_catalog_refuse_kind(const char *message, Relation relation,
									  const char *hint);
extern void athar_catalog_require_owner(Oid relid);
extern void athar_catalog_become_owner(Oid relid, athar_owner_state *state);
extern void athar_catalog_resign(athar_owner_state *state);
extern int	athar_catalog_pin_names(void);
extern void athar_catalog_restrict(Oid user, athar_owner_state *state);
extern void athar_catalog_unrestrict(athar_owner_state *state);

#endif							/* ATHAR_CATALOG_H */
