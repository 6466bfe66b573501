/*
 * access.c
 *	  Granting from inside an extension script.
 *
 * What a script of CREATE or ALTER EXTENSION grants, the server records as
 * initial privileges of the extension, and pg_dump leaves those out, because
 * the same script will give them again.  What we grant to roles comes from a
 * table, not from the script: an upgrade that gives new objects to the roles
 * would make every later dump lose what the roles have, old grants included,
 * since the whole list of an object is recorded.  SQL has no way to say "this
 * is not part of the script", so the one statement runs through here.
 *
 * The command runs with the caller's rights.  It is not looked into.
 *
 * Who gives a level is known by the role outside every function.  Where the
 * server runs code of a table's owner for somebody else (ANALYZE, REINDEX,
 * autovacuum), that role gave no order, so nothing is given or taken there.
 */
#include "athar.h"

#include "commands/extension.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* Run a GRANT or REVOKE as if no extension script were running. */
PG_FUNCTION_INFO_V1(athar_run_grant);
Datum
athar_run_grant(PG_FUNCTION_ARGS)
{
	char	   *command = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool		in_script = creating_extension;

	if (InSecurityRestrictedOperation())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot change access within a security-restricted operation"),
				 errdetail("The server is maintaining a table or a materialized view; nothing was changed."),
				 errhint("Call athar.grant_access() or athar.revoke_access() directly.")));
	SPI_connect();
	creating_extension = false;
	PG_TRY();
	{
		if (SPI_execute(command, false, 0) != SPI_OK_UTILITY)
			elog(ERROR, "not a GRANT or REVOKE: %s", command);
	}
	PG_FINALLY();
	{
		creating_extension = in_script;
	}
	PG_END_TRY();
	SPI_finish();
	PG_RETURN_VOID();
}
