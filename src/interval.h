/*
 * interval.h
 *	  How sure an estimate is that was made of independent parts.
 *
 * Undefined figures are NaN; they become NULL on the way out.
 */
#ifndef ATHAR_INTERVAL_H
#define ATHAR_INTERVAL_H

/* What one part adds: the standard error it would have alone, and its df. */
typedef struct ErrorPart
{
	double		se;				/* NaN: nobody knows */
	double		df;
} ErrorPart;

typedef struct Certainty
{
	double		se;
	double		df;
	double		ci_low;
	double		ci_high;
	double		p;
} Certainty;

extern Certainty athar_interval_unknown(void);

/* The interval of an estimate whose standard error is known. */
extern Certainty athar_interval_of(double estimate, double se, double df);

/* The same from independent parts that are added or subtracted. */
extern Certainty athar_interval_of_parts(double estimate,
										 const ErrorPart *parts, int length);

#endif							/* ATHAR_INTERVAL_H */
