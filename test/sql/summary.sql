SET search_path = public, athar;

-- Every form, and that its text reads back.
SELECT text, text::summary, text::summary::text = text AS same
FROM unnest(ARRAY[
	'{"version":1,"n":0,"counts":[]}', '{"version":1,"n":0,"nonfinite":7,"counts":[]}',
	'{"version":1,"n":3,"counts":[[4,1],[5,2]]}', '{"version":1,"n":3,"counts":[[-1.5,1],[5e-324,1],[1.7976931348623157e+308,1]]}',
	'{"version":1,"n":9223372036854775807,"counts":[[0.1,9223372036854775807]]}',
	'{"version":1,"n":250,"mean":4.2,"sd":1.1}', '{"version":1,"n":250,"mean":4.2,"sd":null}', '{"version":1,"n":1,"mean":4.2,"sd":0}',
	'{"version":1,"n":250,"nonfinite":1,"mean":4.2,"mean_rest":1e-17,"sd":1.1}',
	'{"version":1,"n":6,"mean":2,"sd":1.5,"min":0,"max":5,"digest":[[0,1],[1.5,4,true],[5,1]]}',
	'{"version":1,"n":6,"mean":2,"sd":null,"min":0,"max":5,"digest":[[0,1],[1.5,2],[1.5,2,true],[5,1]]}'
]) text;

-- White space, order of keys, ways to write a number, -0.
SELECT ' { "counts" : [ [ -0.0, 1 ], [ 10e-1, 2.0 ] ], "n" : 3, "version" : 1e0 } '::summary;

-- JSON, both ways.
SELECT '{"version":1,"n":3,"counts":[[4,1],[0.1,2]]}'::jsonb::summary;
SELECT '{"version":1,"n":3,"counts":[[0.1,2],[4,1]]}'::jsonb::summary::jsonb;

-- What a digest looks like: single values as they are, others by their mean.
SELECT summarize(x) FROM generate_series(1, 100) x;
SELECT left(summarize(x)::text, 140), right(summarize(x)::text, 60) FROM generate_series(1, 100000) x;

-- No text form.
SELECT '[]'::summary;
SELECT '{"version":2,"n":0,"counts":[]}'::summary;

-- JSON, but no summary.
CREATE FUNCTION pg_temp.refused(input text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM input::athar.summary;
	RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN SQLSTATE || ' ' || coalesce(nullif(detail, ''), SQLERRM);
END $$;
SELECT input, pg_temp.refused(input)
FROM unnest(ARRAY[
	-- keys
	'', '{', 'five', 'null', '1', '[1]', '{}', '{"version":1}', '{"version":1,"n":0}', '{"n":0,"counts":[]}', '{"version":1,"counts":[]}', '{"version":1,"n":0,"counts":[],"who":1}',
	'{"version":1,"n":0,"counts":[],"mean":1}', '{"version":1,"n":0,"counts":[],"mean_rest":0}', '{"version":1,"n":2,"mean":1}', '{"version":1,"n":2,"sd":1}',
	'{"version":1,"n":2,"mean":1,"sd":1,"min":0}', '{"version":1,"n":2,"mean":1,"sd":1,"digest":[[1,2]]}',
	-- kinds
	'{"version":1,"n":"3","counts":[[4,3]]}', '{"version":1,"n":null,"counts":[]}', '{"version":1,"n":0,"counts":{}}', '{"version":1,"n":0,"counts":null}', '{"version":1,"n":[],"counts":[]}',
	'{"version":1,"n":3,"counts":[4,3]}', '{"version":1,"n":3,"counts":[[]]}', '{"version":1,"n":3,"counts":[[4]]}', '{"version":1,"n":3,"counts":[[4,3,false]]}',
	'{"version":1,"n":3,"counts":[[4,3,1]]}', '{"version":1,"n":3,"counts":[[4,3,true,true]]}', '{"version":1,"n":3,"counts":[["4",3]]}', '{"version":1,"n":3,"counts":[[null,3]]}',
	'{"version":1,"n":3,"counts":[[[4],3]]}', '{"version":1,"n":3,"counts":[[4,[3]]]}', '{"version":1,"n":3,"counts":[{"4":3}]}', '{"version":1,"n":"NaN","mean":1,"sd":1}', '{"version":1,"n":2,"mean":"NaN","sd":1}',
	-- numbers of values
	'{"version":1,"n":-1,"counts":[]}', '{"version":1,"n":1.5,"counts":[]}', '{"version":1,"n":9223372036854775808,"counts":[]}', '{"version":1,"n":0,"nonfinite":-1,"counts":[]}',
	'{"version":1,"n":4,"counts":[[4,3]]}', '{"version":1,"n":0,"counts":[[4,0]]}', '{"version":1,"n":0,"counts":[[4,-1],[5,1]]}', '{"version":1,"n":1,"counts":[]}',
	'{"version":1,"n":-9223372036854775808,"counts":[[1,9223372036854775807],[2,1]]}', '{"version":1,"n":0,"mean":0,"sd":0}', '{"version":1e99,"n":0,"counts":[]}',
	-- values
	'{"version":1,"n":3,"counts":[[5,2],[4,1]]}', '{"version":1,"n":3,"counts":[[4,2],[4,1]]}', '{"version":1,"n":2,"counts":[[-0.0,1],[0,1]]}', '{"version":1,"n":1,"counts":[[1e309,1]]}',
	'{"version":1,"n":1,"counts":[[-1e99999,1]]}', '{"version":1,"n":1,"counts":[[1e-400,1]]}', '{"version":1,"n":3,"counts":[[4,3,true]]}',
	-- moments
	'{"version":1,"n":2,"mean":1,"sd":-1}', '{"version":1,"n":1,"mean":1,"sd":1}', '{"version":1,"n":1,"mean":1,"sd":null}', '{"version":1,"n":2,"mean":1,"mean_rest":1,"sd":1}', '{"version":1,"n":2,"mean":null,"sd":1}',
	-- digest
	'{"version":1,"n":2,"mean":1,"sd":1,"min":2,"max":0,"digest":[[1,2]]}', '{"version":1,"n":2,"mean":1,"sd":1,"min":1,"max":1,"digest":[[1,2]]}', '{"version":1,"n":2,"mean":3,"sd":1,"min":0,"max":2,"digest":[[1,2]]}',
	'{"version":1,"n":2,"mean":1,"sd":1,"min":0,"max":2,"digest":[[3,2]]}', '{"version":1,"n":2,"mean":1,"sd":1,"min":0,"max":2,"digest":[[-1,1],[1,1]]}', '{"version":1,"n":0,"mean":1,"sd":1,"min":0,"max":2,"digest":[]}',
	'{"version":1,"n":2,"mean":1,"sd":1,"min":0,"max":2,"digest":[]}', '{"version":1,"n":1,"mean":1,"sd":0,"min":0,"max":2,"digest":[[1,1,true]]}', '{"version":1,"n":2,"mean":1,"sd":1,"min":0,"max":2,"digest":[[2,1],[0,1]]}',
	'{"version":1,"n":3,"mean":1,"sd":1,"min":0,"max":2,"digest":[[1,2,true],[1,1]]}', '{"version":1,"n":4,"mean":1,"sd":1,"min":0,"max":2,"digest":[[1,1],[1,2,true],[1,1]]}'
]) input;
SELECT pg_temp.refused(format('{"version":1,"n":65,"counts":[%s]}', string_agg(format('[%s,1]', i), ','))) FROM generate_series(1, 65) i;
SELECT pg_temp.refused(format('{"version":1,"n":513,"mean":9,"sd":1,"min":1,"max":513,"digest":[%s]}', string_agg(format('[%s,1]', i), ','))) FROM generate_series(1, 513) i;
SELECT pg_temp.refused(format('{"version":1,"n":1,"counts":%s1,1%s}', repeat('[', 1000), repeat(']', 1000)));

-- Errors of constructors and readers.
SELECT summary_of('{1,2}', '{1}');
SELECT summary_of('{1,2}', '{1,-1}');
SELECT summary_of('{1,NaN}', '{1,1}');
SELECT summary_of('{1,2}', '{9223372036854775807,1}');
SELECT summary_of_moments(-5, 1, 1);
SELECT percentile(summary_of('{1}', '{1}'), 95);
SELECT share_at_most(summary_of('{1}', '{1}'), 'NaN');

-- Summaries have no order, and no other type becomes one unasked.
SELECT max(summary_of('{1}', '{1}'));
SELECT summary_of('{1}', '{1}') + 1;
SELECT summary_of('{1}', '{1}') = summary_of('{1}', '{1}') AS same, summary_of('{1}', '{1}') <> summary_of('{1}', '{2}') AS differ;

-- As a moving window, and with a filter.
SELECT x, n(s), median(s) FROM (SELECT x, summarize(x) FILTER (WHERE x <> 3) OVER (ORDER BY x ROWS 2 PRECEDING) AS s FROM generate_series(1, 6) x) t;
