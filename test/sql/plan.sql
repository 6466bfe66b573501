-- plan: what a save answers, what history says, and the texts of what is refused
\set SHOW_CONTEXT never
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT athar.define_unit('dvla', 'Driver and Vehicle Licensing Agency') IS NOT NULL AS ok;
SELECT athar.define_service('vehicle-tax', 'Vehicle tax', 'dvla') IS NOT NULL AS ok;
SELECT athar.define_stage('vehicle-tax', 'pay', 'Payment', 1) IS NOT NULL AS ok;
SELECT athar.define_channel('web', 'Website') IS NOT NULL AS ok;
SELECT athar.define_kpi('digital', 'Digital share', 'share', 'up') IS NOT NULL AS ok;

SELECT athar.set_context('team', NULL);
SELECT athar.create_project('disc', 'End of the paper disc', 'dvla',
	'{"title": "Disc", "items": [
		{"id": "A1", "title": "Records online", "owner": "dvla", "service": "vehicle-tax", "stage": "pay", "channel": "web",
			"due_on": "2026-03-01", "status": "planned", "budget": 125000.50, "kpis": [{"kpi": "digital", "target": "-20%"}]},
		{"id": "A2", "title": "Tell drivers", "depends_on": ["A1"]},
		{"id": "A3", "title": "Train counters", "parent": "A2"}]}',
	'Paper costs 7 million a year', 'نهاية القرص') IS NOT NULL AS ok;

-- saved, unchanged, conflict, merged
SELECT * FROM athar.save_plan('disc', jsonb_set(athar.get_plan('disc'), '{items,0,due_on}', '"2026-04-05"'), 1, 'Supplier is late');
SELECT * FROM athar.save_plan('disc', jsonb_set(athar.get_plan('disc'), '{items,0,due_on}', '"2026-04-05"'), 2, 'Once more');
SELECT athar.set_context('board', NULL);
SELECT status, version, jsonb_pretty(conflicts) AS conflicts
FROM athar.save_plan('disc', jsonb_set(athar.get_plan('disc', 1), '{items,0,due_on}', '"2026-03-10"'), 1, 'Ministers agreed');
SELECT status, version, jsonb_pretty(conflicts) AS conflicts
FROM athar.save_plan('disc', jsonb_set(athar.get_plan('disc', 1), '{purpose}', '"Less paper"'), 1, 'Say what for');
SELECT * FROM athar.save_plan('disc', '{"title": "Disc", "purpose": "Less paper", "items": [
		{"id": "A3", "title": "Train the counters", "parent": "A1"},
		{"id": "A1", "title": "Records online", "owner": "dvla", "service": "vehicle-tax", "stage": "pay", "channel": "web",
			"due_on": "2026-04-05", "status": "live", "steps": ["a", "b"], "kpis": [{"kpi": "digital", "target": "-20%"}]},
		{"id": "B1", "title": "Measure"}]}', 2, 'Second review');
SELECT athar.name_version('disc', 2, 'baseline');
SELECT version, parent_version, author, reason, summary, name FROM athar.plan_history('disc');
SELECT project, base_version, author, reason, status, conflicts, open_conflicts FROM athar.plan_drafts ORDER BY draft;
SELECT c.path, c.kind, c.base, c.ours, c.theirs, c.their_version, c.their_author, c.their_reason, c.resolution
FROM athar.plan_drafts d, athar.plan_conflicts(d.draft) c ORDER BY d.draft;
SELECT * FROM athar.actions WHERE project = 'disc' ORDER BY ordinal;
SELECT project, name, name_ar, unit, version, author, actions, planned, live, done, done_share, due_on, budget, open_drafts FROM athar.plan_progress WHERE project = 'disc';

-- what is refused when saving
SELECT athar.save_plan('disc', athar.get_plan('disc'), 3, NULL);
SELECT athar.save_plan('disc', athar.get_plan('disc'), 3, E' \t');
SELECT athar.save_plan('disc', athar.get_plan('disc'), NULL, 'r');
SELECT athar.save_plan('disc', athar.get_plan('disc'), 0, 'r');
SELECT athar.save_plan('disc', athar.get_plan('disc'), 9, 'r');
SELECT athar.save_plan('disc', athar.get_plan('disc'), 3, 'r', 'overwrite');
SELECT athar.save_plan('disc', athar.get_plan('disc'), 3, 'r', NULL);
SELECT athar.save_plan('nothing', athar.get_plan('disc'), 3, 'r');
SELECT athar.save_plan(NULL, athar.get_plan('disc'), 3, 'r');
SELECT athar.save_plan('disc', NULL, 3, 'r');
SELECT athar.save_plan('disc', jsonb_set(athar.get_plan('disc', 1), '{title}', '"Tax disc"'), 1, 'r', 'error');
SELECT athar.save_plan('disc', jsonb_set(athar.get_plan('disc', 1), '{items,2,title}', '"Train them"'), 1, 'r', 'error');

-- patches, one action, a return
SELECT athar.patch_plan('disc', '[{"op": "replace", "path": "/items/9/title", "value": "x"}]', 1, 'r');
SELECT athar.patch_plan('disc', '{"op": "add"}', 1, 'r');
SELECT athar.patch_plan('disc', NULL, 1, 'r');
SELECT athar.set_action('disc', 'A9', '{"status": "live"}', 1, 'r');
SELECT athar.set_action('disc', 'A1', '{"id": "A7"}', 1, 'r');
SELECT athar.set_action('disc', 'A1', '["live"]', 1, 'r');
SELECT athar.set_action('disc', 'A1', '{"status": "finished"}', 1, 'r');
SELECT athar.revert_plan('disc', 9, 'r');
SELECT athar.revert_plan('disc', NULL, 'r');
SELECT athar.revert_plan('disc', 1, 'r', 0);

-- what is refused of drafts
SELECT max(draft) AS draft FROM athar.plan_drafts \gset
SELECT athar.merge_draft(0, 'r');
SELECT athar.resolve_conflict(0, '/title', 'ours');
SELECT athar.resolve_conflict(:draft, '/items/A1/due_on', 'theirs') AS open;
SELECT status, version FROM athar.merge_draft(:draft, 'They are right');

-- what is refused when beginning a project
SELECT athar.create_project('disc', 'Again', 'dvla', '{"title": "t"}', 'r');
SELECT athar.create_project('p', 'P', 'nobody', '{"title": "t"}', 'r');
SELECT athar.create_project('p', 'P', NULL, '{"title": "t"}', 'r');
SELECT athar.create_project('p', ' ', 'dvla', '{"title": "t"}', 'r');
SELECT athar.create_project(' p', 'P', 'dvla', '{"title": "t"}', 'r');
SELECT athar.create_project('p', 'P', 'dvla', '{"title": "t"}', '');
SELECT athar.create_project('p', 'P', 'dvla', '{}', 'r');

-- what is refused when reading
SELECT athar.get_plan('disc', 9);
SELECT athar.get_plan('disc', 0);
SELECT athar.get_plan('disc', 1, now());
SELECT athar.get_plan('disc', approved => true);
SELECT athar.get_plan('nothing');
SELECT athar.plan_history('nothing');
SELECT athar.plan_conflicts(-1);
SELECT athar.name_version('disc', 9, 'x');
SELECT athar.name_version('disc', 1, ' ');
SELECT athar.moved(ARRAY[1, NULL]);

-- every fault of a document at once
SELECT athar.save_plan('disc', '{"title": " ", "purpose": 7, "items": [
		{"id": "A/1", "title": "a", "parent": "B~", "starts_on": "2026-02-30", "status": "finished", "weight": -1, "budget": "1"},
		{"id": "B~", "title": "\n", "parent": "A/1", "kpis": [{"kpi": "speed"}, {"kpi": "digital"}, {"kpi": "digital"}, 3, {"kpi": "digital2", "target": 4}],
			"depends_on": ["B~", "Q", 4]},
		5,
		{"id": "A/1"},
		{"id": 7, "title": 3, "owner": "nobody", "service": "refund", "stage": "pay", "channel": "pigeon", "kind": [], "starts_on": "2026-02-02", "due_on": "2026-02-01", "live_on": "2026-02-01"},
		{"id": "Z", "parent": "Z", "title": "z", "service": "vehicle-tax", "stage": "fly", "live_on": 20260101, "depends_on": {}, "kpis": "digital"},
		{"id": "Y", "parent": "nobody", "title": "y", "stage": "pay", "due_on": "tomorrow", "weight": 1e400, "budget": -0.01}]}', 3, 'r');
SELECT * FROM athar.validate_plan('{"title": "t", "items": {"id": "A"}}');
SELECT * FROM athar.validate_plan('[]');
SELECT * FROM athar.validate_plan('{"title": "t", "items": [{"id": "A", "title": "a", "unheard_of": {"kept": true}, "owner": null, "due_on": null, "kpis": null, "depends_on": null, "weight": null}]}');
ROLLBACK;
