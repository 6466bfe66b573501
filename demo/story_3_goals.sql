\pset footer off
\pset null '-'
\pset linestyle unicode
\pset border 1
\echo
\echo '4. WHAT WAS WANTED'
\echo 'pg_cron rolled the goals up by itself. No goal is typed in: each follows the measurements.'
SELECT j.name AS job, j.schedule, j.last_outcome AS outcome, j.last_message AS message
FROM athar.jobs AS j
WHERE j.name = 'rollup';
SELECT repeat('  ', t.depth - 1) || t.title AS goal, t.weight, t.target, round(t.current::numeric, 3) AS now,
	round(t.progress::numeric, 3) AS progress, round(t.coverage::numeric, 2) AS measured, t.status
FROM athar.okr_tree AS t
WHERE t.cycle = '2015'
ORDER BY t.path;
\echo 'What nothing measures stays without a figure, and the objective says how much of it is measured at all.'
