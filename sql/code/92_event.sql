-- 92 event: thresholds that are crossed and what is overdue, each told once

CREATE OR REPLACE FUNCTION athar.banded_figures(
	only_some boolean DEFAULT false, kpi_ids integer[] DEFAULT NULL, service_ids integer[] DEFAULT NULL)
RETURNS TABLE (kpi_id integer, service_id integer, measured_until date, value double precision)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	WITH part AS (
		SELECT
			m.kpi_id,
			m.service_id,
			m.channel_id,
			m.kind,
			m.origin,
			p.period,
			m.summary,
			m.numerator,
			m.denominator,
			rank() OVER (
				PARTITION BY m.kpi_id, m.service_id
				ORDER BY upper(p.period) DESC, lower(p.period) DESC, CASE m.origin WHEN 'observed' THEN 'month' ELSE coalesce(m.basis, '') END,
					m.origin DESC) AS age
		FROM athar.measurement_rows AS m
		CROSS JOIN LATERAL (
			SELECT CASE m.origin WHEN 'observed' THEN athar.month_of(lower(m.period)) ELSE m.period END AS period
		) AS p
		WHERE m.kpi_id = ANY (ARRAY(
				SELECT DISTINCT b.kpi_id
				FROM athar.kpi_band AS b
				WHERE NOT banded_figures.only_some OR b.kpi_id = ANY (banded_figures.kpi_ids)))
			-- the index finds the services of any of the KPIs, the look-up leaves the series
			AND (NOT banded_figures.only_some OR m.service_id = ANY (banded_figures.service_ids) OR m.service_id IS NULL)
			AND (NOT banded_figures.only_some OR (m.kpi_id, coalesce(m.service_id, 0)) IN (
				SELECT s.kpi_id, coalesce(s.service_id, 0)
				FROM unnest(banded_figures.kpi_ids, banded_figures.service_ids) AS s (kpi_id, service_id)))
			AND (m.origin = 'observed' OR m.stage_id IS NULL)
	), counted AS (
		-- a reported figure for all channels already holds those of its channels
		SELECT
			p.kpi_id,
			p.service_id,
			p.kind,
			p.period,
			p.summary,
			p.numerator,
			p.denominator,
			p.origin = 'reported' AND p.channel_id IS NOT NULL
				AND bool_or(p.channel_id IS NULL) OVER (PARTITION BY p.kpi_id, p.service_id) AS is_contained
		FROM part AS p
		WHERE p.age = 1
	)
	SELECT
		c.kpi_id,
		c.service_id,
		upper(c.period) - 1,
		-- what one channel counts another may give as numerator and denominator
		athar.measurement_value(min(c.kind), athar.merge(c.summary),
			sum(c.numerator) + coalesce(sum(athar.total(c.summary)) FILTER (WHERE c.denominator IS NULL), 0),
			sum(c.denominator) + coalesce(sum(athar.n(c.summary)) FILTER (WHERE c.denominator IS NULL), 0))
	FROM counted AS c
	WHERE NOT c.is_contained
	GROUP BY c.kpi_id, c.service_id, c.period;
END;
COMMENT ON FUNCTION athar.banded_figures(boolean, integer[], integer[]) IS
'The newest figure of every KPI with bands, one row per service and one (service_id NULL) for the whole where that is measured: as service_scorecard has it, the newest reported period or the newest month of observations, whichever ends later, the shorter of two that end together, all channels together. NULL where the period has no figure. only_some: of the series given element by element, a service NULL for the whole; say so with the word true, by which the plan is made.';

CREATE OR REPLACE FUNCTION athar.watched_figures(
	only_some boolean DEFAULT false, kpi_ids integer[] DEFAULT NULL, service_ids integer[] DEFAULT NULL, goal_ids integer[] DEFAULT NULL)
RETURNS TABLE (
	kind text, kpi_id integer, service_id integer, channel_id integer, goal_id integer, yardstick text, measured_until date,
	value double precision, band text, lower_bound double precision, upper_bound double precision, margin double precision,
	target athar.target, baseline double precision)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	WITH band_set AS (
		SELECT
			b.kpi_id,
			b.valid_during,
			string_agg(format('%s [%s,%s)', b.code, b.lower_bound::double precision, b.upper_bound::double precision), ' '
				ORDER BY b.lower_bound NULLS FIRST) AS yardstick
		FROM athar.kpi_band AS b
		GROUP BY b.kpi_id, b.valid_during
	)
	SELECT
		'band',
		f.kpi_id,
		f.service_id,
		NULL::integer,
		NULL::integer,
		s.yardstick,
		f.measured_until,
		f.value,
		b.code::text,
		coalesce(b.lower_bound::double precision, '-Infinity'),
		coalesce(b.upper_bound::double precision, 'Infinity'),
		coalesce(k.smallest_change::double precision, 0),
		NULL::athar.target,
		NULL::double precision
	FROM athar.banded_figures(watched_figures.only_some, watched_figures.kpi_ids, watched_figures.service_ids) AS f
	JOIN athar.kpi AS k ON k.id = f.kpi_id
	JOIN band_set AS s ON s.kpi_id = f.kpi_id AND s.valid_during @> f.measured_until
	JOIN athar.kpi_band AS b ON b.kpi_id = f.kpi_id
		AND b.valid_during = s.valid_during
		AND f.value >= coalesce(b.lower_bound::double precision, '-Infinity')
		AND f.value < coalesce(b.upper_bound::double precision, 'Infinity')
	UNION ALL
	SELECT
		CASE WHEN g.published_at IS NULL THEN 'target' ELSE 'promise' END,
		g.kpi_id,
		g.service_id,
		g.channel_id,
		g.id,
		g.target::text,
		v.measured_until,
		v.value,
		CASE WHEN athar.is_met(g.target, v.value, v.baseline) THEN 'met' ELSE 'not_met' END,
		NULL,
		NULL,
		coalesce(k.smallest_change::double precision, 0),
		g.target,
		v.baseline
	FROM athar.goal AS g
	JOIN athar.goal_values(now(), watched_figures.goal_ids) AS v ON v.goal_id = g.id
	LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
	LEFT JOIN athar.kpi AS k ON k.id = g.kpi_id
	WHERE c.closed_at IS NULL
		AND athar.is_met(g.target, v.value, v.baseline) IS NOT NULL;
END;
COMMENT ON FUNCTION athar.watched_figures(boolean, integer[], integer[], integer[]) IS
'Every figure that record_events() watches, as it is now: the newest of every KPI with bands, per service (banded_figures()), and that of every goal with a target in a cycle that is not closed (goal_values()), with the band it lies in, or met or not_met. margin: how far it must come back over a threshold to count as back, the smallest change that matters of its KPI, 0 where that is not said. What is not measured, lies in no band, or has a relative target without a baseline is left out. only_some: the series (banded_figures()) and goals given.';

CREATE OR REPLACE FUNCTION athar.crossings(
	only_some boolean DEFAULT false, kpi_ids integer[] DEFAULT NULL, service_ids integer[] DEFAULT NULL, goal_ids integer[] DEFAULT NULL)
RETURNS TABLE (
	kind text, kpi_id integer, service_id integer, channel_id integer, goal_id integer, yardstick text, measured_until date,
	value double precision, band_from text, band_to text, threshold double precision, direction text)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	SELECT
		w.kind,
		w.kpi_id,
		w.service_id,
		w.channel_id,
		w.goal_id,
		w.yardstick,
		w.measured_until,
		w.value,
		l.band_to,
		w.band,
		t.threshold,
		CASE WHEN l.band_to IS NULL THEN NULL
			WHEN CASE
				WHEN w.goal_id IS NOT NULL THEN w.band = 'met'
				WHEN k.direction = 'up' THEN w.value > l.value
				WHEN k.direction = 'down' THEN w.value < l.value
				ELSE abs(w.value - k.desired_value) < abs(t.threshold - k.desired_value)
			END THEN 'better' ELSE 'worse' END
	FROM athar.watched_figures(crossings.only_some, crossings.kpi_ids, crossings.service_ids, crossings.goal_ids) AS w
	LEFT JOIN LATERAL (
		SELECT e.band_to, e.measured_until, e.value, e.threshold
		FROM athar.event AS e
		WHERE coalesce(e.goal_id, 0) = coalesce(w.goal_id, 0)
			AND coalesce(e.kpi_id, 0) = coalesce(w.kpi_id, 0)
			AND coalesce(e.service_id, 0) = coalesce(w.service_id, 0)
			AND coalesce(e.channel_id, 0) = coalesce(w.channel_id, 0)
			AND e.yardstick = w.yardstick
		ORDER BY e.id DESC
		LIMIT 1
	) AS l ON true
	LEFT JOIN athar.kpi AS k ON k.id = w.kpi_id
	CROSS JOIN LATERAL (
		SELECT CASE
			WHEN l.band_to IS NULL THEN NULL
			WHEN w.kind = 'band' THEN CASE WHEN w.value > l.value THEN w.lower_bound ELSE w.upper_bound END
			-- between two bounds: the one that lies nearer to what is outside
			ELSE coalesce(athar.goal_of(w.target, CASE athar.kind_of(w.target)
				WHEN 'between' THEN CASE w.band WHEN 'met' THEN l.value ELSE w.value END
				ELSE w.baseline END), w.value)
		END AS threshold
	) AS t
	WHERE (l.band_to IS NULL OR l.band_to <> w.band AND l.measured_until <= w.measured_until)
		-- back over the threshold crossed before, by less than the margin: still the same crossing
		-- (1 - 0.9 is less than 0.1 in its last place alone)
		AND (abs(w.value - l.threshold) < w.margin
			AND NOT athar.is_same_figure(abs(w.value - l.threshold), w.margin, l.threshold)
			AND CASE WHEN w.goal_id IS NULL THEN (w.value >= l.threshold) <> (l.value >= l.threshold)
				ELSE t.threshold = l.threshold END) IS NOT TRUE;
END;
COMMENT ON FUNCTION athar.crossings(boolean, integer[], integer[], integer[]) IS
'What record_events() would write of watched_figures(), which has the same arguments: one row for every threshold crossed, and one without band_from, threshold and direction for every figure found for the first time.';

CREATE OR REPLACE FUNCTION athar.find_events(
	only_some boolean, kpi_ids integer[] DEFAULT NULL, service_ids integer[] DEFAULT NULL, goal_ids integer[] DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH written AS (
		INSERT INTO athar.event (at, kind, kpi_id, service_id, channel_id, goal_id, yardstick, measured_until, value,
			band_from, band_to, threshold, direction)
		SELECT now(), c.kind, c.kpi_id, c.service_id, c.channel_id, c.goal_id, c.yardstick, c.measured_until, c.value,
			c.band_from, c.band_to, c.threshold, c.direction
		FROM (
			-- two plans: one reads whole tables, one looks up
			SELECT * FROM athar.crossings(false) WHERE NOT find_events.only_some
			UNION ALL
			SELECT * FROM athar.crossings(true, find_events.kpi_ids, find_events.service_ids, find_events.goal_ids) WHERE find_events.only_some
		) AS c
		ON CONFLICT DO NOTHING
		RETURNING id, kind, direction
	)
	-- Whoever may connect may listen: what was crossed stands in the view alone.
	SELECT count(*) FILTER (WHERE pg_notify('athar_event',
		jsonb_build_object('id', w.id, 'kind', w.kind, 'direction', w.direction)::text)::text IS NOT NULL)::integer
	FROM written AS w
	WHERE w.direction IS NOT NULL;
END;
COMMENT ON FUNCTION athar.find_events(boolean, integer[], integer[], integer[]) IS
'Writes the crossings() of all watched figures, or of some, sends them on the channel athar_event and returns how many there were. Called by record_events(), which knows which to look at.';

CREATE OR REPLACE FUNCTION athar.take_unseen(
	OUT is_everything boolean, OUT kpi_ids integer[], OUT service_ids integer[], OUT goal_ids integer[])
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	-- Time passes, too: all are looked at when a day begins somewhere, and at
	-- once where nobody said so, as in a database that nobody has looked at.
	INSERT INTO athar.unseen_figure (due_at)
	SELECT d.due_at
	FROM (
		SELECT now()
		UNION ALL
		SELECT coalesce(min(((now() AT TIME ZONE k.time_zone)::date + 1)::timestamp AT TIME ZONE k.time_zone), now() + interval '1 day')
		FROM athar.kpi AS k
	) AS d (due_at)
	WHERE NOT EXISTS (
		SELECT
		FROM athar.unseen_figure AS u
		WHERE num_nonnulls(u.kpi_id, u.goal_id) = 0
			AND u.due_at > now()
			-- later than that it was said by a clock that was set back since
			AND u.due_at <= now() + interval '2 days');
	WITH taken AS (
		DELETE FROM athar.unseen_figure AS u
		WHERE u.due_at IS NULL OR u.due_at <= now()
		RETURNING u.kpi_id, u.service_id, u.goal_id
	), dirty AS (
		-- views make these from the rows until they are refreshed
		SELECT DISTINCT d.source_id, d.service, d.day = '-infinity' AS is_everything
		FROM athar.dirty_source AS d
		JOIN athar.kpi_source AS s ON s.id = d.source_id
		WHERE s.last_error IS NULL
	), series AS (
		SELECT t.kpi_id, t.service_id FROM taken AS t WHERE t.kpi_id IS NOT NULL
		UNION
		SELECT d.kpi_id, d.service_id FROM athar.dirty_bucket AS d
		UNION
		SELECT s.kpi_id, v.id
		FROM dirty AS d
		JOIN athar.kpi_source AS s ON s.id = d.source_id
		LEFT JOIN athar.service AS v ON v.code = d.service
		WHERE d.service = '' OR v.id IS NOT NULL
	), goals AS (
		SELECT t.goal_id FROM taken AS t WHERE t.goal_id IS NOT NULL
		UNION
		SELECT g.id
		FROM series AS s
		JOIN athar.goal AS g ON g.kpi_id = s.kpi_id AND coalesce(g.service_id, 0) = coalesce(s.service_id, 0)
	)
	SELECT
		EXISTS (SELECT FROM taken AS t WHERE num_nonnulls(t.kpi_id, t.goal_id) = 0)
			OR EXISTS (SELECT FROM dirty AS d WHERE d.is_everything)
			-- looking up more than these takes longer than reading all
			OR (SELECT count(*) FROM series) > 10000,
		(SELECT array_agg(s.kpi_id ORDER BY s.kpi_id, s.service_id) FROM series AS s),
		(SELECT array_agg(s.service_id ORDER BY s.kpi_id, s.service_id) FROM series AS s),
		(SELECT array_agg(g.goal_id) FROM goals AS g);
END;
COMMENT ON FUNCTION athar.take_unseen() IS
'Empties the queue unseen_figure of what is due, and returns it: whether everything is to be looked at, else the series, element by element (a service NULL for the whole), with those whose days wait to be refreshed, and the goals, with those that look at these series.';

CREATE OR REPLACE FUNCTION athar.record_events()
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- the yardstick holds figures as text: they must read the same in every session
SET extra_float_digits = 1
BEGIN ATOMIC
	-- one run after the other: each compares with what the one before it wrote
	SELECT pg_advisory_xact_lock('pg_class'::regclass::oid::integer, 'athar.event'::regclass::oid::integer);
	-- the queue first, the figures in statements of their own after it: what
	-- comes in between is seen, and looked at once more the next time
	SELECT CASE
		WHEN u.is_everything THEN athar.find_events(false)
		WHEN num_nonnulls(u.kpi_ids, u.goal_ids) > 0 THEN
			athar.find_events(true, coalesce(u.kpi_ids, '{}'), coalesce(u.service_ids, '{}'), coalesce(u.goal_ids, '{}'))
		ELSE 0 END
	FROM athar.take_unseen() AS u;
END;
COMMENT ON FUNCTION athar.record_events() IS
'Writes an event for every threshold crossed since the last call, and returns how many; each is sent on the channel athar_event as {"id", "kind", "direction"} when the transaction commits. The job events calls it, after refresh and rollup.
Watched are watched_figures(): those of series and goals that may have another figure since, as the queue unseen_figure tells, and all of them where a definition changed and once a day. The first time a figure is found, or found under other bands or another target, is no crossing, nor is a figure that is missing or lies in no band. A threshold counts as crossed as soon as the figure is on its other side; after that, v counts as back over that threshold T where abs(v - T) is at least the smallest change that matters of the KPI. A figure of days before those of the last event is late and crosses nothing, and one crossing of one period is noticed once, however often it is corrected: later periods go on from there.';

CREATE OR REPLACE FUNCTION athar.reminders()
RETURNS TABLE (kind text, goal_id integer, project_id integer, action_id integer, due_on date)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1000
BEGIN ATOMIC
	SELECT r.kind, g.id, p.id, a.id, r.since
	FROM (
		SELECT o.kind, o.goal, o.project, o.action, o.since
		FROM athar.overdue AS o
		UNION ALL
		-- after its days of grace it is one of those above
		SELECT 'review_due', d.goal, d.project, NULL, d.next_due
		FROM athar.reviews_due AS d
		CROSS JOIN (SELECT (now() AT TIME ZONE athar.default_time_zone())::date) AS t (today)
		WHERE d.next_due <= t.today
			AND d.next_due + 3 >= t.today
	) AS r
	LEFT JOIN athar.goal AS g ON g.code = r.goal
	LEFT JOIN athar.project AS p ON p.code = r.project
	LEFT JOIN athar.action AS a ON a.project_id = p.id AND a.item_id = r.action AND a.removed_in_version IS NULL;
END;
COMMENT ON FUNCTION athar.reminders() IS
'What is to be reminded of now, one row each: what the view overdue lists, and, kind review_due, what reviews_due lists with a day that has come and is not overdue yet. due_on: the day by which it was to be done.';

CREATE OR REPLACE FUNCTION athar.record_reminders()
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	-- one run after the other: each compares with what the one before it wrote
	SELECT pg_advisory_xact_lock('pg_class'::regclass::oid::integer, 'athar.event'::regclass::oid::integer);
	WITH now_due AS MATERIALIZED (
		SELECT r.kind, r.goal_id, r.project_id, r.action_id, r.due_on
		FROM athar.reminders() AS r
	), known AS MATERIALIZED (
		-- what was to be done on a later day than that on which it was told is
		-- another one: it was settled in between, and nobody looked
		SELECT e.id, e.kind, e.goal_id, e.project_id, e.action_id, bool_or(d.kind IS NOT NULL) AS is_open
		FROM athar.event AS e
		LEFT JOIN now_due AS d ON d.kind = e.kind
			AND coalesce(d.goal_id, 0) = coalesce(e.goal_id, 0)
			AND coalesce(d.project_id, 0) = coalesce(e.project_id, 0)
			AND coalesce(d.action_id, 0) = coalesce(e.action_id, 0)
			AND d.due_on <= (e.at AT TIME ZONE athar.default_time_zone())::date
		WHERE e.due_on IS NOT NULL
			AND e.settled_at IS NULL
		GROUP BY e.id
	), settled AS (
		UPDATE athar.event AS e
		SET settled_at = now()
		FROM known AS k
		WHERE k.id = e.id
			AND NOT k.is_open
		RETURNING e.id
	), written AS (
		INSERT INTO athar.event (at, kind, goal_id, project_id, action_id, due_on)
		SELECT now(), d.kind, d.goal_id, d.project_id, d.action_id, d.due_on
		FROM now_due AS d
		LEFT JOIN known AS k ON k.is_open
			AND k.kind = d.kind
			AND coalesce(k.goal_id, 0) = coalesce(d.goal_id, 0)
			AND coalesce(k.project_id, 0) = coalesce(d.project_id, 0)
			AND coalesce(k.action_id, 0) = coalesce(d.action_id, 0)
		-- those that are settled make room first
		WHERE k.id IS NULL
			AND (SELECT count(*) FROM settled) >= 0
		RETURNING id, kind
	)
	SELECT count(*) FILTER (WHERE pg_notify('athar_event',
		jsonb_build_object('id', w.id, 'kind', w.kind, 'direction', NULL)::text)::text IS NOT NULL)::integer
	FROM written AS w;
END;
COMMENT ON FUNCTION athar.record_reminders() IS
'Writes an event for everything that is overdue or due for a review and was not told yet, and returns how many; each is sent on the channel athar_event as {"id", "kind", "direction": null} when the transaction commits. The job remind calls it.
Told are reviews that fall due (review_due), reviews, corrections and actions that are late (the kinds of the view overdue): once for as long as it stays so. What is so no longer gets settled_at; when it comes again, it is told again. A review that is due becomes another kind of event when it is late. Days are cut in the time zone of the setting athar.time_zone.';

CREATE OR REPLACE TRIGGER queue_unseen
AFTER INSERT OR UPDATE ON athar.goal
FOR EACH ROW EXECUTE FUNCTION athar.queue_unseen('', '', 'id', '');
COMMENT ON TRIGGER queue_unseen ON athar.goal IS 'Has record_events() look at the goal';

CREATE OR REPLACE TRIGGER queue_unseen
AFTER INSERT OR UPDATE ON athar.review
FOR EACH ROW WHEN (NEW.goal_id IS NOT NULL AND NEW.value IS NOT NULL AND NEW.kind <> 'recognition')
EXECUTE FUNCTION athar.queue_unseen('', '', 'goal_id', 'reviewed_at');
COMMENT ON TRIGGER queue_unseen ON athar.review IS 'Has record_events() look at the goal, as soon as the moment that the review speaks of has come';

-- What all figures depend on. plpgsql, because the statements are made from a list.
DO $$
DECLARE
	relation text;
BEGIN
	FOREACH relation IN ARRAY '{kpi,kpi_band,cycle,service,channel,stage}'::text[] LOOP
		EXECUTE format('CREATE OR REPLACE TRIGGER queue_unseen AFTER INSERT OR UPDATE OR DELETE ON athar.%1$I FOR EACH ROW EXECUTE FUNCTION athar.queue_unseen(%2$L, %2$L, %2$L, %2$L)', relation, '');
		EXECUTE format('COMMENT ON TRIGGER queue_unseen ON athar.%I IS %L', relation, 'Has record_events() look at everything');
	END LOOP;
END
$$;

CREATE OR REPLACE VIEW athar.events WITH (security_invoker = true) AS
SELECT
	e.id,
	e.at,
	e.kind,
	k.code::text AS kpi,
	s.code::text AS service,
	c.code::text AS channel,
	g.code::text AS goal,
	e.band_from,
	e.band_to,
	e.direction,
	e.value::double precision AS value,
	e.threshold::double precision AS threshold,
	e.measured_until,
	CASE WHEN e.due_on IS NOT NULL THEN
		format(CASE e.kind
				WHEN 'review_due' THEN '%s: is to be reviewed, since %s'
				WHEN 'never_reviewed' THEN '%s: was never reviewed, and should have been by %s'
				WHEN 'review_late' THEN '%s: should have been reviewed again by %s'
				WHEN 'uncorrected' THEN '%s: is off track, and no action to correct it was decided by %s'
				ELSE '%s: should have been done by %s'
			END, coalesce(g.title, n.title, p.name), to_char(e.due_on, 'YYYY-MM-DD'))
	WHEN e.goal_id IS NULL THEN
		format('%s%s %s: from "%s" to "%s", at %s (threshold %s)', k.name, ', ' || s.name,
			CASE e.direction WHEN 'better' THEN 'is better' ELSE 'is worse' END,
			coalesce(b.name, e.band_from), coalesce(a.name, e.band_to), t.figure, t.threshold)
	ELSE
		format('%s: %s, at %s (threshold %s)', g.title,
			CASE
				WHEN e.kind = 'promise' AND e.band_to = 'met' THEN 'the promise is kept'
				WHEN e.kind = 'promise' THEN 'the promise is no longer kept'
				WHEN e.band_to = 'met' THEN 'the target is met'
				ELSE 'the target is no longer met'
			END, t.figure, t.threshold)
	END AS message,
	CASE WHEN e.due_on IS NOT NULL THEN
		format(CASE e.kind
				WHEN 'review_due' THEN '%s: حان موعد المراجعة منذ %s'
				WHEN 'never_reviewed' THEN '%s: لم تُجرَ أي مراجعة، وكان موعدها %s'
				WHEN 'review_late' THEN '%s: تأخرت المراجعة، وكان موعدها %s'
				WHEN 'uncorrected' THEN '%s: خارج المسار، ولم يُقرَّر إجراء تصحيحي حتى %s'
				ELSE '%s: لم يكتمل التنفيذ، وكان موعده %s'
			END, coalesce(g.title_ar, g.title, n.title_ar, n.title, p.name_ar, p.name), to_char(e.due_on, 'YYYY-MM-DD'))
	WHEN e.goal_id IS NULL THEN
		format('%s%s: %s من "%s" إلى "%s"، والقيمة %s (الحد %s)', coalesce(k.name_ar, k.name), '، ' || coalesce(s.name_ar, s.name),
			CASE e.direction WHEN 'better' THEN 'تحسّن' ELSE 'تراجع' END,
			coalesce(b.name_ar, b.name, e.band_from), coalesce(a.name_ar, a.name, e.band_to), t.figure_ar, t.threshold_ar)
	ELSE
		format('%s: %s، والقيمة %s (الحد %s)', coalesce(g.title_ar, g.title),
			CASE
				WHEN e.kind = 'promise' AND e.band_to = 'met' THEN 'تحقق الوعد'
				WHEN e.kind = 'promise' THEN 'لم يعد الوعد متحققًا'
				WHEN e.band_to = 'met' THEN 'تحقق المستهدف'
				ELSE 'لم يعد المستهدف متحققًا'
			END, t.figure_ar, t.threshold_ar)
	END AS message_ar,
	p.code::text AS project,
	n.item_id AS action,
	e.due_on,
	e.settled_at
FROM athar.event AS e
LEFT JOIN athar.kpi AS k ON k.id = e.kpi_id
LEFT JOIN athar.service AS s ON s.id = e.service_id
LEFT JOIN athar.channel AS c ON c.id = e.channel_id
LEFT JOIN athar.goal AS g ON g.id = e.goal_id
LEFT JOIN athar.project AS p ON p.id = e.project_id
LEFT JOIN athar.action AS n ON n.id = e.action_id
LEFT JOIN athar.kpi_band AS b ON e.goal_id IS NULL AND b.kpi_id = e.kpi_id AND b.code = e.band_from AND b.valid_during @> e.measured_until
LEFT JOIN athar.kpi_band AS a ON e.goal_id IS NULL AND a.kpi_id = e.kpi_id AND a.code = e.band_to AND a.valid_during @> e.measured_until
CROSS JOIN LATERAL (
	-- three digits of how far it lies beyond the threshold
	SELECT
		athar.figure_text(e.value, e.value - e.threshold, 'en') AS figure,
		athar.figure_text(e.value, e.value - e.threshold, 'ar') AS figure_ar,
		athar.figure_text(e.threshold, e.value - e.threshold, 'en') AS threshold,
		athar.figure_text(e.threshold, e.value - e.threshold, 'ar') AS threshold_ar
) AS t
WHERE e.band_from IS NOT NULL
	OR e.due_on IS NOT NULL;
COMMENT ON VIEW athar.events IS 'Every threshold that a figure crossed: a KPI from one of its bands into another, or a goal its target, in both directions, one row per crossing, as record_events() noticed it; and every reminder of what fell due or is late, one row for as long as it was so, as record_reminders() noticed it';
COMMENT ON COLUMN athar.events.id IS 'Number of the event, in the order in which they were noticed; also sent on the channel athar_event';
COMMENT ON COLUMN athar.events.at IS 'When it was noticed';
COMMENT ON COLUMN athar.events.kind IS 'band: a KPI and its bands; target: a goal and its target; promise: the same of a published goal; review_due: a goal or project that is to be reviewed now; never_reviewed, review_late, uncorrected, late: as in the view overdue';
COMMENT ON COLUMN athar.events.kpi IS 'Code of the KPI; NULL for a goal measured by check-ins, and for a reminder';
COMMENT ON COLUMN athar.events.service IS 'Code of the service; NULL for the whole';
COMMENT ON COLUMN athar.events.channel IS 'Code of the channel a goal looks at; NULL for all together';
COMMENT ON COLUMN athar.events.goal IS 'Code of the goal; NULL for bands, projects and actions';
COMMENT ON COLUMN athar.events.band_from IS 'Code of the band it was in; met or not_met for a goal; this and the next five are NULL for a reminder';
COMMENT ON COLUMN athar.events.band_to IS 'Code of the band it is in from then on; met or not_met for a goal';
COMMENT ON COLUMN athar.events.direction IS 'better or worse';
COMMENT ON COLUMN athar.events.value IS 'The figure, in the KPI''s unit';
COMMENT ON COLUMN athar.events.threshold IS 'The figure that was crossed: the end of the band entered on the side it came from, or the target';
COMMENT ON COLUMN athar.events.measured_until IS 'Last day of what the figure covers; of a running month that month''s last';
COMMENT ON COLUMN athar.events.message IS 'What happened, in a sentence';
COMMENT ON COLUMN athar.events.message_ar IS 'The same in Arabic';
COMMENT ON COLUMN athar.events.project IS 'Code of the project that is to be reviewed, or has the action; NULL for all else';
COMMENT ON COLUMN athar.events.action IS 'Id of the action in the plan; NULL for all else';
COMMENT ON COLUMN athar.events.due_on IS 'Of a reminder: the day by which it was to be done; NULL for all else';
COMMENT ON COLUMN athar.events.settled_at IS 'Of a reminder: when record_reminders() first found it done, or found that a review that was due is late; NULL until then, and for all else';
