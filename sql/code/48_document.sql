-- 48 document: what a plan document may say

CREATE OR REPLACE FUNCTION athar.pointer_token(key text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN replace(replace(pointer_token.key, '~', '~0'), '/', '~1');
COMMENT ON FUNCTION athar.pointer_token(text) IS
'The key as one step of a JSON pointer (RFC 6901): ~ becomes ~0, / becomes ~1. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.unturned(value text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(unturned.value, E'\xe2\x80\xaa|\xe2\x80\xab|\xe2\x80\xac|\xe2\x80\xad|\xe2\x80\xae|\xe2\x81\xa6|\xe2\x81\xa7|\xe2\x81\xa8|\xe2\x81\xa9', '', 'g');
COMMENT ON FUNCTION athar.unturned(text) IS
'The text without the marks that turn the direction of writing until they are ended (U+202A to U+202E, U+2066 to U+2069): within a sentence of ours they would turn our words, too. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.quoted(value text)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN to_json(athar.unturned(CASE WHEN char_length(quoted.value) > 60 THEN left(quoted.value, 57) || '...' ELSE quoted.value END))::text;
COMMENT ON FUNCTION athar.quoted(text) IS
'The text in quotes and on one line, cut at 60 characters and unturned(), for a message. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.is_date(value text)
RETURNS boolean
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN coalesce(left(is_date.value, 4) <> '0000' AND is_date.value ~ ('^([0-9]{4}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))'
	|| '|([0-9]{2}(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)-02-29)$'), false);
COMMENT ON FUNCTION athar.is_date(text) IS
'True for a day of the calendar written YYYY-MM-DD, years 0001 to 9999; false for everything else, NULL included. Never raises.';

CREATE OR REPLACE FUNCTION athar.text_fault(value jsonb)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(text_fault.value) NOT IN ('string', 'null') THEN 'must be a string' END;
COMMENT ON FUNCTION athar.text_fault(jsonb) IS
'What is wrong with an optional text of a plan document; NULL if nothing is. An absent value and JSON null are right.';

CREATE OR REPLACE FUNCTION athar.title_fault(value jsonb)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE coalesce(jsonb_typeof(title_fault.value), 'null')
	WHEN 'null' THEN 'is missing'
	WHEN 'string' THEN CASE WHEN (title_fault.value #>> '{}') !~ '[^[:space:]]' THEN 'is blank' END
	ELSE 'must be a string' END;
COMMENT ON FUNCTION athar.title_fault(jsonb) IS
'What is wrong with a required text of a plan document; NULL if nothing is.';

CREATE OR REPLACE FUNCTION athar.item_id_fault(value jsonb)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN coalesce(athar.title_fault(item_id_fault.value), CASE
	WHEN char_length(item_id_fault.value #>> '{}') > 200 THEN 'is longer than 200 characters'
	WHEN (item_id_fault.value #>> '{}') ~ '[[:cntrl:]]' THEN 'has control characters'
	WHEN btrim(item_id_fault.value #>> '{}') <> (item_id_fault.value #>> '{}') THEN 'has spaces around it' END);
COMMENT ON FUNCTION athar.item_id_fault(jsonb) IS
'What is wrong with the id of a plan item, its uniqueness apart; NULL if nothing is.';

CREATE OR REPLACE FUNCTION athar.date_fault(value jsonb)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN jsonb_typeof(date_fault.value) = 'string' THEN
		CASE WHEN NOT athar.is_date(date_fault.value #>> '{}') THEN athar.quoted(date_fault.value #>> '{}') || ' is not a date, YYYY-MM-DD' END
	WHEN jsonb_typeof(date_fault.value) <> 'null' THEN 'must be a string, YYYY-MM-DD' END;
COMMENT ON FUNCTION athar.date_fault(jsonb) IS
'What is wrong with an optional date of a plan document; NULL if nothing is.';

CREATE OR REPLACE FUNCTION athar.amount_fault(value jsonb)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN jsonb_typeof(amount_fault.value) = 'number' THEN
		CASE WHEN (amount_fault.value #>> '{}')::numeric < 0 THEN 'must not be negative'
			WHEN (amount_fault.value #>> '{}')::numeric > 1e300 THEN 'is too large' END
	WHEN jsonb_typeof(amount_fault.value) <> 'null' THEN 'must be a number' END;
COMMENT ON FUNCTION athar.amount_fault(jsonb) IS
'What is wrong with an optional amount (weight, budget) of a plan document; NULL if nothing is.';

CREATE OR REPLACE FUNCTION athar.is_duration(value jsonb)
RETURNS boolean
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN coalesce(jsonb_typeof(is_duration.value) = 'null'
	OR jsonb_typeof(is_duration.value) = 'string' AND is_duration.value #>> '{}' ~ '^([0-9]{1,4} (day|week|month)|[0-9]{1,3} year)s?$', is_duration.value IS NULL);
COMMENT ON FUNCTION athar.is_duration(jsonb) IS
'Whether an optional length of time of a plan document is one: a whole number of days, weeks, months (up to 9999) or years (up to 999), as in "3 months"; true for JSON null and for NULL. Never raises.';

CREATE OR REPLACE FUNCTION athar.list_of(document jsonb, key text)
RETURNS jsonb
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN jsonb_typeof(list_of.document -> list_of.key) = 'array' THEN list_of.document -> list_of.key ELSE jsonb '[]' END;
COMMENT ON FUNCTION athar.list_of(jsonb, text) IS
'The array under a key of an object; an empty array where there is none or something else. Never raises.';

-- Faults. The functions have no settings of their own, so that they become part
-- of the statement that asks, and are planned once where that is kept: who
-- saves a small change asks for what it touches alone.

CREATE OR REPLACE FUNCTION athar.header_faults(document jsonb)
RETURNS TABLE (place integer, path text, fault text)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT h.place, h.path, h.fault
FROM (VALUES
	(0, '', CASE WHEN jsonb_typeof(header_faults.document) IS DISTINCT FROM 'object' THEN 'must be an object' END),
	(1, '/title', CASE WHEN jsonb_typeof(header_faults.document) = 'object' THEN athar.title_fault(header_faults.document -> 'title') END),
	(2, '/title_ar', athar.text_fault(header_faults.document -> 'title_ar')),
	(3, '/purpose', athar.text_fault(header_faults.document -> 'purpose')),
	(4, '/purpose_ar', athar.text_fault(header_faults.document -> 'purpose_ar')),
	(5, '/items', CASE WHEN jsonb_typeof(header_faults.document -> 'items') NOT IN ('array', 'null') THEN 'must be an array' END)) AS h (place, path, fault)
WHERE h.fault IS NOT NULL;
END;
COMMENT ON FUNCTION athar.header_faults(jsonb) IS
'What is wrong with a plan document besides its items: the path, the fault in words, and a number to sort them by; no row if nothing is.';

CREATE OR REPLACE FUNCTION athar.item_faults(item jsonb)
RETURNS TABLE (place bigint, path text, fault text)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT u.place, (ARRAY['', '/id', '/title', '/title_ar', '/kind', '/owner', '/service', '/stage', '/channel', '/starts_on', '/due_on', '/live_on',
	'/status', '/weight', '/budget', '/parent', '/depends_on', '/kpis'])[u.place], u.fault
FROM jsonb_to_record(CASE WHEN jsonb_typeof(item_faults.item) = 'object' THEN item_faults.item ELSE jsonb '{}' END) AS i (
	id jsonb, title jsonb, title_ar jsonb, kind jsonb, owner jsonb, service jsonb, stage jsonb, channel jsonb, starts_on jsonb, due_on jsonb,
	live_on jsonb, status jsonb, weight jsonb, budget jsonb, parent jsonb, depends_on jsonb, kpis jsonb)
CROSS JOIN LATERAL unnest(CASE WHEN jsonb_typeof(item_faults.item) IS DISTINCT FROM 'object' THEN ARRAY['must be an object'] ELSE ARRAY[
	NULL,
	athar.item_id_fault(i.id),
	athar.title_fault(i.title),
	athar.text_fault(i.title_ar),
	athar.text_fault(i.kind),
	coalesce(athar.text_fault(i.owner), CASE
		WHEN i.owner <> 'null' AND NOT EXISTS (SELECT FROM athar.unit u WHERE u.code = i.owner #>> '{}')
		THEN 'unit ' || athar.quoted(i.owner #>> '{}') || ' does not exist' END),
	coalesce(athar.text_fault(i.service), CASE
		WHEN i.service <> 'null' AND NOT EXISTS (SELECT FROM athar.service s WHERE s.code = i.service #>> '{}')
		THEN 'service ' || athar.quoted(i.service #>> '{}') || ' does not exist' END),
	coalesce(athar.text_fault(i.stage), CASE
		WHEN coalesce(i.stage, 'null') = 'null' THEN NULL
		WHEN coalesce(i.service, 'null') = 'null' THEN 'needs the service it is a stage of'
		WHEN EXISTS (SELECT FROM athar.service s WHERE s.code = i.service #>> '{}')
			AND NOT EXISTS (SELECT FROM athar.service s JOIN athar.stage t ON t.service_id = s.id
				WHERE s.code = i.service #>> '{}' AND t.code = i.stage #>> '{}')
		THEN 'stage ' || athar.quoted(i.stage #>> '{}') || ' of service ' || athar.quoted(i.service #>> '{}') || ' does not exist' END),
	coalesce(athar.text_fault(i.channel), CASE
		WHEN i.channel <> 'null' AND NOT EXISTS (SELECT FROM athar.channel c WHERE c.code = i.channel #>> '{}')
		THEN 'channel ' || athar.quoted(i.channel #>> '{}') || ' does not exist' END),
	athar.date_fault(i.starts_on),
	coalesce(athar.date_fault(i.due_on), CASE
		WHEN jsonb_typeof(i.due_on) = 'string' AND athar.is_date(i.starts_on #>> '{}') AND (i.due_on #>> '{}') COLLATE "C" < (i.starts_on #>> '{}')
		THEN (i.due_on #>> '{}') || ' is before starts_on, ' || (i.starts_on #>> '{}') END),
	coalesce(athar.date_fault(i.live_on), CASE
		WHEN jsonb_typeof(i.live_on) = 'string' AND athar.is_date(i.starts_on #>> '{}') AND (i.live_on #>> '{}') COLLATE "C" < (i.starts_on #>> '{}')
		THEN (i.live_on #>> '{}') || ' is before starts_on, ' || (i.starts_on #>> '{}') END),
	CASE WHEN NOT i.status IN ('null', '"planned"', '"in_progress"', '"live"', '"done"', '"verified"', '"cancelled"')
		THEN 'must be planned, in_progress, live, done, verified or cancelled' END,
	athar.amount_fault(i.weight),
	athar.amount_fault(i.budget),
	athar.text_fault(i.parent),
	CASE WHEN jsonb_typeof(i.depends_on) NOT IN ('array', 'null') THEN 'must be an array of item ids' END,
	CASE WHEN jsonb_typeof(i.kpis) NOT IN ('array', 'null') THEN 'must be an array of objects with a kpi' END] END) WITH ORDINALITY AS u (fault, place)
WHERE u.fault IS NOT NULL;
END;
COMMENT ON FUNCTION athar.item_faults(jsonb) IS
'What is wrong with the members of one item of a plan document, but for the other items it refers to and what stands in its lists: the path within the item, the fault in words, and a number to sort them by; no row if nothing is.';

CREATE OR REPLACE FUNCTION athar.kpi_faults(kpis jsonb)
RETURNS TABLE (ordinal bigint, fault text)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT f.ordinal, f.fault
FROM (
	SELECT k.ordinality AS ordinal, CASE
		WHEN jsonb_typeof(k.value -> 'kpi') IS DISTINCT FROM 'string' THEN 'must be an object with a kpi, a string'
		WHEN NOT EXISTS (SELECT FROM athar.kpi p WHERE p.code = k.value ->> 'kpi') THEN 'KPI ' || athar.quoted(k.value ->> 'kpi') || ' does not exist'
		WHEN row_number() OVER (PARTITION BY k.value ->> 'kpi' ORDER BY k.ordinality) > 1 THEN 'KPI ' || athar.quoted(k.value ->> 'kpi') || ' is named twice'
		WHEN jsonb_typeof(k.value -> 'target') NOT IN ('string', 'null') THEN 'target must be a string'
		WHEN NOT athar.is_target(k.value ->> 'target') THEN 'target must read like "from 40 to 90", "at least 95", "at most 24", "between 4 and 5", "milestone" or "-20%"'
		WHEN NOT athar.is_duration(k.value -> 'span') OR k.value ->> 'span' ~ '^0+ ' THEN 'span must be a length above zero, such as "1 year"'
		WHEN NOT athar.is_duration(k.value -> 'washout') THEN 'washout must be a length, such as "3 months"'
		WHEN jsonb_typeof(k.value -> 'season_matched') NOT IN ('boolean', 'null') THEN 'season_matched must be true or false'
		WHEN jsonb_typeof(k.value -> 'controls') NOT IN ('array', 'null') THEN 'controls must be an array of service codes'
		ELSE (SELECT min(CASE WHEN jsonb_typeof(c.value) = 'string' THEN 'service ' || athar.quoted(c.value #>> '{}') || ' among the controls does not exist'
				ELSE 'controls must be an array of service codes' END)
			FROM jsonb_array_elements(athar.list_of(k.value, 'controls')) AS c (value)
			WHERE jsonb_typeof(c.value) <> 'string' OR NOT EXISTS (SELECT FROM athar.service s WHERE s.code = c.value #>> '{}')) END AS fault
	FROM jsonb_array_elements(CASE WHEN jsonb_typeof(kpi_faults.kpis) = 'array' THEN kpi_faults.kpis ELSE jsonb '[]' END) WITH ORDINALITY AS k (value, ordinality)) AS f
WHERE f.fault IS NOT NULL;
END;
COMMENT ON FUNCTION athar.kpi_faults(jsonb) IS
'What is wrong with the KPIs that an item of a plan document names: the place in the list, from 1, and the fault in words; no row if nothing is, or for what is no list.';

CREATE OR REPLACE FUNCTION athar.plan_faults(document jsonb)
RETURNS TABLE (path text, fault text)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
WITH RECURSIVE element AS (
	SELECT e.ordinality AS ordinal, e.value,
		CASE WHEN athar.item_id_fault(e.value -> 'id') IS NULL THEN e.value ->> 'id' END AS id
	FROM jsonb_array_elements(athar.list_of(plan_faults.document, 'items')) WITH ORDINALITY AS e (value, ordinality)
), named AS (
	SELECT e.*, row_number() OVER (PARTITION BY e.id COLLATE "C" ORDER BY e.ordinal) > 1 AND e.id IS NOT NULL AS is_repeated
	FROM element e
), item AS MATERIALIZED (
	SELECT n.ordinal, n.value, n.id, n.is_repeated, n.value -> 'depends_on' AS depends_on, n.value -> 'kpis' AS kpis,
		CASE WHEN jsonb_typeof(n.value -> 'parent') = 'string' THEN n.value ->> 'parent' END AS parent,
		'/items/' || CASE WHEN NOT n.is_repeated AND n.id IS NOT NULL THEN athar.pointer_token(n.id) ELSE (n.ordinal - 1)::text END AS path
	FROM named n
), link AS MATERIALIZED (
	SELECT i.id, i.parent
	FROM item i
	WHERE i.id IS NOT NULL AND NOT i.is_repeated
), rooted AS (
	SELECT l.id
	FROM link l
	WHERE l.parent IS NULL OR NOT l.parent = ANY (SELECT k.id FROM link k)
	UNION ALL
	SELECT l.id
	FROM rooted r
	JOIN link l ON l.parent = r.id
), reason AS (
	SELECT 0::bigint AS ordinal, h.place, 0::bigint AS entry, h.path, h.fault
	FROM athar.header_faults(plan_faults.document) AS h
	UNION ALL
	SELECT i.ordinal, f.place, 0, i.path || f.path, f.fault
	FROM item i
	CROSS JOIN LATERAL athar.item_faults(i.value) AS f
	UNION ALL
	SELECT i.ordinal, 2, 0, i.path || '/id', athar.quoted(i.id) || ' is the id of an earlier item'
	FROM item i
	WHERE i.is_repeated
	UNION ALL
	SELECT i.ordinal, 16, 0, i.path || '/parent', CASE
		WHEN NOT i.parent = ANY (SELECT l.id FROM link l) THEN 'item ' || athar.quoted(i.parent) || ' is not in the plan'
		WHEN i.parent = i.id THEN 'an item cannot be its own parent'
		WHEN NOT i.is_repeated AND NOT i.id = ANY (SELECT r.id FROM rooted r) THEN 'its parents form a loop' END
	FROM item i
	WHERE i.parent IS NOT NULL
	UNION ALL
	SELECT i.ordinal, 17, d.ordinality, i.path || '/depends_on/' || (d.ordinality - 1)::text, CASE
		WHEN jsonb_typeof(d.value) <> 'string' THEN 'must be a string, the id of an item'
		WHEN d.value #>> '{}' = i.id THEN 'an item cannot depend on itself'
		WHEN NOT (d.value #>> '{}') = ANY (SELECT l.id FROM link l) THEN 'item ' || athar.quoted(d.value #>> '{}') || ' is not in the plan' END
	FROM item i
	CROSS JOIN LATERAL jsonb_array_elements(CASE WHEN jsonb_typeof(i.depends_on) = 'array' THEN i.depends_on ELSE jsonb '[]' END) WITH ORDINALITY AS d (value, ordinality)
	WHERE i.depends_on IS NOT NULL
	UNION ALL
	SELECT i.ordinal, 18, k.ordinal, i.path || '/kpis/' || (k.ordinal - 1)::text, k.fault
	FROM item i
	CROSS JOIN LATERAL athar.kpi_faults(i.kpis) AS k
	WHERE i.kpis IS NOT NULL
)
SELECT r.path, r.fault
FROM reason r
WHERE r.fault IS NOT NULL
ORDER BY r.ordinal, r.place, r.entry;
END;
COMMENT ON FUNCTION athar.plan_faults(jsonb) IS
'What validate_plan() answers in English.';

CREATE OR REPLACE FUNCTION athar.check_language(lang text)
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.fail('22023', format('language "%s" is not known', check_language.lang),
	'Nothing was described.', 'Languages are en (English) and ar (Arabic).')
WHERE coalesce(check_language.lang NOT IN ('en', 'ar'), true);
END;
COMMENT ON FUNCTION athar.check_language(text) IS 'Raises 22023 for a language other than en and ar, and for NULL; else NULL.';

-- Faults in other languages

CREATE OR REPLACE VIEW athar.fault_words WITH (security_invoker = true) AS
SELECT w.words, w.words_ar
FROM (VALUES
	('must be an object', 'يجب أن يكون كائن JSON'),
	('must be an array', 'يجب أن يكون قائمة'),
	('must be a string', 'يجب أن يكون نصًّا'),
	('must be a number', 'يجب أن يكون عددًا'),
	('is missing', 'ناقص'),
	('is blank', 'فارغ'),
	('is longer than 200 characters', 'أطول من 200 حرف'),
	('has control characters', 'فيه رموز تحكّم'),
	('has spaces around it', 'في طرفيه فراغات'),
	('%s is the id of an earlier item', '%s معرّف إجراء سبقه'),
	('%s is not a date, YYYY-MM-DD', '%s ليس تاريخًا بصيغة YYYY-MM-DD'),
	('must be a string, YYYY-MM-DD', 'يجب أن يكون نصًّا بصيغة YYYY-MM-DD'),
	('%s is before starts_on, %s', '%s يسبق تاريخ البدء (starts_on)، %s'),
	('must not be negative', 'يجب ألا يكون سالبًا'),
	('is too large', 'أكبر مما يُقبل'),
	('must be planned, in_progress, live, done, verified or cancelled', 'يجب أن تكون planned أو in_progress أو live أو done أو verified أو cancelled'),
	('unit %s does not exist', 'الجهة %s غير موجودة'),
	('service %s does not exist', 'الخدمة %s غير موجودة'),
	('stage %s of service %s does not exist', 'المرحلة %s من الخدمة %s غير موجودة'),
	('needs the service it is a stage of', 'يلزم تحديد الخدمة التي هي مرحلة منها'),
	('channel %s does not exist', 'القناة %s غير موجودة'),
	('item %s is not in the plan', 'الإجراء %s غير موجود في الخطة'),
	('an item cannot be its own parent', 'لا يكون الإجراء رئيسًا لنفسه'),
	('its parents form a loop', 'سلسلة إجراءاته الرئيسة حلقة'),
	('must be an array of item ids', 'يجب أن يكون قائمة معرّفات إجراءات'),
	('must be a string, the id of an item', 'يجب أن يكون نصًّا هو معرّف إجراء'),
	('an item cannot depend on itself', 'لا يعتمد الإجراء على نفسه'),
	('must be an array of objects with a kpi', 'يجب أن يكون قائمة كائنات في كل منها kpi'),
	('must be an object with a kpi, a string', 'يجب أن يكون كائنًا فيه kpi نصًّا'),
	('KPI %s does not exist', 'مؤشر الأداء %s غير موجود'),
	('KPI %s is named twice', 'مؤشر الأداء %s مذكور مرتين'),
	('target must be a string', 'يجب أن يكون المستهدف (target) نصًّا'),
	('target must read like "from 40 to 90", "at least 95", "at most 24", "between 4 and 5", "milestone" or "-20%"',
		'يجب أن يُكتب المستهدف (target) مثل "from 40 to 90" أو "at least 95" أو "at most 24" أو "between 4 and 5" أو "milestone" أو "-20%%"'),
	('span must be a length above zero, such as "1 year"', 'يجب أن تكون مدة المقارنة (span) أطول من صفر، مثل "1 year"'),
	('washout must be a length, such as "3 months"', 'يجب أن تكون فترة الانتقال (washout) مدة، مثل "3 months"'),
	('season_matched must be true or false', 'يجب أن يكون season_matched إما true أو false'),
	('controls must be an array of service codes', 'يجب أن تكون خدمات المقارنة (controls) قائمة رموز خدمات'),
	('service %s among the controls does not exist', 'الخدمة %s من خدمات المقارنة (controls) غير موجودة')
) AS w (words, words_ar);
COMMENT ON VIEW athar.fault_words IS 'What validate_plan() says in English, and the same in Arabic; %s stands for what is named, in the same order';
COMMENT ON COLUMN athar.fault_words.words IS 'In English';
COMMENT ON COLUMN athar.fault_words.words_ar IS 'In Arabic, as format() takes it';

CREATE OR REPLACE FUNCTION athar.fault_text(fault text, lang text)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
-- faults of one place are told together, each up to a semicolon that is in no quotes
RETURN CASE WHEN lang <> 'ar' THEN fault ELSE (
	SELECT string_agg(coalesce(w.words, p.part), '؛ ' ORDER BY f.place)
	FROM regexp_matches(fault_text.fault, '(?:"(?:[^"\\]|\\.)*"|[^";]|;(?! ))+', 'g') WITH ORDINALITY AS f (parts, place)
	CROSS JOIN LATERAL (SELECT btrim(f.parts[1])) AS p (part)
	LEFT JOIN LATERAL (
		-- codes and days keep their direction within Arabic
		SELECT format(k.words_ar, VARIADIC ARRAY(SELECT E'\xe2\x80\x8e' || x.fact FROM unnest(m.facts) WITH ORDINALITY AS x (fact, ordinality) ORDER BY x.ordinality)) AS words
		FROM athar.fault_words AS k
		CROSS JOIN LATERAL regexp_match(p.part, '^' || replace(k.words, '%s', '("(?:[^"\\]|\\.)*"|[0-9-]+)') || '$') AS m (facts)
		WHERE m.facts IS NOT NULL
		LIMIT 1) AS w ON true) END;
COMMENT ON FUNCTION athar.fault_text(text, text) IS
'A fault as validate_plan() tells it in English, or several with semicolons between them, in the language given (en or ar), by fault_words; as it is where it is none of these. NULL for NULL.';

CREATE OR REPLACE FUNCTION athar.validate_plan(document jsonb, lang text DEFAULT 'en')
RETURNS TABLE (path text, fault text)
LANGUAGE SQL STABLE PARALLEL SAFE
SET jit = off -- a plan document is small; what the planner supposes of unknown arrays is not
BEGIN ATOMIC
SELECT athar.check_language(validate_plan.lang);
SELECT f.path, athar.fault_text(f.fault, validate_plan.lang)
FROM athar.plan_faults(validate_plan.document) AS f;
END;
COMMENT ON FUNCTION athar.validate_plan(jsonb, text) IS
'Everything that is wrong with a plan document, in its order, without saving it: path (JSON pointer; an item is named by its id, or by its index where it has no id of its own) and fault, in the language given, en or ar. No row: it can be saved.
JSON null in an optional field counts as absent; unknown keys are never faults. NULL is one fault. 22023 for an unknown language; raises nothing else.';

CREATE OR REPLACE FUNCTION athar.check_plan(document jsonb)
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT athar.fail('22023',
	'the plan document has ' || count(*) || CASE WHEN count(*) = 1 THEN ' fault' ELSE ' faults' END,
	string_agg(coalesce(nullif(f.path, ''), 'the document') || ': ' || f.fault, E'\n' ORDER BY f.place) FILTER (WHERE f.place <= 1000)
		|| CASE WHEN count(*) > 1000 THEN E'\n... and ' || count(*) - 1000 || ' more' ELSE '' END,
	'Correct them and save again; nothing was saved. validate_plan() lists them without saving.')
FROM (SELECT v.path, v.fault, row_number() OVER () AS place FROM athar.validate_plan(check_plan.document) v) AS f
HAVING count(*) > 0;
END;
COMMENT ON FUNCTION athar.check_plan(jsonb) IS
'Raises 22023 with all faults of a plan document at once (the first thousand in words), as validate_plan() finds them, in English; NULL if there are none.';
