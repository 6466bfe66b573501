-- evidence: Student's t and the comparison of two groups. Reference values by
-- test/reference/evidence.R.
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

-- The same for every figure of two comparisons.
CREATE FUNCTION pg_temp.near(got athar.evidence, wanted athar.evidence, tolerance double precision)
RETURNS boolean
LANGUAGE SQL
RETURN (got).before_n = (wanted).before_n AND (got).after_n = (wanted).after_n AND (got).verdict = (wanted).verdict
	AND pg_temp.near((got).before_mean, (wanted).before_mean, tolerance)
	AND pg_temp.near((got).before_sd, (wanted).before_sd, tolerance)
	AND pg_temp.near((got).before_median, (wanted).before_median, tolerance)
	AND pg_temp.near((got).after_mean, (wanted).after_mean, tolerance)
	AND pg_temp.near((got).after_sd, (wanted).after_sd, tolerance)
	AND pg_temp.near((got).after_median, (wanted).after_median, tolerance)
	AND pg_temp.near((got).difference, (wanted).difference, tolerance)
	AND pg_temp.near((got).percent_change, (wanted).percent_change, tolerance)
	AND pg_temp.near((got).ci_low, (wanted).ci_low, tolerance)
	AND pg_temp.near((got).ci_high, (wanted).ci_high, tolerance)
	AND pg_temp.near((got).t, (wanted).t, tolerance)
	AND pg_temp.near((got).df, (wanted).df, tolerance)
	AND pg_temp.near((got).p_value, (wanted).p_value, tolerance)
	AND pg_temp.near((got).effect_size, (wanted).effect_size, tolerance);

-- Student's t against R.
CREATE TEMPORARY TABLE student_t (t double precision, df double precision, p double precision);
\ir ../data/student_t.sql
SELECT cmp_ok(count(*), '>', 200::bigint, 'reference p-values were read') FROM student_t;
SELECT is_empty($$
	SELECT r.t, r.df, r.p, athar.student_t_p(r.t, r.df)
	FROM student_t AS r
	WHERE pg_temp.near(athar.student_t_p(r.t, r.df), r.p, 1e-12) IS NOT TRUE
$$, 'two-sided p equals R''s pt to 1e-12');
SELECT is_empty($$
	SELECT r.t, r.df
	FROM student_t AS r
	WHERE athar.student_t_p(-r.t, r.df) IS DISTINCT FROM athar.student_t_p(r.t, r.df)
$$, 'p does not know the sign of t');

CREATE TEMPORARY TABLE student_t_quantile (probability double precision, df double precision, t double precision);
\ir ../data/student_t_quantile.sql
SELECT cmp_ok(count(*), '>', 150::bigint, 'reference quantiles were read') FROM student_t_quantile;
SELECT is_empty($$
	SELECT r.probability, r.df, r.t, athar.student_t_quantile(r.probability, r.df)
	FROM student_t_quantile AS r
	WHERE pg_temp.near(athar.student_t_quantile(r.probability, r.df), r.t, 1e-12) IS NOT TRUE
$$, 'quantiles equal R''s to 1e-12');
SELECT is_empty($$
	SELECT r.t, r.df, q.t
	FROM student_t AS r, LATERAL (SELECT athar.student_t_quantile(athar.student_t_p(r.t, r.df) / 2, r.df) AS t) AS q
	WHERE r.df >= 1 AND r.t >= 0.1 AND pg_temp.near(q.t, -r.t, 1e-12) IS NOT TRUE
$$, 'the quantile undoes the p-value');
SELECT is_empty($$
	SELECT c.p, d.df, athar.student_t_quantile(1 - c.p / 2, d.df) AS t
	FROM unnest('{0.999,0.9,0.7,0.6,0.51,0.5,0.49,0.3,0.1,0.05,0.01,0.0099}'::double precision[]) AS c (p),
		unnest('{0.01,0.05,0.3,0.7,0.999,1,1.001,1.5,2,3,4.5,7,30,1e3,1e6,1e12,Infinity}'::double precision[]) AS d (df)
	WHERE pg_temp.near(athar.student_t_p(athar.student_t_quantile(1 - c.p / 2, d.df), d.df), c.p, 1e-12) IS NOT TRUE
$$, 'the p-value undoes the quantile, below one degree of freedom too');
SELECT ok(pg_temp.near(athar.student_t_quantile(0.5 + 1e-9, 3), 1e-9 * pi() * sqrt(3) / 2, 1e-7), 'a quantile beside the middle keeps its digits');
SELECT is(athar.student_t_quantile(0.5, 7), 0::double precision, 'the median is 0');
SELECT ok(pg_temp.near(athar.student_t_quantile(0.975, 'Infinity'), 1.9599639845400542355, 1e-14), 'infinite df is the normal distribution: quantile');
SELECT ok(pg_temp.near(athar.student_t_p(1.9599639845400542355, 'Infinity'), 0.05, 1e-13), 'infinite df is the normal distribution: p');
-- Beyond R: 60-digit arithmetic (mpmath, the continued fraction DLMF 8.17.22).
SELECT ok(pg_temp.near(athar.student_t_p(37, 1e6), 1.8299730861802263061e-299, 1e-11), 'p of 1e-299');
SELECT is(athar.student_t_p(38, 1e7), 0::double precision, 'p below 1e-300 is 0');
SELECT is(athar.student_t_p('Infinity', 5), 0::double precision, 'p of an infinite t is 0');
SELECT is(athar.student_t_p(0, 5), 1::double precision, 'p of no difference is 1');
SELECT is(athar.student_t_p(1e-200, 5), 1::double precision, 'the square of a tiny t does not matter');
SELECT ok(pg_temp.near(athar.student_t_p(1e200, 0.5), 6.4140195082844580068e-101, 1e-13), 'the square of a huge t does not overflow');
SELECT is_empty($$
	SELECT c.t, c.df
	FROM (VALUES (2::double precision, 0::double precision), (2, -1), ('NaN', 5), (2, 'NaN'), (NULL, 5), (2, NULL), (2, '-Infinity')) AS c (t, df)
	WHERE athar.student_t_p(c.t, c.df) IS NOT NULL
$$, 'p is NULL where it is not defined');
SELECT is_empty($$
	SELECT c.probability, c.df
	FROM (VALUES (0::double precision, 5::double precision), (1, 5), (-0.1, 5), (1.1, 5), ('NaN', 5), (0.9, 'NaN'), (0.9, 0), (0.9, -3), (1e-300, 0.01), (NULL, 5), (0.9, NULL)) AS c (probability, df)
	WHERE athar.student_t_quantile(c.probability, c.df) IS NOT NULL
$$, 'a quantile is NULL where there is no finite one');

-- Welch against R.
CREATE TEMPORARY TABLE welch (
	name text,
	before_values double precision[],
	after_values double precision[],
	before_mean double precision,
	before_sd double precision,
	before_median double precision,
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
	effect_size double precision
);
\ir ../data/welch.sql

CREATE FUNCTION pg_temp.summarize(numbers double precision[])
RETURNS athar.summary
LANGUAGE SQL
BEGIN ATOMIC
	SELECT athar.summarize(v.number) FROM unnest(numbers) AS v (number);
END;

CREATE FUNCTION pg_temp.compare(before_values double precision[], after_values double precision[])
RETURNS athar.evidence
LANGUAGE SQL
RETURN athar.compare(pg_temp.summarize(before_values), pg_temp.summarize(after_values));

-- A cutover at noon; the value at noon itself is after.
CREATE FUNCTION pg_temp.before_after(before_values double precision[], after_values double precision[])
RETURNS athar.evidence
LANGUAGE SQL
BEGIN ATOMIC
	SELECT athar.before_after(v.value, v.observed_at, '2026-01-01 12:00Z')
	FROM (
		SELECT b.value, timestamptz '2026-01-01 12:00Z' - b.place * interval '1 microsecond'
		FROM unnest(before_values) WITH ORDINALITY AS b (value, place)
		UNION ALL
		SELECT a.value, timestamptz '2026-01-01 12:00Z' + (a.place - 1) * interval '1 microsecond'
		FROM unnest(after_values) WITH ORDINALITY AS a (value, place)
	) AS v (value, observed_at);
END;

SELECT cmp_ok(count(*), '>', 14::bigint, 'reference comparisons were read') FROM welch;
SELECT ok(
	pg_temp.near(pg_temp.compare(w.before_values, w.after_values), ROW(
		cardinality(w.before_values), w.before_mean, w.before_sd, w.before_median,
		cardinality(w.after_values), w.after_mean, w.after_sd, w.after_median,
		w.difference, w.percent_change, w.ci_low, w.ci_high, w.t, w.df, w.p_value, w.effect_size,
		CASE WHEN w.p_value >= 0.05 THEN 'no_clear_change' WHEN w.difference > 0 THEN 'increased' ELSE 'decreased' END
	)::athar.evidence, 1e-9),
	'Welch equals R: ' || w.name)
FROM welch AS w;
SELECT ok(pg_temp.near(pg_temp.before_after(w.before_values, w.after_values), pg_temp.compare(w.before_values, w.after_values), 1e-12),
	'before_after equals compare of two summaries: ' || w.name)
FROM welch AS w;

-- Too little, and too constant.
PREPARE verdicts AS
SELECT c.before_values, c.after_values, (e.evidence).before_mean, (e.evidence).after_mean, (e.evidence).difference, (e.evidence).percent_change, (e.evidence).verdict
FROM (VALUES
	(1, '{}'::double precision[], '{}'::double precision[]),
	(2, '{}', '{4}'),
	(3, '{4}', '{}'),
	(4, '{4}', '{5}'),
	(5, '{4}', '{5,6,7}'),
	(6, '{4,6}', '{6}'),
	(7, '{4,4}', '{6,6}'),
	(8, '{4,4}', '{4,4}'),
	(9, '{0,0}', '{4,4}'),
	(10, '{-4,-4}', '{-2,-2}')
) AS c (place, before_values, after_values),
LATERAL (SELECT pg_temp.before_after(c.before_values, c.after_values)) AS e (evidence)
ORDER BY c.place;
SELECT results_eq('verdicts', $$
VALUES
	('{}'::double precision[], '{}'::double precision[], NULL::double precision, NULL::double precision, NULL::double precision, NULL::double precision, 'insufficient_data'),
	('{}', '{4}', NULL, 4, NULL, NULL, 'insufficient_data'),
	('{4}', '{}', 4, NULL, NULL, NULL, 'insufficient_data'),
	('{4}', '{5}', 4, 5, 1, 25, 'insufficient_data'),
	('{4}', '{5,6,7}', 4, 6, 2, 50, 'insufficient_data'),
	('{4,6}', '{6}', 5, 6, 1, 20, 'insufficient_data'),
	('{4,4}', '{6,6}', 4, 6, 2, 50, 'no_variation'),
	('{4,4}', '{4,4}', 4, 4, 0, 0, 'no_variation'),
	('{0,0}', '{4,4}', 0, 4, 4, NULL, 'no_variation'),
	('{-4,-4}', '{-2,-2}', -4, -2, 2, 50, 'no_variation')
$$, 'what a comparison of few or constant values answers');
SELECT is_empty($$
	SELECT c.before_values
	FROM (VALUES ('{}'::double precision[], '{1}'::double precision[]), ('{1}', '{2,3}'), ('{4,4}', '{6,6}'), ('{4,4}', '{4,4}')) AS c (before_values, after_values),
	LATERAL (SELECT pg_temp.before_after(c.before_values, c.after_values)) AS e (evidence)
	WHERE num_nonnulls((e.evidence).ci_low, (e.evidence).ci_high, (e.evidence).t, (e.evidence).df, (e.evidence).p_value, (e.evidence).effect_size) > 0
$$, 'no interval, t, p or effect size without variation on two sides of two values');
SELECT is((pg_temp.before_after('{1,2}', '{3}')).after_sd, NULL, 'one value has no standard deviation');
SELECT is((pg_temp.before_after('{1,2}', '{3}')).after_n, 1::bigint, 'an insufficient comparison still counts');
SELECT ok(athar.before_after(v.value, v.at, v.at) IS NOT DISTINCT FROM
	ROW(0, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'insufficient_data')::athar.evidence, 'no rows at all: counts of 0')
FROM (SELECT 1::double precision, timestamptz '2026-01-01' WHERE false) AS v (value, at);
SELECT ok(athar.compare(NULL, NULL) IS NOT DISTINCT FROM
	ROW(0, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'insufficient_data')::athar.evidence, 'a NULL summary counts as a summary of nothing');
SELECT is((athar.compare(NULL, pg_temp.summarize('{1,2,3}'))).after_mean, 2::double precision, 'one NULL summary leaves the other''s figures');

-- What is left out.
SELECT ok(pg_temp.near(pg_temp.before_after('{1,NaN,2,NULL,4,Infinity}', '{-Infinity,5,6,NULL,9,NaN}'), pg_temp.compare('{1,2,4}', '{5,6,9}'), 1e-12),
	'NULL, NaN and infinite values are kept out');
SELECT is((pg_temp.before_after('{NaN,Infinity}', '{1,2}')).before_n, 0::bigint, 'values that are not finite do not count');
SELECT is((pg_temp.before_after('{NaN,Infinity}', '{1,2}')).verdict, 'insufficient_data', 'nor do they make evidence');
SELECT ok(pg_temp.near(athar.before_after(v.value, v.at, v.cutover), pg_temp.compare('{1,3}', '{10,14}'), 1e-12), 'a row without a time or without a cutover is left out')
FROM (VALUES
	(1::double precision, timestamptz '2025-01-01', timestamptz '2026-01-01'),
	(3, '2025-01-02', '2026-01-01'),
	(77, NULL, '2026-01-01'),
	(78, '2025-01-02', NULL),
	(10, '2026-01-01', '2026-01-01'),
	(14, '2026-01-02', '2026-01-01')) AS v (value, at, cutover);
SELECT ok(pg_temp.near(athar.before_after(v.value, v.at, v.cutover), pg_temp.compare('{1,3}', '{10,14}'), 1e-12), 'every row is judged by its own cutover')
FROM (VALUES
	(1::double precision, timestamptz '2025-12-31', timestamptz '2026-01-01'),
	(10, '2026-01-01', '2026-01-01'),
	(3, '2026-03-01', '2026-04-01'),
	(14, '2026-05-01', '2026-04-01')) AS v (value, at, cutover);
SELECT is((athar.before_after(v.value, v.at, '2026-01-01 00:00Z')).before_n, 1::bigint, 'the cutover itself is after, the microsecond before it is before')
FROM (VALUES (1::double precision, timestamptz '2025-12-31 23:59:59.999999Z'), (2, '2026-01-01 00:00Z')) AS v (value, at);
SELECT is((athar.before_after(v.value, v.at, '2026-01-01 00:00Z')).after_n, 2::bigint, 'infinite times have their side')
FROM (VALUES (1::double precision, timestamptz '-infinity'), (2, '2026-01-01 00:00Z'), (3, 'infinity')) AS v (value, at);

-- Extremes: defined, never NaN, never an error.
SELECT is_empty($$
	SELECT c.before_values, c.after_values, e.evidence
	FROM (VALUES
		('{1e150,2e150,3e150}'::double precision[], '{2e150,5e150}'::double precision[]),
		('{1e-300,2e-300}', '{2e-300,5e-300,6e-300}'),
		('{1e-300,2e-300}', '{1e150,2e150}'),
		('{-1.7e308,-1.6e308}', '{1.7e308,1.6e308}'),
		('{5e-324,1e-323}', '{5e-324,2e-323}'),
		('{-0.0,0.0}', '{0.0,-0.0}')
	) AS c (before_values, after_values),
	LATERAL (SELECT pg_temp.before_after(c.before_values, c.after_values)) AS e (evidence)
	WHERE (e.evidence)::text ~ 'NaN|Infinity' OR (e.evidence).verdict IS NULL
		OR (e.evidence).before_mean IS NULL OR (e.evidence).after_mean IS NULL
$$, 'huge, tiny and denormal values have answers');
SELECT is((pg_temp.before_after('{-1.7e308,-1.6e308,-1.65e308}', '{1.7e308,1.6e308,1.65e308}')).difference, NULL, 'a difference that double precision cannot hold is NULL');
SELECT is((pg_temp.before_after('{1e-300,2e-300,1e-300}', '{1e150,1e150,1e150}')).percent_change, NULL, 'so is such a percentage');

SELECT ok(pg_temp.near((pg_temp.before_after('{1e308,1.2e308}', '{1.3e308,1.5e308}')).percent_change, 300 / 11::double precision, 1e-14), 'unless it is the difference alone that is huge');
SELECT ok(pg_temp.near((pg_temp.before_after('{1000000000000,1000000000000,1000000000001}', '{1000000000001,1000000000001,1000000000003}')).difference, 4 / 3::double precision, 1e-14),
	'a difference of means is not rounded as the means are');

-- Figures published without their values (by the same formulas in R).
SELECT ok(pg_temp.near(
	athar.compare(athar.summary_of_moments(5000000000, 50, 3), athar.summary_of_moments(4000000000, 50.0002, 4)),
	ROW(5000000000, 50, 3, NULL, 4000000000, 50.0002, 4, NULL, 0.0002, 0.0004, 5.07335899554e-05, 0.000349266410044,
		2.62612865719, 7237521512.87, 0.00863621677865, 5.74695771133e-05, 'increased')::athar.evidence, 1e-9), 'billions of values, known by their moments alone');
SELECT is((athar.compare(athar.summary_of_moments(9, 50, NULL), pg_temp.summarize('{1,2,3}'))).verdict, 'insufficient_data', 'an unknown deviation gives no interval');
SELECT is((athar.compare(athar.summary_of_moments(9, 50, 0), athar.summary_of_moments(9, 51, 0))).verdict, 'no_variation', 'a deviation of 0 is no variation');

-- Order, grouping and parallel workers change the last digits at most. Up to
-- 64 distinct values a side the median is exact, beyond that it is estimated.
CREATE TABLE public.series_by_minute AS
SELECT g AS place, timestamptz '2026-01-01' + g * interval '1 minute' AS at,
	(g * 7919 % 61)::double precision AS score, 1e6 + 100 * sin(g) + g / 1e3 AS reading
FROM generate_series(-30000, 29999) AS g;
ANALYZE public.series_by_minute;

CREATE FUNCTION pg_temp.without_medians(evidence athar.evidence)
RETURNS athar.evidence
LANGUAGE SQL
RETURN ROW((evidence).before_n, (evidence).before_mean, (evidence).before_sd, NULL, (evidence).after_n, (evidence).after_mean, (evidence).after_sd, NULL,
	(evidence).difference, (evidence).percent_change, (evidence).ci_low, (evidence).ci_high,
	(evidence).t, (evidence).df, (evidence).p_value, (evidence).effect_size, (evidence).verdict)::athar.evidence;

CREATE TEMPORARY TABLE by_order AS
SELECT o.name, athar.before_after(o.score, o.at, '2026-01-01') AS score, athar.before_after(o.reading, o.at, '2026-01-01') AS reading
FROM (
	SELECT 'in order', s.* FROM (SELECT * FROM public.series_by_minute ORDER BY at) AS s
	UNION ALL
	SELECT 'backwards', s.* FROM (SELECT * FROM public.series_by_minute ORDER BY at DESC) AS s
	UNION ALL
	SELECT 'by value', s.* FROM (SELECT * FROM public.series_by_minute ORDER BY reading) AS s
	UNION ALL
	SELECT 'scattered', s.* FROM (SELECT * FROM public.series_by_minute ORDER BY hashint4(place)) AS s
) AS o (name, place, at, score, reading)
GROUP BY o.name;

SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL max_parallel_workers_per_gather = 3;
CREATE FUNCTION pg_temp.plan_of(query text)
RETURNS SETOF text
LANGUAGE plpgsql
AS $$
BEGIN
	RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || query;
END
$$;
SELECT matches(string_agg(p.line, E'\n'), 'Finalize Aggregate.*Gather.*Partial Aggregate', 'before_after runs in parallel workers')
FROM pg_temp.plan_of($$SELECT athar.before_after(score, at, '2026-01-01') FROM public.series_by_minute$$) AS p (line);
CREATE TEMPORARY TABLE in_parallel AS
SELECT athar.before_after(score, at, '2026-01-01') AS score, athar.before_after(reading, at, '2026-01-01') AS reading
FROM public.series_by_minute;
SELECT matches(string_agg(p.line, E'\n'), 'Finalize.*Gather.*Partial', 'so do its groups')
FROM pg_temp.plan_of($$SELECT score, athar.before_after(reading, at, '2026-01-01') FROM public.series_by_minute GROUP BY score$$) AS p (line);
CREATE TEMPORARY TABLE groups_in_parallel AS
SELECT score, athar.before_after(reading, at, '2026-01-01') AS reading, athar.before_after(round(reading), at, '2026-01-01') AS rounded
FROM public.series_by_minute
GROUP BY score;
RESET max_parallel_workers_per_gather;
SELECT is(count(*) FILTER (WHERE pg_temp.near(pg_temp.without_medians(p.reading), pg_temp.without_medians(s.reading), 1e-12) AND pg_temp.near(pg_temp.without_medians(p.rounded), pg_temp.without_medians(s.rounded), 1e-12)), 121::bigint,
	'each group has the same figures by parallel workers')
FROM groups_in_parallel AS p
JOIN (
	SELECT score, athar.before_after(reading, at, '2026-01-01') AS reading, athar.before_after(round(reading), at, '2026-01-01') AS rounded
	FROM public.series_by_minute
	GROUP BY score
) AS s USING (score);
INSERT INTO by_order (name, score, reading)
SELECT 'by parallel workers', score, reading FROM in_parallel
UNION ALL
SELECT 'summarised first, then compared', athar.compare(athar.summarize(score) FILTER (WHERE at < '2026-01-01'), athar.summarize(score) FILTER (WHERE at >= '2026-01-01')),
	athar.compare(athar.summarize(reading) FILTER (WHERE at < '2026-01-01'), athar.summarize(reading) FILTER (WHERE at >= '2026-01-01'))
FROM public.series_by_minute
UNION ALL
SELECT 'merged from days', athar.compare(athar.merge(d.score) FILTER (WHERE d.day < '2026-01-01'), athar.merge(d.score) FILTER (WHERE d.day >= '2026-01-01')),
	athar.compare(athar.merge(d.reading) FILTER (WHERE d.day < '2026-01-01'), athar.merge(d.reading) FILTER (WHERE d.day >= '2026-01-01'))
FROM (
	SELECT date_trunc('day', at) AS day, athar.summarize(score) AS score, athar.summarize(reading) AS reading
	FROM public.series_by_minute
	GROUP BY 1
) AS d;
SELECT is(count(*), 7::bigint, 'seven ways to the same comparison') FROM by_order;
SELECT ok(pg_temp.near(o.score, i.score, 1e-12) AND pg_temp.near(pg_temp.without_medians(o.reading), pg_temp.without_medians(i.reading), 1e-12),
	'the same figures: ' || o.name)
FROM by_order AS o
CROSS JOIN (SELECT score, reading FROM by_order WHERE name = 'in order') AS i
ORDER BY o.name;
SELECT ok(r.before_rank BETWEEN 0.495 AND 0.505 AND r.after_rank BETWEEN 0.495 AND 0.505, 'medians within half a per cent of the ranks: ' || o.name)
FROM by_order AS o,
LATERAL (
	SELECT avg((s.reading < (o.reading).before_median)::integer) FILTER (WHERE s.at < '2026-01-01') AS before_rank,
		avg((s.reading < (o.reading).after_median)::integer) FILTER (WHERE s.at >= '2026-01-01') AS after_rank
	FROM public.series_by_minute AS s
) AS r
ORDER BY o.name;

-- Groups, and the aggregate as a window function (its state is read again and again).
SELECT is_empty($$
	SELECT g.place
	FROM (SELECT place % 100 AS place, athar.before_after(reading, at, '2026-01-01') AS evidence FROM public.series_by_minute GROUP BY 1) AS g
	WHERE NOT pg_temp.near((g.evidence).difference,
		(SELECT avg(reading) FILTER (WHERE at >= '2026-01-01') - avg(reading) FILTER (WHERE at < '2026-01-01') FROM public.series_by_minute AS s WHERE s.place % 100 = g.place), 1e-6)
$$, 'each group has its own comparison');
SELECT is_empty($$
	SELECT w.place
	FROM (
		SELECT s.place, athar.before_after(s.score, s.at, '2026-01-01') OVER (ORDER BY s.at) AS evidence
		FROM public.series_by_minute AS s
		WHERE s.place BETWEEN -20 AND 20
	) AS w
	WHERE pg_temp.near(w.evidence, (
		SELECT athar.before_after(s.score, s.at, '2026-01-01')
		FROM public.series_by_minute AS s
		WHERE s.place BETWEEN -20 AND w.place
	), 1e-12) IS NOT TRUE
$$, 'a running comparison equals one of the rows so far');

-- The shape that applications rely on.
SELECT is(string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum),
	'before_n bigint, before_mean double precision, before_sd double precision, before_median double precision, '
	'after_n bigint, after_mean double precision, after_sd double precision, after_median double precision, '
	'difference double precision, percent_change double precision, ci_low double precision, ci_high double precision, '
	't double precision, df double precision, p_value double precision, effect_size double precision, verdict text', 'the columns of athar.evidence')
FROM pg_attribute AS a
WHERE a.attrelid = 'athar.evidence'::regclass;
SELECT is(string_agg(p.proname || '(' || pg_get_function_arguments(p.oid) || ')', ', ' ORDER BY p.proname),
	'before_after(value double precision, observed_at timestamp with time zone, cutover timestamp with time zone), '
	'compare(before athar.summary, after athar.summary), '
	'student_t_p(t double precision, df double precision), '
	'student_t_quantile(probability double precision, df double precision)', 'the arguments of its functions')
FROM pg_proc AS p
WHERE p.pronamespace = 'athar'::regnamespace AND p.proname IN ('before_after', 'compare', 'student_t_p', 'student_t_quantile');

SELECT * FROM finish();
ROLLBACK;
