-- 15 target: what a figure says about a target

CREATE OR REPLACE FUNCTION athar.progress(target athar.target, current double precision, baseline double precision DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_progress';
COMMENT ON FUNCTION athar.progress(athar.target, double precision, double precision) IS
'Raw progress (current - start) / (goal - start), not clamped: 0 at the start, 1 at the goal, below 0 and above 1 beyond them. The start of "from 40 to 90" is 40, of a milestone 0, of all others the baseline. "between" counts the way to the nearer bound, and is 1 inside.
Where "at least", "at most" or "between" has no baseline, or one that meets it already: 1 where it is met, else the share of the bound reached, current/bound from below and bound/current from above, 0 where the bound is not positive.
NULL where current is NULL, or a relative target has no baseline or a baseline of 0. 22003 if a figure is NaN or infinite.';

CREATE OR REPLACE FUNCTION athar.is_met(target athar.target, value double precision, baseline double precision DEFAULT NULL)
RETURNS boolean
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_is_met';
COMMENT ON FUNCTION athar.is_met(athar.target, double precision, double precision) IS
'Whether the value meets the target, bounds included, to within 1e-12 of their size. NULL where the value is NULL, or a relative target has no baseline or a baseline of 0. 22003 if a figure is NaN or infinite.';

CREATE OR REPLACE FUNCTION athar.are_opposed(
	target athar.target, other athar.target, baseline double precision DEFAULT NULL, other_baseline double precision DEFAULT NULL)
RETURNS boolean
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_are_opposed';
COMMENT ON FUNCTION athar.are_opposed(athar.target, athar.target, double precision, double precision) IS
'Whether no figure can meet both targets, each seen from its own baseline. Two relative targets of which a baseline is missing or 0 are opposed where one goes up and the other down. NULL where a target is NULL, or one alone is relative and its baseline is missing or 0. 22003 if a baseline is NaN or infinite.';

CREATE OR REPLACE FUNCTION athar.start_of(target athar.target, baseline double precision DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_start_of';
COMMENT ON FUNCTION athar.start_of(athar.target, double precision) IS
'The figure from which progress is counted: the start of "from 40 to 90", 0 for a milestone, the baseline for all others (NULL without one). 22003 if the baseline is NaN or infinite.';

CREATE OR REPLACE FUNCTION athar.goal_of(target athar.target, baseline double precision DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_goal_of';
COMMENT ON FUNCTION athar.goal_of(athar.target, double precision) IS
'The figure to be reached: the bound, 1 for a milestone, baseline + |baseline| * change / 100 for a relative target (NULL without a baseline or with one of 0), the bound nearer to the baseline for "between" (NULL where no baseline lies outside). 22003 if the baseline is NaN or infinite.';

CREATE OR REPLACE FUNCTION athar.lowest_of(target athar.target, baseline double precision DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_lowest_of';
COMMENT ON FUNCTION athar.lowest_of(athar.target, double precision) IS
'The lowest figure that meets the target; -Infinity where none is too low. NULL where a relative target has no baseline or one of 0. 22003 if the baseline is NaN or infinite.';

CREATE OR REPLACE FUNCTION athar.highest_of(target athar.target, baseline double precision DEFAULT NULL)
RETURNS double precision
LANGUAGE C IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_highest_of';
COMMENT ON FUNCTION athar.highest_of(athar.target, double precision) IS
'The highest figure that meets the target; Infinity where none is too high. NULL where a relative target has no baseline or one of 0. 22003 if the baseline is NaN or infinite.';

CREATE OR REPLACE FUNCTION athar.kind_of(target athar.target)
RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_kind_of';
COMMENT ON FUNCTION athar.kind_of(athar.target) IS
'The kind of target: from_to, at_least, at_most, between, milestone or relative.';

CREATE OR REPLACE FUNCTION athar.is_target(literal text)
RETURNS boolean
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_is_target';
COMMENT ON FUNCTION athar.is_target(text) IS
'Whether a text would be read as a target, without raising anything. NULL for NULL.';
