-- fold: Arabic as people type it, found as they mean it
BEGIN;
SELECT plan(31);

SELECT is(athar.fold('الإِدَارَةُ الأُولى لخدمـة المسؤول'), 'الاداره الاولي لخدمه المسوول', 'vowel signs, tatweel, hamza, alef maqsura and ta marbuta');
SELECT is(athar.fold('آٱأإا ىئیي ؤو ةه کك ٠١٢٣٤٥٦٧٨٩ ۰۹'), 'ااااا يييي وو هه كك 0123456789 09', 'letters that are written for one another');
SELECT is(athar.fold(E'a\u200Eb\u202Ec\uFEFFd'), 'abcd', 'marks of direction are no letters');
SELECT is(athar.fold('Licence Für naïve 😀 東京 ' || chr(10)), 'Licence Für naïve 😀 東京 ' || chr(10), 'other scripts stay as they are');
SELECT is(athar.fold(''), '', 'an empty text');
SELECT is(athar.fold(NULL), NULL, 'NULL');
SELECT is(athar.fold(athar.fold('الإِدَارَةُ')), athar.fold('الإِدَارَةُ'), 'folding twice is folding once');
SELECT is(length(athar.fold(repeat('إِ', 1000000))), 1000000, 'a long text');

-- one word in the forms in which it is written
CREATE TEMP TABLE form (word text, lexeme text);
INSERT INTO form VALUES ('خدمة', 'خدم'), ('الخدمة', 'خدم'), ('خدمات', 'خدم'), ('الخدمات', 'خدم'), ('للخدمة', 'خدم'), ('بالخدمة', 'خدم'), ('والخدمه', 'خدم'),
	('خِدْمَة', 'خدم'), ('الإجراءات', 'اجراء'), ('اجراء', 'اجراء'), ('المسؤولون', 'مسوول'), ('إلكترونية', 'كترون'), ('الإلكتروني', 'كترون'), ('للإلغاء', 'غاء'), ('إلغاء', 'غاء');
SELECT is_empty($$SELECT word, athar.words_of(word) FROM form WHERE NOT athar.words_of(word) @@ lexeme::tsquery$$, 'forms of a word are one word');
SELECT is_empty($$SELECT a.word, b.word FROM form a JOIN form b USING (lexeme) WHERE NOT athar.words_of(a.word) @@ athar.query_of(b.word)$$, 'each finds the others');
SELECT ok(athar.words_of('قررت الوزارة') @@ athar.query_of('وزارة'), 'a word that begins with waw is found with its article');
SELECT ok(athar.words_of('الرسوم والخدمات وتجديد الرخصة') @@ athar.query_of('تجديد'), 'and one behind "and"');
SELECT ok(NOT athar.words_of('بطاقة') @@ athar.query_of('طاقة'), 'other letters are part of their words');
SELECT ok(NOT athar.words_of('ماء') @@ athar.query_of('مال'), 'short words stay apart');
SELECT ok(athar.words_of('the fees were changed') @@ athar.query_of('change fee'), 'English words in their forms');
SELECT ok(athar.words_of('رسوم 2026 for licences') @@ athar.query_of('الرسوم ٢٠٢٦ licence'), 'both languages and digits in one question');
SELECT ok(athar.words_of('due date moved') @@ athar.query_of('"due date" -paid'), 'phrases and exclusions');
SELECT ok(NOT athar.words_of('date due') @@ athar.query_of('"due date"'), 'a phrase is in its order');
SET LOCAL client_min_messages = error;
SELECT lives_ok(format('SELECT athar.query_of(%L)', q), 'never raises: ' || left(q, 20))
FROM unnest(ARRAY['((&|!:* ''" ', E'a\u0001b\u202E', repeat('و', 3000), repeat('-', 100) || 'a', repeat('- (', 100), '-&|!:*<>' || repeat('-', 50), repeat('word ', 50000),
	repeat('"a-b/c.d -e ', 50000), repeat('w', 1000000)]) AS q;
SELECT is(athar.query_of('fee ----- --x -y z--w')::text, $$'fee' & 'x' & !'y' & 'z' & 'w'$$, 'a line of dashes is none of a sign');
SELECT is(athar.query_of(repeat('fee ', 2499) || 'fed feet'), athar.query_of(repeat('fee ', 2499) || 'fed'), 'a long text is asked for from its beginning');
SELECT is(athar.query_of(repeat('fee ', 2499) || 'f feed'), athar.query_of(repeat('fee ', 2499) || 'f'), 'and no word of it in part');
SELECT is(athar.words_of(NULL), NULL, 'words of NULL');

SELECT * FROM finish();
ROLLBACK;
