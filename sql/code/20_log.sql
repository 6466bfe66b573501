-- 20 log: who acts and why, tracking, reading the log

CREATE OR REPLACE FUNCTION athar.current_actor()
RETURNS text
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_current_actor';
COMMENT ON FUNCTION athar.current_actor() IS
'Who acts: the setting athar.actor if it is not blank, else the database role in force outside any SECURITY DEFINER function.';

CREATE OR REPLACE FUNCTION athar.set_context(actor text, reason text)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	SELECT set_config('athar.actor', coalesce(set_context.actor, ''), true);
	SELECT set_config('athar.reason', coalesce(set_context.reason, ''), true);
END;
COMMENT ON FUNCTION athar.set_context(text, text) IS
'Says for the rest of this transaction who acts (athar.actor) and why (athar.reason); NULL clears. The database role is recorded beside it in any case.';

CREATE OR REPLACE FUNCTION athar.is_restoring()
RETURNS boolean
LANGUAGE C STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'athar_is_restoring';
COMMENT ON FUNCTION athar.is_restoring() IS
'Whether this session restores a dump: it has the settings every script of pg_dump begins with, and its session user may insert into the log anyway. Triggers of this extension''s tables ask it on INSERT.';
