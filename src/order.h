/*
 * order.h
 *	  Which items of a list were moved.
 */
#ifndef ATHAR_ORDER_H
#define ATHAR_ORDER_H

extern bool *athar_order_stationary(const int32 *place, int n);

#endif							/* ATHAR_ORDER_H */
