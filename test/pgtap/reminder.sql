-- reminder: what falls due or is late is told once for as long as it is so
BEGIN;
SELECT plan(25);
SET LOCAL athar.time_zone = 'UTC';
CREATE FUNCTION pg_temp.today() RETURNS date LANGUAGE sql AS $$SELECT (now() AT TIME ZONE 'UTC')::date$$;
CREATE FUNCTION pg_temp.ago(days integer) RETURNS timestamptz LANGUAGE sql AS $$SELECT date_trunc('day', now(), 'UTC') - days * interval '1 day'$$;
CREATE FUNCTION pg_temp.days(first integer, last integer) RETURNS daterange LANGUAGE sql AS $$SELECT daterange(pg_temp.today() + first, pg_temp.today() + last)$$;
-- What the newest events tell, and what is still open.
CREATE FUNCTION pg_temp.told(newest integer) RETURNS SETOF text LANGUAGE sql AS $$
	SELECT concat_ws(' ', kind, goal, project, action, pg_temp.today() - due_on)
	FROM (SELECT * FROM athar.events ORDER BY id DESC LIMIT newest) AS e ORDER BY 1
$$;
CREATE FUNCTION pg_temp.open() RETURNS SETOF text LANGUAGE sql AS $$
	SELECT concat_ws(' ', kind, goal, project, action) FROM athar.events WHERE due_on IS NOT NULL AND settled_at IS NULL ORDER BY 1
$$;
-- As if what was done so far were done so many days before.
CREATE FUNCTION pg_temp.days_pass(days integer) RETURNS void LANGUAGE sql AS $$
	UPDATE athar.event SET at = at - days * interval '1 day', due_on = due_on - days, settled_at = settled_at - days * interval '1 day';
	UPDATE athar.review SET reviewed_at = reviewed_at - days * interval '1 day';
	UPDATE athar.cycle SET period = daterange(lower(period) - days, upper(period) - days);
$$;

SELECT is(athar.record_reminders(), 0, 'nothing is there, nothing is due');

SELECT athar.define_unit('agency', 'Agency'), athar.define_service('permit', 'Permit', 'agency');
SELECT athar.create_cycle('late', 'Late', pg_temp.days(-34, 200), review_every => '30 days'), athar.create_cycle('grace', 'Grace', pg_temp.days(-33, 200), review_every => '30 days'),
	athar.create_cycle('today', 'Today', pg_temp.days(-30, 200), review_every => '30 days'), athar.create_cycle('later', 'Later', pg_temp.days(-29, 200), review_every => '30 days');
SELECT athar.create_goal('never', 'Never reviewed', 'objective', 'late', title_ar => 'لم يراجع قط'), athar.create_goal('waits', 'In its days of grace', 'objective', 'grace'),
	athar.create_goal('now', 'Due today', 'objective', 'today'), athar.create_goal('soon', 'Soon', 'objective', 'later'), athar.create_goal('ever', 'For ever', 'policy');

-- Reviews: due, late, done, due again.
SELECT is(athar.record_reminders(), 3, 'what is due and what is late');
SELECT results_eq('SELECT pg_temp.told(9)', ARRAY['never_reviewed never 4', 'review_due now 0', 'review_due waits 3'], 'each once, and not what has time');
SELECT is(athar.record_reminders(), 0, 'once for as long as it is so');
SELECT pg_temp.days_pass(1);
SELECT is(athar.record_reminders(), 2, 'tomorrow the next');
SELECT results_eq('SELECT pg_temp.told(2)', ARRAY['never_reviewed waits 4', 'review_due soon 0'], 'one falls due, and one that was due is late, as another event');
SELECT results_eq('SELECT pg_temp.open()', ARRAY['never_reviewed never', 'never_reviewed waits', 'review_due now', 'review_due soon'], 'which takes the place of the first');
SELECT athar.check_in('never', confidence => 0.5), athar.record_review(NULL, 'It goes on', 'review', goal => 'now'), athar.check_in('soon', confidence => 0.5), athar.record_review(NULL, 'Why?', 'comment', goal => 'waits');
SELECT is(athar.record_reminders(), 0, 'what is reviewed is settled, and that is no event');
SELECT results_eq('SELECT pg_temp.open()', ARRAY['never_reviewed waits'], 'a comment settles nothing');
SELECT pg_temp.days_pass(34);
SELECT is(athar.record_reminders(), 3, 'when it is late again, it is told again');
SELECT results_eq('SELECT pg_temp.told(3)', ARRAY['review_late never 4', 'review_late now 4', 'review_late soon 4'], 'as one that was reviewed, but long ago');
SELECT athar.check_in('now', confidence => 0.5);
SELECT pg_temp.days_pass(34);
SELECT is(athar.record_reminders(), 1, 'also where it was settled while nobody looked');
SELECT results_eq($$SELECT settled_at IS NULL, count(*) FROM athar.events WHERE goal = 'now' AND kind = 'review_late' GROUP BY 1 ORDER BY 1$$, 'VALUES (false, 1::bigint), (true, 1)', 'the one before is settled then');

-- Goals that nobody corrects.
SELECT athar.create_project('reform', 'Reform', 'agency', '{"title": "Reform", "items": [{"id": "A1", "title": "Form", "service": "permit", "due_on": "2999-01-01"}]}', 'begin');
SELECT athar.create_cycle('run', 'Run', pg_temp.days(-60, 40), review_every => '10 days');
SELECT athar.create_goal('slow', 'Slow', 'key_result', 'run', target => 'from 0 to 10');
SELECT athar.check_in('slow', 0, at => pg_temp.ago(50)), athar.check_in('slow', note => 'it will come');
SELECT is(athar.record_reminders(), 1, 'off track, and not corrected');
SELECT is(athar.record_reminders(), 0, 'told once');
SELECT athar.record_review('reform', 'Another form', 'decision', 'A1', goal => 'slow');
SELECT is(athar.record_reminders(), 0, 'corrected');
UPDATE athar.action SET status = 'cancelled' WHERE item_id = 'A1';
SELECT is(athar.record_reminders(), 1, 'when the correction is cancelled, it is told again, though of the same day');
SELECT results_eq('SELECT pg_temp.told(1)', ARRAY['uncorrected slow 20'], 'which it names');

-- Projects and actions.
UPDATE athar.action SET status = 'planned', due_on = pg_temp.today() - 1 WHERE item_id = 'A1';
UPDATE athar.plan_version SET saved_at = now() - interval '1 month' - interval '1 day';
SELECT is(athar.record_reminders(), 2, 'a project that is to be reviewed, and an action that is late');
SELECT results_eq('SELECT pg_temp.told(2)', ARRAY['late reform A1 1', 'review_due reform 1'], 'each by its codes');
SELECT athar.record_review('reform', 'Halfway', 'review');
UPDATE athar.action SET due_on = pg_temp.today() WHERE item_id = 'A1';
SELECT is(athar.record_reminders(), 0, 'reviewed, and given more time');
SELECT is_empty($$SELECT FROM athar.events WHERE project IS NOT NULL AND settled_at IS NULL$$, 'both are settled');

-- What people read.
SELECT results_eq(
	$$SELECT DISTINCT ON (kind) replace(message, to_char(due_on, 'YYYY-MM-DD'), 'DAY'), replace(message_ar, to_char(due_on, 'YYYY-MM-DD'), 'DAY') FROM athar.events ORDER BY kind, id$$,
	$$VALUES ('Form: should have been done by DAY', 'Form: لم يكتمل التنفيذ، وكان موعده DAY'),
		('Never reviewed: was never reviewed, and should have been by DAY', 'لم يراجع قط: لم تُجرَ أي مراجعة، وكان موعدها DAY'),
		('In its days of grace: is to be reviewed, since DAY', 'In its days of grace: حان موعد المراجعة منذ DAY'),
		('Never reviewed: should have been reviewed again by DAY', 'لم يراجع قط: تأخرت المراجعة، وكان موعدها DAY'),
		('Slow: is off track, and no action to correct it was decided by DAY', 'Slow: خارج المسار، ولم يُقرَّر إجراء تصحيحي حتى DAY')$$,
	'a sentence in both languages');
SELECT is_empty($$SELECT FROM athar.events WHERE num_nonnulls(value, threshold, direction, measured_until, band_from, band_to) > 0$$, 'a reminder has no figures');
SELECT is(athar.record_events(), 0, 'the figures are looked at by themselves');
SELECT * FROM finish();
ROLLBACK;
