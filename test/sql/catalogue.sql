-- catalogue: definitions, views, and the texts of what is refused
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
BEGIN;

SELECT athar.define_unit('dft', 'Department for Transport', kind => 'ministry') IS NOT NULL AS ok;
SELECT athar.define_unit('dvla', 'Driver and Vehicle Licensing Agency', name_ar => 'هيئة الرخص', parent => 'dft', kind => 'agency') IS NOT NULL AS ok;
SELECT athar.define_service('vehicle-tax', 'Vehicle tax', 'dvla', kind => 'payment', mode => 'remote') IS NOT NULL AS ok;
SELECT athar.define_service('refund', 'Vehicle tax refund', 'dvla', parent => 'vehicle-tax') IS NOT NULL AS ok;
SELECT athar.define_channel('web', 'Website', is_digital => true) IS NOT NULL AS ok;
SELECT athar.define_channel('counter', 'Post office counter', is_assisted => true) IS NOT NULL AS ok;
SELECT athar.define_stage('vehicle-tax', 'remind', 'Reminder', 1, 'before') IS NOT NULL AS ok;
SELECT athar.define_stage('vehicle-tax', 'pay', 'Payment', 2) IS NOT NULL AS ok;
SELECT athar.define_offering('vehicle-tax', 'pay', 'web') IS NOT NULL AS ok;
SELECT athar.define_offering('vehicle-tax', 'pay', 'counter') IS NOT NULL AS ok;
SELECT athar.define_offering('vehicle-tax', 'remind', 'counter', is_offered => false) IS NOT NULL AS ok;

SELECT * FROM athar.units ORDER BY unit;
SELECT * FROM athar.channels ORDER BY channel;
SELECT * FROM athar.services ORDER BY service;
SELECT * FROM athar.journeys ORDER BY service, ordinal;

-- unknown codes
SELECT athar.unit_id('nobody');
SELECT athar.service_id('nothing');
SELECT athar.channel_id('pigeon');
SELECT athar.stage_id('vehicle-tax', 'fly');
SELECT athar.stage_id('nothing', 'pay');
SELECT athar.stage_id(NULL, 'pay');
SELECT athar.define_unit('x', 'X', parent => 'nobody');
SELECT athar.define_service('x', 'X', 'nobody');
SELECT athar.define_offering('vehicle-tax', 'pay', 'pigeon');

-- codes and names
SELECT athar.define_unit(NULL, 'X');
SELECT athar.define_unit('  ', 'X');
SELECT athar.define_unit(' x', 'X');
SELECT athar.define_unit(E'a\tb', 'X');
SELECT athar.define_unit(repeat('x', 201), 'X');
SELECT athar.define_unit('x', NULL);
SELECT athar.define_service('x', ' ', 'dvla');
SELECT athar.define_channel('', 'X');
SELECT athar.define_stage('vehicle-tax', '', 'X', 1);

-- missing and misspelt
SELECT athar.define_service('x', 'X', NULL);
SELECT athar.define_service('x', 'X', 'dvla', mode => 'online');
SELECT athar.define_stage(NULL, 'x', 'X', 1);
SELECT athar.define_stage('vehicle-tax', 'x', 'X', NULL);
SELECT athar.define_stage('vehicle-tax', 'x', 'X', 1, 'during');
SELECT athar.define_offering('vehicle-tax', NULL, 'web');

-- loops
SELECT athar.define_unit('dft', 'Department for Transport', parent => 'dft');
SELECT athar.define_unit('dft', 'Department for Transport', parent => 'dvla');
SELECT athar.define_service('vehicle-tax', 'Vehicle tax', 'dvla', parent => 'refund');

ROLLBACK;
