-- public_measurements: no figure of a few people is shown, nor to be had by subtraction
BEGIN;
SELECT no_plan();

SELECT athar.define_unit('u', 'Unit'), athar.define_unit('v', 'Other');
SELECT athar.define_service('s', 'Service', 'u', name_ar => 'خدمة'), athar.define_service('w', 'Another', 'u');
SELECT athar.define_channel('c' || i, 'Channel') FROM generate_series(1, 4) AS i;
SELECT athar.define_kpi('k', 'KPI', 'days', 'down'), athar.define_kpi('total', 'Total', 'cases', 'up', 'sum'), athar.define_kpi('ratio', 'Ratio', 'share', 'up', 'ratio');
CREATE FUNCTION pg_temp.of(n bigint, mean double precision) RETURNS athar.summary LANGUAGE SQL RETURN athar.summary_of_moments(n, mean, CASE WHEN n > 1 THEN 1 END);
CREATE VIEW pg_temp.shown AS SELECT kpi, channel, n, value, is_suppressed FROM athar.public_measurements;

SELECT is(current_setting('athar.smallest_cell')::integer, athar.smallest_cell(), 'the setting is what the function says');
SELECT is(athar.smallest_cell(), 5, '5 unless set');

-- One line: a small cell takes the next smallest with it.
SELECT athar.report_measurement('k', '[2024-01-01,2025-01-01)', pg_temp.of(f.n, f.mean), 's', f.channel, basis => 'year')
FROM (VALUES ('c1', 4, 1), ('c2', 9, 2), ('c3', 8, 3), ('c4', 100, 4), (NULL, 121, 3.67)) AS f (channel, n, mean);
SELECT results_eq('SELECT channel, n, value, is_suppressed FROM shown ORDER BY channel', $$VALUES ('c1', NULL::bigint, NULL::double precision, true), ('c2', 9, 2, false), ('c3', NULL, NULL, true),
	('c4', 100, 4, false), (NULL, 121, 3.67, false)$$, 'the small one and the next smallest are hidden, the rest is not');
SELECT athar.report_measurement('k', '[2024-01-01,2025-01-01)', pg_temp.of(5, 1), 's', 'c1', basis => 'year');
SELECT is_empty('SELECT FROM shown WHERE is_suppressed', 'five are not few');
-- three hidden ones must be as many together as may be shown
SELECT athar.report_measurement('k', '[2024-01-01,2025-01-01)', pg_temp.of(f.n, 1), 's', f.channel, basis => 'year') FROM (VALUES ('c1', 2), ('c2', 2)) AS f (channel, n);
SELECT results_eq('SELECT channel FROM shown WHERE is_suppressed ORDER BY 1', $$VALUES ('c1'), ('c2'), ('c3')$$, 'two and two are four: the third as well');
-- a small total hides everything
SELECT athar.report_measurement('k', '[2024-01-01,2025-01-01)', pg_temp.of(4, 1), 's', NULL, basis => 'year');
SELECT is((SELECT count(*) FROM shown WHERE NOT is_suppressed), 0::bigint, 'a small total hides all');

-- Other kinds.
SELECT athar.report_measurement('total', '[2024-01-01,2025-01-01)', athar.summary_of_moments(1, f.cases, NULL), 's', f.channel, basis => 'year')
FROM (VALUES ('c1', 4), ('c2', 9), ('c3', 80)) AS f (channel, cases);
SELECT results_eq($$SELECT channel, value FROM shown WHERE kpi = 'total' ORDER BY 1$$, $$VALUES ('c1', NULL::double precision), ('c2', NULL), ('c3', 80)$$, 'a total counts as that many');
SELECT athar.report_measurement('ratio', '[2024-01-01,2025-01-01)', NULL, 's', f.channel, basis => 'year', numerator => 1, denominator => f.cases)
FROM (VALUES ('c1', 4.9), ('c2', 9), ('c3', 80)) AS f (channel, cases);
SELECT results_eq($$SELECT channel, value FROM shown WHERE kpi = 'ratio' ORDER BY 1$$, $$VALUES ('c1', NULL::double precision), ('c2', NULL), ('c3', 1/80::double precision)$$, 'a ratio as its denominator');
-- observations by month
SELECT athar.define_kpi('seen', 'Seen', 'days', 'down');
SELECT athar.record_observation('seen', i, '2024-03-01 12:00+00'::timestamptz + i * interval '1 day', 's', CASE WHEN i <= 3 THEN 'c1' WHEN i <= 10 THEN 'c2' WHEN i <= 20 THEN 'c3' END)
FROM generate_series(1, 28) AS i;
SELECT athar.refresh_measurements();
SELECT results_eq($$SELECT channel, n, is_suppressed FROM shown WHERE kpi = 'seen' ORDER BY 1$$, $$VALUES ('c1', NULL::bigint, true), ('c2', NULL, true), ('c3', 10, false), (NULL, 8, false)$$,
	'observations by month: their unknown channel is a channel, their sum stands in other views');
-- one basis
SELECT athar.report_measurement('total', daterange(d::date, (d + interval '3 months')::date), athar.summary_of_moments(1, 50, NULL), 's', 'c3', basis => 'quarter')
FROM generate_series(timestamp '2024-01-01', '2024-10-01', '3 months') AS d;
SELECT results_eq($$SELECT DISTINCT basis, channel, value FROM athar.public_measurements WHERE kpi = 'total'$$, $$VALUES ('quarter', 'c3', 50::double precision)$$,
	'one basis: a year less three quarters is the fourth');

-- periods of one basis that overlap
SELECT athar.define_kpi('mixed', 'Mixed', 'days', 'down');
SELECT athar.report_measurement('mixed', f.period::daterange, pg_temp.of(f.n, 2), 's', f.channel)
FROM (VALUES ('[2024-01-01,2024-04-01)', 'c1', 3), ('[2024-04-01,2025-01-01)', 'c1', 30), ('[2024-01-01,2025-01-01)', 'c2', 100), ('[2024-01-01,2025-01-01)', NULL, 133),
	('[2025-01-01,2026-01-01)', NULL, 50)) AS f (period, channel, n);
SELECT results_eq($$SELECT period_start, n FROM athar.public_measurements WHERE kpi = 'mixed' AND NOT is_suppressed ORDER BY 1$$, $$VALUES (date '2024-04-01', 30::bigint), ('2025-01-01', 50)$$,
	'a year less another channel and three quarters is the first quarter');
-- days on which nothing happened are nobody
SELECT athar.define_kpi('cases', 'Cases', 'cases', 'down', 'sum');
SELECT athar.record_observation('cases', CASE WHEN i <= f.busy THEN 1 ELSE 0 END, '2024-03-01 12:00+00'::timestamptz + i * interval '1 day', f.service)
FROM (VALUES ('s', 2), ('w', 6)) AS f (service, busy), generate_series(1, 20) AS i;
SELECT athar.refresh_measurements();
SELECT results_eq($$SELECT service, n, value FROM athar.public_measurements WHERE kpi = 'cases' ORDER BY 1$$, $$VALUES ('s', NULL::bigint, NULL::double precision), ('w', 20, 6)$$, 'two cases in twenty days are two people');
-- a ratio some of whose observations have no denominator
INSERT INTO athar.observations (kpi, value, denominator, observed_at, service)
SELECT 'ratio', 1, CASE WHEN i > 2 THEN 10 END, '2025-03-01 12:00+00'::timestamptz + i * interval '1 day', 'w' FROM generate_series(1, 4) AS i;
SELECT athar.refresh_measurements();
SELECT results_eq($$SELECT n, round(value::numeric, 4) FROM athar.public_measurements WHERE kpi = 'ratio' AND service = 'w'$$, $$VALUES (NULL::bigint, 0.1818)$$, 'a ratio of units counted on some days alone');
SELECT athar.record_observation('ratio', i % 2, '2025-04-01 12:00+00'::timestamptz + i * interval '1 day', 'w') FROM generate_series(1, 8) AS i;
SELECT athar.refresh_measurements();
SELECT results_eq($$SELECT n, value FROM athar.public_measurements WHERE kpi = 'ratio' AND service = 'w' AND period_start = '2025-04-01'$$, $$VALUES (8::bigint, 0.5::double precision)$$, 'and on all of them');

-- Random blocks: channels, stages, both, with and without totals.
SELECT setseed(0.4);
SELECT athar.define_service('r' || b, 'Random', 'u') FROM generate_series(1, 300) AS b;
INSERT INTO athar.stage (service_id, code, name, ordinal) SELECT id, 'g' || g, 'Stage', g FROM athar.service, generate_series(1, 3) AS g WHERE code LIKE 'r%';
CREATE TEMP TABLE block AS SELECT b, (random() * 4)::integer AS channels, 1 + (random() * 2)::integer AS stages, random() < 0.5 AS has_inner, random() < 0.7 AS has_channels,
	random() < 0.7 AS has_stages, random() < 0.8 AS has_total, 3 + (random() * 25)::integer AS most FROM generate_series(1, 300) AS b;
CREATE TEMP TABLE inner_cell AS
SELECT k.b, c, g, 1 + floor(random() * random() * k.most)::integer AS n
FROM block AS k, generate_series(1, greatest(k.channels, 1)) AS c, generate_series(1, k.stages) AS g
WHERE random() < 0.85;
CREATE TEMP TABLE row_of AS
SELECT b, c, g, n FROM inner_cell JOIN block USING (b) WHERE has_inner
UNION ALL SELECT b, c, 0, sum(n) FROM inner_cell JOIN block USING (b) WHERE has_channels OR NOT has_inner GROUP BY b, c
UNION ALL SELECT b, 0, g, sum(n) FROM inner_cell JOIN block USING (b) WHERE has_stages GROUP BY b, g
UNION ALL SELECT b, 0, 0, sum(n) FROM inner_cell JOIN block USING (b) WHERE has_total GROUP BY b;
INSERT INTO athar.measurement (kpi_id, service_id, channel_id, stage_id, basis, period, summary)
SELECT athar.kpi_id('k'), s.id, nullif(c, 0) + athar.channel_id('c1') - 1, g.id, 'year', daterange('2024-01-01', '2025-01-01'), pg_temp.of(n, 3)
FROM row_of AS r JOIN athar.service AS s ON s.code = 'r' || r.b LEFT JOIN athar.stage AS g ON g.service_id = s.id AND g.ordinal = r.g;

-- What is known of a block: which of its cells are hidden, and that totals are sums. Cells that were never
-- reported between (a total, a channel's) are unknowns as well.
CREATE TEMP TABLE cell AS
SELECT r.b, r.c, r.g, r.n, p.is_suppressed, r.n < athar.smallest_cell() AS is_small
FROM row_of AS r
JOIN athar.public_measurements AS p ON p.service = 'r' || r.b AND p.kpi = 'k' AND coalesce(substr(p.channel, 2)::integer, 0) = r.c AND coalesce(substr(p.stage, 2)::integer, 0) = r.g;
-- each equation: a parent and its parts
CREATE TEMP TABLE equation AS
WITH part AS (
	-- of a channel its stages; of a stage its channels; of all, channels or their stages, and stages
	SELECT b, format('c%s', c) AS name, c AS parent_c, 0 AS parent_g, c, g FROM row_of WHERE c > 0 AND g > 0
	UNION ALL SELECT b, format('g%s', g), 0, g, c, g FROM row_of WHERE c > 0 AND g > 0
	UNION ALL SELECT b, 'all channels', 0, 0, c, g FROM row_of AS r
		WHERE c > 0 AND (g = 0 OR NOT EXISTS (SELECT FROM row_of AS m WHERE m.b = r.b AND m.c = r.c AND m.g = 0))
	UNION ALL SELECT b, 'all stages', 0, 0, c, g FROM row_of WHERE c = 0 AND g > 0)
SELECT b, name, parent_c AS c, parent_g AS g, -1 AS factor FROM part GROUP BY b, name, parent_c, parent_g
UNION ALL SELECT b, name, c, g, 1 FROM part;

-- Cells of a block that the equations decide: Gauss, with the hidden cells as unknowns.
CREATE FUNCTION pg_temp.derivable(block_number integer, naive boolean) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	names text[] := ARRAY(SELECT DISTINCT e.c || '/' || e.g FROM equation AS e LEFT JOIN cell AS k USING (b, c, g) WHERE e.b = block_number AND coalesce(CASE WHEN naive THEN k.is_small ELSE k.is_suppressed END, true) ORDER BY 1);
	lines text[] := ARRAY(SELECT DISTINCT name FROM equation WHERE b = block_number);
	m double precision[][] := array_fill(0::double precision, ARRAY[greatest(cardinality(lines), 1), greatest(cardinality(names), 1)]);
	pivot integer := 1;
	r record;
	swap double precision;
	found_row integer;
	f double precision;
BEGIN
	IF cardinality(names) = 0 THEN RETURN; END IF;
	FOR r IN SELECT array_position(lines, e.name) AS i, array_position(names, e.c || '/' || e.g) AS j, e.factor FROM equation AS e WHERE e.b = block_number LOOP
		IF r.j IS NOT NULL THEN m[r.i][r.j] := r.factor; END IF;
	END LOOP;
	FOR j IN 1 .. cardinality(names) LOOP
		found_row := NULL;
		FOR i IN pivot .. cardinality(lines) LOOP
			IF abs(m[i][j]) > 1e-9 THEN found_row := i; EXIT; END IF;
		END LOOP;
		CONTINUE WHEN found_row IS NULL;
		FOR l IN 1 .. cardinality(names) LOOP
			swap := m[pivot][l]; m[pivot][l] := m[found_row][l]; m[found_row][l] := swap;
		END LOOP;
		f := m[pivot][j];
		FOR l IN 1 .. cardinality(names) LOOP m[pivot][l] := m[pivot][l] / f; END LOOP;
		FOR i IN 1 .. cardinality(lines) LOOP
			CONTINUE WHEN i = pivot OR abs(m[i][j]) < 1e-9;
			f := m[i][j];
			FOR l IN 1 .. cardinality(names) LOOP m[i][l] := m[i][l] - f * m[pivot][l]; END LOOP;
		END LOOP;
		pivot := pivot + 1;
	END LOOP;
	FOR i IN 1 .. cardinality(lines) LOOP
		IF (SELECT count(*) FROM generate_series(1, cardinality(names)) AS l WHERE abs(m[i][l]) > 1e-9) = 1 THEN
			RETURN NEXT (SELECT names[l] FROM generate_series(1, cardinality(names)) AS l WHERE abs(m[i][l]) > 1e-9);
		END IF;
	END LOOP;
END
$$;
SELECT cmp_ok((SELECT count(*) FROM cell WHERE is_small), '>', 500::bigint, 'there is something to hide');
SELECT cmp_ok((SELECT count(*) FROM cell WHERE NOT is_suppressed), '>', 500::bigint, 'and something to show');
SELECT is_empty('SELECT FROM cell WHERE is_small AND NOT is_suppressed', 'no small cell is shown');
SELECT is_empty('SELECT b FROM cell GROUP BY b HAVING NOT bool_or(is_small) AND bool_or(is_suppressed)', 'where none is small nothing is hidden');
CREATE TEMP TABLE derived AS
SELECT k.b, d.name, t.is_small FROM block AS k CROSS JOIN LATERAL pg_temp.derivable(k.b, false) AS d (name) JOIN cell AS t ON t.b = k.b AND t.c || '/' || t.g = d.name AND t.is_suppressed;
SELECT is_empty('SELECT b, name FROM derived WHERE is_small', 'no small cell follows from what is shown');
-- a stage's total over all channels is withheld with anything else of its block, also where its parts are shown
SELECT is_empty($$SELECT b, name FROM derived WHERE name NOT LIKE '0/%'$$, 'nor does any other that hides one');
SELECT cmp_ok((SELECT count(*) FROM block AS k CROSS JOIN LATERAL pg_temp.derivable(k.b, true) AS d (name) JOIN cell AS t ON t.b = k.b AND t.c || '/' || t.g = d.name AND t.is_small),
	'>', 50::bigint, 'many would, were the small ones alone hidden');
SELECT is_empty($$SELECT e.b, e.name FROM equation AS e JOIN cell AS t USING (b, c, g) JOIN cell AS p ON p.b = e.b AND NOT p.is_suppressed
	JOIN equation AS q ON q.b = e.b AND q.name = e.name AND q.factor = -1 AND q.c = p.c AND q.g = p.g
	WHERE e.factor = 1 AND t.is_suppressed GROUP BY e.b, e.name HAVING sum(t.n) < athar.smallest_cell()$$,
	'what is hidden below a shown total is not few together');

-- A goal's progress and its target are its figure: what is hidden there is not told here.
SELECT athar.create_cycle('2030', '2030', '[2030-01-01,2031-01-01)'), athar.define_kpi('aim', 'Aim', 'days', 'down'), athar.define_kpi('whole', 'Whole', 'days', 'down');
SELECT athar.create_cycle('run', 'Running', daterange(current_date - 300, current_date + 100));
SELECT athar.report_measurement('aim', daterange(current_date - 90, current_date - 10), pg_temp.of(f.n, f.mean), f.service, f.channel)
FROM (VALUES ('s', NULL, 30, 5), ('w', NULL, 30, 5), ('w', 'c1', 2, 5), ('w', 'c2', 28, 5)) AS f (service, channel, n, mean);
SELECT athar.report_measurement('whole', daterange(current_date - 90, current_date - 10), pg_temp.of(30, 5));
SELECT athar.create_goal('top', 'Top', 'policy', rationale => 'why');
SELECT athar.create_goal('mid', 'Middle', 'objective', 'run', 'top', rationale => 'why'), athar.create_goal('own', 'By itself', 'objective', 'run', 'top', target => 'milestone', rationale => 'why');
SELECT athar.create_goal(g, g, 'key_result', 'run', p, kpi => k, service => s, channel => c, target => 'from 10 to 0', weight => w)
FROM (VALUES ('many', 'top', 'aim', 's', NULL, 1), ('of-channels', 'mid', 'aim', 'w', NULL, 1), ('beside', 'own', 'aim', 'w', 'c2', 1), ('shown-only', 'own', 'aim', 'w', NULL, 0),
	('all', NULL, 'whole', NULL, NULL, 1), ('nothing', NULL, 'aim', 's', 'c4', 1)) AS v (g, p, k, s, c, w);
SELECT athar.create_goal('typed', 'Typed', 'key_result', 'run', 'mid', target => 'from 10 to 0');
SELECT athar.check_in('typed', 5), athar.check_in('own', 0.5);
SELECT athar.publish_goal(code) FROM athar.goal;
SELECT athar.roll_up_goals();
CREATE VIEW pg_temp.told AS SELECT goal, progress, coverage, status, is_suppressed FROM athar.public_goals;
SELECT set_eq('TABLE told', $$VALUES ('top', NULL::double precision, 1::double precision, NULL, true), ('mid', NULL, 1, NULL, true), ('own', 0.5, 1, 'caution', false), ('many', 0.5, 1, 'caution', false), ('of-channels', NULL, 1, NULL, true),
	('beside', NULL, 1, NULL, true), ('shown-only', NULL, 1, NULL, true), ('all', 0.5, 1, 'caution', false), ('nothing', NULL, 0, 'no_data', false), ('typed', 0.5, 1, 'caution', false)$$,
	'hidden where a figure of the KPI and service is, and above; not above a target of its own');
SELECT athar.revise_goal('of-channels', weight => 0, reason => 'not counted');
SELECT results_eq($$SELECT goal, progress IS NULL FROM told WHERE goal IN ('mid', 'top') ORDER BY goal$$, $$VALUES ('mid', false), ('top', false)$$, 'what is not counted gives nothing away');
SELECT athar.revise_goal('of-channels', weight => 1, reason => 'counted');
-- whether it is met is told
SELECT athar.revise_goal('of-channels', 'from 10 to 5', reason => 'easier');
SELECT athar.roll_up_goals();
SELECT results_eq($$SELECT progress, status, is_suppressed FROM told WHERE goal = 'of-channels'$$, $$VALUES (NULL::double precision, 'achieved', true)$$, 'met, and not by how much');
-- the whole less all services but one
SELECT athar.define_service('x' || i, 'Service ' || i, 'u') FROM generate_series(1, 5) AS i;
SELECT athar.report_measurement('whole', daterange(current_date - 90, current_date - 10), pg_temp.of(2, 5), 'x1');
SELECT is(is_suppressed, true, 'one hidden service would be the rest of the whole') FROM told WHERE goal = 'all';
SELECT athar.report_measurement('whole', daterange(current_date - 90, current_date - 10), pg_temp.of(2, 5), 'x' || i) FROM generate_series(2, 5) AS i;
SELECT is(is_suppressed, false, 'five are not few') FROM told WHERE goal = 'all';
SELECT athar.report_measurement('whole', daterange(current_date - 90, current_date - 10), pg_temp.of(4, 5));
SELECT is(is_suppressed, true, 'a whole of four is') FROM told WHERE goal = 'all';
-- a grade, too
SELECT athar.close_cycle('run');
SELECT results_eq($$SELECT progress, status, is_suppressed FROM told WHERE goal = 'beside'$$, $$VALUES (NULL::double precision, 'missed', true)$$, 'the grade says whether, not how far');
SELECT results_eq($$SELECT progress, is_suppressed FROM told WHERE goal = 'many'$$, $$VALUES (0.5::double precision, false)$$, 'and all where nobody is few');
CREATE ROLE athar_goal_reader;
GRANT USAGE ON SCHEMA athar TO athar_goal_reader;
GRANT SELECT ON athar.public_goals, pg_temp.told TO athar_goal_reader;
SET LOCAL ROLE athar_goal_reader;
SELECT is(count(*) FILTER (WHERE is_suppressed), 6::bigint, 'for a stranger the same') FROM athar.public_goals;
SELECT throws_ok('SELECT FROM athar.public_series', '42501', NULL, 'who reads nothing else');
RESET ROLE;

-- Who sees it, who sets it.
CREATE ROLE athar_public;
GRANT USAGE ON SCHEMA athar TO athar_public;
GRANT SELECT ON athar.public_measurements TO athar_public;
CREATE TEMP TABLE public_count AS SELECT count(*) AS n FROM athar.public_measurements;
GRANT SELECT ON public_count TO athar_public;
SET LOCAL ROLE athar_public;
SELECT results_eq('SELECT count(*) FROM athar.public_measurements', 'SELECT n FROM public_count', 'SELECT on the view is enough');
SELECT throws_ok('SET LOCAL athar.smallest_cell = 1', '42501', 'permission denied to set parameter "athar.smallest_cell"', 'what is hidden is not for the reader to choose');
RESET ROLE;
SELECT athar.grant_access('athar_public', 'read', 'v');
SET LOCAL ROLE athar_public;
SELECT is((SELECT count(*) FROM athar.public_measurements), 0::bigint, 'a role limited to a unit sees that unit''s services');
RESET ROLE;
SET LOCAL athar.smallest_cell = 1;
SELECT is((SELECT count(*) FROM athar.public_measurements WHERE is_suppressed), 0::bigint, 'at 1 nothing is hidden');

SELECT * FROM finish();
ROLLBACK;
