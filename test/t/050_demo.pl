# The demonstration from end to end: real figures, a real pg_cron, a real dump.
use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $demo = abs_path(dirname(__FILE__) . '/../../demo');
my $node = PostgreSQL::Test::Cluster->new('demo');
$node->init;
$node->append_conf('postgresql.conf',
	"shared_preload_libraries = 'pg_cron'\ncron.host = '" . $node->host . "'\n");
$node->start;

local $ENV{PGHOST} = $node->host;
local $ENV{PGPORT} = $node->port;
local $ENV{PGDATABASE} = 'postgres';
local $ENV{REPORT} = PostgreSQL::Test::Utils::tempdir();
my ($story, $progress) = ('', '');
ok(IPC::Run::run(["$demo/tell"], '>', \$story, '2>', \$progress, IPC::Run::timeout(300)), 'the story ends')
	or diag("$progress\n$story");

# A row of a table, by its first cells; spaces do not matter.
sub row
{
	my ($name, @cells) = @_;
	my $pattern = join '\s*\x{2502}\s*', map { quotemeta } @cells;
	like($story, qr/^\s*$pattern\s*(\x{2502}|$)/m, $name);
}
utf8::decode($story);
row('the agencies and their services', 'DVLA', 22, 22, 339);
row('a stale save is answered with a conflict and kept', 'conflict', 2, 1, '/items/A2/due_on', 'edit/edit');
row("three versions: $_->[0]", @$_) for [1, 'DVLA'], [2, 'DfT'], [3, 'DVLA'];
row('digital share', '4 / 4', '0.550', '0.746', '0.196', '0.148 .. 0.244', 'improved');
row('against the peers', 24, '0.011', '2 of 24', '0.174', '-0.074 .. 0.422', 'by_period, autocorrelation_unknown, not_beyond_controls');
row('a figure a side proves nothing', '1 / 1', '1.27', '0.98', '-0.29', 'insufficient_data');
row('no clear change', '4 / 4', '0.911', '0.949', '0.038', '-0.042 .. 0.118', 'no_clear_change');
row('the job succeeded', 'rollup', '* * * * *', 'succeeded', 5);
row('the objective', 'Vehicle tax without paper', 1, '-', '-', '0.917', '0.80', 'missed');
row('what nothing measures', 'Nine drivers in ten are satisfied', 1, 'at least 0.9', '-', '-', '0.00', 'no_data');
row('pg_cron ran it', 'licensing', 'SELECT athar.run_due()', 'succeeded');
row('a row\'s history', 'UPDATE', 'editor-02', 'Add latest CSV files', 821958, 823401);
row('the table as of the mark', 'dft-register-a-vehicle', 821958, 823401);
like($story, qr/ERROR:  a reason is required/, 'a change without a reason is refused');
like($story, qr/dry run.*\n.*operation.*\n.*\n(?: *UPDATE .*\n){3}/, 'an undo says what it would write');
like($story, qr{^athar/licensing\n[1-9]\d+\n[A-Za-z0-9+/]{43}=$}m, 'the checkpoint');
row('the log of the figures is complete', 'public.published_figure', 't', 't');
row('the copy answers to the checkpoint', 7, 0);
like($story, qr/^ *changed *\x{2502} *f *\x{2502} *entry \d+ \(leaf \d+\) is not what was sealed/m, 'a forged name is found');
like($story, qr/every row the same in both; \d+ log entries, none doubled/, 'the dump holds all of it');
unlike($story, qr/^psql:.*ERROR:  (?!a reason)/m, 'nothing else failed');

# What is left to be shown.
like(slurp_file("$ENV{REPORT}/report_$_->[0].html"), $_->[1], "the report ($_->[0])")
  for [ 'en', qr{<h1><bdi>Vehicle tax without a paper disc</bdi></h1>.*up 0\.196.*</html>}s ], [ 'ar', qr{<html lang="ar" dir="rtl">.*0\.196.*</html>}s ];
is(slurp_file("$ENV{REPORT}/tax_disc_en.svg"), slurp_file("$demo/../doc/pictures/tax_disc.svg"), 'the picture that the documents show is the one that the demonstration draws');

$node->stop;
done_testing();
