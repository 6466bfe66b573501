/*
 * least_squares.c
 *	  Linear least squares by Householder's reflections.
 *
 * Never by normal equations: they square the condition of the design and lose
 * half the digits of a trend over a long time.  Rows are not kept.  A block of
 * them is reflected into the triangle that stands for all rows before (the
 * sequential QR decomposition; Golub and Van Loan, Matrix Computations, 5.2
 * and 6.5), so the memory does not grow with the series.  The value is carried
 * along as one more column; what is left of it below the triangle is the norm
 * of the residuals.
 *
 * The caller centres and scales: columns should be of about the same size.
 */
#include "athar.h"

#include <math.h>

#include "least_squares.h"

#include "miscadmin.h"

/*
 * A column that keeps less than this part of its length, once the columns
 * before it are taken out, is nothing but their rounding.
 */
#define RANK_TOLERANCE	1e-13

/* Prepare for rows of this many columns. */
void
athar_least_squares_begin(LeastSquares *fit, int columns)
{
	Assert(columns >= 1 && columns <= LEAST_SQUARES_COLUMNS);
	fit->columns = columns;
	fit->length = 0;
	fit->n = 0;
}

/* The length of a column from one row on. */
static double
norm(const double *column, int from, int length)
{
	double		squares = 0.0;

	for (int row = from; row < length; row++)
		squares += column[row] * column[row];
	return sqrt(squares);
}

/*
 * Reflect all columns so that the given one has nothing below its diagonal
 * cell.
 */
static void
reflect(LeastSquares *fit, int pivot)
{
	double	   *column = fit->cells[pivot];
	double		size = norm(column, pivot, fit->length);
	double		first;

	if (size == 0.0)
		return;
	/* The sign that adds to the diagonal cell, lest digits cancel. */
	first = column[pivot] < 0.0 ? -size : size;
	column[pivot] += first;
	for (int other = pivot + 1; other <= fit->columns; other++)
	{
		double	   *target = fit->cells[other];
		double		product = 0.0;

		for (int row = pivot; row < fit->length; row++)
			product += column[row] * target[row];
		product /= first * column[pivot];
		for (int row = pivot; row < fit->length; row++)
			target[row] -= product * column[row];
	}
	column[pivot] = -first;
	for (int row = pivot + 1; row < fit->length; row++)
		column[row] = 0.0;
}

/* Bring the waiting rows into the triangle. */
static void
fold(LeastSquares *fit)
{
	CHECK_FOR_INTERRUPTS();
	for (int pivot = 0; pivot <= fit->columns && pivot < fit->length; pivot++)
		reflect(fit, pivot);
	fit->length = Min(fit->length, fit->columns + 1);
}

/* Add a row. */
void
athar_least_squares_add(LeastSquares *fit, const double *row)
{
	if (fit->length == fit->columns + 1 + LEAST_SQUARES_WAITING)
		fold(fit);
	for (int column = 0; column <= fit->columns; column++)
		fit->cells[column][fit->length] = row[column];
	fit->length++;
	fit->n++;
}

/* True if every column adds something to those before it. */
static bool
has_full_rank(const LeastSquares *fit)
{
	if (fit->n < fit->columns)
		return false;
	for (int column = 0; column < fit->columns; column++)
	{
		double		whole = norm(fit->cells[column], 0, column + 1);

		if (!(fabs(fit->cells[column][column]) > RANK_TOLERANCE * whole))
			return false;
	}
	return true;
}

/* Compute the coefficients and the norm of the residuals. */
bool
athar_least_squares_solve(LeastSquares *fit)
{
	int			columns = fit->columns;

	fold(fit);
	if (!has_full_rank(fit))
		return false;
	for (int row = columns - 1; row >= 0; row--)
	{
		double		rest = fit->cells[columns][row];

		for (int column = row + 1; column < columns; column++)
			rest -= fit->cells[column][row] * fit->coefficients[column];
		fit->coefficients[row] = rest / fit->cells[row][row];
	}
	fit->residual_norm = fit->n > columns ?
		fabs(fit->cells[columns][columns]) : 0.0;
	return true;
}

/* Solve R'z = c, then R l = z; the variance is z'z. */
double
athar_least_squares_leverage(const LeastSquares *fit,
							 const double *combination, double *leverage)
{
	int			columns = fit->columns;
	double		variance = 0.0;

	for (int row = 0; row < columns; row++)
	{
		double		rest = combination[row];

		for (int column = 0; column < row; column++)
			rest -= fit->cells[row][column] * leverage[column];
		leverage[row] = rest / fit->cells[row][row];
		variance += leverage[row] * leverage[row];
	}
	for (int row = columns - 1; row >= 0; row--)
	{
		for (int column = row + 1; column < columns; column++)
			leverage[row] -= fit->cells[column][row] * leverage[column];
		leverage[row] /= fit->cells[row][row];
	}
	return variance;
}
