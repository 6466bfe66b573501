# A hundred people save one plan at the same moment, from what all of them had
# read: whatever anybody wrote is in the plan, or in a draft.
use strict;
use warnings;

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $sessions = 100;
my $node = PostgreSQL::Test::Cluster->new('plan_sessions');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "max_connections = 130\nfsync = off\n");
$node->start;
$node->safe_psql('postgres', <<"SQL");
CREATE EXTENSION athar;
SELECT athar.define_unit('agency', 'Agency');
SELECT athar.create_project('joint', 'Joint', 'agency', jsonb_build_object('title', 't',
	'items', (SELECT jsonb_agg(jsonb_build_object('id', 'A' || i, 'title', 'as it was', 'weight', 1) ORDER BY i) FROM generate_series(1, $sessions) AS i)), 'begin');
SQL

# Run all of them when all of them have come.
sub together
{
	my (@statements) = @_;
	my ($gate_in, $gate_out) = ("BEGIN; SELECT id FROM athar.project FOR UPDATE;\n\\echo closed\n", '');
	my @psql = ('psql', '-XAtq', '-d', $node->connstr('postgres'), '-v', 'ON_ERROR_STOP=1');
	my $gate = IPC::Run::start([@psql], '<', \$gate_in, '>', \$gate_out);
	$gate->pump until $gate_out =~ /closed/;
	my @answers = map { '' } @statements;
	my @runs = map { IPC::Run::start([ @psql, '-c', $statements[$_] ], '<', \undef, '>', \$answers[$_], '2>&1') } 0 .. $#statements;
	$node->poll_query_until('postgres', 'SELECT count(*) = ' . @statements . q{ FROM pg_stat_activity WHERE wait_event_type = 'Lock'})
	  or die 'they do not come';
	$gate_in .= "COMMIT;\n\\q\n";
	$gate->finish;
	$_->finish for @runs;
	chomp @answers;
	return @answers;
}

# Other items: with the whole plan, with a patch, with one action.
my @answers = together(map {
	my $index = $_ - 1;
	my $call = (
		qq{save_plan('joint', jsonb_set(athar.get_plan('joint', 1), '{items,$index,title}', '"by $_"'), 1, 'by $_')},
		qq{patch_plan('joint', '[{"op": "replace", "path": "/items/$index/title", "value": "by $_"}]', 1, 'by $_')},
		qq{set_action('joint', 'A$_', '{"title": "by $_"}', 1, 'by $_')})[ $_ % 3 ];
	"SELECT status FROM athar.$call"
} 1 .. $sessions);
is(join(' ', sort @answers), join(' ', ('merged') x ($sessions - 1), 'saved'), 'all are saved, the first as it is, the others merged');
is($node->safe_psql('postgres', q{SELECT string_agg(title, ' ' ORDER BY ordinal) FROM athar.actions}), join(' ', map { "by $_" } 1 .. $sessions), 'everybody is in the plan');
is($node->safe_psql('postgres', q{SELECT count(*), count(DISTINCT version), max(version) FROM athar.plan_history('joint')}), join('|', ($sessions + 1) x 3), 'in versions without gaps');
is($node->safe_psql('postgres', q{SELECT count(*) FROM athar.plan_history('joint') WHERE starts_with(summary, 'changed A' || substr(reason, 4) || ' ') AND summary !~ ', A[0-9]'}),
	$sessions, 'each of which is one change');

# The same value: one is in the plan, everybody else's text waits.
@answers = together(map { "SELECT status FROM athar.save_plan('joint', athar.get_plan('joint', 1) || '{\"purpose\": \"by $_\"}', 1, 'by $_')" } 1 .. 20);
is(join(' ', sort @answers), join(' ', ('conflict') x 19, 'merged'), 'of one value one is taken');
is($node->safe_psql('postgres', <<'SQL'), 'by 1 by 2 by 3 by 4 by 5 by 6 by 7 by 8 by 9 by 10 by 11 by 12 by 13 by 14 by 15 by 16 by 17 by 18 by 19 by 20', 'and the others are drafts');
SELECT string_agg(p, ' ' ORDER BY substr(p, 4)::integer)
FROM (SELECT athar.get_plan('joint') ->> 'purpose' UNION ALL SELECT athar.get_draft(draft) ->> 'purpose' FROM athar.plan_drafts) AS t (p)
SQL

# Drafts decided and merged at once: none twice, none over another.
@answers = together((map { "SELECT athar.resolve_conflicts($_, 'ours'); SELECT status FROM athar.merge_draft($_, 'ours')" } 1 .. 19));
my $merged = grep { /merged/ } @answers;
is($merged, 1, 'the first is merged, the others meet it');
is($node->safe_psql('postgres', q{SELECT count(*) FILTER (WHERE status = 'merged'), count(*) FILTER (WHERE open_conflicts = 1) FROM athar.plan_drafts}), '1|18', 'and are told so');

$node->stop;
done_testing();
