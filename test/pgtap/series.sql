-- series: an interrupted series. Reference values by test/reference/series.R.
BEGIN;
SET LOCAL client_min_messages = warning;
SELECT no_plan();

-- Equal up to a relative error; NULL equals NULL alone.
CREATE FUNCTION pg_temp.near(got double precision, wanted double precision, tolerance double precision)
RETURNS boolean
LANGUAGE SQL
RETURN CASE
	WHEN got IS NULL OR wanted IS NULL THEN got IS NULL AND wanted IS NULL
	ELSE abs(got - wanted) <= tolerance * abs(wanted)
END;

-- The figures of an answer by name.
CREATE FUNCTION pg_temp.figures(evidence athar.series_evidence)
RETURNS TABLE (name text, figure double precision)
LANGUAGE SQL
BEGIN ATOMIC
	SELECT e.key, e.value::double precision
	FROM jsonb_each_text(to_jsonb(evidence)) AS e
	WHERE e.key NOT IN ('season_terms', 'flags');
END;

-- Lines without noise: two lines, and what is added to them.
CREATE FUNCTION pg_temp.lines(length integer, cutover integer, level double precision, slope double precision, level_change double precision, slope_change double precision)
RETURNS double precision[]
LANGUAGE SQL
BEGIN ATOMIC
	SELECT array_agg(level + slope * t.place + CASE WHEN t.place >= cutover THEN level_change + slope_change * (t.place - cutover) ELSE 0 END ORDER BY t.place)
	FROM generate_series(1, length) AS t (place);
END;

-- Repeatable noise, without luck in it.
CREATE FUNCTION pg_temp.noise(length integer, size double precision DEFAULT 1)
RETURNS double precision[]
LANGUAGE SQL
BEGIN ATOMIC
	SELECT array_agg(size * round(sin(t.place::double precision * t.place * 1.7)::numeric, 3) ORDER BY t.place)
	FROM generate_series(1, length) AS t (place);
END;

CREATE FUNCTION pg_temp.sum(a double precision[], b double precision[])
RETURNS double precision[]
LANGUAGE SQL
BEGIN ATOMIC
	SELECT array_agg(a[t.place] + b[t.place] ORDER BY t.place)
	FROM generate_series(1, cardinality(a)) AS t (place);
END;

-- Against R.
CREATE TEMPORARY TABLE series (
	name text,
	y double precision[],
	cutover integer,
	season integer,
	n bigint,
	df bigint,
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
	level_change_ci_low double precision,
	level_change_ci_high double precision,
	slope_change_ci_low double precision,
	slope_change_ci_high double precision,
	gap_end_ci_low double precision,
	gap_end_ci_high double precision,
	level_change_ols double precision,
	slope_change_ols double precision
);
\ir ../data/series.sql
SELECT cmp_ok(count(*), '>', 19::bigint, 'reference series were read') FROM series;
SELECT is_empty(format($$
	SELECT f.name, f.figure, r.figure
	FROM series AS s
	CROSS JOIN LATERAL pg_temp.figures(athar.interrupted_series(s.y, s.cutover, s.season)) AS f
	LEFT JOIN LATERAL (SELECT (to_jsonb(s) ->> f.name)::double precision) AS r (figure) ON true
	WHERE s.name = %L AND (r.figure IS NULL OR pg_temp.near(f.figure, r.figure, 1e-9) IS NOT TRUE)
$$, s.name), 'every figure equals R''s: ' || s.name)
FROM series AS s;
SELECT is_empty($$
	SELECT s.name, a.season_terms, s.season_terms
	FROM series AS s
	CROSS JOIN LATERAL athar.interrupted_series(s.y, s.cutover, s.season) AS a
	WHERE cardinality(a.season_terms) IS DISTINCT FROM cardinality(s.season_terms)
		OR EXISTS (
			SELECT
			FROM unnest(a.season_terms, s.season_terms) AS t (got, wanted)
			WHERE pg_temp.near(t.got, t.wanted, 1e-9) IS NOT TRUE)
$$, 'so does every season');
SELECT results_eq($$
	SELECT s.name, a.flags
	FROM series AS s
	CROSS JOIN LATERAL athar.interrupted_series(s.y, s.cutover, s.season) AS a
	WHERE a.flags && '{missing_values,season_not_covered}'
	ORDER BY s.name COLLATE "C"
$$, $$
VALUES
	('Nile with gaps', '{missing_values}'::text[]),
	('Seatbelts with gaps', '{missing_values,autocorrelated}'),
	('a long series', '{season_not_covered,autocorrelated}'),
	('a season that is not covered', '{season_not_covered,few_points}'),
	('presidents, 1961: quarters, gaps as published', '{missing_values,autocorrelated}')
$$, 'what is missing is flagged');
SELECT is_empty($$
	SELECT s.name, s.rho, a.flags
	FROM series AS s
	CROSS JOIN LATERAL athar.interrupted_series(s.y, s.cutover, s.season) AS a
	WHERE s.name NOT LIKE '% with gaps' AND s.season IS DISTINCT FROM 4
		AND 'autocorrelated' = ANY (a.flags) IS DISTINCT FROM (s.rho > 1.96 / sqrt(s.n - 1))
$$, 'autocorrelated stands where rho is clearly above 0');
SELECT results_eq($$
	SELECT 'autocorrelated' = ANY (a.flags), count(*)
	FROM series AS s
	CROSS JOIN LATERAL athar.interrupted_series(s.y, s.cutover, s.season) AS a
	GROUP BY 1
	ORDER BY 1
$$, $$ VALUES (false, 10::bigint), (true, 10) $$, 'in some');

-- What a reader can rely on.
SELECT is_empty($$
	SELECT s.name
	FROM series AS s
	CROSS JOIN LATERAL athar.interrupted_series(s.y, s.cutover, s.season) AS a
	CROSS JOIN LATERAL (SELECT max(v.place) AS place FROM unnest(s.y) WITH ORDINALITY AS v (value, place) WHERE v.value IS NOT NULL) AS t
	WHERE pg_temp.near(a.gap_end, a.level_change + a.slope_change * (t.place - s.cutover), 1e-9) IS NOT TRUE
		OR a.gap_end NOT BETWEEN a.gap_end_ci_low AND a.gap_end_ci_high
		OR pg_temp.near(a.level_change_ci_high - a.level_change_ci_low, 2 * athar.student_t_quantile(0.975, a.df) * a.level_change_se, 1e-9) IS NOT TRUE
		OR (a.level_change_p < 0.05) <> (sign(a.level_change_ci_low) = sign(a.level_change_ci_high))
$$, 'gap, interval and p agree with one another');
SELECT is_empty($$
	SELECT s.name, a.counterfactual_end, e.wanted
	FROM series AS s
	CROSS JOIN LATERAL athar.interrupted_series(s.y, s.cutover, s.season) AS a
	CROSS JOIN LATERAL (SELECT max(v.place) AS place FROM unnest(s.y) WITH ORDINALITY AS v (value, place) WHERE v.value IS NOT NULL) AS t
	CROSS JOIN LATERAL (
		SELECT a.intercept + a.slope * t.place + coalesce(sum(w.term
			* CASE w.ordinal % 2 WHEN 1 THEN sin(2 * pi() * ((w.ordinal + 1) / 2) * t.place / s.season) ELSE cos(2 * pi() * (w.ordinal / 2) * t.place / s.season) END), 0)
		FROM unnest(a.season_terms) WITH ORDINALITY AS w (term, ordinal)
	) AS e (wanted)
	WHERE s.name NOT LIKE 'offset%' AND pg_temp.near(a.counterfactual_end, e.wanted, 1e-9) IS NOT TRUE
$$, 'the counterfactual is intercept, slope and season as documented');
SELECT is_empty($$
	SELECT f.name, f.figure, g.figure
	FROM series AS s
	CROSS JOIN LATERAL pg_temp.figures(athar.interrupted_series(s.y, s.cutover, s.season)) AS f
	JOIN LATERAL pg_temp.figures(athar.interrupted_series(
		ARRAY(SELECT v.value - 3 * v.place FROM unnest(s.y) WITH ORDINALITY AS v (value, place) ORDER BY v.place), s.cutover, s.season)) AS g ON g.name = f.name
	WHERE s.name IN ('Nile, 1899', 'Seatbelts with gaps')
		AND pg_temp.near(g.figure, f.figure - CASE f.name WHEN 'slope' THEN 3 WHEN 'counterfactual_end' THEN 3 * cardinality(s.y) ELSE 0 END, 1e-8) IS NOT TRUE
$$, 'a trend that runs through changes the slope and no effect');
SELECT is(athar.interrupted_series(('[-3:' || cardinality(s.y) - 4 || ']=' || s.y::text)::double precision[], s.cutover, s.season)::text,
	athar.interrupted_series(s.y, s.cutover, s.season)::text, 'the lower bound of the array does not matter')
FROM series AS s WHERE s.name = 'Nile, 1899';
SELECT ok(pg_temp.near((athar.interrupted_series(s.y || '{NULL,NULL,NULL}'::double precision[], s.cutover, s.season)).gap_end,
	(athar.interrupted_series(s.y, s.cutover, s.season)).gap_end, 1e-9), 'points that are not there yet do not move the end')
FROM series AS s WHERE s.name = 'Seatbelts, February 1983';
SELECT is_empty($$
	SELECT f.name, f.figure, g.figure
	FROM series AS s
	CROSS JOIN LATERAL pg_temp.figures(athar.interrupted_series(s.y, s.cutover)) AS f
	JOIN LATERAL pg_temp.figures(athar.interrupted_series('{NULL,NULL}'::double precision[] || s.y, s.cutover + 2)) AS g ON g.name = f.name
	WHERE s.name = 'Nile, 1899' AND f.name <> 'intercept' AND pg_temp.near(g.figure, f.figure, 1e-9) IS NOT TRUE
$$, 'nor do points that were not there yet');
SELECT is(
	athar.interrupted_series(ARRAY(SELECT CASE v.place WHEN 14 THEN 'NaN' WHEN 33 THEN 'Infinity' WHEN 60 THEN '-Infinity' ELSE v.value END FROM unnest(s.y) WITH ORDINALITY AS v (value, place) ORDER BY v.place), 29)::text,
	replace(athar.interrupted_series(ARRAY(SELECT CASE WHEN v.place NOT IN (14, 33, 60) THEN v.value END FROM unnest(s.y) WITH ORDINALITY AS v (value, place) ORDER BY v.place), 29)::text, 'missing_values', 'nonfinite_values'),
	'NaN and infinities count as missing')
FROM series AS s WHERE s.name = 'Nile, 1899';

-- The path: every point, and where it ends.
SELECT is_empty($$
	SELECT s.name, p.*
	FROM series AS s
	CROSS JOIN LATERAL athar.interrupted_series(s.y, s.cutover, s.season) AS a
	CROSS JOIN LATERAL (
		SELECT count(*) AS places, count(p.value) AS n, count(*) FILTER (WHERE NOT p.is_after) AS before,
			count(*) FILTER (WHERE p.fitted IS DISTINCT FROM p.counterfactual AND NOT p.is_after) AS split,
			(array_agg(p.counterfactual ORDER BY p.place DESC) FILTER (WHERE p.value IS NOT NULL))[1] AS counterfactual_end,
			(array_agg(p.fitted - p.counterfactual ORDER BY p.place DESC) FILTER (WHERE p.value IS NOT NULL))[1] AS gap_end,
			array_agg(p.value ORDER BY p.place) AS y
		FROM athar.series_path(s.y, s.cutover, s.season) AS p
	) AS p
	WHERE (p.places, p.n, p.before, p.split, p.y) IS DISTINCT FROM (cardinality(s.y), a.n, s.cutover - 1, 0, s.y)
		OR pg_temp.near(p.counterfactual_end, a.counterfactual_end, CASE WHEN s.name LIKE 'offset%' THEN 1e-12 ELSE 1e-9 END) IS NOT TRUE
		OR pg_temp.near(p.gap_end, a.gap_end, CASE WHEN s.name LIKE 'offset%' THEN 1e-5 ELSE 1e-9 END) IS NOT TRUE
$$, 'the path has every point and ends where the figures say');
SELECT is_empty($$
	SELECT s.name, sum(p.value - p.fitted)
	FROM series AS s
	CROSS JOIN LATERAL athar.series_path(s.y, s.cutover, s.season) AS p
	WHERE s.name IN ('Nile, 1899', 'Seatbelts, February 1983', 'days of the week')
	GROUP BY s.name
	HAVING NOT abs(avg(p.value - p.fitted)) < 0.1 * stddev(p.value - p.fitted)
$$, 'and lies in the middle of the points');
SELECT results_eq($$ SELECT p.place, p.is_after, p.value, p.fitted, p.counterfactual FROM athar.series_path('{1,NaN,NULL,4}', 3) AS p $$,
	$$ VALUES (1, false, 1::double precision, NULL::double precision, NULL::double precision), (2, false, NULL, NULL, NULL), (3, true, NULL, NULL, NULL), (4, true, 4, NULL, NULL) $$,
	'too short a series has points, and no line');
SELECT is_empty($$ SELECT athar.series_path(NULL, 3) UNION ALL SELECT athar.series_path('{}', 3) $$, 'no series has no points');
SELECT is(count(p.is_after), 0::bigint, 'without a cutover there is no after') FROM athar.series_path('{1,2,3}', NULL) AS p;

-- Why the errors are not those of ordinary least squares.
SELECT ok(a.level_change_se > 1.4 * a.level_change_se_ols AND a.rho > 0.4, 'seat belts: points follow one another, and the doubt grows by half')
FROM series AS s, athar.interrupted_series(s.y, s.cutover, s.season) AS a WHERE s.name = 'Seatbelts without a season';

CREATE FUNCTION pg_temp.follow(length integer, rho double precision)
RETURNS double precision[]
LANGUAGE plpgsql AS $$
DECLARE
	noise double precision[];
	last double precision := 0;
BEGIN
	FOR place IN -20 .. length LOOP
		last := rho * last + sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random());
		IF place > 0 THEN
			noise[place] := last;
		END IF;
	END LOOP;
	RETURN noise;
END $$;
SELECT setseed(0.5);
SELECT ok(avg((a.level_change_p < 0.05)::integer) <= 0.12 AND avg((athar.student_t_p(a.level_change_ols / a.level_change_se_ols, a.df) < 0.05)::integer) > 0.2,
	'where nothing happened, it is found to have in no more than 12 of 100 series')
FROM generate_series(1, 1000) AS i, LATERAL athar.interrupted_series(pg_temp.follow(120 + 0 * i, 0.5), 61) AS a;

-- Lines without noise are found, and no doubt is made up for them.
SELECT is_empty($$
	SELECT c.length, f.name, f.figure, w.figure
	FROM (VALUES (16, 9), (40, 30), (1000, 12), (20000, 19980)) AS c (length, cutover)
	CROSS JOIN LATERAL pg_temp.figures(athar.interrupted_series(pg_temp.lines(c.length, c.cutover, 100, 0.5, -8, 0.25), c.cutover)) AS f
	LEFT JOIN LATERAL (VALUES ('n', c.length), ('df', c.length - 4), ('intercept', 100.0), ('slope', 0.5), ('level_change', -8), ('slope_change', 0.25),
		('level_change_ols', -8), ('slope_change_ols', 0.25), ('counterfactual_end', 100 + 0.5 * c.length), ('gap_end', -8 + 0.25 * (c.length - c.cutover))) AS w (name, figure) ON w.name = f.name
	WHERE pg_temp.near(f.figure, w.figure, 1e-11) IS NOT TRUE
$$, 'points on their lines: the lines, and neither error nor p');
SELECT is(array_agg(DISTINCT a.flags::text), ARRAY['{no_variation}'], 'and the flag that says why')
FROM (VALUES (pg_temp.lines(40, 20, 0, 0, 0, 0)), (pg_temp.lines(40, 20, 0.1, 0, 0, 0)), (pg_temp.lines(40, 20, 0.1, 0.1, 0.1, 0.1)), (pg_temp.lines(40, 20, 1e300, 0, 0, 0)), (pg_temp.lines(40, 20, -1e-300, 0, 1e-302, 0))) AS c (y),
LATERAL athar.interrupted_series(c.y, 20) AS a;
SELECT results_eq($$
	SELECT a.intercept, a.slope, a.level_change, a.slope_change, a.counterfactual_end, a.gap_end, a.season_terms
	FROM athar.interrupted_series(array_fill(7::double precision, ARRAY[60]), 30, 12) AS a
$$, $$ VALUES (7::double precision, 0::double precision, 0::double precision, 0::double precision, 7::double precision, 0::double precision, '{0,0,0,0}'::double precision[]) $$,
	'a constant series changes by 0');
-- The noise is a thousandth of a billionth of what it stands on.
SELECT ok(pg_temp.near(a.level_change, b.level_change, 1e-4) AND pg_temp.near(a.level_change_se, b.level_change_se, 1e-4) AND a.flags = b.flags, 'an offset of 1e12 leaves the digits that the values have')
FROM athar.interrupted_series(pg_temp.sum(pg_temp.lines(60, 31, 1e12, 0, 3, 0.1), pg_temp.noise(60)), 31) AS a,
	athar.interrupted_series(pg_temp.sum(pg_temp.lines(60, 31, 0, 0, 3, 0.1), pg_temp.noise(60)), 31) AS b;
SELECT ok(pg_temp.near(a.level_change, b.level_change, 1e-5) AND pg_temp.near(a.level_change_se, b.level_change_se, 1e-5), 'a trend of 1e6 a point hides nothing')
FROM athar.interrupted_series(pg_temp.sum(pg_temp.lines(5000, 4000, 0, 1e6, 3, 0.1), pg_temp.noise(5000)), 4000) AS a,
	athar.interrupted_series(pg_temp.sum(pg_temp.lines(5000, 4000, 0, 0, 3, 0.1), pg_temp.noise(5000)), 4000) AS b;
SELECT is_empty($$
	SELECT c.scale, f.name, f.figure, g.figure
	FROM (VALUES (-1000), (-300), (300), (1000)) AS c (scale)
	CROSS JOIN LATERAL pg_temp.figures(athar.interrupted_series(pg_temp.noise(40), 20)) AS f
	JOIN LATERAL pg_temp.figures(athar.interrupted_series(ARRAY(SELECT v.value * (2::double precision ^ c.scale) FROM unnest(pg_temp.noise(40)) AS v (value)), 20)) AS g USING (name)
	WHERE f.figure * CASE WHEN f.name IN ('n', 'df', 'rho') OR f.name LIKE '%\_p' THEN 1 ELSE 2::double precision ^ c.scale END IS DISTINCT FROM g.figure
$$, 'another unit changes no digit');

-- Too little, and too much.
PREPARE flags AS
SELECT c.place, a.n, a.flags, a.level_change IS NOT NULL, a.level_change_se_ols IS NOT NULL, a.level_change_se_newey_west IS NOT NULL, a.level_change_p IS NOT NULL
FROM (VALUES
	(1, NULL::double precision[], 3, NULL::integer),
	(2, pg_temp.noise(20), NULL, NULL),
	(3, '{}', 1, NULL),
	(4, pg_temp.noise(20), 1, NULL),
	(5, pg_temp.noise(20), 0, NULL),
	(6, pg_temp.noise(20), -2147483648, NULL),
	(7, pg_temp.noise(20), 21, NULL),
	(8, pg_temp.noise(20), 2147483647, NULL),
	(9, pg_temp.noise(5), 3, NULL),
	(10, pg_temp.noise(5), 4, NULL),
	(11, pg_temp.noise(6), 4, NULL),
	(12, pg_temp.noise(15), 9, NULL),
	(13, pg_temp.noise(16), 10, NULL),
	(14, pg_temp.noise(16), 9, NULL),
	(15, pg_temp.noise(16), 9, 4),
	(16, pg_temp.noise(16), 9, 5),
	(17, pg_temp.noise(15), 9, 4),
	(18, pg_temp.noise(40), 21, 2147483647),
	(19, array_fill(NULL::double precision, ARRAY[20]), 10, 4),
	(20, array_fill('NaN'::double precision, ARRAY[20]), 10, NULL),
	-- every second point, every third quarter
	(21, ARRAY(SELECT CASE WHEN v.place % 2 = 0 THEN v.value END FROM unnest(pg_temp.noise(60)) WITH ORDINALITY AS v (value, place) ORDER BY v.place), 31, NULL),
	(22, ARRAY(SELECT CASE WHEN v.place % 4 <> 3 THEN v.value END FROM unnest(pg_temp.noise(60)) WITH ORDINALITY AS v (value, place) ORDER BY v.place), 31, 4),
	-- two seasons before, if points that are not there counted
	(23, array_fill(NULL::double precision, ARRAY[20]) || pg_temp.noise(24), 33, 12),
	(24, pg_temp.lines(40, 20, 0, 1, 0, 0), 20, NULL)
) AS c (place, y, cutover, season),
LATERAL athar.interrupted_series(c.y, c.cutover, c.season) AS a
ORDER BY c.place;
SELECT results_eq('flags', $$
VALUES
	(1, 0::bigint, '{too_short}'::text[], false, false, false, false),
	(2, 20, '{no_cutover}', false, false, false, false),
	(3, 0, '{too_short}', false, false, false, false),
	(4, 20, '{too_short}', false, false, false, false),
	(5, 20, '{too_short}', false, false, false, false),
	(6, 20, '{too_short}', false, false, false, false),
	(7, 20, '{too_short}', false, false, false, false),
	(8, 20, '{too_short}', false, false, false, false),
	(9, 5, '{too_short}', false, false, false, false),
	(10, 5, '{too_short}', false, false, false, false),
	(11, 6, '{too_short}', true, true, false, false),
	(12, 15, '{too_short}', true, true, false, false),
	(13, 16, '{too_short}', true, true, false, false),
	(14, 16, '{few_points}', true, true, true, true),
	(15, 16, '{few_points}', true, true, true, true),
	(16, 16, '{season_not_covered,few_points}', true, true, true, true),
	(17, 15, '{too_short,season_not_covered}', true, true, false, false),
	(18, 40, '{season_not_covered,few_points}', true, true, true, true),
	(19, 0, '{too_short,missing_values}', false, false, false, false),
	(20, 0, '{too_short,nonfinite_values}', false, false, false, false),
	(21, 30, '{missing_values,autocorrelation_unknown}', true, true, true, false),
	(22, 45, '{season_not_covered,missing_values,few_points}', true, true, true, true),
	(23, 24, '{season_not_covered,missing_values,few_points}', true, true, true, true),
	(24, 40, '{no_variation}', true, false, false, false)
$$, 'what too few points, or too strange ones, are answered');
SELECT is_empty($$
	SELECT f.name, f.figure
	FROM pg_temp.figures(athar.interrupted_series(pg_temp.noise(20), 3)) AS f
	WHERE f.name <> 'n' AND f.figure IS NOT NULL
$$, 'two points are no line: no figure at all');
-- What is said of the noise.
CREATE FUNCTION pg_temp.flags(y double precision[])
RETURNS text[]
LANGUAGE SQL
RETURN (athar.interrupted_series(y, cardinality(y) / 2)).flags;
SELECT is(pg_temp.flags(ARRAY(SELECT sum(v.value) OVER (ORDER BY v.place) FROM unnest(pg_temp.noise(120)) WITH ORDINALITY AS v (value, place) ORDER BY v.place)),
	'{autocorrelated,random_walk}', 'sums of noise wander off');
SELECT is(pg_temp.flags(ARRAY(SELECT v.value * (-1) ^ v.place + 3 * (-1) ^ v.place FROM unnest(pg_temp.noise(120)) WITH ORDINALITY AS v (value, place) ORDER BY v.place)),
	'{alternating}', 'noise that turns round makes errors small');
SELECT is(pg_temp.flags(pg_temp.noise(50)), '{}', 'fifty points are enough');
SELECT is(pg_temp.flags(pg_temp.noise(49)), '{few_points}', 'forty-nine are few');
SELECT ok(bool_and(abs(a.rho) < 0.999 AND a.level_change_p > 0.3) AND bool_or('not_converged' = ANY (a.flags)), 'one wild point at the end does not make a rho')
FROM unnest('{-20,-2,0,2,20}'::double precision[]) AS d (before), LATERAL athar.interrupted_series(ARRAY(SELECT CASE v.place WHEN 60 THEN 1000 WHEN 59 THEN -d.before ELSE v.value / 100 END FROM unnest(pg_temp.noise(60)) WITH ORDINALITY AS v (value, place) ORDER BY v.place), 31) AS a;
SELECT throws_ok($$ SELECT athar.interrupted_series('{{1,2},{3,4}}', 2) $$, '22023', 'a series cannot have 2 dimensions', 'a table of numbers is no series');
SELECT throws_ok($$ SELECT athar.autocorrelation('{{1,2},{3,4}}') $$, '22023', 'a series cannot have 2 dimensions', 'nor has it an autocorrelation');
SELECT throws_ok(format('SELECT athar.interrupted_series(%L, 2, %s)', '{1,2,3}', season), '22023', format('a season cannot have a length of %s', season), 'nor is a season of ' || season)
FROM unnest('{1,0,-1,-2147483648}'::integer[]) AS s (season);

-- Never NaN, whatever comes.
SELECT setseed(0.46);
CREATE TEMPORARY TABLE strange AS
SELECT
	s.id,
	ARRAY(
		SELECT (ARRAY[0, 1, -1, 1e308, -1.7e308, 5e-324, 1e12, 1e12 + 1, 'NaN', 'Infinity', '-Infinity', NULL, random(), random(), 3 * random()]::double precision[])[1 + floor(random() * (4 + s.id % 12))]
		FROM generate_series(1, s.length)
	) AS y,
	floor(random() * s.length)::integer AS cutover,
	nullif(floor(random() * 9)::integer, 0) + 1 AS season
FROM (SELECT i AS id, floor(random() * 60)::integer AS length FROM generate_series(1, 3000) AS i) AS s;
SELECT is_empty($$
	SELECT s.id, a.answer
	FROM strange AS s
	CROSS JOIN LATERAL (SELECT athar.interrupted_series(s.y, s.cutover, s.season)::text) AS a (answer)
	WHERE a.answer ~* 'nan|infinity' OR a.answer IS NULL
$$, 'no NaN and no infinity among strange values');
SELECT is_empty($$
	SELECT s.id, a.*
	FROM strange AS s
	CROSS JOIN LATERAL athar.interrupted_series(s.y, s.cutover, s.season) AS a
	WHERE a.level_change_se <= 0 OR a.slope_change_se_ols <= 0 OR a.level_change_p NOT BETWEEN 0 AND 1 OR abs(a.rho) > 0.999
		OR a.n <> (SELECT count(*) FROM unnest(s.y) AS v (value) WHERE v.value > '-Infinity' AND v.value < 'Infinity')
$$, 'nor an error of 0, a p beside [0, 1] or an impossible rho');
SELECT cmp_ok(count(*), '>', 500::bigint, 'and many of them have all figures')
FROM strange AS s, athar.interrupted_series(s.y, s.cutover, s.season) AS a WHERE a.level_change_p IS NOT NULL;

-- A long series is no trouble, and can be stopped.
CREATE TEMPORARY TABLE long AS SELECT pg_temp.noise(400000) AS y;
SELECT ok(abs(a.level_change) < 0.01 AND a.level_change_p > 0.001 AND a.n = 400000, 'a series of 400,000 points') FROM long AS l, athar.interrupted_series(l.y, 200000, 86400) AS a;
CREATE FUNCTION pg_temp.is_cancelled(statement text)
RETURNS boolean
LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN false;
EXCEPTION WHEN query_canceled THEN
	RETURN true;
END $$;
SET LOCAL statement_timeout = '150ms';
SELECT ok(pg_temp.is_cancelled('SELECT count(athar.interrupted_series(l.y, 200000 + i, 365)) FROM long AS l, generate_series(1, 1000) AS i'), 'a long one can be cancelled');
SET LOCAL statement_timeout = 0;

-- Autocorrelation: acf of R.
SELECT ok(pg_temp.near(athar.autocorrelation(s.y), 0.49840818413302945, 1e-12), 'the first autocorrelation of the Nile') FROM series AS s WHERE s.name = 'Nile, 1899';
SELECT ok(pg_temp.near(athar.autocorrelation(ARRAY(SELECT CASE WHEN v.place NOT IN (1, 14, 33, 34, 35) THEN v.value END FROM unnest(s.y) WITH ORDINALITY AS v (value, place) ORDER BY v.place)), 0.4969319647721348, 1e-12), 'and where points are missing')
FROM series AS s WHERE s.name = 'Nile, 1899';
SELECT ok(pg_temp.near(athar.autocorrelation('{1,2,4}'), -0.023809523809523812, 1e-12), 'of three values');
SELECT ok(pg_temp.near(athar.autocorrelation('{1e308,-1e308,1e308,-1e308}'), -0.75, 1e-12), 'of the largest');
SELECT is_empty($$
	SELECT c.y
	FROM (VALUES (NULL::double precision[]), ('{}'), ('{1}'), ('{1,2}'), ('{3,3,3,3}'), ('{1,NULL,2,NULL,3}'), ('{NaN,NaN,NaN}'), ('{0.1,0.1,0.1}')) AS c (y)
	WHERE athar.autocorrelation(c.y) IS NOT NULL
$$, 'NULL where there is none');

SELECT * FROM finish();
ROLLBACK;
