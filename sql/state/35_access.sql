-- 35 access: what was granted to whom

CREATE TABLE athar.access_grant (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	role_name text NOT NULL,
	level text NOT NULL,
	unit_id integer,
	UNIQUE NULLS NOT DISTINCT (role_name, level, unit_id),
	CONSTRAINT access_grant_level_check CHECK (level IN ('read', 'contribute', 'manage', 'administer', 'audit'))
);
COMMENT ON TABLE athar.access_grant IS 'Levels given with grant_access(), so that upgrades and restores can give them again';
COMMENT ON COLUMN athar.access_grant.id IS 'Internal key';
COMMENT ON COLUMN athar.access_grant.role_name IS 'The database role, by name: roles belong to the cluster and are not dumped with a database';
COMMENT ON COLUMN athar.access_grant.level IS 'read, contribute, manage, administer or audit';
COMMENT ON COLUMN athar.access_grant.unit_id IS 'The unit it is limited to: references unit(id), checked by trigger; NULL for all';
