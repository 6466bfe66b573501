/*
 * image.c
 *	  A JSON object, written in its stored form.
 *
 * The server's own way to make an object collects it as a tree, sorts it, and
 * takes documents within it apart; for the log, whose names are known and
 * sorted beforehand, that costs several times what writing costs.  The form
 * is laid down in utils/jsonb.h, and what is written here is the same bytes.
 *
 * The caller gives all names first, in the order of jsonb, and then a value
 * for each.
 */
#include "athar.h"

#include "image.h"

#define ENTRIES (VARHDRSZ + sizeof(uint32))

/* The order of names in jsonb. */
int
athar_image_compare(const char *a, int a_length, const char *b, int b_length)
{
	if (a_length != b_length)
		return a_length < b_length ? -1 : 1;
	return memcmp(a, b, a_length);
}

void
athar_image_begin(athar_image *image, int pairs)
{
	int			size = ENTRIES + 2 * pairs * sizeof(JEntry);

	initStringInfo(&image->bytes);
	enlargeStringInfo(&image->bytes, size);
	image->bytes.len = size;
	*(uint32 *) (image->bytes.data + VARHDRSZ) = pairs | JB_FOBJECT;
	image->child = 0;
	image->length = 0;
}

/* Enter the child that begins at a place and ends here. */
static void
enter(athar_image *image, uint32 type, int begin)
{
	uint32		length = image->bytes.len - begin;
	JEntry	   *entry = (JEntry *) (image->bytes.data + ENTRIES) +
	image->child;

	image->length += length;
	if (image->length > JENTRY_OFFLENMASK)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("total size of jsonb object elements exceeds the maximum of %u bytes",
						JENTRY_OFFLENMASK)));
	*entry = type | (image->child % JB_OFFSET_STRIDE != 0 ? length :
					 image->length | JENTRY_HAS_OFF);
	image->child++;
}

/* Numbers and containers begin at multiples of four. */
static void
pad(athar_image *image)
{
	static const char zeros[sizeof(int32)] = {0};

	appendBinaryStringInfo(&image->bytes, zeros,
						   INTALIGN(image->bytes.len) - image->bytes.len);
}

void
athar_image_add_name(athar_image *image, const char *name, int length)
{
	int			begin = image->bytes.len;

	appendBinaryStringInfo(&image->bytes, name, length);
	enter(image, JENTRY_ISSTRING, begin);
}

/* A scalar, or a document as it is stored (jbvBinary). */
void
athar_image_add_value(athar_image *image, const JsonbValue *value)
{
	int			begin = image->bytes.len;

	switch (value->type)
	{
		case jbvNull:
			enter(image, JENTRY_ISNULL, begin);
			break;
		case jbvBool:
			enter(image, value->val.boolean ? JENTRY_ISBOOL_TRUE :
				  JENTRY_ISBOOL_FALSE, begin);
			break;
		case jbvString:
			appendBinaryStringInfo(&image->bytes, value->val.string.val,
								   value->val.string.len);
			enter(image, JENTRY_ISSTRING, begin);
			break;
		case jbvNumeric:
			pad(image);
			appendBinaryStringInfo(&image->bytes,
								   (char *) value->val.numeric,
								   VARSIZE_ANY(value->val.numeric));
			enter(image, JENTRY_ISNUMERIC, begin);
			break;
		case jbvBinary:
			pad(image);
			appendBinaryStringInfo(&image->bytes,
								   (char *) value->val.binary.data,
								   value->val.binary.len);
			enter(image, JENTRY_ISCONTAINER, begin);
			break;
		default:
			elog(ERROR, "unexpected type of jsonb value: %d", value->type);
	}
}

Jsonb *
athar_image_end(athar_image *image)
{
	SET_VARSIZE(image->bytes.data, image->bytes.len);
	return (Jsonb *) image->bytes.data;
}
