\pset footer off
\pset null '-'
\pset linestyle unicode
\pset border 1
\echo
\echo '6. WAS THE LOG TOUCHED?'
\echo 'Every ten minutes a job seals what is new: one more batch of leaves in a hash tree. Its root stands for every entry so far.'
SELECT s.batch, s.leaves, s.tree_size, encode(s.root, 'hex') AS root FROM athar.seal() AS s;
\echo 'The checkpoint, three lines to be kept where nobody of this department can reach it:'
\pset tuples_only on
\pset format unaligned
SELECT athar.checkpoint();
\pset format aligned
\pset tuples_only off
\echo 'And is the log of the published figures complete, or was something written past it?'
SELECT t.relation, t.is_capturing, t.is_complete, t.row_count AS rows, t.entry_count AS "entries replayed"
FROM athar.tracking_status('published_figure') AS t;
