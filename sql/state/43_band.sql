-- 43 band: what a figure is called: poor, fair, good

CREATE TYPE athar.value_range AS RANGE (subtype = double precision, subtype_diff = float8mi, multirange_type_name = athar.value_multirange);
COMMENT ON TYPE athar.value_range IS 'A range of figures, so that an exclusion constraint can keep bands apart';

CREATE TABLE athar.kpi_band (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kpi_id integer NOT NULL,
	code athar.code NOT NULL,
	name text NOT NULL,
	name_ar text,
	lower_bound athar.finite,
	upper_bound athar.finite,
	valid_during daterange NOT NULL,
	CONSTRAINT kpi_band_name_check CHECK (btrim(name) <> ''),
	CONSTRAINT kpi_band_bounds_check CHECK (lower_bound < upper_bound),
	CONSTRAINT kpi_band_valid_during_check CHECK (NOT isempty(valid_during)),
	CONSTRAINT kpi_band_bounds_excl EXCLUDE USING gist (
		int4range(kpi_id, kpi_id, '[]') WITH &&,
		valid_during WITH &&,
		athar.value_range(lower_bound::double precision, upper_bound::double precision) WITH &&)
);
COMMENT ON TABLE athar.kpi_band IS 'Bands of KPIs: what a figure is called, and on which days; written by define_kpi_bands()';
COMMENT ON COLUMN athar.kpi_band.id IS 'Internal key';
COMMENT ON COLUMN athar.kpi_band.kpi_id IS 'The KPI: references kpi(id), checked by trigger';
COMMENT ON COLUMN athar.kpi_band.code IS 'Key chosen by the user, unique within the KPI on any day';
COMMENT ON COLUMN athar.kpi_band.name IS 'Name for people';
COMMENT ON COLUMN athar.kpi_band.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.kpi_band.lower_bound IS 'Where it begins, in the KPI''s unit; the bound itself is in; NULL where it has no lower end';
COMMENT ON COLUMN athar.kpi_band.upper_bound IS 'Where it ends, in the KPI''s unit; the bound itself is out; NULL where it has no upper end';
COMMENT ON COLUMN athar.kpi_band.valid_during IS 'The days on which figures are judged by it, [from, to); unbounded from the beginning, and where no end is known';
CREATE INDEX kpi_band_kpi_id_idx ON athar.kpi_band (kpi_id);
