-- 57 network: what waits for what, when it can begin, and what a delay moves

CREATE OR REPLACE FUNCTION athar.schedule_network(
	parents integer[], starts date[], ends date[], waiting integer[], awaited integer[], delayed integer, delay integer)
RETURNS TABLE (
	place integer, duration integer, earliest_start date, earliest_finish date, latest_start date, latest_finish date, slack integer,
	loop_at integer, loop integer[])
LANGUAGE C IMMUTABLE PARALLEL SAFE ROWS 200
AS 'MODULE_PATHNAME', 'athar_schedule_network';
COMMENT ON FUNCTION athar.schedule_network(integer[], date[], date[], integer[], integer[], integer, integer) IS
'The critical path method (Kelley and Walker 1959) over items given element by element and known by their places from 1: the place of the item each is part of (NULL: none), first and last day (NULL: not given), and the links, element by element the item that waits and the one it waits for. delayed: an item that takes delay days longer (NULL: none). One row per item; see plan_schedule().
Items on a loop have the place of the item at which it begins (loop_at), and that item the whole loop. One pass over items and links, whatever the number of paths. No row where one of the arrays is NULL. 22023 for arrays that do not fit together and places that no item has; 22003 for days beyond the calendar.';

CREATE OR REPLACE FUNCTION athar.plan_network(project_id integer, version integer, delayed text, days integer)
RETURNS TABLE (
	item_id text, ordinal integer, duration integer, earliest_start date, earliest_finish date, latest_start date, latest_finish date, slack integer,
	is_first boolean, loop text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 200
SET jit = off
SET enable_nestloop = off -- a million links: whatever the planner supposes, ids are found by hashing
BEGIN ATOMIC
WITH item AS MATERIALIZED (
	SELECT row_number() OVER (ORDER BY a.ordinal)::integer AS place, a.ordinal, a.item_id, a.parent_item_id, a.revision, a.starts_on, a.due_on
	FROM athar.plan_actions(plan_network.project_id, plan_network.version) AS a
	WHERE a.status <> 'cancelled'
), link AS (
	SELECT w.place AS waiting, d.place AS awaited
	FROM item AS w
	JOIN athar.plan_item AS i ON i.project_id = plan_network.project_id AND i.revision = w.revision
	CROSS JOIN LATERAL jsonb_array_elements_text(athar.list_of(i.document, 'depends_on')) AS n (item_id)
	JOIN item AS d ON d.item_id = n.item_id
), network AS MATERIALIZED (
	SELECT n.*
	FROM (
		SELECT array_agg(p.place ORDER BY i.place) AS parents, array_agg(i.starts_on ORDER BY i.place) AS starts, array_agg(i.due_on ORDER BY i.place) AS ends
		FROM item AS i
		LEFT JOIN item AS p ON p.item_id = i.parent_item_id) AS i
	CROSS JOIN (
		SELECT coalesce(array_agg(l.waiting), '{}') AS waiting, coalesce(array_agg(l.awaited), '{}') AS awaited
		FROM link AS l) AS l
	CROSS JOIN LATERAL athar.schedule_network(i.parents, i.starts, i.ends, l.waiting, l.awaited,
		(SELECT d.place FROM item AS d WHERE d.item_id = plan_network.delayed), plan_network.days) AS n
), told AS MATERIALIZED (
	SELECT n.place, string_agg(i.item_id, ' > ' ORDER BY p.ordinality) AS loop
	FROM network AS n
	CROSS JOIN LATERAL unnest(n.loop) WITH ORDINALITY AS p (place, ordinality)
	JOIN item AS i ON i.place = p.place
	GROUP BY n.place
)
SELECT i.item_id, i.ordinal, n.duration, n.earliest_start, n.earliest_finish, n.latest_start, n.latest_finish, n.slack, n.loop IS NOT NULL, t.loop
FROM network AS n
JOIN item AS i ON i.place = n.place
LEFT JOIN told AS t ON t.place = n.loop_at;
END;
COMMENT ON FUNCTION athar.plan_network(integer, integer, text, integer) IS
'The items of one version that are not cancelled, scheduled: what plan_schedule() is made of. is_first: the loop is told here.';

CREATE OR REPLACE FUNCTION athar.plan_schedule(project text, version integer DEFAULT NULL, delayed text DEFAULT NULL, days integer DEFAULT 0)
RETURNS TABLE (
	item_id text, duration integer, earliest_start date, earliest_finish date, latest_start date, latest_finish date, slack integer,
	is_critical boolean, moved_by integer, loop text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 200
SET jit = off
BEGIN ATOMIC
SELECT athar.check_version(plan_schedule.project, plan_schedule.version);
SELECT athar.fail('22023', 'a delay of ' || coalesce(plan_schedule.days::text, 'NULL') || ' days cannot be followed', 'Nothing was scheduled.', 'Give 0 to 36500 days.')
WHERE coalesce(plan_schedule.days, -1) NOT BETWEEN 0 AND 36500;
WITH subject AS MATERIALIZED (
	SELECT j.id AS project_id, coalesce(plan_schedule.version, j.head_version) AS version
	FROM athar.project AS j
	WHERE j.code = plan_schedule.project
)
SELECT athar.fail('42704', 'item ' || athar.quoted(plan_schedule.delayed) || ' is not in the schedule', 'Nothing was scheduled.',
	'Name an item of the plan that is not cancelled.')
FROM subject AS s
WHERE plan_schedule.delayed IS NOT NULL
	AND NOT EXISTS (SELECT FROM athar.plan_actions(s.project_id, s.version) AS a WHERE a.item_id = plan_schedule.delayed AND a.status <> 'cancelled');
WITH subject AS MATERIALIZED (
	SELECT j.id AS project_id, coalesce(plan_schedule.version, j.head_version) AS version
	FROM athar.project AS j
	WHERE j.code = plan_schedule.project
)
SELECT n.item_id, n.duration, n.earliest_start, n.earliest_finish, n.latest_start, n.latest_finish, n.slack, n.slack = 0,
	CASE WHEN plan_schedule.delayed IS NOT NULL THEN n.earliest_finish - b.earliest_finish END, n.loop
FROM subject AS s
CROSS JOIN LATERAL athar.plan_network(s.project_id, s.version, plan_schedule.delayed, plan_schedule.days) AS n
LEFT JOIN athar.plan_network(s.project_id, s.version, NULL, 0) AS b ON plan_schedule.delayed IS NOT NULL AND b.item_id = n.item_id
ORDER BY n.ordinal;
END;
COMMENT ON FUNCTION athar.plan_schedule(text, integer, text, integer) IS
'The critical path of a plan, its newest version or the one given: one row per item that is not cancelled, in the order of the plan.
duration: days from starts_on to due_on, both counted; an item with one of them takes that day. earliest: as planned by starts_on, but not before everything in depends_on is finished; the next item begins on the day after. latest: what delays nothing that waits for it, nor the last day of the whole plan. slack: days between; is_critical where it is 0. An item that holds others lasts from the first of them to the last; they wait for what it waits for, and its starts_on holds them back.
delayed, days: what if this item took so many days longer; moved_by: how many days later each item then finishes, and the other columns are those of that case.
An item without days has NULLs, and passes on what it waits for. Items that wait for themselves have the loop (A1 > A3 > A1, each waits for the next) and no days, and whatever waits for them has none either. Earliest days beyond due_on tell that the plan''s own dates cannot be held.
Errors: 42704 for an unknown project or a delayed item that is not in the schedule; 22023 for a version that does not exist, or days not from 0 to 36500; 22003 for days beyond the calendar. No row for NULL.';
