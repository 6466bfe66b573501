/*
 * student.c
 *	  Student's t distribution: tails and quantiles.
 *
 * The server has no incomplete beta function, and the libraries that have one
 * are under the GPL or in C++, so it stands here.  The two-sided tail is
 *
 *		p = I_x(df/2, 1/2),  x = df / (df + t^2)
 *
 * (DLMF 8.17(i)).  The usual continued fraction (DLMF 8.17.22) loses digits
 * as df grows, because its first terms nearly cancel: seven of sixteen at df
 * 1e7.  We write the same function as a hypergeometric one (DLMF 8.17.8), move
 * its argument from x to -df/t^2 (Pfaff's transformation, DLMF 15.8.1) and
 * take Gauss's continued fraction of that (DLMF 15.7.5).  All its terms are
 * positive, whatever t and df, so nothing cancels, and as df grows it turns
 * into the fraction of the normal distribution's tail.  Near the centre,
 * where the fraction is slow, the power series in 1 - x takes over.
 *
 * Reached against 40-digit arithmetic, t from 1e-6 to 1e3 and df from 0.01 to
 * 1e7: 2e-13 relative, for quantiles too.  At still smaller df a quantile is
 * only as sharp as its probability, of which it is a power with exponent 1/df.
 */
#include "athar.h"

#include <math.h>

#include "student.h"

#include "utils/float.h"

/* Where Student's t is the normal distribution, or constant, to 16 digits. */
#define DF_MAX			1e30
#define DF_MIN			1e-300

/* A tail below this is reported as 0, before it loses digits. */
#define P_MIN			1e-300

#define SQRT_PI			1.7724538509055160273
#define MAX_STEPS		100000

/* Newton's error is squared by every step: after one of this size, no other. */
#define NEWTON_CLOSE	1e-9

/* Student's t with given degrees of freedom, and what they alone decide. */
typedef struct Student
{
	double		df;
	double		a;				/* df / 2 */
	double		ratio;			/* G(a + 1/2) / G(a) */
} Student;

/*
 * G(a + 1/2) / G(a), for a > 0.
 *
 * The asymptotic series (from DLMF 5.11.8) is exact to 16 digits from 10 on;
 * below, the recurrence of the gamma function leads there.
 */
double
athar_student_gamma_ratio(double a)
{
	static const double series[] = {
		-1.0 / 8, 1.0 / 192, -1.0 / 640, 17.0 / 14336, -31.0 / 18432,
		691.0 / 180224, -5461.0 / 425984
	};
	double		factor = 1.0;
	double		sum = 0.0;

	for (; a < 10.0; a += 1.0)
		factor *= a / (a + 0.5);
	for (int i = lengthof(series) - 1; i >= 0; i--)
		sum = sum / (a * a) + series[i];
	return factor * sqrt(a) * exp(sum / a);
}

static Student
student(double df)
{
	Student		s;

	s.df = Min(Max(df, DF_MIN), DF_MAX);
	s.a = s.df / 2.0;
	s.ratio = athar_student_gamma_ratio(s.a);
	return s;
}

/*
 * 1 / F(1/2, 1; a + 1; -z) by Gauss's continued fraction (DLMF 15.7.5) in the
 * modified form of Lentz.
 *
 * Its value is 1 + k1 z / (1 + k2 z / (1 + ...)) with every k positive:
 * successive convergents lie on either side of it, so that the last change
 * bounds the error.
 */
static double
tail_fraction(double a, double z)
{
	double		value = 1.0;
	double		c = 1.0;
	double		d = 0.0;

	for (int step = 1; step < MAX_STEPS; step++)
	{
		int			m = step / 2;
		double		k;
		double		change;

		if (step % 2 == 1)
			k = (0.5 + m) / (a + 2 * m) * ((a + m) / (a + 2 * m + 1));
		else
			k = m / (a + 2 * m - 1) * ((a - 0.5 + m) / (a + 2 * m));
		d = 1.0 / (1.0 + k * z * d);
		c = 1.0 + k * z / c;
		change = c * d;
		value *= change;
		if (fabs(change - 1.0) < 1e-15)
			break;
	}
	return value;
}

/* ln(1 + t^2/df), also where the square overflows. */
static double
log_one_plus(const Student *s, double t)
{
	double		u = t * t / s->df;

	return u < 1e30 ? log1p(u) : 2.0 * log(t) - log(s->df);
}

/*
 * ln of the two-sided tail beyond t > 0.
 *
 * elasticity is -d ln(tail) / d ln(t); the density cancels out of it.
 */
static double
log_tail(const Student *s, double t, double *elasticity)
{
	double		z = s->df / t / t;
	double		fraction = tail_fraction(s->a, z);

	*elasticity = s->df / (1.0 + z) * fraction;
	return -s->a * log_one_plus(s, t) + 0.5 * log1p(z) +
		log(s->ratio / (s->a * SQRT_PI * fraction));
}

/* The probability between -t and t, by the power series in 1 - x. */
static double
central_series(const Student *s, double t)
{
	double		u = t * t / s->df;
	double		y = u / (1.0 + u);
	double		term = 1.0;
	double		sum = 1.0;

	for (int n = 0; n < MAX_STEPS && term > sum * 1e-17; n++)
	{
		term *= y * (s->a + 0.5 + n) / (1.5 + n);
		sum += term;
	}
	return 2.0 * t / sqrt(s->df) / sqrt(1.0 + u) *
		exp(-s->a * log1p(u)) * s->ratio / SQRT_PI * sum;
}

/*
 * Is the series the faster one?  Up to 3, its complement loses less than
 * three digits.
 */
static bool
is_central(const Student *s, double t)
{
	return t < 3.0 && t * t < s->df;
}

/* The two-sided tail beyond t >= 0. */
static double
tail(const Student *s, double t)
{
	double		elasticity;

	if (is_central(s, t))
		return 1.0 - central_series(s, t);
	return Min(exp(log_tail(s, t, &elasticity)), 1.0);
}

/* The probability between -t and t, t >= 0. */
static double
centre(const Student *s, double t)
{
	return is_central(s, t) ? central_series(s, t) : 1.0 - tail(s, t);
}

static double
density(const Student *s, double t)
{
	return s->ratio / (SQRT_PI * sqrt(s->df)) *
		exp(-(s->a + 0.5) * log_one_plus(s, t));
}

/* The two-sided p-value of Student's t; NaN where it is not defined. */
double
athar_student_p(double t, double df)
{
	Student		s;
	double		p;

	if (isnan(t) || !(df > 0.0))
		return get_float8_nan();
	if (isinf(t))
		return 0.0;
	s = student(df);
	p = tail(&s, fabs(t));
	return p < P_MIN ? 0.0 : p;
}

/* The normal deviate with this upper tail, to 5e-4 (A&S 26.2.23). */
static double
rough_normal_deviate(double upper)
{
	double		w = sqrt(-2.0 * log(upper));

	return w - (2.515517 + w * (0.802853 + w * 0.010328)) /
		(1.0 + w * (1.432788 + w * (0.189269 + w * 0.001308)));
}

/* Where df < 1 or the tail is very thin, p is nearly a power of t. */
static double
power_start(const Student *s, double log_p)
{
	return exp((log(s->ratio / (s->a * SQRT_PI)) - log_p) / s->df) *
		sqrt(s->df);
}

/* A first guess of t with two-sided tail p (Hill 1970, Algorithm 396). */
static double
hill_start(double df, double p)
{
	double		a = 1.0 / (df - 0.5);
	double		b = 48.0 / (a * a);
	double		c = ((20700.0 * a / b - 98.0) * a - 16.0) * a + 96.36;
	double		d = ((94.5 / (b + c) - 3.0) / b + 1.0) * df *
	SQRT_PI * sqrt(a / 2.0);
	double		x = d * p;
	double		y = pow(x, 2.0 / df);

	if (y > 0.05 + a)
	{
		x = rough_normal_deviate(p / 2.0);
		y = x * x;
		if (df < 5.0)
			c += 0.3 * (df - 4.5) * (x + 0.6);
		c = (((0.05 * d * x - 5.0) * x - 7.0) * x - 2.0) * x + b + c;
		y = (((((0.4 * y + 6.3) * y + 36.0) * y + 94.5) / c - y - 3.0) / b + 1.0) * x;
		y = expm1(a * y * y);
	}
	else
		y = ((1.0 / (((df + 6.0) / (df * y) - 0.089 * d - 0.822) *
					 (df + 2.0) * 3.0) + 0.5 / (df + 4.0)) * y - 1.0) *
			(df + 1.0) / (df + 2.0) + 1.0 / y;
	return sqrt(df * y);
}

static double
first_guess(const Student *s, double p)
{
	double		t = s->df < 1.0 ? 0.0 : hill_start(s->df, p);

	return t > 0.0 && !isinf(t) ? t : power_start(s, log(p));
}

/*
 * t > 0 with two-sided tail p.
 *
 * As a function of ln t, the logarithm of the tail falls ever faster (its
 * elasticity rises from 0 to df), so that Newton's steps from either side
 * reach the root: at most the first one passes it.
 */
static double
solve_tail(const Student *s, double p)
{
	double		t = first_guess(s, p);

	for (int step = 0; step < 100 && t > 0.0 && !isinf(t); step++)
	{
		double		elasticity;
		double		change = (log_tail(s, t, &elasticity) - log(p)) / elasticity;

		t *= exp(change);
		if (fabs(change) < NEWTON_CLOSE)
			break;
	}
	return t;
}

/*
 * t > 0 with probability 1 - p between -t and t.
 *
 * The density falls away from 0, so that Newton's steps from below stay
 * below.  The first is the tangent at 0, or Hill's guess, which is close.
 */
static double
solve_centre(const Student *s, double p)
{
	double		t = p < 0.5 ? first_guess(s, p) :
	(1.0 - p) / (2.0 * density(s, 0.0));

	for (int step = 0; step < 100; step++)
	{
		double		change = (1.0 - p - centre(s, t)) / (2.0 * density(s, t));

		t += change;
		if (fabs(change) < NEWTON_CLOSE * t)
			break;
	}
	return t;
}

/*
 * Is t better looked for by its tail?  From one degree of freedom on, in thin
 * tails alone; below, t soon grows by powers of ten.
 */
static bool
is_in_tail(const Student *s, double p)
{
	return p < (s->df < 1.0 ? tail(s, sqrt(s->df)) : 0.01);
}

/* The quantile of Student's t; NaN where no finite one exists. */
double
athar_student_quantile(double probability, double df)
{
	double		p = 2.0 * Min(probability, 1.0 - probability);
	Student		s;
	double		t;

	if (!(probability > 0.0 && probability < 1.0) || !(df > 0.0))
		return get_float8_nan();
	if (p == 1.0)
		return 0.0;
	s = student(df);
	t = is_in_tail(&s, p) ? solve_tail(&s, p) : solve_centre(&s, p);
	if (isnan(t) || isinf(t))
		return get_float8_nan();
	return probability < 0.5 ? -t : t;
}

/* Two-sided p-value of Student's t. */
PG_FUNCTION_INFO_V1(athar_student_t_p);
Datum
athar_student_t_p(PG_FUNCTION_ARGS)
{
	double		p = athar_student_p(PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1));

	if (isnan(p))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(p);
}

/* The value below which Student's t lies with a given probability. */
PG_FUNCTION_INFO_V1(athar_student_t_quantile);
Datum
athar_student_t_quantile(PG_FUNCTION_ARGS)
{
	double		t = athar_student_quantile(PG_GETARG_FLOAT8(0),
										   PG_GETARG_FLOAT8(1));

	if (isnan(t))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(t);
}
