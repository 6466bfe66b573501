# Summaries across processes: partial aggregation in parallel workers, and the
# binary form, what it carries and what it refuses.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', <<'CONF');
search_path = 'public, athar'
max_worker_processes = 8
max_parallel_workers = 8
min_parallel_table_scan_size = 0
parallel_setup_cost = 0
parallel_tuple_cost = 0
parallel_leader_participation = off
CONF
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION athar;
SELECT setseed(0.5);
CREATE TABLE answer AS
SELECT i % 300 AS day, i % 7 AS service, floor(random() * 5) + 1 AS rating, 1e12 + random() AS wait,
	CASE WHEN i % 1000 = 0 THEN 'NaN' WHEN i % 1001 = 0 THEN NULL ELSE random() END AS odd
FROM generate_series(1, 300000) i;
CREATE TABLE day AS SELECT day, summarize(rating) AS rating, summarize(wait) AS wait FROM answer GROUP BY day;
ANALYZE;
SQL

# Each aggregate, in one group and in several, with 2 to 4 workers.
my $one = 'SELECT summarize(rating), summarize(wait), summarize(odd) FROM answer';
my $several = 'SELECT summarize(rating), summarize(wait), summarize(odd) FROM answer GROUP BY service ORDER BY service';
my $merged = 'SELECT merge(rating), merge(wait), merge(NULL::summary) FROM day';
for my $query ($one, $several, $merged)
{
	my $serial = figures(0, $query);
	for my $workers (2 .. 4)
	{
		like(query_plan($workers, $query), qr/(Gather.*Partial|Partial.*Gather)/s, "$workers workers aggregate: $query");
		is(figures($workers, $query), $serial, "$workers workers answer as one process does");
	}
}
is($node->safe_psql('postgres', "SET max_parallel_workers_per_gather = 4; SELECT summarize(rating), merge(summarize) FROM (SELECT rating, NULL::summary AS summarize FROM answer WHERE rating > 9) t"),
	'|', 'workers without a row give NULL');

# Binary out and in.
my $file = PostgreSQL::Test::Utils::tempdir() . '/summary.bin';
my $copied = $node->safe_psql('postgres', <<SQL);
CREATE TABLE sent AS
SELECT rating AS s FROM day UNION ALL SELECT wait FROM day UNION ALL
SELECT summary_of_moments(250, 4.2, 1.1) UNION ALL SELECT summary_of_moments(250, 4.2, NULL) UNION ALL
SELECT summary_of('{}', '{}') UNION ALL SELECT summary_of('{0.1,5e-324}', '{9223372036854775800,2}') UNION ALL
SELECT summarize(odd) FROM answer UNION ALL SELECT summary_of('{1}', '{5000000000}') + summarize(odd) FROM answer;
CREATE TABLE received (s summary);
COPY sent TO '$file' (FORMAT binary);
COPY received FROM '$file' (FORMAT binary);
SELECT count(*), count(*) FILTER (WHERE is_exact(s)) FROM received;
(SELECT s FROM sent EXCEPT ALL SELECT s FROM received) UNION ALL (SELECT s FROM received EXCEPT ALL SELECT s FROM sent);
SQL
is($copied, '606|302', 'the binary form carries every kind of summary to the bit');

# What the binary form refuses.
my $exact = 1;
my $digest = 2;
my $no_sd = 4;
my @list = ([ 1, 2 ], [ 2, 3 ]);
my @moments = (1.5, 0, 0.5, 1, 2);
is(refused(message(1, $exact, 5, 0, [], \@list)), '', 'an exact message is taken');
is(refused(message(1, $digest, 5, 0, \@moments, \@list)), '', 'a digest message is taken');
is(refused(message(1, $no_sd, 5, 0, [ 1.5, 0, 0 ], [])), '', 'a message of moments is taken');
is(refused(message(1, $exact, 5, 0, [], [ [ -0.0, 5 ] ])), '', '-0 is taken');
is($node->safe_psql('postgres', 'SELECT n(s), s FROM received WHERE maximum(s) = 0'), '5|{"version":1,"n":5,"counts":[[0,5]]}', 'as 0');

my $nan = 'nan' + 0;
my $infinity = 9**9**9;
my %wrong = (
	'no bytes' => '',
	'half a message' => substr(message(1, $exact, 5, 0, [], \@list), 0, 30),
	'a message and more' => message(1, $exact, 5, 0, [], \@list) . "\0",
	'version 0' => message(0, $exact, 5, 0, [], \@list),
	'version 2' => message(2, $exact, 5, 0, [], \@list),
	'an unknown flag' => message(1, $exact | 16, 5, 0, [], \@list),
	'the width of weights' => message(1, $exact | 8, 5, 0, [], \@list),
	'two forms at once' => message(1, $exact | $digest, 5, 0, [], \@list),
	'an exact summary of unknown deviation' => message(1, $exact | $no_sd, 5, 0, [], \@list),
	'a wrong n' => message(1, $exact, 6, 0, [], \@list),
	'a negative n' => message(1, $exact, -5, 0, [], \@list),
	'a negative number of NaN' => message(1, $exact, 5, -1, [], \@list),
	'values that descend' => message(1, $exact, 5, 0, [], [ reverse @list ]),
	'a value twice' => message(1, $exact, 5, 0, [], [ [ 1, 2 ], [ 1, 3 ] ]),
	'0 and -0' => message(1, $exact, 5, 0, [], [ [ -0.0, 2 ], [ 0.0, 3 ] ]),
	'NaN' => message(1, $exact, 5, 0, [], [ [ 1, 2 ], [ $nan, 3 ] ]),
	'infinity' => message(1, $exact, 5, 0, [], [ [ 1, 2 ], [ $infinity, 3 ] ]),
	'a count of 0' => message(1, $exact, 5, 0, [], [ [ 1, 5 ], [ 2, 0 ] ]),
	'a count of a mean in an exact list' => message(1, $exact, 5, 0, [], [ [ 1, 2 ], [ 2, 3, 1 ] ]),
	'65 values' => message(1, $exact, 65, 0, [], [ map { [ $_, 1 ] } 1 .. 65 ]),
	'counts beyond 2^63 - 1' => message(1, $exact, 1, 0, [], [ map { [ $_, 2**62 ] } 1 .. 5 ]),
	'a length beyond the message' => head(1, $exact, 5, 0) . pack('N', 100),
	'a negative length' => head(1, $exact, 5, 0) . pack('N', 0xffffffff),
	'a huge length' => head(1, $exact, 5, 0) . pack('N', 0x7fffffff),
	'moments of nothing' => message(1, 0, 0, 0, [ 0, 0, 0 ], []),
	'moments with a list' => message(1, 0, 5, 0, [ 1.5, 0, 0.5 ], \@list),
	'a mean that is NaN' => message(1, 0, 5, 0, [ $nan, 0, 0.5 ], []),
	'a mean not in its normal form' => message(1, 0, 5, 0, [ 1.5, 1, 0.5 ], []),
	'a negative deviation' => message(1, 0, 5, 0, [ 1.5, 0, -0.5 ], []),
	'an infinite deviation' => message(1, 0, 5, 0, [ 1.5, 0, $infinity ], []),
	'an unknown deviation that is given' => message(1, $no_sd, 5, 0, [ 1.5, 0, 0.5 ], []),
	'one value that deviates' => message(1, 0, 1, 0, [ 1.5, 0, 0.5 ], []),
	'a mean outside minimum and maximum' => message(1, $digest, 5, 0, [ 3, 0, 0.5, 1, 2 ], \@list),
	'a minimum above the maximum' => message(1, $digest, 5, 0, [ 1.5, 0, 0.5, 2, 1 ], \@list),
	'a list outside minimum and maximum' => message(1, $digest, 5, 0, [ 1.5, 0, 0.5, 1.1, 2 ], \@list),
	'a digest of no values' => message(1, $digest, 0, 0, \@moments, []),
	'a mean before the value itself' => message(1, $digest, 5, 0, \@moments, [ [ 1, 2, 1 ], [ 1, 2 ], [ 2, 1 ] ]),
	'a mean of one value' => message(1, $digest, 3, 0, \@moments, [ [ 1, 2 ], [ 2, 1, 1 ] ]),
	'513 items' => message(1, $digest, 513, 0, [ 9, 0, 1, 1, 513 ], [ map { [ $_, 1 ] } 1 .. 513 ]));
for my $what (sort keys %wrong)
{
	like(refused($wrong{$what}), qr/^ERROR:  22P03: invalid binary input for type athar.summary$/m, "refused: $what");
}

# A message with a mistake in it is refused, or it is another summary, sound.
srand(4);
my $directory = PostgreSQL::Test::Utils::tempdir();
my @messages = (
	message(1, $exact, 5, 3, [], \@list),
	message(1, $no_sd, 5, 0, [ 1.5, 1e-17, 0 ], []),
	message(1, $digest, 9, 0, [ 1.5, 0, 0.5, 0, 2 ], [ [ 0, 1 ], [ 1, 2 ], [ 1, 4, 1 ], [ 2, 2 ] ]));
for my $number (0 .. 1199)
{
	open my $handle, '>:raw', "$directory/$number" or die $!;
	print $handle copy_of(mutant($messages[ $number % 3 ], $number));
	close $handle;
}
my $verdicts = $node->safe_psql('postgres', <<SQL);
CREATE TEMP TABLE verdict (verdict text);
CREATE TEMP TABLE mutant (s summary);
DO \$\$
BEGIN
	FOR number IN 0 .. 1199 LOOP
		BEGIN
			TRUNCATE mutant;
			EXECUTE format('COPY mutant FROM %L (FORMAT binary)', '$directory/' || number);
			INSERT INTO verdict
			SELECT CASE
				WHEN s::text::summary <> s OR greatest(n(s), nonfinite_count(s)) < 1e18 AND (s + s)::text::summary <> s + s THEN 'does not read back'
				WHEN row(mean(s), stddev(s), variance(s), total(s), minimum(s), maximum(s), percentile(s, 0.3), share_at_most(s, 2), compare(s, s))::text ~ 'NaN|Infinity' THEN 'has figures that are none'
				ELSE 'accepted'
			END
			FROM mutant;
		EXCEPTION WHEN OTHERS THEN
			INSERT INTO verdict VALUES (SQLSTATE);
		END;
	END LOOP;
END \$\$;
SELECT string_agg(DISTINCT verdict, ' ' ORDER BY verdict), count(*), least(count(*) FILTER (WHERE verdict = 'accepted'), 100), least(count(*) FILTER (WHERE verdict = '22P03'), 300) FROM verdict;
SQL
is($verdicts, '22P03 accepted|1200|100|300', 'mutated messages are refused as such, or are sound summaries');

$node->stop;
done_testing();

# The plan of a query with this many workers.
sub query_plan
{
	my ($workers, $query) = @_;
	return $node->safe_psql('postgres', "SET max_parallel_workers_per_gather = $workers; EXPLAIN (COSTS off) $query");
}

# What must be the same whoever computed it: counts and extremes to the bit,
# an exact summary too, mean and deviation to twelve digits.
sub figures
{
	my ($workers, $query) = @_;
	return $node->safe_psql('postgres', <<SQL);
SET max_parallel_workers_per_gather = $workers;
SELECT n(s), nonfinite_count(s), minimum(s), maximum(s), mean(s)::numeric(30, 12)::text, round(stddev(s)::numeric, 12),
	CASE WHEN is_exact(s) THEN s ELSE NULL END
FROM (
	SELECT unnest(ARRAY[a, b, c]) AS s
	FROM ($query) t(a, b, c)) t;
SQL
}

sub head
{
	my ($version, $flags, $n, $nonfinite) = @_;
	return pack('n n q> q>', $version, $flags, $n, $nonfinite);
}

sub message
{
	my ($version, $flags, $n, $nonfinite, $moments, $list) = @_;
	return head($version, $flags, $n, $nonfinite)
	  . join('', map { pack('d>', $_) } @$moments)
	  . pack('N', scalar @$list)
	  . join('', map { pack('d> Q>', $_->[0], $_->[1] * 2 + ($_->[2] // 0)) } @$list);
}

# A file of COPY with one row and column.
sub copy_of
{
	my ($message) = @_;
	return "PGCOPY\n\xff\r\n\0" . pack('N N n N', 0, 0, 1, length $message) . $message . pack('n', 0xffff);
}

# The message with a bit or a byte changed, a byte more or less, or cut off.
sub mutant
{
	my ($message, $number) = @_;
	my $place = int rand length $message;
	my $way = int($number / 3) % 5;
	if ($way == 0) { vec($message, 8 * $place + int rand 8, 1) ^= 1; }
	elsif ($way == 1) { substr($message, $place, 1) = chr int rand 256; }
	elsif ($way == 2) { substr($message, $place, 1) = ''; }
	elsif ($way == 3) { substr($message, $place, 0) = chr int rand 256; }
	else { substr($message, $place) = ''; }
	return $message;
}

# The error with which the server receives a message, or nothing.
sub refused
{
	my ($message) = @_;
	open my $handle, '>:raw', $file or die $!;
	print $handle copy_of($message);
	close $handle;
	my ($out, $err);
	$node->psql('postgres', "\\set VERBOSITY verbose\nTRUNCATE received; COPY received FROM '$file' (FORMAT binary)", stdout => \$out, stderr => \$err);
	$err =~ s/^psql:<stdin>:\d+: //mg;
	return $err;
}
