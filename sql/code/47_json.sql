-- 47 json: differences of JSON documents

CREATE OR REPLACE FUNCTION athar.json_patch(document jsonb, patch jsonb)
RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_json_patch';
COMMENT ON FUNCTION athar.json_patch(jsonb, jsonb) IS
'The document after a JSON patch (RFC 6902: an array of add, remove, replace, move, copy and test), all of it or none. Numbers are compared by value and come out as they were written. NULL for a NULL argument. Errors: AT010 where an operation does not apply to this document (its place is not there, a test finds another value); 22023 for what is no patch, and for removing the whole document; 54000 where the document and all that the patch puts in take more than 512 MB in memory, or more than 20,000 levels; 54001 beyond the depth the server can take.
An operation looks for each place from the beginning of its array or object, but adds at the end of an array ("/list/-") at once: a hundred thousand operations far inside one list of as many take minutes, and can be cancelled.';

CREATE OR REPLACE FUNCTION athar.json_diff(a jsonb, b jsonb)
RETURNS jsonb
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_json_diff';
COMMENT ON FUNCTION athar.json_diff(jsonb, jsonb) IS
'The JSON patch (RFC 6902: add, remove and replace) that makes document b of document a: json_patch(a, json_diff(a, b)) = b. Empty where they are equal; numbers are compared by value. Elements of arrays are matched by a longest common subsequence, where the arrays that differ have at most 4 million pairs; of longer ones only the beginning and the end. NULL for a NULL argument. 54001 beyond the depth the server can take.';

CREATE OR REPLACE FUNCTION athar.json_merge3(
	base jsonb, ours jsonb, theirs jsonb, rules jsonb DEFAULT '{}', answers jsonb DEFAULT '[]',
	OUT merged jsonb, OUT conflicts jsonb)
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_json_merge3';
COMMENT ON FUNCTION athar.json_merge3(jsonb, jsonb, jsonb, jsonb, jsonb) IS
'Two versions of a document, made of the same base, into one: what one side changed is taken, what both changed alike is taken once, and what they changed differently is a conflict, where merged keeps what base has. With ours and theirs exchanged the conflicts are, and nothing else.
rules: an object of paths (/items, /items/*/due: * is any name or id) and how the value there is merged: keyed:KEY, a list of items told apart by that member; set; atomic, one value; ref:PATH and refset:PATH, the id of an item of the list at PATH, or a set of such. Objects are maps, member by member; an array without a rule is keyed by id if every item on every side has one of its own, else one value. Ids are compared as text, as paths write them: 1, 1.0 and "1" are one id.
conflicts: an array, empty if there is none, of {"path", "kind", "base", "ours", "theirs"}, without the sides where there is no value; ids stand for items in a path. Kinds, ours first: edit/edit, add/add, edit/delete, delete/edit (with "fields", what was changed of an object), move/move (the sides are the id of the item before it that nobody moved, null for none), dangling (the value refers to items, "ids", that the other side deleted), cycle (references that together lead back, "ids"); the last two stay in merged, and are not told where the value, or what holds it, is in conflict itself.
answers: conflicts as they were told, each with a "resolution": ours, theirs, base, or value with a "value". The conflict is then settled so, and not told; an answer counts only while kind, path, all sides and ids are what they were. Settling a dangling reference for the side that made it brings back what it refers to, for the other side takes it away; a cycle takes that side''s references; where a deleted item stays, it stands where base had it. An answer of kind invalid, whatever made it, sets the value at its path.
Numbers are compared by value and come out as somebody wrote them. NULL for a NULL argument. Errors: 22023 for a rule or an answer that is none, and for a keyed list whose items do not all have a key of their own; 54000 where the paths of the conflicts take more than 256 MB; 54001 beyond the depth the server can take.';
