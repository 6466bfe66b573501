/*
 * error.c
 *	  Errors with a cause, a consequence and a remedy, for SQL bodies, and
 *	  the catching of one.
 *
 * A parsed SQL body has no RAISE.  Two functions are what it calls
 * instead, so that a person's mistake has the same shape everywhere: an
 * SQLSTATE to branch on, what is wrong, what follows from it, what to do.
 */
#include "athar.h"

#include "access/xact.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "error.h"

static char *
text_or_null(FunctionCallInfo fcinfo, int argno)
{
	if (PG_NARGS() <= argno || PG_ARGISNULL(argno))
		return NULL;
	return text_to_cstring(PG_GETARG_TEXT_PP(argno));
}

/* The five characters of an SQLSTATE as the server packs them. */
static int
pack_sqlstate(const char *sqlstate)
{
	if (sqlstate == NULL || strlen(sqlstate) != 5 ||
		strspn(sqlstate, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5 ||
		strncmp(sqlstate, "00", 2) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid SQLSTATE \"%s\"", sqlstate ? sqlstate : "")));
	return MAKE_SQLSTATE(sqlstate[0], sqlstate[1], sqlstate[2],
						 sqlstate[3], sqlstate[4]);
}

ErrorData *
athar_error_catch(MemoryContext context, ResourceOwner owner,
				  bool (*may_pass) (int code))
{
	ErrorData  *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	RollbackAndReleaseCurrentSubTransaction();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	if (!may_pass(error->sqlerrcode))
		ReThrowError(error);
	return error;
}

/* Raise an error with the given SQLSTATE, message, detail and hint. */
PG_FUNCTION_INFO_V1(athar_fail);
Datum
athar_fail(PG_FUNCTION_ARGS)
{
	char	   *sqlstate = text_or_null(fcinfo, 0);
	char	   *message = text_or_null(fcinfo, 1);
	char	   *detail = text_or_null(fcinfo, 2);
	char	   *hint = text_or_null(fcinfo, 3);

	ereport(ERROR,
			(errcode(pack_sqlstate(sqlstate)),
			 errmsg("%s", message ? message : "unspecified error"),
			 detail ? errdetail("%s", detail) : 0,
			 hint ? errhint("%s", hint) : 0));
	PG_RETURN_NULL();			/* keep the compiler quiet */
}

/* Raise "unknown KIND CODE", with the function that would define it. */
PG_FUNCTION_INFO_V1(athar_missing);
Datum
athar_missing(PG_FUNCTION_ARGS)
{
	char	   *kind = text_or_null(fcinfo, 0);
	char	   *code = text_or_null(fcinfo, 1);
	char	   *remedy = text_or_null(fcinfo, 2);

	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_OBJECT),
			 errmsg("%s \"%s\" does not exist",
					kind ? kind : "object", code ? code : ""),
			 errdetail("Nothing was changed."),
			 remedy ? errhint("Define it first with %s, or check the spelling of the code.", remedy) : 0));
	PG_RETURN_NULL();			/* keep the compiler quiet */
}
