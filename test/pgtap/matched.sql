-- matched: like compared with like, and with those the change did not reach.
-- Reference values by test/reference/matched.R.
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

CREATE FUNCTION pg_temp.near(got athar.matched_evidence, wanted athar.matched_evidence, tolerance double precision)
RETURNS boolean
LANGUAGE SQL
RETURN (got).strata_used = (wanted).strata_used AND (got).strata_left_out = (wanted).strata_left_out
	AND pg_temp.near((got).total_difference, (wanted).total_difference, tolerance)
	AND pg_temp.near((got).matched_difference, (wanted).matched_difference, tolerance)
	-- what is left of two figures has no more digits than they
	AND coalesce(abs((got).mix_difference - (wanted).mix_difference) <= tolerance * abs((wanted).total_difference),
		num_nulls((got).mix_difference, (wanted).mix_difference) = 2)
	AND pg_temp.near((got).se, (wanted).se, tolerance)
	AND pg_temp.near((got).ci_low, (wanted).ci_low, tolerance)
	AND pg_temp.near((got).ci_high, (wanted).ci_high, tolerance)
	AND pg_temp.near((got).p_value, (wanted).p_value, tolerance);

CREATE FUNCTION pg_temp.summarize(VARIADIC numbers double precision[])
RETURNS athar.summary
LANGUAGE SQL
BEGIN ATOMIC
	SELECT athar.summarize(v.number) FROM unnest(numbers) AS v (number);
END;

-- compare_matched ---------------------------------------------------------

-- The contact centre of the US Transportation Security Administration, trust,
-- 2022 quarters 1 and 2: both channels rise, the whole falls.
CREATE TEMPORARY TABLE tsa (channel text, is_after boolean, counts bigint[]);
INSERT INTO tsa (channel, is_after, counts) VALUES
	('email', false, '{92,38,47,33,35}'), ('email', true, '{1161,696,1048,1066,1010}'),
	('phone', false, '{310,299,676,978,5919}'), ('phone', true, '{428,377,653,1153,9631}');
SELECT results_eq(
	$$SELECT round(athar.mean(athar.merge(athar.summary_of('{1,2,3,4,5}', counts)))::numeric, 4) FROM tsa GROUP BY is_after ORDER BY is_after$$,
	'VALUES (4.3977), (4.1177)', 'all of it falls from 4.3977 to 4.1177');
SELECT results_eq(
	$$SELECT round((m).total_difference::numeric, 4), round((m).matched_difference::numeric, 4), round((m).mix_difference::numeric, 4), (m).strata_used, (m).strata_left_out
	FROM (SELECT athar.compare_matched(athar.summary_of('{1,2,3,4,5}', counts), channel, is_after) AS m FROM tsa) AS f$$,
	'VALUES (-0.2800, 0.1744, -0.4543, 2, 0)', 'like for like it rises by 0.1744, the mix takes 0.4543 off');

-- Against R.
CREATE TEMPORARY TABLE matched_values (name text, stratum text, is_after boolean, answers double precision[], counts bigint[]);
\ir ../data/matched_values.sql
CREATE TEMPORARY TABLE matched (LIKE athar.matched_evidence);
ALTER TABLE matched ADD name text;
\ir ../data/matched.sql
SELECT cmp_ok(count(*), '>=', 8::bigint, 'reference comparisons were read') FROM matched;
SELECT ok(pg_temp.near(f.found, ROW(m.total_difference, m.matched_difference, m.mix_difference, m.se, m.ci_low, m.ci_high, m.p_value,
		m.strata_used, m.strata_left_out)::athar.matched_evidence, 1e-9),
	'equals R: ' || m.name)
FROM matched AS m
JOIN (
	SELECT v.name, athar.compare_matched(athar.summary_of(v.answers, v.counts), v.stratum, v.is_after) AS found
	FROM matched_values AS v
	GROUP BY v.name) AS f USING (name);
SELECT ok(pg_temp.near(f.found, ROW(m.total_difference, m.matched_difference, m.mix_difference, m.se, m.ci_low, m.ci_high, m.p_value,
		m.strata_used, m.strata_left_out)::athar.matched_evidence, 1e-9),
	'published means and deviations are enough: ' || m.name)
FROM matched AS m
JOIN (
	SELECT v.name, athar.compare_matched(athar.summary_of_moments(athar.n(s.summary), athar.mean(s.summary), coalesce(athar.stddev(s.summary), 0)), v.stratum, v.is_after) AS found
	FROM matched_values AS v, LATERAL (SELECT athar.summary_of(v.answers, v.counts)) AS s (summary)
	WHERE v.name !~ 'scale|offset'
	GROUP BY v.name) AS f USING (name);

-- By hand: shares 1/4 and 3/4 before, 3/4 and 1/4 after, so both weigh 1/2;
-- a rises by 1, b by 3: matched 2; the whole from 17.5 to 14.
SELECT results_eq(
	$$SELECT (m).total_difference, (m).matched_difference, (m).mix_difference
	FROM (SELECT athar.compare_matched(pg_temp.summarize(v.a, v.b, v.c), v.stratum, v.is_after) AS m FROM (VALUES
		('a', false, 9, 10, 11), ('b', false, 19, 20, 21), ('b', false, 19, 20, 21), ('b', false, 19, 20, 21),
		('a', true, 10, 11, 12), ('a', true, 10, 11, 12), ('a', true, 10, 11, 12), ('b', true, 22, 23, 24)) AS v (stratum, is_after, a, b, c)) AS f$$,
	'VALUES (-3.5::double precision, 2::double precision, -5.5::double precision)', 'by hand: what changed within strata, and what the mix did');
SELECT ok((m).matched_difference = (e).difference AND (m).mix_difference = 0
	AND pg_temp.near((m).ci_low, (e).ci_low, 1e-12) AND pg_temp.near((m).ci_high, (e).ci_high, 1e-12) AND pg_temp.near((m).p_value, (e).p_value, 1e-12),
	'one stratum: Welch, and no mix')
FROM (SELECT athar.compare_matched(v.s, 'only', v.is_after) AS m, athar.compare(athar.merge(v.s) FILTER (WHERE NOT v.is_after), athar.merge(v.s) FILTER (WHERE v.is_after)) AS e
	FROM (VALUES (pg_temp.summarize(3, 5, 9, 1), false), (pg_temp.summarize(13, 25, 9), true)) AS v (s, is_after)) AS f;

-- What cannot be said.
CREATE FUNCTION pg_temp.none(used integer, left_out integer, total double precision DEFAULT NULL, matched double precision DEFAULT NULL)
RETURNS athar.matched_evidence
LANGUAGE SQL
RETURN ROW(total, matched, total - matched, NULL, NULL, NULL, NULL, used, left_out)::athar.matched_evidence;
CREATE TEMPORARY VIEW few AS
SELECT v.name, athar.compare_matched(v.s, v.stratum, v.is_after) AS found
FROM (VALUES
	('a side alone', pg_temp.summarize(1, 2), 'a', false),
	('no stratum in common', pg_temp.summarize(1, 3), 'a', false),
	('no stratum in common', pg_temp.summarize(5, 7), 'b', true),
	('one value', pg_temp.summarize(1, 3), 'a', false),
	('one value', pg_temp.summarize(4), 'a', true),
	('one value in one of two', pg_temp.summarize(1, 3, 5, 7), 'a', false),
	('one value in one of two', pg_temp.summarize(5, 7, 9, 11), 'a', true),
	('one value in one of two', pg_temp.summarize(1, 3, 5, 7), 'b', false),
	('one value in one of two', pg_temp.summarize(6), 'b', true),
	('no deviation', athar.summary_of_moments(10, 4, NULL), 'a', false),
	('no deviation', athar.summary_of_moments(20, 5, 1), 'a', true),
	('constant', pg_temp.summarize(4, 4), 'a', false),
	('constant', pg_temp.summarize(5, 5), 'a', true),
	('nobody named it', pg_temp.summarize(4, 6), NULL, false),
	('nobody named it', pg_temp.summarize(8, 10), NULL, true),
	('no values', athar.summary_of('{}', '{}'), 'a', false),
	('no values', pg_temp.summarize('NaN', 'Infinity'), 'a', true),
	('no row', NULL, 'a', true),
	('no row', pg_temp.summarize(1, 2), 'a', NULL)) AS v (name, s, stratum, is_after)
GROUP BY v.name;
SELECT is(f.found, w.wanted, 'too little to compare: ' || w.name)
FROM few AS f
JOIN (VALUES
	('a side alone', pg_temp.none(0, 1)),
	('no stratum in common', pg_temp.none(0, 2, 4)),
	('one value', pg_temp.none(1, 0, 2, 2)),
	('one value in one of two', pg_temp.none(2, 0, 3.6, 0.5 * (0.5 + 0.8) * 4 + 0.5 * (0.5 + 0.2) * 2)),
	('no deviation', pg_temp.none(1, 0, 1, 1)),
	('constant', pg_temp.none(1, 0, 1, 1)),
	('nobody named it', pg_temp.none(0, 1, 4)),
	('no values', pg_temp.none(0, 0)),
	('no row', pg_temp.none(0, 0))) AS w (name, wanted) USING (name);
SELECT is(athar.compare_matched(s, 'a', true), pg_temp.none(0, 0), 'no rows at all') FROM (SELECT NULL::athar.summary WHERE false) AS v (s);
SELECT ok((m).strata_used = 1 AND (m).strata_left_out = 1 AND (m).total_difference <> (m).matched_difference AND (m).p_value < 1,
	'values without a stratum are in the total alone')
FROM (SELECT athar.compare_matched(pg_temp.summarize(v.a, v.b, v.c), v.stratum, v.is_after) AS m FROM (VALUES
	('a', false, 1, 2, 4), ('a', true, 2, 4, 5), (NULL, true, 90, 91, 92), (NULL, false, 1, 1, 1)) AS v (stratum, is_after, a, b, c)) AS f;
SELECT results_eq($$SELECT (m).strata_used, (m).matched_difference FROM (SELECT athar.compare_matched(pg_temp.summarize(v.a, v.b), v.stratum, v.is_after) AS m FROM (VALUES
	('', false, 1, 3), ('', true, 2, 4), (' ', false, 5, 7), (' ', true, 7, 9), ('é', false, 1, 2), (U&'e\0301', true, 1, 2)) AS v (stratum, is_after, a, b)) AS f$$,
	'VALUES (2, 1.5::double precision)', 'a name is its bytes: blank ones are names, look-alikes are two');

-- Extremes: defined, never NaN, never an error.
SELECT is_empty($$
	SELECT c.low, c.high, c.m
	FROM (SELECT v.low, v.high, athar.compare_matched(pg_temp.summarize(v.low, v.high, v.low), s.stratum, s.is_after) AS m
		FROM (VALUES (-1.7e308::double precision, 1.7e308::double precision), (1e-320, 2e-320), (0, -0.0), (1e150, 1e151), (-1e308, 0)) AS v (low, high),
			(VALUES ('a', true), ('a', false), ('b', true), ('b', false)) AS s (stratum, is_after)
		GROUP BY v.low, v.high) AS c
	WHERE c.m::text ~ 'NaN|Infinity|-0[,)]' OR (c.m).matched_difference IS NULL
$$, 'huge, tiny and denormal values have answers');
SELECT ok((m).total_difference IS NULL AND (m).mix_difference IS NULL AND (m).strata_used = 1, 'a difference that double precision cannot hold is NULL')
FROM (SELECT athar.compare_matched(pg_temp.summarize(v.a, v.b), 'a', v.is_after) AS m
	FROM (VALUES (-1.7e308, -1.6e308, false), (1.7e308, 1.6e308, true)) AS v (a, b, is_after)) AS f;
SELECT throws_ok($$SELECT athar.compare_matched(athar.summary_of_moments(9223372036854775807, 1, 1), v.stratum, true) FROM (VALUES ('a'), ('a')) AS v (stratum)$$,
	'22003', 'number of values out of range', 'more values than can be counted, in one stratum');
SELECT throws_ok($$SELECT athar.compare_matched(athar.summary_of_moments(9223372036854775807, 1, 1), v.stratum, true) FROM (VALUES ('a'), ('b')) AS v (stratum)$$,
	'22003', 'number of values out of range', 'and in several');

-- Many strata, long names.
SELECT ok((m).strata_used = 200000 AND (m).strata_left_out = 100000 AND pg_temp.near((m).matched_difference, 1, 1e-9), 'many strata')
FROM (SELECT athar.compare_matched(athar.summary_of_moments(3, g % 17 + s, 1), 'stratum ' || g, s = 1) AS m
	FROM generate_series(1, 300000) AS g, generate_series(0, 1) AS s WHERE g <= 200000 OR s = 1) AS f;
SELECT ok((m).strata_used = 3 AND (m).strata_left_out = 0, 'names that differ in the last of a million characters')
FROM (SELECT athar.compare_matched(athar.summary_of_moments(3, g, 1), repeat('x', 1000000) || g, s = 1) AS m
	FROM generate_series(1, 3) AS g, generate_series(0, 1) AS s) AS f;

-- Order, partitions and parallel workers change the last digits at most.
CREATE TABLE public.day_of_channel AS
SELECT g AS place, 'channel ' || (g * 7 % 11) AS channel, g * 31 % 40 >= 17 AS is_after,
	athar.summary_of_moments(2 + g % 90, 1e6 + 100 * sin(g) + g % 11, 1 + abs(cos(g))) AS summary
FROM generate_series(1, 20000) AS g;
ANALYZE public.day_of_channel;
CREATE TEMPORARY TABLE by_order AS
SELECT o.name, athar.compare_matched(o.summary, o.channel, o.is_after) AS found
FROM (
	SELECT 'in order', s.* FROM (SELECT * FROM public.day_of_channel ORDER BY place) AS s
	UNION ALL
	SELECT 'backwards', s.* FROM (SELECT * FROM public.day_of_channel ORDER BY place DESC) AS s
	UNION ALL
	SELECT 'scattered', s.* FROM (SELECT * FROM public.day_of_channel ORDER BY hashint4(place)) AS s
	UNION ALL
	SELECT 'merged first', min(place), channel, is_after, athar.merge(summary) FROM public.day_of_channel GROUP BY channel, is_after
) AS o (name, place, channel, is_after, summary)
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
SELECT matches(string_agg(p.line, E'\n'), 'Finalize Aggregate.*Gather.*Partial Aggregate', 'compare_matched runs in parallel workers')
FROM pg_temp.plan_of('SELECT athar.compare_matched(summary, channel, is_after) FROM public.day_of_channel') AS p (line);
CREATE TEMPORARY TABLE in_parallel AS
SELECT athar.compare_matched(summary, channel, is_after) AS found,
	athar.compare_matched(summary, CASE WHEN place = 7 THEN NULL WHEN place > 8 THEN repeat(channel, 1000) END, is_after) FILTER (WHERE place >= 7) AS unnamed
FROM public.day_of_channel;
RESET max_parallel_workers_per_gather;
INSERT INTO by_order (name, found) SELECT 'by parallel workers', found FROM in_parallel;
SELECT is(count(*), 5::bigint, 'five ways to the same comparison') FROM by_order;
SELECT ok(pg_temp.near(o.found, i.found, 1e-10), 'the same figures: ' || o.name)
FROM by_order AS o
CROSS JOIN (SELECT found FROM by_order WHERE name = 'in order') AS i
ORDER BY o.name;
SELECT ok((unnamed).strata_used = 11 AND (unnamed).strata_left_out = 1, 'parallel workers carry long names, and that there is none') FROM in_parallel;
SELECT is(count(*) FILTER (WHERE (w.found).strata_used = 11 AND (w.found).p_value IS NOT NULL), 19000::bigint, 'as a window function it is read again and again')
FROM (SELECT athar.compare_matched(summary, channel, is_after) OVER (ORDER BY place) AS found, place FROM public.day_of_channel) AS w
WHERE w.place > 1000;


-- difference_in_differences -------------------------------------------------

CREATE FUNCTION pg_temp.near(got athar.controlled_evidence, wanted athar.controlled_evidence, tolerance double precision)
RETURNS boolean
LANGUAGE SQL
RETURN (got).treated_units = (wanted).treated_units AND (got).control_units = (wanted).control_units
	AND (got).is_paired IS NOT DISTINCT FROM (wanted).is_paired
	AND pg_temp.near((got).estimate, (wanted).estimate, tolerance)
	AND pg_temp.near((got).se, (wanted).se, tolerance)
	AND pg_temp.near((got).df, (wanted).df, tolerance)
	AND pg_temp.near((got).ci_low, (wanted).ci_low, tolerance)
	AND pg_temp.near((got).ci_high, (wanted).ci_high, tolerance)
	AND pg_temp.near((got).p_value, (wanted).p_value, tolerance);

-- Against R.
CREATE TEMPORARY TABLE differences_values (name text, unit text, is_treated boolean, before_values double precision[], after_values double precision[]);
\ir ../data/differences_values.sql
CREATE TEMPORARY TABLE differences (LIKE athar.controlled_evidence);
ALTER TABLE differences ADD name text;
\ir ../data/differences.sql
CREATE TEMPORARY VIEW point AS
SELECT v.name, v.unit, v.is_treated, s.is_after, a.value
FROM differences_values AS v,
LATERAL (VALUES (false, v.before_values), (true, v.after_values)) AS s (is_after, numbers),
LATERAL unnest(s.numbers) AS a (value);
SELECT is(count(*), 9::bigint, 'reference differences were read') FROM differences;
SELECT ok(pg_temp.near(f.found, ROW(w.estimate, w.se, w.df, w.ci_low, w.ci_high, w.p_value, w.treated_units, w.control_units, w.is_paired)::athar.controlled_evidence, 1e-9),
	'equals R: ' || w.name || CASE WHEN w.is_paired THEN ', paired' ELSE ', not paired' END)
FROM differences AS w
JOIN (
	SELECT p.name, true, athar.difference_in_differences(p.value, p.unit, p.is_treated, p.is_after) FROM point AS p GROUP BY p.name
	UNION ALL
	-- another unit on each side of the same figures
	SELECT p.name, false, athar.difference_in_differences(p.value, p.unit || p.is_after, p.is_treated, p.is_after) FROM point AS p GROUP BY p.name
) AS f (name, is_paired, found) ON f.name = w.name AND f.is_paired = w.is_paired
CROSS JOIN LATERAL (SELECT w.treated_units * CASE WHEN w.is_paired THEN 1 ELSE 2 END AS treated_units,
	w.control_units * CASE WHEN w.is_paired THEN 1 ELSE 2 END AS control_units) AS n
CROSS JOIN LATERAL (SELECT f.found) AS g (found)
WHERE w.is_paired;
SELECT ok(pg_temp.near(f.found, ROW(w.estimate, w.se, w.df, w.ci_low, w.ci_high, w.p_value, 2 * w.treated_units, 2 * w.control_units, false)::athar.controlled_evidence, 1e-9),
	'equals R: ' || w.name || ', not paired')
FROM differences AS w
JOIN (SELECT p.name, athar.difference_in_differences(p.value, p.unit || p.is_after, p.is_treated, p.is_after) AS found FROM point AS p GROUP BY p.name) AS f USING (name)
WHERE NOT w.is_paired;

-- Services are what they were: without the pairs the error is larger.
SELECT results_eq(
	$$SELECT round((d).estimate::numeric, 12), round((d).se::numeric, 12), (d).treated_units, (d).control_units, (d).is_paired
	FROM (SELECT athar.difference_in_differences(u.value, NULL, u.is_treated, u.is_after) AS d
		FROM (SELECT p.is_treated, p.is_after, avg(p.value) AS value FROM point AS p WHERE p.name = 'digital take-up' GROUP BY p.unit, p.is_treated, p.is_after) AS u) AS f$$,
	$$SELECT round(w.estimate::numeric, 12), round(w.se::numeric, 12), 0, 0, false FROM differences AS w WHERE w.name = 'digital take-up' AND NOT w.is_paired$$, 'values of units nobody knows are points, too');
SELECT ok(n.se > 1.2 * p.se, 'the digital take-up of UK services: the error is larger where services are not known again')
FROM differences AS p
JOIN differences AS n USING (name)
WHERE name = 'digital take-up' AND p.is_paired AND NOT n.is_paired;

-- By hand: a common shock of 10 is removed; changes of the controls 9, 10, 11,
-- of the treated 15: 5, se = 1 * sqrt(1 + 1/3), 2 degrees of freedom.
SELECT results_eq(
	$$SELECT (d).estimate, round((d).se::numeric, 12), (d).df, (d).treated_units, (d).control_units FROM (SELECT athar.difference_in_differences(v.value, v.unit, v.unit = 'new', v.is_after) AS d
	FROM (VALUES ('new', false, 40), ('new', true, 55), ('a', false, 1), ('a', true, 10), ('b', false, 70), ('b', true, 80), ('c', false, 5), ('c', true, 16)) AS v (unit, is_after, value)) AS f$$,
	$$VALUES (5::double precision, round(sqrt(4 / 3.0), 12), 2::double precision, 1, 3)$$, 'a common shock is taken off');

CREATE TEMPORARY VIEW few_units AS
SELECT v.name, athar.difference_in_differences(v.value, v.unit, v.is_treated, v.is_after) AS found
FROM (VALUES
	('no controls', 'a', true, false, 1), ('no controls', 'a', true, true, 3), ('no controls', 'b', true, false, 1), ('no controls', 'b', true, true, 4),
	('one control', 'a', true, false, 1), ('one control', 'a', true, true, 3), ('one control', 'b', true, false, 1), ('one control', 'b', true, true, 9),
	('one control', 'c', false, false, 1), ('one control', 'c', false, true, 2),
	('nothing varies', 'a', true, false, 0.1), ('nothing varies', 'a', true, true, 0.3), ('nothing varies', 'b', true, false, 1.1), ('nothing varies', 'b', true, true, 1.3),
	('nothing varies', 'c', false, false, 0.7), ('nothing varies', 'c', false, true, 0.8), ('nothing varies', 'd', false, false, 0.2), ('nothing varies', 'd', false, true, 0.3),
	('a side without values', 'a', true, true, 3), ('a side without values', 'b', true, true, 3), ('a side without values', 'c', false, false, 1), ('a side without values', 'c', false, true, 2),
	('nothing to use', 'a', true, true, 'NaN'), ('nothing to use', 'a', true, false, 'Infinity'), ('nothing to use', 'a', NULL, false, 1), ('nothing to use', 'a', true, NULL, 1), ('nothing to use', 'a', false, false, NULL),
	('too far apart', 'a', true, false, -1.7e308), ('too far apart', 'a', true, true, 1.7e308), ('too far apart', 'b', false, false, 1), ('too far apart', 'b', false, true, 2)
) AS v (name, unit, is_treated, is_after, value)
GROUP BY v.name;
SELECT ok(pg_temp.near(f.found, w.wanted, 1e-12), 'too little to compare: ' || w.name)
FROM few_units AS f
JOIN (VALUES
	('no controls', ROW(NULL, NULL, NULL, NULL, NULL, NULL, 2, 0, true)::athar.controlled_evidence),
	('one control', ROW(4, NULL, NULL, NULL, NULL, NULL, 2, 1, true)::athar.controlled_evidence),
	('nothing varies', ROW(0.1, NULL, NULL, NULL, NULL, NULL, 2, 2, true)::athar.controlled_evidence),
	('a side without values', ROW(NULL, NULL, NULL, NULL, NULL, NULL, 2, 1, false)::athar.controlled_evidence),
	('nothing to use', ROW(NULL, NULL, NULL, NULL, NULL, NULL, 0, 0, NULL)::athar.controlled_evidence),
	('too far apart', ROW(NULL, NULL, NULL, NULL, NULL, NULL, 1, 1, true)::athar.controlled_evidence)) AS w (name, wanted) USING (name);
SELECT throws_ok($$SELECT athar.difference_in_differences(1, 'north', g = 1, true) FROM generate_series(1, 2) AS g$$,
	'22023', 'unit "north" is both treated and a control', 'a unit does not change groups');
SELECT throws_ok($$SELECT athar.difference_in_differences(1, repeat('é', 90) || 'end', g = 1, true) FROM generate_series(1, 2) AS g$$,
	'22023', 'unit "' || repeat('é', 50) || '" is both treated and a control', 'a long name is cut between characters');
SELECT is((d).treated_units, 1, 'what is left out says nothing about the group')
FROM (SELECT athar.difference_in_differences(v.value, 'north', v.is_treated, true) AS d FROM (VALUES (1::double precision, true), (NULL, false), ('NaN', false)) AS v (value, is_treated)) AS f;
SELECT is_empty($$
	SELECT f.d FROM (SELECT v.scale, athar.difference_in_differences(v.scale * (g % 7 + CASE WHEN s.is_after THEN g % 3 ELSE 0 END), 'unit ' || g, g <= 4, s.is_after) AS d
		FROM generate_series(1, 11) AS g, (VALUES (true), (false)) AS s (is_after), (VALUES (1e-300::double precision), (1), (1e150), (1e307), (-1e12)) AS v (scale) GROUP BY v.scale) AS f
	WHERE f.d::text ~ 'NaN|Infinity' OR (f.d).p_value IS NULL OR abs((f.d).estimate / (f.d).se - sign(f.scale) * -(1 / 7.0) / sqrt(1 / 6.0 + 34 / 294.0)) > 1e-9
$$, 'by hand, and the scale does not matter');

-- pre_trend -----------------------------------------------------------------

CREATE TEMPORARY TABLE trends_values (name text, unit text, is_treated boolean, days double precision[], numbers double precision[]);
\ir ../data/trends_values.sql
CREATE TEMPORARY TABLE trends (LIKE athar.trend_evidence);
ALTER TABLE trends ADD name text;
\ir ../data/trends.sql
CREATE TEMPORARY VIEW trend_found AS
SELECT v.name, i.is_paired, athar.pre_trend(d.value, timestamptz '2024-02-29 12:00Z' + d.day * interval '24 hours', CASE WHEN i.is_paired THEN v.unit END, v.is_treated) AS found
FROM trends_values AS v, unnest(v.days, v.numbers) AS d (day, value), (VALUES (true), (false)) AS i (is_paired)
GROUP BY v.name, i.is_paired;
SELECT is(count(*), 6::bigint, 'reference trends were read') FROM trends;
SELECT ok(pg_temp.near((f.found).slope_difference, w.slope_difference, 1e-8) AND pg_temp.near((f.found).se, w.se, 1e-8) AND pg_temp.near((f.found).df, w.df, 1e-8)
	AND pg_temp.near((f.found).p_value, w.p_value, 1e-8) AND (f.found).is_paired = w.is_paired
	AND ((f.found).treated_units, (f.found).control_units) = (CASE WHEN w.is_paired THEN w.treated_units ELSE 0 END, CASE WHEN w.is_paired THEN w.control_units ELSE 0 END),
	'trends equal R: ' || w.name || CASE WHEN w.is_paired THEN ', by unit' ELSE ', by group' END)
FROM trends AS w
JOIN trend_found AS f ON f.name = w.name AND f.is_paired = w.is_paired;
SELECT results_eq(
	$$SELECT round((t).slope_difference::numeric, 12), (t).se, (t).p_value, (t).treated_units, (t).control_units, (t).is_paired
	FROM (SELECT athar.pre_trend(g.day * CASE WHEN u.unit < 3 THEN 0.3 ELSE 0.1 END + u.unit, timestamptz '2026-01-01Z' + g.day * interval '1 day', 'unit ' || u.unit, u.unit < 3) AS t
		FROM generate_series(1, 9) AS g (day), generate_series(1, 5) AS u (unit)) AS f$$,
	'VALUES (0.2, NULL::double precision, NULL::double precision, 2, 3, true)', 'straight lines differ by 0.2 a day, and what rounding leaves is no error');
SELECT ok((t).slope_difference = 2 AND (t).is_paired = false AND (t).se IS NULL, 'a unit seen once: one line for each group')
FROM (SELECT athar.pre_trend(v.value, timestamptz '2026-01-01Z' + v.day * interval '24 hours', v.unit, v.is_treated) AS t
	FROM (VALUES ('a', true, 1, 3), ('a', true, 2, 5), ('b', true, 3, 7), ('c', false, 1, 4), ('c', false, 2, 4)) AS v (unit, is_treated, day, value)) AS f;
SELECT ok(t IS NOT DISTINCT FROM ROW(NULL, NULL, NULL, NULL, 1, 0, true)::athar.trend_evidence, 'nobody to compare with, times that are none')
FROM (SELECT athar.pre_trend(v.value, v.at, v.unit, v.is_treated) AS t
	FROM (VALUES ('a', true, timestamptz '2026-01-01', 3::double precision), ('a', true, '2026-01-02', 5), ('b', false, 'infinity', 7), ('b', false, '-infinity', 7), ('c', false, NULL, 4), ('c', false, '2026-01-01', 'NaN'), ('d', NULL, '2026-01-01', 1)) AS v (unit, is_treated, at, value)) AS f;
SELECT ok(t IS NOT DISTINCT FROM ROW(NULL, NULL, NULL, NULL, 0, 0, NULL)::athar.trend_evidence, 'no rows at all')
FROM (SELECT athar.pre_trend(1, now(), 'a', true) FILTER (WHERE false) AS t) AS f;
SELECT throws_ok($$SELECT athar.pre_trend(1, now(), 'north', g = 1) FROM generate_series(1, 2) AS g$$,
	'22023', 'unit "north" is both treated and a control', 'nor does a unit change groups here');

-- Both in parallel workers, in another order, and as one process does.
CREATE TABLE public.office_day AS
SELECT g AS place, 'office ' || g % 40 AS office, g % 40 < 9 AS is_treated, timestamptz '2026-01-01Z' + g / 40 * interval '1 day' AS at,
	100 + sin(g) + (g % 40) * (g / 4000.0) AS value
FROM generate_series(0, 19999) AS g;
ANALYZE public.office_day;
SET LOCAL max_parallel_workers_per_gather = 3;
SELECT matches(string_agg(p.line, E'\n'), 'Finalize Aggregate.*Gather.*Partial Aggregate', 'both run in parallel workers')
FROM pg_temp.plan_of('SELECT athar.difference_in_differences(value, office, is_treated, place >= 10000), athar.pre_trend(value, at, office, is_treated) FROM public.office_day') AS p (line);
CREATE TEMPORARY TABLE offices_in_parallel AS
SELECT athar.difference_in_differences(value, office, is_treated, place >= 10000) AS d, athar.pre_trend(value, at, office, is_treated) AS t FROM public.office_day;
SELECT throws_ok($$SELECT athar.difference_in_differences(value, office, place < 50, true) FROM public.office_day$$,
	'22023', 'unit "office 0" is both treated and a control', 'workers that met a unit in different groups find out');
RESET max_parallel_workers_per_gather;
SELECT ok(pg_temp.near(p.d, s.d, 1e-10) AND pg_temp.near((p.t).slope_difference, (s.t).slope_difference, 1e-10) AND pg_temp.near((p.t).se, (s.t).se, 1e-10)
	AND pg_temp.near((p.t).p_value, (s.t).p_value, 1e-9) AND (s.d).p_value < 0.05, 'and answer as one process, from the last row to the first, does')
FROM offices_in_parallel AS p
CROSS JOIN (SELECT athar.difference_in_differences(value, office, is_treated, place >= 10000) AS d, athar.pre_trend(value, at, office, is_treated) AS t
	FROM (SELECT * FROM public.office_day ORDER BY place DESC) AS o) AS s;

SELECT * FROM finish();
ROLLBACK;
