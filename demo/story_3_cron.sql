\pset footer off
\pset linestyle unicode
\pset border 1
\echo 'The run, as pg_cron itself recorded it:'
SELECT d.database, d.command, d.status, d.return_message
FROM cron.job_run_details AS d
ORDER BY d.runid
LIMIT 1;
