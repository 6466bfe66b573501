# A tracked table that a subscription fills: what it copies at first and what
# it applies later is in the log, as what its worker did. And a table written
# in a replica's role by hand.
use strict;
use warnings;

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->start;

my $tables = <<'SQL';
CREATE TABLE licence (id integer PRIMARY KEY, fee integer);
CREATE TABLE payment (id integer, region integer, PRIMARY KEY (id, region)) PARTITION BY LIST (region);
CREATE TABLE payment_1 PARTITION OF payment FOR VALUES IN (1);
CREATE TABLE payment_2 PARTITION OF payment FOR VALUES IN (2);
SQL
$publisher->safe_psql('postgres', "$tables INSERT INTO licence VALUES (1, 10), (2, 20)");
$publisher->safe_psql('postgres', 'CREATE PUBLICATION everything FOR TABLE licence, payment WITH (publish_via_partition_root)');
$subscriber->safe_psql('postgres', <<"SQL");
CREATE EXTENSION athar;
$tables
SELECT athar.track('licence');
SELECT athar.track('payment');
CREATE TABLE payment_3 PARTITION OF payment FOR VALUES IN (3);
SQL

my $connection = $publisher->connstr . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION everything CONNECTION '$connection' PUBLICATION everything");
$subscriber->wait_for_subscription_sync($publisher, 'everything')
  if $subscriber->can('wait_for_subscription_sync');
$subscriber->poll_query_until('postgres', q{SELECT bool_and(srsubstate = 'r') FROM pg_subscription_rel})
  or die 'the tables were not copied';
is(entries('public.licence'), "INSERT||{\"id\": 1, \"fee\": 10}\nINSERT||{\"id\": 2, \"fee\": 20}", 'what a subscription copies at first');

$publisher->safe_psql('postgres', <<'SQL');
UPDATE licence SET fee = 11 WHERE id = 1;
DELETE FROM licence WHERE id = 2;
INSERT INTO licence VALUES (3, 30);
CREATE TABLE payment_3 PARTITION OF payment FOR VALUES IN (3);
INSERT INTO payment VALUES (1, 1), (2, 2), (3, 3);
UPDATE payment SET region = 2 WHERE id = 1;
SQL
$publisher->wait_for_catchup('everything');
is(entries('public.licence', 'OFFSET 2'), <<'TEXT' =~ s/\n$//r, 'what it applies');
UPDATE|{"fee": 10}|{"fee": 11}
DELETE|{"id": 2, "fee": 20}|
INSERT||{"id": 3, "fee": 30}
TEXT
is(entries('public.payment'), <<'TEXT' =~ s/\n$//r, 'into partitions, later ones included');
INSERT||{"id": 1, "region": 1}
INSERT||{"id": 2, "region": 2}
INSERT||{"id": 3, "region": 3}
DELETE|{"id": 1, "region": 1}|
INSERT||{"id": 1, "region": 2}
TEXT
is(status('licence'), 't|t', 'and the log accounts for it');
like(status('payment'), qr/t$/, 'in each partition');
is($subscriber->safe_psql('postgres', q{SELECT DISTINCT actor, reason FROM athar.change_log}), '|', 'nobody is named');
is($subscriber->safe_psql('postgres', q{SELECT count(DISTINCT transaction_id) FROM athar.change_log WHERE operation <> 'DDL'}), 6, 'each transaction is one');

$publisher->safe_psql('postgres', 'TRUNCATE licence');
$publisher->wait_for_catchup('everything');
is(entries('public.licence', 'OFFSET 5'), <<'TEXT' =~ s/\n$//r, 'TRUNCATE, each row');
TRUNCATE|{"id": 1, "fee": 11}|
TRUNCATE|{"id": 3, "fee": 30}|
TEXT
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION everything');

# By hand.
$subscriber->safe_psql('postgres', <<'SQL');
SELECT athar.create_mark('by hand');
SET session_replication_role = replica;
INSERT INTO licence VALUES (7, 70);
UPDATE licence SET fee = 71;
INSERT INTO payment_3 VALUES (7, 3);
TRUNCATE payment_1, payment_2;
SELECT athar.define_unit('dept', 'Department');
SQL
is(entries('public.licence', 'OFFSET 7'), "INSERT||{\"id\": 7, \"fee\": 70}\nUPDATE|{\"fee\": 70}|{\"fee\": 71}", 'a session in a replica\'s role');
is(entries('public.payment', 'OFFSET 5'), <<'TEXT' =~ s/\n$//r, 'also in partitions');
INSERT||{"id": 7, "region": 3}
TRUNCATE|{"id": 2, "region": 2}|
TRUNCATE|{"id": 1, "region": 2}|
TEXT
is($subscriber->safe_psql('postgres', q{SELECT new_values->>'code' FROM athar.change_log WHERE relation = 'athar.unit'}), 'dept', 'and in tables of athar');
is($subscriber->safe_psql('postgres', q{SELECT * FROM athar.as_of(NULL::payment, (SELECT at FROM athar.mark WHERE name = 'by hand')) ORDER BY id}), "1|2\n2|2\n3|3", 'as_of undoes it all');

like(status($_), qr/t$/, "the log of $_ is complete") for qw(licence payment);

# With triggers that fire in no replica's role, what a subscription applies is
# missing from the log, and found to be.
$subscriber->safe_psql('postgres', <<'SQL');
TRUNCATE licence, payment;
ALTER TABLE licence DISABLE TRIGGER USER;
UPDATE pg_trigger SET tgenabled = 'O' WHERE tgfoid = 'athar.capture_change()'::regprocedure AND tgrelid = 'licence'::regclass;
SQL
$publisher->safe_psql('postgres', 'INSERT INTO licence VALUES (8, 80)');
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION again CONNECTION '$connection' PUBLICATION everything");
$subscriber->poll_query_until('postgres', q{SELECT count(*) > 0 AND bool_and(srsubstate = 'r') FROM pg_subscription_rel})
  or die 'the tables were not copied again';
$publisher->safe_psql('postgres', 'INSERT INTO licence VALUES (9, 90)');
$publisher->wait_for_catchup('again');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM licence'), 2, 'a subscription applies to a table with ordinary triggers');
is(status('licence'), 'f|f', 'which is not captured, and incomplete');
is($subscriber->safe_psql('postgres', q{SELECT problems ~ 'does not fire in every session_replication_role' FROM athar.tracking_status('licence')}), 't', 'and why');
like(status('payment'), qr/t$/, 'the other table is as before');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION again');

$_->stop for $subscriber, $publisher;
done_testing();

sub status
{
	my ($relation) = @_;
	return $subscriber->safe_psql('postgres', "SELECT is_capturing, is_complete FROM athar.tracking_status('$relation')");
}

sub entries
{
	my ($relation, $more) = @_;
	return $subscriber->safe_psql('postgres', 'SELECT operation, old_values, new_values FROM athar.change_log'
		  . " WHERE relation = '$relation' AND operation <> 'DDL' ORDER BY entry_id " . ($more // ''));
}
