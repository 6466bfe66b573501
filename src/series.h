/*
 * series.h
 *	  A series at equal distances that is interrupted by a change.
 *
 * Invariant: values are centred and scaled to within [-1, 1], NaN where there
 * is none; value = 2^exponent (centre + 2^spread scaled value).
 */
#ifndef ATHAR_SERIES_H
#define ATHAR_SERIES_H

#include "least_squares.h"

/* Below this many points a side nobody can tell how they follow each other. */
#define SERIES_ENOUGH	8

/* And below this many there is no line. */
#define SERIES_LEAST	3

/* Sine and cosine of up to three waves. */
#define SERIES_SEASON_TERMS	6

typedef struct Series
{
	double	   *values;
	int			length;
	int			cutover;		/* the first place after, counted from 0 */
	int			season;			/* points; 0 for none */
	int			first;			/* the first and last places with a value */
	int			last;
	int64		before_n;		/* values on each side */
	int64		after_n;
	double		centre;
	int			exponent;
	int			spread;
	bool		has_null;
	bool		has_nonfinite;
} Series;

/* A combination of coefficients; what is unknown is NaN. */
typedef struct SeriesFigure
{
	double		estimate;		/* Prais-Winsten */
	double		se;
	double		p;
	double		ci_low;
	double		ci_high;
	double		ols;			/* ordinary least squares */
	double		se_ols;
	double		se_newey_west;
} SeriesFigure;

typedef struct SeriesFit
{
	bool		is_solved;		/* false: nothing but the flags holds */
	bool		is_exact;		/* no residual beyond rounding */
	bool		is_converged;
	bool		has_season;
	int64		n;
	int64		df;
	int64		pairs;			/* neighbours that both have a value */
	double		rho;
	SeriesFigure intercept;
	SeriesFigure slope;
	SeriesFigure level_change;
	SeriesFigure slope_change;
	SeriesFigure counterfactual;
	SeriesFigure gap;
	double		season_terms[SERIES_SEASON_TERMS];
	int			season_length;
} SeriesFit;

extern void athar_series_scale(Series *series);
extern void athar_series_fit(const Series *series, SeriesFit *result);
extern double athar_series_autocorrelation(const Series *series);

#endif							/* ATHAR_SERIES_H */
