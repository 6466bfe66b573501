BEGIN;
SELECT plan(157);
SET LOCAL search_path = public, athar;

-- A tree of its own for each way to merge: this one is left-deep.
CREATE AGGREGATE pg_temp.chain(athar.summary) (SFUNC = athar.combine, STYPE = athar.summary);

-- This one is another every time: some are put together at random, left-deep,
-- and so on with the results.
CREATE FUNCTION pg_temp.random_tree(summaries athar.summary[]) RETURNS athar.summary
LANGUAGE plpgsql AS $$
BEGIN
	WHILE cardinality(summaries) > 1 LOOP
		summaries := ARRAY(
			SELECT pg_temp.chain(t.s ORDER BY t.place)
			FROM (SELECT u.s, random() AS place, floor(random() * cardinality(summaries) / 2) AS branch FROM unnest(summaries) AS u (s)) AS t
			GROUP BY t.branch);
	END LOOP;
	RETURN summaries[1];
END $$;

CREATE FUNCTION pg_temp.near(a double precision, b double precision, tolerance double precision) RETURNS boolean
LANGUAGE sql RETURN coalesce(a = b OR abs(a - b) <= tolerance * greatest(abs(a), abs(b)), a IS NULL AND b IS NULL);

-- Readers, by hand.
CREATE TEMP TABLE four AS SELECT athar.summarize(x) AS s FROM unnest('{4,1,3,2}'::double precision[]) x;
SELECT is(athar.n(s), 4::bigint, 'n of 1..4') FROM four;
SELECT is(athar.total(s), 10::double precision, 'total of 1..4') FROM four;
SELECT is(athar.mean(s), 2.5::double precision, 'mean of 1..4') FROM four;
SELECT is(athar.variance(s), 5 / 3::double precision, 'variance of 1..4') FROM four;
SELECT is(athar.stddev(s), sqrt(5 / 3::double precision), 'stddev of 1..4') FROM four;
SELECT is(athar.minimum(s), 1::double precision, 'minimum of 1..4') FROM four;
SELECT is(athar.maximum(s), 4::double precision, 'maximum of 1..4') FROM four;
SELECT is(athar.median(s), 2.5::double precision, 'median of 1..4') FROM four;
SELECT is(athar.percentile(s, 0), 1::double precision, 'percentile 0 of 1..4') FROM four;
SELECT is(athar.percentile(s, 1), 4::double precision, 'percentile 1 of 1..4') FROM four;
SELECT is(athar.nonfinite_count(s), 0::bigint, 'no NaN in 1..4') FROM four;
SELECT ok(athar.is_exact(s), '1..4 is exact') FROM four;
SELECT is(athar.share_at_most(s, 3), 0.75::double precision, 'share at most 3 of 1..4') FROM four;
SELECT is(athar.share_at_most(s, 2.999), 0.5::double precision, 'share at most 2.999 of 1..4') FROM four;
SELECT is(athar.share_at_most(s, 0), 0::double precision, 'share at most 0 of 1..4') FROM four;
SELECT is(athar.share_at_most(s, 'infinity'), 1::double precision, 'share at most infinity of 1..4') FROM four;

-- Nothing, one, two, always the same, and what is no number.
SELECT is(athar.summarize(x), NULL, 'no rows: NULL') FROM (SELECT 1::double precision WHERE false) t(x);
SELECT is(athar.summarize(x), NULL, 'NULL alone: NULL') FROM (VALUES (NULL::double precision)) t(x);
SELECT is(athar.merge(s), NULL, 'no summaries: NULL') FROM four WHERE false;
SELECT is(athar.summary_of('{1}', '{1}') + NULL, NULL, 'a summary and NULL: NULL');
CREATE TEMP TABLE nothing AS SELECT athar.summary_of('{1,2}', '{0,0}') AS s;
SELECT results_eq(
	'SELECT athar.n(s), athar.nonfinite_count(s), athar.is_exact(s) FROM nothing',
	$$VALUES (0::bigint, 0::bigint, true)$$, 'n = 0: counts are 0');
SELECT results_eq(
	'SELECT num_nonnulls(athar.total(s), athar.mean(s), athar.variance(s), athar.stddev(s), athar.minimum(s), athar.maximum(s), athar.median(s), athar.percentile(s, 0.5), athar.share_at_most(s, 1)) FROM nothing',
	'VALUES (0)', 'n = 0: all else is NULL');
SELECT is(nothing.s + four.s, four.s, 'nothing changes nothing') FROM nothing, four;
SELECT is(athar.summary_of_moments(0, NULL, NULL), s, 'published figures of nothing are nothing') FROM nothing;
SELECT results_eq(
	$$SELECT athar.mean(s), athar.median(s), athar.variance(s), athar.stddev(s), athar.total(s) FROM athar.summary_of('{7}', '{1}') s$$,
	$$VALUES (7::double precision, 7::double precision, NULL::double precision, NULL::double precision, 7::double precision)$$, 'one value does not vary');
SELECT is(athar.stddev(athar.summary_of('{1,2}', '{1,1}')), sqrt(0.5::double precision), 'two values vary');
SELECT is(athar.stddev(athar.summary_of('{0.1}', '{1000000007}')), 0::double precision, 'always the same: exactly 0');
SELECT is(athar.mean(athar.summary_of('{0.1}', '{1000000007}')), 0.1::double precision, 'always the same: its own mean');
SELECT results_eq(
	$$SELECT athar.n(s), athar.nonfinite_count(s), athar.mean(s), athar.maximum(s)
	FROM (SELECT athar.summarize(x) FROM unnest('{1,NaN,2,Infinity,-Infinity,3,NULL}'::double precision[]) x) t(s)$$,
	$$VALUES (3::bigint, 3::bigint, 2::double precision, 3::double precision)$$, 'NaN and infinities are counted apart');
SELECT results_eq(
	$$SELECT athar.n(s), athar.nonfinite_count(s), athar.median(s)
	FROM (SELECT athar.summarize(x) FROM unnest('{NaN,NaN}'::double precision[]) x) t(s)$$,
	$$VALUES (0::bigint, 2::bigint, NULL::double precision)$$, 'NaN alone: n = 0');
SELECT is(athar.nonfinite_count(a + a), 4::bigint, 'they are merged, too')
FROM (SELECT athar.summarize(x) FROM unnest('{NaN,NaN}'::double precision[]) x) t(a);
SELECT is((SELECT athar.summarize(x) FROM unnest('{-0.0}'::double precision[]) x), athar.summary_of('{0}', '{1}'), '-0 is 0');
SELECT is(athar.summary_of('{-0.0,0}', '{1,1}'), athar.summary_of('{0}', '{2}'), '-0 and 0 are one answer');

-- Exact is what the server computes from the rows, and knows no order.
SELECT setseed(0.1);
CREATE TEMP TABLE answer AS
SELECT i % 40 AS day, CASE WHEN i % 40 < 20 THEN 1 + floor(random() * 5) ELSE round((random() * 6)::numeric, 1)::double precision END AS x, random() AS r
FROM generate_series(1, 20000) i;
CREATE TEMP TABLE answer_day AS SELECT day, athar.summarize(x) AS s FROM answer GROUP BY day;
SELECT ok(bool_and(athar.is_exact(s)), 'up to 61 distinct answers are exact') FROM answer_day;
SELECT is((
	SELECT count(*)
	FROM (SELECT day, percentile_cont(0.05) WITHIN GROUP (ORDER BY x) AS p05, percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS p50, percentile_cont(0.95) WITHIN GROUP (ORDER BY x) AS p95 FROM answer GROUP BY day) c
	JOIN answer_day USING (day)
	WHERE (p05, p50, p95) IS DISTINCT FROM (athar.percentile(s, 0.05), athar.median(s), athar.percentile(s, 0.95))), 0::bigint, 'quantiles are those of percentile_cont, to the bit');
SELECT is((
	SELECT count(*)
	FROM (SELECT day, count(x), min(x), max(x), avg(x), var_samp(x), stddev_samp(x), sum(x) FROM answer GROUP BY day) c
	JOIN answer_day USING (day)
	WHERE (count, min, max) IS DISTINCT FROM (athar.n(s), athar.minimum(s), athar.maximum(s))
	OR NOT (pg_temp.near(avg, athar.mean(s), 1e-13) AND pg_temp.near(sum, athar.total(s), 1e-13) AND pg_temp.near(var_samp, athar.variance(s), 1e-12) AND pg_temp.near(stddev_samp, athar.stddev(s), 1e-12))), 0::bigint, 'moments are those of the server');
SELECT is((SELECT count(DISTINCT s::text) FROM (
	SELECT athar.summarize(x ORDER BY r) AS s FROM answer UNION ALL
	SELECT athar.summarize(x ORDER BY x DESC) FROM answer UNION ALL
	SELECT athar.merge(s) FROM answer_day UNION ALL
	SELECT pg_temp.chain(s ORDER BY day DESC) FROM answer_day UNION ALL
	SELECT athar.merge(s) FROM (SELECT athar.merge(s) AS s FROM answer_day GROUP BY day % 7) t UNION ALL
	SELECT a.s + b.s FROM (SELECT athar.summarize(x) AS s FROM answer WHERE r < 0.3) a, (SELECT athar.summarize(x) AS s FROM answer WHERE r >= 0.3) b) t), 1::bigint,
	'the same bytes, whatever the order of rows and merges');
SELECT is(athar.share_at_most(s, 3), (SELECT count(*) FILTER (WHERE x <= 3) / count(*)::double precision FROM answer), 'the share within a limit is exact')
FROM (SELECT athar.merge(s) FROM answer_day) t(s);
SELECT ok(NOT athar.is_exact(athar.merge(s)), '65 distinct values are a digest') FROM (SELECT athar.summary_of(ARRAY[i]::double precision[], '{1}') FROM generate_series(1, 65) i) t(s);
SELECT ok(athar.is_exact(athar.merge(s)), '64 distinct values are exact') FROM (SELECT athar.summary_of(ARRAY[i]::double precision[], '{1}') FROM generate_series(1, 64) i) t(s);
SELECT is(athar.percentile(athar.summarize(x), 0.123), percentile_cont(0.123) WITHIN GROUP (ORDER BY x), 'a digest of few single values has lost nothing') FROM (SELECT sqrt(i) FROM generate_series(1, 130) i) t(x) HAVING true;

-- Every number of values, through each way in which they wait: what is exact
-- to the bit, and the same with every value twice.
CREATE TEMP TABLE grown AS
SELECT length, copies, athar.summarize(x) AS s, count(x), avg(x), stddev_samp(x), min(x), max(x), percentile_cont(0.5) WITHIN GROUP (ORDER BY x) AS median
FROM generate_series(1, 300) length, generate_series(1, 2) copies, LATERAL (SELECT sqrt((i * 7919 % length)::double precision) AS x FROM generate_series(1, length) i, generate_series(1, copies)) t
GROUP BY length, copies;
SELECT is_empty('SELECT length, copies FROM grown WHERE (athar.n(s), athar.minimum(s), athar.maximum(s), athar.is_exact(s)) IS DISTINCT FROM (count, min, max, length <= 64)', '1 to 600 values: n, minimum, maximum');
SELECT is_empty('SELECT length, copies FROM grown WHERE NOT (pg_temp.near(athar.mean(s), avg, 1e-13) AND pg_temp.near(athar.stddev(s), stddev_samp, 1e-12))', '1 to 600 values: mean and deviation');
SELECT is_empty('SELECT length, copies FROM grown WHERE length <= 130 AND athar.median(s) <> median', '1 to 260 values: median');

-- Random values, parts and trees: whatever the partition, the same figures.
SELECT setseed(0.6);
CREATE TEMP TABLE trial AS
SELECT trial, kind, floor(random() * parts) AS part, CASE WHEN random() < 0.01 THEN 'NaN' WHEN kind = 'rating' THEN floor(z * 5) WHEN kind = 'offset' THEN 1e12 + z WHEN kind = 'skewed' THEN exp(20 * z) ELSE round(z * 100) END AS x
FROM (SELECT trial, (ARRAY['rating', 'offset', 'skewed', 'rounded'])[1 + trial % 4] AS kind, 1 + floor(random() * 80) AS parts, floor(10 ^ (1 + 2.5 * random()))::integer AS length FROM generate_series(1, 120) trial) t,
	LATERAL (SELECT random() AS z FROM generate_series(1, length)) u;
CREATE TEMP TABLE trial_tree AS
WITH part AS (SELECT trial, part, athar.summarize(x) AS s FROM trial GROUP BY trial, part)
SELECT trial, u.tree, u.s
FROM (SELECT trial, array_agg(s) AS parts, athar.merge(s ORDER BY random()) AS merged FROM part GROUP BY trial) t,
	LATERAL (VALUES ('merged', merged), ('random', pg_temp.random_tree(parts)), ('another', pg_temp.random_tree(parts))) AS u (tree, s);
CREATE TEMP TABLE trial_whole AS
SELECT trial, min(kind) AS kind, athar.summarize(x) AS s, count(x) FILTER (WHERE x <> 'NaN') AS n, count(x) FILTER (WHERE x = 'NaN') AS nonfinite, min(x) AS lowest, max(x) FILTER (WHERE x <> 'NaN') AS highest, count(DISTINCT x) FILTER (WHERE x <> 'NaN') <= 64 AS is_exact
FROM trial GROUP BY trial;
SELECT is((SELECT count(*) FROM trial_tree JOIN trial_whole USING (trial)), 360::bigint, '120 random partitions in 3 random trees each');
SELECT ok(count(*) FILTER (WHERE is_exact) > 30 AND count(*) FILTER (WHERE NOT is_exact) > 30, 'of exact summaries and of digests') FROM trial_whole;
SELECT is_empty('SELECT trial, tree FROM trial_tree t JOIN trial_whole w USING (trial) WHERE (athar.n(t.s), athar.nonfinite_count(t.s), athar.minimum(t.s), athar.maximum(t.s), athar.is_exact(t.s)) IS DISTINCT FROM (n, nonfinite, lowest, highest, is_exact)',
	'random partitions: n, minimum, maximum and what is no number are those of the rows');
SELECT is_empty('SELECT trial, tree FROM trial_tree t JOIN trial_whole w USING (trial) WHERE is_exact AND t.s <> w.s', 'random partitions: the counts of each value are the same to the bit');
SELECT is_empty('SELECT trial, tree FROM trial_tree t JOIN trial_whole w USING (trial) WHERE NOT (pg_temp.near(athar.mean(t.s), athar.mean(w.s), 1e-12) AND pg_temp.near(athar.stddev(t.s), athar.stddev(w.s), 1e-12))',
	'random partitions: mean and deviation are the same to 1e-12');
SELECT is_empty($$SELECT trial FROM trial_whole w JOIN (SELECT trial, avg(x - shift) + shift AS mean, stddev_samp(x - shift) AS sd FROM (SELECT *, CASE kind WHEN 'offset' THEN 1e12 ELSE 0 END AS shift FROM trial WHERE x <> 'NaN') t GROUP BY trial, shift) r USING (trial)
	WHERE NOT (pg_temp.near(athar.mean(w.s), mean, 1e-12) AND pg_temp.near(athar.stddev(w.s), sd, 1e-12))$$, 'and those of the rows');

-- Golden: the trust ratings of a contact centre, by e-mail and by phone.
CREATE TEMP TABLE trust AS SELECT * FROM (VALUES
	('Q1', 'email', '{92,38,47,33,35}'::bigint[]), ('Q2', 'email', '{1161,696,1048,1066,1010}'),
	('Q1', 'phone', '{310,299,676,978,5919}'), ('Q2', 'phone', '{428,377,653,1153,9631}')) t(quarter, channel, counts);
SELECT results_eq(
	$$SELECT round(athar.mean(athar.merge(athar.summary_of('{1,2,3,4,5}', counts)))::numeric, 4) FROM trust GROUP BY quarter ORDER BY quarter$$,
	'VALUES (4.3977), (4.1177)', 'pooled ratings fall');
SELECT results_eq(
	$$SELECT round(athar.mean(athar.summary_of('{1,2,3,4,5}', counts))::numeric, 4) FROM trust ORDER BY channel, quarter$$,
	'VALUES (2.5143), (3.0137), (4.4540), (4.5669)', 'while each channel rises');

-- Reference sets: digits of mean and deviation.
\ir ../data/nist.sql
CREATE FUNCTION pg_temp.digits(computed double precision, certified numeric) RETURNS numeric
LANGUAGE sql RETURN CASE WHEN computed::text::numeric = certified THEN 17 ELSE -log(abs(computed::text::numeric - certified) / abs(certified)) END;
CREATE TEMP TABLE nist_summary AS
SELECT name, certified_mean, certified_sd, CASE name WHEN 'NumAcc3' THEN 9.3 WHEN 'NumAcc4' THEN 8.2 ELSE 11.5 END AS bar, s.*
FROM nist, LATERAL (
	SELECT athar.summarize(v::double precision) AS by_row,
		pg_temp.chain(athar.summary_of_moments(1, v::double precision, NULL) ORDER BY i) AS by_merge
	FROM unnest(y) WITH ORDINALITY u(v, i)) s;
SELECT cmp_ok(pg_temp.digits(athar.mean(by_row), certified_mean), '>=', 13::numeric, name || ': mean to 13 digits') FROM nist_summary ORDER BY name;
SELECT cmp_ok(pg_temp.digits(athar.stddev(by_row), certified_sd), '>=', bar, name || ': deviation to ' || bar || ' digits') FROM nist_summary ORDER BY name;
SELECT ok(bool_and(pg_temp.digits(athar.mean(by_merge), certified_mean) >= 13 AND pg_temp.digits(athar.stddev(by_merge), certified_sd) >= bar), 'and when each value is merged on its own') FROM nist_summary;

-- Offsets and scales: parts of a digest, merged in different trees.
SELECT setseed(0.2);
CREATE TEMP TABLE scaled AS
SELECT label, i % 50 AS part, shift + scale * x AS x
FROM (VALUES ('offset 1e12', 1e12, 1::double precision), ('scale 1e150', 0, 1e150), ('scale 1e-300', 0, 1e-300), ('scale 1e307', 0, 1e307)) t(label, shift, scale),
	(SELECT i, random() - 0.5 FROM generate_series(1, 5000) i) u(i, x);
CREATE TEMP TABLE scaled_tree AS
WITH part AS (SELECT label, part, athar.summarize(x) AS s FROM scaled GROUP BY label, part)
SELECT label, athar.summarize(x) AS s FROM scaled GROUP BY label UNION ALL
SELECT label, athar.merge(s) FROM part GROUP BY label UNION ALL
SELECT label, pg_temp.chain(s ORDER BY part DESC) FROM part GROUP BY label UNION ALL
SELECT label, athar.merge(s) FROM (SELECT label, pg_temp.chain(s ORDER BY part) AS s FROM part GROUP BY label, part / 7) u GROUP BY label;
SELECT ok(bool_and(athar.n(s) = 5000 AND NOT athar.is_exact(s)), label || ': n') FROM scaled_tree GROUP BY label ORDER BY label;
SELECT ok(count(DISTINCT (athar.minimum(s), athar.maximum(s))) = 1, label || ': minimum and maximum are the same in each tree') FROM scaled_tree GROUP BY label ORDER BY label;
SELECT ok(max(athar.mean(s)) - min(athar.mean(s)) <= 1e-12 * max(abs(athar.mean(s))) AND max(athar.stddev(s)) - min(athar.stddev(s)) <= 1e-12 * max(athar.stddev(s)) AND min(athar.stddev(s)) > 0,
	label || ': mean and deviation agree to 1e-12') FROM scaled_tree GROUP BY label ORDER BY label;
SELECT ok(bool_and(pg_temp.near(athar.stddev(s), d, 1e-12)), 'offset 1e12: the deviation is that without the offset')
FROM scaled_tree, (SELECT stddev_samp(x - 1e12) FROM scaled WHERE label = 'offset 1e12') u(d) WHERE label = 'offset 1e12';
SELECT ok(bool_and(pg_temp.near(athar.stddev(big.s) / 1e150, athar.stddev(small.s) / 1e-300, 1e-12)), '1e150 and 1e-300 deviate alike')
FROM scaled_tree big, scaled_tree small WHERE big.label = 'scale 1e150' AND small.label = 'scale 1e-300';
SELECT ok(bool_and(athar.variance(s) IS NULL), 'a variance beyond double precision is NULL, large') FROM scaled_tree WHERE label = 'scale 1e307';
SELECT ok(bool_and(athar.variance(s) IS NULL), 'a variance beyond double precision is NULL, small') FROM scaled_tree WHERE label = 'scale 1e-300';
SELECT results_eq(
	$$SELECT athar.mean(s), athar.stddev(s), athar.total(s), athar.median(s) FROM (SELECT athar.summarize(x) FROM unnest('{1.7e308,1.7e308,-1.7e308}'::double precision[]) x) t(s)$$,
	$$VALUES ((1.7e308 / 3)::double precision, NULL::double precision, 1.7e308::double precision, 1.7e308::double precision)$$, 'the widest values: no infinity anywhere');
SELECT is(athar.total(athar.summary_of('{1.7e308}', '{2}')), NULL, 'a total beyond double precision is NULL');
SELECT is(athar.mean(athar.summary_of('{1.7e308}', '{2}')), 1.7e308::double precision, 'its mean is not');
SELECT is(athar.percentile(athar.summary_of('{-1,-5e-324}', '{1,1}'), 1), -5e-324::double precision, 'the last percentile is the maximum');
SELECT is(athar.share_at_most('{"version":1,"n":69,"mean":5,"sd":0,"min":-1.7976931348623157e+308,"max":5,"digest":[[-1.7976931348623157e+308,41,true],[5,28]]}', -1), 1::double precision * (20 + 21 + 1) / 69, 'a share across the widest gap');
SELECT cmp_ok(athar.share_at_most('{"version":1,"n":47,"mean":5e-324,"sd":1,"min":0,"max":5e-324,"digest":[[0,28,true],[5e-324,19,true]]}', 0), '<', 1::double precision, 'a share across the narrowest gap');
SELECT is(athar.total(athar.summarize(i)), 500000500000::double precision, 'the total of whole numbers is exact in a digest') FROM generate_series(1, 1000000) i;
SELECT is(athar.total(athar.summary_of('{0.1}', '{3}')), 0.3::double precision + 5.551115123125783e-17, 'the total is rounded once');

-- Text and JSON read back to the same bits.
SELECT setseed(0.3);
CREATE TEMP TABLE shape AS
SELECT athar.summarize(x) AS s FROM scaled GROUP BY label, part UNION ALL
SELECT s FROM scaled_tree UNION ALL SELECT s FROM answer_day UNION ALL SELECT s FROM nothing UNION ALL SELECT by_row FROM nist_summary UNION ALL SELECT by_merge FROM nist_summary UNION ALL
SELECT athar.summary_of_moments(10, 0.1, NULL) UNION ALL SELECT athar.summary_of_moments(10, 0.1, 1.0 / 3) UNION ALL
SELECT athar.summary_of('{5e-324,1.7976931348623157e308,0.1}', '{1,9223372036854775800,3}') UNION ALL
SELECT athar.summary_of('{1}', '{5000000000}') + athar.summarize(random()) FROM generate_series(1, 500) UNION ALL
SELECT athar.summarize(CASE WHEN i % 3 = 0 THEN 'NaN' ELSE random() END) FROM generate_series(1, 500) i;
SELECT is((SELECT count(*) FROM shape WHERE s::text::athar.summary <> s), 0::bigint, 'text reads back to the same summary');
SELECT is_empty($$SELECT s FROM shape WHERE row(athar.mean(s), athar.stddev(s), athar.variance(s), athar.total(s), athar.minimum(s), athar.maximum(s), athar.median(s), athar.percentile(s, 0.95), athar.share_at_most(s, 1), athar.compare(s, s))::text ~ 'NaN|Infinity'$$, 'no figure is NaN or infinite');
SELECT is((SELECT count(*) FROM shape WHERE s::jsonb::athar.summary <> s), 0::bigint, 'jsonb reads back to the same summary');
SELECT is((SELECT count(*) FROM shape WHERE s::text::jsonb <> s::jsonb), 0::bigint, 'text and jsonb are the same document');
SELECT is((SELECT count(*) FROM (SELECT s::text FROM shape EXCEPT SELECT s::text FROM (SELECT DISTINCT s FROM shape) t) t), 0::bigint, 'equal summaries hash alike');
SET LOCAL extra_float_digits = -15;
SELECT is(athar.summary_of('{0.1234567890123456}', '{1}')::text, '{"version":1,"n":1,"counts":[[0.1234567890123456,1]]}', 'extra_float_digits does not shorten the text');
RESET extra_float_digits;
SELECT is((SELECT count(*) FROM shape a, shape b WHERE a.s + b.s <> b.s + a.s AND athar.n(a.s) < 1e18 AND athar.n(b.s) < 1e18), 0::bigint, 'a + b = b + a, to the bit');
SELECT is((SELECT count(*) FROM shape, LATERAL (SELECT athar.merge(v.s) AS m FROM (VALUES (shape.s)) v(s)) u WHERE m <> s), 0::bigint, 'merging one summary leaves it as it is');

-- Published figures.
CREATE TEMP TABLE published AS SELECT athar.summary_of_moments(100, 4.2, 1.1) AS s;
SELECT results_eq(
	'SELECT athar.n(s), athar.mean(s), athar.stddev(s), athar.is_exact(s) FROM published',
	'VALUES (100::bigint, 4.2::double precision, 1.1::double precision, false)', 'published figures are answered as given');
SELECT results_eq(
	'SELECT num_nonnulls(athar.minimum(s), athar.maximum(s), athar.median(s), athar.percentile(s, 0.1), athar.share_at_most(s, 4)) FROM published',
	'VALUES (0)', 'what was not published is NULL');
SELECT results_eq(
	$$SELECT athar.n(s), athar.mean(s), athar.median(s), athar.is_exact(s) FROM (SELECT s + athar.summary_of('{5.2}', '{100}') FROM published) t(s)$$,
	$$VALUES (200::bigint, 4.7::double precision, NULL::double precision, false)$$, 'merging loses the distribution, and keeps the mean');
SELECT ok(pg_temp.near(athar.stddev(a + b), athar.stddev(c + d), 1e-14), 'and the deviation')
FROM athar.summary_of('{1,2,3,9}', '{5,5,5,1}') c, athar.summary_of('{2,4}', '{3,4}') d,
	athar.summary_of_moments(athar.n(c), athar.mean(c), athar.stddev(c)) a, athar.summary_of_moments(athar.n(d), athar.mean(d), athar.stddev(d)) b;
SELECT is(athar.stddev(s + athar.summary_of_moments(10, 4, NULL)), NULL, 'an unknown deviation stays unknown') FROM published;
SELECT is(athar.mean(s + athar.summary_of_moments(100, 4.6, NULL)), 4.4::double precision, 'the mean does not') FROM published;
SELECT is(athar.summary_of_moments(NULL, 1, 1), NULL, 'no n: NULL');
SELECT is(athar.summary_of_moments(10, NULL, 1), NULL, 'no mean: NULL');
SELECT is(athar.stddev(athar.summary_of_moments(1, 5, NULL)), NULL, 'one published value does not vary');

-- A digest after 3,650 daily parts, merged in several trees: rank errors.
SELECT setseed(0.4);
CREATE TEMP TABLE raw AS
SELECT kind, i % 3650 AS day, CASE kind WHEN 'lognormal' THEN exp(z) WHEN 'trend' THEN z + (i % 3650) / 365.0 WHEN 'days' THEN floor(20 * exp(z)) WHEN 'tenths' THEN round(z::numeric * 3, 1)::double precision ELSE greatest(z, 0) END AS x
FROM (SELECT i, sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random()) FROM generate_series(1, 182500) i) t(i, z),
	unnest('{lognormal,trend,days,tenths,zeros}'::text[]) kind;
CREATE TEMP TABLE day AS SELECT kind, day, athar.summarize(x) AS s FROM raw GROUP BY kind, day;
CREATE TEMP TABLE tree AS
SELECT 'merge' AS tree, kind, athar.merge(s ORDER BY day) AS s FROM day GROUP BY kind UNION ALL
SELECT 'chain', kind, pg_temp.chain(s ORDER BY day) FROM day GROUP BY kind UNION ALL
SELECT 'chain by size', kind, pg_temp.chain(s ORDER BY athar.mean(s)) FROM day GROUP BY kind UNION ALL
SELECT 'years', kind, pg_temp.chain(s ORDER BY year) FROM (SELECT kind, day / 365 AS year, athar.merge(s ORDER BY day) AS s FROM day GROUP BY kind, day / 365) t GROUP BY kind;
INSERT INTO tree SELECT 'random', kind, pg_temp.random_tree(array_agg(s)) FROM day GROUP BY kind;
-- pairs of pairs of pairs
INSERT INTO tree
WITH RECURSIVE level(step, kind, position, s) AS (
	SELECT 0, kind, day, s FROM day
	UNION ALL
	SELECT step + 1, kind, position / 2, s + coalesce(lead, '{"version":1,"n":0,"counts":[]}')
	FROM (SELECT step, kind, position, s, lead(s) OVER (PARTITION BY kind ORDER BY position) FROM level) t
	WHERE position % 2 = 0 AND step < 12)
SELECT 'pairs', kind, s FROM level WHERE step = 12;
CREATE TEMP TABLE rank AS
SELECT kind, x, sum(how_often) OVER (PARTITION BY kind ORDER BY x ROWS UNBOUNDED PRECEDING) AS up_to
FROM (SELECT kind, x, count(*) AS how_often FROM raw GROUP BY kind, x) t;
CREATE INDEX ON rank (kind, x);
ANALYZE rank;
CREATE TEMP TABLE rank_error AS
SELECT tree, kind, p, greatest(coalesce(below.up_to, 0) / 182500.0 - p, p - coalesce(at_most.up_to, 0) / 182500.0, 0) AS error
FROM tree, unnest('{0.5,0.95}'::double precision[]) p, athar.percentile(s, p) v
LEFT JOIN LATERAL (SELECT up_to FROM rank WHERE kind = tree.kind AND x < v ORDER BY x DESC LIMIT 1) below ON true
LEFT JOIN LATERAL (SELECT up_to FROM rank WHERE kind = tree.kind AND x <= v ORDER BY x DESC LIMIT 1) at_most ON true;
SELECT is((SELECT count(*) FROM rank_error), 60::bigint, '6 trees of 5 kinds of data');
SELECT cmp_ok(max(error), '<=', 0.005::double precision, kind || ': median within 0.5 % in every tree') FROM rank_error WHERE p = 0.5 GROUP BY kind ORDER BY kind;
SELECT cmp_ok(max(error), '<=', 0.002::double precision, kind || ': 95th percentile within 0.2 % in every tree') FROM rank_error WHERE p = 0.95 GROUP BY kind ORDER BY kind;
SELECT ok(bool_and(athar.n(s) = 182500 AND athar.minimum(s) = lowest AND athar.maximum(s) = highest), 'n, minimum and maximum are exact in every tree')
FROM tree JOIN (SELECT kind, min(x) AS lowest, max(x) AS highest FROM raw GROUP BY kind) t USING (kind);
SELECT ok(bool_and(pg_temp.near(athar.mean(s), mean, 1e-12) AND pg_temp.near(athar.stddev(s), sd, 1e-12)), 'mean and deviation are right to 1e-12 in every tree')
FROM tree JOIN (SELECT kind, athar.mean(athar.summarize(x)) AS mean, stddev_samp(x) AS sd FROM raw GROUP BY kind) t USING (kind);
SELECT ok(max(pg_column_size(s)) <= 512 * 12 + 64, 'a digest stays small') FROM tree;
SELECT is((SELECT count(*) FROM tree WHERE abs(athar.share_at_most(s, athar.percentile(s, 0.8)) - 0.8) > 0.02 AND kind IN ('lognormal', 'trend')), 0::bigint, 'share_at_most is the way back from percentile');

-- A text with a mistake in it is refused, or it is another summary, sound.
SELECT setseed(0.7);
CREATE FUNCTION pg_temp.verdict(input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	s athar.summary;
BEGIN
	s := input;
	IF s::text::athar.summary <> s OR greatest(athar.n(s), athar.nonfinite_count(s)) < 1e18 AND (s + s)::text::athar.summary <> s + s THEN
		RETURN 'does not read back';
	ELSIF row(athar.mean(s), athar.stddev(s), athar.variance(s), athar.total(s), athar.minimum(s), athar.maximum(s), athar.percentile(s, 0.3), athar.share_at_most(s, 2), athar.compare(s, s))::text ~ 'NaN|Infinity'
		OR NOT (athar.minimum(s) <= athar.percentile(s, 0.2) AND athar.percentile(s, 0.2) <= athar.percentile(s, 0.7) AND athar.percentile(s, 0.7) <= athar.maximum(s)) THEN
		RETURN 'has figures that are none';
	END IF;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
CREATE TEMP TABLE mutant AS
SELECT pg_temp.verdict(CASE WHEN i % 2 = 0 THEN overlay(input PLACING change FROM place FOR i % 4) ELSE left(input, place) || substr(input, other) END) AS verdict
FROM (SELECT i, input, 1 + floor(random() * length(input))::integer AS place, 1 + floor(random() * length(input))::integer AS other, substr('0123456789-.,[]{}":etrunm ', 1 + floor(random() * 25)::integer, 1) AS change
	FROM generate_series(1, 4000) i, LATERAL (SELECT (ARRAY['{"version":1,"n":3,"nonfinite":2,"counts":[[4,1],[5,2]]}', '{"version":1,"n":2,"counts":[[-1.5e-7,1],[1e300,1]]}', '{"version":1,"n":250,"mean":4.2,"mean_rest":1e-17,"sd":null}',
		'{"version":1,"n":9,"mean":2,"sd":1.5,"min":0,"max":5,"digest":[[0,1],[1.5,2],[1.5,4,true],[5,2]]}'])[1 + i / 2 % 4] AS input) t) u;
SELECT bag_hasnt($$SELECT verdict FROM mutant$$, $$VALUES ('does not read back'), ('has figures that are none')$$, 'whatever text is accepted is a sound summary');
SELECT is_empty($$SELECT verdict, count(*) FROM mutant WHERE verdict ~ '^[0-9]' AND verdict NOT IN ('accepted', '22P02', '22003') GROUP BY verdict$$, 'any other is refused as such, or as a number beyond numeric');
SELECT ok(count(*) FILTER (WHERE verdict = 'accepted') > 100 AND count(*) FILTER (WHERE verdict = '22P02') > 1000, 'there were many of both') FROM mutant;

-- What is refused.
SELECT throws_ok($$SELECT athar.percentile(s, 1.01) FROM four$$, '22003', 'percentile value 1.01 is not between 0 and 1', 'percentile above 1');
SELECT throws_ok($$SELECT athar.percentile(s, -0.1) FROM nothing$$, '22003', 'percentile value -0.1 is not between 0 and 1', 'percentile below 0, even of nothing');
SELECT throws_ok($$SELECT athar.percentile(s, 'NaN') FROM four$$, '22003', 'percentile value NaN is not between 0 and 1', 'percentile NaN');
SELECT throws_ok($$SELECT athar.share_at_most(s, 'NaN') FROM four$$, '22003', 'limit is not a number', 'share at most NaN');
SELECT throws_ok($$SELECT athar.summary_of('{1,2}', '{1}')$$, '22023', 'invalid answer counts', 'lists of different length');
SELECT throws_ok($$SELECT athar.summary_of('{1,NULL}', '{1,1}')$$, '22023', 'invalid answer counts', 'a NULL answer');
SELECT throws_ok($$SELECT athar.summary_of('{1,2}', '{1,NULL}')$$, '22023', 'invalid answer counts', 'a NULL count');
SELECT throws_ok($$SELECT athar.summary_of('{{1,2},{3,4}}', '{{1,2},{3,4}}')$$, '22023', 'invalid answer counts', 'lists of lists');
SELECT throws_ok($$SELECT athar.summary_of('{1,2}', '{1,-1}')$$, '22023', 'invalid answer counts', 'a negative count');
SELECT throws_ok($$SELECT athar.summary_of('{1,NaN}', '{1,1}')$$, '22003', 'invalid answer counts', 'an answer that is NaN');
SELECT throws_ok($$SELECT athar.summary_of('{1,Infinity}', '{1,0}')$$, '22003', 'invalid answer counts', 'an answer that is infinite, even if nobody gave it');
SELECT throws_ok($$SELECT athar.summary_of('{1,2}', '{9223372036854775807,1}')$$, '22003', 'number of values out of range', 'counts beyond 2^63 - 1');
SELECT throws_ok($$SELECT s + s FROM athar.summary_of('{1}', '{4611686018427387904}') s$$, '22003', 'number of values out of range', 'a sum of counts beyond 2^63 - 1');
SELECT throws_ok($$SELECT s + s FROM athar.summary_of_moments(4611686018427387904, 1, 1) s$$, '22003', 'number of values out of range', 'published numbers beyond 2^63 - 1');
SELECT throws_ok($$SELECT athar.summary_of_moments(-1, 1, 1)$$, '22023', 'invalid published figures', 'a negative n');
SELECT throws_ok($$SELECT athar.summary_of_moments(5, 1, -1)$$, '22023', 'invalid published figures', 'a negative deviation');
SELECT throws_ok($$SELECT athar.summary_of_moments(1, 1, 1)$$, '22023', 'invalid published figures', 'one value that varies');
SELECT throws_ok($$SELECT athar.summary_of_moments(0, 1, NULL)$$, '22023', 'invalid published figures', 'a mean of nothing');
SELECT throws_ok($$SELECT athar.summary_of_moments(5, 'NaN', 1)$$, '22003', 'invalid published figures', 'a mean that is NaN');
SELECT throws_ok($$SELECT athar.summary_of_moments(5, 1, 'Infinity')$$, '22003', 'invalid published figures', 'an infinite deviation');
SELECT throws_ok($$SELECT '{}'::athar.summary$$, '22P02', 'invalid input syntax for type athar.summary', 'an empty object');
SELECT throws_ok($$SELECT 'five'::athar.summary$$, '22P02', NULL, 'text that is not JSON');
SELECT throws_ok($$SELECT '{"version":2,"n":0,"counts":[]}'::athar.summary$$, '22P02', 'invalid input syntax for type athar.summary', 'a version to come');
SELECT throws_ok(format('SELECT %L::athar.summary', repeat('[', 200000)), '54001', NULL, 'a deep text');
SELECT throws_ok(format('SELECT %L::athar.summary', repeat(' ', 300000)), '22P02', 'invalid input syntax for type athar.summary', 'a long text');
SELECT throws_ok($$SELECT '"five"'::jsonb::athar.summary$$, '22P02', 'invalid input syntax for type athar.summary', 'jsonb of another kind');
SELECT throws_ok($$SELECT a < a FROM athar.summary_of('{1}', '{1}') a$$, '42883', NULL, 'summaries have no order');

SELECT * FROM finish();
ROLLBACK;
