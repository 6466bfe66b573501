-- 47 json: differences of JSON documents

CREATE OR REPLACE FUNCTION athar.json_patch(document jsonb, patch jsonb)
RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_json_patch';
COMMENT ON FUNCTION athar.json_patch(jsonb, jsonb) IS
'The document after a JSON patch (RFC 6902: an array of add, remove, replace, move, copy and test), all of it or none. Numbers are compared by value and come out as they were written. NULL for a NULL argument. Errors: AT010 where an operation does not apply to this document (its place is not there, a test finds another value); 22023 for what is no patch, and for removing the whole document; 54000 for a result beyond 256 MB; 54001 beyond the depth the server can take.';

CREATE OR REPLACE FUNCTION athar.json_diff(a jsonb, b jsonb)
RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_json_diff';
COMMENT ON FUNCTION athar.json_diff(jsonb, jsonb) IS
'The JSON patch (RFC 6902: add, remove and replace) that makes document b of document a: json_patch(a, json_diff(a, b)) = b. Empty where they are equal; numbers are compared by value. Elements of arrays are matched by a longest common subsequence, where the arrays that differ have at most 4 million pairs; of longer ones only the beginning and the end. NULL for a NULL argument.';
