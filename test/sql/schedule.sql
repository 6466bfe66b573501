-- schedule: what a person reads when a schedule is refused
SELECT athar.next_due('5 seconds', '2026-01-01 00:00:00+00');
SELECT athar.next_due('*/5 * * * * *', '2026-01-01 00:00:00+00');
SELECT athar.next_due('0 24 * * *', '2026-01-01 00:00:00+00');
SELECT athar.next_due('0 0 * foo *', '2026-01-01 00:00:00+00');
SELECT job, schedule FROM athar.schedule(rollup => '0 0 31 4,6,9,11 *');
-- and when it is taken
SELECT job, schedule FROM athar.schedule(refresh => '*/10 6-20 * * mon-fri', seal => NULL, effects => '30 1 1 * *');
SELECT name, schedule, is_enabled, last_outcome FROM athar.jobs;
-- a job that fails is also said aloud
INSERT INTO athar.job (name, ordinal, schedule, procedure) VALUES ('broken', 0, '0 0 1 1 *', 'athar.no_such_job');
UPDATE athar.job SET is_enabled = (name = 'broken');
SELECT athar.run_due();
SELECT name, last_outcome, last_message FROM athar.jobs WHERE name = 'broken';
DELETE FROM athar.job;
