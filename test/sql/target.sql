SET search_path = public, athar;

-- Every form, and that its text reads back.
SELECT literal, literal::target, literal::target::text::target = literal::target AS same, kind_of(literal::target)
FROM unnest(ARRAY[
	'from 40 to 90', 'from 100 to 20', 'from -5 to 5', 'at least 95', 'at most 24', 'between 4.5 and 5', 'between 5 and 5', 'milestone', '+20%', '-50%',
	'-150%', '+0.1%', 'at least -10', 'at least .5', 'at least 5.', 'at least 1e3', 'at least 1E-3', 'at least 0.1', 'at least 1e300', 'at least 123456789012345680',
	'at least 5e-324', 'from 1.7976931348623157e308 to -1.7976931348623157e308', 'from -0 to 1', 'at most -0.0'
]) literal;

-- Spelling: case and white space, Arabic-Indic and Persian digits, Arabic percent and decimal signs, minus sign, invisible marks.
SELECT literal, literal::target
FROM unnest(ARRAY[
	'  FROM 40   To 90 ', E'at\tleast\n95', 'Milestone', '+20 %', 'at least +3',
	'from ٤٠ to ٩٠', 'at least ۹۵', '+٢٠٪', 'between ٤٫٥ and ٥', U&'\221250%', U&'from 0 to \22125', U&'+\200F20\066A', U&'at\00A0most 24'
]) literal;

-- What reads the same is the same.
SELECT 'from 40 to 90'::target = 'from ٤٠٫٠ to 9e1', 'at most -0'::target = 'at most 0', 'at least 1'::target = 'at most 1';

-- Settings do not change the text.
BEGIN;
SET LOCAL extra_float_digits = -15;
SELECT 'at least 0.1234567890123'::target;
ROLLBACK;

-- No form of a target.
SELECT ''::target;
SELECT ' '::target;
SELECT 'ninety'::target;
SELECT 'at'::target;
SELECT 'at least'::target;
SELECT 'at leastways 4'::target;
SELECT 'from 40'::target;
SELECT 'from 40 to'::target;
SELECT 'from to 90'::target;
SELECT 'between 4 to 5'::target;
SELECT 'milestone 3'::target;
SELECT 'at least -'::target;
SELECT 'at least .'::target;
SELECT '+%'::target;
SELECT '90'::target;
SELECT '+20'::target;
SELECT '+20 points'::target;
SELECT '20%'::target;
SELECT '٢٠٪'::target;

-- Percent signs, separators, units.
SELECT 'at least 95%'::target;
SELECT 'from 40% to 90'::target;
SELECT 'from 40 to 90 ٪'::target;
SELECT 'at least 1,000'::target;
SELECT 'at least 1 000'::target;
SELECT 'at least 1_000'::target;
SELECT 'at least ١٬٠٠٠'::target;
SELECT 'from 4,5 to 5'::target;
SELECT '+1,5%'::target;
SELECT 'at most 24 h'::target;
SELECT 'at most 24h'::target;
SELECT 'at most 24 ساعة'::target;
SELECT 'from 40 days to 90'::target;
SELECT 'at least 0x10'::target;
SELECT '+20% of it'::target;

-- Not finite, out of range.
SELECT 'at least NaN'::target;
SELECT 'at most infinity'::target;
SELECT 'from -Inf to 5'::target;
SELECT '+inf%'::target;
SELECT 'at least 1e400'::target;
SELECT 'at least 1e-400'::target;

-- Nothing to reach.
SELECT 'from 40 to 40'::target;
SELECT 'from 0 to -0'::target;
SELECT '+0%'::target;
SELECT 'between 5 and 4.5'::target;

-- Order: kinds, then figures.
SELECT t FROM unnest(ARRAY['+20%', 'milestone', 'at least 5', 'from 1 to 3', '-50%', 'at least 4', 'from 1 to 2', 'between 1 and 2', 'at most 9', 'from 1 to 2']::target[]) t ORDER BY t;
SELECT count(DISTINCT t) FROM unnest(ARRAY['at least 5', 'at least 5.0', 'at least ٥', 'at most 5']::target[]) t;

-- Binary form.
SELECT t, target_send(t) FROM unnest(ARRAY['from 40 to 90', 'at least 95', 'milestone', '-50%']::target[]) t;
