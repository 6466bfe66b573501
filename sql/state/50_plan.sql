-- 50 plan: improvement projects and their versioned action plans

CREATE TABLE athar.project (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	code athar.code NOT NULL UNIQUE,
	name text NOT NULL,
	name_ar text,
	unit_id integer NOT NULL,
	head_version integer NOT NULL DEFAULT 0,
	status text NOT NULL DEFAULT 'draft',
	maturity text NOT NULL DEFAULT 'pilot',
	CONSTRAINT project_name_check CHECK (btrim(name) <> ''),
	CONSTRAINT project_head_version_check CHECK (head_version >= 0),
	CONSTRAINT project_status_check CHECK (status IN ('draft', 'active', 'closed')),
	CONSTRAINT project_maturity_check CHECK (maturity IN ('pilot', 'scaled', 'institutional'))
);
COMMENT ON TABLE athar.project IS 'Improvement projects; each has one action plan in versions';
COMMENT ON COLUMN athar.project.id IS 'Internal key; applications use code';
COMMENT ON COLUMN athar.project.code IS 'Key chosen by the user';
COMMENT ON COLUMN athar.project.name IS 'Name for people';
COMMENT ON COLUMN athar.project.name_ar IS 'Name in Arabic';
COMMENT ON COLUMN athar.project.unit_id IS 'The accountable unit: references unit(id), checked by trigger';
COMMENT ON COLUMN athar.project.head_version IS 'The newest version of its plan; the row is locked while a version is saved';
COMMENT ON COLUMN athar.project.status IS 'draft, active or closed; see set_project_status()';
COMMENT ON COLUMN athar.project.maturity IS 'pilot, scaled or institutional: how far beyond a trial it has come; see set_project_maturity()';
CREATE INDEX project_unit_id_idx ON athar.project (unit_id);

CREATE TABLE athar.participant (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	project_id integer NOT NULL,
	action_id integer,
	unit_id integer NOT NULL,
	role text NOT NULL,
	joined_at timestamptz NOT NULL DEFAULT clock_timestamp(),
	UNIQUE NULLS NOT DISTINCT (project_id, action_id, unit_id),
	CONSTRAINT participant_role_check CHECK (role IN ('accountable', 'responsible', 'consulted', 'informed'))
);
COMMENT ON TABLE athar.participant IS 'Which unit takes part in a project or in one of its actions, and how';
COMMENT ON COLUMN athar.participant.id IS 'Internal key';
COMMENT ON COLUMN athar.participant.project_id IS 'The project: references project(id), checked by trigger';
COMMENT ON COLUMN athar.participant.action_id IS 'The action: references action(id), checked by trigger; NULL for the project as a whole';
COMMENT ON COLUMN athar.participant.unit_id IS 'The unit: references unit(id), checked by trigger';
COMMENT ON COLUMN athar.participant.joined_at IS 'Since when it has this role, by the clock: nobody waits for a unit''s agreement before that';
COMMENT ON COLUMN athar.participant.role IS 'accountable (one at most; of a project exactly one, project.unit_id), responsible, consulted or informed; one role for each unit and place';
CREATE UNIQUE INDEX participant_accountable_idx ON athar.participant (project_id, action_id) NULLS NOT DISTINCT WHERE role = 'accountable';
CREATE INDEX participant_unit_id_idx ON athar.participant (unit_id);
CREATE INDEX participant_action_id_idx ON athar.participant (action_id);

CREATE TABLE athar.plan_item (
	project_id integer NOT NULL,
	revision integer NOT NULL,
	item_id text NOT NULL,
	document jsonb NOT NULL,
	item_hash bytea NOT NULL,
	PRIMARY KEY (project_id, revision),
	CONSTRAINT plan_item_revision_check CHECK (revision > 0)
);
COMMENT ON TABLE athar.plan_item IS 'Revisions of plan items; a revision never changes and may belong to many versions';
COMMENT ON COLUMN athar.plan_item.project_id IS 'The project: references project(id), checked by trigger';
COMMENT ON COLUMN athar.plan_item.revision IS 'Number of the revision, counted within the project';
COMMENT ON COLUMN athar.plan_item.item_id IS 'The item''s id in the document';
COMMENT ON COLUMN athar.plan_item.document IS 'The item as it was written, unknown keys included';
COMMENT ON COLUMN athar.plan_item.item_hash IS 'SHA-256 over the UTF-8 text of document as jsonb prints it';

CREATE TABLE athar.plan_version (
	project_id integer NOT NULL,
	version integer NOT NULL,
	parent_version integer,
	merged_version integer,
	items integer[] NOT NULL,
	header jsonb NOT NULL,
	author text NOT NULL,
	reason text NOT NULL,
	saved_at timestamptz NOT NULL,
	name text,
	version_hash bytea NOT NULL,
	PRIMARY KEY (project_id, version),
	CONSTRAINT plan_version_version_check CHECK (version > 0 AND parent_version < version AND merged_version < version),
	CONSTRAINT plan_version_author_check CHECK (btrim(author) <> ''),
	CONSTRAINT plan_version_reason_check CHECK (btrim(reason) <> '')
);
COMMENT ON TABLE athar.plan_version IS 'Versions of a project''s plan: a manifest of item revisions, with author and reason';
COMMENT ON COLUMN athar.plan_version.project_id IS 'The project: references project(id), checked by trigger';
COMMENT ON COLUMN athar.plan_version.version IS 'Number of the version within the project, without gaps';
COMMENT ON COLUMN athar.plan_version.parent_version IS 'The version it was made from; NULL for the first';
COMMENT ON COLUMN athar.plan_version.merged_version IS 'The version its author had started from, where that was not the parent: both were merged';
COMMENT ON COLUMN athar.plan_version.items IS 'Revisions of its items (plan_item.revision): membership and order';
COMMENT ON COLUMN athar.plan_version.header IS 'The document without its items; an empty list of items stays as it was written';
COMMENT ON COLUMN athar.plan_version.author IS 'Who saved it: athar.actor, or else the database role; frozen as text';
COMMENT ON COLUMN athar.plan_version.reason IS 'Why';
COMMENT ON COLUMN athar.plan_version.saved_at IS 'When: by the clock, while the project was locked, and never before its parent';
COMMENT ON COLUMN athar.plan_version.name IS 'A name given to this version (approved by cabinet, baseline 2026), unique within the project';
COMMENT ON COLUMN athar.plan_version.version_hash IS 'SHA-256 over the UTF-8 text of the JSON array ["athar-plan/2", project code, version, parent''s hash in hex or null, header, array of the items'' hashes in hex, in the order of the plan], as jsonb prints it; what an approval signs';
CREATE UNIQUE INDEX plan_version_name_idx ON athar.plan_version (project_id, name) WHERE name IS NOT NULL;

CREATE TABLE athar.action (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	project_id integer NOT NULL,
	item_id text NOT NULL,
	revision integer NOT NULL,
	ordinal integer NOT NULL,
	title text NOT NULL,
	title_ar text,
	kind text,
	owner_id integer,
	service_id integer,
	stage_id integer,
	channel_id integer,
	starts_on date,
	due_on date,
	live_on date,
	status text NOT NULL DEFAULT 'planned',
	weight athar.finite NOT NULL DEFAULT 1,
	budget numeric,
	parent_item_id text,
	removed_in_version integer,
	UNIQUE (project_id, item_id),
	CONSTRAINT action_title_check CHECK (btrim(title) <> ''),
	CONSTRAINT action_dates_check CHECK (starts_on <= due_on),
	CONSTRAINT action_status_check CHECK (status IN ('planned', 'in_progress', 'live', 'done', 'verified', 'cancelled')),
	CONSTRAINT action_weight_check CHECK (weight >= 0),
	CONSTRAINT action_budget_check CHECK (budget >= 0 AND budget < 'Infinity')
);
COMMENT ON TABLE athar.action IS 'Today''s actions of every plan, in typed columns; follows the newest version and is never written by hand';
COMMENT ON COLUMN athar.action.id IS 'Internal key; applications use the project''s code and item_id';
COMMENT ON COLUMN athar.action.project_id IS 'The project: references project(id), checked by trigger';
COMMENT ON COLUMN athar.action.item_id IS 'The item''s id in the plan document';
COMMENT ON COLUMN athar.action.revision IS 'The item revision it shows (plan_item.revision)';
COMMENT ON COLUMN athar.action.ordinal IS 'Place in the plan, from 1';
COMMENT ON COLUMN athar.action.title IS 'What is done';
COMMENT ON COLUMN athar.action.title_ar IS 'What is done, in Arabic';
COMMENT ON COLUMN athar.action.kind IS 'What sort of action it is (simplify, digitise, train)';
COMMENT ON COLUMN athar.action.owner_id IS 'The unit that does it: references unit(id), checked by trigger';
COMMENT ON COLUMN athar.action.service_id IS 'The service it improves: references service(id), checked by trigger';
COMMENT ON COLUMN athar.action.stage_id IS 'The stage it improves: references stage(id), checked by trigger';
COMMENT ON COLUMN athar.action.channel_id IS 'The channel it improves: references channel(id), checked by trigger';
COMMENT ON COLUMN athar.action.starts_on IS 'First day of work';
COMMENT ON COLUMN athar.action.due_on IS 'Day by which it should be done';
COMMENT ON COLUMN athar.action.live_on IS 'Day on which people first met it: the cutover of its effects';
COMMENT ON COLUMN athar.action.status IS 'planned, in_progress, live, done, verified or cancelled';
COMMENT ON COLUMN athar.action.weight IS 'Weight among its siblings';
COMMENT ON COLUMN athar.action.budget IS 'Money set aside for it, in the currency of the plan';
COMMENT ON COLUMN athar.action.parent_item_id IS 'The item of the same plan it is part of';
COMMENT ON COLUMN athar.action.removed_in_version IS 'The version that removed it from the plan; NULL while it is in the plan';
CREATE INDEX action_owner_id_idx ON athar.action (owner_id);
CREATE INDEX action_service_id_idx ON athar.action (service_id);
CREATE INDEX action_stage_id_idx ON athar.action (stage_id);
CREATE INDEX action_channel_id_idx ON athar.action (channel_id);

CREATE TABLE athar.plan_draft (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	project_id integer NOT NULL,
	base_version integer NOT NULL,
	document jsonb NOT NULL,
	author text NOT NULL,
	reason text NOT NULL,
	saved_at timestamptz NOT NULL,
	status text NOT NULL DEFAULT 'open',
	merged_version integer,
	CONSTRAINT plan_draft_reason_check CHECK (btrim(reason) <> ''),
	CONSTRAINT plan_draft_status_check CHECK (status IN ('open', 'merged', 'dropped')),
	CONSTRAINT plan_draft_merged_version_check CHECK ((status = 'merged') = (merged_version IS NOT NULL))
);
COMMENT ON TABLE athar.plan_draft IS 'Plans whose save met a conflict: nothing anybody wrote is lost';
COMMENT ON COLUMN athar.plan_draft.id IS 'Number of the draft';
COMMENT ON COLUMN athar.plan_draft.project_id IS 'The project: references project(id), checked by trigger';
COMMENT ON COLUMN athar.plan_draft.base_version IS 'The version its author had started from';
COMMENT ON COLUMN athar.plan_draft.document IS 'The whole document as it was to be saved';
COMMENT ON COLUMN athar.plan_draft.author IS 'Who tried to save it';
COMMENT ON COLUMN athar.plan_draft.reason IS 'Why';
COMMENT ON COLUMN athar.plan_draft.saved_at IS 'When';
COMMENT ON COLUMN athar.plan_draft.status IS 'open, merged or dropped';
COMMENT ON COLUMN athar.plan_draft.merged_version IS 'The version it became';
CREATE INDEX plan_draft_project_id_idx ON athar.plan_draft (project_id);

CREATE TABLE athar.plan_conflict (
	id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	draft_id integer NOT NULL,
	path text NOT NULL,
	kind text NOT NULL,
	conflict jsonb NOT NULL,
	their_version integer,
	resolution text,
	value jsonb,
	resolved_at timestamptz,
	resolved_by text,
	CONSTRAINT plan_conflict_resolution_check CHECK (resolution IN ('ours', 'theirs', 'base', 'value')),
	CONSTRAINT plan_conflict_resolved_check CHECK ((resolution IS NULL) = (resolved_at IS NULL))
);
COMMENT ON TABLE athar.plan_conflict IS 'What a draft and the plan disagree about, one row each';
COMMENT ON COLUMN athar.plan_conflict.id IS 'Internal key';
COMMENT ON COLUMN athar.plan_conflict.draft_id IS 'The draft: references plan_draft(id), checked by trigger';
COMMENT ON COLUMN athar.plan_conflict.path IS 'Where in the document, items named by id (/items/A1/due_on)';
COMMENT ON COLUMN athar.plan_conflict.kind IS 'What sort of conflict: edit/edit, edit/delete, delete/edit, add/add (the draft''s side first), move/move, dangling, cycle as json_merge3() finds them; invalid where the parts agree and the whole would have a fault';
COMMENT ON COLUMN athar.plan_conflict.conflict IS 'The conflict as it was answered: base, ours, theirs (an absent side is left out), their_version, their_author, their_reason';
COMMENT ON COLUMN athar.plan_conflict.their_version IS 'The version that made the other change';
COMMENT ON COLUMN athar.plan_conflict.resolution IS 'ours, theirs, base or value; NULL while it is open';
COMMENT ON COLUMN athar.plan_conflict.value IS 'The value chosen, where resolution is value';
COMMENT ON COLUMN athar.plan_conflict.resolved_at IS 'When it was resolved';
COMMENT ON COLUMN athar.plan_conflict.resolved_by IS 'Who resolved it';
CREATE INDEX plan_conflict_draft_id_idx ON athar.plan_conflict (draft_id);

CREATE TYPE athar.plan_outcome AS (
	status text,
	version integer,
	draft integer,
	conflicts jsonb
);
COMMENT ON TYPE athar.plan_outcome IS 'What became of a change of a plan: the answer of save_plan() and its like';
COMMENT ON COLUMN athar.plan_outcome.status IS 'saved, merged, unchanged or conflict';
COMMENT ON COLUMN athar.plan_outcome.version IS 'The new version; of unchanged and conflict the newest one there is';
COMMENT ON COLUMN athar.plan_outcome.draft IS 'The draft in which a change in conflict is kept; NULL otherwise';
COMMENT ON COLUMN athar.plan_outcome.conflicts IS 'Array of what the change and the plan disagree about; empty if nothing';
