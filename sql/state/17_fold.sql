-- 17 fold: words to be found however they were typed, in Arabic and English

CREATE FUNCTION athar.fold(text)
RETURNS text
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_fold';
COMMENT ON FUNCTION athar.fold(text) IS
'The text in the one form in which Arabic is compared, however it was typed: without vowel signs, tatweel and marks of direction; every alef as bare alef, alef maqsura and hamza on ya as ya, hamza on waw as waw, ta marbuta as ha, Persian ya and kaf as the Arabic ones, Arabic digits as 0 to 9. Everything else stays as it is, letter case, too. For comparing, not for showing. NULL for NULL.';

CREATE FUNCTION athar.arabic_lexize(internal, internal, internal, internal)
RETURNS internal
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'athar_arabic_lexize';
COMMENT ON FUNCTION athar.arabic_lexize(internal, internal, internal, internal) IS
'What the text search template arabic does with a word.';

CREATE TEXT SEARCH TEMPLATE athar.arabic (LEXIZE = athar.arabic_lexize);
COMMENT ON TEXT SEARCH TEMPLATE athar.arabic IS
'Arabic words, folded, without article and common endings; a word that begins with waw also without it';

CREATE TEXT SEARCH DICTIONARY athar.arabic (TEMPLATE = athar.arabic);
COMMENT ON TEXT SEARCH DICTIONARY athar.arabic IS
'Arabic words as they are searched; see the template';

CREATE TEXT SEARCH CONFIGURATION athar.words (COPY = pg_catalog.english);
ALTER TEXT SEARCH CONFIGURATION athar.words
	ALTER MAPPING FOR word, hword, hword_part WITH athar.arabic;
COMMENT ON TEXT SEARCH CONFIGURATION athar.words IS
'Texts in English and Arabic together: words in ASCII letters are reduced as English ones are, words in others as Arabic ones. Texts are folded first: words_of() and query_of() do both';

CREATE FUNCTION athar.words_of(document text)
RETURNS tsvector
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN to_tsvector('athar.words', athar.fold(document));
COMMENT ON FUNCTION athar.words_of(text) IS
'The words of a text in English, Arabic or both, as they are searched: folded (fold()) and reduced to their stems. NULL for NULL. 54000 for a text of more than a megabyte of different words.';

CREATE FUNCTION athar.query_of(query text)
RETURNS tsquery
LANGUAGE SQL IMMUTABLE STRICT PARALLEL SAFE
RETURN websearch_to_tsquery('athar.words', regexp_replace(
	athar.fold(CASE WHEN char_length(query) > 10000 THEN regexp_replace(left(query, 10000), '\S+$', '') ELSE query END),
	-- a line of dashes: the server takes each for "not", and has no room for more than a few
	'-([[:space:]!&|():*<>]*-)+', ' ', 'g'));
COMMENT ON FUNCTION athar.query_of(text) IS
'What a person typed into a search box, for words_of(document) @@ query_of(query): all words must be there; "in quotes" one after the other; or between two; - before one that must not be there; more dashes in a row are no sign. Of a longer text the words within the first 10,000 characters are asked for. Never raises for what was typed. NULL for NULL.';
