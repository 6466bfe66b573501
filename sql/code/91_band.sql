-- 91 band: how many services are in which band

CREATE OR REPLACE VIEW athar.band_distribution WITH (security_invoker = true) AS
WITH judged AS (
	SELECT s.kpi, s.kpi_name, s.kpi_name_ar, u.kind AS sector, b.band, b.name, b.name_ar, b.rank
	FROM athar.service_scorecard AS s
	JOIN athar.unit AS u ON u.code = s.unit
	LEFT JOIN athar.kpi_bands AS b ON b.kpi = s.kpi AND b.band = athar.band_of(s.kpi, s.value, s.period_end)
		AND s.period_end >= coalesce(b.valid_from, '-infinity') AND s.period_end <= coalesce(b.valid_until, 'infinity')
	WHERE EXISTS (SELECT FROM athar.kpi_band AS a JOIN athar.kpi AS k ON k.id = a.kpi_id WHERE k.code = s.kpi)
), counted AS (
	SELECT
		j.kpi,
		min(j.kpi_name) AS kpi_name,
		min(j.kpi_name_ar) AS kpi_name_ar,
		j.sector,
		j.band,
		min(j.name) AS band_name,
		min(j.name_ar) AS band_name_ar,
		min(j.rank) AS rank,
		count(*) AS services
	FROM judged AS j
	GROUP BY j.kpi, j.sector, j.band
)
SELECT
	c.kpi,
	c.kpi_name,
	c.kpi_name_ar,
	c.sector,
	c.band,
	c.band_name,
	c.band_name_ar,
	c.rank,
	c.services,
	(sum(c.services) FILTER (WHERE c.band IS NOT NULL) OVER sector)::bigint AS services_in_bands,
	CASE WHEN c.band IS NOT NULL THEN
		100 * c.services / (sum(c.services) FILTER (WHERE c.band IS NOT NULL) OVER sector)::double precision
	END AS percent,
	CASE WHEN c.rank IS NOT NULL THEN
		100 * (sum(c.services) OVER (PARTITION BY c.kpi, c.sector ORDER BY c.rank))::double precision
			/ (sum(c.services) FILTER (WHERE c.band IS NOT NULL) OVER sector)::double precision
	END AS percent_or_worse
FROM counted AS c
WINDOW sector AS (PARTITION BY c.kpi, c.sector);
COMMENT ON VIEW athar.band_distribution IS 'Of every KPI with bands and every sector: how many services'' newest figures are in which band, each judged by the bands of its own last day. Services are counted, not people: a small one counts as much as a large one. Shows the services that service_scorecard shows';
COMMENT ON COLUMN athar.band_distribution.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.band_distribution.kpi_name IS 'Name of the KPI';
COMMENT ON COLUMN athar.band_distribution.kpi_name_ar IS 'Name of the KPI in Arabic';
COMMENT ON COLUMN athar.band_distribution.sector IS 'Kind of the units that run the services (ministry, agency, company); NULL for units without a kind';
COMMENT ON COLUMN athar.band_distribution.band IS 'Code of the band; NULL for figures in no band';
COMMENT ON COLUMN athar.band_distribution.band_name IS 'Name of the band';
COMMENT ON COLUMN athar.band_distribution.band_name_ar IS 'Name of the band in Arabic';
COMMENT ON COLUMN athar.band_distribution.rank IS 'Place of the band from the worst (1) to the best; NULL where the KPI''s direction is target';
COMMENT ON COLUMN athar.band_distribution.services IS 'Number of services in it';
COMMENT ON COLUMN athar.band_distribution.services_in_bands IS 'Number of the sector''s services that are in any band';
COMMENT ON COLUMN athar.band_distribution.percent IS 'services as per cent of services_in_bands; NULL for no band';
COMMENT ON COLUMN athar.band_distribution.percent_or_worse IS 'Per cent of services_in_bands that are in this band or a worse one';
