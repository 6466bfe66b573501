-- 95 schedule: what runs when, and how it ended

CREATE TABLE athar.job (
	name text PRIMARY KEY,
	ordinal integer NOT NULL,
	schedule text NOT NULL,
	procedure text NOT NULL,
	is_enabled boolean NOT NULL DEFAULT true,
	last_started_at timestamptz,
	last_finished_at timestamptz,
	last_outcome text,
	last_message text,
	CONSTRAINT job_last_outcome_check CHECK (last_outcome IN ('succeeded', 'failed'))
);
COMMENT ON TABLE athar.job IS 'The jobs that run_due() runs; written by schedule(), read through the view jobs';
COMMENT ON COLUMN athar.job.name IS 'Name of the job';
COMMENT ON COLUMN athar.job.ordinal IS 'Order among jobs that are due together';
COMMENT ON COLUMN athar.job.schedule IS 'When it is due: five cron fields, in GMT';
COMMENT ON COLUMN athar.job.procedure IS 'The function of this extension it calls';
COMMENT ON COLUMN athar.job.is_enabled IS 'False where it is left out';
COMMENT ON COLUMN athar.job.last_started_at IS 'When it last started';
COMMENT ON COLUMN athar.job.last_finished_at IS 'When it last ended';
COMMENT ON COLUMN athar.job.last_outcome IS 'succeeded or failed';
COMMENT ON COLUMN athar.job.last_message IS 'What it answered, or why it failed';
