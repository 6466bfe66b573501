/*
 * access.c
 *	  Who is limited to units, what he sees, and granting from inside an
 *	  extension script.
 *
 * Row security asks with every query whether units limit a role.  Whoever owns
 * the extension, or is a superuser, is found without reading a table.  Which
 * projects the others see is read as the owner, for the current user alone: a
 * function with its owner's rights would not know who that is, and would tell
 * anybody how many projects an agency keeps to itself.
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

#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "catalog.h"
#include "statement.h"

static athar_statement has_no_limit = {
	.text = "SELECT coalesce(bool_or(g.unit_id IS NULL AND ($2 IS NULL OR athar.includes_level(g.level, $2))), true)"
	" FROM athar.access_grant AS g"
	" WHERE pg_has_role($1, to_regrole(quote_ident(g.role_name)), 'USAGE')",
	.expected = SPI_OK_SELECT,.count = 2,.types = {OIDOID, TEXTOID},
	.is_stable = true
};

static athar_statement sees_these = {
	.text = "SELECT p.id FROM athar.projects_of($1) AS p (id)",
	.expected = SPI_OK_SELECT,.count = 1,.types = {NAMEOID},
	.is_stable = true
};

/* Does no unit limit what a role does with a level? */
PG_FUNCTION_INFO_V1(athar_is_unlimited);
Datum
athar_is_unlimited(PG_FUNCTION_ARGS)
{
	Oid			grants = athar_catalog_oid(ATHAR_ACCESS_GRANT);
	char		nulls[] = {' ', PG_ARGISNULL(1) ? 'n' : ' ', '\0'};
	Datum		values[2];
	athar_owner_state state;
	bool		isnull;
	bool		result;

	if (PG_ARGISNULL(0))
		PG_RETURN_BOOL(false);
	values[0] = ObjectIdGetDatum(get_role_oid(NameStr(*PG_GETARG_NAME(0)),
											  false));
	values[1] = PG_GETARG_DATUM(1);
	if (athar_catalog_owns(DatumGetObjectId(values[0]), grants))
		PG_RETURN_BOOL(true);
	SPI_connect();
	athar_catalog_become_owner(grants, &state);
	athar_statement_run(&has_no_limit, values, nulls);
	result = DatumGetBool(athar_statement_found(0, 1, &isnull));
	athar_catalog_resign(&state);
	SPI_finish();
	PG_RETURN_BOOL(result);
}

/* The projects that a role limited to units sees. */
PG_FUNCTION_INFO_V1(athar_seen_projects);
Datum
athar_seen_projects(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	athar_owner_state state;
	Oid			role;
	Datum		value;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	if (PG_ARGISNULL(0))
		return (Datum) 0;
	value = PG_GETARG_DATUM(0);
	role = get_role_oid(NameStr(*DatumGetName(value)), false);
	if (!has_privs_of_role(GetUserId(), role))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("role \"%s\" may not ask what role \"%s\" sees",
						GetUserNameFromId(GetUserId(), false),
						NameStr(*DatumGetName(value))),
				 errdetail("Nothing was read."),
				 errhint("Ask as a member of that role.")));
	SPI_connect();
	athar_catalog_become_owner(athar_catalog_oid(ATHAR_ACCESS_GRANT), &state);
	athar_statement_run(&sees_these, &value, NULL);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;
		Datum		id = athar_statement_found(i, 1, &isnull);

		tuplestore_putvalues(result->setResult, result->setDesc, &id, &isnull);
	}
	athar_catalog_resign(&state);
	SPI_finish();
	return (Datum) 0;
}

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
