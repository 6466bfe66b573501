-- 45 evidence: Student's t, and two groups compared

CREATE OR REPLACE FUNCTION athar.student_t_p(t double precision, df double precision)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_student_t_p';
COMMENT ON FUNCTION athar.student_t_p(double precision, double precision) IS
'Two-sided p-value of Student''s t with df degrees of freedom, which need not be whole: the regularised incomplete beta function I_x(df/2, 1/2) at x = df/(df + t^2) (DLMF 8.17). Below 1e-300 it is 0. Infinite df is the normal distribution. NULL where it is not defined: a NULL or NaN argument, df <= 0.';

CREATE OR REPLACE FUNCTION athar.student_t_quantile(probability double precision, df double precision)
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_student_t_quantile';
COMMENT ON FUNCTION athar.student_t_quantile(double precision, double precision) IS
'The value below which Student''s t with df degrees of freedom lies with the given probability; 0.975 gives the factor of a 95 % interval. Infinite df is the normal distribution. NULL where there is no finite one: a NULL or NaN argument, probability <= 0 or >= 1, df <= 0, an answer beyond double precision. Source: Hill 1970 (Algorithm 396), then Newton''s method.';

CREATE OR REPLACE FUNCTION athar.compare(before athar.summary, after athar.summary)
RETURNS athar.evidence
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_compare';
COMMENT ON FUNCTION athar.compare(athar.summary, athar.summary) IS
'Compares two summaries: Welch''s t (Welch 1947), Satterthwaite''s degrees of freedom, 95 % interval of the difference of means, Hedges'' g in its exact form (Hedges 1981). NULL counts as a summary of nothing; the answer is never NULL. The p-value takes the values as independent; it is too small for points of a series that follow one another.';

CREATE OR REPLACE FUNCTION athar.before_after_step(state internal, value double precision, observed_at timestamptz, cutover timestamptz)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_before_after_step';
COMMENT ON FUNCTION athar.before_after_step(internal, double precision, timestamptz, timestamptz) IS
'Part of the aggregate before_after: adds a value to its side.';

CREATE OR REPLACE FUNCTION athar.before_after_combine(state internal, other internal)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_before_after_combine';
COMMENT ON FUNCTION athar.before_after_combine(internal, internal) IS
'Part of the aggregate before_after: merges the work of two parallel workers.';

CREATE OR REPLACE FUNCTION athar.before_after_serialize(state internal)
RETURNS bytea
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_before_after_serialize';
COMMENT ON FUNCTION athar.before_after_serialize(internal) IS
'Part of the aggregate before_after: its state as sent by a parallel worker.';

CREATE OR REPLACE FUNCTION athar.before_after_deserialize(state bytea, unused internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_before_after_deserialize';
COMMENT ON FUNCTION athar.before_after_deserialize(bytea, internal) IS
'Part of the aggregate before_after: its state as received from a parallel worker.';

CREATE OR REPLACE FUNCTION athar.before_after_final(state internal)
RETURNS athar.evidence
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_before_after_final';
COMMENT ON FUNCTION athar.before_after_final(internal) IS
'Part of the aggregate before_after: compares the two sides.';

CREATE OR REPLACE AGGREGATE athar.before_after(value double precision, observed_at timestamptz, cutover timestamptz) (
	SFUNC = athar.before_after_step,
	STYPE = internal,
	SSPACE = 2048,
	FINALFUNC = athar.before_after_final,
	COMBINEFUNC = athar.before_after_combine,
	SERIALFUNC = athar.before_after_serialize,
	DESERIALFUNC = athar.before_after_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE athar.before_after(double precision, timestamptz, timestamptz) IS
'Compares the values observed before the cutover with those observed at or after it: [cutover, ..) is after. Rows without a value, a time or a cutover, and values that are NaN or infinite, are left out. Each row is judged by its own cutover. Medians are exact up to 64 distinct values a side, and beyond that as percentile(summary, double precision) gives them. The answer is never NULL; see compare(summary, summary) for what it contains.';
