-- Goals for 2015, fed by the same two KPIs, and a schedule to roll them up.
\o /dev/null
BEGIN;
SET LOCAL athar.actor = 'DfT';
SET LOCAL athar.reason = 'goals for the first year without the disc';
SELECT athar.create_cycle('2015', 'October 2014 to December 2015', '[2014-10-01,2016-01-01)');
SELECT athar.create_goal('vehicle-tax', 'Vehicle tax without paper', 'objective', '2015', unit => 'DVLA',
	rationale => 'nobody should need a piece of paper to prove what a register knows', title_ar => 'ضريبة المركبات بلا ورق');
SELECT athar.create_goal('renew-online', 'Three renewals in four are digital', 'key_result', '2015', 'vehicle-tax', 'DVLA',
	'digital-share', 'dft-tax-a-vehicle', target => 'from 0.55 to 0.75', weight => 2, title_ar => 'ثلاثة أرباع التجديدات رقمية');
SELECT athar.create_goal('cheaper', 'A renewal costs a pound at most', 'key_result', '2015', 'vehicle-tax', 'DVLA',
	'cost', 'dft-tax-a-vehicle', target => 'from 1.27 to 1.00');
SELECT athar.create_goal('keeper-online', 'One change of keeper in four is digital', 'key_result', '2015', 'vehicle-tax', 'DVLA',
	'digital-share', 'dft-report-change-of-ownership-of-vehicle', target => 'from 0 to 0.25');
SELECT athar.create_goal('satisfied', 'Nine drivers in ten are satisfied', 'key_result', '2015', 'vehicle-tax', 'DVLA',
	target => 'at least 0.9', rationale => 'no survey is published: nothing measures it');
SELECT athar.align('renew-online', 'tax-disc', 'A1');
SELECT athar.check_in('keeper-online', confidence => 0.9, note => 'on our way', at => '2015-12-31');
COMMIT;
\o
