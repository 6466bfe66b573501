/*
 * image.h
 *	  A JSON object, written in its stored form.
 */
#ifndef ATHAR_IMAGE_H
#define ATHAR_IMAGE_H

#include "lib/stringinfo.h"
#include "utils/jsonb.h"

typedef struct athar_image
{
	StringInfoData bytes;
	int			child;			/* names and values written so far */
	uint32		length;			/* of all of them */
} athar_image;

extern int	athar_image_compare(const char *a, int a_length,
								const char *b, int b_length);
extern void athar_image_begin(athar_image *image, int pairs);
extern void athar_image_add_name(athar_image *image, const char *name,
								 int length);
extern void athar_image_add_value(athar_image *image,
								  const JsonbValue *value);
extern Jsonb *athar_image_end(athar_image *image);

#endif							/* ATHAR_IMAGE_H */
