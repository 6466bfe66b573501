/*
 * series_functions.c
 *	  What SQL asks of an interrupted series.
 *
 * A figure that is not defined is NULL, and a flag says why.
 */
#include "athar.h"

#include <math.h>

#include "figures.h"
#include "series.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"

/* Below, effects are found clearly too often (bench/false_alarms). */
#define FEW_POINTS		50

/* Errors away from 0 that leave a doubt of 5 %. */
#define CLEAR			1.96

/* ----------
 * Reading
 * ----------
 */

/* Take a value into the series; what is not finite is none. */
static void
take_value(Series *series, int place, double value)
{
	series->values[place] = isfinite(value) ? value : get_float8_nan();
	if (!isfinite(value))
	{
		series->has_nonfinite = true;
		return;
	}
	if (series->before_n + series->after_n == 0)
		series->first = place;
	series->last = place;
	if (place < series->cutover)
		series->before_n++;
	else
		series->after_n++;
}

/*
 * The numbers of an array in the order of their places, whatever its lower
 * bound.  Read where they lie: an array may be as large as memory allows.
 */
static void
read_values(ArrayType *array, Series *series)
{
	const char *data = ARR_DATA_PTR(array);
	const bits8 *bitmap = ARR_NULLBITMAP(array);

	series->last = -1;
	series->values = palloc(sizeof(double) * Max(series->length, 1));
	for (int place = 0; place < series->length; place++)
	{
		double		value;

		CHECK_FOR_INTERRUPTS();
		if (bitmap && !(bitmap[place / 8] & (1 << (place % 8))))
		{
			series->values[place] = get_float8_nan();
			series->has_null = true;
			continue;
		}
		memcpy(&value, data, sizeof(double));
		data += sizeof(double);
		take_value(series, place, value);
	}
}

/* How many elements, refusing what is not one after the other. */
static int
count_values(ArrayType *array)
{
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a series cannot have %d dimensions", ARR_NDIM(array)),
				 errdetail("The order of its points would not be known."),
				 errhint("Give a one-dimensional array, one element for each point in time.")));
	return ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
}

/* The number of points of a season; 0 for none. */
static int
season_argument(FunctionCallInfo fcinfo, int place)
{
	int			season;

	if (PG_ARGISNULL(place))
		return 0;
	season = PG_GETARG_INT32(place);
	if (season < 2)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("a season cannot have a length of %d", season),
				 errdetail("It is the number of points after which the season repeats itself."),
				 errhint("Give 12 for months, 4 for quarters, 7 for days of the week, NULL for no season.")));
	return season;
}

/* ----------
 * Answering
 * ----------
 */

static void
put_season(FigureRow *row, const SeriesFit *fit)
{
	Datum		terms[SERIES_SEASON_TERMS];
	bool		nulls[SERIES_SEASON_TERMS];
	int			dimensions[] = {fit->season_length};
	int			bounds[] = {1};

	if (!fit->has_season)
	{
		athar_figures_put_datum(row, (Datum) 0, true);
		return;
	}
	for (int i = 0; i < fit->season_length; i++)
	{
		terms[i] = Float8GetDatum(fit->season_terms[i] + 0.0);
		nulls[i] = !isfinite(fit->season_terms[i]);
	}
	athar_figures_put_datum(row, PointerGetDatum(construct_md_array(terms, nulls, 1, dimensions, bounds,
																	FLOAT8OID, sizeof(double),
																	FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)),
							false);
}

/* How far rho is from 0 in the errors it would have if it were 0. */
static double
rho_errors(const SeriesFit *fit)
{
	return fit->rho * sqrt((double) fit->pairs);
}

/*
 * Noise that wanders off for good cannot be excluded.  If rho is 1, then
 * n (1 - rho) comes out below 28 in 95 of 100 series, whatever n (simulated
 * for 36 to 400 points, cutover in the middle or after three quarters).
 */
static bool
may_wander(const SeriesFit *fit)
{
	return rho_errors(fit) > CLEAR && fit->n * (1.0 - fit->rho) < 28.0;
}

/* What a reader must know before believing the figures. */
static void
put_flags(FigureRow *row, const Series *series, bool has_cutover,
		  const SeriesFit *fit)
{
	bool		is_short = series->before_n < SERIES_ENOUGH ||
	series->after_n < SERIES_ENOUGH;
	const struct
	{
		const char *name;
		bool		is_raised;
	}			known[] = {
		{"no_cutover", !has_cutover},
		{"too_short", has_cutover && is_short},
		{"singular", has_cutover && !fit->is_solved &&
		series->before_n >= SERIES_LEAST && series->after_n >= SERIES_LEAST},
		{"season_not_covered", fit->is_solved && series->season > 0 &&
		!fit->has_season},
		{"missing_values", series->has_null},
		{"nonfinite_values", series->has_nonfinite},
		{"no_variation", fit->is_exact},
		{"few_points", !isnan(fit->rho) && fit->n < FEW_POINTS},
		{"autocorrelated", rho_errors(fit) > CLEAR},
		{"alternating", rho_errors(fit) < -CLEAR},
		{"autocorrelation_unknown", fit->is_solved && !fit->is_exact &&
		!is_short && isnan(fit->rho)},
		{"random_walk", may_wander(fit)},
		{"not_converged", !isnan(fit->rho) && !fit->is_converged},
	};
	Datum		flags[lengthof(known)];
	int			length = 0;

	for (int i = 0; i < lengthof(known); i++)
		if (known[i].is_raised)
			flags[length++] = CStringGetTextDatum(known[i].name);
	athar_figures_put_datum(row, PointerGetDatum(construct_array(flags, length, TEXTOID, -1,
																 false, TYPALIGN_INT)),
							false);
}

/* All that is known of a change, in the order of athar.series_evidence. */
static void
put_fit(FigureRow *row, const Series *series, bool has_cutover, const SeriesFit *fit)
{
	const SeriesFigure *level = &fit->level_change;
	const SeriesFigure *slope = &fit->slope_change;

	athar_figures_put_count(row, fit->n);
	athar_figures_put(row, fit->intercept.estimate);
	athar_figures_put(row, fit->slope.estimate);
	athar_figures_put(row, level->estimate);
	athar_figures_put(row, slope->estimate);
	athar_figures_put(row, level->se);
	athar_figures_put(row, level->p);
	athar_figures_put(row, slope->se);
	athar_figures_put(row, slope->p);
	athar_figures_put(row, level->se_ols);
	athar_figures_put(row, level->se_newey_west);
	athar_figures_put(row, slope->se_ols);
	athar_figures_put(row, slope->se_newey_west);
	athar_figures_put(row, fit->rho);
	put_season(row, fit);
	athar_figures_put(row, fit->counterfactual.estimate);
	athar_figures_put(row, fit->gap.estimate);
	put_flags(row, series, has_cutover, fit);
	athar_figures_put(row, level->ci_low);
	athar_figures_put(row, level->ci_high);
	athar_figures_put(row, slope->ci_low);
	athar_figures_put(row, slope->ci_high);
	athar_figures_put(row, fit->gap.ci_low);
	athar_figures_put(row, fit->gap.ci_high);
	athar_figures_put_datum(row, Int64GetDatum(fit->df), fit->df <= 0);
	athar_figures_put(row, level->ols);
	athar_figures_put(row, slope->ols);
}

/* Compare a series after a change with how it ran before. */
PG_FUNCTION_INFO_V1(athar_interrupted_series);
Datum
athar_interrupted_series(PG_FUNCTION_ARGS)
{
	bool		has_cutover = !PG_ARGISNULL(1);
	Series		series = {0};
	SeriesFit	fit;
	FigureRow	row;

	series.season = season_argument(fcinfo, 2);
	series.last = -1;
	if (!PG_ARGISNULL(0))
	{
		ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);

		series.length = count_values(array);
		/* Without a cutover all is before, and there is nothing to compare. */
		series.cutover = has_cutover ?
			Min(Max((int64) PG_GETARG_INT32(1) - 1, 0), series.length) :
			series.length;
		read_values(array, &series);
		athar_series_scale(&series);
	}
	athar_series_fit(&series, &fit);
	if (series.values)
		pfree(series.values);
	athar_figures_begin(&row, fcinfo);
	put_fit(&row, &series, has_cutover, &fit);
	PG_RETURN_DATUM(athar_figures_datum(&row));
}

/* The first autocorrelation of a series. */
PG_FUNCTION_INFO_V1(athar_autocorrelation);
Datum
athar_autocorrelation(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Series		series = {0};
	double		found;

	series.length = count_values(array);
	read_values(array, &series);
	athar_series_scale(&series);
	found = athar_series_autocorrelation(&series);
	pfree(series.values);
	if (isnan(found))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(found + 0.0);
}
