-- 92 event: thresholds that are crossed, each told once

CREATE OR REPLACE FUNCTION athar.banded_figures()
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
		WHERE m.kpi_id = ANY (ARRAY(SELECT DISTINCT b.kpi_id FROM athar.kpi_band AS b))
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
COMMENT ON FUNCTION athar.banded_figures() IS
'The newest figure of every KPI with bands, one row per service and one (service_id NULL) for the whole where that is measured: as service_scorecard has it, the newest reported period or the newest month of observations, whichever ends later, the shorter of two that end together, all channels together. NULL where the period has no figure.';

CREATE OR REPLACE FUNCTION athar.watched_figures()
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
	FROM athar.banded_figures() AS f
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
	JOIN athar.goal_values(now()) AS v ON v.goal_id = g.id
	LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
	LEFT JOIN athar.kpi AS k ON k.id = g.kpi_id
	WHERE c.closed_at IS NULL
		AND athar.is_met(g.target, v.value, v.baseline) IS NOT NULL;
END;
COMMENT ON FUNCTION athar.watched_figures() IS
'Every figure that record_events() watches, as it is now: the newest of every KPI with bands, per service (banded_figures()), and that of every goal with a target in a cycle that is not closed (goal_values()), with the band it lies in, or met or not_met. margin: how far it must come back over a threshold to count as back, the smallest change that matters of its KPI, 0 where that is not said. What is not measured, lies in no band, or has a relative target without a baseline is left out.';

CREATE OR REPLACE FUNCTION athar.record_events()
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
-- the yardstick holds figures as text: they must read the same in every session
SET extra_float_digits = 1
BEGIN ATOMIC
	-- one run after the other: each compares with what the one before it wrote
	SELECT pg_advisory_xact_lock('pg_class'::regclass::oid::integer, 'athar.event'::regclass::oid::integer);
	WITH last AS MATERIALIZED (
		SELECT DISTINCT ON (e.kpi_id, e.service_id, e.channel_id, e.goal_id, e.yardstick)
			e.kpi_id, e.service_id, e.channel_id, e.goal_id, e.yardstick, e.measured_until, e.value, e.band_to, e.threshold
		FROM athar.event AS e
		ORDER BY e.kpi_id, e.service_id, e.channel_id, e.goal_id, e.yardstick, e.id DESC
	), moved AS (
		SELECT
			w.kind,
			w.kpi_id,
			w.service_id,
			w.channel_id,
			w.goal_id,
			w.yardstick,
			w.measured_until,
			w.value,
			w.band,
			w.margin,
			l.band_to AS band_before,
			l.threshold AS threshold_before,
			l.value AS value_before,
			CASE
				WHEN l.band_to IS NULL THEN NULL
				WHEN w.kind = 'band' THEN CASE WHEN w.value > l.value THEN w.lower_bound ELSE w.upper_bound END
				-- between two bounds: the one that lies nearer to what is outside
				ELSE coalesce(athar.goal_of(w.target, CASE athar.kind_of(w.target)
					WHEN 'between' THEN CASE w.band WHEN 'met' THEN l.value ELSE w.value END
					ELSE w.baseline END), w.value)
			END AS threshold
		FROM athar.watched_figures() AS w
		LEFT JOIN last AS l ON coalesce(l.goal_id, 0) = coalesce(w.goal_id, 0)
			AND coalesce(l.kpi_id, 0) = coalesce(w.kpi_id, 0)
			AND coalesce(l.service_id, 0) = coalesce(w.service_id, 0)
			AND coalesce(l.channel_id, 0) = coalesce(w.channel_id, 0)
			AND l.yardstick = w.yardstick
		WHERE l.band_to IS NULL OR l.band_to <> w.band AND l.measured_until <= w.measured_until
	), written AS (
		INSERT INTO athar.event (at, kind, kpi_id, service_id, channel_id, goal_id, yardstick, measured_until, value,
			band_from, band_to, threshold, direction)
		SELECT now(), m.kind, m.kpi_id, m.service_id, m.channel_id, m.goal_id, m.yardstick, m.measured_until, m.value,
			m.band_before, m.band, m.threshold,
			CASE WHEN m.band_before IS NULL THEN NULL
				WHEN CASE
					WHEN m.goal_id IS NOT NULL THEN m.band = 'met'
					WHEN k.direction = 'up' THEN m.value > m.value_before
					WHEN k.direction = 'down' THEN m.value < m.value_before
					ELSE abs(m.value - k.desired_value) < abs(m.threshold - k.desired_value)
				END THEN 'better' ELSE 'worse' END
		FROM moved AS m
		LEFT JOIN athar.kpi AS k ON k.id = m.kpi_id
		-- back over the threshold crossed before, by less than the margin: still the same crossing
		WHERE (abs(m.value - m.threshold_before) < m.margin
			AND CASE WHEN m.goal_id IS NULL THEN (m.value >= m.threshold_before) <> (m.value_before >= m.threshold_before)
				ELSE m.threshold = m.threshold_before END) IS NOT TRUE
		ON CONFLICT DO NOTHING
		RETURNING id, kind, direction
	)
	-- Whoever may connect may listen: what was crossed stands in the view alone.
	SELECT count(*) FILTER (WHERE pg_notify('athar_event',
		jsonb_build_object('id', w.id, 'kind', w.kind, 'direction', w.direction)::text)::text IS NOT NULL)::integer
	FROM written AS w
	WHERE w.direction IS NOT NULL;
END;
COMMENT ON FUNCTION athar.record_events() IS
'Writes an event for every threshold crossed since the last call, and returns how many; each is sent on the channel athar_event as {"id", "kind", "direction"} when the transaction commits. The job events calls it, after refresh and rollup.
Watched are watched_figures(). The first time a figure is found, or found under other bands or another target, is no crossing, nor is a figure that is missing or lies in no band. A threshold counts as crossed as soon as the figure is on its other side; after that, v counts as back over that threshold T where abs(v - T) is at least the smallest change that matters of the KPI. A figure of days before those of the last event is late and crosses nothing, and one crossing of one period is noticed once, however often it is corrected: later periods go on from there.';

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
	CASE WHEN e.goal_id IS NULL THEN
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
	CASE WHEN e.goal_id IS NULL THEN
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
	END AS message_ar
FROM athar.event AS e
LEFT JOIN athar.kpi AS k ON k.id = e.kpi_id
LEFT JOIN athar.service AS s ON s.id = e.service_id
LEFT JOIN athar.channel AS c ON c.id = e.channel_id
LEFT JOIN athar.goal AS g ON g.id = e.goal_id
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
WHERE e.band_from IS NOT NULL;
COMMENT ON VIEW athar.events IS 'Every threshold that a figure crossed: a KPI from one of its bands into another, or a goal its target, in both directions; one row per crossing, as record_events() noticed it';
COMMENT ON COLUMN athar.events.id IS 'Number of the event, in the order in which they were noticed; also sent on the channel athar_event';
COMMENT ON COLUMN athar.events.at IS 'When it was noticed';
COMMENT ON COLUMN athar.events.kind IS 'band: a KPI and its bands; target: a goal and its target; promise: the same of a published goal';
COMMENT ON COLUMN athar.events.kpi IS 'Code of the KPI; NULL for a goal measured by check-ins';
COMMENT ON COLUMN athar.events.service IS 'Code of the service; NULL for the whole';
COMMENT ON COLUMN athar.events.channel IS 'Code of the channel a goal looks at; NULL for all together';
COMMENT ON COLUMN athar.events.goal IS 'Code of the goal; NULL for bands';
COMMENT ON COLUMN athar.events.band_from IS 'Code of the band it was in; met or not_met for a goal';
COMMENT ON COLUMN athar.events.band_to IS 'Code of the band it is in from then on; met or not_met for a goal';
COMMENT ON COLUMN athar.events.direction IS 'better or worse';
COMMENT ON COLUMN athar.events.value IS 'The figure, in the KPI''s unit';
COMMENT ON COLUMN athar.events.threshold IS 'The figure that was crossed: the end of the band entered on the side it came from, or the target';
COMMENT ON COLUMN athar.events.measured_until IS 'Last day of what the figure covers; of a running month that month''s last';
COMMENT ON COLUMN athar.events.message IS 'What happened, in a sentence';
COMMENT ON COLUMN athar.events.message_ar IS 'The same in Arabic';
