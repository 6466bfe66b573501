\pset footer off
\pset null '-'
\pset linestyle unicode
\pset border 1
\echo 'The copy answers to the checkpoint of the original:'
SELECT count(*) FILTER (WHERE v.ok) AS "checks passed", count(*) FILTER (WHERE NOT v.ok) AS failed
FROM athar.verify_log(anchors => ARRAY[:'checkpoint']) AS v;
\echo 'In the copy, a superuser now switches the guard off and puts another name to a correction:'
\o /dev/null
SET session_replication_role = replica;
ALTER TABLE athar.log_transaction DISABLE TRIGGER ALL;
UPDATE athar.log_transaction SET actor = 'somebody else' WHERE actor = 'editor-02' AND reason LIKE 'Add Q1 2016%';
\o
SELECT v."check", v.ok, v.detail FROM athar.verify_log(anchors => ARRAY[:'checkpoint']) AS v WHERE NOT v.ok;
