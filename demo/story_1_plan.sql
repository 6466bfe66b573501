\pset footer off
\pset null '-'
\pset linestyle unicode
\pset border 1
\echo
\echo 'THE END OF THE PAPER TAX DISC'
\echo '============================='
\echo 'On 1 October 2014 the United Kingdom stopped printing tax discs for cars. Did it help?'
\echo 'The figures are those the government published; the text of the plan was written for this demonstration.'
\echo
\echo '1. WHERE WE STAND'
SELECT s.unit AS agency, count(*) AS services, count(*) FILTER (WHERE m.figures > 0) AS "with figures", sum(m.figures) AS "quarterly figures"
FROM athar.services AS s
CROSS JOIN LATERAL (
	SELECT count(*) AS figures
	FROM athar.measurements AS f
	WHERE f.service = s.service AND f.kpi = 'digital-share') AS m
GROUP BY s.unit
ORDER BY s.unit;

\o /dev/null
BEGIN;
SET LOCAL athar.actor = 'DVLA';
SELECT athar.create_project('tax-disc', 'Vehicle tax without a paper disc', 'DVLA', $${
	"title": "Vehicle tax without a paper disc", "title_ar": "ضريبة المركبات بلا قرص ورقي",
	"purpose": "Nobody should need a piece of paper to prove what a register knows",
	"purpose_ar": "لا ينبغي أن يحتاج أحد إلى ورقة تثبت ما هو مدوَّن في السجل",
	"items": [
		{"id": "A1", "title": "Abolish the paper disc", "title_ar": "إلغاء القرص الورقي", "kind": "simplify", "owner": "DVLA", "service": "dft-tax-a-vehicle",
		 "starts_on": "2014-01-01", "due_on": "2014-10-01", "status": "planned",
		 "kpis": [{"kpi": "digital-share", "target": "at least 0.70", "washout": "3 months"}, {"kpi": "cost", "target": "at most 1.00"}]},
		{"id": "A2", "title": "Refund unused months by itself", "title_ar": "ردّ ضريبة الأشهر غير المستخدمة تلقائيًا", "kind": "automate", "owner": "DVLA", "service": "dft-request-vehicle-tax-refund",
		 "due_on": "2014-12-01", "status": "planned", "kpis": [{"kpi": "digital-share", "target": "at least 0.90", "washout": "3 months"}]}
	]}$$, 'first outline after the Autumn Statement');
COMMIT;

BEGIN;
SET LOCAL athar.actor = 'DfT';
SELECT version FROM athar.save_plan('tax-disc',
	jsonb_set(athar.get_plan('tax-disc'), '{items,1,due_on}', '"2014-10-01"'), 1,
	'both parts start on the same day, so that a buyer is never taxed twice');
COMMIT;
\o

\echo
\echo '2. ONE PLAN, TWO AGENCIES'
\echo 'The department saved version 2. The agency, still looking at version 1, moves the same date:'
BEGIN;
SET LOCAL athar.actor = 'DVLA';
SELECT s.status, s.version AS "newest version", s.draft AS "kept as draft",
	c.conflict ->> 'path' AS "where", c.conflict ->> 'kind' AS "what"
FROM athar.save_plan('tax-disc',
	jsonb_set(athar.get_plan('tax-disc', 1), '{items,1,due_on}', '"2014-11-01"'), 1,
	'the refund needs a month more') AS s
CROSS JOIN LATERAL jsonb_array_elements(s.conflicts) AS c (conflict);
COMMIT;
\echo 'Nothing is overwritten and nothing is lost: the draft waits for somebody to decide.'

\o /dev/null
BEGIN;
SET LOCAL athar.actor = 'DVLA';
SELECT version FROM athar.save_plan('tax-disc',
	jsonb_set(jsonb_set(jsonb_set(jsonb_set(athar.get_plan('tax-disc'),
		'{items,0,live_on}', '"2014-10-01"'), '{items,0,status}', '"live"'),
		'{items,1,live_on}', '"2014-10-01"'), '{items,1,status}', '"live"'), 2,
	'live since 1 October 2014 under the Finance Act 2014');
COMMIT;
\o
\echo
SELECT h.version, h.author, h.reason, h.summary
FROM athar.plan_history('tax-disc') AS h
ORDER BY h.version;
