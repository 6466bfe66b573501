-- 05 base: the schema, codes, errors

CREATE SCHEMA athar;
COMMENT ON SCHEMA athar IS 'athar: versioned action plans, a change log, KPIs before and after, OKRs';

CREATE DOMAIN athar.code AS text
	CONSTRAINT code_check CHECK (VALUE = btrim(VALUE) AND VALUE <> '' AND char_length(VALUE) <= 200 AND VALUE !~ '[[:cntrl:]]');
COMMENT ON DOMAIN athar.code IS 'A key chosen by the user: not blank, no spaces around it, no control characters, at most 200 characters';

CREATE FUNCTION athar.fail(sqlstate text, message text, detail text DEFAULT NULL, hint text DEFAULT NULL)
RETURNS boolean
LANGUAGE C VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_fail';
COMMENT ON FUNCTION athar.fail(text, text, text, text) IS
'Raises an error: SQLSTATE, what is wrong, what follows from it, what to do. Never returns; its type lets a condition call it. 22023 if the SQLSTATE itself is malformed.';

CREATE FUNCTION athar.missing(kind text, code text, remedy text DEFAULT NULL)
RETURNS integer
LANGUAGE C VOLATILE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_missing';
COMMENT ON FUNCTION athar.missing(text, text, text) IS
'Raises 42704: the object of this kind and code does not exist; remedy names the function that would define it. Never returns; its type lets a look-up of an id fall through to it.';
