-- 46 series: what an interrupted series answers

CREATE TYPE athar.series_evidence AS (
	n bigint,
	intercept double precision,
	slope double precision,
	level_change double precision,
	slope_change double precision,
	level_change_se double precision,
	level_change_p double precision,
	slope_change_se double precision,
	slope_change_p double precision,
	level_change_se_ols double precision,
	level_change_se_newey_west double precision,
	slope_change_se_ols double precision,
	slope_change_se_newey_west double precision,
	rho double precision,
	season_terms double precision[],
	counterfactual_end double precision,
	gap_end double precision,
	flags text[],
	level_change_ci_low double precision,
	level_change_ci_high double precision,
	slope_change_ci_low double precision,
	slope_change_ci_high double precision,
	gap_end_ci_low double precision,
	gap_end_ci_high double precision,
	df bigint,
	level_change_ols double precision,
	slope_change_ols double precision
);
COMMENT ON TYPE athar.series_evidence IS
'A series of points at equal distances in time, before and after a change: y = intercept + slope time + level_change post + slope_change since + season (segmented regression; Wagner et al. 2002, Lopez Bernal et al. 2017). time is the place of a point, 1 for the first; post is 1 from the cutover on; since is the number of points since the cutover, 0 at it. Unless their names say otherwise the figures are those of Prais and Winsten (1954), for noise that follows itself from point to point. A figure that is not defined, or too large for double precision, is NULL, never NaN; n and flags are never NULL.';
COMMENT ON COLUMN athar.series_evidence.n IS 'Number of points with a finite value';
COMMENT ON COLUMN athar.series_evidence.intercept IS 'Level of the line before at time 0, one point before the first, in the unit of the values';
COMMENT ON COLUMN athar.series_evidence.slope IS 'Change of the line before from one point to the next, in the unit of the values';
COMMENT ON COLUMN athar.series_evidence.level_change IS 'How far the series jumped at the cutover: the line after less the line before continued, at the first point after, in the unit of the values';
COMMENT ON COLUMN athar.series_evidence.slope_change IS 'How much more the series changes from one point to the next after the cutover than before, in the unit of the values';
COMMENT ON COLUMN athar.series_evidence.level_change_se IS 'Standard error of level_change (Prais-Winsten)';
COMMENT ON COLUMN athar.series_evidence.level_change_p IS 'Two-sided p of level_change by Student''s t with df degrees of freedom (Prais-Winsten); 0 stands for anything below 1e-300';
COMMENT ON COLUMN athar.series_evidence.slope_change_se IS 'Standard error of slope_change (Prais-Winsten)';
COMMENT ON COLUMN athar.series_evidence.slope_change_p IS 'Two-sided p of slope_change, as level_change_p';
COMMENT ON COLUMN athar.series_evidence.level_change_se_ols IS 'Standard error of level_change_ols if the points were independent; too small where the flag autocorrelated stands';
COMMENT ON COLUMN athar.series_evidence.level_change_se_newey_west IS 'Standard error of level_change_ols by Newey and West (1987): Bartlett''s weights, floor(4 (n/100)^(2/9)) lags, n/(n - k), no prewhitening; NULL below 8 points a side';
COMMENT ON COLUMN athar.series_evidence.slope_change_se_ols IS 'Standard error of slope_change_ols if the points were independent';
COMMENT ON COLUMN athar.series_evidence.slope_change_se_newey_west IS 'Standard error of slope_change_ols by Newey and West, as that of level_change_ols';
COMMENT ON COLUMN athar.series_evidence.rho IS 'Correlation of the noise from one point to the next, within -0.999 and 0.999; NULL where it cannot be told: below 8 points a side, below 8 pairs of neighbours, without variation. All figures are then those of ordinary least squares';
COMMENT ON COLUMN athar.series_evidence.season_terms IS 'The season, in the unit of the values: s1, c1, s2, c2, .. of the sum of s sin(2 pi h time / season) + c cos(2 pi h time / season) over h = 1, 2, ..; all waves of a season of up to 7 points, two of a longer one (Lopez Bernal et al. 2017). NULL where no season is fitted';
COMMENT ON COLUMN athar.series_evidence.counterfactual_end IS 'What the line before, continued, says of the last point that has a value, season included';
COMMENT ON COLUMN athar.series_evidence.gap_end IS 'The line after less counterfactual_end at that point: level_change + slope_change since';
COMMENT ON COLUMN athar.series_evidence.flags IS
'What a reader must know before believing the figures. no_cutover, or too_short with fewer than 3 points a side: there are none. too_short: fewer than 8 points a side; figures of ordinary least squares without interval and p. singular: the points do not decide the lines; no figures. season_not_covered: fewer than 8 points a side or two full seasons before the cutover, or missing points that hide the season; it was left out. missing_values: NULL elements kept their place. nonfinite_values: so did NaN and infinities. no_variation: every point lies on its line, so there is nothing to measure a doubt by. few_points: fewer than 50 points, which find effects clearly too often. autocorrelated: rho is clearly above 0. alternating: rho is clearly below 0, which makes the errors smaller. autocorrelation_unknown: too few neighbours to tell rho, so no interval and no p. random_walk: noise that wanders off for good cannot be excluded (n (1 - rho) is below 28); slope_change and gap_end then look clear far too often. not_converged: rho did not come to rest';
COMMENT ON COLUMN athar.series_evidence.level_change_ci_low IS 'Lower end of the 95 % confidence interval of level_change (Prais-Winsten)';
COMMENT ON COLUMN athar.series_evidence.level_change_ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.series_evidence.slope_change_ci_low IS 'Lower end of the 95 % confidence interval of slope_change (Prais-Winsten)';
COMMENT ON COLUMN athar.series_evidence.slope_change_ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.series_evidence.gap_end_ci_low IS 'Lower end of the 95 % confidence interval of gap_end (Prais-Winsten); that of the lines, not of a single point';
COMMENT ON COLUMN athar.series_evidence.gap_end_ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.series_evidence.df IS 'Degrees of freedom of the errors: n less the number of coefficients';
COMMENT ON COLUMN athar.series_evidence.level_change_ols IS 'level_change by ordinary least squares: the figure that _se_ols and _se_newey_west belong to';
COMMENT ON COLUMN athar.series_evidence.slope_change_ols IS 'slope_change by ordinary least squares';
