# Seals beyond one session: what blocks them, settings and encodings, a restore
# elsewhere, strangers, a server that is killed, and a batch too large for one call.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $files = PostgreSQL::Test::Utils::tempdir();
my $node = new_node('main');
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION athar;
CREATE TABLE public.licence (id integer PRIMARY KEY, holder text, fee numeric, at timestamptz DEFAULT now());
SELECT athar.track('public.licence');
BEGIN;
SELECT athar.set_context('clerk 7', 'first fees');
INSERT INTO public.licence SELECT i, 'holder "' || i || '" é', i + 0.50 FROM generate_series(1, 600) AS i;
COMMIT;
SQL

#
# What blocks a seal
#
$node->safe_psql('postgres', q{CREATE DATABASE other; BEGIN; UPDATE public.licence SET fee = 0 WHERE id = 1; PREPARE TRANSACTION 'a "gid"'});
$node->safe_psql('postgres', 'UPDATE public.licence SET fee = 1 WHERE id = 2');
is(sql('SELECT leaves FROM athar.seal()'), 600, 'what was committed before a prepared transaction is sealed');
is(sql('SELECT leaves FROM athar.seal()'), 0, 'what came later is not');
like(sql('SELECT unsealed, blocked_by FROM athar.seal_status()'), qr/^1\|prepared transaction 'a "gid"' in database postgres, since /, 'seal_status names the prepared transaction');
$node->restart;
is(sql('SELECT leaves FROM athar.seal()'), 0, 'nor after a restart');
sql(q{COMMIT PREPARED 'a "gid"'});
is(sql('SELECT leaves FROM athar.seal()'), 2, 'once it is committed both are');

my ($in, $out, $err) = ("BEGIN; CREATE TABLE public.t (); SELECT 'ready';\n", '', '');
my $writer = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('other')], '<', \$in, '>', \$out, '2>', \$err);
IPC::Run::pump($writer) until $out =~ /ready/;
$node->safe_psql('postgres', 'UPDATE public.licence SET fee = 2 WHERE id = 2');
is(sql('SELECT leaves FROM athar.seal()'), 0, 'a transaction that writes in another database blocks');
like(sql('SELECT blocked_by FROM athar.seal_status()'), qr/^pid \d+ in database other, role /, 'seal_status names it');
$in .= "COMMIT;\n\\q\n";
IPC::Run::finish($writer);
is(sql('SELECT leaves FROM athar.seal()'), 1, 'until it ends');

#
# The server's log has each checkpoint, once it is committed
#
my $log = slurp_file($node->logfile);
my ($size, $root) = split /\n/, sql(q{SELECT split_part(athar.checkpoint(), E'\n', 2) || E'\n' || split_part(athar.checkpoint(), E'\n', 3)});
like($log, qr{LOG:  athar checkpoint athar/postgres 600 \S{44}\n}, 'the first checkpoint is in the log of the server');
like($log, qr{LOG:  athar checkpoint athar/postgres \Q$size $root\E\n}, 'so is the last');
my $offset = -s $node->logfile;
$node->safe_psql('postgres', 'UPDATE public.licence SET fee = 3 WHERE id = 2');
$node->safe_psql('postgres', 'BEGIN; SELECT athar.seal(); ROLLBACK');
$node->safe_psql('postgres', 'BEGIN; SAVEPOINT a; SELECT athar.seal(); ROLLBACK TO a; COMMIT');
unlike(slurp_file($node->logfile, $offset), qr/athar checkpoint/, 'one that was rolled back is not');
$node->safe_psql('postgres', 'SET synchronous_commit = off; SELECT athar.seal()');
like(slurp_file($node->logfile, $offset), qr/athar checkpoint athar\/postgres 604 /, 'nor is it lost by that');

# The job does the same.
$node->safe_psql('postgres', 'UPDATE public.licence SET fee = 4 WHERE id = 2');
is(sql(q{SELECT count(*) FROM athar.schedule(refresh => NULL, rollup => NULL, seal => '* * * * *') WHERE job = 'seal' AND state <> 'disabled'}), 1, 'there is a job for it');
sql('SELECT athar.run_due()');
like(sql(q{SELECT last_outcome || ' ' || last_message FROM athar.jobs WHERE name = 'seal'}), qr/^succeeded \(\d+,\d+,\d+,/, 'which seals');
is(sql('SELECT unsealed FROM athar.seal_status()'), sql(q{SELECT count(*) FROM athar.log_entry WHERE athar.leaf_index(id) IS NULL}), 'as far as its own transaction allows');
sql('SELECT athar.seal()');
is(sql('SELECT unsealed FROM athar.seal_status()'), 0, 'and the next one takes the rest');
sql('SELECT athar.unschedule(); SELECT athar.seal()');

#
# Strangers, with files alone
#
$size = sql('SELECT tree_size FROM athar.seal_status()');
write_file('checkpoint', sql('SELECT athar.checkpoint()') . "\n");
write_file('leaves', sql('SELECT * FROM athar.export_leaves()') . "\n");
write_file('leaf', sql('SELECT * FROM athar.export_leaves(77, 78)') . "\n");
write_file('proof', sql("SELECT encode(hash, 'hex') FROM unnest(athar.inclusion_proof(77, $size)) AS hash") . "\n");
is(stranger('leaves', 'checkpoint'), "athar/postgres $size: the leaves are those of the checkpoint\n", 'the root comes out of the exported leaves');
is(stranger('leaf', 'checkpoint', 77, 'proof'), "athar/postgres $size: the leaves are those of the checkpoint\n", 'one leaf is proven');
my $not = "athar/postgres $size: NOT the leaves of the checkpoint\n";
is(stranger('leaf', 'checkpoint', 78, 'proof'), $not, 'not in another place');
my $leaves = slurp_file("$files/leaves");
write_file('wrong', $leaves =~ s/clerk 7/clerk 8/r);
is(stranger('wrong', 'checkpoint'), $not, 'a changed leaf is found');
is(stranger('wrong', 'checkpoint', 77, 'proof'), $not, 'and does not pass for another');
write_file('wrong', $leaves =~ s/^.*\n//r);
is(stranger('wrong', 'checkpoint'), $not, 'a missing one');
write_file('wrong', $leaves =~ s/^(.*\n)(.*\n)/$2$1/r);
is(stranger('wrong', 'checkpoint'), $not, 'two that changed places');
is(`printf '\\0%s' "\$(head -n 1 $files/leaves)" | sha256sum` =~ s/ .*\n//sr, sql("SELECT encode(substring(athar.export_tile(0, 0) FOR 32), 'hex')"), 'sha256sum alone gives the hash of a leaf');
for my $n (1, 2, 3, 255, 256, 257, 511, 512, 513)
{
	write_file('checkpoint', sql("SELECT athar.checkpoint($n)") . "\n");
	write_file('leaves', sql("SELECT * FROM athar.export_leaves(0, $n)") . "\n");
	my $last = $n - 1;
	write_file('leaf', sql("SELECT * FROM athar.export_leaves($last)") . "\n");
	write_file('proof', sql("SELECT encode(hash, 'hex') FROM unnest(athar.inclusion_proof($last, $n)) AS hash") . "\n");
	like(stranger('leaves', 'checkpoint') . stranger('leaf', 'checkpoint', $last, 'proof'), qr/^athar.* $n: the leaves are .*\nathar.* $n: the leaves are /, "also of size $n");
}

#
# A restore elsewhere, under other settings, and in another encoding
#
$node->safe_psql('postgres', 'UPDATE public.licence SET fee = 5 WHERE id <= 5');
my $head = sql('SELECT athar.checkpoint()');
my $size_there = sql('SELECT tree_size FROM athar.seal_status()');
command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', "$files/dump.sql" ], 'a dump with entries that are not sealed yet');
my $elsewhere = new_node('elsewhere');
for my $encoding ('UTF8', 'LATIN1')
{
	my $database = "in_\L$encoding";
	$elsewhere->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' LOCALE 'C'");
	$elsewhere->safe_psql('postgres', "ALTER DATABASE $database SET $_")
	  for q{timezone = 'Asia/Dubai'}, q{datestyle = 'German'}, q{intervalstyle = 'iso_8601'}, q{extra_float_digits = 0}, q{bytea_output = 'escape'};
	command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $elsewhere->connstr($database), '-f', "$files/dump.sql" ], "restored in $encoding");
	my $there = sub { $elsewhere->safe_psql($database, "SET client_encoding = UTF8; $_[0]") };
	is($there->('SELECT athar.checkpoint()'), $head, "$encoding: the checkpoint is the same");
	is($there->(q{SELECT string_agg("check" || ': ' || detail, ', ') FROM athar.verify_log(anchors => ARRAY[athar.checkpoint(100)]) WHERE NOT ok}), '', "$encoding: the log is what was sealed");
	is($there->(q{SELECT count(*) FROM athar.export_leaves(0, 2) AS l WHERE l LIKE '%é%'}), 2, "$encoding: its characters, too");
	is($there->('SELECT unsealed FROM athar.seal_status()'), 5, "$encoding: what was not sealed waits");
	$there->(q{UPDATE public.licence SET fee = 6, holder = 'é' WHERE id = 600});
	is($there->('SELECT batch > 1, leaves, tree_size FROM athar.seal()'), 't|6|' . ($size_there + 6), "$encoding: and is sealed at once, nothing twice");
	$there->(q{UPDATE public.licence SET fee = 7 WHERE id = 600});
	is($there->('SELECT leaves FROM athar.seal()'), 1, "$encoding: seals go on");
	is($there->('SELECT leaves FROM athar.seal()'), 0, "$encoding: and end");
	is($there->("SELECT string_agg(detail, ', ') FROM athar.verify_log(anchors => ARRAY['$head']) WHERE NOT ok"), '', "$encoding: all of it holds, and goes on from the checkpoint before the dump");
	is($there->("SELECT split_part(athar.checkpoint(), E'\\n', 1)"), 'athar/postgres', "$encoding: under its name");
}
# The way on is provable from outside: old checkpoint, new checkpoint, proof.
is($elsewhere->safe_psql('in_utf8', "SELECT athar.verify_consistency($size_there, decode('" . (split /\n/, $head)[2] . "', 'base64'), tree_size, root, athar.consistency_proof($size_there, tree_size)) FROM athar.seal_status()"),
	't', 'the new tree is proven to go on from the old one');

# An older backup is shown by a checkpoint that was kept.
sql('UPDATE public.licence SET fee = 8 WHERE id = 8');
sql('SELECT athar.seal()');
my $later = sql('SELECT athar.checkpoint()');
$elsewhere->safe_psql('postgres', "CREATE DATABASE older TEMPLATE template0");
command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $elsewhere->connstr('older'), '-f', "$files/dump.sql" ], 'an older backup is restored');
like($elsewhere->safe_psql('older', "SELECT detail FROM athar.verify_log(anchors => ARRAY['$later']) WHERE NOT ok"), qr/its tail was cut off, or an older state was restored/, 'the checkpoint tells');
$elsewhere->safe_psql('older', q{INSERT INTO public.licence SELECT i, 'x', 0 FROM generate_series(1001, 1010) AS i; SELECT athar.seal()});
is($elsewhere->safe_psql('older', "SELECT detail FROM athar.verify_log(anchors => ARRAY['$later']) WHERE NOT ok"), 'anchor 1: the first ' . ($size_there + 6) . ' leaves have another root', 'also when the log has gone on');
$elsewhere->stop;

#
# A killed server
#
$node->safe_psql('postgres', "CREATE TABLE public.stock (id integer PRIMARY KEY); SELECT athar.track('public.stock', inserted_values => false)");
for my $round (1 .. 2)
{
	# rows to be sealed, while others are written in bulk
	$node->safe_psql('postgres', "INSERT INTO public.stock SELECT generate_series($round * 10000000, $round * 10000000 + 200000)");
	my $known = sql('SELECT athar.checkpoint()');
	my $bulk = start_session("INSERT INTO public.stock SELECT generate_series($round * 10000000 + 500000, $round * 10000000 + 2000000)");
	my $sealer = start_session('SELECT athar.seal()');
	seen($sealer, 'athar.seal\(\): [1-9]\d+ leaves') or note("round $round: the seal was over before it was seen");
	usleep(200_000 * ($round - 1));
	my @backends = split /\n/, sql('SELECT pid FROM pg_stat_activity');
	$node->kill9;
	kill 'KILL', @backends;
	$_->finish for $bulk, $sealer;
	start_again();
	is(sql("SELECT string_agg(detail, ', ') FROM athar.verify_log(anchors => ARRAY['$known']) WHERE NOT ok"), '', "round $round: what was sealed before the crash is what it was");
	is(sql("SELECT count(*) FROM athar.change_log WHERE relation = 'public.stock' AND (row_key->>'id')::integer BETWEEN $round * 10000000 AND $round * 10000000 + 200000"), 200001, "round $round: no committed entry is lost");
	1 while sql('SELECT leaves FROM athar.seal()') > 0;
	is(sql('SELECT unsealed FROM athar.seal_status()'), 0, "round $round: sealing goes on");
	is(sql('SELECT tree_size FROM athar.seal_status()'), sql('SELECT count(*) FROM athar.log_entry'), "round $round: every entry is sealed once");
	is(sql("SELECT string_agg(detail, ', ') FROM athar.verify_log(anchors => ARRAY['$known']) WHERE NOT ok"), '', "round $round: and all of it is well");
}

#
# More than one call takes; to be seen, and to be cancelled
#
my $before = sql('SELECT tree_size FROM athar.seal_status()');
# after numbers of which no entry was ever committed
$node->safe_psql('postgres', q{SELECT setval('athar.log_entry_id_seq', nextval('athar.log_entry_id_seq') + 10000000)});
$node->safe_psql('postgres', 'INSERT INTO public.stock SELECT generate_series(1, 2050000)');
($in, $out, $err) = ('', '', '');
my $session = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT athar.seal()'], '<', \$in, '>', \$out, '2>', \$err);
ok(seen($session, 'athar.seal\(\): [1-9]\d+ leaves'), 'a seal that runs is seen in pg_stat_activity');
is(sql('SELECT bool_and(ok) FROM athar.verify_log(0, 10)'), 't', 'holds up no reader');
$node->safe_psql('postgres', 'INSERT INTO public.stock VALUES (-1)');
pass('and no writer');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ '^athar\.seal\(\)'});
$session->finish;
like($err, qr/canceling statement due to user request/, 'it can be cancelled');
is(sql('SELECT tree_size FROM athar.seal_status()'), $before, 'and leaves nothing behind');
my $first = sql('SELECT leaves FROM athar.seal()');
cmp_ok($first, '>=', 1_000_000, 'a call seals a million leaves');
cmp_ok($first, '<', 2_000_000, 'and not all');
$node->safe_psql('postgres', 'DELETE FROM public.stock WHERE id = -1');
my $rest = 0;
while ($first + $rest < 2_050_001)
{
	my $leaves = sql('SELECT leaves FROM athar.seal()');
	$rest += $leaves;
	last if $leaves == 0;
}
is($rest, 2_050_001 - $first, 'the next ones the rest of what was to be sealed then');
is(sql('SELECT leaves FROM athar.seal()'), 1, 'then comes what was written since');
is(sql('SELECT unsealed FROM athar.seal_status()'), 0, 'and nothing is left');

# What was sealed while another wrote is not read again when he is done.
$node->safe_psql('postgres', 'INSERT INTO public.stock SELECT generate_series(3000001, 3300000)');
$node->safe_psql('postgres', q{BEGIN; INSERT INTO public.stock VALUES (-2); PREPARE TRANSACTION 'open'});
is(sql('SELECT leaves FROM athar.seal()'), 300_000, 'what was committed before a writer is sealed');
sql(q{COMMIT PREPARED 'open'});
my $sealed = sql('SELECT max(upper(ids)) FROM athar.seal_batch');
my ($code, $late, $plans) = $node->psql('postgres', q{LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on; SET client_min_messages = log; SELECT leaves FROM athar.seal()});
is($late, 1, 'what he wrote is sealed later');
my @ranges = $plans =~ /Index Cond: \(\(id >= '(\d+)'::bigint\) AND \(id <= '\d+'::bigint\)\)/g;
cmp_ok(scalar(@ranges), '>', 0, 'the entries are read through their index');
is(join(' ', grep { $_ < $sealed } @ranges), '', 'and none that was sealed before');

($in, $out, $err) = ('', '', '');
$session = IPC::Run::start(['psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT * FROM athar.verify_log()'], '<', \$in, '>', \$out, '2>', \$err);
ok(seen($session, 'athar.verify_log\(\): [1-9]\d+ of \d+ leaves'), 'a check that runs is seen, too');
sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query ~ '^athar\.verify_log\(\)'});
$session->finish;
like($err, qr/canceling statement due to user request/, 'and can be cancelled');

$node->stop;
done_testing();

sub new_node
{
	my ($name) = @_;
	my $new = PostgreSQL::Test::Cluster->new($name);
	$new->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	$new->append_conf('postgresql.conf', "timezone = 'UTC'\nmax_prepared_transactions = 5\nautovacuum = off\nmax_wal_size = 2GB\n");
	$new->start;
	return $new;
}

sub sql
{
	return $node->safe_psql('postgres', $_[0]);
}

sub write_file
{
	my ($name, $text) = @_;
	open my $file, '>', "$files/$name" or die "$name: $!";
	print $file $text;
	close $file;
	return;
}

# What our script for strangers says of a file.
sub stranger
{
	my ($leaves, @arguments) = @_;
	my ($said, $wrong) = ('', '');
	IPC::Run::run(['python3', 'doc/verify_leaves.py', map { -f "$files/$_" ? "$files/$_" : $_ } @arguments], '<', "$files/$leaves", '>', \$said, '2>', \$wrong);
	return $said . $wrong;
}

# Wait until the session reports this; false if it ended before it was seen.
sub seen
{
	my ($session, $report) = @_;
	for (1 .. 3600)
	{
		return 1 if sql("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE query ~ '^$report')") eq 't';
		return 0 if !$session->pumpable;
		usleep(20_000);
	}
	return 0;
}

sub start_session
{
	return IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $_[0] ], '<', \undef, '>', '/dev/null', '2>', '/dev/null');
}

# The killed server's children end by themselves; until then its memory is
# still in use and a start is refused.
sub start_again
{
	for (1 .. 600)
	{
		return if $node->start(fail_ok => 1);
		$node->stop('fast', fail_ok => 1);
		usleep(100_000);
	}
	die 'the server did not start again';
}
