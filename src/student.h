/*
 * student.h
 *	  Student's t distribution, for every file that reports an interval.
 *
 * Tail and quantile are NaN where no finite one exists; SQL sees NULL then.
 */
#ifndef ATHAR_STUDENT_H
#define ATHAR_STUDENT_H

/* G(a + 1/2) / G(a), for a > 0. */
extern double athar_student_gamma_ratio(double a);

/* The two-sided p-value of t. */
extern double athar_student_p(double t, double df);

/* The value below which t lies with this probability. */
extern double athar_student_quantile(double probability, double df);

#endif							/* ATHAR_STUDENT_H */
