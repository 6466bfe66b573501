/*
 * kpi.h
 *	  What is measured: the setting for time zones.
 */
#ifndef ATHAR_KPI_H
#define ATHAR_KPI_H

extern void athar_kpi_init(void);

#endif							/* ATHAR_KPI_H */
