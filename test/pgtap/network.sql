-- network: earliest and latest days by hand, loops named, no path counted twice
BEGIN;
SELECT plan(31);

SELECT athar.define_unit('u', 'Unit');
CREATE FUNCTION pg_temp.item(id text, starts_on text, due_on text, depends_on text DEFAULT '{}', parent text DEFAULT NULL, status text DEFAULT 'planned') RETURNS jsonb LANGUAGE SQL AS
$$SELECT jsonb_build_object('id', id, 'title', 'Item ' || id, 'starts_on', starts_on, 'due_on', due_on, 'depends_on', depends_on::text[], 'parent', parent, 'status', status)$$;
CREATE FUNCTION pg_temp.plan_of(VARIADIC items jsonb[]) RETURNS jsonb LANGUAGE SQL AS $$SELECT jsonb_build_object('title', 'Plan', 'items', to_jsonb(items))$$;
-- the loop of a schedule, where there is one
CREATE FUNCTION pg_temp.loops(VARIADIC items jsonb[]) RETURNS text LANGUAGE SQL AS $$
SELECT athar.create_project('loop', 'Loop', 'u', jsonb_build_object('title', 'Loop', 'items', to_jsonb(items)), 'test') WHERE NOT EXISTS (SELECT FROM athar.project WHERE code = 'loop');
SELECT athar.save_plan('loop', jsonb_build_object('title', 'Loop', 'items', to_jsonb(items)), (SELECT head_version FROM athar.project WHERE code = 'loop'), 'test');
SELECT string_agg(item_id || ' ' || coalesce(loop, earliest_start::text, '-'), ', ') FROM athar.plan_schedule('loop')$$;

-- By hand. A 1 to 10 January; B waits for A, 5 days, planned on the 6th: 11 to 15; C waits for A, 20 days: 11 to 30;
-- D waits for B and C, 2 days: 31 January and 1 February; E 3 days on its own in the middle; F has one day; G none, between E and H.
SELECT athar.create_project('p', 'P', 'u', pg_temp.plan_of(
	pg_temp.item('A', '2026-01-01', '2026-01-10'), pg_temp.item('B', '2026-01-06', '2026-01-10', '{A}'), pg_temp.item('C', '2026-01-11', '2026-01-30', '{A}'),
	pg_temp.item('D', '2026-01-12', '2026-01-13', '{B,C}'), pg_temp.item('E', '2026-01-15', '2026-01-17'), pg_temp.item('F', NULL, '2026-01-20', '{E}'),
	pg_temp.item('G', NULL, NULL, '{E}'), pg_temp.item('H', '2026-01-01', '2026-01-02', '{G}'), pg_temp.item('X', '2020-01-01', '2030-01-01', '{A}', status => 'cancelled'),
	pg_temp.item('I', '2026-01-31', '2026-02-01', '{X}')), 'start');
CREATE TEMP TABLE golden (item_id text, duration integer, es date, ef date, ls date, lf date, slack integer, is_critical boolean);
INSERT INTO golden VALUES
	('A', 10, '2026-01-01', '2026-01-10', '2026-01-01', '2026-01-10', 0, true),
	('B', 5, '2026-01-11', '2026-01-15', '2026-01-26', '2026-01-30', 15, false),
	('C', 20, '2026-01-11', '2026-01-30', '2026-01-11', '2026-01-30', 0, true),
	('D', 2, '2026-01-31', '2026-02-01', '2026-01-31', '2026-02-01', 0, true),
	('E', 3, '2026-01-15', '2026-01-17', '2026-01-28', '2026-01-30', 13, false),
	('F', 1, '2026-01-20', '2026-01-20', '2026-02-01', '2026-02-01', 12, false),
	('G', NULL, NULL, NULL, NULL, NULL, NULL, NULL),
	('H', 2, '2026-01-18', '2026-01-19', '2026-01-31', '2026-02-01', 13, false),
	('I', 2, '2026-01-31', '2026-02-01', '2026-01-31', '2026-02-01', 0, true);
SELECT results_eq($$SELECT item_id, duration, earliest_start, earliest_finish, latest_start, latest_finish, slack, is_critical FROM athar.plan_schedule('p')$$,
	'SELECT * FROM golden', 'as by hand: what has no days passes on what it waits for, what was cancelled holds up nobody');
SELECT is_empty($$SELECT FROM athar.plan_schedule('p') WHERE loop IS NOT NULL OR moved_by IS NOT NULL$$, 'no loop, no delay');

-- A delay.
SELECT results_eq($$SELECT item_id, earliest_finish, moved_by FROM athar.plan_schedule('p', delayed => 'B', days => 20) WHERE moved_by <> 0$$,
	$$VALUES ('B', '2026-02-04'::date, 20), ('D', '2026-02-06', 5)$$, 'a delay of B by 20 days eats its slack of 15 and moves D by 5');
SELECT results_eq($$SELECT item_id, slack FROM athar.plan_schedule('p', delayed => 'B', days => 20) WHERE is_critical OR item_id = 'C'$$,
	$$VALUES ('A', 0), ('B', 0), ('C', 5), ('D', 0)$$, 'the critical path is then another');
SELECT results_eq($$SELECT item_id, moved_by FROM athar.plan_schedule('p', delayed => 'A', days => 3) WHERE moved_by <> 0$$, $$VALUES ('A', 3), ('B', 3), ('C', 3), ('D', 3)$$, 'a delay on the critical path moves the end');
SELECT is((SELECT sum(moved_by) FROM athar.plan_schedule('p', delayed => 'A')), 0::bigint, 'none moves nothing');
SELECT results_eq($$SELECT item_id, moved_by FROM athar.plan_schedule('p', delayed => 'G', days => 2) WHERE moved_by <> 0$$, $$VALUES ('H', 2)$$, 'what has no days can be late');
SELECT throws_ok($$SELECT * FROM athar.plan_schedule('p', delayed => 'Z', days => 1)$$, '42704', 'item "Z" is not in the schedule', 'an item that is not there');
SELECT throws_ok($$SELECT * FROM athar.plan_schedule('p', delayed => 'X', days => 1)$$, '42704', NULL, 'or was cancelled');
SELECT throws_ok($$SELECT * FROM athar.plan_schedule('p', delayed => 'A', days => -1)$$, '22023', 'a delay of -1 days cannot be followed', 'a delay is not negative');
SELECT throws_ok($$SELECT * FROM athar.plan_schedule('p', delayed => 'A', days => NULL)$$, '22023', NULL, 'nor unknown');

-- Versions.
SELECT status FROM athar.save_plan('p', pg_temp.plan_of(pg_temp.item('A', '2026-01-01', '2026-01-10')), 1, 'less');
SELECT is((SELECT count(*) FROM athar.plan_schedule('p')), 1::bigint, 'the newest version');
SELECT results_eq($$SELECT item_id, duration, earliest_start, earliest_finish, latest_start, latest_finish, slack, is_critical FROM athar.plan_schedule('p', 1)$$, 'SELECT * FROM golden', 'or an older one');
SELECT throws_ok($$SELECT * FROM athar.plan_schedule('p', 3)$$, '22023', NULL, 'but none that is not there');
SELECT throws_ok($$SELECT * FROM athar.plan_schedule('nothing')$$, '42704', NULL, 'nor of a project that is not');
SELECT is_empty($$SELECT * FROM athar.plan_schedule(NULL)$$, 'nothing of none');
SELECT athar.create_project('empty', 'E', 'u', '{"title": "E"}', 'start');
SELECT is_empty($$SELECT * FROM athar.plan_schedule('empty')$$, 'nothing of nothing');

-- What holds others: G from its first part to its last; B waits for all of it, its parts for what it waits for.
SELECT athar.create_project('g', 'G', 'u', pg_temp.plan_of(
	pg_temp.item('A', '2026-01-01', '2026-01-05'), pg_temp.item('G', NULL, '2026-01-31', '{A}'), pg_temp.item('G1', '2026-01-01', '2026-01-02', parent => 'G'),
	pg_temp.item('G2', '2026-01-10', '2026-01-12', parent => 'G'), pg_temp.item('B', '2026-01-01', '2026-01-01', '{G}')), 'start');
SELECT results_eq($$SELECT item_id, duration, earliest_start, earliest_finish, latest_start, latest_finish, slack, is_critical FROM athar.plan_schedule('g')$$, $$VALUES
	('A', 5, '2026-01-01'::date, '2026-01-05'::date, '2026-01-05'::date, '2026-01-09'::date, 4, false),
	('G', 7, '2026-01-06', '2026-01-12', '2026-01-10', '2026-01-12', 0, true),
	('G1', 2, '2026-01-06', '2026-01-07', '2026-01-11', '2026-01-12', 5, false),
	('G2', 3, '2026-01-10', '2026-01-12', '2026-01-10', '2026-01-12', 0, true),
	('B', 1, '2026-01-13', '2026-01-13', '2026-01-13', '2026-01-13', 0, true)$$, 'a group lasts from its first part to its last');
SELECT results_eq($$SELECT item_id, moved_by FROM athar.plan_schedule('g', delayed => 'G', days => 4) WHERE moved_by <> 0$$, $$VALUES ('G', 4), ('B', 4)$$, 'a group can be late as a whole');

-- Loops.
SELECT is(pg_temp.loops(pg_temp.item('A1', '2026-01-01', '2026-01-02', '{A3}'), pg_temp.item('A2', '2026-01-01', '2026-01-02'), pg_temp.item('A3', NULL, NULL, '{A4}'), pg_temp.item('A4', NULL, NULL, '{A1,A2}'), pg_temp.item('A5', '2026-01-01', '2026-01-02', '{A4}')),
	'A1 A1 > A3 > A4 > A1, A2 2026-01-01, A3 A1 > A3 > A4 > A1, A4 A1 > A3 > A4 > A1, A5 -', 'a loop is named, what waits for it has no days, the rest has');
SELECT is(pg_temp.loops(pg_temp.item('A', '2026-01-01', '2026-01-02', '{B}'), pg_temp.item('B', '2026-01-01', '2026-01-02', '{A}'), pg_temp.item('C', '2026-01-01', '2026-01-02', '{D,B}'), pg_temp.item('D', '2026-01-01', '2026-01-02', '{C}')),
	'A A > B > A, B A > B > A, C C > D > C, D C > D > C', 'two loops, one behind the other');
SELECT is(pg_temp.loops(pg_temp.item('G', NULL, NULL), pg_temp.item('P', '2026-01-01', '2026-01-02', '{G}', 'G')), 'G G > P > G, P G > P > G', 'a part that waits for the whole');

-- Sizes: 2,000 items, each waiting for the 100 before it; a chain of 2,000; a loop of 2,000. No path is counted twice.
SELECT athar.create_project('dense', 'Dense', 'u', jsonb_build_object('title', 'Dense', 'items', (SELECT jsonb_agg(jsonb_build_object('id', 'I' || n, 'title', 'T', 'starts_on', '2026-01-01', 'due_on', '2026-01-01',
	'depends_on', (SELECT coalesce(jsonb_agg('I' || m), '[]') FROM generate_series(greatest(n - 100, 1), n - 1) AS m)) ORDER BY n) FROM generate_series(1, 2000) AS n)), 'start');
SELECT results_eq($$SELECT count(*), bool_and(is_critical), max(earliest_finish) FROM athar.plan_schedule('dense')$$, $$VALUES (2000::bigint, true, '2026-01-01'::date + 1999)$$, 'dense: one after the other');
SELECT athar.create_project('ring', 'Ring', 'u', jsonb_build_object('title', 'Ring', 'items', (SELECT jsonb_agg(jsonb_build_object('id', 'I' || n, 'title', 'T', 'depends_on', jsonb_build_array('I' || n % 2000 + 1)) ORDER BY n) FROM generate_series(1, 2000) AS n)), 'start');
SELECT is((SELECT array_length(string_to_array(n.loop, ' > '), 1) FROM athar.project AS j, athar.plan_network(j.id, 1, NULL, 0) AS n WHERE j.code = 'ring' AND n.is_first), 2001, 'a loop of 2,000');

-- What is no network.
SELECT throws_ok($$SELECT * FROM athar.schedule_network('{NULL,1}', '{2026-01-01}', '{NULL,NULL}', '{}', '{}', NULL, NULL)$$, '22023', 'the network is malformed: starts of other items', 'arrays of different lengths');
SELECT throws_ok($$SELECT * FROM athar.schedule_network('{NULL,3}', '{NULL,NULL}', '{NULL,NULL}', '{}', '{}', NULL, NULL)$$, '22023', NULL, 'a parent that is not there');
SELECT throws_ok($$SELECT * FROM athar.schedule_network('{NULL,1}', '{NULL,NULL}', '{NULL,NULL}', '{1}', '{0}', NULL, NULL)$$, '22023', NULL, 'a link to nothing');
SELECT throws_ok($$SELECT * FROM athar.schedule_network('{NULL,1}', '{NULL,NULL}', '{NULL,NULL}', '{1}', '{NULL}', NULL, NULL)$$, '22023', NULL, 'or to NULL');
SELECT throws_ok($$SELECT * FROM athar.schedule_network('{NULL,NULL}', '{0001-01-01,NULL}', '{5874897-12-31,NULL}', '{}', '{}', 1, 2000000000)$$, '22003', NULL, 'days that no calendar has');
SELECT results_eq($$SELECT count(*), count(earliest_start) FROM athar.schedule_network('{NULL,1}', '{-infinity,NULL}', '{NULL,infinity}', '{1,2}', '{1,2}', NULL, NULL)$$, $$VALUES (2::bigint, 0::bigint)$$, 'endless days are none, an item that waits for itself is a loop');
SELECT is_empty($$SELECT * FROM athar.schedule_network(NULL, '{}', '{}', '{}', '{}', NULL, NULL)$$, 'nothing of nothing');

SELECT * FROM finish();
ROLLBACK;
