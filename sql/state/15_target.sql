-- 15 target: what a key result is to reach

CREATE TYPE athar.target;

CREATE FUNCTION athar.target_in(cstring)
RETURNS athar.target
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_in';
COMMENT ON FUNCTION athar.target_in(cstring) IS 'Reads a target as text';

CREATE FUNCTION athar.target_out(athar.target)
RETURNS cstring
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_out';
COMMENT ON FUNCTION athar.target_out(athar.target) IS 'Writes a target as text that reads back to the same value';

CREATE FUNCTION athar.target_recv(internal)
RETURNS athar.target
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_recv';
COMMENT ON FUNCTION athar.target_recv(internal) IS 'Reads a target in binary form; 22P03 if it is malformed';

CREATE FUNCTION athar.target_send(athar.target)
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_send';
COMMENT ON FUNCTION athar.target_send(athar.target) IS 'Writes a target in binary form: a byte of version, a byte of kind, its figures';

CREATE TYPE athar.target (
	INPUT = athar.target_in,
	OUTPUT = athar.target_out,
	RECEIVE = athar.target_recv,
	SEND = athar.target_send,
	INTERNALLENGTH = 24,
	ALIGNMENT = double,
	STORAGE = plain
);
COMMENT ON TYPE athar.target IS
'What a key result is to reach: from 40 to 90, at least 95, at most 24, between 4.5 and 5, milestone (done from 0 to 1), +20% or -50% (of a baseline). Arabic digits and signs are read too. Units, separators inside numbers and percent signs on absolute figures are refused (22023), NaN and infinity as well (22003).';

CREATE FUNCTION athar.target_eq(athar.target, athar.target)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_eq';
COMMENT ON FUNCTION athar.target_eq(athar.target, athar.target) IS 'True where both targets say the same; behind the operator =';

CREATE FUNCTION athar.target_ne(athar.target, athar.target)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_ne';
COMMENT ON FUNCTION athar.target_ne(athar.target, athar.target) IS 'True where the targets differ; behind the operator <>';

CREATE FUNCTION athar.target_lt(athar.target, athar.target)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_lt';
COMMENT ON FUNCTION athar.target_lt(athar.target, athar.target) IS 'Sorts targets by kind, then figures; behind the operator <';

CREATE FUNCTION athar.target_le(athar.target, athar.target)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_le';
COMMENT ON FUNCTION athar.target_le(athar.target, athar.target) IS 'Sorts targets by kind, then figures; behind the operator <=';

CREATE FUNCTION athar.target_gt(athar.target, athar.target)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_gt';
COMMENT ON FUNCTION athar.target_gt(athar.target, athar.target) IS 'Sorts targets by kind, then figures; behind the operator >';

CREATE FUNCTION athar.target_ge(athar.target, athar.target)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_ge';
COMMENT ON FUNCTION athar.target_ge(athar.target, athar.target) IS 'Sorts targets by kind, then figures; behind the operator >=';

CREATE FUNCTION athar.target_cmp(athar.target, athar.target)
RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_cmp';
COMMENT ON FUNCTION athar.target_cmp(athar.target, athar.target) IS 'Compares two targets: -1, 0 or 1; for indexes';

CREATE FUNCTION athar.target_hash(athar.target)
RETURNS integer
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_hash';
COMMENT ON FUNCTION athar.target_hash(athar.target) IS 'Hashes a target; for hash joins and indexes';

CREATE FUNCTION athar.target_hash_extended(athar.target, bigint)
RETURNS bigint
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_target_hash_extended';
COMMENT ON FUNCTION athar.target_hash_extended(athar.target, bigint) IS 'Hashes a target with a seed; for hash partitions';

CREATE OPERATOR athar.= (
	LEFTARG = athar.target, RIGHTARG = athar.target, FUNCTION = athar.target_eq,
	COMMUTATOR = OPERATOR(athar.=), NEGATOR = OPERATOR(athar.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
COMMENT ON OPERATOR athar.= (athar.target, athar.target) IS 'Do both targets say the same?';

CREATE OPERATOR athar.<> (
	LEFTARG = athar.target, RIGHTARG = athar.target, FUNCTION = athar.target_ne,
	COMMUTATOR = OPERATOR(athar.<>), NEGATOR = OPERATOR(athar.=),
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR athar.<> (athar.target, athar.target) IS 'Do the targets differ?';

CREATE OPERATOR athar.< (
	LEFTARG = athar.target, RIGHTARG = athar.target, FUNCTION = athar.target_lt,
	COMMUTATOR = OPERATOR(athar.>), NEGATOR = OPERATOR(athar.>=),
	RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
COMMENT ON OPERATOR athar.< (athar.target, athar.target) IS 'Sorts before; by kind, then figures, not by ambition';

CREATE OPERATOR athar.<= (
	LEFTARG = athar.target, RIGHTARG = athar.target, FUNCTION = athar.target_le,
	COMMUTATOR = OPERATOR(athar.>=), NEGATOR = OPERATOR(athar.>),
	RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
COMMENT ON OPERATOR athar.<= (athar.target, athar.target) IS 'Sorts before or says the same';

CREATE OPERATOR athar.> (
	LEFTARG = athar.target, RIGHTARG = athar.target, FUNCTION = athar.target_gt,
	COMMUTATOR = OPERATOR(athar.<), NEGATOR = OPERATOR(athar.<=),
	RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
COMMENT ON OPERATOR athar.> (athar.target, athar.target) IS 'Sorts after; by kind, then figures, not by ambition';

CREATE OPERATOR athar.>= (
	LEFTARG = athar.target, RIGHTARG = athar.target, FUNCTION = athar.target_ge,
	COMMUTATOR = OPERATOR(athar.<=), NEGATOR = OPERATOR(athar.<),
	RESTRICT = scalargesel, JOIN = scalargejoinsel
);
COMMENT ON OPERATOR athar.>= (athar.target, athar.target) IS 'Sorts after or says the same';

CREATE OPERATOR CLASS athar.target_ops
	DEFAULT FOR TYPE athar.target USING btree AS
	OPERATOR 1 athar.<,
	OPERATOR 2 athar.<=,
	OPERATOR 3 athar.=,
	OPERATOR 4 athar.>=,
	OPERATOR 5 athar.>,
	FUNCTION 1 athar.target_cmp(athar.target, athar.target);
COMMENT ON OPERATOR CLASS athar.target_ops USING btree IS 'Sorts targets by kind, then figures';
COMMENT ON OPERATOR FAMILY athar.target_ops USING btree IS 'Sorts targets by kind, then figures';

CREATE OPERATOR CLASS athar.target_hash_ops
	DEFAULT FOR TYPE athar.target USING hash AS
	OPERATOR 1 athar.=,
	FUNCTION 1 athar.target_hash(athar.target),
	FUNCTION 2 athar.target_hash_extended(athar.target, bigint);
COMMENT ON OPERATOR CLASS athar.target_hash_ops USING hash IS 'Hashes targets';
COMMENT ON OPERATOR FAMILY athar.target_hash_ops USING hash IS 'Hashes targets';
