-- 54 approval: who agreed to which version of a plan

CREATE TABLE athar.approval (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	project_id integer NOT NULL,
	version integer NOT NULL,
	unit_id integer,
	decision text NOT NULL,
	version_hash bytea NOT NULL,
	part_hash bytea,
	is_complete boolean NOT NULL DEFAULT false,
	author text NOT NULL,
	role_name text NOT NULL,
	note text,
	decided_at timestamptz NOT NULL,
	CONSTRAINT approval_decision_check CHECK (decision IN ('requested', 'approved', 'rejected')),
	CONSTRAINT approval_unit_id_check CHECK ((decision = 'requested') = (unit_id IS NULL) AND (unit_id IS NULL) = (part_hash IS NULL)),
	CONSTRAINT approval_is_complete_check CHECK (decision = 'approved' OR NOT is_complete),
	CONSTRAINT approval_note_check CHECK (decision <> 'rejected' OR (note IS NOT NULL AND btrim(note) <> ''))
);
COMMENT ON TABLE athar.approval IS 'Signatures under versions of plans, and requests for them; rows are added and never changed: the newest word of a unit counts';
COMMENT ON COLUMN athar.approval.id IS 'Internal key; later rows have greater ones';
COMMENT ON COLUMN athar.approval.project_id IS 'The project: references project(id), checked by trigger';
COMMENT ON COLUMN athar.approval.version IS 'The version of its plan';
COMMENT ON COLUMN athar.approval.unit_id IS 'The unit that was signed for: references unit(id), checked by trigger; NULL for a request, which is to all';
COMMENT ON COLUMN athar.approval.decision IS 'requested, approved or rejected';
COMMENT ON COLUMN athar.approval.version_hash IS 'What was signed: the version''s plan_version.version_hash at that time';
COMMENT ON COLUMN athar.approval.part_hash IS 'Hash of the unit''s own part of that version (approval_parts()): the signature stands on later versions with the same part; NULL for a request';
COMMENT ON COLUMN athar.approval.is_complete IS 'Whether the approval of every unit with a part stood on this version with this signature: the version came into force';
COMMENT ON COLUMN athar.approval.author IS 'Who: athar.actor, or else the database role; frozen as text';
COMMENT ON COLUMN athar.approval.role_name IS 'The database role that signed; the unit is one for which it was given a level';
COMMENT ON COLUMN athar.approval.note IS 'A note; for a rejection the reason';
COMMENT ON COLUMN athar.approval.decided_at IS 'When, by the clock';
CREATE INDEX approval_project_id_idx ON athar.approval (project_id, unit_id);
CREATE INDEX approval_unit_id_idx ON athar.approval (unit_id);
