/*
 * interval.c
 *	  How sure an estimate is that was made of independent parts.
 *
 * Variances add up, and the degrees of freedom are Satterthwaite's (1946):
 * Welch's test is the case of two parts.  Everything is divided by the
 * largest standard error first, so that squares neither overflow nor vanish.
 *
 * Where nothing varies there is no interval: a standard error of 0 would
 * claim a certainty that constant figures do not give.
 */
#include "athar.h"

#include <math.h>

#include "interval.h"
#include "student.h"

#include "utils/float.h"

/* An estimate of which nothing more can be said. */
Certainty
athar_interval_unknown(void)
{
	double		nan = get_float8_nan();
	Certainty	unknown = {nan, nan, nan, nan, nan};

	return unknown;
}

Certainty
athar_interval_of(double estimate, double se, double df)
{
	Certainty	result;
	double		margin;

	if (!(se > 0.0) || !isfinite(se) || !(df > 0.0) || !isfinite(estimate))
		return athar_interval_unknown();
	margin = athar_student_quantile(0.975, df) * se;
	result.se = se;
	result.df = df;
	result.ci_low = estimate - margin;
	result.ci_high = estimate + margin;
	result.p = athar_student_p(estimate / se, df);
	return result;
}

Certainty
athar_interval_of_parts(double estimate, const ErrorPart *parts, int length)
{
	double		scale = 0.0;
	double		sum = 0.0;
	double		inverse_df = 0.0;

	for (int i = 0; i < length; i++)
	{
		if (!isfinite(parts[i].se))
			return athar_interval_unknown();
		scale = Max(scale, parts[i].se);
	}
	if (scale == 0.0)
		return athar_interval_unknown();
	for (int i = 0; i < length; i++)
	{
		double		part = parts[i].se / scale;

		sum += part * part;
	}
	for (int i = 0; i < length; i++)
	{
		double		part = parts[i].se / scale;
		double		share = part * part / sum;

		if (share > 0.0)
			inverse_df += share * share / parts[i].df;
	}
	return athar_interval_of(estimate, scale * sqrt(sum), 1.0 / inverse_df);
}
