-- 61 stored: effects of plans, measured and kept

CREATE OR REPLACE FUNCTION athar.sync_effects(action_ids integer[])
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH named AS MATERIALIZED (
		SELECT
			a.id AS action_id,
			k.id AS kpi_id,
			e.named ->> 'target' AS target,
			(e.named ->> 'span')::interval AS span,
			(e.named ->> 'washout')::interval AS washout,
			CASE WHEN jsonb_typeof(e.named -> 'controls') = 'array'
				THEN ARRAY(SELECT c.code FROM jsonb_array_elements_text(e.named -> 'controls') AS c (code)) END AS controls,
			coalesce(e.named -> 'season_matched' = jsonb 'true', false) AS is_season_matched
		FROM athar.action AS a
		JOIN athar.plan_item AS i ON i.project_id = a.project_id AND i.revision = a.revision
		CROSS JOIN LATERAL jsonb_array_elements(athar.list_of(i.document, 'kpis')) AS e (named)
		JOIN athar.kpi AS k ON k.code = e.named ->> 'kpi'
		WHERE a.id = ANY (sync_effects.action_ids)
	), withdrawn AS (
		UPDATE athar.effect AS e
		SET is_withdrawn = true
		WHERE e.action_id = ANY (sync_effects.action_ids)
			AND NOT e.is_withdrawn
			AND NOT EXISTS (SELECT FROM named AS n WHERE n.action_id = e.action_id AND n.kpi_id = e.kpi_id)
	)
	INSERT INTO athar.effect AS e (action_id, kpi_id, target, span, washout, controls, is_season_matched)
	SELECT n.action_id, n.kpi_id, n.target, n.span, n.washout, n.controls, n.is_season_matched
	FROM named AS n
	ON CONFLICT (action_id, kpi_id) DO UPDATE
	SET target = excluded.target, span = excluded.span, washout = excluded.washout, controls = excluded.controls,
		is_season_matched = excluded.is_season_matched, is_withdrawn = false
	WHERE (e.target, e.span, e.washout, e.controls, e.is_season_matched, e.is_withdrawn)
		IS DISTINCT FROM (excluded.target, excluded.span, excluded.washout, excluded.controls, excluded.is_season_matched, false);
END;
COMMENT ON FUNCTION athar.sync_effects(integer[]) IS
'Makes the effects of these actions what their plan items name in kpis; one that is no longer named is kept and marked as withdrawn. Called by the trigger on action.';

CREATE OR REPLACE FUNCTION athar.effect_designs(effect_ids integer[])
RETURNS TABLE (
	effect_id integer, kpi_id integer, service_id integer, kpi text, service text, cutover timestamptz, span interval, washout interval,
	controls text[], season_matched boolean, ends_at timestamptz)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
	SELECT
		e.id,
		e.kpi_id,
		a.service_id,
		k.code::text,
		s.code::text,
		a.live_on::timestamp AT TIME ZONE k.time_zone,
		w.span,
		w.washout,
		-- a service that was renamed since the plan was written stops nothing
		CASE WHEN e.controls IS NOT NULL THEN
			ARRAY(SELECT c.code FROM unnest(e.controls) AS c (code) WHERE EXISTS (SELECT FROM athar.service AS o WHERE o.code = c.code)) END,
		e.is_season_matched,
		(a.live_on::timestamp + w.washout + w.span) AT TIME ZONE k.time_zone
	FROM athar.effect AS e
	JOIN athar.action AS a ON a.id = e.action_id
	JOIN athar.kpi AS k ON k.id = e.kpi_id
	LEFT JOIN athar.service AS s ON s.id = a.service_id
	CROSS JOIN LATERAL (SELECT coalesce(e.span, interval '1 year'), coalesce(e.washout, interval '0')) AS w (span, washout)
	WHERE e.id = ANY (effect_designs.effect_ids)
		AND NOT e.is_withdrawn
		AND a.removed_in_version IS NULL
		AND a.status <> 'cancelled'
		AND a.live_on >= '0001-01-02'
		AND a.live_on::timestamp AT TIME ZONE k.time_zone <= now();
END;
COMMENT ON FUNCTION athar.effect_designs(integer[]) IS
'How these effects are measured today, with the arguments of measure_effect() and the moment at which the time compared is over. No row for an effect that the plan no longer names, and for an action that was removed or cancelled or is not live. The cutover is the first moment of live_on in the KPI''s zone; controls whose codes no service has any more are left out.';

CREATE OR REPLACE FUNCTION athar.figures_behind(
	kpi_id integer, service_id integer, cutover timestamptz, span interval, washout interval, season_matched boolean)
RETURNS TABLE (before_figures bigint, after_figures bigint)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	WITH subject AS MATERIALIZED (
		SELECT l.cutover, w.before_from, w.before_to, w.after_from, w.after_to
		FROM athar.kpi AS k
		CROSS JOIN LATERAL (SELECT figures_behind.cutover AT TIME ZONE k.time_zone) AS l (cutover)
		CROSS JOIN LATERAL athar.compared_windows(l.cutover, l.cutover + figures_behind.washout, figures_behind.span, figures_behind.season_matched) AS w
		WHERE k.id = figures_behind.kpi_id
	), reported AS MATERIALIZED (
		SELECT p.is_after, p.is_chosen, p.figures
		FROM subject AS u
		CROSS JOIN LATERAL athar.period_points(figures_behind.kpi_id, ARRAY[figures_behind.service_id], u.cutover,
			figures_behind.span, figures_behind.washout, figures_behind.season_matched) AS p
	), observed AS MATERIALIZED (
		SELECT o.is_after, o.summary
		FROM subject AS u
		CROSS JOIN LATERAL athar.observed_points(figures_behind.kpi_id, ARRAY[figures_behind.service_id],
			u.before_from, u.before_to, u.after_from, u.after_to) AS o
		WHERE NOT EXISTS (SELECT FROM reported)
	), counted AS (
		SELECT r.is_after, r.figures
		FROM reported AS r
		WHERE r.is_chosen
		UNION ALL
		SELECT o.is_after, athar.n(o.summary)
		FROM observed AS o
		WHERE NOT EXISTS (SELECT FROM observed AS d WHERE d.summary IS NULL)
		UNION ALL
		SELECT v.is_after, 1
		FROM subject AS u
		CROSS JOIN LATERAL athar.ratio_values(figures_behind.kpi_id, figures_behind.service_id, u.before_from, u.before_to, u.after_from, u.after_to) AS v
		WHERE EXISTS (SELECT FROM observed AS d WHERE d.summary IS NULL)
	)
	SELECT
		coalesce(sum(c.figures) FILTER (WHERE NOT c.is_after), 0)::bigint,
		coalesce(sum(c.figures) FILTER (WHERE c.is_after), 0)::bigint
	FROM counted AS c;
END;
COMMENT ON FUNCTION athar.figures_behind(integer, integer, timestamptz, interval, interval, boolean) IS
'How many stored figures, single values or reported rows, measure_effect() compares for one KPI and service, before and after.';

CREATE OR REPLACE FUNCTION athar.first_measured(
	effect_id integer, cutover timestamptz, span interval, washout interval, season_matched boolean, ends_at timestamptz)
RETURNS TABLE (is_measured boolean, is_closed boolean, first athar.effect_measurement, closing athar.effect_measurement)
LANGUAGE SQL STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT count(*) > 0, count(*) FILTER (WHERE m.measured_at >= first_measured.ends_at) > 0,
		(array_agg(m ORDER BY m.id))[1],
		(array_agg(m ORDER BY m.id) FILTER (WHERE m.measured_at >= first_measured.ends_at))[1]
	FROM athar.effect_measurement AS m
	WHERE m.effect_id = first_measured.effect_id
		AND m.cutover = first_measured.cutover
		AND m.span = first_measured.span
		AND m.washout = first_measured.washout
		AND m.is_season_matched = first_measured.season_matched;
END;
COMMENT ON FUNCTION athar.first_measured(integer, timestamptz, interval, interval, boolean, timestamptz) IS
'The first measurement of an effect as it is measured today (same cutover, span, washout and season), which froze what was known of the time before, and the first one that was made when the time compared was over, which froze the time after; with NULLs where there is none.';

CREATE OR REPLACE FUNCTION athar.is_same_figure(a double precision, b double precision, size double precision)
RETURNS boolean
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN a IS NOT DISTINCT FROM b OR coalesce(abs(a - b) <= 1e-9 * greatest(abs(a), abs(b), abs(size)), false);
COMMENT ON FUNCTION athar.is_same_figure(double precision, double precision, double precision) IS
'Whether two figures say the same: equal, both NULL, or apart by no more than merging in another order can bring about (1e-9 of their size, or of size where that is more).';

CREATE OR REPLACE FUNCTION athar.late_rows(effect_id integer)
RETURNS bigint
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT greatest(b.before_figures - (f.first).before_figures, 0)
		+ CASE WHEN f.is_closed THEN greatest(b.after_figures - (f.closing).after_figures, 0) ELSE 0 END
	FROM athar.effect_designs(ARRAY[late_rows.effect_id]) AS d
	CROSS JOIN LATERAL athar.first_measured(d.effect_id, d.cutover, d.span, d.washout, d.season_matched, d.ends_at) AS f
	CROSS JOIN LATERAL athar.figures_behind(d.kpi_id, d.service_id, d.cutover, d.span, d.washout, d.season_matched) AS b
	WHERE f.is_measured;
END;
COMMENT ON FUNCTION athar.late_rows(integer) IS
'How many figures (single values, or reported rows) arrived too late for an effect, as of now: those of the time before the cutover since it was first measured, and those of the time after since it was first measured when that time was over. Told by counting: what was taken away hides what was added. NULL where it was never measured as the plan has it today.';

CREATE OR REPLACE FUNCTION athar.store_measurements(effect_ids integer[], is_automatic boolean)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH measured AS MATERIALIZED (
		SELECT
			d.effect_id, d.cutover, d.span, d.washout, d.season_matched, d.ends_at, m.*, b.before_figures, b.after_figures, f.first, f.closing, f.is_closed,
			greatest(abs(m.before_mean), abs(m.after_mean)) AS size
		FROM athar.effect_designs(store_measurements.effect_ids) AS d
		CROSS JOIN LATERAL athar.measure_effect(d.kpi, d.service, d.cutover, d.span, d.washout, d.controls, d.season_matched) AS m
		CROSS JOIN LATERAL athar.figures_behind(d.kpi_id, d.service_id, d.cutover, d.span, d.washout, d.season_matched) AS b
		CROSS JOIN LATERAL athar.first_measured(d.effect_id, d.cutover, d.span, d.washout, d.season_matched, d.ends_at) AS f
	), judged AS (
		SELECT
			m.*,
			coalesce(greatest(m.before_figures - (m.first).before_figures, 0), 0)
				+ coalesce(greatest(m.after_figures - (m.closing).after_figures, 0), 0) AS late_rows,
			(m.first).id IS NOT NULL AND NOT ((m.before_n, m.before_figures) = ((m.first).before_n, (m.first).before_figures)
				AND athar.is_same_figure(m.before_mean, (m.first).before_mean, m.size)
				AND athar.is_same_figure(m.before_sd, (m.first).before_sd, m.size)) AS is_before_late,
			m.is_closed AND NOT ((m.before_n, m.before_figures) = ((m.closing).before_n, (m.closing).before_figures)
				AND athar.is_same_figure(m.before_mean, (m.closing).before_mean, m.size)
				AND athar.is_same_figure(m.before_sd, (m.closing).before_sd, m.size)) AS is_baseline_moved,
			m.is_closed AND NOT ((m.after_n, m.after_figures) = ((m.closing).after_n, (m.closing).after_figures)
				AND athar.is_same_figure(m.after_mean, (m.closing).after_mean, m.size)
				AND athar.is_same_figure(m.after_sd, (m.closing).after_sd, m.size)) AS is_after_late,
			m.is_closed AND m.controls_used = (m.closing).controls_used
				AND NOT athar.is_same_figure(m.did_estimate, (m.closing).did_estimate, m.size) AS is_control_late
		FROM measured AS m
	), told AS (
		SELECT j.*, CASE WHEN j.is_before_late OR j.is_after_late OR j.is_control_late THEN j.flags || text 'late_data' ELSE j.flags END AS all_flags
		FROM judged AS j
		-- once the time compared is over, only somebody who asks for it gets another baseline, or other controls
		WHERE NOT (store_measurements.is_automatic AND j.is_closed AND (j.is_baseline_moved OR NOT j.is_after_late))
	), added AS (
		INSERT INTO athar.effect_measurement (
			effect_id, measured_at, cutover, span, washout,
			before_n, before_mean, before_sd, before_median, after_n, after_mean, after_sd, after_median,
			difference, percent_change, ci_low, ci_high, t, df, p_value, effect_size,
			matched_difference, mix_difference, did_estimate, did_ci_low, did_ci_high, did_p_value,
			controls_used, flags, verdict, is_season_matched, before_figures, after_figures, late_rows, matched_ci_low, matched_ci_high)
		SELECT
			m.effect_id, clock_timestamp(), m.cutover, m.span, m.washout,
			m.before_n, m.before_mean, m.before_sd, m.before_median, m.after_n, m.after_mean, m.after_sd, m.after_median,
			m.difference, m.percent_change, m.ci_low, m.ci_high, m.t, m.df, m.p_value, m.effect_size,
			m.matched_difference, m.mix_difference, m.did_estimate, m.did_ci_low, m.did_ci_high, m.did_p_value,
			m.controls_used, m.all_flags, m.verdict, m.season_matched, m.before_figures, m.after_figures, m.late_rows, m.matched_ci_low, m.matched_ci_high
		FROM told AS m
		LEFT JOIN athar.effect_measurement AS l
			ON l.id = (SELECT max(n.id) FROM athar.effect_measurement AS n WHERE n.effect_id = m.effect_id)
		WHERE l.id IS NULL
			-- the first one when the time compared is over is kept even where it says what the last one said
			OR (m.ends_at <= now() AND NOT m.is_closed)
			OR NOT ((l.cutover, l.span, l.washout, l.is_season_matched, l.before_n, l.before_figures, l.after_n, l.after_figures,
					l.controls_used, l.flags, l.verdict)
				= (m.cutover, m.span, m.washout, m.season_matched, m.before_n, m.before_figures, m.after_n, m.after_figures,
					m.controls_used, m.all_flags, m.verdict)
				AND athar.is_same_figure(l.before_mean, m.before_mean, m.size)
				AND athar.is_same_figure(l.before_sd, m.before_sd, m.size)
				AND athar.is_same_figure(l.after_mean, m.after_mean, m.size)
				AND athar.is_same_figure(l.after_sd, m.after_sd, m.size)
				AND athar.is_same_figure(l.matched_difference, m.matched_difference, m.size)
				AND athar.is_same_figure(l.did_estimate, m.did_estimate, m.size))
		RETURNING 1
	)
	SELECT count(*)::integer FROM added;
END;
COMMENT ON FUNCTION athar.store_measurements(integer[], boolean) IS
'Measures these effects and keeps each result that differs from the last one as a new row of effect_measurement; also the first one that is made when the time compared is over. is_automatic: nobody asked, so after that one a result is kept only where figures of the time after have arrived, and none of the time before. Returns the number of rows added.';

CREATE OR REPLACE FUNCTION athar.store_checks(effect_ids integer[], is_automatic boolean)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
	WITH design AS MATERIALIZED (
		SELECT d.effect_id, d.kpi, d.service, d.cutover, d.span, d.washout, d.season_matched
		FROM athar.effect_designs(store_checks.effect_ids) AS d
		WHERE NOT store_checks.is_automatic
			OR EXISTS (
				-- a check is due that was not made, or could not tell
				SELECT
				FROM unnest('{30,90,180,365}'::integer[]) AS c (days)
				WHERE d.cutover + d.washout + make_interval(days => c.days) <= now() + interval '1 day'
					AND NOT EXISTS (
						SELECT
						FROM athar.effect_check AS l
						WHERE l.effect_id = d.effect_id AND l.days = c.days AND l.cutover = d.cutover AND l.washout = d.washout
							AND l.verdict <> 'cannot_tell'))
	), added AS (
		INSERT INTO athar.effect_check (
			effect_id, days, checked_on, measured_at, cutover, washout,
			before_mean, early_n, early_mean, late_n, late_mean, difference, ci_low, ci_high, p_value, verdict, late_before_mean)
		SELECT
			d.effect_id, s.days, s.checked_on, clock_timestamp(), d.cutover, d.washout,
			s.before_mean, s.early_n, s.early_mean, s.late_n, s.late_mean, s.difference, s.ci_low, s.ci_high, s.p_value, s.verdict, s.late_before_mean
		FROM design AS d
		CROSS JOIN LATERAL athar.sustained_effect(d.kpi, d.service, d.cutover, d.span, d.washout, d.season_matched) AS s
		LEFT JOIN athar.effect_check AS l
			ON l.id = (SELECT max(n.id) FROM athar.effect_check AS n WHERE n.effect_id = d.effect_id AND n.days = s.days)
				AND l.cutover = d.cutover
				AND l.washout = d.washout
		WHERE s.verdict IS NOT NULL
			AND (l.id IS NULL
				OR (NOT store_checks.is_automatic OR l.verdict = 'cannot_tell')
				AND NOT ((l.checked_on, l.early_n, l.late_n, l.verdict) = (s.checked_on, s.early_n, s.late_n, s.verdict)
					AND athar.is_same_figure(l.before_mean, s.before_mean, NULL)
					AND athar.is_same_figure(l.early_mean, s.early_mean, NULL)
					AND athar.is_same_figure(l.late_mean, s.late_mean, NULL)
					AND athar.is_same_figure(l.late_before_mean, s.late_before_mean, NULL)))
		RETURNING 1
	)
	SELECT count(*)::integer FROM added;
END;
COMMENT ON FUNCTION athar.store_checks(integer[], boolean) IS
'Makes those checks of these effects whose day has come and keeps each that differs from the last one as a new row of effect_check; is_automatic: only what was never made, or could not tell. Returns the number of rows added.';

CREATE OR REPLACE FUNCTION athar.measure_effects(project text DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.project_id(measure_effects.project);
	WITH chosen AS MATERIALIZED (
		SELECT coalesce(array_agg(e.id ORDER BY e.id), '{}') AS ids
		FROM athar.effect AS e
		JOIN athar.action AS a ON a.id = e.action_id
		JOIN athar.project AS p ON p.id = a.project_id
		WHERE measure_effects.project IS NULL OR p.code = measure_effects.project
	), checked AS MATERIALIZED (
		SELECT athar.store_checks(c.ids, false) AS rows FROM chosen AS c
	)
	SELECT athar.store_measurements(c.ids, false)
	FROM chosen AS c
	CROSS JOIN checked AS k;
END;
COMMENT ON FUNCTION athar.measure_effects(text) IS
'Measures every effect whose action is live, of one project or (NULL) of all, and keeps each result that differs from the last one as a new row of effect_measurement; an old row never changes. Makes the checks whose day has come, too (sustained_effects). The cutover is the first moment of live_on in the KPI''s zone. Returns the number of measurements added. 42704 for an unknown project.
Late figures: the first measurement freezes what was known of the time before the cutover, and the first one made when the time compared was over freezes the time after. A later measurement over figures that were added or corrected since, the controls'' included, is a new row with the flag late_data, and late_rows counts those added to the service''s own.';

CREATE OR REPLACE FUNCTION athar.measure_due_effects()
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH chosen AS MATERIALIZED (
		SELECT
			coalesce(array_agg(d.effect_id ORDER BY d.effect_id), '{}') AS ids,
			coalesce(array_agg(d.effect_id ORDER BY d.effect_id) FILTER (WHERE d.ends_at <= now() OR NOT f.is_measured), '{}') AS due_ids
		FROM athar.effect_designs(ARRAY(SELECT e.id FROM athar.effect AS e)) AS d
		CROSS JOIN LATERAL athar.first_measured(d.effect_id, d.cutover, d.span, d.washout, d.season_matched, d.ends_at) AS f
	), checked AS MATERIALIZED (
		SELECT athar.store_checks(c.ids, true) AS rows FROM chosen AS c
	)
	SELECT athar.store_measurements(c.due_ids, true)
	FROM chosen AS c
	CROSS JOIN checked AS k;
END;
COMMENT ON FUNCTION athar.measure_due_effects() IS
'What the job effects does: measures each effect once when its action is live, which freezes what is known of the time before, and when the time compared is over; after that again where figures of the time after have arrived, but never over another baseline (measure_effects() does that). Makes the checks whose day has come. Returns the number of measurements added; called again at once it adds none.';

CREATE OR REPLACE FUNCTION athar.measure_closed_effects(action_ids integer[])
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.store_measurements(coalesce(array_agg(d.effect_id ORDER BY d.effect_id), '{}'), false)
	FROM athar.effect_designs(ARRAY(
		SELECT e.id
		FROM athar.effect AS e
		WHERE e.action_id = ANY (measure_closed_effects.action_ids))) AS d
	WHERE d.ends_at <= now();
END;
COMMENT ON FUNCTION athar.measure_closed_effects(integer[]) IS
'Measures the effects of these actions as far as the time compared is over; the others wait for measure_due_effects(). Called by the trigger on action when an action becomes done or verified. Returns the number of rows added.';

CREATE OR REPLACE FUNCTION athar.follow_actions()
RETURNS trigger
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'athar_follow_actions';
COMMENT ON FUNCTION athar.follow_actions() IS 'Trigger: brings the effects of the actions that a statement wrote in line with their plan items, and measures those of actions that became done or verified; figures that cannot be computed with (class 22) are a warning then, and stop no plan';

CREATE OR REPLACE TRIGGER follow_actions_inserted
	AFTER INSERT ON athar.action
	REFERENCING NEW TABLE AS new_actions
	FOR EACH STATEMENT EXECUTE FUNCTION athar.follow_actions();
COMMENT ON TRIGGER follow_actions_inserted ON athar.action IS 'Makes the effects of new actions';

CREATE OR REPLACE TRIGGER follow_actions_updated
	AFTER UPDATE ON athar.action
	REFERENCING OLD TABLE AS old_actions NEW TABLE AS new_actions
	FOR EACH STATEMENT EXECUTE FUNCTION athar.follow_actions();
COMMENT ON TRIGGER follow_actions_updated ON athar.action IS 'Brings the effects of changed actions up to date';
