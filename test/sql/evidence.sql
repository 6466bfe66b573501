-- evidence: what a person sees
SET timezone = 'UTC';

-- Ten waiting times before a change and eight after it, in days.
CREATE TEMPORARY TABLE wait (days double precision, at timestamptz);
INSERT INTO wait (days, at)
SELECT days, timestamptz '2026-03-01' - place * interval '1 day'
FROM unnest('{12,15,11,14,18,13,16,12,15,14}'::double precision[]) WITH ORDINALITY AS v (days, place)
UNION ALL
SELECT days, timestamptz '2026-03-01' + (place - 1) * interval '1 day'
FROM unnest('{9,11,8,10,12,9,10,7}'::double precision[]) WITH ORDINALITY AS v (days, place);

CREATE FUNCTION pg_temp.shown(evidence athar.evidence)
RETURNS text
LANGUAGE SQL
BEGIN ATOMIC
	SELECT string_agg(format('%s %s', f.key,
		CASE WHEN f.value ~ '\.' THEN round(f.value::numeric, 6)::text ELSE coalesce(f.value, 'NULL') END), E'\n')
	FROM json_each_text(row_to_json(evidence)) AS f;
END;

\pset format unaligned
\pset tuples_only on
SELECT pg_temp.shown(athar.before_after(days, at, '2026-03-01')) FROM wait;

-- The same from summaries, and with both sides changed round.
SELECT athar.before_after(days, at, '2026-03-01') = athar.compare(athar.summarize(days) FILTER (WHERE at < '2026-03-01'), athar.summarize(days) FILTER (WHERE at >= '2026-03-01')) FROM wait;
SELECT pg_temp.shown(athar.compare(athar.summarize(days) FILTER (WHERE at >= '2026-03-01'), athar.summarize(days) FILTER (WHERE at < '2026-03-01'))) FROM wait;

-- Figures that were published without their values: no medians.
SELECT pg_temp.shown(athar.compare(athar.summary_of_moments(10, 14, 2.1), athar.summary_of_moments(8, 9.5, 1.6)));
-- Without a deviation there is no interval either.
SELECT athar.compare(athar.summary_of_moments(10, 14, 2.1), athar.summary_of_moments(8, 9.5, NULL));

-- Little or nothing to compare.
SELECT athar.before_after(days, at, '2026-03-01') FROM wait WHERE false;
SELECT athar.before_after(days, at, NULL) FROM wait;
SELECT athar.before_after(days, at, '-infinity') FROM wait WHERE at > '2026-03-07';
SELECT athar.before_after(v, at, '2026-03-01') FROM (VALUES (5, timestamptz '2026-02-01'), (5, '2026-02-02'), (4, '2026-03-01'), (4, '2026-03-02')) AS s (v, at);
SELECT athar.before_after(v, at, '2026-03-01') FROM (VALUES ('NaN'::double precision, timestamptz '2026-02-01'), (5, '2026-02-02'), ('Infinity', '2026-03-01'), (4, '2026-03-02')) AS s (v, at);

-- Student's t in tables: the 5 % limits of Fisher and Yates.
SELECT df, round(athar.student_t_quantile(0.975, df)::numeric, 3) FROM unnest('{1,2,3,4,5,10,20,30,60,120,Infinity}'::double precision[]) AS d (df);
SELECT df, round(athar.student_t_p(2, df)::numeric, 4) FROM unnest('{1,2,3,4,5,10,20,30,60,120,Infinity}'::double precision[]) AS d (df);
SELECT athar.student_t_p(2, 0) IS NULL, athar.student_t_p('NaN', 3) IS NULL, athar.student_t_quantile(1, 3) IS NULL;

-- Parallel workers share the rows; the cutover may be a date.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
CREATE TABLE public.wait AS SELECT days, at FROM wait;
EXPLAIN (COSTS OFF) SELECT athar.before_after(days, at, date '2026-03-01') FROM public.wait;
SELECT (athar.before_after(days, at, date '2026-03-01')).verdict FROM public.wait;
DROP TABLE public.wait;

-- A column of this type can be stored, read by name and dumped.
CREATE TEMPORARY TABLE report (evidence athar.evidence);
INSERT INTO report (evidence) SELECT athar.before_after(days, at, '2026-03-01') FROM wait;
SELECT (evidence).before_n, (evidence).after_n, round((evidence).difference::numeric, 3), (evidence).verdict FROM report;
SELECT (evidence::text)::athar.evidence = evidence FROM report;
