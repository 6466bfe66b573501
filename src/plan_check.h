/*
 * plan_check.h
 *	  Plan documents that were made of a version, checked at little cost.
 */
#ifndef ATHAR_PLAN_CHECK_H
#define ATHAR_PLAN_CHECK_H

#include "plan_items.h"

extern bool athar_plan_is_right(const athar_plan *plan, const athar_plan *base);
extern void athar_plan_check(Jsonb *document, const athar_plan *plan,
							 const athar_plan *base);

#endif							/* ATHAR_PLAN_CHECK_H */
