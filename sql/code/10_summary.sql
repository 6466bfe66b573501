-- The mergeable summary of numbers: aggregates, constructors, readers.

CREATE OR REPLACE FUNCTION athar.summarize_step(internal, double precision)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'athar_summarize_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION athar.summarize_step(internal, double precision) IS
	'Takes one row of the aggregate summarize.';

CREATE OR REPLACE FUNCTION athar.merge_step(internal, athar.summary)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'athar_merge_step'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION athar.merge_step(internal, athar.summary) IS
	'Takes one row of the aggregate merge.';

CREATE OR REPLACE FUNCTION athar.summary_combine(internal, internal)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'athar_summary_combine'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_combine(internal, internal) IS
	'Puts two partial states of summarize or merge together.';

CREATE OR REPLACE FUNCTION athar.summary_serialize(internal)
	RETURNS bytea
	AS 'MODULE_PATHNAME', 'athar_summary_serialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_serialize(internal) IS
	'Makes a partial state of summarize or merge ready for another process.';

CREATE OR REPLACE FUNCTION athar.summary_deserialize(bytea, internal)
	RETURNS internal
	AS 'MODULE_PATHNAME', 'athar_summary_deserialize'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_deserialize(bytea, internal) IS
	'Reads a partial state of summarize or merge from another process.';

CREATE OR REPLACE FUNCTION athar.summary_final(internal)
	RETURNS athar.summary
	AS 'MODULE_PATHNAME', 'athar_summary_final'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_final(internal) IS
	'The result of summarize or merge.';

CREATE OR REPLACE AGGREGATE athar.summarize(double precision) (
	SFUNC = athar.summarize_step,
	STYPE = internal,
	SSPACE = 1024,
	FINALFUNC = athar.summary_final,
	COMBINEFUNC = athar.summary_combine,
	SERIALFUNC = athar.summary_serialize,
	DESERIALFUNC = athar.summary_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE athar.summarize(double precision) IS
	'The summary of a column of numbers. NULL is left out, NaN and infinities are counted apart; no rows give NULL.';

CREATE OR REPLACE AGGREGATE athar.merge(athar.summary) (
	SFUNC = athar.merge_step,
	STYPE = internal,
	SSPACE = 4096,
	FINALFUNC = athar.summary_final,
	COMBINEFUNC = athar.summary_combine,
	SERIALFUNC = athar.summary_serialize,
	DESERIALFUNC = athar.summary_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE athar.merge(athar.summary) IS
	'The summary of all values behind a column of summaries. Whatever the order, the grouping and the number of parallel workers, n, minimum, maximum and the counts of an exact summary are the same, and so are the first 12 digits of mean and standard deviation. NULL is left out; no rows give NULL. If the distribution of one is unknown, so is that of the result. 22003 if they count more than 2^63 - 1 values.';

CREATE OR REPLACE FUNCTION athar.summary_of(answers double precision[], counts bigint[])
	RETURNS athar.summary
	AS 'MODULE_PATHNAME', 'athar_summary_of'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_of(double precision[], bigint[]) IS
	'The summary of answers that were counted elsewhere: summary_of(''{1,2,3,4,5}'', ''{3,0,7,21,40}''). NULL if an argument is NULL; all counts 0 give a summary with n = 0. 22023 for a NULL element, lists of different length or more dimensions, and negative counts; 22003 for an answer that is NaN or infinite, and for more than 2^63 - 1 values.';

CREATE OR REPLACE FUNCTION athar.summary_of_moments(n bigint, mean double precision, sd double precision)
	RETURNS athar.summary
	AS 'MODULE_PATHNAME', 'athar_summary_of_moments'
	LANGUAGE C IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION athar.summary_of_moments(bigint, double precision, double precision) IS
	'The summary of published figures: the number of values, their mean and their sample standard deviation (NULL: not published). Minimum, maximum and quantiles are unknown, and stay so in whatever it is merged into. NULL if n or mean is NULL, except n = 0. 22023 for a negative n or deviation, and for figures that n = 0 or 1 cannot have; 22003 for NaN and infinities.';

CREATE OR REPLACE FUNCTION athar.n(summary athar.summary) RETURNS bigint
	AS 'MODULE_PATHNAME', 'athar_n'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.n(athar.summary) IS
	'The number of values described, without NaN and infinities.';

CREATE OR REPLACE FUNCTION athar.nonfinite_count(summary athar.summary) RETURNS bigint
	AS 'MODULE_PATHNAME', 'athar_nonfinite_count'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.nonfinite_count(athar.summary) IS
	'The number of NaN and infinite values that were kept out.';

CREATE OR REPLACE FUNCTION athar.is_exact(summary athar.summary) RETURNS boolean
	AS 'MODULE_PATHNAME', 'athar_is_exact'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.is_exact(athar.summary) IS
	'Does it hold every value with its count (up to 64 distinct values), so that quantiles are exact?';

CREATE OR REPLACE FUNCTION athar.total(summary athar.summary) RETURNS double precision
	AS 'MODULE_PATHNAME', 'athar_total'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.total(athar.summary) IS
	'The sum of the values. NULL if there are none, or if it is beyond double precision.';

CREATE OR REPLACE FUNCTION athar.mean(summary athar.summary) RETURNS double precision
	AS 'MODULE_PATHNAME', 'athar_mean'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.mean(athar.summary) IS
	'The mean of the values. NULL if there are none.';

CREATE OR REPLACE FUNCTION athar.variance(summary athar.summary) RETURNS double precision
	AS 'MODULE_PATHNAME', 'athar_variance'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.variance(athar.summary) IS
	'The sample variance (divisor n - 1). NULL for fewer than two values, if the standard deviation is unknown, or if it is beyond double precision.';

CREATE OR REPLACE FUNCTION athar.stddev(summary athar.summary) RETURNS double precision
	AS 'MODULE_PATHNAME', 'athar_stddev'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.stddev(athar.summary) IS
	'The sample standard deviation (divisor n - 1). NULL for fewer than two values, or if it is unknown.';

CREATE OR REPLACE FUNCTION athar.minimum(summary athar.summary) RETURNS double precision
	AS 'MODULE_PATHNAME', 'athar_minimum'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.minimum(athar.summary) IS
	'The smallest value. NULL if there is none, or if the distribution is unknown.';

CREATE OR REPLACE FUNCTION athar.maximum(summary athar.summary) RETURNS double precision
	AS 'MODULE_PATHNAME', 'athar_maximum'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.maximum(athar.summary) IS
	'The largest value. NULL if there is none, or if the distribution is unknown.';

CREATE OR REPLACE FUNCTION athar.percentile(summary athar.summary, share double precision)
	RETURNS double precision
	AS 'MODULE_PATHNAME', 'athar_percentile'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.percentile(athar.summary, double precision) IS
	'The value below which this share (0 to 1) of the values lies, as percentile_cont defines it: exact if is_exact, else from a t-digest (Dunning and Ertl 2019, scale k1, delta 200). Its rank is then off by at most 0.5 % of the values at 0.5 and 0.2 % at 0.95; that is measured, after merges of 3,650 parts, and not proven. NULL if there are no values, or if the distribution is unknown; 22003 for a share outside 0 to 1.';

CREATE OR REPLACE FUNCTION athar.median(summary athar.summary) RETURNS double precision
	AS 'MODULE_PATHNAME', 'athar_median'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.median(athar.summary) IS
	'The median, as percentile_cont(0.5) defines it: exact if is_exact, else from the t-digest, its rank off by at most 0.5 % of the values (see percentile). NULL if there are no values, or if the distribution is unknown.';

CREATE OR REPLACE FUNCTION athar.share_at_most(summary athar.summary, limit_value double precision)
	RETURNS double precision
	AS 'MODULE_PATHNAME', 'athar_share_at_most'
	LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION athar.share_at_most(athar.summary, double precision) IS
	'The share (0 to 1) of the values that are at most the limit, the limit itself included: exact if is_exact, else from the t-digest. NULL if there are no values, or if the distribution is unknown; 22003 for NaN.';
