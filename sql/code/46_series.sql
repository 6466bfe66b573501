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

CREATE OR REPLACE FUNCTION athar.autocorrelation(y double precision[])
RETURNS double precision
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_autocorrelation';
COMMENT ON FUNCTION athar.autocorrelation(double precision[]) IS
'The correlation of each value with the one before it, around the mean of all: the first autocorrelation (Box and Jenkins 1976). Values are in order of time; NULL elements, NaN and infinities keep their place and count as missing. If the values are independent it lies within -1/n and 1.96/sqrt(n) of that in 95 of 100 series; from few values it comes out too low. NULL where it is not defined: below 3 values, no two neighbours, no variation. Errors: 22023 for an array of more than one dimension.';
