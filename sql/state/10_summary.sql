-- The mergeable summary of numbers: type, text, JSON and binary forms,
-- addition, equality.

CREATE TYPE athar.summary;

CREATE FUNCTION athar.summary_in(cstring) RETURNS athar.summary
	AS 'MODULE_PATHNAME', 'athar_summary_in'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_in(cstring) IS
	'Reads the text form of a summary; 22P02 if it is not one.';

CREATE FUNCTION athar.summary_out(athar.summary) RETURNS cstring
	AS 'MODULE_PATHNAME', 'athar_summary_out'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_out(athar.summary) IS
	'Writes the text form of a summary: compact JSON that reads back to the same value.';

CREATE FUNCTION athar.summary_recv(internal) RETURNS athar.summary
	AS 'MODULE_PATHNAME', 'athar_summary_recv'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_recv(internal) IS
	'Reads the binary form of a summary; 22P03 if it is not one.';

CREATE FUNCTION athar.summary_send(athar.summary) RETURNS bytea
	AS 'MODULE_PATHNAME', 'athar_summary_send'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_send(athar.summary) IS
	'Writes the binary form of a summary.';

CREATE TYPE athar.summary (
	INPUT = athar.summary_in,
	OUTPUT = athar.summary_out,
	RECEIVE = athar.summary_recv,
	SEND = athar.summary_send,
	INTERNALLENGTH = VARIABLE,
	ALIGNMENT = double,
	STORAGE = extended
);
COMMENT ON TYPE athar.summary IS
	'A mergeable summary of numbers: how many, mean, standard deviation, minimum, maximum and distribution. Exact up to 64 distinct values, a t-digest beyond; NaN and infinities are counted apart.';

CREATE FUNCTION athar.summary_to_jsonb(summary athar.summary) RETURNS jsonb
	AS 'MODULE_PATHNAME', 'athar_summary_to_jsonb'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_to_jsonb(athar.summary) IS
	'The text form of a summary as jsonb; the cast does the same.';

CREATE FUNCTION athar.summary_from_jsonb(document jsonb) RETURNS athar.summary
	AS 'MODULE_PATHNAME', 'athar_summary_from_jsonb'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_from_jsonb(jsonb) IS
	'The summary whose text form this is; 22P02 if it is none; the cast does the same.';

CREATE CAST (athar.summary AS jsonb)
	WITH FUNCTION athar.summary_to_jsonb(athar.summary);
COMMENT ON CAST (athar.summary AS jsonb) IS
	'The text form of a summary as jsonb.';

CREATE CAST (jsonb AS athar.summary)
	WITH FUNCTION athar.summary_from_jsonb(jsonb);
COMMENT ON CAST (jsonb AS athar.summary) IS
	'The summary whose text form this is.';

CREATE FUNCTION athar.combine(a athar.summary, b athar.summary)
	RETURNS athar.summary
	AS 'MODULE_PATHNAME', 'athar_combine'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.combine(athar.summary, athar.summary) IS
	'The summary of the values behind two summaries together; the operator + does the same. If the distribution of one is unknown, so is that of the result. NULL if one is NULL; 22003 if they count more than 2^63 - 1 values.';

CREATE OPERATOR athar.+ (
	LEFTARG = athar.summary,
	RIGHTARG = athar.summary,
	FUNCTION = athar.combine,
	COMMUTATOR = OPERATOR(athar.+)
);
COMMENT ON OPERATOR athar.+ (athar.summary, athar.summary) IS
	'The summary of the values behind two summaries together.';

CREATE FUNCTION athar.summary_eq(a athar.summary, b athar.summary)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'athar_summary_eq'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_eq(athar.summary, athar.summary) IS
	'Are two summaries the same to the last bit? The operator = does the same.';

CREATE FUNCTION athar.summary_ne(a athar.summary, b athar.summary)
	RETURNS boolean
	AS 'MODULE_PATHNAME', 'athar_summary_ne'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_ne(athar.summary, athar.summary) IS
	'Do two summaries differ? The operator <> does the same.';

CREATE FUNCTION athar.summary_hash(summary athar.summary) RETURNS integer
	AS 'MODULE_PATHNAME', 'athar_summary_hash'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_hash(athar.summary) IS
	'The hash of a summary, for DISTINCT, GROUP BY and EXCEPT.';

CREATE OPERATOR athar.= (
	LEFTARG = athar.summary,
	RIGHTARG = athar.summary,
	FUNCTION = athar.summary_eq,
	COMMUTATOR = OPERATOR(athar.=),
	NEGATOR = OPERATOR(athar.<>),
	RESTRICT = eqsel,
	JOIN = eqjoinsel,
	HASHES
);
COMMENT ON OPERATOR athar.= (athar.summary, athar.summary) IS
	'Are two summaries the same to the last bit?';

CREATE OPERATOR athar.<> (
	LEFTARG = athar.summary,
	RIGHTARG = athar.summary,
	FUNCTION = athar.summary_ne,
	COMMUTATOR = OPERATOR(athar.<>),
	NEGATOR = OPERATOR(athar.=),
	RESTRICT = neqsel,
	JOIN = neqjoinsel
);
COMMENT ON OPERATOR athar.<> (athar.summary, athar.summary) IS
	'Do two summaries differ?';

CREATE OPERATOR CLASS athar.summary_ops
	DEFAULT FOR TYPE athar.summary USING hash AS
		OPERATOR 1 athar.= (athar.summary, athar.summary),
		FUNCTION 1 athar.summary_hash(athar.summary);
COMMENT ON OPERATOR CLASS athar.summary_ops USING hash IS
	'Equality of summaries for hashing. They have no order.';
COMMENT ON OPERATOR FAMILY athar.summary_ops USING hash IS
	'Equality of summaries for hashing. They have no order.';
