-- series: what a person sees
SET timezone = 'UTC';
\pset format unaligned
\pset null NULL

CREATE FUNCTION pg_temp.shown(evidence athar.series_evidence)
RETURNS TABLE (name text, figure text)
LANGUAGE SQL
BEGIN ATOMIC
	SELECT f.key, CASE WHEN f.value ~ '^-?[0-9.e-]+$' THEN round(f.value::numeric, 6)::text ELSE f.value END
	FROM json_each_text(row_to_json(evidence)) AS f
	WHERE f.key <> 'season_terms' AND f.value IS NOT NULL;
END;

-- Ten quarters before a change, nine after it, one of them missing.
SELECT * FROM pg_temp.shown(athar.interrupted_series('{41.2,44.0,43.1,40.9,43.0,45.2,44.9,42.1,44.5,46.6,40.1,37.0,38.8,NULL,39.0,36.2,37.9,40.8,38.1}', 11, 4));
SELECT t.ordinal, round(t.term::numeric, 6) AS term
FROM unnest((athar.interrupted_series('{41.2,44.0,43.1,40.9,43.0,45.2,44.9,42.1,44.5,46.6,40.1,37.0,38.8,NULL,39.0,36.2,37.9,40.8,38.1}', 11, 4)).season_terms) WITH ORDINALITY AS t (term, ordinal);

-- Without a season, without a cutover, too short, without noise.
SELECT (athar.interrupted_series('{41.2,44.0,43.1,40.9,43.0,45.2,44.9,42.1,44.5,46.6,40.1,37.0,38.8,NULL,39.0,36.2,37.9,40.8,38.1}', 11)).season_terms;
SELECT athar.interrupted_series('{1,2,3,4,5,6}', NULL);
SELECT athar.interrupted_series('{1,2,4,3,2}', 4);
SELECT * FROM pg_temp.shown(athar.interrupted_series('{1,2,4,6,5,4}', 4));
SELECT athar.interrupted_series(NULL, NULL, NULL);
SELECT athar.interrupted_series(array_fill(3::double precision, '{20}'), 11);

-- Mistakes.
SELECT athar.interrupted_series('{{1,2},{3,4}}', 2);
SELECT athar.interrupted_series('{1,2,3,4}', 2, 1);
SELECT athar.interrupted_series('{1,2,3,4}', 2, -12);

-- Autocorrelation.
SELECT round(athar.autocorrelation('{1,2,3,4,5,4,3,2,1}')::numeric, 6), round(athar.autocorrelation('{1,-1,1,-1,1,-1}')::numeric, 6);
SELECT athar.autocorrelation('{3,3,3}'), athar.autocorrelation('{1,2}'), athar.autocorrelation(NULL);
SELECT athar.autocorrelation('{{1,2},{3,4}}');

-- The answer is a value like any other.
CREATE TEMPORARY TABLE report (evidence athar.series_evidence);
INSERT INTO report (evidence) SELECT athar.interrupted_series('{1,2,4,6,5,4}', 4);
SELECT (evidence).n, (evidence).flags, (evidence::text)::athar.series_evidence = evidence FROM report;
