-- json_patch: changes of documents as RFC 6902 has them
BEGIN;
SELECT plan(151);
SET LOCAL client_min_messages = warning;
\i test/data/json_patch.sql
CREATE FUNCTION pg_temp.outcome(document jsonb, patch jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	RETURN athar.json_patch(document, patch)::text;
EXCEPTION
	WHEN SQLSTATE 'AT010' THEN RETURN 'does not apply';
	WHEN invalid_parameter_value THEN RETURN 'no patch';
END $$;
SELECT CASE WHEN test ? 'error'
	THEN matches(pg_temp.outcome(test -> 'doc', test -> 'patch'), '^(does not apply|no patch)$', concat(test ->> 'id', ' is refused: ', test ->> 'error'))
	ELSE is(pg_temp.outcome(test -> 'doc', test -> 'patch'), coalesce(test ->> 'expected', pg_temp.outcome(test -> 'doc', '[]')), concat_ws(': ', test ->> 'id', test ->> 'comment')) END
FROM json_patch_case;

-- What does not apply is told apart from what is no patch, and named.
CREATE FUNCTION pg_temp.patched(patch text) RETURNS jsonb LANGUAGE SQL AS
$$SELECT athar.json_patch('{"title": "Permits", "items": [{"id": "A1"}, {"id": "A2"}], "a/b": {"m~n": 1}}', patch::jsonb)$$;
SELECT throws_ok($$SELECT pg_temp.patched('[{"op": "test", "path": "/title", "value": "Permits"}, {"op": "remove", "path": "/items/2"}]')$$, 'AT010', 'operation 2 of the patch does not apply: remove at "/items/2" leads to nothing', 'a place that is not there');
SELECT throws_ok($$SELECT pg_temp.patched('[{"op": "test", "path": "/title", "value": "Licences"}]')$$, 'AT010', 'operation 1 of the patch does not apply: test at "/title" finds another value', 'a test that fails');
SELECT throws_ok($$SELECT pg_temp.patched('[{"op": "add", "path": "/items/3", "value": 1}]')$$, 'AT010', 'operation 1 of the patch does not apply: add at "/items/3" is beyond the end of the array', 'a place beyond the end');
SELECT throws_ok($$SELECT pg_temp.patched('[{"op": "add", "path": "/items/01", "value": 1}]')$$, 'AT010', 'operation 1 of the patch does not apply: add at "/items/01" is no place in an array', 'a leading zero');
SELECT throws_ok($$SELECT pg_temp.patched('[{"op": "replace", "path": "/items/-", "value": 1}]')$$, 'AT010', 'operation 1 of the patch does not apply: replace at "/items/-" leads to nothing', 'the end holds nothing');
SELECT throws_ok($$SELECT pg_temp.patched('[{"op": "add", "path": "/title/x", "value": 1}]')$$, 'AT010', 'operation 1 of the patch does not apply: add at "/title/x" leads to nothing that could hold it', 'a text has no members');
SELECT throws_ok($$SELECT pg_temp.patched('[{"op": "move", "from": "/items", "path": "/items/0"}]')$$, '22023', 'operation 1 is none of a JSON patch: it moves something into itself', 'a move into itself');
SELECT throws_ok($$SELECT pg_temp.patched('[{"op": "remove", "path": ""}]')$$, '22023', 'operation 1 is none of a JSON patch: the whole document cannot be removed', 'no document left');
SELECT throws_ok($$SELECT pg_temp.patched('[{"op": "test", "path": "/a~2b", "value": 1}]')$$, '22023', 'operation 1 is none of a JSON patch: "/a~2b" is no JSON pointer', 'an escape that is none');
SELECT throws_ok($$SELECT pg_temp.patched('{"op": "remove", "path": "/title"}')$$, '22023', 'a JSON patch is an array of operations', 'an operation alone');
SELECT throws_ok($$SELECT pg_temp.patched('"remove"')$$, '22023', 'a JSON patch is an array of operations', 'a text');
SELECT throws_ok($$SELECT pg_temp.patched('["remove"]')$$, '22023', 'operation 1 is none of a JSON patch: it is no object', 'a text within');
SELECT throws_ok($$SELECT pg_temp.patched('[{"op": "Add", "path": "/x", "value": 1}]')$$, '22023', 'operation 1 is none of a JSON patch: "Add" is no operation', 'another operation');
SELECT is(pg_temp.patched('[{"op": "replace", "path": "/a~1b/m~0n", "value": 2}]') #> '{a/b,m~n}', '2', 'slashes and tildes are escaped');
SELECT is(pg_temp.patched('[{"op": "add", "path": "/items/1", "value": {"id": "A3"}}]') -> 'items', '[{"id": "A1"}, {"id": "A3"}, {"id": "A2"}]', 'an element comes before the one that is there');
SELECT is(pg_temp.patched('[{"op": "copy", "from": "", "path": "/copy"}, {"op": "remove", "path": "/copy/items"}]') -> 'copy', '{"title": "Permits", "a/b": {"m~n": 1}}', 'a copy of all within itself');
SELECT is(athar.json_patch(NULL, '[]'), NULL, 'no document');
SELECT is(athar.json_patch('[]', NULL), NULL, 'no patch');

-- Numbers are compared by value and come out as they were written.
SELECT is(athar.json_patch('{"a": 12345678901234567.89, "b": 1.10, "c": 9007199254740993, "d": 0.30000000000000004, "e": -0.0}', '[{"op": "test", "path": "/b", "value": 1.1}, {"op": "copy", "from": "/c", "path": "/f"}]')::text,
	'{"a": 12345678901234567.89, "b": 1.10, "c": 9007199254740993, "d": 0.30000000000000004, "e": 0.0, "f": 9007199254740993}', 'numbers stay exact');
SELECT is(length(athar.json_patch('[1e400, 1e-400]', '[{"op": "add", "path": "/-", "value": 1}]')::text), 401 + 402 + 7, 'of any size');
SELECT is(athar.json_diff('[1.0, 1e2]', '[1.00, 100]'), '[]', 'equal numbers are no difference');

-- A difference is a patch that makes one of the other.
SELECT is(athar.json_diff('{"title": "Permits", "old": 1, "items": [1, 2, 3, 4]}', '{"title": "Licences", "new": [], "items": [1, 3, 4, 5]}'),
	'[{"op": "add", "path": "/new", "value": []}, {"op": "remove", "path": "/old"}, {"op": "remove", "path": "/items/1"}, {"op": "add", "path": "/items/3", "value": 5}, {"op": "replace", "path": "/title", "value": "Licences"}]', 'a difference of each kind');
SELECT is(athar.json_diff('[{"id": 1, "v": 1}, {"id": 2}]', '[{"id": 1, "v": 2}, {"id": 2}]'), '[{"op": "replace", "path": "/0/v", "value": 2}]', 'within an element');
SELECT is(athar.json_diff('{"a": 1}', '[1]'), '[{"op": "replace", "path": "", "value": [1]}]', 'another kind of document');
SELECT is(athar.json_diff('null', 'null'), '[]', 'nothing');
SELECT is(athar.json_diff('{"a/b~c": 1}', '{}'), '[{"op": "remove", "path": "/a~1b~0c"}]', 'a name with a slash');
SELECT is(athar.json_diff(NULL, '1'), NULL, 'of nothing known');
CREATE FUNCTION pg_temp.document(depth integer) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
	RETURN CASE
		WHEN depth > 0 AND random() < 0.4 THEN (SELECT coalesce(jsonb_object_agg((ARRAY['', 'a', 'b', '/', '~1', 'é', 'id', '0', '-'])[1 + floor(9 * random())::integer], pg_temp.document(depth - 1)), '{}') FROM generate_series(1, floor(5 * random())::integer))
		WHEN depth > 0 AND random() < 0.6 THEN (SELECT coalesce(jsonb_agg(pg_temp.document(depth - 1)), '[]') FROM generate_series(1, floor(6 * random())::integer))
		ELSE (ARRAY['null', 'true', 'false', '0', '1', '1.50', '2e3', '""', '"a"', '"~/"', '"أثر"']::jsonb[])[1 + floor(11 * random())::integer] END;
END $$;
SELECT setseed(0.27);
CREATE TEMPORARY TABLE pair AS SELECT pg_temp.document(4) AS a, pg_temp.document(4) AS b FROM generate_series(1, 1500);
INSERT INTO pair SELECT a, athar.json_patch(a, jsonb_build_array(jsonb_build_object('op', 'add', 'path', '', 'value', b))) FROM pair LIMIT 10;
-- much the same: one array, with some elements gone and some new
INSERT INTO pair
SELECT jsonb_agg(v.v) FILTER (WHERE random() < 0.8), jsonb_agg(v.v) FILTER (WHERE random() < 0.8)
FROM generate_series(1, 300) AS n, LATERAL (SELECT to_jsonb(floor(random() * 20)) AS v FROM generate_series(1, 2 + n % 30)) AS v
GROUP BY n;
DELETE FROM pair WHERE a IS NULL OR b IS NULL;
SELECT cmp_ok((SELECT count(*) FROM pair WHERE a <> b AND jsonb_typeof(a) = jsonb_typeof(b) AND length(a::text) > 20), '>', 400::bigint, 'random documents of some substance');
SELECT is((SELECT count(*) FROM pair WHERE athar.json_patch(a, athar.json_diff(a, b)) IS DISTINCT FROM b), 0::bigint, 'json_patch(a, json_diff(a, b)) is b');
SELECT is((SELECT count(*) FROM pair WHERE (athar.json_diff(a, b) = '[]') <> (a = b)), 0::bigint, 'and nothing where they are equal');

-- What is deep, large or hostile.
SELECT is(athar.json_patch((repeat('[', 1000) || repeat(']', 1000))::jsonb, ('[{"op": "add", "path": "' || repeat('/0', 999) || '/-", "value": 7}]')::jsonb)::text, repeat('[', 1000) || '7' || repeat(']', 1000), '1,000 levels');
CREATE FUNCTION pg_temp.state_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN '00000';
EXCEPTION WHEN OTHERS THEN
	RETURN sqlstate;
END $$;
SELECT is(pg_temp.state_of(format('SELECT athar.json_patch(''[]'', ''[{"op": "add", "path": "%s/-", "value": 7}]'')', repeat('/0', 10001))), '22023', 'a path of more than 10,000 levels');
SELECT is(length(athar.json_patch(d.document, format('[{"op": "add", "path": "%2$s/-", "value": %1$s}, {"op": "add", "path": "%2$s%2$s/0/-", "value": %1$s}]', d.document, repeat('/0', 3999))::jsonb)::text), 24000, '12,000 levels, deeper than one can be read in')
FROM (SELECT (repeat('[', 4000) || repeat(']', 4000))::jsonb AS document) AS d;
SELECT set_config('max_stack_depth', '7MB', true);
SET LOCAL statement_timeout = '20s';
SELECT is(athar.json_patch(d.a, p.patch), d.b, '10,000 levels of ' || d.shape)
FROM (SELECT s.shape, (repeat(s.prefix, 10000) || 1 || repeat(s.suffix, 10000))::jsonb AS a, (repeat(s.prefix, 10000) || 2 || repeat(s.suffix, 10000))::jsonb AS b FROM (VALUES ('maps', '{"a":', '}'), ('arrays', '[', ']')) AS s (shape, prefix, suffix)) AS d,
	athar.json_diff(d.a, d.b) AS p (patch)
WHERE jsonb_array_length(p.patch) = 1;
-- Elements that are the same are compared once with each other, and not in all pairs.
SELECT is(athar.json_diff(jsonb_build_array(1) || e.same || '[2]', jsonb_build_array(3) || e.same || '[4]'), '[{"op": "replace", "path": "/0", "value": 3}, {"op": "replace", "path": "/1990", "value": 4}]', 'long elements, all the same')
FROM (SELECT jsonb_agg(array_fill(n / 100000, ARRAY[500])) AS same FROM generate_series(1, 1989) AS n) AS e;
RESET statement_timeout;
SELECT set_config('max_stack_depth', '2MB', true);
-- Chains of 9,000 levels, each hung below the end of the next.
CREATE FUNCTION pg_temp.chained(chains integer, op text) RETURNS jsonb LANGUAGE SQL AS $$
SELECT jsonb_agg(o ORDER BY n, step)
FROM generate_series(1, chains) AS n, generate_series(1, 4) AS step,
LATERAL (SELECT (repeat('{"a": ', 3000) || '{}' || repeat('}', 3000))::jsonb AS value, '/' || n AS path) AS v,
LATERAL (SELECT CASE WHEN step < 4 THEN jsonb_build_object('op', 'add', 'path', path || repeat('/a', 3000 * (step - 1)), 'value', value)
	ELSE jsonb_build_object('op', op, 'from', '/' || (n - 1), 'path', path || repeat('/a', 9000)) END AS o) AS made
WHERE n > 1 OR step < 4
$$;
SELECT is(pg_temp.state_of($$SELECT athar.json_patch('{}', pg_temp.chained(40, 'move') || '[{"op": "test", "path": "/none", "value": 1}]')$$), '54000', 'chains moved below each other');
SELECT is(pg_temp.state_of($$SELECT athar.json_patch('{}', pg_temp.chained(2, 'move') || '[{"op": "test", "path": "/none", "value": 1}]')$$), 'AT010', 'two of them may be');
SELECT is(pg_temp.state_of($$SELECT athar.json_patch(jsonb_build_object('a', repeat('x', 1000000)), (SELECT jsonb_agg(jsonb_build_object('op', 'copy', 'from', '', 'path', '/b')) FROM generate_series(1, 60) AS n))$$), '54000', 'copies of copies');
SELECT is(pg_temp.state_of($$SELECT athar.json_patch((SELECT jsonb_agg('[]'::jsonb) FROM generate_series(1, 200000) AS n), (SELECT jsonb_agg('{"op": "copy", "from": "", "path": "/0"}'::jsonb) FROM generate_series(1, 29) AS n))$$), '54000', 'copies of what is small in jsonb and large as a tree');
SELECT ok((SELECT athar.json_patch(d, athar.json_diff(d, '[]')) = '[]' AND athar.json_patch('[]', athar.json_diff('[]', d)) = d FROM (SELECT jsonb_agg(n) AS d FROM generate_series(1, 20000) AS n) AS d), 'an array of 20,000');
CREATE FUNCTION pg_temp.memory() RETURNS bigint LANGUAGE SQL AS
$$SELECT (regexp_match(pg_read_file('/proc/self/status', 0, 10000), 'RssAnon:\s+(\d+)'))[1]::bigint$$;
DO $$ BEGIN PERFORM set_config('json.document', (SELECT jsonb_object_agg('key ' || n, repeat('value', 20))::text FROM generate_series(1, 200) AS n), false); END $$;
CREATE FUNCTION pg_temp.fail_often(times integer) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	document jsonb := current_setting('json.document');
BEGIN
	FOR i IN 1..times LOOP
		BEGIN
			PERFORM athar.json_patch(document, '[{"op": "copy", "from": "", "path": "/copy"}, {"op": "move", "from": "/copy", "path": "/key 1/x"}]');
		EXCEPTION WHEN SQLSTATE 'AT010' THEN NULL;
		END;
	END LOOP;
END $$;
SELECT pg_temp.fail_often(500);
SELECT pg_temp.memory() AS before \gset
SELECT pg_temp.fail_often(5000);
SELECT cmp_ok(pg_temp.memory() - :before, '<', 4000::bigint, 'what fails leaves no memory behind');

-- far below what a walk for every operation takes
SET LOCAL statement_timeout = '30s';
SELECT is(jsonb_array_length(athar.json_patch('[]', (SELECT jsonb_agg(jsonb '{"op": "add", "path": "/-", "value": 1}') FROM generate_series(1, 100000)))), 100000, 'the end of an array is not looked for');
RESET statement_timeout;

SELECT * FROM finish();
ROLLBACK;
