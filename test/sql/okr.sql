-- What people are told: message, detail and hint. What the functions do is in the pgTAP test.
\set SHOW_CONTEXT never
SET athar.time_zone = 'UTC';

-- Arrays that describe no tree.
SELECT athar.roll_up_tree('{1,2}', '{NULL}', '{1,1}', '{1,1}', '{t,t}');
SELECT athar.roll_up_tree('{1,1}', '{NULL,NULL}', '{1,1}', '{1,1}', '{t,t}');
SELECT athar.roll_up_tree('{1,NULL}', '{NULL,NULL}', '{1,1}', '{1,1}', '{t,t}');
SELECT athar.roll_up_tree('{1}', '{NULL}', '{-0.5}', '{1}', '{t}');
SELECT athar.roll_up_tree('{1}', '{NULL}', '{Infinity}', '{1}', '{t}');
SELECT athar.roll_up_tree('{1}', '{NULL}', '{1}', '{NaN}', '{t}');

-- Cycles.
SELECT athar.create_cycle('', 'Blank', '[2026-01-01,2027-01-01)');
SELECT athar.create_cycle('2026', '', '[2026-01-01,2027-01-01)');
SELECT athar.create_cycle('2026', 'The year 2026', '[2026-01-01,2026-01-01)');
SELECT athar.create_cycle('2026', 'The year 2026', '[2026-01-01,)');
SELECT athar.create_cycle('2026', 'The year 2026', '[2026-01-01,2027-01-01)') > 0 AS created;
SELECT athar.create_cycle('2026', 'The year 2026', '[2026-01-01,2027-01-01)');

-- Goals.
SELECT athar.create_goal('', 'Blank', 'objective');
SELECT athar.create_goal('aim', ' ', 'objective');
SELECT athar.create_goal('aim', 'Aim', 'dream');
SELECT athar.create_goal('aim', 'Aim', 'objective', commitment => 'hopeful');
SELECT athar.create_goal('aim', 'Aim', 'objective', weight => -1);
SELECT athar.create_goal('aim', 'Aim', 'objective', weight => 'NaN');
SELECT athar.create_goal('aim', 'Aim', 'objective', cycle => '2062');
SELECT athar.create_goal('aim', 'Aim', 'objective', parent => 'policy');
SELECT athar.create_goal('aim', 'Aim', 'objective') > 0 AS created;
SELECT athar.create_goal('aim', 'Aim', 'objective');
SELECT athar.create_goal('low', 'Low', 'key_result', target => 'from 5 to 5');

-- A share of nothing.
SELECT athar.define_kpi('errors', 'Errors', 'count', 'down') > 0 AS defined;
SELECT athar.report_measurement('errors', '[2025-01-01,2026-01-01)', athar.summary_of('{0}', '{1}')) IS NOT NULL AS reported;
SELECT athar.create_goal('low', 'Low', 'key_result', '2026', 'aim', kpi => 'errors', target => '-20%');

-- Check-ins.
SELECT athar.check_in(NULL, 1);
SELECT athar.check_in('low', 1);
SELECT athar.check_in('aim');
SELECT athar.check_in('aim', 'NaN');
SELECT athar.check_in('aim', confidence => 2);
SELECT athar.check_in('aim', said_status => 'splendid');
SELECT athar.check_in('aim', 1, at => '-infinity');

-- Alignment.
SELECT athar.align('aim', 'reform', NULL);
SELECT athar.align('aim', 'reform', 'A1', 0);
SELECT athar.align('aim', 'reform', 'A1', 'NaN');
SELECT athar.align('aim', 'reform', 'A1');

-- The rollup.
SELECT athar.roll_up_goals('2062');

-- Revisions, closing, publishing.
SELECT athar.revise_goal(NULL, reason => 'r');
SELECT athar.revise_goal('aim', weight => 2);
SELECT athar.revise_goal('aim', reason => 'r', without => '{kind}');
SELECT athar.revise_goal('aim', parent => 'aim', reason => 'r');
SELECT athar.publish_goal('aim');
SELECT athar.publish_goal(NULL);
SELECT athar.revise_goal('aim', rationale => 'people wait', reason => 'to be published') > 0 AS revised, athar.publish_goal('aim') > 0 AS published;
SELECT athar.revise_goal('aim', rationale => ' ', reason => 'r');
SELECT athar.create_cycle('2098', 'The year 2098', '[2098-01-01,2099-01-01)') > 0 AS created;
SELECT athar.close_cycle('2098');
SELECT athar.close_cycle(NULL);
SELECT athar.close_cycle('2026') AS goals;
SELECT athar.close_cycle('2026');
SELECT athar.create_goal('low', 'Low', 'key_result', '2026');
SELECT athar.line_of_sight('nil');
