-- 46 series: a series at equal distances, interrupted by a change

CREATE OR REPLACE FUNCTION athar.interrupted_series(y double precision[], cutover integer, season integer DEFAULT NULL)
RETURNS athar.series_evidence
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_interrupted_series';
COMMENT ON FUNCTION athar.interrupted_series(double precision[], integer, integer) IS
'Compares a series after a change with how it ran before: segmented regression, so that a trend which ran anyway is not taken for an effect. One row, never NULL; see the type series_evidence for its columns.
y: one value for each day, month, quarter, in order; NULL where there is none (NaN and infinities count as none). cutover: the place of the first point after the change, 1 for the first element. season: after how many points the season repeats itself (12 for months, 4 for quarters, 7 for days of the week); NULL for no season.
The noise may follow itself: autoregressive of order 1, estimated with the lines (Prais and Winsten 1954, rho from the regression of each residual on the last, iterated until it stands still). Points that are missing keep their place: neighbours d places apart have the correlation rho^d (Savin and White 1978). Student''s t with n - k degrees of freedom. Solved by Householder''s reflections.
Nothing here knows what else changed at the cutover; give a season only where there is one.
Errors: 22023 for an array of more than one dimension, or a season below 2.';

CREATE OR REPLACE FUNCTION athar.series_path(y double precision[], cutover integer, season integer DEFAULT NULL)
RETURNS TABLE (place integer, is_after boolean, value double precision, fitted double precision, counterfactual double precision)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
	SELECT
		v.place::integer,
		v.place >= series_path.cutover,
		CASE WHEN v.value > '-Infinity' AND v.value < 'Infinity' THEN v.value END,
		c.counterfactual + CASE WHEN v.place >= series_path.cutover
			THEN s.level_change + s.slope_change * (v.place - series_path.cutover) ELSE 0 END,
		c.counterfactual
	FROM athar.interrupted_series(series_path.y, series_path.cutover, series_path.season) AS s
	CROSS JOIN LATERAL unnest(series_path.y) WITH ORDINALITY AS v (value, place)
	CROSS JOIN LATERAL (
		SELECT s.intercept + s.slope * v.place + coalesce(sum(t.term * CASE WHEN t.ordinal % 2 = 1
			THEN sin(2 * pi() * ((t.ordinal + 1) / 2) * v.place / series_path.season)
			ELSE cos(2 * pi() * (t.ordinal / 2) * v.place / series_path.season) END), 0)
		FROM unnest(s.season_terms) WITH ORDINALITY AS t (term, ordinal)
	) AS c (counterfactual)
	ORDER BY v.place;
END;
COMMENT ON FUNCTION athar.series_path(double precision[], integer, integer) IS
'What interrupted_series with the same arguments says of every point, for a chart: place (1 for the first), is_after (from the cutover on; NULL without one), value (NULL where there is none, or none that is finite), fitted (on the lines, season included), counterfactual (on the line before, continued; the same as fitted before the cutover). fitted and counterfactual are NULL where interrupted_series has no figures. No rows for a NULL or empty series. Errors: as interrupted_series; 22003 where a figure is too large for double precision.';

CREATE OR REPLACE FUNCTION athar.autocorrelation(y double precision[])
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_autocorrelation';
COMMENT ON FUNCTION athar.autocorrelation(double precision[]) IS
'The correlation of each value with the one before it, around the mean of all: the first autocorrelation (Box and Jenkins 1976). Values are in order of time; NULL elements, NaN and infinities keep their place and count as missing. If the values are independent it lies within -1/n and 1.96/sqrt(n) of that in 95 of 100 series; from few values it comes out too low. NULL where it is not defined: below 3 values, no two neighbours, no variation. Errors: 22023 for an array of more than one dimension.';
