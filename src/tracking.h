/*
 * tracking.h
 *	  Which tables are tracked, under which number, and how their rows look.
 */
#ifndef ATHAR_TRACKING_H
#define ATHAR_TRACKING_H

#include "datatype/timestamp.h"
#include "amendment.h"
#include "definition.h"
#include "value.h"

/*
 * One row of tracked_table: a version of a table's definition.  id is that of
 * its entries, rekey_id that of entries with new keys.
 */
typedef struct athar_tracked
{
	int32		id;
	int32		rekey_id;
	int32		rekey_of;		/* the id of which this is the rekey_id, or 0 */
	int32		lineage;
	char	   *relation;
	Oid			relation_oid;
	Oid			database_oid;
	int64		cluster;
	char	   *owner_name;
	List	   *fields;			/* its columns under this version */
	bool		require_reason;
	bool		inserted_values;
	bool		is_inherited;	/* came with a table that it inherits from */
	TimestampTz tracked_at;
	TimestampTz untracked_at;	/* DT_NOEND while tracked */
} athar_tracked;

/* What the capture knows of a table that its trigger fires on. */
typedef struct athar_capture_plan athar_capture_plan;
struct athar_capture_plan
{
	struct
	{
		Oid			relid;
		int32		lineage;
	}			key;
	bool		is_valid;
	MemoryContext context;
	Oid			root;
	athar_tracked tracked;
	athar_shape *shape;
};

extern void athar_tracking_init(void);
extern athar_tracked *athar_tracking_newest(int32 lineage);
extern bool athar_tracking_is_here(const athar_tracked *row);
extern Oid	athar_tracking_root(Relation relation, const athar_tracked *row);
extern Oid	athar_tracking_root_of(Oid relid, const athar_tracked *row);
extern bool athar_tracking_is_dropped(const athar_tracked *row, Oid relid,
									  const char *name, Oid owner);
extern void athar_tracking_follow(athar_tracked *row, Relation root,
								  athar_amendment *amendment);
extern char *athar_tracking_name(Oid relid);
extern List *athar_tracking_rows(int32 lineage);
extern athar_tracked *athar_tracking_of(Oid relid);
extern Oid	athar_tracking_relation(const athar_tracked *row);
extern bool athar_tracking_is_ours(int32 lineage);
extern List *athar_tracking_relations(void);
extern void athar_tracking_begin(athar_tracked *row, Relation relation);
extern void athar_tracking_write(athar_tracked *row);
extern void athar_tracking_end(int32 lineage);
extern bool athar_tracking_is_capture(Oid function);
extern bool athar_tracking_has_trigger(Relation relation, int32 lineage);
extern athar_capture_plan *athar_tracking_plan(Relation relation,
											   int32 lineage);

#endif							/* ATHAR_TRACKING_H */
