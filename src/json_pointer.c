/*
 * json_pointer.c
 *	  A place in a JSON document (RFC 6901).
 */
#include "athar.h"

#include "json_pointer.h"

/* Take the escapes out of a token, in place; false where it has others. */
static bool
unescape(char *token)
{
	char	   *to = token;

	for (char *from = token; *from; from++)
	{
		if (*from != '~')
		{
			*to++ = *from;
			continue;
		}
		from++;
		if (*from != '0' && *from != '1')
			return false;
		*to++ = *from == '0' ? '~' : '/';
	}
	*to = '\0';
	return true;
}

/* The tokens of a pointer; false where the text is none. */
bool
athar_json_pointer_parse(const char *text, athar_json_pointer *pointer)
{
	char	   *rest;

	pointer->count = 0;
	pointer->tokens = NULL;
	if (*text == '\0')
		return true;			/* the whole document */
	if (*text !='/')
		return false;
	for (const char *c = text; *c; c++)
		pointer->count += *c == '/';
	pointer->tokens = palloc(pointer->count * sizeof(char *));
	rest = pstrdup(text +1);
	for (int i = 0; i < pointer->count; i++)
	{
		char	   *end = strchr(rest, '/');

		pointer->tokens[i] = rest;
		if (end)
		{
			*end = '\0';
			rest = end + 1;
		}
		if (!unescape(pointer->tokens[i]))
			return false;
	}
	return true;
}

/* The number of an element, or -1: digits alone, without leading zeros. */
int
athar_json_pointer_index(const char *token)
{
	int			length = strspn(token, "0123456789");

	if (length == 0 || token[length] != '\0' || length > 9 ||
		(length > 1 && token[0] == '0'))
		return -1;
	return atoi(token);
}

void
athar_json_pointer_append(StringInfo text, const char *token)
{
	appendStringInfoChar(text, '/');
	for (const char *c = token; *c; c++)
	{
		if (*c == '~')
			appendStringInfoString(text, "~0");
		else if (*c == '/')
			appendStringInfoString(text, "~1");
		else
			appendStringInfoChar(text, *c);
	}
}
