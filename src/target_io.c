/*
 * target_io.c
 *	  Targets of key results as people write them, and as clients send them.
 *
 * The parser raises nothing itself, it answers with a fault: one table holds
 * what is said to the person, and the server's soft errors come for free.
 * It does not guess.  A thousands separator may be a decimal comma, "95%" of
 * a share may mean 0.95, a unit belongs to the KPI: all three are refused.
 */
#include "athar.h"

#include <ctype.h>
#include <math.h>

#include "common/shortest_dec.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "target.h"

#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#elif !defined(ereturn)
#define ereturn(context, value, ...) \
	do { (void) (context); ereport(ERROR, __VA_ARGS__); } while (0)
#endif

typedef enum TargetFault
{
	FAULT_NONE,
	FAULT_SYNTAX,
	FAULT_BARE_NUMBER,
	FAULT_UNSIGNED_CHANGE,
	FAULT_PERCENT,
	FAULT_SEPARATOR,
	FAULT_UNIT,
	FAULT_NOT_FINITE,
	FAULT_OUT_OF_RANGE,
	FAULT_NO_CHANGE,
	FAULT_EQUAL,
	FAULT_REVERSED
} TargetFault;

typedef struct FaultText
{
	int			sqlstate;
	const char *message;		/* one %s: the literal */
	const char *detail;
	const char *hint;
} FaultText;

#define ALL_FORMS "Write \"from 40 to 90\", \"at least 95\", \"at most 24\", \"between 4.5 and 5\", \"milestone\", \"+20%\" or \"-50%\"."
#define INVALID "invalid target \"%s\""

static const FaultText fault_texts[] = {
	[FAULT_SYNTAX] = {ERRCODE_INVALID_PARAMETER_VALUE, INVALID,
		"It has none of the forms a target can have.",
	ALL_FORMS},
	[FAULT_BARE_NUMBER] = {ERRCODE_INVALID_PARAMETER_VALUE, INVALID,
		"A number alone says neither where the figure starts nor which way is better.",
	ALL_FORMS},
	[FAULT_UNSIGNED_CHANGE] = {ERRCODE_INVALID_PARAMETER_VALUE, INVALID,
		"A percentage without a sign could be a rise, a fall or a level.",
	"Write \"+20%\" or \"-20%\" for a change of the baseline, \"at least 20\" or \"at most 20\" for a level."},
	[FAULT_PERCENT] = {ERRCODE_INVALID_PARAMETER_VALUE, INVALID,
		"Only a change relative to a baseline takes a percent sign: 95% could be 95 or 0.95.",
	"Write the figure in the KPI's own unit: 0.95 where it is a share, 95 where it counts per cent."},
	[FAULT_SEPARATOR] = {ERRCODE_INVALID_PARAMETER_VALUE, INVALID,
		"A separator inside a number could be one of thousands or of decimals.",
	"Write digits without separators, and a point before the decimals: 1000.5."},
	[FAULT_UNIT] = {ERRCODE_INVALID_PARAMETER_VALUE, INVALID,
		"Something stands beside the number that is not part of a target, such as a unit.",
	"Leave units out: a target is in its KPI's unit of measure. Keep remarks in the goal's rationale."},
	[FAULT_NOT_FINITE] = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
		"target \"%s\" is not a finite number",
		"No progress can be measured towards NaN or infinity.",
	"Write a number, or leave the target out."},
	[FAULT_OUT_OF_RANGE] = {ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE,
		"target \"%s\" is out of range",
		"A number in it does not fit a double precision value.",
	"Choose a larger or smaller unit for the KPI."},
	[FAULT_NO_CHANGE] = {ERRCODE_INVALID_PARAMETER_VALUE,
		"target \"%s\" is equal to its start",
		"It leaves nothing to reach, so no progress could be measured.",
	"To keep a figure where it is, write \"at least\" or \"at most\" and the figure."},
	[FAULT_EQUAL] = {ERRCODE_INVALID_PARAMETER_VALUE,
		"target \"%s\" is equal to its start",
		"It leaves nothing to reach, so no progress could be measured.",
	"Give another target or start; to keep a figure where it is, write \"at least\" or \"at most\" and the figure."},
	[FAULT_REVERSED] = {ERRCODE_INVALID_PARAMETER_VALUE,
		"bounds of target \"%s\" are the wrong way round",
		"No figure lies between them.",
	"Write the smaller bound first, as in \"between 4.5 and 5\"."}
};

typedef struct KindText
{
	const char *name;			/* what kind_of() answers */
	int			figures;		/* how many figures it holds */
} KindText;

static const KindText kind_texts[] = {
	[TARGET_FROM_TO] = {"from_to", 2},
	[TARGET_AT_LEAST] = {"at_least", 1},
	[TARGET_AT_MOST] = {"at_most", 1},
	[TARGET_BETWEEN] = {"between", 2},
	[TARGET_MILESTONE] = {"milestone", 0},
	[TARGET_RELATIVE] = {"relative", 1}
};

/* Characters people type or paste. */
typedef struct Spelling
{
	const char *utf8;
	char		ascii;			/* 0: dropped */
} Spelling;

static const Spelling spellings[] = {
	{"\xD9\xAA", '%'},			/* Arabic percent sign */
	{"\xD9\xAB", '.'},			/* Arabic decimal separator */
	{"\xD9\xAC", ','},			/* Arabic thousands separator */
	{"\xD8\x8C", ','},			/* Arabic comma */
	{"\xE2\x88\x92", '-'},		/* minus sign */
	{"\xC2\xA0", ' '},			/* no-break space */
	{"\xE2\x80\xAF", ' '},		/* narrow no-break space */
	{"\xD8\x9C", 0},			/* Arabic letter mark */
	{"\xE2\x80\x8E", 0},		/* left-to-right mark */
	{"\xE2\x80\x8F", 0},		/* right-to-left mark */
	{"\xE2\x81\xA6", 0},		/* left-to-right isolate */
	{"\xE2\x81\xA7", 0},		/* right-to-left isolate */
	{"\xE2\x81\xA8", 0},		/* first strong isolate */
	{"\xE2\x81\xA9", 0},		/* pop directional isolate */
};

/* Length of the Arabic-Indic or Persian digit at s, 0 if there is none. */
static int
match_digit(const unsigned char *s, char *digit)
{
	if (s[0] == 0xD9 && s[1] >= 0xA0 && s[1] <= 0xA9)
		*digit = '0' + (s[1] - 0xA0);
	else if (s[0] == 0xDB && s[1] >= 0xB0 && s[1] <= 0xB9)
		*digit = '0' + (s[1] - 0xB0);
	else
		return 0;
	return 2;
}

/* Length of the known spelling at s, 0 if there is none. */
static int
match_spelling(const char *s, char *ascii)
{
	for (int i = 0; i < lengthof(spellings); i++)
	{
		int			length = strlen(spellings[i].utf8);

		if (strncmp(s, spellings[i].utf8, length) == 0)
		{
			*ascii = spellings[i].ascii;
			return length;
		}
	}
	return match_digit((const unsigned char *) s, ascii);
}

/* Bring every accepted spelling to lower-case ASCII; never longer. */
static char *
to_ascii(const char *source)
{
	char	   *ascii = palloc(strlen(source) + 1);
	char	   *end = ascii;
	bool		is_utf8 = GetDatabaseEncoding() == PG_UTF8;

	while (*source != '\0')
	{
		char		c;
		int			length = is_utf8 ? match_spelling(source, &c) : 0;

		if (length == 0)
		{
			c = pg_ascii_tolower((unsigned char) *source);
			length = 1;
		}
		if (c != 0)
			*end++ = isspace((unsigned char) c) ? ' ' : c;
		source += length;
	}
	*end = '\0';
	return ascii;
}

static void
skip_spaces(const char **cursor)
{
	while (**cursor == ' ')
		(*cursor)++;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool
eat_char(const char **cursor, char c)
{
	skip_spaces(cursor);
	if (**cursor != c)
		return false;
	(*cursor)++;
	return true;
}

static bool
eat_word(const char **cursor, const char *word)
{
	int			length = strlen(word);

	skip_spaces(cursor);
	if (strncmp(*cursor, word, length) != 0 || is_letter((*cursor)[length]))
		return false;
	*cursor += length;
	return true;
}

static const char *
skip_digits(const char *s)
{
	while (is_digit(*s))
		s++;
	return s;
}

/* The end of the decimal number at s, s itself if there is none. */
static const char *
number_end(const char *s)
{
	const char *digits = (*s == '+' || *s == '-') ? s + 1 : s;
	const char *end = skip_digits(digits);
	int			count = end - digits;

	if (*end == '.')
	{
		const char *decimals = end + 1;

		end = skip_digits(decimals);
		count += end - decimals;
	}
	if (count == 0)
		return s;
	if (*end == 'e')
	{
		const char *exponent = end + 1;

		if (*exponent == '+' || *exponent == '-')
			exponent++;
		if (is_digit(*exponent))
			end = skip_digits(exponent);
	}
	return end;
}

static TargetFault
eat_number(const char **cursor, double *number)
{
	const char *end;

	skip_spaces(cursor);
	end = number_end(*cursor);
	if (end == *cursor)
	{
		if (**cursor == '+' || **cursor == '-')
			(*cursor)++;
		if (eat_word(cursor, "nan") || eat_word(cursor, "inf") ||
			eat_word(cursor, "infinity"))
			return FAULT_NOT_FINITE;
		return FAULT_SYNTAX;
	}

	/* The backend keeps LC_NUMERIC at C, so a point is a point. */
	errno = 0;
	*number = strtod(*cursor, NULL) + 0.0;	/* -0 becomes 0 */
	if (errno == ERANGE && (*number == 0 || isinf(*number)))
		return FAULT_OUT_OF_RANGE;
	*cursor = end;
	return FAULT_NONE;
}

/* Say what is wrong where a number should have been followed by something. */
static TargetFault
unexpected(const char *cursor)
{
	skip_spaces(&cursor);
	if (*cursor == '\0')
		return FAULT_SYNTAX;
	if (*cursor == '%')
		return FAULT_PERCENT;
	if (is_digit(*cursor) || strchr(",'_", *cursor) != NULL)
		return FAULT_SEPARATOR;
	return FAULT_UNIT;
}

static TargetFault
parse_one(const char **cursor, Target *target, TargetKind kind)
{
	target->kind = kind;
	return eat_number(cursor, &target->first);
}

/* Two numbers with a word between them. */
static TargetFault
parse_two(const char **cursor, Target *target, TargetKind kind,
		  const char *word)
{
	TargetFault fault = parse_one(cursor, target, kind);

	if (fault != FAULT_NONE)
		return fault;
	if (!eat_word(cursor, word))
		return unexpected(*cursor);
	return eat_number(cursor, &target->second);
}

/* A change in per cent; its sign is not optional. */
static TargetFault
parse_change(const char **cursor, Target *target)
{
	bool		is_signed;
	TargetFault fault;

	skip_spaces(cursor);
	is_signed = (**cursor == '+' || **cursor == '-');
	fault = parse_one(cursor, target, TARGET_RELATIVE);
	if (fault != FAULT_NONE)
		return fault;
	if (!eat_char(cursor, '%'))
	{
		fault = unexpected(*cursor);
		return fault == FAULT_SEPARATOR ? fault : FAULT_BARE_NUMBER;
	}
	return is_signed ? FAULT_NONE : FAULT_UNSIGNED_CHANGE;
}

static TargetFault
parse_form(const char **cursor, Target *target)
{
	if (eat_word(cursor, "from"))
		return parse_two(cursor, target, TARGET_FROM_TO, "to");
	if (eat_word(cursor, "between"))
		return parse_two(cursor, target, TARGET_BETWEEN, "and");
	if (eat_word(cursor, "milestone"))
	{
		target->kind = TARGET_MILESTONE;
		return FAULT_NONE;
	}
	if (eat_word(cursor, "at"))
	{
		if (eat_word(cursor, "least"))
			return parse_one(cursor, target, TARGET_AT_LEAST);
		if (eat_word(cursor, "most"))
			return parse_one(cursor, target, TARGET_AT_MOST);
		return FAULT_SYNTAX;
	}
	return parse_change(cursor, target);
}

/* What no target may be, whichever way it came in. */
static TargetFault
check_figures(const Target *target)
{
	if (!isfinite(target->first) || !isfinite(target->second))
		return FAULT_NOT_FINITE;
	if (target->kind == TARGET_FROM_TO && target->first == target->second)
		return FAULT_EQUAL;
	if (target->kind == TARGET_BETWEEN && target->first > target->second)
		return FAULT_REVERSED;
	if (target->kind == TARGET_RELATIVE && target->first == 0)
		return FAULT_NO_CHANGE;
	return FAULT_NONE;
}

static TargetFault
parse_target(const char *ascii, Target *target)
{
	const char *cursor = ascii;
	TargetFault fault = parse_form(&cursor, target);

	if (fault != FAULT_NONE)
		return fault;
	skip_spaces(&cursor);
	if (*cursor != '\0')
		return target->kind == TARGET_MILESTONE ? FAULT_SYNTAX :
			unexpected(cursor);
	return check_figures(target);
}

static Target *
new_target(void)
{
	Target	   *target = palloc0(sizeof(Target));

	target->version = TARGET_VERSION;
	return target;
}

/* Read a target as people write it. */
PG_FUNCTION_INFO_V1(athar_target_in);
Datum
athar_target_in(PG_FUNCTION_ARGS)
{
	char	   *literal = PG_GETARG_CSTRING(0);
	Target	   *target = new_target();
	TargetFault fault = parse_target(to_ascii(literal), target);
	const FaultText *text = &fault_texts[fault];

	if (fault != FAULT_NONE)
		ereturn(fcinfo->context, (Datum) 0,
				(errcode(text->sqlstate),
				 errmsg(text->message, literal),
				 errdetail("%s", text->detail),
				 errhint("%s", text->hint)));
	PG_RETURN_TARGET_P(target);
}

/* Would a text be read as a target? */
PG_FUNCTION_INFO_V1(athar_is_target);
Datum
athar_is_target(PG_FUNCTION_ARGS)
{
	char	   *literal = text_to_cstring(PG_GETARG_TEXT_PP(0));

	PG_RETURN_BOOL(parse_target(to_ascii(literal), new_target()) == FAULT_NONE);
}

/* Write a target so that it reads back to the same value. */
PG_FUNCTION_INFO_V1(athar_target_out);
Datum
athar_target_out(PG_FUNCTION_ARGS)
{
	Target	   *target = PG_GETARG_TARGET_P(0);
	char		first[DOUBLE_SHORTEST_DECIMAL_LEN];
	char		second[DOUBLE_SHORTEST_DECIMAL_LEN];

	/* Unlike float8out, this looks at no setting. */
	double_to_shortest_decimal_buf(target->first, first);
	double_to_shortest_decimal_buf(target->second, second);
	switch ((TargetKind) target->kind)
	{
		case TARGET_FROM_TO:
			PG_RETURN_CSTRING(psprintf("from %s to %s", first, second));
		case TARGET_AT_LEAST:
			PG_RETURN_CSTRING(psprintf("at least %s", first));
		case TARGET_AT_MOST:
			PG_RETURN_CSTRING(psprintf("at most %s", first));
		case TARGET_BETWEEN:
			PG_RETURN_CSTRING(psprintf("between %s and %s", first, second));
		case TARGET_MILESTONE:
			PG_RETURN_CSTRING(pstrdup("milestone"));
		case TARGET_RELATIVE:
			PG_RETURN_CSTRING(psprintf("%s%s%%",
									   target->first > 0 ? "+" : "", first));
	}
	elog(ERROR, "target of unknown kind %d", target->kind);
}

/* Read version, kind and the figures the kind has. */
PG_FUNCTION_INFO_V1(athar_target_recv);
Datum
athar_target_recv(PG_FUNCTION_ARGS)
{
	StringInfo	message = (StringInfo) PG_GETARG_POINTER(0);
	Target	   *target = new_target();
	int			version = pq_getmsgbyte(message);
	int			figures;

	target->kind = pq_getmsgbyte(message);
	if (version != TARGET_VERSION ||
		target->kind < TARGET_FROM_TO || target->kind > TARGET_RELATIVE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid target in binary form: version %d, kind %d",
						version, target->kind),
				 errdetail("This version of athar reads version %d, kinds %d to %d.",
						   TARGET_VERSION, TARGET_FROM_TO, TARGET_RELATIVE),
				 errhint("Send the target as text, or use the same version on both sides.")));

	figures = kind_texts[target->kind].figures;
	if (figures > 0)
		target->first = pq_getmsgfloat8(message) + 0.0;
	if (figures > 1)
		target->second = pq_getmsgfloat8(message) + 0.0;
	if (check_figures(target) != FAULT_NONE)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
				 errmsg("invalid target in binary form: its figures contradict its kind"),
				 errdetail("The figures of a \"%s\" target are not finite, equal, or the wrong way round.",
						   kind_texts[target->kind].name),
				 errhint("Send the target as text to see what is wrong with it.")));
	PG_RETURN_TARGET_P(target);
}

/* Send version, kind and the figures the kind has. */
PG_FUNCTION_INFO_V1(athar_target_send);
Datum
athar_target_send(PG_FUNCTION_ARGS)
{
	Target	   *target = PG_GETARG_TARGET_P(0);
	int			figures = kind_texts[target->kind].figures;
	StringInfoData message;

	pq_begintypsend(&message);
	pq_sendbyte(&message, target->version);
	pq_sendbyte(&message, target->kind);
	if (figures > 0)
		pq_sendfloat8(&message, target->first);
	if (figures > 1)
		pq_sendfloat8(&message, target->second);
	PG_RETURN_BYTEA_P(pq_endtypsend(&message));
}

/* Say what kind of target it is. */
PG_FUNCTION_INFO_V1(athar_kind_of);
Datum
athar_kind_of(PG_FUNCTION_ARGS)
{
	Target	   *target = PG_GETARG_TARGET_P(0);

	PG_RETURN_TEXT_P(cstring_to_text(kind_texts[target->kind].name));
}
