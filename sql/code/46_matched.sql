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

CREATE OR REPLACE FUNCTION athar.difference_in_differences_step(state internal, value double precision, unit text, is_treated boolean, is_after boolean)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_difference_in_differences_step';
COMMENT ON FUNCTION athar.difference_in_differences_step(internal, double precision, text, boolean, boolean) IS
'Part of the aggregate difference_in_differences: adds a value to its side of its unit.';

CREATE OR REPLACE FUNCTION athar.difference_in_differences_final(state internal)
RETURNS athar.controlled_evidence
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_difference_in_differences_final';
COMMENT ON FUNCTION athar.difference_in_differences_final(internal) IS
'Part of the aggregate difference_in_differences: compares the changes of both groups.';

CREATE OR REPLACE AGGREGATE athar.difference_in_differences(value double precision, unit text, is_treated boolean, is_after boolean) (
	SFUNC = athar.difference_in_differences_step,
	STYPE = internal,
	SSPACE = 2048,
	FINALFUNC = athar.difference_in_differences_final,
	COMBINEFUNC = athar.sides_combine,
	SERIALFUNC = athar.keyed_serialize,
	DESERIALFUNC = athar.keyed_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE athar.difference_in_differences(double precision, text, boolean, boolean) IS
'What changed for those a reform reached (is_treated) beyond what changed for those it did not reach. Each unit counts once, with the mean of its values on each side.
Where every unit has both sides (is_paired) the units'' own changes are compared: Welch''s t (1947) with Satterthwaite''s degrees of freedom. One treated unit against k controls has no spread of its own: it is measured against the spread of the controls'' changes, se = sd * sqrt(1 + 1/k), k - 1 degrees of freedom (Crawford and Howell 1998), as measure_effect() does. With fewer than two controls there is an estimate and no interval.
Where a unit lacks a side, or is NULL, the four groups are compared as if their points (units'' means; values of which the unit is NULL) were independent: variances of the four means added, Satterthwaite''s degrees of freedom, is_paired false. To compare only units that have both sides, leave out the others first.
Rows without a value, is_treated or is_after, and values that are NaN or infinite, are left out. The answer is never NULL. It holds the change responsible only as far as both groups would have moved alike without it: see pre_trend(). 22023 for a unit that is both treated and a control.';

CREATE OR REPLACE FUNCTION athar.pre_trend_step(state internal, value double precision, observed_at timestamptz, unit text, is_treated boolean)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_pre_trend_step';
COMMENT ON FUNCTION athar.pre_trend_step(internal, double precision, timestamptz, text, boolean) IS
'Part of the aggregate pre_trend: adds a value at its time to its unit.';

CREATE OR REPLACE FUNCTION athar.pre_trend_combine(state internal, other internal)
RETURNS internal
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_pre_trend_combine';
COMMENT ON FUNCTION athar.pre_trend_combine(internal, internal) IS
'Part of the aggregate pre_trend: merges the work of two parallel workers.';

CREATE OR REPLACE FUNCTION athar.pre_trend_final(state internal)
RETURNS athar.trend_evidence
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_pre_trend_final';
COMMENT ON FUNCTION athar.pre_trend_final(internal) IS
'Part of the aggregate pre_trend: compares the trends of both groups.';

CREATE OR REPLACE AGGREGATE athar.pre_trend(value double precision, observed_at timestamptz, unit text, is_treated boolean) (
	SFUNC = athar.pre_trend_step,
	STYPE = internal,
	SSPACE = 2048,
	FINALFUNC = athar.pre_trend_final,
	COMBINEFUNC = athar.pre_trend_combine,
	SERIALFUNC = athar.keyed_serialize,
	DESERIALFUNC = athar.keyed_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE athar.pre_trend(double precision, timestamptz, text, boolean) IS
'How differently treated and control units were moving, per day, over the rows given: give those before the cutover. A clear difference says that difference_in_differences() would count as effect what was under way already; none says little where units are few.
Where every unit has values at two times or more (is_paired) a least-squares line is drawn through each unit, and the slopes are compared as difference_in_differences() compares changes, one treated unit against k controls included. Otherwise one line is drawn for each group, as if values were independent, with n - 2 degrees of freedom each.
Rows without a value, a time or is_treated, values that are NaN or infinite, and infinite times are left out. The answer is never NULL. 22023 for a unit that is both treated and a control.';

CREATE OR REPLACE FUNCTION athar.rank_test(before double precision[], after double precision[])
RETURNS athar.rank_evidence
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_rank_test';
COMMENT ON FUNCTION athar.rank_test(double precision[], double precision[]) IS
'Compares two groups of values by their ranks (Mann and Whitney 1947, Wilcoxon''s rank sum test): for values with a few huge ones among them, and for those who ask; it needs all values at once. As R''s wilcox.test: the exact distribution of U where both sides have fewer than 50 values, no two of them equal, otherwise the normal one with the corrections for ties and for continuity. shift is the size that belongs to it (Hodges and Lehmann 1963), exact however many values there are. NULL, NaN and infinite elements are left out, and a NULL array has no values; the answer is never NULL. p_value is about ranks, not about means: it can be small where the means are equal.';

CREATE OR REPLACE FUNCTION athar.q_values(p_values double precision[])
RETURNS double precision[]
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.fail('22023', 'p-values are numbers from 0 to 1, in a list of one dimension',
		'No q-values were computed.', 'Give the p_value of each comparison of a report, as array_agg(p_value ORDER BY ...) does; those that have none are NULL.')
	WHERE coalesce(array_ndims(q_values.p_values), 1) > 1
		OR EXISTS (SELECT FROM unnest(q_values.p_values) AS p (p_value) WHERE p.p_value < 0 OR p.p_value > 1);
	SELECT coalesce(array_agg(a.q_value ORDER BY a.place), '{}')
	FROM (
		-- step up: the smallest of p * m / rank from here on
		SELECT r.place, CASE WHEN r.p_value IS NOT NULL
			THEN min(least(r.p_value * r.m / r.rank, 1)) OVER (ORDER BY r.rank DESC) END AS q_value
		FROM (
			SELECT p.place, p.p_value,
				count(p.p_value) OVER () AS m,
				row_number() OVER (ORDER BY p.p_value NULLS LAST, p.place) AS rank
			FROM unnest(q_values.p_values) WITH ORDINALITY AS p (p_value, place)) AS r
	) AS a;
END;
COMMENT ON FUNCTION athar.q_values(double precision[]) IS
'The q-value of each p-value among all that were looked at together (Benjamini and Hochberg 1995, step-up): keep those at most 0.05, and of what you keep one in twenty is a false alarm on average. In the order given; NULL stays NULL in its place and is not counted; NULL for NULL. 22023 for a value that is NaN or outside 0 to 1, and for more than one dimension.';
