-- Before there is anything, under plans that look at no index: an unknown code
-- is an error all the same, and never an empty answer.
BEGIN;
SELECT plan(16);
SET LOCAL enable_indexscan = off;
SET LOCAL enable_indexonlyscan = off;
SET LOCAL enable_bitmapscan = off;

SELECT throws_ok($$SELECT athar.get_plan('x')$$, '42704', 'project "x" does not exist', 'get_plan');
SELECT throws_ok($$SELECT * FROM athar.plan_history('x')$$, '42704', 'project "x" does not exist', 'plan_history');
SELECT throws_ok($$SELECT * FROM athar.save_plan('x', '{"title": "t"}', 1, 'r')$$, '42704', 'project "x" does not exist', 'save_plan');
SELECT throws_ok($$SELECT athar.name_version('x', 1, 'n')$$, '42704', 'project "x" does not exist', 'name_version');
SELECT throws_ok($$SELECT athar.measure_effects('x')$$, '42704', 'project "x" does not exist', 'measure_effects');
SELECT throws_ok($$SELECT athar.create_project('p', 'P', 'x', '{"title": "t"}', 'r')$$, '42704', 'unit "x" does not exist', 'create_project');
SELECT throws_ok($$SELECT athar.define_unit('u', 'U', parent => 'x')$$, '42704', 'unit "x" does not exist', 'define_unit');
SELECT throws_ok($$SELECT athar.define_service('s', 'S', 'x')$$, '42704', 'unit "x" does not exist', 'define_service');
SELECT throws_ok($$SELECT athar.define_stage('x', 'a', 'A', 1)$$, '42704', 'service "x" does not exist', 'define_stage');
SELECT throws_ok($$SELECT athar.record_observation('x', 1)$$, '42704', 'KPI "x" does not exist', 'record_observation');
SELECT throws_ok($$SELECT athar.report_measurement('x', '[2020-01-01,2020-02-01)', athar.summary_of('{1}', '{1}'))$$, '42704', 'KPI "x" does not exist', 'report_measurement');
SELECT throws_ok($$SELECT athar.measure_effect('x', 's', '2014-10-01', '1 year')$$, '42704', 'KPI "x" does not exist', 'measure_effect');
SELECT throws_ok($$SELECT athar.create_goal('g', 'G', 'objective', 'x')$$, '42704', 'cycle "x" does not exist', 'create_goal');
SELECT throws_ok($$SELECT athar.check_in('x', 1)$$, '42704', 'goal "x" does not exist', 'check_in');
SELECT throws_ok($$SELECT athar.align('x', 'p', 'a')$$, '42704', 'goal "x" does not exist', 'align');
SELECT throws_ok($$SELECT athar.roll_up_goals('x')$$, '42704', 'cycle "x" does not exist', 'roll_up_goals');

SELECT * FROM finish();
ROLLBACK;
