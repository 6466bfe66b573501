-- 43 band: what a figure is called

CREATE OR REPLACE FUNCTION athar.band_rows(bands jsonb)
RETURNS TABLE (ordinal bigint, code text, name text, name_ar text, lower_bound double precision, upper_bound double precision)
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT
		b.ordinal,
		b.band ->> 'code',
		coalesce(b.band ->> 'name', b.band ->> 'code'),
		b.band ->> 'name_ar',
		(b.band ->> 'from')::double precision,
		coalesce((b.band ->> 'to')::double precision, (lead(b.band ->> 'from') OVER (ORDER BY b.ordinal))::double precision)
	FROM jsonb_array_elements(band_rows.bands) WITH ORDINALITY AS b (band, ordinal);
END;
COMMENT ON FUNCTION athar.band_rows(jsonb) IS
'The bands of a document as define_kpi_bands() takes it, one row each: a band without an end ends where the next one begins. For documents in which band_fault() finds nothing.';

CREATE OR REPLACE FUNCTION athar.band_fault(bands jsonb)
RETURNS text
LANGUAGE SQL IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN bands IS NULL OR jsonb_typeof(bands) <> 'array' THEN 'they are not a JSON array'
	ELSE (
		SELECT f.fault
		FROM (
			SELECT b.ordinal, CASE
				WHEN jsonb_typeof(b.band) <> 'object' THEN format('band %s is not an object', b.ordinal)
				WHEN b.band - ARRAY['code', 'name', 'name_ar', 'from', 'to'] <> '{}' THEN
					format('band %s has keys that are not known: %s', b.ordinal, b.band - ARRAY['code', 'name', 'name_ar', 'from', 'to'])
				WHEN coalesce(btrim(b.code), '') = '' OR b.code <> btrim(b.code) OR char_length(b.code) > 200 OR b.code ~ '[[:cntrl:]]' THEN
					format('band %s has no code, or a malformed one', b.ordinal)
				WHEN btrim(b.band ->> 'name') = '' THEN format('band "%s" has a blank name', b.code)
				WHEN b.of_code > 1 THEN format('band "%s" is there twice', b.code)
				WHEN NOT coalesce(jsonb_typeof(b.band -> 'from'), 'null') IN ('number', 'null')
					OR NOT coalesce(jsonb_typeof(b.band -> 'to'), 'null') IN ('number', 'null') THEN
					format('"from" and "to" of band "%s" are numbers', b.code)
				WHEN b.ordinal > 1 AND b.lower_bound IS NULL THEN format('band "%s" needs "from": only the first may be without', b.code)
				WHEN b.lower_bound <= b.previous_lower_bound THEN format('band "%s" begins at %s, the one before it at %s', b.code, b.lower_bound, b.previous_lower_bound)
				WHEN b.upper_bound <= b.lower_bound THEN format('band "%s" ends at %s, where it has not begun', b.code, b.upper_bound)
				WHEN b.upper_bound > b.next_lower_bound THEN format('band "%s" ends at %s, but the next begins at %s', b.code, b.upper_bound, b.next_lower_bound)
			END AS fault
			FROM (
				SELECT e.ordinal, e.band, e.code, e.lower_bound, e.upper_bound,
					lag(e.lower_bound) OVER (ORDER BY e.ordinal) AS previous_lower_bound,
					lead(e.lower_bound) OVER (ORDER BY e.ordinal) AS next_lower_bound,
					count(*) OVER (PARTITION BY e.code) AS of_code
				FROM (
					SELECT a.ordinal, a.band,
						CASE WHEN jsonb_typeof(a.band -> 'code') = 'string' THEN a.band ->> 'code' END AS code,
						CASE WHEN jsonb_typeof(a.band -> 'from') = 'number' THEN (a.band ->> 'from')::double precision END AS lower_bound,
						CASE WHEN jsonb_typeof(a.band -> 'to') = 'number' THEN (a.band ->> 'to')::double precision END AS upper_bound
					FROM jsonb_array_elements(bands) WITH ORDINALITY AS a (band, ordinal)) AS e) AS b) AS f
		WHERE f.fault IS NOT NULL
		ORDER BY f.ordinal
		LIMIT 1)
END;
COMMENT ON FUNCTION athar.band_fault(jsonb) IS
'What is wrong with a document of bands, in words; NULL if nothing. 22003 for numbers beyond double precision.';

CREATE OR REPLACE FUNCTION athar.define_kpi_bands(kpi text, bands jsonb, valid_from date DEFAULT NULL)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', 'bands need a KPI', 'Nothing was changed.', 'Give the code of the KPI whose figures they name.')
	WHERE define_kpi_bands.kpi IS NULL;
	SELECT athar.fail('22023', format('bands of KPI "%s" are malformed: %s', define_kpi_bands.kpi, f.fault), 'Nothing was changed.',
		'Give an array in ascending order: [{"code": "poor", "name": "Poor"}, {"code": "good", "name": "Good", "from": 60}]. A band ends where the next begins, unless "to" leaves a gap.')
	FROM (SELECT athar.band_fault(define_kpi_bands.bands)) AS f (fault)
	WHERE f.fault IS NOT NULL;
	SELECT athar.fail('22023', format('bands of KPI "%s" begin at no day', define_kpi_bands.kpi), 'Nothing was changed.',
		'Leave valid_from out for bands that hold from the beginning.')
	WHERE NOT isfinite(define_kpi_bands.valid_from);
	-- one change of a KPI's bands at a time
	SELECT k.id
	FROM athar.kpi AS k
	WHERE k.id = athar.kpi_id(define_kpi_bands.kpi)
	FOR NO KEY UPDATE;
	-- over an empty table the condition above is not looked at
	SELECT athar.kpi_id(define_kpi_bands.kpi);
	DELETE FROM athar.kpi_band AS b
	WHERE b.kpi_id = athar.kpi_id(define_kpi_bands.kpi)
		AND lower(b.valid_during) IS NOT DISTINCT FROM define_kpi_bands.valid_from
		AND (SELECT jsonb_agg(to_jsonb(r) - 'ordinal' ORDER BY r.ordinal) FROM athar.band_rows(define_kpi_bands.bands) AS r)
			IS DISTINCT FROM (
				SELECT jsonb_agg(jsonb_build_object('code', s.code, 'name', s.name, 'name_ar', s.name_ar,
					'lower_bound', s.lower_bound, 'upper_bound', s.upper_bound) ORDER BY s.lower_bound NULLS FIRST)
				FROM athar.kpi_band AS s
				WHERE s.kpi_id = b.kpi_id AND lower(s.valid_during) IS NOT DISTINCT FROM define_kpi_bands.valid_from);
	UPDATE athar.kpi_band AS b
	SET valid_during = daterange(lower(b.valid_during), define_kpi_bands.valid_from)
	WHERE b.kpi_id = athar.kpi_id(define_kpi_bands.kpi)
		AND b.valid_during @> define_kpi_bands.valid_from
		AND lower(b.valid_during) IS DISTINCT FROM define_kpi_bands.valid_from;
	INSERT INTO athar.kpi_band (kpi_id, code, name, name_ar, lower_bound, upper_bound, valid_during)
	SELECT athar.kpi_id(define_kpi_bands.kpi), r.code, r.name, r.name_ar, r.lower_bound, r.upper_bound,
		daterange(define_kpi_bands.valid_from, (
			SELECT min(lower(l.valid_during))
			FROM athar.kpi_band AS l
			WHERE l.kpi_id = athar.kpi_id(define_kpi_bands.kpi)
				AND lower(l.valid_during) > coalesce(define_kpi_bands.valid_from, '-infinity')))
	FROM athar.band_rows(define_kpi_bands.bands) AS r
	WHERE NOT EXISTS (
		SELECT
		FROM athar.kpi_band AS s
		WHERE s.kpi_id = athar.kpi_id(define_kpi_bands.kpi)
			AND lower(s.valid_during) IS NOT DISTINCT FROM define_kpi_bands.valid_from)
	ORDER BY r.ordinal;
	SELECT jsonb_array_length(define_kpi_bands.bands);
END;
COMMENT ON FUNCTION athar.define_kpi_bands(text, jsonb, date) IS
'Says what the figures of a KPI are called, from a day on (NULL: from the beginning); returns the number of bands. bands is an array in ascending order of objects {"code", "name", "name_ar", "from", "to"}: "from" is in, in the KPI''s unit, and only the first band may be without it; a band ends where the next one begins, and the last is open, unless "to" (which is out) says otherwise and so leaves a gap. "name" is the code unless given. Bands that held until then end the day before, and those that begin later stay; the same valid_from again replaces, identical bands change nothing, and an empty array ends the bands. 22023 for a malformed document, 22003 for numbers beyond double precision, 42704 for an unknown KPI.';

CREATE OR REPLACE FUNCTION athar.band_of(kpi text, value double precision, on_day date DEFAULT current_date)
RETURNS text
LANGUAGE SQL STABLE PARALLEL SAFE
RETURN (
	SELECT b.code::text
	FROM athar.kpi_band AS b
	WHERE b.kpi_id = athar.kpi_id(band_of.kpi)
		AND b.valid_during @> band_of.on_day
		AND band_of.value >= coalesce(b.lower_bound, '-Infinity')
		AND (band_of.value < b.upper_bound OR b.upper_bound IS NULL AND band_of.value <= 'Infinity'));
COMMENT ON FUNCTION athar.band_of(text, double precision, date) IS
'The code of the band that a figure of a KPI falls into, by the bands of that day (today unless given). NULL for NULL, NaN, a figure in a gap, and a day without bands. 42704 for an unknown KPI that is looked for among bands.';

CREATE OR REPLACE VIEW athar.kpi_bands WITH (security_invoker = true) AS
SELECT
	k.code::text AS kpi,
	b.code::text AS band,
	b.name,
	b.name_ar,
	CASE k.direction
		WHEN 'up' THEN rank() OVER (PARTITION BY b.kpi_id, b.valid_during ORDER BY b.lower_bound NULLS FIRST)
		WHEN 'down' THEN rank() OVER (PARTITION BY b.kpi_id, b.valid_during ORDER BY b.upper_bound DESC NULLS FIRST)
	END AS rank,
	b.lower_bound::double precision AS lower_bound,
	b.upper_bound::double precision AS upper_bound,
	lower(b.valid_during) AS valid_from,
	upper(b.valid_during) - 1 AS valid_until
FROM athar.kpi_band AS b
JOIN athar.kpi AS k ON k.id = b.kpi_id;
COMMENT ON VIEW athar.kpi_bands IS 'What figures of KPIs are called, one row per band and time in which it holds';
COMMENT ON COLUMN athar.kpi_bands.kpi IS 'Code of the KPI';
COMMENT ON COLUMN athar.kpi_bands.band IS 'Code of the band';
COMMENT ON COLUMN athar.kpi_bands.name IS 'Name for people';
COMMENT ON COLUMN athar.kpi_bands.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.kpi_bands.rank IS 'Place from the worst (1) to the best, by the KPI''s direction; NULL where that is target';
COMMENT ON COLUMN athar.kpi_bands.lower_bound IS 'Where it begins, itself in; NULL without a lower end';
COMMENT ON COLUMN athar.kpi_bands.upper_bound IS 'Where it ends, itself out; NULL without an upper end';
COMMENT ON COLUMN athar.kpi_bands.valid_from IS 'First day on which figures are judged by it; NULL from the beginning';
COMMENT ON COLUMN athar.kpi_bands.valid_until IS 'Last such day; NULL without an end';
