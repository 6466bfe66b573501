-- 60 effect: what is believed, then proven

CREATE TABLE athar.effect (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	action_id integer NOT NULL,
	kpi_id integer NOT NULL,
	target text,
	span interval,
	washout interval,
	controls text[],
	is_season_matched boolean NOT NULL DEFAULT false,
	is_withdrawn boolean NOT NULL DEFAULT false,
	UNIQUE (action_id, kpi_id),
	CONSTRAINT effect_span_check CHECK (span > interval '0'),
	CONSTRAINT effect_washout_check CHECK (washout >= interval '0')
);
COMMENT ON TABLE athar.effect IS 'What an action is expected to do to a KPI; follows the plan''s items, and is kept when a plan no longer names it';
COMMENT ON COLUMN athar.effect.id IS 'Internal key';
COMMENT ON COLUMN athar.effect.action_id IS 'The action: references action(id), checked by trigger';
COMMENT ON COLUMN athar.effect.kpi_id IS 'The KPI: references kpi(id), checked by trigger';
COMMENT ON COLUMN athar.effect.target IS 'What is expected, as the plan says it (-20%, at most 24)';
COMMENT ON COLUMN athar.effect.span IS 'Length compared on each side of the cutover; NULL for one year';
COMMENT ON COLUMN athar.effect.washout IS 'Time left out after the cutover; NULL for none';
COMMENT ON COLUMN athar.effect.controls IS 'Codes of the services it is compared with; NULL for all others of the same unit';
COMMENT ON COLUMN athar.effect.is_season_matched IS 'True where the window before is the same days of the calendar as the window after, whole years earlier';
COMMENT ON COLUMN athar.effect.is_withdrawn IS 'True once the plan no longer names the KPI for this action';
CREATE INDEX effect_kpi_id_idx ON athar.effect (kpi_id);

CREATE TABLE athar.effect_measurement (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	effect_id integer NOT NULL,
	measured_at timestamptz NOT NULL,
	cutover timestamptz NOT NULL,
	span interval NOT NULL,
	washout interval NOT NULL,
	before_n bigint,
	before_mean double precision,
	before_sd double precision,
	before_median double precision,
	after_n bigint,
	after_mean double precision,
	after_sd double precision,
	after_median double precision,
	difference double precision,
	percent_change double precision,
	ci_low double precision,
	ci_high double precision,
	t double precision,
	df double precision,
	p_value double precision,
	effect_size double precision,
	matched_difference double precision,
	mix_difference double precision,
	did_estimate double precision,
	did_ci_low double precision,
	did_ci_high double precision,
	did_p_value double precision,
	controls_used text[] NOT NULL DEFAULT '{}',
	flags text[] NOT NULL DEFAULT '{}',
	verdict text NOT NULL,
	is_season_matched boolean NOT NULL DEFAULT false,
	before_figures bigint NOT NULL DEFAULT 0,
	after_figures bigint NOT NULL DEFAULT 0,
	late_rows bigint NOT NULL DEFAULT 0,
	matched_ci_low double precision,
	matched_ci_high double precision,
	CONSTRAINT effect_measurement_verdict_check CHECK (verdict IN ('improved', 'worsened', 'no_clear_change', 'insufficient_data', 'not_comparable'))
);
COMMENT ON TABLE athar.effect_measurement IS 'Every measurement of an effect; a new one is a new row, an old one never changes';
COMMENT ON COLUMN athar.effect_measurement.id IS 'Internal key';
COMMENT ON COLUMN athar.effect_measurement.effect_id IS 'The effect: references effect(id), checked by trigger';
COMMENT ON COLUMN athar.effect_measurement.measured_at IS 'When it was measured';
COMMENT ON COLUMN athar.effect_measurement.cutover IS 'Where before ends and after begins';
COMMENT ON COLUMN athar.effect_measurement.span IS 'Length compared on each side';
COMMENT ON COLUMN athar.effect_measurement.washout IS 'Time left out after the cutover';
COMMENT ON COLUMN athar.effect_measurement.before_n IS 'Points before: periods where the source is measurements, single values where it is observations';
COMMENT ON COLUMN athar.effect_measurement.before_mean IS 'Mean before, in the KPI''s unit';
COMMENT ON COLUMN athar.effect_measurement.before_sd IS 'Standard deviation before';
COMMENT ON COLUMN athar.effect_measurement.before_median IS 'Median before';
COMMENT ON COLUMN athar.effect_measurement.after_n IS 'Points after';
COMMENT ON COLUMN athar.effect_measurement.after_mean IS 'Mean after';
COMMENT ON COLUMN athar.effect_measurement.after_sd IS 'Standard deviation after';
COMMENT ON COLUMN athar.effect_measurement.after_median IS 'Median after';
COMMENT ON COLUMN athar.effect_measurement.difference IS 'after_mean - before_mean';
COMMENT ON COLUMN athar.effect_measurement.percent_change IS 'difference as per cent of the absolute mean before';
COMMENT ON COLUMN athar.effect_measurement.ci_low IS 'Lower end of the 95 % confidence interval of the difference';
COMMENT ON COLUMN athar.effect_measurement.ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.effect_measurement.t IS 'Welch''s t';
COMMENT ON COLUMN athar.effect_measurement.df IS 'Satterthwaite''s degrees of freedom';
COMMENT ON COLUMN athar.effect_measurement.p_value IS 'Two-sided p';
COMMENT ON COLUMN athar.effect_measurement.effect_size IS 'Hedges'' g';
COMMENT ON COLUMN athar.effect_measurement.matched_difference IS 'What changed within channels, like for like; NULL where fewer than two channels are known';
COMMENT ON COLUMN athar.effect_measurement.mix_difference IS 'What only another mix of channels changed; with matched_difference the change of the pooled figure';
COMMENT ON COLUMN athar.effect_measurement.did_estimate IS 'The difference minus that of the controls; NULL without controls';
COMMENT ON COLUMN athar.effect_measurement.did_ci_low IS 'Lower end of its 95 % confidence interval';
COMMENT ON COLUMN athar.effect_measurement.did_ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.effect_measurement.did_p_value IS 'Two-sided p of did_estimate';
COMMENT ON COLUMN athar.effect_measurement.controls_used IS 'Codes of the services compared with';
COMMENT ON COLUMN athar.effect_measurement.flags IS 'What a reader must know before believing the figures: those of measure_effect(), and late_data where figures compared arrived too late (late_rows) or were corrected since';
COMMENT ON COLUMN athar.effect_measurement.verdict IS 'improved, worsened, no_clear_change, insufficient_data or not_comparable, in the KPI''s own direction';
COMMENT ON COLUMN athar.effect_measurement.is_season_matched IS 'True where the window before was the same days of the calendar, whole years earlier';
COMMENT ON COLUMN athar.effect_measurement.before_figures IS 'Stored figures behind the window before: single values, or reported rows';
COMMENT ON COLUMN athar.effect_measurement.after_figures IS 'Stored figures behind the window after';
COMMENT ON COLUMN athar.effect_measurement.late_rows IS 'How many of them arrived too late: those before the cutover after the first measurement of this effect, those after it after the first one made when the time compared was over';
COMMENT ON COLUMN athar.effect_measurement.matched_ci_low IS 'Lower end of the 95 % confidence interval of matched_difference';
COMMENT ON COLUMN athar.effect_measurement.matched_ci_high IS 'Upper end of it';
CREATE INDEX effect_measurement_effect_id_idx ON athar.effect_measurement (effect_id, id);

CREATE TABLE athar.effect_check (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	effect_id integer NOT NULL,
	days integer NOT NULL,
	checked_on date NOT NULL,
	measured_at timestamptz NOT NULL,
	cutover timestamptz NOT NULL,
	washout interval NOT NULL,
	before_mean double precision,
	early_n bigint NOT NULL,
	early_mean double precision,
	late_n bigint NOT NULL,
	late_mean double precision,
	difference double precision,
	ci_low double precision,
	ci_high double precision,
	p_value double precision,
	verdict text NOT NULL,
	late_before_mean double precision,
	CONSTRAINT effect_check_days_check CHECK (days > 0),
	CONSTRAINT effect_check_verdict_check CHECK (verdict IN ('sustained', 'faded', 'growing', 'cannot_tell'))
);
COMMENT ON TABLE athar.effect_check IS 'Whether effects lasted: checks 30, 90, 180 and 365 days after the cutover; a new one is a new row, an old one never changes';
COMMENT ON COLUMN athar.effect_check.id IS 'Internal key';
COMMENT ON COLUMN athar.effect_check.effect_id IS 'The effect: references effect(id), checked by trigger';
COMMENT ON COLUMN athar.effect_check.days IS 'Which check: 30, 90, 180 or 365 days';
COMMENT ON COLUMN athar.effect_check.checked_on IS 'The day for which it speaks';
COMMENT ON COLUMN athar.effect_check.measured_at IS 'When it was made';
COMMENT ON COLUMN athar.effect_check.cutover IS 'Where before ends and after begins';
COMMENT ON COLUMN athar.effect_check.washout IS 'Time left out after the cutover';
COMMENT ON COLUMN athar.effect_check.before_mean IS 'Mean before the cutover, in the KPI''s unit; where seasons are matched that of the same days as the early ones';
COMMENT ON COLUMN athar.effect_check.early_n IS 'Points soon after the cutover';
COMMENT ON COLUMN athar.effect_check.early_mean IS 'Their mean';
COMMENT ON COLUMN athar.effect_check.late_n IS 'Points shortly before the day of the check';
COMMENT ON COLUMN athar.effect_check.late_mean IS 'Their mean';
COMMENT ON COLUMN athar.effect_check.difference IS 'late_mean - early_mean; where seasons are matched each less its figure before';
COMMENT ON COLUMN athar.effect_check.ci_low IS 'Lower end of its confidence interval, 95 % over the four checks together';
COMMENT ON COLUMN athar.effect_check.ci_high IS 'Upper end of it';
COMMENT ON COLUMN athar.effect_check.p_value IS 'Two-sided p of the difference, times four';
COMMENT ON COLUMN athar.effect_check.verdict IS 'sustained, faded, growing or cannot_tell; see sustained_effect()';
COMMENT ON COLUMN athar.effect_check.late_before_mean IS 'Mean of the same days as the late ones, before the cutover; NULL unless seasons are matched';
CREATE INDEX effect_check_effect_id_idx ON athar.effect_check (effect_id, days, id);
