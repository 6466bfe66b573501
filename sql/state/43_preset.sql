-- 43 preset: KPIs that others have defined well, ready to be loaded

CREATE TABLE athar.preset_kpi (
	preset athar.code NOT NULL,
	code athar.code NOT NULL,
	ordinal integer NOT NULL,
	name text NOT NULL,
	name_ar text NOT NULL,
	unit_of_measure text NOT NULL,
	direction text NOT NULL,
	kind text NOT NULL DEFAULT 'mean',
	smallest_change athar.finite,
	bands jsonb,
	description text NOT NULL,
	source text,
	is_builtin boolean NOT NULL DEFAULT false,
	PRIMARY KEY (preset, code),
	CONSTRAINT preset_kpi_name_check CHECK (btrim(name) <> '' AND btrim(name_ar) <> ''),
	CONSTRAINT preset_kpi_direction_check CHECK (direction IN ('up', 'down')),
	CONSTRAINT preset_kpi_kind_check CHECK (kind IN ('mean', 'sum', 'ratio', 'likert'))
);
COMMENT ON TABLE athar.preset_kpi IS 'Definitions of KPIs, for load_preset(). Those of this extension are written by its install script, and a dump leaves them out; an owner''s own rows are dumped';
COMMENT ON COLUMN athar.preset_kpi.preset IS 'Key of the set they are loaded by';
COMMENT ON COLUMN athar.preset_kpi.code IS 'Code that the KPI gets';
COMMENT ON COLUMN athar.preset_kpi.ordinal IS 'Place within the set';
COMMENT ON COLUMN athar.preset_kpi.name IS 'Name for people';
COMMENT ON COLUMN athar.preset_kpi.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.preset_kpi.unit_of_measure IS 'Unit of the figure';
COMMENT ON COLUMN athar.preset_kpi.direction IS 'Which way is better: up or down';
COMMENT ON COLUMN athar.preset_kpi.kind IS 'How values become a figure, as in define_kpi()';
COMMENT ON COLUMN athar.preset_kpi.smallest_change IS 'The smallest change that matters, in the KPI''s unit: a suggestion, no standard named here states one';
COMMENT ON COLUMN athar.preset_kpi.bands IS 'Its bands, as define_kpi_bands() takes them; NULL where its source publishes none';
COMMENT ON COLUMN athar.preset_kpi.description IS 'What exactly is counted';
COMMENT ON COLUMN athar.preset_kpi.source IS 'Where the definition is published; NULL for general ones';
COMMENT ON COLUMN athar.preset_kpi.is_builtin IS 'True for the rows of the install script';

INSERT INTO athar.preset_kpi (preset, ordinal, code, name, name_ar, unit_of_measure, direction, kind, smallest_change, description, source, is_builtin)
SELECT 'a11', p.ordinal, p.code, p.name, p.name_ar, 'points', 'up', 'likert', 0.1,
	'Answers from 1 (strongly disagree) to 5 (strongly agree) to a statement such as: ' || p.statement,
	'US OMB Circular A-11, section 280 (2022), post-transaction feedback', true
FROM (VALUES
	(1, 'a11_satisfaction', 'Satisfaction', 'الرضا', 'I am satisfied with the service I received'),
	(2, 'a11_trust', 'Trust or confidence', 'الثقة', 'This interaction increased my trust in the agency'),
	(3, 'a11_effectiveness', 'Effectiveness', 'الفاعلية', 'My need was addressed'),
	(4, 'a11_ease', 'Ease', 'السهولة', 'It was easy to complete what I needed to do'),
	(5, 'a11_efficiency', 'Efficiency', 'الكفاءة', 'It took a reasonable amount of time to do what I needed to do'),
	(6, 'a11_equity', 'Equity and transparency', 'الإنصاف والشفافية', 'I was treated fairly; I understand what was being asked of me'),
	(7, 'a11_employee', 'Employee helpfulness', 'تعاون الموظفين', 'Employees I interacted with were helpful')) AS p (ordinal, code, name, name_ar, statement);

INSERT INTO athar.preset_kpi (preset, ordinal, code, name, name_ar, unit_of_measure, direction, kind, smallest_change, description, source, is_builtin)
SELECT 'gds4', p.ordinal, p.code, p.name, p.name_ar, p.unit_of_measure, p.direction, p.kind, p.smallest_change, p.description,
	'UK Government Digital Service, Service Manual, Measuring success: https://www.gov.uk/service-manual/measuring-success', true
FROM (VALUES
	(1, 'gds_user_satisfaction', 'User satisfaction', 'رضا المستخدم', 'percent', 'up', 'likert', 1,
		'Answers from very dissatisfied to very satisfied, recorded as 0, 25, 50, 75 and 100'),
	(2, 'gds_completion_rate', 'Completion rate', 'معدل الإنجاز', 'share', 'up', 'ratio', 0.02,
		'Completed digital transactions over those started. Being told that one is not eligible completes a transaction; errors and drop-outs do not'),
	(3, 'gds_digital_take_up', 'Digital take-up', 'نسبة الإقبال الرقمي', 'share', 'up', 'ratio', 0.02,
		'Completed digital transactions, with those where somebody helped, over completed transactions of all channels'),
	(4, 'gds_cost_per_transaction', 'Cost per transaction', 'تكلفة المعاملة الواحدة', 'GBP per transaction', 'down', 'ratio', NULL,
		'Total cost of the service over completed transactions of all channels')) AS p (ordinal, code, name, name_ar, unit_of_measure, direction, kind, smallest_change, description);

-- The cuts between its five levels are in the authority's guideline, which is not quoted here.
INSERT INTO athar.preset_kpi (preset, ordinal, code, name, name_ar, unit_of_measure, direction, kind, smallest_change, description, source, is_builtin)
SELECT 'dxmi', p.ordinal, p.code, p.name, p.name_ar, 'percent', 'up', CASE p.code WHEN 'dxmi_satisfaction' THEN 'likert' ELSE 'mean' END, 1, p.description,
	'Saudi Digital Government Authority, Digital Experience Maturity Index 2023: https://dga.gov.sa/en/digital-experience-maturity-index-2023', true
FROM (VALUES
	(1, 'dxmi_index', 'Digital experience maturity index', 'مؤشر نضج التجربة الرقمية',
		'The general index of a platform, as published by the authority once a year. Its levels: emergent, developed, competent, advanced, exceptional; their cuts are published in the authority''s guideline'),
	(2, 'dxmi_satisfaction', 'Beneficiary satisfaction', 'رضا المستفيد', 'Score of the perspective beneficiary satisfaction, from a survey of beneficiaries'),
	(3, 'dxmi_user_experience', 'User experience', 'تجربة المستخدم', 'Score of the perspective user experience'),
	(4, 'dxmi_complaints', 'Complaint handling', 'التعامل مع الشكاوى', 'Score of the perspective complaint handling'),
	(5, 'dxmi_technologies', 'Technologies and tools', 'التقنيات والأدوات', 'Score of the perspective technologies and tools, measured since 2023')) AS p (ordinal, code, name, name_ar, description);

INSERT INTO athar.preset_kpi (preset, ordinal, code, name, name_ar, unit_of_measure, direction, kind, smallest_change, description, is_builtin)
VALUES
	('experience', 1, 'frustration', 'Frustration', 'الإحباط', 'points', 'down', 'likert', 0.1, 'Answers from 1 (not at all) to 5 (very much) to: this frustrated me', true),
	('experience', 2, 'motivation', 'Motivation', 'الدافعية', 'points', 'up', 'likert', 0.1, 'Answers from 1 (not at all) to 5 (very much) to: I wanted to go on', true),
	('experience', 3, 'trust', 'Trust', 'الثقة', 'points', 'up', 'likert', 0.1, 'Answers from 1 (not at all) to 5 (fully) to: I trust this agency', true),
	('experience', 4, 'satisfaction', 'Satisfaction', 'الرضا', 'points', 'up', 'likert', 0.1, 'Answers from 1 (very dissatisfied) to 5 (very satisfied)', true),
	('experience', 5, 'wait_time', 'Waiting time', 'وقت الانتظار', 'minutes', 'down', 'mean', 1, 'From arriving, in a queue or on the line, to being served', true),
	('experience', 6, 'duration', 'Time to a decision', 'المدة حتى القرار', 'days', 'down', 'mean', 1, 'From the application to the decision, as the applicant counts it', true),
	('experience', 7, 'steps_count', 'Steps', 'عدد الخطوات', 'steps', 'down', 'mean', 1, 'Steps that a citizen takes himself: visits, forms, calls, payments', true),
	('experience', 8, 'documents_count', 'Documents', 'عدد المستندات المطلوبة', 'documents', 'down', 'mean', 1, 'Documents that a citizen has to bring', true),
	('experience', 9, 'nps', 'Net promoter score', 'صافي نقاط الترويج', 'points', 'up', 'likert', 5, 'Would you recommend it, 0 to 10: 9 and 10 recorded as 100, 7 and 8 as 0, 0 to 6 as -100', true),
	('experience', 10, 'repeat_use', 'Repeat use', 'معاودة الاستخدام', 'share', 'up', 'ratio', 0.02, 'People who used it again by their own choice, over people who used it', true),
	('operations', 1, 'arrivals', 'Arrivals', 'الطلبات الواردة', 'cases', 'down', 'sum', NULL, 'Cases and calls that come in; fewer is better where they could be avoided', true),
	('operations', 2, 'completions', 'Completions', 'الطلبات المنجزة', 'cases', 'up', 'sum', NULL, 'Cases and calls that are finished', true),
	('operations', 3, 'capacity', 'Capacity', 'الطاقة الاستيعابية', 'cases', 'up', 'sum', NULL, 'Cases and calls that could be finished with the staff at hand', true),
	('operations', 4, 'backlog', 'Backlog', 'الطلبات المتراكمة', 'cases', 'down', 'mean', NULL, 'Cases open at the end of a day', true),
	('operations', 5, 'manual_touches', 'Manual touches', 'التدخلات اليدوية', 'touches', 'down', 'mean', 0.5, 'Times that staff take one case in hand', true),
	('operations', 6, 'cost_per_transaction', 'Cost per transaction', 'تكلفة المعاملة', 'currency per transaction', 'down', 'ratio', NULL, 'Cost over completed transactions', true),
	('operations', 7, 'employee_score', 'Employee score', 'تقييم الموظفين', 'points', 'up', 'likert', 0.1, 'Answers of staff from 1 (very dissatisfied) to 5 (very satisfied) with how they work', true),
	('operations', 8, 'response_time', 'Response time', 'زمن الاستجابة', 'hours', 'down', 'mean', 1, 'From a question or request to the first answer', true),
	('operations', 9, 'on_time', 'On time', 'الإنجاز في الموعد', 'share', 'up', 'ratio', 0.02, 'Cases finished by the time that was promised, over cases finished', true);
