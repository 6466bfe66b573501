-- 93 public: figures that anybody may see, without those of a few people

CREATE OR REPLACE FUNCTION athar.smallest_cell()
RETURNS integer
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_smallest_cell';
COMMENT ON FUNCTION athar.smallest_cell() IS
'Figures of fewer people than this are not shown in public views: the setting athar.smallest_cell, 5 unless a superuser set it.';

CREATE OR REPLACE FUNCTION athar.people_of(kind text, origin text, summary athar.summary, denominator double precision)
RETURNS double precision
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
-- a total that came as one figure counts as that many people; an observed one is of that many at most, however many days saw none
RETURN CASE
	WHEN denominator IS NOT NULL THEN denominator
	WHEN kind <> 'sum' THEN athar.n(summary)::double precision
	WHEN athar.n(summary) = 1 THEN abs(athar.total(summary))
	WHEN origin = 'observed' THEN least(athar.n(summary)::double precision, abs(athar.total(summary)))
	ELSE athar.n(summary)::double precision
END;
COMMENT ON FUNCTION athar.people_of(text, text, athar.summary, double precision) IS
'How many people a figure counts as, where those of few are hidden: its denominator, or else the number of its values; a total that came as one figure as that many, one of observations as their number or the total, whichever is less.';

CREATE OR REPLACE VIEW athar.public_measurements WITH (security_barrier = true) AS
WITH figure AS MATERIALIZED (
	SELECT
		f.kpi_id, f.service_id, f.channel_id, f.stage_id, f.origin, f.basis, f.period,
		-- a summary of some days of a ratio counts those alone
		CASE WHEN f.denominator IS NULL OR f.denominator = athar.n(f.summary) THEN athar.n(f.summary) END AS n,
		athar.measurement_value(f.kind, f.summary, f.numerator, f.denominator) AS value,
		athar.people_of(f.kind, f.origin, f.summary, f.denominator) AS people
	FROM (
		-- the table, not a view upon it: those would ask for the rights of whoever reads
		SELECT
			m.kpi_id, m.service_id, coalesce(m.channel_id, 0) AS channel_id, coalesce(m.stage_id, 0) AS stage_id, k.kind, m.origin,
			CASE m.origin WHEN 'observed' THEN 'month' ELSE coalesce(m.basis, '') END AS basis,
			CASE m.origin WHEN 'observed' THEN athar.month_of(lower(m.period)) ELSE m.period END AS period,
			athar.merge(m.summary) AS summary,
			sum(m.numerator::double precision) AS numerator,
			sum(m.denominator::double precision) AS denominator
		FROM athar.measurement AS m
		JOIN athar.kpi AS k ON k.id = m.kpi_id
		-- once per service, not per figure
		JOIN athar.service AS v ON v.id = m.service_id
		WHERE athar.may_see(v.unit_id, current_user)
		GROUP BY 1, 2, 3, 4, 5, 6, 7, 8) AS f
), chosen AS (
	-- one basis: a year less three quarters is the fourth
	SELECT DISTINCT ON (b.kpi_id, b.service_id) b.kpi_id, b.service_id, b.origin, b.basis
	FROM (
		SELECT f.kpi_id, f.service_id, f.origin, f.basis, count(DISTINCT f.period) AS periods, min(upper(f.period) - lower(f.period)) AS days
		FROM figure AS f
		GROUP BY f.kpi_id, f.service_id, f.origin, f.basis) AS b
	ORDER BY b.kpi_id, b.service_id, b.periods DESC, b.days, b.origin, b.basis
), cell AS (
	SELECT f.kpi_id, f.service_id, f.channel_id, f.stage_id, f.origin, f.basis, f.period, f.n, f.value, f.people,
		bool_or(f.channel_id <> 0 AND f.stage_id <> 0) OVER block AS has_crossed,
		bool_or(f.stage_id = 0) OVER (PARTITION BY f.kpi_id, f.service_id, f.period, f.channel_id) AS has_channel_total
	FROM figure AS f
	JOIN chosen AS c ON c.kpi_id = f.kpi_id AND c.service_id = f.service_id AND c.origin = f.origin AND c.basis = f.basis
	WINDOW block AS (PARTITION BY f.kpi_id, f.service_id, f.period)
), overlapping AS MATERIALIZED (
	SELECT o.kpi_id, o.service_id, o.period
	FROM (
		SELECT d.kpi_id, d.service_id, d.period,
			max(upper(d.period)) OVER (ascending ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS earlier_end,
			lead(lower(d.period)) OVER ascending AS next_begin
		FROM (SELECT DISTINCT c.kpi_id, c.service_id, c.period FROM cell AS c) AS d
		WINDOW ascending AS (PARTITION BY d.kpi_id, d.service_id ORDER BY d.period)) AS o
	WHERE (o.earlier_end > lower(o.period) OR o.next_begin < upper(o.period))
		AND athar.smallest_cell() > 1
), longer AS (
	-- within a basis, too: a total by the year less channels by the quarter
	SELECT DISTINCT a.kpi_id, a.service_id, a.period
	FROM overlapping AS a
	JOIN overlapping AS b ON b.kpi_id = a.kpi_id AND b.service_id = a.service_id AND b.period && a.period
		AND (upper(b.period) - lower(b.period), lower(b.period)) < (upper(a.period) - lower(a.period), lower(a.period))
), placed AS (
	-- Cells of one line add up to one total. Observations have no totals among them, but other views have.
	SELECT c.kpi_id, c.service_id, c.channel_id, c.stage_id, c.basis, c.period, c.n, c.value, c.people, c.has_crossed,
		CASE
			WHEN c.origin = 'observed' THEN 'all'
			WHEN c.channel_id = 0 AND c.stage_id = 0 THEN 'total'
			WHEN c.channel_id = 0 THEN 'stages'
			WHEN c.stage_id <> 0 AND c.has_channel_total THEN 'stages of ' || c.channel_id
			ELSE 'channels'
		END AS line
	FROM cell AS c
), ranked AS (
	SELECT p.kpi_id, p.service_id, p.channel_id, p.stage_id, p.basis, p.period, p.n, p.value, p.people, p.has_crossed, p.line,
		row_number() OVER ascending AS place,
		coalesce(sum(p.people) OVER (ascending ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS people_before,
		min(p.people) OVER (PARTITION BY p.kpi_id, p.service_id, p.period, p.line) < athar.smallest_cell() AS is_line_open,
		coalesce(min(p.people) FILTER (WHERE p.line = 'total') OVER (PARTITION BY p.kpi_id, p.service_id, p.period) < athar.smallest_cell(), false) AS is_total_small
	FROM placed AS p
	WINDOW ascending AS (PARTITION BY p.kpi_id, p.service_id, p.period, p.line ORDER BY p.people, p.channel_id, p.stage_id)
), hidden AS (
	-- what is hidden in a line: all small cells, two at least, of as many people together as may be shown
	SELECT r.kpi_id, r.service_id, r.channel_id, r.stage_id, r.basis, r.period, r.n, r.value, r.has_crossed, r.line,
		r.is_total_small OR r.people < athar.smallest_cell()
			OR r.is_line_open AND (r.place <= 2 OR r.people_before < athar.smallest_cell()) AS is_hidden
	FROM ranked AS r
), suppressed AS (
	-- stages within a hidden channel add up to it; stages over all channels would be a second way to the same cells
	SELECT h.kpi_id, h.service_id, h.channel_id, h.stage_id, h.basis, h.period, h.n, h.value,
		h.is_hidden
			OR l.period IS NOT NULL
			OR h.line LIKE 'stages of%' AND bool_or(h.is_hidden AND h.stage_id = 0) OVER (PARTITION BY h.kpi_id, h.service_id, h.period, h.channel_id)
			OR h.line = 'stages' AND h.has_crossed AND bool_or(h.is_hidden) OVER (PARTITION BY h.kpi_id, h.service_id, h.period) AS is_suppressed
	FROM hidden AS h
	LEFT JOIN longer AS l ON l.kpi_id = h.kpi_id AND l.service_id = h.service_id AND l.period = h.period
)
SELECT
	s.code::text AS service,
	s.name AS service_name,
	s.name_ar AS service_name_ar,
	k.code::text AS kpi,
	k.name AS kpi_name,
	k.name_ar AS kpi_name_ar,
	k.unit_of_measure,
	c.code::text AS channel,
	t.code::text AS stage,
	nullif(p.basis, '') AS basis,
	lower(p.period) AS period_start,
	upper(p.period) - 1 AS period_end,
	CASE WHEN NOT p.is_suppressed THEN p.n END AS n,
	CASE WHEN NOT p.is_suppressed THEN p.value END AS value,
	p.is_suppressed
FROM suppressed AS p
JOIN athar.kpi AS k ON k.id = p.kpi_id
JOIN athar.service AS s ON s.id = p.service_id
LEFT JOIN athar.channel AS c ON c.id = p.channel_id
LEFT JOIN athar.stage AS t ON t.id = p.stage_id;
COMMENT ON VIEW athar.public_measurements IS 'For the public: figures of services, without those of fewer people than athar.smallest_cell, and without as many others as are needed so that no subtraction gives them back. A total that came as one figure counts as that many people, one of observations as their number or as the total, whichever is less. Shown with the owner''s rights: SELECT on this view is enough, and a role that was given levels for some units sees their services alone (may_see). One basis per KPI and service: the one with most periods, the shorter of equals; where periods of it overlap the longer ones are hidden; observations by month, as the last refresh left them';
COMMENT ON COLUMN athar.public_measurements.service IS 'Code of the service';
COMMENT ON COLUMN athar.public_measurements.service_name IS 'Name of the service';
COMMENT ON COLUMN athar.public_measurements.service_name_ar IS 'Name of the service in Arabic';
COMMENT ON COLUMN athar.public_measurements.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.public_measurements.kpi_name IS 'Name of the KPI';
COMMENT ON COLUMN athar.public_measurements.kpi_name_ar IS 'Name of the KPI in Arabic';
COMMENT ON COLUMN athar.public_measurements.unit_of_measure IS 'Unit of the figure';
COMMENT ON COLUMN athar.public_measurements.channel IS 'Code of the channel; NULL for all channels together, or where it is not known';
COMMENT ON COLUMN athar.public_measurements.stage IS 'Code of the stage; NULL for the whole journey, or where it is not known';
COMMENT ON COLUMN athar.public_measurements.basis IS 'How the period is cut; month where the figures are observations';
COMMENT ON COLUMN athar.public_measurements.period_start IS 'First day of the period';
COMMENT ON COLUMN athar.public_measurements.period_end IS 'Last day of it';
COMMENT ON COLUMN athar.public_measurements.n IS 'Number of values; NULL where it is suppressed, and where only numerator and denominator are known';
COMMENT ON COLUMN athar.public_measurements.value IS 'The figure in the KPI''s unit; NULL where it is suppressed';
COMMENT ON COLUMN athar.public_measurements.is_suppressed IS 'True where the figure is not shown: of few people, or needed to hide one that is; which of the two is not told';

CREATE OR REPLACE VIEW athar.public_series WITH (security_barrier = true) AS
WITH cell AS MATERIALIZED (
	SELECT m.kpi, m.service, m.channel, m.stage, m.period_start, m.period_end, m.is_suppressed
	FROM athar.public_measurements AS m
)
SELECT c.kpi, c.service, NOT bool_or(c.is_suppressed) AS is_shown
FROM cell AS c
GROUP BY c.kpi, c.service
UNION ALL
-- The whole less the services that are shown is what the others have: as many must be hidden as people may be.
SELECT k.code::text, NULL,
	min(w.people) >= athar.smallest_cell() AND NOT EXISTS (
		SELECT
		FROM cell AS c
		WHERE c.kpi = k.code AND c.channel IS NULL AND c.stage IS NULL AND c.is_suppressed
		GROUP BY c.period_start, c.period_end
		HAVING count(*) < athar.smallest_cell())
FROM (
	SELECT m.kpi_id, athar.people_of(min(f.kind), m.origin, athar.merge(m.summary), sum(m.denominator::double precision)) AS people
	FROM athar.measurement AS m
	JOIN athar.kpi AS f ON f.id = m.kpi_id
	WHERE m.service_id IS NULL
	GROUP BY m.kpi_id, m.channel_id, m.stage_id, m.origin, m.basis, CASE m.origin WHEN 'observed' THEN athar.month_of(lower(m.period)) ELSE m.period END) AS w
JOIN athar.kpi AS k ON k.id = w.kpi_id
GROUP BY k.code;
COMMENT ON VIEW athar.public_series IS 'Whether every figure of a KPI for a service, or for the whole, may be shown to whoever reads: what else tells of figures in public (public_goals, recognitions) asks it';
COMMENT ON COLUMN athar.public_series.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.public_series.service IS 'Code of the service; NULL for the whole';
COMMENT ON COLUMN athar.public_series.is_shown IS 'True where public_measurements hides none of them; for the whole, where each is of at least athar.smallest_cell people, and it gives no service''s hidden figures away';

CREATE OR REPLACE VIEW athar.public_goals WITH (security_barrier = true) AS
WITH RECURSIVE hidden (id) AS (
	-- progress and target together are the figure
	SELECT g.id
	FROM athar.goal AS g
	JOIN athar.kpi AS k ON k.id = g.kpi_id
	LEFT JOIN athar.service AS v ON v.id = g.service_id
	LEFT JOIN athar.public_series AS s ON s.kpi = k.code AND coalesce(s.service, '') = coalesce(v.code, '')
	WHERE g.target IS NOT NULL AND s.is_shown IS NOT TRUE
	UNION
	-- a mean less the others is the one that is hidden
	SELECT p.id
	FROM hidden AS h
	JOIN athar.goal AS g ON g.id = h.id AND g.weight > 0
	JOIN athar.goal AS p ON p.id = g.parent_id AND p.target IS NULL
)
SELECT
	g.code::text AS goal,
	a.code::text AS parent,
	g.kind,
	g.title,
	g.title_ar,
	g.rationale,
	g.rationale_ar,
	u.name AS unit_name,
	u.name_ar AS unit_name_ar,
	c.name AS cycle_name,
	c.name_ar AS cycle_name_ar,
	lower(c.period) AS period_start,
	upper(c.period) - 1 AS period_end,
	g.target::text AS target,
	CASE WHEN NOT b.is_hidden THEN athar.shown_progress(s.progress) END AS progress,
	s.coverage,
	-- whether it is met is told; how far it is would be told by the day on which that changes
	CASE WHEN NOT b.is_hidden OR s.status IN ('achieved', 'missed', 'no_data') THEN s.status END AS status,
	s.as_of,
	s.is_final,
	g.published_at,
	b.is_hidden AND s.progress IS NOT NULL AS is_suppressed
FROM athar.goal AS g
LEFT JOIN athar.goal AS a ON a.id = g.parent_id AND a.published_at IS NOT NULL
LEFT JOIN athar.unit AS u ON u.id = g.unit_id
LEFT JOIN athar.cycle AS c ON c.id = g.cycle_id
LEFT JOIN LATERAL (
	-- what was kept: a view for strangers computes nothing with their rights
	SELECT d.progress, d.coverage, d.status, d.graded_at AS as_of, true AS is_final
	FROM athar.goal_grade AS d
	WHERE d.goal_id = g.id
	UNION ALL
	(SELECT p.progress, p.coverage,
		athar.goal_status(p.progress, p.coverage, athar.elapsed_share(c.period, c.time_zone, now()), g.commitment, g.target IS NOT NULL),
		p.rolled_up_at, false
	FROM athar.goal_progress AS p
	WHERE p.goal_id = g.id AND NOT EXISTS (SELECT FROM athar.goal_grade AS d WHERE d.goal_id = g.id)
	ORDER BY p.rolled_up_at DESC
	LIMIT 1)
) AS s ON true
CROSS JOIN LATERAL (SELECT g.id IN (SELECT h.id FROM hidden AS h)) AS b (is_hidden)
WHERE g.published_at IS NOT NULL;
COMMENT ON VIEW athar.public_goals IS 'What leadership wants and why, for everybody: the goals that were published (publish_goal()), and how they stood when they were last rolled up, or the grade once their cycle is closed. How far a goal is, is not shown where that would tell a figure that public_measurements hides: its own, or one counted below it';
COMMENT ON COLUMN athar.public_goals.goal IS 'Code of the goal';
COMMENT ON COLUMN athar.public_goals.parent IS 'Code of the goal it serves; NULL where that is not published';
COMMENT ON COLUMN athar.public_goals.kind IS 'policy, strategy, objective or key_result';
COMMENT ON COLUMN athar.public_goals.title IS 'What is wanted';
COMMENT ON COLUMN athar.public_goals.title_ar IS 'What is wanted, in Arabic';
COMMENT ON COLUMN athar.public_goals.rationale IS 'Why it is wanted';
COMMENT ON COLUMN athar.public_goals.rationale_ar IS 'Why it is wanted, in Arabic';
COMMENT ON COLUMN athar.public_goals.unit_name IS 'Name of the unit that wants it';
COMMENT ON COLUMN athar.public_goals.unit_name_ar IS 'Name of the unit in Arabic';
COMMENT ON COLUMN athar.public_goals.cycle_name IS 'Name of its cycle';
COMMENT ON COLUMN athar.public_goals.cycle_name_ar IS 'Name of the cycle in Arabic';
COMMENT ON COLUMN athar.public_goals.period_start IS 'First day of the cycle';
COMMENT ON COLUMN athar.public_goals.period_end IS 'Last day of it';
COMMENT ON COLUMN athar.public_goals.target IS 'What its figure is to reach; NULL where it is measured by the goals below';
COMMENT ON COLUMN athar.public_goals.progress IS 'Progress from 0 to 1; NULL where nothing is measured, and where is_suppressed';
COMMENT ON COLUMN athar.public_goals.coverage IS 'Share of the weight below it that is measured, 0 to 1';
COMMENT ON COLUMN athar.public_goals.status IS 'on_track, caution, off_track, no_data, achieved or missed; NULL without a cycle, and before the first rollup; where is_suppressed only achieved, missed and no_data';
COMMENT ON COLUMN athar.public_goals.as_of IS 'When progress was last found to have changed, or graded; NULL before the first rollup';
COMMENT ON COLUMN athar.public_goals.is_final IS 'True where it is the grade of a closed cycle';
COMMENT ON COLUMN athar.public_goals.published_at IS 'Since when it is published';
COMMENT ON COLUMN athar.public_goals.is_suppressed IS 'True where progress is not shown, because it would tell a figure of few people';
