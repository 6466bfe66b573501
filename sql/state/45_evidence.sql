-- 45 evidence: what a comparison of before and after answers

CREATE TYPE athar.evidence AS (
	before_n bigint,
	before_mean double precision,
	before_sd double precision,
	before_median double precision,
	after_n bigint,
	after_mean double precision,
	after_sd double precision,
	after_median double precision,
	difference double precision,
	percent_change double precision,
	ci_low double precision,
	ci_high double precision,
	t double precision,
	df double precision,
	p_value double precision,
	effect_size double precision,
	verdict text
);
COMMENT ON TYPE athar.evidence IS
'A comparison of two groups of values, before and after a change, by Welch''s unequal variances t test. A figure that is not defined, or too large for double precision, is NULL, never NaN; before_n, after_n and verdict are never NULL.';
COMMENT ON COLUMN athar.evidence.before_n IS 'Number of finite values before';
COMMENT ON COLUMN athar.evidence.before_mean IS 'Their mean, in the unit of the values';
COMMENT ON COLUMN athar.evidence.before_sd IS 'Their sample standard deviation, in the unit of the values; NULL below two values';
COMMENT ON COLUMN athar.evidence.before_median IS 'Their median, in the unit of the values; NULL where the values themselves are not known';
COMMENT ON COLUMN athar.evidence.after_n IS 'Number of finite values after';
COMMENT ON COLUMN athar.evidence.after_mean IS 'Their mean, in the unit of the values';
COMMENT ON COLUMN athar.evidence.after_sd IS 'Their sample standard deviation, in the unit of the values; NULL below two values';
COMMENT ON COLUMN athar.evidence.after_median IS 'Their median, in the unit of the values; NULL where the values themselves are not known';
COMMENT ON COLUMN athar.evidence.difference IS 'after_mean - before_mean, in the unit of the values';
COMMENT ON COLUMN athar.evidence.percent_change IS 'The difference in per cent of the absolute value of before_mean; NULL where that is 0';
COMMENT ON COLUMN athar.evidence.ci_low IS 'Lower end of the 95 % confidence interval of the difference';
COMMENT ON COLUMN athar.evidence.ci_high IS 'Upper end of the 95 % confidence interval of the difference';
COMMENT ON COLUMN athar.evidence.t IS 'Welch''s t: the difference over its standard error';
COMMENT ON COLUMN athar.evidence.df IS 'Satterthwaite''s degrees of freedom of t';
COMMENT ON COLUMN athar.evidence.p_value IS 'Two-sided probability of a t as far from 0 if both means were equal and the values independent; 0 stands for anything below 1e-300';
COMMENT ON COLUMN athar.evidence.effect_size IS 'Hedges'' g: the difference in pooled standard deviations, with the exact small-sample correction';
COMMENT ON COLUMN athar.evidence.verdict IS
'increased or decreased where p_value < 0.05, else no_clear_change; insufficient_data where a side has fewer than two values, or a standard deviation nobody knows; no_variation where both sides are constant, so that the difference is all there is to say. Whether up is good, and whether the change matters, is for the KPI to say';

CREATE TYPE athar.matched_evidence AS (
	total_difference double precision,
	matched_difference double precision,
	mix_difference double precision,
	se double precision,
	ci_low double precision,
	ci_high double precision,
	p_value double precision,
	strata_used integer,
	strata_left_out integer
);
COMMENT ON TYPE athar.matched_evidence IS
'A difference between before and after, split into what changed within strata and what a changed mix of strata did. A figure that is not defined, or too large for double precision, is NULL, never NaN; the two counts of strata are never NULL.';
COMMENT ON COLUMN athar.matched_evidence.total_difference IS 'Mean of all values after - mean of all values before, those of every stratum, in the unit of the values; NULL where a side has none';
COMMENT ON COLUMN athar.matched_evidence.matched_difference IS 'The differences within the strata that have values on both sides, each weighted by the mean of its share before and its share after among these; NULL where there is no such stratum';
COMMENT ON COLUMN athar.matched_evidence.mix_difference IS 'total_difference - matched_difference: what came from other shares of the strata, and from strata that are on one side alone';
COMMENT ON COLUMN athar.matched_evidence.se IS 'Standard error of matched_difference, the weights taken as fixed; NULL where a stratum used has fewer than two values on a side or a standard deviation nobody knows, and where nothing varies';
COMMENT ON COLUMN athar.matched_evidence.ci_low IS 'Lower end of the 95 % confidence interval of matched_difference; NULL where se is';
COMMENT ON COLUMN athar.matched_evidence.ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.matched_evidence.p_value IS 'Two-sided probability of a matched difference as far from 0 if there were none; NULL where se is; 0 stands for anything below 1e-300';
COMMENT ON COLUMN athar.matched_evidence.strata_used IS 'Number of strata with values on both sides';
COMMENT ON COLUMN athar.matched_evidence.strata_left_out IS 'Number of strata with values on one side alone; values without a stratum count as one of them';

CREATE TYPE athar.controlled_evidence AS (
	estimate double precision,
	se double precision,
	df double precision,
	ci_low double precision,
	ci_high double precision,
	p_value double precision,
	treated_units integer,
	control_units integer,
	is_paired boolean
);
COMMENT ON TYPE athar.controlled_evidence IS
'A difference in differences: the change of those a reform reached, less the change of those it did not reach. A figure that is not defined, or too large for double precision, is NULL, never NaN; the two counts of units are never NULL.';
COMMENT ON COLUMN athar.controlled_evidence.estimate IS 'Mean change of the treated - mean change of the controls, in the unit of the values; NULL where one of the four groups has no values';
COMMENT ON COLUMN athar.controlled_evidence.se IS 'Its standard error; NULL with fewer than two controls, and where nothing varies';
COMMENT ON COLUMN athar.controlled_evidence.df IS 'Degrees of freedom: Satterthwaite''s, or k - 1 for one treated unit against k controls';
COMMENT ON COLUMN athar.controlled_evidence.ci_low IS 'Lower end of the 95 % confidence interval of estimate; NULL where se is';
COMMENT ON COLUMN athar.controlled_evidence.ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.controlled_evidence.p_value IS 'Two-sided probability of an estimate as far from 0 if the change had done nothing; NULL where se is; 0 stands for anything below 1e-300';
COMMENT ON COLUMN athar.controlled_evidence.treated_units IS 'Number of treated units with values';
COMMENT ON COLUMN athar.controlled_evidence.control_units IS 'Number of control units with values';
COMMENT ON COLUMN athar.controlled_evidence.is_paired IS 'True where every unit has both sides, so that units'' own changes are compared; false where four groups of points were compared as if independent, and the interval is too wide or too narrow; NULL without values';

CREATE TYPE athar.trend_evidence AS (
	slope_difference double precision,
	se double precision,
	df double precision,
	p_value double precision,
	treated_units integer,
	control_units integer,
	is_paired boolean
);
COMMENT ON TYPE athar.trend_evidence IS
'How differently two groups of units were moving. A figure that is not defined is NULL, never NaN; the two counts of units are never NULL.';
COMMENT ON COLUMN athar.trend_evidence.slope_difference IS 'Slope of the treated - slope of the controls, in the unit of the values per day';
COMMENT ON COLUMN athar.trend_evidence.se IS 'Its standard error; NULL with too few units or values, and where nothing varies';
COMMENT ON COLUMN athar.trend_evidence.df IS 'Degrees of freedom: Satterthwaite''s, or k - 1 for one treated unit against k controls';
COMMENT ON COLUMN athar.trend_evidence.p_value IS 'Two-sided probability of a difference as far from 0 if both groups were moving alike; NULL where se is; 0 stands for anything below 1e-300. A large one is no proof that they were';
COMMENT ON COLUMN athar.trend_evidence.treated_units IS 'Number of treated units with values';
COMMENT ON COLUMN athar.trend_evidence.control_units IS 'Number of control units with values';
COMMENT ON COLUMN athar.trend_evidence.is_paired IS 'True where every unit has values at two times or more, so that units'' own slopes are compared; false where one line was drawn for each group, as if values were independent; NULL without values';

CREATE TYPE athar.rank_evidence AS (
	u double precision,
	z double precision,
	p_value double precision,
	shift double precision,
	before_n bigint,
	after_n bigint,
	is_exact boolean
);
COMMENT ON TYPE athar.rank_evidence IS
'A comparison of two groups of values by their ranks. A figure that is not defined, or too large for double precision, is NULL, never NaN; the two counts are never NULL.';
COMMENT ON COLUMN athar.rank_evidence.u IS 'Mann and Whitney''s U of the values after: pairs in which the value after is larger, ties counted half; NULL where a side has no values';
COMMENT ON COLUMN athar.rank_evidence.z IS 'U less its expectation, in standard deviations, with the correction for ties and for continuity; NULL where all values are equal';
COMMENT ON COLUMN athar.rank_evidence.p_value IS 'Two-sided probability of a U as far from its expectation if both sides were alike; NULL where z is; 0 stands for anything below 1e-300';
COMMENT ON COLUMN athar.rank_evidence.shift IS 'Hodges and Lehmann''s estimate of the difference: the median of all differences between a value after and a value before, in the unit of the values';
COMMENT ON COLUMN athar.rank_evidence.before_n IS 'Number of finite values before';
COMMENT ON COLUMN athar.rank_evidence.after_n IS 'Number of finite values after';
COMMENT ON COLUMN athar.rank_evidence.is_exact IS 'True where p_value is from the exact distribution of U: fewer than 50 values on each side, no two equal; false where it is from the normal distribution; NULL where there is no p_value';
