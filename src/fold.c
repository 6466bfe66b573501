/*
 * fold.c
 *	  Texts as they are compared in a search, with Arabic as people type it.
 *
 * The same Arabic word is written with and without its vowel signs, with and
 * without the hamza on its alef, with ya or alef maqsura, with ta marbuta or
 * ha, by the same person on the same day.  Who searches means all of them, so
 * both the text and the question are folded to one form.  A folded text is
 * for comparing: it is not to be shown to anybody.
 *
 * Of a folded Arabic word the dictionary takes off what is written together
 * with it: the article, with the conjunction or preposition before it, and
 * the commonest endings (the light stemming of Larkey, Ballesteros and
 * Connell, 2002).  The stemmer that comes with the server makes different
 * stems of one noun with and without its article.  Plurals that change the
 * word inside stay words of their own.
 */
#include "athar.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "tsearch/ts_locale.h"
#include "tsearch/ts_public.h"
#include "utils/builtins.h"

/* Vowel signs and other marks on letters, tatweel, marks of direction. */
static bool
is_mark(pg_wchar letter)
{
	return (letter >= 0x0610 && letter <= 0x061A) || letter == 0x061C ||
		letter == 0x0640 ||
		(letter >= 0x064B && letter <= 0x065F) || letter == 0x0670 ||
		(letter >= 0x06D6 && letter <= 0x06DC) ||
		(letter >= 0x06DF && letter <= 0x06E4) ||
		letter == 0x06E7 || letter == 0x06E8 ||
		(letter >= 0x06EA && letter <= 0x06ED) ||
		(letter >= 0x200B && letter <= 0x200F) ||
		(letter >= 0x202A && letter <= 0x202E) ||
		(letter >= 0x2060 && letter <= 0x2069) || letter == 0xFEFF;
}

/* The letter that stands for all that are written for it. */
static pg_wchar
folded(pg_wchar letter)
{
	if (letter >= 0x0660 && letter <= 0x0669)
		return '0' + (letter - 0x0660);
	if (letter >= 0x06F0 && letter <= 0x06F9)
		return '0' + (letter - 0x06F0);
	switch (letter)
	{
		case 0x0622:			/* alef with madda, with hamza above, below */
		case 0x0623:
		case 0x0625:
		case 0x0671:			/* alef wasla */
			return 0x0627;
		case 0x0624:			/* waw with hamza */
			return 0x0648;
		case 0x0626:			/* ya with hamza */
		case 0x0649:			/* alef maqsura */
		case 0x06CC:			/* Farsi ya */
			return 0x064A;
		case 0x0629:			/* ta marbuta */
		case 0x06C1:
		case 0x06D5:
			return 0x0647;
		case 0x06A9:			/* Farsi kaf */
			return 0x0643;
		default:
			return letter;
	}
}

/*
 * Fold UTF-8 in place; the new length.  No letter grows.  What is no UTF-8,
 * which a database without an encoding may hold, stays as it is.
 */
static int
fold_utf8(char *text, int length)
{
	unsigned char *from = (unsigned char *) text;
	unsigned char *end = from + length;
	unsigned char *to = from;

	while (from < end)
	{
		int			size = pg_utf_mblen(from);
		pg_wchar	letter;

		CHECK_FOR_INTERRUPTS();
		if (size < 2 || size > 3 || size > end - from ||
			!pg_utf8_islegal(from, size))
		{
			*to++ = *from++;
			continue;
		}
		letter = utf8_to_unicode(from);
		from += size;
		if (is_mark(letter))
			continue;
		letter = folded(letter);
		unicode_to_utf8(letter, to);
		to += pg_utf_mblen(to);
	}
	return to - (unsigned char *) text;
}

PG_FUNCTION_INFO_V1(athar_fold);
Datum
athar_fold(PG_FUNCTION_ARGS)
{
	char	   *given = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool		is_utf8 = GetDatabaseEncoding() == PG_UTF8 ||
	GetDatabaseEncoding() == PG_SQL_ASCII;
	char	   *utf8 = is_utf8 ? given :
	pg_server_to_any(given, strlen(given), PG_UTF8);
	int			length = fold_utf8(utf8, strlen(utf8));

	utf8[length] = '\0';
	PG_RETURN_TEXT_P(cstring_to_text(is_utf8 ? utf8 :
									 pg_any_to_server(utf8, length, PG_UTF8)));
}

/* The article, longest forms first. */
static const char *const prefixes[] = {
	"وال", "بال", "كال", "فال", "ال", "لل", NULL
};

static const char *const suffixes[] = {
	"ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي", NULL
};

/* A letter of these words has two bytes. */
#define LETTER			2

/* Whether a word begins with this and has two letters more. */
static bool
has_prefix(const char *word, const char *prefix)
{
	return strncmp(word, prefix, strlen(prefix)) == 0 &&
		strlen(word) >= strlen(prefix) + 2 * LETTER;
}

static bool
has_suffix(const char *word, const char *suffix)
{
	int			rest = (int) strlen(word) - (int) strlen(suffix);

	return rest >= 2 * LETTER && strcmp(word + rest, suffix) == 0;
}

/* What is left of a word, in place. */
static char *
stem(char *word)
{
	for (int i = 0; prefixes[i] != NULL; i++)
	{
		if (has_prefix(word, prefixes[i]))
		{
			word += strlen(prefixes[i]);
			break;
		}
	}
	/* A word of its own that begins like the article. */
	if (has_prefix(word, "ال"))
		word += strlen("ال");
	for (int i = 0; suffixes[i] != NULL; i++)
	{
		if (has_suffix(word, suffixes[i]))
			word[strlen(word) - strlen(suffixes[i])] = '\0';
	}
	return word;
}

/*
 * Lexize method of the dictionary.  A word that begins with waw may be "and"
 * with another word, or begin so by itself, as "ministry" does: it is both.
 */
PG_FUNCTION_INFO_V1(athar_arabic_lexize);
Datum
athar_arabic_lexize(PG_FUNCTION_ARGS)
{
	char	   *word = lowerstr_with_len((char *) PG_GETARG_POINTER(1),
										 PG_GETARG_INT32(2));
	TSLexeme   *lexemes = palloc0(3 * sizeof(TSLexeme));

	if (GetDatabaseEncoding() == PG_UTF8)
		word = pstrdup(stem(word));
	lexemes[0].nvariant = 1;
	lexemes[0].lexeme = word;
	if (strncmp(word, "و", LETTER) == 0 && strlen(word) >= 4 * LETTER)
	{
		lexemes[1].nvariant = 2;
		lexemes[1].lexeme = pstrdup(word + LETTER);
	}
	PG_RETURN_POINTER(lexemes);
}
