-- 99 members: what is asked of this extension's own tables: references, tracking, dumps

CREATE TABLE athar.reference (
	child text NOT NULL,
	child_column text NOT NULL,
	parent text NOT NULL,
	is_tree boolean NOT NULL,
	PRIMARY KEY (child, child_column)
);
COMMENT ON TABLE athar.reference IS
'The references between this extension''s tables: foreign keys in all but name, checked by check_references() and keep_referenced(). A FOREIGN KEY would break the restore of a dump, which loads an extension''s tables in an order of its own. Filled by the install script';
COMMENT ON COLUMN athar.reference.child IS 'The table that refers';
COMMENT ON COLUMN athar.reference.child_column IS 'Its column; an integer';
COMMENT ON COLUMN athar.reference.parent IS 'The table referred to, by its column id';
COMMENT ON COLUMN athar.reference.is_tree IS 'True where loops are refused';

INSERT INTO athar.reference (child, child_column, parent, is_tree)
VALUES
	('unit', 'parent_id', 'unit', true),
	('service', 'unit_id', 'unit', false),
	('service', 'parent_id', 'service', true),
	('stage', 'service_id', 'service', false),
	('offering', 'stage_id', 'stage', false),
	('offering', 'channel_id', 'channel', false),
	('observation', 'kpi_id', 'kpi', false),
	('observation', 'service_id', 'service', false),
	('observation', 'channel_id', 'channel', false),
	('observation', 'stage_id', 'stage', false),
	('measurement', 'kpi_id', 'kpi', false),
	('measurement', 'service_id', 'service', false),
	('measurement', 'channel_id', 'channel', false),
	('measurement', 'stage_id', 'stage', false),
	('kpi_band', 'kpi_id', 'kpi', false),
	('kpi_relation', 'kpi_id', 'kpi', false),
	('kpi_relation', 'other_kpi_id', 'kpi', false),
	('project', 'unit_id', 'unit', false),
	('participant', 'project_id', 'project', false),
	('participant', 'action_id', 'action', false),
	('participant', 'unit_id', 'unit', false),
	('plan_item', 'project_id', 'project', false),
	('plan_version', 'project_id', 'project', false),
	('action', 'project_id', 'project', false),
	('action', 'owner_id', 'unit', false),
	('action', 'service_id', 'service', false),
	('action', 'stage_id', 'stage', false),
	('action', 'channel_id', 'channel', false),
	('plan_draft', 'project_id', 'project', false),
	('plan_conflict', 'draft_id', 'plan_draft', false),
	('approval', 'project_id', 'project', false),
	('approval', 'unit_id', 'unit', false),
	('kpi_source', 'kpi_id', 'kpi', false),
	('effect', 'action_id', 'action', false),
	('effect', 'kpi_id', 'kpi', false),
	('effect_measurement', 'effect_id', 'effect', false),
	('effect_check', 'effect_id', 'effect', false),
	('goal', 'cycle_id', 'cycle', false),
	('goal', 'parent_id', 'goal', true),
	('goal', 'unit_id', 'unit', false),
	('goal', 'kpi_id', 'kpi', false),
	('goal', 'service_id', 'service', false),
	('goal', 'channel_id', 'channel', false),
	('goal_revision', 'goal_id', 'goal', false),
	('goal_revision', 'parent_id', 'goal', false),
	('goal_revision', 'kpi_id', 'kpi', false),
	('goal_revision', 'service_id', 'service', false),
	('goal_revision', 'channel_id', 'channel', false),
	('goal_rollup', 'cycle_id', 'cycle', false),
	('goal_grade', 'goal_id', 'goal', false),
	('alignment', 'goal_id', 'goal', false),
	('alignment', 'action_id', 'action', false),
	('review', 'goal_id', 'goal', false),
	('review', 'project_id', 'project', false),
	('review', 'action_id', 'action', false),
	('review', 'reply_id', 'review', false),
	('goal_progress', 'goal_id', 'goal', false),
	('event', 'kpi_id', 'kpi', false),
	('event', 'service_id', 'service', false),
	('event', 'channel_id', 'channel', false),
	('event', 'goal_id', 'goal', false),
	('event', 'project_id', 'project', false),
	('event', 'action_id', 'action', false),
	('access_grant', 'unit_id', 'unit', false);

-- plpgsql, because the statements are made from the list above.
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN
		SELECT child,
			string_agg(quote_ident(child_column), ', ' ORDER BY child_column) AS columns,
			string_agg(format('%L, %L, %L', child_column, parent, CASE WHEN is_tree THEN 'tree' ELSE '' END), ', ' ORDER BY child_column) AS arguments
		FROM athar.reference
		GROUP BY child
	LOOP
		EXECUTE format('CREATE TRIGGER check_references AFTER INSERT OR UPDATE OF %s ON athar.%I FOR EACH ROW EXECUTE FUNCTION athar.check_references(%s)',
			r.columns, r.child, r.arguments);
		EXECUTE format('COMMENT ON TRIGGER check_references ON athar.%I IS %L',
			r.child, 'The rows referred to exist; see the table reference');
	END LOOP;
	FOR r IN
		SELECT parent,
			string_agg(format('%L, %L', child, child_column), ', ' ORDER BY child, child_column) AS arguments
		FROM athar.reference
		GROUP BY parent
	LOOP
		EXECUTE format('CREATE TRIGGER keep_referenced AFTER DELETE OR UPDATE OF id ON athar.%I FOR EACH ROW EXECUTE FUNCTION athar.keep_referenced(%s)',
			r.parent, r.arguments);
		EXECUTE format('CREATE TRIGGER keep_referenced_truncate AFTER TRUNCATE ON athar.%I FOR EACH STATEMENT EXECUTE FUNCTION athar.keep_referenced(%s)',
			r.parent, r.arguments);
		EXECUTE format('COMMENT ON TRIGGER keep_referenced ON athar.%I IS %L',
			r.parent, 'Rows that are referred to stay; see the table reference');
		EXECUTE format('COMMENT ON TRIGGER keep_referenced_truncate ON athar.%I IS %L',
			r.parent, 'Rows that are referred to stay; see the table reference');
	END LOOP;
END
$$;

-- Our own tables in the log, under ids that never change: a dump does not
-- carry these rows, the install script of the new database writes them again,
-- the same everywhere: these tables are known by their names, which nobody
-- else can take.
-- The entries of changed keys go under the id + 500. A later release that
-- changes the columns of one of these tables gives it further rows, with the
-- same lineage and a new id, and leaves these as they are.
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN
		SELECT m.id, m.relation, m.inserted_values, m.excluded, m.condition
		FROM (VALUES
			(1, 'unit', true, '{}', NULL),
			(2, 'service', true, '{}', NULL),
			(3, 'channel', true, '{}', NULL),
			(4, 'stage', true, '{}', NULL),
			(5, 'offering', true, '{}', NULL),
			(6, 'kpi', true, '{}', NULL),
			(7, 'measurement', false, '{}', '%s.origin = ''reported'''),
			(8, 'project', true, '{head_version}', NULL),
			(9, 'participant', true, '{}', NULL),
			(10, 'plan_version', false, '{}', NULL),
			(11, 'plan_item', false, '{}', NULL),
			(12, 'action', true, '{}', NULL),
			(13, 'plan_draft', true, '{}', NULL),
			(14, 'plan_conflict', true, '{}', NULL),
			(15, 'effect', true, '{}', NULL),
			(16, 'effect_measurement', true, '{}', NULL),
			(17, 'cycle', true, '{}', NULL),
			(18, 'goal', true, '{}', NULL),
			(19, 'alignment', true, '{}', NULL),
			(20, 'review', true, '{}', NULL),
			(21, 'job', true, '{last_started_at,last_finished_at,last_outcome,last_message}', NULL),
			(22, 'access_grant', true, '{}', NULL),
			(23, 'log_retention', true, '{}', NULL),
			(24, 'kpi_band', true, '{}', NULL),
			(25, 'kpi_relation', true, '{}', NULL),
			(26, 'kpi_source', true, '{shape,last_error}', NULL),
			(27, 'effect_check', true, '{}', NULL),
			(28, 'approval', true, '{}', NULL),
			(29, 'retention_rule', true, '{}', NULL),
			(30, 'goal_revision', true, '{}', NULL),
			(40, 'goal_grade', true, '{}', NULL)
		) AS m (id, relation, inserted_values, excluded, condition)
	LOOP
		INSERT INTO athar.tracked_table (id, lineage, relation, relation_oid, database_oid, cluster, owner_name, rekey_of, inserted_values, tracked_at)
		OVERRIDING SYSTEM VALUE
		VALUES
			(r.id, r.id, 'athar.' || r.relation, 0, 0, 0, '', NULL, r.inserted_values, '-infinity'),
			(r.id + 500, r.id, 'athar.' || r.relation, 0, 0, 0, '', r.id, r.inserted_values, '-infinity');
		INSERT INTO athar.tracked_column (table_id, number, attnum, name, type, is_key, is_excluded)
		SELECT r.id, a.attnum, a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
			coalesce(a.attnum = ANY (i.indkey), false), a.attname = ANY (r.excluded::text[])
		FROM pg_catalog.pg_attribute AS a
		LEFT JOIN pg_catalog.pg_index AS i ON i.indrelid = a.attrelid AND i.indisprimary
		WHERE a.attrelid = ('athar.' || r.relation)::regclass AND a.attnum > 0 AND NOT a.attisdropped;
		IF r.condition IS NULL THEN
			EXECUTE format('CREATE TRIGGER "#athar_capture" AFTER INSERT OR UPDATE OR DELETE ON athar.%I FOR EACH ROW EXECUTE FUNCTION athar.capture_change(%L)',
				r.relation, r.id);
			EXECUTE format('COMMENT ON TRIGGER "#athar_capture" ON athar.%I IS %L', r.relation, 'Writes each change into the log');
		ELSE
			EXECUTE format('CREATE TRIGGER "#athar_capture_insert" AFTER INSERT ON athar.%I FOR EACH ROW WHEN (%s) EXECUTE FUNCTION athar.capture_change(%L)',
				r.relation, format(r.condition, 'NEW'), r.id);
			EXECUTE format('CREATE TRIGGER "#athar_capture_update" AFTER UPDATE ON athar.%I FOR EACH ROW WHEN (%s OR %s) EXECUTE FUNCTION athar.capture_change(%L)',
				r.relation, format(r.condition, 'OLD'), format(r.condition, 'NEW'), r.id);
			EXECUTE format('CREATE TRIGGER "#athar_capture_delete" AFTER DELETE ON athar.%I FOR EACH ROW WHEN (%s) EXECUTE FUNCTION athar.capture_change(%L)',
				r.relation, format(r.condition, 'OLD'), r.id);
			EXECUTE format('COMMENT ON TRIGGER "#athar_capture_insert" ON athar.%I IS %L', r.relation, 'Writes each new reported row into the log');
			EXECUTE format('COMMENT ON TRIGGER "#athar_capture_update" ON athar.%I IS %L', r.relation, 'Writes each change of a reported row into the log');
			EXECUTE format('COMMENT ON TRIGGER "#athar_capture_delete" ON athar.%I IS %L', r.relation, 'Writes each removal of a reported row into the log');
		END IF;
		EXECUTE format('CREATE TRIGGER "~athar_capture_truncate" BEFORE TRUNCATE ON athar.%I FOR EACH STATEMENT EXECUTE FUNCTION athar.capture_change(%L)',
			r.relation, r.id);
		EXECUTE format('COMMENT ON TRIGGER "~athar_capture_truncate" ON athar.%I IS %L', r.relation, 'Writes each row into the log before it goes');
	END LOOP;
	-- Also under session_replication_role = replica.
	FOR r IN
		SELECT g.tgrelid::regclass AS relation, g.tgname
		FROM pg_catalog.pg_trigger AS g
		WHERE g.tgfoid = 'athar.capture_change()'::regprocedure
	LOOP
		EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', r.relation, r.tgname);
	END LOOP;
END
$$;

-- Also under session_replication_role = replica. The one before a command
-- loads the library, so that it hears of what comes, and has restored tables
-- found by their names before the command gives them others.
CREATE EVENT TRIGGER athar_before_command ON ddl_command_start EXECUTE FUNCTION athar.log_definitions();
COMMENT ON EVENT TRIGGER athar_before_command IS 'Prepares athar_after_command';
CREATE EVENT TRIGGER athar_after_command ON ddl_command_end EXECUTE FUNCTION athar.log_definitions();
COMMENT ON EVENT TRIGGER athar_after_command IS 'Writes changes of tracked tables'' definitions into the log';
ALTER EVENT TRIGGER athar_before_command ENABLE ALWAYS;
ALTER EVENT TRIGGER athar_after_command ENABLE ALWAYS;

-- What changes a source's table without its triggers.
CREATE EVENT TRIGGER athar_follow_sources ON ddl_command_end
	WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE', 'DROP TABLE', 'DROP SCHEMA', 'DROP OWNED', 'CREATE TRIGGER', 'ALTER TRIGGER', 'DROP TRIGGER')
	EXECUTE FUNCTION athar.follow_sources();
COMMENT ON EVENT TRIGGER athar_follow_sources IS 'Notices what changes the table of a source otherwise than by rows';
CREATE EVENT TRIGGER athar_follow_rewrites ON table_rewrite EXECUTE FUNCTION athar.follow_sources();
COMMENT ON EVENT TRIGGER athar_follow_rewrites IS 'Notices that a column of a source''s table is computed anew';
ALTER EVENT TRIGGER athar_follow_sources ENABLE ALWAYS;
ALTER EVENT TRIGGER athar_follow_rewrites ENABLE ALWAYS;

-- Every table and sequence that holds data goes into a dump, one statement
-- each, without what this script has written itself.
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN
		SELECT c.oid, c.relname
		FROM pg_catalog.pg_class c
		WHERE c.relnamespace = 'athar'::regnamespace
			AND c.relkind IN ('r', 'S')
			AND c.relname <> 'reference'
		ORDER BY c.relname
	LOOP
		PERFORM pg_catalog.pg_extension_config_dump(r.oid,
			CASE r.relname
				WHEN 'tracked_table' THEN 'WHERE id >= 1000'
				WHEN 'tracked_column' THEN 'WHERE table_id >= 1000'
				WHEN 'preset_kpi' THEN 'WHERE NOT is_builtin'
				ELSE ''
			END);
	END LOOP;
END
$$;
