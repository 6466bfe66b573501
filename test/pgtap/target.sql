BEGIN;
SELECT plan(113);

-- Progress from a start: the golden key results, both directions, beyond both ends.
SELECT is(athar.progress('from 0.70 to 0.90', 0.90), 1::double precision, 'satisfaction 0.70 to 0.90 now 0.90');
SELECT is(athar.progress('from 48 to 24', 24), 1::double precision, '48 h to 24 h now 24');
SELECT is(athar.progress('from 0.80 to 0.95', 0.95), 1::double precision, 'on time 0.80 to 0.95 now 0.95');
SELECT is(athar.progress('-50%', 24, 48), 1::double precision, 'half of 48 is 24');
SELECT is(athar.progress('from 0 to 100', 20), 0.2::double precision, '0 to 100 now 20');
SELECT is(athar.progress('from 100 to 20', 60), 0.5::double precision, '100 to 20 now 60');
SELECT is(athar.progress('from 0 to 100', 150), 1.5::double precision, 'not clamped above');
SELECT is(athar.progress('from 20 to 100', -20), -0.5::double precision, 'not clamped below');
SELECT is(athar.progress('from 40 to 90', 65, 0), 0.5::double precision, 'its own start, not the baseline');
SELECT is(athar.progress('from 0 to 30', 31), 31 / 30::double precision, 'published: 31 laboratories of 30');

-- Figures off in their last places meet the bound; others do not.
SELECT is(athar.progress('from 0 to 0.3', 0.1::double precision + 0.2::double precision), 1::double precision, 'a little above the goal is the goal');
SELECT is(athar.progress('from 0 to 0.9', 0.8999999999999999), 1::double precision, 'a little below the goal is the goal');
SELECT ok(athar.is_met('at least 0.9', 0.8999999999999999), 'at least 0.9: the last place is forgiven');
SELECT ok(athar.is_met('at most 0.3', 0.1::double precision + 0.2::double precision), 'at most 0.3: the last place is forgiven');
SELECT ok(NOT athar.is_met('at least 0.9', 0.899999), 'at least 0.9: 0.899999 is not forgiven');
SELECT ok(NOT athar.is_met('at most 0', 1e-15), 'a bound at 0 forgives nothing');
SELECT ok(athar.is_met('+10%', 0.11, 0.1), '10 % above 0.1 is 0.11');

-- Relative targets.
SELECT is(athar.progress('+20%', 110, 100), 0.5::double precision, '+20% of 100 now 110');
SELECT is(athar.progress('-20%', 90, 100), 0.5::double precision, '-20% of 100 now 90');
SELECT is(athar.progress('-20%', -11, -10), 0.5::double precision, 'a fall is a fall below 0, too');
SELECT is(athar.progress('+20%', 110), NULL, 'no baseline: unknown');
SELECT is(athar.progress('+20%', 110, 0), NULL, 'a baseline of 0: unknown');
SELECT is(athar.is_met('+20%', 110), NULL, 'no baseline: unknown whether met');
SELECT is(athar.is_met('+20%', 110, 0), NULL, 'a baseline of 0: unknown whether met');
SELECT is(athar.progress('+20%', 1, 5e-324), NULL, 'a baseline too small to change: unknown');
SELECT ok(athar.is_met('+20%', 120, 100), '+20% of 100 is met by 120');
SELECT ok(NOT athar.is_met('+20%', 119.9, 100), '+20% of 100 is not met by 119.9');
SELECT ok(athar.is_met('-50%', 20, 48), '-50% of 48 is met by 20');
SELECT is(athar.goal_of('+20%', 100), 120::double precision, 'goal of +20% of 100');
SELECT is(athar.goal_of('-50%', 48), 24::double precision, 'goal of -50% of 48');
SELECT is(athar.goal_of('+20%'), NULL, 'goal of +20% of nothing known');
SELECT is(athar.goal_of('+20%', 0), NULL, 'goal of +20% of 0');
SELECT is(athar.start_of('+20%', 100), 100::double precision, 'start of +20% of 100');

-- Bounds with a baseline: the way to the bound.
SELECT is(athar.progress('at least 95', 90, 85), 0.5::double precision, 'at least 95 from 85 now 90');
SELECT is(athar.progress('at least 95', 105, 85), 2::double precision, 'at least 95 from 85 now 105: beyond');
SELECT is(athar.progress('at most 24', 36, 48), 0.5::double precision, 'at most 24 from 48 now 36');
SELECT is(athar.progress('at most 24', 60, 48), -0.5::double precision, 'at most 24 from 48 now 60: worse');
SELECT is(athar.progress('between 4 and 5', 3.5, 3), 0.5::double precision, 'between 4 and 5 from 3 now 3.5');
SELECT is(athar.progress('between 4 and 5', 4.7, 3), 1::double precision, 'between 4 and 5 from 3 now 4.7');
SELECT is(athar.progress('between 4 and 5', 5.5, 3), 0.5::double precision, 'between 4 and 5 from 3 now 5.5: too far');
SELECT is(athar.progress('between 4 and 5', 6, 7), 0.5::double precision, 'between 4 and 5 from 7 now 6');
SELECT is(athar.progress('between 4 and 5', 3, 7), 0.5::double precision, 'between 4 and 5 from 7 now 3: too far');

-- Bounds without one, or with one that meets them already: met, or the share of the bound.
SELECT is(athar.progress('at least 95', 97), 1::double precision, 'at least 95 now 97');
SELECT is(athar.progress('at least 95', 95), 1::double precision, 'at least 95 now 95');
SELECT is(athar.progress('at least 100', 80), 0.8::double precision, 'at least 100 now 80');
SELECT is(athar.progress('at least 100', 80, 120), 0.8::double precision, 'at least 100 from 120 now 80');
SELECT is(athar.progress('at least 100', -5), 0::double precision, 'at least 100 now -5');
SELECT is(athar.progress('at least -10', -20), 0::double precision, 'at least -10 now -20');
SELECT is(athar.progress('at least 0', -1), 0::double precision, 'at least 0 now -1');
SELECT is(athar.progress('at most 24', 20), 1::double precision, 'at most 24 now 20');
SELECT is(athar.progress('at most 24', 48), 0.5::double precision, 'at most 24 now 48');
SELECT is(athar.progress('at most 24', 48, 20), 0.5::double precision, 'at most 24 from 20 now 48');
SELECT is(athar.progress('at most 0', 3), 0::double precision, 'at most 0 now 3');
SELECT is(athar.progress('between 4 and 5', 2), 0.5::double precision, 'between 4 and 5 now 2');
SELECT is(athar.progress('between 4 and 5', 10), 0.5::double precision, 'between 4 and 5 now 10');
SELECT is(athar.progress('between 5 and 5', 5), 1::double precision, 'exactly 5 now 5');
SELECT is((SELECT bool_and(p >= before) FROM (
	SELECT athar.progress('at least 7', v) AS p, lag(athar.progress('at least 7', v)) OVER (ORDER BY v) AS before FROM generate_series(-20, 20) v) s),
	true, 'more is never less: at least');
SELECT is((SELECT bool_and(p <= before) FROM (
	SELECT athar.progress('at most 7', v) AS p, lag(athar.progress('at most 7', v)) OVER (ORDER BY v) AS before FROM generate_series(-20, 20) v) s),
	true, 'more is never better: at most');

-- Milestones.
SELECT is(athar.progress('milestone', 0.4), 0.4::double precision, '2 of 5 steps');
SELECT ok(NOT athar.is_met('milestone', 0.99), 'nearly done is not done');
SELECT ok(athar.is_met('milestone', 1), 'done is done');
SELECT is(athar.start_of('milestone'), 0::double precision, 'a milestone starts at 0');
SELECT is(athar.goal_of('milestone'), 1::double precision, 'and ends at 1');

-- Bounds count as met.
SELECT is(athar.is_met('from 40 to 90', 90), true, 'from 40 to 90 is met by 90');
SELECT is(athar.is_met('from 40 to 90', 89.9), false, 'not by 89.9');
SELECT is(athar.is_met('from 100 to 20', 19), true, 'from 100 to 20 is met by 19');
SELECT is(athar.is_met('between 4 and 5', 4), true, 'between: the lower bound is in');
SELECT is(athar.is_met('between 4 and 5', 5), true, 'between: the upper bound is in');
SELECT is(athar.is_met('between 4 and 5', 5.1), false, 'between: above is out');

-- Unmeasured is unknown, never 0.
SELECT is(athar.progress('from 0 to 1', NULL), NULL, 'progress without a figure');
SELECT is(athar.is_met('from 0 to 1', NULL), NULL, 'is_met without a figure');
SELECT is(athar.progress(NULL, 1), NULL, 'progress without a target');
SELECT is(athar.is_met(NULL, 1), NULL, 'is_met without a target');
SELECT is(athar.kind_of(NULL), NULL, 'kind_of without a target');
SELECT is(athar.goal_of(NULL), NULL, 'goal_of without a target');

-- Readers.
SELECT results_eq($$SELECT athar.kind_of(t), athar.start_of(t, 3), athar.goal_of(t, 3)
	FROM unnest(ARRAY['from 40 to 90', 'at least 95', 'at most 2', 'between 4 and 5', 'between 1 and 2', 'between 2 and 4']::athar.target[]) WITH ORDINALITY u(t, n) ORDER BY n$$,
	$$VALUES ('from_to', 40::double precision, 90::double precision), ('at_least', 3, 95), ('at_most', 3, 2), ('between', 3, 4), ('between', 3, 2), ('between', 3, NULL)$$,
	'kind, start and goal');
SELECT is(athar.start_of('at least 95'), NULL, 'no start without a baseline');
SELECT is(athar.goal_of('between 4 and 5'), NULL, 'two bounds and no baseline: no single goal');

-- Figures at the ends of double precision stay finite.
SELECT is(athar.progress('from -1.7e308 to 1.7e308', 0), 0.5::double precision, 'a way wider than a double');
SELECT ok(athar.progress('from 1e308 to 2', 90) < 1, 'rounding completes nothing that is not met');
SELECT ok(athar.progress('from 0 to 1e-300', 1e300) < 'Infinity', 'a quotient too large stays finite');

-- Which figures meet a target.
SELECT results_eq($$SELECT t, athar.lowest_of(t::athar.target, 50), athar.highest_of(t::athar.target, 50)
	FROM unnest('{from 40 to 90,from 90 to 40,at least 95,at most 24,between 4 and 5,milestone,+20%,-20%}'::text[]) WITH ORDINALITY AS u (t, n) ORDER BY n$$,
	$$VALUES ('from 40 to 90', 90::double precision, 'Infinity'::double precision), ('from 90 to 40', '-Infinity', 40), ('at least 95', 95, 'Infinity'), ('at most 24', '-Infinity', 24),
		('between 4 and 5', 4, 5), ('milestone', 1, 'Infinity'), ('+20%', 60, 'Infinity'), ('-20%', '-Infinity', 40)$$, 'from the lowest to the highest');
SELECT is(num_nonnulls(athar.lowest_of('+20%'), athar.highest_of('-20%', 0), athar.lowest_of(NULL, 1), athar.highest_of(NULL)), 0, 'unknown where nothing is known to start from');
SELECT throws_ok($$SELECT athar.highest_of('+20%', 'Infinity')$$, '22003', 'baseline is not a finite number', 'an infinite baseline');

-- Two targets that no figure can meet both.
SELECT results_eq(
	$$SELECT a, b, athar.are_opposed(a::athar.target, b::athar.target, 50, 50), athar.are_opposed(b::athar.target, a::athar.target, 50, 50)
	FROM (VALUES (1, 'from 40 to 90', 'from 90 to 40'), (2, 'at least 95', 'at most 24'), (3, 'at least 95', 'at most 95'), (4, 'from 0 to 50', 'at most 60'),
		(5, 'between 1 and 2', 'between 2 and 3'), (6, 'between 1 and 2', 'at least 2.1'), (7, '+20%', '-20%'), (8, '+20%', 'at most 60'), (9, '+20%', 'at most 59'),
		(10, 'milestone', 'at most 0.5'), (11, 'at least 0.9', 'at most 0.8999999999999999'), (12, '+10%', '+90%')) AS v (n, a, b) ORDER BY n$$,
	$$VALUES ('from 40 to 90', 'from 90 to 40', true, true), ('at least 95', 'at most 24', true, true), ('at least 95', 'at most 95', false, false), ('from 0 to 50', 'at most 60', false, false),
		('between 1 and 2', 'between 2 and 3', false, false), ('between 1 and 2', 'at least 2.1', true, true), ('+20%', '-20%', true, true), ('+20%', 'at most 60', false, false), ('+20%', 'at most 59', true, true),
		('milestone', 'at most 0.5', true, true), ('at least 0.9', 'at most 0.8999999999999999', false, false), ('+10%', '+90%', false, false)$$,
	'bounds, ways, milestones and changes, either way round');
SELECT ok(athar.are_opposed('+20%', '-5%') AND athar.are_opposed('+20%', '-5%', 0, 0) AND NOT athar.are_opposed('+20%', '+5%'), 'up and down are opposed from wherever they start');
SELECT is(athar.are_opposed('+20%', '-5%', 100, 200), false, 'unless it is known: 190 is 20 % more than 100 and 5 % less than 200');
SELECT is(athar.are_opposed('+20%', 'at most 24'), NULL, 'a change and a level: unknown without a baseline');
SELECT is(athar.are_opposed('at least 5', NULL), NULL, 'no target, no answer');
SELECT is(athar.are_opposed('at least 1.7e308', 'at most -1.7e308'), true, 'as far apart as doubles go');
SELECT throws_ok($$SELECT athar.are_opposed('+20%', 'at most 24', 'NaN')$$, '22003', 'baseline is not a finite number', 'a baseline of NaN');

-- Refused figures.
SELECT throws_ok($$SELECT athar.progress('from 0 to 1', 'NaN')$$, '22003', 'current figure is not a finite number', 'NaN');
SELECT throws_ok($$SELECT athar.progress('from 0 to 1', 'Infinity')$$, '22003', 'current figure is not a finite number', 'infinity');
SELECT throws_ok($$SELECT athar.progress('+20%', 1, 'NaN')$$, '22003', 'baseline is not a finite number', 'a baseline of NaN');
SELECT throws_ok($$SELECT athar.is_met('at least 1', '-Infinity')$$, '22003', 'figure is not a finite number', 'is_met of infinity');

-- Refused literals: their codes (their texts are in the regression test).
SELECT throws_ok($$SELECT 'ninety'::athar.target$$, '22023', 'invalid target "ninety"', 'not a target');
SELECT throws_ok($$SELECT 'from 40 to 40'::athar.target$$, '22023', 'target "from 40 to 40" is equal to its start', 'equal to its start');
SELECT throws_ok($$SELECT 'between 5 and 4'::athar.target$$, '22023', 'bounds of target "between 5 and 4" are the wrong way round', 'bounds reversed');
SELECT throws_ok($$SELECT 'at least NaN'::athar.target$$, '22003', 'target "at least NaN" is not a finite number', 'NaN in a target');
SELECT throws_ok($$SELECT 'at least 1e400'::athar.target$$, '22003', 'target "at least 1e400" is out of range', 'out of range');

-- Binary form: out and in again, and nothing malformed.
CREATE TEMPORARY TABLE incoming (t athar.target);
CREATE FUNCTION pg_temp.receive(hex text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	file text := format('/tmp/athar_target_%s', pg_backend_pid());
	field text := lpad(to_hex(length(hex) / 2), 8, '0') || hex;
	content oid := lo_from_bytea(0, decode('5047434f50590aff0d0a00' || '0000000000000000' || '0001' || field || 'ffff', 'hex'));
BEGIN
	TRUNCATE incoming;
	PERFORM lo_export(content, file);
	EXECUTE format('COPY incoming FROM PROGRAM %L (FORMAT binary)', format('cat %1$s; rm %1$s', file));
	RETURN t FROM incoming;
END $$;
SELECT is((SELECT bool_and(pg_temp.receive(encode(athar.target_send(t), 'hex')) = t::text) FROM unnest(ARRAY[
	'from 40 to 90', 'at least 95', 'at most 24', 'between 4.5 and 5', 'milestone', '+20%', '-50%']::athar.target[]) t),
	true, 'every kind survives its binary form');
SELECT is(pg_temp.receive('0103' || '8000000000000000'), 'at most 0', '-0 becomes 0');
SELECT throws_ok($$SELECT pg_temp.receive('0205')$$, '22P03', 'invalid target in binary form: version 2, kind 5', 'another version');
SELECT throws_ok($$SELECT pg_temp.receive('0100')$$, '22P03', 'invalid target in binary form: version 1, kind 0', 'no kind 0');
SELECT throws_ok($$SELECT pg_temp.receive('0107')$$, '22P03', 'invalid target in binary form: version 1, kind 7', 'no kind 7');
SELECT throws_ok($$SELECT pg_temp.receive('0102' || '7ff8000000000000')$$, '22P03', 'invalid target in binary form: its figures contradict its kind', 'at least NaN');
SELECT throws_ok($$SELECT pg_temp.receive('0103' || '7ff0000000000000')$$, '22P03', 'invalid target in binary form: its figures contradict its kind', 'at most infinity');
SELECT throws_ok($$SELECT pg_temp.receive('0106' || '8000000000000000')$$, '22P03', 'invalid target in binary form: its figures contradict its kind', '-0%');
SELECT throws_ok($$SELECT pg_temp.receive('0101' || '4044000000000000' || '4044000000000000')$$, '22P03', 'invalid target in binary form: its figures contradict its kind', 'from 40 to 40');
SELECT throws_ok($$SELECT pg_temp.receive('0104' || '4056800000000000' || '4044000000000000')$$, '22P03', 'invalid target in binary form: its figures contradict its kind', 'between 90 and 40');
SELECT throws_ok($$SELECT pg_temp.receive('0101' || '4044000000000000')$$, '08P01', NULL, 'a figure missing');
SELECT throws_ok($$SELECT pg_temp.receive('0105' || '00')$$, '22P03', NULL, 'a byte too many');
SELECT throws_ok($$SELECT pg_temp.receive('')$$, '08P01', NULL, 'nothing at all');

SELECT * FROM finish();
ROLLBACK;
