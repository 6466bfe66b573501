-- The department as it is: units, services, channels, KPIs, figures.
SET client_min_messages = warning;
CREATE EXTENSION athar;

BEGIN;
SELECT athar.set_context($$demonstration$$, $$load the published figures$$) \g /dev/null

CREATE TEMP TABLE raw_service (service text, name text, agency text);
CREATE TEMP TABLE raw_quarter (service text, first_day date, last_day date, transactions bigint, digital_transactions bigint);
CREATE TEMP TABLE raw_cost (service text, first_day date, last_day date, cost_per_transaction_gbp double precision);
\copy raw_service FROM 'data/services.csv' CSV HEADER
\copy raw_quarter FROM 'data/quarters.csv' CSV HEADER
\copy raw_cost FROM 'data/costs.csv' CSV HEADER

\o /dev/null
SELECT athar.define_unit('DfT', 'Department for Transport', 'وزارة النقل', kind => 'ministry');
SELECT athar.define_unit(a.code, a.name, a.name_ar, 'DfT', 'agency')
FROM (VALUES
	('DVLA', 'Driver and Vehicle Licensing Agency', 'وكالة ترخيص السائقين والمركبات'),
	('DVSA', 'Driver and Vehicle Standards Agency', 'وكالة معايير السائقين والمركبات'),
	('MCA', 'Maritime and Coastguard Agency', 'وكالة الملاحة وخفر السواحل'),
	('HE', 'Highways England', 'هيئة الطرق السريعة في إنجلترا')) AS a (code, name, name_ar);
SELECT athar.define_service(s.service, s.name, u.code)
FROM raw_service AS s
JOIN athar.unit AS u ON u.name = s.agency;
SELECT athar.define_service('dft-tax-a-vehicle', 'Vehicle tax renewals', 'DVLA', 'تجديد ضريبة المركبات');
SELECT athar.define_service(s.service, s.name, u.code, 'ردّ ضريبة المركبات')
FROM raw_service AS s
JOIN athar.unit AS u ON u.name = s.agency
WHERE s.service = 'dft-request-vehicle-tax-refund';

SELECT athar.define_channel('online', 'Online', is_digital => true, name_ar => 'عبر الإنترنت');
SELECT athar.define_channel('telephone', 'Telephone', is_assisted => true, name_ar => 'الهاتف');
SELECT athar.define_channel('post-office', 'Post office counter', is_assisted => true, name_ar => 'مكتب البريد');
SELECT athar.define_stage('dft-tax-a-vehicle', 'remind', 'Reminder', 10, 'before', 'التذكير');
SELECT athar.define_stage('dft-tax-a-vehicle', 'pay', 'Pay the tax', 20, 'core', 'الدفع');
SELECT athar.define_stage('dft-tax-a-vehicle', 'prove', 'Prove that it is paid', 30, 'after', 'الإثبات');
SELECT athar.define_offering('dft-tax-a-vehicle', 'pay', c.code)
FROM athar.channel AS c;

SELECT athar.define_kpi('digital-share', 'Digital share of transactions', 'share', 'up', kind => 'ratio',
	smallest_change => 0.02, name_ar => 'نسبة المعاملات الرقمية', time_zone => 'Europe/London');
SELECT athar.define_kpi('cost', 'Cost per transaction', 'GBP', 'down',
	smallest_change => 0.05, name_ar => 'كلفة المعاملة', time_zone => 'Europe/London');

-- a share over transactions that can be counted is a summary of zeros and ones
SELECT athar.report_measurement('digital-share', daterange(q.first_day, q.last_day, '[]'),
	athar.summary_of(ARRAY[0, 1], ARRAY[q.transactions - q.digital_transactions, q.digital_transactions]),
	service => q.service, basis => 'quarter', source => 'transactions explorer')
FROM raw_quarter AS q
WHERE q.transactions > 0;

-- a rolling year published every quarter is four series, each without overlaps
SELECT athar.report_measurement('cost', daterange(c.first_day, c.last_day, '[]'),
	athar.summary_of(ARRAY[c.cost_per_transaction_gbp], ARRAY[1]),
	service => c.service, basis => 'year to ' || to_char(c.last_day, 'FMMonth'), source => 'transactions explorer')
FROM raw_cost AS c;
\o
COMMIT;

-- an application's own table: the figures as they were first published
CREATE TABLE published_figure (
	service text,
	cell text,
	value numeric,
	PRIMARY KEY (service, cell)
);
CREATE TABLE correction (
	release text,
	changed_at timestamptz,
	changed_by text,
	reason text,
	operation text,
	service text,
	cell text,
	old_value numeric,
	new_value numeric
);
\copy correction FROM 'data/corrections.csv' CSV HEADER
\o /dev/null
SELECT athar.track('published_figure', require_reason => true);
BEGIN;
SELECT athar.set_context('editor-01', 'Add latest services CSV');
INSERT INTO published_figure (service, cell, value)
SELECT DISTINCT ON (c.service, c.cell) c.service, c.cell, c.old_value
FROM correction AS c
ORDER BY c.service, c.cell, c.changed_at;
COMMIT;
\o
