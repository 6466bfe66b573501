-- 93 public: figures that anybody may see, without those of a few people

CREATE OR REPLACE FUNCTION athar.smallest_cell()
RETURNS integer
LANGUAGE C STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_smallest_cell';
COMMENT ON FUNCTION athar.smallest_cell() IS
'Figures of fewer people than this are not shown in public views: the setting athar.smallest_cell, 5 unless a superuser set it.';

CREATE OR REPLACE VIEW athar.public_measurements WITH (security_barrier = true) AS
WITH figure AS MATERIALIZED (
	SELECT
		f.kpi_id, f.service_id, f.channel_id, f.stage_id, f.origin, f.basis, f.period,
		-- a summary of some days of a ratio counts those alone
		CASE WHEN f.denominator IS NULL OR f.denominator = athar.n(f.summary) THEN athar.n(f.summary) END AS n,
		athar.measurement_value(f.kind, f.summary, f.numerator, f.denominator) AS value,
		-- a total that came as one figure counts as that many people; an observed one is of that many at most, however many days saw none
		CASE
			WHEN f.denominator IS NOT NULL THEN f.denominator
			WHEN f.kind <> 'sum' THEN athar.n(f.summary)::double precision
			WHEN athar.n(f.summary) = 1 THEN abs(athar.total(f.summary))
			WHEN f.origin = 'observed' THEN least(athar.n(f.summary)::double precision, abs(athar.total(f.summary)))
			ELSE athar.n(f.summary)::double precision
		END AS people
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
