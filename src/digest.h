/*
 * digest.h
 *	  Sorted lists of (value, count) that describe a distribution.
 *
 * Invariant of a list: values finite and ascending, no -0; an item that is
 * not blurred stands for count values equal to its value, and is the first of
 * its value; a blurred item stands for count >= 2 values whose mean is its
 * value.
 */
#ifndef ATHAR_DIGEST_H
#define ATHAR_DIGEST_H

#include "athar.h"

#define DIGEST_EXACT	64		/* distinct values kept without loss */
#define DIGEST_STORED	512		/* most items after compression */
#define DIGEST_LOOSE	1024	/* most items, and most values, held back */

typedef struct DigestItem
{
	double		value;
	uint64		weight;			/* count * 2, plus 1 if blurred */
} DigestItem;

#define DigestItemCount(item)		((int64) ((item)->weight >> 1))
#define DigestItemIsBlurred(item)	(((item)->weight & 1) != 0)
#define DigestWeight(count, blurred) \
	(((uint64) (count) << 1) | ((blurred) ? 1 : 0))

/* What reading a distribution takes. */
typedef struct Distribution
{
	int64		n;
	double		minimum;
	double		maximum;
	int			length;
	DigestItem	items[DIGEST_STORED];
} Distribution;

extern void athar_digest_sort(double *values, int length);
extern int	athar_digest_of_sorted(const double *values, int length,
								   DigestItem *items);
extern int	athar_digest_merge(const DigestItem *a, int a_length,
							   const DigestItem *b, int b_length,
							   DigestItem *merged);
extern int	athar_digest_compress(DigestItem *items, int length, int64 n);
extern double athar_digest_percentile(const Distribution *d, double p);
extern double athar_digest_share(const Distribution *d, double value);

#endif							/* ATHAR_DIGEST_H */
