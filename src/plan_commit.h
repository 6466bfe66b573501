/*
 * plan_commit.h
 *	  A plan becomes the next version of its project's.
 */
#ifndef ATHAR_PLAN_COMMIT_H
#define ATHAR_PLAN_COMMIT_H

#include "plan_items.h"

extern int32 athar_plan_commit(int32 project_id, int32 parent_version,
							   int32 merged_version, athar_plan *plan,
							   const athar_plan *parent, Datum reason);

#endif							/* ATHAR_PLAN_COMMIT_H */
