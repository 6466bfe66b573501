\pset footer off
\pset null '-'
\pset linestyle unicode
\pset border 1
\o /dev/null
SELECT athar.create_mark('as first published');
-- the publisher's own corrections, release by release, each with its editor and reason
SELECT format($$
BEGIN;
SELECT athar.set_context(%L, %L);
UPDATE published_figure AS f
SET value = c.new_value
FROM correction AS c
WHERE c.release = %L AND c.service = f.service AND c.cell = f.cell;
COMMIT;$$, c.changed_by, c.reason, c.release)
FROM correction AS c
GROUP BY c.changed_by, c.reason, c.release
ORDER BY min(c.changed_at)
\gexec
\o
\echo
\echo '5. WHO CHANGED WHAT, WHEN AND WHY'
\echo 'Everything above is in the log; so is an application''s own table of published figures, which the publisher corrected.'
SELECT l.relation AS what, l.actor AS who, l.reason AS why, count(*) AS entries, to_char(min(l.at), 'YYYY-MM-DD HH24:MI:SS') AS "when"
FROM athar.change_log AS l
WHERE l.actor <> 'demonstration'
GROUP BY l.relation, l.actor, l.reason
ORDER BY min(l.entry_id);
\echo 'One figure''s history:'
SELECT h.operation AS what, h.actor AS who, h.reason AS why, h.old_values ->> 'value' AS old, h.new_values ->> 'value' AS new,
	to_char(h.at, 'YYYY-MM-DD HH24:MI:SS') AS "when"
FROM athar.row_history('published_figure',
	'{"cell": "Total transactions Jul - Sep 2014", "service": "dft-register-a-vehicle"}') AS h;
\echo 'The table as of the mark made before the corrections, beside today:'
SELECT then_.service, then_.value AS "as first published", now_.value AS today
FROM athar.as_of(NULL::published_figure, (SELECT m.at FROM athar.mark AS m WHERE m.name = 'as first published')) AS then_
JOIN published_figure AS now_ USING (service, cell)
WHERE then_.cell = 'Total transactions Jul - Sep 2014' AND then_.value IS DISTINCT FROM now_.value
ORDER BY then_.service;
\echo 'A change without a reason is refused:'
\set ON_ERROR_STOP off
UPDATE published_figure SET value = 0;
\set ON_ERROR_STOP on
\echo
\echo 'What would it take to undo the last release? (A dry run: nothing is written.)'
SELECT u.operation, u.row_key ->> 'service' AS service, u.row_key ->> 'cell' AS cell, u.old_values ->> 'value' AS now, u.new_values ->> 'value' AS "back to"
FROM athar.undo_transaction((SELECT max(l.transaction_id) FROM athar.change_log AS l WHERE l.reason = 'Add Q1 2016 TxEx CSV files'), 'published by mistake', dry_run => true) AS u;
