-- rank: two groups compared by ranks, and many comparisons at once. Reference
-- values by test/reference/matched.R.
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

CREATE TEMPORARY TABLE ranks (LIKE athar.rank_evidence);
ALTER TABLE ranks ADD name text, ADD before_values double precision[], ADD after_values double precision[];
\ir ../data/ranks.sql
SELECT is(count(*), 13::bigint, 'reference tests were read') FROM ranks;
SELECT ok((t).u = r.u AND pg_temp.near((t).z, r.z, 1e-12) AND pg_temp.near((t).p_value, r.p_value, 1e-10) AND pg_temp.near((t).shift, r.shift, 1e-12)
	AND (t).before_n = r.before_n AND (t).after_n = r.after_n AND (t).is_exact = r.is_exact, 'equals R: ' || r.name)
FROM ranks AS r, LATERAL (SELECT athar.rank_test(r.before_values, r.after_values)) AS f (t);
SELECT ok((t).u = r.before_n * r.after_n - r.u AND pg_temp.near((t).z, -r.z, 1e-12) AND pg_temp.near((t).p_value, r.p_value, 1e-10) AND pg_temp.near((t).shift, -r.shift, 1e-12),
	'the other way round: ' || r.name)
FROM ranks AS r, LATERAL (SELECT athar.rank_test(r.after_values, r.before_values)) AS f (t);
-- By hand: of the 35 sums of ranks of three among seven, one is as high.
SELECT results_eq($$SELECT (t).u, round((t).p_value::numeric, 14), (t).shift FROM (SELECT athar.rank_test('{1,2,3}', '{5,6,7,10}')) AS f (t)$$,
	'VALUES (12::double precision, round(2 / 35.0, 14), 4.5::double precision)', 'by hand');
SELECT is(athar.rank_test('{3,NaN,1,NULL,Infinity}', '{{4,5},{-Infinity,2}}'), athar.rank_test('{1,3}', '{2,4,5}'), 'what is not a number is left out; order and shape do not matter');
SELECT is(athar.rank_test(c.before, c.after), c.wanted, c.name)
FROM (VALUES
	('nothing', NULL::double precision[], '{}'::double precision[], ROW(NULL, NULL, NULL, NULL, 0, 0, NULL)::athar.rank_evidence),
	('one side', '{1,2}', '{NaN}', ROW(NULL, NULL, NULL, NULL, 2, 0, NULL)::athar.rank_evidence),
	('one against one', '{1}', '{2}', ROW(1, 0, 1, 1, 1, 1, true)::athar.rank_evidence),
	('all alike', '{4,4,4}', '{4,4}', ROW(3, NULL, NULL, 0, 3, 2, NULL)::athar.rank_evidence),
	('zeros are one', '{0,-0.0}', '{0,0}', ROW(2, NULL, NULL, 0, 2, 2, NULL)::athar.rank_evidence),
	('too far apart', '{-1.7e308}', '{1.7e308}', ROW(1, 0, 1, NULL, 1, 1, true)::athar.rank_evidence)) AS c (name, before, after, wanted);
-- Halves of the smallest numbers are nothing; sums of the largest are infinite.
SELECT is((athar.rank_test(c.before, c.after)).shift, c.shift, c.name)
FROM (VALUES
	('the smallest number', '{0}'::double precision[], '{5e-324}'::double precision[], 5e-324::double precision),
	('the middle of the smallest numbers', '{0}', '{5e-324,1.5e-323}', 1e-323),
	('the middle of the largest numbers', '{0}', '{1.6e308,1.6e308}', 1.6e308)) AS c (name, before, after, shift);
SELECT ok((t).p_value = 0 AND (t).z > 100 AND (t).shift = 300001, 'a p below 1e-300 is 0')
FROM (SELECT athar.rank_test(array_agg(g), array_agg(g + 300001.0)) FROM generate_series(1, 20000) AS g) AS f (t);
-- Where listing all differences is still possible.
SELECT ok(pg_temp.near((t).shift, m.median, 1e-14), 'the shift is the median of all differences')
FROM (SELECT array_agg(sin(g) * 1e3), array_agg(cos(g * 1.7) * 900 + 20) FROM generate_series(1, 300) AS g) AS v (before, after),
LATERAL (SELECT athar.rank_test(v.before, v.after[1:251])) AS f (t),
LATERAL (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a.x - b.x) FROM unnest(v.before) AS b (x), unnest(v.after[1:251]) AS a (x)) AS m (median);
SELECT ok((t).before_n = 500000 AND pg_temp.near((t).shift, 0.25, 1e-9) AND (t).p_value < 1e-100, 'a million values')
FROM (SELECT athar.rank_test(array_agg(g::bigint * 7919 % 500000 / 500000.0), array_agg(0.25 + g / 500000.0)) FROM generate_series(0, 499999) AS g) AS f (t);

-- q-values.
CREATE TEMPORARY TABLE q_values (name text, p_values double precision[], q_values double precision[]);
\ir ../data/q_values.sql
SELECT is(count(*), 6::bigint, 'reference lists were read') FROM q_values;
SELECT is_empty($$
	SELECT q.name, a.place, a.got, a.wanted
	FROM q_values AS q, LATERAL (SELECT * FROM unnest(athar.q_values(q.p_values), q.q_values) WITH ORDINALITY) AS a (got, wanted, place)
	WHERE pg_temp.near(a.got, a.wanted, 1e-14) IS NOT TRUE
$$, 'q-values equal R''s p.adjust');
SELECT is((SELECT count(*) FROM unnest(athar.q_values(p_values)) AS q (q) WHERE q <= 0.05), 4::bigint, 'of the 15 of Benjamini and Hochberg four are kept')
FROM q_values WHERE name ~ 'Benjamini';
SELECT is(athar.q_values('{0.04,NULL,0.01,NULL,1}'), '{0.06,NULL,0.03,NULL,1}'::double precision[], 'NULL stays in its place and is not counted');
SELECT is(athar.q_values('{NULL,NULL}'), '{NULL,NULL}'::double precision[], 'nothing but NULL');
SELECT is(athar.q_values('{}'), '{}'::double precision[], 'an empty list');
SELECT is(athar.q_values(NULL), NULL, 'no list');
SELECT is(athar.q_values('[5:6]={0.5,0}'), '{0.5,0}'::double precision[], 'positions count from 1 again');
SELECT is(cardinality(athar.q_values(array_agg(g / 100001.0))), 100000, 'a hundred thousand of them') FROM generate_series(1, 100000) AS g;
SELECT throws_ok(format('SELECT athar.q_values(%L)', v.list), '22023', 'p-values are numbers from 0 to 1, in a list of one dimension', 'refused: ' || v.list)
FROM (VALUES ('{0.5,1.1}'), ('{-0.1}'), ('{NaN}'), ('{Infinity}'), ('{{0.1},{0.2}}')) AS v (list);

SELECT * FROM finish();
ROLLBACK;
