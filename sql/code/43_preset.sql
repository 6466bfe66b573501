-- 43 preset: KPIs ready to be loaded

CREATE OR REPLACE VIEW athar.presets WITH (security_invoker = true) AS
SELECT
	p.preset::text AS preset,
	p.ordinal,
	p.code::text AS kpi,
	p.name,
	p.name_ar,
	p.unit_of_measure,
	p.direction,
	p.kind,
	p.smallest_change::double precision AS smallest_change,
	p.bands,
	p.description,
	p.source,
	EXISTS (SELECT FROM athar.kpi AS k WHERE k.code = p.code) AS is_defined
FROM athar.preset_kpi AS p;
COMMENT ON VIEW athar.presets IS 'KPIs ready to be loaded with load_preset(), one row each';
COMMENT ON COLUMN athar.presets.preset IS 'Key of the set they are loaded by';
COMMENT ON COLUMN athar.presets.ordinal IS 'Place within the set';
COMMENT ON COLUMN athar.presets.kpi IS 'Code that the KPI gets';
COMMENT ON COLUMN athar.presets.name IS 'Name for people';
COMMENT ON COLUMN athar.presets.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.presets.unit_of_measure IS 'Unit of the figure';
COMMENT ON COLUMN athar.presets.direction IS 'Which way is better: up or down';
COMMENT ON COLUMN athar.presets.kind IS 'How values become a figure: mean, sum, ratio or likert';
COMMENT ON COLUMN athar.presets.smallest_change IS 'The smallest change that matters, in the KPI''s unit, as suggested; NULL where any does';
COMMENT ON COLUMN athar.presets.bands IS 'What its figures are called, as define_kpi_bands() takes it; NULL where the source publishes none';
COMMENT ON COLUMN athar.presets.description IS 'What exactly is counted';
COMMENT ON COLUMN athar.presets.source IS 'Where the definition is published; NULL for general ones';
COMMENT ON COLUMN athar.presets.is_defined IS 'True where there is a KPI of that code, loaded or not';

CREATE OR REPLACE FUNCTION athar.load_preset(preset text, kpis text[] DEFAULT NULL)
RETURNS TABLE (kpi text, outcome text, differs text)
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', 'no preset is named', 'Nothing was loaded.', 'Name one of the view athar.presets.')
	WHERE load_preset.preset IS NULL;
	SELECT athar.fail('42704', format('preset "%s" does not exist', load_preset.preset), 'Nothing was loaded.', 'The view athar.presets lists them all.')
	WHERE NOT EXISTS (SELECT FROM athar.preset_kpi AS p WHERE p.preset = load_preset.preset);
	SELECT athar.fail('42704', format('preset "%s" has no KPI "%s"', load_preset.preset, n.code), 'Nothing was loaded.', 'The view athar.presets lists them all.')
	FROM unnest(load_preset.kpis) AS n (code)
	WHERE NOT EXISTS (SELECT FROM athar.preset_kpi AS p WHERE p.preset = load_preset.preset AND p.code = n.code);
	WITH chosen AS MATERIALIZED (
		SELECT p.code, p.ordinal, p.name, p.name_ar, p.unit_of_measure, p.direction, p.kind, p.smallest_change, p.bands, p.description, p.source,
			k.id IS NOT NULL AS is_defined,
			athar.kpi_change(k, p.unit_of_measure, p.direction, p.kind, NULL, NULL) AS change
		FROM athar.preset_kpi AS p
		LEFT JOIN athar.kpi AS k ON k.code = p.code
		WHERE p.preset = load_preset.preset
			AND (load_preset.kpis IS NULL OR p.code = ANY (load_preset.kpis))
	), made AS MATERIALIZED (
		SELECT c.code, c.bands, athar.define_kpi(c.code, c.name, c.unit_of_measure, c.direction, c.kind, c.smallest_change, c.name_ar,
			description => c.description || coalesce('. Source: ' || c.source, '')) AS id
		FROM chosen AS c
		WHERE NOT c.is_defined
	), banded AS MATERIALIZED (
		SELECT m.code, CASE WHEN m.id IS NOT NULL THEN athar.define_kpi_bands(m.code, m.bands) END AS bands
		FROM made AS m
		WHERE m.bands IS NOT NULL
	)
	SELECT c.code::text, CASE WHEN m.id IS NOT NULL THEN 'created' WHEN c.change IS NULL THEN 'present' ELSE 'kept' END, c.change
	FROM chosen AS c
	LEFT JOIN made AS m ON m.code = c.code
	LEFT JOIN banded AS b ON b.code = c.code
	WHERE coalesce(b.bands, 0) >= 0
	ORDER BY c.ordinal;
END;
COMMENT ON FUNCTION athar.load_preset(text, text[]) IS
'Defines the KPIs of a preset (all of them, or those named), with their bands; returns one row each. outcome: created; present, where a KPI of that code means the same already (its name, bands and smallest change stay as they are); kept, where one of that code means something else: it stays, and differs says in what (unit of measure, direction, kind). So loading twice changes nothing, and nothing is overwritten. 22023 without a preset, 42704 for an unknown preset or KPI of it.';
