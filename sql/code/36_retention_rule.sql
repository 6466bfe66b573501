-- 36 retention_rule: how long the log is kept, and the job that sees to it

CREATE OR REPLACE FUNCTION athar.check_retention_setter(relation regclass)
RETURNS void
LANGUAGE SQL STABLE PARALLEL SAFE
BEGIN ATOMIC
	SELECT athar.fail('42501', 'must be owner of table ' || c.relname, 'No rule was changed.',
		'Ask its owner, or the owner of the log; the rule for all others is for the owner of the log alone.')
	FROM pg_class AS c
	WHERE c.oid = coalesce(check_retention_setter.relation, 'athar.log_entry'::regclass)
		AND NOT pg_has_role(athar.caller(), c.relowner, 'USAGE')
		AND NOT pg_has_role(athar.caller(), (SELECT l.relowner FROM pg_class AS l WHERE l.oid = 'athar.log_entry'::regclass), 'USAGE');
END;
COMMENT ON FUNCTION athar.check_retention_setter(regclass) IS
'Refuses (42501) a caller who could not call expire_log(): who owns neither the table nor the log. NULL: who does not own the log.';

CREATE OR REPLACE FUNCTION athar.set_retention(relation regclass, archive_after interval, expire_after interval, reason text)
RETURNS void
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_retention_setter(set_retention.relation);
	SELECT athar.fail('55000', format('table "%s" was never tracked', set_retention.relation), 'No rule was changed: the change log has no entries of it.',
		'Of a partition, name the partitioned table.')
	WHERE set_retention.relation IS NOT NULL
		AND athar.table_ids(set_retention.relation) IS NULL;
	SELECT athar.fail('22023', 'what was taken out of the log stays on record', 'No rule was changed.', 'Name another table.')
	WHERE set_retention.relation = 'athar.log_retention'::regclass;
	SELECT athar.fail('22023', format('the log cannot be kept for %s', a.age), 'No rule was changed.',
		'Give an interval above zero that ends, such as ''2 years'', or NULL for ever.')
	FROM (VALUES (set_retention.archive_after), (set_retention.expire_after)) AS a (age)
	WHERE NOT coalesce(isfinite(a.age)
		AND least(extract(year FROM a.age), extract(month FROM a.age), extract(day FROM a.age), extract(hour FROM a.age), extract(minute FROM a.age),
			extract(second FROM a.age)) >= 0
		AND now() - a.age < now(), true);
	SELECT athar.fail('22023', format('what expires after %s cannot be archived after %s', set_retention.expire_after, set_retention.archive_after),
		'No rule was changed.', 'Archive earlier, or pass NULL for archive_after.')
	WHERE set_retention.archive_after >= set_retention.expire_after;
	SELECT athar.fail('AT001', 'a reason is required to say how long the change log is kept', 'No rule was changed.',
		'Give it as an argument: each act of retention is recorded with it.')
	WHERE coalesce(set_retention.reason, '') !~ '[^[:space:]]';
	INSERT INTO athar.retention_rule (lineage, archive_after, expire_after, reason)
	SELECT coalesce((SELECT n.lineage FROM athar.tracked_table AS n WHERE n.id = (athar.table_ids(set_retention.relation))[1]), 0),
		set_retention.archive_after, set_retention.expire_after, set_retention.reason
	ON CONFLICT (lineage) DO UPDATE
	SET archive_after = excluded.archive_after, expire_after = excluded.expire_after, reason = excluded.reason;
END;
COMMENT ON FUNCTION athar.set_retention(regclass, interval, interval, text) IS
'Says how long the log of a table is kept: the job retention (apply_retention()) archives what is older than archive_after and deletes for good what is older than expire_after, as archive_log() and expire_log() do; NULL: never. relation: the table; NULL: all tables without a rule of their own, those of athar included, except log_retention. A rule replaces the one before; with two NULLs it says that the table is kept for ever, whatever the rule for all others says; drop_retention() takes it away. reason: why; each act is recorded with it. The caller must own the table or the log, as for expire_log(). Without a rule nothing is ever taken out.
Errors: AT001 without a reason; 22023 for an interval that is not above zero or infinite, for one that archives what expired before, and for log_retention; 22008 for one that goes back before there was time; 55000 for a table that was never tracked; 42501.';

CREATE OR REPLACE VIEW athar.retention_rules WITH (security_invoker = true) AS
SELECT n.relation, r.archive_after, r.expire_after, r.reason
FROM athar.retention_rule AS r
LEFT JOIN LATERAL (
	SELECT t.relation
	FROM athar.tracked_table AS t
	WHERE t.lineage = r.lineage
	ORDER BY t.id DESC
	LIMIT 1
) AS n ON true
ORDER BY n.relation;
COMMENT ON VIEW athar.retention_rules IS 'How long the log is kept, one row per rule of set_retention(); without one it is kept for ever';
COMMENT ON COLUMN athar.retention_rules.relation IS 'schema.table as it is named now, or was last; NULL: all tables without a rule of their own';
COMMENT ON COLUMN athar.retention_rules.archive_after IS 'Entries older than that are archived; NULL: never';
COMMENT ON COLUMN athar.retention_rules.expire_after IS 'Entries older than that are deleted for good; NULL: never';
COMMENT ON COLUMN athar.retention_rules.reason IS 'Why; each act of retention is recorded with it';

CREATE OR REPLACE FUNCTION athar.drop_retention(relation regclass)
RETURNS boolean
LANGUAGE SQL VOLATILE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	SELECT athar.check_retention_setter(drop_retention.relation);
	WITH dropped AS (
		DELETE FROM athar.retention_rule AS r
		WHERE r.lineage = CASE WHEN drop_retention.relation IS NULL THEN 0
			ELSE (SELECT n.lineage FROM athar.tracked_table AS n WHERE n.id = (athar.table_ids(drop_retention.relation))[1]) END
		RETURNING r.lineage
	)
	SELECT count(*) > 0 FROM dropped;
END;
COMMENT ON FUNCTION athar.drop_retention(regclass) IS
'Takes away the rule that set_retention() made for a table, to which the rule for all others then applies; NULL: takes away that one. Returns whether there was one. The rule of a table that was dropped stays, and goes on to be applied to its log. The caller must own the table or the log (42501).';

-- plpgsql, because what fails for one table must be undone alone: that takes a
-- subtransaction. A check is made only where entries wait for it, which is
-- once in the time that entries are kept, and not at each run.
CREATE OR REPLACE FUNCTION athar.apply_retention(most integer DEFAULT 100000, OUT archived bigint, OUT expired bigint, OUT is_more boolean, OUT problems text[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	rule record;
	act record;
	counts bigint[];
	taken bigint;
	has_more boolean;
	is_unchecked boolean;
	is_left boolean;
	problem text;
BEGIN
	archived := 0;
	expired := 0;
	is_more := false;
	IF NOT coalesce(most BETWEEN 1 AND 1000000, false) THEN
		PERFORM athar.fail('22023', 'one to a million entries may be taken at once', 'Nothing was taken out.', 'Pass how many one call may take at most.');
	END IF;
	-- one run after the other: a rule is applied once
	PERFORM pg_advisory_xact_lock('pg_class'::regclass::oid::integer, 'athar.retention_rule'::regclass::oid::integer);
	FOR rule IN
		SELECT t.lineage, t.relation, r.archive_after, r.expire_after, r.reason
		FROM (
			SELECT DISTINCT ON (n.lineage) n.lineage, n.relation
			FROM athar.tracked_table AS n
			ORDER BY n.lineage, n.id DESC
		) AS t
		JOIN athar.retention_rule AS r
			ON r.lineage = CASE WHEN EXISTS (SELECT FROM athar.retention_rule AS o WHERE o.lineage = t.lineage) THEN t.lineage ELSE 0 END
		WHERE num_nonnulls(r.archive_after, r.expire_after) > 0
			AND t.relation <> 'athar.log_retention'
		-- so that no table that has much keeps the others waiting for ever
		ORDER BY random()
	LOOP
		IF archived + expired >= most THEN
			is_more := true;
			EXIT;
		END IF;
		counts := '{0,0}';
		is_left := false;
		problem := NULL;
		BEGIN
			FOR act IN
				SELECT a.number, now() - a.age AS before, o.attempt
				FROM (VALUES (1, rule.expire_after), (2, rule.archive_after)) AS a (number, age)
				CROSS JOIN generate_series(1, 2) AS o (attempt)
				WHERE a.age IS NOT NULL
				ORDER BY a.number, o.attempt
			LOOP
				CONTINUE WHEN act.attempt = 2 AND NOT is_unchecked;
				is_left := is_left OR archived + expired + counts[1] + counts[2] >= most;
				EXIT WHEN is_left;
				IF act.attempt = 2 THEN
					SELECT array_to_string(c.problems, '; ') INTO problem
					FROM athar.check_tracking(rule.relation::regclass) AS c
					WHERE c.is_complete IS NOT TRUE;
				END IF;
				SELECT r.taken, r.is_more, r.is_unchecked INTO taken, has_more, is_unchecked
				FROM athar.retain_log(act.number = 1, act.before, rule.lineage, rule.reason,
					(most - archived - expired - counts[1] - counts[2])::integer) AS r;
				counts[act.number] := counts[act.number] + taken;
				is_left := is_left OR has_more;
			END LOOP;
		EXCEPTION WHEN OTHERS THEN
			counts := '{0,0}';
			is_left := false;
			problem := format('%s (SQLSTATE %s)', SQLERRM, SQLSTATE);
		END;
		expired := expired + counts[1];
		archived := archived + counts[2];
		is_more := is_more OR is_left;
		IF problem IS NOT NULL THEN
			problems := problems || (rule.relation || ': ' || problem);
			RAISE WARNING 'retention of table % failed: %', rule.relation, problem;
		END IF;
	END LOOP;
END;
$$;
COMMENT ON FUNCTION athar.apply_retention(integer) IS
'Does what the rules of set_retention() say: deletes what expires and archives what is old enough, table by table, each as expire_log() and archive_log() do, with the reason of its rule. most: entries that one call may take of all tables together, up to a million (and up to 255 more that lie in one row of log_archive); where there are more, is_more is true, and the next call goes on. The job retention calls it. With its owner''s rights: who may say how long the log is kept, set_retention() asks.
Where entries wait for a check, it makes the one that tracking_status() makes: that reads the table, once in the time that its entries are kept and not at each call. problems: what failed, each with the name of its table, also that the log of a table is not complete, so that its newer entries stay; that table is undone alone, the others go on; NULL where nothing failed. 22023 for most out of range.';
