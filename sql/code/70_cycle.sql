-- 70 cycle: for how long something is wanted

CREATE OR REPLACE FUNCTION athar.cycle_id(code text)
RETURNS integer
LANGUAGE SQL STABLE STRICT PARALLEL SAFE
RETURN coalesce(
	(SELECT c.id FROM athar.cycle AS c WHERE c.code = cycle_id.code),
	athar.missing('cycle', code, 'create_cycle()'));
COMMENT ON FUNCTION athar.cycle_id(text) IS 'The id of the cycle with this code; NULL for NULL. 42704 if there is none.';

CREATE OR REPLACE FUNCTION athar.elapsed_share(period daterange, time_zone text, at timestamptz)
RETURNS double precision
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN num_nulls(lower(period), upper(period), time_zone, at) > 0 THEN NULL
	WHEN NOT isfinite(at) THEN (at > 'epoch')::integer
	ELSE greatest(0, least(1,
	extract(epoch FROM at - lower(period)::timestamp AT TIME ZONE time_zone)::double precision
	/ extract(epoch FROM upper(period)::timestamp AT TIME ZONE time_zone - lower(period)::timestamp AT TIME ZONE time_zone)::double precision)) END;
COMMENT ON FUNCTION athar.elapsed_share(daterange, text, timestamptz) IS
'The share of a cycle that has passed at a moment, from 0 before it to 1 after it, its days cut in the time zone given: the progress expected of a goal that advances evenly. NULL without a period, and for one without a beginning or an end.';

CREATE OR REPLACE FUNCTION athar.check_cadence(cycle text, review_every interval)
RETURNS void
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.fail('22023', format('goals of cycle "%s" cannot be reviewed every %s', check_cadence.cycle, coalesce(check_cadence.review_every::text, 'NULL')),
		'When a review is due could not be told.', 'Give one day to ten years.')
	WHERE coalesce(check_cadence.review_every NOT BETWEEN interval '1 day' AND interval '10 years', true);
END;
COMMENT ON FUNCTION athar.check_cadence(text, interval) IS
'Raises 22023 where goals cannot be reviewed so often. Used by create_cycle() and set_cadence().';

CREATE OR REPLACE FUNCTION athar.create_cycle(code text, name text, period daterange, name_ar text DEFAULT NULL,
	review_every interval DEFAULT '1 month')
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_definition('cycle', create_cycle.code, create_cycle.name);
	SELECT athar.fail('22023', format('cycle "%s" has no days', create_cycle.code),
		'Nothing can be expected of goals in a cycle without a length.', 'Give its first day and the day after its last: [2026-01-01,2027-01-01).')
	WHERE coalesce(isempty(create_cycle.period), true);
	SELECT athar.fail('22023', format('cycle "%s" has no beginning or no end', create_cycle.code),
		'How much of it has passed could not be told.', 'Give its first day and the day after its last: [2026-01-01,2027-01-01).')
	WHERE NOT coalesce(isfinite(lower(create_cycle.period)) AND isfinite(upper(create_cycle.period)), false);
	SELECT athar.fail('22023', format('cycle "%s" is not of the years 1 to 9999', create_cycle.code),
		'What it covers could not be counted.', 'Give days of those years.')
	WHERE lower(create_cycle.period) < '0001-01-01' OR upper(create_cycle.period) > '10000-01-01';
	SELECT athar.check_cadence(create_cycle.code, create_cycle.review_every);
	SELECT athar.fail('23505', format('cycle "%s" exists already', create_cycle.code),
		'Nothing was changed.', 'Use it, or choose another code.')
	WHERE EXISTS (SELECT FROM athar.cycle AS c WHERE c.code = create_cycle.code);
	INSERT INTO athar.cycle (code, name, name_ar, period, time_zone, review_every)
	VALUES (create_cycle.code, create_cycle.name, create_cycle.name_ar, create_cycle.period,
		athar.default_time_zone(), create_cycle.review_every)
	RETURNING id;
END;
COMMENT ON FUNCTION athar.create_cycle(text, text, daterange, text, interval) IS
'Creates a cycle, a period for which goals are set, and returns its id. It begins and ends in the time zone of the setting athar.time_zone. Cycles may overlap, as a year and its quarters do. review_every: how often its goals are to be reviewed (reviews_due), from one day to ten years, which set_cadence() changes. 22023 for a blank or malformed code, a blank name, an empty period or one without both ends, or another review_every, 23505 if the code is taken.';

CREATE OR REPLACE FUNCTION athar.check_cycle(cycle_id integer)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	-- against close_cycle(), which locks it for update: no goal is left without a grade
	SELECT c.id FROM athar.cycle AS c WHERE c.id = check_cycle.cycle_id FOR SHARE;
	SELECT athar.fail('55000', format('cycle "%s" is closed', c.code),
		'Its goals have their grades, which never change.', 'Use a cycle that is open, or create one.')
	FROM athar.cycle AS c
	WHERE c.id = check_cycle.cycle_id AND c.closed_at IS NOT NULL;
END;
COMMENT ON FUNCTION athar.check_cycle(integer) IS
'Raises 55000 where the cycle with this id is closed, and keeps it open until the transaction ends. NULL is open for ever.';

CREATE OR REPLACE FUNCTION athar.check_cycle_manager(cycle text)
RETURNS void
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.fail('22023', 'a cycle is required', 'Nothing was changed.', 'Give the code of the cycle.')
	WHERE check_cycle_manager.cycle IS NULL;
	SELECT athar.fail('AT005', format('role "%s" may not change cycle "%s"', athar.caller(), check_cycle_manager.cycle),
		'Nothing was changed. It manages some units, and the cycle holds goals of all.', 'Ask who manages all units.')
	WHERE NOT athar.is_unlimited(athar.caller(), 'manage');
END;
COMMENT ON FUNCTION athar.check_cycle_manager(text) IS
'Raises 22023 without a cycle, AT005 where a unit limits what the caller manages. Used by set_cadence() and close_cycle().';

CREATE OR REPLACE FUNCTION athar.set_cadence(cycle text, review_every interval)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_cycle_manager(set_cadence.cycle);
	SELECT athar.check_cadence(set_cadence.cycle, set_cadence.review_every);
	SELECT athar.check_cycle(athar.cycle_id(set_cadence.cycle));
	WITH changed AS (
		UPDATE athar.cycle AS c
		SET review_every = set_cadence.review_every
		WHERE c.code = set_cadence.cycle AND c.review_every::text <> set_cadence.review_every::text
		RETURNING c.id
	)
	SELECT EXISTS (SELECT FROM changed);
END;
COMMENT ON FUNCTION athar.set_cadence(text, interval) IS
'Says anew how often the goals of a cycle, and the projects whose actions serve them, are to be reviewed, from one day to ten years; what is due (reviews_due) follows at once. Returns whether that is a change. 22023 without a cycle or for another length, 42704 for an unknown cycle, 55000 for one that is closed, AT005 where a unit limits the caller.';
