/*
 * least_squares.h
 *	  Linear least squares over rows that come one after the other.
 *
 * Invariant: the first columns + 1 rows hold what is known of all folded rows
 * (an upper triangle once anything was folded); rows after them wait.
 */
#ifndef ATHAR_LEAST_SQUARES_H
#define ATHAR_LEAST_SQUARES_H

#define LEAST_SQUARES_COLUMNS	12
#define LEAST_SQUARES_WAITING	64

typedef struct LeastSquares
{
	int			columns;		/* of the design */
	int			length;			/* rows in use, the triangle's among them */
	int64		n;				/* rows added */
	/* by column; the value stands behind the design */
	double		cells[LEAST_SQUARES_COLUMNS + 1][LEAST_SQUARES_COLUMNS + 1 + LEAST_SQUARES_WAITING];
	double		coefficients[LEAST_SQUARES_COLUMNS];
	double		residual_norm;	/* root of the sum of squared residuals */
} LeastSquares;

extern void athar_least_squares_begin(LeastSquares *fit, int columns);

/* A row is the design followed by the value. */
extern void athar_least_squares_add(LeastSquares *fit, const double *row);

/* False where the design does not decide every coefficient. */
extern bool athar_least_squares_solve(LeastSquares *fit);

/*
 * The vector l for which l . row is how much the row's residual moves the
 * combination c . coefficients: (X'X)^-1 c.  Returns c'(X'X)^-1 c, the
 * variance of that combination in units of the residual variance.
 */
extern double athar_least_squares_leverage(const LeastSquares *fit,
										   const double *combination,
										   double *leverage);

#endif							/* ATHAR_LEAST_SQUARES_H */
