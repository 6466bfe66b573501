/*
 * context.c
 *	  Who acts and why: the settings athar.actor and athar.reason, and the row
 *	  of log_transaction that every entry of a transaction refers to.
 *
 * That row is written when a transaction first changes a tracked row, and
 * again when a role, the actor or the reason is another one than before.
 * Its id is kept in this backend's memory together with the subtransaction
 * that wrote it: when that one is rolled back, the row is gone, and the next
 * change writes another.
 *
 * The role is the one outside any SECURITY DEFINER function, so a function
 * cannot hide who called it; an actor is a name added to it, never instead.
 * Where the server runs code of a table's owner for somebody else (ANALYZE,
 * REINDEX, REFRESH MATERIALIZED VIEW, autovacuum), the role outside is that
 * somebody, who asked for nothing: there the owner acts.
 */
#include "athar.h"

#include "access/transam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#include "catalog.h"
#include "context.h"

#define TRANSACTION_COLUMNS 10

static char *actor_setting;
static char *reason_setting;

/* The newest row this transaction wrote; id 0 if there is none. */
static struct
{
	int64		id;
	SubTransactionId writer;
	Oid			session_user;
	Oid			role;
	char	   *actor;
	char	   *reason;
}			current;

/* A blank setting says nothing. */
static const char *
unless_blank(const char *setting)
{
	if (setting == NULL || setting[strspn(setting, " \t\n\r\f\v")] == '\0')
		return NULL;
	return setting;
}

const char *
athar_context_reason(void)
{
	return unless_blank(reason_setting);
}

static bool
same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/*
 * The role that acts.  In a security-restricted operation of the server it is
 * the owner of the table that the server works on, and not known any more
 * inside a SECURITY DEFINER function.
 */
static Oid
acting_role(void)
{
	if (!InSecurityRestrictedOperation())
		return GetOuterUserId();
	if (InLocalUserIdChange())
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("cannot tell who acts within a security-restricted operation"),
				 errdetail("A function with its owner's rights was called while the server maintained a table or a materialized view; nothing was changed."),
				 errhint("Do not write from functions that indexes or materialized views use.")));
	return GetUserId();
}

static char *
keep(const char *string)
{
	return string ? MemoryContextStrdup(TopTransactionContext, string) : NULL;
}

static Datum
text_or_null(const char *string, bool *isnull)
{
	*isnull = string == NULL;
	return string ? CStringGetTextDatum(string) : (Datum) 0;
}

static Datum
client_address(bool *isnull)
{
	LOCAL_FCINFO(fcinfo, 0);
	Datum		address;

	InitFunctionCallInfoData(*fcinfo, NULL, 0, InvalidOid, NULL, NULL);
	address = inet_client_addr(fcinfo);
	*isnull = fcinfo->isnull;
	return address;
}

/*
 * The transaction's number is assigned before any of its ids in the log is
 * drawn, here and (because the capture calls this first) those of its entries:
 * so a transaction that has no number yet when somebody looks at the sequences
 * will have ids above what he sees.  Sealing finds late entries by this.
 */
static int64
write_transaction(Oid role, const char *actor, const char *reason)
{
	Datum		values[TRANSACTION_COLUMNS];
	bool		nulls[TRANSACTION_COLUMNS] = {false};
	FullTransactionId xid = GetTopFullTransactionId();
	int64		id = athar_catalog_nextval(ATHAR_LOG_TRANSACTION);
	const char *program = application_name;
	int			i = 0;

	values[i++] = Int64GetDatum(id);
	values[i++] = TimestampTzGetDatum(GetCurrentTransactionStartTimestamp());
	values[i++] = FullTransactionIdGetDatum(xid);
	values[i++] = Int64GetDatum((int64) GetSystemIdentifier());
	values[i++] = CStringGetTextDatum(GetUserNameFromId(GetSessionUserId(),
														false));
	values[i++] = CStringGetTextDatum(GetUserNameFromId(role, false));
	values[i] = text_or_null(actor, &nulls[i]);
	i++;
	values[i] = text_or_null(reason, &nulls[i]);
	i++;
	values[i] = text_or_null(program && *program ? program : NULL, &nulls[i]);
	i++;
	values[i] = client_address(&nulls[i]);
	athar_catalog_insert(ATHAR_LOG_TRANSACTION, values, nulls);
	return id;
}

/* The id of the transaction's row that says who acts now, and why. */
int64
athar_context_transaction(void)
{
	Oid			role = acting_role();
	const char *actor = unless_blank(actor_setting);
	const char *reason = unless_blank(reason_setting);

	if (current.id != 0 && current.role == role &&
		current.session_user == GetSessionUserId() &&
		same(current.actor, actor) && same(current.reason, reason))
		return current.id;

	current.id = 0;
	current.session_user = GetSessionUserId();
	current.role = role;
	current.actor = keep(actor);
	current.reason = keep(reason);
	current.writer = GetCurrentSubTransactionId();
	current.id = write_transaction(role, actor, reason);
	return current.id;
}

static void
at_transaction_end(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_COMMIT || event == XACT_EVENT_ABORT ||
		event == XACT_EVENT_PREPARE)
		current.id = 0;
}

static void
at_subtransaction_end(SubXactEvent event, SubTransactionId subid,
					  SubTransactionId parent, void *arg)
{
	if (current.writer != subid)
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		current.id = 0;
	else if (event == SUBXACT_EVENT_COMMIT_SUB)
		current.writer = parent;
}

void
athar_context_init(void)
{
	DefineCustomStringVariable("athar.actor",
							   "The person on whose behalf the application acts.",
							   "Recorded beside the database role, never instead of it.",
							   &actor_setting, "", PGC_USERSET, 0,
							   NULL, NULL, NULL);
	DefineCustomStringVariable("athar.reason",
							   "Why the rows are changed.",
							   NULL,
							   &reason_setting, "", PGC_USERSET, 0,
							   NULL, NULL, NULL);
	RegisterXactCallback(at_transaction_end, NULL);
	RegisterSubXactCallback(at_subtransaction_end, NULL);
}

/* athar.actor, or NULL. */
const char *
athar_context_actor(void)
{
	return unless_blank(actor_setting);
}

/* The role in force outside any SECURITY DEFINER function. */
const char *
athar_context_role(void)
{
	return GetUserNameFromId(acting_role(), false);
}

/* The person acting: athar.actor, or else the role outside any definer. */
PG_FUNCTION_INFO_V1(athar_current_actor);
Datum
athar_current_actor(PG_FUNCTION_ARGS)
{
	const char *actor = athar_context_actor();

	PG_RETURN_TEXT_P(cstring_to_text(actor ? actor : athar_context_role()));
}
