-- 46 matched: like compared with like, and with those the change did not reach

CREATE OR REPLACE FUNCTION athar.keyed_serialize(state internal)
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_keyed_serialize';
COMMENT ON FUNCTION athar.keyed_serialize(internal) IS
'Part of the aggregates over strata and units: their state as sent by a parallel worker.';

CREATE OR REPLACE FUNCTION athar.keyed_deserialize(state bytea, unused internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_keyed_deserialize';
COMMENT ON FUNCTION athar.keyed_deserialize(bytea, internal) IS
'Part of the aggregates over strata and units: their state as received from a parallel worker.';

CREATE OR REPLACE FUNCTION athar.sides_combine(state internal, other internal)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_sides_combine';
COMMENT ON FUNCTION athar.sides_combine(internal, internal) IS
'Part of the aggregates over strata and units: merges the work of two parallel workers.';

CREATE OR REPLACE FUNCTION athar.compare_matched_step(state internal, value athar.summary, stratum text, is_after boolean)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_compare_matched_step';
COMMENT ON FUNCTION athar.compare_matched_step(internal, athar.summary, text, boolean) IS
'Part of the aggregate compare_matched: adds a summary to its side of its stratum.';

CREATE OR REPLACE FUNCTION athar.compare_matched_final(state internal)
RETURNS athar.matched_evidence
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_compare_matched_final';
COMMENT ON FUNCTION athar.compare_matched_final(internal) IS
'Part of the aggregate compare_matched: compares like with like.';

CREATE OR REPLACE AGGREGATE athar.compare_matched(value athar.summary, stratum text, is_after boolean) (
	SFUNC = athar.compare_matched_step,
	STYPE = internal,
	SSPACE = 2048,
	FINALFUNC = athar.compare_matched_final,
	COMBINEFUNC = athar.sides_combine,
	SERIALFUNC = athar.keyed_serialize,
	DESERIALFUNC = athar.keyed_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE athar.compare_matched(athar.summary, text, boolean) IS
'Like for like: splits a difference between before and after into what changed within strata (channels, regions) and what a changed mix of strata did (Kitagawa 1955, Components of a Difference Between Two Rates). Each stratum with values on both sides counts with the mean of its share before and its share after among these strata, as its summaries'' n tell; standard error by the variances within strata, the weights taken as fixed, Satterthwaite''s degrees of freedom (1946), Student''s t.
Every stratum is in total_difference; one on a single side, and values whose stratum is NULL, are in no match and therefore in mix_difference. A stratum with one value on a side, or with a standard deviation nobody knows (summary_of_moments without one), is matched all the same, but then there is no interval: leave it out in WHERE to have one. Strata are compared byte by byte, whatever the collation.
Rows without a summary or without a side are left out, and so are NaN and infinite values within summaries. The answer is never NULL. 22003 for more than 2^63 - 1 values on a side.';
