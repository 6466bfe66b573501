/*
 * series.c
 *	  Segmented regression of an interrupted time series.
 *
 *		y = b0 + b1 time + b2 post + b3 since + season
 *
 * (Wagner et al. 2002; Lopez Bernal et al. 2017): one line before the change,
 * another from it on.  What is compared is the later line with the first one
 * continued, so a trend that ran before is not taken for an effect.
 *
 * Points of a series follow one another, and least squares that take them as
 * independent find an effect far too often.  So the noise is taken as
 * autoregressive of order 1 and its coefficient rho is estimated together with
 * the lines (Prais and Winsten 1954, iterated until rho stands still).  Points
 * that are missing keep their place: neighbours d places apart have the
 * correlation rho^d (Savin and White 1978).
 *
 * What this does not promise: rho is estimated too low from few points, so a
 * short series still finds effects somewhat too often (bench/false_alarms
 * measures how often).  Nor can it know what else changed at the cutover.
 */
#include "athar.h"

#include <float.h>
#include <math.h>

#include "interval.h"
#include "series.h"

#include "miscadmin.h"
#include "utils/float.h"

/* Beyond, the first point would weigh nothing. */
#define RHO_MAX			0.999

#define RHO_TOLERANCE	1e-13
#define MAX_STEPS		1000

/* The columns of the design before those of the season. */
enum
{
	LEVEL, SLOPE, LEVEL_CHANGE, SLOPE_CHANGE, LINES
};

/* The design in use: the season may be left out of it. */
typedef struct Design
{
	const Series *series;
	int			season;			/* 0 for none */
	int			columns;
} Design;

/* A combination of coefficients as both estimators see it. */
typedef struct Combination
{
	SeriesFigure *figure;
	double		unit;			/* of the figure, in scaled values */
	double		weights[LEAST_SQUARES_COLUMNS];
} Combination;

#define COMBINATIONS	6

/* ----------
 * The values
 * ----------
 */

/* Centre and scale the values, so that squares neither overflow nor vanish. */
void
athar_series_scale(Series *series)
{
	double		smallest = get_float8_infinity();
	double		largest = -get_float8_infinity();

	for (int place = 0; place < series->length; place++)
	{
		CHECK_FOR_INTERRUPTS();
		if (isnan(series->values[place]))
			continue;
		smallest = Min(smallest, series->values[place]);
		largest = Max(largest, series->values[place]);
	}
	if (smallest > largest)
		return;
	(void) frexp(Max(fabs(smallest), fabs(largest)), &series->exponent);
	smallest = ldexp(smallest, -series->exponent);
	largest = ldexp(largest, -series->exponent);
	series->centre = smallest / 2.0 + largest / 2.0;
	(void) frexp(largest - smallest, &series->spread);
	for (int place = 0; place < series->length; place++)
	{
		double	   *value = &series->values[place];

		CHECK_FOR_INTERRUPTS();
		*value = ldexp(ldexp(*value, -series->exponent) - series->centre,
					   -series->spread);
	}
}

/* How far a scaled value may be off because the value was rounded. */
static double
rounding(const Series *series)
{
	return DBL_EPSILON * (ldexp(1.0, -series->spread) + 16.0);
}

/* ----------
 * The design
 * ----------
 */

/* How many pairs of sine and cosine: all there are up to a week, then two. */
static int
season_pairs(int season)
{
	return season <= 7 ? season / 2 : 2;
}

/* The last sine of an even season is 0 everywhere and left out. */
static bool
has_sine(int season, int pair)
{
	return 2 * pair != season;
}

static Design
make_design(const Series *series, int season)
{
	Design		design = {series, season, LINES};

	for (int pair = 1; pair <= season_pairs(season); pair++)
		design.columns += has_sine(season, pair) ? 2 : 1;
	return design;
}

/* The columns of the season at a place. */
static void
season_columns(int season, int place, double *columns)
{
	int			phase = (place + 1) % Max(season, 1);

	for (int pair = 1; pair <= season_pairs(season); pair++)
	{
		double		angle = 2.0 * M_PI * pair * phase / season;

		if (has_sine(season, pair))
			*columns++ = sin(angle);
		*columns++ = cos(angle);
	}
}

/* Time counted from the cutover, in lengths of the series. */
static double
time_at(const Series *series, int place)
{
	return (double) (place - series->cutover) / series->length;
}

/* The row of a place: the design and the value. */
static void
fill_row(const Design *design, int place, double *row)
{
	bool		is_after = place >= design->series->cutover;

	row[LEVEL] = 1.0;
	row[SLOPE] = time_at(design->series, place);
	row[LEVEL_CHANGE] = is_after ? 1.0 : 0.0;
	row[SLOPE_CHANGE] = is_after ? row[SLOPE] : 0.0;
	season_columns(design->season, place, row + LINES);
	row[design->columns] = design->series->values[place];
}

static double
dot(const double *a, const double *b, int length)
{
	double		sum = 0.0;

	for (int i = 0; i < length; i++)
		sum += a[i] * b[i];
	return sum;
}

/* ----------
 * The fit
 * ----------
 */

/*
 * The row less what it inherits from the last one, so many places before, in
 * the units of the noise that is new at each place.  The first row (0 places)
 * has nothing to inherit.
 */
static void
whiten(const double *row, const double *last, int places, double rho,
	   int columns, double *white)
{
	double		inherited = places == 0 ? 0.0 : pow(rho, places);
	double		factor = 1.0;

	if (places != 1)
		factor = sqrt((1.0 - rho * rho) / (1.0 - inherited * inherited));
	for (int i = 0; i <= columns; i++)
		white[i] = factor *
			(inherited == 0.0 ? row[i] : row[i] - inherited * last[i]);
}

/*
 * Generalised least squares for a known rho; 0 is ordinary least squares.
 */
static bool
fit_lines(const Design *design, double rho, LeastSquares *fit)
{
	double		rows[2][LEAST_SQUARES_COLUMNS + 1];
	double		white[LEAST_SQUARES_COLUMNS + 1];
	int			last = -1;
	int			turn = 0;

	athar_least_squares_begin(fit, design->columns);
	for (int place = design->series->first; place <= design->series->last; place++)
	{
		CHECK_FOR_INTERRUPTS();
		if (isnan(design->series->values[place]))
			continue;
		fill_row(design, place, rows[turn]);
		whiten(rows[turn], rows[1 - turn], last < 0 ? 0 : place - last, rho,
			   design->columns, white);
		athar_least_squares_add(fit, white);
		last = place;
		turn = 1 - turn;
	}
	return athar_least_squares_solve(fit);
}

/*
 * rho from what the lines leave over: the regression of each residual on the
 * one before, where both are known.  One wild point at an end can bring it
 * beyond 1; then the regression on the one after, if it is the smaller, which
 * the inequality of Cauchy and Schwarz keeps within.  NaN where there is
 * nothing to tell from.
 */
static double
residual_rho(const Design *design, const LeastSquares *fit, int64 *pairs)
{
	double		row[LEAST_SQUARES_COLUMNS + 1];
	double		last = get_float8_nan();
	double		products = 0.0;
	double		earlier = 0.0;
	double		later = 0.0;
	double		rho;

	*pairs = 0;
	for (int place = design->series->first; place <= design->series->last; place++)
	{
		double		residual;

		CHECK_FOR_INTERRUPTS();
		fill_row(design, place, row);
		residual = row[design->columns] -
			dot(row, fit->coefficients, design->columns);
		if (!isnan(residual) && !isnan(last))
		{
			products += residual * last;
			earlier += last * last;
			later += residual * residual;
			++*pairs;
		}
		last = residual;
	}
	if (!(earlier > 0.0 && later > 0.0))
		return get_float8_nan();
	rho = products / earlier;
	if (fabs(rho) > RHO_MAX)
		rho = products / Max(earlier, later);
	return Max(Min(rho, RHO_MAX), -RHO_MAX);
}

/*
 * Estimate rho and the lines together, starting from ordinary least squares.
 * Where that goes round in circles, the first step counts.
 */
static void
iterate(const Design *design, LeastSquares *fit, SeriesFit *result)
{
	double		first = residual_rho(design, fit, &result->pairs);
	double		next = first;
	double		rho = first;

	if (result->pairs < SERIES_ENOUGH || isnan(first))
		return;
	for (int step = 0; step < MAX_STEPS && !result->is_converged; step++)
	{
		rho = next;
		if (!fit_lines(design, rho, fit))
			return;
		next = residual_rho(design, fit, &result->pairs);
		result->is_converged = fabs(next - rho) <= RHO_TOLERANCE;
	}
	if (!result->is_converged)
	{
		rho = first;
		if (!fit_lines(design, rho, fit))
			return;
	}
	result->rho = rho;
}

/* ----------
 * What is asked of it
 * ----------
 */

/*
 * Newey and West's variance of two combinations of ordinary least squares:
 * Bartlett's weights, no prewhitening, n / (n - k); a place without a value
 * counts as a residual of 0.
 */
static void
newey_west(const Design *design, const LeastSquares *fit,
		   const double leverage[2][LEAST_SQUARES_COLUMNS], double *se)
{
	int			lags = (int) floor(4.0 * pow(fit->n / 100.0, 2.0 / 9.0));
	double	   *past = palloc0(sizeof(double) * 2 * (lags + 1));
	double		sums[2] = {0.0, 0.0};
	double		row[LEAST_SQUARES_COLUMNS + 1];

	for (int place = design->series->first; place <= design->series->last; place++)
	{
		double		residual;
		int			now = place % (lags + 1);

		CHECK_FOR_INTERRUPTS();
		fill_row(design, place, row);
		residual = row[design->columns] -
			dot(row, fit->coefficients, design->columns);
		for (int i = 0; i < 2; i++)
		{
			double	   *moves = past + i * (lags + 1);
			double		sum;

			moves[now] = isnan(residual) ? 0.0 :
				residual * dot(row, leverage[i], design->columns);
			sum = moves[now];
			for (int lag = 1; lag <= lags; lag++)
				sum += 2.0 * (1.0 - lag / (lags + 1.0)) *
					moves[(now + lags + 1 - lag) % (lags + 1)];
			sums[i] += moves[now] * sum;
		}
	}
	for (int i = 0; i < 2; i++)
		se[i] = sqrt(Max(sums[i], 0.0) * fit->n / (fit->n - design->columns));
	pfree(past);
}

/* What each figure is made of; the first two are those with three errors. */
static void
make_combinations(const Design *design, SeriesFit *result, Combination *list)
{
	const Series *series = design->series;
	double		end = time_at(series, series->last);

	memset(list, 0, sizeof(Combination) * COMBINATIONS);
	for (int i = 0; i < COMBINATIONS; i++)
		list[i].unit = 1.0;
	list[0].figure = &result->level_change;
	list[0].weights[LEVEL_CHANGE] = 1.0;
	list[1].figure = &result->slope_change;
	list[1].weights[SLOPE_CHANGE] = 1.0;
	list[1].unit = series->length;
	list[2].figure = &result->slope;
	list[2].weights[SLOPE] = 1.0;
	list[2].unit = series->length;
	/* time 0 is the place before the first */
	list[3].figure = &result->intercept;
	list[3].weights[LEVEL] = 1.0;
	list[3].weights[SLOPE] = time_at(series, -1);
	list[4].figure = &result->counterfactual;
	list[4].weights[LEVEL] = 1.0;
	list[4].weights[SLOPE] = end;
	season_columns(design->season, series->last, list[4].weights + LINES);
	list[5].figure = &result->gap;
	list[5].weights[LEVEL_CHANGE] = 1.0;
	list[5].weights[SLOPE_CHANGE] = end;
}

/* A scaled figure in the unit of the values. */
static double
unscaled(const Series *series, double figure, double unit)
{
	return ldexp(figure / unit, series->exponent + series->spread);
}

/* The same for one that the centre belongs to. */
static double
raised(const Series *series, double figure)
{
	return ldexp(series->centre + ldexp(figure, series->spread),
				 series->exponent);
}

/* The figures of ordinary least squares. */
static void
put_ols(const Design *design, const LeastSquares *fit, const SeriesFit *result,
		const Combination *list)
{
	const Series *series = design->series;
	double		leverage[COMBINATIONS][LEAST_SQUARES_COLUMNS];
	double		se[2] = {get_float8_nan(), get_float8_nan()};
	double		sd = fit->residual_norm / sqrt((double) result->df);

	for (int i = 0; i < COMBINATIONS; i++)
	{
		double		variance =
		athar_least_squares_leverage(fit, list[i].weights, leverage[i]);
		double		estimate = dot(list[i].weights, fit->coefficients, design->columns);

		/* Of an exact fit what is near 0 is what rounding left of it. */
		if (result->is_exact && fabs(estimate) < 16.0 * rounding(series))
			estimate = 0.0;
		list[i].figure->ols = list[i].figure->estimate = estimate;
		if (!result->is_exact)
			list[i].figure->se_ols =
				unscaled(series, sd * sqrt(variance), list[i].unit);
	}
	if (!result->is_exact && series->before_n >= SERIES_ENOUGH &&
		series->after_n >= SERIES_ENOUGH)
		newey_west(design, fit, leverage, se);
	for (int i = 0; i < 2; i++)
		list[i].figure->se_newey_west = unscaled(series, se[i], list[i].unit);
}

/* The figures of Prais and Winsten; intervals are still scaled. */
static void
put_prais_winsten(const Design *design, const LeastSquares *fit,
				  const SeriesFit *result, const Combination *list)
{
	double		leverage[LEAST_SQUARES_COLUMNS];
	double		sd = fit->residual_norm / sqrt((double) result->df);

	for (int i = 0; i < COMBINATIONS; i++)
	{
		SeriesFigure *figure = list[i].figure;
		double		se = sd * sqrt(athar_least_squares_leverage(fit, list[i].weights, leverage));
		double		estimate = dot(list[i].weights, fit->coefficients, design->columns);
		Certainty	found = athar_interval_of(estimate, se, (double) result->df);

		figure->estimate = estimate;
		figure->p = found.p;
		figure->ci_low = found.ci_low;
		figure->ci_high = found.ci_high;
		figure->se = unscaled(design->series, se, list[i].unit);
	}
}

/* Everything that is still scaled in the unit of the values. */
static void
put_units(const Series *series, const Combination *list)
{
	for (int i = 0; i < COMBINATIONS; i++)
	{
		SeriesFigure *figure = list[i].figure;
		double	   *parts[] = {&figure->estimate, &figure->ols,
		&figure->ci_low, &figure->ci_high};

		for (int part = 0; part < lengthof(parts); part++)
			*parts[part] = list[i].weights[LEVEL] != 0.0 ?
				raised(series, *parts[part]) :
				unscaled(series, *parts[part], list[i].unit);
	}
}

/* The season as pairs of sine and cosine, whatever was left out of it. */
static void
put_season(const Design *design, const LeastSquares *fit, SeriesFit *result)
{
	const double *coefficient = fit->coefficients + LINES;

	result->has_season = design->season > 0;
	result->season_length = 0;
	for (int pair = 1; pair <= season_pairs(design->season); pair++)
	{
		double		sine = has_sine(design->season, pair) ? *coefficient++ : 0.0;
		double		cosine = *coefficient++;

		result->season_terms[result->season_length++] =
			unscaled(design->series, sine, 1.0);
		result->season_terms[result->season_length++] =
			unscaled(design->series, cosine, 1.0);
	}
}

/*
 * The design that the points can carry: with the season only if they tell it
 * from the lines.
 */
static bool
choose_design(const Series *series, Design *design, LeastSquares *fit)
{
	if (series->season > 0 &&
		series->before_n >= SERIES_ENOUGH &&
		series->after_n >= SERIES_ENOUGH &&
		series->cutover - series->first >= 2 * (int64) series->season)
	{
		*design = make_design(series, series->season);
		if (series->before_n + series->after_n > design->columns &&
			fit_lines(design, 0.0, fit))
			return true;
	}
	*design = make_design(series, 0);
	return series->before_n >= SERIES_LEAST &&
		series->after_n >= SERIES_LEAST &&
		fit_lines(design, 0.0, fit);
}

/* A result of which nothing is known yet. */
static void
begin_result(const Series *series, SeriesFit *result)
{
	double		nan = get_float8_nan();
	SeriesFigure unknown = {nan, nan, nan, nan, nan, nan, nan, nan};

	memset(result, 0, sizeof(*result));
	result->n = series->before_n + series->after_n;
	result->rho = nan;
	result->intercept = result->slope = unknown;
	result->level_change = result->slope_change = unknown;
	result->counterfactual = result->gap = unknown;
}

/* Fit the lines to a scaled series. */
void
athar_series_fit(const Series *series, SeriesFit *result)
{
	Combination list[COMBINATIONS];
	LeastSquares fit;
	Design		design;

	begin_result(series, result);
	if (!choose_design(series, &design, &fit))
		return;
	result->is_solved = true;
	result->df = result->n - design.columns;
	result->is_exact =
		fit.residual_norm <= rounding(series) * sqrt((double) result->n);
	make_combinations(&design, result, list);
	put_ols(&design, &fit, result, list);
	if (!result->is_exact && series->before_n >= SERIES_ENOUGH &&
		series->after_n >= SERIES_ENOUGH)
		iterate(&design, &fit, result);
	if (!isnan(result->rho))
		put_prais_winsten(&design, &fit, result, list);
	put_units(series, list);
	put_season(&design, &fit, result);
}

/* ----------
 * Autocorrelation
 * ----------
 */

/*
 * The first autocorrelation of a scaled series around its mean; NaN where
 * there is none.
 */
double
athar_series_autocorrelation(const Series *series)
{
	double		sum = 0.0;
	double		squares = 0.0;
	double		products = 0.0;
	double		last = get_float8_nan();
	double		mean;
	int64		n = series->before_n + series->after_n;
	int64		pairs = 0;

	for (int place = 0; place < series->length; place++)
		if (!isnan(series->values[place]))
			sum += series->values[place];
	mean = sum / n;
	for (int place = 0; place < series->length; place++)
	{
		double		value = series->values[place] - mean;

		CHECK_FOR_INTERRUPTS();
		if (!isnan(value))
			squares += value * value;
		if (!isnan(value) && !isnan(last))
		{
			products += value * last;
			pairs++;
		}
		last = value;
	}
	if (n < 3 || pairs == 0 || !(sqrt(squares / n) > rounding(series)))
		return get_float8_nan();
	return (products / (pairs + 1)) / (squares / n);
}
