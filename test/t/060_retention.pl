# Archiving and expiring: what is kept is what it was, seals and proofs hold,
# what was removed by nobody's act is still found missing.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('retention');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\nautovacuum = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION athar');
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE licence (id integer PRIMARY KEY, holder text, fee numeric);
CREATE TABLE visit (id integer PRIMARY KEY, place text);
SELECT athar.track('licence');
SELECT athar.track('visit');
BEGIN;
SELECT athar.set_context('clerk Zubayda', 'first entry');
INSERT INTO licence SELECT i, 'holder ' || i || E' \\ "ü" \n', i FROM generate_series(1, 700) AS i;
COMMIT;
INSERT INTO visit VALUES (1, 'harbour'), (2, 'market');
SELECT athar.create_mark('old');
SQL
$node->safe_psql('postgres', 'UPDATE licence SET fee = fee + 1 WHERE id <= 500');
$node->safe_psql('postgres', "SELECT athar.create_mark('middle')");
$node->safe_psql('postgres', <<'SQL');
BEGIN;
SELECT athar.set_context('clerk 2', 'one of each');
UPDATE licence SET fee = 0 WHERE id = 1;
SELECT athar.set_context('clerk 3', 'one of each');
UPDATE visit SET place = 'old harbour' WHERE id = 1;
COMMIT;
SELECT athar.create_mark('new');
DELETE FROM licence WHERE id > 690;
SQL
$node->safe_psql('postgres', 'SELECT athar.seal()');
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE was AS SELECT * FROM athar.change_log;
CREATE TABLE leaf_was AS SELECT entry_id, athar.log_leaf(entry_id) AS leaf, athar.leaf_index(entry_id) AS leaf_index FROM was;
CREATE TABLE licence_new AS SELECT * FROM athar.as_of(NULL::licence, (SELECT at FROM athar.mark WHERE name = 'new'));
CREATE TABLE visit_old AS SELECT * FROM athar.as_of(NULL::visit, (SELECT at FROM athar.mark WHERE name = 'old'));
CREATE TABLE seal_was AS SELECT tree_size, root FROM athar.seal_batch;
SQL
my $exported = $node->safe_psql('postgres', 'SELECT athar.export_leaves()');
my $new = mark('new');
my $middle = mark('middle');

# Archive, in bounded steps.
sql_fails("SELECT athar.archive_log('$new')", qr/AT001: .*a reason is required/, 'a reason is required');
my ($status, $taken, $notice) = $node->psql('postgres', "SELECT athar.archive_log('$new', 'licence', 'too early')");
is($taken, 0, 'what came since the last check stays');
like($notice, qr/entries stay that tracking_status\(\) needs/, '... and this is said');
complete('before anything is taken out');
($status, $taken, $notice) = $node->psql('postgres', "SELECT athar.archive_log('$new', 'licence', 'kept at hand: from new on', 900)");
is($taken, 900, 'a call takes as much as it may');
like($notice, qr/900 entries were taken out, and there are more/, '... and says that there is more');
is(value("SELECT athar.archive_log('$new', 'licence', 'the rest')"), 301, 'the next takes the rest');
is(value("SELECT athar.archive_log('$new', 'licence', 'the rest')"), 0, 'then there is nothing');
is(value("SELECT count(*) FROM athar.change_log WHERE relation = 'public.licence'"), 10, 'what the mark does not see stays in the log');
is(value("SELECT count(*) FROM athar.change_log WHERE relation = 'public.visit'"), 3, 'and so does what is of another table');
is(value('SELECT string_agg(operation || entries, $$ $$ ORDER BY id) FROM athar.log_retention'), 'archive900 archive301', 'each call is on record');
is(value(<<'SQL'), 't', '... and in the log, with the reason');
SELECT count(*) = 2 AND bool_and(reason IN ('kept at hand: from new on', 'the rest')) FROM athar.change_log WHERE relation = 'athar.log_retention'
SQL

# What is archived is what it was.
is_same('TABLE athar.archived_changes', "SELECT * FROM was WHERE relation = 'public.licence' AND operation <> 'DELETE'", 'archived_changes is what change_log was');
is_same('SELECT entry_id, athar.log_leaf(entry_id), athar.leaf_index(entry_id) FROM was', 'TABLE leaf_was', 'so are leaves and their places');
ok($node->safe_psql('postgres', 'SELECT athar.export_leaves(0, (SELECT tree_size FROM seal_was))') eq $exported, 'and what is exported');
cmp_ok(value('SELECT sum(pg_column_size(leaves)) * 3 FROM athar.log_archive'), '<', value('SELECT sum(length(leaves)) FROM athar.log_archive'), 'it is compressed');
is(value('SELECT athar.tree_root(tree_size) = root FROM seal_was'), 't', 'the tree is the same');
agrees('with an archive');
complete('with an archive');

# How far back the log reaches.
is_same("SELECT * FROM athar.as_of(NULL::licence, '$new')", 'TABLE licence_new', 'as_of goes back to the mark');
sql_fails("SELECT * FROM athar.as_of(NULL::licence, '$middle')", qr/AT009: .*"licence" does not reach back that far.*reaches back to \Q$new\E/s, '... and not behind it');
is_same("SELECT * FROM athar.as_of(NULL::visit, (SELECT at FROM athar.mark WHERE name = 'old'))", 'TABLE visit_old', 'of another table it does');
is(value(q{SELECT string_agg(operation, ' ') FROM athar.row_history('licence', '{"id": 700}')}), 'DELETE', 'a row\'s history is what is left');
is(value(q{SELECT count(*) FROM athar.log_transaction WHERE actor = 'clerk Zubayda'}), 0, 'who and why of a transaction without entries is gone');
is(value(q{SELECT count(*) FROM athar.log_transaction WHERE actor = 'clerk 3'}), 1, '... of one with entries it is not');
is(value(q{SELECT bool_or(r.split_transaction_ids @> t.id) FROM athar.log_retention AS r, athar.log_transaction AS t WHERE t.actor = 'clerk 3'}), 't',
	'a transaction of which a part was taken out is told');
sql_fails(q{SELECT * FROM athar.undo_transaction((SELECT id FROM athar.log_transaction WHERE actor = 'clerk 3'), 'wrong place')}, qr/AT009: .*part of what it did was archived/s, '... and is not undone');

# Expire: a part of what is archived.
$node->safe_psql('postgres', 'ALTER TABLE visit DISABLE TRIGGER USER; UPDATE visit SET place = $$unseen$$ WHERE id = 2; ALTER TABLE visit ENABLE ALWAYS TRIGGER "#athar_capture"');
is(value(q{SELECT is_complete FROM athar.tracking_status('visit')}), 'f', 'what was written unseen is found all the same');
$node->safe_psql('postgres', q{SELECT athar.accept_state('visit', 'seen now')});
is(value("SELECT athar.expire_log('$middle', 'licence', 'kept for so long')"), 1200, 'archived entries expire by the time of their transactions');
is_same('TABLE athar.archived_changes', "SELECT * FROM was WHERE relation = 'public.licence' AND reason = 'one of each'", 'the others stay in the archive');
is_same('SELECT entry_id, athar.log_leaf(entry_id), athar.leaf_index(entry_id) FROM was',
	"SELECT l.entry_id, CASE WHEN w.relation = 'public.visit' OR w.at >= '$middle' THEN l.leaf END, l.leaf_index FROM leaf_was AS l JOIN was AS w USING (entry_id)",
	'a leaf is gone, its place is not');
agrees('before the act of expiry is sealed');
$node->safe_psql('postgres', 'SELECT athar.seal()');
agrees('and after');
like(value(q{SELECT detail FROM athar.verify_log() WHERE "check" = 'expired'}), qr/^1200 entries were removed by recorded acts/, 'verify_log counts what expired');
is(value(<<'SQL'), 't', 'proofs of what stayed and of what went hold');
SELECT bool_and(athar.verify_inclusion(athar.leaf_hash(convert_to(l.leaf, 'UTF8')), l.leaf_index, s.tree_size, athar.inclusion_proof(l.leaf_index, s.tree_size), s.root))
FROM leaf_was AS l CROSS JOIN (SELECT tree_size, root FROM athar.seal_batch ORDER BY id DESC LIMIT 1) AS s
SQL
is(value('SELECT athar.verify_consistency(w.tree_size, w.root, b.tree_size, b.root, athar.consistency_proof(w.tree_size, b.tree_size)) FROM seal_was AS w, athar.seal_batch AS b WHERE b.id = 2'),
	't', '... and the tree goes on from the one before');
is(value(q{SELECT count(*) FROM athar.export_leaves() AS l WHERE l ~ '^"[0-9a-f]{64}"$'}), 1200, 'hashes stand in the place of expired leaves');

# Expire: from the log itself, of every table; what is on record is kept.
my $left = value(q{SELECT count(*) FROM athar.change_log WHERE relation <> 'athar.log_retention'}) + value('SELECT count(*) FROM athar.archived_changes');
is(value(q{SELECT athar.expire_log('infinity', reason => 'the end')}), $left, 'all that is sealed expires');
is(value(q{SELECT string_agg(DISTINCT relation, ' ') FROM athar.change_log}), 'athar.log_retention', '... but for what was done');
is(value('SELECT count(*) FROM athar.archived_changes'), 0, 'and the archive is empty');
sql_fails(q{SELECT athar.expire_log('infinity', 'athar.log_retention', 'all')}, qr/22023: .*stays on record/, 'nor can it be asked for');
agrees('when all is gone');
complete('when all is gone');
$node->safe_psql('postgres', 'DROP TABLE was, leaf_was, licence_new, licence, visit_old, visit');
$node->safe_psql('postgres', 'VACUUM FULL');
my $dump = "$PostgreSQL::Test::Utils::tmp_check/retention.sql";
command_ok([ 'pg_dump', '-h', $node->host, '-p', $node->port, '-f', $dump, 'postgres' ], 'dump');
unlike(slurp_file($dump), qr/Zubayda|harbour/, 'no value of an expired entry is anywhere');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
command_ok([ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', 'copy', '-f', $dump ], 'restore');
agrees('after a restore', 'copy');

# Removed by nobody's act. Each in a copy of its own.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE licence (id integer PRIMARY KEY, holder text);
SELECT athar.track('licence');
INSERT INTO licence SELECT i, 'holder ' || i FROM generate_series(1, 20) AS i;
SQL
$node->safe_psql('postgres', 'SELECT athar.seal()');
$node->safe_psql('postgres', "SELECT athar.create_mark('now')");
complete('with a new table');
my $id = value(q{SELECT entry_id FROM athar.change_log WHERE relation = 'public.licence' AND row_key = '{"id": 7}'});
forged('a removed entry', "DELETE FROM athar.log_entry WHERE id = $id", qr/missing\|f\|entry $id \(leaf \d+\) is missing/);
forged('an act that is not in the log', <<"SQL", qr/missing\|f\|entry $id /);
DELETE FROM athar.log_entry WHERE id = $id;
INSERT INTO athar.log_retention (operation, before, table_ids, entries, ids, split_transaction_ids) VALUES ('expire', now(), '{}', 1, '{[$id,$id]}', '{}')
SQL
forged('a sealed act that is changed to cover more', <<"SQL", qr/changed\|f\|entry \d+ .*missing\|f\|entry 1 /s);
DELETE FROM athar.log_entry WHERE id = $id;
UPDATE athar.log_entry SET new_values = jsonb_set(new_values, '{ids}', '"{[1,1000000)}"')
WHERE id = (SELECT min(entry_id) FROM athar.change_log WHERE relation = 'athar.log_retention' AND new_values ->> 'operation' = 'expire')
SQL
forged('an archived leaf that is changed', <<"SQL", qr/changed\|f\|entry $id \(leaf \d+\) is not what was sealed/, "SELECT athar.archive_log(now(), 'licence', 'test')");
UPDATE athar.log_archive SET leaves = replace(leaves, '"holder 7"', '"holder 8"')
SQL
forged('an archived leaf that is removed', <<"SQL", qr/missing\|f\|entry \d+ /, "SELECT athar.archive_log(now(), 'licence', 'test')");
UPDATE athar.log_archive SET leaves = substr(leaves, strpos(leaves, E'\\n') + 1)
SQL
forged('an archived leaf that nobody sealed', q{INSERT INTO athar.log_archive (table_id, first_at, last_at, ids, leaves) VALUES (1000, now(), now(), '{[1000000,1000000]}', '[]')}, qr/extra\|f\|archived entry 1000000 was never sealed/);
forged('an entry that is both in the log and in the archive', <<"SQL", qr/extra\|f\|entry $id is there more than once/);
INSERT INTO athar.log_archive (table_id, first_at, last_at, ids, leaves) VALUES (1000, now(), now(), '{[$id,$id]}', athar.log_leaf($id))
SQL
my $copy = forge('a changed entry', "UPDATE athar.log_entry SET new_values = '{}' WHERE id = $id");
for my $function (qw(archive_log expire_log))
{
	my ($code, $out, $error) = $node->psql($copy, "\\set VERBOSITY verbose\nSELECT athar.$function(now(), 'licence', 'away with it')");
	like($error, qr/XX001: .*entry $id of the change log is not what was sealed/, "$function does not take a forgery away");
	is($node->safe_psql($copy, q{SELECT count(*) FROM athar.change_log WHERE relation = 'public.licence' AND operation = 'INSERT'}), 20, '... nor anything else');
}

# What is archived is believed no more than the log is: a row that was changed
# neither expires nor brings down the server, and verify_log tells of it.
my $archive = "SELECT athar.archive_log(now(), 'licence', 'test')";
stays('an archived leaf changed for good', q{leaves = replace(leaves, '"holder 7"', '"holder 8"')}, 'infinity', qr/entry $id of the change log is not what was sealed/);
stays('an archived id too many', q{ids = ids + int8multirange(int8range(m, m, '[]'))}, 'infinity');
stays('an archived id too many in front', q{ids = ids + '{[1,2)}'}, 'infinity');
stays('archived ids without end', 'ids = ids + int8multirange(int8range(m, NULL))', 'infinity');
stays('archived ids that are none', q{ids = '{}'}, 'infinity');
stays('an archived line too many', q{leaves = leaves || E'\n' || '["athar-leaf/1", null, null, null]'}, 'infinity');
stays('an archived line that is no leaf', q{leaves = replace(leaves, '["athar-leaf/1"', '[')}, 'infinity');
stays('an archived row without end', q{last_at = 'infinity'}, 'infinity');
stays('an archived row that begins too early', q{first_at = '-infinity'}, '2000-01-01');
stays('an archived row that is too old', q{first_at = '-infinity', last_at = '-infinity'}, '2000-01-01');
stays('an archived row of another table', q{table_id = (SELECT min(id) FROM athar.tracked_table WHERE relation = 'athar.project')}, 'infinity', qr/./, 'athar.project');

# A crash in the middle.
$node->safe_psql('postgres', q{INSERT INTO licence SELECT i, 'holder ' || i FROM generate_series(101, 60100) AS i});
$node->safe_psql('postgres', "SELECT athar.seal()");
complete('with a large table');
my $entries = value('SELECT count(*) FROM athar.log_entry');
my $wanted = value(q{SELECT count(*) FROM athar.change_log WHERE relation = 'public.licence'});
my $background = $node->background_psql('postgres', on_error_stop => 0);
$background->{stdin} .= "SELECT athar.archive_log('infinity', 'licence', 'cut short');\n";
$background->{run}->pump_nb;
my $seen = '';
for (1 .. 2000)
{
	$seen = value(q{SELECT query FROM pg_stat_activity WHERE query ~ '^athar.archive_log: [1-9][0-9]{3,}'});
	last if $seen;
	usleep(2000);
}
like($seen, qr/^athar.archive_log: \d+ of $wanted entries$/, 'progress is shown');
$node->stop('immediate');
eval { $background->{run}->finish };
$node->start;
is(value('SELECT count(*) FROM athar.log_entry'), $entries, 'after a crash nothing is taken out');
is(value('SELECT count(*) FROM athar.log_archive'), 0, 'nothing is archived');
agrees('after a crash');
is(value("SELECT athar.archive_log('infinity', 'licence', 'once more')"), $wanted, 'it is done again');
agrees('and done');

# Tables that inherit, and how far back a check looks for what went unseen.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE office (id integer PRIMARY KEY, name text);
CREATE TABLE branch (PRIMARY KEY (id)) INHERITS (office);
CREATE TABLE grave (id integer PRIMARY KEY, name text);
SELECT athar.track('office');
SELECT athar.track('grave');
INSERT INTO office VALUES (1, 'head');
INSERT INTO branch VALUES (2, 'old name');
INSERT INTO grave SELECT i, 'name ' || i FROM generate_series(1, 4) AS i;
SELECT athar.create_mark('with old names');
UPDATE branch SET name = 'new name';
UPDATE grave SET name = 'other' WHERE id = 1;
SELECT athar.create_mark('with new names');
SELECT count(*) FROM athar.tracking_status();
SQL
my $old_names = mark('with old names');
is(value("SELECT string_agg(name, ' ' ORDER BY id) FROM athar.as_of(NULL::office, '$old_names')"), 'head old name', 'a table has the rows of one that inherits from it');
$node->safe_psql('postgres', 'SELECT athar.seal()');
is(value(q{SELECT athar.archive_log('infinity', 'branch', 'kept for so long')}), 2, 'entries of a table that inherits are archived');
sql_fails("SELECT * FROM athar.as_of(NULL::branch, '$old_names')", qr/AT009: .*"branch" does not reach back/, '... which as_of says when asked for it');
sql_fails("SELECT * FROM athar.as_of(NULL::office, '$old_names')", qr/AT009: .*"branch" does not reach back/, '... and when asked for the table it inherits from');
is(value(q{SELECT athar.archive_log('infinity', 'grave', 'kept for so long')}), 5, 'so are those of a table that was empty when tracking began');
for my $row (2, 3)
{
	$node->safe_psql('postgres', "UPDATE grave SET name = 'again' WHERE id = $row");
	complete("after that and a change of row $row");
}
$node->safe_psql('postgres', q{ALTER TABLE grave DISABLE TRIGGER USER; UPDATE grave SET name = 'unseen' WHERE id = 4; ALTER TABLE grave ENABLE ALWAYS TRIGGER "#athar_capture"});
like(value(q{SELECT problems FROM athar.tracking_status('grave')}), qr/^rows of which the log has no entry since \S+ \S+ were changed, added or removed unseen$/m,
	'no row is named for entries that were archived');
$node->safe_psql('postgres', q{ALTER TABLE grave DISABLE TRIGGER USER; UPDATE grave SET name = 'unseen' WHERE id = 3; ALTER TABLE grave ENABLE ALWAYS TRIGGER "#athar_capture"});
like(value(q{SELECT problems FROM athar.tracking_status('grave')}), qr/^1 row is not as the log says: \{"id": 3\} column "name" is not as it was logged last$/m,
	'one is that the log has met since');

$node->stop;
done_testing();

sub value
{
	my ($query) = @_;
	return $node->safe_psql('postgres', $query);
}

sub mark
{
	my ($name) = @_;
	return value("SELECT at FROM athar.mark WHERE name = '$name'");
}

sub is_same
{
	my ($found, $wanted, $name) = @_;
	is(value("SELECT count(*), (SELECT count(*) FROM ($wanted) AS w) > 0 FROM ((SELECT * FROM ($found) AS a EXCEPT ALL SELECT * FROM ($wanted) AS b)"
			. " UNION ALL (SELECT * FROM ($wanted) AS c EXCEPT ALL SELECT * FROM ($found) AS d)) AS e"), '0|t', $name);
	return;
}

sub sql_fails
{
	my ($query, $error, $name) = @_;
	my ($code, $out, $found) = $node->psql('postgres', "\\set VERBOSITY verbose\n$query");
	like($found, $error, $name);
	return;
}

# verify_log finds nothing wrong.
sub agrees
{
	my ($when, $database) = @_;
	is($node->safe_psql($database // 'postgres', 'SELECT "check", detail FROM athar.verify_log() WHERE NOT ok'), '', "verify_log: all is well $when");
	return;
}

# tracking_status finds every log complete, but for the one of which it cannot tell.
sub complete
{
	my ($when) = @_;
	is(value('SELECT relation, problems FROM athar.tracking_status() WHERE NOT coalesce(is_complete, false) AND relation <> $$athar.measurement$$'), '', "tracking_status: all logs are complete $when");
	return;
}

# A copy of the database in which somebody with all rights did that.
sub forge
{
	my ($name, $deed, $before) = @_;
	my $copy = 'copy_' . ($name =~ s/\W+/_/gr);
	$node->safe_psql('postgres', "CREATE DATABASE $copy TEMPLATE postgres");
	$node->safe_psql($copy, $before) if $before;
	$node->safe_psql($copy, 'ALTER TABLE athar.log_entry DISABLE TRIGGER USER; ALTER TABLE athar.log_archive DISABLE TRIGGER USER; ALTER TABLE athar.log_retention DISABLE TRIGGER USER; '
			. $deed);
	return $copy;
}

sub forged
{
	my ($name, $deed, $found, $before) = @_;
	my $copy = forge($name, $deed, $before);
	like($node->safe_psql($copy, 'SELECT "check", ok, detail FROM athar.verify_log() WHERE NOT ok'), $found, "$name is found");
	return;
}

# An archived row that somebody with all rights changed does not expire, and is found.
sub stays
{
	my ($name, $change, $before, $error, $table) = @_;
	my $copy = forge($name, "UPDATE athar.log_archive SET $change FROM (SELECT max(id) + 1 AS m FROM athar.log_entry) AS l", $archive);
	my $kept = q{SELECT (SELECT string_agg(md5(a::text), ' ' ORDER BY id) FROM athar.log_archive AS a), (SELECT count(*) FROM athar.log_retention)};
	my $was = $node->safe_psql($copy, $kept);
	my ($code, $out, $found) = $node->psql($copy, "\\set VERBOSITY verbose\nSELECT athar.expire_log('$before', '" . ($table // 'licence') . "', 'away with it')", timeout => 60);
	$error //= qr/row \d+ of the archive is not what archive_log\(\) wrote/;
	like($found, qr/XX001: .*$error/, "$name: expire_log does not take it away");
	is($node->safe_psql($copy, $kept), $was, '... nor anything else');
	like($node->safe_psql($copy, 'SELECT "check", detail FROM athar.verify_log() WHERE NOT ok'), qr/^(changed|extra|missing)\|/, '... and verify_log finds it');
	return;
}
