/*
 * evidence.h
 *	  Student's t distribution, for every file that reports an interval.
 *
 * Both functions return NaN where no finite answer exists; what SQL sees is
 * NULL in that case.
 */
#ifndef ATHAR_EVIDENCE_H
#define ATHAR_EVIDENCE_H

extern double athar_evidence_p(double t, double df);
extern double athar_evidence_quantile(double probability, double df);

#endif							/* ATHAR_EVIDENCE_H */
