-- 94 channel: is a service the same whichever way it is reached?

CREATE OR REPLACE VIEW athar.period_figures WITH (security_invoker = true) AS
SELECT
	r.kpi_id,
	r.service_id,
	r.channel_id,
	r.stage_id,
	r.kind,
	r.origin,
	r.basis,
	r.period,
	r.summary,
	r.numerator,
	r.denominator
FROM athar.measurement_rows AS r
WHERE r.origin = 'reported'
UNION ALL
SELECT
	r.kpi_id,
	r.service_id,
	r.channel_id,
	r.stage_id,
	r.kind,
	r.origin,
	'month',
	athar.month_of(lower(r.period)),
	athar.merge(r.summary),
	sum(r.numerator),
	sum(r.denominator)
FROM athar.measurement_rows AS r
WHERE r.origin = 'observed'
GROUP BY r.kpi_id, r.service_id, r.channel_id, r.stage_id, r.kind, r.origin, athar.month_of(lower(r.period));
COMMENT ON VIEW athar.period_figures IS 'Figures by period, with ids and mergeable summaries: reported ones as they are, observations by month';
COMMENT ON COLUMN athar.period_figures.kpi_id IS 'Internal key of the KPI';
COMMENT ON COLUMN athar.period_figures.service_id IS 'Internal key of the service; NULL for the whole';
COMMENT ON COLUMN athar.period_figures.channel_id IS 'Internal key of the channel; NULL for all channels together, or where it is not known';
COMMENT ON COLUMN athar.period_figures.stage_id IS 'Internal key of the stage; NULL for the whole journey, or where it is not known';
COMMENT ON COLUMN athar.period_figures.kind IS 'How the KPI''s values become a figure: mean, sum, ratio, likert or share_within';
COMMENT ON COLUMN athar.period_figures.origin IS 'reported: measured elsewhere; observed: made from observations';
COMMENT ON COLUMN athar.period_figures.basis IS 'How the period is cut; month where it was made from observations';
COMMENT ON COLUMN athar.period_figures.period IS 'The days it covers, [from, to)';
COMMENT ON COLUMN athar.period_figures.summary IS 'The values, summarised; NULL where only numerator and denominator are known';
COMMENT ON COLUMN athar.period_figures.numerator IS 'Numerator of a ratio; NULL where it was reported as a summary';
COMMENT ON COLUMN athar.period_figures.denominator IS 'Denominator of a ratio; NULL where it was reported as a summary';

CREATE OR REPLACE VIEW athar.channel_consistency WITH (security_invoker = true) AS
WITH figure AS (
	SELECT f.kpi_id, f.service_id, f.channel_id, f.origin, f.basis, f.period, athar.merge(f.summary) AS summary
	FROM athar.period_figures AS f
	WHERE f.service_id IS NOT NULL
		AND f.channel_id IS NOT NULL
		AND f.kind <> 'sum'
		AND (f.stage_id IS NULL OR f.origin = 'observed')
	GROUP BY f.kpi_id, f.service_id, f.channel_id, f.origin, f.basis, f.period
	-- the values of some days are not those of the month
	HAVING sum(f.denominator) IS NULL OR sum(f.denominator) = athar.n(athar.merge(f.summary))
), counted AS (
	-- a channel that was observed and reported is one: each origin by itself
	SELECT f.kpi_id, f.service_id, f.channel_id, f.origin, f.basis, f.period, f.summary,
		row_number() OVER (ascending) AS place,
		count(*) OVER (PARTITION BY f.kpi_id, f.service_id, f.origin, f.basis, f.period) AS channels
	FROM figure AS f
	WHERE athar.n(f.summary) >= 30
	WINDOW ascending AS (PARTITION BY f.kpi_id, f.service_id, f.origin, f.basis, f.period ORDER BY athar.mean(f.summary), f.channel_id)
), extreme AS (
	SELECT l.kpi_id, l.service_id, l.basis, l.period, l.channels, l.channels * (l.channels - 1) / 2 AS pairs,
		l.channel_id AS lowest_id, l.summary AS lowest, h.channel_id AS highest_id, h.summary AS highest,
		athar.compare(l.summary, h.summary) AS evidence,
		sqrt(athar.variance(l.summary) / athar.n(l.summary) + athar.variance(h.summary) / athar.n(h.summary)) AS standard_error
	FROM counted AS l
	JOIN counted AS h ON h.kpi_id = l.kpi_id AND h.service_id = l.service_id AND h.period = l.period
		AND h.origin = l.origin AND h.basis IS NOT DISTINCT FROM l.basis AND h.place = h.channels
	WHERE l.place = 1 AND l.channels > 1
), judged AS (
	SELECT e.kpi_id, e.service_id, e.basis, e.period, e.channels, e.pairs, e.lowest_id, e.lowest, e.highest_id, e.highest,
		(e.evidence).difference AS gap,
		(e.evidence).difference - athar.student_t_quantile(1 - 0.025 / e.pairs, (e.evidence).df) * e.standard_error AS ci_low,
		(e.evidence).difference + athar.student_t_quantile(1 - 0.025 / e.pairs, (e.evidence).df) * e.standard_error AS ci_high,
		CASE WHEN (e.evidence).p_value IS NOT NULL THEN least(1, e.pairs * (e.evidence).p_value) END AS p_value
	FROM extreme AS e
)
SELECT
	s.code::text AS service,
	s.name AS service_name,
	s.name_ar AS service_name_ar,
	k.code::text AS kpi,
	k.name AS kpi_name,
	k.name_ar AS kpi_name_ar,
	j.basis,
	lower(j.period) AS period_start,
	upper(j.period) - 1 AS period_end,
	j.channels,
	j.pairs,
	l.code::text AS lowest_channel,
	athar.n(j.lowest) AS lowest_n,
	athar.mean(j.lowest) AS lowest_value,
	h.code::text AS highest_channel,
	athar.n(j.highest) AS highest_n,
	athar.mean(j.highest) AS highest_value,
	j.gap,
	j.ci_low,
	j.ci_high,
	j.p_value,
	k.smallest_change::double precision AS smallest_change,
	CASE
		WHEN j.ci_low IS NULL THEN 'insufficient_data'
		WHEN j.ci_low > 0 AND j.gap >= coalesce(k.smallest_change, 0) THEN 'inconsistent'
		WHEN j.ci_high < k.smallest_change THEN 'consistent'
		ELSE 'no_clear_difference'
	END AS verdict
FROM judged AS j
JOIN athar.kpi AS k ON k.id = j.kpi_id
JOIN athar.service AS s ON s.id = j.service_id
JOIN athar.channel AS l ON l.id = j.lowest_id
JOIN athar.channel AS h ON h.id = j.highest_id;
COMMENT ON VIEW athar.channel_consistency IS 'Is a service as good whichever channel it is reached by? For every KPI (but totals), service and period with at least two channels of 30 values each: the channel with the highest mean against the one with the lowest, Welch''s comparison. The two were chosen because they are furthest apart, so interval and p are adjusted for all the pairs that could have been (Bonferroni). Single values count, as if they were independent; who uses which channel is not taken into account';
COMMENT ON COLUMN athar.channel_consistency.service IS 'Code of the service';
COMMENT ON COLUMN athar.channel_consistency.service_name IS 'Name of the service';
COMMENT ON COLUMN athar.channel_consistency.service_name_ar IS 'Name of the service in Arabic';
COMMENT ON COLUMN athar.channel_consistency.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.channel_consistency.kpi_name IS 'Name of the KPI';
COMMENT ON COLUMN athar.channel_consistency.kpi_name_ar IS 'Name of the KPI in Arabic';
COMMENT ON COLUMN athar.channel_consistency.basis IS 'How the period is cut; month where the figures are observations';
COMMENT ON COLUMN athar.channel_consistency.period_start IS 'First day of the period';
COMMENT ON COLUMN athar.channel_consistency.period_end IS 'Last day of it';
COMMENT ON COLUMN athar.channel_consistency.channels IS 'Number of channels with at least 30 values';
COMMENT ON COLUMN athar.channel_consistency.pairs IS 'Number of pairs of them, for which interval and p are adjusted';
COMMENT ON COLUMN athar.channel_consistency.lowest_channel IS 'Code of the channel with the lowest mean';
COMMENT ON COLUMN athar.channel_consistency.lowest_n IS 'Number of its values';
COMMENT ON COLUMN athar.channel_consistency.lowest_value IS 'Its mean, in the KPI''s unit';
COMMENT ON COLUMN athar.channel_consistency.highest_channel IS 'Code of the channel with the highest mean';
COMMENT ON COLUMN athar.channel_consistency.highest_n IS 'Number of its values';
COMMENT ON COLUMN athar.channel_consistency.highest_value IS 'Its mean, in the KPI''s unit';
COMMENT ON COLUMN athar.channel_consistency.gap IS 'highest_value - lowest_value';
COMMENT ON COLUMN athar.channel_consistency.ci_low IS 'Lower end of the interval of the gap that holds with 95 % for all pairs together; NULL where a standard deviation is not known or both are 0';
COMMENT ON COLUMN athar.channel_consistency.ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.channel_consistency.p_value IS 'Two-sided p of the gap times pairs, at most 1';
COMMENT ON COLUMN athar.channel_consistency.smallest_change IS 'The smallest difference that matters, in the KPI''s unit';
COMMENT ON COLUMN athar.channel_consistency.verdict IS 'inconsistent (the interval is above 0, the gap matters), consistent (the interval is below what matters), no_clear_difference or insufficient_data';
