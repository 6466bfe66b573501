-- 50 plan: documents as rows, the one way to a version, and what reads them

-- The plan as rows

CREATE OR REPLACE FUNCTION athar.listed_items(project_id integer, revisions integer[])
RETURNS TABLE (ordinal integer, revision integer, item_id text, document jsonb, item_hash bytea)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT m.ordinal::integer, m.revision, i.item_id, i.document, i.item_hash
FROM unnest(listed_items.revisions) WITH ORDINALITY AS m (revision, ordinal)
-- by key, one by one: a project has had many more items than it has, and a plan made before they were counted would read them all
CROSS JOIN LATERAL (SELECT p.item_id, p.document, p.item_hash FROM athar.plan_item p WHERE p.project_id = listed_items.project_id AND p.revision = m.revision OFFSET 0) AS i;
END;
COMMENT ON FUNCTION athar.listed_items(integer, integer[]) IS
'Revisions of a project''s items as they are listed, such as a version lists them (plan_version.items); ordinal counts from 1.';

CREATE OR REPLACE FUNCTION athar.plan_document(project_id integer, version integer)
RETURNS jsonb
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT CASE WHEN v.items = '{}' THEN v.header ELSE v.header || jsonb_build_object('items',
	(SELECT jsonb_agg(i.document ORDER BY i.ordinal) FROM athar.listed_items(v.project_id, v.items) AS i)) END
FROM athar.plan_version v
WHERE v.project_id = plan_document.project_id AND v.version = plan_document.version;
END;
COMMENT ON FUNCTION athar.plan_document(integer, integer) IS
'The document of one version, put together from its header and item revisions; NULL if there is no such version. get_plan() is what applications call.';

CREATE OR REPLACE FUNCTION athar.typed_items(project_id integer, revisions integer[], ordinals integer[] DEFAULT NULL)
RETURNS TABLE (item_id text, revision integer, ordinal integer, title text, title_ar text, kind text,
	owner_id integer, service_id integer, stage_id integer, channel_id integer, starts_on date, due_on date, live_on date,
	status text, weight double precision, budget numeric, parent_item_id text)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT i.item_id, i.revision, coalesce(typed_items.ordinals[i.ordinal], i.ordinal), i.document ->> 'title', i.document ->> 'title_ar', i.document ->> 'kind',
	(SELECT u.id FROM athar.unit u WHERE u.code = i.document ->> 'owner'),
	(SELECT s.id FROM athar.service s WHERE s.code = i.document ->> 'service'),
	(SELECT t.id FROM athar.service s JOIN athar.stage t ON t.service_id = s.id
		WHERE s.code = i.document ->> 'service' AND t.code = i.document ->> 'stage'),
	(SELECT c.id FROM athar.channel c WHERE c.code = i.document ->> 'channel'),
	(i.document ->> 'starts_on')::date, (i.document ->> 'due_on')::date, (i.document ->> 'live_on')::date,
	coalesce(i.document ->> 'status', 'planned'),
	coalesce(round((i.document ->> 'weight')::numeric, 300), 1)::double precision,
	(i.document ->> 'budget')::numeric, i.document ->> 'parent'
FROM athar.listed_items(typed_items.project_id, typed_items.revisions) AS i;
END;
COMMENT ON FUNCTION athar.typed_items(integer, integer[], integer[]) IS
'Revisions of items in typed columns, as the table action has them; codes have become keys, JSON null is NULL, status defaults to planned and weight to 1. ordinals are their places in the plan; without, they stand as they are listed.';

CREATE OR REPLACE FUNCTION athar.plan_actions(project_id integer, version integer)
RETURNS TABLE (item_id text, revision integer, ordinal integer, title text, title_ar text, kind text,
	owner_id integer, service_id integer, stage_id integer, channel_id integer, starts_on date, due_on date, live_on date,
	status text, weight double precision, budget numeric, parent_item_id text)
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
SELECT i.item_id, i.revision, i.ordinal, i.title, i.title_ar, i.kind, i.owner_id, i.service_id, i.stage_id, i.channel_id,
	i.starts_on, i.due_on, i.live_on, i.status, i.weight, i.budget, i.parent_item_id
FROM athar.plan_version v
CROSS JOIN LATERAL athar.typed_items(v.project_id, v.items) AS i
WHERE v.project_id = plan_actions.project_id AND v.version = plan_actions.version;
END;
COMMENT ON FUNCTION athar.plan_actions(integer, integer) IS
'The items of one version in typed columns, as the table action shows the newest; see typed_items().';

-- Saving

CREATE OR REPLACE FUNCTION athar.begin_plan(project_id integer, document jsonb, reason text)
RETURNS integer
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_begin_plan';
COMMENT ON FUNCTION athar.begin_plan(integer, jsonb, text) IS
'Makes a checked document the first version of a plan, and of its items the rows of action; answers 1.';

CREATE OR REPLACE FUNCTION athar.check_version(project text, version integer)
RETURNS boolean
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
-- in a statement of its own: over an empty table a condition is not looked at
SELECT athar.project_id(check_version.project);
SELECT athar.fail('22023', 'project ' || athar.quoted(j.code) || ' has no version ' || check_version.version,
	'Its newest version is ' || j.head_version || '.', 'Pass one of 1 to ' || j.head_version || '; plan_history() lists them.')
FROM athar.project j
WHERE j.id = (SELECT athar.project_id(check_version.project)) AND check_version.version NOT BETWEEN 1 AND j.head_version;
END;
COMMENT ON FUNCTION athar.check_version(text, integer) IS
'Raises 42704 for an unknown project and 22023 for a version it does not have; NULL if both exist or are NULL.';

-- Reading

CREATE OR REPLACE VIEW athar.actions
WITH (security_invoker = true)
AS
SELECT j.code::text AS project, a.item_id AS action, a.ordinal, a.parent_item_id AS parent, a.title, a.title_ar, a.kind,
	u.code::text AS owner, s.code::text AS service, t.code::text AS stage, c.code::text AS channel,
	a.starts_on, a.due_on, a.live_on, a.status, a.weight::double precision AS weight, a.budget,
	ARRAY(SELECT d.value #>> '{}'
		FROM jsonb_array_elements(athar.list_of(i.document, 'depends_on')) WITH ORDINALITY AS d (value, ordinality)
		ORDER BY d.ordinality) AS depends_on,
	ARRAY(SELECT k.value ->> 'kpi'
		FROM jsonb_array_elements(athar.list_of(i.document, 'kpis')) WITH ORDINALITY AS k (value, ordinality)
		ORDER BY k.ordinality) AS kpis
FROM athar.action a
JOIN athar.project j ON j.id = a.project_id
JOIN athar.plan_item i ON i.project_id = a.project_id AND i.revision = a.revision
LEFT JOIN athar.unit u ON u.id = a.owner_id
LEFT JOIN athar.service s ON s.id = a.service_id
LEFT JOIN athar.stage t ON t.id = a.stage_id
LEFT JOIN athar.channel c ON c.id = a.channel_id
WHERE a.removed_in_version IS NULL;
COMMENT ON VIEW athar.actions IS 'The actions of every plan as they stand now, one row each; those that a plan no longer has are left out';
COMMENT ON COLUMN athar.actions.project IS 'Code of the project';
COMMENT ON COLUMN athar.actions.action IS 'The item''s id in the plan';
COMMENT ON COLUMN athar.actions.ordinal IS 'Place in the plan, from 1';
COMMENT ON COLUMN athar.actions.parent IS 'Id of the item it is part of';
COMMENT ON COLUMN athar.actions.title IS 'What is done';
COMMENT ON COLUMN athar.actions.title_ar IS 'What is done, in Arabic';
COMMENT ON COLUMN athar.actions.kind IS 'What sort of action it is';
COMMENT ON COLUMN athar.actions.owner IS 'Code of the unit that does it';
COMMENT ON COLUMN athar.actions.service IS 'Code of the service it improves';
COMMENT ON COLUMN athar.actions.stage IS 'Code of the stage it improves, within that service';
COMMENT ON COLUMN athar.actions.channel IS 'Code of the channel it improves';
COMMENT ON COLUMN athar.actions.starts_on IS 'First day of work';
COMMENT ON COLUMN athar.actions.due_on IS 'Day by which it should be done';
COMMENT ON COLUMN athar.actions.live_on IS 'Day on which people first met it';
COMMENT ON COLUMN athar.actions.status IS 'planned, in_progress, live, done, verified or cancelled';
COMMENT ON COLUMN athar.actions.weight IS 'Weight among its siblings';
COMMENT ON COLUMN athar.actions.budget IS 'Money set aside for it, in the currency of the plan';
COMMENT ON COLUMN athar.actions.depends_on IS 'Ids of the items it waits for; empty if none';
COMMENT ON COLUMN athar.actions.kpis IS 'Codes of the KPIs it is to move; empty if none';

CREATE OR REPLACE VIEW athar.plan_progress
WITH (security_invoker = true)
AS
SELECT j.code::text AS project, j.name, j.name_ar, u.code::text AS unit, v.version, v.saved_at, v.author,
	count(a.id) AS actions,
	count(a.id) FILTER (WHERE a.status = 'planned') AS planned,
	count(a.id) FILTER (WHERE a.status = 'in_progress') AS in_progress,
	count(a.id) FILTER (WHERE a.status = 'live') AS live,
	count(a.id) FILTER (WHERE a.status = 'done') AS done,
	count(a.id) FILTER (WHERE a.status = 'verified') AS verified,
	count(a.id) FILTER (WHERE a.status = 'cancelled') AS cancelled,
	count(a.id) FILTER (WHERE a.status IN ('planned', 'in_progress') AND a.due_on < (now() AT TIME ZONE athar.default_time_zone())::date
		AND j.status <> 'closed') AS overdue,
	coalesce(sum(a.weight::double precision) FILTER (WHERE a.is_counted AND a.status IN ('done', 'verified')), 0)
		/ nullif(sum(a.weight::double precision) FILTER (WHERE a.is_counted), 0) AS done_share,
	min(a.starts_on) AS starts_on, max(a.due_on) AS due_on, sum(a.budget) AS budget,
	(SELECT count(*) FROM athar.plan_draft d WHERE d.project_id = j.id AND d.status = 'open') AS open_drafts,
	j.status, j.maturity,
	count(a.id) FILTER (WHERE a.is_counted AND a.has_kpi)::double precision / nullif(count(a.id) FILTER (WHERE a.is_counted), 0) AS kpi_share
FROM athar.project j
JOIN athar.unit u ON u.id = j.unit_id
LEFT JOIN athar.plan_version v ON v.project_id = j.id AND v.version = j.head_version
LEFT JOIN (
	SELECT a.id, a.project_id, a.status, a.weight, a.starts_on, a.due_on, a.budget,
		(SELECT athar.list_of(i.document, 'kpis') <> '[]' FROM athar.plan_item i WHERE i.project_id = a.project_id AND i.revision = a.revision) AS has_kpi,
		a.status <> 'cancelled' AND NOT EXISTS (SELECT FROM athar.action b
			WHERE b.project_id = a.project_id AND b.parent_item_id = a.item_id AND b.removed_in_version IS NULL) AS is_counted
	FROM athar.action a
	WHERE a.removed_in_version IS NULL) AS a ON a.project_id = j.id
GROUP BY j.id, u.code, v.project_id, v.version;
COMMENT ON VIEW athar.plan_progress IS 'How far each project''s plan is, one row per project';
COMMENT ON COLUMN athar.plan_progress.project IS 'Code of the project';
COMMENT ON COLUMN athar.plan_progress.name IS 'Name of the project';
COMMENT ON COLUMN athar.plan_progress.name_ar IS 'Name of the project in Arabic';
COMMENT ON COLUMN athar.plan_progress.unit IS 'Code of the accountable unit';
COMMENT ON COLUMN athar.plan_progress.version IS 'The newest version of the plan';
COMMENT ON COLUMN athar.plan_progress.saved_at IS 'When that was saved';
COMMENT ON COLUMN athar.plan_progress.author IS 'Who saved it';
COMMENT ON COLUMN athar.plan_progress.actions IS 'Number of its actions';
COMMENT ON COLUMN athar.plan_progress.planned IS 'Actions that are planned';
COMMENT ON COLUMN athar.plan_progress.in_progress IS 'Actions that are in progress';
COMMENT ON COLUMN athar.plan_progress.live IS 'Actions that people have met and that are not done';
COMMENT ON COLUMN athar.plan_progress.done IS 'Actions that are done and not verified';
COMMENT ON COLUMN athar.plan_progress.verified IS 'Actions whose effect is verified';
COMMENT ON COLUMN athar.plan_progress.cancelled IS 'Actions that were cancelled';
COMMENT ON COLUMN athar.plan_progress.overdue IS 'Actions planned or in progress whose due_on has passed, in the time zone of the setting athar.time_zone; see the view overdue. None where the project is closed';
COMMENT ON COLUMN athar.plan_progress.done_share IS 'Share of the weight that is done or verified, 0 to 1; cancelled actions and those that only hold others do not count; NULL where there is no weight';
COMMENT ON COLUMN athar.plan_progress.starts_on IS 'Earliest first day of its actions';
COMMENT ON COLUMN athar.plan_progress.due_on IS 'Latest due day of its actions';
COMMENT ON COLUMN athar.plan_progress.budget IS 'Sum of the actions'' budgets, in the currency of the plan';
COMMENT ON COLUMN athar.plan_progress.open_drafts IS 'Drafts that wait for somebody to resolve their conflicts';
COMMENT ON COLUMN athar.plan_progress.status IS 'draft, active or closed';
COMMENT ON COLUMN athar.plan_progress.maturity IS 'pilot, scaled or institutional';
COMMENT ON COLUMN athar.plan_progress.kpi_share IS 'Share of its actions that name a KPI to move, 0 to 1; cancelled actions and those that only hold others do not count; NULL where there are none';
