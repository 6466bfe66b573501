-- 43 relation: which KPI cannot be above which

CREATE TABLE athar.kpi_relation (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	kpi_id integer NOT NULL,
	relation text NOT NULL,
	other_kpi_id integer NOT NULL,
	is_checked boolean NOT NULL DEFAULT true,
	UNIQUE (kpi_id, relation, other_kpi_id),
	CONSTRAINT kpi_relation_relation_check CHECK (relation IN ('part_of', 'sampled_from')),
	CONSTRAINT kpi_relation_other_kpi_id_check CHECK (other_kpi_id <> kpi_id)
);
COMMENT ON TABLE athar.kpi_relation IS 'What must hold between the figures of two KPIs for one series and period; data_quality tells where it does not. Written by define_kpi_relation()';
COMMENT ON COLUMN athar.kpi_relation.id IS 'Internal key';
COMMENT ON COLUMN athar.kpi_relation.kpi_id IS 'The KPI: references kpi(id), checked by trigger';
COMMENT ON COLUMN athar.kpi_relation.relation IS 'part_of: its figure is at most the other''s (digital of all transactions, respondents of those asked); sampled_from: its number of values is at most the other''s figure (answers of respondents)';
COMMENT ON COLUMN athar.kpi_relation.other_kpi_id IS 'The other KPI: references kpi(id), checked by trigger';
COMMENT ON COLUMN athar.kpi_relation.is_checked IS 'False once it was given up; since when, the change log knows';
CREATE INDEX kpi_relation_other_kpi_id_idx ON athar.kpi_relation (other_kpi_id);
