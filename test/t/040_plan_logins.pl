# Agencies that log in with roles of their own: what each sees, signs and
# writes, and that to a stranger a private project does not exist, wherever he
# looks.  pgTAP takes a role with SET ROLE; here nobody has another to go back to.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('plan_logins');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "fsync = off\njit = off\nmax_parallel_workers_per_gather = 2\n");
$node->start;

# Answer, errors and success of a statement, as who logs in.
sub as
{
	my ($login, $statement) = @_;
	my ($status, $out, $err) = $node->psql('postgres', $statement, extra_params => [ '-U', $login, '-v', 'VERBOSITY=sqlstate' ]);
	$err =~ s/^psql:<stdin>:\d+: //gm;
	return $status == 0 ? $out : $err;
}

# Every text of the private project begins with hid_, so that it is known wherever it comes up.
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION athar;
CREATE ROLE owners; CREATE ROLE guests; CREATE ROLE strangers;
CREATE ROLE owner_clerk LOGIN IN ROLE owners;
CREATE ROLE owner_reader LOGIN;
CREATE ROLE guest_clerk LOGIN IN ROLE guests;
CREATE ROLE stranger_clerk LOGIN IN ROLE strangers;
CREATE ROLE stranger_chief LOGIN;
CREATE ROLE lent_clerk LOGIN NOINHERIT IN ROLE owners;
CREATE ROLE office LOGIN;
CREATE ROLE nobody LOGIN;
SELECT athar.define_unit('own', 'Owner'), athar.define_unit('guest', 'Guest'), athar.define_unit('strange', 'Stranger');
SELECT athar.grant_access('owners', 'contribute', 'own'), athar.grant_access('owner_reader', 'read', 'own'), athar.grant_access('guests', 'contribute', 'guest'),
	athar.grant_access('strangers', 'contribute', 'strange'), athar.grant_access('stranger_chief', 'administer', 'strange'), athar.grant_access('office', 'contribute');
SELECT athar.define_service('permit', 'Permit', 'own'), athar.define_channel('web', 'Web'), athar.define_stage('permit', 'apply', 'Apply', 1);
SELECT athar.define_kpi('wait', 'Waiting time', 'days', 'down');
SELECT athar.record_observation('wait', 30 + n % 5 - CASE WHEN n >= 400 THEN 9 ELSE 0 END, '2023-01-01 12:00+00'::timestamptz + n * interval '1 day', 'permit') FROM generate_series(0, 799) AS n;
SELECT athar.create_cycle('2026', '2026', '[2026-01-01,2027-01-01)'), athar.create_goal('aim', 'Aim', 'objective', cycle => '2026');
SQL
is(as('owner_clerk', <<'SQL'), "1\nsaved\nconflict\n2", 'an agency writes a plan of its own');
SELECT athar.create_project('hid_code', 'hid_name', 'own', '{"title": "hid_title", "purpose": "hid_purpose", "hid_key": 1, "items": [
	{"id": "hid_A", "title": "hid_item", "title_ar": "hid_عنوان", "kind": "hid_kind", "owner": "own", "service": "permit", "stage": "apply", "channel": "web", "starts_on": "2024-01-01",
		"due_on": "2024-02-01", "live_on": "2024-02-05", "status": "live", "kpis": [{"kpi": "wait", "target": "-20%", "span": "1 year"}]},
	{"id": "hid_B", "title": "hid_second", "depends_on": ["hid_A"], "parent": "hid_A", "due_on": "2024-02-01"}]}', 'hid_reason', 'hid_اسم');
SELECT status FROM athar.set_action('hid_code', 'hid_B', '{"title": "hid_other"}', 1, 'hid_edit');
SELECT status FROM athar.set_action('hid_code', 'hid_B', '{"title": "hid_third"}', 1, 'hid_late');
SELECT athar.request_approval('hid_code');
SELECT athar.name_version('hid_code', 1, 'hid_version') IS NULL \g /dev/null
SELECT athar.record_review('hid_code', 'hid_note', 'comment', 'hid_A', goal => 'aim') \g /dev/null
SELECT athar.align('aim', 'hid_code', 'hid_A') \g /dev/null
SELECT athar.reject_plan('hid_code', 1, 'hid_why') \g /dev/null
SQL
# and another agency has one on the same stage, for the opposite
is(as('stranger_clerk', <<'SQL'), 2, 'another agency, too');
SELECT athar.create_project('mine', 'Mine', 'strange', '{"title": "Mine", "items": [{"id": "M1", "title": "Mine", "owner": "strange", "service": "permit", "stage": "apply", "starts_on": "2024-01-01", "due_on": "2024-06-01",
	"kpis": [{"kpi": "wait", "target": "+20%"}]}]}', 'begin');
SQL
$node->safe_psql('postgres', q{SELECT athar.measure_effects('hid_code'), athar.measure_due_effects();
	-- of goals everybody hears
	SELECT athar.record_reminders(); DELETE FROM athar.event WHERE project_id IS NULL; ANALYZE});

# Every table and view that readers read. The owner finds his project in those
# where the superuser does, and a stranger in none, however the plan is made.
my @relations = split /\n/, $node->safe_psql('postgres', q{SELECT object FROM athar.access_rules WHERE kind = 'table' AND privilege = 'SELECT' AND level = 'read' ORDER BY object COLLATE "C"});
my $find = join ' UNION ALL ', map { "SELECT '$_' AS relation, count(*) AS n FROM $_ AS r WHERE r::text ~ 'hid_'" } @relations;
my $named = "SELECT string_agg(relation, ' ' ORDER BY relation COLLATE \"C\") FROM ($find) AS f WHERE n > 0";
my $everywhere = $node->safe_psql('postgres', $named);
cmp_ok(scalar(split / /, $everywhere), '>=', 20, 'the project is in many places') or diag($everywhere);
my $own = $everywhere =~ s/ athar.overlapping_actions//r;
isnt($own, $everywhere, 'also where it meets another');
is(as('owner_clerk', $named), $own, 'its agency finds it in all of them, but not beside one that it does not see');
is(as('owner_reader', $named), $own, 'so does a role that reads');
is(as('office', $named), $everywhere, 'and one without a limit');
is(as('stranger_clerk', $named), '', 'a stranger in none');
is(as('stranger_chief', $named), '', 'nor an administrator of another agency');
is(as('stranger_clerk', "SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0; SET force_parallel_mode = on; $named"), '', 'nor in a parallel plan');
unlike(as('stranger_clerk', "SET row_security = off; $named"), qr/hid_(?!')/, 'nor by switching row security off');
is(as('stranger_clerk', 'SET row_security = off; SELECT count(*) FROM athar.project'), 'ERROR:  42501', 'which is refused');
unlike(as('nobody', 'SELECT code FROM athar.project'), qr/hid_/, 'who was given no level reads nothing at all');

# Tables of what belongs to projects hold rows of his own alone, not only no texts of others'.
my $count = q{SELECT string_agg(c.relname || ' ' || (xpath('/row/n/text()', query_to_xml(format('SELECT count(*) AS n FROM athar.%I', c.relname), false, true, '')))[1]::text, ', ' ORDER BY c.relname COLLATE "C")
	FROM pg_class AS c WHERE c.relnamespace = 'athar'::regnamespace AND c.relrowsecurity};
is(as('guest_clerk', $count) =~ s/[a-z_]+ 0(, |$)//gr, '', 'who takes part in nothing reads no row of them');
unlike($node->safe_psql('postgres', $count), qr/ 0(,|$)/, 'though there are some in each');

# Every function that reads or writes by a project, a draft or an action.
my @routines = split /\n/, $node->safe_psql('postgres', q{
	SELECT format('SELECT athar.%I(%s)', p.proname, string_agg(format('%I => %s', a.name, CASE a.name
		WHEN 'project' THEN '@project@' WHEN 'draft' THEN '@draft@' WHEN 'document' THEN '''{"title": "w"}'''
		WHEN 'goal' THEN '''aim''' WHEN 'action' THEN '''hid_A''' WHEN 'action_id' THEN '''hid_A''' WHEN 'unit' THEN '''strange''' WHEN 'role' THEN '''informed''' WHEN 'resolution' THEN '''ours'''
		WHEN 'kind' THEN '''comment''' WHEN 'lang' THEN '''en''' WHEN 'on_conflict' THEN '''draft'''
		ELSE CASE format_type(a.type, NULL) WHEN 'text' THEN '''x''' WHEN 'integer' THEN '1' WHEN 'jsonb' THEN '''{}''' ELSE 'NULL' END END), ', '))
	FROM pg_proc AS p, unnest(p.proargnames[:p.pronargs], p.proargtypes::oid[]) WITH ORDINALITY AS a (name, type, ordinal)
	WHERE p.pronamespace = 'athar'::regnamespace AND a.name IS NOT NULL
		AND (a.name IN ('project', 'draft') OR a.ordinal <= p.pronargs - p.pronargdefaults)
		AND has_function_privilege('strangers', p.oid, 'EXECUTE')
	GROUP BY p.oid, p.proname
	HAVING bool_or(a.name IN ('project', 'draft')) AND p.proname NOT IN ('plan_hash', 'draft_answers')
	ORDER BY p.proname});
cmp_ok(scalar @routines, '>=', 25, 'there are functions to ask');
my $draft = $node->safe_psql('postgres', 'SELECT min(id) FROM athar.plan_draft');
# What a stranger is told by each, about this project and draft.
sub answers
{
	my ($project, $number) = @_;
	my $script = join '', map { "\\warn ## $_\n" . s/\@project\@/'$project'/gr =~ s/\@draft\@/$number/gr . ";\n" } @routines;
	my (undef, undef, $err) = $node->psql('postgres', $script, on_error_stop => 0, extra_params => [ '-U', 'stranger_clerk', '-v', 'VERBOSITY=verbose' ]);
	$err =~ s/^LOCATION.*\n|^psql:<stdin>:\d+: //gm;
	return [ split /^## /m, $err =~ s/$project|draft $number\b/it/gr ];
}
my ($hidden, $missing) = (answers('hid_code', $draft), answers('no such', -1));
is(scalar @$hidden, @routines + 1, 'all of them answer');
is_deeply($hidden, $missing, 'each tells a stranger of the project what it tells of none');
is(join('', grep { $_ ne '' && !/^ERROR:  42704/m } @$hidden), '', 'which is that there is none');
is(as('stranger_clerk', q{SELECT count(*) FROM athar.search_plans('hid_title hid_item hid_note')}), 0, 'searching finds nothing');
is(as('stranger_clerk', q{SELECT count(*) FROM athar.plan_lint('mine') WHERE message ~ 'hid_'}), 0, 'lint names no private action of another agency');
is(as('office', q{SELECT project, other_project FROM athar.overlapping_actions WHERE project <> other_project}), 'hid_code|mine', 'but to who sees both, that the two are opposed');
is(as('stranger_clerk', q{SELECT athar.create_project('hid_code', 'x', 'strange', '{"title": "t"}', 'r')}), 'ERROR:  23505', 'a code that is taken cannot be used');
is(as('stranger_clerk', q{SELECT athar.seen_projects('owners')}), 'ERROR:  42501', 'how many projects others see is not told');

# Names of his own before the server's: a parsed body, a policy and a signature find none of them.
$node->safe_psql('postgres', q{CREATE SCHEMA trap AUTHORIZATION stranger_clerk; ALTER ROLE stranger_clerk SET search_path = trap, pg_catalog, athar});
is(as('stranger_clerk', <<'SQL'), '', 'traps are laid');
CREATE TABLE trap.caught (what text);
GRANT ALL ON trap.caught TO PUBLIC; GRANT USAGE ON SCHEMA trap TO PUBLIC;
CREATE FUNCTION trap.pg_has_role(name, oid, text) RETURNS boolean LANGUAGE SQL AS 'INSERT INTO trap.caught VALUES (''has role''); SELECT true';
CREATE FUNCTION trap.pg_has_role(oid, oid, text) RETURNS boolean LANGUAGE SQL AS 'INSERT INTO trap.caught VALUES (''has role''); SELECT true';
CREATE FUNCTION trap.pg_has_role(oid, regrole, text) RETURNS boolean LANGUAGE SQL AS 'INSERT INTO trap.caught VALUES (''has role''); SELECT true';
CREATE FUNCTION trap.current_setting(text) RETURNS text LANGUAGE SQL AS 'INSERT INTO trap.caught VALUES (''setting''); SELECT ''owners''';
CREATE FUNCTION trap.row_security_active(oid) RETURNS boolean LANGUAGE SQL AS 'SELECT false';
CREATE FUNCTION trap.row_security_active(regclass) RETURNS boolean LANGUAGE SQL AS 'SELECT false';
CREATE FUNCTION trap.row_security_active(text) RETURNS boolean LANGUAGE SQL AS 'SELECT false';
CREATE FUNCTION trap.always(text, text) RETURNS boolean LANGUAGE SQL AS 'INSERT INTO trap.caught VALUES (''=''); SELECT true';
CREATE FUNCTION trap.always(integer, integer) RETURNS boolean LANGUAGE SQL AS 'INSERT INTO trap.caught VALUES (''=''); SELECT true';
CREATE FUNCTION trap.always(name, name) RETURNS boolean LANGUAGE SQL AS 'INSERT INTO trap.caught VALUES (''=''); SELECT true';
CREATE OPERATOR trap.= (FUNCTION = trap.always, LEFTARG = text, RIGHTARG = text);
CREATE OPERATOR trap.= (FUNCTION = trap.always, LEFTARG = integer, RIGHTARG = integer);
CREATE OPERATOR trap.= (FUNCTION = trap.always, LEFTARG = name, RIGHTARG = name);
CREATE FUNCTION trap.caller() RETURNS name LANGUAGE SQL AS 'SELECT ''owners''::name';
CREATE FUNCTION trap.now() RETURNS timestamptz LANGUAGE SQL AS 'SELECT ''2000-01-01''::timestamptz';
CREATE FUNCTION trap.clock_timestamp() RETURNS timestamptz LANGUAGE SQL AS 'SELECT ''2000-01-01''::timestamptz';
CREATE FUNCTION trap.sha256(bytea) RETURNS bytea LANGUAGE SQL AS 'SELECT ''\x00''::bytea';
CREATE TABLE trap.access_grant (id integer, role_name text, level text, unit_id integer);
CREATE TABLE trap.project (id integer, code text, unit_id integer);
CREATE VIEW trap.pg_roles AS SELECT 'owners'::name AS rolname, 10::oid AS oid;
SQL
is(as('stranger_clerk', "CREATE TEMP TABLE access_grant (id integer, role_name text, level text, unit_id integer); CREATE TEMP TABLE project (id integer, code text); $named"), '', 'with which a stranger finds as little');
is(as('stranger_clerk', q{SELECT s.status, s.pending FROM athar.approve_plan('mine', 1) AS s}), 'approved|{}', 'he signs what is his');
is(as('stranger_clerk', q{SELECT status FROM athar.set_action('mine', 'M1', '{"title": "t"}', 1, 'r')}), 'saved', 'and saves it');
is(as('stranger_clerk', q{SELECT athar.set_participant('mine', 'guest', 'informed'), athar.set_project_status('mine', 'active', 'r')}), 't|t', 'shares it and begins');
is(as('stranger_clerk', q{SELECT status FROM athar.set_action('mine', 'M1', '{"status": "verified"}', 2, 'r')}), 'ERROR:  AT004', 'no gate is passed');
is($node->safe_psql('postgres', q{SELECT a.role_name, a.decided_at > '2001-01-01', a.version_hash = v.version_hash, octet_length(a.part_hash)
	FROM athar.approval AS a JOIN athar.plan_version AS v USING (project_id, version) WHERE a.project_id = athar.project_id('mine')}), 'stranger_clerk|t|t|32', 'under his own name, by the clock, the hash of what is there');
is($node->safe_psql('postgres', 'SELECT count(*) FROM trap.caught'), 0, 'nothing was caught');
$node->safe_psql('postgres', 'ALTER ROLE stranger_clerk RESET search_path');

# Shared: who joins sees it, and signs by his membership, under his own name.
is(as('owner_clerk', q{SELECT athar.set_participant('hid_code', 'guest', 'responsible')}), 't', 'it is shared');
is(as('guest_clerk', $named), $everywhere, 'and then seen everywhere');
is(as('stranger_clerk', $named), '', 'by nobody else');
my $approve = q{SELECT s.status, s.pending FROM athar.approve_plan('hid_code', 2%s) AS s};
is(as('owner_reader', sprintf $approve, ''), 'ERROR:  42501', 'who reads signs nothing');
is(as('office', sprintf $approve, q{, 'own'}), 'ERROR:  AT005', 'nor does a role without a unit');
is(as('guest_clerk', sprintf $approve, q{, 'own'}), 'ERROR:  AT005', 'nobody signs for another');
is(as('stranger_clerk', sprintf $approve, q{, 'own'}), 'ERROR:  42704', 'a stranger has nothing to sign');
is(as('lent_clerk', sprintf $approve, ''), 'ERROR:  42501', 'nor has who does not inherit his role');
is(as('lent_clerk', 'SET ROLE owners; ' . sprintf $approve, ''), 'approved|{guest}', 'until he takes it');
is(as('guest_clerk', "SET athar.actor = 'the minister'; " . sprintf $approve, ''), 'approved|{}', 'a member of the agency signs');
is(as('guest_clerk', sprintf $approve, ''), 'unchanged|{}', 'once');
is($node->safe_psql('postgres', q{SELECT unit, author, role_name FROM athar.approval_status('hid_code', 2) ORDER BY unit}), "guest|the minister|guest_clerk\nown|owners|owners",
	'on record with the role that signed, whatever name it gave');
is(as('guest_clerk', q{SELECT athar.get_plan('hid_code', approved => true) = athar.get_plan('hid_code', 2)}), 't', 'in force');

# Nobody's function lends his levels, and none takes the rights of whoever calls it.
$node->safe_psql('postgres', <<'SQL');
CREATE SCHEMA lent;
CREATE FUNCTION lent.sign() RETURNS text LANGUAGE SQL SECURITY DEFINER AS $$SELECT status FROM athar.reject_plan('hid_code', 2, 'not my word')$$;
CREATE FUNCTION lent.save() RETURNS text LANGUAGE SQL SECURITY DEFINER AS $$SELECT status FROM athar.save_plan('hid_code', '{"title": "x"}', 2, 'not my words')$$;
CREATE FUNCTION lent.names() RETURNS bigint LANGUAGE SQL SECURITY DEFINER AS $$SELECT count(*) FROM athar.project WHERE code = 'hid_code'$$;
ALTER FUNCTION lent.sign() OWNER TO guest_clerk;
ALTER FUNCTION lent.save() OWNER TO guest_clerk;
ALTER FUNCTION lent.names() OWNER TO guest_clerk;
GRANT USAGE ON SCHEMA lent TO PUBLIC;
SQL
is(as('stranger_clerk', 'SELECT lent.sign()'), 'ERROR:  42704', 'a function of another agency signs nothing for a stranger');
is(as('stranger_clerk', 'SELECT lent.save()'), 'ERROR:  42704', 'and writes nothing');
is(as('stranger_clerk', 'SELECT lent.names()'), 1, 'though it reads what its owner reads, as functions do');

# Handed over while a session is open; taken away while it is open.
is(as('owner_clerk', q{SELECT athar.set_participant('hid_code', 'guest', 'accountable')}), 't', 'handed over');
is(as('owner_clerk', q{SELECT athar.set_participant('hid_code', 'strange', 'informed')}), 'ERROR:  AT005', 'who handed over shares it no more');
$node->safe_psql('postgres', q{SELECT athar.revoke_access('guests', 'contribute', 'guest')});
is(as('guest_clerk', 'SELECT count(*) FROM athar.project'), 'ERROR:  42501', 'whose level is taken reads nothing');

$node->stop;
done_testing();
