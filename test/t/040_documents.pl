# The documents are true: every SQL and shell block of README.md and of the
# pages in doc/ runs, in order, one database per page, and answers what the
# page shows; the reference is what the installed extension says of itself.
#
#   ```sql         must succeed
#   ```sql fails   must fail
#   ```sh          must succeed
#   ```text        directly after one of them: what it prints, or its last part
use strict;
use warnings;

use Cwd;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

$ENV{PGUSER} = 'postgres';
my $node = PostgreSQL::Test::Cluster->new('documents');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8', '--username=postgres' ]);
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';
my $directory = PostgreSQL::Test::Utils::tempdir();
# What the pages say to run lies beside them.
PostgreSQL::Test::Utils::system_or_bail('cp', glob('doc/*.py'), $directory);
$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION athar');

for my $page ('README.md', sort glob('doc/*.md'))
{
	my @blocks = blocks_of($page);
	next if !@blocks;
	$node->safe_psql('postgres', 'DROP DATABASE IF EXISTS licensing');
	$node->safe_psql('postgres', 'CREATE DATABASE licensing TEMPLATE fresh');
	test_block($page, $_) or last for @blocks;
}

my ($reference, $errors) = run_command(['script/reference']);
ok($reference . "\n" eq slurp_file('doc/reference.md'), 'doc/reference.md is what the extension says (make reference writes it)')
  or diag($errors || first_difference($reference, slurp_file('doc/reference.md')));

$node->stop;
done_testing();

# The blocks that run, each with what it is said to print.
sub blocks_of
{
	my ($page) = @_;
	my (@blocks, $open);
	my ($number, $last_end) = (0, -9);
	for my $line (split /\n/, slurp_file($page))
	{
		$number++;
		if (!$open && $line =~ /^```(\w*)(?: (\w+))?$/)
		{
			$open = { line => $number, kind => $1, fails => defined $2 && $2 eq 'fails', text => '' };
		}
		elsif ($open && $line eq '```')
		{
			push @blocks, $open if $open->{kind} =~ /^(sql|sh)$/;
			$blocks[-1]{output} = $open->{text} if $open->{kind} eq 'text' && $open->{line} <= $last_end + 2 && @blocks;
			$last_end = $number;
			undef $open;
		}
		elsif ($open)
		{
			$open->{text} .= "$line\n";
		}
	}
	return @blocks;
}

sub test_block
{
	my ($page, $block) = @_;
	my $name = "$page, line $block->{line}";
	local $ENV{PGDATABASE} = 'licensing';
	my @command = $block->{kind} eq 'sh' ? qw(sh -e -s) : qw(psql -Xq -v ON_ERROR_STOP=1 -P footer=off -f -);
	my ($out, $err) = ('', '');
	my $tree = getcwd();
	chdir $directory if $block->{kind} eq 'sh';
	my $succeeded = IPC::Run::run(\@command, '<', \$block->{text}, '>', \$out, '2>', \$err);
	chdir $tree;
	$err =~ s/^(psql:<stdin>:\d+: |CONTEXT:.*\n|LINE \d+:.*\n.*\n)//gm;
	my $as_said = ok($block->{fails} ? !$succeeded : $succeeded, $name . ($block->{fails} ? ' fails' : ''));
	diag($err) if !$as_said;
	return $as_said if !defined $block->{output};
	my ($printed, $shown) = map { s/[ \t]+$//gmr =~ s/\n+\z//r } ($block->{fails} ? $err : $out), $block->{output};
	is(substr($printed, -length $shown), $shown, "$name prints what is shown") or return 0;
	return $as_said;
}

sub first_difference
{
	my ($new, $old) = map { [ split /\n/ ] } @_;
	my ($line) = grep { ($new->[$_] // '') ne ($old->[$_] // '') } 0 .. ($#$new > $#$old ? $#$new : $#$old);
	return 'line ' . ($line + 1) . ":\n< " . ($old->[$line] // '(end)') . "\n> " . ($new->[$line] // '(end)');
}
