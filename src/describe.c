/*
 * describe.c
 *	  A figure as people read it, inside a sentence or as a bar.
 *
 * Sentences are made in SQL, where their words are; each has a dozen figures,
 * and a report a thousand sentences.  Rounded there, a figure took longer
 * than all the rest of its sentence, as SQL functions within SQL functions
 * are planned again at every call.
 */
#include "athar.h"

#include <math.h>

#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* Beyond these a figure is written with an exponent. */
#define MOST_DECIMALS	12
#define LARGEST_PLAIN	1e15

/* No bar is longer. */
#define WIDEST_BAR		200

/* A mark that keeps a sign before its digits in a line from right to left. */
#define LEFT_TO_RIGHT	"\342\200\216"

/* What bars are made of, in UTF-8. */
#define FULL_BLOCK		"\342\226\210"
#define LIGHT_SHADE		"\342\226\221"
#define MIDDLE_DOT		"\302\267"

/* How many decimals give something of this size three digits. */
static int
decimals_for(double size)
{
	return 2 - (int) floor(log10(size));
}

/* Round as people do, 0.15 to 0.2, and without zeros at the end. */
static char *
rounded(double figure, int decimals)
{
	Datum		number;
	char	   *result;
	char	   *end;

	if ((decimals > MOST_DECIMALS && figure != 0.0) ||
		fabs(figure) >= LARGEST_PLAIN)
		return psprintf("%.2e", figure);
	number = DirectFunctionCall2(numeric_round,
								 DirectFunctionCall1(float8_numeric,
													 Float8GetDatum(figure)),
								 Int32GetDatum(Max(decimals, 0)));
	result = DatumGetCString(DirectFunctionCall1(numeric_out, number));
	if (strchr(result, '.') == NULL)
		return result;
	end = result + strlen(result);
	while (end[-1] == '0')
		end--;
	if (end[-1] == '.')
		end--;
	*end = '\0';
	return result;
}

/* A figure, its size for rounding, the language, and whether 0 must be 0. */
PG_FUNCTION_INFO_V1(athar_figure_text);
Datum
athar_figure_text(PG_FUNCTION_ARGS)
{
	double		figure;
	double		size;
	char	   *result;
	bool		is_arabic;

	if (PG_ARGISNULL(0) || !isfinite(PG_GETARG_FLOAT8(0)))
		PG_RETURN_NULL();
	figure = PG_GETARG_FLOAT8(0);
	size = PG_ARGISNULL(1) ? 0.0 : fabs(PG_GETARG_FLOAT8(1));
	if (size == 0.0 || !isfinite(size))
		size = figure == 0.0 ? 1.0 : fabs(figure);
	result = rounded(figure, decimals_for(size));
	if (figure != 0.0 && strcmp(result, "0") == 0 &&
		!PG_ARGISNULL(3) && PG_GETARG_BOOL(3))
		result = rounded(figure, decimals_for(10.0 * fabs(figure)));
	is_arabic = !PG_ARGISNULL(2) &&
		strcmp(text_to_cstring(PG_GETARG_TEXT_PP(2)), "ar") == 0;
	if (is_arabic && result[0] == '-' && GetDatabaseEncoding() == PG_UTF8)
		result = psprintf(LEFT_TO_RIGHT "%s", result);
	PG_RETURN_TEXT_P(cstring_to_text(result));
}

/* A share clamped to 0..1; -1 where there is none. */
static double
share_or_none(FunctionCallInfo fcinfo, int number)
{
	double		share;

	if (PG_ARGISNULL(number) || isnan(PG_GETARG_FLOAT8(number)))
		return -1.0;
	share = PG_GETARG_FLOAT8(number);
	return Min(Max(share, 0.0), 1.0);
}

/* How many whole parts of so many; a tenth of ten is one. */
static int
whole_parts(double share, int parts)
{
	return (int) floor(share * parts + 1e-9);
}

static void
append_times(StringInfo bar, const char *character, int times)
{
	while (times-- > 0)
		appendStringInfoString(bar, character);
}

/* Progress, coverage and a width as a bar: reached, measured, not measured. */
PG_FUNCTION_INFO_V1(athar_bar);
Datum
athar_bar(PG_FUNCTION_ARGS)
{
	double		progress = share_or_none(fcinfo, 0);
	double		coverage = share_or_none(fcinfo, 1);
	int			encoding = GetDatabaseEncoding();
	bool		has_blocks = encoding == PG_UTF8 || encoding == PG_SQL_ASCII;
	int			width;
	int			measured = 0;
	int			reached = 0;
	StringInfoData bar;

	if (PG_ARGISNULL(2))
		PG_RETURN_NULL();
	width = Min(Max(PG_GETARG_INT32(2), 1), WIDEST_BAR);

	/*
	 * rounded down: only what is whole looks whole, and what is measured is
	 * seen
	 */
	if (progress >= 0.0 && coverage > 0.0)
	{
		measured = Max(whole_parts(coverage, width), 1);
		reached = whole_parts(progress, measured);
	}
	initStringInfo(&bar);
	append_times(&bar, has_blocks ? FULL_BLOCK : "#", reached);
	append_times(&bar, has_blocks ? LIGHT_SHADE : "-", measured - reached);
	append_times(&bar, has_blocks ? MIDDLE_DOT : ".", width - measured);
	if (progress >= 0.0)
		appendStringInfo(&bar, " %3d %%", whole_parts(progress, 100));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(bar.data, bar.len));
}
