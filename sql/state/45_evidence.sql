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
