# A server killed in the middle of tracked writes comes back with a table and
# a log that agree: every change that survived is in the log, and no other.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $node = PostgreSQL::Test::Cluster->new('crash');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "checkpoint_timeout = 30s\nmax_wal_size = 64MB\n");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION athar;
CREATE TABLE public.stock (id integer PRIMARY KEY, worker integer NOT NULL, amount integer NOT NULL, note text);
SELECT athar.track('public.stock');
CREATE UNLOGGED TABLE public.draft (id integer PRIMARY KEY, v integer);
SELECT athar.track('public.draft');
INSERT INTO public.draft SELECT n, n FROM generate_series(1, 3) AS n;
-- One batch is one transaction: new rows, changes, deletions.
CREATE PROCEDURE public.work(worker integer) LANGUAGE plpgsql AS $$
BEGIN
	FOR batch IN 0..100000 LOOP
		INSERT INTO public.stock SELECT work.worker * 100000000 + batch * 300 + n, work.worker, n, repeat('x', n) FROM generate_series(1, 300) AS n;
		UPDATE public.stock SET amount = amount + 1 WHERE stock.worker = work.worker AND amount % 3 = batch % 3 AND id > work.worker * 100000000 + (batch - 5) * 300;
		DELETE FROM public.stock WHERE stock.worker = work.worker AND id % 7 = batch % 7 AND id > work.worker * 100000000 + (batch - 3) * 300;
		COMMIT;
	END LOOP;
END $$;
SQL

for my $round (1 .. 2)
{
	my $before = batches();
	my @workers = map { start_worker($_ + 2 * $round) } 1 .. 2;
	$node->poll_query_until('postgres', "SELECT count(DISTINCT transaction_id) >= $before + 10 FROM athar.log_entry")
	  or die 'no work was done';
	# A busy backend would go on for a while without its postmaster.
	my @backends = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity');
	$node->kill9;
	kill 'KILL', @backends;
	$_->finish for @workers;
	start_again();

	cmp_ok(batches(), '>=', $before + 10, "round $round: committed batches are there");
	is($node->safe_psql('postgres', <<'SQL'), 0, "round $round: the log rebuilds the table");
SELECT count(*) FROM (
	(TABLE public.stock EXCEPT ALL SELECT * FROM athar.as_of(NULL::public.stock, now()))
	UNION ALL
	(SELECT * FROM athar.as_of(NULL::public.stock, now()) EXCEPT ALL TABLE public.stock)) AS difference
SQL
	is($node->safe_psql('postgres', <<'SQL'), 0, "round $round: every entry has its transaction, every transaction its entries");
SELECT count(*) FROM athar.log_entry AS e FULL JOIN athar.log_transaction AS t ON t.id = e.transaction_id WHERE e.transaction_id IS NULL OR t.id IS NULL
SQL
	my $last = $node->safe_psql('postgres', 'SELECT max(id) FROM athar.log_entry');
	$node->safe_psql('postgres', "INSERT INTO public.stock VALUES (-$round, 0, 0)");
	is($node->safe_psql('postgres', "SELECT count(*) FROM athar.log_entry WHERE id > $last"), 1, "round $round: the numbers go on");
	is($node->safe_psql('postgres', 'SELECT count(*) - count(DISTINCT entry_id) FROM athar.change_log'), 0, "round $round: no number is used twice");
}

# A crash empties an unlogged table, and no trigger sees it.
is($node->safe_psql('postgres', 'SELECT count(*) FROM public.draft'), 0, 'an unlogged table is empty');
is($node->safe_psql('postgres', q{SELECT count(*) FROM athar.change_log WHERE relation = 'public.draft'}), 3, 'what was written there is in the log');
is($node->safe_psql('postgres', q{SELECT is_complete, problems IS NOT NULL FROM athar.tracking_status('public.draft')}), 'f|t', 'and tracking_status tells that rows are missing');

$node->stop;
done_testing();

# Committed batches, as the log knows them.
sub batches
{
	return $node->safe_psql('postgres', 'SELECT count(DISTINCT transaction_id) FROM athar.log_entry');
}

sub start_worker
{
	my ($worker) = @_;
	return IPC::Run::start(
		[ 'psql', '-X', '-q', '-h', $node->host, '-p', $node->port, '-d', 'postgres', '-c', "CALL public.work($worker)" ],
		'<', \undef, '>', '/dev/null', '2>', '/dev/null');
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
