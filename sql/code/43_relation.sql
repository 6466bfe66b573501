-- 43 relation: which KPI cannot be above which

CREATE OR REPLACE FUNCTION athar.define_kpi_relation(kpi text, relation text, other text, is_checked boolean DEFAULT true)
RETURNS integer
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.fail('22023', 'a relation needs two KPIs', 'Nothing was changed.', 'Give the codes of both.')
	WHERE num_nulls(define_kpi_relation.kpi, define_kpi_relation.other) > 0;
	SELECT athar.fail('22023', format('relation "%s" is unknown', define_kpi_relation.relation),
		'Nothing was changed.', 'Use part_of where figures are compared, sampled_from where the number of values is compared with a figure.')
	WHERE coalesce(define_kpi_relation.relation NOT IN ('part_of', 'sampled_from'), true);
	SELECT athar.fail('22023', format('KPI "%s" cannot be related to itself', define_kpi_relation.kpi),
		'Nothing was changed.', 'Name another KPI.')
	WHERE define_kpi_relation.kpi = define_kpi_relation.other;
	INSERT INTO athar.kpi_relation AS r (kpi_id, relation, other_kpi_id, is_checked)
	VALUES (athar.kpi_id(define_kpi_relation.kpi), define_kpi_relation.relation, athar.kpi_id(define_kpi_relation.other),
		coalesce(define_kpi_relation.is_checked, true))
	ON CONFLICT (kpi_id, relation, other_kpi_id) DO UPDATE SET is_checked = excluded.is_checked
	WHERE r.is_checked <> coalesce(define_kpi_relation.is_checked, r.is_checked);
	SELECT r.id
	FROM athar.kpi_relation AS r
	WHERE r.kpi_id = athar.kpi_id(define_kpi_relation.kpi)
		AND r.relation = define_kpi_relation.relation
		AND r.other_kpi_id = athar.kpi_id(define_kpi_relation.other);
END;
COMMENT ON FUNCTION athar.define_kpi_relation(text, text, text, boolean) IS
'Says what must hold between the figures of two KPIs for one series and period, or with is_checked false that it no longer must; returns the id. part_of: the figure is at most the other''s (digital of all transactions); sampled_from: the number of values is at most the other''s figure (answers of respondents). data_quality tells where it does not hold. A NULL is_checked leaves what is there. 22023 for a missing KPI, the same one twice and an unknown relation, 42704 for an unknown KPI.';
